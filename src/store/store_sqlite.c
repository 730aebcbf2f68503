/* The repository's database on SQLite.
 *
 * WAL lets readers go on while one writer writes; synchronous=FULL makes a commit wait for the disk, so that what was
 * acknowledged outlives a power cut. Writers take the lock when they begin (BEGIN IMMEDIATE), because a reader that
 * turns writer half-way can only fail. The application id tells our file from any other SQLite database, user_version
 * counts the schema's steps, and each step runs in one transaction with its number.
 *
 * The file may have been damaged or made by someone else: the schema is not trusted (no functions with side effects
 * from it), cells are checked, and an SQL error of our own fixed statements means that the schema is not ours.
 */
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "store/database.h"
#include "store/schema.h"

#define APPLICATION_ID 0x62737466 /* "bstf" */

struct bf__db {
  sqlite3 *sqlite;
  char *path;
  uint32_t busy_timeout_ms;
};

static const char remedy[] = "restore it from a backup, or move it away and add the models again";

/* ------------------------------------------------------------------ errors and statements */

static bool is_full(int number) {
  return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

static bf_status sql_error(const bf__db *db, int rc, bf_error *err) {
  int number = errno; /* SQLite keeps that of some failures only; of a write it is still here */
  const char *words = sqlite3_errmsg(db->sqlite);
  bool full = rc == SQLITE_FULL ||
              ((rc & 0xff) == SQLITE_IOERR && (is_full(sqlite3_system_errno(db->sqlite)) || is_full(number)));
  bf_status status;
  if (full)
    status = bf__error(err, BF_ERR_NO_SPACE, "no space to write %.140s; make room and try again", db->path);
  else
    switch (rc & 0xff) {
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        status = bf__error(err, BF_ERR_BUSY, "%.140s is being written by another process; try again later", db->path);
        break;
      case SQLITE_NOTADB:
      case SQLITE_CORRUPT:
      case SQLITE_ERROR: /* our statements are fixed: the tables they name are not there */
      case SQLITE_MISMATCH:
        status = bf__error(err, BF_ERR_CORRUPT, "%.80s is damaged (%.60s): %s", db->path, words, remedy);
        break;
      case SQLITE_NOMEM:
        status = bf__error(err, BF_ERR_MEMORY, "out of memory in the database");
        break;
      case SQLITE_READONLY:
      case SQLITE_PERM:
      case SQLITE_AUTH:
        status = bf__error(err, BF_ERR_IO, "%.140s: no right to write there; see who owns it and its folder", db->path);
        break;
      case SQLITE_CONSTRAINT:
        status = bf__error(err, BF_ERR_INTERNAL, "%.100s: %.100s", db->path, words);
        break;
      default:
        status = bf__error(err, BF_ERR_IO, "%.120s: %.60s", db->path, words);
    }
  if (err != NULL) err->native_code = rc;
  return status;
}

static bf_status prepare(bf__db *db, const char *sql, sqlite3_stmt **out, bf_error *err) {
  int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, out, NULL);
  return rc == SQLITE_OK ? BF_OK : sql_error(db, rc, err);
}

/* One step: *row tells whether there is a row to read. */
static bf_status step(bf__db *db, sqlite3_stmt *s, bool *row, bf_error *err) {
  int rc = sqlite3_step(s);
  *row = rc == SQLITE_ROW;
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? BF_OK : sql_error(db, rc, err);
}

/* Binds are checked all at once: a failed one is out of memory, and the step would read a NULL. */
typedef struct binder {
  sqlite3_stmt *s;
  int n, rc;
} binder;

static void bind_text(binder *b, const char *text) {
  ++b->n;
  if (b->rc == SQLITE_OK)
    b->rc = text == NULL ? sqlite3_bind_null(b->s, b->n) : sqlite3_bind_text(b->s, b->n, text, -1, SQLITE_STATIC);
}

static void bind_integer(binder *b, int64_t value) {
  ++b->n;
  if (b->rc == SQLITE_OK) b->rc = sqlite3_bind_int64(b->s, b->n, value);
}

