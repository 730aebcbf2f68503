/* A collection from its folder to its files: what is there, what is stale, models, targets. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/thread.h"
#include "benchmark/benchmark_internal.h"

#define RUN_FORMAT 1.0 /* raised where equal inputs are to be run anew */

double bf__bench_now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- what is told ---- */

bf_status bf__bench_note(bf_bench_run *run, const char *domain, const char *variant, bool expected, const char *get,
                         bf_error *err, const char *why_format, ...) {
  bf_status status = BF_OK;
  char why[400];
  va_list arguments;
  va_start(arguments, why_format);
  (void)vsnprintf(why, sizeof why, why_format, arguments);
  va_end(arguments);
  pthread_mutex_lock(&run->lock);
  if (run->n_missing == run->missing_capacity) {
    size_t capacity = run->missing_capacity ? 2 * run->missing_capacity : 32;
    bf_bench_missing *grown = bf__realloc(run->missing, capacity, sizeof *grown);
    if (!grown) BF_TRY(bf__error_memory(err, capacity * sizeof *grown));
    run->missing = grown;
    run->missing_capacity = capacity;
  }
  bf_bench_missing *one = &run->missing[run->n_missing++];
  *one = (bf_bench_missing){.domain = bf__strdup(domain),
                            .variant = variant ? bf__strdup(variant) : NULL,
                            .why = bf__strdup(why),
                            .get = bf__strdup(get),
                            .expected = expected};
  if (!one->domain || !one->why || !one->get || (variant && !one->variant)) status = bf__error_memory(err, sizeof why);
out:
  pthread_mutex_unlock(&run->lock);
  return status;
}

bool bf__bench_step(bf_bench_run *run, uint32_t worker, const char *unit) {
  size_t n_done = atomic_fetch_add(&run->n_done, 1) + 1;
  const bf_bench_run_options *o = run->options;
  if (worker == 0 && o->progress && !o->progress(o->progress_context, unit, n_done, run->n_total))
    atomic_store(&run->cancelled, true);
  return !atomic_load(&run->cancelled);
}

/* Whatever the threads, the list comes in one order. */
static int compare_missing(const void *a, const void *b) {
  const bf_bench_missing *x = a, *y = b;
  int order = strcmp(x->domain, y->domain);
  if (order == 0) order = strcmp(x->variant ? x->variant : "", y->variant ? y->variant : "");
  return order ? order : strcmp(x->why, y->why);
}

/* ---- what is there ---- */

static bf_status read_model(bf_bench_run *run, const bf_store_model *stored, size_t domain, bf_error *err) {
  bf_status status = BF_OK;
  uint8_t *bytes = NULL;
  bf_error cause = {.position = -1};
  bf__bench_model *model = &run->models[run->n_models++];
  *model = (bf__bench_model){.stored = stored, .domain = domain};
  if (stored->sketch_sha256) {
    BF_TRY(bf_store_read_blob(run->store, stored->sketch_sha256, &bytes, &model->sketch_bytes, err));
    BF_TRY(bf_sketch_decode(bytes, model->sketch_bytes, &model->sketch, err));
  }
  if (stored->calibration &&
      bf_calibration_decode(stored->calibration, strlen(stored->calibration), &model->calibration, &cause) != BF_OK)
    BF_TRY(bf__error(err, cause.code, "calibration of '%s': %.150s", stored->name, cause.message));
out:
  free(bytes);
  return status;
}

static size_t domain_number(const bf__bench_collection *c, const char *name) {
  for (size_t i = 0; i < c->n_domains; i++)
    if (strcmp(c->domains[i].name, name) == 0) return i;
  return SIZE_MAX;
}

