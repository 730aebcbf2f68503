/* Labels that lie in a file of their own beside an array: IDX or .npy of one dimension, or text with one label a line.
 *
 * They stream beside the rows, so that memory does not grow with them. Numbers are spelt as the tables spell them
 * (1, 1.0, true), so that the same labels have the same names whatever the format. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/dataset_internal.h"

#define BUFFER_BYTES ((size_t)65536)

struct bf__label_source {
  bf__stream *stream;
  char *name; /* as given, for messages */
  bool is_text;
  bf__array_info info;
  uint64_t n_read;
  uint8_t *item; /* [info.item_bytes] */
  uint8_t *buffer;
  size_t size, position;
  bool ended;
  char *text; /* [BF__MAX_LABEL_BYTES + 4] */
};

static bf_status fill(bf__label_source *s, bf_error *err) {
  s->position = 0;
  bf_status status = bf__stream_read(s->stream, s->buffer, BUFFER_BYTES, &s->size, err);
  if (status == BF_OK && s->size < BUFFER_BYTES) s->ended = true;
  return status;
}

/* n bytes into out; *got fewer only at the end */
static bf_status take(bf__label_source *s, uint8_t *out, size_t n, size_t *got, bf_error *err) {
  *got = 0;
  while (*got < n) {
    if (s->position == s->size) {
      if (s->ended) break;
      bf_status status = fill(s, err);
      if (status != BF_OK) return status;
      if (s->size == 0) break;
    }
    size_t k = s->size - s->position < n - *got ? s->size - s->position : n - *got;
    memcpy(out + *got, s->buffer + s->position, k);
    s->position += k;
    *got += k;
  }
  return BF_OK;
}

/* A line without its end; *found false at the end of the text. */
static bf_status take_line(bf__label_source *s, size_t *n, bool *found, bf_error *err) {
  *n = 0;
  *found = false;
  for (;;) {
    uint8_t byte = 0;
    size_t got = 0;
    bf_status status = take(s, &byte, 1, &got, err);
    if (status != BF_OK) return status;
    if (got == 0) break;
    *found = true;
    if (byte == '\n') break;
    if (*n == BF__MAX_LABEL_BYTES)
      return bf__error_at(err, BF_ERR_FORMAT, (int64_t)s->n_read,
                          "the label of row %llu is longer than 4,096 bytes: is this the label file?",
                          (unsigned long long)s->n_read);
    s->text[(*n)++] = (char)byte;
  }
  if (*n && s->text[*n - 1] == '\r') (*n)--;
  return BF_OK;
}

static size_t ucs4_to_utf8(const bf__array_info *info, const uint8_t *item, char *out, size_t room) {
  size_t n = 0;
  for (uint32_t i = 0; i + 4 <= info->item_bytes && n + 4 <= room; i += 4) {
    const uint8_t *p = item + i;
    uint32_t c = info->big_endian ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                                  : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
    if (c == 0) break;
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = 0xfffd;
    if (c < 0x80) {
      out[n++] = (char)c;
    } else if (c < 0x800) {
      out[n++] = (char)(0xc0 | c >> 6);
      out[n++] = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
      out[n++] = (char)(0xe0 | c >> 12);
      out[n++] = (char)(0x80 | (c >> 6 & 63));
      out[n++] = (char)(0x80 | (c & 63));
    } else {
      out[n++] = (char)(0xf0 | c >> 18);
      out[n++] = (char)(0x80 | (c >> 12 & 63));
      out[n++] = (char)(0x80 | (c >> 6 & 63));
      out[n++] = (char)(0x80 | (c & 63));
    }
  }
  return n;
}

static uint64_t item_bits(const bf__array_info *info, const uint8_t *item) {
  uint64_t v = 0;
  for (uint32_t i = 0; i < info->item_bytes; i++)
    v |= (uint64_t)item[info->big_endian ? info->item_bytes - 1 - i : i] << (8 * i);
  return v;
}

