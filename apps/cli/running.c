/* What `show` says of the parts that models are run with and learnt from: files, calibration, kept validation rows,
 * experience. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bf_status load_validation(bf_store *store, const bf_store_model *model, cli_running *out, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_sample *sample = NULL;
  bf_schema schema;
  if (model->validation_sha256 == NULL) return BF_OK;
  bf_status status = bf_store_read_blob(store, model->validation_sha256, &bytes, &n, err);
  if (status == BF_OK) status = bf_sample_decode(bytes, n, &sample, err);
  if (status == BF_OK) {
    bf_sample_schema(sample, &schema);
    out->validation_kind = bf_kind_name(schema.kind);
    out->validation_rows = bf_sample_batch(sample)->n_rows;
    out->validation_seen = bf_sample_rows_seen(sample);
    out->validation_bytes = n;
  }
  bf_sample_free(sample);
  free(bytes);
  return status;
}

static bool is_version(const char *name, uint32_t version, const bf_store_model *model) {
  return version == model->version && strcmp(name, model->name) == 0;
}

static bf_status load_experience(bf_store *store, const bf_store_model *model, cli_running *out, bf_error *err) {
  bf_store_experience_list *list = NULL;
  bf_status status = bf_store_read_experience(store, &list, err);
  for (size_t i = 0; i < bf_store_experience_count(list); i++) {
    const bf_store_experience *row = bf_store_experience_at(list, i);
    out->n_as_model += is_version(row->model, row->version, model);
    out->n_as_domain += is_version(row->domain_model, row->domain_version, model);
  }
  bf_store_experience_free(list);
  return status;
}

bf_status cli_running_load(bf_store *store, const bf_store_model *model, cli_running *out, bf_error *err) {
  *out = (cli_running){.model = model};
  if (model->calibration != NULL) out->calibration = json_loads(model->calibration, JSON_REJECT_DUPLICATES, NULL);
  bf_status status = load_validation(store, model, out, err);
  return status == BF_OK ? load_experience(store, model, out, err) : status;
}

void cli_running_deinit(cli_running *running) {
  json_decref(running->calibration);
  running->calibration = NULL;
}

/* A number of the calibration; NaN where it has none. */
static double number_of(const cli_running *r, const char *key) {
  const json_t *value = json_object_get(r->calibration, key);
  return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static void print_calibration(const cli_running *r) {
  static const struct {
    const char *key, *words;
  } SHOWN[] = {{"accuracy", "accuracy"}, {"macro_f1", "macro-F1"}, {"temperature", "temperature"}};
  if (r->model->calibration == NULL) return;
  printf("%-10s", "calibrated");
  if (!json_is_object(r->calibration)) {
    printf(" not readable: add the model again\n");
    return;
  }
  for (size_t i = 0; i < sizeof SHOWN / sizeof *SHOWN; i++) {
    double value = number_of(r, SHOWN[i].key);
    if (isfinite(value)) printf(" %s %.4g,", SHOWN[i].words, value);
  }
  double n = number_of(r, "items");
  if (!isfinite(n)) n = number_of(r, "n_items");
  if (isfinite(n))
    printf(" on %.0f items\n", n);
  else
    printf(" on its validation data\n");
}

void cli_print_running(const cli_running *r) {
  char size[24];
  for (size_t i = 0; i < r->model->n_files; i++) {
    const bf_store_file *file = &r->model->files[i];
    cli_format_bytes((double)file->n_bytes, size);
    printf("%-10s %s, %s, sha256 %s\n", "with file", file->name, size, file->sha256);
  }
  print_calibration(r);
  if (r->model->validation_sha256 != NULL) {
    cli_format_bytes((double)r->validation_bytes, size);
    printf("%-10s %" PRIu32 " of %" PRIu64 " rows kept (%s, %s)\n", "validation", r->validation_rows,
           r->validation_seen, r->validation_kind, size);
  }
  if (r->n_as_model + r->n_as_domain > 0)
    printf("%-10s ran on the rows of %zu version%s; %zu ran on its rows\n", "experience", r->n_as_model,
           r->n_as_model == 1 ? "" : "s", r->n_as_domain);
}

void cli_json_running(json_t *value, const cli_running *r) {
  json_t *files = json_array();
  for (size_t i = 0; i < r->model->n_files; i++) {
    json_t *file = cli_json_hash(r->model->files[i].sha256, r->model->files[i].n_bytes);
    json_object_set_new(file, "name", cli_json_text(r->model->files[i].name));
    json_array_append_new(files, file);
  }
  json_object_set_new(value, "files", files);
  json_object_set(value, "calibration", r->calibration != NULL ? r->calibration : json_null());
  json_t *validation = json_null();
  if (r->model->validation_sha256 != NULL) {
    validation = cli_json_hash(r->model->validation_sha256, r->validation_bytes);
    json_object_set_new(validation, "kind", cli_json_text(r->validation_kind));
    json_object_set_new(validation, "rows", json_integer(r->validation_rows));
    json_object_set_new(validation, "rows_seen", json_integer((json_int_t)r->validation_seen));
  }
  json_object_set_new(value, "validation", validation);
  json_t *experience = json_object();
  json_object_set_new(experience, "as_model", json_integer((json_int_t)r->n_as_model));
  json_object_set_new(experience, "as_domain", json_integer((json_int_t)r->n_as_domain));
  json_object_set_new(value, "experience", experience);
}
