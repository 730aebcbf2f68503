/* The learned ranker on a made world: fallbacks, expected accuracy, interval, novelty, trust, clones. Domains lie on a
 * line; a model of domain s is right on domain u the less, the farther apart they are. */
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

#include "base/hash.h"
#include "base/memory.h"
#include "learn/learn_internal.h"
#include "make_sketch.h"

enum { D = 4, DOMAINS = 12, ITEMS = 300, CLASSES = 3 };
static const char *const NAMES[D] = {"a", "b", "c", "d"};
static const char *const LABELS[CLASSES] = {"cat", "dog", "owl"};

typedef struct world {
  char ids[DOMAINS + 1][16];
  double place[DOMAINS + 1];
  bf_sketch *sketches[DOMAINS + 1]; /* the last is the target's */
  float *scores[DOMAINS][DOMAINS + 1];
  bf_outputs outputs[DOMAINS][DOMAINS + 1]; /* [model][domain] */
  int32_t truth[DOMAINS + 1][ITEMS];
  double accuracy[DOMAINS][DOMAINS + 1];
  bf_experience_model models[DOMAINS];
  bf_experience_record records[DOMAINS * DOMAINS];
  size_t n_records;
  bf_candidate candidates[DOMAINS];
} world;

static void say(world *w, size_t m, size_t d, bf__random *random) {
  double right = 0.95 * exp(-0.25 * fabs(w->place[m] - w->place[d])) + 0.03;
  size_t n_right = 0;
  w->scores[m][d] = calloc(ITEMS * CLASSES, sizeof(float));
  assert_non_null(w->scores[m][d]);
  for (size_t i = 0; i < ITEMS; i++) {
    bool knows = bf__random_unit(random) < right;
    int32_t said = knows ? w->truth[d][i] : (int32_t)bf__random_below(random, CLASSES);
    w->scores[m][d][i * CLASSES + (size_t)said] = (knows ? 2.0f : 1.0f) + (float)bf__random_unit(random);
    n_right += said == w->truth[d][i];
  }
  w->accuracy[m][d] = (double)n_right / ITEMS;
  w->outputs[m][d] =
      (bf_outputs){.n_items = ITEMS, .n_classes = CLASSES, .scores = w->scores[m][d], .are_logits = true};
}

static world *make_world(double target_place) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  bf__random random = bf__random_of(17);
  for (size_t d = 0; d <= DOMAINS; d++) {
    snprintf(w->ids[d], sizeof w->ids[d], "lab/m%02zu", d);
    w->place[d] = d < DOMAINS ? 0.5 * (double)d : target_place;
    w->sketches[d] = make_normal_sketch(d + 1, 600, D, w->place[d], 1.0, NAMES);
    for (size_t i = 0; i < ITEMS; i++) w->truth[d][i] = (int32_t)bf__random_below(&random, CLASSES);
  }
  for (size_t m = 0; m < DOMAINS; m++) {
    for (size_t d = 0; d <= DOMAINS; d++) say(w, m, d, &random);
    w->models[m] = (bf_experience_model){
        .id = w->ids[m], .version = 1, .domain = w->ids[m], .sketch = w->sketches[m], .source_accuracy = 0.97};
    w->candidates[m] = (bf_candidate){.id = w->ids[m],
                                      .version = 1,
                                      .domain = w->ids[m],
                                      .sketch = w->sketches[m],
                                      .source_accuracy = 0.97,
                                      .outputs = &w->outputs[m][DOMAINS],
                                      .classes = LABELS};
  }
  return w;
}

/* Experience of the first n domains with all models. */
static bf_experience *learn(world *w, size_t n) {
  bf_experience *e = NULL;
  bf_error err = {0};
  w->n_records = 0;
  for (size_t d = 0; d < n; d++)
    for (size_t m = 0; m < DOMAINS; m++)
      w->records[w->n_records++] = (bf_experience_record){
          .model = m, .domain = d, .outputs = &w->outputs[m][d], .classes = LABELS, .truth = w->truth[d]};
  if (bf_experience_create(w->models, DOMAINS, w->records, w->n_records, NULL, &e, &err) != BF_OK)
    fail_msg("%s", err.message);
  return e;
}

