/* The N smallest and N largest of many numbers. */
#ifndef BESTFIT_SRC_SKETCH_EXTREMES_H
#define BESTFIT_SRC_SKETCH_EXTREMES_H

#include "sketch/sketch_data.h"

typedef struct bf__extremes {
  uint32_t limit;                   /* N, 1 .. BF__MAX_MIN_COUNT */
  uint32_t n;                       /* min(N, numbers so far) */
  float lowest[BF__MAX_MIN_COUNT];  /* [n] ascending */
  float highest[BF__MAX_MIN_COUNT]; /* [n] descending */
} bf__extremes;

/* Whether numbers between `min` and `max` can change anything. */
bool bf__extremes_want(const bf__extremes *e, float min, float max);
/* Adds the finite ones of x[0], x[stride], ... */
void bf__extremes_add(bf__extremes *e, const float *x, size_t n, size_t stride);
/* Adds what `from` has. */
void bf__extremes_merge(bf__extremes *e, const bf__extremes *from);
/* The N-th smallest and largest of `count` numbers, or the nearest to it that leaves half of them: the lower and the
 * upper median at worst. */
void bf__extremes_trimmed(const bf__extremes *e, uint64_t count, float *low, float *high);

#endif
