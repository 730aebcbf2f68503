/* What the learned ranker is worth: the protocol of docs/strategies.md, part 6, on the collections of the zoo.
 *
 *   bench_auto ZOO [--cache DIR] [--lines FILE] [--strategies a,b] [--strangers] [collection …]
 *
 * Every domain is a target once: its own model is no candidate, and neither its rows nor its model are in the
 * experience that is learnt from. Prints regret and Spearman's correlation with the true accuracies a collection and
 * strategy, with 95 % bootstrap intervals over targets; how often the intervals hold the truth; errors of the expected
 * accuracy; the AUC of "no suitable model" and how often novelty fires.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collections.h"
#include "zoo_collection.h"

#define MAX_STRATEGIES 16
#define MAX_TARGETS 256
#define ROUNDS 2000

static const char *const STRATEGIES[] = {"auto",           "auto-expected", "stage-1",  "ridge", "similarity-agreement",
                                         "data-only",      "similarity",    "majority", "atc",   "paper-jsd",
                                         "source-accuracy"};
static const char *const COLLECTIONS[] = {"sentiment", "pos", "entity_matching", "dsads", "har_across", "digits"};
/* Targets without relatives, reported apart. */
static const char *const STRANGERS[] = {"kannada", "notmnist"};

static bool detailed, strangers;

typedef struct outcome {
  char collection[ZOO_NAME_BYTES], target[ZOO_NAME_BYTES];
  bool stranger;
  double regret[MAX_STRATEGIES], spearman[MAX_STRATEGIES];
  /* of the first strategy */
  double expected, low, high, accuracy, source, best_lost; /* of the chosen one */
  double absolute_error;                                   /* mean over candidates */
  size_t n_candidates, n_held;
  bool novel, unsuitable;
} outcome;

typedef struct study {
  size_t n_strategies, n;
  const char *strategies[MAX_STRATEGIES];
  outcome outcomes[MAX_TARGETS];
} study;

/* ---- one target ---- */

static void note_expectations(const zoo_collection *c, size_t target, const bf_search_result *result, outcome *out) {
  const zoo_domain *d = &c->domains[target];
  double best_accuracy = -1;
  out->n_candidates = bf_search_result_count(result);
  for (size_t i = 0; i < out->n_candidates; i++) {
    const bf_ranked *r = bf_search_result_at(result, i);
    size_t s = zoo_find(c, r->id);
    double accuracy = d->of[s].accuracy;
    out->absolute_error += fabs(r->expected_accuracy - accuracy) / (double)out->n_candidates;
    out->n_held += accuracy >= r->interval_low && accuracy <= r->interval_high;
    if (accuracy > best_accuracy) {
      best_accuracy = accuracy;
      out->best_lost = r->source_accuracy - accuracy;
    }
    if (i > 0) continue;
    out->expected = r->expected_accuracy;
    out->low = r->interval_low;
    out->high = r->interval_high;
    out->accuracy = accuracy;
    out->source = r->source_accuracy;
  }
  out->novel = bf_search_result_trust(result)->novel;
  out->unsuitable = bf_search_result_trust(result)->no_suitable_model;
}

/* Regret and correlation of one strategy; a candidate that it skips comes last. */
static void score(const zoo_collection *c, size_t target, const bf_experience *experience, study *study_, size_t k,
                  outcome *out) {
  bf_candidate candidates[ZOO_MAX_DOMAINS];
  const char *name = study_->strategies[k];
  bool data_only = strcmp(name, "data-only") == 0,
       words = c->domains[target].source && bf_sketch_kind(c->domains[target].source) != BF_KIND_FEATURES &&
               bf_sketch_kind(c->domains[target].source) != BF_KIND_IMAGE;
  size_t n = zoo_candidates(c, target, strangers, !data_only, candidates);
  double scores[ZOO_MAX_DOMAINS], accuracies[ZOO_MAX_DOMAINS];
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_search_result *result = NULL;
  bf_error err = {0};
  bool expected = strcmp(name, "auto-expected") == 0;
  options.strategy = expected                                  ? "auto"
                     : data_only                               ? "stage-1"
                     : words && strcmp(name, "paper-jsd") == 0 ? "paper-word-jsd"
                                                               : name;
  options.experience = experience;
  if (bf_rank(candidates, n, c->domains[target].target, &options, &result, &err) != BF_OK) {
    fprintf(stderr, "%s by %s: %s\n", c->domains[target].name, name, err.message);
    out->regret[k] = out->spearman[k] = NAN;
    return;
  }
  for (size_t i = 0; i < n; i++) {
    scores[i] = -1e9;
    accuracies[i] = c->domains[target].of[zoo_find(c, candidates[i].id)].accuracy;
  }
  for (size_t i = 0; i < bf_search_result_count(result); i++) {
    const bf_ranked *r = bf_search_result_at(result, i);
    scores[r->candidate] = expected ? r->expected_accuracy : r->score;
    if (detailed)
      printf("%s %s %s %.4f %.4f %.4f\n", c->domains[target].name, name, r->id, accuracies[r->candidate], r->score,
             r->expected_accuracy);
  }
  out->regret[k] = bench_regret(scores, accuracies, n);
  out->spearman[k] = bench_spearman(scores, accuracies, n);
  if (k == 0) note_expectations(c, target, result, out);
  bf_search_result_free(result);
}

