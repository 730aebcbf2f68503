/* mmd: maximum mean discrepancy (Gretton et al. 2012) under a Gaussian kernel, by random Fourier features (Rahimi and
 * Recht 2007).
 *
 *   mmd = (1/D) sum_f (phi_S,f - phi_T,f)^2,   phi_f = weighted mean of sqrt(2) cos(w_f . x + b_f) over centroids
 *
 * with D = 256, w_f ~ N(0, 1/bandwidth^2), b_f uniform in a turn. Angles are kept in turns, so that the cosine's range
 * reduction is one subtraction, and the cosine is a polynomial: even Taylor series to the 18th power, error below 4e-9
 * on half a turn (float32 rounding is larger). That gives the same value on every machine, and the compiler can widen
 * it.
 */
#include <math.h>

#include "measure/measure_internal.h"
#include "measure/simd.h"

/* cos(2 pi t) for t in turns, |t| < 2^21. */
static BF_KERNEL float cosine_of_turns(float t) {
  float shifted = t + (t < 0.0F ? -0.5F : 0.5F);
  float r = t - (float)(int32_t)shifted; /* [-0.5, 0.5] */
  float u = r * r * 39.47841760435743F;  /* (2 pi r)^2 */
  return 1.0F + u * (-0.5F +
                     u * (4.16666667e-2F +
                          u * (-1.38888889e-3F +
                               u * (2.48015873e-5F +
                                    u * (-2.75573192e-7F +
                                         u * (2.08767570e-9F + u * (-1.14707456e-11F +
                                                                    u * (4.77947733e-14F + u * -1.56192070e-16F))))))));
}

static BF_KERNEL void features_body(const float *restrict frequencies, const float *restrict phases,
                                    const float *restrict point, uint32_t k, double weight, double *restrict sums) {
  float turns[BF__FEATURES];
  for (uint32_t f = 0; f < BF__FEATURES; ++f) turns[f] = phases[f];
  for (uint32_t j = 0; j < k; ++j) {
    const float x = point[j], *row = frequencies + (size_t)j * BF__FEATURES;
    for (uint32_t f = 0; f < BF__FEATURES; ++f) turns[f] += x * row[f];
  }
  for (uint32_t f = 0; f < BF__FEATURES; ++f) turns[f] = cosine_of_turns(turns[f]);
  for (uint32_t f = 0; f < BF__FEATURES; ++f) sums[f] += weight * (double)turns[f];
}
BF_VARIANTS(add_features, features_body,
            (const float *restrict frequencies, const float *restrict phases, const float *restrict point, uint32_t k,
             double weight, double *restrict sums),
            (frequencies, phases, point, k, weight, sums))

void bf__mmd_features(const bf_frame *frame, const float *points, const double *weights, uint32_t n,
                      double out[BF__FEATURES]) {
  for (uint32_t f = 0; f < BF__FEATURES; ++f) out[f] = 0.0;
  for (uint32_t i = 0; i < n; ++i) {
    add_features(frame->frequencies, frame->phases, points + (size_t)i * frame->n_columns, frame->n_columns, weights[i],
                 out);
  }
  for (uint32_t f = 0; f < BF__FEATURES; ++f) out[f] *= M_SQRT2;
}

bf_status bf__mmd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  bf_status status = bf__needs_centroids(source, target, err);
  if (status != BF_OK) return status;
  double sum = 0.0;
  for (uint32_t f = 0; f < BF__FEATURES; ++f) {
    double d = source->features[f] - target->features[f];
    sum += d * d;
  }
  *out = sum / (double)BF__FEATURES;
  return BF_OK;
}
