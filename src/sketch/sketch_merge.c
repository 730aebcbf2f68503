/* Two sketches of different rows to one of all of them.
 *
 * The operands are first put into the order of their bytes, so that merge(a, b) and merge(b, a) are the same bytes
 * whatever rounds on the way. What is made of integers alone (counts, buckets, hashed words, minima of hashes) is also
 * the same however more than two are grouped; the rest is so within the bounds that docs/formats/sketch-v1.md states a
 * merge. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sketch/merge_parts.h"
#include "sketch/moments.h"
#include "sketch/sketch_format.h"
#include "sketch/sketch_labels.h"

static bool same_names(const bf_sketch *a, const bf_sketch *b) {
  if (a->named != b->named || a->column_list_hash != b->column_list_hash) return false;
  for (uint32_t j = 0; j < a->n_columns; j++) {
    if (strcmp(a->columns[j].name, b->columns[j].name) != 0) return false;
  }
  return true;
}

static bf_status check_alike(const bf_sketch *a, const bf_sketch *b, bf_error *err) {
  if (a->kind != b->kind) {
    return bf__error(err, BF_ERR_MISMATCH, "sketches of kind %s and %s cannot be merged", bf_kind_name(a->kind),
                     bf_kind_name(b->kind));
  }
  if (a->seed != b->seed) {
    return bf__error(err, BF_ERR_MISMATCH, "sketches of seed %llu and %llu cannot be merged: make both with one seed",
                     (unsigned long long)a->seed, (unsigned long long)b->seed);
  }
  if (a->min_count != b->min_count) {
    return bf__error(err, BF_ERR_MISMATCH, "sketches of min_count %u and %u cannot be merged: make both with one",
                     a->min_count, b->min_count);
  }
  if (a->range_max < b->range_max || a->range_max > b->range_max) {
    return bf__error(err, BF_ERR_MISMATCH, "images whose white is %g and %g cannot be merged", a->range_max,
                     b->range_max);
  }
  const bool empty = a->rows == 0 || b->rows == 0; /* then images and windows have no shape yet */
  const bool shaped = a->kind == BF_KIND_IMAGE || a->kind == BF_KIND_SERIES;
  if (a->raw_columns != b->raw_columns && !(shaped && empty)) {
    return bf__error(err, BF_ERR_MISMATCH, "sketches of data with %llu and %llu cells a row cannot be merged",
                     (unsigned long long)a->raw_columns, (unsigned long long)b->raw_columns);
  }
  if ((a->height != b->height || a->width != b->width || a->channels != b->channels || a->steps != b->steps) &&
      !(shaped && empty)) {
    return bf__error(err, BF_ERR_MISMATCH, "images or windows of different shapes cannot be merged");
  }
  if (a->n_columns != b->n_columns || !same_names(a, b)) {
    return bf__error(err, BF_ERR_MISMATCH,
                     "sketches of different columns cannot be merged: `bestfit sketch --like` makes them alike");
  }
  return BF_OK;
}

static bf_status merge_schema(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err) {
  const bf_sketch *shape = a->rows ? a : b;
  out->kind = a->kind;
  out->seed = a->seed;
  out->min_count = a->min_count;
  out->range_max = a->range_max;
  out->named = a->named;
  out->projected = a->projected;
  out->column_list_hash = a->column_list_hash;
  out->n_columns = a->n_columns;
  out->raw_columns = shape->raw_columns;
  out->height = shape->height;
  out->width = shape->width;
  out->channels = shape->channels;
  out->steps = shape->steps;
  out->rows = a->rows + b->rows;
  out->view_rows = a->view_rows + b->view_rows;
  out->missing = a->missing + b->missing;
  out->raw_count = a->raw_count + b->raw_count;
  const bf_sketch *full = a->raw_count ? a : b;
  out->raw_min = a->raw_count && b->raw_count && b->raw_min < a->raw_min ? b->raw_min : full->raw_min;
  out->raw_max = a->raw_count && b->raw_count && b->raw_max > a->raw_max ? b->raw_max : full->raw_max;
  if (out->rows > (uint64_t)1 << 53 || out->view_rows > (uint64_t)1 << 53) {
    return bf__error(err, BF_ERR_LIMIT, "a sketch has at most 2^53 rows");
  }
  const bf_sketch *names = a->raw_names ? a : b;
  if (!names->raw_names) return BF_OK;
  out->raw_names = bf__alloc((size_t)out->raw_columns, sizeof *out->raw_names);
  if (!out->raw_names) return bf__error_memory(err, (size_t)out->raw_columns * sizeof *out->raw_names);
  memcpy(out->raw_names, names->raw_names, (size_t)out->raw_columns * sizeof *out->raw_names);
  return BF_OK;
}

