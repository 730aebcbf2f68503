/* The word measures of docs/strategies.md on raw words: a plain re-implementation that shares no code with
 * src/measure. */
#ifndef BESTFIT_TESTS_RAW_WORDS_H
#define BESTFIT_TESTS_RAW_WORDS_H

#include <bestfit/dataset.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_MAX_DOMAINS 32

/* The words of several domains, numbered in the order of their bytes. */
typedef struct raw_words {
  size_t n_domains, n_words;
  char **words;                       /* [n_words] */
  double *counts[RAW_MAX_DOMAINS];    /* [n_words] */
  double *documents[RAW_MAX_DOMAINS]; /* [n_words] rows that hold it */
  uint32_t *tokens[RAW_MAX_DOMAINS];  /* all words of all rows */
  size_t *starts[RAW_MAX_DOMAINS];    /* [n_rows + 1] of each row in tokens */
  size_t n_rows[RAW_MAX_DOMAINS];
  double totals[RAW_MAX_DOMAINS];
} raw_words;

/* Fails the test on error. */
raw_words *raw_words_make(bf_documents *const *documents, size_t n_domains);
void raw_words_free(raw_words *w);

double raw_word_jsd(const raw_words *w, size_t source, size_t target);
/* `use`: [n_domains], the frame's sources. */
double raw_word_xent(const raw_words *w, const int *use, size_t source, size_t target);
double raw_tfidf_cosine(const raw_words *w, const int *use, size_t source, size_t target);
/* Values of every domain that is used, in partitions of partition_size shuffled rows. */
void raw_soft_adaptivity(const raw_words *w, const int *use, size_t target, size_t partition_size, double *values);

#endif
