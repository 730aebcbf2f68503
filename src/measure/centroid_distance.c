/* centroid-distance: how far a target centroid lies from the nearest source centroid, weighted by the target's rows,
 * divided by sqrt(k) so that numbers of columns compare.
 *
 * Every sketch is first reduced to the same number of centroids m = min(64, the smallest available over the frame's
 * sources and the sketch): more source centroids alone make the nearest one nearer. The reduction is weighted k-means
 * with a greedy start (the heaviest point, then each time the point of largest weight x squared distance to the centres
 * so far: a deterministic k-means++, Arthur and Vassilvitskii 2007) and at most ten rounds of Lloyd's algorithm. Ties
 * go to the lower number.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/measure_internal.h"
#include "measure/simd.h"

#define ROUNDS 10

/* Squared distances of a point to BF__REDUCED centres; centres transposed [k][BF__REDUCED]. */
static BF_KERNEL void distances_body(const float *restrict centres, const float *restrict point, uint32_t k,
                                     float *restrict out) {
  float sums[BF__REDUCED] = {0};
  for (uint32_t j = 0; j < k; ++j) {
    const float x = point[j], *row = centres + (size_t)j * BF__REDUCED;
    for (uint32_t c = 0; c < BF__REDUCED; ++c) {
      float d = x - row[c];
      sums[c] += d * d;
    }
  }
  for (uint32_t c = 0; c < BF__REDUCED; ++c) out[c] = sums[c];
}
BF_VARIANTS(distances_to, distances_body,
            (const float *restrict centres, const float *restrict point, uint32_t k, float *restrict out),
            (centres, point, k, out))

static uint32_t nearest(const float *transposed, uint32_t m, const float *point, uint32_t k, float *distance) {
  float d[BF__REDUCED];
  distances_to(transposed, point, k, d);
  uint32_t best = 0;
  for (uint32_t c = 1; c < m; ++c) {
    if (d[c] < d[best]) best = c;
  }
  *distance = d[best];
  return best;
}

static void transpose(const float *centres, uint32_t m, uint32_t k, float *out) {
  for (uint32_t j = 0; j < k; ++j) {
    for (uint32_t c = 0; c < m; ++c) out[(size_t)j * BF__REDUCED + c] = centres[(size_t)c * k + j];
  }
}

static uint32_t greedy_start(const float *points, const double *weights, uint32_t n, uint32_t k, uint32_t m,
                             float *centres, double *far) {
  uint32_t next = 0, found = 0;
  for (uint32_t i = 1; i < n; ++i) {
    if (weights[i] > weights[next]) next = i;
  }
  for (uint32_t i = 0; i < n; ++i) far[i] = INFINITY;
  while (found < m) {
    float *centre = centres + (size_t)found++ * k;
    memcpy(centre, points + (size_t)next * k, (size_t)k * sizeof *centre);
    double best = 0.0;
    for (uint32_t i = 0; i < n; ++i) {
      double sum = 0.0;
      const float *point = points + (size_t)i * k;
      for (uint32_t j = 0; j < k && sum < far[i]; ++j) {
        double d = (double)point[j] - (double)centre[j];
        sum += d * d;
      }
      if (sum < far[i]) far[i] = sum;
      if (weights[i] * far[i] > best) {
        best = weights[i] * far[i];
        next = i;
      }
    }
    if (!(best > 0.0)) break; /* every point is a centre */
  }
  return found;
}

/* One round of Lloyd's algorithm; whether any point changed its centre. */
static bool lloyd(const float *points, const double *weights, uint32_t n, uint32_t k, uint32_t m, float *centres,
                  double *centre_weights, float *transposed, double *sums, uint32_t *owner) {
  bool moved = false;
  transpose(centres, m, k, transposed);
  memset(sums, 0, (size_t)m * k * sizeof *sums);
  for (uint32_t c = 0; c < m; ++c) centre_weights[c] = 0.0;
  for (uint32_t i = 0; i < n; ++i) {
    float distance = 0.0F;
    uint32_t c = nearest(transposed, m, points + (size_t)i * k, k, &distance);
    if (owner[i] != c) moved = true;
    owner[i] = c;
    centre_weights[c] += weights[i];
    for (uint32_t j = 0; j < k; ++j) sums[(size_t)c * k + j] += weights[i] * (double)points[(size_t)i * k + j];
  }
  for (uint32_t c = 0; c < m; ++c) {
    if (!(centre_weights[c] > 0.0)) continue; /* an emptied centre stays where it was, without weight */
    for (uint32_t j = 0; j < k; ++j) centres[(size_t)c * k + j] = (float)(sums[(size_t)c * k + j] / centre_weights[c]);
  }
  return moved;
}

