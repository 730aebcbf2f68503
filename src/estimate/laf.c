/* LaF (Guo et al. 2022): on the items where models disagree, GLAD (Whitehill et al. 2009) finds the ability of each
 * model and the ease of each item: P(model i is right on item j) = sigma(alpha_i exp(b_j)), alpha and b normal around 1
 * with variance 1, a wrong answer uniform over the other classes. Each round: posteriors of the classes, then one
 * Newton step (Fisher scoring, at most 1 long) for every ability and one for every ease, in place of the paper's
 * gradient ascent. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

#define ROUNDS 20
#define MOST_ITEMS 2000u
#define PRIOR_MEAN 1.0

typedef struct glad {
  const bf_panel *panel;
  size_t n, *items;
  double *ability;   /* [n_models] */
  double *ease;      /* [n] b_j */
  double *right;     /* [n_models][n] posterior mass of what the model said */
  double *posterior; /* [n_classes] */
} glad;

static bool is_disputed(const bf_panel *panel, size_t model, size_t item) {
  uint16_t first = BF__NO_VOTE;
  (void)model;
  for (size_t m = 0; m < panel->n_models; m++) {
    uint16_t vote = bf__votes(panel, m)[item];
    if (vote == BF__NO_VOTE) continue;
    if (first != BF__NO_VOTE && vote != first) return true;
    first = vote;
  }
  return false;
}

static double sigmoid(double x) {
  return 1.0 / (1.0 + exp(-x));
}

static double bounded(double step) {
  return fmin(fmax(step, -1.0), 1.0);
}

/* A vote for c adds ln sigma - ln((1 - sigma)/(C - 1)) = alpha exp(b) + ln(C - 1) to its logarithm. */
static void expect(glad *g) {
  const bf_panel *panel = g->panel;
  double others = log((double)(panel->n_classes - 1));
  for (size_t j = 0; j < g->n; j++) {
    double beta = exp(g->ease[j]);
    memset(g->posterior, 0, panel->n_classes * sizeof *g->posterior);
    for (size_t m = 0; m < panel->n_models; m++) {
      uint16_t vote = bf__votes(panel, m)[g->items[j]];
      if (vote != BF__NO_VOTE) g->posterior[vote] += g->ability[m] * beta + others;
    }
    bf__softmax(g->posterior, panel->n_classes, 1.0, g->posterior);
    for (size_t m = 0; m < panel->n_models; m++) {
      uint16_t vote = bf__votes(panel, m)[g->items[j]];
      g->right[m * g->n + j] = vote != BF__NO_VOTE ? g->posterior[vote] : -1.0;
    }
  }
}

static void update_abilities(glad *g, double *beta) {
  for (size_t j = 0; j < g->n; j++) beta[j] = exp(g->ease[j]);
  for (size_t m = 0; m < g->panel->n_models; m++) {
    double slope = PRIOR_MEAN - g->ability[m], curve = 1.0;
    for (size_t j = 0; j < g->n; j++) {
      double right = g->right[m * g->n + j];
      if (right < 0.0) continue;
      double s = sigmoid(g->ability[m] * beta[j]);
      slope += (right - s) * beta[j];
      curve += s * (1.0 - s) * beta[j] * beta[j];
    }
    g->ability[m] += bounded(slope / curve);
  }
}

static void update_eases(glad *g) {
  for (size_t j = 0; j < g->n; j++) {
    double slope = PRIOR_MEAN - g->ease[j], curve = 1.0, beta = exp(g->ease[j]);
    for (size_t m = 0; m < g->panel->n_models; m++) {
      double right = g->right[m * g->n + j], x = g->ability[m] * beta;
      if (right < 0.0) continue;
      double s = sigmoid(x);
      slope += (right - s) * x;
      curve += s * (1.0 - s) * x * x;
    }
    g->ease[j] += bounded(slope / curve);
  }
}

bf_status bf__laf(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  bf_status status = BF_OK;
  glad g = {.panel = panel};
  double *beta = NULL;
  size_t m = panel->n_models, cells = 0;
  BF_TRY(bf__panel_sample(panel, 0, MOST_ITEMS, is_disputed, &g.items, &g.n, err));
  g.ability = bf__alloc(m, sizeof *g.ability);
  g.ease = bf__alloc(g.n, sizeof *g.ease);
  beta = bf__alloc(g.n, sizeof *beta);
  g.posterior = bf__alloc(panel->n_classes, sizeof *g.posterior);
  if (bf__mul(m, g.n, &cells)) g.right = bf__alloc(cells, sizeof *g.right);
  if (!g.ability || !g.ease || !beta || !g.posterior || !g.right)
    BF_TRY(bf__error_memory(err, cells * sizeof *g.right));
  for (size_t i = 0; i < m; i++) g.ability[i] = PRIOR_MEAN;
  for (size_t j = 0; j < g.n; j++) g.ease[j] = PRIOR_MEAN;
  for (int round = 0; g.n > 0 && round < ROUNDS; round++) {
    expect(&g);
    update_abilities(&g, beta);
    update_eases(&g);
  }
  for (size_t i = 0; i < m; i++) out[i].value = g.ability[i];
out:
  free(beta);
  free(g.items);
  free(g.ability);
  free(g.ease);
  free(g.right);
  free(g.posterior);
  return status;
}
