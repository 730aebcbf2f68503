/* Metrics of every strategy on every target, and their means with intervals.
 *
 * Seeds are joined first: a target's figure is the mean over the seeds that have it, so that n counts targets and not
 * repetitions. A strategy without an answer for a target has no figure there: it is counted as missing (n), never as
 * zero, and results_compare.c lists it. */
#include <bestfit/metrics.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "benchmark/results_internal.h"

const char *const bf__metric_names[BF__N_METRICS] = {"regret", "regret_top3", "spearman", "kendall", "hit"};

struct bf__values {
  size_t n_items, n_strategies;
  double *sum;     /* [series][strategy][item][metric], then the mean */
  uint16_t *count; /* the same */
};

static size_t place(const bf__values *v, size_t series, uint32_t strategy, size_t item, size_t metric) {
  return ((series * v->n_strategies + strategy) * v->n_items + item) * BF__N_METRICS + metric;
}

double bf__value(const bf__values *v, size_t series, uint32_t strategy, size_t item, size_t metric) {
  return strategy == BF__NO_STRATEGY ? NAN : v->sum[place(v, series, strategy, item, metric)];
}

static void add(bf__values *v, size_t at, double value) {
  v->sum[at] += value;
  v->count[at]++;
}

/* One strategy's figures on one target, judged by `truth`. */
static bf_status add_answer(bf__values *v, size_t series, const bf__run *run, const bf__answer *answer,
                            const double *truth, bf_error *err) {
  size_t at = place(v, series, answer->strategy, run->item, 0);
  bf_ranking_metrics m;
  if (!isnan(answer->accuracy)) { /* an ensemble: one number, and only of accuracy */
    double best = 0;
    if (series >= BF__N_VARIANTS) return BF_OK;
    for (size_t i = 0; i < run->n_models; i++) best = truth[i] > best ? truth[i] : best;
    add(v, at + BF__REGRET, best - answer->accuracy);
    return BF_OK;
  }
  if (answer->scores == NULL) return BF_OK;
  bf_status status = bf_ranking_metrics_of(answer->scores, truth, run->n_models, &m, err);
  if (status != BF_OK) return status;
  add(v, at + BF__REGRET, m.regret);
  add(v, at + BF__REGRET_TOP3, m.regret_top3);
  add(v, at + BF__SPEARMAN, m.spearman);
  add(v, at + BF__KENDALL, m.kendall);
  add(v, at + BF__HIT, m.hit);
  return BF_OK;
}

static bool all_known(const double *values, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (isnan(values[i])) return false;
  return true;
}

static bf_status add_run(bf__values *v, const bf__run *run, bf_error *err) {
  bf_status status = BF_OK;
  bool standard = run->variant == BF__STANDARD;
  bool with_f1 = standard && all_known(run->f1, run->n_models);
  bool with_macro = standard && all_known(run->macro_f1, run->n_models);
  for (size_t i = 0; i < run->n_answers; i++) {
    BF_TRY(add_answer(v, run->variant, run, &run->answers[i], run->accuracy, err));
    if (with_f1) BF_TRY(add_answer(v, BF__BY_F1, run, &run->answers[i], run->f1, err));
    if (with_macro) BF_TRY(add_answer(v, BF__BY_MACRO_F1, run, &run->answers[i], run->macro_f1, err));
  }
out:
  return status;
}

bf_status bf__values_create(const bf__bench *bench, bf__values **out, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = 0, cells = BF__N_SERIES * BF__N_METRICS;
  *out = NULL;
  bf__values *v = bf__alloc(1, sizeof *v);
  if (v == NULL) return bf__error_memory(err, sizeof *v);
  v->n_items = bench->n_items;
  v->n_strategies = bench->n_strategies;
  if (bf__mul(cells, bench->n_items, &n) && bf__mul(n, bench->n_strategies, &n)) {
    v->sum = bf__alloc(n, sizeof *v->sum);
    v->count = bf__alloc(n, sizeof *v->count);
  }
  if (v->sum == NULL || v->count == NULL) {
    status = bf__error_memory(err, n * sizeof *v->sum);
    goto out;
  }
  for (size_t i = 0; i < bench->n_runs; i++) BF_TRY(add_run(v, &bench->runs[i], err));
  for (size_t i = 0; i < n; i++) v->sum[i] = v->count[i] > 0 ? v->sum[i] / v->count[i] : NAN;
  *out = v;
  v = NULL;
out:
  bf__values_free(v);
  return status;
}

