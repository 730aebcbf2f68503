/* Calibration: numbers worked out by hand, the naive fit again, its JSON and what is wrong with it. */
/* clang-format off */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <bestfit/estimate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "estimate/estimate_internal.h"
#include "estimate_oracle.h"

static const char *const TWO[] = {"cat", "dog"};

static bf_calibration *fit(const bf_outputs *outputs, const char *const *classes, const int32_t *truth) {
  bf_calibration *c = NULL;
  bf_error err = {0};
  if (bf_calibration_fit(outputs, classes, truth, &c, &err) != BF_OK) fail_msg("%s", err.message);
  return c;
}

/* Five items, four labelled; the fourth has a label that the model lacks. */
static bf_calibration *small(void) {
  static float scores[] = {2, 0, 0, 1, 3, 0, 0, 4, 9, 9};
  static const int32_t TRUTH[] = {0, 0, 0, -2, -1};
  return fit(&(bf_outputs){.n_items = 5, .n_classes = 2, .scores = scores, .are_logits = true}, TWO, TRUTH);
}

static void accuracy_counts_labels_that_the_model_lacks_as_errors(void **state) {
  (void)state;
  bf_calibration *c = small();
  assert_int_equal(c->n_items, 4);
  assert_true(c->accuracy == 0.5);
  assert_int_equal(c->class_counts[0], 3);
  assert_int_equal(c->class_counts[1], 0);
  assert_true(c->prior[0] == 1.0 && c->prior[1] == 0.0);
  assert_int_equal(c->confusion[0], 2); /* cat, cat */
  assert_int_equal(c->confusion[1], 1); /* cat, dog */
  assert_int_equal(c->confusion[2] + c->confusion[3], 0);
  assert_true(fabs(c->macro_f1 - 0.5 * (2.0 * 2 / (3 + 2))) < 1e-15); /* cat 0.8, dog 0 */
  bf_calibration_free(c);
}

static void thresholds_leave_as_many_below_as_answers_are_wrong(void **state) {
  (void)state;
  bf_calibration *c = small();
  /* confidences by rising logit gap 1 (wrong), 2, 3, 4 (wrong): two errors, so the third smallest */
  double p = 1.0 / (1.0 + exp(-3.0 / c->temperature));
  assert_true(fabs(c->atc_threshold - p) < 1e-15);
  assert_true(fabs(c->atc_entropy_threshold - (p * log(p) + (1 - p) * log(1 - p))) < 1e-15);
  double mean = 0.0;
  for (int gap = 1; gap <= 4; gap++) mean += 0.25 / (1.0 + exp(-gap / c->temperature));
  assert_true(fabs(c->mean_confidence - mean) < 1e-15);
  /* right 0 1 1 0 pools to 0, 2/3 */
  assert_int_equal(c->n_steps, 2);
  assert_true(c->step_accuracy[0] == 0.0 && fabs(c->step_accuracy[1] - 2.0 / 3.0) < 1e-15);
  assert_true(fabs(c->step_confidence[1] - 1.0 / (1.0 + exp(-2.0 / c->temperature))) < 1e-15);
  assert_true(bf__isotonic_at(c, 0.0) == 0.0); /* below the first step */
  assert_true(bf__isotonic_at(c, c->step_confidence[1]) == c->step_accuracy[1]);
  assert_true(bf__isotonic_at(c, nextafter(c->step_confidence[1], 0.0)) == 0.0);
  bf_calibration_free(c);
}

static void a_model_that_is_always_wrong_has_a_threshold_above_all(void **state) {
  (void)state;
  float scores[] = {2, 0, 3, 0};
  static const int32_t TRUTH[] = {1, 1};
  bf_calibration *c =
      fit(&(bf_outputs){.n_items = 2, .n_classes = 2, .scores = scores, .are_logits = true}, TWO, TRUTH);
  assert_true(c->accuracy == 0.0 && c->temperature == 8.0);
  assert_true(c->atc_threshold > 1.0 / (1.0 + exp(-3.0 / 8.0)));
  bf_calibration_free(c);
}

