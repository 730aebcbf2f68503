/* What the files of this room share: the frame, a prepared sketch, the row of the strategy table.
 * src/rank may use it too (it measures a candidate, then frees it, and so prepares only what it needs). */
#ifndef BESTFIT_SRC_MEASURE_INTERNAL_H
#define BESTFIT_SRC_MEASURE_INTERNAL_H

#include <bestfit/measure.h>

#include "base/error.h"
#include "measure/l2lsh.h"
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

#define BF__DICTIONARY 300u                  /* words that word measures compare */
#define BF__WORD_CELLS (BF__DICTIONARY + 1u) /* with the spare one of a side that has none of them */
#define BF__POOLED_SOURCES 64u               /* of a frame, evenly strided, for what is pooled over words */
#define BF__POOLED_PARTITIONS 256u           /* the same for soft-adaptivity */

/* Defaults of the measures of partitions; strategies may have their own (bf_strategy_info). */
#define BF__DEFAULT_PARTITION_SIZE 500u
#define BF__DEFAULT_THRESHOLD 0.002
#define BF__DEFAULT_WORD_PARTITION_SIZE 300u
#define BF__DEFAULT_WORD_THRESHOLD 0.6

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

/* --- words (word_counts.c) -------------------------------------------------------------------------------------------
 */

#define BF__NOT_KEPT UINT32_MAX

/* A sketch's words with look-up, and what is known of those that it does not keep. */
typedef struct bf__word_counts {
  const bf__words *words;  /* NULL: the sketch has none */
  uint64_t *hashes;        /* [n_words] */
  uint16_t *slots;         /* 1 + number of a word, 0: free */
  double *rest;            /* [BF__HASHED_WORDS] occurrences of words that are not kept */
  double limit;            /* a word that is not kept has at most so many */
  double rare;             /* different words that are not kept, a cell */
  double mean_rest, noise; /* mean of rest; variance of what other words add to a cell */
} bf__word_counts;

uint64_t bf__word_hash(const bf__word *word);
bf_status bf__word_counts_init(bf__word_counts *counts, const bf_sketch *sketch, bf_error *err);
void bf__word_counts_deinit(bf__word_counts *counts);
/* Number of the word among the kept ones, or BF__NOT_KEPT. */
uint32_t bf__word_find(const bf__word_counts *counts, uint64_t hash);
/* Its count; where it is not kept the expected one, given a prior with this mean and deviation. */
double bf__word_expected(const bf__word_counts *counts, uint64_t hash, double mean, double deviation);

/* The BF__DICTIONARY most frequent kept words of two sides together, ties by bytes. */
typedef struct bf__pair_dictionary {
  uint32_t n;
  uint64_t hashes[BF__DICTIONARY];
  double counts[2][BF__DICTIONARY]; /* on each side, expected where it does not keep the word */
} bf__pair_dictionary;
/* `by_share`: both sides weigh the same; else their counts are added. */
bf_status bf__pair_dictionary_make(const bf__word_counts *source, const bf__word_counts *target, bool by_share,
                                   bf__pair_dictionary *out, bf_error *err);
/* Shares of n counts, BF__WORD_CELLS in all; the last cell takes everything where they sum to nothing. */
void bf__word_shares(const double *counts, size_t n, double out[BF__WORD_CELLS]);
/* Buckets of words joined to at most BF__WORD_PARTITIONS groups of about partition_size rows, each with words; returns
 * how many. of[b]: group of bucket b, or UINT32_MAX. The buckets of a target are permuted first (partition_histogram.c
 * says why). */
uint32_t bf__word_groups(const bf__words *words, const bf_measure_options *options, bool is_target,
                         uint32_t of[BF__WORD_PARTITIONS]);
/* Counts of a word in each group: those kept for it, or its expected count spread evenly. */
void bf__word_group_counts(const bf__word_counts *counts, const uint32_t of[BF__WORD_PARTITIONS], uint64_t hash,
                           double expected, double out[BF__WORD_PARTITIONS]);

