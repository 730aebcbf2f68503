/* bestfit/search.h: rank the models of a repository for a target.
 *
 * Question it answers: which of our models do we deploy on this unlabelled data, and why?
 *
 * Method: candidates are grouped by equal columns; in each group a frame is derived, every measure of the strategy
 * computed, z-scored and signed so that higher is better; groups merge by z, with a warning that places compare only
 * inside a group. Ties break by model id. docs/strategies.md. A measure without an answer for a candidate is NaN in
 * measure_values and counts in `similarity` as the worst of its group; a candidate for which the asked measure has no
 * answer is skipped with the reason. A single named measure scores its signed value. source-accuracy and random also
 * rank candidates without a sketch. With a sample of the target's rows the models are run on it (bestfit/model.h), and
 * an estimator (bestfit/estimate.h) ranks by what they say: a model without a sketch then too. With experience
 * (bestfit/experience.h) the expected serving accuracy ranks, with an interval and a grade of trust. A model that fails
 * to run is skipped, with its reason and its score by data. Reasons: the standing by each measure for all; differences
 * for the first 32 and the last. Cost: one to two milliseconds a candidate (threads over candidates). Determinism: as
 * its sketches and seed. Thread-safety: a result is read-only.
 */
#ifndef BESTFIT_SEARCH_H
#define BESTFIT_SEARCH_H

#include <bestfit/estimate.h>
#include <bestfit/experience.h>
#include <bestfit/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is ranked: a sketch with a name. Everything is borrowed and must outlive the result. */
typedef struct bf_candidate {
  const char *id; /* owner/name */
  uint32_t version;
  const char *domain;
  const bf_sketch *sketch;           /* NULL: unranked, but for source-accuracy and random */
  double source_accuracy;            /* NaN: not known */
  const bf_outputs *outputs;         /* on the target's sample, the same items for all candidates; NULL: not run */
  const char *const *classes;        /* [outputs->n_classes] */
  const bf_calibration *calibration; /* NULL: none */
  const char *not_run;               /* why there are no outputs; NULL: nobody tried */
} bf_candidate;

typedef struct bf_search_options {
  size_t struct_size;
  /* NULL: "auto". By outputs of two models or more: from 8 labelled domains on two-stage kriging, from 4 on "stage-1",
   * else "similarity-agreement"; by data alone: from 4 on "stage-1" of data features, else "similarity". */
  const char *strategy;
  const char *exclude_domain;      /* leave out models of this domain (benchmark protocol), or NULL */
  bf_measure_options measure;      /* seed, partition size, threshold */
  const char *filter;              /* bf_search: only models that this condition of bf_store_query holds for, or NULL */
  bool all_estimators;             /* compute every estimator, not only the telling ones */
  bool all_measures;               /* compute every measure, not only those of similarity and the asked one */
  const bf_experience *experience; /* to learn from; NULL: none (bf_search: that of the repository) */
  bf_metric metric;                /* bf_search: what is expected of the models (bf_experience_options) */
  const char *positive;            /* bf_search: the class of BF_METRIC_F1, or NULL */
  /* bf_search: running the models */
  const bf_sample *sample; /* rows of the target; NULL: by data alone */
  bf_workers *workers;     /* NULL: by data alone */
  uint32_t max_models;     /* run only so many, the most similar first; 0: all */
  double budget_seconds;   /* stop starting and going on after so long; 0: never */
  bf_progress_fn progress; /* unit "models" */
  void *progress_context;
} bf_search_options;
#define BF_SEARCH_OPTIONS_INIT \
  { .struct_size = sizeof(bf_search_options), .measure = BF_MEASURE_OPTIONS_INIT }

typedef struct bf_ranked {
  uint32_t rank; /* from 1 */
  const char *id;
  uint32_t version;
  const char *domain;
  double source_accuracy;             /* NaN: not known */
  double score;                       /* higher is better, whatever the strategy */
  double expected_accuracy;           /* on the target, or what else the metric asks for; NaN: not enough experience to
                                         tell (JSON null) */
  double source_value;                /* that metric on its own validation data; NaN: not known */
  double interval_low, interval_high; /* that hold it in 9 of 10 cases; NaN where it is not known */
  size_t n_measures;
  const char *const *measure_names;
  const double *measure_values; /* NaN: not applicable (JSON null) */
  size_t n_reasons;
  const char *const *reasons; /* sentences, most telling first */
  size_t candidate;           /* number in the candidates given */
} bf_ranked;

typedef struct bf_skipped {
  const char *id;
  uint32_t version;
  const char *why;
  double score; /* by data; NaN: none */
} bf_skipped;

