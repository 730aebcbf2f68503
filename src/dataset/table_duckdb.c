/* Tables through DuckDB: CSV, TSV, JSON lines and Parquet, with SQL conditions on the columns.
 *
 * One in-memory database a dataset, at most 128 MiB (more only where fit_memory() says so), no spilling to
 * disk, no extensions. The result streams: a chunk of at most 2,048 rows is fetched, and turned from columns to rows
 * straight into the batch. Numbers arrive as DOUBLE (or FLOAT) and become float32 here, because SQL's own cast fails on
 * what does not fit, where we want a missing cell.
 *
 * The condition `where` comes from a user. It may not close a parenthesis that it did not open, end the statement or
 * hold comments, and is placed on a line of its own within parentheses of a single prepared
 * SELECT, the file in question is the only allowed path, external access is off, and the configuration is locked: it
 * can compute on the columns, and nothing else. */
#include <duckdb.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/library.h"
#include "base/memory.h"
#include "dataset/dataset_internal.h"

/* The functions in use; the library is loaded with the first table. */
#define DUCKDB_FUNCTIONS(X)                                                                                           \
  X(close)                                                                                                            \
  X(connect) X(data_chunk_get_size) X(data_chunk_get_vector) X(destroy_data_chunk) X(destroy_pending)                 \
      X(destroy_prepare) X(destroy_result) X(disconnect) X(execute_pending) X(fetch_chunk) X(free) X(nparams) X(open) \
          X(pending_error) X(pending_prepared_streaming) X(prepare) X(prepare_error) X(prepared_statement_type)       \
              X(query) X(query_progress) X(result_error) X(row_count) X(string_t_data) X(string_t_length)             \
                  X(validity_row_is_valid) X(value_int64) X(value_varchar) X(vector_get_data) X(vector_get_validity)

static struct {
#define SLOT(name) __typeof__(duckdb_##name) *name;
  DUCKDB_FUNCTIONS(SLOT)
#undef SLOT
} duck;

static pthread_once_t duck_once = PTHREAD_ONCE_INIT;
static bf_status duck_status;
static bf_error duck_error;

static void load_duckdb(void) {
#define SYMBOL(name) {"duckdb_" #name, (void *)&duck.name},
  const bf__symbol symbols[] = {DUCKDB_FUNCTIONS(SYMBOL)};
#undef SYMBOL
  duck_status = bf__library_load("libduckdb.so", "reading tables", "run scripts/bootstrap, or install DuckDB 1.4",
                                 symbols, sizeof symbols / sizeof *symbols, &duck_error);
}

static bf_status need_duckdb(bf_error *err) {
  pthread_once(&duck_once, load_duckdb);
  if (duck_status != BF_OK && err) *err = duck_error;
  return duck_status;
}

#define BLOCK_ROWS 32u
#define MAX_PARQUET_MIB 1024
#define WIDE_COLUMNS 512u
#define CHUNK_ROWS 2048u
#define CHUNKS_HELD 5u /* columns of a chunk exist so many times between file and result */
#define MAX_LEFT_OUT_SHOWN 6u

typedef enum cell_type { CELL_NUMBER, CELL_FLOAT, CELL_TIME, CELL_TEXT, CELL_OTHER } cell_type;

typedef struct table_column {
  char *name;
  char *type; /* SQL's, as the source declares it */
  cell_type cells;
} table_column;

typedef struct table_reader {
  duckdb_database database;
  duckdb_connection connection;
  duckdb_prepared_statement statement;
  duckdb_result result;
  bool has_result;
  duckdb_data_chunk chunk;
  idx_t chunk_rows, chunk_position;
  bool ended;
  uint64_t file_bytes, footer_rows, group_mib;

  char *path; /* absolute */
  const char *compression;
  bool is_csv, has_header, is_compressed;
  char delimiter;
  table_column *columns; /* of the file */
  uint32_t n_columns;
  uint32_t *selected, n_selected;
  uint32_t label;    /* number, or UINT32_MAX */
  bool *is_float;    /* [n_selected] */
  const void **data; /* [n_selected] of the chunk */
  uint64_t **valid;
  float *cells;
  int32_t *labels;
  size_t rows_per_batch;
  bf_error late; /* found behind rows that were still given out */
} table_reader;

/* SQL text */

static void put(bf__writer *w, const char *text) {
  bf__write(w, text, strlen(text));
}

static void put_quoted(bf__writer *w, const char *text, char quote) {
  bf__write(w, &quote, 1);
  for (; *text; text++) {
    if (*text == quote) bf__write(w, &quote, 1);
    bf__write(w, text, 1);
  }
  bf__write(w, &quote, 1);
}

