#include "base/characters.h"

#include <utf8proc.h>

static bool is_character(uint32_t c) {
  return c < 0xd800 || (c > 0xdfff && c < 0x110000);
}

static utf8proc_category_t category_of(uint32_t c) {
  return is_character(c) ? utf8proc_category((utf8proc_int32_t)c) : UTF8PROC_CATEGORY_CN;
}

bf__character_class bf__class_of(uint32_t character) {
  static const uint8_t classes[] = {
      [UTF8PROC_CATEGORY_CN] = BF__CLASS_CONTROL,     [UTF8PROC_CATEGORY_LU] = BF__CLASS_CAPITAL,
      [UTF8PROC_CATEGORY_LL] = BF__CLASS_LETTER,      [UTF8PROC_CATEGORY_LT] = BF__CLASS_CAPITAL,
      [UTF8PROC_CATEGORY_LM] = BF__CLASS_LETTER,      [UTF8PROC_CATEGORY_LO] = BF__CLASS_LETTER,
      [UTF8PROC_CATEGORY_MN] = BF__CLASS_ACCENT,      [UTF8PROC_CATEGORY_MC] = BF__CLASS_MARK,
      [UTF8PROC_CATEGORY_ME] = BF__CLASS_MARK,        [UTF8PROC_CATEGORY_ND] = BF__CLASS_DIGIT,
      [UTF8PROC_CATEGORY_NL] = BF__CLASS_NUMBER,      [UTF8PROC_CATEGORY_NO] = BF__CLASS_NUMBER,
      [UTF8PROC_CATEGORY_PC] = BF__CLASS_CONNECTOR,   [UTF8PROC_CATEGORY_PD] = BF__CLASS_PUNCTUATION,
      [UTF8PROC_CATEGORY_PS] = BF__CLASS_PUNCTUATION, [UTF8PROC_CATEGORY_PE] = BF__CLASS_PUNCTUATION,
      [UTF8PROC_CATEGORY_PI] = BF__CLASS_PUNCTUATION, [UTF8PROC_CATEGORY_PF] = BF__CLASS_PUNCTUATION,
      [UTF8PROC_CATEGORY_PO] = BF__CLASS_PUNCTUATION, [UTF8PROC_CATEGORY_SM] = BF__CLASS_SYMBOL,
      [UTF8PROC_CATEGORY_SC] = BF__CLASS_SYMBOL,      [UTF8PROC_CATEGORY_SK] = BF__CLASS_SYMBOL,
      [UTF8PROC_CATEGORY_SO] = BF__CLASS_SYMBOL,      [UTF8PROC_CATEGORY_ZS] = BF__CLASS_SPACE,
      [UTF8PROC_CATEGORY_ZL] = BF__CLASS_SPACE,       [UTF8PROC_CATEGORY_ZP] = BF__CLASS_SPACE,
      [UTF8PROC_CATEGORY_CC] = BF__CLASS_CONTROL,     [UTF8PROC_CATEGORY_CF] = BF__CLASS_CONTROL,
      [UTF8PROC_CATEGORY_CS] = BF__CLASS_CONTROL,     [UTF8PROC_CATEGORY_CO] = BF__CLASS_CONTROL,
  };
  return (bf__character_class)classes[category_of(character)];
}

size_t bf__next_character(const char *bytes, size_t n, uint32_t *character) {
  const unsigned char *s = (const unsigned char *)bytes;
  *character = s[0];
  if (s[0] < 0x80) return 1;
  utf8proc_int32_t c = -1;
  utf8proc_ssize_t used = utf8proc_iterate(s, (utf8proc_ssize_t)(n < 4 ? n : 4), &c);
  *character = used > 0 ? (uint32_t)c : BF__REPLACEMENT;
  return used > 0 ? (size_t)used : 1;
}

size_t bf__put_character(uint32_t character, char out[4]) {
  if (!is_character(character)) character = BF__REPLACEMENT;
  return (size_t)utf8proc_encode_char((utf8proc_int32_t)character, (utf8proc_uint8_t *)out);
}

