/* Why a place is what it is, in sentences that a person can check: bf_search_argue. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rank/rank_internal.h"

#define MAX_ARGUMENTS 64u
#define MOST_OF_A_KIND 6u
#define LOSES 0.05 /* of expected accuracy against its own data: worth a sentence */

typedef struct arguing {
  bf_search_result *result;
  size_t place;
  const bf_ranked *model;
  bf_argument *list;
  size_t n;
  bool failed;
} arguing;

static void add(arguing *a, bf_argument_kind kind, const char *text) {
  if (!text) {
    a->failed = true;
  } else if (a->n < MAX_ARGUMENTS) {
    a->list[a->n++] = (bf_argument){kind, text};
  }
}

/* ---- by measures ---- */

typedef struct standing {
  size_t measure, place, of;
  double value;
} standing;

static int by_place(const void *x, const void *y) {
  const standing *a = x, *b = y;
  if (a->place != b->place) return a->place < b->place ? -1 : 1;
  return a->measure < b->measure ? -1 : a->measure > b->measure;
}

/* Place by measure k among the ranked that have a value; 0: none. */
static size_t place_of(const arguing *a, size_t k, double sign, size_t *of) {
  double own = a->model->measure_values[k];
  size_t place = 1;
  *of = 0;
  for (size_t i = 0; i < a->result->n_ranked; ++i) {
    const bf_ranked *other = &a->result->ranked[i];
    if (k >= other->n_measures || isnan(other->measure_values[k])) continue;
    place += sign * other->measure_values[k] > sign * own;
    ++*of;
  }
  return isnan(own) ? 0 : place;
}

/* The best quarter speaks for the model, the worst against it; of few models nothing can be said so. */
static void argue_by_measures(arguing *a) {
  standing found[MAX_ARGUMENTS] = {{0}};
  size_t n = 0, n_for = 0, n_against = 0;
  for (size_t k = 0; k < a->model->n_measures && n < MAX_ARGUMENTS; ++k) {
    const bf_strategy_info *info = NULL;
    size_t of = 0, place = 0;
    if (bf_strategy_find(a->model->measure_names[k], &info, NULL) != BF_OK) continue;
    place = place_of(a, k, info->direction == BF_HIGHER_IS_CLOSER ? 1.0 : -1.0, &of);
    if (place > 0 && of >= 4) found[n++] = (standing){k, place, of, a->model->measure_values[k]};
  }
  qsort(found, n, sizeof *found, by_place);
  for (size_t i = 0; i < n; ++i) {
    if (4 * (found[i].place - 1) >= found[i].of || n_for++ >= MOST_OF_A_KIND) continue;
    add(a, BF_ARGUES_FOR,
        bf__result_text(a->result, "%zu of %zu by %s (%.4g)", found[i].place, found[i].of,
                        a->model->measure_names[found[i].measure], found[i].value));
  }
  for (size_t i = n; i-- > 0;) {
    if (4 * (found[i].of - found[i].place) >= found[i].of || n_against++ >= MOST_OF_A_KIND) continue;
    add(a, BF_ARGUES_AGAINST,
        bf__result_text(a->result, "%zu of %zu by %s (%.4g)", found[i].place, found[i].of,
                        a->model->measure_names[found[i].measure], found[i].value));
  }
}

/* ---- by expectation ---- */

static void argue_by_expectation(arguing *a) {
  const bf_ranked *m = a->model;
  size_t within = 0;
  if (isnan(m->expected_accuracy)) return;
  const char *metric = bf_metric_name(a->result->metric);
  if (m->source_value - m->expected_accuracy > LOSES)
    add(a, BF_ARGUES_AGAINST,
        bf__result_text(a->result, "loses against its own data: %s %.3f there, %.3f expected here", metric,
                        m->source_value, m->expected_accuracy));
  for (size_t i = 0; i < a->result->n_ranked; ++i) {
    double other = a->result->ranked[i].expected_accuracy;
    within += i != a->place && other >= m->interval_low && other <= m->interval_high;
  }
  if (within > 0)
    add(a, BF_ARGUES_AGAINST,
        bf__result_text(a->result, "%zu other model%s expected within its interval (%.3f to %.3f)", within,
                        within == 1 ? " is" : "s are", m->interval_low, m->interval_high));
}

/* ---- by agreement ---- */

