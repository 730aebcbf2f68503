/* Delimited text: which delimiter, is there a header, what do the columns hold? Answered from the first bytes of the
 * file, by rules that can be told in three lines, so that a ragged or odd file is an error with a line and never a
 * dialect that happens to fit. The cells themselves are read by table_duckdb.c with what is found here.
 *
 *   delimiter  the most frequent of comma, semicolon, bar in the first line outside quotes (tab for tsv); '"' quotes
 *   header     unless a cell of the first line is a number whose column does not contradict (see has_header)
 *   type       what all cells of the first MiB agree with: number, true/false, date, timestamp, else text */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/memory.h"
#include "dataset/dataset_internal.h"

#define HEAD_BYTES ((size_t)1 << 20)
#define MAX_HEAD_BYTES ((size_t)64 << 20)

typedef struct cell {
  const char *text;
  size_t n;
  bool escaped; /* holds doubled quotes */
} cell;

typedef struct scanner {
  const char *text;
  size_t size, position;
  char delimiter;
  bool complete; /* the text ends where the file does */
} scanner;

typedef enum scan_result { SCAN_MORE, SCAN_LAST, SCAN_CUT } scan_result;

/* The next cell; SCAN_LAST ends a record, SCAN_CUT: the text ends before the cell does. */
static scan_result scan_cell(scanner *s, cell *out) {
  size_t i = s->position;
  *out = (cell){s->text + i, 0, false};
  if (i < s->size && s->text[i] == '"') {
    out->text++;
    for (i++; i < s->size; i++) {
      if (s->text[i] != '"') continue;
      if (i + 1 < s->size && s->text[i + 1] == '"') {
        out->escaped = true;
        i++;
        continue;
      }
      break;
    }
    if (i >= s->size) return SCAN_CUT;
    out->n = (size_t)(s->text + i - out->text);
    i++;
  }
  const char *start = s->text + i;
  while (i < s->size && s->text[i] != s->delimiter && s->text[i] != '\n' && s->text[i] != '\r') i++;
  if (out->n == 0 && start == out->text) out->n = (size_t)(s->text + i - start);
  if (i >= s->size) {
    s->position = i;
    return s->complete ? SCAN_LAST : SCAN_CUT;
  }
  char end = s->text[i++];
  if (end == '\r' && i < s->size && s->text[i] == '\n') i++;
  s->position = i;
  return end == s->delimiter ? SCAN_MORE : SCAN_LAST;
}

/* Types */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_null(const cell *c) {
  static const char *const NAMES[] = {"NA", "N/A", "NULL", "null"};
  if (c->n == 0) return true;
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
    if (strlen(NAMES[i]) == c->n && memcmp(NAMES[i], c->text, c->n) == 0) return true;
  return false;
}

static size_t digits(const char *p, const char *end) {
  const char *from = p;
  while (p < end && is_digit(*p)) p++;
  return (size_t)(p - from);
}

static bool is_number(const char *p, size_t n) {
  const char *end = p + n;
  while (p < end && *p == ' ') p++;
  while (end > p && end[-1] == ' ') end--;
  if (p < end && (*p == '-' || *p == '+')) p++;
  size_t left = (size_t)(end - p);
  if ((left == 3 && (strncasecmp(p, "nan", 3) == 0 || strncasecmp(p, "inf", 3) == 0)) ||
      (left == 8 && strncasecmp(p, "infinity", 8) == 0))
    return true;
  size_t whole = digits(p, end), fraction = 0;
  p += whole;
  if (p < end && *p == '.') {
    fraction = digits(++p, end);
    p += fraction;
  }
  if (whole + fraction == 0) return false;
  if (p < end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p < end && (*p == '-' || *p == '+')) p++;
    size_t k = digits(p, end);
    if (k == 0) return false;
    p += k;
  }
  return p == end;
}

static bool is_bool(const char *p, size_t n) {
  return (n == 4 && strncasecmp(p, "true", 4) == 0) || (n == 5 && strncasecmp(p, "false", 5) == 0);
}

