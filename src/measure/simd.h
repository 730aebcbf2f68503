/* One kernel body, compiled for the base instruction set and for AVX2, chosen at run time.
 *
 * The body is the scalar reference; the wide variant is the same C with wider registers: no fused multiply-add, no
 * reassociation, so the results are equal to the bit. BESTFIT_SIMD=scalar in the environment forces the base variant.
 *
 *   static BF_KERNEL void body(...) { ... }
 *   BF_VARIANTS(name, (params), (arguments))   -> static void name(params)
 */
#ifndef BESTFIT_SRC_MEASURE_SIMD_H
#define BESTFIT_SRC_MEASURE_SIMD_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BF_KERNEL inline __attribute__((always_inline))

#if defined(__x86_64__)
static inline bool bf__use_avx2(void) {
  const char *wish = getenv("BESTFIT_SIMD");
  return !(wish && strcmp(wish, "scalar") == 0) && __builtin_cpu_supports("avx2");
}
#define BF_VARIANTS(name, body, params, arguments)                 \
  static void name##_base params {                                 \
    body arguments;                                                \
  }                                                                \
  __attribute__((target("avx2"))) static void name##_avx2 params { \
    body arguments;                                                \
  }                                                                \
  static void name params {                                        \
    if (bf__use_avx2()) {                                          \
      name##_avx2 arguments;                                       \
    } else {                                                       \
      name##_base arguments;                                       \
    }                                                              \
  }
#else
#define BF_VARIANTS(name, body, params, arguments) \
  static void name params {                        \
    body arguments;                                \
  }
#endif

#endif
