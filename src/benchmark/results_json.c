/* The results as JSON: all that the reports show, so that a page made of a committed file is the page made of the runs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "benchmark/results_internal.h"

#define MAX_RESULT_BYTES ((size_t)256 << 20)

json_t *bf__json_number(double value) {
  if (!isfinite(value)) return json_null();
  double rounded = round(value * 1e6) / 1e6;
  return json_real(rounded + 0.0); /* + 0.0: no "-0.0" */
}

json_t *bf__json_figure(const bf__figure *figure) {
  return json_pack("{s:o,s:o,s:o,s:I}", "mean", bf__json_number(figure->mean), "lo", bf__json_number(figure->low), "hi",
                   bf__json_number(figure->high), "n", (json_int_t)figure->n);
}

json_t *bf__json_mean(const bf__figure *figure) {
  return json_pack("{s:o,s:I}", "mean", bf__json_number(figure->mean), "n", (json_int_t)figure->n);
}

bf_status bf__json_set(json_t *object, const char *key, json_t *value, bf_error *err) {
  return json_object_set_new(object, key, value) == 0 ? BF_OK : bf__error_memory(err, 64);
}

/* ---- tables: strategies x metrics over a scope ---- */

typedef struct table {
  const bf__scoring *s;
  const bf__scope *scope;
  size_t series;
  bool with_interval, all_metrics;
  bf__figure *figures; /* [strategy][metric] */
  bf_status *status;   /* [strategy] */
} table;

static void fill_row(void *context, size_t strategy, uint32_t worker) {
  table *t = context;
  (void)worker;
  for (size_t m = 0; m < BF__N_METRICS && t->status[strategy] == BF_OK; m++) {
    if (!t->all_metrics && m != BF__REGRET && m != BF__SPEARMAN) continue;
    t->status[strategy] = bf__join_metric(t->s->bench, t->s->values, t->series, (uint32_t)strategy, BF__NO_STRATEGY, m,
                                          t->scope, t->with_interval, &t->figures[strategy * BF__N_METRICS + m], NULL);
  }
}

static bf_status table_json(const bf__scoring *s, const bf__figure *figures, bool with_interval, json_t *all,
                            bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; i < s->bench->n_strategies; i++) {
    const bf__figure *row = &figures[i * BF__N_METRICS];
    if (row[BF__REGRET].n == 0) continue;
    json_t *one = json_object();
    for (size_t m = 0; m < BF__N_METRICS && status == BF_OK; m++)
      if (row[m].n > 0)
        status = bf__json_set(one, bf__metric_names[m],
                              with_interval ? bf__json_figure(&row[m]) : bf__json_mean(&row[m]), err);
    if (status == BF_OK) status = bf__json_set(all, s->bench->strategies[i].name, json_incref(one), err);
    json_decref(one);
    if (status != BF_OK) return status;
  }
  return status;
}

/* Sets parent.strategies; *n_out: how many strategies have an answer. */
static bf_status add_table(bf__scoring *s, const bf__scope *scope, size_t series, bool with_interval, json_t *parent,
                           size_t *n_out, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = s->bench->n_strategies;
  table t = {.s = s, .scope = scope, .series = series, .with_interval = with_interval};
  t.all_metrics = series == BF__STANDARD || series == BF__BY_F1; /* of the others the two that are shown */
  json_t *all = json_object();
  t.figures = bf__alloc(n * BF__N_METRICS, sizeof *t.figures);
  t.status = bf__alloc(n, sizeof *t.status);
  if (t.figures == NULL || t.status == NULL) {
    status = bf__error_memory(err, n * BF__N_METRICS * sizeof *t.figures);
    goto out;
  }
  bf__parallel_for(n, s->n_threads, fill_row, &t);
  for (size_t i = 0; i < n; i++)
    if (t.status[i] != BF_OK) {
      status = bf__error(err, t.status[i], "the figures of %s could not be joined", s->bench->strategies[i].name);
      goto out;
    }
  BF_TRY(table_json(s, t.figures, with_interval, all, err));
  *n_out = json_object_size(all);
  status = bf__json_set(parent, "strategies", json_incref(all), err);
out:
  json_decref(all);
  free(t.figures);
  free(t.status);
  return status;
}

