/* The report: one text, written once, as an HTML page or as Markdown. Everything it says is read from the results. */
#ifndef BESTFIT_SRC_BENCHMARK_REPORT_PAGES_H
#define BESTFIT_SRC_BENCHMARK_REPORT_PAGES_H

#include "base/html.h"
#include "benchmark/results_internal.h"

/* ---- numbers as they are printed (report_values.c) ---- */

#define BF__SHORT_BYTES 24u
/* ".017", "−.06", "1.20"; "–" for NaN. Returns out. */
const char *bf__short(char out[BF__SHORT_BYTES], double value, int digits);
/* The same in place, for several in one call of a format: a new buffer each time. */
#define BF__SHORT(value, digits) bf__short((char[BF__SHORT_BYTES]){0}, (value), (digits))
/* ".017 [.008, .028]" */
#define BF__INTERVAL_BYTES 80u
const char *bf__interval(char out[BF__INTERVAL_BYTES], const bf__figure *figure, int digits);
#define BF__INTERVAL(figure, digits) bf__interval((char[BF__INTERVAL_BYTES]){0}, (figure), (digits))

/* ---- the results, of which nothing is sure but the version ---- */

/* Value at the end of keys, NULL-ended; NULL where there is none. */
const json_t *bf__at(const json_t *root, const char *const *keys);
#define BF__AT(root, ...) bf__at((root), (const char *const[]){__VA_ARGS__, NULL})
double bf__number_at(const json_t *object, const char *key); /* NaN: none */
const char *bf__text_at(const json_t *object, const char *key, const char *otherwise);
bf__figure bf__figure_at(const json_t *object, const char *metric); /* n 0: none */

typedef struct bf__row { /* a strategy in a table */
  const char *name, *family;
  bf__figure figures[BF__N_METRICS];
  bool whole; /* answered as many targets as any strategy */
} bf__row;
/* Rows of `strategies` (an object of the results), best first by regret, those with gaps last. In out, which is freed
 * with free(); NULL on lack of memory. */
bf__row *bf__rows_of(const json_t *results, const json_t *strategies, size_t *n);

/* Strategies that stand for the others in short tables, in the order of the results' families. */
typedef struct bf__shown {
  const char *name, *title, *needs; /* title: Markdown; needs: in words */
} bf__shown;
extern const bf__shown bf__shown_strategies[];
extern const size_t bf__n_shown_strategies;
const char *bf__title_of(const char *strategy);
bool bf__is_shown(const char *strategy);

/* ---- a document (report_document.c) ---- */

#define BF__MAX_COLUMNS 24u
typedef struct bf__document {
  bf__writer *w;
  bool markdown;
  size_t n_columns, column;
  bool right[BF__MAX_COLUMNS]; /* columns of numbers */
} bf__document;

void bf__doc_begin(bf__document *d, const char *title);
void bf__doc_end(bf__document *d);
/* Texts are formatted, escaped; `code` and **strong** mean what they mean in Markdown. */
__attribute__((format(printf, 3, 4))) void bf__doc_heading(bf__document *d, int level, const char *format, ...);
__attribute__((format(printf, 2, 3))) void bf__doc_text(bf__document *d, const char *format, ...);
__attribute__((format(printf, 2, 3))) void bf__doc_item(bf__document *d, const char *format, ...); /* of a list */
void bf__doc_items_begin(bf__document *d);
void bf__doc_items_end(bf__document *d);
/* Headings NULL-ended, '>' before those of numbers. Cells follow row by row. */
void bf__doc_table(bf__document *d, const char *const *headings);
__attribute__((format(printf, 2, 3))) void bf__doc_cell(bf__document *d, const char *format, ...);
void bf__doc_table_end(bf__document *d);
/* What is opened only by those who want it; in Markdown a heading. */
__attribute__((format(printf, 2, 3))) void bf__doc_fold(bf__document *d, const char *format, ...);
void bf__doc_fold_end(bf__document *d);
/* A figure with its finding as title. Takes the picture; Markdown has the words alone. */
void bf__doc_figure(bf__document *d, const char *finding, const char *explanation, bf__writer *picture);
void bf__doc_grid(bf__document *d, bool begin); /* figures side by side */

/* ---- pictures (report_svg.c) ---- */

typedef struct bf__axis {
  double from, to;    /* of the values; from < to */
  double first, last; /* pixels */
  bool logarithmic;
  double step; /* between ticks; not for logarithmic ones */
} bf__axis;
/* Wide enough for both, ends at ticks. */
bf__axis bf__axis_of(double lowest, double highest, double first, double last, bool logarithmic);
double bf__axis_at(const bf__axis *axis, double value);
/* Tick i; false past the last. */
bool bf__axis_tick(const bf__axis *axis, size_t i, double *value);

enum { BF__START, BF__MIDDLE, BF__END };
void bf__svg_begin(bf__writer *w, double width, double height, const char *label);
void bf__svg_end(bf__writer *w);
__attribute__((format(printf, 6, 7))) void bf__svg_text(bf__writer *w, double x, double y, int anchor,
                                                        const char *class, const char *format, ...);
void bf__svg_line(bf__writer *w, double x1, double y1, double x2, double y2, const char *class);
void bf__svg_rect(bf__writer *w, double x, double y, double width, double height, const char *colour);
/* A mark by family, so that neither colour nor shape alone tells it; `title` is shown when pointed at. */
void bf__svg_mark(bf__writer *w, double x, double y, size_t family, const char *title);
size_t bf__family_of(const char *family);
const char *bf__family_name(size_t family);
const char *bf__family_colour(size_t family);
void bf__svg_x_axis(bf__writer *w, const bf__axis *x, double top, double bottom, const char *title);
void bf__svg_y_axis(bf__writer *w, const bf__axis *y, double left, double right, const char *title);
/* The families that `rows` have, as a legend between two x, in as many lines as it takes. Returns y of the last. */
double bf__svg_legend(bf__writer *w, double x, double right, double y, const bf__row *rows, size_t n);

/* ---- charts (report_charts.c) ---- */

/* Rows with mean and interval of one metric. */
void bf__chart_intervals(bf__writer *w, const bf__row *rows, size_t n, size_t metric, const char *x_title,
                         bool with_legend);
/* accuracy[targets][models]; the diagonal (own model) is framed. */
void bf__chart_heat(bf__writer *w, const json_t *matrix);
void bf__chart_expected(bf__writer *w, const json_t *points);
/* Lines of a metric by rows of the target. */
void bf__chart_sizes(bf__writer *w, const json_t *results, size_t metric, const char *y_title);
/* Regret by seconds, or by bytes. */
void bf__chart_cost(bf__writer *w, const json_t *results, const char *what, const char *x_title, bool logarithmic);

/* ---- sections ---- */

typedef struct bf__report {
  const json_t *results, *notes; /* notes: reasons, or NULL */
  bf__document d;
} bf__report;

void bf__report_all(bf__report *r);         /* report_sections.c */
void bf__report_collections(bf__report *r); /* report_collections.c */
void bf__report_trust(bf__report *r);       /* report_trust.c */
void bf__report_claim(bf__report *r);       /* report_claim.c */
void bf__report_prototype(bf__report *r);
void bf__report_headline(bf__report *r); /* report_headline.c: the README's table too */

#endif
