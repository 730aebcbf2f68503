/* The hash functions of paper-l2lsh: from a histogram to one 64-bit key a table. Used by paper_l2lsh.c and src/index.
 */
#ifndef BESTFIT_SRC_MEASURE_L2LSH_H
#define BESTFIT_SRC_MEASURE_L2LSH_H

#include "base/error.h"

/* Published: Zhou et al., SSDBM 2022. */
#define BF__L2LSH_WIDTH 1.3
#define BF__L2LSH_HASHES 11u
#define BF__L2LSH_TABLES 46u
#define BF__L2LSH_THRESHOLD 0.1

#define BF__L2LSH_MAX_HASHES 64u
#define BF__L2LSH_MAX_TABLES 1000u
#define BF__L2LSH_MAX_BINS 1024u
#define BF__L2LSH_MIN_WIDTH 0.001
#define BF__L2LSH_MAX_WIDTH 1000.0

typedef struct bf__l2lsh bf__l2lsh;

/* L tables of K hashes h(v) = ceil((a.v + b)/r). BF_ERR_INVALID_ARGUMENT names a parameter out of its range. */
bf_status bf__l2lsh_create(uint64_t seed, double r, uint32_t n_hashes, uint32_t n_tables, uint32_t n_bins,
                           bf__l2lsh **out, bf_error *err);
void bf__l2lsh_free(bf__l2lsh *lsh);

/* int16 cells of a vector as it is hashed: n_bins, rounded up to 16; the last are 0. */
size_t bf__l2lsh_stride(const bf__l2lsh *lsh);
/* sqrt(P) in units of 2^-14; roots [n_bins] in [0, 1], of unit length. */
void bf__l2lsh_quantise(const bf__l2lsh *lsh, const float *roots, int16_t *out);
/* Keys of n quantised vectors; that of vector i in table t goes to keys[i * vector_step + t * table_step]. Equal codes
 * give equal keys; different ones equal keys with probability of some 2^-56. */
void bf__l2lsh_keys(const bf__l2lsh *lsh, const int16_t *vectors, size_t n, uint64_t *keys, size_t vector_step,
                    size_t table_step);

/* For tests: cell `bin` of the projection vector a of a hash, in units of 2^-11; its offset b/r in [0, 1). */
int16_t bf__l2lsh_projection(const bf__l2lsh *lsh, uint32_t table, uint32_t hash, uint32_t bin);
float bf__l2lsh_offset(const bf__l2lsh *lsh, uint32_t table, uint32_t hash);
/* The key of the n_hashes codes of a table. */
uint64_t bf__l2lsh_key_of(const bf__l2lsh *lsh, const int32_t *codes);

#endif
