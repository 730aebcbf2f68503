/* What a frame's sources say of words: how many different ones there are, how rare each is, the 300 that matter most.
 *
 * Each source weighs the same, the target is left out, and at most 64 sources, evenly strided, are asked, so that the
 * cost stays bounded in a large repository. Words are known by their 64-bit hash: the frame must not hold on to
 * sketches that may be gone.
 *
 * The size of the vocabulary (for word-xent's smoothing) comes from the minima of all 128 hash functions over all
 * sources: the minimum of n uniform numbers is about exponential with rate n, so that n is near (128 - 1) / sum of
 * -ln(1 - minimum) (Cohen 1997), within 9 %; it is kept between the largest source's and the sum.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/measure_internal.h"

#define UNSEEN 1e-3 /* added to the document frequency in idf */

void bf__frame_words_deinit(bf__frame_words *words) {
  free(words->hashes);
  free(words->shares);
  free(words->idf);
  free(words->slots);
  *words = (bf__frame_words){0};
}

static uint32_t *slot_of(const bf__frame_words *words, uint64_t hash) {
  size_t slot = hash & (words->n_slots - 1);
  while (words->slots[slot] != 0 && words->hashes[words->slots[slot] - 1] != hash)
    slot = (slot + 1) & (words->n_slots - 1);
  return &words->slots[slot];
}

double bf__idf(double document_frequency) {
  return log(1.0 + 1.0 / (document_frequency + UNSEEN));
}

double bf__frame_idf(const bf__frame_words *words, uint64_t hash) {
  uint32_t number = words->n > 0 ? *slot_of(words, hash) : 0;
  return number > 0 ? words->idf[number - 1] : bf__idf(0.0);
}

static double vocabulary_of(const uint64_t minima[BF__MINHASH], double largest, double sum) {
  double rate = 0.0;
  for (size_t i = 0; i < BF__MINHASH; ++i) rate -= log1p(-(double)minima[i] * 0x1p-64);
  double estimate = rate > 0.0 && isfinite(rate) ? (double)(BF__MINHASH - 1) / rate : sum;
  estimate = estimate < largest ? largest : estimate > sum ? sum : estimate;
  return estimate < 1.0 ? 1.0 : estimate;
}

typedef struct numbered {
  double share;
  uint64_t hash;
  uint32_t number;
} numbered;

static int compare_numbered(const void *a, const void *b) {
  const numbered *x = a, *y = b;
  if (x->share != y->share) return x->share > y->share ? -1 : 1;
  return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static bf_status choose_dictionary(bf__frame_words *words, bf_error *err) {
  numbered *all = bf__alloc(words->n, sizeof *all);
  if (!all) return bf__error_memory(err, words->n * sizeof *all);
  for (size_t i = 0; i < words->n; ++i) all[i] = (numbered){words->shares[i], words->hashes[i], (uint32_t)i};
  qsort(all, words->n, sizeof *all, compare_numbered);
  words->n_dictionary = (uint32_t)(words->n < BF__DICTIONARY ? words->n : BF__DICTIONARY);
  for (uint32_t i = 0; i < words->n_dictionary; ++i) words->dictionary[i] = all[i].number;
  free(all);
  return BF_OK;
}

static void add_source(bf__frame_words *out, const bf__words *words, double weight) {
  for (uint32_t i = 0; i < words->n_words; ++i) {
    uint64_t hash = bf__word_hash(&words->words[i]);
    uint32_t *slot = slot_of(out, hash);
    if (*slot == 0) {
      out->hashes[out->n] = hash;
      *slot = (uint32_t)++out->n;
    }
    out->shares[*slot - 1] += weight * (double)words->words[i].count / (double)words->total;
    out->idf[*slot - 1] += weight * (double)words->words[i].documents / (double)words->documents; /* df until below */
  }
}

bf_status bf__frame_words_make(bf_frame *frame, const bf_sketch *const *sources, size_t n_sources, bf_error *err) {
  bf__frame_words *out = &frame->words;
  size_t step = (n_sources + BF__POOLED_SOURCES - 1) / BF__POOLED_SOURCES, n_all = 0, used = 0;
  uint64_t minima[BF__MINHASH];
  double largest = 0.0, sum = 0.0;
  memset(minima, 0xff, sizeof minima);
  for (size_t i = 0; i < n_sources; ++i) {
    const bf__words *words = sources[i]->words;
    if (!words || words->total == 0 || words->documents == 0) continue;
    for (size_t h = 0; h < BF__MINHASH; ++h) minima[h] = words->minhash[h] < minima[h] ? words->minhash[h] : minima[h];
    largest = fmax(largest, words->distinct);
    sum += words->distinct;
    if (i % step != 0) continue;
    n_all += words->n_words;
    ++used;
  }
  if (!(largest > 0.0)) return BF_OK;
  out->n_sources = (double)used;
  out->vocabulary = vocabulary_of(minima, largest, sum);
  out->n_slots = 16;
  while (out->n_slots < 2 * n_all) out->n_slots *= 2;
  out->hashes = bf__alloc(n_all, sizeof *out->hashes);
  out->shares = bf__alloc(n_all, sizeof *out->shares);
  out->idf = bf__alloc(n_all, sizeof *out->idf);
  out->slots = bf__alloc(out->n_slots, sizeof *out->slots);
  if (!out->hashes || !out->shares || !out->idf || !out->slots) return bf__error_memory(err, n_all * sizeof(double));
  for (size_t i = 0; i < n_sources; i += step) {
    const bf__words *words = sources[i]->words;
    if (words && words->total > 0 && words->documents > 0) add_source(out, words, 1.0 / (double)used);
  }
  for (size_t i = 0; i < out->n; ++i) out->idf[i] = bf__idf(out->idf[i]);
  return choose_dictionary(out, err);
}
