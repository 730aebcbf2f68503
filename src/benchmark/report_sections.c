/* The parts of the report that concern all collections. Titles of figures state what the figures show, computed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benchmark/report_pages.h"

#define MAX_LISTED 60u

static const bf__row *find_row(const bf__row *rows, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(rows[i].name, name) == 0) return &rows[i];
  return NULL;
}

/* Reads rows and marks the page as failed where there is no memory. */
static bf__row *rows_of(bf__report *r, const json_t *strategies, size_t *n) {
  bf__row *rows = bf__rows_of(r->results, strategies, n);
  if (rows == NULL) r->d.w->failed = true;
  return rows;
}

static size_t n_whole(const bf__row *rows, size_t n) {
  size_t whole = 0;
  while (whole < n && rows[whole].whole) whole++;
  return whole;
}

/* ---- what was measured ---- */

static bool same_text(const json_t *a, const json_t *b, const char *key) {
  return strcmp(bf__text_at(a, key, ""), bf__text_at(b, key, "")) == 0;
}

/* Those that follow one another and need the same are one row. *names: their domains, so many as have room. */
static size_t join_gaps(const json_t *list, size_t from, char *names, size_t room) {
  const json_t *first = json_array_get(list, from), *one;
  size_t n = 0, n_named = 0;
  names[0] = '\0';
  for (; (one = json_array_get(list, from + n)) != NULL; n++) {
    const char *domain = bf__text_at(one, "domain", "all of it");
    size_t used = strlen(names);
    if (!same_text(first, one, "collection") || !same_text(first, one, "why") || !same_text(first, one, "get")) break;
    if (used + strlen(domain) + 30 > room) continue;
    snprintf(names + used, room - used, "%s%s", n > 0 ? ", " : "", domain);
    n_named++;
  }
  if (n_named < n) snprintf(names + strlen(names), room - strlen(names), " and %zu more", n - n_named);
  return n;
}

static void gaps(bf__report *r) {
  const json_t *list = json_object_get(r->results, "missing");
  static const char *const headings[] = {"collection", "domains", "why", "to get it", NULL};
  size_t n = json_array_size(list), n_rows = 0, i = 0;
  if (n == 0) return;
  bf__doc_text(&r->d,
               "**%zu thing%s missing.** No figure below contains what is missing; a mean over fewer collections or "
               "targets is not the mean of the whole.",
               n, n == 1 ? " is" : "s are");
  bf__doc_table(&r->d, headings);
  for (; i < n && n_rows < MAX_LISTED; n_rows++) {
    char names[160];
    const json_t *one = json_array_get(list, i);
    const char *get = bf__text_at(one, "get", ""), *mark = get[0] != '\0' ? "`" : "";
    i += join_gaps(list, i, names, sizeof names);
    bf__doc_cell(&r->d, "%s", bf__text_at(one, "collection", "?"));
    bf__doc_cell(&r->d, "%s", names);
    bf__doc_cell(&r->d, "%s", bf__text_at(one, "why", ""));
    bf__doc_cell(&r->d, "%s%s%s", mark, get, mark);
  }
  bf__doc_table_end(&r->d);
  if (i < n) bf__doc_text(&r->d, "And %zu more; the JSON has them all.", n - i);
}

