/* One hash table of the index: from the key of K codes to the histograms that have it. */
#include "index/index_internal.h"

#define AHEAD 16u /* slots that are fetched ahead */

static inline uint32_t tag_of(uint64_t key) {
  return (uint32_t)(key >> 32);
}

static inline size_t first_place(uint32_t tag, size_t capacity) {
  return (size_t)(((uint64_t)tag * capacity) >> 32);
}

/* The slot of the tag, or the empty one that it would take. */
static inline bf__slot *slot_of(bf__slot *slots, size_t capacity, uint32_t tag) {
  size_t at = first_place(tag, capacity);
  while (slots[at].head != 0 && slots[at].tag != tag) at = at + 1 == capacity ? 0 : at + 1;
  return &slots[at];
}

void bf__collision_move(const bf__collision_table *from, bf__slot *slots, size_t capacity) {
  for (size_t i = 0; i < from->capacity; ++i) {
    if (from->slots[i].head) *slot_of(slots, capacity, from->slots[i].tag) = from->slots[i];
  }
}

size_t bf__collision_fill(const bf__collision_table *table, const uint64_t *keys, uint32_t first, size_t n) {
  size_t taken = 0;
  for (size_t i = 0; i < n; ++i) {
    if (i + AHEAD < n) bf__collision_prefetch(table, keys[i + AHEAD]);
    uint32_t tag = tag_of(keys[i]), number = first + (uint32_t)i;
    bf__slot *slot = slot_of(table->slots, table->capacity, tag);
    taken += slot->head == 0;
    table->next[number] = slot->head;
    *slot = (bf__slot){tag, number + 1};
  }
  return taken;
}

uint32_t bf__collision_find(const bf__collision_table *table, uint64_t key) {
  return table->capacity ? slot_of(table->slots, table->capacity, tag_of(key))->head : 0;
}

void bf__collision_prefetch(const bf__collision_table *table, uint64_t key) {
  if (table->capacity) __builtin_prefetch(&table->slots[first_place(tag_of(key), table->capacity)]);
}
