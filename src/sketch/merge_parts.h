/* Parts of two sketches put together; each reads a and b and writes to `out`, whose schema is set. Symmetric in a and b
 * but for rounding. */
#ifndef BESTFIT_SRC_SKETCH_MERGE_PARTS_H
#define BESTFIT_SRC_SKETCH_MERGE_PARTS_H

#include "base/error.h"
#include "sketch/sketch_data.h"

/* Counts, means, variances, extremes, quantiles, covariance. */
bf_status bf__merge_view(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err);
/* After bf__merge_view(). */
bf_status bf__merge_centroids(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err);
bf_status bf__merge_partitions(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err);
/* None where neither side has words. */
bf_status bf__merge_words(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err);

#endif
