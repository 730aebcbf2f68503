/* Counts, means, variances, extremes and covariance of the view's columns in one pass. */
#ifndef BESTFIT_SRC_SKETCH_MOMENTS_H
#define BESTFIT_SRC_SKETCH_MOMENTS_H

#include "base/error.h"
#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"

#define BF__BLOCK_ROWS 1024u /* rows [1024 b, 1024 b + 1024) are block b, however they arrive */
#define BF__SLICE_BLOCKS 17u /* blocks that may be given at once */

typedef struct bf__moments bf__moments;

/* Minima and maxima are the min_count-th values. */
bf_status bf__moments_create(uint32_t n_columns, uint32_t min_count, const bf__kernels *kernels, bf__moments **out,
                             bf_error *err);
void bf__moments_free(bf__moments *m);
/* Adds consecutive blocks, each blocks[i][n_rows][n_columns]; all but the dataset's last block have BF__BLOCK_ROWS
 * rows. */
void bf__moments_add(bf__moments *m, const float *const *blocks, size_t n_blocks, size_t n_rows, uint32_t n_threads);
/* Writes count, missing, mean, variance, min and max of sketch->columns, left_out and covariance (all allocated). */
void bf__moments_finish(const bf__moments *m, bf_sketch *sketch);

/* To float32, saturating at the largest finite value. */
float bf__to_float(double x);

#endif
