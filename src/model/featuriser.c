/* Featurisers: from the rows of a dataset to the tensors that a model takes, as its card declares.
 *
 * A stored model is of use to others only if the way from data to input is stored with it. Code would be a risk to run
 * and a riddle to read, so a card names one of a few featurisers with their numbers (docs/formats/model-card.md), each
 * a row of this table; what the card leaves out is taken from the model's own inputs where they leave no choice. Each
 * row's definition is exact, so that a trainer in another language gives the same tensors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/card_internal.h"
#include "model/featuriser_internal.h"

static const bf__featuriser_row *const ROWS[] = {
    &bf__featuriser_columns,   &bf__featuriser_series,       &bf__featuriser_pixels,
    &bf__featuriser_strings,   &bf__featuriser_hashing,      &bf__featuriser_hashed_ids,
    &bf__featuriser_wordpiece, &bf__featuriser_token_window, &bf__featuriser_pair_similarities,
};
#define N_ROWS (sizeof ROWS / sizeof *ROWS)

struct bf__featuriser {
  const bf__featuriser_row *row;
  void *state;
  bf__port *ports; /* the model's inputs */
  size_t n_ports;
};

const char *bf_card_vocabulary(const bf_card *card) {
  const bf__yaml *yaml = &card->yaml;
  uint32_t block = bf__yaml_get(yaml, 0, "bestfit"), input = block ? bf__yaml_get(yaml, block, "input") : 0;
  uint32_t node = input ? bf__yaml_get(yaml, input, "featuriser") : 0;
  if (node == 0) return NULL;
  uint32_t name = node, file = 0;
  if (yaml->nodes[node].type == BF__YAML_MAPPING) {
    name = bf__yaml_get(yaml, node, "name");
    file = bf__yaml_get(yaml, node, "vocabulary");
  }
  if (file != 0 && yaml->nodes[file].type == BF__YAML_SCALAR) return yaml->nodes[file].text;
  bool is_wordpiece =
      name != 0 && yaml->nodes[name].type == BF__YAML_SCALAR && strcmp(yaml->nodes[name].text, "wordpiece") == 0;
  return is_wordpiece ? "vocab.txt" : NULL;
}

/* ---- which one ---- */

/* The kind that the model's inputs leave no choice about. */
static bf_status imply_kind(const bf__making *m, bf_kind *out) {
  size_t most_dims = 0;
  bool has_ids = false, has_strings = false;
  for (size_t i = 0; i < m->n_ports; i++) {
    has_ids = has_ids || strcmp(m->ports[i].name, "input_ids") == 0;
    has_strings = has_strings || m->ports[i].type == BF__ELEMENT_STRING;
    if (m->ports[i].n_dims > most_dims) most_dims = m->ports[i].n_dims;
  }
  if (has_ids)
    *out = BF_KIND_TEXT;
  else if (m->n_ports == 1 && most_dims == 4 && !has_strings)
    *out = BF_KIND_IMAGE;
  else if (most_dims <= 2 && (!has_strings || m->n_ports > 1))
    *out = BF_KIND_FEATURES;
  else
    return bf__option_error(
        &m->input, NULL,
        "needs a kind, which the model's inputs do not tell: features, series, image, text, pair or "
        "tagged");
  return BF_OK;
}

static bf_status imply_row(const bf__making *m, bf_kind kind, const bf__featuriser_row **out) {
  switch (kind) {
    case BF_KIND_FEATURES:
      *out = &bf__featuriser_columns;
      return BF_OK;
    case BF_KIND_SERIES:
      *out = &bf__featuriser_series;
      return BF_OK;
    case BF_KIND_IMAGE:
      *out = &bf__featuriser_pixels;
      return BF_OK;
    case BF_KIND_PAIR:
      *out = &bf__featuriser_pair_similarities;
      return BF_OK;
    case BF_KIND_TAGGED:
      *out = &bf__featuriser_token_window;
      return BF_OK;
    default:
      break;
  }
  for (size_t i = 0; i < m->n_ports; i++) {
    if (strcmp(m->ports[i].name, "input_ids") == 0) *out = &bf__featuriser_wordpiece;
  }
  if (*out == NULL && m->n_ports == 1 && m->ports[0].type == BF__ELEMENT_STRING) *out = &bf__featuriser_strings;
  if (*out != NULL) return BF_OK;
  return bf__option_error(&m->input, NULL,
                          "of the kind text needs a featuriser: hashing, hashed-ids, wordpiece or strings");
}

static bf_status find_row(const bf__making *m, const char *name, const bf__featuriser_row **out) {
  char known[160] = "";
  for (size_t i = 0; i < N_ROWS; i++) {
    if (strcmp(ROWS[i]->name, name) == 0) {
      *out = ROWS[i];
      return BF_OK;
    }
    size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", ROWS[i]->name);
  }
  return bf__option_error(&m->input, "featuriser", "\"%.40s\" is not known; known: %s", name, known);
}

