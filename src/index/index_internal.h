/* The index in memory. */
#ifndef BESTFIT_SRC_INDEX_INTERNAL_H
#define BESTFIT_SRC_INDEX_INTERNAL_H

#include <bestfit/index.h>

#include "base/error.h"
#include "measure/l2lsh.h"

/* A key's tag with the histograms that have it: a list through `next`, the latest first. Numbers are kept plus one, 0
 * is none: an empty slot, the end of a list. */
typedef struct bf__slot {
  uint32_t tag, head;
} bf__slot;

/* One table of the index: open addressing with linear probing, at most three quarters full. Of a key its high half, the
 * tag, is kept: 8 bytes a slot in place of 16, for n * L / 2^32 candidates a query that share a tag but not the codes,
 * which verification sorts out. A place is the tag scaled to the capacity, so that growing walks both arrays in order,
 * and the capacity can be any number below 2^32. */
typedef struct bf__collision_table {
  bf__slot *slots; /* [capacity] */
  size_t capacity;
  uint32_t *next; /* [bf_index.capacity] */
} bf__collision_table;

struct bf_index {
  bf_index_options options; /* defaults filled in */
  bf__l2lsh *lsh;
  uint32_t stride; /* float cells a histogram: n_bins, rounded up to 8 */
  size_t count, capacity;
  float *roots;            /* [capacity][stride], square roots of shares, zeros at the end */
  size_t quantised_stride; /* bf__l2lsh_stride() */
  int16_t *quantised;      /* [capacity][quantised_stride], the same roots as they are hashed */
  uint64_t *ids;
  uint32_t *next; /* [n_tables][capacity] */
  size_t slot_capacity;
  bf__slot *slots; /* [n_tables][slot_capacity] */
  size_t *used;    /* [n_tables] slots */
};

static inline bf__collision_table bf__index_table(const bf_index *index, uint32_t table) {
  return (bf__collision_table){index->slots + table * index->slot_capacity, index->slot_capacity,
                               index->next + table * index->capacity};
}

/* Moves every slot of a table to another array, which is empty and has room. */
void bf__collision_move(const bf__collision_table *from, bf__slot *slots, size_t capacity);
/* Enters the histograms first .. first + n of these keys; needs room. Returns how many slots that took. */
size_t bf__collision_fill(const bf__collision_table *table, const uint64_t *keys, uint32_t first, size_t n);
/* The latest histogram of that key, plus one; 0: there is none. */
uint32_t bf__collision_find(const bf__collision_table *table, uint64_t key);
void bf__collision_prefetch(const bf__collision_table *table, uint64_t key);

/* BF_ERR_INVALID_ARGUMENT, with the number as position, where a histogram is refused. */
bf_status bf__index_check(const bf_index *index, const float *histograms, size_t n, bf_error *err);
/* Square roots of shares [stride] from the masses [n_bins] of a histogram; false where it is refused. */
bool bf__index_roots(const bf_index *index, const float *histogram, float *roots);

#endif
