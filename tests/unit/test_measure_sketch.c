/* The dense measures and the paper's on sketches, against plain re-implementations that read the sketch itself. */
#include <bestfit/measure.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "make_sketch.h"
#include "measure/measure_internal.h"

enum { D = 5 };
static const char *const NAMES[D] = {"a", "b", "c", "d", "e"};

static bf_frame *frame_of(bf_sketch **sketches, size_t n) {
  bf_frame *frame = NULL;
  bf_error err = {0};
  if (bf_frame_create((const bf_sketch *const *)sketches, n, NULL, &frame, &err) != BF_OK) fail_msg("%s", err.message);
  return frame;
}

static bf_prepared *prepare(const bf_frame *frame, const bf_sketch *sketch) {
  bf_prepared *prepared = NULL;
  bf_error err = {0};
  if (bf_prepared_create(frame, sketch, &prepared, &err) != BF_OK) fail_msg("%s", err.message);
  return prepared;
}

static double value_of(const char *name, const bf_prepared *source, const bf_prepared *target) {
  double value = NAN;
  bf_error err = {0};
  if (bf_measure(name, source, target, &value, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
  return value;
}

/* Measures a pair in the frame of the two. */
static double compare_two(const char *name, bf_sketch *source, bf_sketch *target) {
  bf_sketch *pair[2] = {source, target};
  bf_frame *frame = frame_of(pair, 2);
  bf_prepared *s = prepare(frame, source), *t = prepare(frame, target);
  double value = value_of(name, s, t);
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  return value;
}

/* --- frame ----------------------------------------------------------------------------------------------------------
 */

static void a_frame_pools_means_and_variances_with_equal_weight(void **state) {
  (void)state;
  bf_sketch *few = make_normal_sketch(1, 50, D, 0.0, 1.0, NAMES),
            *many = make_normal_sketch(2, 5000, D, 4.0, 2.0, NAMES);
  bf_sketch *both[2] = {few, many};
  bf_frame *frame = frame_of(both, 2);
  assert_int_equal(frame->n_columns, D);
  for (uint32_t j = 0; j < D; ++j) {
    double m1 = few->columns[j].mean, m2 = many->columns[j].mean, mean = (m1 + m2) / 2.0;
    double second = (few->columns[j].variance + m1 * m1 + many->columns[j].variance + m2 * m2) / 2.0;
    assert_true(fabs(frame->columns[j].mean - mean) < 1e-12);
    assert_true(fabs(frame->columns[j].deviation - sqrt(second - mean * mean)) < 1e-9);
    for (uint32_t e = 1; e < BF__EDGES; ++e) assert_true(frame->columns[j].edges[e] >= frame->columns[j].edges[e - 1]);
    double below = (bf__column_below(&few->columns[j], frame->columns[j].edges[7]) +
                    bf__column_below(&many->columns[j], frame->columns[j].edges[7])) /
                   2.0;
    assert_true(fabs(below - 0.5) < 0.02); /* the middle edge is the median of the mixture */
  }
  bf_frame_free(frame);
  bf_sketch_free(few);
  bf_sketch_free(many);
}

static void constant_columns_are_dropped_by_name(void **state) {
  (void)state;
  double means[D] = {0, 1, 2, 3, 4}, deviations[D] = {1, 0, 1, 1, 0};
  float *rows = make_rows(3, 300, D, means, deviations);
  bf_sketch *sketch = make_sketch(rows, 300, D, NAMES);
  bf_frame *frame = frame_of(&sketch, 1);
  assert_int_equal(frame->n_columns, 3);
  assert_string_equal(bf_frame_dropped_column(frame, 0), "b");
  assert_string_equal(bf_frame_dropped_column(frame, 1), "e");
  assert_null(bf_frame_dropped_column(frame, 2));
  bf_frame_free(frame);
  bf_sketch_free(sketch);
  free(rows);
}

static void columns_match_by_name_in_any_order_and_extra_ones_are_ignored(void **state) {
  (void)state;
  enum { N = 400 };
  double means[D] = {0, 10, 20, 30, 40}, deviations[D] = {1, 2, 3, 4, 5};
  float *rows = make_rows(4, N, D, means, deviations), turned[N * 7];
  static const char *const other[7] = {"e", "x", "d", "c", "y", "b", "a"};
  for (size_t i = 0; i < N; ++i) {
    const float *r = rows + i * D;
    const float row[7] = {r[4], 99.0F + (float)i, r[3], r[2], -5.0F * (float)i, r[1], r[0]};
    memcpy(turned + i * 7, row, sizeof row);
  }
  bf_sketch *a = make_sketch(rows, N, D, NAMES), *b = make_sketch(turned, N, 7, other);
  assert_true(compare_two("hist-jsd", a, b) < 1e-12);
  assert_true(compare_two("gauss-kl-ts", a, b) < 1e-6);
  bf_sketch *only[1] = {b};
  bf_frame *frame = frame_of(only, 1);
  bf_prepared *prepared = NULL;
  bf_error err = {0};
  assert_int_equal(bf_prepared_create(frame, a, &prepared, &err), BF_ERR_MISMATCH);
  assert_null(prepared);
  assert_non_null(strstr(err.message, "'x'"));
  bf_frame_free(frame);
  bf_sketch_free(a);
  bf_sketch_free(b);
  free(rows);
}

static void unequal_sources_make_no_frame(void **state) {
  (void)state;
  bf_sketch *five = make_normal_sketch(1, 100, 5, 0, 1, NULL), *four = make_normal_sketch(1, 100, 4, 0, 1, NULL);
  float pixels[20 * 64];
  for (size_t i = 0; i < 20 * 64; ++i) pixels[i] = (float)(i * 7 % 256);
  bf_sketch *images = make_image_sketch(pixels, 20, 8, 8);
  bf_frame *frame = (bf_frame *)&pixels;
  bf_error err = {0};
  const bf_sketch *pair[2] = {five, four}, *mixed[2] = {five, images};
  assert_int_equal(bf_frame_create(pair, 2, NULL, &frame, &err), BF_ERR_MISMATCH);
  assert_null(frame);
  assert_non_null(strstr(err.message, "needs 5 numbered columns"));
  assert_int_equal(bf_frame_create(mixed, 2, NULL, &frame, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "image"));
  assert_int_equal(bf_frame_create(pair, 0, NULL, &frame, &err), BF_ERR_INVALID_ARGUMENT);
  bf_sketch_free(five);
  bf_sketch_free(four);
  bf_sketch_free(images);
}

static void projected_views_compare_only_between_equal_column_lists(void **state) {
  (void)state;
  enum { WIDE = 120 };
  char text[WIDE][8];
  const char *names[WIDE], *other[WIDE];
  for (uint32_t j = 0; j < WIDE; ++j) {
    snprintf(text[j], sizeof text[j], "c%u", j);
    names[j] = other[j] = text[j];
  }
  other[3] = "another";
  bf_sketch *a = make_normal_sketch(1, 200, WIDE, 0, 1, names), *b = make_normal_sketch(2, 200, WIDE, 0, 1, names);
  bf_sketch *c = make_normal_sketch(2, 200, WIDE, 0, 1, other);
  assert_true(bf_sketch_projected(a));
  assert_true(compare_two("mmd", a, b) < 0.1);
  bf_frame *frame = NULL;
  bf_error err = {0};
  const bf_sketch *pair[2] = {a, c};
  assert_int_equal(bf_frame_create(pair, 2, NULL, &frame, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "projected"));
  bf_sketch_free(a);
  bf_sketch_free(b);
  bf_sketch_free(c);
}

/* --- quantile summaries ---------------------------------------------------------------------------------------------
 */

static void a_summary_keeps_atoms_and_extremes(void **state) {
  (void)state;
  float rows[1000];
  for (size_t i = 0; i < 1000; ++i) rows[i] = i % 10 < 7 ? 0.0F : i % 10 < 9 ? 1.0F : 5.0F; /* .7, .2, .1 */
  bf_sketch *sketch = make_sketch(rows, 1000, 1, NULL);
  const bf__sketch_column *column = &sketch->columns[0];
  assert_true(bf__column_below(column, 0.0) == 0.0);
  assert_true(fabs(bf__column_below(column, 1.0) - 0.7) < 0.01);
  assert_true(fabs(bf__column_below(column, 5.0) - 0.9) < 0.01);
  assert_true(bf__column_below(column, 5.1) == 1.0);
  assert_true(bf__column_below(column, -1.0) == 0.0);
  bf_sketch_free(sketch);
}

/* --- measures -------------------------------------------------------------------------------------------------------
 */

static double naive_js(const double *p, const double *q, size_t n) {
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) {
    double m = (p[i] + q[i]) / 2.0;
    if (p[i] > 0.0) sum += 0.5 * p[i] * log(p[i] / m);
    if (q[i] > 0.0) sum += 0.5 * q[i] * log(q[i] / m);
  }
  return sum;
}

static void hist_jsd_agrees_with_histograms_of_the_rows(void **state) {
  (void)state;
  enum { N = 3000 };
  double means_a[D] = {0, 1, 2, 3, 4}, means_b[D] = {0.5, 1, 2, 2, 4}, deviations_a[D] = {1, 1, 2, 1, 1},
         deviations_b[D] = {1, 2, 2, 1, 1};
  float *a = make_rows(5, N, D, means_a, deviations_a), *b = make_rows(6, N, D, means_b, deviations_b);
  bf_sketch *pair[2] = {make_sketch(a, N, D, NULL), make_sketch(b, N, D, NULL)};
  bf_frame *frame = frame_of(pair, 2);
  bf_prepared *s = prepare(frame, pair[0]), *t = prepare(frame, pair[1]);
  double expected = 0.0;
  for (uint32_t j = 0; j < D; ++j) {
    double p[16] = {0}, q[16] = {0};
    const double *edges = frame->columns[j].edges;
    for (size_t i = 0; i < N; ++i) {
      size_t x = 0, y = 0;
      while (x < 15 && (double)a[i * D + j] >= edges[x]) ++x;
      while (y < 15 && (double)b[i * D + j] >= edges[y]) ++y;
      p[x] += 1.0;
      q[y] += 1.0;
    }
    for (size_t i = 0; i < 16; ++i) {
      p[i] = (p[i] + 0.25) / (N + 4.0);
      q[i] = (q[i] + 0.25) / (N + 4.0);
    }
    expected += naive_js(p, q, 16) / D;
  }
  double value = value_of("hist-jsd", s, t);
  assert_true(expected > 0.02);
  assert_true(fabs(value - expected) < 0.05 * expected);
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  bf_sketch_free(pair[0]);
  bf_sketch_free(pair[1]);
  free(a);
  free(b);
}

/* A standardised, clipped centroid coordinate. */
static double z_of(const bf_frame *frame, const bf_sketch *sketch, uint32_t centroid, uint32_t j) {
  double z = ((double)sketch->centroids[centroid * sketch->n_columns + j] - frame->columns[j].mean) /
             frame->columns[j].deviation;
  return z > 8.0 ? 8.0 : z < -8.0 ? -8.0 : z;
}

static void naive_features(const bf_frame *frame, const bf_sketch *sketch, double phi[BF__FEATURES]) {
  double rows = 0.0;
  for (uint32_t i = 0; i < sketch->n_centroids; ++i) rows += (double)sketch->centroid_rows[i];
  for (uint32_t f = 0; f < BF__FEATURES; ++f) {
    phi[f] = 0.0;
    for (uint32_t i = 0; i < sketch->n_centroids; ++i) {
      double angle = (double)frame->phases[f];
      for (uint32_t j = 0; j < frame->n_columns; ++j) {
        angle += z_of(frame, sketch, i, j) * (double)frame->frequencies[j * BF__FEATURES + f];
      }
      phi[f] += (double)sketch->centroid_rows[i] / rows * sqrt(2.0) * cos(2.0 * M_PI * angle);
    }
  }
}

static void mmd_agrees_with_plain_cosines_and_approximates_the_kernel(void **state) {
  (void)state;
  bf_sketch *pair[2] = {make_normal_sketch(7, 1500, D, 0.0, 1.0, NULL), make_normal_sketch(8, 1500, D, 0.7, 1.3, NULL)};
  bf_frame *frame = frame_of(pair, 2);
  bf_prepared *s = prepare(frame, pair[0]), *t = prepare(frame, pair[1]);
  double p[BF__FEATURES], q[BF__FEATURES], expected = 0.0, kernel = 0.0;
  naive_features(frame, pair[0], p);
  naive_features(frame, pair[1], q);
  for (uint32_t f = 0; f < BF__FEATURES; ++f) expected += (p[f] - q[f]) * (p[f] - q[f]) / BF__FEATURES;
  assert_true(fabs(value_of("mmd", s, t) - expected) < 1e-6);
  for (int a = 0; a < 2; ++a) { /* E k(s,s') - 2 E k(s,t) + E k(t,t') with the Gaussian kernel of the bandwidth */
    for (int b = 0; b < 2; ++b) {
      const bf_prepared *x = a ? t : s, *y = b ? t : s;
      for (uint32_t i = 0; i < x->n_points; ++i) {
        for (uint32_t j = 0; j < y->n_points; ++j) {
          double d2 = 0.0;
          for (uint32_t c = 0; c < D; ++c) d2 += pow((double)x->points[i * D + c] - (double)y->points[j * D + c], 2.0);
          double weight = x->weights[i] * y->weights[j] * (a == b ? 1.0 : -1.0);
          kernel += weight * exp(-d2 / (2.0 * frame->bandwidth * frame->bandwidth));
        }
      }
    }
  }
  assert_true(fabs(expected - kernel) < 0.25 * kernel);
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  bf_sketch_free(pair[0]);
  bf_sketch_free(pair[1]);
}

static double covariance_of(const bf_sketch *sketch, uint32_t i, uint32_t j) {
  uint32_t a = i > j ? i : j, b = i > j ? j : i;
  return (double)sketch->covariance[a * (a + 1) / 2 + b];
}

/* Shares of one table by summing, for every cell, the product of its bits' probabilities. */
static void naive_cells(const bf_frame *frame, const bf_sketch *sketch, uint32_t table, double cells[256]) {
  double rows = 0.0, within[8];
  uint32_t n = sketch->n_centroids;
  double(*h)[8] = calloc(n, sizeof *h);
  for (uint32_t i = 0; i < n; ++i) rows += (double)sketch->centroid_rows[i];
  for (uint32_t b = 0; b < 8; ++b) {
    double mean = 0.0, square = 0.0, all = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
      for (uint32_t j = 0; j < D; ++j)
        h[i][b] += z_of(frame, sketch, i, j) * (double)frame->planes[j * 64 + table * 8 + b];
      mean += h[i][b] * (double)sketch->centroid_rows[i] / rows;
      square += h[i][b] * h[i][b] * (double)sketch->centroid_rows[i] / rows;
    }
    for (uint32_t i = 0; i < D; ++i) {
      for (uint32_t j = 0; j < D; ++j) {
        all += covariance_of(sketch, i, j) / frame->columns[i].deviation / frame->columns[j].deviation *
               (double)frame->planes[i * 64 + table * 8 + b] * (double)frame->planes[j * 64 + table * 8 + b];
      }
    }
    within[b] = sqrt(all - (square - mean * mean));
  }
  for (uint32_t cell = 0; cell < 256; ++cell) {
    cells[cell] = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
      double share = (double)sketch->centroid_rows[i] / rows;
      for (uint32_t b = 0; b < 8; ++b) {
        double above = 0.5 * (1.0 + erf((h[i][b] - (double)frame->medians[table * 8 + b]) / within[b] / sqrt(2.0)));
        share *= cell >> b & 1 ? above : 1.0 - above;
      }
      cells[cell] += share;
    }
    cells[cell] = (cells[cell] * 1024.0 + 0.05) / (1024.0 + 0.05 * 256.0);
  }
  free(h);
}