static bf_status choose_row(bf__making *m, const bf_card *card, const bf__featuriser_row **out) {
  const char *name = NULL;
  bf_kind kind = BF_KIND_FEATURES;
  bf_status status = BF_OK;
  uint32_t block = bf__option_node(&m->input, "featuriser");
  if (block != 0 && m->input.yaml->nodes[block].type == BF__YAML_SEQUENCE)
    return bf__option_error(&m->input, "featuriser", "must be a name, or a mapping with a name");
  if (block != 0 && m->input.yaml->nodes[block].type == BF__YAML_MAPPING) {
    m->options.mapping = block;
    BF_TRY(bf__option_text(&m->options, "name", &name));
    if (name == NULL) BF_TRY(bf__option_error(&m->options, NULL, "needs a name"));
  } else {
    BF_TRY(bf__option_text(&m->input, "featuriser", &name));
  }
  if (name != NULL) BF_TRY(find_row(m, name, out));
  if (card->input_kind != NULL)
    BF_TRY(bf_kind_find(card->input_kind, &kind, m->err));
  else if (*out != NULL)
    kind = (*out)->kind;
  else
    BF_TRY(imply_kind(m, &kind));
  if (*out == NULL) BF_TRY(imply_row(m, kind, out));
  if ((*out)->kind != kind)
    BF_TRY(bf__option_error(&m->input, "featuriser", "%s takes rows of the kind %s, not %s", (*out)->name,
                            bf_kind_name((*out)->kind), bf_kind_name(kind)));
  BF_TRY(bf__option_only(&m->options, (*out)->options));
out:
  return status;
}

/* ---- life ---- */

static bf_status copy_ports(bf__featuriser *f, const bf__signature *signature, bf_error *err) {
  f->ports = bf__alloc(signature->n_inputs, sizeof *f->ports);
  if (!f->ports) return bf__error_memory(err, signature->n_inputs * sizeof *f->ports);
  for (size_t i = 0; i < signature->n_inputs; i++) {
    f->ports[i] = signature->inputs[i];
    f->ports[i].name = bf__strdup(signature->inputs[i].name ? signature->inputs[i].name : "");
    f->n_ports = i + 1;
    if (!f->ports[i].name) return bf__error_memory(err, 64);
  }
  return BF_OK;
}

bf_status bf__featuriser_create(const bf_card *card, const bf__signature *signature, const bf_model_file *files,
                                size_t n_files, bf__featuriser **out, bf_error *err) {
  bf_status status = BF_OK;
  bf__featuriser *f = NULL;
  *out = NULL;
  if (signature->n_inputs == 0)
    return bf__error(err, BF_ERR_MISMATCH, "the model has no inputs to be filled with rows");
  uint32_t block = bf__yaml_get(&card->yaml, 0, "bestfit");
  uint32_t input = block ? bf__yaml_get(&card->yaml, block, "input") : 0;
  if (input != 0 && bf__yaml_is_null(&card->yaml.nodes[input])) input = 0;
  bf__making m = {.input = {&card->yaml, input ? input : BF__NO_NODE, "bestfit.input", err},
                  .options = {&card->yaml, BF__NO_NODE, "bestfit.input.featuriser", err},
                  .files = files,
                  .n_files = n_files,
                  .err = err};
  f = bf__alloc(1, sizeof *f);
  if (!f) return bf__error_memory(err, sizeof *f);
  BF_TRY(copy_ports(f, signature, err));
  m.ports = f->ports;
  m.n_ports = f->n_ports;
  BF_TRY(choose_row(&m, card, &f->row));
  BF_TRY(f->row->create(&m, &f->state));
  *out = f;
  f = NULL;
out:
  bf__featuriser_free(f);
  return status;
}

void bf__featuriser_free(bf__featuriser *featuriser) {
  if (!featuriser) return;
  if (featuriser->row && featuriser->state) featuriser->row->free(featuriser->state);
  for (size_t i = 0; i < featuriser->n_ports; i++) free(featuriser->ports[i].name);
  free(featuriser->ports);
  free(featuriser);
}

bf_kind bf__featuriser_kind(const bf__featuriser *featuriser) {
  return featuriser->row->kind;
}

size_t bf__featuriser_items(const bf_batch *batch) {
  if (!batch->sentences) return batch->n_rows;
  size_t n = 0;
  for (uint32_t i = 0; i < batch->n_rows; i++) n += batch->sentences[i].n_tokens;
  return n;
}

size_t bf__featuriser_most_items(const bf__featuriser *featuriser, const bf_schema *schema) {
  size_t width = featuriser->row->width(featuriser->state);
  if (width == 0) width = schema->n_columns;
  const uint64_t most = BF__MOST_TENSOR_BYTES / (sizeof(bf_string) * (uint64_t)(width ? width : 1));
  return most ? (size_t)most : 1;
}

bf_status bf__featuriser_fill(bf__featuriser *featuriser, const bf_schema *schema, const bf_batch *batch, size_t first,
                              size_t n, size_t padded, const bf__sink *sink, bf_error *err) {
  if (schema->kind != featuriser->row->kind)
    return bf__error(err, BF_ERR_MISMATCH, "the model takes rows of the kind %s; these are of the kind %s",
                     bf_kind_name(featuriser->row->kind), bf_kind_name(schema->kind));
  const bool has_rows = schema->kind == BF_KIND_TEXT   ? batch->texts != NULL
                        : schema->kind == BF_KIND_PAIR ? batch->pairs != NULL
                        : schema->kind == BF_KIND_TAGGED
                            ? batch->sentences != NULL
                            : true; /* cells and images are looked at where they are read */
  if (!has_rows && batch->n_rows > 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a batch without the rows of the kind %s",
                     bf_kind_name(schema->kind));
  const size_t items = bf__featuriser_items(batch);
  if (first > items || n > items - first || padded < n)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "items %zu to %zu of a batch of %zu, padded to %zu", first,
                     first + n, items, padded);
  const bf__filling f = {.schema = schema,
                         .batch = batch,
                         .first = first,
                         .n = n,
                         .padded = padded,
                         .ports = featuriser->ports,
                         .sink = sink,
                         .err = err};
  return featuriser->row->fill(featuriser->state, &f);
}