static void what_was_measured(bf__report *r) {
  const char *name;
  json_t *one;
  static const char *const headings[] = {"collection", "workload",    ">targets", ">strangers",
                                         ">models",    "in the mean", NULL};
  bf__doc_heading(&r->d, 2, "What was measured");
  bf__doc_text(&r->d,
               "Every domain of a collection is a target in turn; the models of the others are ranked for it without a "
               "label of it, and the ranking is set against the accuracies that they truly reach. **Regret** is the "
               "accuracy lost by taking the first place instead of the best model; Spearman is the rank correlation of "
               "the whole order. The pooled figure is the mean of the means of the headline collections.");
  gaps(r);
  bf__doc_table(&r->d, headings);
  json_object_foreach((json_t *)(uintptr_t)json_object_get(r->results, "collections"), name, one) {
    bf__doc_cell(&r->d, "%s: %s", name, bf__text_at(one, "title", ""));
    bf__doc_cell(&r->d, "%s", bf__text_at(one, "workload", ""));
    bf__doc_cell(&r->d, "%.0f", bf__number_at(one, "targets"));
    bf__doc_cell(&r->d, "%.0f", bf__number_at(one, "strangers"));
    bf__doc_cell(&r->d, "%.0f", bf__number_at(one, "models"));
    bf__doc_cell(&r->d, "%s", json_is_true(json_object_get(one, "headline")) ? "yes" : "no");
  }
  bf__doc_table_end(&r->d);
}

/* ---- tables of strategies ---- */

static void metric_cell(bf__report *r, const bf__figure *f, int digits) {
  if (f->n == 0)
    bf__doc_cell(&r->d, "\xe2\x80\x93");
  else
    bf__doc_cell(&r->d, "%s", BF__INTERVAL(f, digits));
}

static void full_table(bf__report *r, const bf__row *rows, size_t n) {
  static const char *const headings[] = {"strategy",  "family",   ">regret", ">top-3 regret", ">Spearman", ">Kendall",
                                         ">hit rate", ">targets", NULL};
  size_t most = 0;
  for (size_t i = 0; i < n; i++)
    if (rows[i].figures[BF__REGRET].n > most) most = rows[i].figures[BF__REGRET].n;
  bf__doc_table(&r->d, headings);
  for (size_t i = 0; i < n; i++) {
    const bf__figure *f = rows[i].figures;
    bf__doc_cell(&r->d, "`%s`", rows[i].name);
    bf__doc_cell(&r->d, "%s", rows[i].family);
    metric_cell(r, &f[BF__REGRET], 3);
    metric_cell(r, &f[BF__REGRET_TOP3], 3);
    metric_cell(r, &f[BF__SPEARMAN], 2);
    metric_cell(r, &f[BF__KENDALL], 2);
    metric_cell(r, &f[BF__HIT], 2);
    bf__doc_cell(&r->d, "%zu of %zu", f[BF__REGRET].n, most);
  }
  bf__doc_table_end(&r->d);
}

static void pooled_figure(bf__report *r, const bf__row *rows, size_t n) {
  char finding[300];
  bf__writer w = {0};
  size_t whole = n_whole(rows, n);
  const bf__row *first = find_row(rows, whole, "auto"), *baseline = find_row(rows, whole, "source-accuracy");
  if (whole == 0) return;
  if (first == NULL) first = &rows[0];
  snprintf(finding, sizeof finding, "%s loses %s of accuracy", first->name,
           BF__INTERVAL(&first->figures[BF__REGRET], 3));
  if (baseline != NULL)
    snprintf(finding + strlen(finding), sizeof finding - strlen(finding), "; choosing by source accuracy loses %s",
             BF__SHORT(baseline->figures[BF__REGRET].mean, 3));
  bf__chart_intervals(&w, rows, whole, BF__REGRET, "regret (accuracy lost, share of rows); left is better", true);
  bf__doc_figure(
      &r->d, finding,
      "Mean regret over the headline collections with its 95 % interval, of all strategies that answered for "
      "every target.",
      &w);
}

static void difference_table(bf__report *r, const bf__row *rows, size_t n, const char *against) {
  static const char *const headings[] = {"strategy", ">regret", ">Spearman", ">targets", NULL};
  bf__doc_fold(&r->d, "Differences from %s in regret (above 0: worse) and in Spearman (below 0: worse)", against);
  bf__doc_table(&r->d, headings);
  for (size_t i = 0; i < n; i++) {
    bf__doc_cell(&r->d, "`%s`", rows[i].name);
    metric_cell(r, &rows[i].figures[BF__REGRET], 3);
    metric_cell(r, &rows[i].figures[BF__SPEARMAN], 2);
    bf__doc_cell(&r->d, "%zu", rows[i].figures[BF__REGRET].n);
  }
  bf__doc_table_end(&r->d);
  bf__doc_fold_end(&r->d);
}