/* The repository's models, by domain; a domain that should have one and has none is missing. */
static bf_status read_models(bf_bench_run *run, bf_error *err) {
  bf_status status = BF_OK;
  const bf__bench_collection *c = run->collection;
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.read_only = true;
  char *folder = bf__asprintf("%s/repository", run->folder);
  if (!folder) return bf__error_memory(err, strlen(run->folder));
  BF_TRY(bf_store_open(folder, &options, &run->store, err));
  BF_TRY(bf_store_find(run->store, NULL, &run->list, err));
  size_t n = bf_store_list_count(run->list);
  run->models = bf__alloc(n, sizeof *run->models);
  if (!run->models) BF_TRY(bf__error_memory(err, n * sizeof *run->models));
  for (size_t i = 0; i < n; i++) {
    const bf_store_model *stored = bf_store_list_at(run->list, i);
    size_t domain = domain_number(c, stored->domain);
    if (domain != SIZE_MAX) BF_TRY(read_model(run, stored, domain, err));
  }
  for (size_t d = 0; d < c->n_domains; d++) {
    bool found = !c->domains[d].has_model;
    for (size_t m = 0; m < run->n_models; m++) found = found || run->models[m].domain == d;
    char get[140];
    snprintf(get, sizeof get, "bestfit bench train %s", c->name);
    if (!found)
      BF_TRY(bf__bench_note(run, c->domains[d].name, NULL, false, get, err, "its model is not in the repository"));
  }
out:
  free(folder);
  return status;
}

static bf_status note_gaps(bf_bench_run *run, bf_error *err) {
  const bf__bench_collection *c = run->collection;
  bf_status status = BF_OK;
  for (size_t i = 0; i < c->n_missing && status == BF_OK; i++)
    status =
        bf__bench_note(run, c->missing[i].domain, NULL, false, c->missing[i].get, err, "%.399s", c->missing[i].why);
  return status;
}

/* ---- keys ---- */

static bf_status hash_model(bf__bench_hasher *h, const bf_store_model *model, bf_error *err) {
  bf_status status = BF_OK;
  BF_TRY(bf__bench_hash_text(h, model->name, err));
  BF_TRY(bf__bench_hash_number(h, model->version, err));
  BF_TRY(bf__bench_hash_text(h, model->domain, err));
  BF_TRY(bf__bench_hash_text(h, model->model_sha256, err));
  BF_TRY(bf__bench_hash_text(h, model->card_sha256, err));
  BF_TRY(bf__bench_hash_text(h, model->sketch_sha256, err));
  BF_TRY(bf__bench_hash_text(h, model->calibration, err));
  BF_TRY(bf__bench_hash_number(h, model->source_accuracy, err));
  for (size_t i = 0; i < model->n_files; i++) BF_TRY(bf__bench_hash_text(h, model->files[i].sha256, err));
out:
  return status;
}

/* The training rows matter to the measures on raw rows alone; a target without a model has none. */
static bf_status hash_training(bf_bench_run *run, bf__bench_stamps *stamps, size_t d, bf_error *err) {
  char *path = NULL, name[BF__BENCH_NAME_MAX + 24];
  bf_dataset_options options;
  snprintf(run->targets[d].train_key, BF__BENCH_KEY_BYTES, "-");
  bf_status status = bf__bench_data_file(run->folder, run->collection, d, "train", &path, &options, err);
  if (status == BF_ERR_NOT_FOUND) return BF_OK;
  snprintf(name, sizeof name, "%s/train", run->collection->domains[d].name);
  if (status == BF_OK) status = bf__bench_stamps_hash(stamps, path, name, run->targets[d].train_key, err);
  free(path);
  return status;
}

/* Rows, labels and unseen rows of a domain. */
static bf_status hash_target(bf_bench_run *run, bf__bench_hasher *h, bf__bench_stamps *stamps, size_t d,
                             bf_error *err) {
  static const char *const FILES[] = {"target-labels.txt", "target-unseen.txt"};
  bf_status status = BF_OK;
  const bf__bench_domain *domain = &run->collection->domains[d];
  char *path = NULL, hash[BF__BENCH_KEY_BYTES], name[BF__BENCH_NAME_MAX + 24];
  bf_dataset_options options;
  BF_TRY(bf__bench_data_file(run->folder, run->collection, d, "target", &path, &options, err));
  snprintf(name, sizeof name, "%s/target", domain->name);
  BF_TRY(bf__bench_stamps_hash(stamps, path, name, run->targets[d].data_key, err));
  BF_TRY(bf__bench_hash_text(h, run->targets[d].data_key, err));
  BF_TRY(hash_training(run, stamps, d, err));
  BF_TRY(bf__bench_hash_text(h, run->targets[d].train_key, err));
  for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
    free(path);
    path = bf__asprintf("%s/%s/%s", run->folder, domain->name, FILES[i]);
    if (!path) BF_TRY(bf__error_memory(err, strlen(run->folder)));
    snprintf(name, sizeof name, "%s/%s", domain->name, FILES[i]);
    BF_TRY(bf__bench_stamps_hash(stamps, path, name, hash, err));
    BF_TRY(bf__bench_hash_text(h, hash, err));
  }
  BF_TRY(bf__bench_hash_text(h, domain->name, err));
  BF_TRY(bf__bench_hash_text(h, domain->group, err));
  BF_TRY(bf__bench_hash_text(h, domain->origin, err));
  BF_TRY(bf__bench_hash_number(h, domain->stranger, err));
