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
#include "store/sql.h"

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
      case SQLITE_CORRUPT: /* words that full-text search keeps can be made anew; nothing else can */
        if (rc == SQLITE_CORRUPT_VTAB)
          status = bf__error(err, BF_ERR_CORRUPT, "the full-text index in %.120s is damaged: run bestfit fsck --gc",
                             db->path);
        else
          status = bf__error(err, BF_ERR_CORRUPT, "%.80s is damaged (%.60s): %s", db->path, words, remedy);
        break;
      case SQLITE_NOTADB:
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
/* ------------------------------------------------------------------ statements */

bf_status bf__sql_prepare(bf__db *db, const char *text, bf__sql *out, bf_error *err) {
  *out = (bf__sql){.db = db};
  int rc = sqlite3_prepare_v2(db->sqlite, text, -1, &out->s, NULL);
  return rc == SQLITE_OK ? BF_OK : sql_error(db, rc, err);
}

void bf__sql_end(bf__sql *q) {
  sqlite3_finalize(q->s);
  q->s = NULL;
}

void bf__sql_bind_text(bf__sql *q, const char *text) {
  ++q->n;
  if (q->rc == SQLITE_OK)
    q->rc = text == NULL ? sqlite3_bind_null(q->s, q->n) : sqlite3_bind_text(q->s, q->n, text, -1, SQLITE_STATIC);
}
void bf__sql_bind_text_n(bf__sql *q, const char *text, size_t n) {
  ++q->n;
  if (q->rc == SQLITE_OK) q->rc = sqlite3_bind_text64(q->s, q->n, text, n, SQLITE_STATIC, SQLITE_UTF8);
}
void bf__sql_bind_integer(bf__sql *q, int64_t value) {
  ++q->n;
  if (q->rc == SQLITE_OK) q->rc = sqlite3_bind_int64(q->s, q->n, value);
}
void bf__sql_bind_real(bf__sql *q, double value) {
  ++q->n;
  if (q->rc == SQLITE_OK) q->rc = sqlite3_bind_double(q->s, q->n, value);
}

bf_status bf__sql_step(bf__sql *q, bool *row, bf_error *err) {
  *row = false;
  int rc = q->rc == SQLITE_OK ? sqlite3_step(q->s) : q->rc;
  *row = rc == SQLITE_ROW;
  return rc == SQLITE_ROW || rc == SQLITE_DONE ? BF_OK : sql_error(q->db, rc, err);
}

bf_status bf__sql_run(bf__sql *q, bf_error *err) {
  bool row = false;
  bf_status status = bf__sql_step(q, &row, err);
  bf__sql_end(q);
  return status;
}

bf_status bf__sql_execute(bf__db *db, const char *text, bf_error *err) {
  int rc = sqlite3_exec(db->sqlite, text, NULL, NULL, NULL);
  return rc == SQLITE_OK ? BF_OK : sql_error(db, rc, err);
}

bf_status bf__sql_integer(bf__db *db, const char *text, const char *parameter, int64_t *out, bf_error *err) {
  bf__sql q;
  bool row = false;
  *out = 0;
  bf_status status = bf__sql_prepare(db, text, &q, err);
  if (status == BF_OK && parameter != NULL) bf__sql_bind_text(&q, parameter);
  if (status == BF_OK) status = bf__sql_step(&q, &row, err);
  if (status == BF_OK && row) *out = bf__sql_signed(&q, 0);
  bf__sql_end(&q);
  return status;
}

bool bf__sql_is_null(const bf__sql *q, int column) {
  return sqlite3_column_type(q->s, column) == SQLITE_NULL;
}
const char *bf__sql_text(const bf__sql *q, int column) {
  return (const char *)sqlite3_column_text(q->s, column);
}
const char *bf__sql_text_or_empty(const bf__sql *q, int column) {
  const char *text = bf__sql_text(q, column);
  return text != NULL ? text : "";
}
int64_t bf__sql_signed(const bf__sql *q, int column) {
  return sqlite3_column_int64(q->s, column);
}
uint64_t bf__sql_unsigned(const bf__sql *q, int column) {
  int64_t value = sqlite3_column_int64(q->s, column);
  return value < 0 ? 0 : (uint64_t)value;
}
uint32_t bf__sql_version(const bf__sql *q, int column) {
  uint64_t value = bf__sql_unsigned(q, column);
  return value > UINT32_MAX ? 0 : (uint32_t)value;
}
double bf__sql_real(const bf__sql *q, int column) {
  return bf__sql_is_null(q, column) ? (double)NAN : sqlite3_column_double(q->s, column);
}

