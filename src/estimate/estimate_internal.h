/* What the files of this room share: the panel, its rows of probabilities, the agreement of its models, small solvers.
 */
#ifndef BESTFIT_SRC_ESTIMATE_INTERNAL_H
#define BESTFIT_SRC_ESTIMATE_INTERNAL_H

#include <bestfit/estimate.h>
#include <pthread.h>
#include <stdint.h>

#include "base/error.h"

#define BF__NO_VOTE UINT16_MAX
#define BF__MAX_PANEL_CLASSES 65535u /* a class number is below BF__NO_VOTE */
#define BF__MAX_PANEL_MODELS 10000u
#define BF__SMALLEST_PROBABILITY 1e-12 /* probabilities as logits: ln max(p, this) */

/* ---- the panel (panel.c) ---- */

typedef struct bf__member {
  const bf_panel_model *given;
  size_t n_kept;      /* classes of its own that the panel has */
  uint32_t *kept;     /* [n_kept] numbers among its own */
  uint16_t *to_panel; /* [n_kept] numbers of the panel */
  double temperature;
  size_t n_answered; /* items */
} bf__member;

/* What several estimators need, made when first asked for. */
#define BF__MAX_ESTIMATORS 32u
typedef struct bf__panel_cache {
  pthread_mutex_t lock;
  double *agreement;
  bf_estimate_value *values[BF__MAX_ESTIMATORS]; /* by row of the table */
} bf__panel_cache;

struct bf_panel {
  size_t n_models, n_items, n_classes;
  const char **classes; /* [n_classes] sorted by bytes, borrowed from the models */
  bf_panel_options options;
  bf_panel_model *models; /* [n_models] copies; what they point to is borrowed */
  bf__member *members;    /* [n_models] */
  uint16_t *votes;        /* [n_models][n_items] classes of the panel, BF__NO_VOTE: no answer */
  bf__panel_cache *cache; /* changes behind its lock alone, so that a panel may be used from several threads */
};

static inline const uint16_t *bf__votes(const bf_panel *panel, size_t model) {
  return panel->votes + model * panel->n_items;
}

/* Logits of an answered item over the member's kept classes: z[n_kept]. Of probabilities: ln max(p, 1e-12). */
void bf__panel_logits(const bf_panel *panel, size_t model, size_t item, double *z);
/* softmax(z / T) of an answered item over the kept classes: p[n_kept]; at T = 1 given probabilities are only divided by
 * their sum. A member with predicted classes only: its vote has 1 (then p[n_kept] is over all its kept classes). */
void bf__panel_probabilities(const bf_panel *panel, size_t model, size_t item, double *p);
/* Shares of the member's calibrated label prior on the panel's classes, summing to 1: out[n_classes]. False: it has
 * none, or no mass there. */
bool bf__panel_prior(const bf_panel *panel, size_t model, double *out);
/* At most `most` of the items that keep() holds for, those with the smallest hash of (seed, item), in ascending order.
 * You own *out. */
typedef bool (*bf__keep_item)(const bf_panel *panel, size_t model, size_t item);
bf_status bf__panel_sample(const bf_panel *panel, size_t model, size_t most, bf__keep_item keep, size_t **out,
                           size_t *n_out, bf_error *err);
bool bf__is_answered(const bf_panel *panel, size_t model, size_t item);

/* A_ij, the share of the items answered by both on which i and j agree; NaN: none is; A_ii = 1. [n_models][n_models],
 * borrowed from the panel. */
bf_status bf__panel_agreement(const bf_panel *panel, const double **out, bf_error *err);
/* argmax_c sum_h p_hc of every item, ties to the lowest class; BF__NO_VOTE: nobody answered. [n_items] */
bf_status bf__panel_majority(const bf_panel *panel, uint16_t *out, bf_error *err);
/* 1 / #{k : A_jk > 0.97}, which takes the gain out of being there many times. [n_models] */
void bf__clone_weights(const double *agreement, size_t n, double *out);
/* Of 4 positive weights or more, none stays above a third of the sum: with one that would be, the others' sum is halved
 * for it; with two, each gets the sum of the rest. */
void bf__cap_weights(double *weights, size_t n);
#define BF__DOUBTFUL_TRUST 0.5 /* bf_panel_trust below it: the majority may be wrong */

/* ---- a row of probabilities (panel_rows.c) ---- */

