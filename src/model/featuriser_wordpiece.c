/* WordPiece (Wu et al. 2016) with BERT's basic tokenisation (Devlin et al. 2019), from a vocabulary of one token a
 * line.
 *
 * A text is cleaned (zero, U+FFFD and controls go, blanks become spaces), Chinese characters get blanks around them,
 * words are cut at blanks; each is lower-cased and loses its accents (canonical decomposition, class Mn dropped), then
 * punctuation marks become words of their own. A word is cut greedily into the longest pieces of the vocabulary, those
 * behind the first with "##" before; a word with no such cut, or of more than 100 characters, is [UNK]. Then [CLS] …
 * [SEP] and [PAD], cut to max_len. "[SEP]" in a text is three words, never the mark. */
#include <stdlib.h>
#include <string.h>

#include "base/characters.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/parse.h"
#include "model/featuriser_internal.h"

#define MOST_TOKENS ((size_t)1 << 22)
#define MOST_VOCABULARY_BYTES ((size_t)64 << 20)
#define MOST_WORD_CHARACTERS 100u
#define NO_TOKEN UINT32_MAX

typedef enum role { INPUT_IDS, ATTENTION_MASK, TOKEN_TYPE_IDS, ROLES } role;
static const char *const role_names[ROLES] = {"input_ids", "attention_mask", "token_type_ids"};

typedef struct wordpiece {
  char *bytes; /* the vocabulary, tokens one behind the other */
  size_t *starts;
  uint32_t n_tokens, longest; /* bytes of the longest token */
  uint32_t *slots;            /* token + 1 */
  size_t mask;
  uint32_t cls, sep, pad, unk;
  bool lowercase, strip_accents;
  int64_t max_len;
  size_t ports[ROLES]; /* SIZE_MAX: the model has none */
  /* the text in work */
  bf__writer text, word;
  uint32_t *ids; /* [max_len] */
  size_t n;
  bool failed;
} wordpiece;

static void wordpiece_free(void *state) {
  wordpiece *s = state;
  free(s->bytes);
  free(s->starts);
  free(s->slots);
  bf__writer_deinit(&s->text);
  bf__writer_deinit(&s->word);
  free(s->ids);
  free(s);
}

/* ---- vocabulary ---- */

/* Number of the token `prefix` + bytes; NO_TOKEN: none. */
static size_t slot_of(const wordpiece *s, const char *bytes, size_t n) {
  size_t at = (size_t)bf__xxh64(bytes, n, 0) & s->mask;
  while (s->slots[at] != 0) {
    const size_t token = s->slots[at] - 1, start = s->starts[token];
    if (s->starts[token + 1] - start == n && memcmp(s->bytes + start, bytes, n) == 0) break;
    at = (at + 1) & s->mask;
  }
  return at;
}

static uint32_t find(const wordpiece *s, const char *bytes, size_t n) {
  return s->slots[slot_of(s, bytes, n)] - 1; /* an empty slot gives NO_TOKEN */
}

