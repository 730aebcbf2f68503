/* Why a source is near or far: rows of differences, the match of partitions, and sentences (explain_sentences.c).
 *
 * `features` of at most 96 columns, the statistics of a series' channels and the similarities of pairs are compared
 * column by column from their quantile summaries; words by their shares (explain_words.c). A projected view has no
 * columns that mean anything: wide features are then compared by the means of the raw columns, and images by what one
 * sees: brightness, contrast and the brightness of five regions, from the mean and variance of each pixel over the
 * rows.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/measure_internal.h"
#include "rank/rank_internal.h"

#define SHOWN_RAW_COLUMNS 64u /* of wide features, those whose means differ most */
#define IMAGE_ROWS 7u

void bf_explanation_free(bf_explanation *explanation) {
  if (!explanation) return;
  free(explanation->columns);
  free(explanation->names);
  free(explanation->words);
  free(explanation->word_names);
  free(explanation->matrix);
  free(explanation);
}

size_t bf_explanation_column_count(const bf_explanation *explanation) {
  return explanation ? explanation->n_columns : 0;
}

const bf_column_difference *bf_explanation_column(const bf_explanation *explanation, size_t i) {
  return explanation && i < explanation->n_columns ? &explanation->columns[i] : NULL;
}

const double *bf_explanation_partitions(const bf_explanation *explanation, size_t *n_target, size_t *n_source,
                                        double *threshold) {
  if (!explanation) return NULL;
  if (n_target) *n_target = explanation->n_target;
  if (n_source) *n_source = explanation->n_source;
  if (threshold) *threshold = explanation->threshold;
  return explanation->matrix;
}

size_t bf_explanation_sentence_count(const bf_explanation *explanation) {
  return explanation ? explanation->n_sentences : 0;
}

const char *bf_explanation_sentence(const bf_explanation *explanation, size_t i) {
  return explanation && i < explanation->n_sentences ? explanation->sentences[i] : NULL;
}

void bf__say(bf_explanation *explanation, const char *format, ...) {
  if (explanation->n_sentences >= BF__MAX_SENTENCES) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(explanation->sentences[explanation->n_sentences++], BF__SENTENCE_BYTES, format, arguments);
  va_end(arguments);
}

/* --- rows -----------------------------------------------------------------------------------------------------------
 */

/* In source deviations; the target's where the source is constant; +-8 where both are constant and differ. */
static double shift_of(double source_mean, double target_mean, double source_variance, double target_variance) {
  double difference = target_mean - source_mean;
  double deviation = sqrt(source_variance > 0.0 ? source_variance : fmax(target_variance, 0.0));
  if (difference == 0.0) return 0.0;
  double shift = deviation > 0.0 ? difference / deviation : difference > 0.0 ? BF__CLIP : -BF__CLIP;
  return isfinite(shift) ? shift : difference > 0.0 ? BF__CLIP : -BF__CLIP;
}

static double ratio_of(double target, double source) {
  return source > 0.0 && isfinite(target / source) ? target / source : NAN;
}

static double scale_of(const bf__sketch_column *s, const bf__sketch_column *t) {
  double iqr_s = bf__column_quantile(s, 0.75) - bf__column_quantile(s, 0.25);
  double iqr_t = bf__column_quantile(t, 0.75) - bf__column_quantile(t, 0.25);
  if (iqr_s > 0.0 && iqr_t > 0.0) return ratio_of(iqr_t, iqr_s);
  return ratio_of(sqrt(fmax(t->variance, 0.0)), sqrt(fmax(s->variance, 0.0)));
}

/* JS of 16 bins at the quantiles pooled over the two; NaN where a side is empty. Not smoothed as hist-jsd is: for few
 * rows that would be more of the value than the data. */
static bf_status pair_jsd(const bf__sketch_column *s, const bf__sketch_column *t, double *out, bf_error *err) {
  const bf__sketch_column *pair[2] = {s, t};
  double edges[BF__EDGES], p[BF__BINS], q[BF__BINS];
  *out = NAN;
  if (s->count == 0 || t->count == 0) return BF_OK;
  bf_status status = bf__pooled_edges(pair, 2, edges, err);
  if (status != BF_OK) return status;
  bf__column_masses(s, edges, p);
  bf__column_masses(t, edges, q);
  *out = bf__jsd(p, q, BF__BINS);
  return BF_OK;
}

