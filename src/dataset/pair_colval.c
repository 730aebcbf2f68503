/* Pairs of records as `COL name VAL value COL name VAL value …<TAB>COL …<TAB>label`, the form in which the
 * entity-matching benchmarks of Ditto (Li et al., VLDB 2020) are published; the label may be missing.
 *
 * A value ends where " COL " begins another attribute, that is where a " VAL" follows before the next " COL "; so a
 * value may hold the word COL. Blanks around names and values are no part of them, and an empty value is a missing one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/lines.h"

#define MAX_ATTRIBUTES 10000u

typedef struct colval_reader {
  bf__lines lines;
  bf_pair *pairs;
  bf_field *fields;
  int32_t *labels;
  size_t pair_capacity, field_capacity, label_capacity;
  uint32_t n_fields; /* of this batch */
} colval_reader;

static bf_status bad_line(const bf_dataset *d, const colval_reader *r, int64_t row, const char *what, bf_error *err) {
  return bf__error_at(err, BF_ERR_FORMAT, row, "%.60s: line %llu %s", d->shown, (unsigned long long)r->lines.n_lines,
                      what);
}

static void trim(const char **p, const char **end) {
  while (*p < *end && **p == ' ') ++*p;
  while (*p < *end && (*end)[-1] == ' ') --*end;
}

static const char *find(const char *p, const char *end, const char *what, size_t n) {
  return p < end ? memmem(p, (size_t)(end - p), what, n) : NULL;
}

/* Where the attribute's name ends: at " VAL " or at a " VAL" that ends the record. */
static const char *find_value(const char *p, const char *end) {
  const char *at = find(p, end, " VAL ", 5);
  if (!at && end - p >= 4 && memcmp(end - 4, " VAL", 4) == 0) at = end - 4;
  return at;
}

/* The end of a value: the next " COL " behind which comes a " VAL" before another " COL ". */
static const char *value_end(const char *p, const char *end) {
  for (const char *at = find(p, end, " COL ", 5); at;) {
    const char *next = find(at + 4, end, " COL ", 5), *val = find_value(at + 4, next ? next + 1 : end);
    if (val) return at;
    at = next;
  }
  return end;
}

static bf_status add_field(colval_reader *r, const char *name, const char *name_end, const char *value, const char *end,
                           bf_error *err) {
  size_t n = (size_t)r->n_fields + 1;
  bf_field *fields = bf__reserve(r->fields, &r->field_capacity, n, sizeof *fields);
  if (!fields) return bf__error_memory(err, n * sizeof *fields);
  r->fields = fields;
  trim(&name, &name_end);
  trim(&value, &end);
  bf_status status = bf__lines_text(&r->lines, name, (size_t)(name_end - name), &fields[n - 1].name, err);
  if (status == BF_OK) status = bf__lines_text(&r->lines, value, (size_t)(end - value), &fields[n - 1].value, err);
  if (fields[n - 1].value.n_bytes == 0) fields[n - 1].value.bytes = NULL;
  if (status == BF_OK) r->n_fields++;
  return status;
}

static bf_status take_record(const bf_dataset *d, colval_reader *r, const char *p, const char *end, int64_t row,
                             bf_record *out, bf_error *err) {
  uint32_t first = r->n_fields;
  trim(&p, &end);
  while (p < end) {
    const char *name = p + 4, *val = NULL;
    if (end - p < 4 || memcmp(p, "COL ", 4) != 0 || !(val = find_value(p + 3, end)))
      return bad_line(d, r, row, "has a record that is not `COL name VAL value …`: repair it, or name another format",
                      err);
    const char *value = val + 4, *stop = value_end(value, end);
    if (value < stop && *value == ' ') value++;
    bf_status status = add_field(r, name < val ? name : val, val, value < stop ? value : stop, stop, err);
    if (status != BF_OK) return status;
    if (r->n_fields - first > MAX_ATTRIBUTES)
      return bf__error_at(err, BF_ERR_LIMIT, row, "%.60s: line %llu has a record of more than 10,000 attributes",
                          d->shown, (unsigned long long)r->lines.n_lines);
    p = stop < end ? stop + 1 : end;
  }
  out->n_fields = r->n_fields - first;
  return BF_OK;
}

