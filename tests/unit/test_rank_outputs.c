/* Ranking by what models say: order, skipped ones, measures and reasons. */
#include <bestfit/search.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "make_sketch.h"
#include "rank/rank_internal.h"

#define assert_near(a, b, by) assert_true(fabs((a) - (b)) <= (by))

enum { D = 4, ITEMS = 200, CLASSES = 3, MODELS = 5 };
static const char *const NAMES[D] = {"a", "b", "c", "d"};
static const char *const LABELS[CLASSES] = {"cat", "dog", "owl"};
static const char *const IDS[MODELS] = {"lab/good", "lab/fair", "lab/poor", "lab/random", "lab/bare"};

typedef struct world {
  bf_sketch *near, *far, *target;
  float scores[MODELS][ITEMS * CLASSES];
  bf_outputs outputs[MODELS];
  bf_candidate candidates[MODELS];
} world;

/* Model m is right on a share of the items, and else says any class. */
static void make_outputs(world *w) {
  static const double right[MODELS] = {.95, .8, .6, .33, .9};
  bf__random random = bf__random_of(3);
  for (int i = 0; i < ITEMS; i++) {
    int truth = (int)bf__random_below(&random, CLASSES);
    for (int m = 0; m < MODELS; m++) {
      int said = bf__random_unit(&random) < right[m] ? truth : (int)bf__random_below(&random, CLASSES);
      w->scores[m][i * CLASSES + said] = 2.0f + (float)bf__random_unit(&random);
    }
  }
  for (int m = 0; m < MODELS; m++) {
    w->outputs[m] = (bf_outputs){.n_items = ITEMS, .n_classes = CLASSES, .scores = w->scores[m], .are_logits = true};
    w->candidates[m] = (bf_candidate){.id = IDS[m],
                                      .version = 1,
                                      .domain = IDS[m],
                                      .sketch = m < 2   ? w->near
                                                : m < 4 ? w->far
                                                        : NULL,
                                      .source_accuracy = NAN,
                                      .outputs = &w->outputs[m],
                                      .classes = LABELS};
  }
}

static int set_up(void **state) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->near = make_normal_sketch(1, 800, D, 0.1, 1.0, NAMES);
  w->far = make_normal_sketch(2, 800, D, 3.0, 2.0, NAMES);
  w->target = make_normal_sketch(3, 800, D, 0.0, 1.0, NAMES);
  make_outputs(w);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;
  bf_sketch_free(w->near);
  bf_sketch_free(w->far);
  bf_sketch_free(w->target);
  free(w);
  return 0;
}

static bf_search_result *rank(const world *w, const bf_candidate *candidates, size_t n, const char *strategy,
                              const char *exclude) {
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.strategy = strategy;
  options.exclude_domain = exclude;
  bf_search_result *result = NULL;
  bf_error err = {0};
  if (bf_rank(candidates, n, w->target, &options, &result, &err) != BF_OK) fail_msg("%s", err.message);
  return result;
}

static double value(const bf_ranked *ranked, const char *name) {
  for (size_t i = 0; i < ranked->n_measures; i++)
    if (strcmp(ranked->measure_names[i], name) == 0) return ranked->measure_values[i];
  fail_msg("%s has no measure %s", ranked->id, name);
  return NAN;
}

static void outputs_make_similarity_agreement_the_default(void **state) {
  const world *w = *state;
  bf_search_result *result = rank(w, w->candidates, 4, NULL, NULL);
  assert_string_equal(bf_search_result_strategy(result), "similarity-agreement");
  assert_false(bf_search_result_data_only(result));
  assert_int_equal(bf_search_result_count(result), 4);
  assert_string_equal(bf_search_result_at(result, 0)->id, "lab/good");
  assert_string_equal(bf_search_result_at(result, 3)->id, "lab/random");
  bf_search_result_free(result);
}

static void a_model_without_sketch_is_ranked_by_what_it_says(void **state) {
  const world *w = *state;
  bf_search_result *result = rank(w, w->candidates, MODELS, "pair-agreement", NULL);
  assert_int_equal(bf_search_result_count(result), MODELS);
  assert_int_equal(bf_search_result_skipped_count(result), 0);
  for (size_t i = 0; i < MODELS; i++) {
    const bf_ranked *ranked = bf_search_result_at(result, i);
    bool bare = strcmp(ranked->id, "lab/bare") == 0;
    assert_int_equal(isnan(value(ranked, "similarity")), bare);
    assert_int_equal(isnan(value(ranked, "hist-jsd")), bare);
    assert_int_equal(bf_search_result_sketch(result, i) == NULL, bare);
  }
  bf_search_result_free(result);
}

