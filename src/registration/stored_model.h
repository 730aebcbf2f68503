/* A stored version as card and files in memory. */
#ifndef BESTFIT_SRC_REGISTRATION_STORED_MODEL_H
#define BESTFIT_SRC_REGISTRATION_STORED_MODEL_H

#include <bestfit/registration.h>

typedef struct bf__stored_model {
  bf_card *card;
  bf_model_file *files; /* [0] the model; names are the store list's */
  size_t n_files;
} bf__stored_model;

/* Reads everything; the list that `stored` is from must outlive the result. */
bf_status bf__stored_model_read(bf_store *store, const bf_store_model *stored, bf__stored_model *out, bf_error *err);
void bf__stored_model_deinit(bf__stored_model *model);

/* Outputs with the classes that they are of, and the true classes where rows have labels. */
typedef struct bf__run {
  bf_outputs outputs;
  char **classes; /* [outputs.n_classes] */
  int32_t *truth; /* [outputs.n_items] as bf_model_truth(); NULL: not asked for */
} bf__run;
/* Runs the rows of a batch, `chunk` rows at a time (0: all at once); `go_on` (may be NULL) is asked before each chunk,
 * and where it says no the call ends with BF_ERR_CANCELLED. */
bf_status bf__run_batch(bf_model *model, const bf_schema *schema, const bf_batch *batch, bool with_truth,
                        uint32_t chunk, bool (*go_on)(void *context), void *context, bf__run *out, bf_error *err);
void bf__run_deinit(bf__run *run);

#endif
