/* Ranking: order, scores, groups, what is skipped and why; and the same over a repository. */
#include <bestfit/search.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "make_sketch.h"
#include "rank/rank_internal.h"

enum { D = 4 };
static const char *const NAMES[D] = {"a", "b", "c", "d"};

static bf_candidate candidate(const char *id, const bf_sketch *sketch, double accuracy) {
  return (bf_candidate){.id = id, .version = 1, .domain = id, .sketch = sketch, .source_accuracy = accuracy};
}

static bf_search_result *rank(const bf_candidate *candidates, size_t n, const bf_sketch *target, const char *strategy) {
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.strategy = strategy;
  bf_search_result *result = NULL;
  bf_error err = {0};
  if (bf_rank(candidates, n, target, &options, &result, &err) != BF_OK) fail_msg("%s", err.message);
  return result;
}

/* "b c a" of the ids in order. */
static void assert_order(const bf_search_result *result, const char *expected) {
  char order[256] = "";
  for (size_t i = 0; i < bf_search_result_count(result); ++i) {
    const bf_ranked *r = bf_search_result_at(result, i);
    assert_int_equal(r->rank, i + 1);
    if (i) assert_true(bf_search_result_at(result, i - 1)->score >= r->score);
    strcat(order, i ? " " : "");
    strcat(order, r->id);
  }
  assert_string_equal(order, expected);
}

static const char *why_skipped(const bf_search_result *result, const char *id) {
  for (size_t i = 0; i < bf_search_result_skipped_count(result); ++i) {
    if (strcmp(bf_search_result_skipped_at(result, i)->id, id) == 0) return bf_search_result_skipped_at(result, i)->why;
  }
  fail_msg("%s was not skipped", id);
  return NULL;
}

static bool has_reason(const bf_ranked *ranked, const char *text) {
  for (size_t i = 0; i < ranked->n_reasons; ++i) {
    if (strstr(ranked->reasons[i], text)) return true;
  }
  return false;
}

typedef struct world {
  bf_sketch *near, *middle, *far, *target;
} world;

static world make_world(const char *const *names) {
  return (world){make_normal_sketch(1, 800, D, 0.1, 1.0, names), make_normal_sketch(2, 800, D, 1.0, 1.2, names),
                 make_normal_sketch(3, 800, D, 3.0, 2.0, names), make_normal_sketch(4, 800, D, 0.0, 1.0, names)};
}

static void free_world(world *w) {
  bf_sketch_free(w->near);
  bf_sketch_free(w->middle);
  bf_sketch_free(w->far);
  bf_sketch_free(w->target);
}

static void the_nearest_source_is_first_by_every_strategy_that_looks(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_candidate all[3] = {candidate("x/far", w.far, 0.9), candidate("x/near", w.near, 0.5),
                         candidate("x/middle", w.middle, 0.7)};
  static const char *const strategies[] = {NULL,       "hist-jsd",    "mmd",        "centroid-distance",
                                           "cell-jsd", "gauss-kl-ts", "gauss-kl-st"};
  for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; ++i) {
    bf_search_result *result = rank(all, 3, w.target, strategies[i]);
    assert_order(result, "x/near x/middle x/far");
    assert_string_equal(bf_search_result_strategy(result), strategies[i] ? strategies[i] : "similarity");
    assert_ptr_equal(bf_search_result_sketch(result, 0), w.near);
    assert_int_equal(bf_search_result_at(result, 0)->candidate, 1);
    assert_null(bf_search_result_at(result, 3));
    bf_search_result_free(result);
  }
  free_world(&w);
}

