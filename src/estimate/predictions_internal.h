/* Predictions in memory: between their readers and the ranking. */
#ifndef BESTFIT_SRC_PREDICTIONS_INTERNAL_H
#define BESTFIT_SRC_PREDICTIONS_INTERNAL_H

#include <bestfit/predictions.h>

#include "base/error.h"

#define BF__TRUTH_NONE (-1)
#define BF__TRUTH_UNKNOWN_CLASS (-2) /* that no model names */

struct bf_predictions {
  size_t n_models, n_items, n_classes;
  char **models;  /* [n_models] */
  char **classes; /* [n_classes] */
  int32_t *votes; /* tables: [n_models][n_items], -1: no answer */
  float **scores; /* arrays: [n_models] of [n_items][n_classes] */
  bool are_logits;
  int32_t *truth; /* [n_items]; NULL: none */
};

/* prediction_table.c */
bf_status bf__predictions_of_table(const char *path, const bf_predictions_options *options, bf_predictions *out,
                                   bf_error *err);
/* prediction_array.c */
bf_status bf__predictions_of_array(const char *path, const bf_predictions_options *options, bf_predictions *out,
                                   bf_error *err);

#endif
