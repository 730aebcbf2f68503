/* From the files of a run to the results: what is read, the figures of each target, and how they are joined. */
#ifndef BESTFIT_SRC_BENCHMARK_RESULTS_INTERNAL_H
#define BESTFIT_SRC_BENCHMARK_RESULTS_INTERNAL_H

#include <bestfit/benchmark.h>
#include <math.h>

#include "base/error.h"
#include "base/json.h"
#include "benchmark/benchmark_internal.h"

#define BF__RESULTS_VERSION 1
#define BF__NO_STRATEGY UINT32_MAX

/* ---- memory that is freed all at once (results_arena.c) ---- */

typedef struct bf__arena {
  void **blocks;
  size_t n, capacity;
} bf__arena;
/* Zeroed; NULL on overflow or exhaustion. */
void *bf__arena_alloc(bf__arena *arena, size_t n_elements, size_t element_bytes);
char *bf__arena_strdup(bf__arena *arena, const char *text);
void bf__arena_deinit(bf__arena *arena);

/* ---- what was read (results_read.c, results_run.c) ---- */

/* Variants of the protocol; the sizes follow one another. */
enum {
  BF__STANDARD,
  BF__OWN_IN,
  BF__RELATIVES_OUT,
  BF__ROWS_30,
  BF__ROWS_100,
  BF__ROWS_300,
  BF__ROWS_1000,
  BF__N_VARIANTS
};
extern const char *const bf__variant_names[BF__N_VARIANTS];

/* The six whose mean is the pooled figure, in the order in which they are shown. */
#define BF__N_HEADLINE 6u
extern const char *const bf__headline_names[BF__N_HEADLINE];

typedef struct bf__answer { /* of one strategy for one target */
  uint32_t strategy;
  const double *scores;  /* [n_models], NaN: no answer; NULL: not applicable, or an ensemble */
  double accuracy;       /* of an ensemble; else NaN */
  double seconds, bytes; /* NaN: not told */
  const char *why;       /* why it is not applicable, or NULL */
} bf__answer;

typedef struct bf__run { /* one file runs/VARIANT/TARGET.json */
  uint32_t item, seed, variant;
  size_t n_models, n_answers;
  const char **domains;                            /* [n_models] */
  const double *accuracy, *f1, *macro_f1, *source; /* [n_models]; NaN: not told, but for accuracy */
  const double *expected, *low, *high;             /* [n_models] or all NULL; NaN: none for this model */
  bf__answer *answers;                             /* with room for those of bf__bench_mix() */
  const char *grade;                               /* NULL: none */
  bool novel, no_suitable;
  double run_seconds, learn_seconds; /* NaN: not told */
} bf__run;

typedef struct bf__item {     /* a domain of a collection as a target */
  uint32_t collection, group; /* group: a number within the collection */
  const char *name, *title, *origin;
  bool stranger, has_run; /* has_run: in the standard variant */
} bf__item;

typedef struct bf__known {
  const char *name, *title, *workload;
  bool headline, has_f1;
  size_t n_models;
} bf__known;

typedef struct bf__named_strategy {
  const char *name, *family;
} bf__named_strategy;

typedef struct bf__gap {
  const char *collection, *domain, *why, *get; /* domain: NULL: the whole collection */
} bf__gap;

typedef struct bf__bench {
  bf__arena arena;
  bf__known *collections;
  bf__item *items;
  bf__run *runs;
  bf__named_strategy *strategies;
  bf__gap *gaps;
  uint32_t *seeds;
  size_t n_collections, n_items, n_runs, n_strategies, n_gaps, n_seeds;
  size_t room_collections, room_items, room_runs, room_strategies, room_gaps, room_seeds; /* results_read.c */
} bf__bench;

/* Everything below `folder`. BF_ERR_NOT_FOUND: nothing is there, with the command that makes it. BF_ERR_FORMAT,
 * BF_ERR_LIMIT, BF_ERR_MISMATCH: a file is not what it should be, and is named. */
bf_status bf__bench_load(const char *folder, bf__bench **out, bf_error *err);
void bf__bench_free(bf__bench *bench);
/* Number of a strategy, which is added where it is new. */
bf_status bf__bench_strategy(bf__bench *bench, const char *name, const char *family, uint32_t *out, bf_error *err);
uint32_t bf__bench_find_strategy(const bf__bench *bench, const char *name); /* BF__NO_STRATEGY: none */
/* One file's bytes into *run, whose item, seed and variant are set and must be those that the file states. */
bf_status bf__run_parse(bf__bench *bench, const void *bytes, size_t n_bytes, bf__run *run, bf_error *err);
/* Grows a list of the arena's to one element more. */
bf_status bf__bench_grow(bf__bench *bench, void *list, size_t n, size_t *room, size_t element_bytes, bf_error *err);
/* Adds for each of the paper's measures the strategy that takes its words where it answered on words. */
bf_status bf__bench_mix(bf__bench *bench, bf_error *err);

