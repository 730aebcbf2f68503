/* Nuclear norm of the probabilities (Deng et al., ICML 2023): large where predictions are both sure and spread over the
 * classes. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

#define MOST_ITEMS 256u /* with more classes than this, so that the solver stays cubic in 256 */

bf_status bf__nuclear_norm(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  const bf__member *member = &panel->members[model];
  size_t k = member->n_kept, n = 0, cells = 0, *items = NULL;
  bf_status status = BF_OK;
  double *p = NULL, *a = NULL, sum = 0.0;
  size_t most = k > MOST_ITEMS ? MOST_ITEMS : panel->n_items;
  BF_TRY(bf__panel_sample(panel, model, most, bf__is_answered, &items, &n, err));
  p = bf__alloc(k, sizeof *p);
  if (bf__mul(n, k, &cells)) a = bf__alloc(cells, sizeof *a);
  if (!p || !a) BF_TRY(bf__error_memory(err, cells * sizeof *a));
  bool high = n >= k; /* columns are the shorter side */
  for (size_t i = 0; i < n; i++) {
    bf__panel_probabilities(panel, model, items[i], p);
    for (size_t c = 0; c < k; c++) a[high ? c * n + i : i * k + c] = p[c];
  }
  BF_TRY(bf__singular_sum(a, high ? n : k, high ? k : n, &sum, err));
  size_t smaller = n < panel->n_classes ? n : panel->n_classes;
  out->value = sum / sqrt((double)n * (double)smaller);
out:
  free(items);
  free(p);
  free(a);
  return status;
}