/* Distributions over the same cells, with their entropies. */
typedef struct bf__profiles {
  size_t n, width;
  double *shares;    /* [n][width] */
  double *entropies; /* [n] */
} bf__profiles;
bf_status bf__profiles_init(bf__profiles *profiles, size_t n, size_t width, bf_error *err);
void bf__profiles_deinit(bf__profiles *profiles);

/* What a frame's sources say of words, with equal weight each. */
typedef struct bf__frame_words {
  double n_sources;  /* with words */
  double vocabulary; /* different words in all sources, at least 1; 0: no source has words */
  size_t n;          /* different kept words */
  uint64_t *hashes;
  double *shares; /* mean share in a source */
  double *idf;
  size_t n_slots; /* a power of two */
  uint32_t *slots;
  uint32_t n_dictionary;
  uint32_t dictionary[BF__DICTIONARY]; /* numbers of the most frequent */
} bf__frame_words;

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
  bf__frame_words words;
  bool soft_on_words;  /* what soft-adaptivity compares: words for text, pair and tagged, numbers for the others */
  bf__profiles pooled; /* partitions of the sources, at most BF__POOLED_PARTITIONS */
  bf__l2lsh *l2lsh;    /* published parameters */
};

/* As bf_frame_create(), with what is needed for these parts only. */
bf_status bf__frame_create(const bf_sketch *const *sources, size_t n_sources, const bf_measure_options *options,
                           unsigned parts, bf_frame **out, bf_error *err);
/* Copies the options with the seed filled in, and with the defaults of the numeric measures of partitions. */
bf_measure_options bf__measure_options(const bf_measure_options *options);
/* The same with the defaults of the measures of words. */
bf_measure_options bf__word_options(const bf_measure_options *options);
/* A sketch's centroids standardised and clipped, row-major [n_centroids][k]. `map` as bf__columns_map(). */
void bf__standardise(const bf_frame *frame, const bf_sketch *sketch, const uint32_t *map, float *out);

/* --- a prepared sketch ----------------------------------------------------------------------------------------------
 */

/* Parts of a prepared sketch; rank prepares only those that its measures read. */
enum {
  BF__PART_GAUSS = 1,
  BF__PART_POINTS = 2, /* bins, centroids, features, cells */
  BF__PART_DATA = BF__PART_GAUSS | BF__PART_POINTS,
  BF__PART_PAPER = 4,
  BF__PART_WORDS = 8,    /* counts */
  BF__PART_SOFT = 32,    /* partitions; on words with BF__PART_WORDS */
  BF__PART_SCALE = 64,   /* soft-adaptivity's tau, which only a target needs; with BF__PART_SOFT */
  BF__PART_HASHES = 128, /* keys of the paper's partitions; with BF__PART_PAPER */
  BF__PART_ALL = 255
};

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
  uint64_t *partition_keys;               /* [n_partitions][BF__L2LSH_TABLES] */
  uint64_t *target_keys;                  /* [n_target_partitions][BF__L2LSH_TABLES] */

  /* words */
  bf__word_counts words;
  double *tfidf; /* [words.words->n_words] ln(1 + count) * idf */
  bf__profiles soft;
  double tau; /* median divergence of all pairs of a pooled partition and one of these; NaN: none */
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
bf_status bf__frame_words_make(bf_frame *frame, const bf_sketch *const *sources, size_t n_sources, bf_error *err);
void bf__frame_words_deinit(bf__frame_words *words);
double bf__idf(double document_frequency);
/* Of a word; where no source of the frame keeps it that of document frequency 0. */
double bf__frame_idf(const bf__frame_words *words, uint64_t hash);
bf_status bf__tfidf_prepare(bf_prepared *prepared, bf_error *err);
bf_status bf__soft_pool(bf_frame *frame, const bf_sketch *const *sources, size_t n_sources, bf_error *err);
bf_status bf__soft_prepare(bf_prepared *prepared, bf_error *err);
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

