/* What the files of src/rank share. */
#ifndef BESTFIT_SRC_RANK_INTERNAL_H
#define BESTFIT_SRC_RANK_INTERNAL_H

#include <bestfit/search.h>

#include "base/error.h"
#include "learn/learn_internal.h"
#include "registration/stored_model.h"
#include "sketch/sketch_data.h"

#define BF__MAX_WARNINGS 16u
#define BF__FEW_ROWS 100u /* below, one says so */
#define BF__DOMAINS_FOR_LEARNING 4u
#define BF__TRUSTED 0.5 /* Spearman of two consensus orders below which the majority may be wrong */

/* --- the result and what it owns -------------------------------------------------------------------------------------
 */

typedef struct bf__stored_experience bf__stored_experience;
typedef struct bf__block bf__block; /* one allocation, chained to the result */

struct bf_search_result {
  bf__block *blocks;
  const char *strategy;
  size_t n_ranked, n_skipped, n_warnings;
  bf_ranked *ranked;          /* [n_candidates] room */
  const bf_sketch **sketches; /* of the ranked; NULL: a baseline ranked a model without one */
  const char **lacks;         /* of the ranked: why a measure has no answer, or NULL */
  bf_skipped *skipped;        /* [n_candidates] room */
  const char **warnings;
  bool with_outputs; /* they took part in the order */
  uint32_t sample_rows;
  double consensus, run_seconds;
  bf_metric metric; /* of the expected accuracies */
  bf_trust trust;
  bf_ensemble ensemble;
  const double *agreement; /* [n_ranked][n_ranked] share of rows with equal answers, NaN: none; NULL: nothing was run */
  /* bf_search only */
  size_t n_owned;
  bf_sketch **owned;
  bf__run *runs;                 /* [n_owned] outputs of those that were run */
  bf_calibration **calibrations; /* [n_owned] */
  bf_store_list *list;
  bf__stored_experience *experience;
};

/* An empty result; memory that lives as long as it. NULL when there is none left. Not for several threads at once. */
bf_search_result *bf__result_alloc(void);
void *bf__result_block(bf_search_result *result, size_t n, size_t element_bytes);
__attribute__((format(printf, 2, 3))) const char *bf__result_text(bf_search_result *result, const char *format, ...);

/* The order by a measure, a composite or a baseline (rank.c). */
bf_status bf__rank_by_data(bf_search_result *result, const bf_candidate *candidates, size_t n_candidates,
                           const bf_sketch *target, const bf_search_options *options, bf_error *err);

/* Whether a strategy is an estimator; whether it learns from experience. */
bool bf__is_estimator(const bf_strategy_info *info);
bool bf__is_learned(const bf_strategy_info *info);

/* What a search will rank by. */
typedef struct bf__plan {
  const bf_strategy_info *info;
  bf__learner learner; /* BF__N_LEARNERS: it does not learn */
  bool by_outputs;
} bf__plan;
/* For so many models with outputs and this experience (NULL: none). BF_ERR_NOT_FOUND: no such strategy.
 * BF_ERR_NOT_APPLICABLE: it has not enough to learn from. */
bf_status bf__plan_make(const bf_search_options *options, size_t n_with_outputs, const bf_experience *experience,
                        bf__plan *out, bf_error *err);
/* The order anew by what the models say, or by what experience expects (rank_outputs.c), after bf__rank_by_data() has
 * ranked by similarity. */
bf_status bf__rank_again(bf_search_result *result, const bf_candidate *candidates, size_t n_candidates,
                         const bf_sketch *target, const bf__plan *plan, const bf_search_options *options,
                         bf_error *err);
/* A candidate with outputs as one of a panel (similarity: NaN where it is not known), and as the experience knows
 * models (rank_outputs.c); borrowed. */
bf_panel_model bf__panel_model_of(const bf_candidate *candidate, double similarity);
bf_experience_model bf__experience_model_of(const bf_candidate *candidate);
/* bf__ask(), where newcomers cannot move what is expected of the others (newcomers.c). models: of the panel. */
bf_status bf__ask_with_newcomers(const bf_experience *e, bf__learner learner, const bf__question *q,
                                 const bf_panel_model *models, const bf_panel_options *options, bf__answer *out,
                                 bf_error *err);
