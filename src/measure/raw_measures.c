/* The paper's measures on raw rows, exact by definition (docs/strategies.md, part 1).
 *
 * Cells that are not finite are skipped. paper-adaptivity shuffles each side's row numbers by Fisher-Yates, for i = n-1
 * .. 1 swap i with a draw from [0, i], seeded bf__shuffle_seed(seed, 0) for the source and (seed, 1) for the target,
 * and cuts them to partitions of partition_size rows; a partition without a finite cell does not count. Each histogram
 * is computed once, whatever the number of pairs, and pairs are compared by the bounds of divergence.c: the work is two
 * reads of the rows.
 *
 * Memory: 8 bytes a row for the shuffle. Threads: over partitions, or row blocks; counts are integers, so threads do
 * not matter.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"
#include "measure/raw_histogram.h"

#define CHUNK_CELLS (1u << 20)
#define COLUMN_SLICE 256u

static bf_status check_rows(const bf_rows *source, const bf_rows *target, bf_error *err) {
  if (!source || !target) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "rows of both sides are needed");
  const bf_rows *sides[2] = {source, target};
  for (int i = 0; i < 2; ++i) {
    const char *name = i == 0 ? "source" : "target";
    if (bf_rows_count(sides[i]) == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no rows", name);
    if (bf_rows_column_count(sides[i]) == 0)
      return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no columns", name);
  }
  return BF_OK;
}

static bool histogram_of(const uint64_t counts[BF__PAPER_BINS], bf__paper_histogram *out) {
  double mass[BF__PAPER_BINS];
  for (size_t i = 0; i < BF__PAPER_BINS; ++i) mass[i] = (double)counts[i];
  return bf__paper_histogram_set(out, mass);
}

/* --- paper-jsd ------------------------------------------------------------------------------------------------------
 */

typedef struct chunk {
  bf__row_range rows;
  bf__cell_range range;
  uint64_t bins[BF__PAPER_BINS];
} chunk;

static void chunk_range(void *context, size_t item, uint32_t worker) {
  (void)worker;
  chunk *c = (chunk *)context + item;
  c->range = bf__raw_range(&c->rows);
}

static void chunk_counts(void *context, size_t item, uint32_t worker) {
  (void)worker;
  chunk *c = (chunk *)context + item;
  bf__raw_counts(&c->rows, c->range, c->bins);
}

static bf_status whole_histogram(const bf_rows *rows, const char *side, uint32_t n_threads, bf__paper_histogram *out,
                                 bf_error *err) {
  uint64_t n = bf_rows_count(rows);
  uint32_t d = bf_rows_column_count(rows);
  uint64_t each = d >= CHUNK_CELLS ? 1 : CHUNK_CELLS / d;
  size_t n_chunks = (size_t)((n + each - 1) / each);
  chunk *chunks = bf__alloc(n_chunks, sizeof *chunks);
  if (!chunks) return bf__error_memory(err, n_chunks * sizeof *chunks);
  for (size_t i = 0; i < n_chunks; ++i) {
    uint64_t first = i * each;
    chunks[i].rows = (bf__row_range){bf_rows_cells(rows), d, NULL, first, n - first < each ? n - first : each};
  }
  bf__parallel_for(n_chunks, n_threads, chunk_range, chunks);
  bf__cell_range all = {0.0F, 0.0F, false};
  for (size_t i = 0; i < n_chunks; ++i) {
    if (!chunks[i].range.any) continue;
    if (!all.any || chunks[i].range.min < all.min) all.min = chunks[i].range.min;
    if (!all.any || chunks[i].range.max > all.max) all.max = chunks[i].range.max;
    all.any = true;
  }
  for (size_t i = 0; i < n_chunks; ++i) chunks[i].range = all;
  bf__parallel_for(n_chunks, n_threads, chunk_counts, chunks);
  uint64_t bins[BF__PAPER_BINS] = {0};
  for (size_t i = 0; i < n_chunks; ++i) {
    for (size_t b = 0; b < BF__PAPER_BINS; ++b) bins[b] += chunks[i].bins[b];
  }
  free(chunks);
  if (!histogram_of(bins, out)) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no finite cell", side);
  return BF_OK;
}

bf_status bf__raw_jsd(const bf_rows *source, const bf_rows *target, const bf_measure_options *options, double *out,
                      bf_error *err) {
  bf_status status = BF_OK;
  bf__paper_histogram p, q;
  BF_TRY(check_rows(source, target, err));
  BF_TRY(whole_histogram(source, "source", options->n_threads, &p, err));
  BF_TRY(whole_histogram(target, "target", options->n_threads, &q, err));
  *out = bf__jsd(p.share, q.share, BF__PAPER_BINS);
out:
  return status;
}

/* --- paper-l2 -------------------------------------------------------------------------------------------------------
 */