uint32_t bf__lower_character(uint32_t character) {
  if (character < 0x80) return character >= 'A' && character <= 'Z' ? character + 32 : character;
  return is_character(character) ? (uint32_t)utf8proc_tolower((utf8proc_int32_t)character) : character;
}

bool bf__is_space(uint32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
  return c == 0x85 || bf__class_of(c) == BF__CLASS_SPACE;
}

size_t bf__decompose(uint32_t character, uint32_t out[BF__MOST_PARTS]) {
  utf8proc_int32_t parts[BF__MOST_PARTS];
  int boundary = 0;
  out[0] = character;
  if (character < 0x80 || !is_character(character)) return 1;
  utf8proc_ssize_t n =
      utf8proc_decompose_char((utf8proc_int32_t)character, parts, BF__MOST_PARTS, UTF8PROC_DECOMPOSE, &boundary);
  if (n < 1 || n > (utf8proc_ssize_t)BF__MOST_PARTS) return 1;
  for (utf8proc_ssize_t i = 0; i < n; i++) out[i] = (uint32_t)parts[i];
  return (size_t)n;
}

/* --- lower case of a text -------------------------------------------------------------------------------------- */

/* Unicode's Cased, of characters that are not case-ignorable. */
static bool is_cased(uint32_t c) {
  const utf8proc_category_t category = category_of(c);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT ||
         c == 0xaa || c == 0xba || (c >= 0x2160 && c <= 0x217f) || (c >= 0x24b6 && c <= 0x24e9) ||
         (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
}

/* Unicode's Case_Ignorable: accents, formats, modifiers, and what may stand within a word. */
static bool is_case_ignorable(uint32_t c) {
  static const uint16_t within_words[] = {'\'',   '.',    ':',    0xb7,   0x387,  0x55f,  0x5f4,  0x2018, 0x2019,
                                          0x2024, 0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
  for (size_t i = 0; i < sizeof within_words / sizeof *within_words; i++)
    if (c == within_words[i]) return true;
  const utf8proc_category_t category = category_of(c);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF ||
         category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_SK;
}

static bool cased_follows(const char *bytes, size_t n) {
  uint32_t c;
  for (size_t i = 0; i < n;) {
    i += bf__next_character(bytes + i, n - i, &c);
    if (!is_case_ignorable(c)) return is_cased(c);
  }
  return false;
}

void bf__lower_text(const char *bytes, size_t n, bool lower, bf__writer *out) {
  bool after_cased = false; /* the last character that is not case-ignorable is a letter with case */
  for (size_t i = 0; i < n && !out->failed;) {
    size_t plain = i; /* a run of ASCII at once */
    while (plain < n && (unsigned char)bytes[plain] < 0x80) plain++;
    if (plain > i) {
      const size_t at = out->size;
      bf__write(out, bytes + i, plain - i);
      if (out->failed) return;
      for (size_t k = at; lower && k < out->size; k++) out->data[k] = (uint8_t)bf__lower_character(out->data[k]);
      for (size_t k = plain; lower && k > i; k--) {
        if (is_case_ignorable((unsigned char)bytes[k - 1])) continue;
        after_cased = is_cased((unsigned char)bytes[k - 1]);
        break;
      }
      i = plain;
      continue;
    }
    uint32_t c;
    char utf8[4];
    i += bf__next_character(bytes + i, n - i, &c);
    uint32_t low = lower ? bf__lower_character(c) : c;
    if (lower && c == 0x3a3 && after_cased && !cased_follows(bytes + i, n - i)) low = 0x3c2; /* final sigma */
    bf__write(out, utf8, bf__put_character(low, utf8));
    if (lower && c == 0x130) bf__write(out, "\xcc\x87", 2); /* I with a dot keeps it: the only one that grows */
    if (!is_case_ignorable(c)) after_cased = is_cased(c);
  }
}
