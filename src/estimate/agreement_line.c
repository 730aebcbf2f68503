/* Agreement on the line (Baek et al., NeurIPS 2022, ALine-D): over pairs of models, agreement on the target is a line
 * in agreement on a shared labelled sample after a probit, and accuracy lies on the same line. The slope comes from the
 * pairs; then the accuracies that fit all pairs best. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

/* Rational approximations of AS 241 (PPND16): highest power first. */
static double ratio(const double *up, const double *down, double r) {
  double a = up[0], b = down[0];
  for (int i = 1; i < 8; i++) {
    a = a * r + up[i];
    b = b * r + down[i];
  }
  return a / b;
}

double bf__probit(double p) {
  static const double A[] = {2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
                             4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
                             1.3314166789178437745e2, 3.3871328727963666080e0};
  static const double B[] = {
      5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
      5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0};
  static const double C[] = {7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
                             1.27045825245236838258e0,  3.64784832476320460504e0,  5.76949722146069140550e0,
                             4.63033784615654529590e0,  1.42343711074968357734e0};
  static const double D[] = {
      1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
      6.89767334985100004550e-1, 1.67638483018380384940e0,  2.05319162663775882187e0,  1.0};
  static const double E[] = {2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
                             2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
                             5.46378491116411436990e0,  6.65790464350110377720e0};
  static const double F[] = {
      2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
      1.48753612908506148525e-2,  1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0};
  double q = p - 0.5;
  if (fabs(q) <= 0.425) return q * ratio(A, B, 0.180625 - q * q);
  double r = sqrt(-log(q < 0.0 ? p : 1.0 - p));
  double value = r <= 5.0 ? ratio(C, D, r - 1.6) : ratio(E, F, r - 5.0);
  return q < 0.0 ? -value : value;
}

double bf__normal_cdf(double x) {
  return 0.5 * erfc(-x * M_SQRT1_2);
}

static double clipped_probit(double share, double n) {
  double edge = 0.5 / n;
  return bf__probit(fmin(fmax(share, edge), 1.0 - edge));
}

typedef struct aline {
  size_t n, *model; /* those that have answers */
  const double *target, *source;
  size_t n_models;
  double n_target, n_source;
  double slope, r_squared;
} aline;

static double target_of(const aline *a, size_t i, size_t j) {
  return clipped_probit(a->target[a->model[i] * a->n_models + a->model[j]], a->n_target);
}

static double source_of(const aline *a, size_t i, size_t j) {
  return clipped_probit(a->source[a->model[i] * a->n_models + a->model[j]], a->n_source);
}

/* Least squares of target on source agreement over all pairs; false: the source agreements are all equal. */
static bool fit_line(aline *a) {
  double n = 0.0, sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0, syy = 0.0;
  for (size_t i = 0; i < a->n; i++) {
    for (size_t j = i + 1; j < a->n; j++, n += 1.0) {
      sx += source_of(a, i, j);
      sy += target_of(a, i, j);
    }
  }
  double mx = sx / n, my = sy / n;
  for (size_t i = 0; i < a->n; i++) {
    for (size_t j = i + 1; j < a->n; j++) {
      double dx = source_of(a, i, j) - mx, dy = target_of(a, i, j) - my;
      sxx += dx * dx;
      sxy += dx * dy;
      syy += dy * dy;
    }
  }
  if (!(sxx > 1e-12 * n)) return false;
  a->slope = sxy / sxx;
  a->r_squared = syy > 1e-12 * n ? sxy * sxy / (sxx * syy) : 1.0;
  return true;
}

/* (w_i + w_j)/2 = y_ij over all pairs has the closed solution w_i = (2 Y_i - S)/(n - 2), S = sum Y / (n - 1), Y_i the
 * sum of y_ij over j. */
static void solve(const aline *a, const double *accuracy, double *row_sums, bf_estimate_value *out) {
  double total = 0.0, n = (double)a->n;
  for (size_t i = 0; i < a->n; i++) {
    row_sums[i] = 0.0;
    double own = clipped_probit(accuracy[a->model[i]], a->n_source);
    for (size_t j = 0; j < a->n; j++) {
      if (j == i) continue;
      double mean = 0.5 * (own + clipped_probit(accuracy[a->model[j]], a->n_source));
      row_sums[i] += target_of(a, i, j) + a->slope * (mean - source_of(a, i, j));
    }
    total += row_sums[i];
  }
  double sum = total / (n - 1.0);
  for (size_t i = 0; i < a->n; i++) {
    bf_estimate_value *value = &out[a->model[i]];
    value->value = bf__normal_cdf((2.0 * row_sums[i] - sum) / (n - 2.0));
    snprintf(value->why, sizeof value->why, "R2 of the line over %zu pairs: %.3f", a->n * (a->n - 1) / 2, a->r_squared);
  }
}

/* NULL: it applies. */
static const char *obstacle(const aline *a, const bf_panel *panel) {
  const bf_panel_options *options = &panel->options;
  if (!options->shared_agreement || !options->shared_accuracy || options->shared_items == 0)
    return "the models share no labelled sample";
  if (a->n < 3) return "a line needs at least 3 models";
  for (size_t i = 0; i < a->n; i++) {
    if (!isfinite(options->shared_accuracy[a->model[i]])) return "a model's accuracy on the shared sample is not known";
    for (size_t j = 0; j < a->n; j++) {
      size_t at = a->model[i] * a->n_models + a->model[j];
      if (isnan(a->target[at])) return "two models have answered no item in common";
      if (!isfinite(options->shared_agreement[at])) return "an agreement on the shared sample is not known";
    }
  }
  return NULL;
}

bf_status bf__aline(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  bf_status status = BF_OK;
  aline a = {.n_models = panel->n_models, .n_target = (double)panel->n_items};
  double *row_sums = bf__alloc(panel->n_models, sizeof *row_sums);
  a.model = bf__alloc(panel->n_models, sizeof *a.model);
  if (!row_sums || !a.model) BF_TRY(bf__error_memory(err, panel->n_models * sizeof *row_sums));
  BF_TRY(bf__panel_agreement(panel, &a.target, err));
  for (size_t i = 0; i < panel->n_models; i++)
    if (out[i].applicable) a.model[a.n++] = i;
  const char *why = obstacle(&a, panel);
  if (!why) {
    a.source = panel->options.shared_agreement;
    a.n_source = (double)panel->options.shared_items;
    if (!fit_line(&a)) why = "all models agree alike on the shared sample, which gives no line";
  }
  for (size_t i = 0; why && i < a.n; i++) bf__not_applicable(&out[a.model[i]], "%s", why);
  if (!why) solve(&a, panel->options.shared_accuracy, row_sums, out);
out:
  free(row_sums);
  free(a.model);
  return status;
}
