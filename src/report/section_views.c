/* What the views of pairs and of windows say: the sixteen similarities of a pair as distributions, the statistics of
 * each channel of a window and its power by band. docs/formats/sketch-v1.md defines every number. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/report_internal.h"
#include "sketch/sketch_data.h"

#define CLEAR_JSD 0.1          /* as the reasons say "differ clearly" */
#define CHANNEL_STATISTICS 8u  /* of a channel, before its bands */
#define MAX_SHIFT_SHOWN 1000.0 /* a nearly constant source gives numbers that squeeze all others */

/* ---- pairs ---- */

/* In the order of the view's columns. */
static const char *const similarity_names[BF__PAIR_SIMILARITIES] = {
    "words (words.jaccard)",
    "words, of the shorter (words.overlap)",
    "trigrams (trigrams.jaccard)",
    "trigrams, of the shorter (trigrams.overlap)",
    "words with digits (digits.jaccard)",
    "words with digits, of the shorter (digits.overlap)",
    "first attribute (first.jaccard)",
    "first attribute, of the shorter (first.overlap)",
    "first four words (head.jaccard)",
    "ratio of lengths (length.ratio)",
    "log of words, left (left.size)",
    "log of words, right (right.size)",
    "a side without digits (digits.absent)",
    "empty values (empty)",
    "same first word (first.word)",
    "attribute by attribute (attributes.jaccard)"};

static size_t clearly_different(const bf_explanation *e) {
  size_t n = 0;
  for (size_t i = 0; i < bf_explanation_column_count(e); i++) n += bf_explanation_column(e, i)->jsd > CLEAR_JSD;
  return n;
}

bf_status bf__page_similarities(bf__page *page, bf_error *err) {
  const bf_sketch *target = page->sketches[BF__SIDE_TARGET];
  bf_explanation *of[BF__SIDES] = {NULL};
  bf_status status = BF_OK;
  if (target->kind != BF_KIND_PAIR || target->rows == 0 || page->sketches[BF__SIDE_BEST] == NULL) return BF_OK;
  BF_TRY(bf__page_explain(page, of, err));
  bf__html_raw(&page->w, "<section><h2>");
  bf__html_format(&page->w, "Pairs: %zu of the 16 similarities differ clearly from the best model's pairs",
                  clearly_different(of[BF__SIDE_BEST]));
  if (of[BF__SIDE_WORST] != NULL)
    bf__html_format(&page->w, ", %zu from the worst's", clearly_different(of[BF__SIDE_WORST]));
  bf__html_raw(&page->w,
               "</h2>\n<p>How alike the two records of a pair are, matches and others together; what differs most from "
               "the best model comes first. Clearly: a Jensen-Shannon divergence above 0.1.</p>\n");
  bf__page_legend(page);
  BF_TRY(bf__page_histograms(page, BF__PAIR_SIMILARITIES, similarity_names, err));
  bf__html_raw(&page->w, "</section>\n");
out:
  for (size_t side = 0; side < BF__SIDES; side++) bf_explanation_free(of[side]);
  return status;
}

/* ---- windows ---- */

static double shift_of(const bf_explanation *e, const char *name) {
  for (size_t i = 0; i < bf_explanation_column_count(e); i++) {
    const bf_column_difference *column = bf_explanation_column(e, i);
    if (strcmp(column->name, name) != 0) continue;
    return fmax(-MAX_SHIFT_SHOWN, fmin(MAX_SHIFT_SHOWN, column->shift));
  }
  return NAN;
}

/* Number of the statistic in which the target is farthest, of those that have a shift. */
static size_t farthest(const double shifts[CHANNEL_STATISTICS]) {
  size_t most = 0;
  for (size_t i = 1; i < CHANNEL_STATISTICS; i++)
    if (isfinite(shifts[i]) && !(fabs(shifts[i]) <= fabs(shifts[most]))) most = i;
  return most;
}

