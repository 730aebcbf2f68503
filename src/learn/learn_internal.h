/* What the files of this room share. */
#ifndef BESTFIT_SRC_LEARN_INTERNAL_H
#define BESTFIT_SRC_LEARN_INTERNAL_H

#include <bestfit/experience.h>

#include "estimate/estimate_internal.h"
#include "learn/closeness.h"
#include "learn/kriging.h"

#define BF__N_OUTPUT_FEATURES 11u
#define BF__N_POSTERIORS 7u
#define BF__N_F1_POSTERIORS 4u         /* besides, where F1 is learnt */
#define BF__MAX_POSTERIOR_CLASSES 256u /* beyond, confusion matrices are too large: stage 1 alone */
#define BF__NO_GROUP UINT32_MAX
#define BF__NO_CLASS UINT16_MAX

/* What a model said of the rows of a labelled domain, in classes of the whole experience. */
typedef struct bf__record {
  uint32_t model;
  double accuracy; /* NaN: no labelled row that it answered */
  double value;    /* of the metric */
  uint16_t *votes; /* [n_items of the domain] */
} bf__record;

/* Labelled rows of a model's validation data. */
typedef struct bf__labelled {
  uint32_t model, group; /* whose rows; its domain */
  size_t n_items, n_labelled;
  uint16_t *truth; /* [n_items] classes of the experience */
  size_t n_records;
  bf__record *records; /* [n_records] */
  bf_outputs *sampled; /* [n_records] own copies where rows were sampled; NULL */
  int32_t **sampled_truth;
  bf_panel *panel;   /* of the records whose model is not of the domain */
  size_t n_members;  /* of the panel */
  size_t *members;   /* [n_members] numbers of records */
  size_t first_pair; /* its rows among the pairs */
} bf__labelled;

/* Strategies that learn. */
typedef enum bf__learner { BF__RIDGE, BF__STAGE_1, BF__STAGE_2, BF__DATA_ONLY, BF__N_LEARNERS } bf__learner;

typedef struct bf__fit {
  bf__kriging *kriging; /* NULL: not learnt */
  double *left_out;     /* [n_pairs] prediction without the domain */
  double half_width;    /* of a 90 % interval */
  double lean;          /* what a z-score of agreement adds to an expectation; 0: nothing */
} bf__fit;

#define BF__N_NOVELTY 4u
extern const int bf__novelty_measures[BF__N_NOVELTY]; /* by which a target is called novel */

/* What was read from bytes (experience_bytes.c) can be asked as what was learnt, but has of the domains neither panels
 * nor sampled outputs, and no measures, distances, pairs or features: nothing can be learnt from it. */
struct bf_experience {
  uint64_t seed;
  uint32_t n_threads;
  size_t n_rows; /* sample size, 0: all */
  bf_kind kind;
  bf_metric metric;
  uint16_t positive; /* class of the experience, of which F1 is; BF__NO_CLASS: of all */
  size_t n_models;
  bf_experience_model *models; /* [n_models] */
  uint32_t *groups;            /* [n_models] equal for equal domains */
  bf__closeness closeness;
  size_t n_domains;
  bf__labelled *domains;
  uint32_t *domain_groups; /* [n_domains] */
  double *measures;        /* [n_domains][n_models][BF__N_CLOSENESS]: model as source, domain as target */
  double *distances;       /* [n_domains][n_domains] */
  bf__distance_scale scale;
  size_t n_classes; /* of all records */
  const char **classes;
  char *class_text; /* that they point into; NULL: they are the records' */
  /* pairs */
  size_t n_pairs;
  uint32_t *pair_models, *pair_domains;
  double *accuracy; /* [n_pairs] */
  double *value;    /* [n_pairs] of the metric: what is learnt */
  size_t n_posteriors;
  size_t n_data, n_base, n_all;       /* columns: data, with outputs, with posteriors */
  double *data_features, *base, *all; /* [n_pairs][…] */
  bf__fit fits[BF__N_LEARNERS];
  bf__fit belief;    /* stage 1 of accuracy, which the posteriors start from; where another metric is learnt */
  bool has_ensemble; /* a weighted vote against the chosen model, over the domains left out: */
  double ensemble_gain, ensemble_gain_low; /* mean; 90 % lie above */
  double worst[BF__N_NOVELTY];             /* largest distance of the nearest model over the domains; NaN: unknown */
};