void bf__values_free(bf__values *v) {
  if (v == NULL) return;
  free(v->sum);
  free(v->count);
  free(v);
}

/* ---- means over targets ---- */

static double mean_of(const double *values, const uint32_t *collection, size_t n, bool macro) {
  double total = 0;
  size_t n_means = 0;
  for (size_t i = 0; i < n; i++) {
    size_t count = 0;
    double sum = 0;
    bool seen = false; /* its collection, before */
    for (size_t k = 0; k < i && !seen; k++) seen = !macro || collection[k] == collection[i];
    for (size_t k = i; k < n && !seen; k++)
      if (!macro || collection[k] == collection[i]) sum += values[k], count++;
    if (count > 0) total += sum / (double)count, n_means++;
  }
  return total / (double)n_means;
}

bf_status bf__join(const bf__bench *bench, const double *value_of_item, const bf__scope *scope, bool with_interval,
                   bf__figure *out, bf_error *err) {
  bf_status status = BF_OK;
  bf_mean_interval mean;
  size_t n = 0;
  *out = (bf__figure){.mean = NAN, .low = NAN, .high = NAN};
  double *values = bf__alloc(bench->n_items, sizeof *values);
  uint32_t *numbers = bf__alloc(2 * bench->n_items, sizeof *numbers);
  if (values == NULL || numbers == NULL) {
    status = bf__error_memory(err, bench->n_items * sizeof *values);
    goto out;
  }
  uint32_t *group = numbers, *collection = numbers + bench->n_items;
  for (size_t i = 0; i < bench->n_items; i++) {
    if (!scope->member[i] || isnan(value_of_item[i])) continue;
    const bf__item *item = &bench->items[i];
    values[n] = value_of_item[i];
    /* without the macro-average groups of two collections must not meet */
    group[n] = scope->macro ? item->group : item->collection * (BF__BENCH_MAX_DOMAINS + 1) + item->group;
    collection[n++] = item->collection;
  }
  out->n = n;
  if (n == 0) goto out;
  if (!with_interval) {
    out->mean = mean_of(values, collection, n, scope->macro);
    goto out;
  }
  BF_TRY(bf_bootstrap_mean(values, group, scope->macro ? collection : NULL, n, NULL, &mean, err));
  out->mean = mean.mean;
  out->low = mean.low;
  out->high = mean.high;
out:
  free(values);
  free(numbers);
  return status;
}

bf_status bf__join_metric(const bf__bench *bench, const bf__values *values, size_t series, uint32_t strategy,
                          uint32_t against, size_t metric, const bf__scope *scope, bool with_interval, bf__figure *out,
                          bf_error *err) {
  double *column = bf__alloc(bench->n_items, sizeof *column);
  if (column == NULL) return bf__error_memory(err, bench->n_items * sizeof *column);
  for (size_t i = 0; i < bench->n_items; i++) {
    column[i] = bf__value(values, series, strategy, i, metric);
    if (against != BF__NO_STRATEGY) column[i] -= bf__value(values, series, against, i, metric);
  }
  bf_status status = bf__join(bench, column, scope, with_interval, out, err);
  free(column);
  return status;
}

bf__scope bf__scope_of(bf__scoring *s, size_t collection, int strangers) {
  for (size_t i = 0; i < s->bench->n_items; i++) {
    const bf__item *item = &s->bench->items[i];
    bool here =
        collection == SIZE_MAX ? s->bench->collections[item->collection].headline : item->collection == collection;
    s->member[i] = here && (strangers == BF__WITH_STRANGERS || item->stranger == (strangers == BF__ONLY_STRANGERS));
  }
  return (bf__scope){.member = s->member, .macro = true};
}

static size_t headline_place(const char *name) {
  size_t i = 0;
  while (i < BF__N_HEADLINE && strcmp(bf__headline_names[i], name) != 0) i++;
  return i;
}

size_t bf__shown_collection(const bf__bench *bench, size_t i) {
  for (size_t place = 0, at = 0; place <= BF__N_HEADLINE; place++)
    for (size_t c = 0; c < bench->n_collections; c++)
      if (headline_place(bench->collections[c].name) == place && at++ == i) return c;
  return 0;
}
