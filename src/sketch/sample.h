/* The seeded bottom-k sample of view rows, and the quantiles of its columns. */
#ifndef BESTFIT_SRC_SKETCH_SAMPLE_H
#define BESTFIT_SRC_SKETCH_SAMPLE_H

#include "base/error.h"
#include "sketch/sketch_data.h"

typedef struct bf__sample bf__sample;

bf_status bf__sample_create(uint32_t n_columns, uint64_t seed, bf__sample **out, bf_error *err);
void bf__sample_free(bf__sample *s);
/* Offers consecutive rows[n_rows][n_columns], the first being number first_row. */
bf_status bf__sample_add(bf__sample *s, const float *rows, size_t n_rows, uint64_t first_row, bf_error *err);
/* Brings the rows into the order of their numbers: [*n_rows][n_columns], borrowed. Nothing can be added afterwards. */
bf_status bf__sample_finish(bf__sample *s, const float **rows, uint32_t *n_rows, bf_error *err);
/* Quantiles of every column with finite cells, from the finished sample; count, min and max must be set. */
bf_status bf__sample_quantiles(const float *rows, uint32_t n_rows, bf_sketch *sketch, uint32_t n_threads,
                               bf_error *err);

#endif
