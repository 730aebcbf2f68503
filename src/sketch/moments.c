/* Moments of the view's columns.
 *
 * Rows are cut into blocks of 1,024 by their number. A block gives each column's count, mean and sum of squares about
 * its own mean (two passes over rows that are still in cache); blocks are merged in order by the formulas of Chan,
 * Golub and LeVeque (1979). So the result depends neither on threads nor on how the reader cuts batches, and its
 * rounding error does not grow with the offset of the data.
 *
 * Co-moments are needed for rows in which a missing cell takes its column's final mean, which is known only at the end.
 * Write d = x - s with a shift s per column (the mean of the first block that has a finite cell there), d = 0 and p = 0
 * where missing, p = 1 elsewhere. One pass gathers, over all rows, S_jk = sum d_j d_k,    A_jk = sum d_j p_k,    N_jk =
 * sum p_j p_k, and with a = mean - s the wanted sum over the rows where both are present is, exactly, sum (x_j -
 * mean_j)(x_k - mean_k) = S_jk - a_k A_jk - a_j A_kj + a_j a_k N_jk, to which rows with a missing cell add 0, as they
 * should. A block without missing cells needs only S, since there A_jk is the column's sum of d_j and N_jk its number
 * of rows; that is the fast path. The shift loses little: the first block's own contribution bounds (mean - s)^2 by
 * variance * rows / 1024, so the relative error from cancellation is below rows / 1024 * 2^-53. */
#include "sketch/moments.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "sketch/extremes.h"

typedef struct block {
  const float *rows;
  bool missing;
  double *count, *sum, *mean, *m2; /* [n] */
  float *min, *max;                /* [n] */
  double *s, *a, *n;               /* [n][stride]; a and n only where cells are missing */
} block;

struct bf__moments {
  const bf__kernels *kernels;
  uint32_t n_columns;
  size_t stride; /* columns, padded */
  uint64_t rows;
  size_t block_rows; /* of the blocks in work */
  double *count, *mean, *m2, *shift, *full_sum;
  float *min, *max;
  bf__extremes *extremes; /* [n_columns] */
  uint64_t full_rows;     /* rows of blocks without missing cells; full_sum is their sum of d */
  double *s, *a, *n;
  block blocks[BF__SLICE_BLOCKS];
  double *memory;
};

float bf__to_float(double x) {
  if (x > (double)FLT_MAX) return FLT_MAX;
  if (x < -(double)FLT_MAX) return -FLT_MAX;
  return (float)x + 0.0f;
}

bf_status bf__moments_create(uint32_t n_columns, uint32_t min_count, const bf__kernels *kernels, bf__moments **out,
                             bf_error *err) {
  *out = NULL;
  bf__moments *m = bf__alloc(1, sizeof *m);
  if (!m) return bf__error_memory(err, sizeof *m);
  m->kernels = kernels;
  m->n_columns = n_columns;
  m->stride = (n_columns + BF__CROSS_PAD - 1) / BF__CROSS_PAD * BF__CROSS_PAD;
  /* n_columns <= 96: 3.9 MB at most */
  size_t square = m->stride * m->stride, stride = m->stride;
  size_t one_block = 4 * stride + stride + 3 * square, totals = 5 * stride + stride + 3 * square;
  size_t n_doubles = totals + BF__SLICE_BLOCKS * one_block;
  m->memory = bf__alloc(n_doubles, sizeof *m->memory);
  m->extremes = bf__alloc(n_columns, sizeof *m->extremes);
  if (!m->memory || !m->extremes) {
    bf__moments_free(m);
    return bf__error_memory(err, n_doubles * sizeof(double));
  }
  double *p = m->memory;
  double **vectors[] = {&m->count, &m->mean, &m->m2, &m->shift, &m->full_sum};
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++, p += stride) *vectors[i] = p;
  m->min = (float *)p;
  m->max = m->min + stride;
  p += stride;
  double **squares[] = {&m->s, &m->a, &m->n};
  for (size_t i = 0; i < 3; i++, p += square) *squares[i] = p;
  for (size_t b = 0; b < BF__SLICE_BLOCKS; b++) {
    block *k = &m->blocks[b];
    double **v[] = {&k->count, &k->sum, &k->mean, &k->m2}, **q[] = {&k->s, &k->a, &k->n};
    for (size_t i = 0; i < 4; i++, p += stride) *v[i] = p;
    k->min = (float *)p;
    k->max = k->min + stride;
    p += stride;
    for (size_t i = 0; i < 3; i++, p += square) *q[i] = p;
  }
  for (size_t j = 0; j < n_columns; j++) m->extremes[j].limit = min_count;
  for (size_t j = 0; j < stride; j++) {
    m->min[j] = INFINITY;
    m->max[j] = -INFINITY;
  }
  *out = m;
  return BF_OK;
}

