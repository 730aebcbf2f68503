/* Ranking metrics against values worked out by hand and against all orders of ties; coverage of the intervals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bestfit/metrics.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

#define EPS 1e-12
/* cmocka compares floats */
#define assert_near(a, b, eps) assert_true(fabs((a) - (b)) <= (eps))

static bf_ranking_metrics metrics_of(const double *score, const double *accuracy, size_t n) {
  bf_ranking_metrics m;
  bf_error err = {0};
  if (bf_ranking_metrics_of(score, accuracy, n, &m, &err) != BF_OK) fail_msg("%s", err.message);
  assert_int_equal(m.n, n);
  return m;
}

static double regret_of_top(const double *score, const double *accuracy, size_t n, size_t k) {
  double regret = NAN;
  bf_error err = {0};
  if (bf_regret_of_top(score, accuracy, n, k, &regret, &err) != BF_OK) fail_msg("%s", err.message);
  return regret;
}

static void an_order_without_ties(void **state) {
  (void)state;
  const double score[] = {4, 3, 2, 1}, right[] = {.9, .7, .8, .6}, wrong[] = {.5, .7, .6, .95};
  bf_ranking_metrics m = metrics_of(score, right, 4);
  assert_near(m.regret, 0, EPS);
  assert_near(m.regret_top3, 0, EPS);
  assert_near(m.hit, 1, EPS);
  assert_near(m.spearman, 0.8, EPS);
  assert_near(m.kendall, 4.0 / 6, EPS);
  m = metrics_of(score, wrong, 4);
  assert_near(m.regret, 0.45, EPS);
  assert_near(m.regret_top3, 0.25, EPS);
  assert_near(m.hit, 0, EPS);
  assert_near(m.spearman, -0.8, EPS); /* ranks 4 3 2 1 and 1 3 2 4: d^2 sums to 18 */
  assert_near(m.kendall, -4.0 / 6, EPS);
}

static void equal_scores_are_scored_in_expectation(void **state) {
  (void)state;
  const double two[] = {1, 1, 0}, accuracy[] = {.9, .7, .8};
  bf_ranking_metrics m = metrics_of(two, accuracy, 3);
  assert_near(m.regret, 0.1, EPS);
  assert_near(m.hit, 0.5, EPS);
  assert_near(m.regret_top3, 0, EPS);
  assert_near(regret_of_top(two, accuracy, 3, 2), 0, EPS);
  /* three of five at random: the best is among them with 6/10, else the second with 3/10, else the third */
  const double all[] = {7, 7, 7, 7, 7}, five[] = {.3, .1, .5, .2, .4};
  assert_near(metrics_of(all, five, 5).regret_top3, .5 - (.6 * .5 + .3 * .4 + .1 * .3), EPS);
  /* .4 is sure, two of {.2, .6, .5} come with it */
  const double mixed[] = {3, 1, 1, 1, 0}, more[] = {.4, .2, .6, .5, .9};
  assert_near(metrics_of(mixed, more, 5).regret_top3, .9 - (.6 * 2 / 3 + .5 / 3), EPS);
}

static void two_models(void **state) {
  (void)state;
  const double accuracy[] = {.8, .6}, right[] = {2, 1}, wrong[] = {1, 2}, tied[] = {1, 1}, equal[] = {.7, .7};
  bf_ranking_metrics m = metrics_of(right, accuracy, 2);
  assert_near(m.spearman, 1, EPS);
  assert_near(m.kendall, 1, EPS);
  assert_near(m.regret, 0, EPS);
  m = metrics_of(wrong, accuracy, 2);
  assert_near(m.spearman, -1, EPS);
  assert_near(m.kendall, -1, EPS);
  assert_near(m.regret, .2, EPS);
  assert_near(m.regret_top3, 0, EPS);
  assert_near(m.hit, 0, EPS);
  m = metrics_of(tied, accuracy, 2);
  assert_near(m.spearman, 0, EPS);
  assert_near(m.kendall, 0, EPS);
  assert_near(m.regret, .1, EPS);
  assert_near(m.hit, .5, EPS);
  m = metrics_of(right, equal, 2); /* nothing to choose: nothing lost */
  assert_near(m.regret, 0, EPS);
  assert_near(m.hit, 1, EPS);
  assert_near(m.spearman, 0, EPS);
  assert_near(m.kendall, 0, EPS);
}

