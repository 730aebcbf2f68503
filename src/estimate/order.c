/* How alike two orders are. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

typedef struct placed {
  double value;
  size_t at;
} placed;

static int compare_placed(const void *a, const void *b) {
  const placed *x = a, *y = b;
  return x->value < y->value ? -1 : x->value > y->value;
}

/* Ranks from 1, ties share their mean. */
static void rank_values(const double *values, size_t n, placed *scratch, double *ranks) {
  for (size_t i = 0; i < n; i++) scratch[i] = (placed){values[i], i};
  qsort(scratch, n, sizeof *scratch, compare_placed);
  for (size_t first = 0, last; first < n; first = last) {
    for (last = first + 1; last < n && scratch[last].value == scratch[first].value;) last++;
    for (size_t i = first; i < last; i++) ranks[scratch[i].at] = 0.5 * (double)(first + 1 + last);
  }
}

bf_status bf__spearman(const double *a, const double *b, size_t n, double *out, bf_error *err) {
  *out = 0.0;
  placed *scratch = bf__alloc(n, sizeof *scratch);
  double *ranks = bf__alloc(n, 2 * sizeof *ranks), mean = 0.5 * (double)(n + 1), xx = 0.0, yy = 0.0, xy = 0.0;
  if (!scratch || !ranks) {
    free(scratch);
    free(ranks);
    return bf__error_memory(err, n * (sizeof *scratch + 2 * sizeof *ranks));
  }
  rank_values(a, n, scratch, ranks);
  rank_values(b, n, scratch, ranks + n);
  for (size_t i = 0; i < n; i++) {
    double x = ranks[i] - mean, y = ranks[n + i] - mean;
    xx += x * x;
    yy += y * y;
    xy += x * y;
  }
  free(scratch);
  free(ranks);
  *out = xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : xx == yy ? 1.0 : 0.0;
  return BF_OK;
}

double bf__kendall(const double *a, const double *b, size_t n) {
  double same = 0.0, in_a = 0.0, in_b = 0.0;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = i + 1; j < n; j++) {
      double x = (double)((a[i] > a[j]) - (a[i] < a[j])), y = (double)((b[i] > b[j]) - (b[i] < b[j]));
      same += x * y;
      in_a += x * x;
      in_b += y * y;
    }
  }
  return in_a > 0.0 && in_b > 0.0 ? same / sqrt(in_a * in_b) : in_a == in_b ? 1.0 : 0.0;
}
