/* Sketches in the index, and paper-l2lsh as a strategy: the two count the same pairs. */
#include <bestfit/index.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "make_sketch.h"
#include "measure/measure_internal.h"

enum { D = 4, SOURCES = 5, ROWS = 6000, PARTITION = 200 };

typedef struct world {
  bf_sketch *sources[SOURCES], *target;
  bf_index *index;
} world;

/* Source i has heavier tails the larger i is; the target is most like source 1. */
static float *make_cells(uint64_t seed, double power, size_t n) {
  double zeros[D] = {0}, ones[D] = {1, 1, 1, 1};
  float *rows = make_rows(seed, n, D, zeros, ones);
  for (size_t i = 0; i < n * D; ++i) rows[i] = (float)copysign(pow(fabs((double)rows[i]), power), (double)rows[i]);
  return rows;
}

static bf_sketch *make_source(uint64_t seed, double power) {
  float *rows = make_cells(seed, power, ROWS);
  bf_sketch *sketch = make_sketch(rows, ROWS, D, NULL);
  free(rows);
  return sketch;
}

static int set_up(void **state) {
  world *w = calloc(1, sizeof *w);
  bf_error err = {0};
  assert_int_equal(bf_index_create(NULL, &w->index, &err), BF_OK);
  for (uint64_t i = 0; i < SOURCES; ++i) {
    w->sources[i] = make_source(i + 1, 0.6 + 0.5 * (double)i);
    if (bf_index_add_sketch(w->index, 100 + i, w->sources[i], PARTITION, &err) != BF_OK) fail_msg("%s", err.message);
  }
  w->target = make_source(99, 1.15);
  *state = w;
  return 0;
}

static int tear_down(void **state) {
  world *w = *state;
  for (int i = 0; i < SOURCES; ++i) bf_sketch_free(w->sources[i]);
  bf_sketch_free(w->target);
  bf_index_free(w->index);
  free(w);
  return 0;
}

static double strategy(const char *name, const world *w, int source, double threshold) {
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  options.partition_size = PARTITION;
  options.adaptivity_threshold = threshold;
  bf_frame *frame = NULL;
  bf_prepared *s = NULL, *t = NULL;
  bf_error err = {0};
  double value = NAN;
  const bf_sketch *sources[SOURCES];
  for (int i = 0; i < SOURCES; ++i) sources[i] = w->sources[i];
  if (bf_frame_create(sources, SOURCES, &options, &frame, &err) != BF_OK ||
      bf_prepared_create(frame, w->sources[source], &s, &err) != BF_OK ||
      bf_prepared_create(frame, w->target, &t, &err) != BF_OK || bf_measure(name, s, t, &value, &err) != BF_OK)
    fail_msg("%s", err.message);
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  return value;
}

static double found(const bf_index_source *sources, size_t n, uint64_t id, double *share) {
  for (size_t i = 0; i < n; ++i) {
    if (sources[i].id != id) continue;
    if (share) *share = sources[i].share;
    return sources[i].adaptivity;
  }
  return 0.0;
}

static void the_index_and_the_strategy_count_the_same_pairs(void **state) {
  world *w = *state;
  static const double thresholds[] = {0.005, 0.02, 0.1};
  double lowest = INFINITY, highest = 0.0;
  for (int t = 0; t < 3; ++t) {
    bf_index_source *sources = NULL;
    size_t n = 0;
    assert_int_equal(bf_index_query_sketch(w->index, w->target, PARTITION, thresholds[t], &sources, &n, NULL), BF_OK);
    for (int i = 0; i < SOURCES; ++i) {
      double share = 0.0, value = found(sources, n, 100 + (uint64_t)i, &share);
      assert_true(value == strategy("paper-l2lsh", w, i, thresholds[t]));
      assert_true(value <= strategy("paper-adaptivity", w, i, thresholds[t]));
      assert_true(share >= 0.0 && share <= 1.0 && share <= value + 1e-12);
      lowest = fmin(lowest, value);
      highest = fmax(highest, value);
    }
    for (size_t i = 1; i < n; ++i) assert_true(sources[i - 1].adaptivity >= sources[i].adaptivity);
    assert_true(n == 0 ? t == 0 : sources[0].id == 101); /* the source most like it */
    free(sources);
  }
  assert_true(lowest == 0.0 && highest > 5.0); /* near and far ones are among them */
}

static void the_default_threshold_of_the_strategy_is_the_published_one(void **state) {
  world *w = *state;
  for (int i = 0; i < SOURCES; ++i) {
    assert_true(strategy("paper-l2lsh", w, i, 0.0) == strategy("paper-l2lsh", w, i, 0.1));
  }
}

static void two_sketches_under_one_id_are_one_source(void **state) {
  world *w = *state;
  bf_index *index = NULL;
  bf_index_source *sources = NULL;
  size_t n = 0;
  assert_int_equal(bf_index_create(NULL, &index, NULL), BF_OK);
  assert_int_equal(bf_index_add_sketch(index, 7, w->target, PARTITION, NULL), BF_OK);
  assert_int_equal(bf_index_add_sketch(index, 7, w->target, PARTITION, NULL), BF_OK);
  assert_int_equal(bf_index_query_sketch(index, w->target, PARTITION, 0.1, &sources, &n, NULL), BF_OK);
  assert_int_equal(n, 1);
  assert_int_equal(sources[0].id, 7);
  assert_true(sources[0].share > 0.0);
  assert_true(sources[0].adaptivity >= 2.0 * sources[0].share); /* what is found, is found twice */
  assert_int_equal(sources[0].n_pairs % 2, 0);
  free(sources);
  bf_index_free(index);
}

