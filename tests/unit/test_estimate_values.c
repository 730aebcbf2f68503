/* Estimators on panels small enough to work out by hand, and what a panel refuses. */
/* clang-format off */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <bestfit/estimate.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "estimate/estimate_internal.h"
#include "estimate_oracle.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static const char *const AB[] = {"a", "b"}, *const BA[] = {"b", "a"}, *const ABC[] = {"a", "b", "c"};

static bf_panel *panel_of(const bf_panel_model *models, size_t n_models, size_t n_items,
                          const bf_panel_options *options) {
  bf_panel *panel = NULL;
  bf_error err = {0};
  if (bf_panel_create(models, n_models, n_items, options, &panel, &err) != BF_OK) fail_msg("%s", err.message);
  return panel;
}

static void values_of(const bf_panel *panel, const char *name, double *out) {
  bf_estimate_value values[16];
  bf_error err = {0};
  if (bf_estimate(panel, name, values, &err) != BF_OK) fail_msg("%s", err.message);
  for (size_t m = 0; m < panel->n_models; m++) out[m] = values[m].applicable ? values[m].value : NAN;
}

static bf_panel_model hard(const char *id, const char *const *classes, size_t n_classes, const int32_t *predicted) {
  return (bf_panel_model){
      .id = id, .classes = classes, .n_classes = n_classes, .predicted = predicted, .similarity = NAN};
}

static void confidence_entropy_and_margin_of_two_rows(void **state) {
  (void)state;
  static const float P[] = {0.75f, 0.25f, 0.5f, 0.5f};
  bf_panel_model model = {.id = "m", .classes = AB, .n_classes = 2, .scores = P, .similarity = NAN};
  bf_panel *panel = panel_of(&model, 1, 2, NULL);
  double value = 0.0;
  values_of(panel, "confidence", &value);
  NEAR(value, 0.625);
  values_of(panel, "margin", &value);
  NEAR(value, 0.25);
  values_of(panel, "neg-entropy", &value);
  NEAR(value, 0.5 * (0.75 * log(0.75) + 0.25 * log(0.25) - M_LN2));
  values_of(panel, "nuclear-norm", &value); /* s1^2 + s2^2 = 9/8, s1 s2 = 1/4 */
  NEAR(value, sqrt(9.0 / 8.0 + 2.0 / 4.0) / 2.0);
  values_of(panel, "mano", &value); /* logits ln p: little confidence, so the polynomial 1 + z + z^2/2 */
  double x = 1 + log(0.75) + 0.5 * log(0.75) * log(0.75), y = 1 + log(0.25) + 0.5 * log(0.25) * log(0.25);
  assert_true(x < y || x > y);
  NEAR(value, pow((1.0 + 2.0 / 16.0) / 4.0, 0.25)); /* rows (1, 0) in some order, and (1/2, 1/2) */
  values_of(panel, "energy", &value);
  assert_true(isnan(value)); /* of probabilities */
  bf_panel_free(panel);
}

static void energies_of_three_rows(void **state) {
  (void)state;
  static const float Z[] = {0, 0, 1, 1, 0, 0}; /* energies -ln 2, -1 - ln 2, -ln 2 */
  bf_panel_model model = {.id = "m", .classes = AB, .n_classes = 2, .scores = Z, .are_logits = true, .similarity = NAN};
  bf_panel *panel = panel_of(&model, 1, 3, NULL);
  double value = 0.0;
  values_of(panel, "energy", &value);
  NEAR(value, -M_LN2 - 1.0 / 3.0);
  values_of(panel, "mde", &value);
  NEAR(value, log(2.0 + exp(-1.0)) + 1.0 / 3.0);
  bf_panel_free(panel);
}

static void dispersion_of_two_classes(void **state) {
  (void)state;
  static const float Z[] = {3, 0, 1, 0, 0, 4}; /* means (2, 0) of two and (0, 4) of one; all (4/3, 4/3) */
  bf_panel_model model = {.id = "m", .classes = AB, .n_classes = 2, .scores = Z, .are_logits = true, .similarity = NAN};
  bf_panel *panel = panel_of(&model, 1, 3, NULL);
  double value = 0.0;
  values_of(panel, "dispersion", &value);
  NEAR(value, log(2.0 * (4.0 / 9.0 + 16.0 / 9.0) + 16.0 / 9.0 + 64.0 / 9.0));
  bf_panel_free(panel);
}

