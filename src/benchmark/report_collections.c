/* Collection by collection: the accuracies themselves, and every strategy; F1 beside accuracy where classes are rare.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benchmark/report_pages.h"

/* Means over targets of the best foreign model's accuracy, of all foreign ones', and of the own model's. */
static void matrix_means(const json_t *matrix, double *best, double *any, double *own) {
  const json_t *rows = json_object_get(matrix, "accuracy"), *models = json_object_get(matrix, "models"),
               *targets = json_object_get(matrix, "targets");
  double best_sum = 0, any_sum = 0, own_sum = 0;
  size_t n = 0, n_own = 0;
  for (size_t t = 0; t < json_array_size(rows); t++) {
    const char *target = json_string_value(json_array_get(targets, t));
    double highest = NAN, sum = 0;
    size_t count = 0;
    for (size_t m = 0; m < json_array_size(models); m++) {
      const json_t *cell = json_array_get(json_array_get(rows, t), m);
      const char *model = json_string_value(json_array_get(models, m));
      double value = json_number_value(cell);
      if (!json_is_number(cell) || target == NULL || model == NULL) continue;
      if (strcmp(target, model) == 0) {
        own_sum += value, n_own++;
        continue;
      }
      if (isnan(highest) || value > highest) highest = value;
      sum += value, count++;
    }
    if (count > 0) best_sum += highest, any_sum += sum / (double)count, n++;
  }
  *best = n > 0 ? best_sum / (double)n : NAN;
  *any = n > 0 ? any_sum / (double)n : NAN;
  *own = n_own > 0 ? own_sum / (double)n_own : NAN;
}

static void heat_map(bf__report *r, const char *name, const json_t *of) {
  const json_t *matrix = json_object_get(of, "matrix");
  double best, any, own;
  char finding[300], with_own[80] = "";
  bf__writer w = {0};
  if (json_array_size(json_object_get(matrix, "targets")) == 0) return;
  matrix_means(matrix, &best, &any, &own);
  if (!isnan(own)) snprintf(with_own, sizeof with_own, "; the domain's own model reaches %s", BF__SHORT(own, 2));
  snprintf(finding, sizeof finding, "%.60s: the best foreign model reaches %s on average, one at random %s%s", name,
           BF__SHORT(best, 2), BF__SHORT(any, 2), with_own);
  bf__chart_heat(&w, matrix);
  bf__doc_figure(
      &r->d, finding,
      "Accuracy (share of rows) of each model, in columns, on each target, in rows. Framed: the target's own "
      "model, on rows that it never saw.",
      &w);
}

static void all_strategies(bf__report *r, const json_t *strategies) {
  static const char *const headings[] = {"strategy", ">regret",   ">top-3 regret", ">Spearman",
                                         ">Kendall", ">hit rate", ">targets",      NULL};
  static const size_t metrics[] = {BF__REGRET, BF__REGRET_TOP3, BF__SPEARMAN, BF__KENDALL, BF__HIT};
  size_t n = 0;
  bf__row *rows = bf__rows_of(r->results, strategies, &n);
  if (rows == NULL) r->d.w->failed = true;
  bf__doc_table(&r->d, headings);
  for (size_t i = 0; rows != NULL && i < n; i++) {
    bf__doc_cell(&r->d, "`%s`", rows[i].name);
    for (size_t k = 0; k < sizeof metrics / sizeof *metrics; k++) {
      const bf__figure *f = &rows[i].figures[metrics[k]];
      bool in_accuracy = metrics[k] == BF__REGRET || metrics[k] == BF__REGRET_TOP3;
      if (f->n == 0)
        bf__doc_cell(&r->d, "\xe2\x80\x93");
      else
        bf__doc_cell(&r->d, "%s", BF__INTERVAL(f, in_accuracy ? 3 : 2));
    }
    bf__doc_cell(&r->d, "%zu", rows[i].figures[BF__REGRET].n);
  }
  bf__doc_table_end(&r->d);
  free(rows);
}

static const char *leader(const bf__row *rows, size_t n) {
  return n > 0 ? rows[0].name : "none";
}

/* Which strategy is best by accuracy, and which by F1, is the point of showing both. */
static void by_f1(bf__report *r, const char *name, const json_t *of) {
  static const char *const headings[] = {
      "strategy", ">regret in accuracy", ">regret in F1", ">Spearman with accuracy", ">Spearman with F1", ">targets",
      NULL};
  const json_t *f1 = BF__AT(of, "f1", "strategies");
  size_t n = 0, n_accuracy = 0;
  if (json_object_size(f1) == 0) return;
  bf__row *rows = bf__rows_of(r->results, f1, &n),
          *accuracy = bf__rows_of(r->results, json_object_get(of, "strategies"), &n_accuracy);
  if (rows == NULL || accuracy == NULL) r->d.w->failed = true;
  if (rows != NULL && accuracy != NULL) {
    bf__doc_heading(&r->d, 3, "%s by F1: least regret in F1 has %s, in accuracy %s", name, leader(rows, n),
                    leader(accuracy, n_accuracy));
    bf__doc_text(&r->d,
                 "Matches are rare, so that accuracy rewards a model that finds none. The same orders, judged by "
                 "the F1 of the matches.");
    bf__doc_table(&r->d, headings);
  }
  for (size_t i = 0; rows != NULL && accuracy != NULL && i < n; i++) {
    const json_t *other = BF__AT(of, "strategies", rows[i].name);
    bf__figure regret = bf__figure_at(other, "regret"), spearman = bf__figure_at(other, "spearman");
    bf__doc_cell(&r->d, "`%s`", rows[i].name);
    bf__doc_cell(&r->d, "%s", BF__INTERVAL(&regret, 3));
    bf__doc_cell(&r->d, "%s", BF__INTERVAL(&rows[i].figures[BF__REGRET], 3));
    bf__doc_cell(&r->d, "%s", BF__INTERVAL(&spearman, 2));
    bf__doc_cell(&r->d, "%s", BF__INTERVAL(&rows[i].figures[BF__SPEARMAN], 2));
    bf__doc_cell(&r->d, "%zu", rows[i].figures[BF__REGRET].n);
  }
  if (rows != NULL && accuracy != NULL) bf__doc_table_end(&r->d);
  free(rows);
  free(accuracy);
}

void bf__report_collections(bf__report *r) {
  const char *name;
  json_t *one;
  json_t *all = (json_t *)(uintptr_t)json_object_get(r->results, "collections");
  bf__doc_heading(&r->d, 2, "Collection by collection");
  json_object_foreach(all, name, one) by_f1(r, name, one);
  json_object_foreach(all, name, one) {
    if (json_object_size(json_object_get(one, "strategies")) == 0) continue; /* not ranked yet: among the missing */
    heat_map(r, name, one);
    bf__doc_fold(&r->d, "%s: all strategies", name);
    all_strategies(r, json_object_get(one, "strategies"));
    bf__doc_fold_end(&r->d);
    if (json_object_size(BF__AT(one, "macro_f1", "strategies")) == 0) continue;
    bf__doc_fold(&r->d, "%s: all strategies, judged by macro-F1", name);
    all_strategies(r, BF__AT(one, "macro_f1", "strategies"));
    bf__doc_fold_end(&r->d);
  }
}
