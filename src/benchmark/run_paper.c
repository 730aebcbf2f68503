/* The paper's measures as the paper has them: on raw rows, and adaptivity with the threshold that turns out best.
 *
 * paper-*-raw       computed once a pair of a training set and a target, and kept: outputs/raw-TARGET.json.
 * paper-adaptivity-hindsight
 *                   of a dozen thresholds the one whose mean regret over the collection's targets (strangers apart, own
 *                   model out) is least. No search could know it: it says what adaptivity could be worth at best.
 * Chosen once a collection, on whole targets, from sketches; its labels are those that judge it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/thread.h"
#include "benchmark/benchmark_internal.h"
#include "measure/measure_internal.h"

#include <bestfit/metrics.h>

#define N_THRESHOLDS 12u
#define MAX_KEPT_BYTES ((size_t)4 << 20)
#define KEPT_VERSION 1

static const char *const OF_ROWS[BF__BENCH_RAW] = {"paper-jsd", "paper-l2", "paper-adaptivity"};
static const char *const OF_WORDS[BF__BENCH_RAW] = {"paper-word-jsd", "paper-word-l2", "paper-word-adaptivity"};
/* From what separates bytes to what nothing exceeds; JS is at most ln 2. */
static const double THRESHOLDS[2][N_THRESHOLDS] = {
    {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6},
    {0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6}};

static bool is_worded(const bf__bench_collection *c) {
  return c->kind == BF_KIND_TEXT || c->kind == BF_KIND_PAIR || c->kind == BF_KIND_TAGGED;
}

const char *bf__bench_raw_name(const bf__bench_collection *c, size_t i) {
  return is_worded(c) ? OF_WORDS[i] : OF_ROWS[i];
}

const char *bf__bench_adaptivity(const bf__bench_collection *c) {
  return bf__bench_raw_name(c, 2);
}

/* ---- adaptivity by any threshold ---- */

static double signed_value(const bf__strategy *strategy, double value) {
  return strategy->info.direction == BF_HIGHER_IS_CLOSER ? value : -value;
}

/* Signed values of all sources by each threshold: out[n_thresholds][n], NaN where there is no answer. */
static bf_status adapt(const char *name, const bf_sketch *const *sources, size_t n, const bf_sketch *target,
                       const double *thresholds, size_t n_thresholds, double *out, bf_error *err) {
  bf_status status = BF_OK;
  const bf__strategy *strategy = NULL;
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  bf_frame *frame = NULL;
  bf_prepared *there = NULL, *here = NULL;
  options.n_threads = 1;
  for (size_t i = 0; i < n * n_thresholds; i++) out[i] = NAN;
  BF_TRY(bf__strategy_find(name, &strategy, err));
  for (size_t i = 0; i < n; i++) {
    double value = 0.0;
    if (!sources[i]) continue;
    bf_status one = bf__frame_create(&sources[i], 1, &options, strategy->parts, &frame, err);
    if (one == BF_OK) one = bf__prepared_create(frame, target, strategy->parts, 0, &there, err);
    if (one == BF_OK) one = bf__prepared_create(frame, sources[i], strategy->parts, 0, &here, err);
    for (size_t t = 0; t < n_thresholds && one == BF_OK; t++) {
      frame->options.adaptivity_threshold = thresholds[t];
      one = strategy->measure(here, there, &value, err);
      if (one == BF_OK) out[t * n + i] = signed_value(strategy, value) + 0.0; /* no -0 */
    }
    bf_prepared_free(here);
    bf_prepared_free(there);
    bf_frame_free(frame);
    here = there = NULL;
    frame = NULL;
    if (one != BF_OK && one != BF_ERR_NOT_APPLICABLE && one != BF_ERR_MISMATCH) BF_TRY(one);
  }
out:
  return status;
}

bf_status bf__bench_adapt(const bf__bench_scene *scene, double *out, bf_error *err) {
  bf_status status = BF_OK;
  const bf_sketch **sources = bf__alloc(scene->n, sizeof *sources);
  if (!sources) return bf__error_memory(err, scene->n * sizeof *sources);
  for (size_t i = 0; i < scene->n; i++) sources[i] = scene->candidates[i].sketch;
  status =
      adapt(bf__bench_adaptivity(scene->collection), sources, scene->n, scene->sketch, &scene->threshold, 1, out, err);
  free(sources);
  return status;
}

