/* L2-LSH on the square roots of histograms.
 *
 * Datar, Immorlica, Indyk and Mirrokni, "Locality-Sensitive Hashing Scheme Based on p-Stable Distributions" (SoCG
 * 2004): a.v with a standard normal is itself normal with deviation |v|, so that two vectors at distance c fall into
 * the same interval of width r with a probability that falls with c/r. On v = sqrt(P), |v - w|^2 = 2 H^2(P, Q), and ln
 * 2 * H^2 <= JS <= H^2 (divergence.c) makes it a hash for the Jensen-Shannon divergence. Zhou et al. (SSDBM 2022) take
 * h(v) = ceil((a.v + b)/r), r = 1.3, and 46 tables of 11 hashes over 100 bins.
 *
 * One vector takes 506 products of 100 cells. They are computed in integers: a in units of 2^-11 and v in units of
 * 2^-14, 16 bits each, exact 32-bit sums. So the order of summation, the width of the registers and the machine do not
 * matter, and a multiply-add instruction of 16 bits does twice the work of one of float32. Rounding moves a.v by some
 * 1e-4, against intervals of 1.3. |a.v| <= |a| < 64 keeps the sum within 32 bits (|a| is about sqrt(n_bins) <= 32).
 *
 * Lanes are tables: a block holds 8 tables x 6 hashes, and two vectors go through it at a time (12 sums in registers).
 * Projections are laid out [group of 8 tables][block of 6 hashes][pair of cells][6][8][2].
 *
 * The K codes of a table become a key by two multilinear sums mod 2^32 with seeded odd factors (universal hashing).
 */
#include "measure/l2lsh.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "measure/simd.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LANES 8u    /* tables of a group */
#define HASHES 6u   /* hashes of a block */
#define VECTORS 64u /* vectors that pass a block while it is in the first cache */
#define BLOCK_CELLS (HASHES * LANES * 2u)
#define SCALE_A 2048.0
#define SCALE_V 16384.0

enum { STREAM_PROJECTIONS = 0x6C326C73, STREAM_OFFSETS, STREAM_FACTORS }; /* "l2ls" */

typedef int32_t ints __attribute__((vector_size(LANES * 4)));
typedef float floats __attribute__((vector_size(LANES * 4)));
typedef uint32_t words __attribute__((vector_size(LANES * 4)));

struct bf__l2lsh {
  uint32_t n_hashes, n_tables, n_bins;
  uint32_t n_pairs;  /* of cells */
  uint32_t n_groups; /* of tables */
  uint32_t n_blocks; /* of hashes */
  float scale;       /* from integer products to a.v / r */
  int16_t *projections;
  float *offsets; /* [n_groups][n_blocks][HASHES][LANES], b/r */
  uint32_t factors[2][BF__L2LSH_MAX_HASHES];
};

/* Sums of one vector and one block, and keys of one group on their way. */
typedef int32_t block_sums[HASHES][LANES];
typedef struct half_keys {
  uint32_t low[LANES], high[LANES];
} half_keys;

static size_t block_at(const bf__l2lsh *lsh, uint32_t group, uint32_t block) {
  return (size_t)group * lsh->n_blocks + block;
}

static size_t cell_at(const bf__l2lsh *lsh, uint32_t table, uint32_t hash, uint32_t bin) {
  size_t block = block_at(lsh, table / LANES, hash / HASHES);
  return ((block * lsh->n_pairs + bin / 2) * HASHES + hash % HASHES) * LANES * 2 + (table % LANES) * 2 + bin % 2;
}

static size_t offset_at(const bf__l2lsh *lsh, uint32_t table, uint32_t hash) {
  return (block_at(lsh, table / LANES, hash / HASHES) * HASHES + hash % HASHES) * LANES + table % LANES;
}

