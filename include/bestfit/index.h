/* bestfit/index.h: near histograms among many, by L2-LSH.
 *
 * Question it answers: which of very many stored histograms have a small Jensen-Shannon divergence to this one, without
 * looking at all of them?
 *
 * Method: paper-l2lsh. Tables of Datar et al. (SoCG 2004), "Locality-Sensitive Hashing Scheme Based on p-Stable
 * Distributions", over v = sqrt(P), with the parameters of "Benchmark of DNN Model Search at Deployment Time" (SSDBM
 * 2022): h(v) = ceil((a.v + b)/r), K hashes a table, L tables; a histogram is a candidate where it shares a table's K
 * codes, and candidates are verified. With H^2 = 1/2 |sqrt(P) - sqrt(Q)|^2: ln 2 * H^2 <= JS <= H^2, so that most are
 * verified without a logarithm. Deviation: a and v are rounded to multiples of 2^-11 and 2^-14.
 * Accuracy: an answer never holds a histogram at or above the threshold (up to 1e-6, cells are float32); one at L2
 * distance c = sqrt(2) H is found with probability 1 - (1 - p(c)^K)^L, p(c) = 1 - 2 Phi(-r/c) - 2/(sqrt(2 pi) r/c)
 * (1 - exp(-r^2/(2 c^2))): with the published parameters 1.00 at JS = 0.02, 0.92 to 0.99 at 0.05,
 * 0.44 to 0.75 at 0.1 (docs/index.md has what that means on real data, and when bf_index_scan() is the better choice).
 * Memory in bytes: 2 * 6*ceil(K/6) * 8*ceil(L/8) * n_bins for the projections; at most
 * n * (15 * L + 4 * 8*ceil(n_bins/8) + 2 * 16*ceil(n_bins/16) + 8) for n histograms added in one call (100,000 with the
 * published parameters: 134 MB), up to twice that where they come in many calls, and both the old and the new while it
 * grows; an answer takes 6 bytes a histogram and thread.
 * Determinism: equal parameters, seed and histograms give equal answers with any number of threads, histograms a call
 * and registers: sums of products are integers. (The normal numbers are drawn with libm: another one may round a few
 * differently.)
 * Thread-safety: bf_index_query() and bf_index_scan() may run from several threads at once, each with an answer of its
 * own, while nothing is added.
 */
#ifndef BESTFIT_INDEX_H
#define BESTFIT_INDEX_H

#include <bestfit/sketch.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_index bf_index;

/* The macro fills in the published parameters; 0 is refused, but for seed and n_threads. */
typedef struct bf_index_options {
  size_t struct_size;
  uint64_t seed;      /* 0: BF_SKETCH_DEFAULT_SEED */
  double width;       /* r, 0.001 to 1,000 */
  uint32_t n_hashes;  /* K, a table: 1 to 64 */
  uint32_t n_tables;  /* L: 1 to 1,000 */
  uint32_t n_bins;    /* of a histogram: 1 to 1,024 */
  uint32_t n_threads; /* 0: all cores; used from 256 histograms a call on */
} bf_index_options;
#define BF_INDEX_OPTIONS_INIT \
  { .struct_size = sizeof(bf_index_options), .width = 1.3, .n_hashes = 11, .n_tables = 46, .n_bins = 100 }
#define BF_INDEX_DEFAULT_THRESHOLD 0.1

/* options NULL: the published parameters. BF_ERR_INVALID_ARGUMENT: a parameter out of its range, named. Cost: some 30
 * ns a projected cell, 1.5 ms with the published parameters. */
BF_API BF_MUST_CHECK bf_status bf_index_create(const bf_index_options *options, bf_index **out, bf_error *err);
BF_API void bf_index_free(bf_index *index);

/* Adds n histograms, row-major [n][n_bins]: counts or shares, finite and not negative, of a positive sum; each under an
 * id of the caller's, which may repeat. All or none are added. BF_ERR_INVALID_ARGUMENT names histogram (also as
 * position) and cell. BF_ERR_LIMIT: above 2^31 histograms. Cost: some 1 to 2 microseconds each with the published
 * parameters where many come in one call. */
BF_API BF_MUST_CHECK bf_status bf_index_add(bf_index *index, const uint64_t *ids, const float *histograms, size_t n,
                                            bf_error *err);
/* Histograms in the index. */
BF_API uint64_t bf_index_count(const bf_index *index);
BF_API uint32_t bf_index_bin_count(const bf_index *index);

typedef struct bf_index_match {
  uint64_t id;
  uint32_t number;   /* of the histogram, in order of addition from 0 */
  uint32_t n_tables; /* tables in which it collides; 0 from bf_index_scan() */
  float hellinger2;  /* squared Hellinger distance H^2: JS lies in [ln 2 * H^2, H^2] */
} bf_index_match;

/* Answers to the queries of one call; made once, used for any number of calls. */
typedef struct bf_index_answer bf_index_answer;
BF_API BF_MUST_CHECK bf_status bf_index_answer_create(bf_index_answer **out, bf_error *err);
BF_API void bf_index_answer_free(bf_index_answer *answer);

/* Answers n queries [n][n_bins]: the colliding histograms with JS < threshold, by falling number of tables, then by
 * distance, then by number. A threshold of INFINITY gives every candidate. BF_ERR_INVALID_ARGUMENT: a histogram as
 * bf_index_add() refuses it, or a threshold that is not positive. After an error the answer is empty. */
BF_API BF_MUST_CHECK bf_status bf_index_query(const bf_index *index, const float *histograms, size_t n,
                                              double threshold, bf_index_answer *answer, bf_error *err);
/* The same without the tables: exact, every histogram is looked at, and left as soon as its Hellinger distance rules it
 * out. By distance, then by number. */
BF_API BF_MUST_CHECK bf_status bf_index_scan(const bf_index *index, const float *histograms, size_t n, double threshold,
                                             bf_index_answer *answer, bf_error *err);

/* Matches of query `query`, borrowed until the answer's next use; NULL and 0 where there is none. */
BF_API const bf_index_match *bf_index_answer_matches(const bf_index_answer *answer, size_t query, size_t *n_matches);
/* Histograms that were looked at to answer it. */
BF_API uint64_t bf_index_answer_candidates(const bf_index_answer *answer, size_t query);

/* Adds every partition of a sketch (as in paper-adaptivity; partition_size 0: 500 rows) under one id.
 * BF_ERR_NOT_APPLICABLE: it has none. BF_ERR_MISMATCH: the index has other than 100 bins. */
BF_API BF_MUST_CHECK bf_status bf_index_add_sketch(bf_index *index, uint64_t id, const bf_sketch *sketch,
                                                   uint32_t partition_size, bf_error *err);

typedef struct bf_index_source {
  uint64_t id;
  uint32_t n_found;  /* target partitions that found a partition of this id */
  uint64_t n_pairs;  /* pairs found, of a partition of this id and a target partition */
  double share;      /* n_found / target partitions, in [0, 1] */
  double adaptivity; /* n_pairs / target partitions: paper-l2lsh */
} bf_index_source;

/* The ids that the partitions of a target sketch find, by falling adaptivity, then share, then id. You own *out
 * (free()); NULL and 0 where nothing was found. Errors as bf_index_add_sketch() and bf_index_query(). */
BF_API BF_MUST_CHECK bf_status bf_index_query_sketch(const bf_index *index, const bf_sketch *target,
                                                     uint32_t partition_size, double threshold, bf_index_source **out,
                                                     size_t *n_out, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
