/* What the files of this room share: tensors between the featuriser, which fills them, and the session, which runs
 * them. */
#ifndef BESTFIT_SRC_MODEL_INTERNAL_H
#define BESTFIT_SRC_MODEL_INTERNAL_H

#include <bestfit/model.h>

#include "base/error.h"

#define BF__MAX_DIMS 8u
#define BF__MAX_PORTS 64u
#define BF__MAX_CLASSES 65536u

/* Numbers of onnx.proto's TensorProto.DataType. */
typedef enum bf__element {
  BF__ELEMENT_NONE = 0,
  BF__ELEMENT_FLOAT32 = 1,
  BF__ELEMENT_UINT8 = 2,
  BF__ELEMENT_INT32 = 6,
  BF__ELEMENT_INT64 = 7,
  BF__ELEMENT_STRING = 8,
  BF__ELEMENT_BOOL = 9,
  BF__ELEMENT_FLOAT16 = 10, /* outputs only */
  BF__ELEMENT_FLOAT64 = 11,
} bf__element;
size_t bf__element_bytes(bf__element type); /* 0: strings and unknown types */
const char *bf__element_name(bf__element type);

typedef struct bf__port {
  char *name;
  bf__element type; /* of the tensor, or of a map's keys */
  bool is_maps;     /* outputs: sequence of maps from class to float (ZipMap) */
  uint32_t n_dims;
  int64_t dims[BF__MAX_DIMS]; /* -1: any */
} bf__port;

typedef struct bf__signature {
  size_t n_inputs, n_outputs;
  bf__port *inputs, *outputs;
} bf__signature;

/* Where tensors go. In a session the memory is shared with the worker; in tests it is plain memory. */
typedef struct bf__sink {
  void *context;
  /* Room for a tensor of numbers: *out has the size of its shape, not zeroed, valid until the next run. */
  bf_status (*numbers)(void *context, size_t input, bf__element type, const int64_t *dims, uint32_t n_dims, void **out,
                       bf_error *err);
  /* A tensor of strings, copied. */
  bf_status (*strings)(void *context, size_t input, const int64_t *dims, uint32_t n_dims, const bf_string *strings,
                       bf_error *err);
} bf__sink;

/* ---- sessions (session.c): one model in one worker ---- */

typedef struct bf__session bf__session;
bf_status bf__session_open(bf_workers *workers, const bf_model_file *files, size_t n_files, bf__session **out,
                           bf_error *err);
void bf__session_close(bf__session *session);
const bf__signature *bf__session_signature(const bf__session *session);
bf__sink bf__session_sink(bf__session *session);

/* One output of a run, as float32 whatever its type. Borrowed until BF__RUNS_AHEAD more runs have begun. */
typedef struct bf__result {
  uint32_t n_dims;
  int64_t dims[BF__MAX_DIMS]; /* of maps: [n][n_names] */
  const float *values;
  size_t n_names; /* keys of maps, as text, in ascending order of the first row's keys as ONNX Runtime gives them */
  const char *const *names; /* until the next bf__session_finish() */
} bf__result;
/* Runs the model on the inputs put into the sink since the last run and fetches output number `output`. */
bf_status bf__session_run(bf__session *session, size_t output, bf__result *out, bf_error *err);
/* The same in two steps, so that the worker finds its next batch waiting: up to BF__RUNS_AHEAD runs may have begun and
 * not finished; they finish in their order. The result of a quiet run comes together with that of the next, which must
 * have begun before it is finished. After an error the session can only be closed. */
#define BF__RUNS_AHEAD 4u
bf_status bf__session_begin(bf__session *session, size_t output, bool is_quiet, bf_error *err);
bf_status bf__session_finish(bf__session *session, bf__result *out, bf_error *err);

/* ---- featurisers (featuriser.c): rows -> tensors, as the card declares ---- */

typedef struct bf__featuriser bf__featuriser;
/* From the card's `input` block, checked against the model's inputs. files: [0] the model, others may be vocabularies.
 */
bf_status bf__featuriser_create(const bf_card *card, const bf__signature *signature, const bf_model_file *files,
                                size_t n_files, bf__featuriser **out, bf_error *err);
void bf__featuriser_free(bf__featuriser *featuriser);
bf_kind bf__featuriser_kind(const bf__featuriser *featuriser);
/* Items of a batch: its rows, or the tokens of its sentences. */
size_t bf__featuriser_items(const bf_batch *batch);
/* Items that may be filled at once, so that no tensor is above 256 MiB; at least 1. */
size_t bf__featuriser_most_items(const bf__featuriser *featuriser, const bf_schema *schema);
/* Fills every input with items [first, first + n) of the batch, and zero (or empty) items up to `padded` of them.
 * BF_ERR_MISMATCH: rows that the model cannot take, naming the column, kind or shape. BF_ERR_LIMIT: a tensor of more
 * than 256 MiB. */
bf_status bf__featuriser_fill(bf__featuriser *featuriser, const bf_schema *schema, const bf_batch *batch, size_t first,
                              size_t n, size_t padded, const bf__sink *sink, bf_error *err);

#endif
