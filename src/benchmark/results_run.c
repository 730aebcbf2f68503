/* A file of a run. It may come from anywhere: every member is checked for type and size before it is used, numbers must
 * be finite (JSON has no others), accuracies in [0, 1], lists as long as the list of models. */
#include <stdio.h>
#include <string.h>

#include "benchmark/results_internal.h"

#define RUN_VERSION 1
#define MAX_MODELS 1000u
#define MAX_ANSWERS 500u
#define MAX_NAME 64u
#define MAX_WHY 400u
#define N_MIXED 6u /* strategies that bf__bench_mix() adds */

typedef struct reading {
  bf__bench *bench;
  bf__run *run;
  const json_t *json;
} reading;

/* ---- members ---- */

static bf_status bad(bf_error *err, const char *where, const char *key, const char *what) {
  return bf__error(err, BF_ERR_FORMAT, "%s: '%s' is %s", where, key, what);
}

static const char *plain(const json_t *value, size_t longest) {
  const char *text = json_string_value(value);
  return text != NULL && json_string_length(value) == strlen(text) && strlen(text) <= longest ? text : NULL;
}

/* Names of strategies and families: a-z 0-9 and marks, for they become keys of the results. */
static const char *plain_name(const json_t *value) {
  const char *text = plain(value, MAX_NAME);
  return text != NULL && text[0] != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.+") == strlen(text)
             ? text
             : NULL;
}

static bf_status states(const reading *r, const char *key, const char *expected, bf_error *err) {
  const char *text = plain(json_object_get(r->json, key), BF__BENCH_NAME_MAX);
  if (text == NULL) return bad(err, "run", key, "missing or no text");
  if (strcmp(text, expected) == 0) return BF_OK;
  return bf__error(err, BF_ERR_MISMATCH, "run: '%s' is '%.60s', but the file stands where '%.60s' belongs", key, text,
                   expected);
}

/* A finite number, or null or nothing as NaN. False: something else. */
static bool number_of(const json_t *value, double *out) {
  *out = NAN;
  if (value == NULL || json_is_null(value)) return true;
  if (!json_is_number(value)) return false;
  *out = json_number_value(value);
  return isfinite(*out);
}

static bf_status share_of(const json_t *value, const char *where, const char *key, bool needed, double *out,
                          bf_error *err) {
  if (!number_of(value, out) || (needed && isnan(*out)) || *out < 0 || *out > 1)
    return bad(err, where, key, needed ? "no number from 0 to 1" : "neither null nor a number from 0 to 1");
  return BF_OK;
}

/* A list of n numbers or nulls. */
static bf_status numbers_of(reading *r, const json_t *list, size_t n, const char *where, const char *key,
                            const double **out, bf_error *err) {
  if (!json_is_array(list) || json_array_size(list) != n) return bad(err, where, key, "no list as long as 'models'");
  double *numbers = bf__arena_alloc(&r->bench->arena, n, sizeof *numbers);
  if (numbers == NULL) return bf__error_memory(err, n * sizeof *numbers);
  for (size_t i = 0; i < n; i++)
    if (!number_of(json_array_get(list, i), &numbers[i])) return bad(err, where, key, "not all numbers or null");
  *out = numbers;
  return BF_OK;
}

/* ---- models ---- */

static bf_status read_models(reading *r, bf_error *err) {
  const json_t *list = json_object_get(r->json, "models");
  size_t n = json_array_size(list);
  bf_status status = BF_OK;
  if (!json_is_array(list) || n == 0 || n > MAX_MODELS)
    return bf__error(err, n > MAX_MODELS ? BF_ERR_LIMIT : BF_ERR_FORMAT, "run: 'models' is no list of 1 to %u models",
                     MAX_MODELS);
  bf__arena *arena = &r->bench->arena;
  r->run->domains = bf__arena_alloc(arena, n, sizeof *r->run->domains);
  double *numbers = bf__arena_alloc(arena, 4 * n, sizeof *numbers);
  if (r->run->domains == NULL || numbers == NULL) return bf__error_memory(err, 5 * n * sizeof *numbers);
  double *accuracy = numbers, *f1 = numbers + n, *macro_f1 = numbers + 2 * n, *source = numbers + 3 * n;
  for (size_t i = 0; i < n; i++) {
    const json_t *one = json_array_get(list, i);
    char where[40];
    snprintf(where, sizeof where, "model %zu", i + 1);
    const char *domain = plain(json_object_get(one, "domain"), BF__BENCH_NAME_MAX);
    if (domain == NULL) return bad(err, where, "domain", "missing or no text");
    r->run->domains[i] = bf__arena_strdup(arena, domain);
    if (r->run->domains[i] == NULL) return bf__error_memory(err, strlen(domain));
    BF_TRY(share_of(json_object_get(one, "accuracy"), where, "accuracy", true, &accuracy[i], err));
    BF_TRY(share_of(json_object_get(one, "f1"), where, "f1", false, &f1[i], err));
    BF_TRY(share_of(json_object_get(one, "macro_f1"), where, "macro_f1", false, &macro_f1[i], err));
    BF_TRY(share_of(json_object_get(one, "source_accuracy"), where, "source_accuracy", false, &source[i], err));
  }
  r->run->accuracy = accuracy, r->run->f1 = f1, r->run->macro_f1 = macro_f1, r->run->source = source;
  r->run->n_models = n;
out:
  return status;
}