static bf_status check_parameters(double r, uint32_t n_hashes, uint32_t n_tables, uint32_t n_bins, bf_error *err) {
  if (!(r >= BF__L2LSH_MIN_WIDTH && r <= BF__L2LSH_MAX_WIDTH)) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the width r of an interval must be %g to %g, not %g",
                     BF__L2LSH_MIN_WIDTH, BF__L2LSH_MAX_WIDTH, r);
  }
  if (n_hashes == 0 || n_hashes > BF__L2LSH_MAX_HASHES) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "hashes a table (K) must be 1 to %u, not %u", BF__L2LSH_MAX_HASHES,
                     n_hashes);
  }
  if (n_tables == 0 || n_tables > BF__L2LSH_MAX_TABLES) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "tables (L) must be 1 to %u, not %u", BF__L2LSH_MAX_TABLES,
                     n_tables);
  }
  if (n_bins == 0 || n_bins > BF__L2LSH_MAX_BINS) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bins of a histogram must be 1 to %u, not %u", BF__L2LSH_MAX_BINS,
                     n_bins);
  }
  return BF_OK;
}

static void draw(bf__l2lsh *lsh, uint64_t seed) {
  bf__random random = bf__random_of(bf__mix64(seed, STREAM_PROJECTIONS));
  for (uint32_t t = 0; t < lsh->n_tables; ++t) {
    for (uint32_t h = 0; h < lsh->n_hashes; ++h) {
      for (uint32_t j = 0; j < lsh->n_bins; ++j) {
        double a = rint(bf__random_normal(&random) * SCALE_A); /* at most 8.6 deviations by construction */
        lsh->projections[cell_at(lsh, t, h, j)] = (int16_t)(a > INT16_MAX    ? INT16_MAX
                                                            : a < -INT16_MAX ? -INT16_MAX
                                                                             : a);
      }
    }
  }
  random = bf__random_of(bf__mix64(seed, STREAM_OFFSETS));
  for (uint32_t t = 0; t < lsh->n_tables; ++t) {
    for (uint32_t h = 0; h < lsh->n_hashes; ++h) {
      lsh->offsets[offset_at(lsh, t, h)] = (float)(bf__random_u64(&random) >> 40) * 0x1p-24F;
    }
  }
  random = bf__random_of(bf__mix64(seed, STREAM_FACTORS));
  for (uint32_t h = 0; h < BF__L2LSH_MAX_HASHES; ++h) {
    uint64_t both = bf__random_u64(&random);
    lsh->factors[0][h] = (uint32_t)both | 1u;
    lsh->factors[1][h] = (uint32_t)(both >> 32) | 1u;
  }
}

bf_status bf__l2lsh_create(uint64_t seed, double r, uint32_t n_hashes, uint32_t n_tables, uint32_t n_bins,
                           bf__l2lsh **out, bf_error *err) {
  *out = NULL;
  bf_status status = check_parameters(r, n_hashes, n_tables, n_bins, err);
  if (status != BF_OK) return status;
  bf__l2lsh *lsh = bf__alloc(1, sizeof *lsh);
  if (!lsh) return bf__error_memory(err, sizeof *lsh);
  lsh->n_hashes = n_hashes;
  lsh->n_tables = n_tables;
  lsh->n_bins = n_bins;
  lsh->n_pairs = (n_bins + 1) / 2;
  lsh->n_groups = (n_tables + LANES - 1) / LANES;
  lsh->n_blocks = (n_hashes + HASHES - 1) / HASHES;
  lsh->scale = (float)(1.0 / (r * SCALE_A * SCALE_V));
  size_t n_blocks = (size_t)lsh->n_groups * lsh->n_blocks; /* at most 125 * 11, of at most 48 * 1,024 cells */
  lsh->projections = bf__alloc(n_blocks * lsh->n_pairs, BLOCK_CELLS * sizeof *lsh->projections);
  lsh->offsets = bf__alloc(n_blocks, HASHES * LANES * sizeof *lsh->offsets);
  if (!lsh->projections || !lsh->offsets) {
    status = bf__error_memory(err, n_blocks * lsh->n_pairs * BLOCK_CELLS * sizeof *lsh->projections);
    bf__l2lsh_free(lsh);
    return status;
  }
  draw(lsh, seed);
  *out = lsh;
  return BF_OK;
}

void bf__l2lsh_free(bf__l2lsh *lsh) {
  if (!lsh) return;
  free(lsh->projections);
  free(lsh->offsets);
  free(lsh);
}

size_t bf__l2lsh_stride(const bf__l2lsh *lsh) {
  return ((size_t)lsh->n_bins + 15) / 16 * 16;
}

