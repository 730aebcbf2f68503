/* What the files of a run share. */
#ifndef BESTFIT_SRC_BENCHMARK_INTERNAL_H
#define BESTFIT_SRC_BENCHMARK_INTERNAL_H

#include <bestfit/benchmark.h>
#include <bestfit/registration.h>
#include <bestfit/search.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/json.h"
#include "benchmark/collection.h"

#define BF__BENCH_RANKED_ROWS 2000u  /* that a target is ranked by */
#define BF__BENCH_RANKED_ITEMS 2000u /* the same of tokens, where a row is a sentence; at least one row */
#define BF__BENCH_TRUTH_ROWS 3000u   /* that accuracies are measured on */
#define BF__BENCH_KEY_BYTES 65u      /* SHA-256 in hexadecimal, terminated */

/* ---- variants (run_variants.c) ---- */

typedef struct bf__bench_variant {
  const char *name;
  uint32_t n_rows; /* a sample of so few rows of the target; 0: all that are ranked by */
  bool own_in, relatives_out;
} bf__bench_variant;
#define BF__BENCH_VARIANTS 7u
const bf__bench_variant *bf__bench_variant_at(size_t i); /* NULL past the end */
/* Whether what is known of a domain is left out for a target. */
bool bf__bench_is_left_out(const bf__bench_collection *c, size_t target, size_t domain, bool relatives_too);

/* ---- keys (run_keys.c) ---- */

/* Content hashes of files, kept beside their size and time so that what did not change is not read again. */
typedef struct bf__bench_stamps bf__bench_stamps;
/* From `path`; one that is not there, or not ours, is empty. */
bf_status bf__bench_stamps_load(const char *path, bf__bench_stamps **out, bf_error *err);
/* Hash of a file, "-" of one that is not there. */
bf_status bf__bench_stamps_hash(bf__bench_stamps *stamps, const char *path, const char *name,
                                char out[BF__BENCH_KEY_BYTES], bf_error *err);
/* Back to its file, if anything changed. */
bf_status bf__bench_stamps_save(bf__bench_stamps *stamps, bf_error *err);
void bf__bench_stamps_free(bf__bench_stamps *stamps);
/* Hash of the library's own bytes. */
bf_status bf__bench_program_hash(char out[BF__BENCH_KEY_BYTES], bf_error *err);
/* Hash of texts, each with its length, so that no two lists are told alike. */
typedef struct bf__bench_hasher bf__bench_hasher;
bf_status bf__bench_hasher_create(bf__bench_hasher **out, bf_error *err);
bf_status bf__bench_hash_text(bf__bench_hasher *hasher, const char *text, bf_error *err); /* NULL: "" and a mark */
bf_status bf__bench_hash_number(bf__bench_hasher *hasher, double number, bf_error *err);
bf_status bf__bench_hasher_finish(bf__bench_hasher *hasher, char out[BF__BENCH_KEY_BYTES], bf_error *err);
void bf__bench_hasher_free(bf__bench_hasher *hasher);

/* ---- rows of a target (run_rows.c) ---- */

/* The first n rows by hash, as numbers among the items of the truth sample. */
typedef struct bf__bench_subset {
  uint32_t n_rows;
  size_t n_items;
  size_t *items; /* [n_items] ascending, of all items of the sample */
} bf__bench_subset;

/* What one domain is as a target. */
typedef struct bf__bench_rows {
  bf_sample *sample; /* at most BF__BENCH_TRUTH_ROWS rows */
  uint64_t n_rows_all;
  uint32_t n_rows;  /* of the sample */
  size_t n_items;   /* of the sample: rows, or tokens of all rows */
  uint32_t *place;  /* [n_rows] of a row in the order of hashes */
  uint32_t *row_of; /* [n_items] */
  int32_t *labels;  /* [n_items] number of the label, -1: none */
  size_t n_names;
  char **names; /* [n_names] of the labels */
  bool *unseen; /* [n_rows] by the domain's own model; NULL: nothing is known of that */
  bf__bench_subset ranked;
} bf__bench_rows;

bf_status bf__bench_rows_load(const char *folder, const bf__bench_collection *collection, size_t domain,
                              bf__bench_rows *out, bf_error *err);
void bf__bench_rows_deinit(bf__bench_rows *rows);
bf_status bf__bench_subset_make(const bf__bench_rows *rows, uint32_t n_rows, bf__bench_subset *out, bf_error *err);
void bf__bench_subset_deinit(bf__bench_subset *subset);
/* Path of a domain's split ("target": without labels, "train"), and the options to read it with. You own *path.
 * BF_ERR_NOT_FOUND: it is not there. */
bf_status bf__bench_data_file(const char *folder, const bf__bench_collection *collection, size_t domain,
                              const char *split, char **path, bf_dataset_options *options, bf_error *err);
