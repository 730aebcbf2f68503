/* merge(halves) answers every measure within the bound that docs/formats/sketch-v1.md states: the change that merging
 * the source's or the target's halves makes, as a share of the range of the measure over sources that differ. Halves
 * are as unlike as can be: rows are sorted by their cluster. */
#include <bestfit/measure.h>
#include <stdio.h>

#include "sketch_testing.h"

enum { SOURCES = 6, N = 6000, D = 6, CLUSTERS = 30, WORDS_A_ROW = 12 };

typedef struct stated {
  const char *name;
  double dense, words; /* bounds; 0: the measure has no answer there */
  bool absolute;       /* not as a share of the range */
} stated;

/* paper-adaptivity, paper-l2lsh and paper-word-adaptivity count matches of partitions, which a merge puts together of
 * other rows, as another shuffle would: they are defined over a random shuffle. Their bound is half as much again as
 * one changes them or, for words, a share of the source's buckets: merging loses a bucket's words that are not among
 * the first 300 of one side. Thresholds are such that some partitions match and some do not. */
typedef struct shuffled {
  const char *name;
  bool words;
  double threshold, bound; /* bound: of the number of buckets; 0: by shuffles alone */
} shuffled;
static const shuffled SHUFFLED[] = {{"paper-adaptivity", false, 0.03, 0},
                                    {"paper-l2lsh", false, 0, 0},
                                    /* its own, 0.1 */ {"paper-word-adaptivity", true, 0.08, 0.15}};
enum { SHUFFLES = 3 };

static const stated STATED[] = {
    {"hist-jsd", 0.02, 0, false},         {"mmd", 0.02, 0, false},
    {"centroid-distance", 0.2, 0, false}, {"cell-jsd", 0.05, 0, false},
    {"gauss-kl-ts", 1e-6, 1e-6, false},   {"gauss-kl-st", 1e-6, 1e-6, false},
    {"soft-adaptivity", 0.1, 0.1, true},  {"word-jsd", 0, 0.02, false},
    {"word-xent", 0, 0.03, false},        {"tfidf-cosine", 0, 0.03, false},
    {"minhash-jaccard", 0, 1e-12, false}, {"paper-jsd", 0.01, 0, false},
    {"paper-l2", 1e-6, 0, false},         {"paper-word-jsd", 0, 0.02, false},
    {"paper-word-l2", 0, 0.02, false},
};

typedef struct side {
  bf_sketch *whole, *merged, *shuffled[SHUFFLES]; /* the last: of all rows, by other seeds */
} side;

static void free_side(side *s) {
  bf_sketch_free(s->whole);
  bf_sketch_free(s->merged);
  for (size_t k = 0; k < SHUFFLES; k++) bf_sketch_free(s->shuffled[k]);
}

static side side_of(const testing_data *data) {
  const testing_how how = {.n_threads = 2};
  testing_data first = testing_rows(data, 0, N / 3), rest = testing_rows(data, N / 3, N - N / 3);
  bf_sketch *a = testing_sketch(&first, &how), *b = testing_sketch(&rest, &how);
  side s = {.whole = testing_sketch(data, &how)};
  bf_error err = {0};
  if (bf_sketch_merge(a, b, &s.merged, &err) != BF_OK) fail_msg("%s", err.message);
  for (uint64_t k = 0; k < SHUFFLES; k++)
    s.shuffled[k] = testing_sketch(data, &(testing_how){.n_threads = 2, .seed = 500 + k});
  bf_sketch_free(a);
  bf_sketch_free(b);
  return s;
}

/* Domain d: clusters of rows in order, whose centres move with d. */
static side dense_side(uint64_t d) {
  float *cells = testing_cells(N, D, 100 + d);
  for (uint64_t i = 0; i < N; i++) {
    uint64_t cluster = i * CLUSTERS / N;
    for (uint64_t j = 0; j < D; j++) {
      double place = (double)(bf__mix64(cluster, j) % 1000) / 100.0,
             moved = (double)(bf__mix64(d + 7, j) % 1000) / 250.0;
      cells[i * D + j] += (float)(place + (d % 2 ? moved : -moved) * (double)(1 + cluster % 3) / 2.0);
    }
  }
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  side s = side_of(&data);
  free(cells);
  return s;
}

