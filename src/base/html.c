/* Escaping. A report shows names, columns and sentences that strangers wrote; nothing of it may become markup or
 * script. The page's content security policy (report.c) is the second line of defence. */
#include "base/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void bf__html_raw(bf__writer *w, const char *markup) {
  bf__write(w, markup, strlen(markup));
}

/* Length of the valid UTF-8 character at p (RFC 3629: no surrogates, no overlong forms), 0 where there is none. */
static size_t character_length(const unsigned char *p) {
  size_t n = p[0] < 0x80                   ? 1
             : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
             : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
             : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                           : 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0)) return 0;
  if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90)) return 0;
  return n;
}

void bf__html_text(bf__writer *w, const char *text) {
  if (text == NULL) return;
  for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
    size_t n = character_length(p);
    bool control = n == 1 && ((*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f);
    if (n == 0 || control) {
      bf__html_raw(w, "\xef\xbf\xbd");
      p++;
      continue;
    }
    switch (*p) {
      case '&':
        bf__html_raw(w, "&amp;");
        break;
      case '<':
        bf__html_raw(w, "&lt;");
        break;
      case '>':
        bf__html_raw(w, "&gt;");
        break;
      case '"':
        bf__html_raw(w, "&quot;");
        break;
      case '\'':
        bf__html_raw(w, "&#39;");
        break;
      default:
        bf__write(w, p, n);
    }
    p += n;
  }
}

void bf__html_format(bf__writer *w, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int n = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *text = n >= 0 ? bf__alloc((size_t)n + 1, 1) : NULL;
  if (text != NULL) {
    vsnprintf(text, (size_t)n + 1, format, arguments);
    bf__html_text(w, text);
  } else {
    w->failed = true;
  }
  va_end(arguments);
  free(text);
}

void bf__html_base64(bf__writer *w, const uint8_t *bytes, size_t n) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    size_t left = n - i;
    uint32_t v =
        (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
    char out[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                   left > 2 ? digits[v & 63] : '='};
    bf__write(w, out, 4);
  }
}

void bf__html_png(bf__writer *w, const uint8_t *png, size_t n_bytes, const char *class, const char *alt) {
  bf__html_raw(w, "<img class=\"");
  bf__html_raw(w, class);
  bf__html_raw(w, "\" alt=\"");
  bf__html_text(w, alt);
  bf__html_raw(w, "\" src=\"data:image/png;base64,");
  bf__html_base64(w, png, n_bytes);
  bf__html_raw(w, "\">");
}

void bf__html_script(bf__writer *w, const char *source, size_t n) {
  /* in strings and regular expressions, the only places where these can stand, a backslash before '/' or '!' means
   * nothing */
  for (size_t i = 0; i < n && source[i] != '\0'; i++) {
    if (source[i] == '\r') continue; /* browsers normalise line ends before they hash a script */
    bf__write_u8(w, (uint8_t)source[i]);
    bool ends = source[i] == '<' && i + 7 < n && strncasecmp(source + i, "</script", 8) == 0;
    bool comment = source[i] == '<' && i + 3 < n && strncmp(source + i, "<!--", 4) == 0;
    if (ends || comment) bf__write_u8(w, '\\');
  }
}

void bf__html_json(bf__writer *w, const char *json) {
  /* '<' stands only inside strings of JSON, where an escape means the same */
  for (; *json != '\0'; json++) {
    if (*json == '<') {
      bf__html_raw(w, "\\u003c");
    } else {
      bf__write_u8(w, (uint8_t)*json);
    }
  }
}
