/* z-scores over the candidates of one target. */
#include <math.h>

#include "measure/measure_internal.h"

void bf__z_scores(const double *x, size_t n, size_t step, double *out) {
  double mean = 0.0, sum = 0.0, largest = 0.0;
  size_t finite = 0;
  for (size_t i = 0; i < n; ++i) {
    if (!isfinite(x[i * step])) continue;
    mean += x[i * step];
    largest = fmax(largest, fabs(x[i * step]));
    ++finite;
  }
  if (finite) mean /= (double)finite;
  for (size_t i = 0; i < n; ++i) {
    double d = x[i * step] - mean;
    if (isfinite(x[i * step])) sum += d * d;
  }
  double deviation = finite ? sqrt(sum / (double)finite) : 0.0;
  bool constant = finite < 2 || !(deviation > largest * 1e-14); /* equal values differ by rounding of the mean only */
  for (size_t i = 0; i < n; ++i) {
    out[i] = constant || !isfinite(x[i * step]) ? 0.0 : (x[i * step] - mean) / deviation;
  }
}