/* Share of the first of two sides; how many cells a raw column has is not known, thus by rows. A mean of 0 where no
 * cell is 0 says that there are none. */
static double share_of_first(const bf_sketch *a, const bf_sketch *b, size_t j) {
  bool has_a = a->rows && a->raw_means && (a->raw_means[j] != 0.0f || (a->raw_min <= 0.0 && a->raw_max >= 0.0));
  bool has_b = b->rows && b->raw_means && (b->raw_means[j] != 0.0f || (b->raw_min <= 0.0 && b->raw_max >= 0.0));
  if (!has_a || !has_b) return has_a ? 1.0 : 0.0;
  return (double)a->rows / ((double)a->rows + (double)b->rows);
}

static bf_status merge_raw(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err) {
  if (!bf__has_raw_section(out)) return BF_OK;
  const size_t n = (size_t)out->raw_columns;
  out->raw_means = bf__alloc(n, sizeof *out->raw_means);
  out->raw_variances = bf__alloc(n, sizeof *out->raw_variances);
  if (!out->raw_means || !out->raw_variances) return bf__error_memory(err, n * sizeof *out->raw_means);
  for (size_t j = 0; j < n; j++) {
    const double share = share_of_first(a, b, j), rest = 1.0 - share;
    double mean_a = a->raw_means ? (double)a->raw_means[j] : 0, mean_b = b->raw_means ? (double)b->raw_means[j] : 0;
    double var_a = a->raw_means ? (double)a->raw_variances[j] : 0,
           var_b = b->raw_means ? (double)b->raw_variances[j] : 0;
    double d = mean_b - mean_a, low = mean_a < mean_b ? mean_a : mean_b, high = mean_a < mean_b ? mean_b : mean_a;
    double mean = mean_a * share + mean_b * rest; /* rounding may carry it past its parts */
    out->raw_means[j] = bf__to_float(mean < low ? low : mean > high ? high : mean);
    out->raw_variances[j] = bf__to_float(var_a * share + var_b * rest + d * d * share * rest);
  }
  return BF_OK;
}

static bf_status merge_labels(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err) {
  const size_t n_most = (size_t)a->n_labels + b->n_labels;
  bf__label *labels = bf__alloc(n_most, sizeof *labels);
  if (!labels) return bf__error_memory(err, n_most * sizeof *labels);
  size_t n = a->n_labels;
  if (n) memcpy(labels, a->labels, n * sizeof *labels);
  for (size_t i = 0; i < b->n_labels; i++) {
    size_t at = 0;
    while (at < a->n_labels && strcmp(labels[at].name, b->labels[i].name) != 0) at++;
    if (at == a->n_labels) {
      labels[n++] = b->labels[i];
    } else {
      labels[at].count += b->labels[i].count;
    }
  }
  bf_status status = bf__sketch_keep_labels(labels, n, out, err);
  free(labels);
  return status;
}

static bf_status merge_ordered(const bf_sketch *a, const bf_sketch *b, bf_sketch **out, bf_error *err) {
  bf_status status = BF_OK;
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_sketch *s = bf__sketch_alloc();
  if (!s) return bf__error_memory(err, sizeof *s);
  BF_TRY(merge_schema(a, b, s, err));
  BF_TRY(bf__merge_partitions(a, b, s, err));
  BF_TRY(merge_raw(a, b, s, err));
  BF_TRY(bf__merge_view(a, b, s, err));
  BF_TRY(bf__merge_centroids(a, b, s, err));
  BF_TRY(bf__merge_words(a, b, s, err));
  BF_TRY(merge_labels(a, b, s, err));
  BF_TRY(bf_sketch_encode(s, &bytes, &n_bytes, err));
  BF_TRY(bf_sketch_decode(bytes, n_bytes, out, err));
out:
  free(bytes);
  bf_sketch_free(s);
  return status;
}

bf_status bf_sketch_merge(const bf_sketch *a, const bf_sketch *b, bf_sketch **out, bf_error *err) {
  bf_status status = BF_OK;
  uint8_t *bytes_a = NULL, *bytes_b = NULL;
  size_t n_a = 0, n_b = 0;
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_sketch_merge: out is NULL");
  *out = NULL;
  if (!a || !b) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_sketch_merge: a sketch is NULL");
  BF_TRY(check_alike(a, b, err));
  BF_TRY(bf_sketch_encode(a, &bytes_a, &n_a, err));
  BF_TRY(bf_sketch_encode(b, &bytes_b, &n_b, err));
  int order = memcmp(bytes_a, bytes_b, n_a < n_b ? n_a : n_b);
  if (order == 0) order = (n_a > n_b) - (n_a < n_b);
  BF_TRY(order <= 0 ? merge_ordered(a, b, out, err) : merge_ordered(b, a, out, err));
out:
  free(bytes_a);
  free(bytes_b);
  return status;
}
