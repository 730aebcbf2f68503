/* soft-adaptivity: adaptivity without a threshold.
 *
 *   mean over target partitions b of max over source partitions a of exp(-JS(a, b)/tau),
 *   tau = median JS of all pairs of a partition of any of the frame's sources and one of the target
 *
 * The paper's adaptivity counts the pairs below a threshold, which takes few values, hangs on the threshold and grows
 * with the source. Here each target partition asks for its nearest source partition, and the scale comes from the data.
 *
 * For text, pair and tagged the partitions are distributions over the 300 words that are most frequent over the frame's
 * sources (one dictionary for all candidates, so that their divergences compare); for the other kinds the 100-bin
 * histograms of paper-adaptivity.
 *
 * Of two distributions with known entropies JS = H((P + Q)/2) - (H(P) + H(Q))/2: half the logarithms. tau is taken from
 * at most 256 partitions of the sources, equally many of each.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/measure_internal.h"

static double entropy(const double *p, size_t n) {
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) {
    if (p[i] > 0.0) sum -= p[i] * log(p[i]);
  }
  return sum;
}

static double divergence(const bf__profiles *a, size_t i, const bf__profiles *b, size_t j) {
  const double *p = a->shares + i * a->width, *q = b->shares + j * b->width;
  double middle = 0.0;
  if (memcmp(p, q, a->width * sizeof *p) == 0) return 0.0; /* the difference below would be rounding */
  for (size_t c = 0; c < a->width; ++c) {
    double m = 0.5 * (p[c] + q[c]);
    if (m > 0.0) middle -= m * log(m);
  }
  double js = middle - 0.5 * (a->entropies[i] + b->entropies[j]);
  return js > 0.0 ? js : 0.0;
}

static bf_status word_profiles(const bf_frame *owner, const bf__word_counts *counts, bf__profiles *out, bf_error *err) {
  const bf__words *words = counts->words;
  const bf__frame_words *frame = &owner->words;
  uint32_t of[BF__WORD_PARTITIONS], n = 0;
  bf_measure_options options = bf__word_options(&owner->options);
  if (words && words->total > 0) n = bf__word_groups(words, &options, false, of);
  if (n == 0 || frame->n_dictionary == 0) return BF_OK;
  bf_status status = bf__profiles_init(out, n, BF__WORD_CELLS, err);
  double(*rows)[BF__WORD_CELLS] = bf__alloc(n, sizeof *rows);
  if (status == BF_OK && !rows) status = bf__error_memory(err, n * sizeof *rows);
  for (uint32_t i = 0; status == BF_OK && i < frame->n_dictionary; ++i) {
    uint32_t word = frame->dictionary[i];
    double usual = frame->shares[word] * (double)words->total, in_group[BF__WORD_PARTITIONS];
    double expected = bf__word_expected(counts, frame->hashes[word], usual, usual);
    bf__word_group_counts(counts, of, frame->hashes[word], expected, in_group);
    for (uint32_t g = 0; g < n; ++g) rows[g][i] = in_group[g];
  }
  for (uint32_t g = 0; status == BF_OK && g < n; ++g) {
    bf__word_shares(rows[g], frame->n_dictionary, out->shares + (size_t)g * BF__WORD_CELLS);
    out->entropies[g] = entropy(out->shares + (size_t)g * BF__WORD_CELLS, BF__WORD_CELLS);
  }
  free(rows);
  return status;
}

static bf_status number_profiles(const bf_frame *frame, const bf_sketch *sketch, bf__profiles *out, bf_error *err) {
  bf__paper_histogram *histograms = NULL;
  size_t n = 0;
  bf_measure_options options = bf__measure_options(&frame->options);
  bf_status status = bf__sketch_partitions(sketch, &options, false, &histograms, &n, err);
  if (status == BF_OK && n > 0) status = bf__profiles_init(out, n, BF__PAPER_BINS, err);
  for (size_t i = 0; status == BF_OK && i < n; ++i) {
    memcpy(out->shares + i * BF__PAPER_BINS, histograms[i].share, sizeof histograms[i].share);
    out->entropies[i] = entropy(histograms[i].share, BF__PAPER_BINS);
  }
  free(histograms);
  return status;
}

bf_status bf__soft_pool(bf_frame *frame, const bf_sketch *const *sources, size_t n_sources, bf_error *err) {
  size_t source_step = (n_sources + BF__POOLED_SOURCES - 1) / BF__POOLED_SOURCES;
  size_t used = (n_sources + source_step - 1) / source_step, each = BF__POOLED_PARTITIONS / used, n = 0;
  size_t width = frame->soft_on_words ? BF__WORD_CELLS : BF__PAPER_BINS;
  bf_status status = bf__profiles_init(&frame->pooled, BF__POOLED_PARTITIONS, width, err);
  for (size_t i = 0; status == BF_OK && i < n_sources; i += source_step) {
    bf__word_counts counts = {0};
    bf__profiles own = {0};
    if (frame->soft_on_words) {
      status = bf__word_counts_init(&counts, sources[i], err);
      if (status == BF_OK) status = word_profiles(frame, &counts, &own, err);
    } else {
      status = number_profiles(frame, sources[i], &own, err);
    }
    size_t step = (own.n + each - 1) / each;
    for (size_t p = 0; p < own.n; p += step) {
      memcpy(frame->pooled.shares + n * width, own.shares + p * width, width * sizeof(double));
      frame->pooled.entropies[n++] = own.entropies[p];
    }
    bf__profiles_deinit(&own);
    bf__word_counts_deinit(&counts);
  }
  frame->pooled.n = n;
  return status;
}

static bf_status find_scale(bf_prepared *prepared, bf_error *err) {
  const bf__profiles *pooled = &prepared->frame->pooled, *own = &prepared->soft;
  size_t n = pooled->n * own->n, at = 0;
  if (n == 0) return BF_OK;
  double *all = bf__alloc(n, sizeof *all);
  if (!all) return bf__error_memory(err, n * sizeof *all);
  for (size_t a = 0; a < pooled->n; ++a) {
    for (size_t b = 0; b < own->n; ++b) all[at++] = divergence(pooled, a, own, b);
  }
  qsort(all, n, sizeof *all, bf__compare_doubles);
  prepared->tau = (all[(n - 1) / 2] + all[n / 2]) / 2.0;
  free(all);
  return BF_OK;
}

bf_status bf__soft_prepare(bf_prepared *prepared, bf_error *err) {
  const bf_frame *frame = prepared->frame;
  bf_status status = frame->soft_on_words ? word_profiles(frame, &prepared->words, &prepared->soft, err)
                                          : number_profiles(frame, prepared->sketch, &prepared->soft, err);
  prepared->tau = NAN;
  if (status == BF_OK && (prepared->parts & BF__PART_SCALE)) status = find_scale(prepared, err);
  return status;
}

bf_status bf__soft_adaptivity(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  const char *none = source->frame->soft_on_words ? "has no partition with words" : "has no finite cell";
  if (source->soft.n == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the source %s", none);
  if (target->soft.n == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the target %s", none);
  if (isnan(target->tau)) return bf__error(err, BF_ERR_NOT_APPLICABLE, "no source of the frame has partitions");
  double sum = 0.0;
  for (size_t b = 0; b < target->soft.n; ++b) {
    double nearest = M_LN2;
    for (size_t a = 0; a < source->soft.n; ++a) nearest = fmin(nearest, divergence(&source->soft, a, &target->soft, b));
    sum += nearest > 0.0 ? exp(-nearest / target->tau) : 1.0; /* tau 0: alike partitions only */
  }
  *out = sum / (double)target->soft.n;
  return BF_OK;
}
