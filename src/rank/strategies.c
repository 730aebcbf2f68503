/* The one list of strategies: the measures, then the estimators. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "estimate/estimate_internal.h"
#include "measure/measure_internal.h"

const bf_strategy_info *bf_strategy_at(size_t i) {
  size_t n_measures = 0;
  while (bf__strategy_at(n_measures)) ++n_measures;
  if (i < n_measures) return bf__strategy_at(i);
  const bf__estimator *estimator = bf__estimator_at(i - n_measures);
  return estimator ? &estimator->info : NULL;
}

bf_status bf_strategy_find(const char *name, const bf_strategy_info **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the strategy");
  *out = NULL;
  if (!name) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no name of a strategy");
  const bf_strategy_info *info = NULL;
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++) {
    if (strcmp(info->name, name) != 0) continue;
    *out = info;
    return BF_OK;
  }
  char near[320] = "";
  size_t used = 0;
  for (int all = 0; all < 2 && used == 0; ++all) { /* nothing near: as many as there is room for */
    for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; ++i) {
      if (!all && !bf__strategy_is_near(name, info->name)) continue;
      int n = snprintf(near + used, sizeof near - used, "%s%s", used ? ", " : "", info->name);
      if (n < 0 || (size_t)n >= sizeof near - used) break;
      used += (size_t)n;
    }
  }
  return bf__error(err, BF_ERR_NOT_FOUND, "no strategy '%.40s'; there are: %s", name, near);
}