/* Grade and reasons of the order as it stands (trust.c). */
bf_status bf__grade(bf_search_result *result, const bf__plan *plan, const bf_experience *experience, uint64_t n_rows,
                    bf_error *err);

/* The experience of a repository among the latest versions of a kind, learnt from; or what was learnt from the same
 * before and kept (stored_experience.c). progress: NULL, or told of "pairs" read; where it says no, BF_ERR_CANCELLED.
 */
bf_status bf__stored_experience_read(bf_store *store, bf_kind kind, const bf_experience_options *options,
                                     bf_progress_fn progress, void *context, bf__stored_experience **out,
                                     bf_error *err);
const bf_experience *bf__stored_experience_get(const bf__stored_experience *stored);
void bf__stored_experience_free(bf__stored_experience *stored);
/* Warnings that are not there yet; a NULL text is BF_ERR_MEMORY. */
bf_status bf__result_warn(bf_search_result *result, const char *text, bf_error *err);

/* --- running ---------------------------------------------------------------------------------------------------------
 */

/* Runs candidates on the sample of the target: `order` lists those to run, by number, the most promising first. Fills
 * runs[i] of each, or why[i] (a text of the result) where it could not be run. */
bf_status bf__run_candidates(bf_search_result *result, bf_store *store, const size_t *order, size_t n_order,
                             const bf_search_options *options, bf__run *runs, const char **why, bf_error *err);
/* Calibration that a stored version carries, or NULL; you own it. BF_ERR_MEMORY. */
bf_status bf__stored_calibration(const bf_store_model *stored, bf_calibration **out, bf_error *err);

/* Reasons of every ranked model: its standing by each measure in its group (group[i] of ranked i), then what explains
 * it. */
bf_status bf__write_reasons(bf_search_result *result, const size_t *group, const bf_sketch *target,
                            const bf_measure_options *options, bf_error *err);

/* --- explanations ----------------------------------------------------------------------------------------------------
 */

/* As bf_explain(); the matrix of partitions is what costs most and is made only on request. */
bf_status bf__explain(const bf_sketch *source, const bf_sketch *target, const bf_measure_options *options,
                      bool with_matrix, bf_explanation **out, bf_error *err);

#define BF__MAX_SENTENCES 8u
#define BF__SENTENCE_BYTES 320u

struct bf_explanation {
  size_t n_columns;
  bf_column_difference *columns;
  char (*names)[72];
  size_t n_words;
  bf_word_difference *words;
  char (*word_names)[BF__NAME_BYTES + 1];
  double unseen_share;
  double *matrix;
  size_t n_target, n_source;
  double threshold;
  size_t n_sentences;
  char sentences[BF__MAX_SENTENCES][BF__SENTENCE_BYTES];
};

__attribute__((format(printf, 2, 3))) void bf__say(bf_explanation *explanation, const char *format, ...);

/* A suspected unit: target = factor * source + offset. factor 0: none. */
typedef struct bf__unit {
  double factor, offset;
  const char *hint; /* "mm for m" */
} bf__unit;
/* Both columns have quantiles; jsd is theirs. */
bf__unit bf__suspect_unit(const bf__sketch_column *source, const bf__sketch_column *target, double jsd);
/* The words that differ, and what is said of them (explain_words.c). */
bf_status bf__explain_words(bf_explanation *explanation, const bf_sketch *source, const bf_sketch *target,
                            bf_error *err);
/* "12", "1.2", "0.12" per cent. */
const char *bf__percent(double share, char text[16]);
/* "1,000 most frequent words", "words that occur at least 5 times": what the sketch keeps. */
void bf__kept_words(const bf_sketch *sketch, char *text, size_t size);
void bf__say_words(bf_explanation *explanation, const bf_sketch *source, const bf_sketch *target);
/* Sentences from the differences (explain_sentences.c); `map` is bf__columns_map()'s. */
bf_status bf__explain_sentences(bf_explanation *explanation, const bf_sketch *source, const bf_sketch *target,
                                const bf_measure_options *options, const uint32_t *map, const bf__unit *units,
                                bf_error *err);

#endif
