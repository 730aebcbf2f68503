/* The hash functions of paper-l2lsh against their definition and against the probabilities of Datar et al. (2004). */
/* cmocka.h needs the others before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "measure/l2lsh.h"

static bf__l2lsh *make(uint64_t seed, double r, uint32_t k, uint32_t l, uint32_t n_bins) {
  bf__l2lsh *lsh = NULL;
  bf_error err = {0};
  if (bf__l2lsh_create(seed, r, k, l, n_bins, &lsh, &err) != BF_OK) fail_msg("%s", err.message);
  return lsh;
}

/* n random unit vectors without negative cells, and as they are hashed. */
static float *random_roots(uint64_t seed, size_t n, uint32_t n_bins) {
  float *roots = malloc(n * n_bins * sizeof *roots);
  bf__random random = bf__random_of(seed);
  for (size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (uint32_t j = 0; j < n_bins; ++j) {
      double x = bf__random_below(&random, 3) ? bf__random_unit(&random) : 0.0;
      roots[i * n_bins + j] = (float)x;
      sum += x * x;
    }
    if (sum == 0.0) sum = roots[i * n_bins] = 1.0F;
    for (uint32_t j = 0; j < n_bins; ++j) roots[i * n_bins + j] /= (float)sqrt(sum);
  }
  return roots;
}

static int16_t *quantise(const bf__l2lsh *lsh, const float *roots, size_t n, uint32_t n_bins) {
  size_t stride = bf__l2lsh_stride(lsh);
  int16_t *out = malloc(n * stride * sizeof *out);
  for (size_t i = 0; i < n; ++i) bf__l2lsh_quantise(lsh, roots + i * n_bins, out + i * stride);
  return out;
}

static int32_t naive_code(const bf__l2lsh *lsh, double r, uint32_t t, uint32_t h, const int16_t *v, uint32_t n_bins) {
  int64_t sum = 0;
  for (uint32_t j = 0; j < n_bins; ++j) sum += (int64_t)bf__l2lsh_projection(lsh, t, h, j) * v[j];
  return (int32_t)ceilf((float)sum * (float)(1.0 / (r * 2048.0 * 16384.0)) + bf__l2lsh_offset(lsh, t, h));
}

static void check_shape(double r, uint32_t k, uint32_t l, uint32_t n_bins, size_t n) {
  bf__l2lsh *lsh = make(7, r, k, l, n_bins);
  float *roots = random_roots(n_bins, n, n_bins);
  int16_t *vectors = quantise(lsh, roots, n, n_bins);
  uint64_t *rows = malloc(n * l * sizeof *rows), *columns = malloc((n + 3) * l * sizeof *columns);
  for (int scalar = 0; scalar < 2; ++scalar) {
    if (scalar) setenv("BESTFIT_SIMD", "scalar", 1);
    memset(rows, 0, n * l * sizeof *rows);
    bf__l2lsh_keys(lsh, vectors, n, rows, l, 1);
    bf__l2lsh_keys(lsh, vectors, n, columns, 1, n + 3);
    unsetenv("BESTFIT_SIMD");
    for (size_t i = 0; i < n; ++i) {
      for (uint32_t t = 0; t < l; ++t) {
        int32_t codes[BF__L2LSH_MAX_HASHES];
        for (uint32_t h = 0; h < k; ++h) {
          codes[h] = naive_code(lsh, r, t, h, vectors + i * bf__l2lsh_stride(lsh), n_bins);
        }
        assert_true(rows[i * l + t] == bf__l2lsh_key_of(lsh, codes));
        assert_true(columns[i + t * (n + 3)] == rows[i * l + t]);
      }
    }
  }
  free(rows);
  free(columns);
  free(vectors);
  free(roots);
  bf__l2lsh_free(lsh);
}

static void keys_equal_the_definition_for_every_shape_and_in_every_variant(void **state) {
  (void)state;
  check_shape(1.3, 11, 46, 100, 131);
  check_shape(0.001, 1, 1, 1, 3);
  check_shape(0.4, 6, 8, 2, 64);
  check_shape(2.0, 7, 9, 33, 65);
  check_shape(1000.0, 64, 17, 400, 2);
  check_shape(0.05, 12, 3, 1024, 5);
}