/* --- features (features.c) --- */

/* A domain or a target as its candidates see it. */
typedef struct bf__scene {
  size_t n;                        /* candidates */
  const uint32_t *models;          /* [n] numbers of the experience, BF__NOBODY */
  const bf_experience_model *info; /* [n] */
  const double *closeness;         /* [n][BF__N_CLOSENESS] */
  const double *similarity;        /* [n] */
  const bf_panel *panel;           /* of the candidates in this order; NULL: data alone */
  const double *distance;          /* [n_domains] to the labelled domains */
  uint32_t group;                  /* its own, whose rows are not looked at; BF__NO_GROUP: none */
} bf__scene;

size_t bf__n_data_features(const bf_experience *e);
size_t bf__n_base_features(const bf_experience *e);
/* Numbers as they are and as z-scores over the scene's candidates: out[n][n_columns]. */
bf_status bf__base_features(const bf_experience *e, const bf__scene *scene, bool with_outputs, double *out,
                            bf_error *err);
/* z-scores of what the models agree about, the sum of those of similarity-agreement and consensus-mix, from the base
 * features of one scene: base[n][n_base], out[n]. */
void bf__agreement_scores(const bf_experience *e, const double *base, size_t n, double *out);
/* Shares of posterior mass, and for F1 what it would be under some: out[n][n_posteriors]. `believed`: accuracies. */
bf_status bf__posterior_features(const bf_experience *e, const bf__scene *scene, const double *believed, double *out,
                                 bf_error *err);
/* n of n_items, those whose number has the smallest seeded hash; in order where all are taken. items: [n]. */
bf_status bf__sample_items(uint64_t seed, size_t n_items, size_t n, size_t *items, bf_error *err);
/* Weights of the panel's n models: clones count once, times exp(20 expected accuracy). */
bf_status bf__belief_weights(const bf_panel *panel, const double *believed, size_t n, double *weights, bf_error *err);
/* For a panel's classes their numbers in the experience, and back: to_panel[e->n_classes], BF__NO_CLASS: none. */
void bf__map_panel_classes(const bf_experience *e, const bf_panel *panel, uint16_t *to_panel);

/* --- metrics (metric.c) --- */

typedef struct bf__class_counts {
  double hits, truths, votes; /* rows; may be expected ones */
} bf__class_counts;
/* Mean F1 over the classes that occur in truth or vote, or F1 of one (positive != SIZE_MAX); 0 where none occurs. */
double bf__f1_of_counts(const bf__class_counts *counts, size_t n_classes, size_t positive);
bf_status bf__set_metric(bf_experience *e, bf_metric metric, const char *positive, bf_error *err);
/* A model's own value in the experience's metric, NaN: not known. */
double bf__source_value(const bf_experience *e, const bf_experience_model *model);

/* --- the table (learner_table.c) --- */

const bf_strategy_info *bf__learner_at(size_t i); /* NULL past the end */
bf__learner bf__learner_of(const char *name);     /* BF__N_LEARNERS: none of that name */

/* --- beginning (experience.c) --- */

/* Options, models and their groups. place[i] of a given model i among those that stay; SIZE_MAX: excluded. */
bf_status bf__experience_begin(bf_experience *e, const bf_experience_model *models, size_t n,
                               const bf_experience_options *options, size_t *place, bf_error *err);
/* The frame of the models' sketches, and how many columns there are by it. */
bf_status bf__experience_frame(bf_experience *e, const bf_experience_options *options, bf_error *err);
/* Size of the samples that a target of so many rows is learnt for; 0: all rows. */
size_t bf__sampled_rows(size_t n_rows);

/* --- as bytes (experience_bytes.c): docs/formats/experience-v2.md --- */

