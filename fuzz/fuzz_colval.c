/* Pairs as `COL name VAL value …` lines. */
#include <string.h>

#include "fuzz_dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_format("col-val", NULL, bf__colval_start, data, size);
  return 0;
}
