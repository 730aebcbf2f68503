/* Writing cards.
 *
 * A card belongs to its author: of a base only the lines of the keys that change are replaced, so that comments, order
 * and quoting of everything else stay as they are, byte for byte. Where the front matter is not written one key a line
 * (as
 * `{a: b}`), it is written anew from the tree: all keys stay, comments are lost. Either way the result is parsed
 * again and compared with what was asked for before it is handed out.
 */
#include <bestfit/card.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/name.h"
#include "model/card_internal.h"

/* The keys at the top that may change. */
enum { KEY_LICENSE, KEY_TAGS, KEY_BESTFIT, KEY_COUNT };
static const char *const top_keys[KEY_COUNT] = {"license", "tags", "bestfit"};

typedef struct writer {
  const bf_card_fields *fields;
  const char *base;
  size_t base_bytes;
  bf__card_parts parts;
  bf_card *card;       /* of the base; NULL: none */
  const char *summary; /* to be written into the block; NULL: not */
  char accuracy[32];   /* "" : not said */
  bool change[KEY_COUNT];
} writer;

static bool is_said(const char *text) {
  return text != NULL && text[0] != 0;
}

/* ------------------------------------------------------------------ what is asked for */

static bf_status check_text(const char *what, const char *text, bf_error *err) {
  if (text == NULL || bf__utf8_check(text, strlen(text)) == strlen(text)) return BF_OK;
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "card: %s is not UTF-8 text", what);
}

static bf_status check_list(const char *what, const char *const *items, size_t n, bf_error *err) {
  if (n > 0 && items == NULL) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "card: %s: a number without a list", what);
  for (size_t i = 0; i < n; ++i) {
    if (!is_said(items[i])) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "card: %s: entry %zu is empty", what, i + 1);
    bf_status status = check_text(what, items[i], err);
    if (status != BF_OK) return status;
  }
  return BF_OK;
}

static bf_status check_fields(const bf_card_fields *f, bf_error *err) {
  bf_status status = BF_OK;
  bf_kind kind;
  if (is_said(f->name)) BF_TRY(bf__check_name(f->name, err));
  if (is_said(f->task) && !bf__is_task(f->task)) {
    status =
        bf__error(err, BF_ERR_INVALID_ARGUMENT, "task \"%.40s\" is not known; use one of %s", f->task, bf__known_tasks);
    goto out;
  }
  if (!isnan(f->source_accuracy) && !(f->source_accuracy >= 0 && f->source_accuracy <= 1)) {
    status = bf__error(err, BF_ERR_INVALID_ARGUMENT, "source accuracy %g is not from 0 to 1", f->source_accuracy);
    goto out;
  }
  if (is_said(f->input_kind) && bf_kind_find(f->input_kind, &kind, err) != BF_OK) {
    status = BF_ERR_INVALID_ARGUMENT;
    if (err != NULL) err->code = status;
    goto out;
  }
  BF_TRY(check_text("domain", f->domain, err));
  BF_TRY(check_text("license", f->license, err));
  BF_TRY(check_text("summary", f->summary, err));
  BF_TRY(check_list("tags", f->tags, f->n_tags, err));
  BF_TRY(check_list("classes", f->classes, f->n_classes, err));
out:
  return status;
}

/* The shortest decimal that reads back as the same number, with a point in every locale. */
static void format_number(double value, char out[32]) {
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  locale_t before = c != (locale_t)0 ? uselocale(c) : (locale_t)0;
  for (int digits = 1; digits <= 17; ++digits) {
    double back = 0;
    snprintf(out, 32, "%.*g", digits, value);
    if (bf__number_of(out, &back) && back == value) break;
  }
  if (c != (locale_t)0) {
    uselocale(before);
    freelocale(c);
  }
}

/* Whether a text gets through the body as its first paragraph. */
static bool reads_back_from_body(const char *folded) {
  char *back = bf__first_paragraph(folded, strlen(folded));
  bool same = back != NULL && strcmp(back, folded) == 0;
  free(back);
  return same;
}

/* ------------------------------------------------------------------ emitting */

