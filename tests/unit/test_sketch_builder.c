/* Building sketches: equal bytes however the rows arrive, and every degenerate dataset. */
#include <float.h>
#include <stdio.h>

#include "sketch/sketch_kernels.h"
#include "sketch_testing.h"

static void spoil(float *cells, uint64_t n_cells, uint64_t every) {
  const float bad[] = {NAN, INFINITY, -INFINITY, -0.0f};
  for (uint64_t i = 0; i < n_cells; i++) {
    if (bf__mix64(77, i) % every == 0) cells[i] = bad[bf__mix64(78, i) % 4];
  }
}

static void assert_independent_of_arrival(const testing_data *data) {
  bf_sketch *reference = testing_sketch(data, &(testing_how){0});
  const testing_how hows[] = {
      {.n_threads = 2},
      {.n_threads = 3, .batch_rows = 1000},
      {.n_threads = 2, .batch_rows = 5000, .cuts = 1},
      {.n_threads = 1, .batch_rows = 7, .cuts = 3},
      {.n_threads = 2, .batch_rows = 1024},
      {.n_threads = 2, .batch_rows = 777, .kernels = bf__kernels_scalar()},
  };
  for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
    bf_sketch *other = testing_sketch(data, &hows[i]);
    assert_same_sketch(reference, other);
    bf_sketch_free(other);
  }
  bf_sketch_free(reference);
}

static void features_give_equal_bytes_whatever_threads_batches_and_instructions(void **state) {
  (void)state;
  const uint32_t columns[] = {1, 11};
  for (size_t i = 0; i < 2; i++) {
    testing_data data = {.n_rows = 16384 + 700, .n_columns = columns[i]};
    float *cells = testing_cells(data.n_rows, data.n_columns, 5);
    data.cells = cells;
    assert_independent_of_arrival(&data);
    spoil(cells, data.n_rows * data.n_columns, 9);
    assert_independent_of_arrival(&data);
    free(cells);
  }
}

static void projected_features_give_equal_bytes_too(void **state) {
  (void)state;
  testing_data data = {.n_rows = 2300, .n_columns = 131};
  float *cells = testing_cells(data.n_rows, data.n_columns, 6);
  spoil(cells, data.n_rows * data.n_columns, 50);
  data.cells = cells;
  assert_independent_of_arrival(&data);
  free(cells);
}

static void images_give_equal_bytes_too(void **state) {
  (void)state;
  enum { N = 2100 };
  bf_image *images = malloc(N * sizeof *images);
  float *cells = testing_cells(N, 11 * 9 * 3, 7);
  assert_non_null(images);
  for (size_t i = 0; i < N; i++) images[i] = (bf_image){11, 9, 3, cells + i * 297};
  testing_data data = {.kind = BF_KIND_IMAGE, .n_rows = N, .images = images, .range_max = 255};
  assert_independent_of_arrival(&data);
  for (size_t i = 0; i < N; i++) {
    if (i % 3 == 1) images[i] = (bf_image){5, 7, 1, images[i].pixels};
    if (i % 3 == 2) images[i] = (bf_image){40, 2, 2, images[i].pixels};
  }
  assert_independent_of_arrival(&data);
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  assert_int_equal(bf_sketch_raw_column_count(s), 0);
  assert_null(bf_sketch_raw_means(s));
  assert_false(bf_sketch_image_shape(s, NULL, NULL, NULL));
  assert_int_equal(s->raw_count, 700u * (297 + 35 + 160));
  bf_sketch_free(s);
  free(images);
  free(cells);
}

static void another_seed_gives_another_sample_but_equal_moments(void **state) {
  (void)state;
  testing_data data = {.n_rows = 20000, .n_columns = 3};
  float *cells = testing_cells(data.n_rows, data.n_columns, 5);
  data.cells = cells;
  bf_sketch *a = testing_sketch(&data, &(testing_how){.seed = 1}),
            *b = testing_sketch(&data, &(testing_how){.seed = 2});
  assert_int_equal(bf_sketch_seed(a), 1);
  assert_true(a->columns[0].mean == b->columns[0].mean);
  assert_memory_equal(a->covariance, b->covariance, 6 * sizeof(float));
  assert_memory_not_equal(a->columns[0].quantiles, b->columns[0].quantiles, sizeof a->columns[0].quantiles);
  bf_sketch_free(a);
  bf_sketch_free(b);
  free(cells);
}