static void cell_jsd_agrees_with_a_sum_over_every_cell(void **state) {
  (void)state;
  bf_sketch *pair[2] = {make_normal_sketch(9, 1500, D, 0.0, 1.0, NULL), make_normal_sketch(10, 900, D, 0.7, 1.3, NULL)};
  bf_frame *frame = frame_of(pair, 2);
  bf_prepared *s = prepare(frame, pair[0]), *t = prepare(frame, pair[1]);
  double expected = 0.0;
  for (uint32_t table = 0; table < 8; ++table) {
    double p[256], q[256];
    naive_cells(frame, pair[0], table, p);
    naive_cells(frame, pair[1], table, q);
    expected += naive_js(p, q, 256) / 8.0;
  }
  double value = value_of("cell-jsd", s, t);
  assert_true(expected > 0.01);
  if (!(fabs(value - expected) < 1e-4)) fail_msg("%.9g, expected %.9g", value, expected);
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  bf_sketch_free(pair[0]);
  bf_sketch_free(pair[1]);
}

static void centroid_distance_agrees_with_nearest_neighbours_where_nothing_is_reduced(void **state) {
  (void)state;
  bf_sketch *pair[2] = {make_normal_sketch(11, 200, D, 0.0, 1.0, NULL), make_normal_sketch(12, 200, D, 1.0, 1.0, NULL)};
  assert_true(pair[0]->n_centroids >= 12 && pair[1]->n_centroids >= 12);
  pair[0]->n_centroids = pair[1]->n_centroids = 12;
  bf_frame *frame = frame_of(pair, 2);
  bf_prepared *s = prepare(frame, pair[0]), *t = prepare(frame, pair[1]);
  double sum = 0.0, rows = 0.0;
  for (uint32_t i = 0; i < pair[1]->n_centroids; ++i) {
    double nearest = INFINITY;
    for (uint32_t c = 0; c < pair[0]->n_centroids; ++c) {
      double d2 = 0.0;
      for (uint32_t j = 0; j < D; ++j) d2 += pow(z_of(frame, pair[1], i, j) - z_of(frame, pair[0], c, j), 2.0);
      nearest = fmin(nearest, sqrt(d2));
    }
    sum += nearest * (double)pair[1]->centroid_rows[i];
    rows += (double)pair[1]->centroid_rows[i];
  }
  assert_true(fabs(value_of("centroid-distance", s, t) - sum / rows / sqrt(D)) < 1e-5);
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  bf_sketch_free(pair[0]);
  bf_sketch_free(pair[1]);
}

