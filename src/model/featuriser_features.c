/* Columns of features: by name where both sides have names, else by position; one input of many columns, or many
 * inputs (scikit-learn's exports have one a column), of numbers or of text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/featuriser_internal.h"

typedef struct input_columns {
  char **names;       /* [n]; NULL: by position */
  size_t n;           /* 0: as many as the data have */
  size_t first;       /* number of its first column among all, in the card's order: scaling, position */
  uint32_t *resolved; /* [n] column of the data; checked again with every batch */
  bool is_text;
} input_columns;

typedef struct features {
  bf__scaling scaling;
  size_t n_inputs, n_columns; /* of all inputs; 0: as many as the data have */
  size_t n_numbers;           /* of them, in inputs of numbers */
  input_columns *inputs;
  float *row;
  size_t row_cells;
} features;

static void features_free(void *state) {
  features *s = state;
  bf__scaling_deinit(&s->scaling);
  for (size_t i = 0; i < s->n_inputs; i++) {
    for (size_t k = 0; s->inputs[i].names && k < s->inputs[i].n; k++) free(s->inputs[i].names[k]);
    free(s->inputs[i].names);
    free(s->inputs[i].resolved);
  }
  free(s->inputs);
  free(s->row);
  free(s);
}

/* ---- what the card says ---- */

/* Columns that a row of the input holds; 0: any number. */
static bf_status width_of(const bf__making *m, size_t port, size_t *out) {
  const bf__port *p = &m->ports[port];
  uint64_t width = 1;
  bool is_free = p->n_dims == 0;
  for (uint32_t d = 1; d < p->n_dims; d++) {
    if (p->dims[d] <= 0)
      is_free = true;
    else if (__builtin_mul_overflow(width, (uint64_t)p->dims[d], &width) || width > (1u << 24))
      return bf__error(m->err, BF_ERR_LIMIT, "the model's input \"%.60s\" takes more than %u numbers a row", p->name,
                       1u << 24);
  }
  if (is_free && p->n_dims > 2)
    return bf__error(m->err, BF_ERR_MISMATCH,
                     "the model's input \"%.60s\" has %u dimensions, not all fixed; columns are (n, columns)", p->name,
                     p->n_dims);
  *out = is_free ? 0 : (size_t)width;
  return BF_OK;
}

static bf_status set_names(const bf__making *m, features *s, size_t port, const char *const *names, size_t n) {
  input_columns *input = &s->inputs[port];
  size_t width = 0;
  bf_status status = width_of(m, port, &width);
  if (status != BF_OK) return status;
  if (input->names != NULL)
    return bf__option_error(&m->input, "inputs", "has the input \"%.60s\" twice", m->ports[port].name);
  if (width != 0 && width != n)
    return bf__error(m->err, BF_ERR_MISMATCH,
                     "the model's input \"%.60s\" takes %zu columns; the card's columns are %zu", m->ports[port].name,
                     width, n);
  input->names = bf__alloc(n, sizeof *input->names);
  if (!input->names) return bf__error_memory(m->err, n * sizeof *input->names);
  input->n = n;
  input->first = s->n_columns;
  s->n_columns += n;
  for (size_t k = 0; k < n; k++) {
    input->names[k] = bf__strdup(names[k]);
    if (!input->names[k]) return bf__error_memory(m->err, strlen(names[k]) + 1);
  }
  return BF_OK;
}

