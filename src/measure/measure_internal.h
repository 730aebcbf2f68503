/* What the files of this room share: the frame, a prepared sketch, the row of the strategy table.
 * src/rank may use it too (it measures a candidate, then frees it, and so prepares only what it needs). */
#ifndef BESTFIT_SRC_MEASURE_INTERNAL_H
#define BESTFIT_SRC_MEASURE_INTERNAL_H

#include <bestfit/measure.h>

#include "base/error.h"
#include "sketch/sketch_data.h"

#define BF__BINS 16u /* hist-jsd */
#define BF__EDGES (BF__BINS - 1u)
#define BF__FEATURES 256u   /* mmd: random Fourier features */
#define BF__TABLES 8u       /* cell-jsd */
#define BF__PLANES 8u       /* hyperplanes a table */
#define BF__CELLS 256u      /* 2^BF__PLANES */
#define BF__ALL_PLANES 64u  /* BF__TABLES * BF__PLANES */
#define BF__REDUCED 64u     /* centroid-distance: centroids at most */
#define BF__PAPER_BINS 100u /* the paper's histograms */
#define BF__CLIP 8.0        /* standardised values */

#define BF__DEFAULT_PARTITION_SIZE 500u
#define BF__DEFAULT_THRESHOLD 0.002

/* --- columns --------------------------------------------------------------------------------------------------------
 */

typedef struct bf__frame_column {
  uint32_t source;         /* its number in the frame's first source */
  double mean, deviation;  /* pooled over the sources, each with equal weight */
  double edges[BF__EDGES]; /* ascending, in raw units */
} bf__frame_column;

/* For each of the reference's columns, its number in `other`: map[reference->n_columns]. By name where both have names,
 * else by position. BF_ERR_MISMATCH with what differs; `whom` names the other in the message ("the target"). */
bf_status bf__columns_map(const bf_sketch *reference, const bf_sketch *other, const char *whom, uint32_t *map,
                          bf_error *err);
/* Name of a view column, or "column 17" written to the buffer. */
const char *bf__column_label(const bf_sketch *sketch, uint32_t column, char buffer[BF__NAME_BYTES + 1]);

/* P(X < x) of a column's quantile summary; 0 for an empty column. */
double bf__column_below(const bf__sketch_column *column, double x);
/* The inverse, piecewise linear; probability in [0, 1]. */
double bf__column_quantile(const bf__sketch_column *column, double probability);
/* The pooled quantiles 1/16 .. 15/16 of columns with equal weight. BF_ERR_NOT_APPLICABLE: all are empty. */
bf_status bf__pooled_edges(const bf__sketch_column *const *columns, size_t n_columns, double edges[BF__EDGES],
                           bf_error *err);
/* Relative frequencies, all 0 for an empty column. */
void bf__column_masses(const bf__sketch_column *column, const double edges[BF__EDGES], double out[BF__BINS]);
/* Smoothed ones: (n * mass + 0.25) / (n + 4). */
void bf__column_bins(const bf__sketch_column *column, const double edges[BF__EDGES], double out[BF__BINS]);

/* --- divergences ----------------------------------------------------------------------------------------------------
 */

/* Jensen-Shannon divergence of two distributions of n cells, in [0, ln 2]. */
double bf__jsd(const double *p, const double *q, size_t n);

/* A histogram of BF__PAPER_BINS with the square roots of its cells. */
typedef struct bf__paper_histogram {
  double share[BF__PAPER_BINS];
  double root[BF__PAPER_BINS];
} bf__paper_histogram;
/* Shares and roots from masses; false where they sum to nothing. */
bool bf__paper_histogram_set(bf__paper_histogram *out, const double mass[BF__PAPER_BINS]);
/* Whether JS(p, q) < threshold, by the Hellinger bounds where they decide. */
bool bf__paper_near(const bf__paper_histogram *p, const bf__paper_histogram *q, double threshold);
/* #{(a,b): JS < threshold} over all pairs. */
uint64_t bf__paper_matches(const bf__paper_histogram *source, size_t n_source, const bf__paper_histogram *target,
                           size_t n_target, double threshold);

/* JS of a target partition to the source partition nearest by Hellinger distance (at most 1/ln 2 of the smallest JS);
 * whether any is below the threshold. */
double bf__paper_closest(const bf__paper_histogram *target, const bf__paper_histogram *source, size_t n_source,
                         double threshold, bool *near);

/* --- partitions of a sketch ------------------------------------------------------------------------------------------
 */

/* All buckets as one histogram over [raw_min, raw_max]. False: no finite cell. */
bool bf__sketch_histogram(const bf_sketch *sketch, bf__paper_histogram *out);
/* Buckets joined to partitions of about partition_size rows, each over its own range; empty ones are left out. The
 * target's buckets are permuted before (options->seed). *out (free()) holds *n_out; NULL and 0 where there is none. */
bf_status bf__sketch_partitions(const bf_sketch *sketch, const bf_measure_options *options, bool is_target,
                                bf__paper_histogram **out, size_t *n_out, bf_error *err);

/* --- the frame ------------------------------------------------------------------------------------------------------
 */