static bf_status index_vocabulary(wordpiece *s, const bf_model_file *file, bf_error *err) {
  size_t n_lines = 0, at = 0;
  if (file->n_bytes == 0 || file->n_bytes > MOST_VOCABULARY_BYTES)
    return bf__error(err, BF_ERR_FORMAT, "the vocabulary %.80s has %zu bytes; 1 to %zu are read", file->name,
                     file->n_bytes, MOST_VOCABULARY_BYTES);
  const char *text = (const char *)file->bytes;
  const size_t bad = bf__utf8_check(text, file->n_bytes);
  if (bad < file->n_bytes)
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)bad, "the vocabulary %.80s is not UTF-8", file->name);
  for (size_t i = 0; i < file->n_bytes; i++) n_lines += text[i] == '\n';
  n_lines += text[file->n_bytes - 1] != '\n';
  if (n_lines > MOST_TOKENS)
    return bf__error(err, BF_ERR_LIMIT, "the vocabulary %.80s has %zu tokens; at most %zu are read", file->name,
                     n_lines, MOST_TOKENS);
  for (s->mask = 16; s->mask < 2 * n_lines;) s->mask *= 2;
  s->slots = bf__alloc(s->mask--, sizeof *s->slots);
  s->starts = bf__alloc(n_lines + 1, sizeof *s->starts);
  s->bytes = bf__alloc(file->n_bytes, 1);
  if (!s->slots || !s->starts || !s->bytes) return bf__error_memory(err, file->n_bytes + 16 * n_lines);
  for (size_t i = 0; i < n_lines; i++) {
    const char *end = memchr(text + at, '\n', file->n_bytes - at);
    const size_t line = end ? (size_t)(end - (text + at)) : file->n_bytes - at;
    const size_t n = line > 0 && text[at + line - 1] == '\r' ? line - 1 : line;
    memcpy(s->bytes + s->starts[i], text + at, n);
    s->starts[i + 1] = s->starts[i] + n;
    if (n > s->longest) s->longest = (uint32_t)n;
    const size_t slot = slot_of(s, s->bytes + s->starts[i], n);
    s->slots[slot] = (uint32_t)i + 1; /* of equal tokens the last counts, as in a Python dictionary */
    at += line + 1;
  }
  s->n_tokens = (uint32_t)n_lines;
  return BF_OK;
}

static bf_status find_mark(const wordpiece *s, const char *file, const char *mark, uint32_t *out, bf_error *err) {
  *out = find(s, mark, strlen(mark));
  if (*out != NO_TOKEN) return BF_OK;
  return bf__error(err, BF_ERR_FORMAT, "the vocabulary %.80s has no line %s", file, mark);
}

static bf_status read_vocabulary(const bf__making *m, wordpiece *s) {
  const char *name = "vocab.txt";
  bf_status status = bf__option_text(&m->options, "vocabulary", &name);
  if (status != BF_OK) return status;
  for (size_t i = 1; i < m->n_files; i++) {
    if (strcmp(m->files[i].name, name) != 0) continue;
    status = index_vocabulary(s, &m->files[i], m->err);
    if (status == BF_OK) status = find_mark(s, name, "[CLS]", &s->cls, m->err);
    if (status == BF_OK) status = find_mark(s, name, "[SEP]", &s->sep, m->err);
    if (status == BF_OK) status = find_mark(s, name, "[PAD]", &s->pad, m->err);
    return status == BF_OK ? find_mark(s, name, "[UNK]", &s->unk, m->err) : status;
  }
  return bf__error(m->err, BF_ERR_NOT_FOUND, "the model needs its vocabulary, a file %.80s beside it", name);
}

static bf_status find_ports(const bf__making *m, wordpiece *s) {
  for (int r = 0; r < ROLES; r++) s->ports[r] = SIZE_MAX;
  for (size_t i = 0; i < m->n_ports; i++) {
    int r = 0;
    while (r < ROLES && strcmp(m->ports[i].name, role_names[r]) != 0) r++;
    if (r == ROLES)
      return bf__error(m->err, BF_ERR_MISMATCH,
                       "the model's input \"%.60s\" is unknown to wordpiece; it fills input_ids, attention_mask and "
                       "token_type_ids",
                       m->ports[i].name);
    if (!bf__is_integer(m->ports[i].type))
      return bf__error(m->err, BF_ERR_MISMATCH, "the model's input %s takes %s; wordpiece gives int64 or int32",
                       role_names[r], bf__element_name(m->ports[i].type));
    s->ports[r] = i;
    bf_status status = bf__expect_width(m, i, "max_len", &s->max_len);
    if (status != BF_OK) return status;
  }
  if (s->ports[INPUT_IDS] != SIZE_MAX) return BF_OK;
  return bf__error(m->err, BF_ERR_MISMATCH, "the model has no input named input_ids");
}