#define BF__EXPERIENCE_KEY_BYTES 64u

/* What asking needs. key: says what it was learnt from. You own *out (free()). BF_ERR_LIMIT: above 1 GiB. */
bf_status bf__experience_encode(const bf_experience *e, const char key[BF__EXPERIENCE_KEY_BYTES], uint8_t **out,
                                size_t *n_bytes, bf_error *err);
/* From untrusted bytes, with the models (borrowed, in order) and options that it was learnt with; the frame is made
 * anew from their sketches. Answers bit for bit as what was encoded. BF_ERR_MISMATCH: another key.
 * BF_ERR_FORMAT and those of bf__container_decode(): damaged, or of other models. */
bf_status bf__experience_decode(const uint8_t *bytes, size_t n_bytes, const char key[BF__EXPERIENCE_KEY_BYTES],
                                const bf_experience_model *models, size_t n_models,
                                const bf_experience_options *options, bf_experience **out, bf_error *err);

/* --- learning (learners.c) --- */

bf_status bf__learn_pairs(bf_experience *e, bf_error *err);
/* Settings of a learner: its kernel, and the share of the half-width that a z-score of agreement adds. */
const bf__kriging_kernel *bf__learner_kernel(bf__learner learner);
double bf__learner_lean(bf__learner learner);
/* The second stage with other settings (bench/bench_settings.c): a kernel, and how much of the half-width a z-score of
 * agreement adds. BF_ERR_NOT_APPLICABLE: there is none, or its pairs are not here. */
bf_status bf__learn_second_stage_again(bf_experience *e, const bf__kriging_kernel *kernel, double share, bf_error *err);
/* Half-width of a 90 % interval from predictions that left each pair's domain out. */
bf_status bf__half_width(const double *accuracy, const double *left_out, const size_t *first, size_t n_domains,
                         size_t n_pairs, double *out, bf_error *err);

/* Expected accuracies, from which the posteriors start. */
const bf__fit *bf__belief(const bf_experience *e);

/* --- asking (ask.c) --- */

typedef struct bf__question {
  size_t n;                        /* candidates */
  const bf_experience_model *info; /* [n] */
  const bf_panel *panel;           /* of the candidates in this order; NULL: data alone */
  const bf_sketch *target;
} bf__question;

typedef struct bf__answer {
  double *expected;  /* [n] */
  double *order;     /* [n] the same, not clipped where it leans on agreement: what places go by */
  double *leaning;   /* [n] what agreement has added to it */
  double half_width; /* 90 %; doubled where novel */
  bool novel;
  size_t n_novel;     /* of so many measures the nearest model is farther than ever before */
  double *distance;   /* [n_domains] of the target to the labelled domains */
  double *similarity; /* [n] */
} bf__answer;

bf_status bf__ask(const bf_experience *e, bf__learner learner, const bf__question *question, bf__answer *out,
                  bf_error *err);
void bf__answer_deinit(bf__answer *answer);
/* By name and version; BF__NOBODY: not in the experience. */
uint32_t bf__experience_model_number(const bf_experience *e, const bf_experience_model *model);

/* --- a weighted vote (ensemble.c) --- */

/* believed: [n] expected accuracies of the panel's models; votes: [n_items] panel classes, BF__NO_VOTE: no answer. */
bf_status bf__ensemble_votes(const bf_panel *panel, const double *believed, size_t n, uint16_t *votes, bf_error *err);
bf_status bf__learn_ensemble(bf_experience *e, bf_error *err);

/* --- what models did on the same labelled rows (shared_sample.c) --- */

typedef struct bf__shared_sample {
  double *agreement; /* [n][n], NaN: none; NULL: no two of the models share labelled rows */
  double *accuracy;  /* [n], NaN: was not run there */
  size_t n_items;
} bf__shared_sample;

bf_status bf__shared_sample_of(const bf_experience *e, const bf_experience_model *info, size_t n,
                               bf__shared_sample *out, bf_error *err);
void bf__shared_sample_deinit(bf__shared_sample *sample);

#endif
