/* ONNX Runtime behind five calls: the only place that knows it. Used inside the worker process, never in the host's.
 *
 * One thread, no files: a model is loaded from bytes, its external data from bytes under their names. */
#ifndef BESTFIT_SRC_MODEL_RUNTIME_ONNX_H
#define BESTFIT_SRC_MODEL_RUNTIME_ONNX_H

#include "model/model_internal.h"

typedef struct bf__ort bf__ort;             /* the loaded library and its environment */
typedef struct bf__ort_model bf__ort_model; /* one session */

/* Loads the shared library and makes its environment. BF_ERR_UNSUPPORTED: it is missing or too old, and how to get it.
 */
bf_status bf__ort_create(bf__ort **out, bf_error *err);
void bf__ort_free(bf__ort *ort);
const char *bf__ort_version(const bf__ort *ort);

/* files[0] is the ONNX file, the others its external data; they must stay until the model is unloaded.
 * BF_ERR_FORMAT: the runtime refuses it. BF_ERR_UNSUPPORTED: an operator or type that it does not have.
 * BF_ERR_NOT_FOUND: external data that are not among the files. BF_ERR_LIMIT: no memory. */
bf_status bf__ort_load(bf__ort *ort, const bf_model_file *files, size_t n_files, bf__ort_model **out, bf_error *err);
void bf__ort_unload(bf__ort_model *model);
const bf__signature *bf__ort_signature(const bf__ort_model *model);

/* One input of a run, over memory of the caller. */
typedef struct bf__tensor {
  size_t input;
  bf__element type;
  uint32_t n_dims;
  int64_t dims[BF__MAX_DIMS];
  const void *data; /* numbers: row-major; strings: NULL */
  size_t n_bytes;
  const bf_string *strings; /* one an element of the shape */
} bf__tensor;

/* One output, borrowed from the model until its next run. */
typedef struct bf__ort_result {
  uint32_t n_dims;
  int64_t dims[BF__MAX_DIMS];
  size_t n_values;
  const float *values;
  size_t n_names; /* of maps: the keys in ascending order */
  const uint8_t *names;
  size_t names_bytes; /* each: u32 length and bytes */
} bf__ort_result;

/* BF_ERR_MISMATCH: inputs that the graph cannot take. BF_ERR_FORMAT, BF_ERR_UNSUPPORTED: refused, in the runtime's
 * words. BF_ERR_LIMIT: no memory. */
bf_status bf__ort_run(bf__ort_model *model, const bf__tensor *inputs, size_t n_inputs, size_t output,
                      bf__ort_result *out, bf_error *err);

#endif
