#include "base/container.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/zstandard.h"

#define HEADER_BYTES 24u
#define RATIO_MAX 200u
#define RATIO_FREE (1u << 20)

enum { METHOD_PLAIN = 0, METHOD_ZSTD = 1 };

static bool too_dense(uint64_t unpacked, uint64_t packed) {
  return unpacked > RATIO_FREE && unpacked / RATIO_MAX > packed;
}

bf_status bf__container_encode(const char magic[4], uint16_t version, const void *content, size_t n_bytes,
                               uint8_t **out, size_t *out_bytes, bf_error *err) {
  uint8_t *packed = NULL;
  size_t n_packed = 0;
  bf__writer w = {0};
  *out = NULL;
  *out_bytes = 0;
  bf_status status = bf__zstd_pack(content, n_bytes, &packed, &n_packed, err);
  if (status != BF_OK) return status;
  bool use = n_packed < n_bytes && !too_dense(n_bytes, n_packed);
  bf__write(&w, magic, 4);
  bf__write_u16(&w, version);
  bf__write_u16(&w, use ? METHOD_ZSTD : METHOD_PLAIN);
  bf__write_u64(&w, n_bytes);
  bf__write_u64(&w, use ? n_packed : n_bytes);
  bf__write(&w, use ? packed : content, use ? n_packed : n_bytes);
  free(packed);
  bf__write_u64(&w, w.failed ? 0 : bf__xxh64(w.data, w.size, 0));
  if (w.failed) {
    size_t size = w.size;
    bf__writer_deinit(&w);
    return bf__error_memory(err, size + n_bytes);
  }
  *out = w.data;
  *out_bytes = w.size;
  return BF_OK;
}

typedef struct header {
  uint16_t version, method;
  uint64_t unpacked, stored;
} header;

static bf_status read_header(const uint8_t *bytes, size_t n_bytes, const char magic[4], const char *what, header *out,
                             bf_error *err) {
  if (n_bytes < HEADER_BYTES || memcmp(bytes, magic, 4) != 0)
    return bf__error_at(err, BF_ERR_FORMAT, 0, "these bytes are no %s", what);
  bf__reader r = bf__reader_of(bytes + 4, n_bytes - 4);
  out->version = bf__read_u16(&r);
  out->method = bf__read_u16(&r);
  out->unpacked = bf__read_u64(&r);
  out->stored = bf__read_u64(&r);
  return BF_OK;
}

static bf_status damaged(const char *what, int64_t position, const char *how, bf_error *err) {
  return bf__error_at(err, BF_ERR_CORRUPT, position, "the %s is damaged (%s): run bestfit fsck, or make it again", what,
                      how);
}

bf_status bf__container_decode(const uint8_t *bytes, size_t n_bytes, const char magic[4], uint16_t version,
                               const char *what, uint64_t max_bytes, const uint8_t **content, size_t *content_bytes,
                               uint8_t **owned, bf_error *err) {
  header h = {0};
  *content = NULL;
  *content_bytes = 0;
  *owned = NULL;
  bf_status status = read_header(bytes, n_bytes, magic, what, &h, err);
  if (status != BF_OK) return status;
  if (n_bytes < BF__CONTAINER_BYTES || h.stored != n_bytes - BF__CONTAINER_BYTES)
    return damaged(what, 16, "it is cut, or longer than it says", err);
  bf__reader sum = bf__reader_of(bytes + n_bytes - 8, 8);
  if (bf__read_u64(&sum) != bf__xxh64(bytes, n_bytes - 8, 0))
    return damaged(what, (int64_t)(n_bytes - 8), "its check sum differs", err);
  if (h.version > version)
    return bf__error_at(err, BF_ERR_UNSUPPORTED, 4,
                        "a %s of version %u; this bestfit reads up to %u: use the newer one", what, h.version, version);
  if (h.version == 0 || h.method > METHOD_ZSTD) return damaged(what, 4, "no such version or packing", err);
  if (h.unpacked > max_bytes)
    return bf__error_at(err, BF_ERR_LIMIT, 8, "a %s of %llu bytes; at most %llu are read", what,
                        (unsigned long long)h.unpacked, (unsigned long long)max_bytes);
  if (h.method == METHOD_PLAIN) {
    if (h.unpacked != h.stored) return damaged(what, 8, "two sizes that should be one", err);
    *content = bytes + HEADER_BYTES;
    *content_bytes = (size_t)h.unpacked;
    return BF_OK;
  }
  if (too_dense(h.unpacked, h.stored))
    return bf__error_at(err, BF_ERR_LIMIT, 8, "the %s is packed more than %u to 1", what, RATIO_MAX);
  uint8_t *unpacked = bf__alloc((size_t)h.unpacked, 1);
  if (unpacked == NULL) return bf__error_memory(err, (size_t)h.unpacked);
  if (!bf__zstd_unpack(bytes + HEADER_BYTES, (size_t)h.stored, unpacked, (size_t)h.unpacked)) {
    free(unpacked);
    return damaged(what, HEADER_BYTES, "it cannot be unpacked", err);
  }
  *content = *owned = unpacked;
  *content_bytes = (size_t)h.unpacked;
  return BF_OK;
}
