#include "learn/closeness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"

static const char *const NAMES[BF__N_FEATURE_CLOSENESS] = {
    [BF__HIST_JSD] = "hist-jsd",
    [BF__MMD] = "mmd",
    [BF__CENTROID_DISTANCE] = "centroid-distance",
    [BF__CELL_JSD] = "cell-jsd",
    [BF__GAUSS_KL_TS] = "gauss-kl-ts",
    [BF__GAUSS_KL_ST] = "gauss-kl-st",
    [BF__WORD_JSD] = "word-jsd",
    [BF__WORD_XENT] = "word-xent",
    [BF__SOFT_ADAPTIVITY] = "soft-adaptivity",
    [BF__TFIDF_COSINE] = "tfidf-cosine",
};

static const int DISTANCES[] = {BF__CELL_JSD, BF__HIST_JSD, BF__MMD, BF__WORD_JSD, BF__UNIGRAM_JSD};
#define N_DISTANCES (sizeof DISTANCES / sizeof *DISTANCES)

/* Columns that can be compared. Memory that lacks is an error, not another answer: what is learnt may be kept. */
static bf_status is_comparable_with(const bf_sketch *reference, const bf_sketch *other, bool *out, bf_error *err) {
  *out = false;
  if (!other || reference->kind != other->kind || reference->projected != other->projected || other->rows == 0)
    return BF_OK;
  if (reference->projected && reference->column_list_hash != other->column_list_hash) return BF_OK;
  uint32_t *map = bf__alloc(reference->n_columns, sizeof *map);
  if (!map) return bf__error_memory(err, reference->n_columns * sizeof *map);
  bf_status status = bf__columns_map(reference, other, "the other", map, NULL);
  free(map);
  if (status == BF_ERR_MEMORY) return bf__error_memory(err, reference->n_columns * sizeof *map);
  *out = status == BF_OK;
  return BF_OK;
}

/* The source whose columns most others have; SIZE_MAX: none has a sketch. */
static bf_status choose_reference(const bf__closeness *c, size_t *out, bf_error *err) {
  size_t best_count = 0;
  *out = SIZE_MAX;
  for (size_t i = 0; i < c->n_sources; ++i) {
    size_t count = 0;
    if (!c->sketches[i] || c->sketches[i]->rows == 0) continue;
    for (size_t j = 0; j < c->n_sources; ++j) {
      bool comparable = false;
      bf_status status = is_comparable_with(c->sketches[i], c->sketches[j], &comparable, err);
      if (status != BF_OK) return status;
      count += comparable;
    }
    if (count > best_count) {
      *out = i;
      best_count = count;
    }
    if (count == c->n_sources) break;
  }
  return BF_OK;
}

typedef struct preparing {
  bf__closeness *c;
  bf_status *statuses;
  const bool *wanted;
} preparing;

static void prepare_one(void *context, size_t i, uint32_t worker) {
  preparing *p = context;
  (void)worker;
  if (p->wanted[i])
    p->statuses[i] = bf__prepared_create(p->c->frame, p->c->sketches[i], p->c->parts, 0, &p->c->prepared[i], NULL);
}

static bool is_grave(bf_status status) {
  return status != BF_OK && status != BF_ERR_NOT_APPLICABLE && status != BF_ERR_MISMATCH;
}

static bf_status prepare_sources(bf__closeness *c, size_t reference, const bf_measure_options *options, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = 0;
  const bf_sketch **in_frame = bf__alloc(c->n_sources, sizeof *in_frame);
  bool *wanted = bf__alloc(c->n_sources, sizeof *wanted);
  preparing p = {c, bf__alloc(c->n_sources, sizeof *p.statuses), wanted};
  if (!in_frame || !wanted || !p.statuses) BF_TRY(bf__error_memory(err, c->n_sources * sizeof *in_frame));
  in_frame[n++] = c->sketches[reference];
  for (size_t i = 0; i < c->n_sources; ++i) {
    BF_TRY(is_comparable_with(c->sketches[reference], c->sketches[i], &wanted[i], err));
    if (wanted[i] && i != reference) in_frame[n++] = c->sketches[i];
    c->words = c->words || (wanted[i] && c->sketches[i]->words);
  }
  c->parts = BF__PART_DATA | (c->words ? BF__PART_WORDS | BF__PART_SOFT | BF__PART_SCALE : 0);
  status = bf__frame_create(in_frame, n, options, c->parts, &c->frame, err);
  if (!is_grave(status) && status != BF_OK) { /* nothing to compare by: no value at all */
    status = BF_OK;
    goto out;
  }
  if (status != BF_OK) goto out;
  bf__parallel_for(c->n_sources, c->n_threads, prepare_one, &p);
  for (size_t i = 0; i < c->n_sources; ++i)
    if (is_grave(p.statuses[i])) BF_TRY(bf__error(err, p.statuses[i], "a sketch could not be prepared"));
out:
  free(in_frame);
  free(wanted);
  free(p.statuses);
  return status;
}

