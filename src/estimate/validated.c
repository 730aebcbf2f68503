/* Estimators that set the target's confidences against those on the model's own validation data (calibration.c):
 * thresholds (Garg et al. 2022), the difference of means (Guillory et al. 2021), calibrated confidence, and the shift
 * of the predicted classes. Formulas: docs/strategies.md, part 3. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"
#include "measure/measure_internal.h"

/* Share of the answered items whose number reaches the threshold. */
static bf_status share_above(const bf_panel *panel, size_t model, double (*number)(const double *, size_t),
                             double threshold, bf_estimate_value *out, bf_error *err) {
  const bf__member *member = &panel->members[model];
  size_t above = 0;
  double *p = bf__alloc(member->n_kept, sizeof *p);
  if (!p) return bf__error_memory(err, member->n_kept * sizeof *p);
  for (size_t i = 0; i < panel->n_items; i++) {
    if (!bf__is_answered(panel, model, i)) continue;
    bf__panel_probabilities(panel, model, i, p);
    above += number(p, member->n_kept) >= threshold;
  }
  free(p);
  out->value = (double)above / (double)member->n_answered;
  return BF_OK;
}

bf_status bf__atc(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  return share_above(panel, model, bf__row_confidence, panel->models[model].calibration->atc_threshold, out, err);
}

bf_status bf__atc_entropy(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  return share_above(panel, model, bf__row_neg_entropy, panel->models[model].calibration->atc_entropy_threshold, out,
                     err);
}

bf_status bf__doc(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  const bf_calibration *calibration = panel->models[model].calibration;
  bf_status status = bf__confidence(panel, model, out, err);
  out->value += calibration->accuracy - calibration->mean_confidence;
  return status;
}

double bf__isotonic_at(const bf_calibration *calibration, double confidence) {
  size_t low = 0, high = calibration->n_steps;
  while (low < high) { /* number of steps that begin at or below */
    size_t middle = low + (high - low) / 2;
    if (calibration->step_confidence[middle] <= confidence) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return calibration->step_accuracy[low > 0 ? low - 1 : 0];
}

bf_status bf__cbpe(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  const bf__member *member = &panel->members[model];
  const bf_calibration *calibration = panel->models[model].calibration;
  double sum = 0.0, *p = NULL;
  if (calibration->n_steps == 0) {
    bf__not_applicable(out, "its calibration has no steps of confidence");
    return BF_OK;
  }
  p = bf__alloc(member->n_kept, sizeof *p);
  if (!p) return bf__error_memory(err, member->n_kept * sizeof *p);
  for (size_t i = 0; i < panel->n_items; i++) {
    if (!bf__is_answered(panel, model, i)) continue;
    bf__panel_probabilities(panel, model, i, p);
    sum += bf__isotonic_at(calibration, bf__row_confidence(p, member->n_kept));
  }
  free(p);
  out->value = sum / (double)member->n_answered;
  return BF_OK;
}

bf_status bf__prior_jsd(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  const uint16_t *votes = bf__votes(panel, model);
  double *shares = bf__alloc(panel->n_classes, 2 * sizeof *shares);
  if (!shares) return bf__error_memory(err, panel->n_classes * 2 * sizeof *shares);
  double *prior = shares + panel->n_classes;
  if (bf__panel_prior(panel, model, prior)) {
    for (size_t i = 0; i < panel->n_items; i++)
      if (votes[i] != BF__NO_VOTE) shares[votes[i]] += 1.0;
    for (size_t c = 0; c < panel->n_classes; c++) shares[c] /= (double)panel->members[model].n_answered;
    out->value = bf__jsd(shares, prior, panel->n_classes);
  } else {
    bf__not_applicable(out, "its calibration knows no label of these classes");
  }
  free(shares);
  return BF_OK;
}