/* The path as a string literal in which nothing is a wildcard. */
static void put_path(bf__writer *w, const char *path, bool escape_wildcards) {
  put(w, "'");
  for (; *path; path++) {
    if (escape_wildcards && strchr("*?[", *path)) {
      char one[4] = {'[', *path, ']', 0};
      put(w, one);
    } else {
      put(w, *path == '\'' ? "''" : (char[2]){*path, 0});
    }
  }
  put(w, "'");
}

static bf_status finish_sql(bf__writer *w, bf_error *err) {
  bf__write_u8(w, 0);
  return w->failed ? bf__error_memory(err, w->size) : BF_OK;
}

/* Errors */

/* The number after `mark` in `text`; false if there is none. */
static bool number_after(const char *text, const char *mark, long long *out) {
  const char *p = strstr(text, mark);
  char *end = NULL;
  if (!p) return false;
  *out = strtoll(p + strlen(mark), &end, 10);
  return end != p + strlen(mark);
}

/* DuckDB's first line without its kind, and without the path. */
static const char *first_line(const table_reader *r, const char *text, char *out, size_t size) {
  const char *colon = strstr(text, "Error: ");
  if (colon && colon - text < 40) text = colon + 7;
  size_t n = strcspn(text, "\n");
  if (n >= size) n = size - 1;
  memcpy(out, text, n);
  out[n] = 0;
  char *at = r->path ? strstr(out, r->path) : NULL;
  if (at) {
    const char *slash = strrchr(r->path, '/');
    size_t skip = slash ? (size_t)(slash + 1 - r->path) : 0;
    memmove(at, at + skip, strlen(at + skip) + 1);
  }
  return out;
}

static bf_status csv_error(const bf_dataset *d, const table_reader *r, const char *text, long long line,
                           bf_error *err) {
  long long expected = 0, found = 0;
  int64_t row = line - 1 - (r->has_header ? 1 : 0);
  if (row < 0) row = 0;
  if (number_after(text, "Expected Number of Columns: ", &expected) && number_after(text, "Found: ", &found))
    return bf__error_at(
        err, BF_ERR_FORMAT, row,
        "%.60s: line %lld has %lld value%s where the first line has %lld: repair the line, or quote values "
        "that hold the separator",
        d->shown, line, found, found == 1 ? "" : "s", expected);
  const char *column = strstr(text, "column \"");
  if (column && strstr(text, "onvert")) {
    size_t n = strcspn(column + 8, "\"\n");
    const char *value = strstr(text, "string \"");
    size_t k = value ? strcspn(value + 8, "\"\n") : 0;
    return bf__error_at(
        err, BF_ERR_FORMAT, row,
        "%.50s: line %lld, column \"%.*s\": \"%.*s\" is not a number as in the rows before: repair it, or leave "
        "the column out with --drop",
        d->shown, line, (int)(n < 40 ? n : 40), column + 8, (int)(k < 30 ? k : 30), value ? value + 8 : "");
  }
  const char *reason = strstr(text, "nquote") || strstr(text, "nterminated quote") ? "a quote is not closed" : NULL;
  const char *second = strchr(text, '\n');
  char shortened[100] = "";
  if (!reason && second) {
    for (const char *p = second + 1; *p; p = p + strcspn(p, "\n") + (p[strcspn(p, "\n")] != 0)) {
      if (strncmp(p, "Original Line", 13) == 0) continue;
      snprintf(shortened, sizeof shortened, "%.*s", (int)strcspn(p, "\n"), p);
      break;
    }
  }
  return bf__error_at(err, BF_ERR_FORMAT, row, "%.60s: line %lld cannot be read (%s): repair the line", d->shown, line,
                      reason ? reason : shortened);
}

static bf_status table_error(const bf_dataset *d, const table_reader *r, const char *text, bf_error *err) {
  char shortened[150];
  long long line = 0;
  if (!text) text = "unknown reason";
  if (strncmp(text, "Out of Memory", 13) == 0)
    return bf__error(err, BF_ERR_MEMORY,
                     "%.60s: reading needs more memory than is allowed for its row groups or width: write "
                     "smaller row groups, or fewer columns",
                     d->shown);
  if (strstr(text, "CSV Error on Line: ") && number_after(text, "CSV Error on Line: ", &line))
    return csv_error(d, r, text, line, err);
  if (number_after(text, "in line ", &line)) {
    const char *reason = strstr(text, "in line ");
    reason = reason ? strstr(reason, ": ") : NULL;
    first_line(r, reason ? reason + 2 : text, shortened, sizeof shortened);
    return bf__error_at(err, BF_ERR_FORMAT, line > 0 ? line - 1 : 0,
                        "%.50s: line %lld: %.100s: repair the line, or leave the column out with --drop", d->shown,
                        line, shortened);
  }
  first_line(r, text, shortened, sizeof shortened);
  if (d->where && (strncmp(text, "Conversion", 10) == 0 || strncmp(text, "Permission", 10) == 0))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "--where: %.200s", shortened);
  if (strcmp(d->format->info.name, "parquet") == 0)
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)r->file_bytes,
                        "%.60s: not a whole Parquet file (%.100s): it was cut or "
                        "damaged, fetch it again",
                        d->shown, shortened);
  return bf__error(err, BF_ERR_FORMAT, "%.60s: cannot be read: %.150s", d->shown, shortened);
}

