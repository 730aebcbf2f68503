/* The paper's measures on raw rows against a plain re-implementation: loops over doubles, every histogram from its
 * definition. */
#include <bestfit/measure.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "make_sketch.h"
#include "measure/measure_internal.h"
#include "measure/raw_histogram.h"

/* --- oracle ---------------------------------------------------------------------------------------------------------
 */

static bool naive_histogram(const float *cells, const uint64_t *order, uint64_t n, uint32_t d, double p[100]) {
  double min = INFINITY, max = -INFINITY, count = 0.0;
  memset(p, 0, 100 * sizeof *p);
  for (uint64_t i = 0; i < n; ++i) {
    for (uint32_t j = 0; j < d; ++j) {
      double x = (double)cells[order[i] * d + j];
      if (!isfinite(x)) continue;
      if (x < min) min = x;
      if (x > max) max = x;
    }
  }
  for (uint64_t i = 0; i < n; ++i) {
    for (uint32_t j = 0; j < d; ++j) {
      double x = (double)cells[order[i] * d + j];
      if (!isfinite(x)) continue;
      int bin = max > min ? (int)floor((x - min) / (max - min) * 100.0) : 0;
      p[bin > 99 ? 99 : bin] += 1.0;
      count += 1.0;
    }
  }
  for (int b = 0; b < 100 && count > 0.0; ++b) p[b] /= count;
  return count > 0.0;
}

static double naive_kl_to_middle(const double *p, const double *q) {
  double sum = 0.0;
  for (int b = 0; b < 100; ++b) {
    if (p[b] > 0.0) sum += p[b] * (log(p[b]) - log((p[b] + q[b]) / 2.0));
  }
  return sum;
}

static double naive_js(const double *p, const double *q) {
  return 0.5 * naive_kl_to_middle(p, q) + 0.5 * naive_kl_to_middle(q, p);
}

static uint64_t *identity_order(uint64_t n) {
  uint64_t *order = malloc((n ? n : 1) * sizeof *order);
  for (uint64_t i = 0; i < n; ++i) order[i] = i;
  return order;
}

static double naive_jsd(const float *a, uint64_t n_a, const float *b, uint64_t n_b, uint32_t d) {
  double p[100], q[100];
  uint64_t *order_a = identity_order(n_a), *order_b = identity_order(n_b);
  bool both = naive_histogram(a, order_a, n_a, d, p);
  both = naive_histogram(b, order_b, n_b, d, q) && both;
  free(order_a);
  free(order_b);
  return both ? naive_js(p, q) : NAN;
}

static bool naive_column_mean(const float *x, uint64_t n, uint32_t d, uint32_t j, double *out) {
  double min = INFINITY, max = -INFINITY, sum = 0.0, count = 0.0;
  for (uint64_t i = 0; i < n * d; ++i) {
    if (!isfinite(x[i])) continue;
    if ((double)x[i] < min) min = (double)x[i];
    if ((double)x[i] > max) max = (double)x[i];
  }
  for (uint64_t i = 0; i < n; ++i) {
    if (!isfinite(x[i * d + j])) continue;
    sum += max > min ? ((double)x[i * d + j] - min) / (max - min) : 0.0;
    count += 1.0;
  }
  *out = sum / count;
  return count > 0.0;
}

static double naive_l2(const float *a, uint64_t n_a, const float *b, uint64_t n_b, uint32_t d) {
  double sum = 0.0;
  uint32_t used = 0;
  for (uint32_t j = 0; j < d; ++j) {
    double x = 0.0, y = 0.0;
    bool both = naive_column_mean(a, n_a, d, j, &x);
    both = naive_column_mean(b, n_b, d, j, &y) && both;
    if (!both) continue;
    sum += (x - y) * (x - y);
    ++used;
  }
  return used ? sqrt(sum) : NAN;
}