static void codes_are_those_of_unrounded_numbers_but_for_a_few_on_an_edge(void **state) {
  (void)state;
  enum { N = 50, BINS = 100, K = 11, L = 46 };
  bf__l2lsh *lsh = make(3, 1.3, K, L, BINS);
  float *roots = random_roots(1, N, BINS);
  int16_t *vectors = quantise(lsh, roots, N, BINS);
  size_t n_other = 0;
  for (size_t i = 0; i < N; ++i) {
    for (uint32_t t = 0; t < L; ++t) {
      for (uint32_t h = 0; h < K; ++h) {
        double dot = 0.0, offset = 1.3 * (double)bf__l2lsh_offset(lsh, t, h);
        for (uint32_t j = 0; j < BINS; ++j) {
          dot += (double)bf__l2lsh_projection(lsh, t, h, j) / 2048.0 * (double)roots[i * BINS + j];
        }
        int32_t code = (int32_t)ceil((dot + offset) / 1.3);
        int32_t ours = naive_code(lsh, 1.3, t, h, vectors + i * bf__l2lsh_stride(lsh), BINS);
        n_other += code != ours;
        assert_true(abs(code - ours) <= 1);
      }
    }
  }
  assert_true(n_other < N * K * L / 1000);
  free(vectors);
  free(roots);
  bf__l2lsh_free(lsh);
}

static void projections_are_standard_normal_and_offsets_uniform(void **state) {
  (void)state;
  enum { BINS = 100, K = 11, L = 46, N = BINS * K * L };
  bf__l2lsh *lsh = make(11, 1.3, K, L, BINS);
  double sum = 0.0, squares = 0.0, fourth = 0.0, offsets = 0.0;
  for (uint32_t t = 0; t < L; ++t) {
    for (uint32_t h = 0; h < K; ++h) {
      float u = bf__l2lsh_offset(lsh, t, h);
      assert_true(u >= 0.0F && u < 1.0F);
      offsets += (double)u;
      for (uint32_t j = 0; j < BINS; ++j) {
        double a = (double)bf__l2lsh_projection(lsh, t, h, j) / 2048.0;
        sum += a;
        squares += a * a;
        fourth += a * a * a * a;
      }
    }
  }
  assert_true(fabs(sum / N) < 4.0 / sqrt(N));
  assert_true(fabs(squares / N - 1.0) < 4.0 * sqrt(2.0 / N));
  assert_true(fabs(fourth / N - 3.0) < 4.0 * sqrt(96.0 / N));
  assert_true(fabs(offsets / (K * L) - 0.5) < 4.0 / sqrt(12.0 * K * L));
  bf__l2lsh_free(lsh);
}

static double normal_below(double x) {
  return 0.5 * erfc(-x / sqrt(2.0));
}

/* Datar et al. (2004), section 3.2, for the normal distribution. */
static double probability(double c, double r) {
  double s = r / c;
  return 1.0 - 2.0 * normal_below(-s) - 2.0 / (sqrt(2.0 * acos(-1.0)) * s) * (1.0 - exp(-s * s / 2.0));
}

static void two_vectors_share_a_code_with_the_probability_of_their_distance(void **state) {
  (void)state;
  enum { BINS = 40, L = 1000, SEEDS = 20 };
  static const double widths[] = {0.3, 1.3, 4.0}, angles[] = {0.05, 0.2, 0.5, 1.0, 1.5707963};
  for (size_t w = 0; w < 3; ++w) {
    for (size_t a = 0; a < 5; ++a) {
      float roots[2][BINS] = {{0.0F}, {0.0F}};
      for (int j = 0; j < BINS / 2; ++j) {
        float cell = (float)sqrt(2.0 / BINS);
        roots[0][j] = cell;
        roots[1][j] = cell * (float)cos(angles[a]);
        roots[1][BINS / 2 + j] = cell * (float)sin(angles[a]);
      }
      double c = 2.0 * sin(angles[a] / 2.0), expected = probability(c, widths[w]);
      size_t equal = 0;
      for (uint64_t seed = 0; seed < SEEDS; ++seed) {
        bf__l2lsh *lsh = make(seed, widths[w], 1, L, BINS);
        int16_t *vectors = quantise(lsh, roots[0], 2, BINS);
        uint64_t keys[2][L];
        bf__l2lsh_keys(lsh, vectors, 2, keys[0], L, 1);
        for (size_t t = 0; t < L; ++t) equal += keys[0][t] == keys[1][t];
        free(vectors);
        bf__l2lsh_free(lsh);
      }
      double share = (double)equal / (L * SEEDS), deviation = sqrt(expected * (1.0 - expected) / (L * SEEDS));
      if (!(fabs(share - expected) < 4.0 * deviation + 1e-4))
        fail_msg("r %g, c %g: %g, expected %g", widths[w], c, share, expected);
    }
  }
}

