/* What a ranking costs beyond running the models: 100 candidates x 2,000 rows x 20 classes by `auto`, learnt from 20
 * labelled domains (1,980 pairs), and by data alone. Made data; prints "what seconds" in lines.
 *
 *   bench_rank [THREADS]        (0 or nothing: all cores)
 */
#include <bestfit/search.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MODELS = 100, DOMAINS = 20, ROWS = 2000, CLASSES = 20, DATA_ROWS = 600, COLUMNS = 16, ROUNDS = 3 };

static uint64_t state = 88172645463325252u;
static double unit(void) { /* xorshift */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)(state >> 11) * 0x1p-53;
}

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(bf_status status, const bf_error *err) {
  if (status == BF_OK) return;
  fprintf(stderr, "bench_rank: %s\n", err->message);
  exit(1);
}

/* Sketch of rows of numbers round `place`, by way of a file. */
static bf_sketch *make_sketch(const char *path, double place) {
  bf_error err = {0};
  bf_dataset *dataset = NULL;
  bf_sketch *sketch = NULL;
  FILE *file = fopen(path, "w");
  if (!file) exit(1);
  for (int c = 0; c < COLUMNS; c++) fprintf(file, c ? ",c%d" : "c%d", c);
  for (int r = 0; r < DATA_ROWS; r++) {
    fprintf(file, "\n%.4f", place + unit() + unit());
    for (int c = 1; c < COLUMNS; c++) fprintf(file, ",%.4f", place + unit() + unit());
  }
  fclose(file);
  must(bf_dataset_open(path, NULL, &dataset, &err), &err);
  must(bf_sketch_build(dataset, NULL, &sketch, &err), &err);
  bf_dataset_close(dataset);
  return sketch;
}

/* What a model says of rows: right in a share that falls with the distance of the places. */
static void say(const int32_t *truth, double distance, bf_outputs *out) {
  *out = (bf_outputs){.n_items = ROWS, .n_classes = CLASSES, .capacity = ROWS, .are_logits = true};
  out->scores = calloc((size_t)ROWS * CLASSES, sizeof *out->scores);
  if (!out->scores) exit(1);
  for (size_t i = 0; i < ROWS; i++) {
    size_t said = unit() < 0.9 * exp(-distance) ? (size_t)truth[i] : (size_t)(unit() * CLASSES);
    for (size_t c = 0; c < CLASSES; c++) out->scores[i * CLASSES + c] = (float)unit();
    out->scores[i * CLASSES + said] += 1.0f;
  }
}

static double best_of_rounds(const bf_candidate *candidates, const bf_sketch *target,
                             const bf_search_options *options) {
  double least = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    bf_search_result *result = NULL;
    bf_error err = {0};
    double started = now();
    must(bf_rank(candidates, MODELS, target, options, &result, &err), &err);
    least = fmin(least, now() - started);
    if (bf_search_result_count(result) != MODELS) exit(1);
    bf_search_result_free(result);
  }
  return least;
}

int main(int argc, char **argv) {
  static char ids[MODELS][16], names[CLASSES][8], folder[] = "/tmp/bench-rank-XXXXXX", path[64];
  static int32_t truth[DOMAINS + 1][ROWS];
  static bf_outputs outputs[DOMAINS + 1][MODELS];
  static bf_experience_model models[MODELS];
  static bf_experience_record records[DOMAINS * MODELS];
  static bf_candidate candidates[MODELS];
  const char *classes[CLASSES];
  bf_experience *experience = NULL;
  bf_experience_options how = BF_EXPERIENCE_OPTIONS_INIT;
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_error err = {0};
  size_t n = 0;
  how.measure.n_threads = options.measure.n_threads = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/rows.csv", folder);
  for (size_t c = 0; c < CLASSES; c++) {
    snprintf(names[c], sizeof names[c], "c%02zu", c);
    classes[c] = names[c];
  }
  for (size_t m = 0; m < MODELS; m++) {
    snprintf(ids[m], sizeof ids[m], "bench/m%02zu", m);
    models[m] = (bf_experience_model){.id = ids[m],
                                      .version = 1,
                                      .domain = ids[m],
                                      .sketch = make_sketch(path, 0.02 * (double)m),
                                      .source_accuracy = 0.9};
  }
  bf_sketch *target = make_sketch(path, 0.02 * MODELS / 2.0);
  unlink(path);
  rmdir(folder);
  for (size_t d = 0; d <= DOMAINS; d++) { /* the last is the target */
    size_t owner = d < DOMAINS ? d * (MODELS / DOMAINS) : MODELS / 2;
    for (size_t i = 0; i < ROWS; i++) truth[d][i] = (int32_t)(unit() * CLASSES);
    for (size_t m = 0; m < MODELS; m++) {
      say(truth[d], 0.02 * fabs((double)m - (double)owner), &outputs[d][m]);
      if (d < DOMAINS && m != owner)
        records[n++] = (bf_experience_record){
            .model = m, .domain = owner, .outputs = &outputs[d][m], .classes = classes, .truth = truth[d]};
      if (d == DOMAINS)
        candidates[m] = (bf_candidate){.id = ids[m],
                                       .version = 1,
                                       .domain = ids[m],
                                       .sketch = models[m].sketch,
                                       .source_accuracy = 0.9,
                                       .outputs = &outputs[d][m],
                                       .classes = classes};
    }
  }
  double started = now();
  must(bf_experience_create(models, MODELS, records, n, &how, &experience, &err), &err);
  printf("learning %.3f\n", now() - started);
  options.experience = experience;
  options.strategy = "auto";
  printf("auto %.3f\n", best_of_rounds(candidates, target, &options));
  options.experience = NULL;
  options.strategy = "similarity";
  for (size_t m = 0; m < MODELS; m++) candidates[m].outputs = NULL;
  printf("similarity %.3f\n", best_of_rounds(candidates, target, &options));
  for (size_t d = 0; d <= DOMAINS; d++)
    for (size_t m = 0; m < MODELS; m++) bf_outputs_deinit(&outputs[d][m]);
  bf_experience_free(experience);
  for (size_t m = 0; m < MODELS; m++) bf_sketch_free((bf_sketch *)models[m].sketch);
  bf_sketch_free(target);
  return 0;
}