/* ---- figures of each target, joined (results_score.c) ---- */

enum { BF__REGRET, BF__REGRET_TOP3, BF__SPEARMAN, BF__KENDALL, BF__HIT, BF__N_METRICS };
extern const char *const bf__metric_names[BF__N_METRICS];

/* What the rankings are judged by: accuracy in each variant, and in the standard one the two F1. */
enum { BF__BY_F1 = BF__N_VARIANTS, BF__BY_MACRO_F1, BF__N_SERIES };

typedef struct bf__figure {
  double mean, low, high; /* NaN: none */
  size_t n;               /* targets; 0: none */
} bf__figure;

typedef struct bf__values bf__values;
/* Metrics of every strategy on every target, averaged over the seeds. */
bf_status bf__values_create(const bf__bench *bench, bf__values **out, bf_error *err);
void bf__values_free(bf__values *values);
/* NaN: no answer. */
double bf__value(const bf__values *values, size_t series, uint32_t strategy, size_t item, size_t metric);

/* A set of targets over which figures are joined. */
typedef struct bf__scope {
  uint8_t *member; /* [n_items] */
  bool macro;      /* mean over collections of the mean within; else over targets */
} bf__scope;
/* Mean over the scope with its interval; n 0 where nobody answered. with_interval false: the mean alone. */
bf_status bf__join(const bf__bench *bench, const double *value_of_item, const bf__scope *scope, bool with_interval,
                   bf__figure *out, bf_error *err);
/* The same of one metric, and of strategy less `against` over the targets that both answered. */
bf_status bf__join_metric(const bf__bench *bench, const bf__values *values, size_t series, uint32_t strategy,
                          uint32_t against, size_t metric, const bf__scope *scope, bool with_interval, bf__figure *out,
                          bf_error *err);

/* ---- parts of the results' JSON ---- */

/* Six decimals, so that what is committed is what is shown; null for NaN. */
json_t *bf__json_number(double value);
json_t *bf__json_figure(const bf__figure *figure);
json_t *bf__json_mean(const bf__figure *figure); /* without an interval */
/* Sets and checks; takes `value`. */
bf_status bf__json_set(json_t *object, const char *key, json_t *value, bf_error *err);

typedef struct bf__scoring {
  const bf__bench *bench;
  const bf__values *values;
  uint8_t *member; /* [n_items] of a scope that is being made */
  double *column;  /* [n_items] */
  uint32_t n_threads;
} bf__scoring;
/* Collection i in the order to show: the six, then the others. */
size_t bf__shown_collection(const bf__bench *bench, size_t i);
enum { BF__WITHOUT_STRANGERS, BF__ONLY_STRANGERS, BF__WITH_STRANGERS };
/* Targets of one collection (or SIZE_MAX: all headline ones). The scope dies with the next. */
bf__scope bf__scope_of(bf__scoring *s, size_t collection, int strangers);

bf_status bf__results_trust(bf__scoring *s, json_t *results, bf_error *err);   /* results_trust.c */
bf_status bf__results_compare(bf__scoring *s, json_t *results, bf_error *err); /* results_compare.c */
/* results_json.c: all of it. You own *out (json_decref). */
bf_status bf__results_make(const bf__bench *bench, uint32_t n_threads, json_t **out, bf_error *err);
/* Results as a file has them: checks that what the reports read is of the right type. */
bf_status bf__results_parse(const void *bytes, size_t n_bytes, json_t **out, bf_error *err);

/* ---- what is published (published_figures.c) ---- */

typedef struct bf__published {
  const char *set, *title, *file; /* file: below reference/ */
  const char *strategy, *column;  /* that the pairs are ordered by */
  bool higher_is_better, in_per_cent;
  size_t n_targets, n_pairs;
  double regret, spearman;
} bf__published;
extern const bf__published bf__published_figures[];
extern const size_t bf__n_published_figures;

typedef struct bf__prototype {
  const char *strategy, *family;
  const char *collection; /* NULL: mean over all targets */
  double regret, spearman;
} bf__prototype;
/* Part 6 of the specification of strategies. */
extern const bf__prototype bf__prototype_figures[];
extern const size_t bf__n_prototype_figures;

#endif
