/* The text around the YAML: where the front matter is, and what the body's first paragraph says. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"
#include "model/card_internal.h"

/* Length of the line at `at` with its end. */
static size_t line_length(const char *bytes, size_t n, size_t at) {
  const char *end = memchr(bytes + at, '\n', n - at);
  return end == NULL ? n - at : (size_t)(end - (bytes + at)) + 1;
}

/* "---" alone in its line; blanks may follow. */
static bool is_fence(const char *line, size_t n) {
  if (n < 3 || memcmp(line, "---", 3) != 0) return false;
  for (size_t i = 3; i < n; ++i)
    if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r' && line[i] != '\n') return false;
  return true;
}

bf_status bf__card_split(const char *bytes, size_t n, bf__card_parts *out, bf_error *err) {
  *out = (bf__card_parts){0};
  if (n > BF__CARD_MAX_BYTES)
    return bf__error(err, BF_ERR_LIMIT, "card: %zu bytes; at most %zu are read", n, BF__CARD_MAX_BYTES);
  if (n == 0) return BF_OK;
  const char *zero = memchr(bytes, 0, n);
  size_t good = zero != NULL ? (size_t)(zero - bytes) : n;
  good = bf__utf8_check(bytes, good);
  if (good < n) {
    size_t line = 1;
    for (size_t i = 0; i < good; ++i) line += bytes[i] == '\n';
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)good, "card: line %zu: not UTF-8 text; save the file as UTF-8",
                        line);
  }
  size_t at = n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  size_t length = line_length(bytes, n, at);
  if (!is_fence(bytes + at, length)) return BF_OK; /* body stays 0: all is body */
  out->crlf = length >= 2 && bytes[at + length - 2] == '\r';
  out->yaml = at + length;
  for (at += length; at < n; at += length) {
    length = line_length(bytes, n, at);
    if (!is_fence(bytes + at, length)) continue;
    out->has_front_matter = true;
    out->yaml_end = at;
    out->body = at + length;
    return BF_OK;
  }
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)n, "card: line 1: the front matter has no closing --- line");
}

char *bf__fold(const char *text, size_t n) {
  char folded[BF__CARD_SUMMARY_BYTES + 4];
  size_t size = 0;
  bool blank = false;
  for (size_t i = 0; i < n && size <= BF__CARD_SUMMARY_BYTES; ++i) {
    unsigned char c = (unsigned char)text[i];
    bool control = c == 0xC2 && i + 1 < n && (unsigned char)text[i + 1] < 0xA0; /* U+0080 to U+009F */
    if (c <= ' ' || c == 0x7F || control) {
      i += control;
      blank = true;
      continue;
    }
    if (blank && size > 0) folded[size++] = ' ';
    blank = false;
    folded[size++] = (char)c;
  }
  if (size > BF__CARD_SUMMARY_BYTES) {
    size = BF__CARD_SUMMARY_BYTES;
    while (size > 0 && ((unsigned char)folded[size] & 0xC0) == 0x80) --size;
    while (size > 0 && folded[size - 1] == ' ') --size;
  }
  return bf__strndup(folded, size);
}

/* Skips blanks within a line. */
static size_t indent_of(const char *line, size_t n) {
  size_t i = 0;
  while (i < n && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r' || line[i] == '\n')) ++i;
  return i;
}

/* Only - _ * = and blanks: a rule, or the line below a heading. */
static bool is_rule(const char *line, size_t n) {
  size_t marks = 0;
  for (size_t i = 0; i < n; ++i) {
    if (strchr(" \t\r\n", line[i]) != NULL) continue;
    if (strchr("-_*=", line[i]) == NULL) return false;
    ++marks;
  }
  return marks > 0;
}

/* "# words" to "###### words"; "#hashtag" is none. */
static bool is_heading(const char *line, size_t n) {
  size_t start = indent_of(line, n);
  size_t i = start;
  while (i < n && line[i] == '#') ++i;
  return i > start && i - start <= 6 && (i == n || strchr(" \t\r\n", line[i]) != NULL);
}

/* Length of a comment that starts at `at`, up to the end of its last line; 0: none. */
static size_t comment_length(const char *body, size_t n, size_t at) {
  size_t start = at + indent_of(body + at, line_length(body, n, at));
  if (n - start < 4 || memcmp(body + start, "<!--", 4) != 0) return 0;
  const char *end = memmem(body + start + 4, n - start - 4, "-->", 3);
  if (end == NULL) return n - at;
  size_t after = (size_t)(end - body) + 3;
  return after - at;
}

char *bf__first_paragraph(const char *body, size_t n) {
  size_t start = n;
  size_t end = n;
  for (size_t at = 0, length; at < n; at += length) {
    length = comment_length(body, n, at);
    bool inside = start < n;
    if (length > 0) {
      if (!inside) continue;
      end = at;
      break;
    }
    length = line_length(body, n, at);
    const char *line = body + at;
    bool blank = indent_of(line, length) == length;
    if (inside && !blank && is_rule(line, length) && memchr(line, '*', length) == NULL) {
      start = n; /* what we took for a paragraph was a heading with a line below */
      continue;
    }
    if (blank || is_rule(line, length) || is_heading(line, length)) {
      if (!inside) continue;
      end = at;
      break;
    }
    if (!inside) start = at;
  }
  return start < n ? bf__fold(body + start, end - start) : bf__strdup("");
}