uint32_t bf__reduce_points(const float *points, const double *weights, uint32_t n, uint32_t k, uint32_t m,
                           float *centres, double *centre_weights, bf_status *status, bf_error *err) {
  *status = BF_OK;
  if (m >= n) {
    memcpy(centres, points, (size_t)n * k * sizeof *centres);
    memcpy(centre_weights, weights, n * sizeof *centre_weights);
    return n;
  }
  double *far = bf__alloc(n, sizeof *far), *sums = bf__alloc((size_t)m * k, sizeof *sums);
  float *transposed = bf__alloc((size_t)BF__REDUCED * k, sizeof *transposed);
  uint32_t *owner = bf__alloc(n, sizeof *owner), found = 0;
  if (!far || !sums || !transposed || !owner) {
    *status = bf__error_memory(err, (size_t)m * k * sizeof *sums);
  } else {
    found = greedy_start(points, weights, n, k, m, centres, far);
    for (uint32_t i = 0; i < n; ++i) owner[i] = UINT32_MAX;
    for (int round = 0; round < ROUNDS; ++round) {
      if (!lloyd(points, weights, n, k, found, centres, centre_weights, transposed, sums, owner)) break;
    }
  }
  free(far);
  free(sums);
  free(transposed);
  free(owner);
  return found;
}

/* Points of a side brought down to m, where the other side has fewer. */
typedef struct reduced_view {
  uint32_t n;
  const float *points;
  const double *weights;
  float *own_points;
  double *own_weights;
} reduced_view;

static bf_status view_of(const bf_prepared *side, uint32_t m, reduced_view *out, bf_error *err) {
  uint32_t k = side->frame->n_columns;
  *out = (reduced_view){side->n_reduced, side->reduced, side->reduced_weights, NULL, NULL};
  if (side->n_reduced <= m) return BF_OK;
  out->own_points = bf__alloc((size_t)m * k, sizeof *out->own_points);
  out->own_weights = bf__alloc(m, sizeof *out->own_weights);
  if (!out->own_points || !out->own_weights) return bf__error_memory(err, (size_t)m * k * sizeof(float));
  bf_status status = BF_OK;
  out->n = bf__reduce_points(side->points, side->weights, side->n_points, k, m, out->own_points, out->own_weights,
                             &status, err);
  out->points = out->own_points;
  out->weights = out->own_weights;
  return status;
}

bf_status bf__centroid_distance(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  uint32_t k = source->frame->n_columns;
  bf_status status = bf__needs_centroids(source, target, err);
  if (status != BF_OK) return status;
  uint32_t m = source->n_reduced < target->n_reduced ? source->n_reduced : target->n_reduced;
  reduced_view s = {0}, t = {0};
  float *transposed = bf__alloc((size_t)BF__REDUCED * k, sizeof *transposed);
  status = transposed ? BF_OK : bf__error_memory(err, (size_t)BF__REDUCED * k * sizeof *transposed);
  if (status != BF_OK) goto out;
  BF_TRY(view_of(source, m, &s, err));
  BF_TRY(view_of(target, m, &t, err));
  transpose(s.points, s.n, k, transposed);
  double sum = 0.0, total = 0.0;
  for (uint32_t i = 0; i < t.n; ++i) {
    float distance = 0.0F;
    nearest(transposed, s.n, t.points + (size_t)i * k, k, &distance);
    sum += t.weights[i] * sqrt((double)distance);
    total += t.weights[i];
  }
  *out = sum / total / sqrt((double)k);
out:
  free(transposed);
  free(s.own_points);
  free(s.own_weights);
  free(t.own_points);
  free(t.own_weights);
  return status;
}
