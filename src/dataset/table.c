/* Rows of each kind from the columns of a table.
 *
 *   features  numbers, true and false, dates as cells; texts as named strings
 *   text      one column
 *   pair      columns left_<name> and right_<name> (or ltable_, rtable_), or one column `left [SEP] right`
 *   series    columns of lists of numbers, each a channel, or one column of lists of lists ([steps][channels])
 *
 * A column named as label is never anything else, and no other column is taken for one. Texts are lent as they lie in
 * the engine's chunk, so a batch with texts ends where a chunk ends (2,048 rows); cells are copied, and fill it. */
#include "dataset/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define SHOWN_COLUMNS 6u
#define NONE UINT32_MAX
#define SEPARATOR "[SEP]"

typedef struct table_reader {
  bf__table *table;
  const bf__column *columns; /* of the file */
  uint32_t n_columns;
  bf__choice *choices; /* numbers or lists, then texts, then the label */
  uint32_t n_numbers, n_texts, n_choices;
  uint32_t label, n_left; /* label: the file's column or NONE */
  bool joined;            /* pairs from one column */
  size_t chunk_rows, chunk_position;
  uint32_t n_steps, n_channels;
  bf_string *names; /* [n_texts] */
  float *cells;
  int32_t *labels;
  bf_field *fields; /* [rows_per_batch][n_texts], or two a row where joined */
  bf_string *texts;
  bf_pair *pairs;
  size_t rows_per_batch;
  bf_error late; /* found behind rows that were still given out */
} table_reader;

/* Choosing columns */

static void list_column(char *list, size_t size, uint32_t *n, const char *name) {
  size_t used = strlen(list);
  if (*n < SHOWN_COLUMNS) snprintf(list + used, size - used, "%s%.50s", used ? ", " : "", name);
  if (*n == SHOWN_COLUMNS) snprintf(list + used, size - used, " …");
  ++*n;
}

static bf_status unknown_column(const bf_dataset *d, const table_reader *r, const char *option, const char *name,
                                bf_error *err) {
  char known[120] = "";
  size_t n = 0;
  for (uint32_t i = 0; i < r->n_columns && n + 24 < sizeof known; i++, n = strlen(known))
    snprintf(known + n, sizeof known - n, "%s%.20s", n ? ", " : "", r->columns[i].name);
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%s: \"%.40s\" is not a column of %.40s; it has: %s%s", option, name,
                   d->shown, known, n + 24 >= sizeof known ? " …" : "");
}

static bf_status find_column(const bf_dataset *d, const table_reader *r, const char *option, const char *name,
                             uint32_t *out, bf_error *err) {
  for (*out = 0; *out < r->n_columns; ++*out)
    if (strcmp(r->columns[*out].name, name) == 0) return BF_OK;
  return unknown_column(d, r, option, name, err);
}

static void choose(table_reader *r, uint32_t column, bf__cells as) {
  r->choices[r->n_choices++] = (bf__choice){column, as};
}

/* Numbers of the columns that `columns` and `drop` leave of those in `keep`; a label among them is refused. */
static bf_status select_columns(const bf_dataset *d, const table_reader *r, const bool *keep, uint32_t **out,
                                uint32_t *n_out, bf_error *err) {
  bf_status status = BF_OK;
  char **names = bf__alloc(r->n_columns, sizeof *names);
  if (!names) return bf__error_memory(err, r->n_columns * sizeof *names);
  for (uint32_t i = 0; i < r->n_columns; i++) names[i] = r->columns[i].name;
  BF_TRY(bf__select_columns(d, names, r->n_columns, keep, out, n_out, err));
  for (uint32_t i = 0; i < *n_out; i++)
    if ((*out)[i] == r->label)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "--columns: \"%.60s\" is the label, which never is a feature",
                       names[r->label]));
out:
  free(names);
  return status;
}

/* Features */

