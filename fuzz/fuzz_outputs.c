/* Outputs of a model: what is accepted must encode, decode again and encode to the same bytes. The first byte chooses
 * whether length and check sum are repaired first. */
#include <bestfit/model.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

typedef struct decoded {
  bf_outputs outputs;
  char **classes;
  int32_t *truth;
} decoded;

static bool decode(const uint8_t *bytes, size_t n, decoded *out) {
  bf_error err;
  return bf_outputs_decode(bytes, n, &out->outputs, &out->classes, &out->truth, &err) == BF_OK;
}

static void release(decoded *d) {
  for (size_t i = 0; i < d->outputs.n_classes; i++) free(d->classes[i]);
  free(d->classes);
  free(d->truth);
  bf_outputs_deinit(&d->outputs);
}

static void encode(const decoded *d, uint8_t **out, size_t *n) {
  bf_error err;
  require(bf_outputs_encode(&d->outputs, (const char *const *)d->classes, d->truth, out, n, &err) == BF_OK);
}

static void check(const uint8_t *bytes, size_t n) {
  decoded a, b;
  uint8_t *once = NULL, *twice = NULL;
  size_t n_once = 0, n_twice = 0;
  if (!decode(bytes, n, &a)) return;
  for (size_t i = 0; a.truth && i < a.outputs.n_items; i++)
    require(a.truth[i] >= -2 && a.truth[i] < (int64_t)a.outputs.n_classes);
  encode(&a, &once, &n_once);
  require(decode(once, n_once, &b));
  require(a.outputs.n_items == b.outputs.n_items && a.outputs.n_classes == b.outputs.n_classes);
  encode(&b, &twice, &n_twice);
  require(n_once == n_twice && memcmp(once, twice, n_once) == 0);
  free(once);
  free(twice);
  release(&a);
  release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_container(data, size, check);
}