/* Histograms [*n][100] of the shuffled partitions that hold a finite cell. */
static double (*naive_partitions(const float *x, uint64_t n, uint32_t d, uint64_t seed, uint32_t size,
                                 size_t *n_out))[100] {
  uint64_t *order = identity_order(n);
  bf__random random = bf__random_of(seed);
  for (uint64_t i = n; i-- > 1;) {
    uint64_t j = bf__random_below(&random, i + 1), t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
  double(*all)[100] = calloc(n / size + 1, sizeof *all);
  *n_out = 0;
  for (uint64_t first = 0; first < n; first += size) {
    uint64_t left = n - first;
    *n_out += naive_histogram(x, order + first, left < size ? left : size, d, all[*n_out]);
  }
  free(order);
  return all;
}

static double naive_adaptivity(const float *a, uint64_t n_a, const float *b, uint64_t n_b, uint32_t d, uint32_t size,
                               double threshold) {
  size_t n_s = 0, n_t = 0, matches = 0;
  double(*s)[100] = naive_partitions(a, n_a, d, bf__shuffle_seed(BF_SKETCH_DEFAULT_SEED, 0), size, &n_s);
  double(*t)[100] = naive_partitions(b, n_b, d, bf__shuffle_seed(BF_SKETCH_DEFAULT_SEED, 1), size, &n_t);
  for (size_t i = 0; i < n_t; ++i) {
    for (size_t j = 0; j < n_s; ++j) matches += naive_js(s[j], t[i]) < threshold;
  }
  free(s);
  free(t);
  return n_s && n_t ? (double)matches / (double)n_t : NAN;
}

/* --- comparison -----------------------------------------------------------------------------------------------------
 */

static void check_value(const char *name, const bf_rows *a, const bf_rows *b, const bf_measure_options *options,
                        double expected) {
  double value = 0.0;
  bf_error err = {0};
  bf_status status = bf_measure_raw(name, a, b, options, &value, &err);
  if (isnan(expected)) {
    assert_int_equal(status, BF_ERR_NOT_APPLICABLE);
    assert_true(strlen(err.message) > 10);
    return;
  }
  if (status != BF_OK) fail_msg("%s: %s", name, err.message);
  if (!(fabs(value - expected) <= 1e-9)) fail_msg("%s: %.17g, expected %.17g", name, value, expected);
}

/* All three measures on all of (size, threshold): wide variant with two threads, scalar with one. */
static void check_pair(const float *a, uint64_t n_a, const float *b, uint64_t n_b, uint32_t d) {
  bf_rows *rows_a = make_bf_rows(a, n_a, d), *rows_b = make_bf_rows(b, n_b, d);
  static const uint32_t sizes[] = {1, 7, 100, 100000};
  static const double thresholds[] = {0.002, 0.1, 0.5};
  for (int scalar = 0; scalar < 2; ++scalar) {
    if (scalar) setenv("BESTFIT_SIMD", "scalar", 1);
    bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
    options.n_threads = scalar ? 1 : 2;
    check_value("paper-jsd", rows_a, rows_b, &options, naive_jsd(a, n_a, b, n_b, d));
    check_value("paper-l2", rows_a, rows_b, &options, naive_l2(a, n_a, b, n_b, d));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
      if (sizes[i] == 1 && n_a * n_b > 1000) continue;
      for (size_t j = 0; j < sizeof thresholds / sizeof thresholds[0]; ++j) {
        options.partition_size = sizes[i];
        options.adaptivity_threshold = thresholds[j];
        check_value("paper-adaptivity", rows_a, rows_b, &options,
                    naive_adaptivity(a, n_a, b, n_b, d, sizes[i], thresholds[j]));
      }
    }
    unsetenv("BESTFIT_SIMD");
  }
  bf_rows_free(rows_a);
  bf_rows_free(rows_b);
}

static float *normal_rows(uint64_t seed, size_t n, uint32_t d, double mean, double deviation) {
  double *means = malloc(d * sizeof *means), *deviations = malloc(d * sizeof *deviations);
  for (uint32_t j = 0; j < d; ++j) {
    means[j] = mean + (double)j;
    deviations[j] = deviation;
  }
  float *rows = make_rows(seed, n, d, means, deviations);
  free(means);
  free(deviations);
  return rows;
}

