/* Asking the experience: the expected accuracy of candidates on a target. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/learn_internal.h"

typedef struct asking {
  const bf_experience *e;
  const bf__question *q;
  bf__scene scene;
  uint32_t *models;
  size_t *sources, *domain_sources;
  const bf_sketch **sketches;
  double *closeness, *domain_closeness, *distance, *distances;
  uint32_t *nowhere; /* [n] domains of the rows: none of the training */
  double *base, *all, *believed;
} asking;

static void asking_deinit(asking *a) {
  free(a->models);
  free(a->sources);
  free(a->domain_sources);
  free(a->sketches);
  free(a->closeness);
  free(a->domain_closeness);
  free(a->distance);
  free(a->distances);
  free(a->nowhere);
  free(a->base);
  free(a->all);
  free(a->believed);
}

static bf_status allocate(asking *a, bf_error *err) {
  size_t n = a->q->n, m = a->e->n_domains;
  a->models = bf__alloc(n, sizeof *a->models);
  a->sources = bf__alloc(n, sizeof *a->sources);
  a->domain_sources = bf__alloc(m, sizeof *a->domain_sources);
  a->sketches = bf__alloc(n, sizeof *a->sketches);
  a->closeness = bf__alloc(n, BF__N_CLOSENESS * sizeof *a->closeness);
  a->domain_closeness = bf__alloc(m, BF__N_CLOSENESS * sizeof *a->domain_closeness);
  a->distance = bf__alloc(m, sizeof *a->distance);
  a->distances = bf__alloc(n * m, sizeof *a->distances);
  a->nowhere = bf__alloc(n, sizeof *a->nowhere);
  a->base = bf__alloc(n * a->e->n_base, sizeof *a->base);
  a->all = bf__alloc(n * a->e->n_all, sizeof *a->all);
  a->believed = bf__alloc(n, sizeof *a->believed);
  bool all = a->models && a->sources && a->domain_sources && a->sketches && a->closeness && a->domain_closeness &&
             a->distance && a->distances && a->nowhere && a->base && a->all && a->believed;
  return all ? BF_OK : bf__error_memory(err, n * a->e->n_all * sizeof *a->all);
}

uint32_t bf__experience_model_number(const bf_experience *e, const bf_experience_model *model) {
  for (size_t i = 0; i < e->n_models; ++i)
    if (e->models[i].version == model->version && strcmp(e->models[i].id, model->id) == 0) return (uint32_t)i;
  return BF__NOBODY;
}

static bf_status look(asking *a, double *similarity, bf_error *err) {
  const bf_experience *e = a->e;
  size_t n = a->q->n;
  for (size_t i = 0; i < n; ++i) {
    a->models[i] = bf__experience_model_number(e, &a->q->info[i]);
    a->sources[i] = a->models[i] == BF__NOBODY ? SIZE_MAX : a->models[i];
    a->sketches[i] = a->q->info[i].sketch;
  }
  for (size_t v = 0; v < e->n_domains; ++v) a->domain_sources[v] = e->domains[v].model;
  bf_status status = bf__closeness_measure(&e->closeness, a->sources, a->sketches, n, a->q->target, a->closeness, err);
  if (status == BF_OK)
    status = bf__closeness_measure(&e->closeness, a->domain_sources, NULL, e->n_domains, a->q->target,
                                   a->domain_closeness, err);
  if (status == BF_OK) status = bf__closeness_similarity(a->closeness, n, e->kind, similarity, err);
  if (status != BF_OK) return status;
  for (size_t v = 0; v < e->n_domains; ++v)
    a->distance[v] = bf__distance_of(&e->scale, a->domain_closeness + v * BF__N_CLOSENESS);
  for (size_t i = 0; i < n; ++i) memcpy(a->distances + i * e->n_domains, a->distance, e->n_domains * sizeof(double));
  a->scene = (bf__scene){.n = n,
                         .models = a->models,
                         .info = a->q->info,
                         .closeness = a->closeness,
                         .similarity = similarity,
                         .panel = a->q->panel,
                         .distance = a->distance,
                         .group = BF__NO_GROUP};
  return BF_OK;
}