static void classes_are_matched_by_name(void **state) {
  (void)state;
  static const int32_t X[] = {0, 0, 1, 1}, Y[] = {1, 1, 0, -1};
  bf_panel_model models[] = {hard("x", AB, 2, X), hard("y", BA, 2, Y)};
  bf_panel *panel = panel_of(models, 2, 4, NULL);
  double values[2];
  assert_int_equal(bf_panel_class_count(panel), 2);
  values_of(panel, "pair-agreement", values);
  assert_true(values[0] == 1.0 && values[1] == 1.0); /* the item without an answer is left out */
  values_of(panel, "confidence", values);
  assert_true(isnan(values[0])); /* no scores */
  bf_panel_free(panel);
}

static void shared_classes_leave_out_what_not_all_have(void **state) {
  (void)state;
  static const int32_t X[] = {0, 1, 2}, Y[] = {1, 0, 0};
  static const float Z[] = {0, 1, 5, 0, 1, -5, 3, 2, 1};
  bf_panel_model models[] = {hard("x", ABC, 3, X), hard("y", BA, 2, Y)};
  bf_panel_options options = BF_PANEL_OPTIONS_INIT;
  options.shared_classes = true;
  bf_panel *panel = panel_of(models, 2, 3, &options);
  assert_int_equal(bf_panel_class_count(panel), 2);
  assert_int_equal(panel->members[0].n_answered, 2); /* c is no shared class */
  bf_panel_free(panel);
  models[0] =
      (bf_panel_model){.id = "x", .classes = ABC, .n_classes = 3, .scores = Z, .are_logits = true, .similarity = NAN};
  panel = panel_of(models, 2, 3, &options);
  static const uint16_t WANTED[] = {1, 1, 0};
  assert_memory_equal(bf__votes(panel, 0), WANTED, sizeof WANTED); /* the largest of the shared ones */
  double p[3];
  bf__panel_probabilities(panel, 0, 0, p);
  NEAR(p[1], 1.0 / (1.0 + exp(-1.0)));
  bf_panel_free(panel);
}

static void equal_scores_go_to_the_first_class_by_name(void **state) {
  (void)state;
  static const float Z[] = {1, 1};
  bf_panel_model model = {.id = "m", .classes = BA, .n_classes = 2, .scores = Z, .are_logits = true, .similarity = NAN};
  bf_panel *panel = panel_of(&model, 1, 1, NULL);
  assert_int_equal(bf__votes(panel, 0)[0], 0); /* a */
  bf_panel_free(panel);
}

static void majority_and_pair_agreement_of_three(void **state) {
  (void)state;
  static const int32_t X[] = {0, 0, 0, 0}, Y[] = {0, 0, 1, 1}, Z[] = {0, 1, 1, 1};
  bf_panel_model models[] = {hard("x", AB, 2, X), hard("y", AB, 2, Y), hard("z", AB, 2, Z)};
  bf_panel *panel = panel_of(models, 3, 4, NULL);
  double values[3], trust = 0.0;
  values_of(panel, "majority", values); /* a a b b */
  assert_true(values[0] == 0.5 && values[1] == 1.0 && values[2] == 0.75);
  values_of(panel, "pair-agreement", values);
  assert_true(values[0] == 0.375 && values[1] == 0.625 && values[2] == 0.5);
  assert_int_equal(bf_panel_trust(panel, &trust, NULL), BF_OK);
  assert_true(trust >= -1.0 && trust <= 1.0);
  bf_panel_free(panel);
  panel = panel_of(models, 2, 4, NULL);
  assert_int_equal(bf_panel_trust(panel, &trust, NULL), BF_ERR_NOT_APPLICABLE);
  bf_panel_free(panel);
}

