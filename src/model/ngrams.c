/* The pieces of a text (its words, or its characters) are put one behind the other into one buffer, so that every
 * n-gram is a run of its bytes: words are joined by one blank, as their n-grams are. */
#include "model/ngrams.h"

#include <stdlib.h>
#include <string.h>

#include "base/characters.h"
#include "base/memory.h"

static const char *const patterns[] = {"(?u)\\b\\w\\w+\\b", "\\b\\w\\w+\\b", "\\w\\w+", "(?u)\\w\\w+",
                                       "(?u)\\b\\w+\\b",    "\\b\\w+\\b",    "\\w+",    "(?u)\\w+"};
#define N_PATTERNS ((int)(sizeof patterns / sizeof *patterns))

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bf_status read_stop_words(const bf__options *o, bf__ngrams *out) {
  const char **words = NULL;
  size_t n = 0;
  bf_status status = bf__option_texts(o, "stop_words", &words, &n);
  if (status != BF_OK || n == 0 || (n == 1 && strcmp(words[0], "none") == 0)) goto out;
  out->stop_words = bf__alloc(n, sizeof *out->stop_words);
  if (!out->stop_words) status = bf__error_memory(o->err, n * sizeof *out->stop_words);
  for (size_t i = 0; i < n && status == BF_OK; i++) {
    out->stop_words[i] = bf__strdup(words[i]);
    if (!out->stop_words[i])
      status = bf__error_memory(o->err, strlen(words[i]) + 1);
    else
      out->n_stop = i + 1;
  }
  if (status == BF_OK) qsort(out->stop_words, out->n_stop, sizeof *out->stop_words, by_bytes);
out:
  free(words);
  return status;
}

bf_status bf__ngrams_read(const bf__options *o, bf__ngrams *out) {
  static const char *const analyzers[] = {"word", "char", "char_wb"};
  bf_status status = BF_OK;
  int analyzer = (int)out->analyzer, pattern = -1;
  int64_t range[2] = {0, 0};
  size_t n_range = 0;
  BF_TRY(bf__option_choice(o, "analyzer", analyzers, 3, &analyzer));
  out->analyzer = (bf__analyzer)analyzer;
  BF_TRY(bf__option_integers(o, "ngram_range", 1, BF__MOST_NGRAM, 2, range, &n_range));
  if (n_range == 1 || range[0] > range[1]) {
    status = bf__option_error(o, "ngram_range", "must be two numbers, the shortest and the longest: [1, 2]");
    goto out;
  }
  if (n_range == 2) {
    out->least = range[0];
    out->most = range[1];
  }
  BF_TRY(bf__option_bool(o, "lowercase", &out->lowercase));
  const char *text = NULL;
  BF_TRY(bf__option_text(o, "token_pattern", &text));
  for (int i = 0; text && i < N_PATTERNS; i++)
    if (strcmp(text, patterns[i]) == 0) pattern = i;
  if (text && pattern < 0) {
    status = bf__option_error(o, "token_pattern", "\"%.40s\" is none of the two that are run: %s and %s", text,
                              patterns[0], "\\w+");
    goto out;
  }
  if (text) out->shortest = pattern < N_PATTERNS / 2 ? 2 : 1;
  BF_TRY(read_stop_words(o, out));
out:
  return status;
}

void bf__ngrams_deinit(bf__ngrams *g) {
  for (size_t i = 0; i < g->n_stop; i++) free(g->stop_words[i]);
  free(g->stop_words);
  bf__writer_deinit(&g->text);
  bf__writer_deinit(&g->pieces);
  free(g->starts);
  free(g->ends);
  *g = (bf__ngrams){0};
}

/* A piece of `n` bytes more in g->pieces. */
static bool add_piece(bf__ngrams *g, const void *bytes, size_t n) {
  if (g->n == g->capacity) {
    const size_t capacity = g->capacity ? 2 * g->capacity : 256;
    size_t *starts = bf__realloc(g->starts, capacity, sizeof *starts);
    if (starts) g->starts = starts;
    size_t *ends = bf__realloc(g->ends, capacity, sizeof *ends);
    if (ends) g->ends = ends;
    if (!starts || !ends) return false;
    g->capacity = capacity;
  }
  g->starts[g->n] = g->pieces.size;
  bf__write(&g->pieces, bytes, n);
  g->ends[g->n++] = g->pieces.size;
  return !g->pieces.failed;
}

