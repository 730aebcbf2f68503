/* Hashes and seeded random numbers: the same on every machine. */
#ifndef BESTFIT_SRC_BASE_HASH_H
#define BESTFIT_SRC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* XXH3, 64 bits. */
uint64_t bf__xxh64(const void *bytes, size_t n, uint64_t seed);
/* Mixes (seed, number) into 64 well-spread bits (SplitMix64 finaliser, Steele et al. 2014). */
uint64_t bf__mix64(uint64_t seed, uint64_t number);

/* xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64. */
typedef struct bf__random {
  uint64_t s[4];
} bf__random;
bf__random bf__random_of(uint64_t seed);
uint64_t bf__random_u64(bf__random *r);
double bf__random_unit(bf__random *r);                /* [0, 1) */
uint64_t bf__random_below(bf__random *r, uint64_t n); /* [0, n), unbiased; 0 for n = 0 */
double bf__random_normal(bf__random *r);              /* Box-Muller, query time only (libm) */

/* SHA-256 in hexadecimal, streamed. */
typedef struct bf__sha256 bf__sha256;
bf_status bf__sha256_create(bf__sha256 **out, bf_error *err);
bf_status bf__sha256_update(bf__sha256 *h, const void *bytes, size_t n, bf_error *err);
bf_status bf__sha256_finish(bf__sha256 *h, char hex[65], bf_error *err);
void bf__sha256_free(bf__sha256 *h);

#endif
