/* Means of one number a row: how sure a model says it is (confidence, entropy, margin) and how much energy its logits
 * have. Formulas: docs/strategies.md, part 3. One thread a model and rows in order, so that sums do not depend on
 * threads. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

typedef double (*row_number)(const double *row, size_t n);

/* Mean over the answered items of `number` of the row of probabilities. */
static bf_status mean_of_rows(const bf_panel *panel, size_t model, row_number number, bf_estimate_value *out,
                              bf_error *err) {
  const bf__member *member = &panel->members[model];
  double sum = 0.0, *p = bf__alloc(member->n_kept, sizeof *p);
  if (!p) return bf__error_memory(err, member->n_kept * sizeof *p);
  for (size_t i = 0; i < panel->n_items; i++) {
    if (!bf__is_answered(panel, model, i)) continue;
    bf__panel_probabilities(panel, model, i, p);
    sum += number(p, member->n_kept);
  }
  free(p);
  out->value = sum / (double)member->n_answered;
  return BF_OK;
}

bf_status bf__confidence(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  return mean_of_rows(panel, model, bf__row_confidence, out, err);
}

bf_status bf__neg_entropy(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  return mean_of_rows(panel, model, bf__row_neg_entropy, out, err);
}

bf_status bf__margin(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  return mean_of_rows(panel, model, bf__row_margin, out, err);
}

/* Energies -ln sum_c exp z_c of the answered items: you own *out. */
static bf_status energies(const bf_panel *panel, size_t model, double **out, bf_error *err) {
  const bf__member *member = &panel->members[model];
  size_t n = 0;
  double *z = bf__alloc(member->n_kept, sizeof *z), *energy = bf__alloc(member->n_answered, sizeof *energy);
  *out = energy;
  if (!z || !energy) {
    free(z);
    return bf__error_memory(err, (member->n_answered + member->n_kept) * sizeof *z);
  }
  for (size_t i = 0; i < panel->n_items; i++) {
    if (!bf__is_answered(panel, model, i)) continue;
    bf__panel_logits(panel, model, i, z);
    energy[n++] = -bf__log_sum_exp(z, member->n_kept);
  }
  free(z);
  return BF_OK;
}

bf_status bf__energy(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  double *energy = NULL, sum = 0.0;
  bf_status status = energies(panel, model, &energy, err);
  size_t n = panel->members[model].n_answered;
  for (size_t i = 0; status == BF_OK && i < n; i++) sum += energy[i];
  out->value = sum / (double)n;
  free(energy);
  return status;
}

/* -mean ln softmax over the items of the energies = ln sum_i exp(E_i) - mean E: how far the worst items stand out. */
bf_status bf__mde(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  double *energy = NULL, sum = 0.0;
  bf_status status = energies(panel, model, &energy, err);
  size_t n = panel->members[model].n_answered;
  for (size_t i = 0; status == BF_OK && i < n; i++) sum += energy[i];
  if (status == BF_OK) out->value = bf__log_sum_exp(energy, n) - sum / (double)n;
  free(energy);
  return status;
}
