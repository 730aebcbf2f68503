/* Running a model over the rows of a batch, and the truth beside it. */
#include "model/model_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- what a result means ---- */

static bf_status check_shape(const bf_model *model, const bf__result *result, size_t n_rows, size_t *n_columns,
                             bf_error *err) {
  const bf__port *port = &bf__session_signature(model->session)->outputs[model->output];
  *n_columns = 1;
  if (result->n_dims == 0 || result->dims[0] != (int64_t)n_rows)
    return bf__error(err, BF_ERR_MISMATCH, "output %.60s gives %lld rows for %zu", port->name,
                     result->n_dims > 0 ? (long long)result->dims[0] : 0LL, n_rows);
  for (uint32_t d = 2; d < result->n_dims; ++d)
    if (result->dims[d] != 1)
      return bf__error(err, BF_ERR_MISMATCH, "output %.60s gives more than one number per row and class", port->name);
  if (result->n_dims >= 2) *n_columns = (size_t)result->dims[1];
  if (*n_columns == 0) return bf__error(err, BF_ERR_MISMATCH, "output %.60s gives no class", port->name);
  return BF_OK;
}

/* The column of each class of the card among the keys of maps. */
static bf_status order_columns(bf_model *model, const bf__result *result, bf_error *err) {
  if (result->n_names != model->n_classes)
    return bf__error(err, BF_ERR_MISMATCH, "the model names %zu classes, its card %zu", result->n_names,
                     model->n_classes);
  if (model->columns == NULL) model->columns = bf__alloc(model->n_classes, sizeof *model->columns);
  if (model->columns == NULL) return bf__error_memory(err, model->n_classes * sizeof *model->columns);
  for (size_t c = 0; c < model->n_classes; ++c) {
    size_t k = model->columns[c]; /* as in the batch before, most of the time */
    if (k >= result->n_names || strcmp(result->names[k], model->classes[c]) != 0)
      for (k = 0; k < result->n_names; ++k)
        if (strcmp(result->names[k], model->classes[c]) == 0) break;
    if (k == result->n_names)
      return bf__error(err, BF_ERR_MISMATCH, "the card's class %.60s is none of the model's (%.60s …)",
                       model->classes[c], result->names[0]);
    model->columns[c] = (uint32_t)k;
  }
  return BF_OK;
}

/* Classes are known at the latest now. */
static bf_status settle_classes(bf_model *model, const bf__result *result, size_t n_columns, bf_error *err) {
  if (n_columns == 1 && result->n_names == 0 && (model->n_classes == 0 || model->n_classes == 2))
    model->is_single = true;
  size_t n = model->is_single ? 2 : n_columns;
  if (model->classes == NULL) {
    bf_status status = bf__copy_classes(model, result->n_names > 0 ? result->names : NULL, n, err);
    if (status != BF_OK) return status;
  }
  if (n != model->n_classes || (model->is_single && n_columns != 1))
    return bf__error(err, BF_ERR_MISMATCH, "the model gives %zu numbers a row, for %zu classes", n_columns,
                     model->n_classes);
  return result->n_names > 0 ? order_columns(model, result, err) : BF_OK;
}

/* Whether every row could be probabilities: from 0 to 1, and with a sum of 1. NaN could be anything. */
static bool could_be_probabilities(const float *values, size_t n_rows, size_t n_columns) {
  for (size_t r = 0; r < n_rows; ++r) {
    double sum = 0;
    for (size_t c = 0; c < n_columns; ++c) {
      double v = values[r * n_columns + c];
      if (v < -1e-4 || v > 1 + 1e-4) return false;
      sum += v;
    }
    if (n_columns > 1 && fabs(sum - 1) > 1e-2) return false;
  }
  return true;
}

static bf_status settle_kind(bf_model *model, const bf__result *result, size_t n_rows, size_t n_columns,
                             bf_error *err) {
  bool fits = could_be_probabilities(result->values, n_rows, n_columns);
  if (!model->knows_kind) {
    model->are_logits = !fits;
    model->knows_kind = true;
  }
  if (!model->are_logits && !fits)
    return bf__error(err, BF_ERR_MISMATCH,
                     "the outputs are no probabilities (from 0 to 1, with a sum of 1 a row), as the card or the "
                     "output's name says");
  return BF_OK;
}

/* ---- appending ---- */

static bf_status reserve(bf_outputs *outputs, size_t n_items, size_t n_classes, bf_error *err) {
  size_t n = 0;
  if (n_items <= outputs->capacity && outputs->scores != NULL) return BF_OK;
  size_t capacity = outputs->capacity > n_items / 2 ? outputs->capacity * 2 : n_items;
  if (!bf__mul(capacity, n_classes, &n)) return bf__error_memory(err, SIZE_MAX);
  float *scores = bf__realloc(outputs->scores, n, sizeof *scores);
  if (scores == NULL) return bf__error_memory(err, n * sizeof *scores);
  outputs->scores = scores;
  outputs->capacity = capacity;
  return BF_OK;
}

static void append(const bf_model *model, const bf__result *result, size_t n_rows, size_t n_columns, float *out) {
  for (size_t r = 0; r < n_rows; ++r, out += model->n_classes) {
    const float *row = result->values + r * n_columns;
    if (model->is_single) {
      out[0] = model->are_logits ? 0.0F : 1.0F - row[0];
      out[1] = row[0];
    } else if (model->columns != NULL) {
      for (size_t c = 0; c < model->n_classes; ++c) out[c] = row[model->columns[c]];
    } else {
      memcpy(out, row, n_columns * sizeof *out);
    }
  }
}

