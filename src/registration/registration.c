/* Registration: calibration, and experience in both directions.
 *
 * The experience of a repository is the table (model, labelled domain) of what models did on rows whose labels are
 * known; from it the ranking learns later how far outputs and similarities can be trusted. A new model adds a row (it
 * runs on every kept sample) and, with validation rows of its own, a column (every stored model runs on them). A pair
 * that cannot be run (other kind, missing column, no class in common) is no failure of the registration: it is named
 * and left out.
 */
#include <bestfit/registration.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "registration/stored_model.h"

struct bf_registration {
  const bf_model_file *files; /* the caller's */
  size_t n_files;
  bf_store_file *store_files;
  bf_calibration *calibration;
  char *calibration_json;
  uint8_t *validation; /* encoded; NULL: not kept */
  size_t validation_bytes;
  bf_store_experience *experience;
  size_t n_experience, capacity;
  bf_store_list *list; /* names of the experience */
};

void bf_registration_free(bf_registration *r) {
  if (!r) return;
  for (size_t i = 0; i < r->n_experience; i++) free((void *)r->experience[i].outputs);
  free(r->experience);
  free(r->store_files);
  bf_calibration_free(r->calibration);
  free(r->calibration_json);
  free(r->validation);
  bf_store_list_free(r->list);
  free(r);
}

const bf_calibration *bf_registration_calibration(const bf_registration *r) {
  return r ? r->calibration : NULL;
}

size_t bf_registration_experience_count(const bf_registration *r) {
  return r ? r->n_experience : 0;
}

void bf_registration_fill(const bf_registration *r, bf_store_entry *entry) {
  entry->files = r->store_files;
  entry->n_files = r->n_files > 0 ? r->n_files - 1 : 0;
  entry->calibration = r->calibration_json;
  entry->validation = r->validation;
  entry->validation_bytes = r->validation_bytes;
  entry->experience = r->experience;
  entry->n_experience = r->n_experience;
}

/* ---- experience ---- */

typedef struct pairing {
  bf_registration *r;
  bf_store *store;
  bf_workers *workers;
  const bf_registration_options *options;
  const bf_sample *validation;
  bf_kind kind;
  uint64_t done, total;
} pairing;

static void notice(const pairing *p, const char *about, const bf_store_model *with, const bf_error *cause) {
  char line[512];
  if (!p->options->notice) return;
  snprintf(line, sizeof line, "%s%s@%u: %s", about, with->name, with->version, cause->message);
  p->options->notice(p->options->context, line);
}

/* One row of experience from a run; both sides NULL where they are the version that is being added. */
static bf_status keep(bf_registration *r, const bf__run *run, const bf_store_model *model, const bf_store_model *domain,
                      bf_error *err) {
  bf_status status = BF_OK;
  bf_calibration *fit = NULL;
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  if (r->n_experience == r->capacity) {
    size_t capacity = r->capacity ? 2 * r->capacity : 16;
    bf_store_experience *grown = bf__realloc(r->experience, capacity, sizeof *grown);
    if (!grown) return bf__error_memory(err, capacity * sizeof *grown);
    r->experience = grown;
    r->capacity = capacity;
  }
  const char *const *classes = (const char *const *)run->classes;
  BF_TRY(bf_calibration_fit(&run->outputs, classes, run->truth, &fit, err));
  BF_TRY(bf_outputs_encode(&run->outputs, classes, run->truth, &bytes, &n_bytes, err));
  r->experience[r->n_experience++] = (bf_store_experience){.model = model ? model->name : NULL,
                                                           .version = model ? model->version : 0,
                                                           .domain_model = domain ? domain->name : NULL,
                                                           .domain_version = domain ? domain->version : 0,
                                                           .n_items = fit->n_items,
                                                           .accuracy = fit->accuracy,
                                                           .macro_f1 = fit->macro_f1,
                                                           .outputs = bytes,
                                                           .outputs_bytes = n_bytes};
  bytes = NULL;
out:
  free(bytes);
  bf_calibration_free(fit);
  return status;
}

