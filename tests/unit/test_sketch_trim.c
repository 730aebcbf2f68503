/* What min_count leaves out, and columns taken like those of another sketch. */
#include <stdio.h>

#include "sketch/extremes.h"
#include "sketch/partition.h"
#include "sketch_testing.h"

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void the_nth_values_are_those_of_a_sorted_list(void **state) {
  (void)state;
  for (uint32_t limit = 1; limit <= BF__MAX_MIN_COUNT; limit += 21) {
    for (size_t n = 1; n <= 400; n = n * 3 / 2 + 1) {
      float x[400];
      for (size_t i = 0; i < n; i++) x[i] = (float)(bf__mix64(limit, i) % 50) - 20.0f;
      bf__extremes parts[3] = {{.limit = limit}, {.limit = limit}, {.limit = limit}}, *e = &parts[0];
      for (size_t i = 0; i < n; i++) bf__extremes_add(&parts[bf__mix64(9, i) % 3], &x[i], 1, 1);
      bf__extremes_merge(e, &parts[1]);
      bf__extremes_merge(e, &parts[2]);
      float low, high;
      bf__extremes_trimmed(e, n, &low, &high);
      qsort(x, n, sizeof *x, by_value);
      size_t k = (n + 1) / 2 < limit ? (n + 1) / 2 : limit;
      assert_true(low == x[k - 1] && high == x[n - k]);
    }
  }
}

static void extremes_are_the_nth_values_and_quantiles_stay_within(void **state) {
  (void)state;
  enum { N = 5000, D = 3 };
  float *cells = testing_cells(N, D, 1), *sorted = malloc(N * sizeof *sorted);
  assert_non_null(sorted);
  for (size_t i = 0; i < 3; i++) {
    cells[(1000 * i + 7) * D] = 1e6f + (float)i; /* three rows stand out; a fourth cell is missing */
    cells[(900 * i + 8) * D + 1] = -1e6f;
  }
  cells[5] = NAN;
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *all = testing_sketch(&data, &(testing_how){.min_count = 1});
  bf_sketch *s = testing_sketch(&data, &(testing_how){.min_count = 5, .n_threads = 2, .batch_rows = 1234});
  for (size_t j = 0; j < D; j++) {
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
      if (isfinite(cells[i * D + j])) sorted[n++] = cells[i * D + j];
    }
    qsort(sorted, n, sizeof *sorted, by_value);
    const bf__sketch_column *c = &s->columns[j];
    assert_true(c->min == sorted[4] && c->max == sorted[n - 5]);
    assert_true(all->columns[j].min == sorted[0] && all->columns[j].max == sorted[n - 1]);
    assert_true(c->quantiles[0] >= c->min && c->quantiles[62] <= c->max);
    assert_true(c->mean == all->columns[j].mean && c->variance == all->columns[j].variance);
  }
  assert_int_equal(s->min_count, 5);
  assert_memory_equal(s->covariance, all->covariance, 6 * sizeof *s->covariance);
  free(sorted);
  bf_sketch_free(s);
  bf_sketch_free(all);
  free(cells);
}

/* As if every cell had been moved between the fifth smallest and the fifth largest of all. */
static void partitions_are_those_of_clamped_cells(void **state) {
  (void)state;
  enum { N = 2000, D = 4 };
  for (int lattice = 0; lattice <= 1; lattice++) {
    float *cells = testing_cells(N, D, 2), *sorted = malloc(N * D * sizeof *sorted);
    assert_non_null(sorted);
    for (size_t i = 0; lattice && i < N * D; i++) cells[i] = (float)(bf__mix64(1, i) % 300);
    for (size_t i = 0; i < 4; i++) cells[401 * i] = 1e4f * (float)(i + 1);
    for (size_t i = 0; i < 3; i++) cells[77 + 300 * i] = -3e3f;
    memcpy(sorted, cells, N * D * sizeof *sorted);
    qsort(sorted, N * D, sizeof *sorted, by_value);
    const float low = sorted[4], high = sorted[N * D - 5];
    testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
    bf_sketch *s = testing_sketch(&data, &(testing_how){.min_count = 5, .n_threads = 2});
    assert_true(s->raw_min == (double)low && s->raw_max == (double)high);
    for (uint32_t p = 0; p < BF__PARTITIONS; p++) {
      const bf__partition *part = &s->partitions[p];
      uint64_t counts[BF__PARTITION_BINS] = {0}, n = 0;
      double min = INFINITY, max = -INFINITY;
      for (uint64_t i = 0; i < N; i++) {
        if (bf__bucket_of_row(BF_SKETCH_DEFAULT_SEED, i) != p) continue;
        for (size_t j = 0; j < D; j++, n++) {
          float x = cells[i * D + j];
          x = x < low ? low : x > high ? high : x;
          min = fmin(min, (double)x);
          max = fmax(max, (double)x);
          counts[bf__grid_floor((double)x, part->exponent) - part->base]++;
        }
      }
      assert_int_equal(part->count, n);
      assert_true(part->min == min && part->max == max);
      assert_memory_equal(part->counts, counts, part->n_bins * sizeof *counts);
      if (lattice) assert_true(part->lattice || part->exponent > 0);
    }
    bf_sketch_free(s);
    free(cells);
    free(sorted);
  }
}