static bf_status wordpiece_create(const bf__making *m, void **state) {
  bf_status status = BF_OK;
  wordpiece *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(m->err, sizeof *s);
  s->lowercase = true;
  BF_TRY(bf__option_bool(&m->options, "lowercase", &s->lowercase));
  s->strip_accents = s->lowercase;
  BF_TRY(bf__option_bool(&m->options, "strip_accents", &s->strip_accents));
  BF_TRY(bf__option_integer(&m->options, "max_len", 2, BF__MOST_LENGTH, &s->max_len));
  BF_TRY(find_ports(m, s));
  if (s->max_len == 0) s->max_len = 128;
  if (s->max_len < 2 || s->max_len > BF__MOST_LENGTH)
    BF_TRY(bf__error(m->err, BF_ERR_LIMIT, "the model takes %lld ids a text; 2 to %lld are given",
                     (long long)s->max_len, (long long)BF__MOST_LENGTH));
  BF_TRY(read_vocabulary(m, s));
  s->ids = bf__alloc((size_t)s->max_len, sizeof *s->ids);
  if (!s->ids) BF_TRY(bf__error_memory(m->err, (size_t)s->max_len * sizeof *s->ids));
  *state = s;
  s = NULL;
out:
  if (s) wordpiece_free(s);
  return status;
}

/* ---- words ---- */

/* Other blanks than these are controls to BERT. */
static bool is_blank(uint32_t c) {
  if (c < 0x80) return c == ' ' || c == '\t' || c == '\n' || c == '\r';
  return bf__class_of(c) == BF__CLASS_SPACE;
}