/* inputs: [{name: …, columns: […]}, …] */
static bf_status read_inputs(const bf__making *m, features *s, uint32_t list) {
  static const char *const keys[] = {"name", "columns", NULL};
  const bf__yaml *yaml = m->input.yaml;
  bf_status status = BF_OK;
  const char **columns = NULL;
  if (yaml->nodes[list].type != BF__YAML_SEQUENCE)
    return bf__option_error(&m->input, "inputs", "must be a list of mappings with name and columns");
  for (uint32_t at = yaml->nodes[list].first; at != 0; at = yaml->nodes[at].next) {
    const bf__options one = {yaml, at, "bestfit.input.inputs", m->err};
    const char *name = NULL;
    size_t n = 0, port = 0;
    if (yaml->nodes[at].type != BF__YAML_MAPPING)
      BF_TRY(bf__option_error(&m->input, "inputs", "must be a list of mappings with name and columns"));
    BF_TRY(bf__option_only(&one, keys));
    BF_TRY(bf__option_text(&one, "name", &name));
    BF_TRY(bf__option_texts(&one, "columns", &columns, &n));
    if (!name) BF_TRY(bf__option_error(&one, NULL, "need a name each"));
    while (port < m->n_ports && strcmp(m->ports[port].name, name) != 0) port++;
    if (port == m->n_ports)
      BF_TRY(bf__error(m->err, BF_ERR_MISMATCH, "the card's input \"%.60s\" is none of the model's", name));
    BF_TRY(set_names(m, s, port, n ? columns : &name, n ? n : 1));
    free(columns);
    columns = NULL;
  }
  for (size_t i = 0; i < m->n_ports; i++)
    if (s->inputs[i].names == NULL)
      BF_TRY(bf__option_error(&m->input, "inputs", "does not say the columns of \"%.60s\"", m->ports[i].name));
out:
  free(columns);
  return status;
}

/* Without `inputs`: `columns` are those of the one input, or one for each; without both, the inputs' own names. */
static bf_status read_columns(const bf__making *m, features *s) {
  const char **columns = NULL;
  size_t n = 0;
  bf_status status = BF_OK;
  BF_TRY(bf__option_texts(&m->input, "columns", &columns, &n));
  if (m->n_ports == 1) {
    if (n > 0)
      BF_TRY(set_names(m, s, 0, columns, n));
    else
      BF_TRY(width_of(m, 0, &s->inputs[0].n));
    s->n_columns = s->inputs[0].n;
  } else {
    if (n > 0 && n != m->n_ports)
      BF_TRY(bf__option_error(&m->input, "columns",
                              "has %zu names for the model's %zu inputs: write inputs: [{name: …, columns: […]}, …]", n,
                              m->n_ports));
    for (size_t i = 0; i < m->n_ports; i++) {
      const char *name = n > 0 ? columns[i] : m->ports[i].name;
      BF_TRY(set_names(m, s, i, &name, 1));
    }
  }
out:
  free(columns);
  return status;
}

static bf_status check_ports(const bf__making *m, features *s) {
  for (size_t i = 0; i < m->n_ports; i++) {
    input_columns *input = &s->inputs[i];
    input->is_text = m->ports[i].type == BF__ELEMENT_STRING;
    if (!input->is_text && !bf__is_number(m->ports[i].type))
      return bf__error(m->err, BF_ERR_MISMATCH, "the model's input \"%.60s\" takes %s; columns are numbers or text",
                       m->ports[i].name, bf__element_name(m->ports[i].type));
    if (isnan(s->scaling.missing) && !input->is_text && m->ports[i].type != BF__ELEMENT_FLOAT32 &&
        m->ports[i].type != BF__ELEMENT_FLOAT64)
      return bf__option_error(&m->input, "missing", "cannot be nan: the input \"%.60s\" takes %s", m->ports[i].name,
                              bf__element_name(m->ports[i].type));
    if (!input->is_text) s->n_numbers += input->n;
    if (input->n == 0) continue;
    input->resolved = bf__alloc(input->n, sizeof *input->resolved);
    if (!input->resolved) return bf__error_memory(m->err, input->n * sizeof *input->resolved);
    for (size_t k = 0; k < input->n; k++) input->resolved[k] = (uint32_t)k;
  }
  return s->n_columns ? bf__scaling_expand(&s->scaling, s->n_columns, m->err) : BF_OK;
}

