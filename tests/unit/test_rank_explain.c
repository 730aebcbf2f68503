/* Explanations: the rows of differences, suspected units, what is said of images, the match of partitions. */
#include <bestfit/search.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "make_sketch.h"

enum { D = 4, N = 1500 };
static const char *const NAMES[D] = {"distance", "energy", "pace", "heat"};

static bf_explanation *explain(const bf_sketch *source, const bf_sketch *target) {
  bf_explanation *explanation = NULL;
  bf_error err = {0};
  if (bf_explain(source, target, NULL, &explanation, &err) != BF_OK) fail_msg("%s", err.message);
  return explanation;
}

static const bf_column_difference *row_of(const bf_explanation *explanation, const char *name) {
  for (size_t i = 0; i < bf_explanation_column_count(explanation); ++i) {
    if (strcmp(bf_explanation_column(explanation, i)->name, name) == 0) return bf_explanation_column(explanation, i);
  }
  fail_msg("no row '%s'", name);
  return NULL;
}

static bool says(const bf_explanation *explanation, const char *text) {
  for (size_t i = 0; i < bf_explanation_sentence_count(explanation); ++i) {
    if (strstr(bf_explanation_sentence(explanation, i), text)) return true;
  }
  return false;
}

/* The source's rows, and other rows of the same kind with column `changed` made factor * x + offset. */
static bf_explanation *explain_changed(uint32_t changed, double factor, double offset) {
  double means[D] = {3, 0, 12, 21}, deviations[D] = {0.8, 1, 3, 4};
  float *a = make_rows(1, N, D, means, deviations), *b = make_rows(2, N, D, means, deviations);
  for (size_t i = 0; i < N; ++i) b[i * D + changed] = (float)(factor * (double)b[i * D + changed] + offset);
  bf_sketch *source = make_sketch(a, N, D, NAMES), *target = make_sketch(b, N, D, NAMES);
  bf_explanation *explanation = explain(source, target);
  bf_sketch_free(source);
  bf_sketch_free(target);
  free(a);
  free(b);
  return explanation;
}

static void check_unit(uint32_t column, double factor, double expected, const char *sentence) {
  bf_explanation *explanation = explain_changed(column, factor, 0.0);
  for (uint32_t j = 0; j < D; ++j) {
    double found = row_of(explanation, NAMES[j])->unit_factor;
    if (!(fabs(found - (j == column ? expected : 0.0)) < 1e-9)) fail_msg("%s: factor %g", NAMES[j], found);
  }
  if (sentence && strstr(bf_explanation_sentence(explanation, 0), sentence) == NULL) {
    fail_msg("'%s' does not say '%s'", bf_explanation_sentence(explanation, 0), sentence);
  }
  bf_explanation_free(explanation);
}

static void a_column_in_another_unit_is_suspected_with_its_factor(void **state) {
  (void)state;
  check_unit(0, 1000.0, 1000.0, "`distance` looks 1000 times larger: perhaps mm for m");
  check_unit(0, 0.001, 0.001, "`distance` looks 1000 times smaller");
  check_unit(2, 3.6, 3.6, "km/h for m/s");
  check_unit(2, 1.0 / 3.6, 1.0 / 3.6, "m/s for km/h");
  check_unit(2, 60.0, 60.0, "60 times larger");
  check_unit(0, 2.54, 2.54, "cm for inches");
}

static void acceleration_in_m_s2_instead_of_g_is_found_though_it_is_centred_on_zero(void **state) {
  (void)state;
  check_unit(1, 9.80665, 9.80665, "m/s2 for g");
  check_unit(1, 1.0 / 9.80665, 1.0 / 9.80665, "g for m/s2");
}

static void fahrenheit_is_found_as_an_affine_unit(void **state) {
  (void)state;
  bf_explanation *explanation = explain_changed(3, 1.8, 32.0);
  assert_true(fabs(row_of(explanation, "heat")->unit_factor - 1.8) < 1e-9);
  assert_true(says(explanation, "degrees Fahrenheit for Celsius"));
  bf_explanation_free(explanation);
}

