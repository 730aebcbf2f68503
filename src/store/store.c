/* The repository: a database that says what there is, and blobs that are what there is.
 *
 * An add puts the blobs first and then, in one transaction that holds the writer's lock, takes a version number and
 * refers to them. So a reference always points to a blob that was synced before, and a process killed in between leaves
 * a blob that nothing refers to. Collecting such blobs also needs the lock: an add therefore looks once more, with the
 * lock in hand, whether its blobs are still there, and puts again what was collected meanwhile.
 */
#include <bestfit/store.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/name.h"
#include "store/near_names.h"
#include "store/store_internal.h"

#define BUSY_TIMEOUT_MS 30000

void bf__store_time(char out[BF__TIME_BYTES]) {
  time_t now = time(NULL);
  struct tm utc;
  if (gmtime_r(&now, &utc) == NULL || strftime(out, BF__TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
    memcpy(out, "1970-01-01T00:00:00Z", sizeof "1970-01-01T00:00:00Z");
}

bf_status bf__store_check_writable(const bf_store *store, bf_error *err) {
  if (!store->read_only) return BF_OK;
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "repository %.150s was opened for reading only", store->directory);
}

/* Copies what the caller's version of a struct has; the rest keeps its default. */
static bf_status take_struct(void *to, size_t to_bytes, const void *from, const char *what, bf_error *err) {
  size_t n = *(const size_t *)from;
  if (n < sizeof(size_t))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%s is not initialised: use its _INIT macro", what);
  memcpy(to, from, n < to_bytes ? n : to_bytes);
  return BF_OK;
}

/* ------------------------------------------------------------------ opening */

/* Whether blobs/sha256 has any entry: an empty database beside it is a lost one, not a new one. */
static bool has_blobs(const char *directory) {
  char *path = bf__asprintf("%s/blobs/sha256", directory);
  DIR *dir = path == NULL ? NULL : opendir(path);
  bool has = false;
  for (struct dirent *entry; dir != NULL && !has && (entry = readdir(dir)) != NULL;) has = entry->d_name[0] != '.';
  if (dir != NULL) closedir(dir);
  free(path);
  return has;
}

static bf_status check_place(const char *directory, const char *path, bool create, bf_error *err) {
  struct stat st;
  if (stat(path, &st) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return bf__error_errno(err, errno, "cannot open repository %s", directory);
    if (create) return BF_OK;
    return bf__error(err, BF_ERR_NOT_FOUND, "no repository in %.150s: bestfit add makes one; or give --repo DIR",
                     directory);
  }
  if (!S_ISREG(st.st_mode))
    return bf__error(err, BF_ERR_CORRUPT, "%.180s is not a file: give another --repo DIR", path);
  if (st.st_size == 0 && has_blobs(directory))
    return bf__error(
        err, BF_ERR_CORRUPT,
        "%.80s is empty, but there are blobs: restore it from a backup, or remove it and add the models again", path);
  return BF_OK;
}

bf_status bf_store_open(const char *directory, const bf_store_options *options, bf_store **out, bf_error *err) {
  bf_status status = BF_OK;
  bf_store_options chosen = BF_STORE_OPTIONS_INIT;
  bf_store *store = NULL;
  char *path = NULL;
  bf__error_clear(err);
  *out = NULL;
  if (directory == NULL || directory[0] == 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no repository given: give --repo DIR");
  if (options != NULL) BF_TRY(take_struct(&chosen, sizeof chosen, options, "bf_store_options", err));
  bool create = chosen.create && !chosen.read_only;
  store = bf__alloc(1, sizeof *store);
  if (store != NULL) store->directory = bf__strdup(directory);
  path = bf__asprintf("%s/bestfit.db", directory);
  if (store == NULL || store->directory == NULL || path == NULL) {
    status = bf__error_memory(err, sizeof *store + strlen(directory));
    goto out;
  }
  store->read_only = chosen.read_only;
  BF_TRY(check_place(directory, path, create, err));
  if (create) BF_TRY(bf__make_directories(directory, err));
  BF_TRY(bf__db_open(path, create, chosen.read_only,
                     chosen.busy_timeout_ms == 0 ? BUSY_TIMEOUT_MS : chosen.busy_timeout_ms, &store->db, err));
  BF_TRY(bf__blobs_open(directory, !chosen.read_only, &store->blobs, err));
  *out = store;
  store = NULL;
out:
  free(path);
  bf_store_close(store);
  return status;
}

void bf_store_close(bf_store *store) {
  if (store == NULL) return;
  bf__db_close(store->db);
  bf__blobs_close(store->blobs);
  free(store->directory);
  free(store);
}

/* ------------------------------------------------------------------ adding */

static bf_status check_entry(const bf_store_entry *entry, bf_error *err) {
  bf_status status = bf__check_name(entry->name, err);
  if (status != BF_OK) return status;
  const char *wrong = NULL;
  if (entry->model_path == NULL && entry->model_bytes == NULL)
    wrong = "no model file";
  else if (entry->card == NULL)
    wrong = "no card";
  else if (entry->sketch != NULL && (entry->kind == NULL || entry->kind[0] == 0))
    wrong = "a sketch without its kind";
  else if (entry->rows > INT64_MAX)
    wrong = "more rows than can be counted";
  else if (entry->n_tags > 0 && entry->tags == NULL)
    wrong = "a number of tags without tags";
  else if (isinf(entry->source_accuracy))
    wrong = "an infinite source accuracy";
  if (wrong != NULL) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "cannot add %.120s: %s", entry->name, wrong);
  return BF_OK;
}

static bf_status put_model(bf_store *store, const bf_store_entry *entry, bf__blob *out, bf_error *err) {
  if (entry->model_path != NULL) return bf__blobs_put_file(store->blobs, "model", entry->model_path, out, err);
  return bf__blobs_put_bytes(store->blobs, "model", entry->model_bytes, entry->model_n_bytes, out, err);
}

/* Puts the blobs of an entry; those that `had` says are there still are left alone. */
static bf_status put_blobs(bf_store *store, const bf_store_entry *entry, bf__version_blobs *blobs, bf_error *err) {
  bf_status status = BF_OK;
  if (!bf__blobs_has(store->blobs, blobs->model.sha256, blobs->model.bytes))
    BF_TRY(put_model(store, entry, &blobs->model, err));
  if (!bf__blobs_has(store->blobs, blobs->card.sha256, blobs->card.bytes))
    BF_TRY(bf__blobs_put_bytes(store->blobs, "card", entry->card, entry->card_bytes, &blobs->card, err));
  if (entry->sketch != NULL && !bf__blobs_has(store->blobs, blobs->sketch.sha256, blobs->sketch.bytes))
    BF_TRY(bf__blobs_put_bytes(store->blobs, "sketch", entry->sketch, entry->sketch_bytes, &blobs->sketch, err));
out:
  return status;
}

/* Removes what a failed add has put, unless another process has come to refer to it. Best effort: fsck finds the rest.
 */
static void discard(bf_store *store, const bf__version_blobs *blobs) {
  const bf__blob *each[] = {&blobs->model, &blobs->card, &blobs->sketch};
  if (!blobs->model.created && !blobs->card.created && !blobs->sketch.created) return;
  if (bf__db_begin(store->db, NULL) != BF_OK) return;
  for (size_t i = 0; i < sizeof each / sizeof *each; ++i) {
    bool referenced = true;
    if (each[i]->created && bf__db_is_referenced(store->db, each[i]->sha256, &referenced, NULL) == BF_OK && !referenced)
      (void)bf__blobs_remove(store->blobs, each[i]->sha256, NULL);
  }
  bf__db_rollback(store->db);
}

static bool same_blobs(const bf__version_blobs *a, const bf__version_blobs *b) {
  return strcmp(a->model.sha256, b->model.sha256) == 0 && strcmp(a->card.sha256, b->card.sha256) == 0 &&
         strcmp(a->sketch.sha256, b->sketch.sha256) == 0;
}

/* BF_ERR_EXISTS where the entry may not become a version. `blobs` NULL: not known yet. */
static bf_status check_new(bf_store *store, const bf_store_entry *entry, const bf__version_blobs *blobs,
                           uint32_t *version, bf_error *err) {
  bf__version_blobs latest;
  uint32_t number = 0;
  bf_status status = bf__db_latest(store->db, entry->name, &number, &latest, err);
  if (status != BF_OK || number == 0) return status;
  if (blobs != NULL && same_blobs(&latest, blobs)) {
    *version = number;
    return bf__error(err, BF_ERR_EXISTS, "%.120s@%u is the very same model, card and sketch: nothing was added",
                     entry->name, number);
  }
  if (entry->new_only) {
    *version = number;
    return bf__error(err, BF_ERR_EXISTS, "%.120s exists, its latest version is %u: nothing was added", entry->name,
                     number);
  }
  return BF_OK;
}

bf_status bf_store_add(bf_store *store, const bf_store_entry *given, uint32_t *version, bf_error *err) {
  bf_status status = BF_OK;
  bf_store_entry entry = BF_STORE_ENTRY_INIT;
  bf__version_blobs blobs = {0};
  char now[BF__TIME_BYTES];
  uint32_t number = 0;
  bf__error_clear(err);
  *version = 0;
  bf__store_time(now);
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(take_struct(&entry, sizeof entry, given, "bf_store_entry", err));
  BF_TRY(check_entry(&entry, err));
  if (entry.new_only) BF_TRY(check_new(store, &entry, NULL, version, err)); /* before copying gigabytes in vain */
  BF_TRY(put_blobs(store, &entry, &blobs, err));
  BF_TRY(bf__db_begin(store->db, err));
  BF_TRY(check_new(store, &entry, &blobs, version, err));
  BF_TRY(put_blobs(store, &entry, &blobs, err));
  BF_TRY(bf__db_insert(store->db, &entry, &blobs, now, &number, err));
  BF_TRY(bf__db_commit(store->db, err));
  *version = number;
out:
  if (status != BF_OK) {
    bf__db_rollback(store->db);
    discard(store, &blobs);
  }
  return status;
}

/* ------------------------------------------------------------------ finding */

struct bf_store_list {
  bf_store_model *items; /* all strings of an item lie in one block, which starts at its name */
  size_t n, capacity;
};

static const char *copy_string(char **at, const char *s) {
  if (s == NULL) return NULL;
  size_t n = strlen(s) + 1;
  char *to = memcpy(*at, s, n);
  *at += n;
  return to;
}

static bf_status list_append(void *context, const bf_store_model *m, bf_error *err) {
  bf_store_list *list = context;
  if (list->n == list->capacity) {
    size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
    bf_store_model *grown = bf__realloc(list->items, capacity, sizeof *grown);
    if (grown == NULL) return bf__error_memory(err, capacity * sizeof *grown);
    list->items = grown;
    list->capacity = capacity;
  }
  const char *const strings[] = {m->name, m->domain,       m->task,        m->kind,          m->summary, m->license,
                                 m->tags, m->model_sha256, m->card_sha256, m->sketch_sha256, m->created};
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
  list->items[list->n++] = copy;
  return BF_OK;
}

size_t bf_store_list_count(const bf_store_list *list) {
  return list == NULL ? 0 : list->n;
}
const bf_store_model *bf_store_list_at(const bf_store_list *list, size_t i) {
  return list != NULL && i < list->n ? &list->items[i] : NULL;
}
void bf_store_list_free(bf_store_list *list) {
  if (list == NULL) return;
  for (size_t i = 0; i < list->n; ++i) free((char *)list->items[i].name);
  free(list->items);
  free(list);
}

/* Takes "owner/name" or "owner/name@2" apart; *version 0: all. */
typedef struct selector {
  char name[BF__NAME_MAX + 1];
  uint32_t version;
} selector;

static bf_status parse_selector(const char *which, selector *out, bf_error *err) {
  const char *at = strrchr(which, '@');
  size_t n = at != NULL ? (size_t)(at - which) : strlen(which);
  *out = (selector){0};
  if (n > BF__NAME_MAX) return bf__error(err, BF_ERR_NOT_FOUND, "no model \"%.60s…\"; bestfit ls lists all", which);
  memcpy(out->name, which, n);
  if (at == NULL) return BF_OK;
  uint64_t version = 0;
  for (const char *c = at + 1; *c != 0; ++c) {
    if (*c < '0' || *c > '9' || version > UINT32_MAX) {
      version = 0;
      break;
    }
    version = version * 10 + (uint64_t)(*c - '0');
  }
  if (version == 0 || version > UINT32_MAX)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "\"%.100s\": a version is a number from 1, as in %.80s@1", which,
                     out->name);
  out->version = (uint32_t)version;
  return BF_OK;
}

