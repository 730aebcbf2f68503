/* From the experience to fitted strategies: the pairs with their features, the two stages of kriging, intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "learn/learn_internal.h"

static const bf__kriging_kernel KERNELS[BF__N_LEARNERS] = {
    [BF__RIDGE] = {.v_lin = 1.0, .g = 1.0},
    [BF__STAGE_1] = {.v_lin = 1.0, .v_same = 2.0, .g = 2.0},
    [BF__STAGE_2] = {.v_lin = 1.0, .v_ll = 2.0, .v_same = 2.0, .v_dom = 16.0, .g = 1.0},
    [BF__DATA_ONLY] = {.v_lin = 1.0, .v_same = 2.0, .g = 2.0},
};

/* An expectation leans on what the models agree about, the further the less is known of its error: by so much of the
 * half-width for each z-score. docs/decisions/0006-auto.md has what it is worth. */
static const double LEANS[BF__N_LEARNERS] = {[BF__STAGE_1] = 0.1, [BF__STAGE_2] = 0.1};

const bf__kriging_kernel *bf__learner_kernel(bf__learner learner) {
  return &KERNELS[learner];
}

double bf__learner_lean(bf__learner learner) {
  return LEANS[learner];
}

const int bf__novelty_measures[BF__N_NOVELTY] = {BF__HIST_JSD, BF__MMD, BF__CELL_JSD, BF__GAUSS_KL_TS};

/* ---- a labelled domain as a scene ---- */

typedef struct own_scene {
  bf__scene scene;
  uint32_t *models;
  bf_experience_model *info;
  double *closeness, *similarity;
} own_scene;

static void scene_deinit(own_scene *s) {
  free(s->models);
  free(s->info);
  free(s->closeness);
  free(s->similarity);
}

static bf_status scene_init(own_scene *s, const bf_experience *e, size_t v, bf_error *err) {
  const bf__labelled *d = &e->domains[v];
  size_t n = d->n_members;
  *s = (own_scene){0};
  s->models = bf__alloc(n, sizeof *s->models);
  s->info = bf__alloc(n, sizeof *s->info);
  s->closeness = bf__alloc(n, BF__N_CLOSENESS * sizeof *s->closeness);
  s->similarity = bf__alloc(n, sizeof *s->similarity);
  if (!s->models || !s->info || !s->closeness || !s->similarity)
    return bf__error_memory(err, n * BF__N_CLOSENESS * sizeof *s->closeness);
  for (size_t i = 0; i < n; ++i) {
    s->models[i] = d->records[d->members[i]].model;
    s->info[i] = e->models[s->models[i]];
    memcpy(s->closeness + i * BF__N_CLOSENESS, e->measures + (v * e->n_models + s->models[i]) * BF__N_CLOSENESS,
           BF__N_CLOSENESS * sizeof *s->closeness);
  }
  bf_status status = bf__closeness_similarity(s->closeness, n, e->kind, s->similarity, err);
  if (status != BF_OK) return status;
  s->scene = (bf__scene){.n = n,
                         .models = s->models,
                         .info = s->info,
                         .closeness = s->closeness,
                         .similarity = s->similarity,
                         .panel = d->panel,
                         .distance = e->distances + v * e->n_domains,
                         .group = d->group};
  return BF_OK;
}

/* ---- features of all pairs ---- */

static bf_status allocate_pairs(bf_experience *e, bf_error *err) {
  for (size_t v = 0; v < e->n_domains; ++v) {
    e->domains[v].first_pair = e->n_pairs;
    e->n_pairs += e->domains[v].n_members;
  }
  e->pair_models = bf__alloc(e->n_pairs, sizeof *e->pair_models);
  e->pair_domains = bf__alloc(e->n_pairs, sizeof *e->pair_domains);
  e->accuracy = bf__alloc(e->n_pairs, sizeof *e->accuracy);
  e->value = bf__alloc(e->n_pairs, sizeof *e->value);
  e->data_features = bf__alloc(e->n_pairs * e->n_data, sizeof *e->data_features);
  e->base = bf__alloc(e->n_pairs * e->n_base, sizeof *e->base);
  e->all = bf__alloc(e->n_pairs * e->n_all, sizeof *e->all);
  bool all = e->pair_models && e->pair_domains && e->accuracy && e->value && e->data_features && e->base && e->all;
  return all ? BF_OK : bf__error_memory(err, e->n_pairs * e->n_all * sizeof *e->all);
}

typedef struct featuring {
  bf_experience *e;
  own_scene *scenes;
  bool posteriors;
  bf_status *statuses;
  bf_error *errors;
} featuring;

