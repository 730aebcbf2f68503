/* N-grams of a text, as scikit-learn's HashingVectorizer makes them (its analyzer, not its hash). */
#ifndef BESTFIT_SRC_MODEL_NGRAMS_H
#define BESTFIT_SRC_MODEL_NGRAMS_H

#include <bestfit/dataset.h>

#include "base/bytes.h"
#include "model/featuriser_options.h"

#define BF__MOST_NGRAM 16

typedef enum bf__analyzer { BF__ANALYZE_WORD, BF__ANALYZE_CHAR, BF__ANALYZE_CHAR_WB } bf__analyzer;

/* What the card says, and scratch. */
typedef struct bf__ngrams {
  bf__analyzer analyzer;
  int64_t least, most; /* ngram_range */
  bool lowercase;
  size_t shortest;   /* characters of a word: 2 for \b\w\w+\b, 1 for \w+ */
  char **stop_words; /* [n_stop], sorted by bytes */
  size_t n_stop;
  bf__writer text, pieces; /* the text in lower case; words joined by blanks, or characters with blanks folded */
  size_t *starts, *ends;   /* [n] of each word, or of each character, in pieces */
  size_t n, capacity;
} bf__ngrams;

/* Reads analyzer, ngram_range, lowercase, token_pattern and stop_words; the caller sets the defaults before. */
bf_status bf__ngrams_read(const bf__options *o, bf__ngrams *out);
void bf__ngrams_deinit(bf__ngrams *g);

typedef void (*bf__ngram_fn)(void *context, const char *bytes, size_t n);
/* Each n-gram, in scikit-learn's order: all of one length, then of the next (char_wb: word by word). False without
 * memory. */
bool bf__each_ngram(bf__ngrams *g, const bf_string *text, bf__ngram_fn fn, void *context);

#endif
