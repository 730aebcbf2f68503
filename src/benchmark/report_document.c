/* Two ways to write one text. HTML: a page that opens from a disk, runs no script and loads nothing, which its content
 * security policy also forbids. Markdown: the same words and tables, without the pictures. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "benchmark/report_pages.h"

static const char style[] =
    ":root{color-scheme:light}"
    "body{margin:0 auto;max-width:1180px;padding:24px 32px 48px;font:15px/1.5 "
    "system-ui,sans-serif;color:#1b1f24;background:#fff}"
    "h1{font-size:26px;line-height:1.25;margin:8px 0}h2{font-size:20px;line-height:1.3;margin:40px 0 6px;"
    "padding-top:10px;border-top:2px solid #1b1f24}h3{font-size:16px;margin:22px 0 4px}"
    "p{margin:4px 0 10px;max-width:88ch}ul{margin:4px 0 12px;padding-left:22px;max-width:88ch}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13.5px;margin:8px 0 14px}"
    "th,td{text-align:left;padding:3px 14px 3px 0;vertical-align:top}thead th{border-bottom:2px solid "
    "#1b1f24;font-weight:600;vertical-align:bottom}"
    "tbody td{border-top:1px solid #e1e5e9}td.n,th.n{text-align:right}td.n{white-space:nowrap}"
    ".scroll{overflow-x:auto}"
    "figure{margin:16px 0;break-inside:avoid}figcaption{margin-bottom:4px}figcaption b{font-size:16px}"
    "figcaption p{color:#46505a;font-size:14px;margin:0}"
    "svg{max-width:100%;height:auto;font-family:system-ui,sans-serif;print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}"
    "svg text{font-size:12px;fill:#1b1f24}svg .s{font-size:11px}svg .q{fill:#46505a}svg .w{fill:#fff;font-size:11px}"
    "svg .t{font-size:12px;fill:#1b1f24}"
    "svg .g{stroke:#e7eaed}svg .a{stroke:#9aa4ad}svg .z{stroke:#1b1f24;stroke-width:1.2}"
    "svg .i{stroke-width:2}svg .d{stroke:#1b1f24;stroke-dasharray:4 3}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(500px,1fr));gap:4px 36px;align-items:start}"
    ".grid figure{margin:8px 0}.grid figcaption b{font-size:15px}"
    "details{margin:8px 0}summary{cursor:pointer;color:#0b57a8}"
    "footer{margin-top:40px;padding-top:10px;border-top:1px solid #e1e5e9;color:#46505a;font-size:13px}"
    "code{font-family:ui-monospace,monospace;font-size:.95em}"
    "@page{margin:12mm}@media print{body{padding:0;max-width:none;font-size:11.5px}h1{font-size:20px}h2{font-size:15px;"
    "margin-top:24px}h3,figcaption b,.grid figcaption b{font-size:12.5px}figcaption p{font-size:11px}"
    "table{font-size:9.5px}th,td{padding-right:7px}td:first-child{min-width:11em}"
    "h2,h3{break-after:avoid}tr{break-inside:avoid}.scroll{overflow:visible}"
    ".grid{grid-template-columns:1fr 1fr;gap:4px 18px}.grid svg text{font-size:13.5px}}";

/* ---- texts ---- */

static void raw(bf__document *d, const char *markup) {
  bf__html_raw(d->w, markup);
}

static char *formatted(const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int n = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *text = n >= 0 ? bf__alloc((size_t)n + 1, 1) : NULL;
  if (text != NULL) vsnprintf(text, (size_t)n + 1, format, arguments);
  return text;
}

static void markdown_text(bf__document *d, const char *text) {
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '<')
      raw(d, "&lt;");
    else if (*p == '|')
      raw(d, "\\|");
    else if (*p == '[' && strchr(p, '(') != NULL && strchr(p, ']') != NULL && strchr(p, ']')[1] == '(')
      raw(d, "\\["); /* no links but ours, and we have none */
    else if ((unsigned char)*p < 0x20)
      raw(d, " ");
    else
      bf__write(d->w, p, 1);
  }
}

/* `code` and **strong** where both marks are there; all else is text. */
static void html_text(bf__document *d, char *text) {
  while (*text != '\0') {
    size_t plain = strcspn(text, "`*");
    char *mark = text + plain, kept = *mark;
    size_t width = kept == '*' ? 2 : 1;
    *mark = '\0';
    bf__html_text(d->w, text);
    if (kept == '\0') return;
    *mark = kept;
    char *inside = mark + width, *end = kept == '`' ? strchr(inside, '`') : NULL;
    if (kept == '*' && mark[1] == '*') end = strstr(inside, "**");
    if (end == NULL) { /* a lone mark */
      bf__html_text(d->w, kept == '`' ? "`" : "*");
      text = mark + 1;
      continue;
    }
    *end = '\0';
    raw(d, kept == '`' ? "<code>" : "<strong>");
    if (kept == '`')
      bf__html_text(d->w, inside);
    else
      html_text(d, inside);
    raw(d, kept == '`' ? "</code>" : "</strong>");
    text = end + width;
  }
}

