/* What every model says of every target: run once, kept as files, judged by the target's labels.
 *
 *   outputs/KEY.outputs   "BFBO", version, the key once more, seconds of the run, bytes of bf_outputs_encode()
 *
 * The key is the hash of the model's files and card and of the rows, so that a file is never stale, and one that is
 * damaged is as none. Labels are no part of it: who shuffles them runs nothing again. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/thread.h"
#include "benchmark/benchmark_internal.h"
#include "estimate/estimate_internal.h"
#include "registration/stored_model.h"

#define MAGIC "BFBO"
#define VERSION 1u
#define MAX_FILE_BYTES ((size_t)1 << 30)
#define CHUNK 250u /* rows between two looks at whether it was cancelled */
#define NO_LABEL (-1)
#define FOREIGN (-2)

/* ---- judging ---- */

void bf__bench_said_deinit(bf__bench_said *said) {
  bf_model_names_free(said->classes, said->n_classes);
  bf_outputs_deinit(&said->ranked);
  free(said->truth);
  *said = (bf__bench_said){0};
}

/* Class number of each label; FOREIGN: the model lacks it. */
static bf_status number_labels(const bf__bench_said *said, const bf__bench_rows *rows, int32_t **out, bf_error *err) {
  *out = bf__alloc(rows->n_names, sizeof **out);
  if (!*out) return bf__error_memory(err, rows->n_names * sizeof **out);
  for (size_t i = 0; i < rows->n_names; i++) {
    (*out)[i] = FOREIGN;
    for (size_t c = 0; c < said->n_classes; c++)
      if (strcmp(said->classes[c], rows->names[i]) == 0) (*out)[i] = (int32_t)c;
  }
  return BF_OK;
}

static int32_t truth_of(const bf__bench_rows *rows, const int32_t *numbers, size_t item) {
  return rows->labels[item] < 0 ? NO_LABEL : numbers[rows->labels[item]];
}

/* Counts of one class. */
typedef struct class_count {
  uint64_t n_true, n_predicted, n_right;
} class_count;

static double f1_of(const class_count *c) {
  uint64_t n = c->n_true + c->n_predicted;
  return n ? 2.0 * (double)c->n_right / (double)n : 0.0;
}

/* As bf_evaluate() has it, without its intervals: an item without an answer is an error, and so is a label that the
 * model lacks. */
static bf_status judge(const bf__bench_said *said, const bf__bench_collection *collection, const bf__bench_rows *rows,
                       const int32_t *numbers, const bf_outputs *outputs, bool unseen_only, bf__bench_accuracy *out,
                       bf_error *err) {
  size_t k = said->n_classes, n = 0, n_right = 0, n_occur = 0;
  double sum = 0.0;
  *out = (bf__bench_accuracy){NAN, NAN, NAN};
  class_count *counts = bf__alloc(k, sizeof *counts);
  if (!counts) return bf__error_memory(err, k * sizeof *counts);
  for (size_t i = 0; i < rows->n_items; i++) {
    const float *scores = outputs->scores + i * k;
    int32_t truth = truth_of(rows, numbers, i);
    if (truth == NO_LABEL || (unseen_only && !(rows->unseen && rows->unseen[rows->row_of[i]]))) continue;
    n++;
    if (truth >= 0) counts[truth].n_true++;
    if (!bf__scores_answer(scores, k, outputs->are_logits)) continue;
    size_t predicted = bf__largest_score(scores, k);
    counts[predicted].n_predicted++;
    if ((int32_t)predicted != truth) continue;
    counts[predicted].n_right++;
    n_right++;
  }
  for (size_t c = 0; c < k; c++) {
    sum += f1_of(&counts[c]);
    n_occur += counts[c].n_true + counts[c].n_predicted > 0;
    if (n > 0 && collection->f1 && strcmp(said->classes[c], collection->f1) == 0) out->f1 = f1_of(&counts[c]);
  }
  if (n > 0) out->accuracy = (double)n_right / (double)n;
  if (n > 0) out->macro_f1 = n_occur ? sum / (double)n_occur : 0.0;
  free(counts);
  return BF_OK;
}

double bf__bench_right_on(const bf__bench_scene *scene, const bf_outputs *o, const char *const *classes) {
  size_t n = 0, right = 0;
  for (size_t i = 0; i < scene->ranked->n_items; i++) {
    int32_t label = scene->rows->labels[scene->ranked->items[i]];
    const float *scores = o->scores + i * o->n_classes;
    if (label < 0) continue;
    n++;
    right += bf__scores_answer(scores, o->n_classes, o->are_logits) &&
             strcmp(classes[bf__largest_score(scores, o->n_classes)], scene->rows->names[label]) == 0;
  }
  return n ? (double)right / (double)n : NAN;
}