static void no_similar_model_weighs_more_than_a_third_of_four(void **state) {
  (void)state;
  static const int32_t W[] = {0, 0, 0, 0}, X[] = {1, 1, 1, 1}, Y[] = {1, 1, 1, 0}, Z[] = {1, 1, 0, 0};
  bf_panel_model models[] = {hard("w", AB, 2, W), hard("x", AB, 2, X), hard("y", AB, 2, Y), hard("z", AB, 2, Z)};
  models[0].similarity = 2.0;
  for (size_t m = 1; m < 4; m++) models[m].similarity = 0.0;
  double values[4];
  bf_panel *panel = panel_of(models, 3, 4, NULL); /* three: no cap. A: wx 0, wy 1/4, xy 3/4 */
  values_of(panel, "similarity-agreement", values);
  double e2 = exp(2.0);
  NEAR(values[0], (e2 + 0.25) / (e2 + 2.0));
  NEAR(values[1], (1.0 + 0.75) / (e2 + 2.0));
  bf_panel_free(panel);
  panel = panel_of(models, 4, 4, NULL); /* weights 7.4 1 1 1: the first becomes 1.5 of 4.5 */
  values_of(panel, "similarity-agreement", values);
  NEAR(values[0], (1.5 + 0.0 + 0.25 + 0.5) / 4.5);
  NEAR(values[1], (0.0 + 1.0 + 0.75 + 0.5) / 4.5);
  bf_panel_free(panel);
  models[1].similarity = 3.0; /* clipped to 2.5: two above a third, each becomes the sum of the others, 2 */
  panel = panel_of(models, 4, 4, NULL);
  values_of(panel, "similarity-agreement", values);
  NEAR(values[0], (2.0 + 0.0 + 0.25 + 0.5) / 6.0);
  bf_panel_free(panel);
}

static void clones_share_one_vote(void **state) {
  (void)state;
  static const int32_t X[] = {0, 0, 1, 1}, Y[] = {0, 1, 1, 1};
  bf_panel_model models[] = {hard("x", AB, 2, X), hard("x2", AB, 2, X), hard("y", AB, 2, Y)};
  for (size_t m = 0; m < 3; m++) models[m].similarity = 0.0;
  bf_panel *panel = panel_of(models, 3, 4, NULL);
  double values[3];
  values_of(panel, "similarity-agreement", values); /* weights 1/2 1/2 1 */
  NEAR(values[0], (1.0 + 0.75) / 2.0);
  NEAR(values[2], (0.75 + 1.0) / 2.0);
  bf_panel_free(panel);
}

/* Gains that are equal but for rounding make circles that seem to gain something; a plan must end all the same. */
static void a_transport_plan_among_equal_gains_ends(void **state) {
  (void)state;
  enum { N = 240, K = 19 };
  static double gain[N * K];
  bf__random random = bf__random_of(5);
  size_t capacity[K];
  for (size_t c = 0; c < K; c++) capacity[c] = N / K + (c < N % K);
  for (int round = 0; round < 200; round++) {
    for (size_t i = 0; i < N * K; i++) gain[i] = round % 2 ? 1e-12 * bf__random_unit(&random) : 0.0;
    for (size_t i = 0; i < N; i++) gain[i * K + bf__random_below(&random, round % 3 ? K : 3)] += 1.0;
    double best = -1.0;
    assert_int_equal(bf__best_assignment(gain, N, K, capacity, &best, NULL), BF_OK);
    assert_true(best >= 0.0 && best <= N + 1e-6);
  }
}

static void the_transport_plan_is_the_best_assignment(void **state) {
  (void)state;
  bf__random r = bf__random_of(5);
  for (int round = 0; round < 200; round++) {
    size_t n = 1 + bf__random_below(&r, 20), k = 1 + bf__random_below(&r, 6), capacity[6] = {0}, labels[20];
    double gain[20 * 6], square[20 * 20], best = 0.0;
    for (size_t i = 0; i < n * k; i++) gain[i] = round % 3 ? bf__random_unit(&r) : (double)bf__random_below(&r, 3);
    for (size_t i = 0; i < n; i++) capacity[labels[i] = bf__random_below(&r, k)]++;
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) square[i * n + j] = gain[i * k + labels[j]];
    assert_int_equal(bf__best_assignment(gain, n, k, capacity, &best, NULL), BF_OK);
    NEAR(best, oracle_assignment(square, n));
  }
}