typedef struct column_means {
  const bf_rows *rows;
  double min, width;
  double *means; /* NaN: no finite cell */
} column_means;

/* A slice of columns over all rows, in row order: the same sums with any number of threads. */
static void slice_means(void *context, size_t item, uint32_t worker) {
  (void)worker;
  column_means *m = context;
  uint32_t d = bf_rows_column_count(m->rows), first = (uint32_t)item * COLUMN_SLICE;
  uint32_t n = d - first < COLUMN_SLICE ? d - first : COLUMN_SLICE;
  double sums[COLUMN_SLICE] = {0};
  uint64_t counts[COLUMN_SLICE] = {0}, n_rows = bf_rows_count(m->rows);
  const float *row = bf_rows_cells(m->rows) + first;
  for (uint64_t i = 0; i < n_rows; ++i, row += d) {
    for (uint32_t j = 0; j < n; ++j) {
      if (!isfinite(row[j])) continue;
      sums[j] += m->width > 0.0 ? ((double)row[j] - m->min) / m->width : 0.0;
      ++counts[j];
    }
  }
  for (uint32_t j = 0; j < n; ++j) m->means[first + j] = counts[j] ? sums[j] / (double)counts[j] : NAN;
}

static bf_status normalised_means(const bf_rows *rows, const char *side, uint32_t n_threads, double **out,
                                  bf_error *err) {
  uint32_t d = bf_rows_column_count(rows);
  bf__row_range all = {bf_rows_cells(rows), d, NULL, 0, bf_rows_count(rows)};
  bf__cell_range range = bf__raw_range(&all);
  if (!range.any) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no finite cell", side);
  double *means = bf__alloc(d, sizeof *means);
  if (!means) return bf__error_memory(err, d * sizeof *means);
  column_means m = {rows, (double)range.min, (double)range.max - (double)range.min, means};
  bf__parallel_for((d + COLUMN_SLICE - 1) / COLUMN_SLICE, n_threads, slice_means, &m);
  *out = means;
  return BF_OK;
}

/* Number in the target of each source column; by name where all columns of both sides are named. */
static bf_status map_raw_columns(const bf_rows *source, const bf_rows *target, uint32_t *map, bf_error *err) {
  uint32_t d = bf_rows_column_count(source);
  for (uint32_t i = 0; i < d; ++i) {
    const char *name = bf_rows_column_name(source, i), *same = bf_rows_column_name(target, i);
    map[i] = i;
    if (!name || !same || strcmp(name, same) == 0) continue;
    uint32_t j = 0;
    for (; j < d; ++j) {
      const char *other = bf_rows_column_name(target, j);
      if (other && strcmp(name, other) == 0) break;
    }
    if (j == d) {
      return bf__error(err, BF_ERR_NOT_APPLICABLE, "paper-l2 needs equal columns: the target lacks '%s'", name);
    }
    map[i] = j;
  }
  return BF_OK;
}

bf_status bf__raw_l2(const bf_rows *source, const bf_rows *target, const bf_measure_options *options, double *out,
                     bf_error *err) {
  bf_status status = BF_OK;
  double *a = NULL, *b = NULL, sum = 0.0;
  uint32_t *map = NULL, used = 0, d = 0;
  BF_TRY(check_rows(source, target, err));
  d = bf_rows_column_count(source);
  if (d != bf_rows_column_count(target)) {
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "paper-l2 needs equal columns: %u in the source, %u in the target", d,
                     bf_rows_column_count(target));
  }
  map = bf__alloc(d, sizeof *map);
  if (!map) return bf__error_memory(err, d * sizeof *map);
  BF_TRY(map_raw_columns(source, target, map, err));
  BF_TRY(normalised_means(source, "source", options->n_threads, &a, err));
  BF_TRY(normalised_means(target, "target", options->n_threads, &b, err));
  for (uint32_t j = 0; j < d; ++j) {
    double difference = a[j] - b[map[j]];
    if (isnan(difference)) continue; /* no finite cell on a side */
    sum += difference * difference;
    ++used;
  }
  if (used == 0) {
    status = bf__error(err, BF_ERR_NOT_APPLICABLE, "no column has a finite cell on both sides");
    goto out;
  }
  *out = sqrt(sum);
out:
  free(a);
  free(b);
  free(map);
  return status;
}

/* --- paper-adaptivity -----------------------------------------------------------------------------------------------
 */

typedef struct partitioned {
  const bf_rows *rows;
  uint64_t *order;
  size_t n;
  bf__paper_histogram *histograms;
  bool *any;
} partitioned;

