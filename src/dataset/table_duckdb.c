/* Tables through DuckDB: CSV, TSV, JSON lines and Parquet, with SQL conditions on the columns. What becomes of the
 * columns is table.c's.
 *
 * One in-memory database a dataset, at most 128 MiB (more only where fit_memory() says so), no spilling to
 * disk, no extensions. The result streams: a chunk of at most 2,048 rows is fetched, and turned from columns to rows
 * straight into the batch; texts are lent as they lie in the chunk. Numbers arrive as DOUBLE (or FLOAT) and become
 * float32 here, because SQL's own cast fails on what does not fit, where we want a missing cell.
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
#include "dataset/json_keys.h"
#include "dataset/table.h"

/* The functions in use; the library is loaded with the first table. */
/* clang-format off */
#define DUCKDB_FUNCTIONS(X) \
  X(close) X(connect) X(data_chunk_get_size) X(data_chunk_get_vector) X(destroy_data_chunk) X(destroy_pending) \
  X(destroy_prepare) X(destroy_result) X(disconnect) X(execute_pending) X(fetch_chunk) X(free) \
  X(list_vector_get_child) X(nparams) X(open) X(pending_error) X(pending_prepared_streaming) X(prepare) \
  X(prepare_error) X(prepared_statement_type) X(query) X(query_progress) X(result_error) X(row_count) \
  X(string_t_data) X(string_t_length) X(validity_row_is_valid) X(value_int64) X(value_varchar) X(vector_get_data) \
  X(vector_get_validity)
/* clang-format on */

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
#define MAX_LINE_BYTES UINT64_C(2000000) /* DuckDB's own bound */
#define MAX_TABLE_COLUMNS 100000u        /* planning a query takes seconds by then */
#define MAX_PARQUET_MIB 1024
#define WIDE_COLUMNS 512u
#define CHUNK_ROWS 2048u
#define CHUNKS_HELD 5u /* columns of a chunk exist so many times between file and result */

/* A column of the chunk: its data and, of lists, those of what they hold. */
typedef struct chunk_column {
  const void *data, *inner, *numbers;
  uint64_t *valid, *inner_valid, *numbers_valid;
} chunk_column;

struct bf__table {
  duckdb_database database;
  duckdb_connection connection;
  duckdb_prepared_statement statement;
  duckdb_result result;
  bool has_result;
  duckdb_data_chunk chunk;
  bool ended;
  uint64_t file_bytes, footer_rows, group_mib;

  char *path; /* absolute */
  const char *compression;
  bool is_csv, is_parquet, has_header, is_compressed, plain_nulls;
  char delimiter;
  bf__column *columns; /* of the file */
  uint32_t n_columns;
  bf__choice *choices;
  uint32_t n_choices;
  bool *is_float;         /* [n_choices] */
  chunk_column *in_chunk; /* [n_choices] */
};

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

static bf_status table_error(const bf_dataset *d, const bf__table *t, const char *text, bf_error *err) {
  return bf__table_error(d, t->path, t->file_bytes, t->has_header, text, err);
}

