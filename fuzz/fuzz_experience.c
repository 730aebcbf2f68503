/* What was learnt from experience, as bytes: what is accepted must encode, decode again and encode to the same bytes,
 * and can be asked. The first byte chooses whether length and check sum are repaired first. The models are those of
 * tests/unit/test_experience_bytes.c, which also writes the corpus. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_container.h"
#include "learn/learn_internal.h"

enum { MODELS = 4, ITEMS = 6, CLASSES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char KEY[] = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
static const char *const LABELS[CLASSES] = {"cat", "dog", "owl"};
static const bf_experience_model INFO[MODELS] = {
    {.id = "lab/m0", .version = 1, .domain = "lab/m0", .source_accuracy = 0.95},
    {.id = "lab/m1", .version = 1, .domain = "lab/m1", .source_accuracy = 0.95},
    {.id = "lab/m2", .version = 1, .domain = "lab/m2", .source_accuracy = 0.95},
    {.id = "lab/m3", .version = 1, .domain = "lab/m3", .source_accuracy = 0.95},
};

static void require(bool condition) {
  if (!condition) abort();
}

static void ask(const bf_experience *e) {
  float scores[MODELS][ITEMS * CLASSES];
  bf_panel_model models[MODELS];
  bf_panel *panel = NULL;
  bf__shared_sample shared;
  for (size_t m = 0; m < MODELS; m++) {
    for (size_t i = 0; i < ITEMS * CLASSES; i++) scores[m][i] = (float)((i * (m + 3)) % 7);
    models[m] = (bf_panel_model){.id = INFO[m].id,
                                 .classes = LABELS,
                                 .n_classes = CLASSES,
                                 .scores = scores[m],
                                 .are_logits = true,
                                 .source_accuracy = 0.95,
                                 .similarity = NAN};
  }
  require(bf_panel_create(models, MODELS, ITEMS, NULL, &panel, NULL) == BF_OK);
  bf__question question = {MODELS, INFO, panel, NULL};
  for (bf__learner learner = 0; learner < BF__N_LEARNERS; learner++) {
    bf__answer answer;
    if (bf__ask(e, learner, &question, &answer, NULL) != BF_OK) continue;
    for (size_t m = 0; m < MODELS; m++) require(answer.expected[m] >= 0.01 && answer.expected[m] <= 0.99);
    bf__answer_deinit(&answer);
  }
  require(bf__shared_sample_of(e, INFO, MODELS, &shared, NULL) == BF_OK);
  bf__shared_sample_deinit(&shared);
  bf_panel_free(panel);
}

static void check_as(const uint8_t *bytes, size_t n, const bf_experience_options *options) {
  bf_experience *a = NULL, *b = NULL;
  uint8_t *once = NULL, *twice = NULL;
  size_t n_once = 0, n_twice = 0;
  bf_error err;
  if (bf__experience_decode(bytes, n, KEY, INFO, MODELS, options, &a, &err) != BF_OK) return;
  require(bf__experience_encode(a, KEY, &once, &n_once, &err) == BF_OK);
  require(bf__experience_decode(once, n_once, KEY, INFO, MODELS, options, &b, &err) == BF_OK);
  require(bf__experience_encode(b, KEY, &twice, &n_twice, &err) == BF_OK);
  require(n_once == n_twice && memcmp(once, twice, n_once) == 0);
  ask(b);
  free(once);
  free(twice);
  bf_experience_free(a);
  bf_experience_free(b);
}

/* At most one of the metrics is that of the bytes. */
static void check(const uint8_t *bytes, size_t n) {
  for (bf_metric metric = BF_METRIC_ACCURACY; metric <= BF_METRIC_F1; metric++) {
    bf_experience_options options = BF_EXPERIENCE_OPTIONS_INIT;
    options.metric = metric;
    options.measure.n_threads = 1;
    check_as(bytes, n, &options);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_container(data, size, check);
}
