#include "model/model_internal.h"

static const struct {
  bf__element type;
  const char *name;
  size_t n_bytes;
} ELEMENTS[] = {
    {BF__ELEMENT_FLOAT32, "float32", 4}, {BF__ELEMENT_UINT8, "uint8", 1},   {BF__ELEMENT_INT32, "int32", 4},
    {BF__ELEMENT_INT64, "int64", 8},     {BF__ELEMENT_STRING, "string", 0}, {BF__ELEMENT_BOOL, "bool", 1},
    {BF__ELEMENT_FLOAT64, "float64", 8},
};

size_t bf__element_bytes(bf__element type) {
  for (size_t i = 0; i < sizeof ELEMENTS / sizeof *ELEMENTS; ++i)
    if (ELEMENTS[i].type == type) return ELEMENTS[i].n_bytes;
  return 0;
}

const char *bf__element_name(bf__element type) {
  for (size_t i = 0; i < sizeof ELEMENTS / sizeof *ELEMENTS; ++i)
    if (ELEMENTS[i].type == type) return ELEMENTS[i].name;
  return "unknown";
}
