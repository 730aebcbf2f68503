/* The default order of rank-predictions: agreement with the models that know something of what the others say.
 *
 * Plain consensus fails where most models are wrong, each in its own way or all into the same few classes. The mutual
 * information of two models' answers (as in peer prediction, Kong and Schoenebeck 2019) is 0 for a constant answer
 * whatever the others say, and agreement by collapse gains nothing. But information does not know names: a model with
 * two classes exchanged has as much of it. So information only weighs the voters, and what is counted is agreement:
 *
 *   I_i = sum_j MI(h_i, h_j),  w_j = exp(2 clip(z(I)_j, +-2.5)) / #{k : A_jk > 0.97},  score_i = sum_j w_j A_ij / sum_j
 * w_j
 *
 * with A_ii = 1, and of 4 voters or more none above a third. With few items a pair of classes (C^2 > 4 n) information
 * cannot be told from chance, and mean agreement takes its place in the weights. Fewer than 5 models do not vouch for
 * each other; there full Dawid-Skene decides (up to 7 classes), else one coin and pair agreement. Where the trust flag
 * is up, full Dawid-Skene has a half share. Measured in docs/decisions/0005-rank-predictions.md. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/thread.h"
#include "estimate/estimate_internal.h"

#define FEW_MODELS 5u
#define FEW_CLASSES 7u
#define ITEMS_PER_PAIR 0.25 /* at least so many items for every pair of classes */
#define SHARPNESS 2.0
#define CLIP 2.5
#define SCORES_SHARE 0.3

/* ---- mutual information ---- */

typedef struct information {
  const bf_panel *panel;
  double *matrix; /* [n_models][n_models]; NaN in the diagonal: out of memory in a worker */
} information;

/* Of the items that both answered, in nats, less its expected excess (Miller 1955); joint is [n_classes^2] of 0. */
static double mutual_information(const bf_panel *panel, size_t i, size_t j, uint32_t *joint, double *sums) {
  const uint16_t *a = bf__votes(panel, i), *b = bf__votes(panel, j);
  size_t k = panel->n_classes;
  double n = 0.0, value = 0.0, cells = 0.0, in_a = 0.0, in_b = 0.0;
  for (size_t x = 0; x < panel->n_items; x++) {
    if (a[x] == BF__NO_VOTE || b[x] == BF__NO_VOTE) continue;
    joint[a[x] * k + b[x]]++;
  }
  for (size_t c = 0; c < 2 * k; c++) sums[c] = 0.0;
  for (size_t c = 0; c < k; c++)
    for (size_t d = 0; d < k; d++) {
      sums[c] += joint[c * k + d];
      sums[k + d] += joint[c * k + d];
      n += joint[c * k + d];
    }
  for (size_t c = 0; c < k; c++) {
    in_a += sums[c] > 0.0;
    in_b += sums[k + c] > 0.0;
    for (size_t d = 0; d < k; d++) {
      double both = joint[c * k + d];
      joint[c * k + d] = 0;
      if (both == 0.0) continue;
      cells += 1.0;
      value += both / n * log(both * n / (sums[c] * sums[k + d]));
    }
  }
  return n > 0.0 ? fmax(value - (cells - in_a - in_b + 1.0) / (2.0 * n), 0.0) : 0.0;
}

static void information_row(void *context, size_t i, uint32_t worker) {
  const information *info = context;
  size_t m = info->panel->n_models, k = info->panel->n_classes;
  uint32_t *joint = bf__alloc(k * k, sizeof *joint);
  double *sums = bf__alloc(2 * k, sizeof *sums);
  (void)worker;
  info->matrix[i * m + i] = joint && sums ? 0.0 : NAN;
  for (size_t j = i + 1; joint && sums && j < m; j++)
    info->matrix[i * m + j] = info->matrix[j * m + i] = mutual_information(info->panel, i, j, joint, sums);
  free(joint);
  free(sums);
}

static bf_status sum_information(const bf_panel *panel, double *out, bf_error *err) {
  bf_status status = BF_OK;
  size_t m = panel->n_models;
  information info = {panel, bf__alloc(m * m, sizeof *info.matrix)};
  if (!info.matrix) return bf__error_memory(err, m * m * sizeof *info.matrix);
  bf__parallel_for(m, panel->options.n_threads, information_row, &info);
  for (size_t i = 0; i < m; i++) {
    if (isnan(info.matrix[i * m + i])) BF_TRY(bf__error_memory(err, panel->n_classes * panel->n_classes * sizeof *out));
    out[i] = 0.0;
    for (size_t j = 0; j < m; j++) out[i] += info.matrix[i * m + j];
  }
out:
  free(info.matrix);
  return status;
}

/* ---- the score ---- */

