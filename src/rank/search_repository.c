/* bf_search: the latest versions of a repository as candidates, ranked by data, then run and ranked by what they say. A
 * sketch that is missing, damaged or does not decode takes its model out of the ranking by data, with the reason; a
 * model that cannot be run goes out of the ranking by outputs. Neither stops the search. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rank/rank_internal.h"

/* Replaces "no sketch" by what kept a sketch from being read. */
static void correct_reasons(bf_search_result *result, const bf_candidate *candidates, const char *const *why,
                            size_t n) {
  for (size_t s = 0; s < result->n_skipped; ++s) {
    for (size_t i = 0; i < n; ++i) {
      bool same = why[i] && strcmp(candidates[i].id, result->skipped[s].id) == 0 &&
                  candidates[i].version == result->skipped[s].version &&
                  strcmp(result->skipped[s].why, "no sketch") == 0;
      if (same) result->skipped[s].why = why[i];
    }
  }
}

static bf_status load_sketch(bf_store *store, const bf_store_model *model, bf_sketch **out, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_status status = bf_store_read_blob(store, model->sketch_sha256, &bytes, &n_bytes, err);
  if (status == BF_OK) status = bf_sketch_decode(bytes, n_bytes, out, err);
  free(bytes);
  return status;
}

/* The latest versions as candidates, their sketches owned by the result. */
static bf_status load_candidates(bf_store *store, bf_search_result *result, bf_candidate *candidates, const char **why,
                                 bf_error *err) {
  for (size_t i = 0; i < result->n_owned; ++i) {
    const bf_store_model *model = bf_store_list_at(result->list, i);
    candidates[i] = (bf_candidate){.id = model->name,
                                   .version = model->version,
                                   .domain = model->domain,
                                   .source_accuracy = model->source_accuracy};
    if (!model->sketch_sha256) continue;
    bf_error cause = {0};
    bf_status loaded = load_sketch(store, model, &result->owned[i], &cause);
    if (loaded == BF_ERR_MEMORY) return bf__error_memory(err, BF_SKETCH_MAX_BYTES);
    if (loaded != BF_OK) {
      why[i] = bf__result_text(result, "its sketch cannot be read: %s", cause.message);
      if (!why[i]) return bf__error_memory(err, sizeof cause.message);
    }
    candidates[i].sketch = loaded == BF_OK ? result->owned[i] : NULL;
  }
  return BF_OK;
}

/* ---- running ---- */

/* Those worth running: ranked by data, the most similar first, then those without a sketch that can be read. */
static size_t run_order(const bf_search_result *result, const bf_candidate *candidates,
                        const bf_search_options *options, size_t *order) {
  size_t n = 0;
  for (size_t i = 0; i < result->n_ranked; ++i) order[n++] = result->ranked[i].candidate;
  for (size_t c = 0; c < result->n_owned; ++c) {
    const char *domain = candidates[c].domain;
    bool excluded = options->exclude_domain && domain && strcmp(domain, options->exclude_domain) == 0;
    if (!candidates[c].sketch && !excluded) order[n++] = c;
  }
  return n;
}

/* Runs what the options allow; returns how many have outputs. */
static bf_status run_all(bf_store *store, bf_search_result *result, bf_candidate *candidates,
                         const bf_search_options *options, size_t *n_with_outputs, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = result->n_owned;
  size_t *order = bf__alloc(n, sizeof *order);
  const char **why = bf__alloc(n, sizeof *why);
  result->runs = bf__alloc(n, sizeof *result->runs);
  result->calibrations = bf__alloc(n, sizeof(bf_calibration *));
  if (!order || !why || !result->runs || !result->calibrations) {
    status = bf__error_memory(err, n * sizeof *order);
    goto out;
  }
  size_t n_order = run_order(result, candidates, options, order), n_run = n_order;
  if (options->max_models > 0 && options->max_models < n_run) n_run = options->max_models;
  BF_TRY(bf__run_candidates(result, store, order, n_run, options, result->runs, why, err));
  for (size_t i = n_run; i < n_order; ++i) {
    why[order[i]] = bf__result_text(result, "not run: number %zu by similarity, and %zu were to be run", i + 1, n_run);
    if (!why[order[i]]) {
      status = bf__error_memory(err, 128);
      goto out;
    }
  }
  for (size_t c = 0; c < n; ++c) {
    candidates[c].not_run = why[c];
    if (!result->runs[c].classes) continue;
    BF_TRY(bf__stored_calibration(bf_store_list_at(result->list, c), &result->calibrations[c], err));
    candidates[c].outputs = &result->runs[c].outputs;
    candidates[c].classes = (const char *const *)result->runs[c].classes;
    candidates[c].calibration = result->calibrations[c];
    ++*n_with_outputs;
  }
out:
  free(order);
  free(why);
  return status;
}

