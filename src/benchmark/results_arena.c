#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "benchmark/results_internal.h"

void *bf__arena_alloc(bf__arena *arena, size_t n_elements, size_t element_bytes) {
  if (arena->n == arena->capacity) {
    size_t capacity = arena->capacity * 2 + 64;
    void **grown = bf__realloc(arena->blocks, capacity, sizeof *grown);
    if (grown == NULL) return NULL;
    arena->blocks = grown;
    arena->capacity = capacity;
  }
  void *block = bf__alloc(n_elements, element_bytes);
  if (block != NULL) arena->blocks[arena->n++] = block;
  return block;
}

char *bf__arena_strdup(bf__arena *arena, const char *text) {
  size_t n = strlen(text) + 1;
  char *copy = bf__arena_alloc(arena, n, 1);
  if (copy != NULL) memcpy(copy, text, n);
  return copy;
}

void bf__arena_deinit(bf__arena *arena) {
  for (size_t i = 0; i < arena->n; i++) free(arena->blocks[i]);
  free(arena->blocks);
  *arena = (bf__arena){0};
}