/* F1 of class 1, and its mean over the three, of model m on domain d; counted plainly. */
static void f1_of(const world *w, size_t m, size_t d, double *one, double *mean) {
  double hits[CLASSES] = {0}, both[CLASSES] = {0};
  for (size_t i = 0; i < ITEMS; i++) {
    const float *z = w->scores[m][d] + i * CLASSES;
    size_t said = z[0] >= z[1] && z[0] >= z[2] ? 0 : z[1] >= z[2] ? 1 : 2;
    both[said]++;
    both[w->truth[d][i]]++;
    hits[said] += (size_t)w->truth[d][i] == said;
  }
  *one = 2 * hits[1] / both[1];
  *mean = (2 * hits[0] / both[0] + *one + 2 * hits[2] / both[2]) / 3;
}

static void free_world(world *w) {
  for (size_t d = 0; d <= DOMAINS; d++) bf_sketch_free(w->sketches[d]);
  for (size_t m = 0; m < DOMAINS; m++)
    for (size_t d = 0; d <= DOMAINS; d++) free(w->scores[m][d]);
  free(w);
}

static bf_search_result *rank(const world *w, const bf_experience *e, const char *strategy, bool with_outputs) {
  bf_candidate candidates[DOMAINS];
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_search_result *result = NULL;
  bf_error err = {0};
  memcpy(candidates, w->candidates, sizeof candidates);
  for (size_t m = 0; !with_outputs && m < DOMAINS; m++) candidates[m].outputs = NULL;
  options.strategy = strategy;
  options.experience = e;
  if (bf_rank(candidates, DOMAINS, w->sketches[DOMAINS], &options, &result, &err) != BF_OK) fail_msg("%s", err.message);
  return result;
}

static void the_strategy_is_what_the_experience_allows(void **state) {
  (void)state;
  static const struct {
    size_t n_domains;
    bool outputs;
    const char *strategy;
    bool expected;
  } cases[] = {{12, true, "auto", true},
               {8, true, "auto", true},
               {7, true, "stage-1", true},
               {4, true, "stage-1", true},
               {3, true, "similarity-agreement", false},
               {0, true, "similarity-agreement", false},
               {12, false, "stage-1", true},
               {4, false, "stage-1", true},
               {3, false, "similarity", false}};
  world *w = make_world(2.2);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bf_experience *e = learn(w, cases[i].n_domains);
    assert_int_equal(bf_experience_domain_count(e), cases[i].n_domains);
    bf_search_result *result = rank(w, e, NULL, cases[i].outputs);
    assert_string_equal(bf_search_result_strategy(result), cases[i].strategy);
    assert_int_equal(bf_search_result_data_only(result), !cases[i].outputs);
    assert_int_equal(bf_search_result_count(result), DOMAINS);
    assert_int_equal(isnan(bf_search_result_at(result, 0)->expected_accuracy), !cases[i].expected);
    assert_int_equal(isnan(bf_search_result_at(result, 0)->interval_low), !cases[i].expected);
    bf_search_result_free(result);
    bf_experience_free(e);
  }
  free_world(w);
}

static void expected_accuracies_are_near_the_true_ones(void **state) {
  (void)state;
  world *w = make_world(2.2);
  bf_experience *e = learn(w, DOMAINS);
  assert_int_equal(bf_experience_pair_count(e), DOMAINS * (DOMAINS - 1));
  static const char *const names[] = {"auto", "stage-1", "ridge"};
  for (size_t k = 0; k < 3; k++) {
    bf_search_result *result = rank(w, e, names[k], true);
    size_t held = 0;
    double error = 0;
    for (size_t i = 0; i < DOMAINS; i++) {
      const bf_ranked *r = bf_search_result_at(result, i);
      double truth = w->accuracy[r->candidate][DOMAINS];
      error += fabs(r->expected_accuracy - truth) / DOMAINS;
      held += truth >= r->interval_low && truth <= r->interval_high;
      assert_true(r->interval_low >= 0 && r->interval_high <= 1 && r->interval_low < r->expected_accuracy);
    }
    assert_true(error < 0.05);
    assert_true(held >= 10);
    const bf_ranked *first = bf_search_result_at(result, 0);
    assert_true(fabs(w->place[first->candidate] - 2.2) <= 0.8); /* of domains half a step apart */
    assert_non_null(strstr(first->reasons[0], "expected to be right on"));
    bf_search_result_free(result);
  }
  bf_experience_free(e);
  free_world(w);
}

