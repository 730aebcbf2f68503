/* What models are run with and learnt from: further files, calibration, a kept sample of validation rows, and the
 * experience that versions have with each other's rows. All of it is bytes here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/parse.h"
#include "store/store_internal.h"

#define DETAIL_ROWS 8 /* rows that an audit line names */

/* ------------------------------------------------------------------ what may be stored */

static bool is_share(double x) {
  return isnan(x) || (x >= 0 && x <= 1);
}

static bf_status check_experience(const bf_store_experience *rows, size_t n, bool adding, bf_error *err) {
  const char *wrong = NULL;
  if (n > 0 && rows == NULL) wrong = "a number of experience without any";
  for (size_t i = 0; wrong == NULL && i < n; ++i) {
    const bf_store_experience *r = &rows[i];
    if (!adding && (r->model == NULL || r->domain_model == NULL))
      wrong = "experience without a model";
    else if (adding && r->model != NULL && r->domain_model != NULL)
      wrong = "experience that has nothing to do with the version that is added";
    else if ((r->model != NULL && r->version == 0) || (r->domain_model != NULL && r->domain_version == 0))
      wrong = "experience of version 0";
    else if (!is_share(r->accuracy) || !is_share(r->macro_f1))
      wrong = "an accuracy or macro-F1 that is not between 0 and 1";
    else if (r->n_items > INT64_MAX)
      wrong = "more items than can be counted";
    else if (r->outputs == NULL && r->outputs_bytes > 0)
      wrong = "a size of outputs without any";
  }
  return wrong == NULL ? BF_OK : bf__error(err, BF_ERR_INVALID_ARGUMENT, "cannot store %s", wrong);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bf_status check_files(const bf_store_entry *entry, bf_error *err) {
  bf_status status = BF_OK;
  const char **names = NULL;
  size_t n = entry->n_files;
  if (n == 0) return BF_OK;
  if (entry->files == NULL) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a number of files without any");
  if (n > BF__FILES_MAX)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%.120s has %zu files; at most %d can be stored", entry->name, n,
                     BF__FILES_MAX);
  names = bf__alloc(n, sizeof *names);
  if (names == NULL) return bf__error_memory(err, n * sizeof *names);
  for (size_t i = 0; i < n; ++i) {
    names[i] = entry->files[i].name;
    BF_TRY(bf__check_file_name(names[i], err));
    if (entry->files[i].bytes == NULL)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "file %.200s has no content", names[i]));
  }
  qsort(names, n, sizeof *names, compare_names);
  for (size_t i = 1; i < n; ++i)
    if (strcmp(names[i], names[i - 1]) == 0)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "file %.200s is given twice", names[i]));
out:
  free(names);
  return status;
}

bf_status bf__store_check_parts(const bf_store_entry *entry, bf_error *err) {
  if (entry->calibration != NULL) {
    size_t n = strlen(entry->calibration);
    if (n > BF__CALIBRATION_MAX || bf__utf8_check(entry->calibration, n) != n)
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the calibration of %.120s is no JSON of at most 8 MiB",
                       entry->name);
  }
  if (entry->validation == NULL && entry->validation_bytes > 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a size of the validation sample of %.120s without one",
                     entry->name);
  bf_status status = check_files(entry, err);
  return status == BF_OK ? check_experience(entry->experience, entry->n_experience, true, err) : status;
}

/* ------------------------------------------------------------------ blobs */

bf_status bf__version_blobs_init(const bf_store_entry *entry, bf__version_blobs *out, bf_error *err) {
  *out = (bf__version_blobs){0};
  out->files = bf__alloc(entry->n_files, sizeof *out->files);
  out->outputs = bf__alloc(entry->n_experience, sizeof *out->outputs);
  if (out->files == NULL || out->outputs == NULL) {
    bf__version_blobs_deinit(out);
    return bf__error_memory(err, (entry->n_files + entry->n_experience) * sizeof *out->files);
  }
  out->n_files = entry->n_files;
  out->n_outputs = entry->n_experience;
  return BF_OK;
}

void bf__version_blobs_deinit(bf__version_blobs *blobs) {
  free(blobs->files);
  free(blobs->outputs);
  *blobs = (bf__version_blobs){0};
}

