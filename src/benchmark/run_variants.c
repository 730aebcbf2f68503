/* The variants of the protocol, and for which targets each can be had. */
#include <stdio.h>
#include <string.h>

#include "benchmark/benchmark_internal.h"

static const bf__bench_variant VARIANTS[BF__BENCH_VARIANTS] = {
    {.name = "standard"},
    {.name = "own-in", .own_in = true},
    {.name = "relatives-out", .relatives_out = true},
    {.name = "rows-30", .n_rows = 30},
    {.name = "rows-100", .n_rows = 100},
    {.name = "rows-300", .n_rows = 300},
    {.name = "rows-1000", .n_rows = 1000},
};

const bf__bench_variant *bf__bench_variant_at(size_t i) {
  return i < BF__BENCH_VARIANTS ? &VARIANTS[i] : NULL;
}

const char *bf_bench_variant_at(size_t i) {
  return i < BF__BENCH_VARIANTS ? VARIANTS[i].name : NULL;
}

bool bf__bench_is_left_out(const bf__bench_collection *c, size_t target, size_t domain, bool relatives_too) {
  if (domain == target) return true;
  return relatives_too && strcmp(c->domains[target].origin, c->domains[domain].origin) == 0;
}

static const char *why_no_own(const bf_bench_run *run, size_t domain) {
  const bf__bench_target *t = &run->targets[domain];
  size_t n_unseen = 0;
  bool has_own = false;
  for (size_t m = 0; m < run->n_models; m++)
    has_own = has_own || (run->models[m].domain == domain && t->said[m].is_there);
  if (!has_own) return "the domain has no model of its own";
  if (!t->rows.unseen) return "there is no target-unseen.txt: nobody knows which rows its own model never saw";
  for (uint32_t r = 0; r < t->rows.n_rows; r++) n_unseen += t->rows.unseen[r];
  return n_unseen > 0 ? NULL : "its own model has seen every row of the target";
}

const char *bf__bench_why_not(const bf_bench_run *run, size_t domain, const bf__bench_variant *variant, char why[160]) {
  const bf__bench_target *t = &run->targets[domain];
  size_t n = 0;
  if (variant->n_rows > t->rows.ranked.n_rows) {
    snprintf(why, 160, "the target is ranked by %u rows, fewer than %u", t->rows.ranked.n_rows, variant->n_rows);
    return why;
  }
  if (variant->own_in && why_no_own(run, domain)) return why_no_own(run, domain);
  for (size_t m = 0; m < run->n_models; m++) {
    bool out = bf__bench_is_left_out(run->collection, domain, run->models[m].domain, variant->relatives_out);
    if (run->models[m].domain == domain) out = !variant->own_in;
    n += !out && t->said[m].is_there;
  }
  if (n >= 2) return NULL;
  snprintf(why, 160, "%zu model%s left to choose from%s", n, n == 1 ? " is" : "s are",
           variant->relatives_out ? ", once its relatives are out" : "");
  return why;
}
