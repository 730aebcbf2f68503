/* Input of the targets that read a container (base/container.h): the first byte chooses whether length and check sum
 * are repaired first; without that no mutation would reach the content. */
#ifndef BESTFIT_FUZZ_CONTAINER_H
#define BESTFIT_FUZZ_CONTAINER_H

#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/hash.h"

static inline int fuzz_container(const uint8_t *data, size_t size, void (*check)(const uint8_t *bytes, size_t n)) {
  if (size == 0) return 0;
  size_t n = size - 1;
  uint8_t *bytes = malloc(size);
  if (!bytes) return 0;
  memcpy(bytes, data + 1, n);
  if ((data[0] & 1) && n >= BF__CONTAINER_BYTES) {
    uint64_t stored = n - BF__CONTAINER_BYTES, sum;
    for (int i = 0; i < 8; i++) bytes[16 + i] = (uint8_t)(stored >> (8 * i));
    if (bytes[6] == 0) memcpy(bytes + 8, bytes + 16, 8);
    sum = bf__xxh64(bytes, n - 8, 0);
    for (int i = 0; i < 8; i++) bytes[n - 8 + (size_t)i] = (uint8_t)(sum >> (8 * i));
  }
  check(bytes, n);
  free(bytes);
  return 0;
}

#endif