static void singular_values_of_a_known_array(void **state) {
  (void)state;
  double columns[] = {3, 4, 0, 0, 0, 0, 6, 8, 0}, sum = 0.0; /* rank 1: length sqrt(25 + 100) */
  assert_int_equal(bf__singular_sum(columns, 3, 3, &sum, NULL), BF_OK);
  assert_true(fabs(sum - sqrt(125.0)) < 1e-13);
}

static void eigenvalues_of_a_known_matrix(void **state) {
  (void)state;
  double a[] = {2, -1, 0, -1, 2, -1, 0, -1, 2}, values[3], scratch[3];
  assert_true(bf__symmetric_eigen(a, 3, values, scratch));
  NEAR(values[0], 2.0 - M_SQRT2);
  NEAR(values[1], 2.0);
  NEAR(values[2], 2.0 + M_SQRT2);
  NEAR(fabs(a[1 * 3 + 2]), M_SQRT1_2); /* middle of the last vector (1, -sqrt 2, 1)/2 */
}

static void quantiles_and_orders_of_known_numbers(void **state) {
  (void)state;
  NEAR(bf__probit(0.5), 0.0);
  NEAR(bf__probit(0.975), 1.9599639845400542);
  NEAR(bf__probit(1e-9), -5.9978070150076869);
  NEAR(bf__normal_cdf(bf__probit(0.01)), 0.01);
  static const double A[] = {1, 2, 3, 4}, B[] = {1, 3, 2, 4}, C[] = {1, 1, 2, 2}, FLAT[] = {7, 7, 7, 7};
  double rho = 0.0;
  assert_int_equal(bf__spearman(A, B, 4, &rho, NULL), BF_OK);
  NEAR(rho, 0.8);
  assert_int_equal(bf__spearman(A, C, 4, &rho, NULL), BF_OK);
  NEAR(rho, 4.0 / sqrt(20.0));
  assert_int_equal(bf__spearman(A, FLAT, 4, &rho, NULL), BF_OK);
  assert_true(rho == 0.0);
  assert_int_equal(bf__spearman(FLAT, FLAT, 4, &rho, NULL), BF_OK);
  assert_true(rho == 1.0);
  NEAR(bf__kendall(A, B, 4), 4.0 / 6.0);
  NEAR(bf__kendall(A, C, 4), 4.0 / sqrt(6.0 * 4.0));
}

static void aline_recovers_accuracies_that_lie_on_a_line(void **state) {
  (void)state;
  /* Target and source agreements equal: slope 1, so that the accuracies come back. */
  static const int32_t X[] = {0, 0, 0, 0, 0, 0, 0, 0}, Y[] = {0, 0, 0, 0, 1, 1, 0, 0}, Z[] = {1, 0, 0, 0, 1, 1, 1, 0};
  bf_panel_model models[] = {hard("x", AB, 2, X), hard("y", AB, 2, Y), hard("z", AB, 2, Z)};
  static const double AGREEMENT[] = {1, 0.75, 0.5, 0.75, 1, 0.75, 0.5, 0.75, 1}, ACCURACY[] = {0.9, 0.8, 0.7};
  bf_panel_options options = BF_PANEL_OPTIONS_INIT;
  options.shared_agreement = AGREEMENT;
  options.shared_accuracy = ACCURACY;
  options.shared_items = 8;
  bf_panel *panel = panel_of(models, 3, 8, &options);
  bf_estimate_value values[3];
  assert_int_equal(bf_estimate(panel, "aline", values, NULL), BF_OK);
  for (size_t m = 0; m < 3; m++) NEAR(values[m].value, ACCURACY[m]);
  assert_non_null(strstr(values[0].why, "R2 of the line over 3 pairs: 1.000"));
  bf_panel_free(panel);
}

