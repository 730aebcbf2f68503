/* The panel: classes of several models matched by name, their predictions in one compact array, their probabilities
 * made from the borrowed scores when a row is asked for, so that a panel costs two bytes an item and model. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <bestfit/sketch.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"
#include "estimate/estimate_internal.h"

/* ---- classes ---- */

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool same_classes(const bf_panel_model *a, const bf_panel_model *b) {
  if (a->n_classes != b->n_classes) return false;
  if (a->classes == b->classes) return true;
  for (size_t c = 0; c < a->n_classes; c++)
    if (strcmp(a->classes[c], b->classes[c]) != 0) return false;
  return true;
}

/* Sorted names of one model; a name twice is refused. */
static bf_status sort_own(const bf_panel_model *model, const char **out, bf_error *err) {
  for (size_t c = 0; c < model->n_classes; c++) {
    if (!model->classes[c])
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.60s: class %zu has no name", model->id, c);
    out[c] = model->classes[c];
  }
  qsort(out, model->n_classes, sizeof *out, compare_names);
  for (size_t c = 1; c < model->n_classes; c++)
    if (strcmp(out[c - 1], out[c]) == 0)
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.60s has two classes named '%.60s'", model->id, out[c]);
  return BF_OK;
}

/* *into (n_into names, sorted) becomes its union, or intersection, with own. You own the new *into. */
static bf_status merge_names(const char ***into, size_t *n_into, const char **own, size_t n_own, bool shared,
                             bf_error *err) {
  const char **merged = bf__alloc(*n_into + n_own, sizeof *merged);
  if (!merged) return bf__error_memory(err, (*n_into + n_own) * sizeof *merged);
  size_t a = 0, b = 0, n = 0;
  while (a < *n_into || b < n_own) {
    int order = a == *n_into ? 1 : b == n_own ? -1 : strcmp((*into)[a], own[b]);
    if (!shared || order == 0) merged[n++] = order <= 0 ? (*into)[a] : own[b];
    a += order <= 0;
    b += order >= 0;
  }
  free(*into);
  *into = merged;
  *n_into = n;
  return BF_OK;
}

static bf_status collect_classes(bf_panel *panel, bf_error *err) {
  bf_status status = BF_OK;
  const char **own = NULL;
  for (size_t m = 0; m < panel->n_models; m++) {
    const bf_panel_model *model = &panel->models[m];
    if (m > 0 && same_classes(model, model - 1)) continue;
    free(own);
    own = bf__alloc(model->n_classes, sizeof *own);
    if (!own) BF_TRY(bf__error_memory(err, model->n_classes * sizeof *own));
    BF_TRY(sort_own(model, own, err));
    BF_TRY(merge_names(&panel->classes, &panel->n_classes, own, model->n_classes,
                       panel->options.shared_classes && m > 0, err));
    if (panel->n_classes > BF__MAX_PANEL_CLASSES)
      BF_TRY(bf__error(err, BF_ERR_LIMIT, "the models have more than %u classes together", BF__MAX_PANEL_CLASSES));
  }
  if (panel->n_classes == 0) BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "no class is shared by all models"));
out:
  free(own);
  return status;
}

static bf_status map_classes(const bf_panel *panel, bf__member *member, bf_error *err) {
  const bf_panel_model *model = member->given;
  member->kept = bf__alloc(model->n_classes, sizeof *member->kept);
  member->to_panel = bf__alloc(model->n_classes, sizeof *member->to_panel);
  if (!member->kept || !member->to_panel) return bf__error_memory(err, model->n_classes * sizeof *member->kept);
  for (size_t c = 0; c < model->n_classes; c++) {
    const char *const *found =
        bsearch(&model->classes[c], panel->classes, panel->n_classes, sizeof *panel->classes, compare_names);
    if (!found) continue;
    member->kept[member->n_kept] = (uint32_t)c;
    member->to_panel[member->n_kept++] = (uint16_t)(found - panel->classes);
  }
  return BF_OK;
}

/* ---- votes ---- */

static uint16_t vote_of_scores(const bf__member *member, const float *scores) {
  const bf_panel_model *model = member->given;
  if (!bf__scores_answer(scores, model->n_classes, model->are_logits)) return BF__NO_VOTE;
  uint16_t vote = BF__NO_VOTE;
  float best = 0.0f;
  for (size_t k = 0; k < member->n_kept; k++) {
    float score = scores[member->kept[k]];
    uint16_t class = member->to_panel[k];
    if (vote == BF__NO_VOTE || score > best || (!(score < best) && class < vote)) {
      vote = class;
      best = score;
    }
  }
  /* --shared-classes: probabilities whose mass lies outside the shared classes */
  return model->are_logits || best > 0.0f ? vote : BF__NO_VOTE;
}

typedef struct vote_job {
  bf_panel *panel;
  const uint16_t *const *lookup; /* [n_models] class of the panel by own number; NULL where there are scores */
} vote_job;