typedef struct choosing {
  bf_bench_run *run;
  const double *thresholds;
  double (*regrets)[N_THRESHOLDS]; /* [n_domains] NaN: this target tells nothing */
  bf_status *statuses;
  bf_error *errors;
} choosing;

/* Regrets of one target by every threshold. */
static bf_status regrets_of(const choosing *c, size_t d, bf_error *err) {
  bf_bench_run *run = c->run;
  bf_status status = BF_OK;
  size_t n = 0;
  const bf__bench_target *target = &run->targets[d];
  const bf_sketch **sources = bf__alloc(run->n_models, sizeof *sources);
  double *accuracy = bf__alloc(run->n_models, sizeof *accuracy);
  double *scores = bf__alloc(run->n_models, N_THRESHOLDS * sizeof *scores);
  bf_ranking_metrics metrics;
  if (!sources || !accuracy || !scores) BF_TRY(bf__error_memory(err, run->n_models * sizeof *scores));
  for (size_t m = 0; m < run->n_models; m++) {
    if (run->models[m].domain == d || !target->said[m].is_there) continue;
    sources[n] = run->models[m].sketch;
    accuracy[n++] = target->said[m].all.accuracy;
  }
  if (n < 2) goto out;
  BF_TRY(adapt(bf__bench_adaptivity(run->collection), sources, n, target->sketch, c->thresholds, N_THRESHOLDS, scores,
               err));
  for (size_t t = 0; t < N_THRESHOLDS; t++) {
    BF_TRY(bf_ranking_metrics_of(scores + t * n, accuracy, n, &metrics, err));
    c->regrets[d][t] = metrics.regret;
  }
out:
  free(sources);
  free(accuracy);
  free(scores);
  return status;
}

static void choose_of_one(void *context, size_t d, uint32_t worker) {
  const choosing *c = context;
  (void)worker;
  for (size_t t = 0; t < N_THRESHOLDS; t++) c->regrets[d][t] = NAN;
  if (!c->run->collection->domains[d].stranger) c->statuses[d] = regrets_of(c, d, &c->errors[d]);
}

bf_status bf__bench_choose_threshold(bf_bench_run *run, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = run->collection->n_domains, best = 0;
  double least = INFINITY;
  choosing c = {.run = run, .thresholds = THRESHOLDS[is_worded(run->collection)]};
  c.regrets = bf__alloc(n, sizeof *c.regrets);
  c.statuses = bf__alloc(n, sizeof *c.statuses);
  c.errors = bf__alloc(n, sizeof *c.errors);
  if (!c.regrets || !c.statuses || !c.errors) BF_TRY(bf__error_memory(err, n * sizeof *c.regrets));
  bf__parallel_for(n, run->options->n_threads, choose_of_one, &c);
  for (size_t d = 0; d < n; d++) {
    if (c.statuses[d] == BF_OK) continue;
    if (err) *err = c.errors[d];
    BF_TRY(c.statuses[d]);
  }
  for (size_t t = 0; t < N_THRESHOLDS; t++) {
    double sum = 0.0;
    for (size_t d = 0; d < n; d++) sum += isnan(c.regrets[d][t]) ? 0.0 : c.regrets[d][t];
    if (sum < least) {
      least = sum;
      best = t;
    }
  }
  run->threshold = c.thresholds[best];
out:
  free(c.regrets);
  free(c.statuses);
  free(c.errors);
  return status;
}

/* ---- raw rows ---- */

/* Rows of one side, as its kind has them. */
typedef struct raw_side {
  bf_rows *rows;
  bf_documents *documents;
} raw_side;

static void side_deinit(raw_side *side) {
  bf_rows_free(side->rows);
  bf_documents_free(side->documents);
  *side = (raw_side){0};
}

static bf_status side_load(const bf_bench_run *run, size_t d, const char *split, raw_side *out, bf_error *err) {
  char *path = NULL;
  bf_dataset_options options;
  bf_status status = bf__bench_data_file(run->folder, run->collection, d, split, &path, &options, err);
  options.n_threads = 1;
  if (status == BF_OK && is_worded(run->collection)) status = bf_documents_load(path, &options, &out->documents, err);
  if (status == BF_OK && !is_worded(run->collection)) status = bf_rows_load(path, &options, &out->rows, err);
  free(path);
  return status;
}

