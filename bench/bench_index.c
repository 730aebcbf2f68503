/* Times the index of paper-l2lsh: the parts of bench/run and docs/index.md that need C.
 *
 *   bench_index peer FILE.npy N_QUERIES   histograms (n, bins); prints, as peer_l2lsh.py does, microseconds to insert a
 *                                         histogram and to answer a query, candidates and matches a query: all in one
 *                                         call, then one a call; the best of five
 *   bench_index scale [N]                 for 10^3 .. N histograms: microseconds to add, to ask one by tables and by a
 *                                         scan (medians), on one core; candidates, recall; bytes a histogram
 */
#include <bestfit/dataset.h>
#include <bestfit/index.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BINS 100u

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int fail(const char *what) {
  fprintf(stderr, "bench_index: %s\n", what);
  return 1;
}

static void must(bf_status status, const bf_error *err) {
  if (status != BF_OK) exit(fail(err->message));
}

static uint64_t *count_up(size_t n) {
  uint64_t *ids = malloc(n * sizeof *ids);
  if (!ids) exit(fail("out of memory"));
  for (size_t i = 0; i < n; i++) ids[i] = i;
  return ids;
}

static void add_up(const bf_index_answer *answer, size_t n, double *candidates, double *matches) {
  *candidates = *matches = 0;
  for (size_t q = 0; q < n; q++) {
    size_t n_matches = 0;
    bf_index_answer_matches(answer, q, &n_matches);
    *matches += (double)n_matches / (double)n;
    *candidates += (double)bf_index_answer_candidates(answer, q) / (double)n;
  }
}

/* Seconds to add n histograms and to answer n_queries of them, `step` a call. */
static void time_calls(const float *cells, size_t n, uint32_t n_bins, const uint64_t *ids, size_t n_queries,
                       bool singly, double seconds[2], bf_index_answer *answer) {
  bf_error err = {0};
  bf_index_options options = BF_INDEX_OPTIONS_INIT;
  options.n_bins = n_bins;
  bf_index *index = NULL;
  must(bf_index_create(&options, &index, &err), &err);
  size_t step = singly ? 1 : n;
  double start = now();
  for (size_t i = 0; i < n; i += step) must(bf_index_add(index, ids + i, cells + i * n_bins, step, &err), &err);
  seconds[0] = fmin(seconds[0], now() - start);
  step = singly ? 1 : n_queries;
  start = now();
  for (size_t i = 0; i < n_queries; i += step)
    must(bf_index_query(index, cells + i * n_bins, step, BF_INDEX_DEFAULT_THRESHOLD, answer, &err), &err);
  seconds[1] = fmin(seconds[1], now() - start);
  must(bf_index_query(index, cells, n_queries, BF_INDEX_DEFAULT_THRESHOLD, answer, &err), &err);
  bf_index_free(index);
}

static int peer(const char *path, size_t n_queries) {
  bf_error err = {0};
  bf_rows *rows = NULL;
  bf_index_answer *answer = NULL;
  must(bf_rows_load(path, NULL, &rows, &err), &err);
  must(bf_index_answer_create(&answer, &err), &err);
  size_t n = (size_t)bf_rows_count(rows);
  uint64_t *ids = count_up(n);
  if (n_queries == 0 || n_queries > n) return fail("queries must be 1 to the number of histograms");
  for (int singly = 0; singly < 2; singly++) {
    double seconds[2] = {INFINITY, INFINITY}, candidates, matches;
    for (int round = 0; round < 5; round++)
      time_calls(bf_rows_cells(rows), n, bf_rows_column_count(rows), ids, n_queries, singly, seconds, answer);
    add_up(answer, n_queries, &candidates, &matches);
    printf("%.3f %.3f %.1f %.1f\n", seconds[0] / (double)n * 1e6, seconds[1] / (double)n_queries * 1e6, candidates,
           matches);
  }
  bf_index_answer_free(answer);
  free(ids);
  bf_rows_free(rows);
  return 0;
}

