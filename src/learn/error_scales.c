/* How expected accuracies err together: the residuals of predictions that left each labelled domain out, r ~ N(0, S),
 * S = s_a A + s_i I + 11', with A the agreement of the models on that domain's rows. s_a and s_i of largest likelihood
 * on a grid. With A = V diag(l) V' a point of the grid costs a multiplication a model: S - 11' is diagonal there, and
 * the vector of ones is a change of rank one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/learn_internal.h"

#define A_STEPS 13u /* quarters of a decade from 1e-4 */
#define I_STEPS 17u /* from 1e-6 */

/* A domain in the axes of its agreement. */
typedef struct rotated {
  size_t n;
  double *values, *ones, *residuals; /* [n] */
} rotated;

static double log_likelihood(const rotated *d, double s_a, double s_i) {
  double log_determinant = 0.0, ones = 0.0, both = 0.0, square = 0.0;
  for (size_t k = 0; k < d->n; ++k) {
    double variance = s_a * fmax(d->values[k], 0.0) + s_i; /* with gaps in the votes A may have values below 0 */
    log_determinant += log(variance);
    ones += d->ones[k] * d->ones[k] / variance;
    both += d->ones[k] * d->residuals[k] / variance;
    square += d->residuals[k] * d->residuals[k] / variance;
  }
  return -0.5 * (log_determinant + log1p(ones) + square - both * both / (1.0 + ones));
}

static bf_status rotate(const bf_experience *e, size_t v, const double *left_out, rotated *out, bf_error *err) {
  const bf__labelled *d = &e->domains[v];
  const double *agreement = NULL;
  size_t n = d->n_members;
  double *vectors = bf__alloc(n * n, sizeof *vectors), *scratch = bf__alloc(2 * n, sizeof *scratch);
  out->values = bf__alloc(3 * n, sizeof *out->values);
  bf_status status = vectors && scratch && out->values ? BF_OK : bf__error_memory(err, n * n * sizeof *vectors);
  if (status == BF_OK) status = bf__panel_agreement(d->panel, &agreement, err);
  for (size_t i = 0; status == BF_OK && i < n * n; ++i) vectors[i] = isnan(agreement[i]) ? 0.0 : agreement[i];
  if (status == BF_OK && bf__symmetric_eigen(vectors, n, out->values, scratch)) {
    out->n = n;
    out->ones = out->values + n;
    out->residuals = out->ones + n;
    for (size_t i = 0; i < n; ++i) {
      double residual = e->accuracy[d->first_pair + i] - left_out[d->first_pair + i];
      for (size_t k = 0; k < n; ++k) {
        out->ones[k] += vectors[i * n + k];
        out->residuals[k] += residual * vectors[i * n + k];
      }
    }
  } /* one that does not converge is left out */
  free(vectors);
  free(scratch);
  return status;
}

bf_status bf_experience_error_scales(const bf_experience *e, double *shared, double *own, bf_error *err) {
  bf_status status = BF_OK;
  rotated *domains = NULL;
  *shared = *own = 0.0;
  const double *left_out =
      e->fits[BF__STAGE_2].left_out ? e->fits[BF__STAGE_2].left_out : e->fits[BF__STAGE_1].left_out;
  if (!left_out)
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "the experience of %zu labelled domains is too small to learn from",
                     e->n_domains);
  domains = bf__alloc(e->n_domains, sizeof *domains);
  if (!domains) return bf__error_memory(err, e->n_domains * sizeof *domains);
  for (size_t v = 0; v < e->n_domains; ++v) BF_TRY(rotate(e, v, left_out, &domains[v], err));
  double best = -INFINITY;
  for (size_t a = 0; a < A_STEPS; ++a) {
    for (size_t i = 0; i < I_STEPS; ++i) {
      double s_a = 1e-4 * pow(10.0, (double)a / 4.0), s_i = 1e-6 * pow(10.0, (double)i / 4.0), sum = 0.0;
      for (size_t v = 0; v < e->n_domains; ++v) sum += log_likelihood(&domains[v], s_a, s_i);
      if (!(sum > best)) continue;
      best = sum;
      *shared = s_a;
      *own = s_i;
    }
  }
out:
  for (size_t v = 0; v < e->n_domains; ++v) free(domains[v].values);
  free(domains);
  return status;
}
