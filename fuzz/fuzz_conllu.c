/* CoNLL-U: the first byte chooses the column of the tag. */
#include <string.h>

#include "fuzz_dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const TAGS[] = {"upos", "xpos", "deprel"};
  if (size) fuzz_format("conllu", TAGS[data[0] % 3], bf__tagged_start, data + 1, size - 1);
  return 0;
}
