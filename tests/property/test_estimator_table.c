/* Walks the table of estimators: each equals a naive re-implementation to 1e-9, stays in its range, gives equal bits
 * with any number of threads, never NaN, and says why where it does not apply; on random panels and on odd ones. */
#include "estimate/estimate_internal.h"

/* cmocka.h needs what comes before it. */
/* clang-format off */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#include <bestfit/search.h>

#include "base/memory.h"
#include "estimate_oracle.h"
#include "make_panel.h"

static bf_panel *panel_of(const world *w, uint32_t n_threads) {
  bf_panel *panel = NULL;
  bf_error err = {0};
  bf_panel_options options = w->options;
  options.n_threads = n_threads;
  if (bf_panel_create(w->models, w->n_models, w->n_items, &options, &panel, &err) != BF_OK) fail_msg("%s", err.message);
  return panel;
}

static void check_value(const char *what, const bf_strategy_info *info, size_t m, const bf_estimate_value *value,
                        double wanted) {
  if (value->applicable != !isnan(wanted))
    fail_msg("%s, %s, model %zu: %s (%s), oracle %g", what, info->name, m, value->applicable ? "applies" : "does not",
             value->why, wanted);
  if (!value->applicable) {
    assert_true(value->value == 0.0);
    assert_true(strlen(value->why) > 8);
    return;
  }
  assert_true(isfinite(value->value));
  if (!(value->value >= info->lowest - 1e-12 && value->value <= info->highest + 1e-12))
    fail_msg("%s, %s, model %zu: %g is out of range", what, info->name, m, value->value);
  if (!(fabs(value->value - wanted) <= 1e-9 * fmax(1.0, fabs(wanted))))
    fail_msg("%s, %s, model %zu: %.15g, oracle %.15g", what, info->name, m, value->value, wanted);
}

/* Every estimator of the table on this world, against the oracle; number of values that apply. */
static size_t check_world(const char *what, const world *w) {
  bf_panel *one = panel_of(w, 1), *two = panel_of(w, 2);
  oracle *o = oracle_create(w->models, w->n_models, w->n_items, &w->options);
  size_t n_applicable = 0;
  for (size_t e = 0; bf__estimator_at(e); e++) {
    const bf_strategy_info *info = &bf__estimator_at(e)->info;
    bf_estimate_value a[WORLD_MAX_MODELS], b[WORLD_MAX_MODELS];
    bf_error err = {0};
    if (bf_estimate(one, info->name, a, &err) != BF_OK) fail_msg("%s, %s: %s", what, info->name, err.message);
    assert_int_equal(bf_estimate(two, info->name, b, &err), BF_OK);
    for (size_t m = 0; m < w->n_models; m++) {
      check_value(what, info, m, &a[m], oracle_estimate(o, info->name, m));
      assert_memory_equal(&a[m].value, &b[m].value, sizeof a[m].value);
      n_applicable += a[m].applicable;
    }
    assert_int_equal(bf_estimate(one, info->name, b, &err), BF_OK); /* asked again */
    for (size_t m = 0; m < w->n_models; m++) assert_memory_equal(&a[m].value, &b[m].value, sizeof a[m].value);
  }
  oracle_free(o);
  bf_panel_free(one);
  bf_panel_free(two);
  return n_applicable;
}

static size_t check_made(const char *what, world_options how) {
  world w;
  world_make(&how, &w);
  bf_panel *panel = NULL;
  bf_error err = {0};
  bf_status status = bf_panel_create(w.models, w.n_models, w.n_items, &w.options, &panel, &err);
  bf_panel_free(panel);
  if (status != BF_OK) { /* odd classes may leave none that all models share */
    assert_true(how.shared_classes && how.odd_classes && strstr(err.message, "no class is shared"));
    world_free(&w);
    return 0;
  }
  size_t n = check_world(what, &w);
  world_free(&w);
  return n;
}

static void the_table_is_complete_and_listed_behind_the_measures(void **state) {
  (void)state;
  size_t first = 0, n = 0;
  while (strcmp(bf_strategy_at(first)->name, "confidence") != 0) first++;
  for (; bf__estimator_at(n); n++) {
    const bf__estimator *e = bf__estimator_at(n);
    assert_ptr_equal(bf_strategy_at(first + n), &e->info);
    assert_true((e->one != NULL) != (e->all != NULL));
    assert_true(strstr("confidence consensus combined", e->info.family) != NULL);
    assert_non_null(strstr(e->info.needs, "outputs"));
    assert_ptr_equal(bf__estimator_find(e->info.name), e);
  }
  const bf_strategy_info *learner; /* what learns comes last */
  for (size_t i = first + n; (learner = bf_strategy_at(i)) != NULL; i++)
    assert_string_equal(learner->family, "learned");
  assert_null(bf__estimator_find("hist-jsd"));
}