static void similarity_is_the_z_score_of_the_signed_sum_of_z_scores(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_candidate all[3] = {candidate("a", w.far, NAN), candidate("b", w.near, NAN), candidate("c", w.middle, NAN)};
  bf_search_result *result = rank(all, 3, w.target, "similarity");
  double sum[3] = {0}, mean = 0.0, square = 0.0;
  for (size_t m = 0; m < 5; ++m) {
    double x[3], average = 0.0, spread = 0.0;
    for (size_t i = 0; i < 3; ++i) {
      const bf_ranked *r = bf_search_result_at(result, i);
      assert_int_equal(r->n_measures, 5);
      x[i] = r->measure_values[m];
      average += x[i] / 3.0;
    }
    for (size_t i = 0; i < 3; ++i) spread += (x[i] - average) * (x[i] - average) / 3.0;
    for (size_t i = 0; i < 3; ++i) sum[i] -= (x[i] - average) / sqrt(spread); /* all five are divergences */
  }
  for (size_t i = 0; i < 3; ++i) mean += sum[i] / 3.0;
  for (size_t i = 0; i < 3; ++i) square += (sum[i] - mean) * (sum[i] - mean) / 3.0;
  for (size_t i = 0; i < 3; ++i) {
    assert_true(fabs(bf_search_result_at(result, i)->score - (sum[i] - mean) / sqrt(square)) < 1e-9);
  }
  bf_search_result_free(result);
  free_world(&w);
}

static void a_divergence_is_reported_as_it_is_and_scored_with_its_sign_turned(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_candidate all[2] = {candidate("a", w.far, NAN), candidate("b", w.near, NAN)};
  bf_search_result *result = rank(all, 2, w.target, "paper-jsd");
  const bf_ranked *first = bf_search_result_at(result, 0);
  assert_int_equal(first->n_measures, 6);
  assert_string_equal(first->measure_names[5], "paper-jsd");
  assert_true(first->measure_values[5] >= 0.0);
  assert_true(first->score == -first->measure_values[5]);
  bf_search_result_free(result);
  result = rank(all, 2, w.target, "paper-adaptivity");
  first = bf_search_result_at(result, 0);
  assert_true(first->score == first->measure_values[5]);
  bf_search_result_free(result);
  free_world(&w);
}

static void ties_break_by_id_and_then_by_version(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_candidate all[5] = {candidate("m/b", w.near, 0.5), candidate("m/B", w.near, 0.5), candidate("m/a", w.near, 0.5),
                         candidate("m/a", w.near, 0.5), candidate("m/ab", w.near, 0.5)};
  all[2].version = 2;
  static const char *const strategies[] = {"similarity", "hist-jsd", "source-accuracy"};
  for (size_t i = 0; i < 3; ++i) {
    bf_search_result *result = rank(all, 5, w.target, strategies[i]);
    assert_order(result, "m/B m/a m/a m/ab m/b");
    assert_int_equal(bf_search_result_at(result, 1)->version, 1);
    assert_int_equal(bf_search_result_at(result, 2)->version, 2);
    if (i == 0) assert_true(bf_search_result_at(result, 0)->score == 0.0); /* z of a constant */
    bf_search_result_free(result);
  }
  free_world(&w);
}

static void a_single_candidate_scores_zero(void **state) {
  (void)state;
  world w = make_world(NULL);
  bf_candidate one = candidate("only", w.far, NAN);
  bf_search_result *result = rank(&one, 1, w.target, NULL);
  assert_int_equal(bf_search_result_count(result), 1);
  assert_true(bf_search_result_at(result, 0)->score == 0.0);
  assert_true(isnan(bf_search_result_at(result, 0)->source_accuracy));
  bf_search_result_free(result);
  free_world(&w);
}