static void one_model_and_all_equal(void **state) {
  (void)state;
  const double one[] = {.5}, scores[] = {3, 3, 3, 3}, accuracies[] = {.6, .6, .6, .6};
  bf_ranking_metrics m = metrics_of(one, one, 1);
  assert_near(m.regret + m.regret_top3 + m.spearman + m.kendall, 0, EPS);
  assert_near(m.hit, 1, EPS);
  m = metrics_of(scores, accuracies, 4);
  assert_near(m.regret + m.regret_top3 + m.spearman + m.kendall, 0, EPS);
  assert_near(m.hit, 1, EPS);
}

static void correlations_with_ties_have_their_published_values(void **state) {
  (void)state;
  const double a[] = {12, 2, 1, 12, 2}, b[] = {1, 4, 7, 1, 0};
  assert_near(metrics_of(a, b, 5).kendall, -0.47140452079103173, EPS);
  const double c[] = {1, 2, 3, 4, 5}, d[] = {5, 6, 7, 8, 7};
  assert_near(metrics_of(c, d, 5).spearman, 0.8207826816681233, EPS);
}

static void no_answer_ranks_last_with_minus_infinity(void **state) {
  (void)state;
  const double score[] = {NAN, -INFINITY, -1e300, NAN}, accuracy[] = {.9, .5, .4, .7};
  bf_ranking_metrics m = metrics_of(score, accuracy, 4);
  assert_near(m.regret, .5, EPS);
  assert_near(m.hit, 0, EPS);
  assert_near(regret_of_top(score, accuracy, 4, 2), .9 - (.9 + .5 + .7) / 3, EPS);
  assert_near(m.kendall, -3 / sqrt(3.0 * 6.0), EPS);
}

/* ---- all orders that the scores allow ---- */

static double best_of(const double *accuracy, const size_t *order, size_t k) {
  double best = -INFINITY;
  for (size_t i = 0; i < k; i++) best = fmax(best, accuracy[order[i]]);
  return best;
}

typedef struct sums {
  double n, top1, top3, hit;
} sums;

static void visit(const double *score, const double *accuracy, size_t n, size_t *order, size_t at, sums *s) {
  if (at == n) {
    double best = best_of(accuracy, order, n);
    s->n += 1;
    s->top1 += best - accuracy[order[0]];
    s->top3 += best - best_of(accuracy, order, n < 3 ? n : 3);
    s->hit += accuracy[order[0]] == best;
    return;
  }
  for (size_t i = at; i < n; i++) {
    bool is_next = true;
    for (size_t j = at; j < n; j++) is_next &= score[order[j]] <= score[order[i]];
    if (!is_next) continue;
    size_t kept = order[at];
    order[at] = order[i], order[i] = kept;
    visit(score, accuracy, n, order, at + 1, s);
    kept = order[at];
    order[at] = order[i], order[i] = kept;
  }
}

static void expectations_equal_the_mean_over_all_orders(void **state) {
  (void)state;
  bf__random random = bf__random_of(3);
  for (int trial = 0; trial < 300; trial++) {
    double score[7], accuracy[7];
    size_t n = 1 + bf__random_below(&random, 7), order[7];
    for (size_t i = 0; i < n; i++) {
      order[i] = i;
      score[i] = (double)bf__random_below(&random, 3);
      accuracy[i] = (double)bf__random_below(&random, 5) / 4;
    }
    sums s = {0};
    visit(score, accuracy, n, order, 0, &s);
    bf_ranking_metrics m = metrics_of(score, accuracy, n);
    assert_near(m.regret, s.top1 / s.n, 1e-10);
    assert_near(m.regret_top3, s.top3 / s.n, 1e-10);
    assert_near(m.hit, s.hit / s.n, 1e-10);
  }
}

