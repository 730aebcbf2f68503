/* Counts the words of a dataset in one pass and bounded memory. */
#ifndef BESTFIT_SRC_SKETCH_WORD_COUNTER_H
#define BESTFIT_SRC_SKETCH_WORD_COUNTER_H

#include "base/error.h"
#include "sketch/sketch_data.h"

#define BF__ROW_WORDS (1u << 20)          /* words of a row that are taken; the rest of it is passed over */
#define BF__PIECE_ROWS 1024u              /* rows of a piece at most */
#define BF__PIECE_BYTES ((size_t)1 << 18) /* a piece ends with the row that reaches them */

typedef struct bf__word_counter bf__word_counter;
/* Consecutive rows of which one worker counts the words. */
typedef struct bf__word_piece bf__word_piece;

bf_status bf__word_counter_create(uint64_t seed, uint32_t n_pieces, bf__word_counter **out, bf_error *err);
void bf__word_counter_free(bf__word_counter *c);

/* Piece i < n_pieces, emptied. Different pieces may be filled at the same time. */
bf__word_piece *bf__word_counter_piece(bf__word_counter *c, size_t i);
/* The words that follow belong to this row. */
void bf__word_piece_row(bf__word_piece *p, uint64_t row);
/* Whether the row may have another word; false also where memory has run out, which end() reports. */
bool bf__word_piece_add(bf__word_piece *p, uint64_t hash, const char *word, size_t n);
/* `complete`: the piece ends where a piece ends however the rows arrive; only there words may be forgotten. */
void bf__word_piece_end(bf__word_piece *p, bool complete);
/* Adds the first n_pieces pieces in order. */
bf_status bf__word_counter_merge(bf__word_counter *c, size_t n_pieces, uint32_t n_threads, bf_error *err);
/* The words that occur at least min_count times. You own *out. */
bf_status bf__word_counter_finish(const bf__word_counter *c, uint64_t min_count, bf__words **out, bf_error *err);

/* The bucket of words of a row. */
uint32_t bf__word_bucket_of_row(uint64_t seed, uint64_t row);
/* Most frequent first, equal counts by bytes. */
int bf__word_compare(const bf__word *a, const bf__word *b);

#endif
