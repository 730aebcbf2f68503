/* Row buckets against a histogram that sees all cells at once. */
#include <float.h>

#include "sketch/partition.h"
#include "sketch_testing.h"

/* The exponent by definition, tried from the finest representable grid upwards. */
static int naive_exponent(double min, double max) {
  double largest = fmax(fabs(min), fabs(max));
  int ulp = -149;
  while (ulp < 104 && ldexp(16777216.0, ulp) <= largest) ulp++;
  int e = ulp;
  while (floor(max / ldexp(1, e)) - floor(min / ldexp(1, e)) + 1 > 256) e++;
  return e;
}

static void assert_bucket(const bf__bucket *b, const float *cells, size_t n) {
  double min = INFINITY, max = -INFINITY;
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(cells[i])) continue;
    count++;
    min = fmin(min, (double)cells[i]);
    max = fmax(max, (double)cells[i]);
  }
  assert_int_equal(b->count, count);
  if (count == 0) return;
  assert_true((double)b->min == min && (double)b->max == max);
  assert_int_equal(b->exponent, naive_exponent(min, max));
  double unit = ldexp(1, b->exponent);
  uint64_t counts[256] = {0};
  bool lattice = true;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(cells[i])) continue;
    counts[(int64_t)floor((double)cells[i] / unit) - (int64_t)floor(min / unit)]++;
    lattice = lattice && fmod((double)cells[i], unit) == 0;
  }
  assert_int_equal(b->base, (int64_t)floor(min / unit));
  assert_memory_equal(b->counts, counts, sizeof counts);
  assert_int_equal(b->lattice, lattice);
}

static float draw(int sort, uint64_t i) {
  uint64_t r = bf__mix64((uint64_t)sort, i);
  float x;
  uint32_t bits = (uint32_t)r;
  switch (sort) {
    case 0:
      return (float)(r % 256);
    case 1:
      return (float)(int)(r % 16) * 0.25f - 2.0f;
    case 2:
      return (float)((double)(r >> 11) * 0x1p-53 - 0.5);
    case 3:
      return r % 1000 == 0 ? 3e38f : (float)(r % 7);
    case 4:
      return r % 2 ? 1e-42f * (float)(r % 300) : -1e-44f;
    case 5:
      return r % 5 ? (float)((double)(r >> 40) * 1e-3) : NAN;
    case 6:
      memcpy(&x, &bits, sizeof x);
      return x;
    case 7:
      return 0.0f;
    case 8:
      return -1e-40f + (r % 3 == 0 ? 1e30f : 0);
    case 9:
      return 1e6f + (float)(r % 300) * 0.0625f;
    case 10:
      return -0.0f;
    default:
      return (float)(r % 100000) - 50000.0f;
  }
}

static void any_order_of_rows_gives_the_histogram_of_all_cells(void **state) {
  (void)state;
  enum { ROWS = 150, D = 13 };
  static float cells[ROWS * D];
  static bf__bucket forward, backward, merged, parts[3];
  for (int sort = 0; sort <= 11; sort++) {
    for (size_t i = 0; i < ROWS * D; i++) cells[i] = draw(sort, i);
    memset(&forward, 0, sizeof forward);
    memset(&backward, 0, sizeof backward);
    memset(&merged, 0, sizeof merged);
    memset(parts, 0, sizeof parts);
    for (size_t r = 0; r < ROWS; r++) {
      bf__bucket_add(&forward, bf__kernels_choose(), cells + r * D, D);
      bf__bucket_add(&backward, bf__kernels_scalar(), cells + (ROWS - 1 - r) * D, D);
      bf__bucket_add(&parts[r % 3], bf__kernels_choose(), cells + r * D, D);
    }
    for (size_t i = 0; i < 3; i++) bf__bucket_merge(&merged, &parts[i]);
    assert_int_equal(forward.rows, ROWS);
    assert_int_equal(merged.rows, ROWS);
    assert_bucket(&forward, cells, ROWS * D);
    assert_bucket(&backward, cells, ROWS * D);
    assert_bucket(&merged, cells, ROWS * D);
  }
}

