/* The files of a run: runs/VARIANT/TARGET.json, or TARGET.not-run where the variant cannot be had of the target. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "benchmark/benchmark_internal.h"

#define VERSION 1
#define MAX_FILE_BYTES ((size_t)64 << 20)
#define PRECISION 17

bf_status bf__bench_file_key(const bf_bench_run *run, size_t domain, const bf__bench_variant *variant,
                             char out[BF__BENCH_KEY_BYTES], bf_error *err) {
  bf_status status = BF_OK;
  bf__bench_hasher *hasher = NULL;
  BF_TRY(bf__bench_hasher_create(&hasher, err));
  BF_TRY(bf__bench_hash_text(hasher, run->key, err));
  BF_TRY(bf__bench_hash_text(hasher, run->collection->domains[domain].name, err));
  BF_TRY(bf__bench_hash_text(hasher, variant->name, err));
  BF_TRY(bf__bench_hash_number(hasher, (double)run->options->n_strategies, err));
  for (size_t i = 0; i < run->options->n_strategies; i++)
    BF_TRY(bf__bench_hash_text(hasher, run->options->strategies[i], err));
  BF_TRY(bf__bench_hasher_finish(hasher, out, err));
out:
  bf__bench_hasher_free(hasher);
  return status;
}

char *bf__bench_file_path(const bf_bench_run *run, size_t domain, const bf__bench_variant *variant, bool not_run) {
  return bf__asprintf("%s/runs/%s/%s.%s", run->folder, variant->name, run->collection->domains[domain].name,
                      not_run ? "not-run" : "json");
}

json_t *bf__bench_json_read(const char *path, size_t max_bytes) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  json_t *value = NULL;
  if (bf__file_read(path, max_bytes, &bytes, &n, NULL) == BF_OK)
    value = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
  free(bytes);
  return value;
}

bool bf__bench_file_is_fresh(const char *path, const char *key) {
  json_t *value = bf__bench_json_read(path, MAX_FILE_BYTES);
  const char *there = json_string_value(json_object_get(value, "key"));
  bool fresh = there && strcmp(there, key) == 0;
  json_decref(value);
  return fresh;
}

char *bf__bench_file_why(const char *path, const char *key) {
  json_t *value = bf__bench_json_read(path, MAX_FILE_BYTES);
  const char *there = json_string_value(json_object_get(value, "key"));
  const char *why = json_string_value(json_object_get(value, "why"));
  char *copy = there && why && strcmp(there, key) == 0 ? bf__strdup(why) : NULL;
  json_decref(value);
  return copy;
}

/* ---- writing ---- */

static json_t *number(double x) {
  return isfinite(x) ? json_real(x) : json_null();
}

static json_t *text(const char *s) {
  return s ? json_string(s) : json_null();
}

/* Takes the value; false: no memory. */
static bool set(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value) == 0;
}

/* A list that lost nothing for lack of memory, or NULL. */
static json_t *whole(json_t *list, size_t n) {
  if (json_array_size(list) == n) return list;
  json_decref(list);
  return NULL;
}

static json_t *numbers(const double *values, size_t n) {
  json_t *list = json_array();
  for (size_t i = 0; values && i < n; i++) json_array_append_new(list, number(values[i]));
  return whole(list, values ? n : 0);
}

static json_t *models_json(const bf__bench_scene *scene) {
  json_t *list = json_array();
  for (size_t i = 0; i < scene->n; i++) {
    const bf_candidate *c = &scene->candidates[i];
    const bf__bench_accuracy *truth = scene->truth[i];
    json_t *one = json_object();
    bool good = set(one, "id", text(c->id)) && set(one, "domain", text(c->domain)) &&
                set(one, "accuracy", number(truth->accuracy)) && set(one, "macro_f1", number(truth->macro_f1)) &&
                set(one, "f1", number(truth->f1)) && set(one, "source_accuracy", number(c->source_accuracy));
    if (good) json_array_append(list, one);
    json_decref(one);
  }
  return whole(list, scene->n);
}