static void differences(bf__report *r) {
  const json_t *of = BF__AT(r->results, "pooled", "differences");
  const char *against = bf__text_at(of, "against", "?");
  char finding[300], axis[120];
  bf__writer w = {0};
  size_t n = 0, worse = 0, better = 0;
  bf__row *rows = rows_of(r, json_object_get(of, "strategies"), &n);
  size_t whole = rows != NULL ? n_whole(rows, n) : 0;
  for (size_t i = 0; i < whole; i++) {
    worse += rows[i].figures[BF__REGRET].low > 0;
    better += rows[i].figures[BF__REGRET].high < 0;
  }
  if (whole > 0) {
    snprintf(finding, sizeof finding, "At 95 %% %zu of %zu strategies lose more than %.40s, and %zu less", worse, whole,
             against, better);
    snprintf(axis, sizeof axis, "regret less that of %.40s (accuracy); right is worse than it", against);
    bf__chart_intervals(&w, rows, whole, BF__REGRET, axis, true);
    bf__doc_figure(
        &r->d, finding,
        "Difference on the same targets, with its 95 % interval: where it crosses the line, these targets do "
        "not tell the two apart.",
        &w);
  }
  if (rows != NULL && n > 0) difference_table(r, rows, n, against);
  free(rows);
}

static void pooled(bf__report *r) {
  size_t n = 0;
  bf__row *rows = rows_of(r, BF__AT(r->results, "pooled", "strategies"), &n);
  if (rows == NULL) return;
  bf__doc_heading(&r->d, 2, "All strategies, pooled");
  pooled_figure(r, rows, n);
  differences(r);
  bf__doc_fold(&r->d, "All metrics with intervals");
  full_table(r, rows, n);
  if (n_whole(rows, n) < n)
    bf__doc_text(
        &r->d, "The last %zu answered for a part of the targets only: theirs is another mean, and not to be compared.",
        n - n_whole(rows, n));
  bf__doc_fold_end(&r->d);
  free(rows);
}

/* ---- candidates that lie ---- */

static const struct {
  const char *name, *what;
} ATTACKS[] = {
    {"auto-attacked-by-clones", "8 copies of the worst model"},
    {"auto-attacked-by-constant", "a model that says one class, with an honest sketch"},
    {"auto-attacked-by-forgery", "the same, with the target's own sketch and a card that says it is never wrong"},
    {"auto-attacked-by-confidence", "the worst model, twenty times as sure of itself"},
    {"auto-attacked-by-card", "the worst model, with a card that says it is never wrong"},
};

static void attacks(bf__report *r) {
  static const char *const headings[] = {"beside the honest candidates", ">regret", ">change against auto", NULL};
  const json_t *of = BF__AT(r->results, "pooled", "differences"), *against = json_object_get(of, "against");
  bool any = false;
  for (size_t i = 0; i < sizeof ATTACKS / sizeof *ATTACKS; i++) {
    bf__figure regret = bf__figure_at(BF__AT(r->results, "pooled", "strategies", ATTACKS[i].name), "regret");
    bf__figure change = bf__figure_at(BF__AT(of, "strategies", ATTACKS[i].name), "regret");
    if (regret.n == 0) continue;
    if (!any) {
      bf__doc_heading(&r->d, 2, "Candidates that lie");
      bf__doc_text(
          &r->d,
          "What `auto` chooses with attackers among the candidates that the repository has no experience with, "
          "pooled; change: paired difference from %s.",
          json_string_value(against) ? json_string_value(against) : "auto");
      bf__doc_table(&r->d, headings);
      any = true;
    }
    bf__doc_cell(&r->d, "%s", ATTACKS[i].what);
    metric_cell(r, &regret, 3);
    metric_cell(r, &change, 4);
  }
  if (any) bf__doc_table_end(&r->d);
}

