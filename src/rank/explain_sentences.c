/* The sentences of an explanation: suspected units first, then columns without a value on a side, the columns that
 * differ most, the partitions without a match, and a source of few rows (bf_explain() adds the target's; a ranking says
 * that once, as a warning). At most BF__MAX_SENTENCES, most telling first, each with its numbers.
 *
 * When does a column differ? Two samples of one distribution, of n and m rows in 16 bins, have a JS of about chi2(15) /
 * 8 * (1/n + 1/m), which is below CHANCE * (1/n + 1/m) in 99 of 100 cases. Below SMALL rows not even that holds, as the
 * bins follow the few rows themselves; then only a mean that is SURE standard errors away counts, or a column that
 * holds one value on one side alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/measure_internal.h"
#include "rank/rank_internal.h"

#define CLEAR_JSD 0.1  /* a column differs clearly */
#define ALIKE_JSD 0.02 /* a column hardly differs */
#define TOLD_COLUMNS 2u
#define CHANCE 3.8 /* 30.6 / 8 */
#define SMALL 50u
#define SURE 4.0
#define CONSTANT_ROWS 10u /* so many equal values are no accident where the other side varies */
#define SHARE_OF_ROWS 0.1 /* missing more often by so much is said */

/* Number of the column that a row is about (rows are sorted, their names are not). */
static size_t number_of(const bf_explanation *e, size_t row) {
  return (size_t)((const char(*)[72])e->columns[row].name - (const char(*)[72])e->names);
}

/* "`a`, `b` and 3 more columns" of the rows whose unit has this hint. */
static size_t list_columns(const bf_explanation *e, const bf__unit *units, const bf__unit *unit, char *text,
                           size_t size) {
  size_t n = 0, told = 0, used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < e->n_columns; ++i) n += units[number_of(e, i)].hint == unit->hint;
  for (size_t i = 0; i < e->n_columns && told < 2; ++i) {
    if (units[number_of(e, i)].hint != unit->hint) continue;
    int wrote = snprintf(text + used, size - used, "%s`%s`",
                         told == 0 ? ""
                         : n == 2  ? " and "
                                   : ", ",
                         e->columns[i].name);
    if (wrote < 0 || (size_t)wrote >= size - used) break;
    used += (size_t)wrote;
    ++told;
  }
  if (n > told) snprintf(text + used, size - used, " and %zu more column%s", n - told, n - told == 1 ? "" : "s");
  return n;
}

static void say_units(bf_explanation *e, const bf__unit *units) {
  for (size_t i = 0; i < e->n_columns && e->n_sentences < 2; ++i) {
    const bf__unit *unit = &units[number_of(e, i)];
    if (!(unit->factor > 0.0)) continue;
    bool told = false;
    for (size_t j = 0; j < i && !told; ++j) told = units[number_of(e, j)].hint == unit->hint;
    if (told) continue;
    char columns[180];
    bool many = list_columns(e, units, unit, columns, sizeof columns) > 1;
    if (unit->offset != 0.0) {
      bf__say(e, "%s look%s like %s; bring %s to the model's unit", columns, many ? "" : "s", unit->hint,
              many ? "them" : "it");
    } else {
      bool larger = unit->factor > 1.0;
      bf__say(e, "%s look%s %.6g times %s: perhaps %s; bring %s to the model's unit", columns, many ? "" : "s",
              larger ? unit->factor : 1.0 / unit->factor, larger ? "larger" : "smaller", unit->hint,
              many ? "them" : "it");
    }
  }
}

/* What a row of differences is about. */
typedef struct sides {
  const bf__sketch_column *source, *target;
} sides;

static sides sides_of(const bf_explanation *e, const bf_sketch *source, const bf_sketch *target, const uint32_t *map,
                      size_t row) {
  size_t number = number_of(e, row);
  return (sides){&source->columns[number], &target->columns[map[number]]};
}

static bool is_constant(const bf__sketch_column *column) {
  return column->count >= CONSTANT_ROWS && column->min == column->max;
}

/* Whether the column differs by more than `limit` and by more than chance would. */
static bool differs(const bf_column_difference *row, sides of, double limit) {
  if (!(row->jsd > limit)) return false;
  double both = 1.0 / (double)of.source->count + 1.0 / (double)of.target->count; /* a JS: neither is empty */
  if (of.source->count >= SMALL && of.target->count >= SMALL) return row->jsd > CHANCE * both;
  bool constant = is_constant(of.source) || is_constant(of.target);
  return fabs(row->shift) > SURE * sqrt(both) || (constant && row->jsd > CLEAR_JSD);
}

