/* What the files of the oracle share. */
#ifndef BESTFIT_TESTS_ESTIMATE_ORACLE_PARTS_H
#define BESTFIT_TESTS_ESTIMATE_ORACLE_PARTS_H

#include <math.h>
#include <stdlib.h>

#include "estimate_oracle.h"

#define NONE (-1)

struct oracle {
  const bf_panel_model *models;
  bf_panel_options options;
  size_t m, n, c;
  const char **names; /* [c] */
  int *vote;          /* [m][n] */
  double *p;          /* [m][n][c] */
  double *a;          /* [m][m] */
};

static inline void *zeros(size_t n, size_t bytes) {
  void *block = calloc(n ? n : 1, bytes);
  if (!block) abort();
  return block;
}

static inline double answered(const oracle *o, size_t m) {
  double n = 0;
  for (size_t x = 0; x < o->n; x++) n += o->vote[m * o->n + x] != NONE;
  return n;
}

static inline const double *row(const oracle *o, size_t m, size_t x) {
  return o->vote[m * o->n + x] == NONE ? NULL : o->p + (m * o->n + x) * o->c;
}

static inline long double max_of(const double *p, size_t c) {
  long double best = 0;
  for (size_t i = 0; i < c; i++) best = (long double)p[i] > best ? (long double)p[i] : best;
  return best;
}

static inline long double plnp(const double *p, size_t c) {
  long double sum = 0;
  for (size_t i = 0; i < c; i++)
    if (p[i] > 0) sum += (long double)p[i] * logl((long double)p[i]);
  return sum;
}

/* Of one model (estimate_oracle.c). */
double oracle_nuclear(const oracle *o, size_t m);
/* Whether it is an estimator of several models, and then its value (estimate_oracle_several.c). */
bool oracle_of_several(const oracle *o, const char *name, size_t m, double *out);

#endif
