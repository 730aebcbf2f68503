/* JSON through jansson: keys in the order they are set, doubles with 17 significant digits so that they read back as
 * the same number, null for what is not known. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

json_t *cli_json_text(const char *text) {
  if (text == NULL) return json_null();
  json_t *value = json_string(text);
  if (value != NULL) return value;
  /* a file name may hold any bytes, JSON may not */
  char *ascii = strdup(text);
  if (ascii == NULL) return json_null();
  for (char *p = ascii; *p != '\0'; p++)
    if ((unsigned char)*p >= 0x80) *p = '?';
  value = json_string(ascii);
  free(ascii);
  return value != NULL ? value : json_null();
}

json_t *cli_json_number(double value) {
  return isfinite(value) ? json_real(value + 0.0) : json_null(); /* + 0.0: no "-0.0" */
}

json_t *cli_json_hash(const char *sha256, uint64_t bytes) {
  if (sha256 == NULL) return json_null();
  json_t *value = json_object();
  json_object_set_new(value, "sha256", cli_json_text(sha256));
  if (bytes > 0) json_object_set_new(value, "bytes", json_integer((json_int_t)bytes));
  return value;
}

static json_t *sketch_columns(const bf_sketch *sketch) {
  json_t *columns = json_array();
  bf_column column;
  for (uint32_t i = 0; i < bf_sketch_column_count(sketch); i++) {
    if (bf_sketch_column(sketch, i, &column, NULL) != BF_OK) continue;
    bool known = column.count > 0;
    json_t *value = json_object();
    json_object_set_new(value, "name", cli_json_text(column.name));
    json_object_set_new(value, "count", json_integer((json_int_t)column.count));
    json_object_set_new(value, "missing", json_integer((json_int_t)column.missing));
    json_object_set_new(value, "mean", cli_json_number(known ? column.mean : NAN));
    json_object_set_new(value, "sd", cli_json_number(known ? sqrt(column.variance) : NAN));
    json_object_set_new(value, "min", cli_json_number(known ? (double)column.min : NAN));
    json_object_set_new(
        value, "median",
        cli_json_number(column.n_quantiles > 0 ? (double)column.quantiles[column.n_quantiles / 2] : NAN));
    json_object_set_new(value, "max", cli_json_number(known ? (double)column.max : NAN));
    json_array_append_new(columns, value);
  }
  return columns;
}

json_t *cli_json_sketch(const bf_sketch *sketch, bool with_columns) {
  json_t *value = json_object();
  uint32_t height, width, channels;
  json_object_set_new(value, "kind", cli_json_text(bf_kind_name(bf_sketch_kind(sketch))));
  json_object_set_new(value, "rows", json_integer((json_int_t)bf_sketch_rows(sketch)));
  json_object_set_new(value, "seed", json_integer((json_int_t)bf_sketch_seed(sketch)));
  json_object_set_new(value, "raw_columns", json_integer((json_int_t)bf_sketch_raw_column_count(sketch)));
  json_object_set_new(value, "missing", json_integer((json_int_t)bf_sketch_missing(sketch)));
  json_object_set_new(value, "projected", json_boolean(bf_sketch_projected(sketch)));
  json_t *shape = json_null();
  if (bf_sketch_image_shape(sketch, &height, &width, &channels)) {
    shape = json_array();
    json_array_append_new(shape, json_integer(height));
    json_array_append_new(shape, json_integer(width));
    json_array_append_new(shape, json_integer(channels));
  }
  json_object_set_new(value, "image_shape", shape);
  if (!with_columns) return value;
  json_t *labels = json_object();
  for (uint32_t i = 0; i < bf_sketch_label_count(sketch); i++) {
    uint64_t count = 0;
    const char *label = bf_sketch_label(sketch, i, &count);
    if (label != NULL) json_object_set_new(labels, label, json_integer((json_int_t)count));
  }
  json_object_set_new(value, "labels", labels);
  json_object_set_new(value, "columns", sketch_columns(sketch));
  return value;
}

static json_t *split_tags(const char *tags) {
  json_t *list = json_array();
  char *copy = strdup(tags != NULL ? tags : "");
  if (copy == NULL) return list;
  for (char *rest = copy, *tag; (tag = strtok_r(rest, ",", &rest)) != NULL;)
    json_array_append_new(list, cli_json_text(tag));
  free(copy);
  return list;
}

json_t *cli_json_model(const bf_store_model *model) {
  json_t *value = json_object();
  json_object_set_new(value, "id", cli_json_text(model->name));
  json_object_set_new(value, "version", json_integer(model->version));
  json_object_set_new(value, "domain", cli_json_text(model->domain));
  json_object_set_new(value, "task", cli_json_text(model->task));
  json_object_set_new(value, "kind", cli_json_text(model->kind));
  json_object_set_new(value, "summary", cli_json_text(model->summary));
  json_object_set_new(value, "license", cli_json_text(model->license));
  json_object_set_new(value, "tags", split_tags(model->tags));
  json_object_set_new(value, "aliases", split_tags(model->aliases));
  json_t *metrics = json_object();
  for (size_t i = 0; i < model->n_metrics; i++)
    json_object_set_new(metrics, model->metrics[i].name, cli_json_number(model->metrics[i].value));
  json_object_set_new(value, "metrics", metrics);
  json_object_set_new(value, "source_accuracy", cli_json_number(model->source_accuracy));
  json_object_set_new(value, "rows", json_integer((json_int_t)model->rows));
  json_object_set_new(value, "created", cli_json_text(model->created));
  json_object_set_new(value, "model", cli_json_hash(model->model_sha256, model->model_bytes));
  json_object_set_new(value, "card", cli_json_hash(model->card_sha256, 0));
  json_object_set_new(value, "sketch", cli_json_hash(model->sketch_sha256, 0));
  return value;
}

int cli_print_json(const cli *c, json_t *value) {
  bf_error err = {.position = -1};
  char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY);
  json_decref(value);
  if (text == NULL) {
    (void)cli_error(&err, BF_ERR_MEMORY, "out of memory while writing JSON");
    return cli_fail(c, &err);
  }
  printf("%s\n", text); /* main checks standard output at the end */
  free(text);
  return 0;
}
