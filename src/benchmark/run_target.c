/* One target: its candidates, what is learnt without it, and every variant's file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "benchmark/benchmark_internal.h"

#define FEW_ROWS 100u /* below, what is learnt from is computed on samples of that size (bestfit/experience.h) */
#define MAX_LEARNT 16u

/* An experience without the target, which variants that leave out the same share. */
typedef struct learnt {
  bool relatives_out;
  size_t n_rows;
  bf_metric metric;
  bf_experience *experience;
  double seconds;
} learnt;

typedef struct target_run {
  bf_bench_run *run;
  size_t domain;
  bool has_relatives;
  size_t n_learnt;
  learnt all[MAX_LEARNT];
  bf_experience_model *models; /* [n_models] room for all of them */
  bf_experience_record *records;
  size_t *place; /* [n_models] number among those that stay, SIZE_MAX: left out */
} target_run;

/* ---- what is learnt ---- */

static size_t take_models(target_run *t, bool relatives_out) {
  const bf_bench_run *run = t->run;
  size_t n = 0;
  for (size_t m = 0; m < run->n_models; m++) {
    const bf__bench_model *model = &run->models[m];
    t->place[m] = SIZE_MAX;
    if (bf__bench_is_left_out(run->collection, t->domain, model->domain, relatives_out)) continue;
    t->place[m] = n;
    t->models[n++] = (bf_experience_model){.id = model->stored->name,
                                           .version = model->stored->version,
                                           .domain = run->collection->domains[model->domain].name,
                                           .sketch = model->sketch,
                                           .calibration = model->calibration,
                                           .source_accuracy = model->stored->source_accuracy};
  }
  return n;
}

/* Whose rows stand for a domain: those of its first model. */
static size_t first_model_of(const bf_bench_run *run, size_t domain) {
  for (size_t m = 0; m < run->n_models; m++)
    if (run->models[m].domain == domain) return m;
  return SIZE_MAX;
}

/* What the models of other domains said of each labelled domain that is not left out. */
static size_t take_records(target_run *t) {
  const bf_bench_run *run = t->run;
  size_t n = 0;
  for (size_t d = 0; d < run->collection->n_domains; d++) {
    size_t owner = first_model_of(run, d);
    if (owner == SIZE_MAX || t->place[owner] == SIZE_MAX) continue;
    for (size_t m = 0; m < run->n_models; m++) {
      const bf__bench_said *said = &run->targets[d].said[m];
      if (t->place[m] == SIZE_MAX || run->models[m].domain == d || !said->is_there) continue;
      t->records[n++] = (bf_experience_record){.model = t->place[m],
                                               .domain = t->place[owner],
                                               .outputs = &said->ranked,
                                               .classes = (const char *const *)said->classes,
                                               .truth = said->truth};
    }
  }
  return n;
}

static bf_status learn(target_run *t, bool relatives_out, uint64_t n_rows, bf_metric metric, const learnt **out,
                       bf_error *err) {
  bf_experience_options options = BF_EXPERIENCE_OPTIONS_INIT;
  options.n_rows = n_rows < FEW_ROWS ? (size_t)n_rows : 0;
  options.measure.n_threads = 1;
  options.metric = metric;
  options.positive = metric == BF_METRIC_F1 ? t->run->collection->f1 : NULL;
  relatives_out = relatives_out && t->has_relatives;
  for (size_t i = 0; i < t->n_learnt; i++) {
    if (t->all[i].relatives_out != relatives_out || t->all[i].n_rows != options.n_rows || t->all[i].metric != metric)
      continue;
    *out = &t->all[i];
    return BF_OK;
  }
  if (t->n_learnt == MAX_LEARNT) return bf__error(err, BF_ERR_INTERNAL, "more experiences than variants");
  learnt *new = &t->all[t->n_learnt++];
  *new = (learnt){.relatives_out = relatives_out, .n_rows = options.n_rows, .metric = metric};
  double started = bf__bench_now();
  size_t n_models = take_models(t, relatives_out), n_records = take_records(t);
  bf_error cause = {.position = -1};
  bf_status status =
      bf_experience_create(t->models, n_models, t->records, n_records, &options, &new->experience, &cause);
  if (metric == BF_METRIC_F1 && status == BF_ERR_NOT_APPLICABLE) status = BF_OK; /* too few know the class: none */
  if (status != BF_OK && err) *err = cause;
  new->seconds = bf__bench_now() - started;
  *out = new;
  return status;
}

/* ---- a variant ---- */

