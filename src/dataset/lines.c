/* Lines straight from the stream's bytes.
 *
 * A batch is what lies whole in one buffer: it is filled, lines are found with memchr, and rows point into it, so that
 * text is neither copied nor looked at twice. A record that the buffer's end cuts is moved to its front and taken again
 * with more bytes; a record longer than the buffer doubles it, up to 64 MiB. So a line of a gigabyte costs 64 MiB and
 * is then refused, and rows that are all short end the batch when what they take beside the text reaches its bound.
 *
 * UTF-8 is checked where a string is given out: 32 bytes at a time while they are ASCII, else by the table of Unicode
 * 15, 3-7. What is not UTF-8 becomes U+FFFD, one for each maximal part of a sequence (Unicode 15, 3.9), as browsers and
 * Python do it. NUL is a character like any other. */
#include "dataset/lines.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define LEAST_BUFFER ((size_t)64) /* small batches are for tests, which so see records cut anywhere */
#define ARENA_BYTES ((size_t)64 << 10)

struct bf__arena_block {
  bf__arena_block *next;
  size_t size, used;
  char bytes[];
};

static void free_arena(bf__lines *l) {
  while (l->arena) {
    bf__arena_block *next = l->arena->next;
    free(l->arena);
    l->arena = next;
  }
}

static char *arena_take(bf__lines *l, size_t n) {
  bf__arena_block *b = l->arena;
  if (!b || b->size - b->used < n) {
    size_t size = n > ARENA_BYTES ? n : ARENA_BYTES;
    b = bf__alloc(sizeof *b + size, 1);
    if (!b) return NULL;
    b->size = size;
    b->next = l->arena;
    l->arena = b;
  }
  b->used += n;
  return b->bytes + b->used - n;
}

void *bf__reserve(void *block, size_t *capacity, size_t n, size_t item_bytes) {
  if (n <= *capacity && block) return block;
  size_t target = *capacity ? *capacity * 2 : 256;
  if (target < n) target = n;
  void *grown = bf__realloc(block, target, item_bytes);
  if (grown) *capacity = target;
  return grown;
}

/* The buffer */

static bf_status fill(bf__lines *l, size_t keep, const bf_dataset *d, uint64_t line, bf_error *err) {
  size_t left = l->size - keep, got = 0;
  if (left) memmove(l->buffer, l->buffer + keep, left);
  l->size = left;
  l->position = 0;
  if (left == l->capacity) {
    if (l->capacity >= BF__MAX_RECORD_BYTES)
      return bf__error_at(err, BF_ERR_LIMIT, -1,
                          "%.60s: line %llu, or the record that begins there, is longer than 64 MiB: is this the right "
                          "format? Cut it, or name another",
                          d->shown, (unsigned long long)line);
    char *grown = bf__realloc(l->buffer, l->capacity * 2, 1);
    if (!grown) return bf__error_memory(err, l->capacity * 2);
    l->buffer = grown;
    l->capacity *= 2;
  }
  bf_status status = bf__stream_read(l->stream, l->buffer + left, l->capacity - left, &got, err);
  l->ended = status == BF_OK && got < l->capacity - left;
  l->size += got;
  return status;
}

bf_status bf__lines_init(bf__lines *l, const bf_dataset *d, bf__stream *stream, bf_error *err) {
  l->stream = stream;
  size_t capacity = LEAST_BUFFER; /* a power of two, at most half of the batch */
  while (capacity * 2 <= d->batch_bytes / 2 && capacity < BF__MAX_RECORD_BYTES) capacity *= 2;
  l->buffer = bf__alloc(capacity, 1);
  if (!l->buffer) return bf__error_memory(err, capacity);
  l->capacity = capacity;
  bf_status status = fill(l, 0, d, 1, err);
  if (status != BF_OK) return status;
  const uint8_t *p = (const uint8_t *)l->buffer;
  if (l->size >= 2 && (p[0] ^ p[1]) == 1 && p[0] >= 0xfe)
    return bf__error_at(err, BF_ERR_FORMAT, 0, "%.80s is UTF-16: convert it with iconv -f UTF-16 -t UTF-8", d->shown);
  if (l->size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) l->position = 3;
  return BF_OK;
}

void bf__lines_deinit(bf__lines *l) {
  bf__stream_close(l->stream);
  free(l->buffer);
  free_arena(l);
}

