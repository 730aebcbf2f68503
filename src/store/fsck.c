/* Checks a repository: the database by its own means, every blob by its hash, every reference by both.
 *
 * References are read first and the blobs after, without a lock, so that checking a large repository does not stop its
 * writers; a blob found missing is asked for once more, because its version may have been removed meanwhile. Collecting
 * does hold the writer's lock: no add can come to refer to a blob that is being removed (see store.c).
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/cache.h"
#include "store/store_internal.h"

#define TEMPORARY_AGE_SECONDS 3600

static const char *const ROLES[] = {"model", "card", "sketch", "file", "validation", "experience"};

typedef struct reference {
  char sha256[65];
  const char *role; /* one of ROLES */
  uint32_t version;
  char *name;
} reference;

typedef struct fsck {
  bf_store *store;
  bool gc;
  bf_fsck_fn each;
  void *context;
  bf_fsck_report *report;
  reference *references; /* by hash */
  size_t n, capacity;
} fsck;

__attribute__((format(printf, 3, 4))) static void say(const fsck *f, const char *severity, const char *format, ...) {
  char line[512];
  va_list args;
  if (f->each == NULL) return;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  f->each(f->context, severity, line);
}

static void say_database(void *context, const char *line) {
  say(context, "error", "database: %.300s: restore bestfit.db from a backup, or add the models to a new repository",
      line);
}

static void say_index(void *context, const char *line) {
  const fsck *f = context;
  say(f, f->gc ? "note" : "warning", "full-text search: %.300s%s", line,
      f->gc ? "; made anew" : ": fsck --gc makes it anew");
}

static bf_status collect(void *context, const bf__db_reference *r, bf_error *err) {
  fsck *f = context;
  if (!bf__is_sha256(r->sha256)) {
    f->report->database_ok = false;
    say(f, "error", "%s@%u (%s) refers to a blob by a name that is no hash: add the model again", r->name, r->version,
        r->role);
    return BF_OK;
  }
  if (f->n == f->capacity) {
    size_t capacity = f->capacity == 0 ? 64 : 2 * f->capacity;
    reference *grown = bf__realloc(f->references, capacity, sizeof *grown);
    if (grown == NULL) return bf__error_memory(err, capacity * sizeof *grown);
    f->references = grown;
    f->capacity = capacity;
  }
  reference *to = &f->references[f->n];
  to->role = "blob";
  for (size_t i = 0; i < sizeof ROLES / sizeof *ROLES; ++i)
    if (strcmp(r->role, ROLES[i]) == 0) to->role = ROLES[i];
  to->version = r->version;
  memcpy(to->sha256, r->sha256, sizeof to->sha256);
  to->name = bf__strdup(r->name);
  if (to->name == NULL) return bf__error_memory(err, strlen(r->name));
  ++f->n;
  return BF_OK;
}

static bf_status check_database(fsck *f, bf_error *err) {
  bf_status status = bf__db_check(f->store->db, say_database, f, &f->report->database_ok, err);
  if (status != BF_OK) return status;
  bf_error why = {0};
  status = bf__db_count(f->store->db, &f->report->models, &f->report->versions, &why);
  if (status == BF_OK) status = bf__db_each_reference(f->store->db, collect, f, &why);
  if (status == BF_ERR_CORRUPT) { /* damage is what we look for; the blobs can still be looked at */
    f->report->database_ok = false;
    say_database(f, why.message);
    return BF_OK;
  }
  if (status != BF_OK && err != NULL) *err = why;
  return status;
}

/* Checks one blob and speaks for each of its references [from, to). */
static bf_status check_blob(fsck *f, size_t from, size_t to, bf_error *err) {
  const reference *r = &f->references[from];
  uint64_t bytes = 0;
  bf_error why = {0};
  bf_status status = bf__blobs_verify(f->store->blobs, r->sha256, &bytes, &why);
  if (status == BF_OK) return BF_OK;
  if (status != BF_ERR_NOT_FOUND && status != BF_ERR_CORRUPT) {
    if (err != NULL) *err = why;
    return status;
  }
  bool missing = status == BF_ERR_NOT_FOUND;
  bool referenced = true;
  if (missing && f->report->database_ok) {
    status = bf__db_is_referenced(f->store->db, r->sha256, &referenced, err);
    if (status != BF_OK) return status;
    if (!referenced) return BF_OK;
  }
  if (missing)
    ++f->report->missing;
  else
    ++f->report->damaged;
  for (size_t i = from; i < to; ++i)
    say(f, "error", "blob %.12s… of %s@%u (%s) is %s: add the model again or restore it from a backup", r->sha256,
        f->references[i].name, f->references[i].version, f->references[i].role, missing ? "missing" : "damaged");
  return BF_OK;
}

static int compare_hash(const void *key, const void *element) {
  return strcmp(key, ((const reference *)element)->sha256);
}

