/* What is guessed from the first bytes: the dialect, header and types of delimited text, and the format of any text.
 * The first byte chooses how much is known beside them. */
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_shape(const uint8_t *data, size_t size, char delimiter, bool complete) {
  bf_error err;
  bf__csv_shape shape;
  if (bf__csv_shape_of((const char *)data, size, complete, "input", delimiter, &shape, &err) != BF_OK) return;
  if (shape.n_columns == 0) abort();
  for (uint32_t i = 0; i < shape.n_columns; i++)
    if (!shape.names[i][0] || shape.types[i] > BF__CSV_TEXT) abort();
  bf__csv_shape_deinit(&shape);
}

static void find_format(const uint8_t *data, size_t size, uint8_t choice) {
  bf_error err;
  const bf__format *format = NULL;
  static const char *const PATHS[] = {"a", "a.txt", "a.csv", "a.conllu"};
  bf__probe probe = {.path = PATHS[choice & 3],
                     .file_bytes = size,
                     .head = data,
                     .head_bytes = size < BF__HEAD_BYTES ? size : BF__HEAD_BYTES,
                     .kinds = choice & 4 ? ~0u : 1u << (choice >> 5) % BF_KIND_COUNT,
                     .table_options = (choice & 8) != 0,
                     .label_option = (choice & 16) != 0};
  bf_status status = bf__format_sniff(&probe, &format, &err);
  if ((status == BF_OK) != (format != NULL)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0; /* an empty file is no dataset */
  read_shape(data + 1, size - 1, 0, data[0] & 1);
  read_shape(data + 1, size - 1, '\t', data[0] & 1);
  find_format(data + 1, size - 1, data[0]);
  return 0;
}