static size_t float_name(const bf__array_info *info, const uint8_t *item, char *out, size_t room) {
  double v = 0;
  if (info->item_bytes == 8) {
    uint64_t bits = item_bits(info, item);
    memcpy(&v, &bits, sizeof v);
  } else {
    float f = 0;
    bf__array_to_floats(info, item, &f, 1);
    v = (double)f;
  }
  if (!isfinite(v)) return 0; /* no label */
  int digits = info->item_bytes == 8 ? 17 : 9, n = 0;
  if (v == floor(v) && fabs(v) < 1e15) {
    n = snprintf(out, room, "%.1f", v);
  } else {
    for (int k = 1; k <= digits; k++) { /* the shortest spelling that reads back */
      n = snprintf(out, room, "%.*g", k, v);
      double back = strtod(out, NULL);
      if (info->item_bytes == 8 ? back == v : (float)back == (float)v) break;
    }
  }
  return (size_t)n;
}

static size_t item_name(const bf__array_info *info, const uint8_t *item, char *out, size_t room) {
  switch (info->type) {
    case 'U':
      return ucs4_to_utf8(info, item, out, room);
    case 'S': {
      size_t n = strnlen((const char *)item, info->item_bytes);
      if (n > room) n = room;
      memcpy(out, item, n);
      return n;
    }
    case 'b':
      return (size_t)snprintf(out, room, "%s", item[0] ? "true" : "false");
    case 'f':
      return float_name(info, item, out, room);
    case 'u':
      return (size_t)snprintf(out, room, "%llu", (unsigned long long)item_bits(info, item));
    default: {
      uint64_t bits = item_bits(info, item);
      uint32_t unused = info->item_bytes > 0 && info->item_bytes < 8 ? 64 - 8 * info->item_bytes : 0;
      int64_t v = (int64_t)(bits << unused) >> unused;
      return (size_t)snprintf(out, room, "%lld", (long long)v);
    }
  }
}

/* The next label's name in s->text; *found false at the end. */
static bf_status take_label(bf__label_source *s, size_t *n, bool *found, bf_error *err) {
  bf_status status;
  if (s->is_text) {
    status = take_line(s, n, found, err);
  } else {
    size_t got = 0;
    *found = false;
    if (s->n_read == s->info.shape[0]) return BF_OK;
    status = take(s, s->item, s->info.item_bytes, &got, err);
    if (status == BF_OK && got < s->info.item_bytes)
      return bf__error_at(err, BF_ERR_FORMAT, (int64_t)s->n_read,
                          "the label file ends after %llu of the %llu labels that its header claims: fetch it again",
                          (unsigned long long)s->n_read, (unsigned long long)s->info.shape[0]);
    if (status == BF_OK) {
      *n = item_name(&s->info, s->item, s->text, BF__MAX_LABEL_BYTES);
      *found = true;
    }
  }
  if (status == BF_OK && *found) s->n_read++;
  return status;
}

/* Too few or too many; a heading counts as a label, so one too many may be one. */
static bf_status wrong_count(const bf__label_source *s, uint64_t n, bool at_least, uint64_t n_rows, bf_error *err) {
  return bf__error_at(err, BF_ERR_MISMATCH, (int64_t)s->n_read,
                      "the label file %.80s has %llu labels, but the data have %s%llu rows: each row needs one%s%s",
                      s->name, (unsigned long long)n, at_least ? "at least " : "", (unsigned long long)n_rows,
                      s->is_text ? ", one label a line, no heading" : "",
                      s->is_text && n == n_rows + 1 ? ": is line 1 a heading?" : "");
}

