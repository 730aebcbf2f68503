/* Finding versions by name, number, alias, condition or words, and the lists that answer. */
#include <bestfit/store.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "store/filter.h"
#include "store/near_names.h"
#include "store/store_internal.h"

/* ------------------------------------------------------------------ lists */

struct bf_store_list {
  bf_store_model
      *items; /* all strings of an item lie in one block, which starts at its name; its metrics and files in others */
  size_t n, capacity;
};

static const char *copy_string(char **at, const char *s) {
  if (s == NULL) return NULL;
  size_t n = strlen(s) + 1;
  char *to = memcpy(*at, s, n);
  *at += n;
  return to;
}

/* "name=value,…" within the item's own block becomes an array. */
static bf_status take_metrics(bf_store_model *model, char *text, bf_error *err) {
  size_t n = text[0] != 0;
  for (const char *c = text; *c != 0; ++c) n += *c == ',';
  if (n == 0) return BF_OK;
  bf_store_metric *metrics = bf__alloc(n, sizeof *metrics);
  if (metrics == NULL) return bf__error_memory(err, n * sizeof *metrics);
  model->metrics = metrics;
  for (char *rest = text, *word; (word = strtok_r(rest, ",", &rest)) != NULL;) {
    char *equals = strrchr(word, '=');
    double value = 0;
    if (equals == NULL || !bf__number_of(equals + 1, &value)) continue; /* fsck tells of it */
    *equals = 0;
    metrics[model->n_metrics++] = (bf_store_metric){.name = word, .value = value};
  }
  return BF_OK;
}

/* The same of "name bytes sha256,…". */
static bf_status take_files(bf_store_model *model, char *text, bf_error *err) {
  size_t n = text[0] != 0;
  for (const char *c = text; *c != 0; ++c) n += *c == ',';
  if (n == 0) return BF_OK;
  bf_store_file *files = bf__alloc(n, sizeof *files);
  if (files == NULL) return bf__error_memory(err, n * sizeof *files);
  model->files = files;
  for (char *rest = text, *item; (item = strtok_r(rest, ",", &rest)) != NULL;) {
    char *bytes = strchr(item, ' ');
    char *sha256 = bytes != NULL ? strchr(bytes + 1, ' ') : NULL;
    if (sha256 == NULL) continue; /* fsck tells of it */
    *bytes++ = *sha256++ = 0;
    files[model->n_files++] =
        (bf_store_file){.name = item, .n_bytes = (size_t)strtoull(bytes, NULL, 10), .sha256 = sha256};
  }
  return BF_OK;
}

static bf_status list_append(void *context, const bf_store_model *m, const char *metrics, const char *files,
                             bf_error *err) {
  bf_store_list *list = context;
  if (list->n == list->capacity) {
    size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
    bf_store_model *grown = bf__realloc(list->items, capacity, sizeof *grown);
    if (grown == NULL) return bf__error_memory(err, capacity * sizeof *grown);
    list->items = grown;
    list->capacity = capacity;
  }
  const char *const strings[] = {
      m->name,         m->domain,      m->task,          m->kind,    m->summary, m->license,     m->tags,
      m->model_sha256, m->card_sha256, m->sketch_sha256, m->created, m->aliases, m->calibration, m->validation_sha256,
      metrics,         files};
  size_t bytes = 0;
  for (size_t i = 0; i < sizeof strings / sizeof *strings; ++i)
    bytes += strings[i] == NULL ? 0 : strlen(strings[i]) + 1;
  char *at = bf__alloc(bytes, 1);
  if (at == NULL) return bf__error_memory(err, bytes);
  bf_store_model copy = *m;
  copy.name = copy_string(&at, m->name);
  copy.domain = copy_string(&at, m->domain);
  copy.task = copy_string(&at, m->task);
  copy.kind = copy_string(&at, m->kind);
  copy.summary = copy_string(&at, m->summary);
  copy.license = copy_string(&at, m->license);
  copy.tags = copy_string(&at, m->tags);
  copy.model_sha256 = copy_string(&at, m->model_sha256);
  copy.card_sha256 = copy_string(&at, m->card_sha256);
  copy.sketch_sha256 = copy_string(&at, m->sketch_sha256);
  copy.created = copy_string(&at, m->created);
  copy.aliases = copy_string(&at, m->aliases);
  copy.calibration = copy_string(&at, m->calibration);
  copy.validation_sha256 = copy_string(&at, m->validation_sha256);
  char *metrics_text = at;
  (void)copy_string(&at, metrics);
  char *files_text = at;
  (void)copy_string(&at, files);
  bf_status status = take_metrics(&copy, metrics_text, err);
  if (status == BF_OK) status = take_files(&copy, files_text, err);
  list->items[list->n++] = copy; /* also where it failed: the list frees it */
  return status;
}