/* ---- workloads ---- */

static void workload_table(bf__report *r, size_t metric, int digits) {
  const json_t *workloads = json_object_get(r->results, "workloads");
  const char *headings[BF__MAX_COLUMNS] = {"strategy"}, *names[BF__MAX_COLUMNS], *name;
  char cells[BF__MAX_COLUMNS][80];
  size_t n = 0, n_rows = 0;
  json_t *one;
  bf__row *rows = rows_of(r, BF__AT(r->results, "pooled", "strategies"), &n_rows);
  json_object_foreach((json_t *)(uintptr_t)workloads, name, one) {
    if (n + 2 >= BF__MAX_COLUMNS) break;
    snprintf(cells[n], sizeof cells[n], ">%.70s", name);
    names[n] = name;
    headings[n + 1] = cells[n];
    n++;
  }
  headings[n + 1] = NULL;
  bf__doc_table(&r->d, headings);
  for (size_t i = 0; i < n_rows; i++) {
    bf__doc_cell(&r->d, "`%s`", rows[i].name);
    for (size_t k = 0; k < n; k++) {
      bf__figure f = bf__figure_at(BF__AT(workloads, names[k], "strategies", rows[i].name), bf__metric_names[metric]);
      if (f.n == 0)
        bf__doc_cell(&r->d, "\xe2\x80\x93");
      else
        bf__doc_cell(&r->d, "%s, n %zu", BF__INTERVAL(&f, digits), f.n);
    }
  }
  bf__doc_table_end(&r->d);
  free(rows);
}

static void workloads(bf__report *r) {
  static const char *const titles[] = {"Regret (accuracy lost)", "Top-3 regret (accuracy lost)", "Spearman", "Kendall",
                                       "Hit rate"};
  static const size_t order[] = {BF__REGRET, BF__SPEARMAN, BF__REGRET_TOP3, BF__KENDALL, BF__HIT};
  bf__doc_heading(&r->d, 2, "Strategy by workload");
  bf__doc_text(&r->d,
               "A workload's figure is the mean over its collections, those outside of the pooled figure too; n counts "
               "targets.");
  for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
    bool folded = k > 0;
    if (folded)
      bf__doc_fold(&r->d, "%s", titles[order[k]]);
    else
      bf__doc_heading(&r->d, 3, "%s", titles[order[k]]);
    workload_table(r, order[k], order[k] == BF__REGRET || order[k] == BF__REGRET_TOP3 ? 3 : 2);
    if (folded) bf__doc_fold_end(&r->d);
  }
}

/* ---- size of the target ---- */

static void size_table(bf__report *r, const json_t *rows) {
  const char *headings[24] = {"strategy"}, *name;
  char cells[20][40];
  size_t n = json_array_size(rows) < 16 ? json_array_size(rows) : 16;
  json_t *one;
  for (size_t k = 0; k <= n; k++) {
    if (k < n)
      snprintf(cells[k], sizeof cells[k], ">%lld rows", (long long)json_integer_value(json_array_get(rows, k)));
    else
      snprintf(cells[k], sizeof cells[k], ">all rows");
    headings[k + 1] = cells[k];
  }
  headings[n + 2] = NULL;
  bf__doc_table(&r->d, headings);
  json_object_foreach((json_t *)(uintptr_t)BF__AT(r->results, "sizes", "strategies"), name, one) {
    bf__doc_cell(&r->d, "`%s`", name);
    for (size_t k = 0; k <= n; k++)
      bf__doc_cell(&r->d, "%s / %s",
                   BF__SHORT(bf__number_at(json_array_get(json_object_get(one, "regret"), k), "mean"), 3),
                   BF__SHORT(bf__number_at(json_array_get(json_object_get(one, "spearman"), k), "mean"), 2));
  }
  bf__doc_table_end(&r->d);
}

