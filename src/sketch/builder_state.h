/* The builder's inside, shared by what adds rows and what finishes. */
#ifndef BESTFIT_SRC_SKETCH_BUILDER_STATE_H
#define BESTFIT_SRC_SKETCH_BUILDER_STATE_H

#include "sketch/extremes.h"
#include "sketch/moments.h"
#include "sketch/partition.h"
#include "sketch/sample.h"
#include "sketch/sketch_builder.h"
#include "sketch/view_pair.h"
#include "sketch/view_series.h"
#include "sketch/view_text.h"
#include "sketch/word_counter.h"

#define BF__SLICE_ROWS (16u * BF__BLOCK_ROWS)
#define BF__MAX_BUILDER_THREADS 64u /* each has 130 KB of buckets */

typedef struct bf__worker {
  uint64_t missing, cells;
  bf_status status;
  bf_error error;
  bf__extremes extremes; /* of the raw cells */
  bf__bucket buckets[BF__PARTITIONS];
  bf__text_cells *text;    /* text, pair */
  bf__pair_view *pair;     /* pair */
  bf__series_view *series; /* series */
  float *statistics;       /* series whose view is a projection: of the rows of a task */
  size_t n_statistics;
} bf__worker;

/* Rows [first, end) of a slice whose words are one piece. */
typedef struct bf__piece_rows {
  size_t first, end;
  bool complete;
} bf__piece_rows;

struct bf__sketch_builder {
  const bf__kernels *kernels;
  uint32_t n_threads;
  bf_kind kind;
  uint64_t seed, rows, view_rows;
  uint32_t min_count;
  double range_max;
  bool named;
  uint64_t column_list_hash;
  char (*names)[BF__NAME_BYTES + 1];     /* [n_columns] where named and not projected */
  char (*raw_names)[BF__NAME_BYTES + 1]; /* [raw_columns] where named and projected, and few enough */

  uint32_t source_columns; /* features: of the data */
  uint32_t *map;           /* [raw_columns] which of them is taken, NULL: all as they are */
  float *mapped;           /* [mapped_rows][raw_columns] */
  size_t mapped_rows;

  uint64_t raw_columns; /* images and series: of the first; 0 where sizes differ */
  bool shape_known, shape_differs;
  uint32_t height, width, channels, steps;
  double *raw_count, *raw_mean, *raw_m2; /* [raw_columns] where they are kept and at most 4,096 */

  bool projected;
  uint32_t n_columns; /* of the view */
  double *signs;      /* images: projection */
  float *view;        /* [BF__SLICE_ROWS][n_columns] where the cells are not the view */
  float *open;        /* [BF__BLOCK_ROWS][n_columns]: rows of the incomplete block */
  size_t n_open;
  bf__moments *moments;
  bf__sample *sample;
  bf__worker *workers;   /* [n_threads] */
  bf__series_plan *plan; /* of windows as long as those in work */
  uint32_t plan_steps;

  bf__word_counter *words; /* NULL: none have come */
  bf__piece_rows pieces[4 * BF__MAX_BUILDER_THREADS];
  size_t n_pieces;                  /* that are counted at once */
  uint64_t piece_rows, piece_bytes; /* of the piece that the last batch left open */
  const bf_string **tokens;         /* tagged: [BF__SLICE_ROWS] */

  uint64_t *label_counts;
  size_t n_labels, label_capacity;
};

/* The names of columns, and which of the data's are taken. Sets named, names, raw_names, column_list_hash, map,
 * raw_columns, projected, n_columns of kinds other than image. */
bf_status bf__builder_take_columns(bf__sketch_builder *b, const bf__sketch_source *source, bf_error *err);
/* Counts the words of rows [first, first + n) of the batch, and makes the view of texts and pairs in b->view. */
bf_status bf__builder_take_words(bf__sketch_builder *b, const bf_batch *batch, size_t first, size_t n, bf_error *err);
/* The first error of a worker. */
bf_status bf__builder_status(const bf__sketch_builder *b, bf_error *err);

#endif