static void what_cannot_be_scored_is_refused(void **state) {
  (void)state;
  const double score[] = {1, 2}, accuracy[] = {.5, NAN};
  bf_ranking_metrics m;
  bf_error err = {0};
  double regret = 0;
  assert_int_equal(bf_ranking_metrics_of(score, accuracy, 2, &m, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(err.position, 1);
  assert_int_equal(bf_ranking_metrics_of(score, accuracy, 0, &m, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_regret_of_top(score, score, 2, 0, &regret, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_near(regret_of_top(score, score, 2, 99), 0, EPS);
  bf__alloc_fail_at(1);
  assert_int_equal(bf_ranking_metrics_of(score, score, 2, &m, NULL), BF_ERR_MEMORY);
  bf__alloc_fail_at(0);
}

/* ---- intervals ---- */

static bf_mean_interval mean_of(const double *values, const uint32_t *group, const uint32_t *collection, size_t n,
                                uint32_t n_draws, uint64_t seed) {
  bf_bootstrap_options options = BF_BOOTSTRAP_OPTIONS_INIT;
  bf_mean_interval interval;
  bf_error err = {0};
  options.n_draws = n_draws;
  options.seed = seed;
  if (bf_bootstrap_mean(values, group, collection, n, &options, &interval, &err) != BF_OK) fail_msg("%s", err.message);
  return interval;
}

static void means_over_targets_groups_and_collections(void **state) {
  (void)state;
  const double values[] = {1, 2, 3, 4, 10, 20};
  const uint32_t group[] = {5, 5, 6, 6, 5, 9}, collection[] = {0, 0, 0, 0, 3, 3};
  bf_mean_interval i = mean_of(values, NULL, NULL, 6, 0, 0);
  assert_near(i.mean, 40.0 / 6, EPS);
  assert_int_equal(i.n, 6);
  assert_int_equal(i.n_groups, 6);
  assert_int_equal(i.n_collections, 1);
  assert_true(i.low < i.mean && i.mean < i.high);
  i = mean_of(values, group, NULL, 6, 0, 0); /* the groups {1, 2, 10}, {3, 4}, {20} */
  assert_near(i.mean, 40.0 / 6, EPS);
  assert_int_equal(i.n_groups, 3);
  assert_true(i.low >= 3.5 - EPS && i.high <= 20 + EPS); /* no draw is below the least group */
  i = mean_of(values, group, collection, 6, 0, 0);       /* groups of equal number in two collections are two */
  assert_near(i.mean, (2.5 + 15) / 2, EPS);
  assert_int_equal(i.n_groups, 4);
  assert_int_equal(i.n_collections, 2);
  assert_true(i.low >= (1.5 + 10) / 2 - EPS && i.high <= (3.5 + 20) / 2 + EPS);
}

static void equal_seeds_give_equal_intervals(void **state) {
  (void)state;
  const double values[] = {.1, .25, .2, .05, .9, .3, .35, .4};
  bf_mean_interval a = mean_of(values, NULL, NULL, 8, 500, 7), b = mean_of(values, NULL, NULL, 8, 500, 7),
                   c = mean_of(values, NULL, NULL, 8, 500, 8);
  assert_true(a.low == b.low && a.high == b.high);
  assert_true(a.low != c.low || a.high != c.high);
}

static void intervals_of_what_does_not_vary(void **state) {
  (void)state;
  const double equal[] = {.5, .5, .5}, one[] = {1, 2, 3};
  const uint32_t same[] = {1, 1, 1};
  bf_mean_interval i = mean_of(equal, NULL, NULL, 3, 0, 0);
  assert_true(i.low == .5 && i.high == .5);
  i = mean_of(one, same, NULL, 3, 0, 0); /* one group has no spread to tell */
  assert_near(i.mean, 2, EPS);
  assert_true(isnan(i.low) && isnan(i.high));
}

static void values_and_options_are_checked(void **state) {
  (void)state;
  const double values[] = {1, INFINITY, 3}, good[] = {1, 2, 3};
  bf_bootstrap_options options = BF_BOOTSTRAP_OPTIONS_INIT;
  bf_mean_interval i;
  bf_error err = {0};
  assert_int_equal(bf_bootstrap_mean(values, NULL, NULL, 3, NULL, &i, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(err.position, 1);
  assert_true(isnan(i.mean));
  assert_int_equal(bf_bootstrap_mean(values, NULL, NULL, 0, NULL, &i, NULL), BF_ERR_INVALID_ARGUMENT);
  options.level = 1;
  assert_int_equal(bf_bootstrap_mean(good, NULL, NULL, 3, &options, &i, NULL), BF_ERR_INVALID_ARGUMENT);
  options.level = .9, options.n_draws = 1000001;
  assert_int_equal(bf_bootstrap_mean(good, NULL, NULL, 3, &options, &i, NULL), BF_ERR_INVALID_ARGUMENT);
  for (long n = 1; n <= 2; n++) {
    bf__alloc_fail_at(n);
    assert_int_equal(bf_bootstrap_mean(good, NULL, NULL, 3, NULL, &i, NULL), BF_ERR_MEMORY);
    bf__alloc_fail_at(0);
  }
}

/* The mean of 30 normal values: Student's interval, whose half width is 2.0452 standard errors. */
static void an_interval_of_normal_values_is_students(void **state) {
  (void)state;
  bf__random random = bf__random_of(11);
  double values[30], mean = 0, square = 0;
  for (int i = 0; i < 30; i++) mean += (values[i] = bf__random_normal(&random)) / 30;
  for (int i = 0; i < 30; i++) square += (values[i] - mean) * (values[i] - mean);
  double half = 2.045230 * sqrt(square / 29 / 30);
  bf_mean_interval i = mean_of(values, NULL, NULL, 30, 100000, 0);
  assert_near((i.high - i.low) / 2 / half, 1, 0.03);
}

/* ---- coverage ---- */

#define TRIALS 1500
#define MAX_VALUES 120

typedef void (*generator)(bf__random *random, double *values, uint32_t *group, uint32_t *collection, size_t *n);

static double coverage(generator make, double truth, bool with_groups) {
  bf__random random = bf__random_of(20220706);
  int covered = 0;
  for (int t = 0; t < TRIALS; t++) {
    double values[MAX_VALUES];
    uint32_t group[MAX_VALUES] = {0}, collection[MAX_VALUES] = {0};
    size_t n = 0;
    make(&random, values, group, collection, &n);
    bf_mean_interval i = mean_of(values, with_groups ? group : NULL, collection, n, 1000, (uint64_t)t + 1);
    covered += i.low <= truth && truth <= i.high;
  }
  print_message("  covered %.3f\n", (double)covered / TRIALS);
  return (double)covered / TRIALS;
}

static void few_normal(bf__random *random, double *values, uint32_t *group, uint32_t *collection, size_t *n) {
  (void)collection;
  for (*n = 0; *n < 10; ++*n) values[*n] = 3 + bf__random_normal(random), group[*n] = (uint32_t)*n;
}

/* 12 persons of 5 targets each: what is common to a person is larger than what is not. */
static void related(bf__random *random, double *values, uint32_t *group, uint32_t *collection, size_t *n) {
  (void)collection;
  *n = 0;
  for (uint32_t person = 0; person < 12; person++) {
    double common = bf__random_normal(random);
    for (int i = 0; i < 5; i++) values[*n] = common + 0.5 * bf__random_normal(random), group[(*n)++] = person;
  }
}

/* Regrets: the best was chosen in six of ten, else an exponential loss of 0.02. Mean 0.008. */
static void regrets(bf__random *random, double *values, uint32_t *group, uint32_t *collection, size_t *n) {
  (void)collection;
  for (*n = 0; *n < 40; ++*n) {
    values[*n] = bf__random_unit(random) < 0.6 ? 0 : -0.02 * log(1 - bf__random_unit(random));
    group[*n] = (uint32_t)*n;
  }
}

/* Six collections of 11 to 20 targets, means 0.6 to 0.95, as the pooled Spearman has them. */
static void collections(bf__random *random, double *values, uint32_t *group, uint32_t *collection, size_t *n) {
  static const uint32_t sizes[6] = {16, 19, 12, 20, 13, 11};
  *n = 0;
  for (uint32_t c = 0; c < 6; c++)
    for (uint32_t i = 0; i < sizes[c]; i++) {
      values[*n] = 0.6 + 0.07 * c + (0.3 - 0.04 * c) * bf__random_normal(random);
      group[*n] = i, collection[(*n)++] = c;
    }
}

static void intervals_cover_their_nominal_share(void **state) {
  (void)state;
  double share = coverage(few_normal, 3, true);
  assert_true(share > 0.925 && share < 0.97);
  share = coverage(related, 0, true);
  assert_true(share > 0.925 && share < 0.97);
  share = coverage(collections, 0.775, true);
  assert_true(share > 0.925 && share < 0.97);
  share = coverage(regrets, 0.008, true); /* skewed: what any bootstrap of 40 such values misses is stated */
  assert_true(share > 0.91 && share < 0.97);
}

static void targets_that_are_related_must_not_count_as_independent(void **state) {
  (void)state;
  assert_true(coverage(related, 0, false) < 0.75);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_order_without_ties),
      cmocka_unit_test(equal_scores_are_scored_in_expectation),
      cmocka_unit_test(two_models),
      cmocka_unit_test(one_model_and_all_equal),
      cmocka_unit_test(correlations_with_ties_have_their_published_values),
      cmocka_unit_test(no_answer_ranks_last_with_minus_infinity),
      cmocka_unit_test(expectations_equal_the_mean_over_all_orders),
      cmocka_unit_test(what_cannot_be_scored_is_refused),
      cmocka_unit_test(means_over_targets_groups_and_collections),
      cmocka_unit_test(equal_seeds_give_equal_intervals),
      cmocka_unit_test(intervals_of_what_does_not_vary),
      cmocka_unit_test(values_and_options_are_checked),
      cmocka_unit_test(an_interval_of_normal_values_is_students),
      cmocka_unit_test(intervals_cover_their_nominal_share),
      cmocka_unit_test(targets_that_are_related_must_not_count_as_independent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
