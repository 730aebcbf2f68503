/* Pictures without scripts: they print, open anywhere, and their words can be searched. Families of strategies have a
 * colour (Okabe and Ito 2008, told apart by colour-blind readers) and a shape. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "benchmark/report_pages.h"

typedef enum shape { CIRCLE, SQUARE, TRIANGLE, DIAMOND, DOWN, CROSS, PLUS, BAR } shape;

static const struct {
  const char *name, *colour;
  shape shape;
} families[] = {
    {"learned", "#0072B2", CIRCLE},   {"combined", "#009E73", SQUARE}, {"composite", "#56B4E9", DIAMOND},
    {"data", "#56B4E9", TRIANGLE},    {"words", "#B07AA1", TRIANGLE},  {"consensus", "#CC79A7", SQUARE},
    {"confidence", "#D55E00", DOWN},  {"paper", "#1b1f24", CROSS},     {"baseline", "#7f868d", PLUS},
    {"ensemble", "#E69F00", DIAMOND}, {"other", "#7f868d", BAR},
};
#define N_FAMILIES (sizeof families / sizeof *families)

size_t bf__family_of(const char *family) {
  for (size_t i = 0; i < N_FAMILIES; i++)
    if (strcmp(families[i].name, family) == 0) return i;
  return N_FAMILIES - 1;
}

const char *bf__family_name(size_t family) {
  return families[family].name;
}

const char *bf__family_colour(size_t family) {
  return families[family].colour;
}

__attribute__((format(printf, 2, 3))) static void markup(bf__writer *w, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments); /* numbers and words of ours: never cut */
  va_end(arguments);
  bf__html_raw(w, text);
}

/* ---- axes ---- */

bf__axis bf__axis_of(double lowest, double highest, double first, double last, bool logarithmic) {
  bf__axis axis = {.from = lowest, .to = highest, .first = first, .last = last, .logarithmic = logarithmic};
  if (!(axis.from < axis.to)) axis.from -= logarithmic ? axis.from / 2 : 0.05, axis.to += logarithmic ? axis.to : 0.05;
  if (logarithmic) {
    axis.from = pow(10, floor(log10(axis.from)));
    axis.to = pow(10, ceil(log10(axis.to)));
    return axis;
  }
  double rough = (axis.to - axis.from) / 5, power = pow(10, floor(log10(rough))), part = rough / power;
  axis.step = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
  axis.from = floor(axis.from / axis.step + 1e-9) * axis.step;
  axis.to = ceil(axis.to / axis.step - 1e-9) * axis.step;
  return axis;
}

double bf__axis_at(const bf__axis *axis, double value) {
  if (axis->logarithmic)
    return axis->first + (axis->last - axis->first) * log(value / axis->from) / log(axis->to / axis->from);
  return axis->first + (axis->last - axis->first) * (value - axis->from) / (axis->to - axis->from);
}

bool bf__axis_tick(const bf__axis *axis, size_t i, double *value) {
  *value = axis->logarithmic ? axis->from * pow(10, (double)i) : axis->from + axis->step * (double)i;
  return *value <= axis->to * (1 + 1e-9) + (axis->logarithmic ? 0 : 1e-9) && i < 100;
}

static const char *tick_text(char out[32], const bf__axis *axis, double value) {
  if (axis->logarithmic) {
    snprintf(out, 32, "%g", value);
    return out;
  }
  double digits = axis->step >= 1 ? 0 : ceil(-log10(axis->step) - 1e-9);
  snprintf(out, 32, "%.*f", digits < 9 ? (int)digits : 9, fabs(value) < axis->step / 1e6 ? 0 : value);
  return out;
}

void bf__svg_x_axis(bf__writer *w, const bf__axis *x, double top, double bottom, const char *title) {
  double value;
  char text[32];
  for (size_t i = 0; bf__axis_tick(x, i, &value); i++) {
    bf__svg_line(w, bf__axis_at(x, value), top, bf__axis_at(x, value), bottom, "g");
    bf__svg_text(w, bf__axis_at(x, value), bottom + 16, BF__MIDDLE, "s", "%s", tick_text(text, x, value));
  }
  bf__svg_line(w, x->first, bottom, x->last, bottom, "a");
  bf__svg_text(w, (x->first + x->last) / 2, bottom + 34, BF__MIDDLE, "t", "%s", title);
}

