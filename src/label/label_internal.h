/* What the files of this room share: rows with equal votes merged, the label model over them, the experts.
 *
 * Weights w: theta of each model, then b of each class. A feature of a row is "model h voted its class" or "class c";
 * features that speak for one class have that class in the row. */
#ifndef BESTFIT_SRC_LABEL_INTERNAL_H
#define BESTFIT_SRC_LABEL_INTERNAL_H

#include <bestfit/label.h>

#include "base/error.h"

#define BF__MAX_LABEL_WEIGHTS 2048u
#define BF__N_EXPERTS 3u
#define BF__N_PAIRED_DRAWS 128u /* each is used with both signs */
#define BF__FIRST_SINGLY 10u    /* answers asked one at a time */
#define BF__FEWEST_SETTLED 15u  /* answers before a new leader is announced, and before advice */
#define BF__A_POINT 0.01
#define BF__SURE 0.95
#define BF__NO_ANSWER UINT32_MAX

/* --- rows (label_rows.c) --- */

typedef struct bf__pattern {
  uint32_t n_rows, n_open; /* of these votes; not answered */
  uint32_t first;          /* of its rows in `order` */
} bf__pattern;

typedef struct bf__label_rows {
  size_t n_models, n_rows, n_classes, n_weights, n_patterns;
  bf__pattern *patterns; /* [n_patterns] */
  uint16_t *votes;       /* [n_patterns][n_models] */
  uint32_t *pattern_of;  /* [n_rows] */
  uint32_t *order;       /* [n_rows] rows of equal votes beside each other, by a seeded hash */
  uint32_t *answers;     /* [n_rows] classes, BF__NO_ANSWER */
  bool *skipped;         /* [n_rows] */
  uint32_t *answered;    /* [n_rows] room: rows in the order of their answers */
  size_t n_answered;
  uint64_t seed;
} bf__label_rows;

bf_status bf__label_rows_init(bf__label_rows *rows, const uint16_t *votes, size_t n_models, size_t n_rows,
                              size_t n_classes, uint64_t seed, bf_error *err);
void bf__label_rows_deinit(bf__label_rows *rows);

static inline const uint16_t *bf__pattern_votes(const bf__label_rows *rows, size_t pattern) {
  return rows->votes + pattern * rows->n_models;
}

/* --- the label model (label_model.c) --- */

typedef struct bf__label_scratch {
  double *q;                       /* [n_classes] */
  double *v;                       /* [n_weights] probability of each feature's class */
  double *classes;                 /* [n_weights] the class that each feature speaks for, -1: none */
  double *gradient, *step, *tried; /* [n_weights] */
} bf__label_scratch;

bf_status bf__label_scratch_init(bf__label_scratch *s, const bf__label_rows *rows, bf_error *err);
void bf__label_scratch_deinit(bf__label_scratch *s);

/* q(c) of rows with these votes: [n_classes]; returns ln Z. */
double bf__label_posterior(const bf__label_rows *rows, const uint16_t *votes, const double *w, double *q);
/* Adds `times` the covariance of one row's features to the lower triangle of j[n_weights][n_weights], from s->q; fills
 * s->v and s->classes. */
void bf__label_add_covariance(const bf__label_rows *rows, const uint16_t *votes, double times, bf__label_scratch *s,
                              double *j);
void bf__label_mirror(double *a, size_t n); /* the upper triangle from the lower */
/* The weights under which each model has its believed accuracy: w[n_weights]. h: [n_weights][n_weights] scratch, in
 * which the moments at w come back, both triangles. */
bf_status bf__label_start(const bf__label_rows *rows, const double *believed, bf__label_scratch *s, double *w,
                          double *h, bf_error *err);

/* --- an expert: a width of the prior and what it believes now (label_expert.c) --- */

typedef struct bf__label_prior {
  const double *w;        /* [n_weights] mean */
  double theta_precision; /* of the models' weights; of the classes' it is 1 */
} bf__label_prior;

typedef struct bf__label_expert {
  double log_weight;
  bf__label_prior prior;
  double *w;        /* [n_weights] maximum a posteriori */
  double *factor;   /* [n_weights][n_weights] L of the Hessian there */
  double *mean;     /* [n_models] the metric */
  double *spread;   /* [n_models][n_weights] S, S S' is the covariance of the means */
  double *leverage; /* [n_models][n_weights] M = J Lambda */
} bf__label_expert;

/* Newton from where it is. BF_ERR_INTERNAL: the Hessian is not positive definite. */
bf_status bf__label_expert_fit(bf__label_expert *x, const bf__label_rows *rows, bf__label_scratch *s, bf_error *err);
/* Minus the gradient of the log posterior at x->w: s->gradient, and its Hessian's lower triangle; returns minus the log
 * posterior (up to a constant). h NULL: neither. */
double bf__label_expert_objective(const bf__label_expert *x, const double *w, const bf__label_rows *rows,
                                  bf__label_scratch *s, double *h);

/* What the metric is, and its gradient by w. */
typedef struct bf__label_metric {
  bf_metric metric;
  size_t positive;
  const double *offset; /* [n_models] believed - modelled; NULL: none */
} bf__label_metric;
/* mean[n_models], and gradient[n_models][n_weights] where it is not NULL. j: [n_weights][n_weights] scratch. */
void bf__label_measure(const bf__label_metric *metric, const bf__label_rows *rows, const double *w,
                       bf__label_scratch *s, double *j, double *mean, double *gradient);
/* mean, spread and leverage of an expert that is fitted. inverse: scratch as j. */
void bf__label_expert_look(bf__label_expert *x, const bf__label_metric *metric, const bf__label_rows *rows,
                           bf__label_scratch *s, double *j, double *inverse);

/* --- rows to ask (choose_rows.c) --- */

typedef struct bf__label_asking {
  double *leverage;       /* [n_weights][n_models] room: centred, of the models that may be best, transposed */
  double *effects;        /* [n_classes][n_models] room */
  double *mean, *square;  /* [n_models] room */
  double *scores, *drawn; /* [n_patterns] */
  uint32_t *sorted;       /* [n_patterns] */
  size_t *candidates;     /* [n_models] room */
} bf__label_asking;

bf_status bf__label_asking_init(bf__label_asking *a, const bf__label_rows *rows, bf_error *err);
void bf__label_asking_deinit(bf__label_asking *a);
/* scores of the patterns: how much an answer is expected to tell about who is the best. weights: of the experts. */
void bf__label_score_patterns(bf__label_asking *a, const bf__label_rows *rows, const bf__label_expert *experts,
                              const double *weights, const double *best, bf__label_scratch *s);
/* Rows drawn by their scores, of different patterns as far as there are. Returns how many. */
size_t bf__label_choose(bf__label_asking *a, const bf__label_rows *rows, size_t most, size_t *out);

#endif
