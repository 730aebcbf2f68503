/* Files: read whole with a bound, write so that a reader sees the old or the new one. */
#ifndef BESTFIT_SRC_BASE_FILE_H
#define BESTFIT_SRC_BASE_FILE_H

#include <stdio.h>

#include "base/error.h"

/* The whole file; BF_ERR_LIMIT above max_bytes. You own *out (free()); a zero follows the bytes. */
bf_status bf__file_read(const char *path, size_t max_bytes, uint8_t **out, size_t *out_bytes, bf_error *err);
/* Writes to a temporary name beside `path`, syncs, renames, syncs the folder. On failure `path` is as it was. */
bf_status bf__file_write_atomic(const char *path, const void *bytes, size_t n_bytes, bf_error *err);
/* Gives `temporary`, written and synced, the name `path`, and syncs the folder. On failure of the renaming both are as
 * they were. */
bf_status bf__file_replace(const char *temporary, const char *path, bf_error *err);
/* Creates a folder and its parents; an existing one is fine. */
bf_status bf__make_directories(const char *path, bf_error *err);

#endif
