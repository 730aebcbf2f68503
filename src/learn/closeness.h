/* Sketches against sketches in one frame: every data measure that the learned ranker reads, and distances of domains.
 */
#ifndef BESTFIT_SRC_LEARN_CLOSENESS_H
#define BESTFIT_SRC_LEARN_CLOSENESS_H

#include "measure/measure_internal.h"

enum {
  BF__HIST_JSD,
  BF__MMD,
  BF__CENTROID_DISTANCE,
  BF__CELL_JSD,
  BF__GAUSS_KL_TS,
  BF__GAUSS_KL_ST,
  BF__N_DENSE_CLOSENESS,
  BF__WORD_JSD = BF__N_DENSE_CLOSENESS,
  BF__WORD_XENT,
  BF__SOFT_ADAPTIVITY,
  BF__TFIDF_COSINE,
  BF__N_FEATURE_CLOSENESS,
  BF__UNIGRAM_JSD = BF__N_FEATURE_CLOSENESS, /* of the hashed counts of all words: for distances only */
  BF__N_CLOSENESS
};

typedef struct bf__closeness {
  size_t n_sources;
  const bf_sketch **sketches; /* [n_sources] borrowed; NULL: none */
  bf_frame *frame;            /* NULL: no source has a sketch */
  bf_prepared **prepared;     /* [n_sources] NULL: not comparable with the frame's columns */
  bool words;                 /* a source has some */
  unsigned parts;
  uint32_t n_threads;
} bf__closeness;

/* The frame of sources that share most columns. sketches: [n], NULL where a model has none; borrowed. */
bf_status bf__closeness_init(bf__closeness *c, const bf_sketch *const *sketches, size_t n,
                             const bf_measure_options *options, bf_error *err);
void bf__closeness_deinit(bf__closeness *c);
/* Values of sources for a target: out[n][BF__N_CLOSENESS], NaN without an answer. A source is a number of the frame's
 * sources or, where that is SIZE_MAX, a sketch of its own. */
bf_status bf__closeness_measure(const bf__closeness *c, const size_t *sources, const bf_sketch *const *sketches,
                                size_t n, const bf_sketch *target, double *out, bf_error *err);
/* The data-only default of search from these values: z-score of a sum of z-scores, higher is closer. out[n]; NaN for
 * all where there is no value at all. */
bf_status bf__closeness_similarity(const double *values, size_t n, bf_kind kind, double *out, bf_error *err);

/* --- distances of domains --- */

/* Median over pairs of each measure that a distance is made of; 0: unknown. */
typedef struct bf__distance_scale {
  double median[BF__N_CLOSENESS];
} bf__distance_scale;
/* values: [n][n][BF__N_CLOSENESS] of domain u as source for v. Scale and the symmetric distances [n][n]. */
bf_status bf__distances(const double *values, size_t n, bf__distance_scale *scale, double *out, bf_error *err);
/* Distance from one source's values for a target; 1 (the median) where nothing is known. */
double bf__distance_of(const bf__distance_scale *scale, const double *values);

#endif
