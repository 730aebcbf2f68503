/* The table of measures and composites. rank/strategies.c lists it with the estimators; help, `bestfit strategies`,
 * JSON and docs/strategies.md are printed from that. Adding a measure is one file and one row here (and its declaration
 * in measure_internal.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "measure/measure_internal.h"

#define NO_ROWS "not applicable: names the side without rows"
#define NO_CENTROIDS "not applicable: fewer than 16 rows keep no centroids"
#define NO_CELLS "not applicable: names the side without a finite cell"
#define NO_WORDS "not applicable: names the side without words"
#define PAPER "\"Benchmark of DNN Model Search at Deployment Time\", SSDBM 2022"

static const bf__strategy strategies[] = {
    {.info =
         {.name = "similarity",
          .family = "composite",
          .needs = "a repository",
          .direction = BF_HIGHER_IS_CLOSER,
          .lowest = -INFINITY,
          .highest = INFINITY,
          .symmetric = false,
          .when_empty = "a measure without an answer counts as the worst of its group",
          .source = "docs/strategies.md, part 2",
          .summary =
              "z-score of the sum of z-scored measures (the default): for images centroid-distance and gauss-kl both "
              "ways, for text and tagged soft-adaptivity, word-jsd, word-xent, tfidf-cosine and gauss-kl-ts, else "
              "hist-jsd, mmd, centroid-distance, cell-jsd and gauss-kl-ts"}},
    {.info = {.name = "hist-jsd",
              .family = "data",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = M_LN2,
              .symmetric = true,
              .when_empty = NO_ROWS,
              .source = "Lin 1991; docs/strategies.md, part 2",
              .summary = "mean over columns of the Jensen-Shannon divergence of 16 bins at pooled quantiles"},
     .measure = bf__hist_jsd,
     .parts = BF__PART_DATA},
    {.info = {.name = "mmd",
              .family = "data",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = 8.0,
              .symmetric = true,
              .when_empty = NO_CENTROIDS,
              .source = "Gretton et al. 2012; Rahimi and Recht 2007; docs/strategies.md, part 2",
              .summary = "maximum mean discrepancy under a Gaussian kernel, 256 random features of the centroids"},
     .measure = bf__mmd,
     .parts = BF__PART_DATA},
    {.info = {.name = "centroid-distance",
              .family = "data",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = 2.0 * BF__CLIP,
              .symmetric = false,
              .when_empty = NO_CENTROIDS,
              .source = "docs/strategies.md, part 2",
              .summary = "mean distance of the target's centroids to the nearest source centroid"},
     .measure = bf__centroid_distance,
     .parts = BF__PART_DATA},
    {.info = {.name = "cell-jsd",
              .family = "data",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = M_LN2,
              .symmetric = true,
              .when_empty = NO_CENTROIDS,
              .source = "docs/strategies.md, part 2",
              .summary = "Jensen-Shannon divergence of joint cells cut by 8 tables of 8 random hyperplanes"},
     .measure = bf__cell_jsd,
     .parts = BF__PART_DATA},
    {.info = {.name = "gauss-kl-ts",
              .family = "data",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = INFINITY,
              .symmetric = false,
              .when_empty = NO_ROWS,
              .source = "Ledoit and Wolf 2004 (shrinkage); docs/strategies.md, part 2",
              .summary = "Kullback-Leibler divergence of the target's Gaussian from the source's, a column"},
     .measure = bf__gauss_kl_ts,
     .parts = BF__PART_GAUSS},
    {.info = {.name = "gauss-kl-st",
              .family = "data",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = INFINITY,
              .symmetric = false,
              .when_empty = NO_ROWS,
              .source = "Ledoit and Wolf 2004 (shrinkage); docs/strategies.md, part 2",
              .summary = "Kullback-Leibler divergence of the source's Gaussian from the target's, a column"},
     .measure = bf__gauss_kl_st,
     .parts = BF__PART_GAUSS},
    {.info = {.name = "soft-adaptivity",
              .family = "data",
              .needs = "two sketches",
              .direction = BF_HIGHER_IS_CLOSER,
              .lowest = 0.0,
              .highest = 1.0,
              .symmetric = false,
              .partition_size = BF__DEFAULT_PARTITION_SIZE,
              .when_empty = "not applicable: names the side without partitions",
              .source = "docs/strategies.md, part 2",
              .summary = "mean over target partitions of exp(-JS/tau) to the nearest source partition, tau the median "
                         "JS; on words for text, pair and tagged"},
     .measure = bf__soft_adaptivity,
     .parts = BF__PART_WORDS | BF__PART_SOFT},
    {.info = {.name = "word-jsd",
              .family = "words",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = M_LN2,
              .symmetric = true,
              .when_empty = NO_WORDS,
              .source = "Lin 1991; docs/strategies.md, part 2",
              .summary = "Jensen-Shannon divergence of the 300 words that are most frequent in both together"},
     .measure = bf__word_jsd,
     .parts = BF__PART_WORDS},
    {.info = {.name = "word-xent",
              .family = "words",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = INFINITY,
              .symmetric = false,
              .when_empty = NO_WORDS,
              .source = "docs/strategies.md, part 2",
              .summary = "cross-entropy of the target's words under the source's unigram model"},
     .measure = bf__word_xent,
     .depends_on_itself = true,
     .parts = BF__PART_WORDS},
    {.info = {.name = "tfidf-cosine",
              .family = "words",
              .needs = "two sketches",
              .direction = BF_HIGHER_IS_CLOSER,
              .lowest = 0.0,
              .highest = 1.0,
              .symmetric = true,
              .when_empty = NO_WORDS,
              .source = "Salton and Buckley 1988; docs/strategies.md, part 2",
              .summary = "cosine of ln(1 + count) * idf, document frequencies from the candidate sources"},
     .measure = bf__tfidf_cosine,
     .parts = BF__PART_WORDS},
    {.info = {.name = "minhash-jaccard",
              .family = "words",
              .needs = "two sketches",
              .direction = BF_HIGHER_IS_CLOSER,
              .lowest = 0.0,
              .highest = 1.0,
              .symmetric = true,
              .has_raw_words = true,
              .when_empty = NO_WORDS,
              .source = "Broder 1997; docs/strategies.md, part 1",
              .summary = "Jaccard similarity of the sets of words, from 128 minima of hash functions"},
     .measure = bf__minhash_jaccard,
     .raw_words = bf__raw_jaccard,
     .parts = BF__PART_WORDS},
    {.info = {.name = "paper-jsd",
              .family = "paper",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = M_LN2,
              .symmetric = true,
              .has_raw = true,
              .when_empty = NO_CELLS,
              .source = PAPER,
              .summary = "Jensen-Shannon divergence of the flattened arrays' 100-bin histograms, each min-max "
                         "normalised by itself"},
     .measure = bf__paper_jsd,
     .raw = bf__raw_jsd,
     .parts = BF__PART_PAPER},
    {.info = {.name = "paper-l2",
              .family = "paper",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = INFINITY,
              .symmetric = true,
              .has_raw = true,
              .when_empty = "not applicable: no column with a finite cell on both sides, or unequal columns",
              .source = PAPER,
              .summary = "Euclidean distance of the column means, each array min-max normalised as a whole"},
     .measure = bf__paper_l2,
     .raw = bf__raw_l2,
     .parts = BF__PART_PAPER},
    {.info = {.name = "paper-adaptivity",
              .family = "paper",
              .needs = "two sketches",
              .direction = BF_HIGHER_IS_CLOSER,
              .lowest = 0.0,
              .highest = INFINITY,
              .symmetric = false,
              .has_raw = true,
              .partition_size = BF__DEFAULT_PARTITION_SIZE,
              .threshold = BF__DEFAULT_THRESHOLD,
              .when_empty = NO_CELLS,
              .source = PAPER,
              .summary = "pairs of a source and a target partition with a divergence below the threshold, over the "
                         "number of target partitions"},
     .measure = bf__paper_adaptivity,
     .raw = bf__raw_adaptivity,
     .parts = BF__PART_PAPER},
    {.info = {.name = "paper-l2lsh",
              .family = "paper",
              .needs = "two sketches",
              .direction = BF_HIGHER_IS_CLOSER,
              .lowest = 0.0,
              .highest = INFINITY,
              .symmetric = false,
              .has_raw = true,
              .partition_size = BF__DEFAULT_PARTITION_SIZE,
              .threshold = BF__L2LSH_THRESHOLD,
              .when_empty = NO_CELLS,
              .source = PAPER "; Datar et al. 2004",
              .summary = "adaptivity, counted over the pairs of partitions that collide in one of 46 hash tables"},
     .measure = bf__paper_l2lsh,
     .raw = bf__raw_l2lsh,
     .parts = BF__PART_PAPER | BF__PART_HASHES},
    {.info =
         {.name = "paper-word-jsd",
          .family = "paper",
          .needs = "two sketches",
          .direction = BF_LOWER_IS_CLOSER,
          .lowest = 0.0,
          .highest = M_LN2,
          .symmetric = true,
          .has_raw_words = true,
          .when_empty = NO_WORDS,
          .source = PAPER,
          .summary =
              "Jensen-Shannon divergence of the counts of the 300 words most frequent in both together, counts added"},
     .measure = bf__paper_word_jsd,
     .raw_words = bf__raw_word_jsd,
     .parts = BF__PART_WORDS},
    {.info = {.name = "paper-word-l2",
              .family = "paper",
              .needs = "two sketches",
              .direction = BF_LOWER_IS_CLOSER,
              .lowest = 0.0,
              .highest = M_SQRT2,
              .symmetric = true,
              .has_raw_words = true,
              .when_empty = NO_WORDS,
              .source = PAPER,
              .summary = "Euclidean distance of the shares of the same 300 words"},
     .measure = bf__paper_word_l2,
     .raw_words = bf__raw_word_l2,
     .parts = BF__PART_WORDS},
    {.info = {.name = "paper-word-adaptivity",
              .family = "paper",
              .needs = "two sketches",
              .direction = BF_HIGHER_IS_CLOSER,
              .lowest = 0.0,
              .highest = INFINITY,
              .symmetric = false,
              .has_raw_words = true,
              .partition_size = BF__DEFAULT_WORD_PARTITION_SIZE,
              .threshold = BF__DEFAULT_WORD_THRESHOLD,
              .when_empty = NO_WORDS,
              .source = PAPER,
              .summary = "pairs of a source and a target partition of words with a divergence of at most the "
                         "threshold, over the number of target partitions"},
     .measure = bf__paper_word_adaptivity,
     .raw_words = bf__raw_word_adaptivity,
     .parts = BF__PART_WORDS},
    {.info = {.name = "source-accuracy",
              .family = "baseline",
              .needs = "source accuracy",
              .direction = BF_HIGHER_IS_CLOSER,
              .lowest = 0.0,
              .highest = 1.0,
              .symmetric = false,
              .when_empty = "skipped: the model's accuracy is not known",
              .source = PAPER,
              .summary = "the model's accuracy on its own data; looks at no target"}},
    {.info = {.name = "random",
              .family = "baseline",
              .needs = "nothing",
              .direction = BF_HIGHER_IS_CLOSER,
              .lowest = 0.0,
              .highest = 1.0,
              .symmetric = false,
              .when_empty = "a number all the same",
              .source = PAPER,
              .summary = "a seeded hash of the model's id"}},
};
#define N_STRATEGIES (sizeof strategies / sizeof strategies[0])

/* What a composite adds up, by kind of data. Images: docs/decisions/0004-similarity-of-images.md. For pairs the word
 * measures were useless, so they take the dense ones. */