static bf_status fill_base(bf_experience *e, size_t v, own_scene *s, bf_error *err) {
  const bf__labelled *d = &e->domains[v];
  bf_status status = scene_init(s, e, v, err);
  for (size_t i = 0; i < d->n_members && status == BF_OK; ++i) {
    size_t pair = d->first_pair + i;
    e->pair_models[pair] = s->models[i];
    e->pair_domains[pair] = (uint32_t)v;
    e->accuracy[pair] = d->records[d->members[i]].accuracy;
    e->value[pair] = d->records[d->members[i]].value;
  }
  if (status == BF_OK)
    status = bf__base_features(e, &s->scene, false, e->data_features + d->first_pair * e->n_data, err);
  if (status == BF_OK) status = bf__base_features(e, &s->scene, true, e->base + d->first_pair * e->n_base, err);
  return status;
}

static bf_status fill_posteriors(bf_experience *e, size_t v, const own_scene *s, bf_error *err) {
  const bf__labelled *d = &e->domains[v];
  size_t n = e->n_posteriors;
  double *own = bf__alloc(d->n_members, n * sizeof *own);
  if (!own) return bf__error_memory(err, d->n_members * n * sizeof *own);
  bf_status status = bf__posterior_features(e, &s->scene, bf__belief(e)->left_out + d->first_pair, own, err);
  for (size_t i = 0; i < d->n_members && status == BF_OK; ++i) {
    double *to = e->all + (d->first_pair + i) * e->n_all;
    memcpy(to, e->base + (d->first_pair + i) * e->n_base, e->n_base * sizeof *to);
    memcpy(to + e->n_base, own + i * n, n * sizeof *to);
  }
  free(own);
  return status;
}

static void fill_one(void *context, size_t v, uint32_t worker) {
  featuring *f = context;
  (void)worker;
  f->statuses[v] = f->posteriors ? fill_posteriors(f->e, v, &f->scenes[v], &f->errors[v])
                                 : fill_base(f->e, v, &f->scenes[v], &f->errors[v]);
}

static bf_status fill_all(featuring *f, bool posteriors, bf_error *err) {
  f->posteriors = posteriors;
  bf__parallel_for(f->e->n_domains, f->e->n_threads, fill_one, f);
  for (size_t v = 0; v < f->e->n_domains; ++v) {
    if (f->statuses[v] == BF_OK) continue;
    if (err) *err = f->errors[v];
    return f->statuses[v];
  }
  return BF_OK;
}

/* ---- intervals ---- */

static double quantile_of(double *x, size_t n, double q) {
  qsort(x, n, sizeof *x, bf__compare_doubles);
  double at = q * (double)(n - 1);
  size_t low = (size_t)at;
  return low + 1 < n ? x[low] + (at - (double)low) * (x[low + 1] - x[low]) : x[low];
}

/* The ceil(0.9 (m + 1))-th smallest; the largest where that exceeds m. */
static double order_statistic(double *x, size_t m) {
  qsort(x, m, sizeof *x, bf__compare_doubles);
  size_t k = (9 * (m + 1) + 9) / 10;
  return x[(k < m ? k : m) - 1];
}

bf_status bf__half_width(const double *accuracy, const double *left_out, const size_t *first, size_t n_domains,
                         size_t n_pairs, double *out, bf_error *err) {
  double *whole = bf__alloc(n_domains, 2 * sizeof *whole), *chosen = whole ? whole + n_domains : NULL;
  double *residuals = bf__alloc(n_pairs, sizeof *residuals);
  if (!whole || !residuals) {
    free(whole);
    free(residuals);
    return bf__error_memory(err, n_pairs * sizeof *residuals);
  }
  for (size_t v = 0; v < n_domains; ++v) {
    size_t from = first[v], to = v + 1 < n_domains ? first[v + 1] : n_pairs, best = from;
    for (size_t i = from; i < to; ++i) {
      residuals[i - from] = fabs(accuracy[i] - left_out[i]);
      if (left_out[i] > left_out[best]) best = i;
    }
    chosen[v] = residuals[best - from];
    whole[v] = quantile_of(residuals, to - from, 0.9);
  }
  *out = fmax(order_statistic(whole, n_domains), order_statistic(chosen, n_domains));
  free(whole);
  free(residuals);
  return BF_OK;
}

/* ---- fitting ---- */

const bf__fit *bf__belief(const bf_experience *e) {
  return e->metric == BF_METRIC_ACCURACY ? &e->fits[BF__STAGE_1] : &e->belief;
}

static bf_status set_half_width(const bf_experience *e, const double *y, bf__fit *f, bf_error *err) {
  size_t *first = bf__alloc(e->n_domains, sizeof *first);
  if (!first) return bf__error_memory(err, e->n_domains * sizeof *first);
  for (size_t v = 0; v < e->n_domains; ++v) first[v] = e->domains[v].first_pair;
  bf_status status = bf__half_width(y, f->left_out, first, e->n_domains, e->n_pairs, &f->half_width, err);
  free(first);
  return status;
}

