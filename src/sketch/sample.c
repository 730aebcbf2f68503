/* Bottom-k sample: the 16,384 rows whose number has the smallest seeded hash (Cohen and Kaplan 2007). Membership
 * depends on the seed and the row's number only, so it is the same whatever the threads and batches, and two samples
 * merge. Each quantile of a sample of k rows is within rank error e with probability 1 - 2 exp(-2 k e^2) for all ranks
 * at once (Dvoretzky, Kiefer, Wolfowitz 1956, with Massart's constant): 0.0127 at 0.99. */
#include "sketch/sample.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bottom_k.h"
#include "base/memory.h"
#include "base/thread.h"

struct bf__sample {
  uint32_t n_columns, capacity;
  bf__bottom_k chosen;
  float *cells; /* [capacity][n_columns] by slot */
};

bf_status bf__sample_create(uint32_t n_columns, uint64_t seed, bf__sample **out, bf_error *err) {
  *out = NULL;
  bf__sample *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(err, sizeof *s);
  s->n_columns = n_columns;
  s->chosen = (bf__bottom_k){.seed = seed, .k = BF__SAMPLE_ROWS};
  *out = s;
  return BF_OK;
}

void bf__sample_free(bf__sample *s) {
  if (!s) return;
  bf__bottom_k_deinit(&s->chosen);
  free(s->cells);
  free(s);
}

static bf_status grow(bf__sample *s, bf_error *err) {
  uint32_t capacity = s->capacity ? s->capacity * 2 : 256;
  size_t cells = (size_t)capacity * (s->n_columns ? s->n_columns : 1);
  float *grown = bf__realloc(s->cells, cells, sizeof *grown);
  if (!grown) return bf__error_memory(err, cells * sizeof *grown);
  s->cells = grown;
  s->capacity = capacity;
  return BF_OK;
}

bf_status bf__sample_add(bf__sample *s, const float *rows, size_t n_rows, uint64_t first_row, bf_error *err) {
  const size_t n = s->n_columns;
  bf_status status = BF_OK;
  for (size_t i = 0; i < n_rows; i++) {
    bool kept = false;
    uint32_t slot = 0;
    if (s->chosen.n == s->capacity && s->capacity < BF__SAMPLE_ROWS) BF_TRY(grow(s, err));
    BF_TRY(bf__bottom_k_offer(&s->chosen, first_row + i, &kept, &slot, err));
    if (kept && n) memcpy(s->cells + slot * n, rows + i * n, n * sizeof *rows);
  }
out:
  return status;
}

bf_status bf__sample_finish(bf__sample *s, const float **rows, uint32_t *n_rows, bf_error *err) {
  const size_t n = s->n_columns, n_kept = s->chosen.n;
  float *ordered = bf__alloc(n_kept * n, sizeof *ordered);
  if (!ordered) return bf__error_memory(err, n_kept * n * sizeof *ordered);
  bf__bottom_k_sort(&s->chosen);
  for (size_t i = 0; n && i < n_kept; i++)
    memcpy(ordered + i * n, s->cells + s->chosen.heap[i].slot * n, n * sizeof *ordered);
  free(s->cells);
  s->cells = ordered;
  *rows = ordered;
  *n_rows = s->chosen.n;
  return BF_OK;
}

/* Ascending order of float32 as unsigned numbers: three passes of 11 bits. -0 has become 0 before. */
static void sort_floats(uint32_t *keys, uint32_t *other, size_t n) {
  for (unsigned shift = 0; shift < 33; shift += 11) {
    uint32_t count[2048] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++) count[(keys[i] >> shift) & 2047]++;
    for (size_t i = 0; i < 2048; i++) {
      uint32_t c = count[i];
      count[i] = sum;
      sum += c;
    }
    for (size_t i = 0; i < n; i++) other[count[(keys[i] >> shift) & 2047]++] = keys[i];
    uint32_t *t = keys;
    keys = other;
    other = t;
  }
  memcpy(other, keys, n * sizeof *keys); /* an odd number of passes ends in the other array */
}

static uint32_t key_of(float x) {
  uint32_t bits;
  x += 0.0f;
  memcpy(&bits, &x, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float float_of(uint32_t key) {
  uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

typedef struct quantile_job {
  const float *rows;
  uint32_t n_rows;
  bf_sketch *sketch;
  uint32_t *scratch; /* [workers][2][n_rows] */
} quantile_job;

static void column_quantiles(void *context, size_t j, uint32_t worker) {
  quantile_job *job = context;
  bf__sketch_column *c = &job->sketch->columns[j];
  if (c->count == 0) return;
  c->n_quantiles = BF__QUANTILES;
  uint32_t *keys = job->scratch + (size_t)worker * 2 * job->n_rows;
  size_t n = 0;
  for (size_t i = 0; i < job->n_rows; i++) {
    float x = job->rows[i * job->sketch->n_columns + j];
    if (x >= -FLT_MAX && x <= FLT_MAX) keys[n++] = key_of(x);
  }
  if (n == 0) { /* so rare that the sample has none: half at either end */
    for (size_t q = 0; q < BF__QUANTILES; q++) c->quantiles[q] = q < BF__QUANTILES / 2 ? c->min : c->max;
    return;
  }
  sort_floats(keys, keys + job->n_rows, n);
  for (size_t q = 0; q < BF__QUANTILES; q++) { /* the smallest value whose share of ranks reaches (q + 1/2) / 63 */
    size_t rank = ((2 * q + 1) * n + 2 * BF__QUANTILES - 1) / (2 * BF__QUANTILES);
    float x = float_of(keys[rank - 1]);
    c->quantiles[q] = x < c->min ? c->min : x > c->max ? c->max : x; /* extremes are trimmed */
  }
}

bf_status bf__sample_quantiles(const float *rows, uint32_t n_rows, bf_sketch *sketch, uint32_t n_threads,
                               bf_error *err) {
  if (n_threads == 0) n_threads = bf__cores();
  if (n_threads > sketch->n_columns) n_threads = sketch->n_columns ? sketch->n_columns : 1;
  quantile_job job = {.rows = rows, .n_rows = n_rows, .sketch = sketch};
  size_t n_scratch = (size_t)n_threads * 2 * n_rows;
  job.scratch = bf__alloc(n_scratch, sizeof *job.scratch);
  if (!job.scratch) return bf__error_memory(err, n_scratch * sizeof *job.scratch);
  bf__parallel_for(sketch->n_columns, n_threads, column_quantiles, &job);
  free(job.scratch);
  return BF_OK;
}
