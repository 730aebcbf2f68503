/* Which text format is it? Looked at are the whole lines of the first 64 KiB, at most 400.
 *
 *   conllu      every line that is no comment has ten columns and begins with a word's number; the first is 1
 *   col-val     every line is `COL … VAL …<TAB>COL … VAL …`, with a label or without
 *   token-tag   one tab a line between two runs without blanks, and empty lines among them
 *   label-text, text-label   a tab in every line; on one side few different short values without blanks, on the other
 *               text (blanks in half of the lines). A first line that looks like a header makes it a table (tsv).
 *   lines       prose: blanks in half of the lines, and not the same number of separators in every line
 *
 * These rules only order what is tried; a format that is named is never doubted. */
#include <string.h>

#include "base/hash.h"
#include "dataset/lines.h"

#define LOOKED_AT 400u
#define SHORT_VALUE 64u
#define SLOTS 1024u /* a power of two above 2 * LOOKED_AT */

static bool has_blank(const char *p, size_t n) {
  return memchr(p, ' ', n) != NULL;
}

/* A bounded set of strings. */
typedef struct string_set {
  uint64_t slots[SLOTS];
  uint32_t n;
} string_set;

/* True where it was new. */
static bool add_string(string_set *s, const char *p, size_t n) {
  uint64_t h = bf__xxh64(p, n, 0) | 1;
  size_t at = (size_t)(h >> 20) & (SLOTS - 1);
  for (; s->slots[at]; at = (at + 1) & (SLOTS - 1))
    if (s->slots[at] == h) return false;
  s->slots[at] = h;
  s->n++;
  return true;
}

/* conllu */

static bool is_id(const char *p, size_t n) {
  if (n == 0 || p[0] < '0' || p[0] > '9') return false;
  for (size_t i = 0; i < n; i++)
    if (!(p[i] >= '0' && p[i] <= '9') && p[i] != '-' && p[i] != '.') return false;
  return true;
}

bool bf__conllu_sniff(const bf__probe *probe) {
  const char *line = NULL;
  size_t n = 0, position = 0;
  uint32_t words = 0, marks = 0;
  while (words < LOOKED_AT && bf__head_line(probe, &position, &line, &n)) {
    if (n == 0 || line[0] == '#') {
      marks++;
      continue;
    }
    uint32_t tabs = 0;
    const char *tab = memchr(line, '\t', n);
    for (size_t i = 0; i < n; i++) tabs += line[i] == '\t';
    if (tabs != 9 || !is_id(line, (size_t)(tab - line))) return false;
    if (words++ == 0 && line[0] != '1' && line[0] != '0') return false;
  }
  return words > 0 && (marks > 0 || bf__has_extension(probe, ".conllu"));
}

/* col-val */

bool bf__colval_sniff(const bf__probe *probe) {
  const char *line = NULL;
  size_t n = 0, position = 0;
  uint32_t pairs = 0;
  while (pairs < LOOKED_AT && bf__head_line(probe, &position, &line, &n)) {
    if (n == 0) continue;
    const char *tab = memchr(line, '\t', n);
    if (n < 8 || memcmp(line, "COL ", 4) != 0 || !tab || !memmem(line, (size_t)(tab - line), " VAL", 4)) return false;
    size_t left = (size_t)(line + n - tab) - 1;
    if (left && (left < 4 || memcmp(tab + 1, "COL ", 4) != 0)) return false;
    pairs++;
  }
  return pairs > 0;
}

/* token-tag */

bool bf__token_tag_sniff(const bf__probe *probe) {
  const char *line = NULL;
  size_t n = 0, position = 0;
  uint32_t tokens = 0, breaks = 0, bare = 0;
  while (tokens < LOOKED_AT && bf__head_line(probe, &position, &line, &n)) {
    while (n && line[n - 1] == ' ') n--;
    if (n == 0) {
      breaks += tokens > 0;
      continue;
    }
    const char *tab = memchr(line, '\t', n);
    if (has_blank(line, n) || (tab && memchr(tab + 1, '\t', (size_t)(line + n - tab) - 1))) return false;
    bare += tab == NULL;
    tokens++;
  }
  bool named = probe->kinds == 1u << BF_KIND_TAGGED;
  return tokens > 0 && (named || breaks > 0) && bare * 2 <= tokens;
}

/* label-text and text-label */

typedef struct side_look {
  string_set values;
  uint32_t n_short; /* lines where it is a short value without blanks */
  uint32_t n_blank; /* lines where it is text */
  bool first_is_alone;
} side_look;

