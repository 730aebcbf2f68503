/* The table of the README and of the report's first page: a few strategies that stand for the others, pooled and by
 * headline collection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benchmark/report_pages.h"

#define MAX_HEADLINE 8u

static const char *const short_names[][2] = {
    {"sentiment", "sentiment"},        {"pos", "POS"},       {"entity_matching", "entity matching"}, {"dsads", "DSADS"},
    {"har_across", "HAR across sets"}, {"digits", "digits"},
};

static const char *short_name(const char *collection) {
  for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
    if (strcmp(short_names[i][0], collection) == 0) return short_names[i][1];
  return collection;
}

/* Headline collections in the order of part 6, then others. */
static size_t headline(const json_t *results, const char *out[MAX_HEADLINE]) {
  size_t n = 0, i;
  const json_t *one, *names = BF__AT(results, "pooled", "collections");
  for (size_t k = 0; k < sizeof short_names / sizeof *short_names; k++) json_array_foreach(names, i, one) {
      const char *name = json_string_value(one);
      if (name == NULL || strcmp(name, short_names[k][0]) != 0 || n == MAX_HEADLINE) continue;
      if (bf__number_at(BF__AT(results, "collections", name), "targets") > 0) out[n++] = name;
    }
  return n;
}

static void head_row(bf__report *r, const char *const *collections, size_t n) {
  char cells[MAX_HEADLINE][80];
  const char *headings[MAX_HEADLINE + 4] = {"strategy", "what it needs", ">macro-average"};
  for (size_t i = 0; i < n; i++) {
    double targets = bf__number_at(BF__AT(r->results, "collections", collections[i]), "targets");
    snprintf(cells[i], sizeof cells[i], ">%.60s, %.0f", short_name(collections[i]), targets);
    headings[3 + i] = cells[i];
  }
  headings[3 + n] = NULL;
  bf__doc_table(&r->d, headings);
}

static void pair_cell(bf__report *r, const bf__figure *regret, const bf__figure *spearman, bool strong) {
  const char *mark = strong ? "**" : "";
  if (regret->n == 0)
    bf__doc_cell(&r->d, "\xe2\x80\x93");
  else
    bf__doc_cell(&r->d, "%s%s / %s%s", mark, BF__SHORT(regret->mean, 3), BF__SHORT(spearman->mean, 2), mark);
}

static void strategy_row(bf__report *r, const bf__row *row, const char *const *collections, size_t n, size_t n_all) {
  const bf__figure *regret = &row->figures[BF__REGRET], *spearman = &row->figures[BF__SPEARMAN];
  bool first = strcmp(row->name, "auto") == 0;
  const char *mark = first ? "**" : "", *needs = "";
  for (size_t i = 0; i < bf__n_shown_strategies; i++)
    if (strcmp(bf__shown_strategies[i].name, row->name) == 0) needs = bf__shown_strategies[i].needs;
  bf__doc_cell(&r->d, "%s", bf__title_of(row->name));
  bf__doc_cell(&r->d, "%s", needs);
  if (row->whole)
    bf__doc_cell(&r->d, "%s%s / %s%s", mark, BF__INTERVAL(regret, 3), BF__INTERVAL(spearman, 2), mark);
  else
    bf__doc_cell(&r->d, "%s / %s (%zu of %zu targets)", BF__INTERVAL(regret, 3), BF__INTERVAL(spearman, 2), regret->n,
                 n_all);
  for (size_t i = 0; i < n; i++) {
    const json_t *of = BF__AT(r->results, "collections", collections[i], "strategies", row->name);
    bf__figure a = bf__figure_at(of, "regret"), b = bf__figure_at(of, "spearman");
    pair_cell(r, &a, &b, false);
  }
}

void bf__report_headline(bf__report *r) {
  const char *collections[MAX_HEADLINE];
  size_t n = headline(r->results, collections), n_rows = 0;
  bf__row *rows = bf__rows_of(r->results, BF__AT(r->results, "pooled", "strategies"), &n_rows);
  if (rows == NULL) {
    r->d.w->failed = true;
    return;
  }
  double targets = bf__number_at(BF__AT(r->results, "pooled"), "targets");
  size_t n_seeds = json_array_size(BF__AT(r->results, "seeds"));
  size_t n_strangers = json_array_size(BF__AT(r->results, "strangers", "targets"));
  bf__doc_text(
      &r->d,
      "Regret / Spearman's rank correlation with the true accuracies. Macro-average over %zu collection%s, %.0f "
      "targets, %zu seed%s [95 %% bootstrap over groups of related targets]; %zu target%s without any relative "
      "%s left out of it.",
      n, n == 1 ? "" : "s", targets, n_seeds, n_seeds == 1 ? "" : "s", n_strangers, n_strangers == 1 ? "" : "s",
      n_strangers == 1 ? "is" : "are");
  head_row(r, collections, n);
  for (size_t i = 0; i < n_rows; i++)
    if (bf__is_shown(rows[i].name)) strategy_row(r, &rows[i], collections, n, (size_t)(targets > 0 ? targets : 0));
  bf__doc_table_end(&r->d);
  free(rows);
}
