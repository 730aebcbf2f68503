/* Rankings by data alone against the serving accuracies that were measured for real models, and orders from sketches
 * against orders from raw rows. The own domain of a target is never a candidate. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/measure_internal.h"
#include "raw_dense.h"
#include "reference_testing.h"
#include "sketch/view.h"

/* The paper's JSD on the raw rows, for comparison. */
static void print_raw_jsd(const bench_collection *c) {
  bf_rows *rows[BENCH_MAX_DOMAINS] = {0};
  bf_error err = {0};
  for (size_t s = 0; s < c->n; s++)
    if (bf_rows_load(c->domains[s].path, NULL, &rows[s], &err) != BF_OK) fail_msg("%s", err.message);
  scored sum = {0};
  for (size_t t = 0; t < c->n; t++) {
    double scores[BENCH_MAX_DOMAINS];
    for (size_t s = 0; s < c->n; s++) {
      assert_int_equal(bf_measure_raw("paper-jsd", rows[s], rows[t], NULL, &scores[s], &err), BF_OK);
      scores[s] = -scores[s];
    }
    scored one = score_target(c, t, scores);
    sum.spearman += one.spearman / (double)c->n;
    sum.regret += one.regret / (double)c->n;
  }
  print_message("  %-20s Spearman %6.3f  regret %.4f\n", "paper-jsd, raw rows", sum.spearman, sum.regret);
  for (size_t s = 0; s < c->n; s++) bf_rows_free(rows[s]);
}

static const char *const PRINTED[] = {
    "hist-jsd",  "mmd",      "centroid-distance", "cell-jsd",        "gauss-kl-ts", "gauss-kl-st",
    "paper-jsd", "paper-l2", "paper-adaptivity",  "source-accuracy", "random"};

static scored print_strategies(const bench_collection *c, bf_sketch **sketches, double *hist_spearman) {
  scored similarity = mean_over_targets(c, sketches, "similarity");
  for (size_t i = 0; i < sizeof PRINTED / sizeof *PRINTED; i++) {
    if (strcmp(PRINTED[i], "paper-l2") == 0 && strcmp(c->name, "digits") == 0) continue; /* images of several sizes */
    scored one = mean_over_targets(c, sketches, PRINTED[i]);
    if (i == 0) *hist_spearman = one.spearman;
  }
  print_raw_jsd(c);
  return similarity;
}

static void on_dsads_similarity_and_hist_jsd_order_models_as_their_accuracies_do(void **state) {
  (void)state;
  bench_collection c;
  bf_sketch *sketches[BENCH_MAX_DOMAINS];
  double hist = 0;
  make_collection("dsads", &c, sketches);
  scored similarity = print_strategies(&c, sketches, &hist);
  free_sketches(c.n, sketches);
  assert_true(similarity.spearman >= 0.76);
  assert_true(similarity.regret <= 0.02);
  assert_true(hist >= 0.78);
}

static void on_har_across_the_figures_are_near_the_published_ones(void **state) {
  (void)state;
  bench_collection c;
  bf_sketch *sketches[BENCH_MAX_DOMAINS];
  double hist = 0;
  make_collection("har_across", &c, sketches);
  scored similarity = print_strategies(&c, sketches, &hist);
  free_sketches(c.n, sketches);
  assert_true(similarity.spearman >= 0.55); /* prototype: hist-jsd .68 */
  assert_true(hist >= 0.55);
}

static void on_digits_the_figures_are_near_the_published_ones(void **state) {
  (void)state;
  bench_collection c;
  bf_sketch *sketches[BENCH_MAX_DOMAINS];
  double hist = 0;
  make_collection("digits", &c, sketches);
  scored similarity = print_strategies(&c, sketches, &hist);
  free_sketches(c.n, sketches);
  assert_true(similarity.spearman >= 0.25); /* prototype: hist-jsd .39 on 13 domains */
  assert_true(hist >= 0.25);
}

static void each_limb_finds_its_mirror_limb(void **state) {
  (void)state;
  bench_collection c;
  if (!bench_mirror_limbs_make(data_folder(), scratch, &c)) fail_msg("the positions cannot be made");
  bf_sketch *sketches[BENCH_MAX_DOMAINS];
  for (size_t s = 0; s < c.n; s++) sketches[s] = sketch_of(&c.domains[s]);
  static const size_t MIRROR[5] = {0, 2, 1, 4, 3}; /* torso, right arm, left arm, right leg, left leg */
  for (size_t t = 1; t < 5; t++) {
    bf_candidate candidates[5];
    size_t n = 0;
    for (size_t s = 0; s < 5; s++)
      if (s != t)
        candidates[n++] = (bf_candidate){.id = c.domains[s].name,
                                         .version = 1,
                                         .domain = c.domains[s].name,
                                         .sketch = sketches[s],
                                         .source_accuracy = NAN};
    bf_search_result *result = NULL;
    bf_error err = {0};
    if (bf_rank(candidates, n, sketches[5 + t], NULL, &result, &err) != BF_OK) fail_msg("%s", err.message);
    print_message("%s: %s first\n", c.domains[5 + t].name, bf_search_result_at(result, 0)->id);
    assert_string_equal(bf_search_result_at(result, 0)->id, c.domains[MIRROR[t]].name);
    bf_search_result_free(result);
  }
  free_sketches(c.n, sketches);
}

