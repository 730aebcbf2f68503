/* From what the builder has gathered to a sketch: extremes are trimmed, quantiles and centroids taken from the sample,
 * names and labels put in order. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sketch/builder_state.h"
#include "sketch/kmeans.h"
#include "sketch/sketch_labels.h"

/* The trimmed extremes of all raw cells; false where there are none. */
static bool trim_raw(bf__sketch_builder *b, float *low, float *high) {
  uint64_t count = 0;
  for (uint32_t w = 0; w < b->n_threads; w++) {
    count += b->workers[w].cells - b->workers[w].missing;
    if (w) bf__extremes_merge(&b->workers[0].extremes, &b->workers[w].extremes);
  }
  if (count) bf__extremes_trimmed(&b->workers[0].extremes, count, low, high);
  return count != 0;
}

static bf_status finish_partitions(bf__sketch_builder *b, bf_sketch *s, bf_error *err) {
  if (b->rows == 0 || bf__kind_is_text(b->kind)) return BF_OK;
  s->partitions = bf__alloc(BF__PARTITIONS, sizeof *s->partitions);
  if (!s->partitions) return bf__error_memory(err, BF__PARTITIONS * sizeof *s->partitions);
  s->n_partitions = BF__PARTITIONS;
  float low = 0, high = 0;
  const bool any = trim_raw(b, &low, &high);
  for (size_t i = 0; i < BF__PARTITIONS; i++) {
    bf__bucket *bucket = &b->workers[0].buckets[i];
    for (uint32_t w = 1; w < b->n_threads; w++) bf__bucket_merge(bucket, &b->workers[w].buckets[i]);
    if (any) bf__bucket_clamp(bucket, low, high);
    bf__partition *p = &s->partitions[i];
    p->rows = bucket->rows;
    if (bucket->count == 0) continue;
    p->count = bucket->count;
    p->min = (double)bucket->min;
    p->max = (double)bucket->max;
    p->exponent = bucket->exponent;
    p->base = bucket->base;
    p->lattice = bucket->lattice;
    p->n_bins = (uint32_t)bf__grid_bins(p->min, p->max, p->exponent);
    p->counts = bf__alloc(p->n_bins, sizeof *p->counts);
    if (!p->counts) return bf__error_memory(err, p->n_bins * sizeof *p->counts);
    memcpy(p->counts, bucket->counts, p->n_bins * sizeof *p->counts);
    s->raw_count += p->count;
  }
  s->raw_min = (double)low;
  s->raw_max = (double)high;
  return BF_OK;
}

static bf_status finish_raw(bf__sketch_builder *b, bf_sketch *s, bf_error *err) {
  s->raw_names = b->raw_names;
  b->raw_names = NULL;
  if (!b->raw_count) return BF_OK;
  const size_t n = (size_t)b->raw_columns;
  s->raw_means = bf__alloc(n, sizeof *s->raw_means);
  s->raw_variances = bf__alloc(n, sizeof *s->raw_variances);
  if (!s->raw_means || !s->raw_variances) return bf__error_memory(err, n * sizeof *s->raw_means);
  for (size_t j = 0; j < n; j++) {
    s->raw_means[j] = bf__to_float(b->raw_mean[j]);
    s->raw_variances[j] = b->raw_count[j] > 0 ? bf__to_float(b->raw_m2[j] / b->raw_count[j]) : 0.0f;
  }
  return BF_OK;
}

static bf_status finish_view(bf__sketch_builder *b, bf_sketch *s, bf_error *err) {
  const size_t n = b->n_columns;
  s->n_columns = b->n_columns;
  s->columns = bf__alloc(n, sizeof *s->columns);
  s->left_out = bf__alloc(n, sizeof *s->left_out);
  s->means = bf__alloc(n, sizeof *s->means);
  s->covariance = bf__alloc(n * (n + 1) / 2, sizeof *s->covariance);
  if (!s->columns || !s->left_out || !s->means || !s->covariance) {
    return bf__error_memory(err, n * sizeof *s->columns);
  }
  if (b->n_open) {
    const float *last = b->open;
    bf__moments_add(b->moments, &last, 1, b->n_open, b->n_threads);
    b->n_open = 0;
  }
  bf__moments_finish(b->moments, s);
  for (size_t j = 0; j < n; j++) {
    s->means[j] = bf__to_float(s->columns[j].mean);
    if (b->names) memcpy(s->columns[j].name, b->names[j], sizeof s->columns[j].name);
  }
  const float *rows;
  uint32_t n_rows;
  bf_status status = bf__sample_finish(b->sample, &rows, &n_rows, err);
  if (status == BF_OK) status = bf__sample_quantiles(rows, n_rows, s, b->n_threads, err);
  if (status == BF_OK) status = bf__kmeans(b->kernels, rows, n_rows, s, b->n_threads, err);
  return status;
}

static bf_status finish_words(bf__sketch_builder *b, bf_sketch *s, bf_error *err) {
  bf_status status = BF_OK;
  if (!b->words && !bf__kind_is_text(b->kind)) return BF_OK;
  if (!b->words) status = bf__word_counter_create(b->seed, 0, &b->words, err);
  return status == BF_OK ? bf__word_counter_finish(b->words, b->min_count, &s->words, err) : status;
}

static bf_status finish_labels(const bf__sketch_builder *b, const char *(*label_name)(const void *, uint32_t),
                               const void *context, bf_sketch *s, bf_error *err) {
  if (!label_name || b->n_labels == 0) return BF_OK;
  bf__label *labels = bf__alloc(b->n_labels, sizeof *labels);
  if (!labels) return bf__error_memory(err, b->n_labels * sizeof *labels);
  for (size_t i = 0; i < b->n_labels; i++) {
    const char *name = label_name(context, (uint32_t)i);
    labels[i].count = b->label_counts[i];
    bf__sketch_name(name ? name : "", labels[i].name);
  }
  bf_status status = bf__sketch_keep_labels(labels, b->n_labels, s, err);
  free(labels);
  return status;
}

bf_status bf__sketch_builder_finish(bf__sketch_builder *b, const char *(*label_name)(const void *, uint32_t),
                                    const void *context, bf_sketch **out, bf_error *err) {
  *out = NULL;
  bf_status status = BF_OK;
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_sketch *s = bf__sketch_alloc();
  if (!s) return bf__error_memory(err, sizeof *s);
  s->kind = b->kind;
  s->seed = b->seed;
  s->rows = b->rows;
  s->view_rows = b->view_rows;
  s->min_count = b->min_count;
  s->raw_columns = b->raw_columns;
  s->height = b->height;
  s->width = b->width;
  s->channels = b->channels;
  s->steps = b->steps;
  s->range_max = b->range_max;
  s->column_list_hash = b->column_list_hash;
  s->named = b->named;
  s->projected = b->projected;
  for (uint32_t i = 0; i < b->n_threads; i++) s->missing += b->workers[i].missing;
  BF_TRY(finish_partitions(b, s, err));
  BF_TRY(finish_raw(b, s, err));
  BF_TRY(finish_view(b, s, err));
  BF_TRY(finish_words(b, s, err));
  BF_TRY(finish_labels(b, label_name, context, s, err));
  /* Through the bytes and back: a sketch just made and one loaded later are the same numbers. */
  BF_TRY(bf_sketch_encode(s, &bytes, &n_bytes, err));
  BF_TRY(bf_sketch_decode(bytes, n_bytes, out, err));
out:
  free(bytes);
  bf_sketch_free(s);
  return status;
}