static void an_empty_dataset_gives_a_valid_empty_sketch(void **state) {
  (void)state;
  const testing_data empty[] = {
      {.n_columns = 4}, {.n_columns = 200}, {.n_columns = 0}, {.kind = BF_KIND_IMAGE, .range_max = 1}};
  const uint32_t view[] = {4, 64, 0, 64};
  for (size_t i = 0; i < 4; i++) {
    bf_sketch *s = testing_sketch(&empty[i], &(testing_how){0});
    assert_int_equal(bf_sketch_rows(s), 0);
    assert_int_equal(bf_sketch_column_count(s), view[i]);
    assert_int_equal(s->n_centroids, 0);
    assert_int_equal(s->n_partitions, 0);
    for (uint32_t j = 0; j < view[i]; j++) {
      bf_column c;
      assert_int_equal(bf_sketch_column(s, j, &c, NULL), BF_OK);
      assert_int_equal(c.count, 0);
      assert_int_equal(c.n_quantiles, 0);
      assert_true(c.mean == 0.0 && c.variance == 0.0);
    }
    bf_sketch_free(s);
  }
}

static void one_row_is_its_own_mean_and_quantiles(void **state) {
  (void)state;
  const float row[] = {3.5f, -2.0f, NAN};
  testing_data data = {.n_rows = 1, .n_columns = 3, .cells = row};
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  assert_int_equal(bf_sketch_rows(s), 1);
  assert_int_equal(bf_sketch_missing(s), 1);
  assert_int_equal(s->raw_count, 2);
  assert_true(s->raw_min == -2.0 && s->raw_max == 3.5);
  for (uint32_t j = 0; j < 2; j++) {
    bf_column c;
    assert_int_equal(bf_sketch_column(s, j, &c, NULL), BF_OK);
    assert_true(c.mean == (double)row[j] && c.variance == 0.0 && c.min == row[j] && c.max == row[j]);
    assert_int_equal(c.n_quantiles, 63);
    for (uint32_t q = 0; q < 63; q++) assert_true(c.quantiles[q] == row[j]);
  }
  assert_int_equal(s->columns[2].count, 0);
  assert_int_equal(s->left_out[2], 1);
  assert_int_equal(s->n_centroids, 0);
  bf_sketch_free(s);
}

static void centroids_begin_at_sixteen_rows_and_stand_for_eight_or_more(void **state) {
  (void)state;
  float *cells = testing_cells(3000, 4, 11);
  for (uint64_t n = 14; n <= 3000; n = n < 40 ? n + 1 : n * 2) {
    testing_data data = {.n_rows = n, .n_columns = 4, .cells = cells};
    bf_sketch *s = testing_sketch(&data, &(testing_how){0});
    uint64_t rows = 0;
    if (n < 16) assert_int_equal(s->n_centroids, 0);
    if (n >= 16) assert_in_range(s->n_centroids, 1, n / 8);
    for (uint32_t i = 0; i < s->n_centroids; i++) {
      assert_true(s->centroid_rows[i] >= 8);
      rows += s->centroid_rows[i];
    }
    assert_int_equal(rows, n < 16 ? 0 : n);
    bf_sketch_free(s);
  }
  free(cells);
}