/* Outputs and truth on the rows that a target is ranked by. */
static bf_status take_ranked(bf__bench_said *said, const bf__bench_rows *rows, const int32_t *numbers,
                             const bf_outputs *outputs, bf_error *err) {
  size_t n = rows->ranked.n_items, k = outputs->n_classes;
  said->ranked = (bf_outputs){.n_items = n, .n_classes = k, .capacity = n, .are_logits = outputs->are_logits};
  said->ranked.scores = bf__alloc(n * k, sizeof(float));
  said->truth = bf__alloc(n, sizeof *said->truth);
  if (!said->ranked.scores || !said->truth) return bf__error_memory(err, n * k * sizeof(float));
  for (size_t i = 0; i < n; i++) {
    size_t item = rows->ranked.items[i];
    memcpy(said->ranked.scores + i * k, outputs->scores + item * k, k * sizeof(float));
    said->truth[i] = truth_of(rows, numbers, item);
  }
  return BF_OK;
}

bf_status bf__bench_said_fill(bf__bench_said *said, const bf__bench_collection *collection, const bf__bench_rows *rows,
                              bf_outputs *outputs, char **classes, bf_error *err) {
  bf_status status = BF_OK;
  int32_t *numbers = NULL;
  said->classes = classes;
  said->n_classes = outputs->n_classes;
  if (outputs->n_items != rows->n_items) {
    status = bf__error(err, BF_ERR_MISMATCH, "outputs of %zu items, and the target has %zu", outputs->n_items,
                       rows->n_items);
    goto out;
  }
  BF_TRY(number_labels(said, rows, &numbers, err));
  BF_TRY(judge(said, collection, rows, numbers, outputs, false, &said->all, err));
  BF_TRY(judge(said, collection, rows, numbers, outputs, true, &said->unseen, err));
  BF_TRY(take_ranked(said, rows, numbers, outputs, err));
  if (!isfinite(said->all.accuracy)) BF_TRY(bf__error(err, BF_ERR_MISMATCH, "none of the target's rows has a label"));
  said->is_there = true;
out:
  free(numbers);
  bf_outputs_deinit(outputs);
  if (status != BF_OK) bf__bench_said_deinit(said);
  return status;
}

/* ---- files ---- */

static bf_status key_of(const bf_bench_run *run, const bf_store_model *model, const bf__bench_target *target,
                        char out[BF__BENCH_KEY_BYTES], bf_error *err) {
  bf_status status = BF_OK;
  bf__bench_hasher *hasher = NULL;
  BF_TRY(bf__bench_hasher_create(&hasher, err));
  BF_TRY(bf__bench_hash_text(hasher, bf_version(), err)); /* featurisers may change with it */
  BF_TRY(bf__bench_hash_text(hasher, model->model_sha256, err));
  BF_TRY(bf__bench_hash_text(hasher, model->card_sha256, err));
  for (size_t i = 0; i < model->n_files; i++) {
    BF_TRY(bf__bench_hash_text(hasher, model->files[i].name, err));
    BF_TRY(bf__bench_hash_text(hasher, model->files[i].sha256, err));
  }
  BF_TRY(bf__bench_hash_text(hasher, target->data_key, err));
  BF_TRY(bf__bench_hash_text(hasher, bf_kind_name(run->collection->kind), err));
  BF_TRY(bf__bench_hash_number(hasher, (double)run->collection->seed, err));
  BF_TRY(bf__bench_hash_number(hasher, BF__BENCH_TRUTH_ROWS, err));
  BF_TRY(bf__bench_hasher_finish(hasher, out, err));
out:
  bf__bench_hasher_free(hasher);
  return status;
}

static char *path_of(const bf_bench_run *run, const char *key) {
  return bf__asprintf("%s/outputs/%s.outputs", run->folder, key);
}

static bf_status decode(const uint8_t *bytes, size_t n_bytes, const char *key, double *seconds, bf_outputs *outputs,
                        char ***classes, bf_error *err) {
  int32_t *truth = NULL;
  bf__reader r = bf__reader_of(bytes, n_bytes);
  const uint8_t *magic = bf__read(&r, 4);
  uint16_t version = bf__read_u16(&r);
  const uint8_t *said = bf__read(&r, BF__BENCH_KEY_BYTES - 1);
  *seconds = bf__read_f64(&r);
  if (r.failed || memcmp(magic, MAGIC, 4) != 0 || version != VERSION || memcmp(said, key, BF__BENCH_KEY_BYTES - 1) != 0)
    return bf__error(err, BF_ERR_FORMAT, "not the kept outputs of this model and target");
  if (!(*seconds >= 0.0 && *seconds < 1e9)) return bf__error(err, BF_ERR_CORRUPT, "a run of %g seconds", *seconds);
  bf_status status = bf_outputs_decode(bytes + r.position, n_bytes - r.position, outputs, classes, &truth, err);
  free(truth);
  return status;
}