static json_t *strategies_json(const bf__bench_scene *scene, const bf__bench_scores *scores) {
  json_t *list = json_array();
  for (size_t i = 0; i < scores->n; i++) {
    const bf__bench_score *s = &scores->all[i];
    json_t *one = json_object();
    bool good = set(one, "name", text(s->name)) && set(one, "family", text(s->family)) &&
                set(one, "scores", numbers(s->scores, scene->n)) && set(one, "seconds", number(s->seconds)) &&
                set(one, "bytes", json_integer((json_int_t)s->bytes)) &&
                set(one, "why", s->scores || !isnan(s->accuracy) ? json_null() : text(s->why)) &&
                (isnan(s->accuracy) || set(one, "accuracy", number(s->accuracy))) &&
                (isnan(s->parameter) || set(one, "parameter", number(s->parameter)));
    if (good) json_array_append(list, one);
    json_decref(one);
  }
  return whole(list, scores->n);
}

static bool add_expected(json_t *file, const bf__bench_scene *scene, const bf__bench_expected *e) {
  json_t *expected = json_object(), *trust = json_object();
  bool good = set(expected, "strategy", text(e->strategy)) &&
              set(expected, "accuracy", numbers(e->accuracy, e->accuracy ? scene->n : 0)) &&
              set(expected, "low", numbers(e->low, e->low ? scene->n : 0)) &&
              set(expected, "high", numbers(e->high, e->high ? scene->n : 0));
  good = set(trust, "grade", text(e->grade)) && set(trust, "novel", json_boolean(e->novel)) &&
         set(trust, "no_suitable_model", json_boolean(e->no_suitable_model)) && good;
  good = set(file, "expected", expected) && good;
  return set(file, "trust", trust) && good;
}

static json_t *file_json(const char *key, const bf__bench_scene *scene, const bf__bench_scores *scores) {
  json_t *file = json_object();
  bool good = file != NULL;
  good = set(file, "bestfit_run", json_integer(VERSION)) && good;
  good = set(file, "key", text(key)) && good;
  good = set(file, "collection", text(scene->collection->name)) && good;
  good = set(file, "seed", json_integer((json_int_t)scene->collection->seed)) && good;
  good = set(file, "variant", text(scene->variant->name)) && good;
  good = set(file, "target", text(scene->target->name)) && good;
  good = set(file, "group", text(scene->target->group)) && good;
  good = set(file, "origin", text(scene->target->origin)) && good;
  good = set(file, "stranger", json_boolean(scene->target->stranger)) && good;
  good = set(file, "rows", json_integer((json_int_t)scene->n_rows)) && good;
  good = set(file, "items", json_integer((json_int_t)scene->n_items)) && good;
  good = set(file, "truth_rows", json_integer((json_int_t)scene->n_truth_rows)) && good;
  good = set(file, "models", models_json(scene)) && good;
  good = set(file, "strategies", strategies_json(scene, scores)) && good;
  good = add_expected(file, scene, &scores->expected) && good;
  good = set(file, "run_seconds", number(scene->run_seconds)) && good;
  good = set(file, "learn_seconds", number(scene->learn_seconds)) && good;
  if (good) return file;
  json_decref(file);
  return NULL;
}

static bf_status write_json(const char *path, json_t *file, bf_error *err) {
  char *written = file ? json_dumps(file, JSON_REAL_PRECISION(PRECISION)) : NULL;
  json_decref(file);
  if (!written) return bf__error_memory(err, 65536);
  bf_status status = bf__file_write_atomic(path, written, strlen(written), err);
  free(written);
  return status;
}

bf_status bf__bench_file_write(const char *path, const char *key, const bf__bench_scene *scene,
                               const bf__bench_scores *scores, bf_error *err) {
  return write_json(path, file_json(key, scene, scores), err);
}

bf_status bf__bench_file_write_why(const char *path, const char *key, const char *why, bf_error *err) {
  return write_json(path, json_pack("{s:i, s:s, s:s}", "bestfit_not_run", VERSION, "key", key, "why", why), err);
}