typedef struct raw_job {
  bf_bench_run *run;
  raw_side *sources; /* [n_domains] */
  bf_status *statuses;
  bf_error *errors;
} raw_job;

/* Values of one target against every domain that has a model; NaN and the reason where there is no answer. */
static bf_status measure_raw(const raw_job *job, size_t d, const raw_side *target, bf_error *err) {
  bf_bench_run *run = job->run;
  bf__bench_raw *raw = &run->targets[d].raw;
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  options.n_threads = 1;
  for (size_t i = 0; i < BF__BENCH_RAW; i++) {
    const char *name = bf__bench_raw_name(run->collection, i);
    double started = bf__bench_now();
    const bf__strategy *strategy = NULL;
    bf_status status = bf__strategy_find(name, &strategy, err);
    for (size_t s = 0; s < run->collection->n_domains && status == BF_OK; s++) {
      const raw_side *source = &job->sources[s];
      bf_error cause = {.position = -1};
      double value = 0.0;
      if (!source->rows && !source->documents) continue;
      status = source->rows
                   ? bf_measure_raw(name, source->rows, target->rows, &options, &value, &cause)
                   : bf_measure_raw_words(name, source->documents, target->documents, &options, &value, &cause);
      if (status == BF_OK) raw->values[i * run->collection->n_domains + s] = signed_value(strategy, value) + 0.0;
      if (status == BF_ERR_NOT_APPLICABLE || status == BF_ERR_MISMATCH) {
        if (!raw->why[i][0]) snprintf(raw->why[i], sizeof raw->why[i], "%.199s", cause.message);
        status = BF_OK;
      }
      if (status != BF_OK && err) *err = cause;
    }
    if (status != BF_OK) return status;
    raw->seconds[i] = bf__bench_now() - started;
  }
  return BF_OK;
}

/* ---- what is kept of them ---- */

static char *path_of(const bf_bench_run *run, size_t d) {
  return bf__asprintf("%s/outputs/raw-%s.json", run->folder, run->collection->domains[d].name);
}

static bf_status key_of(const bf_bench_run *run, size_t d, char out[BF__BENCH_KEY_BYTES], bf_error *err) {
  bf_status status = BF_OK;
  bf__bench_hasher *hasher = NULL;
  BF_TRY(bf__bench_hasher_create(&hasher, err));
  BF_TRY(bf__bench_hash_text(hasher, run->program, err));
  BF_TRY(bf__bench_hash_text(hasher, run->targets[d].data_key, err));
  for (size_t s = 0; s < run->collection->n_domains; s++) {
    BF_TRY(bf__bench_hash_text(hasher, run->collection->domains[s].name, err));
    BF_TRY(bf__bench_hash_text(hasher, run->targets[s].train_key, err));
  }
  BF_TRY(bf__bench_hasher_finish(hasher, out, err));
out:
  bf__bench_hasher_free(hasher);
  return status;
}

