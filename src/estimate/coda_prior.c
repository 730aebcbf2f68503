/* P(best) of CODA (Kay et al., ICCV 2025) before any label is asked for: the consensus stands in for the truth, each
 * model's confusion rows are Dirichlet, so that its accuracy on a class is a Beta, and the chance of being the best on
 * the class is an integral over all models' Betas; classes are averaged by their estimated shares. Votes take the place
 * of probabilities. Constants as in the authors' program: docs/strategies.md, part 4. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "estimate/estimate_internal.h"

#define PRIOR_WEIGHT 0.1
#define POINTS 256u
#define EDGE 1e-6
#define SMALLEST 1e-30
#define MAX_CELLS ((size_t)1 << 27)

typedef struct coda {
  const bf_panel *panel;
  size_t n, *model; /* those that have answers */
  uint16_t *labels; /* [n_items] consensus */
  double *alpha;    /* [n][predicted][true] */
  double *shares;   /* [n_classes] */
  double *best;     /* [n_classes][n]; NaN: out of memory in a worker */
} coda;

/* Rows of a model: 1 on the diagonal, 1/(C - 1) beside it, plus a tenth of the row of shares that it said where the
 * consensus says c. */
static void confusion(void *context, size_t m, uint32_t worker) {
  coda *o = context;
  size_t k = o->panel->n_classes;
  double *rows = o->alpha + m * k * k;
  const uint16_t *votes = bf__votes(o->panel, o->model[m]);
  (void)worker;
  for (size_t i = 0; i < o->panel->n_items; i++)
    if (votes[i] != BF__NO_VOTE) rows[votes[i] * k + o->labels[i]] += 1.0;
  for (size_t c = 0; c < k; c++) {
    double total = 0.0;
    for (size_t h = 0; h < k; h++) total += rows[h * k + c];
    for (size_t h = 0; h < k; h++)
      rows[h * k + c] = (h == c ? 1.0 : 1.0 / (double)(k - 1)) + PRIOR_WEIGHT * rows[h * k + c] / fmax(total, EDGE);
  }
}

/* Class shares: every item's votes as each model's rows translate them, normalised by item. */
static void class_shares(coda *o, double *item) {
  size_t k = o->panel->n_classes;
  double total = 0.0;
  for (size_t i = 0; i < o->panel->n_items; i++) {
    double sum = 0.0;
    memset(item, 0, k * sizeof *item);
    for (size_t m = 0; m < o->n; m++) {
      uint16_t vote = bf__votes(o->panel, o->model[m])[i];
      if (vote == BF__NO_VOTE) continue;
      const double *rows = o->alpha + (m * k + vote) * k;
      for (size_t c = 0; c < k; c++) item[c] += rows[c];
    }
    for (size_t c = 0; c < k; c++) sum += item[c];
    for (size_t c = 0; c < k && sum > 0.0; c++) o->shares[c] += item[c] / sum;
  }
  for (size_t c = 0; c < k; c++) total += o->shares[c];
  for (size_t c = 0; c < k; c++) o->shares[c] /= total;
}

static double grid(size_t i) {
  return EDGE + (1.0 - 2.0 * EDGE) * (double)i / (double)(POINTS - 1);
}

/* Density of Beta(a, b) on the grid and its distribution by the trapezoid rule. */
static void beta_curves(double a, double b, double *density, double *log_distribution) {
  double step = grid(1) - grid(0), sum = 0.0;
  int sign = 0;
  double constant = lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign);
  for (size_t i = 0; i < POINTS; i++) {
    double x = grid(i);
    density[i] = exp(constant + (a - 1.0) * log(x) + (b - 1.0) * log1p(-x));
    if (i > 0) sum += 0.5 * (density[i] + density[i - 1]) * step;
    log_distribution[i] = log(fmax(sum, SMALLEST));
  }
}

