#include "memory_sink.h"

#include <bestfit/card.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void clear(memory_sink *m, size_t input) {
  free(m->tensor[input]);
  for (size_t i = 0; m->strings[input] && i < m->n[input]; i++) free(m->strings[input][i]);
  free(m->strings[input]);
  m->tensor[input] = NULL;
  m->strings[input] = NULL;
  m->n[input] = 0;
}

static void shape(memory_sink *m, size_t input, bf__element type, const int64_t *dims, uint32_t n_dims) {
  clear(m, input);
  m->type[input] = type;
  m->n_dims[input] = n_dims;
  m->n[input] = 1;
  for (uint32_t i = 0; i < n_dims; i++) {
    m->dims[input][i] = dims[i];
    m->n[input] *= (size_t)dims[i];
  }
}

static bf_status numbers(void *context, size_t input, bf__element type, const int64_t *dims, uint32_t n_dims,
                         void **out, bf_error *err) {
  memory_sink *m = context;
  shape(m, input, type, dims, n_dims);
  const size_t bytes = m->n[input] * bf__element_bytes(type);
  m->tensor[input] = malloc(bytes ? bytes : 1);
  if (!m->tensor[input]) return bf__error_memory(err, bytes);
  memset(m->tensor[input], 0x5a, bytes); /* what is not filled is seen */
  *out = m->tensor[input];
  return BF_OK;
}

static bf_status strings(void *context, size_t input, const int64_t *dims, uint32_t n_dims, const bf_string *values,
                         bf_error *err) {
  memory_sink *m = context;
  shape(m, input, BF__ELEMENT_STRING, dims, n_dims);
  m->strings[input] = calloc(m->n[input] + 1, sizeof *m->strings[input]);
  if (!m->strings[input]) return bf__error_memory(err, m->n[input]);
  for (size_t i = 0; i < m->n[input]; i++) m->strings[input][i] = strndup(values[i].bytes, values[i].n_bytes);
  return BF_OK;
}

bf__sink memory_sink_of(memory_sink *memory) {
  return (bf__sink){memory, numbers, strings};
}

void memory_sink_deinit(memory_sink *memory) {
  for (size_t i = 0; i < SINK_PORTS; i++) clear(memory, i);
}

double memory_sink_at(const memory_sink *m, size_t input, size_t i) {
  switch (m->type[input]) {
    case BF__ELEMENT_FLOAT32:
      return (double)((float *)m->tensor[input])[i];
    case BF__ELEMENT_FLOAT64:
      return ((double *)m->tensor[input])[i];
    case BF__ELEMENT_INT64:
      return (double)((int64_t *)m->tensor[input])[i];
    case BF__ELEMENT_INT32:
      return ((int32_t *)m->tensor[input])[i];
    default:
      return ((uint8_t *)m->tensor[input])[i];
  }
}

static bf__port port_of(const char *text, char name[64]) {
  static const struct {
    const char *name;
    bf__element type;
  } types[] = {{"float32", BF__ELEMENT_FLOAT32}, {"float64", BF__ELEMENT_FLOAT64}, {"int64", BF__ELEMENT_INT64},
               {"int32", BF__ELEMENT_INT32},     {"uint8", BF__ELEMENT_UINT8},     {"bool", BF__ELEMENT_BOOL},
               {"string", BF__ELEMENT_STRING}};
  char type[16] = "";
  int used = 0;
  bf__port port = {.name = name};
  if (sscanf(text, "%63[^:]:%15[^:]:%n", name, type, &used) < 2) abort();
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, type) == 0) port.type = types[i].type;
  for (const char *at = text + used; used && *at; at += *at == ',') {
    char *end;
    port.dims[port.n_dims++] = strtoll(at, &end, 10);
    at = end;
  }
  return port;
}

bf_status featuriser_of(const char *input, const char *const *ports, size_t n_ports, const char *vocabulary,
                        bf__featuriser **out, bf_error *err) {
  bf_card *card = NULL;
  char names[SINK_PORTS][64];
  bf__port list[SINK_PORTS];
  char text[4096];
  const bf_model_file files[] = {{"model.onnx", (const uint8_t *)"", 0},
                                 {"vocab.txt", (const uint8_t *)vocabulary, vocabulary ? strlen(vocabulary) : 0}};
  snprintf(text, sizeof text, "---\nbestfit:\n  input: %s\n---\n", input ? input : "");
  *out = NULL;
  bf_status status = bf_card_parse(text, strlen(text), &card, err);
  for (size_t i = 0; i < n_ports; i++) list[i] = port_of(ports[i], names[i]);
  const bf__signature signature = {.n_inputs = n_ports, .inputs = list};
  if (status == BF_OK) status = bf__featuriser_create(card, &signature, files, vocabulary ? 2 : 1, out, err);
  bf_card_free(card);
  return status;
}
