/* Error of each part of a sketch against its stated bound, with plain double computation as the truth. */
#include <float.h>
#include <stdio.h>

#include "sketch_testing.h"

static bool finite_cell(float x) {
  return x >= -FLT_MAX && x <= FLT_MAX;
}

/* Means, variances and covariance by definition: missing cells take the column's mean. */
static void naive_moments(const float *cells, size_t n, size_t d, double *mean, double *variance, double *covariance) {
  long double *filled_mean = calloc(d, sizeof *filled_mean);
  assert_non_null(filled_mean);
  for (size_t j = 0; j < d; j++) {
    long double sum = 0, squares = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
      if (!finite_cell(cells[i * d + j])) continue;
      sum += (long double)cells[i * d + j];
      count++;
    }
    filled_mean[j] = count > 0 ? sum / count : 0;
    for (size_t i = 0; i < n; i++) {
      long double v = finite_cell(cells[i * d + j]) ? (long double)cells[i * d + j] - filled_mean[j] : 0;
      squares += v * v;
    }
    mean[j] = (double)filled_mean[j];
    variance[j] = count > 0 ? (double)(squares / count) : 0;
  }
  for (size_t j = 0; j < d; j++) {
    for (size_t k = 0; k <= j; k++) {
      long double sum = 0;
      for (size_t i = 0; i < n; i++) {
        float x = cells[i * d + j], y = cells[i * d + k];
        if (finite_cell(x) && finite_cell(y)) {
          sum += ((long double)x - filled_mean[j]) * ((long double)y - filled_mean[k]);
        }
      }
      covariance[j * (j + 1) / 2 + k] = (double)(sum / n);
    }
  }
  free(filled_mean);
}

static void assert_moments(const float *cells, size_t n, size_t d) {
  double *mean = calloc(d, sizeof *mean), *variance = calloc(d, sizeof *variance);
  double *covariance = calloc(d * d, sizeof *covariance);
  assert_true(mean && variance && covariance);
  naive_moments(cells, n, d, mean, variance, covariance);
  testing_data data = {.n_rows = n, .n_columns = (uint32_t)d, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2, .batch_rows = 3000});
  double worst_covariance = 0;
  for (size_t j = 0; j < d; j++) {
    const bf__sketch_column *c = &s->columns[j];
    double scale = sqrt(variance[j]) + fabs(mean[j]) * 1e-3;
    assert_true(fabs(c->mean - mean[j]) <= 1e-12 * scale);
    assert_true(fabs(c->variance - variance[j]) <= 1e-11 * variance[j]);
    for (size_t k = 0; k <= j; k++) {
      size_t at = j * (j + 1) / 2 + k;
      double size = sqrt(covariance[j * (j + 1) / 2 + j] * covariance[k * (k + 1) / 2 + k]);
      double error = fabs((double)s->covariance[at] - covariance[at]);
      if (size > 0 && error / size > worst_covariance) worst_covariance = error / size;
    }
  }
  if (worst_covariance >= 6e-8) print_error("covariance: %.2e\n", worst_covariance);
  assert_true(worst_covariance < 6e-8); /* half a unit in the last place of float32 */
  bf_sketch_free(s);
  free(mean);
  free(variance);
  free(covariance);
}

static void moments_are_exact_to_float32(void **state) {
  (void)state;
  float *cells = testing_cells(20000, 20, 1);
  assert_moments(cells, 20000, 20);
  free(cells);
}

static void moments_are_exact_far_from_zero(void **state) {
  (void)state;
  float *cells = testing_cells(20000, 6, 2);
  for (size_t i = 0; i < 20000 * 6; i++) cells[i] += 1e5f;
  assert_moments(cells, 20000, 6);
  free(cells);
}

static void moments_are_exact_when_the_first_block_is_far_off(void **state) {
  (void)state;
  float *cells = testing_cells(50000, 4, 3);
  for (size_t i = 0; i < 1024 * 4; i++) cells[i] += 1e6f;
  assert_moments(cells, 50000, 4);
  free(cells);
}

