/* bestfit/sketch.h: a fixed-size statistical summary of a dataset, and its bytes.
 *
 * Question it answers: what must be kept of a dataset so that models can be ranked by it, without its rows?
 *
 * Method: one pass. Columns (moments and 63 quantiles of a seeded bottom-k sample of 16,384 rows), mean and covariance
 * of the view, up to 256 k-means centroids of the same sample, 64 row buckets with histograms of the raw cells on
 * power-of-two grids; of words the 1,000 most frequent, 4,096 hashed counts, 16 row buckets of the first 300, and 128
 * minima of hashes. The view, one for each kind, is what all this summarises: the columns themselves; 16 statistics a
 * channel of windows; 16 similarities of a pair, with its text; projections of images, of texts, of tokens (then a row
 * of the view is a token) and of more than 96 columns. docs/formats/sketch-v1.md lists every byte and the sources.
 *
 * Accuracy: exact counts; means, variances and covariances exact to float32, also with missing cells (which take their
 * column's mean in covariance and centroids); quantile rank error at most 1/126 + 0.0127 (with probability 0.99; all
 * rows are in the sample up to 16,384 rows); centroids 16 bit a column over its range; words exact up to some 240,000
 * different ones, beyond that short by at most a stated number (1/8,192 of all at worst); their number then to 0.8 %.
 * A merge adds at most 1/126 to the rank error of quantiles, and the rows' mean squared distance to its centroids is
 * at most 1.25 times that to the whole's; docs/formats/sketch-v1.md says what that does to each measure.
 * Memory: at most 192 KiB encoded; while building some 25 MB at most, with words 120 MB more, 400 KB a thread, and the
 * dataset's batch. A row counts with its first 1,048,576 words. Cost: 2 cores sketch about 4 million rows of 64 float32
 * columns a second, or 60 MB of English text, plus 0.1 s for the centroids. Determinism: equal rows, kind, range, seed
 * and min_count give equal bytes on every machine, format and number of threads (column names aside).
 * Thread-safety: a finished sketch is read-only and may be shared between threads.
 * Privacy: no row is stored, but a sketch is not anonymous: it holds extremes, quantiles and words. min_count leaves
 * out rare words and the outermost values; what that hides, and what not, is in docs/formats/sketch-v1.md.
 */
#ifndef BESTFIT_SKETCH_H
#define BESTFIT_SKETCH_H

#include <bestfit/dataset.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BF_SKETCH_MAX_BYTES (192u * 1024u)
#define BF_SKETCH_DEFAULT_SEED 20220706u
#define BF_SKETCH_DEFAULT_MIN_COUNT 5u

typedef struct bf_sketch bf_sketch;

typedef struct bf_sketch_options {
  size_t struct_size;
  uint64_t seed;      /* 0: BF_SKETCH_DEFAULT_SEED */
  uint32_t n_threads; /* 0: all cores */
  bf_progress_fn progress;
  void *progress_context;
  /* 0: BF_SKETCH_DEFAULT_MIN_COUNT, at most 64. Words that occur less often are not kept by name, and minima and maxima
   * are the min_count-th smallest and largest value. 1: nothing is left out, as the paper's measures need to be exact.
   */
  uint32_t min_count;
  /* NULL, or the sketch of a model: columns are taken by its names and in its order, so that projected views compare;
   * by position where one side has no names. Columns that it does not have are left out. Borrowed during the call. */
  const bf_sketch *like;
} bf_sketch_options;
#define BF_SKETCH_OPTIONS_INIT \
  { .struct_size = sizeof(bf_sketch_options) }

/* Reads the dataset to its end. Errors of bf_dataset_next(), BF_ERR_CANCELLED, BF_ERR_INVALID_ARGUMENT for a min_count
 * above 64, BF_ERR_MISMATCH where the data lack a column of `like` (named), are of another kind, or have windows of
 * another number of channels. A dataset of no rows gives a valid, empty sketch. */
BF_API BF_MUST_CHECK bf_status bf_sketch_build(bf_dataset *dataset, const bf_sketch_options *options, bf_sketch **out,
                                               bf_error *err);
BF_API void bf_sketch_free(bf_sketch *sketch);

