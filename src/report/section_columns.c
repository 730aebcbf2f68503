/* How the columns of the target differ from those of the best and the worst model: histograms where the view's columns
 * mean something, differences of means for images and for data too wide for that. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/report_internal.h"
#include "sketch/sketch_data.h"

/* ---- distributions of named columns ---- */

#define MAX_COLUMN_PLOTS 6u

typedef struct column_choice {
  uint32_t column; /* of the target */
  uint32_t match[BF__SIDES];
  double divergence[BF__SIDES]; /* from the target */
} column_choice;

/* Range of nearly all values of every side: the outermost quantiles, so that one outlier does not squeeze the rest. */
static bool common_range(const bf_column columns[BF__SIDES], const bf__page *page, double *from, double *to) {
  *from = INFINITY, *to = -INFINITY;
  for (size_t side = 0; side < BF__SIDES; side++) {
    const bf_column *column = &columns[side];
    if (page->sketches[side] == NULL || column->n_quantiles == 0) continue;
    *from = fmin(*from, (double)column->quantiles[0]);
    *to = fmax(*to, (double)column->quantiles[column->n_quantiles - 1]);
  }
  if (*from == *to) {
    double margin = *from != 0 ? fabs(*from) / 10 : 1;
    *from -= margin, *to += margin;
  }
  return *from < *to && isfinite(*to - *from);
}

static bool load_columns(const bf__page *page, const column_choice *choice, bf_column columns[BF__SIDES]) {
  for (size_t side = 0; side < BF__SIDES; side++) {
    if (page->sketches[side] == NULL) continue;
    uint32_t i = side == BF__SIDE_TARGET ? choice->column : choice->match[side];
    if (bf_sketch_column(page->sketches[side], i, &columns[side], NULL) != BF_OK) return false;
  }
  return true;
}

static bool weigh_column(const bf__page *page, column_choice *choice) {
  bf_column columns[BF__SIDES] = {0};
  double shares[BF__SIDES][BF__PLOT_BINS], from, to;
  for (size_t side = BF__SIDE_BEST; side < BF__SIDES; side++)
    if (page->sketches[side] != NULL &&
        !bf__same_column(page->sketches[BF__SIDE_TARGET], choice->column, page->sketches[side], &choice->match[side]))
      return false;
  if (!load_columns(page, choice, columns) || !common_range(columns, page, &from, &to)) return false;
  for (size_t side = 0; side < BF__SIDES; side++) {
    choice->divergence[side] = 0;
    if (page->sketches[side] == NULL) continue;
    bf__column_shares(&columns[side], from, to, shares[side]);
    choice->divergence[side] = bf__shares_divergence(shares[side], shares[BF__SIDE_TARGET]);
  }
  return true;
}

/* Takes the column that differs most on `side` and is not taken yet. */
static bool take_most_different(const column_choice *all, size_t n, bool *taken, size_t side, column_choice *out) {
  size_t most = n;
  for (size_t i = 0; i < n; i++)
    if (!taken[i] && (most == n || all[i].divergence[side] > all[most].divergence[side])) most = i;
  if (most == n) return false;
  taken[most] = true;
  *out = all[most];
  return true;
}

static char *side_distance(const bf_column *target, const bf_column *model) {
  double deviation = sqrt(model->variance);
  if (!(deviation > 0)) return bf__asprintf("%.4g (constant)", model->mean);
  double shift = fabs(target->mean - model->mean) / deviation;
  return bf__asprintf(shift >= 10 ? "%.4g (%.0f deviations away)" : "%.4g (%.2f deviations away)", model->mean, shift);
}

