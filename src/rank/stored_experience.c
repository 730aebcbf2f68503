/* The experience of a repository: read from the store, decoded, and learnt from; or, where nothing of it has changed
 * since, what was learnt before (kept_experience.h). Then no outputs are read.
 *
 * Only latest versions take part, as models and as labelled domains, and only those whose sketch is of the target's
 * kind. What cannot be read or decoded is left out: a damaged record makes the experience smaller, not the search fail.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rank/kept_experience.h"

#define MAX_BYTES ((size_t)1 << 30) /* of outputs in memory; records beyond are left out */

/* A row of experience between models that take part. */
typedef struct pair_row {
  size_t model, domain;
  const char *outputs_sha256;
} pair_row;

struct bf__stored_experience {
  bf_store_list *list;
  size_t n_models;
  bf_experience_model *models;
  bf_sketch **sketches;
  bf_calibration **calibrations;
  bf_store_experience_list *all_rows;
  size_t n_rows;
  pair_row *rows;
  bf__writer identity; /* of models and rows */
  bool incomplete;     /* outputs could not be read, and may be readable again with the same identity */
  size_t n_records;
  bf_experience_record *records;
  bf__run *runs;
  bf_experience *experience;
};

void bf__stored_experience_free(bf__stored_experience *s) {
  if (!s) return;
  bf_experience_free(s->experience);
  for (size_t i = 0; i < s->n_models; ++i) {
    if (s->sketches) bf_sketch_free(s->sketches[i]);
    if (s->calibrations) bf_calibration_free(s->calibrations[i]);
  }
  for (size_t r = 0; s->runs && r < s->n_records; ++r) bf__run_deinit(&s->runs[r]);
  free(s->models);
  free(s->sketches);
  free(s->calibrations);
  free(s->records);
  free(s->runs);
  free(s->rows);
  bf__writer_deinit(&s->identity);
  bf_store_experience_free(s->all_rows);
  bf_store_list_free(s->list);
  free(s);
}

const bf_experience *bf__stored_experience_get(const bf__stored_experience *s) {
  return s ? s->experience : NULL;
}