static void candidates_that_do_not_fit_are_skipped_with_the_reason(void **state) {
  (void)state;
  world w = make_world(NAMES);
  static const char *const other[D] = {"a", "b", "c", "humidity"};
  float pixels[30 * 64];
  for (size_t i = 0; i < 30 * 64; ++i) pixels[i] = (float)(i * 31 % 256);
  bf_sketch *lacking = make_normal_sketch(5, 300, D, 0, 1, other),
            *numbered = make_normal_sketch(6, 300, D + 2, 0, 1, NULL);
  bf_sketch *images = make_image_sketch(pixels, 30, 8, 8), *empty = make_sketch(NULL, 0, D, NAMES);
  bf_candidate all[7] = {candidate("near", w.near, NAN),   candidate("lacking", lacking, NAN),
                         candidate("none", NULL, NAN),     candidate("images", images, NAN),
                         candidate("empty", empty, NAN),   candidate("numbered", numbered, NAN),
                         candidate("excluded", w.far, NAN)};
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.exclude_domain = "excluded";
  bf_search_result *result = NULL;
  assert_int_equal(bf_rank(all, 7, w.target, &options, &result, NULL), BF_OK);
  assert_order(result, "near");
  assert_int_equal(bf_search_result_skipped_count(result), 6);
  assert_string_equal(why_skipped(result, "lacking"), "needs column 'humidity', which the target lacks");
  assert_string_equal(why_skipped(result, "none"), "no sketch");
  assert_non_null(strstr(why_skipped(result, "images"), "needs data of kind image"));
  assert_non_null(strstr(why_skipped(result, "empty"), "no rows"));
  assert_non_null(strstr(why_skipped(result, "numbered"), "needs 6 numbered columns, and the target has 4"));
  assert_non_null(strstr(why_skipped(result, "excluded"), "'excluded'"));
  assert_string_equal(bf_search_result_skipped_at(result, 0)->id, "lacking"); /* in the order given */
  bf_search_result_free(result);
  bf_sketch_free(lacking);
  bf_sketch_free(numbered);
  bf_sketch_free(images);
  bf_sketch_free(empty);
  free_world(&w);
}

static void models_with_fewer_columns_form_their_own_group_and_merge_by_z(void **state) {
  (void)state;
  world w = make_world(NAMES);
  static const char *const two[2] = {"b", "a"}, *const same[2] = {"a", "b"};
  bf_sketch *near2 = make_normal_sketch(7, 500, 2, 0.05, 1.0, two),
            *far2 = make_normal_sketch(8, 500, 2, 5.0, 3.0, same);
  bf_candidate all[5] = {candidate("4/near", w.near, NAN), candidate("4/middle", w.middle, NAN),
                         candidate("4/far", w.far, NAN), candidate("2/near", near2, NAN),
                         candidate("2/far", far2, NAN)};
  bf_search_result *result = rank(all, 5, w.target, "similarity");
  assert_int_equal(bf_search_result_count(result), 5);
  double score[5];
  for (size_t r = 0; r < 5; ++r)
    score[bf_search_result_at(result, r)->candidate] = bf_search_result_at(result, r)->score;
  assert_true(fabs(score[0] + score[1] + score[2]) < 1e-9); /* z-scores of a group of three and a group of two */
  assert_true(fabs(score[3] - 1.0) < 1e-9 && fabs(score[4] + 1.0) < 1e-9);
  assert_true(score[0] > score[1] && score[1] > score[2]);
  assert_int_equal(bf_search_result_warning_count(result), 1);
  assert_string_equal(bf_search_result_warning(result, 0),
                      "models read 2 different column sets; places compare only within a set (a set of one scores 0)");
  bf_search_result_free(result);
  result = rank(all, 3, w.target, "similarity");
  assert_int_equal(bf_search_result_warning_count(result), 0);
  bf_search_result_free(result);
  bf_sketch_free(near2);
  bf_sketch_free(far2);
  free_world(&w);
}

static void a_named_measure_orders_by_its_value_over_all_groups(void **state) {
  (void)state;
  world w = make_world(NAMES);
  static const char *const two[2] = {"b", "a"};
  bf_sketch *alone = make_normal_sketch(8, 500, 2, 5.0, 3.0, two); /* farthest, and the only one with two columns */
  bf_candidate all[4] = {candidate("2/far", alone, NAN), candidate("4/middle", w.middle, NAN),
                         candidate("4/near", w.near, NAN), candidate("4/far", w.far, NAN)};
  static const char *const strategies[] = {"gauss-kl-st", "paper-jsd", "hist-jsd"};
  for (size_t s = 0; s < 3; ++s) {
    bf_search_result *result = rank(all, 4, w.target, strategies[s]);
    assert_int_equal(bf_search_result_count(result), 4);
    double before = INFINITY;
    for (size_t i = 0; i < 4; ++i) {
      const bf_ranked *r = bf_search_result_at(result, i);
      size_t m = 0;
      while (strcmp(r->measure_names[m], strategies[s]) != 0) ++m;
      assert_true(r->score == -r->measure_values[m] && r->score <= before);
      assert_false(signbit(r->score) && r->score == 0.0);
      before = r->score;
    }
    assert_int_equal(bf_search_result_warning_count(result), 0);
    bf_search_result_free(result);
  }
  bf_sketch_free(alone);
  free_world(&w);
}