static void every_estimator_equals_the_oracle_on_random_logits(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 6; seed++)
    assert_true(check_made("logits", (world_options){.seed = seed,
                                                     .n_models = 3 + seed,
                                                     .n_items = 20 * seed,
                                                     .n_classes = 1 + seed,
                                                     .kinds = WORLD_LOGITS,
                                                     .calibrated = true}) == (3 + seed) * 24);
}

static void every_estimator_equals_the_oracle_with_gaps_and_odd_classes(void **state) {
  (void)state;
  for (uint64_t seed = 11; seed <= 30; seed++)
    check_made("mixed", (world_options){.seed = seed,
                                        .n_models = 1 + seed % 9,
                                        .n_items = 3 + 5 * (seed % 13),
                                        .n_classes = 2 + seed % 7,
                                        .kinds = seed % 3 ? WORLD_MIXED : WORLD_PROBABILITIES,
                                        .missing = 0.15 * (double)(seed % 4),
                                        .odd_classes = true,
                                        .calibrated = seed % 5 != 0,
                                        .shared_classes = seed % 2 == 0});
}

static void more_items_than_the_samples_of_cot_take(void **state) {
  (void)state;
  check_made("long", (world_options){.seed = 40,
                                     .n_models = 4,
                                     .n_items = 700,
                                     .n_classes = 5,
                                     .kinds = WORLD_MIXED,
                                     .missing = 0.1,
                                     .calibrated = true});
}

static void one_class(void **state) {
  (void)state;
  check_made("one class",
             (world_options){
                 .seed = 50, .n_models = 4, .n_items = 9, .n_classes = 1, .kinds = WORLD_MIXED, .calibrated = true});
}

static void one_model(void **state) {
  (void)state;
  for (unsigned kind = WORLD_LOGITS; kind <= WORLD_PREDICTED; kind *= 2)
    check_made("one model",
               (world_options){
                   .seed = 60 + kind, .n_models = 1, .n_items = 25, .n_classes = 4, .kinds = kind, .calibrated = true});
}

static void one_row(void **state) {
  (void)state;
  for (uint64_t seed = 70; seed < 75; seed++)
    check_made(
        "one row",
        (world_options){
            .seed = seed, .n_models = 5, .n_items = 1, .n_classes = 3, .kinds = WORLD_MIXED, .calibrated = true});
}

static void equal_models(void **state) {
  (void)state;
  world w;
  world_options how = {
      .seed = 80, .n_models = 6, .n_items = 30, .n_classes = 4, .kinds = WORLD_LOGITS, .calibrated = true};
  world_make(&how, &w);
  for (size_t m = 1; m < w.n_models; m++) w.models[m].scores = w.models[0].scores;
  check_world("equal models", &w);
  bf_panel *panel = panel_of(&w, 2);
  bf_estimate_value values[WORLD_MAX_MODELS];
  static const char *const ALIKE[] = {"majority", "pair-agreement", "rank-one", "similarity-agreement", "laf"};
  for (size_t k = 0; k < sizeof ALIKE / sizeof *ALIKE; k++) {
    assert_int_equal(bf_estimate(panel, ALIKE[k], values, NULL), BF_OK);
    for (size_t m = 0; m < w.n_models; m++) assert_true(fabs(values[m].value - 1.0) < 1e-12);
  }
  bf_panel_free(panel);
  world_free(&w);
}

static void a_constant_predictor(void **state) {
  (void)state;
  world w;
  world_options how = {
      .seed = 90, .n_models = 5, .n_items = 40, .n_classes = 3, .kinds = WORLD_LOGITS, .calibrated = true};
  world_make(&how, &w);
  float *same = world_alloc(&w, w.n_items * 3, sizeof *same);
  for (size_t i = 0; i < w.n_items; i++) same[i * 3 + 1] = 9.0f;
  w.models[2].scores = same;
  check_world("constant", &w);
  bf_panel *panel = panel_of(&w, 1);
  bf_estimate_value values[WORLD_MAX_MODELS];
  assert_int_equal(bf_estimate(panel, "dispersion", values, NULL), BF_OK);
  for (size_t m = 0; m < w.n_models; m++) assert_true(m == 2 || values[2].value < values[m].value); /* lowest */
  bf_panel_free(panel);
  for (size_t i = 0; i < w.n_items * 3; i++) same[i] = 0.0f; /* nothing stands out: the lowest class */
  check_world("flat", &w);
  world_free(&w);
}

