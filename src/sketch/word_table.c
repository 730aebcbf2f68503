/* Open addressing with linear probing at a load of at most one half. A slot holds the upper half of the hash beside the
 * number of the entry, so that other words are passed over without a look at them; entries and their bytes lie in the
 * order of first appearance. */
#include "sketch/word_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define FIRST_SLOTS 2048u
#define KEPT_ENTRIES 65536u /* memory that a cleared table may keep */

void bf__word_table_deinit(bf__word_table *t) {
  free(t->index);
  free(t->entries);
  free(t->bytes);
  memset(t, 0, sizeof *t);
}

void bf__word_table_clear(bf__word_table *t) {
  if (t->capacity > KEPT_ENTRIES) {
    bf__word_table_deinit(t);
    return;
  }
  if (t->n) memset(t->index, 0, (t->mask + 1) * sizeof *t->index);
  t->n = 0;
  t->n_bytes = 0;
}

static uint64_t slot_of(uint64_t hash, size_t entry) {
  return (hash & 0xffffffff00000000u) | (uint64_t)(entry + 1);
}

static bool grow_index(bf__word_table *t) {
  size_t n_slots = t->index ? 2 * (t->mask + 1) : FIRST_SLOTS;
  uint64_t *index = bf__alloc(n_slots, sizeof *index);
  if (!index) return false;
  for (size_t i = 0; i < t->n; i++) {
    size_t at = (size_t)t->entries[i].hash & (n_slots - 1);
    while (index[at]) at = (at + 1) & (n_slots - 1);
    index[at] = slot_of(t->entries[i].hash, i);
  }
  free(t->index);
  t->index = index;
  t->mask = n_slots - 1;
  return true;
}

static bool reserve(bf__word_table *t, size_t n) {
  if (t->n == UINT32_MAX || t->n_bytes > UINT32_MAX - n) return false;
  if (2 * (t->n + 1) > (t->index ? t->mask + 1 : 0) && !grow_index(t)) return false;
  if (t->n == t->capacity) {
    size_t capacity = t->capacity ? 2 * t->capacity : FIRST_SLOTS / 2;
    bf__word_entry *entries = bf__realloc(t->entries, capacity, sizeof *entries);
    if (!entries) return false;
    t->entries = entries;
    t->capacity = capacity;
  }
  if (t->bytes_capacity - t->n_bytes < n) {
    size_t capacity = t->bytes_capacity ? 2 * t->bytes_capacity : 8 * FIRST_SLOTS;
    char *bytes = bf__realloc(t->bytes, capacity, 1);
    if (!bytes) return false;
    t->bytes = bytes;
    t->bytes_capacity = capacity;
  }
  return true;
}

bf__word_entry *bf__word_table_get(bf__word_table *t, uint64_t hash, const char *word, size_t n) {
  size_t at = 0;
  if (t->index) {
    for (at = (size_t)hash & t->mask; t->index[at]; at = (at + 1) & t->mask) {
      if ((t->index[at] ^ hash) >> 32) continue;
      bf__word_entry *e = &t->entries[(t->index[at] & 0xffffffffu) - 1];
      if (e->hash == hash && e->n == n && memcmp(t->bytes + e->at, word, n) == 0) return e;
    }
  }
  if (!reserve(t, n)) return NULL;
  for (at = (size_t)hash & t->mask; t->index[at]; at = (at + 1) & t->mask) continue;
  t->index[at] = slot_of(hash, t->n);
  bf__word_entry *e = &t->entries[t->n++];
  memset(e, 0, sizeof *e);
  e->hash = hash;
  e->at = (uint32_t)t->n_bytes;
  e->n = (uint32_t)n;
  memcpy(t->bytes + t->n_bytes, word, n);
  t->n_bytes += n;
  return e;
}
