/* A collection of the zoo (bench/zoo/train.py): models' outputs on every domain with the truth, and sketches.
 *
 *   ZOO/<collection>/<domain>/train.*, target.*       data, for the sketches
 *   ZOO/<collection>/<domain>/valid.*, model.onnx, model.md    run here, for the calibration of a model
 *   ZOO/<collection>/truth.csv                        accuracies of the models on their own domains
 *   ZOO/predictions/<collection>/<domain>.npy, .csv, .models.txt, .classes.txt    outputs of other domains' models
 */
#ifndef BESTFIT_BENCH_ZOO_COLLECTION_H
#define BESTFIT_BENCH_ZOO_COLLECTION_H

#include <bestfit/search.h>

#define ZOO_MAX_DOMAINS 32
#define ZOO_NAME_BYTES 64

typedef struct zoo_outputs {
  bf_outputs outputs;
  int32_t *truth; /* [n_items] numbers of the classes */
  double accuracy;
} zoo_outputs;

typedef struct zoo_domain {
  char name[ZOO_NAME_BYTES];
  bf_sketch *source, *target; /* of the training rows, and of the rows to serve */
  bf_calibration *calibration;
  double source_accuracy;
  size_t n_classes;
  char **classes;                  /* of the outputs on its rows */
  zoo_outputs of[ZOO_MAX_DOMAINS]; /* by the model of each domain; scores NULL: none (its own) */
} zoo_domain;

typedef struct zoo_collection {
  char name[ZOO_NAME_BYTES];
  size_t n;
  zoo_domain domains[ZOO_MAX_DOMAINS];
} zoo_collection;

/* NULL with a message on stderr where something is missing. Sketches and calibrations are kept in
 * `cache` (NULL: made anew). */
zoo_collection *zoo_collection_read(const char *zoo, const char *name, const char *cache);
void zoo_collection_free(zoo_collection *collection);

/* The protocol (zoo_search.c): a target's own model is no candidate, and neither its rows nor its model are learnt
 * from; with `without_origin` the same of all domains of its origin. */
size_t zoo_find(const zoo_collection *c, const char *domain); /* SIZE_MAX: none */
/* NULL with a message on stderr. You own it. */
bf_experience *zoo_learn(const zoo_collection *c, size_t target, bool without_origin);
/* out: [ZOO_MAX_DOMAINS]; returns how many. */
size_t zoo_candidates(const zoo_collection *c, size_t target, bool without_origin, bool with_outputs,
                      bf_candidate *out);

#endif
