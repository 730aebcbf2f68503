/* Building the index: histograms become square roots of shares, these become keys, and the keys go into the tables.
 *
 * A call is done in blocks: keys of a block are computed by all threads, then each table takes the block's keys in
 * order, tables spread over threads. So no lock is needed, the tables do not depend on the threads, and one table's
 * slots stay in the cache while it is filled. Everything that can fail (validation, memory) comes before the first
 * insertion.
 */
#include "index/index_internal.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "base/thread.h"

#define BLOCK 4096u /* histograms whose keys are held at a time */
#define HASHED 128u /* of them, a work item */
#define THREADS_FROM 256u
#define HUGE_PAGE ((size_t)2 << 20)
#define MAX_COUNT ((size_t)1 << 31)

bf_status bf_index_create(const bf_index_options *options, bf_index **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the index");
  *out = NULL;
  bf_index_options filled = BF_INDEX_OPTIONS_INIT;
  if (options) {
    if (options->struct_size < sizeof filled) {
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "index options were not initialised with BF_INDEX_OPTIONS_INIT");
    }
    filled = *options;
  }
  if (filled.seed == 0) filled.seed = BF_SKETCH_DEFAULT_SEED;
  bf_status status = BF_OK;
  bf_index *index = bf__alloc(1, sizeof *index);
  if (!index) return bf__error_memory(err, sizeof *index);
  index->options = filled;
  BF_TRY(
      bf__l2lsh_create(filled.seed, filled.width, filled.n_hashes, filled.n_tables, filled.n_bins, &index->lsh, err));
  index->stride = (filled.n_bins + 7) / 8 * 8;
  index->quantised_stride = bf__l2lsh_stride(index->lsh);
  index->used = bf__alloc(filled.n_tables, sizeof *index->used);
  if (!index->used) BF_TRY(bf__error_memory(err, filled.n_tables * sizeof *index->used));
  *out = index;
  index = NULL;
out:
  bf_index_free(index);
  return status;
}

void bf_index_free(bf_index *index) {
  if (!index) return;
  free(index->slots);
  free(index->used);
  free(index->next);
  free(index->roots);
  free(index->quantised);
  free(index->ids);
  bf__l2lsh_free(index->lsh);
  free(index);
}

uint64_t bf_index_count(const bf_index *index) {
  return index ? index->count : 0;
}

uint32_t bf_index_bin_count(const bf_index *index) {
  return index ? index->options.n_bins : 0;
}

#define LANES 4u
typedef float floats __attribute__((vector_size(LANES * 4)));
typedef int32_t ints __attribute__((vector_size(LANES * 4)));
typedef double doubles __attribute__((vector_size(LANES * 8)));

/* Sum of the cells, in one fixed order; -1 where a cell is refused. */
static double mass_of(const float *histogram, uint32_t n) {
  doubles sum = {0.0};
  ints refused = {0};
  floats v = {0.0F};
  uint32_t j = 0;
  for (; j + LANES <= n; j += LANES) {
    memcpy(&v, histogram + j, sizeof v);
    refused |= ~((v >= 0.0F) & (v <= FLT_MAX)); /* NaN compares false */
    sum += __builtin_convertvector(v, doubles);
  }
  for (uint32_t l = 0; l < LANES; ++l) v[l] = j + l < n ? histogram[j + l] : 0.0F; /* the rest */
  refused |= ~((v >= 0.0F) & (v <= FLT_MAX));
  sum += __builtin_convertvector(v, doubles);
  double total = 0.0;
  int32_t any = 0;
  for (uint32_t l = 0; l < LANES; ++l) {
    total += sum[l];
    any |= refused[l];
  }
  return any ? -1.0 : total;
}

static bf_status refusal(const bf_index *index, const float *histogram, size_t number, bf_error *err) {
  for (uint32_t j = 0; j < index->options.n_bins; ++j) {
    if (histogram[j] >= 0.0F && histogram[j] <= FLT_MAX) continue;
    return bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)number,
                        "histogram %zu, cell %u is %g: counts and shares are finite and not negative", number, j,
                        (double)histogram[j]);
  }
  return bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)number, "histogram %zu is empty", number);
}

