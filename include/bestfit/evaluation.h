/* bestfit/evaluation.h: with labels, how right is a model?
 *
 * Question it answers: accuracy, macro-F1, calibration and confusion of a model's outputs against true labels, with
 * intervals.
 *
 * Method: shares have Wilson's interval (Wilson, JASA 1927); macro-F1 the 2.5 % and 97.5 % quantiles of 1,000 seeded
 * bootstrap draws, each cell of the confusion matrix being Poisson with its count as mean, which is the bootstrap over
 * items for all but tiny counts; the calibration error is that of 15 equal bins of confidence (Guo et al., ICML 2017).
 * A truth that the model cannot emit counts as its error; items without a label are left out; an item without an answer
 * (a score that is not finite) counts as an error. Cost: one pass, and 1,000 draws of every cell that is not 0.
 */
#ifndef BESTFIT_EVALUATION_H
#define BESTFIT_EVALUATION_H

#include <bestfit/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_class_evaluation {
  const char *name;
  uint64_t n_true, n_predicted, n_right;
  double precision, recall, f1;   /* 0 where nothing was predicted, or none is true */
  double recall_low, recall_high; /* 95 %, Wilson */
  double precision_low, precision_high;
} bf_class_evaluation;

typedef struct bf_evaluation {
  uint64_t n_items;      /* with a label */
  uint64_t n_unlabelled; /* left out */
  uint64_t n_foreign;    /* labels that the model cannot emit */
  uint64_t n_unanswered; /* outputs that are not finite */
  double accuracy, accuracy_low, accuracy_high;
  double macro_f1, macro_f1_low, macro_f1_high; /* over the classes that occur in truth or prediction */
  double calibration_error;                     /* expected calibration error, 15 bins; at the given temperature */
  double mean_confidence;
  size_t n_classes;
  bf_class_evaluation *classes; /* [n_classes] names are borrowed from the call */
  uint64_t *confusion;          /* [n_classes][n_classes] truth x predicted */
} bf_evaluation;

/* Evaluates. classes: [outputs->n_classes], must outlive the result; truth: [n_items] as bf_model_truth(); temperature
 * 0: 1; seed 0: 20220706. BF_ERR_NOT_APPLICABLE: no labelled item. You own *out. */
BF_API BF_MUST_CHECK bf_status bf_evaluate(const bf_outputs *outputs, const char *const *classes, const int32_t *truth,
                                           double temperature, uint64_t seed, bf_evaluation **out, bf_error *err);
BF_API void bf_evaluation_free(bf_evaluation *evaluation);

/* Probabilities of one item's scores: softmax(scores / temperature), or, where they are probabilities, p^(1/T)
 * normalised. False, and all 0, where a score is not finite. The predicted class (lowest number of the largest) is in
 * *predicted (may be NULL; -1 where false). */
BF_API bool bf_outputs_probabilities(const bf_outputs *outputs, size_t item, double temperature, double *out,
                                     int32_t *predicted);

#ifdef __cplusplus
}
#endif
#endif
