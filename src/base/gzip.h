/* gzip: members decoded piece by piece, and whole texts compressed to bytes that do not depend on when or where. The
 * only file with zlib.h is gzip.c. */
#ifndef BESTFIT_SRC_BASE_GZIP_H
#define BESTFIT_SRC_BASE_GZIP_H

#include "base/error.h"

typedef struct bf__gunzip bf__gunzip;

bf_status bf__gunzip_create(bf__gunzip **out, bf_error *err);
void bf__gunzip_free(bf__gunzip *g);
/* Ready for the next member. */
void bf__gunzip_reset(bf__gunzip *g);
/* Decodes from *in (n_in bytes left, both moved on) into out; *got bytes came out. *ended at the end of the member.
 * BF_ERR_FORMAT: damaged data, the message being zlib's reason alone; BF_ERR_MEMORY. */
bf_status bf__gunzip_step(bf__gunzip *g, const uint8_t **in, size_t *n_in, uint8_t *out, size_t n_out, size_t *got,
                          bool *ended, bf_error *err);

/* One member, level 9, without name and time: the bytes of Python's gzip.compress(…, 9, mtime=0). You own *out. */
bf_status bf__gzip_compress(const void *bytes, size_t n_bytes, uint8_t **out, size_t *out_bytes, bf_error *err);
/* The single member that `bytes` are, of exactly n_out bytes; BF_ERR_FORMAT where it is of another size or damaged. You
 * own *out. */
bf_status bf__gzip_expand(const void *bytes, size_t n_bytes, size_t n_out, uint8_t **out, bf_error *err);

#endif
