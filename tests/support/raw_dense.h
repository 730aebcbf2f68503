/* The dense measures of docs/strategies.md on raw view rows: a plain re-implementation that shares no code with
 * src/measure. It is what the orders from sketches are compared with. Standardisation, bin edges and medians are its
 * own. */
#ifndef BESTFIT_TESTS_RAW_DENSE_H
#define BESTFIT_TESTS_RAW_DENSE_H

#include <stddef.h>

typedef struct raw_domain {
  size_t n_rows, n_columns;
  float *cells; /* row-major, finite */
} raw_domain;

/* The random parts of the measures, which belong to their definition: taken from a frame, so that two computations
 * differ by data alone. */
typedef struct raw_random {
  const float *frequencies; /* [n_columns][256], in turns, divided by the bandwidth */
  const float *phases;      /* [256], in turns */
  const float *planes;      /* [n_columns][64] */
} raw_random;

#define RAW_MEASURES 6
extern const char
    *const RAW_MEASURE_NAMES[RAW_MEASURES]; /* hist-jsd, mmd, centroid-distance, cell-jsd, gauss-kl-ts, gauss-kl-st */

/* values[measure][source]: all six of every source (use[i] true) for the target; the frame is pooled over the sources
 * used. `centroids[i]`: row-major [64][n_columns] of domain i, from raw_centroids(), in the domain's own units. */
void raw_measures(const raw_domain *domains, float *const *centroids, size_t n_domains, size_t target, const int *use,
                  const raw_random *random, double *values[RAW_MEASURES]);
/* 64 k-means centroids of the rows, in columns divided by `deviation` (pooled). You own the result. */
float *raw_centroids(const raw_domain *domain, const double *deviation);

#endif
