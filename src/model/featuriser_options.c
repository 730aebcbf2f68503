#include "model/featuriser_options.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parse.h"

static bf_status error_of(const bf__options *o, bf_status code, uint32_t node, const char *key, const char *what) {
  const bool is_there = node != BF__NO_NODE && node < o->yaml->n;
  const char *dot = key ? "." : "";
  if (!is_there) return bf__error(o->err, code, "card: %s%s%.40s %s", o->path, dot, key ? key : "", what);
  return bf__error(o->err, code, "card: line %zu: %s%s%.40s %s", o->yaml->nodes[node].line + 2, o->path, dot,
                   key ? key : "", what);
}

bf_status bf__option_error(const bf__options *o, const char *key, const char *format, ...) {
  char what[200];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  uint32_t node = key ? bf__option_node(o, key) : 0;
  return error_of(o, BF_ERR_FORMAT, node ? node : o->mapping, key, what);
}

uint32_t bf__option_node(const bf__options *o, const char *key) {
  uint32_t node = bf__yaml_get(o->yaml, o->mapping, key);
  return node != 0 && bf__yaml_is_null(&o->yaml->nodes[node]) ? 0 : node;
}

bf_status bf__option_text(const bf__options *o, const char *key, const char **out) {
  uint32_t node = bf__option_node(o, key);
  if (node == 0) return BF_OK;
  if (o->yaml->nodes[node].type != BF__YAML_SCALAR) return bf__option_error(o, key, "must be text");
  if (o->yaml->nodes[node].text[0] != 0) *out = o->yaml->nodes[node].text;
  return BF_OK;
}

/* Largest number of a card: what is computed from it is still a float32. */
#define MOST 1e30

static bool number_of_node(const bf__options *o, uint32_t node, double *out) {
  const bf__yaml_node *n = &o->yaml->nodes[node];
  return n->type == BF__YAML_SCALAR && bf__number_of(n->text, out);
}

static bf_status integer_of_node(const bf__options *o, uint32_t node, const char *key, int64_t least, int64_t greatest,
                                 int64_t *out) {
  double value;
  char what[120];
  if (!number_of_node(o, node, &value) || floor(value) != value || value < (double)least) {
    snprintf(what, sizeof what, "must be whole numbers from %lld to %lld", (long long)least, (long long)greatest);
    return error_of(o, BF_ERR_FORMAT, node, key, what);
  }
  if (value > (double)greatest) {
    snprintf(what, sizeof what, "is %.15g; at most %lld is taken", value, (long long)greatest);
    return error_of(o, BF_ERR_LIMIT, node, key, what);
  }
  *out = (int64_t)value;
  return BF_OK;
}

bf_status bf__option_integer(const bf__options *o, const char *key, int64_t least, int64_t greatest, int64_t *out) {
  uint32_t node = bf__option_node(o, key);
  return node == 0 ? BF_OK : integer_of_node(o, node, key, least, greatest, out);
}

bf_status bf__option_number(const bf__options *o, const char *key, double *out) {
  uint32_t node = bf__option_node(o, key);
  if (node == 0) return BF_OK;
  if (!number_of_node(o, node, out)) return bf__option_error(o, key, "must be a number");
  if (!(fabs(*out) > MOST)) return BF_OK; /* NaN is an answer for missing cells */
  return error_of(o, BF_ERR_LIMIT, node, key, "is too large a number: inputs are float32");
}

bf_status bf__option_bool(const bf__options *o, const char *key, bool *out) {
  uint32_t node = bf__option_node(o, key);
  if (node == 0) return BF_OK;
  const bf__yaml_node *n = &o->yaml->nodes[node];
  const bool is_true = n->type == BF__YAML_SCALAR && strcmp(n->text, "true") == 0;
  if (!is_true && (n->type != BF__YAML_SCALAR || strcmp(n->text, "false") != 0))
    return bf__option_error(o, key, "must be true or false");
  *out = is_true;
  return BF_OK;
}

bf_status bf__option_choice(const bf__options *o, const char *key, const char *const *names, int n, int *out) {
  const char *text = NULL;
  bf_status status = bf__option_text(o, key, &text);
  if (status != BF_OK || text == NULL) return status;
  char known[120] = "";
  for (int i = 0; i < n; i++) {
    if (strcmp(names[i], text) == 0) {
      *out = i;
      return BF_OK;
    }
    size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
  }
  return bf__option_error(o, key, "\"%.40s\" is not known; use one of %s", text, known);
}