static void a_shift_a_spread_or_equal_data_are_no_units(void **state) {
  (void)state;
  static const struct {
    uint32_t column;
    double factor, offset;
  } changes[] = {{0, 1.0, 5.0},  {1, 1.0, 3.0}, {2, 1.0, -30.0}, {1, 2.54, 0.0}, {1, 3.6, 0.0},     {2, 1.3, 0.0},
                 {0, 3.0, 40.0}, {3, 1.0, 0.0}, {3, 1.0, 20.0},  {0, 5.0, 0.0},  {1, 100.0, 5000.0}};
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; ++i) {
    bf_explanation *explanation = explain_changed(changes[i].column, changes[i].factor, changes[i].offset);
    for (uint32_t j = 0; j < D; ++j) {
      if (row_of(explanation, NAMES[j])->unit_factor != 0.0) fail_msg("change %zu: %s is suspected", i, NAMES[j]);
    }
    assert_false(says(explanation, "looks"));
    bf_explanation_free(explanation);
  }
}

static void rows_hold_means_shift_scale_and_divergence_and_fall(void **state) {
  (void)state;
  double means[D] = {3, 0, 12, 21}, deviations[D] = {0.8, 1, 3, 4};
  bf_explanation *explanation = explain_changed(1, 1.0, 2.1);
  const bf_column_difference *row = bf_explanation_column(explanation, 0);
  assert_string_equal(row->name, "energy");
  assert_true(fabs(row->shift - 2.1) < 0.1 && fabs(row->scale - 1.0) < 0.1);
  assert_true(fabs(row->source_mean) < 0.1 && fabs(row->target_mean - 2.1) < 0.1);
  assert_true(row->jsd > 0.2);
  for (size_t i = 1; i < D; ++i) {
    assert_true(bf_explanation_column(explanation, i)->jsd <= bf_explanation_column(explanation, i - 1)->jsd);
  }
  assert_true(strncmp(bf_explanation_sentence(explanation, 0), "`energy` is higher: mean 2.", 27) == 0);
  assert_true(says(explanation, "source deviations"));
  assert_true(says(explanation, "1 of 4 columns differ clearly"));
  bf_explanation_free(explanation);
  (void)means;
  (void)deviations;
}

static void constant_columns_have_defined_differences(void **state) {
  (void)state;
  double means[D] = {3, 0, 12, 21}, deviations[D] = {0, 0, 1, 1}, moved[D] = {3, 5, 12, 21};
  float *a = make_rows(1, 200, D, means, deviations), *b = make_rows(2, 200, D, moved, deviations);
  bf_sketch *source = make_sketch(a, 200, D, NAMES), *target = make_sketch(b, 200, D, NAMES);
  bf_explanation *explanation = explain(source, target);
  assert_true(row_of(explanation, "distance")->shift == 0.0);
  assert_true(row_of(explanation, "distance")->jsd == 0.0);
  assert_true(isnan(row_of(explanation, "distance")->scale));
  assert_true(row_of(explanation, "energy")->shift == 8.0);
  assert_true(row_of(explanation, "energy")->jsd > 0.5);
  bf_explanation_free(explanation);
  bf_sketch_free(source);
  bf_sketch_free(target);
  free(a);
  free(b);
}

static void constant_columns_are_said_to_be_constant(void **state) {
  (void)state;
  double means[D] = {3.25, 0, 12, 21}, deviations[D] = {0, 0, 1, 0}, moved[D] = {3.25, 5, 12, 21};
  double varying[D] = {0, 0, 0, 1};
  float *a = make_rows(1, 400, D, means, deviations), *b = make_rows(2, 90, D, moved, varying);
  bf_sketch *source = make_sketch(a, 400, D, NAMES), *target = make_sketch(b, 90, D, NAMES);
  const bf_sketch *pairs[2][2] = {{source, target}, {target, source}};
  for (int i = 0; i < 2; ++i) {
    bf_explanation *explanation = explain(pairs[i][0], pairs[i][1]);
    for (size_t j = 0; j < bf_explanation_sentence_count(explanation); ++j) {
      assert_null(
          strstr(bf_explanation_sentence(explanation, j), "`distance`")); /* constant and equal: no difference */
      assert_null(strstr(bf_explanation_sentence(explanation, j), "0 times as wide"));
    }
    assert_true(row_of(explanation, "distance")->jsd == 0.0); /* however different the numbers of rows */
    assert_true(says(explanation, "3 of 4 columns differ clearly"));
    bf_explanation_free(explanation);
  }
  for (uint32_t j = 0; j < D; ++j) means[j] = 1.0;
  free(b);
  b = make_rows(3, 90, D, means, varying);
  for (size_t i = 0; i < 90; ++i) b[i * D + 2] = 12.0F;
  bf_sketch *other = make_sketch(b, 90, D, NAMES);
  bf_explanation *explanation = explain(source, other);
  assert_true(says(explanation, "`distance` is constant in both, 1 in the target against 3.25"));
  bf_explanation_free(explanation);
  explanation = explain(other, source);
  assert_true(says(explanation, "is constant in both"));
  bf_explanation_free(explanation);
  bf_sketch_free(source);
  bf_sketch_free(target);
  bf_sketch_free(other);
  free(a);
  free(b);
}

