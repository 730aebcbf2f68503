/* The folder of the benchmark: which collections, targets and runs are there, and which are not.
 *
 * Names come from the folder and from collection.json; a file of a run must state the same. What should be there and is
 * not becomes a gap with the command that helps, so that no mean leaves a target out without a word. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "benchmark/results_internal.h"

#define MAX_RUN_BYTES ((size_t)16 << 20)
#define MAX_WHY_BYTES ((size_t)64 << 10)
#define MAX_RUNS 200000u
#define MAX_STRATEGIES 500u

const char *const bf__variant_names[BF__N_VARIANTS] = {"standard", "own-in",   "relatives-out", "rows-30",
                                                       "rows-100", "rows-300", "rows-1000"};

const char *const bf__headline_names[BF__N_HEADLINE] = {"sentiment", "pos",        "entity_matching",
                                                        "dsads",     "har_across", "digits"};

/* ---- lists ---- */

bf_status bf__bench_grow(bf__bench *bench, void *list, size_t n, size_t *room, size_t element_bytes, bf_error *err) {
  if (n < *room) return BF_OK;
  size_t wider = *room * 2 + 16;
  void *grown = bf__arena_alloc(&bench->arena, wider, element_bytes), *old;
  if (grown == NULL) return bf__error_memory(err, wider * element_bytes);
  memcpy(&old, list, sizeof old);
  if (n > 0) memcpy(grown, old, n * element_bytes);
  memcpy(list, &grown, sizeof grown);
  *room = wider;
  return BF_OK;
}

/* A copy that the bench owns. */
static bf_status keep(bf__bench *bench, const char *text, const char **out, bf_error *err) {
  *out = bf__arena_strdup(&bench->arena, text);
  return *out != NULL ? BF_OK : bf__error_memory(err, strlen(text));
}

uint32_t bf__bench_find_strategy(const bf__bench *bench, const char *name) {
  for (size_t i = 0; i < bench->n_strategies; i++)
    if (strcmp(bench->strategies[i].name, name) == 0) return (uint32_t)i;
  return BF__NO_STRATEGY;
}

bf_status bf__bench_strategy(bf__bench *bench, const char *name, const char *family, uint32_t *out, bf_error *err) {
  bf_status status = BF_OK;
  *out = bf__bench_find_strategy(bench, name);
  if (*out != BF__NO_STRATEGY) return BF_OK;
  if (bench->n_strategies >= MAX_STRATEGIES)
    return bf__error(err, BF_ERR_LIMIT, "more than %u strategies", MAX_STRATEGIES);
  BF_TRY(bf__bench_grow(bench, &bench->strategies, bench->n_strategies, &bench->room_strategies,
                        sizeof *bench->strategies, err));
  bf__named_strategy one = {0};
  BF_TRY(keep(bench, name, &one.name, err));
  BF_TRY(keep(bench, family, &one.family, err));
  *out = (uint32_t)bench->n_strategies;
  bench->strategies[bench->n_strategies++] = one;
out:
  return status;
}

static bf_status add_gap(bf__bench *bench, const char *collection, const char *domain, const char *why, const char *get,
                         bf_error *err) {
  bf_status status = BF_OK;
  bf__gap gap = {0};
  for (size_t i = 0; i < bench->n_gaps; i++) { /* told once, though every seed lacks it */
    const bf__gap *old = &bench->gaps[i];
    bool same = (old->domain == NULL) == (domain == NULL) && (domain == NULL || strcmp(old->domain, domain) == 0);
    if (same && strcmp(old->collection, collection) == 0 && strcmp(old->why, why) == 0) return BF_OK;
  }
  BF_TRY(bf__bench_grow(bench, &bench->gaps, bench->n_gaps, &bench->room_gaps, sizeof *bench->gaps, err));
  BF_TRY(keep(bench, collection, &gap.collection, err));
  if (domain != NULL) BF_TRY(keep(bench, domain, &gap.domain, err));
  BF_TRY(keep(bench, why, &gap.why, err));
  BF_TRY(keep(bench, get, &gap.get, err));
  bench->gaps[bench->n_gaps++] = gap;
out:
  return status;
}

/* ---- a collection ---- */