/* False where it is not all there, and then nothing was taken. */
static bool take_kept(bf_bench_run *run, size_t d, const json_t *kept, const char *key) {
  size_t n = run->collection->n_domains;
  bf__bench_raw *raw = &run->targets[d].raw;
  const char *there = json_string_value(json_object_get(kept, "key"));
  if (!there || strcmp(there, key) != 0) return false;
  for (size_t i = 0; i < BF__BENCH_RAW; i++) {
    const json_t *one = json_object_get(kept, bf__bench_raw_name(run->collection, i));
    const json_t *values = json_object_get(one, "values"), *seconds = json_object_get(one, "seconds");
    const char *why = json_string_value(json_object_get(one, "why"));
    if (json_array_size(values) != n || !json_is_number(seconds)) return false;
    for (size_t s = 0; s < n; s++) {
      const json_t *value = json_array_get(values, s);
      if (!json_is_number(value) && !json_is_null(value)) return false;
      raw->values[i * n + s] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    raw->seconds[i] = json_number_value(seconds);
    snprintf(raw->why[i], sizeof raw->why[i], "%.199s", why ? why : "");
  }
  return true;
}

static bf_status keep(const bf_bench_run *run, size_t d, const char *path, const char *key, bf_error *err) {
  size_t n = run->collection->n_domains;
  const bf__bench_raw *raw = &run->targets[d].raw;
  json_t *kept = json_pack("{s:i, s:s}", "bestfit_raw", KEPT_VERSION, "key", key);
  bool good = kept != NULL;
  for (size_t i = 0; i < BF__BENCH_RAW && good; i++) {
    json_t *values = json_array();
    for (size_t s = 0; s < n; s++) {
      double value = raw->values[i * n + s];
      json_array_append_new(values, isfinite(value) ? json_real(value) : json_null());
    }
    good = json_array_size(values) == n;
    json_t *one = json_pack("{s:o, s:f, s:s}", "values", values, "seconds", raw->seconds[i], "why", raw->why[i]);
    good = json_object_set_new(kept, bf__bench_raw_name(run->collection, i), one) == 0 && good;
  }
  char *text = good ? json_dumps(kept, JSON_REAL_PRECISION(17)) : NULL;
  json_decref(kept);
  if (!text) return bf__error_memory(err, n * 64);
  bf_status status = bf__file_write_atomic(path, text, strlen(text), err);
  free(text);
  return status;
}

/* ---- all pairs ---- */

static bf_status raw_of_target(raw_job *job, size_t d, bool *found, bf_error *err) {
  bf_bench_run *run = job->run;
  bf_status status = BF_OK;
  char key[BF__BENCH_KEY_BYTES];
  raw_side side = {0};
  size_t n = BF__BENCH_RAW * run->collection->n_domains;
  bf__bench_raw *raw = &run->targets[d].raw;
  char *path = path_of(run, d);
  if (!raw->values) raw->values = bf__alloc(n, sizeof *raw->values);
  if (!path || !raw->values) BF_TRY(bf__error_memory(err, n * sizeof *raw->values));
  for (size_t i = 0; i < n; i++) raw->values[i] = NAN;
  BF_TRY(key_of(run, d, key, err));
  json_t *kept = bf__bench_json_read(path, MAX_KEPT_BYTES);
  *found = take_kept(run, d, kept, key);
  json_decref(kept);
  if (*found || !job->sources) goto out;
  for (size_t i = 0; i < BF__BENCH_RAW; i++) raw->why[i][0] = '\0';
  for (size_t i = 0; i < n; i++) raw->values[i] = NAN;
  BF_TRY(side_load(run, d, "target", &side, err));
  BF_TRY(measure_raw(job, d, &side, err));
  BF_TRY(keep(run, d, path, key, err));
out:
  side_deinit(&side);
  free(path);
  return status;
}

static void raw_of_one(void *context, size_t d, uint32_t worker) {
  raw_job *job = context;
  bool found = false;
  (void)worker;
  if (!atomic_load(&job->run->cancelled)) job->statuses[d] = raw_of_target(job, d, &found, &job->errors[d]);
}

bf_status bf__bench_measure_raw(bf_bench_run *run, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = run->collection->n_domains, n_found = 0;
  bool found = false;
  raw_side *sources = bf__alloc(n, sizeof *sources);
  raw_job job = {
      .run = run, .statuses = bf__alloc(n, sizeof *job.statuses), .errors = bf__alloc(n, sizeof *job.errors)};
  if (!sources || !job.statuses || !job.errors) BF_TRY(bf__error_memory(err, n * sizeof *job.errors));
  for (size_t d = 0; d < n; d++) {
    BF_TRY(raw_of_target(&job, d, &found, err));
    n_found += found;
  }
  if (n_found == n) goto out;
  for (size_t m = 0; m < run->n_models; m++) {
    size_t d = run->models[m].domain;
    if (!sources[d].rows && !sources[d].documents && strcmp(run->targets[d].train_key, "-") != 0)
      BF_TRY(side_load(run, d, "train", &sources[d], err));
  }
  job.sources = sources;
  bf__parallel_for(n, run->options->n_threads, raw_of_one, &job);
  for (size_t d = 0; d < n && status == BF_OK; d++) {
    status = job.statuses[d];
    if (status != BF_OK && err) *err = job.errors[d];
  }
out:
  for (size_t d = 0; sources && d < n; d++) side_deinit(&sources[d]);
  free(sources);
  free(job.statuses);
  free(job.errors);
  return status;
}
