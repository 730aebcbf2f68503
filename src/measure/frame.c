/* The frame: what must be common before two sketches can be compared, derived from the candidate sources alone.
 *
 * A sketch depends on its data only. Here, for one group of candidates with equal columns, we derive with equal weight
 * for each source: the standardisation (mean and variance of the mixture), the edges of 16 bins, the bandwidth and the
 * frequencies of 256 random Fourier features (Rahimi and Recht 2007), and 64 random hyperplanes with pooled medians as
 * thresholds. The target is left out, so that the order of the candidates does not depend on how odd the target's units
 * are; standardised values are clipped to +-8 for the same reason.
 *
 * Constant columns say nothing about the sources and would divide by zero: they are dropped, and kept by name, since a
 * target that varies there is worth a warning.
 *
 * Cost: the pooled points are bounded (POOL), so a frame of any number of sources takes some 20 ms and one pass over
 * the columns.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "measure/measure_internal.h"

#define POOL 4096u     /* centroids of all sources for the medians */
#define DISTANCES 256u /* of those, points whose pairwise distances give the bandwidth */
#define TWO_PI 6.283185307179586

/* Streams of the seed; each use of randomness has its own. */
enum { STREAM_FREQUENCIES = 11, STREAM_PHASES = 12, STREAM_PLANES = 13, STREAM_SHUFFLE = 14 };

uint64_t bf__shuffle_seed(uint64_t seed, unsigned side) {
  return bf__mix64(seed, STREAM_SHUFFLE + (uint64_t)side);
}

static bf_measure_options filled(const bf_measure_options *options, uint32_t partition_size, double threshold) {
  bf_measure_options out = BF_MEASURE_OPTIONS_INIT;
  if (options) out = *options;
  if (out.seed == 0) out.seed = BF_SKETCH_DEFAULT_SEED;
  if (out.partition_size == 0) out.partition_size = partition_size;
  if (!(out.adaptivity_threshold > 0.0)) out.adaptivity_threshold = threshold;
  return out;
}

bf_measure_options bf__measure_options(const bf_measure_options *options) {
  return filled(options, BF__DEFAULT_PARTITION_SIZE, BF__DEFAULT_THRESHOLD);
}

bf_measure_options bf__word_options(const bf_measure_options *options) {
  return filled(options, BF__DEFAULT_WORD_PARTITION_SIZE, BF__DEFAULT_WORD_THRESHOLD);
}

void bf_frame_free(bf_frame *frame) {
  if (!frame) return;
  free(frame->columns);
  free(frame->dropped);
  free(frame->frequencies);
  free(frame->planes);
  bf__frame_words_deinit(&frame->words);
  bf__profiles_deinit(&frame->pooled);
  bf__l2lsh_free(frame->l2lsh);
  free(frame);
}

const char *bf_frame_dropped_column(const bf_frame *frame, size_t i) {
  return frame && i < frame->n_dropped ? frame->dropped[i] : NULL;
}

/* Mean and deviation of the mixture; false where the column is constant (or empty) over all sources. */
static bool pool_moments(const bf__sketch_column *const *columns, size_t n, bf__frame_column *out) {
  double mean = 0.0, within = 0.0, between = 0.0;
  float min = 0.0F, max = 0.0F;
  size_t used = 0;
  for (size_t i = 0; i < n; ++i) {
    if (columns[i]->count == 0) continue;
    if (used == 0 || columns[i]->min < min) min = columns[i]->min;
    if (used == 0 || columns[i]->max > max) max = columns[i]->max;
    mean += columns[i]->mean;
    within += columns[i]->variance;
    ++used;
  }
  if (used == 0 || !(min < max)) return false;
  mean /= (double)used;
  within /= (double)used;
  for (size_t i = 0; i < n; ++i) {
    if (columns[i]->count == 0) continue;
    double d = columns[i]->mean - mean;
    between += d * d;
  }
  out->mean = mean;
  out->deviation =
      sqrt(within + between / (double)used); /* = mean of (var + mean^2) - mean^2, without its cancellation */
  return isfinite(out->deviation) && out->deviation > 0.0;
}

