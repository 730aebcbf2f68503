/* A weighted vote of all models, and what it has been worth on the labelled domains.
 *
 * Weights: 1 / #{k : A_jk > 0.97}, so that clones count once, times exp(20 a_j) of the expected accuracies; the vote is
 * the class of the largest weighted mean of the probabilities (docs/strategies.md, part 5, posterior ii). The gain
 * against the model that would have been chosen is measured on every labelled domain with expectations that left the
 * domain out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/learn_internal.h"

bf_status bf__ensemble_votes(const bf_panel *panel, const double *believed, size_t n, uint16_t *votes, bf_error *err) {
  bf_status status = BF_OK;
  double *weights = bf__alloc(n, sizeof *weights), *mean = bf__alloc(panel->n_classes, sizeof *mean);
  double *p = bf__alloc(panel->n_classes, sizeof *p);
  if (!weights || !mean || !p) BF_TRY(bf__error_memory(err, panel->n_classes * sizeof *p));
  BF_TRY(bf__belief_weights(panel, believed, n, weights, err));
  for (size_t i = 0; i < panel->n_items; ++i) {
    size_t best = 0, answers = 0;
    memset(mean, 0, panel->n_classes * sizeof *mean);
    for (size_t j = 0; j < n; ++j) {
      const bf__member *member = &panel->members[j];
      uint16_t vote = bf__votes(panel, j)[i];
      if (vote == BF__NO_VOTE) continue;
      ++answers;
      if (!member->given->scores) {
        mean[vote] += weights[j];
        continue;
      }
      bf__panel_probabilities(panel, j, i, p);
      for (size_t k = 0; k < member->n_kept; ++k) mean[member->to_panel[k]] += weights[j] * p[k];
    }
    for (size_t c = 1; c < panel->n_classes; ++c)
      if (mean[c] > mean[best]) best = c;
    votes[i] = answers ? (uint16_t)best : BF__NO_VOTE;
  }
out:
  free(weights);
  free(mean);
  free(p);
  return status;
}

/* Accuracy of the vote minus that of the chosen model on one domain. */
static bf_status gain_on(const bf_experience *e, const bf__labelled *d, const double *believed, double *out,
                         bf_error *err) {
  bf_status status = BF_OK;
  size_t chosen = 0, right = 0, n = 0;
  uint16_t *votes = bf__alloc(d->n_items, sizeof *votes), *to_panel = bf__alloc(e->n_classes, sizeof *to_panel);
  if (!votes || !to_panel) BF_TRY(bf__error_memory(err, d->n_items * sizeof *votes));
  bf__map_panel_classes(e, d->panel, to_panel);
  BF_TRY(bf__ensemble_votes(d->panel, believed, d->n_members, votes, err));
  for (size_t i = 0; i < d->n_items; ++i) {
    if (d->truth[i] == BF__NO_CLASS || votes[i] == BF__NO_VOTE) continue;
    right += votes[i] == to_panel[d->truth[i]];
    ++n;
  }
  for (size_t j = 1; j < d->n_members; ++j)
    if (believed[j] > believed[chosen]) chosen = j;
  *out = n ? (double)right / (double)n - d->records[d->members[chosen]].accuracy : NAN;
out:
  free(votes);
  free(to_panel);
  return status;
}

bf_status bf__learn_ensemble(bf_experience *e, bf_error *err) {
  bf_status status = BF_OK;
  double *gains = bf__alloc(e->n_domains, sizeof *gains);
  if (!gains) return bf__error_memory(err, e->n_domains * sizeof *gains);
  size_t n = 0;
  double sum = 0.0;
  for (size_t v = 0; v < e->n_domains; ++v) {
    const bf__labelled *d = &e->domains[v];
    BF_TRY(gain_on(e, d, e->fits[BF__STAGE_2].left_out + d->first_pair, &gains[n], err));
    if (isnan(gains[n])) continue;
    sum += gains[n++];
  }
  if (n == 0) goto out;
  qsort(gains, n, sizeof *gains, bf__compare_doubles);
  size_t k = (n + 1) / 10; /* one-sided 90 % */
  e->ensemble_gain = sum / (double)n;
  e->ensemble_gain_low = k > 0 ? gains[k - 1] : -INFINITY;
  e->has_ensemble = true;
out:
  free(gains);
  return status;
}
