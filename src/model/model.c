/* Opening a model: its files, its card and its graph must agree before a row is run. */
#include "model/model_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- files ---- */

static const bf_model_file *find_file(const bf_model_file *files, size_t n_files, const char *name) {
  for (size_t i = 1; i < n_files; ++i)
    if (strcmp(files[i].name, name) == 0) return &files[i];
  return NULL;
}

/* The model's file and the external ones that it names: all that the worker gets. You own *out (free()). */
static bf_status choose_files(const bf_model_file *files, size_t n_files, bf_model_file **out, size_t *n_out,
                              bf_error *err) {
  bf_status status = BF_OK;
  char **names = NULL;
  size_t n_names = 0;
  bf_model_file *chosen = NULL;
  BF_TRY(bf_model_external_files(files[0].bytes, files[0].n_bytes, &names, &n_names, err));
  chosen = bf__alloc(n_names + 1, sizeof *chosen);
  if (chosen == NULL) {
    status = bf__error_memory(err, (n_names + 1) * sizeof *chosen);
    goto out;
  }
  chosen[0] = files[0];
  for (size_t i = 0; i < n_names; ++i) {
    const bf_model_file *file = find_file(files, n_files, names[i]);
    if (file == NULL) {
      status = bf__error(err, BF_ERR_NOT_FOUND, "the model's external file \"%.120s\" is missing", names[i]);
      goto out;
    }
    chosen[i + 1] = *file;
  }
  *out = chosen;
  *n_out = n_names + 1;
  chosen = NULL;
out:
  free(chosen);
  bf_model_names_free(names, n_names);
  return status;
}

/* ---- opening ---- */

/* Rows a run: fewer where rows are large, so that the memory of a run is bounded. */
static size_t step_of(const bf__signature *signature) {
  size_t row_bytes = 1;
  for (size_t i = 0; i < signature->n_inputs; ++i) {
    const bf__port *port = &signature->inputs[i];
    size_t n = bf__element_bytes(port->type);
    for (uint32_t d = 1; d < port->n_dims; ++d)
      if (port->dims[d] > 0 && !bf__mul(n, (size_t)port->dims[d], &n)) n = BF__MODEL_BATCH_BYTES;
    if (!bf__add(row_bytes, n, &row_bytes)) row_bytes = BF__MODEL_BATCH_BYTES;
  }
  size_t step = BF__MODEL_BATCH_BYTES / row_bytes;
  return step < 1 ? 1 : step > BF__MODEL_BATCH ? BF__MODEL_BATCH : step;
}

/* The first dimension of every input is the item. */
static bf_status choose_rows(bf_model *model, bf_error *err) {
  const bf__signature *signature = bf__session_signature(model->session);
  for (size_t i = 0; i < signature->n_inputs; ++i) {
    const bf__port *port = &signature->inputs[i];
    if (port->n_dims == 0 || port->dims[0] < 0) continue;
    if (port->dims[0] == 0 || port->dims[0] > 65536 || (model->fixed_rows != 0 && model->fixed_rows != port->dims[0]))
      return bf__error(err, BF_ERR_UNSUPPORTED, "input %.60s takes %lld rows at once: such a model cannot be fed",
                       port->name, (long long)port->dims[0]);
    model->fixed_rows = port->dims[0];
  }
  model->step = model->fixed_rows > 0 ? (size_t)model->fixed_rows : step_of(signature);
  return BF_OK;
}

bf_status bf_model_open(bf_workers *workers, const bf_card *card, const bf_model_file *files, size_t n_files,
                        bf_model **out, bf_error *err) {
  bf_status status = BF_OK;
  bf_model *model = NULL;
  bf_model_file *chosen = NULL;
  size_t n_chosen = 0;
  bf__error_clear(err);
  *out = NULL;
  if (n_files == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a model without a file");
  BF_TRY(bf__check_task(card, err));
  BF_TRY(choose_files(files, n_files, &chosen, &n_chosen, err));
  model = bf__alloc(1, sizeof *model);
  if (model == NULL) {
    status = bf__error_memory(err, sizeof *model);
    goto out;
  }
  BF_TRY(bf__session_open(workers, chosen, n_chosen, &model->session, err));
  BF_TRY(bf__choose_output(model, card, err));
  BF_TRY(bf__choose_classes(model, card, err));
  BF_TRY(choose_rows(model, err));
  BF_TRY(bf__featuriser_create(card, bf__session_signature(model->session), files, n_files, &model->featuriser, err));
  *out = model;
  model = NULL;
out:
  free(chosen);
  bf_model_close(model);
  return status;
}

void bf_model_close(bf_model *model) {
  if (model == NULL) return;
  bf__session_close(model->session);
  bf__featuriser_free(model->featuriser);
  free(model->classes);
  free(model->columns);
  free(model);
}

/* ---- what is known of it ---- */

static bf_model_port port_of(const bf__port *ports, size_t n, size_t i) {
  if (i >= n) return (bf_model_port){.name = NULL};
  return (bf_model_port){
      .name = ports[i].name,
      .type = ports[i].is_maps ? "sequence of maps" : bf__element_name(ports[i].type),
      .n_dims = ports[i].n_dims,
      .dims = ports[i].dims,
  };
}

size_t bf_model_input_count(const bf_model *model) {
  return bf__session_signature(model->session)->n_inputs;
}
bf_model_port bf_model_input(const bf_model *model, size_t i) {
  const bf__signature *signature = bf__session_signature(model->session);
  return port_of(signature->inputs, signature->n_inputs, i);
}
size_t bf_model_output_count(const bf_model *model) {
  return bf__session_signature(model->session)->n_outputs;
}
bf_model_port bf_model_output(const bf_model *model, size_t i) {
  const bf__signature *signature = bf__session_signature(model->session);
  return port_of(signature->outputs, signature->n_outputs, i);
}
bf_kind bf_model_kind(const bf_model *model) {
  return bf__featuriser_kind(model->featuriser);
}
bool bf_model_gives_logits(const bf_model *model) {
  return model->are_logits;
}
size_t bf_model_class_count(const bf_model *model) {
  return model->n_classes;
}
const char *bf_model_class(const bf_model *model, size_t i) {
  return i < model->n_classes && model->classes != NULL ? model->classes[i] : NULL;
}