static bf_status make_rows(bf_explanation *e, size_t n, bf_error *err) {
  e->columns = bf__alloc(n, sizeof *e->columns);
  e->names = bf__alloc(n, sizeof *e->names);
  if (!e->columns || !e->names) return bf__error_memory(err, n * sizeof *e->columns);
  for (size_t i = 0; i < n; ++i) e->columns[i].name = e->names[i];
  return BF_OK;
}

/* Statistics of a series that are not proportional to its unit have none to suspect; nor have similarities. */
static bool has_unit(const bf_sketch *sketch, uint32_t column) {
  if (sketch->kind == BF_KIND_FEATURES) return true;
  const char *statistic = strrchr(sketch->columns[column].name, '.');
  return sketch->kind == BF_KIND_SERIES && statistic && strncmp(statistic, ".power", 6) != 0 &&
         strcmp(statistic, ".crossings") != 0;
}

/* `units` gets one entry a row. Rows are sorted later; where a row's name lies tells its number. */
static bf_status view_rows(bf_explanation *e, const bf_sketch *source, const bf_sketch *target, const uint32_t *map,
                           bf__unit *units, bf_error *err) {
  uint32_t n = source->kind == BF_KIND_PAIR && source->n_columns > BF__PAIR_SIMILARITIES ? BF__PAIR_SIMILARITIES
                                                                                         : source->n_columns;
  bf_status status = make_rows(e, n, err); /* of pairs the projected text means nothing by itself */
  for (uint32_t j = 0; status == BF_OK && j < n; ++j) {
    const bf__sketch_column *s = &source->columns[j], *t = &target->columns[map[j]];
    bf_column_difference *row = &e->columns[e->n_columns];
    bf__column_label(source, j, e->names[e->n_columns]);
    status = pair_jsd(s, t, &row->jsd, err);
    row->shift = s->count && t->count ? shift_of(s->mean, t->mean, s->variance, t->variance) : 0.0;
    row->scale = s->count && t->count ? scale_of(s, t) : NAN;
    row->source_mean = s->mean;
    row->target_mean = t->mean;
    if (has_unit(source, j)) units[e->n_columns] = bf__suspect_unit(s, t, row->jsd);
    row->unit_factor = units[e->n_columns].factor;
    ++e->n_columns;
  }
  return status;
}

static double raw_shift(const bf_sketch *source, const bf_sketch *target, uint64_t j) {
  if (!isfinite(source->raw_means[j]) || !isfinite(target->raw_means[j])) return 0.0;
  return shift_of((double)source->raw_means[j], (double)target->raw_means[j], (double)source->raw_variances[j],
                  (double)target->raw_variances[j]);
}

typedef struct numbered {
  double size;
  uint32_t number;
} numbered;

static int compare_numbered(const void *a, const void *b) {
  const numbered *x = a, *y = b;
  if (x->size != y->size) return x->size > y->size ? -1 : 1;
  return x->number < y->number ? -1 : x->number > y->number;
}

static bf_status raw_rows(bf_explanation *e, const bf_sketch *source, const bf_sketch *target, bf_error *err) {
  if (!source->raw_means || !target->raw_means || !source->raw_variances || !target->raw_variances ||
      source->raw_columns != target->raw_columns) {
    return BF_OK; /* above 4,096 columns nothing but partitions is known */
  }
  uint32_t n = (uint32_t)source->raw_columns, shown = n < SHOWN_RAW_COLUMNS ? n : SHOWN_RAW_COLUMNS;
  numbered *order = bf__alloc(n, sizeof *order);
  if (!order) return bf__error_memory(err, n * sizeof *order);
  for (uint32_t j = 0; j < n; ++j) order[j] = (numbered){fabs(raw_shift(source, target, j)), j};
  qsort(order, n, sizeof *order, compare_numbered);
  bf_status status = make_rows(e, shown, err);
  for (uint32_t i = 0; status == BF_OK && i < shown; ++i) {
    uint32_t j = order[i].number;
    bf_column_difference *row = &e->columns[e->n_columns];
    snprintf(e->names[e->n_columns++], sizeof *e->names, "column %u", j);
    row->jsd = NAN;
    row->shift = raw_shift(source, target, j);
    row->scale =
        ratio_of(sqrt(fmax((double)target->raw_variances[j], 0.0)), sqrt(fmax((double)source->raw_variances[j], 0.0)));
    row->source_mean = (double)source->raw_means[j];
    row->target_mean = (double)target->raw_means[j];
  }
  free(order);
  return status;
}

