/* Kriging against an explicit kernel matrix and Gauss elimination; leaving a domain out against truly fitting without
 * it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "learn/cholesky.h"
#include "learn/kriging.h"

enum { DOMAINS = 7, MODELS = 6, ROWS = DOMAINS * MODELS, COLUMNS = 5 };

typedef struct world {
  double x[ROWS * COLUMNS], y[ROWS], distances[DOMAINS * DOMAINS];
  uint32_t models[ROWS], domains[ROWS], group[DOMAINS];
  bf__pairs pairs;
} world;

static void make_world(world *w) {
  bf__random r = bf__random_of(11);
  memset(w, 0, sizeof *w);
  for (size_t i = 0; i < ROWS; i++) {
    w->models[i] = (uint32_t)(i % MODELS);
    w->domains[i] = (uint32_t)(i / MODELS);
    for (size_t c = 0; c < COLUMNS; c++) w->x[i * COLUMNS + c] = 3.0 + 2.0 * bf__random_normal(&r);
    w->y[i] = 0.3 + 0.4 * bf__random_unit(&r);
  }
  w->x[3] = 500.0; /* clipped */
  for (size_t a = 0; a < DOMAINS; a++) {
    w->group[a] = (uint32_t)a;
    for (size_t b = 0; b < a; b++)
      w->distances[a * DOMAINS + b] = w->distances[b * DOMAINS + a] = 0.2 + bf__random_unit(&r);
  }
  w->pairs = (bf__pairs){ROWS, COLUMNS, w->x, w->models, w->domains};
}

static void eliminate(double *a, double *b, size_t n) {
  for (size_t p = 0; p < n; p++)
    for (size_t i = p + 1; i < n; i++) {
      double f = a[i * n + p] / a[p * n + p];
      for (size_t j = p; j < n; j++) a[i * n + j] -= f * a[p * n + j];
      b[i] -= f * b[p];
    }
  for (size_t p = n; p-- > 0;) {
    for (size_t j = p + 1; j < n; j++) b[p] -= a[p * n + j] * b[j];
    b[p] /= a[p * n + p];
  }
}

/* Standardised by all rows, as the closed form leaves the scale as it is. */
static void naive_z(const world *w, double z[ROWS * COLUMNS]) {
  for (size_t c = 0; c < COLUMNS; c++) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < ROWS; i++) mean += w->x[i * COLUMNS + c] / ROWS;
    for (size_t i = 0; i < ROWS; i++) square += pow(w->x[i * COLUMNS + c] - mean, 2) / ROWS;
    for (size_t i = 0; i < ROWS; i++)
      z[i * COLUMNS + c] = fmin(fmax((w->x[i * COLUMNS + c] - mean) / sqrt(square), -6.0), 6.0);
  }
}

static double naive_kernel(const world *w, const double *z, const bf__kriging_kernel *k, size_t i, size_t j) {
  double zz = 0, d = exp(-k->g * w->distances[w->domains[i] * DOMAINS + w->domains[j]]);
  for (size_t c = 0; c < COLUMNS; c++) zz += z[i * COLUMNS + c] * z[j * COLUMNS + c];
  return 10.0 / ROWS * zz * (k->v_lin + k->v_ll * d) + ((w->models[i] == w->models[j]) * k->v_same + k->v_dom) * d;
}

/* Prediction of row `of` by all rows but those of a domain (DOMAINS: by all), clipped; `model`: one that is left out as
 * well, or BF__NOBODY. */
static double naive_prediction(const world *w, const bf__kriging_kernel *k, size_t of, uint32_t without,
                               uint32_t model) {
  static double z[ROWS * COLUMNS], a[ROWS * ROWS], b[ROWS];
  size_t kept[ROWS], n = 0;
  double mean = 0, sum;
  naive_z(w, z);
  for (size_t i = 0; i < ROWS; i++) mean += w->y[i] / ROWS;
  for (size_t i = 0; i < ROWS; i++)
    if (w->domains[i] != without && w->models[i] != model) kept[n++] = i;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++)
      a[i * n + j] = naive_kernel(w, z, k, kept[i], kept[j]) + (i == j ? 1.0 + 1e-8 * ROWS : 0.0);
    b[i] = w->y[kept[i]] - mean;
  }
  eliminate(a, b, n);
  sum = mean;
  for (size_t i = 0; i < n; i++) sum += naive_kernel(w, z, k, of, kept[i]) * b[i];
  return fmin(fmax(sum, 0.01), 0.99);
}