static void constant_and_all_missing_columns_have_no_spread(void **state) {
  (void)state;
  enum { N = 5000 };
  float *cells = malloc(N * 4 * sizeof *cells);
  assert_non_null(cells);
  for (size_t i = 0; i < N; i++) {
    cells[i * 4] = 0.1f; /* sums of it round */
    cells[i * 4 + 1] = i % 2 ? NAN : INFINITY;
    cells[i * 4 + 2] = (float)(i % 100);
    cells[i * 4 + 3] = i % 3 ? NAN : (float)(i % 100); /* more than half missing */
  }
  testing_data data = {.n_rows = N, .n_columns = 4, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.batch_rows = 999});
  assert_true(s->columns[0].mean == (double)0.1f && s->columns[0].variance == 0.0);
  assert_int_equal(s->columns[1].count, 0);
  assert_int_equal(s->columns[1].n_quantiles, 0);
  assert_true(s->columns[1].min == 0.0f && s->columns[1].max == 0.0f);
  assert_int_equal(s->columns[1].missing, N);
  assert_true(fabs(s->columns[2].mean - 49.5) < 1e-12);
  const uint8_t left_out[] = {0, 1, 0, 1};
  assert_memory_equal(s->left_out, left_out, 4);
  const bool zero[] = {true, true, true, true, true, false, true, true, true, true};
  for (size_t i = 0; i < 10; i++) assert_true((s->covariance[i] == 0.0f) == zero[i]);
  assert_true(s->n_centroids > 1);
  for (uint32_t i = 0; i < s->n_centroids; i++) {
    assert_true(s->centroids[i * 4] == 0.1f);
    assert_true(s->centroids[i * 4 + 1] == 0.0f);
    assert_true(s->centroids[i * 4 + 3] == s->means[3]);
  }
  assert_true(s->columns[3].variance > 0.0);
  bf_sketch_free(s);
  free(cells);
}

static void equal_rows_give_one_centroid(void **state) {
  (void)state;
  float cells[100 * 2];
  for (size_t i = 0; i < 200; i++) cells[i] = i % 2 ? 7.0f : -1.0f;
  testing_data data = {.n_rows = 100, .n_columns = 2, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  assert_int_equal(s->n_centroids, 1);
  assert_int_equal(s->centroid_rows[0], 100);
  assert_true(s->centroids[0] == -1.0f && s->centroids[1] == 7.0f);
  bf_sketch_free(s);
}

static void huge_outliers_stay_finite(void **state) {
  (void)state;
  float *cells = testing_cells(4000, 3, 3);
  cells[100 * 3] = 3e38f;
  cells[101 * 3] = -3e38f;
  cells[102 * 3 + 1] = 3e38f;
  testing_data data = {.n_rows = 4000, .n_columns = 3, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  assert_true(s->raw_max == (double)3e38f && s->raw_min == (double)-3e38f);
  assert_true(isfinite(s->columns[0].variance) && s->columns[0].variance > 1e73);
  assert_true(s->covariance[0] == FLT_MAX); /* saturates */
  for (size_t i = 0; i < s->n_centroids * 3u; i++) assert_true(isfinite(s->centroids[i]));
  for (uint32_t p = 0; p < 64; p++) assert_true(s->partitions[p].n_bins <= 256);
  bf_sketch_free(s);
  free(cells);
}

static void raw_means_end_at_4096_columns(void **state) {
  (void)state;
  for (uint32_t n_columns = 4096; n_columns <= 4097; n_columns++) {
    testing_data data = {.n_rows = 40, .n_columns = n_columns};
    float *cells = testing_cells(data.n_rows, n_columns, 9);
    data.cells = cells;
    bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2, .batch_rows = 7});
    assert_int_equal(bf_sketch_raw_column_count(s), n_columns);
    assert_int_equal(bf_sketch_column_count(s), 64);
    assert_true(bf_sketch_projected(s));
    if (n_columns == 4096) {
      double sum = 0;
      for (size_t i = 0; i < 40; i++) sum += (double)cells[i * n_columns + 4095];
      assert_true(fabs((double)bf_sketch_raw_means(s)[4095] - sum / 40) < 1e-7 * fabs(sum / 40));
      assert_non_null(bf_sketch_raw_variances(s));
    } else {
      assert_null(bf_sketch_raw_means(s));
      assert_null(bf_sketch_raw_variances(s));
    }
    bf_sketch_free(s);
    free(cells);
  }
}

static void names_are_cut_at_whole_characters_and_cleaned(void **state) {
  (void)state;
  char out[BF__NAME_BYTES + 1];
  bf__sketch_name("plain", out);
  assert_string_equal(out, "plain");
  bf__sketch_name("tab\there", out);
  assert_string_equal(out, "tab?here");
  bf__sketch_name("\xff\xc3\xbc\xed\xa0\x80", out); /* a bad byte, ü, a surrogate */
  assert_string_equal(out, "?\xc3\xbc???");
  char longer[100];
  memset(longer, 'a', 99);
  memcpy(longer + 63, "\xc3\xbc", 2);
  longer[99] = 0;
  bf__sketch_name(longer, out);
  assert_int_equal(strlen(out), 64);
  assert_memory_equal(out + 54, "a~", 2);
  memcpy(longer + 54, "\xc3\xbc", 2); /* one that would be cut in two */
  bf__sketch_name(longer, out);
  assert_int_equal(strlen(out), 63);
  assert_memory_equal(out + 53, "a~", 2);
  longer[64] = 0;
  bf__sketch_name(longer, out);
  assert_memory_equal(out, longer, 63);
}