static void models_without_an_answer(void **state) {
  (void)state;
  world w;
  world_options how = {
      .seed = 100, .n_models = 5, .n_items = 15, .n_classes = 3, .kinds = WORLD_LOGITS, .calibrated = true};
  world_make(&how, &w);
  float *nothing = world_alloc(&w, w.n_items * 3, sizeof *nothing);
  for (size_t i = 0; i < w.n_items * 3; i++) nothing[i] = NAN;
  w.models[0].scores = nothing;
  check_world("one silent", &w);
  for (size_t m = 1; m < w.n_models; m++) w.models[m].scores = nothing;
  assert_int_equal(check_world("all silent", &w), 0);
  world_free(&w);
}

static void models_that_never_answer_the_same_item(void **state) {
  (void)state;
  world w;
  world_options how = {
      .seed = 110, .n_models = 4, .n_items = 16, .n_classes = 3, .kinds = WORLD_LOGITS, .calibrated = true};
  world_make(&how, &w);
  for (size_t m = 0; m < 4; m++)
    for (size_t i = 0; i < w.n_items; i++)
      if (i % 4 != m) ((float *)(uintptr_t)w.models[m].scores)[i * 3] = NAN;
  check_world("apart", &w);
  world_free(&w);
}

static void disjoint_label_sets(void **state) {
  (void)state;
  check_made("disjoint", (world_options){.seed = 120,
                                         .n_models = 4,
                                         .n_items = 20,
                                         .n_classes = 3,
                                         .kinds = WORLD_MIXED,
                                         .calibrated = true,
                                         .disjoint = true});
}

static void an_infinite_logit_and_a_negative_probability_are_no_answers(void **state) {
  (void)state;
  static const char *const CLASSES[] = {"a", "b"};
  static const float LOGITS[] = {1, 0, -INFINITY, 0, 0, 2}, PROBABILITIES[] = {-0.1f, 1.1f, 0.25f, 0.75f, 0, 0};
  const bf_panel_model models[] = {
      {.id = "x", .classes = CLASSES, .n_classes = 2, .scores = LOGITS, .are_logits = true, .similarity = NAN},
      {.id = "y", .classes = CLASSES, .n_classes = 2, .scores = PROBABILITIES, .similarity = NAN}};
  bf_panel *panel = NULL;
  assert_int_equal(bf_panel_create(models, 2, 3, NULL, &panel, NULL), BF_OK);
  assert_int_equal(panel->members[0].n_answered, 2);
  assert_int_equal(panel->members[1].n_answered, 1);
  bf_estimate_value values[2];
  assert_int_equal(bf_estimate(panel, "confidence", values, NULL), BF_OK);
  assert_true(values[1].value == 0.75);
  assert_int_equal(bf_estimate(panel, "pair-agreement", values, NULL), BF_OK); /* no item in common */
  assert_false(values[0].applicable || values[1].applicable);
  bf_panel_free(panel);
}

static void a_failing_allocation_is_an_error_everywhere_and_leaks_nothing(void **state) {
  (void)state;
  world w;
  world_options how = {
      .seed = 130, .n_models = 4, .n_items = 20, .n_classes = 3, .kinds = WORLD_MIXED, .calibrated = true};
  world_make(&how, &w);
  w.options.n_threads = 1; /* the count of allocations is the thread's */
  for (size_t e = 0; bf__estimator_at(e); e++) {
    bf_status status = BF_ERR_MEMORY;
    for (long n = 1; status == BF_ERR_MEMORY && n < 500; n++) {
      bf_panel *panel = NULL;
      bf_estimate_value values[WORLD_MAX_MODELS];
      bf_error err = {0};
      bf__alloc_fail_at(n);
      status = bf_panel_create(w.models, w.n_models, w.n_items, &w.options, &panel, &err);
      if (status != BF_OK) assert_null(panel);
      if (status == BF_OK) status = bf_estimate(panel, bf__estimator_at(e)->info.name, values, &err);
      bf__alloc_fail_at(0);
      if (status != BF_OK) assert_true(strlen(err.message) > 4);
      bf_panel_free(panel);
    }
    assert_int_equal(status, BF_OK);
  }
  world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_table_is_complete_and_listed_behind_the_measures),
      cmocka_unit_test(every_estimator_equals_the_oracle_on_random_logits),
      cmocka_unit_test(every_estimator_equals_the_oracle_with_gaps_and_odd_classes),
      cmocka_unit_test(more_items_than_the_samples_of_cot_take),
      cmocka_unit_test(one_class),
      cmocka_unit_test(one_model),
      cmocka_unit_test(one_row),
      cmocka_unit_test(equal_models),
      cmocka_unit_test(a_constant_predictor),
      cmocka_unit_test(models_without_an_answer),
      cmocka_unit_test(models_that_never_answer_the_same_item),
      cmocka_unit_test(disjoint_label_sets),
      cmocka_unit_test(an_infinite_logit_and_a_negative_probability_are_no_answers),
      cmocka_unit_test(a_failing_allocation_is_an_error_everywhere_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