void bf__svg_y_axis(bf__writer *w, const bf__axis *y, double left, double right, const char *title) {
  double value;
  char text[32];
  for (size_t i = 0; bf__axis_tick(y, i, &value); i++) {
    bf__svg_line(w, left, bf__axis_at(y, value), right, bf__axis_at(y, value), "g");
    bf__svg_text(w, left - 7, bf__axis_at(y, value) + 4, BF__END, "s", "%s", tick_text(text, y, value));
  }
  bf__svg_line(w, left, y->first, left, y->last, "a");
  markup(w, "<text class=\"t\" text-anchor=\"middle\" transform=\"translate(%.1f %.1f) rotate(-90)\">", left - 42,
         (y->first + y->last) / 2);
  bf__html_text(w, title);
  bf__html_raw(w, "</text>");
}

/* ---- marks ---- */

void bf__svg_begin(bf__writer *w, double width, double height, const char *label) {
  markup(w, "<svg width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", width, height,
         width, height);
  bf__html_text(w, label);
  bf__html_raw(w, "\">\n");
}

void bf__svg_end(bf__writer *w) {
  bf__html_raw(w, "</svg>\n");
}

void bf__svg_text(bf__writer *w, double x, double y, int anchor, const char *class, const char *format, ...) {
  static const char *const anchors[] = {"start", "middle", "end"};
  char text[400];
  va_list arguments;
  markup(w, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchors[anchor], class);
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments); /* labels: what is longer is cut */
  va_end(arguments);
  bf__html_text(w, text);
  bf__html_raw(w, "</text>\n");
}

void bf__svg_line(bf__writer *w, double x1, double y1, double x2, double y2, const char *class) {
  markup(w, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>", x1, y1, x2, y2, class);
}

void bf__svg_rect(bf__writer *w, double x, double y, double width, double height, const char *colour) {
  markup(w, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>", x, y, width, height, colour);
}

void bf__svg_mark(bf__writer *w, double x, double y, size_t family, const char *title) {
  const char *colour = families[family].colour;
  markup(w, "<g transform=\"translate(%.1f %.1f)\" fill=\"%s\" stroke=\"%s\">", x, y, colour, colour);
  switch (families[family].shape) {
    case CIRCLE:
      bf__html_raw(w, "<circle r=\"4.5\"/>");
      break;
    case SQUARE:
      bf__html_raw(w, "<rect x=\"-4\" y=\"-4\" width=\"8\" height=\"8\"/>");
      break;
    case TRIANGLE:
      bf__html_raw(w, "<path d=\"M0-5 5 4-5 4z\"/>");
      break;
    case DIAMOND:
      bf__html_raw(w, "<path d=\"M0-5.5 5.5 0 0 5.5-5.5 0z\"/>");
      break;
    case DOWN:
      bf__html_raw(w, "<path d=\"M0 5 5-4-5-4z\"/>");
      break;
    case CROSS:
      bf__html_raw(w, "<path d=\"M-4-4 4 4M-4 4 4-4\" stroke-width=\"2.2\"/>");
      break;
    case PLUS:
      bf__html_raw(w, "<path d=\"M-5 0H5M0-5V5\" stroke-width=\"2.2\"/>");
      break;
    case BAR:
      bf__html_raw(w, "<path d=\"M0-5V5\" stroke-width=\"3\"/>");
      break;
  }
  if (title != NULL) {
    bf__html_raw(w, "<title>");
    bf__html_text(w, title);
    bf__html_raw(w, "</title>");
  }
  bf__html_raw(w, "</g>\n");
}

double bf__svg_legend(bf__writer *w, double x, double right, double y, const bf__row *rows, size_t n) {
  double left = x;
  for (size_t family = 0; family < N_FAMILIES; family++) {
    bool there = false;
    double width = 36 + 7 * (double)strlen(families[family].name);
    for (size_t i = 0; i < n && !there; i++) there = bf__family_of(rows[i].family) == family;
    if (!there) continue;
    if (x + width > right && x > left) x = left, y += 18;
    bf__svg_mark(w, x, y, family, NULL);
    bf__svg_text(w, x + 10, y + 4, BF__START, "t", "%s", families[family].name);
    x += width;
  }
  return y;
}
