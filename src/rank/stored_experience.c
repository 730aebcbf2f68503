/* The experience of a repository: read from the store, decoded, and learnt from.
 *
 * Only latest versions take part, as models and as labelled domains, and only those whose sketch is of the target's
 * kind. What cannot be read or decoded is left out: a damaged record makes the experience smaller, not the search fail.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rank/rank_internal.h"

#define MAX_BYTES ((size_t)1 << 30) /* of outputs in memory; records beyond are left out */

struct bf__stored_experience {
  bf_store_list *list;
  size_t n_models;
  bf_experience_model *models;
  bf_sketch **sketches;
  bf_calibration **calibrations;
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
    s->calibrations[s->n_models] = bf__stored_calibration(stored);
    s->models[s->n_models] = (bf_experience_model){.id = stored->name,
                                                   .version = stored->version,
                                                   .domain = stored->domain,
                                                   .sketch = sketch,
                                                   .calibration = s->calibrations[s->n_models],
                                                   .source_accuracy = stored->source_accuracy};
    ++s->n_models;
  }
  return BF_OK;
}

static size_t find_model(const bf__stored_experience *s, const char *name, uint32_t version) {
  for (size_t i = 0; i < s->n_models; ++i)
    if (s->models[i].version == version && strcmp(s->models[i].id, name) == 0) return i;
  return SIZE_MAX;
}

static bf_status load_records(bf_store *store, bf__stored_experience *s, bf_error *err) {
  bf_status status = BF_OK;
  bf_store_experience_list *rows = NULL;
  size_t held = 0;
  BF_TRY(bf_store_read_experience(store, &rows, err));
  size_t n = bf_store_experience_count(rows);
  s->records = bf__alloc(n, sizeof *s->records);
  s->runs = bf__alloc(n, sizeof *s->runs);
  if (!s->records || !s->runs) BF_TRY(bf__error_memory(err, n * sizeof *s->runs));
  for (size_t i = 0; i < n && held < MAX_BYTES; ++i) {
    const bf_store_experience *row = bf_store_experience_at(rows, i);
    size_t model = find_model(s, row->model, row->version);
    size_t domain = find_model(s, row->domain_model, row->domain_version);
    if (model == SIZE_MAX || domain == SIZE_MAX || !row->outputs_sha256) continue;
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    bf__run *run = &s->runs[s->n_records];
    bf_status one = bf_store_read_blob(store, row->outputs_sha256, &bytes, &n_bytes, NULL);
    if (one == BF_OK) one = bf_outputs_decode(bytes, n_bytes, &run->outputs, &run->classes, &run->truth, NULL);
    free(bytes);
    if (one == BF_ERR_MEMORY) BF_TRY(bf__error_memory(err, n_bytes));
    if (one != BF_OK) continue;
    held += n_bytes;
    s->records[s->n_records++] = (bf_experience_record){.model = model,
                                                        .domain = domain,
                                                        .outputs = &run->outputs,
                                                        .classes = (const char *const *)run->classes,
                                                        .truth = run->truth};
  }
out:
  bf_store_experience_free(rows);
  return status;
}

bf_status bf__stored_experience_read(bf_store *store, bf_kind kind, const bf_experience_options *options,
                                     bf__stored_experience **out, bf_error *err) {
  bf_status status = BF_OK;
  *out = NULL;
  bf__stored_experience *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(err, sizeof *s);
  BF_TRY(bf_store_find(store, NULL, &s->list, err));
  BF_TRY(load_models(store, s, kind, err));
  BF_TRY(load_records(store, s, err));
  BF_TRY(bf_experience_create(s->models, s->n_models, s->records, s->n_records, options, &s->experience, err));
  *out = s;
  s = NULL;
out:
  bf__stored_experience_free(s);
  return status;
}