/* False where it is not kept, or not whole: then it is run. */
static bool read_kept(const bf_bench_run *run, const char *key, const bf__bench_rows *rows, bf__bench_said *said) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_outputs outputs = BF_OUTPUTS_INIT;
  char **classes = NULL;
  char *path = path_of(run, key);
  bf_status status = path ? bf__file_read(path, MAX_FILE_BYTES, &bytes, &n, NULL) : BF_ERR_MEMORY;
  if (status == BF_OK) status = decode(bytes, n, key, &said->seconds, &outputs, &classes, NULL);
  double seconds = said->seconds;
  if (status == BF_OK) status = bf__bench_said_fill(said, run->collection, rows, &outputs, classes, NULL);
  said->seconds = seconds;
  free(bytes);
  free(path);
  return status == BF_OK;
}

static bf_status keep(const bf_bench_run *run, const char *key, double seconds, const bf_outputs *outputs,
                      char **classes, bf_error *err) {
  bf_status status = BF_OK;
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf__writer w = {0};
  char *path = path_of(run, key);
  if (!path) return bf__error_memory(err, 256);
  BF_TRY(bf_outputs_encode(outputs, (const char *const *)classes, NULL, &bytes, &n, err));
  bf__write(&w, MAGIC, 4);
  bf__write_u16(&w, VERSION);
  bf__write(&w, key, BF__BENCH_KEY_BYTES - 1);
  bf__write_f64(&w, seconds);
  bf__write(&w, bytes, n);
  if (w.failed) BF_TRY(bf__error_memory(err, n));
  BF_TRY(bf__file_write_atomic(path, w.data, w.size, err));
out:
  bf__writer_deinit(&w);
  free(bytes);
  free(path);
  return status;
}

/* ---- running ---- */

typedef struct running {
  bf_bench_run *run;
  bf_workers *workers;
  bf_status *statuses; /* [n_models or n_domains] */
  bf_error *errors;
  atomic_size_t n_kept, n_made;
} running;

/* Whether only this model and target go without. */
static bool is_about_the_pair(bf_status status) {
  return status != BF_OK && status != BF_ERR_MEMORY && status != BF_ERR_CANCELLED && status != BF_ERR_INTERNAL &&
         status != BF_ERR_NO_SPACE && status != BF_ERR_IO;
}

static bool goes_on(void *context) {
  return !atomic_load(&((bf_bench_run *)context)->cancelled);
}

static bf_status open_model(running *r, const bf_store_model *stored, bf_model **out, bf_error *err) {
  bf__stored_model files = {0};
  pthread_mutex_lock(&r->run->lock);
  bf_status status = bf__stored_model_read(r->run->store, stored, &files, err);
  pthread_mutex_unlock(&r->run->lock);
  if (status == BF_OK) status = bf_model_open(r->workers, files.card, files.files, files.n_files, out, err);
  bf__stored_model_deinit(&files);
  if (status != BF_OK || bf_model_kind(*out) == r->run->collection->kind) return status;
  status = bf__error(err, BF_ERR_MISMATCH, "it takes rows of kind %s", bf_kind_name(bf_model_kind(*out)));
  bf_model_close(*out);
  *out = NULL;
  return status;
}

/* One model on one target, which opens the model where it is not open yet. */
static bf_status run_pair(running *r, size_t m, size_t t, bf_model **model, bf_error *err) {
  bf_bench_run *run = r->run;
  bf_status status = BF_OK;
  char key[BF__BENCH_KEY_BYTES];
  bf__run answers = {0};
  bf_schema schema;
  bf__bench_target *target = &run->targets[t];
  bf__bench_said *said = &target->said[m];
  BF_TRY(key_of(run, run->models[m].stored, target, key, err));
  if (!*model) BF_TRY(open_model(r, run->models[m].stored, model, err));
  bf_sample_schema(target->rows.sample, &schema);
  double started = bf__bench_now();
  BF_TRY(
      bf__run_batch(*model, &schema, bf_sample_batch(target->rows.sample), false, CHUNK, goes_on, run, &answers, err));
  double seconds = bf__bench_now() - started;
  BF_TRY(keep(run, key, seconds, &answers.outputs, answers.classes, err));
  status = bf__bench_said_fill(said, run->collection, &target->rows, &answers.outputs, answers.classes, err);
  answers.classes = NULL; /* it has them, or they are gone */
  said->seconds = seconds;
  atomic_fetch_add(&r->n_made, 1);
out:
  bf__run_deinit(&answers);
  return status;
}