/* "`a`, `b` and 3 more columns have no value in the target": of columns that have some on the other side. */
static size_t say_lacking(bf_explanation *e, const bf_sketch *source, const bf_sketch *target, const uint32_t *map,
                          bool in_target) {
  size_t n = 0;
  const char *first[2] = {"", ""};
  for (size_t i = 0; i < e->n_columns; ++i) {
    sides of = sides_of(e, source, target, map, i);
    const bf__sketch_column *here = in_target ? of.target : of.source, *there = in_target ? of.source : of.target;
    if (here->count > 0 || there->count == 0) continue;
    if (n < 2) first[n] = e->columns[i].name;
    ++n;
  }
  const char *where = in_target ? "target" : "source";
  if (n == 1) bf__say(e, "`%s` has no value in the %s", first[0], where);
  if (n == 2) bf__say(e, "`%s` and `%s` have no value in the %s", first[0], first[1], where);
  if (n > 2) bf__say(e, "`%s`, `%s` and %zu more have no value in the %s", first[0], first[1], n - 2, where);
  return n;
}

static double missing_share(const bf__sketch_column *column) {
  return (double)column->missing / ((double)column->count + (double)column->missing);
}

/* The column whose share of missing cells differs most, where it does clearly. */
static void say_missing(bf_explanation *e, const bf_sketch *source, const bf_sketch *target, const uint32_t *map) {
  size_t most = e->n_columns;
  double largest = 0.0, s = 0.0, t = 0.0;
  for (size_t i = 0; i < e->n_columns; ++i) {
    sides of = sides_of(e, source, target, map, i);
    if (of.source->count == 0 || of.target->count == 0) continue;
    double d = fabs(missing_share(of.target) - missing_share(of.source));
    if (!(d > largest)) continue;
    most = i;
    largest = d;
    s = missing_share(of.source);
    t = missing_share(of.target);
  }
  double rows = 1.0 / (double)source->rows + 1.0 / (double)target->rows; /* a share's deviation is at most 1/2 */
  if (largest < SHARE_OF_ROWS || largest < SURE * 0.5 * sqrt(rows)) return;
  bf__say(e, "`%s` is missing in %.3g %% of the target's rows and in %.3g %% of the source's", e->columns[most].name,
          100.0 * t, 100.0 * s);
}

static void say_column(bf_explanation *e, const bf_column_difference *row, sides of) {
  const char *direction = row->shift > 0.0 ? "higher" : "lower";
  bool source = is_constant(of.source), target = is_constant(of.target);
  if (source && target) {
    bf__say(e, "`%s` is constant in both, %.6g in the target against %.6g", row->name, row->target_mean,
            row->source_mean);
  } else if (source || target) {
    bf__say(e, "`%s` is constant in the %s, %.4g, and varies in the %s (JS %.2g)", row->name,
            source ? "source" : "target", source ? row->source_mean : row->target_mean, source ? "target" : "source",
            row->jsd);
  } else if (fabs(row->shift) >= 0.25) {
    bf__say(e, "`%s` is %s: mean %.4g against %.4g, %.2g source deviations (JS %.2g)", row->name, direction,
            row->target_mean, row->source_mean, fabs(row->shift), row->jsd);
  } else if (row->scale > 1.25 || row->scale < 0.8) {
    bf__say(e, "`%s` is spread %.3g times as wide as in the source (JS %.2g)", row->name, row->scale, row->jsd);
  } else {
    bf__say(e, "`%s` has another shape of distribution (JS %.2g) at a similar mean, %.4g against %.4g", row->name,
            row->jsd, row->target_mean, row->source_mean);
  }
}

static const char *noun_of(const bf_sketch *source) {
  return source->kind == BF_KIND_PAIR     ? "similarities"
         : source->kind == BF_KIND_SERIES ? "statistics of the channels"
                                          : "columns";
}

static void say_view(bf_explanation *e, const bf_sketch *source, const bf_sketch *target, const uint32_t *map,
                     const bf__unit *units) {
  const char *columns = noun_of(source);
  size_t clear = 0, told = 0, compared = 0, suspected = 0;
  size_t lacking = say_lacking(e, source, target, map, true) + say_lacking(e, source, target, map, false);
  say_missing(e, source, target, map);
  for (size_t i = 0; i < e->n_columns; ++i) {
    compared += !isnan(e->columns[i].jsd);
    suspected += units[number_of(e, i)].factor > 0.0;
    clear += differs(&e->columns[i], sides_of(e, source, target, map, i), CLEAR_JSD);
  }
  if (compared == 0) return;
  for (size_t i = 0; i < e->n_columns && told < TOLD_COLUMNS; ++i) {
    const bf_column_difference *row = &e->columns[i];
    sides of = sides_of(e, source, target, map, i);
    if (!differs(row, of, ALIKE_JSD) || units[number_of(e, i)].factor > 0.0) continue;
    say_column(e, row, of);
    ++told;
  }
  if (clear > told || (clear > 0 && e->n_columns > 1)) {
    bf__say(e, "%zu of %zu %s differ clearly (JS above %.1f)", clear, e->n_columns, columns, CLEAR_JSD);
  } else if (clear == 0 && e->columns[0].jsd <= ALIKE_JSD) {
    if (compared == 1) {
      bf__say(e, "the %scolumn is distributed alike (JS %.2g)", lacking ? "other " : "", e->columns[0].jsd);
    } else {
      bf__say(e, "%s %zu %s are distributed alike (largest JS %.2g, in `%s`)", lacking ? "the other" : "all", compared,
              columns, e->columns[0].jsd, e->columns[0].name);
    }
  } else if (clear == 0 && told + suspected == 0) {
    bf__say(e, "no column differs by more than chance would (largest JS %.2g, in `%s`)", e->columns[0].jsd,
            e->columns[0].name);
  }
}

