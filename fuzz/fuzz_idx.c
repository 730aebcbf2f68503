/* IDX: header and rows through the array reader, from memory. */
#include <stdlib.h>

#include "dataset/dataset_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf_error err;
  bf__stream *stream = NULL;
  bf__array_info info;
  bf_dataset *d = calloc(1, sizeof *d);
  if (!d) return 0;
  d->shown = "input";
  d->batch_bytes = 4096;
  bf_status status = bf__format_find("idx", &d->format, &err);
  if (status == BF_OK) status = bf__stream_of_memory(data, size, &stream, &err);
  if (status == BF_OK) {
    status = bf__idx_read_header(stream, &info, &err);
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
  return 0;
}
