/* Names of the files that an ONNX file refers to.
 *
 * ONNX is protobuf: fields of a number, a wire type and a value, nested by length. Only the path to tensors is walked,
 * by the table below (numbers of onnx.proto); every other field is passed over by its length. Nothing is copied but the
 * names, nothing is allocated by a size that the file declares.
 */
#include <bestfit/model.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/parse.h"

#define MOST_NAMES 1024u
#define MOST_NAME_BYTES 1024u
#define MOST_DEPTH 96u /* messages in each other; a graph in a graph takes three */

typedef enum message_sort { MODEL, TRAINING, GRAPH, FUNCTION, NODE, ATTRIBUTE, SPARSE, TENSOR } message_sort;

typedef struct step {
  message_sort from;
  uint64_t field;
  message_sort to;
} step;

static const step STEPS[] = {
    {MODEL, 7, GRAPH},       {MODEL, 20, TRAINING},     {MODEL, 25, FUNCTION},  {TRAINING, 1, GRAPH},
    {TRAINING, 2, GRAPH},    {GRAPH, 1, NODE},          {GRAPH, 5, TENSOR},     {GRAPH, 15, SPARSE},
    {FUNCTION, 7, NODE},     {FUNCTION, 11, ATTRIBUTE}, {NODE, 5, ATTRIBUTE},   {ATTRIBUTE, 5, TENSOR},
    {ATTRIBUTE, 6, GRAPH},   {ATTRIBUTE, 10, TENSOR},   {ATTRIBUTE, 11, GRAPH}, {ATTRIBUTE, 22, SPARSE},
    {ATTRIBUTE, 23, SPARSE}, {SPARSE, 1, TENSOR},       {SPARSE, 2, TENSOR},
};
enum { TENSOR_EXTERNAL_DATA = 13, TENSOR_DATA_LOCATION = 14, LOCATION_EXTERNAL = 1, ENTRY_KEY = 1, ENTRY_VALUE = 2 };

typedef struct walk {
  char **names; /* ascending */
  size_t n_names;
  bool has_graph;
  bf_error *err;
} walk;

/* ---- the wire ---- */

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

typedef struct field {
  uint64_t number;
  unsigned wire;
  uint64_t value;  /* varint */
  bf__reader body; /* bytes: a reader of them that counts positions from the start of the file */
} field;

static bf_status cut(const bf__reader *r, bf_error *err) {
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)r->position, "not an ONNX file, or cut");
}

static bf_status next_field(bf__reader *r, field *out, bf_error *err) {
  size_t start = r->position;
  uint64_t key = bf__read_varint(r);
  *out = (field){.number = key >> 3, .wire = (unsigned)(key & 7)};
  bool known = true;
  if (out->wire == WIRE_VARINT) {
    out->value = bf__read_varint(r);
  } else if (out->wire == WIRE_64) {
    (void)bf__read(r, 8);
  } else if (out->wire == WIRE_32) {
    (void)bf__read(r, 4);
  } else if (out->wire == WIRE_BYTES) {
    uint64_t n = bf__read_varint(r);
    if (n > bf__reader_left(r)) return cut(r, err);
    out->body = *r;
    out->body.size = r->position + (size_t)n;
    (void)bf__read(r, (size_t)n);
  } else {
    known = false;
  }
  if (r->failed || !known || out->number == 0) {
    r->position = start;
    return cut(r, err);
  }
  return BF_OK;
}

/* ---- names ---- */

static bool is_separator(char c) {
  return c == '/' || c == '\\';
}

/* Whether a path stays in the folder: relative, and no part of it is "..". */
static bool stays(const char *name) {
  if (is_separator(name[0]) || strchr(name, ':') != NULL) return false;
  for (const char *part = name; *part != 0;) {
    size_t n = strcspn(part, "/\\");
    if (n == 2 && part[0] == '.' && part[1] == '.') return false;
    part += n + (part[n] != 0);
  }
  return true;
}

