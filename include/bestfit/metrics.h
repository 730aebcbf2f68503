/* bestfit/metrics.h: how good is a ranking, and how sure is that?
 *
 * Question it answers: given a strategy's scores of some models on one target and the accuracies that the models truly
 * reach there, what does one lose by following the scores; and over many targets, what is the mean and its interval?
 *
 * Methods
 *   regret       accuracy of the best model - accuracy of the chosen one. >= 0, the unit of the accuracies.
 *   regret_top3  accuracy of the best model - best accuracy among the first three.
 *   hit          probability that the chosen model is one of the best.
 *   These three are expectations over all orders of equal scores: a strategy gains nothing by ties.
 *   spearman     Pearson correlation of the ranks, equal values sharing the mean of their ranks.
 *   kendall      tau-b (Kendall, Biometrika 1945): (concordant - discordant) / sqrt(pairs untied in a x untied in b).
 *   Both are in [-1, 1], and 0 where one side is constant or there is one model: no order is told, none is right.
 *   intervals    percentile bootstrap (Efron 1979) that draws whole groups of related targets, so that 20 targets of 8
 *                persons count as 8, with the quantiles widened for few groups (Hesterberg, The American Statistician
 *                2015: "expanded percentile"). Nominal coverage is met within some 2 points from 10 groups on where
 *                the values are not very skewed; of fewer than 5 groups no bootstrap says much.
 * Determinism: equal input and seed give equal numbers on every machine with the same libm. Thread-safety: all of it.
 */
#ifndef BESTFIT_METRICS_H
#define BESTFIT_METRICS_H

#include <bestfit/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_ranking_metrics {
  double regret, regret_top3, spearman, kendall, hit;
  size_t n; /* models */
} bf_ranking_metrics;

/* Scores a ranking. score: [n], higher is better; NaN (no answer) and -infinity rank last, together. accuracy: [n],
 * finite. BF_ERR_INVALID_ARGUMENT: n is 0, or an accuracy is not finite (position says which). Cost: O(n^2). */
BF_API BF_MUST_CHECK bf_status bf_ranking_metrics_of(const double *score, const double *accuracy, size_t n,
                                                     bf_ranking_metrics *out, bf_error *err);
/* Best accuracy minus the expected best among the first k, k in 1..n (above: n). The same conditions. */
BF_API BF_MUST_CHECK bf_status bf_regret_of_top(const double *score, const double *accuracy, size_t n, size_t k,
                                                double *out, bf_error *err);

typedef struct bf_bootstrap_options {
  size_t struct_size;
  double level;     /* nominal coverage; 0: 0.95 */
  uint32_t n_draws; /* 0: 2000; at most 1,000,000 */
  uint64_t seed;    /* 0: 20220706 */
} bf_bootstrap_options;
#define BF_BOOTSTRAP_OPTIONS_INIT \
  { sizeof(bf_bootstrap_options), 0, 0, 0 }

typedef struct bf_mean_interval {
  double mean, low, high; /* low, high: NaN where a collection is one single group, which tells nothing of its spread */
  size_t n, n_groups, n_collections;
} bf_mean_interval;

/* Mean of values over targets with its interval.
 *   values      [n] finite; one number a target
 *   group       [n] or NULL (each target by itself): targets of equal number are related and are drawn together
 *   collection  [n] or NULL (one): the mean is then the macro-average, the mean over collections of the mean within,
 * and groups are drawn within each collection For a paired difference of two strategies give the differences. options:
 * NULL: the defaults. BF_ERR_INVALID_ARGUMENT: n is 0, a value is not finite (position says which; a missing target is
 * to be named, not averaged away), or an option is out of range. Cost: O(draws x groups), 8 bytes a draw. */
BF_API BF_MUST_CHECK bf_status bf_bootstrap_mean(const double *values, const uint32_t *group,
                                                 const uint32_t *collection, size_t n,
                                                 const bf_bootstrap_options *options, bf_mean_interval *out,
                                                 bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
