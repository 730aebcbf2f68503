/* Row buckets. The published measures cut a dataset into partitions and take a histogram of each over its own range,
 * which one pass cannot know beforehand. So cells are counted on a grid of bins [i 2^e, (i+1) 2^e), which is the finest
 * with at most 256 bins over what has been seen; a wider range joins bins in pairs (floor((floor x) / 2) = floor(x /
 * 2), so joining is exact). The final exponent is a function of the bucket's extremes alone, and counts are integers,
 * so neither the order of rows nor threads matter. (The idea is that of dynamic histograms on dyadic grids; cf.
 * DDSketch's collapsing, Masson et al. 2019, there in powers of a ratio.)
 *
 * Lattice: when every value is a multiple of 2^e, as with integers in files of floats, a bin's mass sits at its left
 * edge and the histogram is exact. On such a grid a bin holds one value, so a coarser grid is a lattice still if all
 * odd bins are empty: no second look at the cells is needed. */
#include "sketch/partition.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

#define BUCKET_SEED 0x706172746974696fu /* "partitio": apart from the sample's hash */
#define TILE 2048u

uint32_t bf__bucket_of_row(uint64_t seed, uint64_t row) {
  return (uint32_t)(bf__mix64(seed ^ BUCKET_SEED, row) >> 58);
}

int64_t bf__grid_floor(double x, int exponent) {
  return (int64_t)floor(ldexp(x, -exponent));
}

int bf__grid_finest(double min, double max) {
  double largest = fmax(fabs(min), fabs(max));
  if (largest == 0.0) return -149;
  int e;
  (void)frexp(largest, &e); /* 2^(e-1) <= largest < 2^e: 24 bits below */
  return e - 24 > -149 ? e - 24 : -149;
}

int64_t bf__grid_bins(double min, double max, int exponent) {
  return bf__grid_floor(max, exponent) - bf__grid_floor(min, exponent) + 1;
}

int bf__grid_exponent(double min, double max) {
  int e = bf__grid_finest(min, max);
  while (bf__grid_bins(min, max, e) > BF__PARTITION_BINS) e++;
  return e;
}

/* floor(i / 2^steps) also for i < 0. */
static int64_t floor_shift(int64_t i, int steps) {
  if (steps > 62) return i < 0 ? -1 : 0;
  return i >= 0 ? i >> steps : -((-i - 1) >> steps) - 1;
}

/* Bins of a grid joined onto one that is `steps` coarser; false where a lattice is lost. `to` may be `from`, as a bin
 * never moves up. */
static bool join_bins(const uint64_t *from, int64_t base, uint32_t n, int steps, uint64_t *to, int64_t *to_base,
                      uint32_t *to_n) {
  bool lattice = true;
  *to_base = floor_shift(base, steps);
  *to_n = 0;
  for (uint32_t i = 0; i < n; i++) {
    int64_t bin = floor_shift(base + i, steps);
    uint64_t count = from[i];
    bool left_edge = steps <= 62 ? bin * ((int64_t)1 << steps) == base + i : base + i == 0;
    if (count && !left_edge) lattice = false;
    uint32_t at = (uint32_t)(bin - *to_base);
    if (at == *to_n) {
      to[at] = 0;
      (*to_n)++;
    }
    to[at] += count;
  }
  return lattice;
}

/* Extends the grid of a bucket to [min, max], which contains what it had. */
static void widen(bf__bucket *b, float min, float max) {
  int exponent = bf__grid_exponent((double)min, (double)max);
  int64_t base = bf__grid_floor((double)min, exponent);
  if (b->count == 0) {
    b->lattice = true;
  } else {
    uint64_t joined[BF__PARTITION_BINS] = {0};
    uint32_t n = (uint32_t)bf__grid_bins((double)b->min, (double)b->max, b->exponent), n_joined;
    int64_t joined_base;
    bool lattice = join_bins(b->counts, b->base, n, exponent - b->exponent, joined, &joined_base, &n_joined);
    b->lattice = b->lattice && lattice;
    memset(b->counts, 0, BF__PARTITION_BINS * sizeof *b->counts);
    memcpy(b->counts + (joined_base - base), joined, n_joined * sizeof *joined);
  }
  b->min = min;
  b->max = max;
  b->exponent = exponent;
  b->base = (int32_t)base;
}

