/* Columns of features and series: which column goes where, and what becomes of its cells. */
#include <math.h>

#include "dataset_testing.h"
#include "memory_sink.h"

/* Six columns, three rows; row 1 misses two cells. */
static const char *const names[] = {"age", "size", "extra", "level", "weight", "rate"};
static const float cells[] = {10, 20, 30, 40, 50, 60, NAN, 2, 3, 4, NAN, 6, -1, -2, -3, -4, -5, -6};
static const bf_schema named = {.kind = BF_KIND_FEATURES, .n_columns = 6, .column_names = names};
static const bf_schema numbered = {.kind = BF_KIND_FEATURES, .n_columns = 6};
static const bf_batch numbers = {.n_rows = 3, .n_columns = 6, .cells = cells};

static bf__featuriser *made(const char *input, const char *const *ports, size_t n_ports) {
  bf__featuriser *f = NULL;
  bf_error err;
  if (featuriser_of(input, ports, n_ports, NULL, &f, &err) != BF_OK)
    fail_msg("%s: %s", input ? input : "", err.message);
  return f;
}

static bf_status fill(bf__featuriser *f, const bf_schema *schema, const bf_batch *batch, size_t first, size_t n,
                      size_t padded, memory_sink *memory, bf_error *err) {
  const bf__sink sink = memory_sink_of(memory);
  return bf__featuriser_fill(f, schema, batch, first, n, padded, &sink, err);
}

static void expect(const memory_sink *memory, size_t input, const double *expected, size_t n) {
  assert_int_equal(memory->n[input], n);
  for (size_t i = 0; i < n; i++) {
    const double got = memory_sink_at(memory, input, i);
    if (!(fabs(got - expected[i]) <= 1e-6) && !(isnan(got) && isnan(expected[i])))
      fail_msg("element %zu is %g instead of %g", i, got, expected[i]);
  }
}

static void check(const char *input, const char *port, const bf_schema *schema, const double *expected, size_t n) {
  memory_sink memory = {0};
  bf_error err;
  bf__featuriser *f = made(input, &port, 1);
  assert_int_equal(bf__featuriser_kind(f), BF_KIND_FEATURES);
  if (fill(f, schema, &numbers, 0, 3, 4, &memory, &err) != BF_OK) fail_msg("%s", err.message);
  assert_int_equal(memory.dims[0][0], 4);
  expect(&memory, 0, expected, n);
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
}

static void refuse(const char *input, const char *port, const bf_schema *schema, bf_status code, const char *message) {
  memory_sink memory = {0};
  bf_error err;
  bf__featuriser *f = made(input, &port, 1);
  const bf_status status = fill(f, schema, &numbers, 0, 3, 3, &memory, &err);
  if (status != code || !strstr(err.message, message)) fail_msg("%d: %s", status, err.message);
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
}

static void columns_are_found_by_name_scaled_and_padded_with_zero_rows(void **state) {
  (void)state;
  const double plain[] = {50, 10, 0, 0, -5, -1, 0, 0};
  check("{kind: features, columns: [weight, age]}", "x:float32:-1,2", &named, plain, 8);
  check("{columns: [weight, age]}", "x:float64:-1,-1", &named, plain, 8);
  const double scaled[] = {(25 - 5) / 10.0, (5 - 1) / 2.0, 0, 0, (-2.5 - 5) / 10, (-0.5 - 1) / 2, 0, 0};
  check("{columns: [weight, age], scale: 0.5, mean: [5, 1], std: [10, 2]}", "x:float32:-1,2", &named, scaled, 8);
  const double clipped[] = {1.5, 1.5, -1.5, -1.5, -1.5, -1, 0, 0};
  check("{columns: [weight, age], clip: 1.5, missing: -9}", "x:float32:-1,2", &named, clipped, 8);
  const double filled[] = {49, 9, 6, 6, -6, -2, 0, 0};
  check("{columns: [weight, age], mean: 1, missing: 7}", "x:float32:-1,2", &named, filled, 8);
  const double missing[] = {50, 10, NAN, NAN, -5, -1, 0, 0};
  check("{columns: [weight, age], missing: nan}", "x:float32:-1,2", &named, missing, 8);
}

