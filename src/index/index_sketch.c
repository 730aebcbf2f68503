/* Sketches in the index: each partition is a histogram under the sketch's id. */
#include <stdlib.h>

#include "base/memory.h"
#include "index/index_internal.h"
#include "measure/measure_internal.h"

/* Partitions as histograms [n][BF__PAPER_BINS], as paper-adaptivity takes them of a source or of a target. */
static bf_status histograms_of(const bf_index *index, const bf_sketch *sketch, uint32_t partition_size, bool is_target,
                               float **out, size_t *n_out, bf_error *err) {
  *out = NULL;
  *n_out = 0;
  if (!index || !sketch) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "an index and a sketch are needed");
  if (index->options.n_bins != BF__PAPER_BINS) {
    return bf__error(err, BF_ERR_MISMATCH, "partitions of a sketch have %u bins, the histograms of this index %u",
                     BF__PAPER_BINS, index->options.n_bins);
  }
  bf__paper_histogram *partitions = NULL;
  size_t n = 0;
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  options.partition_size = partition_size;
  options.seed = index->options.seed;
  options = bf__measure_options(&options);
  bf_status status = bf__sketch_partitions(sketch, &options, is_target, &partitions, &n, err);
  if (status != BF_OK) return status;
  if (n == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the sketch has no partition with a finite cell");
  float *histograms = bf__alloc(n, BF__PAPER_BINS * sizeof *histograms);
  if (!histograms) {
    status = bf__error_memory(err, n * BF__PAPER_BINS * sizeof *histograms);
    goto out;
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < BF__PAPER_BINS; ++j) histograms[i * BF__PAPER_BINS + j] = (float)partitions[i].share[j];
  }
  *out = histograms;
  *n_out = n;
out:
  free(partitions);
  return status;
}

bf_status bf_index_add_sketch(bf_index *index, uint64_t id, const bf_sketch *sketch, uint32_t partition_size,
                              bf_error *err) {
  float *histograms = NULL;
  uint64_t *ids = NULL;
  size_t n = 0;
  bf_status status = histograms_of(index, sketch, partition_size, false, &histograms, &n, err);
  if (status != BF_OK) return status;
  ids = bf__alloc(n, sizeof *ids);
  if (!ids) {
    status = bf__error_memory(err, n * sizeof *ids);
    goto out;
  }
  for (size_t i = 0; i < n; ++i) ids[i] = id;
  status = bf_index_add(index, ids, histograms, n, err);
out:
  free(ids);
  free(histograms);
  return status;
}

/* --- asking ---------------------------------------------------------------------------------------------------------
 */

typedef struct found {
  uint64_t id;
  size_t query;
} found;

static int compare_found(const void *a, const void *b) {
  const found *x = a, *y = b;
  if (x->id != y->id) return x->id < y->id ? -1 : 1;
  return x->query < y->query ? -1 : x->query > y->query;
}

static int compare_sources(const void *a, const void *b) {
  const bf_index_source *x = a, *y = b;
  if (x->n_pairs != y->n_pairs) return x->n_pairs > y->n_pairs ? -1 : 1;
  if (x->n_found != y->n_found) return x->n_found > y->n_found ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static bf_status collect(const bf_index_answer *answer, size_t n_queries, bf_index_source **out, size_t *n_out,
                         bf_error *err) {
  size_t n = 0, at = 0, count = 0;
  for (size_t q = 0; q < n_queries; ++q) {
    bf_index_answer_matches(answer, q, &count);
    n += count;
  }
  if (n == 0) return BF_OK;
  found *all = bf__alloc(n, sizeof *all);
  bf_index_source *sources = bf__alloc(n, sizeof *sources);
  if (!all || !sources) {
    free(all);
    free(sources);
    return bf__error_memory(err, n * (sizeof *all + sizeof *sources));
  }
  for (size_t q = 0; q < n_queries; ++q) {
    const bf_index_match *matches = bf_index_answer_matches(answer, q, &count);
    for (size_t i = 0; i < count; ++i) all[at++] = (found){matches[i].id, q};
  }
  qsort(all, n, sizeof *all, compare_found);
  size_t n_sources = 0;
  for (size_t i = 0; i < n; ++i) {
    if (i == 0 || all[i].id != all[i - 1].id) sources[n_sources++].id = all[i].id;
    bf_index_source *source = &sources[n_sources - 1];
    source->n_found += source->n_pairs == 0 || all[i].query != all[i - 1].query;
    source->n_pairs++;
  }
  for (size_t i = 0; i < n_sources; ++i) {
    sources[i].share = (double)sources[i].n_found / (double)n_queries;
    sources[i].adaptivity = (double)sources[i].n_pairs / (double)n_queries;
  }
  qsort(sources, n_sources, sizeof *sources, compare_sources);
  free(all);
  *out = sources;
  *n_out = n_sources;
  return BF_OK;
}

bf_status bf_index_query_sketch(const bf_index *index, const bf_sketch *target, uint32_t partition_size,
                                double threshold, bf_index_source **out, size_t *n_out, bf_error *err) {
  if (!out || !n_out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the sources");
  *out = NULL;
  *n_out = 0;
  float *histograms = NULL;
  size_t n = 0;
  bf_index_answer *answer = NULL;
  bf_status status = histograms_of(index, target, partition_size, true, &histograms, &n, err);
  if (status != BF_OK) return status;
  BF_TRY(bf_index_answer_create(&answer, err));
  BF_TRY(bf_index_query(index, histograms, n, threshold, answer, err));
  status = collect(answer, n, out, n_out, err);
out:
  bf_index_answer_free(answer);
  free(histograms);
  return status;
}