static bf_status run(const bf_dataset *d, table_reader *r, const char *sql, duckdb_result *out, bf_error *err) {
  duckdb_result result;
  bf_status status = BF_OK;
  if (duck.query(r->connection, sql, &result) != DuckDBSuccess) {
    status = table_error(d, r, duck.result_error(&result), err);
    duck.destroy_result(&result);
    return status;
  }
  if (out)
    *out = result;
  else
    duck.destroy_result(&result);
  return status;
}

/* Opening */

/* Rows and widest row group of a Parquet file, which its footer tells. A group above what 128 MiB can hold gets the
 * memory that it needs, up to MAX_PARQUET_MIB; a footer that lies raises a limit, and allocates nothing. */
static bf_status fit_row_groups(const bf_dataset *d, table_reader *r, bf_error *err) {
  bf__writer w = {0};
  duckdb_result result;
  bf_status status = BF_OK;
  put(&w,
      "SELECT coalesce(max(bytes), 0), coalesce(sum(n_rows), 0) FROM (SELECT sum(greatest(total_uncompressed_size, "
      "total_compressed_size)) // 1048576 AS bytes, max(row_group_num_rows) AS n_rows FROM parquet_metadata(");
  put_path(&w, r->path, true);
  put(&w, ") GROUP BY row_group_id)");
  BF_TRY(finish_sql(&w, err));
  BF_TRY(run(d, r, (const char *)w.data, &result, err));
  int64_t mib = duck.value_int64(&result, 0, 0), n_rows = duck.value_int64(&result, 1, 0);
  duck.destroy_result(&result);
  r->footer_rows = n_rows > 0 ? (uint64_t)n_rows : 0;
  if (mib > MAX_PARQUET_MIB)
    BF_TRY(bf__error(err, BF_ERR_LIMIT,
                     "%.80s: a row group of %lld MiB; at most %d MiB are read: write smaller row groups", d->shown,
                     (long long)mib, MAX_PARQUET_MIB));
  r->group_mib = mib > 0 ? (uint64_t)mib : 0;
out:
  bf__writer_deinit(&w);
  return status;
}

static bf_status open_database(const bf_dataset *d, table_reader *r, bf_error *err) {
  static const char *const SETTINGS[] = {"SET memory_limit='128MiB'",
                                         "SET temp_directory=''",
                                         "SET autoinstall_known_extensions=false",
                                         "SET autoload_known_extensions=false",
                                         "SET preserve_insertion_order=true",
                                         "SET enable_progress_bar=true",
                                         "SET enable_progress_bar_print=false"};
  bf__writer w = {0};
  char threads[40];
  bool is_parquet = strcmp(d->format->info.name, "parquet") == 0;
  bf_status status = need_duckdb(err);
  if (status != BF_OK) return status;
  if (duck.open(NULL, &r->database) != DuckDBSuccess || duck.connect(r->database, &r->connection) != DuckDBSuccess)
    return bf__error(err, BF_ERR_INTERNAL, "the table reader (DuckDB) does not start");
  for (size_t i = 0; i < sizeof SETTINGS / sizeof SETTINGS[0]; i++) BF_TRY(run(d, r, SETTINGS[i], NULL, err));
  /* A row group of Parquet is held once a thread, and one thread decodes faster than rows can be used. */
  snprintf(threads, sizeof threads, "SET threads=%u", is_parquet ? 1 : d->n_threads);
  BF_TRY(run(d, r, threads, NULL, err));
  put(&w, "SET allowed_paths=[");
  put_path(&w, r->path, false);
  put(&w, ",");
  put_path(&w, r->path, true);
  put(&w, "]");
  BF_TRY(finish_sql(&w, err));
  BF_TRY(run(d, r, (const char *)w.data, NULL, err));
  BF_TRY(run(d, r, "SET enable_external_access=false", NULL, err));
  if (is_parquet) BF_TRY(fit_row_groups(d, r, err));
out:
  bf__writer_deinit(&w);
  return status;
}

/* What 128 MiB cannot hold gets the memory that it needs: a large row group of Parquet, or chunks of very many columns.
 * A footer that lies raises a limit, and allocates nothing. From here on the configuration is locked. */