/* ---- fidelity ---- */

/* The view of a batch: features of at most 96 columns are their own view, images are projected. */
static size_t append_view(raw_domain *d, const bf_dataset *dataset, const bf_batch *batch) {
  bool images = batch->images != NULL;
  d->n_columns = images ? BF__PROJECTED_COLUMNS : batch->n_columns;
  assert_true(images || batch->n_columns <= BF__MAX_VIEW_COLUMNS);
  d->cells = realloc(d->cells, (d->n_rows + batch->n_rows) * d->n_columns * sizeof *d->cells);
  assert_non_null(d->cells);
  float *to = d->cells + d->n_rows * d->n_columns;
  if (!images) memcpy(to, batch->cells, batch->n_rows * d->n_columns * sizeof *to);
  if (images) {
    static double signs[BF__IMAGE_CELLS * BF__PROJECTED_COLUMNS];
    bf__image_signs(signs);
    for (size_t i = 0; i < batch->n_rows; i++)
      bf__view_image(bf__kernels_choose(), &batch->images[i], bf_dataset_range_max(dataset), signs,
                     to + i * d->n_columns);
  }
  return d->n_rows + batch->n_rows;
}

static raw_domain view_rows(const char *path) {
  bf_dataset *dataset = NULL;
  bf_error err = {0};
  raw_domain d = {0};
  if (bf_dataset_open(path, NULL, &dataset, &err) != BF_OK) fail_msg("%s", err.message);
  for (;;) {
    bf_batch batch;
    if (bf_dataset_next(dataset, &batch, &err) != BF_OK) fail_msg("%s", err.message);
    if (batch.n_rows == 0) break;
    d.n_rows = append_view(&d, dataset, &batch);
  }
  bf_dataset_close(dataset);
  return d;
}

static bf_frame *frame_of(const bench_collection *c, bf_sketch **sketches, size_t target) {
  const bf_sketch *sources[BENCH_MAX_DOMAINS];
  size_t n = 0;
  for (size_t s = 0; s < c->n; s++)
    if (s != target) sources[n++] = sketches[s];
  bf_frame *frame = NULL;
  bf_error err = {0};
  assert_int_equal(bf_frame_create(sources, n, NULL, &frame, &err), BF_OK);
  return frame;
}

static void measured_values(const bench_collection *c, bf_sketch **sketches, const bf_frame *frame, size_t target,
                            const char *name, double *values) {
  bf_prepared *source = NULL, *t = NULL;
  bf_error err = {0};
  assert_int_equal(bf_prepared_create(frame, sketches[target], &t, &err), BF_OK);
  for (size_t s = 0; s < c->n; s++) {
    values[s] = 0;
    if (s == target) continue;
    assert_int_equal(bf_prepared_create(frame, sketches[s], &source, &err), BF_OK);
    assert_int_equal(bf_measure(name, source, t, &values[s], &err), BF_OK);
    bf_prepared_free(source);
  }
  bf_prepared_free(t);
}

static void check_fidelity(const char *name) {
  bench_collection c;
  bf_sketch *sketches[BENCH_MAX_DOMAINS];
  raw_domain rows[BENCH_MAX_DOMAINS];
  float *centroids[BENCH_MAX_DOMAINS];
  make_collection(name, &c, sketches);
  for (size_t s = 0; s < c.n; s++) rows[s] = view_rows(c.domains[s].path);
  size_t k = rows[0].n_columns;
  double deviation[96], mean_rho[RAW_MEASURES] = {0};
  for (size_t j = 0; j < k; j++) { /* pooled over all domains: only the shape of the k-means metric hangs on it */
    double sum = 0, squares = 0, n = 0;
    for (size_t s = 0; s < c.n; s++)
      for (size_t i = 0; i < rows[s].n_rows; i++, n++) {
        double x = rows[s].cells[i * k + j];
        sum += x;
        squares += x * x;
      }
    double variance = squares / n - sum / n * sum / n;
    deviation[j] = variance > 1e-12 ? sqrt(variance) : 1;
  }
  for (size_t s = 0; s < c.n; s++) centroids[s] = raw_centroids(&rows[s], deviation);
  for (size_t t = 0; t < c.n; t++) {
    double raw[RAW_MEASURES][BENCH_MAX_DOMAINS], *pointers[RAW_MEASURES], sketched[BENCH_MAX_DOMAINS];
    int use[BENCH_MAX_DOMAINS];
    for (size_t m = 0; m < RAW_MEASURES; m++) pointers[m] = raw[m];
    for (size_t s = 0; s < c.n; s++) use[s] = s != t;
    bf_frame *frame = frame_of(&c, sketches, t);
    assert_int_equal(frame->n_columns, k); /* no constant column, so the columns are the same */
    raw_random random = {frame->frequencies, frame->phases, frame->planes};
    raw_measures(rows, centroids, c.n, t, use, &random, pointers);
    for (size_t m = 0; m < RAW_MEASURES; m++) {
      measured_values(&c, sketches, frame, t, RAW_MEASURE_NAMES[m], sketched);
      double a[BENCH_MAX_DOMAINS], b[BENCH_MAX_DOMAINS];
      size_t n = 0;
      for (size_t s = 0; s < c.n; s++) {
        if (s == t) continue;
        a[n] = raw[m][s];
        b[n++] = sketched[s];
      }
      mean_rho[m] += bench_spearman(a, b, n) / (double)c.n;
    }
    bf_frame_free(frame);
  }
  for (size_t m = 0; m < RAW_MEASURES; m++)
    print_message("  %-20s order from sketches against order from raw rows: Spearman %.3f\n", RAW_MEASURE_NAMES[m],
                  mean_rho[m]);
  for (size_t s = 0; s < c.n; s++) {
    free(rows[s].cells);
    free(centroids[s]);
  }
  free_sketches(c.n, sketches);
  for (size_t m = 0; m < RAW_MEASURES; m++) assert_true(mean_rho[m] >= 0.9);
}

