#include "benchmark/collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#define VERSION 1
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_TEXT 4000u

bool bf__bench_is_name(const char *text) {
  static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  size_t n = strlen(text);
  return n > 0 && n <= BF__BENCH_NAME_MAX && text[0] != '.' && text[0] != '-' && strspn(text, PLAIN) == n;
}

/* ---- members ---- */

static bf_status bad(bf_error *err, const char *where, const char *key, const char *what) {
  return bf__error(err, BF_ERR_FORMAT, "%s: '%s' is %s", where, key, what);
}

/* A text without zero bytes. */
static const char *plain_text(const json_t *value) {
  const char *text = json_string_value(value);
  return text && json_string_length(value) == strlen(text) && strlen(text) <= MAX_TEXT ? text : NULL;
}

static bf_status text_of(const json_t *object, const char *key, const char *where, const char **out, bf_error *err) {
  *out = plain_text(json_object_get(object, key));
  return *out ? BF_OK : bad(err, where, key, "missing or no text");
}

static bf_status name_of(const json_t *object, const char *key, const char *where, const char **out, bf_error *err) {
  bf_status status = text_of(object, key, where, out, err);
  if (status == BF_OK && !bf__bench_is_name(*out))
    status = bad(err, where, key, "not a plain name (A-Z a-z 0-9 . _ -)");
  return status;
}

/* A text, or nothing. */
static bf_status maybe_text(const json_t *object, const char *key, const char *where, const char *otherwise,
                            const char **out, bf_error *err) {
  const json_t *value = json_object_get(object, key);
  *out = otherwise;
  return value && !json_is_null(value) ? text_of(object, key, where, out, err) : BF_OK;
}

static bf_status flag_of(const json_t *object, const char *key, const char *where, bool *out, bf_error *err) {
  const json_t *value = json_object_get(object, key);
  *out = json_is_true(value);
  return json_is_boolean(value) ? BF_OK : bad(err, where, key, "missing, or neither true nor false");
}

static bf_status whole_of(const json_t *object, const char *key, const char *where, uint64_t *out, bf_error *err) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_integer(value) || json_integer_value(value) < 0)
    return bad(err, where, key, "missing or no whole number");
  *out = (uint64_t)json_integer_value(value);
  return BF_OK;
}

static bf_status list_of(const json_t *object, const char *key, const json_t **out, bf_error *err) {
  *out = json_object_get(object, key);
  if (!json_is_array(*out)) return bad(err, "collection", key, "missing or no list");
  if (json_array_size(*out) > BF__BENCH_MAX_DOMAINS)
    return bf__error(err, BF_ERR_LIMIT, "collection: '%s' has %zu entries, at most %u can be", key,
                     json_array_size(*out), BF__BENCH_MAX_DOMAINS);
  return BF_OK;
}

/* ---- the whole ---- */

