/* Content-addressed files: blobs/sha256/ab/<hash>, written by way of blobs/tmp/. */
#ifndef BESTFIT_SRC_STORE_BLOBS_H
#define BESTFIT_SRC_STORE_BLOBS_H

#include "base/error.h"

typedef struct bf__blob {
  char sha256[65];
  uint64_t bytes;
  bool created; /* by this put; false: it was there */
} bf__blob;

typedef struct bf__blobs bf__blobs;

/* `directory` is the repository's; with `create` makes the folders. */
bf_status bf__blobs_open(const char *directory, bool create, bf__blobs **out, bf_error *err);
void bf__blobs_close(bf__blobs *blobs);

/* Puts bytes, or a file's content, under its hash and syncs it. `what` names it in messages ("model"). On failure
 * nothing is left. BF_ERR_NO_SPACE says how much was needed and where. */
bf_status bf__blobs_put_bytes(bf__blobs *blobs, const char *what, const void *bytes, size_t n_bytes, bf__blob *out,
                              bf_error *err);
bf_status bf__blobs_put_file(bf__blobs *blobs, const char *what, const char *path, bf__blob *out, bf_error *err);

/* 64 lower-case hexadecimal digits: nothing else ever becomes a path. */
bool bf__is_sha256(const char *s);
/* BF_ERR_INVALID_ARGUMENT where sha256 is no hash. You own *out. */
bf_status bf__blobs_path(const bf__blobs *blobs, const char *sha256, char **out, bf_error *err);
/* A regular file of that size is there. */
bool bf__blobs_has(const bf__blobs *blobs, const char *sha256, uint64_t bytes);
/* All bytes, checked against the hash when first read by this handle. A zero follows the bytes. */
bf_status bf__blobs_read(bf__blobs *blobs, const char *sha256, uint8_t **out, size_t *out_bytes, bf_error *err);
/* Reads the file and compares: BF_OK, BF_ERR_NOT_FOUND, BF_ERR_CORRUPT; else checking failed. */
bf_status bf__blobs_verify(const bf__blobs *blobs, const char *sha256, uint64_t *bytes, bf_error *err);
/* Unlinks; one that is not there is fine. */
bf_status bf__blobs_remove(bf__blobs *blobs, const char *sha256, bf_error *err);

/* Calls fn for each file below blobs/: the hash (NULL: a temporary or foreign file), path, size and age in seconds. */
typedef enum bf__blob_file_sort { BF__FILE_BLOB, BF__FILE_TEMPORARY, BF__FILE_FOREIGN } bf__blob_file_sort;
typedef struct bf__blob_file {
  bf__blob_file_sort sort;
  const char *sha256, *path;
  uint64_t bytes;
  int64_t age_seconds;
} bf__blob_file;
typedef bf_status (*bf__blobs_walk_fn)(void *context, const bf__blob_file *file, bf_error *err);
bf_status bf__blobs_walk(const bf__blobs *blobs, bf__blobs_walk_fn fn, void *context, bf_error *err);

#endif
