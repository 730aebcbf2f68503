/* Sixteen similarities of two records that need no schema: nothing but words, their characters and the order of
 * attributes. (In the spirit of Magellan's automatic features, Konda et al. 2016, without its types.)
 * docs/formats/sketch-v1.md defines each.
 *
 * Sets are compared by 64-bit hashes in a table that remembers on which sides a key was seen, so that intersection and
 * union are counted as the keys arrive. */
#include "dataset/pair_similarities.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/words.h"

#define HEAD_WORDS 4u

/* Two sets of keys. */
typedef struct sets {
  uint64_t *keys;
  uint32_t *marks; /* round * 4 + sides on which the key was seen */
  size_t mask, used;
  uint32_t round;
  size_t n[2], both;
} sets;

typedef struct token {
  uint64_t hash;
  uint32_t field;
  bool digit;
} token;

typedef enum set_name { WORDS, TRIGRAMS, DIGITS, FIRST, HEAD, ATTRIBUTE, SETS } set_name;

struct bf__pair_scratch {
  sets sets[SETS];
  token *tokens[2];
  size_t n_tokens[2], capacity[2];
  bool failed;
  /* the word in work */
  unsigned side;
  uint32_t field;
  uint64_t left;
  bf__pair_word_fn fn;
  void *context;
};

bf__pair_scratch *bf__pair_scratch_create(void) {
  return bf__alloc(1, sizeof(bf__pair_scratch));
}

void bf__pair_scratch_free(bf__pair_scratch *v) {
  if (!v) return;
  for (size_t i = 0; i < SETS; i++) {
    free(v->sets[i].keys);
    free(v->sets[i].marks);
  }
  free(v->tokens[0]);
  free(v->tokens[1]);
  free(v);
}

/* --- sets ------------------------------------------------------------------------------------------------------ */

static void empty(sets *s) {
  s->n[0] = s->n[1] = s->both = s->used = 0;
  s->round++;
  if (s->round >= UINT32_MAX / 4 && s->marks) {
    memset(s->marks, 0, (s->mask + 1) * sizeof *s->marks);
    s->round = 1;
  }
}

static bool grow(sets *s) {
  size_t n_slots = s->keys ? 2 * (s->mask + 1) : 256;
  uint64_t *keys = bf__alloc(n_slots, sizeof *keys);
  uint32_t *marks = bf__alloc(n_slots, sizeof *marks);
  if (!keys || !marks) {
    free(keys);
    free(marks);
    return false;
  }
  for (size_t i = 0; s->keys && i <= s->mask; i++) {
    if (s->marks[i] / 4 != s->round) continue;
    size_t at = (size_t)s->keys[i] & (n_slots - 1);
    while (marks[at]) at = (at + 1) & (n_slots - 1);
    keys[at] = s->keys[i];
    marks[at] = s->marks[i];
  }
  free(s->keys);
  free(s->marks);
  s->keys = keys;
  s->marks = marks;
  s->mask = n_slots - 1;
  return true;
}

static void put(bf__pair_scratch *v, set_name name, unsigned side, uint64_t key) {
  sets *s = &v->sets[name];
  if (2 * (s->used + 1) > (s->keys ? s->mask + 1 : 0) && !grow(s)) {
    v->failed = true;
    return;
  }
  size_t at = (size_t)key & s->mask;
  while (s->marks[at] / 4 == s->round && s->keys[at] != key) at = (at + 1) & s->mask;
  uint32_t sides = s->marks[at] / 4 == s->round ? s->marks[at] & 3u : 0;
  if (sides == 0) s->used++;
  if (!(sides & (1u << side))) {
    s->n[side]++;
    s->both += sides != 0;
  }
  s->keys[at] = key;
  s->marks[at] = s->round * 4 + (sides | 1u << side);
}

static float jaccard(const sets *s) {
  size_t all = s->n[0] + s->n[1] - s->both;
  return all ? (float)((double)s->both / (double)all) : 0.0f;
}

static float overlap(const sets *s) {
  size_t least = s->n[0] < s->n[1] ? s->n[0] : s->n[1];
  return least ? (float)((double)s->both / (double)least) : 0.0f;
}

/* --- words ----------------------------------------------------------------------------------------------------- */

static void put_trigrams(bf__pair_scratch *v, const char *word, size_t n) {
  uint64_t key = ' '; /* three characters of 21 bits */
  size_t n_seen = 1;
  for (size_t i = 0; i <= n; i++) {
    uint64_t c = ' ';
    if (i < n) {
      uint8_t b = (uint8_t)word[i];
      c = b >= 0xf0 ? b & 7u : b >= 0xe0 ? b & 15u : b >= 0xc0 ? b & 31u : b;
      while (i + 1 < n && ((uint8_t)word[i + 1] & 0xc0) == 0x80) c = c << 6 | ((uint8_t)word[++i] & 63u);
    }
    key = (key << 21 | (c & 0x1fffffu)) & 0x7fffffffffffffffu;
    if (++n_seen >= 3) put(v, TRIGRAMS, v->side, bf__mix64(0, key)); /* " a " of a word of one character */
  }
}

