/* Which collections of which seeds are there. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "benchmark/benchmark_internal.h"

#define MAX_PLACES 100000u

typedef struct finding {
  bf_bench_place *places;
  size_t n, capacity;
} finding;

void bf_bench_places_free(bf_bench_place *places, size_t n) {
  for (size_t i = 0; places && i < n; i++) {
    free(places[i].folder);
    free(places[i].collection);
  }
  free(places);
}

/* 0: no folder of a seed. */
static uint32_t seed_of(const char *name) {
  char *end = NULL;
  if (strncmp(name, "seed-", 5) != 0 || name[5] < '1' || name[5] > '9') return 0;
  unsigned long seed = strtoul(name + 5, &end, 10);
  return *end == '\0' && seed <= UINT32_MAX ? (uint32_t)seed : 0;
}

static bf_status add_place(finding *f, const char *seed_folder, uint32_t seed, const char *name, bf_error *err) {
  char *folder = bf__asprintf("%s/%s", seed_folder, name),
       *json = bf__asprintf("%s/%s/collection.json", seed_folder, name);
  bf_status status = folder && json ? BF_OK : bf__error_memory(err, strlen(seed_folder));
  if (status == BF_OK && access(json, F_OK) == 0) {
    if (f->n == f->capacity) {
      size_t capacity = f->capacity ? 2 * f->capacity : 16;
      bf_bench_place *grown = capacity <= MAX_PLACES ? bf__realloc(f->places, capacity, sizeof *grown) : NULL;
      if (grown) f->places = grown, f->capacity = capacity;
      if (!grown) status = bf__error_memory(err, capacity * sizeof *grown);
    }
    char *copy = status == BF_OK ? bf__strdup(name) : NULL;
    if (copy) {
      f->places[f->n++] = (bf_bench_place){folder, copy, seed};
      folder = NULL;
    } else if (status == BF_OK) {
      status = bf__error_memory(err, strlen(name));
    }
  }
  free(folder);
  free(json);
  return status;
}

static bf_status look_into(finding *f, const char *bench, const char *name, uint32_t seed, bf_error *err) {
  bf_status status = BF_OK;
  char *folder = bf__asprintf("%s/%s", bench, name);
  if (!folder) return bf__error_memory(err, strlen(bench));
  DIR *directory = opendir(folder);
  const struct dirent *entry;
  while (directory && status == BF_OK && (entry = readdir(directory)) != NULL)
    if (bf__bench_is_name(entry->d_name)) status = add_place(f, folder, seed, entry->d_name, err);
  if (directory) closedir(directory);
  free(folder);
  return status;
}

static int compare_places(const void *a, const void *b) {
  const bf_bench_place *x = a, *y = b;
  if (x->seed != y->seed) return x->seed < y->seed ? -1 : 1;
  return strcmp(x->collection, y->collection);
}

bf_status bf_bench_find(const char *bench, uint32_t max_seed, bf_bench_place **out, size_t *n_out, bf_error *err) {
  if (!bench || !out || !n_out)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a folder and places for the list are needed");
  *out = NULL;
  *n_out = 0;
  finding f = {0};
  bf_status status = BF_OK;
  DIR *directory = opendir(bench);
  const struct dirent *entry;
  while (directory && status == BF_OK && (entry = readdir(directory)) != NULL) {
    uint32_t seed = seed_of(entry->d_name);
    if (seed > 0 && (max_seed == 0 || seed <= max_seed)) status = look_into(&f, bench, entry->d_name, seed, err);
  }
  if (directory) closedir(directory);
  if (status == BF_OK && f.n == 0)
    status = bf__error(err, BF_ERR_NOT_FOUND, "no collection in %.150s: run `bestfit bench train`", bench);
  if (status != BF_OK) {
    bf_bench_places_free(f.places, f.n);
    return status;
  }
  qsort(f.places, f.n, sizeof *f.places, compare_places);
  *out = f.places;
  *n_out = f.n;
  return BF_OK;
}
