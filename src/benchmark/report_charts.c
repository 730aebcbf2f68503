/* The report's charts. Each is drawn from the results alone; titles that state the finding are the sections' business.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "benchmark/report_pages.h"

#define WIDTH 900.0 /* so that labels can be read when it is printed on a page of A4 */

static double least(double a, double b) {
  return isnan(a) || b < a ? b : a;
}

static double most(double a, double b) {
  return isnan(a) || b > a ? b : a;
}

/* ---- means with intervals ---- */

void bf__chart_intervals(bf__writer *w, const bf__row *rows, size_t n, size_t metric, const char *x_title,
                         bool with_legend) {
  double lowest = 0, highest = NAN, top = with_legend ? 34 : 10, row_height = n > 20 ? 17 : 21;
  double bottom = top + row_height * (double)n;
  for (size_t i = 0; i < n; i++) {
    const bf__figure *f = &rows[i].figures[metric];
    lowest = least(lowest, isnan(f->low) ? f->mean : f->low);
    highest = most(highest, isnan(f->high) ? f->mean : f->high);
  }
  bf__axis x = bf__axis_of(lowest, most(highest, lowest + 0.01), 206, WIDTH - 150, false);
  bf__svg_begin(w, WIDTH, bottom + 44, x_title);
  if (with_legend) (void)bf__svg_legend(w, 40, WIDTH, 12, rows, n);
  bf__svg_x_axis(w, &x, top, bottom, x_title);
  bf__svg_line(w, bf__axis_at(&x, 0), top, bf__axis_at(&x, 0), bottom, "z");
  for (size_t i = 0; i < n; i++) {
    const bf__figure *f = &rows[i].figures[metric];
    double y = top + row_height * ((double)i + 0.5);
    size_t family = bf__family_of(rows[i].family);
    bf__svg_text(w, 197, y + 4, BF__END, bf__is_shown(rows[i].name) ? "t" : "s q", "%s", rows[i].name);
    if (!isnan(f->low)) {
      char line[200];
      snprintf(line, sizeof line, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"i\" stroke=\"%s\"/>",
               bf__axis_at(&x, f->low), y, bf__axis_at(&x, f->high), y, bf__family_colour(family));
      bf__html_raw(w, line);
    }
    bf__svg_mark(w, bf__axis_at(&x, f->mean), y, family, rows[i].name);
    bf__svg_text(w, WIDTH - 142, y + 4, BF__START, "s", "%s", BF__INTERVAL(f, 3));
  }
  bf__svg_end(w);
}

/* ---- accuracy matrices ---- */

/* White to dark blue, so that print and eye alike see more as darker. */
static void heat_colour(double share, char out[16]) {
  static const int stops[5][3] = {{247, 251, 255}, {198, 219, 239}, {107, 174, 214}, {33, 113, 181}, {8, 48, 107}};
  double at = !(share >= 0) ? 0 : share > 1 ? 4 : share * 4;
  int i = at >= 4 ? 3 : (int)at;
  double part = at - i;
  int c[3];
  for (int k = 0; k < 3; k++) c[k] = (int)(stops[i][k] + part * (stops[i + 1][k] - stops[i][k]) + 0.5);
  snprintf(out, 16, "#%02x%02x%02x", c[0] & 255, c[1] & 255, c[2] & 255);
}

static void heat_cells(bf__writer *w, const json_t *matrix, double left, double top, double width, double height,
                       double low, double high) {
  const json_t *rows = json_object_get(matrix, "accuracy"), *models = json_object_get(matrix, "models"),
               *targets = json_object_get(matrix, "targets");
  char colour[16];
  for (size_t t = 0; t < json_array_size(rows); t++) {
    const char *target = json_string_value(json_array_get(targets, t));
    for (size_t m = 0; m < json_array_size(models); m++) {
      const json_t *cell = json_array_get(json_array_get(rows, t), m);
      const char *model = json_string_value(json_array_get(models, m));
      double x = left + width * (double)m, y = top + height * (double)t, value = json_number_value(cell);
      bool own = target != NULL && model != NULL && strcmp(target, model) == 0;
      if (json_is_number(cell)) {
        double share = (value - low) / (high - low);
        heat_colour(share, colour);
        bf__svg_rect(w, x, y, width - 1, height - 1, colour);
        bf__svg_text(w, x + (width - 1) / 2, y + height / 2 + 3.5, BF__MIDDLE, share > 0.55 ? "w" : "s", "%s",
                     BF__SHORT(value, 2));
      } else {
        bf__svg_rect(w, x, y, width - 1, height - 1, "#f1f3f5");
      }
      if (!own) continue;
      char frame[160];
      snprintf(frame, sizeof frame,
               "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" stroke=\"#D55E00\" "
               "stroke-width=\"2\"/>",
               x, y, width - 1, height - 1);
      bf__html_raw(w, frame);
    }
  }
}

