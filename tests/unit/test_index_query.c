/* The index: candidates and answers against tables and scans made plainly, recall against the formula, hostile input.
 */
/* cmocka.h needs the others before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <bestfit/index.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "measure/l2lsh.h"

enum { BINS = 100 };

static bf_index *make(uint64_t seed, uint32_t n_threads) {
  bf_index_options options = BF_INDEX_OPTIONS_INIT;
  options.seed = seed;
  options.n_threads = n_threads;
  bf_index *index = NULL;
  bf_error err = {0};
  if (bf_index_create(&options, &index, &err) != BF_OK) fail_msg("%s", err.message);
  return index;
}

static bf_index_answer *make_answer(void) {
  bf_index_answer *answer = NULL;
  assert_int_equal(bf_index_answer_create(&answer, NULL), BF_OK);
  return answer;
}

/* n histograms about n_centres centres, of whole counts. */
static float *make_histograms(uint64_t seed, size_t n, size_t n_centres, uint32_t n_bins) {
  float *centres = malloc(n_centres * n_bins * sizeof *centres), *out = malloc(n * n_bins * sizeof *out);
  bf__random random = bf__random_of(seed);
  for (size_t i = 0; i < n_centres * n_bins; ++i) centres[i] = (float)pow(bf__random_unit(&random), 4.0) * 100.0F;
  for (size_t i = 0; i < n; ++i) {
    const float *centre = centres + bf__random_below(&random, n_centres) * n_bins;
    float loudness = (float)bf__random_unit(&random) * 0.9F;
    for (uint32_t j = 0; j < n_bins; ++j) {
      float noise = 1.0F + loudness * (2.0F * (float)bf__random_unit(&random) - 1.0F);
      out[i * n_bins + j] = floorf(centre[j] * noise);
    }
    out[i * n_bins] += 1.0F;
  }
  free(centres);
  return out;
}

static uint64_t *make_ids(size_t n) {
  uint64_t *ids = malloc(n * sizeof *ids);
  for (size_t i = 0; i < n; ++i) ids[i] = 1000000007u * (uint64_t)(i / 3); /* they repeat */
  return ids;
}

static void add(bf_index *index, const uint64_t *ids, const float *histograms, size_t n) {
  bf_error err = {0};
  if (bf_index_add(index, ids, histograms, n, &err) != BF_OK) fail_msg("%s", err.message);
}

static void query(const bf_index *index, const float *histograms, size_t n, double threshold, bf_index_answer *answer) {
  bf_error err = {0};
  if (bf_index_query(index, histograms, n, threshold, answer, &err) != BF_OK) fail_msg("%s", err.message);
}

static double naive_js(const float *a, const float *b, uint32_t n_bins) {
  double sum = 0.0, total_a = 0.0, total_b = 0.0;
  for (uint32_t j = 0; j < n_bins; ++j) {
    total_a += (double)a[j];
    total_b += (double)b[j];
  }
  for (uint32_t j = 0; j < n_bins; ++j) {
    double p = (double)a[j] / total_a, q = (double)b[j] / total_b;
    if (p > 0.0) sum += p * log(2.0 * p / (p + q));
    if (q > 0.0) sum += q * log(2.0 * q / (p + q));
  }
  return sum / 2.0;
}

static void naive_roots(const float *histogram, float roots[BINS]) {
  double total = 0.0;
  for (int j = 0; j < BINS; ++j) total += (double)histogram[j];
  for (int j = 0; j < BINS; ++j) roots[j] = sqrtf((float)((double)histogram[j] / total));
}

static uint64_t *naive_keys(uint64_t seed, const float *histograms, size_t n) {
  bf__l2lsh *lsh = NULL;
  assert_int_equal(bf__l2lsh_create(seed, 1.3, 11, 46, BINS, &lsh, NULL), BF_OK);
  uint64_t *keys = malloc(n * 46 * sizeof *keys);
  for (size_t i = 0; i < n; ++i) {
    float roots[BINS];
    int16_t vector[BINS + 15];
    naive_roots(histograms + i * BINS, roots);
    bf__l2lsh_quantise(lsh, roots, vector);
    bf__l2lsh_keys(lsh, vector, 1, keys + i * 46, 46, 1);
  }
  bf__l2lsh_free(lsh);
  return keys;
}

