/* Confidence optimal transport (Lu et al., ICLR 2024): how far the probabilities of some rows are from as many one-hot
 * labels in proportion to the label prior of the source.
 *
 * The plan between equally many rows and labels is an assignment, and labels of one class are alike, so it is a
 * transportation problem with one column a class. Rows enter one by one, each along the shortest augmenting path
 * through the columns (Bellman-Ford on the cheapest move between every two of them), which keeps the plan optimal after
 * every row. Exact; rows^2 x classes at worst. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"

#define COT_ROWS 240u
#define SLACK 1e-13 /* a path must be shorter by more than rounding */
#define NOBODY SIZE_MAX

typedef struct plan {
  const double *gain;
  size_t n_rows, n_columns;
  const size_t *capacity;
  size_t *column;    /* [n_rows] NOBODY: not in yet */
  size_t *load;      /* [n_columns] */
  double *move;      /* [n_columns][n_columns] least loss of moving a row of a to b */
  size_t *mover;     /* the row */
  double *distance;  /* [n_columns] */
  size_t *came_from; /* [n_columns] column; NOBODY: the new row itself */
} plan;

static void update_moves(plan *t, size_t a) {
  for (size_t b = 0; b < t->n_columns; b++) {
    t->move[a * t->n_columns + b] = INFINITY;
    t->mover[a * t->n_columns + b] = NOBODY;
  }
  for (size_t i = 0; i < t->n_rows; i++) {
    if (t->column[i] != a) continue;
    const double *gain = t->gain + i * t->n_columns;
    for (size_t b = 0; b < t->n_columns; b++) {
      double loss = gain[a] - gain[b];
      if (loss >= t->move[a * t->n_columns + b]) continue;
      t->move[a * t->n_columns + b] = loss;
      t->mover[a * t->n_columns + b] = i;
    }
  }
}

/* Whether column b lies on the path that leads to a. Where many gains are equal, rounding makes circles that seem to
 * gain something: they are left out, or a path would go round for ever. */
static bool leads_over(const plan *t, size_t a, size_t b) {
  for (size_t c = a; c != NOBODY; c = t->came_from[c])
    if (c == b) return true;
  return false;
}

static void shortest_paths(plan *t, size_t row) {
  for (size_t c = 0; c < t->n_columns; c++) {
    t->distance[c] = t->capacity[c] > 0 ? -t->gain[row * t->n_columns + c] : INFINITY;
    t->came_from[c] = NOBODY;
  }
  bool better = true;
  for (size_t round = 0; better && round < t->n_columns; round++) {
    better = false;
    for (size_t a = 0; a < t->n_columns; a++) {
      if (t->load[a] == 0 || isinf(t->distance[a])) continue;
      const double *move = t->move + a * t->n_columns;
      for (size_t b = 0; b < t->n_columns; b++) {
        if (b == a || t->capacity[b] == 0 || !(t->distance[a] + move[b] < t->distance[b] - SLACK)) continue;
        if (leads_over(t, a, b)) continue;
        t->distance[b] = t->distance[a] + move[b];
        t->came_from[b] = a;
        better = true;
      }
    }
  }
}

/* Puts a row in, moving others along the path. */
static void augment(plan *t, size_t row) {
  size_t end = NOBODY;
  shortest_paths(t, row);
  for (size_t c = 0; c < t->n_columns; c++)
    if (t->load[c] < t->capacity[c] && (end == NOBODY || t->distance[c] < t->distance[end])) end = c;
  t->load[end]++;
  size_t c = end;
  for (size_t a; (a = t->came_from[c]) != NOBODY; c = a) t->column[t->mover[a * t->n_columns + c]] = c;
  t->column[row] = c;
  c = end;
  update_moves(t, c);
  while ((c = t->came_from[c]) != NOBODY) update_moves(t, c);
}

bf_status bf__best_assignment(const double *gain, size_t n_rows, size_t n_columns, const size_t *capacity, double *out,
                              bf_error *err) {
  bf_status status = BF_OK;
  plan t = {.gain = gain, .n_rows = n_rows, .n_columns = n_columns, .capacity = capacity};
  t.column = bf__alloc(n_rows, sizeof *t.column);
  t.load = bf__alloc(n_columns, sizeof *t.load);
  t.move = bf__alloc(n_columns * n_columns, sizeof *t.move);
  t.mover = bf__alloc(n_columns * n_columns, sizeof *t.mover);
  t.distance = bf__alloc(n_columns, sizeof *t.distance);
  t.came_from = bf__alloc(n_columns, sizeof *t.came_from);
  if (!t.column || !t.load || !t.move || !t.mover || !t.distance || !t.came_from)
    BF_TRY(bf__error_memory(err, n_columns * n_columns * sizeof *t.move));
  for (size_t i = 0; i < n_rows; i++) t.column[i] = NOBODY;
  for (size_t i = 0; i < n_rows; i++) augment(&t, i);
  *out = 0.0;
  for (size_t i = 0; i < n_rows; i++) *out += gain[i * n_columns + t.column[i]];
out:
  free(t.column);
  free(t.load);
  free(t.move);
  free(t.mover);
  free(t.distance);
  free(t.came_from);
  return status;
}

