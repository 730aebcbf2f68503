/* bestfit/label.h: a few labels that decide between models.
 *
 * Question it answers: which rows should a person label, and which model is the best after these answers?
 *
 * Method: docs/strategies.md, part 7. The votes of the models on the rows and what is believed of their accuracies make
 * the distribution of the rows' classes that has the largest entropy; its weights are the unknowns. Three Gaussian
 * priors of different widths round the believed weights are carried along and weighed by how well each foresaw the
 * answers. Rows are drawn that are expected to tell most about who is the best. What is expected of a model is its mean
 * over all rows, answered and open ones; it is never its accuracy on the rows that were asked, which are the hard ones.
 *
 * Accuracy: docs/label.md has the measured regrets. The probabilities are too sure of themselves; that is why advice
 * comes with the measured rate at which it was right.
 *
 * Memory: 2 bytes a vote, 8 (5 P^2 + 9 M P) bytes for M models and C classes, P = M + C. Cost: an answer and the next
 * row some 10^8 multiplications (a fraction of a second) at 100 models, 2,000 rows, 20 classes; one thread.
 * Determinism: equal votes, beliefs, answers in equal order, and seed give equal rows and numbers on one machine.
 * Thread-safety: one thread at a time.
 */
#ifndef BESTFIT_LABEL_H
#define BESTFIT_LABEL_H

#include <bestfit/experience.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_labelling_options {
  size_t struct_size;
  bf_metric metric;     /* what the best model is best at: accuracy, or F1 of one class */
  const char *positive; /* F1: name of the class that it is of; NULL: of two the last by its bytes */
  /* How beliefs err, as bf_experience_error_scales() tells: variance that models share as far as they agree, and of
   * each alone. Both 0: 0.003 and 0.0001, typical of what was measured. */
  double shared_variance, own_variance;
  uint64_t seed; /* 0: BF_SKETCH_DEFAULT_SEED */
} bf_labelling_options;
#define BF_LABELLING_OPTIONS_INIT \
  { .struct_size = sizeof(bf_labelling_options) }

/* As things stand. Everything is borrowed until the next answer. */
typedef struct bf_labelling_state {
  size_t n_answers;
  const double *expected; /* [n_models] mean of the metric over the rows */
  /* [n_models] 90 % of the belief, from ten answers on twice as wide; docs/label.md tells how often they hold */
  const double *interval_low, *interval_high;
  const double *best;    /* [n_models] probability of being the best */
  size_t chosen;         /* the model to take; never another than at first before 15 answers */
  double within_a_point; /* probability that none is better than the chosen one by 0.01 */
  bool settled;          /* more answers are unlikely to change the choice */
  bool exhausted;        /* no row is left to ask */
} bf_labelling_state;

/* Of 100 times that `settled` was said first, the model chosen was so many times within 0.01 of the best one: the mean
 * over the six collections of docs/label.md, where it was between the two numbers below. */
#define BF_LABELLING_RIGHT_PERCENT 91
#define BF_LABELLING_RIGHT_LEAST 86
#define BF_LABELLING_RIGHT_MOST 98

typedef struct bf_labelling bf_labelling;
/* Begins. The panel gives votes and classes, and need not outlive the object. believed: [models] accuracy that each is
 * believed to have on these rows. BF_ERR_INVALID_ARGUMENT: a belief that is not finite, F1 without a class of that
 * name, a variance below 0. BF_ERR_LIMIT: more than 2,048 models and classes together. You own *out. */
BF_API BF_MUST_CHECK bf_status bf_labelling_create(const bf_panel *panel, const double *believed,
                                                   const bf_labelling_options *options, bf_labelling **out,
                                                   bf_error *err);
BF_API void bf_labelling_free(bf_labelling *labelling);
BF_API size_t bf_labelling_class_count(const bf_labelling *labelling);
/* Name of a class, borrowed; NULL past the end. */
BF_API const char *bf_labelling_class(const bf_labelling *labelling, size_t i);
/* Number of the class of that name. BF_ERR_NOT_FOUND: no model knows it; the message lists those that there are. */
BF_API BF_MUST_CHECK bf_status bf_labelling_class_find(const bf_labelling *labelling, const char *name, size_t *out,
                                                       bf_error *err);
/* Rows to ask at once: one for the first ten answers, five afterwards. */
BF_API size_t bf_labelling_batch(const bf_labelling *labelling);
/* Rows drawn by how much they tell, of different votes as far as there are: rows[most]. Returns how many; 0: none is
 * left. The same rows again until the next answer. */
BF_API size_t bf_labelling_next(bf_labelling *labelling, size_t most, size_t *rows);
/* Takes an answer. BF_ERR_INVALID_ARGUMENT: a row or class out of range. BF_ERR_EXISTS: the row is answered. */
BF_API BF_MUST_CHECK bf_status bf_labelling_answer(bf_labelling *labelling, size_t row, size_t class_number,
                                                   bf_error *err);
/* Never asks the row again; it may still be answered. BF_ERR_INVALID_ARGUMENT: out of range. */
BF_API BF_MUST_CHECK bf_status bf_labelling_skip(bf_labelling *labelling, size_t row, bf_error *err);
/* Class that a row was answered with; SIZE_MAX: none. */
BF_API size_t bf_labelling_answer_of(const bf_labelling *labelling, size_t row);
BF_API const bf_labelling_state *bf_labelling_look(bf_labelling *labelling);

#ifdef __cplusplus
}
#endif
#endif