out:
  free(path);
  return status;
}

static bf_status hash_all(bf_bench_run *run, bf__bench_stamps *stamps, bf_error *err) {
  bf_status status = BF_OK;
  bf__bench_hasher *h = NULL;
  const bf__bench_collection *c = run->collection;
  BF_TRY(bf__bench_program_hash(run->program, err));
  BF_TRY(bf__bench_hasher_create(&h, err));
  BF_TRY(bf__bench_hash_text(h, run->program, err));
  BF_TRY(bf__bench_hash_number(h, RUN_FORMAT, err));
  BF_TRY(bf__bench_hash_text(h, c->name, err));
  BF_TRY(bf__bench_hash_text(h, bf_kind_name(c->kind), err));
  BF_TRY(bf__bench_hash_text(h, c->f1, err));
  BF_TRY(bf__bench_hash_number(h, (double)c->seed, err));
  for (size_t m = 0; m < run->n_models; m++) BF_TRY(hash_model(h, run->models[m].stored, err));
  for (size_t d = 0; d < c->n_domains; d++) BF_TRY(hash_target(run, h, stamps, d, err));
  BF_TRY(bf__bench_hasher_finish(h, run->key, err));
out:
  bf__bench_hasher_free(h);
  return status;
}

static bf_status make_key(bf_bench_run *run, bf_error *err) {
  bf__bench_stamps *stamps = NULL;
  bf_status status = BF_OK;
  char *folder = bf__asprintf("%s/outputs", run->folder), *path = bf__asprintf("%s/outputs/files.json", run->folder);
  if (!folder || !path) BF_TRY(bf__error_memory(err, strlen(run->folder)));
  BF_TRY(bf__make_directories(folder, err));
  BF_TRY(bf__bench_stamps_load(path, &stamps, err));
  BF_TRY(hash_all(run, stamps, err));
  BF_TRY(bf__bench_stamps_save(stamps, err));
out:
  bf__bench_stamps_free(stamps);
  free(folder);
  free(path);
  return status;
}

/* ---- what is stale ---- */

static bf_status look_at_file(bf_bench_run *run, size_t d, size_t v, bf_error *err) {
  bf_status status = BF_OK;
  const bf__bench_variant *variant = bf__bench_variant_at(v);
  char key[BF__BENCH_KEY_BYTES], *why = NULL;
  bf__bench_target *target = &run->targets[d];
  char *path = bf__bench_file_path(run, d, variant, false), *other = bf__bench_file_path(run, d, variant, true);
  if (!path || !other) BF_TRY(bf__error_memory(err, 256));
  BF_TRY(bf__bench_file_key(run, d, variant, key, err));
  target->is_fresh[v] = bf__bench_file_is_fresh(path, key);
  run->figures.n_kept += target->is_fresh[v];
  if (!target->is_fresh[v] && (why = bf__bench_file_why(other, key)) != NULL) {
    target->is_fresh[v] = true;
    BF_TRY(bf__bench_note(run, run->collection->domains[d].name, variant->name, true, "", err, "%s", why));
  }
  target->is_stale = target->is_stale || !target->is_fresh[v];
out:
  free(path);
  free(other);
  free(why);
  return status;
}