static bf_status read_domain(const json_t *one, size_t i, bf__bench_domain *out, bf_error *err) {
  bf_status status = BF_OK;
  char where[140];
  snprintf(where, sizeof where, "domain %zu", i + 1);
  if (!json_is_object(one)) return bf__error(err, BF_ERR_FORMAT, "%s is no object", where);
  BF_TRY(name_of(one, "name", where, &out->name, err));
  snprintf(where, sizeof where, "domain '%s'", out->name);
  BF_TRY(maybe_text(one, "title", where, out->name, &out->title, err));
  BF_TRY(text_of(one, "group", where, &out->group, err));
  BF_TRY(text_of(one, "origin", where, &out->origin, err));
  BF_TRY(flag_of(one, "stranger", where, &out->stranger, err));
  BF_TRY(flag_of(one, "has_model", where, &out->has_model, err));
  BF_TRY(whole_of(one, "rows", where, &out->rows, err));
out:
  return status;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bf_status check_twice(const bf__bench_collection *c, bf_error *err) {
  bf_status status = BF_OK;
  const char **names = bf__alloc(c->n_domains, sizeof *names);
  if (!names) return bf__error_memory(err, c->n_domains * sizeof *names);
  for (size_t i = 0; i < c->n_domains; i++) names[i] = c->domains[i].name;
  qsort(names, c->n_domains, sizeof *names, by_name);
  for (size_t i = 1; status == BF_OK && i < c->n_domains; i++)
    if (strcmp(names[i], names[i - 1]) == 0)
      status = bf__error(err, BF_ERR_FORMAT, "collection: the domain '%s' stands there twice", names[i]);
  free(names);
  return status;
}

static bf_status read_domains(bf__bench_collection *c, bf_error *err) {
  const json_t *list = NULL;
  bf_status status = list_of(c->json, "domains", &list, err);
  if (status != BF_OK) return status;
  size_t n = json_array_size(list);
  if (n == 0 && json_array_size(json_object_get(c->json, "missing")) == 0)
    return bf__error(err, BF_ERR_FORMAT, "collection: there are no domains, and none is missing");
  if (n == 0) return BF_OK;
  c->domains = bf__alloc(n, sizeof *c->domains);
  if (!c->domains) return bf__error_memory(err, n * sizeof *c->domains);
  for (; status == BF_OK && c->n_domains < n; c->n_domains++)
    status = read_domain(json_array_get(list, c->n_domains), c->n_domains, &c->domains[c->n_domains], err);
  return status == BF_OK ? check_twice(c, err) : status;
}

static bf_status read_missing(bf__bench_collection *c, bf_error *err) {
  const json_t *list = NULL;
  bf_status status = list_of(c->json, "missing", &list, err);
  if (status != BF_OK) return status;
  size_t n = json_array_size(list);
  c->missing = bf__alloc(n, sizeof *c->missing);
  if (!c->missing) return bf__error_memory(err, n * sizeof *c->missing);
  for (; status == BF_OK && c->n_missing < n; c->n_missing++) {
    const json_t *one = json_array_get(list, c->n_missing);
    bf__bench_gap *gap = &c->missing[c->n_missing];
    char where[40];
    snprintf(where, sizeof where, "missing %zu", c->n_missing + 1);
    BF_TRY(text_of(one, "domain", where, &gap->domain, err));
    BF_TRY(maybe_text(one, "why", where, "", &gap->why, err));
    BF_TRY(maybe_text(one, "get", where, "", &gap->get, err));
  }
out:
  return status;
}

static bf_status read_all(bf__bench_collection *c, bf_error *err) {
  static const char WHERE[] = "collection";
  bf_status status = BF_OK;
  const char *kind = NULL;
  const json_t *version = json_object_get(c->json, "bestfit_collection");
  if (!json_is_integer(version)) return bad(err, WHERE, "bestfit_collection", "missing: not a collection");
  if (json_integer_value(version) != VERSION)
    return bf__error(err, BF_ERR_UNSUPPORTED, "collection version %lld: this program reads version %d",
                     (long long)json_integer_value(version), VERSION);
  BF_TRY(name_of(c->json, "name", WHERE, &c->name, err));
  BF_TRY(text_of(c->json, "title", WHERE, &c->title, err));
  BF_TRY(text_of(c->json, "workload", WHERE, &c->workload, err));
  BF_TRY(text_of(c->json, "key", WHERE, &c->key, err));
  BF_TRY(text_of(c->json, "kind", WHERE, &kind, err));
  if (bf_kind_find(kind, &c->kind, NULL) != BF_OK) BF_TRY(bad(err, WHERE, "kind", "no kind of rows"));
  BF_TRY(whole_of(c->json, "seed", WHERE, &c->seed, err));
  BF_TRY(flag_of(c->json, "headline", WHERE, &c->headline, err));
  BF_TRY(maybe_text(c->json, "metric", WHERE, "accuracy", &c->metric, err));
  BF_TRY(maybe_text(c->json, "f1", WHERE, NULL, &c->f1, err));
  BF_TRY(read_domains(c, err));
  BF_TRY(read_missing(c, err));
out:
  return status;
}

bf_status bf__bench_collection_parse(const void *bytes, size_t n_bytes, bf__bench_collection **out, bf_error *err) {
  json_error_t reason = {0};
  *out = NULL;
  if (n_bytes > MAX_BYTES)
    return bf__error(err, BF_ERR_LIMIT, "a collection has at most %zu bytes, not %zu", MAX_BYTES, n_bytes);
  bf__bench_collection *c = bf__alloc(1, sizeof *c);
  if (!c) return bf__error_memory(err, sizeof *c);
  c->json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &reason);
  bf_status status = c->json ? read_all(c, err)
                             : bf__error_at(err, BF_ERR_FORMAT, reason.position, "line %d is no JSON: %.120s",
                                            reason.line, reason.text);
  if (status == BF_OK) {
    *out = c;
    return BF_OK;
  }
  bf__bench_collection_free(c);
  return status;
}

bf_status bf__bench_collection_read(const char *folder, bf__bench_collection **out, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_error cause = {.position = -1};
  *out = NULL;
  char *path = bf__asprintf("%s/collection.json", folder);
  if (!path) return bf__error_memory(err, strlen(folder));
  bf_status status = bf__file_read(path, MAX_BYTES, &bytes, &n, err);
  if (status == BF_OK && (status = bf__bench_collection_parse(bytes, n, out, &cause)) != BF_OK)
    status = bf__error_at(err, status, cause.position, "%.80s: %.150s", path, cause.message);
  free(bytes);
  free(path);
  return status;
}

void bf__bench_collection_free(bf__bench_collection *c) {
  if (!c) return;
  free(c->domains);
  free(c->missing);
  json_decref(c->json);
  free(c);
}
