/* A calibration as JSON, for the repository. The confusion matrix is written as [truth, predicted, items] where it is
 * not 0; the prior follows from the counts. What comes back is untrusted: every number is checked against its range. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "estimate/calibration_internal.h"

#define VERSION 1
#define MAX_BYTES ((size_t)8 << 20)
#define MAX_STEPS 100000u
#define MAX_COUNT ((json_int_t)1 << 53)

/* ---- encode ---- */

static json_t *numbers_json(const double *values, size_t n) {
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++)
    if (json_array_append_new(list, json_real(values[i])) != 0) break;
  return list;
}

static json_t *classes_json(const bf_calibration *c) {
  json_t *list = json_array();
  for (size_t i = 0; i < c->n_classes; i++)
    if (json_array_append_new(list, json_string(c->classes[i])) != 0) break;
  return list;
}

static json_t *confusion_json(const bf_calibration *c) {
  json_t *list = json_array();
  for (size_t i = 0; i < c->n_classes * c->n_classes; i++) {
    if (c->confusion[i] == 0) continue;
    json_t *cell =
        json_pack("[III]", (json_int_t)(i / c->n_classes), (json_int_t)(i % c->n_classes), (json_int_t)c->confusion[i]);
    if (json_array_append_new(list, cell) != 0) break;
  }
  return list;
}

static json_t *counts_json(const bf_calibration *c) {
  json_t *list = json_array();
  for (size_t i = 0; i < c->n_classes; i++)
    if (json_array_append_new(list, json_integer((json_int_t)c->class_counts[i])) != 0) break;
  return list;
}

bf_status bf_calibration_encode(const bf_calibration *c, char **out, bf_error *err) {
  if (!c || !out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a calibration and a place for its bytes are needed");
  *out = NULL;
  json_t *classes = classes_json(c);
  if (json_array_size(classes) != c->n_classes) {
    json_decref(classes);
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a class name is not UTF-8");
  }
  json_t *root = json_pack(
      "{si, sI, so, sf, sf, sf, sf, sf, sf, so, so, so, so}", "version", VERSION, "items", (json_int_t)c->n_items,
      "classes", classes, "accuracy", c->accuracy, "macro_f1", c->macro_f1, "temperature", c->temperature,
      "mean_confidence", c->mean_confidence, "atc_threshold", c->atc_threshold, "atc_entropy_threshold",
      c->atc_entropy_threshold, "class_counts", counts_json(c), "confusion", confusion_json(c), "step_confidence",
      numbers_json(c->step_confidence, c->n_steps), "step_accuracy", numbers_json(c->step_accuracy, c->n_steps));
  if (!root) return bf__error(err, BF_ERR_MEMORY, "no memory for the JSON of a calibration, or a number is not finite");
  *out = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
  json_decref(root);
  return *out ? BF_OK : bf__error(err, BF_ERR_MEMORY, "no memory for the JSON of a calibration");
}

/* ---- decode ---- */

static bf_status bad(bf_error *err, const char *key, const char *wanted) {
  return bf__error(err, BF_ERR_FORMAT, "the calibration's '%s' is missing or not %s", key, wanted);
}

static bf_status get_number(const json_t *root, const char *key, double lowest, double highest, double *out,
                            bf_error *err) {
  const json_t *value = json_object_get(root, key);
  *out = json_number_value(value);
  if (json_is_number(value) && *out >= lowest && *out <= highest) return BF_OK;
  return bf__error(err, BF_ERR_FORMAT, "the calibration's '%s' is missing or not a number from %g to %g", key, lowest,
                   highest);
}

static bool is_count(const json_t *value) {
  return json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= MAX_COUNT;
}

static bf_status get_classes(const json_t *root, bf_calibration **out, bf_error *err) {
  const json_t *list = json_object_get(root, "classes");
  size_t n = json_array_size(list);
  if (n == 0 || n > BF__MAX_CALIBRATED) return bad(err, "classes", "a list of 1 to 2048 names");
  for (size_t i = 0; i < n; i++) {
    const json_t *name = json_array_get(list, i);
    if (!json_is_string(name) || strlen(json_string_value(name)) != json_string_length(name))
      return bad(err, "classes", "a list of names");
  }
  bf_status status = bf__calibration_create(n, out, err);
  for (size_t i = 0; status == BF_OK && i < n; i++) {
    (*out)->classes[i] = bf__strdup(json_string_value(json_array_get(list, i)));
    if (!(*out)->classes[i]) status = bf__error_memory(err, 64);
  }
  return status;
}

static bf_status get_counts(const json_t *root, bf_calibration *c, bf_error *err) {
  const json_t *counts = json_object_get(root, "class_counts"), *confusion = json_object_get(root, "confusion");
  const json_t *items = json_object_get(root, "items");
  if (!is_count(items)) return bad(err, "items", "a whole number");
  c->n_items = (uint64_t)json_integer_value(items);
  if (!json_is_array(counts) || json_array_size(counts) != c->n_classes)
    return bad(err, "class_counts", "a whole number for every class");
  for (size_t i = 0; i < c->n_classes; i++) {
    const json_t *count = json_array_get(counts, i);
    if (!is_count(count)) return bad(err, "class_counts", "a whole number for every class");
    c->class_counts[i] = (uint64_t)json_integer_value(count);
  }
  if (!json_is_array(confusion)) return bad(err, "confusion", "a list of [truth, predicted, items]");
  for (size_t i = 0; i < json_array_size(confusion); i++) {
    const json_t *cell = json_array_get(confusion, i);
    const json_t *truth = json_array_get(cell, 0), *said = json_array_get(cell, 1), *n = json_array_get(cell, 2);
    if (!is_count(truth) || !is_count(said) || !is_count(n) || (size_t)json_integer_value(truth) >= c->n_classes ||
        (size_t)json_integer_value(said) >= c->n_classes)
      return bad(err, "confusion", "a list of [truth, predicted, items] of its classes");
    size_t at = (size_t)json_integer_value(truth) * c->n_classes + (size_t)json_integer_value(said);
    c->confusion[at] = (uint64_t)json_integer_value(n);
  }
  return BF_OK;
}

/* Numbers in [0, 1] (a confidence may exceed 1 by rounding) that never fall. */
static bf_status get_steps(const json_t *root, const char *key, size_t n, double **out, bf_error *err) {
  const json_t *list = json_object_get(root, key);
  double before = 0.0;
  if (!json_is_array(list) || json_array_size(list) != n || n > MAX_STEPS)
    return bad(err, key, "as long a list as the other of the steps, at most 100,000");
  *out = bf__alloc(n, sizeof **out);
  if (!*out) return bf__error_memory(err, n * sizeof **out);
  for (size_t i = 0; i < n; i++) {
    const json_t *value = json_array_get(list, i);
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= before && number <= 1.0 + 1e-9))
      return bad(err, key, "a rising list of numbers from 0 to 1");
    (*out)[i] = before = number;
  }
  return BF_OK;
}

