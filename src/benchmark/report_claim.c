/* The paper's claim in plain words, beside the paper's own figures; and the prototype's figures beside ours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "benchmark/report_pages.h"

#define TOLERANCE 0.10 /* of Spearman, from the prototype */
#define MAX_CLAIM_ROWS 64u

/* ---- the claim ---- */

typedef struct tally {
  size_t n, lower, higher_spearman, both, beyond, against;
} tally;

/* Negative differences of regret speak for adaptivity. Headline collections alone are counted. */
static tally count(const json_t *results, const json_t *claim) {
  tally t = {0};
  const char *name;
  json_t *one;
  json_object_foreach((json_t *)(uintptr_t)json_object_get(claim, "collections"), name, one) {
    bf__figure regret = bf__figure_at(one, "regret"), spearman = bf__figure_at(one, "spearman");
    if (regret.n == 0 || !json_is_true(BF__AT(results, "collections", name, "headline"))) continue;
    t.n++;
    t.lower += regret.mean < 0;
    t.higher_spearman += spearman.mean > 0;
    t.both += regret.mean < 0 && spearman.mean > 0;
    t.beyond += regret.high < 0;
    t.against += regret.low > 0;
  }
  return t;
}

static void claim_table(bf__report *r, const json_t *list) {
  static const char *const headings[] = {
      "adaptivity as", "against", "collection", ">regret less the measure's", ">Spearman less the measure's",
      ">targets",      NULL};
  const json_t *claim;
  size_t i;
  bf__doc_table(&r->d, headings);
  json_array_foreach(list, i, claim) {
    const char *name;
    json_t *one;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(claim, "collections"), name, one) {
      bf__figure regret = bf__figure_at(one, "regret"), spearman = bf__figure_at(one, "spearman");
      bf__doc_cell(&r->d, "`%s`", bf__text_at(claim, "adaptivity", "?"));
      bf__doc_cell(&r->d, "`%s`", bf__text_at(claim, "measure", "?"));
      bf__doc_cell(&r->d, "%s", name);
      bf__doc_cell(&r->d, "%s", BF__INTERVAL(&regret, 3));
      bf__doc_cell(&r->d, "%s", BF__INTERVAL(&spearman, 2));
      bf__doc_cell(&r->d, "%zu", regret.n);
    }
  }
  bf__doc_table_end(&r->d);
}

static void claim_figure(bf__report *r, const json_t *claim) {
  bf__row rows[MAX_CLAIM_ROWS];
  bf__writer w = {0};
  char finding[300], axis[160];
  size_t n = 0;
  const char *name, *measure = bf__text_at(claim, "measure", "?");
  json_t *one;
  tally t = count(r->results, claim);
  json_object_foreach((json_t *)(uintptr_t)json_object_get(claim, "collections"), name, one) {
    if (n == MAX_CLAIM_ROWS) break;
    rows[n] = (bf__row){.name = name, .family = "paper", .whole = true};
    rows[n].figures[BF__REGRET] = bf__figure_at(one, "regret");
    n += rows[n].figures[BF__REGRET].n > 0;
  }
  if (n == 0) return;
  snprintf(finding, sizeof finding, "%.40s loses less than %.40s in %zu of %zu headline collections, clearly in %zu",
           bf__text_at(claim, "adaptivity", "?"), measure, t.lower, t.n, t.beyond);
  snprintf(axis, sizeof axis, "regret less that of %.60s (accuracy); left of the line the claim holds", measure);
  bf__chart_intervals(&w, rows, n, BF__REGRET, axis, false);
  bf__doc_figure(&r->d, finding, "Paired over the targets of each collection, with 95 % intervals.", &w);
}