bool bf__lines_next(bf__lines *l, const char **line, size_t *n) {
  const char *start = l->buffer + l->position;
  size_t left = l->size - l->position;
  const char *end = left ? memchr(start, '\n', left) : NULL;
  if (!end && (!l->ended || left == 0)) return false;
  *line = start;
  *n = end ? (size_t)(end - start) : left;
  l->position += *n + (end != NULL);
  if (*n && start[*n - 1] == '\r') --*n;
  l->n_lines++;
  return true;
}

bf_status bf__lines_batch(bf_dataset *d, bf__lines *l, bf__record_fn take, uint32_t *n_rows, bf_error *err) {
  size_t used = 0, bound = d->batch_bytes / 2;
  uint32_t rows = 0;
  bf_status status = l->late.code;
  if (status != BF_OK) {
    if (err) *err = l->late;
    return status;
  }
  free_arena(l);
  while (rows == 0 || (used <= bound && rows < UINT32_MAX)) { /* no row at all means the end */
    bf__record_result result = BF__RECORD_MORE;
    size_t mark = l->position, bytes = 0;
    uint64_t line = l->n_lines, n_invalid = l->n_invalid;
    bf_error local = {0};
    status = take(d, rows, &result, &bytes, &local);
    if (status == BF_OK && result == BF__RECORD_MORE) {
      bool at_end = l->ended && l->position == l->size;
      l->position = mark;
      l->n_lines = line;
      l->n_invalid = n_invalid;
      if (rows) break; /* they point into the buffer */
      if (at_end) break;
      status = fill(l, mark, d, line + 1, &local);
    }
    if (status != BF_OK) {
      if (local.code == BF_OK) local.code = status;
      if (local.code == BF_ERR_LIMIT && local.position < 0) local.position = d->next_row + rows;
      l->late = local;
      if (rows) break; /* the rows before the bad one are given first */
      if (err) *err = local;
      return status;
    }
    rows += result == BF__RECORD_ROW;
    used += bytes;
  }
  if (rows == 0 && l->n_invalid && !l->warned) {
    l->warned = true;
    bf__dataset_warn(d, "%llu byte sequence%s not UTF-8 and read as U+FFFD: convert the file if these words matter",
                     (unsigned long long)l->n_invalid, l->n_invalid == 1 ? " is" : "s are");
  }
  *n_rows = rows;
  return BF_OK;
}

/* UTF-8 */

static size_t ascii_run(const uint8_t *p, size_t n) {
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    uint64_t v[4];
    memcpy(v, p + i, sizeof v);
    if ((v[0] | v[1] | v[2] | v[3]) & UINT64_C(0x8080808080808080)) break;
  }
  while (i < n && p[i] < 0x80) i++;
  return i;
}

/* A sequence that begins with a byte >= 0x80: its length, and whether it is whole and valid; if not, the length of its
 * maximal part. */
static size_t sequence(const uint8_t *p, size_t n, bool *valid) {
  uint8_t c = p[0], low = 0x80, high = 0xbf;
  size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
  *valid = false;
  if (c < 0xc2 || c > 0xf4) return 1;
  if (c == 0xe0) low = 0xa0;
  if (c == 0xed) high = 0x9f;
  if (c == 0xf0) low = 0x90;
  if (c == 0xf4) high = 0x8f;
  for (size_t i = 1; i <= more; i++) {
    if (i == n || p[i] < low || p[i] > high) return i;
    low = 0x80;
    high = 0xbf;
  }
  *valid = true;
  return more + 1;
}

/* Bytes up to the first that is not UTF-8. */
static size_t valid_run(const uint8_t *p, size_t n) {
  size_t i = 0;
  while (i < n) {
    bool valid = true;
    if (p[i] < 0x80) {
      i += ascii_run(p + i, n - i);
      continue;
    }
    size_t k = sequence(p + i, n - i, &valid);
    if (!valid) break;
    i += k;
  }
  return i;
}