static bf_status pool_columns(bf_frame *frame, const bf_sketch *const *sources, size_t n_sources, const uint32_t *maps,
                              bf_error *err) {
  uint32_t n_all = frame->reference->n_columns;
  bf_status status = BF_OK;
  const bf__sketch_column **columns = bf__alloc(n_sources, sizeof *columns);
  frame->columns = bf__alloc(n_all, sizeof *frame->columns);
  frame->dropped = bf__alloc(n_all, sizeof *frame->dropped);
  if (!columns || !frame->columns || !frame->dropped) {
    status = bf__error_memory(err, n_sources * sizeof(void *));
    goto out;
  }
  for (uint32_t j = 0; j < n_all; ++j) {
    for (size_t i = 0; i < n_sources; ++i) columns[i] = &sources[i]->columns[maps[i * n_all + j]];
    bf__frame_column *column = &frame->columns[frame->n_columns];
    column->source = j;
    if (!pool_moments(columns, n_sources, column)) {
      bf__column_label(frame->reference, j, frame->dropped[frame->n_dropped++]);
      continue;
    }
    BF_TRY(bf__pooled_edges(columns, n_sources, column->edges, err));
    ++frame->n_columns;
  }
out:
  free(columns);
  return status;
}

void bf__standardise(const bf_frame *frame, const bf_sketch *sketch, const uint32_t *map, float *out) {
  for (uint32_t i = 0; i < sketch->n_centroids; ++i) {
    const float *row = sketch->centroids + (size_t)i * sketch->n_columns;
    for (uint32_t j = 0; j < frame->n_columns; ++j) {
      const bf__frame_column *column = &frame->columns[j];
      double z = ((double)row[map[column->source]] - column->mean) / column->deviation;
      z = z > BF__CLIP ? BF__CLIP : z < -BF__CLIP ? -BF__CLIP : z;
      out[(size_t)i * frame->n_columns + j] = (float)z;
    }
  }
}

/* --- pooled centroids -----------------------------------------------------------------------------------------------
 */

typedef struct pool {
  uint32_t n;
  float *points;   /* [n][k] */
  double *weights; /* each source sums to 1 */
} pool;

/* At most POOL standardised centroids: equally many of each source, evenly strided. */
static bf_status fill_pool(const bf_frame *frame, const bf_sketch *const *sources, size_t n_sources,
                           const uint32_t *maps, pool *out, bf_error *err) {
  bf_status status = BF_OK;
  uint32_t k = frame->n_columns, n_all = frame->reference->n_columns;
  float *points = bf__alloc((size_t)BF__MAX_CENTROIDS * (k ? k : 1), sizeof *points);
  out->points = bf__alloc((size_t)POOL * (k ? k : 1), sizeof *out->points);
  out->weights = bf__alloc(POOL, sizeof *out->weights);
  if (!points || !out->points || !out->weights) {
    status = bf__error_memory(err, (size_t)POOL * k * sizeof *points);
    goto out;
  }
  size_t source_step = (n_sources + POOL - 1) / POOL;
  size_t used = (n_sources + source_step - 1) / source_step;
  uint32_t each = (uint32_t)(POOL / used);
  for (size_t i = 0; i < n_sources; i += source_step) {
    const bf_sketch *sketch = sources[i];
    if (sketch->n_centroids == 0) continue;
    uint32_t step = (sketch->n_centroids + each - 1) / each;
    double rows = 0.0;
    for (uint32_t c = 0; c < sketch->n_centroids; c += step) rows += (double)sketch->centroid_rows[c];
    bf__standardise(frame, sketch, maps + i * n_all, points);
    for (uint32_t c = 0; c < sketch->n_centroids; c += step) {
      memcpy(out->points + (size_t)out->n * k, points + (size_t)c * k, (size_t)k * sizeof *points);
      out->weights[out->n++] = (double)sketch->centroid_rows[c] / rows;
    }
  }
out:
  free(points);
  return status;
}