static void on_raw_rows_it_is_adaptivity_less_what_the_hash_misses(void **state) {
  (void)state;
  float *a = make_cells(1, 1.0, 3000), *b = make_cells(2, 1.0, 2000), *c = make_cells(3, 4.0, 2000);
  bf_rows *rows[3] = {make_bf_rows(a, 3000, D), make_bf_rows(b, 2000, D), make_bf_rows(c, 2000, D)};
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  options.partition_size = 250;
  for (int t = 1; t < 3; ++t) {
    double by_hash = NAN, again = NAN, exact = NAN;
    bf_error err = {0};
    options.adaptivity_threshold = 0.0;
    if (bf_measure_raw("paper-l2lsh", rows[0], rows[t], &options, &by_hash, &err) != BF_OK) fail_msg("%s", err.message);
    options.adaptivity_threshold = 0.1;
    assert_int_equal(bf_measure_raw("paper-l2lsh", rows[0], rows[t], &options, &again, NULL), BF_OK);
    assert_int_equal(bf_measure_raw("paper-adaptivity", rows[0], rows[t], &options, &exact, NULL), BF_OK);
    assert_true(by_hash == again);
    assert_true(by_hash <= exact);
    if (t == 1)
      assert_true(exact > 5.0 && by_hash > 0.8 * exact); /* most are much nearer than 0.1 */
    else
      assert_true(exact == 0.0);
  }
  for (int i = 0; i < 3; ++i) bf_rows_free(rows[i]);
  free(a);
  free(b);
  free(c);
}

static void what_has_no_partitions_or_other_bins_is_refused(void **state) {
  world *w = *state;
  bf_error err = {0};
  bf_index *index = NULL;
  bf_index_options options = BF_INDEX_OPTIONS_INIT;
  options.n_bins = 50;
  assert_int_equal(bf_index_create(&options, &index, NULL), BF_OK);
  assert_int_equal(bf_index_add_sketch(index, 1, w->target, 0, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "100 bins"));
  bf_sketch *empty = make_sketch(NULL, 0, D, NULL);
  bf_index_source *sources = NULL;
  size_t n = 3, before = bf_index_count(w->index);
  assert_int_equal(bf_index_add_sketch(w->index, 1, empty, 0, &err), BF_ERR_NOT_APPLICABLE);
  assert_int_equal(bf_index_query_sketch(w->index, empty, 0, 0.1, &sources, &n, &err), BF_ERR_NOT_APPLICABLE);
  assert_null(sources);
  assert_int_equal(n, 0);
  assert_int_equal(bf_index_query_sketch(w->index, w->target, 0, NAN, &sources, &n, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_add_sketch(NULL, 1, w->target, 0, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_add_sketch(w->index, 1, NULL, 0, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_query_sketch(w->index, w->target, 0, 0.1, NULL, NULL, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_index_count(w->index), before);
  bf_sketch_free(empty);
  bf_index_free(index);
}

static void an_allocation_that_fails_changes_nothing(void **state) {
  world *w = *state;
  bf_index_options options = BF_INDEX_OPTIONS_INIT;
  options.n_threads = 1;
  bf_index *index = NULL;
  assert_int_equal(bf_index_create(&options, &index, NULL), BF_OK);
  bf_status status = BF_ERR_MEMORY;
  for (long n = 1; status != BF_OK; ++n) {
    bf__alloc_fail_at(n);
    status = bf_index_add_sketch(index, 1, w->target, PARTITION, NULL);
    bf__alloc_fail_at(0);
    assert_true(status == BF_OK || (status == BF_ERR_MEMORY && bf_index_count(index) == 0));
    assert_true(n < 50);
  }
  status = BF_ERR_MEMORY;
  for (long n = 1; status != BF_OK; ++n) {
    bf_index_source *sources = NULL;
    size_t n_sources = 0;
    bf__alloc_fail_at(n);
    status = bf_index_query_sketch(index, w->target, PARTITION, 0.1, &sources, &n_sources, NULL);
    bf__alloc_fail_at(0);
    assert_true(status == BF_OK ? n_sources == 1 : status == BF_ERR_MEMORY && !sources && n_sources == 0);
    free(sources);
    assert_true(n < 50);
  }
  bf_index_free(index);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_index_and_the_strategy_count_the_same_pairs),
      cmocka_unit_test(the_default_threshold_of_the_strategy_is_the_published_one),
      cmocka_unit_test(two_sketches_under_one_id_are_one_source),
      cmocka_unit_test(on_raw_rows_it_is_adaptivity_less_what_the_hash_misses),
      cmocka_unit_test(what_has_no_partitions_or_other_bins_is_refused),
      cmocka_unit_test(an_allocation_that_fails_changes_nothing),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