static void on_dsads_sketches_order_as_raw_rows_do(void **state) {
  (void)state;
  check_fidelity("dsads");
}

static void on_digits_sketches_order_as_raw_rows_do(void **state) {
  (void)state;
  check_fidelity("digits");
}

/* paper-adaptivity takes few values over few partitions and hangs on its shuffle: two shuffles of the same raw rows
 * agree by some 0.48 here. A sketch is held to that, not to a bound that raw rows do not reach themselves. */
static void on_dsads_the_orders_of_the_papers_measures_are_reported(void **state) {
  (void)state;
  bench_collection c;
  bf_sketch *sketches[BENCH_MAX_DOMAINS];
  bf_rows *rows[BENCH_MAX_DOMAINS];
  bf_error err = {0};
  if (!bench_collection_make("dsads", data_folder(), scratch, &c)) fail_msg("the collection dsads cannot be made");
  for (size_t s = 0; s < c.n; s++) sketches[s] = sketch_with(&c.domains[s], 1); /* trimmed extremes are other bins */
  for (size_t s = 0; s < c.n; s++) assert_int_equal(bf_rows_load(c.domains[s].path, NULL, &rows[s], &err), BF_OK);
  static const char *const NAMES[] = {"paper-jsd", "paper-l2", "paper-adaptivity"};
  for (size_t m = 0; m < 3; m++) {
    double mean = 0, again = 0;
    bf_measure_options other = BF_MEASURE_OPTIONS_INIT;
    other.seed = 1;
    for (size_t t = 0; t < c.n; t++) {
      double a[BENCH_MAX_DOMAINS], b[BENCH_MAX_DOMAINS], shuffled[BENCH_MAX_DOMAINS] = {0}, sketched[BENCH_MAX_DOMAINS];
      size_t n = 0;
      bf_frame *frame = frame_of(&c, sketches, t);
      measured_values(&c, sketches, frame, t, NAMES[m], sketched);
      bf_frame_free(frame);
      for (size_t s = 0; s < c.n; s++) {
        if (s == t) continue;
        assert_int_equal(bf_measure_raw(NAMES[m], rows[s], rows[t], NULL, &a[n], &err), BF_OK);
        if (m == 2) assert_int_equal(bf_measure_raw(NAMES[m], rows[s], rows[t], &other, &shuffled[n], &err), BF_OK);
        b[n++] = sketched[s];
      }
      mean += bench_spearman(a, b, n) / (double)c.n;
      if (m == 2) again += bench_spearman(a, shuffled, n) / (double)c.n;
    }
    print_message("  %-20s order from sketches against order from raw rows: Spearman %.3f\n", NAMES[m], mean);
    if (m == 2) print_message("  %-20s raw rows shuffled twice: Spearman %.3f\n", NAMES[m], again);
    assert_true(mean >= (m < 2 ? 0.85 : again - 0.1));
  }
  for (size_t s = 0; s < c.n; s++) bf_rows_free(rows[s]);
  free_sketches(c.n, sketches);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(on_dsads_similarity_and_hist_jsd_order_models_as_their_accuracies_do),
      cmocka_unit_test(on_har_across_the_figures_are_near_the_published_ones),
      cmocka_unit_test(on_digits_the_figures_are_near_the_published_ones),
      cmocka_unit_test(each_limb_finds_its_mirror_limb),
      cmocka_unit_test(on_dsads_sketches_order_as_raw_rows_do),
      cmocka_unit_test(on_digits_sketches_order_as_raw_rows_do),
      cmocka_unit_test(on_dsads_the_orders_of_the_papers_measures_are_reported),
  };
  return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