static void a_random_fit_equals_the_naive_one(void **state) {
  (void)state;
  static const char *const NAMES[] = {"a", "b", "c", "d", "e"};
  for (uint64_t seed = 1; seed <= 12; seed++) {
    bf__random r = bf__random_of(seed);
    size_t n = 5 + 10 * seed, k = 1 + seed % 5;
    float *scores = calloc(n * k, sizeof *scores);
    int32_t *truth = calloc(n, sizeof *truth);
    bool are_logits = seed % 2 == 0;
    for (size_t i = 0; i < n; i++) {
      truth[i] = (int32_t)bf__random_below(&r, k + 2) - 2;
      for (size_t c = 0; c < k; c++) {
        double z = 2.0 * bf__random_normal(&r) + ((int32_t)c == truth[i] ? 1.5 : 0.0);
        scores[i * k + c] = (float)(are_logits ? z : exp(z));
      }
      if (bf__random_unit(&r) < 0.1) scores[i * k] = NAN;
    }
    bf_outputs outputs = {.n_items = n, .n_classes = k, .scores = scores, .are_logits = are_logits};
    static oracle_calibration naive;
    bf_calibration *c = fit(&outputs, NAMES, truth);
    oracle_calibrate(&outputs, truth, &naive);
    assert_true(fabs(c->accuracy - naive.accuracy) < 1e-12 && fabs(c->macro_f1 - naive.macro_f1) < 1e-12);
    assert_true(fabs(c->temperature - naive.temperature) < 1e-12);
    assert_true(fabs(c->mean_confidence - naive.mean_confidence) < 1e-9);
    assert_true(fabs(c->atc_threshold - naive.atc_threshold) < 1e-9);
    assert_true(fabs(c->atc_entropy_threshold - naive.atc_entropy_threshold) < 1e-9);
    assert_int_equal(c->n_steps, naive.n_steps);
    for (size_t s = 0; s < c->n_steps; s++) {
      assert_true(fabs(c->step_confidence[s] - naive.step_confidence[s]) < 1e-9);
      assert_true(fabs(c->step_accuracy[s] - naive.step_accuracy[s]) < 1e-9);
    }
    bf_calibration_free(c);
    free(scores);
    free(truth);
  }
}