/* ---- strategies ---- */

static bf_status read_scores(reading *r, const json_t *one, const char *where, bf__answer *out, bf_error *err) {
  const json_t *scores = json_object_get(one, "scores"), *accuracy = json_object_get(one, "accuracy");
  out->accuracy = NAN;
  if (accuracy != NULL && !json_is_null(accuracy))
    return share_of(accuracy, where, "accuracy", true, &out->accuracy, err);
  if (json_is_array(scores) && json_array_size(scores) == 0) return BF_OK; /* not applicable */
  bf_status status = numbers_of(r, scores, r->run->n_models, where, "scores", &out->scores, err);
  if (status != BF_OK) return status;
  bool any = false;
  for (size_t i = 0; i < r->run->n_models; i++) any |= !isnan(out->scores[i]);
  if (!any) out->scores = NULL; /* null for every model is no answer, not an order of equals */
  return BF_OK;
}

static bf_status read_answer(reading *r, const json_t *one, size_t i, bf__answer *out, bf_error *err) {
  char where[MAX_NAME + 20];
  snprintf(where, sizeof where, "strategy %zu", i + 1);
  const char *name = plain_name(json_object_get(one, "name")), *family = plain_name(json_object_get(one, "family"));
  const json_t *why = json_object_get(one, "why");
  bf_status status = BF_OK;
  if (name == NULL) return bad(err, where, "name", "missing, or no plain name");
  if (family == NULL) return bad(err, where, "family", "missing, or no plain name");
  snprintf(where, sizeof where, "strategy '%s'", name);
  BF_TRY(bf__bench_strategy(r->bench, name, family, &out->strategy, err));
  for (size_t k = 0; k < i; k++)
    if (r->run->answers[k].strategy == out->strategy) return bad(err, where, "name", "there twice");
  BF_TRY(read_scores(r, one, where, out, err));
  if (!number_of(json_object_get(one, "seconds"), &out->seconds) || out->seconds < 0)
    return bad(err, where, "seconds", "no number from 0 on");
  if (!number_of(json_object_get(one, "bytes"), &out->bytes) || out->bytes < 0)
    return bad(err, where, "bytes", "no number from 0 on");
  if (why == NULL || json_is_null(why)) return BF_OK;
  if (plain(why, MAX_WHY) == NULL) return bad(err, where, "why", "no text of at most 400 bytes");
  out->why = bf__arena_strdup(&r->bench->arena, json_string_value(why));
  if (out->why == NULL) status = bf__error_memory(err, MAX_WHY);
out:
  return status;
}

static bf_status read_answers(reading *r, bf_error *err) {
  const json_t *list = json_object_get(r->json, "strategies");
  size_t n = json_array_size(list);
  bf_status status = BF_OK;
  if (!json_is_array(list)) return bad(err, "run", "strategies", "missing or no list");
  if (n > MAX_ANSWERS) return bf__error(err, BF_ERR_LIMIT, "run: more than %u strategies", MAX_ANSWERS);
  /* room for those that bf__bench_mix() adds */
  bf__answer *answers = bf__arena_alloc(&r->bench->arena, n + N_MIXED, sizeof *answers);
  if (answers == NULL) return bf__error_memory(err, n * sizeof *answers);
  r->run->answers = answers;
  for (size_t i = 0; status == BF_OK && i < n; i++)
    status = read_answer(r, json_array_get(list, i), i, &answers[i], err);
  if (status == BF_OK) r->run->n_answers = n;
  return status;
}

/* ---- expectation and trust ---- */

static bf_status read_expected(reading *r, bf_error *err) {
  const json_t *expected = json_object_get(r->json, "expected");
  const json_t *accuracy = json_object_get(expected, "accuracy");
  bf_status status = BF_OK;
  if (expected == NULL || json_is_null(expected)) return BF_OK;
  if (!json_is_object(expected)) return bad(err, "run", "expected", "neither null nor an object");
  if (accuracy == NULL || json_is_null(accuracy)) return BF_OK;
  if (json_is_array(accuracy) && json_array_size(accuracy) == 0) return BF_OK; /* too little experience */
  size_t n = r->run->n_models;
  BF_TRY(numbers_of(r, accuracy, n, "expected", "accuracy", &r->run->expected, err));
  BF_TRY(numbers_of(r, json_object_get(expected, "low"), n, "expected", "low", &r->run->low, err));
  BF_TRY(numbers_of(r, json_object_get(expected, "high"), n, "expected", "high", &r->run->high, err));
out:
  return status;
}

