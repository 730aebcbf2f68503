/* The paper's histogram of rows in memory: two passes, range then counts. Used by raw_measures.c only. */
#ifndef BESTFIT_SRC_MEASURE_RAW_HISTOGRAM_H
#define BESTFIT_SRC_MEASURE_RAW_HISTOGRAM_H

#include "measure/measure_internal.h"

/* Rows `order[0 .. n_rows)` of an array, or rows first_row .. first_row + n_rows where order is NULL. */
typedef struct bf__row_range {
  const float *cells;
  uint32_t n_columns;
  const uint64_t *order;
  uint64_t first_row, n_rows;
} bf__row_range;

typedef struct bf__cell_range {
  float min, max;
  bool any; /* a finite cell */
} bf__cell_range;

bf__cell_range bf__raw_range(const bf__row_range *rows);
/* Adds to bins: min(99, (int)floor(((double)x - min)/(max - min) * 100)) of every finite x; all in bin 0 where max =
 * min. */
void bf__raw_counts(const bf__row_range *rows, bf__cell_range range, uint64_t bins[BF__PAPER_BINS]);

#endif