uint32_t bf__sql_changes(const bf__db *db) {
  return (uint32_t)sqlite3_changes(db->sqlite);
}
int64_t bf__sql_last_id(const bf__db *db) {
  return sqlite3_last_insert_rowid(db->sqlite);
}
const char *bf__sql_path(const bf__db *db) {
  return db->path;
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
  return bf__sql_execute(db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON", err);
}

static bf_status schema_numbers(bf__db *db, int64_t *application, int64_t *version, int64_t *tables, bf_error *err) {
  bf_status status = bf__sql_integer(db, "PRAGMA application_id", NULL, application, err);
  if (status == BF_OK) status = bf__sql_integer(db, "PRAGMA user_version", NULL, version, err);
  if (status == BF_OK) status = bf__sql_integer(db, "SELECT count(*) FROM sqlite_schema", NULL, tables, err);
  return status;
}

/* In one read transaction, lest another process that makes the repository is seen half-way. */
static bf_status schema_version(bf__db *db, int64_t *application, int64_t *version, int64_t *tables, bf_error *err) {
  bool alone = sqlite3_get_autocommit(db->sqlite) != 0;
  bf_status status = alone ? bf__sql_execute(db, "BEGIN", err) : BF_OK;
  if (status == BF_OK) status = schema_numbers(db, application, version, tables, err);
  if (alone && !sqlite3_get_autocommit(db->sqlite)) (void)sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL, NULL);
  return status;
}