static void published(bf__report *r) {
  static const char *const headings[] = {"the paper's table", "ordered by", ">regret", ">Spearman",
                                         ">targets",          ">pairs",     NULL};
  bf__doc_heading(&r->d, 3, "On the paper's own figures");
  bf__doc_text(
      &r->d,
      "Regret and Spearman of the orders that each column of its published result tables would have given (their "
      "networks; derived by bestfit, equal values share their places). On its activity pairs, where adaptivity "
      "is not printed, both symmetric measures are good and source accuracy is worse than chance. On its CIFAR-10 "
      "groups adaptivity loses more than JSD and L2, and source accuracy least; of entity matching only F1 is "
      "printed.");
  bf__doc_table(&r->d, headings);
  for (size_t i = 0; i < bf__n_published_figures; i++) {
    const bf__published *p = &bf__published_figures[i];
    bf__doc_cell(&r->d, "%s", p->title);
    bf__doc_cell(&r->d, "%s", p->strategy);
    bf__doc_cell(&r->d, "%s", BF__SHORT(p->regret, 3));
    bf__doc_cell(&r->d, "%s", BF__SHORT(p->spearman, 2));
    bf__doc_cell(&r->d, "%zu", p->n_targets);
    bf__doc_cell(&r->d, "%zu", p->n_pairs);
  }
  bf__doc_table_end(&r->d);
  bf__doc_text(
      &r->d,
      "Source: L. Zhou and others, \"Benchmark of DNN Model Search at Deployment Time\", SSDBM 2022; tables in "
      "the authors' notebooks, repository asu-cactus/Discovery_of_DL_Model_Version, commit 13e2591.");
}

void bf__report_claim(bf__report *r) {
  const json_t *list = json_object_get(r->results, "claim"), *claim;
  size_t i;
  bf__doc_heading(&r->d, 2, "The paper's claim: adaptivity beats the symmetric measures");
  if (json_array_size(list) == 0) bf__doc_text(&r->d, "The runs have no adaptivity to compare.");
  bf__doc_items_begin(&r->d);
  json_array_foreach(list, i, claim) {
    tally t = count(r->results, claim);
    bf__figure pooled = bf__figure_at(json_object_get(claim, "pooled"), "regret");
    const char *verdict = t.both == t.n && t.n > 0 ? "The claim holds"
                          : t.both == 0            ? "The claim does not hold"
                                                   : "The claim holds in part";
    bf__doc_item(
        &r->d,
        "`%s` against `%s`: %s. It loses less in %zu of %zu headline collections and orders better in %zu (both "
        "in %zu); with its whole 95 %% interval it loses less in %zu and more in %zu. Pooled difference of "
        "regret: %s.",
        bf__text_at(claim, "adaptivity", "?"), bf__text_at(claim, "measure", "?"), verdict, t.lower, t.n,
        t.higher_spearman, t.both, t.beyond, t.against, BF__INTERVAL(&pooled, 3));
  }
  bf__doc_items_end(&r->d);
  if (json_array_size(list) > 0) {
    bf__doc_text(
        &r->d,
        "What is known of it, and not tested here: with few partitions adaptivity takes few distinct values, it hangs "
        "on its "
        "threshold, and dividing by the target's partitions alone makes it grow with the source. The threshold in "
        "hindsight is chosen with the truth at hand, so its figures flatter.");
    json_array_foreach(list, i, claim) claim_figure(r, claim);
    bf__doc_fold(&r->d, "Differences by collection");
    claim_table(r, list);
    bf__doc_fold_end(&r->d);
  }
  published(r);
}

/* ---- the prototype ---- */

static const char *reason_of(const bf__report *r, const char *collection, const char *strategy) {
  char key[160];
  const json_t *reasons = json_object_get(r->notes, "prototype");
  snprintf(key, sizeof key, "%.60s.%.60s", collection, strategy);
  const char *reason = bf__text_at(reasons, key, NULL);
  if (reason == NULL) reason = bf__text_at(reasons, strategy, NULL);
  return reason != NULL ? reason : bf__text_at(reasons, collection, "no reason noted");
}

typedef struct family_mean {
  const char *name;
  double theirs, ours;
  size_t n;
} family_mean;

/* Means of the pooled Spearman over a family's strategies that both have. */
static size_t families_of(const json_t *list, family_mean out[16]) {
  size_t n = 0, i;
  const json_t *row;
  json_array_foreach(list, i, row) {
    const char *family = bf__text_at(row, "family", "?");
    double theirs = bf__number_at(row, "their_spearman"), ours = bf__number_at(row, "spearman");
    size_t k = 0;
    if (!json_is_null(json_object_get(row, "collection")) || isnan(theirs) || isnan(ours)) continue;
    while (k < n && strcmp(out[k].name, family) != 0) k++;
    if (k == n) {
      if (n == 16) continue;
      out[n++] = (family_mean){.name = family};
    }
    out[k].theirs += theirs, out[k].ours += ours, out[k].n++;
  }
  for (i = 0; i < n; i++) out[i].theirs /= (double)out[i].n, out[i].ours /= (double)out[i].n;
  return n;
}