static bf_status fit_memory(const bf_dataset *d, table_reader *r, bf_error *err) {
  char limit[60];
  uint64_t mib = r->group_mib > 64 ? r->group_mib * 2 + 64 : 128;
  bf_status status = BF_OK;
  if (r->n_columns > WIDE_COLUMNS) {
    mib += (uint64_t)r->n_columns * CHUNK_ROWS * sizeof(double) * CHUNKS_HELD >> 20;
    BF_TRY(run(d, r, "SET threads=1", NULL, err));
  }
  if (mib > 128) {
    snprintf(limit, sizeof limit, "SET memory_limit='%lluMiB'", (unsigned long long)mib);
    BF_TRY(run(d, r, limit, NULL, err));
  }
  BF_TRY(run(d, r, "SET lock_configuration=true", NULL, err));
out:
  return status;
}

static cell_type cell_type_of(const char *type) {
  static const char *const NUMBERS[] = {"BOOLEAN",  "TINYINT",   "SMALLINT", "INTEGER", "BIGINT",   "HUGEINT",
                                        "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "DOUBLE"};
  for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
    if (strcmp(type, NUMBERS[i]) == 0) return CELL_NUMBER;
  if (strncmp(type, "DECIMAL(", 8) == 0 && !strchr(type, '[')) return CELL_NUMBER;
  if (strcmp(type, "FLOAT") == 0) return CELL_FLOAT;
  if (strcmp(type, "DATE") == 0) return CELL_TIME;
  if (strncmp(type, "TIMESTAMP", 9) == 0 && !strchr(type, '[')) return CELL_TIME;
  return strcmp(type, "VARCHAR") == 0 ? CELL_TEXT : CELL_OTHER;
}

static bf_status csv_columns(bf_dataset *d, table_reader *r, bf_error *err) {
  static const char *const TYPES[] = {"DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "VARCHAR"};
  bf__csv_shape shape;
  bool is_tsv = strcmp(d->format->info.name, "tsv") == 0;
  bf_status status = bf__csv_shape_read(d->path, d->shown, is_tsv ? '\t' : 0, &shape, err);
  if (status != BF_OK) return status;
  r->has_header = shape.has_header;
  r->delimiter = shape.delimiter;
  r->columns = bf__alloc(shape.n_columns, sizeof *r->columns);
  if (!r->columns) BF_TRY(bf__error_memory(err, shape.n_columns * sizeof *r->columns));
  r->n_columns = shape.n_columns;
  for (uint32_t i = 0; i < shape.n_columns; i++) {
    bool is_label = d->label && strcmp(shape.names[i], d->label) == 0;
    r->columns[i].name = shape.names[i];
    shape.names[i] = NULL;
    r->columns[i].type = bf__strdup(is_label ? "VARCHAR" : TYPES[shape.types[i]]);
    if (!r->columns[i].type) BF_TRY(bf__error_memory(err, 16));
  }
out:
  bf__csv_shape_deinit(&shape);
  return status;
}

/* read_csv(…), read_json(…) or read_parquet(…). Columns are declared once they are known. */
static void put_source(const bf_dataset *d, const table_reader *r, bf__writer *w) {
  bool is_parquet = strcmp(d->format->info.name, "parquet") == 0;
  put(w, r->is_csv ? "read_csv(" : is_parquet ? "read_parquet(" : "read_json(");
  put_path(w, r->path, true);
  put(w, ", hive_partitioning=false");
  if (is_parquet) {
    put(w, ")");
    return;
  }
  put(w, ", compression='");
  put(w, !r->is_csv && strcmp(r->compression, "none") == 0 ? "uncompressed" : r->compression);
  put(w, "'");
  if (r->is_csv) {
    put(w,
        ", auto_detect=false, strict_mode=true, quote='\"', escape='\"', nullstr=['','NA','N/A','NULL','null'], "
        "delim='");
    bf__write(w, &r->delimiter, 1);
    put(w, r->has_header ? "', header=true" : "', header=false");
  } else {
    put(w, ", format='newline_delimited', maximum_object_size=4194304");
  }
  for (uint32_t i = 0; i < r->n_columns; i++) {
    const table_column *c = &r->columns[i];
    put(w, i ? ", " : ", columns={");
    put_quoted(w, c->name, '\'');
    put(w, ": '");
    if (!r->is_csv && i == r->label)
      put(w, "VARCHAR");
    else
      put(w, c->cells == CELL_NUMBER && strcmp(c->type, "BOOLEAN") != 0 ? "DOUBLE"
             : c->cells == CELL_OTHER                                   ? "JSON"
                                                                        : c->type);
    put(w, "'");
  }
  put(w, r->n_columns ? "})" : ")");
}

static bf_status describe_columns(bf_dataset *d, table_reader *r, bf_error *err) {
  bf__writer w = {0};
  duckdb_result result;
  bool has_result = false;
  bf_status status = BF_OK;
  put(&w, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ");
  put_source(d, r, &w);
  put(&w, ")");
  BF_TRY(finish_sql(&w, err));
  BF_TRY(run(d, r, (const char *)w.data, &result, err));
  has_result = true;
  idx_t n = duck.row_count(&result);
  if (n > BF__MAX_COLUMNS) BF_TRY(bf__error(err, BF_ERR_LIMIT, "%.80s: more than 1,000,000 columns", d->shown));
  r->columns = bf__alloc((size_t)n, sizeof *r->columns);
  if (!r->columns) BF_TRY(bf__error_memory(err, (size_t)n * sizeof *r->columns));
  r->n_columns = (uint32_t)n;
  for (idx_t i = 0; i < n; i++) {
    char *name = duck.value_varchar(&result, 0, i), *type = duck.value_varchar(&result, 1, i);
    r->columns[i].name = name ? bf__strdup(name) : NULL;
    r->columns[i].type = type ? bf__strdup(type) : NULL;
    duck.free(name);
    duck.free(type);
    if (!r->columns[i].name || !r->columns[i].type) BF_TRY(bf__error_memory(err, 64));
  }
out:
  if (has_result) duck.destroy_result(&result);
  bf__writer_deinit(&w);
  return status;
}

static void warn_left_out(bf_dataset *d, const table_reader *r) {
  char list[400] = "";
  uint32_t n = 0;
  for (uint32_t i = 0; i < r->n_columns; i++) {
    if (i == r->label || r->columns[i].cells < CELL_TEXT) continue;
    if (n++ >= MAX_LEFT_OUT_SHOWN) continue;
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%.50s", used ? ", " : "", r->columns[i].name);
  }
  if (n)
    bf__dataset_warn(d, "%u column%s hold%s text or other values that are not numbers, and %s left out: %s%s", n,
                     n == 1 ? "" : "s", n == 1 ? "s" : "", n == 1 ? "is" : "are", list,
                     n > MAX_LEFT_OUT_SHOWN ? " …" : "");
}

static bf_status find_label(const bf_dataset *d, table_reader *r, bf_error *err) {
  char known[120] = "";
  r->label = UINT32_MAX;
  if (!d->label) return BF_OK;
  for (uint32_t i = 0; i < r->n_columns; i++) {
    if (strcmp(r->columns[i].name, d->label) == 0) {
      r->label = i;
      return BF_OK;
    }
    size_t n = strlen(known);
    if (n + 24 < sizeof known) snprintf(known + n, sizeof known - n, "%s%.20s", n ? ", " : "", r->columns[i].name);
  }
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "--label: \"%.40s\" is not a column of %.40s; it has: %s%s", d->label,
                   d->shown, known, strlen(known) + 24 >= sizeof known ? " …" : "");
}

static bf_status select_columns(bf_dataset *d, table_reader *r, bf_error *err) {
  char **names = bf__alloc(r->n_columns, sizeof *names);
  bool *keep = bf__alloc(r->n_columns, sizeof *keep);
  bf_status status = BF_OK;
  if (!names || !keep) BF_TRY(bf__error_memory(err, r->n_columns * sizeof *names));
  for (uint32_t i = 0; i < r->n_columns; i++) {
    names[i] = r->columns[i].name;
    keep[i] = r->columns[i].cells < CELL_TEXT && i != r->label;
  }
  BF_TRY(bf__select_columns(d, names, r->n_columns, keep, &r->selected, &r->n_selected, err));
  d->names = bf__alloc(r->n_selected, sizeof *d->names);
  r->is_float = bf__alloc(r->n_selected, sizeof *r->is_float);
  r->data = bf__alloc(r->n_selected, sizeof *r->data);
  r->valid = bf__alloc(r->n_selected, sizeof *r->valid);
  if (!d->names || !r->is_float || !r->data || !r->valid)
    BF_TRY(bf__error_memory(err, r->n_selected * sizeof *d->names));
  d->n_columns = r->n_selected;
  for (uint32_t i = 0; i < r->n_selected; i++) {
    const table_column *c = &r->columns[r->selected[i]];
    if (r->selected[i] == r->label)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "--columns: \"%.60s\" is the label, which never is a feature",
                       c->name));
    if (c->cells >= CELL_TEXT)
      BF_TRY(bf__error(err, BF_ERR_UNSUPPORTED,
                       "--columns: \"%.60s\" holds text or other values that are not numbers (%.40s)", c->name,
                       c->type));
    r->is_float[i] = c->cells == CELL_FLOAT && strcmp(d->format->info.name, "parquet") == 0;
    d->names[i] = bf__strdup(c->name);
    if (!d->names[i]) BF_TRY(bf__error_memory(err, 64));
  }
  if (!d->columns) warn_left_out(d, r);
out:
  free(names);
  free(keep);
  return status;
}

