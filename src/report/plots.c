/* Vega-Lite specifications of the report's plots, with their data inside. Three colours that colour-blind readers tell
 * apart: grey the target, blue the best model, orange the worst. Headings are HTML, not part of the plots, so that they
 * wrap, can be searched and are read aloud. User text enters as data and titles only, never as an expression. */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "report/report_internal.h"

static const char *const side_colours[BF__SIDES] = {"#5f6b76", "#0b6bcb", "#c4570a"};

static json_t *text(const char *value) {
  json_t *json = json_string(value);
  return json != NULL ? json : json_string("?"); /* bytes that are no UTF-8 */
}

/* Specification with size, schema and look. */
static json_t *specification(int width, int height) {
  json_t *axis = json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:s}", "labelColor", "#1b1f24", "titleColor", "#1b1f24",
                           "gridColor", "#e7eaed", "domainColor", "#9aa4ad", "tickColor", "#9aa4ad", "labelFontSize",
                           12, "titleFontSize", 12, "titleFontWeight", "normal");
  json_t *legend = json_pack("{s:s,s:s,s:i,s:i,s:s,s:i}", "labelColor", "#1b1f24", "titleColor", "#1b1f24",
                             "labelFontSize", 12, "titleFontSize", 12, "titleFontWeight", "normal", "labelLimit", 260);
  json_t *config = json_pack("{s:s,s:o,s:o,s:{s:n}}", "font", "system-ui, sans-serif", "axis", axis, "legend", legend,
                             "view", "stroke");
  return json_pack("{s:s,s:i,s:i,s:s,s:o}", "$schema", "https://vega.github.io/schema/vega-lite/v6.json", "width",
                   width, "height", height, "background", "transparent", "config", config);
}

