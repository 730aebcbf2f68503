/* Model cards: what the front matter says.
 *
 * The front matter is that of Hugging Face (huggingface/hub-docs, modelcard.md), which has no place for what is needed
 * to run and to place a model; that is in one block of our own, `bestfit:`, which other readers ignore. Keys that are
 * ours, or that we show, must have the right type, and the error names key and line. `model-index` belongs to others
 * and occurs in many shapes: what does not fit there is passed over.
 */
#include <bestfit/card.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/name.h"
#include "model/card_internal.h"

const char bf__known_tasks[] = "classification, tagging, matching, regression, detection, multi-label, other";

bool bf__is_task(const char *task) {
  static const char *const tasks[] = {"classification", "tagging",     "matching", "regression",
                                      "detection",      "multi-label", "other"};
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; ++i)
    if (strcmp(task, tasks[i]) == 0) return true;
  return false;
}

/* What Hugging Face calls our tasks; a pipeline that is not here is another task. */
static const char *task_of_pipeline(const char *pipeline) {
  static const struct {
    const char *pipeline, *task;
  } known[] = {
      {"image-classification", "classification"},   {"text-classification", "classification"},
      {"audio-classification", "classification"},   {"video-classification", "classification"},
      {"tabular-classification", "classification"}, {"time-series-classification", "classification"},
      {"token-classification", "tagging"},          {"tabular-regression", "regression"},
      {"time-series-forecasting", "regression"},    {"object-detection", "detection"},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
    if (strcmp(pipeline, known[i].pipeline) == 0) return known[i].task;
  return "other";
}

typedef struct parser {
  bf_card *card;
  const char *bytes;
  bf__card_parts parts;
  bf_error *err;
} parser;

__attribute__((format(printf, 3, 4))) static bf_status fail(const parser *p, uint32_t index, const char *format, ...) {
  const bf__yaml_node *node = &p->card->yaml.nodes[index];
  char what[200];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  size_t byte = bf__utf8_byte_of(p->bytes + p->parts.yaml, p->parts.yaml_end - p->parts.yaml, node->character);
  return bf__error_at(p->err, BF_ERR_FORMAT, (int64_t)(p->parts.yaml + byte), "card: line %zu: %s", node->line + 2,
                      what);
}

/* The node of a key; 0: not there or null. */
static uint32_t said(const bf__yaml *yaml, uint32_t mapping, const char *key) {
  uint32_t index = bf__yaml_get(yaml, mapping, key);
  return index != 0 && bf__yaml_is_null(&yaml->nodes[index]) ? 0 : index;
}

/* A text of one value; *out stays where it is not said or empty. `path` names the key in messages. */
static bf_status take_text(const parser *p, uint32_t mapping, const char *key, const char *path, const char **out,
                           uint32_t *where) {
  const bf__yaml *yaml = &p->card->yaml;
  uint32_t index = said(yaml, mapping, key);
  *where = index;
  if (index == 0) return BF_OK;
  if (yaml->nodes[index].type != BF__YAML_SCALAR) return fail(p, index, "%s must be text", path);
  if (yaml->nodes[index].text[0] != 0) *out = yaml->nodes[index].text;
  return BF_OK;
}

/* A list of texts. One text alone is a list of one. */
static bf_status take_list(const parser *p, uint32_t mapping, const char *key, const char *path, bf__card_list *out) {
  const bf__yaml *yaml = &p->card->yaml;
  uint32_t index = said(yaml, mapping, key);
  if (index == 0) return BF_OK;
  const bf__yaml_node *node = &yaml->nodes[index];
  if (node->type == BF__YAML_MAPPING) return fail(p, index, "%s must be a list of texts", path);
  uint32_t first = node->type == BF__YAML_SCALAR ? index : node->first;
  size_t n = node->type == BF__YAML_SCALAR ? 1 : 0;
  if (n == 0)
    for (uint32_t at = first; at != 0; at = yaml->nodes[at].next) ++n;
  out->items = bf__alloc(n, sizeof *out->items);
  if (out->items == NULL) return bf__error_memory(p->err, n * sizeof *out->items);
  for (uint32_t at = first; out->n < n; at = yaml->nodes[at].next) {
    const bf__yaml_node *item = &yaml->nodes[at];
    if (item->type != BF__YAML_SCALAR || item->text[0] == 0)
      return fail(p, at, "%s: entry %zu must be text", path, out->n + 1);
    out->items[out->n++] = item->text;
  }
  return BF_OK;
}

/* A mapping; *out 0 where it is not said. */
static bf_status take_mapping(const parser *p, uint32_t mapping, const char *key, const char *path, uint32_t *out) {
  *out = said(&p->card->yaml, mapping, key);
  if (*out != 0 && p->card->yaml.nodes[*out].type != BF__YAML_MAPPING)
    return fail(p, *out, "%s must be a mapping of keys to values", path);
  return BF_OK;
}

/* Several licences are joined: some cards list them. */
static bf_status take_license(const parser *p) {
  bf__card_list list = {0};
  bf__writer joined = {0};
  bf_status status = BF_OK;
  BF_TRY(take_list(p, 0, "license", "license", &list));
  if (list.n == 0) goto out;
  for (size_t i = 0; i < list.n; ++i) {
    if (i > 0) bf__write(&joined, ", ", 2);
    bf__write(&joined, list.items[i], strlen(list.items[i]));
  }
  bf__write_u8(&joined, 0);
  if (joined.failed) {
    status = bf__error_memory(p->err, joined.size);
    goto out;
  }
  p->card->license = bf__strdup((const char *)joined.data);
  if (p->card->license == NULL) status = bf__error_memory(p->err, joined.size);
out:
  bf__writer_deinit(&joined);
  free(list.items);
  return status;
}

/* The value of a metric named accuracy, as a share: above 1 it is taken for percent. False: not such a metric. */
static bool accuracy_of(const bf__yaml *yaml, uint32_t metric, double *out) {
  uint32_t type = bf__yaml_get(yaml, metric, "type");
  if (type == 0) type = bf__yaml_get(yaml, metric, "name");
  uint32_t value = bf__yaml_get(yaml, metric, "value");
  if (type == 0 || value == 0) return false;
  const bf__yaml_node *t = &yaml->nodes[type];
  const bf__yaml_node *v = &yaml->nodes[value];
  double number = 0;
  if (t->type != BF__YAML_SCALAR || strcasecmp(t->text, "accuracy") != 0) return false;
  if (v->type != BF__YAML_SCALAR || !bf__number_of(v->text, &number) || number < 0 || number > 100) return false;
  *out = number > 1 ? number / 100 : number;
  return true;
}

static uint32_t first_item(const bf__yaml *yaml, uint32_t index) {
  return index != 0 && yaml->nodes[index].type == BF__YAML_SEQUENCE ? yaml->nodes[index].first : 0;
}

/* The first accuracy of model-index[].results[].metrics[]; NaN: none. */
static double indexed_accuracy(const bf__yaml *yaml) {
  double value = NAN;
  uint32_t model = first_item(yaml, bf__yaml_get(yaml, 0, "model-index"));
  for (; model != 0; model = yaml->nodes[model].next) {
    uint32_t result = first_item(yaml, bf__yaml_get(yaml, model, "results"));
    for (; result != 0; result = yaml->nodes[result].next) {
      uint32_t metric = first_item(yaml, bf__yaml_get(yaml, result, "metrics"));
      for (; metric != 0; metric = yaml->nodes[metric].next)
        if (accuracy_of(yaml, metric, &value)) return value;
    }
  }
  return value;
}

static bf_status take_accuracy(const parser *p, uint32_t block) {
  const char *text = NULL;
  uint32_t where = 0;
  bf_status status = take_text(p, block, "source_accuracy", "bestfit.source_accuracy", &text, &where);
  if (status != BF_OK) return status;
  if (text == NULL) {
    p->card->source_accuracy = indexed_accuracy(&p->card->yaml);
    return BF_OK;
  }
  double value = 0;
  if (!bf__number_of(text, &value) || value < 0 || value > 1)
    return fail(p, where, "bestfit.source_accuracy \"%.40s\" is not a number from 0 to 1", text);
  p->card->source_accuracy = value;
  return BF_OK;
}

static bf_status take_task(const parser *p, uint32_t block) {
  const char *pipeline = NULL;
  uint32_t where = 0;
  bf_card *card = p->card;
  bf_status status = take_text(p, 0, "pipeline_tag", "pipeline_tag", &pipeline, &where);
  if (status == BF_OK) status = take_text(p, block, "task", "bestfit.task", &card->task, &where);
  if (status != BF_OK) return status;
  if (card->task == NULL) card->task = pipeline != NULL ? task_of_pipeline(pipeline) : "classification";
  if (!bf__is_task(card->task))
    return fail(p, where, "bestfit.task \"%.40s\" is not known; use one of %s", card->task, bf__known_tasks);
  return BF_OK;
}

static bf_status take_block(const parser *p) {
  bf_status status = BF_OK;
  bf_card *card = p->card;
  uint32_t block = 0;
  uint32_t input = 0;
  uint32_t output = 0;
  uint32_t where = 0;
  const char *summary = NULL;
  bf_kind kind;
  BF_TRY(take_mapping(p, 0, "bestfit", "bestfit", &block));
  if (block == 0) block = UINT32_MAX; /* 0 would be the root */
  BF_TRY(take_text(p, block, "name", "bestfit.name", &card->name, &where));
  bf_error why = {0};
  if (card->name != NULL && bf__check_name(card->name, &why) != BF_OK) {
    status = fail(p, where, "bestfit.%s", why.message);
    goto out;
  }
  BF_TRY(take_task(p, block));
  BF_TRY(take_text(p, block, "domain", "bestfit.domain", &card->domain, &where));
  BF_TRY(take_text(p, block, "summary", "bestfit.summary", &summary, &where));
  BF_TRY(take_accuracy(p, block));
  BF_TRY(take_mapping(p, block, "input", "bestfit.input", &input));
  if (input == 0) input = UINT32_MAX;
  BF_TRY(take_text(p, input, "kind", "bestfit.input.kind", &card->input_kind, &where));
  if (card->input_kind != NULL && bf_kind_find(card->input_kind, &kind, &why) != BF_OK) {
    status = fail(p, where, "bestfit.input.kind: %s", why.message);
    goto out;
  }
  BF_TRY(take_list(p, input, "columns", "bestfit.input.columns", &card->columns));
  BF_TRY(take_mapping(p, block, "output", "bestfit.output", &output));
  if (output == 0) output = UINT32_MAX;
  BF_TRY(take_text(p, output, "kind", "bestfit.output.kind", &card->output_kind, &where));
  BF_TRY(take_text(p, output, "name", "bestfit.output.name", &card->output_name, &where));
  BF_TRY(take_list(p, output, "classes", "bestfit.output.classes", &card->classes));
  if (summary != NULL) {
    card->summary = bf__fold(summary, strlen(summary));
    if (card->summary == NULL) status = bf__error_memory(p->err, strlen(summary));
  }
out:
  return status;
}

bf_status bf_card_parse(const char *bytes, size_t n_bytes, bf_card **out, bf_error *err) {
  bf_status status = BF_OK;
  parser p = {.bytes = bytes, .err = err};
  bf_card *card = NULL;
  bf__error_clear(err);
  *out = NULL;
  BF_TRY(bf__card_split(bytes, n_bytes, &p.parts, err));
  if (!p.parts.has_front_matter) {
    status =
        bf__error_at(err, BF_ERR_FORMAT, 0,
                     "card: line 1: no front matter; a card starts with --- and YAML, see docs/formats/model-card.md");
    goto out;
  }
  p.card = card = bf__alloc(1, sizeof *card);
  if (card == NULL) {
    status = bf__error_memory(err, sizeof *card);
    goto out;
  }
  card->source_accuracy = NAN;
  BF_TRY(bf__yaml_parse(bytes + p.parts.yaml, p.parts.yaml_end - p.parts.yaml, 2, p.parts.yaml, &card->yaml, err));
  if (card->yaml.n > 0 && card->yaml.nodes[0].type != BF__YAML_MAPPING && !bf__yaml_is_null(&card->yaml.nodes[0])) {
    status = fail(&p, 0, "the front matter must be a mapping of keys to values");
    goto out;
  }
  BF_TRY(take_license(&p));
  BF_TRY(take_list(&p, 0, "tags", "tags", &card->tags));
  BF_TRY(take_block(&p));
  if (card->summary == NULL) card->summary = bf__first_paragraph(bytes + p.parts.body, n_bytes - p.parts.body);
  if (card->summary == NULL) {
    status = bf__error_memory(err, BF__CARD_SUMMARY_BYTES);
    goto out;
  }
  *out = card;
  card = NULL;
out:
  bf_card_free(card);
  return status;
}

void bf_card_free(bf_card *card) {
  if (card == NULL) return;
  bf__yaml_deinit(&card->yaml);
  free(card->license);
  free(card->summary);
  free(card->tags.items);
  free(card->columns.items);
  free(card->classes.items);
  free(card);
}

static const char *item_at(const bf__card_list *list, size_t i) {
  return i < list->n ? list->items[i] : NULL;
}

const char *bf_card_name(const bf_card *card) {
  return card->name;
}
const char *bf_card_task(const bf_card *card) {
  return card->task;
}
const char *bf_card_domain(const bf_card *card) {
  return card->domain;
}
const char *bf_card_license(const bf_card *card) {
  return card->license;
}
const char *bf_card_summary(const bf_card *card) {
  return card->summary;
}
double bf_card_source_accuracy(const bf_card *card) {
  return card->source_accuracy;
}
const char *bf_card_input_kind(const bf_card *card) {
  return card->input_kind;
}
size_t bf_card_tag_count(const bf_card *card) {
  return card->tags.n;
}
const char *bf_card_tag(const bf_card *card, size_t i) {
  return item_at(&card->tags, i);
}
size_t bf_card_column_count(const bf_card *card) {
  return card->columns.n;
}
const char *bf_card_column(const bf_card *card, size_t i) {
  return item_at(&card->columns, i);
}
const char *bf_card_output_kind(const bf_card *card) {
  return card->output_kind;
}
const char *bf_card_output_name(const bf_card *card) {
  return card->output_name;
}
size_t bf_card_class_count(const bf_card *card) {
  return card->classes.n;
}
const char *bf_card_class(const bf_card *card, size_t i) {
  return item_at(&card->classes, i);
}

bf_status bf_card_check_name(const char *name, bf_error *err) {
  bf__error_clear(err);
  return bf__check_name(name, err);
}
