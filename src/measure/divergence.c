/* Jensen-Shannon divergence (Lin 1991) and the Hellinger bounds that make many of them cheap.
 *
 *   JS(P,Q) = sum_i js(p_i, q_i),  js(p, q) = 1/2 [p ln(2p/(p+q)) + q ln(2q/(p+q))]
 *   H2(P,Q) = sum_i h(p_i, q_i),   h(p, q)  = 1/2 (sqrt p - sqrt q)^2
 *
 * js/h depends on the ratio r = q/p alone; it is 1 in the limit r -> 1 and falls to ln 2 at r = 0 and r = infinity.
 * Hence, cell by cell and so for the sum, ln 2 * H2 <= JS <= H2 (the paper states it with 0.69; Chen et al.,
 * "Locality-Sensitive Hashing for f-Divergences", NeurIPS 2019, prove it). A threshold question "is JS < t" is thus
 * answered by 100 multiplications unless H2 lies in [t, t / ln 2]; only then are logarithms taken.
 */
#include <math.h>

#include "measure/measure_internal.h"

double bf__jsd(const double *p, const double *q, size_t n) {
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) {
    double both = p[i] + q[i];
    if (p[i] > 0.0) sum += p[i] * log(2.0 * p[i] / both);
    if (q[i] > 0.0) sum += q[i] * log(2.0 * q[i] / both);
  }
  sum *= 0.5;
  return sum < 0.0 ? 0.0 : sum > M_LN2 ? M_LN2 : sum; /* rounding only */
}

bool bf__paper_histogram_set(bf__paper_histogram *out, const double mass[BF__PAPER_BINS]) {
  double total = 0.0;
  for (size_t i = 0; i < BF__PAPER_BINS; ++i) total += mass[i];
  if (!(total > 0.0)) return false;
  for (size_t i = 0; i < BF__PAPER_BINS; ++i) {
    out->share[i] = mass[i] / total;
    out->root[i] = sqrt(out->share[i]);
  }
  return true;
}

static double hellinger2(const double *a, const double *b) {
  double lanes[4] = {0.0, 0.0, 0.0, 0.0};
  for (size_t i = 0; i < BF__PAPER_BINS; i += 4) {
    for (size_t j = 0; j < 4; ++j) {
      double d = a[i + j] - b[i + j];
      lanes[j] += d * d;
    }
  }
  return 0.5 * ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
}

bool bf__paper_near(const bf__paper_histogram *p, const bf__paper_histogram *q, double threshold) {
  const double slack = 1e-12; /* above the rounding of both sums */
  double h2 = hellinger2(p->root, q->root);
  if (h2 + slack < threshold) return true;
  if (M_LN2 * h2 - slack >= threshold) return false;
  return bf__jsd(p->share, q->share, BF__PAPER_BINS) < threshold;
}

uint64_t bf__paper_matches(const bf__paper_histogram *source, size_t n_source, const bf__paper_histogram *target,
                           size_t n_target, double threshold) {
  uint64_t matches = 0;
  for (size_t b = 0; b < n_target; ++b) {
    for (size_t a = 0; a < n_source; ++a) matches += bf__paper_near(&source[a], &target[b], threshold);
  }
  return matches;
}

double bf__paper_closest(const bf__paper_histogram *target, const bf__paper_histogram *source, size_t n_source,
                         double threshold, bool *near) {
  size_t best = 0;
  double best_h2 = 2.0;
  *near = false;
  for (size_t a = 0; a < n_source; ++a) {
    double h2 = hellinger2(source[a].root, target->root);
    if (h2 < best_h2) {
      best_h2 = h2;
      best = a;
    }
    if (!*near && M_LN2 * h2 < threshold) *near = bf__paper_near(&source[a], target, threshold);
  }
  return n_source ? bf__jsd(source[best].share, target->share, BF__PAPER_BINS) : M_LN2;
}