/* The last character of the text in quotes that starts at `p`; a doubled quote stands for itself. */
static const char *skip_quoted(const char *p, bool *has_backslash) {
  char quote = *p++;
  for (; *p; p++) {
    if (*p == '\\') *has_backslash = true;
    if (*p != quote) continue;
    if (p[1] != quote) return p;
    p++;
  }
  return p - 1;
}

/* A condition must stay within its parentheses, where it can only compute: not turn into a second query by closing
 * them. Strings such as $$…$$ and e'\\'' are refused, because their ends are not where this check would see them. */
static bf_status check_condition(const char *where, bf_error *err) {
  const char *wrong = NULL;
  int depth = 0;
  for (const char *p = where; *p && !wrong; p++) {
    if (*p == '\'' || *p == '"') {
      bool may_escape = *p == '\'' && p > where && (p[-1] == 'e' || p[-1] == 'E'), has_backslash = false;
      p = skip_quoted(p, &has_backslash);
      if (may_escape && has_backslash) wrong = "a string with a backslash after e";
    } else if (*p == '(') {
      depth++;
    } else if (*p == ')' && --depth < 0) {
      wrong = "a parenthesis is closed that was not opened";
    } else if (*p == ';' || *p == '$') {
      wrong = *p == ';' ? "a ; outside quotes" : "a $ outside quotes";
    } else if ((*p == '-' && p[1] == '-') || (*p == '/' && p[1] == '*')) {
      wrong = "a comment";
    }
  }
  if (!wrong) return BF_OK;
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "--where: %s: give one SQL condition", wrong);
}

