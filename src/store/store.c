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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/name.h"
#include "base/parse.h"
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

bf_status bf__store_take_struct(void *to, size_t to_bytes, const void *from, const char *what, bf_error *err) {
  size_t n = *(const size_t *)from;
  if (n < sizeof(size_t))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%s is not initialised: use its _INIT macro", what);
  memcpy(to, from, n < to_bytes ? n : to_bytes);
  return BF_OK;
}

/* ------------------------------------------------------------------ opening */

/* Who writes, for the audit log: what the caller says, else $USER, else the user's number. One line, whole characters.
 */
static void choose_who(char out[BF__WHO_BYTES], const char *given) {
  if (given == NULL || given[0] == 0) given = getenv("USER");
  if (given == NULL || given[0] == 0) {
    snprintf(out, BF__WHO_BYTES, "uid %lu", (unsigned long)geteuid());
    return;
  }
  size_t n = strnlen(given, BF__WHO_BYTES - 1);
  n = bf__utf8_check(given, n);
  for (size_t i = 0; i < n; ++i) out[i] = (unsigned char)given[i] < 0x20 || given[i] == 0x7F ? '?' : given[i];
  out[n] = 0;
}

/* Gives full-text search the cards that it does not know: those of a repository of schema 1, or after fsck --gc made it
 * forget. */
bf_status bf__store_index_missing(bf_store *store, bf_error *err) {
  bf_status status = BF_OK;
  bf__version v;
  BF_TRY(bf__db_unindexed(store->db, &v, err));
  if (v.id == 0) return BF_OK;
  BF_TRY(bf__db_begin(store->db, err));
  for (;;) {
    uint8_t *card = NULL;
    size_t n = 0;
    BF_TRY(bf__db_unindexed(store->db, &v, err)); /* anew: another process may have been faster */
    if (v.id == 0) break;
    /* A card that is missing or damaged has no words; fsck tells of it. */
    status = bf__blobs_read(store->blobs, v.card_sha256, &card, &n, err);
    if (status != BF_ERR_MEMORY)
      status = bf__db_index(store->db, v.id, card != NULL ? card : (const uint8_t *)"", n, err);
    free(card);
    if (status != BF_OK) goto out;
  }
  BF_TRY(bf__db_commit(store->db, err));
  bf__error_clear(err);
out:
  if (status != BF_OK) bf__db_rollback(store->db);
  return status;
}

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
  if (options != NULL) BF_TRY(bf__store_take_struct(&chosen, sizeof chosen, options, "bf_store_options", err));
  bool create = chosen.create && !chosen.read_only;
  store = bf__alloc(1, sizeof *store);
  if (store != NULL) store->directory = bf__strdup(directory);
  path = bf__asprintf("%s/bestfit.db", directory);
  if (store == NULL || store->directory == NULL || path == NULL) {
    status = bf__error_memory(err, sizeof *store + strlen(directory));
    goto out;
  }
  store->read_only = chosen.read_only;
  choose_who(store->who, chosen.who);
  BF_TRY(check_place(directory, path, create, err));
  if (create) BF_TRY(bf__make_directories(directory, err));
  BF_TRY(bf__db_open(path, create, chosen.read_only,
                     chosen.busy_timeout_ms == 0 ? BUSY_TIMEOUT_MS : chosen.busy_timeout_ms, &store->db, err));
  BF_TRY(bf__blobs_open(directory, !chosen.read_only, &store->blobs, err));
  if (!chosen.read_only) BF_TRY(bf__store_index_missing(store, err));
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
  else if ((entry->n_metrics > 0 && entry->metrics == NULL) || (entry->n_aliases > 0 && entry->aliases == NULL))
    wrong = "a number of metrics or aliases without any";
  if (wrong != NULL) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "cannot add %.120s: %s", entry->name, wrong);
  for (size_t i = 0; i < entry->n_metrics; ++i) {
    status = bf__check_metric(&entry->metrics[i], err);
    if (status != BF_OK) return status;
  }
  for (size_t i = 0; i < entry->n_aliases; ++i) {
    status = bf__check_alias(entry->aliases[i], err);
    if (status != BF_OK) return status;
  }
  return bf__store_check_parts(entry, err);
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
  BF_TRY(bf__store_put_parts(store, entry, blobs, err));
