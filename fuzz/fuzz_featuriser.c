/* Texts, tokens, pairs, vocabularies and options from strangers: whatever the bytes, a featuriser fills just its
 * tensors, with ids inside the table and weights that are numbers, or says what is wrong.
 *
 * Input: a line with the kind (h i w t p) and the card's options, then the bytes of the rows, cut at 0x01; for w the
 * first piece is the vocabulary. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_PIECES 16
#define IDS 1u << 26

static void require(bool condition) {
  if (!condition) abort();
}

typedef struct tensors {
  void *block[4];
  bf__element type[4];
  size_t n[4];
} tensors;

static bf_status numbers(void *context, size_t input, bf__element type, const int64_t *dims, uint32_t n_dims,
                         void **out, bf_error *err) {
  tensors *t = context;
  size_t n = 1;
  require(input < 4);
  for (uint32_t i = 0; i < n_dims; i++) n *= (size_t)dims[i];
  if (n * bf__element_bytes(type) > (1 << 22)) return bf__error(err, BF_ERR_LIMIT, "too large for this test");
  free(t->block[input]);
  t->block[input] = malloc(n * bf__element_bytes(type) + 1); /* just so large: the sanitiser watches */
  require(t->block[input] != NULL);
  memset(t->block[input], 0xff, n * bf__element_bytes(type) + 1);
  t->type[input] = type;
  t->n[input] = n;
  *out = t->block[input];
  return BF_OK;
}

static void look(const tensors *t) {
  for (size_t i = 0; i < 4; i++) {
    for (size_t k = 0; k < t->n[i]; k++) {
      if (t->type[i] == BF__ELEMENT_FLOAT32) require(isfinite(((float *)t->block[i])[k]));
      if (t->type[i] == BF__ELEMENT_INT64)
        require(((int64_t *)t->block[i])[k] >= 0 && ((int64_t *)t->block[i])[k] < IDS);
    }
  }
}

static const struct {
  char letter;
  const char *name;
  bf_kind kind;
  size_t n_ports;
  bf__port ports[3];
} kinds[] = {
    {'h', "hashing", BF_KIND_TEXT, 1, {{.name = "x", .type = BF__ELEMENT_FLOAT32, .n_dims = 2, .dims = {-1, -1}}}},
    {'i',
     "hashed-ids",
     BF_KIND_TEXT,
     2,
     {{.name = "i", .type = BF__ELEMENT_INT64, .n_dims = 2, .dims = {-1, -1}},
      {.name = "w", .type = BF__ELEMENT_FLOAT32, .n_dims = 2, .dims = {-1, -1}}}},
    {'w',
     "wordpiece",
     BF_KIND_TEXT,
     2,
     {{.name = "input_ids", .type = BF__ELEMENT_INT64, .n_dims = 2, .dims = {-1, -1}},
      {.name = "attention_mask", .type = BF__ELEMENT_INT64, .n_dims = 2, .dims = {-1, -1}}}},
    {'t', "token-window", BF_KIND_TAGGED, 1, {{.name = "x", .type = BF__ELEMENT_INT64, .n_dims = 2, .dims = {-1, -1}}}},
    {'p',
     "pair-similarities",
     BF_KIND_PAIR,
     1,
     {{.name = "x", .type = BF__ELEMENT_FLOAT32, .n_dims = 2, .dims = {-1, -1}}}},
};

static uint32_t cut(const uint8_t *data, size_t size, bf_string out[MOST_PIECES]) {
  uint32_t n = 0;
  for (size_t at = 0; n < MOST_PIECES && at <= size; n++) {
    const uint8_t *end = at < size ? memchr(data + at, 1, size - at) : NULL;
    const size_t length = end ? (size_t)(end - (data + at)) : size - at;
    out[n] = (bf_string){length ? (const char *)data + at : NULL, (uint32_t)length};
    at += length + 1;
  }
  return n;
}

static void run(size_t which, const char *options, const uint8_t *data, size_t size) {
  bf_card *card = NULL;
  bf__featuriser *f = NULL;
  bf_error err;
  bf_string pieces[MOST_PIECES];
  bf_field fields[MOST_PIECES];
  char text[600];
  const uint32_t n = cut(data, size, pieces);
  const bool has_vocabulary = kinds[which].letter == 'w';
  const bf_model_file files[] = {{"model.onnx", data, 0},
                                 {"vocab.txt", (const uint8_t *)pieces[0].bytes, pieces[0].n_bytes}};
  bf__port ports[3];
  memcpy(ports, kinds[which].ports, sizeof ports);
  const bf__signature signature = {.n_inputs = kinds[which].n_ports, .inputs = ports};
  snprintf(text, sizeof text, "---\nbestfit:\n  input: {featuriser: {name: %s%s%s}}\n---\n", kinds[which].name,
           options[0] ? ", " : "", options);
  if (bf_card_parse(text, strlen(text), &card, &err) != BF_OK) return;
  if (bf__featuriser_create(card, &signature, files, has_vocabulary ? 2 : 1, &f, &err) == BF_OK) {
    for (uint32_t i = 0; i < n; i++) fields[i] = (bf_field){{"", 0}, pieces[i]};
    const bf_pair pair = {{fields, n / 2}, {fields + n / 2, n - n / 2}};
    const bf_sentence sentence = {pieces, NULL, n};
    const bool is_tagged = kinds[which].kind == BF_KIND_TAGGED, is_pair = kinds[which].kind == BF_KIND_PAIR;
    const bf_batch batch = {.n_rows = is_tagged || is_pair ? 1 : n,
                            .texts = pieces,
                            .pairs = &pair,
                            .sentences = is_tagged ? &sentence : NULL};
    const bf_schema schema = {.kind = kinds[which].kind};
    tensors t = {.n = {0}};
    const bf__sink sink = {&t, numbers, NULL};
    const size_t items = bf__featuriser_items(&batch);
    if (bf__featuriser_fill(f, &schema, &batch, 0, items, items + 1, &sink, &err) == BF_OK) look(&t);
    for (size_t i = 0; i < 4; i++) free(t.block[i]);
  }
  bf__featuriser_free(f);
  bf_card_free(card);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char options[400] = "";
  const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
  if (!end) return 0;
  const size_t n = (size_t)(end - data);
  if (n == 0 || n >= sizeof options) return 0;
  memcpy(options, data + 1, n - 1);
  options[n - 1] = 0;
  if (memchr(options, 0, n - 1)) return 0;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].letter == data[0]) run(i, options, end + 1, size - n - 1);
  return 0;
}
