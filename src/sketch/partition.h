/* Histograms of the raw cells of 64 row buckets, on power-of-two grids that widen by joining bins. */
#ifndef BESTFIT_SRC_SKETCH_PARTITION_H
#define BESTFIT_SRC_SKETCH_PARTITION_H

#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"

/* One bucket in work. */
typedef struct bf__bucket {
  uint64_t rows, count;
  float min, max; /* meaningless where count is 0 */
  int32_t exponent, base;
  bool lattice;
  uint64_t counts[BF__PARTITION_BINS + 1]; /* the last: missing cells */
} bf__bucket;

/* The bucket of a row. */
uint32_t bf__bucket_of_row(uint64_t seed, uint64_t row);
/* Adds the n cells of one row. */
void bf__bucket_add(bf__bucket *b, const bf__kernels *kernels, const float *cells, size_t n);
/* The same where the number of finite cells and their extremes are known. */
void bf__bucket_add_range(bf__bucket *b, const bf__kernels *kernels, const float *cells, size_t n, size_t n_finite,
                          float min, float max);
/* As if every cell below `low` had been `low` and every one above `high` had been `high`, on the grid that is there. */
void bf__bucket_clamp(bf__bucket *b, float low, float high);
/* Adds `from` to `to`. */
void bf__bucket_merge(bf__bucket *to, const bf__bucket *from);

/* floor(x / 2^exponent) for a finite float32 x, exactly; |x / 2^exponent| must be below 2^62. */
int64_t bf__grid_floor(double x, int exponent);
/* The exponent of the last bit of the largest of two float32 values. */
int bf__grid_finest(double min, double max);
/* The finest exponent whose grid has at most BF__PARTITION_BINS bins from min to max and resolves no less than float32.
 */
int bf__grid_exponent(double min, double max);
/* Bins of the grid 2^exponent from min to max. */
int64_t bf__grid_bins(double min, double max, int exponent);
/* `from` on a grid 2^exponent at least as coarse; to->counts must hold from->n_bins. */
void bf__partition_coarsen(const bf__partition *from, int exponent, bf__partition *to);

#endif