static void columns_are_taken_by_position_where_a_side_has_no_names(void **state) {
  (void)state;
  double all[24] = {0};
  for (size_t i = 0; i < 18; i++) all[i] = isnan(cells[i]) ? 0 : (double)cells[i];
  check(NULL, "x:float32:-1,6", &named, all, 24);
  check("{kind: features}", "x:float32:-1,-1", &numbered, all, 24);
  check("{columns: [f, e, d, c, b, a]}", "x:float32:-1,6", &numbered, all, 24);
  check("{kind: features}", "x:float32:-1,2,3", &numbered, all, 24); /* reshaped */
  refuse("{columns: [a, b]}", "x:float32:-1,2", &numbered, BF_ERR_MISMATCH, "2 columns of numbers, these rows have 6");
  refuse("{kind: features}", "x:float32:-1,5", &named, BF_ERR_MISMATCH, "bestfit.input.columns");
}

static void integers_are_rounded_and_clamped(void **state) {
  (void)state;
  const double rounded[] = {5, 0, 0, 0}, bytes[] = {255, 2, 0, 0}, flags[] = {1, 0, 1, 0};
  check("{columns: [age], scale: 0.46}", "x:int64:-1,1", &named, rounded, 4);
  check("{columns: [age], scale: 0.46}", "x:int32:-1", &named, rounded, 4);
  check("{columns: [age], scale: 30, missing: 0.07}", "x:uint8:-1,1", &named, bytes, 4);
  check("{columns: [age]}", "x:bool:-1,1", &named, flags, 4);
  const double most[] = {0x1.fffffffffffffp62, 0, -0x1p63, 0};
  check("{columns: [age], scale: 1.0e+30}", "x:int64:-1,1", &named, most, 4);
}

static void a_missing_column_is_named_and_extra_ones_are_ignored(void **state) {
  (void)state;
  refuse("{columns: [age, height]}", "x:float32:-1,2", &named, BF_ERR_MISMATCH, "\"height\"");
  const bf_schema image = {.kind = BF_KIND_IMAGE};
  refuse("{columns: [age]}", "x:float32:-1,1", &image, BF_ERR_MISMATCH, "kind features; these are of the kind image");
  const bf_schema lying = {.kind = BF_KIND_FEATURES, .n_columns = 7};
  refuse("{columns: [age]}", "x:float32:-1,1", &lying, BF_ERR_INVALID_ARGUMENT, "7 columns");
}

/* ---- several inputs ---- */

static const bf_field strings[] = {
    {{"job", 3}, {"clerk", 5}}, {{"city", 4}, {"Rome", 4}}, {{"job", 3}, {NULL, 0}},
    {{"city", 4}, {"Wien", 4}}, {{"job", 3}, {"", 0}},      {{"city", 4}, {"Oslo", 4}},
};
static const bf_batch mixed = {.n_rows = 3, .n_columns = 6, .cells = cells, .strings = strings, .n_string_columns = 2};

static void several_inputs_take_numbers_and_text_by_name(void **state) {
  (void)state;
  static const char *const ports[] = {"city:string:-1,1", "age:int64:-1,1", "rest:float32:-1,2", "job:string:-1"};
  memory_sink memory = {0};
  bf_error err;
  bf__featuriser *f = made(
      "{inputs: [{name: rest, columns: [rate, weight]}, {name: age}, {name: city}, {name: job}], "
      "mean: [60, 10, 0, 0, 0]}",
      ports, 4);
  for (size_t first = 0; first < 2; first++) {
    assert_int_equal(fill(f, &named, &mixed, first, 2, 3, &memory, &err), BF_OK);
    assert_string_equal(memory.strings[0][0], first ? "Wien" : "Rome");
    assert_string_equal(memory.strings[0][2], "");
    assert_int_equal(memory.n_dims[0], 2);
    assert_string_equal(memory.strings[3][0], first ? "" : "clerk");
    assert_string_equal(memory.strings[3][1], "");
    assert_int_equal(memory.n_dims[3], 1);
    assert_true(memory_sink_at(&memory, 1, 1 - first) == 0);
    assert_true(memory_sink_at(&memory, 2, 0) == (first ? -54 : 0)); /* rate less its mean */
  }
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
}

static void inputs_of_scikit_learns_exports_are_columns_by_their_names(void **state) {
  (void)state;
  static const char *const ports[] = {"job:string:-1,1", "age:float32:-1,1"};
  memory_sink memory = {0};
  bf_error err;
  bf__featuriser *f = made(NULL, ports, 2);
  assert_int_equal(fill(f, &named, &mixed, 0, 1, 1, &memory, &err), BF_OK);
  assert_string_equal(memory.strings[0][0], "clerk");
  assert_true(memory_sink_at(&memory, 1, 0) == 10);
  assert_int_equal(fill(f, &named, &numbers, 0, 1, 1, &memory, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "\"job\""));
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
  static const char *const swapped[] = {"age:string:-1,1", "job:float32:-1,1"};
  f = made(NULL, swapped, 2);
  assert_int_equal(fill(f, &named, &mixed, 0, 1, 1, &memory, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "\"age\" holds numbers; the model takes text"));
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
  static const char *const renamed[] = {"input_a:float32:-1,1", "input_b:string:-1,1"};
  f = made("{kind: features, columns: [size, city]}", renamed, 2);
  assert_int_equal(fill(f, &named, &mixed, 1, 1, 1, &memory, &err), BF_OK);
  assert_true(memory_sink_at(&memory, 0, 0) == 2);
  assert_string_equal(memory.strings[1][0], "Wien");
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
}