void bf__bucket_add(bf__bucket *b, const bf__kernels *kernels, const float *cells, size_t n) {
  float min = 0, max = 0;
  size_t n_finite = n - kernels->range(cells, n, &min, &max);
  bf__bucket_add_range(b, kernels, cells, n, n_finite, min, max);
}

void bf__bucket_add_range(bf__bucket *b, const bf__kernels *kernels, const float *cells, size_t n, size_t n_finite,
                          float min, float max) {
  int32_t bins[TILE];
  b->rows++;
  if (n_finite == 0) return;
  if (b->count == 0) {
    widen(b, min, max);
  } else if (min < b->min || max > b->max) {
    widen(b, min < b->min ? min : b->min, max > b->max ? max : b->max);
  }
  for (size_t done = 0; done < n; done += TILE) {
    size_t m = n - done < TILE ? n - done : TILE;
    if (!kernels->bins(cells + done, m, b->exponent, b->base, bins)) b->lattice = false;
    for (size_t i = 0; i < m; i++) b->counts[bins[i]]++;
  }
  b->count += n_finite;
}

static bool on_lattice(float x, int exponent) {
  return fmod((double)x, ldexp(1.0, exponent)) == 0.0;
}

void bf__bucket_clamp(bf__bucket *b, float low, float high) {
  if (b->count == 0 || (b->min >= low && b->max <= high)) return;
  uint64_t joined[BF__PARTITION_BINS] = {0};
  const float min = b->min < low ? low : b->min > high ? high : b->min;
  const float max = b->max > high ? high : b->max < low ? low : b->max;
  uint32_t n = (uint32_t)bf__grid_bins((double)b->min, (double)b->max, b->exponent);
  int64_t base = b->base;
  const int finest =
      bf__grid_finest((double)min, (double)max); /* a bucket that lies outside altogether may have been finer */
  if (finest > b->exponent) {
    b->lattice = join_bins(b->counts, b->base, n, finest - b->exponent, joined, &base, &n) && b->lattice;
    memcpy(b->counts, joined, sizeof joined);
    memset(joined, 0, sizeof joined);
    b->exponent = finest;
  }
  const int64_t first = bf__grid_floor((double)min, b->exponent), last = bf__grid_floor((double)max, b->exponent);
  for (int64_t i = 0; i < n; i++) {
    int64_t bin = base + i;
    joined[(bin < first ? first : bin > last ? last : bin) - first] += b->counts[i];
  }
  memcpy(b->counts, joined, sizeof joined);
  b->lattice = b->lattice && on_lattice(min, b->exponent) && on_lattice(max, b->exponent);
  b->min = min;
  b->max = max;
  b->base = (int32_t)first;
}

void bf__bucket_merge(bf__bucket *to, const bf__bucket *from) {
  to->rows += from->rows;
  if (from->count == 0) return;
  bf__bucket other = *from;
  float min = other.min, max = other.max;
  if (to->count) {
    if (to->min < min) min = to->min;
    if (to->max > max) max = to->max;
  }
  widen(to, min, max);
  widen(&other, min, max);
  for (size_t i = 0; i < BF__PARTITION_BINS; i++) to->counts[i] += other.counts[i];
  to->lattice = to->lattice && other.lattice;
  to->count += other.count;
}

void bf__partition_coarsen(const bf__partition *from, int exponent, bf__partition *to) {
  uint64_t *counts = to->counts;
  *to = *from;
  to->counts = counts;
  if (from->count == 0) return;
  to->exponent = exponent;
  bool lattice =
      join_bins(from->counts, from->base, from->n_bins, exponent - from->exponent, counts, &to->base, &to->n_bins);
  to->lattice = from->lattice && lattice;
}