static void reduction_keeps_weight_and_mean_and_finds_separate_clusters(void **state) {
  (void)state;
  enum { POINTS = 90, K = 3, M = 6 };
  float points[POINTS * K], centres[M * K];
  double weights[POINTS], centre_weights[M], mean[K] = {0}, reduced[K] = {0}, total = 0.0;
  bf__random random = bf__random_of(3);
  for (size_t i = 0; i < POINTS; ++i) {
    weights[i] = 1.0 + (double)bf__random_below(&random, 9);
    for (size_t j = 0; j < K; ++j) {
      points[i * K + j] = (float)(10 * (int)(i % M) * (j == 0 ? 1 : -1)) + (float)bf__random_unit(&random);
      mean[j] += weights[i] * (double)points[i * K + j];
    }
  }
  bf_status status = BF_ERR_INTERNAL;
  uint32_t n = bf__reduce_points(points, weights, POINTS, K, M, centres, centre_weights, &status, NULL);
  assert_int_equal(status, BF_OK);
  assert_int_equal(n, M);
  for (size_t c = 0; c < M; ++c) {
    double expected = 0.0;
    for (size_t i = 0; i < POINTS; ++i) {
      if (fabs((double)points[i * K] - (double)centres[c * K]) < 2.0) expected += weights[i];
    }
    assert_true(fabs(centre_weights[c] - expected) < 1e-9);
    total += centre_weights[c];
    for (size_t j = 0; j < K; ++j) reduced[j] += centre_weights[c] * (double)centres[c * K + j];
  }
  for (size_t j = 0; j < K; ++j) assert_true(fabs(reduced[j] - mean[j]) < 1e-3 * total);
}

