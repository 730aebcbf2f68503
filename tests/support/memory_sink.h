/* A sink of plain memory for featurisers, and models and cards to make them from. */
#ifndef BESTFIT_TESTS_MEMORY_SINK_H
#define BESTFIT_TESTS_MEMORY_SINK_H

#include "model/model_internal.h"

#define SINK_PORTS 8

/* What was put into each input, in a block of just its size, so that the sanitisers see what is written beyond. */
typedef struct memory_sink {
  bf__element type[SINK_PORTS];
  uint32_t n_dims[SINK_PORTS];
  int64_t dims[SINK_PORTS][BF__MAX_DIMS];
  size_t n[SINK_PORTS]; /* elements */
  void *tensor[SINK_PORTS];
  char **strings[SINK_PORTS]; /* [n] terminated */
} memory_sink;
bf__sink memory_sink_of(memory_sink *memory);
void memory_sink_deinit(memory_sink *memory);
double memory_sink_at(const memory_sink *memory, size_t input, size_t element);

/* A featuriser from the card's `input` block (YAML of one line, NULL: none) and inputs of a model, each
 * "name:float32:-1,3". One vocabulary may be beside it. */
bf_status featuriser_of(const char *input, const char *const *ports, size_t n_ports, const char *vocabulary,
                        bf__featuriser **out, bf_error *err);

#endif
