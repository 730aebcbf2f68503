/* NumPy's .npy: magic, version 1, 2 or 3, length, a Python dictionary literal, then the data.
 *
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. The dictionary has exactly the keys
 * descr, fortran_order and shape; it is read by a small parser of just that, never evaluated. Object arrays are
 * pickles, that is programs, and are refused. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/dataset_internal.h"

#define MAX_HEADER_BYTES ((size_t)1 << 20)
#define MAX_STRING_ITEM 65536u

typedef struct cursor {
  const char *text;
  size_t size, position;
} cursor;

static char peek(cursor *c) {
  while (c->position < c->size && strchr(" \t\r\n", c->text[c->position]) && c->text[c->position]) c->position++;
  return c->position < c->size ? c->text[c->position] : 0;
}

static bool take(cursor *c, char wanted) {
  if (peek(c) != wanted) return false;
  c->position++;
  return true;
}

static bool take_word(cursor *c, const char *word) {
  size_t n = strlen(word);
  peek(c);
  if (c->size - c->position < n || memcmp(c->text + c->position, word, n) != 0) return false;
  c->position += n;
  return true;
}

static bool take_string(cursor *c, const char **start, size_t *n) {
  char quote = peek(c);
  if (quote != '\'' && quote != '"') return false;
  size_t from = ++c->position;
  while (c->position < c->size && c->text[c->position] != quote) c->position++;
  if (c->position == c->size) return false;
  *start = c->text + from;
  *n = c->position++ - from;
  return true;
}

static bool take_number(cursor *c, uint64_t *out) {
  if (peek(c) < '0' || peek(c) > '9') return false;
  *out = 0;
  for (; c->position < c->size && c->text[c->position] >= '0' && c->text[c->position] <= '9'; c->position++) {
    if (__builtin_mul_overflow(*out, UINT64_C(10), out)) return false;
    if (__builtin_add_overflow(*out, (uint64_t)(c->text[c->position] - '0'), out)) return false;
  }
  if (c->position < c->size && c->text[c->position] == 'L') c->position++; /* written by Python 2 */
  return true;
}

static bf_status take_shape(cursor *c, bf__array_info *info, bf_error *err) {
  bool ok = take(c, '(');
  info->n_dims = 0;
  while (ok && !take(c, ')')) {
    if (info->n_dims == BF__ARRAY_MAX_DIMS)
      return bf__error_at(err, BF_ERR_UNSUPPORTED, (int64_t)c->position, "an array of more than %u dimensions",
                          BF__ARRAY_MAX_DIMS);
    ok = take_number(c, &info->shape[info->n_dims++]) && (take(c, ',') || peek(c) == ')');
  }
  if (!ok) return bf__error_at(err, BF_ERR_FORMAT, (int64_t)c->position, "the .npy header has no readable shape");
  return BF_OK;
}

static bool type_is_read(char type, uint64_t n) {
  switch (type) {
    case 'b':
      return n == 1;
    case 'u':
    case 'i':
      return n == 1 || n == 2 || n == 4 || n == 8;
    case 'f':
      return n == 2 || n == 4 || n == 8;
    case 'U':
      return n <= MAX_STRING_ITEM / 4;
    case 'S':
      return n <= MAX_STRING_ITEM;
    default:
      return false;
  }
}

/* "<f4", "|u1", ">i2", "<U10" */
static bf_status take_type(cursor *c, bf__array_info *info, bf_error *err) {
  const char *s = NULL;
  size_t n = 0;
  if (peek(c) == '[')
    return bf__error_at(err, BF_ERR_UNSUPPORTED, (int64_t)c->position,
                        "a structured array; save its numeric fields as one plain array");
  if (!take_string(c, &s, &n) || n < 2)
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)c->position, "the .npy header has no readable descr");
  if (memchr(s, 'O', n))
    return bf__error_at(err, BF_ERR_UNSUPPORTED, (int64_t)c->position,
                        "an array of Python objects, which is a program: save it as numbers, x.astype('float32')");
  size_t i = s[0] == '<' || s[0] == '>' || s[0] == '|' || s[0] == '=' ? 1 : 0;
  cursor digits = {s, n, i + 1};
  uint64_t bytes = 0;
  if (i >= n || !take_number(&digits, &bytes) || digits.position != n || !type_is_read(s[i], bytes))
    return bf__error_at(err, BF_ERR_UNSUPPORTED, (int64_t)c->position,
                        "the type '%.*s' is not read: save it as float32, x.astype('float32')", (int)(n < 24 ? n : 24),
                        s);
  info->big_endian = s[0] == '>';
  info->type = s[i];
  info->item_bytes = (uint32_t)(s[i] == 'U' ? bytes * 4 : bytes);
  if (info->item_bytes == 0) info->item_bytes = 1, info->type = 'S'; /* all labels empty; kept from dividing by zero */
  return BF_OK;
}

