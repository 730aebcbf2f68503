/* The sketch in memory: plain data, as decoded from format v1. Read by src/sketch, src/measure and src/rank only.
 * Every array is owned by the sketch. A decoded sketch satisfies all invariants named here, whatever the bytes were. */
#ifndef BESTFIT_SRC_SKETCH_DATA_H
#define BESTFIT_SRC_SKETCH_DATA_H

#include <bestfit/sketch.h>

#include "dataset/pair_similarities.h"

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
  double mean, variance;          /* finite, 0 where count is 0; min <= mean <= max where min_count is 1 */
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

#define BF__WORDS 1000u          /* most frequent words that are kept by name */
#define BF__HASHED_WORDS 4096u   /* hashed counts: cell bf__xxh64(word, seed 0) >> 52 */
#define BF__WORD_PARTITIONS 16u  /* row buckets of words: the dense bucket >> 2 */
#define BF__PARTITION_WORDS 300u /* the first so many of the words are counted in each word partition */
#define BF__MINHASH 128u
#define BF__MAX_MIN_COUNT 64u     /* extremes are trimmed by at most so many values */
#define BF__SERIES_STATISTICS 16u /* view columns of a channel */
#define BF__TEXT_COLUMNS 48u      /* projected columns of pairs and tokens */
#define BF__NAMES_BYTES 32768u    /* of the names of raw columns behind a projection */

/* A word of base/words.h (stop words are out), cut to 64 bytes at a character. */
typedef struct bf__word {
  char word[BF__NAME_BYTES + 1];
  uint64_t count;     /* occurrences, >= 1 */
  uint64_t documents; /* rows that hold it, 1 .. count */
} bf__word;

/* Words of one bucket of rows. */
typedef struct bf__word_partition {
  uint64_t rows;
  uint64_t total;                       /* all words */
  uint64_t counts[BF__PARTITION_WORDS]; /* of the sketch's first words; 0 beyond n_words; sum <= total */
} bf__word_partition;

/* The words of a dataset: text, pair (values of all attributes of both sides), tagged (tokens), features with string
 * columns (column=value). */
typedef struct bf__words {
  uint64_t total;     /* words in all */
  uint64_t documents; /* rows */
  double distinct;    /* estimate of different words (exact up to the capacity of the builder) */
  uint64_t lost;    /* a kept word's count and documents are short of the truth by at most this; a word that is not kept
                       has at most    this, the last kept one's count (where BF__WORDS are kept) or min_count - 1 more; 0:
                       nothing was lost */
  uint32_t n_words; /* 0 .. BF__WORDS */
  bf__word *words;  /* by falling count, then by bytes */
  uint64_t hashed[BF__HASHED_WORDS]; /* sum = total */
  bf__word_partition partitions[BF__WORD_PARTITIONS];
  uint64_t minhash[BF__MINHASH]; /* smallest bf__mix64(i, word hash) over the different words; UINT64_MAX where there is
                                    none */
} bf__words;

struct bf_sketch {
  bf_kind kind;
  uint64_t seed, rows;

  /* the raw array */
  uint64_t raw_columns;             /* 0: images differ in size */
  uint32_t height, width, channels; /* images of one size, else 0; channels also of series */
  double range_max;                 /* images, else 0 */
  uint64_t missing;                 /* cells; missing strings of text and pair */
  uint64_t column_list_hash; /* XXH3 of the raw column names (or of their number where unnamed): projected views compare
                                only where equal; images: 0 */
  bool named;                /* columns have names */
  uint64_t raw_count;        /* finite cells in all */
  double raw_min, raw_max;   /* over all finite cells; 0 where raw_count is 0 */
  float *raw_means, *raw_variances;      /* [raw_columns] or NULL */
  char (*raw_names)[BF__NAME_BYTES + 1]; /* [raw_columns] of named features behind a projection, where they fit
                                            BF__NAMES_BYTES; else NULL */

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

  bf__words *words;   /* NULL: the kind or the data have none */
  uint64_t view_rows; /* rows of the view: tokens for kind tagged, else rows */
  uint32_t steps;     /* series of one length, else 0; their channels are in `channels`, whatever the lengths */
  uint32_t
      min_count; /* words rarer than this were dropped and extremes trimmed to the min_count-th value; 1: nothing was */
};

/* Kinds whose rows are words, without numbers of their own. */
static inline bool bf__kind_is_text(bf_kind kind) {
  return kind == BF_KIND_TEXT || kind == BF_KIND_PAIR || kind == BF_KIND_TAGGED;
}
/* A zeroed sketch; arrays are added by the builder or the decoder; bf_sketch_free() frees whatever is there. */
bf_sketch *bf__sketch_alloc(void);
/* Makes the columns numbered, as if the data had no column names: what is left depends on the cells alone. */
void bf__sketch_forget_names(bf_sketch *sketch);

#endif