bf_status bf__index_check(const bf_index *index, const float *histograms, size_t n, bf_error *err) {
  uint32_t n_bins = index->options.n_bins;
  for (size_t i = 0; i < n; ++i) {
    if (!(mass_of(histograms + i * n_bins, n_bins) > 0.0)) return refusal(index, histograms + i * n_bins, i, err);
  }
  return BF_OK;
}

bool bf__index_roots(const bf_index *index, const float *histogram, float *roots) {
  uint32_t n = index->options.n_bins;
  double mass = mass_of(histogram, n), scale = 1.0 / mass;
  if (!(mass > 0.0)) return false;
  for (uint32_t j = 0; j < n; ++j) roots[j] = sqrtf((float)((double)histogram[j] * scale));
  for (uint32_t j = n; j < index->stride; ++j) roots[j] = 0.0F;
  return true;
}

/* --- adding ---------------------------------------------------------------------------------------------------------
 */

/* Zeroed room. Large ones ask for large pages: a fresh one of 4 KiB costs as much as entering a histogram. */
static void *room(size_t n, size_t element_bytes) {
  void *block = bf__alloc(n, element_bytes);
#ifdef MADV_HUGEPAGE
  size_t bytes = block ? n * element_bytes : 0;
  if (bytes >= 2 * HUGE_PAGE) {
    uintptr_t first = ((uintptr_t)block + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t end = ((uintptr_t)block + bytes) / HUGE_PAGE * HUGE_PAGE;
    (void)madvise((void *)first, end - first, MADV_HUGEPAGE); /* a wish */
  }
#endif
  return block;
}

/* Room for `needed` histograms. */
static bf_status reserve_histograms(bf_index *index, size_t needed, bf_error *err) {
  if (needed <= index->capacity) return BF_OK;
  size_t n_tables = index->options.n_tables, capacity = index->capacity + index->capacity / 2;
  if (capacity < needed) capacity = needed;
  float *roots = room(capacity, index->stride * sizeof *roots);
  int16_t *quantised = room(capacity, index->quantised_stride * sizeof *quantised);
  uint64_t *ids = bf__alloc(capacity, sizeof *ids);
  uint32_t *next = room(capacity, n_tables * sizeof *next);
  if (!roots || !quantised || !ids || !next) {
    free(roots);
    free(quantised);
    free(ids);
    free(next);
    return bf__error_memory(err, capacity * (index->stride * sizeof *roots + n_tables * sizeof *next));
  }
  if (index->count > 0) {
    memcpy(roots, index->roots, index->count * index->stride * sizeof *roots);
    memcpy(quantised, index->quantised, index->count * index->quantised_stride * sizeof *quantised);
    memcpy(ids, index->ids, index->count * sizeof *ids);
    for (size_t t = 0; t < n_tables; ++t) {
      memcpy(next + t * capacity, index->next + t * index->capacity, index->count * sizeof *next);
    }
  }
  free(index->roots);
  free(index->quantised);
  free(index->ids);
  free(index->next);
  index->roots = roots;
  index->quantised = quantised;
  index->ids = ids;
  index->next = next;
  index->capacity = capacity;
  return BF_OK;
}

/* Room for n_more keys in every table. */
static bf_status reserve_slots(bf_index *index, size_t n_more, bf_error *err) {
  size_t n_tables = index->options.n_tables, used = 0;
  for (size_t t = 0; t < n_tables; ++t) used = index->used[t] > used ? index->used[t] : used;
  size_t needed = used + n_more; /* both at most 2^31 */
  if (needed <= index->slot_capacity / 4 * 3) return BF_OK;
  size_t capacity = (needed + 2) / 3 * 4, grown = (index->slot_capacity + index->slot_capacity / 2) / 4 * 4;
  if (capacity < grown) capacity = grown;
  if (capacity < 16) capacity = 16;
  if (capacity > UINT32_MAX) capacity = UINT32_MAX / 4 * 4;
  bf__slot *slots = room(capacity, n_tables * sizeof *slots);
  if (!slots) return bf__error_memory(err, capacity * n_tables * sizeof *slots);
  for (uint32_t t = 0; t < n_tables; ++t) {
    bf__collision_table from = bf__index_table(index, t);
    bf__collision_move(&from, slots + t * capacity, capacity);
  }
  free(index->slots);
  index->slots = slots;
  index->slot_capacity = capacity;
  return BF_OK;
}

typedef struct add_job {
  bf_index *index;
  const float *histograms; /* all of the call */
  size_t n_all;
  atomic_bool refused;
  size_t first, n; /* numbers of the block's histograms */
  uint64_t *keys;  /* [n_tables][step] */
  size_t step;     /* not a power of two, or a histogram's keys would meet in one set of the cache */
} add_job;

static void take_some(void *context, size_t item, uint32_t worker) {
  (void)worker;
  add_job *job = context;
  const bf_index *index = job->index;
  size_t begin = item * HASHED, end = job->n_all - begin < HASHED ? job->n_all : begin + HASHED;
  for (size_t i = begin; i < end; ++i) {
    float *roots = index->roots + (index->count + i) * index->stride;
    if (!bf__index_roots(index, job->histograms + i * index->options.n_bins, roots)) {
      atomic_store(&job->refused, true);
      return;
    }
    bf__l2lsh_quantise(index->lsh, roots, index->quantised + (index->count + i) * index->quantised_stride);
  }
}

static void hash_some(void *context, size_t item, uint32_t worker) {
  (void)worker;
  add_job *job = context;
  const bf_index *index = job->index;
  size_t begin = item * HASHED, n = job->n - begin < HASHED ? job->n - begin : HASHED;
  bf__l2lsh_keys(index->lsh, index->quantised + (job->first + begin) * index->quantised_stride, n, job->keys + begin, 1,
                 job->step);
}

static void fill_table(void *context, size_t item, uint32_t worker) {
  (void)worker;
  add_job *job = context;
  bf__collision_table table = bf__index_table(job->index, (uint32_t)item);
  job->index->used[item] += bf__collision_fill(&table, job->keys + item * job->step, (uint32_t)job->first, job->n);
}

bf_status bf_index_add(bf_index *index, const uint64_t *ids, const float *histograms, size_t n, bf_error *err) {
  if (!index || (n > 0 && (!ids || !histograms))) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "an index, ids and histograms are needed");
  }
  if (n == 0) return BF_OK;
  if (n > MAX_COUNT - index->count) {
    return bf__error(err, BF_ERR_LIMIT, "an index holds at most 2^31 histograms");
  }
  bf_status status = BF_OK;
  size_t block = n < BLOCK ? n : BLOCK;
  uint32_t n_threads = n < THREADS_FROM ? 1 : index->options.n_threads;
  add_job job = {.index = index, .histograms = histograms, .n_all = n, .step = block + 8};
  job.keys = bf__alloc(job.step, index->options.n_tables * sizeof *job.keys);
  if (!job.keys) BF_TRY(bf__error_memory(err, block * index->options.n_tables * sizeof *job.keys));
  BF_TRY(reserve_histograms(index, index->count + n, err));
  BF_TRY(reserve_slots(index, n, err));
  memcpy(index->ids + index->count, ids, n * sizeof *ids);
  bf__parallel_for((n + HASHED - 1) / HASHED, n_threads, take_some, &job);
  if (atomic_load(&job.refused)) BF_TRY(bf__index_check(index, histograms, n, err)); /* which, and why */
  for (size_t done = 0; done < n; done += job.n) {
    job.first = index->count + done;
    job.n = n - done < BLOCK ? n - done : BLOCK;
    bf__parallel_for((job.n + HASHED - 1) / HASHED, n_threads, hash_some, &job);
    bf__parallel_for(index->options.n_tables, n_threads, fill_table, &job);
  }
  index->count += n;
out:
  free(job.keys);
  return status;
}