/* Gauss-Jordan inverse; returns ln of the determinant. */
static double naive_invert(double a[D][D], double inverse[D][D]) {
  double log_determinant = 0.0;
  for (int i = 0; i < D; ++i) {
    for (int j = 0; j < D; ++j) inverse[i][j] = i == j;
  }
  for (int p = 0; p < D; ++p) {
    double pivot = a[p][p];
    log_determinant += log(pivot);
    for (int j = 0; j < D; ++j) {
      a[p][j] /= pivot;
      inverse[p][j] /= pivot;
    }
    for (int i = 0; i < D; ++i) {
      double factor = a[i][p];
      for (int j = 0; i != p && j < D; ++j) {
        a[i][j] -= factor * a[p][j];
        inverse[i][j] -= factor * inverse[p][j];
      }
    }
  }
  return log_determinant;
}

static void naive_gauss(const bf_frame *frame, const bf_sketch *sketch, double mean[D], double c[D][D]) {
  double trace = 0.0, lambda = fmin(0.9, D / (2.0 * (double)sketch->rows) + 0.02);
  for (uint32_t i = 0; i < D; ++i) {
    mean[i] = ((double)sketch->means[i] - frame->columns[i].mean) / frame->columns[i].deviation;
    for (uint32_t j = 0; j < D; ++j) {
      c[i][j] = covariance_of(sketch, i, j) / frame->columns[i].deviation / frame->columns[j].deviation;
    }
    trace += c[i][i];
  }
  for (uint32_t i = 0; i < D; ++i) {
    for (uint32_t j = 0; j < D; ++j) c[i][j] = (1.0 - lambda) * c[i][j] + (i == j ? lambda * trace / D + 1e-4 : 0.0);
  }
}

