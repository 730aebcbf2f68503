/* The walk over JSON lines before types are inferred: the verdict does not depend on how the bytes arrive. The first
 * byte is the length of the pieces. */
#include <stdlib.h>

#include "dataset/json_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bf__json_verdict walk(const uint8_t *data, size_t size, size_t step) {
  bf__json_verdict verdict = BF__JSON_MORE;
  bf__json_keys *keys = bf__json_keys_create();
  if (!keys) abort();
  for (size_t at = 0; at < size && verdict == BF__JSON_MORE; at += step)
    verdict = bf__json_keys_take(keys, data + at, size - at < step ? size - at : step);
  free(keys);
  return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  size_t step = (size_t)data[0] + 1;
  if (walk(data + 1, size - 1, step) != walk(data + 1, size - 1, size)) abort();
  return 0;
}
