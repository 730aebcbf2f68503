/* The view of a pair: its sixteen similarities (dataset/pair_similarities.c), sizes as logarithms, then text. */
#include "sketch/view_pair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static const char *const names[BF__PAIR_SIMILARITIES] = {
    "words.jaccard", "words.overlap", "trigrams.jaccard", "trigrams.overlap",  "digits.jaccard", "digits.overlap",
    "first.jaccard", "first.overlap", "head.jaccard",     "length.ratio",      "left.size",      "right.size",
    "digits.absent", "empty",         "first.word",       "attributes.jaccard"};

struct bf__pair_view {
  const bf__kernels *kernels;
  bf__pair_scratch *scratch;
};

bf__pair_view *bf__pair_view_create(const bf__kernels *kernels) {
  bf__pair_view *v = bf__alloc(1, sizeof *v);
  if (!v) return NULL;
  v->kernels = kernels;
  v->scratch = bf__pair_scratch_create();
  if (v->scratch) return v;
  free(v);
  return NULL;
}

void bf__pair_view_free(bf__pair_view *v) {
  if (!v) return;
  bf__pair_scratch_free(v->scratch);
  free(v);
}

void bf__pair_column_name(uint32_t column, char out[BF__NAME_BYTES + 1]) {
  if (column < BF__PAIR_SIMILARITIES) {
    snprintf(out, BF__NAME_BYTES + 1, "%s", names[column]);
  } else {
    snprintf(out, BF__NAME_BYTES + 1, "text.%u", column - BF__PAIR_SIMILARITIES);
  }
}

bool bf__pair_similarities(bf__pair_view *v, const bf_pair *pair, uint64_t most_words, bf__pair_word_fn fn,
                           void *context, float *out) {
  if (!bf__pair_compare(v->scratch, pair, most_words, fn, context, out)) return false;
  double logs[2];
  v->kernels->log_cells(out + BF__PAIR_LEFT_SIZE, 2, logs);
  out[BF__PAIR_LEFT_SIZE] = (float)logs[0];
  out[BF__PAIR_RIGHT_SIZE] = (float)logs[1];
  return true;
}