static bf_status parse_dictionary(cursor *c, bf__array_info *info, bf_error *err) {
  bool has_type = false, has_shape = false, has_order = false;
  bf_status status = BF_OK;
  if (!take(c, '{')) goto bad;
  while (!take(c, '}')) {
    const char *key = NULL;
    size_t n = 0;
    if (!take_string(c, &key, &n) || !take(c, ':')) goto bad;
    if (n == 5 && memcmp(key, "descr", n) == 0) {
      if ((status = take_type(c, info, err)) != BF_OK) return status;
      has_type = true;
    } else if (n == 5 && memcmp(key, "shape", n) == 0) {
      if ((status = take_shape(c, info, err)) != BF_OK) return status;
      has_shape = true;
    } else if (n == 13 && memcmp(key, "fortran_order", n) == 0) {
      info->fortran = take_word(c, "True");
      if (!info->fortran && !take_word(c, "False")) goto bad;
      has_order = true;
    } else {
      goto bad;
    }
    if (!take(c, ',') && peek(c) != '}') goto bad;
  }
  if (has_type && has_shape && has_order) return BF_OK;
bad:
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)c->position,
                      "the .npy header is damaged at byte %llu: it must name descr, fortran_order and shape",
                      (unsigned long long)c->position);
}

/* Where the dictionary lies; needs the first 12 bytes (10 in version 1). */
static bf_status header_extent(const uint8_t *p, size_t n, size_t *start, size_t *length, bf_error *err) {
  if (n < 10 || memcmp(p, "\x93NUMPY", 6) != 0)
    return bf__error_at(err, BF_ERR_FORMAT, 0, "not an .npy array, or cut within the first bytes");
  if (p[6] < 1 || p[6] > 3)
    return bf__error_at(err, BF_ERR_UNSUPPORTED, 6, "an .npy array of version %u; 1, 2 and 3 are read", p[6]);
  *start = p[6] == 1 ? 10 : 12;
  if (n < *start) return bf__error_at(err, BF_ERR_FORMAT, (int64_t)n, "the .npy header is cut at byte %zu", n);
  *length = (size_t)p[8] | (size_t)p[9] << 8;
  if (p[6] > 1) *length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
  if (*length <= MAX_HEADER_BYTES) return BF_OK;
  return bf__error_at(err, BF_ERR_FORMAT, 8, "the .npy header claims %zu bytes; at most 1 MiB is read", *length);
}

bf_status bf__npy_parse_header(const void *bytes, size_t n_bytes, bf__array_info *info, bf_error *err) {
  const uint8_t *p = bytes;
  size_t start = 0, length = 0;
  memset(info, 0, sizeof *info);
  bf_status status = header_extent(p, n_bytes, &start, &length, err);
  if (status != BF_OK) return status;
  if (n_bytes - start < length)
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)n_bytes,
                        "the .npy header is cut: it claims %zu bytes, and %zu are there", length, n_bytes - start);
  cursor c = {(const char *)p, start + length, start};
  bf__array_info parsed = {.data_offset = start + length};
  status = parse_dictionary(&c, &parsed, err);
  if (status == BF_OK) *info = parsed;
  return status;
}

bf_status bf__npy_read_header(bf__stream *stream, bf__array_info *info, bf_error *err) {
  uint8_t fixed[12], *all = NULL;
  size_t got = 0, start = 0, length = 0, more = 0;
  bf_status status = BF_OK;
  BF_TRY(bf__stream_read(stream, fixed, 10, &got, err));
  if (got == 10 && fixed[6] > 1) {
    BF_TRY(bf__stream_read(stream, fixed + 10, 2, &more, err));
    got += more;
  }
  BF_TRY(header_extent(fixed, got, &start, &length, err));
  all = bf__alloc(start + length, 1);
  if (!all) BF_TRY(bf__error_memory(err, start + length));
  memcpy(all, fixed, start);
  BF_TRY(bf__stream_read(stream, all + start, length, &got, err));
  BF_TRY(bf__npy_parse_header(all, start + got, info, err));
out:
  free(all);
  return status;
}

bool bf__npy_sniff(const bf__probe *probe) {
  return probe->head_bytes >= 6 && memcmp(probe->head, "\x93NUMPY", 6) == 0;
}

bf_status bf__npy_open_stream(bf_dataset *dataset, bf__stream *stream, bf_error *err) {
  bf__array_info info;
  bf_status status = bf__npy_read_header(stream, &info, err);
  if (status != BF_OK) {
    bf__stream_close(stream);
    return status;
  }
  return bf__array_open(dataset, &info, stream, err);
}

bf_status bf__npy_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err) {
  bf__stream *stream = NULL;
  bf_status status = bf__stream_open(probe->path, &stream, err);
  return status == BF_OK ? bf__npy_open_stream(dataset, stream, err) : status;
}
