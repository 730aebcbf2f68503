/* Samples as bytes, docs/formats/sample-v1.md: a container (base/container.h) around a head and rows.
 *
 * Read as coming from a stranger: no count is believed beyond the bytes that are left, memory is bounded by the
 * sample's own limit, and what a dataset promises (UTF-8, numbers of labels, pixels within the range) is checked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/parse.h"
#include "dataset/row_sample.h"

#define MAGIC "BFSM"
#define VERSION 1
#define MISSING UINT32_MAX
#define HEAD_SLACK 4096u /* of the content, beyond what the rows take in memory */

enum { HAS_LABELS = 1, HAS_COLUMN_NAMES = 2, ALL_FLAGS = 3 };

/* ------------------------------------------------------------------ writing */

static void write_string(bf__writer *w, const char *bytes, uint32_t n) {
  bf__write_u32(w, bytes == NULL ? MISSING : n);
  if (bytes != NULL) bf__write(w, bytes, n);
}

static void write_cells(bf__writer *w, const float *cells, size_t n) {
  for (size_t i = 0; i < n; i++) bf__write_f32(w, isnan(cells[i]) ? NAN : cells[i]); /* one NaN, whatever the format */
}

static void write_fields(bf__writer *w, const bf_field *fields, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    write_string(w, fields[i].name.bytes != NULL ? fields[i].name.bytes : "", fields[i].name.n_bytes);
    write_string(w, fields[i].value.bytes, fields[i].value.n_bytes);
  }
}

static void write_record(bf__writer *w, const bf_record *record) {
  bf__write_u32(w, record->n_fields);
  write_fields(w, record->fields, record->n_fields);
}

static void write_sentence(bf__writer *w, const bf_sentence *s) {
  bf__write_u32(w, s->n_tokens);
  bf__write_u8(w, s->tags != NULL);
  for (uint32_t i = 0; i < s->n_tokens; i++)
    write_string(w, s->tokens[i].bytes != NULL ? s->tokens[i].bytes : "", s->tokens[i].n_bytes);
  for (uint32_t i = 0; s->tags != NULL && i < s->n_tokens; i++) bf__write_u32(w, (uint32_t)s->tags[i]);
}

size_t bf__row_cells(const bf__row_shape *shape, const bf_batch *batch, uint32_t i) {
  if (shape->kind != BF_KIND_IMAGE) return shape->n_columns;
  const bf_image *image = &batch->images[i];
  return (size_t)image->height * image->width * image->channels;
}

void bf__row_write(bf__writer *w, const bf__row_shape *shape, const bf_batch *batch, uint32_t i, uint64_t number) {
  bf__write_u64(w, number);
  if (shape->has_labels) bf__write_u32(w, (uint32_t)batch->labels[i]);
  switch (shape->kind) {
    case BF_KIND_IMAGE:
      bf__write_u32(w, batch->images[i].height);
      bf__write_u32(w, batch->images[i].width);
      bf__write_u32(w, batch->images[i].channels);
      write_cells(w, batch->images[i].pixels, bf__row_cells(shape, batch, i));
      break;
    case BF_KIND_TEXT:
      write_string(w, batch->texts[i].bytes != NULL ? batch->texts[i].bytes : "", batch->texts[i].n_bytes);
      break;
    case BF_KIND_PAIR:
      write_record(w, &batch->pairs[i].left);
      write_record(w, &batch->pairs[i].right);
      break;
    case BF_KIND_TAGGED:
      write_sentence(w, &batch->sentences[i]);
      break;
    default:
      if (shape->n_columns > 0) write_cells(w, batch->cells + (size_t)i * shape->n_columns, shape->n_columns);
      if (shape->n_string_columns > 0)
        write_fields(w, batch->strings + (size_t)i * shape->n_string_columns, shape->n_string_columns);
  }
}

static void write_names(bf__writer *w, const char *const *names, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) write_string(w, names[i], (uint32_t)strlen(names[i]));
}