static void take_votes(void *context, size_t m, uint32_t worker) {
  const vote_job *job = context;
  bf_panel *panel = job->panel;
  bf__member *member = &panel->members[m];
  const bf_panel_model *model = member->given;
  uint16_t *votes = panel->votes + m * panel->n_items;
  (void)worker;
  for (size_t i = 0; i < panel->n_items; i++) {
    if (model->scores) {
      votes[i] = vote_of_scores(member, model->scores + i * model->n_classes);
    } else {
      votes[i] = model->predicted[i] < 0 ? BF__NO_VOTE : job->lookup[m][model->predicted[i]];
    }
    member->n_answered += votes[i] != BF__NO_VOTE;
  }
}

static bf_status count_votes(bf_panel *panel, bf_error *err) {
  bf_status status = BF_OK;
  uint16_t **lookup = bf__alloc(panel->n_models, sizeof *lookup);
  if (!lookup) return bf__error_memory(err, panel->n_models * sizeof *lookup);
  for (size_t m = 0; m < panel->n_models; m++) {
    const bf__member *member = &panel->members[m];
    if (member->given->scores) continue;
    lookup[m] = bf__alloc(member->given->n_classes, sizeof **lookup);
    if (!lookup[m]) BF_TRY(bf__error_memory(err, member->given->n_classes * sizeof **lookup));
    memset(lookup[m], 0xff, member->given->n_classes * sizeof **lookup); /* BF__NO_VOTE */
    for (size_t k = 0; k < member->n_kept; k++) lookup[m][member->kept[k]] = member->to_panel[k];
  }
  vote_job job = {panel, (const uint16_t *const *)lookup};
  bf__parallel_for(panel->n_models, panel->options.n_threads, take_votes, &job);
out:
  for (size_t m = 0; m < panel->n_models; m++) free(lookup[m]);
  free(lookup);
  return status;
}

/* ---- making and freeing ---- */

static bf_status check_model(const bf_panel_model *model, size_t number, size_t n_items, bf_error *err) {
  if (!model->id) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "model %zu has no id", number);
  if (model->n_classes == 0 || !model->classes)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.60s has no classes", model->id);
  if (model->n_classes > BF__MAX_PANEL_CLASSES)
    return bf__error(err, BF_ERR_LIMIT, "%.60s has more than %u classes", model->id, BF__MAX_PANEL_CLASSES);
  if (model->scores) return BF_OK;
  if (!model->predicted)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.60s has neither scores nor predicted classes", model->id);
  for (size_t i = 0; i < n_items; i++)
    if (model->predicted[i] < -1 || (model->predicted[i] >= 0 && (size_t)model->predicted[i] >= model->n_classes))
      return bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)i, "%.60s, item %zu: class number %d of %zu classes",
                          model->id, i, model->predicted[i], model->n_classes);
  return BF_OK;
}

