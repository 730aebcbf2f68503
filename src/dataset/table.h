/* Between the SQL engine (table_duckdb.c) and the rows of each kind that are made of its columns (table.c). */
#ifndef BESTFIT_SRC_DATASET_TABLE_H
#define BESTFIT_SRC_DATASET_TABLE_H

#include "dataset/dataset_internal.h"

typedef enum bf__cells {
  BF__CELLS_NUMBER,
  BF__CELLS_FLOAT,
  BF__CELLS_TIME,
  BF__CELLS_TEXT,
  BF__CELLS_LIST,  /* of numbers */
  BF__CELLS_LISTS, /* lists of lists of numbers */
  BF__CELLS_OTHER,
} bf__cells;

typedef struct bf__column {
  char *name;
  char *type; /* SQL's, as the source declares it */
  bf__cells cells;
  bool as_text; /* read as it is spelt */
} bf__column;

/* A column that is wanted, and as what: BF__CELLS_NUMBER (DOUBLE, or FLOAT where is_float), TEXT, LIST or LISTS. */
typedef struct bf__choice {
  uint32_t column;
  bf__cells as;
} bf__choice;

typedef struct bf__table bf__table;
/* Opens the file and learns its columns, as many as *n, which are the table's. */
bf_status bf__table_create(bf_dataset *d, const bf__probe *probe, bf__table **out, bf_error *err);
void bf__table_free(bf__table *t);
const bf__column *bf__table_columns(const bf__table *t, uint32_t *n);
/* Rows that the file's footer claims; 0: it does not tell. */
uint64_t bf__table_row_hint(const bf__table *t);

/* Starts the query for these columns under the condition d->where. */
bf_status bf__table_start(const bf_dataset *d, bf__table *t, const bf__choice *choices, uint32_t n, bf_error *err);
/* The next rows, at most 2,048; *n_rows 0 at the end. What the functions below give is valid until the next call. */
bf_status bf__table_fetch(const bf_dataset *d, bf__table *t, size_t *n_rows, bf_error *err);
void bf__table_progress(const bf__table *t, uint64_t *done_bytes, uint64_t *total_bytes);

/* Of the rows fetched, by the number of the choice: */
/* the first n_choices, all numbers, as rows of n_choices cells; missing ones are NaN */
void bf__table_numbers(const bf__table *t, uint32_t n_choices, size_t from, size_t n_rows, float *out);
/* a text; false: NULL */
bool bf__table_text(const bf__table *t, uint32_t choice, size_t row, bf_string *out);
/* the length of a list (0: NULL), and where it begins among all numbers, or all inner lists, of the choice */
size_t bf__table_list(const bf__table *t, uint32_t choice, size_t row, size_t *start);
/* the same of an inner list */
size_t bf__table_inner_list(const bf__table *t, uint32_t choice, size_t at, size_t *start);
/* n numbers of the lists, from `start`, `stride` cells apart */
void bf__table_list_numbers(const bf__table *t, uint32_t choice, size_t start, size_t n, float *out, size_t stride);

/* ---- table_errors.c: what the engine says, in words for whoever has the file ---- */

bf_status bf__table_error(const bf_dataset *d, const char *path, uint64_t file_bytes, bool has_header, const char *text,
                          bf_error *err);
/* The first line of `text` without its kind, and without the path; returns `out`. */
const char *bf__table_first_line(const char *path, const char *text, char *out, size_t size);

#endif
