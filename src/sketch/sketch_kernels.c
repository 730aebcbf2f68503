/* Inner loops of the sketch.
 *
 * They are written with vectors of a fixed length (a GNU C extension that gcc and clang share) or over independent
 * columns, so that a compiler for any instruction set produces the same additions in the same order: the AVX2 variant
 * differs from the plain one in speed only. A function of its own a variant, rather than target_clones, because
 * sanitizers run before the loader's resolvers do, and because BESTFIT_SIMD=scalar must be able to switch them off.
 *
 * The logarithm is our own, since libm's differ between machines in the last bit: y = 1 + |x| = 2^k m with m in
 * [sqrt(1/2), sqrt(2)), ln m = 2 artanh(s), s = (m - 1) / (m + 1), as a series in s^2 <= 0.0295 to s^21 (Abramowitz and
 * Stegun 4.1.27; the splitting of the exponent follows FreeBSD's e_log.c). */
#include "sketch/sketch_kernels.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "sketches need float and double arithmetic without excess precision"
#endif

typedef float vec8f __attribute__((vector_size(32)));
typedef int32_t vec8i __attribute__((vector_size(32)));
typedef double vec4d __attribute__((vector_size(32)));
typedef uint64_t vec4u __attribute__((vector_size(32)));
typedef float vec4f __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))
/* Macros, not functions: a vector argument would have another calling convention in each variant. LOAD takes one
 * vector, since one memcpy for several would pass through memory. */
#define LOAD(vector, from) memcpy(&(vector), (from), sizeof(vector))
#define SELECT(mask, a, b) ((vec8f)(((vec8i)(a) & (mask)) | ((vec8i)(b) & ~(mask))))
#define FINITE(x) ((vec8f)((vec8i)(x)&0x7fffffff) <= FLT_MAX)

INLINE bool is_finite(float x) {
  return x >= -FLT_MAX && x <= FLT_MAX;
}

/* The next up to 8 cells, filled up with `fill`. */
INLINE size_t load8(const float *x, size_t left, float fill, float out[8]) {
  size_t n = left < 8 ? left : 8;
  if (n == 8) {
    memcpy(out, x, 8 * sizeof *out);
    return 8;
  }
  for (size_t i = 0; i < 8; i++) out[i] = i < n ? x[i] : fill;
  return n;
}

/* Exponents so far out that the scaled cell could leave float32's normal numbers: plain double arithmetic. */
static bool bins_far(const float *x, size_t n, int exponent, int32_t base, int32_t *out) {
  double scale = ldexp(1.0, -exponent);
  bool lattice = true;
  for (size_t i = 0; i < n; i++) {
    if (!is_finite(x[i])) {
      out[i] = BF__MISSING_BIN;
      continue;
    }
    double t = (double)x[i] * scale;
    int32_t k = (int32_t)t;
    lattice = lattice && (double)k == t;
    out[i] = k - ((double)k > t) - base;
  }
  return lattice;
}

#define VARIANT(name) name##_scalar
#define VARIANT_NAME "scalar"
#define TARGET
#include "sketch/sketch_kernels_template.h"
#undef VARIANT
#undef VARIANT_NAME
#undef TARGET

#if defined(__x86_64__)
#define VARIANT(name) name##_avx2
#define VARIANT_NAME "avx2"
#define TARGET __attribute__((target("avx2")))
#include "sketch/sketch_kernels_template.h"
#undef VARIANT
#undef VARIANT_NAME
#undef TARGET
#endif

const bf__kernels *bf__kernels_scalar(void) {
  return &kernels_scalar;
}

const bf__kernels *bf__kernels_choose(void) {
  const char *wish = getenv("BESTFIT_SIMD");
  if (wish && strcmp(wish, "scalar") == 0) return &kernels_scalar;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return &kernels_avx2;
#endif
  return &kernels_scalar;
}
