/* Counts of words from a sketch, also of words that it does not keep.
 *
 * A sketch keeps its 1,000 most frequent words with exact counts, drops those rarer than min_count, and counts all
 * words by 4,096 hashed cells. A measure asks for words that the *other* side keeps, so the gaps matter: on short
 * texts (6,000 words, of which 250 occur five times) leaving them at 0 costs word-jsd a tenth of its rank correlation.
 *
 * What is known of a word that is not kept: it occurs at most `limit` times, and at most as often as its cell has
 * occurrences r beyond those of the kept words. r is the word's own count plus what other rare words add: mean m (the
 * mean over cells), variance s2 = rare * 2 * (mean count of a rare word)^2, for counts that are about geometric. With a
 * prior of mean p and variance v the best linear guess is
 *
 *   p + v/(v + s2) * (r - p - m),  cut to [0, min(limit, r)].
 *
 * Where few rare words share a cell (short texts) this follows r; where many do (long ones) it stays at the prior, and
 * the limit is small against the counts that are compared.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "measure/measure_internal.h"

#define SLOTS 2048u /* a power of two above BF__WORDS */

uint64_t bf__word_hash(const bf__word *word) {
  return bf__xxh64(word->word, strlen(word->word), 0);
}

static size_t cell_of(uint64_t hash) {
  return (size_t)(hash >> 52);
}

void bf__word_counts_deinit(bf__word_counts *counts) {
  free(counts->hashes);
  free(counts->slots);
  free(counts->rest);
  *counts = (bf__word_counts){0};
}

bf_status bf__word_counts_init(bf__word_counts *counts, const bf_sketch *sketch, bf_error *err) {
  *counts = (bf__word_counts){0};
  const bf__words *words = sketch->words;
  if (!words) return BF_OK;
  counts->hashes = bf__alloc(words->n_words, sizeof *counts->hashes);
  counts->slots = bf__alloc(SLOTS, sizeof *counts->slots);
  counts->rest = bf__alloc(BF__HASHED_WORDS, sizeof *counts->rest);
  if (!counts->hashes || !counts->slots || !counts->rest) {
    bf__word_counts_deinit(counts);
    return bf__error_memory(err, BF__HASHED_WORDS * sizeof *counts->rest);
  }
  counts->words = words;
  for (size_t c = 0; c < BF__HASHED_WORDS; ++c) counts->rest[c] = (double)words->hashed[c];
  for (uint32_t i = 0; i < words->n_words; ++i) {
    uint64_t hash = bf__word_hash(&words->words[i]);
    size_t slot = hash % SLOTS;
    while (counts->slots[slot] != 0) slot = (slot + 1) % SLOTS;
    counts->slots[slot] = (uint16_t)(i + 1);
    counts->hashes[i] = hash;
    double *rest = &counts->rest[cell_of(hash)];
    *rest = fmax(*rest - (double)words->words[i].count, 0.0);
  }
  double sum = 0.0;
  for (size_t c = 0; c < BF__HASHED_WORDS; ++c) sum += counts->rest[c];
  counts->mean_rest = sum / BF__HASHED_WORDS;
  uint64_t least = words->n_words == BF__WORDS ? words->words[BF__WORDS - 1].count
                   : sketch->min_count > 1     ? sketch->min_count - 1
                                               : 0;
  counts->limit = (double)least + (double)words->lost;
  counts->rare = fmax(words->distinct - (double)words->n_words, 0.0) / BF__HASHED_WORDS;
  double each = counts->rare > 0.0 ? counts->mean_rest / counts->rare : 0.0;
  counts->noise = counts->rare * 2.0 * each * each;
  return BF_OK;
}

uint32_t bf__word_find(const bf__word_counts *counts, uint64_t hash) {
  for (size_t slot = hash % SLOTS; counts->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
    uint32_t i = counts->slots[slot] - 1u;
    if (counts->hashes[i] == hash) return i;
  }
  return BF__NOT_KEPT;
}

double bf__word_expected(const bf__word_counts *counts, uint64_t hash, double mean, double deviation) {
  uint32_t i = bf__word_find(counts, hash);
  if (i != BF__NOT_KEPT) return (double)counts->words->words[i].count;
  double rest = counts->rest[cell_of(hash)], most = fmin(counts->limit, rest);
  mean = fmin(mean, counts->limit);
  deviation = fmin(deviation, counts->limit);
  double variance = deviation * deviation;
  if (!(most > 0.0) || !(variance > 0.0)) return 0.0;
  double guess = mean + variance / (variance + counts->noise) * (rest - mean - counts->mean_rest);
  return guess < 0.0 ? 0.0 : guess > most ? most : guess;
}

/* --- dictionaries ----------------------------------------------------------------------------------------------------
 */

typedef struct weighted_word {
  double weight;
  const bf__word *word;
  uint64_t hash;
} weighted_word;

static int compare_weights(const void *a, const void *b) {
  const weighted_word *x = a, *y = b;
  if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
  return strcmp(x->word->word, y->word->word);
}

/* A word among the first BF__DICTIONARY weighs at least what the last of one side's own first ones weighs there. */
static double least_weight(const bf__word_counts *side, double scale) {
  const bf__words *words = side->words;
  return words->n_words >= BF__DICTIONARY ? (double)words->words[BF__DICTIONARY - 1].count * scale : 0.0;
}

