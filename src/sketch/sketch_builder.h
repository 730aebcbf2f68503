/* Builds a sketch from batches, however they are cut. bf_sketch_build() feeds it from a dataset, tests from arrays. */
#ifndef BESTFIT_SRC_SKETCH_BUILDER_H
#define BESTFIT_SRC_SKETCH_BUILDER_H

#include "base/error.h"
#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"

/* What must be known of the data beforehand. */
typedef struct bf__sketch_source {
  bf_kind kind;
  uint32_t n_columns; /* features */
  double range_max;   /* images */
  /* Features: name of a column, NULL where numbered; may be NULL itself. Called by create only. */
  const char *(*column_name)(const void *context, uint32_t column);
  const void *context;
} bf__sketch_source;

typedef struct bf__sketch_builder bf__sketch_builder;

/* kernels NULL: bf__kernels_choose(). n_threads 0: all cores. BF_ERR_UNSUPPORTED: a kind that is not sketched yet. */
bf_status bf__sketch_builder_create(const bf__sketch_source *source, uint64_t seed, uint32_t n_threads,
                                    const bf__kernels *kernels, bf__sketch_builder **out, bf_error *err);
void bf__sketch_builder_free(bf__sketch_builder *b);
/* Adds a batch; its rows follow those of the last one (first_row is not read). BF_ERR_MISMATCH: other columns than the
 * source's. */
bf_status bf__sketch_builder_add(bf__sketch_builder *b, const bf_batch *batch, bf_error *err);
/* The sketch of all rows added, exactly as bf_sketch_decode() would give it. Labels are named by label_name (NULL:
 * there are none). Nothing can be added afterwards. */
bf_status bf__sketch_builder_finish(bf__sketch_builder *b, const char *(*label_name)(const void *context, uint32_t),
                                    const void *context, bf_sketch **out, bf_error *err);

/* Copies a name as a sketch keeps it: at most BF__NAME_BYTES, whole UTF-8 characters, anything else and control
 * characters as '?'. */
void bf__sketch_name(const char *name, char out[BF__NAME_BYTES + 1]);
/* Whether bytes are UTF-8 without control characters. */
bool bf__sketch_name_valid(const uint8_t *bytes, size_t n);

#endif