static void offer_name(void *context, const char *name) {
  bf__near_names_offer(context, name);
}

/* BF_ERR_NOT_FOUND with what may have been meant. */
static bf_status not_found(bf_store *store, const selector *wanted, bf_error *err) {
  bf__version_blobs blobs;
  uint32_t latest = 0;
  bf_status status = bf__db_latest(store->db, wanted->name, &latest, &blobs, err);
  if (status != BF_OK) return status;
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

bf_status bf_store_find(bf_store *store, const char *which, bf_store_list **out, bf_error *err) {
  bf_status status = BF_OK;
  selector wanted = {0};
  bool all = which == NULL || which[0] == 0;
  bf__error_clear(err);
  *out = NULL;
  bf_store_list *list = bf__alloc(1, sizeof *list);
  if (list == NULL) return bf__error_memory(err, sizeof *list);
  if (!all) BF_TRY(parse_selector(which, &wanted, err));
  BF_TRY(bf__db_each_model(store->db, all ? NULL : wanted.name, wanted.version, list_append, list, err));
  if (!all && list->n == 0) {
    status = not_found(store, &wanted, err);
    goto out;
  }
  *out = list;
  list = NULL;
out:
  bf_store_list_free(list);
  return status;
}

bf_status bf_store_remove(bf_store *store, const char *which, uint32_t *n_removed, bf_error *err) {
  bf_status status = BF_OK;
  selector wanted;
  char now[BF__TIME_BYTES];
  uint32_t n = 0;
  bf__error_clear(err);
  *n_removed = 0;
  bf__store_time(now);
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(parse_selector(which == NULL ? "" : which, &wanted, err));
  BF_TRY(bf__db_begin(store->db, err));
  BF_TRY(bf__db_remove(store->db, wanted.name, wanted.version, now, &n, err));
  if (n == 0) {
    status = not_found(store, &wanted, err);
    goto out;
  }
  BF_TRY(bf__db_commit(store->db, err));
  *n_removed = n;
out:
  if (status != BF_OK) bf__db_rollback(store->db);
  return status;
}

bf_status bf_store_read_blob(bf_store *store, const char *sha256, uint8_t **out, size_t *out_bytes, bf_error *err) {
  bf__error_clear(err);
  return bf__blobs_read(store->blobs, sha256, out, out_bytes, err);
}

bf_status bf_store_blob_path(bf_store *store, const char *sha256, char **out, bf_error *err) {
  bf__error_clear(err);
  return bf__blobs_path(store->blobs, sha256, out, err);
}
