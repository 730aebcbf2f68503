/* Sentences as `token<TAB>tag` lines. */
#include <string.h>

#include "fuzz_dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_format("token-tag", NULL, bf__tagged_start, data, size);
  return 0;
}