/* Domain d: words of a steep distribution whose order of frequency differs by d, and drifts along the rows. */
static side words_side(uint64_t d) {
  bf_string *texts = calloc(N, sizeof *texts);
  char *bytes = malloc((size_t)N * WORDS_A_ROW * 12), *at = bytes;
  assert_true(texts && bytes);
  for (uint64_t i = 0; i < N; i++) {
    char *start = at;
    for (uint64_t k = 0; k < WORDS_A_ROW; k++) {
      double u = (double)(bf__mix64(50 + d, i * WORDS_A_ROW + k) >> 11) * 0x1p-53;
      uint64_t rank = (uint64_t)(u * u * u * 3000.0);
      uint64_t word = rank + (rank % 7 < d ? 3000 : 0) + (rank % 11 == 0 ? 30000 + i / 2000 : 0);
      at += sprintf(at, "w%llu ", (unsigned long long)word);
    }
    texts[i] = (bf_string){start, (uint32_t)(at - start)};
  }
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = N, .texts = texts};
  side s = side_of(&data);
  free(texts);
  free(bytes);
  return s;
}

static double value_of(const char *name, const bf_frame *frame, const bf_sketch *source, const bf_sketch *target) {
  bf_prepared *s = NULL, *t = NULL;
  bf_error err = {0};
  double value = NAN;
  assert_int_equal(bf_prepared_create(frame, source, &s, &err), BF_OK);
  assert_int_equal(bf_prepared_create(frame, target, &t, &err), BF_OK);
  bf_status status = bf_measure(name, s, t, &value, &err);
  if (status != BF_OK) fail_msg("%s: %s", name, err.message);
  bf_prepared_free(s);
  bf_prepared_free(t);
  return value;
}

/* Root mean square of the change that merging the source or the target makes, against that of another shuffle. */
static bool exceeds_a_shuffle(const shuffled *stated_, const bf_frame *frame, const side *sides) {
  const char *name = stated_->name;
  const side *target = &sides[SOURCES];
  double merging = 0, shuffling = 0, sum = 0;
  for (size_t d = 0; d < SOURCES; d++) {
    double value = value_of(name, frame, sides[d].whole, target->whole), change;
    sum += value;
    change = value_of(name, frame, sides[d].merged, target->whole) - value;
    merging += change * change / (2 * SOURCES);
    change = value_of(name, frame, sides[d].whole, target->merged) - value;
    merging += change * change / (2 * SOURCES);
    for (size_t k = 0; k < SHUFFLES; k++) {
      change = value_of(name, frame, sides[d].shuffled[k], target->whole) - value;
      shuffling += change * change / (2 * SOURCES * SHUFFLES);
      change = value_of(name, frame, sides[d].whole, target->shuffled[k]) - value;
      shuffling += change * change / (2 * SOURCES * SHUFFLES);
    }
  }
  double bound = fmax(1.5 * sqrt(shuffling), stated_->bound * BF__WORD_PARTITIONS);
  print_message("%-22s mean %.3g, changes by %.2e; another shuffle changes it by %.2e (bound %.2e)\n", name,
                sum / SOURCES, sqrt(merging), sqrt(shuffling), bound);
  assert_true(shuffling > 0);
  return sqrt(merging) > bound;
}