static void columns_without_a_value_on_one_side_are_named(void **state) {
  (void)state;
  double means[D] = {3, 0, 12, 21}, deviations[D] = {1, 1, 1, 1};
  float *a = make_rows(1, 600, D, means, deviations), *b = make_rows(2, 600, D, means, deviations);
  for (size_t i = 0; i < 600; ++i) {
    b[i * D + 1] = NAN;
    if (i % 5 == 0) b[i * D + 2] = NAN;
  }
  bf_sketch *whole = make_sketch(a, 600, D, NAMES), *holes = make_sketch(b, 600, D, NAMES);
  bf_explanation *explanation = explain(whole, holes);
  assert_string_equal(bf_explanation_sentence(explanation, 0), "`energy` has no value in the target");
  assert_true(says(explanation, "`pace` is missing in 20 % of the target's rows and in 0 % of the source's"));
  assert_true(says(explanation, "the other 3 columns are distributed alike"));
  assert_false(says(explanation, "all 4 columns"));
  bf_explanation_free(explanation);
  explanation = explain(holes, whole);
  assert_string_equal(bf_explanation_sentence(explanation, 0), "`energy` has no value in the source");
  bf_explanation_free(explanation);
  bf_sketch_free(whole);
  bf_sketch_free(holes);
  free(a);
  free(b);
}

static void small_samples_of_one_distribution_are_not_said_to_differ(void **state) {
  (void)state;
  bf_sketch *source = make_normal_sketch(50, 2000, D, 1.0, 1.0, NAMES), *moved = NULL;
  static const size_t sizes[] = {1, 3, 8, 20, 49, 50, 80, 200};
  size_t told = 0, tried = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    for (uint64_t seed = 0; seed < 10; ++seed, ++tried) {
      bf_sketch *target = make_normal_sketch(60 + seed, sizes[i], D, 1.0, 1.0, NAMES);
      bf_explanation *explanation = explain(source, target);
      told += says(explanation, "source deviations") || says(explanation, "times as wide") ||
              says(explanation, "another shape") || says(explanation, "differ clearly") || says(explanation, "nan");
      bf_explanation_free(explanation);
      bf_sketch_free(target);
    }
  }
  if (told * 10 > tried) fail_msg("%zu of %zu are told to differ", told, tried);
  moved = make_normal_sketch(70, 8, D, 60.0, 1.0, NAMES); /* few rows that lie elsewhere are told */
  bf_explanation *explanation = explain(source, moved);
  assert_true(says(explanation, "is higher: mean"));
  assert_true(says(explanation, "4 of 4 columns differ clearly"));
  bf_explanation_free(explanation);
  float millimetres[12 * D];
  bf_sketch_free(moved);
  for (size_t i = 0; i < 12 * D; ++i) millimetres[i] = (float)(1000 * (10 + i % 7));
  for (size_t i = 0; i < 12 * D; ++i) millimetres[i] = i % D ? 1.0F : millimetres[i];
  moved = make_sketch(millimetres, 12, D, NAMES);
  explanation = explain(source, moved);
  assert_false(says(explanation, "by more than chance would"));
  bf_explanation_free(explanation);
  bf_sketch_free(source);
  bf_sketch_free(moved);
}

