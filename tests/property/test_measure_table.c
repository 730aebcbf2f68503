/* Walks the table of strategies: what every row promises is tried on ordinary and on hostile sketches. */
#include <bestfit/measure.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "make_sketch.h"
#include "measure/measure_internal.h"
#include "sketch/sketch_data.h"

enum { D = 6, N_SKETCHES = 12, N_TEXTS = 8 };

/* Ordinary ones first, then the odd: constant column, missing cells, outliers, few rows, one row, atoms, none. */
static bf_sketch *sketches[N_SKETCHES];
/* The same of kind text: four ordinary ones, all words kept, one row, other words, stop words only, none. */
static bf_sketch *texts[N_TEXTS];

static bf_sketch *odd_sketch(int which, size_t n) {
  double means[D] = {0, 1, 2, 3, 4, 5}, deviations[D] = {1, 1, 1, 2, 2, 0.1};
  float *rows = make_rows((uint64_t)which + 50, n, D, means, deviations);
  bf__random random = bf__random_of((uint64_t)which);
  for (size_t i = 0; i < n; ++i) {
    float *row = rows + i * D;
    if (which == 0) row[1] = 7.0F;
    if (which == 1 && bf__random_below(&random, 3) == 0) row[bf__random_below(&random, D)] = NAN;
    if (which == 1) row[4] = NAN; /* a column without a value */
    if (which == 2 && i == 5) row[0] = 3e38F;
    if (which == 2 && i == 6) row[0] = -3e38F;
    for (int j = 0; which == 3 && j < D; ++j) row[j] = (float)bf__random_below(&random, 3);
    for (int j = 0; which == 4 && j < D; ++j) row[j] *= 1e4F;
  }
  bf_sketch *sketch = make_sketch(rows, n, D, NULL);
  free(rows);
  return sketch;
}

static bf_sketch *text_sketch(uint64_t seed, size_t n, uint32_t vocabulary, uint32_t shift, uint32_t min_count) {
  char **made = make_texts(seed, n, vocabulary, shift);
  bf_sketch *sketch = make_text_sketch((const char *const *)made, n, min_count);
  free_texts(made, n);
  return sketch;
}

static void set_up_texts(void) {
  static const char *const other[] = {"alpha beta", "gamma alpha", "delta"}, *const stop[] = {"the", "and of"};
  for (uint32_t i = 0; i < 4; ++i) texts[i] = text_sketch(i + 1, 300 + 400 * i, 2000, 150 * i, 5);
  texts[4] = text_sketch(9, 200, 100, 0, 1);
  texts[5] = text_sketch(10, 1, 2000, 0, 1);
  texts[6] = make_text_sketch(other, 3, 1);
  texts[7] = make_text_sketch(stop, 2, 1);
}

