/* What `auto` says of its own choice, against the truth: expected accuracies and their intervals, novelty, and whether
 * any model is suitable. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "benchmark/results_internal.h"

#define SUITABLE_LOSS 0.15 /* docs/strategies.md, part 5 */

enum { ERROR_ALL, ERROR_CHOSEN, COVERED_ALL, COVERED_CHOSEN, WIDTH, NOVEL, UNSUITABLE, N_TRUST };
static const char *const trust_names[N_TRUST] = {"mae",   "mae_chosen", "coverage",         "coverage_chosen",
                                                 "width", "novel",      "no_suitable_model"};

/* Place of the highest number; n where there is none. The first of equals. */
static size_t highest(const double *values, size_t n) {
  size_t best = n;
  for (size_t i = 0; values != NULL && i < n; i++)
    if (!isnan(values[i]) && (best == n || values[i] > values[best])) best = i;
  return best;
}

static const double *scores_of(const bf__run *run, uint32_t strategy) {
  for (size_t i = 0; strategy != BF__NO_STRATEGY && i < run->n_answers; i++)
    if (run->answers[i].strategy == strategy) return run->answers[i].scores;
  return NULL;
}

static size_t chosen_of(const bf__bench *bench, const bf__run *run) {
  size_t chosen = highest(scores_of(run, bf__bench_find_strategy(bench, "auto")), run->n_models);
  return chosen < run->n_models ? chosen : highest(run->expected, run->n_models);
}

/* ---- means ---- */

static void measure(const bf__bench *bench, const bf__run *run, double out[N_TRUST]) {
  double error = 0, covered = 0, width = 0;
  size_t n = 0, chosen = chosen_of(bench, run);
  for (size_t k = 0; k < N_TRUST; k++) out[k] = NAN;
  if (run->grade != NULL) {
    out[NOVEL] = run->novel;
    out[UNSUITABLE] = run->no_suitable;
  }
  for (size_t i = 0; run->expected != NULL && i < run->n_models; i++) {
    if (isnan(run->expected[i]) || isnan(run->low[i]) || isnan(run->high[i])) continue;
    double off = fabs(run->expected[i] - run->accuracy[i]);
    bool inside = run->low[i] <= run->accuracy[i] && run->accuracy[i] <= run->high[i];
    error += off, covered += inside, width += run->high[i] - run->low[i], n++;
    if (i != chosen) continue;
    out[ERROR_CHOSEN] = off;
    out[COVERED_CHOSEN] = inside;
  }
  if (n == 0) return;
  out[ERROR_ALL] = error / (double)n;
  out[COVERED_ALL] = covered / (double)n;
  out[WIDTH] = width / (double)n;
}

/* Mean over the seeds of each target, by number of the measure; [N_TRUST][n_items]. */
static void fill(const bf__bench *bench, uint32_t variant, double *sum, double *count) {
  double values[N_TRUST];
  for (size_t i = 0; i < N_TRUST * bench->n_items; i++) sum[i] = count[i] = 0;
  for (size_t r = 0; r < bench->n_runs; r++) {
    if (bench->runs[r].variant != variant) continue;
    measure(bench, &bench->runs[r], values);
    for (size_t k = 0; k < N_TRUST; k++) {
      if (isnan(values[k])) continue;
      sum[k * bench->n_items + bench->runs[r].item] += values[k];
      count[k * bench->n_items + bench->runs[r].item] += 1;
    }
  }
  for (size_t i = 0; i < N_TRUST * bench->n_items; i++) sum[i] = count[i] > 0 ? sum[i] / count[i] : NAN;
}

static bf_status join_all(bf__scoring *s, const double *values, const bf__scope *scope, json_t *parent, const char *key,
                          bf_error *err) {
  bf_status status = BF_OK;
  json_t *object = json_object();
  for (size_t k = 0; k < N_TRUST; k++) {
    bf__figure figure;
    BF_TRY(bf__join(s->bench, values + k * s->bench->n_items, scope, true, &figure, err));
    if (figure.n > 0) BF_TRY(bf__json_set(object, trust_names[k], bf__json_figure(&figure), err));
  }
  if (json_object_size(object) > 0) {
    status = bf__json_set(parent, key, object, err);
    object = NULL;
  }
out:
  json_decref(object);
  return status;
}

