#include "base/parse.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t bf__utf8_check(const char *bytes, size_t n) {
  const unsigned char *s = (const unsigned char *)bytes;
  for (size_t i = 0; i < n;) {
    unsigned char c = s[i];
    size_t more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : 4;
    if (more == 4 || more >= n - i) return i;
    for (size_t j = 1; j <= more; ++j)
      if ((s[i + j] & 0xC0) != 0x80) return i;
    /* Longer than needed, surrogates, above U+10FFFF: all are seen in the second byte. */
    unsigned char second = more == 0 ? 0 : s[i + 1];
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) ||
        (c == 0xF4 && second > 0x8F))
      return i;
    i += more + 1;
  }
  return n;
}

bool bf__number_of(const char *text, double *out) {
  if (text[0] == 0 || text[strspn(text, "0123456789+-.eE")] != 0) return false;
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (c == (locale_t)0) return false;
  char *end = NULL;
  double value = strtod_l(text, &end, c);
  freelocale(c);
  if (end == text || *end != 0 || !isfinite(value)) return false;
  *out = value;
  return true;
}