static void a_good_majority_is_found_by_every_consensus_rule(void **state) {
  (void)state;
  enum { N = 400, M = 8 };
  static int32_t votes[M][N];
  bf__random r = bf__random_of(3);
  bf_panel_model models[M];
  for (size_t m = 0; m < M; m++) {
    for (size_t i = 0; i < N; i++)
      votes[m][i] = (int32_t)(bf__random_unit(&r) < 0.95 - 0.06 * (double)m ? i % 3 : bf__random_below(&r, 3));
    models[m] = hard("m", ABC, 3, votes[m]);
  }
  bf_panel *panel = panel_of(models, M, N, NULL);
  for (size_t e = 0; bf__estimator_at(e); e++) {
    const bf_strategy_info *info = &bf__estimator_at(e)->info;
    if (strcmp(info->needs, "outputs of several models") != 0) continue;
    double values[M];
    values_of(panel, info->name, values);
    for (size_t m = 1; m < M; m++)
      if (!(values[0] > values[m])) fail_msg("%s: the best is not first", info->name);
    assert_true(values[1] > values[7]);
  }
  double trust = 0.0;
  assert_int_equal(bf_panel_trust(panel, &trust, NULL), BF_OK);
  assert_true(trust > 0.9);
  bf_panel_free(panel);
}

static void refuse(const bf_panel_model *models, size_t n_models, size_t n_items, bf_status code, const char *words) {
  bf_panel *panel = NULL;
  bf_error err = {0};
  bf_status status = bf_panel_create(models, n_models, n_items, NULL, &panel, &err);
  if (status != code || !strstr(err.message, words)) fail_msg("%s: %s", bf_status_name(status), err.message);
  assert_null(panel);
}

static void a_panel_refuses_what_makes_no_sense(void **state) {
  (void)state;
  static const int32_t X[] = {0, 1}, BAD[] = {0, 2}, WORSE[] = {-2, 0};
  static const char *const TWICE[] = {"a", "a"};
  bf_panel_model model = hard("x", AB, 2, X);
  refuse(&model, 0, 2, BF_ERR_INVALID_ARGUMENT, "at least one model");
  refuse(&model, 1, 0, BF_ERR_INVALID_ARGUMENT, "at least one item");
  refuse(&model, 10001, 2, BF_ERR_LIMIT, "10000");
  model.predicted = BAD;
  refuse(&model, 1, 2, BF_ERR_INVALID_ARGUMENT, "item 1");
  model.predicted = WORSE;
  refuse(&model, 1, 2, BF_ERR_INVALID_ARGUMENT, "item 0");
  model = hard("x", TWICE, 2, X);
  refuse(&model, 1, 2, BF_ERR_INVALID_ARGUMENT, "two classes named 'a'");
  model = hard("x", AB, 70000, X);
  refuse(&model, 1, 2, BF_ERR_LIMIT, "classes");
  model = hard("x", AB, 2, NULL);
  refuse(&model, 1, 2, BF_ERR_INVALID_ARGUMENT, "neither scores nor");
  model = hard("x", AB, 2, X);
  bf_panel *panel = panel_of(&model, 1, 2, NULL);
  bf_estimate_value value;
  assert_int_equal(bf_estimate(panel, "hist-jsd", &value, NULL), BF_ERR_NOT_FOUND);
  bf_panel_free(panel);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(confidence_entropy_and_margin_of_two_rows),
      cmocka_unit_test(energies_of_three_rows),
      cmocka_unit_test(dispersion_of_two_classes),
      cmocka_unit_test(classes_are_matched_by_name),
      cmocka_unit_test(shared_classes_leave_out_what_not_all_have),
      cmocka_unit_test(equal_scores_go_to_the_first_class_by_name),
      cmocka_unit_test(majority_and_pair_agreement_of_three),
      cmocka_unit_test(no_similar_model_weighs_more_than_a_third_of_four),
      cmocka_unit_test(clones_share_one_vote),
      cmocka_unit_test(the_transport_plan_is_the_best_assignment),
      cmocka_unit_test(a_transport_plan_among_equal_gains_ends),
      cmocka_unit_test(singular_values_of_a_known_array),
      cmocka_unit_test(eigenvalues_of_a_known_matrix),
      cmocka_unit_test(quantiles_and_orders_of_known_numbers),
      cmocka_unit_test(aline_recovers_accuracies_that_lie_on_a_line),
      cmocka_unit_test(a_good_majority_is_found_by_every_consensus_rule),
      cmocka_unit_test(a_panel_refuses_what_makes_no_sense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
