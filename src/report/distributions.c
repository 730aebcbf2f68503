/* Distributions as histograms of equal bins, out of what a sketch keeps: a column's 63 quantiles with its extremes
 * (read as a piecewise linear distribution function; equal quantiles are a jump), and the partitions' counts on their
 * power-of-two grids (a lattice bin's mass sits at its left edge, another's is spread over its width). */
#include <math.h>
#include <string.h>

#include "report/report_internal.h"
#include "sketch/sketch_data.h"

/* Share of the column's values that are <= x. */
static double distribution_at(const bf_column *column, double x) {
  uint32_t n = column->n_quantiles;
  if (x >= (double)column->max) return 1;
  if (x < (double)column->min) return 0;
  double x0 = (double)column->min, f0 = 0;
  for (uint32_t i = 0; i <= n; i++) {
    double x1 = i < n ? (double)column->quantiles[i] : (double)column->max;
    double f1 = i < n ? ((double)i + 0.5) / n : 1;
    if (x < x1) return x1 > x0 ? f0 + (f1 - f0) * (x - x0) / (x1 - x0) : f0;
    x0 = x1, f0 = f1;
  }
  return 1;
}

void bf__column_shares(const bf_column *column, double from, double to, double shares[BF__PLOT_BINS]) {
  memset(shares, 0, BF__PLOT_BINS * sizeof *shares);
  if (column->n_quantiles == 0 || !(to > from)) return;
  double step = (to - from) / BF__PLOT_BINS;
  /* just below `from`, so that a mass at the very edge is inside */
  double before = distribution_at(column, nextafter(from, -INFINITY));
  for (size_t i = 0; i < BF__PLOT_BINS; i++) {
    double after = distribution_at(column, i + 1 < BF__PLOT_BINS ? from + step * (double)(i + 1) : to);
    shares[i] = after > before ? 100 * (after - before) : 0;
    before = after;
  }
}

/* Spreads `mass` of [low, high] (in bins) over the bins; a point where low == high. */
static void spread(double low, double high, double mass, double shares[BF__PLOT_BINS]) {
  low = fmin(fmax(low, 0), BF__BRIGHTNESS_BINS);
  high = fmin(fmax(high, 0), BF__BRIGHTNESS_BINS);
  size_t first = low < BF__BRIGHTNESS_BINS ? (size_t)low : BF__BRIGHTNESS_BINS - 1;
  if (high - low < 1e-9) {
    shares[first] += mass;
    return;
  }
  for (size_t i = first; i < BF__BRIGHTNESS_BINS && (double)i < high; i++) {
    double begin = (double)i > low ? (double)i : low, end = (double)i + 1 < high ? (double)i + 1 : high;
    if (end > begin) shares[i] += mass * (end - begin) / (high - low);
  }
}

bool bf__brightness_shares(const bf_sketch *sketch, double shares[BF__PLOT_BINS], double *mean) {
  *mean = 0;
  memset(shares, 0, BF__PLOT_BINS * sizeof *shares);
  double white = sketch->range_max, total = 0;
  if (!(white > 0)) return false;
  for (uint32_t p = 0; p < sketch->n_partitions; p++) total += (double)sketch->partitions[p].count;
  if (!(total > 0)) return false;
  for (uint32_t p = 0; p < sketch->n_partitions; p++) {
    const bf__partition *partition = &sketch->partitions[p];
    double width = ldexp(1, partition->exponent);
    for (uint32_t i = 0; i < partition->n_bins; i++) {
      if (partition->counts[i] == 0) continue;
      double low = width * ((double)partition->base + (double)i), high = partition->lattice ? low : low + width;
      *mean += 100 * (double)partition->counts[i] / total * (low + high) / 2 / white;
      spread(low / white * BF__BRIGHTNESS_BINS, high / white * BF__BRIGHTNESS_BINS,
             100 * (double)partition->counts[i] / total, shares);
    }
  }
  return true;
}

double bf__shares_divergence(const double a[BF__PLOT_BINS], const double b[BF__PLOT_BINS]) {
  double sum_a = 0, sum_b = 0, divergence = 0;
  for (size_t i = 0; i < BF__PLOT_BINS; i++) sum_a += a[i], sum_b += b[i];
  if (!(sum_a > 0) || !(sum_b > 0)) return sum_a > 0 || sum_b > 0 ? log(2) : 0;
  for (size_t i = 0; i < BF__PLOT_BINS; i++) {
    double p = a[i] / sum_a, q = b[i] / sum_b, m = (p + q) / 2;
    if (p > 0) divergence += p * log(p / m) / 2;
    if (q > 0) divergence += q * log(q / m) / 2;
  }
  return divergence > 0 ? divergence : 0;
}

bool bf__same_column(const bf_sketch *target, uint32_t i, const bf_sketch *sketch, uint32_t *out) {
  *out = i;
  if (!target->named || !sketch->named) return i < sketch->n_columns;
  for (uint32_t k = 0; k < sketch->n_columns; k++) {
    if (strcmp(sketch->columns[k].name, target->columns[i].name) != 0) continue;
    *out = k;
    return true;
  }
  return false;
}