static const struct {
  const char *name;
  unsigned kinds; /* bits 1 << bf_kind */
  const char *measures[BF__COMPOSITE_MEASURES];
} composites[] = {
    {"similarity",
     1u << BF_KIND_TEXT | 1u << BF_KIND_TAGGED,
     {"soft-adaptivity", "word-jsd", "word-xent", "tfidf-cosine", "gauss-kl-ts"}},
    {"similarity", 1u << BF_KIND_IMAGE, {"centroid-distance", "gauss-kl-ts", "gauss-kl-st"}}, /* docs/decisions/0004 */
    {"similarity", ~0u, {"mmd", "centroid-distance", "cell-jsd", "hist-jsd", "gauss-kl-ts"}},
};

const char *bf__composite_measure(const char *composite, bf_kind kind, size_t i) {
  for (size_t c = 0; c < sizeof composites / sizeof composites[0]; ++c) {
    if (strcmp(composites[c].name, composite) != 0 || !(composites[c].kinds >> kind & 1u)) continue;
    return i < BF__COMPOSITE_MEASURES ? composites[c].measures[i] : NULL;
  }
  return NULL;
}

const bf_strategy_info *bf__strategy_at(size_t i) {
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

bool bf__strategy_is_near(const char *wish, const char *name) {
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
  char near[320] = "";
  size_t used = 0;
  for (int all = 0; all < 2 && used == 0; ++all) { /* nothing near: all of them */
    for (size_t i = 0; i < N_STRATEGIES; ++i) {
      if (!all && !bf__strategy_is_near(name, strategies[i].info.name)) continue;
      int n = snprintf(near + used, sizeof near - used, "%s%s", used ? ", " : "", strategies[i].info.name);
      if (n < 0 || (size_t)n >= sizeof near - used) break;
      used += (size_t)n;
    }
  }
  return bf__error(err, BF_ERR_NOT_FOUND, "no strategy '%.40s'; there are: %s", name, near);
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
                     "%s has no form on raw rows; paper-jsd, paper-l2, paper-adaptivity and paper-l2lsh have", name);
  }
  bf_measure_options filled = bf__measure_options(options);
  if (!(options && options->adaptivity_threshold > 0.0)) filled.adaptivity_threshold = strategy->info.threshold;
  double value = 0.0;
  status = strategy->raw(source, target, &filled, &value, err);
  return status == BF_OK ? checked(name, value, out, err) : status;
}

bf_status bf_measure_raw_words(const char *name, const bf_documents *source, const bf_documents *target,
                               const bf_measure_options *options, double *out, bf_error *err) {
  if (!source || !target || !out)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "source, target and a place for the value are needed");
  const bf__strategy *strategy = NULL;
  bf_status status = bf__strategy_find(name, &strategy, err);
  if (status != BF_OK) return status;
  if (!strategy->raw_words) {
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "%s has no form on raw words; paper-word-jsd, paper-word-l2, paper-word-adaptivity and "
                     "minhash-jaccard have",
                     name);
  }
  bf_measure_options filled = bf__word_options(options);
  double value = 0.0;
  status = strategy->raw_words(source, target, &filled, &value, err);
  return status == BF_OK ? checked(name, value, out, err) : status;
}