static void extra_columns_of_the_target_are_ignored(void **state) {
  (void)state;
  static const char *const more[6] = {"x", "d", "c", "b", "a", "y"};
  world w = make_world(NAMES);
  bf_sketch *target = make_normal_sketch(9, 800, 6, 0.0, 1.0, more);
  bf_candidate all[2] = {candidate("far", w.far, NAN), candidate("near", w.near, NAN)};
  bf_search_result *result = rank(all, 2, target, NULL);
  assert_order(result, "near far");
  bf_search_result_free(result);
  bf_sketch_free(target);
  free_world(&w);
}

static void a_measure_without_an_answer_is_nan_and_counts_as_the_worst_with_a_reason(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_sketch *few = make_normal_sketch(10, 8, D, 0.0, 1.0, NAMES);
  bf_candidate all[3] = {candidate("few", few, NAN), candidate("near", w.near, NAN), candidate("far", w.far, NAN)};
  bf_search_result *result = rank(all, 3, w.target, NULL);
  assert_int_equal(bf_search_result_count(result), 3);
  for (size_t i = 0; i < 3; ++i) {
    const bf_ranked *r = bf_search_result_at(result, i);
    assert_true(isfinite(r->score));
    assert_int_equal(isnan(r->measure_values[0]), strcmp(r->id, "few") == 0); /* mmd */
    assert_true(isfinite(r->measure_values[3]));                              /* hist-jsd */
    assert_int_equal(
        has_reason(r, "no answer by mmd, centroid-distance, cell-jsd: the source's sketch has no centroids"),
        strcmp(r->id, "few") == 0);
  }
  double few_score = NAN, far_score = NAN;
  for (size_t i = 0; i < 3; ++i) {
    const bf_ranked *r = bf_search_result_at(result, i);
    if (strcmp(r->id, "few") == 0) few_score = r->score;
    if (strcmp(r->id, "far") == 0) far_score = r->score;
  }
  assert_true(few_score < 0.0); /* three of five measures at their worst: no average model */
  assert_true(isfinite(far_score));
  bf_search_result_free(result);
  result = rank(all, 3, w.target, "mmd");
  assert_order(result, "near far");
  assert_non_null(strstr(why_skipped(result, "few"), "centroids"));
  bf_search_result_free(result);
  bf_sketch_free(few);
  free_world(&w);
}

static void source_accuracy_orders_by_it_and_skips_the_unknown(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_candidate all[3] = {candidate("low", w.near, 0.4), candidate("unknown", w.near, NAN),
                         candidate("high", w.far, 0.9)};
  bf_search_result *result = rank(all, 3, w.target, "source-accuracy");
  assert_order(result, "high low");
  assert_true(bf_search_result_at(result, 0)->score == 0.9);
  assert_non_null(strstr(why_skipped(result, "unknown"), "accuracy"));
  bf_search_result_free(result);
  all[2].sketch = NULL;
  all[1].sketch = NULL;
  result = rank(all, 3, w.target, "source-accuracy"); /* needs no sketch */
  assert_order(result, "high low");
  assert_null(bf_search_result_sketch(result, 0));
  assert_true(isnan(bf_search_result_at(result, 0)->measure_values[0]));
  assert_non_null(strstr(why_skipped(result, "unknown"), "accuracy"));
  bf_search_result_free(result);
  result = rank(all, 3, w.target, "random");
  assert_int_equal(bf_search_result_count(result), 3);
  bf_search_result_free(result);
  free_world(&w);
}