static bf_status fill(const json_t *root, bf_calibration **out, bf_error *err) {
  bf_status status = BF_OK;
  const json_t *version = json_object_get(root, "version");
  if (!json_is_integer(version)) return bad(err, "version", "a number");
  if (json_integer_value(version) != VERSION)
    return bf__error(err, BF_ERR_FORMAT, "the calibration's 'version' is %lld; %d is read",
                     (long long)json_integer_value(version), VERSION);
  BF_TRY(get_classes(root, out, err));
  bf_calibration *c = *out;
  BF_TRY(get_counts(root, c, err));
  bf__calibration_set_prior(c);
  BF_TRY(get_number(root, "accuracy", 0.0, 1.0, &c->accuracy, err));
  BF_TRY(get_number(root, "macro_f1", 0.0, 1.0, &c->macro_f1, err));
  BF_TRY(get_number(root, "temperature", 1e-3, 1e3, &c->temperature, err));
  BF_TRY(get_number(root, "mean_confidence", 0.0, 1.0 + 1e-9, &c->mean_confidence, err));
  BF_TRY(get_number(root, "atc_threshold", 0.0, 2.0, &c->atc_threshold, err));
  BF_TRY(get_number(root, "atc_entropy_threshold", -100.0, 1.0, &c->atc_entropy_threshold, err));
  c->n_steps = json_array_size(json_object_get(root, "step_confidence"));
  BF_TRY(get_steps(root, "step_confidence", c->n_steps, &c->step_confidence, err));
  BF_TRY(get_steps(root, "step_accuracy", c->n_steps, &c->step_accuracy, err));
out:
  return status;
}

bf_status bf_calibration_decode(const char *bytes, size_t n_bytes, bf_calibration **out, bf_error *err) {
  if (!bytes || !out)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bytes and a place for the calibration are needed");
  *out = NULL;
  if (n_bytes > MAX_BYTES)
    return bf__error(err, BF_ERR_LIMIT, "a calibration of %zu bytes; at most 8 MiB are read", n_bytes);
  json_error_t problem;
  bf_calibration *c = NULL;
  json_t *root = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &problem);
  if (!root)
    return bf__error_at(err, BF_ERR_FORMAT, problem.position, "the calibration is no JSON: %.100s", problem.text);
  bf_status status =
      json_is_object(root) ? fill(root, &c, err) : bf__error(err, BF_ERR_FORMAT, "the calibration is no JSON object");
  json_decref(root);
  if (status != BF_OK) {
    bf_calibration_free(c);
    return status;
  }
  *out = c;
  return BF_OK;
}
