/* Kriging of serving accuracy over (model, domain) pairs: Gaussian process regression whose covariance knows which
 * pairs share a model and how near their domains are. docs/strategies.md, part 5.
 *
 *   k((s,u),(t,v)) = (10/n) z z' (v_lin + v_ll D) + (v_same [s = t] + v_dom) D,   D = exp(-g d(u,v)), noise 1
 *
 * z: the row's features, standardised over the n training rows and clipped to +-6. v_lin = 1 alone is ridge regression
 * with a penalty of n / 10. Cost: n^3 / 3 multiplications, twice that with leave-one-domain-out; 8 n^2 bytes.
 */
#ifndef BESTFIT_SRC_LEARN_KRIGING_H
#define BESTFIT_SRC_LEARN_KRIGING_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

typedef struct bf__kriging_kernel {
  double v_lin, v_ll, v_same, v_dom, g;
} bf__kriging_kernel;

#define BF__NOBODY UINT32_MAX /* a model that no training row has */

/* Rows to learn from, or to predict for. */
typedef struct bf__pairs {
  size_t n, n_columns;
  const double *x;         /* [n][n_columns]; NaN: not known, taken as the column's mean */
  const uint32_t *models;  /* [n] */
  const uint32_t *domains; /* [n] rows of the distances */
} bf__pairs;

typedef struct bf__kriging bf__kriging;

/* Learns y[pairs->n]. distances: [n_domains][n_domains], 0 on the diagonal. Everything is copied. Above max_rows (0:
 * 4,000) a seeded subset of the rows is learnt from. BF_ERR_NOT_APPLICABLE: no row, or values that make no system. */
bf_status bf__kriging_fit(const bf__kriging_kernel *kernel, const bf__pairs *pairs, const double *y,
                          const double *distances, size_t n_domains, size_t max_rows, uint64_t seed, bf__kriging **out,
                          bf_error *err);
void bf__kriging_free(bf__kriging *k);
double bf__clip_accuracy(double p); /* to [.01, .99] */
/* Predictions, clipped to [.01, .99]. distances: [n][n_domains] of each pair's domain to those of the training. */
bf_status bf__kriging_predict(const bf__kriging *k, const bf__pairs *pairs, const double *distances, double *out,
                              bf_error *err);
/* For each of the rows that were given for training the prediction by all rows of other groups: group[n_domains] of the
 * domains (domains of one group are left out together), model_group[] of the models, whose rows on other domains are
 * then left out as well (NULL: they stay). Clipped. `pairs` as for the fit. */
bf_status bf__kriging_leave_out(bf__kriging *k, const bf__pairs *pairs, const uint32_t *group,
                                const uint32_t *model_group, double *out, bf_error *err);

/* What predicting needs, as bytes (docs/formats/experience-v2.md). w->failed: out of memory. */
void bf__kriging_write(const bf__kriging *k, bf__writer *w);
/* From untrusted bytes: of n_columns, n_domains, and models below n_models. What is read predicts bit for bit as what
 * was written, and nothing can be left out of it. BF_ERR_FORMAT. */
bf_status bf__kriging_read(bf__reader *r, size_t n_columns, size_t n_domains, size_t n_models, bf__kriging **out,
                           bf_error *err);

#endif
