/* Weighted centroids of the sample. */
#ifndef BESTFIT_SRC_SKETCH_KMEANS_H
#define BESTFIT_SRC_SKETCH_KMEANS_H

#include "base/error.h"
#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"

/* Fills the sketch's centroids from rows[n_rows][n_columns] of the view. Means and left_out must be set. Fewer than 16
 * rows: none. Each centroid is the mean of at least BF__MIN_CENTROID_ROWS rows. */
bf_status bf__kmeans(const bf__kernels *kernels, const float *rows, uint32_t n_rows, bf_sketch *sketch,
                     uint32_t n_threads, bf_error *err);

#endif