static void put_list(bf__yaml_out *out, const char *const *items, size_t n) {
  bf__yaml_put_sequence(out, true);
  for (size_t i = 0; i < n; ++i) bf__yaml_put_text(out, items[i]);
  bf__yaml_put_end(out);
}

/* The value that the fields give a key of the block; false: none. */
static bool put_block_value(const writer *w, bf__yaml_out *out, const char *key) {
  const bf_card_fields *f = w->fields;
  if (strcmp(key, "source_accuracy") == 0) {
    if (w->accuracy[0] == 0) return false;
    if (out != NULL) bf__yaml_put_raw(out, w->accuracy);
    return true;
  }
  const char *text = strcmp(key, "name") == 0      ? f->name
                     : strcmp(key, "task") == 0    ? f->task
                     : strcmp(key, "domain") == 0  ? f->domain
                     : strcmp(key, "summary") == 0 ? w->summary
                                                   : NULL;
  if (!is_said(text)) return false;
  if (out != NULL) bf__yaml_put_text(out, text);
  return true;
}

/* `input` with its kind, or `output` with its classes; the other keys of the base stay. */
static void put_part(const writer *w, bf__yaml_out *out, uint32_t base, bool input) {
  const bf__yaml *yaml = w->card != NULL ? &w->card->yaml : NULL;
  const char *changed = input ? "kind" : "classes";
  bool is_mapping = base != 0 && yaml->nodes[base].type == BF__YAML_MAPPING;
  bool done = false;
  bf__yaml_put_mapping(out, is_mapping ? yaml->nodes[base].flow : true);
  uint32_t key = is_mapping ? yaml->nodes[base].first : 0;
  for (;;) {
    bool at_end = key == 0;
    if (at_end && done) break;
    if (at_end || strcmp(yaml->nodes[key].text, changed) == 0) {
      bf__yaml_put_text(out, changed);
      if (input)
        bf__yaml_put_text(out, w->fields->input_kind);
      else
        put_list(out, w->fields->classes, w->fields->n_classes);
      done = true;
      if (at_end) break;
    } else {
      bf__yaml_put_node(out, yaml, key);
      bf__yaml_put_node(out, yaml, yaml->nodes[key].next);
    }
    key = yaml->nodes[yaml->nodes[key].next].next;
  }
  bf__yaml_put_end(out);
}

/* Writes one key of the block from the fields; false: the fields do not say it. */
static bool put_block_key(const writer *w, bf__yaml_out *out, const char *key, uint32_t base) {
  bool input = strcmp(key, "input") == 0 && is_said(w->fields->input_kind);
  bool output = strcmp(key, "output") == 0 && w->fields->n_classes > 0;
  if (!input && !output && !put_block_value(w, NULL, key)) return false;
  bf__yaml_put_text(out, key);
  if (input || output)
    put_part(w, out, base, input);
  else
    (void)put_block_value(w, out, key);
  return true;
}

/* The merged block: the base's keys in their order, then what is new. */
static void put_block(const writer *w, bf__yaml_out *out) {
  static const char *const keys[] = {"name", "task", "domain", "summary", "input", "output", "source_accuracy"};
  const bf__yaml *yaml = w->card != NULL ? &w->card->yaml : NULL;
  uint32_t block = yaml != NULL ? bf__yaml_get(yaml, 0, "bestfit") : 0;
  bool is_mapping = block != 0 && yaml->nodes[block].type == BF__YAML_MAPPING;
  bf__yaml_put_mapping(out, is_mapping && yaml->nodes[block].flow);
  for (uint32_t key = is_mapping ? yaml->nodes[block].first : 0; key != 0;) {
    uint32_t value = yaml->nodes[key].next;
    if (!put_block_key(w, out, yaml->nodes[key].text, value)) {
      bf__yaml_put_node(out, yaml, key);
      bf__yaml_put_node(out, yaml, value);
    }
    key = yaml->nodes[value].next;
  }
  for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i)
    if (!is_mapping || bf__yaml_get(yaml, block, keys[i]) == 0) (void)put_block_key(w, out, keys[i], 0);
  bf__yaml_put_end(out);
}

