/* bestfit/registration.h: what the repository learns of a model when it comes in.
 *
 * Question it answers: does this model run, how good is it on its own domain, and what do models and domains that we
 * already have say of each other?
 *
 * Method: the model is loaded and run in a sandboxed worker (bestfit/model.h). On labelled validation rows that took no
 * part in training it is calibrated (bestfit/estimate.h). Experience is every pair of a model and a labelled domain of
 * the repository that can be run: the new model on the validation samples that are kept, the stored models on the new
 * validation rows; what cannot be run is said and left out. All of it goes into the store in the transaction that adds
 * the model.
 *
 * Cost: one run of a sample (2,000 rows) for each pair. Thread-safety: as of the store and the pool.
 */
#ifndef BESTFIT_REGISTRATION_H
#define BESTFIT_REGISTRATION_H

#include <bestfit/estimate.h>
#include <bestfit/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a stored version in a worker: its model file, further files and card are read from the store and checked
 * against their hashes. Errors as bf_store_read_blob, bf_card_parse, bf_model_open. */
BF_API BF_MUST_CHECK bf_status bf_open_stored_model(bf_store *store, const bf_store_model *stored, bf_workers *workers,
                                                    bf_model **out, bf_error *err);

typedef struct bf_registration_options {
  size_t struct_size;
  bool keep_validation;    /* keep the sample of labelled rows in the repository, so that later models learn from it */
  bool no_experience;      /* only the model itself */
  bf_progress_fn progress; /* unit "models" */
  /* A line for each pair that could not be run, and what a person should know. */
  void (*notice)(void *context, const char *line);
  void *context; /* of both */
} bf_registration_options;
#define BF_REGISTRATION_OPTIONS_INIT \
  { .struct_size = sizeof(bf_registration_options) }

typedef struct bf_registration bf_registration;
/* Loads the model, checks it against its card, and runs it: on the validation sample (labelled; NULL: none), else on
 * the rows of `trial` (first rows of the training data; may be NULL with its schema). `store` NULL: no experience.
 * Errors as bf_model_open and bf_model_run; BF_ERR_MISMATCH: validation rows without labels, or none of whose labels is
 * a class of the model (both lists in the message). */
BF_API BF_MUST_CHECK bf_status bf_registration_make(bf_store *store, bf_workers *workers, const bf_card *card,
                                                    const bf_model_file *files, size_t n_files,
                                                    const bf_sample *validation, const bf_schema *trial_schema,
                                                    const bf_batch *trial, const bf_registration_options *options,
                                                    bf_registration **out, bf_error *err);
BF_API void bf_registration_free(bf_registration *registration);
/* Calibration on the validation sample; NULL where none was given. */
BF_API const bf_calibration *bf_registration_calibration(const bf_registration *registration);
/* Pairs of experience found. */
BF_API size_t bf_registration_experience_count(const bf_registration *registration);
/* Sets files, calibration, validation and experience of an entry; what they point to is the registration's, and the
 * files' bytes the caller's. */
BF_API void bf_registration_fill(const bf_registration *registration, bf_store_entry *entry);

#ifdef __cplusplus
}
#endif
#endif