static void covariance_with_missing_cells_takes_the_final_mean(void **state) {
  (void)state;
  float *cells = testing_cells(20000, 12, 4);
  for (size_t i = 0; i < 20000; i++) {
    for (size_t j = 0; j < 12; j++) {
      /* From none to a third missing by column, more where the value is high, and column 11 begins after 5,000 rows. */
      uint64_t chance = bf__mix64(9, i * 12 + j) % 1000;
      double high = (double)cells[i * 12 + j] > 10.0 * (double)j ? 1.5 : 0.5;
      if ((double)chance < 20.0 * (double)j * high) cells[i * 12 + j] = NAN;
      if (j == 11 && i < 5000) cells[i * 12 + j] = INFINITY;
    }
  }
  assert_moments(cells, 20000, 12);
  for (size_t i = 4096 * 12; i < 8192 * 12; i++) { /* whole blocks without missing cells among the others */
    if (!finite_cell(cells[i])) cells[i] = 1.0f;
  }
  assert_moments(cells, 20000, 12);
  free(cells);
}

static void quantiles_keep_their_rank_error(void **state) {
  (void)state;
  enum { N = 100000, D = 8 };
  float *cells = testing_cells(N, D, 5);
  for (size_t i = 0; i < N; i++) cells[i * D + 3] *= cells[i * D + 3] * cells[i * D + 3]; /* skewed */
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2, .batch_rows = 10000});
  double worst = 0;
  for (size_t j = 0; j < D; j++) {
    for (size_t q = 0; q < BF__QUANTILES; q++) {
      size_t below = 0;
      for (size_t i = 0; i < N; i++) below += cells[i * D + j] <= s->columns[j].quantiles[q];
      double error = fabs((double)below / N - ((double)q + 0.5) / BF__QUANTILES);
      if (error > worst) worst = error;
    }
  }
  print_message("worst rank error of 8 x 63 quantiles of 100,000 rows: %.4f (bound 0.0127)\n", worst);
  assert_true(worst <= 0.0127);
  bf_sketch_free(s);
  free(cells);
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void quantiles_of_up_to_16384_rows_are_exact(void **state) {
  (void)state;
  const size_t sizes[] = {1, 2, 62, 63, 64, 126, 1000, 16384};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    size_t n = sizes[k];
    float *cells = testing_cells(n, 1, k);
    testing_data data = {.n_rows = n, .n_columns = 1, .cells = cells};
    bf_sketch *s = testing_sketch(&data, &(testing_how){0});
    qsort(cells, n, sizeof *cells, by_value);
    for (size_t q = 0; q < BF__QUANTILES; q++) {
      size_t rank = 1; /* the first whose share reaches (q + 1/2) / 63 */
      while (126 * rank < (2 * q + 1) * n) rank++;
      assert_true(s->columns[0].quantiles[q] == cells[rank - 1]);
    }
    bf_sketch_free(s);
    free(cells);
  }
}

static void raw_means_of_wide_rows_are_exact_to_float32(void **state) {
  (void)state;
  enum { N = 3000, D = 300 };
  float *cells = testing_cells(N, D, 6);
  for (size_t i = 0; i < N * D; i += 17) cells[i] = NAN;
  double *mean = calloc(D, sizeof *mean), *variance = calloc(D, sizeof *variance), count[D] = {0};
  assert_true(mean && variance);
  for (size_t j = 0; j < D; j++) {
    for (size_t i = 0; i < N; i++) {
      if (!finite_cell(cells[i * D + j])) continue;
      mean[j] += (double)cells[i * D + j];
      count[j]++;
    }
    mean[j] /= count[j];
    for (size_t i = 0; i < N; i++) {
      double v = finite_cell(cells[i * D + j]) ? (double)cells[i * D + j] - mean[j] : 0;
      variance[j] += v * v / count[j];
    }
  }
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2, .batch_rows = 500});
  for (size_t j = 0; j < D; j++) {
    assert_true(fabs((double)s->raw_means[j] - mean[j]) <= 6e-8 * fabs(mean[j]) + 1e-12);
    assert_true(fabs((double)s->raw_variances[j] - variance[j]) <= 6e-8 * variance[j]);
  }
  bf_sketch_free(s);
  free(cells);
  free(mean);
  free(variance);
}

