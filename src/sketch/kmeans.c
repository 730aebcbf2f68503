/* Centroids: Lloyd's k-means (1982) from a seeded start that picks rows with probability proportional to their squared
 * distance from those picked before (k-means++, Arthur and Vassilvitskii 2007), on columns standardised by the sample's
 * own deviation; constant and left-out columns play no part. At most 8 rounds: the centroids are a summary of density,
 * not a fit. Clusters of fewer than 8 rows are dissolved into their nearest neighbour, smallest first, so that no
 * centroid shows a single row.
 *
 * Distances are float32 with a fixed order of additions, rows are assigned in parallel, and sums are formed in the
 * order of rows: equal rows and seed give equal centroids. */
#include "sketch/kmeans.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"
#include "sketch/moments.h"

#define ROUNDS 8
#define CHUNK 512u
#define KMEANS_SEED 0x6b2d6d65616e7331u /* "k-means1" */

typedef struct kmeans {
  const bf__kernels *kernels;
  uint32_t n_threads;
  const float *rows; /* [n][n_columns] of the view */
  const bf_sketch *sketch;
  uint32_t n, n_active, k, k_padded;
  size_t stride;
  uint32_t *active;   /* [n_active] view columns */
  float *z;           /* [n][stride] standardised */
  float *centres;     /* [k][stride] */
  float *transposed;  /* [n_active][k_padded] */
  float *half;        /* [k_padded] */
  float *best;        /* [n] squared distances while starting */
  double *sums;       /* [k][stride] */
  uint32_t *assigned; /* [n] */
  uint32_t *sizes;    /* [k] */
  const float *start_centre;
} kmeans;

static float filled(const kmeans *m, size_t row, size_t column) {
  float x = m->rows[row * m->sketch->n_columns + column];
  bool ok = x >= -FLT_MAX && x <= FLT_MAX && !m->sketch->left_out[column];
  return ok ? x : m->sketch->means[column];
}

/* Chooses the columns that vary and standardises them. */
static void standardise(kmeans *m) {
  for (uint32_t j = 0; j < m->sketch->n_columns; j++) {
    if (m->sketch->left_out[j]) continue;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < m->n; i++) sum += (double)filled(m, i, j);
    double mean = sum / m->n;
    for (size_t i = 0; i < m->n; i++) {
      double d = (double)filled(m, i, j) - mean;
      squares += d * d;
    }
    double deviation = sqrt(squares / m->n);
    /* Deviations of a constant are rounding errors of its mean. */
    if (!(deviation > fabs(mean) * 1e-12)) continue;
    for (size_t i = 0; i < m->n; i++) {
      m->z[i * m->stride + m->n_active] = (float)(((double)filled(m, i, j) - mean) / deviation);
    }
    m->active[m->n_active++] = j;
  }
}

static void start_distances(void *context, size_t chunk, uint32_t worker) {
  (void)worker;
  kmeans *m = context;
  size_t first = chunk * CHUNK, n = m->n - first < CHUNK ? m->n - first : CHUNK;
  m->kernels->distances(m->z + first * m->stride, n, m->stride, m->start_centre, m->best + first);
}

static size_t n_chunks(const kmeans *m) {
  return (m->n + CHUNK - 1) / CHUNK;
}

/* Sets k to the number of distinct places found. The thread pool costs more than one round on a small sample saves. */
static void start(kmeans *m, uint64_t seed) {
  bf__random random = bf__random_of(bf__mix64(KMEANS_SEED, seed));
  uint32_t pick = (uint32_t)bf__random_below(&random, m->n), k = 0;
  for (size_t i = 0; i < m->n; i++) m->best[i] = FLT_MAX;
  while (k < m->k) {
    memcpy(m->centres + k * m->stride, m->z + pick * m->stride, m->stride * sizeof *m->centres);
    m->start_centre = m->centres + k++ * m->stride;
    for (size_t c = 0; c < n_chunks(m); c++) start_distances(m, c, 0);
    double total = 0;
    for (size_t i = 0; i < m->n; i++) total += (double)m->best[i];
    if (!(total > 0)) break;
    double at = bf__random_unit(&random) * total, sum = 0;
    pick = m->n; /* the last row with any distance, should rounding carry `at` past the sum */
    for (uint32_t i = 0; i < m->n && (pick == m->n || sum <= at); i++) {
      if (m->best[i] > 0) pick = i;
      sum += (double)m->best[i];
    }
  }
  m->k = k;
}