static void bind_real(binder *b, double value) {
  ++b->n;
  if (b->rc == SQLITE_OK) b->rc = sqlite3_bind_double(b->s, b->n, value);
}

/* Runs a bound statement that gives no rows, and finalises it. */
static bf_status run(bf__db *db, binder *b, bf_error *err) {
  bool row = false;
  bf_status status = b->rc == SQLITE_OK ? step(db, b->s, &row, err) : sql_error(db, b->rc, err);
  sqlite3_finalize(b->s);
  b->s = NULL;
  return status;
}

static bf_status execute(bf__db *db, const char *sql, bf_error *err) {
  int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? BF_OK : sql_error(db, rc, err);
}

static bf_status query_integer(bf__db *db, const char *sql, int64_t *out, bf_error *err) {
  sqlite3_stmt *s = NULL;
  bool row = false;
  *out = 0;
  bf_status status = prepare(db, sql, &s, err);
  if (status == BF_OK) status = step(db, s, &row, err);
  if (status == BF_OK && row) *out = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return status;
}

/* A text column; NULL only where the column is NULL. */
static const char *text_at(sqlite3_stmt *s, int column) {
  return (const char *)sqlite3_column_text(s, column);
}
static const char *text_or_empty(sqlite3_stmt *s, int column) {
  const char *text = text_at(s, column);
  return text != NULL ? text : "";
}

/* Numbers are checked when they are written; a damaged row gives 0 rather than a wrapped one. */
static uint64_t unsigned_at(sqlite3_stmt *s, int column) {
  int64_t value = sqlite3_column_int64(s, column);
  return value < 0 ? 0 : (uint64_t)value;
}
static uint32_t version_at(sqlite3_stmt *s, int column) {
  uint64_t value = unsigned_at(s, column);
  return value > UINT32_MAX ? 0 : (uint32_t)value;
}

/* ------------------------------------------------------------------ opening */

/* The WAL switch needs the file alone and is refused, without waiting, while another process opens it too. */
static bf_status use_wal(bf__db *db, bf_error *err) {
  sqlite3_stmt *s = NULL;
  int rc = SQLITE_OK;
  for (uint32_t waited = 0;; waited += 10) {
    rc = sqlite3_prepare_v2(db->sqlite, "PRAGMA journal_mode = WAL", -1, &s, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(s);
    sqlite3_finalize(s);
    s = NULL;
    if ((rc & 0xff) != SQLITE_BUSY || waited >= db->busy_timeout_ms) break;
    sqlite3_sleep(10);
  }
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? BF_OK : sql_error(db, rc, err);
}

static bf_status configure(bf__db *db, bf_error *err) {
  sqlite3_busy_timeout(db->sqlite, (int)db->busy_timeout_ms);
  sqlite3_extended_result_codes(db->sqlite, 1);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  return execute(db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON", err);
}

static bf_status schema_numbers(bf__db *db, int64_t *application, int64_t *version, int64_t *tables, bf_error *err) {
  bf_status status = query_integer(db, "PRAGMA application_id", application, err);
  if (status == BF_OK) status = query_integer(db, "PRAGMA user_version", version, err);
  if (status == BF_OK) status = query_integer(db, "SELECT count(*) FROM sqlite_schema", tables, err);
  return status;
}

/* In one read transaction, lest another process that makes the repository is seen half-way. */
static bf_status schema_version(bf__db *db, int64_t *application, int64_t *version, int64_t *tables, bf_error *err) {
  bool alone = sqlite3_get_autocommit(db->sqlite) != 0;
  bf_status status = alone ? execute(db, "BEGIN", err) : BF_OK;
  if (status == BF_OK) status = schema_numbers(db, application, version, tables, err);
  if (alone && !sqlite3_get_autocommit(db->sqlite)) (void)sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL, NULL);
  return status;
}

/* Runs the steps that are missing, all in one transaction; another process may have been faster. */
static bf_status migrate(bf__db *db, bf_error *err) {
  bf_status status = BF_OK;
  int64_t version = 0;
  BF_TRY(bf__db_begin(db, err));
  BF_TRY(query_integer(db, "PRAGMA user_version", &version, err));
  for (int64_t i = version < 0 ? 0 : version; i < (int64_t)bf__schema_step_count; ++i) {
    BF_TRY(execute(db, bf__schema_steps[i].sql, err));
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA user_version = %lld", (long long)i + 1);
    BF_TRY(execute(db, sql, err));
  }
  char sql[64];
  sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d", APPLICATION_ID);
  BF_TRY(execute(db, sql, err));
  BF_TRY(bf__db_commit(db, err));
out:
  if (status != BF_OK) bf__db_rollback(db);
  return status;
}

static bf_status check_schema(bf__db *db, bool create, bool read_only, bf_error *err) {
  int64_t application = 0;
  int64_t version = 0;
  int64_t tables = 0;
  bf_status status = schema_version(db, &application, &version, &tables, err);
  if (status != BF_OK) return status;
  if (application == 0 && version == 0 && tables == 0) { /* an empty file: a process was killed while it made this */
    if (!create)
      return bf__error(err, BF_ERR_NOT_FOUND,
                       "%.140s is empty: no repository yet; bestfit add makes one; or give --repo DIR", db->path);
  } else if (application != APPLICATION_ID) {
    return bf__error(err, BF_ERR_CORRUPT, "%.140s is not a repository's database: give another --repo DIR", db->path);
  }
  if (version > (int64_t)bf__schema_step_count)
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "%.120s has schema %lld, this bestfit knows up to %zu: use the newer bestfit that made it",
                     db->path, (long long)version, bf__schema_step_count);
  if (version == (int64_t)bf__schema_step_count) return BF_OK;
  if (read_only)
    return bf__error(err, BF_ERR_UNSUPPORTED, "%.120s has the older schema %lld: open it once for writing", db->path,
                     (long long)version);
  return migrate(db, err);
}