/* What a scene owns. */
typedef struct scene_room {
  bf_candidate *candidates;
  const bf__bench_accuracy **truth;
  size_t *domains;
  bf_outputs *outputs; /* [n] of fewer rows */
  size_t n;
  bf_sketch *sketch; /* of fewer rows */
  bf__bench_subset subset;
} scene_room;

static void room_deinit(scene_room *room) {
  for (size_t i = 0; room->outputs && i < room->n; i++) bf_outputs_deinit(&room->outputs[i]);
  free(room->outputs);
  free(room->candidates);
  free(room->truth);
  free(room->domains);
  bf_sketch_free(room->sketch);
  bf__bench_subset_deinit(&room->subset);
}

/* Number of each item of a part among those that are ranked by; both ascend. */
static bf_status take_part(const bf__bench_rows *rows, const bf__bench_subset *part, const bf_outputs *from,
                           bf_outputs *out, bf_error *err) {
  size_t k = from->n_classes, at = 0;
  *out =
      (bf_outputs){.n_items = part->n_items, .n_classes = k, .capacity = part->n_items, .are_logits = from->are_logits};
  out->scores = bf__alloc(part->n_items * k, sizeof *out->scores);
  if (!out->scores) return bf__error_memory(err, part->n_items * k * sizeof *out->scores);
  for (size_t i = 0; i < part->n_items; i++) {
    while (rows->ranked.items[at] != part->items[i]) at++;
    memcpy(out->scores + i * k, from->scores + at * k, k * sizeof *out->scores);
  }
  return BF_OK;
}

static bf_status add_candidate(const target_run *t, const bf__bench_variant *variant, size_t m, scene_room *room,
                               bf_error *err) {
  const bf_bench_run *run = t->run;
  const bf__bench_target *target = &run->targets[t->domain];
  const bf__bench_model *model = &run->models[m];
  const bf__bench_said *said = &target->said[m];
  const bf_outputs *outputs = &said->ranked;
  if (variant->n_rows > 0) {
    bf_status status = take_part(&target->rows, &room->subset, &said->ranked, &room->outputs[room->n], err);
    if (status != BF_OK) return status;
    outputs = &room->outputs[room->n];
  }
  room->domains[room->n] = model->domain;
  room->truth[room->n] = variant->own_in ? &said->unseen : &said->all;
  room->candidates[room->n++] = (bf_candidate){.id = model->stored->name,
                                               .version = model->stored->version,
                                               .domain = run->collection->domains[model->domain].name,
                                               .sketch = model->sketch,
                                               .source_accuracy = model->stored->source_accuracy,
                                               .outputs = outputs,
                                               .classes = (const char *const *)said->classes,
                                               .calibration = model->calibration};
  return BF_OK;
}

static uint32_t count_truth_rows(const bf__bench_rows *rows, bool unseen_only) {
  uint32_t n = 0;
  for (uint32_t r = 0; r < rows->n_rows; r++) n += !unseen_only || (rows->unseen && rows->unseen[r]);
  return n;
}

static bf_status set_scene(target_run *t, const bf__bench_variant *variant, scene_room *room, bf__bench_scene *scene,
                           bf_error *err) {
  bf_status status = BF_OK;
  const bf_bench_run *run = t->run;
  const bf__bench_target *target = &run->targets[t->domain];
  const bf__bench_subset *ranked = &target->rows.ranked;
  *scene = (bf__bench_scene){.collection = run->collection,
                             .variant = variant,
                             .target = &run->collection->domains[t->domain],
                             .costs_each = variant == bf__bench_variant_at(0),
                             .sketch = target->sketch};
  room->candidates = bf__alloc(run->n_models, sizeof *room->candidates);
  room->truth = bf__alloc(run->n_models, sizeof *room->truth);
  room->outputs = bf__alloc(run->n_models, sizeof *room->outputs);
  room->domains = bf__alloc(run->n_models, sizeof *room->domains);
  if (!room->candidates || !room->truth || !room->outputs || !room->domains)
    BF_TRY(bf__error_memory(err, run->n_models * sizeof *room->candidates));
  if (variant->n_rows > 0) {
    BF_TRY(bf__bench_subset_make(&target->rows, variant->n_rows, &room->subset, err));
    BF_TRY(bf__bench_target_sketch(run->folder, run->collection, t->domain, variant->n_rows, &room->sketch, err));
    ranked = &room->subset;
    scene->sketch = room->sketch;
  }
  for (size_t m = 0; m < run->n_models; m++) {
    size_t domain = run->models[m].domain;
    bool own = domain == t->domain;
    bool out = bf__bench_is_left_out(run->collection, t->domain, domain, variant->relatives_out);
    if (!target->said[m].is_there || (own ? !variant->own_in : out)) continue;
    BF_TRY(add_candidate(t, variant, m, room, err));
    scene->sketch_bytes += run->models[m].sketch_bytes;
    scene->run_seconds += target->said[m].seconds * (double)ranked->n_items / (double)target->rows.n_items;
  }
  scene->n = room->n;
  scene->candidates = room->candidates;
  scene->truth = room->truth;
  scene->domains = room->domains;
  scene->threshold = run->threshold;
  if (variant->n_rows == 0) scene->raw = &target->raw;
  scene->rows = &target->rows;
  scene->ranked = ranked;
  scene->n_rows = ranked->n_rows;
  scene->n_items = ranked->n_items;
  scene->n_truth_rows = count_truth_rows(&target->rows, variant->own_in);
out:
  return status;
}