static bf_status fit(bf_experience *e, const bf__kriging_kernel *kernel, const double *x, size_t n_columns,
                     const double *y, bf__fit *f, bf_error *err) {
  bf_status status = BF_OK;
  bf__pairs pairs = {e->n_pairs, n_columns, x, e->pair_models, e->pair_domains};
  f->left_out = bf__alloc(e->n_pairs, sizeof *f->left_out);
  if (!f->left_out) return bf__error_memory(err, e->n_pairs * sizeof *f->left_out);
  BF_TRY(bf__kriging_fit(kernel, &pairs, y, e->distances, e->n_domains, 0, e->seed, &f->kriging, err));
  BF_TRY(bf__kriging_leave_out(f->kriging, &pairs, e->domain_groups, e->groups, f->left_out, err));
  BF_TRY(set_half_width(e, y, f, err));
out:
  return status;
}

/* What was predicted of the domains left out leans as an answer will. */
static bf_status lean(bf_experience *e, bf__learner learner, double share, bf_error *err) {
  bf__fit *f = &e->fits[learner];
  double *agreement = bf__alloc(e->n_pairs, sizeof *agreement); /* room for any domain */
  if (!agreement) return bf__error_memory(err, e->n_pairs * sizeof *agreement);
  f->lean = share * f->half_width;
  for (size_t v = 0; v < e->n_domains; ++v) {
    const bf__labelled *d = &e->domains[v];
    bf__agreement_scores(e, e->base + d->first_pair * e->n_base, d->n_members, agreement);
    for (size_t i = 0; i < d->n_members; ++i)
      f->left_out[d->first_pair + i] = bf__clip_accuracy(f->left_out[d->first_pair + i] + f->lean * agreement[i]);
  }
  free(agreement);
  return set_half_width(e, e->value, f, err);
}

static void learn_novelty(bf_experience *e) {
  for (size_t k = 0; k < BF__N_NOVELTY; ++k) {
    e->worst[k] = NAN;
    for (size_t v = 0; v < e->n_domains; ++v) {
      double nearest = NAN;
      for (size_t m = 0; m < e->n_models; ++m) {
        if (e->groups[m] == e->domains[v].group) continue;
        nearest = fmin(nearest,
                       e->measures[(v * e->n_models + m) * BF__N_CLOSENESS + bf__novelty_measures[k]]); /* skips NaN */
      }
      e->worst[k] = fmax(e->worst[k], nearest);
    }
  }
}

bf_status bf__learn_pairs(bf_experience *e, bf_error *err) {
  bf_status status = BF_OK;
  featuring f = {.e = e};
  f.scenes = bf__alloc(e->n_domains, sizeof *f.scenes);
  f.statuses = bf__alloc(e->n_domains, sizeof *f.statuses);
  f.errors = bf__alloc(e->n_domains, sizeof *f.errors);
  if (!f.scenes || !f.statuses || !f.errors) BF_TRY(bf__error_memory(err, e->n_domains * sizeof *f.scenes));
  learn_novelty(e);
  if (e->n_domains < 2) goto out; /* nothing could be left out */
  BF_TRY(allocate_pairs(e, err));
  BF_TRY(fill_all(&f, false, err));
  BF_TRY(fit(e, &KERNELS[BF__DATA_ONLY], e->data_features, e->n_data, e->value, &e->fits[BF__DATA_ONLY], err));
  BF_TRY(fit(e, &KERNELS[BF__RIDGE], e->base, e->n_base, e->value, &e->fits[BF__RIDGE], err));
  BF_TRY(fit(e, &KERNELS[BF__STAGE_1], e->base, e->n_base, e->value, &e->fits[BF__STAGE_1], err));
  if (e->metric != BF_METRIC_ACCURACY)
    BF_TRY(fit(e, &KERNELS[BF__STAGE_1], e->base, e->n_base, e->accuracy, &e->belief, err));
  if (e->n_classes <= BF__MAX_POSTERIOR_CLASSES) {
    BF_TRY(fill_all(&f, true, err));
    BF_TRY(fit(e, &KERNELS[BF__STAGE_2], e->all, e->n_all, e->value, &e->fits[BF__STAGE_2], err));
    BF_TRY(lean(e, BF__STAGE_2, LEANS[BF__STAGE_2], err));
  }
  BF_TRY(lean(e, BF__STAGE_1, LEANS[BF__STAGE_1], err)); /* last: the posteriors start from what does not lean */
  if (e->fits[BF__STAGE_2].kriging && e->metric == BF_METRIC_ACCURACY) BF_TRY(bf__learn_ensemble(e, err));
out:
  for (size_t v = 0; f.scenes && v < e->n_domains; ++v) scene_deinit(&f.scenes[v]);
  free(f.scenes);
  free(f.statuses);
  free(f.errors);
  return status;
}

bf_status bf__learn_second_stage_again(bf_experience *e, const bf__kriging_kernel *kernel, double share,
                                       bf_error *err) {
  bf__fit *f = &e->fits[BF__STAGE_2];
  if (!f->left_out)
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "there is no second stage, or it was read from what was learnt");
  bf__kriging_free(f->kriging);
  free(f->left_out);
  *f = (bf__fit){0};
  bf_status status = fit(e, kernel, e->all, e->n_all, e->value, f, err);
  return status == BF_OK ? lean(e, BF__STAGE_2, share, err) : status;
}