static void rows_come_from_a_dataset_with_its_schema(void **state) {
  (void)state;
  bf_dataset *d = NULL;
  bf_error err;
  bf_schema schema;
  bf_batch batch;
  memory_sink memory = {0};
  const char *port = "x:float32:-1,2";
  assert_int_equal(
      bf_dataset_open(put_text("a.csv", "b,word,a,class\n1,u,2,x\n3,v,4,y\n"), OPTIONS(.label = "class"), &d, &err),
      BF_OK);
  assert_int_equal(bf_dataset_next(d, &batch, &err), BF_OK);
  bf_dataset_schema(d, &schema);
  assert_int_equal(schema.kind, BF_KIND_FEATURES);
  assert_int_equal(schema.n_columns, 2);
  assert_string_equal(schema.column_names[1], "a");
  assert_int_equal(schema.n_labels, 2);
  assert_string_equal(schema.label_names[1], "y");
  assert_true(schema.range_max == 0);
  bf__featuriser *f = made("{columns: [a, b]}", &port, 1);
  assert_int_equal(fill(f, &schema, &batch, 0, 2, 2, &memory, &err), BF_OK);
  expect(&memory, 0, (const double[]){2, 1, 4, 3}, 4);
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
  bf_dataset_close(d);
}

/* ---- series ---- */

static const float waves[] = {1, 10, 2, 20, 3, NAN, 4, 40, 5, 50, 6, 60}; /* two rows of three steps, two channels */
static const bf_schema series = {.kind = BF_KIND_SERIES, .n_columns = 6};
static const bf_batch two_waves = {.n_rows = 2, .n_columns = 6, .cells = waves, .n_steps = 3, .n_channels = 2};

static void check_series(const char *input, const char *port, const double *expected, uint32_t n_dims) {
  memory_sink memory = {0};
  bf_error err;
  bf__featuriser *f = made(input, &port, 1);
  if (fill(f, &series, &two_waves, 0, 2, 3, &memory, &err) != BF_OK) fail_msg("%s", err.message);
  assert_int_equal(memory.n_dims[0], n_dims);
  expect(&memory, 0, expected, 18);
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
}

static void series_are_laid_out_and_scaled_per_channel(void **state) {
  (void)state;
  const double as_is[18] = {1, 10, 2, 20, 3, 0, 4, 40, 5, 50, 6, 60};
  check_series("{kind: series}", "x:float32:-1,3,2", as_is, 3);
  check_series("{kind: series, shape: [3, 2]}", "x:float64:-1,-1,-1", as_is, 3);
  check_series("{kind: series}", "x:float32:-1,6", as_is, 2);
  const double turned[18] = {0, 1, 2, 0, 1, 0, 3, 4, 5, 3, 4, 5};
  check_series("{kind: series, layout: NCT, mean: [1, 10], std: [1, 10]}", "x:float32:-1,2,3", turned, 3);
  static const char *const fixed[] = {"x:float32:-1,4,2"};
  memory_sink memory = {0};
  bf_error err;
  bf__featuriser *f = made("{kind: series}", fixed, 1);
  assert_int_equal(fill(f, &series, &two_waves, 0, 2, 2, &memory, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "4 steps and 2 channels (0: any); these have 3 and 2"));
  bf__featuriser_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_are_found_by_name_scaled_and_padded_with_zero_rows),
      cmocka_unit_test(columns_are_taken_by_position_where_a_side_has_no_names),
      cmocka_unit_test(integers_are_rounded_and_clamped),
      cmocka_unit_test(a_missing_column_is_named_and_extra_ones_are_ignored),
      cmocka_unit_test(several_inputs_take_numbers_and_text_by_name),
      cmocka_unit_test(inputs_of_scikit_learns_exports_are_columns_by_their_names),
      cmocka_unit_test(rows_come_from_a_dataset_with_its_schema),
      cmocka_unit_test(series_are_laid_out_and_scaled_per_channel),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
