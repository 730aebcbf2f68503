/* The paper's 100-bin histograms from a sketch's 64 row buckets.
 *
 * A bucket keeps counts of its raw cells on a grid of width 2^exponent. Where every value is a multiple of that width
 * (`lattice`: bytes, integers) a bin's mass sits at its left edge, and rebinning is exact by the paper's definition,
 * min(99, floor((v - min)/(max - min) * 100)). Else the mass is spread evenly over the bin, clipped to the bucket's
 * exact range. An array whose values are all equal puts all mass into the first bin.
 *
 * Partitions of about `partition_size` rows are n = clamp(round(rows / partition_size), 1, 64) groups of buckets,
 * the bucket at place b in group b * n / 64. Buckets are drawn by a hash of the row number, which is the paper's
 * shuffle.
 *
 * Equal row numbers fall into equal buckets on both sides, whereas the paper shuffles each side by itself. Two datasets
 * of one origin in one order would match partition by partition for their order alone, so the target's buckets are
 * permuted (seeded) before they are grouped.
 */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "measure/measure_internal.h"

typedef struct range {
  double min, width; /* width 0: constant */
} range;

static size_t bin_of(const range *to, double value) {
  double at = (value - to->min) / to->width * (double)BF__PAPER_BINS;
  if (!(at > 0.0)) return 0;
  return at >= (double)BF__PAPER_BINS ? BF__PAPER_BINS - 1 : (size_t)at;
}

/* Spreads `mass` evenly over [low, high]. */
static void spread(const range *to, double low, double high, double mass, double bins[BF__PAPER_BINS]) {
  size_t first = bin_of(to, low), last = bin_of(to, high);
  if (first == last || !(high > low)) {
    bins[first] += mass;
    return;
  }
  double step = to->width / (double)BF__PAPER_BINS, density = mass / (high - low), left = low;
  for (size_t i = first; i < last; ++i) {
    double right = to->min + step * (double)(i + 1);
    right = right < left ? left : right > high ? high : right;
    bins[i] += density * (right - left);
    left = right;
  }
  bins[last] += density * (high - left);
}

static void add_bucket(const bf__partition *bucket, const range *to, double bins[BF__PAPER_BINS]) {
  if (!(to->width > 0.0)) {
    bins[0] += (double)bucket->count;
    return;
  }
  for (uint32_t i = 0; i < bucket->n_bins; ++i) {
    if (bucket->counts[i] == 0) continue;
    double mass = (double)bucket->counts[i];
    double low = ldexp((double)bucket->base + (double)i, bucket->exponent);
    if (bucket->lattice) {
      bins[bin_of(to, low)] += mass;
      continue;
    }
    double high = ldexp((double)bucket->base + (double)i + 1.0, bucket->exponent);
    low = low < bucket->min ? bucket->min : low > bucket->max ? bucket->max : low;
    high = high > bucket->max ? bucket->max : high < low ? low : high;
    spread(to, low, high, mass, bins);
  }
}

/* One histogram of the buckets at places [first, end) of `order` over their own range. */
static bool join_buckets(const bf__partition *buckets, const uint8_t *order, uint32_t first, uint32_t end,
                         bf__paper_histogram *out) {
  bool any = false;
  double min = 0.0, max = 0.0;
  for (uint32_t i = first; i < end; ++i) {
    const bf__partition *bucket = &buckets[order[i]];
    if (bucket->count == 0) continue;
    if (!any || bucket->min < min) min = bucket->min;
    if (!any || bucket->max > max) max = bucket->max;
    any = true;
  }
  if (!any) return false;
  range to = {min, max - min};
  double bins[BF__PAPER_BINS] = {0};
  for (uint32_t i = first; i < end; ++i) add_bucket(&buckets[order[i]], &to, bins);
  return bf__paper_histogram_set(out, bins);
}

static void order_buckets(bool permuted, uint64_t seed, uint8_t order[BF__PARTITIONS]) {
  for (uint32_t i = 0; i < BF__PARTITIONS; ++i) order[i] = (uint8_t)i;
  bf__random random = bf__random_of(bf__shuffle_seed(seed, 1));
  for (uint32_t i = BF__PARTITIONS - 1; permuted && i > 0; --i) {
    uint32_t j = (uint32_t)bf__random_below(&random, i + 1);
    uint8_t kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

bool bf__sketch_histogram(const bf_sketch *sketch, bf__paper_histogram *out) {
  uint8_t order[BF__PARTITIONS];
  order_buckets(false, 0, order);
  return join_buckets(sketch->partitions, order, 0, sketch->n_partitions, out);
}

bf_status bf__sketch_partitions(const bf_sketch *sketch, const bf_measure_options *options, bool is_target,
                                bf__paper_histogram **out, size_t *n_out, bf_error *err) {
  uint32_t partition_size = options->partition_size;
  uint8_t order[BF__PARTITIONS];
  *out = NULL;
  *n_out = 0;
  if (sketch->n_partitions == 0 || partition_size == 0) return BF_OK;
  order_buckets(is_target, options->seed, order);
  uint32_t n_buckets = sketch->n_partitions;
  double ratio = floor((double)sketch->rows / (double)partition_size + 0.5);
  uint32_t n = ratio < 1.0 ? 1 : ratio > (double)n_buckets ? n_buckets : (uint32_t)ratio;
  bf__paper_histogram *all = bf__alloc(n, sizeof *all);
  if (!all) return bf__error_memory(err, n * sizeof *all);
  uint32_t first = 0;
  size_t count = 0;
  for (uint32_t g = 0; g < n; ++g) {
    uint32_t end = first;
    while (end < n_buckets && (uint64_t)end * n / n_buckets == g) ++end;
    if (join_buckets(sketch->partitions, order, first, end, &all[count])) ++count;
    first = end;
  }
  if (count == 0) {
    free(all);
    return BF_OK;
  }
  *out = all;
  *n_out = count;
  return BF_OK;
}

bf_status bf_partition_matrix(const bf_sketch *source, const bf_sketch *target, const bf_measure_options *options,
                              double **out, size_t *n_target, size_t *n_source, bf_error *err) {
  if (!out || !n_target || !n_source) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the result");
  *out = NULL;
  *n_target = *n_source = 0;
  if (!source || !target) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a sketch is missing");
  bf_status status = BF_OK;
  bf__paper_histogram *s = NULL, *t = NULL;
  double *matrix = NULL;
  size_t n_s = 0, n_t = 0;
  bf_measure_options filled = bf__measure_options(options);
  BF_TRY(bf__sketch_partitions(source, &filled, false, &s, &n_s, err));
  BF_TRY(bf__sketch_partitions(target, &filled, true, &t, &n_t, err));
  if (n_s == 0 || n_t == 0) {
    status = bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no partition with a finite cell",
                       n_s == 0 ? "source" : "target");
    goto out;
  }
  matrix = bf__alloc(n_t * n_s, sizeof *matrix);
  if (!matrix) {
    status = bf__error_memory(err, n_t * n_s * sizeof *matrix);
    goto out;
  }
  for (size_t b = 0; b < n_t; ++b) {
    for (size_t a = 0; a < n_s; ++a) {
      matrix[b * n_s + a] = bf__jsd(t[b].share, s[a].share, BF__PAPER_BINS);
    }
  }
  *out = matrix;
  *n_target = n_t;
  *n_source = n_s;
out:
  free(s);
  free(t);
  return status;
}