static double naive_kl(const bf_frame *frame, const bf_sketch *base, const bf_sketch *of) {
  double m_base[D], m_of[D], c_base[D][D], c_of[D][D], inverse[D][D], unused[D][D], kept[D][D], sum = -(double)D;
  naive_gauss(frame, base, m_base, c_base);
  naive_gauss(frame, of, m_of, c_of);
  memcpy(kept, c_of, sizeof kept);
  sum += naive_invert(c_base, inverse);
  sum -= naive_invert(c_of, unused);
  for (int i = 0; i < D; ++i) {
    for (int j = 0; j < D; ++j) sum += inverse[i][j] * (kept[j][i] + (m_of[i] - m_base[i]) * (m_of[j] - m_base[j]));
  }
  return 0.5 * sum / D;
}

static void gauss_kl_agrees_with_an_explicit_inverse_both_ways(void **state) {
  (void)state;
  double means[D] = {1, 0, -1, 2, 0}, deviations[D] = {1, 2, 0.5, 1, 3};
  float *rows = make_rows(14, 300, D, means, deviations);
  bf_sketch *pair[2] = {make_normal_sketch(13, 700, D, 0.0, 1.0, NULL), make_sketch(rows, 300, D, NULL)};
  bf_frame *frame = frame_of(pair, 2);
  bf_prepared *s = prepare(frame, pair[0]), *t = prepare(frame, pair[1]);
  double ts = naive_kl(frame, pair[0], pair[1]), st = naive_kl(frame, pair[1], pair[0]);
  assert_true(ts > 0.1 && st > 0.1 && fabs(ts - st) > 0.01);
  assert_true(fabs(value_of("gauss-kl-ts", s, t) - ts) < 1e-9 * (1.0 + ts));
  assert_true(fabs(value_of("gauss-kl-st", s, t) - st) < 1e-9 * (1.0 + st));
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  bf_sketch_free(pair[0]);
  bf_sketch_free(pair[1]);
  free(rows);
}