static bool is_chinese(uint32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
         (c >= 0x2a700 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static bool is_mark(uint32_t c) { /* punctuation, and all of ASCII that is neither letter, digit nor blank */
  if (c < 0x80)
    return c > ' ' && c != 0x7f && !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
  const bf__character_class class = bf__class_of(c);
  return class == BF__CLASS_PUNCTUATION || class == BF__CLASS_CONNECTOR;
}

static void add_id(wordpiece *s, uint32_t id) {
  if (s->n < (size_t)s->max_len - 1) s->ids[s->n++] = id; /* the last place is for [SEP] */
}

/* Whole characters of `bytes` that may be in the longest token. */
static size_t longest_piece(const wordpiece *s, const char *bytes, size_t n, size_t prefix) {
  size_t most = s->longest > prefix ? s->longest - prefix : 0;
  if (n <= most) return n;
  while (most > 0 && ((unsigned char)bytes[most] & 0xc0) == 0x80) most--;
  return most;
}

/* The word in s->word, which has "##" before it: pieces after the first take the two marks before them. */
static void end_word(wordpiece *s, size_t n_characters) {
  char *bytes = (char *)s->word.data;
  const size_t n = s->word.size, before = s->n;
  if (n <= 2) return;
  bool is_known = n_characters <= MOST_WORD_CHARACTERS;
  for (size_t at = 2; is_known && at < n;) {
    const size_t prefix = at > 2 ? 2 : 0;
    char saved[2] = {bytes[at - 2], bytes[at - 1]};
    size_t length = longest_piece(s, bytes + at, n - at, prefix);
    uint32_t token = NO_TOKEN;
    if (prefix) memcpy(bytes + at - 2, "##", 2);
    while (length > 0 && (token = find(s, bytes + at - prefix, length + prefix)) == NO_TOKEN) {
      length--;
      while (length > 0 && ((unsigned char)bytes[at + length] & 0xc0) == 0x80) length--;
    }
    memcpy(bytes + at - 2, saved, 2);
    is_known = token != NO_TOKEN;
    if (is_known) add_id(s, token);
    at += length;
  }
  if (!is_known) {
    s->n = before;
    add_id(s, s->unk);
  }
  s->word.size = 0;
}

static void put(wordpiece *s, uint32_t c) {
  char utf8[4];
  if (s->word.size == 0) bf__write(&s->word, "##", 2);
  bf__write(&s->word, utf8, bf__put_character(c, utf8));
}

/* s->text, in lower case: accents go, marks and blanks end words. */
static void take_words(wordpiece *s) {
  const char *text = (const char *)s->text.data;
  size_t n_characters = 0;
  s->word.size = 0;
  for (size_t i = 0; i < s->text.size && s->n < (size_t)s->max_len - 1 && !s->word.failed;) {
    uint32_t c, parts[BF__MOST_PARTS];
    i += bf__next_character(text + i, s->text.size - i, &c);
    const bf__character_class class = c < 0x80 ? BF__CLASS_LETTER : bf__class_of(c);
    if (is_blank(c)) {
      end_word(s, n_characters);
      n_characters = 0;
      continue;
    }
    if (c == 0 || c == 0x7f || c < ' ' || c == BF__REPLACEMENT || class == BF__CLASS_CONTROL) continue;
    parts[0] = c;
    const size_t n_parts = s->strip_accents ? bf__decompose(c, parts) : 1;
    const bool stands_alone = is_chinese(c);
    for (size_t k = 0; k < n_parts; k++) {
      if (s->strip_accents && parts[k] >= 0x80 && bf__class_of(parts[k]) == BF__CLASS_ACCENT) continue;
      if (stands_alone || is_mark(parts[k])) {
        end_word(s, n_characters);
        put(s, parts[k]);
        end_word(s, 1);
        n_characters = 0;
      } else {
        put(s, parts[k]);
        n_characters++;
      }
    }
  }
  end_word(s, n_characters);
}

static bf_status tokenize(wordpiece *s, const bf_string *text, bf_error *err) {
  s->n = s->text.size = 0;
  add_id(s, s->cls);
  if (text->bytes) bf__lower_text(text->bytes, text->n_bytes, s->lowercase, &s->text);
  if (!s->text.failed) take_words(s);
  if (s->text.failed || s->word.failed) return bf__error_memory(err, text->n_bytes);
  s->ids[s->n++] = s->sep;
  return BF_OK;
}

static bf_status wordpiece_fill(void *state, const bf__filling *f) {
  wordpiece *s = state;
  const size_t width = (size_t)s->max_len;
  void *tensors[ROLES] = {NULL};
  bf_status status = BF_OK;
  for (int r = 0; r < ROLES; r++) {
    int64_t dims[2] = {0, s->max_len};
    if (s->ports[r] == SIZE_MAX) continue;
    status = bf__tensor(f, s->ports[r], dims, 2, &tensors[r]);
    if (status != BF_OK) return status;
    bf__put_zeros(f->ports[s->ports[r]].type, tensors[r], 0, f->padded * width);
  }
  for (size_t i = 0; i < f->n; i++) {
    status = tokenize(s, &f->batch->texts[f->first + i], f->err);
    if (status != BF_OK) return status;
    for (size_t k = 0; k < width; k++) {
      const size_t at = i * width + k;
      bf__put_id(f->ports[s->ports[INPUT_IDS]].type, tensors[INPUT_IDS], at, k < s->n ? s->ids[k] : s->pad);
      if (k < s->n && tensors[ATTENTION_MASK])
        bf__put_id(f->ports[s->ports[ATTENTION_MASK]].type, tensors[ATTENTION_MASK], at, 1);
    }
  }
  return BF_OK;
}

static size_t wordpiece_width(const void *state) {
  const wordpiece *s = state;
  return (size_t)s->max_len;
}

static const char *const options[] = {"name", "vocabulary", "lowercase", "strip_accents", "max_len", NULL};
const bf__featuriser_row bf__featuriser_wordpiece = {"wordpiece",    BF_KIND_TEXT,   options,        wordpiece_create,
                                                     wordpiece_fill, wordpiece_free, wordpiece_width};
