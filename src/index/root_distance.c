/* |v - w|^2 of two quantised vectors, exact in 32-bit integers.
 *
 * Two square roots of histograms have |v - w|^2 = 2 H^2 <= 2, so the sum is at most 2^29 (and some rounding). Rounding
 * a cell to 2^-14 moves |v - w| by sqrt(n_bins) * 2^-14 at most, and ln 2 * H^2 <= JS: a sum above (sqrt(2 t / ln 2) +
 * sqrt(n_bins) * 2^-14)^2 rules JS < t out. Half the memory of float32 and a third of the instructions; what is left is
 * judged on float32.
 */
#include "index/root_distance.h"

#include <math.h>

#include "measure/simd.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define STEP 64u /* cells between two looks at the sum */

#if defined(__x86_64__)

__attribute__((target("avx2"))) static int32_t distance_avx2(const int16_t *a, const int16_t *b, size_t n,
                                                             int32_t enough) {
  __m256i sum = _mm256_setzero_si256();
  int32_t total = 0;
  for (size_t i = 0; i < n && total < enough;) {
    size_t end = n - i < STEP ? n : i + STEP;
    for (; i < end; i += 16) {
      __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(a + i));
      __m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(b + i));
      __m256i d = _mm256_sub_epi16(x, y);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(d, d));
    }
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
    total = _mm_cvtsi128_si32(half);
  }
  return total;
}

static int32_t distance_base(const int16_t *a, const int16_t *b, size_t n, int32_t enough) {
  __m128i sum = _mm_setzero_si128();
  int32_t total = 0;
  for (size_t i = 0; i < n && total < enough;) {
    size_t end = n - i < STEP ? n : i + STEP;
    for (; i < end; i += 8) {
      __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(a + i));
      __m128i y = _mm_loadu_si128((const __m128i *)(const void *)(b + i));
      __m128i d = _mm_sub_epi16(x, y);
      sum = _mm_add_epi32(sum, _mm_madd_epi16(d, d));
    }
    __m128i half = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
    total = _mm_cvtsi128_si32(half);
  }
  return total;
}

bf__root_distance_fn bf__root_distance(void) {
  return bf__use_avx2() ? distance_avx2 : distance_base;
}

#else

static int32_t distance_base(const int16_t *a, const int16_t *b, size_t n, int32_t enough) {
  int32_t sum = 0;
  for (size_t i = 0; i < n && sum < enough;) {
    size_t end = n - i < STEP ? n : i + STEP;
    for (; i < end; ++i) {
      int32_t d = (int32_t)a[i] - b[i];
      sum += d * d;
    }
  }
  return sum;
}

bf__root_distance_fn bf__root_distance(void) {
  return distance_base;
}

#endif

int32_t bf__root_distance_enough(double threshold, uint32_t n_bins) {
  double root = sqrt(2.0 * threshold / M_LN2) * 16384.0 + sqrt((double)n_bins);
  double enough = ceil(root * root * (1.0 + 1e-6)) + 1.0;
  return enough < (double)INT32_MAX ? (int32_t)enough : INT32_MAX;
}
