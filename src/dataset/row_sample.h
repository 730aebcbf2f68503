/* A sample of rows in memory: how rows get in, shared by what draws it (row_sample.c) and what reads its bytes
 * (row_sample_format.c). Both write a row as bytes and read it back with the same two functions. */
#ifndef BESTFIT_SRC_DATASET_ROW_SAMPLE_H
#define BESTFIT_SRC_DATASET_ROW_SAMPLE_H

#include <bestfit/dataset.h>

#include "base/bytes.h"
#include "base/error.h"

#define BF__ROW_SAMPLE_ROWS 2000u                  /* where nothing else is asked for */
#define BF__ROW_SAMPLE_MAX_BYTES ((size_t)1 << 30) /* in memory */

typedef struct bf__sample_block bf__sample_block;

struct bf_sample {
  bf_batch batch;
  bf_schema schema;
  uint64_t rows_seen;
  uint64_t *numbers;         /* [n_rows] */
  float *cells;              /* of rows, or pixels of images one after another */
  size_t n_cells, max_cells; /* in use, and room */
  int32_t *labels;
  bf_image *images;
  bf_string *texts;
  bf_pair *pairs;
  bf_sentence *sentences;
  bf_field *strings;
  bf__sample_block *blocks; /* that all of the above lies in */
  size_t spent_bytes, max_bytes;
};

/* What all rows of a sample have in common. */
typedef struct bf__row_shape {
  bf_kind kind;
  bool has_labels;
  uint32_t n_columns, n_steps, n_channels, n_string_columns; /* n_columns is 0 for images */
  double range_max;
} bf__row_shape;

/* bf_sample_load with another bound on memory, for tests. */
bf_status bf__row_sample_load(bf_dataset *dataset, uint64_t max_rows, uint64_t seed, size_t max_bytes,
                              bf_progress_fn progress, void *progress_context, bf_sample **out, bf_error *err);

/* An empty sample with room for n_rows rows, and for n_cells cells or pixels in all. */
bf_status bf__row_sample_create(const bf__row_shape *shape, uint64_t n_rows, size_t n_cells, size_t max_bytes,
                                bf_sample **out, bf_error *err);
/* Zeroed room that lives as long as the sample. BF_ERR_LIMIT above the sample's bound. */
bf_status bf__row_sample_room(bf_sample *s, size_t n, size_t element_bytes, void **out, bf_error *err);
/* Reads the next row (its number, label and content). BF_ERR_CORRUPT where it is none. */
bf_status bf__row_sample_read(bf_sample *s, const bf__row_shape *shape, bf__reader *r, bf_error *err);
/* After the last row: pixels become cells where all images have one size. */
void bf__row_sample_end(bf_sample *s);

/* Writes row i of a batch. */
void bf__row_write(bf__writer *w, const bf__row_shape *shape, const bf_batch *batch, uint32_t i, uint64_t number);
/* Cells or pixels of row i. */
size_t bf__row_cells(const bf__row_shape *shape, const bf_batch *batch, uint32_t i);

#endif