static void study_target(study *s, const zoo_collection *c, size_t target, FILE *lines) {
  outcome *out = &s->outcomes[s->n++];
  memset(out, 0, sizeof *out);
  strcpy(out->collection, c->name);
  strcpy(out->target, c->domains[target].name);
  for (size_t i = 0; i < sizeof STRANGERS / sizeof *STRANGERS; i++)
    out->stranger = out->stranger || (strcmp(c->name, "digits") == 0 && strcmp(out->target, STRANGERS[i]) == 0);
  bf_experience *experience = zoo_learn(c, target, strangers);
  for (size_t k = 0; k < s->n_strategies; k++) score(c, target, experience, s, k, out);
  bf_experience_free(experience);
  if (!lines) return;
  fprintf(lines, "%s,%s,%.4f,%.4f,%.4f,%.4f,%.4f,%d", c->name, out->target, out->accuracy, out->expected, out->low,
          out->high, out->absolute_error, out->novel);
  for (size_t k = 0; k < s->n_strategies; k++) fprintf(lines, ",%.4f,%.4f", out->regret[k], out->spearman[k]);
  fprintf(lines, "\n");
  fflush(lines);
}

/* ---- figures ---- */

static uint64_t state = 88172645463325252u;
static size_t below(size_t n) { /* xorshift; the same intervals every time */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (size_t)(state % n);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

typedef double (*figure)(const outcome *o, size_t k);
static double regret_of(const outcome *o, size_t k) {
  return o->regret[k];
}
static double spearman_of(const outcome *o, size_t k) {
  return o->spearman[k];
}

/* Macro mean over collections of means over (resampled) targets; of one collection where it is named. */
static double macro(const study *s, const char *collection, figure f, size_t k, bool resample) {
  double total = 0;
  size_t n_collections = 0;
  for (size_t c = 0; c < sizeof COLLECTIONS / sizeof *COLLECTIONS; c++) {
    size_t which[MAX_TARGETS], n = 0;
    double sum = 0;
    if (collection && strcmp(collection, COLLECTIONS[c]) != 0) continue;
    for (size_t i = 0; i < s->n; i++)
      if (strcmp(s->outcomes[i].collection, COLLECTIONS[c]) == 0 && !s->outcomes[i].stranger) which[n++] = i;
    if (n == 0) continue;
    for (size_t i = 0; i < n; i++) sum += f(&s->outcomes[which[resample ? below(n) : i]], k);
    total += sum / (double)n;
    n_collections++;
  }
  return total / (double)n_collections;
}

static void print_figure(const study *s, const char *collection, figure f, size_t k, int digits) {
  double drawn[ROUNDS];
  for (int r = 0; r < ROUNDS; r++) drawn[r] = macro(s, collection, f, k, true);
  qsort(drawn, ROUNDS, sizeof *drawn, compare);
  printf("  %.*f [%.*f, %.*f]", digits, macro(s, collection, f, k, false), digits, drawn[ROUNDS / 40], digits,
         drawn[ROUNDS - ROUNDS / 40]);
}

static void print_expectations(const study *s, const char *collection) {
  size_t n = 0, held = 0, n_pairs = 0, held_pairs = 0, novel = 0;
  double error = 0, width = 0;
  for (size_t i = 0; i < s->n; i++) {
    const outcome *o = &s->outcomes[i];
    if ((collection && strcmp(o->collection, collection) != 0) || o->stranger) continue;
    n++;
    held += o->accuracy >= o->low && o->accuracy <= o->high;
    n_pairs += o->n_candidates;
    held_pairs += o->n_held;
    novel += o->novel;
    error += o->absolute_error;
    width += o->high - o->low;
  }
  if (n == 0) return;
  printf(
      "  expected accuracy: mean absolute error %.4f; intervals hold %.1f %% of chosen, %.1f %% of all, mean width "
      "%.3f; novel %zu of %zu\n",
      error / (double)n, 100.0 * (double)held / (double)n, 100.0 * (double)held_pairs / (double)n_pairs,
      width / (double)n, novel, n);
}

/* Of source - expected accuracy of the chosen one against "the best candidate loses more than 0.15". */
static void print_unsuitable(const study *s) {
  double wins = 0, pairs = 0;
  size_t events = 0;
  for (size_t i = 0; i < s->n; i++) {
    events += s->outcomes[i].best_lost > 0.15;
    for (size_t j = 0; j < s->n; j++) {
      const outcome *a = &s->outcomes[i], *b = &s->outcomes[j];
      if (!(a->best_lost > 0.15) || b->best_lost > 0.15) continue;
      double x = a->source - a->expected, y = b->source - b->expected;
      wins += x > y ? 1.0 : x == y ? 0.5 : 0.0;
      pairs++;
    }
  }
  printf("no suitable model: AUC %.3f (%zu events among %zu targets)\n", pairs > 0 ? wins / pairs : NAN, events, s->n);
}

static void print_study(const study *s) {
  for (size_t c = 0; c <= sizeof COLLECTIONS / sizeof *COLLECTIONS; c++) {
    bool all = c == sizeof COLLECTIONS / sizeof *COLLECTIONS;
    const char *name = all ? NULL : COLLECTIONS[c];
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) n += all || strcmp(s->outcomes[i].collection, name) == 0;
    if (n == 0) continue;
    printf("\n%s (%zu targets)%*s regret                     Spearman\n", all ? "macro-average" : name, n,
           all ? 1 : 12 - (int)strlen(name), "");
    for (size_t k = 0; k < s->n_strategies; k++) {
      printf("  %-22s", s->strategies[k]);
      print_figure(s, name, regret_of, k, 4);
      print_figure(s, name, spearman_of, k, 3);
      printf("\n");
    }
    print_expectations(s, name);
  }
  for (size_t i = 0; i < s->n; i++) {
    const outcome *o = &s->outcomes[i];
    if (!o->stranger) continue;
    printf("%s, without relatives: novel %d, unsuitable %d, expected %.3f, was %.3f;", o->target, o->novel,
           o->unsuitable, o->expected, o->accuracy);
    for (size_t k = 0; k < s->n_strategies && k < 4; k++) printf(" %s %.3f", s->strategies[k], o->regret[k]);
    printf("\n");
  }
  print_unsuitable(s);
}