static void warn_left_out(bf_dataset *d, const table_reader *r) {
  char list[400] = "";
  uint32_t n = 0;
  for (uint32_t i = 0; i < r->n_columns; i++)
    if (i != r->label && r->columns[i].cells > BF__CELLS_TEXT) list_column(list, sizeof list, &n, r->columns[i].name);
  if (n)
    bf__dataset_warn(d, "%u column%s hold%s lists or other nested values, and %s left out: %s", n, n == 1 ? "" : "s",
                     n == 1 ? "s" : "", n == 1 ? "is" : "are", list);
}

static bool has_prefix(const char *name, const char *a, const char *b, const char **rest) {
  const char *prefix = strncmp(name, a, strlen(a)) == 0 ? a : strncmp(name, b, strlen(b)) == 0 ? b : NULL;
  if (prefix) *rest = name + strlen(prefix);
  return prefix != NULL;
}

/* -1: left, 1: right, 0: neither */
static int side_of(const char *name, const char **rest) {
  if (has_prefix(name, "left_", "ltable_", rest)) return -1;
  return has_prefix(name, "right_", "rtable_", rest) ? 1 : 0;
}

static void warn_pairs(bf_dataset *d, const table_reader *r) {
  bool left = false, right = false;
  const char *rest = NULL;
  for (uint32_t i = 0; i < r->n_columns; i++) {
    int side = side_of(r->columns[i].name, &rest);
    left |= side < 0;
    right |= side > 0;
  }
  if (left && right && !d->kind_named)
    bf__dataset_warn(d, "there are left and right columns: give --kind pair if a row is a pair of records");
}

static bf_status choose_features(bf_dataset *d, table_reader *r, bf_error *err) {
  uint32_t *selected = NULL, n = 0;
  bf_status status = BF_OK;
  bool *keep = bf__alloc(r->n_columns, sizeof *keep);
  if (!keep) return bf__error_memory(err, r->n_columns);
  for (uint32_t i = 0; i < r->n_columns; i++) keep[i] = r->columns[i].cells <= BF__CELLS_TEXT && i != r->label;
  BF_TRY(select_columns(d, r, keep, &selected, &n, err));
  for (uint32_t i = 0; i < n; i++) {
    const bf__column *c = &r->columns[selected[i]];
    if (c->cells > BF__CELLS_TEXT)
      BF_TRY(bf__error(err, BF_ERR_UNSUPPORTED, "--columns: \"%.60s\" holds lists or other nested values (%.40s)",
                       c->name, c->type));
    if (c->cells != BF__CELLS_TEXT && !d->as_text) choose(r, selected[i], BF__CELLS_NUMBER);
  }
  r->n_numbers = r->n_choices;
  for (uint32_t i = 0; i < n; i++)
    if (d->as_text || r->columns[selected[i]].cells == BF__CELLS_TEXT) choose(r, selected[i], BF__CELLS_TEXT);
  r->n_texts = r->n_choices - r->n_numbers;
  d->names = bf__alloc(r->n_numbers, sizeof *d->names);
  if (!d->names) BF_TRY(bf__error_memory(err, r->n_numbers * sizeof *d->names));
  d->n_columns = r->n_numbers;
  for (uint32_t i = 0; i < r->n_numbers; i++) {
    d->names[i] = bf__strdup(r->columns[r->choices[i].column].name);
    if (!d->names[i]) BF_TRY(bf__error_memory(err, 64));
  }
  if (!d->columns) warn_left_out(d, r);
  if (!d->as_text) warn_pairs(d, r);
out:
  free(keep);
  free(selected);
  return status;
}

/* Text */

