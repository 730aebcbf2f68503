/* Zstandard, chosen in one place: frames decoded step by step, and whole blocks packed and unpacked. */
#ifndef BESTFIT_SRC_BASE_ZSTANDARD_H
#define BESTFIT_SRC_BASE_ZSTANDARD_H

#include "base/error.h"

/* A decoder of frames, one after another. Windows above 128 MiB are refused. */
typedef struct bf__unzstd bf__unzstd;
bf_status bf__unzstd_create(bf__unzstd **out, bf_error *err);
void bf__unzstd_free(bf__unzstd *decoder);
/* Decodes some of in[*position, n_in) into out; moves *position, *got bytes came out. *in_frame: the frame has not
 * ended. False: damaged; *why says how. */
bool bf__unzstd_step(bf__unzstd *decoder, const void *in, size_t n_in, size_t *position, void *out, size_t n_out,
                     size_t *got, bool *in_frame, const char **why);

/* One frame of all bytes. You own *out (free()). */
bf_status bf__zstd_pack(const void *bytes, size_t n_bytes, uint8_t **out, size_t *out_bytes, bf_error *err);
/* Exactly n_out bytes from the frames; false: damaged, or another number of bytes. */
bool bf__zstd_unpack(const void *bytes, size_t n_bytes, void *out, size_t n_out);

#endif