static void take_word(void *context, const char *word, size_t n) {
  bf__pair_scratch *v = context;
  if (v->left == 0 || v->failed) return;
  v->left--;
  const unsigned side = v->side;
  if (v->n_tokens[side] == v->capacity[side]) {
    size_t capacity = v->capacity[side] ? 2 * v->capacity[side] : 256;
    token *grown = bf__realloc(v->tokens[side], capacity, sizeof *grown);
    if (!grown) {
      v->failed = true;
      return;
    }
    v->tokens[side] = grown;
    v->capacity[side] = capacity;
  }
  uint64_t hash = bf__xxh64(word, n, 0);
  bool digit = false;
  for (size_t i = 0; i < n; i++) digit = digit || (word[i] >= '0' && word[i] <= '9');
  put(v, WORDS, side, hash);
  put_trigrams(v, word, n);
  if (digit) put(v, DIGITS, side, hash);
  if (v->field == 0) put(v, FIRST, side, hash);
  if (v->n_tokens[side] < HEAD_WORDS) put(v, HEAD, side, hash);
  v->tokens[side][v->n_tokens[side]++] = (token){hash, v->field, digit};
  if (v->fn) v->fn(v->context, hash, word, n);
}

static bool is_blank(const bf_string *s) {
  for (size_t i = 0; s->bytes && i < s->n_bytes; i++) {
    if (s->bytes[i] != ' ' && (s->bytes[i] < '\t' || s->bytes[i] > '\r')) return false;
  }
  return true;
}

/* Mean Jaccard over the places where both records have an attribute and at least one has a word in it. */
static float mean_of_attributes(bf__pair_scratch *v, uint32_t n_fields) {
  double sum = 0;
  size_t n = 0, at[2] = {0, 0};
  for (uint32_t field = 0; field < n_fields; field++) {
    empty(&v->sets[ATTRIBUTE]);
    for (unsigned side = 0; side < 2; side++) {
      for (; at[side] < v->n_tokens[side] && v->tokens[side][at[side]].field == field; at[side]++) {
        put(v, ATTRIBUTE, side, v->tokens[side][at[side]].hash);
      }
    }
    const sets *s = &v->sets[ATTRIBUTE];
    if (s->n[0] + s->n[1] == 0) continue;
    size_t all = s->n[0] + s->n[1] - s->both;
    sum += (double)s->both / (double)all;
    n++;
  }
  return n ? (float)(sum / (double)n) : 0.0f;
}

bool bf__pair_compare(bf__pair_scratch *v, const bf_pair *pair, uint64_t most_words, bf__pair_word_fn fn, void *context,
                      float *out) {
  const bf_record *records[2] = {&pair->left, &pair->right};
  uint64_t length[2] = {0, 0}, n_values = 0, n_empty = 0;
  v->left = most_words;
  v->fn = fn;
  v->context = context;
  for (size_t i = 0; i < SETS; i++) empty(&v->sets[i]);
  for (unsigned side = 0; side < 2; side++) {
    v->side = side;
    v->n_tokens[side] = 0;
    for (v->field = 0; v->field < records[side]->n_fields; v->field++) {
      const bf_string *value = &records[side]->fields[v->field].value;
      n_values++;
      n_empty += is_blank(value);
      length[side] += value->bytes ? value->n_bytes : 0;
      if (value->bytes) bf__each_word(value->bytes, value->n_bytes, BF__WORDS_OWN, take_word, v);
    }
  }
  const sets *s = v->sets;
  const uint64_t shorter = length[0] < length[1] ? length[0] : length[1], longer = length[0] + length[1] - shorter;
  const uint32_t places = records[0]->n_fields < records[1]->n_fields ? records[0]->n_fields : records[1]->n_fields;
  const bool words_on_both = v->n_tokens[0] && v->n_tokens[1];
  const float values[BF__PAIR_SIMILARITIES] = {
      jaccard(&s[WORDS]),
      overlap(&s[WORDS]),
      jaccard(&s[TRIGRAMS]),
      overlap(&s[TRIGRAMS]),
      jaccard(&s[DIGITS]),
      overlap(&s[DIGITS]),
      jaccard(&s[FIRST]),
      overlap(&s[FIRST]),
      jaccard(&s[HEAD]),
      longer ? (float)((double)shorter / (double)longer) : 1.0f,
      (float)s[WORDS].n[0],
      (float)s[WORDS].n[1],
      s[DIGITS].n[0] == 0 || s[DIGITS].n[1] == 0 ? 1.0f : 0.0f,
      n_values ? (float)((double)n_empty / (double)n_values) : 0.0f,
      words_on_both && v->tokens[0][0].hash == v->tokens[1][0].hash ? 1.0f : 0.0f,
      mean_of_attributes(v, places)};
  memcpy(out, values, sizeof values);
  return !v->failed;
}

unsigned bf__pair_sides(const bf__pair_scratch *v, uint64_t hash) {
  const sets *s = &v->sets[WORDS];
  if (!s->keys) return 0;
  size_t at = (size_t)hash & s->mask;
  while (s->marks[at] / 4 == s->round && s->keys[at] != hash) at = (at + 1) & s->mask;
  return s->marks[at] / 4 == s->round ? s->marks[at] & 3u : 0;
}