static void take_strategies(study *s, char *list) {
  s->n_strategies = 0;
  for (char *name = strtok(list, ","); name && s->n_strategies < MAX_STRATEGIES; name = strtok(NULL, ","))
    s->strategies[s->n_strategies++] = name;
}

int main(int argc, char **argv) {
  static study s;
  const char *cache = NULL, *wanted[8];
  size_t n_wanted = 0;
  FILE *lines = NULL;
  for (size_t k = 0; k < sizeof STRATEGIES / sizeof *STRATEGIES; k++) s.strategies[s.n_strategies++] = STRATEGIES[k];
  for (int i = 2; i < argc; i++) {
    if (strcmp(argv[i], "--cache") == 0 && i + 1 < argc) {
      cache = argv[++i];
    } else if (strcmp(argv[i], "--lines") == 0 && i + 1 < argc) {
      lines = fopen(argv[++i], "w");
    } else if (strcmp(argv[i], "--strategies") == 0 && i + 1 < argc) {
      take_strategies(&s, argv[++i]);
    } else if (strcmp(argv[i], "--strangers") == 0) {
      strangers = true;
    } else if (strcmp(argv[i], "--detailed") == 0) {
      detailed = true;
    } else if (n_wanted < 8) {
      wanted[n_wanted++] = argv[i];
    }
  }
  if (argc < 2) {
    fprintf(stderr, "bench_auto ZOO [--cache DIR] [--lines FILE] [--strategies a,b] [collection ...]\n");
    return 2;
  }
  for (size_t c = 0; n_wanted == 0 && c < sizeof COLLECTIONS / sizeof *COLLECTIONS; c++) wanted[c] = COLLECTIONS[c];
  if (n_wanted == 0) n_wanted = sizeof COLLECTIONS / sizeof *COLLECTIONS;
  for (size_t c = 0; c < n_wanted; c++) {
    zoo_collection *collection = zoo_collection_read(argv[1], wanted[c], cache);
    for (size_t t = 0; collection && t < collection->n; t++) study_target(&s, collection, t, lines);
    zoo_collection_free(collection);
  }
  print_study(&s);
  if (lines) fclose(lines);
  return s.n > 0 ? 0 : 1;
}