void bf__moments_free(bf__moments *m) {
  if (!m) return;
  free(m->memory);
  free(m->extremes);
  free(m);
}

static void sum_block(void *context, size_t item, uint32_t worker) {
  (void)worker;
  bf__moments *m = context;
  block *b = &m->blocks[item];
  size_t n = m->n_columns;
  memset(b->count, 0, 4 * m->stride * sizeof(double)); /* count, sum, mean, m2 */
  for (size_t j = 0; j < n; j++) {
    b->min[j] = INFINITY;
    b->max[j] = -INFINITY;
  }
  m->kernels->column_sums(b->rows, m->block_rows, n, b->count, b->sum, b->min, b->max);
  b->missing = false;
  for (size_t j = 0; j < n; j++) {
    b->missing = b->missing || b->count[j] < (double)m->block_rows;
    b->mean[j] = b->count[j] > 0 ? b->sum[j] / b->count[j] : 0.0;
  }
  m->kernels->column_squares(b->rows, m->block_rows, n, b->mean, b->m2);
}

/* Chan et al. (1979); columns without a shift yet take it from the first block that has finite cells. */
static void merge_sums(bf__moments *m, const block *b) {
  for (size_t j = 0; j < m->n_columns; j++) {
    double na = m->count[j], nb = b->count[j];
    if (nb == 0) continue;
    if (na == 0) {
      m->shift[j] = b->mean[j];
      m->mean[j] = b->mean[j];
      m->m2[j] = b->m2[j];
    } else {
      double n = na + nb, d = b->mean[j] - m->mean[j];
      m->mean[j] += d * (nb / n);
      m->m2[j] += b->m2[j] + d * d * (na * nb / n);
    }
    m->count[j] = na + nb;
    if (b->min[j] < m->min[j]) m->min[j] = b->min[j];
    if (b->max[j] > m->max[j]) m->max[j] = b->max[j];
    /* Seldom after the first blocks. */
    if (bf__extremes_want(&m->extremes[j], b->min[j], b->max[j])) {
      bf__extremes_add(&m->extremes[j], b->rows + j, m->block_rows, m->n_columns);
    }
  }
}

static void cross_block(void *context, size_t item, uint32_t worker) {
  (void)worker;
  bf__moments *m = context;
  block *b = &m->blocks[item];
  const size_t n = m->n_columns, stride = m->stride, square = stride * stride;
  double d[BF__CROSS_ROWS * BF__MAX_VIEW_COLUMNS] = {0}, present[BF__CROSS_ROWS * BF__MAX_VIEW_COLUMNS] = {0};
  memset(b->s, 0, (b->missing ? 3 : 1) * square * sizeof(double)); /* s, a, n follow each other */
  memset(b->sum, 0, stride * sizeof(double));
  for (size_t r = 0; r < m->block_rows; r += BF__CROSS_ROWS) {
    size_t left = m->block_rows - r;
    if (left < BF__CROSS_ROWS) {
      memset(d, 0, sizeof d);
      memset(present, 0, sizeof present);
    } else {
      left = BF__CROSS_ROWS;
    }
    for (size_t i = 0; i < left; i++) {
      m->kernels->deviations(b->rows + (r + i) * n, n, m->shift, d + i * stride, present + i * stride);
      for (size_t j = 0; j < n; j++) b->sum[j] += d[i * stride + j];
    }
    m->kernels->cross(d, d, n, stride, false, b->s);
    if (!b->missing) continue;
    m->kernels->cross(d, present, n, stride, true, b->a);
    m->kernels->cross(present, present, n, stride, false, b->n);
  }
}