static void random_rows_of_many_widths_agree_with_the_definition(void **state) {
  (void)state;
  static const uint32_t widths[] = {1, 3, 8, 13, 64, 515, 5000};
  for (size_t i = 0; i < sizeof widths / sizeof widths[0]; ++i) {
    uint32_t d = widths[i];
    size_t n = d > 1000 ? 9 : 211;
    float *a = normal_rows(1 + i, n, d, 0.0, 1.0), *b = normal_rows(90 + i, n + 17, d, 0.3, 1.5);
    check_pair(a, n, b, n + 17, d);
    free(a);
    free(b);
  }
}

static void integers_on_bin_edges_agree_with_the_definition(void **state) {
  (void)state;
  bf__random random = bf__random_of(5);
  float a[400 * 5], b[300 * 5];
  for (size_t i = 0; i < 2000; ++i) a[i] = (float)bf__random_below(&random, 101); /* value v lies exactly on v/100 */
  for (size_t i = 0; i < 1500; ++i) b[i] = (float)bf__random_below(&random, 51) * 0.02F;
  check_pair(a, 400, b, 300, 5);
}

static void a_constant_column_and_a_constant_array_agree_with_the_definition(void **state) {
  (void)state;
  float *a = normal_rows(7, 120, 4, 0.0, 1.0), *b = normal_rows(8, 90, 4, 1.0, 1.0), constant[90 * 4];
  for (size_t i = 0; i < 120; ++i) a[i * 4 + 2] = 3.5F;
  for (size_t i = 0; i < 90 * 4; ++i) constant[i] = -2.0F;
  check_pair(a, 120, b, 90, 4);
  check_pair(a, 120, constant, 90, 4);
  check_pair(constant, 90, constant, 90, 4);
  free(a);
  free(b);
}

static void cells_that_are_not_finite_are_skipped(void **state) {
  (void)state;
  float *a = normal_rows(9, 130, 6, 0.0, 1.0), *b = normal_rows(10, 70, 6, 0.5, 1.0);
  bf__random random = bf__random_of(11);
  for (size_t i = 0; i < 130 * 6; ++i) {
    uint64_t draw = bf__random_below(&random, 12);
    if (draw < 3) a[i] = draw == 0 ? NAN : draw == 1 ? INFINITY : -INFINITY;
  }
  for (size_t i = 0; i < 70; ++i) b[i * 6 + 3] = NAN;                /* a column without a finite cell */
  for (size_t i = 0; i < 40 * 6; ++i) b[i] = i % 2 ? NAN : INFINITY; /* rows without one */
  check_pair(a, 130, b, 70, 6);
  free(a);
  free(b);
}

static void one_huge_outlier_agrees_with_the_definition(void **state) {
  (void)state;
  float *a = normal_rows(12, 100, 3, 0.0, 1.0), *b = normal_rows(13, 100, 3, 0.0, 1.0);
  a[77] = 3.4e38F;
  b[12] = -3.4e38F;
  b[13] = 3.4e38F; /* the range overflows float32 */
  check_pair(a, 100, b, 100, 3);
  free(a);
  free(b);
}

static void one_row_agrees_with_the_definition(void **state) {
  (void)state;
  float a[5] = {1, 2, 3, 4, 5}, b[10] = {5, 4, 3, 2, 1, 0, 0, 1, 1, 2};
  check_pair(a, 1, b, 2, 5);
  check_pair(a, 1, a, 1, 5);
}

static void no_rows_and_no_finite_cell_are_not_applicable_and_name_the_side(void **state) {
  (void)state;
  float a[4] = {1, 2, 3, 4}, nothing[4] = {NAN, NAN, INFINITY, NAN};
  bf_rows *rows = make_bf_rows(a, 2, 2), *none = make_bf_rows(NULL, 0, 2), *missing = make_bf_rows(nothing, 2, 2);
  static const char *const names[] = {"paper-jsd", "paper-l2", "paper-adaptivity"};
  for (size_t i = 0; i < 3; ++i) {
    double value = 7.0;
    bf_error err = {0};
    assert_int_equal(bf_measure_raw(names[i], none, rows, NULL, &value, &err), BF_ERR_NOT_APPLICABLE);
    assert_non_null(strstr(err.message, "the source has no rows"));
    assert_int_equal(bf_measure_raw(names[i], rows, none, NULL, &value, &err), BF_ERR_NOT_APPLICABLE);
    assert_non_null(strstr(err.message, "the target has no rows"));
    assert_int_equal(bf_measure_raw(names[i], rows, missing, NULL, &value, &err), BF_ERR_NOT_APPLICABLE);
    assert_non_null(strstr(err.message, "the target has no finite cell"));
    assert_true(value == 7.0);
  }
  bf_rows_free(rows);
  bf_rows_free(none);
  bf_rows_free(missing);
}

