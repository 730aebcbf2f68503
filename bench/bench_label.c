/* What labels are worth: regret after some answers of `bestfit label`, on the collections of the zoo, protocol of
 * docs/strategies.md, parts 6 and 8.
 *
 *   bench_label ZOO [--cache DIR] [--belief auto|similarity-agreement|pair-agreement] [--metric accuracy|f1]
 *               [--seeds N] [--wrong SHARE] [--detailed] [collection …]
 *
 * Every domain is a target once; the belief is of a search that knows neither its rows nor its model. The rows that are
 * asked are answered with the truth (or, for the share that --wrong says, with a random class). Beside it: choosing by
 * accuracy (or F1) on random rows. And how right the advice to stop is, and how often the intervals hold the truth.
 * Also prints what an answer and the next question cost at 100 models, 2,000 rows and 20 classes.
 */
#include <bestfit/label.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "zoo_collection.h"

#define MOST_ANSWERS 100
#define RANDOM_ROWS 60
#define RANDOM_ROUNDS 400

static const char *const COLLECTIONS[] = {"sentiment", "pos", "entity_matching", "dsads", "har_across", "digits"};
static const size_t SHOWN[] = {0, 10, 15, 25, 50, 100};
#define N_SHOWN (sizeof SHOWN / sizeof *SHOWN)

static const char *belief = "auto";
static bool f1, detailed;
static size_t n_seeds = 3;
static double wrong;

/* One target: candidates, what is believed of them, the truth. */
typedef struct target {
  size_t n, n_rows;
  bf_candidate candidates[ZOO_MAX_DOMAINS];
  double believed[ZOO_MAX_DOMAINS], shared, own, value[ZOO_MAX_DOMAINS], best;
  const int32_t *truth;
  char **classes;
  size_t n_classes;
} target;

/* Sums over targets and seeds. */
typedef struct figures {
  size_t n;
  double regret[N_SHOWN], random;
  size_t n_advised, n_right, answers_advised;
  size_t n_intervals[N_SHOWN], n_held[N_SHOWN], n_chosen_held[N_SHOWN];
} figures;

static uint64_t state = 88172645463325252u;
static size_t below(size_t n) { /* xorshift */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (size_t)(state % n);
}

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the metric ---- */

static size_t vote(const target *t, size_t model, size_t row) {
  const bf_outputs *o = t->candidates[model].outputs;
  const float *z = o->scores + row * o->n_classes;
  size_t best = 0;
  for (size_t c = 1; c < o->n_classes; c++)
    if (z[c] > z[best]) best = c;
  return best;
}

/* Accuracy, or F1 of the class "1", of a model on some rows (NULL: on all). */
static double measure(const target *t, size_t model, const size_t *rows, size_t n) {
  size_t right = 0, said = 0, are = 0, both = 0;
  for (size_t i = 0; i < n; i++) {
    size_t row = rows ? rows[i] : i, h = vote(t, model, row);
    int32_t y = t->truth[row];
    bool positive = y >= 0 && strcmp(t->classes[y], "1") == 0, says = strcmp(t->classes[h], "1") == 0;
    right += y == (int32_t)h;
    said += says;
    are += positive;
    both += says && positive;
  }
  if (!f1) return (double)right / (double)n;
  return said + are > 0 ? 2.0 * (double)both / (double)(said + are) : 0.0;
}

/* Mean regret of the one that is best on random rows; equal ones share. */
static double random_regret(const target *t) {
  double sum = 0.0;
  for (int round = 0; round < RANDOM_ROUNDS; round++) {
    size_t rows[RANDOM_ROWS], n = t->n_rows < RANDOM_ROWS ? t->n_rows : RANDOM_ROWS, n_best = 0;
    double best = -1.0, regret = 0.0;
    for (size_t i = 0; i < n; i++) { /* without repetition */
      bool again = true;
      while (again) {
        rows[i] = below(t->n_rows);
        again = false;
        for (size_t k = 0; k < i; k++) again = again || rows[k] == rows[i];
      }
    }
    for (size_t m = 0; m < t->n; m++) {
      double value = measure(t, m, rows, n);
      if (value > best) {
        best = value;
        regret = 0.0;
        n_best = 0;
      }
      if (value < best) continue;
      regret += t->best - t->value[m];
      n_best++;
    }
    sum += regret / (double)n_best;
  }
  return sum / RANDOM_ROUNDS;
}