static void say_raw(bf_explanation *e) {
  if (e->n_columns == 0) return;
  if (fabs(e->columns[0].shift) < 0.1) {
    bf__say(e, "the means of all columns agree (largest difference %.2g source deviations, in `%s`)",
            fabs(e->columns[0].shift), e->columns[0].name);
    return;
  }
  for (size_t i = 0; i < e->n_columns && i < TOLD_COLUMNS; ++i) {
    const bf_column_difference *row = &e->columns[i];
    bf__say(e, "`%s` is %s: mean %.4g against %.4g, %.2g source deviations", row->name,
            row->shift > 0.0 ? "higher" : "lower", row->target_mean, row->source_mean, fabs(row->shift));
  }
}

static void say_image(bf_explanation *e) {
  const bf_column_difference *region = NULL;
  for (size_t i = 0; i < e->n_columns; ++i) {
    const bf_column_difference *row = &e->columns[i];
    double difference = row->target_mean - row->source_mean;
    if (strcmp(row->name, "brightness") == 0) {
      bf__say(e,
              fabs(difference) < 0.02 ? "as bright as the source: %.3g against %.3g (white is 1)"
              : difference > 0.0      ? "brighter: %.3g against %.3g (white is 1)"
                                      : "darker: %.3g against %.3g (white is 1)",
              row->target_mean, row->source_mean);
    } else if (strcmp(row->name, "contrast") == 0) {
      bool alike = row->scale > 0.9 && row->scale < 1.1;
      bf__say(e,
              alike              ? "similar contrast: %.3g against %.3g"
              : row->scale > 1.0 ? "more contrast: %.3g against %.3g"
                                 : "less contrast: %.3g against %.3g",
              row->target_mean, row->source_mean);
    } else if (!region || fabs(difference) > fabs(region->target_mean - region->source_mean)) {
      region = row;
    }
  }
  if (region && fabs(region->target_mean - region->source_mean) >= 0.02) {
    bf__say(e, "the %s differs most: brightness %.3g against %.3g", region->name, region->target_mean,
            region->source_mean);
  }
}

static bf_status say_partitions(bf_explanation *e, const bf_sketch *source, const bf_sketch *target,
                                const bf_measure_options *options, bf_error *err) {
  bf__paper_histogram *s = NULL, *t = NULL;
  size_t n_s = 0, n_t = 0, matched = 0;
  double best[BF__PARTITIONS];
  bf_status status = BF_OK;
  BF_TRY(bf__sketch_partitions(source, options, false, &s, &n_s, err));
  BF_TRY(bf__sketch_partitions(target, options, true, &t, &n_t, err));
  if (n_s == 0 || n_t == 0) goto out;
  for (size_t b = 0; b < n_t; ++b) {
    bool near = false;
    best[b] = bf__paper_closest(&t[b], s, n_s, options->adaptivity_threshold, &near);
    matched += near;
  }
  qsort(best, n_t, sizeof *best, bf__compare_doubles);
  double median = (best[(n_t - 1) / 2] + best[n_t / 2]) / 2.0;
  const char *plural = n_t == 1 ? "" : "s";
  if (matched == 0) {
    bf__say(e, "none of %zu target partition%s has a match (JS < %g; median of the best JS %.2g)", n_t, plural,
            options->adaptivity_threshold, median);
  } else if (matched == n_t) {
    bf__say(e, "%s %zu target partition%s match%s (JS < %g; median of the best JS %.2g)", n_t == 1 ? "the" : "all", n_t,
            plural, n_t == 1 ? "es" : "", options->adaptivity_threshold, median);
  } else {
    bf__say(e, "%zu of %zu target partitions %s no match (JS < %g)", n_t - matched, n_t,
            n_t - matched == 1 ? "has" : "have", options->adaptivity_threshold);
  }
out:
  free(s);
  free(t);
  return status;
}

bf_status bf__explain_sentences(bf_explanation *e, const bf_sketch *source, const bf_sketch *target,
                                const bf_measure_options *options, const uint32_t *map, const bf__unit *units,
                                bf_error *err) {
  if (source->rows == 0 || target->rows == 0) {
    bf__say(e, "the %s has no rows", source->rows == 0 ? "source" : "target");
    return BF_OK;
  }
  if (source->kind == BF_KIND_IMAGE) {
    say_image(e);
  } else if (source->projected) {
    say_raw(e);
  } else {
    say_units(e, units);
    say_view(e, source, target, map, units);
  }
  bf__say_words(e, source, target);
  bf_status status = say_partitions(e, source, target, options, err);
  if (status != BF_OK) return status;
  if (source->rows < BF__FEW_ROWS) {
    bf__say(e, "the source has only %llu row%s", (unsigned long long)source->rows, source->rows == 1 ? "" : "s");
  }
  return BF_OK;
}