static void look_at_side(side_look *s, const char *p, size_t n, uint32_t line, uint64_t *first) {
  uint64_t h = bf__xxh64(p, n, 0);
  if (line == 0) {
    *first = h;
    s->first_is_alone = true;
  } else if (h == *first) {
    s->first_is_alone = false;
  }
  add_string(&s->values, p, n);
  s->n_short += n > 0 && n <= SHORT_VALUE && !has_blank(p, n);
  s->n_blank += has_blank(p, n);
}

static bool is_label_side(const side_look *s, uint32_t n) {
  return s->n_short == n && s->values.n <= (n / 3 > 2 ? n / 3 : 2);
}

bf__label_side bf__head_label_side(const bf__probe *probe) {
  side_look first = {0}, last = {0};
  const char *line = NULL;
  size_t n = 0, position = 0;
  uint32_t rows = 0, tabs = 0;
  uint64_t first_hash = 0, last_hash = 0;
  bool same_tabs = true, header_text = false;
  while (rows < LOOKED_AT && bf__head_line(probe, &position, &line, &n)) {
    if (n == 0) continue;
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++) count += line[i] == '\t';
    if (count == 0) return BF__LABEL_SIDE_NONE;
    if (rows == 0) tabs = count;
    same_tabs &= count == tabs;
    const char *tab = memchr(line, '\t', n), *end = memrchr(line, '\t', n);
    size_t before = (size_t)(tab - line), after = (size_t)(line + n - end) - 1;
    look_at_side(&first, line, before, rows, &first_hash);
    look_at_side(&last, end + 1, after, rows, &last_hash);
    if (rows == 0) header_text = !has_blank(line, n);
    rows++;
  }
  if (rows == 0 || (same_tabs && tabs > 1)) return BF__LABEL_SIDE_NONE;
  bool is_first = is_label_side(&first, rows), is_last = is_label_side(&last, rows);
  bool header = rows > 3 && header_text && (is_first ? first : last).first_is_alone;
  if (header) return BF__LABEL_SIDE_NONE;
  if (is_first && last.n_blank * 2 >= rows) return BF__LABEL_SIDE_FIRST;
  if (is_last && first.n_blank * 2 >= rows) return BF__LABEL_SIDE_LAST;
  return BF__LABEL_SIDE_UNCLEAR;
}

/* The options of a table are heeded by making it one. */
static bool is_side(const bf__probe *probe, bf__label_side side) {
  return !probe->table_options && !probe->label_option && bf__head_is_text(probe) && bf__head_label_side(probe) == side;
}

bool bf__label_text_sniff(const bf__probe *probe) {
  return is_side(probe, BF__LABEL_SIDE_FIRST);
}

bool bf__text_label_sniff(const bf__probe *probe) {
  return is_side(probe, BF__LABEL_SIDE_LAST);
}

/* lines */

/* Every line has the same number, above 0, of one of the separators outside quotes. */
static bool is_separated(const bf__probe *probe) {
  static const char CHOICES[] = {',', ';', '|', '\t'};
  uint32_t expected[sizeof CHOICES] = {0}, rows = 0;
  bool same[sizeof CHOICES] = {true, true, true, true};
  const char *line = NULL;
  size_t n = 0, position = 0;
  bool quoted = false;
  uint32_t counts[sizeof CHOICES] = {0};
  while (rows < LOOKED_AT && bf__head_line(probe, &position, &line, &n)) {
    for (size_t i = 0; i < n; i++) {
      if (line[i] == '"') quoted = !quoted;
      for (size_t k = 0; k < sizeof CHOICES; k++) counts[k] += !quoted && line[i] == CHOICES[k];
    }
    if (quoted || n == 0) continue;
    for (size_t k = 0; k < sizeof CHOICES; k++) {
      if (rows == 0) expected[k] = counts[k];
      same[k] &= counts[k] > 0 && counts[k] == expected[k];
      counts[k] = 0;
    }
    rows++;
  }
  for (size_t k = 0; k < sizeof CHOICES; k++)
    if (rows > 1 && same[k]) return true;
  return false;
}

bool bf__lines_sniff(const bf__probe *probe) {
  static const char *const TABLES[] = {".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet"};
  const char *line = NULL;
  size_t n = 0, position = 0;
  uint32_t rows = 0, prose = 0;
  if (probe->table_options || !bf__head_is_text(probe)) return false;
  for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++)
    if (bf__has_extension(probe, TABLES[i])) return false;
  while (rows < LOOKED_AT && bf__head_line(probe, &position, &line, &n)) {
    rows += n > 0;
    prose += has_blank(line, n);
  }
  if (rows == 0 || is_separated(probe)) return false;
  bool named = probe->kinds == 1u << BF_KIND_TEXT;
  return named || prose * 2 >= rows;
}