bool bf__find_invalid_utf8(const bf_dataset *d, uint64_t *line) {
  bf__lines l = {0};
  bf__stream *stream = NULL;
  bool found = false;
  bf_status status = bf__stream_open(d->path, &stream, NULL);
  if (status != BF_OK) return false;
  status = bf__lines_init(&l, d, stream, NULL);
  while (status == BF_OK && !found) {
    const char *text = NULL;
    size_t n = 0;
    if (bf__lines_next(&l, &text, &n))
      found = valid_run((const uint8_t *)text, n) < n;
    else if (l.ended)
      break;
    else
      status = fill(&l, l.position, d, l.n_lines + 1, NULL);
  }
  *line = l.n_lines;
  bf__lines_deinit(&l);
  return found;
}

static bf_status repair(bf__lines *l, const uint8_t *p, size_t n, size_t good, bf_string *out, bf_error *err) {
  size_t n_invalid = 0, room = good;
  for (size_t i = good; i < n;) { /* once to know the length */
    bool valid = true;
    size_t k = valid_run(p + i, n - i);
    room += k;
    i += k;
    if (i == n) break;
    i += sequence(p + i, n - i, &valid);
    room += 3;
    n_invalid++;
  }
  char *to = arena_take(l, room);
  if (!to) return bf__error_memory(err, room);
  size_t at = 0;
  for (size_t i = 0; i < n;) {
    bool valid = true;
    size_t k = valid_run(p + i, n - i);
    memcpy(to + at, p + i, k);
    at += k;
    i += k;
    if (i == n) break;
    i += sequence(p + i, n - i, &valid);
    memcpy(to + at, "\xef\xbf\xbd", 3);
    at += 3;
  }
  l->n_invalid += n_invalid;
  *out = (bf_string){to, (uint32_t)room};
  return BF_OK;
}

bf_status bf__lines_text(bf__lines *l, const char *bytes, size_t n, bf_string *out, bf_error *err) {
  size_t good = valid_run((const uint8_t *)bytes, n);
  *out = (bf_string){bytes, (uint32_t)n};
  return good == n ? BF_OK : repair(l, (const uint8_t *)bytes, n, good, out, err);
}

bf_status bf__lines_label(bf__lines *l, bf_dataset *d, const char *bytes, size_t n, int64_t row, int32_t *out,
                          bf_error *err) {
  bf_string text;
  *out = -1;
  if (n == 0) return BF_OK;
  if (n > BF__MAX_LABEL_BYTES)
    return bf__error_at(err, BF_ERR_FORMAT, row,
                        "%.60s: line %llu: a label of more than 4,096 bytes: is this the right format?", d->shown,
                        (unsigned long long)l->n_lines);
  bf_status status = bf__lines_text(l, bytes, n, &text, err);
  if (status != BF_OK) return status;
  if (memchr(text.bytes, 0, text.n_bytes))
    return bf__error_at(err, BF_ERR_FORMAT, row, "%.60s: line %llu: the label holds a zero byte: repair the line",
                        d->shown, (unsigned long long)l->n_lines);
  return bf__dataset_label(d, text.bytes, text.n_bytes, out, err);
}

/* Heads */

bool bf__head_line(const bf__probe *probe, size_t *position, const char **line, size_t *n) {
  size_t start = *position, left = probe->head_bytes - start;
  const char *head = (const char *)probe->head;
  if (start == 0 && left >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0) start = 3, left -= 3;
  if (left == 0) return false;
  const char *end = memchr(head + start, '\n', left);
  if (!end && probe->head_bytes == BF__HEAD_BYTES && *position > 0) return false;
  *line = head + start;
  *n = end ? (size_t)(end - *line) : left;
  *position = start + *n + (end != NULL);
  if (*n && (*line)[*n - 1] == '\r') --*n;
  return true;
}

bool bf__head_is_text(const bf__probe *probe) {
  size_t n = 0;
  for (size_t i = 0; i < probe->head_bytes; i++) {
    uint8_t c = probe->head[i];
    n += c < 32 && c != '\t' && c != '\n' && c != '\r' && c != '\f';
  }
  return n <= probe->head_bytes / 256;
}

/* The extension before .gz or .zst. */
bool bf__has_extension(const bf__probe *probe, const char *extension) {
  size_t n = strlen(probe->path), k = strlen(extension);
  if (probe->compression != BF__COMPRESSION_NONE) {
    if (n > 3 && strcasecmp(probe->path + n - 3, ".gz") == 0) n -= 3;
    if (n > 4 && strcasecmp(probe->path + n - 4, ".zst") == 0) n -= 4;
  }
  return n > k && strncasecmp(probe->path + n - k, extension, k) == 0;
}