static void statistics_figure(bf__page *page, uint32_t channel, bf_explanation *const of[BF__SIDES]) {
  static const char *const shown[CHANNEL_STATISTICS] = {
      "mean",           "deviation", "minimum",        "maximum",
      "lower quartile", "median",    "upper quartile", "rate of mean crossings"};
  double shifts[BF__SIDES][CHANNEL_STATISTICS];
  bf__shift_plot plot = {.n_columns = CHANNEL_STATISTICS, .columns = shown};
  for (size_t side = 0; side < BF__SIDES; side++) {
    plot.names[side] = page->names[side];
    if (of[side] == NULL) continue;
    plot.shifts[side] = shifts[side];
    for (uint32_t i = 0; i < CHANNEL_STATISTICS; i++) {
      const bf__sketch_column *column = &page->sketches[BF__SIDE_TARGET]->columns[channel * BF__SERIES_STATISTICS + i];
      shifts[side][i] = shift_of(of[side], column->name);
    }
  }
  size_t most = farthest(shifts[BF__SIDE_BEST]);
  char *finding = NULL;
  if (of[BF__SIDE_WORST] != NULL) {
    finding = bf__asprintf("Channel %" PRIu32
                           ": the %s is %.2f deviations from the best model's windows, %.2f from the worst's",
                           channel, shown[most], fabs(shifts[BF__SIDE_BEST][most]), fabs(shifts[BF__SIDE_WORST][most]));
  } else {
    finding = bf__asprintf("Channel %" PRIu32 ": the %s is %.2f deviations from the model's windows", channel,
                           shown[most], fabs(shifts[BF__SIDE_BEST][most]));
  }
  bf__page_figure(page, finding, NULL, bf__plot_shifts(&plot));
}

static void bands_figure(bf__page *page, uint32_t channel) {
  bf__band_plot plot = {.y_title = "mean power"};
  double total[BF__SIDES] = {0};
  for (size_t side = 0; side < BF__SIDES; side++) {
    plot.names[side] = page->names[side];
    plot.present[side] = page->sketches[side] != NULL;
    for (uint32_t i = 0; plot.present[side] && i < BF__BANDS; i++) {
      double power = page->sketches[side]->columns[channel * BF__SERIES_STATISTICS + CHANNEL_STATISTICS + i].mean;
      plot.power[side][i] = power > 0 ? power : 0;
      total[side] += plot.power[side][i];
    }
  }
  char *finding =
      plot.present[BF__SIDE_WORST]
          ? bf__asprintf("Channel %" PRIu32
                         ": power %.3g in the target, %.3g in the best model's windows, %.3g in the worst's",
                         channel, total[0], total[1], total[2])
          : bf__asprintf("Channel %" PRIu32 ": power %.3g in the target, %.3g in the model's windows", channel,
                         total[0], total[1]);
  bf__page_figure(page, finding, NULL, bf__plot_bands(&plot));
}

/* The largest shift of any statistic of any channel, for the heading. */
static void largest_shift(const bf_explanation *e, const char **name, double *shift) {
  *name = NULL, *shift = 0;
  for (size_t i = 0; i < bf_explanation_column_count(e); i++) {
    const bf_column_difference *column = bf_explanation_column(e, i);
    if (isfinite(column->shift) && fabs(column->shift) > fabs(*shift)) *name = column->name, *shift = column->shift;
  }
}

bf_status bf__page_channels(bf__page *page, bf_error *err) {
  const bf_sketch *target = page->sketches[BF__SIDE_TARGET];
  bf_explanation *of[BF__SIDES] = {NULL};
  bf_status status = BF_OK;
  const char *name = NULL;
  double shift = 0;
  if (target->kind != BF_KIND_SERIES || target->projected || target->rows == 0) return BF_OK;
  if (page->sketches[BF__SIDE_BEST] == NULL) return BF_OK;
  BF_TRY(bf__page_explain(page, of, err));
  if (of[BF__SIDE_BEST] == NULL) goto out;
  largest_shift(of[BF__SIDE_BEST], &name, &shift);
  bf__html_raw(&page->w, "<section><h2>");
  if (name != NULL && fabs(shift) > MAX_SHIFT_SHOWN) {
    bf__html_format(&page->w, "Windows: %s is nearly constant in the best model's and another in the target", name);
  } else if (name != NULL) {
    bf__html_format(&page->w, "Windows: %s is %.2f deviations from the best model's, the farthest of all", name,
                    fabs(shift));
  } else {
    bf__html_raw(&page->w, "Windows: no statistic differs from the best model's");
  }
  bf__html_raw(&page->w,
               "</h2>\n<p>Each channel, numbered from 0: left how far the target's statistics are from each "
               "model's, right the power by frequency, slow to fast. Power is in the channel's unit squared; the bands "
               "add up to the variance.</p>\n");
  bf__page_legend(page);
  bf__html_raw(&page->w, "<div class=\"grid\">\n");
  for (uint32_t channel = 0; channel < target->channels; channel++) {
    statistics_figure(page, channel, of);
    bands_figure(page, channel);
  }
  bf__html_raw(&page->w, "</div></section>\n");
out:
  for (size_t side = 0; side < BF__SIDES; side++) bf_explanation_free(of[side]);
  return status;
}