int bf__compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static bf_status find_bandwidth(bf_frame *frame, const pool *all, bf_error *err) {
  uint32_t k = frame->n_columns, step = (all->n + DISTANCES - 1) / DISTANCES;
  frame->bandwidth = 1.0; /* where all centroids are one point */
  if (all->n < 2) return BF_OK;
  uint32_t n = (all->n + step - 1) / step;
  size_t n_pairs = (size_t)n * (n - 1) / 2, at = 0;
  double *distances = bf__alloc(n_pairs, sizeof *distances);
  if (!distances) return bf__error_memory(err, n_pairs * sizeof *distances);
  for (uint32_t i = 0; i < n; ++i) {
    const float *x = all->points + (size_t)i * step * k;
    for (uint32_t j = 0; j < i; ++j) {
      const float *y = all->points + (size_t)j * step * k;
      double sum = 0.0;
      for (uint32_t c = 0; c < k; ++c) {
        double d = (double)x[c] - (double)y[c];
        sum += d * d;
      }
      distances[at++] = sqrt(sum);
    }
  }
  qsort(distances, n_pairs, sizeof *distances, bf__compare_doubles);
  double median = (distances[(n_pairs - 1) / 2] + distances[n_pairs / 2]) / 2.0;
  if (median > 0.0) frame->bandwidth = median;
  free(distances);
  return BF_OK;
}

static bf_status draw_features(bf_frame *frame, bf_error *err) {
  uint32_t k = frame->n_columns;
  frame->frequencies = bf__alloc((size_t)k * BF__FEATURES, sizeof *frame->frequencies);
  frame->planes = bf__alloc((size_t)k * BF__ALL_PLANES, sizeof *frame->planes);
  if (!frame->frequencies || !frame->planes) return bf__error_memory(err, (size_t)k * BF__FEATURES * sizeof(float));
  bf__random random = bf__random_of(bf__mix64(frame->options.seed, STREAM_FREQUENCIES));
  for (size_t i = 0; i < (size_t)k * BF__FEATURES; ++i) {
    frame->frequencies[i] = (float)(bf__random_normal(&random) / (frame->bandwidth * TWO_PI));
  }
  random = bf__random_of(bf__mix64(frame->options.seed, STREAM_PHASES));
  for (size_t i = 0; i < BF__FEATURES; ++i) frame->phases[i] = (float)bf__random_unit(&random);
  random = bf__random_of(bf__mix64(frame->options.seed, STREAM_PLANES));
  for (size_t i = 0; i < (size_t)k * BF__ALL_PLANES; ++i) frame->planes[i] = (float)bf__random_normal(&random);
  return BF_OK;
}

typedef struct weighted {
  double value, weight;
} weighted;

static int compare_weighted(const void *a, const void *b) {
  const weighted *x = a, *y = b;
  if (x->value != y->value) return x->value < y->value ? -1 : 1;
  return x->weight < y->weight ? -1 : x->weight > y->weight;
}

static bf_status find_medians(bf_frame *frame, const pool *all, bf_error *err) {
  if (all->n == 0) return BF_OK;
  float *products = bf__alloc((size_t)all->n * BF__ALL_PLANES, sizeof *products);
  weighted *sorted = bf__alloc(all->n, sizeof *sorted);
  if (!products || !sorted) {
    free(products);
    free(sorted);
    return bf__error_memory(err, (size_t)all->n * BF__ALL_PLANES * sizeof *products);
  }
  double total = 0.0;
  for (uint32_t i = 0; i < all->n; ++i) {
    bf__plane_products(frame, all->points + (size_t)i * frame->n_columns, products + (size_t)i * BF__ALL_PLANES);
    total += all->weights[i];
  }
  for (uint32_t p = 0; p < BF__ALL_PLANES; ++p) {
    for (uint32_t i = 0; i < all->n; ++i) {
      sorted[i] = (weighted){(double)products[(size_t)i * BF__ALL_PLANES + p], all->weights[i]};
    }
    qsort(sorted, all->n, sizeof *sorted, compare_weighted);
    double below = 0.0;
    uint32_t i = 0;
    while (i + 1 < all->n && (below += sorted[i].weight) < total / 2.0) ++i;
    frame->medians[p] = (float)sorted[i].value;
  }
  free(products);
  free(sorted);
  return BF_OK;
}

