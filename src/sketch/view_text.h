/* The views of texts and tokens: hashed features, projected. */
#ifndef BESTFIT_SRC_SKETCH_VIEW_TEXT_H
#define BESTFIT_SRC_SKETCH_VIEW_TEXT_H

#include <bestfit/dataset.h>

#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"

#define BF__TEXT_CELL_BITS 15u
#define BF__TEXT_CELLS (1u << BF__TEXT_CELL_BITS)

/* Hashed counts of one row; one a worker. Zeroed memory is an empty one. */
typedef struct bf__text_cells {
  uint32_t n;
  uint32_t counts[BF__TEXT_CELLS];
  uint16_t touched[BF__TEXT_CELLS]; /* [n] in the order of first appearance */
} bf__text_cells;

/* Counts a word or other feature by its hash. */
void bf__text_cells_add(bf__text_cells *cells, uint64_t hash);
/* out[n_columns] = scale * projection of ln(1 + count) scaled to unit norm (0 where nothing was counted); n_columns a
 * multiple of 16 up to 64. Empties the cells. */
void bf__text_cells_project(const bf__kernels *kernels, bf__text_cells *cells, double scale, size_t n_columns,
                            float *out);

/* A token to out[BF__TEXT_COLUMNS]. */
void bf__view_token(const bf__kernels *kernels, const bf_string *token, float *out);

#endif