static void what_cannot_be_fitted_says_why(void **state) {
  (void)state;
  float scores[] = {1, 0, NAN, 0};
  static const int32_t NONE[] = {-1, -1}, SECOND[] = {-1, 0}, WRONG[] = {0, 2};
  bf_outputs outputs = {.n_items = 2, .n_classes = 2, .scores = scores, .are_logits = true};
  bf_calibration *c = NULL;
  bf_error err = {0};
  assert_int_equal(bf_calibration_fit(&outputs, TWO, NONE, &c, &err), BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "label"));
  assert_int_equal(bf_calibration_fit(&outputs, TWO, SECOND, &c, &err), BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "finite"));
  assert_int_equal(bf_calibration_fit(&outputs, TWO, WRONG, &c, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(err.position, 1);
  assert_null(c);
}

static void json_comes_back_to_the_bit(void **state) {
  (void)state;
  bf_calibration *c = small(), *again = NULL;
  char *text = NULL, *second = NULL;
  assert_int_equal(bf_calibration_encode(c, &text, NULL), BF_OK);
  assert_int_equal(bf_calibration_decode(text, strlen(text), &again, NULL), BF_OK);
  assert_memory_equal(&again->temperature, &c->temperature, sizeof c->temperature);
  assert_memory_equal(&again->atc_threshold, &c->atc_threshold, sizeof c->atc_threshold);
  assert_memory_equal(&again->atc_entropy_threshold, &c->atc_entropy_threshold, sizeof c->atc_threshold);
  assert_memory_equal(again->prior, c->prior, 2 * sizeof *c->prior);
  assert_memory_equal(again->confusion, c->confusion, 4 * sizeof *c->confusion);
  assert_memory_equal(again->step_confidence, c->step_confidence, c->n_steps * sizeof *c->step_confidence);
  assert_string_equal(again->classes[1], "dog");
  assert_int_equal(bf_calibration_encode(again, &second, NULL), BF_OK);
  assert_string_equal(text, second);
  free(text);
  free(second);
  bf_calibration_free(c);
  bf_calibration_free(again);
}

static const char VALID[] =
    "{\"version\":1,\"items\":4,\"classes\":[\"cat\",\"dog\"],\"accuracy\":0.5,\"macro_f1\":0.4,\"temperature\":1.5,"
    "\"mean_confidence\":0.8,\"atc_threshold\":0.7,\"atc_entropy_threshold\":-0.3,\"class_counts\":[3,0],"
    "\"confusion\":[[0,0,2],[0,1,1]],\"step_confidence\":[0.5,0.6],\"step_accuracy\":[0.0,1.0]}";

/* VALID with one part replaced; the message must contain the key. */
static void refuse(const char *part, const char *instead, const char *key) {
  char text[1024];
  const char *at = strstr(VALID, part);
  assert_non_null(at);
  snprintf(text, sizeof text, "%.*s%s%s", (int)(at - VALID), VALID, instead, at + strlen(part));
  bf_calibration *c = NULL;
  bf_error err = {0};
  bf_status status = bf_calibration_decode(text, strlen(text), &c, &err);
  if (status != BF_ERR_FORMAT || !strstr(err.message, key)) fail_msg("%s: %d %s", instead, (int)status, err.message);
  assert_null(c);
}

static void damaged_json_is_refused_by_its_key(void **state) {
  (void)state;
  bf_calibration *c = NULL;
  bf_error err = {0};
  assert_int_equal(bf_calibration_decode(VALID, strlen(VALID), &c, &err), BF_OK);
  assert_int_equal(c->confusion[1], 1);
  bf_calibration_free(c);
  refuse("\"version\":1", "\"version\":2", "version");
  refuse("\"version\":1,", "", "version");
  refuse("\"items\":4", "\"items\":-4", "items");
  refuse("[\"cat\",\"dog\"]", "[]", "classes");
  refuse("[\"cat\",\"dog\"]", "[\"cat\",7]", "classes");
  refuse("[\"cat\",\"dog\"]", "[\"cat\"]", "class_counts");
  refuse("0.5,\"macro", "1.5,\"macro", "accuracy");
  refuse("\"temperature\":1.5", "\"temperature\":0", "temperature");
  refuse("\"temperature\":1.5", "\"temperature\":1e999", "JSON");
  refuse("[3,0]", "[3,0.5]", "class_counts");
  refuse("[0,1,1]", "[0,2,1]", "confusion");
  refuse("[0,1,1]", "[0,1]", "confusion");
  refuse("[0.5,0.6]", "[0.6,0.5]", "step_confidence");
  refuse("[0.5,0.6]", "[0.5]", "step_accuracy");
  refuse("[0.0,1.0]", "[0.0,1.5]", "step_accuracy");
  refuse("{", "[", "JSON");
  char *large = malloc(((size_t)8 << 20) + 1);
  memset(large, ' ', ((size_t)8 << 20) + 1);
  assert_int_equal(bf_calibration_decode(large, ((size_t)8 << 20) + 1, &c, &err), BF_ERR_LIMIT);
  free(large);
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state) {
  (void)state;
  float scores[] = {2, 0, 0, 1, 3, 0};
  static const int32_t TRUTH[] = {0, 1, 1};
  bf_outputs outputs = {.n_items = 3, .n_classes = 2, .scores = scores, .are_logits = true};
  bf_status status = BF_ERR_MEMORY;
  long n = 1;
  for (; status == BF_ERR_MEMORY && n < 100; n++) {
    bf_calibration *c = NULL, *again = NULL;
    bf__alloc_fail_at(n);
    status = bf_calibration_fit(&outputs, TWO, TRUTH, &c, NULL);
    if (status == BF_OK) status = bf_calibration_decode(VALID, strlen(VALID), &again, NULL);
    bf__alloc_fail_at(0);
    bf_calibration_free(c);
    bf_calibration_free(again);
  }
  assert_int_equal(status, BF_OK);
  assert_true(n > 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(accuracy_counts_labels_that_the_model_lacks_as_errors),
      cmocka_unit_test(thresholds_leave_as_many_below_as_answers_are_wrong),
      cmocka_unit_test(a_model_that_is_always_wrong_has_a_threshold_above_all),
      cmocka_unit_test(a_random_fit_equals_the_naive_one),
      cmocka_unit_test(what_cannot_be_fitted_says_why),
      cmocka_unit_test(json_comes_back_to_the_bit),
      cmocka_unit_test(damaged_json_is_refused_by_its_key),
      cmocka_unit_test(a_failing_allocation_is_an_error_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
