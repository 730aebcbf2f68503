/* Reading a card's `input` block: values of keys with their types and bounds; errors name line and key. */
#ifndef BESTFIT_SRC_MODEL_FEATURISER_OPTIONS_H
#define BESTFIT_SRC_MODEL_FEATURISER_OPTIONS_H

#include "model/card_yaml.h"

#define BF__NO_NODE UINT32_MAX /* a mapping that is not there */

/* One mapping of the card. */
typedef struct bf__options {
  const bf__yaml *yaml;
  uint32_t mapping; /* BF__NO_NODE: nothing is said */
  const char *path; /* "bestfit.input", for messages */
  bf_error *err;
} bf__options;

/* BF_ERR_FORMAT: what is said at the key (NULL: of the mapping) is not right. */
__attribute__((format(printf, 3, 4))) bf_status bf__option_error(const bf__options *o, const char *key,
                                                                 const char *format, ...);
/* The node of a key; 0: not there or null. */
uint32_t bf__option_node(const bf__options *o, const char *key);

/* Each leaves *out as it is where the key is not said. BF_ERR_FORMAT: another type, or below the least value;
 * BF_ERR_LIMIT: above the greatest. */
bf_status bf__option_text(const bf__options *o, const char *key, const char **out); /* borrowed from the tree */
bf_status bf__option_integer(const bf__options *o, const char *key, int64_t least, int64_t greatest, int64_t *out);
bf_status bf__option_number(const bf__options *o, const char *key, double *out);
bf_status bf__option_bool(const bf__options *o, const char *key, bool *out);
/* One of n names: its number. */
bf_status bf__option_choice(const bf__options *o, const char *key, const char *const *names, int n, int *out);
/* A list of numbers, or one number: a list of one. You own *out (free()). */
bf_status bf__option_numbers(const bf__options *o, const char *key, double **out, size_t *n);
/* Up to `most` integers; *n is how many. */
bf_status bf__option_integers(const bf__options *o, const char *key, int64_t least, int64_t greatest, size_t most,
                              int64_t *out, size_t *n);
/* A list of texts, or one text. You own *out (free()), not the texts. */
bf_status bf__option_texts(const bf__options *o, const char *key, const char ***out, size_t *n);
/* BF_ERR_FORMAT where the mapping has a key that is not in the list, which ends in NULL. */
bf_status bf__option_only(const bf__options *o, const char *const *keys);

#endif