void bf__l2lsh_quantise(const bf__l2lsh *lsh, const float *roots, int16_t *out) {
  for (uint32_t j = 0; j < lsh->n_bins; ++j) out[j] = (int16_t)(roots[j] * (float)SCALE_V + 0.5F);
  for (size_t j = lsh->n_bins; j < bf__l2lsh_stride(lsh); ++j) out[j] = 0;
}

int16_t bf__l2lsh_projection(const bf__l2lsh *lsh, uint32_t table, uint32_t hash, uint32_t bin) {
  return lsh->projections[cell_at(lsh, table, hash, bin)];
}

float bf__l2lsh_offset(const bf__l2lsh *lsh, uint32_t table, uint32_t hash) {
  return lsh->offsets[offset_at(lsh, table, hash)];
}

static BF_KERNEL uint64_t finished(uint32_t low, uint32_t high) {
  uint64_t z = (uint64_t)high << 32 | low;
  return (z ^ (z >> 32)) * 0x9E3779B97F4A7C15u; /* one to one */
}

uint64_t bf__l2lsh_key_of(const bf__l2lsh *lsh, const int32_t *codes) {
  uint32_t low = 0, high = 0;
  for (uint32_t h = 0; h < lsh->n_hashes; ++h) {
    low += lsh->factors[0][h] * (uint32_t)codes[h];
    high += lsh->factors[1][h] * (uint32_t)codes[h];
  }
  return finished(low, high);
}

/* Codes of a block's sums, added to the keys of the group. */
static BF_KERNEL void fold(const bf__l2lsh *lsh, uint32_t block, const float *offsets, block_sums sums,
                           half_keys *keys) {
  words low, high;
  memcpy(&low, keys->low, sizeof low);
  memcpy(&high, keys->high, sizeof high);
  uint32_t first = block * HASHES, n = lsh->n_hashes - first < HASHES ? lsh->n_hashes - first : HASHES;
  for (uint32_t h = 0; h < n; ++h) {
    ints sum;
    floats u;
    memcpy(&sum, sums[h], sizeof sum);
    memcpy(&u, offsets + (size_t)h * LANES, sizeof u);
    floats x = __builtin_convertvector(sum, floats) * lsh->scale + u;
    ints code = __builtin_convertvector(x, ints);              /* towards zero */
    code -= (ints)(__builtin_convertvector(code, floats) < x); /* the mask is -1: the ceiling */
    low += (words)code * lsh->factors[0][first + h];
    high += (words)code * lsh->factors[1][first + h];
  }
  memcpy(keys->low, &low, sizeof low);
  memcpy(keys->high, &high, sizeof high);
}

/* --- products of one block with one or two vectors ------------------------------------------------------------------
 */

#if defined(__x86_64__)

static BF_KERNEL int32_t pair_of(const int16_t *v) {
  int32_t pair;
  memcpy(&pair, v, sizeof pair);
  return pair;
}

__attribute__((target("avx2"))) static inline void two_avx2(const int16_t *a, const int16_t *v, const int16_t *w,
                                                            size_t n_pairs, block_sums out[2]) {
  __m256i s[2][HASHES];
  for (size_t h = 0; h < HASHES; ++h) s[0][h] = s[1][h] = _mm256_setzero_si256();
  for (size_t p = 0; p < n_pairs; ++p, a += BLOCK_CELLS) {
    __m256i x = _mm256_set1_epi32(pair_of(v + 2 * p)), y = _mm256_set1_epi32(pair_of(w + 2 * p));
#pragma GCC unroll 6
    for (size_t h = 0; h < HASHES; ++h) {
      __m256i cells = _mm256_loadu_si256((const __m256i *)(const void *)(a + h * LANES * 2));
      s[0][h] = _mm256_add_epi32(s[0][h], _mm256_madd_epi16(cells, x));
      s[1][h] = _mm256_add_epi32(s[1][h], _mm256_madd_epi16(cells, y));
    }
  }
  for (size_t h = 0; h < HASHES; ++h) {
    _mm256_storeu_si256((__m256i *)(void *)out[0][h], s[0][h]);
    _mm256_storeu_si256((__m256i *)(void *)out[1][h], s[1][h]);
  }
}