static void equal_data_are_said_to_be_alike_whatever_their_partitions(void **state) {
  (void)state;
  bf_sketch *sketch = make_normal_sketch(5, 4000, D, 1.0, 2.0, NAMES);
  bf_explanation *explanation = explain(sketch, sketch);
  size_t n_target = 0, n_source = 0;
  double threshold = 0.0;
  const double *matrix = bf_explanation_partitions(explanation, &n_target, &n_source, &threshold);
  assert_non_null(matrix);
  assert_int_equal(n_target, 8); /* 4,000 rows, 500 each */
  assert_int_equal(n_source, 8);
  assert_true(threshold == 0.002);
  assert_true(says(explanation, "all 4 columns are distributed alike"));
  bf_explanation_free(explanation);
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  options.adaptivity_threshold = 0.1;
  assert_int_equal(bf_explain(sketch, sketch, &options, &explanation, NULL), BF_OK);
  assert_true(says(explanation, "all 8 target partitions match (JS < 0.1;"));
  bf_explanation_free(explanation);
  bf_sketch_free(sketch);
}

static void partitions_without_a_match_are_counted(void **state) {
  (void)state;
  bf_sketch *source = make_normal_sketch(6, 4000, D, 0.0, 1.0, NAMES);
  float *rows = malloc(4000 * D * sizeof *rows);
  bf__random random = bf__random_of(7);
  for (size_t i = 0; i < 4000 * D; ++i) rows[i] = (float)(bf__random_unit(&random) < 0.5 ? 0.0 : 1.0);
  bf_sketch *target = make_sketch(rows, 4000, D, NAMES);
  bf_explanation *explanation = explain(source, target);
  assert_true(says(explanation, "none of 8 target partitions has a match (JS < 0.002; median of the best JS 0."));
  bf_explanation_free(explanation);
  bf_sketch_free(source);
  bf_sketch_free(target);
  free(rows);
}

static void few_rows_are_said(void **state) {
  (void)state;
  bf_sketch *source = make_normal_sketch(8, 400, D, 0.0, 1.0, NAMES),
            *target = make_normal_sketch(9, 30, D, 0.0, 1.0, NAMES);
  bf_explanation *explanation = explain(source, target);
  assert_true(says(explanation, "the target has only 30 rows"));
  bf_explanation_free(explanation);
  bf_sketch_free(source);
  bf_sketch_free(target);
}

static void images_are_told_by_brightness_contrast_and_region(void **state) {
  (void)state;
  enum { IMAGES = 120, SIDE = 12 };
  float *bright = malloc(IMAGES * SIDE * SIDE * sizeof *bright), *dark = malloc(IMAGES * SIDE * SIDE * sizeof *dark);
  bf__random random = bf__random_of(3);
  for (size_t i = 0; i < (size_t)IMAGES * SIDE * SIDE; ++i) {
    size_t row = i / SIDE % SIDE;
    bright[i] = (float)(120 + bf__random_below(&random, 80));
    dark[i] = (float)((row < 4 ? 20 : 90) + bf__random_below(&random, 20));
  }
  bf_sketch *source = make_image_sketch(bright, IMAGES, SIDE, SIDE),
            *target = make_image_sketch(dark, IMAGES, SIDE, SIDE);
  bf_explanation *explanation = explain(source, target);
  assert_int_equal(bf_explanation_column_count(explanation), 7);
  const bf_column_difference *brightness = row_of(explanation, "brightness"), *top = row_of(explanation, "top");
  assert_true(fabs(brightness->source_mean - 159.5 / 255.0) < 0.01);
  assert_true(fabs(brightness->target_mean - (29.5 + 2.0 * 99.5) / 3.0 / 255.0) < 0.01);
  assert_true(fabs(top->target_mean - 29.5 / 255.0) < 0.01);
  assert_true(fabs(row_of(explanation, "bottom")->target_mean - 99.5 / 255.0) < 0.01);
  assert_true(isnan(brightness->jsd) && brightness->shift < -2.0);
  assert_true(row_of(explanation, "contrast")->scale > 1.0);
  assert_true(says(explanation, "darker: 0.299 against 0.6"));
  assert_true(says(explanation, "the top differs most"));
  bf_explanation_free(explanation);
  bf_sketch_free(source);
  bf_sketch_free(target);
  free(bright);
  free(dark);
}