/* The column named by the option text, else the only one of text. */
static bf_status find_text(const bf_dataset *d, const table_reader *r, uint32_t *out, bf_error *err) {
  char list[120] = "";
  uint32_t n = 0, first = 0;
  if (d->text) {
    bf_status status = find_column(d, r, "text", d->text, out, err);
    if (status != BF_OK) return status;
    if (*out == r->label)
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "text: \"%.60s\" is the label, which never is the text", d->text);
    if (r->columns[*out].cells <= BF__CELLS_TEXT) return BF_OK;
    return bf__error(err, BF_ERR_UNSUPPORTED, "text: \"%.60s\" holds lists or other nested values", d->text);
  }
  for (uint32_t i = 0; i < r->n_columns; i++) {
    if (i == r->label || r->columns[i].cells != BF__CELLS_TEXT) continue;
    if (n == 0) first = i;
    size_t used = strlen(list);
    if (used + 24 < sizeof list)
      snprintf(list + used, sizeof list - used, "%s%.20s", used ? ", " : "", r->columns[i].name);
    n++;
  }
  *out = first;
  if (n == 1) return BF_OK;
  if (n == 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                     "%.60s has no column of text beside the label: name one with the option text, or the format lines",
                     d->shown);
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.60s has %u columns of text: name one with the option text: %s",
                   d->shown, n, list);
}

static bf_status choose_text(bf_dataset *d, table_reader *r, bf_error *err) {
  uint32_t column = 0;
  if (d->columns || d->drop)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                     "the options columns and drop do not fit texts: name the column with the option text");
  bf_status status = find_text(d, r, &column, err);
  if (status != BF_OK) return status;
  choose(r, column, BF__CELLS_TEXT);
  r->n_texts = 1;
  return BF_OK;
}

/* Pairs */

static bf_status choose_joined(const bf_dataset *d, table_reader *r, bf_error *err) {
  uint32_t column = NONE;
  for (uint32_t i = 0; !d->text && i < r->n_columns; i++)
    if (i != r->label && (strcmp(r->columns[i].name, "pairs") == 0 || strcmp(r->columns[i].name, "pair") == 0))
      column = i;
  if (!d->text && column == NONE)
    return bf__error(
        err, BF_ERR_INVALID_ARGUMENT,
        "%.60s has no columns left_… and right_…, nor ltable_… and rtable_…, nor one named pairs: rename them, "
        "or name the column of `left [SEP] right` with the option text",
        d->shown);
  if (column == NONE) {
    bf_status status = find_text(d, r, &column, err);
    if (status != BF_OK) return status;
  }
  choose(r, column, BF__CELLS_TEXT);
  r->n_texts = 1;
  r->joined = true;
  return BF_OK;
}

static void warn_ignored(bf_dataset *d, const table_reader *r, const char *why) {
  char list[400] = "";
  uint32_t n = 0;
  for (uint32_t i = 0; i < r->n_columns; i++) {
    bool used = i == r->label;
    for (uint32_t k = 0; k < r->n_choices; k++) used |= r->choices[k].column == i;
    if (!used) list_column(list, sizeof list, &n, r->columns[i].name);
  }
  if (n) bf__dataset_warn(d, "%u column%s ignored, because %s: %s", n, n == 1 ? " is" : "s are", why, list);
}

static bf_status choose_pair(bf_dataset *d, table_reader *r, bf_error *err) {
  uint32_t *selected = NULL, n = 0, n_left = 0, n_right = 0;
  const char *rest = NULL;
  bf_status status = BF_OK;
  bool *keep = bf__alloc(r->n_columns, sizeof *keep);
  if (!keep) return bf__error_memory(err, r->n_columns);
  for (uint32_t i = 0; i < r->n_columns; i++) {
    int side = i == r->label || r->columns[i].cells > BF__CELLS_TEXT ? 0 : side_of(r->columns[i].name, &rest);
    keep[i] = side != 0;
    n_left += side < 0;
    n_right += side > 0;
  }
  if (d->text || (n_left == 0 && n_right == 0)) {
    if (d->columns || d->drop)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "the options columns and drop do not fit pairs in one column"));
    BF_TRY(choose_joined(d, r, err));
    warn_ignored(d, r, "the pairs are in one column; give labels as the option label to count them");
    goto out;
  }
  BF_TRY(select_columns(d, r, keep, &selected, &n, err));
  for (int side = -1; side <= 1; side += 2) {
    for (uint32_t i = 0; i < n; i++) {
      const char *name = r->columns[selected[i]].name;
      if (!keep[selected[i]])
        BF_TRY(
            bf__error(err, BF_ERR_INVALID_ARGUMENT, "--columns: \"%.60s\" begins with neither left_ nor right_", name));
      if (side_of(name, &rest) == side) choose(r, selected[i], BF__CELLS_TEXT);
    }
    if (side < 0) r->n_left = r->n_choices;
  }
  r->n_texts = r->n_choices;
  if (r->n_left == 0 || r->n_left == r->n_texts)
    BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.60s has columns of the %s records only: pairs need both",
                     d->shown, r->n_left ? "left" : "right"));
  if (!d->columns && !d->drop)
    warn_ignored(d, r, "the name begins with neither left_ nor right_; give labels as the option label to count them");