static bf_status features_create(const bf__making *m, void **state) {
  bf_status status = BF_OK;
  features *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(m->err, sizeof *s);
  uint32_t list = bf__option_node(&m->input, "inputs");
  s->inputs = bf__alloc(m->n_ports, sizeof *s->inputs);
  if (!s->inputs) BF_TRY(bf__error_memory(m->err, m->n_ports * sizeof *s->inputs));
  s->n_inputs = m->n_ports;
  BF_TRY(bf__scaling_read(m, &s->scaling));
  BF_TRY(list ? read_inputs(m, s, list) : read_columns(m, s));
  BF_TRY(check_ports(m, s));
  *state = s;
  s = NULL;
out:
  if (s) features_free(s);
  return status;
}

/* ---- rows ---- */

static bool has_name(const bf__filling *f, bool is_text, uint32_t column, const char *name, size_t n_bytes) {
  if (!is_text) return column < f->schema->n_columns && strcmp(f->schema->column_names[column], name) == 0;
  const bf_batch *b = f->batch;
  return b->strings && b->n_rows && column < b->n_string_columns && b->strings[column].name.n_bytes == n_bytes &&
         memcmp(b->strings[column].name.bytes, name, n_bytes) == 0;
}

static bool find_column(const bf__filling *f, bool is_text, const char *name, uint32_t *column) {
  const uint32_t n = is_text ? f->batch->n_string_columns : f->schema->n_columns;
  const size_t n_bytes = strlen(name);
  if (!is_text && !f->schema->column_names) return false;
  if (has_name(f, is_text, *column, name, n_bytes)) return true;
  for (*column = 0; *column < n; ++*column)
    if (has_name(f, is_text, *column, name, n_bytes)) return true;
  return false;
}

static bf_status resolve(features *s, const bf__filling *f, input_columns *input) {
  const bf_schema *schema = f->schema;
  const bool by_position = !input->names || (!input->is_text && !schema->column_names);
  const uint32_t n_data = input->is_text ? f->batch->n_string_columns : schema->n_columns;
  const size_t wanted = !input->names ? input->n : input->is_text ? input->n : s->n_numbers;
  if (by_position) {
    if (wanted != 0 && wanted != n_data)
      return bf__error(
          f->err, BF_ERR_MISMATCH, "the model takes %zu columns of %s, these rows have %u%s", wanted,
          input->is_text ? "text" : "numbers", n_data,
          input->names ? " without names" : "; name those that it needs in the card: bestfit.input.columns");
    size_t at = 0; /* columns of this sort before, in the card's order */
    for (size_t i = 0; i < s->n_inputs; i++)
      if (s->inputs[i].is_text == input->is_text && s->inputs[i].first < input->first) at += s->inputs[i].n;
    for (size_t k = 0; k < input->n; k++) input->resolved[k] = (uint32_t)(at + k);
    return BF_OK;
  }
  for (size_t k = 0; k < input->n; k++) {
    uint32_t other = 0;
    if (find_column(f, input->is_text, input->names[k], &input->resolved[k])) continue;
    input->resolved[k] = 0;
    if (find_column(f, !input->is_text, input->names[k], &other))
      return bf__error(f->err, BF_ERR_MISMATCH, "the column \"%.80s\" holds %s; the model takes %s", input->names[k],
                       input->is_text ? "numbers" : "text", input->is_text ? "text" : "numbers");
    return bf__error(f->err, BF_ERR_MISMATCH, "the model needs the column \"%.80s\", which these rows do not have",
                     input->names[k]);
  }
  return BF_OK;
}

/* Dimensions behind the first. */
static uint32_t dims_of(const bf__port *p, size_t width, int64_t dims[BF__MAX_DIMS]) {
  const uint32_t n_dims = p->n_dims ? p->n_dims : 2;
  for (uint32_t d = 1; d < n_dims; d++) dims[d] = n_dims == 2 ? (int64_t)width : p->dims[d];
  return n_dims;
}