/* Whether a pair that failed is left out, not an end of everything. */
static bool is_about_the_pair(bf_status status) {
  return status != BF_OK && status != BF_ERR_MEMORY && status != BF_ERR_CANCELLED && status != BF_ERR_INTERNAL;
}

static bool has_any_truth(const bf__run *run) {
  for (size_t i = 0; i < run->outputs.n_items; i++)
    if (run->truth[i] >= 0) return true;
  return false;
}

static bf_status run_sample(bf_model *model, const bf_sample *sample, bf__run *run, bf_error *err) {
  bf_schema schema;
  bf_sample_schema(sample, &schema);
  if (schema.kind != bf_model_kind(model)) {
    return bf__error(err, BF_ERR_MISMATCH, "the rows are of kind %s, the model takes %s", bf_kind_name(schema.kind),
                     bf_kind_name(bf_model_kind(model)));
  }
  bf_status status = bf__run_batch(model, &schema, bf_sample_batch(sample), true, 0, NULL, NULL, run, err);
  if (status == BF_OK && !has_any_truth(run)) {
    status =
        bf__error(err, BF_ERR_MISMATCH,
                  "no row's label is a class of the model (labels such as '%.40s', classes "
                  "such as '%.40s')",
                  schema.n_labels ? schema.label_names[0] : "none", run->outputs.n_classes ? run->classes[0] : "none");
    bf__run_deinit(run);
  }
  return status;
}

/* A stored model on the new validation rows. */
static bf_status run_stored(pairing *p, const bf_store_model *stored, bf_error *err) {
  bf_model *model = NULL;
  bf__run run = {0};
  bf_status status = bf_open_stored_model(p->store, stored, p->workers, &model, err);
  if (status == BF_OK) status = run_sample(model, p->validation, &run, err);
  if (status == BF_OK) status = keep(p->r, &run, stored, NULL, err);
  bf__run_deinit(&run);
  bf_model_close(model);
  return status;
}

/* The new model on a sample that the repository keeps. */
static bf_status run_on_kept(pairing *p, bf_model *model, const bf_store_model *stored, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_sample *sample = NULL;
  bf__run run = {0};
  bf_status status = bf_store_read_blob(p->store, stored->validation_sha256, &bytes, &n_bytes, err);
  if (status == BF_OK) status = bf_sample_decode(bytes, n_bytes, &sample, err);
  if (status == BF_OK) status = run_sample(model, sample, &run, err);
  if (status == BF_OK) status = keep(p->r, &run, NULL, stored, err);
  bf__run_deinit(&run);
  bf_sample_free(sample);
  free(bytes);
  return status;
}

static bf_status step(pairing *p, bf_error *err) {
  p->done++;
  if (!p->options->progress || p->options->progress(p->options->context, "models", p->done, p->total)) return BF_OK;
  return bf__error(err, BF_ERR_CANCELLED, "stopped while the experience was gathered; nothing was added");
}

/* Runs over the latest versions of the repository, in one direction. */
static bf_status pair_all(pairing *p, bf_model *model, bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; i < bf_store_list_count(p->r->list) && status == BF_OK; i++) {
    const bf_store_model *stored = bf_store_list_at(p->r->list, i);
    bf_error cause = {.position = -1};
    if (stored->kind && strcmp(stored->kind, bf_kind_name(p->kind)) != 0) continue;
    if (model && !stored->validation_sha256) continue;
    bf_status one = model ? run_on_kept(p, model, stored, &cause) : run_stored(p, stored, &cause);
    if (is_about_the_pair(one)) {
      notice(p, model ? "no experience on the rows of " : "no experience of ", stored, &cause);
      one = BF_OK;
    }
    if (one != BF_OK && err) *err = cause;
    status = one == BF_OK ? step(p, err) : one;
  }
  return status;
}