/* The mean of the centroids is the sample's mean, and they explain most of the variance of clustered rows. */
static void centroids_stand_for_the_sample(void **state) {
  (void)state;
  enum { N = 8000, D = 6, CLUSTERS = 20 };
  float *cells = testing_cells(N, D, 7);
  for (size_t i = 0; i < N; i++) {
    for (size_t j = 0; j < D; j++) cells[i * D + j] += (float)(bf__mix64(i % CLUSTERS, j) % 200);
  }
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2});
  double mean_error = 0, within = 0, total = 0;
  for (size_t j = 0; j < D; j++) {
    double mean = 0, range = 0;
    for (size_t c = 0; c < s->n_centroids; c++) {
      mean += (double)s->centroids[c * D + j] * s->centroid_rows[c] / N;
      range = fmax(range, fabs((double)s->centroids[c * D + j]));
    }
    mean_error = fmax(mean_error, fabs(mean - s->columns[j].mean) / (2 * range));
    total += s->columns[j].variance;
  }
  for (size_t i = 0; i < N; i++) {
    double best = INFINITY;
    for (size_t c = 0; c < s->n_centroids; c++) {
      double sum = 0;
      for (size_t j = 0; j < D; j++) {
        double v = (double)cells[i * D + j] - (double)s->centroids[c * D + j];
        sum += v * v;
      }
      if (sum < best) best = sum;
    }
    within += best / N;
  }
  print_message("centroids: %u, variance left %.4f, error of their mean %.1e of the range\n", s->n_centroids,
                within / total, mean_error);
  assert_true(mean_error < 1.0 / 65535);
  assert_true(within / total < 0.01);
  assert_in_range(s->n_centroids, 128, 256);
  bf_sketch_free(s);
  free(cells);
}

/* --- real data ------------------------------------------------------------------------------------------------- */

static bf_sketch *sketch_of_file(const char *folder, const char *file, const char *kind) {
  char path[4096];
  bf_dataset *dataset = NULL;
  bf_sketch *s = NULL;
  bf_error err = {0};
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.kind = kind;
  snprintf(path, sizeof path, "%s/%s", folder, file);
  if (bf_dataset_open(path, &options, &dataset, &err) != BF_OK || bf_sketch_build(dataset, NULL, &s, &err) != BF_OK) {
    fail_msg("%s: %s", path, err.message);
  }
  bf_dataset_close(dataset);
  return s;
}

/* The power of all bands is what varies within the windows; the rest of the raw variance is between their means. */
static void raw_windows_of_real_sensors_are_series(void **state) {
  (void)state;
  static const char *const positions[] = {"torso", "right_arm", "left_arm", "right_leg", "left_leg"};
  const char *data = getenv("BESTFIT_DATA");
  if (!data) {
    print_message("skipped: BESTFIT_DATA is not set\n");
    skip();
  }
  for (size_t p = 0; p < 5; p++) {
    char file[128];
    snprintf(file, sizeof file, "har-dsads/raw25hz_%s.npy.gz", positions[p]);
    bf_sketch *s = sketch_of_file(data, file, "series");
    assert_int_equal(bf_sketch_kind(s), BF_KIND_SERIES);
    assert_int_equal(bf_sketch_rows(s), 1520);
    assert_int_equal(s->steps, 125);
    assert_int_equal(s->channels, 6);
    assert_int_equal(bf_sketch_column_count(s), 96);
    assert_int_equal(s->raw_columns, 750);
    for (uint32_t c = 0; c < 6; c++) {
      const bf__sketch_column *columns = s->columns + 16 * (size_t)c;
      double power = 0,
             within = columns[1].variance + columns[1].mean * columns[1].mean; /* mean of squared deviations */
      for (size_t k = 8; k < 16; k++) power += columns[k].mean;
      assert_true(fabs(power / within - 1) < 1e-5);
      assert_true(columns[2].mean <= columns[4].mean && columns[4].mean <= columns[5].mean);
      assert_true(columns[5].mean <= columns[6].mean && columns[6].mean <= columns[3].mean);
      assert_true(columns[7].min >= 0.0f && columns[7].max <= 1.0f);
      double raw = 0, mean = 0; /* over the steps of the channel */
      for (size_t t = 0; t < 125; t++) mean += (double)s->raw_means[t * 6 + c] / 125;
      for (size_t t = 0; t < 125; t++) {
        double d = (double)s->raw_means[t * 6 + c] - mean;
        raw += ((double)s->raw_variances[t * 6 + c] + d * d) / 125;
      }
      assert_true(fabs((within + columns[0].variance) / raw - 1) < 1e-4);
    }
    bf_sketch_free(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(moments_are_exact_to_float32),
      cmocka_unit_test(moments_are_exact_far_from_zero),
      cmocka_unit_test(moments_are_exact_when_the_first_block_is_far_off),
      cmocka_unit_test(covariance_with_missing_cells_takes_the_final_mean),
      cmocka_unit_test(quantiles_keep_their_rank_error),
      cmocka_unit_test(quantiles_of_up_to_16384_rows_are_exact),
      cmocka_unit_test(raw_means_of_wide_rows_are_exact_to_float32),
      cmocka_unit_test(centroids_stand_for_the_sample),
      cmocka_unit_test(raw_windows_of_real_sensors_are_series),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