bf_status bf_sample_encode(const bf_sample *s, uint8_t **out, size_t *out_bytes, bf_error *err) {
  bf__writer w = {0};
  const bf_batch *b = &s->batch;
  bf__row_shape shape = {.kind = s->schema.kind,
                         .has_labels = s->labels != NULL,
                         .n_columns = s->images == NULL ? b->n_columns : 0,
                         .n_steps = b->n_steps,
                         .n_channels = b->n_channels,
                         .n_string_columns = b->n_string_columns,
                         .range_max = s->schema.range_max};
  *out = NULL;
  *out_bytes = 0;
  bf__write_u8(&w, (uint8_t)shape.kind);
  bf__write_u8(
      &w, (uint8_t)((shape.has_labels ? HAS_LABELS : 0) | (s->schema.column_names != NULL ? HAS_COLUMN_NAMES : 0)));
  bf__write_u16(&w, 0);
  bf__write_u32(&w, b->n_rows);
  bf__write_u64(&w, s->rows_seen);
  bf__write_u32(&w, shape.n_columns);
  bf__write_u32(&w, shape.n_steps);
  bf__write_u32(&w, shape.n_channels);
  bf__write_u32(&w, shape.n_string_columns);
  bf__write_f64(&w, shape.range_max);
  bf__write_u32(&w, s->schema.n_labels);
  write_names(&w, s->schema.label_names, s->schema.n_labels);
  if (s->schema.column_names != NULL) write_names(&w, s->schema.column_names, shape.n_columns);
  for (uint32_t i = 0; i < b->n_rows; i++) bf__row_write(&w, &shape, b, i, s->numbers[i]);
  bf_status status = w.failed ? bf__error_memory(err, w.size)
                              : bf__container_encode(MAGIC, VERSION, w.data, w.size, out, out_bytes, err);
  bf__writer_deinit(&w);
  return status;
}

/* ------------------------------------------------------------------ reading */

static bf_status damaged(const bf__reader *r, const char *what, bf_error *err) {
  return bf__error_at(err, BF_ERR_CORRUPT, (int64_t)r->position, "the sample is damaged (%s): make it again", what);
}

/* Copies the string into the sample, with a zero behind it. */
static bf_status read_string(bf_sample *s, bf__reader *r, bool may_miss, bf_string *out, bf_error *err) {
  char *copy = NULL;
  uint32_t n = bf__read_u32(r);
  *out = (bf_string){0};
  if (!r->failed && n == MISSING && may_miss) return BF_OK;
  const uint8_t *bytes = bf__read(r, n);
  if (r->failed || bytes == NULL) return damaged(r, "a text that goes past the end", err);
  if (bf__utf8_check((const char *)bytes, n) != n) return damaged(r, "a text that is not UTF-8", err);
  bf_status status = bf__row_sample_room(s, (size_t)n + 1, 1, (void **)&copy, err);
  if (status != BF_OK) return status;
  if (n > 0) memcpy(copy, bytes, n);
  *out = (bf_string){copy, n};
  return BF_OK;
}

static bf_status read_names(bf_sample *s, bf__reader *r, uint32_t n, const char *const **out, bf_error *err) {
  bf_status status = BF_OK;
  const char **names = NULL;
  if (n > bf__reader_left(r) / 4) return damaged(r, "more names than there is room for", err);
  BF_TRY(bf__row_sample_room(s, n, sizeof *names, (void **)&names, err));
  for (uint32_t i = 0; i < n; i++) {
    bf_string name;
    BF_TRY(read_string(s, r, false, &name, err));
    if (strlen(name.bytes) != name.n_bytes) BF_TRY(damaged(r, "a name with a zero byte", err));
    names[i] = name.bytes;
  }
  *out = (const char *const *)names;
out:
  return status;
}

static bf_status read_cells(bf_sample *s, bf__reader *r, size_t n, bf_error *err) {
  double white = s->schema.range_max;
  bool image = s->images != NULL;
  if (n > s->max_cells - s->n_cells || n > bf__reader_left(r) / 4) return damaged(r, "cells past the end", err);
  for (size_t i = 0; i < n; i++) {
    float x = bf__read_f32(r);
    if (isinf(x) || (image && !(x >= 0 && (double)x <= white))) return damaged(r, "a cell that none can be", err);
    s->cells[s->n_cells++] = x;
  }
  return BF_OK;
}

