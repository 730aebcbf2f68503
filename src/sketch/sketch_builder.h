/* Builds a sketch from batches, however they are cut. bf_sketch_build() feeds it from a dataset, tests from arrays. */
#ifndef BESTFIT_SRC_SKETCH_BUILDER_H
#define BESTFIT_SRC_SKETCH_BUILDER_H

#include "base/error.h"
#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"
#include "sketch/sketch_names.h"

/* What must be known of the data beforehand. */
typedef struct bf__sketch_source {
  bf_kind kind;
  uint32_t n_columns;    /* features: columns of numbers */
  uint32_t n_channels;   /* series */
  double range_max;      /* images */
  uint32_t min_count;    /* 0: 1, nothing is left out; at most BF__MAX_MIN_COUNT */
  const bf_sketch *like; /* NULL, or whose columns are taken; read by create only */
  /* Features: name of a column, NULL where numbered; may be NULL itself. Called by create only. */
  const char *(*column_name)(const void *context, uint32_t column);
  const void *context;
} bf__sketch_source;

typedef struct bf__sketch_builder bf__sketch_builder;

/* kernels NULL: bf__kernels_choose(). n_threads 0: all cores. BF_ERR_INVALID_ARGUMENT: min_count. BF_ERR_MISMATCH: the
 * data lack a column of `like` (named), or are of another kind. */
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

#endif
