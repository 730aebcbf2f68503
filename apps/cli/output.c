/* Words and tables.
 *
 * Text that comes from cards, files and columns is cleaned before it reaches a terminal: an escape sequence in a
 * model's name must not move the cursor or set a title. Widths count code points; the scripts that are two cells wide
 * are printed whole all the same, only their alignment is off. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

bf_status cli_error(bf_error *err, bf_status code, const char *format, ...) {
  if (err == NULL) return code;
  *err = (bf_error){.code = code, .position = -1};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(err->message, sizeof err->message, format, arguments);
  va_end(arguments);
  /* a message that was cut ends between two characters, not inside one */
  size_t n = strlen(err->message);
  if (n + 1 == sizeof err->message) {
    while (n > 0 && ((unsigned char)err->message[n - 1] & 0xc0) == 0x80) n--;
    if (n > 0 && (unsigned char)err->message[n - 1] >= 0xc0) n--;
    err->message[n] = '\0';
  }
  return code;
}

bf_status cli_error_errno(bf_error *err, const char *format, ...) {
  int number = errno;
  bf_status code = number == ENOSPC || number == EDQUOT || number == EFBIG ? BF_ERR_NO_SPACE
                   : number == ENOENT || number == ENOTDIR                 ? BF_ERR_NOT_FOUND
                   : number == ENOMEM                                      ? BF_ERR_MEMORY
                                                                           : BF_ERR_IO;
  char words[200];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  (void)cli_error(err, code, "%s: %s", words, number != 0 ? strerror(number) : "unknown error");
  if (err != NULL) err->native_code = number;
  return code;
}

char *cli_clean(const char *text) {
  size_t n = strlen(text);
  char *out = malloc(n + 1);
  if (out == NULL) return NULL;
  for (size_t i = 0; i <= n; i++) {
    unsigned char byte = (unsigned char)text[i];
    bool control = (byte < 0x20 && i < n) || byte == 0x7f;
    /* U+0080 to U+009F are controls too, in UTF-8 the bytes C2 80 to C2 9F */
    if (i > 0 && (unsigned char)text[i - 1] == 0xc2 && byte >= 0x80 && byte < 0xa0) out[i - 1] = '?', control = true;
    out[i] = control ? '?' : text[i];
  }
  return out;
}

