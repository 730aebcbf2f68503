/* Unicode characters: what they are, their lower case, their parts. Around utf8proc, which nothing else includes.
 *
 * Where a text from Python meets ours, the rules are Python's: bf__lower_text() is str.lower(), bf__is_space()
 * str.isspace(), and letters with numbers are what \w finds. Versions of Unicode may differ in new characters. */
#ifndef BESTFIT_SRC_BASE_CHARACTERS_H
#define BESTFIT_SRC_BASE_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Unicode's general categories, as far as we tell them apart. */
typedef enum bf__character_class {
  BF__CLASS_CAPITAL,     /* Lu, Lt */
  BF__CLASS_LETTER,      /* Ll, Lm, Lo */
  BF__CLASS_ACCENT,      /* Mn */
  BF__CLASS_MARK,        /* Mc, Me */
  BF__CLASS_DIGIT,       /* Nd */
  BF__CLASS_NUMBER,      /* Nl, No */
  BF__CLASS_CONNECTOR,   /* Pc */
  BF__CLASS_PUNCTUATION, /* other P */
  BF__CLASS_SYMBOL,      /* S */
  BF__CLASS_SPACE,       /* Zs, Zl, Zp */
  BF__CLASS_CONTROL,     /* C */
} bf__character_class;
bf__character_class bf__class_of(uint32_t character);

#define BF__REPLACEMENT 0xfffdu
/* The character at `bytes` (n > 0); returns the bytes it takes. What is not UTF-8 is U+FFFD of one byte. */
size_t bf__next_character(const char *bytes, size_t n, uint32_t *character);
/* Its UTF-8; returns the bytes. U+FFFD for what is no character. */
size_t bf__put_character(uint32_t character, char out[4]);

/* The simple lower case: one character, whatever stands beside it. */
uint32_t bf__lower_character(uint32_t character);
bool bf__is_space(uint32_t character);
/* Canonical decomposition of one character; returns how many. */
#define BF__MOST_PARTS 8u
size_t bf__decompose(uint32_t character, uint32_t out[BF__MOST_PARTS]);

/* Appends the text as valid UTF-8 (bytes that are not become U+FFFD), in lower case where asked. */
void bf__lower_text(const char *bytes, size_t n, bool lower, bf__writer *out);

#endif
