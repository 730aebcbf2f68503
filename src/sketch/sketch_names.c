#include "sketch/sketch_names.h"
#include "base/hash.h"

#include <string.h>

/* Bytes of the UTF-8 character at `s` (n bytes left), 0 where it is none or a control character. */
static size_t character(const uint8_t *s, size_t n) {
  uint32_t c = s[0];
  if (c < 0x80) return c >= 0x20 && c != 0x7f;
  size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
  if (c < 0xc2 || c > 0xf4 || more >= n) return 0;
  c &= 0x3fu >> more;
  for (size_t i = 1; i <= more; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
    c = c << 6 | (s[i] & 0x3f);
  }
  static const uint32_t lowest[] = {0, 0xa0, 0x800, 0x10000}; /* 0x80 .. 0x9f are control characters */
  if (c < lowest[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return 0;
  return more + 1;
}

size_t bf__sketch_name_of(const char *bytes, size_t n, char out[BF__NAME_BYTES + 1]) {
  size_t used = 0;
  const uint8_t *s = (const uint8_t *)bytes;
  while (n) {
    size_t size = character(s, n), take = size ? size : 1;
    if (used + take > BF__NAME_BYTES) break;
    if (size) {
      memcpy(out + used, s, size);
    } else {
      out[used] = '?';
    }
    used += take;
    s += take;
    n -= take;
  }
  memset(out + used, 0, BF__NAME_BYTES + 1 - used);
  return used;
}

void bf__sketch_name(const char *name, char out[BF__NAME_BYTES + 1]) {
  const size_t all = strlen(name), tail = 9;
  size_t used = bf__sketch_name_of(name, all, out);
  /* Control characters become '?', which is never longer: a name that was cut is one that fills the room. */
  if (all <= BF__NAME_BYTES || used + 4 <= BF__NAME_BYTES) return;
  static const char digits[] = "0123456789abcdef"; /* names that begin alike must stay apart: columns match by name */
  uint64_t hash = bf__xxh64(name, all, 0);
  size_t cut = BF__NAME_BYTES - tail;
  while (cut > 0 && ((uint8_t)out[cut] & 0xc0) == 0x80) cut--;
  out[cut] = '~';
  for (size_t i = 1; i < tail; i++) out[cut + i] = digits[hash >> (4 * (tail - 1 - i)) & 15];
  memset(out + cut + tail, 0, BF__NAME_BYTES + 1 - cut - tail);
}

bool bf__sketch_name_valid(const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n;) {
    size_t step = character(bytes + i, n - i);
    if (!step) return false;
    i += step;
  }
  return true;
}
