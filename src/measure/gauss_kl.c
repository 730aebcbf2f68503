/* gauss-kl: Kullback-Leibler divergence of two Gaussians with the sketches' means and covariances, a column.
 *
 *   kl-ts = 1/2 [tr(S_s^-1 S_t) + d' S_s^-1 d - k + ln|S_s| - ln|S_t|] / k,   kl-st with the roles exchanged
 *
 * Covariances are shrunk as Ledoit and Wolf (2004) do, with a fixed intensity: (1-l) C + l tr(C)/k I + 1e-4 I,
 * l = min(0.9, k/(2n) + 0.02). Rows of a sketch can no longer be clipped to +-8 as the frame clips values; what can be
 * said of a clipped variable is that its mean lies in [-8, 8] and its deviation is at most 8, so means and deviations
 * are limited to that, correlations kept. (A column in another unit would otherwise weigh 10^6 times all others.)
 *
 * With S = L L' (Cholesky), tr(S_s^-1 S_t) = |L_s^-1 L_t|^2 and d' S_s^-1 d = |L_s^-1 d|^2: one triangular solve a
 * pair. k is 96 at most, so plain loops serve, and give the same bits everywhere.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/measure_internal.h"

static double packed(const float *lower, uint32_t i, uint32_t j) {
  return i >= j ? (double)lower[(size_t)i * (i + 1) / 2 + j] : (double)lower[(size_t)j * (j + 1) / 2 + i];
}

/* Lower Cholesky factor in place (upper part zeroed); false where the matrix is not positive definite. */
static bool factorise(double *a, uint32_t k) {
  for (uint32_t i = 0; i < k; ++i) {
    for (uint32_t j = 0; j <= i; ++j) {
      double sum = a[(size_t)i * k + j];
      for (uint32_t c = 0; c < j; ++c) sum -= a[(size_t)i * k + c] * a[(size_t)j * k + c];
      if (i == j) {
        if (!(sum > 0.0) || !isfinite(sum)) return false;
        a[(size_t)i * k + i] = sqrt(sum);
      } else {
        a[(size_t)i * k + j] = sum / a[(size_t)j * k + j];
      }
    }
    for (uint32_t j = i + 1; j < k; ++j) a[(size_t)i * k + j] = 0.0;
  }
  return true;
}

static double standardised_covariance(const bf_prepared *prepared, double *a) {
  const bf_frame *frame = prepared->frame;
  const bf_sketch *sketch = prepared->sketch;
  uint32_t k = frame->n_columns;
  double trace = 0.0, scale[BF__MAX_VIEW_COLUMNS];
  for (uint32_t i = 0; i < k; ++i) {
    uint32_t column = prepared->map[frame->columns[i].source];
    double deviation = sqrt(fmax(packed(sketch->covariance, column, column), 0.0)) / frame->columns[i].deviation;
    scale[i] = (deviation > BF__CLIP ? BF__CLIP / deviation : 1.0) / frame->columns[i].deviation;
  }
  for (uint32_t i = 0; i < k; ++i) {
    for (uint32_t j = 0; j <= i; ++j) {
      uint32_t row = prepared->map[frame->columns[i].source], column = prepared->map[frame->columns[j].source];
      a[(size_t)i * k + j] = packed(sketch->covariance, row, column) * scale[i] * scale[j];
    }
    trace += a[(size_t)i * k + i];
  }
  return trace;
}

static void shrink(double *a, uint32_t k, double trace, uint64_t rows) {
  double lambda = fmin(0.9, (double)k / (2.0 * (double)rows) + 0.02);
  for (uint32_t i = 0; i < k; ++i) {
    for (uint32_t j = 0; j <= i; ++j) a[(size_t)i * k + j] *= 1.0 - lambda;
    a[(size_t)i * k + i] += lambda * trace / (double)k + 1e-4;
  }
}