static void put_query(const bf_dataset *d, const table_reader *r, bool with_condition, bf__writer *w) {
  put(w, "SELECT ");
  for (uint32_t i = 0; i < r->n_selected; i++) {
    const table_column *c = &r->columns[r->selected[i]];
    if (i) put(w, ", ");
    if (c->cells == CELL_TIME) {
      put(w, "CASE WHEN isfinite(");
      put_quoted(w, c->name, '"');
      put(w, ") THEN CAST(epoch(");
      put_quoted(w, c->name, '"');
      put(w, ") AS DOUBLE) / 86400.0 END");
    } else {
      put(w, r->is_float[i] ? "" : "CAST(");
      put_quoted(w, c->name, '"');
      put(w, r->is_float[i] ? "" : " AS DOUBLE)");
    }
  }
  if (r->label != UINT32_MAX) {
    put(w, ", CAST(");
    put_quoted(w, r->columns[r->label].name, '"');
    put(w, " AS VARCHAR)");
  }
  put(w, " FROM ");
  put_source(d, r, w);
  if (with_condition && d->where) {
    put(w, " WHERE (\n");
    put(w, d->where);
    put(w, "\n)");
  }
}

static bf_status prepare(const bf_dataset *d, table_reader *r, bool with_condition, bf_error *err) {
  bf__writer w = {0};
  char shortened[200];
  bf_status status = BF_OK;
  put_query(d, r, with_condition, &w);
  BF_TRY(finish_sql(&w, err));
  if (duck.prepare(r->connection, (const char *)w.data, &r->statement) != DuckDBSuccess) {
    const char *text = duck.prepare_error(r->statement);
    if (with_condition && d->where)
      status = bf__error(err, BF_ERR_INVALID_ARGUMENT, "--where: %.200s",
                         first_line(r, text ? text : "is not an SQL condition", shortened, sizeof shortened));
    else
      status = table_error(d, r, text, err);
    duck.destroy_prepare(&r->statement);
  } else if (duck.prepared_statement_type(r->statement) != DUCKDB_STATEMENT_TYPE_SELECT ||
             duck.nparams(r->statement) != 0) {
    status = bf__error(err, BF_ERR_INVALID_ARGUMENT, "--where: not a single SQL condition without parameters");
  }
out:
  bf__writer_deinit(&w);
  return status;
}

/* Prepared once without the condition where there is one, so that an error of the file is not laid to the condition. */
static bf_status start_query(const bf_dataset *d, table_reader *r, bf_error *err) {
  bf_status status = BF_OK;
  duckdb_pending_result pending = NULL;
  if (d->where) {
    BF_TRY(check_condition(d->where, err));
    BF_TRY(prepare(d, r, false, err));
    duck.destroy_prepare(&r->statement);
  }
  BF_TRY(prepare(d, r, true, err));
  if (duck.pending_prepared_streaming(r->statement, &pending) != DuckDBSuccess)
    BF_TRY(table_error(d, r, duck.pending_error(pending), err));
  if (duck.execute_pending(pending, &r->result) != DuckDBSuccess) {
    r->has_result = true;
    const char *text = duck.result_error(&r->result);
    BF_TRY(table_error(d, r, text ? text : duck.pending_error(pending), err));
  }
  r->has_result = true;
out:
  if (pending) duck.destroy_pending(&pending);
  return status;
}