static bf_status read_trust(reading *r, bf_error *err) {
  const json_t *trust = json_object_get(r->json, "trust"), *novel = json_object_get(trust, "novel"),
               *unsuitable = json_object_get(trust, "no_suitable_model");
  if (trust == NULL || json_is_null(trust)) return BF_OK;
  if (json_is_null(json_object_get(trust, "grade"))) return BF_OK;
  const char *grade = plain(json_object_get(trust, "grade"), 20);
  if (grade == NULL) return bad(err, "trust", "grade", "missing or no text");
  if ((novel != NULL && !json_is_boolean(novel)) || (unsuitable != NULL && !json_is_boolean(unsuitable)))
    return bf__error(err, BF_ERR_FORMAT, "trust: 'novel' or 'no_suitable_model' is neither true nor false");
  r->run->novel = json_is_true(novel);
  r->run->no_suitable = json_is_true(unsuitable);
  r->run->grade = bf__arena_strdup(&r->bench->arena, grade);
  return r->run->grade != NULL ? BF_OK : bf__error_memory(err, strlen(grade));
}

static bf_status read_all(reading *r, bf_error *err) {
  bf_status status = BF_OK;
  const bf__item *item = &r->bench->items[r->run->item];
  const json_t *version = json_object_get(r->json, "bestfit_run"), *seed = json_object_get(r->json, "seed");
  if (!json_is_integer(version)) return bad(err, "run", "bestfit_run", "missing: not a file of a run");
  if (json_integer_value(version) != RUN_VERSION)
    return bf__error(err, BF_ERR_UNSUPPORTED, "run version %lld: this program reads version %d",
                     (long long)json_integer_value(version), RUN_VERSION);
  BF_TRY(states(r, "collection", r->bench->collections[item->collection].name, err));
  BF_TRY(states(r, "variant", bf__variant_names[r->run->variant], err));
  BF_TRY(states(r, "target", item->name, err));
  if (!json_is_integer(seed) || json_integer_value(seed) != (json_int_t)r->run->seed)
    return bf__error(err, BF_ERR_MISMATCH, "run: 'seed' is not the %u of its folder", r->run->seed);
  BF_TRY(read_models(r, err));
  BF_TRY(read_answers(r, err));
  BF_TRY(read_expected(r, err));
  BF_TRY(read_trust(r, err));
  if (!number_of(json_object_get(r->json, "run_seconds"), &r->run->run_seconds) ||
      !number_of(json_object_get(r->json, "learn_seconds"), &r->run->learn_seconds))
    return bf__error(err, BF_ERR_FORMAT, "run: 'run_seconds' or 'learn_seconds' is no number");
out:
  return status;
}

bf_status bf__run_parse(bf__bench *bench, const void *bytes, size_t n_bytes, bf__run *run, bf_error *err) {
  json_error_t where;
  json_t *json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &where);
  if (json == NULL)
    return bf__error_at(err, BF_ERR_FORMAT, where.position, "not JSON: %s (line %d)", where.text, where.line);
  reading r = {.bench = bench, .run = run, .json = json};
  bf_status status =
      json_is_object(json) ? read_all(&r, err) : bf__error(err, BF_ERR_FORMAT, "not a file of a run: no object");
  json_decref(json);
  return status;
}

/* ---- the paper's measures, of words where there are some ---- */

static const bf__answer *answer_of(const bf__run *run, uint32_t strategy) {
  for (size_t i = 0; strategy != BF__NO_STRATEGY && i < run->n_answers; i++)
    if (run->answers[i].strategy == strategy && run->answers[i].scores != NULL) return &run->answers[i];
  return NULL;
}

bf_status bf__bench_mix(bf__bench *bench, bf_error *err) {
  static const char *const mixed[N_MIXED][3] = {
      {"paper-jsd-mixed", "paper-word-jsd", "paper-jsd"},
      {"paper-l2-mixed", "paper-word-l2", "paper-l2"},
      {"paper-adaptivity-mixed", "paper-word-adaptivity", "paper-adaptivity"},
      {"paper-jsd-raw-mixed", "paper-word-jsd-raw", "paper-jsd-raw"},
      {"paper-l2-raw-mixed", "paper-word-l2-raw", "paper-l2-raw"},
      {"paper-adaptivity-raw-mixed", "paper-word-adaptivity-raw", "paper-adaptivity-raw"}};
  bf_status status = BF_OK;
  for (size_t k = 0; k < N_MIXED; k++) {
    uint32_t words = bf__bench_find_strategy(bench, mixed[k][1]), arrays = bf__bench_find_strategy(bench, mixed[k][2]);
    uint32_t strategy = 0;
    if (words == BF__NO_STRATEGY && arrays == BF__NO_STRATEGY) continue;
    if (bf__bench_find_strategy(bench, mixed[k][0]) != BF__NO_STRATEGY) continue; /* the run has its own */
    BF_TRY(bf__bench_strategy(bench, mixed[k][0], "paper", &strategy, err));
    for (size_t i = 0; i < bench->n_runs; i++) {
      bf__run *run = &bench->runs[i];
      const bf__answer *answer = answer_of(run, words);
      if (answer == NULL) answer = answer_of(run, arrays);
      if (answer == NULL) continue;
      bf__answer copy = *answer;
      copy.strategy = strategy;
      run->answers[run->n_answers++] = copy;
    }
  }
out:
  return status;
}
