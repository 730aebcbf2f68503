/* bestfit/measure.h: sketch x sketch -> number, and the table of every strategy.
 *
 * Question it answers: how near is this source to this target, by which definition?
 *
 * The table (bf_strategy_at) is the one list of strategies: help, `bestfit strategies`, JSON and documentation are
 * printed from it. Formulas and sources: docs/strategies.md. Values are the named quantity (a divergence is >= 0 and
 * lower is closer); ranking flips signs by direction. NaN never leaves a strategy: an input without an answer is
 * BF_ERR_NOT_APPLICABLE, with the reason.
 *
 * Determinism: all randomness is seeded; equal sketches, options and seed give equal values (the base and the AVX2
 * variant of a kernel agree to the bit; BESTFIT_SIMD=scalar forces the former). Thread-safety: frames are read-only
 * once made.
 */
#ifndef BESTFIT_MEASURE_H
#define BESTFIT_MEASURE_H

#include <bestfit/sketch.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bf_direction { BF_LOWER_IS_CLOSER = 0, BF_HIGHER_IS_CLOSER = 1 } bf_direction;

typedef struct bf_strategy_info {
  const char *name; /* stable: "hist-jsd" */
  /* of measures "data", "words", "paper", "baseline", "composite"; of estimators (estimate.h) "confidence",
   * "consensus", "combined" */
  const char *family;
  /* "two sketches", "source accuracy", "nothing", "a repository"; "model outputs", "outputs and validation data",
   * "outputs of several models" … */
  const char *needs;
  bf_direction direction;
  double lowest, highest; /* range; infinities allowed */
  bool symmetric; /* within one frame: the order of its sources may change the last digits, or the planes drawn */
  bool has_raw;   /* also defined on raw rows (compare --raw) */
  const char *when_empty;  /* what an empty input gives */
  const char *source;      /* paper or part of docs/strategies.md */
  const char *summary;     /* one sentence */
  bool has_raw_words;      /* also defined on raw words (bf_measure_raw_words) */
  uint32_t partition_size; /* its defaults of bf_measure_options; 0: it has no such parameter */
  double threshold;
} bf_strategy_info;

/* Row i of the table, measures first, then estimators; NULL past the end. */
BF_API const bf_strategy_info *bf_strategy_at(size_t i);
/* Row of that name. BF_ERR_NOT_FOUND lists near names. */
BF_API BF_MUST_CHECK bf_status bf_strategy_find(const char *name, const bf_strategy_info **out, bf_error *err);

/* Parameters of the paper's measures. */
typedef struct bf_measure_options {
  size_t struct_size;
  uint64_t seed;               /* 0: BF_SKETCH_DEFAULT_SEED */
  uint32_t partition_size;     /* rows; 0: the strategy's own (bf_strategy_info) */
  double adaptivity_threshold; /* 0: the strategy's own */
  uint32_t n_threads;          /* 0: all cores */
} bf_measure_options;
#define BF_MEASURE_OPTIONS_INIT \
  { .struct_size = sizeof(bf_measure_options) }

/* The common frame of one group of candidates: standardisation, bin edges, random features, hash planes, all derived
 * from the candidate sources with equal weight each (`compare`: from its two sketches). */
typedef struct bf_frame bf_frame;
/* The frame has the columns of the first source, matched by name where both sides have names, else by position; other
 * sources may have more named columns, which are ignored. Columns that are constant over the sources are dropped. The
 * first source must outlive the frame. Cost: some 10 to 20 ms, and a sort of the quantiles of all sources a column.
 * BF_ERR_MISMATCH: a source differs in kind or lacks a column (named), or has projected columns of another list.
 * BF_ERR_INVALID_ARGUMENT: no source. */
BF_API BF_MUST_CHECK bf_status bf_frame_create(const bf_sketch *const *sources, size_t n_sources,
                                               const bf_measure_options *options, bf_frame **out, bf_error *err);
BF_API void bf_frame_free(bf_frame *frame);
/* Names of columns that are constant over the sources and thus left out (borrowed; NULL past the end). */
BF_API const char *bf_frame_dropped_column(const bf_frame *frame, size_t i);

/* A sketch as seen in a frame: standardised centroids, features, cells, factored covariance, partition histograms,
 * words; reusable over measures. Takes 1 to 2 ms and some 300 KiB (64 columns, 256 centroids), with soft-adaptivity's
 * scale up to 10 ms more in a frame of many sources; a measure of a prepared pair takes 1 to 50 microseconds, one of
 * words up to 0.2 ms. */
typedef struct bf_prepared bf_prepared;
/* BF_ERR_MISMATCH: a column of the frame is missing in the sketch (named), or the kind differs, or projected views of
 * unequal column lists. The sketch and the frame must outlive the result. */
BF_API BF_MUST_CHECK bf_status bf_prepared_create(const bf_frame *frame, const bf_sketch *sketch, bf_prepared **out,
                                                  bf_error *err);
BF_API void bf_prepared_free(bf_prepared *prepared);

/* Value of the measure `name` of a source for a target, both prepared in the same frame.
 * BF_ERR_NOT_APPLICABLE: an input without an answer, with the reason. BF_ERR_NOT_FOUND: no measure of that name (an
 * estimator is none).
 * BF_ERR_UNSUPPORTED: a strategy that exists only in search. */
BF_API BF_MUST_CHECK bf_status bf_measure(const char *name, const bf_prepared *source, const bf_prepared *target,
                                          double *out, bf_error *err);

/* The paper's measure `name` on raw rows, exact by definition: paper-jsd, paper-l2, paper-adaptivity. Cells that are
 * not finite are skipped. The shuffle of paper-adaptivity is a Fisher-Yates of each side's rows, seeded from
 * options->seed with a stream of its own a side. paper-l2 needs equal columns (BF_ERR_NOT_APPLICABLE with both numbers
 * otherwise). Cost: two reads of the rows; 8 bytes a row of memory. 10,000 x 3,072 against the same in partitions of
 * 800: 0.1 s on two cores. BF_ERR_UNSUPPORTED: the strategy has no raw form. Others as bf_measure. */
BF_API BF_MUST_CHECK bf_status bf_measure_raw(const char *name, const bf_rows *source, const bf_rows *target,
                                              const bf_measure_options *options, double *out, bf_error *err);

/* The same on words, exact by definition: paper-word-jsd, paper-word-l2, paper-word-adaptivity, minhash-jaccard (then
 * the Jaccard similarity of the sets of words). Words are those of the paper's rule (docs/strategies.md, part 1).
 * Memory: the different words of both sides. BF_ERR_NOT_APPLICABLE: a side without rows or words. BF_ERR_UNSUPPORTED:
 * the strategy has no form on raw words. Others as bf_measure. */
BF_API BF_MUST_CHECK bf_status bf_measure_raw_words(const char *name, const bf_documents *source,
                                                    const bf_documents *target, const bf_measure_options *options,
                                                    double *out, bf_error *err);

/* Jensen-Shannon divergence of every (target partition, source partition) from two sketches, 100 bins, natural
 * logarithm: row-major [*n_target][*n_source] in *out (you own it, free()). Partitions as in paper-adaptivity.
 * BF_ERR_NOT_APPLICABLE: a side without partitions. */
BF_API BF_MUST_CHECK bf_status bf_partition_matrix(const bf_sketch *source, const bf_sketch *target,
                                                   const bf_measure_options *options, double **out, size_t *n_target,
                                                   size_t *n_source, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
