#include "make_panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

void *world_alloc(world *w, size_t n, size_t bytes) {
  void *block = calloc(n ? n : 1, bytes);
  if (!block || w->n_blocks == sizeof w->blocks / sizeof *w->blocks) abort();
  return w->blocks[w->n_blocks++] = block;
}

static const char *class_name(world *w, const world_options *how, size_t model, size_t class) {
  char *name = world_alloc(w, 32, 1);
  if (how->disjoint) {
    snprintf(name, 32, "class%zu of %zu", class, model);
  } else {
    snprintf(name, 32, "class%zu", class);
  }
  return name;
}

/* Scores of one item: the right class stands out where the model is right, in units of `scale`. */
static void fill_scores(bf__random *r, const size_t *of, size_t k, size_t right, bool are_logits, float *scores) {
  double sum = 0.0, z[64];
  for (size_t c = 0; c < k; c++) {
    z[c] = bf__random_normal(r) + (of[c] == right ? 2.0 : 0.0);
    sum += exp(z[c]);
  }
  for (size_t c = 0; c < k; c++) scores[c] = (float)(are_logits ? z[c] : exp(z[c]) / sum);
}

static void give_calibration(world *w, bf__random *r, bf_panel_model *model, const size_t *of) {
  size_t n = 30 + bf__random_below(r, 60), k = model->n_classes;
  bf_outputs outputs = {.n_items = n, .n_classes = k, .are_logits = model->scores ? model->are_logits : true};
  outputs.scores = world_alloc(w, n * k, sizeof(float));
  int32_t *truth = world_alloc(w, n, sizeof *truth);
  for (size_t i = 0; i < n; i++) {
    size_t right = bf__random_below(r, k);
    truth[i] = (int32_t)right;
    if (bf__random_unit(r) < 0.1) truth[i] = bf__random_unit(r) < 0.5 ? -1 : -2;
    size_t shown = bf__random_unit(r) < 0.2 ? bf__random_below(r, k) : right;
    fill_scores(r, of, k, of[shown], outputs.are_logits, outputs.scores + i * k);
  }
  bf_calibration *made = NULL;
  if (bf_calibration_fit(&outputs, model->classes, truth, &made, NULL) != BF_OK) abort();
  model->calibration = made;
}

static void make_model(world *w, const world_options *how, bf__random *r, size_t m) {
  bf_panel_model *model = &w->models[m];
  size_t of[64], k = 0, n = how->n_items, c = how->n_classes;
  size_t without = how->odd_classes && c > 2 && bf__random_unit(r) < 0.5 ? bf__random_below(r, c) : c;
  const char **classes = world_alloc(w, c, sizeof *classes);
  size_t turn = how->odd_classes ? bf__random_below(r, c) : 0;
  for (size_t i = 0; i < c; i++)
    if ((i + turn) % c != without) of[k++] = (i + turn) % c;
  for (size_t i = 0; i < k; i++) classes[i] = class_name(w, how, m, of[i]);
  char *id = world_alloc(w, 32, 1);
  snprintf(id, 32, "test/model-%zu", m);
  *model = (bf_panel_model){.id = id, .classes = classes, .n_classes = k, .source_accuracy = NAN, .similarity = NAN};
  unsigned kind = 0;
  while (!(kind & how->kinds)) kind = 1u << bf__random_below(r, 3);
  double skill = 0.3 + 0.6 * bf__random_unit(r);
  float *scores = world_alloc(w, n * k, sizeof *scores);
  int32_t *predicted = world_alloc(w, n, sizeof *predicted);
  for (size_t i = 0; i < n; i++) {
    size_t right = bf__random_unit(r) < skill ? (size_t)w->truth[i] : of[bf__random_below(r, k)];
    fill_scores(r, of, k, right, kind == WORLD_LOGITS, scores + i * k);
    for (size_t j = 0; j < k; j++) predicted[i] = of[j] == right ? (int32_t)j : predicted[i];
    if (bf__random_unit(r) >= how->missing) continue;
    scores[i * k + bf__random_below(r, k)] = bf__random_unit(r) < 0.5 ? NAN : INFINITY;
    predicted[i] = -1;
  }
  model->are_logits = kind == WORLD_LOGITS;
  if (kind == WORLD_PREDICTED) {
    model->predicted = predicted;
  } else {
    model->scores = scores;
  }
  if (!how->calibrated) return;
  give_calibration(w, r, model, of);
  if (bf__random_unit(r) < 0.9) model->similarity = 2.0 * bf__random_normal(r);
}

void world_make(const world_options *how, world *out) {
  memset(out, 0, sizeof *out);
  if (how->n_models > WORLD_MAX_MODELS || how->n_classes > 8) abort();
  bf__random r = bf__random_of(how->seed);
  out->n_models = how->n_models;
  out->n_items = how->n_items;
  out->options = (bf_panel_options)BF_PANEL_OPTIONS_INIT;
  out->options.shared_classes = how->shared_classes;
  out->truth = world_alloc(out, how->n_items, sizeof *out->truth);
  for (size_t i = 0; i < how->n_items; i++) out->truth[i] = (int32_t)bf__random_below(&r, how->n_classes);
  for (size_t m = 0; m < how->n_models; m++) make_model(out, how, &r, m);
  if (!how->calibrated) return;
  size_t m = how->n_models;
  double *agreement = world_alloc(out, m * m, sizeof *agreement), *accuracy = world_alloc(out, m, sizeof *accuracy);
  for (size_t i = 0; i < m; i++) {
    accuracy[i] = 0.5 + 0.5 * bf__random_unit(&r);
    agreement[i * m + i] = 1.0;
    for (size_t j = 0; j < i; j++) agreement[i * m + j] = agreement[j * m + i] = 0.4 + 0.6 * bf__random_unit(&r);
  }
  out->options.shared_agreement = agreement;
  out->options.shared_accuracy = accuracy;
  out->options.shared_items = 200;
}

void world_free(world *w) {
  for (size_t m = 0; m < w->n_models; m++) bf_calibration_free((bf_calibration *)(uintptr_t)w->models[m].calibration);
  for (size_t i = 0; i < w->n_blocks; i++) free(w->blocks[i]);
  memset(w, 0, sizeof *w);
}