static bool is_stop_word(const bf__ngrams *g, const char *word, size_t n) {
  size_t low = 0, high = g->n_stop;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const size_t n_other = strlen(g->stop_words[middle]);
    int order = memcmp(word, g->stop_words[middle], n < n_other ? n : n_other);
    if (order == 0) order = n < n_other ? -1 : n > n_other;
    if (order == 0) return true;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return false;
}

static bool is_word_character(uint32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  switch (bf__class_of(c)) {
    case BF__CLASS_CAPITAL:
    case BF__CLASS_LETTER:
    case BF__CLASS_DIGIT:
    case BF__CLASS_NUMBER:
      return true;
    default:
      return false;
  }
}

static bool add_word(bf__ngrams *g, const char *word, size_t n_bytes, size_t n_characters) {
  if (n_characters < g->shortest || is_stop_word(g, word, n_bytes)) return true;
  if (g->n > 0) bf__write(&g->pieces, " ", 1);
  return add_piece(g, word, n_bytes);
}

static bool split_words(bf__ngrams *g) {
  const char *text = (const char *)g->text.data;
  size_t begin = 0, n_characters = 0;
  for (size_t i = 0, used; i < g->text.size; i += used) {
    uint32_t c;
    used = bf__next_character(text + i, g->text.size - i, &c);
    if (is_word_character(c)) {
      if (n_characters++ == 0) begin = i;
      continue;
    }
    if (n_characters > 0 && !add_word(g, text + begin, i - begin, n_characters)) return false;
    n_characters = 0;
  }
  return n_characters == 0 || add_word(g, text + begin, g->text.size - begin, n_characters);
}

/* Two blanks and more become one space; one alone stays what it is. */
static bool split_characters(bf__ngrams *g) {
  const char *text = (const char *)g->text.data;
  for (size_t i = 0, used; i < g->text.size; i += used) {
    uint32_t c, next;
    used = bf__next_character(text + i, g->text.size - i, &c);
    if (!bf__is_space(c)) {
      if (!add_piece(g, text + i, used)) return false;
      continue;
    }
    const size_t first = used;
    while (i + used < g->text.size) {
      const size_t n = bf__next_character(text + i + used, g->text.size - i - used, &next);
      if (!bf__is_space(next)) break;
      used += n;
    }
    if (!(used > first ? add_piece(g, " ", 1) : add_piece(g, text + i, first))) return false;
  }
  return true;
}

/* Runs of n = least … most pieces from `first` on; where one covers them all, longer ones would say the same. */
static void each_run(const bf__ngrams *g, size_t first, bool once, bf__ngram_fn fn, void *context) {
  const char *bytes = (const char *)g->pieces.data;
  const size_t n_pieces = g->n - first;
  for (size_t n = (size_t)g->least; n <= (size_t)g->most; n++) {
    if (once && n >= n_pieces) { /* char_wb: a short word counts once, whole */
      fn(context, bytes + g->starts[first], g->ends[g->n - 1] - g->starts[first]);
      return;
    }
    for (size_t i = first; n <= n_pieces && i + n <= g->n; i++)
      fn(context, bytes + g->starts[i], g->ends[i + n - 1] - g->starts[i]);
  }
}

/* The n-grams of each word with a blank before and behind. */
static bool each_word_boundary(bf__ngrams *g, bf__ngram_fn fn, void *context) {
  const char *text = (const char *)g->text.data;
  for (size_t i = 0; i < g->text.size;) {
    uint32_t c;
    size_t used = bf__next_character(text + i, g->text.size - i, &c);
    if (bf__is_space(c)) {
      i += used;
      continue;
    }
    g->n = g->pieces.size = 0;
    if (!add_piece(g, " ", 1)) return false;
    while (i < g->text.size) {
      used = bf__next_character(text + i, g->text.size - i, &c);
      if (bf__is_space(c)) break;
      if (!add_piece(g, text + i, used)) return false;
      i += used;
    }
    if (!add_piece(g, " ", 1)) return false;
    each_run(g, 0, true, fn, context);
  }
  return true;
}

bool bf__each_ngram(bf__ngrams *g, const bf_string *text, bf__ngram_fn fn, void *context) {
  g->n = g->text.size = g->pieces.size = 0;
  if (text->bytes) bf__lower_text(text->bytes, text->n_bytes, g->lowercase, &g->text);
  if (g->text.failed) return false;
  if (g->analyzer == BF__ANALYZE_CHAR_WB) return each_word_boundary(g, fn, context);
  if (!(g->analyzer == BF__ANALYZE_WORD ? split_words(g) : split_characters(g))) return false;
  each_run(g, 0, false, fn, context);
  return true;
}