/* ---- the belief ---- */

static bool read_belief(const char *path, target *t) {
  FILE *file = fopen(path, "r");
  bool good = file && fscanf(file, "%lf %lf", &t->shared, &t->own) == 2;
  for (size_t m = 0; good && m < t->n; m++) good = fscanf(file, "%lf", &t->believed[m]) == 1;
  if (file) fclose(file);
  return good;
}

static void keep_belief(const char *path, const target *t) {
  FILE *file = fopen(path, "w");
  if (!file) return;
  fprintf(file, "%.17g %.17g\n", t->shared, t->own);
  for (size_t m = 0; m < t->n; m++) fprintf(file, "%.17g\n", t->believed[m]);
  fclose(file);
}

static bool believe(const zoo_collection *c, size_t which, target *t, const char *cache) {
  char path[1024];
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_search_result *result = NULL;
  bf_experience *experience = NULL;
  bf_error err = {0};
  bool learns = strcmp(belief, "auto") == 0;
  snprintf(path, sizeof path, "%s/label-%s-%s-%s.txt", cache ? cache : ".", belief, c->name, c->domains[which].name);
  if (cache && read_belief(path, t)) return true;
  t->shared = t->own = 0.0;
  if (learns) experience = zoo_learn(c, which, false);
  options.strategy = belief;
  options.experience = experience;
  bf_status status = bf_rank(t->candidates, t->n, c->domains[which].target, &options, &result, &err);
  if (status == BF_OK && learns) status = bf_experience_error_scales(experience, &t->shared, &t->own, &err);
  for (size_t m = 0; m < t->n; m++) t->believed[m] = 0.5;
  for (size_t i = 0; status == BF_OK && i < bf_search_result_count(result); i++) {
    const bf_ranked *r = bf_search_result_at(result, i);
    t->believed[r->candidate] = isnan(r->expected_accuracy) ? r->score : r->expected_accuracy;
  }
  if (status != BF_OK) fprintf(stderr, "%s: %s\n", c->domains[which].name, err.message);
  bf_search_result_free(result);
  bf_experience_free(experience);
  if (status == BF_OK && cache) keep_belief(path, t);
  return status == BF_OK;
}

/* ---- labelling ---- */

static size_t answer_of(const target *t, size_t row) {
  if (wrong > 0.0 && (double)below(1000000) < wrong * 1e6) return below(t->n_classes);
  return (size_t)t->truth[row];
}

static void note(figures *f, const target *t, const bf_labelling_state *s, size_t k) {
  f->regret[k] += t->best - t->value[s->chosen];
  for (size_t m = 0; m < t->n; m++) {
    f->n_intervals[k]++;
    f->n_held[k] += t->value[m] >= s->interval_low[m] && t->value[m] <= s->interval_high[m];
  }
  f->n_chosen_held[k] +=
      t->value[s->chosen] >= s->interval_low[s->chosen] && t->value[s->chosen] <= s->interval_high[s->chosen];
}

static bool label(const target *t, uint64_t seed, figures *f) {
  bf_panel_model models[ZOO_MAX_DOMAINS];
  bf_labelling_options options = BF_LABELLING_OPTIONS_INIT;
  bf_panel *panel = NULL;
  bf_labelling *l = NULL;
  bf_error err = {0};
  size_t k = 0;
  bool advised = false;
  for (size_t m = 0; m < t->n; m++) {
    const bf_candidate *c = &t->candidates[m];
    models[m] = (bf_panel_model){.id = c->id,
                                 .classes = c->classes,
                                 .n_classes = c->outputs->n_classes,
                                 .scores = c->outputs->scores,
                                 .are_logits = c->outputs->are_logits,
                                 .source_accuracy = NAN,
                                 .similarity = NAN};
  }
  options.seed = seed;
  options.shared_variance = t->shared;
  options.own_variance = t->own;
  options.metric = f1 ? BF_METRIC_F1 : BF_METRIC_ACCURACY;
  options.positive = "1";
  bf_status status = bf_panel_create(models, t->n, t->n_rows, NULL, &panel, &err);
  if (status == BF_OK) status = bf_labelling_create(panel, t->believed, &options, &l, &err);
  while (status == BF_OK && k < N_SHOWN) {
    const bf_labelling_state *s = bf_labelling_look(l);
    size_t rows[8], n_answers = s->n_answers, n;
    if (n_answers >= SHOWN[k] || s->exhausted) note(f, t, s, k++);
    if (s->settled && !advised) {
      advised = true;
      f->n_advised++;
      f->n_right += t->best - t->value[s->chosen] <= 0.01;
      f->answers_advised += s->n_answers;
    }
    if (k == N_SHOWN) break;
    n = bf_labelling_next(l, bf_labelling_batch(l), rows);
    for (size_t i = 0; i < n && status == BF_OK; i++) {
      size_t class = 0;
      if (t->truth[rows[i]] < 0) {
        status = bf_labelling_skip(l, rows[i], &err);
      } else {
        status = bf_labelling_class_find(l, t->classes[answer_of(t, rows[i])], &class, &err);
        if (status == BF_OK) status = bf_labelling_answer(l, rows[i], class, &err);
      }
    }
  }
  if (status != BF_OK) fprintf(stderr, "%s\n", err.message);
  bf_labelling_free(l);
  bf_panel_free(panel);
  return status == BF_OK;
}