typedef struct bf_search_result bf_search_result;

/* Ranks. BF_ERR_NOT_FOUND: unknown strategy. No candidate that can be ranked is not an error: the list is empty and
 * every candidate is among the skipped with its reason. BF_ERR_NOT_APPLICABLE: an empty target. */
BF_API BF_MUST_CHECK bf_status bf_rank(const bf_candidate *candidates, size_t n_candidates, const bf_sketch *target,
                                       const bf_search_options *options, bf_search_result **out, bf_error *err);
/* The same over the latest versions in a repository (over all that options->filter holds for where it names version or
 * alias); the result owns what it loaded. A sketch that does not decode is skipped with its reason. */
BF_API BF_MUST_CHECK bf_status bf_search(bf_store *store, const bf_sketch *target, const bf_search_options *options,
                                         bf_search_result **out, bf_error *err);
/* Learns ahead of the searches what bf_search would from the experience of a repository's models of a kind, for targets
 * of 100 rows or more, and keeps it in the repository's cache. A search does so by itself where nothing is kept that
 * fits the models and the experience as they are now (but with exclude_domain); then it costs seconds more. options:
 * metric, positive, measure and progress (unit "pairs") count; NULL: defaults. *n_domains (may be NULL): labelled
 * domains learnt from; of fewer than 4 nothing is kept. That the cache cannot be written to is no error. Errors of
 * reading as bf_search. */
BF_API BF_MUST_CHECK bf_status bf_search_learn(bf_store *store, bf_kind kind, const bf_search_options *options,
                                               size_t *n_domains, bf_error *err);
BF_API void bf_search_result_free(bf_search_result *result);

BF_API const char *bf_search_result_strategy(const bf_search_result *result);
BF_API size_t bf_search_result_count(const bf_search_result *result);
BF_API const bf_ranked *bf_search_result_at(const bf_search_result *result, size_t i);
/* Sketch of a ranked model, borrowed; NULL where a baseline ranked a model without one. */
BF_API const bf_sketch *bf_search_result_sketch(const bf_search_result *result, size_t i);
/* What ranked model i said of the sample, and its classes [outputs->n_classes]: borrowed; NULL where it was not run by
 * bf_search(). */
BF_API const bf_outputs *bf_search_result_outputs(const bf_search_result *result, size_t i);
BF_API const char *const *bf_search_result_classes(const bf_search_result *result, size_t i);
/* What bf_search() learnt from in the repository, borrowed; NULL: nothing. */
BF_API const bf_experience *bf_search_result_experience(const bf_search_result *result);
BF_API size_t bf_search_result_skipped_count(const bf_search_result *result);
BF_API const bf_skipped *bf_search_result_skipped_at(const bf_search_result *result, size_t i);
/* How far the choice can be trusted. */
typedef struct bf_trust {
  const char *grade;      /* "high", "medium", "low"; NULL: the strategy asked for knows nothing of it */
  bool novel;             /* the target lies outside of what the repository has experience with */
  bool no_suitable_model; /* the first place is expected to lose more than 0.15 against its own source */
  size_t n_reasons;
  const char *const *reasons; /* each that keeps the grade from being higher; for "high" what it rests on */
  size_t n_domains;           /* labelled domains of the experience */
  size_t n_pairs;             /* pairs of a model and such a domain */
} bf_trust;
BF_API const bf_trust *bf_search_result_trust(const bf_search_result *result);

/* What `expected_accuracy` is: accuracy, or the F1 that was asked for. */
BF_API bf_metric bf_search_result_metric(const bf_search_result *result);
/* A weighted vote of all models that were run, where `auto` ranks by accuracy: clones count once, and a model the more,
 * the more accurate it is expected to be (docs/strategies.md, part 5). */
typedef struct bf_ensemble {
  size_t n_items; /* 0: none */
  size_t n_classes;
  const char *const *classes; /* [n_classes] */
  const int32_t *votes;       /* [n_items] classes; -1: no model answered */
  size_t n_members;
  double expected_accuracy; /* that of the first place and the mean gain */
  double gain, gain_low;    /* over the first place, on the labelled domains left out: mean, and what 90 % exceed */
  bool recommended;         /* gain_low > 0 */
} bf_ensemble;
BF_API const bf_ensemble *bf_search_result_ensemble(const bf_search_result *result);
/* Share of the sampled rows on which places i and j answer the same; NaN: not known. */
BF_API double bf_search_result_agreement(const bf_search_result *result, size_t i, size_t j);