/* The same as an object of its own, left out where nobody answered. */
static bf_status add_object(bf__scoring *s, const bf__scope *scope, size_t series, bool with_interval, json_t *parent,
                            const char *key, bf_error *err) {
  size_t n = 0;
  json_t *object = json_object();
  bf_status status = add_table(s, scope, series, with_interval, object, &n, err);
  if (status == BF_OK && n > 0) status = bf__json_set(parent, key, json_incref(object), err);
  json_decref(object);
  return status;
}

/* ---- collections ---- */

/* Mean accuracy over the seeds of every model on every target, its own too where that was run. */
static bf_status matrix_of(const bf__bench *bench, size_t collection, json_t *of, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = bench->n_items;
  json_t *names = json_array(), *rows = json_array();
  double *sum = bf__alloc(n, sizeof *sum), *count = bf__alloc(n, sizeof *count);
  if (sum == NULL || count == NULL) {
    status = bf__error_memory(err, 2 * n * sizeof *sum);
    goto out;
  }
  for (size_t t = 0; t < n; t++) {
    if (bench->items[t].collection != collection || !bench->items[t].has_run) continue;
    json_t *row = json_array();
    for (size_t i = 0; i < n; i++) sum[i] = count[i] = 0;
    for (size_t r = 0; r < bench->n_runs; r++) {
      const bf__run *run = &bench->runs[r];
      if (run->item != t || (run->variant != BF__STANDARD && run->variant != BF__OWN_IN)) continue;
      for (size_t m = 0; m < run->n_models; m++) {
        size_t i = 0;
        while (i < n &&
               (bench->items[i].collection != collection || strcmp(bench->items[i].name, run->domains[m]) != 0))
          i++;
        /* own-in counts unseen rows only: it gives the own model's figure and no other */
        if (i < n && (run->variant == BF__STANDARD || i == t)) sum[i] += run->accuracy[m], count[i] += 1;
      }
    }
    for (size_t i = 0; i < n; i++)
      if (bench->items[i].collection == collection)
        (void)json_array_append_new(row, bf__json_number(count[i] > 0 ? sum[i] / count[i] : NAN));
    (void)json_array_append_new(names, json_string(bench->items[t].name));
    if (json_array_append_new(rows, row) != 0) status = bf__error_memory(err, 64);
  }
  json_t *models = json_array();
  for (size_t i = 0; i < n; i++)
    if (bench->items[i].collection == collection)
      (void)json_array_append_new(models, json_string(bench->items[i].name));
  if (status == BF_OK)
    status = bf__json_set(of, "matrix",
                          json_pack("{s:o,s:O,s:O}", "models", models, "targets", names, "accuracy", rows), err);
out:
  json_decref(names);
  json_decref(rows);
  free(sum);
  free(count);
  return status;
}

static bf_status facts_of(const bf__bench *bench, size_t c, json_t *of, bf_error *err) {
  const bf__known *known = &bench->collections[c];
  bf_status status = BF_OK;
  size_t n_targets = 0, n_strangers = 0;
  for (size_t i = 0; i < bench->n_items; i++) {
    if (bench->items[i].collection != c || !bench->items[i].has_run) continue;
    n_targets += !bench->items[i].stranger;
    n_strangers += bench->items[i].stranger;
  }
  BF_TRY(bf__json_set(of, "title", json_string(known->title), err));
  BF_TRY(bf__json_set(of, "workload", json_string(known->workload), err));
  BF_TRY(bf__json_set(of, "headline", json_boolean(known->headline), err));
  BF_TRY(bf__json_set(of, "models", json_integer((json_int_t)known->n_models), err));
  BF_TRY(bf__json_set(of, "targets", json_integer((json_int_t)n_targets), err));
  status = bf__json_set(of, "strangers", json_integer((json_int_t)n_strangers), err);
out:
  return status;
}