double bf__row_confidence(const double *p, size_t n);  /* max p */
double bf__row_neg_entropy(const double *p, size_t n); /* sum p ln p */
double bf__row_margin(const double *p, size_t n);      /* first - second; one class: the first */
double bf__log_sum_exp(const double *z, size_t n);
/* p = softmax(z / temperature); p may be z. */
void bf__softmax(const double *z, size_t n, double temperature, double *p);
/* Whether a row of scores is an answer: all finite; probabilities also not negative, and not all 0. */
bool bf__scores_answer(const float *scores, size_t n, bool are_logits);

/* Accuracy of the step that a confidence falls on. */
double bf__isotonic_at(const bf_calibration *calibration, double confidence);

/* ---- the table (estimator_table.c) ---- */

enum {
  BF__NEEDS_SCORES = 1,      /* logits or probabilities, not only predicted classes */
  BF__NEEDS_CALIBRATION = 2, /* what validation data taught */
  BF__NEEDS_ENERGY = 4,      /* logits: of probabilities the energy is 0 always */
  BF__NEEDS_REPOSITORY = 8,  /* similarities, or a sample shared by all: nothing that predictions alone have */
};

typedef struct bf__estimator {
  bf_strategy_info info;
  unsigned needs;
  /* A number of one model, or of all at once; one of both. `out` comes in as applicable where the needs are met; what
   * has no answer all the same is told with bf__not_applicable(). Values that are not finite are made so afterwards. */
  bf_status (*one)(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
  bf_status (*all)(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
} bf__estimator;

const bf__estimator *bf__estimator_at(size_t i); /* NULL past the end */
const bf__estimator *bf__estimator_find(const char *name);
__attribute__((format(printf, 2, 3))) void bf__not_applicable(bf_estimate_value *out, const char *format, ...);

/* one model */
bf_status bf__confidence(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__neg_entropy(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__margin(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__energy(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__mde(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__atc(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__atc_entropy(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__doc(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__cbpe(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__prior_jsd(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__nuclear_norm(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__dispersion(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__mano(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
bf_status bf__cot(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err);
/* several models */
bf_status bf__pair_agreement(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
bf_status bf__majority(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
bf_status bf__rank_one(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
bf_status bf__dawid_skene(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
bf_status bf__dawid_skene_full(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
bf_status bf__laf(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
bf_status bf__coda_prior(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
bf_status bf__aline(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
bf_status bf__similarity_agreement(const bf_panel *panel, bf_estimate_value *out, bf_error *err);
/* The same for similarities given, with weights exp(beta * similarity). `out` comes in as for an estimator: applicable
 * where the model answered. */
bf_status bf__weighted_agreement(const bf_panel *panel, const double *similarity, double beta, bf_estimate_value *out,
                                 bf_error *err);

bf_status bf__consensus_mix(const bf_panel *panel, bf_estimate_value *out, bf_error *err);

/* Number of the largest of n > 0 scores, the first of equal ones (panel_rows.c). */
size_t bf__largest_score(const float *scores, size_t n);

/* ---- small solvers ---- */

/* Sum of the singular values of a[n_rows][n_columns] (destroyed), by Householder QR and one-sided Jacobi (svd.c). */
bf_status bf__singular_sum(double *a, size_t n_rows, size_t n_columns, double *out, bf_error *err);
/* Eigenvalues, ascending, and eigenvectors (column k of vectors belongs to value k) of a symmetric matrix, by
 * Householder tridiagonalisation and implicit QL (eigen.c). vectors comes in as the matrix. False: no convergence. */
bool bf__symmetric_eigen(double *vectors, size_t n, double *values, double *scratch);
/* Largest sum of gain[i][c] over assignments of every row to a column that has room for capacity[c] rows, the
 * capacities adding up to n_rows (transport.c). */
bf_status bf__best_assignment(const double *gain, size_t n_rows, size_t n_columns, const size_t *capacity, double *out,
                              bf_error *err);

/* Standard normal quantile of p in (0, 1), to 1e-15 (Wichura 1988, AS 241), and distribution. */
double bf__probit(double p);
double bf__normal_cdf(double x);

/* Spearman's and Kendall's (tau-b) rank correlation; 1 where both are constant, 0 where one is (order.c). */
bf_status bf__spearman(const double *a, const double *b, size_t n, double *out, bf_error *err);
double bf__kendall(const double *a, const double *b, size_t n);

#endif