static const bf__kriging_kernel KERNELS[] = {
    {.v_lin = 1.0, .g = 1.0},
    {.v_lin = 1.0, .v_same = 2.0, .g = 2.0},
    {.v_lin = 1.0, .v_ll = 2.0, .v_same = 2.0, .v_dom = 0.5, .g = 1.0},
};

static void predictions_and_leave_out_equal_the_definition(void **state) {
  (void)state;
  world w;
  make_world(&w);
  for (size_t v = 0; v < 3; v++) {
    bf__kriging *k = NULL;
    double out[ROWS], *distances = malloc(ROWS * DOMAINS * sizeof *distances);
    assert_non_null(distances);
    for (size_t i = 0; i < ROWS; i++)
      memcpy(distances + i * DOMAINS, w.distances + w.domains[i] * DOMAINS, DOMAINS * sizeof *distances);
    assert_int_equal(bf__kriging_fit(&KERNELS[v], &w.pairs, w.y, w.distances, DOMAINS, 0, 1, &k, NULL), BF_OK);
    assert_int_equal(bf__kriging_predict(k, &w.pairs, distances, out, NULL), BF_OK);
    for (size_t i = 0; i < ROWS; i++)
      assert_true(fabs(out[i] - naive_prediction(&w, &KERNELS[v], i, DOMAINS, BF__NOBODY)) < 1e-8);
    assert_int_equal(bf__kriging_leave_out(k, &w.pairs, w.group, NULL, out, NULL), BF_OK);
    for (size_t i = 0; i < ROWS; i++)
      assert_true(fabs(out[i] - naive_prediction(&w, &KERNELS[v], i, w.domains[i], BF__NOBODY)) < 1e-8);
    bf__kriging_free(k);
    free(distances);
  }
}

/* Models 0 .. 5 are of the domains 0 .. 5. */
static void the_models_of_a_domain_can_be_left_out_with_it(void **state) {
  (void)state;
  world w;
  double out[ROWS];
  bf__kriging *k = NULL;
  const uint32_t model_group[MODELS] = {0, 1, 2, 3, 4, 5};
  make_world(&w);
  assert_int_equal(bf__kriging_fit(&KERNELS[2], &w.pairs, w.y, w.distances, DOMAINS, 0, 1, &k, NULL), BF_OK);
  assert_int_equal(bf__kriging_leave_out(k, &w.pairs, w.group, model_group, out, NULL), BF_OK);
  for (size_t i = 0; i < ROWS; i++)
    assert_true(fabs(out[i] - naive_prediction(&w, &KERNELS[2], i, w.domains[i], w.domains[i])) < 1e-8);
  bf__kriging_free(k);
}

static void ridge_is_the_linear_kernel_alone(void **state) {
  (void)state;
  world w;
  static double z[ROWS * COLUMNS];
  double a[COLUMNS * COLUMNS] = {0}, b[COLUMNS] = {0}, mean = 0, out[ROWS];
  double *distances = calloc(ROWS * DOMAINS, sizeof *distances);
  bf__kriging *k = NULL;
  make_world(&w);
  naive_z(&w, z);
  for (size_t i = 0; i < ROWS; i++) mean += w.y[i] / ROWS;
  for (size_t c = 0; c < COLUMNS; c++) { /* (Z'Z + n / 10) beta = Z'y */
    for (size_t i = 0; i < ROWS; i++) {
      b[c] += z[i * COLUMNS + c] * (w.y[i] - mean);
      for (size_t d = 0; d < COLUMNS; d++) a[c * COLUMNS + d] += z[i * COLUMNS + c] * z[i * COLUMNS + d];
    }
    a[c * COLUMNS + c] += 0.1 * ROWS * (1.0 + 1e-8 * ROWS);
  }
  eliminate(a, b, COLUMNS);
  assert_int_equal(bf__kriging_fit(&KERNELS[0], &w.pairs, w.y, w.distances, DOMAINS, 0, 1, &k, NULL), BF_OK);
  assert_int_equal(bf__kriging_predict(k, &w.pairs, distances, out, NULL), BF_OK);
  for (size_t i = 0; i < ROWS; i++) {
    double p = mean;
    for (size_t c = 0; c < COLUMNS; c++) p += z[i * COLUMNS + c] * b[c];
    assert_true(fabs(out[i] - fmin(fmax(p, 0.01), 0.99)) < 1e-8);
  }
  bf__kriging_free(k);
  free(distances);
}