static int set_up(void **state) {
  (void)state;
  set_up_texts();
  for (int i = 0; i < 4; ++i) {
    sketches[i] = make_normal_sketch((uint64_t)i + 1, 300 + 400 * (size_t)i, D, 0.4 * i, 1.0 + 0.2 * i, NULL);
  }
  for (int i = 0; i < 5; ++i) sketches[4 + i] = odd_sketch(i, 400);
  sketches[9] = odd_sketch(9, 10);
  sketches[10] = odd_sketch(10, 1);
  sketches[11] = make_sketch(NULL, 0, D, NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (int i = 0; i < N_SKETCHES; ++i) bf_sketch_free(sketches[i]);
  for (int i = 0; i < N_TEXTS; ++i) bf_sketch_free(texts[i]);
  return 0;
}

static bf_frame *frame_over(bf_sketch *const *sources, size_t n) {
  bf_frame *frame = NULL;
  bf_error err = {0};
  if (bf_frame_create((const bf_sketch *const *)sources, n, NULL, &frame, &err) != BF_OK) fail_msg("%s", err.message);
  return frame;
}

static bf_frame *frame_of(size_t n) {
  return frame_over(sketches, n);
}

static bf_prepared *prepare(const bf_frame *frame, const bf_sketch *sketch) {
  bf_prepared *prepared = NULL;
  bf_error err = {0};
  if (bf_prepared_create(frame, sketch, &prepared, &err) != BF_OK) fail_msg("%s", err.message);
  return prepared;
}

static void names_are_unique_and_rows_are_complete(void **state) {
  (void)state;
  size_t n = 0;
  for (const bf_strategy_info *info = NULL; (info = bf_strategy_at(n)); ++n) {
    const bf_strategy_info *found = NULL;
    assert_int_equal(bf_strategy_find(info->name, &found, NULL), BF_OK);
    assert_ptr_equal(found, info); /* the first of its name */
    assert_true(strlen(info->summary) > 10 && strlen(info->source) > 3 && strlen(info->when_empty) > 3 &&
                info->needs[0]);
    assert_true(strstr("data words paper baseline composite confidence consensus combined learned", info->family) !=
                NULL);
    assert_true(info->lowest < info->highest);
  }
  assert_null(bf_strategy_at(n + 100));
  for (n = 0; bf__strategy_at(n);) ++n;
  assert_int_equal(n, 21); /* measures */
}

static void an_unknown_name_is_not_found_and_near_names_are_told(void **state) {
  (void)state;
  const bf_strategy_info *found = NULL;
  bf_error err = {0};
  assert_int_equal(bf_strategy_find("hist-jds", &found, &err), BF_ERR_NOT_FOUND);
  assert_null(found);
  assert_non_null(strstr(err.message, "hist-jsd"));
  assert_int_equal(bf_strategy_find("zzzzzzzzzzzz", &found, &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "similarity")); /* nothing near: all */
}

/* Calls check for every strategy and every ordered pair, in a frame over the first `n_sources`. */
typedef void (*pair_check)(const bf_strategy_info *info, const bf_prepared *a, const bf_prepared *b);
static void each_pair_of(bf_sketch *const *all, size_t n_sources, size_t n, pair_check check) {
  bf_frame *frame = frame_over(all, n_sources);
  bf_prepared *prepared[N_SKETCHES];
  for (size_t i = 0; i < n; ++i) prepared[i] = prepare(frame, all[i]);
  for (size_t s = 0; bf__strategy_at(s); ++s) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) check(bf__strategy_at(s), prepared[i], prepared[j]);
    }
  }
  for (size_t i = 0; i < n; ++i) bf_prepared_free(prepared[i]);
  bf_frame_free(frame);
}

static void each_pair(size_t n_sources, pair_check check) {
  each_pair_of(sketches, n_sources, N_SKETCHES, check);
  each_pair_of(texts, n_sources, N_TEXTS, check);
}

static void check_range(const bf_strategy_info *info, const bf_prepared *a, const bf_prepared *b) {
  double value = -1234.5, again = 0.0;
  bf_error err = {0};
  bf_status status = bf_measure(info->name, a, b, &value, &err);
  if (status == BF_OK) {
    if (!(value >= info->lowest && value <= info->highest)) fail_msg("%s: %g is out of range", info->name, value);
    assert_int_equal(bf_measure(info->name, a, b, &again, &err), BF_OK);
    assert_true(value == again);
  } else {
    bool in_search_only = strcmp(info->family, "composite") == 0 || strcmp(info->family, "baseline") == 0;
    assert_int_equal(status, in_search_only ? BF_ERR_UNSUPPORTED : BF_ERR_NOT_APPLICABLE);
    assert_true(strlen(err.message) > 8);
    assert_true(value == -1234.5);
  }
}

static void values_lie_in_their_range_or_are_not_applicable_with_a_reason(void **state) {
  (void)state;
  each_pair(4, check_range);
  each_pair(N_TEXTS, check_range); /* odd sketches in the frame, too */
  each_pair_of(sketches, N_SKETCHES, N_SKETCHES, check_range);
}

static void check_symmetry(const bf_strategy_info *info, const bf_prepared *a, const bf_prepared *b) {
  double ab = 0.0, ba = 0.0;
  if (!info->symmetric) return;
  bf_status status = bf_measure(info->name, a, b, &ab, NULL);
  assert_int_equal(bf_measure(info->name, b, a, &ba, NULL), status);
  if (!(fabs(ab - ba) <= 1e-12 * (1.0 + fabs(ab)))) fail_msg("%s: %.17g and %.17g", info->name, ab, ba);
}

static void what_promises_symmetry_is_symmetric(void **state) {
  (void)state;
  each_pair(4, check_symmetry);
}

static void check_identity(const bf_strategy_info *info, const bf_prepared *a, const bf_prepared *b) {
  double self = 0.0, other = 0.0;
  if (bf_measure(info->name, a, a, &self, NULL) != BF_OK || bf_measure(info->name, a, b, &other, NULL) != BF_OK) return;
  if (strcmp(info->name, "word-xent") == 0)
    return; /* of a text and itself its entropy, and smoothing favours long ones */
  if (info->direction == BF_LOWER_IS_CLOSER) {
    if (!(self <= 1e-9)) fail_msg("%s of a sketch and itself: %g", info->name, self);
    assert_true(self <= other + 1e-9);
  } else if (info->highest < INFINITY) {
    assert_true(self == info->highest && self >= other);
  } else {
    assert_true(self >= 0.0); /* adaptivity cuts each side anew: its partitions need not find themselves */
  }
}

