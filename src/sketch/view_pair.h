/* The view of a pair of records. */
#ifndef BESTFIT_SRC_SKETCH_VIEW_PAIR_H
#define BESTFIT_SRC_SKETCH_VIEW_PAIR_H

#include "base/error.h"
#include "dataset/pair_similarities.h"
#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"

/* Scratch of one worker. */
typedef struct bf__pair_view bf__pair_view;
bf__pair_view *bf__pair_view_create(const bf__kernels *kernels);
void bf__pair_view_free(bf__pair_view *v);

/* Names of the view's columns; column < BF__PAIR_SIMILARITIES + BF__TEXT_COLUMNS. */
void bf__pair_column_name(uint32_t column, char out[BF__NAME_BYTES + 1]);

/* As bf__pair_compare(), with ln(1 + number of words) for the sizes. */
bool bf__pair_similarities(bf__pair_view *v, const bf_pair *pair, uint64_t most_words, bf__pair_word_fn fn,
                           void *context, float *out);

#endif
