/* YAML in and out, by libyaml's events.
 *
 * YAML from strangers is dangerous where it refers to itself: a few lines of aliases expand to gigabytes. Cards need
 * neither anchors nor aliases, so they are refused, and depth and number of nodes are bounded besides. Keys that occur
 * twice are refused too: readers differ in which one they take.
 *
 * A value keeps its text: whether `1e3` is a number is for its reader to say, and a class named `no` stays "no". What
 * we write is quoted unless it is a bare word that no YAML version takes for anything but text.
 */
#include "model/card_yaml.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/memory.h"

/* ------------------------------------------------------------------ in */

typedef struct frame {
  uint32_t node, last;
  size_t n_children;
} frame;

typedef struct reader {
  const char *bytes;
  size_t n, first_line, first_byte;
  bf__yaml *yaml;
  frame stack[BF__YAML_MAX_DEPTH];
  size_t depth;
} reader;

size_t bf__utf8_byte_of(const char *bytes, size_t n, size_t character) {
  size_t i = 0;
  for (; i < n; ++i) {
    if (((unsigned char)bytes[i] & 0xC0) == 0x80) continue;
    if (character == 0) break;
    --character;
  }
  return i;
}

static bf_status fail_at(const reader *r, bf_status code, const yaml_mark_t *mark, const char *what, bf_error *err) {
  size_t byte = bf__utf8_byte_of(r->bytes, r->n, mark->index);
  return bf__error_at(err, code, (int64_t)(r->first_byte + byte), "card: line %zu: %s", r->first_line + mark->line,
                      what);
}

static bf_status parser_error(const reader *r, const yaml_parser_t *parser, bf_error *err) {
  if (parser->error == YAML_MEMORY_ERROR) return bf__error(err, BF_ERR_MEMORY, "out of memory reading a card");
  const char *what = parser->problem != NULL ? parser->problem : "not YAML";
  if (parser->error != YAML_READER_ERROR) return fail_at(r, BF_ERR_FORMAT, &parser->problem_mark, what, err);
  size_t byte = parser->problem_offset < r->n ? parser->problem_offset : r->n;
  size_t line = r->first_line;
  for (size_t i = 0; i < byte; ++i) line += r->bytes[i] == '\n';
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)(r->first_byte + byte), "card: line %zu: %s", line, what);
}

/* Appends a node and hangs it below the innermost collection. */
static bf_status append(reader *r, const yaml_event_t *event, bf__yaml_type type, uint32_t *out, bf_error *err) {
  bf__yaml *yaml = r->yaml;
  const yaml_mark_t *mark = &event->start_mark;
  if (yaml->n == BF__YAML_MAX_NODES)
    return fail_at(r, BF_ERR_LIMIT, mark, "more than 131072 values; shorten the card", err);
  if (r->depth == 0 && yaml->n > 0) return fail_at(r, BF_ERR_FORMAT, mark, "a second document", err);
  if (yaml->n == yaml->capacity) {
    size_t capacity = yaml->capacity == 0 ? 64 : 2 * yaml->capacity;
    bf__yaml_node *grown = bf__realloc(yaml->nodes, capacity, sizeof *grown);
    if (grown == NULL) return bf__error_memory(err, capacity * sizeof *grown);
    yaml->nodes = grown;
    yaml->capacity = capacity;
  }
  uint32_t index = (uint32_t)yaml->n;
  if (r->depth > 0) {
    frame *top = &r->stack[r->depth - 1];
    if (yaml->nodes[top->node].type == BF__YAML_MAPPING && top->n_children % 2 == 0 && type != BF__YAML_SCALAR)
      return fail_at(r, BF_ERR_FORMAT, mark, "a key that is not text", err);
    if (top->last == 0)
      yaml->nodes[top->node].first = index;
    else
      yaml->nodes[top->last].next = index;
    top->last = index;
    ++top->n_children;
  }
  yaml->nodes[index] =
      (bf__yaml_node){.type = type, .line = mark->line, .column = mark->column, .character = mark->index};
  ++yaml->n;
  *out = index;
  return BF_OK;
}