static void names_that_differ_after_what_fits_stay_apart(void **state) {
  (void)state;
  char name[2][100], out[2][BF__NAME_BYTES + 1];
  for (int i = 0; i < 2; ++i) {
    memset(name[i], 'x', 70);
    memcpy(name[i] + 70, i ? "_celsius" : "_seconds", 9);
    bf__sketch_name(name[i], out[i]);
    assert_true(bf__sketch_name_valid((const uint8_t *)out[i], strlen(out[i])));
    assert_int_equal(strspn(out[i] + 56, "0123456789abcdef"), 8);
  }
  assert_memory_equal(out[0], out[1], 56);
  assert_string_not_equal(out[0], out[1]);
}

static void named_columns_keep_their_names_and_can_forget_them(void **state) {
  (void)state;
  const float cells[] = {1, 2, 3, 4};
  const char *const names[] = {"first", "second"};
  testing_data data = {.n_rows = 2, .n_columns = 2, .cells = cells, .names = names};
  bf_sketch *named = testing_sketch(&data, &(testing_how){0});
  data.names = NULL;
  bf_sketch *numbered = testing_sketch(&data, &(testing_how){0});
  bf_column c;
  assert_int_equal(bf_sketch_column(named, 1, &c, NULL), BF_OK);
  assert_string_equal(c.name, "second");
  assert_int_equal(bf_sketch_column(numbered, 1, &c, NULL), BF_OK);
  assert_null(c.name);
  assert_true(named->column_list_hash != numbered->column_list_hash);
  bf_error err;
  assert_int_equal(bf_sketch_column(named, 2, &c, &err), BF_ERR_NOT_FOUND);
  bf__sketch_forget_names(named);
  assert_same_sketch(named, numbered);
  bf_sketch_free(named);
  bf_sketch_free(numbered);
}

static void labels_are_counted_and_ordered(void **state) {
  (void)state;
  const float cells[6] = {0};
  const int32_t labels[] = {2, 0, 2, -1, 1, 2};
  const char *const names[] = {"zebra", "ape", "cat"};
  testing_data data = {.n_rows = 6, .n_columns = 1, .cells = cells, .labels = labels, .label_names = names};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.batch_rows = 4});
  const char *const expected[] = {"cat", "ape", "zebra"};
  const uint64_t counts[] = {3, 1, 1};
  assert_int_equal(bf_sketch_label_count(s), 3);
  for (uint32_t i = 0; i < 3; i++) {
    uint64_t count;
    assert_string_equal(bf_sketch_label(s, i, &count), expected[i]);
    assert_int_equal(count, counts[i]);
  }
  assert_null(bf_sketch_label(s, 3, NULL));
  bf_sketch_free(s);
}

static void more_than_1000_labels_end_in_other(void **state) {
  (void)state;
  enum { N = 3000 };
  static float cells[N];
  static int32_t labels[N];
  static char text[1500][80];
  static const char *names[1500];
  for (int length = 8; length <= 64; length += 56) {
    for (int i = 0; i < N; i++) labels[i] = i < 1500 ? i : i % 10;
    for (int i = 0; i < 1500; i++) {
      snprintf(text[i], sizeof text[i], "%0*d", length, i);
      names[i] = text[i];
    }
    testing_data data = {.n_rows = N, .n_columns = 1, .cells = cells, .labels = labels, .label_names = names};
    bf_sketch *s = testing_sketch(&data, &(testing_how){0});
    uint32_t n = bf_sketch_label_count(s);
    if (length == 8) assert_int_equal(n, 1000);
    if (length == 64) assert_in_range(n, 400, 999); /* 32 KiB of names */
    uint64_t count, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
      assert_non_null(bf_sketch_label(s, i, &count));
      sum += count;
    }
    assert_int_equal(sum, N);
    assert_string_equal(bf_sketch_label(s, n - 1, &count), "other");
    assert_int_equal(count, 1500 - (n - 1));
    bf_sketch_label(s, 0, &count);
    assert_int_equal(count, 151);
    bf_sketch_free(s);
  }
}