static void candidates_matches_and_their_order_are_those_of_plain_tables(void **state) {
  (void)state;
  enum { N = 1500, QUERIES = 300 };
  float *histograms = make_histograms(1, N, 40, BINS);
  uint64_t *ids = make_ids(N), *keys = naive_keys(9, histograms, N);
  bf_index *index = make(9, 2);
  bf_index_answer *answer = make_answer();
  add(index, ids, histograms, N);
  assert_int_equal(bf_index_count(index), N);
  query(index, histograms, QUERIES, 0.1, answer);
  size_t n_all = 0;
  for (size_t q = 0; q < QUERIES; ++q) {
    size_t n_matches = 0, n_expected = 0, n_candidates = 0;
    const bf_index_match *matches = bf_index_answer_matches(answer, q, &n_matches);
    uint32_t tables[N] = {0};
    for (size_t i = 0; i < N; ++i) {
      for (size_t t = 0; t < 46; ++t) tables[i] += keys[i * 46 + t] == keys[q * 46 + t];
      n_candidates += tables[i] > 0;
      n_expected += tables[i] > 0 && naive_js(histograms + q * BINS, histograms + i * BINS, BINS) < 0.1;
    }
    assert_int_equal(bf_index_answer_candidates(answer, q), n_candidates);
    assert_int_equal(n_matches, n_expected);
    assert_true(n_matches >= 1 && matches[0].n_tables == 46); /* itself */
    for (size_t i = 0; i < n_matches; ++i) {
      assert_int_equal(matches[i].n_tables, tables[matches[i].number]);
      assert_true(matches[i].id == ids[matches[i].number]);
      double js = naive_js(histograms + q * BINS, histograms + (size_t)matches[i].number * BINS, BINS);
      assert_true(js <= (double)matches[i].hellinger2 + 1e-6 && js + 1e-6 >= M_LN2 * (double)matches[i].hellinger2);
      if (i == 0) continue;
      const bf_index_match *before = &matches[i - 1];
      assert_true(before->n_tables > matches[i].n_tables ||
                  (before->n_tables == matches[i].n_tables && before->hellinger2 <= matches[i].hellinger2));
    }
    n_all += n_matches;
  }
  assert_true(n_all > 5 * QUERIES); /* the data are not trivial */
  query(index, histograms, QUERIES, INFINITY, answer);
  for (size_t q = 0; q < QUERIES; ++q) {
    size_t n_matches = 0;
    bf_index_answer_matches(answer, q, &n_matches);
    assert_int_equal(n_matches, bf_index_answer_candidates(answer, q));
  }
  bf_index_answer_free(answer);
  bf_index_free(index);
  free(keys);
  free(ids);
  free(histograms);
}

static void a_scan_finds_exactly_what_the_definition_says(void **state) {
  (void)state;
  enum { N = 700 };
  static const double thresholds[] = {1e-6, 0.002, 0.1, 0.3, 0.7};
  static const uint32_t bins[] = {1, 3, 64, 100, 257};
  for (size_t b = 0; b < 5; ++b) {
    float *histograms = make_histograms(2 + b, N, 20, bins[b]);
    uint64_t *ids = make_ids(N);
    bf_index_options options = BF_INDEX_OPTIONS_INIT;
    options.n_bins = bins[b];
    bf_index *index = NULL;
    bf_index_answer *answer = make_answer();
    assert_int_equal(bf_index_create(&options, &index, NULL), BF_OK);
    assert_int_equal(bf_index_bin_count(index), bins[b]);
    add(index, ids, histograms, N);
    for (size_t t = 0; t < 5; ++t) {
      assert_int_equal(bf_index_scan(index, histograms, 50, thresholds[t], answer, NULL), BF_OK);
      for (size_t q = 0; q < 50; ++q) {
        size_t n_matches = 0, n_expected = 0;
        const bf_index_match *matches = bf_index_answer_matches(answer, q, &n_matches);
        for (size_t i = 0; i < N; ++i) {
          n_expected += naive_js(histograms + q * bins[b], histograms + i * bins[b], bins[b]) < thresholds[t];
        }
        assert_int_equal(n_matches, n_expected);
        assert_int_equal(bf_index_answer_candidates(answer, q), N);
        for (size_t i = 1; i < n_matches; ++i) assert_true(matches[i - 1].hellinger2 <= matches[i].hellinger2);
      }
    }
    bf_index_answer_free(answer);
    bf_index_free(index);
    free(ids);
    free(histograms);
  }
}

