/* A model: a session, the featuriser that feeds it, and what its output means. Shared by model.c (opening) and
 * model_run.c (running). */
#ifndef BESTFIT_SRC_MODEL_RUN_H
#define BESTFIT_SRC_MODEL_RUN_H

#include "model/model_internal.h"

#define BF__MODEL_BATCH 256u                     /* rows a run at most, where the graph takes any number */
#define BF__MODEL_BATCH_BYTES ((size_t)16 << 20) /* of inputs a run, about */

struct bf_model {
  bf__session *session;
  bf__featuriser *featuriser;
  size_t output;
  bool is_single;     /* one number an item, of shape (n) or (n, 1): two classes */
  bool are_logits;    /* as far as known */
  bool knows_kind;    /* of the card or the graph; else the first outputs tell */
  int64_t fixed_rows; /* batch size of the graph; 0: any */
  size_t step;        /* rows a run */
  char **classes;     /* one block; NULL: not known before the first batch */
  size_t n_classes;
  uint32_t *columns; /* of maps, where the card orders the classes: [n_classes] column of the result */
};

/* What task a card must have to give classes. BF_ERR_UNSUPPORTED. */
bf_status bf__check_task(const bf_card *card, bf_error *err);
/* Which output gives the scores, and of what kind. BF_ERR_MISMATCH, BF_ERR_UNSUPPORTED with the names there are. */
bf_status bf__choose_output(bf_model *model, const bf_card *card, bf_error *err);
/* The card's classes, held against the output's shape. */
bf_status bf__choose_classes(bf_model *model, const bf_card *card, bf_error *err);
/* Names in one block: n of them, or NULL for "0", "1" … */
bf_status bf__copy_classes(bf_model *model, const char *const *names, size_t n, bf_error *err);

#endif
