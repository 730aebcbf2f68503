/* One strategy against another: paired differences, the paper's claim, the size of the target, the prototype's figures;
 * and what no figure can show: targets without an answer. */
#include <stdlib.h>
#include <string.h>

#include "benchmark/results_internal.h"

#define MAX_LISTED 12u

static bf_status difference(bf__scoring *s, uint32_t strategy, uint32_t against, const bf__scope *scope, bool interval,
                            json_t *parent, const char *key, bf_error *err) {
  static const size_t metrics[] = {BF__REGRET, BF__SPEARMAN};
  bf_status status = BF_OK;
  bf__figure figure;
  json_t *object = json_object();
  for (size_t k = 0; k < sizeof metrics / sizeof *metrics; k++) {
    BF_TRY(bf__join_metric(s->bench, s->values, BF__STANDARD, strategy, against, metrics[k], scope, interval, &figure,
                           err));
    if (figure.n > 0) BF_TRY(bf__json_set(object, bf__metric_names[metrics[k]], bf__json_figure(&figure), err));
  }
  if (json_object_size(object) > 0) status = bf__json_set(parent, key, json_incref(object), err);
out:
  json_decref(object);
  return status;
}

/* `auto`, or what has the least regret among those that answered most targets. */
static bf_status reference(bf__scoring *s, uint32_t *out, bf_error *err) {
  bf_status status = BF_OK;
  bf__figure best = {.n = 0}, figure;
  bf__scope scope = bf__scope_of(s, SIZE_MAX, BF__WITHOUT_STRANGERS);
  *out = bf__bench_find_strategy(s->bench, "auto");
  for (uint32_t i = 0; *out == BF__NO_STRATEGY && i < s->bench->n_strategies; i++) {
    BF_TRY(bf__join_metric(s->bench, s->values, BF__STANDARD, i, BF__NO_STRATEGY, BF__SPEARMAN, &scope, false, &figure,
                           err));
    if (figure.n > best.n || (figure.n == best.n && figure.n > 0 && figure.mean > best.mean)) best = figure;
  }
  for (uint32_t i = 0; *out == BF__NO_STRATEGY && i < s->bench->n_strategies; i++) {
    BF_TRY(bf__join_metric(s->bench, s->values, BF__STANDARD, i, BF__NO_STRATEGY, BF__SPEARMAN, &scope, false, &figure,
                           err));
    if (figure.n == best.n && figure.n > 0 && figure.mean >= best.mean) *out = i;
  }
out:
  return status;
}

static bf_status differences(bf__scoring *s, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  uint32_t against = 0;
  json_t *object = json_object(), *all = json_object(), *pooled = json_object_get(results, "pooled");
  BF_TRY(reference(s, &against, err));
  if (against == BF__NO_STRATEGY) goto out;
  bf__scope scope = bf__scope_of(s, SIZE_MAX, BF__WITHOUT_STRANGERS);
  for (uint32_t i = 0; i < s->bench->n_strategies; i++)
    if (i != against) BF_TRY(difference(s, i, against, &scope, true, all, s->bench->strategies[i].name, err));
  BF_TRY(bf__json_set(object, "against", json_string(s->bench->strategies[against].name), err));
  BF_TRY(bf__json_set(object, "strategies", json_incref(all), err));
  status = bf__json_set(pooled, "differences", json_incref(object), err);
out:
  json_decref(object);
  json_decref(all);
  return status;
}

/* ---- the paper's claim ---- */

static bf_status claim_of(bf__scoring *s, const char *adaptivity, const char *measure, json_t *list, bf_error *err) {
  bf_status status = BF_OK;
  uint32_t a = bf__bench_find_strategy(s->bench, adaptivity), m = bf__bench_find_strategy(s->bench, measure);
  json_t *object = json_object(), *collections = json_object();
  bf__scope scope;
  if (a == BF__NO_STRATEGY || m == BF__NO_STRATEGY) goto out;
  for (size_t k = 0; k < s->bench->n_collections; k++) {
    size_t c = bf__shown_collection(s->bench, k);
    scope = bf__scope_of(s, c, BF__WITHOUT_STRANGERS);
    BF_TRY(difference(s, a, m, &scope, true, collections, s->bench->collections[c].name, err));
  }
  scope = bf__scope_of(s, SIZE_MAX, BF__WITHOUT_STRANGERS);
  BF_TRY(difference(s, a, m, &scope, true, object, "pooled", err));
  BF_TRY(bf__json_set(object, "adaptivity", json_string(adaptivity), err));
  BF_TRY(bf__json_set(object, "measure", json_string(measure), err));
  BF_TRY(bf__json_set(object, "collections", json_incref(collections), err));
  if (json_object_size(collections) > 0 && json_array_append(list, object) != 0) status = bf__error_memory(err, 64);
out:
  json_decref(object);
  json_decref(collections);
  return status;
}