static void count_pairs(pairing *p) {
  for (size_t i = 0; i < bf_store_list_count(p->r->list); i++) {
    const bf_store_model *stored = bf_store_list_at(p->r->list, i);
    if (stored->kind && strcmp(stored->kind, bf_kind_name(p->kind)) != 0) continue;
    p->total += (stored->validation_sha256 != NULL) + (p->validation != NULL);
  }
}

/* ---- the model itself ---- */

static bf_status calibrate(bf_registration *r, bf_model *model, const bf_sample *validation, bool keep_rows,
                           bf_error *err) {
  bf_status status = BF_OK;
  bf__run run = {0};
  if (!bf_sample_batch(validation)->labels && !bf_sample_batch(validation)->sentences) {
    return bf__error(err, BF_ERR_MISMATCH, "the validation rows have no labels: name the column or file with --label");
  }
  BF_TRY(run_sample(model, validation, &run, err));
  BF_TRY(bf_calibration_fit(&run.outputs, (const char *const *)run.classes, run.truth, &r->calibration, err));
  BF_TRY(bf_calibration_encode(r->calibration, &r->calibration_json, err));
  BF_TRY(keep(r, &run, NULL, NULL, err));
  if (keep_rows) BF_TRY(bf_sample_encode(validation, &r->validation, &r->validation_bytes, err));
out:
  bf__run_deinit(&run);
  return status;
}

static bf_status try_rows(bf_model *model, const bf_schema *schema, const bf_batch *batch, bf_error *err) {
  bf_outputs outputs = BF_OUTPUTS_INIT;
  bf_status status = bf_model_run(model, schema, batch, &outputs, err);
  bf_outputs_deinit(&outputs);
  return status;
}

static bf_status take_files(bf_registration *r, const bf_model_file *files, size_t n_files, bf_error *err) {
  r->files = files;
  r->n_files = n_files;
  r->store_files = bf__alloc(n_files, sizeof *r->store_files);
  if (!r->store_files) return bf__error_memory(err, n_files * sizeof *r->store_files);
  for (size_t i = 1; i < n_files; i++)
    r->store_files[i - 1] =
        (bf_store_file){.name = files[i].name, .bytes = files[i].bytes, .n_bytes = files[i].n_bytes};
  return BF_OK;
}

bf_status bf_registration_make(bf_store *store, bf_workers *workers, const bf_card *card, const bf_model_file *files,
                               size_t n_files, const bf_sample *validation, const bf_schema *trial_schema,
                               const bf_batch *trial, const bf_registration_options *options, bf_registration **out,
                               bf_error *err) {
  static const bf_registration_options defaults = BF_REGISTRATION_OPTIONS_INIT;
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the registration");
  *out = NULL;
  if (!workers || !card || !files || n_files == 0) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "workers, a card and a model file are needed");
  }
  if (!options) options = &defaults;
  bf_status status = BF_OK;
  bf_model *model = NULL;
  bf_registration *r = bf__alloc(1, sizeof *r);
  if (!r) return bf__error_memory(err, sizeof *r);
  pairing p = {.r = r, .store = store, .workers = workers, .options = options, .validation = validation};
  BF_TRY(take_files(r, files, n_files, err));
  BF_TRY(bf_model_open(workers, card, files, n_files, &model, err));
  p.kind = bf_model_kind(model);
  if (validation) BF_TRY(calibrate(r, model, validation, options->keep_validation, err));
  if (!validation && trial && trial_schema) BF_TRY(try_rows(model, trial_schema, trial, err));
  if (store && !options->no_experience) {
    BF_TRY(bf_store_find(store, NULL, &r->list, err));
    count_pairs(&p);
    BF_TRY(pair_all(&p, model, err));
    bf_model_close(model); /* its worker is free for the others */
    model = NULL;
    if (validation) BF_TRY(pair_all(&p, NULL, err));
  }
  *out = r;
  r = NULL;
out:
  bf_model_close(model);
  bf_registration_free(r);
  return status;
}