static bool matches(const char *p, const char *pattern, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (pattern[i] == '0' ? !is_digit(p[i]) : pattern[i] == 'T' ? p[i] != 'T' && p[i] != ' ' : p[i] != pattern[i])
      return false;
  return true;
}

static bool is_date(const char *p, size_t n) {
  if (n != 10 || !matches(p, "0000-00-00", 10)) return false;
  int month = (p[5] - '0') * 10 + p[6] - '0', day = (p[8] - '0') * 10 + p[9] - '0';
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool is_timestamp(const char *p, size_t n) {
  if (n < 19 || !is_date(p, 10) || !matches(p + 10, "T00:00:00", 9)) return false;
  const char *q = p + 19, *end = p + n;
  if (q < end && *q == '.') {
    size_t k = digits(++q, end);
    if (k == 0 || k > 9) return false;
    q += k;
  }
  return q == end || (q + 1 == end && *q == 'Z');
}

static unsigned types_of(const cell *c) {
  unsigned bits = 1u << BF__CSV_TEXT;
  if (is_null(c)) return ~0u;
  if (is_number(c->text, c->n)) bits |= 1u << BF__CSV_NUMBER;
  if (is_bool(c->text, c->n)) bits |= 1u << BF__CSV_BOOL;
  if (is_date(c->text, c->n)) bits |= 1u << BF__CSV_DATE | 1u << BF__CSV_TIMESTAMP;
  if (is_timestamp(c->text, c->n)) bits |= 1u << BF__CSV_TIMESTAMP;
  return bits;
}

/* The head of the file */

typedef struct head {
  char *text;
  size_t size;
  bool complete;
} head;

static bf_status grow_head(bf__stream *stream, head *h, size_t size, bf_error *err) {
  char *grown = bf__realloc(h->text, size, 1);
  size_t got = 0;
  if (!grown) return bf__error_memory(err, size);
  h->text = grown;
  bf_status status = bf__stream_read(stream, h->text + h->size, size - h->size, &got, err);
  h->complete = got < size - h->size;
  h->size += got;
  return status;
}

/* At least two whole records, or the whole file. */
static bf_status read_head(const char *path, const char *shown, head *h, bf_error *err) {
  bf__stream *stream = NULL;
  bf_status status = bf__stream_open(path, &stream, err);
  if (status != BF_OK) return status;
  for (size_t size = HEAD_BYTES; size <= MAX_HEAD_BYTES; size *= 2) {
    BF_TRY(grow_head(stream, h, size, err));
    const char *line = h->complete ? NULL : memchr(h->text, '\n', h->size);
    if (h->complete || (line && memchr(line + 1, '\n', h->size - (size_t)(line + 1 - h->text)))) goto out;
  }
  status = bf__error_at(err, BF_ERR_LIMIT, 0, "%.80s: the first two lines are longer than 64 MiB", shown);
out:
  bf__stream_close(stream);
  return status;
}

static char choose_delimiter(const char *text, size_t n, size_t start) {
  static const char CHOICES[] = {',', ';', '|'};
  size_t counts[sizeof CHOICES] = {0}, best = 0;
  bool quoted = false;
  for (size_t i = start; i < n && (quoted || (text[i] != '\n' && text[i] != '\r')); i++) {
    if (text[i] == '"') quoted = !quoted;
    for (size_t k = 0; k < sizeof CHOICES; k++) counts[k] += !quoted && text[i] == CHOICES[k];
  }
  for (size_t k = 1; k < sizeof CHOICES; k++)
    if (counts[k] > counts[best]) best = k;
  return CHOICES[best];
}

/* Names */

static char *cell_name(const cell *c, uint32_t column) {
  const char *p = c->text;
  size_t n = c->n;
  while (n && p[0] == ' ') p++, n--;
  while (n && p[n - 1] == ' ') n--;
  if (n == 0) return bf__asprintf("column%u", column);
  char *name = bf__strndup(p, n);
  if (!name || !c->escaped) return name;
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    name[k++] = name[i];
    if (name[i] == '"' && i + 1 < n && name[i + 1] == '"') i++;
  }
  name[k] = 0;
  return name;
}