static void hold(side (*make)(uint64_t), bool words) {
  side sides[SOURCES + 1]; /* the last is the target */
  const bf_sketch *wholes[SOURCES];
  bf_frame *frame = NULL;
  bf_error err = {0};
  for (uint64_t d = 0; d <= SOURCES; d++) sides[d] = make(d);
  for (size_t d = 0; d < SOURCES; d++) wholes[d] = sides[d].whole;
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  if (bf_frame_create(wholes, SOURCES, &options, &frame, &err) != BF_OK) fail_msg("%s", err.message);
  int exceeded = 0;
  const side *target = &sides[SOURCES];
  for (size_t m = 0; m < sizeof STATED / sizeof *STATED; m++) {
    const char *name = STATED[m].name;
    double bound = words ? STATED[m].words : STATED[m].dense, low = INFINITY, high = -INFINITY, change = 0;
    if (!(bound > 0)) continue;
    for (size_t d = 0; d < SOURCES; d++) {
      double value = value_of(name, frame, sides[d].whole, target->whole);
      low = fmin(low, value), high = fmax(high, value);
      change = fmax(change, fabs(value_of(name, frame, sides[d].merged, target->whole) - value));
      change = fmax(change, fabs(value_of(name, frame, sides[d].whole, target->merged) - value));
    }
    assert_true(high > low);
    double scale = STATED[m].absolute ? 1 : high - low;
    print_message("%-18s changes by %.2e%s (bound %g)\n", name, change / scale,
                  STATED[m].absolute ? "" : " of its range", bound);
    exceeded += change > bound * scale;
  }
  bf_frame_free(frame);
  for (size_t m = 0; m < sizeof SHUFFLED / sizeof *SHUFFLED; m++) {
    if (SHUFFLED[m].words != words) continue;
    options.adaptivity_threshold = SHUFFLED[m].threshold;
    if (bf_frame_create(wholes, SOURCES, &options, &frame, &err) != BF_OK) fail_msg("%s", err.message);
    exceeded += exceeds_a_shuffle(&SHUFFLED[m], frame, sides);
    bf_frame_free(frame);
  }
  for (size_t d = 0; d <= SOURCES; d++) free_side(&sides[d]);
  assert_int_equal(exceeded, 0);
}

static void measures_of_numbers_change_within_their_bounds(void **state) {
  (void)state;
  hold(dense_side, false);
}

static void measures_of_words_change_within_their_bounds(void **state) {
  (void)state;
  hold(words_side, true);
}

static double distance_to(const bf_sketch *s, const float *row) {
  double nearest = INFINITY;
  for (uint32_t i = 0; i < s->n_centroids; i++) {
    double sum = 0;
    for (size_t j = 0; j < s->n_columns; j++) {
      double x = (double)(s->centroids[i * s->n_columns + j] - row[j]);
      sum += x * x / s->columns[j].variance;
    }
    nearest = fmin(nearest, sum);
  }
  return nearest;
}

static void merged_centroids_are_as_near_as_stated(void **state) {
  (void)state;
  double worst = 0;
  for (uint64_t round = 0; round < 6; round++) {
    /* a part of other rows, of 1 to 5 tenths; rounds 3 to 5: clusters */
    float *cells = testing_cells(N, D, 900 + round);
    uint64_t cut = N * (1 + round) / 11;
    for (uint64_t i = 0; i < (uint64_t)N * D; i++) {
      if (round > 2) cells[i] += (float)(bf__mix64(i / D % 40, i % D) % 200);
      if (i < cut * D) cells[i] += 6.0f * (float)(round % 3);
    }
    testing_data data = {.n_rows = N, .n_columns = D, .cells = cells}, first = testing_rows(&data, 0, cut),
                 rest = testing_rows(&data, cut, N - cut);
    bf_sketch *a = testing_sketch(&first, &(testing_how){0}), *b = testing_sketch(&rest, &(testing_how){0});
    bf_sketch *whole = testing_sketch(&data, &(testing_how){0}), *m = NULL;
    assert_int_equal(bf_sketch_merge(a, b, &m, NULL), BF_OK);
    double spread = 0, of_whole = 0;
    for (uint64_t i = 0; i < N; i++) {
      spread += distance_to(m, cells + i * D);
      of_whole += distance_to(whole, cells + i * D);
    }
    worst = fmax(worst, spread / of_whole);
    bf_sketch_free(a);
    bf_sketch_free(b);
    bf_sketch_free(whole);
    bf_sketch_free(m);
    free(cells);
  }
  print_message("squared distance to merged centroids: at most %.3f of that to the whole's (bound 1.25)\n", worst);
  assert_true(worst <= 1.25);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(measures_of_numbers_change_within_their_bounds),
      cmocka_unit_test(measures_of_words_change_within_their_bounds),
      cmocka_unit_test(merged_centroids_are_as_near_as_stated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
