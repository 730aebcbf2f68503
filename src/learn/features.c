/* The base features of docs/strategies.md, part 5. Neither the labels of a domain nor the models of the domain itself
 * enter them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/learn_internal.h"

static const char *const ESTIMATORS[] = {
    "atc", "doc", "neg-entropy", "nuclear-norm", "prior-jsd", "cot", "pair-agreement", "rank-one", "consensus-mix"};
#define N_ESTIMATORS (sizeof ESTIMATORS / sizeof *ESTIMATORS)
_Static_assert(N_ESTIMATORS + 2 == BF__N_OUTPUT_FEATURES, "and similarity-agreement with two betas");

static size_t n_closeness(const bf_experience *e) {
  return e->closeness.words ? BF__N_FEATURE_CLOSENESS : BF__N_DENSE_CLOSENESS;
}

/* The source accuracy is the last of them. */
size_t bf__n_data_features(const bf_experience *e) {
  return 2 * (n_closeness(e) + 1);
}

size_t bf__n_base_features(const bf_experience *e) {
  return bf__n_data_features(e) + 2 * BF__N_OUTPUT_FEATURES;
}

/* Column c of out as it is, column half + c its z-scores. */
static void put_column(double *out, size_t n, size_t n_columns, size_t c, const double *values, double *scratch) {
  bf__z_scores(values, n, 1, scratch);
  for (size_t i = 0; i < n; ++i) {
    out[i * n_columns + 2 * c] = values[i];
    out[i * n_columns + 2 * c + 1] = isfinite(values[i]) ? scratch[i] : NAN;
  }
}

static void take_values(const bf_estimate_value *values, size_t n, double *out) {
  for (size_t i = 0; i < n; ++i) out[i] = values[i].applicable ? values[i].value : NAN;
}

static bf_status add_outputs(const bf__scene *s, double *out, size_t n_columns, size_t first, double *scratch,
                             bf_error *err) {
  bf_status status = BF_OK;
  size_t n = s->n, c = first;
  bf_estimate_value *values = bf__alloc(n, sizeof *values);
  if (!values) return bf__error_memory(err, n * sizeof *values);
  for (size_t k = 0; k < N_ESTIMATORS; ++k) {
    BF_TRY(bf_estimate(s->panel, ESTIMATORS[k], values, err));
    take_values(values, n, scratch);
    put_column(out, n, n_columns, c++, scratch, scratch + n);
  }
  for (int beta = 1; beta <= 2; ++beta) {
    for (size_t i = 0; i < n; ++i) values[i] = (bf_estimate_value){.applicable = s->panel->members[i].n_answered > 0};
    BF_TRY(bf__weighted_agreement(s->panel, s->similarity, beta, values, err));
    take_values(values, n, scratch);
    put_column(out, n, n_columns, c++, scratch, scratch + n);
  }
out:
  free(values);
  return status;
}

void bf__agreement_scores(const bf_experience *e, const double *base, size_t n, double *out) {
  /* the last estimator is consensus-mix, similarity-agreement with beta = 1 comes behind it; a z-score is the second */
  size_t mix = bf__n_data_features(e) + 2 * (N_ESTIMATORS - 1) + 1, similar = mix + 2;
  for (size_t i = 0; i < n; ++i) {
    const double *row = base + i * bf__n_base_features(e);
    out[i] = (isfinite(row[mix]) ? row[mix] : 0.0) + (isfinite(row[similar]) ? row[similar] : 0.0);
  }
  bf__z_scores(out, n, 1, out);
}

bf_status bf__base_features(const bf_experience *e, const bf__scene *s, bool with_outputs, double *out, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = s->n, c = 0, n_columns = with_outputs ? bf__n_base_features(e) : bf__n_data_features(e);
  double *scratch = bf__alloc(n, 2 * sizeof *scratch);
  if (!scratch) return bf__error_memory(err, n * 2 * sizeof *scratch);
  for (size_t k = 0; k < n_closeness(e); ++k) {
    for (size_t i = 0; i < n; ++i) scratch[i] = s->closeness[i * BF__N_CLOSENESS + k];
    put_column(out, n, n_columns, c++, scratch, scratch + n);
  }
  for (size_t i = 0; i < n; ++i) scratch[i] = bf__source_value(e, &s->info[i]);
  put_column(out, n, n_columns, c++, scratch, scratch + n);
  if (with_outputs) BF_TRY(add_outputs(s, out, n_columns, c, scratch, err));
out:
  free(scratch);
  return status;
}