static void study(const zoo_collection *c, size_t which, const char *cache, figures *f) {
  static target t;
  figures own = {0};
  const zoo_domain *d = &c->domains[which];
  memset(&t, 0, sizeof t);
  t.n = zoo_candidates(c, which, false, true, t.candidates);
  t.classes = d->classes;
  t.n_classes = d->n_classes;
  t.truth = d->of[zoo_find(c, t.candidates[0].id)].truth;
  t.n_rows = t.candidates[0].outputs->n_items;
  for (size_t m = 0; m < t.n; m++) {
    t.value[m] = measure(&t, m, NULL, t.n_rows);
    t.best = fmax(t.best, t.value[m]);
  }
  if (!believe(c, which, &t, cache)) return;
  own.random = random_regret(&t);
  for (size_t s = 1; s <= n_seeds; s++) own.n += label(&t, s, &own);
  if (detailed) {
    printf("  %-24s %7.4f %7.5f ", d->name, t.shared, t.own);
    for (size_t k = 0; k < N_SHOWN; k++) printf(" %6.4f", own.regret[k] / (double)own.n);
    printf("   random %6.4f\n", own.random);
  }
  f->n += own.n;
  f->random += own.random * (double)own.n;
  f->n_advised += own.n_advised;
  f->n_right += own.n_right;
  f->answers_advised += own.answers_advised;
  for (size_t k = 0; k < N_SHOWN; k++) {
    f->regret[k] += own.regret[k];
    f->n_intervals[k] += own.n_intervals[k];
    f->n_held[k] += own.n_held[k];
    f->n_chosen_held[k] += own.n_chosen_held[k];
  }
}

static void print_figures(const char *name, const figures *f) {
  printf("%-16s", name);
  for (size_t k = 0; k < N_SHOWN; k++) printf(" %7.4f", f->regret[k] / (double)f->n);
  printf("  %7.4f", f->random / (double)f->n);
  printf("   said in %3.0f %% after %4.1f, right %5.1f %%", 100.0 * (double)f->n_advised / (double)f->n,
         (double)f->answers_advised / (double)f->n_advised, 100.0 * (double)f->n_right / (double)f->n_advised);
  printf("   holds (all, chosen) at 0: %2.0f, %2.0f; at 25: %2.0f, %2.0f %%\n",
         100.0 * (double)f->n_held[0] / (double)f->n_intervals[0], 100.0 * (double)f->n_chosen_held[0] / (double)f->n,
         100.0 * (double)f->n_held[3] / (double)f->n_intervals[3], 100.0 * (double)f->n_chosen_held[3] / (double)f->n);
  fflush(stdout);
}

/* ---- cost ---- */

enum { COST_MODELS = 100, COST_ROWS = 2000, COST_CLASSES = 20 };

