/* Answering: keys of the query, the lists of its slots, a count of collisions a histogram, and the verified ones.
 *
 * Verification is by the squared Hellinger distance of float32 roots; only where it lies in [t, t / ln 2], give or take
 * the rounding of the sum, is JS itself computed. Queries are spread over threads; each worker has its own counts,
 * cleared by walking the histograms it touched.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/index_internal.h"
#include "index/root_distance.h"
#include "measure/measure_internal.h"

#define HASHED 32u /* queries hashed at a time, a work item */
#define THREADS_FROM 256u
#define MAX_THREADS 64u
#define LANES 8u
#define AHEAD 6u   /* candidates that are fetched ahead */
#define SLACK 1e-5 /* above the rounding of a float32 sum of 1,024 squares */

/* The rest of a slot's histograms; head is plus one. */
typedef struct list {
  const uint32_t *next;
  uint32_t head;
} list;

/* What one thread needs. */
typedef struct worker {
  bf_status status;
  uint16_t *counts;  /* [capacity] collisions of each histogram, 0 between queries */
  uint32_t *touched; /* [capacity + 1] */
  size_t capacity;
  float *roots;       /* [HASHED][stride] */
  int16_t *quantised; /* [HASHED][stride] */
  uint64_t *keys;     /* [HASHED][n_tables] */
  list *lists;        /* [n_tables] */
  size_t scratch_bytes[4];
  bf_index_match *matches;
  size_t n_matches, matches_capacity;
} worker;

typedef struct result {
  uint32_t worker;
  size_t first, n;
  uint64_t candidates;
} result;

struct bf_index_answer {
  size_t n, capacity;
  result *results;
  uint32_t n_workers;
  worker *workers;
};

bf_status bf_index_answer_create(bf_index_answer **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the answer");
  *out = bf__alloc(1, sizeof **out);
  return *out ? BF_OK : bf__error_memory(err, sizeof **out);
}

static void free_workers(bf_index_answer *answer) {
  for (uint32_t w = 0; w < answer->n_workers; ++w) {
    free(answer->workers[w].counts);
    free(answer->workers[w].touched);
    free(answer->workers[w].roots);
    free(answer->workers[w].quantised);
    free(answer->workers[w].keys);
    free(answer->workers[w].lists);
    free(answer->workers[w].matches);
  }
  free(answer->workers);
  answer->workers = NULL;
  answer->n_workers = 0;
}

void bf_index_answer_free(bf_index_answer *answer) {
  if (!answer) return;
  free_workers(answer);
  free(answer->results);
  free(answer);
}

const bf_index_match *bf_index_answer_matches(const bf_index_answer *answer, size_t query, size_t *n_matches) {
  if (n_matches) *n_matches = 0;
  if (!answer || query >= answer->n || answer->results[query].n == 0) return NULL;
  const result *r = &answer->results[query];
  if (n_matches) *n_matches = r->n;
  return answer->workers[r->worker].matches + r->first;
}

uint64_t bf_index_answer_candidates(const bf_index_answer *answer, size_t query) {
  return answer && query < answer->n ? answer->results[query].candidates : 0;
}

/* --- distances ------------------------------------------------------------------------------------------------------
 */