/* Fewer than two models could be run, and nobody asked for an estimator: the order by data stands, and that is said. */
static bf_status warn_data_only(bf_search_result *result, const bf_candidate *candidates, size_t n_with_outputs,
                                bf_error *err) {
  const char *cause = NULL, *id = NULL;
  for (size_t c = 0; c < result->n_owned && !cause; ++c) {
    cause = candidates[c].not_run;
    id = candidates[c].id;
  }
  const char *text = bf__result_text(result, "ranked by the data alone: %s%s%s%s",
                                     n_with_outputs ? "only one model could be run" : "no model could be run",
                                     cause ? "; " : "", cause ? id : "", cause ? " " : "");
  if (text && cause) text = bf__result_text(result, "%s%s", text, cause);
  return bf__result_warn(result, text, err);
}

/* ---- experience ---- */

/* Learned strategies, and aline, which starts from what the models did on labelled rows. */
static bool needs_experience(const bf_search_options *options) {
  const char *strategy = options->strategy;
  return !strategy || options->all_estimators || strcmp(strategy, "auto") == 0 || strcmp(strategy, "aline") == 0 ||
         bf__learner_of(strategy) != BF__N_LEARNERS;
}

static bf_status read_experience(bf_store *store, bf_search_result *result, const bf_sketch *target,
                                 bf_search_options *options, bf_error *err) {
  bf_experience_options how = BF_EXPERIENCE_OPTIONS_INIT;
  if (options->experience || !needs_experience(options)) return BF_OK;
  how.exclude_domain = options->exclude_domain;
  how.n_rows = (size_t)target->rows;
  how.measure = options->measure;
  how.metric = options->metric;
  how.positive = options->positive;
  bf_status status = bf__stored_experience_read(store, target->kind, &how, NULL, NULL, &result->experience, err);
  options->experience = bf__stored_experience_get(result->experience);
  return status;
}

/* Runs what is to be run, and ranks anew by what there is then. */
static bf_status rank_again(bf_store *store, bf_search_result *result, bf_candidate *candidates,
                            const bf_sketch *target, const bf_search_options *options, bool run, bf__plan *plan,
                            bf_error *err) {
  bf_status status = BF_OK;
  size_t n_with_outputs = 0;
  if (run) BF_TRY(run_all(store, result, candidates, options, &n_with_outputs, err));
  BF_TRY(bf__plan_make(options, n_with_outputs, options->experience, plan, err));
  if (run && !plan->by_outputs) BF_TRY(warn_data_only(result, candidates, n_with_outputs, err));
  if (plan->by_outputs || bf__is_learned(plan->info))
    BF_TRY(bf__rank_again(result, candidates, result->n_owned, target, plan, options, err));
out:
  return status;
}

/* What the options ask for, before anything is read or run. */
static bf_status check_asked(const bf_search_options *options, bool can_run, const bf_strategy_info **out,
                             bf_error *err) {
  bf_status status = bf_strategy_find(options->strategy ? options->strategy : "auto", out, err);
  if (status != BF_OK) return status;
  if (can_run || !(bf__is_estimator(*out) || strcmp((*out)->name, "ridge") == 0)) return BF_OK;
  return bf__error(err, BF_ERR_UNSUPPORTED,
                   "%s ranks by what the models say of the target's rows: give data, not a sketch, and workers to run "
                   "the models",
                   (*out)->name);
}

bf_status bf_search(bf_store *store, const bf_sketch *target, const bf_search_options *given, bf_search_result **out,
                    bf_error *err) {
  static const bf_search_options defaults = BF_SEARCH_OPTIONS_INIT;
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the result");
  *out = NULL;
  if (!store || !target) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a repository and a target are needed");
  bf_status status = BF_OK;
  bf_store_query query = BF_STORE_QUERY_INIT;
  bf_search_options options = given ? *given : defaults, by_data;
  const bf_strategy_info *asked = NULL;
  bf__plan plan;
  bool can_run = options.sample && options.workers;
  bf_search_result *result = bf__result_alloc();
  if (!result) return bf__error_memory(err, sizeof *result);
  BF_TRY(check_asked(&options, can_run, &asked, err));
  bool again = bf__is_estimator(asked) || bf__is_learned(asked);
  BF_TRY(read_experience(store, result, target, &options, err));
  by_data = options;
  by_data.strategy = again ? "similarity" : asked->name;
  query.filter = options.filter;
  BF_TRY(bf_store_select(store, &query, &result->list, err));
  size_t n = bf_store_list_count(result->list);
  bf_candidate *candidates = bf__result_block(result, n, sizeof *candidates);
  const char **why = bf__result_block(result, n, sizeof *why);
  result->owned = bf__alloc(n, sizeof(bf_sketch *));
  if (!candidates || !why || !result->owned) {
    status = bf__error_memory(err, n * sizeof *candidates);
    goto out;
  }
  result->n_owned = n;
  BF_TRY(load_candidates(store, result, candidates, why, err));
  BF_TRY(bf__rank_by_data(result, candidates, n, target, &by_data, err));
  correct_reasons(result, candidates, why, n);
  if (again) {
    BF_TRY(rank_again(store, result, candidates, target, &options, can_run, &plan, err));
  } else {
    BF_TRY(bf__plan_make(&options, 0, NULL, &plan, err));
  }
  BF_TRY(bf__grade(result, &plan, options.experience, target->rows, err));
  *out = result;
  return BF_OK;
out:
  bf_search_result_free(result);
  return status;
}