typedef bf_status (*bf__raw_words_fn)(const bf_documents *source, const bf_documents *target,
                                      const bf_measure_options *options, double *out, bf_error *err);

typedef struct bf__strategy {
  bf_strategy_info info;
  bf__measure_fn measure;     /* NULL: exists only in search */
  bf__raw_fn raw;             /* NULL: no form on raw rows */
  bf__raw_words_fn raw_words; /* NULL: no form on raw words */
  unsigned parts;             /* of bf_prepared that `measure` reads */
  bool depends_on_itself;     /* data compared with themselves have not always the closest value of the range */
} bf__strategy;
bf_status bf__strategy_find(const char *name, const bf__strategy **out, bf_error *err);
/* Row i of the measures, which bf_strategy_at() lists first; NULL past the end. */
const bf_strategy_info *bf__strategy_at(size_t i);
/* Whether a wish may be a mistyped name. */
bool bf__strategy_is_near(const char *wish, const char *name);

#define BF__COMPOSITE_MEASURES 5u
/* The measures whose z-scores a composite adds up for data of this kind; NULL past the end. */
const char *bf__composite_measure(const char *composite, bf_kind kind, size_t i);

/* paper-l2lsh (paper_l2lsh.c): the published hash; keys [n][BF__L2LSH_TABLES] of partitions (free()); pairs that
 * collide and have JS < threshold. */
bf_status bf__l2lsh_published(uint64_t seed, bf__l2lsh **out, bf_error *err);
bf_status bf__partition_keys(const bf__l2lsh *lsh, const bf__paper_histogram *partitions, size_t n, uint64_t **out,
                             bf_error *err);
uint64_t bf__colliding_matches(const bf__paper_histogram *source, const uint64_t *source_keys, size_t n_source,
                               const bf__paper_histogram *target, const uint64_t *target_keys, size_t n_target,
                               double threshold);
bf_status bf__hashes_prepare(bf_prepared *prepared, bf_error *err);

bf_status bf__hist_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__mmd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__centroid_distance(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__cell_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__gauss_kl_ts(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__gauss_kl_st(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_l2(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_adaptivity(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_l2lsh(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__raw_jsd(const bf_rows *source, const bf_rows *target, const bf_measure_options *options, double *out,
                      bf_error *err);
bf_status bf__raw_l2(const bf_rows *source, const bf_rows *target, const bf_measure_options *options, double *out,
                     bf_error *err);
bf_status bf__raw_adaptivity(const bf_rows *source, const bf_rows *target, const bf_measure_options *options,
                             double *out, bf_error *err);
bf_status bf__raw_l2lsh(const bf_rows *source, const bf_rows *target, const bf_measure_options *options, double *out,
                        bf_error *err);

bf_status bf__word_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__word_xent(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__tfidf_cosine(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__soft_adaptivity(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__minhash_jaccard(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_word_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_word_l2(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__paper_word_adaptivity(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err);
bf_status bf__raw_word_jsd(const bf_documents *source, const bf_documents *target, const bf_measure_options *options,
                           double *out, bf_error *err);
bf_status bf__raw_word_l2(const bf_documents *source, const bf_documents *target, const bf_measure_options *options,
                          double *out, bf_error *err);
bf_status bf__raw_word_adaptivity(const bf_documents *source, const bf_documents *target,
                                  const bf_measure_options *options, double *out, bf_error *err);
bf_status bf__raw_jaccard(const bf_documents *source, const bf_documents *target, const bf_measure_options *options,
                          double *out, bf_error *err);

/* Seed of the shuffle of a side's rows (from sketches: of the target's buckets) in paper-adaptivity (0: source, 1:
 * target). */
uint64_t bf__shuffle_seed(uint64_t seed, unsigned side);

#endif