out:
  free(keep);
  free(selected);
  return status;
}

/* Series */

static bf_status choose_series(bf_dataset *d, table_reader *r, bf_error *err) {
  uint32_t *selected = NULL, n = 0, n_lists = 0;
  bf_status status = BF_OK;
  bool *keep = bf__alloc(r->n_columns, sizeof *keep);
  if (!keep) return bf__error_memory(err, r->n_columns);
  for (uint32_t i = 0; i < r->n_columns; i++) {
    bool is_list = r->columns[i].cells == BF__CELLS_LIST || r->columns[i].cells == BF__CELLS_LISTS;
    keep[i] = i != r->label && is_list;
    n_lists += keep[i];
  }
  if (n_lists == 0)
    BF_TRY(
        bf__error(err, BF_ERR_FORMAT, "%.60s: no column holds lists of numbers, of which series are made", d->shown));
  BF_TRY(select_columns(d, r, keep, &selected, &n, err));
  for (uint32_t i = 0; i < n; i++) {
    const bf__column *c = &r->columns[selected[i]];
    if (!keep[selected[i]])
      BF_TRY(bf__error(err, BF_ERR_UNSUPPORTED, "--columns: \"%.60s\" holds no lists of numbers", c->name));
    if (n > 1 && c->cells == BF__CELLS_LISTS)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT,
                       "\"%.60s\" holds lists of lists, which are a whole series, but is not the only column of lists: "
                       "choose with the option columns",
                       c->name));
    choose(r, selected[i], c->cells);
  }
  r->n_numbers = n;
  if (!d->columns && !d->drop) warn_ignored(d, r, "only lists of numbers are series");
out:
  free(keep);
  free(selected);
  return status;
}

/* Without a kind named: lists of numbers alone are series. */
static void guess_kind(bf_dataset *d, const table_reader *r) {
  bool lists = false, others = false;
  for (uint32_t i = 0; i < r->n_columns; i++) {
    if (i == r->label) continue;
    bool is_list = r->columns[i].cells == BF__CELLS_LIST || r->columns[i].cells == BF__CELLS_LISTS;
    lists |= is_list;
    others |= !is_list;
  }
  if (lists && !others && !d->kind_named && !d->columns && d->format->kinds & 1u << BF_KIND_SERIES)
    d->kind = BF_KIND_SERIES;
}

/* Rows */

static bf_status length_error(const bf_dataset *d, const table_reader *r, uint32_t channel, uint64_t row, size_t found,
                              bool inner, bf_error *err) {
  const char *name = r->columns[r->choices[channel].column].name;
  return bf__error_at(
      err, BF_ERR_MISMATCH, (int64_t)row,
      "%.50s: row %llu, column \"%.40s\" has %zu %s where the rows before have %u: cut or pad the series "
      "to one length",
      d->shown, (unsigned long long)row, name, found, inner ? "channels" : "steps", inner ? r->n_channels : r->n_steps);
}