static uint64_t hash_folded(const char *s) {
  uint64_t h = 1469598103934665603u;
  for (; *s; s++) h = (h ^ (uint64_t)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s)) * 1099511628211u;
  return bf__mix64(h, 0);
}

/* SQL knows no two columns that differ only by case: the later ones get _1, _2 … */
static bf_status make_unique(char **names, uint32_t n, bf_error *err) {
  size_t n_slots = 16;
  while (n_slots < (size_t)n * 2) n_slots *= 2;
  uint32_t *slots = bf__alloc(n_slots, sizeof *slots);
  if (!slots) return bf__error_memory(err, n_slots * sizeof *slots);
  for (uint32_t i = 0, copy = 0; i < n;) {
    char *candidate = copy ? bf__asprintf("%s_%u", names[i], copy) : names[i];
    bool taken = false;
    if (!candidate) {
      free(slots);
      return bf__error_memory(err, 64);
    }
    size_t at = hash_folded(candidate) & (n_slots - 1);
    for (; slots[at] && !taken; at = taken ? at : (at + 1) & (n_slots - 1))
      taken = strcasecmp(names[slots[at] - 1], candidate) == 0;
    if (taken) {
      if (copy) free(candidate);
      copy++;
      continue;
    }
    slots[at] = i + 1;
    if (copy) {
      free(names[i]);
      names[i] = candidate;
    }
    copy = 0;
    i++;
  }
  free(slots);
  return BF_OK;
}

/* A first line is a header where a cell is not of its column's type (a name above numbers), or where no cell is a
 * number. */
static bool has_header(const unsigned *first, const unsigned *rest, uint32_t n) {
  bool any_number = false;
  for (uint32_t i = 0; i < n; i++) {
    bool first_is_typed = first[i] != ~0u && first[i] != 1u << BF__CSV_TEXT;
    any_number |= first_is_typed;
    if (first[i] == 1u << BF__CSV_TEXT && rest[i] != ~0u && rest[i] != 1u << BF__CSV_TEXT) return true;
  }
  return !any_number;
}

static bf_status first_record(scanner *s, const char *shown, cell **out, uint32_t *n_out, bf_error *err) {
  uint32_t n = 0, capacity = 0;
  for (scan_result r = SCAN_MORE; r == SCAN_MORE; n++) {
    if (n == capacity) {
      capacity = capacity ? capacity * 2 : 64;
      cell *grown = bf__realloc(*out, capacity, sizeof *grown);
      if (!grown) return bf__error_memory(err, capacity * sizeof *grown);
      *out = grown;
    }
    r = scan_cell(s, &(*out)[n]);
    if (r == SCAN_CUT)
      return bf__error_at(err, BF_ERR_FORMAT, 0, "%.80s: a quote in the first line is never closed", shown);
    if (n >= BF__MAX_COLUMNS) return bf__error(err, BF_ERR_LIMIT, "%.80s: more than 1,000,000 columns", shown);
    if (!bf__utf8_valid((*out)[n].text, (*out)[n].n))
      return bf__error_at(err, BF_ERR_FORMAT, 0,
                          "%.60s: the first line is not UTF-8 text: convert it with iconv -t UTF-8", shown);
  }
  *n_out = n;
  return BF_OK;
}

static void scan_types(scanner *s, unsigned *types, unsigned *row, uint32_t n_columns) {
  for (;;) {
    uint32_t n = 0;
    scan_result r = SCAN_MORE;
    size_t start = s->position;
    if (start >= s->size) return;
    while (r == SCAN_MORE) {
      cell c;
      r = scan_cell(s, &c);
      if (r == SCAN_CUT) return;
      if (n < n_columns) row[n] = types_of(&c);
      n++;
    }
    for (uint32_t i = 0; n == n_columns && i < n_columns; i++)
      types[i] &= row[i]; /* ragged rows are reported when read */
  }
}