static void merge_cross(bf__moments *m, const block *b) {
  const size_t square = m->stride * m->stride;
  for (size_t i = 0; i < square; i++) m->s[i] += b->s[i];
  if (b->missing) {
    for (size_t i = 0; i < square; i++) {
      m->a[i] += b->a[i];
      m->n[i] += b->n[i];
    }
    return;
  }
  for (size_t j = 0; j < m->n_columns; j++) m->full_sum[j] += b->sum[j];
  m->full_rows += m->block_rows;
}

void bf__moments_add(bf__moments *m, const float *const *blocks, size_t n_blocks, size_t n_rows, uint32_t n_threads) {
  for (size_t done = 0; done < n_blocks;) {
    size_t n = n_blocks - done < BF__SLICE_BLOCKS ? n_blocks - done : BF__SLICE_BLOCKS;
    m->block_rows = n_rows;
    for (size_t i = 0; i < n; i++) m->blocks[i].rows = blocks[done + i];
    bf__parallel_for(n, n_threads, sum_block, m);
    for (size_t i = 0; i < n; i++) merge_sums(m, &m->blocks[i]);
    bf__parallel_for(n, n_threads, cross_block, m);
    for (size_t i = 0; i < n; i++) merge_cross(m, &m->blocks[i]);
    m->rows += n * n_rows;
    done += n;
  }
}

static void finish_column(const bf__moments *m, size_t j, bf__sketch_column *c) {
  c->count = (uint64_t)m->count[j];
  c->missing = m->rows - c->count;
  if (c->count == 0) return;
  const float min = m->min[j] + 0.0f, max = m->max[j] + 0.0f;
  bf__extremes_trimmed(&m->extremes[j], c->count, &c->min, &c->max);
  /* Rounding may carry the mean of a constant column off by a bit. */
  double mean = m->mean[j] + 0.0;
  if (mean < (double)min) mean = (double)min;
  if (mean > (double)max) mean = (double)max;
  c->mean = mean;
  c->variance = min == max ? 0.0 : m->m2[j] / m->count[j];
}

void bf__moments_finish(const bf__moments *m, bf_sketch *sketch) {
  const size_t n = m->n_columns, stride = m->stride;
  for (size_t j = 0; j < n; j++) {
    bf__sketch_column *c = &sketch->columns[j];
    finish_column(m, j, c);
    sketch->left_out[j] = c->missing > m->rows / 2;
  }
  const double full_rows = (double)m->full_rows, rows = (double)m->rows;
  size_t at = 0;
  for (size_t j = 0; j < n; j++) {
    double aj = m->mean[j] - m->shift[j];
    for (size_t k = 0; k <= j; k++, at++) {
      bool constant = m->min[j] == m->max[j] || m->min[k] == m->max[k];
      if (rows == 0 || constant || sketch->left_out[j] || sketch->left_out[k]) {
        sketch->covariance[at] = 0.0f;
        continue;
      }
      double sum = m->m2[j];
      if (k < j) {
        double ak = m->mean[k] - m->shift[k];
        double a_jk = m->full_sum[j] + m->a[j * stride + k], a_kj = m->full_sum[k] + m->a[k * stride + j];
        double n_jk = full_rows + m->n[j * stride + k];
        sum = m->s[j * stride + k] - ak * a_jk - aj * a_kj + aj * ak * n_jk;
      }
      sketch->covariance[at] = bf__to_float(sum / rows);
    }
  }
}