static void assign_chunk(void *context, size_t chunk, uint32_t worker) {
  (void)worker;
  kmeans *m = context;
  size_t first = chunk * CHUNK, n = m->n - first < CHUNK ? m->n - first : CHUNK;
  m->kernels->nearest(m->z + first * m->stride, n, m->stride, m->n_active, m->transposed, m->half, m->k_padded,
                      m->assigned + first);
}

static void assign(kmeans *m) {
  for (size_t c = 0; c < m->k_padded; c++) {
    float norm = 0;
    for (size_t j = 0; j < m->n_active; j++) {
      float v = c < m->k ? m->centres[c * m->stride + j] : 0.0f;
      m->transposed[j * m->k_padded + c] = v;
      norm += v * v;
    }
    m->half[c] = c < m->k ? 0.5f * norm : FLT_MAX;
  }
  bf__parallel_for(n_chunks(m), m->n_threads, assign_chunk, m);
}

/* New centres from the assignment; an empty cluster keeps its place. Returns whether any centre moved. */
static bool update(kmeans *m) {
  memset(m->sums, 0, m->k * m->stride * sizeof *m->sums);
  memset(m->sizes, 0, m->k * sizeof *m->sizes);
  for (size_t i = 0; i < m->n; i++) {
    double *sum = m->sums + m->assigned[i] * m->stride;
    const float *z = m->z + i * m->stride;
    for (size_t j = 0; j < m->n_active; j++) sum[j] += (double)z[j];
    m->sizes[m->assigned[i]]++;
  }
  bool moved = false;
  for (size_t c = 0; c < m->k; c++) {
    for (size_t j = 0; m->sizes[c] && j < m->n_active; j++) {
      float v = (float)(m->sums[c * m->stride + j] / m->sizes[c]);
      moved = moved || v != m->centres[c * m->stride + j];
      m->centres[c * m->stride + j] = v;
    }
  }
  return moved;
}

static double centre_distance(const kmeans *m, size_t a, size_t b) {
  double sum = 0;
  for (size_t j = 0; j < m->n_active; j++) {
    double d = (double)m->centres[a * m->stride + j] - (double)m->centres[b * m->stride + j];
    sum += d * d;
  }
  return sum;
}

/* Merges the smallest cluster into its nearest neighbour until all have enough rows. sums and sizes are current. */
static void dissolve_small(kmeans *m, uint32_t *merged_into) {
  for (uint32_t c = 0; c < m->k; c++) merged_into[c] = c;
  for (;;) {
    uint32_t small = m->k, near = m->k;
    for (uint32_t c = 0; c < m->k; c++) {
      if (m->sizes[c] && (small == m->k || m->sizes[c] < m->sizes[small])) small = c;
    }
    if (small == m->k || m->sizes[small] >= BF__MIN_CENTROID_ROWS) return;
    double nearest = INFINITY;
    for (uint32_t c = 0; c < m->k; c++) {
      if (c == small || m->sizes[c] == 0) continue;
      double d = centre_distance(m, small, c);
      if (d < nearest) {
        nearest = d;
        near = c;
      }
    }
    if (near == m->k) return;
    for (uint32_t c = 0; c < m->k; c++) {
      if (merged_into[c] == small) merged_into[c] = near;
    }
    m->sizes[near] += m->sizes[small];
    m->sizes[small] = 0;
    for (size_t j = 0; j < m->n_active; j++) {
      double *sum = m->sums + near * m->stride + j;
      *sum += m->sums[small * m->stride + j];
      m->centres[near * m->stride + j] = (float)(*sum / m->sizes[near]);
    }
  }
}

