/* Blocked Cholesky factorisation and the inverse of a triangle. Nearly all work is C -= A B' on tiles that fit the
 * caches, in loops that the compiler makes vectors of. */
#include "learn/cholesky.h"

#include <math.h>

#include "measure/simd.h"

#define BLOCK 64u

/* c[i][j] -= sum_k a[i][k] b[k][j]: rows of b and c are contiguous, four rows of b at a time. */
static BF_KERNEL void subtract_product_body(double *c, size_t ldc, const double *a, size_t lda, const double *b,
                                            size_t ldb, size_t m, size_t n, size_t depth) {
  for (size_t i = 0; i < m; ++i) {
    double *restrict to = c + i * ldc;
    const double *from = a + i * lda;
    size_t k = 0;
    for (; k + 4 <= depth; k += 4) {
      const double f0 = from[k], f1 = from[k + 1], f2 = from[k + 2], f3 = from[k + 3];
      const double *restrict b0 = b + k * ldb, *restrict b1 = b0 + ldb, *restrict b2 = b1 + ldb,
                             *restrict b3 = b2 + ldb;
      for (size_t j = 0; j < n; ++j) to[j] -= f0 * b0[j] + f1 * b1[j] + f2 * b2[j] + f3 * b3[j];
    }
    for (; k < depth; ++k) {
      const double f = from[k];
      const double *restrict row = b + k * ldb;
      for (size_t j = 0; j < n; ++j) to[j] -= f * row[j];
    }
  }
}
BF_VARIANTS(subtract_product, subtract_product_body,
            (double *c, size_t ldc, const double *a, size_t lda, const double *b, size_t ldb, size_t m, size_t n,
             size_t depth),
            (c, ldc, a, lda, b, ldb, m, n, depth))

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static bool factor_tile(double *a, size_t n, size_t lda) {
  for (size_t j = 0; j < n; ++j) {
    double *row = a + j * lda;
    for (size_t k = 0; k < j; ++k) row[j] -= row[k] * row[k];
    if (!(row[j] > 0.0) || !isfinite(row[j])) return false;
    row[j] = sqrt(row[j]);
    for (size_t i = j + 1; i < n; ++i) {
      double *below = a + i * lda, sum = below[j];
      for (size_t k = 0; k < j; ++k) sum -= below[k] * row[k];
      below[j] = sum / row[j];
    }
  }
  return true;
}

/* The tile of a below the factored one: x L' = x. */
static void solve_tile(double *x, size_t m, const double *l, size_t n, size_t ld) {
  for (size_t i = 0; i < m; ++i) {
    double *row = x + i * ld;
    for (size_t j = 0; j < n; ++j) {
      double sum = row[j];
      for (size_t k = 0; k < j; ++k) sum -= row[k] * l[j * ld + k];
      row[j] = sum / l[j * ld + j];
    }
  }
}

bool bf__cholesky(double *a, size_t n) {
  double turned[BLOCK * BLOCK]; /* a tile of L, transposed: rows of the product's right side */
  for (size_t p = 0; p < n; p += BLOCK) {
    size_t w = smaller(BLOCK, n - p);
    if (!factor_tile(a + p * n + p, w, n)) return false;
    size_t below = p + w;
    if (below >= n) break;
    solve_tile(a + below * n + p, n - below, a + p * n + p, w, n);
    for (size_t j = below; j < n; j += BLOCK) {
      size_t columns = smaller(BLOCK, n - j);
      for (size_t c = 0; c < columns; ++c)
        for (size_t k = 0; k < w; ++k) turned[k * BLOCK + c] = a[(j + c) * n + p + k];
      subtract_product(a + j * n + j, n, a + j * n + p, n, turned, BLOCK, n - j, columns, w);
    }
  }
  return true;
}

void bf__cholesky_solve(const double *l, size_t n, const double *b, double *x) {
  for (size_t i = 0; i < n; ++i) {
    double sum = b[i];
    for (size_t k = 0; k < i; ++k) sum -= l[i * n + k] * x[k];
    x[i] = sum / l[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    x[i] /= l[i * n + i];
    for (size_t k = 0; k < i; ++k) x[k] -= l[i * n + k] * x[i];
  }
}

/* Row block after row block: X_i = L_ii^-1 (E_i - sum_{k<i} L_ik X_k), with X_k inverted already. */
void bf__triangle_invert(double *l, size_t n) {
  double kept[BLOCK * BLOCK]; /* the tile L_ik, which its own result overwrites */
  for (size_t p = 0; p < n; p += BLOCK) {
    size_t w = smaller(BLOCK, n - p);
    double *rows = l + p * n;
    /* from the nearest tile to the left outwards each column block needs the L_ik of all between: take it aside */
    for (size_t q = 0; q < p; q += BLOCK) {
      size_t v = smaller(BLOCK, p - q);
      for (size_t i = 0; i < w; ++i)
        for (size_t k = 0; k < v; ++k) {
          kept[i * BLOCK + k] = rows[i * n + q + k];
          rows[i * n + q + k] = 0.0;
        }
      /* columns up to q + v of the inverted row block q; the triangle's zeros above are written as such below */
      for (size_t j = 0; j <= q; j += BLOCK) {
        size_t columns = smaller(BLOCK, q + v - j);
        double tile[BLOCK * BLOCK];
        for (size_t k = 0; k < v; ++k)
          for (size_t c = 0; c < columns; ++c) tile[k * BLOCK + c] = j + c <= q + k ? l[(q + k) * n + j + c] : 0.0;
        subtract_product(rows + j, n, kept, BLOCK, tile, BLOCK, w, columns, v);
      }
    }
    for (size_t i = 0; i < w; ++i) { /* L_pp^-1 from the left; the diagonal tile itself last */
      double *row = rows + i * n, scale = 1.0 / row[p + i];
      for (size_t k = 0; k < i; ++k) {
        const double f = row[p + k];
        const double *other = rows + k * n;
        row[p + k] = 0.0;
        for (size_t j = 0; j < p + k + 1; ++j) row[j] -= f * other[j];
      }
      for (size_t j = 0; j < p + i; ++j) row[j] *= scale;
      row[p + i] = scale;
    }
  }
}