static void the_excluded_domain_teaches_nothing(void **state) {
  (void)state;
  world *w = make_world(2.2);
  bf_experience *all = learn(w, DOMAINS), *without = NULL, *never = NULL;
  bf_experience_options options = BF_EXPERIENCE_OPTIONS_INIT;
  options.exclude_domain = w->ids[4];
  assert_int_equal(bf_experience_create(w->models, DOMAINS, w->records, w->n_records, &options, &without, NULL), BF_OK);
  assert_int_equal(bf_experience_domain_count(without), DOMAINS - 1);
  assert_int_equal(bf_experience_pair_count(without), (DOMAINS - 1) * (DOMAINS - 2));
  for (size_t i = 0; i < ITEMS; i++) w->truth[4][i] = 0; /* other labels there change nothing */
  assert_int_equal(bf_experience_create(w->models, DOMAINS, w->records, w->n_records, &options, &never, NULL), BF_OK);
  bf_search_result *a = rank(w, without, NULL, true), *b = rank(w, never, NULL, true);
  for (size_t i = 0; i < DOMAINS; i++)
    assert_true(bf_search_result_at(a, i)->expected_accuracy == bf_search_result_at(b, i)->expected_accuracy);
  bf_search_result_free(a);
  bf_search_result_free(b);
  bf_experience_free(all);
  bf_experience_free(without);
  bf_experience_free(never);
  free_world(w);
}

static void a_target_far_from_all_domains_is_novel(void **state) {
  (void)state;
  world *w = make_world(40.0), *near = make_world(2.2);
  bf_experience *e = learn(w, DOMAINS), *f = learn(near, DOMAINS);
  bf_search_result *far = rank(w, e, NULL, true), *ordinary = rank(near, f, NULL, true);
  const bf_trust *trust = bf_search_result_trust(far);
  assert_true(trust->novel);
  assert_string_equal(trust->grade, "low");
  assert_non_null(strstr(trust->reasons[0], "outside"));
  assert_non_null(strstr(bf_search_result_at(far, 0)->reasons[0], "; agreement among the models"));
  assert_false(bf_search_result_trust(ordinary)->novel);
  bf_search_result_free(far);
  bf_search_result_free(ordinary);
  bf_experience_free(e);
  bf_experience_free(f);
  free_world(w);
  free_world(near);
}

/* z-scores with population deviation, plainly. */
static void standardise(double *x) {
  double mean = 0.0, square = 0.0;
  for (size_t i = 0; i < DOMAINS; i++) mean += x[i] / DOMAINS;
  for (size_t i = 0; i < DOMAINS; i++) square += (x[i] - mean) * (x[i] - mean) / DOMAINS;
  for (size_t i = 0; i < DOMAINS; i++) x[i] = (x[i] - mean) / sqrt(square);
}

