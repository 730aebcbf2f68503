/* Sorted lists of at most 64, into which a number seldom comes; what is kept is a function of the numbers alone, in
 * whatever order they are added. */
#include "sketch/extremes.h"

#include <float.h>
#include <string.h>

bool bf__extremes_want(const bf__extremes *e, float min, float max) {
  return e->n < e->limit || min < e->lowest[e->n - 1] || max > e->highest[e->n - 1];
}

static void put(float *list, uint32_t n, uint32_t limit, float x, float sign) {
  if (n == limit) {
    if (!(x * sign < list[n - 1] * sign)) return;
    n--;
  }
  for (; n > 0 && x * sign < list[n - 1] * sign; n--) list[n] = list[n - 1];
  list[n] = x;
}

void bf__extremes_add(bf__extremes *e, const float *x, size_t n, size_t stride) {
  for (size_t i = 0; i < n; i++) {
    float v = x[i * stride] + 0.0f;
    if (!(v >= -FLT_MAX && v <= FLT_MAX) || !bf__extremes_want(e, v, v)) continue;
    put(e->lowest, e->n, e->limit, v, 1.0f);
    put(e->highest, e->n, e->limit, v, -1.0f);
    if (e->n < e->limit) e->n++;
  }
}

void bf__extremes_merge(bf__extremes *e, const bf__extremes *from) {
  for (uint32_t i = 0; i < from->n; i++) {
    float low = from->lowest[i], high = from->highest[i];
    if (e->n < e->limit || low < e->lowest[e->n - 1]) put(e->lowest, e->n, e->limit, low, 1.0f);
    if (e->n < e->limit || high > e->highest[e->n - 1]) put(e->highest, e->n, e->limit, high, -1.0f);
    if (e->n < e->limit) e->n++;
  }
}

void bf__extremes_trimmed(const bf__extremes *e, uint64_t count, float *low, float *high) {
  uint64_t k = count / 2 + count % 2;
  if (k > e->limit) k = e->limit;
  *low = e->lowest[k - 1];
  *high = e->highest[k - 1];
}
