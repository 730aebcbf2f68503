/* tfidf-cosine: cosine of the two sides' ln(1 + count) * idf (Salton and Buckley 1988), idf = ln(1 + 1/(df + 1e-3)),
 * df = mean share of rows with the word over the frame's sources.
 *
 * Most of a text's words are rare, and a sketch keeps the frequent ones; yet the norm is made of rare words, and short
 * texts hardly share others. So the sum is split. Words that both sides keep are taken exactly. For the rest of each
 * side two things are estimated: its norm, from the kept words and from the number n and the mean count c of those that
 * are not kept, n * (ln(1 + c)/2 * idf)^2 (half, since the mean logarithm is below the logarithm of the mean: ln 2
 * against ln(1 + c) where one word has nearly all occurrences); and the cosine between the rests, as the correlation of
 * ln(1 + mass) over the 4,096 hashed cells. A word that both sides have adds to the same cell of both, words that only
 * one side has fall anywhere, and chance is what centring removes.
 *
 * Against the cosine of raw words: Spearman .95 on sentiment, .97 on tagging, .94 on entity matching. Leaving out what
 * is not kept gives .94, .85 and .91; expected counts for single words .92, .92 and .55.
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "measure/measure_internal.h"

#define RARE_WEIGHT 0.5

bf_status bf__tfidf_prepare(bf_prepared *prepared, bf_error *err) {
  const bf__word_counts *counts = &prepared->words;
  if (!counts->words) return BF_OK;
  prepared->tfidf = bf__alloc(counts->words->n_words, sizeof *prepared->tfidf);
  if (!prepared->tfidf) return bf__error_memory(err, counts->words->n_words * sizeof *prepared->tfidf);
  for (uint32_t i = 0; i < counts->words->n_words; ++i) {
    double idf = bf__frame_idf(&prepared->frame->words, counts->hashes[i]);
    prepared->tfidf[i] = log1p((double)counts->words->words[i].count) * idf;
  }
  return BF_OK;
}

/* Squared norm of the words that are not kept. */
static double rare_norm(const bf_prepared *prepared) {
  const bf__word_counts *counts = &prepared->words;
  double n = counts->rare * BF__HASHED_WORDS;
  if (!(n > 0.0) || counts->words->documents == 0) return 0.0;
  double each = counts->mean_rest / counts->rare;
  double df = each / (double)counts->words->documents / fmax(prepared->frame->words.n_sources, 1.0);
  double weight = RARE_WEIGHT * log1p(each) * bf__idf(df);
  return n * weight * weight;
}

/* ln(1 + mass) of a cell, centred; returns the sum of squares. */
static double centre(double cells[BF__HASHED_WORDS]) {
  double mean = 0.0, squares = 0.0;
  for (size_t c = 0; c < BF__HASHED_WORDS; ++c) {
    cells[c] = log1p(fmax(cells[c], 0.0));
    mean += cells[c] / BF__HASHED_WORDS;
  }
  for (size_t c = 0; c < BF__HASHED_WORDS; ++c) {
    cells[c] -= mean;
    squares += cells[c] * cells[c];
  }
  return squares;
}

typedef struct cosine_sums {
  double dot;      /* of the words that both keep */
  double norm[2];  /* of those, squared */
  double other[2]; /* of the other words */
  double cells[2][BF__HASHED_WORDS];
} cosine_sums;

static void add_kept_words(const bf_prepared *const sides[2], cosine_sums *sums) {
  for (int side = 0; side < 2; ++side) {
    const bf__word_counts *own = &sides[side]->words, *other = &sides[1 - side]->words;
    for (size_t c = 0; c < BF__HASHED_WORDS; ++c) sums->cells[side][c] = (double)own->words->hashed[c];
    for (uint32_t i = 0; i < own->words->n_words; ++i) {
      uint32_t there = bf__word_find(other, own->hashes[i]);
      double x = sides[side]->tfidf[i];
      if (there == BF__NOT_KEPT) {
        sums->other[side] += x * x;
        continue;
      }
      sums->norm[side] += x * x;
      sums->cells[side][own->hashes[i] >> 52] -= (double)own->words->words[i].count;
      if (side == 0) sums->dot += x * sides[1]->tfidf[there];
    }
  }
}

bf_status bf__tfidf_cosine(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  const bf_prepared *sides[2] = {source, target};
  for (int i = 0; i < 2; ++i) {
    const bf__words *words = sides[i]->words.words;
    if (!words || words->total == 0) {
      return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no words", i == 0 ? "source" : "target");
    }
  }
  cosine_sums *sums = bf__alloc(1, sizeof *sums);
  if (!sums) return bf__error_memory(err, sizeof *sums);
  add_kept_words(sides, sums);
  double squares[2], products = 0.0;
  for (int i = 0; i < 2; ++i) {
    sums->other[i] += rare_norm(sides[i]);
    squares[i] = centre(sums->cells[i]);
  }
  for (size_t c = 0; c < BF__HASHED_WORDS; ++c) products += sums->cells[0][c] * sums->cells[1][c];
  double scale = sqrt(squares[0] * squares[1]), correlation = scale > 0.0 ? fmax(products / scale, 0.0) : 0.0;
  double s = sums->norm[0] + sums->other[0], t = sums->norm[1] + sums->other[1];
  double dot = sums->dot + correlation * sqrt(sums->other[0] * sums->other[1]);
  free(sums);
  if (!(s > 0.0) || !(t > 0.0)) {
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "the words of the %s have no weight", s > 0.0 ? "target" : "source");
  }
  double cosine = dot / sqrt(s * t);
  *out = cosine > 1.0 ? 1.0 : cosine; /* rounding only */
  return BF_OK;
}
