#include "base/bottom_k.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

static bool above(const bf__bottom_entry *a, const bf__bottom_entry *b) {
  return a->hash != b->hash ? a->hash > b->hash : a->row > b->row;
}

static void sift_up(bf__bottom_entry *heap, size_t i) {
  bf__bottom_entry e = heap[i];
  for (; i > 0 && above(&e, &heap[(i - 1) / 2]); i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
  heap[i] = e;
}

static void sift_down(bf__bottom_entry *heap, size_t n) {
  bf__bottom_entry e = heap[0];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && above(&heap[child + 1], &heap[child])) child++;
    if (!above(&heap[child], &e)) break;
    heap[i] = heap[child];
  }
  heap[i] = e;
}

bf_status bf__bottom_k_offer(bf__bottom_k *b, uint64_t row, bool *kept, uint32_t *slot, bf_error *err) {
  bf__bottom_entry e = {.hash = bf__mix64(b->seed, row), .row = row, .slot = b->n};
  *kept = true;
  if (b->n < b->k) {
    if (b->n == b->capacity) {
      uint32_t capacity = b->capacity == 0 ? 256 : b->capacity > UINT32_MAX / 2 ? UINT32_MAX : b->capacity * 2;
      bf__bottom_entry *heap = bf__realloc(b->heap, capacity, sizeof *heap);
      if (!heap) return bf__error_memory(err, capacity * sizeof *heap);
      b->heap = heap;
      b->capacity = capacity;
    }
    b->heap[b->n] = e;
    sift_up(b->heap, b->n++);
  } else {
    *kept = b->n > 0 && above(&b->heap[0], &e);
    if (!*kept) return BF_OK;
    e.slot = b->heap[0].slot;
    b->heap[0] = e;
    sift_down(b->heap, b->n);
  }
  *slot = e.slot;
  return BF_OK;
}

static int by_row(const void *a, const void *b) {
  uint64_t x = ((const bf__bottom_entry *)a)->row, y = ((const bf__bottom_entry *)b)->row;
  return (x > y) - (x < y);
}

void bf__bottom_k_sort(bf__bottom_k *b) {
  if (b->n) qsort(b->heap, b->n, sizeof *b->heap, by_row);
}

void bf__bottom_k_deinit(bf__bottom_k *b) {
  free(b->heap);
  *b = (bf__bottom_k){0};
}