/* z-scores over the applicable ones; 0 where all are equal. */
static void standardise(const bf_estimate_value *which, size_t m, double *values) {
  double n = 0.0, mean = 0.0, square = 0.0;
  for (size_t i = 0; i < m; i++) {
    if (!which[i].applicable) continue;
    n += 1.0;
    mean += values[i];
  }
  mean /= n;
  for (size_t i = 0; i < m; i++)
    if (which[i].applicable) square += (values[i] - mean) * (values[i] - mean);
  double deviation = sqrt(square / n);
  for (size_t i = 0; i < m; i++)
    values[i] = deviation > 1e-12 * fmax(1.0, fabs(mean)) ? (values[i] - mean) / deviation : 0.0;
}

/* Adds the z-scores of an estimator. */
static bf_status add_rule(const bf_panel *panel, const char *name, double share, const bf_estimate_value *which,
                          double *sums, bf_error *err) {
  bf_status status = BF_OK;
  size_t m = panel->n_models;
  double *z = bf__alloc(m, sizeof *z);
  bf_estimate_value *values = bf__alloc(m, sizeof *values);
  if (!z || !values) BF_TRY(bf__error_memory(err, m * sizeof *values));
  BF_TRY(bf_estimate(panel, name, values, err));
  for (size_t i = 0; i < m; i++) z[i] = values[i].value;
  standardise(which, m, z);
  for (size_t i = 0; i < m; i++) sums[i] += share * z[i];
out:
  free(z);
  free(values);
  return status;
}

static bf_status add_informed_agreement(const bf_panel *panel, double share, const bf_estimate_value *which,
                                        double *sums, bf_error *err) {
  bf_status status = BF_OK;
  const double *agreement = NULL;
  size_t m = panel->n_models, k = panel->n_classes;
  double *weights = bf__alloc(m, 3 * sizeof *weights);
  if (!weights) return bf__error_memory(err, m * 3 * sizeof *weights);
  double *clones = weights + m, *scores = clones + m;
  BF_TRY(bf__panel_agreement(panel, &agreement, err));
  if ((double)panel->n_items >= ITEMS_PER_PAIR * (double)k * (double)k) {
    BF_TRY(sum_information(panel, weights, err));
    standardise(which, m, weights);
  } else {
    BF_TRY(add_rule(panel, "pair-agreement", 1.0, which, weights, err));
  }
  bf__clone_weights(agreement, m, clones);
  for (size_t j = 0; j < m; j++)
    weights[j] = which[j].applicable ? clones[j] * exp(SHARPNESS * fmin(fmax(weights[j], -CLIP), CLIP)) : 0.0;
  bf__cap_weights(weights, m);
  for (size_t i = 0; i < m; i++) {
    double sum = 0.0, total = 0.0;
    for (size_t j = 0; j < m; j++) {
      if (!which[i].applicable || isnan(agreement[i * m + j])) continue;
      sum += weights[j] * agreement[i * m + j];
      total += weights[j];
    }
    scores[i] = total > 0.0 ? sum / total : 0.0;
  }
  standardise(which, m, scores);
  for (size_t i = 0; i < m; i++) sums[i] += share * scores[i];
out:
  free(weights);
  return status;
}

bf_status bf__consensus_mix(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  bf_status status = BF_OK;
  size_t m = panel->n_models, n = 0;
  double trust = 1.0, *sums = bf__alloc(m, sizeof *sums);
  if (!sums) return bf__error_memory(err, m * sizeof *sums);
  for (size_t i = 0; i < m; i++) n += out[i].applicable;
  if (n >= FEW_MODELS) {
    status = bf_panel_trust(panel, &trust, err);
    if (status != BF_OK && status != BF_ERR_NOT_APPLICABLE) goto out;
    BF_TRY(add_informed_agreement(panel, 1.0, out, sums, err));
    if (trust < BF__DOUBTFUL_TRUST) BF_TRY(add_rule(panel, "dawid-skene-full", 1.0, out, sums, err));
  } else if (panel->n_classes <= FEW_CLASSES) {
    BF_TRY(add_rule(panel, "dawid-skene-full", 1.0, out, sums, err));
  } else {
    BF_TRY(add_rule(panel, "dawid-skene", 0.5, out, sums, err));
    BF_TRY(add_rule(panel, "pair-agreement", 0.5, out, sums, err));
  }
  bool all_give_scores = true;
  for (size_t i = 0; i < m; i++) all_give_scores = all_give_scores && (!out[i].applicable || panel->models[i].scores);
  if (all_give_scores) BF_TRY(add_rule(panel, "nuclear-norm", SCORES_SHARE, out, sums, err));
  for (size_t i = 0; i < m; i++) out[i].value = sums[i];
out:
  free(sums);
  return status;
}