static bf_status find_collection(bf__bench *bench, const bf__bench_collection *c, uint32_t *out, bf_error *err) {
  bf_status status = BF_OK;
  bf__known one = {.headline = c->headline, .has_f1 = c->f1 != NULL};
  for (*out = 0; *out < bench->n_collections; ++*out)
    if (strcmp(bench->collections[*out].name, c->name) == 0) return BF_OK;
  BF_TRY(bf__bench_grow(bench, &bench->collections, bench->n_collections, &bench->room_collections,
                        sizeof *bench->collections, err));
  BF_TRY(keep(bench, c->name, &one.name, err));
  BF_TRY(keep(bench, c->title, &one.title, err));
  BF_TRY(keep(bench, c->workload, &one.workload, err));
  for (size_t i = 0; i < c->n_domains; i++) one.n_models += c->domains[i].has_model;
  bench->collections[bench->n_collections++] = one;
out:
  return status;
}

static uint32_t group_of(const bf__bench_collection *c, size_t domain) {
  for (size_t i = 0; i < domain; i++)
    if (strcmp(c->domains[i].group, c->domains[domain].group) == 0) return (uint32_t)i;
  return (uint32_t)domain;
}

static bf_status find_item(bf__bench *bench, const bf__bench_collection *c, size_t domain, uint32_t collection,
                           uint32_t *out, bf_error *err) {
  bf_status status = BF_OK;
  const bf__bench_domain *d = &c->domains[domain];
  bf__item one = {.collection = collection, .group = group_of(c, domain), .stranger = d->stranger};
  for (*out = 0; *out < bench->n_items; ++*out)
    if (bench->items[*out].collection == collection && strcmp(bench->items[*out].name, d->name) == 0) return BF_OK;
  BF_TRY(bf__bench_grow(bench, &bench->items, bench->n_items, &bench->room_items, sizeof *bench->items, err));
  BF_TRY(keep(bench, d->name, &one.name, err));
  BF_TRY(keep(bench, d->title, &one.title, err));
  BF_TRY(keep(bench, d->origin, &one.origin, err));
  bench->items[bench->n_items++] = one;
out:
  return status;
}

/* One file of a run; *found false where it is not there. */
static bf_status read_run(bf__bench *bench, const char *folder, uint32_t item, uint32_t seed, uint32_t variant,
                          bool *found, bf_error *err) {
  bf_error inner = {.position = -1};
  uint8_t *bytes = NULL;
  size_t n = 0;
  char *path = bf__asprintf("%s/runs/%s/%s.json", folder, bf__variant_names[variant], bench->items[item].name);
  *found = false;
  if (path == NULL) return bf__error_memory(err, strlen(folder));
  bf_status status = bf__file_read(path, MAX_RUN_BYTES, &bytes, &n, err);
  if (status == BF_ERR_NOT_FOUND) {
    status = BF_OK;
    bf__error_clear(err);
    goto out;
  }
  if (status != BF_OK) goto out;
  if (bench->n_runs >= MAX_RUNS) {
    status = bf__error(err, BF_ERR_LIMIT, "more than %u files of runs", MAX_RUNS);
    goto out;
  }
  BF_TRY(bf__bench_grow(bench, &bench->runs, bench->n_runs, &bench->room_runs, sizeof *bench->runs, err));
  bf__run run = {.item = item, .seed = seed, .variant = variant};
  status = bf__run_parse(bench, bytes, n, &run, &inner);
  if (status != BF_OK) {
    status = bf__error_at(err, status, inner.position, "%s: %s", path, inner.message);
    goto out;
  }
  bench->runs[bench->n_runs++] = run;
  *found = true;
out:
  free(bytes);
  free(path);
  return status;
}

/* Why a target was not ranked, where `bench run` said so. You own it, or NULL. */
static char *why_not_run(const char *folder, const char *target) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  char *path = bf__asprintf("%s/runs/standard/%s.not-run", folder, target), *copy = NULL;
  if (path != NULL && bf__file_read(path, MAX_WHY_BYTES, &bytes, &n, NULL) == BF_OK) {
    json_t *json = json_loadb((const char *)bytes, n, 0, NULL);
    const char *why = json_string_value(json_object_get(json, "why"));
    if (why != NULL) copy = bf__asprintf("not ranked: %.400s", why);
    json_decref(json);
  }
  free(bytes);
  free(path);
  return copy;
}