/* n labels in the given shares, by largest remainder; of equal remainders the lowest class is first. */
static void label_counts(const double *shares, size_t n_classes, size_t n, double *remainder, size_t *out) {
  size_t left = n;
  for (size_t c = 0; c < n_classes; c++) {
    double exact = shares[c] * (double)n;
    out[c] = (size_t)(exact + 1e-9); /* a whole number that rounding took a little of */
    if (out[c] > left) out[c] = left;
    remainder[c] = fmax(exact - (double)out[c], 0.0);
    left -= out[c];
  }
  while (left > 0) {
    size_t best = 0;
    for (size_t c = 1; c < n_classes; c++)
      if (remainder[c] > remainder[best] + 1e-12) best = c;
    out[best]++;
    remainder[best] = -1.0;
    left--;
  }
}

/* Columns that hold labels, [n_items][columns] of probabilities. */
typedef struct cot_job {
  size_t *items, n, *counts, *capacity, n_columns;
  double *prior, *remainder, *p, *gain;
} cot_job;

static bf_status fill_gain(const bf_panel *panel, size_t model, cot_job *job, bf_error *err) {
  const bf__member *member = &panel->members[model];
  for (size_t c = 0; c < panel->n_classes; c++) job->n_columns += job->counts[c] > 0;
  job->capacity = bf__alloc(job->n_columns, sizeof *job->capacity);
  job->gain = bf__alloc(job->n * job->n_columns, sizeof *job->gain);
  size_t *column = bf__alloc(panel->n_classes, sizeof *column);
  if (!job->capacity || !job->gain || !column) {
    free(column);
    return bf__error_memory(err, job->n * job->n_columns * sizeof *job->gain);
  }
  for (size_t c = 0, k = 0; c < panel->n_classes; c++) {
    column[c] = job->counts[c] > 0 ? k : NOBODY;
    if (job->counts[c] > 0) job->capacity[k++] = job->counts[c];
  }
  for (size_t i = 0; i < job->n; i++) {
    bf__panel_probabilities(panel, model, job->items[i], job->p);
    for (size_t k = 0; k < member->n_kept; k++) {
      size_t at = column[member->to_panel[k]];
      if (at != NOBODY) job->gain[i * job->n_columns + at] = job->p[k];
    }
  }
  free(column);
  return BF_OK;
}

bf_status bf__cot(const bf_panel *panel, size_t model, bf_estimate_value *out, bf_error *err) {
  bf_status status = BF_OK;
  cot_job job = {0};
  double sum = 0.0;
  job.prior = bf__alloc(panel->n_classes, sizeof *job.prior);
  job.remainder = bf__alloc(panel->n_classes, sizeof *job.remainder);
  job.counts = bf__alloc(panel->n_classes, sizeof *job.counts);
  job.p = bf__alloc(panel->members[model].n_kept, sizeof *job.p);
  if (!job.prior || !job.remainder || !job.counts || !job.p)
    BF_TRY(bf__error_memory(err, panel->n_classes * sizeof *job.prior));
  if (!bf__panel_prior(panel, model, job.prior)) {
    bf__not_applicable(out, "its calibration knows no label of these classes");
    goto out;
  }
  BF_TRY(bf__panel_sample(panel, model, COT_ROWS, bf__is_answered, &job.items, &job.n, err));
  label_counts(job.prior, panel->n_classes, job.n, job.remainder, job.counts);
  BF_TRY(fill_gain(panel, model, &job, err));
  BF_TRY(bf__best_assignment(job.gain, job.n, job.n_columns, job.capacity, &sum, err));
  out->value = sum / (double)job.n; /* 1 - mean (1 - p) */
out:
  free(job.items);
  free(job.counts);
  free(job.capacity);
  free(job.prior);
  free(job.remainder);
  free(job.p);
  free(job.gain);
  return status;
}
