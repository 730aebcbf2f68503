/* Sum of singular values: Householder QR brings the array down to its triangle, one-sided Jacobi rotations (Hestenes
 * 1958) make the triangle's columns orthogonal; their lengths are the singular values. Unlike the square roots of the
 * eigenvalues of A'A this keeps small singular values to full precision. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

#define MAX_SWEEPS 60
#define EPSILON 1e-15

static double dot(const double *a, const double *b, size_t n) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* Columns become those of R, in their first n_columns rows, below the diagonal 0. */
static void triangle(double *a, size_t n_rows, size_t n_columns) {
  for (size_t k = 0; k < n_columns; k++) {
    double *v = a + k * n_rows + k;
    size_t n = n_rows - k;
    double length = sqrt(dot(v, v, n));
    if (length == 0.0) continue;
    double corner = v[0] > 0.0 ? -length : length;
    v[0] -= corner;
    double square = dot(v, v, n);
    for (size_t j = k + 1; j < n_columns; j++) {
      double *other = a + j * n_rows + k, factor = 2.0 * dot(v, other, n) / square;
      for (size_t i = 0; i < n; i++) other[i] -= factor * v[i];
    }
    v[0] = corner;
    for (size_t i = 1; i < n; i++) v[i] = 0.0;
  }
}

/* Turns two columns until they are orthogonal; false: they were. */
static bool rotate(double *p, double *q, size_t n, double negligible) {
  double pp = dot(p, p, n), qq = dot(q, q, n), pq = dot(p, q, n);
  if (pp <= negligible || qq <= negligible || fabs(pq) <= EPSILON * sqrt(pp) * sqrt(qq)) return false;
  double zeta = (qq - pp) / (2.0 * pq);
  double t = (zeta < 0.0 ? -1.0 : 1.0) / (fabs(zeta) + sqrt(1.0 + zeta * zeta));
  double c = 1.0 / sqrt(1.0 + t * t), s = c * t;
  for (size_t i = 0; i < n; i++) {
    double x = p[i];
    p[i] = c * x - s * q[i];
    q[i] = s * x + c * q[i];
  }
  return true;
}

bf_status bf__singular_sum(double *a, size_t n_rows, size_t n_columns, double *out, bf_error *err) {
  if (n_rows < n_columns) return bf__error(err, BF_ERR_INTERNAL, "an array wider than high");
  double total = 0.0;
  for (size_t c = 0; c < n_columns; c++) total += dot(a + c * n_rows, a + c * n_rows, n_rows);
  triangle(a, n_rows, n_columns);
  double negligible = total * 1e-34; /* what rounding leaves of dependent columns */
  bool moved = n_columns > 1;
  for (int sweep = 0; sweep < MAX_SWEEPS && moved; sweep++) {
    moved = false;
    for (size_t p = 0; p + 1 < n_columns; p++)
      for (size_t q = p + 1; q < n_columns; q++) moved |= rotate(a + p * n_rows, a + q * n_rows, n_columns, negligible);
  }
  *out = 0.0;
  for (size_t c = 0; c < n_columns; c++) *out += sqrt(dot(a + c * n_rows, a + c * n_rows, n_columns));
  return BF_OK;
}
