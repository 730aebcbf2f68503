/* Symmetric positive definite systems, at query time: plain C in blocks, so that no library is needed for it. */
#ifndef BESTFIT_SRC_LEARN_CHOLESKY_H
#define BESTFIT_SRC_LEARN_CHOLESKY_H

#include <stdbool.h>
#include <stddef.h>

/* a = L L', a row-major [n][n] of which the lower triangle is read and becomes L; what is above stays. n^3 / 3
 * multiplications. False: not positive definite. */
bool bf__cholesky(double *a, size_t n);
/* x = a^-1 b from L; x may be b. */
void bf__cholesky_solve(const double *l, size_t n, const double *b, double *x);
/* L^-1 in place, lower triangle. n^3 / 3 multiplications. */
void bf__triangle_invert(double *l, size_t n);

#endif
