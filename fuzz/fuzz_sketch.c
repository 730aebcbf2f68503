/* Sketches: what is accepted must encode, decode again and encode to the same bytes. The first byte chooses whether
 * checksums and length are repaired first (without that, no mutation would reach the sections). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sketch/sketch_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *bytes, size_t n) {
  bf_sketch *a = NULL, *b = NULL;
  uint8_t *once = NULL, *twice = NULL;
  size_t n_once = 0, n_twice = 0;
  bf_error err;
  if (bf_sketch_decode(bytes, n, &a, &err) != BF_OK) return;
  if (bf_sketch_encode(a, &once, &n_once, &err) != BF_OK || n_once > BF_SKETCH_MAX_BYTES) abort();
  if (bf_sketch_decode(once, n_once, &b, &err) != BF_OK) abort();
  if (bf_sketch_encode(b, &twice, &n_twice, &err) != BF_OK) abort();
  if (n_once != n_twice || memcmp(once, twice, n_once) != 0) abort();
  for (uint32_t i = 0; i < bf_sketch_column_count(a); i++) {
    bf_column c;
    if (bf_sketch_column(a, i, &c, &err) != BF_OK) abort();
    if (c.count && !(c.min <= c.quantiles[0] && c.quantiles[c.n_quantiles - 1] <= c.max)) abort();
  }
  free(once);
  free(twice);
  bf_sketch_free(a);
  bf_sketch_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  uint8_t *bytes = malloc(size);
  if (!bytes) return 0;
  memcpy(bytes, data + 1, size - 1);
  if (data[0] & 1) bf__sketch_fix_checksums(bytes, size - 1);
  check(bytes, size - 1);
  free(bytes);
  return 0;
}