static void put_top(const writer *w, bf__yaml_out *out, int key) {
  bf__yaml_put_text(out, top_keys[key]);
  if (key == KEY_LICENSE)
    bf__yaml_put_text(out, w->fields->license);
  else if (key == KEY_TAGS)
    put_list(out, w->fields->tags, w->fields->n_tags);
  else
    put_block(w, out);
}

/* ------------------------------------------------------------------ editing by lines */

typedef struct edit {
  size_t from, to;
  int key;
} edit;

/* The lines of a key in the base. False: it does not start its line, so that lines cannot be exchanged. */
static bool lines_of(const writer *w, const char *name, size_t *from, size_t *to) {
  const bf__yaml *yaml = &w->card->yaml;
  const char *yaml_bytes = w->base + w->parts.yaml;
  size_t n = w->parts.yaml_end - w->parts.yaml;
  uint32_t key = yaml->nodes[0].first;
  while (strcmp(yaml->nodes[key].text, name) != 0) key = yaml->nodes[yaml->nodes[key].next].next;
  uint32_t next = yaml->nodes[yaml->nodes[key].next].next;
  if (yaml->nodes[key].column != 0 || (next != 0 && yaml->nodes[next].column != 0)) return false;
  *from = w->parts.yaml + bf__utf8_byte_of(yaml_bytes, n, yaml->nodes[key].character);
  *to = next == 0 ? w->parts.yaml_end : w->parts.yaml + bf__utf8_byte_of(yaml_bytes, n, yaml->nodes[next].character);
  /* Blank lines and comments before the next key are about that key. */
  while (*to > *from) {
    size_t line = *to - 1;
    while (line > *from && w->base[line - 1] != '\n') --line;
    char first = w->base[line];
    bool blank = first == '\n' || (first == '\r' && line + 1 < *to && w->base[line + 1] == '\n');
    if (line <= *from || (first != '#' && !blank)) break;
    *to = line;
  }
  return true;
}

static bool plan_edits(const writer *w, edit edits[KEY_COUNT], size_t *n) {
  const bf__yaml *yaml = &w->card->yaml;
  bool mapping = yaml->n > 0 && yaml->nodes[0].type == BF__YAML_MAPPING;
  *n = 0;
  if (yaml->n > 0 && (!mapping || yaml->nodes[0].flow || yaml->nodes[0].column != 0)) return false;
  for (int key = 0; key < KEY_COUNT; ++key) {
    if (!w->change[key]) continue;
    edit e = {.from = w->parts.yaml_end, .to = w->parts.yaml_end, .key = key};
    if (mapping && bf__yaml_get(yaml, 0, top_keys[key]) != 0 && !lines_of(w, top_keys[key], &e.from, &e.to))
      return false;
    size_t at = (*n)++;
    for (; at > 0 && edits[at - 1].from > e.from; --at) edits[at] = edits[at - 1];
    edits[at] = e;
  }
  return true;
}

/* One key as YAML lines. */
static bf_status write_key(const writer *w, int key, bf__writer *to, bf_error *err) {
  bf__yaml_out *out = NULL;
  const char *bytes = NULL;
  size_t n = 0;
  bf_status status = bf__yaml_out_create(w->parts.crlf, &out, err);
  if (status != BF_OK) return status;
  bf__yaml_put_mapping(out, false);
  put_top(w, out, key);
  bf__yaml_put_end(out);
  status = bf__yaml_out_finish(out, &bytes, &n, err);
  if (status == BF_OK) bf__write(to, bytes, n);
  bf__yaml_out_free(out);
  return status;
}

static bf_status write_by_lines(const writer *w, const edit *edits, size_t n_edits, bf__writer *to, bf_error *err) {
  size_t at = 0;
  for (size_t i = 0; i < n_edits; ++i) {
    bf__write(to, w->base + at, edits[i].from - at);
    bf_status status = write_key(w, edits[i].key, to, err);
    if (status != BF_OK) return status;
    at = edits[i].to;
  }
  bf__write(to, w->base + at, w->base_bytes - at);
  return BF_OK;
}

