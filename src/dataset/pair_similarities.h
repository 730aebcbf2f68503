/* Sixteen similarities of two records, for the view of sketches and for models. */
#ifndef BESTFIT_SRC_DATASET_PAIR_SIMILARITIES_H
#define BESTFIT_SRC_DATASET_PAIR_SIMILARITIES_H

#include <bestfit/dataset.h>

#define BF__PAIR_SIMILARITIES 16u
/* Of them the two sizes, which bf__pair_compare() gives as numbers of words, not yet as ln(1 + number): a sketch takes
 * its own logarithm, whose bytes are the same on every machine. */
#define BF__PAIR_LEFT_SIZE 10u
#define BF__PAIR_RIGHT_SIZE 11u

/* Scratch of one worker. */
typedef struct bf__pair_scratch bf__pair_scratch;
bf__pair_scratch *bf__pair_scratch_create(void);
void bf__pair_scratch_free(bf__pair_scratch *v);

/* The 16 similarities to out[BF__PAIR_SIMILARITIES]. Words are taken by bf__each_word(); at most `most_words` of the
 * row, of which fn (may be NULL) is told each, the left record's first. False without memory. */
typedef void (*bf__pair_word_fn)(void *context, uint64_t hash, const char *word, size_t n);
bool bf__pair_compare(bf__pair_scratch *v, const bf_pair *pair, uint64_t most_words, bf__pair_word_fn fn, void *context,
                      float *out);
/* Where a word of the last pair was seen: bit 0 left, bit 1 right. */
unsigned bf__pair_sides(const bf__pair_scratch *v, uint64_t hash);

#endif
