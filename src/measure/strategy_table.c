/* The table of every strategy. Help, `bestfit strategies`, JSON and docs/strategies.md are printed from it.
 * Adding a measure is one file and one row here (and its declaration in measure_internal.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "measure/measure_internal.h"

#define NO_ROWS "not applicable: names the side without rows"
#define NO_CENTROIDS "not applicable: fewer than 16 rows keep no centroids"
#define NO_CELLS "not applicable: names the side without a finite cell"
#define PAPER "\"Benchmark of DNN Model Search at Deployment Time\", SSDBM 2022"

static const bf__strategy strategies[] = {
    {{"similarity", "composite", "a repository", BF_HIGHER_IS_CLOSER, -INFINITY, INFINITY, false, false,
      "a measure without an answer counts as the worst of its group", "docs/strategies.md, part 2",
      "z-score of the sum of z-scored measures (the default): for images centroid-distance and gauss-kl both ways, "
      "else hist-jsd, mmd, centroid-distance, cell-jsd and gauss-kl-ts"},
     NULL,
     NULL,
     BF__PART_DATA},
    {{"hist-jsd", "data", "two sketches", BF_LOWER_IS_CLOSER, 0.0, M_LN2, true, false, NO_ROWS,
      "Lin 1991; docs/strategies.md, part 2",
      "mean over columns of the Jensen-Shannon divergence of 16 bins at pooled quantiles"},
     bf__hist_jsd,
     NULL,
     BF__PART_DATA},
    {{"mmd", "data", "two sketches", BF_LOWER_IS_CLOSER, 0.0, 8.0, true, false, NO_CENTROIDS,
      "Gretton et al. 2012; Rahimi and Recht 2007; docs/strategies.md, part 2",
      "maximum mean discrepancy under a Gaussian kernel, 256 random features of the centroids"},
     bf__mmd,
     NULL,
     BF__PART_DATA},
    {{"centroid-distance", "data", "two sketches", BF_LOWER_IS_CLOSER, 0.0, 2.0 * BF__CLIP, false, false, NO_CENTROIDS,
      "docs/strategies.md, part 2", "mean distance of the target's centroids to the nearest source centroid"},
     bf__centroid_distance,
     NULL,
     BF__PART_DATA},
    {{"cell-jsd", "data", "two sketches", BF_LOWER_IS_CLOSER, 0.0, M_LN2, true, false, NO_CENTROIDS,
      "docs/strategies.md, part 2", "Jensen-Shannon divergence of joint cells cut by 8 tables of 8 random hyperplanes"},
     bf__cell_jsd,
     NULL,
     BF__PART_DATA},
    {{"gauss-kl-ts", "data", "two sketches", BF_LOWER_IS_CLOSER, 0.0, INFINITY, false, false, NO_ROWS,
      "Ledoit and Wolf 2004 (shrinkage); docs/strategies.md, part 2",
      "Kullback-Leibler divergence of the target's Gaussian from the source's, a column"},
     bf__gauss_kl_ts,
     NULL,
     BF__PART_DATA},
    {{"gauss-kl-st", "data", "two sketches", BF_LOWER_IS_CLOSER, 0.0, INFINITY, false, false, NO_ROWS,
      "Ledoit and Wolf 2004 (shrinkage); docs/strategies.md, part 2",
      "Kullback-Leibler divergence of the source's Gaussian from the target's, a column"},
     bf__gauss_kl_st,
     NULL,
     BF__PART_DATA},
    {{"paper-jsd", "paper", "two sketches", BF_LOWER_IS_CLOSER, 0.0, M_LN2, true, true, NO_CELLS, PAPER,
      "Jensen-Shannon divergence of the flattened arrays' 100-bin histograms, each min-max normalised by itself"},
     bf__paper_jsd,
     bf__raw_jsd,
     BF__PART_PAPER},
    {{"paper-l2", "paper", "two sketches", BF_LOWER_IS_CLOSER, 0.0, INFINITY, true, true,
      "not applicable: no column with a finite cell on both sides, or unequal columns", PAPER,
      "Euclidean distance of the column means, each array min-max normalised as a whole"},
     bf__paper_l2,
     bf__raw_l2,
     BF__PART_PAPER},
    {{"paper-adaptivity", "paper", "two sketches", BF_HIGHER_IS_CLOSER, 0.0, INFINITY, false, true, NO_CELLS, PAPER,
      "pairs of a source and a target partition with a divergence below the threshold, over the number of target "
      "partitions"},
     bf__paper_adaptivity,
     bf__raw_adaptivity,
     BF__PART_PAPER},
    {{"source-accuracy", "baseline", "source accuracy", BF_HIGHER_IS_CLOSER, 0.0, 1.0, false, false,
      "skipped: the model's accuracy is not known", PAPER, "the model's accuracy on its own data; looks at no target"},
     NULL,
     NULL,
     0},
    {{"random", "baseline", "nothing", BF_HIGHER_IS_CLOSER, 0.0, 1.0, false, false, "a number all the same", PAPER,
      "a seeded hash of the model's id"},
     NULL,
     NULL,
     0},
};
#define N_STRATEGIES (sizeof strategies / sizeof strategies[0])

const bf_strategy_info *bf_strategy_at(size_t i) {
  return i < N_STRATEGIES ? &strategies[i].info : NULL;
}

/* Levenshtein distance of short names; long ones are simply far. */
static size_t edit_distance(const char *a, const char *b) {
  enum { LONGEST = 40 };
  size_t n = strnlen(a, LONGEST + 1), m = strnlen(b, LONGEST + 1), row[LONGEST + 1];
  if (n > LONGEST || m > LONGEST) return LONGEST;
  for (size_t j = 0; j <= m; ++j) row[j] = j;
  for (size_t i = 1; i <= n; ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; ++j) {
      size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
      if (above + 1 < best) best = above + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
      diagonal = above;
    }
  }
  return row[m];
}

