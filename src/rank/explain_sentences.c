/* The sentences of an explanation: suspected units first, then the columns that differ most, the partitions without a
 * match, and a source of few rows (bf_explain() adds the target's; a ranking says that once, as a warning). At most
 * BF__MAX_SENTENCES, most telling first, each with its numbers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/measure_internal.h"
#include "rank/rank_internal.h"

#define CLEAR_JSD 0.1  /* a column differs clearly */
#define ALIKE_JSD 0.02 /* a column hardly differs */
#define TOLD_COLUMNS 2u
#define FEW_ROWS 100u

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

static void say_column(bf_explanation *e, const bf_column_difference *row) {
  const char *direction = row->shift > 0.0 ? "higher" : "lower";
  if (fabs(row->shift) >= 0.25) {
    bf__say(e, "`%s` is %s: mean %.4g against %.4g, %.2g source deviations (JS %.2g)", row->name, direction,
            row->target_mean, row->source_mean, fabs(row->shift), row->jsd);
  } else if (row->scale > 1.25 || row->scale < 0.8) {
    bf__say(e, "`%s` is spread %.3g times as wide as in the source (JS %.2g)", row->name, row->scale, row->jsd);
  } else {
    bf__say(e, "`%s` has another shape of distribution (JS %.2g) at a similar mean, %.4g against %.4g", row->name,
            row->jsd, row->target_mean, row->source_mean);
  }
}

static void say_view(bf_explanation *e, const bf__unit *units) {
  size_t clear = 0, told = 0;
  for (size_t i = 0; i < e->n_columns; ++i) clear += e->columns[i].jsd > CLEAR_JSD;
  for (size_t i = 0; i < e->n_columns && told < TOLD_COLUMNS; ++i) {
    const bf_column_difference *row = &e->columns[i];
    if (!(row->jsd > ALIKE_JSD) || units[number_of(e, i)].factor > 0.0) continue;
    say_column(e, row);
    ++told;
  }
  if (clear > told || (clear > 0 && e->n_columns > 1)) {
    bf__say(e, "%zu of %zu columns differ clearly (JS above %.1f)", clear, e->n_columns, CLEAR_JSD);
  } else if (clear == 0 && e->n_columns > 0 && e->columns[0].jsd <= ALIKE_JSD) {
    bf__say(e, "all %zu columns are distributed alike (largest JS %.2g, in `%s`)", e->n_columns, e->columns[0].jsd,
            e->columns[0].name);
  } else if (clear == 0 && e->n_columns > 1) {
    bf__say(e, "no column differs clearly (largest JS %.2g)", e->columns[0].jsd);
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

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static bf_status say_partitions(bf_explanation *e, const bf_sketch *source, const bf_sketch *target,
                                const bf_measure_options *options, bf_error *err) {
  bf__paper_histogram *s = NULL, *t = NULL;
  size_t n_s = 0, n_t = 0, matched = 0;
  double best[BF__PARTITIONS];
  bf_status status = BF_OK;
  BF_TRY(bf__sketch_partitions(source, options->partition_size, &s, &n_s, err));
  BF_TRY(bf__sketch_partitions(target, options->partition_size, &t, &n_t, err));
  if (n_s == 0 || n_t == 0) goto out;
  for (size_t b = 0; b < n_t; ++b) {
    bool near = false;
    best[b] = bf__paper_closest(&t[b], s, n_s, options->adaptivity_threshold, &near);
    matched += near;
  }
  qsort(best, n_t, sizeof *best, compare_doubles);
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
                                const bf_measure_options *options, const bf__unit *units, bf_error *err) {
  if (source->kind == BF_KIND_IMAGE) {
    say_image(e);
  } else if (source->projected) {
    say_raw(e);
  } else {
    say_units(e, units);
    say_view(e, units);
  }
  bf_status status = say_partitions(e, source, target, options, err);
  if (status != BF_OK) return status;
  if (source->rows < FEW_ROWS) bf__say(e, "the source has only %llu rows", (unsigned long long)source->rows);
  return BF_OK;
}
