/* Words of a text: one pass, no allocation.
 *
 * Method: a word is a maximal run of Unicode letters, numbers, marks and connector punctuation, which is what \w+ finds
 * in the paper's Python programs (with marks added, without which a decomposed "é" would end a word). Each character is
 * lower-cased by its simple mapping, so that the result does not depend on a locale. ASCII, nearly all of the bytes
 * met, never leaves a table of 256 entries; everything else is decoded, and its category looked up, by
 * base/characters.c.
 *
 * Chinese, Japanese, Thai, Lao, Khmer and Burmese put no space between words, so that a run would be a whole sentence
 * that never occurs twice. Overlapping character bigrams are the usual cure where no dictionary is at hand (Nie et al.,
 * "On the use of words and n-grams for Chinese information retrieval", IRAL 2000). The paper's own rule has no such
 * step and is kept apart.
 */
#include "base/words.h"

#include <string.h>

#include "base/characters.h"
#include "base/stop_words.h"

/* Lower-case form of an ASCII word character, 0 of every other byte. */
static const unsigned char ascii_lower[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8',
    ['9'] = '9', ['_'] = '_', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g',
    ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',
    ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y',
    ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h',
    ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q',
    ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
};

/* The word being read. */
typedef struct word_buffer {
  bf__word_fn fn;
  void *context;
  size_t n; /* bytes kept */
  size_t
      limit; /* BF__WORD_BYTES; n from the first character that did not fit, so that the rest of the word is dropped */
  char bytes[BF__WORD_BYTES + BF__STOP_KEY_BYTES];
} word_buffer;

static bool is_stop(const char *bytes, size_t n) {
  return n < BF__STOP_KEY_BYTES && ((n == 3 && memcmp(bytes, "nan", 3) == 0) || bf__is_stop_key(bytes));
}

static void end_word(word_buffer *word) {
  if (word->n == 0) return;
  memset(word->bytes + word->n, 0, BF__STOP_KEY_BYTES); /* the stop list compares 16 bytes */
  if (!is_stop(word->bytes, word->n)) word->fn(word->context, word->bytes, word->n);
  word->n = 0;
  word->limit = BF__WORD_BYTES;
}

static void add_character(word_buffer *word, const char *bytes, size_t n) {
  if (word->n + n > word->limit) {
    word->limit = word->n;
    return;
  }
  memcpy(word->bytes + word->n, bytes, n);
  word->n += n;
}

static bool is_word_character(uint32_t character) {
  return bf__class_of(character) <= BF__CLASS_CONNECTOR;
}

static bool is_spaceless(uint32_t c) {
  static const struct {
    uint32_t first, last;
  } ranges[] = {
      {0x0e00, 0x0eff},   /* Thai, Lao */
      {0x1000, 0x109f},   /* Myanmar */
      {0x1780, 0x17ff},   /* Khmer */
      {0x3005, 0x3007},   /* Han iteration mark, closing mark, zero */
      {0x3021, 0x3029},   /* Hangzhou numerals */
      {0x3038, 0x303b},   /* and their tens, vertical iteration mark */
      {0x3041, 0x30ff},   /* Hiragana, Katakana */
      {0x31f0, 0x31ff},   /* Katakana phonetic extensions */
      {0x3400, 0x4dbf},   /* Han extension A */
      {0x4e00, 0x9fff},   /* Han */
      {0xa9e0, 0xa9ff},   /* Myanmar extended B */
      {0xaa60, 0xaa7f},   /* Myanmar extended A */
      {0xf900, 0xfaff},   /* Han compatibility */
      {0xff66, 0xff9f},   /* halfwidth Katakana */
      {0x1b000, 0x1b16f}, /* historic and small Kana */
      {0x20000, 0x323af}, /* Han extensions B to H */
  };
  if (c < ranges[0].first) return false;
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    if (c <= ranges[i].last) return c >= ranges[i].first;
  return false;
}

/* Previous character of a run without spaces. */
typedef struct bigram {
  char bytes[2 * 4];
  size_t n;         /* bytes of the previous character; 0: none */
  bool was_emitted; /* it has been part of a bigram */
} bigram;

static void end_bigrams(bigram *previous, word_buffer *word) {
  if (previous->n > 0 && !previous->was_emitted) word->fn(word->context, previous->bytes, previous->n);
  previous->n = 0;
  previous->was_emitted = false;
}

static void add_to_bigrams(bigram *previous, word_buffer *word, const char *bytes, size_t n) {
  if (previous->n > 0) {
    memcpy(previous->bytes + previous->n, bytes, n);
    word->fn(word->context, previous->bytes, previous->n + n);
    previous->was_emitted = true;
  }
  memcpy(previous->bytes, bytes, n);
  previous->n = n;
}

/* One character from outside ASCII at `text`; returns the bytes it takes (1 where the text is not UTF-8: U+FFFD, which
 * is no letter). */
static size_t read_character(const char *text, size_t n_bytes, bf__word_rule rule, word_buffer *word,
                             bigram *previous) {
  uint32_t character;
  size_t used = bf__next_character(text, n_bytes, &character);
  if (!is_word_character(character)) {
    end_word(word);
    end_bigrams(previous, word);
    return used;
  }
  char lower[4];
  size_t n = bf__put_character(bf__lower_character(character), lower);
  if (rule == BF__WORDS_OWN && is_spaceless(character)) {
    end_word(word);
    add_to_bigrams(previous, word, lower, n);
  } else {
    end_bigrams(previous, word);
    add_character(word, lower, n);
  }
  return used;
}

void bf__each_word(const char *text, size_t n_bytes, bf__word_rule rule, bf__word_fn fn, void *context) {
  const unsigned char *bytes = (const unsigned char *)text;
  word_buffer word = {.fn = fn, .context = context, .limit = BF__WORD_BYTES};
  bigram previous = {.n = 0};
  for (size_t i = 0; i < n_bytes;) {
    unsigned char lower = ascii_lower[bytes[i]];
    if (lower != 0) {
      if (previous.n > 0) end_bigrams(&previous, &word);
      size_t n = word.n, limit = word.limit; /* in registers: a byte stored could be any of them */
      do {
        if (n < limit) word.bytes[n++] = (char)lower;
        ++i;
      } while (i < n_bytes && (lower = ascii_lower[bytes[i]]) != 0);
      word.n = n;
    } else if (bytes[i] < 0x80) {
      end_word(&word);
      if (previous.n > 0) end_bigrams(&previous, &word);
      i++;
    } else {
      i += read_character(text + i, n_bytes - i, rule, &word, &previous);
    }
  }
  end_word(&word);
  end_bigrams(&previous, &word);
}

bool bf__is_stop_word(const char *word, size_t n) {
  char key[BF__STOP_KEY_BYTES] = {0};
  if (n == 0 || n >= sizeof key) return false;
  memcpy(key, word, n);
  return is_stop(key, n);
}