static bf__csv_type type_of_bits(unsigned bits) {
  for (int t = BF__CSV_NUMBER; t < BF__CSV_TEXT; t++)
    if (bits & (1u << t)) return (bf__csv_type)t;
  return BF__CSV_TEXT;
}

bf_status bf__csv_shape_of(const char *text, size_t n_bytes, bool complete, const char *shown, char delimiter,
                           bf__csv_shape *out, bf_error *err) {
  cell *cells = NULL;
  unsigned *first = NULL, *rest = NULL, *row = NULL;
  uint32_t n = 0;
  bf_status status = BF_OK;
  memset(out, 0, sizeof *out);
  size_t start = n_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  scanner s = {text, n_bytes, start, delimiter ? delimiter : choose_delimiter(text, n_bytes, start), complete};
  BF_TRY(first_record(&s, shown, &cells, &n, err));
  first = bf__alloc(n, sizeof *first);
  rest = bf__alloc(n, sizeof *rest);
  row = bf__alloc(n, sizeof *row);
  out->names = bf__alloc(n, sizeof *out->names);
  out->types = bf__alloc(n, sizeof *out->types);
  if (!first || !rest || !row || !out->names || !out->types) BF_TRY(bf__error_memory(err, n * sizeof *first));
  out->n_columns = n;
  out->delimiter = s.delimiter;
  for (uint32_t i = 0; i < n; i++) {
    first[i] = types_of(&cells[i]);
    rest[i] = ~0u;
  }
  scan_types(&s, rest, row, n);
  out->has_header = has_header(first, rest, n);
  for (uint32_t i = 0; i < n; i++) {
    out->types[i] = type_of_bits(out->has_header ? rest[i] : rest[i] & first[i]);
    out->names[i] = out->has_header ? cell_name(&cells[i], i) : bf__asprintf("column%u", i);
    if (!out->names[i]) BF_TRY(bf__error_memory(err, 64));
  }
  BF_TRY(make_unique(out->names, n, err));
out:
  free(cells);
  free(first);
  free(rest);
  free(row);
  if (status != BF_OK) bf__csv_shape_deinit(out);
  return status;
}

bf_status bf__csv_shape_read(const char *path, const char *shown, char delimiter, bf__csv_shape *out, bf_error *err) {
  head h = {0};
  memset(out, 0, sizeof *out);
  bf_status status = read_head(path, shown, &h, err);
  if (status == BF_OK) status = bf__csv_shape_of(h.text, h.size, h.complete, shown, delimiter, out, err);
  free(h.text);
  return status;
}

void bf__csv_shape_deinit(bf__csv_shape *shape) {
  bf__dataset_free_strings(shape->names, shape->n_columns);
  free(shape->types);
  memset(shape, 0, sizeof *shape);
}

/* Sniffing */

static bool is_text(const bf__probe *probe) {
  for (size_t i = 0; i < probe->head_bytes; i++) {
    uint8_t c = probe->head[i];
    if (c < 32 && c != '\t' && c != '\n' && c != '\r' && c != '\f') return false;
  }
  return true;
}

bool bf__tsv_sniff(const bf__probe *probe) {
  size_t tabs = 0, others = 0;
  for (size_t i = 0; i < probe->head_bytes && probe->head[i] != '\n'; i++) {
    tabs += probe->head[i] == '\t';
    others += probe->head[i] == ',' || probe->head[i] == ';';
  }
  return tabs > others && is_text(probe);
}

bool bf__csv_sniff(const bf__probe *probe) {
  return is_text(probe);
}

bool bf__jsonl_sniff(const bf__probe *probe) {
  size_t i = 0;
  while (i < probe->head_bytes && strchr(" \t\r\n", probe->head[i]) && probe->head[i]) i++;
  return i < probe->head_bytes && probe->head[i] == '{' && is_text(probe);
}

bool bf__parquet_sniff(const bf__probe *probe) {
  return probe->head_bytes >= 4 && memcmp(probe->head, "PAR1", 4) == 0;
}
