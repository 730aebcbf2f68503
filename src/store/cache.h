/* Files that can be made again at any time, beside the blobs: DIR/cache/. The database knows nothing of them, fsck --gc
 * removes them, and nobody may rely on one: what is read is to be checked by who reads it. */
#ifndef BESTFIT_SRC_STORE_CACHE_H
#define BESTFIT_SRC_STORE_CACHE_H

#include <bestfit/store.h>

/* A name: 1 to 200 of a-z 0-9 - and ".bin". You own *out (free()). BF_ERR_NOT_FOUND: none there; BF_ERR_IO,
 * BF_ERR_LIMIT (above max_bytes), BF_ERR_INVALID_ARGUMENT (a name that may not be). */
bf_status bf__cache_read(const bf_store *store, const char *name, size_t max_bytes, uint8_t **out, size_t *n_bytes,
                         bf_error *err);
/* Replaces the file of that name, or makes it; a reader sees the old one or the new one. BF_ERR_INVALID_ARGUMENT: also
 * a store opened read_only. BF_ERR_NO_SPACE, BF_ERR_IO: the old one stays. */
bf_status bf__cache_write(const bf_store *store, const char *name, const void *bytes, size_t n_bytes, bf_error *err);
/* Removes all of them; how many there were. */
size_t bf__cache_clear(const bf_store *store);

#endif