static bf_status take_pair(bf_dataset *d, uint32_t row, bf__record_result *result, size_t *bytes, bf_error *err) {
  colval_reader *r = d->state;
  int64_t number = d->next_row + row;
  const char *line = NULL;
  size_t n = 0;
  if (row == 0) r->n_fields = 0;
  uint32_t first = r->n_fields;
  if (!bf__lines_next(&r->lines, &line, &n)) return BF_OK; /* *result is MORE */
  bf_pair *pairs = bf__reserve(r->pairs, &r->pair_capacity, (size_t)row + 1, sizeof *pairs);
  if (!pairs) return bf__error_memory(err, ((size_t)row + 1) * sizeof *pairs);
  r->pairs = pairs;
  int32_t *labels = bf__reserve(r->labels, &r->label_capacity, (size_t)row + 1, sizeof *labels);
  if (!labels) return bf__error_memory(err, ((size_t)row + 1) * sizeof *labels);
  r->labels = labels;
  pairs[row] = (bf_pair){0};
  labels[row] = -1;
  *result = BF__RECORD_ROW;
  *bytes = sizeof *pairs + sizeof *labels;
  if (n == 0) return BF_OK; /* an empty line is two empty records */
  const char *end = line + n, *tab = memchr(line, '\t', n);
  if (!tab) return bad_line(d, r, number, "has no tab between two records: repair it", err);
  const char *second = memchr(tab + 1, '\t', (size_t)(end - tab - 1));
  bf_status status = take_record(d, r, line, tab, number, &pairs[row].left, err);
  if (status == BF_OK) status = take_record(d, r, tab + 1, second ? second : end, number, &pairs[row].right, err);
  if (status == BF_OK && second) {
    if (memchr(second + 1, '\t', (size_t)(end - second - 1)))
      return bad_line(d, r, number, "has more than three fields: two records and a label are read", err);
    const char *label = second + 1;
    trim(&label, &end);
    status = bf__lines_label(&r->lines, d, label, (size_t)(end - label), number, &labels[row], err);
  }
  *bytes += (r->n_fields - first) * sizeof *r->fields;
  return status;
}

static bf_status colval_next(bf_dataset *d, bf_batch *out, bf_error *err) {
  colval_reader *r = d->state;
  bf_status status = bf__lines_batch(d, &r->lines, take_pair, &out->n_rows, err);
  const bf_field *at = r->fields;
  for (uint32_t i = 0; at && i < out->n_rows; i++) { /* the fields have stopped moving */
    r->pairs[i].left.fields = at;
    at += r->pairs[i].left.n_fields;
    r->pairs[i].right.fields = at;
    at += r->pairs[i].right.n_fields;
  }
  out->pairs = out->n_rows ? r->pairs : NULL;
  out->labels = out->n_rows && d->n_labels ? r->labels : NULL;
  return status;
}

static void colval_progress(const bf_dataset *d, uint64_t *done_bytes, uint64_t *total_bytes) {
  const colval_reader *r = d->state;
  bf__stream_progress(r->lines.stream, done_bytes, total_bytes);
}

static void colval_close(void *state) {
  colval_reader *r = state;
  bf__lines_deinit(&r->lines);
  free(r->pairs);
  free(r->fields);
  free(r->labels);
  free(r);
}

static const bf__reader_ops COLVAL_OPS = {colval_next, colval_progress, colval_close};

bf_status bf__colval_start(bf_dataset *d, bf__stream *stream, bf_error *err) {
  colval_reader *r = bf__alloc(1, sizeof *r);
  if (!r) {
    bf__stream_close(stream);
    return bf__error_memory(err, sizeof *r);
  }
  d->state = r;
  d->ops = &COLVAL_OPS;
  return bf__lines_init(&r->lines, d, stream, err);
}

bf_status bf__colval_open(bf_dataset *d, const bf__probe *probe, bf_error *err) {
  bf__stream *stream = NULL;
  bf_status status = bf__stream_open(probe->path, &stream, err);
  return status == BF_OK ? bf__colval_start(d, stream, err) : status;
}