struct bf_frame {
  bf_measure_options options; /* defaults filled in */
  const bf_sketch *reference; /* the first source; must outlive the frame */
  uint32_t n_columns;         /* k, constant columns dropped */
  bf__frame_column *columns;  /* [n_columns] */
  uint32_t n_dropped;
  char (*dropped)[BF__NAME_BYTES + 1];
  uint32_t n_reduced;         /* centroids to reduce to; 0: no source has any */
  double bandwidth;           /* median distance of pooled centroids; 0: none */
  float *frequencies;         /* [n_columns][BF__FEATURES], already divided by the bandwidth and 2 pi */
  float phases[BF__FEATURES]; /* in turns */
  float *planes;              /* [n_columns][BF__ALL_PLANES] */
  float medians[BF__ALL_PLANES];
};

/* Copies the options with the defaults filled in. */
bf_measure_options bf__measure_options(const bf_measure_options *options);
/* A sketch's centroids standardised and clipped, row-major [n_centroids][k]. `map` as bf__columns_map(). */
void bf__standardise(const bf_frame *frame, const bf_sketch *sketch, const uint32_t *map, float *out);

/* --- a prepared sketch ----------------------------------------------------------------------------------------------
 */

/* Parts of a prepared sketch; rank prepares the paper's only when they are asked for. */
enum { BF__PART_DATA = 1, BF__PART_PAPER = 2, BF__PART_ALL = 3 };

struct bf_prepared {
  const bf_frame *frame;
  const bf_sketch *sketch;
  uint32_t *map; /* frame->reference's columns -> the sketch's */
  unsigned parts;

  double (*bins)[BF__BINS]; /* hist-jsd: [k] */

  /* NULL and 0 without centroids */
  uint32_t n_points;
  float *points;   /* [n_points][k] */
  double *weights; /* [n_points], sum 1 */
  uint32_t n_reduced;
  float *reduced; /* [n_reduced][k] */
  double *reduced_weights;
  double features[BF__FEATURES];
  double (*cells)[BF__CELLS]; /* [BF__TABLES], smoothed shares */

  /* gauss-kl; NULL where not applicable, then gauss_why says why */
  double *mean;       /* [k] */
  double *covariance; /* lower triangle, standardised, not shrunk; row-major [k][k] */
  double *factor;     /* lower triangle of the shrunk covariance, row-major [k][k] */
  double log_determinant;
  const char *gauss_why;

  /* paper */
  bool has_histogram;
  bf__paper_histogram histogram;
  size_t n_partitions, n_target_partitions;
  bf__paper_histogram *partitions;        /* as a source */
  bf__paper_histogram *target_partitions; /* as a target: of permuted buckets */
};

/* As bf_prepared_create(), with the parts wanted and the number of centroids to reduce to (0: the frame's own). */
bf_status bf__prepared_create(const bf_frame *frame, const bf_sketch *sketch, unsigned parts, uint32_t n_reduced,
                              bf_prepared **out, bf_error *err);

/* Weighted k-means of n points [n][k] to at most m centres [m][k]: deterministic (greedy start, at most 10 rounds).
 * Returns how many. */
uint32_t bf__reduce_points(const float *points, const double *weights, uint32_t n, uint32_t k, uint32_t m,
                           float *centres, double *centre_weights, bf_status *status, bf_error *err);

/* Kernels over standardised points: each fills a part of `prepared`. */
void bf__mmd_features(const bf_frame *frame, const float *points, const double *weights, uint32_t n,
                      double out[BF__FEATURES]);
void bf__plane_products(const bf_frame *frame, const float *point, float out[BF__ALL_PLANES]);
/* Shrunk Gaussian and its factor; the standardised covariance stays in prepared->covariance. */
bf_status bf__gauss_prepare(bf_prepared *prepared, bf_error *err);
/* After bf__gauss_prepare(): reads the covariance. */
bf_status bf__cells_prepare(bf_prepared *prepared, bf_error *err);

#define BF__NO_COLUMN "every column holds a single value throughout the sources' data: nothing to compare by"
/* BF_ERR_NOT_APPLICABLE where the frame has no column or a side has no centroids. */
bf_status bf__needs_centroids(const bf_prepared *source, const bf_prepared *target, bf_error *err);
/* For qsort(); no NaN. */
int bf__compare_doubles(const void *a, const void *b);

/* --- the table ------------------------------------------------------------------------------------------------------
 */

typedef bf_status (*bf__measure_fn)(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
typedef bf_status (*bf__raw_fn)(const bf_rows *source, const bf_rows *target, const bf_measure_options *options,
                                double *out, bf_error *err);

typedef struct bf__strategy {
  bf_strategy_info info;
  bf__measure_fn measure; /* NULL: exists only in search */
  bf__raw_fn raw;         /* NULL: no raw form */
  unsigned parts;         /* of bf_prepared that `measure` reads */
} bf__strategy;
bf_status bf__strategy_find(const char *name, const bf__strategy **out, bf_error *err);

bf_status bf__hist_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__mmd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__centroid_distance(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__cell_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__gauss_kl_ts(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__gauss_kl_st(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_l2(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_adaptivity(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__raw_jsd(const bf_rows *source, const bf_rows *target, const bf_measure_options *options, double *out,
                      bf_error *err);
bf_status bf__raw_l2(const bf_rows *source, const bf_rows *target, const bf_measure_options *options, double *out,
                     bf_error *err);
bf_status bf__raw_adaptivity(const bf_rows *source, const bf_rows *target, const bf_measure_options *options,
                             double *out, bf_error *err);

/* Seed of the shuffle of a side's rows (from sketches: of the target's buckets) in paper-adaptivity (0: source, 1:
 * target). */
uint64_t bf__shuffle_seed(uint64_t seed, unsigned side);

#endif