static bf_status claims(bf__scoring *s, json_t *results, bf_error *err) {
  static const char *const pairs[][2] = {
      {"paper-adaptivity-mixed", "paper-jsd-mixed"},         {"paper-adaptivity-mixed", "paper-l2-mixed"},
      {"paper-adaptivity-hindsight", "paper-jsd-mixed"},     {"paper-adaptivity-hindsight", "paper-l2-mixed"},
      {"paper-adaptivity-raw-mixed", "paper-jsd-raw-mixed"}, {"paper-adaptivity-raw-mixed", "paper-l2-raw-mixed"}};
  bf_status status = BF_OK;
  json_t *list = json_array();
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) BF_TRY(claim_of(s, pairs[i][0], pairs[i][1], list, err));
  status = bf__json_set(results, "claim", json_incref(list), err);
out:
  json_decref(list);
  return status;
}

/* ---- the size of the target ---- */

static bool answered(bf__scoring *s, uint32_t strategy, size_t variant, size_t item) {
  return !isnan(bf__value(s->values, variant, strategy, item, BF__REGRET));
}

/* Targets that every size up to `largest` has; they alone are compared, so that no size has the easier ones. */
static size_t common(bf__scoring *s, uint32_t strategy, size_t largest) {
  const bf__bench *bench = s->bench;
  size_t n = 0;
  for (size_t i = 0; i < bench->n_items; i++) {
    bool all = !bench->items[i].stranger && bench->collections[bench->items[i].collection].headline &&
               answered(s, strategy, BF__STANDARD, i);
    for (size_t v = BF__ROWS_30; all && v <= largest; v++) all = answered(s, strategy, v, i);
    s->member[i] = all;
    n += all;
  }
  return n;
}

static bf_status size_figures(bf__scoring *s, size_t largest, uint32_t strategy, size_t metric, json_t *of,
                              bf_error *err) {
  bf_status status = BF_OK;
  bf__scope scope = {.member = s->member, .macro = true};
  bf__figure figure;
  json_t *list = json_array();
  for (size_t k = BF__ROWS_30; k <= largest + 1; k++) {
    size_t variant = k <= largest ? k : BF__STANDARD;
    BF_TRY(
        bf__join_metric(s->bench, s->values, variant, strategy, BF__NO_STRATEGY, metric, &scope, true, &figure, err));
    if (json_array_append_new(list, bf__json_figure(&figure)) != 0) status = bf__error_memory(err, 64);
  }
  if (status == BF_OK) status = bf__json_set(of, bf__metric_names[metric], json_incref(list), err);
out:
  json_decref(list);
  return status;
}

static bf_status sizes(bf__scoring *s, json_t *results, bf_error *err) {
  static const int rows[] = {30, 100, 300, 1000};
  bf_status status = BF_OK;
  uint32_t against = 0;
  json_t *object = json_object(), *all = json_object(), *list = json_array();
  BF_TRY(reference(s, &against, err));
  if (against == BF__NO_STRATEGY) goto out;
  size_t largest = BF__ROWS_1000, most = common(s, against, BF__ROWS_30);
  while (largest > BF__ROWS_30 && common(s, against, largest) * 2 < most) largest--;
  size_t n = common(s, against, largest);
  if (n == 0) goto out;
  for (size_t k = BF__ROWS_30; k <= largest; k++)
    (void)json_array_append_new(list, json_integer(rows[k - BF__ROWS_30]));
  for (uint32_t i = 0; i < s->bench->n_strategies; i++) {
    json_t *one = json_object();
    status = size_figures(s, largest, i, BF__REGRET, one, err);
    if (status == BF_OK) status = size_figures(s, largest, i, BF__SPEARMAN, one, err);
    const json_t *first = json_array_get(json_object_get(one, "regret"), 0);
    if (status == BF_OK && json_integer_value(json_object_get(first, "n")) == (json_int_t)n)
      status = bf__json_set(all, s->bench->strategies[i].name, json_incref(one), err);
    json_decref(one);
    if (status != BF_OK) goto out;
  }
  BF_TRY(bf__json_set(object, "targets", json_integer((json_int_t)n), err));
  BF_TRY(bf__json_set(object, "rows", json_incref(list), err)); /* then all rows, at most 2,000 */
  BF_TRY(bf__json_set(object, "strategies", json_incref(all), err));
  status = bf__json_set(results, "sizes", json_incref(object), err);
out:
  json_decref(object);
  json_decref(all);
  json_decref(list);
  return status;
}

/* ---- the prototype ---- */

static size_t find_known(const bf__bench *bench, const char *name) {
  for (size_t i = 0; i < bench->n_collections; i++)
    if (strcmp(bench->collections[i].name, name) == 0) return i;
  return SIZE_MAX;
}

