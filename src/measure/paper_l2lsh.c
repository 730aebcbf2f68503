/* paper-l2lsh: adaptivity counted through a hash, as Zhou et al. (SSDBM 2022) speed it up.
 *
 *   #{(a, b): P_a and Q_b share the K codes of one of L tables, and JS(P_a, Q_b) < t} / #target partitions, t = 0.1
 *
 * The collisions are those of the index (src/index), with the published parameters; here both sides are at hand, so
 * that two keys are compared and no table is built. It is paper-adaptivity with the same threshold, less the pairs that
 * the hash misses.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "measure/measure_internal.h"

bf_status bf__l2lsh_published(uint64_t seed, bf__l2lsh **out, bf_error *err) {
  return bf__l2lsh_create(seed, BF__L2LSH_WIDTH, BF__L2LSH_HASHES, BF__L2LSH_TABLES, BF__PAPER_BINS, out, err);
}

bf_status bf__partition_keys(const bf__l2lsh *lsh, const bf__paper_histogram *partitions, size_t n, uint64_t **out,
                             bf_error *err) {
  *out = NULL;
  size_t stride = bf__l2lsh_stride(lsh);
  int16_t *quantised = bf__alloc(n, stride * sizeof *quantised);
  uint64_t *keys = bf__alloc(n, BF__L2LSH_TABLES * sizeof *keys);
  if (!quantised || !keys) {
    free(quantised);
    free(keys);
    return bf__error_memory(err, n * BF__L2LSH_TABLES * sizeof *keys);
  }
  for (size_t i = 0; i < n; ++i) {
    float roots[BF__PAPER_BINS];
    for (size_t j = 0; j < BF__PAPER_BINS; ++j) roots[j] = (float)partitions[i].root[j];
    bf__l2lsh_quantise(lsh, roots, quantised + i * stride);
  }
  bf__l2lsh_keys(lsh, quantised, n, keys, BF__L2LSH_TABLES, 1);
  free(quantised);
  *out = keys;
  return BF_OK;
}

static bool collide(const uint64_t *a, const uint64_t *b) {
  bool any = false;
  for (size_t t = 0; t < BF__L2LSH_TABLES; ++t) any |= a[t] == b[t];
  return any;
}

uint64_t bf__colliding_matches(const bf__paper_histogram *source, const uint64_t *source_keys, size_t n_source,
                               const bf__paper_histogram *target, const uint64_t *target_keys, size_t n_target,
                               double threshold) {
  uint64_t matches = 0;
  for (size_t b = 0; b < n_target; ++b) {
    for (size_t a = 0; a < n_source; ++a) {
      matches += collide(source_keys + a * BF__L2LSH_TABLES, target_keys + b * BF__L2LSH_TABLES) &&
                 bf__paper_near(&source[a], &target[b], threshold);
    }
  }
  return matches;
}

bf_status bf__hashes_prepare(bf_prepared *prepared, bf_error *err) {
  if (prepared->n_partitions == 0) return BF_OK;
  bf_status status = bf__partition_keys(prepared->frame->l2lsh, prepared->partitions, prepared->n_partitions,
                                        &prepared->partition_keys, err);
  if (status != BF_OK) return status;
  return bf__partition_keys(prepared->frame->l2lsh, prepared->target_partitions, prepared->n_target_partitions,
                            &prepared->target_keys, err);
}

bf_status bf__paper_l2lsh(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  const char *without = source->n_partitions == 0 ? "source" : target->n_target_partitions == 0 ? "target" : NULL;
  if (without) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no finite cell", without);
  double threshold = source->frame->options.adaptivity_threshold;
  uint64_t matches = bf__colliding_matches(source->partitions, source->partition_keys, source->n_partitions,
                                           target->target_partitions, target->target_keys, target->n_target_partitions,
                                           threshold > 0.0 ? threshold : BF__L2LSH_THRESHOLD);
  *out = (double)matches / (double)target->n_target_partitions;
  return BF_OK;
}