static bf_status load_models(bf_store *store, bf__stored_experience *s, bf_kind kind, bf_error *err) {
  size_t n = bf_store_list_count(s->list);
  s->models = bf__alloc(n, sizeof *s->models);
  s->sketches = bf__alloc(n, sizeof(bf_sketch *));
  s->calibrations = bf__alloc(n, sizeof(bf_calibration *));
  if (!s->models || !s->sketches || !s->calibrations) return bf__error_memory(err, n * sizeof *s->models);
  for (size_t i = 0; i < n; ++i) {
    const bf_store_model *stored = bf_store_list_at(s->list, i);
    if (!stored->sketch_sha256 || !stored->kind || strcmp(stored->kind, bf_kind_name(kind)) != 0) continue;
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    bf_sketch *sketch = NULL;
    bf_status status = bf_store_read_blob(store, stored->sketch_sha256, &bytes, &n_bytes, NULL);
    if (status == BF_OK) status = bf_sketch_decode(bytes, n_bytes, &sketch, NULL);
    free(bytes);
    if (status == BF_ERR_MEMORY) return bf__error_memory(err, n_bytes);
    if (status != BF_OK) continue;
    s->sketches[s->n_models] = sketch;
    status = bf__stored_calibration(stored, &s->calibrations[s->n_models], err);
    s->models[s->n_models] = (bf_experience_model){.id = stored->name,
                                                   .version = stored->version,
                                                   .domain = stored->domain,
                                                   .sketch = sketch,
                                                   .calibration = s->calibrations[s->n_models],
                                                   .source_accuracy = stored->source_accuracy};
    bf__identify_model(&s->identity, stored);
    ++s->n_models; /* from here on they are freed with it */
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

static size_t find_model(const bf__stored_experience *s, const char *name, uint32_t version) {
  for (size_t i = 0; i < s->n_models; ++i)
    if (s->models[i].version == version && strcmp(s->models[i].id, name) == 0) return i;
  return SIZE_MAX;
}

/* The rows that are learnt from. */
static bf_status load_rows(bf_store *store, bf__stored_experience *s, bf_error *err) {
  bf_status status = bf_store_read_experience(store, &s->all_rows, err);
  if (status != BF_OK) return status;
  size_t n = bf_store_experience_count(s->all_rows);
  s->rows = bf__alloc(n, sizeof *s->rows);
  if (!s->rows) return bf__error_memory(err, n * sizeof *s->rows);
  for (size_t i = 0; i < n; ++i) {
    const bf_store_experience *row = bf_store_experience_at(s->all_rows, i);
    size_t model = find_model(s, row->model, row->version);
    size_t domain = find_model(s, row->domain_model, row->domain_version);
    if (model == SIZE_MAX || domain == SIZE_MAX || !row->outputs_sha256) continue;
    s->rows[s->n_rows++] = (pair_row){model, domain, row->outputs_sha256};
    bf__identify_row(&s->identity, model, domain, row->outputs_sha256);
  }
  return BF_OK;
}

static bf_status load_records(bf_store *store, bf__stored_experience *s, bf_progress_fn progress, void *context,
                              bf_error *err) {
  size_t held = 0;
  s->records = bf__alloc(s->n_rows, sizeof *s->records);
  s->runs = bf__alloc(s->n_rows, sizeof *s->runs);
  if (!s->records || !s->runs) return bf__error_memory(err, s->n_rows * sizeof *s->runs);
  for (size_t i = 0; i < s->n_rows && held < MAX_BYTES; ++i) {
    const pair_row *row = &s->rows[i];
    if (progress && !progress(context, "pairs", i, s->n_rows))
      return bf__error(err, BF_ERR_CANCELLED, "learning was stopped");
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    bf__run *run = &s->runs[s->n_records];
    bf_status one = bf_store_read_blob(store, row->outputs_sha256, &bytes, &n_bytes, NULL);
    s->incomplete = s->incomplete || one != BF_OK;
    if (one == BF_OK) one = bf_outputs_decode(bytes, n_bytes, &run->outputs, &run->classes, &run->truth, NULL);
    free(bytes);
    if (one == BF_ERR_MEMORY) return bf__error_memory(err, n_bytes);
    if (one != BF_OK) continue;
    held += n_bytes;
    s->records[s->n_records++] = (bf_experience_record){.model = row->model,
                                                        .domain = row->domain,
                                                        .outputs = &run->outputs,
                                                        .classes = (const char *const *)run->classes,
                                                        .truth = run->truth};
  }
  return BF_OK;
}

bf_status bf__stored_experience_read(bf_store *store, bf_kind kind, const bf_experience_options *options,
                                     bf_progress_fn progress, void *context, bf__stored_experience **out,
                                     bf_error *err) {
  bf_status status = BF_OK;
  char key[BF__EXPERIENCE_KEY_BYTES + 1];
  bool keeps = options->exclude_domain == NULL; /* what a benchmark leaves out is asked for once */
  *out = NULL;
  bf__stored_experience *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(err, sizeof *s);
  BF_TRY(bf_store_find(store, NULL, &s->list, err));
  BF_TRY(load_models(store, s, kind, err));
  BF_TRY(load_rows(store, s, err));
  BF_TRY(bf__experience_key(&s->identity, kind, options, key, err));
  if (keeps) BF_TRY(bf__kept_experience_read(store, key, kind, s->models, s->n_models, options, &s->experience, err));
  if (!s->experience) {
    BF_TRY(load_records(store, s, progress, context, err));
    BF_TRY(bf_experience_create(s->models, s->n_models, s->records, s->n_records, options, &s->experience, err));
    if (keeps && !s->incomplete && bf_experience_domain_count(s->experience) >= BF__DOMAINS_FOR_LEARNING)
      bf__kept_experience_write(store, key, kind, options, s->experience);
  }
  *out = s;
  s = NULL;
out:
  bf__stored_experience_free(s);
  return status;
}

bf_status bf_search_learn(bf_store *store, bf_kind kind, const bf_search_options *given, size_t *n_domains,
                          bf_error *err) {
  static const bf_search_options defaults = BF_SEARCH_OPTIONS_INIT;
  bf_experience_options how = BF_EXPERIENCE_OPTIONS_INIT;
  bf__stored_experience *learnt = NULL;
  if (n_domains) *n_domains = 0;
  if (!store) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a repository is needed");
  if (!given) given = &defaults;
  how.exclude_domain = given->exclude_domain;
  how.measure = given->measure;
  how.metric = given->metric;
  how.positive = given->positive;
  bf_status status =
      bf__stored_experience_read(store, kind, &how, given->progress, given->progress_context, &learnt, err);
  if (status == BF_OK && n_domains) *n_domains = bf_experience_domain_count(bf__stored_experience_get(learnt));
  bf__stored_experience_free(learnt);
  return status;
}