static bf_status collections(bf__scoring *s, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = 0;
  json_t *all = json_object(), *of = NULL;
  for (size_t k = 0; k < s->bench->n_collections; k++) {
    size_t c = bf__shown_collection(s->bench, k);
    of = json_object();
    BF_TRY(facts_of(s->bench, c, of, err));
    bf__scope scope = bf__scope_of(s, c, BF__WITHOUT_STRANGERS);
    BF_TRY(add_table(s, &scope, BF__STANDARD, true, of, &n, err));
    if (s->bench->collections[c].has_f1) BF_TRY(add_object(s, &scope, BF__BY_F1, true, of, "f1", err));
    BF_TRY(add_object(s, &scope, BF__BY_MACRO_F1, false, of, "macro_f1", err));
    BF_TRY(matrix_of(s->bench, c, of, err));
    BF_TRY(bf__json_set(all, s->bench->collections[c].name, json_incref(of), err));
    json_decref(of);
    of = NULL;
  }
  status = bf__json_set(results, "collections", json_incref(all), err);
out:
  json_decref(of);
  json_decref(all);
  return status;
}

/* ---- workloads, pooled, strangers, variants ---- */

static bf_status workloads(bf__scoring *s, json_t *results, bf_error *err) {
  const bf__bench *bench = s->bench;
  bf_status status = BF_OK;
  size_t n = 0;
  json_t *all = json_object(), *of = NULL;
  for (size_t k = 0; k < bench->n_collections; k++) {
    size_t c = bf__shown_collection(bench, k);
    const char *workload = bench->collections[c].workload;
    if (json_object_get(all, workload) != NULL) continue;
    json_t *names = json_array();
    for (size_t m = k; m < bench->n_collections; m++) {
      const bf__known *other = &bench->collections[bf__shown_collection(bench, m)];
      if (strcmp(other->workload, workload) == 0) (void)json_array_append_new(names, json_string(other->name));
    }
    of = json_object();
    BF_TRY(bf__json_set(of, "collections", names, err));
    for (size_t i = 0; i < bench->n_items; i++)
      s->member[i] =
          !bench->items[i].stranger && strcmp(bench->collections[bench->items[i].collection].workload, workload) == 0;
    bf__scope scope = {.member = s->member, .macro = true};
    BF_TRY(add_table(s, &scope, BF__STANDARD, true, of, &n, err));
    BF_TRY(bf__json_set(all, workload, json_incref(of), err));
    json_decref(of);
    of = NULL;
  }
  status = bf__json_set(results, "workloads", json_incref(all), err);
out:
  json_decref(of);
  json_decref(all);
  return status;
}

static bf_status pooled(bf__scoring *s, json_t *results, bf_error *err) {
  const bf__bench *bench = s->bench;
  bf_status status = BF_OK;
  size_t n = 0, n_targets = 0;
  json_t *of = json_object(), *names = json_array();
  bf__scope scope = bf__scope_of(s, SIZE_MAX, BF__WITHOUT_STRANGERS);
  for (size_t i = 0; i < bench->n_items; i++) n_targets += s->member[i] && bench->items[i].has_run;
  for (size_t c = 0; c < bench->n_collections; c++)
    if (bench->collections[c].headline) (void)json_array_append_new(names, json_string(bench->collections[c].name));
  BF_TRY(bf__json_set(of, "collections", json_incref(names), err));
  BF_TRY(bf__json_set(of, "targets", json_integer((json_int_t)n_targets), err));
  BF_TRY(add_table(s, &scope, BF__STANDARD, true, of, &n, err));
  BF_TRY(add_object(s, &scope, BF__BY_MACRO_F1, false, of, "macro_f1", err));
  BF_TRY(bf__json_set(results, "pooled", json_incref(of), err));
  for (size_t i = 0; i < bench->n_items; i++) s->member[i] = bench->items[i].stranger && bench->items[i].has_run;
  scope.macro = false; /* a handful of targets: each counts as one */
  BF_TRY(add_object(s, &scope, BF__STANDARD, true, results, "strangers", err));
  json_t *strangers = json_object_get(results, "strangers");
  json_t *list = strangers != NULL ? json_array() : NULL;
  for (size_t i = 0; list != NULL && i < bench->n_items; i++)
    if (s->member[i])
      (void)json_array_append_new(
          list, json_pack("{s:s,s:s}", "collection", bench->collections[bench->items[i].collection].name, "target",
                          bench->items[i].name));
  if (list != NULL) status = bf__json_set(strangers, "targets", list, err);
out:
  json_decref(of);
  json_decref(names);
  return status;
}