static bf_status read_runs(bf__bench *bench, const bf__bench_collection *c, const char *folder, uint32_t collection,
                           uint32_t seed, bf_error *err) {
  bf_status status = BF_OK;
  char why[80], get[BF__BENCH_NAME_MAX + 40];
  for (size_t i = 0; i < c->n_domains; i++) {
    uint32_t item = 0;
    BF_TRY(find_item(bench, c, i, collection, &item, err));
    for (uint32_t variant = 0; variant < BF__N_VARIANTS; variant++) {
      bool found = false;
      BF_TRY(read_run(bench, folder, item, seed, variant, &found, err));
      if (variant != BF__STANDARD) continue;
      bench->items[item].has_run |= found;
      if (found) continue;
      char *told = why_not_run(folder, c->domains[i].name);
      snprintf(why, sizeof why, "not ranked yet, seed %u", seed);
      snprintf(get, sizeof get, "bestfit bench run %s", c->name);
      status = add_gap(bench, c->name, c->domains[i].name, told != NULL ? told : why, get, err);
      free(told);
      if (status != BF_OK) goto out;
    }
  }
out:
  return status;
}

static bf_status read_collection(bf__bench *bench, const char *folder, const char *name, uint32_t seed, bf_error *err) {
  bf__bench_collection *c = NULL;
  bf_error inner = {.position = -1};
  uint32_t collection = 0;
  bf_status status = bf__bench_collection_read(folder, &c, &inner);
  if (status == BF_ERR_NOT_FOUND) return BF_OK; /* a folder of something else */
  if (status != BF_OK) return bf__error_at(err, status, inner.position, "%s", inner.message);
  if (strcmp(c->name, name) != 0 || c->seed != seed) {
    status = bf__error(err, BF_ERR_MISMATCH, "%s/collection.json is of collection '%.64s', seed %llu", folder, c->name,
                       (unsigned long long)c->seed);
    goto out;
  }
  BF_TRY(find_collection(bench, c, &collection, err));
  BF_TRY(read_runs(bench, c, folder, collection, seed, err));
  for (size_t i = 0; i < c->n_missing; i++)
    BF_TRY(add_gap(bench, name, c->missing[i].domain, c->missing[i].why, c->missing[i].get, err));
out:
  bf__bench_collection_free(c);
  return status;
}

/* ---- the whole ---- */

static bf_status read_places(bf__bench *bench, const char *folder, bf_error *err) {
  bf_bench_place *places = NULL;
  size_t n = 0;
  bf_status status = bf_bench_find(folder, 0, &places, &n, err);
  for (size_t i = 0; status == BF_OK && i < n; i++) {
    if (i == 0 || places[i].seed != places[i - 1].seed) {
      BF_TRY(bf__bench_grow(bench, &bench->seeds, bench->n_seeds, &bench->room_seeds, sizeof *bench->seeds, err));
      bench->seeds[bench->n_seeds++] = places[i].seed;
    }
    status = read_collection(bench, places[i].folder, places[i].collection, places[i].seed, err);
  }
out:
  bf_bench_places_free(places, n);
  return status;
}

/* The six whose mean is the pooled figure: one that is not there is a gap of the whole. */
static bf_status check_headline(bf__bench *bench, bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; status == BF_OK && i < BF__N_HEADLINE; i++) {
    const char *name = bf__headline_names[i];
    char get[80];
    size_t k = 0;
    while (k < bench->n_collections && strcmp(bench->collections[k].name, name) != 0) k++;
    if (k < bench->n_collections) continue;
    snprintf(get, sizeof get, "bestfit bench train %s && bestfit bench run %s", name, name);
    status = add_gap(bench, name, NULL, "no models of it are here", get, err);
  }
  return status;
}

bf_status bf__bench_load(const char *folder, bf__bench **out, bf_error *err) {
  bf_status status = BF_OK;
  *out = NULL;
  bf__bench *bench = bf__alloc(1, sizeof *bench);
  if (bench == NULL) return bf__error_memory(err, sizeof *bench);
  BF_TRY(read_places(bench, folder, err));
  if (bench->n_runs == 0) {
    status =
        bf__error(err, BF_ERR_NOT_FOUND,
                  "%s has no rankings: `bestfit bench train` makes the models, `bestfit bench run` ranks them", folder);
    goto out;
  }
  BF_TRY(check_headline(bench, err));
  BF_TRY(bf__bench_mix(bench, err));
  *out = bench;
  bench = NULL;
out:
  bf__bench_free(bench);
  return status;
}

void bf__bench_free(bf__bench *bench) {
  if (bench == NULL) return;
  bf__arena_deinit(&bench->arena);
  free(bench);
}