/* Reading */

/* DuckDB takes the end of cut or damaged compressed data for the end of the file, so the checksums are ours to verify.
 */
static bf_status verify_compressed(const bf_dataset *d, bf_error *err) {
  bf__stream *stream = NULL;
  uint8_t *piece = bf__alloc(BF__HEAD_BYTES, 1);
  if (!piece) return bf__error_memory(err, BF__HEAD_BYTES);
  bf_status status = bf__stream_open(d->path, &stream, err);
  for (size_t got = BF__HEAD_BYTES; status == BF_OK && got == BF__HEAD_BYTES;)
    status = bf__stream_read(stream, piece, BF__HEAD_BYTES, &got, err);
  bf__stream_close(stream);
  free(piece);
  return status;
}

/* The next chunk with rows; r->ended at the end. */
static bf_status fetch(const bf_dataset *d, table_reader *r, bf_error *err) {
  duck.destroy_data_chunk(&r->chunk);
  r->chunk_rows = r->chunk_position = 0;
  while (r->chunk_rows == 0) {
    r->chunk = duck.fetch_chunk(r->result);
    if (!r->chunk) {
      const char *text = duck.result_error(&r->result);
      r->ended = true;
      bf_status status = r->is_compressed ? verify_compressed(d, err) : BF_OK;
      if (status != BF_OK) return status;
      return text && text[0] ? table_error(d, r, text, err) : BF_OK;
    }
    r->chunk_rows = duck.data_chunk_get_size(r->chunk);
    if (r->chunk_rows == 0) duck.destroy_data_chunk(&r->chunk);
  }
  for (uint32_t c = 0; c < r->n_selected; c++) {
    duckdb_vector v = duck.data_chunk_get_vector(r->chunk, c);
    r->data[c] = duck.vector_get_data(v);
    r->valid[c] = duck.vector_get_validity(v);
  }
  return BF_OK;
}

/* Columns to rows, a block of rows at a time so that the rows written stay in the cache. */
static void turn_rows(const table_reader *r, idx_t from, size_t n_rows, float *out) {
  for (size_t block = 0; block < n_rows; block += BLOCK_ROWS) {
    size_t end = block + BLOCK_ROWS < n_rows ? block + BLOCK_ROWS : n_rows;
    for (uint32_t c = 0; c < r->n_selected; c++) {
      float *to = out + c;
      if (r->is_float[c]) {
        const float *v = (const float *)r->data[c] + from;
        for (size_t i = block; i < end; i++) to[i * r->n_selected] = fabsf(v[i]) <= 0x1.fffffep127f ? v[i] : NAN;
      } else {
        const double *v = (const double *)r->data[c] + from;
        for (size_t i = block; i < end; i++) to[i * r->n_selected] = fabs(v[i]) < 0x1.ffffffp127 ? (float)v[i] : NAN;
      }
      for (size_t i = block; r->valid[c] && i < end; i++)
        if (!duck.validity_row_is_valid(r->valid[c], from + i)) to[i * r->n_selected] = NAN;
    }
  }
}