/* --- images ---------------------------------------------------------------------------------------------------------
 */

typedef struct brightness {
  double mean, within, variance; /* of pixels: mean, mean variance over rows, variance of all; white is 1 */
} brightness;

/* Pixels with row in [r0, r1) and column in [c0, c1) of the mean image, in thirds of it. */
static bool region_of(const bf_sketch *sketch, const unsigned thirds[4], brightness *out) {
  uint32_t h = sketch->height, w = sketch->width, c = sketch->channels;
  if (!sketch->raw_means || !sketch->raw_variances || h == 0 || w == 0 || c == 0 ||
      (uint64_t)h * w * c != sketch->raw_columns) {
    return false;
  }
  double white = sketch->range_max > 0.0 ? sketch->range_max : 1.0, sum = 0.0, squares = 0.0, within = 0.0;
  uint32_t r0 = h * thirds[0] / 3, r1 = h * thirds[1] / 3, c0 = w * thirds[2] / 3, c1 = w * thirds[3] / 3;
  uint64_t n = 0;
  for (uint32_t r = r0; r < r1; ++r) {
    for (size_t at = ((size_t)r * w + c0) * c, end = ((size_t)r * w + c1) * c; at < end; ++at, ++n) {
      double mean = (double)sketch->raw_means[at] / white;
      sum += mean;
      squares += mean * mean;
      within += (double)sketch->raw_variances[at] / white / white;
    }
  }
  if (n == 0 || !isfinite(sum) || !isfinite(within)) return false;
  out->mean = sum / (double)n;
  out->within = within / (double)n;
  out->variance = out->within + fmax(squares / (double)n - out->mean * out->mean, 0.0);
  return true;
}

/* Where images differ in size: from the grids of the partitions. */
static bool brightness_of_grids(const bf_sketch *sketch, brightness *out) {
  double white = sketch->range_max > 0.0 ? sketch->range_max : 1.0, n = 0.0, sum = 0.0, squares = 0.0;
  for (uint32_t p = 0; p < sketch->n_partitions; ++p) {
    const bf__partition *bucket = &sketch->partitions[p];
    double half = bucket->lattice ? 0.0 : 0.5;
    for (uint32_t b = 0; b < bucket->n_bins; ++b) {
      double mass = (double)bucket->counts[b];
      double x = ldexp((double)bucket->base + (double)b + half, bucket->exponent) / white;
      n += mass;
      sum += mass * x;
      squares += mass * x * x;
    }
  }
  if (!(n > 0.0) || !isfinite(squares)) return false;
  out->mean = sum / n;
  out->variance = out->within = fmax(squares / n - out->mean * out->mean, 0.0);
  return true;
}

static void image_row(bf_explanation *e, const char *name, const brightness *s, const brightness *t) {
  bf_column_difference *row = &e->columns[e->n_columns];
  snprintf(e->names[e->n_columns++], sizeof *e->names, "%s", name);
  row->jsd = NAN;
  row->source_mean = s->mean;
  row->target_mean = t->mean;
  row->shift = shift_of(s->mean, t->mean, s->variance, t->variance);
  row->scale = ratio_of(sqrt(t->variance), sqrt(s->variance));
}