size_t bf_store_list_count(const bf_store_list *list) {
  return list == NULL ? 0 : list->n;
}
const bf_store_model *bf_store_list_at(const bf_store_list *list, size_t i) {
  return list != NULL && i < list->n ? &list->items[i] : NULL;
}

static void item_deinit(bf_store_model *item) {
  free((char *)item->name);
  free((bf_store_metric *)item->metrics);
  free((bf_store_file *)item->files);
}

void bf_store_list_free(bf_store_list *list) {
  if (list == NULL) return;
  for (size_t i = 0; i < list->n; ++i) item_deinit(&list->items[i]);
  free(list->items);
  free(list);
}

/* ------------------------------------------------------------------ names */

/* 0: `text` is no number from 1 that fits. */
static uint32_t version_of(const char *text) {
  uint64_t version = 0;
  for (const char *c = text; *c != 0; ++c) {
    if (*c < '0' || *c > '9' || version > UINT32_MAX) return 0;
    version = version * 10 + (uint64_t)(*c - '0');
  }
  return version <= UINT32_MAX ? (uint32_t)version : 0;
}

bf_status bf__store_parse_selector(const char *which, bf__selector *out, bf_error *err) {
  const char *at = strrchr(which, '@');
  size_t n = at != NULL ? (size_t)(at - which) : strlen(which);
  *out = (bf__selector){0};
  if (n > BF__NAME_MAX) return bf__error(err, BF_ERR_NOT_FOUND, "no model \"%.60s…\"; bestfit ls lists all", which);
  memcpy(out->name, which, n);
  if (at == NULL) return BF_OK;
  out->latest = strcmp(at + 1, "latest") == 0;
  out->version = version_of(at + 1);
  if (out->latest || out->version != 0) return BF_OK;
  if (bf__check_alias(at + 1, NULL) != BF_OK)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                     "\"%.100s\": after @ comes a version, a number from 1 as in %.60s@1, or an alias", which,
                     out->name);
  memcpy(out->alias, at + 1, strlen(at + 1));
  return BF_OK;
}

static void offer_name(void *context, const char *name) {
  bf__near_names_offer(context, name);
}

/* The first aliases, as many as a message has room for. */
typedef struct alias_words {
  char text[100];
  size_t n;
} alias_words;

static void add_alias_word(void *context, const char *alias) {
  alias_words *words = context;
  size_t used = strlen(words->text);
  ++words->n;
  if (used + strlen(alias) + 8 > sizeof words->text) return;
  memcpy(words->text + used, used == 0 ? "" : ", ", used == 0 ? 0 : 2);
  used += used == 0 ? 0 : 2;
  memcpy(words->text + used, alias, strlen(alias) + 1);
}

bf_status bf__store_not_found(bf_store *store, const bf__selector *wanted, bf_error *err) {
  bf__version_blobs blobs;
  uint32_t latest = 0;
  bf_status status = bf__db_latest(store->db, wanted->name, &latest, &blobs, err);
  if (status != BF_OK) return status;
  if (latest != 0 && wanted->alias[0] != 0) {
    alias_words words = {.n = 0};
    status = bf__db_each_alias(store->db, wanted->name, 0, add_alias_word, &words, err);
    if (status != BF_OK) return status;
    return bf__error(err, BF_ERR_NOT_FOUND, "%.100s has no alias %.30s; it has %s%s", wanted->name, wanted->alias,
                     words.n == 0 ? "none: bestfit alias sets one" : "", words.text);
  }
  if (latest != 0)
    return bf__error(err, BF_ERR_NOT_FOUND, "%.150s has no version %u; the latest is %u", wanted->name, wanted->version,
                     latest);
  bf__near_names near = {.wanted = wanted->name};
  status = bf__db_each_name(store->db, offer_name, &near, err);
  if (status != BF_OK) return status;
  if (near.n == 0) return bf__error(err, BF_ERR_NOT_FOUND, "no model %.150s; bestfit ls lists all", wanted->name);
  return bf__error(err, BF_ERR_NOT_FOUND, "no model %.60s; did you mean %.48s%s%.48s%s%.48s?", wanted->name,
                   near.names[0], near.n > 1 ? ", " : "", near.names[1], near.n > 2 ? ", " : "", near.names[2]);
}

