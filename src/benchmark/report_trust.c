/* What `auto` says of itself: expected accuracies and intervals, warnings, grades. */
#include <stdio.h>
#include <string.h>

#include "benchmark/report_pages.h"

static void coverage_row(bf__report *r, const char *name, const json_t *of) {
  static const char *const columns[] = {"mae", "mae_chosen", "coverage", "coverage_chosen", "width"};
  bf__figure n = bf__figure_at(of, "mae");
  bf__doc_cell(&r->d, "%s", name);
  for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
    bf__figure f = bf__figure_at(of, columns[k]);
    if (f.n == 0)
      bf__doc_cell(&r->d, "\xe2\x80\x93");
    else
      bf__doc_cell(&r->d, "%s", BF__INTERVAL(&f, strncmp(columns[k], "cov", 3) == 0 ? 2 : 3));
  }
  bf__doc_cell(&r->d, "%zu", n.n);
}

static void coverage(bf__report *r, const json_t *trust) {
  static const char *const headings[] = {"",
                                         ">mean absolute error",
                                         ">of the chosen",
                                         ">intervals that hold",
                                         ">of the chosen",
                                         ">mean width",
                                         ">targets",
                                         NULL};
  const char *name;
  json_t *one;
  bf__doc_table(&r->d, headings);
  coverage_row(r, "pooled", BF__AT(trust, "standard", "pooled"));
  json_object_foreach((json_t *)(uintptr_t)BF__AT(trust, "standard", "collections"), name, one) {
    if (bf__figure_at(one, "mae").n > 0) coverage_row(r, name, one);
  }
  if (bf__figure_at(BF__AT(trust, "standard", "strangers"), "mae").n > 0)
    coverage_row(r, "strangers", BF__AT(trust, "standard", "strangers"));
  if (bf__figure_at(BF__AT(trust, "relatives-out", "pooled"), "mae").n > 0)
    coverage_row(r, "pooled, relatives out", BF__AT(trust, "relatives-out", "pooled"));
  bf__doc_table_end(&r->d);
}

static void scatters(bf__report *r) {
  const char *name;
  json_t *one;
  bf__doc_grid(&r->d, true);
  json_object_foreach((json_t *)(uintptr_t)json_object_get(r->results, "collections"), name, one) {
    const json_t *points = json_object_get(one, "points"), *point;
    size_t i, n = 0, inside = 0;
    double error = 0;
    char finding[200];
    bf__writer w = {0};
    json_array_foreach(points, i, point) {
      double expected = json_number_value(json_array_get(point, 2)), low = json_number_value(json_array_get(point, 3)),
             high = json_number_value(json_array_get(point, 4)), truth = json_number_value(json_array_get(point, 5));
      error += fabs(expected - truth), n++;
      inside += low <= truth && truth <= high;
    }
    if (n == 0) continue;
    snprintf(finding, sizeof finding, "%.60s: off by %s on average, %.0f %% of %zu intervals hold", name,
             BF__SHORT(error / (double)n, 3), 100.0 * (double)inside / (double)n, n);
    bf__chart_expected(&w, points);
    bf__doc_figure(&r->d, finding, "Large and blue: the chosen model. Orange crosses: outside of the interval.", &w);
  }
  bf__doc_grid(&r->d, false);
}

static void novelty(bf__report *r, const json_t *trust) {
  static const char *const variants[][2] = {{"standard", "ordinary targets"},
                                            {"own-in", "own model among the candidates"},
                                            {"relatives-out", "all relatives taken out"}};
  static const char *const headings[] = {"", ">called novel", ">warned: no suitable model", ">targets", NULL};
  bf__figure ordinary = bf__figure_at(BF__AT(trust, "standard", "pooled"), "novel"),
             out = bf__figure_at(BF__AT(trust, "relatives-out", "pooled"), "novel");
  if (ordinary.n == 0) return;
  if (out.n > 0)
    bf__doc_heading(&r->d, 3, "Novelty fires on %s of ordinary targets, on %s where relatives are taken out",
                    BF__SHORT(ordinary.mean, 2), BF__SHORT(out.mean, 2));
  else
    bf__doc_heading(&r->d, 3, "Novelty fires on %s of ordinary targets", BF__SHORT(ordinary.mean, 2));
  bf__doc_table(&r->d, headings);
  for (size_t k = 0; k <= sizeof variants / sizeof *variants; k++) {
    bool last = k == sizeof variants / sizeof *variants;
    const json_t *of = last ? BF__AT(trust, "standard", "strangers") : BF__AT(trust, variants[k][0], "pooled");
    bf__figure novel = bf__figure_at(of, "novel"), warned = bf__figure_at(of, "no_suitable_model");
    if (novel.n == 0) continue;
    bf__doc_cell(&r->d, "%s", last ? "strangers" : variants[k][1]);
    bf__doc_cell(&r->d, "%s", BF__INTERVAL(&novel, 2));
    bf__doc_cell(&r->d, "%s", BF__INTERVAL(&warned, 2));
    bf__doc_cell(&r->d, "%zu", novel.n);
  }
  bf__doc_table_end(&r->d);
}

