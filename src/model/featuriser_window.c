/* A token in its window, as the feature strings of a part-of-speech tagger (Ratnaparkhi 1996), each hashed to an id:
 * the sum of the ids' embeddings is what a small network starts from.
 *
 * For the tokens at offsets −2, −1, 0, +1, +2 (outside the sentence `<s>`), low the token in lower case as Python's
 * str.lower() gives it: "w=" low; at −1, 0, +1 also "s1=" … "s4=" its last and "p2=", "p3=" its first characters (all
 * of it where it has fewer), at ±2 "s3=" only; "x=" the shape, where capitals are X, other letters x, digits d, any
 * other character itself, and runs of equal ones are one. Before each stands the offset: "-1:w=the". 30 ids a token. */
#include <stdlib.h>
#include <string.h>

#include "base/characters.h"
#include "base/memory.h"
#include "base/murmur3.h"
#include "model/featuriser_internal.h"

#define FEATURES 30
#define REACH 2
#define WINDOW (2 * REACH + 1)

typedef struct spelled {
  bf__writer low, shape;
} spelled;

typedef struct window {
  int64_t n_features;
  spelled tokens[WINDOW]; /* those around the token in work; the one at position p of the sentence is (p + 2) mod 5 */
  bf__writer feature;     /* the string that is hashed */
} window;

static void window_free(void *state) {
  window *s = state;
  for (size_t i = 0; i < WINDOW; i++) {
    bf__writer_deinit(&s->tokens[i].low);
    bf__writer_deinit(&s->tokens[i].shape);
  }
  bf__writer_deinit(&s->feature);
  free(s);
}

static bf_status window_create(const bf__making *m, void **state) {
  bf_status status = BF_OK;
  int64_t width = FEATURES;
  window *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(m->err, sizeof *s);
  s->n_features = (int64_t)1 << 15;
  BF_TRY(bf__expect_inputs(m, 1, "token-window"));
  if (!bf__is_integer(m->ports[0].type))
    BF_TRY(bf__error(m->err, BF_ERR_MISMATCH,
                     "the model's input \"%.60s\" takes %s; token-window gives ids, int64 or int32", m->ports[0].name,
                     bf__element_name(m->ports[0].type)));
  BF_TRY(bf__option_integer(&m->options, "n_features", 1, BF__MOST_FEATURES, &s->n_features));
  BF_TRY(bf__expect_width(m, 0, "number of features", &width));
  *state = s;
  s = NULL;
out:
  if (s) window_free(s);
  return status;
}

static void spell(spelled *s, const bf_string *token) {
  uint32_t last = UINT32_MAX;
  s->low.size = s->shape.size = 0;
  if (!token->bytes) return;
  bf__lower_text(token->bytes, token->n_bytes, true, &s->low);
  for (size_t i = 0; i < token->n_bytes;) {
    uint32_t c;
    char utf8[4];
    i += bf__next_character(token->bytes + i, token->n_bytes - i, &c);
    switch (bf__class_of(c)) {
      case BF__CLASS_CAPITAL:
        c = 'X';
        break;
      case BF__CLASS_LETTER:
        c = 'x';
        break;
      case BF__CLASS_DIGIT:
        c = 'd';
        break;
      default:
        break;
    }
    if (c != last) bf__write(&s->shape, utf8, bf__put_character(c, utf8));
    last = c;
  }
}

/* Bytes of the first (last) k characters. */
static size_t first_bytes(const bf__writer *w, size_t k) {
  size_t i = 0;
  for (; i < w->size && k > 0; k--)
    for (i++; i < w->size && (w->data[i] & 0xc0) == 0x80;) i++;
  return i;
}

static size_t last_bytes(const bf__writer *w, size_t k) {
  size_t i = w->size;
  for (; i > 0 && k > 0; k--)
    for (i--; i > 0 && (w->data[i] & 0xc0) == 0x80;) i--;
  return w->size - i;
}