static void answers_lean(world *w, bf__learner learner, bool leans, bool novel) {
  bf_experience *e = learn(w, DOMAINS);
  bf_panel_model models[DOMAINS];
  bf_panel_options options = BF_PANEL_OPTIONS_INIT;
  bf_panel *panel = NULL;
  bf__answer plain, leaning;
  bf_estimate_value values[DOMAINS];
  double agreed[DOMAINS], similar[DOMAINS];
  for (size_t m = 0; m < DOMAINS; m++)
    models[m] = (bf_panel_model){.id = w->ids[m],
                                 .classes = LABELS,
                                 .n_classes = CLASSES,
                                 .scores = w->scores[m][DOMAINS],
                                 .are_logits = true,
                                 .source_accuracy = 0.97,
                                 .similarity = NAN};
  assert_int_equal(bf_panel_create(models, DOMAINS, ITEMS, &options, &panel, NULL), BF_OK);
  bf__question question = {DOMAINS, w->models, panel, w->sketches[DOMAINS]};
  assert_int_equal(bf__ask(e, learner, &question, &leaning, NULL), BF_OK);
  double by = e->fits[learner].lean;
  e->fits[learner].lean = 0.0;
  assert_int_equal(bf__ask(e, learner, &question, &plain, NULL), BF_OK);
  assert_true(leaning.novel == novel);
  for (size_t m = 0; m < DOMAINS; m++) values[m] = (bf_estimate_value){.applicable = true};
  assert_int_equal(bf__weighted_agreement(panel, leaning.similarity, 1.0, values, NULL), BF_OK);
  for (size_t m = 0; m < DOMAINS; m++) similar[m] = values[m].value;
  assert_int_equal(bf_estimate(panel, "consensus-mix", values, NULL), BF_OK);
  for (size_t m = 0; m < DOMAINS; m++) agreed[m] = values[m].value;
  standardise(similar);
  standardise(agreed);
  for (size_t m = 0; m < DOMAINS; m++) agreed[m] += similar[m];
  standardise(agreed);
  assert_true(leans == (by > 0.0));
  for (size_t m = 0; m < DOMAINS; m++) {
    assert_true(fabs(leaning.order[m] - plain.order[m] - (novel ? 2.0 : 1.0) * by * agreed[m]) < 1e-12);
    assert_true(leaning.expected[m] == fmin(fmax(leaning.order[m], 0.01), 0.99));
  }
  bf__answer_deinit(&plain);
  bf__answer_deinit(&leaning);
  bf_panel_free(panel);
  bf_experience_free(e);
}

static void expectations_lean_on_what_models_agree_about(void **state) {
  (void)state;
  world *w = make_world(2.2), *far = make_world(40.0);
  answers_lean(w, BF__STAGE_2, true, false);
  answers_lean(w, BF__STAGE_1, true, false);
  answers_lean(w, BF__RIDGE, false, false);
  answers_lean(far, BF__STAGE_2, true, true);
  free_world(w);
  free_world(far);
}

/* 3 domains of 2 pairs: the order statistic is the largest of three; 90 % quantiles interpolate. */
static void the_half_width_is_the_stated_order_statistic(void **state) {
  (void)state;
  const double accuracy[] = {.5, .6, .5, .6, .5, .6}, left_out[] = {.5, .7, .45, .5, .52, .6};
  const size_t first[] = {0, 2, 4};
  double half = 0;
  assert_int_equal(bf__half_width(accuracy, left_out, first, 3, 6, &half, NULL), BF_OK);
  /* residuals (0, .1), (.05, .1), (.02, 0); quantiles .09, .095, .018; chosen .1, .1, 0 */
  assert_true(fabs(half - 0.1) < 1e-12);
  /* 19 domains of one pair: the ceil(18)-th smallest of 19 */
  double a[19], b[19];
  size_t f[19];
  for (size_t i = 0; i < 19; i++) {
    a[i] = 0.5;
    b[i] = 0.5 + 0.01 * (double)(i + 1);
    f[i] = i;
  }
  assert_int_equal(bf__half_width(a, b, f, 19, 19, &half, NULL), BF_OK);
  assert_true(fabs(half - 0.18) < 1e-12);
}

static void clones_of_the_worst_model_do_not_move_the_choice(void **state) {
  (void)state;
  world *w = make_world(2.2);
  bf_experience *e = learn(w, DOMAINS);
  bf_candidate candidates[DOMAINS + 8];
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.experience = e;
  bf_search_result *plain = rank(w, e, NULL, true), *cloned = NULL;
  size_t worst = bf_search_result_at(plain, DOMAINS - 1)->candidate;
  char names[8][16];
  memcpy(candidates, w->candidates, sizeof w->candidates);
  for (size_t i = 0; i < 8; i++) {
    snprintf(names[i], sizeof names[i], "lab/clone%zu", i);
    candidates[DOMAINS + i] = w->candidates[worst];
    candidates[DOMAINS + i].id = names[i];
  }
  assert_int_equal(bf_rank(candidates, DOMAINS + 8, w->sketches[DOMAINS], &options, &cloned, NULL), BF_OK);
  double best = w->accuracy[bf_search_result_at(plain, 0)->candidate][DOMAINS];
  size_t chosen = bf_search_result_at(cloned, 0)->candidate;
  assert_true(chosen < DOMAINS);
  assert_true(fabs(w->accuracy[chosen][DOMAINS] - best) < 0.05);
  bf_search_result_free(plain);
  bf_search_result_free(cloned);
  bf_experience_free(e);
  free_world(w);
}