/* Runs the steps that are missing, all in one transaction; another process may have been faster. */
static bf_status migrate(bf__db *db, bf_error *err) {
  bf_status status = BF_OK;
  int64_t version = 0;
  if (!sqlite3_compileoption_used("ENABLE_FTS5"))
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "this SQLite (%s) was built without FTS5: install one that has it, as Debian's",
                     sqlite3_libversion());
  BF_TRY(bf__db_begin(db, err));
  BF_TRY(bf__sql_integer(db, "PRAGMA user_version", NULL, &version, err));
  for (int64_t i = version < 0 ? 0 : version; i < (int64_t)bf__schema_step_count; ++i) {
    BF_TRY(bf__sql_execute(db, bf__schema_steps[i].sql, err));
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA user_version = %lld", (long long)i + 1);
    BF_TRY(bf__sql_execute(db, sql, err));
  }
  char sql[64];
  sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d", APPLICATION_ID);
  BF_TRY(bf__sql_execute(db, sql, err));
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
  if (status == BF_OK) status = bf__sql_integer(db, "SELECT count(*) FROM sqlite_schema", NULL, &version, &first);
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
  return bf__sql_execute(db, "BEGIN IMMEDIATE", err);
}
bf_status bf__db_commit(bf__db *db, bf_error *err) {
  return bf__sql_execute(db, "COMMIT", err);
}
void bf__db_rollback(bf__db *db) {
  if (!sqlite3_get_autocommit(db->sqlite)) (void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

/* ------------------------------------------------------------------ checking */

/* Runs one checking statement that gives a line for each problem. One that itself stumbles over damage has found
 * damage. */
static bf_status check_with(bf__db *db, const char *sql, bf__db_line_fn fn, void *context, bool *ok, bf_error *err) {
  bf__sql q;
  bool row = false;
  bf_error why = {0};
  bf_status status = bf__sql_prepare(db, sql, &q, &why);
  while (status == BF_OK) {
    status = bf__sql_step(&q, &row, &why);
    if (status != BF_OK || !row) break;
    if (strcmp(bf__sql_text_or_empty(&q, 0), "ok") == 0) continue;
    *ok = false;
    fn(context, bf__sql_text_or_empty(&q, 0));
  }
  bf__sql_end(&q);
  if (status == BF_ERR_CORRUPT) {
    *ok = false;
    fn(context, why.message);
    return BF_OK;
  }
  if (status != BF_OK && err != NULL) *err = why;
  return status;
}

bf_status bf__db_check(bf__db *db, bf__db_line_fn fn, void *context, bool *ok, bf_error *err) {
  static const char *const checks[] = {
      "PRAGMA integrity_check(20)",
      "SELECT 'a row of table ' || \"table\" || ' refers to one of ' || parent || ' that is not there'"
      "  FROM pragma_foreign_key_check LIMIT 20",
      "SELECT 'alias ' || m.name || '@' || a.alias || ' points to a version of another model'"
      "  FROM aliases a JOIN models m ON m.id = a.model_id JOIN versions v ON v.id = a.version_id"
      " WHERE v.model_id <> a.model_id LIMIT 20",
      "SELECT 'metric ' || x.name || ' of ' || m.name || '@' || v.number || ' is no finite number'"
      "  FROM metrics x JOIN versions v ON v.id = x.version_id JOIN models m ON m.id = v.model_id"
      " WHERE typeof(x.value) <> 'real' OR abs(x.value) > 1.7976931348623157e308 LIMIT 20",
      "SELECT 'a file of ' || m.name || '@' || v.number || ' has a name that none may have' FROM"
      " (SELECT version_id, name, '/' || name || '/' AS path FROM files) f"
      "  JOIN versions v ON v.id = f.version_id JOIN models m ON m.id = v.model_id"
      " WHERE length(f.name) NOT BETWEEN 1 AND 255 OR f.name GLOB '*[^-A-Za-z0-9._/]*' OR f.path GLOB '*//*'"
      "    OR f.path GLOB '*/../*' OR f.path GLOB '*/./*' LIMIT 20",
      "SELECT 'experience of ' || m.name || '@' || v.number || ' is no share between 0 and 1' FROM experience e"
      "  JOIN versions v ON v.id = e.model_id JOIN models m ON m.id = v.model_id"
      " WHERE typeof(e.items) <> 'integer' OR typeof(coalesce(e.accuracy, 0.5)) <> 'real'"
      "    OR typeof(coalesce(e.macro_f1, 0.5)) <> 'real' OR coalesce(e.accuracy, 0.5) NOT BETWEEN 0 AND 1"
      "    OR coalesce(e.macro_f1, 0.5) NOT BETWEEN 0 AND 1 LIMIT 20",
      "SELECT m.name || ' has version ' || max(v.number) || ' but gives out ' || m.next_version || ' next'"
      "  FROM versions v JOIN models m ON m.id = v.model_id GROUP BY m.id HAVING max(v.number) >= m.next_version LIMIT "
      "20",
  };
  bf_status status = BF_OK;
  *ok = true;
  for (size_t i = 0; status == BF_OK && i < sizeof checks / sizeof *checks; ++i)
    status = check_with(db, checks[i], fn, context, ok, err);
  return status;
}

/* FTS5 compares its index with the texts it keeps; we compare these with what they were made from. */
bf_status bf__db_check_index(bf__db *db, bool read_only, bf__db_line_fn fn, void *context, bool *ok, bf_error *err) {
  static const char *const checks[] = {
      "SELECT m.name || '@' || v.number || ' is not known to it' FROM versions v JOIN models m ON m.id = v.model_id"
      " WHERE v.indexed = 0 OR NOT EXISTS (SELECT 1 FROM texts WHERE texts.rowid = v.id) LIMIT 20",
      "SELECT 'it knows a version that is not there' FROM texts"
      " WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.id = texts.rowid) LIMIT 1",
      "SELECT m.name || '@' || v.number || ' has other words' FROM texts"
      "  JOIN versions v ON v.id = texts.rowid JOIN models m ON m.id = v.model_id"
      " WHERE texts.name <> m.name OR texts.summary <> v.summary OR texts.tags <> coalesce(" BF__TAGS_OF_V
      ", '') LIMIT 20",
      "INSERT INTO texts (texts) VALUES ('integrity-check')",
  };
  bf_status status = BF_OK;
  *ok = true;
  size_t n = sizeof checks / sizeof *checks - (read_only ? 1 : 0);
  for (size_t i = 0; status == BF_OK && i < n; ++i) status = check_with(db, checks[i], fn, context, ok, err);
  return status;
}
