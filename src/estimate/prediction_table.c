/* Predictions from a table: one row an item, one column a model, the cells classes as they are spelt. The dataset room
 * reads the table; here its texts become numbers. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/dataset_internal.h"
#include "estimate/estimate_internal.h"
#include "estimate/predictions_internal.h"

#define MAX_ITEMS 2000000000u
#define LOOKS_LIKE_ID 20u /* different answers to as many items */

typedef struct table {
  bf_dataset *dataset; /* also numbers the classes */
  uint32_t n_columns;  /* models and truth */
  int32_t **cells;     /* [n_columns][capacity] */
  size_t n_rows, capacity;
} table;

/* The class that a cell spells: blanks around it are dropped, so is ".0" behind an integer (as programs write integers
 * beside missing ones); *n 0: no answer. */
static const char *canonical(bf_string cell, size_t *n) {
  const char *s = cell.bytes;
  *n = s ? cell.n_bytes : 0;
  while (*n && (s[0] == ' ' || s[0] == '\t')) s++, (*n)--;
  while (*n && (s[*n - 1] == ' ' || s[*n - 1] == '\t' || s[*n - 1] == '\r')) (*n)--;
  size_t digits = *n && s[0] == '-' ? 1 : 0, first = digits;
  while (digits < *n && s[digits] >= '0' && s[digits] <= '9') digits++;
  if (digits > first && digits + 1 < *n && s[digits] == '.') {
    size_t zeros = digits + 1;
    while (zeros < *n && s[zeros] == '0') zeros++;
    if (zeros == *n) *n = digits;
  }
  if ((*n == 2 && memcmp(s, "-1", 2) == 0) || (*n == 3 && (memcmp(s, "NaN", 3) == 0 || memcmp(s, "nan", 3) == 0)))
    *n = 0;
  return s;
}

static bf_status take_cell(table *t, const bf_field *field, int32_t *out, bf_error *err) {
  size_t n = 0;
  const char *s = canonical(field->value, &n);
  const char *why = "is this a column of predictions?";
  *out = -1;
  if (n == 0) return BF_OK;
  bf_status status = BF_ERR_FORMAT;
  if (n <= BF__MAX_LABEL_BYTES) {
    status = bf__dataset_label(t->dataset, s, n, out, NULL);
    if (status == BF_OK) return BF_OK;
    if (status == BF_ERR_MEMORY) return bf__error_memory(err, n);
    why = status == BF_ERR_FORMAT ? "it is not UTF-8 text" : "there are more than 1,000,000 classes";
  }
  return bf__error_at(err, status, (int64_t)t->n_rows,
                      "%.60s, row %zu, column \"%.*s\": a cell of %zu bytes is no class name: %s", t->dataset->shown,
                      t->n_rows, (int)(field->name.n_bytes < 60 ? field->name.n_bytes : 60), field->name.bytes, n, why);
}

static bf_status grow(table *t, size_t more, bf_error *err) {
  if (t->n_rows + more <= t->capacity) return BF_OK;
  if (t->n_rows + more > MAX_ITEMS) return bf__error(err, BF_ERR_LIMIT, "more than %u rows of predictions", MAX_ITEMS);
  size_t capacity = t->n_rows + more + t->n_rows / 2;
  for (uint32_t c = 0; c < t->n_columns; c++) {
    int32_t *grown = bf__realloc(t->cells[c], capacity, sizeof *grown);
    if (!grown) return bf__error_memory(err, capacity * sizeof *grown);
    t->cells[c] = grown;
  }
  t->capacity = capacity;
  return BF_OK;
}

static bf_status take_batch(table *t, const bf_batch *batch, bf_predictions *p, bf_error *err) {
  bf_status status = BF_OK;
  if (!t->cells) { /* the first: what the columns are called */
    t->n_columns = batch->n_string_columns;
    t->cells = bf__alloc(t->n_columns, sizeof *t->cells);
    p->models = bf__alloc(t->n_columns, sizeof *p->models);
    if (!t->cells || !p->models) return bf__error_memory(err, t->n_columns * sizeof *t->cells);
    for (uint32_t c = 0; c < t->n_columns; c++) {
      bf_string name = batch->strings[c].name;
      p->models[c] = bf__strndup(name.bytes, name.n_bytes);
      if (!p->models[c]) return bf__error_memory(err, name.n_bytes);
      p->n_models = c + 1;
    }
  }
  BF_TRY(grow(t, batch->n_rows, err));
  for (uint32_t i = 0; i < batch->n_rows; i++) {
    for (uint32_t c = 0; c < t->n_columns; c++)
      BF_TRY(take_cell(t, &batch->strings[(size_t)i * t->n_columns + c], &t->cells[c][t->n_rows], err));
    t->n_rows++;
  }
out:
  return status;
}

/* The truth's column leaves the models; it is the only place where its labels are looked at. */
static bf_status split_truth(table *t, bf_predictions *p, const char *name, bf_error *err) {
  if (!name) return BF_OK;
  uint32_t at = 0;
  while (at < t->n_columns && strcmp(p->models[at], name) != 0) at++;
  if (at == t->n_columns)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "truth: \"%.60s\" is not a column of %.60s", name,
                     t->dataset->shown);
  p->truth = t->cells[at];
  free(p->models[at]);
  for (uint32_t c = at; c + 1 < t->n_columns; c++) {
    t->cells[c] = t->cells[c + 1];
    p->models[c] = p->models[c + 1];
  }
  t->cells[--t->n_columns] = NULL;
  p->n_models = t->n_columns;
  if (t->n_columns == 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.60s has no column beside the truth", t->dataset->shown);
  return BF_OK;
}

