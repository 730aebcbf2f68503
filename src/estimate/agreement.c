/* Who agrees with whom, and the consensus rules that follow from it at once: pair-agreement, majority,
 * similarity-agreement. Formulas: docs/strategies.md, part 4. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "estimate/estimate_internal.h"

#define CLONE_AGREEMENT 0.97
#define NO_BYTE 255u
#define BLOCK_ITEMS 256u

/* ---- the matrix ---- */

typedef struct agreement_job {
  const bf_panel *panel;
  const uint8_t *bytes; /* votes as bytes where classes are few enough: sixteen compare at once */
  double *matrix;
} agreement_job;

/* Sums of at most 255 comparisons fit a byte, so that the inner loop stays within bytes. */
static size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t n) {
  size_t total = 0;
  for (size_t from = 0; from < n;) {
    uint8_t lanes[32] = {0};
    size_t rounds = (n - from) / 32;
    if (rounds == 0) {
      for (; from < n; from++) total += a[from] == b[from];
      break;
    }
    if (rounds > 255) rounds = 255;
    for (size_t r = 0; r < rounds; r++, from += 32)
      for (size_t k = 0; k < 32; k++) lanes[k] = (uint8_t)(lanes[k] + (a[from + k] == b[from + k]));
    for (size_t k = 0; k < 32; k++) total += lanes[k];
  }
  return total;
}

/* Items without an answer carry the same mark on both sides, so the equal ones among them are taken off again. */
static double agreement_of(const agreement_job *job, size_t i, size_t j) {
  const bf_panel *panel = job->panel;
  size_t n = panel->n_items, equal = 0, both = 0;
  const uint16_t *a = bf__votes(panel, i), *b = bf__votes(panel, j);
  size_t answered_i = panel->members[i].n_answered, answered_j = panel->members[j].n_answered;
  if (answered_i == n || answered_j == n) { /* at most one side has gaps: no mark is equal */
    both = answered_i < answered_j ? answered_i : answered_j;
    if (job->bytes) {
      equal = equal_bytes(job->bytes + i * n, job->bytes + j * n, n);
    } else {
      for (size_t x = 0; x < n; x++) equal += a[x] == b[x];
    }
  } else {
    for (size_t x = 0; x < n; x++) {
      bool answered = a[x] != BF__NO_VOTE && b[x] != BF__NO_VOTE;
      both += answered;
      equal += answered && a[x] == b[x];
    }
  }
  return both > 0 ? (double)equal / (double)both : NAN;
}

static void agreement_row(void *context, size_t i, uint32_t worker) {
  const agreement_job *job = context;
  size_t m = job->panel->n_models;
  (void)worker;
  job->matrix[i * m + i] = 1.0;
  for (size_t j = i + 1; j < m; j++) job->matrix[i * m + j] = job->matrix[j * m + i] = agreement_of(job, i, j);
}

static bf_status make_agreement(const bf_panel *panel, double **out, bf_error *err) {
  size_t m = panel->n_models, n_votes = m * panel->n_items;
  uint8_t *bytes = NULL;
  double *matrix = bf__alloc(m * m, sizeof *matrix);
  if (panel->n_classes < NO_BYTE) {
    bytes = bf__alloc(n_votes, 1);
    for (size_t i = 0; bytes && i < n_votes; i++) bytes[i] = (uint8_t)panel->votes[i]; /* no answer: 255 */
  }
  if (!matrix || (panel->n_classes < NO_BYTE && !bytes)) {
    free(matrix);
    free(bytes);
    return bf__error_memory(err, m * m * sizeof *matrix);
  }
  agreement_job job = {panel, bytes, matrix};
  bf__parallel_for(m, panel->options.n_threads, agreement_row, &job);
  free(bytes);
  *out = matrix;
  return BF_OK;
}

