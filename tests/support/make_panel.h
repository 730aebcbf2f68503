/* Panels for tests: models of a seeded random world, some of them odd. */
#ifndef BESTFIT_TESTS_MAKE_PANEL_H
#define BESTFIT_TESTS_MAKE_PANEL_H

#include <bestfit/estimate.h>

#define WORLD_MAX_MODELS 12

typedef enum world_kind { WORLD_LOGITS = 1, WORLD_PROBABILITIES = 2, WORLD_PREDICTED = 4, WORLD_MIXED = 7 } world_kind;

typedef struct world_options {
  uint64_t seed;
  size_t n_models, n_items, n_classes;
  unsigned kinds;   /* of world_kind */
  double missing;   /* share of answers that are not there */
  bool odd_classes; /* each model in an order of its own, and some without a class */
  bool calibrated;  /* with calibrations, similarities and a shared sample */
  bool disjoint;    /* every model has class names of its own */
  bool shared_classes;
} world_options;

typedef struct world {
  size_t n_models, n_items;
  bf_panel_model models[WORLD_MAX_MODELS];
  bf_panel_options options;
  int32_t *truth; /* [n_items] number of "class<k>" */
  void *blocks[16 * WORLD_MAX_MODELS];
  size_t n_blocks;
} world;

void world_make(const world_options *how, world *out);
void world_free(world *w);
/* For what a test makes itself: freed with the world. */
void *world_alloc(world *w, size_t n, size_t bytes);

#endif
