/* Does auto win because its settings were chosen on the collections that it is scored on? Every setting of the second
 * stage chosen on five collections and scored on the sixth.
 *
 *   bench_settings ZOO [--cache DIR] [collection …]
 *
 * ZOO: bench/zoo/train.py --predictions (bench/zoo_collection.h). Settings: size and locality of the linear part, the
 * level of domains, how fast nearness falls, how far expectations lean on agreement. Each is set to the value of least
 * mean regret over all values of the others and over all targets of the other collections; macro-average, protocol of
 * docs/strategies.md. Beside it the settings as shipped, and the mean over all settings: what careless ones cost. */
#include <bestfit/metrics.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rank/rank_internal.h"
#include "zoo_collection.h"

#define MAX_COLLECTIONS 8u

static const char *const COLLECTIONS[] = {"sentiment", "pos", "entity_matching", "dsads", "har_across", "digits"};

/* No model is near to a target's rows there (docs/benchmark.md): such targets are left out of averages. */
static const char *const STRANGERS[] = {"kannada", "notmnist"};

enum { SIZE, LOCAL, LEVEL, NEARNESS, LEAN, N_SETTINGS, MAX_VALUES = 4 };

static const struct {
  const char *name;
  size_t n;
  double values[MAX_VALUES];
} SETTINGS[N_SETTINGS] = {
    [SIZE] = {"size", 3, {0.5, 1.0, 2.0}},          /* v_lin */
    [LOCAL] = {"v_ll/v_lin", 2, {0.0, 2.0}},        /* coefficients that differ between domains */
    [LEVEL] = {"v_dom", 4, {0.5, 4.0, 16.0, 64.0}}, /* the level of a domain */
    [NEARNESS] = {"g", 3, {0.5, 1.0, 2.0}},         /* nearness exp(-g d) */
    [LEAN] = {"lean", 4, {0.0, 0.05, 0.1, 0.2}},    /* share of the half-width */
};

enum { N_CHOICES = 3 * 2 * 4 * 3 * 4 };

typedef struct figures {
  size_t n;
  double regret[N_CHOICES], spearman[N_CHOICES]; /* sums over targets */
} figures;

/* ---- choices: one value of every setting ---- */

static void values_of(size_t choice, size_t out[N_SETTINGS]) {
  for (size_t s = 0; s < N_SETTINGS; s++) {
    out[s] = choice % SETTINGS[s].n; /* NOLINT(clang-analyzer-core.DivideZero): a constant above 0 */
    choice /= SETTINGS[s].n;
  }
}

static size_t choice_of(const size_t values[N_SETTINGS]) {
  size_t choice = 0;
  for (size_t s = N_SETTINGS; s-- > 0;) choice = choice * SETTINGS[s].n + values[s];
  return choice;
}

/* The choice that the library has made. */
static size_t shipped(void) {
  const bf__kriging_kernel *kernel = bf__learner_kernel(BF__STAGE_2);
  const double set[N_SETTINGS] = {[SIZE] = kernel->v_lin,
                                  [LOCAL] = kernel->v_ll / kernel->v_lin,
                                  [LEVEL] = kernel->v_dom,
                                  [NEARNESS] = kernel->g,
                                  [LEAN] = bf__learner_lean(BF__STAGE_2)};
  size_t values[N_SETTINGS];
  for (size_t s = 0; s < N_SETTINGS; s++) {
    for (values[s] = 0; values[s] < SETTINGS[s].n && SETTINGS[s].values[values[s]] != set[s];) values[s]++;
    if (values[s] < SETTINGS[s].n) continue;
    fprintf(stderr, "%s is %g in the library, which is not among the values here\n", SETTINGS[s].name, set[s]);
    exit(1);
  }
  return choice_of(values);
}

/* ---- one target ---- */

static bf_status score(const double *order, const double *truth, size_t n, size_t choice, figures *out, bf_error *err) {
  bf_ranking_metrics metrics;
  bf_status status = bf_ranking_metrics_of(order, truth, n, &metrics, err);
  if (status != BF_OK) return status;
  out->regret[choice] += metrics.regret;
  out->spearman[choice] += isnan(metrics.spearman) ? 0.0 : metrics.spearman;
  return BF_OK;
}

