/* bestfit/estimate.h: model outputs -> number, without labels of the target.
 *
 * Question it answers: how well does each of these models serve these rows, judged by what they say of them?
 *
 * Method: docs/strategies.md, parts 3 (one model's outputs) and 4 (several models' outputs on the same items). Each
 * estimator is a row of a table; bf_strategy_at() lists it with the measures. Values are the named quantity. NaN never
 * leaves an estimator: a model without an answer is "not applicable", with the reason.
 *
 * Classes are matched by name: C is the size of the union over the models; a class that a model lacks has probability
 * 0. An item with a score that is not finite, or predicted -1, has no answer from that model: it is left out of that
 * model's means and of every pair that it is part of.
 *
 * Determinism: equal inputs and seed give equal values whatever the threads. Thread-safety: a panel is read-only once
 * made.
 */
#ifndef BESTFIT_ESTIMATE_H
#define BESTFIT_ESTIMATE_H

#include <bestfit/measure.h>
#include <bestfit/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- calibration: what is learnt of a model from its own labelled validation data, once ---- */

typedef struct bf_calibration {
  uint64_t n_items;
  size_t n_classes;
  char **classes;         /* [n_classes] */
  double accuracy;        /* share of items whose class is the predicted one; truths that it cannot emit are errors */
  double macro_f1;        /* mean over the classes that occur in truth or prediction */
  double temperature;     /* minimises the negative log-likelihood over 40 log-spaced values in 0.3..8 */
  double mean_confidence; /* mean max p, at that temperature, as every quantity below */
  double atc_threshold, atc_entropy_threshold;
  uint64_t *class_counts;  /* [n_classes] true labels */
  double *prior;           /* [n_classes] shares of class_counts */
  uint64_t *confusion;     /* [n_classes][n_classes] truth x predicted */
  size_t n_steps;          /* isotonic regression of correctness on confidence: */
  double *step_confidence; /* [n_steps] ascending, lower end of the step */
  double *step_accuracy;   /* [n_steps] */
} bf_calibration;

/* Fits. truth: [n_items] class numbers, -1 no label (left out), -2 a class that the model lacks. BF_ERR_NOT_APPLICABLE:
 * no labelled item. You own *out. */
BF_API BF_MUST_CHECK bf_status bf_calibration_fit(const bf_outputs *outputs, const char *const *classes,
                                                  const int32_t *truth, bf_calibration **out, bf_error *err);
BF_API void bf_calibration_free(bf_calibration *calibration);
/* JSON, for the repository. You own *out (free()). */
BF_API BF_MUST_CHECK bf_status bf_calibration_encode(const bf_calibration *calibration, char **out, bf_error *err);
/* From untrusted bytes. BF_ERR_FORMAT with the key; BF_ERR_LIMIT: above 8 MiB. */
BF_API BF_MUST_CHECK bf_status bf_calibration_decode(const char *bytes, size_t n_bytes, bf_calibration **out,
                                                     bf_error *err);

/* ---- a panel: several models' outputs on the same items ---- */

typedef struct bf_panel_model {
  const char *id;
  const char *const *classes;
  size_t n_classes;
  const float *scores; /* [n_items][n_classes]; NULL: only predicted */
  bool are_logits;
  const int32_t *predicted;          /* [n_items], where scores is NULL: class numbers, -1: no answer */
  const bf_calibration *calibration; /* NULL: none (temperature 1) */
  double source_accuracy;            /* NaN: not known */
  double similarity;                 /* its z-score; NaN: not known */
} bf_panel_model;

typedef struct bf_panel_options {
  size_t struct_size;
  uint64_t seed;       /* 0: BF_SKETCH_DEFAULT_SEED */
  uint32_t n_threads;  /* 0: all cores */
  bool shared_classes; /* only items and classes of the intersection */
  /* for aline: what all models did on one labelled sample; NULL: none */
  const double *shared_agreement; /* [n_models][n_models] */
  const double *shared_accuracy;  /* [n_models] */
  size_t shared_items;
} bf_panel_options;
#define BF_PANEL_OPTIONS_INIT \
  { .struct_size = sizeof(bf_panel_options) }

typedef struct bf_panel bf_panel;
/* Inputs are borrowed and must outlive the panel. BF_ERR_INVALID_ARGUMENT: no model, no item, a class number out of
 * range, two classes of one name. BF_ERR_LIMIT: more than 10,000 models or 65,536 classes. */
BF_API BF_MUST_CHECK bf_status bf_panel_create(const bf_panel_model *models, size_t n_models, size_t n_items,
                                               const bf_panel_options *options, bf_panel **out, bf_error *err);
BF_API void bf_panel_free(bf_panel *panel);
BF_API size_t bf_panel_class_count(const bf_panel *panel); /* of the union, or the intersection */

typedef struct bf_estimate_value {
  bool applicable;
  double value; /* finite where applicable, else 0 */
  char why[160];
} bf_estimate_value;

/* The estimator `name` for every model: out[n_models]. BF_ERR_NOT_FOUND: no such estimator. */
BF_API BF_MUST_CHECK bf_status bf_estimate(const bf_panel *panel, const char *name, bf_estimate_value *out,
                                           bf_error *err);
/* Trust flag of the consensus: Spearman of the order by majority and by full Dawid-Skene. Below 0.5 the majority may be
 * wrong. BF_ERR_NOT_APPLICABLE: fewer than 3 models. */
BF_API BF_MUST_CHECK bf_status bf_panel_trust(const bf_panel *panel, double *out, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
