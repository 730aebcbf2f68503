/* The sketch in memory: plain data, as decoded from format v1. Read by src/sketch, src/measure and src/rank only.
 * Every array is owned by the sketch. A decoded sketch satisfies all invariants named here, whatever the bytes were. */
#ifndef BESTFIT_SRC_SKETCH_DATA_H
#define BESTFIT_SRC_SKETCH_DATA_H

#include <bestfit/sketch.h>

#define BF__SKETCH_VERSION 1u
#define BF__NAME_BYTES 64u       /* of a column or label name, without the terminator */
#define BF__MAX_VIEW_COLUMNS 96u /* wider views are projected */
#define BF__PROJECTED_COLUMNS 64u
#define BF__MAX_RAW_COLUMNS 4096u /* with raw means */
#define BF__QUANTILES 63u
#define BF__SAMPLE_ROWS 16384u /* bottom-k by seeded hash of row number */
#define BF__MAX_CENTROIDS 256u
#define BF__MIN_CENTROID_ROWS 8u
#define BF__PARTITIONS 64u      /* row buckets: bf__mix64(seed, row) >> 58 */
#define BF__PARTITION_BINS 256u /* at most, a bucket */
#define BF__MAX_LABELS 1000u

typedef struct bf__sketch_column {
  char name[BF__NAME_BYTES + 1]; /* "" where numbered */
  uint64_t count, missing;
  double mean, variance;          /* finite, 0 where count is 0 */
  float min, max;                 /* finite, min <= max, 0 where count is 0 */
  uint32_t n_quantiles;           /* 0 or BF__QUANTILES */
  float quantiles[BF__QUANTILES]; /* ascending, finite, within [min, max] */
} bf__sketch_column;

/* Histogram of all raw cells of one bucket of rows. Bin i holds values x with floor(x / 2^exponent) = base + i. */
typedef struct bf__partition {
  uint64_t rows;
  uint64_t count;   /* finite cells = sum of counts */
  double min, max;  /* exact float32 values; 0 where count is 0 */
  int32_t exponent; /* -149 .. 127 */
  int64_t base;
  uint32_t n_bins;  /* 0 where count is 0, else 1 .. BF__PARTITION_BINS */
  bool lattice;     /* every value is a multiple of 2^exponent: a bin's mass sits at its left edge, exactly */
  uint64_t *counts; /* [n_bins] */
} bf__partition;

typedef struct bf__label {
  char name[BF__NAME_BYTES + 1];
  uint64_t count;
} bf__label;

struct bf_sketch {
  bf_kind kind;
  uint64_t seed, rows;

  /* the raw array */
  uint64_t raw_columns;             /* 0: images differ in size */
  uint32_t height, width, channels; /* images of one size, else 0 */
  double range_max;                 /* images, else 0 */
  uint64_t missing;                 /* cells */
  uint64_t column_list_hash; /* XXH3 of the raw column names (or of their number where unnamed): projected views compare
                                only where equal; images: 0 */
  bool named;                /* columns have names */
  uint64_t raw_count;        /* finite cells in all */
  double raw_min, raw_max;   /* over all finite cells; 0 where raw_count is 0 */
  float *raw_means, *raw_variances; /* [raw_columns] or NULL */

  /* the view: dense rows of n_columns */
  bool projected;
  uint32_t n_columns;
  bf__sketch_column *columns; /* [n_columns] */
  uint8_t *left_out; /* [n_columns] 1: more than half missing, left out of the row-wise sections (its mean is used) */
  float *means;      /* [n_columns] of the view rows, missing cells filled with the column's mean */
  float *covariance; /* packed lower triangle, row i has i + 1 cells: [n_columns * (n_columns + 1) / 2]; population */

  uint32_t n_centroids;    /* 0 .. BF__MAX_CENTROIDS */
  float *centroids;        /* row-major [n_centroids][n_columns] */
  uint32_t *centroid_rows; /* [n_centroids] rows of the sample that each stands for, >= 1 */

  uint32_t n_partitions; /* 0 or BF__PARTITIONS */
  bf__partition *partitions;

  uint32_t n_labels;
  bf__label *labels;
};

/* A zeroed sketch; arrays are added by the builder or the decoder; bf_sketch_free() frees whatever is there. */
bf_sketch *bf__sketch_alloc(void);
/* Makes the columns numbered, as if the data had no column names: what is left depends on the cells alone. */
void bf__sketch_forget_names(bf_sketch *sketch);

#endif