static bf_status read_image(bf_sample *s, bf__reader *r, bf_image *out, bf_error *err) {
  uint32_t height = bf__read_u32(r);
  uint32_t width = bf__read_u32(r);
  uint32_t channels = bf__read_u32(r);
  size_t left = bf__reader_left(r) / 4;
  if (height == 0 || width == 0 || channels == 0 || height > left || width > left / height ||
      channels > left / height / width)
    return damaged(r, "an image that goes past the end", err);
  *out = (bf_image){height, width, channels, s->cells + s->n_cells};
  return read_cells(s, r, (size_t)height * width * channels, err);
}

static bf_status read_fields(bf_sample *s, bf__reader *r, bf_field *fields, uint32_t n, bf_error *err) {
  bf_status status = BF_OK;
  for (uint32_t i = 0; i < n; i++) {
    BF_TRY(read_string(s, r, false, &fields[i].name, err));
    BF_TRY(read_string(s, r, true, &fields[i].value, err));
  }
out:
  return status;
}

static bf_status read_record(bf_sample *s, bf__reader *r, bf_record *out, bf_error *err) {
  bf_field *fields = NULL;
  uint32_t n = bf__read_u32(r);
  if (n > bf__reader_left(r) / 8) return damaged(r, "a record that goes past the end", err);
  bf_status status = bf__row_sample_room(s, n, sizeof *fields, (void **)&fields, err);
  if (status != BF_OK) return status;
  *out = (bf_record){fields, n};
  return read_fields(s, r, fields, n, err);
}

static bool is_label(const bf_sample *s, int32_t label) {
  return label >= -1 && (label < 0 || (uint32_t)label < s->schema.n_labels);
}

static bf_status read_sentence(bf_sample *s, bf__reader *r, bf_sentence *out, bf_error *err) {
  bf_status status = BF_OK;
  bf_string *tokens = NULL;
  int32_t *tags = NULL;
  uint32_t n = bf__read_u32(r);
  uint8_t has_tags = bf__read_u8(r);
  if (has_tags > 1 || n > bf__reader_left(r) / (has_tags ? 8 : 4))
    return damaged(r, "a sentence that goes past the end", err);
  BF_TRY(bf__row_sample_room(s, n, sizeof *tokens, (void **)&tokens, err));
  for (uint32_t i = 0; i < n; i++) BF_TRY(read_string(s, r, false, &tokens[i], err));
  if (has_tags) BF_TRY(bf__row_sample_room(s, n, sizeof *tags, (void **)&tags, err));
  for (uint32_t i = 0; has_tags && i < n; i++) {
    tags[i] = (int32_t)bf__read_u32(r);
    if (r->failed || !is_label(s, tags[i])) BF_TRY(damaged(r, "a tag without a name", err));
  }
  *out = (bf_sentence){tokens, tags, n};
out:
  return status;
}

bf_status bf__row_sample_read(bf_sample *s, const bf__row_shape *shape, bf__reader *r, bf_error *err) {
  bf_status status = BF_OK;
  uint32_t i = s->batch.n_rows;
  s->numbers[i] = bf__read_u64(r);
  if (r->failed || s->numbers[i] >= s->rows_seen || (i > 0 && s->numbers[i] <= s->numbers[i - 1]))
    return damaged(r, "rows out of order", err);
  if (shape->has_labels) {
    s->labels[i] = (int32_t)bf__read_u32(r);
    if (!is_label(s, s->labels[i])) return damaged(r, "a label without a name", err);
  }
  switch (shape->kind) {
    case BF_KIND_IMAGE:
      BF_TRY(read_image(s, r, &s->images[i], err));
      break;
    case BF_KIND_TEXT:
      BF_TRY(read_string(s, r, false, &s->texts[i], err));
      break;
    case BF_KIND_PAIR:
      BF_TRY(read_record(s, r, &s->pairs[i].left, err));
      BF_TRY(read_record(s, r, &s->pairs[i].right, err));
      break;
    case BF_KIND_TAGGED:
      BF_TRY(read_sentence(s, r, &s->sentences[i], err));
      break;
    default:
      BF_TRY(read_cells(s, r, shape->n_columns, err));
      if (shape->n_string_columns > 0)
        BF_TRY(read_fields(s, r, s->strings + (size_t)i * shape->n_string_columns, shape->n_string_columns, err));
  }
  s->batch.n_rows++;
out:
  return status;
}