static char *dump(json_t *spec) {
  char *out = spec != NULL ? json_dumps(spec, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
  json_decref(spec);
  return out;
}

/* Colour by side, in our order and colours. The page has one legend for all plots of a section. */
static json_t *side_colour(const char *const names[BF__SIDES], const bool present[BF__SIDES]) {
  json_t *domain = json_array(), *range = json_array();
  for (size_t i = 0; i < BF__SIDES; i++) {
    if (!present[i]) continue;
    json_array_append_new(domain, text(names[i]));
    json_array_append_new(range, json_string(side_colours[i]));
  }
  return json_pack("{s:s,s:s,s:{s:o,s:o},s:n}", "field", "side", "type", "nominal", "scale", "domain", domain, "range",
                   range, "legend");
}

char *bf__plot_histogram(const bf__histogram_plot *plot) {
  json_t *values = json_array();
  double step = (plot->to - plot->from) / (double)plot->n_bins;
  for (size_t side = 0; side < BF__SIDES; side++) {
    if (!plot->present[side]) continue;
    /* one point more at the right end, so that the last step has its width */
    for (size_t i = 0; i <= plot->n_bins; i++) {
      double x = plot->from + step * (double)i, share = plot->shares[side][i < plot->n_bins ? i : plot->n_bins - 1];
      json_array_append_new(values,
                            json_pack("{s:o,s:f,s:f}", "side", text(plot->names[side]), "x", x, "share", share));
    }
  }
  json_t *x = json_pack("{s:s,s:s,s:o,s:{s:b,s:b,s:[f,f]},s:{s:i,s:b}}", "field", "x", "type", "quantitative", "title",
                        text(plot->x_title), "scale", "zero", 0, "nice", 0, "domain", plot->from, plot->to, "axis",
                        "tickCount", 6, "grid", 0);
  json_t *y = json_pack("{s:s,s:s,s:o,s:{s:s},s:n,s:{s:i}}", "field", "share", "type", "quantitative", "title",
                        text(plot->y_title), "scale", "type", plot->root_scale ? "sqrt" : "linear", "stack", "axis",
                        "tickCount", 5);
  json_t *tooltip = json_pack("[{s:s,s:s},{s:s,s:s,s:s},{s:s,s:s,s:s,s:s}]", "field", "side", "title", "data", "field",
                              "x", "title", "from", "format", ".4~g", "field", "share", "title", "share, %", "format",
                              ".2f", "type", "quantitative");
  json_t *encoding = json_pack("{s:o,s:o,s:o,s:o}", "x", x, "y", y, "color", side_colour(plot->names, plot->present),
                               "tooltip", tooltip);
  /* the target filled, the models as lines over it */
  json_t *filter_target =
      json_pack("[{s:{s:s,s:o}}]", "filter", "field", "side", "equal", text(plot->names[BF__SIDE_TARGET]));
  json_t *area = json_pack("{s:{s:s,s:s,s:f,s:b},s:o}", "mark", "type", "area", "interpolate", "step-after", "opacity",
                           0.25, "line", 0, "transform", filter_target);
  json_t *line =
      json_pack("{s:{s:s,s:s,s:f}}", "mark", "type", "line", "interpolate", "step-after", "strokeWidth", 1.8);
  json_t *spec = specification(plot->width ? plot->width : 450, plot->height ? plot->height : 170);
  json_object_set_new(spec, "data", json_pack("{s:o}", "values", values));
  json_object_set_new(spec, "encoding", encoding);
  json_object_set_new(spec, "layer", json_pack("[o,o]", area, line));
  return dump(spec);
}

char *bf__plot_shifts(const bf__shift_plot *plot) {
  json_t *values = json_array(), *order = json_array();
  bool present[BF__SIDES] = {false};
  for (size_t i = 0; i < plot->n_columns; i++) json_array_append_new(order, text(plot->columns[i]));
  for (size_t side = 0; side < BF__SIDES; side++) {
    if (plot->shifts[side] == NULL) continue;
    present[side] = true;
    for (size_t i = 0; i < plot->n_columns; i++) {
      if (!isfinite(plot->shifts[side][i])) continue;
      json_array_append_new(values, json_pack("{s:o,s:o,s:f}", "column", text(plot->columns[i]), "side",
                                              text(plot->names[side]), "shift", plot->shifts[side][i]));
    }
  }
  json_t *x = json_pack("{s:s,s:s,s:s}", "field", "shift", "type", "quantitative", "title",
                        "target mean − model's mean, in deviations of the model's data");
  json_t *y = json_pack("{s:s,s:s,s:o,s:n}", "field", "column", "type", "nominal", "sort", order, "title");
  json_t *offset = json_pack("{s:s}", "field", "side");
  json_t *tooltip = json_pack("[{s:s},{s:s},{s:s,s:s,s:s}]", "field", "column", "field", "side", "field", "shift",
                              "type", "quantitative", "format", ".3f");
  json_t *spec = specification(400, 1);
  json_object_set_new(spec, "height", json_pack("{s:i}", "step", 14));
  json_object_set_new(spec, "data", json_pack("{s:o}", "values", values));
  json_object_set_new(spec, "mark", json_pack("{s:s,s:i}", "type", "bar", "cornerRadiusEnd", 2));
  json_object_set_new(spec, "encoding",
                      json_pack("{s:o,s:o,s:o,s:o,s:o}", "x", x, "y", y, "yOffset", offset, "color",
                                side_colour(plot->names, present), "tooltip", tooltip));
  return dump(spec);
}

static json_t *word_value(const bf__word_plot *plot, const bf__word_bar *bar, bool of_target) {
  double share = of_target ? bar->target : bar->model;
  return json_pack("{s:o,s:o,s:s,s:f,s:f}", "word", text(bar->word), "side",
                   text(plot->names[of_target ? BF__SIDE_TARGET : plot->side]), "group", plot->groups[bar->group],
                   "signed", of_target ? share : -share, "share", share);
}

char *bf__plot_words(const bf__word_plot *plot) {
  json_t *values = json_array(), *order = json_array(), *groups = json_array();
  bool present[BF__SIDES] = {true, plot->side == BF__SIDE_BEST, plot->side == BF__SIDE_WORST};
  for (size_t i = 0; i < plot->n_words; i++) {
    const bf__word_bar *bar = &plot->words[i];
    json_array_append_new(order, text(bar->word));
    if (bar->target > 0) json_array_append_new(values, word_value(plot, bar, true));
    if (bar->model > 0) json_array_append_new(values, word_value(plot, bar, false));
  }
  for (size_t i = 0; i < BF__WORD_GROUPS; i++) json_array_append_new(groups, json_string(plot->groups[i]));
  json_t *x = json_pack("{s:s,s:s,s:s,s:{s:s,s:i}}", "field", "signed", "type", "quantitative", "title",
                        "share of all words, %: the model's data to the left, the target to the right", "axis",
                        "labelExpr", "format(abs(datum.value), '~g')", "tickCount", 6);
  json_t *y = json_pack("{s:s,s:s,s:o,s:n,s:{s:i}}", "field", "word", "type", "nominal", "sort", order, "title", "axis",
                        "labelLimit", 150);
  json_t *row = json_pack("{s:s,s:s,s:o,s:{s:n,s:i,s:s,s:s,s:s,s:i,s:i}}", "field", "group", "type", "nominal", "sort",
                          groups, "header", "title", "labelAngle", 0, "labelOrient", "top", "labelAnchor", "start",
                          "labelAlign", "left", "labelFontSize", 12, "labelPadding", 2);
  json_t *tooltip = json_pack("[{s:s},{s:s,s:s},{s:s,s:s,s:s,s:s}]", "field", "word", "field", "side", "title", "data",
                              "field", "share", "title", "share, %", "format", ".3f", "type", "quantitative");
  json_t *spec = specification(360, 1);
  json_object_set_new(spec, "height", json_pack("{s:i}", "step", 15));
  json_object_set_new(spec, "spacing", json_integer(6));
  json_object_set_new(spec, "data", json_pack("{s:o}", "values", values));
  json_object_set_new(spec, "mark", json_pack("{s:s,s:i}", "type", "bar", "cornerRadiusEnd", 2));
  json_object_set_new(spec, "resolve", json_pack("{s:{s:s}}", "scale", "y", "independent"));
  json_object_set_new(spec, "encoding",
                      json_pack("{s:o,s:o,s:o,s:o,s:o}", "x", x, "y", y, "row", row, "color",
                                side_colour(plot->names, present), "tooltip", tooltip));
  return dump(spec);
}

char *bf__plot_bands(const bf__band_plot *plot) {
  json_t *values = json_array();
  bool positive = true; /* a logarithm needs it */
  for (size_t side = 0; side < BF__SIDES; side++) {
    for (size_t i = 0; plot->present[side] && i < BF__BANDS; i++) {
      positive = positive && plot->power[side][i] > 0;
      json_array_append_new(values, json_pack("{s:o,s:i,s:f}", "side", text(plot->names[side]), "band", (int)i + 1,
                                              "power", plot->power[side][i]));
    }
  }
  json_t *x = json_pack("{s:s,s:s,s:s,s:{s:i}}", "field", "band", "type", "ordinal", "title",
                        "band: each a 16th of the sampling rate, 1 the slowest", "axis", "labelAngle", 0);
  json_t *y = json_pack("{s:s,s:s,s:o,s:{s:s,s:b},s:{s:i,s:s}}", "field", "power", "type", "quantitative", "title",
                        text(plot->y_title), "scale", "type", positive ? "log" : "linear", "nice", 1, "axis",
                        "tickCount", 4, "format", "~s");
  json_t *tooltip = json_pack("[{s:s,s:s},{s:s},{s:s,s:s,s:s}]", "field", "side", "title", "data", "field", "band",
                              "field", "power", "type", "quantitative", "format", ".4~g");
  json_t *spec = specification(400, 150);
  json_object_set_new(spec, "data", json_pack("{s:o}", "values", values));
  json_object_set_new(spec, "mark", json_pack("{s:s,s:b,s:f}", "type", "line", "point", 1, "strokeWidth", 1.8));
  json_object_set_new(spec, "encoding",
                      json_pack("{s:o,s:o,s:o,s:o}", "x", x, "y", y, "color", side_colour(plot->names, plot->present),
                                "tooltip", tooltip));
  return dump(spec);
}

char *bf__plot_matrix(const double *matrix, size_t n_target, size_t n_source, double threshold, double largest) {
  json_t *values = json_array();
  for (size_t t = 0; t < n_target; t++) {
    for (size_t s = 0; s < n_source; s++) {
      double js = matrix[t * n_source + s];
      if (!isfinite(js)) continue;
      json_array_append_new(
          values, json_pack("{s:i,s:i,s:f,s:b}", "t", (int)t + 1, "s", (int)s + 1, "js", js, "match", js < threshold));
    }
  }
  size_t longer = n_target > n_source ? n_target : n_source;
  int cell = longer <= 16 ? 24 : longer <= 64 ? (int)(384 / longer) : 6;
  json_t *x =
      json_pack("{s:s,s:s,s:s,s:{s:s,s:b,s:i}}", "field", "s", "type", "ordinal", "title",
                "partition of the model's data", "axis", "labelExpr",
                longer <= 24 ? "datum.label" : "datum.value % 8 == 0 ? datum.label : ''", "ticks", 0, "labelAngle", 0);
  json_t *y = json_pack("{s:s,s:s,s:s,s:{s:s,s:b}}", "field", "t", "type", "ordinal", "title",
                        "partition of the target", "axis", "labelExpr",
                        longer <= 24 ? "datum.label" : "datum.value % 8 == 0 ? datum.label : ''", "ticks", 0);
  json_t *colour = json_pack("{s:s,s:s,s:s,s:{s:s,s:[f,f]},s:{s:s,s:i,s:i}}", "field", "js", "type", "quantitative",
                             "title", "JS divergence (nat)", "scale", "scheme", "blues", "domain", 0.0, largest,
                             "legend", "orient", "bottom", "gradientLength", 200, "tickCount", 4);
  json_t *tooltip =
      json_pack("[{s:s,s:s},{s:s,s:s},{s:s,s:s,s:s,s:s}]", "field", "t", "title", "target partition", "field", "s",
                "title", "model's partition", "field", "js", "title", "JS", "format", ".5f", "type", "quantitative");
  json_t *cells = json_pack("{s:s,s:{s:o,s:o}}", "mark", "rect", "encoding", "color", colour, "tooltip", tooltip);
  json_t *dots = json_pack("{s:[{s:{s:s,s:b}}],s:{s:s,s:s,s:i,s:b}}", "transform", "filter", "field", "match", "equal",
                           1, "mark", "type", "circle", "color", "#1b1f24", "size", cell >= 11 ? 18 : 5, "tooltip", 0);
  json_t *spec = specification((int)n_source * cell, (int)n_target * cell);
  json_object_set_new(spec, "data", json_pack("{s:o}", "values", values));
  json_object_set_new(spec, "encoding", json_pack("{s:o,s:o}", "x", x, "y", y));
  json_object_set_new(spec, "layer", json_pack("[o,o]", cells, dots));
  return dump(spec);
}
