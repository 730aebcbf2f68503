/* What a worker says that a model has taken over: replies within bounds, and names of classes behind them. */
#include <stdlib.h>
#include <string.h>

#include "model/worker_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

static void check_port(const bf__port *port) {
  require(port->name != NULL && port->n_dims <= BF__MAX_DIMS);
  for (uint32_t d = 0; d < port->n_dims; ++d) require(port->dims[d] >= -1);
}

static void check_result(const bf__reply *reply) {
  size_t product = 1;
  require(reply->n_dims <= BF__MAX_DIMS);
  for (uint32_t d = 0; d < reply->n_dims; ++d) {
    require(reply->dims[d] >= 0);
    product *= (size_t)reply->dims[d];
  }
  require(product == reply->n_values && reply->n_values <= BF__MOST_OUTPUT_BYTES / 4);
  require(reply->n_names <= BF__MAX_CLASSES && reply->names_bytes >= 4 * reply->n_names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf__reply reply;
  bf_error err = {.code = BF_OK};
  char **names = NULL;
  /* The first byte says how many names the rest holds, for the other parser. */
  if (size > 0 && bf__names_parse(data + 1, size - 1, data[0], &names, &err) == BF_OK) {
    size_t total = 0;
    for (size_t i = 0; i < data[0]; ++i) total += strlen(names[i]) + 4;
    require(total == size - 1);
  }
  free(names);
  if (bf__reply_parse(data, size, &reply, &err) != BF_OK) return 0;
  require(reply.sort >= BF__REPLY_READY && reply.sort <= BF__REPLY_FAILED);
  require(memchr(reply.text, 0, sizeof reply.text) != NULL);
  for (size_t i = 0; i < reply.signature.n_inputs; ++i) check_port(&reply.signature.inputs[i]);
  for (size_t i = 0; i < reply.signature.n_outputs; ++i) check_port(&reply.signature.outputs[i]);
  if (reply.sort == BF__REPLY_SIGNATURE) require(reply.signature.n_outputs > 0);
  if (reply.sort == BF__REPLY_RESULT) check_result(&reply);
  if (reply.sort == BF__REPLY_FAILED) require(reply.status != BF_OK);
  bf__reply_deinit(&reply);
  return 0;
}
