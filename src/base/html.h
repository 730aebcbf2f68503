/* Text of strangers in pages of ours: escaping. Everything appends to a bf__writer, which is checked once at the end.
 */
#ifndef BESTFIT_SRC_BASE_HTML_H
#define BESTFIT_SRC_BASE_HTML_H

#include "base/bytes.h"

void bf__html_raw(bf__writer *w, const char *markup); /* our own markup only */
/* Text or attribute value: & < > " ' become entities, control characters and bytes that are no UTF-8 become U+FFFD. */
void bf__html_text(bf__writer *w, const char *text);
/* Formatted, then escaped as text. */
__attribute__((format(printf, 2, 3))) void bf__html_format(bf__writer *w, const char *format, ...);
void bf__html_base64(bf__writer *w, const uint8_t *bytes, size_t n);
/* <img> of the PNG with an alternative text; `class` is our own. */
void bf__html_png(bf__writer *w, const uint8_t *png, size_t n_bytes, const char *class, const char *alt);
/* Source of a script so that it may stand inside <script>; a NUL ends it. */
void bf__html_script(bf__writer *w, const char *source, size_t n);
/* JSON so that it may stand inside <script type="application/json">. */
void bf__html_json(bf__writer *w, const char *json);

#endif