static bf_status trust_of_variant(bf__scoring *s, uint32_t variant, json_t *trust, bf_error *err) {
  const bf__bench *bench = s->bench;
  bf_status status = BF_OK;
  bf__scope scope;
  json_t *object = json_object(), *collections = json_object();
  double *values = bf__alloc(2 * N_TRUST * bench->n_items, sizeof *values);
  if (values == NULL) {
    status = bf__error_memory(err, 2 * N_TRUST * bench->n_items * sizeof *values);
    goto out;
  }
  fill(bench, variant, values, values + N_TRUST * bench->n_items);
  scope = bf__scope_of(s, SIZE_MAX, BF__WITHOUT_STRANGERS);
  BF_TRY(join_all(s, values, &scope, object, "pooled", err));
  for (size_t i = 0; i < bench->n_items; i++) s->member[i] = bench->items[i].stranger;
  scope.macro = false;
  BF_TRY(join_all(s, values, &scope, object, "strangers", err));
  for (size_t k = 0; k < bench->n_collections; k++) {
    size_t c = bf__shown_collection(bench, k);
    scope = bf__scope_of(s, c, BF__WITHOUT_STRANGERS);
    BF_TRY(join_all(s, values, &scope, collections, bench->collections[c].name, err));
  }
  BF_TRY(bf__json_set(object, "collections", json_incref(collections), err));
  BF_TRY(bf__json_set(trust, bf__variant_names[variant], json_incref(object), err));
out:
  json_decref(object);
  json_decref(collections);
  free(values);
  return status;
}

/* ---- no suitable model ---- */

typedef struct warning {
  double score;
  bool event;
} warning;

/* Share of pairs of a target with the event and one without that the score orders rightly; ties count half. */
static double area_under_curve(const warning *w, size_t n, size_t *n_events) {
  double right = 0, pairs = 0;
  *n_events = 0;
  for (size_t i = 0; i < n; i++) {
    *n_events += w[i].event;
    for (size_t k = 0; w[i].event && k < n; k++) {
      if (w[k].event) continue;
      right += w[i].score > w[k].score ? 1 : w[i].score == w[k].score ? 0.5 : 0;
      pairs += 1;
    }
  }
  return pairs > 0 ? right / pairs : NAN;
}

/* Of one run, by `auto` or by what a strategy believes. False: nothing is told. */
static bool warning_of(const bf__bench *bench, const bf__run *run, bool by_auto, const double *believed, warning *out) {
  size_t best = highest(run->accuracy, run->n_models);
  size_t chosen = by_auto ? chosen_of(bench, run) : highest(believed, run->n_models);
  if (believed == NULL || chosen >= run->n_models || isnan(believed[chosen])) return false;
  if (isnan(run->source[chosen]) || isnan(run->source[best])) return false;
  out->score = run->source[chosen] - believed[chosen];
  out->event = run->accuracy[best] < run->source[best] - SUITABLE_LOSS;
  return true;
}

static bf_status suitability(const bf__bench *bench, const char *strategy, int variant, json_t *list, bf_error *err) {
  bf_status status = BF_OK;
  bool by_auto = strcmp(strategy, "auto") == 0;
  uint32_t number = bf__bench_find_strategy(bench, strategy);
  size_t n = 0, n_events = 0;
  warning *w = bf__alloc(bench->n_runs, sizeof *w);
  json_t *object = json_object();
  if (w == NULL) {
    status = bf__error_memory(err, bench->n_runs * sizeof *w);
    goto out;
  }
  for (size_t r = 0; r < bench->n_runs; r++) {
    const bf__run *run = &bench->runs[r];
    bool here = variant >= 0 ? run->variant == (uint32_t)variant
                             : run->variant == BF__STANDARD || run->variant == BF__RELATIVES_OUT;
    const double *believed = by_auto ? run->expected : scores_of(run, number);
    if (here && warning_of(bench, run, by_auto, believed, &w[n])) n++;
  }
  if (n == 0) goto out;
  double area = area_under_curve(w, n, &n_events);
  BF_TRY(bf__json_set(object, "strategy", json_string(strategy), err));
  BF_TRY(bf__json_set(object, "variant", json_string(variant >= 0 ? bf__variant_names[variant] : "both"), err));
  BF_TRY(bf__json_set(object, "auc", bf__json_number(area), err));
  BF_TRY(bf__json_set(object, "n", json_integer((json_int_t)n), err));
  BF_TRY(bf__json_set(object, "events", json_integer((json_int_t)n_events), err));
  if (json_array_append(list, object) != 0) status = bf__error_memory(err, 64);
out:
  json_decref(object);
  free(w);
  return status;
}