static bf_status add_scalar(reader *r, const yaml_event_t *event, bf_error *err) {
  uint32_t index = 0;
  bf_status status = append(r, event, BF__YAML_SCALAR, &index, err);
  if (status != BF_OK) return status;
  const char *text = (const char *)event->data.scalar.value;
  size_t n = event->data.scalar.length;
  if (memchr(text, 0, n) != NULL)
    return fail_at(r, BF_ERR_FORMAT, &event->start_mark, "a zero character in a value", err);
  bf__yaml_node *node = &r->yaml->nodes[index];
  node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event->data.scalar.tag == NULL;
  node->text = bf__strndup(text, n);
  return node->text != NULL ? BF_OK : bf__error_memory(err, n);
}

static bf_status push(reader *r, const yaml_event_t *event, bf__yaml_type type, bool flow, bf_error *err) {
  uint32_t index = 0;
  if (r->depth == BF__YAML_MAX_DEPTH)
    return fail_at(r, BF_ERR_LIMIT, &event->start_mark, "nested more than 64 levels deep", err);
  bf_status status = append(r, event, type, &index, err);
  if (status != BF_OK) return status;
  r->yaml->nodes[index].flow = flow;
  r->stack[r->depth++] = (frame){.node = index};
  return BF_OK;
}

static int compare_nodes(const void *a, const void *b) {
  const bf__yaml_node *const *x = a;
  const bf__yaml_node *const *y = b;
  int order = strcmp((*x)->text, (*y)->text);
  if (order != 0) return order;
  return (*x)->character < (*y)->character ? -1 : (*x)->character > (*y)->character;
}

/* Sorted, because a mapping of a hundred thousand keys must not take a hundred thousand squared comparisons. */
static bf_status check_keys(const reader *r, const frame *mapping, bf_error *err) {
  size_t n = mapping->n_children / 2;
  if (n < 2) return BF_OK;
  const bf__yaml_node **keys = bf__alloc(n, sizeof *keys);
  if (keys == NULL) return bf__error_memory(err, n * sizeof *keys);
  size_t i = 0;
  for (uint32_t key = r->yaml->nodes[mapping->node].first; key != 0 && i < n; ++i) {
    keys[i] = &r->yaml->nodes[key];
    key = r->yaml->nodes[r->yaml->nodes[key].next].next;
  }
  qsort(keys, n, sizeof *keys, compare_nodes);
  bf_status status = BF_OK;
  for (i = 1; i < n && status == BF_OK; ++i) {
    if (strcmp(keys[i - 1]->text, keys[i]->text) != 0) continue;
    size_t byte = bf__utf8_byte_of(r->bytes, r->n, keys[i]->character);
    status = bf__error_at(err, BF_ERR_FORMAT, (int64_t)(r->first_byte + byte),
                          "card: line %zu: key \"%.60s\" occurs twice, first in line %zu",
                          r->first_line + keys[i]->line, keys[i]->text, r->first_line + keys[i - 1]->line);
  }
  free(keys);
  return status;
}

static bf_status take_event(reader *r, const yaml_event_t *event, bf_error *err) {
  const yaml_char_t *anchor = NULL;
  switch (event->type) {
    case YAML_SCALAR_EVENT:
      anchor = event->data.scalar.anchor;
      break;
    case YAML_SEQUENCE_START_EVENT:
      anchor = event->data.sequence_start.anchor;
      break;
    case YAML_MAPPING_START_EVENT:
      anchor = event->data.mapping_start.anchor;
      break;
    default:
      break;
  }
  if (anchor != NULL || event->type == YAML_ALIAS_EVENT)
    return fail_at(r, BF_ERR_LIMIT, &event->start_mark,
                   "an anchor or alias (& or *): write the value out, or quote it if it is text", err);
  switch (event->type) {
    case YAML_SCALAR_EVENT:
      return add_scalar(r, event, err);
    case YAML_SEQUENCE_START_EVENT:
      return push(r, event, BF__YAML_SEQUENCE, event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE, err);
    case YAML_MAPPING_START_EVENT:
      return push(r, event, BF__YAML_MAPPING, event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE, err);
    case YAML_SEQUENCE_END_EVENT:
      --r->depth;
      return BF_OK;
    case YAML_MAPPING_END_EVENT:
      --r->depth;
      return check_keys(r, &r->stack[r->depth], err);
    default:
      return BF_OK;
  }
}

