/* Every strategy on one target: the measures and what is learnt by bf_rank(), the estimators on one panel.
 *
 * Scores are signed so that higher is better, in the order of the candidates. What a strategy costs is what it takes by
 * itself: estimators count the panel, and the similarity where they read it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "benchmark/benchmark_internal.h"
#include "rank/rank_internal.h"

/* Strategies of the benchmark alone. */
static const char STAGE_1_DATA[] = "stage-1-data";
static const char AUTO_F1[] = "auto-f1", VOTE[] = "ensemble-vote", VOTE_IF[] = "ensemble-if-recommended";
static const char HINDSIGHT[] = "paper-adaptivity-hindsight", RAW[] = "-raw";

typedef struct scoring {
  const bf__bench_scene *scene;
  bf__bench_scores *out;
  size_t capacity;
  bf_search_options options; /* one thread: threads go over targets */
  bf_candidate *bare;        /* [n] candidates without outputs */
  double *similarity;        /* [n] NaN: none */
  double similarity_seconds;
} scoring;

/* ---- which ---- */

static bool is_wanted(const bf_bench_run_options *options, const char *name) {
  for (size_t i = 0; i < options->n_strategies; i++)
    if (strcmp(options->strategies[i], name) == 0) return true;
  return options->n_strategies == 0;
}

static bool is_of_the_benchmark(const char *name) {
  const bf_strategy_info *info = NULL;
  char stem[64];
  size_t n = strlen(name), n_raw = sizeof RAW - 1;
  if (strcmp(name, STAGE_1_DATA) == 0 || strcmp(name, HINDSIGHT) == 0 || strcmp(name, AUTO_F1) == 0 ||
      strcmp(name, VOTE) == 0 || strcmp(name, VOTE_IF) == 0)
    return true;
  for (size_t i = 0; bf__bench_attack_at(i); i++)
    if (strcmp(name, bf__bench_attack_at(i)) == 0) return true;
  if (n <= n_raw || n - n_raw >= sizeof stem || strcmp(name + n - n_raw, RAW) != 0) return false;
  snprintf(stem, sizeof stem, "%.*s", (int)(n - n_raw), name);
  return strncmp(stem, "paper-", 6) == 0 && bf_strategy_find(stem, &info, NULL) == BF_OK;
}

