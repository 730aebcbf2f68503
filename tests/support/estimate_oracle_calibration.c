/* The oracle's fit of a calibration. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "estimate_oracle_parts.h"

void oracle_calibrate(const bf_outputs *out, const int32_t *truth, oracle_calibration *cal) {
  size_t k = out->n_classes, n = out->n_items, n_labelled = 0, n_answered = 0, wrong = 0;
  double *z = zeros(n * k, sizeof *z), *conf = zeros(n, sizeof *conf), *ent = zeros(n, sizeof *ent);
  int *said = zeros(n, sizeof *said);
  memset(cal, 0, sizeof *cal);
  for (size_t i = 0; i < n; i++) {
    bool ok = true;
    double sum = 0;
    said[i] = 0;
    for (size_t c = 0; c < k; c++) {
      double s = (double)out->scores[i * k + c];
      ok &= isfinite(s) && (out->are_logits || s >= 0);
      sum += s;
      if (s > (double)out->scores[i * k + (size_t)said[i]]) said[i] = (int)c;
      z[i * k + c] = out->are_logits ? s : log(fmax(s, 1e-12));
    }
    if (!ok || (!out->are_logits && !(sum > 0))) said[i] = NONE;
    if (truth[i] == -1) continue;
    n_labelled++;
    n_answered += said[i] != NONE;
    wrong += said[i] != NONE && said[i] != truth[i];
    cal->accuracy += said[i] == truth[i];
  }
  cal->accuracy /= (double)n_labelled;
  double classes = 0;
  for (int c = 0; c < (int)k; c++) {
    double tp = 0, in_truth = 0, in_said = 0;
    for (size_t i = 0; i < n; i++) {
      if (truth[i] == -1) continue;
      tp += truth[i] == c && said[i] == c;
      in_truth += truth[i] == c;
      in_said += said[i] == c;
    }
    if (in_truth + in_said > 0) classes++, cal->macro_f1 += 2 * tp / (in_truth + in_said);
  }
  cal->macro_f1 /= classes;
  long double least = INFINITY;
  cal->temperature = 1;
  for (int t = 0; t < 40; t++) {
    long double T = 0.3L * powl(8 / 0.3L, t / 39.0L), nll = 0, used = 0;
    for (size_t i = 0; i < n; i++) {
      long double sum = 0;
      if (truth[i] < 0 || said[i] == NONE) continue;
      for (size_t c = 0; c < k; c++)
        sum += expl(((long double)z[i * k + c] - (long double)z[i * k + (size_t)truth[i]]) / T);
      nll += logl(sum);
      used++;
    }
    if (used > 0 && nll < least) least = nll, cal->temperature = (double)T;
  }
  size_t at = 0;
  double *right = zeros(n, sizeof *right);
  for (size_t i = 0; i < n; i++) {
    if (truth[i] == -1 || said[i] == NONE) continue;
    double *p = zeros(k, sizeof *p);
    long double sum = 0;
    for (size_t c = 0; c < k; c++) sum += expl((long double)z[i * k + c] / (long double)cal->temperature);
    for (size_t c = 0; c < k; c++)
      p[c] = (double)(expl((long double)z[i * k + c] / (long double)cal->temperature) / sum);
    right[at] = said[i] == truth[i];
    conf[at] = (double)max_of(p, k);
    ent[at++] = (double)plnp(p, k);
    cal->mean_confidence += conf[at - 1] / (double)n_answered;
    free(p);
  }
  cal->atc_threshold = cal->atc_entropy_threshold = -INFINITY; /* the largest number with at most as many below it */
  for (size_t i = 0; i < at; i++) {
    size_t below_c = 0, below_e = 0;
    for (size_t j = 0; j < at; j++) below_c += conf[j] < conf[i], below_e += ent[j] < ent[i];
    if (below_c <= wrong) cal->atc_threshold = fmax(cal->atc_threshold, conf[i]);
    if (below_e <= wrong) cal->atc_entropy_threshold = fmax(cal->atc_entropy_threshold, ent[i]);
  }
  double last = NAN;
  for (double now = -1;;) { /* max-min formula of isotonic regression over different confidences */
    double next = INFINITY, y = -INFINITY;
    for (size_t i = 0; i < at; i++)
      if (conf[i] > now) next = fmin(next, conf[i]);
    if (isinf(next)) break;
    now = next;
    for (size_t a = 0; a < at; a++) {
      if (conf[a] > now) continue;
      double worst = INFINITY;
      for (size_t b = 0; b < at; b++) {
        double sum = 0, count = 0;
        if (conf[b] < now) continue;
        for (size_t i = 0; i < at; i++)
          if (conf[i] >= conf[a] && conf[i] <= conf[b]) sum += right[i], count++;
        worst = fmin(worst, sum / count);
      }
      y = fmax(y, worst);
    }
    if (!isnan(last) && fabs(y - last) < 1e-12) continue;
    last = y;
    cal->step_confidence[cal->n_steps] = now;
    cal->step_accuracy[cal->n_steps++] = y;
  }
  free(z);
  free(conf);
  free(ent);
  free(said);
  free(right);
}
