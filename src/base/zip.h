/* Zip archives: members read as streams, by number or name; a few files written with bytes that depend on nothing else.
 */
#ifndef BESTFIT_SRC_BASE_ZIP_H
#define BESTFIT_SRC_BASE_ZIP_H

#include "base/error.h"

typedef struct bf__zip bf__zip;
typedef struct bf__zip_stream bf__zip_stream;

/* Opens a file, or bytes, which must outlive the archive. BF_ERR_NOT_FOUND, BF_ERR_FORMAT, BF_ERR_MEMORY. */
bf_status bf__zip_open(const char *path, bf__zip **out, bf_error *err);
bf_status bf__zip_open_bytes(const void *bytes, size_t n_bytes, bf__zip **out, bf_error *err);
void bf__zip_close(bf__zip *zip);

size_t bf__zip_count(const bf__zip *zip);
/* Borrowed; NULL past the end. */
const char *bf__zip_name(const bf__zip *zip, size_t i);
/* Number of a member; -1: there is none. */
int64_t bf__zip_find(const bf__zip *zip, const char *name);

typedef struct bf__zip_info {
  uint64_t bytes, packed_bytes; /* as the archive claims; packed_bytes is not more than the archive has */
  bool encrypted;
} bf__zip_info;
bf_status bf__zip_info_of(const bf__zip *zip, size_t i, bf__zip_info *out, bf_error *err);

/* A member from its start. It must be closed before the archive. */
bf_status bf__zip_read_begin(bf__zip *zip, size_t i, bf__zip_stream **out, bf_error *err);
/* *got less than n_bytes only at the end. BF_ERR_FORMAT: damaged (a check sum is compared at the end). */
bf_status bf__zip_read(bf__zip_stream *stream, void *out, size_t n_bytes, size_t *got, bf_error *err);
void bf__zip_read_end(bf__zip_stream *stream);

/* A member to write: bytes, or the content of a file where path is given. */
typedef struct bf__zip_member {
  const char *name;
  const void *bytes;
  size_t n_bytes;
  const char *path;
} bf__zip_member;
/* Writes members in their order, not compressed, without times, owners or modes: equal members give an equal archive.
 * `path` is replaced when all is written, and is as it was on failure. BF_ERR_NO_SPACE, BF_ERR_IO, BF_ERR_MEMORY. */
bf_status bf__zip_write(const char *path, const bf__zip_member *members, size_t n_members, bf_error *err);

#endif