static bf_status run(const bf_dataset *d, bf__table *t, const char *sql, duckdb_result *out, bf_error *err) {
  duckdb_result result;
  bf_status status = BF_OK;
  if (duck.query(t->connection, sql, &result) != DuckDBSuccess) {
    status = table_error(d, t, duck.result_error(&result), err);
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
static bf_status fit_row_groups(const bf_dataset *d, bf__table *t, bf_error *err) {
  bf__writer w = {0};
  duckdb_result result;
  bf_status status = BF_OK;
  put(&w,
      "SELECT coalesce(max(bytes), 0), coalesce(sum(n_rows), 0) FROM (SELECT sum(greatest(total_uncompressed_size, "
      "total_compressed_size)) // 1048576 AS bytes, max(row_group_num_rows) AS n_rows FROM parquet_metadata(");
  put_path(&w, t->path, true);
  put(&w, ") GROUP BY row_group_id)");
  BF_TRY(finish_sql(&w, err));
  BF_TRY(run(d, t, (const char *)w.data, &result, err));
  int64_t mib = duck.value_int64(&result, 0, 0), n_rows = duck.value_int64(&result, 1, 0);
  duck.destroy_result(&result);
  t->footer_rows = n_rows > 0 ? (uint64_t)n_rows : 0;
  if (mib > MAX_PARQUET_MIB)
    BF_TRY(bf__error(err, BF_ERR_LIMIT,
                     "%.80s: a row group of %lld MiB; at most %d MiB are read: write smaller row groups", d->shown,
                     (long long)mib, MAX_PARQUET_MIB));
  t->group_mib = mib > 0 ? (uint64_t)mib : 0;
out:
  bf__writer_deinit(&w);
  return status;
}

static bf_status open_database(const bf_dataset *d, bf__table *t, bf_error *err) {
  static const char *const SETTINGS[] = {"SET memory_limit='128MiB'",
                                         "SET temp_directory=''",
                                         "SET autoinstall_known_extensions=false",
                                         "SET autoload_known_extensions=false",
                                         "SET preserve_insertion_order=true",
                                         "SET enable_progress_bar=true",
                                         "SET enable_progress_bar_print=false"};
  bf__writer w = {0};
  char threads[40];
  bf_status status = need_duckdb(err);
  if (status != BF_OK) return status;
  if (duck.open(NULL, &t->database) != DuckDBSuccess || duck.connect(t->database, &t->connection) != DuckDBSuccess)
    return bf__error(err, BF_ERR_INTERNAL, "the table reader (DuckDB) does not start");
  for (size_t i = 0; i < sizeof SETTINGS / sizeof SETTINGS[0]; i++) BF_TRY(run(d, t, SETTINGS[i], NULL, err));
  /* A row group of Parquet is held once a thread, and one thread decodes faster than rows can be used. */
  snprintf(threads, sizeof threads, "SET threads=%u", t->is_parquet ? 1 : d->n_threads);
  BF_TRY(run(d, t, threads, NULL, err));
  put(&w, "SET allowed_paths=[");
  put_path(&w, t->path, false);
  put(&w, ",");
  put_path(&w, t->path, true);
  put(&w, "]");
  BF_TRY(finish_sql(&w, err));
  BF_TRY(run(d, t, (const char *)w.data, NULL, err));
  BF_TRY(run(d, t, "SET enable_external_access=false", NULL, err));
  if (t->is_parquet) BF_TRY(fit_row_groups(d, t, err));
out:
  bf__writer_deinit(&w);
  return status;
}

/* What 128 MiB cannot hold gets the memory that it needs: a large row group of Parquet, or chunks of very many columns.
 * A footer that lies raises a limit, and allocates nothing. From here on the configuration is locked. */
static bf_status fit_memory(const bf_dataset *d, bf__table *t, bf_error *err) {
  char limit[60];
  uint64_t mib = t->group_mib > 64 ? t->group_mib * 2 + 64 : 128;
  bf_status status = BF_OK;
  if (t->n_columns > WIDE_COLUMNS) {
    mib += (uint64_t)t->n_columns * CHUNK_ROWS * sizeof(double) * CHUNKS_HELD >> 20;
    BF_TRY(run(d, t, "SET threads=1", NULL, err));
  }
  if (mib > 128) {
    snprintf(limit, sizeof limit, "SET memory_limit='%lluMiB'", (unsigned long long)mib);
    BF_TRY(run(d, t, limit, NULL, err));
  }
  BF_TRY(run(d, t, "SET lock_configuration=true", NULL, err));
out:
  return status;
}

static bool is_number_type(const char *type, size_t n) {
  static const char *const NUMBERS[] = {"BOOLEAN",  "TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",
                                        "HUGEINT",  "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                                        "UHUGEINT", "DOUBLE",   "FLOAT"};
  for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
    if (strlen(NUMBERS[i]) == n && memcmp(type, NUMBERS[i], n) == 0) return true;
  return n > 8 && memcmp(type, "DECIMAL(", 8) == 0;
}

static bf__cells cells_of(const char *type) {
  const char *bracket = strchr(type, '[');
  if (bracket && is_number_type(type, (size_t)(bracket - type))) {
    uint32_t depth = 0;
    for (const char *p = bracket; *p; p++) depth += *p == '[';
    return depth == 1 ? BF__CELLS_LIST : depth == 2 ? BF__CELLS_LISTS : BF__CELLS_OTHER;
  }
  if (strcmp(type, "FLOAT") == 0) return BF__CELLS_FLOAT;
  if (is_number_type(type, strlen(type))) return BF__CELLS_NUMBER;
  if (strcmp(type, "DATE") == 0) return BF__CELLS_TIME;
  if (strncmp(type, "TIMESTAMP", 9) == 0 && !bracket) return BF__CELLS_TIME;
  return strcmp(type, "VARCHAR") == 0 ? BF__CELLS_TEXT : BF__CELLS_OTHER;
}

static bf_status csv_columns(bf_dataset *d, bf__table *t, bf_error *err) {
  static const char *const TYPES[] = {"DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "VARCHAR"};
  bf__csv_shape shape;
  bool is_tsv = strcmp(d->format->info.name, "tsv") == 0;
  bf_status status = bf__csv_shape_read(d->path, d->shown, is_tsv ? '\t' : 0, &shape, err);
  if (status != BF_OK) return status;
  t->has_header = shape.has_header;
  t->delimiter = shape.delimiter;
  t->columns = bf__alloc(shape.n_columns, sizeof *t->columns);
  if (!t->columns) BF_TRY(bf__error_memory(err, shape.n_columns * sizeof *t->columns));
  t->n_columns = shape.n_columns;
  for (uint32_t i = 0; i < shape.n_columns; i++) {
    t->columns[i].name = shape.names[i];
    shape.names[i] = NULL;
    t->columns[i].type = bf__strdup(TYPES[shape.types[i]]);
    if (!t->columns[i].type) BF_TRY(bf__error_memory(err, 16));
  }
out:
  bf__csv_shape_deinit(&shape);
  return status;
}

/* What a column of CSV or JSON is declared as. */
static const char *declared_type(const bf__table *t, const bf__column *c) {
  if (c->as_text) return "VARCHAR";
  if (t->is_csv) return c->type;
  switch (c->cells) {
    case BF__CELLS_NUMBER:
      return strcmp(c->type, "BOOLEAN") == 0 ? c->type : "DOUBLE";
    case BF__CELLS_LIST:
      return "DOUBLE[]";
    case BF__CELLS_LISTS:
      return "DOUBLE[][]";
    case BF__CELLS_OTHER:
      return "JSON";
    default:
      return c->type;
  }
}

/* read_csv(…), read_json(…) or read_parquet(…). Columns are declared once they are known. */
static void put_source(const bf__table *t, bf__writer *w) {
  bool is_parquet = t->is_parquet;
  put(w, t->is_csv ? "read_csv(" : is_parquet ? "read_parquet(" : "read_json(");
  put_path(w, t->path, true);
  put(w, ", hive_partitioning=false");
  if (is_parquet) {
    put(w, ")");
    return;
  }
  put(w, ", compression='");
  put(w, !t->is_csv && strcmp(t->compression, "none") == 0 ? "uncompressed" : t->compression);
  put(w, "'");
  if (t->is_csv) {
    put(w, ", auto_detect=false, strict_mode=true, quote='\"', escape='\"', nullstr=");
    put(w, t->plain_nulls ? "'', delim='" : "['','NA','N/A','NULL','null'], delim='");
    bf__write(w, &t->delimiter, 1);
    put(w, t->has_header ? "', header=true" : "', header=false");
  } else {
    char sample[64];
    snprintf(sample, sizeof sample, ", sample_size=%u", BF__JSON_SAMPLE_LINES);
    put(w, ", format='newline_delimited', maximum_object_size=4194304, map_inference_threshold=-1");
    put(w, sample);
  }
  for (uint32_t i = 0; i < t->n_columns; i++) {
    put(w, i ? ", " : ", columns={");
    put_quoted(w, t->columns[i].name, '\'');
    put(w, ": '");
    put(w, declared_type(t, &t->columns[i]));
    put(w, "'");
  }
  put(w, t->n_columns ? "})" : ")");
}

static bf_status describe_columns(bf_dataset *d, bf__table *t, bf_error *err) {
  bf__writer w = {0};
  duckdb_result result;
  bool has_result = false;
  bf_status status = BF_OK;
  put(&w, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ");
  put_source(t, &w);
  put(&w, ")");
  BF_TRY(finish_sql(&w, err));
  BF_TRY(run(d, t, (const char *)w.data, &result, err));
  has_result = true;
  idx_t n = duck.row_count(&result);
  if (n > BF__MAX_COLUMNS) BF_TRY(bf__error(err, BF_ERR_LIMIT, "%.80s: more than 1,000,000 columns", d->shown));
  t->columns = bf__alloc((size_t)n, sizeof *t->columns);
  if (!t->columns) BF_TRY(bf__error_memory(err, (size_t)n * sizeof *t->columns));
  t->n_columns = (uint32_t)n;
  for (idx_t i = 0; i < n; i++) {
    char *name = duck.value_varchar(&result, 0, i), *type = duck.value_varchar(&result, 1, i);
    t->columns[i].name = name ? bf__strdup(name) : NULL;
    t->columns[i].type = type ? bf__strdup(type) : NULL;
    duck.free(name);
    duck.free(type);
    if (!t->columns[i].name || !t->columns[i].type) BF_TRY(bf__error_memory(err, 64));
  }
out:
  if (has_result) duck.destroy_result(&result);
  bf__writer_deinit(&w);
  return status;
}

static void put_choice(const bf__table *t, uint32_t choice, bf__writer *w) {
  static const char *const CASTS[] = {[BF__CELLS_NUMBER] = "DOUBLE",
                                      [BF__CELLS_TEXT] = "VARCHAR",
                                      [BF__CELLS_LIST] = "DOUBLE[]",
                                      [BF__CELLS_LISTS] = "DOUBLE[][]"};
  const bf__column *c = &t->columns[t->choices[choice].column];
  bf__cells as = t->choices[choice].as;
  if (as == BF__CELLS_NUMBER && c->cells == BF__CELLS_TIME) {
    put(w, "CASE WHEN isfinite(");
    put_quoted(w, c->name, '"');
    put(w, ") THEN CAST(epoch(");
    put_quoted(w, c->name, '"');
    put(w, ") AS DOUBLE) / 86400.0 END");
    return;
  }
  if (!t->is_float[choice]) put(w, "CAST(");
  put_quoted(w, c->name, '"');
  if (t->is_float[choice]) return;
  put(w, " AS ");
  put(w, CASTS[as]);
  put(w, ")");
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

static void put_query(const bf_dataset *d, const bf__table *t, bool with_condition, bf__writer *w) {
  put(w, "SELECT ");
  for (uint32_t i = 0; i < t->n_choices; i++) {
    if (i) put(w, ", ");
    put_choice(t, i, w);
  }
  put(w, " FROM ");
  put_source(t, w);
  if (with_condition && d->where) {
    put(w, " WHERE (\n");
    put(w, d->where);
    put(w, "\n)");
  }
}

static bf_status prepare(const bf_dataset *d, bf__table *t, bool with_condition, bf_error *err) {
  bf__writer w = {0};
  char shortened[200];
  bf_status status = BF_OK;
  put_query(d, t, with_condition, &w);
  BF_TRY(finish_sql(&w, err));
  if (duck.prepare(t->connection, (const char *)w.data, &t->statement) != DuckDBSuccess) {
    const char *text = duck.prepare_error(t->statement);
    if (with_condition && d->where)
      status = bf__error(
          err, BF_ERR_INVALID_ARGUMENT, "--where: %.200s",
          bf__table_first_line(t->path, text ? text : "is not an SQL condition", shortened, sizeof shortened));
    else
      status = table_error(d, t, text, err);
    duck.destroy_prepare(&t->statement);
  } else if (duck.prepared_statement_type(t->statement) != DUCKDB_STATEMENT_TYPE_SELECT ||
             duck.nparams(t->statement) != 0) {
    status = bf__error(err, BF_ERR_INVALID_ARGUMENT, "--where: not a single SQL condition without parameters");
  }
out:
  bf__writer_deinit(&w);
  return status;
}

static bf_status start_query(const bf_dataset *d, bf__table *t, bf_error *err) {
  bf_status status = BF_OK;
  duckdb_pending_result pending = NULL;
  if (d->where) { /* once without it, so that an error of the file is not laid to the condition */
    BF_TRY(check_condition(d->where, err));
    BF_TRY(prepare(d, t, false, err));
    duck.destroy_prepare(&t->statement);
  }
  BF_TRY(prepare(d, t, true, err));
  if (duck.pending_prepared_streaming(t->statement, &pending) != DuckDBSuccess)
    BF_TRY(table_error(d, t, duck.pending_error(pending), err));
  if (duck.execute_pending(pending, &t->result) != DuckDBSuccess) {
    t->has_result = true;
    const char *text = duck.result_error(&t->result);
    BF_TRY(table_error(d, t, text ? text : duck.pending_error(pending), err));
  }
  t->has_result = true;
out:
  if (pending) duck.destroy_pending(&pending);
  return status;
}

bf_status bf__table_start(const bf_dataset *d, bf__table *t, const bf__choice *choices, uint32_t n, bf_error *err) {
  t->choices = bf__alloc(n, sizeof *t->choices);
  t->is_float = bf__alloc(n, sizeof *t->is_float);
  t->in_chunk = bf__alloc(n, sizeof *t->in_chunk);
  if (!t->choices || !t->is_float || !t->in_chunk) return bf__error_memory(err, n * sizeof *t->in_chunk);
  t->n_choices = n;
  memcpy(t->choices, choices, n * sizeof *choices);
  for (uint32_t i = 0; i < n; i++) {
    bf__column *c = &t->columns[choices[i].column];
    c->as_text = choices[i].as == BF__CELLS_TEXT;
    t->is_float[i] = choices[i].as == BF__CELLS_NUMBER && c->cells == BF__CELLS_FLOAT && t->is_parquet;
  }
  t->plain_nulls = d->kind == BF_KIND_TEXT || d->kind == BF_KIND_PAIR; /* "null" is a word */
  return start_query(d, t, err);
}

/* Reading */

/* DuckDB takes the end of cut or damaged compressed data for the end of the file, so the checksums are ours to verify.
 * Of delimited text it passes over a last line that is longer than it takes, so that is ours to notice too. */
static bf_status verify_end(const bf_dataset *d, const bf__table *t, bf_error *err) {
  bf__stream *stream = NULL;
  uint64_t position = 0, begin = 0; /* of the line that ends last */
  uint8_t *piece = bf__alloc(BF__HEAD_BYTES, 1);
  if (!piece) return bf__error_memory(err, BF__HEAD_BYTES);
  bool is_plain = !t->is_compressed && t->file_bytes > 2 * MAX_LINE_BYTES;
  if (is_plain) position = t->file_bytes - 2 * MAX_LINE_BYTES;
  bf_status status =
      is_plain ? bf__stream_open_at(d->path, position, &stream, err) : bf__stream_open(d->path, &stream, err);
  begin = position;
  for (size_t got = BF__HEAD_BYTES; status == BF_OK && got == BF__HEAD_BYTES; position += got) {
    status = bf__stream_read(stream, piece, BF__HEAD_BYTES, &got, err);
    const uint8_t *end = got > 1 ? memrchr(piece, '\n', got - 1) : NULL;
    if (end) begin = position + (size_t)(end - piece) + 1;
  }
  bf__stream_close(stream);
  free(piece);
  if (status != BF_OK || !t->is_csv || position - begin <= MAX_LINE_BYTES) return status;
  return bf__error(err, BF_ERR_LIMIT,
                   "%.60s: the last line is longer than 2,000,000 bytes, which is the most for delimited text",
                   d->shown);
}

static void look_at_column(bf__table *t, uint32_t i) {
  duckdb_vector v = duck.data_chunk_get_vector(t->chunk, i);
  chunk_column *c = &t->in_chunk[i];
  *c = (chunk_column){.data = duck.vector_get_data(v), .valid = duck.vector_get_validity(v)};
  if (t->choices[i].as == BF__CELLS_LISTS) {
    v = duck.list_vector_get_child(v);
    c->inner = duck.vector_get_data(v);
    c->inner_valid = duck.vector_get_validity(v);
  }
  if (t->choices[i].as == BF__CELLS_LIST || t->choices[i].as == BF__CELLS_LISTS) {
    v = duck.list_vector_get_child(v);
    c->numbers = duck.vector_get_data(v);
    c->numbers_valid = duck.vector_get_validity(v);
  }
}

bf_status bf__table_fetch(const bf_dataset *d, bf__table *t, size_t *n_rows, bf_error *err) {
  *n_rows = 0;
  if (t->chunk) duck.destroy_data_chunk(&t->chunk);
  while (*n_rows == 0 && !t->ended) {
    t->chunk = duck.fetch_chunk(t->result);
    if (!t->chunk) {
      const char *text = duck.result_error(&t->result);
      t->ended = true;
      bf_status status = t->is_compressed || t->is_csv ? verify_end(d, t, err) : BF_OK;
      if (status != BF_OK) return status;
      return text && text[0] ? table_error(d, t, text, err) : BF_OK;
    }
    *n_rows = (size_t)duck.data_chunk_get_size(t->chunk);
    if (*n_rows == 0) duck.destroy_data_chunk(&t->chunk);
  }
  for (uint32_t i = 0; *n_rows && i < t->n_choices; i++) look_at_column(t, i);
  return BF_OK;
}

/* Columns to rows, a block of rows at a time so that the rows written stay in the cache. */
void bf__table_numbers(const bf__table *t, uint32_t n_choices, size_t from, size_t n_rows, float *out) {
  for (size_t block = 0; block < n_rows; block += BLOCK_ROWS) {
    size_t end = block + BLOCK_ROWS < n_rows ? block + BLOCK_ROWS : n_rows;
    for (uint32_t c = 0; c < n_choices; c++) {
      const chunk_column *column = &t->in_chunk[c];
      float *to = out + c;
      if (t->is_float[c]) {
        const float *v = (const float *)column->data + from;
        for (size_t i = block; i < end; i++) to[i * n_choices] = fabsf(v[i]) <= 0x1.fffffep127f ? v[i] : NAN;
      } else {
        const double *v = (const double *)column->data + from;
        for (size_t i = block; i < end; i++) to[i * n_choices] = fabs(v[i]) < 0x1.ffffffp127 ? (float)v[i] : NAN;
      }
      for (size_t i = block; column->valid && i < end; i++)
        if (!duck.validity_row_is_valid(column->valid, from + i)) to[i * n_choices] = NAN;
    }
  }
}

static bool is_valid(uint64_t *valid, size_t row) {
  return !valid || duck.validity_row_is_valid(valid, row);
}

bool bf__table_text(const bf__table *t, uint32_t choice, size_t row, bf_string *out) {
  const chunk_column *c = &t->in_chunk[choice];
  *out = (bf_string){NULL, 0};
  if (!is_valid(c->valid, row)) return false;
  duckdb_string_t *strings = (duckdb_string_t *)(uintptr_t)c->data; /* the C API asks for it */
  *out = (bf_string){duck.string_t_data(&strings[row]), duck.string_t_length(strings[row])};
  return true;
}

static size_t list_at(const void *data, uint64_t *valid, size_t row, size_t *start) {
  const duckdb_list_entry *entries = data;
  *start = 0;
  if (!is_valid(valid, row)) return 0;
  *start = (size_t)entries[row].offset;
  return (size_t)entries[row].length;
}

size_t bf__table_list(const bf__table *t, uint32_t choice, size_t row, size_t *start) {
  return list_at(t->in_chunk[choice].data, t->in_chunk[choice].valid, row, start);
}

size_t bf__table_inner_list(const bf__table *t, uint32_t choice, size_t at, size_t *start) {
  return list_at(t->in_chunk[choice].inner, t->in_chunk[choice].inner_valid, at, start);
}

void bf__table_list_numbers(const bf__table *t, uint32_t choice, size_t start, size_t n, float *out, size_t stride) {
  const chunk_column *c = &t->in_chunk[choice];
  const double *v = (const double *)c->numbers + start;
  for (size_t i = 0; i < n; i++)
    out[i * stride] = is_valid(c->numbers_valid, start + i) && fabs(v[i]) < 0x1.ffffffp127 ? (float)v[i] : NAN;
}

void bf__table_progress(const bf__table *t, uint64_t *done_bytes, uint64_t *total_bytes) {
  *total_bytes = t->file_bytes;
  double percent = t->ended ? 100 : duck.query_progress(t->connection).percentage;
  if (!(percent >= 0)) percent = 0;
  if (percent > 100) percent = 100;
  *done_bytes = (uint64_t)((double)t->file_bytes * percent / 100);
}

void bf__table_free(bf__table *t) {
  if (!t) return;
  if (t->chunk) duck.destroy_data_chunk(&t->chunk);
  if (t->has_result) duck.destroy_result(&t->result);
  if (t->statement) duck.destroy_prepare(&t->statement);
  if (t->connection) duck.disconnect(&t->connection);
  if (t->database) duck.close(&t->database);
  for (uint32_t i = 0; i < t->n_columns; i++) {
    free(t->columns[i].name);
    free(t->columns[i].type);
  }
  free(t->columns);
  free(t->path);
  free(t->choices);
  free(t->is_float);
  free(t->in_chunk);
  free(t);
}

static bf_status setup(bf_dataset *d, bf__table *t, const bf__probe *probe, bf_error *err) {
  static const char *const COMPRESSIONS[] = {"none", "gzip", "zstd"};
  const char *format = d->format->info.name;
  bf_status status = BF_OK;
  t->is_csv = strcmp(format, "csv") == 0 || strcmp(format, "tsv") == 0;
  t->is_parquet = strcmp(format, "parquet") == 0;
  t->compression = COMPRESSIONS[probe->compression];
  t->file_bytes = probe->file_bytes;
  t->is_compressed = probe->compression != BF__COMPRESSION_NONE;
  if (t->is_parquet && t->is_compressed)
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "%.80s: Parquet compresses its columns itself, and cannot be read within %s: unpack it first",
                     d->shown, t->compression);
  t->path = realpath(d->path, NULL);
  if (!t->path) return bf__error(err, BF_ERR_IO, "%.100s: the path cannot be resolved", d->path);
  if (!t->is_csv && !t->is_parquet) BF_TRY(bf__json_keys_check(d, err));
  BF_TRY(open_database(d, t, err));
  BF_TRY(t->is_csv ? csv_columns(d, t, err) : describe_columns(d, t, err));
  if (t->n_columns > MAX_TABLE_COLUMNS)
    BF_TRY(bf__error(err, BF_ERR_LIMIT,
                     "%.60s: a table of %u columns; at most 100,000 are read from tables: write the numbers as .npy",
                     d->shown, t->n_columns));
  for (uint32_t i = 0; i < t->n_columns; i++) t->columns[i].cells = cells_of(t->columns[i].type);
  BF_TRY(fit_memory(d, t, err));
out:
  return status;
}

bf_status bf__table_create(bf_dataset *d, const bf__probe *probe, bf__table **out, bf_error *err) {
  *out = NULL;
  bf__table *t = bf__alloc(1, sizeof *t);
  if (!t) return bf__error_memory(err, sizeof *t);
  bf_status status = setup(d, t, probe, err);
  if (status != BF_OK) {
    bf__table_free(t);
    return status;
  }
  *out = t;
  return BF_OK;
}

const bf__column *bf__table_columns(const bf__table *t, uint32_t *n) {
  *n = t->n_columns;
  return t->columns;
}

uint64_t bf__table_row_hint(const bf__table *t) {
  return t->footer_rows;
}

/* ---- writing ---- */

bf_status bf_csv_to_parquet(const char *csv_path, const char *const *text_columns, size_t n_text_columns,
                            const char *parquet_path, bf_error *err) {
  duckdb_database database = NULL;
  duckdb_connection connection = NULL;
  duckdb_result result;
  bf__writer w = {0};
  bf_status status = need_duckdb(err);
  if (status != BF_OK) return status;
  put(&w, "COPY (SELECT * FROM read_csv(");
  put_quoted(&w, csv_path, '\'');
  put(&w, ", header=true, types={");
  for (size_t i = 0; i < n_text_columns; i++) {
    put(&w, i > 0 ? "," : "");
    put_quoted(&w, text_columns[i], '\'');
    put(&w, ":'VARCHAR'");
  }
  put(&w, "})) TO ");
  put_quoted(&w, parquet_path, '\'');
  put(&w, " (FORMAT parquet, COMPRESSION zstd)");
  BF_TRY(finish_sql(&w, err));
  if (duck.open(NULL, &database) != DuckDBSuccess || duck.connect(database, &connection) != DuckDBSuccess) {
    status = bf__error(err, BF_ERR_INTERNAL, "DuckDB does not start");
    goto out;
  }
  if (duck.query(connection, (const char *)w.data, &result) != DuckDBSuccess)
    status = bf__error(err, BF_ERR_IO, "cannot write %s: %s", parquet_path, duck.result_error(&result));
  duck.destroy_result(&result);
out:
  if (connection) duck.disconnect(&connection);
  if (database) duck.close(&database);
  bf__writer_deinit(&w);
  return status;
}