static void argue_by_agreement(arguing *a) {
  char like[300] = "", unlike[300] = "";
  size_t used = 0, n = a->result->n_ranked;
  bool *taken = bf__alloc(n, sizeof *taken);
  if (!taken) {
    a->failed = true;
    return;
  }
  taken[a->place] = true;
  for (int k = 0; k < 3; ++k) {
    size_t best = SIZE_MAX;
    for (size_t j = 0; j < n; ++j) {
      double share = bf_search_result_agreement(a->result, a->place, j);
      if (taken[j] || isnan(share)) continue;
      if (best == SIZE_MAX || share > bf_search_result_agreement(a->result, a->place, best)) best = j;
    }
    if (best == SIZE_MAX || used > sizeof like - 100) break;
    taken[best] = true;
    used += (size_t)snprintf(like + used, sizeof like - used, "%s%.60s (%.0f %% of rows)", k ? ", " : "",
                             a->result->ranked[best].id, 100.0 * bf_search_result_agreement(a->result, a->place, best));
  }
  size_t worst = SIZE_MAX;
  for (size_t j = 0; j < n; ++j) {
    double share = bf_search_result_agreement(a->result, a->place, j);
    if (taken[j] || isnan(share)) continue;
    if (worst == SIZE_MAX || share < bf_search_result_agreement(a->result, a->place, worst)) worst = j;
  }
  if (worst != SIZE_MAX)
    snprintf(unlike, sizeof unlike, "; least with %.60s (%.0f %%)", a->result->ranked[worst].id,
             100.0 * bf_search_result_agreement(a->result, a->place, worst));
  if (like[0]) add(a, BF_ARGUES_AGREES, bf__result_text(a->result, "answers most often as %s%s", like, unlike));
  free(taken);
}

/* ---- by data, and what it all rests on ---- */

static bf_status argue_by_data(arguing *a, const bf_sketch *target, const bf_measure_options *options, bf_error *err) {
  const bf_sketch *source = a->result->sketches[a->place];
  bf_explanation *explanation = NULL;
  if (!source) {
    add(a, BF_ARGUES_UNSEEN, "it has no sketch, so nothing can be said of its data");
    return BF_OK;
  }
  bf_status status = bf_explain(source, target, options, &explanation, err);
  for (size_t k = 0; status == BF_OK && k < bf_explanation_sentence_count(explanation); ++k)
    add(a, BF_ARGUES_UNSEEN, bf__result_text(a->result, "%s", bf_explanation_sentence(explanation, k)));
  bf_explanation_free(explanation);
  return status == BF_ERR_MISMATCH ? BF_OK : status;
}

/* The sentences of the ranking about expectation and record are what the estimate rests on. */
static void argue_by_record(arguing *a) {
  for (size_t k = 0; k < a->model->n_reasons && k < 2 && !isnan(a->model->expected_accuracy); ++k)
    add(a, BF_ARGUES_RESTS, a->model->reasons[k]);
  for (size_t k = 0; k < a->result->trust.n_reasons && a->place == 0; ++k)
    add(a, BF_ARGUES_RESTS, a->result->trust.reasons[k]);
  if (isnan(a->model->expected_accuracy))
    add(a, BF_ARGUES_RESTS,
        bf__result_text(a->result,
                        "on %s alone: the repository has seen too few labelled domains to expect an accuracy",
                        a->result->strategy));
}

bf_status bf_search_argue(bf_search_result *result, size_t i, const bf_sketch *target,
                          const bf_measure_options *options, const bf_argument **out, size_t *n, bf_error *err) {
  if (!result || !target || !out || !n)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a result and a target are needed");
  *out = NULL;
  *n = 0;
  if (i >= result->n_ranked)
    return bf__error(err, BF_ERR_NOT_FOUND, "there are %zu places, and no number %zu", result->n_ranked, i + 1);
  arguing a = {.result = result, .place = i, .model = &result->ranked[i]};
  a.list = bf__result_block(result, MAX_ARGUMENTS, sizeof *a.list);
  if (!a.list) return bf__error_memory(err, MAX_ARGUMENTS * sizeof *a.list);
  argue_by_measures(&a);
  argue_by_expectation(&a);
  bf_status status = argue_by_data(&a, target, options, err);
  if (status != BF_OK) return status;
  argue_by_agreement(&a);
  argue_by_record(&a);
  if (a.failed) return bf__error_memory(err, 512);
  *out = a.list;
  *n = a.n;
  return BF_OK;
}
