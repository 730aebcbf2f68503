/* Does a column look like the source's in another unit?
 *
 * For a factor f: the medians' ratio and the spreads' (interquartile range) both agree with f within a tolerance, and
 * the quantile functions agree after division by f: D(f) = mean |q_t/f - q_s| / spread_s below a quarter, and at least
 * four times smaller than D(1). Small factors (2.54) happen by chance as a broader spread, so within a factor of five
 * the tolerance is 5 %, else 15 %. A column centred on zero has no ratio of medians; then only factors of nine or more
 * count, and D(f) must be below 0.15. Fahrenheit against Celsius is affine and is tried apart. A plain shift changes
 * the medians only, and thus never fires.
 */
#include <math.h>

#include "measure/measure_internal.h"
#include "rank/rank_internal.h"

#define DIFFERS 0.1 /* JS below which a column has no reason to be suspected */

typedef struct conversion {
  double factor;
  const char *larger, *smaller; /* hints for factor and for 1/factor */
} conversion;

static const conversion conversions[] = {
    {1e1, "mm for cm", "cm for mm"},
    {1e2, "cm for m, or percent for shares", "m for cm, or shares for percent"},
    {1e3, "mm for m, or g for kg", "m for mm, or kg for g"},
    {1e4, "a factor of 10^4", "a factor of 10^4"},
    {1e5, "Pa for bar", "bar for Pa"},
    {1e6, "micrometres for m, or microseconds for s", "m for micrometres, or s for microseconds"},
    {9.80665, "m/s2 for g", "g for m/s2"},
    {60.0, "minutes for hours, or seconds for minutes", "hours for minutes, or minutes for seconds"},
    {3600.0, "seconds for hours", "hours for seconds"},
    {3.6, "km/h for m/s", "m/s for km/h"},
    {57.29578, "degrees for radians", "radians for degrees"},
    {2.54, "cm for inches", "inches for cm"},
    {25.4, "mm for inches", "inches for mm"},
    {1.0 / 0.3048, "feet for m", "m for feet"},
    {1.0 / 0.45359, "pounds for kg", "kg for pounds"},
    {1.609344, "km for miles", "miles for km"},
};

static double spread_of(const bf__sketch_column *column) {
  double iqr = bf__column_quantile(column, 0.75) - bf__column_quantile(column, 0.25);
  return iqr > 0.0 ? iqr : sqrt(fmax(column->variance, 0.0));
}

static double disagreement(const bf__sketch_column *s, const bf__sketch_column *t, double factor, double offset,
                           double spread) {
  double sum = 0.0;
  for (uint32_t i = 0; i < BF__QUANTILES; ++i) {
    sum += fabs(((double)t->quantiles[i] - offset) / factor - (double)s->quantiles[i]);
  }
  return sum / (double)BF__QUANTILES / spread;
}

static bool within(double ratio, double factor, double tolerance) {
  return ratio > 0.0 && fabs(log(ratio / factor)) < log(1.0 + tolerance);
}

/* D(f) where f explains the difference, else infinity. */
static double fit(const bf__sketch_column *s, const bf__sketch_column *t, double factor, double before) {
  double spread_s = spread_of(s), spread_t = spread_of(t);
  double median_s = bf__column_quantile(s, 0.5), median_t = bf__column_quantile(t, 0.5);
  double size = factor > 1.0 ? factor : 1.0 / factor, tolerance = size < 5.0 ? 0.05 : 0.15, limit = 0.25;
  if (!within(spread_t / spread_s, factor, tolerance)) return INFINITY;
  bool centred = fabs(median_s) < 0.25 * spread_s && fabs(median_t) < 0.25 * spread_t;
  if (centred) {
    if (size < 9.0 || (size > 9.9 && size < 10.1))
      return INFINITY; /* ten is length; what is centred on zero is rather in g */
    limit = 0.15;
  } else if (!within(median_t / median_s, factor, tolerance)) {
    return INFINITY;
  }
  double after = disagreement(s, t, factor, 0.0, spread_s);
  return after < limit && after < before / 4.0 ? after : INFINITY;
}

static bool is_fahrenheit(const bf__sketch_column *celsius, const bf__sketch_column *other) {
  double spread_c = spread_of(celsius), spread_f = spread_of(other);
  if (celsius->min < -90.0F || celsius->max > 200.0F || !within(spread_f / spread_c, 1.8, 0.05)) return false;
  double before = disagreement(celsius, other, 1.0, 0.0, spread_c);
  double after = disagreement(celsius, other, 1.8, 32.0, spread_c);
  return after < 0.15 && after < before / 4.0;
}

bf__unit bf__suspect_unit(const bf__sketch_column *source, const bf__sketch_column *target, double jsd) {
  bf__unit best = {0.0, 0.0, NULL};
  double spread = spread_of(source);
  if (!(jsd > DIFFERS) || source->n_quantiles != BF__QUANTILES || target->n_quantiles != BF__QUANTILES ||
      !(spread > 0.0) || !(spread_of(target) > 0.0)) {
    return best;
  }
  double before = disagreement(source, target, 1.0, 0.0, spread), lowest = INFINITY;
  for (size_t i = 0; i < sizeof conversions / sizeof conversions[0]; ++i) {
    for (int inverse = 0; inverse < 2; ++inverse) {
      double factor = inverse ? 1.0 / conversions[i].factor : conversions[i].factor;
      double after = fit(source, target, factor, before);
      if (after < lowest) {
        lowest = after;
        best = (bf__unit){factor, 0.0, inverse ? conversions[i].smaller : conversions[i].larger};
      }
    }
  }
  if (best.factor > 0.0) return best;
  if (is_fahrenheit(source, target)) return (bf__unit){1.8, 32.0, "degrees Fahrenheit for Celsius"};
  if (is_fahrenheit(target, source)) return (bf__unit){1.0 / 1.8, -32.0 / 1.8, "degrees Celsius for Fahrenheit"};
  return best;
}