static void unequal_columns_keep_paper_l2_from_an_answer_with_both_numbers(void **state) {
  (void)state;
  float a[6] = {1, 2, 3, 4, 5, 6};
  bf_rows *two = make_bf_rows(a, 3, 2), *three = make_bf_rows(a, 2, 3);
  double value = 0.0;
  bf_error err = {0};
  assert_int_equal(bf_measure_raw("paper-l2", two, three, NULL, &value, &err), BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "2 in the source, 3 in the target"));
  assert_int_equal(bf_measure_raw("paper-jsd", two, three, NULL, &value, &err), BF_OK);
  assert_true(value == 0.0); /* the flattened arrays are the same */
  bf_rows_free(two);
  bf_rows_free(three);
}

static void strategies_without_a_raw_form_say_so(void **state) {
  (void)state;
  float a[2] = {1, 2};
  bf_rows *rows = make_bf_rows(a, 2, 1);
  double value = 0.0;
  bf_error err = {0};
  assert_int_equal(bf_measure_raw("hist-jsd", rows, rows, NULL, &value, &err), BF_ERR_UNSUPPORTED);
  assert_int_equal(bf_measure_raw("paper-jds", rows, rows, NULL, &value, &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "paper-jsd"));
  bf_rows_free(rows);
}

static void hellinger_bounds_never_change_an_answer(void **state) {
  (void)state;
  bf__random random = bf__random_of(17);
  int undecided = 0;
  for (int round = 0; round < 3000; ++round) {
    double a[100], b[100];
    bf__paper_histogram p, q;
    for (int i = 0; i < 100; ++i) {
      a[i] = bf__random_below(&random, 3) ? bf__random_unit(&random) : 0.0;
      b[i] = bf__random_below(&random, 2) ? a[i] : bf__random_below(&random, 3) ? bf__random_unit(&random) : 0.0;
    }
    assert_true(bf__paper_histogram_set(&p, a));
    assert_true(bf__paper_histogram_set(&q, b));
    double js = naive_js(p.share, q.share), h2 = 0.0;
    for (int i = 0; i < 100; ++i) h2 += 0.5 * (p.root[i] - q.root[i]) * (p.root[i] - q.root[i]);
    assert_true(js <= h2 + 1e-12 && js >= M_LN2 * h2 - 1e-12);
    for (int t = 0; t < 20; ++t) {
      double threshold = h2 * (0.6 + 0.025 * (double)t);
      undecided += h2 >= threshold && M_LN2 * h2 < threshold;
      assert_int_equal(bf__paper_near(&p, &q, threshold), js < threshold);
    }
  }
  assert_true(undecided > 1000); /* the exact branch was tried, too */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_rows_of_many_widths_agree_with_the_definition),
      cmocka_unit_test(integers_on_bin_edges_agree_with_the_definition),
      cmocka_unit_test(a_constant_column_and_a_constant_array_agree_with_the_definition),
      cmocka_unit_test(cells_that_are_not_finite_are_skipped),
      cmocka_unit_test(one_huge_outlier_agrees_with_the_definition),
      cmocka_unit_test(one_row_agrees_with_the_definition),
      cmocka_unit_test(no_rows_and_no_finite_cell_are_not_applicable_and_name_the_side),
      cmocka_unit_test(unequal_columns_keep_paper_l2_from_an_answer_with_both_numbers),
      cmocka_unit_test(strategies_without_a_raw_form_say_so),
      cmocka_unit_test(hellinger_bounds_never_change_an_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