static void print_cost(void) {
  static int32_t predicted[COST_MODELS][COST_ROWS], truth[COST_ROWS];
  static char names[COST_CLASSES][8], ids[COST_MODELS][8];
  const char *classes[COST_CLASSES];
  bf_panel_model models[COST_MODELS];
  double believed[COST_MODELS], started = now(), slowest = 0.0, total = 0.0;
  bf_panel *panel = NULL;
  bf_labelling *l = NULL;
  bf_error err = {0};
  for (size_t c = 0; c < COST_CLASSES; c++) {
    snprintf(names[c], sizeof names[c], "c%02zu", c);
    classes[c] = names[c];
  }
  for (size_t i = 0; i < COST_ROWS; i++) truth[i] = (int32_t)below(COST_CLASSES);
  for (size_t m = 0; m < COST_MODELS; m++) {
    double accuracy = 0.5 + 0.003 * (double)m;
    snprintf(ids[m], sizeof ids[m], "m%zu", m);
    for (size_t i = 0; i < COST_ROWS; i++)
      predicted[m][i] = (double)below(1000) < 1000 * accuracy ? truth[i] : (int32_t)below(COST_CLASSES);
    models[m] = (bf_panel_model){.id = ids[m],
                                 .classes = classes,
                                 .n_classes = COST_CLASSES,
                                 .predicted = predicted[m],
                                 .source_accuracy = NAN,
                                 .similarity = NAN};
    believed[m] = 0.65;
  }
  bf_status status = bf_panel_create(models, COST_MODELS, COST_ROWS, NULL, &panel, &err);
  started = now();
  if (status == BF_OK) status = bf_labelling_create(panel, believed, NULL, &l, &err);
  double start = now() - started;
  for (size_t i = 0; status == BF_OK && i < 50; i++) {
    size_t row = 0;
    started = now();
    (void)bf_labelling_next(l, 1, &row);
    status = bf_labelling_answer(l, row, (size_t)truth[row], &err);
    (void)bf_labelling_look(l);
    double took = now() - started;
    total += took;
    slowest = fmax(slowest, took);
  }
  if (status != BF_OK) fprintf(stderr, "%s\n", err.message);
  printf(
      "%d models x %d rows x %d classes: begins in %.2f s; a row asked, answered and learnt from %.3f s (slowest of "
      "50: %.3f s)\n",
      COST_MODELS, COST_ROWS, COST_CLASSES, start, total / 50.0, slowest);
  bf_labelling_free(l);
  bf_panel_free(panel);
}

int main(int argc, char **argv) {
  const char *cache = NULL, *wanted[8];
  size_t n_wanted = 0;
  figures whole = {0};
  for (int i = 2; i < argc; i++) {
    if (strcmp(argv[i], "--cache") == 0 && i + 1 < argc) {
      cache = argv[++i];
    } else if (strcmp(argv[i], "--belief") == 0 && i + 1 < argc) {
      belief = argv[++i];
    } else if (strcmp(argv[i], "--metric") == 0 && i + 1 < argc) {
      f1 = strcmp(argv[++i], "f1") == 0;
    } else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
      n_seeds = strtoul(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--wrong") == 0 && i + 1 < argc) {
      wrong = strtod(argv[++i], NULL);
    } else if (strcmp(argv[i], "--detailed") == 0) {
      detailed = true;
    } else if (n_wanted < 8) {
      wanted[n_wanted++] = argv[i];
    }
  }
  if (argc < 2 || n_seeds == 0) {
    fprintf(stderr, "bench_label ZOO [--cache DIR] [--belief NAME] [--metric f1] [--seeds N] [collection ...]\n");
    return 2;
  }
  for (size_t c = 0; n_wanted == 0 && c < sizeof COLLECTIONS / sizeof *COLLECTIONS; c++) wanted[c] = COLLECTIONS[c];
  if (n_wanted == 0) n_wanted = sizeof COLLECTIONS / sizeof *COLLECTIONS;
  printf("regret after    ");
  for (size_t k = 0; k < N_SHOWN; k++) printf(" %7zu", SHOWN[k]);
  printf("  %d random rows; advice to stop; intervals\n", RANDOM_ROWS);
  for (size_t c = 0; c < n_wanted; c++) {
    figures f = {0};
    zoo_collection *collection = zoo_collection_read(argv[1], wanted[c], cache);
    for (size_t t = 0; collection && t < collection->n; t++) study(collection, t, cache, &f);
    zoo_collection_free(collection);
    print_figures(wanted[c], &f);
    whole.n_advised += f.n_advised;
    whole.n_right += f.n_right;
  }
  printf("advice to stop, all: right %.1f %% of %zu\n", 100.0 * (double)whole.n_right / (double)whole.n_advised,
         whole.n_advised);
  print_cost();
  return 0;
}
