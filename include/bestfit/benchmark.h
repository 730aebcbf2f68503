/* bestfit/benchmark.h: every strategy on every target of the benchmark's collections.
 *
 * Question it answers: on real domains whose labels we know, which strategy picks the right model, and at what cost?
 *
 * Method: docs/benchmark.md. BENCH/seed-N/COLLECTION is what `bestfit bench train` left: collection.json, the
 * domains' rows, and a repository of their models. Every domain is a target once a variant; what is known of it is left
 * out of everything that ranks it. Its own labels are read to judge the models only. All other domains' labels are
 * experience. Every model runs once on every target, in a sandboxed worker, and what it said is kept; a file
 * runs/VARIANT/TARGET.json says what every strategy scored.
 *
 * Each of those files carries a key: the hash of all that it depends on (models, calibrations, rows, labels, options,
 * and this library's own bytes). A file of the right key is left alone, so a run that was stopped goes on, and one with
 * nothing changed does nothing. Determinism: equal inputs give equal files whatever the threads, but for the members
 * that end in `seconds`. Memory: the rows of one collection's targets, and at most 2,000 rows of outputs a pair.
 * Thread-safety: one run a folder at a time.
 */
#ifndef BESTFIT_BENCHMARK_H
#define BESTFIT_BENCHMARK_H

#include <bestfit/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- run ---- */

/* Name of variant i of the protocol ("standard", "own-in", "relatives-out", "rows-30" …); NULL past the end. */
BF_API const char *bf_bench_variant_at(size_t i);

/* One collection of one seed that is there. */
typedef struct bf_bench_place {
  char *folder; /* BENCH/seed-N/COLLECTION */
  char *collection;
  uint32_t seed;
} bf_bench_place;
/* Collections below `bench` in the order of seed and name, as their folders say; max_seed 0: all seeds, else 1 to
 * max_seed. BF_ERR_NOT_FOUND: there is none, with the command that makes them. You own *out (bf_bench_places_free). */
BF_API BF_MUST_CHECK bf_status bf_bench_find(const char *bench, uint32_t max_seed, bf_bench_place **out, size_t *n_out,
                                             bf_error *err);
BF_API void bf_bench_places_free(bf_bench_place *places, size_t n);

typedef struct bf_bench_run_options {
  size_t struct_size;
  const char *const *variants; /* NULL: all */
  size_t n_variants;
  const char *const *strategies; /* NULL: all */
  size_t n_strategies;
  const char *const *targets; /* NULL: all; the others are experience all the same */
  size_t n_targets;
  uint32_t n_threads;      /* 0: all cores */
  bf_progress_fn progress; /* units "models" (runs of a model on a target), then "rankings" (files of a target) */
  void *progress_context;
} bf_bench_run_options;
#define BF_BENCH_RUN_OPTIONS_INIT \
  { .struct_size = sizeof(bf_bench_run_options) }

/* Something that is not there, and so in no figure. */
typedef struct bf_bench_missing {
  char *domain;    /* or the model */
  char *variant;   /* NULL: all of them */
  char *why, *get; /* get: the command that helps, "" where none does */
  bool expected;   /* by the protocol (a target with fewer rows than the variant takes), not a gap in the data */
} bf_bench_missing;

typedef struct bf_bench_run bf_bench_run;
typedef struct bf_bench_run_figures {
  const char *collection, *title;
  uint32_t seed;
  size_t n_targets, n_models;
  size_t n_made, n_kept;                           /* files of targets and variants */
  size_t n_outputs_made, n_outputs_kept;           /* pairs of a model and a target */
  double output_seconds, ranking_seconds, seconds; /* wall clock */
} bf_bench_run_figures;

/* Runs one collection. BF_ERR_NOT_FOUND: no collection.json or no repository there, no such variant, strategy or
 * target. BF_ERR_FORMAT, BF_ERR_MISMATCH: collection.json or a domain's files are not what they should be (named).
 * BF_ERR_CANCELLED: progress said so; what was written stays. You own *out (bf_bench_run_free). */
BF_API BF_MUST_CHECK bf_status bf_bench_run_collection(const char *folder, const bf_bench_run_options *options,
                                                       bf_bench_run **out, bf_error *err);
BF_API void bf_bench_run_free(bf_bench_run *run);
BF_API const bf_bench_run_figures *bf_bench_run_figures_of(const bf_bench_run *run);
BF_API size_t bf_bench_run_missing_count(const bf_bench_run *run);
BF_API const bf_bench_missing *bf_bench_run_missing_at(const bf_bench_run *run, size_t i);

/* ---- report ----
 *
 * What all of BENCH/seed-N/COLLECTION/runs say, joined and shown. Figures are those of bestfit/metrics.h: means over
 * targets, macro-averages over collections, with 95 % bootstrap intervals over groups of related targets. A target's
 * figure is first averaged over the seeds. A strategy without an answer for a target is counted (n) and listed, never
 * averaged away; what is missing is listed with the command that gets it. The files of a run are untrusted: one that is
 * not what it should be is named and ends the report. Determinism: equal runs give equal bytes, whatever the threads.
 * Cost: 1,000 files of 50 strategies in some 3 s of processor time and 30 MB. */

typedef struct bf_bench_report_options {
  size_t struct_size;
  const char *bench;   /* folder of the benchmark; or */
  const char *results; /* a file of results, as bf_bench_report_json() gave it: exactly one of both */
  const char *notes;   /* JSON of reasons shown beside figures that differ from the prototype's, {"prototype":
                          {"COLLECTION.STRATEGY": "why", "STRATEGY": …, "COLLECTION": …}}; NULL: none */
  uint32_t n_threads;  /* 0: all cores */
} bf_bench_report_options;
#define BF_BENCH_REPORT_OPTIONS_INIT \
  { .struct_size = sizeof(bf_bench_report_options) }

typedef struct bf_bench_report bf_bench_report;
/* Reads and computes. BF_ERR_NOT_FOUND: no runs there; BF_ERR_FORMAT, BF_ERR_MISMATCH, BF_ERR_LIMIT,
 * BF_ERR_UNSUPPORTED: a file is not what it should be, and is named. You own *out (bf_bench_report_free). */
BF_API BF_MUST_CHECK bf_status bf_bench_report_create(const bf_bench_report_options *options, bf_bench_report **out,
                                                      bf_error *err);
BF_API void bf_bench_report_free(bf_bench_report *report);
/* The results, JSON: workloads.NAME.strategies.NAME.METRIC, collections.NAME…, pooled…, each METRIC (regret,
 * regret_top3, spearman, kendall, hit) an object of mean, lo, hi, n. Pages made of it are the pages made of the runs.
 */
BF_API const char *bf_bench_report_json(const bf_bench_report *report);
/* How many domains or collections are missing. */
BF_API size_t bf_bench_report_missing(const bf_bench_report *report);

typedef enum bf_bench_page {
  BF_BENCH_PAGE_HTML,     /* one page that loads nothing and runs no script */
  BF_BENCH_PAGE_MARKDOWN, /* the same without pictures */
  BF_BENCH_PAGE_README,   /* the table of a dozen strategies alone, Markdown */
} bf_bench_page;
/* You own *out (free()), terminated. */
BF_API BF_MUST_CHECK bf_status bf_bench_report_write(const bf_bench_report *report, bf_bench_page page, char **out,
                                                     bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