static void random_depends_on_seed_and_id_alone(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_candidate all[4] = {candidate("a", w.near, NAN), candidate("b", w.far, NAN), candidate("c", w.near, NAN),
                         candidate("d", w.middle, NAN)};
  double first[4], scores[4];
  bool differs = false;
  for (uint64_t seed = 1; seed < 4; ++seed) {
    bf_search_options options = BF_SEARCH_OPTIONS_INIT;
    options.strategy = "random";
    options.measure.seed = seed > 2 ? 1 : seed;
    bf_search_result *result = NULL;
    assert_int_equal(bf_rank(all, 4, w.target, &options, &result, NULL), BF_OK);
    for (size_t i = 0; i < 4; ++i)
      scores[bf_search_result_at(result, i)->candidate] = bf_search_result_at(result, i)->score;
    for (size_t i = 0; i < 4; ++i) {
      assert_true(scores[i] >= 0.0 && scores[i] < 1.0);
      if (seed == 1) first[i] = scores[i];
      if (seed == 2) differs = differs || scores[i] != first[i];
      if (seed == 3) assert_true(scores[i] == first[i]);
    }
    bf_search_result_free(result);
  }
  assert_true(differs);
  free_world(&w);
}

static void reasons_tell_the_standing_and_the_differences(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_candidate all[3] = {candidate("far", w.far, NAN), candidate("near", w.near, NAN),
                         candidate("middle", w.middle, NAN)};
  bf_search_result *result = rank(all, 3, w.target, NULL);
  const bf_ranked *first = bf_search_result_at(result, 0), *last = bf_search_result_at(result, 2);
  assert_string_equal(first->reasons[0], "nearest of 3 by mmd, centroid-distance, cell-jsd, hist-jsd, gauss-kl-ts");
  assert_string_equal(last->reasons[0], "3rd of 3 by mmd, centroid-distance, cell-jsd, hist-jsd, gauss-kl-ts");
  assert_true(has_reason(last, "is lower: mean"));
  assert_true(has_reason(last, "4 of 4 columns differ clearly"));
  assert_false(has_reason(first, "differ clearly"));
  bf_search_result_free(result);
  free_world(&w);
}

static void warnings_name_columns_that_only_vary_in_the_target_and_few_rows(void **state) {
  (void)state;
  double means[D] = {0, 1, 2, 3}, constant[D] = {1, 0, 1, 1}, varying[D] = {1, 1, 1, 1};
  float *a = make_rows(1, 300, D, means, constant), *b = make_rows(2, 60, D, means, varying);
  bf_sketch *source = make_sketch(a, 300, D, NAMES), *target = make_sketch(b, 60, D, NAMES);
  bf_candidate one = candidate("m", source, NAN);
  bf_search_result *result = rank(&one, 1, target, NULL);
  assert_int_equal(bf_search_result_warning_count(result), 2);
  assert_non_null(strstr(bf_search_result_warning(result, 0), "only 60 rows"));
  assert_non_null(strstr(bf_search_result_warning(result, 1), "column 'b' is constant in every model's data"));
  bf_search_result_free(result);
  bf_sketch_free(source);
  bf_sketch_free(target);
  free(a);
  free(b);
}

static void a_target_that_is_a_models_own_data_is_warned_of(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_sketch *same = make_normal_sketch(4, 800, D, 0.0, 1.0, NAMES);
  bf_candidate all[3] = {candidate("m/near", w.near, NAN), candidate("m/same", same, NAN),
                         candidate("m/far", w.far, NAN)};
  for (size_t n = 1; n < 4; n += 2) {
    bf_search_result *result = rank(all, n, w.target, NULL);
    assert_int_equal(bf_search_result_warning_count(result), n == 3);
    if (n == 3) {
      assert_string_equal(bf_search_result_warning(result, 0),
                          "the target equals the data of 'm/same' by every measure: is it that model's own?");
    }
    bf_search_result_free(result);
  }
  bf_sketch_free(same);
  free_world(&w);
}

