/* Rankings of the collections of real domains against measured serving accuracies: for the programs of tests/accuracy.
 */
#ifndef BESTFIT_TESTS_REFERENCE_TESTING_H
#define BESTFIT_TESTS_REFERENCE_TESTING_H

/* cmocka.h needs the others before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <bestfit/search.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collections.h"

static char scratch[] = "/tmp/bestfit-reference-XXXXXX";

static inline const char *data_folder(void) {
  const char *data = getenv("BESTFIT_DATA");
  if (!data) {
    print_message("skipped: BESTFIT_DATA is not set\n");
    skip();
  }
  return data;
}

static inline bf_dataset_options domain_options(const bench_domain *domain) {
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.format = domain->format;
  return options;
}

/* min_count 0: the default; 1: nothing is left out, as the paper's measures need for their exact extremes. */
static inline bf_sketch *sketch_with(const bench_domain *domain, uint32_t min_count) {
  bf_sketch_options sketch_options = BF_SKETCH_OPTIONS_INIT;
  sketch_options.min_count = min_count;
  bf_dataset *dataset = NULL;
  bf_sketch *sketch = NULL;
  bf_error err = {0};
  const char *path = domain->path;
  bf_dataset_options options = domain_options(domain);
  if (bf_dataset_open(path, &options, &dataset, &err) != BF_OK ||
      bf_sketch_build(dataset, &sketch_options, &sketch, &err) != BF_OK)
    fail_msg("%s: %s", path, err.message);
  bf_dataset_close(dataset);
  return sketch;
}

static inline bf_sketch *sketch_of(const bench_domain *domain) {
  return sketch_with(domain, 0);
}

typedef struct scored {
  double spearman, regret;
} scored;

/* Scores by a strategy of every candidate for one target, higher is better, in the order of the domains; the target's
 * own is NaN. */
static inline void scores_of(const bench_collection *c, bf_sketch **sketches, size_t target, const char *strategy,
                             double *scores) {
  bf_candidate candidates[BENCH_MAX_DOMAINS];
  for (size_t s = 0; s < c->n; s++)
    candidates[s] = (bf_candidate){.id = c->domains[s].name,
                                   .version = 1,
                                   .domain = c->domains[s].name,
                                   .sketch = sketches[s],
                                   .source_accuracy = c->accuracy[s][s]};
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.strategy = strategy;
  options.exclude_domain = c->domains[target].name;
  bf_search_result *result = NULL;
  bf_error err = {0};
  if (bf_rank(candidates, c->n, sketches[target], &options, &result, &err) != BF_OK)
    fail_msg("%s: %s", strategy, err.message);
  for (size_t s = 0; s < c->n; s++) scores[s] = NAN;
  for (size_t i = 0; i < bf_search_result_count(result); i++) {
    const bf_ranked *r = bf_search_result_at(result, i);
    scores[r->candidate] = r->score;
  }
  bf_search_result_free(result);
}

static inline scored score_target(const bench_collection *c, size_t target, const double *scores) {
  double score[BENCH_MAX_DOMAINS], accuracy[BENCH_MAX_DOMAINS];
  size_t n = 0;
  for (size_t s = 0; s < c->n; s++) {
    if (s == target) continue;
    assert_false(isnan(scores[s])); /* every other domain is a candidate with a score */
    score[n] = scores[s];
    accuracy[n++] = c->accuracy[s][target];
  }
  return (scored){bench_spearman(score, accuracy, n), bench_regret(score, accuracy, n)};
}

static inline scored mean_over_targets(const bench_collection *c, bf_sketch **sketches, const char *strategy) {
  scored sum = {0};
  for (size_t t = 0; t < c->n; t++) {
    double scores[BENCH_MAX_DOMAINS];
    scores_of(c, sketches, t, strategy, scores);
    scored one = score_target(c, t, scores);
    sum.spearman += one.spearman / (double)c->n;
    sum.regret += one.regret / (double)c->n;
  }
  print_message("  %-20s Spearman %6.3f  regret %.4f\n", strategy, sum.spearman, sum.regret);
  return sum;
}

static inline void make_collection(const char *name, bench_collection *c, bf_sketch **sketches) {
  if (!bench_collection_make(name, data_folder(), scratch, c)) fail_msg("the collection %s cannot be made", name);
  for (size_t s = 0; s < c->n; s++) sketches[s] = sketch_of(&c->domains[s]);
  print_message("%s: %zu domains, own domain out, from sketches\n", name, c->n);
}

static inline void free_sketches(size_t n, bf_sketch **sketches) {
  for (size_t s = 0; s < n; s++) bf_sketch_free(sketches[s]);
}

static inline int make_scratch(void **state) {
  (void)state;
  return mkdtemp(scratch) ? 0 : -1;
}

static inline int remove_scratch(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", scratch);
  return system(command) == 0 ? 0 : -1;
}

#endif
