/* What was learnt from a repository's experience, kept in its cache: one file for each of kind, metric, class of F1 and
 * size of sample. Where there is none, or it was learnt from something else, or is damaged, one learns anew. */
#ifndef BESTFIT_SRC_RANK_KEPT_EXPERIENCE_H
#define BESTFIT_SRC_RANK_KEPT_EXPERIENCE_H

#include "base/bytes.h"
#include "rank/rank_internal.h"

/* Identity of a model, and of a row of experience, which is between numbers of models. */
void bf__identify_model(bf__writer *identity, const bf_store_model *stored);
void bf__identify_row(bf__writer *identity, size_t model, size_t domain, const char *outputs_sha256);
/* Of all that is learnt from, with the options. */
bf_status bf__experience_key(const bf__writer *identity, bf_kind kind, const bf_experience_options *options,
                             char key[BF__EXPERIENCE_KEY_BYTES + 1], bf_error *err);

/* *out is NULL, and the status BF_OK, where nothing fits. BF_ERR_MEMORY. */
bf_status bf__kept_experience_read(const bf_store *store, const char *key, bf_kind kind,
                                   const bf_experience_model *models, size_t n_models,
                                   const bf_experience_options *options, bf_experience **out, bf_error *err);
/* Keeps it if it can be kept. */
void bf__kept_experience_write(const bf_store *store, const char *key, bf_kind kind,
                               const bf_experience_options *options, const bf_experience *experience);

#endif