/* Means of the view's own cells over each cluster, in the order of cluster numbers. */
static bf_status write_centroids(const kmeans *m, const uint32_t *merged_into, bf_sketch *sketch, bf_error *err) {
  const size_t n_columns = sketch->n_columns;
  uint32_t number[BF__MAX_CENTROIDS] = {0}, n = 0;
  for (uint32_t c = 0; c < m->k; c++) {
    if (m->sizes[c]) number[c] = n++;
  }
  double *sums = bf__alloc((size_t)n * n_columns, sizeof *sums);
  sketch->centroids = bf__alloc((size_t)n * n_columns, sizeof *sketch->centroids);
  sketch->centroid_rows = bf__alloc(n, sizeof *sketch->centroid_rows);
  if (!sums || !sketch->centroids || !sketch->centroid_rows) {
    free(sums);
    return bf__error_memory(err, n * n_columns * sizeof *sums);
  }
  sketch->n_centroids = n;
  for (size_t i = 0; i < m->n; i++) {
    uint32_t c = number[merged_into[m->assigned[i]]];
    sketch->centroid_rows[c]++;
    for (size_t j = 0; j < n_columns; j++) sums[c * n_columns + j] += (double)filled(m, i, j);
  }
  for (size_t c = 0; c < n; c++) {
    for (size_t j = 0; j < n_columns; j++) {
      sketch->centroids[c * n_columns + j] = bf__to_float(sums[c * n_columns + j] / sketch->centroid_rows[c]);
    }
  }
  free(sums);
  return BF_OK;
}

static void kmeans_deinit(kmeans *m) {
  free(m->active);
  free(m->z);
  free(m->centres);
  free(m->transposed);
  free(m->half);
  free(m->best);
  free(m->sums);
  free(m->assigned);
  free(m->sizes);
}

bf_status bf__kmeans(const bf__kernels *kernels, const float *rows, uint32_t n_rows, bf_sketch *sketch,
                     uint32_t n_threads, bf_error *err) {
  if (n_rows < 2 * BF__MIN_CENTROID_ROWS || sketch->n_columns == 0) return BF_OK;
  bf_status status = BF_OK;
  uint32_t k = n_rows / BF__MIN_CENTROID_ROWS < BF__MAX_CENTROIDS ? n_rows / BF__MIN_CENTROID_ROWS : BF__MAX_CENTROIDS;
  kmeans m = {.kernels = kernels, .n_threads = n_threads, .rows = rows, .sketch = sketch, .n = n_rows, .k = k};
  m.stride = (sketch->n_columns + BF__LANES - 1) / BF__LANES * BF__LANES;
  m.k_padded = (k + BF__ASSIGN_PAD - 1) / BF__ASSIGN_PAD * BF__ASSIGN_PAD;
  m.active = bf__alloc(sketch->n_columns, sizeof *m.active);
  m.z = bf__alloc(n_rows * m.stride, sizeof *m.z);
  m.centres = bf__alloc(k * m.stride, sizeof *m.centres);
  m.transposed = bf__alloc(m.k_padded * m.stride, sizeof *m.transposed);
  m.half = bf__alloc(m.k_padded, sizeof *m.half);
  m.best = bf__alloc(n_rows, sizeof *m.best);
  m.sums = bf__alloc(k * m.stride, sizeof *m.sums);
  m.assigned = bf__alloc(n_rows, sizeof *m.assigned);
  m.sizes = bf__alloc(k, sizeof *m.sizes);
  if (!m.active || !m.z || !m.centres || !m.transposed || !m.half || !m.best || !m.sums || !m.assigned || !m.sizes) {
    status = bf__error_memory(err, n_rows * m.stride * sizeof *m.z);
    goto out;
  }
  standardise(&m);
  start(&m, sketch->seed);
  for (int round = 0; round < ROUNDS; round++) {
    assign(&m);
    if (!update(&m)) break;
  }
  uint32_t merged_into[BF__MAX_CENTROIDS];
  dissolve_small(&m, merged_into);
  status = write_centroids(&m, merged_into, sketch, err);
out:
  kmeans_deinit(&m);
  return status;
}