/* What the experience answers with the settings of a choice, its lean apart: order = plain + share x leaning. */
static bf_status ask(bf_experience *e, const bf__question *question, const size_t values[N_SETTINGS], double *plain,
                     double *leaning, bf_error *err) {
  double size = SETTINGS[SIZE].values[values[SIZE]];
  bf__kriging_kernel kernel = {.v_lin = size,
                               .v_ll = size * SETTINGS[LOCAL].values[values[LOCAL]],
                               .v_same = bf__learner_kernel(BF__STAGE_2)->v_same,
                               .v_dom = SETTINGS[LEVEL].values[values[LEVEL]],
                               .g = SETTINGS[NEARNESS].values[values[NEARNESS]]};
  bf__answer without, with;
  bf_status status = bf__learn_second_stage_again(e, &kernel, 1.0, err);
  if (status == BF_OK) status = bf__ask(e, BF__STAGE_2, question, &with, err);
  if (status != BF_OK) return status;
  e->fits[BF__STAGE_2].lean = 0.0;
  status = bf__ask(e, BF__STAGE_2, question, &without, err);
  for (size_t m = 0; status == BF_OK && m < question->n; m++) {
    plain[m] = without.order[m];
    leaning[m] = with.order[m] - without.order[m];
  }
  bf__answer_deinit(&with);
  if (status == BF_OK) bf__answer_deinit(&without);
  return status;
}

static bf_status score_choices(bf_experience *e, const bf__question *question, const double *truth, figures *out,
                               bf_error *err) {
  double plain[ZOO_MAX_DOMAINS], leaning[ZOO_MAX_DOMAINS], order[ZOO_MAX_DOMAINS];
  for (size_t choice = 0; choice < N_CHOICES; choice++) {
    size_t values[N_SETTINGS];
    values_of(choice, values);
    if (values[LEAN] > 0) continue; /* scored with the first */
    bf_status status = ask(e, question, values, plain, leaning, err);
    if (status != BF_OK) return status;
    for (values[LEAN] = 0; values[LEAN] < SETTINGS[LEAN].n; values[LEAN]++) {
      for (size_t m = 0; m < question->n; m++) order[m] = plain[m] + SETTINGS[LEAN].values[values[LEAN]] * leaning[m];
      status = score(order, truth, question->n, choice_of(values), out, err);
      if (status != BF_OK) return status;
    }
  }
  out->n++;
  return BF_OK;
}

static bool is_stranger(const char *name) {
  for (size_t i = 0; i < sizeof STRANGERS / sizeof *STRANGERS; i++)
    if (strcmp(name, STRANGERS[i]) == 0) return true;
  return false;
}

static bool study_target(const zoo_collection *c, size_t target, figures *out) {
  const zoo_domain *d = &c->domains[target];
  bf_candidate candidates[ZOO_MAX_DOMAINS];
  bf_panel_model models[ZOO_MAX_DOMAINS];
  bf_experience_model info[ZOO_MAX_DOMAINS];
  double truth[ZOO_MAX_DOMAINS];
  bf_panel_options options = BF_PANEL_OPTIONS_INIT;
  bf_panel *panel = NULL;
  bf_error err = {0};
  if (is_stranger(d->name)) return true;
  bf_experience *e = zoo_learn(c, target, false);
  if (!e) return false;
  size_t n = zoo_candidates(c, target, false, true, candidates);
  for (size_t m = 0; m < n; m++) {
    truth[m] = d->of[zoo_find(c, candidates[m].id)].accuracy;
    models[m] = bf__panel_model_of(&candidates[m], NAN);
    info[m] = bf__experience_model_of(&candidates[m]);
  }
  bf_status status = bf_panel_create(models, n, candidates[0].outputs->n_items, &options, &panel, &err);
  bf__question question = {n, info, panel, d->target};
  if (status == BF_OK) status = score_choices(e, &question, truth, out, &err);
  if (status != BF_OK) fprintf(stderr, "%s: %s\n", d->name, err.message);
  bf_panel_free(panel);
  bf_experience_free(e);
  return status == BF_OK;
}

/* ---- choosing without a collection ---- */