static double longest_name(const json_t *names) {
  size_t longest = 0, i;
  const json_t *name;
  json_array_foreach(names, i, name) if (json_string_length(name) > longest) longest = json_string_length(name);
  return longest < 26 ? (double)longest : 26;
}

/* Its own range of colours: what matters is the difference within a collection. */
static void heat_range(const json_t *rows, double *low, double *high) {
  *low = *high = NAN;
  for (size_t t = 0; t < json_array_size(rows); t++)
    for (size_t m = 0; m < json_array_size(json_array_get(rows, t)); m++) {
      const json_t *cell = json_array_get(json_array_get(rows, t), m);
      if (!json_is_number(cell)) continue;
      *low = least(*low, json_number_value(cell));
      *high = most(*high, json_number_value(cell));
    }
  if (isnan(*low) || !(*high - *low > 0.01)) *low = 0, *high = 1;
}

void bf__chart_heat(bf__writer *w, const json_t *matrix) {
  const json_t *rows = json_object_get(matrix, "accuracy"), *models = json_object_get(matrix, "models"),
               *targets = json_object_get(matrix, "targets");
  size_t n_models = json_array_size(models), n_targets = json_array_size(targets);
  double low, high;
  if (n_models == 0 || n_targets == 0 || n_models > 200 || n_targets > 200) return;
  heat_range(rows, &low, &high);
  double left = 20 + 6.6 * (longest_name(targets) > 6 ? longest_name(targets) : 6),
         top = 40 + 5.2 * longest_name(models);
  double width = (WIDTH - left - 40) / (double)n_models, height = 19;
  if (width > 40) width = 40;
  if (width < 24) width = 24;
  double right = left + width * (double)n_models + 50;
  bf__svg_begin(w, right > 470 ? right : 470, top + height * (double)n_targets + 46,
                "accuracy of every model on every target");
  bf__svg_text(w, left, 14, BF__START, "t q", "model of (columns)");
  bf__svg_text(w, left - 6, top - 8, BF__END, "t q", "target");
  for (size_t m = 0; m < n_models; m++) {
    char place[120];
    const char *name = json_string_value(json_array_get(models, m));
    snprintf(place, sizeof place, "<text class=\"s\" transform=\"translate(%.1f %.1f) rotate(-50)\">",
             left + width * ((double)m + 0.5), top - 6);
    bf__html_raw(w, place);
    bf__html_format(w, "%.26s", name != NULL ? name : "?");
    bf__html_raw(w, "</text>");
  }
  for (size_t t = 0; t < n_targets; t++) {
    const char *name = json_string_value(json_array_get(targets, t));
    bf__svg_text(w, left - 6, top + height * ((double)t + 0.5) + 3.5, BF__END, "s", "%.26s", name != NULL ? name : "?");
  }
  heat_cells(w, matrix, left, top, width, height, low, high);
  double y = top + height * (double)n_targets + 14;
  for (int i = 0; i < 40; i++) {
    char colour[16];
    heat_colour(i / 39.0, colour);
    bf__svg_rect(w, left + 40 + 4 * i, y, 4, 12, colour);
  }
  bf__svg_text(w, left + 34, y + 10, BF__END, "s", "%s", BF__SHORT(low, 2));
  bf__svg_text(w, left + 206, y + 10, BF__START, "s", "%s accuracy (share of rows)", BF__SHORT(high, 2));
  bf__svg_end(w);
}

/* ---- expected against true ---- */

