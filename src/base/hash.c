#include "base/hash.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/memory.h"

uint64_t bf__xxh64(const void *bytes, size_t n, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, n, seed);
}

static uint64_t splitmix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

#define GOLDEN 0x9E3779B97F4A7C15u

uint64_t bf__mix64(uint64_t seed, uint64_t number) {
  return splitmix(splitmix(seed + GOLDEN) + (number + 1) * GOLDEN);
}

bf__random bf__random_of(uint64_t seed) {
  bf__random r;
  for (unsigned i = 0; i < 4; i++) r.s[i] = splitmix(seed + (i + 1) * GOLDEN);
  return r;
}

static uint64_t rotate(uint64_t x, int k) {
  return (x << k) | (x >> (64 - k));
}

uint64_t bf__random_u64(bf__random *r) {
  uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

double bf__random_unit(bf__random *r) {
  return (double)(bf__random_u64(r) >> 11) * 0x1p-53;
}

uint64_t bf__random_below(bf__random *r, uint64_t n) {
  if (n == 0) return 0;
  uint64_t reject = (UINT64_MAX - n + 1) % n, v; /* 2^64 mod n values at the bottom are unfair */
  do v = bf__random_u64(r);
  while (v < reject);
  return v % n;
}

double bf__random_normal(bf__random *r) {
  double u = 1.0 - bf__random_unit(r), v = bf__random_unit(r);
  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

struct bf__sha256 {
  EVP_MD_CTX *context;
};

bf_status bf__sha256_create(bf__sha256 **out, bf_error *err) {
  *out = NULL;
  bf__sha256 *h = bf__alloc(1, sizeof *h);
  if (!h) return bf__error_memory(err, sizeof *h);
  h->context = EVP_MD_CTX_new();
  if (!h->context || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1) {
    bf__sha256_free(h);
    return bf__error(err, BF_ERR_INTERNAL, "SHA-256 is not available from libcrypto");
  }
  *out = h;
  return BF_OK;
}

bf_status bf__sha256_update(bf__sha256 *h, const void *bytes, size_t n, bf_error *err) {
  if (EVP_DigestUpdate(h->context, bytes, n) != 1) return bf__error(err, BF_ERR_INTERNAL, "SHA-256 failed");
  return BF_OK;
}

bf_status bf__sha256_finish(bf__sha256 *h, char hex[65], bf_error *err) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (EVP_DigestFinal_ex(h->context, digest, &n) != 1 || n != 32)
    return bf__error(err, BF_ERR_INTERNAL, "SHA-256 failed");
  static const char DIGITS[] = "0123456789abcdef";
  for (unsigned i = 0; i < n; i++) {
    hex[2 * i] = DIGITS[digest[i] >> 4];
    hex[2 * i + 1] = DIGITS[digest[i] & 15];
  }
  hex[64] = '\0';
  return BF_OK;
}

void bf__sha256_free(bf__sha256 *h) {
  if (!h) return;
  EVP_MD_CTX_free(h->context);
  free(h);
}

bf_status bf_sha256(const void *bytes, size_t n, char hex[65], bf_error *err) {
  bf__sha256 *h = NULL;
  bf_status status = bf__sha256_create(&h, err);
  if (status == BF_OK) status = bf__sha256_update(h, bytes, n, err);
  if (status == BF_OK) status = bf__sha256_finish(h, hex, err);
  bf__sha256_free(h);
  return status;
}
