/* A table of words with counts: of one piece of rows, or of one shard of all of them. */
#ifndef BESTFIT_SRC_SKETCH_WORD_TABLE_H
#define BESTFIT_SRC_SKETCH_WORD_TABLE_H

#include "sketch/sketch_data.h"

typedef struct bf__word_entry {
  uint64_t hash; /* bf__xxh64(word, seed 0) */
  uint64_t count, documents;
  uint64_t row;   /* 1 + the last row that is counted in documents */
  uint64_t lost;  /* occurrences that may have been forgotten before this entry was made */
  uint32_t at, n; /* its bytes in the arena */
  uint64_t buckets[BF__WORD_PARTITIONS];
} bf__word_entry;

typedef struct bf__word_table {
  uint64_t *index; /* [mask + 1] upper half of the hash, 1 + number of the entry; 0: free */
  size_t mask;
  bf__word_entry *entries;
  size_t n, capacity;
  char *bytes;
  size_t n_bytes, bytes_capacity;
} bf__word_table;

void bf__word_table_deinit(bf__word_table *t);
/* Forgets the words, keeps the memory unless it is much. */
void bf__word_table_clear(bf__word_table *t);
/* The entry of a word of 1 .. 64 bytes, made where there is none (then its count is 0); NULL without memory. Valid
 * until the next call. */
bf__word_entry *bf__word_table_get(bf__word_table *t, uint64_t hash, const char *word, size_t n);

#endif