static bool is_collected(const fsck *f, const char *sha256) {
  return f->n > 0 && bsearch(sha256, f->references, f->n, sizeof *f->references, compare_hash) != NULL;
}

/* Whether a blob file is left over. Asked anew where it was not among the references: an add may have come meanwhile.
 */
static bf_status is_left_over(fsck *f, const char *sha256, bool *out, bf_error *err) {
  bool referenced = true;
  *out = false;
  if (!f->report->database_ok || is_collected(f, sha256)) return BF_OK;
  bf_status status = bf__db_is_referenced(f->store->db, sha256, &referenced, err);
  *out = status == BF_OK && !referenced;
  return status;
}

static bf_status see_file(void *context, const bf__blob_file *file, bf_error *err) {
  fsck *f = context;
  bool left_over = false;
  bf_status status = BF_OK;
  const char *what = f->gc ? "" : ": fsck --gc frees it";
  bool young = file->age_seconds <= TEMPORARY_AGE_SECONDS;
  unsigned long long bytes = file->bytes;
  switch (file->sort) {
    case BF__FILE_BLOB:
      ++f->report->blobs;
      f->report->bytes += file->bytes;
      status = is_left_over(f, file->sha256, &left_over, err);
      if (!left_over) break;
      ++f->report->unreferenced;
      say(f, "note", "blob %.12s… (%llu bytes) belongs to no model%s", file->sha256, bytes, what);
      break;
    case BF__FILE_TEMPORARY:
      ++f->report->temporary;
      say(f, "note", "temporary file %s (%llu bytes) of an add that runs or was killed%s", file->path, bytes,
          !f->gc  ? ": fsck --gc frees it after an hour"
          : young ? ", kept: younger than an hour"
                  : "");
      break;
    case BF__FILE_FOREIGN:
      say(f, "warning", "%.300s is not of this repository: move it away", file->path);
      break;
  }
  return status;
}

static bf_status free_file(void *context, const bf__blob_file *file, bf_error *err) {
  fsck *f = context;
  bool referenced = true;
  if (file->sort == BF__FILE_BLOB) {
    bf_status status = bf__db_is_referenced(f->store->db, file->sha256, &referenced, err);
    if (status == BF_OK && !referenced) status = bf__blobs_remove(f->store->blobs, file->sha256, err);
    return status;
  }
  if (file->sort == BF__FILE_TEMPORARY && file->age_seconds > TEMPORARY_AGE_SECONDS) (void)remove(file->path);
  return BF_OK;
}

static bf_status collect_garbage(fsck *f, bf_error *err) {
  char now[BF__TIME_BYTES];
  bf__act act = {.time = now, .who = f->store->who, .action = "gc"};
  bf_status status = BF_OK;
  bf__store_time(now);
  BF_TRY(bf__db_begin(f->store->db, err));
  BF_TRY(bf__blobs_walk(f->store->blobs, free_file, f, err));
  BF_TRY(bf__db_forget_blobs(f->store->db, err));
  if (!f->report->index_ok) BF_TRY(bf__db_forget_index(f->store->db, err));
  BF_TRY(bf__db_audit(f->store->db, &act, "", 0, "", err));
  BF_TRY(bf__db_commit(f->store->db, err));
  if (!f->report->index_ok) BF_TRY(bf__store_index_missing(f->store, err));
  size_t n_kept = bf__cache_clear(f->store);
  if (n_kept > 0)
    say(f, "note", "%zu file%s of the cache freed: made again when needed", n_kept, n_kept == 1 ? "" : "s");
out:
  if (status != BF_OK) bf__db_rollback(f->store->db);
  return status;
}

bf_status bf_store_fsck(bf_store *store, bool gc, bf_fsck_fn each, void *context, bf_fsck_report *out, bf_error *err) {
  bf_status status = BF_OK;
  bf_fsck_report report = {0};
  fsck f = {.store = store, .gc = gc, .each = each, .context = context, .report = &report};
  bf__error_clear(err);
  report.index_ok = true;
  *out = report;
  if (gc) BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(check_database(&f, err));
  if (report.database_ok) BF_TRY(bf__db_check_index(store->db, store->read_only, say_index, &f, &report.index_ok, err));
  for (size_t from = 0, to; from < f.n; from = to) {
    for (to = from + 1; to < f.n && strcmp(f.references[to].sha256, f.references[from].sha256) == 0;) ++to;
    BF_TRY(check_blob(&f, from, to, err));
  }
  BF_TRY(bf__blobs_walk(store->blobs, see_file, &f, err));
  if (gc && report.database_ok) BF_TRY(collect_garbage(&f, err));
  if (gc && !report.database_ok)
    say(&f, "warning", "nothing was freed: the database must be whole to know what is left over");
  *out = report;
out:
  for (size_t i = 0; i < f.n; ++i) free(f.references[i].name);
  free(f.references);
  return status;
}