out:
  return status;
}

static void discard(bf_store *store, const bf__blob *blob) {
  bool referenced = true;
  if (blob->created && bf__db_is_referenced(store->db, blob->sha256, &referenced, NULL) == BF_OK && !referenced)
    (void)bf__blobs_remove(store->blobs, blob->sha256, NULL);
}

/* Best effort: fsck finds the rest. */
void bf__store_discard(bf_store *store, const bf__version_blobs *blobs) {
  const bf__blob *each[] = {&blobs->model, &blobs->card, &blobs->sketch, &blobs->validation};
  bool created = false;
  for (size_t i = 0; i < sizeof each / sizeof *each; ++i) created |= each[i]->created;
  for (size_t i = 0; i < blobs->n_files; ++i) created |= blobs->files[i].created;
  for (size_t i = 0; i < blobs->n_outputs; ++i) created |= blobs->outputs[i].created;
  if (!created || bf__db_begin(store->db, NULL) != BF_OK) return;
  for (size_t i = 0; i < sizeof each / sizeof *each; ++i) discard(store, each[i]);
  for (size_t i = 0; i < blobs->n_files; ++i) discard(store, &blobs->files[i]);
  for (size_t i = 0; i < blobs->n_outputs; ++i) discard(store, &blobs->outputs[i]);
  bf__db_rollback(store->db);
}

static bool same_blobs(const bf__version_blobs *a, const bf__version_blobs *b) {
  return strcmp(a->model.sha256, b->model.sha256) == 0 && strcmp(a->card.sha256, b->card.sha256) == 0 &&
         strcmp(a->sketch.sha256, b->sketch.sha256) == 0;
}

static bf_status same_parts(bf_store *store, const bf_store_entry *entry, const bf__version_blobs *blobs,
                            uint32_t number, bool *same, bf_error *err) {
  bf__selector which = {.version = number};
  bf__version version;
  memcpy(which.name, entry->name, strlen(entry->name) + 1);
  bf_status status = bf__db_find_version(store->db, &which, &version, err);
  return status == BF_OK ? bf__db_same_parts(store->db, version.id, entry, blobs, same, err) : status;
}