bf_status bf__panel_agreement(const bf_panel *panel, const double **out, bf_error *err) {
  bf_status status = BF_OK;
  pthread_mutex_lock(&panel->cache->lock);
  if (!panel->cache->agreement) status = make_agreement(panel, &panel->cache->agreement, err);
  *out = panel->cache->agreement;
  pthread_mutex_unlock(&panel->cache->lock);
  return status;
}

void bf__clone_weights(const double *agreement, size_t n, double *out) {
  for (size_t j = 0; j < n; j++) {
    size_t clones = 0;
    for (size_t k = 0; k < n; k++) clones += agreement[j * n + k] > CLONE_AGREEMENT;
    out[j] = 1.0 / (double)clones; /* itself at least */
  }
}

/* ---- pair-agreement ---- */

bf_status bf__pair_agreement(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  const double *agreement = NULL;
  size_t m = panel->n_models;
  bf_status status = bf__panel_agreement(panel, &agreement, err);
  for (size_t i = 0; status == BF_OK && i < m; i++) {
    double sum = 0.0;
    size_t n = 0;
    for (size_t j = 0; j < m; j++) {
      if (j == i || isnan(agreement[i * m + j])) continue;
      sum += agreement[i * m + j];
      n++;
    }
    if (!out[i].applicable) continue;
    if (n > 0) {
      out[i].value = sum / (double)n;
    } else {
      bf__not_applicable(&out[i], "no other model answered an item that it answered");
    }
  }
  return status;
}

/* ---- majority ---- */

typedef struct majority_job {
  const bf_panel *panel;
  double **sums, **rows; /* [n_workers] */
  size_t row_classes;
  uint16_t *out;
} majority_job;

static void majority_block(void *context, size_t block, uint32_t worker) {
  const majority_job *job = context;
  const bf_panel *panel = job->panel;
  double *sums = job->sums[worker], *p = job->rows[worker];
  size_t first = block * BLOCK_ITEMS, last = first + BLOCK_ITEMS;
  if (last > panel->n_items) last = panel->n_items;
  for (size_t i = first; i < last; i++) {
    bool anybody = false;
    memset(sums, 0, panel->n_classes * sizeof *sums);
    for (size_t m = 0; m < panel->n_models; m++) {
      const bf__member *member = &panel->members[m];
      uint16_t vote = bf__votes(panel, m)[i];
      if (vote == BF__NO_VOTE) continue;
      anybody = true;
      if (!member->given->scores) {
        sums[vote] += 1.0;
        continue;
      }
      bf__panel_probabilities(panel, m, i, p);
      for (size_t k = 0; k < member->n_kept; k++) sums[member->to_panel[k]] += p[k];
    }
    size_t best = 0;
    for (size_t c = 1; c < panel->n_classes; c++)
      if (sums[c] > sums[best]) best = c;
    job->out[i] = anybody ? (uint16_t)best : BF__NO_VOTE;
  }
}

bf_status bf__panel_majority(const bf_panel *panel, uint16_t *out, bf_error *err) {
  bf_status status = BF_OK;
  uint32_t n_workers = panel->options.n_threads ? panel->options.n_threads : bf__cores();
  if (n_workers > 256) n_workers = 256;
  majority_job job = {.panel = panel, .out = out};
  job.sums = bf__alloc(n_workers, sizeof *job.sums);
  job.rows = bf__alloc(n_workers, sizeof *job.rows);
  if (!job.sums || !job.rows) BF_TRY(bf__error_memory(err, n_workers * sizeof *job.sums));
  for (uint32_t w = 0; w < n_workers; w++) {
    job.sums[w] = bf__alloc(panel->n_classes, sizeof **job.sums);
    job.rows[w] = bf__alloc(panel->n_classes, sizeof **job.rows);
    if (!job.sums[w] || !job.rows[w]) BF_TRY(bf__error_memory(err, panel->n_classes * sizeof **job.sums));
  }
  bf__parallel_for((panel->n_items + BLOCK_ITEMS - 1) / BLOCK_ITEMS, n_workers, majority_block, &job);
out:
  for (uint32_t w = 0; job.sums && job.rows && w < n_workers; w++) {
    free(job.sums[w]);
    free(job.rows[w]);
  }
  free(job.sums);
  free(job.rows);
  return status;
}

