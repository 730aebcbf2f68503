/* .npy: the header from memory, then the rows through the array reader, with the length known and unknown, as features
 * and as images. */
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct bytes_left {
  const uint8_t *data;
  size_t size;
} bytes_left;

static bf_status read_some(void *context, void *out, size_t n_bytes, size_t *got, bf_error *err) {
  (void)err;
  bytes_left *b = context;
  *got = n_bytes < b->size ? n_bytes : b->size;
  if (*got) memcpy(out, b->data, *got);
  b->data += *got;
  b->size -= *got;
  return BF_OK;
}

static void read_all(const uint8_t *data, size_t size, bf_kind kind, bool known_length) {
  bf_error err;
  bytes_left left = {data, size};
  bf__stream *stream = NULL;
  bf__array_info info;
  bf_dataset *d = calloc(1, sizeof *d);
  if (!d) return;
  d->shown = "input";
  d->batch_bytes = 4096;
  d->kind = kind;
  d->kind_named = true;
  bf__source source = {.context = &left, .read = read_some};
  bf_status status = bf__format_find("npy", &d->format, &err);
  if (status == BF_OK)
    status =
        known_length ? bf__stream_of_memory(data, size, &stream, &err) : bf__stream_of_source(source, &stream, &err);
  if (status == BF_OK) {
    status = bf__npy_read_header(stream, &info, &err);
    if (status == BF_OK)
      status = bf__array_open(d, &info, stream, &err);
    else
      bf__stream_close(stream);
  }
  for (int batches = 0; status == BF_OK && batches < 64; batches++) {
    bf_batch batch;
    status = bf_dataset_next(d, &batch, &err);
    if (status == BF_OK && batch.n_rows == 0) break;
  }
  bf_dataset_close(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf__array_info info;
  bf_error err;
  if (bf__npy_parse_header(data, size, &info, &err) == BF_OK && (info.data_offset > size || info.item_bytes == 0))
    abort();
  read_all(data, size, BF_KIND_FEATURES, true);
  read_all(data, size, BF_KIND_FEATURES, false);
  read_all(data, size, BF_KIND_IMAGE, true);
  return 0;
}
