/* Rank-one agreement: if errors were independent, agreement above chance of two models would be the product of their
 * accuracies above chance, R_ij = a_i a_j. The diagonal, which agreement does not tell, is filled in from a itself. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

#define ROUNDS 30
#define EXACT_MODELS 256u /* more: power iteration, which costs models^2 */
#define POWER_STEPS 1000
#define SAME_VALUE 1e-9

typedef struct rank_one {
  size_t n, *model; /* those that have answers */
  double *r, *vectors, *values, *scratch, *a;
} rank_one;

/* |projection of each axis on the space of the largest eigenvalue| * sqrt(eigenvalue). Of a single eigenvector that is
 * |v_i| sqrt(lambda); where several share the value, it does not depend on which of them a solver gives. */
static bool exact_step(rank_one *o) {
  size_t n = o->n;
  memcpy(o->vectors, o->r, n * n * sizeof *o->r);
  if (!bf__symmetric_eigen(o->vectors, n, o->values, o->scratch)) return false;
  double most = o->values[n - 1], slack = SAME_VALUE * fmax(1.0, fabs(most));
  for (size_t i = 0; i < n; i++) {
    double square = 0.0;
    for (size_t k = n; k-- > 0 && o->values[k] >= most - slack;) {
      double x = o->vectors[i * n + k];
      square += x * x;
    }
    o->a[i] = sqrt(square * fmax(most, 0.0));
  }
  return true;
}

/* The same from the vector of ones on; R + n I has the same order of eigenvalues and none below 0. */
static bool power_step(rank_one *o) {
  size_t n = o->n;
  double *x = o->values, *y = o->scratch, lambda = 0.0;
  for (size_t i = 0; i < n; i++) x[i] = 1.0 / sqrt((double)n);
  for (int step = 0; step < POWER_STEPS; step++) {
    double length = 0.0, change = 0.0;
    for (size_t i = 0; i < n; i++) {
      double sum = (double)n * x[i];
      for (size_t j = 0; j < n; j++) sum += o->r[i * n + j] * x[j];
      y[i] = sum;
      length += sum * sum;
    }
    length = sqrt(length);
    for (size_t i = 0; i < n; i++) {
      y[i] /= length;
      change = fmax(change, fabs(y[i] - x[i]));
      x[i] = y[i];
    }
    lambda = length - (double)n;
    if (change < 1e-14) break;
  }
  for (size_t i = 0; i < n; i++) o->a[i] = fabs(x[i]) * sqrt(fmax(lambda, 0.0));
  return true;
}

static bf_status prepare(rank_one *o, const bf_panel *panel, const bf_estimate_value *out, bf_error *err) {
  const double *agreement = NULL;
  bf_status status = bf__panel_agreement(panel, &agreement, err);
  if (status != BF_OK) return status;
  size_t m = panel->n_models;
  o->model = bf__alloc(m, sizeof *o->model);
  if (!o->model) return bf__error_memory(err, m * sizeof *o->model);
  for (size_t i = 0; i < m; i++)
    if (out[i].applicable) o->model[o->n++] = i;
  size_t n = o->n;
  o->r = bf__alloc(n * n, sizeof *o->r);
  o->vectors = bf__alloc(n <= EXACT_MODELS ? n * n : 0, sizeof *o->vectors);
  o->values = bf__alloc(n, sizeof *o->values);
  o->scratch = bf__alloc(n, sizeof *o->scratch);
  o->a = bf__alloc(n, sizeof *o->a);
  if (!o->r || !o->vectors || !o->values || !o->scratch || !o->a)
    return bf__error_memory(err, 2 * n * n * sizeof *o->r);
  double chance = 1.0 / (double)panel->n_classes;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      double share = agreement[o->model[i] * m + o->model[j]];
      o->r[i * n + j] = isnan(share) ? 0.0 : (share - chance) / (1.0 - chance); /* nothing in common: as by chance */
    }
  return BF_OK;
}

bf_status bf__rank_one(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  bf_status status = BF_OK;
  rank_one o = {0};
  if (panel->n_classes < 2) {
    for (size_t i = 0; i < panel->n_models; i++)
      if (out[i].applicable) bf__not_applicable(&out[i], "with one class all agreement is chance");
    return BF_OK;
  }
  BF_TRY(prepare(&o, panel, out, err));
  for (int round = 0; o.n > 0 && round < ROUNDS; round++) {
    if (!(o.n <= EXACT_MODELS ? exact_step(&o) : power_step(&o))) {
      status = bf__error(err, BF_ERR_INTERNAL, "rank-one: the eigenvalues of %zu models do not converge", o.n);
      goto out;
    }
    for (size_t i = 0; i < o.n; i++) {
      o.a[i] = fmin(fmax(o.a[i], 0.0), 1.0);
      o.r[i * o.n + i] = o.a[i] * o.a[i];
    }
  }
  double chance = 1.0 / (double)panel->n_classes;
  for (size_t i = 0; i < o.n; i++) out[o.model[i]].value = chance + (1.0 - chance) * o.a[i];
out:
  free(o.model);
  free(o.r);
  free(o.vectors);
  free(o.values);
  free(o.scratch);
  free(o.a);
  return status;
}