bf_status bf__bench_check_strategies(const bf_bench_run_options *options, bf_error *err) {
  for (size_t i = 0; i < options->n_strategies; i++) {
    const char *name = options->strategies[i];
    const bf_strategy_info *info = NULL;
    if (is_of_the_benchmark(name)) continue;
    bf_status status = bf_strategy_find(name, &info, err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

/* A new score, of no answer yet. NULL: no memory. */
static bf__bench_score *add_score(scoring *s, const char *name, const char *family) {
  bf__bench_scores *out = s->out;
  if (out->n == s->capacity) {
    size_t capacity = s->capacity ? 2 * s->capacity : 64;
    bf__bench_score *grown = bf__realloc(out->all, capacity, sizeof *grown);
    if (!grown) return NULL;
    out->all = grown;
    s->capacity = capacity;
  }
  bf__bench_score *score = &out->all[out->n];
  *score = (bf__bench_score){.family = family, .parameter = NAN, .accuracy = NAN};
  snprintf(score->name, sizeof score->name, "%s", name);
  score->scores = bf__alloc(s->scene->n, sizeof *score->scores);
  if (!score->scores) return NULL;
  for (size_t i = 0; i < s->scene->n; i++) score->scores[i] = NAN;
  out->n++;
  return score;
}

static void say_not(bf__bench_score *score, const char *why) {
  free(score->scores);
  score->scores = NULL;
  snprintf(score->why, sizeof score->why, "%s", why && why[0] ? why : "it has no answer for any model");
}

/* Whether a failure is only this strategy's. */
static bool is_about_the_strategy(bf_status status) {
  return status == BF_ERR_NOT_APPLICABLE || status == BF_ERR_MISMATCH || status == BF_ERR_UNSUPPORTED;
}

/* ---- by rank ---- */

static bf_status rank(scoring *s, const char *strategy, const bf_candidate *candidates, bf_search_result **out,
                      bf_error *err) {
  s->options.strategy = strategy;
  return bf_rank(candidates, s->scene->n, s->scene->sketch, &s->options, out, err);
}

static void take_scores(const bf_search_result *result, bf__bench_score *score) {
  size_t n = 0;
  for (size_t i = 0; i < bf_search_result_count(result); i++) {
    const bf_ranked *r = bf_search_result_at(result, i);
    score->scores[r->candidate] = r->score;
    n += !isnan(score->scores[r->candidate]);
  }
  if (n == 0) say_not(score, bf_search_result_skipped_count(result) ? bf_search_result_skipped_at(result, 0)->why : "");
}

static bf_status score_by_rank(scoring *s, const char *name, const char *family, const char *strategy,
                               const bf_candidate *candidates, bf_search_result **keep, bf_error *err) {
  bf_search_result *result = NULL;
  bf_error cause = {.position = -1};
  bf__bench_score *score = add_score(s, name, family);
  if (!score) return bf__error_memory(err, s->scene->n * sizeof(double));
  double started = bf__bench_now();
  bf_status status = rank(s, strategy, candidates, &result, &cause);
  score->seconds = bf__bench_now() - started;
  score->bytes = strcmp(family, "baseline") == 0 ? 0 : s->scene->sketch_bytes;
  if (status == BF_OK) take_scores(result, score);
  if (is_about_the_strategy(status)) {
    say_not(score, cause.message);
    status = BF_OK;
  }
  if (status != BF_OK && err) *err = cause;
  if (keep) {
    *keep = result;
  } else {
    bf_search_result_free(result);
  }
  return status;
}

/* ---- measures ---- */

static bf_status measure_similarity(scoring *s, bf_error *err) {
  bf_search_result *result = NULL;
  double started = bf__bench_now();
  bf_status status = rank(s, "similarity", s->bare, &result, err);
  s->similarity_seconds = bf__bench_now() - started;
  for (size_t i = 0; i < s->scene->n; i++) s->similarity[i] = NAN;
  for (size_t i = 0; status == BF_OK && i < bf_search_result_count(result); i++) {
    const bf_ranked *r = bf_search_result_at(result, i);
    s->similarity[r->candidate] = r->score;
  }
  bf_search_result_free(result);
  return status;
}

/* One ranking a measure, so that each has a cost of its own. */
static bf_status score_measures(scoring *s, const bf_bench_run_options *options, bf_error *err) {
  const bf_strategy_info *info;
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++) {
    if (bf__is_estimator(info) || bf__is_learned(info) || !is_wanted(options, info->name)) continue;
    bf_status status = score_by_rank(s, info->name, info->family, info->name, s->bare, NULL, err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

/* Why no model has a value, asked of the first. */
static void find_why(const scoring *s, const char *name, bf__bench_score *score) {
  bf_error cause = {.position = -1};
  bf_frame *frame = NULL;
  bf_prepared *source = NULL, *target = NULL;
  double value = 0.0;
  const bf_sketch *sketch = s->bare[0].sketch;
  bf_status status = sketch ? bf_frame_create(&sketch, 1, &s->options.measure, &frame, &cause) : BF_ERR_NOT_APPLICABLE;
  if (status == BF_OK) status = bf_prepared_create(frame, sketch, &source, &cause);
  if (status == BF_OK) status = bf_prepared_create(frame, s->scene->sketch, &target, &cause);
  if (status == BF_OK) status = bf_measure(name, source, target, &value, &cause);
  say_not(score, status == BF_OK ? "" : cause.message);
  bf_prepared_free(source);
  bf_prepared_free(target);
  bf_frame_free(frame);
}

static size_t column_of(const bf_ranked *ranked, const char *name) {
  for (size_t m = 0; m < ranked->n_measures; m++)
    if (strcmp(ranked->measure_names[m], name) == 0) return m;
  return SIZE_MAX;
}

static bf_status take_measure(scoring *s, const bf_search_result *result, const bf_strategy_info *info, double seconds,
                              bf_error *err) {
  double sign = info->direction == BF_HIGHER_IS_CLOSER ? 1.0 : -1.0;
  size_t n = 0;
  bf__bench_score *score = add_score(s, info->name, info->family);
  if (!score) return bf__error_memory(err, s->scene->n * sizeof(double));
  score->seconds = seconds;
  score->bytes = s->scene->sketch_bytes;
  for (size_t i = 0; i < bf_search_result_count(result); i++) {
    const bf_ranked *r = bf_search_result_at(result, i);
    size_t m = column_of(r, info->name);
    double value = strcmp(info->name, "similarity") == 0 ? r->score : m < SIZE_MAX ? sign * r->measure_values[m] : NAN;
    if (isnan(value)) continue;
    score->scores[r->candidate] = value + 0.0; /* no -0 */
    n++;
  }
  if (n == 0) find_why(s, info->name, score);
  return BF_OK;
}

/* All of one ranking: equal scores at a tenth of the cost, of which each measure is told an equal share. */
static bf_status score_measures_at_once(scoring *s, const bf_bench_run_options *options, bf_error *err) {
  bf_status status = BF_OK;
  const bf_strategy_info *info;
  bf_search_result *result = NULL;
  size_t n = 0;
  double started = bf__bench_now();
  s->options.all_measures = true;
  status = rank(s, "similarity", s->bare, &result, err);
  s->options.all_measures = false;
  if (status != BF_OK) return status;
  if (bf_search_result_skipped_count(result) > 0) { /* a model without similarity may have a measure all the same */
    bf_search_result_free(result);
    return score_measures(s, options, err);
  }
  double seconds = bf__bench_now() - started;
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++)
    n += !bf__is_estimator(info) && !bf__is_learned(info) && strcmp(info->family, "baseline") != 0;
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++) {
    if (bf__is_estimator(info) || bf__is_learned(info) || !is_wanted(options, info->name)) continue;
    if (strcmp(info->family, "baseline") != 0)
      BF_TRY(take_measure(s, result, info, seconds / (double)n, err));
    else
      BF_TRY(score_by_rank(s, info->name, info->family, info->name, s->bare, NULL, err));
  }
out:
  bf_search_result_free(result);
  return status;
}

/* ---- estimators ---- */

static bf_status make_panel(const scoring *s, bf_panel_model *models, bf_panel **out, bf_error *err) {
  bf_panel_options options = BF_PANEL_OPTIONS_INIT;
  options.n_threads = 1;
  for (size_t i = 0; i < s->scene->n; i++) models[i] = bf__panel_model_of(&s->scene->candidates[i], s->similarity[i]);
  return bf_panel_create(models, s->scene->n, s->scene->n_items, &options, out, err);
}

static bf_status score_by_panel(scoring *s, const bf_strategy_info *info, const bf_panel *panel, double panel_seconds,
                                bf_estimate_value *values, bf_error *err) {
  double sign = info->direction == BF_HIGHER_IS_CLOSER ? 1.0 : -1.0;
  bool by_data = strstr(info->needs, "similarity") != NULL;
  size_t n = 0;
  bf__bench_score *score = add_score(s, info->name, info->family);
  if (!score) return bf__error_memory(err, s->scene->n * sizeof(double));
  double started = bf__bench_now();
  bf_status status = bf_estimate(panel, info->name, values, err);
  if (status != BF_OK) return status;
  score->seconds = bf__bench_now() - started + panel_seconds + (by_data ? s->similarity_seconds : 0.0);
  score->bytes = by_data ? s->scene->sketch_bytes : 0;
  for (size_t i = 0; i < s->scene->n; i++) {
    if (!values[i].applicable) continue;
    score->scores[i] = sign * values[i].value + 0.0; /* no -0 */
    n++;
  }
  if (n == 0) say_not(score, values[0].why);
  return BF_OK;
}

static bf_status score_estimators(scoring *s, const bf_bench_run_options *options, bf_error *err) {
  bf_status status = BF_OK;
  const bf_strategy_info *info;
  bf_panel *panel = NULL;
  bf_panel_model *models = bf__alloc(s->scene->n, sizeof *models);
  bf_estimate_value *values = bf__alloc(s->scene->n, sizeof *values);
  if (!models || !values) BF_TRY(bf__error_memory(err, s->scene->n * sizeof *values));
  double started = bf__bench_now();
  BF_TRY(make_panel(s, models, &panel, err));
  double panel_seconds = bf__bench_now() - started;
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++)
    if (bf__is_estimator(info) && is_wanted(options, info->name))
      BF_TRY(score_by_panel(s, info, panel, panel_seconds, values, err));
out:
  bf_panel_free(panel);
  free(models);
  free(values);
  return status;
}

/* ---- what is learnt ---- */

static const char *grade_of(const char *grade) {
  static const char *const GRADES[] = {"high", "medium", "low"}; /* outlive the result */
  for (size_t i = 0; grade && i < sizeof GRADES / sizeof *GRADES; i++)
    if (strcmp(GRADES[i], grade) == 0) return GRADES[i];
  return NULL;
}

static bf_status take_expected(scoring *s, const bf_search_result *result, bf_error *err) {
  bf__bench_expected *e = &s->out->expected;
  size_t n = s->scene->n;
  const bf_strategy_info *info = NULL;
  e->accuracy = bf__alloc(n, sizeof *e->accuracy);
  e->low = bf__alloc(n, sizeof *e->low);
  e->high = bf__alloc(n, sizeof *e->high);
  if (!e->accuracy || !e->low || !e->high) return bf__error_memory(err, n * sizeof *e->low);
  for (size_t i = 0; i < n; i++) e->accuracy[i] = e->low[i] = e->high[i] = NAN;
  for (size_t i = 0; i < bf_search_result_count(result); i++) {
    const bf_ranked *r = bf_search_result_at(result, i);
    e->accuracy[r->candidate] = r->expected_accuracy;
    e->low[r->candidate] = r->interval_low;
    e->high[r->candidate] = r->interval_high;
  }
  bf_status status = bf_strategy_find(bf_search_result_strategy(result), &info, err);
  if (status == BF_OK) e->strategy = info->name;
  const bf_trust *trust = bf_search_result_trust(result);
  e->grade = grade_of(trust->grade);
  e->novel = trust->novel;
  e->no_suitable_model = trust->no_suitable_model;
  return status;
}

/* ---- the vote of all (ensemble) ---- */

/* Share of the labelled rows on which the vote is right. */
static double right_by_vote(const bf__bench_scene *scene, const bf_ensemble *vote) {
  size_t n = 0, right = 0;
  for (size_t i = 0; i < scene->ranked->n_items; i++) {
    int32_t label = scene->rows->labels[scene->ranked->items[i]];
    if (label < 0) continue;
    n++;
    right += vote->votes[i] >= 0 && strcmp(vote->classes[vote->votes[i]], scene->rows->names[label]) == 0;
  }
  return n ? (double)right / (double)n : NAN;
}

/* The vote sees the rows that are ranked by, and accuracies stand on more: so what it is better by than the first place
 * is measured on equal rows, and added to the first place's accuracy. */
static bf_status score_vote(scoring *s, const bf_search_result *result, const bf_bench_run_options *options,
                            double seconds, bf_error *err) {
  const bf__bench_scene *scene = s->scene;
  const bf_ensemble *vote = bf_search_result_ensemble(result);
  if (vote->n_items != scene->ranked->n_items || scene->variant->own_in || bf_search_result_count(result) == 0)
    return BF_OK;
  size_t first = bf_search_result_at(result, 0)->candidate;
  const bf_candidate *one = &scene->candidates[first];
  double alone = scene->truth[first]->accuracy;
  double gain = right_by_vote(scene, vote) - bf__bench_right_on(scene, one->outputs, one->classes);
  for (int k = 0; k < 2; k++) {
    const char *name = k == 0 ? VOTE : VOTE_IF;
    if (!is_wanted(options, name)) continue;
    bf__bench_score *score = add_score(s, name, "ensemble");
    if (!score) return bf__error_memory(err, scene->n * sizeof(double));
    score->seconds = seconds;
    score->bytes = scene->sketch_bytes;
    score->accuracy = fmin(fmax(k == 0 || vote->recommended ? alone + gain : alone, 0.0), 1.0);
    say_not(score, "");
  }
  return BF_OK;
}

/* auto, and what it expects. */
static bf_status score_auto(scoring *s, const bf_strategy_info *info, const bf_bench_run_options *options,
                            bf_error *err) {
  bf_status status = BF_OK;
  bf_search_result *result = NULL;
  BF_TRY(score_by_rank(s, info->name, info->family, info->name, s->scene->candidates, &result, err));
  if (!result) goto out;
  BF_TRY(take_expected(s, result, err));
  BF_TRY(score_vote(s, result, options, s->out->all[s->out->n - 1].seconds, err));
out:
  bf_search_result_free(result);
  return status;
}

static bf_status score_attacks(scoring *s, const bf_bench_run_options *options, bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; bf__bench_attack_at(i) && s->scene->costs_each && status == BF_OK; i++) {
    double accuracy = NAN, started = bf__bench_now();
    if (!is_wanted(options, bf__bench_attack_at(i))) continue;
    status = bf__bench_attack(s->scene, i, &accuracy, err);
    if (status != BF_OK || isnan(accuracy)) continue;
    bf__bench_score *score = add_score(s, bf__bench_attack_at(i), "attack");
    if (!score) return bf__error_memory(err, s->scene->n * sizeof(double));
    score->seconds = bf__bench_now() - started;
    score->bytes = s->scene->sketch_bytes;
    score->accuracy = accuracy;
    say_not(score, "");
  }
  return status;
}

static bf_status score_learned(scoring *s, const bf_bench_run_options *options, bf_error *err) {
  bf_status status = BF_OK;
  const bf_strategy_info *info;
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++) {
    if (!bf__is_learned(info)) continue;
    if (strcmp(info->name, "auto") == 0) {
      if (is_wanted(options, info->name)) BF_TRY(score_auto(s, info, options, err));
    } else if (is_wanted(options, info->name)) {
      BF_TRY(score_by_rank(s, info->name, info->family, info->name, s->scene->candidates, NULL, err));
    }
  }
  if (s->scene->f1 && is_wanted(options, AUTO_F1)) {
    s->options.experience = s->scene->f1;
    status = score_by_rank(s, AUTO_F1, "learned", "auto", s->scene->candidates, NULL, err);
    s->options.experience = s->scene->experience;
    if (status != BF_OK) goto out;
  }
  if (is_wanted(options, STAGE_1_DATA))
    BF_TRY(score_by_rank(s, STAGE_1_DATA, "learned", "stage-1", s->bare, NULL, err));
out:
  return status;
}