static void nothing_to_rank_is_no_error_and_an_empty_target_is(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_sketch *empty = make_sketch(NULL, 0, D, NAMES);
  bf_search_result *result = rank(NULL, 0, w.target, NULL);
  assert_int_equal(bf_search_result_count(result) + bf_search_result_skipped_count(result), 0);
  bf_search_result_free(result);
  bf_candidate one = candidate("m", w.near, NAN);
  bf_error err = {0};
  assert_int_equal(bf_rank(&one, 1, empty, NULL, &result, &err), BF_ERR_NOT_APPLICABLE);
  assert_null(result);
  assert_non_null(strstr(err.message, "target"));
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.strategy = "no-such";
  assert_int_equal(bf_rank(&one, 1, w.target, &options, &result, &err), BF_ERR_NOT_FOUND);
  bf_sketch_free(empty);
  free_world(&w);
}

static void many_candidates_are_all_ranked_and_only_some_explained(void **state) {
  (void)state;
  enum { MANY = 60 };
  bf_sketch *sketches[MANY], *target = make_normal_sketch(1, 300, 3, 0, 1, NULL);
  bf_candidate all[MANY];
  char ids[MANY][8];
  for (size_t i = 0; i < MANY; ++i) {
    sketches[i] = make_normal_sketch(100 + i, 200, 3, 0.05 * (double)((i * 7) % MANY), 1.0, NULL);
    snprintf(ids[i], sizeof ids[i], "m/%02zu", i);
    all[i] = candidate(ids[i], sketches[i], NAN);
  }
  bf_search_result *result = rank(all, MANY, target, NULL);
  assert_int_equal(bf_search_result_count(result), MANY);
  assert_true(bf_search_result_at(result, 0)->n_reasons >= 2);
  assert_true(bf_search_result_at(result, 31)->n_reasons >= 2);
  assert_int_equal(bf_search_result_at(result, 40)->n_reasons, 1);
  assert_true(bf_search_result_at(result, MANY - 1)->n_reasons >= 2);
  bf_search_result_free(result);
  for (size_t i = 0; i < MANY; ++i) bf_sketch_free(sketches[i]);
  bf_sketch_free(target);
}

static void z_scores_use_the_population_deviation_and_are_zero_for_constants_and_nan(void **state) {
  (void)state;
  double x[4] = {1, NAN, 3, 5}, z[4], same[3] = {0.1, 0.1, 0.1};
  bf__z_scores(x, 4, 1, z);
  assert_true(fabs(z[0] + sqrt(1.5)) < 1e-12 && z[1] == 0.0 && z[2] == 0.0 && fabs(z[3] - sqrt(1.5)) < 1e-12);
  bf__z_scores(same, 3, 1, z);
  assert_true(z[0] == 0.0 && z[1] == 0.0 && z[2] == 0.0);
  bf__z_scores(x, 1, 1, z);
  assert_true(z[0] == 0.0);
}

static void when_an_allocation_fails_ranking_says_so_and_leaks_nothing(void **state) {
  (void)state;
  world w = make_world(NAMES);
  bf_candidate all[3] = {candidate("a", w.far, 0.1), candidate("b", w.near, 0.2), candidate("c", NULL, 0.3)};
  long n = 1;
  for (bf_status status = BF_ERR_MEMORY; status != BF_OK && n < 2000; ++n) {
    bf_search_result *result = NULL;
    bf_error err = {0};
    bf__alloc_fail_at(n);
    status = bf_rank(all, 3, w.target, NULL, &result, &err);
    bf__alloc_fail_at(0);
    if (status == BF_OK) {
      assert_int_equal(bf_search_result_count(result), 2);
    } else {
      assert_int_equal(status, BF_ERR_MEMORY);
      assert_null(result);
    }
    bf_search_result_free(result);
  }
  assert_true(n > 20);
  free_world(&w);
}

/* --- over a repository ----------------------------------------------------------------------------------------------
 */

static void add_model(bf_store *store, const char *name, const uint8_t *sketch, size_t sketch_bytes) {
  bf_store_entry entry = BF_STORE_ENTRY_INIT;
  uint32_t version = 0;
  bf_error err = {0};
  entry.name = name;
  entry.kind = sketch ? "features" : NULL;
  entry.model_bytes = (const uint8_t *)name;
  entry.model_n_bytes = strlen(name);
  entry.card = (const uint8_t *)"card";
  entry.card_bytes = 4;
  entry.sketch = sketch;
  entry.sketch_bytes = sketch_bytes;
  if (bf_store_add(store, &entry, &version, &err) != BF_OK) fail_msg("%s", err.message);
}