static void a_small_experience_is_refused_by_name(void **state) {
  (void)state;
  world *w = make_world(2.2);
  bf_experience *e = learn(w, 3);
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_search_result *result = NULL;
  bf_error err = {0};
  options.strategy = "ridge";
  options.experience = e;
  assert_int_equal(bf_rank(w->candidates, DOMAINS, w->sketches[DOMAINS], &options, &result, &err),
                   BF_ERR_NOT_APPLICABLE);
  assert_null(result);
  assert_non_null(strstr(err.message, "has 3 and needs 4"));
  bf_experience_free(e);
  free_world(w);
}

static double expected_of(const bf_search_result *result, const char *id) {
  for (size_t i = 0; i < bf_search_result_count(result); i++)
    if (strcmp(bf_search_result_at(result, i)->id, id) == 0) return bf_search_result_at(result, i)->expected_accuracy;
  fail_msg("%s has no place", id);
  return 0;
}

static void newcomers_move_nobody_elses_expectation(void **state) {
  (void)state;
  enum { NEW = 9 };
  static const char *const IDS[NEW] = {"new/a", "new/b", "new/c", "new/d", "new/e", "new/f", "new/g", "new/h", "new/i"};
  world *w = make_world(2.2);
  bf_experience *e = learn(w, DOMAINS);
  float constant[ITEMS * CLASSES] = {0};
  for (size_t i = 0; i < ITEMS; i++) constant[i * CLASSES] = 9;
  bf_outputs same = {.n_items = ITEMS, .n_classes = CLASSES, .scores = constant, .are_logits = true};
  bf_candidate candidates[DOMAINS + NEW];
  memcpy(candidates, w->candidates, sizeof w->candidates);
  for (size_t k = 0; k < NEW; k++) { /* eight copies of the farthest model, and one that always says the same */
    candidates[DOMAINS + k] = w->candidates[DOMAINS - 1];
    candidates[DOMAINS + k].id = candidates[DOMAINS + k].domain = IDS[k];
    if (k + 1 < NEW) continue;
    candidates[DOMAINS + k].outputs = &same;
    candidates[DOMAINS + k].sketch = w->sketches[DOMAINS]; /* forged: the target's own */
    candidates[DOMAINS + k].source_accuracy = 1.0;
  }
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_search_result *result = NULL, *without = rank(w, e, NULL, true);
  options.experience = e;
  assert_int_equal(bf_rank(candidates, DOMAINS + NEW, w->sketches[DOMAINS], &options, &result, NULL), BF_OK);
  assert_int_equal(bf_search_result_count(result), DOMAINS + NEW);
  for (size_t m = 0; m < DOMAINS; m++)
    assert_true(expected_of(result, w->ids[m]) == expected_of(without, w->ids[m])); /* to the bit */
  for (size_t k = 0; k + 1 < NEW; k++)
    assert_true(expected_of(result, IDS[k]) == expected_of(without, w->ids[DOMAINS - 1]));
  bf_search_result_free(result);
  bf_search_result_free(without);
  bf_experience_free(e);
  free_world(w);
}