static bf_status add_name(walk *w, const bf__reader *value) {
  size_t n = bf__reader_left(value); /* 0, and no data, for an entry without a value */
  const char *bytes = n > 0 ? (const char *)value->data + value->position : "";
  char name[MOST_NAME_BYTES + 1];
  if (n == 0 || n > MOST_NAME_BYTES || memchr(bytes, 0, n) != NULL || bf__utf8_check(bytes, n) != n)
    return bf__error_at(w->err, BF_ERR_INVALID_ARGUMENT, (int64_t)value->position,
                        "the name of an external file is not text of 1 to %u bytes", MOST_NAME_BYTES);
  memcpy(name, bytes, n);
  name[n] = 0;
  for (size_t i = 0; i < n; ++i)
    if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F)
      return bf__error_at(w->err, BF_ERR_INVALID_ARGUMENT, (int64_t)value->position,
                          "the name of an external file holds control characters");
  if (!stays(name))
    return bf__error_at(w->err, BF_ERR_INVALID_ARGUMENT, (int64_t)value->position,
                        "the model wants the external file \"%.100s\"; only files in its own folder are read", name);
  size_t low = 0;
  size_t high = w->n_names;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = strcmp(w->names[middle], name);
    if (order == 0) return BF_OK;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  if (w->n_names == MOST_NAMES)
    return bf__error(w->err, BF_ERR_LIMIT, "the model refers to more than %u external files", MOST_NAMES);
  char **names = bf__realloc(w->names, w->n_names + 1, sizeof *names);
  if (names != NULL) w->names = names;
  char *copy = names != NULL ? bf__strndup(name, n) : NULL;
  if (copy == NULL) return bf__error_memory(w->err, n + sizeof *names);
  memmove(names + low + 1, names + low, (w->n_names - low) * sizeof *names);
  names[low] = copy;
  w->n_names++;
  return BF_OK;
}

/* ---- the walk ---- */

/* One entry of external_data: a key and a value, in any order. */
static bf_status read_entry(walk *w, bf__reader r) {
  bf_status status = BF_OK;
  field f;
  bool is_location = false;
  bf__reader value = {0};
  while (bf__reader_left(&r) > 0) {
    BF_TRY(next_field(&r, &f, w->err));
    if (f.wire != WIRE_BYTES) continue;
    if (f.number == ENTRY_VALUE) value = f.body;
    if (f.number == ENTRY_KEY)
      is_location = bf__reader_left(&f.body) == 8 && memcmp(f.body.data + f.body.position, "location", 8) == 0;
  }
  if (is_location) status = add_name(w, &value);
out:
  return status;
}

/* Twice: whether the tensor's data are external is said behind or before the entries. */
static bf_status read_tensor(walk *w, bf__reader r) {
  bf_status status = BF_OK;
  field f;
  bool is_external = false;
  for (bf__reader first = r; bf__reader_left(&first) > 0;) {
    BF_TRY(next_field(&first, &f, w->err));
    if (f.number == TENSOR_DATA_LOCATION && f.wire == WIRE_VARINT) is_external = f.value == LOCATION_EXTERNAL;
  }
  while (is_external && bf__reader_left(&r) > 0) {
    BF_TRY(next_field(&r, &f, w->err));
    if (f.number == TENSOR_EXTERNAL_DATA && f.wire == WIRE_BYTES) BF_TRY(read_entry(w, f.body));
  }
out:
  return status;
}

static const step *step_of(message_sort from, const field *f) {
  for (size_t i = 0; f->wire == WIRE_BYTES && i < sizeof STEPS / sizeof *STEPS; ++i)
    if (STEPS[i].from == from && STEPS[i].field == f->number) return &STEPS[i];
  return NULL;
}

/* Messages within messages, on a stack of our own: the file does not decide how deep ours gets. */
static bf_status walk_model(walk *w, bf__reader model) {
  struct {
    message_sort sort;
    bf__reader r;
  } stack[MOST_DEPTH] = {{.sort = MODEL, .r = model}};
  size_t depth = 1;
  bf_status status = BF_OK;
  field f;
  while (depth > 0) {
    bf__reader *r = &stack[depth - 1].r;
    if (bf__reader_left(r) == 0) {
      --depth;
      continue;
    }
    BF_TRY(next_field(r, &f, w->err));
    const step *next = step_of(stack[depth - 1].sort, &f);
    if (next == NULL) continue;
    if (next->to == GRAPH) w->has_graph = true;
    if (next->to == TENSOR) {
      BF_TRY(read_tensor(w, f.body));
    } else if (depth == MOST_DEPTH) {
      status = bf__error_at(w->err, BF_ERR_LIMIT, (int64_t)f.body.position, "the model's graphs are nested too deep");
      goto out;
    } else {
      stack[depth].sort = next->to;
      stack[depth++].r = f.body;
    }
  }
  if (!w->has_graph) status = bf__error_at(w->err, BF_ERR_FORMAT, 0, "not an ONNX file: it has no graph");
out:
  return status;
}

bf_status bf_model_external_files(const uint8_t *model, size_t n_bytes, char ***names, size_t *n_names, bf_error *err) {
  walk w = {.err = err};
  bf__error_clear(err);
  *names = NULL;
  *n_names = 0;
  bf_status status = walk_model(&w, bf__reader_of(model, n_bytes));
  if (status != BF_OK) {
    bf_model_names_free(w.names, w.n_names);
    return status;
  }
  *names = w.names;
  *n_names = w.n_names;
  return BF_OK;
}

void bf_model_names_free(char **names, size_t n_names) {
  for (size_t i = 0; i < n_names; ++i) free(names[i]);
  free(names);
}
