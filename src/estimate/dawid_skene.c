/* Dawid and Skene (1979) by expectation maximisation: the true class of each item and how each model errs explain each
 * other. One coin a model, or a full confusion matrix with Dirichlet priors (MAP). Formulas and priors:
 * docs/strategies.md, part 4.
 *
 * The E step runs over blocks of items, the M step over models, each adding its items in order: sums do not depend on
 * threads. 20,000 items x 100 models x 10 classes: some 20 ms a round. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "estimate/estimate_internal.h"

#define STRENGTH 20.0 /* S0, in items */
#define RIGHT 0.6
#define CLASS_STRENGTH 0.02
#define MAX_ROUNDS 50
#define SETTLED 1e-6
#define BLOCK_ITEMS 256u
#define MAX_CELLS ((size_t)1 << 27)

typedef struct dawid_skene {
  const bf_panel *panel;
  bool full;
  size_t n_voted;    /* items that anybody answered */
  double *q;         /* [n_items][n_classes] */
  double *log_prior; /* [n_classes] */
  double *log_table; /* full: [n_models][predicted][true]; one coin: [n_models] log-odds of a vote */
  double *table;     /* full: the same before the logarithm */
  double *scores;    /* [n_models] */
} dawid_skene;

static void start_block(void *context, size_t block, uint32_t worker) {
  dawid_skene *s = context;
  const bf_panel *panel = s->panel;
  size_t k = panel->n_classes, first = block * BLOCK_ITEMS, last = first + BLOCK_ITEMS;
  if (last > panel->n_items) last = panel->n_items;
  (void)worker;
  for (size_t i = first; i < last; i++) {
    double *q = s->q + i * k, n = 0.0;
    for (size_t m = 0; m < panel->n_models; m++) {
      uint16_t vote = bf__votes(panel, m)[i];
      if (vote == BF__NO_VOTE) continue;
      q[vote] += 1.0;
      n += 1.0;
    }
    for (size_t c = 0; c < k && n > 0.0; c++) q[c] /= n;
  }
}

static void expect_block(void *context, size_t block, uint32_t worker) {
  dawid_skene *s = context;
  const bf_panel *panel = s->panel;
  size_t k = panel->n_classes, first = block * BLOCK_ITEMS, last = first + BLOCK_ITEMS;
  if (last > panel->n_items) last = panel->n_items;
  (void)worker;
  for (size_t i = first; i < last; i++) memcpy(s->q + i * k, s->log_prior, k * sizeof *s->q);
  for (size_t m = 0; m < panel->n_models; m++) {
    const uint16_t *votes = bf__votes(panel, m);
    for (size_t i = first; i < last; i++) {
      if (votes[i] == BF__NO_VOTE) continue;
      double *q = s->q + i * k;
      if (!s->full) {
        q[votes[i]] += s->log_table[m];
        continue;
      }
      const double *add = s->log_table + (m * k + votes[i]) * k;
      for (size_t c = 0; c < k; c++) q[c] += add[c];
    }
  }
  for (size_t i = first; i < last; i++) bf__softmax(s->q + i * k, k, 1.0, s->q + i * k);
}

/* Expected confusion of a model, with the priors' counts, as log shares of each true class. */
static void maximise_full(dawid_skene *s, size_t m) {
  const bf_panel *panel = s->panel;
  size_t k = panel->n_classes;
  const uint16_t *votes = bf__votes(panel, m);
  double *counts = s->table + m * k * k, *logs = s->log_table + m * k * k;
  for (size_t h = 0; h < k; h++)
    for (size_t c = 0; c < k; c++)
      counts[h * k + c] = h == c ? RIGHT * STRENGTH : (1.0 - RIGHT) * STRENGTH / (double)(k - 1);
  for (size_t i = 0; i < panel->n_items; i++) {
    if (votes[i] == BF__NO_VOTE) continue;
    const double *q = s->q + i * k;
    double *row = counts + votes[i] * k;
    for (size_t c = 0; c < k; c++) row[c] += q[c];
  }
  for (size_t c = 0; c < k; c++) {
    double total = 0.0;
    for (size_t h = 0; h < k; h++) total += counts[h * k + c];
    for (size_t h = 0; h < k; h++) logs[h * k + c] = log(counts[h * k + c] / total);
  }
}

static void maximise_model(void *context, size_t m, uint32_t worker) {
  dawid_skene *s = context;
  size_t k = s->panel->n_classes;
  (void)worker;
  if (s->full) {
    maximise_full(s, m);
    return;
  }
  double n = (double)s->panel->members[m].n_answered;
  double right = (RIGHT * STRENGTH + s->scores[m] * n) / (STRENGTH + n);
  s->log_table[m] = log(right / (1.0 - right) * (double)(k - 1));
}

