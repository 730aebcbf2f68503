/* The paper's word measures on raw text, exact by definition (docs/strategies.md, part 1).
 *
 * Words are those of the paper's rule (base/words.h). The dictionary: the 300 words with the largest added counts, ties
 * by bytes. Each side's counts on it are normalised, with a spare cell that takes all mass where a side has none of
 * them. paper-word-adaptivity shuffles each side's rows by Fisher-Yates, as paper-adaptivity does, cuts them to
 * partitions of partition_size rows and counts the pairs with JS <= t.
 *
 * The paper's own programs build the dictionary from the first letter of each word, so that one value a source stands
 * for all its targets; this is the definition as it is written.
 *
 * Memory: the different words of both sides. Threads: none; a side of 10 MB takes 0.1 s.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/words.h"
#include "measure/measure_internal.h"

typedef struct raw_word {
  uint64_t hash, counts[2];
  size_t at; /* in the arena */
  uint8_t n;
  uint32_t entry; /* number in the dictionary, or BF__NOT_KEPT */
} raw_word;

/* The words of both sides. */
typedef struct raw_words {
  raw_word *words;
  size_t n, capacity;
  uint32_t *slots; /* 1 + number of a word, 0: free */
  size_t n_slots;
  char *arena;
  size_t arena_used, arena_bytes;
  int side; /* that is counted now */
  bool failed;
} raw_words;

static void deinit(raw_words *all) {
  free(all->words);
  free(all->slots);
  free(all->arena);
}

/* The slot of a word: its own, or the free one where it belongs. */
static uint32_t *slot_of(const raw_words *all, uint64_t hash, const char *word, size_t n) {
  size_t slot = hash & (all->n_slots - 1);
  for (; all->slots[slot] != 0; slot = (slot + 1) & (all->n_slots - 1)) {
    const raw_word *w = &all->words[all->slots[slot] - 1];
    if (w->hash == hash && w->n == n && memcmp(all->arena + w->at, word, n) == 0) break;
  }
  return &all->slots[slot];
}

static bool grow(raw_words *all) {
  size_t n_slots = all->n_slots ? all->n_slots * 2 : 1024, capacity = n_slots / 2;
  uint32_t *slots = bf__alloc(n_slots, sizeof *slots);
  raw_word *words = bf__realloc(all->words, capacity, sizeof *words);
  if (words) all->words = words;
  if (!slots || !words || capacity >= UINT32_MAX) {
    free(slots);
    return false;
  }
  free(all->slots);
  all->slots = slots;
  all->n_slots = n_slots;
  all->capacity = capacity;
  for (size_t i = 0; i < all->n; ++i) {
    const raw_word *w = &all->words[i];
    *slot_of(all, w->hash, all->arena + w->at, w->n) = (uint32_t)(i + 1);
  }
  return true;
}

static bool keep_bytes(raw_words *all, const char *word, size_t n) {
  if (all->arena_bytes - all->arena_used < n) {
    size_t bytes = all->arena_bytes ? all->arena_bytes * 2 : 1u << 16;
    char *arena = bf__realloc(all->arena, bytes, 1);
    if (!arena) return false;
    all->arena = arena;
    all->arena_bytes = bytes;
  }
  memcpy(all->arena + all->arena_used, word, n);
  return true;
}

static void count_word(void *context, const char *word, size_t n) {
  raw_words *all = context;
  if (all->failed) return;
  if (all->n == all->capacity && !grow(all)) {
    all->failed = true;
    return;
  }
  uint64_t hash = bf__xxh64(word, n, 0);
  uint32_t *slot = slot_of(all, hash, word, n);
  if (*slot == 0) {
    if (!keep_bytes(all, word, n)) {
      all->failed = true;
      return;
    }
    all->words[all->n] = (raw_word){.hash = hash, .at = all->arena_used, .n = (uint8_t)n, .entry = BF__NOT_KEPT};
    all->arena_used += n;
    *slot = (uint32_t)++all->n;
  }
  ++all->words[*slot - 1].counts[all->side];
}

