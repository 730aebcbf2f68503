/* Bootstrap of a mean over groups of related targets, and of a macro-average over collections.
 *
 * The percentile interval of m groups is too narrow twice: the spread of the draws is that of the plug-in variance,
 * smaller by (m-1)/m, and normal quantiles stand for those of Student's t. Hesterberg's remedy reads the draws at
 * Phi(-sqrt(m/(m-1)) t) instead of alpha/2, t being the quantile of m-1 degrees of freedom; for the mean of normal
 * values that is Student's interval. With several collections m is the mean number of groups for the first part, and
 * the degrees of freedom are the groups less the collections. */
#include <bestfit/metrics.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#define DEFAULT_SEED 20220706
#define MAX_DRAWS 1000000

typedef struct block { /* the targets that are drawn together */
  uint32_t collection, group;
  double sum, count;
} block;

static int by_collection_and_group(const void *a, const void *b) {
  const block *x = a, *y = b;
  if (x->collection != y->collection) return x->collection < y->collection ? -1 : 1;
  return (x->group > y->group) - (x->group < y->group);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double normal_below(double z) {
  return 0.5 * erfc(-z / sqrt(2));
}

/* Density and distribution of Student's t (closed finite sums, Abramowitz and Stegun 26.7.3 and 26.7.4). */
static double student_below(double t, size_t freedom) {
  double theta = atan(t / sqrt((double)freedom)), cosine = cos(theta), sine = sin(theta), term, sum;
  size_t first;
  if (freedom % 2 == 1) {
    term = cosine, sum = freedom > 1 ? cosine : 0, first = 2;
  } else {
    term = 1, sum = 1, first = 1;
  }
  for (size_t i = first; i + 1 < freedom; i += 2) {
    term *= (double)i / (double)(i + 1) * cosine * cosine;
    sum += term;
  }
  double between = freedom % 2 == 1 ? 2 / M_PI * (theta + sine * sum) : sine * sum; /* P(|T| < t) */
  return 0.5 + between / 2;
}

/* t with P(T > t) = tail, by halving; tail in (0, 0.5). */
static double student_above(double tail, size_t freedom) {
  double low = 0, high = 1;
  if (freedom > 10000) freedom = 10000; /* as good as normal */
  while (1 - student_below(high, freedom) > tail && high < 1e12) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    double middle = (low + high) / 2;
    if (1 - student_below(middle, freedom) > tail)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

/* Share of the draws below the lower end. */
static double expanded_tail(double level, size_t n_groups, size_t n_collections) {
  double tail = (1 - level) / 2, per_collection = (double)n_groups / (double)n_collections;
  double t = student_above(tail, n_groups - n_collections);
  return normal_below(-sqrt(per_collection / (per_collection - 1)) * t);
}

static double quantile(const double *values, size_t n, double share) {
  double at = share * (double)(n - 1);
  size_t i = (size_t)at;
  if (i + 1 >= n) return values[n - 1];
  return values[i] + (at - (double)i) * (values[i + 1] - values[i]);
}

/* Targets to blocks, collection by collection; *n_blocks of them. */
static void join_blocks(block *blocks, size_t n, size_t *n_blocks) {
  size_t kept = 0;
  qsort(blocks, n, sizeof *blocks, by_collection_and_group);
  for (size_t i = 1; i < n; i++) {
    if (by_collection_and_group(&blocks[kept], &blocks[i]) == 0)
      blocks[kept].sum += blocks[i].sum, blocks[kept].count += blocks[i].count;
    else
      blocks[++kept] = blocks[i];
  }
  *n_blocks = kept + 1;
}

/* Macro-average of the blocks, or with a generator of as many drawn ones. *least: groups in the smallest collection. */
static double macro_average(const block *blocks, size_t n_blocks, bf__random *random, size_t *n_collections,
                            size_t *least) {
  double total = 0;
  *n_collections = 0;
  *least = SIZE_MAX;
  for (size_t from = 0, to; from < n_blocks; from = to) {
    double sum = 0, count = 0;
    for (to = from; to < n_blocks && blocks[to].collection == blocks[from].collection;) to++;
    for (size_t i = from; i < to; i++) {
      const block *drawn = random != NULL ? &blocks[from + bf__random_below(random, to - from)] : &blocks[i];
      sum += drawn->sum;
      count += drawn->count;
    }
    total += sum / count;
    ++*n_collections;
    if (to - from < *least) *least = to - from;
  }
  return total / (double)*n_collections;
}

static bf_status read_options(const bf_bootstrap_options *given, bf_bootstrap_options *out, bf_error *err) {
  *out = (bf_bootstrap_options)BF_BOOTSTRAP_OPTIONS_INIT;
  if (given != NULL) memcpy(out, given, given->struct_size < sizeof *out ? given->struct_size : sizeof *out);
  if (out->level == 0) out->level = 0.95;
  if (out->n_draws == 0) out->n_draws = 2000;
  if (out->seed == 0) out->seed = DEFAULT_SEED;
  if (!(out->level > 0 && out->level < 1))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the level of an interval is between 0 and 1, not %g", out->level);
  if (out->n_draws > MAX_DRAWS)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%u draws are more than %d", out->n_draws, MAX_DRAWS);
  return BF_OK;
}

bf_status bf_bootstrap_mean(const double *values, const uint32_t *group, const uint32_t *collection, size_t n,
                            const bf_bootstrap_options *options, bf_mean_interval *out, bf_error *err) {
  bf_bootstrap_options o;
  block *blocks = NULL;
  double *draws = NULL;
  size_t n_blocks = 0, n_collections = 0, least = 0;
  *out = (bf_mean_interval){.mean = NAN, .low = NAN, .high = NAN};
  bf_status status = read_options(options, &o, err);
  if (status != BF_OK) return status;
  if (n == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no values have no mean");
  blocks = bf__alloc(n, sizeof *blocks);
  draws = bf__alloc(o.n_draws, sizeof *draws);
  if (blocks == NULL || draws == NULL) {
    status = bf__error_memory(err, n * sizeof *blocks + o.n_draws * sizeof *draws);
    goto out;
  }
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(values[i])) {
      status = bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)i,
                            "value %zu is not a finite number: name the target as missing and leave it out", i);
      goto out;
    }
    blocks[i] = (block){.collection = collection != NULL ? collection[i] : 0,
                        .group = group != NULL ? group[i] : (uint32_t)i,
                        .sum = values[i],
                        .count = 1};
  }
  join_blocks(blocks, n, &n_blocks);
  double mean = macro_average(blocks, n_blocks, NULL, &n_collections, &least);
  *out = (bf_mean_interval){
      .mean = mean, .low = NAN, .high = NAN, .n = n, .n_groups = n_blocks, .n_collections = n_collections};
  if (least < 2) goto out;
  bf__random random = bf__random_of(o.seed);
  for (uint32_t i = 0; i < o.n_draws; i++) draws[i] = macro_average(blocks, n_blocks, &random, &n_collections, &least);
  qsort(draws, o.n_draws, sizeof *draws, by_value);
  double tail = expanded_tail(o.level, n_blocks, n_collections);
  out->low = quantile(draws, o.n_draws, tail);
  out->high = quantile(draws, o.n_draws, 1 - tail);
out:
  free(blocks);
  free(draws);
  return status;
}
