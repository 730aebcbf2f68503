/* Samples of rows: what is accepted must encode, decode again and encode to the same bytes, and keep what a dataset
 * promises. The first byte chooses whether the check sum is repaired first (without that, no mutation would reach the
 * content). */
#include <bestfit/dataset.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

static size_t read_string(bf_string s) {
  size_t sum = 0;
  for (uint32_t i = 0; s.bytes && i < s.n_bytes; i++) sum += (unsigned char)s.bytes[i];
  return sum;
}

static size_t read_fields(const bf_field *fields, uint32_t n) {
  size_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += read_string(fields[i].name) + read_string(fields[i].value);
  return sum;
}

static size_t read_row(const bf_batch *b, const bf_schema *schema, uint32_t i) {
  size_t sum = 0;
  if (b->labels) require(b->labels[i] >= -1 && b->labels[i] < (int64_t)schema->n_labels);
  for (uint32_t k = 0; b->cells && k < b->n_columns; k++) require(!isinf(b->cells[(size_t)i * b->n_columns + k]));
  if (b->images) {
    const bf_image *image = &b->images[i];
    size_t n = (size_t)image->height * image->width * image->channels;
    for (size_t k = 0; k < n; k++) require(image->pixels[k] >= 0 && (double)image->pixels[k] <= schema->range_max);
  }
  if (b->texts) {
    require(b->texts[i].bytes != NULL);
    sum += read_string(b->texts[i]);
  }
  if (b->pairs) {
    sum += read_fields(b->pairs[i].left.fields, b->pairs[i].left.n_fields);
    sum += read_fields(b->pairs[i].right.fields, b->pairs[i].right.n_fields);
  }
  for (uint32_t k = 0; b->sentences && k < b->sentences[i].n_tokens; k++) {
    sum += read_string(b->sentences[i].tokens[k]);
    if (b->sentences[i].tags) require(b->sentences[i].tags[k] < (int64_t)schema->n_labels);
  }
  if (b->strings) sum += read_fields(b->strings + (size_t)i * b->n_string_columns, b->n_string_columns);
  return sum;
}

static void check(const uint8_t *bytes, size_t n) {
  bf_sample *a = NULL, *b = NULL;
  uint8_t *once = NULL, *twice = NULL;
  size_t n_once = 0, n_twice = 0, sum = 0;
  bf_error err;
  bf_schema schema;
  bf_status status = bf_sample_decode(bytes, n, &a, &err);
  require((status == BF_OK) == (a != NULL));
  if (status != BF_OK) return;
  bf_sample_schema(a, &schema);
  for (uint32_t i = 0; i < schema.n_labels; i++) sum += strlen(schema.label_names[i]);
  for (uint32_t i = 0; schema.column_names && i < schema.n_columns; i++) sum += strlen(schema.column_names[i]);
  const bf_batch *batch = bf_sample_batch(a);
  for (uint32_t i = 0; i < batch->n_rows; i++) {
    require(bf_sample_row(a, i) < bf_sample_rows_seen(a));
    sum += read_row(batch, &schema, i);
  }
  require(sum < SIZE_MAX);
  require(bf_sample_encode(a, &once, &n_once, &err) == BF_OK);
  require(bf_sample_decode(once, n_once, &b, &err) == BF_OK);
  require(bf_sample_encode(b, &twice, &n_twice, &err) == BF_OK);
  require(n_once == n_twice && memcmp(once, twice, n_once) == 0);
  free(once);
  free(twice);
  bf_sample_free(a);
  bf_sample_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_container(data, size, check);
}
