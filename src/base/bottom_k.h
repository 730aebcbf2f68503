/* Seeded bottom-k selection (Cohen and Kaplan 2007): of all rows, the k whose number has the smallest hash. Which these
 * are depends on the seed and the numbers only, so it is the same whatever the threads, batches and formats; each set
 * of k rows is as likely as any other. */
#ifndef BESTFIT_SRC_BASE_BOTTOM_K_H
#define BESTFIT_SRC_BASE_BOTTOM_K_H

#include "base/error.h"

typedef struct bf__bottom_entry {
  uint64_t hash, row;
  uint32_t slot; /* in [0, n): where the caller keeps the row */
} bf__bottom_entry;

typedef struct bf__bottom_k {
  uint64_t seed;
  uint32_t k;
  uint32_t n, capacity;
  bf__bottom_entry *heap; /* the largest (hash, row) first; by row once sorted */
} bf__bottom_k;

/* Offers a row. *kept: it belongs to the sample so far, and goes into *slot, over the row that was there. */
bf_status bf__bottom_k_offer(bf__bottom_k *b, uint64_t row, bool *kept, uint32_t *slot, bf_error *err);
/* Brings the entries into the order of the rows. Nothing can be offered afterwards. */
void bf__bottom_k_sort(bf__bottom_k *b);
void bf__bottom_k_deinit(bf__bottom_k *b);

#endif
