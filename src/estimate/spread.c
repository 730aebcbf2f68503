/* How the logits lie: dispersion of the predicted classes' means (Xie et al., NeurIPS 2023) and the norm of MaNo (Xie
 * et al., NeurIPS 2024). Temperatures play no part. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

#define LOWEST 1e-300 /* ln of it stands for no dispersion at all */
#define DELTA 5.0     /* above it softmax, else the Taylor polynomial */

/* sum_k n_k |mu_k - mu|^2 from the sums of logits by class, [n_classes][k], and the items in each. */
static double between(const double *sums, const size_t *counts, size_t n_classes, size_t k, size_t n) {
  double result = 0.0;
  for (size_t d = 0; d < k; d++) {
    double total = 0.0;
    for (size_t c = 0; c < n_classes; c++) total += sums[c * k + d];
    for (size_t c = 0; c < n_classes; c++) {
      if (counts[c] == 0) continue;
      double shift = sums[c * k + d] / (double)counts[c] - total / (double)n;
      result += (double)counts[c] * shift * shift;
    }
  }
  return result;
}

bf_status bf__dispersion(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  const bf__member *member = &panel->members[model];
  const uint16_t *votes = bf__votes(panel, model);
  size_t k = member->n_kept, cells = 0;
  bf_status status = BF_OK;
  double *z = NULL, *sums = NULL;
  size_t *counts = NULL;
  uint16_t *own = NULL; /* number among the kept by the panel's */
  if (panel->n_classes < 2) {
    bf__not_applicable(out, "one class has no dispersion");
    return BF_OK;
  }
  z = bf__alloc(k, sizeof *z);
  counts = bf__alloc(k, sizeof *counts);
  own = bf__alloc(panel->n_classes, sizeof *own);
  if (bf__mul(k, k, &cells)) sums = bf__alloc(cells, sizeof *sums);
  if (!z || !counts || !own || !sums) BF_TRY(bf__error_memory(err, cells * sizeof *sums));
  for (size_t c = 0; c < k; c++) own[member->to_panel[c]] = (uint16_t)c;
  for (size_t i = 0; i < panel->n_items; i++) {
    if (votes[i] == BF__NO_VOTE) continue;
    size_t class = own[votes[i]];
    bf__panel_logits(panel, model, i, z);
    counts[class]++;
    for (size_t d = 0; d < k; d++) sums[class * k + d] += z[d];
  }
  double spread = between(sums, counts, k, k, member->n_answered) / (double)(panel->n_classes - 1);
  out->value = log(fmax(spread, LOWEST));
out:
  free(z);
  free(sums);
  free(counts);
  free(own);
  return status;
}

/* Row of logits -> sum of the fourth powers of its normalised form. */
static double fourth_powers(double *z, size_t k, bool use_softmax) {
  double least = INFINITY, sum = 0.0, result = 0.0;
  if (use_softmax) {
    bf__softmax(z, k, 1.0, z);
  } else {
    for (size_t c = 0; c < k; c++) {
      z[c] = 1.0 + z[c] + 0.5 * z[c] * z[c];
      least = z[c] < least ? z[c] : least;
    }
    for (size_t c = 0; c < k; c++) sum += z[c] - least;
    for (size_t c = 0; c < k; c++) z[c] = sum > 0.0 ? (z[c] - least) / sum : 1.0 / (double)k;
  }
  for (size_t c = 0; c < k; c++) result += z[c] * z[c] * z[c] * z[c];
  return result;
}

bf_status bf__mano(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  const bf__member *member = &panel->members[model];
  size_t k = member->n_kept;
  double delta = 0.0, sum = 0.0, *z = bf__alloc(k, sizeof *z);
  if (!z) return bf__error_memory(err, k * sizeof *z);
  for (size_t i = 0; i < panel->n_items; i++) {
    if (!bf__is_answered(panel, model, i)) continue;
    bf__panel_logits(panel, model, i, z);
    double mean = 0.0;
    for (size_t c = 0; c < k; c++) mean += z[c];
    delta += bf__log_sum_exp(z, k) - mean / (double)k;
  }
  delta /= (double)member->n_answered;
  for (size_t i = 0; i < panel->n_items; i++) {
    if (!bf__is_answered(panel, model, i)) continue;
    bf__panel_logits(panel, model, i, z);
    sum += fourth_powers(z, k, delta > DELTA);
  }
  free(z);
  out->value = sqrt(sqrt(sum / ((double)member->n_answered * (double)panel->n_classes)));
  return BF_OK;
}