static bf_status fill_numbers(features *s, const bf__filling *f, size_t port) {
  const input_columns *input = &s->inputs[port];
  const bf_batch *b = f->batch;
  const size_t width = input->n ? input->n : b->n_columns;
  const bf__element type = f->ports[port].type;
  int64_t dims[BF__MAX_DIMS];
  void *tensor;
  if (!b->cells && f->n) return bf__error(f->err, BF_ERR_MISMATCH, "the rows have no columns of numbers");
  bf_status status = bf__tensor(f, port, dims, dims_of(&f->ports[port], width, dims), &tensor);
  if (status != BF_OK) return status;
  for (size_t i = 0; i < f->n; i++) {
    const float *x = b->cells + (f->first + i) * b->n_columns;
    float *y = type == BF__ELEMENT_FLOAT32 ? (float *)tensor + i * width : s->row;
    for (size_t k = 0; k < input->n; k++) y[k] = x[input->resolved[k]];
    bf__scale(&s->scaling, input->first, width, input->n ? y : x, y);
    bf__put_numbers(type, tensor, i * width, y, width);
  }
  bf__put_zeros(type, tensor, f->n * width, f->padded * width);
  return BF_OK;
}

static bf_status fill_text(const features *s, const bf__filling *f, size_t port) {
  const input_columns *input = &s->inputs[port];
  const bf_batch *b = f->batch;
  const size_t width = input->n ? input->n : b->n_string_columns;
  int64_t dims[BF__MAX_DIMS] = {(int64_t)f->padded};
  size_t n;
  if (!b->strings && f->n) return bf__error(f->err, BF_ERR_MISMATCH, "the rows have no columns of text");
  if (!bf__mul(f->padded, width, &n) || n > BF__MOST_TENSOR_BYTES / sizeof(bf_string))
    return bf__error(f->err, BF_ERR_LIMIT, "input \"%.60s\": too many texts; run fewer rows at once",
                     f->ports[port].name);
  bf_string *strings = bf__alloc(n, sizeof *strings);
  if (!strings) return bf__error_memory(f->err, n * sizeof *strings);
  for (size_t i = 0; i < n; i++) strings[i] = (bf_string){"", 0};
  for (size_t i = 0; i < f->n; i++) {
    const bf_field *x = b->strings + (f->first + i) * b->n_string_columns;
    for (size_t k = 0; k < width; k++) {
      const bf_string *value = &x[input->n ? input->resolved[k] : k].value;
      if (value->bytes) strings[i * width + k] = *value;
    }
  }
  bf_status status =
      f->sink->strings(f->sink->context, port, dims, dims_of(&f->ports[port], width, dims), strings, f->err);
  free(strings);
  return status;
}

static bf_status features_fill(void *state, const bf__filling *f) {
  features *s = state;
  bf_status status = BF_OK;
  if (f->schema->n_columns != f->batch->n_columns)
    return bf__error(f->err, BF_ERR_INVALID_ARGUMENT, "a schema of %u columns for rows of %u", f->schema->n_columns,
                     f->batch->n_columns);
  const size_t n_most = s->n_columns > f->batch->n_columns ? s->n_columns : f->batch->n_columns;
  if (s->row_cells < n_most) {
    float *row = bf__realloc(s->row, n_most, sizeof *row);
    if (!row) return bf__error_memory(f->err, n_most * sizeof *row);
    s->row = row;
    s->row_cells = n_most;
  }
  if (s->n_columns == 0) status = bf__scaling_expand(&s->scaling, f->batch->n_columns, f->err);
  for (size_t i = 0; i < s->n_inputs && status == BF_OK; i++) {
    status = resolve(s, f, &s->inputs[i]);
    if (status == BF_OK) status = s->inputs[i].is_text ? fill_text(s, f, i) : fill_numbers(s, f, i);
  }
  return status;
}

static size_t features_width(const void *state) {
  const features *s = state;
  return s->n_columns;
}

static const char *const options[] = {"name", NULL};
const bf__featuriser_row bf__featuriser_columns = {"columns",     BF_KIND_FEATURES, options,       features_create,
                                                   features_fill, features_free,    features_width};