static bool is_near(const char *wish, const char *name) {
  return (wish[0] != '\0' && strstr(name, wish)) || strstr(wish, name) || edit_distance(wish, name) <= 3;
}

bf_status bf__strategy_find(const char *name, const bf__strategy **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the strategy");
  *out = NULL;
  if (!name) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no name of a strategy");
  for (size_t i = 0; i < N_STRATEGIES; ++i) {
    if (strcmp(strategies[i].info.name, name) == 0) {
      *out = &strategies[i];
      return BF_OK;
    }
  }
  char near[160] = "";
  size_t used = 0;
  for (int all = 0; all < 2 && used == 0; ++all) { /* nothing near: all of them */
    for (size_t i = 0; i < N_STRATEGIES; ++i) {
      if (!all && !is_near(name, strategies[i].info.name)) continue;
      int n = snprintf(near + used, sizeof near - used, "%s%s", used ? ", " : "", strategies[i].info.name);
      if (n < 0 || (size_t)n >= sizeof near - used) break;
      used += (size_t)n;
    }
  }
  return bf__error(err, BF_ERR_NOT_FOUND, "no strategy '%.40s'; there are: %s", name, near);
}

bf_status bf_strategy_find(const char *name, const bf_strategy_info **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the strategy");
  *out = NULL;
  const bf__strategy *found = NULL;
  bf_status status = bf__strategy_find(name, &found, err);
  if (status == BF_OK) *out = &found->info;
  return status;
}

/* NaN never leaves a strategy. */
static bf_status checked(const char *name, double value, double *out, bf_error *err) {
  if (isnan(value)) return bf__error(err, BF_ERR_NOT_APPLICABLE, "%s has no value for these data", name);
  *out = value;
  return BF_OK;
}

bf_status bf_measure(const char *name, const bf_prepared *source, const bf_prepared *target, double *out,
                     bf_error *err) {
  if (!source || !target || !out)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "source, target and a place for the value are needed");
  const bf__strategy *strategy = NULL;
  bf_status status = bf__strategy_find(name, &strategy, err);
  if (status != BF_OK) return status;
  if (!strategy->measure) {
    return bf__error(err, BF_ERR_UNSUPPORTED, "%s exists only in search: it needs %s", name, strategy->info.needs);
  }
  if (source->frame != target->frame) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "source and target were prepared in different frames");
  }
  if ((source->parts & target->parts & strategy->parts) != strategy->parts) {
    return bf__error(err, BF_ERR_INTERNAL, "%s: a side was not prepared for it", name);
  }
  double value = 0.0;
  status = strategy->measure(source, target, &value, err);
  return status == BF_OK ? checked(name, value, out, err) : status;
}

bf_status bf_measure_raw(const char *name, const bf_rows *source, const bf_rows *target,
                         const bf_measure_options *options, double *out, bf_error *err) {
  if (!source || !target || !out)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "source, target and a place for the value are needed");
  const bf__strategy *strategy = NULL;
  bf_status status = bf__strategy_find(name, &strategy, err);
  if (status != BF_OK) return status;
  if (!strategy->raw) {
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "%s has no form on raw rows; paper-jsd, paper-l2 and paper-adaptivity have", name);
  }
  bf_measure_options filled = bf__measure_options(options);
  double value = 0.0;
  status = strategy->raw(source, target, &filled, &value, err);
  return status == BF_OK ? checked(name, value, out, err) : status;
}
