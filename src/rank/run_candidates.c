/* The candidates of a search run on the sample of the target, as many at once as there are workers.
 *
 * The most similar model comes first, so that what a budget leaves out is what promises least. A model that fails says
 * why and the others go on; a model that is slow is stopped between two pieces of the sample once the budget is used
 * up.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread.h"
#include "rank/rank_internal.h"

#define CHUNK 250u /* rows between two looks at the clock */
#define WHY_BYTES 320u

typedef struct job {
  bf_search_result *result;
  bf_store *store;
  pthread_mutex_t lock; /* of the store: one thread at a time */
  const size_t *order;
  size_t n_order;
  const bf_search_options *options;
  bf_schema schema;
  const bf_batch *batch;
  bf__run *runs;
  char (*why)[WHY_BYTES]; /* [n_order] */
  double deadline;        /* seconds of the monotonic clock; 0: none */
  atomic_size_t n_done;
  atomic_bool cancelled, out_of_memory;
} job;

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool in_time(void *context) {
  job *j = context;
  return !atomic_load(&j->cancelled) && (j->deadline == 0.0 || now() < j->deadline);
}

static bf_status run_one(job *j, size_t candidate, bf_error *err) {
  const bf_store_model *stored = bf_store_list_at(j->result->list, candidate);
  bf__stored_model files = {0};
  bf_model *model = NULL;
  pthread_mutex_lock(&j->lock);
  bf_status status = bf__stored_model_read(j->store, stored, &files, err);
  pthread_mutex_unlock(&j->lock);
  if (status == BF_OK) status = bf_model_open(j->options->workers, files.card, files.files, files.n_files, &model, err);
  bf__stored_model_deinit(&files);
  if (status == BF_OK && bf_model_kind(model) != j->schema.kind) {
    status = bf__error(err, BF_ERR_MISMATCH, "it takes rows of kind %s, the target's are of kind %s",
                       bf_kind_name(bf_model_kind(model)), bf_kind_name(j->schema.kind));
  }
  if (status == BF_OK)
    status = bf__run_batch(model, &j->schema, j->batch, false, CHUNK, in_time, j, &j->runs[candidate], err);
  bf_model_close(model);
  return status;
}

static void run_item(void *context, size_t item, uint32_t worker) {
  job *j = context;
  bf_error cause = {.position = -1};
  bf_status status = BF_ERR_CANCELLED;
  if (in_time(j)) status = run_one(j, j->order[item], &cause);
  if (status == BF_ERR_MEMORY) atomic_store(&j->out_of_memory, true);
  if (status == BF_ERR_CANCELLED) {
    snprintf(j->why[item], WHY_BYTES, "not run: the budget of %.3g s was used up (number %zu by similarity)",
             j->options->budget_seconds, item + 1);
  } else if (status != BF_OK) {
    snprintf(j->why[item], WHY_BYTES, "it could not be run: %s", cause.message);
  }
  size_t n_done = atomic_fetch_add(&j->n_done, 1) + 1;
  if (worker != 0 || !j->options->progress) return; /* worker 0 is the caller's own thread */
  if (!j->options->progress(j->options->progress_context, "models", n_done, j->n_order))
    atomic_store(&j->cancelled, true);
}

bf_status bf__stored_calibration(const bf_store_model *stored, bf_calibration **out, bf_error *err) {
  *out = NULL;
  if (!stored->calibration) return BF_OK;
  /* one that does not decode is as none: the estimators that need it say so */
  size_t n = strlen(stored->calibration);
  bf_status status = bf_calibration_decode(stored->calibration, n, out, NULL);
  return status == BF_ERR_MEMORY ? bf__error_memory(err, n) : BF_OK;
}

bf_status bf__run_candidates(bf_search_result *result, bf_store *store, const size_t *order, size_t n_order,
                             const bf_search_options *options, bf__run *runs, const char **why, bf_error *err) {
  bf_status status = BF_OK;
  double started = now();
  job j = {.result = result, .store = store, .order = order, .n_order = n_order, .options = options, .runs = runs};
  bf_sample_schema(options->sample, &j.schema);
  j.batch = bf_sample_batch(options->sample);
  if (options->budget_seconds > 0.0) j.deadline = started + options->budget_seconds;
  j.why = bf__alloc(n_order, sizeof *j.why);
  if (!j.why) return bf__error_memory(err, n_order * sizeof *j.why);
  if (pthread_mutex_init(&j.lock, NULL) != 0) {
    free(j.why);
    return bf__error(err, BF_ERR_INTERNAL, "no lock could be made");
  }
  bf__parallel_for(n_order, bf_workers_count(options->workers), run_item, &j);
  if (atomic_load(&j.cancelled)) status = bf__error(err, BF_ERR_CANCELLED, "stopped while the models were run");
  if (atomic_load(&j.out_of_memory)) status = bf__error(err, BF_ERR_MEMORY, "no memory for the outputs of the models");
  for (size_t i = 0; i < n_order && status == BF_OK; ++i) {
    if (!j.why[i][0]) continue;
    why[order[i]] = bf__result_text(result, "%s", j.why[i]);
    if (!why[order[i]]) status = bf__error_memory(err, WHY_BYTES);
  }
  result->sample_rows = j.batch->n_rows;
  result->run_seconds = now() - started;
  pthread_mutex_destroy(&j.lock);
  free(j.why);
  return status;
}