/* Mean regret over the collections but one (out: n, none) of all choices with this value. */
static double mean_regret(const figures *all, size_t n, size_t out, size_t setting, size_t value) {
  double sum = 0.0;
  size_t n_choices = 0;
  for (size_t choice = 0; choice < N_CHOICES; choice++) {
    size_t values[N_SETTINGS];
    values_of(choice, values);
    if (values[setting] != value) continue;
    for (size_t c = 0; c < n; c++)
      if (c != out) sum += all[c].regret[choice] / (double)all[c].n;
    n_choices++;
  }
  return sum / (double)n_choices;
}

static size_t choose_without(const figures *all, size_t n, size_t out) {
  size_t values[N_SETTINGS] = {0};
  for (size_t s = 0; s < N_SETTINGS; s++) {
    double least = INFINITY;
    for (size_t v = 0; v < SETTINGS[s].n; v++) {
      double regret = mean_regret(all, n, out, s, v);
      if (regret < least - 1e-12) {
        least = regret;
        values[s] = v;
      }
    }
  }
  return choice_of(values);
}

static void print_settings(size_t choice) {
  size_t values[N_SETTINGS];
  values_of(choice, values);
  for (size_t s = 0; s < N_SETTINGS; s++) printf("  %s %g", SETTINGS[s].name, SETTINGS[s].values[values[s]]);
  printf("\n");
}

static void print_all(const figures *all, char names[][ZOO_NAME_BYTES], size_t n) {
  double sums[6] = {0};
  printf("%-16s %3s  %-13s  %-13s  %-13s  %s\n", "regret/Spearman", "n", "as shipped", "chosen on", "mean of all",
         "chosen on the others");
  for (size_t c = 0; c < n; c++) {
    size_t chosen = choose_without(all, n, c);
    double k = (double)all[c].n, figures_of[6] = {all[c].regret[shipped()] / k, all[c].spearman[shipped()] / k,
                                                  all[c].regret[chosen] / k, all[c].spearman[chosen] / k};
    for (size_t choice = 0; choice < N_CHOICES; choice++) {
      figures_of[4] += all[c].regret[choice] / k / N_CHOICES;
      figures_of[5] += all[c].spearman[choice] / k / N_CHOICES;
    }
    printf("%-16s %3zu", names[c], all[c].n);
    for (size_t i = 0; i < 6; i++) {
      printf(i % 2 ? " / %.3f" : "  %.4f", figures_of[i]);
      sums[i] += figures_of[i] / (double)n;
    }
    print_settings(chosen);
  }
  printf("%-16s    ", "macro-average");
  for (size_t i = 0; i < 6; i++) printf(i % 2 ? " / %.3f" : "  %.4f", sums[i]);
  printf("\nchosen on all:");
  print_settings(choose_without(all, n, SIZE_MAX));
}

int main(int argc, char **argv) {
  static figures all[MAX_COLLECTIONS];
  static char names[MAX_COLLECTIONS][ZOO_NAME_BYTES];
  const char *cache = NULL, *zoo = argc > 1 ? argv[1] : NULL, *wanted[MAX_COLLECTIONS];
  size_t n = 0;
  for (int i = 2; i < argc; i++) {
    if (strcmp(argv[i], "--cache") == 0 && i + 1 < argc)
      cache = argv[++i];
    else if (n < MAX_COLLECTIONS)
      wanted[n++] = argv[i];
  }
  if (!zoo) {
    fprintf(stderr, "usage: bench_settings ZOO [--cache DIR] [collection …]\n");
    return 2;
  }
  if (n == 0)
    for (; n < sizeof COLLECTIONS / sizeof *COLLECTIONS; n++) wanted[n] = COLLECTIONS[n];
  for (size_t i = 0; i < n; i++) {
    zoo_collection *c = zoo_collection_read(zoo, wanted[i], cache);
    if (!c) return 1;
    snprintf(names[i], sizeof names[i], "%s", c->name);
    for (size_t t = 0; t < c->n; t++) {
      fprintf(stderr, "\r%s %zu of %zu ", c->name, t + 1, c->n);
      if (!study_target(c, t, &all[i])) return 1;
    }
    zoo_collection_free(c);
  }
  fprintf(stderr, "\n");
  print_all(all, names, n);
  return 0;
}