/* P(model m is the best on class c) for all m. */
static void best_on_class(void *context, size_t c, uint32_t worker) {
  coda *o = context;
  size_t k = o->panel->n_classes;
  double *density = bf__alloc(o->n * POINTS, sizeof *density), *logs = bf__alloc(o->n * POINTS, sizeof *logs);
  double all[POINTS] = {0}, total = 0.0, step = grid(1) - grid(0);
  (void)worker;
  if (!density || !logs) {
    o->best[c * o->n] = NAN;
    goto out;
  }
  for (size_t m = 0; m < o->n; m++) {
    const double *rows = o->alpha + m * k * k;
    double right = rows[c * k + c], wrong = 0.0;
    for (size_t h = 0; h < k; h++) wrong += h == c ? 0.0 : rows[h * k + c];
    beta_curves(right, wrong, density + m * POINTS, logs + m * POINTS);
    for (size_t i = 0; i < POINTS; i++) all[i] += logs[m * POINTS + i];
  }
  for (size_t m = 0; m < o->n; m++) {
    double sum = 0.0, before = 0.0;
    for (size_t i = 0; i < POINTS; i++) {
      double now = density[m * POINTS + i] * exp(all[i] - logs[m * POINTS + i]);
      if (i > 0) sum += 0.5 * (now + before) * step;
      before = now;
    }
    o->best[c * o->n + m] = sum;
    total += sum;
  }
  for (size_t m = 0; m < o->n; m++) o->best[c * o->n + m] /= fmax(total, SMALLEST);
out:
  free(density);
  free(logs);
}

static bf_status allocate(coda *o, double **item, bf_error *err) {
  size_t m = o->panel->n_models, k = o->panel->n_classes;
  o->model = bf__alloc(m, sizeof *o->model);
  o->labels = bf__alloc(o->panel->n_items, sizeof *o->labels);
  o->alpha = bf__alloc(m * k * k, sizeof *o->alpha);
  o->shares = bf__alloc(k, sizeof *o->shares);
  o->best = bf__alloc(m * k, sizeof *o->best);
  *item = bf__alloc(k, sizeof **item);
  if (!o->model || !o->labels || !o->alpha || !o->shares || !o->best || !*item)
    return bf__error_memory(err, m * k * k * sizeof *o->alpha);
  return BF_OK;
}

bf_status bf__coda_prior(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  bf_status status = BF_OK;
  coda o = {.panel = panel};
  size_t m = panel->n_models, k = panel->n_classes, cells = 0;
  double *item = NULL;
  if (k == 1 || !bf__mul(m, k * k, &cells) || cells > MAX_CELLS) {
    for (size_t i = 0; i < m; i++) {
      if (!out[i].applicable) continue;
      if (k == 1) {
        bf__not_applicable(&out[i], "with one class no model is better than another");
      } else {
        bf__not_applicable(&out[i], "%zu models of %zu classes have too large confusion matrices", m, k);
      }
    }
    return BF_OK;
  }
  BF_TRY(allocate(&o, &item, err));
  for (size_t i = 0; i < m; i++)
    if (out[i].applicable) o.model[o.n++] = i;
  BF_TRY(bf__panel_majority(panel, o.labels, err));
  bf__parallel_for(o.n, panel->options.n_threads, confusion, &o);
  class_shares(&o, item);
  bf__parallel_for(k, panel->options.n_threads, best_on_class, &o);
  for (size_t c = 0; c < k && o.n > 0; c++)
    if (isnan(o.best[c * o.n])) BF_TRY(bf__error_memory(err, o.n * POINTS * sizeof *item));
  for (size_t i = 0; i < o.n; i++) {
    double sum = 0.0;
    for (size_t c = 0; c < k; c++) sum += o.shares[c] * o.best[c * o.n + i];
    out[o.model[i]].value = sum;
  }
out:
  free(item);
  free(o.model);
  free(o.labels);
  free(o.alpha);
  free(o.shares);
  free(o.best);
  return status;
}