typedef struct head {
  bf__row_shape shape;
  uint8_t flags;
  uint32_t n_rows, n_labels;
  uint64_t rows_seen;
} head;

/* Shapes that a kind can have. */
static bool is_shape(const bf__row_shape *s) {
  bool series = s->kind == BF_KIND_SERIES;
  bool cells = s->kind == BF_KIND_FEATURES || series;
  if (!cells && s->n_columns > 0) return false;
  if (series ? (uint64_t)s->n_steps * s->n_channels != s->n_columns : (s->n_steps > 0 || s->n_channels > 0))
    return false;
  if (s->n_string_columns > 0 && s->kind != BF_KIND_FEATURES) return false;
  if (s->has_labels && s->kind == BF_KIND_TAGGED) return false;
  return s->kind == BF_KIND_IMAGE ? isfinite(s->range_max) && s->range_max >= 0 : s->range_max == 0;
}

static bf_status read_head(bf__reader *r, head *out, bf_error *err) {
  *out = (head){0};
  uint8_t kind = bf__read_u8(r);
  out->flags = bf__read_u8(r);
  uint16_t zero = bf__read_u16(r);
  out->n_rows = bf__read_u32(r);
  out->rows_seen = bf__read_u64(r);
  bf__row_shape *shape = &out->shape;
  shape->n_columns = bf__read_u32(r);
  shape->n_steps = bf__read_u32(r);
  shape->n_channels = bf__read_u32(r);
  shape->n_string_columns = bf__read_u32(r);
  shape->range_max = bf__read_f64(r);
  out->n_labels = bf__read_u32(r);
  if (r->failed || kind >= BF_KIND_COUNT || zero != 0 || (out->flags & ~ALL_FLAGS) != 0)
    return damaged(r, "its head", err);
  shape->kind = (bf_kind)kind;
  shape->has_labels = (out->flags & HAS_LABELS) != 0;
  if (!is_shape(shape)) return damaged(r, "a shape that no such rows have", err);
  size_t left = bf__reader_left(r);
  uint64_t row_bytes = 8 + 4 * (uint64_t)shape->n_columns + 8 * (uint64_t)shape->n_string_columns;
  if (out->n_rows > left / row_bytes || out->n_rows > out->rows_seen) return damaged(r, "more rows than bytes", err);
  return BF_OK;
}

static bf_status decode(const uint8_t *content, size_t n_bytes, bf_sample **out, bf_error *err) {
  bf_status status = BF_OK;
  bf_sample *s = NULL;
  bf__reader r = bf__reader_of(content, n_bytes);
  head h;
  BF_TRY(read_head(&r, &h, err));
  bool image = h.shape.kind == BF_KIND_IMAGE;
  size_t n_cells = image ? bf__reader_left(&r) / 4 : (size_t)h.n_rows * h.shape.n_columns;
  BF_TRY(bf__row_sample_create(&h.shape, h.n_rows, n_cells, BF__ROW_SAMPLE_MAX_BYTES, &s, err));
  s->rows_seen = h.rows_seen;
  BF_TRY(read_names(s, &r, h.n_labels, &s->schema.label_names, err));
  s->schema.n_labels = h.n_labels;
  if (h.flags & HAS_COLUMN_NAMES) BF_TRY(read_names(s, &r, h.shape.n_columns, &s->schema.column_names, err));
  for (uint32_t i = 0; i < h.n_rows; i++) BF_TRY(bf__row_sample_read(s, &h.shape, &r, err));
  if (bf__reader_left(&r) != 0) BF_TRY(damaged(&r, "bytes after the last row", err));
  bf__row_sample_end(s);
  *out = s;
  s = NULL;
out:
  bf_sample_free(s);
  return status;
}

bf_status bf_sample_decode(const uint8_t *bytes, size_t n_bytes, bf_sample **out, bf_error *err) {
  const uint8_t *content = NULL;
  size_t n = 0;
  uint8_t *owned = NULL;
  *out = NULL;
  bf_status status = bf__container_decode(bytes, n_bytes, MAGIC, VERSION, "sample",
                                          BF__ROW_SAMPLE_MAX_BYTES + HEAD_SLACK, &content, &n, &owned, err);
  if (status == BF_OK) status = decode(content, n, out, err);
  free(owned);
  return status;
}