bf_status bf__pair_dictionary_make(const bf__word_counts *source, const bf__word_counts *target, bool by_share,
                                   bf__pair_dictionary *out, bf_error *err) {
  const bf__word_counts *sides[2] = {source, target};
  const bf__words *s = source->words, *t = target->words;
  double scale[2] = {by_share ? 1.0 / (double)s->total : 1.0, by_share ? 1.0 / (double)t->total : 1.0};
  double least = fmax(least_weight(source, scale[0]), least_weight(target, scale[1]));
  weighted_word *all = bf__alloc((size_t)s->n_words + t->n_words, sizeof *all);
  if (!all) return bf__error_memory(err, ((size_t)s->n_words + t->n_words) * sizeof *all);
  size_t n = 0;
  for (int side = 0; side < 2; ++side) {
    const bf__words *words = sides[side]->words;
    for (uint32_t i = 0; i < words->n_words; ++i) {
      weighted_word w = {(double)words->words[i].count * scale[side], &words->words[i], sides[side]->hashes[i]};
      uint32_t other = bf__word_find(sides[1 - side], w.hash);
      if (other != BF__NOT_KEPT && side == 1) continue; /* taken with the source */
      if (other != BF__NOT_KEPT) w.weight += (double)t->words[other].count * scale[1];
      if (w.weight >= least) all[n++] = w;
    }
  }
  qsort(all, n, sizeof *all, compare_weights);
  out->n = (uint32_t)(n < BF__DICTIONARY ? n : BF__DICTIONARY);
  for (uint32_t i = 0; i < out->n; ++i) {
    out->hashes[i] = all[i].hash;
    for (int side = 0; side < 2; ++side) {
      uint32_t other = bf__word_find(sides[1 - side], all[i].hash);
      double expected = 0.0; /* as often as on the other side */
      if (other != BF__NOT_KEPT) {
        const bf__words *words = sides[1 - side]->words;
        expected = (double)words->words[other].count / (double)words->total * (double)sides[side]->words->total;
      }
      out->counts[side][i] = bf__word_expected(sides[side], all[i].hash, expected, expected);
    }
  }
  free(all);
  return BF_OK;
}

void bf__word_shares(const double *counts, size_t n, double out[BF__WORD_CELLS]) {
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) sum += counts[i];
  for (size_t i = 0; i < BF__WORD_CELLS; ++i) out[i] = sum > 0.0 && i < n ? counts[i] / sum : 0.0;
  if (!(sum > 0.0)) out[BF__DICTIONARY] = 1.0;
}

/* --- partitions ------------------------------------------------------------------------------------------------------
 */

uint32_t bf__word_groups(const bf__words *words, const bf_measure_options *options, bool is_target,
                         uint32_t of[BF__WORD_PARTITIONS]) {
  double ratio = floor((double)words->documents / (double)options->partition_size + 0.5);
  uint32_t wanted = ratio < 1.0 ? 1 : ratio > BF__WORD_PARTITIONS ? BF__WORD_PARTITIONS : (uint32_t)ratio, n = 0;
  uint32_t order[BF__WORD_PARTITIONS];
  for (uint32_t i = 0; i < BF__WORD_PARTITIONS; ++i) order[i] = i;
  bf__random random = bf__random_of(bf__shuffle_seed(options->seed, 1));
  for (uint32_t i = BF__WORD_PARTITIONS - 1; is_target && i > 0; --i) {
    uint32_t j = (uint32_t)bf__random_below(&random, i + 1), kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  for (uint32_t first = 0, end = 0; first < BF__WORD_PARTITIONS; first = end) {
    uint64_t total = 0;
    while (end < BF__WORD_PARTITIONS && end * wanted / BF__WORD_PARTITIONS == first * wanted / BF__WORD_PARTITIONS) {
      total += words->partitions[order[end++]].total;
    }
    for (uint32_t i = first; i < end; ++i) of[order[i]] = total > 0 ? n : UINT32_MAX;
    n += total > 0;
  }
  return n;
}

void bf__word_group_counts(const bf__word_counts *counts, const uint32_t of[BF__WORD_PARTITIONS], uint64_t hash,
                           double expected, double out[BF__WORD_PARTITIONS]) {
  uint32_t i = bf__word_find(counts, hash);
  memset(out, 0, BF__WORD_PARTITIONS * sizeof *out);
  for (uint32_t b = 0; b < BF__WORD_PARTITIONS; ++b) {
    const bf__word_partition *bucket = &counts->words->partitions[b];
    if (of[b] == UINT32_MAX) continue;
    out[of[b]] += i < BF__PARTITION_WORDS ? (double)bucket->counts[i]
                                          : expected * ((double)bucket->total / (double)counts->words->total);
  }
}

/* --- profiles --------------------------------------------------------------------------------------------------------
 */

bf_status bf__profiles_init(bf__profiles *profiles, size_t n, size_t width, bf_error *err) {
  *profiles = (bf__profiles){.n = n, .width = width};
  profiles->shares = bf__alloc(n * width, sizeof *profiles->shares);
  profiles->entropies = bf__alloc(n, sizeof *profiles->entropies);
  if (profiles->shares && profiles->entropies) return BF_OK;
  bf__profiles_deinit(profiles);
  return bf__error_memory(err, n * width * sizeof(double));
}

void bf__profiles_deinit(bf__profiles *profiles) {
  free(profiles->shares);
  free(profiles->entropies);
  *profiles = (bf__profiles){0};
}
