/* Private to src/fetch/. */
#ifndef BESTFIT_SRC_FETCH_FETCH_INTERNAL_H
#define BESTFIT_SRC_FETCH_FETCH_INTERNAL_H

#include <bestfit/fetch.h>

/* Is there a readable regular file of this size and SHA-256? Reads it only where the size is right. */
bool bf__file_is(const char *path, uint64_t size_bytes, const char *sha256);

#endif
