/* MurmurHash3 for 32 bits, as scikit-learn hashes n-grams. Not for anything that an attacker must not steer. */
#ifndef BESTFIT_SRC_BASE_MURMUR3_H
#define BESTFIT_SRC_BASE_MURMUR3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* MurmurHash3_x86_32 (Appleby 2011, published algorithm), the same on every machine. */
uint32_t bf__murmur3(const void *bytes, size_t n, uint32_t seed);

/* The hash with seed 0 as a signed number h: |h| mod n_cells (n_cells > 0), and whether h >= 0. */
typedef struct bf__cell {
  uint32_t cell;
  bool is_positive;
} bf__cell;
bf__cell bf__cell_of(const void *bytes, size_t n, uint32_t n_cells);

#endif