bf_status bf__store_find_version(bf_store *store, const bf__selector *wanted, bf__version *out, bf_error *err) {
  bf_status status = bf__db_find_version(store->db, wanted, out, err);
  return status == BF_OK && out->id == 0 ? bf__store_not_found(store, wanted, err) : status;
}

bf_status bf_store_find(bf_store *store, const char *which, bf_store_list **out, bf_error *err) {
  bf_status status = BF_OK;
  bf__selector wanted = {0};
  bool all = which == NULL || which[0] == 0;
  bf__db_query query = {.which = all ? NULL : &wanted};
  bf__error_clear(err);
  *out = NULL;
  bf_store_list *list = bf__alloc(1, sizeof *list);
  if (list == NULL) return bf__error_memory(err, sizeof *list);
  if (!all) BF_TRY(bf__store_parse_selector(which, &wanted, err));
  query.all_versions = !all && !wanted.latest;
  BF_TRY(bf__db_each_model(store->db, &query, list_append, list, err));
  if (!all && list->n == 0) {
    status = bf__store_not_found(store, &wanted, err);
    goto out;
  }
  *out = list;
  list = NULL;
out:
  bf_store_list_free(list);
  return status;
}

/* ------------------------------------------------------------------ queries */

/* Words become FTS5 strings, so that nothing in them is taken for its language: "gait" "baro"*. NULL: no memory. */
static char *quote_words(const char *words) {
  char *out = bf__alloc(2 * strlen(words) + 8, 2);
  if (out == NULL) return NULL;
  char *to = out;
  for (const char *at = words; *at != 0;) {
    size_t blanks = strspn(at, " \t\r\n");
    at += blanks;
    size_t n = strcspn(at, " \t\r\n");
    bool beginning = n > 1 && at[n - 1] == '*';
    if (n == 0) break;
    *to++ = '"';
    for (size_t i = 0; i < n - beginning; ++i) {
      if (at[i] == '"') *to++ = '"';
      *to++ = at[i];
    }
    *to++ = '"';
    if (beginning) *to++ = '*';
    *to++ = ' ';
    at += n;
  }
  *to = 0;
  return out;
}

/* Keeps the items whose name matches: part of it, or a shell pattern over all of it. */
static void keep_matching(bf_store_list *list, const char *pattern) {
  size_t kept = 0;
  bool shell = strpbrk(pattern, "*?[") != NULL;
  for (size_t i = 0; i < list->n; ++i) {
    const char *name = list->items[i].name;
    if (shell ? fnmatch(pattern, name, 0) == 0 : strstr(name, pattern) != NULL)
      list->items[kept++] = list->items[i];
    else
      item_deinit(&list->items[i]);
  }
  list->n = kept;
}

bf_status bf_store_select(bf_store *store, const bf_store_query *given, bf_store_list **out, bf_error *err) {
  bf_status status = BF_OK;
  bf_store_query asked = BF_STORE_QUERY_INIT;
  bf__db_query query = {0};
  bf__filter filter = {0};
  bf__filter sort = {0};
  char *words = NULL;
  bf_store_list *list = NULL;
  bf__error_clear(err);
  *out = NULL;
  if (given != NULL) BF_TRY(bf__store_take_struct(&asked, sizeof asked, given, "bf_store_query", err));
  query.all_versions = asked.all_versions;
  if (asked.filter != NULL) {
    BF_TRY(bf__filter_compile(asked.filter, &filter, err));
    query.filter = &filter;
    query.all_versions |= filter.any_version;
  }
  if (asked.sort != NULL) {
    BF_TRY(bf__sort_compile(asked.sort, &sort, err));
    query.sort = &sort;
  }
  if (asked.search != NULL) {
    size_t good = bf__utf8_check(asked.search, strlen(asked.search));
    if (asked.search[good] != 0 || strlen(asked.search) > BF__FILTER_MAX_BYTES)
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the words to search for must be UTF-8, at most %d bytes",
                       BF__FILTER_MAX_BYTES);
    words = quote_words(asked.search);
  }
  list = bf__alloc(1, sizeof *list);
  if (list == NULL || (asked.search != NULL && words == NULL)) {
    status = bf__error_memory(err, sizeof *list);
    goto out;
  }
  if (words != NULL && words[0] != 0) query.words = words; /* blanks alone ask for nothing */
  BF_TRY(bf__db_each_model(store->db, &query, list_append, list, err));
  if (asked.pattern != NULL && asked.pattern[0] != 0) keep_matching(list, asked.pattern);
  *out = list;
  list = NULL;
out:
  bf__filter_deinit(&filter);
  bf__filter_deinit(&sort);
  free(words);
  bf_store_list_free(list);
  return status;
}