static void sizes(bf__report *r) {
  const json_t *of = json_object_get(r->results, "sizes"), *rows = json_object_get(of, "rows");
  const char *against = bf__text_at(BF__AT(r->results, "pooled", "differences"), "against", "auto");
  const json_t *figures = BF__AT(of, "strategies", against);
  char finding[300], explanation[300];
  bf__writer w = {0};
  if (json_array_size(rows) == 0 || figures == NULL) return;
  const json_t *regret = json_object_get(figures, "regret"), *spearman = json_object_get(figures, "spearman");
  size_t last = json_array_size(rows);
  bf__doc_heading(&r->d, 2, "How many unlabelled rows are enough?");
  snprintf(finding, sizeof finding, "With %lld rows %.40s loses %s, with all rows %s",
           (long long)json_integer_value(json_array_get(rows, 0)), against,
           BF__SHORT(bf__number_at(json_array_get(regret, 0), "mean"), 3),
           BF__SHORT(bf__number_at(json_array_get(regret, last), "mean"), 3));
  snprintf(explanation, sizeof explanation,
           "The same %.0f targets at every size, ranked by a seeded sample of so many rows.",
           bf__number_at(of, "targets"));
  bf__doc_grid(&r->d, true);
  bf__chart_sizes(&w, r->results, BF__REGRET, "regret (accuracy lost)");
  bf__doc_figure(&r->d, finding, explanation, &w);
  w = (bf__writer){0};
  snprintf(finding, sizeof finding, "Spearman of %.40s: %s with %lld rows, %s with all", against,
           BF__SHORT(bf__number_at(json_array_get(spearman, 0), "mean"), 2),
           (long long)json_integer_value(json_array_get(rows, 0)),
           BF__SHORT(bf__number_at(json_array_get(spearman, last), "mean"), 2));
  bf__chart_sizes(&w, r->results, BF__SPEARMAN, "Spearman with the true accuracies");
  bf__doc_figure(&r->d, finding, "Higher is better.", &w);
  bf__doc_grid(&r->d, false);
  bf__doc_fold(&r->d, "All strategies: regret / Spearman by rows");
  size_table(r, rows);
  bf__doc_fold_end(&r->d);
}

/* ---- variants ---- */

static void variants(bf__report *r) {
  static const char *const names[] = {"own-in", "relatives-out"};
  static const char *const headings[] = {"strategy", ">standard: own domain out", ">own domain's model is a candidate",
                                         ">all relatives out", NULL};
  size_t n = 0;
  if (json_object_size(json_object_get(r->results, "variants")) == 0) return;
  bf__row *rows = rows_of(r, BF__AT(r->results, "pooled", "strategies"), &n);
  bf__doc_heading(&r->d, 2, "With the right model at hand, and with nothing related");
  bf__doc_text(&r->d,
               "Regret / Spearman, pooled. Own model in: its domain's own model is a candidate, and all are judged on "
               "rows that it never saw. Relatives out: every model and labelled domain of the target's origin is taken "
               "away (body position, data set, treebank, ...).");
  bf__doc_table(&r->d, headings);
  for (size_t i = 0; i < n; i++) {
    bf__doc_cell(&r->d, "`%s`", rows[i].name);
    bf__doc_cell(&r->d, "%s / %s", BF__SHORT(rows[i].figures[BF__REGRET].mean, 3),
                 BF__SHORT(rows[i].figures[BF__SPEARMAN].mean, 2));
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
      const json_t *of = BF__AT(r->results, "variants", names[k], "pooled", "strategies", rows[i].name);
      bf__figure regret = bf__figure_at(of, "regret"), spearman = bf__figure_at(of, "spearman");
      if (regret.n == 0)
        bf__doc_cell(&r->d, "\xe2\x80\x93");
      else
        bf__doc_cell(&r->d, "%s / %s, n %zu", BF__SHORT(regret.mean, 3), BF__SHORT(spearman.mean, 2), regret.n);
    }
  }
  bf__doc_table_end(&r->d);
  free(rows);
}