static void the_largest_sketch_fits_by_coarser_grids(void **state) {
  (void)state;
  enum { N = 20000, D = 96 };
  static char text[1500][80];
  static const char *names[1500];
  static int32_t labels[N];
  for (int i = 0; i < N; i++) labels[i] = i % 1500;
  for (int i = 0; i < 1500; i++) {
    snprintf(text[i], sizeof text[i], "%064d", i);
    names[i] = text[i];
  }
  testing_data data = {.n_rows = N, .n_columns = D, .names = names, .labels = labels, .label_names = names};
  float *cells = testing_cells(N, D, 4);
  data.cells = cells;
  bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2});
  size_t n_bytes;
  free(testing_encode(s, &n_bytes));
  assert_true(n_bytes <= BF_SKETCH_MAX_BYTES && n_bytes > 120000);
  /* Counts of many rows take more bytes: the encoder must give way. */
  for (uint32_t p = 0; p < 64; p++) {
    bf__partition *part = &s->partitions[p];
    for (uint32_t b = 0; b < part->n_bins; b++) part->counts[b] *= (uint64_t)1 << 38;
    part->count *= (uint64_t)1 << 38;
    part->rows *= (uint64_t)1 << 38;
  }
  s->rows *= (uint64_t)1 << 38;
  s->view_rows = s->rows;
  s->raw_count *= (uint64_t)1 << 38;
  for (uint32_t j = 0; j < D; j++) s->columns[j].count *= (uint64_t)1 << 38;
  uint8_t *bytes = testing_encode(s, &n_bytes);
  assert_true(n_bytes <= BF_SKETCH_MAX_BYTES);
  bf_sketch *back;
  bf_error err;
  assert_int_equal(bf_sketch_decode(bytes, n_bytes, &back, &err), BF_OK);
  assert_true(back->partitions[0].n_bins < s->partitions[0].n_bins);
  assert_int_equal(back->partitions[0].count, s->partitions[0].count);
  assert_same_sketch(back, back);
  free(bytes);
  bf_sketch_free(back);
  bf_sketch_free(s);
  free(cells);
}

static void a_batch_of_other_columns_is_refused(void **state) {
  (void)state;
  const bf__sketch_source source = {.n_columns = 3};
  const float cells[4] = {0};
  bf__sketch_builder *b = NULL;
  bf_error err;
  assert_int_equal(bf__sketch_builder_create(&source, 1, 1, NULL, &b, &err), BF_OK);
  const bf_batch batch = {.n_rows = 1, .n_columns = 4, .cells = cells};
  assert_int_equal(bf__sketch_builder_add(b, &batch, &err), BF_ERR_MISMATCH);
  bf__sketch_builder_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(features_give_equal_bytes_whatever_threads_batches_and_instructions),
      cmocka_unit_test(projected_features_give_equal_bytes_too),
      cmocka_unit_test(images_give_equal_bytes_too),
      cmocka_unit_test(another_seed_gives_another_sample_but_equal_moments),
      cmocka_unit_test(an_empty_dataset_gives_a_valid_empty_sketch),
      cmocka_unit_test(one_row_is_its_own_mean_and_quantiles),
      cmocka_unit_test(centroids_begin_at_sixteen_rows_and_stand_for_eight_or_more),
      cmocka_unit_test(constant_and_all_missing_columns_have_no_spread),
      cmocka_unit_test(equal_rows_give_one_centroid),
      cmocka_unit_test(huge_outliers_stay_finite),
      cmocka_unit_test(raw_means_end_at_4096_columns),
      cmocka_unit_test(names_are_cut_at_whole_characters_and_cleaned),
      cmocka_unit_test(names_that_differ_after_what_fits_stay_apart),
      cmocka_unit_test(named_columns_keep_their_names_and_can_forget_them),
      cmocka_unit_test(labels_are_counted_and_ordered),
      cmocka_unit_test(more_than_1000_labels_end_in_other),
      cmocka_unit_test(the_largest_sketch_fits_by_coarser_grids),
      cmocka_unit_test(a_batch_of_other_columns_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