/* Classes that models name get numbers of their own, so that the truth's do not enter. */
static bf_status number_classes(table *t, bf_predictions *p, bf_error *err) {
  bf_status status = BF_OK;
  size_t n_names = t->dataset->n_labels;
  int32_t *number = bf__alloc(n_names, sizeof *number);
  uint32_t *seen_by = bf__alloc(n_names, sizeof *seen_by);
  if (!number || !seen_by) BF_TRY(bf__error_memory(err, n_names * sizeof *number));
  for (uint32_t c = 0; c < t->n_columns; c++) {
    size_t n_answers = 0, n_different = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
      int32_t k = t->cells[c][i];
      if (k < 0) continue;
      n_answers++;
      n_different += seen_by[k] != c + 1;
      seen_by[k] = c + 1;
    }
    if (n_different == n_answers && n_answers >= LOOKS_LIKE_ID)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT,
                       "%.60s: the column \"%.60s\" has another value in every row, which is no prediction of classes: "
                       "leave it out (--drop)",
                       t->dataset->shown, p->models[c]));
  }
  for (size_t k = 0; k < n_names; k++) p->n_classes += seen_by[k] != 0;
  if (p->n_classes > BF__MAX_PANEL_CLASSES)
    BF_TRY(bf__error(err, BF_ERR_LIMIT, "%.60s has %zu different classes; at most %u are ranked", t->dataset->shown,
                     p->n_classes, BF__MAX_PANEL_CLASSES));
  if (p->n_classes == 0)
    BF_TRY(bf__error(err, BF_ERR_NOT_APPLICABLE, "%.60s has no answer of any model", t->dataset->shown));
  size_t n_classes = p->n_classes;
  p->n_classes = 0;
  p->classes = bf__alloc(n_classes, sizeof *p->classes);
  if (!p->classes) BF_TRY(bf__error_memory(err, n_classes * sizeof *p->classes));
  for (size_t k = 0; k < n_names; k++) {
    number[k] = BF__TRUTH_UNKNOWN_CLASS;
    if (seen_by[k] == 0) continue;
    number[k] = (int32_t)p->n_classes;
    p->classes[p->n_classes] = bf__strdup(t->dataset->label_names[k]);
    if (!p->classes[p->n_classes]) BF_TRY(bf__error_memory(err, 64));
    p->n_classes++;
  }
  for (uint32_t c = 0; c < t->n_columns; c++)
    for (size_t i = 0; i < t->n_rows; i++)
      if (t->cells[c][i] >= 0) t->cells[c][i] = number[t->cells[c][i]];
  for (size_t i = 0; p->truth && i < t->n_rows; i++)
    if (p->truth[i] >= 0) p->truth[i] = number[p->truth[i]];
out:
  free(number);
  free(seen_by);
  return status;
}

static bf_status open_table(const char *path, const bf_predictions_options *options, table *t, char **columns,
                            bf_error *err) {
  bf_dataset_options o = BF_DATASET_OPTIONS_INIT;
  if (options->models && options->drop)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "give either models to keep or columns to leave out, not both");
  if (options->classes)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the option classes is for arrays; a table spells its classes");
  o.kind = "features";
  o.columns = options->models;
  o.drop = options->drop;
  o.n_threads = options->n_threads;
  if (options->models && options->truth) {
    *columns = bf__asprintf("%s,\"%s\"", options->models, options->truth);
    if (!*columns) return bf__error_memory(err, strlen(options->models));
    o.columns = *columns;
  }
  bf_status status = bf__dataset_open_text(path, &o, &t->dataset, err);
  if (status != BF_OK) return status;
  if (t->dataset->format->uses & BF__USES_WHERE) return BF_OK; /* a table */
  return bf__error(err, BF_ERR_UNSUPPORTED,
                   "%.60s is read as %s; predictions are a table (csv, tsv, jsonl, parquet) or a .npy of models x "
                   "items x classes",
                   t->dataset->shown, t->dataset->format->info.name);
}

bf_status bf__predictions_of_table(const char *path, const bf_predictions_options *options, bf_predictions *out,
                                   bf_error *err) {
  bf_status status = BF_OK;
  table t = {0};
  char *columns = NULL;
  BF_TRY(open_table(path, options, &t, &columns, err));
  for (;;) {
    bf_batch batch;
    BF_TRY(bf_dataset_next(t.dataset, &batch, err));
    if (batch.n_rows == 0) break;
    BF_TRY(take_batch(&t, &batch, out, err));
  }
  if (t.n_rows == 0) BF_TRY(bf__error(err, BF_ERR_FORMAT, "%.80s has no rows", t.dataset->shown));
  out->n_items = t.n_rows;
  BF_TRY(split_truth(&t, out, options->truth, err));
  if (t.n_columns > BF__MAX_PANEL_MODELS)
    BF_TRY(bf__error(err, BF_ERR_LIMIT, "%.60s has %u columns; at most %u models are ranked", t.dataset->shown,
                     t.n_columns, BF__MAX_PANEL_MODELS));
  BF_TRY(number_classes(&t, out, err));
  out->votes = bf__alloc((size_t)t.n_columns * t.n_rows, sizeof *out->votes);
  if (!out->votes) BF_TRY(bf__error_memory(err, (size_t)t.n_columns * t.n_rows * sizeof *out->votes));
  for (uint32_t c = 0; c < t.n_columns; c++) {
    memcpy(out->votes + (size_t)c * t.n_rows, t.cells[c], t.n_rows * sizeof *out->votes);
    free(t.cells[c]);
    t.cells[c] = NULL;
  }
out:
  for (uint32_t c = 0; t.cells && c < t.n_columns; c++) free(t.cells[c]);
  free(t.cells);
  free(columns);
  bf_dataset_close(t.dataset);
  return status;
}