bf_status bf__closeness_init(bf__closeness *c, const bf_sketch *const *sketches, size_t n,
                             const bf_measure_options *options, bf_error *err) {
  *c = (bf__closeness){.n_sources = n, .n_threads = options->n_threads};
  c->sketches = bf__alloc(n, sizeof *c->sketches);
  c->prepared = bf__alloc(n, sizeof(bf_prepared *));
  if (!c->sketches || !c->prepared) return bf__error_memory(err, n * sizeof *c->sketches);
  for (size_t i = 0; i < n; ++i) c->sketches[i] = sketches[i];
  size_t reference = SIZE_MAX;
  bf_status status = choose_reference(c, &reference, err);
  return status != BF_OK || reference == SIZE_MAX ? status : prepare_sources(c, reference, options, err);
}

void bf__closeness_deinit(bf__closeness *c) {
  for (size_t i = 0; c->prepared && i < c->n_sources; ++i) bf_prepared_free(c->prepared[i]);
  free(c->prepared);
  bf_frame_free(c->frame);
  free(c->sketches);
  *c = (bf__closeness){0};
}

/* ---- measuring ---- */

static double unigram_jsd(const bf_sketch *a, const bf_sketch *b) {
  if (!a->words || !b->words || a->words->total == 0 || b->words->total == 0) return NAN;
  double sum = 0.0;
  for (size_t i = 0; i < BF__HASHED_WORDS; ++i) {
    double p = (double)a->words->hashed[i] / (double)a->words->total;
    double q = (double)b->words->hashed[i] / (double)b->words->total, m = 0.5 * (p + q);
    if (p > 0.0) sum += 0.5 * p * log(p / m);
    if (q > 0.0) sum += 0.5 * q * log(q / m);
  }
  return sum;
}

typedef struct measuring {
  const bf__closeness *c;
  const size_t *sources;
  const bf_sketch *const *sketches;
  const bf_prepared *target;
  const bf__strategy *strategies[BF__N_FEATURE_CLOSENESS];
  uint32_t n_reduced;
  double *out;
  bf_status *statuses;
} measuring;

static void measure_one(void *context, size_t i, uint32_t worker) {
  const measuring *m = context;
  const bf__closeness *c = m->c;
  (void)worker;
  double *out = m->out + i * BF__N_CLOSENESS;
  bool known = m->sources[i] != SIZE_MAX;
  const bf_sketch *sketch = known ? c->sketches[m->sources[i]] : m->sketches[i];
  const bf_prepared *source = known ? c->prepared[m->sources[i]] : NULL;
  bf_prepared *own = NULL;
  if (!sketch || sketch->rows == 0 || (known && !source)) return;
  if (!source || m->n_reduced != c->frame->n_reduced) {
    bf_status status = bf__prepared_create(c->frame, sketch, c->parts, m->n_reduced, &own, NULL);
    if (status != BF_OK) {
      m->statuses[i] = is_grave(status) ? status : BF_OK;
      return;
    }
    source = own;
  }
  for (size_t k = 0; k < BF__N_FEATURE_CLOSENESS; ++k) {
    double value = 0.0;
    if (k >= BF__N_DENSE_CLOSENESS && !c->words) break;
    bf_status status = m->strategies[k]->measure(source, m->target, &value, NULL);
    if (status == BF_OK && isfinite(value)) out[k] = value;
    if (is_grave(status)) m->statuses[i] = status;
  }
  out[BF__UNIGRAM_JSD] = unigram_jsd(sketch, m->target->sketch);
  bf_prepared_free(own);
}

bf_status bf__closeness_measure(const bf__closeness *c, const size_t *sources, const bf_sketch *const *sketches,
                                size_t n, const bf_sketch *target, double *out, bf_error *err) {
  bf_status status = BF_OK;
  bf_prepared *prepared = NULL;
  measuring m = {.c = c, .sources = sources, .sketches = sketches, .out = out};
  for (size_t i = 0; i < n * BF__N_CLOSENESS; ++i) out[i] = NAN;
  if (!c->frame || !target || target->rows == 0) return BF_OK;
  m.n_reduced = c->frame->n_reduced;
  if (target->n_centroids > 0 && target->n_centroids < m.n_reduced) m.n_reduced = target->n_centroids;
  status = bf__prepared_create(c->frame, target, c->parts, m.n_reduced, &prepared, err);
  if (status != BF_OK) return is_grave(status) ? status : BF_OK; /* other columns: no value */
  m.target = prepared;
  m.statuses = bf__alloc(n, sizeof *m.statuses);
  if (!m.statuses) BF_TRY(bf__error_memory(err, n * sizeof *m.statuses));
  for (size_t k = 0; k < BF__N_FEATURE_CLOSENESS; ++k) BF_TRY(bf__strategy_find(NAMES[k], &m.strategies[k], err));
  bf__parallel_for(n, c->n_threads, measure_one, &m);
  for (size_t i = 0; i < n; ++i)
    if (m.statuses[i] != BF_OK) BF_TRY(bf__error(err, m.statuses[i], "a sketch could not be measured"));
out:
  free(m.statuses);
  bf_prepared_free(prepared);
  return status;
}