/* Sketch of the whole file, or (n_rows above 0) of the first n_rows rows by hash alone. */
bf_status bf__bench_target_sketch(const char *folder, const bf__bench_collection *collection, size_t domain,
                                  uint32_t n_rows, bf_sketch **out, bf_error *err);

/* ---- what models said (run_outputs.c) ---- */

typedef struct bf__bench_accuracy {
  double accuracy, macro_f1, f1; /* f1: of the collection's positive class; NaN: it has none, or nothing is labelled */
} bf__bench_accuracy;

/* Of one model on one target. */
typedef struct bf__bench_said {
  bool is_there;
  char why[200];  /* where it is not */
  double seconds; /* that running it on the whole sample took */
  size_t n_classes;
  char **classes;
  bf__bench_accuracy all, unseen; /* on the sample; on its unseen rows */
  bf_outputs ranked;              /* on the rows that are ranked by */
  int32_t *truth;                 /* [ranked.n_items] */
} bf__bench_said;

void bf__bench_said_deinit(bf__bench_said *said);
/* Fills `said` from outputs on the whole sample, which it takes. */
bf_status bf__bench_said_fill(bf__bench_said *said, const bf__bench_collection *collection, const bf__bench_rows *rows,
                              bf_outputs *outputs, char **classes, bf_error *err);

/* ---- the paper's measures (run_paper.c) ---- */

#define BF__BENCH_RAW 3u /* measures on raw rows */

/* Of one target on raw rows. */
typedef struct bf__bench_raw {
  double *values; /* [BF__BENCH_RAW][n_domains] of the domain's training rows, higher better; NaN: no answer */
  double seconds[BF__BENCH_RAW]; /* of all domains */
  char why[BF__BENCH_RAW][200];
} bf__bench_raw;

/* ---- a collection on its way (run_collection.c) ---- */

typedef struct bf__bench_model {
  const bf_store_model *stored; /* of the list */
  size_t domain;                /* number in the collection */
  bf_sketch *sketch;
  size_t sketch_bytes;
  bf_calibration *calibration; /* NULL: none */
} bf__bench_model;

typedef struct bf__bench_target {
  char data_key[BF__BENCH_KEY_BYTES];  /* of the rows alone */
  char train_key[BF__BENCH_KEY_BYTES]; /* of the domain's training rows; "-": there are none */
  bool is_fresh[BF__BENCH_VARIANTS];   /* its file is there already, or what says why it is not */
  bool is_wanted;                      /* as a target */
  bool is_stale;                       /* some file of it has to be made */
  bf__bench_rows rows;
  bf_sketch *sketch;
  bf__bench_said *said; /* [n_models] */
  bf__bench_raw raw;
} bf__bench_target;

struct bf_bench_run {
  bf_bench_run_figures figures;
  size_t n_missing, missing_capacity;
  bf_bench_missing *missing;
  pthread_mutex_t lock; /* of the above, and of the store */
  /* while it runs */
  char *folder;
  const bf_bench_run_options *options;
  bf__bench_collection *collection;
  bf_store *store;
  bf_store_list *list;
  size_t n_models;
  bf__bench_model *models;   /* [n_models] */
  bf__bench_target *targets; /* [n_domains] */
  bool wanted[BF__BENCH_VARIANTS];
  char program[BF__BENCH_KEY_BYTES];
  char key[BF__BENCH_KEY_BYTES]; /* of all that every file depends on */
  double threshold;              /* of adaptivity, chosen in hindsight */
  atomic_size_t n_done, n_made;
  size_t n_total;
  atomic_bool cancelled;
};

/* Notes what is missing; texts are copied. Any thread. */
bf_status bf__bench_note(bf_bench_run *run, const char *domain, const char *variant, bool expected, const char *get,
                         bf_error *err, const char *why_format, ...) __attribute__((format(printf, 7, 8)));
/* Counts one more done; false once the run was cancelled. Progress is told by worker 0, the caller's own thread. */
bool bf__bench_step(bf_bench_run *run, uint32_t worker, const char *unit);
double bf__bench_now(void); /* seconds of the monotonic clock */

/* Outputs of every model on every target that is stale: those that are kept, the others run. */
bf_status bf__bench_run_models(bf_bench_run *run, bf_error *err);

/* Name of the measure i that is computed on raw rows too, of this kind of rows. */
const char *bf__bench_raw_name(const bf__bench_collection *collection, size_t i);
/* The same of adaptivity. */
const char *bf__bench_adaptivity(const bf__bench_collection *collection);
/* run->targets[].raw, kept ones or anew. */
bf_status bf__bench_measure_raw(bf_bench_run *run, bf_error *err);
/* run->threshold. */
bf_status bf__bench_choose_threshold(bf_bench_run *run, bf_error *err);