static int by_theirs(const void *a, const void *b) {
  double x = ((const family_mean *)a)->theirs, y = ((const family_mean *)b)->theirs;
  return (x < y) - (x > y);
}

static void families(bf__report *r, const json_t *list) {
  static const char *const headings[] = {"family", ">Spearman there", ">here", NULL};
  family_mean all[16];
  size_t n = families_of(list, all), n_turned = 0;
  qsort(all, n, sizeof *all, by_theirs);
  if (n == 0) return;
  for (size_t i = 0; i < n; i++)
    for (size_t k = i + 1; k < n; k++) n_turned += all[i].ours < all[k].ours;
  if (n_turned == 0)
    bf__doc_heading(&r->d, 3, "The %zu families stand in the same order", n);
  else
    bf__doc_heading(&r->d, 3, "%zu of %zu pairs of families stand the other way round", n_turned, n * (n - 1) / 2);
  bf__doc_table(&r->d, headings);
  for (size_t i = 0; i < n; i++) {
    bf__doc_cell(&r->d, "%s", all[i].name);
    bf__doc_cell(&r->d, "%s", BF__SHORT(all[i].theirs, 2));
    bf__doc_cell(&r->d, "%s", BF__SHORT(all[i].ours, 2));
  }
  bf__doc_table_end(&r->d);
  if (n_turned == 0) return;
  bf__doc_items_begin(&r->d);
  for (size_t i = 0; i < n; i++)
    for (size_t k = i + 1; k < n; k++)
      if (all[i].ours < all[k].ours)
        bf__doc_item(&r->d, "%s before %s there, after it here: %s", all[i].name, all[k].name,
                     reason_of(r, "families", all[i].name));
  bf__doc_items_end(&r->d);
}

static void prototype_table(bf__report *r, const json_t *list, bool only_far) {
  static const char *const headings[] = {"collection", "strategy",    ">regret there", ">here", ">Spearman there",
                                         ">here",      ">difference", "why",           NULL};
  const json_t *row;
  size_t i;
  bf__doc_table(&r->d, headings);
  json_array_foreach(list, i, row) {
    const char *collection = bf__text_at(row, "collection", "all targets"),
               *strategy = bf__text_at(row, "strategy", "?");
    double theirs = bf__number_at(row, "their_spearman"), ours = bf__number_at(row, "spearman");
    bool far = fabs(ours - theirs) > TOLERANCE;
    if (only_far && !far) continue;
    bf__doc_cell(&r->d, "%s", collection);
    bf__doc_cell(&r->d, "`%s`", strategy);
    bf__doc_cell(&r->d, "%s", BF__SHORT(bf__number_at(row, "their_regret"), 3));
    bf__doc_cell(&r->d, "%s", BF__SHORT(bf__number_at(row, "regret"), 3));
    bf__doc_cell(&r->d, "%s", BF__SHORT(theirs, 2));
    bf__doc_cell(&r->d, "%s", BF__SHORT(ours, 2));
    bf__doc_cell(&r->d, "%s", BF__SHORT(ours - theirs, 2));
    bf__doc_cell(&r->d, "%s", far ? reason_of(r, collection, strategy) : isnan(ours) ? "not run here" : "");
  }
  bf__doc_table_end(&r->d);
}

void bf__report_prototype(bf__report *r) {
  const json_t *list = json_object_get(r->results, "prototype"), *row;
  size_t i, n = 0, n_far = 0;
  json_array_foreach(list, i, row) {
    double difference = bf__number_at(row, "spearman") - bf__number_at(row, "their_spearman");
    if (isnan(difference)) continue;
    n++;
    n_far += fabs(difference) > TOLERANCE;
  }
  if (n == 0) return;
  bf__doc_heading(&r->d, 2, "Beside the prototype: %zu of %zu figures lie within .10 Spearman", n - n_far, n);
  bf__doc_text(
      &r->d,
      "An earlier program measured the same six collections with networks and rows of its own (119 targets, some "
      "of which are not here). Strangers are among the targets here too, as they were there; its pooled figures "
      "are means over targets, and so are ours beside them.");
  families(r, list);
  if (n_far > 0) {
    bf__doc_heading(&r->d, 3, "Farther than .10 apart: %zu", n_far);
    prototype_table(r, list, true);
  }
  bf__doc_fold(&r->d, "All figures side by side");
  prototype_table(r, list, false);
  bf__doc_fold_end(&r->d);
}