/* ------------------------------------------------------------------ writing anew */

static void put_front_matter(const writer *w, bf__yaml_out *out) {
  const bf__yaml *yaml = w->card != NULL ? &w->card->yaml : NULL;
  bool done[KEY_COUNT] = {false};
  bf__yaml_put_mapping(out, false);
  bool mapping = yaml != NULL && yaml->n > 0 && yaml->nodes[0].type == BF__YAML_MAPPING;
  for (uint32_t key = mapping ? yaml->nodes[0].first : 0; key != 0;) {
    uint32_t value = yaml->nodes[key].next;
    int which = KEY_COUNT;
    for (int i = 0; i < KEY_COUNT; ++i)
      if (w->change[i] && strcmp(yaml->nodes[key].text, top_keys[i]) == 0) which = i;
    if (which < KEY_COUNT) {
      put_top(w, out, which);
      done[which] = true;
    } else {
      bf__yaml_put_node(out, yaml, key);
      bf__yaml_put_node(out, yaml, value);
    }
    key = yaml->nodes[value].next;
  }
  for (int i = 0; i < KEY_COUNT; ++i)
    if (w->change[i] && !done[i]) put_top(w, out, i);
  bf__yaml_put_end(out);
}

static bf_status write_anew(const writer *w, bf__writer *to, bf_error *err) {
  bf__yaml_out *out = NULL;
  const char *bytes = NULL;
  size_t n = 0;
  const char *end = w->parts.crlf ? "\r\n" : "\n";
  bf_status status = bf__yaml_out_create(w->parts.crlf, &out, err);
  if (status != BF_OK) return status;
  put_front_matter(w, out);
  status = bf__yaml_out_finish(out, &bytes, &n, err);
  if (status == BF_OK) {
    bf__write(to, "---", 3);
    bf__write(to, end, strlen(end));
    bf__write(to, bytes, n);
    bf__write(to, "---", 3);
    bf__write(to, end, strlen(end));
    if (w->base_bytes > 0) {
      size_t body = w->parts.body;
      if (!w->parts.has_front_matter && w->base_bytes >= 3 && memcmp(w->base, "\xEF\xBB\xBF", 3) == 0) body = 3;
      bf__write(to, w->base + body, w->base_bytes - body);
    } else {
      const char *title = is_said(w->fields->name) ? w->fields->name : "Model";
      bf__write(to, "\n# ", 3);
      bf__write(to, title, strlen(title));
      bf__write(to, "\n", 1);
    }
  }
  bf__yaml_out_free(out);
  return status;
}

/* ------------------------------------------------------------------ the whole */

static bool same_text(const char *wanted, const char *found) {
  return !is_said(wanted) || (found != NULL && strcmp(wanted, found) == 0);
}

static bool same_list(const char *const *wanted, size_t n, const bf__card_list *found) {
  if (n == 0) return true;
  if (n != found->n) return false;
  for (size_t i = 0; i < n; ++i)
    if (strcmp(wanted[i], found->items[i]) != 0) return false;
  return true;
}

/* Whether a card says what was asked for. BF_ERR_LIMIT and BF_ERR_MEMORY are worth telling; else it must be written
 * otherwise. */
static bf_status check_result(const writer *w, const bf__writer *result, bool *good, bf_error *err) {
  const bf_card_fields *f = w->fields;
  bf_card *card = NULL;
  *good = false;
  bf_status status = bf_card_parse((const char *)result->data, result->size, &card, err);
  if (status == BF_OK)
    *good = same_text(f->name, card->name) && same_text(f->task, card->task) && same_text(f->domain, card->domain) &&
            same_text(f->license, card->license) && same_text(f->input_kind, card->input_kind) &&
            (isnan(f->source_accuracy) || card->source_accuracy == f->source_accuracy) &&
            same_list(f->tags, f->n_tags, &card->tags) && same_list(f->classes, f->n_classes, &card->classes);
  bf_card_free(card);
  return status == BF_ERR_LIMIT || status == BF_ERR_MEMORY ? status : BF_OK;
}