bf_status bf__closeness_similarity(const double *values, size_t n, bf_kind kind, double *out, bf_error *err) {
  double *z = bf__alloc(n, sizeof *z);
  bool any = false;
  if (!z) return bf__error_memory(err, n * sizeof *z);
  for (size_t i = 0; i < n; ++i) out[i] = 0.0;
  for (size_t k = 0; k < BF__N_FEATURE_CLOSENESS; ++k) {
    const char *part = NULL;
    bool is_part = false;
    for (size_t p = 0; (part = bf__composite_measure("similarity", kind, p)) != NULL; ++p)
      is_part = is_part || strcmp(part, NAMES[k]) == 0;
    if (!is_part) continue;
    double sign = k == BF__SOFT_ADAPTIVITY || k == BF__TFIDF_COSINE ? 1.0 : -1.0, worst = 0.0;
    bf__z_scores(values + k, n, BF__N_CLOSENESS, z);
    for (size_t i = 0; i < n; ++i) worst = fmin(worst, sign * z[i]);
    for (size_t i = 0; i < n; ++i) {
      bool known = isfinite(values[i * BF__N_CLOSENESS + k]);
      any = any || known;
      out[i] += known ? sign * z[i] : worst;
    }
  }
  for (size_t i = 0; i < n; ++i) z[i] = out[i];
  bf__z_scores(z, n, 1, out);
  for (size_t i = 0; !any && i < n; ++i) out[i] = NAN;
  free(z);
  return BF_OK;
}

/* ---- distances ---- */

static double median_of(double *x, size_t n) {
  if (n == 0) return 0.0;
  qsort(x, n, sizeof *x, bf__compare_doubles);
  return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

double bf__distance_of(const bf__distance_scale *scale, const double *values) {
  double sum = 0.0;
  size_t n = 0;
  for (size_t k = 0; k < N_DISTANCES; ++k) {
    double value = values[DISTANCES[k]], median = scale->median[DISTANCES[k]];
    if (!isfinite(value) || !(median > 0.0)) continue;
    sum += fmax(value, 0.0) / median;
    ++n;
  }
  return n ? sum / (double)n : 1.0;
}

bf_status bf__distances(const double *values, size_t n, bf__distance_scale *scale, double *out, bf_error *err) {
  double *both = bf__alloc(n * n, BF__N_CLOSENESS * sizeof *both), *column = bf__alloc(n * n, sizeof *column);
  if (!both || !column) {
    free(both);
    free(column);
    return bf__error_memory(err, n * n * BF__N_CLOSENESS * sizeof *both);
  }
  *scale = (bf__distance_scale){{0.0}};
  for (size_t u = 0; u < n; ++u) {
    for (size_t v = 0; v < n; ++v) {
      const double *forth = values + (u * n + v) * BF__N_CLOSENESS, *back = values + (v * n + u) * BF__N_CLOSENESS;
      double *mean = both + (u * n + v) * BF__N_CLOSENESS;
      for (size_t k = 0; k < BF__N_CLOSENESS; ++k)
        mean[k] = isfinite(forth[k]) && isfinite(back[k]) ? 0.5 * (forth[k] + back[k])
                  : isfinite(forth[k])                    ? forth[k]
                                                          : back[k];
    }
  }
  for (size_t k = 0; k < N_DISTANCES; ++k) {
    size_t n_known = 0;
    for (size_t u = 0; u < n; ++u)
      for (size_t v = 0; v < u; ++v) {
        double value = both[(u * n + v) * BF__N_CLOSENESS + DISTANCES[k]];
        if (isfinite(value)) column[n_known++] = value;
      }
    scale->median[DISTANCES[k]] = median_of(column, n_known);
  }
  for (size_t u = 0; u < n; ++u)
    for (size_t v = 0; v < n; ++v)
      out[u * n + v] = u == v ? 0.0 : bf__distance_of(scale, both + (u * n + v) * BF__N_CLOSENESS);
  free(both);
  free(column);
  return BF_OK;
}