static void put(bf__document *d, const char *before, const char *after, const char *format, va_list arguments) {
  char *text = formatted(format, arguments);
  raw(d, before);
  if (text == NULL)
    d->w->failed = true;
  else if (d->markdown)
    markdown_text(d, text);
  else
    html_text(d, text);
  raw(d, after);
  free(text);
}

/* ---- blocks ---- */

void bf__doc_begin(bf__document *d, const char *title) {
  if (d->markdown) {
    raw(d, "# ");
    markdown_text(d, title);
    raw(d, "\n\n");
    return;
  }
  raw(d,
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
  bf__html_text(d->w, title);
  raw(d, "</title>\n<style>");
  raw(d, style);
  raw(d, "</style>\n</head>\n<body>\n<h1>");
  bf__html_text(d->w, title);
  raw(d, "</h1>\n");
}

void bf__doc_end(bf__document *d) {
  if (d->markdown) return;
  raw(d, "<footer>Written by bestfit ");
  bf__html_text(d->w, bf_version());
  raw(d, ". The page loads nothing and runs no script.</footer>\n</body>\n</html>\n");
}

void bf__doc_heading(bf__document *d, int level, const char *format, ...) {
  static const char *const marks[] = {"# ", "## ", "### "};
  static const char *const tags[][2] = {{"<h1>", "</h1>\n"}, {"<h2>", "</h2>\n"}, {"<h3>", "</h3>\n"}};
  va_list arguments;
  va_start(arguments, format);
  put(d, d->markdown ? marks[level - 1] : tags[level - 1][0], d->markdown ? "\n\n" : tags[level - 1][1], format,
      arguments);
  va_end(arguments);
}

void bf__doc_text(bf__document *d, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  put(d, d->markdown ? "" : "<p>", d->markdown ? "\n\n" : "</p>\n", format, arguments);
  va_end(arguments);
}

void bf__doc_items_begin(bf__document *d) {
  if (!d->markdown) raw(d, "<ul>\n");
}

void bf__doc_item(bf__document *d, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  put(d, d->markdown ? "- " : "<li>", d->markdown ? "\n" : "</li>\n", format, arguments);
  va_end(arguments);
}

void bf__doc_items_end(bf__document *d) {
  raw(d, d->markdown ? "\n" : "</ul>\n");
}

void bf__doc_table(bf__document *d, const char *const *headings) {
  d->n_columns = d->column = 0;
  if (!d->markdown) raw(d, "<div class=\"scroll\"><table><thead><tr>");
  for (; headings[d->n_columns] != NULL && d->n_columns < BF__MAX_COLUMNS; d->n_columns++) {
    const char *heading = headings[d->n_columns];
    bool right = heading[0] == '>';
    d->right[d->n_columns] = right;
    raw(d, d->markdown ? "| " : right ? "<th class=\"n\">" : "<th>");
    if (d->markdown)
      markdown_text(d, heading + right);
    else
      bf__html_text(d->w, heading + right);
    raw(d, d->markdown ? " " : "</th>");
  }
  if (!d->markdown) {
    raw(d, "</tr></thead>\n<tbody>\n");
    return;
  }
  raw(d, "|\n");
  for (size_t i = 0; i < d->n_columns; i++) raw(d, "|---");
  raw(d, "|\n");
}

void bf__doc_cell(bf__document *d, const char *format, ...) {
  va_list arguments;
  bool right = d->right[d->column];
  if (d->column == 0 && !d->markdown) raw(d, "<tr>");
  va_start(arguments, format);
  put(d, d->markdown ? "| " : right ? "<td class=\"n\">" : "<td>", d->markdown ? " " : "</td>", format, arguments);
  va_end(arguments);
  if (++d->column < d->n_columns) return;
  raw(d, d->markdown ? "|\n" : "</tr>\n");
  d->column = 0;
}

void bf__doc_table_end(bf__document *d) {
  while (d->column != 0) bf__doc_cell(d, "%s", "");
  raw(d, d->markdown ? "\n" : "</tbody></table></div>\n");
}

void bf__doc_fold(bf__document *d, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  put(d, d->markdown ? "#### " : "<details><summary>", d->markdown ? "\n\n" : "</summary>\n", format, arguments);
  va_end(arguments);
}

void bf__doc_fold_end(bf__document *d) {
  if (!d->markdown) raw(d, "</details>\n");
}

void bf__doc_figure(bf__document *d, const char *finding, const char *explanation, bf__writer *picture) {
  if (d->markdown) {
    bf__doc_text(d, "**%s** %s", finding, explanation);
  } else {
    raw(d, "<figure><figcaption><b>");
    bf__html_text(d->w, finding);
    raw(d, "</b><p>");
    bf__html_text(d->w, explanation);
    raw(d, "</p></figcaption>\n");
    if (picture->failed) d->w->failed = true;
    if (picture->size > 0) bf__write(d->w, picture->data, picture->size);
    raw(d, "</figure>\n");
  }
  bf__writer_deinit(picture);
}

void bf__doc_grid(bf__document *d, bool begin) {
  if (!d->markdown) raw(d, begin ? "<div class=\"grid\">\n" : "</div>\n");
}