static bf_status image_rows(bf_explanation *e, const bf_sketch *source, const bf_sketch *target, bf_error *err) {
  static const struct {
    const char *name;
    unsigned thirds[4]; /* rows from, to; columns from, to */
  } regions[] = {{"top", {0, 1, 0, 3}},
                 {"bottom", {2, 3, 0, 3}},
                 {"left", {0, 3, 0, 1}},
                 {"right", {0, 3, 2, 3}},
                 {"centre", {1, 2, 1, 2}}};
  static const unsigned everything[4] = {0, 3, 0, 3};
  brightness s, t;
  bf_status status = make_rows(e, IMAGE_ROWS, err);
  if (status != BF_OK) return status;
  if (!region_of(source, everything, &s) && !brightness_of_grids(source, &s)) return BF_OK;
  if (!region_of(target, everything, &t) && !brightness_of_grids(target, &t)) return BF_OK;
  image_row(e, "brightness", &s, &t);
  bf_column_difference *contrast = &e->columns[e->n_columns];
  snprintf(e->names[e->n_columns++], sizeof *e->names, "contrast");
  contrast->jsd = NAN;
  contrast->source_mean = sqrt(s.variance);
  contrast->target_mean = sqrt(t.variance);
  contrast->scale = ratio_of(contrast->target_mean, contrast->source_mean);
  contrast->shift =
      shift_of(contrast->source_mean, contrast->target_mean, s.variance, t.variance); /* relative change */
  for (size_t i = 0; i < sizeof regions / sizeof regions[0]; ++i) {
    if (region_of(source, regions[i].thirds, &s) && region_of(target, regions[i].thirds, &t)) {
      image_row(e, regions[i].name, &s, &t);
    }
  }
  return BF_OK;
}

/* --- all together ---------------------------------------------------------------------------------------------------
 */

static int compare_rows(const void *a, const void *b) {
  const bf_column_difference *x = a, *y = b;
  double jx = isnan(x->jsd) ? -1.0 : x->jsd, jy = isnan(y->jsd) ? -1.0 : y->jsd;
  if (jx != jy) return jx > jy ? -1 : 1;
  double sx = fabs(x->shift), sy = fabs(y->shift);
  if (sx != sy) return sx > sy ? -1 : 1;
  return x->name < y->name ? -1 : x->name > y->name; /* names lie in column order */
}

bf_status bf__explain(const bf_sketch *source, const bf_sketch *target, const bf_measure_options *options,
                      bool with_matrix, bf_explanation **out, bf_error *err) {
  bf_status status = BF_OK;
  bf_measure_options filled = bf__measure_options(options);
  bf_explanation *e = bf__alloc(1, sizeof *e);
  uint32_t *map = bf__alloc(source->n_columns, sizeof *map);
  bf__unit *units = bf__alloc(source->n_columns, sizeof *units);
  *out = NULL;
  if (!e || !map || !units) {
    status = bf__error_memory(err, source->n_columns * sizeof *units);
    goto out;
  }
  e->threshold = filled.adaptivity_threshold;
  BF_TRY(bf__columns_map(source, target, "the target", map, err));
  if (source->kind == BF_KIND_IMAGE) {
    BF_TRY(image_rows(e, source, target, err));
  } else if (source->projected) {
    BF_TRY(raw_rows(e, source, target, err));
  } else {
    BF_TRY(view_rows(e, source, target, map, units, err));
  }
  BF_TRY(bf__explain_words(e, source, target, err));
  if (e->n_columns) qsort(e->columns, e->n_columns, sizeof *e->columns, compare_rows);
  if (with_matrix) {
    status = bf_partition_matrix(source, target, &filled, &e->matrix, &e->n_target, &e->n_source, err);
    if (status == BF_ERR_NOT_APPLICABLE) status = BF_OK;
    if (status != BF_OK) goto out;
  }
  BF_TRY(bf__explain_sentences(e, source, target, &filled, map, units, err));
  *out = e;
  e = NULL;
out:
  free(map);
  free(units);
  bf_explanation_free(e);
  return status;
}

bf_status bf_explain(const bf_sketch *source, const bf_sketch *target, const bf_measure_options *options,
                     bf_explanation **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the explanation");
  *out = NULL;
  if (!source || !target) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a source and a target are needed");
  bf_status status = bf__explain(source, target, options, true, out, err);
  if (status == BF_OK && target->rows > 0 && target->rows < BF__FEW_ROWS) {
    bf__say(*out, "the target has only %llu row%s", (unsigned long long)target->rows, target->rows == 1 ? "" : "s");
  }
  return status;
}