static bf_status write_card(const writer *w, bf__writer *result, bf_error *err) {
  bf_status status = BF_OK;
  edit edits[KEY_COUNT];
  size_t n_edits = 0;
  bool good = false;
  bool by_lines = w->card != NULL && plan_edits(w, edits, &n_edits);
  for (int anew = by_lines ? 0 : 1; anew < 2 && !good; ++anew) {
    result->size = 0;
    status = anew ? write_anew(w, result, err) : write_by_lines(w, edits, n_edits, result, err);
    if (status != BF_OK) return status;
    if (result->failed) return bf__error_memory(err, result->size);
    status = check_result(w, result, &good, err);
    if (status != BF_OK) return status;
  }
  if (good) return BF_OK;
  return bf__error(err, BF_ERR_INTERNAL, "card: the front matter could not be rewritten; edit it by hand");
}

/* Decides where the summary goes: into the body of a new card where it reads back from there, else into the block. */
static bf_status place_summary(writer *w, const bf_card_fields *f, char **folded, bool *into_body, bf_error *err) {
  *into_body = false;
  if (!is_said(f->summary)) return BF_OK;
  *folded = bf__fold(f->summary, strlen(f->summary));
  if (*folded == NULL) return bf__error_memory(err, strlen(f->summary));
  if (w->card != NULL && strcmp(w->card->summary, *folded) == 0) return BF_OK;
  *into_body = w->base_bytes == 0 && reads_back_from_body(*folded);
  if (!*into_body && (*folded)[0] != 0) w->summary = *folded;
  return BF_OK;
}

static bool block_changes(const writer *w) {
  const bf_card_fields *f = w->fields;
  return w->card == NULL || is_said(f->name) || is_said(f->task) || is_said(f->domain) || w->summary != NULL ||
         is_said(f->input_kind) || w->accuracy[0] != 0 || f->n_classes > 0;
}

bf_status bf_card_write(const char *base, size_t base_bytes, const bf_card_fields *given, char **out, size_t *out_bytes,
                        bf_error *err) {
  bf_status status = BF_OK;
  bf_card_fields fields = BF_CARD_FIELDS_INIT;
  writer w = {.fields = &fields, .base = base, .base_bytes = base == NULL ? 0 : base_bytes};
  bf__writer result = {0};
  char *folded = NULL;
  bool into_body = false;
  bf__error_clear(err);
  *out = NULL;
  *out_bytes = 0;
  if (given == NULL || given->struct_size < sizeof(size_t))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_card_fields is not initialised: use BF_CARD_FIELDS_INIT");
  memcpy(&fields, given, given->struct_size < sizeof fields ? given->struct_size : sizeof fields);
  BF_TRY(check_fields(&fields, err));
  BF_TRY(bf__card_split(base, w.base_bytes, &w.parts, err));
  if (w.parts.has_front_matter) BF_TRY(bf_card_parse(base, base_bytes, &w.card, err));
  if (!isnan(fields.source_accuracy)) format_number(fields.source_accuracy, w.accuracy);
  BF_TRY(place_summary(&w, &fields, &folded, &into_body, err));
  w.change[KEY_LICENSE] = is_said(fields.license);
  w.change[KEY_TAGS] = fields.n_tags > 0;
  w.change[KEY_BESTFIT] = block_changes(&w);
  BF_TRY(write_card(&w, &result, err));
  if (into_body) {
    bf__write(&result, "\n", 1);
    bf__write(&result, folded, strlen(folded));
    bf__write(&result, "\n", 1);
  }
  size_t n = result.size;
  bf__write_u8(&result, 0); /* so that a caller may print it */
  if (result.failed) {
    status = bf__error_memory(err, result.size);
    goto out;
  }
  *out = (char *)result.data;
  *out_bytes = n;
  result = (bf__writer){0};
out:
  bf__writer_deinit(&result);
  free(folded);
  bf_card_free(w.card);
  return status;
}
