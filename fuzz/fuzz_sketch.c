/* Sketches: what is accepted must encode, decode again and encode to the same bytes, and merge with itself to a sketch
 * of twice the rows. The first byte chooses whether checksums and length are repaired first (without that, no mutation
 * would reach the sections). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sketch/sketch_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(const bf_sketch *s) {
  uint64_t last = UINT64_MAX, sum = 0;
  for (uint32_t i = 0; i < bf_sketch_word_count(s); i++) {
    uint64_t count, documents;
    const char *word = bf_sketch_word(s, i, &count, &documents);
    if (!word || !word[0] || count > last || documents > count || documents > bf_sketch_rows(s)) abort();
    last = count;
    sum += count;
  }
  if (sum > bf_sketch_word_total(s) || bf_sketch_word_distinct(s) < (double)bf_sketch_word_count(s)) abort();
}

static void check_merge(const bf_sketch *s) {
  bf_sketch *twice = NULL;
  bf_error err;
  bf_status status = bf_sketch_merge(s, s, &twice, &err);
  if (status == BF_ERR_LIMIT) return; /* too many rows */
  if (status != BF_OK || bf_sketch_rows(twice) != 2 * bf_sketch_rows(s)) abort();
  bf_sketch_free(twice);
}

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
  check_words(a);
  check_merge(a);
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
