#include "base/zstandard.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/memory.h"

#define MAX_WINDOW_LOG 27
#define LEVEL 3

/* A ZSTD_DStream under our name; it is never looked into. */
bf_status bf__unzstd_create(bf__unzstd **out, bf_error *err) {
  ZSTD_DStream *stream = ZSTD_createDStream();
  *out = (bf__unzstd *)stream;
  if (stream == NULL) return bf__error_memory(err, 1u << 17);
  ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, MAX_WINDOW_LOG);
  return BF_OK;
}

void bf__unzstd_free(bf__unzstd *decoder) {
  ZSTD_freeDStream((ZSTD_DStream *)decoder);
}

bool bf__unzstd_step(bf__unzstd *decoder, const void *in, size_t n_in, size_t *position, void *out, size_t n_out,
                     size_t *got, bool *in_frame, const char **why) {
  ZSTD_inBuffer from = {in, n_in, *position};
  ZSTD_outBuffer to = {out, n_out, 0};
  size_t code = ZSTD_decompressStream((ZSTD_DStream *)decoder, &to, &from);
  *position = from.pos;
  *got = to.pos;
  if (ZSTD_isError(code)) {
    *why = ZSTD_getErrorName(code);
    return false;
  }
  *in_frame = code != 0;
  return true;
}

bf_status bf__zstd_pack(const void *bytes, size_t n_bytes, uint8_t **out, size_t *out_bytes, bf_error *err) {
  size_t room = ZSTD_compressBound(n_bytes);
  *out = NULL;
  *out_bytes = 0;
  uint8_t *packed = ZSTD_isError(room) ? NULL : bf__alloc(room, 1);
  if (packed == NULL) return bf__error_memory(err, room);
  size_t n = ZSTD_compress(packed, room, bytes, n_bytes, LEVEL);
  if (ZSTD_isError(n)) {
    free(packed);
    return bf__error_memory(err, room); /* with room for all, only memory can lack */
  }
  *out = packed;
  *out_bytes = n;
  return BF_OK;
}

bool bf__zstd_unpack(const void *bytes, size_t n_bytes, void *out, size_t n_out) {
  size_t n = ZSTD_decompress(out, n_out, bytes, n_bytes);
  return !ZSTD_isError(n) && n == n_out;
}