__attribute__((target("avx2"))) static void block_avx2(const bf__l2lsh *lsh, uint32_t block, const int16_t *a,
                                                       const float *offsets, const int16_t *vectors, size_t n,
                                                       half_keys *keys) {
  size_t stride = bf__l2lsh_stride(lsh);
  for (size_t i = 0; i < n; i += 2) {
    size_t j = i + 1 < n ? i + 1 : i; /* an odd one goes with itself */
    block_sums sums[2];
    two_avx2(a, vectors + i * stride, vectors + j * stride, lsh->n_pairs, sums);
    fold(lsh, block, offsets, sums[0], &keys[i]);
    if (j != i) fold(lsh, block, offsets, sums[1], &keys[j]);
  }
}

static void one_base(const int16_t *a, const int16_t *v, size_t n_pairs, block_sums out) {
  __m128i s[HASHES * 2];
  for (size_t h = 0; h < HASHES * 2; ++h) s[h] = _mm_setzero_si128();
  for (size_t p = 0; p < n_pairs; ++p, a += BLOCK_CELLS) {
    __m128i x = _mm_set1_epi32(pair_of(v + 2 * p));
    for (size_t h = 0; h < HASHES * 2; ++h) {
      __m128i cells = _mm_loadu_si128((const __m128i *)(const void *)(a + h * LANES));
      s[h] = _mm_add_epi32(s[h], _mm_madd_epi16(cells, x));
    }
  }
  for (size_t h = 0; h < HASHES * 2; ++h) _mm_storeu_si128((__m128i *)(void *)&out[h / 2][h % 2 * 4], s[h]);
}

#else

static void one_base(const int16_t *a, const int16_t *v, size_t n_pairs, block_sums out) {
  memset(out, 0, sizeof(block_sums));
  for (size_t p = 0; p < n_pairs; ++p, a += BLOCK_CELLS) {
    for (size_t h = 0; h < HASHES; ++h) {
      for (size_t l = 0; l < LANES; ++l) {
        const int16_t *cell = a + (h * LANES + l) * 2;
        out[h][l] += (int32_t)cell[0] * v[2 * p] + (int32_t)cell[1] * v[2 * p + 1];
      }
    }
  }
}

#endif

static void block_base(const bf__l2lsh *lsh, uint32_t block, const int16_t *a, const float *offsets,
                       const int16_t *vectors, size_t n, half_keys *keys) {
  for (size_t i = 0; i < n; ++i) {
    block_sums sums;
    one_base(a, vectors + i * bf__l2lsh_stride(lsh), lsh->n_pairs, sums);
    fold(lsh, block, offsets, sums, &keys[i]);
  }
}

void bf__l2lsh_keys(const bf__l2lsh *lsh, const int16_t *vectors, size_t n, uint64_t *keys, size_t vector_step,
                    size_t table_step) {
  void (*pass)(const bf__l2lsh *, uint32_t, const int16_t *, const float *, const int16_t *, size_t, half_keys *) =
      block_base;
#if defined(__x86_64__)
  if (bf__use_avx2()) pass = block_avx2;
#endif
  for (size_t first = 0; first < n; first += VECTORS) {
    size_t count = n - first < VECTORS ? n - first : VECTORS;
    const int16_t *some = vectors + first * bf__l2lsh_stride(lsh);
    for (uint32_t g = 0; g < lsh->n_groups; ++g) {
      half_keys halves[VECTORS];
      memset(halves, 0, count * sizeof *halves);
      for (uint32_t b = 0; b < lsh->n_blocks; ++b) {
        size_t at = block_at(lsh, g, b);
        pass(lsh, b, lsh->projections + at * lsh->n_pairs * BLOCK_CELLS, lsh->offsets + at * HASHES * LANES, some,
             count, halves);
      }
      uint32_t table = g * LANES, lanes = lsh->n_tables - table < LANES ? lsh->n_tables - table : LANES;
      for (size_t i = 0; i < count; ++i) {
        uint64_t *to = keys + (first + i) * vector_step + table * table_step;
        for (uint32_t l = 0; l < lanes; ++l) to[l * table_step] = finished(halves[i].low[l], halves[i].high[l]);
      }
    }
  }
}