static bf_status run_variant(target_run *t, const bf__bench_variant *variant, const char *path, const char *key,
                             bf_error *err) {
  bf_status status = BF_OK;
  scene_room room = {0};
  bf__bench_scene scene;
  bf__bench_scores scores = {0};
  const learnt *learnt_ = NULL;
  BF_TRY(set_scene(t, variant, &room, &scene, err));
  uint64_t n_rows = bf_sketch_rows(scene.sketch);
  BF_TRY(learn(t, variant->relatives_out, n_rows, BF_METRIC_ACCURACY, &learnt_, err));
  scene.experience = learnt_->experience;
  scene.learn_seconds = learnt_->seconds;
  if (t->run->collection->f1) {
    BF_TRY(learn(t, variant->relatives_out, n_rows, BF_METRIC_F1, &learnt_, err));
    scene.f1 = learnt_->experience;
  }
  BF_TRY(bf__bench_score_all(t->run->options, &scene, &scores, err));
  BF_TRY(bf__bench_file_write(path, key, &scene, &scores, err));
out:
  bf__bench_scores_deinit(&scores);
  room_deinit(&room);
  return status;
}

/* The file, or the one that says why there is none; the other one of an earlier run goes. */
static bf_status make_file(target_run *t, const bf__bench_variant *variant, bf_error *err) {
  bf_status status = BF_OK;
  char key[BF__BENCH_KEY_BYTES], room[160];
  const char *why = bf__bench_why_not(t->run, t->domain, variant, room);
  char *path = bf__bench_file_path(t->run, t->domain, variant, false);
  char *other = bf__bench_file_path(t->run, t->domain, variant, true);
  if (!path || !other) BF_TRY(bf__error_memory(err, 256));
  BF_TRY(bf__bench_file_key(t->run, t->domain, variant, key, err));
  if (why) {
    BF_TRY(bf__bench_file_write_why(other, key, why, err));
    (void)unlink(path);
    BF_TRY(
        bf__bench_note(t->run, t->run->collection->domains[t->domain].name, variant->name, true, "", err, "%s", why));
  } else {
    BF_TRY(run_variant(t, variant, path, key, err));
    (void)unlink(other);
    atomic_fetch_add(&t->run->n_made, 1);
  }
out:
  free(path);
  free(other);
  return status;
}

static bool has_relatives(const bf_bench_run *run, size_t target) {
  for (size_t d = 0; d < run->collection->n_domains; d++)
    if (d != target && bf__bench_is_left_out(run->collection, target, d, true)) return true;
  return false;
}

bf_status bf__bench_run_target(bf_bench_run *run, size_t domain, uint32_t worker, bf_error *err) {
  bf_status status = BF_OK;
  target_run t = {.run = run, .domain = domain, .has_relatives = has_relatives(run, domain)};
  size_t n = run->n_models;
  t.models = bf__alloc(n, sizeof *t.models);
  t.place = bf__alloc(n, sizeof *t.place);
  t.records = bf__alloc(n * run->collection->n_domains, sizeof *t.records);
  if (!t.models || !t.place || !t.records) BF_TRY(bf__error_memory(err, n * sizeof *t.records));
  for (size_t v = 0; v < BF__BENCH_VARIANTS; v++) {
    if (!run->wanted[v] || run->targets[domain].is_fresh[v]) continue;
    if (atomic_load(&run->cancelled)) BF_TRY(bf__error(err, BF_ERR_CANCELLED, "stopped while targets were ranked"));
    BF_TRY(make_file(&t, bf__bench_variant_at(v), err));
    (void)bf__bench_step(run, worker, "rankings");
  }
out:
  for (size_t i = 0; i < t.n_learnt; i++) bf_experience_free(t.all[i].experience);
  free(t.models);
  free(t.place);
  free(t.records);
  return status;
}