static bf_status open_file(bf__db *db, const char *name, int flags, bf_error *err) {
  sqlite3_close(db->sqlite);
  db->sqlite = NULL;
  int rc = sqlite3_open_v2(name, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
  if (db->sqlite == NULL) return bf__error_memory(err, sizeof *db);
  return rc == SQLITE_OK ? configure(db, err) : sql_error(db, rc, err);
}

/* "file:/path?immutable=1"; characters that a URI would take for its own are escaped. NULL: no memory. */
static char *immutable_uri(const char *path) {
  static const char tail[] = "?immutable=1";
  char *uri = bf__alloc(3 * strlen(path) + sizeof "file:" + sizeof tail, 1);
  if (uri == NULL) return NULL;
  char *to = uri;
  memcpy(to, "file:", 5);
  to += 5;
  for (const char *c = path; *c != 0; ++c) {
    if (strchr("%?#", *c) == NULL) {
      *to++ = *c;
      continue;
    }
    sqlite3_snprintf(4, to, "%%%02X", (unsigned)(unsigned char)*c);
    to += 3;
  }
  memcpy(to, tail, sizeof tail);
  return uri;
}

/* A WAL database wants a file beside it even for reading. Where the folder cannot be written and no log holds changes,
 * nobody writes it through this folder, and it is read as it stands. Else the first failure is the answer. */
static bf_status open_for_reading(bf__db *db, bf_error *err) {
  bf_error first = {0};
  bf_error second = {0};
  struct stat st;
  int64_t version = 0;
  bf_status status = open_file(db, db->path, SQLITE_OPEN_READONLY, &first);
  if (status == BF_OK) status = query_integer(db, "SELECT count(*) FROM sqlite_schema", &version, &first);
  int reason = first.native_code & 0xff;
  if (status == BF_ERR_IO && (reason == SQLITE_CANTOPEN || reason == SQLITE_READONLY)) {
    char *log = bf__asprintf("%s-wal", db->path);
    char *uri = immutable_uri(db->path);
    bool no_log = log != NULL && (stat(log, &st) != 0 ? errno == ENOENT : st.st_size == 0);
    if (no_log && uri != NULL) status = open_file(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &second);
    free(log);
    free(uri);
  }
  if (status != BF_OK && err != NULL) *err = first;
  return status;
}

static bf_status open_for_writing(bf__db *db, bool create, bf_error *err) {
  int64_t application = 0;
  int64_t version = 0;
  int64_t tables = 0;
  bf_status status = open_file(db, db->path, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), err);
  /* Look before touching: another program's database must not be turned to WAL. */
  if (status == BF_OK) status = schema_version(db, &application, &version, &tables, err);
  if (status == BF_OK && (application == APPLICATION_ID || (tables == 0 && create))) status = use_wal(db, err);
  return status;
}

