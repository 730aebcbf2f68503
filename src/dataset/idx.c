/* IDX, the format of MNIST: two zero bytes, a type, the number of dimensions, big-endian sizes, big-endian data.
 *
 * One dimension is a column (or labels), two are rows of features, three and four are images (n,H,W) and (n,H,W,C). */
#include <string.h>

#include "dataset/dataset_internal.h"

static bool idx_type(uint8_t code, char *type, uint32_t *item_bytes) {
  static const struct {
    uint8_t code;
    char type;
    uint8_t item_bytes;
  } TYPES[] = {{0x08, 'u', 1}, {0x09, 'i', 1}, {0x0b, 'i', 2}, {0x0c, 'i', 4}, {0x0d, 'f', 4}, {0x0e, 'f', 8}};
  for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
    if (TYPES[i].code != code) continue;
    *type = TYPES[i].type;
    *item_bytes = TYPES[i].item_bytes;
    return true;
  }
  return false;
}

bf_status bf__idx_read_header(bf__stream *stream, bf__array_info *info, bf_error *err) {
  uint8_t fixed[4], sizes[4 * BF__ARRAY_MAX_DIMS];
  size_t got = 0;
  bf__array_info parsed = {.big_endian = true};
  memset(info, 0, sizeof *info);
  bf_status status = bf__stream_read(stream, fixed, sizeof fixed, &got, err);
  if (status != BF_OK) return status;
  if (got < 4 || fixed[0] || fixed[1])
    return bf__error_at(err, BF_ERR_FORMAT, 0,
                        "not IDX: it must begin with two zero bytes, a type and a dimension count");
  if (!idx_type(fixed[2], &parsed.type, &parsed.item_bytes))
    return bf__error_at(err, BF_ERR_FORMAT, 2, "IDX with the unknown type 0x%02x; 08, 09, 0b, 0c, 0d and 0e exist",
                        fixed[2]);
  if (fixed[3] < 1 || fixed[3] > 4)
    return bf__error_at(err, BF_ERR_UNSUPPORTED, 3, "IDX of %u dimensions; 1 to 4 are read", fixed[3]);
  parsed.n_dims = fixed[3];
  status = bf__stream_read(stream, sizes, 4 * (size_t)parsed.n_dims, &got, err);
  if (status != BF_OK) return status;
  if (got < 4 * (size_t)parsed.n_dims)
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)(4 + got), "the IDX header is cut at byte %zu", 4 + got);
  for (uint32_t i = 0; i < parsed.n_dims; i++)
    parsed.shape[i] = (uint64_t)sizes[4 * i] << 24 | (uint64_t)sizes[4 * i + 1] << 16 |
                      (uint64_t)sizes[4 * i + 2] << 8 | sizes[4 * i + 3];
  parsed.data_offset = 4 + 4 * (uint64_t)parsed.n_dims;
  *info = parsed;
  return BF_OK;
}

bool bf__idx_sniff(const bf__probe *probe) {
  char type = 0;
  uint32_t item_bytes = 0;
  const uint8_t *p = probe->head;
  return probe->head_bytes >= 8 && p[0] == 0 && p[1] == 0 && idx_type(p[2], &type, &item_bytes) && p[3] >= 1 &&
         p[3] <= 4;
}

bf_status bf__idx_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err) {
  bf__stream *stream = NULL;
  bf__array_info info;
  bf_status status = bf__stream_open(probe->path, &stream, err);
  if (status != BF_OK) return status;
  status = bf__idx_read_header(stream, &info, err);
  if (status != BF_OK) {
    bf__stream_close(stream);
    return status;
  }
  return bf__array_open(dataset, &info, stream, err);
}