static void a_repository_is_searched_and_damaged_sketches_are_skipped(void **state) {
  (void)state;
  const char *folder = getenv("TMPDIR");
  char directory[256], command[300];
  snprintf(directory, sizeof directory, "%s/bestfit-search-XXXXXX", folder ? folder : "/tmp");
  assert_non_null(mkdtemp(directory));
  bf_store_options store_options = BF_STORE_OPTIONS_INIT;
  store_options.create = true;
  bf_store *store = NULL;
  bf_error err = {0};
  if (bf_store_open(directory, &store_options, &store, &err) != BF_OK) fail_msg("%s", err.message);
  world w = make_world(NAMES);
  const bf_sketch *sketches[2] = {w.near, w.far};
  for (int i = 0; i < 2; ++i) {
    uint8_t *bytes = NULL;
    size_t n = 0;
    assert_int_equal(bf_sketch_encode(sketches[i], &bytes, &n, NULL), BF_OK);
    add_model(store, i ? "m/far" : "m/near", bytes, n);
    if (i == 0) {
      bytes[n / 2] ^= 1;
      add_model(store, "m/damaged", bytes, n);
    }
    free(bytes);
  }
  add_model(store, "m/bare", NULL, 0);
  bf_search_result *result = NULL;
  if (bf_search(store, w.target, NULL, &result, &err) != BF_OK) fail_msg("%s", err.message);
  assert_order(result, "m/near m/far");
  assert_string_equal(why_skipped(result, "m/bare"), "no sketch");
  assert_non_null(strstr(why_skipped(result, "m/damaged"), "its sketch cannot be read: "));
  bf_store_close(store);
  assert_string_equal(bf_search_result_at(result, 0)->domain, "m/near"); /* the result owns what it shows */
  assert_int_equal(bf_sketch_rows(bf_search_result_sketch(result, 1)), 800);
  bf_search_result_free(result);
  free_world(&w);
  snprintf(command, sizeof command, "rm -r '%s'", directory);
  assert_int_equal(system(command), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_nearest_source_is_first_by_every_strategy_that_looks),
      cmocka_unit_test(similarity_is_the_z_score_of_the_signed_sum_of_z_scores),
      cmocka_unit_test(a_divergence_is_reported_as_it_is_and_scored_with_its_sign_turned),
      cmocka_unit_test(ties_break_by_id_and_then_by_version),
      cmocka_unit_test(a_single_candidate_scores_zero),
      cmocka_unit_test(candidates_that_do_not_fit_are_skipped_with_the_reason),
      cmocka_unit_test(models_with_fewer_columns_form_their_own_group_and_merge_by_z),
      cmocka_unit_test(a_named_measure_orders_by_its_value_over_all_groups),
      cmocka_unit_test(extra_columns_of_the_target_are_ignored),
      cmocka_unit_test(a_measure_without_an_answer_is_nan_and_counts_as_the_worst_with_a_reason),
      cmocka_unit_test(source_accuracy_orders_by_it_and_skips_the_unknown),
      cmocka_unit_test(random_depends_on_seed_and_id_alone),
      cmocka_unit_test(reasons_tell_the_standing_and_the_differences),
      cmocka_unit_test(warnings_name_columns_that_only_vary_in_the_target_and_few_rows),
      cmocka_unit_test(a_target_that_is_a_models_own_data_is_warned_of),
      cmocka_unit_test(nothing_to_rank_is_no_error_and_an_empty_target_is),
      cmocka_unit_test(many_candidates_are_all_ranked_and_only_some_explained),
      cmocka_unit_test(z_scores_use_the_population_deviation_and_are_zero_for_constants_and_nan),
      cmocka_unit_test(when_an_allocation_fails_ranking_says_so_and_leaks_nothing),
      cmocka_unit_test(a_repository_is_searched_and_damaged_sketches_are_skipped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