bf_status bf__db_open(const char *path, bool create, bool read_only, uint32_t busy_timeout_ms, bf__db **out,
                      bf_error *err) {
  bf_status status = BF_OK;
  *out = NULL;
  bf__db *db = bf__alloc(1, sizeof *db);
  if (db == NULL) return bf__error_memory(err, sizeof *db);
  db->busy_timeout_ms = busy_timeout_ms > INT32_MAX ? INT32_MAX : busy_timeout_ms;
  db->path = bf__strdup(path);
  if (db->path == NULL) {
    status = bf__error_memory(err, strlen(path));
    goto out;
  }
  BF_TRY(read_only ? open_for_reading(db, err) : open_for_writing(db, create, err));
  BF_TRY(check_schema(db, create, read_only, err));
  *out = db;
  db = NULL;
out:
  bf__db_close(db);
  return status;
}

void bf__db_close(bf__db *db) {
  if (db == NULL) return;
  sqlite3_close(db->sqlite);
  free(db->path);
  free(db);
}

bf_status bf__db_begin(bf__db *db, bf_error *err) {
  return execute(db, "BEGIN IMMEDIATE", err);
}
bf_status bf__db_commit(bf__db *db, bf_error *err) {
  return execute(db, "COMMIT", err);
}
void bf__db_rollback(bf__db *db) {
  if (!sqlite3_get_autocommit(db->sqlite)) (void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

/* ------------------------------------------------------------------ writing */

bf_status bf__db_audit(bf__db *db, const char *time, const char *action, const char *name, uint32_t version,
                       bf_error *err) {
  binder b = {0};
  bf_status status =
      prepare(db, "INSERT INTO audit (time, action, name, version) VALUES (?, ?, ?, nullif(?, 0))", &b.s, err);
  if (status != BF_OK) return status;
  bind_text(&b, time);
  bind_text(&b, action);
  bind_text(&b, name);
  bind_integer(&b, version);
  return run(db, &b, err);
}

static void blob_from(sqlite3_stmt *s, int column, bf__blob *out) {
  const char *sha256 = text_at(s, column);
  *out = (bf__blob){.bytes = unsigned_at(s, column + 1)};
  if (bf__is_sha256(sha256)) memcpy(out->sha256, sha256, 65);
}

bf_status bf__db_latest(bf__db *db, const char *name, uint32_t *version, bf__version_blobs *blobs, bf_error *err) {
  binder b = {0};
  bool row = false;
  *version = 0;
  *blobs = (bf__version_blobs){0};
  bf_status status = prepare(db,
                             "SELECT v.number, v.model_sha256, m.bytes, v.card_sha256, c.bytes, s.sha256, k.bytes"
                             "  FROM models JOIN versions v ON v.model_id = models.id"
                             "  LEFT JOIN sketches s ON s.version_id = v.id"
                             "  LEFT JOIN blobs m ON m.sha256 = v.model_sha256"
                             "  LEFT JOIN blobs c ON c.sha256 = v.card_sha256"
                             "  LEFT JOIN blobs k ON k.sha256 = s.sha256"
                             " WHERE models.name = ? ORDER BY v.number DESC LIMIT 1",
                             &b.s, err);
  if (status != BF_OK) return status;
  bind_text(&b, name);
  status = b.rc == SQLITE_OK ? step(db, b.s, &row, err) : sql_error(db, b.rc, err);
  if (status == BF_OK && row) {
    *version = version_at(b.s, 0);
    blob_from(b.s, 1, &blobs->model);
    blob_from(b.s, 3, &blobs->card);
    blob_from(b.s, 5, &blobs->sketch);
  }
  sqlite3_finalize(b.s);
  return status;
}

static bf_status insert_blob(bf__db *db, const bf__blob *blob, bf_error *err) {
  binder b = {0};
  bf_status status = prepare(db,
                             "INSERT INTO blobs (sha256, bytes) VALUES (?, ?)"
                             " ON CONFLICT (sha256) DO UPDATE SET bytes = excluded.bytes",
                             &b.s, err);
  if (status != BF_OK) return status;
  bind_text(&b, blob->sha256);
  bind_integer(&b, (int64_t)blob->bytes);
  return run(db, &b, err);
}

/* Takes the next version number of a model; makes the model where there is none. */
static bf_status take_version(bf__db *db, const char *name, int64_t *model, uint32_t *version, bf_error *err) {
  binder b = {0};
  bool row = false;
  bf_status status = prepare(db, "INSERT INTO models (name) VALUES (?) ON CONFLICT (name) DO NOTHING", &b.s, err);
  if (status != BF_OK) return status;
  bind_text(&b, name);
  status = run(db, &b, err);
  if (status != BF_OK) return status;
  b = (binder){0};
  status = prepare(
      db, "UPDATE models SET next_version = next_version + 1 WHERE name = ? RETURNING id, next_version - 1", &b.s, err);
  if (status != BF_OK) return status;
  bind_text(&b, name);
  status = b.rc == SQLITE_OK ? step(db, b.s, &row, err) : sql_error(db, b.rc, err);
  if (status == BF_OK && row) {
    *model = sqlite3_column_int64(b.s, 0);
    *version = version_at(b.s, 1);
  }
  sqlite3_finalize(b.s);
  if (status == BF_OK && (!row || *version == 0))
    status = bf__error(err, BF_ERR_CORRUPT, "%.80s has no version number for %.100s: run bestfit fsck", db->path, name);
  return status;
}

/* Tags are listed with commas between them, so that one with commas is taken apart. */
static bf_status insert_tags(bf__db *db, int64_t id, const bf_store_entry *entry, bf_error *err) {
  int64_t position = 0;
  for (size_t i = 0; i < entry->n_tags; ++i) {
    for (const char *at = entry->tags[i]; *at != 0;) {
      size_t n = strcspn(at, ",");
      const char *from = at;
      at += at[n] == ',' ? n + 1 : n;
      while (n > 0 && *from == ' ') ++from, --n;
      while (n > 0 && from[n - 1] == ' ') --n;
      if (n == 0) continue;
      binder b = {0};
      bf_status status =
          prepare(db, "INSERT OR IGNORE INTO tags (version_id, position, tag) VALUES (?, ?, ?)", &b.s, err);
      if (status != BF_OK) return status;
      bind_integer(&b, id);
      bind_integer(&b, ++position);
      if (b.rc == SQLITE_OK) b.rc = sqlite3_bind_text64(b.s, 3, from, n, SQLITE_STATIC, SQLITE_UTF8);
      status = run(db, &b, err);
      if (status != BF_OK) return status;
    }
  }
  return BF_OK;
}

static bf_status insert_sketch(bf__db *db, int64_t id, const bf_store_entry *entry, const bf__blob *sketch,
                               bf_error *err) {
  if (sketch->sha256[0] == 0) return BF_OK;
  binder b = {0};
  bf_status status =
      prepare(db, "INSERT INTO sketches (version_id, sha256, kind, rows) VALUES (?, ?, ?, ?)", &b.s, err);
  if (status != BF_OK) return status;
  bind_integer(&b, id);
  bind_text(&b, sketch->sha256);
  bind_text(&b, entry->kind);
  bind_integer(&b, (int64_t)entry->rows);
  return run(db, &b, err);
}

static bf_status insert_metric(bf__db *db, int64_t id, const char *name, double value, bf_error *err) {
  if (isnan(value)) return BF_OK;
  binder b = {0};
  bf_status status = prepare(db, "INSERT INTO metrics (version_id, name, value) VALUES (?, ?, ?)", &b.s, err);
  if (status != BF_OK) return status;
  bind_integer(&b, id);
  bind_text(&b, name);
  bind_real(&b, value);
  return run(db, &b, err);
}

bf_status bf__db_insert(bf__db *db, const bf_store_entry *entry, const bf__version_blobs *blobs, const char *time,
                        uint32_t *version, bf_error *err) {
  bf_status status = BF_OK;
  int64_t model = 0;
  binder b = {0};
  BF_TRY(take_version(db, entry->name, &model, version, err));
  BF_TRY(insert_blob(db, &blobs->model, err));
  BF_TRY(insert_blob(db, &blobs->card, err));
  if (blobs->sketch.sha256[0] != 0) BF_TRY(insert_blob(db, &blobs->sketch, err));
  BF_TRY(prepare(db,
                 "INSERT INTO versions (model_id, number, domain, task, summary, license, model_sha256, card_sha256,"
                 " created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 &b.s, err));
  bind_integer(&b, model);
  bind_integer(&b, *version);
  bind_text(&b, entry->domain != NULL ? entry->domain : entry->name);
  bind_text(&b, entry->task != NULL ? entry->task : "classification");
  bind_text(&b, entry->summary != NULL ? entry->summary : "");
  bind_text(&b, entry->license != NULL ? entry->license : "");
  bind_text(&b, blobs->model.sha256);
  bind_text(&b, blobs->card.sha256);
  bind_text(&b, time);
  BF_TRY(run(db, &b, err));
  int64_t id = sqlite3_last_insert_rowid(db->sqlite);
  BF_TRY(insert_sketch(db, id, entry, &blobs->sketch, err));
  BF_TRY(insert_tags(db, id, entry, err));
  BF_TRY(insert_metric(db, id, "source_accuracy", entry->source_accuracy, err));
  BF_TRY(bf__db_audit(db, time, "add", entry->name, *version, err));
out:
  return status;
}

bf_status bf__db_remove(bf__db *db, const char *name, uint32_t version, const char *time, uint32_t *n_removed,
                        bf_error *err) {
  bf_status status = BF_OK;
  binder b = {0};
  *n_removed = 0;
  /* The audit rows come from the versions while these are still there. */
  BF_TRY(prepare(db,
                 "INSERT INTO audit (time, action, name, version) SELECT ?3, 'remove', m.name, v.number"
                 "  FROM models m JOIN versions v ON v.model_id = m.id"
                 " WHERE m.name = ?1 AND (?2 = 0 OR v.number = ?2) ORDER BY v.number",
                 &b.s, err));
  bind_text(&b, name);
  bind_integer(&b, version);
  bind_text(&b, time);
  BF_TRY(run(db, &b, err));
  b = (binder){0};
  BF_TRY(prepare(db,
                 "DELETE FROM versions WHERE model_id = (SELECT id FROM models WHERE name = ?1)"
                 " AND (?2 = 0 OR number = ?2)",
                 &b.s, err));
  bind_text(&b, name);
  bind_integer(&b, version);
  status = run(db, &b, err);
  if (status != BF_OK && (sqlite3_errcode(db->sqlite) & 0xff) == SQLITE_CONSTRAINT)
    status = bf__error(err, BF_ERR_EXISTS, "an alias points to %.150s: move or remove the alias first", name);
  if (status == BF_OK) *n_removed = (uint32_t)sqlite3_changes(db->sqlite);
out:
  return status;
}

/* ------------------------------------------------------------------ reading */

#define MODEL_COLUMNS                                                                                       \
  "SELECT m.name, v.number, v.domain, v.task, s.kind, v.summary, v.license,"                                \
  " (SELECT group_concat(tag, ',') FROM (SELECT tag FROM tags WHERE version_id = v.id ORDER BY position))," \
  " a.value, s.rows, b.bytes, v.model_sha256, v.card_sha256, s.sha256, v.created"                           \
  "  FROM models m JOIN versions v ON v.model_id = m.id LEFT JOIN sketches s ON s.version_id = v.id"        \
  "  LEFT JOIN metrics a ON a.version_id = v.id AND a.name = 'source_accuracy'"                             \
  "  LEFT JOIN blobs b ON b.sha256 = v.model_sha256"

static bf_store_model model_from(sqlite3_stmt *s) {
  return (bf_store_model){
      .name = text_or_empty(s, 0),
      .version = version_at(s, 1),
      .domain = text_or_empty(s, 2),
      .task = text_or_empty(s, 3),
      .kind = text_at(s, 4),
      .summary = text_or_empty(s, 5),
      .license = text_or_empty(s, 6),
      .tags = text_or_empty(s, 7),
      .source_accuracy = sqlite3_column_type(s, 8) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(s, 8),
      .rows = unsigned_at(s, 9),
      .model_bytes = unsigned_at(s, 10),
      .model_sha256 = text_or_empty(s, 11),
      .card_sha256 = text_or_empty(s, 12),
      .sketch_sha256 = text_at(s, 13),
      .created = text_or_empty(s, 14),
  };
}

bf_status bf__db_each_model(bf__db *db, const char *name, uint32_t version, bf__db_model_fn fn, void *context,
                            bf_error *err) {
  bf_status status = BF_OK;
  binder b = {0};
  bool row = false;
  BF_TRY(prepare(db,
                 name == NULL ? MODEL_COLUMNS
                     " WHERE v.number = (SELECT max(number) FROM versions WHERE model_id = m.id) ORDER BY m.name"
                              : MODEL_COLUMNS " WHERE m.name = ?1 AND (?2 = 0 OR v.number = ?2) ORDER BY v.number",
                 &b.s, err));
  if (name != NULL) {
    bind_text(&b, name);
    bind_integer(&b, version);
  }
  if (b.rc != SQLITE_OK) {
    status = sql_error(db, b.rc, err);
    goto out;
  }
  for (;;) {
    BF_TRY(step(db, b.s, &row, err));
    if (!row) break;
    bf_store_model model = model_from(b.s);
    BF_TRY(fn(context, &model, err));
  }
out:
  sqlite3_finalize(b.s);
  return status;
}

bf_status bf__db_each_name(bf__db *db, bf__db_name_fn fn, void *context, bf_error *err) {
  bf_status status = BF_OK;
  sqlite3_stmt *s = NULL;
  bool row = false;
  BF_TRY(prepare(
      db, "SELECT name FROM models WHERE EXISTS (SELECT 1 FROM versions WHERE model_id = models.id) ORDER BY name", &s,
      err));
  for (;;) {
    BF_TRY(step(db, s, &row, err));
    if (!row) break;
    fn(context, text_or_empty(s, 0));
  }
out:
  sqlite3_finalize(s);
  return status;
}

bf_status bf__db_each_reference(bf__db *db, bf__db_reference_fn fn, void *context, bf_error *err) {
  bf_status status = BF_OK;
  sqlite3_stmt *s = NULL;
  bool row = false;
  BF_TRY(prepare(db,
                 "SELECT r.sha256, m.name, r.number, r.role, b.bytes FROM ("
                 "  SELECT model_sha256 AS sha256, model_id, number, 'model' AS role FROM versions"
                 "  UNION ALL SELECT card_sha256, model_id, number, 'card' FROM versions"
                 "  UNION ALL SELECT s.sha256, v.model_id, v.number, 'sketch' FROM sketches s"
                 "    JOIN versions v ON v.id = s.version_id) r"
                 "  LEFT JOIN models m ON m.id = r.model_id LEFT JOIN blobs b ON b.sha256 = r.sha256"
                 " ORDER BY r.sha256, m.name, r.number, r.role",
                 &s, err));
  for (;;) {
    BF_TRY(step(db, s, &row, err));
    if (!row) break;
    bf__db_reference reference = {.sha256 = text_or_empty(s, 0),
                                  .name = text_or_empty(s, 1),
                                  .version = version_at(s, 2),
                                  .role = text_or_empty(s, 3),
                                  .bytes = unsigned_at(s, 4)};
    BF_TRY(fn(context, &reference, err));
  }
out:
  sqlite3_finalize(s);
  return status;
}

bf_status bf__db_is_referenced(bf__db *db, const char *sha256, bool *out, bf_error *err) {
  binder b = {0};
  bool row = false;
  *out = true; /* what cannot be asked is not thrown away */
  bf_status status = prepare(db,
                             "SELECT EXISTS (SELECT 1 FROM versions WHERE model_sha256 = ?1)"
                             " OR EXISTS (SELECT 1 FROM versions WHERE card_sha256 = ?1)"
                             " OR EXISTS (SELECT 1 FROM sketches WHERE sha256 = ?1)",
                             &b.s, err);
  if (status != BF_OK) return status;
  bind_text(&b, sha256);
  status = b.rc == SQLITE_OK ? step(db, b.s, &row, err) : sql_error(db, b.rc, err);
  if (status == BF_OK && row) *out = sqlite3_column_int(b.s, 0) != 0;
  sqlite3_finalize(b.s);
  return status;
}

bf_status bf__db_count(bf__db *db, uint64_t *models, uint64_t *versions, bf_error *err) {
  int64_t n_models = 0;
  int64_t n_versions = 0;
  bf_status status = query_integer(db, "SELECT count(DISTINCT model_id) FROM versions", &n_models, err);
  if (status == BF_OK) status = query_integer(db, "SELECT count(*) FROM versions", &n_versions, err);
  *models = (uint64_t)n_models;
  *versions = (uint64_t)n_versions;
  return status;
}

bf_status bf__db_forget_blobs(bf__db *db, bf_error *err) {
  return execute(db,
                 "DELETE FROM blobs WHERE NOT EXISTS (SELECT 1 FROM versions WHERE model_sha256 = blobs.sha256)"
                 " AND NOT EXISTS (SELECT 1 FROM versions WHERE card_sha256 = blobs.sha256)"
                 " AND NOT EXISTS (SELECT 1 FROM sketches WHERE sketches.sha256 = blobs.sha256)",
                 err);
}

/* ------------------------------------------------------------------ checking */

/* Runs one checking pragma. A pragma that itself stumbles over damage has found damage. */
static bf_status check_with(bf__db *db, const char *sql, bool foreign_keys, bf__db_line_fn fn, void *context, bool *ok,
                            bf_error *err) {
  sqlite3_stmt *s = NULL;
  bool row = false;
  bf_error why = {0};
  bf_status status = prepare(db, sql, &s, &why);
  while (status == BF_OK) {
    status = step(db, s, &row, &why);
    if (status != BF_OK || !row) break;
    char line[200];
    if (foreign_keys)
      sqlite3_snprintf(sizeof line, line, "a row of table %s refers to one of %s that is not there",
                       text_or_empty(s, 0), text_or_empty(s, 2));
    else if (strcmp(text_or_empty(s, 0), "ok") == 0)
      continue;
    else
      sqlite3_snprintf(sizeof line, line, "%s", text_or_empty(s, 0));
    *ok = false;
    fn(context, line);
  }
  sqlite3_finalize(s);
  if (status == BF_ERR_CORRUPT) {
    *ok = false;
    fn(context, why.message);
    return BF_OK;
  }
  if (status != BF_OK && err != NULL) *err = why;
  return status;
}

bf_status bf__db_check(bf__db *db, bf__db_line_fn fn, void *context, bool *ok, bf_error *err) {
  *ok = true;
  bf_status status = check_with(db, "PRAGMA integrity_check(20)", false, fn, context, ok, err);
  if (status == BF_OK) status = check_with(db, "PRAGMA foreign_key_check", true, fn, context, ok, err);
  return status;
}