static void f1_has_an_experience_of_its_own(void **state) {
  (void)state;
  world *w = make_world(2.2);
  for (int k = 0; k < 2; k++) {
    bf_experience_options options = BF_EXPERIENCE_OPTIONS_INIT;
    bf_experience *e = NULL, *plain = learn(w, DOMAINS); /* fills the records */
    options.metric = k == 0 ? BF_METRIC_F1 : BF_METRIC_MACRO_F1;
    options.positive = k == 0 ? "dog" : NULL;
    assert_int_equal(bf_experience_create(w->models, DOMAINS, w->records, w->n_records, &options, &e, NULL), BF_OK);
    assert_int_equal(bf_experience_metric(e), options.metric);
    for (size_t i = 0; i < e->n_pairs; i++) {
      double one, mean;
      f1_of(w, e->pair_models[i], e->domains[e->pair_domains[i]].model, &one, &mean);
      assert_true(fabs(e->value[i] - (k == 0 ? one : mean)) < 1e-12);
      assert_true(fabs(e->accuracy[i] - plain->accuracy[i]) < 1e-12);
    }
    bf_search_result *result = rank(w, e, "auto", true);
    assert_int_equal(bf_search_result_metric(result), options.metric);
    double error = 0;
    for (size_t i = 0; i < DOMAINS; i++) {
      const bf_ranked *r = bf_search_result_at(result, i);
      double one, mean;
      f1_of(w, r->candidate, DOMAINS, &one, &mean);
      error += fabs(r->expected_accuracy - (k == 0 ? one : mean)) / DOMAINS;
    }
    assert_true(error < 0.06);
    bf_search_result_free(result);
    bf_experience_free(e);
    bf_experience_free(plain);
  }
  free_world(w);
}

static void f1_of_no_class_is_refused(void **state) {
  (void)state;
  world *w = make_world(2.2);
  bf_experience *plain = learn(w, DOMAINS), *e = NULL;
  bf_experience_options options = BF_EXPERIENCE_OPTIONS_INIT;
  bf_error err = {0};
  bf_metric metric = BF_METRIC_ACCURACY;
  options.metric = BF_METRIC_F1;
  assert_int_equal(bf_experience_create(w->models, DOMAINS, w->records, w->n_records, &options, &e, &err),
                   BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "The models know 3"));
  options.positive = "cow";
  assert_int_equal(bf_experience_create(w->models, DOMAINS, w->records, w->n_records, &options, &e, &err),
                   BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "no model knows the class 'cow'"));
  assert_int_equal(bf_metric_parse("macro-f1", &metric, &err), BF_OK);
  assert_int_equal(metric, BF_METRIC_MACRO_F1);
  assert_int_equal(bf_metric_parse("auc", &metric, &err), BF_ERR_INVALID_ARGUMENT);
  bf_experience_free(plain);
  free_world(w);
}

static void no_allocation_that_fails_leaks_or_crashes(void **state) {
  (void)state;
  world *w = make_world(2.2);
  bf_experience *whole = learn(w, 5), *e = NULL;
  bf_experience_options options = BF_EXPERIENCE_OPTIONS_INIT;
  options.measure.n_threads = 1; /* the count is the thread's */
  for (long n = 1; n < 4000; n += 97) {
    bf__alloc_fail_at(n);
    bf_status status = bf_experience_create(w->models, DOMAINS, w->records, w->n_records, &options, &e, NULL);
    bool failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    assert_true(status == BF_OK || status == BF_ERR_MEMORY);
    assert_true(status == BF_OK || (failed && e == NULL));
    bf_experience_free(e);
    if (!failed) break;
  }
  bf_experience_free(whole);
  free_world(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_strategy_is_what_the_experience_allows),
      cmocka_unit_test(expected_accuracies_are_near_the_true_ones),
      cmocka_unit_test(the_excluded_domain_teaches_nothing),
      cmocka_unit_test(a_target_far_from_all_domains_is_novel),
      cmocka_unit_test(expectations_lean_on_what_models_agree_about),
      cmocka_unit_test(the_half_width_is_the_stated_order_statistic),
      cmocka_unit_test(clones_of_the_worst_model_do_not_move_the_choice),
      cmocka_unit_test(a_small_experience_is_refused_by_name),
      cmocka_unit_test(newcomers_move_nobody_elses_expectation),
      cmocka_unit_test(f1_has_an_experience_of_its_own),
      cmocka_unit_test(f1_of_no_class_is_refused),
      cmocka_unit_test(no_allocation_that_fails_leaks_or_crashes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