/* ---- cost ---- */

static void cost(bf__report *r) {
  const json_t *of = json_object_get(r->results, "cost");
  static const char *const headings[] = {"strategy", ">seconds a target", ">sketch bytes read", ">regret", NULL};
  char finding[300];
  size_t n = 0;
  bf__writer w = {0};
  bf__row *rows = rows_of(r, BF__AT(r->results, "pooled", "strategies"), &n);
  if (rows == NULL || json_object_size(json_object_get(of, "strategies")) == 0) {
    free(rows);
    return;
  }
  double automatic = bf__number_at(BF__AT(of, "strategies", "auto"), "seconds"),
         data = bf__number_at(BF__AT(of, "strategies", "similarity"), "seconds");
  bf__doc_heading(&r->d, 2, "Cost against quality");
  bf__doc_text(
      &r->d,
      "Time of ranking one target's candidates on the machine of the run. Running the models on the rows comes "
      "before it for all that need outputs (%s s a target), learning from experience for the learned ones (%s "
      "s; a repository does it once).",
      BF__SHORT(bf__number_at(of, "run_seconds"), 2), BF__SHORT(bf__number_at(of, "learn_seconds"), 2));
  snprintf(finding, sizeof finding, "auto ranks a target in %s s, similarity of sketches in %s s",
           BF__SHORT(automatic, 3), BF__SHORT(data, 3));
  bf__doc_grid(&r->d, true);
  bf__chart_cost(&w, r->results, "seconds", "seconds a target (logarithmic)", true);
  bf__doc_figure(&r->d, finding, "Lower left is better. Marks without a name: point at them, or see the table.", &w);
  w = (bf__writer){0};
  bf__chart_cost(&w, r->results, "bytes", "kB of sketches read for a target", false);
  snprintf(finding, sizeof finding, "similarity reads %s kB of sketches a target",
           BF__SHORT(bf__number_at(BF__AT(of, "strategies", "similarity"), "bytes") / 1e3, 0));
  bf__doc_figure(&r->d, finding, "What runs models reads their outputs instead.", &w);
  bf__doc_grid(&r->d, false);
  bf__doc_fold(&r->d, "Seconds and bytes of all strategies");
  bf__doc_table(&r->d, headings);
  for (size_t i = 0; i < n; i++) {
    const json_t *one = BF__AT(of, "strategies", rows[i].name);
    bf__doc_cell(&r->d, "`%s`", rows[i].name);
    bf__doc_cell(&r->d, "%s", BF__SHORT(bf__number_at(one, "seconds"), 4));
    bf__doc_cell(&r->d, "%s", BF__SHORT(bf__number_at(one, "bytes"), 0));
    bf__doc_cell(&r->d, "%s", BF__SHORT(rows[i].figures[BF__REGRET].mean, 3));
  }
  bf__doc_table_end(&r->d);
  bf__doc_fold_end(&r->d);
  free(rows);
}

/* ---- strangers, targets without an answer ---- */

static void strangers(bf__report *r) {
  const json_t *of = json_object_get(r->results, "strangers"), *targets = json_object_get(of, "targets"), *one;
  size_t n = 0, i;
  if (json_array_size(targets) == 0) return;
  bf__doc_heading(&r->d, 2, "Strangers");
  bf__doc_text(&r->d,
               "%zu targets have no relative among the models. They are in no mean above; each counts as one here:",
               json_array_size(targets));
  bf__doc_items_begin(&r->d);
  json_array_foreach(targets, i, one)
      bf__doc_item(&r->d, "%s of %s", bf__text_at(one, "target", "?"), bf__text_at(one, "collection", "?"));
  bf__doc_items_end(&r->d);
  bf__row *rows = rows_of(r, json_object_get(of, "strategies"), &n);
  bf__doc_fold(&r->d, "All strategies on the strangers");
  if (rows != NULL) full_table(r, rows, n);
  bf__doc_fold_end(&r->d);
  free(rows);
}

