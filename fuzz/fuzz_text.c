/* Texts, one a line: the first byte chooses lines, label-text or text-label. */
#include <string.h>

#include "fuzz_dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const FORMATS[] = {"lines", "label-text", "text-label"};
  if (size) fuzz_format(FORMATS[data[0] % 3], NULL, bf__text_start, data + 1, size - 1);
  return 0;
}