bf_status bf__majority(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  uint16_t *labels = bf__alloc(panel->n_items, sizeof *labels);
  if (!labels) return bf__error_memory(err, panel->n_items * sizeof *labels);
  bf_status status = bf__panel_majority(panel, labels, err);
  for (size_t m = 0; status == BF_OK && m < panel->n_models; m++) {
    const uint16_t *votes = bf__votes(panel, m);
    size_t equal = 0;
    for (size_t i = 0; i < panel->n_items; i++) equal += votes[i] != BF__NO_VOTE && votes[i] == labels[i];
    out[m].value = (double)equal / (double)panel->members[m].n_answered;
  }
  free(labels);
  return status;
}

/* ---- similarity-agreement ---- */

void bf__cap_weights(double *weights, size_t n) {
  size_t first = SIZE_MAX, second = SIZE_MAX, n_voting = 0;
  double total = 0.0;
  for (size_t j = 0; j < n; j++) {
    n_voting += weights[j] > 0.0;
    total += weights[j];
    if (first == SIZE_MAX || weights[j] > weights[first]) {
      second = first;
      first = j;
    } else if (second == SIZE_MAX || weights[j] > weights[second]) {
      second = j;
    }
  }
  if (n_voting < 4 || weights[first] <= total / 3.0) return;
  double rest = 0.0; /* summed anew: a difference of large numbers would keep little of it */
  for (size_t j = 0; j < n; j++) rest += j == first ? 0.0 : weights[j];
  if (rest / 2.0 >= weights[second]) {
    weights[first] = rest / 2.0;
    return;
  }
  rest = 0.0;
  for (size_t j = 0; j < n; j++) rest += j == first || j == second ? 0.0 : weights[j];
  weights[first] = fmin(weights[first], rest);
  weights[second] = fmin(weights[second], rest);
}

/* A model that nobody has a similarity of is weighed as the least similar. */
static double clipped(double similarity) {
  return isnan(similarity) ? -2.5 : fmin(fmax(similarity, -2.5), 2.5);
}

bf_status bf__weighted_agreement(const bf_panel *panel, const double *similarity, double beta, bf_estimate_value *out,
                                 bf_error *err) {
  const double *agreement = NULL;
  size_t m = panel->n_models, n_known = 0;
  bf_status status = BF_OK;
  double *weights = bf__alloc(m, sizeof *weights);
  if (!weights) return bf__error_memory(err, m * sizeof *weights);
  BF_TRY(bf__panel_agreement(panel, &agreement, err));
  bf__clone_weights(agreement, m, weights);
  for (size_t j = 0; j < m; j++) {
    n_known += !isnan(similarity[j]);
    weights[j] *= out[j].applicable ? exp(beta * clipped(similarity[j])) : 0.0;
  }
  bf__cap_weights(weights, m);
  for (size_t i = 0; i < m; i++) {
    double sum = 0.0, total = 0.0;
    if (!out[i].applicable) continue;
    if (n_known == 0) {
      bf__not_applicable(&out[i], "no model's similarity to these data is known");
      continue;
    }
    for (size_t j = 0; j < m; j++) {
      if (isnan(agreement[i * m + j])) continue;
      sum += weights[j] * agreement[i * m + j];
      total += weights[j];
    }
    out[i].value = sum / total;
  }
out:
  free(weights);
  return status;
}

bf_status bf__similarity_agreement(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  double *similarity = bf__alloc(panel->n_models, sizeof *similarity);
  if (!similarity) return bf__error_memory(err, panel->n_models * sizeof *similarity);
  for (size_t j = 0; j < panel->n_models; j++) similarity[j] = panel->models[j].similarity;
  bf_status status = bf__weighted_agreement(panel, similarity, 1.0, out, err);
  free(similarity);
  return status;
}
