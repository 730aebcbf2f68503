/* Times every rule that applies to hard predictions: 20,000 items x 100 models x 10 classes, or as given.
 *
 *   bench_estimate [N_ITEMS N_MODELS N_CLASSES]   seconds of each rule, then of all on a new panel, its making included
 *
 * Models answer right with a skill of their own between 0.3 and 0.9, else any class; the seed is fixed. */
#include <bestfit/estimate.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "bench_estimate: %s\n", what);
  exit(1);
}

/* xorshift64*, enough for made-up answers */
static uint64_t next(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(2685821657736338717) >> 33;
}

static void answer(int32_t *out, size_t n_items, size_t n_classes, double skill, uint64_t seed) {
  uint64_t state = seed * 7919 + 1;
  for (size_t i = 0; i < n_items; i++) {
    bool right = (double)(next(&state) % 1000000) < skill * 1e6;
    out[i] = (int32_t)(right ? i * 2654435761u % n_classes : next(&state) % n_classes);
  }
}

static bf_panel *panel_of(const bf_panel_model *models, size_t n_models, size_t n_items) {
  bf_panel *panel = NULL;
  bf_error err = {0};
  must(bf_panel_create(models, n_models, n_items, NULL, &panel, &err) == BF_OK, err.message);
  return panel;
}

/* Rules that predicted classes suffice for. */
static bool applies(const bf_strategy_info *info) {
  return strcmp(info->needs, "outputs of several models") == 0;
}

int main(int argc, char **argv) {
  size_t n_items = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000,
         n_models = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
  size_t n_classes = argc > 3 ? strtoul(argv[3], NULL, 10) : 10;
  must(n_items > 0 && n_models > 1 && n_classes > 0, "sizes above 0, and two models, are needed");
  bf_panel_model *models = calloc(n_models, sizeof *models);
  const char **classes = calloc(n_classes, sizeof *classes);
  int32_t *answers = malloc(n_models * n_items * sizeof *answers);
  bf_estimate_value *values = calloc(n_models, sizeof *values);
  char *names = calloc(n_classes, 24);
  must(models && classes && answers && values && names, "out of memory");
  for (size_t c = 0; c < n_classes; c++) {
    snprintf(names + 24 * c, 24, "class%zu", c);
    classes[c] = names + 24 * c;
  }
  for (size_t m = 0; m < n_models; m++) {
    answer(answers + m * n_items, n_items, n_classes, 0.3 + 0.6 * (double)m / (double)n_models, m + 1);
    models[m] = (bf_panel_model){.id = "model",
                                 .classes = classes,
                                 .n_classes = n_classes,
                                 .predicted = answers + m * n_items,
                                 .source_accuracy = NAN,
                                 .similarity = NAN};
  }
  const bf_strategy_info *info;
  bf_error err = {0};
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++) {
    if (!applies(info)) continue;
    bf_panel *panel = panel_of(models, n_models, n_items);
    double start = now();
    must(bf_estimate(panel, info->name, values, &err) == BF_OK, err.message);
    printf("%-20s %.3f\n", info->name, now() - start);
    bf_panel_free(panel);
  }
  double start = now(), trust = 0.0;
  bf_panel *panel = panel_of(models, n_models, n_items);
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++)
    if (applies(info)) must(bf_estimate(panel, info->name, values, &err) == BF_OK, err.message);
  must(bf_panel_trust(panel, &trust, &err) == BF_OK, err.message);
  printf("%-20s %.3f\n", "all", now() - start);
  bf_panel_free(panel);
  free(models);
  free(classes);
  free(answers);
  free(values);
  free(names);
  return 0;
}
