/* What the featurisers share: one row of the table each, what they are made from, and what a call to fill brings. */
#ifndef BESTFIT_SRC_MODEL_FEATURISER_INTERNAL_H
#define BESTFIT_SRC_MODEL_FEATURISER_INTERNAL_H

#include "model/featuriser_options.h"
#include "model/model_internal.h"

#define BF__MOST_TENSOR_BYTES ((uint64_t)256 << 20) /* of one input of one run */
#define BF__MOST_FEATURES ((int64_t)1 << 26)        /* hashed cells */
#define BF__MOST_LENGTH ((int64_t)65536)            /* ids of a text */

/* A model's inputs and the card, while a featuriser is made. */
typedef struct bf__making {
  bf__options input;   /* bestfit.input */
  bf__options options; /* bestfit.input.featuriser */
  const bf__port *ports;
  size_t n_ports;
  const bf_model_file *files;
  size_t n_files;
  bf_error *err;
} bf__making;

/* One call to fill: items [first, first + n) of the batch, and zero items up to `padded`. */
typedef struct bf__filling {
  const bf_schema *schema;
  const bf_batch *batch;
  size_t first, n, padded;
  const bf__port *ports;
  const bf__sink *sink;
  bf_error *err;
} bf__filling;

typedef struct bf__featuriser_row {
  const char *name;
  bf_kind kind;
  const char *const *options; /* keys of the mapping `featuriser`, NULL at the end */
  bf_status (*create)(const bf__making *m, void **state);
  bf_status (*fill)(void *state, const bf__filling *f);
  void (*free)(void *state);
  size_t (*width)(const void *state); /* elements of an item in the widest input; 0: as many as the data have columns */
} bf__featuriser_row;

extern const bf__featuriser_row bf__featuriser_columns, bf__featuriser_series, bf__featuriser_pixels,
    bf__featuriser_strings, bf__featuriser_hashing, bf__featuriser_hashed_ids, bf__featuriser_wordpiece,
    bf__featuriser_token_window, bf__featuriser_pair_similarities;

/* ---- tensors (featuriser_tensor.c) ---- */

bool bf__is_number(bf__element type);
bool bf__is_integer(bf__element type);
/* BF_ERR_MISMATCH unless the model has `n` inputs. */
bf_status bf__expect_inputs(const bf__making *m, size_t n, const char *featuriser);
/* BF_ERR_MISMATCH unless the port's type is float32 or float64, or (any_number) another type of number. */
bf_status bf__expect_numbers(const bf__making *m, size_t port, bool any_number);
/* The last dimension of an input (n, width), checked against the width that the card says (0: not said, *width is then
 * the model's; 0 where that is free too). */
bf_status bf__expect_width(const bf__making *m, size_t port, const char *key, int64_t *width);

/* Room for a tensor of f->padded items of dims[1 .. n_dims); dims[0] is filled in. BF_ERR_LIMIT: above 256 MiB. */
bf_status bf__tensor(const bf__filling *f, size_t port, int64_t *dims, uint32_t n_dims, void **out);
/* Writes n numbers as the tensor's type from element `at` on: integers are rounded to the nearest and clamped, NaN is 0
 * in them. */
void bf__put_numbers(bf__element type, void *tensor, size_t at, const float *values, size_t n);
/* One whole number into a tensor of int64 or int32. */
void bf__put_id(bf__element type, void *tensor, size_t at, uint32_t id);
/* Zero elements [at, end). */
void bf__put_zeros(bf__element type, void *tensor, size_t at, size_t end);

/* ---- scaling (featuriser_scaling.c) ---- */

/* y = (x·scale − mean) / std, held within ±limit; a missing cell is 0, or `missing` before scaling. */
typedef struct bf__scaling {
  double scale, limit, missing; /* limit is infinite where the card has no clip */
  bool has_missing;
  double *mean, *std; /* [n] 1, or a number a column or channel */
  size_t n_mean, n_std;
  double *factor, *shift; /* y = x·factor − shift, [n_columns] once expanded */
  size_t n_columns;
} bf__scaling;
/* From the keys scale, mean, std, clip, missing of the card's input block. */
bf_status bf__scaling_read(const bf__making *m, bf__scaling *out);
void bf__scaling_deinit(bf__scaling *s);
/* For so many columns (channels). BF_ERR_FORMAT: the card's lists have another length. */
bf_status bf__scaling_expand(bf__scaling *s, size_t n_columns, bf_error *err);
/* n cells of the columns from `first` on (x and y may be the same). */
void bf__scale(const bf__scaling *s, size_t first, size_t n, const float *x, float *y);
/* n cells of one channel, each x_stride (y_stride) elements behind the one before. */
void bf__scale_channel(const bf__scaling *s, size_t channel, size_t n, const float *x, size_t x_stride, float *y,
                       size_t y_stride);

#endif
