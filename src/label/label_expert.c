/* One width of the prior round the believed weights: the maximum a posteriori by Newton, the metric there, and how far
 * both may move (Laplace's approximation). */
#include <math.h>
#include <string.h>

#include "label/label_internal.h"
#include "learn/cholesky.h"

#define MOST_STEPS 30
#define MOST_HALVINGS 30
#define NO_CLASS UINT16_MAX

double bf__label_expert_objective(const bf__label_expert *x, const double *w, const bf__label_rows *rows,
                                  bf__label_scratch *s, double *h) {
  size_t n = rows->n_weights;
  double total = 0.0;
  if (h) memset(h, 0, n * n * sizeof *h);
  for (size_t f = 0; f < n; f++) {
    double precision = f < rows->n_models ? x->prior.theta_precision : 1.0, away = w[f] - x->prior.w[f];
    total += 0.5 * precision * away * away;
    if (!h) continue;
    s->gradient[f] = precision * away;
    h[f * n + f] = precision;
  }
  for (size_t i = 0; i < rows->n_answered; i++) {
    uint32_t row = rows->answered[i], truth = rows->answers[row];
    const uint16_t *votes = bf__pattern_votes(rows, rows->pattern_of[row]);
    double log_z = bf__label_posterior(rows, votes, w, s->q), score = w[rows->n_models + truth];
    for (size_t m = 0; m < rows->n_models; m++)
      if (votes[m] == truth) score += w[m];
    total += log_z - score;
    if (!h) continue;
    bf__label_add_covariance(rows, votes, 1.0, s, h);
    for (size_t f = 0; f < n; f++) s->gradient[f] += s->v[f] - (s->classes[f] == (double)truth ? 1.0 : 0.0);
  }
  return total;
}

bf_status bf__label_expert_fit(bf__label_expert *x, const bf__label_rows *rows, bf__label_scratch *s, bf_error *err) {
  size_t n = rows->n_weights;
  double now = bf__label_expert_objective(x, x->w, rows, s, x->factor);
  for (int round = 0;; round++) {
    double decrement = 0.0, length = 1.0, next = now;
    if (!bf__cholesky(x->factor, n)) return bf__error(err, BF_ERR_INTERNAL, "the answers cannot be reconciled");
    bf__cholesky_solve(x->factor, n, s->gradient, s->step);
    for (size_t f = 0; f < n; f++) decrement += s->gradient[f] * s->step[f];
    if (round == MOST_STEPS || decrement < 1e-18) return BF_OK; /* the factor is of where it is */
    for (int k = 0; k < MOST_HALVINGS; k++, length *= 0.5) {
      for (size_t f = 0; f < n; f++) s->tried[f] = x->w[f] - length * s->step[f];
      next = bf__label_expert_objective(x, s->tried, rows, s, NULL);
      if (next <= now - 1e-4 * length * decrement) break;
    }
    if (!(next < now)) return BF_OK; /* nothing is to be gained beyond rounding */
    memcpy(x->w, s->tried, n * sizeof *x->w);
    now = bf__label_expert_objective(x, x->w, rows, s, x->factor);
  }
}

/* ---- accuracy ---- */

/* a_h: the mean of q(h's vote), which is the truth on answered rows. j: both triangles of the moments of open rows. */
static void measure_accuracy(const bf__label_rows *rows, const double *w, bf__label_scratch *s, double *j,
                             double *mean) {
  size_t n = rows->n_weights;
  double n_rows = (double)rows->n_rows;
  memset(mean, 0, rows->n_models * sizeof *mean);
  if (j) memset(j, 0, n * n * sizeof *j);
  for (size_t u = 0; u < rows->n_patterns; u++) {
    double share = (double)rows->patterns[u].n_open / n_rows;
    const uint16_t *votes = bf__pattern_votes(rows, u);
    if (share == 0.0) continue;
    (void)bf__label_posterior(rows, votes, w, s->q);
    if (j) bf__label_add_covariance(rows, votes, share, s, j);
    for (size_t h = 0; h < rows->n_models; h++)
      if (votes[h] != NO_CLASS) mean[h] += share * s->q[votes[h]];
  }
  for (size_t i = 0; i < rows->n_answered; i++) {
    uint32_t row = rows->answered[i];
    const uint16_t *votes = bf__pattern_votes(rows, rows->pattern_of[row]);
    for (size_t h = 0; h < rows->n_models; h++) mean[h] += votes[h] == rows->answers[row] ? 1.0 / n_rows : 0.0;
  }
  if (j) bf__label_mirror(j, n);
}

/* ---- F1 ---- */

/* Sums over rows: n_h of h's positive votes, TP_h of q(positive) there, Pos of q(positive); d* their gradients. */
typedef struct f1_sums {
  size_t n_weights, positive;
  double *n_voted, *true_positive, positives;
  double *d_true_positive, *d_positives; /* [n_models][n_weights], [n_weights]; NULL: not wanted */
} f1_sums;

