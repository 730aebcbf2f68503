/* What a graph's outputs mean: which of them are the scores, whether they are logits, and of which classes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/model_run.h"

bf_status bf__check_task(const bf_card *card, bf_error *err) {
  static const char *const run[] = {"classification", "tagging", "matching"};
  const char *task = bf_card_task(card);
  for (size_t i = 0; i < sizeof run / sizeof *run; ++i)
    if (strcmp(task, run[i]) == 0) return BF_OK;
  return bf__error(err, BF_ERR_UNSUPPORTED,
                   "the card says the task is %s: only models that give one of several classes are run "
                   "(classification, tagging, matching)",
                   task);
}

/* ---- which output ---- */

static bool gives_scores(const bf__port *port) {
  return port->is_maps || port->type == BF__ELEMENT_FLOAT32 || port->type == BF__ELEMENT_FLOAT64 ||
         port->type == BF__ELEMENT_FLOAT16;
}

/* "label (int64), scores (float32)" */
static const char *list_outputs(const bf__signature *signature, char *out, size_t capacity) {
  size_t used = 0;
  out[0] = 0;
  for (size_t i = 0; i < signature->n_outputs && used < capacity; ++i) {
    const bf__port *port = &signature->outputs[i];
    int n = snprintf(out + used, capacity - used, "%s%.40s (%s)", i > 0 ? ", " : "", port->name,
                     port->is_maps ? "sequence of maps" : bf__element_name(port->type));
    used += n > 0 ? (size_t)n : 0;
  }
  return out;
}

/* Names that exporters give to the scores, best first. */
static const char *const USUAL[] = {"logits", "probabilities", "output_probability", "probability", "scores"};

static bool find_usual(const bf__signature *signature, size_t *out) {
  for (size_t k = 0; k < sizeof USUAL / sizeof *USUAL; ++k)
    for (size_t i = 0; i < signature->n_outputs; ++i)
      if (gives_scores(&signature->outputs[i]) && strcmp(signature->outputs[i].name, USUAL[k]) == 0) {
        *out = i;
        return true;
      }
  return false;
}

static bf_status choose_port(const bf__signature *signature, const char *named, size_t *out, bf_error *err) {
  char list[160];
  size_t n = 0;
  if (named != NULL) {
    for (size_t i = 0; i < signature->n_outputs; ++i)
      if (strcmp(signature->outputs[i].name, named) == 0) {
        *out = i;
        return BF_OK;
      }
    return bf__error(err, BF_ERR_MISMATCH, "the card's output %.40s is none of the model's: %s", named,
                     list_outputs(signature, list, sizeof list));
  }
  for (size_t i = 0; i < signature->n_outputs; ++i)
    if (gives_scores(&signature->outputs[i])) {
      *out = i;
      ++n;
    }
  if (n == 1 || (n > 1 && find_usual(signature, out))) return BF_OK;
  if (n == 0)
    return bf__error(err, BF_ERR_UNSUPPORTED, "none of its outputs is a score per class: %s",
                     list_outputs(signature, list, sizeof list));
  return bf__error(err, BF_ERR_MISMATCH, "which output is the score? Name it in the card's output.name: %s",
                   list_outputs(signature, list, sizeof list));
}

/* The kind where it is said: by the card, by maps (scikit-learn's probabilities), by the output's name. */
static bf_status choose_kind(bf_model *model, const char *kind, const bf__port *port, bf_error *err) {
  model->are_logits = true;
  model->knows_kind = true;
  if (kind != NULL) {
    model->are_logits = strcmp(kind, "logits") == 0;
    if (!model->are_logits && strcmp(kind, "probabilities") != 0)
      return bf__error(err, BF_ERR_MISMATCH, "the card's output.kind %.40s is neither logits nor probabilities", kind);
  } else if (port->is_maps || strstr(port->name, "probabilit") != NULL) {
    model->are_logits = false;
  } else {
    model->knows_kind = strstr(port->name, "logit") != NULL;
  }
  return BF_OK;
}

bf_status bf__choose_output(bf_model *model, const bf_card *card, bf_error *err) {
  bf_status status = BF_OK;
  const bf__signature *signature = bf__session_signature(model->session);
  BF_TRY(choose_port(signature, bf_card_output_name(card), &model->output, err));
  const bf__port *port = &signature->outputs[model->output];
  if (!gives_scores(port)) {
    status = bf__error(err, BF_ERR_UNSUPPORTED, "output %.60s of type %s is no score per class", port->name,
                       bf__element_name(port->type));
    goto out;
  }
  if (!port->is_maps) {
    bool is_flat = port->n_dims >= 1;
    for (uint32_t d = 2; d < port->n_dims; ++d) is_flat = is_flat && (port->dims[d] == 1 || port->dims[d] == -1);
    if (!is_flat) {
      status = bf__error(err, BF_ERR_UNSUPPORTED,
                         "output %.60s has %u dimensions: not one score per row and class (n, classes)", port->name,
                         port->n_dims);
      goto out;
    }
    model->is_single = port->n_dims == 1 || port->dims[1] == 1;
  }
  BF_TRY(choose_kind(model, bf_card_output_kind(card), port, err));
out:
  return status;
}

/* ---- classes ---- */

bf_status bf__copy_classes(bf_model *model, const char *const *names, size_t n, bf_error *err) {
  size_t n_bytes = 0;
  char number[24];
  if (n > BF__MAX_CLASSES)
    return bf__error(err, BF_ERR_LIMIT, "a model of %zu classes; at most %u are read", n, BF__MAX_CLASSES);
  for (size_t i = 0; i < n; ++i) n_bytes += names != NULL ? strlen(names[i]) + 1 : sizeof number;
  char **block = bf__alloc(n * sizeof *block + n_bytes, 1);
  if (block == NULL) return bf__error_memory(err, n_bytes);
  char *text = (char *)(block + n);
  for (size_t i = 0; i < n; ++i) {
    snprintf(number, sizeof number, "%zu", i);
    const char *name = names != NULL ? names[i] : number;
    block[i] = text;
    memcpy(text, name, strlen(name) + 1);
    text += strlen(name) + 1;
  }
  free(model->classes);
  model->classes = block;
  model->n_classes = n;
  return BF_OK;
}

bf_status bf__choose_classes(bf_model *model, const bf_card *card, bf_error *err) {
  const bf__port *port = &bf__session_signature(model->session)->outputs[model->output];
  size_t n_said = bf_card_class_count(card);
  int64_t n_shape = model->is_single ? 2 : port->is_maps || port->n_dims < 2 ? -1 : port->dims[1];
  if (n_said > 0 && n_shape >= 0 && (uint64_t)n_shape != n_said) {
    return bf__error(err, BF_ERR_MISMATCH, "output %.60s gives %lld classes, the card names %zu", port->name,
                     (long long)n_shape, n_said);
  }
  if (n_said == 0) return n_shape >= 0 ? bf__copy_classes(model, NULL, (size_t)n_shape, err) : BF_OK;
  const char **names = bf__alloc(n_said, sizeof *names);
  if (names == NULL) return bf__error_memory(err, n_said * sizeof *names);
  for (size_t i = 0; i < n_said; ++i) names[i] = bf_card_class(card, i);
  bf_status status = bf__copy_classes(model, names, n_said, err);
  free(names);
  return status;
}