/* Datar et al. (2004), section 3.2. */
static double probability(double c, double r) {
  double s = r / c, below = 0.5 * erfc(s / sqrt(2.0));
  return 1.0 - 2.0 * below - 2.0 / (sqrt(2.0 * acos(-1.0)) * s) * (1.0 - exp(-s * s / 2.0));
}

static void recall_is_that_of_the_formula_at_every_distance(void **state) {
  (void)state;
  enum { PAIRS = 200, SEEDS = 12 };
  static const double distances[] = {0.1, 0.3, 0.4, 0.5, 0.6, 0.8, 1.1};
  bf__random random = bf__random_of(4);
  bf_index_answer *answer = make_answer();
  for (size_t d = 0; d < sizeof distances / sizeof distances[0]; ++d) {
    double angle = 2.0 * asin(distances[d] / 2.0), found = 0.0;
    for (uint64_t seed = 1; seed <= SEEDS; ++seed) {
      static float asked[PAIRS * BINS], stored[PAIRS * BINS];
      uint64_t ids[PAIRS];
      for (size_t i = 0; i < PAIRS; ++i) { /* P on the first half; Q turned by the angle towards the second */
        double mass = 0.0, other = 0.0, p[BINS / 2], o[BINS / 2];
        for (int j = 0; j < BINS / 2; ++j) {
          mass += p[j] = bf__random_unit(&random);
          other += o[j] = bf__random_unit(&random);
        }
        for (int j = 0; j < BINS / 2; ++j) {
          asked[i * BINS + j] = (float)(p[j] / mass);
          asked[i * BINS + BINS / 2 + j] = 0.0F;
          stored[i * BINS + j] = (float)(p[j] / mass * cos(angle) * cos(angle));
          stored[i * BINS + BINS / 2 + j] = (float)(o[j] / other * sin(angle) * sin(angle));
        }
        ids[i] = i;
      }
      bf_index *index = make(seed, 1);
      add(index, ids, stored, PAIRS);
      query(index, asked, PAIRS, INFINITY, answer);
      for (size_t q = 0; q < PAIRS; ++q) {
        size_t n = 0;
        const bf_index_match *matches = bf_index_answer_matches(answer, q, &n);
        for (size_t i = 0; i < n; ++i) found += matches[i].id == q;
      }
      bf_index_free(index);
    }
    double recall = found / (PAIRS * SEEDS);
    double expected = 1.0 - pow(1.0 - pow(probability(distances[d], 1.3), 11.0), 46.0);
    /* pairs of one seed share the functions: some 5 standard deviations */
    if (!(fabs(recall - expected) < 0.05)) fail_msg("distance %g: %g, expected %g", distances[d], recall, expected);
  }
  bf_index_answer_free(answer);
}

static void check_same(const bf_index_answer *a, const bf_index_answer *b, size_t n) {
  for (size_t q = 0; q < n; ++q) {
    size_t n_a = 0, n_b = 0;
    const bf_index_match *x = bf_index_answer_matches(a, q, &n_a), *y = bf_index_answer_matches(b, q, &n_b);
    assert_int_equal(n_a, n_b);
    assert_int_equal(bf_index_answer_candidates(a, q), bf_index_answer_candidates(b, q));
    for (size_t i = 0; i < n_a; ++i) {
      assert_true(x[i].id == y[i].id && x[i].number == y[i].number && x[i].n_tables == y[i].n_tables &&
                  x[i].hellinger2 == y[i].hellinger2);
    }
  }
}