static void suitability(bf__report *r, const json_t *trust) {
  static const char *const headings[] = {"believing",       "targets", ">area under the curve",
                                         ">with the event", ">of",     NULL};
  const json_t *list = json_object_get(trust, "suitability"), *one;
  size_t i;
  if (json_array_size(list) == 0) return;
  bf__doc_heading(&r->d, 3, "No suitable model: the warning tells them apart with an area of %s",
                  BF__SHORT(bf__number_at(json_array_get(list, 0), "auc"), 2));
  bf__doc_text(&r->d,
               "Event: even the best candidate stays .15 below its own source accuracy. Score: source accuracy of the "
               "chosen less its expected accuracy. An area of .5 tells nothing; with few events it says little. "
               "Strangers are among the targets, and every seed counts.");
  bf__doc_table(&r->d, headings);
  json_array_foreach(list, i, one) {
    const char *variant = bf__text_at(one, "variant", "?");
    bf__doc_cell(&r->d, "`%s`", bf__text_at(one, "strategy", "?"));
    bf__doc_cell(&r->d, "%s", strcmp(variant, "both") == 0 ? "standard and relatives-out" : variant);
    bf__doc_cell(&r->d, "%s", BF__SHORT(bf__number_at(one, "auc"), 2));
    bf__doc_cell(&r->d, "%.0f", bf__number_at(one, "events"));
    bf__doc_cell(&r->d, "%.0f", bf__number_at(one, "n"));
  }
  bf__doc_table_end(&r->d);
}

static void grades(bf__report *r, const json_t *trust) {
  static const char *const names[] = {"high", "medium", "low"};
  static const char *const headings[] = {"trust grade", ">regret of auto", ">targets", NULL};
  const json_t *of = json_object_get(trust, "grades");
  if (json_object_size(of) == 0) return;
  bf__figure high = bf__figure_at(of, "high"), low = bf__figure_at(of, "low");
  if (high.n > 0 && low.n > 0)
    bf__doc_heading(&r->d, 3, "Where trust is high auto loses %s, where it is low %s", BF__SHORT(high.mean, 3),
                    BF__SHORT(low.mean, 3));
  else
    bf__doc_heading(&r->d, 3, "Regret of auto by trust grade");
  bf__doc_table(&r->d, headings);
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    bf__figure f = bf__figure_at(of, names[k]);
    if (f.n == 0) continue;
    bf__doc_cell(&r->d, "%s", names[k]);
    bf__doc_cell(&r->d, "%s", BF__INTERVAL(&f, 3));
    bf__doc_cell(&r->d, "%zu", f.n);
  }
  bf__doc_table_end(&r->d);
}

void bf__report_trust(bf__report *r) {
  const json_t *trust = json_object_get(r->results, "trust");
  bf__figure error = bf__figure_at(BF__AT(trust, "standard", "pooled"), "mae"),
             holds = bf__figure_at(BF__AT(trust, "standard", "pooled"), "coverage"),
             chosen = bf__figure_at(BF__AT(trust, "standard", "pooled"), "coverage_chosen");
  if (error.n == 0) return;
  bf__doc_heading(&r->d, 2, "Expected accuracy: off by %s; %s of intervals hold, %s of the chosen models'",
                  BF__SHORT(error.mean, 3), BF__SHORT(holds.mean, 2), BF__SHORT(chosen.mean, 2));
  bf__doc_text(&r->d,
               "`auto` says what accuracy it expects of every candidate, with an interval meant to hold nine times "
               "of ten. Means over targets, then over collections.");
  coverage(r, trust);
  scatters(r);
  novelty(r, trust);
  suitability(r, trust);
  grades(r, trust);
}
