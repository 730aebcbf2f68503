/* A sketch as seen in a frame: every part that a measure reads is computed once, so that a measure of a pair is a short
 * loop. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/measure_internal.h"

void bf_prepared_free(bf_prepared *prepared) {
  if (!prepared) return;
  free(prepared->map);
  free(prepared->bins);
  free(prepared->points);
  free(prepared->weights);
  free(prepared->reduced);
  free(prepared->reduced_weights);
  free(prepared->cells);
  free(prepared->mean);
  free(prepared->covariance);
  free(prepared->factor);
  free(prepared->partitions);
  free(prepared->target_partitions);
  free(prepared->partition_keys);
  free(prepared->target_keys);
  bf__word_counts_deinit(&prepared->words);
  free(prepared->tfidf);
  bf__profiles_deinit(&prepared->soft);
  free(prepared);
}

static bf_status prepare_points(bf_prepared *prepared, uint32_t n_reduced, bf_error *err) {
  const bf_frame *frame = prepared->frame;
  const bf_sketch *sketch = prepared->sketch;
  uint32_t n = sketch->n_centroids, k = frame->n_columns;
  if (n == 0 || k == 0) return BF_OK;
  uint32_t m = n_reduced < n ? n_reduced : n;
  if (m == 0) m = n < BF__REDUCED ? n : BF__REDUCED;
  prepared->points = bf__alloc((size_t)n * k, sizeof *prepared->points);
  prepared->weights = bf__alloc(n, sizeof *prepared->weights);
  prepared->reduced = bf__alloc((size_t)m * k, sizeof *prepared->reduced);
  prepared->reduced_weights = bf__alloc(m, sizeof *prepared->reduced_weights);
  if (!prepared->points || !prepared->weights || !prepared->reduced || !prepared->reduced_weights) {
    return bf__error_memory(err, (size_t)n * k * sizeof(float));
  }
  prepared->n_points = n;
  bf__standardise(frame, sketch, prepared->map, prepared->points);
  double rows = 0.0;
  for (uint32_t i = 0; i < n; ++i) rows += (double)sketch->centroid_rows[i];
  for (uint32_t i = 0; i < n; ++i) prepared->weights[i] = (double)sketch->centroid_rows[i] / rows;
  bf__mmd_features(frame, prepared->points, prepared->weights, n, prepared->features);
  bf_status status = BF_OK;
  prepared->n_reduced = bf__reduce_points(prepared->points, prepared->weights, n, k, m, prepared->reduced,
                                          prepared->reduced_weights, &status, err);
  return status;
}

/* The Gaussian comes before the cells, which read its covariance. */
static bf_status prepare_data(bf_prepared *prepared, uint32_t n_reduced, bf_error *err) {
  const bf_frame *frame = prepared->frame;
  if (!(prepared->parts & BF__PART_POINTS)) return bf__gauss_prepare(prepared, err);
  prepared->bins = bf__alloc(frame->n_columns, sizeof *prepared->bins);
  if (!prepared->bins) return bf__error_memory(err, frame->n_columns * sizeof *prepared->bins);
  for (uint32_t j = 0; j < frame->n_columns; ++j) {
    const bf__frame_column *column = &frame->columns[j];
    bf__column_bins(&prepared->sketch->columns[prepared->map[column->source]], column->edges, prepared->bins[j]);
  }
  bf_status status = prepare_points(prepared, n_reduced, err);
  if (status == BF_OK) status = bf__gauss_prepare(prepared, err);
  return status == BF_OK ? bf__cells_prepare(prepared, err) : status;
}

static bf_status prepare_words(bf_prepared *prepared, bf_error *err) {
  bf_status status = BF_OK;
  if (prepared->parts & BF__PART_WORDS) status = bf__word_counts_init(&prepared->words, prepared->sketch, err);
  if (status == BF_OK && (prepared->parts & BF__PART_WORDS)) status = bf__tfidf_prepare(prepared, err);
  if (status == BF_OK && (prepared->parts & BF__PART_SOFT)) status = bf__soft_prepare(prepared, err);
  return status;
}

bf_status bf__prepared_create(const bf_frame *frame, const bf_sketch *sketch, unsigned parts, uint32_t n_reduced,
                              bf_prepared **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the prepared sketch");
  *out = NULL;
  if (!frame || !sketch) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a frame and a sketch are needed");
  bf_status status = BF_OK;
  bf_prepared *prepared = bf__alloc(1, sizeof *prepared);
  if (!prepared || !(prepared->map = bf__alloc(frame->reference->n_columns, sizeof *prepared->map))) {
    status = bf__error_memory(err, sizeof *prepared);
    goto out;
  }
  prepared->frame = frame;
  prepared->sketch = sketch;
  prepared->parts = parts;
  BF_TRY(bf__columns_map(frame->reference, sketch, "the sketch", prepared->map, err));
  if (parts & BF__PART_DATA) {
    BF_TRY(prepare_data(prepared, n_reduced ? n_reduced : frame->n_reduced, err));
  }
  if (parts & BF__PART_PAPER) {
    prepared->has_histogram = bf__sketch_histogram(sketch, &prepared->histogram);
    bf_measure_options options = bf__measure_options(&frame->options);
    BF_TRY(bf__sketch_partitions(sketch, &options, false, &prepared->partitions, &prepared->n_partitions, err));
    BF_TRY(bf__sketch_partitions(sketch, &options, true, &prepared->target_partitions, &prepared->n_target_partitions,
                                 err));
  }
  if (parts & BF__PART_HASHES) BF_TRY(bf__hashes_prepare(prepared, err));
  BF_TRY(prepare_words(prepared, err));
  *out = prepared;
  prepared = NULL;
out:
  bf_prepared_free(prepared);
  return status;
}

bf_status bf__needs_centroids(const bf_prepared *source, const bf_prepared *target, bf_error *err) {
  if (source->frame->n_columns == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, BF__NO_COLUMN);
  if (source->n_points > 0 && target->n_points > 0) return BF_OK;
  return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s's sketch has no centroids (fewer than 16 rows)",
                   source->n_points == 0 ? "source" : "target");
}

bf_status bf_prepared_create(const bf_frame *frame, const bf_sketch *sketch, bf_prepared **out, bf_error *err) {
  return bf__prepared_create(frame, sketch, BF__PART_ALL, 0, out, err);
}
