/* bestfit/predictions.h: rank models that one cannot run, by their predictions alone.
 *
 * Question it answers: of these models, whose answers to the same items are in a file, which serves best, when nobody
 * has labelled the items?
 *
 * Method: estimators of docs/strategies.md, parts 3 and 4, that need neither validation data nor a repository; by
 * default `consensus-mix` (docs/decisions/0005-rank-predictions.md). A truth, where there is one, is scored and never
 * used: neither its labels nor its classes enter an estimator.
 *
 * Input: a table (csv, tsv, jsonl, parquet; .gz, .zst), one row an item, one column a model, class names or integers;
 * an empty cell, -1 and NaN are no answer; blanks around a class are no part of it, and 1.0 is 1. Or a .npy of
 * (models, items, classes), float16, float32 or float64: probabilities where every finite row is at least 0 and sums to
 * 1 within 0.001, else logits.
 *
 * Memory: 4 bytes an item and model of a table, 4 a cell of an array, and as much again at most while ranking.
 * Determinism: equal bytes and seed give equal values whatever the threads. Thread-safety: what is loaded and what is
 * ranked are read-only.
 */
#ifndef BESTFIT_PREDICTIONS_H
#define BESTFIT_PREDICTIONS_H

#include <bestfit/estimate.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_predictions bf_predictions;

typedef struct bf_predictions_options {
  size_t struct_size;
  const char *truth;   /* table: name of the column of true classes; array: path of a file with one label an item (text
                          with one label a line, .npy, IDX). NULL: none */
  const char *models;  /* table: comma-separated names of the columns that are models (NULL: all but the truth); array:
                          names of the models (NULL: "0", "1", …) */
  const char *drop;    /* table: comma-separated columns that are no models; not together with models */
  const char *classes; /* array: comma-separated names of the classes (NULL: "0", "1", …) */
  uint32_t n_threads;  /* 0: all cores */
} bf_predictions_options;
#define BF_PREDICTIONS_OPTIONS_INIT \
  { .struct_size = sizeof(bf_predictions_options) }

/* Reads. BF_ERR_FORMAT: damaged, with the row or byte. BF_ERR_INVALID_ARGUMENT: an option that does not fit, a column
 * that looks like an identifier (named). BF_ERR_MISMATCH: another number of labels, names or classes. BF_ERR_LIMIT:
 * more than 10,000 models, 65,535 classes, 2,000,000,000 items, or 1 GiB of scores of one model. BF_ERR_NOT_FOUND: no
 * such file. You own *out. */
BF_API BF_MUST_CHECK bf_status bf_predictions_load(const char *path, const bf_predictions_options *options,
                                                   bf_predictions **out, bf_error *err);
BF_API void bf_predictions_free(bf_predictions *predictions);
BF_API size_t bf_predictions_model_count(const bf_predictions *predictions);
BF_API size_t bf_predictions_item_count(const bf_predictions *predictions);
BF_API size_t bf_predictions_class_count(const bf_predictions *predictions); /* that models name */
BF_API const char *bf_predictions_model(const bf_predictions *predictions, size_t i);
BF_API bool bf_predictions_have_scores(const bf_predictions *predictions); /* not only classes */

typedef struct bf_predictions_rank_options {
  size_t struct_size;
  const char *strategy; /* NULL: "consensus-mix" */
  uint64_t seed;        /* 0: BF_SKETCH_DEFAULT_SEED */
  uint32_t n_threads;   /* 0: all cores */
} bf_predictions_rank_options;
#define BF_PREDICTIONS_RANK_OPTIONS_INIT \
  { .struct_size = sizeof(bf_predictions_rank_options) }

typedef struct bf_predictions_ranked {
  uint32_t rank; /* from 1; ties by name */
  const char *id;
  double score; /* higher is better, whatever the strategy */
  size_t n_measures;
  const char *const *measure_names;
  const double *measure_values; /* NaN: not applicable */
  size_t n_reasons;
  const char *const *reasons; /* sentences */
  double answered;            /* share of the items */
  double accuracy;            /* NaN: no truth; an item without an answer counts as an error */
  size_t model;               /* number in the file */
} bf_predictions_ranked;

typedef struct bf_predictions_skipped {
  const char *id, *why;
} bf_predictions_skipped;

typedef struct bf_predictions_trust {
  const char *grade; /* "high", "medium", "low" */
  double consensus;  /* bf_panel_trust; NaN: fewer than 3 models */
  size_t n_reasons;
  const char *const *reasons;
} bf_predictions_trust;

/* How good the order was. Over the ranked models with a truth. */
typedef struct bf_predictions_score {
  size_t n_items;           /* with a true class */
  double spearman, kendall; /* of score and accuracy; 1 where both are constant, 0 where one is */
  double regret;            /* accuracy of the best - accuracy of the chosen */
  const char *best, *chosen;
  double best_accuracy, chosen_accuracy;
} bf_predictions_score;

typedef struct bf_predictions_ranking bf_predictions_ranking;
/* Ranks. BF_ERR_NOT_FOUND: no such strategy. BF_ERR_UNSUPPORTED: one that needs more than predictions. Models without
 * an answer to any item, or to which the strategy does not apply, are among the skipped. The predictions must outlive
 * the ranking. You own *out. */
BF_API BF_MUST_CHECK bf_status bf_predictions_rank(const bf_predictions *predictions,
                                                   const bf_predictions_rank_options *options,
                                                   bf_predictions_ranking **out, bf_error *err);
BF_API void bf_predictions_ranking_free(bf_predictions_ranking *ranking);
BF_API const char *bf_predictions_ranking_strategy(const bf_predictions_ranking *ranking);
BF_API size_t bf_predictions_ranking_count(const bf_predictions_ranking *ranking);
BF_API const bf_predictions_ranked *bf_predictions_ranking_at(const bf_predictions_ranking *ranking, size_t i);
BF_API size_t bf_predictions_ranking_skipped_count(const bf_predictions_ranking *ranking);
BF_API const bf_predictions_skipped *bf_predictions_ranking_skipped_at(const bf_predictions_ranking *ranking, size_t i);
BF_API const bf_predictions_trust *bf_predictions_ranking_trust(const bf_predictions_ranking *ranking);
/* NULL: no truth was given, or nothing could be ranked. */
BF_API const bf_predictions_score *bf_predictions_ranking_score(const bf_predictions_ranking *ranking);

#ifdef __cplusplus
}
#endif
#endif