/* A call of bf_model_run(): runs begin and finish in the same order, some steps apart. */
typedef struct running {
  bf_model *model;
  const bf_schema *schema;
  const bf_batch *batch;
  bf_outputs *outputs;
  size_t n_items, n_begun, n_finished; /* items */
} running;

static size_t rows_from(const running *r, size_t first) {
  size_t left = r->n_items - first;
  return left < r->model->step ? left : r->model->step;
}

static bf_status begin_part(running *r, bf_error *err) {
  bf_model *model = r->model;
  size_t n = rows_from(r, r->n_begun);
  size_t padded = model->fixed_rows > 0 ? (size_t)model->fixed_rows : n;
  bf__sink sink = bf__session_sink(model->session);
  /* Every other one: of the four on their way one at least answers by itself. */
  bool is_quiet = r->n_begun / model->step % 2 == 0 && r->n_begun + n < r->n_items;
  bf_status status = bf__featuriser_fill(model->featuriser, r->schema, r->batch, r->n_begun, n, padded, &sink, err);
  if (status == BF_OK) status = bf__session_begin(model->session, model->output, is_quiet, err);
  r->n_begun += n;
  return status;
}

/* Puts the oldest run's scores behind those of the outputs; they count once all have come. */
static bf_status finish_part(running *r, bf_error *err) {
  bf_status status = BF_OK;
  bf_model *model = r->model;
  bf_outputs *outputs = r->outputs;
  size_t n = rows_from(r, r->n_finished);
  size_t padded = model->fixed_rows > 0 ? (size_t)model->fixed_rows : n;
  size_t n_columns = 0;
  bf__result result;
  BF_TRY(bf__session_finish(model->session, &result, err));
  BF_TRY(check_shape(model, &result, padded, &n_columns, err));
  BF_TRY(settle_classes(model, &result, n_columns, err));
  BF_TRY(settle_kind(model, &result, n, n_columns, err));
  if (outputs->n_items > 0 && outputs->n_classes != model->n_classes) {
    status = bf__error(err, BF_ERR_INVALID_ARGUMENT, "outputs of %zu classes, a model of %zu", outputs->n_classes,
                       model->n_classes);
    goto out;
  }
  BF_TRY(reserve(outputs, outputs->n_items + r->n_items, model->n_classes, err));
  append(model, &result, n, n_columns, outputs->scores + (outputs->n_items + r->n_finished) * model->n_classes);
  r->n_finished += n;
out:
  return status;
}

bf_status bf_model_run(bf_model *model, const bf_schema *schema, const bf_batch *batch, bf_outputs *outputs,
                       bf_error *err) {
  bf_status status = BF_OK;
  running r = {.model = model, .schema = schema, .batch = batch, .outputs = outputs};
  bf__error_clear(err);
  r.n_items = bf__featuriser_items(batch);
  if (model->fixed_rows <= 0) { /* where the model leaves the width to the card or the data */
    const size_t most = bf__featuriser_most_items(model->featuriser, schema);
    if (most < model->step) model->step = most;
  }
  while (r.n_finished < r.n_items) {
    bool may_begin = r.n_begun < r.n_items && r.n_begun - r.n_finished < BF__RUNS_AHEAD * model->step;
    BF_TRY(may_begin ? begin_part(&r, err) : finish_part(&r, err));
  }
  if (r.n_items == 0) goto out;
  outputs->n_items += r.n_items;
  outputs->n_classes = model->n_classes;
  outputs->are_logits = model->are_logits;
out:
  return status;
}

/* ---- truth ---- */

enum { NO_LABEL = -1, NOT_A_CLASS = -2, NOT_LOOKED_UP = -3 };

static int32_t class_of(const bf_model *model, const bf_schema *schema, int32_t label, int32_t *known) {
  if (label < 0 || (uint32_t)label >= schema->n_labels) return NO_LABEL;
  if (known[label] != NOT_LOOKED_UP) return known[label];
  known[label] = NOT_A_CLASS;
  for (size_t c = 0; c < model->n_classes; ++c)
    if (strcmp(model->classes[c], schema->label_names[label]) == 0) known[label] = (int32_t)c;
  return known[label];
}

bf_status bf_model_truth(const bf_model *model, const bf_schema *schema, const bf_batch *batch, size_t n_before,
                         int32_t **out, size_t *n_out, bf_error *err) {
  bf_status status = BF_OK;
  size_t n_items = bf__featuriser_items(batch);
  size_t n = 0;
  bf__error_clear(err);
  int32_t *known = bf__alloc(schema->n_labels, sizeof *known);
  if (known == NULL) return bf__error_memory(err, schema->n_labels * sizeof *known);
  int32_t *truth = bf__add(n_before, n_items, &n) ? bf__realloc(*out, n, sizeof *truth) : NULL;
  if (truth == NULL) {
    status = bf__error_memory(err, n * sizeof *truth);
    goto out;
  }
  *out = truth;
  *n_out = n;
  for (uint32_t i = 0; i < schema->n_labels; ++i) known[i] = NOT_LOOKED_UP;
  size_t at = n_before;
  for (uint32_t row = 0; row < batch->n_rows; ++row) {
    if (batch->sentences == NULL) {
      truth[at++] = class_of(model, schema, batch->labels != NULL ? batch->labels[row] : -1, known);
      continue;
    }
    const bf_sentence *sentence = &batch->sentences[row];
    for (uint32_t t = 0; t < sentence->n_tokens; ++t)
      truth[at++] = class_of(model, schema, sentence->tags != NULL ? sentence->tags[t] : -1, known);
  }
out:
  free(known);
  return status;
}