static double point_number(const json_t *point, size_t i) {
  const json_t *value = json_array_get(point, i);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

void bf__chart_expected(bf__writer *w, const json_t *points) {
  size_t i;
  const json_t *point;
  double lowest = 1;
  json_array_foreach(points, i, point) {
    lowest = least(lowest, point_number(point, 2));
    lowest = least(lowest, point_number(point, 5));
  }
  bf__axis x = bf__axis_of(lowest < 0 ? 0 : lowest, 1, 64, 484, false), y = x;
  y.first = 384;
  y.last = 10;
  bf__svg_begin(w, 500, 430, "expected against true accuracy");
  bf__svg_x_axis(w, &x, y.last, y.first, "expected accuracy (share of rows)");
  bf__svg_y_axis(w, &y, x.first, x.last, "true accuracy");
  bf__svg_line(w, bf__axis_at(&x, x.from), bf__axis_at(&y, x.from), bf__axis_at(&x, x.to), bf__axis_at(&y, x.to), "d");
  for (int chosen = 0; chosen < 2; chosen++) /* the chosen above the others */
    json_array_foreach(points, i, point) {
      double expected = point_number(point, 2), truth = point_number(point, 5);
      char mark[240];
      bool inside = point_number(point, 3) <= truth && truth <= point_number(point, 4);
      if (json_is_true(json_array_get(point, 6)) != (chosen == 1) || !(expected >= 0 && expected <= 1) ||
          !(truth >= 0 && truth <= 1))
        continue;
      double px = bf__axis_at(&x, expected), py = bf__axis_at(&y, truth);
      if (inside)
        snprintf(mark, sizeof mark, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\" fill-opacity=\"%s\"%s/>", px,
                 py, chosen ? "4.5" : "2.6", chosen ? "#0072B2" : "#5f6b76", chosen ? "1" : ".45",
                 chosen ? " stroke=\"#fff\"" : "");
      else
        snprintf(mark, sizeof mark, "<path d=\"M%.1f %.1fl8 8m0-8l-8 8\" stroke=\"#D55E00\" stroke-width=\"%s\"/>",
                 px - 4, py - 4, chosen ? "3" : "1.4");
      bf__html_raw(w, mark);
    }
  bf__svg_end(w);
}

/* ---- regret by the size of the target ---- */

typedef struct label {
  double y, end; /* end: of the line that it names */
  const char *name;
} label;

/* So few that the lines can be told apart; the table beside has them all. */
static bool is_drawn(const char *strategy) {
  static const char *const drawn[] = {"auto", "similarity-agreement", "similarity",      "majority",
                                      "cot",  "paper-jsd-mixed",      "source-accuracy", "stage-1"};
  for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++)
    if (strcmp(drawn[i], strategy) == 0) return true;
  return false;
}

static int by_height(const void *a, const void *b) {
  double x = ((const label *)a)->y, y = ((const label *)b)->y;
  return (x > y) - (x < y);
}

/* So that no two are nearer than a line; moves them up where they would leave the picture. */
static void spread(label *labels, size_t n, double step, double lowest) {
  qsort(labels, n, sizeof *labels, by_height);
  for (size_t i = 1; i < n; i++)
    if (labels[i].y < labels[i - 1].y + step) labels[i].y = labels[i - 1].y + step;
  for (size_t i = n; i-- > 0;) {
    if (labels[i].y > lowest) labels[i].y = lowest;
    lowest = labels[i].y - step;
  }
}

static void size_line(bf__writer *w, const json_t *list, const bf__axis *x, const bf__axis *y, const char *name,
                      const char *family) {
  size_t n = json_array_size(list), kind = bf__family_of(family);
  char part[120];
  snprintf(part, sizeof part, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
           bf__family_colour(kind));
  bf__html_raw(w, part);
  for (size_t k = 0; k < n; k++) {
    snprintf(part, sizeof part, "%.1f,%.1f ", bf__axis_at(x, (double)k),
             bf__axis_at(y, bf__number_at(json_array_get(list, k), "mean")));
    bf__html_raw(w, part);
  }
  bf__html_raw(w, "\"/>\n");
  for (size_t k = 0; k < n; k++)
    bf__svg_mark(w, bf__axis_at(x, (double)k), bf__axis_at(y, bf__number_at(json_array_get(list, k), "mean")), kind,
                 name);
}

void bf__chart_sizes(bf__writer *w, const json_t *results, size_t metric, const char *y_title) {
  const json_t *sizes = json_object_get(results, "sizes"), *rows = json_object_get(sizes, "rows");
  size_t n_rows = json_array_size(rows), n = 0, n_labels = 0;
  double low = 0, high = 0.02;
  label labels[32];
  bf__row *list = bf__rows_of(results, BF__AT(results, "pooled", "strategies"), &n);
  if (list == NULL || n_rows == 0 || n_rows > 16) {
    w->failed |= list == NULL;
    free(list);
    return;
  }
  for (size_t i = 0; i < n; i++) { /* the range first */
    const json_t *figures = BF__AT(sizes, "strategies", list[i].name, bf__metric_names[metric]);
    for (size_t k = 0; is_drawn(list[i].name) && k < json_array_size(figures); k++) {
      double mean = bf__number_at(json_array_get(figures, k), "mean");
      low = least(low, mean), high = most(high, mean);
    }
  }
  bf__axis x = {.from = 0, .to = (double)n_rows, .first = 70, .last = 300}, y = bf__axis_of(low, high, 346, 12, false);
  bf__svg_begin(w, 520, 394, y_title);
  bf__svg_y_axis(w, &y, x.first - 12, x.last, y_title);
  for (size_t k = 0; k <= n_rows; k++) {
    if (k < n_rows)
      bf__svg_text(w, bf__axis_at(&x, (double)k), 364, BF__MIDDLE, "s", "%lld",
                   (long long)json_integer_value(json_array_get(rows, k)));
    else
      bf__svg_text(w, bf__axis_at(&x, (double)k), 364, BF__MIDDLE, "s", "all");
  }
  bf__svg_text(w, (x.first + x.last) / 2, 382, BF__MIDDLE, "t", "rows of the target (all: at most 2,000)");
  for (size_t i = n; i-- > 0;) { /* the best above the others */
    const json_t *figures = BF__AT(sizes, "strategies", list[i].name, bf__metric_names[metric]);
    if (!is_drawn(list[i].name) || json_array_size(figures) != n_rows + 1 || n_labels == 32) continue;
    size_line(w, figures, &x, &y, list[i].name, list[i].family);
    double end = bf__axis_at(&y, bf__number_at(json_array_get(figures, n_rows), "mean"));
    labels[n_labels++] = (label){end, end, list[i].name};
  }
  spread(labels, n_labels, 13, 346);
  for (size_t i = 0; i < n_labels; i++) {
    bf__svg_line(w, x.last + 6, labels[i].end, x.last + 22, labels[i].y, "a");
    bf__svg_text(w, x.last + 26, labels[i].y + 4, BF__START, "s", "%s", labels[i].name);
  }
  bf__svg_end(w);
  free(list);
}