static void a_covariance_that_cannot_be_is_not_applicable(void **state) {
  (void)state;
  bf_sketch *sketch = make_normal_sketch(15, 100000, 2, 0.0, 1.0, NULL);
  sketch->covariance[1] = 1e6F; /* far above the product of the deviations */
  bf_frame *frame = frame_of(&sketch, 1);
  bf_prepared *prepared = prepare(frame, sketch);
  double value = 0.0;
  bf_error err = {0};
  assert_int_equal(bf_measure("gauss-kl-ts", prepared, prepared, &value, &err), BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "positive definite"));
  assert_true(isfinite(value_of("cell-jsd", prepared, prepared)));
  bf_prepared_free(prepared);
  bf_frame_free(frame);
  bf_sketch_free(sketch);
}

static void sketches_without_centroids_say_why(void **state) {
  (void)state;
  bf_sketch *many = make_normal_sketch(16, 500, D, 0, 1, NULL), *few = make_normal_sketch(17, 9, D, 0, 1, NULL);
  bf_sketch *pair[2] = {many, few};
  bf_frame *frame = frame_of(pair, 2);
  bf_prepared *s = prepare(frame, many), *t = prepare(frame, few);
  static const char *const names[] = {"mmd", "centroid-distance", "cell-jsd"};
  for (size_t i = 0; i < 3; ++i) {
    double value = 0.0;
    bf_error err = {0};
    assert_int_equal(bf_measure(names[i], s, t, &value, &err), BF_ERR_NOT_APPLICABLE);
    assert_non_null(strstr(err.message, "target's sketch has no centroids"));
  }
  assert_true(value_of("hist-jsd", s, t) > 0.0);
  assert_true(value_of("gauss-kl-ts", s, t) > 0.0);
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  bf_sketch_free(many);
  bf_sketch_free(few);
}

/* --- the paper's from sketches --------------------------------------------------------------------------------------
 */