static void long_rows_are_counted_like_short_ones(void **state) {
  (void)state;
  enum { N = 9001 };
  static float cells[N];
  static bf__bucket bucket;
  for (size_t i = 0; i < N; i++) cells[i] = draw(5, i);
  bf__bucket_add(&bucket, bf__kernels_choose(), cells, N);
  assert_bucket(&bucket, cells, N);
}

static void coarsening_is_the_histogram_of_the_coarser_grid(void **state) {
  (void)state;
  enum { N = 4000 };
  static float cells[N];
  static bf__bucket bucket;
  uint64_t counts[256];
  for (int sort = 0; sort <= 11; sort++) {
    memset(&bucket, 0, sizeof bucket);
    for (size_t i = 0; i < N; i++) cells[i] = draw(sort, i);
    bf__bucket_add(&bucket, bf__kernels_choose(), cells, N);
    if (bucket.count == 0) continue;
    bf__partition from = {.rows = 1,
                          .count = bucket.count,
                          .min = (double)bucket.min,
                          .max = (double)bucket.max,
                          .exponent = bucket.exponent,
                          .base = bucket.base,
                          .n_bins = (uint32_t)bf__grid_bins((double)bucket.min, (double)bucket.max, bucket.exponent),
                          .lattice = bucket.lattice,
                          .counts = bucket.counts};
    for (int steps = 0; steps <= 9; steps += 3) {
      bf__partition to = {.counts = counts};
      bf__partition_coarsen(&from, bucket.exponent + steps, &to);
      double unit = ldexp(1, to.exponent);
      uint64_t expected[256] = {0};
      bool lattice = true;
      for (size_t i = 0; i < N; i++) {
        if (!isfinite(cells[i])) continue;
        expected[(int64_t)floor((double)cells[i] / unit) - (int64_t)floor(from.min / unit)]++;
        lattice = lattice && fmod((double)cells[i], unit) == 0;
      }
      assert_int_equal(to.n_bins, bf__grid_bins(from.min, from.max, to.exponent));
      assert_int_equal(to.base, (int64_t)floor(from.min / unit));
      assert_memory_equal(to.counts, expected, to.n_bins * sizeof *expected);
      assert_int_equal(to.lattice, lattice);
    }
  }
}

static void buckets_share_rows_evenly_and_apart_from_the_sample(void **state) {
  (void)state;
  unsigned rows[64] = {0};
  for (uint64_t i = 0; i < 64000; i++) rows[bf__bucket_of_row(20220706, i)]++;
  for (size_t i = 0; i < 64; i++) assert_in_range(rows[i], 860, 1140);
}

static void integers_are_kept_exactly_in_the_sketch(void **state) {
  (void)state;
  enum { N = 3000, D = 20 };
  static float cells[N * D];
  uint64_t exact[256] = {0}, sketched[256] = {0};
  for (size_t i = 0; i < N * D; i++) {
    cells[i] = draw(0, i);
    exact[(size_t)cells[i]]++;
  }
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2});
  for (uint32_t i = 0; i < s->n_partitions; i++) {
    const bf__partition *p = &s->partitions[i];
    assert_true(p->lattice);
    assert_int_equal(p->exponent, 0);
    for (uint32_t b = 0; b < p->n_bins; b++) sketched[p->base + b] += p->counts[b];
  }
  assert_memory_equal(sketched, exact, sizeof exact);
  bf_sketch_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_order_of_rows_gives_the_histogram_of_all_cells),
      cmocka_unit_test(long_rows_are_counted_like_short_ones),
      cmocka_unit_test(coarsening_is_the_histogram_of_the_coarser_grid),
      cmocka_unit_test(buckets_share_rows_evenly_and_apart_from_the_sample),
      cmocka_unit_test(integers_are_kept_exactly_in_the_sketch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