/* ---- cost against quality ---- */

typedef struct spot {
  double x, y;
  const bf__row *row;
} spot;

typedef struct box {
  double left, right, y;
} box;

static bool is_free(const box *taken, size_t n, const box *place) {
  for (size_t i = 0; i < n; i++)
    if (place->left < taken[i].right && taken[i].left < place->right && fabs(place->y - taken[i].y) < 12) return false;
  return true;
}

/* Names of the shown strategies beside their marks, or as near as there is room; others are told when pointed at. */
static void name_spots(bf__writer *w, const spot *spots, size_t n, double right, double top, double bottom) {
  box taken[64];
  size_t n_taken = 0;
  for (size_t i = 0; i < n && n_taken < 64; i++) {
    if (!bf__is_shown(spots[i].row->name)) continue;
    double width = 6.2 * (double)strlen(spots[i].row->name);
    bool flip = spots[i].x + 16 + width > right;
    box place = {.left = flip ? spots[i].x - 16 - width : spots[i].x + 16};
    place.right = place.left + width;
    bool found = false;
    for (int k = 0; k < 24 && !found; k++) { /* 0, up, down, farther up, ... */
      int lines = (k + 1) / 2;
      place.y = spots[i].y + (k % 2 == 0 ? 12.5 : -12.5) * lines;
      found = place.y > top && place.y < bottom && is_free(taken, n_taken, &place);
    }
    if (!found) continue;
    taken[n_taken++] = place;
    bf__svg_line(w, spots[i].x + (flip ? -5 : 5), spots[i].y, spots[i].x + (flip ? -14 : 14), place.y, "a");
    bf__svg_text(w, flip ? place.right : place.left, place.y + 4, flip ? BF__END : BF__START, "s", "%s",
                 spots[i].row->name);
  }
}

void bf__chart_cost(bf__writer *w, const json_t *results, const char *what, const char *x_title, bool logarithmic) {
  size_t n = 0, n_spots = 0;
  double low = NAN, high = NAN, worst = 0.05;
  bf__row *rows = bf__rows_of(results, BF__AT(results, "pooled", "strategies"), &n);
  spot *spots = rows != NULL ? bf__alloc(n + 1, sizeof *spots) : NULL;
  for (size_t i = 0; spots != NULL && i < n; i++) {
    double cost = bf__number_at(BF__AT(results, "cost", "strategies", rows[i].name), what);
    if (isnan(cost) || !rows[i].whole || (logarithmic && !(cost > 0))) continue;
    if (!logarithmic) cost /= 1000; /* bytes: kB */
    low = least(low, cost), high = most(high, cost);
    worst = most(worst, rows[i].figures[BF__REGRET].mean);
    spots[n_spots++] = (spot){cost, rows[i].figures[BF__REGRET].mean, &rows[i]};
  }
  if (spots == NULL) w->failed = true;
  if (n_spots > 0) {
    bf__axis x = bf__axis_of(logarithmic ? low : 0, high, 64, 486, logarithmic),
             y = bf__axis_of(0, worst, 366, 44, false);
    bf__svg_begin(w, 510, 414, x_title);
    (void)bf__svg_legend(w, 14, 500, 10, rows, n);
    bf__svg_x_axis(w, &x, y.last, y.first, x_title);
    bf__svg_y_axis(w, &y, x.first, x.last, "regret (accuracy lost)");
    for (size_t i = 0; i < n_spots; i++) {
      spots[i].x = bf__axis_at(&x, spots[i].x);
      spots[i].y = bf__axis_at(&y, spots[i].y);
      bf__svg_mark(w, spots[i].x, spots[i].y, bf__family_of(spots[i].row->family), spots[i].row->name);
    }
    name_spots(w, spots, n_spots, x.last + 20, y.last, y.first);
    bf__svg_end(w);
  }
  free(spots);
  free(rows);
}