bf_status bf__yaml_parse(const char *bytes, size_t n, size_t first_line, size_t first_byte, bf__yaml *out,
                         bf_error *err) {
  reader r = {.bytes = bytes, .n = n, .first_line = first_line, .first_byte = first_byte, .yaml = out};
  yaml_parser_t parser;
  bf_status status = BF_OK;
  bool end = false;
  *out = (bf__yaml){0};
  if (!yaml_parser_initialize(&parser)) return bf__error_memory(err, sizeof parser);
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, n);
  while (status == BF_OK && !end) {
    yaml_event_t event;
    if (!yaml_parser_parse(&parser, &event)) {
      status = parser_error(&r, &parser, err);
      break;
    }
    end = event.type == YAML_STREAM_END_EVENT;
    status = take_event(&r, &event, err);
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  if (status != BF_OK) bf__yaml_deinit(out);
  return status;
}

void bf__yaml_deinit(bf__yaml *yaml) {
  for (size_t i = 0; i < yaml->n; ++i) free(yaml->nodes[i].text);
  free(yaml->nodes);
  *yaml = (bf__yaml){0};
}

uint32_t bf__yaml_get(const bf__yaml *yaml, uint32_t mapping, const char *key) {
  if (mapping >= yaml->n || yaml->nodes[mapping].type != BF__YAML_MAPPING) return 0;
  for (uint32_t at = yaml->nodes[mapping].first; at != 0;) {
    uint32_t value = yaml->nodes[at].next;
    if (strcmp(yaml->nodes[at].text, key) == 0) return value;
    at = yaml->nodes[value].next;
  }
  return 0;
}

bool bf__yaml_is_null(const bf__yaml_node *node) {
  if (node->type != BF__YAML_SCALAR || !node->plain) return false;
  const char *t = node->text;
  return t[0] == 0 || strcmp(t, "~") == 0 || strcmp(t, "null") == 0 || strcmp(t, "Null") == 0 || strcmp(t, "NULL") == 0;
}

/* ------------------------------------------------------------------ out */

struct bf__yaml_out {
  yaml_emitter_t emitter;
  bool failed;
  bf__writer bytes;
  bool is_mapping[BF__YAML_MAX_DEPTH + 8]; /* what put_end ends */
  size_t depth;
};

static int on_bytes(void *context, unsigned char *bytes, size_t n) {
  bf__yaml_out *out = context;
  bf__write(&out->bytes, bytes, n);
  return !out->bytes.failed;
}

/* libyaml takes the event over whether it succeeds or not. `made` tells whether there is one. */
static void emit(bf__yaml_out *out, yaml_event_t *event, int made) {
  if (!made || out->failed) {
    if (made) yaml_event_delete(event);
    out->failed = true;
    return;
  }
  if (!yaml_emitter_emit(&out->emitter, event)) out->failed = true;
}

bf_status bf__yaml_out_create(bool crlf, bf__yaml_out **out, bf_error *err) {
  yaml_event_t event;
  *out = bf__alloc(1, sizeof **out);
  if (*out == NULL) return bf__error_memory(err, sizeof **out);
  bf__yaml_out *o = *out;
  if (!yaml_emitter_initialize(&o->emitter)) {
    free(o);
    *out = NULL;
    return bf__error_memory(err, sizeof *o);
  }
  yaml_emitter_set_output(&o->emitter, on_bytes, o);
  yaml_emitter_set_encoding(&o->emitter, YAML_UTF8_ENCODING);
  yaml_emitter_set_unicode(&o->emitter, 1);
  yaml_emitter_set_width(&o->emitter, -1);
  yaml_emitter_set_break(&o->emitter, crlf ? YAML_CRLN_BREAK : YAML_LN_BREAK);
  emit(o, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
  emit(o, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
  return BF_OK;
}

void bf__yaml_out_free(bf__yaml_out *out) {
  if (out == NULL) return;
  yaml_emitter_delete(&out->emitter);
  bf__writer_deinit(&out->bytes);
  free(out);
}

static void put_scalar(bf__yaml_out *out, const char *text, yaml_scalar_style_t style) {
  yaml_event_t event;
  size_t n = strlen(text);
  int made = n <= INT32_MAX &&
             yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)n, 1, 1, style);
  emit(out, &event, made);
}