/* Why a place is what it is, sorted for a person who wants to check. */
typedef enum bf_argument_kind {
  BF_ARGUES_FOR,     /* what speaks for the model: among the best quarter by a measure */
  BF_ARGUES_AGAINST, /* among the worst quarter, expected loss, places that it cannot be told from */
  BF_ARGUES_UNSEEN,  /* what of the target the model has never seen: columns, words, partitions */
  BF_ARGUES_AGREES,  /* which models answer as it does */
  BF_ARGUES_RESTS    /* what the estimate rests on */
} bf_argument_kind;
typedef struct bf_argument {
  bf_argument_kind kind;
  const char *text;
} bf_argument;
/* Arguments of place i, by kind, the strongest first; they live as long as the result. BF_ERR_NOT_FOUND: no such place.
 * target: as searched for. */
BF_API BF_MUST_CHECK bf_status bf_search_argue(bf_search_result *result, size_t i, const bf_sketch *target,
                                               const bf_measure_options *options, const bf_argument **out, size_t *n,
                                               bf_error *err);
/* Whether no model's outputs took part in the order. */
BF_API bool bf_search_result_data_only(const bf_search_result *result);
/* Rows of the sample that the models were run on; 0: none was. */
BF_API uint32_t bf_search_result_sample_rows(const bf_search_result *result);
/* Spearman of the orders by majority and by full Dawid-Skene (bf_panel_trust); NaN: not known. */
BF_API double bf_search_result_consensus(const bf_search_result *result);
/* Seconds that loading and running the models took. */
BF_API double bf_search_result_run_seconds(const bf_search_result *result);
/* Warnings that concern the target ("column x is constant in every model and varies here"). */
BF_API size_t bf_search_result_warning_count(const bf_search_result *result);
BF_API const char *bf_search_result_warning(const bf_search_result *result, size_t i);

/* Why a source is near or far: structured, for reports. Rows are the view's columns; for wide (projected) features the
 * raw columns whose means differ most ("column 17"); for pairs the 16 similarities; none for text and tagged; for
 * images brightness (mean), contrast (deviation of all pixels) and the brightness of the regions top, bottom, left,
 * right, centre (thirds), all with white as 1. */
typedef struct bf_column_difference {
  const char *name; /* column, or "brightness", "contrast" … for images; never NULL */
  double jsd;       /* Jensen-Shannon divergence of 16 bins; NaN where only means are known */
  double shift; /* (target mean - source mean) / source deviation; the target's where the source is constant; 0 where
                   both are constant and equal, +-8 where they are constant and differ */
  double scale; /* target spread / source spread (interquartile range, else deviation); NaN: undefined */
  double source_mean, target_mean;
  double unit_factor; /* 0: units agree; else the factor that target values seem to carry (1000: mm for m; 1.8:
                         Fahrenheit) */
} bf_column_difference;

typedef struct bf_explanation bf_explanation;
/* BF_ERR_MISMATCH: no comparable columns. */
BF_API BF_MUST_CHECK bf_status bf_explain(const bf_sketch *source, const bf_sketch *target,
                                          const bf_measure_options *options, bf_explanation **out, bf_error *err);
BF_API void bf_explanation_free(bf_explanation *explanation);
/* Columns by falling difference. */
BF_API size_t bf_explanation_column_count(const bf_explanation *explanation);
BF_API const bf_column_difference *bf_explanation_column(const bf_explanation *explanation, size_t i);
/* A word whose share of all words (stop words left out) differs. "Has" means that the side's sketch keeps the word: it
 * is among the 1,000 most frequent, and not rarer than min_count. */
typedef struct bf_word_difference {
  const char *word;
  double target_share, source_share; /* 0 where the side does not have it */
  bool in_target, in_source;
  bool nowhere; /* the side that does not have it certainly never has it; else it may be rare there */
} bf_word_difference;
/* Words that only the target has, then those that only the source has, then those that both have; each sort by falling
 * difference, at most 64. None where a side has no words. */
BF_API size_t bf_explanation_word_count(const bf_explanation *explanation);
BF_API const bf_word_difference *bf_explanation_word(const bf_explanation *explanation, size_t i);
/* Share of all the target's words that only the target has; NaN where a side has no words. */
BF_API double bf_explanation_unseen_share(const bf_explanation *explanation);
/* Partition matrix as bf_partition_matrix(); NULL where a side has none. */
BF_API const double *bf_explanation_partitions(const bf_explanation *explanation, size_t *n_target, size_t *n_source,
                                               double *threshold);
BF_API size_t bf_explanation_sentence_count(const bf_explanation *explanation);
BF_API const char *bf_explanation_sentence(const bf_explanation *explanation, size_t i);

#ifdef __cplusplus
}
#endif
#endif