static bf_status take_series(const bf_dataset *d, const table_reader *r, size_t in_chunk, uint64_t row, float *out,
                             bf_error *err) {
  size_t start = 0, n = 0;
  if (r->choices[0].as == BF__CELLS_LISTS) {
    size_t outer = 0;
    n = bf__table_list(r->table, 0, in_chunk, &outer);
    if (n != r->n_steps) return length_error(d, r, 0, row, n, false, err);
    for (size_t t = 0; t < r->n_steps; t++) {
      n = bf__table_inner_list(r->table, 0, outer + t, &start);
      if (n != r->n_channels) return length_error(d, r, 0, row, n, true, err);
      bf__table_list_numbers(r->table, 0, start, n, out + t * r->n_channels, 1);
    }
    return BF_OK;
  }
  for (uint32_t c = 0; c < r->n_channels; c++) {
    n = bf__table_list(r->table, c, in_chunk, &start);
    if (n != r->n_steps) return length_error(d, r, c, row, n, false, err);
    bf__table_list_numbers(r->table, c, start, n, out + c, r->n_channels);
  }
  return BF_OK;
}

static bf_field unnamed(const char *p, const char *end) {
  while (p < end && *p == ' ') p++;
  while (p < end && end[-1] == ' ') end--;
  return (bf_field){{"", 0}, {p < end ? p : NULL, (uint32_t)(end - p)}};
}

static bf_status take_joined(const bf_dataset *d, const table_reader *r, size_t in_chunk, uint64_t row,
                             bf_field *fields, bf_error *err) {
  bf_string text;
  const size_t k = sizeof SEPARATOR - 1;
  if (!bf__table_text(r->table, 0, in_chunk, &text)) text = (bf_string){"", 0};
  const char *end = text.bytes + text.n_bytes, *at = memmem(text.bytes, text.n_bytes, SEPARATOR, k);
  if (!at || memmem(at + k, (size_t)(end - at) - k, SEPARATOR, k))
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)row,
                        "%.60s: row %llu has %s %s between two records: one is needed", d->shown,
                        (unsigned long long)row, at ? "more than one" : "no", SEPARATOR);
  fields[0] = unnamed(text.bytes, at);
  fields[1] = unnamed(at + k, end);
  return BF_OK;
}

static void take_fields(const table_reader *r, bool empty_is_missing, size_t in_chunk, bf_field *out) {
  for (uint32_t i = 0; i < r->n_texts; i++) {
    out[i].name = r->names[i];
    bf__table_text(r->table, r->n_numbers + i, in_chunk, &out[i].value);
    if (empty_is_missing && out[i].value.n_bytes == 0) out[i].value.bytes = NULL;
  }
}

/* Row `in_chunk` of the chunk as row `at` of the batch, without its cells of features and its label. */
static bf_status take_row(const bf_dataset *d, table_reader *r, size_t in_chunk, size_t at, bf_error *err) {
  uint64_t row = (uint64_t)d->next_row + at;
  bf_status status = BF_OK;
  bf_field *fields = r->fields ? r->fields + at * (r->joined ? 2 : r->n_texts) : NULL;
  switch (d->kind) {
    case BF_KIND_SERIES:
      return take_series(d, r, in_chunk, row, r->cells + at * r->n_steps * r->n_channels, err);
    case BF_KIND_TEXT:
      if (!bf__table_text(r->table, 0, in_chunk, &r->texts[at])) r->texts[at] = (bf_string){"", 0};
      return BF_OK;
    case BF_KIND_PAIR:
      if (r->joined)
        status = take_joined(d, r, in_chunk, row, fields, err);
      else
        take_fields(r, true, in_chunk, fields);
      uint32_t n_left = r->joined ? 1 : r->n_left, n = r->joined ? 2 : r->n_texts;
      r->pairs[at] = (bf_pair){{fields, n_left}, {fields + n_left, n - n_left}};
      return status;
    default:
      if (fields) take_fields(r, false, in_chunk, fields);
      return BF_OK;
  }
}

static bf_status take_label(bf_dataset *d, table_reader *r, size_t in_chunk, size_t at, bf_error *err) {
  bf_string name;
  r->labels[at] = -1;
  if (r->label == NONE || !bf__table_text(r->table, r->n_choices - 1, in_chunk, &name) || name.n_bytes == 0)
    return BF_OK;
  return bf__dataset_label(d, name.bytes, name.n_bytes, &r->labels[at], err);
}

