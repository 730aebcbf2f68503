/* q_i(c) = softmax_c(b_c + sum of theta_h over the models that voted c), its moments, and the weights under which each
 * model has its believed accuracy: of all distributions with these accuracies the one of largest entropy (Jaynes 1957).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "label/label_internal.h"
#include "learn/cholesky.h"

#define MOST_STEPS 30
#define MOST_HALVINGS 30
#define THETA_PENALTY 0.01
#define NO_CLASS UINT16_MAX /* as the panel's votes */

bf_status bf__label_scratch_init(bf__label_scratch *s, const bf__label_rows *rows, bf_error *err) {
  *s = (bf__label_scratch){0};
  s->q = bf__alloc(rows->n_classes, sizeof *s->q);
  s->v = bf__alloc(rows->n_weights, sizeof *s->v);
  s->classes = bf__alloc(rows->n_weights, sizeof *s->classes);
  s->gradient = bf__alloc(rows->n_weights, sizeof *s->gradient);
  s->step = bf__alloc(rows->n_weights, sizeof *s->step);
  s->tried = bf__alloc(rows->n_weights, sizeof *s->tried);
  bool all = s->q && s->v && s->classes && s->gradient && s->step && s->tried;
  return all ? BF_OK : bf__error_memory(err, rows->n_weights * sizeof *s->v);
}

void bf__label_scratch_deinit(bf__label_scratch *s) {
  free(s->q);
  free(s->v);
  free(s->classes);
  free(s->gradient);
  free(s->step);
  free(s->tried);
  *s = (bf__label_scratch){0};
}

double bf__label_posterior(const bf__label_rows *rows, const uint16_t *votes, const double *w, double *q) {
  const double *b = w + rows->n_models;
  for (size_t c = 0; c < rows->n_classes; c++) q[c] = b[c];
  for (size_t h = 0; h < rows->n_models; h++)
    if (votes[h] != NO_CLASS) q[votes[h]] += w[h];
  double largest = q[0], sum = 0.0;
  for (size_t c = 1; c < rows->n_classes; c++) largest = fmax(largest, q[c]);
  for (size_t c = 0; c < rows->n_classes; c++) sum += q[c] = exp(q[c] - largest);
  for (size_t c = 0; c < rows->n_classes; c++) q[c] /= sum;
  return largest + log(fmax(sum, 1.0)); /* one summand is 1 */
}

static void fill_features(const bf__label_rows *rows, const uint16_t *votes, bf__label_scratch *s) {
  for (size_t h = 0; h < rows->n_models; h++) {
    bool voted = votes[h] != NO_CLASS;
    s->v[h] = voted ? s->q[votes[h]] : 0.0;
    s->classes[h] = voted ? (double)votes[h] : -1.0;
  }
  for (size_t c = 0; c < rows->n_classes; c++) {
    s->v[rows->n_models + c] = s->q[c];
    s->classes[rows->n_models + c] = (double)c;
  }
}

void bf__label_add_covariance(const bf__label_rows *rows, const uint16_t *votes, double times, bf__label_scratch *s,
                              double *j) {
  fill_features(rows, votes, s);
  const double *v = s->v, *classes = s->classes;
  for (size_t f = 0; f < rows->n_weights; f++) {
    const double factor = times * v[f], class = classes[f];
    if (factor == 0.0) continue;
    double *restrict row = j + f * rows->n_weights;
    for (size_t g = 0; g <= f; g++) row[g] += factor * ((classes[g] == class ? 1.0 : 0.0) - v[g]);
  }
}

void bf__label_mirror(double *a, size_t n) {
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i; k++) a[k * n + i] = a[i * n + k];
}

/* ---- the start ---- */

/* (1/N) sum ln Z - theta.m - b.(1/C) + (0.01 |theta|^2 + |b|^2) / 2; with h also its gradient and the covariance of the
 * features. */
static double start_objective(const bf__label_rows *rows, const double *believed, const double *w, bf__label_scratch *s,
                              double *h) {
  size_t n = rows->n_weights;
  double total = 0.0, n_rows = (double)rows->n_rows;
  for (size_t f = 0; f < n; f++) {
    bool model = f < rows->n_models;
    double wanted = model ? believed[f] : 1.0 / (double)rows->n_classes, penalty = model ? THETA_PENALTY : 1.0;
    total += w[f] * (0.5 * penalty * w[f] - wanted);
    if (h) s->gradient[f] = penalty * w[f] - wanted;
  }
  if (h) memset(h, 0, n * n * sizeof *h);
  for (size_t u = 0; u < rows->n_patterns; u++) {
    const uint16_t *votes = bf__pattern_votes(rows, u);
    double share = (double)rows->patterns[u].n_rows / n_rows;
    total += share * bf__label_posterior(rows, votes, w, s->q);
    if (!h) continue;
    bf__label_add_covariance(rows, votes, share, s, h);
    for (size_t f = 0; f < n; f++) s->gradient[f] += share * s->v[f];
  }
  return total;
}

bf_status bf__label_start(const bf__label_rows *rows, const double *believed, bf__label_scratch *s, double *w,
                          double *h, bf_error *err) {
  size_t n = rows->n_weights;
  memset(w, 0, n * sizeof *w);
  double now = start_objective(rows, believed, w, s, h);
  for (int round = 0; round < MOST_STEPS; round++) {
    double decrement = 0.0, length = 1.0, next = now;
    for (size_t f = 0; f < n; f++) h[f * n + f] += f < rows->n_models ? THETA_PENALTY : 1.0;
    if (!bf__cholesky(h, n)) return bf__error(err, BF_ERR_INTERNAL, "the label model has no start");
    bf__cholesky_solve(h, n, s->gradient, s->step);
    for (size_t f = 0; f < n; f++) decrement += s->gradient[f] * s->step[f];
    for (int k = 0; k < MOST_HALVINGS; k++, length *= 0.5) {
      for (size_t f = 0; f < n; f++) s->tried[f] = w[f] - length * s->step[f];
      next = start_objective(rows, believed, s->tried, s, NULL);
      if (next <= now - 1e-4 * length * decrement) break;
    }
    bool better = next < now;
    if (better) memcpy(w, s->tried, n * sizeof *w);
    now = start_objective(rows, believed, w, s, h);
    if (!better || decrement < 1e-18) break;
  }
  bf__label_mirror(h, n);
  return BF_OK;
}
