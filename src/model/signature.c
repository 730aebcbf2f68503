#include "model/signature.h"

#include <stdlib.h>

#include "base/memory.h"

typedef struct element_row {
  bf__element type;
  const char *name;
  size_t n_bytes;
} element_row;

static const element_row ELEMENTS[] = {
    {BF__ELEMENT_FLOAT32, "float32", 4}, {BF__ELEMENT_UINT8, "uint8", 1},     {BF__ELEMENT_INT32, "int32", 4},
    {BF__ELEMENT_INT64, "int64", 8},     {BF__ELEMENT_STRING, "string", 0},   {BF__ELEMENT_BOOL, "bool", 1},
    {BF__ELEMENT_FLOAT16, "float16", 2}, {BF__ELEMENT_FLOAT64, "float64", 8},
};

static const element_row *element_find(bf__element type) {
  for (size_t i = 0; i < sizeof ELEMENTS / sizeof *ELEMENTS; ++i)
    if (ELEMENTS[i].type == type) return &ELEMENTS[i];
  return NULL;
}

size_t bf__element_bytes(bf__element type) {
  const element_row *row = element_find(type);
  return row != NULL ? row->n_bytes : 0;
}

const char *bf__element_name(bf__element type) {
  const element_row *row = element_find(type);
  return row != NULL ? row->name : "unknown";
}

bf_status bf__signature_init(bf__signature *out, size_t n_inputs, size_t n_outputs, bf_error *err) {
  *out = (bf__signature){0};
  if (n_inputs > BF__MAX_PORTS || n_outputs > BF__MAX_PORTS || n_outputs == 0)
    return bf__error(err, BF_ERR_UNSUPPORTED, "a graph of %zu inputs and %zu outputs; up to %u of each are run",
                     n_inputs, n_outputs, BF__MAX_PORTS);
  out->inputs = bf__alloc(n_inputs, sizeof *out->inputs);
  out->outputs = bf__alloc(n_outputs, sizeof *out->outputs);
  if (out->inputs == NULL || out->outputs == NULL) {
    bf__signature_deinit(out);
    return bf__error_memory(err, (n_inputs + n_outputs) * sizeof *out->inputs);
  }
  out->n_inputs = n_inputs;
  out->n_outputs = n_outputs;
  return BF_OK;
}

void bf__signature_deinit(bf__signature *signature) {
  for (size_t i = 0; i < signature->n_inputs; ++i) free(signature->inputs[i].name);
  for (size_t i = 0; i < signature->n_outputs; ++i) free(signature->outputs[i].name);
  free(signature->inputs);
  free(signature->outputs);
  *signature = (bf__signature){0};
}