/* Its figures had the strangers in the mean, and the pooled ones were means over targets: the same is done here. */
static bf_status prototype_row(bf__scoring *s, const bf__prototype *p, json_t *list, bf_error *err) {
  bf_status status = BF_OK;
  bf__figure regret = {.n = 0}, spearman = {.n = 0};
  uint32_t strategy = bf__bench_find_strategy(s->bench, p->strategy);
  size_t collection = p->collection != NULL ? find_known(s->bench, p->collection) : SIZE_MAX;
  if (p->collection == NULL || collection != SIZE_MAX) {
    bf__scope scope = bf__scope_of(s, collection, BF__WITH_STRANGERS);
    scope.macro = p->collection != NULL;
    if (strategy != BF__NO_STRATEGY) {
      BF_TRY(bf__join_metric(s->bench, s->values, BF__STANDARD, strategy, BF__NO_STRATEGY, BF__REGRET, &scope, false,
                             &regret, err));
      BF_TRY(bf__join_metric(s->bench, s->values, BF__STANDARD, strategy, BF__NO_STRATEGY, BF__SPEARMAN, &scope, false,
                             &spearman, err));
    }
  }
  json_t *row = json_object();
  status = bf__json_set(row, "strategy", json_string(p->strategy), err);
  if (status == BF_OK) status = bf__json_set(row, "family", json_string(p->family), err);
  if (status == BF_OK)
    status = bf__json_set(row, "collection", p->collection != NULL ? json_string(p->collection) : json_null(), err);
  if (status == BF_OK) status = bf__json_set(row, "their_regret", bf__json_number(p->regret), err);
  if (status == BF_OK) status = bf__json_set(row, "their_spearman", bf__json_number(p->spearman), err);
  if (status == BF_OK) status = bf__json_set(row, "regret", bf__json_number(regret.n > 0 ? regret.mean : NAN), err);
  if (status == BF_OK)
    status = bf__json_set(row, "spearman", bf__json_number(spearman.n > 0 ? spearman.mean : NAN), err);
  if (status == BF_OK) status = bf__json_set(row, "n", json_integer((json_int_t)regret.n), err);
  if (status == BF_OK && json_array_append(list, row) != 0) status = bf__error_memory(err, 64);
  json_decref(row);
out:
  return status;
}

static bf_status prototype(bf__scoring *s, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  json_t *list = json_array();
  for (size_t i = 0; i < bf__n_prototype_figures; i++) BF_TRY(prototype_row(s, &bf__prototype_figures[i], list, err));
  status = bf__json_set(results, "prototype", json_incref(list), err);
out:
  json_decref(list);
  return status;
}

/* ---- targets without an answer ---- */

static const char *why_of(const bf__bench *bench, uint32_t strategy, size_t item) {
  for (size_t r = 0; r < bench->n_runs; r++) {
    const bf__run *run = &bench->runs[r];
    if (run->item != item || run->variant != BF__STANDARD) continue;
    for (size_t i = 0; i < run->n_answers; i++)
      if (run->answers[i].strategy == strategy)
        return run->answers[i].why != NULL ? run->answers[i].why : "no number for any model";
  }
  return "not among the strategies of the run";
}

static bf_status unanswered_of(bf__scoring *s, uint32_t strategy, size_t collection, json_t *list, bf_error *err) {
  const bf__bench *bench = s->bench;
  bf_status status = BF_OK;
  size_t n = 0, of = 0, first = 0;
  json_t *targets = json_array(), *row = json_object();
  for (size_t i = 0; i < bench->n_items; i++) {
    if (bench->items[i].collection != collection || !bench->items[i].has_run) continue;
    of++;
    if (answered(s, strategy, BF__STANDARD, i)) continue;
    if (n++ == 0) first = i;
    if (n <= MAX_LISTED) (void)json_array_append_new(targets, json_string(bench->items[i].name));
  }
  if (n == 0) goto out;
  BF_TRY(bf__json_set(row, "strategy", json_string(bench->strategies[strategy].name), err));
  BF_TRY(bf__json_set(row, "collection", json_string(bench->collections[collection].name), err));
  BF_TRY(bf__json_set(row, "n", json_integer((json_int_t)n), err));
  BF_TRY(bf__json_set(row, "of", json_integer((json_int_t)of), err));
  if (n < of) BF_TRY(bf__json_set(row, "targets", json_incref(targets), err));
  BF_TRY(bf__json_set(row, "why", json_string(why_of(bench, strategy, first)), err));
  if (json_array_append(list, row) != 0) status = bf__error_memory(err, 64);
out:
  json_decref(targets);
  json_decref(row);
  return status;
}

static bf_status unanswered(bf__scoring *s, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  json_t *list = json_array();
  for (uint32_t i = 0; i < s->bench->n_strategies; i++)
    for (size_t c = 0; c < s->bench->n_collections; c++) BF_TRY(unanswered_of(s, i, c, list, err));
  status = bf__json_set(results, "unanswered", json_incref(list), err);
out:
  json_decref(list);
  return status;
}

bf_status bf__results_compare(bf__scoring *s, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  BF_TRY(differences(s, results, err));
  BF_TRY(claims(s, results, err));
  BF_TRY(sizes(s, results, err));
  BF_TRY(prototype(s, results, err));
  status = unanswered(s, results, err);
out:
  return status;
}