/* `shown`: how the column is called; NULL: its name or number. */
static void column_figure(bf__page *page, const column_choice *choice, const char *shown, bool small) {
  bf_column columns[BF__SIDES] = {0};
  bf__histogram_plot plot = {.y_title = "share of rows, %", .n_bins = BF__PLOT_BINS};
  if (small) plot.width = 290, plot.height = 120;
  if (!load_columns(page, choice, columns) || !common_range(columns, page, &plot.from, &plot.to)) return;
  char *name = shown != NULL             ? bf__strdup(shown)
               : columns[0].name != NULL ? bf__strdup(columns[0].name)
                                         : bf__asprintf("column %" PRIu32, choice->column);
  bool has_worst = page->sketches[BF__SIDE_WORST] != NULL;
  char *best = side_distance(&columns[BF__SIDE_TARGET], &columns[BF__SIDE_BEST]);
  char *worst = has_worst ? side_distance(&columns[BF__SIDE_TARGET], &columns[BF__SIDE_WORST]) : NULL;
  char *finding = NULL;
  if (small && name != NULL) {
    finding =
        bf__asprintf(has_worst ? "%s: target mean %.3g, best %.3g, worst %.3g" : "%s: target mean %.3g, best %.3g",
                     name, columns[0].mean, columns[1].mean, columns[2].mean);
  } else if (name != NULL && best != NULL) {
    finding = bf__asprintf("%s: target mean %.4g, best model's %s%s%s", name, columns[0].mean, best,
                           worst != NULL ? ", worst's " : "", worst != NULL ? worst : "");
  }
  plot.x_title = name;
  for (size_t side = 0; side < BF__SIDES; side++) {
    plot.names[side] = page->names[side];
    plot.present[side] = page->sketches[side] != NULL;
    if (plot.present[side]) bf__column_shares(&columns[side], plot.from, plot.to, plot.shares[side]);
  }
  bf__page_figure(page, finding, NULL, name != NULL ? bf__plot_histogram(&plot) : NULL);
  free(name);
  free(best);
  free(worst);
}

static bf_status column_figures(bf__page *page, bf_error *err) {
  uint32_t n_columns = bf_sketch_column_count(page->sketches[BF__SIDE_TARGET]);
  if (n_columns == 0) return BF_OK; /* columns of strings alone */
  column_choice *all = bf__alloc(n_columns, sizeof *all), choice;
  bool *taken = bf__alloc(n_columns, sizeof *taken);
  size_t n = 0;
  if (all == NULL || taken == NULL) {
    free(all);
    free(taken);
    return bf__error_memory(err, n_columns * sizeof *all);
  }
  for (uint32_t i = 0; i < n_columns; i++) {
    all[n] = (column_choice){.column = i};
    n += weigh_column(page, &all[n]);
  }
  /* in turn what separates the worst model and what still separates the best */
  size_t sides[2] = {page->sketches[BF__SIDE_WORST] != NULL ? BF__SIDE_WORST : BF__SIDE_BEST, BF__SIDE_BEST};
  size_t n_plots = n < MAX_COLUMN_PLOTS ? n : MAX_COLUMN_PLOTS;
  bf__html_raw(&page->w, "<section><h2>");
  bf__html_format(&page->w, "The %zu of %" PRIu32 " columns in which the target differs most from the models", n_plots,
                  n_columns);
  bf__html_raw(
      &page->w,
      "</h2>\n<p>Histograms from the sketches' quantiles, over the range of the middle 98 % of values. Deviations are "
      "standard deviations of the model's data.");
  if (page->sketches[BF__SIDE_WORST] != NULL)
    bf__html_raw(&page->w, " Left: where the worst model's data differ most; right: where the best model's data do.");
  bf__html_raw(&page->w, "</p>\n");
  bf__page_legend(page);
  bf__html_raw(&page->w, "<div class=\"grid\">\n");
  for (size_t i = 0; i < n_plots; i++)
    if (take_most_different(all, n, taken, sides[i % 2], &choice)) column_figure(page, &choice, NULL, false);
  bf__html_raw(&page->w, "</div></section>\n");
  free(all);
  free(taken);
  return BF_OK;
}

bf_status bf__page_histograms(bf__page *page, uint32_t n_columns, const char *const *names, bf_error *err) {
  column_choice *all = bf__alloc(n_columns, sizeof *all), choice;
  bool *taken = bf__alloc(n_columns, sizeof *taken);
  bf_status status = BF_OK;
  size_t n = 0;
  BF_TRY(all != NULL && taken != NULL ? BF_OK : bf__error_memory(err, n_columns * sizeof *all));
  for (uint32_t i = 0; i < n_columns; i++) {
    all[n] = (column_choice){.column = i};
    n += weigh_column(page, &all[n]);
  }
  bf__html_raw(&page->w, "<div class=\"grid small\">\n");
  while (take_most_different(all, n, taken, BF__SIDE_BEST, &choice))
    column_figure(page, &choice, names[choice.column], true);
  bf__html_raw(&page->w, "</div>\n");
out:
  free(all);
  free(taken);
  return status;
}

/* ---- differences of means: images, and data too wide for a view of their own columns ---- */

static double shift_of(const bf_explanation *explanation, const char *name) {
  for (size_t i = 0; i < bf_explanation_column_count(explanation); i++) {
    const bf_column_difference *column = bf_explanation_column(explanation, i);
    if (strcmp(column->name, name) == 0) return column->shift;
  }
  return NAN;
}

