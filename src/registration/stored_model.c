#include "registration/stored_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

void bf__stored_model_deinit(bf__stored_model *model) {
  bf_card_free(model->card);
  for (size_t i = 0; i < model->n_files; i++) free((void *)model->files[i].bytes);
  free(model->files);
  *model = (bf__stored_model){0};
}

static bf_status read_file(bf_store *store, const char *name, const char *sha256, bf__stored_model *model,
                           bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_status status = bf_store_read_blob(store, sha256, &bytes, &n_bytes, err);
  if (status == BF_OK) model->files[model->n_files++] = (bf_model_file){name, bytes, n_bytes};
  return status;
}

bf_status bf__stored_model_read(bf_store *store, const bf_store_model *stored, bf__stored_model *out, bf_error *err) {
  bf_status status = BF_OK;
  uint8_t *card = NULL;
  size_t card_bytes = 0;
  *out = (bf__stored_model){0};
  out->files = bf__alloc(stored->n_files + 1, sizeof *out->files);
  if (!out->files) return bf__error_memory(err, (stored->n_files + 1) * sizeof *out->files);
  BF_TRY(bf_store_read_blob(store, stored->card_sha256, &card, &card_bytes, err));
  BF_TRY(bf_card_parse((const char *)card, card_bytes, &out->card, err));
  BF_TRY(read_file(store, "model.onnx", stored->model_sha256, out, err));
  for (size_t i = 0; i < stored->n_files; i++)
    BF_TRY(read_file(store, stored->files[i].name, stored->files[i].sha256, out, err));
out:
  free(card);
  if (status != BF_OK) bf__stored_model_deinit(out);
  return status;
}

bf_status bf_open_stored_model(bf_store *store, const bf_store_model *stored, bf_workers *workers, bf_model **out,
                               bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the model");
  *out = NULL;
  if (!store || !stored || !workers) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a repository, a version of it and workers are needed");
  }
  bf__stored_model model = {0};
  bf_status status = bf__stored_model_read(store, stored, &model, err);
  if (status == BF_OK) status = bf_model_open(workers, model.card, model.files, model.n_files, out, err);
  bf__stored_model_deinit(&model);
  return status;
}

/* ---- running ---- */

void bf__run_deinit(bf__run *run) {
  for (size_t i = 0; run->classes && i < run->outputs.n_classes; i++) free(run->classes[i]);
  free(run->classes);
  free(run->truth);
  bf_outputs_deinit(&run->outputs);
  *run = (bf__run){0};
}

/* Rows [first, first + n) of a batch. */
static bf_batch slice(const bf_batch *batch, uint32_t first, uint32_t n) {
  bf_batch part = *batch;
  part.first_row = batch->first_row + first;
  part.n_rows = n;
  if (batch->cells) part.cells = batch->cells + (size_t)first * batch->n_columns;
  if (batch->images) part.images = batch->images + first;
  if (batch->labels) part.labels = batch->labels + first;
  if (batch->texts) part.texts = batch->texts + first;
  if (batch->pairs) part.pairs = batch->pairs + first;
  if (batch->sentences) part.sentences = batch->sentences + first;
  if (batch->strings) part.strings = batch->strings + (size_t)first * batch->n_string_columns;
  return part;
}

static bf_status copy_classes(const bf_model *model, bf__run *run, bf_error *err) {
  size_t n = run->outputs.n_classes;
  run->classes = bf__alloc(n, sizeof *run->classes);
  if (!run->classes) return bf__error_memory(err, n * sizeof *run->classes);
  for (size_t i = 0; i < n; i++) {
    run->classes[i] = bf__strdup(bf_model_class(model, i));
    if (!run->classes[i]) return bf__error_memory(err, 64);
  }
  return BF_OK;
}

bf_status bf__run_batch(bf_model *model, const bf_schema *schema, const bf_batch *batch, bool with_truth,
                        uint32_t chunk, bool (*go_on)(void *context), void *context, bf__run *out, bf_error *err) {
  bf_status status = BF_OK;
  *out = (bf__run){0};
  if (chunk == 0) chunk = batch->n_rows;
  for (uint32_t first = 0; first < batch->n_rows; first += chunk) {
    uint32_t left = batch->n_rows - first;
    bf_batch part = slice(batch, first, left < chunk ? left : chunk);
    if (go_on && !go_on(context)) {
      status = bf__error(err, BF_ERR_CANCELLED, "stopped after %u of %u rows", first, batch->n_rows);
      goto out;
    }
    BF_TRY(bf_model_run(model, schema, &part, &out->outputs, err));
  }
  BF_TRY(copy_classes(model, out, err));
  if (with_truth) {
    size_t n = 0;
    BF_TRY(bf_model_truth(model, schema, batch, 0, &out->truth, &n, err));
    if (n != out->outputs.n_items) {
      status = bf__error(err, BF_ERR_INTERNAL, "%zu labels for %zu items", n, out->outputs.n_items);
    }
  }
out:
  if (status != BF_OK) bf__run_deinit(out);
  return status;
}