bf_status bf__gauss_prepare(bf_prepared *prepared, bf_error *err) {
  const bf_frame *frame = prepared->frame;
  const bf_sketch *sketch = prepared->sketch;
  uint32_t k = frame->n_columns;
  prepared->gauss_why = NULL;
  if (k == 0) {
    prepared->gauss_why = BF__NO_COLUMN;
  } else if (sketch->rows == 0 || !sketch->covariance || !sketch->means) {
    prepared->gauss_why = "no rows";
  } else if (k > BF__MAX_VIEW_COLUMNS) {
    prepared->gauss_why = "too many columns";
  }
  if (prepared->gauss_why) return BF_OK;
  prepared->mean = bf__alloc(k, sizeof *prepared->mean);
  prepared->covariance = bf__alloc((size_t)k * k, sizeof *prepared->covariance);
  prepared->factor = bf__alloc((size_t)k * k, sizeof *prepared->factor);
  if (!prepared->mean || !prepared->covariance || !prepared->factor)
    return bf__error_memory(err, (size_t)k * k * sizeof(double));
  for (uint32_t i = 0; i < k; ++i) {
    const bf__frame_column *column = &frame->columns[i];
    double z = ((double)sketch->means[prepared->map[column->source]] - column->mean) / column->deviation;
    prepared->mean[i] = z > BF__CLIP ? BF__CLIP : z < -BF__CLIP ? -BF__CLIP : z;
  }
  double trace = standardised_covariance(prepared, prepared->covariance);
  memcpy(prepared->factor, prepared->covariance, (size_t)k * k * sizeof *prepared->factor);
  shrink(prepared->factor, k, trace, sketch->view_rows ? sketch->view_rows : sketch->rows);
  if (!factorise(prepared->factor, k)) {
    prepared->gauss_why = "a covariance that is not positive definite";
    return BF_OK;
  }
  prepared->log_determinant = 0.0;
  for (uint32_t i = 0; i < k; ++i) prepared->log_determinant += 2.0 * log(prepared->factor[(size_t)i * k + i]);
  return BF_OK;
}

/* KL of `of` relative to `base`: base's covariance is the one inverted. */
static bf_status gauss_kl(const bf_prepared *base, const bf_prepared *of, double *out, bf_error *err) {
  uint32_t k = base->frame->n_columns;
  if (base->gauss_why || of->gauss_why) {
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "gauss-kl: %s", base->gauss_why ? base->gauss_why : of->gauss_why);
  }
  const double *l = base->factor;
  double *x = bf__alloc((size_t)k * (k + 1),
                        sizeof *x); /* columns of L_of, then the difference of means; row-major [k][k + 1] */
  if (!x) return bf__error_memory(err, (size_t)k * (k + 1) * sizeof *x);
  size_t width = (size_t)k + 1;
  double sum = 0.0;
  for (uint32_t i = 0; i < k; ++i) {
    double *row = x + i * width;
    for (uint32_t j = 0; j <= i; ++j) row[j] = of->factor[(size_t)i * k + j];
    row[k] = of->mean[i] - base->mean[i];
    for (uint32_t c = 0; c < i; ++c) {
      const double factor = l[(size_t)i * k + c], *above = x + c * width;
      for (uint32_t j = 0; j <= c; ++j) row[j] -= factor * above[j]; /* row c is zero right of its diagonal */
      row[k] -= factor * above[k];
    }
    for (uint32_t j = 0; j <= i; ++j) {
      row[j] /= l[(size_t)i * k + i];
      sum += row[j] * row[j];
    }
    row[k] /= l[(size_t)i * k + i];
    sum += row[k] * row[k];
  }
  free(x);
  double value = 0.5 * (sum - (double)k + base->log_determinant - of->log_determinant) / (double)k;
  if (!isfinite(value))
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "gauss-kl: the covariances are too far apart to compare");
  *out = value < 0.0 ? 0.0 : value; /* rounding only */
  return BF_OK;
}

bf_status bf__gauss_kl_ts(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  return gauss_kl(source, target, out, err);
}

bf_status bf__gauss_kl_st(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  return gauss_kl(target, source, out, err);
}