/* The first entry of a list, or the one value itself, and how many there are. */
static bf_status entries_of(const bf__options *o, const char *key, const char *what, uint32_t *first, size_t *n) {
  uint32_t node = bf__option_node(o, key);
  *n = 0;
  *first = 0;
  if (node == 0) return BF_OK;
  const bf__yaml_node *value = &o->yaml->nodes[node];
  if (value->type == BF__YAML_MAPPING) return bf__option_error(o, key, "must be %s", what);
  *first = value->type == BF__YAML_SCALAR ? node : value->first;
  if (value->type == BF__YAML_SCALAR) {
    *n = 1;
    return BF_OK;
  }
  for (uint32_t at = *first; at != 0; at = o->yaml->nodes[at].next) ++*n;
  return *n ? BF_OK : bf__option_error(o, key, "must not be empty: it is %s", what);
}

bf_status bf__option_numbers(const bf__options *o, const char *key, double **out, size_t *n) {
  uint32_t at;
  size_t count;
  bf_status status = entries_of(o, key, "a list of numbers", &at, &count);
  if (status != BF_OK || count == 0) return status;
  double *values = bf__alloc(count, sizeof *values);
  if (!values) return bf__error_memory(o->err, count * sizeof *values);
  for (size_t i = 0; i < count; i++, at = o->yaml->nodes[at].next) {
    if (number_of_node(o, at, &values[i]) && !(fabs(values[i]) > MOST)) continue;
    free(values);
    return bf__option_error(o, key, "must be a list of numbers; entry %zu is none, or too large", i + 1);
  }
  *out = values;
  *n = count;
  return BF_OK;
}

bf_status bf__option_integers(const bf__options *o, const char *key, int64_t least, int64_t greatest, size_t most,
                              int64_t *out, size_t *n) {
  uint32_t at;
  size_t count;
  bf_status status = entries_of(o, key, "a list of whole numbers", &at, &count);
  if (status != BF_OK || count == 0) return status;
  if (count > most) return bf__option_error(o, key, "has %zu entries; at most %zu are taken", count, most);
  for (size_t i = 0; i < count && status == BF_OK; i++, at = o->yaml->nodes[at].next)
    status = integer_of_node(o, at, key, least, greatest, &out[i]);
  if (status == BF_OK) *n = count;
  return status;
}

bf_status bf__option_texts(const bf__options *o, const char *key, const char ***out, size_t *n) {
  uint32_t at;
  size_t count;
  bf_status status = entries_of(o, key, "a list of texts", &at, &count);
  if (status != BF_OK || count == 0) return status;
  const char **texts = bf__alloc(count, sizeof *texts);
  if (!texts) return bf__error_memory(o->err, count * sizeof *texts);
  for (size_t i = 0; i < count; i++, at = o->yaml->nodes[at].next) {
    texts[i] = o->yaml->nodes[at].text;
    if (o->yaml->nodes[at].type == BF__YAML_SCALAR && texts[i][0] != 0) continue;
    free(texts);
    return bf__option_error(o, key, "must be a list of texts; entry %zu is none", i + 1);
  }
  *out = texts;
  *n = count;
  return BF_OK;
}

bf_status bf__option_only(const bf__options *o, const char *const *keys) {
  if (o->mapping == BF__NO_NODE || o->yaml->nodes[o->mapping].type != BF__YAML_MAPPING) return BF_OK;
  for (uint32_t key = o->yaml->nodes[o->mapping].first; key != 0;) {
    const bf__yaml_node *node = &o->yaml->nodes[key];
    char known[160] = "";
    bool is_known = false;
    for (size_t i = 0; keys[i] != NULL; i++) {
      is_known = is_known || strcmp(keys[i], node->text) == 0;
      size_t used = strlen(known);
      snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", keys[i]);
    }
    if (!is_known) {
      char what[200];
      snprintf(what, sizeof what, "is not known; known: %s", known);
      return error_of(o, BF_ERR_FORMAT, key, node->text, what);
    }
    key = o->yaml->nodes[node->next].next; /* behind the value */
  }
  return BF_OK;
}