/* Agreement of the table is the share of items with equal classes. */
static void the_score_is_the_named_estimator(void **state) {
  const world *w = *state;
  bf_search_result *result = rank(w, w->candidates, 4, "pair-agreement", NULL);
  for (size_t i = 0; i < 4; i++) {
    const bf_ranked *ranked = bf_search_result_at(result, i);
    double sum = 0;
    for (size_t m = 0; m < 4; m++) {
      if (m == ranked->candidate) continue;
      int same = 0;
      for (int k = 0; k < ITEMS; k++) {
        int best[2] = {0, 0};
        for (int c = 1; c < CLASSES; c++) {
          if (w->scores[m][k * CLASSES + c] > w->scores[m][k * CLASSES + best[0]]) best[0] = c;
          if (w->scores[ranked->candidate][k * CLASSES + c] > w->scores[ranked->candidate][k * CLASSES + best[1]])
            best[1] = c;
        }
        same += best[0] == best[1];
      }
      sum += (double)same / ITEMS;
    }
    assert_near(ranked->score, sum / 3, 1e-9);
    assert_near(value(ranked, "pair-agreement"), sum / 3, 1e-9);
    if (i) assert_true(bf_search_result_at(result, i - 1)->score >= ranked->score);
  }
  bf_search_result_free(result);
}

static void what_was_not_run_is_skipped_with_reason_and_score_by_data(void **state) {
  const world *w = *state;
  bf_candidate candidates[4];
  memcpy(candidates, w->candidates, sizeof candidates);
  candidates[1].outputs = NULL;
  candidates[1].not_run = "it could not be run: out of paper";
  bf_search_result *by_data = rank(w, candidates, 4, "similarity", NULL);
  bf_search_result *result = rank(w, candidates, 4, NULL, NULL);
  assert_int_equal(bf_search_result_count(result), 3);
  assert_int_equal(bf_search_result_skipped_count(result), 1);
  const bf_skipped *skipped = bf_search_result_skipped_at(result, 0);
  assert_string_equal(skipped->id, "lab/fair");
  assert_string_equal(skipped->why, "it could not be run: out of paper");
  double expected = NAN;
  for (size_t i = 0; i < 4; i++)
    if (strcmp(bf_search_result_at(by_data, i)->id, "lab/fair") == 0) expected = bf_search_result_at(by_data, i)->score;
  assert_near(skipped->score, expected, 1e-12);
  bf_search_result_free(by_data);
  bf_search_result_free(result);
}

static void an_excluded_domain_gives_no_vote(void **state) {
  const world *w = *state;
  bf_search_result *with = rank(w, w->candidates, 4, "pair-agreement", "lab/good");
  bf_search_result *without = rank(w, w->candidates + 1, 3, "pair-agreement", NULL);
  assert_int_equal(bf_search_result_count(with), 3);
  assert_string_equal(bf_search_result_skipped_at(with, 0)->why, "its domain 'lab/good' is excluded");
  for (size_t i = 0; i < 3; i++) {
    assert_string_equal(bf_search_result_at(with, i)->id, bf_search_result_at(without, i)->id);
    assert_near(bf_search_result_at(with, i)->score, bf_search_result_at(without, i)->score, 0);
  }
  bf_search_result_free(with);
  bf_search_result_free(without);
}

static void reasons_tell_the_standing_and_the_agreement_first(void **state) {
  const world *w = *state;
  bf_search_result *result = rank(w, w->candidates, 4, NULL, NULL);
  const bf_ranked *first = bf_search_result_at(result, 0);
  assert_true(first->n_reasons >= 4);
  assert_non_null(strstr(first->reasons[0], "place 1 of 4 by similarity-agreement"));
  assert_non_null(strstr(first->reasons[1], "gives the same answer as another model"));
  assert_non_null(strstr(first->reasons[2], "mean confidence here is"));
  bf_search_result_free(result);
}

static void an_estimator_without_outputs_is_unsupported(void **state) {
  const world *w = *state;
  bf_candidate candidate = w->candidates[0];
  candidate.outputs = NULL;
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.strategy = "confidence";
  bf_search_result *result = NULL;
  assert_int_equal(bf_rank(&candidate, 1, w->target, &options, &result, NULL), BF_ERR_UNSUPPORTED);
  assert_null(result);
  options.strategy = NULL; /* the default goes by data then */
  assert_int_equal(bf_rank(&candidate, 1, w->target, &options, &result, NULL), BF_OK);
  assert_string_equal(bf_search_result_strategy(result), "similarity");
  assert_true(bf_search_result_data_only(result));
  bf_search_result_free(result);
}

static void outputs_of_unequal_numbers_of_items_are_refused(void **state) {
  const world *w = *state;
  bf_candidate candidates[2] = {w->candidates[0], w->candidates[1]};
  bf_outputs shorter = w->outputs[1];
  shorter.n_items--;
  candidates[1].outputs = &shorter;
  bf_search_result *result = NULL;
  assert_int_equal(bf_rank(candidates, 2, w->target, NULL, &result, NULL), BF_ERR_INVALID_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outputs_make_similarity_agreement_the_default),
      cmocka_unit_test(a_model_without_sketch_is_ranked_by_what_it_says),
      cmocka_unit_test(the_score_is_the_named_estimator),
      cmocka_unit_test(what_was_not_run_is_skipped_with_reason_and_score_by_data),
      cmocka_unit_test(an_excluded_domain_gives_no_vote),
      cmocka_unit_test(reasons_tell_the_standing_and_the_agreement_first),
      cmocka_unit_test(an_estimator_without_outputs_is_unsupported),
      cmocka_unit_test(outputs_of_unequal_numbers_of_items_are_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