/* Rows from the chunk, *taken of them; an error comes with the rows before it. */
static bf_status take_rows(bf_dataset *d, table_reader *r, size_t n, size_t at, size_t *taken, bf_error *err) {
  if (d->kind == BF_KIND_FEATURES && r->n_numbers)
    bf__table_numbers(r->table, r->n_numbers, r->chunk_position, n, r->cells + at * r->n_numbers);
  if (d->kind == BF_KIND_FEATURES && r->n_texts == 0 && r->label == NONE) {
    *taken = n;
    return BF_OK;
  }
  for (*taken = 0; *taken < n; ++*taken) {
    bf_status status = take_row(d, r, r->chunk_position + *taken, at + *taken, err);
    if (status == BF_OK) status = take_label(d, r, r->chunk_position + *taken, at + *taken, err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

static bf_status fill_batch(bf_dataset *d, table_reader *r, size_t *rows, bf_error *err) {
  while (*rows < r->rows_per_batch) {
    if (r->chunk_position == r->chunk_rows) {
      if (*rows && r->n_texts) break; /* they lie in the chunk */
      r->chunk_position = 0;
      bf_status status = bf__table_fetch(d, r->table, &r->chunk_rows, err);
      if (status != BF_OK || r->chunk_rows == 0) return status;
    }
    size_t n = r->chunk_rows - r->chunk_position, taken = 0;
    if (n > r->rows_per_batch - *rows) n = r->rows_per_batch - *rows;
    bf_status status = take_rows(d, r, n, *rows, &taken, err);
    *rows += taken;
    r->chunk_position += taken;
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

static bf_status table_next(bf_dataset *d, bf_batch *out, bf_error *err) {
  table_reader *r = d->state;
  size_t rows = 0;
  if (r->late.code == BF_OK) {
    bf_status status = fill_batch(d, r, &rows, &r->late);
    if (status != BF_OK) r->late.code = status;
  }
  if (rows == 0) { /* the rows before a bad one are given first */
    if (r->late.code != BF_OK && err) *err = r->late;
    return r->late.code;
  }
  out->n_rows = (uint32_t)rows;
  out->n_columns = d->n_columns;
  out->cells = d->n_columns ? r->cells : NULL;
  out->labels = r->label != NONE ? r->labels : NULL;
  out->n_steps = r->n_steps;
  out->n_channels = r->n_channels;
  out->texts = r->texts;
  out->pairs = r->pairs;
  if (d->kind == BF_KIND_FEATURES && r->n_texts) {
    out->strings = r->fields;
    out->n_string_columns = r->n_texts;
  }
  return BF_OK;
}

static void table_progress(const bf_dataset *d, uint64_t *done_bytes, uint64_t *total_bytes) {
  const table_reader *r = d->state;
  bf__table_progress(r->table, done_bytes, total_bytes);
}

static void table_close(void *state) {
  table_reader *r = state;
  if (!r) return;
  bf__table_free(r->table);
  free(r->choices);
  free(r->names);
  free(r->cells);
  free(r->labels);
  free(r->fields);
  free(r->texts);
  free(r->pairs);
  free(r);
}

static const bf__reader_ops TABLE_OPS = {table_next, table_progress, table_close};

/* Opening */

/* Steps and channels, which the first row tells. */
static bf_status look_at_series(bf_dataset *d, table_reader *r, bf_error *err) {
  size_t start = 0, steps = 0, channels = r->n_numbers, at = 0;
  bf_status status = bf__table_fetch(d, r->table, &r->chunk_rows, err);
  if (status != BF_OK || r->chunk_rows == 0) return status;
  steps = bf__table_list(r->table, 0, 0, &start);
  if (r->choices[0].as == BF__CELLS_LISTS) channels = steps ? bf__table_inner_list(r->table, 0, start, &at) : 0;
  if (steps == 0 || channels == 0)
    return bf__error_at(err, BF_ERR_FORMAT, 0, "%.60s: the series of row 0 is empty: leave such rows out with where",
                        d->shown);
  if (steps > BF__MAX_COLUMNS || channels > BF__MAX_COLUMNS || steps * channels > BF__MAX_COLUMNS)
    return bf__error(err, BF_ERR_LIMIT,
                     "%.60s: a series of %zu steps and %zu channels; at most 1,000,000 numbers are read", d->shown,
                     steps, channels);
  r->n_steps = (uint32_t)steps;
  r->n_channels = (uint32_t)channels;
  d->n_columns = r->n_steps * r->n_channels;
  return BF_OK;
}

static bf_status make_room(bf_dataset *d, table_reader *r, bf_error *err) {
  size_t fields = d->kind == BF_KIND_TEXT ? 0 : r->joined ? 2 : r->n_texts;
  size_t row = d->n_columns * sizeof(float) + fields * sizeof(bf_field) + sizeof(int32_t);
  if (d->kind == BF_KIND_TEXT) row += sizeof(bf_string);
  if (d->kind == BF_KIND_PAIR) row += sizeof(bf_pair);
  size_t n = d->batch_bytes / row, most = r->n_texts ? 2048 : (size_t)1 << 20;
  n = n > most ? most : n ? n : 1;
  r->rows_per_batch = n;
  r->labels = bf__alloc(n, sizeof *r->labels);
  r->cells = bf__alloc(n * d->n_columns, sizeof *r->cells);
  r->names = bf__alloc(r->n_texts, sizeof *r->names);
  if (fields) r->fields = bf__alloc(n * fields, sizeof *r->fields);
  if (d->kind == BF_KIND_TEXT) r->texts = bf__alloc(n, sizeof *r->texts);
  if (d->kind == BF_KIND_PAIR) r->pairs = bf__alloc(n, sizeof *r->pairs);
  if (!r->labels || !r->cells || !r->names || (fields && !r->fields) || (d->kind == BF_KIND_TEXT && !r->texts) ||
      (d->kind == BF_KIND_PAIR && !r->pairs))
    return bf__error_memory(err, n * row);
  for (uint32_t i = 0; i < r->n_texts; i++) {
    const char *name = r->columns[r->choices[r->n_numbers + i].column].name;
    if (d->kind == BF_KIND_PAIR) side_of(name, &name);
    r->names[i] = (bf_string){name, (uint32_t)strlen(name)};
  }
  return BF_OK;
}

static bf_status choose_columns(bf_dataset *d, table_reader *r, bf_error *err) {
  if (d->kind == BF_KIND_FEATURES) guess_kind(d, r);
  if (d->text && d->kind != BF_KIND_TEXT && d->kind != BF_KIND_PAIR)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the option text does not fit the kind %s: give --kind text",
                     bf_kind_name(d->kind));
  switch (d->kind) {
    case BF_KIND_SERIES:
      return choose_series(d, r, err);
    case BF_KIND_TEXT:
      return choose_text(d, r, err);
    case BF_KIND_PAIR:
      return choose_pair(d, r, err);
    default:
      return choose_features(d, r, err);
  }
}

static bf_status setup(bf_dataset *d, table_reader *r, const bf__probe *probe, bf_error *err) {
  bf_status status = BF_OK;
  BF_TRY(bf__table_create(d, probe, &r->table, err));
  r->columns = bf__table_columns(r->table, &r->n_columns);
  r->label = NONE;
  if (d->label) BF_TRY(find_column(d, r, "label", d->label, &r->label, err));
  r->choices = bf__alloc((size_t)r->n_columns + 1, sizeof *r->choices);
  if (!r->choices) BF_TRY(bf__error_memory(err, ((size_t)r->n_columns + 1) * sizeof *r->choices));
  BF_TRY(choose_columns(d, r, err));
  if (r->label != NONE) choose(r, r->label, BF__CELLS_TEXT);
  if (!d->where) d->row_hint = bf__table_row_hint(r->table);
  BF_TRY(bf__table_start(d, r->table, r->choices, r->n_choices, err));
  if (d->kind == BF_KIND_SERIES) BF_TRY(look_at_series(d, r, err));
  BF_TRY(make_room(d, r, err));
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
