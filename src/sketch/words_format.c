/* Section WORD of format v1. */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sketch/sketch_format.h"
#include "sketch/word_counter.h"

#define MAX_WORDS_TOTAL ((uint64_t)1 << 60)

void bf__words_encode(bf__writer *w, const bf__words *words, uint32_t n_words) {
  if (n_words > words->n_words) n_words = words->n_words;
  bf__write_varint(w, words->total);
  bf__write_f64(w, words->distinct);
  bf__write_varint(w, words->lost);
  bf__write_u32(w, n_words);
  for (uint32_t i = 0; i < n_words; i++) {
    bf__name_encode(w, words->words[i].word);
    bf__write_varint(w, words->words[i].count);
    bf__write_varint(w, words->words[i].documents);
  }
  for (size_t i = 0; i < BF__HASHED_WORDS; i++) bf__write_varint(w, words->hashed[i]);
  for (size_t b = 0; b < BF__WORD_PARTITIONS; b++) {
    const bf__word_partition *p = &words->partitions[b];
    bf__write_varint(w, p->rows);
    bf__write_varint(w, p->total);
    for (uint32_t i = 0; i < n_words && i < BF__PARTITION_WORDS; i++) bf__write_varint(w, p->counts[i]);
  }
  for (size_t i = 0; i < BF__MINHASH; i++) bf__write_u64(w, words->minhash[i]);
}

static int by_bytes(const void *a, const void *b) {
  return strcmp((*(const bf__word *const *)a)->word, (*(const bf__word *const *)b)->word);
}

/* No word may occur twice. */
static const char *check_different(const bf__words *w) {
  const bf__word *order[BF__WORDS];
  for (size_t i = 0; i < w->n_words; i++) order[i] = &w->words[i];
  if (w->n_words) qsort(order, w->n_words, sizeof *order, by_bytes);
  for (size_t i = 1; i < w->n_words; i++) {
    if (strcmp(order[i - 1]->word, order[i]->word) == 0) return "a word twice";
  }
  return NULL;
}

static const char *read_list(bf__reader *r, uint64_t rows, uint32_t min_count, bf__words *w) {
  uint64_t left = w->total;
  for (uint32_t i = 0; i < w->n_words; i++) {
    bf__word *word = &w->words[i];
    if (!bf__name_decode(r, word->word) || word->word[0] == '\0') return "a word";
    word->count = bf__read_varint(r);
    word->documents = bf__read_varint(r);
    if (word->count < min_count || word->count > left) return "count of a word";
    left -= word->count;
    if (word->documents == 0 || word->documents > word->count || word->documents > rows) return "documents of a word";
    if (i && bf__word_compare(word - 1, word) >= 0) return "order of the words";
  }
  return check_different(w);
}

static const char *read_partitions(bf__reader *r, uint64_t rows, bf__words *w) {
  uint64_t sum_rows = 0, sum_total = 0, seen[BF__PARTITION_WORDS] = {0};
  const uint32_t n = w->n_words < BF__PARTITION_WORDS ? w->n_words : BF__PARTITION_WORDS;
  for (size_t b = 0; b < BF__WORD_PARTITIONS; b++) {
    bf__word_partition *p = &w->partitions[b];
    p->rows = bf__read_varint(r);
    p->total = bf__read_varint(r);
    if (p->rows > rows - sum_rows || p->total > w->total - sum_total) return "sums of the partitions of words";
    sum_rows += p->rows;
    sum_total += p->total;
    uint64_t left = p->total;
    for (uint32_t i = 0; i < n; i++) {
      p->counts[i] = bf__read_varint(r);
      if (p->counts[i] > left || p->counts[i] > w->words[i].count - seen[i]) return "counts of a partition of words";
      left -= p->counts[i];
      seen[i] += p->counts[i];
    }
  }
  return sum_rows == rows && sum_total == w->total ? NULL : "sums of the partitions of words";
}

static const char *read_all(bf__reader *r, uint64_t rows, uint32_t min_count, bf__words *w) {
  const char *wrong = read_list(r, rows, min_count, w);
  if (wrong) return wrong;
  uint64_t left = w->total;
  for (size_t i = 0; i < BF__HASHED_WORDS; i++) {
    w->hashed[i] = bf__read_varint(r);
    if (w->hashed[i] > left) return "sum of the hashed counts";
    left -= w->hashed[i];
  }
  if (left) return "sum of the hashed counts";
  wrong = read_partitions(r, rows, w);
  if (wrong) return wrong;
  for (size_t i = 0; i < BF__MINHASH; i++) {
    w->minhash[i] = bf__read_u64(r);
    if (w->total == 0 && w->minhash[i] != UINT64_MAX) return "minhash without words";
  }
  return NULL;
}

const char *bf__words_decode(bf__reader *r, uint64_t rows, uint32_t min_count, bf__words **out, bf_status *status,
                             bf_error *err) {
  bf__words *w = *out = bf__alloc(1, sizeof *w);
  if (!w) {
    *status = bf__error_memory(err, sizeof *w);
    return NULL;
  }
  w->documents = rows;
  w->total = bf__read_varint(r);
  w->distinct = bf__read_f64(r);
  w->lost = bf__read_varint(r);
  w->n_words = bf__read_u32(r);
  const uint32_t n_words = w->n_words;
  w->n_words = 0;
  if (r->failed || n_words > BF__WORDS) return "number of words";
  if (w->total > MAX_WORDS_TOTAL || w->lost > w->total || (rows == 0 && w->total)) return "number of words";
  if (!(w->distinct >= (double)n_words && w->distinct <= (double)w->total) || (w->total && !(w->distinct > 0.0))) {
    return "number of different words";
  }
  w->words = bf__alloc(n_words, sizeof *w->words);
  if (!w->words) {
    *status = bf__error_memory(err, n_words * sizeof *w->words);
    return NULL;
  }
  w->n_words = n_words;
  const char *wrong = read_all(r, rows, min_count, w);
  return !wrong && r->failed ? "words are cut" : wrong;
}