/* ---- one target (run_target.c, run_scores.c, run_files.c) ---- */

typedef struct bf__bench_score {
  char name[64];
  const char *family;
  double *scores; /* [n] in the order of candidates, NaN: no answer; NULL: not applicable at all */
  double seconds;
  uint64_t bytes;
  char why[240];    /* where not applicable */
  double parameter; /* that was chosen for it; NaN: none was */
  double accuracy;  /* of an answer of its own (an ensemble's), in place of scores; NaN: it has none */
} bf__bench_score;

typedef struct bf__bench_expected {
  const char *strategy;
  double *accuracy, *low, *high; /* [n] NaN: not known */
  const char *grade;
  bool novel, no_suitable_model;
} bf__bench_expected;

/* One target as one variant sees it. */
typedef struct bf__bench_scene {
  const bf__bench_collection *collection;
  const bf__bench_variant *variant;
  const bf__bench_domain *target;
  size_t n;
  bf_candidate *candidates;         /* [n] */
  const bf__bench_accuracy **truth; /* [n] */
  size_t sketch_bytes;              /* of all candidates */
  const bf_sketch *sketch;          /* of the target */
  size_t n_items;
  const bf_experience *experience; /* NULL: none */
  const bf_experience *f1;         /* of F1; NULL: the collection has no positive class */
  uint32_t n_rows, n_truth_rows;
  const bf__bench_raw *raw; /* NULL: not of these rows */
  const bf__bench_rows *rows;
  const bf__bench_subset *ranked; /* the rows that are ranked by */
  const size_t *domains;          /* [n] of the candidates */
  double threshold;               /* of paper-adaptivity-hindsight */
  bool costs_each;                /* measures are ranked by one by one, so that each has its own cost */
  double run_seconds, learn_seconds;
} bf__bench_scene;

typedef struct bf__bench_scores {
  size_t n;
  bf__bench_score *all; /* [n] */
  bf__bench_expected expected;
} bf__bench_scores;

/* Adaptivity of the candidates by scene->threshold: out[n], higher better, NaN: no answer. */
bf_status bf__bench_adapt(const bf__bench_scene *scene, double *out, bf_error *err);
/* Share of the labelled rows, of those that are ranked by, on which outputs are right (run_outputs.c). */
double bf__bench_right_on(const bf__bench_scene *scene, const bf_outputs *outputs, const char *const *classes);

/* Name of an attack, a strategy of the benchmark alone; NULL past the end. */
const char *bf__bench_attack_at(size_t i);
/* Accuracy of what auto puts first among the candidates and the attackers; NaN: it has no answer. */
bf_status bf__bench_attack(const bf__bench_scene *scene, size_t which, double *accuracy, bf_error *err);
/* Every wanted strategy. */
bf_status bf__bench_score_all(const bf_bench_run_options *options, const bf__bench_scene *scene, bf__bench_scores *out,
                              bf_error *err);
void bf__bench_scores_deinit(bf__bench_scores *scores);
/* BF_ERR_NOT_FOUND: a name among the wanted ones that no strategy has. */
bf_status bf__bench_check_strategies(const bf_bench_run_options *options, bf_error *err);

/* Key of a target's file. */
bf_status bf__bench_file_key(const bf_bench_run *run, size_t domain, const bf__bench_variant *variant,
                             char out[BF__BENCH_KEY_BYTES], bf_error *err);
/* Of the file, or of the one that says why there is none. You own it; NULL: no memory. */
char *bf__bench_file_path(const bf_bench_run *run, size_t domain, const bf__bench_variant *variant, bool not_run);
/* JSON of a file that we wrote; NULL: it is not there, larger than max_bytes, or no JSON. Yours. */
json_t *bf__bench_json_read(const char *path, size_t max_bytes);
/* Whether the file is there with that key. */
bool bf__bench_file_is_fresh(const char *path, const char *key);
bf_status bf__bench_file_write(const char *path, const char *key, const bf__bench_scene *scene,
                               const bf__bench_scores *scores, bf_error *err);
/* What stands in the other, where it has that key; NULL: it has not. You own it. */
char *bf__bench_file_why(const char *path, const char *key);
bf_status bf__bench_file_write_why(const char *path, const char *key, const char *why, bf_error *err);
/* All files of one target that are wanted and not there. */
bf_status bf__bench_run_target(bf_bench_run *run, size_t domain, uint32_t worker, bf_error *err);
/* Why a variant cannot be had of a target; NULL: it can. `why`: room for the words. */
const char *bf__bench_why_not(const bf_bench_run *run, size_t domain, const bf__bench_variant *variant, char why[160]);

#endif