/* ---- the paper's measures as the paper has them ---- */

static bool has_any(const bf__bench_score *score, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!isnan(score->scores[i])) return true;
  return false;
}

static bf_status score_raw(scoring *s, size_t i, bf_error *err) {
  const bf__bench_scene *scene = s->scene;
  char name[64];
  snprintf(name, sizeof name, "%s%s", bf__bench_raw_name(scene->collection, i), RAW);
  bf__bench_score *score = add_score(s, name, "paper");
  if (!score) return bf__error_memory(err, scene->n * sizeof(double));
  for (size_t c = 0; c < scene->n; c++)
    score->scores[c] = scene->raw->values[i * scene->collection->n_domains + scene->domains[c]];
  score->seconds = scene->raw->seconds[i];
  if (!has_any(score, scene->n)) say_not(score, scene->raw->why[i]);
  return BF_OK;
}

static bf_status score_paper(scoring *s, const bf_bench_run_options *options, bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; i < BF__BENCH_RAW && s->scene->raw; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", bf__bench_raw_name(s->scene->collection, i), RAW);
    if (is_wanted(options, name)) BF_TRY(score_raw(s, i, err));
  }
  if (!is_wanted(options, HINDSIGHT)) return BF_OK;
  bf__bench_score *score = add_score(s, HINDSIGHT, "paper");
  if (!score) return bf__error_memory(err, s->scene->n * sizeof(double));
  double started = bf__bench_now();
  BF_TRY(bf__bench_adapt(s->scene, score->scores, err));
  score->seconds = bf__bench_now() - started;
  score->bytes = s->scene->sketch_bytes;
  score->parameter = s->scene->threshold;
  if (!has_any(score, s->scene->n)) say_not(score, "");