bool cli_colours(FILE *to) {
  const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
  return isatty(fileno(to)) && (no_colour == NULL || no_colour[0] == '\0') &&
         (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

int cli_width(FILE *to) {
  struct winsize size;
  if (!isatty(fileno(to)) || ioctl(fileno(to), TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col >= 40 ? size.ws_col : 40;
}

int cli_fail(const cli *c, const bf_error *err) {
  int code = bf_status_exit_code(err->code);
  if (err->code == BF_OK) return code;
  if (c->json) {
    json_t *error = json_object(), *whole = json_object();
    json_object_set_new(error, "code", cli_json_text(bf_status_name(err->code)));
    json_object_set_new(error, "message", cli_json_text(err->message));
    json_object_set_new(error, "position", err->position >= 0 ? json_integer(err->position) : json_null());
    json_object_set_new(whole, "error", error);
    char *text = json_dumps(whole, JSON_COMPACT);
    fprintf(stderr, "%s\n",
            text != NULL ? text : "{\"error\":{\"code\":\"memory\",\"message\":\"\",\"position\":null}}");
    free(text);
    json_decref(whole);
    return code;
  }
  char *message = cli_clean(err->message);
  bool colours = cli_colours(stderr);
  fprintf(stderr, "%sbestfit: error:%s %s\n", colours ? "\033[31m" : "", colours ? "\033[0m" : "",
          message != NULL ? message : "");
  free(message);
  return code;
}

static void say(const cli *c, const char *colour, const char *before, const char *words) {
  if (c->quiet) return;
  char *clean = cli_clean(words);
  bool colours = colour[0] != '\0' && cli_colours(stderr);
  fprintf(stderr, "%s%s%s%s\n", colours ? colour : "", before, colours ? "\033[0m" : "", clean != NULL ? clean : "");
  free(clean);
}

void cli_say(const cli *c, const char *format, ...) {
  char words[600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  say(c, "", "", words);
}

void cli_warn(cli *c, const char *format, ...) {
  char words[600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  json_array_append_new(c->warnings, cli_json_text(words));
  say(c, "\033[33m", "warning: ", words);
}

/* ---- tables ---- */

struct cli_table {
  size_t n_columns, n_cells, capacity;
  char **cells; /* the headings first */
  bool *right, *flexible;
  int *widths;
};

/* Code points in the text. */
static int width_of(const char *text) {
  int n = 0;
  for (; *text != '\0'; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

cli_table *cli_table_create(const char *const *headings) {
  size_t n = 0;
  while (headings[n] != NULL) n++;
  cli_table *t = calloc(1, sizeof *t);
  if (t == NULL) return NULL;
  t->n_columns = n;
  t->right = calloc(n + 1, sizeof *t->right);
  t->flexible = calloc(n + 1, sizeof *t->flexible);
  t->widths = calloc(n + 1, sizeof *t->widths);
  if (t->right == NULL || t->flexible == NULL || t->widths == NULL) {
    cli_table_free(t);
    return NULL;
  }
  for (size_t i = 0; i < n; i++) {
    t->right[i] = headings[i][0] == '>';
    t->flexible[i] = headings[i][0] == '~';
    cli_table_cell(t, headings[i] + (t->right[i] || t->flexible[i] ? 1 : 0));
  }
  return t;
}

void cli_table_cell(cli_table *t, const char *text) {
  if (t == NULL) return;
  if (t->n_cells == t->capacity) {
    size_t capacity = t->capacity > 0 ? 2 * t->capacity : 64;
    char **cells = realloc(t->cells, capacity * sizeof *cells);
    if (cells == NULL) return;
    t->cells = cells, t->capacity = capacity;
  }
  char *clean = cli_clean(text);
  if (clean == NULL) return;
  size_t column = t->n_cells % t->n_columns;
  int width = width_of(clean);
  if (width > t->widths[column]) t->widths[column] = width;
  t->cells[t->n_cells++] = clean;
}

void cli_table_cellf(cli_table *t, const char *format, ...) {
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  cli_table_cell(t, text);
}

void cli_table_number(cli_table *t, double value) {
  if (isfinite(value)) {
    cli_table_cellf(t, "%.5g", value + 0.0); /* no "-0" */
  } else {
    cli_table_cell(t, "-");
  }
}

size_t cli_table_rows(const cli_table *t) {
  return t == NULL || t->n_columns == 0 ? 0 : t->n_cells / t->n_columns - 1;
}

/* The text, cut to `width` code points with an ellipsis in the last place. */
static void print_cut(FILE *to, const char *text, int width) {
  if (width_of(text) <= width) {
    fputs(text, to);
    return;
  }
  for (int n = 0; *text != '\0'; text++) {
    n += ((unsigned char)*text & 0xc0) != 0x80;
    if (n >= width) break;
    fputc(*text, to);
  }
  fputs("…", to);
}

static void print_row(const cli_table *t, FILE *to, size_t row, const int *widths) {
  size_t n = t->n_columns; /* without the empty cells at the end, so that no line ends in blanks */
  while (n > 1 && t->cells[row * t->n_columns + n - 1][0] == '\0') n--;
  for (size_t column = 0; column < n; column++) {
    const char *text = t->cells[row * t->n_columns + column];
    int width = width_of(text), pad = widths[column] > width ? widths[column] - width : 0;
    bool last = column + 1 == n;
    if (t->right[column]) fprintf(to, "%*s", pad, "");
    print_cut(to, text, widths[column]);
    if (!last) fprintf(to, "%*s", (t->right[column] ? 0 : pad) + 2, "");
  }
  fputc('\n', to);
}

/* Takes what is too much for the terminal from the widest flexible columns. */
static void fit_widths(const cli_table *t, int available, int *widths) {
  int total = 2 * ((int)t->n_columns - 1);
  for (size_t i = 0; i < t->n_columns; i++) total += widths[i] = t->widths[i];
  while (available > 0 && total > available) {
    size_t widest = t->n_columns;
    for (size_t i = 0; i < t->n_columns; i++)
      if (t->flexible[i] && widths[i] > 10 && (widest == t->n_columns || widths[i] > widths[widest])) widest = i;
    if (widest == t->n_columns) return;
    widths[widest]--, total--;
  }
}

void cli_table_print(const cli_table *t, FILE *to, size_t first, size_t last) {
  int widths[64];
  if (t == NULL || t->n_columns == 0 || t->n_columns > 64) return;
  fit_widths(t, cli_width(to), widths);
  bool bold = cli_colours(to);
  if (first == 0) {
    if (bold) fputs("\033[1m", to);
    print_row(t, to, 0, widths);
    if (bold) fputs("\033[0m", to);
  }
  for (size_t row = first; row < last && row < cli_table_rows(t); row++) print_row(t, to, row + 1, widths);
}

void cli_table_free(cli_table *t) {
  if (t == NULL) return;
  for (size_t i = 0; i < t->n_cells; i++) free(t->cells[i]);
  free(t->cells);
  free(t->right);
  free(t->flexible);
  free(t->widths);
  free(t);
}

void cli_print_wrapped(FILE *to, int indent, const char *text) {
  char *clean = cli_clean(text);
  if (clean == NULL) return;
  int width = cli_width(to), column = indent;
  fprintf(to, "%*s", indent, "");
  for (char *rest = clean, *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
    int length = width_of(word);
    if (column > indent && width > 0 && column + 1 + length > width) {
      fprintf(to, "\n%*s", indent, "");
      column = indent;
    } else if (column > indent) {
      fputc(' ', to);
      column++;
    }
    fputs(word, to);
    column += length;
  }
  fputc('\n', to);
  free(clean);
}

void cli_format_bytes(double bytes, char out[24]) {
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) bytes /= 1000, unit++;
  snprintf(out, 24, unit > 0 && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

/* ---- CSV ---- */

void cli_put_quoted(FILE *to, const char *text, size_t n) {
  (void)putc('"', to);
  for (size_t i = 0; i < n; i++) {
    if (text[i] == '"') (void)putc('"', to);
    (void)putc(text[i], to);
  }
  (void)putc('"', to);
}