/* ---- scale ---- */

static uint64_t next_random(uint64_t *state) { /* SplitMix64 */
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static double unit_random(uint64_t *state) {
  return (double)(next_random(state) >> 11) * 0x1p-53;
}

/* Ten about each of n / 10 centres, as make_arrays.py histograms does. */
static float *make_histograms(size_t n) {
  uint64_t state = 1;
  float *out = malloc(n * BINS * sizeof *out), centre[BINS];
  if (!out) exit(fail("out of memory"));
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; i % 10 == 0 && j < BINS; j++) centre[j] = (float)pow(unit_random(&state), 4);
    for (size_t j = 0; j < BINS; j++) out[i * BINS + j] = centre[j] * (float)(0.5 + unit_random(&state));
  }
  return out;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median of the queries' times; means of the others. */
static void ask_one_by_one(const bf_index *index, const float *histograms, size_t stride, size_t n_queries, bool scan,
                           double *microseconds, double *candidates, double *matches) {
  bf_error err = {0};
  bf_index_answer *answer = NULL;
  must(bf_index_answer_create(&answer, &err), &err);
  *candidates = *matches = 0;
  double *times = calloc(n_queries, sizeof *times);
  if (!times) exit(fail("out of memory"));
  for (size_t q = 0; q < n_queries; q++) {
    const float *histogram = histograms + q * stride * BINS;
    double start = now(), n_candidates, n_matches;
    must((scan ? bf_index_scan : bf_index_query)(index, histogram, 1, BF_INDEX_DEFAULT_THRESHOLD, answer, &err), &err);
    times[q] = now() - start;
    add_up(answer, 1, &n_candidates, &n_matches);
    *candidates += n_candidates / (double)n_queries;
    *matches += n_matches / (double)n_queries;
  }
  qsort(times, n_queries, sizeof *times, compare_doubles);
  *microseconds = times[n_queries / 2] * 1e6;
  free(times);
  bf_index_answer_free(answer);
}

static int scale(size_t largest) {
  bf_error err = {0};
  puts(
      "| histograms | add, µs | ask by tables, µs | ask by a scan, µs | ratio | candidates | recall | bytes a "
      "histogram |");
  puts("|---|---|---|---|---|---|---|---|");
  for (size_t n = 1000; n <= largest; n *= 10) {
    float *histograms = make_histograms(n);
    uint64_t *ids = count_up(n);
    bf_index_options options = BF_INDEX_OPTIONS_INIT;
    options.n_threads = 1;
    bf_index *index = NULL;
    struct mallinfo2 before = mallinfo2();
    must(bf_index_create(&options, &index, &err), &err);
    double start = now();
    must(bf_index_add(index, ids, histograms, n, &err), &err);
    double add = (now() - start) / (double)n * 1e6;
    struct mallinfo2 after = mallinfo2();
    double bytes = (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / (double)n;
    size_t n_queries = n < 100000 ? 500 : 100;
    double by_tables, by_scan, candidates, all, found, near;
    ask_one_by_one(index, histograms, n / n_queries, n_queries, false, &by_tables, &candidates, &found);
    ask_one_by_one(index, histograms, n / n_queries, n_queries, true, &by_scan, &all, &near);
    printf("| %zu | %.1f | %.1f | %.0f | %.1f | %.2f %% | %.3f | %.0f |\n", n, add, by_tables, by_scan,
           by_scan / by_tables, 100 * candidates / (double)n, found / near, bytes);
    fflush(stdout);
    bf_index_free(index);
    free(ids);
    free(histograms);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "peer") == 0) return peer(argv[2], (size_t)atol(argv[3]));
  if (argc >= 2 && strcmp(argv[1], "scale") == 0) return scale(argc > 2 ? (size_t)atol(argv[2]) : 1000000);
  return fail("usage: see the head of bench_index.c");
}
