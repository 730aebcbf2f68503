/* The view of a pair of records. */
#ifndef BESTFIT_SRC_SKETCH_VIEW_PAIR_H
#define BESTFIT_SRC_SKETCH_VIEW_PAIR_H

#include <bestfit/dataset.h>

#include "base/error.h"
#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"

/* Scratch of one worker. */
typedef struct bf__pair_view bf__pair_view;
bf__pair_view *bf__pair_view_create(const bf__kernels *kernels);
void bf__pair_view_free(bf__pair_view *v);

/* Names of the view's columns; column < BF__PAIR_SIMILARITIES + BF__TEXT_COLUMNS. */
void bf__pair_column_name(uint32_t column, char out[BF__NAME_BYTES + 1]);

/* The 16 similarities to out[BF__PAIR_SIMILARITIES]. Words are taken by bf__each_word(); at most `most_words` of the
 * row, of which fn is told each. False without memory. */
typedef void (*bf__pair_word_fn)(void *context, uint64_t hash, const char *word, size_t n);
bool bf__pair_similarities(bf__pair_view *v, const bf_pair *pair, uint64_t most_words, bf__pair_word_fn fn,
                           void *context, float *out);

#endif
