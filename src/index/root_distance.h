/* Distances of quantised square roots of histograms, as l2lsh.h makes them: the filter of queries and scans. */
#ifndef BESTFIT_SRC_INDEX_ROOT_DISTANCE_H
#define BESTFIT_SRC_INDEX_ROOT_DISTANCE_H

#include <stddef.h>
#include <stdint.h>

/* Sum of squared differences of n cells, n a multiple of 16, in units of 2^-28; what it is beyond `enough` does not
 * matter. */
typedef int32_t (*bf__root_distance_fn)(const int16_t *a, const int16_t *b, size_t n, int32_t enough);
/* For this processor and BESTFIT_SIMD. To be asked once a call: the environment takes longer than a distance. */
bf__root_distance_fn bf__root_distance(void);

/* From which sum on JS is at least `threshold`, whatever the rounding of n_bins cells did. */
int32_t bf__root_distance_enough(double threshold, uint32_t n_bins);

#endif