static void add_row(f1_sums *sums, const bf__label_rows *rows, const uint16_t *votes, double times, double q) {
  sums->positives += times * q;
  for (size_t h = 0; h < rows->n_models; h++) {
    if (votes[h] != sums->positive) continue;
    sums->n_voted[h] += times;
    sums->true_positive[h] += times * q;
  }
}

/* d q(positive) / d w_f = q(positive) ([f speaks for positive] - v_f) */
static void add_gradient(f1_sums *sums, const bf__label_rows *rows, const uint16_t *votes, double times,
                         bf__label_scratch *s) {
  size_t n = sums->n_weights;
  double q = s->q[sums->positive];
  double *d = s->gradient;
  for (size_t f = 0; f < n; f++) {
    size_t class = f < rows->n_models ? votes[f] : f - rows->n_models;
    double v = class == NO_CLASS && f < rows->n_models ? 0.0 : s->q[class];
    d[f] = times * q * ((class == sums->positive ? 1.0 : 0.0) - v);
    sums->d_positives[f] += d[f];
  }
  for (size_t h = 0; h < rows->n_models; h++) {
    if (votes[h] != sums->positive) continue;
    double *restrict to = sums->d_true_positive + h * n;
    for (size_t f = 0; f < n; f++) to[f] += d[f];
  }
}

/* j: n_weights^2 of scratch. */
static void measure_f1(size_t positive, const bf__label_rows *rows, const double *w, bf__label_scratch *s, double *j,
                       double *mean, double *gradient) {
  size_t n = rows->n_weights;
  f1_sums sums = {.n_weights = n, .positive = positive, .n_voted = s->step, .true_positive = s->tried};
  memset(sums.n_voted, 0, n * sizeof *mean);
  memset(sums.true_positive, 0, n * sizeof *mean);
  if (gradient) {
    sums.d_true_positive = gradient;
    sums.d_positives = j;
    memset(gradient, 0, rows->n_models * n * sizeof *gradient);
    memset(j, 0, n * sizeof *j);
  }
  for (size_t u = 0; u < rows->n_patterns; u++) {
    const uint16_t *votes = bf__pattern_votes(rows, u);
    double n_open = (double)rows->patterns[u].n_open;
    if (n_open == 0.0) continue;
    (void)bf__label_posterior(rows, votes, w, s->q);
    add_row(&sums, rows, votes, n_open, s->q[positive]);
    if (gradient) add_gradient(&sums, rows, votes, n_open, s);
  }
  for (size_t i = 0; i < rows->n_answered; i++) {
    uint32_t row = rows->answered[i];
    add_row(&sums, rows, bf__pattern_votes(rows, rows->pattern_of[row]), 1.0,
            rows->answers[row] == positive ? 1.0 : 0.0);
  }
  for (size_t h = 0; h < rows->n_models; h++) {
    double both = sums.n_voted[h] + sums.positives, f1 = both > 0.0 ? 2.0 * sums.true_positive[h] / both : 0.0;
    mean[h] = f1;
    if (!gradient) continue;
    double *to = gradient + h * n;
    for (size_t f = 0; f < n; f++) to[f] = both > 0.0 ? (2.0 * to[f] - f1 * sums.d_positives[f]) / both : 0.0;
  }
}

void bf__label_measure(const bf__label_metric *metric, const bf__label_rows *rows, const double *w,
                       bf__label_scratch *s, double *j, double *mean, double *gradient) {
  if (metric->metric == BF_METRIC_F1) {
    measure_f1(metric->positive, rows, w, s, j, mean, gradient);
    return;
  }
  measure_accuracy(rows, w, s, gradient ? j : NULL, mean);
  if (gradient) memcpy(gradient, j, rows->n_models * rows->n_weights * sizeof *gradient);
  double open = 1.0 - (double)rows->n_answered / (double)rows->n_rows;
  for (size_t h = 0; metric->offset && h < rows->n_models; h++) mean[h] += metric->offset[h] * open;
}

void bf__label_expert_look(bf__label_expert *x, const bf__label_metric *metric, const bf__label_rows *rows,
                           bf__label_scratch *s, double *j, double *inverse) {
  size_t n = rows->n_weights;
  double *gradient = x->leverage; /* until it becomes the leverage */
  bf__label_measure(metric, rows, x->w, s, j, x->mean, gradient);
  memcpy(inverse, x->factor, n * n * sizeof *inverse);
  bf__triangle_invert(inverse, n);
  for (size_t h = 0; h < rows->n_models; h++) {
    double *from = gradient + h * n, *spread = x->spread + h * n;
    for (size_t k = 0; k < n; k++) { /* S = J L^-T */
      double sum = 0.0;
      for (size_t f = 0; f <= k; f++) sum += from[f] * inverse[k * n + f];
      spread[k] = sum;
    }
    memset(from, 0, n * sizeof *from);
    for (size_t k = 0; k < n; k++) /* M = S L^-1 */
      for (size_t f = 0; f <= k; f++) from[f] += spread[k] * inverse[k * n + f];
  }
}
