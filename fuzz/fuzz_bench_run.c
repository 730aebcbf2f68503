/* Files of a run from strangers: what is read has the lengths and ranges that the report counts on. */
#include <math.h>
#include <stdlib.h>

#include "benchmark/results_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

static void require_run(const bf__bench *bench, const bf__run *run) {
  require(run->n_models > 0 && run->n_answers <= 500);
  for (size_t i = 0; i < run->n_models; i++) {
    require(run->domains[i] != NULL && run->accuracy[i] >= 0 && run->accuracy[i] <= 1);
    require(isnan(run->source[i]) || (run->source[i] >= 0 && run->source[i] <= 1));
    if (run->expected != NULL) require(!isinf(run->expected[i] + run->low[i] + run->high[i]));
  }
  for (size_t k = 0; k < run->n_answers; k++) {
    require(run->answers[k].strategy < bench->n_strategies);
    for (size_t i = 0; run->answers[k].scores != NULL && i < run->n_models; i++)
      require(!isinf(run->answers[k].scores[i]));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf__bench bench = {0};
  bf__known collection = {.name = "dsads", .title = "T", .workload = "w"};
  bf__item item = {.name = "a", .title = "A", .origin = "o"};
  bf__run run = {.seed = 1};
  bf__values *values = NULL;
  bf_error err = {0};
  bench.collections = &collection, bench.n_collections = 1;
  bench.items = &item, bench.n_items = 1;
  bf_status status = bf__run_parse(&bench, data, size, &run, &err);
  if (status != BF_OK) {
    require(err.code == status && err.message[0] != '\0');
  } else {
    require_run(&bench, &run);
    bench.runs = &run, bench.n_runs = 1;
    require(bf__bench_mix(&bench, &err) == BF_OK && bf__values_create(&bench, &values, &err) == BF_OK);
  }
  bf__values_free(values);
  bf__arena_deinit(&bench.arena);
  return 0;
}