static void run_model(void *context, size_t m, uint32_t worker) {
  running *r = context;
  bf_bench_run *run = r->run;
  bf_model *model = NULL;
  for (size_t t = 0; t < run->collection->n_domains && r->statuses[m] == BF_OK; t++) {
    bf_error cause = {.position = -1};
    bf__bench_said *said = &run->targets[t].said[m];
    if (!run->targets[t].is_stale || said->is_there) continue;
    bf_status status = run_pair(r, m, t, &model, &cause);
    if (is_about_the_pair(status)) {
      bf_model_close(model); /* after an error it can only be closed */
      model = NULL;
      snprintf(said->why, sizeof said->why, "%.199s", cause.message);
      status = bf__bench_note(run, run->collection->domains[t].name, NULL, false, "", &cause,
                              "'%s' cannot be run on it: %s", run->models[m].stored->name, said->why);
    }
    if (status == BF_OK && !bf__bench_step(run, worker, "models"))
      status = bf__error(&cause, BF_ERR_CANCELLED, "stopped while the models were run");
    r->statuses[m] = status;
    if (status != BF_OK) r->errors[m] = cause;
  }
  bf_model_close(model);
}

static void load_target(void *context, size_t t, uint32_t worker) {
  running *r = context;
  bf_bench_run *run = r->run;
  bf__bench_target *target = &run->targets[t];
  char key[BF__BENCH_KEY_BYTES];
  if (!target->is_stale || atomic_load(&run->cancelled)) return;
  bf_error *err = &r->errors[t];
  bf_status status = bf__bench_rows_load(run->folder, run->collection, t, &target->rows, err);
  if (status == BF_OK) status = bf__bench_target_sketch(run->folder, run->collection, t, 0, &target->sketch, err);
  for (size_t m = 0; status == BF_OK && m < run->n_models; m++) {
    status = key_of(run, run->models[m].stored, target, key, err);
    if (status != BF_OK || !read_kept(run, key, &target->rows, &target->said[m])) continue;
    atomic_fetch_add(&r->n_kept, 1);
    (void)bf__bench_step(run, worker, "models");
  }
  r->statuses[t] = status;
}

static bf_status first_error(const running *r, size_t n, bf_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (r->statuses[i] == BF_OK) continue;
    if (err) *err = r->errors[i];
    return r->statuses[i];
  }
  return BF_OK;
}

/* Starts workers only where something is left to run. */
static bf_status run_rest(running *r, bf_error *err) {
  bf_bench_run *run = r->run;
  bool all = true;
  for (size_t t = 0; t < run->collection->n_domains; t++)
    for (size_t m = 0; m < run->n_models && run->targets[t].is_stale; m++)
      all = all && run->targets[t].said[m].is_there;
  if (all) return BF_OK;
  bf_workers_options options = BF_WORKERS_OPTIONS_INIT;
  options.n_workers = run->options->n_threads ? run->options->n_threads : bf__cores();
  bf_status status = bf_workers_create(&options, &r->workers, err);
  if (status != BF_OK) return status;
  bf__parallel_for(run->n_models, options.n_workers, run_model, r);
  bf_workers_free(r->workers);
  return first_error(r, run->n_models, err);
}

bf_status bf__bench_run_models(bf_bench_run *run, bf_error *err) {
  bf_status status = BF_OK;
  running r = {.run = run};
  size_t n = run->n_models > run->collection->n_domains ? run->n_models : run->collection->n_domains, n_stale = 0;
  char *folder = bf__asprintf("%s/outputs", run->folder);
  r.statuses = bf__alloc(n, sizeof *r.statuses);
  r.errors = bf__alloc(n, sizeof *r.errors);
  if (!folder || !r.statuses || !r.errors) BF_TRY(bf__error_memory(err, n * sizeof *r.errors));
  BF_TRY(bf__make_directories(folder, err));
  for (size_t t = 0; t < run->collection->n_domains; t++) n_stale += run->targets[t].is_stale;
  run->n_total = n_stale * run->n_models;
  atomic_store(&run->n_done, 0);
  bf__parallel_for(run->collection->n_domains, run->options->n_threads, load_target, &r);
  BF_TRY(first_error(&r, run->collection->n_domains, err));
  if (atomic_load(&run->cancelled)) BF_TRY(bf__error(err, BF_ERR_CANCELLED, "stopped while rows were read"));
  BF_TRY(run_rest(&r, err));
  for (size_t t = 0; t < run->collection->n_domains; t++) { /* cells are needed no more */
    bf_sample_free(run->targets[t].rows.sample);
    run->targets[t].rows.sample = NULL;
  }
out:
  run->figures.n_outputs_kept = atomic_load(&r.n_kept);
  run->figures.n_outputs_made = atomic_load(&r.n_made);
  free(folder);
  free(r.statuses);
  free(r.errors);
  return status;
}