/* Outside of the experience: by two measures of four or more the nearest model is farther than for any domain yet. */
static void judge_novelty(const asking *a, bf__answer *out) {
  for (size_t k = 0; k < BF__N_NOVELTY; ++k) {
    double nearest = NAN;
    for (size_t i = 0; i < a->q->n; ++i)
      nearest = fmin(nearest, a->closeness[i * BF__N_CLOSENESS + bf__novelty_measures[k]]);
    out->n_novel += isfinite(nearest) && isfinite(a->e->worst[k]) && nearest > a->e->worst[k];
  }
  out->novel = out->n_novel >= 2;
}

static bf_status predict(asking *a, const bf__fit *fit, const double *x, size_t n_columns, double *out, bf_error *err) {
  bf__pairs pairs = {a->q->n, n_columns, x, a->models, a->nowhere};
  return bf__kriging_predict(fit->kriging, &pairs, a->distances, out, err);
}

/* Places go by expectations as they lean; those are clipped again. */
static void lean_on_agreement(const asking *a, const bf__fit *fit, bf__answer *out) {
  size_t n = a->q->n;
  double by = fit->lean * (out->novel ? 2.0 : 1.0);
  if (by > 0.0) bf__agreement_scores(a->e, a->base, n, out->leaning);
  for (size_t i = 0; i < n; ++i) {
    out->leaning[i] *= by;
    out->order[i] = out->expected[i] + out->leaning[i];
    out->expected[i] = bf__clip_accuracy(out->order[i]);
  }
}

static bf_status answer(asking *a, bf__learner learner, double *expected, bf_error *err) {
  bf_status status = BF_OK;
  const bf_experience *e = a->e;
  size_t n = a->q->n;
  if (learner == BF__DATA_ONLY) {
    BF_TRY(bf__base_features(e, &a->scene, false, a->base, err));
    return predict(a, &e->fits[learner], a->base, e->n_data, expected, err);
  }
  BF_TRY(bf__base_features(e, &a->scene, true, a->base, err));
  if (learner != BF__STAGE_2) return predict(a, &e->fits[learner], a->base, e->n_base, expected, err);
  BF_TRY(predict(a, bf__belief(e), a->base, e->n_base, a->believed, err));
  size_t n_own = e->n_posteriors;
  double *own = bf__alloc(n, n_own * sizeof *own);
  if (!own) return bf__error_memory(err, n * n_own * sizeof *own);
  status = bf__posterior_features(e, &a->scene, a->believed, own, err);
  for (size_t i = 0; i < n; ++i) {
    memcpy(a->all + i * e->n_all, a->base + i * e->n_base, e->n_base * sizeof *own);
    memcpy(a->all + i * e->n_all + e->n_base, own + i * n_own, n_own * sizeof *own);
  }
  free(own);
  if (status == BF_OK) status = predict(a, &e->fits[BF__STAGE_2], a->all, e->n_all, expected, err);
out:
  return status;
}

bf_status bf__ask(const bf_experience *e, bf__learner learner, const bf__question *question, bf__answer *out,
                  bf_error *err) {
  *out = (bf__answer){0};
  if (!e->fits[learner].kriging)
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "the experience of %zu labelled domains is too small to learn from",
                     e->n_domains);
  bf_status status = BF_OK;
  asking a = {.e = e, .q = question};
  out->expected = bf__alloc(question->n, sizeof *out->expected);
  out->order = bf__alloc(question->n, sizeof *out->order);
  out->leaning = bf__alloc(question->n, sizeof *out->leaning);
  out->similarity = bf__alloc(question->n, sizeof *out->similarity);
  out->distance = bf__alloc(e->n_domains, sizeof *out->distance);
  if (!out->expected || !out->order || !out->leaning || !out->similarity || !out->distance)
    BF_TRY(bf__error_memory(err, question->n * sizeof *out->expected));
  BF_TRY(allocate(&a, err));
  BF_TRY(look(&a, out->similarity, err));
  judge_novelty(&a, out);
  BF_TRY(answer(&a, learner, out->expected, err));
  lean_on_agreement(&a, &e->fits[learner], out);
  memcpy(out->distance, a.distance, e->n_domains * sizeof *out->distance);
  out->half_width = e->fits[learner].half_width * (out->novel ? 2.0 : 1.0);
out:
  if (status != BF_OK) bf__answer_deinit(out);
  asking_deinit(&a);
  return status;
}

void bf__answer_deinit(bf__answer *answer) {
  free(answer->expected);
  free(answer->order);
  free(answer->leaning);
  free(answer->similarity);
  free(answer->distance);
  *answer = (bf__answer){0};
}