static void on_a_lattice_the_papers_measures_equal_those_on_raw_rows(void **state) {
  (void)state;
  enum { N = 1200 };
  float *a = malloc(N * 4 * sizeof *a), *b = malloc(N * 4 * sizeof *b);
  bf__random random = bf__random_of(19);
  for (size_t i = 0; i < N * 4; ++i) {
    a[i] = (float)bf__random_below(&random, 200);
    b[i] = (float)(bf__random_below(&random, 100) + bf__random_below(&random, 120));
  }
  a[0] = b[0] = 0.0F;
  bf_sketch *s = make_sketch(a, N, 4, NULL), *t = make_sketch(b, N, 4, NULL);
  bf_rows *rows_a = make_bf_rows(a, N, 4), *rows_b = make_bf_rows(b, N, 4);
  static const char *const names[] = {"paper-jsd", "paper-l2"};
  static const double tolerances[] = {1e-12, 1e-6}; /* means are kept as float32 */
  for (size_t i = 0; i < 2; ++i) {
    double raw = 0.0;
    assert_int_equal(bf_measure_raw(names[i], rows_a, rows_b, NULL, &raw, NULL), BF_OK);
    assert_true(raw > 0.01);
    assert_true(fabs(compare_two(names[i], s, t) - raw) < tolerances[i]);
  }
  bf_rows_free(rows_a);
  bf_rows_free(rows_b);
  bf_sketch_free(s);
  bf_sketch_free(t);
  free(a);
  free(b);
}

static void off_a_lattice_paper_jsd_is_near_that_on_raw_rows(void **state) {
  (void)state;
  double means[3] = {0, 2, 4}, deviations[3] = {1, 1, 1}, other[3] = {0, 2, 8};
  float *a = make_rows(20, 4000, 3, means, deviations), *b = make_rows(21, 4000, 3, other, deviations);
  bf_sketch *s = make_sketch(a, 4000, 3, NULL), *t = make_sketch(b, 4000, 3, NULL);
  bf_rows *rows_a = make_bf_rows(a, 4000, 3), *rows_b = make_bf_rows(b, 4000, 3);
  double raw = 0.0;
  assert_int_equal(bf_measure_raw("paper-jsd", rows_a, rows_b, NULL, &raw, NULL), BF_OK);
  assert_true(raw > 0.02);
  assert_true(fabs(compare_two("paper-jsd", s, t) - raw) < 0.05 * raw);
  bf_rows_free(rows_a);
  bf_rows_free(rows_b);
  bf_sketch_free(s);
  bf_sketch_free(t);
  free(a);
  free(b);
}

static void partitions_are_groups_of_buckets_and_the_matrix_gives_the_adaptivity(void **state) {
  (void)state;
  bf_sketch *s = make_normal_sketch(22, 4000, 3, 0, 1, NULL), *t = make_normal_sketch(23, 2600, 3, 0.1, 1, NULL);
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  double *matrix = NULL;
  size_t n_t = 0, n_s = 0, matches = 0;
  options.partition_size = 400;
  options.adaptivity_threshold = 0.02;
  assert_int_equal(bf_partition_matrix(s, t, &options, &matrix, &n_t, &n_s, NULL), BF_OK);
  assert_int_equal(n_s, 10);
  assert_int_equal(n_t, 7); /* 6.5 is rounded up */
  for (size_t i = 0; i < n_t * n_s; ++i) {
    assert_true(matrix[i] >= 0.0 && matrix[i] <= M_LN2);
    matches += matrix[i] < options.adaptivity_threshold;
  }
  assert_true(matches > 0 && matches < n_t * n_s);
  const bf_sketch *pair[2] = {s, t};
  bf_frame *frame = NULL;
  assert_int_equal(bf_frame_create(pair, 2, &options, &frame, NULL), BF_OK);
  bf_prepared *a = prepare(frame, s), *b = prepare(frame, t);
  assert_true(value_of("paper-adaptivity", a, b) == (double)matches / (double)n_t);
  free(matrix);
  assert_int_equal(bf_partition_matrix(t, s, &options, &matrix, &n_s, &n_t, NULL), BF_OK); /* the roles exchanged */
  matches = 0;
  for (size_t i = 0; i < n_t * n_s; ++i) matches += matrix[i] < options.adaptivity_threshold;
  assert_true(value_of("paper-adaptivity", b, a) == (double)matches / (double)n_s);
  free(matrix);
  bf_prepared_free(a);
  bf_prepared_free(b);
  bf_frame_free(frame);
  options.partition_size = 1;
  assert_int_equal(bf_partition_matrix(s, t, &options, &matrix, &n_t, &n_s, NULL), BF_OK);
  assert_int_equal(n_s, 64);
  free(matrix);
  options.partition_size = 100000;
  assert_int_equal(bf_partition_matrix(s, t, &options, &matrix, &n_t, &n_s, NULL), BF_OK);
  assert_int_equal(n_s * n_t, 1);
  free(matrix);
  bf_sketch_free(s);
  bf_sketch_free(t);
}