static void nothing_is_closer_than_itself(void **state) {
  (void)state;
  each_pair(4, check_identity);
}

static void an_empty_side_is_never_measured(void **state) {
  (void)state;
  bf_frame *frame = frame_of(4);
  bf_prepared *empty = prepare(frame, sketches[11]), *full = prepare(frame, sketches[0]);
  for (size_t s = 0; bf__strategy_at(s); ++s) {
    double value = 0.0;
    assert_int_not_equal(bf_measure(bf__strategy_at(s)->name, empty, full, &value, NULL), BF_OK);
    assert_int_not_equal(bf_measure(bf__strategy_at(s)->name, full, empty, &value, NULL), BF_OK);
  }
  bf_prepared_free(empty);
  bf_prepared_free(full);
  bf_frame_free(frame);
}

static void equal_input_gives_equal_bits_in_a_new_frame_and_without_wide_registers(void **state) {
  (void)state;
  double values[3][64][4];
  for (int round = 0; round < 3; ++round) {
    if (round == 2) setenv("BESTFIT_SIMD", "scalar", 1);
    bf_frame *frame = frame_of(4);
    bf_prepared *target = prepare(frame, sketches[5]);
    for (size_t i = 0; i < 4; ++i) {
      bf_prepared *source = prepare(frame, sketches[i]);
      for (size_t s = 0; bf__strategy_at(s); ++s) {
        assert_true(s < 64);
        values[round][s][i] = 0.0;
        if (bf_measure(bf__strategy_at(s)->name, source, target, &values[round][s][i], NULL) != BF_OK) continue;
        assert_memory_equal(&values[round][s][i], &values[0][s][i], sizeof(double));
      }
      bf_prepared_free(source);
    }
    bf_prepared_free(target);
    bf_frame_free(frame);
  }
  unsetenv("BESTFIT_SIMD");
}

static void the_nearer_of_two_sources_is_found_by_every_data_measure(void **state) {
  (void)state;
  bf_frame *frame = frame_of(4);
  bf_sketch *twin = make_normal_sketch(77, 900, D, 0.0, 1.0, NULL); /* as sketches[0], other rows */
  bf_prepared *near = prepare(frame, sketches[0]), *far = prepare(frame, sketches[3]), *target = prepare(frame, twin);
  for (size_t s = 0; bf__strategy_at(s); ++s) {
    double a = 0.0, b = 0.0;
    if (strcmp(bf__strategy_at(s)->family, "data") != 0) continue;
    if (strcmp(bf__strategy_at(s)->name, "soft-adaptivity") == 0)
      continue; /* partitions are min-max normalised: blind to shifts */
    assert_int_equal(bf_measure(bf__strategy_at(s)->name, near, target, &a, NULL), BF_OK);
    assert_int_equal(bf_measure(bf__strategy_at(s)->name, far, target, &b, NULL), BF_OK);
    if (!(a < b)) fail_msg("%s: %g is not below %g", bf__strategy_at(s)->name, a, b);
  }
  bf_prepared_free(near);
  bf_prepared_free(far);
  bf_prepared_free(target);
  bf_frame_free(frame);
  bf_sketch_free(twin);
}

static void different_frames_do_not_mix(void **state) {
  (void)state;
  bf_frame *one = frame_of(2), *two = frame_of(3);
  bf_prepared *a = prepare(one, sketches[0]), *b = prepare(two, sketches[1]);
  double value = 0.0;
  assert_int_equal(bf_measure("hist-jsd", a, b, &value, NULL), BF_ERR_INVALID_ARGUMENT);
  bf_prepared_free(a);
  bf_prepared_free(b);
  bf_frame_free(one);
  bf_frame_free(two);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_unique_and_rows_are_complete),
      cmocka_unit_test(an_unknown_name_is_not_found_and_near_names_are_told),
      cmocka_unit_test(values_lie_in_their_range_or_are_not_applicable_with_a_reason),
      cmocka_unit_test(what_promises_symmetry_is_symmetric),
      cmocka_unit_test(nothing_is_closer_than_itself),
      cmocka_unit_test(an_empty_side_is_never_measured),
      cmocka_unit_test(equal_input_gives_equal_bits_in_a_new_frame_and_without_wide_registers),
      cmocka_unit_test(the_nearer_of_two_sources_is_found_by_every_data_measure),
      cmocka_unit_test(different_frames_do_not_mix),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