static bf_status put_missing(bf_store *store, const char *what, const uint8_t *bytes, size_t n, bf__blob *blob,
                             bf_error *err) {
  if (bytes == NULL || bf__blobs_has(store->blobs, blob->sha256, blob->bytes)) return BF_OK;
  return bf__blobs_put_bytes(store->blobs, what, bytes, n, blob, err);
}

static bf_status put_outputs(bf_store *store, const bf_store_experience *rows, size_t n, bf__blob *blobs,
                             bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; status == BF_OK && i < n; ++i)
    status = put_missing(store, "outputs", rows[i].outputs, rows[i].outputs_bytes, &blobs[i], err);
  return status;
}

bf_status bf__store_put_parts(bf_store *store, const bf_store_entry *entry, bf__version_blobs *blobs, bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; i < entry->n_files; ++i)
    BF_TRY(put_missing(store, entry->files[i].name, entry->files[i].bytes, entry->files[i].n_bytes, &blobs->files[i],
                       err));
  BF_TRY(put_missing(store, "validation sample", entry->validation, entry->validation_bytes, &blobs->validation, err));
  BF_TRY(put_outputs(store, entry->experience, entry->n_experience, blobs->outputs, err));
out:
  return status;
}

/* ------------------------------------------------------------------ writing experience */

static bf_status resolve(bf_store *store, const char *name, uint32_t number, const bf__version *self, int64_t *out,
                         bf_error *err) {
  bf__selector which = {.version = number};
  bf__version version;
  *out = self->id;
  if (name == NULL) return BF_OK;
  bf_status status = bf__check_name(name, err);
  if (status != BF_OK) return status;
  memcpy(which.name, name, strlen(name) + 1);
  status = bf__store_find_version(store, &which, &version, err);
  *out = version.id;
  return status;
}

/* "12 rows: lab/a@1 on lab/b@2, …" */
static void say_rows(bf__writer *w, const bf_store_experience *rows, size_t n, const char *self, uint32_t number) {
  char text[2 * BF__NAME_MAX + 64];
  snprintf(text, sizeof text, "%zu row%s:", n, n == 1 ? "" : "s");
  bf__write(w, text, strlen(text));
  for (size_t i = 0; i < n && i < DETAIL_ROWS; ++i) {
    const bf_store_experience *r = &rows[i];
    snprintf(text, sizeof text, "%s %s@%u on %s@%u", i == 0 ? "" : ",", r->model != NULL ? r->model : self,
             r->model != NULL ? r->version : number, r->domain_model != NULL ? r->domain_model : self,
             r->domain_model != NULL ? r->domain_version : number);
    bf__write(w, text, strlen(text));
  }
  if (n > DETAIL_ROWS) bf__write(w, ", …", strlen(", …"));
  bf__write_u8(w, 0);
}

static bool all_alike(const bf_store_experience *rows, size_t n, bool of_domain) {
  for (size_t i = 1; i < n; ++i) {
    const char *a = of_domain ? rows[0].domain_model : rows[0].model;
    const char *b = of_domain ? rows[i].domain_model : rows[i].model;
    uint32_t v = of_domain ? rows[0].domain_version : rows[0].version;
    uint32_t u = of_domain ? rows[i].domain_version : rows[i].version;
    if (v != u || strcmp(a, b) != 0) return false;
  }
  return true;
}

bf_status bf__store_write_experience(bf_store *store, const bf_store_experience *rows, size_t n,
                                     const bf__blob *outputs, const char *self, const bf__version *version,
                                     const char *time, bf_error *err) {
  bf_status status = BF_OK;
  bf__writer detail = {0};
  bf__act act = {.time = time, .who = store->who, .action = "experience"};
  const char *name = self;
  uint32_t number = version->number;
  if (n == 0) return BF_OK;
  for (size_t i = 0; i < n; ++i) {
    int64_t model = 0;
    int64_t domain = 0;
    BF_TRY(resolve(store, rows[i].model, rows[i].version, version, &model, err));
    BF_TRY(resolve(store, rows[i].domain_model, rows[i].domain_version, version, &domain, err));
    BF_TRY(bf__db_set_experience(store->db, model, domain, &rows[i], &outputs[i], err));
  }
  if (self == NULL) { /* the log names the version that all rows are of; "": there is none */
    bool models = all_alike(rows, n, false);
    bool domains = all_alike(rows, n, true);
    name = models ? rows[0].model : domains ? rows[0].domain_model : "";
    number = models ? rows[0].version : domains ? rows[0].domain_version : 0;
  }
  say_rows(&detail, rows, n, self, version->number);
  if (detail.failed) {
    status = bf__error_memory(err, detail.size);
    goto out;
  }
  BF_TRY(bf__db_audit(store->db, &act, name, number, (const char *)detail.data, err));
out:
  bf__writer_deinit(&detail);
  return status;
}

