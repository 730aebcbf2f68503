#include "base/murmur3.h"

static uint32_t rotate(uint32_t x, unsigned r) {
  return x << r | x >> (32 - r);
}

static uint32_t mix(uint32_t block) {
  return rotate(block * 0xcc9e2d51u, 15) * 0x1b873593u;
}

uint32_t bf__murmur3(const void *bytes, size_t n, uint32_t seed) {
  const uint8_t *s = bytes;
  uint32_t h = seed;
  size_t i = 0;
  for (; n - i >= 4; i += 4) { /* blocks are little-endian */
    uint32_t block = (uint32_t)s[i] | (uint32_t)s[i + 1] << 8 | (uint32_t)s[i + 2] << 16 | (uint32_t)s[i + 3] << 24;
    h = rotate(h ^ mix(block), 13) * 5 + 0xe6546b64u;
  }
  if (i < n) {
    uint32_t block = 0;
    for (size_t k = n; k > i; k--) block = block << 8 | s[k - 1];
    h ^= mix(block);
  }
  h ^= (uint32_t)n;
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return h ^ h >> 16;
}

bf__cell bf__cell_of(const void *bytes, size_t n, uint32_t n_cells) {
  const uint32_t h = bf__murmur3(bytes, n, 0);
  const bool is_positive = h < 0x80000000u;
  return (bf__cell){(is_positive ? h : 0u - h) % n_cells, is_positive};
}
