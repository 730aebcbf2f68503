/* Inner loops of the sketch, compiled once plainly and, on x86-64, once for AVX2. All give equal bits: every sum has a
 * fixed order that does not depend on the width of a register, and nothing is contracted or reassociated. */
#ifndef BESTFIT_SRC_SKETCH_KERNELS_H
#define BESTFIT_SRC_SKETCH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BF__CROSS_ROWS 8u   /* rows that cross() adds at once */
#define BF__CROSS_PAD 4u    /* its columns are padded to a multiple of this */
#define BF__ASSIGN_PAD 32u  /* centroids in nearest() are padded to a multiple of this */
#define BF__LANES 8u        /* rows in distances() are padded to a multiple of this */
#define BF__MISSING_BIN 256 /* what bins() writes for a missing cell */

typedef struct bf__kernels {
  const char *name; /* "scalar", "avx2" */

  /* Returns how many of x[n] are not finite; *min, *max of the others, untouched where there are none. Never -0. */
  size_t (*range)(const float *x, size_t n, float *min, float *max);
  /* out[i] = floor(x[i] / 2^exponent) - base, BF__MISSING_BIN where not finite. |x / 2^exponent| must be at most 2^24.
   * Returns whether every finite cell is a multiple of 2^exponent. */
  bool (*bins)(const float *x, size_t n, int exponent, int32_t base, int32_t *out);
  /* out = sign(x) ln(1 + |x|), 0 where not finite; absolute error below 1e-13. */
  void (*log_cells)(const float *x, size_t n, double *out);
  /* acc[row][64] += sum over i < n of x[row][i] signs[i][64], in the order of i; x has rows of x_stride. */
  void (*project)(const double *x, size_t n_rows, size_t x_stride, size_t n, const double *signs, double *acc);
  /* acc[j] += x[i], or -x[i] where bit j of bits[i] is 1, in the order of i < n, for j < n_columns (a multiple of 16,
   * at most 64). */
  void (*project_bits)(const double *x, const uint64_t *bits, size_t n, size_t n_columns, double *acc);
  /* acc[i] += weight * x[i * stride], missing cells as 0. */
  void (*add_scaled)(double *acc, const float *x, size_t n, size_t stride, double weight);
  /* Over rows[n_rows][n]: count, sum, min and max of the finite cells of each column, added to what is there. */
  void (*column_sums)(const float *rows, size_t n_rows, size_t n, double *count, double *sum, float *min, float *max);
  /* m2[j] += sum of (x - mean[j])^2 over the finite cells. */
  void (*column_squares)(const float *rows, size_t n_rows, size_t n, const double *mean, double *m2);
  /* d = x - shift and present = 1, both 0 where not finite; n columns. */
  void (*deviations)(const float *x, size_t n, const double *shift, double *d, double *present);
  /* acc[i][j] += sum over BF__CROSS_ROWS rows of u[row][i] v[row][j] for i < n and j <= i (or all j where `full`);
   * u, v and acc have rows of `stride` (a multiple of BF__CROSS_PAD, the surplus zero). */
  void (*cross)(const double *u, const double *v, size_t n, size_t stride, bool full, double *acc);
  /* One step of Welford's mean and sum of squares for each of n columns; missing cells leave them. */
  void (*welford)(const float *x, size_t n, double *count, double *mean, double *m2);
  /* best[i] = min(best[i], squared distance of rows[i] to centre); stride a multiple of BF__LANES. */
  void (*distances)(const float *rows, size_t n_rows, size_t stride, const float *centre, float *best);
  /* out[i]: the centroid nearest to rows[i], the lowest number among equals. centres is transposed,
   * [n_columns][n_padded]; half[n_padded] are half the squared norms, the largest float for padding. */
  void (*nearest)(const float *rows, size_t n_rows, size_t stride, size_t n_columns, const float *centres,
                  const float *half, size_t n_padded, uint32_t *out);
} bf__kernels;

const bf__kernels *bf__kernels_scalar(void);
/* The fastest that this processor runs; the plain ones where the environment says BESTFIT_SIMD=scalar. */
const bf__kernels *bf__kernels_choose(void);

#endif
