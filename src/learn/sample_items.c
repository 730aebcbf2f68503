/* A seeded choice of items, the same whatever the threads: those whose number has the smallest hash. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "learn/learn_internal.h"

typedef struct hashed_item {
  uint64_t hash;
  size_t item;
} hashed_item;

static int compare_hashed_items(const void *a, const void *b) {
  const hashed_item *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->item < y->item ? -1 : x->item > y->item;
}

bf_status bf__sample_items(uint64_t seed, size_t n_items, size_t n, size_t *items, bf_error *err) {
  hashed_item *all = bf__alloc(n_items, sizeof *all);
  if (!all) return bf__error_memory(err, n_items * sizeof *all);
  for (size_t i = 0; i < n_items; ++i) all[i] = (hashed_item){bf__mix64(seed, i), i};
  if (n < n_items) qsort(all, n_items, sizeof *all, compare_hashed_items);
  for (size_t i = 0; i < n; ++i) items[i] = all[i].item;
  free(all);
  return BF_OK;
}
