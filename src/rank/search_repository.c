/* bf_search: the latest versions of a repository as candidates. A sketch that is missing, damaged or does not decode
 * takes its model out of the ranking, with the reason; it does not stop the search. */
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

bf_status bf_search(bf_store *store, const bf_sketch *target, const bf_search_options *options, bf_search_result **out,
                    bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the result");
  *out = NULL;
  if (!store || !target) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a repository and a target are needed");
  bf_status status = BF_OK;
  bf_store_query query = BF_STORE_QUERY_INIT;
  bf_search_result *result = bf__result_alloc();
  if (!result) return bf__error_memory(err, sizeof *result);
  if (options) query.filter = options->filter;
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
  for (size_t i = 0; i < n; ++i) {
    const bf_store_model *model = bf_store_list_at(result->list, i);
    candidates[i] = (bf_candidate){.id = model->name,
                                   .version = model->version,
                                   .domain = model->domain,
                                   .source_accuracy = model->source_accuracy};
    if (!model->sketch_sha256) continue;
    bf_error cause = {0};
    bf_status loaded = load_sketch(store, model, &result->owned[i], &cause);
    if (loaded == BF_ERR_MEMORY) {
      status = bf__error_memory(err, BF_SKETCH_MAX_BYTES);
      goto out;
    }
    if (loaded != BF_OK) {
      why[i] = bf__result_text(result, "its sketch cannot be read: %s", cause.message);
      if (!why[i]) {
        status = bf__error_memory(err, sizeof cause.message);
        goto out;
      }
    }
    candidates[i].sketch = loaded == BF_OK ? result->owned[i] : NULL;
  }
  BF_TRY(bf__rank_into(result, candidates, n, target, options, err));
  correct_reasons(result, candidates, why, n);
  *out = result;
  return BF_OK;
out:
  bf_search_result_free(result);
  return status;
}
