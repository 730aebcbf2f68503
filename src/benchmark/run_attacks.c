/* What auto chooses when somebody wants to be chosen: candidates that lie, beside the honest ones.
 *
 * Attackers are new to the repository: the experience knows nothing of them, which is when a lie is worth most. The
 * score is the accuracy of what comes first, so that its regret beside that of auto tells what the attack does. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "benchmark/benchmark_internal.h"
#include "rank/rank_internal.h"

#define CLONES 8u
#define OVERCONFIDENT 20.0f /* times the logits */

typedef enum attack { BY_CLONES, BY_CONSTANT, BY_FORGED_SKETCH, BY_CONFIDENCE, BY_CARD, N_ATTACKS } attack;

static const char *const NAMES[N_ATTACKS] = {
    [BY_CLONES] = "auto-attacked-by-clones",         /* 8 copies of the worst model */
    [BY_CONSTANT] = "auto-attacked-by-constant",     /* says one class, with an honest sketch */
    [BY_FORGED_SKETCH] = "auto-attacked-by-forgery", /* the same, with the target's own sketch */
    [BY_CONFIDENCE] = "auto-attacked-by-confidence", /* the worst model, twenty times as sure */
    [BY_CARD] = "auto-attacked-by-card",             /* the worst model, whose card says it is never wrong */
};

const char *bf__bench_attack_at(size_t i) {
  return i < N_ATTACKS ? NAMES[i] : NULL;
}

static size_t worst_of(const bf__bench_scene *scene) {
  size_t worst = 0;
  for (size_t i = 1; i < scene->n; i++)
    if (scene->truth[i]->accuracy < scene->truth[worst]->accuracy) worst = i;
  return worst;
}

/* Outputs of a model as an attacker gives them: louder, or of one class alone, the one that it says most often. */
static bf_status forge(const bf_candidate *model, bool constant, bf_outputs *out, bf_error *err) {
  const bf_outputs *from = model->outputs;
  size_t k = from->n_classes, n = from->n_items, most = 0;
  *out = (bf_outputs){.n_items = n, .n_classes = k, .capacity = n, .are_logits = true};
  out->scores = bf__alloc(n * k, sizeof *out->scores);
  size_t *said = bf__alloc(k, sizeof *said);
  if (!out->scores || !said) {
    free(said);
    return bf__error_memory(err, n * k * sizeof *out->scores);
  }
  for (size_t i = 0; i < n; i++) said[bf__largest_score(from->scores + i * k, k)]++;
  for (size_t c = 1; c < k; c++)
    if (said[c] > said[most]) most = c;
  for (size_t i = 0; i < n; i++) {
    const float *z = from->scores + i * k;
    float *to = out->scores + i * k;
    for (size_t c = 0; c < k; c++) {
      float loud = OVERCONFIDENT * (from->are_logits ? z[c] : logf(fmaxf(z[c], 1e-6f)));
      to[c] = !constant ? loud : c == most ? OVERCONFIDENT : 0.0f;
    }
  }
  free(said);
  return BF_OK;
}

/* Appends the attackers to candidates [n + CLONES]; their accuracy to *accuracy. */
static bf_status add_attackers(const bf__bench_scene *scene, attack kind, bf_candidate *candidates, size_t *n,
                               bf_outputs *forged, double *accuracy, bf_error *err) {
  static const char *const IDS[CLONES] = {"attack/a", "attack/b", "attack/c", "attack/d",
                                          "attack/e", "attack/f", "attack/g", "attack/h"};
  bf_status status = BF_OK;
  size_t worst = worst_of(scene), count = kind == BY_CLONES ? CLONES : 1;
  *accuracy = scene->truth[worst]->accuracy;
  if (kind == BY_CONSTANT || kind == BY_FORGED_SKETCH || kind == BY_CONFIDENCE) {
    status = forge(&scene->candidates[worst], kind != BY_CONFIDENCE, forged, err);
    if (status != BF_OK) return status;
    if (kind != BY_CONFIDENCE) *accuracy = bf__bench_right_on(scene, forged, scene->candidates[worst].classes);
  }
  for (size_t i = 0; i < count; i++) {
    bf_candidate *c = &candidates[(*n)++];
    *c = scene->candidates[worst];
    c->id = c->domain = IDS[i];
    if (forged->scores) {
      c->outputs = forged;
      c->calibration = NULL; /* no validation rows came with it */
    }
    if (kind == BY_FORGED_SKETCH) c->sketch = scene->sketch;
    if (kind == BY_CARD || kind == BY_FORGED_SKETCH) {
      c->source_accuracy = 1.0;
      c->calibration = NULL;
    }
  }
  return BF_OK;
}

bf_status bf__bench_attack(const bf__bench_scene *scene, size_t which, double *accuracy, bf_error *err) {
  bf_status status = BF_OK;
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_search_result *result = NULL;
  bf_outputs forged = {0};
  double theirs = NAN;
  size_t n = scene->n;
  bf_candidate *candidates = bf__alloc(n + CLONES, sizeof *candidates);
  *accuracy = NAN;
  if (!candidates) return bf__error_memory(err, (n + CLONES) * sizeof *candidates);
  memcpy(candidates, scene->candidates, n * sizeof *candidates);
  BF_TRY(add_attackers(scene, (attack)which, candidates, &n, &forged, &theirs, err));
  options.measure.n_threads = 1;
  options.experience = scene->experience;
  BF_TRY(bf_rank(candidates, n, scene->sketch, &options, &result, err));
  if (bf_search_result_count(result) == 0) goto out;
  size_t first = bf_search_result_at(result, 0)->candidate;
  *accuracy = first < scene->n ? scene->truth[first]->accuracy : theirs;
out:
  bf_search_result_free(result);
  free(forged.scores);
  free(candidates);
  return status;
}