bf_status bf__label_source_next(bf__label_source *s, bf_dataset *dataset, size_t n, int32_t *out, bf_error *err) {
  for (size_t i = 0; i < n; i++) {
    size_t length = 0;
    bool found = false;
    bf_status status = take_label(s, &length, &found, err);
    if (status != BF_OK) return status;
    if (!found) {
      bool known = dataset->rows_known;
      return wrong_count(s, s->n_read, !known, known ? dataset->row_hint : (uint64_t)dataset->next_row + n, err);
    }
    out[i] = -1;
    if (length == 0) continue;
    status = bf__dataset_label(dataset, s->text, length, &out[i], err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

bf_status bf__label_source_end(bf__label_source *s, uint64_t n_rows, bf_error *err) {
  uint64_t last = s->n_read; /* empty lines after the last label are not labels */
  for (bool found = true; found;) {
    size_t length = 0;
    bf_status status = take_label(s, &length, &found, err);
    if (status != BF_OK) return status;
    if (found && (length || !s->is_text)) last = s->n_read;
  }
  if (last == n_rows) return BF_OK;
  return wrong_count(s, last, false, n_rows, err);
}

bool bf__label_source_count(const bf__label_source *s, uint64_t *n) {
  *n = s->is_text ? 0 : s->info.shape[0];
  return !s->is_text;
}

/* Header of an array of labels; text has none. */
static bf_status read_header(bf__label_source *s, const uint8_t *magic, size_t n_magic, bf_error *err) {
  bool is_npy = n_magic >= 6 && memcmp(magic, "\x93NUMPY", 6) == 0;
  bool is_idx = n_magic >= 4 && magic[0] == 0 && magic[1] == 0;
  s->is_text = !is_npy && !is_idx;
  if (s->is_text) return BF_OK;
  bf_status status =
      is_npy ? bf__npy_read_header(s->stream, &s->info, err) : bf__idx_read_header(s->stream, &s->info, err);
  if (status != BF_OK) return status;
  uint64_t per_row = 1;
  if (s->info.n_dims == 0 || !bf__array_cells(&s->info, 1, &per_row) || per_row != 1)
    return bf__error(err, BF_ERR_FORMAT, "the label file has %u dimensions; one label a row is needed", s->info.n_dims);
  status = bf__array_check_length(&s->info, s->stream, "label file", err);
  if (status != BF_OK) return status;
  s->item = bf__alloc(s->info.item_bytes, 1);
  return s->item ? BF_OK : bf__error_memory(err, s->info.item_bytes);
}

static bf_status open_stream(const bf_dataset *dataset, bf__stream **out, bf_error *err) {
  bf_error first = {0};
  bf_status status = bf__stream_open(dataset->label, out, &first);
  if (status == BF_ERR_NOT_FOUND && strcmp(dataset->format->info.name, "npz") == 0)
    if (bf__npz_open_member(dataset->path, dataset->label, out, NULL) == BF_OK) return BF_OK;
  if (status != BF_OK)
    return bf__error(err, status, "the label file \"%.100s\" cannot be read: %.80s", dataset->label, first.message);
  return BF_OK;
}

bf_status bf__label_source_open(const bf_dataset *dataset, bf__label_source **out, bf_error *err) {
  *out = NULL;
  uint8_t magic[6];
  size_t got = 0;
  bf_status status = BF_OK;
  bf__label_source *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(err, sizeof *s);
  s->name = bf__strdup(dataset->label);
  if (!s->name) BF_TRY(bf__error_memory(err, strlen(dataset->label)));
  BF_TRY(open_stream(dataset, &s->stream, err));
  BF_TRY(bf__stream_read(s->stream, magic, sizeof magic, &got, err));
  bf__stream_close(s->stream); /* streams do not go back */
  s->stream = NULL;
  BF_TRY(open_stream(dataset, &s->stream, err));
  BF_TRY(read_header(s, magic, got, err));
  s->buffer = bf__alloc(BUFFER_BYTES, 1);
  s->text = bf__alloc(BF__MAX_LABEL_BYTES + 4, 1);
  if (!s->buffer || !s->text) BF_TRY(bf__error_memory(err, BUFFER_BYTES));
  *out = s;
  s = NULL;
out:
  bf__label_source_close(s);
  return status;
}

void bf__label_source_close(bf__label_source *s) {
  if (!s) return;
  bf__stream_close(s->stream);
  free(s->name);
  free(s->item);
  free(s->buffer);
  free(s->text);
  free(s);
}