static void few_rows_are_trimmed_to_their_median_at_most(void **state) {
  (void)state;
  const float cells[] = {5, 1, 4, 2, 3};
  for (uint64_t n = 1; n <= 5; n++) {
    testing_data data = {.n_rows = n, .n_columns = 1, .cells = cells};
    bf_sketch *s = testing_sketch(&data, &(testing_how){.min_count = 64});
    const bf__sketch_column *c = &s->columns[0];
    assert_true(c->min <= c->max && c->quantiles[0] >= c->min && c->quantiles[62] <= c->max);
    if (n == 5) assert_true(c->min == 3 && c->max == 3);
    if (n == 4) assert_true(c->min == 2 && c->max == 4);
    bf_sketch_free(s);
  }
  bf_error err;
  testing_data data = {.n_rows = 1, .n_columns = 1, .cells = cells};
  assert_null(testing_try(&data, &(testing_how){.min_count = 65}, &err));
  assert_int_equal(err.code, BF_ERR_INVALID_ARGUMENT);
}

/* --- like ------------------------------------------------------------------------------------------------------ */

static const char *const abc[] = {"a", "b", "c"};

static void columns_are_taken_by_name_and_in_the_order_of_the_example(void **state) {
  (void)state;
  static const char *const other[] = {"c", "spare", "a", "b"};
  float *cells = testing_cells(3000, 3, 1), *wide = malloc(3000 * 4 * sizeof *wide);
  assert_non_null(wide);
  for (size_t i = 0; i < 3000; i++) {
    wide[4 * i] = cells[3 * i + 2];
    wide[4 * i + 1] = 99;
    wide[4 * i + 2] = cells[3 * i];
    wide[4 * i + 3] = cells[3 * i + 1];
  }
  testing_data model = {.n_rows = 3000, .n_columns = 3, .cells = cells, .names = abc};
  testing_data data = {.n_rows = 3000, .n_columns = 4, .cells = wide, .names = other};
  bf_sketch *example = testing_sketch(&model, &(testing_how){0});
  bf_sketch *s = testing_sketch(&data, &(testing_how){.like = example, .batch_rows = 700, .n_threads = 2});
  assert_same_sketch(s, example); /* the same rows, after all */
  bf_error err;
  testing_data lacking = {
      .n_rows = 3000, .n_columns = 3, .cells = cells, .names = (const char *const[]){"a", "x", "c"}};
  assert_null(testing_try(&lacking, &(testing_how){.like = example}, &err));
  assert_int_equal(err.code, BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "'b'"));
  testing_data unnamed = {.n_rows = 3000, .n_columns = 3, .cells = cells};
  bf_sketch *by_position = testing_sketch(&unnamed, &(testing_how){.like = example});
  assert_same_sketch(by_position, example);
  unnamed.n_columns = 4;
  assert_null(testing_try(&unnamed, &(testing_how){.like = example}, &err));
  assert_int_equal(err.code, BF_ERR_MISMATCH);
  const bf_string text = {"x", 1};
  testing_data words = {.kind = BF_KIND_TEXT, .n_rows = 1, .texts = &text};
  assert_null(testing_try(&words, &(testing_how){.like = example}, &err));
  assert_int_equal(err.code, BF_ERR_MISMATCH);
  bf_sketch_free(example);
  bf_sketch_free(s);
  bf_sketch_free(by_position);
  free(cells);
  free(wide);
}

static void projected_columns_are_taken_by_name_too(void **state) {
  (void)state;
  enum { N = 300, D = 120 };
  static char text[D][70];
  const char *names[D], *turned[D];
  float *cells = testing_cells(N, D, 1), *other = malloc(N * D * sizeof *other);
  assert_non_null(other);
  for (size_t j = 0; j < D; j++) {
    snprintf(text[j], sizeof text[j], "column %zu", j);
    names[j] = text[j];
    turned[D - 1 - j] = text[j];
    for (size_t i = 0; i < N; i++) other[i * D + D - 1 - j] = cells[i * D + j];
  }
  testing_data model = {.n_rows = N, .n_columns = D, .cells = cells, .names = names};
  testing_data data = {.n_rows = N, .n_columns = D, .cells = other, .names = turned};
  bf_sketch *example = testing_sketch(&model, &(testing_how){0});
  assert_true(bf_sketch_projected(example));
  assert_non_null(example->raw_names);
  bf_sketch *s = testing_sketch(&data, &(testing_how){.like = example});
  assert_same_sketch(s, example);
  bf_error err;
  turned[5] = "another";
  assert_null(testing_try(&data, &(testing_how){.like = example}, &err));
  assert_int_equal(err.code, BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "'column 114'"));
  bf_sketch_free(example);
  bf_sketch_free(s);
  free(cells);
  free(other);
}

static void names_that_do_not_fit_must_be_equal_lists(void **state) {
  (void)state;
  enum { N = 20, D = 600 };
  static char text[D][70];
  const char *names[D];
  float *cells = testing_cells(N, D, 1);
  for (size_t j = 0; j < D; j++) {
    snprintf(text[j], sizeof text[j], "%060zu", j);
    names[j] = text[j];
  }
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells, .names = names};
  bf_sketch *example = testing_sketch(&data, &(testing_how){0});
  assert_null(example->raw_names);
  bf_sketch *s = testing_sketch(&data, &(testing_how){.like = example});
  assert_same_sketch(s, example);
  names[0] = "another";
  bf_error err;
  assert_null(testing_try(&data, &(testing_how){.like = example}, &err));
  assert_int_equal(err.code, BF_ERR_MISMATCH);
  bf_sketch_free(example);
  bf_sketch_free(s);
  free(cells);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_nth_values_are_those_of_a_sorted_list),
      cmocka_unit_test(extremes_are_the_nth_values_and_quantiles_stay_within),
      cmocka_unit_test(partitions_are_those_of_clamped_cells),
      cmocka_unit_test(few_rows_are_trimmed_to_their_median_at_most),
      cmocka_unit_test(columns_are_taken_by_name_and_in_the_order_of_the_example),
      cmocka_unit_test(projected_columns_are_taken_by_name_too),
      cmocka_unit_test(names_that_do_not_fit_must_be_equal_lists),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