static void unanswered(bf__report *r) {
  const json_t *list = json_object_get(r->results, "unanswered"), *one;
  static const char *const headings[] = {"strategy", "collection", ">without", "which", "why", NULL};
  size_t i, k;
  if (json_array_size(list) == 0) return;
  bf__doc_heading(&r->d, 2, "Targets without an answer");
  bf__doc_text(&r->d,
               "A strategy that has no answer for a target is not given a figure there: its mean is over the others, n "
               "says how many, and it is set apart from those that answered everywhere.");
  bf__doc_fold(&r->d, "%zu strategies and collections", json_array_size(list));
  bf__doc_table(&r->d, headings);
  json_array_foreach(list, i, one) {
    char names[300] = "";
    const json_t *target, *targets = json_object_get(one, "targets");
    json_array_foreach(targets, k, target) {
      size_t used = strlen(names);
      snprintf(names + used, sizeof names - used, "%s%s", k > 0 ? ", " : "",
               json_is_string(target) ? json_string_value(target) : "?");
    }
    bf__doc_cell(&r->d, "`%s`", bf__text_at(one, "strategy", "?"));
    bf__doc_cell(&r->d, "%s", bf__text_at(one, "collection", "?"));
    bf__doc_cell(&r->d, "%.0f of %.0f", bf__number_at(one, "n"), bf__number_at(one, "of"));
    bf__doc_cell(&r->d, "%s", targets != NULL ? names : "all");
    bf__doc_cell(&r->d, "%s", bf__text_at(one, "why", ""));
  }
  bf__doc_table_end(&r->d);
  bf__doc_fold_end(&r->d);
}

static void how_to_read(bf__report *r) {
  bf__doc_heading(&r->d, 2, "How to read it");
  bf__doc_items_begin(&r->d);
  bf__doc_item(&r->d,
               "Brackets hold 95 %% bootstrap intervals that draw whole groups of related targets (the same persons, "
               "the same source): 20 targets of 4 groups count as 4.");
  bf__doc_item(&r->d,
               "Where scores are equal, regret and hit rate are expectations over all orders of the equals: a "
               "strategy gains nothing by not deciding.");
  bf__doc_item(&r->d, "Compare orders and differences, not levels: the models are small on purpose.");
  bf__doc_item(&r->d, "Several seeds are averaged for each target before anything else; n counts targets.");
  bf__doc_items_end(&r->d);
}

void bf__report_all(bf__report *r) {
  size_t n = 0;
  char title[200] = "Which model for data without labels? The benchmark of bestfit";
  bf__doc_begin(&r->d, title);
  bf__row *rows = rows_of(r, BF__AT(r->results, "pooled", "strategies"), &n);
  const bf__row *first = rows != NULL ? find_row(rows, n, "auto") : NULL;
  if (first != NULL)
    bf__doc_text(
        &r->d,
        "**`auto` picks a model that is %s of accuracy below the best one there is, and orders all models with "
        "a Spearman of %s** (%zu targets).",
        BF__INTERVAL(&first->figures[BF__REGRET], 3), BF__INTERVAL(&first->figures[BF__SPEARMAN], 2),
        first->figures[BF__REGRET].n);
  free(rows);
  bf__report_headline(r);
  what_was_measured(r);
  pooled(r);
  workloads(r);
  bf__report_trust(r);
  sizes(r);
  variants(r);
  attacks(r);
  cost(r);
  bf__report_claim(r);
  bf__report_prototype(r);
  bf__report_collections(r);
  strangers(r);
  unanswered(r);
  how_to_read(r);
  bf__doc_end(&r->d);
}