static void a_seed_gives_the_same_keys_again_and_another_seed_others(void **state) {
  (void)state;
  enum { BINS = 100, L = 46 };
  float *roots = random_roots(5, 1, BINS);
  uint64_t keys[3][L];
  static const uint64_t seeds[3] = {1, 1, 2};
  for (int i = 0; i < 3; ++i) {
    bf__l2lsh *lsh = make(seeds[i], 1.3, 11, L, BINS);
    int16_t *vector = quantise(lsh, roots, 1, BINS);
    bf__l2lsh_keys(lsh, vector, 1, keys[i], L, 1);
    free(vector);
    bf__l2lsh_free(lsh);
  }
  free(roots);
  assert_memory_equal(keys[0], keys[1], sizeof keys[0]);
  for (int t = 0; t < L; ++t) assert_true(keys[0][t] != keys[2][t]);
}

static void equal_roots_give_equal_keys_in_all_tables_and_different_tables_different_keys(void **state) {
  (void)state;
  enum { BINS = 10, L = 200 };
  bf__l2lsh *lsh = make(1, 1.3, 8, L, BINS);
  float *roots = random_roots(2, 1, BINS);
  int16_t *vector = quantise(lsh, roots, 1, BINS);
  uint64_t keys[2][L];
  bf__l2lsh_keys(lsh, vector, 1, keys[0], L, 1);
  bf__l2lsh_keys(lsh, vector, 1, keys[1], L, 1);
  assert_memory_equal(keys[0], keys[1], sizeof keys[0]);
  size_t equal = 0;
  for (int t = 1; t < L; ++t) equal += keys[0][t] == keys[0][0];
  assert_true(equal < 5);
  free(vector);
  free(roots);
  bf__l2lsh_free(lsh);
}

static void parameters_out_of_range_are_refused_by_name(void **state) {
  (void)state;
  static const struct {
    double r;
    uint32_t k, l, n_bins;
    const char *word;
  } cases[] = {
      {0.0, 11, 46, 100, "width r"},    {-1.0, 11, 46, 100, "width r"},    {NAN, 11, 46, 100, "width r"},
      {INFINITY, 11, 46, 100, "width"}, {1e-9, 11, 46, 100, "width r"},    {1.3, 0, 46, 100, "(K)"},
      {1.3, 65, 46, 100, "(K)"},        {1.3, UINT32_MAX, 46, 100, "(K)"}, {1.3, 11, 0, 100, "(L)"},
      {1.3, 11, 1001, 100, "(L)"},      {1.3, 11, UINT32_MAX, 100, "(L)"}, {1.3, 11, 46, 0, "bins"},
      {1.3, 11, 46, 1025, "bins"},      {1.3, 11, 46, UINT32_MAX, "bins"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    bf__l2lsh *lsh = NULL;
    bf_error err = {0};
    assert_int_equal(bf__l2lsh_create(1, cases[i].r, cases[i].k, cases[i].l, cases[i].n_bins, &lsh, &err),
                     BF_ERR_INVALID_ARGUMENT);
    assert_null(lsh);
    assert_non_null(strstr(err.message, cases[i].word));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_equal_the_definition_for_every_shape_and_in_every_variant),
      cmocka_unit_test(codes_are_those_of_unrounded_numbers_but_for_a_few_on_an_edge),
      cmocka_unit_test(projections_are_standard_normal_and_offsets_uniform),
      cmocka_unit_test(two_vectors_share_a_code_with_the_probability_of_their_distance),
      cmocka_unit_test(a_seed_gives_the_same_keys_again_and_another_seed_others),
      cmocka_unit_test(equal_roots_give_equal_keys_in_all_tables_and_different_tables_different_keys),
      cmocka_unit_test(parameters_out_of_range_are_refused_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
