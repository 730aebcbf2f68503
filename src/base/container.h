/* The frame around what we keep as bytes, shared by our smaller formats: what it is, in which version, packed, checked.
 *
 *   offset  bytes
 *   0       4      magic, four letters
 *   4       2      version
 *   6       2      0: the content as it is; 1: packed, as one Zstandard frame
 *   8       8      bytes of the content, unpacked
 *   16      8      n, bytes that follow here
 *   24      n      the content
 *   24 + n  8      XXH3-64 (seed 0) of all bytes before
 *
 * What does not shrink is left as it is; so is what would be packed more than 200 to 1 (above 1 MiB), because a reader
 * takes that for an attack on its memory. */
#ifndef BESTFIT_SRC_BASE_CONTAINER_H
#define BESTFIT_SRC_BASE_CONTAINER_H

#include "base/error.h"

#define BF__CONTAINER_BYTES 32u /* besides the content */

/* You own *out (free()). */
bf_status bf__container_encode(const char magic[4], uint16_t version, const void *content, size_t n_bytes,
                               uint8_t **out, size_t *out_bytes, bf_error *err);
/* From untrusted bytes; `what` names it in messages ("sample"). The content is in *content, which may point into
 * `bytes`; *owned is what is to be freed (NULL: nothing). BF_ERR_FORMAT: another magic, or cut within the first 24
 * bytes. BF_ERR_UNSUPPORTED: a newer version. BF_ERR_CORRUPT: damaged. BF_ERR_LIMIT: more than max_bytes. */
bf_status bf__container_decode(const uint8_t *bytes, size_t n_bytes, const char magic[4], uint16_t version,
                               const char *what, uint64_t max_bytes, const uint8_t **content, size_t *content_bytes,
                               uint8_t **owned, bf_error *err);

#endif