static bf_status check_given(const bf_panel_model *models, size_t n_models, size_t n_items, bf_error *err) {
  if (!models || n_models == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a panel needs at least one model");
  if (n_items == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a panel needs at least one item");
  if (n_models > BF__MAX_PANEL_MODELS)
    return bf__error(err, BF_ERR_LIMIT, "%zu models; at most %u are estimated together", n_models,
                     BF__MAX_PANEL_MODELS);
  for (size_t m = 0; m < n_models; m++) {
    bf_status status = check_model(&models[m], m, n_items, err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

bf_status bf_panel_create(const bf_panel_model *models, size_t n_models, size_t n_items,
                          const bf_panel_options *options, bf_panel **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the panel");
  *out = NULL;
  bf_status status = check_given(models, n_models, n_items, err);
  if (status != BF_OK) return status;
  static const bf_panel_options defaults = BF_PANEL_OPTIONS_INIT;
  bf_panel *panel = bf__alloc(1, sizeof *panel);
  if (!panel) return bf__error_memory(err, sizeof *panel);
  panel->options = options ? *options : defaults;
  if (panel->options.seed == 0) panel->options.seed = BF_SKETCH_DEFAULT_SEED;
  panel->n_models = n_models;
  panel->n_items = n_items;
  panel->models = bf__alloc(n_models, sizeof *panel->models);
  panel->members = bf__alloc(n_models, sizeof *panel->members);
  size_t n_votes = 0;
  if (bf__mul(n_models, n_items, &n_votes)) panel->votes = bf__alloc(n_votes, sizeof *panel->votes);
  if (!panel->models || !panel->members || !panel->votes)
    BF_TRY(bf__error_memory(err, n_models * n_items * sizeof *panel->votes));
  memcpy(panel->models, models, n_models * sizeof *models);
  panel->cache = bf__alloc(1, sizeof *panel->cache);
  if (!panel->cache) BF_TRY(bf__error_memory(err, sizeof *panel->cache));
  pthread_mutex_init(&panel->cache->lock, NULL);
  BF_TRY(collect_classes(panel, err));
  for (size_t m = 0; m < n_models; m++) {
    bf__member *member = &panel->members[m];
    const bf_calibration *calibration = models[m].calibration;
    member->given = &panel->models[m];
    member->temperature = calibration && calibration->temperature > 0.0 ? calibration->temperature : 1.0;
    BF_TRY(map_classes(panel, member, err));
  }
  BF_TRY(count_votes(panel, err));
  *out = panel;
  panel = NULL;
out:
  bf_panel_free(panel);
  return status;
}

void bf_panel_free(bf_panel *panel) {
  if (!panel) return;
  for (size_t m = 0; panel->members && m < panel->n_models; m++) {
    free(panel->members[m].kept);
    free(panel->members[m].to_panel);
  }
  if (panel->cache) {
    pthread_mutex_destroy(&panel->cache->lock);
    for (size_t i = 0; i < BF__MAX_ESTIMATORS; i++) free(panel->cache->values[i]);
    free(panel->cache->agreement);
    free(panel->cache);
  }
  free(panel->classes);
  free(panel->models);
  free(panel->members);
  free(panel->votes);
  free(panel);
}

size_t bf_panel_class_count(const bf_panel *panel) {
  return panel->n_classes;
}

/* ---- rows ---- */

void bf__panel_logits(const bf_panel *panel, size_t model, size_t item, double *z) {
  const bf__member *member = &panel->members[model];
  const float *scores = member->given->scores + item * member->given->n_classes;
  for (size_t k = 0; k < member->n_kept; k++) {
    double score = (double)scores[member->kept[k]];
    z[k] = member->given->are_logits ? score : log(fmax(score, BF__SMALLEST_PROBABILITY));
  }
}

void bf__panel_probabilities(const bf_panel *panel, size_t model, size_t item, double *p) {
  const bf__member *member = &panel->members[model];
  if (!member->given->scores) {
    uint16_t vote = bf__votes(panel, model)[item];
    for (size_t k = 0; k < member->n_kept; k++) p[k] = member->to_panel[k] == vote ? 1.0 : 0.0;
    return;
  }
  if (member->given->are_logits || member->temperature != 1.0) {
    bf__panel_logits(panel, model, item, p);
    bf__softmax(p, member->n_kept, member->temperature, p);
    return;
  }
  const float *scores = member->given->scores + item * member->given->n_classes;
  double sum = 0.0;
  for (size_t k = 0; k < member->n_kept; k++) {
    p[k] = (double)scores[member->kept[k]];
    sum += p[k];
  }
  for (size_t k = 0; k < member->n_kept; k++) p[k] /= sum;
}

bool bf__panel_prior(const bf_panel *panel, size_t model, double *out) {
  const bf_calibration *calibration = panel->models[model].calibration;
  double sum = 0.0;
  memset(out, 0, panel->n_classes * sizeof *out);
  if (!calibration) return false;
  for (size_t c = 0; c < calibration->n_classes; c++) {
    const char *name = calibration->classes[c];
    const char *const *found = bsearch(&name, panel->classes, panel->n_classes, sizeof *panel->classes, compare_names);
    if (!found || !(calibration->prior[c] > 0.0)) continue;
    out[found - panel->classes] += calibration->prior[c];
    sum += calibration->prior[c];
  }
  for (size_t c = 0; c < panel->n_classes && sum > 0.0; c++) out[c] /= sum;
  return sum > 0.0;
}

/* ---- samples of items ---- */

bool bf__is_answered(const bf_panel *panel, size_t model, size_t item) {
  return bf__votes(panel, model)[item] != BF__NO_VOTE;
}

typedef struct hashed_item {
  uint64_t hash;
  size_t item;
} hashed_item;

static int compare_hashes(const void *a, const void *b) {
  const hashed_item *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->item < y->item ? -1 : x->item > y->item;
}

static int compare_items(const void *a, const void *b) {
  const size_t x = *(const size_t *)a, y = *(const size_t *)b;
  return x < y ? -1 : x > y;
}

bf_status bf__panel_sample(const bf_panel *panel, size_t model, size_t most, bf__keep_item keep, size_t **out,
                           size_t *n_out, bf_error *err) {
  size_t n = 0;
  *out = NULL;
  *n_out = 0;
  hashed_item *all = bf__alloc(panel->n_items, sizeof *all);
  size_t *items = bf__alloc(panel->n_items < most ? panel->n_items : most, sizeof *items);
  if (!all || !items) {
    free(all);
    free(items);
    return bf__error_memory(err, panel->n_items * sizeof *all);
  }
  for (size_t i = 0; i < panel->n_items; i++)
    if (keep(panel, model, i)) all[n++] = (hashed_item){bf__mix64(panel->options.seed, i), i};
  if (n > most) {
    qsort(all, n, sizeof *all, compare_hashes);
    n = most;
  }
  for (size_t i = 0; i < n; i++) items[i] = all[i].item;
  qsort(items, n, sizeof *items, compare_items);
  free(all);
  *out = items;
  *n_out = n;
  return BF_OK;
}