bf_status bf_store_add_experience(bf_store *store, const bf_store_experience *rows, size_t n_rows, bf_error *err) {
  bf_status status = BF_OK;
  bf__version_blobs blobs = {0};
  bf__version none = {0};
  char now[BF__TIME_BYTES];
  bf_store_entry entry = BF_STORE_ENTRY_INIT;
  bf__error_clear(err);
  bf__store_time(now);
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(check_experience(rows, n_rows, false, err));
  if (n_rows == 0) return BF_OK;
  entry.n_experience = n_rows;
  BF_TRY(bf__version_blobs_init(&entry, &blobs, err));
  BF_TRY(put_outputs(store, rows, n_rows, blobs.outputs, err));
  BF_TRY(bf__db_begin(store->db, err));
  BF_TRY(put_outputs(store, rows, n_rows, blobs.outputs, err)); /* what was collected meanwhile */
  BF_TRY(bf__store_write_experience(store, rows, n_rows, blobs.outputs, NULL, &none, now, err));
  BF_TRY(bf__db_commit(store->db, err));
out:
  if (status != BF_OK) {
    bf__db_rollback(store->db);
    bf__store_discard(store, &blobs);
  }
  bf__version_blobs_deinit(&blobs);
  return status;
}

/* ------------------------------------------------------------------ reading experience */

struct bf_store_experience_list {
  bf_store_experience *items; /* all strings of an item lie in one block, which starts at its model */
  size_t n, capacity;
};

static bf_status append(void *context, const bf_store_experience *row, bf_error *err) {
  bf_store_experience_list *list = context;
  if (list->n == list->capacity) {
    size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
    bf_store_experience *grown = bf__realloc(list->items, capacity, sizeof *grown);
    if (grown == NULL) return bf__error_memory(err, capacity * sizeof *grown);
    list->items = grown;
    list->capacity = capacity;
  }
  size_t model = strlen(row->model) + 1;
  size_t domain = strlen(row->domain_model) + 1;
  size_t hash = row->outputs_sha256 != NULL ? strlen(row->outputs_sha256) + 1 : 0;
  char *text = bf__alloc(model + domain + hash, 1);
  if (text == NULL) return bf__error_memory(err, model + domain + hash);
  bf_store_experience *copy = &list->items[list->n++];
  *copy = *row;
  copy->model = memcpy(text, row->model, model);
  copy->domain_model = memcpy(text + model, row->domain_model, domain);
  if (hash > 0) copy->outputs_sha256 = memcpy(text + model + domain, row->outputs_sha256, hash);
  return BF_OK;
}

bf_status bf_store_read_experience(bf_store *store, bf_store_experience_list **out, bf_error *err) {
  bf__error_clear(err);
  *out = NULL;
  bf_store_experience_list *list = bf__alloc(1, sizeof *list);
  if (list == NULL) return bf__error_memory(err, sizeof *list);
  bf_status status = bf__db_each_experience(store->db, append, list, err);
  if (status == BF_OK)
    *out = list;
  else
    bf_store_experience_free(list);
  return status;
}

size_t bf_store_experience_count(const bf_store_experience_list *list) {
  return list == NULL ? 0 : list->n;
}
const bf_store_experience *bf_store_experience_at(const bf_store_experience_list *list, size_t i) {
  return list != NULL && i < list->n ? &list->items[i] : NULL;
}

void bf_store_experience_free(bf_store_experience_list *list) {
  if (list == NULL) return;
  for (size_t i = 0; i < list->n; ++i) free((char *)list->items[i].model);
  free(list->items);
  free(list);
}