static void answers_do_not_depend_on_threads_calls_or_wide_registers(void **state) {
  (void)state;
  enum { N = 10000, QUERIES = 600 };
  float *histograms = make_histograms(5, N, 400, BINS);
  uint64_t *ids = make_ids(N);
  bf_index *reference = make(3, 1);
  bf_index_answer *expected = make_answer(), *answer = make_answer();
  add(reference, ids, histograms, N);
  query(reference, histograms, QUERIES, 0.1, expected);
  for (int way = 0; way < 4; ++way) {
    if (way == 3) setenv("BESTFIT_SIMD", "scalar", 1);
    bf_index *index = make(3, way == 0 ? 3 : 1);
    if (way == 1) {
      for (size_t i = 0; i < N; ++i) add(index, ids + i, histograms + i * BINS, 1);
    } else if (way == 2) {
      for (size_t i = 0; i < N; i += 77) add(index, ids + i, histograms + i * BINS, N - i < 77 ? N - i : 77);
    } else {
      add(index, ids, histograms, N);
    }
    query(index, histograms, QUERIES, 0.1, answer);
    check_same(expected, answer, QUERIES);
    bf_index_free(index);
    unsetenv("BESTFIT_SIMD");
  }
  bf_index *other = make(4, 1);
  add(other, ids, histograms, N);
  query(other, histograms, QUERIES, 0.1, answer);
  size_t n_other = 0;
  for (size_t q = 0; q < QUERIES; ++q) {
    n_other += bf_index_answer_candidates(answer, q) != bf_index_answer_candidates(expected, q);
  }
  assert_true(n_other > QUERIES / 2); /* another seed, other candidates */
  bf_index_free(other);
  bf_index_free(reference);
  bf_index_answer_free(expected);
  bf_index_answer_free(answer);
  free(ids);
  free(histograms);
}

static void a_thousand_equal_histograms_share_every_list(void **state) {
  (void)state;
  enum { N = 1000 };
  float *histograms = malloc(N * BINS * sizeof *histograms);
  for (size_t i = 0; i < N * BINS; ++i)
    histograms[i] = (float)(1 + i % BINS) * (float)(1 + i / BINS); /* scaled copies */
  uint64_t *ids = make_ids(N);
  bf_index *index = make(1, 1);
  bf_index_answer *answer = make_answer();
  add(index, ids, histograms, N);
  query(index, histograms, 1, 1e-6, answer);
  size_t n = 0;
  const bf_index_match *matches = bf_index_answer_matches(answer, 0, &n);
  assert_int_equal(n, N);
  assert_int_equal(matches[N - 1].n_tables, 46);
  bf_index_answer_free(answer);
  bf_index_free(index);
  free(ids);
  free(histograms);
}

static void an_empty_index_answers_with_nothing(void **state) {
  (void)state;
  float *histogram = make_histograms(1, 1, 1, BINS);
  bf_index *index = make(0, 0);
  bf_index_answer *answer = make_answer();
  size_t n = 5;
  query(index, histogram, 1, 0.1, answer);
  assert_null(bf_index_answer_matches(answer, 0, &n));
  assert_int_equal(n, 0);
  assert_int_equal(bf_index_answer_candidates(answer, 0), 0);
  assert_int_equal(bf_index_scan(index, histogram, 1, 0.1, answer, NULL), BF_OK);
  query(index, NULL, 0, 0.1, answer);
  assert_null(bf_index_answer_matches(answer, 0, &n));
  assert_int_equal(bf_index_add(index, NULL, NULL, 0, NULL), BF_OK);
  assert_int_equal(bf_index_count(index), 0);
  bf_index_answer_free(answer);
  bf_index_free(index);
  bf_index_free(NULL);
  bf_index_answer_free(NULL);
  free(histogram);
}

