/* What the sandbox costs.
 *
 *   bench_worker ratio WORKER MODEL     seconds a batch of 256 rows through the library (worker, sandbox, featuriser
 * and all) and of ONNX Runtime called bare on the same model and rows, by turns bench_worker search FOLDER          50
 * small models one after another from as many threads as there are workers: seconds a model, and how many workers were
 * started
 */
#include <bestfit/model.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  N_ROWS = 2048,
  N_BATCH_ROWS = 256,
  N_COLUMNS = 256,
  N_BATCHES = 160,
  N_CALLS = 20,
  N_ROUNDS = 9,
  N_WARM = 3,
  N_MODELS = 50
};

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int complain(const char *what) {
  fprintf(stderr, "bench_worker: %s\n", what);
  return 1;
}

static uint8_t *read_file(const char *path, size_t *n) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(size > 0 ? (size_t)size : 1);
  *n = bytes != NULL && size > 0 ? fread(bytes, 1, (size_t)size, file) : 0;
  fclose(file);
  return bytes;
}

static bf_status open_model(bf_workers *workers, const char *path, bf_model **out, bf_error *err) {
  static const char text[] = "---\nbestfit:\n  name: bench/model\n  input: {kind: features}\n---\n";
  bf_card *card = NULL;
  bf_model_file file = {.name = "model.onnx"};
  *out = NULL;
  uint8_t *bytes = read_file(path, &file.n_bytes);
  file.bytes = bytes;
  bf_status status = bytes == NULL ? BF_ERR_NOT_FOUND : bf_card_parse(text, sizeof text - 1, &card, err);
  if (status == BF_OK) status = bf_model_open(workers, card, &file, 1, out, err);
  bf_card_free(card);
  free(bytes);
  return status;
}

/* Rows from 0 to 1, as the bare run has them. */
static float *make_rows(void) {
  float *cells = malloc(sizeof *cells * N_ROWS * N_COLUMNS);
  uint32_t state = 1;
  for (size_t i = 0; cells != NULL && i < (size_t)N_ROWS * N_COLUMNS; ++i) {
    state = state * 1664525U + 1013904223U;
    cells[i] = (float)(state >> 8) / (float)(1 << 24);
  }
  return cells;
}

/* Seconds of one batch in the best of N_CALLS calls; negative: an error, printed. */
static double time_batches(bf_model *model, const float *cells) {
  double best = HUGE_VAL;
  bf_error err = {.message = ""};
  const bf_schema schema = {.kind = BF_KIND_FEATURES, .n_columns = N_COLUMNS};
  const bf_batch batch = {.n_rows = N_ROWS, .n_columns = N_COLUMNS, .cells = cells};
  bf_outputs outputs = BF_OUTPUTS_INIT;
  for (int i = -N_WARM; i < N_CALLS; ++i) {
    outputs.n_items = 0;
    double start = seconds();
    if (bf_model_run(model, &schema, &batch, &outputs, &err) != BF_OK) {
      bf_outputs_deinit(&outputs);
      complain(err.message);
      return -1;
    }
    double took = (seconds() - start) * N_BATCH_ROWS / N_ROWS;
    if (i >= 0 && took < best) best = took;
  }
  bf_outputs_deinit(&outputs);
  return best;
}

static double time_bare(const char *worker, const char *path) {
  char command[4096];
  double best = -1;
  snprintf(command, sizeof command, "'%s' --bare '%s' %d %d", worker, path, N_BATCH_ROWS, N_CALLS);
  FILE *pipe = popen(command, "r");
  if (pipe == NULL) return -1;
  if (fscanf(pipe, "%lf", &best) != 1) best = -1;
  pclose(pipe);
  return best;
}

/* In a process of its own, as the bare run is: how a process lies in memory makes some models twice as slow. */
static double time_worker(const char *path, const float *cells) {
  bf_workers *workers = NULL;
  bf_model *model = NULL;
  bf_error err = {.message = ""};
  double best = -1;
  if (bf_workers_create(NULL, &workers, &err) == BF_OK && open_model(workers, path, &model, &err) == BF_OK)
    best = time_batches(model, cells);
  else
    complain(err.message);
  bf_model_close(model);
  bf_workers_free(workers);
  return best;
}

static int ratio(const char *worker, const char *path) {
  double ours = HUGE_VAL;
  double bare = HUGE_VAL;
  float *cells = make_rows();
  if (cells == NULL) return complain("no memory");
  for (int round = 0; round < N_ROUNDS; ++round) {
    ours = fmin(ours, time_worker(path, cells));
    bare = fmin(bare, time_bare(worker, path));
  }
  free(cells);
  if (!(ours > 0 && bare > 0)) return complain("a run failed");
  printf("%.3f %.3f %.3f\n", ours * 1e3, bare * 1e3, ours / bare);
  return 0;
}

/* ---- many small models ---- */

typedef struct share {
  bf_workers *workers;
  const char *folder;
  const float *cells;
  int first, step, n_done;
} share;

static void *run_share(void *context) {
  share *s = context;
  const bf_schema schema = {.kind = BF_KIND_FEATURES, .n_columns = N_COLUMNS};
  const bf_batch batch = {.n_rows = N_BATCH_ROWS, .n_columns = N_COLUMNS, .cells = s->cells};
  for (int i = s->first; i < N_MODELS; i += s->step) {
    char path[4096];
    bf_model *model = NULL;
    bf_outputs outputs = BF_OUTPUTS_INIT;
    bf_error err = {.message = ""};
    snprintf(path, sizeof path, "%s/bench_small_%02d.onnx", s->folder, i);
    if (open_model(s->workers, path, &model, &err) == BF_OK &&
        bf_model_run(model, &schema, &batch, &outputs, &err) == BF_OK)
      ++s->n_done;
    else
      complain(err.message);
    bf_outputs_deinit(&outputs);
    bf_model_close(model);
  }
  return NULL;
}

static int search(const char *folder) {
  pthread_t threads[4];
  share shares[4];
  bf_workers_options options = BF_WORKERS_OPTIONS_INIT;
  bf_workers *workers = NULL;
  bf_error err = {.message = ""};
  int n_done = 0;
  float *cells = make_rows();
  double start = seconds();
  options.n_workers = 4;
  if (cells == NULL || bf_workers_create(&options, &workers, &err) != BF_OK) {
    free(cells);
    return complain(err.message);
  }
  for (int i = 0; i < 4; ++i) {
    shares[i] = (share){.workers = workers, .folder = folder, .cells = cells, .first = i, .step = 4};
    if (pthread_create(&threads[i], NULL, run_share, &shares[i]) != 0) return complain("no threads");
  }
  for (int i = 0; i < 4; ++i) {
    pthread_join(threads[i], NULL);
    n_done += shares[i].n_done;
  }
  printf("%d %u %.1f\n", n_done, bf_workers_started(workers), (seconds() - start) / N_MODELS * 1e3);
  bf_workers_free(workers);
  free(cells);
  return n_done == N_MODELS ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "ratio") == 0) return ratio(argv[2], argv[3]);
  if (argc == 3 && strcmp(argv[1], "search") == 0) return search(argv[2]);
  return complain("ratio WORKER MODEL, or search FOLDER");
}
