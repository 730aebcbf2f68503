/* One row of scores: what is asked of it by several estimators and by calibration. */
#include <math.h>

#include "estimate/estimate_internal.h"

double bf__row_confidence(const double *p, size_t n) {
  double best = 0.0;
  for (size_t c = 0; c < n; c++) best = p[c] > best ? p[c] : best;
  return best;
}

double bf__row_neg_entropy(const double *p, size_t n) {
  double sum = 0.0;
  for (size_t c = 0; c < n; c++)
    if (p[c] > 0.0) sum += p[c] * log(p[c]);
  return sum;
}

double bf__row_margin(const double *p, size_t n) {
  double first = 0.0, second = 0.0;
  for (size_t c = 0; c < n; c++) {
    if (p[c] > first) {
      second = first;
      first = p[c];
    } else if (p[c] > second) {
      second = p[c];
    }
  }
  return first - second;
}

double bf__log_sum_exp(const double *z, size_t n) {
  double most = z[0], sum = 0.0;
  for (size_t c = 1; c < n; c++) most = z[c] > most ? z[c] : most;
  for (size_t c = 0; c < n; c++) sum += exp(z[c] - most);
  return most + log(sum); /* cppcheck-suppress invalidFunctionArg ; the largest adds 1 */
}

void bf__softmax(const double *z, size_t n, double temperature, double *p) {
  double most = z[0], sum = 0.0;
  for (size_t c = 1; c < n; c++) most = z[c] > most ? z[c] : most;
  for (size_t c = 0; c < n; c++) {
    p[c] = exp((z[c] - most) / temperature);
    sum += p[c];
  }
  for (size_t c = 0; c < n; c++) p[c] /= sum;
}

size_t bf__largest_score(const float *scores, size_t n) {
  size_t best = 0;
  for (size_t c = 1; c < n; c++)
    if (scores[c] > scores[best]) best = c;
  return best;
}

bool bf__scores_answer(const float *scores, size_t n, bool are_logits) {
  double sum = 0.0;
  for (size_t c = 0; c < n; c++) {
    if (!isfinite(scores[c]) || (!are_logits && scores[c] < 0.0f)) return false;
    sum += (double)scores[c];
  }
  return are_logits || sum > 0.0;
}