static void hostile_parameters_are_refused_by_name(void **state) {
  (void)state;
  static const struct {
    double width;
    uint32_t n_hashes, n_tables, n_bins;
    const char *word;
  } cases[] = {{1.3, 0, 46, 100, "(K)"}, {1.3, 11, 0, 100, "(L)"},    {1.3, 11, 1001, 100, "(L)"},
               {0.0, 11, 46, 100, "r "}, {-1.0, 11, 46, 100, "r "},   {NAN, 11, 46, 100, "r "},
               {1.3, 11, 46, 0, "bins"}, {1.3, 11, 46, 99999, "bins"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    bf_index_options options = {.struct_size = sizeof options,
                                .width = cases[i].width,
                                .n_hashes = cases[i].n_hashes,
                                .n_tables = cases[i].n_tables,
                                .n_bins = cases[i].n_bins};
    bf_index *index = NULL;
    bf_error err = {0};
    assert_int_equal(bf_index_create(&options, &index, &err), BF_ERR_INVALID_ARGUMENT);
    assert_null(index);
    assert_non_null(strstr(err.message, cases[i].word));
  }
  bf_index_options zeroed = {0};
  bf_index *index = NULL;
  assert_int_equal(bf_index_create(&zeroed, &index, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_create(NULL, NULL, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_create(NULL, &index, NULL), BF_OK);
  assert_int_equal(bf_index_bin_count(index), 100);
  bf_index_free(index);
}

static void hostile_histograms_are_refused_with_their_number_and_change_nothing(void **state) {
  (void)state;
  enum { N = 20 };
  static const float bad[] = {NAN, -1.0F, INFINITY, -INFINITY, -1e-30F};
  bf_index *index = make(1, 1);
  bf_index_answer *answer = make_answer(), *before = make_answer();
  float *histograms = make_histograms(1, N, 3, BINS);
  uint64_t *ids = make_ids(N);
  add(index, ids, histograms, N);
  query(index, histograms, N, 0.1, before);
  for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; ++i) {
    float *worse = make_histograms(2, N, 3, BINS);
    bf_error err = {0};
    if (i < sizeof bad / sizeof bad[0])
      worse[13 * BINS + 99 - i] = bad[i];
    else
      memset(worse + 13 * BINS, 0, BINS * sizeof *worse); /* empty */
    assert_int_equal(bf_index_add(index, ids, worse, N, &err), BF_ERR_INVALID_ARGUMENT);
    assert_int_equal(err.position, 13);
    assert_non_null(strstr(err.message, "histogram 13"));
    assert_int_equal(bf_index_query(index, worse, N, 0.1, answer, &err), BF_ERR_INVALID_ARGUMENT);
    assert_null(bf_index_answer_matches(answer, 0, NULL));
    assert_int_equal(bf_index_scan(index, worse, N, 0.1, answer, &err), BF_ERR_INVALID_ARGUMENT);
    assert_int_equal(bf_index_count(index), N);
    free(worse);
  }
  query(index, histograms, N, 0.1, answer);
  check_same(before, answer, N);
  static const double thresholds[] = {NAN, 0.0, -0.1, -INFINITY};
  for (size_t i = 0; i < 4; ++i) {
    bf_error err = {0};
    assert_int_equal(bf_index_query(index, histograms, 1, thresholds[i], answer, &err), BF_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "threshold"));
  }
  assert_int_equal(bf_index_query(NULL, histograms, 1, 0.1, answer, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_query(index, histograms, 1, 0.1, NULL, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_query(index, NULL, 1, 0.1, answer, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_add(index, NULL, histograms, 1, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_add(NULL, ids, histograms, 1, NULL), BF_ERR_INVALID_ARGUMENT);
  bf_index_answer_free(before);
  bf_index_answer_free(answer);
  bf_index_free(index);
  free(ids);
  free(histograms);
}

static void extreme_masses_are_as_good_as_any(void **state) {
  (void)state;
  bf_index *index = make(1, 1);
  bf_index_answer *answer = make_answer();
  float histograms[3][BINS] = {{0.0F}, {0.0F}, {0.0F}};
  static const float sizes[3] = {1.0F, 3e38F, 1e-45F};
  uint64_t ids[3] = {1, 2, 3};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 10; ++j) histograms[i][j * 7] = sizes[i];
  }
  add(index, ids, histograms[0], 3);
  query(index, histograms[0], 3, 1e-6, answer);
  for (size_t q = 0; q < 3; ++q) {
    size_t n = 0;
    bf_index_answer_matches(answer, q, &n);
    assert_int_equal(n, 3);
  }
  bf_index_answer_free(answer);
  bf_index_free(index);
}

/* The n-th allocation fails, n = 1, 2, ...: the call says so, the index is as it was. */
static void an_allocation_that_fails_leaves_everything_as_it_was(void **state) {
  (void)state;
  enum { N = 500 };
  float *histograms = make_histograms(8, N, 10, BINS);
  uint64_t *ids = make_ids(N);
  bf_index *index = NULL;
  bf_status status = BF_ERR_MEMORY;
  bf_index_options options = BF_INDEX_OPTIONS_INIT;
  options.n_threads = 1; /* failures are counted on the caller's thread */
  for (long n = 1; status != BF_OK; ++n) {
    bf__alloc_fail_at(n);
    status = bf_index_create(&options, &index, NULL);
    bf__alloc_fail_at(0);
    assert_true(status == BF_OK || (status == BF_ERR_MEMORY && !index));
    assert_true(n < 20);
  }
  add(index, ids, histograms, 100);
  status = BF_ERR_MEMORY;
  for (long n = 1; status != BF_OK; ++n) {
    bf__alloc_fail_at(n);
    status = bf_index_add(index, ids + 100, histograms + 100 * BINS, N - 100, NULL);
    bf__alloc_fail_at(0);
    assert_int_equal(bf_index_count(index), status == BF_OK ? N : 100);
    assert_true(status == BF_OK || status == BF_ERR_MEMORY);
    assert_true(n < 200);
  }
  bf_index *plain = make(0, 1);
  add(plain, ids, histograms, N);
  bf_index_answer *expected = make_answer(), *answer = NULL;
  query(plain, histograms, N, 0.1, expected);
  for (long n = 1; !answer; ++n) {
    bf__alloc_fail_at(n);
    status = bf_index_answer_create(&answer, NULL);
    bf__alloc_fail_at(0);
  }
  status = BF_ERR_MEMORY;
  for (long n = 1; status != BF_OK; ++n) {
    bf_index_answer *fresh = make_answer();
    bf__alloc_fail_at(n);
    status = bf_index_query(index, histograms, N, 0.1, fresh, NULL);
    bf__alloc_fail_at(0);
    if (status == BF_OK)
      check_same(expected, fresh, N);
    else
      assert_null(bf_index_answer_matches(fresh, 0, NULL));
    query(index, histograms, N, 0.1, fresh); /* the answer is of use all the same */
    check_same(expected, fresh, N);
    bf_index_answer_free(fresh);
    assert_true(n < 100);
  }
  bf_index_answer_free(expected);
  bf_index_answer_free(answer);
  bf_index_free(plain);
  bf_index_free(index);
  free(ids);
  free(histograms);
}

static void a_hundred_thousand_fit_the_stated_memory_and_are_found(void **state) {
  (void)state;
  enum { N = 100000, QUERIES = 200 };
  float *histograms = make_histograms(6, N, N / 10, BINS);
  uint64_t *ids = malloc(N * sizeof *ids);
  for (size_t i = 0; i < N; ++i) ids[i] = i;
  struct mallinfo2 before = mallinfo2();
  bf_index *index = make(1, 0);
  add(index, ids, histograms, N);
  struct mallinfo2 after = mallinfo2();
  size_t used = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
  size_t stated = 2 * 12 * 48 * BINS + (size_t)N * (15 * 46 + 4 * 104 + 2 * 112 + 8) + 65536;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (used > stated || used < stated / 2) fail_msg("%zu bytes, stated are %zu", used, stated);
#else
  (void)used;
  (void)stated;
#endif
  bf_index_answer *answer = make_answer();
  query(index, histograms + (N - QUERIES) * BINS, QUERIES, 0.1, answer);
  for (size_t q = 0; q < QUERIES; ++q) {
    size_t n = 0;
    const bf_index_match *matches = bf_index_answer_matches(answer, q, &n);
    bool itself = false;
    for (size_t i = 0; i < n; ++i) itself |= matches[i].id == N - QUERIES + q;
    assert_true(itself);
    assert_true(bf_index_answer_candidates(answer, q) < N / 4);
  }
  bf_index_answer_free(answer);
  bf_index_free(index);
  free(ids);
  free(histograms);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(candidates_matches_and_their_order_are_those_of_plain_tables),
      cmocka_unit_test(a_scan_finds_exactly_what_the_definition_says),
      cmocka_unit_test(recall_is_that_of_the_formula_at_every_distance),
      cmocka_unit_test(answers_do_not_depend_on_threads_calls_or_wide_registers),
      cmocka_unit_test(a_thousand_equal_histograms_share_every_list),
      cmocka_unit_test(an_empty_index_answers_with_nothing),
      cmocka_unit_test(hostile_parameters_are_refused_by_name),
      cmocka_unit_test(hostile_histograms_are_refused_with_their_number_and_change_nothing),
      cmocka_unit_test(extreme_masses_are_as_good_as_any),
      cmocka_unit_test(an_allocation_that_fails_leaves_everything_as_it_was),
      cmocka_unit_test(a_hundred_thousand_fit_the_stated_memory_and_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