static void wide_features_are_told_by_the_numbers_of_their_columns(void **state) {
  (void)state;
  enum { WIDE = 130 };
  double means[WIDE], deviations[WIDE];
  for (int j = 0; j < WIDE; ++j) {
    means[j] = (double)j;
    deviations[j] = 1.0;
  }
  float *a = make_rows(1, 300, WIDE, means, deviations);
  means[17] = 27.0;
  float *b = make_rows(2, 300, WIDE, means, deviations);
  bf_sketch *source = make_sketch(a, 300, WIDE, NULL), *target = make_sketch(b, 300, WIDE, NULL);
  bf_explanation *explanation = explain(source, target);
  assert_int_equal(bf_explanation_column_count(explanation), 64);
  assert_string_equal(bf_explanation_column(explanation, 0)->name, "column 17");
  assert_true(fabs(bf_explanation_column(explanation, 0)->shift - 10.0) < 1.0);
  assert_true(says(explanation, "`column 17` is higher: mean 27"));
  bf_explanation_free(explanation);
  bf_sketch_free(source);
  bf_sketch_free(target);
  free(a);
  free(b);
}

static void data_without_comparable_columns_are_a_mismatch(void **state) {
  (void)state;
  static const char *const other[D] = {"p", "q", "r", "s"};
  bf_sketch *source = make_normal_sketch(1, 100, D, 0, 1, NAMES), *target = make_normal_sketch(2, 100, D, 0, 1, other);
  bf_explanation *explanation = (bf_explanation *)&source;
  bf_error err = {0};
  assert_int_equal(bf_explain(source, target, NULL, &explanation, &err), BF_ERR_MISMATCH);
  assert_null(explanation);
  assert_non_null(strstr(err.message, "'distance'"));
  bf_sketch_free(source);
  bf_sketch_free(target);
}

static void an_empty_side_gives_rows_without_a_divergence(void **state) {
  (void)state;
  bf_sketch *source = make_normal_sketch(1, 100, D, 0, 1, NAMES), *none = make_sketch(NULL, 0, D, NAMES);
  bf_explanation *explanation = explain(source, none);
  size_t n_target = 1, n_source = 1;
  assert_true(isnan(bf_explanation_column(explanation, 0)->jsd));
  assert_null(bf_explanation_partitions(explanation, &n_target, &n_source, NULL));
  assert_int_equal(n_target + n_source, 0);
  assert_int_equal(bf_explanation_sentence_count(explanation), 1);
  assert_string_equal(bf_explanation_sentence(explanation, 0), "the target has no rows");
  bf_explanation_free(explanation);
  bf_sketch_free(source);
  bf_sketch_free(none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_column_in_another_unit_is_suspected_with_its_factor),
      cmocka_unit_test(acceleration_in_m_s2_instead_of_g_is_found_though_it_is_centred_on_zero),
      cmocka_unit_test(fahrenheit_is_found_as_an_affine_unit),
      cmocka_unit_test(a_shift_a_spread_or_equal_data_are_no_units),
      cmocka_unit_test(rows_hold_means_shift_scale_and_divergence_and_fall),
      cmocka_unit_test(constant_columns_have_defined_differences),
      cmocka_unit_test(constant_columns_are_said_to_be_constant),
      cmocka_unit_test(columns_without_a_value_on_one_side_are_named),
      cmocka_unit_test(small_samples_of_one_distribution_are_not_said_to_differ),
      cmocka_unit_test(equal_data_are_said_to_be_alike_whatever_their_partitions),
      cmocka_unit_test(partitions_without_a_match_are_counted),
      cmocka_unit_test(few_rows_are_said),
      cmocka_unit_test(images_are_told_by_brightness_contrast_and_region),
      cmocka_unit_test(wide_features_are_told_by_the_numbers_of_their_columns),
      cmocka_unit_test(data_without_comparable_columns_are_a_mismatch),
      cmocka_unit_test(an_empty_side_gives_rows_without_a_divergence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