/* A letter, then letters, digits and . _ - /, and not a word that some YAML takes for a truth value or nothing. */
static bool is_bare_word(const char *text) {
  static const char *const words[] = {"y",    "n",     "yes",  "no",   "on",  "off",
                                      "true", "false", "null", "none", "nan", "inf"};
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/";
  if (strspn(text, letters) == 0 || text[strspn(text, others)] != 0) return false;
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
    if (strcasecmp(text, words[i]) == 0) return false;
  return true;
}

void bf__yaml_put_text(bf__yaml_out *out, const char *text) {
  put_scalar(out, text, is_bare_word(text) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

void bf__yaml_put_raw(bf__yaml_out *out, const char *text) {
  put_scalar(out, text, YAML_PLAIN_SCALAR_STYLE);
}

static void put_begin(bf__yaml_out *out, bool mapping, bool flow) {
  yaml_event_t event;
  if (out->depth == sizeof out->is_mapping / sizeof *out->is_mapping) {
    out->failed = true;
    return;
  }
  out->is_mapping[out->depth++] = mapping;
  int made = mapping ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                           flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE)
                     : yaml_sequence_start_event_initialize(
                           &event, NULL, NULL, 1, flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
  emit(out, &event, made);
}

void bf__yaml_put_mapping(bf__yaml_out *out, bool flow) {
  put_begin(out, true, flow);
}
void bf__yaml_put_sequence(bf__yaml_out *out, bool flow) {
  put_begin(out, false, flow);
}

void bf__yaml_put_end(bf__yaml_out *out) {
  yaml_event_t event;
  if (out->depth == 0) {
    out->failed = true;
    return;
  }
  bool mapping = out->is_mapping[--out->depth];
  emit(out, &event, mapping ? yaml_mapping_end_event_initialize(&event) : yaml_sequence_end_event_initialize(&event));
}

/* Recursion is bounded: the parser refuses trees deeper than BF__YAML_MAX_DEPTH. */
void bf__yaml_put_node(bf__yaml_out *out, const bf__yaml *yaml, uint32_t index) {
  const bf__yaml_node *node = &yaml->nodes[index];
  if (node->type == BF__YAML_SCALAR) {
    if (bf__yaml_is_null(node))
      bf__yaml_put_raw(out, "null"); /* an empty value inside braces would be written as '' */
    else
      put_scalar(out, node->text, node->plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    return;
  }
  put_begin(out, node->type == BF__YAML_MAPPING, node->flow);
  for (uint32_t child = node->first; child != 0; child = yaml->nodes[child].next) bf__yaml_put_node(out, yaml, child);
  bf__yaml_put_end(out);
}

bf_status bf__yaml_out_finish(bf__yaml_out *out, const char **bytes, size_t *n, bf_error *err) {
  yaml_event_t event;
  emit(out, &event, yaml_document_end_event_initialize(&event, 1));
  emit(out, &event, yaml_stream_end_event_initialize(&event));
  if (!out->failed && !yaml_emitter_flush(&out->emitter)) out->failed = true;
  *bytes = (const char *)out->bytes.data;
  *n = out->bytes.size;
  if (out->bytes.failed || (out->failed && out->emitter.error == YAML_MEMORY_ERROR))
    return bf__error_memory(err, out->bytes.size);
  if (!out->failed) return BF_OK;
  return bf__error(err, BF_ERR_INTERNAL, "cannot write a card: %s",
                   out->emitter.problem != NULL ? out->emitter.problem : "out of memory");
}