static bf_status shift_figure(bf__page *page, bf_error *err) {
  enum { MAX_SHIFTS = 10 };
  const char *names[MAX_SHIFTS];
  double best[MAX_SHIFTS], worst[MAX_SHIFTS];
  bf_explanation *of_best = NULL, *of_worst = NULL;
  bf_status status = BF_OK;
  const bf_sketch *target = page->sketches[BF__SIDE_TARGET];
  bf__shift_plot plot = {.columns = names, .shifts = {NULL, best, NULL}};
  BF_TRY(bf_explain(page->sketches[BF__SIDE_BEST], target, &page->options->measure, &of_best, err));
  if (page->sketches[BF__SIDE_WORST] != NULL)
    BF_TRY(bf_explain(page->sketches[BF__SIDE_WORST], target, &page->options->measure, &of_worst, err));
  const bf_explanation *leading = of_worst != NULL ? of_worst : of_best; /* its order: what separates the models */
  for (size_t i = 0; i < bf_explanation_column_count(leading) && plot.n_columns < MAX_SHIFTS; i++) {
    const char *name = bf_explanation_column(leading, i)->name;
    names[plot.n_columns] = name;
    best[plot.n_columns] = shift_of(of_best, name);
    worst[plot.n_columns] = of_worst != NULL ? shift_of(of_worst, name) : NAN;
    plot.n_columns++;
  }
  if (plot.n_columns == 0) goto out;
  if (of_worst != NULL) plot.shifts[BF__SIDE_WORST] = worst;
  for (size_t side = 0; side < BF__SIDES; side++) plot.names[side] = page->names[side];
  char *finding =
      of_worst != NULL
          ? bf__asprintf("%s: the target is %.2f deviations from the best model's data and %.2f from the worst's",
                         names[0], fabs(best[0]), fabs(worst[0]))
          : bf__asprintf("%s: the target is %.2f deviations from the model's data", names[0], fabs(best[0]));
  bf__page_figure(page, finding, NULL, bf__plot_shifts(&plot));
out:
  bf_explanation_free(of_best);
  bf_explanation_free(of_worst);
  return status;
}

bf_status bf__page_distributions(bf__page *page, bf_error *err) {
  if (page->sketches[BF__SIDE_BEST] == NULL || bf_sketch_rows(page->sketches[BF__SIDE_TARGET]) == 0) return BF_OK;
  bf_kind kind = bf_sketch_kind(page->sketches[BF__SIDE_TARGET]);
  bool is_image = kind == BF_KIND_IMAGE;
  if (bf__kind_is_text(kind)) return BF_OK; /* section_words.c, section_views.c */
  if (kind == BF_KIND_SERIES && !bf_sketch_projected(page->sketches[BF__SIDE_TARGET])) return BF_OK;
  if (!is_image && !bf_sketch_projected(page->sketches[BF__SIDE_TARGET])) return column_figures(page, err);
  bf__html_raw(&page->w, is_image ? "<section><h2>How the pictures differ</h2>\n"
                                  : "<section><h2>The columns whose means differ most</h2>\n");
  bf__page_legend(page);
  bf__html_raw(&page->w, "<div class=\"grid\">\n");
  bf__histogram_plot plot = {.x_title = "brightness, % of white",
                             .y_title = "share of pixels, % (root scale)",
                             .root_scale = true,
                             .to = 100,
                             .n_bins = BF__BRIGHTNESS_BINS};
  double means[BF__SIDES] = {0};
  for (size_t side = 0; is_image && side < BF__SIDES; side++) {
    plot.names[side] = page->names[side];
    plot.present[side] =
        page->sketches[side] != NULL && bf__brightness_shares(page->sketches[side], plot.shares[side], &means[side]);
  }
  if (plot.present[BF__SIDE_TARGET] && plot.present[BF__SIDE_BEST]) {
    char *finding =
        plot.present[BF__SIDE_WORST]
            ? bf__asprintf(
                  "Brightness: the target's mean is %.0f %% of white, the best model's data have %.0f %%, the worst's "
                  "%.0f %%",
                  means[0], means[1], means[2])
            : bf__asprintf("Brightness: the target's mean is %.0f %% of white, the model's data have %.0f %%", means[0],
                           means[1]);
    bf__page_figure(page, finding, NULL, bf__plot_histogram(&plot));
  }
  bf_error unexplained; /* a page without this plot is still a page */
  if (shift_figure(page, &unexplained) == BF_ERR_MEMORY) {
    if (err != NULL) *err = unexplained;
    return BF_ERR_MEMORY;
  }
  bf__html_raw(&page->w, "</div></section>\n");
  return BF_OK;
}
