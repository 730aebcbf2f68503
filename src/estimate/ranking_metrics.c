/* Metrics of one ranking. Expectations over ties are exact: of the group of equal scores that straddles place k, r of
 * its g members are among the first k, every choice of r being equally likely, so that the j-th worst of them is the
 * best of the chosen with probability C(j-1, r-1) / C(g, r). */
#include <bestfit/metrics.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "estimate/estimate_internal.h"

typedef struct ranked {
  double score, accuracy;
} ranked;

static int compare_doubles(double a, double b) {
  return (a > b) - (a < b);
}

/* Best score first; within equal scores the lowest accuracy first. */
static int by_score(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  int order = compare_doubles(y->score, x->score);
  return order != 0 ? order : compare_doubles(x->accuracy, y->accuracy);
}

static bf_status sorted(const double *score, const double *accuracy, size_t n, ranked **out, bf_error *err) {
  *out = NULL;
  if (n == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a ranking of no models has no metrics");
  for (size_t i = 0; i < n; i++)
    if (!isfinite(accuracy[i]))
      return bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)i,
                          "the accuracy of model %zu is not a finite number: leave out what was not measured", i);
  ranked *models = bf__alloc(n, sizeof *models);
  if (models == NULL) return bf__error_memory(err, n * sizeof *models);
  for (size_t i = 0; i < n; i++)
    models[i] = (ranked){.score = isnan(score[i]) ? -INFINITY : score[i], .accuracy = accuracy[i]};
  qsort(models, n, sizeof *models, by_score);
  *out = models;
  return BF_OK;
}

static size_t end_of_ties(const ranked *models, size_t n, size_t from) {
  size_t to = from + 1;
  while (to < n && models[to].score == models[from].score) to++;
  return to;
}

static double best_accuracy(const ranked *models, size_t n) {
  double best = models[0].accuracy;
  for (size_t i = 1; i < n; i++) best = fmax(best, models[i].accuracy);
  return best;
}

static double regret_of_first(const ranked *models, size_t n, size_t k) {
  double sure = -INFINITY; /* best of the groups that are among the first k as a whole */
  size_t from = 0, to = 0;
  if (k > n) k = n;
  for (; from < n; from = to) {
    to = end_of_ties(models, n, from);
    if (to > k) break;
    sure = fmax(sure, models[to - 1].accuracy);
  }
  double expected = sure;
  if (from < k) {
    size_t g = to - from, r = k - from;
    double probability = (double)r / (double)g; /* that the best of the group is among them */
    expected = 0;
    for (size_t j = g; j >= r; j--) {
      expected += probability * fmax(sure, models[from + j - 1].accuracy);
      if (j > 1) probability *= (double)(j - r) / (double)(j - 1);
    }
  }
  return fmax(best_accuracy(models, n) - expected, 0); /* no -1e-17 out of the sum of probabilities */
}

static double hit_of_first(const ranked *models, size_t n) {
  double best = best_accuracy(models, n);
  size_t g = end_of_ties(models, n, 0), n_best = 0;
  for (size_t i = 0; i < g; i++) n_best += models[i].accuracy == best;
  return (double)n_best / (double)g;
}

/* Rank correlations; 0 where one side tells nothing. The models are sorted by score. */
static bf_status correlate(const ranked *models, size_t n, bf_ranking_metrics *out, bf_error *err) {
  double *numbers = bf__alloc(n, 2 * sizeof *numbers);
  if (numbers == NULL) return bf__error_memory(err, n * 2 * sizeof *numbers);
  bool scores_differ = models[0].score > models[n - 1].score, accuracies_differ = false;
  for (size_t i = 0; i < n; i++) {
    numbers[i] = models[i].score;
    numbers[n + i] = models[i].accuracy;
    accuracies_differ = accuracies_differ || models[i].accuracy != models[0].accuracy;
  }
  bf_status status = BF_OK;
  if (scores_differ && accuracies_differ) {
    status = bf__spearman(numbers, numbers + n, n, &out->spearman, err);
    out->kendall = bf__kendall(numbers, numbers + n, n);
  }
  free(numbers);
  return status;
}

bf_status bf_ranking_metrics_of(const double *score, const double *accuracy, size_t n, bf_ranking_metrics *out,
                                bf_error *err) {
  ranked *models = NULL;
  *out = (bf_ranking_metrics){0};
  bf_status status = sorted(score, accuracy, n, &models, err);
  if (status != BF_OK) return status;
  *out = (bf_ranking_metrics){.regret = regret_of_first(models, n, 1),
                              .regret_top3 = regret_of_first(models, n, 3),
                              .hit = hit_of_first(models, n),
                              .n = n};
  status = correlate(models, n, out, err);
  if (status != BF_OK) *out = (bf_ranking_metrics){0};
  free(models);
  return status;
}

bf_status bf_regret_of_top(const double *score, const double *accuracy, size_t n, size_t k, double *out,
                           bf_error *err) {
  ranked *models = NULL;
  *out = NAN;
  if (k == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the first 0 models have no regret: k begins at 1");
  bf_status status = sorted(score, accuracy, n, &models, err);
  if (status != BF_OK) return status;
  *out = regret_of_first(models, n, k);
  free(models);
  return BF_OK;
}