/* With a subset the closed form and the weights without a group must tell the same. */
static void rows_beyond_the_subset_are_left_out_all_the_same(void **state) {
  (void)state;
  world w, some;
  double out[ROWS], alone[ROWS];
  bf__kriging *k = NULL;
  make_world(&w);
  assert_int_equal(bf__kriging_fit(&KERNELS[2], &w.pairs, w.y, w.distances, DOMAINS, 25, 1, &k, NULL), BF_OK);
  assert_int_equal(bf__kriging_leave_out(k, &w.pairs, w.group, NULL, out, NULL), BF_OK);
  some = w;
  for (size_t i = 0; i < ROWS; i++) some.y[i] = 0.5;
  for (size_t i = 0; i < ROWS; i++) {
    assert_true(out[i] >= 0.01 && out[i] <= 0.99);
    alone[i] = out[i];
  }
  bf__kriging_free(k);
  /* a row's own truth does not enter its prediction: with other truths in its domain it stays, but for the mean */
  assert_int_equal(bf__kriging_fit(&KERNELS[2], &w.pairs, some.y, w.distances, DOMAINS, 25, 1, &k, NULL), BF_OK);
  assert_int_equal(bf__kriging_leave_out(k, &w.pairs, w.group, NULL, out, NULL), BF_OK);
  for (size_t i = 0; i < ROWS; i++) assert_true(fabs(out[i] - 0.5) < 1e-12);
  double moved = 0;
  for (size_t i = 0; i < ROWS; i++) moved += fabs(alone[i] - 0.5);
  assert_true(moved / ROWS > 0.01);
  bf__kriging_free(k);
}

static void large_systems_are_factored_and_inverted_in_blocks(void **state) {
  (void)state;
  enum { N = 201 };
  double *a = malloc(N * N * sizeof *a), *l = malloc(N * N * sizeof *l), *m = malloc(N * N * sizeof *m);
  assert_true(a && l && m);
  bf__random r = bf__random_of(5);
  for (size_t i = 0; i < N * N; i++) m[i] = bf__random_normal(&r);
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j < N; j++) {
      a[i * N + j] = i == j ? 3.0 : 0.0;
      for (size_t k = 0; k < N; k++) a[i * N + j] += m[i * N + k] * m[j * N + k] / N;
    }
  memcpy(l, a, N * N * sizeof *l);
  assert_true(bf__cholesky(l, N));
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j <= i; j++) {
      double sum = 0;
      for (size_t k = 0; k <= j; k++) sum += l[i * N + k] * l[j * N + k];
      assert_true(fabs(sum - a[i * N + j]) < 1e-10);
    }
  memcpy(m, l, N * N * sizeof *m);
  bf__triangle_invert(m, N);
  for (size_t i = 0; i < N; i++)
    for (size_t j = 0; j <= i; j++) {
      double sum = 0;
      for (size_t k = j; k <= i; k++) sum += l[i * N + k] * m[k * N + j];
      assert_true(fabs(sum - (i == j)) < 1e-10);
    }
  a[0] = -1.0;
  assert_false(bf__cholesky(a, N));
  free(a);
  free(l);
  free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(predictions_and_leave_out_equal_the_definition),
      cmocka_unit_test(the_models_of_a_domain_can_be_left_out_with_it),
      cmocka_unit_test(ridge_is_the_linear_kernel_alone),
      cmocka_unit_test(rows_beyond_the_subset_are_left_out_all_the_same),
      cmocka_unit_test(large_systems_are_factored_and_inverted_in_blocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
