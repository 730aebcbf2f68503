/* The sketch in memory: life and read access. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "sketch/sketch_data.h"

bf_sketch *bf__sketch_alloc(void) {
  return bf__alloc(1, sizeof(bf_sketch));
}

void bf_sketch_free(bf_sketch *sketch) {
  if (!sketch) return;
  for (uint32_t i = 0; sketch->partitions && i < sketch->n_partitions; i++) free(sketch->partitions[i].counts);
  free(sketch->raw_means);
  free(sketch->raw_variances);
  free(sketch->raw_names);
  free(sketch->columns);
  free(sketch->left_out);
  free(sketch->means);
  free(sketch->covariance);
  free(sketch->centroids);
  free(sketch->centroid_rows);
  free(sketch->partitions);
  free(sketch->labels);
  if (sketch->words) free(sketch->words->words);
  free(sketch->words);
  free(sketch);
}

void bf__sketch_forget_names(bf_sketch *sketch) {
  if (sketch->kind != BF_KIND_FEATURES) return; /* names of others say what the view is */
  for (uint32_t i = 0; i < sketch->n_columns; i++) memset(sketch->columns[i].name, 0, sizeof sketch->columns[i].name);
  sketch->named = false;
  free(sketch->raw_names);
  sketch->raw_names = NULL;
  sketch->column_list_hash = bf__xxh64("", 0, sketch->raw_columns);
}

bf_kind bf_sketch_kind(const bf_sketch *sketch) {
  return sketch->kind;
}

uint64_t bf_sketch_rows(const bf_sketch *sketch) {
  return sketch->rows;
}

uint64_t bf_sketch_seed(const bf_sketch *sketch) {
  return sketch->seed;
}

uint64_t bf_sketch_raw_column_count(const bf_sketch *sketch) {
  return sketch->raw_columns;
}

bool bf_sketch_image_shape(const bf_sketch *sketch, uint32_t *height, uint32_t *width, uint32_t *channels) {
  if (height) *height = sketch->height;
  if (width) *width = sketch->width;
  if (channels) *channels = sketch->channels;
  return sketch->height != 0;
}

double bf_sketch_range_max(const bf_sketch *sketch) {
  return sketch->range_max;
}

uint64_t bf_sketch_missing(const bf_sketch *sketch) {
  return sketch->missing;
}

bool bf_sketch_projected(const bf_sketch *sketch) {
  return sketch->projected;
}

uint32_t bf_sketch_column_count(const bf_sketch *sketch) {
  return sketch->n_columns;
}

bf_status bf_sketch_column(const bf_sketch *sketch, uint32_t i, bf_column *out, bf_error *err) {
  memset(out, 0, sizeof *out);
  if (i >= sketch->n_columns) {
    return bf__error(err, BF_ERR_NOT_FOUND, "column %u of a sketch of %u columns (numbered from 0)", i,
                     sketch->n_columns);
  }
  const bf__sketch_column *c = &sketch->columns[i];
  *out = (bf_column){.name = sketch->named && !sketch->projected ? c->name : NULL,
                     .count = c->count,
                     .missing = c->missing,
                     .mean = c->mean,
                     .variance = c->variance,
                     .min = c->min,
                     .max = c->max,
                     .n_quantiles = c->n_quantiles,
                     .quantiles = c->n_quantiles ? c->quantiles : NULL};
  return BF_OK;
}

const float *bf_sketch_raw_means(const bf_sketch *sketch) {
  return sketch->raw_means;
}

const float *bf_sketch_raw_variances(const bf_sketch *sketch) {
  return sketch->raw_variances;
}

uint64_t bf_sketch_word_total(const bf_sketch *sketch) {
  return sketch->words ? sketch->words->total : 0;
}

double bf_sketch_word_distinct(const bf_sketch *sketch) {
  return sketch->words ? sketch->words->distinct : 0.0;
}

uint32_t bf_sketch_word_count(const bf_sketch *sketch) {
  return sketch->words ? sketch->words->n_words : 0;
}

const char *bf_sketch_word(const bf_sketch *sketch, uint32_t i, uint64_t *count, uint64_t *documents) {
  const bf__word *w = i < bf_sketch_word_count(sketch) ? &sketch->words->words[i] : NULL;
  if (count) *count = w ? w->count : 0;
  if (documents) *documents = w ? w->documents : 0;
  return w ? w->word : NULL;
}

uint32_t bf_sketch_label_count(const bf_sketch *sketch) {
  return sketch->n_labels;
}

const char *bf_sketch_label(const bf_sketch *sketch, uint32_t i, uint64_t *count) {
  if (count) *count = i < sketch->n_labels ? sketch->labels[i].count : 0;
  return i < sketch->n_labels ? sketch->labels[i].name : NULL;
}
