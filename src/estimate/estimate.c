/* Asking a panel for an estimator: who has what it needs, the call, and what comes back as finite or not applicable. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "estimate/estimate_internal.h"

#define SAME 1e9 /* scores that differ in less than its inverse are ties: rounding must not order them */

void bf__not_applicable(bf_estimate_value *out, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(out->why, sizeof out->why, format, arguments);
  va_end(arguments);
  out->applicable = false;
  out->value = 0.0;
}

static void check_needs(const bf_panel *panel, const bf__estimator *estimator, size_t m, bf_estimate_value *out) {
  const bf_panel_model *model = &panel->models[m];
  memset(out, 0, sizeof *out);
  out->applicable = true;
  if (panel->members[m].n_answered == 0) {
    bf__not_applicable(out, "none of its outputs is an answer");
  } else if (estimator->needs & BF__NEEDS_SCORES && !model->scores) {
    bf__not_applicable(out, "only its predicted classes are known, not its scores");
  } else if (estimator->needs & BF__NEEDS_ENERGY && !model->are_logits) {
    bf__not_applicable(out, "it gives probabilities, whose energy is always 0; logits are needed");
  } else if (estimator->needs & BF__NEEDS_CALIBRATION && !model->calibration) {
    bf__not_applicable(out, "it has no calibration: no labelled validation data were given for it");
  }
}

typedef struct estimate_job {
  const bf_panel *panel;
  const bf__estimator *estimator;
  bf_estimate_value *out;
  bf_status *statuses;
  bf_error *errors;
} estimate_job;

static void estimate_one(void *context, size_t m, uint32_t worker) {
  const estimate_job *job = context;
  (void)worker;
  if (!job->out[m].applicable) return;
  job->statuses[m] = job->estimator->one(job->panel, m, &job->out[m], &job->errors[m]);
}

static bf_status estimate_each(const bf_panel *panel, const bf__estimator *estimator, bf_estimate_value *out,
                               bf_error *err) {
  bf_status status = BF_OK;
  size_t m = panel->n_models;
  estimate_job job = {panel, estimator, out, bf__alloc(m, sizeof *job.statuses), bf__alloc(m, sizeof *job.errors)};
  if (!job.statuses || !job.errors) BF_TRY(bf__error_memory(err, m * sizeof *job.errors));
  bf__parallel_for(m, panel->options.n_threads, estimate_one, &job);
  for (size_t i = 0; i < m; i++) {
    if (job.statuses[i] == BF_OK) continue;
    if (err) *err = job.errors[i];
    status = job.statuses[i];
    break;
  }
out:
  free(job.statuses);
  free(job.errors);
  return status;
}

static bf_status compute(const bf_panel *panel, const bf__estimator *estimator, bf_estimate_value *out, bf_error *err) {
  size_t n_applicable = 0;
  for (size_t i = 0; i < panel->n_models; i++) {
    check_needs(panel, estimator, i, &out[i]);
    n_applicable += out[i].applicable;
  }
  if (n_applicable == 0) return BF_OK;
  bf_status status = estimator->one ? estimate_each(panel, estimator, out, err) : estimator->all(panel, out, err);
  for (size_t i = 0; i < panel->n_models; i++) {
    if (!out[i].applicable) {
      out[i].value = 0.0; /* rules over all models fill every place */
    } else if (!isfinite(out[i].value)) {
      bf__not_applicable(&out[i], "%s has no finite value for these outputs", estimator->info.name);
    }
  }
  return status;
}

bf_status bf_estimate(const bf_panel *panel, const char *name, bf_estimate_value *out, bf_error *err) {
  if (!panel || !name || !out)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a panel, a name and a place for the values are needed");
  const bf__estimator *estimator = bf__estimator_find(name);
  if (!estimator)
    return bf__error(err, BF_ERR_NOT_FOUND, "no estimator '%.40s'; `bestfit strategies` lists them", name);
  bf__panel_cache *cache = panel->cache;
  size_t row = (size_t)(estimator - bf__estimator_at(0)), n_bytes = panel->n_models * sizeof *out;
  pthread_mutex_lock(&cache->lock);
  bool known = cache->values[row] != NULL;
  if (known) memcpy(out, cache->values[row], n_bytes);
  pthread_mutex_unlock(&cache->lock);
  if (known) return BF_OK;
  bf_status status = compute(panel, estimator, out, err);
  if (status != BF_OK) return status;
  pthread_mutex_lock(&cache->lock);
  if (!cache->values[row]) {
    bf_estimate_value *kept = bf__alloc(panel->n_models, sizeof *kept);
    if (kept) memcpy(kept, out, n_bytes); /* else computed again when asked again */
    cache->values[row] = kept;
  }
  pthread_mutex_unlock(&cache->lock);
  return BF_OK;
}

bf_status bf_panel_trust(const bf_panel *panel, double *out, bf_error *err) {
  if (!panel || !out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a panel and a place for its trust are needed");
  *out = 0.0;
  bf_status status = BF_OK;
  size_t m = panel->n_models, n = 0;
  double *scores = bf__alloc(m, 2 * sizeof *scores);
  bf_estimate_value *majority = bf__alloc(m, sizeof *majority), *full = bf__alloc(m, sizeof *full);
  if (!scores || !majority || !full) BF_TRY(bf__error_memory(err, m * (2 * sizeof *scores + 2 * sizeof *full)));
  BF_TRY(bf_estimate(panel, "majority", majority, err));
  BF_TRY(bf_estimate(panel, "dawid-skene-full", full, err));
  for (size_t i = 0; i < m; i++) {
    if (!majority[i].applicable || !full[i].applicable) continue;
    scores[n] = round(majority[i].value * SAME) / SAME;
    scores[m + n++] = round(full[i].value * SAME) / SAME;
  }
  if (n < 3) {
    status = bf__error(err, BF_ERR_NOT_APPLICABLE, "a consensus of %zu models cannot be judged: 3 are needed", n);
    goto out;
  }
  BF_TRY(bf__spearman(scores, scores + m, n, out, err));
out:
  free(scores);
  free(majority);
  free(full);
  return status;
}
