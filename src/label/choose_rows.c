/* Which rows to ask: those whose answers are expected to move most what parts the models that may be the best,
 * sum over x of P(best)_x Var_{c~q}(D_cx), D_cx = M_x,c + sum over the models h that voted c of M_xh, where each column
 * of M = J Lambda is centred by P(best). Rows are drawn in proportion to a power of it: the few of largest score are
 * much alike, and where the label model is wrong they are all misleading in the same way. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "label/label_internal.h"

#define LEAST_BEST 0.001
#define POWER 3.0 /* of the score, measured: docs/label.md */
#define LEAST_CLASS 1e-9
#define NO_CLASS UINT16_MAX

bf_status bf__label_asking_init(bf__label_asking *a, const bf__label_rows *rows, bf_error *err) {
  *a = (bf__label_asking){0};
  a->leverage = bf__alloc(rows->n_weights * rows->n_models, sizeof *a->leverage);
  a->effects = bf__alloc(rows->n_classes * rows->n_models, sizeof *a->effects);
  a->mean = bf__alloc(rows->n_models, sizeof *a->mean);
  a->square = bf__alloc(rows->n_models, sizeof *a->square);
  a->scores = bf__alloc(rows->n_patterns, sizeof *a->scores);
  a->drawn = bf__alloc(rows->n_patterns, sizeof *a->drawn);
  a->sorted = bf__alloc(rows->n_patterns, sizeof *a->sorted);
  a->candidates = bf__alloc(rows->n_models, sizeof *a->candidates);
  bool all = a->leverage && a->effects && a->mean && a->square && a->scores && a->drawn && a->sorted && a->candidates;
  return all ? BF_OK : bf__error_memory(err, rows->n_weights * rows->n_models * sizeof *a->leverage);
}

void bf__label_asking_deinit(bf__label_asking *a) {
  free(a->leverage);
  free(a->effects);
  free(a->mean);
  free(a->square);
  free(a->scores);
  free(a->drawn);
  free(a->sorted);
  free(a->candidates);
  *a = (bf__label_asking){0};
}

/* [n_weights][n], so that sums over models run along memory. */
static void centre(bf__label_asking *a, const bf__label_rows *rows, const bf__label_expert *x, const double *best,
                   size_t n) {
  for (size_t f = 0; f < rows->n_weights; f++) {
    double mean = 0.0, *to = a->leverage + f * n;
    for (size_t h = 0; h < rows->n_models; h++) mean += best[h] * x->leverage[h * rows->n_weights + f];
    for (size_t k = 0; k < n; k++) to[k] = x->leverage[a->candidates[k] * rows->n_weights + f] - mean;
  }
}

static double score_of(bf__label_asking *a, const bf__label_rows *rows, const uint16_t *votes, const double *q,
                       const double *best, size_t n) {
  memcpy(a->effects, a->leverage + rows->n_models * n, rows->n_classes * n * sizeof *a->effects);
  for (size_t h = 0; h < rows->n_models; h++) {
    if (votes[h] == NO_CLASS || q[votes[h]] < LEAST_CLASS) continue;
    double *restrict to = a->effects + votes[h] * n;
    const double *from = a->leverage + h * n;
    for (size_t k = 0; k < n; k++) to[k] += from[k];
  }
  memset(a->mean, 0, n * sizeof *a->mean);
  memset(a->square, 0, n * sizeof *a->square);
  for (size_t c = 0; c < rows->n_classes; c++) {
    const double *effect = a->effects + c * n, share = q[c];
    if (share < LEAST_CLASS) continue;
    for (size_t k = 0; k < n; k++) {
      a->mean[k] += share * effect[k];
      a->square[k] += share * effect[k] * effect[k];
    }
  }
  double score = 0.0;
  for (size_t k = 0; k < n; k++) score += best[a->candidates[k]] * fmax(a->square[k] - a->mean[k] * a->mean[k], 0.0);
  return score;
}

void bf__label_score_patterns(bf__label_asking *a, const bf__label_rows *rows, const bf__label_expert *experts,
                              const double *weights, const double *best, bf__label_scratch *s) {
  size_t n = 0;
  for (size_t h = 0; h < rows->n_models; h++)
    if (best[h] > LEAST_BEST) a->candidates[n++] = h;
  memset(a->scores, 0, rows->n_patterns * sizeof *a->scores);
  for (size_t e = 0; e < BF__N_EXPERTS; e++) {
    centre(a, rows, &experts[e], best, n);
    for (size_t u = 0; u < rows->n_patterns; u++) {
      const uint16_t *votes = bf__pattern_votes(rows, u);
      if (rows->patterns[u].n_open == 0) continue;
      (void)bf__label_posterior(rows, votes, experts[e].w, s->q);
      a->scores[u] += weights[e] * score_of(a, rows, votes, s->q, best, n);
    }
  }
}

/* A row of the pattern that is neither answered nor skipped, the k-th of them; false: there are not so many. */
static bool find_open(const bf__label_rows *rows, size_t pattern, size_t k, size_t *out) {
  const bf__pattern *p = &rows->patterns[pattern];
  for (uint32_t i = 0; i < p->n_rows; i++) {
    uint32_t row = rows->order[p->first + i];
    if (rows->answers[row] != BF__NO_ANSWER || rows->skipped[row] || k-- > 0) continue;
    *out = row;
    return true;
  }
  return false;
}

/* Patterns in the order of these numbers are drawn without replacement in proportion to n_open score^POWER (Efraimidis
 * and Spirakis 2006); logarithms, for scores are small. Equal answers give the same draw. */
static void draw(bf__label_asking *a, const bf__label_rows *rows) {
  uint64_t seed = bf__mix64(rows->seed, rows->n_answered);
  for (size_t u = 0; u < rows->n_patterns; u++) {
    double unit = ((double)(bf__mix64(seed, u) >> 11) + 0.5) * 0x1p-53;
    a->drawn[u] = log((double)rows->patterns[u].n_open) + POWER * log(a->scores[u]) - log(-log(unit));
  }
}

/* The first pattern drawn of those not taken in this round; SIZE_MAX: none. Few are taken, so that sorting all costs
 * more. */
static size_t first_left(const bf__label_asking *a, const bf__label_rows *rows) {
  size_t best = SIZE_MAX;
  for (size_t u = 0; u < rows->n_patterns; u++)
    if (!a->sorted[u] && rows->patterns[u].n_open && (best == SIZE_MAX || a->drawn[u] > a->drawn[best])) best = u;
  return best;
}

size_t bf__label_choose(bf__label_asking *a, const bf__label_rows *rows, size_t most, size_t *out) {
  size_t n = 0;
  draw(a, rows);
  /* one row of each pattern, in the order drawn; only when all have given one a second of each */
  for (size_t round = 0, found = 1; n < most && found; round++) {
    found = 0;
    memset(a->sorted, 0, rows->n_patterns * sizeof *a->sorted);
    for (size_t u; n < most && (u = first_left(a, rows)) != SIZE_MAX;) {
      a->sorted[u] = 1;
      if (!find_open(rows, u, round, &out[n])) continue;
      n++;
      found = 1;
    }
  }
  return n;
}