static bf_status variants(bf__scoring *s, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  json_t *all = json_object(), *of = NULL, *by_collection = NULL;
  for (size_t v = BF__STANDARD + 1; v < BF__N_VARIANTS; v++) {
    of = json_object();
    by_collection = json_object();
    bf__scope scope = bf__scope_of(s, SIZE_MAX, BF__WITHOUT_STRANGERS);
    BF_TRY(add_object(s, &scope, v, true, of, "pooled", err));
    /* by collection only where all targets have it: the sizes are compared on common targets (results_compare.c) */
    for (size_t k = 0; v < BF__ROWS_30 && k < s->bench->n_collections; k++) {
      size_t c = bf__shown_collection(s->bench, k);
      scope = bf__scope_of(s, c, BF__WITHOUT_STRANGERS);
      BF_TRY(add_object(s, &scope, v, false, by_collection, s->bench->collections[c].name, err));
    }
    if (json_object_size(by_collection) > 0) BF_TRY(bf__json_set(of, "collections", json_incref(by_collection), err));
    if (json_object_size(of) > 0) BF_TRY(bf__json_set(all, bf__variant_names[v], json_incref(of), err));
    json_decref(of);
    json_decref(by_collection);
    of = by_collection = NULL;
  }
  status = bf__json_set(results, "variants", json_incref(all), err);
out:
  json_decref(of);
  json_decref(by_collection);
  json_decref(all);
  return status;
}

/* ---- cost, gaps, the whole ---- */

/* Mean seconds and bytes a ranking over the targets of the headline collections. */
static bf_status cost(const bf__bench *bench, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  double run = 0, learn = 0, n_run = 0, n_learn = 0;
  json_t *all = json_object(), *of = json_object();
  for (uint32_t i = 0; i < bench->n_strategies; i++) {
    double seconds = 0, bytes = 0, n_seconds = 0, n_bytes = 0;
    for (size_t r = 0; r < bench->n_runs; r++) {
      if (bench->runs[r].variant != BF__STANDARD) continue;
      if (!bench->collections[bench->items[bench->runs[r].item].collection].headline) continue;
      for (size_t k = 0; k < bench->runs[r].n_answers; k++) {
        const bf__answer *answer = &bench->runs[r].answers[k];
        if (answer->strategy != i || (answer->scores == NULL && isnan(answer->accuracy))) continue;
        if (!isnan(answer->seconds)) seconds += answer->seconds, n_seconds++;
        if (!isnan(answer->bytes)) bytes += answer->bytes, n_bytes++;
      }
    }
    if (n_seconds == 0 && n_bytes == 0) continue;
    json_t *one = json_pack("{s:o,s:o}", "seconds", bf__json_number(n_seconds > 0 ? seconds / n_seconds : NAN), "bytes",
                            bf__json_number(n_bytes > 0 ? bytes / n_bytes : NAN));
    BF_TRY(bf__json_set(all, bench->strategies[i].name, one, err));
  }
  for (size_t r = 0; r < bench->n_runs; r++) {
    const bf__run *one = &bench->runs[r];
    if (one->variant != BF__STANDARD || !bench->collections[bench->items[one->item].collection].headline) continue;
    if (!isnan(one->run_seconds)) run += one->run_seconds, n_run++;
    if (!isnan(one->learn_seconds)) learn += one->learn_seconds, n_learn++;
  }
  BF_TRY(bf__json_set(of, "run_seconds", bf__json_number(n_run > 0 ? run / n_run : NAN), err));
  BF_TRY(bf__json_set(of, "learn_seconds", bf__json_number(n_learn > 0 ? learn / n_learn : NAN), err));
  BF_TRY(bf__json_set(of, "strategies", json_incref(all), err));
  status = bf__json_set(results, "cost", json_incref(of), err);
out:
  json_decref(all);
  json_decref(of);
  return status;
}