/* Others' rows are experience: where one target is stale, all are read and run. */
static bf_status look(bf_bench_run *run, bf_error *err) {
  bf_status status = BF_OK;
  bool any = false;
  run->n_total = 0;
  for (size_t v = 0; v < BF__BENCH_VARIANTS && status == BF_OK; v++) {
    if (!run->wanted[v]) continue;
    char *folder = bf__asprintf("%s/runs/%s", run->folder, bf__bench_variant_at(v)->name);
    status = folder ? bf__make_directories(folder, err) : bf__error_memory(err, 256);
    free(folder);
    for (size_t d = 0; d < run->collection->n_domains && status == BF_OK; d++) {
      if (!run->targets[d].is_wanted) continue;
      status = look_at_file(run, d, v, err);
      any = any || run->targets[d].is_stale;
      run->n_total += !run->targets[d].is_fresh[v];
    }
  }
  for (size_t d = 0; d < run->collection->n_domains; d++) run->targets[d].is_stale = any;
  return status;
}

/* ---- targets ---- */

typedef struct ranking {
  bf_bench_run *run;
  bf_status *statuses; /* [n_domains] */
  bf_error *errors;
} ranking;

static void rank_target(void *context, size_t d, uint32_t worker) {
  ranking *r = context;
  if (!r->run->targets[d].is_wanted) return;
  r->statuses[d] = bf__bench_run_target(r->run, d, worker, &r->errors[d]);
}

static bf_status rank_targets(bf_bench_run *run, size_t n_files, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = run->collection->n_domains;
  ranking r = {.run = run, .statuses = bf__alloc(n, sizeof *r.statuses), .errors = bf__alloc(n, sizeof *r.errors)};
  if (!r.statuses || !r.errors) BF_TRY(bf__error_memory(err, n * sizeof *r.errors));
  run->n_total = n_files;
  atomic_store(&run->n_done, 0);
  bf__parallel_for(n, run->options->n_threads, rank_target, &r);
  run->figures.n_made = atomic_load(&run->n_made);
  for (size_t d = 0; d < n && status == BF_OK; d++) {
    status = r.statuses[d];
    if (status != BF_OK && err) *err = r.errors[d];
  }
out:
  free(r.statuses);
  free(r.errors);
  return status;
}

/* ---- the whole ---- */

static bf_status choose_variants(bf_bench_run *run, bf_error *err) {
  const bf_bench_run_options *o = run->options;
  for (size_t v = 0; v < BF__BENCH_VARIANTS; v++) run->wanted[v] = o->n_variants == 0;
  for (size_t i = 0; i < o->n_variants; i++) {
    size_t v = 0;
    while (v < BF__BENCH_VARIANTS && strcmp(bf_bench_variant_at(v), o->variants[i]) != 0) v++;
    if (v == BF__BENCH_VARIANTS)
      return bf__error(err, BF_ERR_NOT_FOUND,
                       "there is no variant '%.40s': standard, own-in, relatives-out, rows-30, rows-100, rows-300, "
                       "rows-1000",
                       o->variants[i]);
    run->wanted[v] = true;
  }
  return BF_OK;
}

static bf_status choose_targets(bf_bench_run *run, bf_error *err) {
  const bf_bench_run_options *o = run->options;
  for (size_t d = 0; d < run->collection->n_domains; d++) run->targets[d].is_wanted = o->n_targets == 0;
  for (size_t i = 0; i < o->n_targets; i++) {
    size_t d = domain_number(run->collection, o->targets[i]);
    if (d == SIZE_MAX)
      return bf__error(err, BF_ERR_NOT_FOUND, "%s has no domain '%.90s'", run->collection->name, o->targets[i]);
    run->targets[d].is_wanted = true;
  }
  return BF_OK;
}

static bf_status make_targets(bf_bench_run *run, bf_error *err) {
  size_t n = run->collection->n_domains;
  run->targets = bf__alloc(n, sizeof *run->targets);
  if (!run->targets) return bf__error_memory(err, n * sizeof *run->targets);
  for (size_t d = 0; d < n; d++) {
    run->targets[d].said = bf__alloc(run->n_models, sizeof *run->targets[d].said);
    if (!run->targets[d].said) return bf__error_memory(err, run->n_models * sizeof *run->targets[d].said);
  }
  return BF_OK;
}