static bf_status cut(const bf_rows *rows, uint64_t seed, uint32_t partition_size, partitioned *out, bf_error *err) {
  uint64_t n = bf_rows_count(rows);
  out->rows = rows;
  out->n = (size_t)((n + partition_size - 1) / partition_size);
  out->order = bf__alloc(n, sizeof *out->order);
  out->histograms = bf__alloc(out->n, sizeof *out->histograms);
  out->any = bf__alloc(out->n, sizeof *out->any);
  if (!out->order || !out->histograms || !out->any) return bf__error_memory(err, n * sizeof *out->order);
  bf__random random = bf__random_of(seed);
  for (uint64_t i = 0; i < n; ++i) out->order[i] = i;
  for (uint64_t i = n - 1; i > 0; --i) {
    uint64_t j = bf__random_below(&random, i + 1), kept = out->order[i];
    out->order[i] = out->order[j];
    out->order[j] = kept;
  }
  return BF_OK;
}

typedef struct adaptivity_job {
  partitioned side[2];
  uint32_t partition_size;
} adaptivity_job;

static void partition_histogram(void *context, size_t item, uint32_t worker) {
  (void)worker;
  adaptivity_job *job = context;
  partitioned *side = item < job->side[0].n ? &job->side[0] : &job->side[1];
  size_t i = item < job->side[0].n ? item : item - job->side[0].n;
  uint64_t first = (uint64_t)i * job->partition_size, left = bf_rows_count(side->rows) - first;
  bf__row_range rows = {bf_rows_cells(side->rows), bf_rows_column_count(side->rows), side->order + first, 0,
                        left < job->partition_size ? left : job->partition_size};
  uint64_t bins[BF__PAPER_BINS] = {0};
  bf__raw_counts(&rows, bf__raw_range(&rows), bins);
  side->any[i] = histogram_of(bins, &side->histograms[i]);
}

/* Moves the histograms of partitions with a finite cell to the front. */
static size_t keep_filled(partitioned *side) {
  size_t n = 0;
  for (size_t i = 0; i < side->n; ++i) {
    if (!side->any[i]) continue;
    if (n != i) side->histograms[n] = side->histograms[i];
    ++n;
  }
  return n;
}

static void free_partitioned(partitioned *side) {
  free(side->order);
  free(side->histograms);
  free(side->any);
}

/* Shuffles and cuts both sides and fills in the histograms of the partitions that have a finite cell. */
static bf_status cut_both(const bf_rows *source, const bf_rows *target, const bf_measure_options *options,
                          adaptivity_job *job, size_t n[2], bf_error *err) {
  bf_status status = BF_OK;
  job->partition_size = options->partition_size;
  BF_TRY(check_rows(source, target, err));
  BF_TRY(cut(source, bf__shuffle_seed(options->seed, 0), options->partition_size, &job->side[0], err));
  BF_TRY(cut(target, bf__shuffle_seed(options->seed, 1), options->partition_size, &job->side[1], err));
  bf__parallel_for(job->side[0].n + job->side[1].n, options->n_threads, partition_histogram, job);
  for (int i = 0; i < 2; ++i) n[i] = keep_filled(&job->side[i]);
  if (n[0] == 0 || n[1] == 0) {
    status = bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no finite cell", n[0] == 0 ? "source" : "target");
  }
out:
  return status;
}

bf_status bf__raw_adaptivity(const bf_rows *source, const bf_rows *target, const bf_measure_options *options,
                             double *out, bf_error *err) {
  adaptivity_job job = {0};
  size_t n[2];
  bf_status status = cut_both(source, target, options, &job, n, err);
  if (status == BF_OK) {
    uint64_t matches =
        bf__paper_matches(job.side[0].histograms, n[0], job.side[1].histograms, n[1], options->adaptivity_threshold);
    *out = (double)matches / (double)n[1];
  }
  free_partitioned(&job.side[0]);
  free_partitioned(&job.side[1]);
  return status;
}

bf_status bf__raw_l2lsh(const bf_rows *source, const bf_rows *target, const bf_measure_options *options, double *out,
                        bf_error *err) {
  adaptivity_job job = {0};
  size_t n[2];
  uint64_t *keys[2] = {NULL, NULL}, matches = 0;
  bf__l2lsh *lsh = NULL;
  bf_status status = BF_OK;
  BF_TRY(cut_both(source, target, options, &job, n, err));
  BF_TRY(bf__l2lsh_published(options->seed, &lsh, err));
  for (int i = 0; i < 2; ++i) BF_TRY(bf__partition_keys(lsh, job.side[i].histograms, n[i], &keys[i], err));
  matches = bf__colliding_matches(job.side[0].histograms, keys[0], n[0], job.side[1].histograms, keys[1], n[1],
                                  options->adaptivity_threshold);
  *out = (double)matches / (double)n[1];
out:
  free(keys[0]);
  free(keys[1]);
  bf__l2lsh_free(lsh);
  free_partitioned(&job.side[0]);
  free_partitioned(&job.side[1]);
  return status;
}