static bf_status head(const bf__bench *bench, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  json_t *seeds = json_array(), *names = json_array(), *gaps = json_array();
  for (size_t i = 0; i < bench->n_seeds; i++) (void)json_array_append_new(seeds, json_integer(bench->seeds[i]));
  for (size_t i = 0; i < bench->n_strategies; i++)
    (void)json_array_append_new(
        names, json_pack("{s:s,s:s}", "name", bench->strategies[i].name, "family", bench->strategies[i].family));
  for (size_t i = 0; i < bench->n_gaps; i++) {
    const bf__gap *gap = &bench->gaps[i];
    (void)json_array_append_new(gaps, json_pack("{s:s,s:s?,s:s,s:s}", "collection", gap->collection, "domain",
                                                gap->domain, "why", gap->why, "get", gap->get));
  }
  BF_TRY(bf__json_set(results, "bestfit_results", json_integer(BF__RESULTS_VERSION), err));
  BF_TRY(bf__json_set(results, "bestfit", json_string(bf_version()), err));
  BF_TRY(bf__json_set(results, "seeds", json_incref(seeds), err));
  BF_TRY(bf__json_set(results, "runs", json_integer((json_int_t)bench->n_runs), err));
  BF_TRY(bf__json_set(results, "strategies", json_incref(names), err));
  status = bf__json_set(results, "missing", json_incref(gaps), err);
out:
  json_decref(seeds);
  json_decref(names);
  json_decref(gaps);
  return status;
}

bf_status bf__results_make(const bf__bench *bench, uint32_t n_threads, json_t **out, bf_error *err) {
  bf_status status = BF_OK;
  bf__values *values = NULL;
  bf__scoring s = {.bench = bench, .n_threads = n_threads};
  json_t *results = json_object();
  *out = NULL;
  s.member = bf__alloc(bench->n_items, sizeof *s.member);
  s.column = bf__alloc(bench->n_items, sizeof *s.column);
  if (s.member == NULL || s.column == NULL || results == NULL) {
    status = bf__error_memory(err, bench->n_items * sizeof *s.column);
    goto out;
  }
  BF_TRY(bf__values_create(bench, &values, err));
  s.values = values;
  BF_TRY(head(bench, results, err));
  BF_TRY(pooled(&s, results, err));
  BF_TRY(workloads(&s, results, err));
  BF_TRY(collections(&s, results, err));
  BF_TRY(variants(&s, results, err));
  BF_TRY(cost(bench, results, err));
  BF_TRY(bf__results_trust(&s, results, err));
  BF_TRY(bf__results_compare(&s, results, err));
  *out = json_incref(results);
out:
  json_decref(results);
  bf__values_free(values);
  free(s.member);
  free(s.column);
  return status;
}

/* ---- from a file ---- */

bf_status bf__results_parse(const void *bytes, size_t n_bytes, json_t **out, bf_error *err) {
  static const char *const objects[] = {"collections", "workloads", "pooled"};
  json_error_t where;
  *out = NULL;
  if (n_bytes > MAX_RESULT_BYTES) return bf__error(err, BF_ERR_LIMIT, "results of %zu bytes are too many", n_bytes);
  json_t *json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &where);
  if (json == NULL)
    return bf__error_at(err, BF_ERR_FORMAT, where.position, "not JSON: %s (line %d)", where.text, where.line);
  bf_status status = BF_OK;
  const json_t *version = json_object_get(json, "bestfit_results");
  if (!json_is_integer(version)) {
    status = bf__error(err, BF_ERR_FORMAT, "'bestfit_results' is missing: these are no results of the benchmark");
    goto out;
  }
  if (json_integer_value(version) != BF__RESULTS_VERSION) {
    status = bf__error(err, BF_ERR_UNSUPPORTED, "results of version %lld: this program reads version %d",
                       (long long)json_integer_value(version), BF__RESULTS_VERSION);
    goto out;
  }
  for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
    if (!json_is_object(json_object_get(json, objects[i]))) {
      status = bf__error(err, BF_ERR_FORMAT, "results: '%s' is missing or no object", objects[i]);
      goto out;
    }
  *out = json_incref(json);
out:
  json_decref(json);
  return status;
}