/* The sketch of the rows of both. Counts, labels, hashed words, minima of hashes and row buckets (each side numbers its
 * rows from 0) add up exactly; so do words while both sides keep all of theirs, else within a number that is stated;
 * means, variances and covariances but for rounding; quantiles and centroids within the bounds above.
 * merge(a, b) and merge(b, a) are the same bytes; of more than two, those parts that are exact do not depend on the
 * grouping. BF_ERR_MISMATCH: other kind, columns, shape, range, seed or min_count. BF_ERR_LIMIT: more than 2^53 rows.
 * Cost: some 10 ms. */
BF_API BF_MUST_CHECK bf_status bf_sketch_merge(const bf_sketch *a, const bf_sketch *b, bf_sketch **out, bf_error *err);

/* Bytes of format v1. You own *out (free()). BF_ERR_LIMIT cannot happen: the encoder coarsens partitions to fit. */
BF_API BF_MUST_CHECK bf_status bf_sketch_encode(const bf_sketch *sketch, uint8_t **out, size_t *out_bytes,
                                                bf_error *err);
/* Reads untrusted bytes. BF_ERR_FORMAT: not a sketch, or a newer version. BF_ERR_CORRUPT: a length, checksum or value
 * that cannot be, with its byte position. BF_ERR_LIMIT: above BF_SKETCH_MAX_BYTES. */
BF_API BF_MUST_CHECK bf_status bf_sketch_decode(const uint8_t *bytes, size_t n_bytes, bf_sketch **out, bf_error *err);
/* Whether the bytes begin as a sketch does. */
BF_API bool bf_sketch_sniff(const uint8_t *bytes, size_t n_bytes);

BF_API bf_kind bf_sketch_kind(const bf_sketch *sketch);
BF_API uint64_t bf_sketch_rows(const bf_sketch *sketch);
BF_API uint64_t bf_sketch_seed(const bf_sketch *sketch);
/* Raw columns: cells a row of the data itself; 0 where images differ in size. */
BF_API uint64_t bf_sketch_raw_column_count(const bf_sketch *sketch);
/* Image shape of the data, false for other kinds or where sizes differ. */
BF_API bool bf_sketch_image_shape(const bf_sketch *sketch, uint32_t *height, uint32_t *width, uint32_t *channels);
/* Value of white of image data; 0 for other kinds. */
BF_API double bf_sketch_range_max(const bf_sketch *sketch);
/* Missing, NaN and infinite cells of the raw data. */
BF_API uint64_t bf_sketch_missing(const bf_sketch *sketch);
/* Whether the view is a projection (then its columns have no names and no meaning of their own). */
BF_API bool bf_sketch_projected(const bf_sketch *sketch);

/* One column of the view. */
typedef struct bf_column {
  const char *name; /* NULL: numbered */
  uint64_t count;   /* finite cells */
  uint64_t missing;
  double mean, variance; /* of the finite cells (population variance); 0 where count is 0 */
  float min, max;
  uint32_t n_quantiles;   /* 0 where count is 0, else 63 */
  const float *quantiles; /* ascending; quantile i stands for rank (i + 0.5) / n_quantiles */
} bf_column;
BF_API uint32_t bf_sketch_column_count(const bf_sketch *sketch);
BF_API BF_MUST_CHECK bf_status bf_sketch_column(const bf_sketch *sketch, uint32_t i, bf_column *out, bf_error *err);

/* Means and population variances of the raw columns [raw_column_count]; NULL where there are more than 4,096 or sizes
 * differ. */
BF_API const float *bf_sketch_raw_means(const bf_sketch *sketch);
BF_API const float *bf_sketch_raw_variances(const bf_sketch *sketch);

/* Words of kinds text, pair and tagged, and of features with columns of strings (column=value): occurrences in all (0:
 * none), an estimate of how many different ones, and the kept ones by falling count (NULL past the end). */
BF_API uint64_t bf_sketch_word_total(const bf_sketch *sketch);
BF_API double bf_sketch_word_distinct(const bf_sketch *sketch);
BF_API uint32_t bf_sketch_word_count(const bf_sketch *sketch);
BF_API const char *bf_sketch_word(const bf_sketch *sketch, uint32_t i, uint64_t *count, uint64_t *documents);

/* Labels of a labelled source with counts; 0 where there were none. The last may be "other" (above 1,000 labels). */
BF_API uint32_t bf_sketch_label_count(const bf_sketch *sketch);
BF_API const char *bf_sketch_label(const bf_sketch *sketch, uint32_t i, uint64_t *count);

#ifdef __cplusplus
}
#endif
#endif