static uint32_t id_of(window *s, int offset, const char *name, const uint8_t *bytes, size_t n) {
  const char sign[2] = {offset < 0 ? '-' : '+', (char)('0' + abs(offset))};
  s->feature.size = 0;
  bf__write(&s->feature, sign, 2);
  bf__write(&s->feature, ":", 1);
  bf__write(&s->feature, name, strlen(name));
  bf__write(&s->feature, "=", 1);
  if (n) bf__write(&s->feature, bytes, n);
  return s->feature.failed ? 0 : bf__cell_of(s->feature.data, s->feature.size, (uint32_t)s->n_features).cell;
}

static size_t add_token(window *s, const spelled *token, int offset, uint32_t ids[FEATURES], size_t n) {
  static const char *const suffixes[] = {"s1", "s2", "s3", "s4"}, *const prefixes[] = {"p2", "p3"};
  const bool is_far = abs(offset) == REACH;
  const bf__writer *low = &token->low;
  ids[n++] = id_of(s, offset, "w", low->data, low->size);
  for (size_t k = 1; k <= 4; k++) {
    if (is_far && k != 3) continue;
    const size_t bytes = last_bytes(low, k);
    ids[n++] = id_of(s, offset, suffixes[k - 1], bytes ? low->data + low->size - bytes : NULL, bytes);
  }
  for (size_t k = 2; k <= 3 && !is_far; k++)
    ids[n++] = id_of(s, offset, prefixes[k - 2], low->data, first_bytes(low, k));
  ids[n++] = id_of(s, offset, "x", token->shape.data, token->shape.size);
  return n;
}

/* The token of the sentence at a position, which may be outside. */
static bool spell_at(window *s, const bf_sentence *sentence, int64_t position) {
  static const bf_string outside = {"<s>", 3};
  spelled *token = &s->tokens[(size_t)(position + REACH) % WINDOW];
  spell(token, position >= 0 && position < sentence->n_tokens ? &sentence->tokens[position] : &outside);
  return !token->low.failed && !token->shape.failed;
}

static bf_status window_fill(void *state, const bf__filling *f) {
  window *s = state;
  const bf_batch *b = f->batch;
  const bf__element type = f->ports[0].type;
  int64_t dims[2] = {0, FEATURES};
  void *tensor;
  bf_status status = bf__tensor(f, 0, dims, 2, &tensor);
  if (status != BF_OK) return status;
  size_t row = 0, before = 0; /* tokens of the sentences passed */
  for (size_t i = 0; i < f->n; i++) {
    while (f->first + i - before >= b->sentences[row].n_tokens) before += b->sentences[row++].n_tokens;
    const bf_sentence *sentence = &b->sentences[row];
    const int64_t at = (int64_t)(f->first + i - before);
    uint32_t ids[FEATURES];
    size_t n = 0;
    bool done = true;
    for (int64_t p = i == 0 || at == 0 ? at - REACH : at + REACH; p <= at + REACH; p++)
      done = spell_at(s, sentence, p) && done;
    for (int offset = -REACH; offset <= REACH; offset++)
      n = add_token(s, &s->tokens[(size_t)(at + offset + REACH) % WINDOW], offset, ids, n);
    if (!done || s->feature.failed) return bf__error_memory(f->err, sentence->tokens[at].n_bytes);
    for (size_t k = 0; k < FEATURES; k++) bf__put_id(type, tensor, i * FEATURES + k, ids[k]);
  }
  bf__put_zeros(type, tensor, f->n * FEATURES, f->padded * FEATURES);
  return BF_OK;
}

static size_t window_width(const void *state) {
  (void)state;
  return FEATURES;
}

static const char *const options[] = {"name", "n_features", NULL};
const bf__featuriser_row bf__featuriser_token_window = {"token-window", BF_KIND_TAGGED, options,     window_create,
                                                        window_fill,    window_free,    window_width};
