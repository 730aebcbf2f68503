/* Statements on the repository's database: what database.c and query.c say SQL through, so that one file alone knows
 * the library behind it. */
#ifndef BESTFIT_SRC_STORE_SQL_H
#define BESTFIT_SRC_STORE_SQL_H

#include "store/database.h"

/* A prepared statement with its parameters. Binds are checked all at once, when it runs: a failed one is out of memory,
 * and the statement would read a NULL. */
typedef struct bf__sql {
  bf__db *db;
  struct sqlite3_stmt *s;
  int n, rc;
} bf__sql;

/* Prepares; end it with bf__sql_end or bf__sql_run. */
bf_status bf__sql_prepare(bf__db *db, const char *text, bf__sql *out, bf_error *err);
/* The next parameter. Texts are borrowed until the statement ends; NULL is NULL. */
void bf__sql_bind_text(bf__sql *q, const char *text);
void bf__sql_bind_text_n(bf__sql *q, const char *text, size_t n);
void bf__sql_bind_integer(bf__sql *q, int64_t value);
void bf__sql_bind_real(bf__sql *q, double value);
/* One step: *row tells whether there is a row to read. */
bf_status bf__sql_step(bf__sql *q, bool *row, bf_error *err);
/* Runs a statement that gives no rows, and ends it. */
bf_status bf__sql_run(bf__sql *q, bf_error *err);
void bf__sql_end(bf__sql *q);
/* Prepares, takes the first column of the first row (0: no row) and ends. The parameter is left out where text is NULL.
 */
bf_status bf__sql_integer(bf__db *db, const char *text, const char *parameter, int64_t *out, bf_error *err);
/* Several statements without parameters. */
bf_status bf__sql_execute(bf__db *db, const char *text, bf_error *err);

/* Columns of the row. A text lives until the next step; NULL only where the column is NULL. */
bool bf__sql_is_null(const bf__sql *q, int column);
const char *bf__sql_text(const bf__sql *q, int column);
const char *bf__sql_text_or_empty(const bf__sql *q, int column);
int64_t bf__sql_signed(const bf__sql *q, int column);
/* Numbers are checked when they are written; a damaged row gives 0 rather than a wrapped one. */
uint64_t bf__sql_unsigned(const bf__sql *q, int column);
uint32_t bf__sql_version(const bf__sql *q, int column);
double bf__sql_real(const bf__sql *q, int column); /* NaN: NULL */

/* Rows that the last statement changed; the id of the row that it inserted. */
uint32_t bf__sql_changes(const bf__db *db);
int64_t bf__sql_last_id(const bf__db *db);
const char *bf__sql_path(const bf__db *db);

/* Tags of the version v as listings show them: in their order, with commas between. */
#define BF__TAGS_OF_V                                                                                            \
  "(SELECT group_concat(t, ',') FROM (SELECT CASE WHEN value IS NULL THEN key ELSE key || '=' || value END AS t" \
  " FROM tags WHERE version_id = v.id ORDER BY position))"

#endif