static bf_status count_sides(const bf_documents *source, const bf_documents *target, raw_words *all, bf_error *err) {
  const bf_documents *sides[2] = {source, target};
  for (all->side = 0; all->side < 2; ++all->side) {
    const char *side = all->side == 0 ? "source" : "target";
    uint64_t n = bf_documents_count(sides[all->side]), total = 0;
    if (n == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no rows", side);
    for (uint64_t i = 0; i < n; ++i) {
      bf_string text = bf_documents_at(sides[all->side], i);
      bf__each_word(text.bytes, text.n_bytes, BF__WORDS_PAPER, count_word, all);
    }
    if (all->failed) return bf__error_memory(err, all->n * sizeof *all->words);
    for (size_t i = 0; i < all->n; ++i) total += all->words[i].counts[all->side];
    if (total == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no words", side);
  }
  return BF_OK;
}

/* --- the dictionary --------------------------------------------------------------------------------------------------
 */

typedef struct ordered_word {
  uint64_t count;
  const char *bytes;
  size_t n, number;
} ordered_word;

static int compare_words(const void *a, const void *b) {
  const ordered_word *x = a, *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  int order = memcmp(x->bytes, y->bytes, x->n < y->n ? x->n : y->n);
  return order != 0 ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* Numbers the dictionary's words in all->words[].entry; counts of each side on them. */
static bf_status choose(raw_words *all, double counts[2][BF__DICTIONARY], size_t *n_out, bf_error *err) {
  ordered_word *order = bf__alloc(all->n, sizeof *order);
  if (!order) return bf__error_memory(err, all->n * sizeof *order);
  for (size_t i = 0; i < all->n; ++i) {
    const raw_word *w = &all->words[i];
    order[i] = (ordered_word){w->counts[0] + w->counts[1], all->arena + w->at, w->n, i};
  }
  qsort(order, all->n, sizeof *order, compare_words);
  size_t n = all->n < BF__DICTIONARY ? all->n : BF__DICTIONARY;
  for (size_t i = 0; i < n; ++i) {
    raw_word *w = &all->words[order[i].number];
    w->entry = (uint32_t)i;
    for (int side = 0; side < 2; ++side) counts[side][i] = (double)w->counts[side];
  }
  free(order);
  *n_out = n;
  return BF_OK;
}

static bf_status side_shares(const bf_documents *source, const bf_documents *target, double out[2][BF__WORD_CELLS],
                             bf_error *err) {
  double counts[2][BF__DICTIONARY];
  size_t n = 0;
  raw_words all = {0};
  bf_status status = count_sides(source, target, &all, err);
  if (status == BF_OK) status = choose(&all, counts, &n, err);
  for (int side = 0; status == BF_OK && side < 2; ++side) bf__word_shares(counts[side], n, out[side]);
  deinit(&all);
  return status;
}

bf_status bf__raw_word_jsd(const bf_documents *source, const bf_documents *target, const bf_measure_options *options,
                           double *out, bf_error *err) {
  (void)options;
  double shares[2][BF__WORD_CELLS];
  bf_status status = side_shares(source, target, shares, err);
  if (status == BF_OK) *out = bf__jsd(shares[0], shares[1], BF__WORD_CELLS);
  return status;
}

bf_status bf__raw_word_l2(const bf_documents *source, const bf_documents *target, const bf_measure_options *options,
                          double *out, bf_error *err) {
  (void)options;
  double shares[2][BF__WORD_CELLS], sum = 0.0;
  bf_status status = side_shares(source, target, shares, err);
  if (status != BF_OK) return status;
  for (size_t i = 0; i < BF__WORD_CELLS; ++i) sum += (shares[0][i] - shares[1][i]) * (shares[0][i] - shares[1][i]);
  *out = sqrt(sum);
  return BF_OK;
}

bf_status bf__raw_jaccard(const bf_documents *source, const bf_documents *target, const bf_measure_options *options,
                          double *out, bf_error *err) {
  (void)options;
  raw_words all = {0};
  size_t both = 0;
  bf_status status = count_sides(source, target, &all, err);
  for (size_t i = 0; i < all.n; ++i) both += all.words[i].counts[0] > 0 && all.words[i].counts[1] > 0;
  if (status == BF_OK) *out = (double)both / (double)all.n;
  deinit(&all);
  return status;
}

/* --- adaptivity ------------------------------------------------------------------------------------------------------
 */

typedef struct row_counter {
  const raw_words *all;
  double counts[BF__DICTIONARY];
} row_counter;

static void count_entry(void *context, const char *word, size_t n) {
  row_counter *counter = context;
  uint32_t slot = *slot_of(counter->all, bf__xxh64(word, n, 0), word, n);
  uint32_t entry = slot ? counter->all->words[slot - 1].entry : BF__NOT_KEPT;
  if (entry != BF__NOT_KEPT) counter->counts[entry] += 1.0;
}

/* Shares of each partition of a side; *out (free()) holds *n_out. */
static bf_status cut(const bf_documents *documents, const raw_words *all, size_t n_words, uint64_t seed,
                     uint32_t partition_size, double (**out)[BF__WORD_CELLS], size_t *n_out, bf_error *err) {
  uint64_t n = bf_documents_count(documents);
  *n_out = (size_t)((n + partition_size - 1) / partition_size);
  uint64_t *order = bf__alloc(n, sizeof *order);
  *out = bf__alloc(*n_out, sizeof **out);
  if (!order || !*out) {
    free(order);
    return bf__error_memory(err, n * sizeof *order);
  }
  bf__random random = bf__random_of(seed);
  for (uint64_t i = 0; i < n; ++i) order[i] = i;
  for (uint64_t i = n - 1; i > 0; --i) {
    uint64_t j = bf__random_below(&random, i + 1), kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  for (size_t p = 0; p < *n_out; ++p) {
    row_counter counter = {.all = all};
    for (uint64_t i = (uint64_t)p * partition_size; i < n && i < (uint64_t)(p + 1) * partition_size; ++i) {
      bf_string text = bf_documents_at(documents, order[i]);
      bf__each_word(text.bytes, text.n_bytes, BF__WORDS_PAPER, count_entry, &counter);
    }
    bf__word_shares(counter.counts, n_words, (*out)[p]);
  }
  free(order);
  return BF_OK;
}

bf_status bf__raw_word_adaptivity(const bf_documents *source, const bf_documents *target,
                                  const bf_measure_options *options, double *out, bf_error *err) {
  double counts[2][BF__DICTIONARY], (*s)[BF__WORD_CELLS] = NULL, (*t)[BF__WORD_CELLS] = NULL;
  size_t n = 0, n_s = 0, n_t = 0;
  uint64_t matches = 0;
  raw_words all = {0};
  bf_status status = BF_OK;
  BF_TRY(count_sides(source, target, &all, err));
  BF_TRY(choose(&all, counts, &n, err));
  BF_TRY(cut(source, &all, n, bf__shuffle_seed(options->seed, 0), options->partition_size, &s, &n_s, err));
  BF_TRY(cut(target, &all, n, bf__shuffle_seed(options->seed, 1), options->partition_size, &t, &n_t, err));
  for (size_t b = 0; b < n_t; ++b) {
    for (size_t a = 0; a < n_s; ++a) matches += bf__jsd(s[a], t[b], BF__WORD_CELLS) <= options->adaptivity_threshold;
  }
  *out = (double)matches / (double)n_t;
out:
  free(s);
  free(t);
  deinit(&all);
  return status;
}