static void equal_rows_in_equal_order_match_no_better_than_in_another_order(void **state) {
  (void)state;
  enum { N = 4000, W = 3 };
  double means[W] = {0, 0, 0}, deviations[W] = {1, 1, 1};
  float *rows = make_rows(31, N, W, means, deviations), *turned = malloc(N * W * sizeof *turned);
  for (size_t i = 0; i < N; ++i) memcpy(turned + i * W, rows + (N - 1 - i) * W, W * sizeof *rows);
  bf_sketch *s = make_sketch(rows, N, W, NULL), *same = make_sketch(rows, N, W, NULL),
            *other = make_sketch(turned, N, W, NULL);
  double largest[2] = {0.0, 0.0}, smallest[2] = {1.0, 1.0}, *matrix = NULL;
  size_t n_t = 0, n_s = 0;
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(bf_partition_matrix(s, i ? other : same, NULL, &matrix, &n_t, &n_s, NULL), BF_OK);
    assert_int_equal(n_t * n_s, 64);
    for (size_t j = 0; j < n_t * n_s; ++j) {
      smallest[i] = fmin(smallest[i], matrix[j]);
      largest[i] = fmax(largest[i], matrix[j]);
    }
    free(matrix);
  }
  assert_true(smallest[0] > 0.002); /* no partition finds itself */
  assert_true(smallest[0] > 0.4 * smallest[1] && largest[0] < 2.5 * largest[1]);
  bf_sketch_free(s);
  bf_sketch_free(same);
  bf_sketch_free(other);
  free(rows);
  free(turned);
}

static void an_empty_sketch_has_no_partitions(void **state) {
  (void)state;
  bf_sketch *s = make_normal_sketch(24, 400, 3, 0, 1, NULL), *none = make_sketch(NULL, 0, 3, NULL);
  double *matrix = (double *)&s;
  size_t n_t = 9, n_s = 9;
  bf_error err = {0};
  assert_int_equal(bf_partition_matrix(s, none, NULL, &matrix, &n_t, &n_s, &err), BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "target"));
  assert_null(matrix);
  assert_int_equal(n_t + n_s, 0);
  bf_sketch_free(s);
  bf_sketch_free(none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_frame_pools_means_and_variances_with_equal_weight),
      cmocka_unit_test(constant_columns_are_dropped_by_name),
      cmocka_unit_test(columns_match_by_name_in_any_order_and_extra_ones_are_ignored),
      cmocka_unit_test(unequal_sources_make_no_frame),
      cmocka_unit_test(projected_views_compare_only_between_equal_column_lists),
      cmocka_unit_test(a_summary_keeps_atoms_and_extremes),
      cmocka_unit_test(hist_jsd_agrees_with_histograms_of_the_rows),
      cmocka_unit_test(mmd_agrees_with_plain_cosines_and_approximates_the_kernel),
      cmocka_unit_test(cell_jsd_agrees_with_a_sum_over_every_cell),
      cmocka_unit_test(centroid_distance_agrees_with_nearest_neighbours_where_nothing_is_reduced),
      cmocka_unit_test(reduction_keeps_weight_and_mean_and_finds_separate_clusters),
      cmocka_unit_test(gauss_kl_agrees_with_an_explicit_inverse_both_ways),
      cmocka_unit_test(a_covariance_that_cannot_be_is_not_applicable),
      cmocka_unit_test(sketches_without_centroids_say_why),
      cmocka_unit_test(on_a_lattice_the_papers_measures_equal_those_on_raw_rows),
      cmocka_unit_test(off_a_lattice_paper_jsd_is_near_that_on_raw_rows),
      cmocka_unit_test(partitions_are_groups_of_buckets_and_the_matrix_gives_the_adaptivity),
      cmocka_unit_test(equal_rows_in_equal_order_match_no_better_than_in_another_order),
      cmocka_unit_test(an_empty_sketch_has_no_partitions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