/* Twice H^2, in one fixed order of summation. */
static float twice_hellinger2(const float *a, const float *b, size_t n) {
  float lanes[LANES] = {0.0F};
  for (size_t i = 0; i < n; i += LANES) {
    for (size_t l = 0; l < LANES; ++l) {
      float d = a[i + l] - b[i + l];
      lanes[l] += d * d;
    }
  }
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

static bool js_below(const float *a, const float *b, uint32_t n, double threshold) {
  double p[BF__L2LSH_MAX_BINS], q[BF__L2LSH_MAX_BINS];
  for (uint32_t j = 0; j < n; ++j) {
    p[j] = (double)a[j] * (double)a[j];
    q[j] = (double)b[j] * (double)b[j];
  }
  return bf__jsd(p, q, n) < threshold;
}

/* Whether JS < threshold, given twice H^2. */
static bool is_near(const bf_index *index, const float *query, const float *stored, float twice, double threshold) {
  double h2 = 0.5 * (double)twice;
  if (h2 + SLACK < threshold) return true;
  if (M_LN2 * h2 - SLACK >= threshold) return false;
  return js_below(query, stored, index->options.n_bins, threshold);
}

static bool keep(worker *w, const bf_index *index, uint32_t number, uint32_t n_tables, float twice) {
  if (w->n_matches == w->matches_capacity) {
    size_t capacity = w->matches_capacity ? w->matches_capacity * 2 : 64;
    bf_index_match *larger = bf__realloc(w->matches, capacity, sizeof *larger);
    if (!larger) return false;
    w->matches = larger;
    w->matches_capacity = capacity;
  }
  w->matches[w->n_matches++] = (bf_index_match){index->ids[number], number, n_tables, 0.5F * twice};
  return true;
}

static int compare_matches(const void *a, const void *b) {
  const bf_index_match *x = a, *y = b;
  if (x->n_tables != y->n_tables) return x->n_tables > y->n_tables ? -1 : 1;
  if (x->hellinger2 != y->hellinger2) return x->hellinger2 < y->hellinger2 ? -1 : 1;
  return x->number < y->number ? -1 : x->number > y->number;
}

/* --- one query ------------------------------------------------------------------------------------------------------
 */

typedef struct query_job {
  const bf_index *index;
  const float *histograms;
  size_t n;
  double threshold;
  bool scan;
  bf_index_answer *answer;
  bf__root_distance_fn distance;
  int32_t enough;
} query_job;

/* Counts collisions; returns the number of histograms touched. The lists of all tables are walked together, a step each
 * in turn: a step waits for memory, and those of different lists wait at the same time. */
static size_t collide(const bf_index *index, worker *w, const uint64_t *keys) {
  size_t n = 0;
  uint32_t n_lists = 0;
  for (uint32_t t = 0; t < index->options.n_tables; ++t) {
    bf__collision_table table = bf__index_table(index, t);
    uint32_t head = bf__collision_find(&table, keys[t]);
    if (head == 0) continue;
    w->lists[n_lists++] = (list){table.next, head};
    __builtin_prefetch(&table.next[head - 1]);
  }
  while (n_lists > 0) {
    uint32_t n_left = 0;
    for (uint32_t i = 0; i < n_lists; ++i) {
      list at = w->lists[i];
      uint32_t number = at.head - 1;
      w->touched[n] = number; /* kept where it is the first time: a branch would be guessed wrong */
      n += w->counts[number]++ == 0;
      at.head = at.next[number];
      if (at.head == 0) continue;
      __builtin_prefetch(&at.next[at.head - 1]);
      w->lists[n_left++] = at;
    }
    n_lists = n_left;
  }
  return n;
}

/* Adds a histogram to the matches where its JS is below the threshold; false: out of memory. */
static bool keep_near(const query_job *job, worker *w, const float *roots, const int16_t *quantised, uint32_t number,
                      uint32_t n_tables) {
  const bf_index *index = job->index;
  const int16_t *cells = index->quantised + (size_t)number * index->quantised_stride;
  if (job->distance(quantised, cells, index->quantised_stride, job->enough) >= job->enough) return true;
  const float *stored = index->roots + (size_t)number * index->stride;
  float twice = twice_hellinger2(roots, stored, index->stride);
  return !is_near(index, roots, stored, twice, job->threshold) || keep(w, index, number, n_tables, twice);
}

static void prefetch_roots(const bf_index *index, uint32_t number) {
  const char *cells = (const char *)(index->quantised + (size_t)number * index->quantised_stride);
  for (size_t at = 0; at < index->quantised_stride * sizeof(int16_t); at += 64) __builtin_prefetch(cells + at);
}

static bool answer_by_tables(const query_job *job, worker *w, const float *roots, const int16_t *quantised,
                             const uint64_t *keys, result *r) {
  const bf_index *index = job->index;
  size_t n = collide(index, w, keys);
  bool ok = true;
  for (size_t i = 0; i < n; ++i) {
    uint32_t number = w->touched[i];
    if (i + AHEAD < n) prefetch_roots(index, w->touched[i + AHEAD]);
    if (ok) ok = keep_near(job, w, roots, quantised, number, w->counts[number]);
    w->counts[number] = 0;
  }
  r->candidates = n;
  return ok;
}

static bool answer_by_scan(const query_job *job, worker *w, const float *roots, const int16_t *quantised, result *r) {
  for (size_t i = 0; i < job->index->count; ++i) {
    if (!keep_near(job, w, roots, quantised, (uint32_t)i, 0)) return false;
  }
  r->candidates = job->index->count;
  return true;
}

static void answer_some(void *context, size_t item, uint32_t number) {
  query_job *job = context;
  const bf_index *index = job->index;
  worker *w = &job->answer->workers[number];
  size_t begin = item * HASHED, n = job->n - begin < HASHED ? job->n - begin : HASHED;
  size_t step = bf__l2lsh_stride(index->lsh);
  uint32_t n_tables = index->options.n_tables;
  if (w->status != BF_OK) return;
  for (size_t i = 0; i < n; ++i) {
    float *roots = w->roots + i * index->stride;
    (void)bf__index_roots(index, job->histograms + (begin + i) * index->options.n_bins, roots); /* checked before */
    bf__l2lsh_quantise(index->lsh, roots, w->quantised + i * step);
  }
  if (!job->scan) bf__l2lsh_keys(index->lsh, w->quantised, n, w->keys, n_tables, 1);
  for (size_t i = 0; i < n; ++i) {
    result *r = &job->answer->results[begin + i];
    *r = (result){.worker = number, .first = w->n_matches};
    for (uint32_t t = 0; !job->scan && i + 1 < n && t < n_tables; ++t) {
      bf__collision_table table = bf__index_table(index, t);
      bf__collision_prefetch(&table, w->keys[(i + 1) * n_tables + t]);
    }
    const float *roots = w->roots + i * index->stride;
    const int16_t *quantised = w->quantised + i * step;
    bool ok = job->scan ? answer_by_scan(job, w, roots, quantised, r)
                        : answer_by_tables(job, w, roots, quantised, w->keys + i * n_tables, r);
    if (!ok) {
      w->status = BF_ERR_MEMORY;
      return;
    }
    r->n = w->n_matches - r->first;
    if (r->n > 1) qsort(w->matches + r->first, r->n, sizeof *w->matches, compare_matches);
  }
}

/* --- a call ---------------------------------------------------------------------------------------------------------
 */

/* At least n_bytes at *block; its content does not matter. */
static bool scratch(void **block, size_t *has, size_t n_bytes) {
  if (*has >= n_bytes) return true;
  free(*block);
  *has = 0;
  *block = bf__alloc(n_bytes, 1);
  if (*block) *has = n_bytes;
  return *block != NULL;
}

static bool ready_worker(worker *w, const bf_index *index, size_t n, bool scan) {
  w->status = BF_OK;
  w->n_matches = 0;
  void *roots = w->roots, *quantised = w->quantised, *keys = w->keys, *lists = w->lists;
  size_t rows = n < HASHED ? n : HASHED;
  bool ok = scratch(&roots, &w->scratch_bytes[0], rows * index->stride * sizeof(float)) &&
            scratch(&quantised, &w->scratch_bytes[1], rows * bf__l2lsh_stride(index->lsh) * sizeof(int16_t)) &&
            scratch(&keys, &w->scratch_bytes[2], rows * index->options.n_tables * sizeof(uint64_t)) &&
            scratch(&lists, &w->scratch_bytes[3], index->options.n_tables * sizeof(list));
  w->roots = roots;
  w->quantised = quantised;
  w->keys = keys;
  w->lists = lists;
  if (!ok || scan || w->capacity >= index->count) return ok;
  free(w->counts);
  free(w->touched);
  w->capacity = 0;
  w->counts = bf__alloc(index->capacity, sizeof *w->counts);
  w->touched = bf__alloc(index->capacity + 1, sizeof *w->touched);
  if (!w->counts || !w->touched) return false;
  w->capacity = index->capacity;
  return true;
}

static bf_status ready_answer(bf_index_answer *answer, const query_job *job, uint32_t n_threads, bf_error *err) {
  if (n_threads > answer->n_workers) {
    free_workers(answer);
    answer->workers = bf__alloc(n_threads, sizeof *answer->workers);
    if (!answer->workers) return bf__error_memory(err, n_threads * sizeof *answer->workers);
    answer->n_workers = n_threads;
  }
  if (job->n > answer->capacity) {
    result *larger = bf__realloc(answer->results, job->n, sizeof *larger);
    if (!larger) return bf__error_memory(err, job->n * sizeof *larger);
    answer->results = larger;
    answer->capacity = job->n;
  }
  for (uint32_t w = 0; w < answer->n_workers; ++w) {
    answer->workers[w].n_matches = 0;
    if (w < n_threads && !ready_worker(&answer->workers[w], job->index, job->n, job->scan)) {
      return bf__error_memory(err, job->index->count * (sizeof(uint16_t) + sizeof(uint32_t)));
    }
  }
  return BF_OK;
}

static bf_status run(query_job *job, bf_index_answer *answer, bf_error *err) {
  if (answer) answer->n = 0;
  if (!job->index || !answer || (job->n > 0 && !job->histograms)) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "an index, histograms and an answer are needed");
  }
  if (!(job->threshold > 0.0)) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the threshold of JS must be positive, not %g", job->threshold);
  }
  if (job->n == 0) return BF_OK;
  job->distance = bf__root_distance();
  job->enough = bf__root_distance_enough(job->threshold, job->index->options.n_bins);
  bf_status status = bf__index_check(job->index, job->histograms, job->n, err);
  if (status != BF_OK) return status;
  size_t n_items = (job->n + HASHED - 1) / HASHED;
  uint32_t n_threads = job->index->options.n_threads ? job->index->options.n_threads : bf__cores();
  if (n_threads > MAX_THREADS) n_threads = MAX_THREADS; /* each has counts of its own */
  if (n_threads > n_items) n_threads = (uint32_t)n_items;
  if (!job->scan && job->n < THREADS_FROM) n_threads = 1;
  status = ready_answer(answer, job, n_threads, err);
  if (status != BF_OK) return status;
  bf__parallel_for(n_items, n_threads, answer_some, job);
  for (uint32_t w = 0; w < n_threads; ++w) {
    if (answer->workers[w].status != BF_OK) return bf__error_memory(err, sizeof(bf_index_match));
  }
  answer->n = job->n;
  return BF_OK;
}

bf_status bf_index_query(const bf_index *index, const float *histograms, size_t n, double threshold,
                         bf_index_answer *answer, bf_error *err) {
  query_job job = {index, histograms, n, threshold, false, answer, NULL, 0};
  return run(&job, answer, err);
}

bf_status bf_index_scan(const bf_index *index, const float *histograms, size_t n, double threshold,
                        bf_index_answer *answer, bf_error *err) {
  query_job job = {index, histograms, n, threshold, true, answer, NULL, 0};
  return run(&job, answer, err);
}
