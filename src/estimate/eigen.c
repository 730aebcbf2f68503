/* Eigenvalues and eigenvectors of a symmetric matrix: Householder reduction to tridiagonal form, then QL steps with
 * implicit shifts (Golub and Van Loan, "Matrix Computations", 8.3). */
#include <float.h>
#include <math.h>

#include "estimate/estimate_internal.h"

#define MAX_STEPS 60

/* Row i of the lower triangle is reflected onto its neighbour; d keeps the reflection's norm for accumulate(). */
static void reflect_row(double *v, size_t n, size_t i, double *d, double *e) {
  double *row = v + i * n, scale = 0.0, h = 0.0;
  for (size_t k = 0; k < i; k++) scale += fabs(row[k]);
  d[i] = 0.0;
  if (i == 1 || scale == 0.0) {
    e[i] = row[i - 1];
    return;
  }
  for (size_t k = 0; k < i; k++) {
    row[k] /= scale;
    h += row[k] * row[k];
  }
  double f = row[i - 1], g = f > 0.0 ? -sqrt(h) : sqrt(h);
  e[i] = scale * g;
  h -= f * g;
  row[i - 1] = f - g;
  f = 0.0;
  for (size_t j = 0; j < i; j++) {
    v[j * n + i] = row[j] / h;
    g = 0.0;
    for (size_t k = 0; k <= j; k++) g += v[j * n + k] * row[k];
    for (size_t k = j + 1; k < i; k++) g += v[k * n + j] * row[k];
    e[j] = g / h;
    f += e[j] * row[j];
  }
  double hh = f / (h + h);
  for (size_t j = 0; j < i; j++) {
    e[j] -= hh * row[j];
    for (size_t k = 0; k <= j; k++) v[j * n + k] -= row[j] * e[k] + e[j] * row[k];
  }
  d[i] = h;
}

static void tridiagonal(double *v, size_t n, double *d, double *e) {
  for (size_t i = n - 1; i >= 1; i--) reflect_row(v, n, i, d, e);
  d[0] = 0.0;
  e[0] = 0.0;
  for (size_t i = 0; i < n; i++) { /* the product of the reflections */
    if (d[i] != 0.0) {
      for (size_t j = 0; j < i; j++) {
        double g = 0.0;
        for (size_t k = 0; k < i; k++) g += v[i * n + k] * v[k * n + j];
        for (size_t k = 0; k < i; k++) v[k * n + j] -= g * v[k * n + i];
      }
    }
    d[i] = v[i * n + i];
    v[i * n + i] = 1.0;
    for (size_t j = 0; j < i; j++) v[j * n + i] = v[i * n + j] = 0.0;
  }
}

/* One implicit QL step on rows first..last. */
static void ql_step(double *v, size_t n, double *d, double *e, size_t first, size_t last) {
  double g = (d[first + 1] - d[first]) / (2.0 * e[first]), r = hypot(g, 1.0), s = 1.0, c = 1.0, p = 0.0;
  g = d[last] - d[first] + e[first] / (g + (g >= 0.0 ? fabs(r) : -fabs(r)));
  for (size_t i = last; i-- > first;) {
    double f = s * e[i], b = c * e[i];
    r = hypot(f, g);
    e[i + 1] = r;
    if (r == 0.0) { /* recovered from underflow */
      d[i + 1] -= p;
      e[last] = 0.0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2.0 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    for (size_t k = 0; k < n; k++) {
      double *row = v + k * n;
      f = row[i + 1];
      row[i + 1] = s * row[i] + c * f;
      row[i] = c * row[i] - s * f;
    }
  }
  d[first] -= p;
  e[first] = g;
  e[last] = 0.0;
}

static void sort_ascending(double *v, size_t n, double *d) {
  for (size_t i = 0; i + 1 < n; i++) {
    size_t least = i;
    for (size_t k = i + 1; k < n; k++)
      if (d[k] < d[least]) least = k;
    if (least == i) continue;
    double value = d[i];
    d[i] = d[least];
    d[least] = value;
    for (size_t k = 0; k < n; k++) {
      double x = v[k * n + i];
      v[k * n + i] = v[k * n + least];
      v[k * n + least] = x;
    }
  }
}

bool bf__symmetric_eigen(double *vectors, size_t n, double *values, double *scratch) {
  double *d = values, *e = scratch;
  if (n == 1) {
    values[0] = vectors[0];
    vectors[0] = 1.0;
    return true;
  }
  tridiagonal(vectors, n, d, e);
  for (size_t i = 1; i < n; i++) e[i - 1] = e[i];
  e[n - 1] = 0.0;
  for (size_t first = 0; first < n; first++) {
    for (int step = 0;; step++) {
      size_t last = first;
      while (last + 1 < n && fabs(e[last]) > DBL_EPSILON * (fabs(d[last]) + fabs(d[last + 1]))) last++;
      if (last == first) break;
      if (step == MAX_STEPS) return false;
      ql_step(vectors, n, d, e, first, last);
    }
  }
  sort_ascending(vectors, n, d);
  return true;
}