/* What is pooled over the columns and centroids of the sources. */
static bf_status make_dense(bf_frame *frame, const bf_sketch *const *sources, size_t n_sources, const uint32_t *maps,
                            bf_error *err) {
  bf_status status = BF_OK;
  pool all = {0, NULL, NULL};
  BF_TRY(pool_columns(frame, sources, n_sources, maps, err));
  BF_TRY(fill_pool(frame, sources, n_sources, maps, &all, err));
  BF_TRY(find_bandwidth(frame, &all, err));
  BF_TRY(draw_features(frame, err));
  BF_TRY(find_medians(frame, &all, err));
out:
  free(all.points);
  free(all.weights);
  return status;
}

bf_status bf__frame_create(const bf_sketch *const *sources, size_t n_sources, const bf_measure_options *options,
                           unsigned parts, bf_frame **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the frame");
  *out = NULL;
  if (!sources || n_sources == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a frame needs at least one source");
  for (size_t i = 0; i < n_sources; ++i) {
    if (!sources[i]) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "source %zu has no sketch", i);
  }
  bf_status status = BF_OK;
  bf_frame *frame = bf__alloc(1, sizeof *frame);
  uint32_t n_all = sources[0]->n_columns, *maps = NULL;
  size_t map_cells = 0;
  if (!frame || !bf__mul(n_sources, n_all, &map_cells) || !(maps = bf__alloc(map_cells, sizeof *maps))) {
    status = bf__error_memory(err, map_cells * sizeof *maps);
    goto out;
  }
  static const bf_measure_options defaults = BF_MEASURE_OPTIONS_INIT;
  frame->options = options ? *options : defaults; /* partitions: each measure has its own defaults */
  if (frame->options.seed == 0) frame->options.seed = BF_SKETCH_DEFAULT_SEED;
  bf_kind kind = sources[0]->kind;
  frame->soft_on_words = kind == BF_KIND_TEXT || kind == BF_KIND_PAIR || kind == BF_KIND_TAGGED;
  frame->reference = sources[0];
  frame->n_reduced = 0;
  for (size_t i = 0; i < n_sources; ++i) {
    BF_TRY(bf__columns_map(sources[0], sources[i], "another source", maps + i * n_all, err));
    uint32_t m = sources[i]->n_centroids < BF__REDUCED ? sources[i]->n_centroids : BF__REDUCED;
    if (m > 0 && (frame->n_reduced == 0 || m < frame->n_reduced)) frame->n_reduced = m;
  }
  BF_TRY(make_dense(frame, sources, n_sources, maps, err));
  if (parts & BF__PART_WORDS) BF_TRY(bf__frame_words_make(frame, sources, n_sources, err));
  if (parts & BF__PART_SOFT) BF_TRY(bf__soft_pool(frame, sources, n_sources, err));
  if (parts & BF__PART_HASHES) BF_TRY(bf__l2lsh_published(frame->options.seed, &frame->l2lsh, err));
  *out = frame;
  frame = NULL;
out:
  free(maps);
  bf_frame_free(frame);
  return status;
}

bf_status bf_frame_create(const bf_sketch *const *sources, size_t n_sources, const bf_measure_options *options,
                          bf_frame **out, bf_error *err) {
  return bf__frame_create(sources, n_sources, options, BF__PART_ALL, out, err);
}
