/* bestfit/experience.h: what a repository has seen its own models do, and what it learns from it.
 *
 * Question it answers: which serving accuracy is to be expected of this model on these unlabelled data, and how far may
 * that be wrong?
 *
 * Method: docs/strategies.md, part 5. Experience is the table (model, labelled domain) of outputs and true labels that
 * registrations have gathered (bestfit/registration.h). From each pair come numbers that need no label (measures of the
 * sketches, estimators of the outputs); two-stage kriging learns the accuracy from them. Neither a domain's labels nor
 * the models of the domain enter what is computed of it, so that the errors of leaving it out tell what to expect.
 *
 * Cost: a panel of every labelled domain, then some n^3 multiplications for n pairs (4,000 at most;
 * docs/strategies.md). Memory: 8 n^2 bytes a stage while learning, n x 50 numbers afterwards. Determinism: as its
 * inputs and seed, whatever the threads. Thread-safety: read-only once made.
 */
#ifndef BESTFIT_EXPERIENCE_H
#define BESTFIT_EXPERIENCE_H

#include <bestfit/estimate.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_experience_model {
  const char *id; /* owner/name */
  uint32_t version;
  const char *domain;                /* models of one domain are left out together */
  const bf_sketch *sketch;           /* of its training data; NULL: none */
  const bf_calibration *calibration; /* NULL: none */
  double source_accuracy;            /* NaN: not known */
} bf_experience_model;

/* What a model said of the labelled validation rows of a model: its own, or another's. */
typedef struct bf_experience_record {
  size_t model, domain; /* numbers of models: who ran, and whose rows */
  const bf_outputs *outputs;
  const char *const *classes; /* [outputs->n_classes] */
  const int32_t *truth;       /* [outputs->n_items] class numbers, -1: no label, -2: a class that the model lacks */
} bf_experience_record;

/* What is expected of a model on the target. */
typedef enum bf_metric {
  BF_METRIC_ACCURACY,
  BF_METRIC_MACRO_F1, /* mean over the classes that occur in truth or prediction */
  BF_METRIC_F1        /* of one class */
} bf_metric;
BF_API const char *bf_metric_name(bf_metric metric); /* "accuracy", "macro-f1", "f1" */
/* BF_ERR_INVALID_ARGUMENT: no such metric; the message lists them. */
BF_API BF_MUST_CHECK bf_status bf_metric_parse(const char *name, bf_metric *out, bf_error *err);

typedef struct bf_experience_options {
  size_t struct_size;
  const char *exclude_domain; /* as if its models and their rows were not there (benchmark protocol), or NULL */
  size_t n_rows; /* 1 to 99: the target has so few, and what is learnt from is computed on samples of that size */
  bf_measure_options measure; /* seed, threads */
  bf_metric metric;           /* each has its own experience */
  const char *positive;       /* BF_METRIC_F1: the class; NULL: the last of two in the order of bytes ("1", "match") */
} bf_experience_options;
#define BF_EXPERIENCE_OPTIONS_INIT \
  { .struct_size = sizeof(bf_experience_options), .measure = BF_MEASURE_OPTIONS_INIT }

typedef struct bf_experience bf_experience;
/* Learns. Models and records are borrowed and must outlive it. A record that cannot be used (its model has no answer,
 * another number of rows than the others of its domain) is left out. Too little experience is no error:
 * bf_experience_domain_count() tells. BF_ERR_INVALID_ARGUMENT: a record of a model that is not there.
 * BF_ERR_NOT_APPLICABLE: F1 of a class that no model knows, or of no class where there are not two. */
BF_API BF_MUST_CHECK bf_status bf_experience_create(const bf_experience_model *models, size_t n_models,
                                                    const bf_experience_record *records, size_t n_records,
                                                    const bf_experience_options *options, bf_experience **out,
                                                    bf_error *err);
BF_API void bf_experience_free(bf_experience *experience);
/* Labelled domains that were learnt from, and pairs of a model and such a domain. */
BF_API size_t bf_experience_domain_count(const bf_experience *experience);
BF_API size_t bf_experience_pair_count(const bf_experience *experience);
BF_API bf_metric bf_experience_metric(const bf_experience *experience); /* NULL: accuracy */
/* How expected accuracies err on a domain that was left out: variance that models share as far as they agree, and of
 * each alone, of largest likelihood on a grid. BF_ERR_NOT_APPLICABLE: nothing was learnt. */
BF_API BF_MUST_CHECK bf_status bf_experience_error_scales(const bf_experience *experience, double *shared, double *own,
                                                          bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