/* BF_ERR_EXISTS where the entry may not become a version. `blobs` NULL: not known yet. */
static bf_status check_new(bf_store *store, const bf_store_entry *entry, const bf__version_blobs *blobs,
                           uint32_t *version, bf_error *err) {
  bf__version_blobs latest;
  uint32_t number = 0;
  bool same = false;
  bf_status status = bf__db_latest(store->db, entry->name, &number, &latest, err);
  if (status != BF_OK || number == 0) return status;
  if (blobs != NULL && same_blobs(&latest, blobs)) status = same_parts(store, entry, blobs, number, &same, err);
  if (status != BF_OK) return status;
  if (same) {
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
  uint32_t was = 0;
  bf__version added = {0};
  bf__tags tags = {0};
  bf__act act = {.time = now, .who = store->who, .action = "add"};
  bf__error_clear(err);
  *version = 0;
  bf__store_time(now);
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(bf__store_take_struct(&entry, sizeof entry, given, "bf_store_entry", err));
  BF_TRY(check_entry(&entry, err));
  BF_TRY(bf__tags_read(entry.tags, entry.n_tags, &tags, err));
  if (entry.origin != NULL) act.action = "import";
  if (entry.new_only) BF_TRY(check_new(store, &entry, NULL, version, err)); /* before copying gigabytes in vain */
  BF_TRY(bf__version_blobs_init(&entry, &blobs, err));
  BF_TRY(put_blobs(store, &entry, &blobs, err));
  BF_TRY(bf__db_begin(store->db, err));
  BF_TRY(check_new(store, &entry, &blobs, version, err));
  BF_TRY(put_blobs(store, &entry, &blobs, err));
  BF_TRY(bf__db_insert(store->db, &entry, tags.items, tags.n, &blobs, &act, &added.number, &added.id, err));
  for (size_t i = 0; i < entry.n_aliases; ++i)
    BF_TRY(bf__db_set_alias(store->db, entry.name, entry.aliases[i], added.id, true, &was, err));
  BF_TRY(bf__store_write_experience(store, entry.experience, entry.n_experience, blobs.outputs, entry.name, &added, now,
                                    err));
  BF_TRY(bf__db_commit(store->db, err));
  *version = added.number;
out:
  if (status != BF_OK) {
    bf__db_rollback(store->db);
    bf__store_discard(store, &blobs);
  }
  bf__version_blobs_deinit(&blobs);
  bf__tags_deinit(&tags);
  return status;
}

/* ------------------------------------------------------------------ removing */

typedef struct alias_note {
  char first[BF__ALIAS_MAX + 1];
  size_t n;
} alias_note;

static void note_alias(void *context, const char *alias) {
  alias_note *note = context;
  if (note->n++ == 0) snprintf(note->first, sizeof note->first, "%s", alias);
}

static bf_status check_unaliased(bf_store *store, const bf__selector *wanted, bf_error *err) {
  alias_note note = {.n = 0};
  char more[48] = "";
  char version[16] = "";
  bf_status status = bf__db_each_alias(store->db, wanted->name, wanted->version, note_alias, &note, err);
  if (status != BF_OK || note.n == 0) return status;
  if (note.n > 1) snprintf(more, sizeof more, " (and %zu more)", note.n - 1);
  if (wanted->version != 0) snprintf(version, sizeof version, "@%u", wanted->version);
  return bf__error(err, BF_ERR_EXISTS,
                   "nothing was removed: %.60s%s has the alias %.40s%s; `bestfit alias %.50s %.30s --remove` drops it",
                   wanted->name, version, note.first, more, wanted->name, note.first);
}

bf_status bf_store_remove(bf_store *store, const char *which, uint32_t *n_removed, bf_error *err) {
  bf_status status = BF_OK;
  bf__selector wanted;
  bf__version version = {0};
  char now[BF__TIME_BYTES];
  bf__act act = {.time = now, .who = store->who, .action = "remove"};
  uint32_t n = 0;
  bf__error_clear(err);
  *n_removed = 0;
  bf__store_time(now);
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(bf__store_parse_selector(which == NULL ? "" : which, &wanted, err));
  BF_TRY(bf__db_begin(store->db, err));
  if (wanted.alias[0] != 0 || wanted.latest) { /* an alias stands for the number that it points to now */
    BF_TRY(bf__store_find_version(store, &wanted, &version, err));
    wanted.version = version.number;
  }
  BF_TRY(check_unaliased(store, &wanted, err));
  BF_TRY(bf__db_remove(store->db, wanted.name, wanted.version, &act, &n, err));
  if (n == 0) {
    status = bf__store_not_found(store, &wanted, err);
    goto out;
  }
  BF_TRY(bf__db_commit(store->db, err));
  *n_removed = n;
out:
  if (status != BF_OK) bf__db_rollback(store->db);
  return status;
}

/* ------------------------------------------------------------------ bytes */

bf_status bf_store_read_blob(bf_store *store, const char *sha256, uint8_t **out, size_t *out_bytes, bf_error *err) {
  bf__error_clear(err);
  return bf__blobs_read(store->blobs, sha256, out, out_bytes, err);
}

bf_status bf_store_blob_path(bf_store *store, const char *sha256, char **out, bf_error *err) {
  bf__error_clear(err);
  return bf__blobs_path(store->blobs, sha256, out, err);
}
