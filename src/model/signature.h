/* Inputs and outputs of a graph as the runtime tells them, on both sides of the process border. */
#ifndef BESTFIT_SRC_MODEL_SIGNATURE_H
#define BESTFIT_SRC_MODEL_SIGNATURE_H

#include "model/model_internal.h"

/* Ports without names. BF_ERR_UNSUPPORTED: more than BF__MAX_PORTS, or no output. */
bf_status bf__signature_init(bf__signature *out, size_t n_inputs, size_t n_outputs, bf_error *err);
void bf__signature_deinit(bf__signature *signature);

#endif