static bf_status take_labels(bf_dataset *d, table_reader *r, size_t n_rows, int32_t *out, bf_error *err) {
  duckdb_vector v = duck.data_chunk_get_vector(r->chunk, r->n_selected);
  duckdb_string_t *strings = duck.vector_get_data(v);
  uint64_t *valid = duck.vector_get_validity(v);
  for (size_t i = 0; i < n_rows; i++) {
    idx_t row = r->chunk_position + i;
    out[i] = -1;
    if (valid && !duck.validity_row_is_valid(valid, row)) continue;
    size_t n = duck.string_t_length(strings[row]);
    if (n == 0) continue;
    bf_status status = bf__dataset_label(d, duck.string_t_data(&strings[row]), n, &out[i], err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

static bf_status table_next(bf_dataset *d, bf_batch *out, bf_error *err) {
  table_reader *r = d->state;
  size_t rows = 0;
  bf_status status = BF_OK;
  if (r->late.code != BF_OK) {
    if (err) *err = r->late;
    return r->late.code;
  }
  while (rows < r->rows_per_batch) {
    if (r->chunk_position == r->chunk_rows) {
      if (r->ended) break;
      bf_error local = {0};
      status = fetch(d, r, &local);
      if (status != BF_OK) {
        r->late = local;
        if (rows) break; /* the rows before the bad one are given first */
        if (err) *err = local;
        return status;
      }
      continue;
    }
    size_t k = r->chunk_rows - r->chunk_position;
    if (k > r->rows_per_batch - rows) k = r->rows_per_batch - rows;
    turn_rows(r, r->chunk_position, k, r->cells + rows * r->n_selected);
    if (r->label != UINT32_MAX) {
      status = take_labels(d, r, k, r->labels + rows, err);
      if (status != BF_OK) return status;
    }
    r->chunk_position += k;
    rows += k;
  }
  out->n_rows = (uint32_t)rows;
  out->n_columns = r->n_selected;
  out->cells = rows ? r->cells : NULL;
  out->labels = rows && r->label != UINT32_MAX ? r->labels : NULL;
  return BF_OK;
}

static void table_progress(const bf_dataset *d, uint64_t *done_bytes, uint64_t *total_bytes) {
  const table_reader *r = d->state;
  *total_bytes = r->file_bytes;
  double percent = r->ended ? 100 : duck.query_progress(r->connection).percentage;
  if (!(percent >= 0)) percent = 0;
  if (percent > 100) percent = 100;
  *done_bytes = (uint64_t)((double)r->file_bytes * percent / 100);
}

static void table_close(void *state) {
  table_reader *r = state;
  if (!r) return;
  if (r->chunk) duck.destroy_data_chunk(&r->chunk);
  if (r->has_result) duck.destroy_result(&r->result);
  if (r->statement) duck.destroy_prepare(&r->statement);
  if (r->connection) duck.disconnect(&r->connection);
  if (r->database) duck.close(&r->database);
  for (uint32_t i = 0; i < r->n_columns; i++) {
    free(r->columns[i].name);
    free(r->columns[i].type);
  }
  free(r->columns);
  free(r->path);
  free(r->selected);
  free(r->is_float);
  free(r->data);
  free(r->valid);
  free(r->cells);
  free(r->labels);
  free(r);
}

static const bf__reader_ops TABLE_OPS = {table_next, table_progress, table_close};

static bf_status setup(bf_dataset *d, table_reader *r, const bf__probe *probe, bf_error *err) {
  static const char *const COMPRESSIONS[] = {"none", "gzip", "zstd"};
  const char *format = d->format->info.name;
  bool is_parquet = strcmp(format, "parquet") == 0;
  bf_status status = BF_OK;
  r->is_csv = strcmp(format, "csv") == 0 || strcmp(format, "tsv") == 0;
  r->compression = COMPRESSIONS[probe->compression];
  r->file_bytes = probe->file_bytes;
  r->is_compressed = probe->compression != BF__COMPRESSION_NONE;
  if (is_parquet && probe->compression != BF__COMPRESSION_NONE)
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "%.80s: Parquet compresses its columns itself, and cannot be read within %s: unpack it first",
                     d->shown, r->compression);
  r->path = realpath(d->path, NULL);
  if (!r->path) return bf__error(err, BF_ERR_IO, "%.100s: the path cannot be resolved", d->path);
  r->label = UINT32_MAX;
  BF_TRY(open_database(d, r, err));
  BF_TRY(r->is_csv ? csv_columns(d, r, err) : describe_columns(d, r, err));
  BF_TRY(fit_memory(d, r, err));
  for (uint32_t i = 0; i < r->n_columns; i++) r->columns[i].cells = cell_type_of(r->columns[i].type);
  BF_TRY(find_label(d, r, err));
  BF_TRY(select_columns(d, r, err));
  if (!d->where) d->row_hint = r->footer_rows;
  BF_TRY(start_query(d, r, err));
  r->rows_per_batch = d->batch_bytes / (r->n_selected * sizeof(float));
  if (r->rows_per_batch == 0) r->rows_per_batch = 1;
  if (r->rows_per_batch > 1u << 20) r->rows_per_batch = 1u << 20;
  r->cells = bf__alloc(r->rows_per_batch * r->n_selected, sizeof *r->cells);
  r->labels = bf__alloc(r->label == UINT32_MAX ? 1 : r->rows_per_batch, sizeof *r->labels);
  if (!r->cells || !r->labels) BF_TRY(bf__error_memory(err, r->rows_per_batch * r->n_selected * sizeof *r->cells));
out:
  return status;
}

bf_status bf__table_open(bf_dataset *d, const bf__probe *probe, bf_error *err) {
  table_reader *r = bf__alloc(1, sizeof *r);
  if (!r) return bf__error_memory(err, sizeof *r);
  bf_status status = setup(d, r, probe, err);
  if (status != BF_OK) {
    table_close(r);
    return status;
  }
  d->state = r;
  d->ops = &TABLE_OPS;
  return BF_OK;
}