/* scores: mean posterior mass of what the model said. */
static void score_model(void *context, size_t m, uint32_t worker) {
  dawid_skene *s = context;
  const uint16_t *votes = bf__votes(s->panel, m);
  double sum = 0.0;
  (void)worker;
  for (size_t i = 0; i < s->panel->n_items; i++)
    if (votes[i] != BF__NO_VOTE) sum += s->q[i * s->panel->n_classes + votes[i]];
  s->scores[m] = s->panel->members[m].n_answered > 0 ? sum / (double)s->panel->members[m].n_answered : 0.0;
}

static void maximise_prior(dawid_skene *s) {
  size_t k = s->panel->n_classes;
  double total = 0.0;
  for (size_t c = 0; c < k; c++) s->log_prior[c] = 1.0 + CLASS_STRENGTH * (double)s->n_voted / (double)k;
  for (size_t i = 0; i < s->panel->n_items; i++) {
    bool voted = false; /* items that nobody answered teach nothing */
    for (size_t m = 0; m < s->panel->n_models && !voted; m++) voted = bf__is_answered(s->panel, m, i);
    for (size_t c = 0; c < k && voted; c++) s->log_prior[c] += s->q[i * k + c];
  }
  for (size_t c = 0; c < k; c++) total += s->log_prior[c];
  for (size_t c = 0; c < k; c++) s->log_prior[c] = log(s->log_prior[c] / total);
}

static bf_status allocate(dawid_skene *s, bf_error *err) {
  size_t m = s->panel->n_models, k = s->panel->n_classes, cells = 0, table = 0;
  if (bf__mul(s->panel->n_items, k, &cells)) s->q = bf__alloc(cells, sizeof *s->q);
  s->log_prior = bf__alloc(k, sizeof *s->log_prior);
  s->scores = bf__alloc(m, sizeof *s->scores);
  table = s->full ? m * k * k : m;
  s->log_table = bf__alloc(table, sizeof *s->log_table);
  s->table = bf__alloc(s->full ? table : 0, sizeof *s->table);
  if (!s->q || !s->log_prior || !s->scores || !s->log_table || !s->table)
    return bf__error_memory(err, (cells + 2 * table) * sizeof *s->q);
  return BF_OK;
}

static void iterate(dawid_skene *s, double *before) {
  const bf_panel *panel = s->panel;
  size_t n_blocks = (panel->n_items + BLOCK_ITEMS - 1) / BLOCK_ITEMS;
  uint32_t n_threads = panel->options.n_threads;
  for (size_t i = 0; i < panel->n_items; i++) {
    bool voted = false;
    for (size_t m = 0; m < panel->n_models && !voted; m++) voted = bf__is_answered(panel, m, i);
    s->n_voted += voted;
  }
  bf__parallel_for(n_blocks, n_threads, start_block, s);
  bf__parallel_for(panel->n_models, n_threads, score_model, s);
  for (int round = 0; round < MAX_ROUNDS; round++) {
    double change = 0.0;
    memcpy(before, s->scores, panel->n_models * sizeof *before);
    maximise_prior(s);
    bf__parallel_for(panel->n_models, n_threads, maximise_model, s);
    bf__parallel_for(n_blocks, n_threads, expect_block, s);
    bf__parallel_for(panel->n_models, n_threads, score_model, s);
    for (size_t m = 0; m < panel->n_models; m++) change = fmax(change, fabs(s->scores[m] - before[m]));
    if (change < SETTLED) break;
  }
}

static bf_status dawid_skene_run(const bf_panel *panel, bool full, bf_estimate_value *out, bf_error *err) {
  bf_status status = BF_OK;
  dawid_skene s = {.panel = panel, .full = full};
  size_t m = panel->n_models, k = panel->n_classes, cells = 0;
  double *before = NULL;
  if (k == 1) { /* nothing can be wrong */
    for (size_t i = 0; i < m; i++) out[i].value = 1.0;
    return BF_OK;
  }
  if (full && (!bf__mul(m, k * k, &cells) || cells > MAX_CELLS)) {
    for (size_t i = 0; i < m; i++)
      if (out[i].applicable)
        bf__not_applicable(&out[i], "%zu models of %zu classes have too large confusion matrices", m, k);
    return BF_OK;
  }
  before = bf__alloc(m, sizeof *before);
  if (!before) BF_TRY(bf__error_memory(err, m * sizeof *before));
  BF_TRY(allocate(&s, err));
  iterate(&s, before);
  for (size_t i = 0; i < m; i++) out[i].value = s.scores[i];
out:
  free(before);
  free(s.q);
  free(s.log_prior);
  free(s.scores);
  free(s.log_table);
  free(s.table);
  return status;
}

bf_status bf__dawid_skene(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  return dawid_skene_run(panel, false, out, err);
}

bf_status bf__dawid_skene_full(const bf_panel *panel, bf_estimate_value *out, bf_error *err) {
  return dawid_skene_run(panel, true, out, err);
}