out:
  return status;
}

bf_status bf__bench_score_all(const bf_bench_run_options *options, const bf__bench_scene *scene, bf__bench_scores *out,
                              bf_error *err) {
  static const bf_search_options defaults = BF_SEARCH_OPTIONS_INIT;
  bf_status status = BF_OK;
  scoring s = {.scene = scene, .out = out, .options = defaults};
  *out = (bf__bench_scores){0};
  s.options.measure.n_threads = 1;
  s.options.experience = scene->experience;
  s.bare = bf__alloc(scene->n, sizeof *s.bare);
  s.similarity = bf__alloc(scene->n, sizeof *s.similarity);
  if (!s.bare || !s.similarity) BF_TRY(bf__error_memory(err, scene->n * sizeof *s.bare));
  for (size_t i = 0; i < scene->n; i++) {
    s.bare[i] = scene->candidates[i];
    s.bare[i].outputs = NULL;
  }
  BF_TRY(measure_similarity(&s, err));
  BF_TRY(scene->costs_each ? score_measures(&s, options, err) : score_measures_at_once(&s, options, err));
  BF_TRY(score_paper(&s, options, err));
  BF_TRY(score_estimators(&s, options, err));
  BF_TRY(score_learned(&s, options, err));
  BF_TRY(score_attacks(&s, options, err));
out:
  free(s.bare);
  free(s.similarity);
  if (status != BF_OK) bf__bench_scores_deinit(out);
  return status;
}

void bf__bench_scores_deinit(bf__bench_scores *scores) {
  for (size_t i = 0; i < scores->n; i++) free(scores->all[i].scores);
  free(scores->all);
  free(scores->expected.accuracy);
  free(scores->expected.low);
  free(scores->expected.high);
  *scores = (bf__bench_scores){0};
}