/* ---- points of the scatter, and the trust grades ---- */

static bf_status points_of(const bf__bench *bench, size_t collection, json_t *results, bf_error *err) {
  bf_status status = BF_OK;
  json_t *list = json_array();
  for (size_t r = 0; r < bench->n_runs; r++) {
    const bf__run *run = &bench->runs[r];
    if (bench->items[run->item].collection != collection || run->variant != BF__STANDARD ||
        run->seed != bench->seeds[0] || run->expected == NULL)
      continue;
    size_t chosen = chosen_of(bench, run);
    for (size_t i = 0; i < run->n_models; i++) {
      if (isnan(run->expected[i])) continue;
      json_t *point = json_pack("[s,s,o,o,o,o,b]", bench->items[run->item].name, run->domains[i],
                                bf__json_number(run->expected[i]), bf__json_number(run->low[i]),
                                bf__json_number(run->high[i]), bf__json_number(run->accuracy[i]), i == chosen);
      if (point == NULL || json_array_append_new(list, point) != 0) {
        status = bf__error_memory(err, 64);
        goto out;
      }
    }
  }
  if (json_array_size(list) > 0) {
    json_t *of = json_object_get(json_object_get(results, "collections"), bench->collections[collection].name);
    status = bf__json_set(of, "points", json_incref(list), err);
  }
out:
  json_decref(list);
  return status;
}

/* Regret of `auto` by the grade that it gave, over all targets, strangers too. */
static bf_status grades(bf__scoring *s, json_t *trust, bf_error *err) {
  static const char *const names[] = {"high", "medium", "low"};
  const bf__bench *bench = s->bench;
  bf_status status = BF_OK;
  bf__figure figure;
  bf__scope scope = {.member = s->member};
  uint32_t automatic = bf__bench_find_strategy(bench, "auto");
  json_t *object = json_object();
  for (size_t k = 0; automatic != BF__NO_STRATEGY && k < sizeof names / sizeof *names; k++) {
    memset(s->member, 0, bench->n_items);
    for (size_t r = 0; r < bench->n_runs; r++) {
      const bf__run *run = &bench->runs[r];
      if (run->variant == BF__STANDARD && run->seed == bench->seeds[0] && run->grade != NULL)
        s->member[run->item] |= strcmp(run->grade, names[k]) == 0;
    }
    BF_TRY(bf__join_metric(bench, s->values, BF__STANDARD, automatic, BF__NO_STRATEGY, BF__REGRET, &scope, true,
                           &figure, err));
    if (figure.n > 0) BF_TRY(bf__json_set(object, names[k], bf__json_figure(&figure), err));
  }
  status = bf__json_set(trust, "grades", json_incref(object), err);
out:
  json_decref(object);
  return status;
}

bf_status bf__results_trust(bf__scoring *s, json_t *results, bf_error *err) {
  static const int variants[] = {BF__STANDARD, BF__RELATIVES_OUT, -1};
  static const char *const believers[] = {"auto", "doc"};
  bf_status status = BF_OK;
  json_t *trust = json_object(), *list = json_array();
  BF_TRY(trust_of_variant(s, BF__STANDARD, trust, err));
  BF_TRY(trust_of_variant(s, BF__OWN_IN, trust, err));
  BF_TRY(trust_of_variant(s, BF__RELATIVES_OUT, trust, err));
  for (size_t i = 0; i < sizeof believers / sizeof *believers; i++)
    for (size_t k = 0; k < sizeof variants / sizeof *variants; k++)
      BF_TRY(suitability(s->bench, believers[i], variants[k], list, err));
  BF_TRY(grades(s, trust, err));
  BF_TRY(bf__json_set(trust, "suitability", json_incref(list), err));
  BF_TRY(bf__json_set(results, "trust", json_incref(trust), err));
  for (size_t c = 0; c < s->bench->n_collections; c++) BF_TRY(points_of(s->bench, c, results, err));
out:
  json_decref(trust);
  json_decref(list);
  return status;
}
