#include "base/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/memory.h"

#define MAX_STEP ((size_t)1 << 30) /* zlib counts in unsigned int */

struct bf__gunzip {
  z_stream z;
};

bf_status bf__gunzip_create(bf__gunzip **out, bf_error *err) {
  *out = NULL;
  bf__gunzip *g = bf__alloc(1, sizeof *g);
  if (!g || inflateInit2(&g->z, 15 + 16) != Z_OK) {
    free(g);
    return bf__error_memory(err, 32768);
  }
  *out = g;
  return BF_OK;
}

void bf__gunzip_free(bf__gunzip *g) {
  if (!g) return;
  inflateEnd(&g->z);
  free(g);
}

void bf__gunzip_reset(bf__gunzip *g) {
  inflateReset(&g->z);
}

bf_status bf__gunzip_step(bf__gunzip *g, const uint8_t **in, size_t *n_in, uint8_t *out, size_t n_out, size_t *got,
                          bool *ended, bf_error *err) {
  uInt room = (uInt)(n_out < MAX_STEP ? n_out : MAX_STEP), given = (uInt)(*n_in < MAX_STEP ? *n_in : MAX_STEP);
  g->z.next_in = (Bytef *)(uintptr_t)*in; /* zlib does not write there */
  g->z.avail_in = given;
  g->z.next_out = out;
  g->z.avail_out = room;
  int code = inflate(&g->z, Z_NO_FLUSH);
  *in += given - g->z.avail_in;
  *n_in -= given - g->z.avail_in;
  *got = room - g->z.avail_out;
  *ended = code == Z_STREAM_END;
  if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR) return BF_OK;
  if (code == Z_MEM_ERROR) return bf__error_memory(err, 32768);
  return bf__error(err, BF_ERR_FORMAT, "%s", g->z.msg ? g->z.msg : "bad data");
}

bf_status bf__gzip_compress(const void *bytes, size_t n_bytes, uint8_t **out, size_t *out_bytes, bf_error *err) {
  *out = NULL;
  *out_bytes = 0;
  if (n_bytes > MAX_STEP) return bf__error(err, BF_ERR_LIMIT, "%zu bytes are too many to compress at once", n_bytes);
  z_stream z = {0};
  gz_header header = {.os = 255}; /* unknown, so that every machine writes the same */
  if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return bf__error_memory(err, 1u << 18);
  bf_status status = BF_OK;
  size_t capacity = 0;
  uint8_t *data = NULL;
  if (deflateSetHeader(&z, &header) != Z_OK) {
    status = bf__error(err, BF_ERR_INTERNAL, "zlib takes no header");
    goto out;
  }
  capacity = deflateBound(&z, (uLong)n_bytes);
  data = bf__alloc(capacity, 1);
  if (!data) {
    status = bf__error_memory(err, capacity);
    goto out;
  }
  z.next_in = (Bytef *)(uintptr_t)bytes;
  z.avail_in = (uInt)n_bytes;
  z.next_out = data;
  z.avail_out = (uInt)capacity;
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
    status = bf__error(err, BF_ERR_INTERNAL, "zlib did not finish");
    goto out;
  }
  *out_bytes = capacity - z.avail_out;
  *out = data;
  data = NULL;
out:
  free(data);
  deflateEnd(&z);
  return status;
}

bf_status bf__gzip_expand(const void *bytes, size_t n_bytes, size_t n_out, uint8_t **out, bf_error *err) {
  *out = NULL;
  if (n_out == SIZE_MAX) return bf__error_memory(err, n_out);
  bf__gunzip *g = NULL;
  const uint8_t *in = bytes;
  size_t left = n_bytes, size = 0;
  bool ended = false;
  bf_status status = BF_OK;
  uint8_t *data = bf__alloc(n_out + 1, 1); /* one more, so that the end is seen */
  if (!data) return bf__error_memory(err, n_out + 1);
  BF_TRY(bf__gunzip_create(&g, err));
  while (!ended && size <= n_out) {
    size_t got = 0, before = left;
    BF_TRY(bf__gunzip_step(g, &in, &left, data + size, n_out + 1 - size, &got, &ended, err));
    size += got;
    if (got == 0 && left == before && !ended) break; /* the data end too early */
  }
  if (!ended || left > 0 || size != n_out) {
    status = bf__error(err, BF_ERR_FORMAT, "not one gzip member of %zu bytes", n_out);
    goto out;
  }
  *out = data;
  data = NULL;
out:
  free(data);
  bf__gunzip_free(g);
  return status;
}
