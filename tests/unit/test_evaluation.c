/* bf_evaluate: exact values, items without labels or answers, intervals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bestfit/evaluation.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define assert_near(a, b, by) assert_true(fabs((a) - (b)) <= (by))

static const char *const CLASSES[] = {"a", "b", "c"};

static bf_evaluation *evaluate(float *scores, size_t n, bool are_logits, const int32_t *truth, double temperature) {
  bf_outputs outputs = {.n_items = n, .n_classes = 3, .scores = scores, .are_logits = are_logits};
  bf_evaluation *e = NULL;
  bf_error err = {0};
  if (bf_evaluate(&outputs, CLASSES, truth, temperature, 0, &e, &err) != BF_OK) fail_msg("%s", err.message);
  return e;
}

static void counts_and_shares_are_exact(void **state) {
  (void)state;
  float scores[] = {.8f, .1f, .1f, .2f, .7f, .1f, .6f, .3f, .1f, .1f, .2f, .7f, .5f, .25f, .25f};
  const int32_t truth[] = {0, 1, 1, 2, -2}; /* predicted 0 1 0 2 0; the last label is not the model's */
  bf_evaluation *e = evaluate(scores, 5, false, truth, 1.0);
  assert_int_equal(e->n_items, 5);
  assert_int_equal(e->n_foreign, 1);
  assert_near(e->accuracy, 0.6, 1e-12);
  assert_int_equal(e->confusion[0], 1);
  assert_int_equal(e->confusion[3], 1);
  assert_int_equal(e->confusion[4], 1);
  assert_int_equal(e->confusion[8], 1);
  assert_int_equal(e->classes[0].n_predicted, 3);
  assert_near(e->classes[0].precision, 1.0 / 3.0, 1e-12);
  assert_near(e->classes[1].recall, 0.5, 1e-12);
  /* F1: a 2/(1+3), b 2/(2+1), c 1 */
  assert_near(e->macro_f1, (0.5 + 2.0 / 3.0 + 1.0) / 3.0, 1e-12);
  assert_true(e->macro_f1_low <= e->macro_f1 && e->macro_f1 <= e->macro_f1_high);
  /* confidences .8 right, .7 right, .6 wrong, .7 right, .5 wrong: bins of 1/15 hold {.8}, {.7, .7}, {.6}, {.5} */
  assert_near(e->calibration_error, (0.2 + 0.6 + 0.6 + 0.5) / 5.0, 1e-6);
  assert_near(e->mean_confidence, 3.3 / 5.0, 1e-6);
  bf_evaluation_free(e);
}

static void wilson_interval_of_a_known_case(void **state) {
  (void)state;
  /* 3 of 5: Wilson 95 % is 0.2307 to 0.8824 */
  float scores[] = {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0};
  const int32_t truth[] = {0, 0, 0, 1, 1};
  bf_evaluation *e = evaluate(scores, 5, true, truth, 1.0);
  assert_near(e->accuracy_low, 0.2307, 5e-5);
  assert_near(e->accuracy_high, 0.8824, 5e-5);
  bf_evaluation_free(e);
}

static void items_without_label_are_left_out_and_without_answer_are_errors(void **state) {
  (void)state;
  float scores[] = {1, 0, 0, NAN, 0, 0, 0, INFINITY, 0, 1, 0, 0};
  const int32_t truth[] = {0, 0, 1, -1};
  bf_evaluation *e = evaluate(scores, 4, true, truth, 1.0);
  assert_int_equal(e->n_items, 3);
  assert_int_equal(e->n_unlabelled, 1);
  assert_int_equal(e->n_unanswered, 2);
  assert_near(e->accuracy, 1.0 / 3.0, 1e-12);
  assert_int_equal(e->classes[0].n_true, 2);
  assert_near(e->classes[0].recall, 0.5, 1e-12);
  bf_evaluation_free(e);
}

static void temperature_changes_confidence_and_not_the_class(void **state) {
  (void)state;
  float scores[] = {2, 1, 0};
  bf_outputs logits = {.n_items = 1, .n_classes = 3, .scores = scores, .are_logits = true};
  double p[3], q[3];
  int32_t predicted = -1;
  assert_true(bf_outputs_probabilities(&logits, 0, 2.0, p, &predicted));
  assert_int_equal(predicted, 0);
  assert_near(p[0], 1.0 / (1.0 + exp(-0.5) + exp(-1.0)), 1e-12);
  /* probabilities at T = 2 are what their logarithms give as logits */
  float shares[] = {.7f, .2f, .1f};
  bf_outputs probabilities = {.n_items = 1, .n_classes = 3, .scores = shares};
  assert_true(bf_outputs_probabilities(&probabilities, 0, 2.0, q, NULL));
  assert_near(q[0], sqrt(.7) / (sqrt(.7) + sqrt(.2) + sqrt(.1)), 1e-7);
}

static void no_label_is_not_applicable(void **state) {
  (void)state;
  float scores[] = {1, 0, 0};
  const int32_t truth[] = {-1};
  bf_outputs outputs = {.n_items = 1, .n_classes = 3, .scores = scores};
  bf_evaluation *e = NULL;
  assert_int_equal(bf_evaluate(&outputs, CLASSES, truth, 1.0, 0, &e, NULL), BF_ERR_NOT_APPLICABLE);
  assert_null(e);
}

/* The interval of macro-F1 covers the value of the whole population in about 95 % of samples. */
static void the_bootstrap_interval_of_macro_f1_covers(void **state) {
  (void)state;
  static const double share[3][3] = {{.35, .04, .01}, {.06, .2, .04}, {.02, .08, .2}};
  double f1 = 0;
  for (int c = 0; c < 3; c++) {
    double n = 0;
    for (int k = 0; k < 3; k++) n += share[c][k] + share[k][c];
    f1 += 2 * share[c][c] / n / 3;
  }
  bf__random random = bf__random_of(5);
  int covered = 0;
  enum { TRIALS = 300, ITEMS = 200 };
  for (int t = 0; t < TRIALS; t++) {
    float scores[3 * ITEMS] = {0};
    int32_t truth[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
      double u = bf__random_unit(&random);
      int cell = 0;
      while (cell < 8 && (u -= share[cell / 3][cell % 3]) > 0) cell++;
      truth[i] = cell / 3;
      scores[3 * i + cell % 3] = 1;
    }
    bf_evaluation *e = evaluate(scores, ITEMS, true, truth, 1.0);
    covered += e->macro_f1_low <= f1 && f1 <= e->macro_f1_high;
    bf_evaluation_free(e);
  }
  assert_in_range(covered, TRIALS * 90 / 100, TRIALS * 99 / 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_and_shares_are_exact),
      cmocka_unit_test(wilson_interval_of_a_known_case),
      cmocka_unit_test(items_without_label_are_left_out_and_without_answer_are_errors),
      cmocka_unit_test(temperature_changes_confidence_and_not_the_class),
      cmocka_unit_test(no_label_is_not_applicable),
      cmocka_unit_test(the_bootstrap_interval_of_macro_f1_covers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
