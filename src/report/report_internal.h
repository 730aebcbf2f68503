/* Parts of the report page. Everything appends to one bf__writer, which is checked once at the end. */
#ifndef BESTFIT_SRC_REPORT_INTERNAL_H
#define BESTFIT_SRC_REPORT_INTERNAL_H

#include <bestfit/report.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/html.h"

/* ---- plots.c: Vega-Lite specifications ---- */
enum { BF__SIDE_TARGET, BF__SIDE_BEST, BF__SIDE_WORST, BF__SIDES };
#define BF__PLOT_BINS 40        /* at most, and of columns */
#define BF__BRIGHTNESS_BINS 16u /* pictures of 16 grey levels are common: more bins would show a comb */

typedef struct bf__histogram_plot {
  const char *x_title, *y_title;
  bool root_scale;                         /* square-root y axis, where one bin holds nearly all */
  double from, to;                         /* range of x */
  size_t n_bins;                           /* 1 .. BF__PLOT_BINS */
  int width, height;                       /* 0: 450 and 170 */
  const char *names[BF__SIDES];            /* of the legend */
  double shares[BF__SIDES][BF__PLOT_BINS]; /* per cent a bin */
  bool present[BF__SIDES];
} bf__histogram_plot;

typedef struct bf__shift_plot {
  size_t n_columns;
  const char *const *columns;
  const char *names[BF__SIDES];
  const double *shifts[BF__SIDES]; /* in deviations of the source; the target's is NULL; the worst's may be */
} bf__shift_plot;

enum { BF__ONLY_TARGET, BF__ONLY_MODEL, BF__BOTH, BF__WORD_GROUPS };
typedef struct bf__word_bar {
  const char *word;
  double target, model; /* share of all words, per cent */
  int group;
} bf__word_bar;

typedef struct bf__word_plot {
  size_t n_words;
  const bf__word_bar *words; /* by group, in the order to show */
  const char *groups[BF__WORD_GROUPS];
  const char *names[BF__SIDES];
  size_t side; /* of the model */
} bf__word_plot;

#define BF__BANDS 8u
typedef struct bf__band_plot {
  const char *y_title;
  const char *names[BF__SIDES];
  double power[BF__SIDES][BF__BANDS]; /* >= 0 */
  bool present[BF__SIDES];
} bf__band_plot;

/* JSON of a specification; you own it (free()); NULL on lack of memory. */
char *bf__plot_histogram(const bf__histogram_plot *plot);
char *bf__plot_shifts(const bf__shift_plot *plot);
char *bf__plot_words(const bf__word_plot *plot); /* the target's share to the right, the model's to the left */
char *bf__plot_bands(const bf__band_plot *plot);
char *bf__plot_matrix(const double *matrix, size_t n_target, size_t n_source, double threshold, double largest);

/* ---- distributions.c: what the plots show, from sketches ---- */

/* Shares in per cent of the column's values in equal bins of [from, to], from its quantiles. */
void bf__column_shares(const bf_column *column, double from, double to, double shares[BF__PLOT_BINS]);
/* Shares in per cent of all cells by brightness, 0 to white in BF__BRIGHTNESS_BINS bins, and the mean in per cent of
 * white. False where the sketch has no partitions. */
bool bf__brightness_shares(const bf_sketch *sketch, double shares[BF__PLOT_BINS], double *mean);
/* Jensen-Shannon divergence of two lists of shares, natural logarithm. */
double bf__shares_divergence(const double a[BF__PLOT_BINS], const double b[BF__PLOT_BINS]);
/* Number of the column of `sketch` that answers to column i of `target` (by name where both have names, else by
 * position). False: none. */
bool bf__same_column(const bf_sketch *target, uint32_t i, const bf_sketch *sketch, uint32_t *out);

/* ---- thumbnails.c ---- */

/* Up to 24 images of the dataset as <img>; nothing where it holds none. */
bf_status bf__thumbnails(bf__writer *w, const char *path, const bf_dataset_options *options, bf_error *err);
/* One image of that white as <img>, `row` named in its alternative text. */
bf_status bf__thumbnail(bf__writer *w, const bf_image *image, double white, int64_t row, bf_error *err);
/* The mean image as PNG; *out NULL where the sketch has none. You own *out. */
bf_status bf__mean_image(const bf_sketch *sketch, uint8_t **out, size_t *out_bytes, bf_error *err);

/* ---- sections.c: the page's parts ---- */
typedef struct bf__page {
  bf__writer w;
  const bf_search_result *result;
  const bf_sketch *sketches[BF__SIDES]; /* NULL: none (worst: fewer than two models) */
  char *names[BF__SIDES];
  const bf_report_options *options;
  unsigned n_plots;
} bf__page;

void bf__page_ranking(bf__page *page);
bf_status bf__page_partitions(bf__page *page, bf_error *err);
bf_status bf__page_images(bf__page *page, bf_error *err);
void bf__page_notes(bf__page *page);
void bf__page_legend(bf__page *page);
/* A figure with a finding as heading. Frees `finding` and `spec`; NULL in either is lack of memory and marks the page
 * as failed. */
void bf__page_figure(bf__page *page, char *finding, const char *explanation, char *spec);

/* ---- section_labels.c: rows to label, and what the answers say; nothing where the options have neither ---- */
bf_status bf__page_labels(bf__page *page, bf_error *err);

/* ---- section_columns.c ---- */

/* Columns of features; brightness and regions of images; the means of what is projected. Nothing for text and tagged.
 */
bf_status bf__page_distributions(bf__page *page, bf_error *err);
/* Histograms of the target's view columns 0 .. n_columns - 1, what differs most from the best model first. names[i]:
 * how column i is called, or NULL. */
bf_status bf__page_histograms(bf__page *page, uint32_t n_columns, const char *const *names, bf_error *err);

/* ---- section_words.c: text, pairs, tagged sentences, columns of strings; section_views.c: pairs, windows ---- */
bf_status bf__page_words(bf__page *page, bf_error *err);
bf_status bf__page_similarities(bf__page *page, bf_error *err);
bf_status bf__page_channels(bf__page *page, bf_error *err);
/* What a sketch's side has in rows, words and so on, as one sentence ("1,600 texts of 57.1 words on average"). */
char *bf__page_amounts(const bf_sketch *sketch);
/* Differences of the best and the worst model, NULL where there is none: free both. */
bf_status bf__page_explain(const bf__page *page, bf_explanation *out[BF__SIDES], bf_error *err);

#endif
