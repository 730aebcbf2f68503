/* The measures of "Benchmark of DNN Model Search at Deployment Time" (SSDBM 2022) from sketches.
 *
 * paper-jsd         JS of the two flattened arrays' 100-bin histograms, each min-max normalised by itself.
 * paper-l2          Euclidean distance of the column means, each array min-max normalised as a whole.
 * paper-adaptivity  #{(a, b): JS(P_a, Q_b) < t} / #target partitions; asymmetric, and above 1 where the source has many
 * alike partitions.
 *
 * All three see the raw array, not the view. The first and the third read the sketch's partitions
 * (partition_histogram.c), and stand for the definition as far as the grids do: exactly for lattices (bytes, integers),
 * else within the width of a grid cell.
 */
#include <math.h>

#include "measure/measure_internal.h"

static bf_status no_cells(const char *side, bf_error *err) {
  return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no finite cell", side);
}

bf_status bf__paper_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  if (!source->has_histogram) return no_cells("source", err);
  if (!target->has_histogram) return no_cells("target", err);
  *out = bf__jsd(source->histogram.share, target->histogram.share, BF__PAPER_BINS);
  return BF_OK;
}

bf_status bf__paper_adaptivity(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  if (source->n_partitions == 0) return no_cells("source", err);
  if (target->n_target_partitions == 0) return no_cells("target", err);
  uint64_t matches =
      bf__paper_matches(source->partitions, source->n_partitions, target->target_partitions,
                        target->n_target_partitions, bf__measure_options(&source->frame->options).adaptivity_threshold);
  *out = (double)matches / (double)target->n_target_partitions;
  return BF_OK;
}

/* One array as min-max normalisation sees it. */
typedef struct normaliser {
  double min, width;
} normaliser;

static double normalised(const normaliser *n, double mean) {
  return n->width > 0.0 ? (mean - n->min) / n->width : 0.0; /* a constant array normalises to 0 */
}

/* Over the columns that the source's model reads: their own means and ranges, matched as the frame matches them. */
static bf_status l2_of_columns(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  const bf_prepared *sides[2] = {source, target};
  normaliser range[2];
  uint32_t n = source->frame->reference->n_columns, used = 0;
  for (int s = 0; s < 2; ++s) {
    double min = INFINITY, max = -INFINITY;
    for (uint32_t j = 0; j < n; ++j) {
      const bf__sketch_column *column = &sides[s]->sketch->columns[sides[s]->map[j]];
      if (column->count == 0) continue;
      min = fmin(min, (double)column->min);
      max = fmax(max, (double)column->max);
    }
    if (!(min <= max)) return no_cells(s == 0 ? "source" : "target", err);
    range[s] = (normaliser){min, max - min};
  }
  double sum = 0.0;
  for (uint32_t j = 0; j < n; ++j) {
    const bf__sketch_column *a = &source->sketch->columns[source->map[j]];
    const bf__sketch_column *b = &target->sketch->columns[target->map[j]];
    if (a->count == 0 || b->count == 0) continue;
    double d = normalised(&range[0], a->mean) - normalised(&range[1], b->mean);
    sum += d * d;
    ++used;
  }
  if (used == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "no column has a finite cell on both sides");
  *out = sqrt(sum);
  return BF_OK;
}

bf_status bf__paper_l2(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  const bf_sketch *s = source->sketch, *t = target->sketch;
  if (s->kind == BF_KIND_FEATURES && !s->projected) return l2_of_columns(source, target, out, err);
  if (s->raw_count == 0) return no_cells("source", err);
  if (t->raw_count == 0) return no_cells("target", err);
  if (s->raw_columns != t->raw_columns || s->height != t->height || s->width != t->width) {
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "paper-l2 needs equal columns: %llu in the source, %llu in the target",
                     (unsigned long long)s->raw_columns, (unsigned long long)t->raw_columns);
  }
  if (!s->raw_means || !t->raw_means) {
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "paper-l2 needs column means: a sketch keeps at most %u, of %llu here",
                     BF__MAX_RAW_COLUMNS, (unsigned long long)s->raw_columns);
  }
  normaliser range[2] = {{s->raw_min, s->raw_max - s->raw_min}, {t->raw_min, t->raw_max - t->raw_min}};
  double sum = 0.0;
  uint64_t used = 0;
  for (uint64_t j = 0; j < s->raw_columns; ++j) {
    if (!isfinite(s->raw_means[j]) || !isfinite(t->raw_means[j])) continue;
    double d = normalised(&range[0], (double)s->raw_means[j]) - normalised(&range[1], (double)t->raw_means[j]);
    sum += d * d;
    ++used;
  }
  if (used == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "no column has a finite cell on both sides");
  *out = sqrt(sum);
  return BF_OK;
}