static void drop_targets(bf_bench_run *run) {
  for (size_t d = 0; run->targets && d < run->collection->n_domains; d++) {
    bf__bench_target *t = &run->targets[d];
    for (size_t m = 0; t->said && m < run->n_models; m++) bf__bench_said_deinit(&t->said[m]);
    free(t->said);
    bf__bench_rows_deinit(&t->rows);
    bf_sketch_free(t->sketch);
    free(t->raw.values);
  }
  free(run->targets);
  run->targets = NULL;
}

static bf_status run_all(bf_bench_run *run, bf_error *err) {
  bf_status status = BF_OK;
  double started = bf__bench_now();
  BF_TRY(choose_variants(run, err));
  BF_TRY(bf__bench_check_strategies(run->options, err));
  BF_TRY(bf__bench_collection_read(run->folder, &run->collection, err));
  run->figures.collection = run->collection->name;
  run->figures.title = run->collection->title;
  run->figures.seed = (uint32_t)run->collection->seed;
  run->figures.n_targets = run->collection->n_domains;
  BF_TRY(note_gaps(run, err));
  if (run->collection->n_domains == 0) goto out; /* all are missing, and that is said */
  BF_TRY(read_models(run, err));
  run->figures.n_models = run->n_models;
  BF_TRY(make_targets(run, err));
  BF_TRY(choose_targets(run, err));
  BF_TRY(make_key(run, err));
  BF_TRY(look(run, err));
  size_t n_files = run->n_total;
  if (n_files > 0) {
    double before = bf__bench_now();
    BF_TRY(bf__bench_run_models(run, err));
    BF_TRY(bf__bench_measure_raw(run, err));
    BF_TRY(bf__bench_choose_threshold(run, err));
    double between = bf__bench_now();
    run->figures.output_seconds = between - before;
    BF_TRY(rank_targets(run, n_files, err));
    run->figures.ranking_seconds = bf__bench_now() - between;
  }
  qsort(run->missing, run->n_missing, sizeof *run->missing, compare_missing);
out:
  run->figures.seconds = bf__bench_now() - started;
  return status;
}

bf_status bf_bench_run_collection(const char *folder, const bf_bench_run_options *options, bf_bench_run **out,
                                  bf_error *err) {
  static const bf_bench_run_options defaults = BF_BENCH_RUN_OPTIONS_INIT;
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the run");
  *out = NULL;
  if (!folder) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no folder of a collection");
  bf_bench_run *run = bf__alloc(1, sizeof *run);
  if (!run) return bf__error_memory(err, sizeof *run);
  if (pthread_mutex_init(&run->lock, NULL) != 0) {
    free(run);
    return bf__error(err, BF_ERR_INTERNAL, "no lock could be made");
  }
  run->options = options ? options : &defaults;
  run->folder = bf__strdup(folder);
  bf_status status = run->folder ? run_all(run, err) : bf__error_memory(err, strlen(folder));
  drop_targets(run);
  if (status == BF_OK) {
    *out = run;
    return BF_OK;
  }
  bf_bench_run_free(run);
  return status;
}

void bf_bench_run_free(bf_bench_run *run) {
  if (!run) return;
  drop_targets(run);
  for (size_t m = 0; m < run->n_models; m++) {
    bf_sketch_free(run->models[m].sketch);
    bf_calibration_free(run->models[m].calibration);
  }
  for (size_t i = 0; i < run->n_missing; i++) {
    free(run->missing[i].domain);
    free(run->missing[i].variant);
    free(run->missing[i].why);
    free(run->missing[i].get);
  }
  free(run->missing);
  free(run->models);
  bf_store_list_free(run->list);
  bf_store_close(run->store);
  bf__bench_collection_free(run->collection);
  free(run->folder);
  pthread_mutex_destroy(&run->lock);
  free(run);
}

const bf_bench_run_figures *bf_bench_run_figures_of(const bf_bench_run *run) {
  return &run->figures;
}

size_t bf_bench_run_missing_count(const bf_bench_run *run) {
  return run->n_missing;
}

const bf_bench_missing *bf_bench_run_missing_at(const bf_bench_run *run, size_t i) {
  return i < run->n_missing ? &run->missing[i] : NULL;
}
