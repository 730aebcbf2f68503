/* Merging: halves against the whole within the stated bounds, the same bytes in either order, mismatches. */
#include <float.h>
#include <stdio.h>

#include "sketch_testing.h"

static bf_sketch *merged(const bf_sketch *a, const bf_sketch *b) {
  bf_sketch *out = NULL, *other = NULL;
  bf_error err = {0};
  if (bf_sketch_merge(a, b, &out, &err) != BF_OK) fail_msg("%s", err.message);
  assert_int_equal(bf_sketch_merge(b, a, &other, &err), BF_OK);
  assert_same_sketch(out, other); /* whatever the kind */
  bf_sketch_free(other);
  return out;
}

/* a: the first rows, b: the rest. */
static void halves(const testing_data *data, uint64_t cut, uint32_t min_count, bf_sketch **a, bf_sketch **b,
                   bf_sketch **whole) {
  testing_data first = testing_rows(data, 0, cut), rest = testing_rows(data, cut, data->n_rows - cut);
  const testing_how how = {.min_count = min_count, .n_threads = 2};
  *a = testing_sketch(&first, &how);
  *b = testing_sketch(&rest, &how);
  *whole = testing_sketch(data, &how);
}

static void free_all(bf_sketch *a, bf_sketch *b, bf_sketch *whole, bf_sketch *m) {
  bf_sketch_free(a);
  bf_sketch_free(b);
  bf_sketch_free(whole);
  bf_sketch_free(m);
}

static double rank_error(const float *cells, size_t n, size_t stride, const bf__sketch_column *c) {
  double worst = 0;
  for (size_t q = 0; q < BF__QUANTILES; q++) {
    double below = 0, equal = 0, at = ((double)q + 0.5) / BF__QUANTILES;
    for (size_t i = 0; i < n; i++) {
      below += cells[i * stride] < c->quantiles[q];
      equal += cells[i * stride] <= c->quantiles[q];
    }
    worst = fmax(worst, fmax(at - equal / (double)n, below / (double)n - at));
  }
  return worst;
}

static void numbers_of_two_parts_are_those_of_the_whole(void **state) {
  (void)state;
  enum { N = 9000, D = 5, CUT = 2700 };
  float *cells = testing_cells(N, D, 1);
  for (size_t i = CUT; i < N; i++) cells[i * D + 1] += 40.0f; /* the parts differ */
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *a, *b, *whole;
  halves(&data, CUT, 1, &a, &b, &whole);
  bf_sketch *m = merged(a, b);
  assert_int_equal(m->rows, N);
  assert_int_equal(m->raw_count, (uint64_t)N * D);
  assert_true(m->raw_min == whole->raw_min && m->raw_max == whole->raw_max);
  double worst_rank = 0, worst_covariance = 0;
  for (size_t j = 0; j < D; j++) {
    const bf__sketch_column *c = &m->columns[j], *w = &whole->columns[j];
    assert_int_equal(c->count, w->count);
    assert_true(c->min == w->min && c->max == w->max);
    assert_true(fabs(c->mean - w->mean) <= 1e-12 * (fabs(w->mean) + sqrt(w->variance)));
    assert_true(fabs(c->variance - w->variance) <= 1e-11 * w->variance);
    worst_rank = fmax(worst_rank, rank_error(cells + j, N, D, c));
    for (size_t k = 0; k <= j; k++) {
      size_t at = j * (j + 1) / 2 + k;
      double scale = sqrt(w->variance * whole->columns[k].variance);
      worst_covariance =
          fmax(worst_covariance, fabs((double)m->covariance[at] - (double)whole->covariance[at]) / scale);
    }
  }
  print_message("merged: rank error %.4f (bound %.4f), covariance %.1e\n", worst_rank, 1.0 / 126, worst_covariance);
  assert_true(worst_rank <= 1.0 / 126 + 1e-9);
  assert_true(worst_covariance < 3e-7);
  free_all(a, b, whole, m);
  free(cells);
}

static void missing_cells_are_merged_as_independent_ones(void **state) {
  (void)state;
  enum { N = 8000, D = 4 };
  float *cells = testing_cells(N, D, 2);
  for (size_t i = 0; i < N * D; i++) {
    if (bf__mix64(3, i) % 10 < 2) cells[i] = NAN;
    if (i % D == 3 && i / D < N / 2) cells[i] = NAN; /* the first half has nothing of column 3: left out of the whole */
  }
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *a, *b, *whole;
  halves(&data, N / 2, 1, &a, &b, &whole);
  bf_sketch *m = merged(a, b);
  assert_int_equal(m->missing, whole->missing);
  assert_memory_equal(m->left_out, whole->left_out, D);
  assert_int_equal(m->left_out[3], 1);
  for (size_t j = 0; j < D; j++) {
    assert_int_equal(m->columns[j].missing, whole->columns[j].missing);
    for (size_t k = 0; k <= j; k++) {
      size_t at = j * (j + 1) / 2 + k;
      double scale = sqrt(whole->columns[j].variance * whole->columns[k].variance);
      assert_true(fabs((double)m->covariance[at] - (double)whole->covariance[at]) < 0.01 * scale);
    }
  }
  free_all(a, b, whole, m);
  free(cells);
}

static double distance_to(const bf_sketch *s, const float *row) {
  double best = INFINITY;
  for (size_t c = 0; c < s->n_centroids; c++) {
    double sum = 0;
    for (size_t j = 0; j < s->n_columns; j++) {
      double d = (double)row[j] - (double)s->centroids[c * s->n_columns + j];
      sum += d * d;
    }
    best = fmin(best, sum);
  }
  return best;
}

static void merged_centroids_stand_for_both_parts(void **state) {
  (void)state;
  enum { N = 12000, D = 4 };
  float *cells = testing_cells(N, D, 7);
  for (size_t i = 0; i < N * D; i++) cells[i] += (float)(bf__mix64(i / D % 40, i % D) % 200);
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *a, *b, *whole;
  halves(&data, N / 3, 5, &a, &b, &whole);
  bf_sketch *m = merged(a, b);
  assert_int_equal(m->n_centroids, 256);
  double spread = 0, of_whole = 0, rows = 0;
  for (size_t i = 0; i < N; i++) {
    spread += distance_to(m, cells + i * D);
    of_whole += distance_to(whole, cells + i * D);
  }
  for (size_t i = 0; i < m->n_centroids; i++) rows += m->centroid_rows[i];
  print_message("squared distance to merged centroids: %.3f of that to the whole's\n", spread / of_whole);
  assert_true(spread < 1.25 * of_whole);
  assert_int_equal((uint64_t)rows, N);
  for (size_t j = 0; j < D; j++) {
    double mean = 0;
    for (size_t i = 0; i < m->n_centroids; i++) mean += (double)m->centroids[i * D + j] * m->centroid_rows[i] / rows;
    assert_true(fabs(mean - whole->columns[j].mean) < 0.01 * sqrt(whole->columns[j].variance));
  }
  free_all(a, b, whole, m);
  free(cells);
}

static void assert_same_partitions(const bf_sketch *a, const bf_sketch *b) {
  for (uint32_t i = 0; i < BF__PARTITIONS; i++) {
    const bf__partition *p = &a->partitions[i], *q = &b->partitions[i];
    assert_int_equal(p->rows, q->rows);
    assert_int_equal(p->count, q->count);
    assert_int_equal(p->exponent, q->exponent);
    assert_int_equal(p->lattice, q->lattice);
    assert_int_equal(p->n_bins, q->n_bins);
    assert_memory_equal(p->counts, q->counts, p->n_bins * sizeof *p->counts);
  }
}

static void buckets_add_up_whatever_the_grouping(void **state) {
  (void)state;
  enum { N = 3000, D = 3 };
  for (int lattice = 0; lattice <= 1; lattice++) {
    float *cells = testing_cells(N, D, 3);
    for (size_t i = 0; i < N * D; i++) {
      if (lattice) cells[i] = (float)(bf__mix64(2, i) % 200);
      if (i > 2 * N) cells[i] *= 37.0f;
    }
    bf_sketch *s[3];
    testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
    for (uint64_t i = 0; i < 3; i++) {
      testing_data part = testing_rows(&data, i * 1000, 1000);
      s[i] = testing_sketch(&part, &(testing_how){0});
    }
    bf_sketch *left = merged(s[0], s[1]), *right = merged(s[1], s[2]);
    bf_sketch *a = merged(left, s[2]), *b = merged(s[0], right);
    assert_same_partitions(a, b);
    assert_int_equal(a->raw_count, (uint64_t)N * D);
    uint64_t count = 0;
    for (uint32_t i = 0; i < BF__PARTITIONS; i++) count += a->partitions[i].count;
    assert_int_equal(count, (uint64_t)N * D);
    free_all(left, right, a, b);
    for (size_t i = 0; i < 3; i++) bf_sketch_free(s[i]);
    free(cells);
  }
}

/* Rows of words; `different` of them in all, the first more frequent. */
static bf_string *make_texts(size_t n, uint64_t different, uint64_t seed, char **bytes) {
  bf_string *rows = calloc(n, sizeof *rows);
  *bytes = malloc(n * 300);
  assert_true(rows && *bytes);
  char *at = *bytes;
  for (size_t i = 0; i < n; i++) {
    char *start = at;
    for (uint64_t k = 0; k < 20; k++) {
      double u = (double)(bf__mix64(seed, i * 20 + k) >> 11) * 0x1p-53;
      at += sprintf(at, "w%llu ", (unsigned long long)(u * u * (double)different));
    }
    rows[i] = (bf_string){start, (uint32_t)(at - start)};
  }
  return rows;
}

static void few_words_are_merged_exactly(void **state) {
  (void)state;
  char *bytes;
  bf_string *rows = make_texts(3000, 250, 1, &bytes);
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = 3000, .texts = rows};
  bf_sketch *a, *b, *whole;
  halves(&data, 1300, 1, &a, &b, &whole);
  bf_sketch *m = merged(a, b);
  assert_int_equal(m->words->n_words, whole->words->n_words);
  assert_memory_equal(m->words->words, whole->words->words, whole->words->n_words * sizeof(bf__word));
  assert_memory_equal(m->words->hashed, whole->words->hashed, sizeof whole->words->hashed);
  assert_memory_equal(m->words->minhash, whole->words->minhash, sizeof whole->words->minhash);
  assert_int_equal(m->words->total, whole->words->total);
  assert_int_equal(m->words->documents, 3000);
  assert_int_equal(m->words->lost, 0);
  for (uint32_t p = 0; p < BF__WORD_PARTITIONS; p++) { /* a's rows and b's, each numbered from 0 */
    assert_int_equal(m->words->partitions[p].total, a->words->partitions[p].total + b->words->partitions[p].total);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m->words->n_words; i++) sum += m->words->partitions[p].counts[i];
    assert_int_equal(sum, m->words->partitions[p].total);
  }
  free_all(a, b, whole, m);
  free(rows);
  free(bytes);
}

static void many_words_are_merged_within_the_bound(void **state) {
  (void)state;
  enum { N = 6000 };
  char *bytes;
  bf_string *rows = make_texts(N, 20000, 2, &bytes);
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = N, .texts = rows};
  bf_sketch *a, *b, *whole;
  halves(&data, N / 2, 5, &a, &b, &whole);
  bf_sketch *m = merged(a, b);
  const bf__words *w = m->words, *t = whole->words;
  assert_int_equal(w->n_words, BF__WORDS);
  assert_in_range(w->lost, 4, w->words[0].count);
  assert_memory_equal(w->hashed, t->hashed, sizeof t->hashed);
  assert_true(fabs(w->distinct / t->distinct - 1) < 0.1); /* through 128 minima */
  size_t n_found = 0;
  for (uint32_t i = 0; i < t->n_words; i++) {
    size_t at = 0;
    while (at < w->n_words && strcmp(w->words[at].word, t->words[i].word) != 0) at++;
    if (at == w->n_words) continue;
    n_found++;
    assert_in_range(w->words[at].count, t->words[i].count - (t->words[i].count < w->lost ? t->words[i].count : w->lost),
                    t->words[i].count);
  }
  print_message("%zu of the 1,000 most frequent words are the whole's; at most %llu lost\n", n_found,
                (unsigned long long)w->lost);
  assert_true(n_found > 700);
  free_all(a, b, whole, m);
  free(rows);
  free(bytes);
}

static void labels_add_up_by_name(void **state) {
  (void)state;
  const float cells[8] = {0};
  const int32_t first[] = {0, 0, 1, 1}, second[] = {1, 1, 1, 0};
  testing_data a = {
      .n_rows = 4, .n_columns = 2, .cells = cells, .labels = first, .label_names = (const char *const[]){"x", "y"}};
  testing_data b = {
      .n_rows = 4, .n_columns = 2, .cells = cells, .labels = second, .label_names = (const char *const[]){"z", "y"}};
  bf_sketch *s = testing_sketch(&a, &(testing_how){0}), *t = testing_sketch(&b, &(testing_how){0}), *m = merged(s, t);
  const char *const names[] = {"y", "x", "z"};
  const uint64_t counts[] = {5, 2, 1};
  assert_int_equal(bf_sketch_label_count(m), 3);
  for (uint32_t i = 0; i < 3; i++) {
    uint64_t count;
    assert_string_equal(bf_sketch_label(m, i, &count), names[i]);
    assert_int_equal(count, counts[i]);
  }
  free_all(s, t, m, NULL);
}

static void raw_means_are_merged_by_rows(void **state) {
  (void)state;
  enum { N = 500, D = 130 };
  float *cells = testing_cells(N, D, 3);
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *a, *b, *whole;
  halves(&data, 123, 1, &a, &b, &whole);
  bf_sketch *m = merged(a, b);
  for (size_t j = 0; j < D; j++) {
    assert_true(fabs((double)m->raw_means[j] - (double)whole->raw_means[j]) <=
                2e-7 * fabs((double)whole->raw_means[j]));
    assert_true(fabs((double)m->raw_variances[j] - (double)whole->raw_variances[j]) <=
                1e-5 * (double)whole->raw_variances[j] + 1e-9);
  }
  free_all(a, b, whole, m);
  free(cells);
}

static void an_empty_side_changes_nothing(void **state) {
  (void)state;
  float *cells = testing_cells(300, 4 * 5, 1);
  const bf_string text = {"one two two", 11};
  const bf_image image = {2, 2, 1, cells};
  const testing_data full[] = {{.n_rows = 300, .n_columns = 20, .cells = cells},
                               {.kind = BF_KIND_SERIES, .n_rows = 300, .n_steps = 5, .n_channels = 4, .cells = cells},
                               {.kind = BF_KIND_TEXT, .n_rows = 1, .texts = &text},
                               {.kind = BF_KIND_IMAGE, .n_rows = 1, .images = &image, .range_max = 1}};
  for (size_t i = 0; i < sizeof full / sizeof *full; i++) {
    testing_data none = full[i];
    none.n_rows = 0;
    bf_sketch *a = testing_sketch(&full[i], &(testing_how){.min_count = 2}),
              *b = testing_sketch(&none, &(testing_how){.min_count = 2});
    bf_sketch *m = merged(a, b), *nothing = merged(b, b);
    assert_int_equal(m->rows, full[i].n_rows);
    assert_int_equal(nothing->rows, 0);
    assert_int_equal(m->n_centroids, a->n_centroids);
    for (uint32_t j = 0; j < m->n_columns; j++) {
      assert_memory_equal(m->columns[j].quantiles, a->columns[j].quantiles, sizeof a->columns[j].quantiles);
      assert_true(m->columns[j].mean == a->columns[j].mean);
    }
    free_all(a, b, m, nothing);
  }
  free(cells);
}

static void a_side_without_strings_has_no_words(void **state) {
  (void)state;
  float *cells = testing_cells(200, 2, 1);
  bf_field strings[50];
  for (size_t i = 0; i < 50; i++) strings[i] = (bf_field){{"k", 1}, {i % 2 ? "u" : "v", 1}};
  const testing_data with = {.n_rows = 50, .n_columns = 2, .cells = cells, .strings = strings, .n_string_columns = 1};
  const testing_data without = {.n_rows = 200, .n_columns = 2, .cells = cells};
  bf_sketch *a = testing_sketch(&with, &(testing_how){0}), *b = testing_sketch(&without, &(testing_how){0}),
            *m = merged(a, b);
  assert_int_equal(bf_sketch_word_total(m), 50);
  assert_int_equal(m->words->documents, 250);
  uint64_t rows = 0;
  for (uint32_t p = 0; p < BF__WORD_PARTITIONS; p++) rows += m->words->partitions[p].rows;
  assert_int_equal(rows, 250);
  assert_true(bf_sketch_word_distinct(m) == 2.0);
  free_all(a, b, m, NULL);
  free(cells);
}

static void sketches_that_differ_are_refused(void **state) {
  (void)state;
  float *cells = testing_cells(40, 12, 1);
  const bf_string text = {"one", 3};
  const char *const ab[] = {"a", "b"}, *const ba[] = {"b", "a"};
  const testing_data data = {.n_rows = 20, .n_columns = 2, .cells = cells};
  const struct {
    testing_data data;
    testing_how how;
  } others[] = {
      {{.n_rows = 20, .n_columns = 3, .cells = cells}, {0}},
      {{.n_rows = 20, .n_columns = 2, .cells = cells}, {.seed = 3}},
      {{.n_rows = 20, .n_columns = 2, .cells = cells}, {.min_count = 5}},
      {{.n_rows = 20, .n_columns = 2, .cells = cells, .names = ab}, {0}},
      {{.kind = BF_KIND_TEXT, .n_rows = 1, .texts = &text}, {0}},
      {{.kind = BF_KIND_SERIES, .n_rows = 20, .n_steps = 1, .n_channels = 2, .cells = cells}, {0}},
  };
  bf_sketch *s = testing_sketch(&data, &(testing_how){0}), *out = s;
  bf_error err;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    bf_sketch *other = testing_sketch(&others[i].data, &others[i].how);
    assert_int_equal(bf_sketch_merge(s, other, &out, &err), BF_ERR_MISMATCH);
    assert_null(out);
    bf_sketch_free(other);
  }
  testing_data named = data;
  named.names = ab;
  bf_sketch *x = testing_sketch(&named, &(testing_how){0});
  named.names = ba;
  bf_sketch *y = testing_sketch(&named, &(testing_how){0});
  assert_int_equal(bf_sketch_merge(x, y, &out, &err), BF_ERR_MISMATCH);
  assert_int_equal(bf_sketch_merge(x, NULL, &out, &err), BF_ERR_INVALID_ARGUMENT);
  bf_sketch_free(x);
  bf_sketch_free(y);
  bf_sketch_free(s);
  free(cells);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_of_two_parts_are_those_of_the_whole),
      cmocka_unit_test(missing_cells_are_merged_as_independent_ones),
      cmocka_unit_test(merged_centroids_stand_for_both_parts),
      cmocka_unit_test(buckets_add_up_whatever_the_grouping),
      cmocka_unit_test(few_words_are_merged_exactly),
      cmocka_unit_test(many_words_are_merged_within_the_bound),
      cmocka_unit_test(labels_add_up_by_name),
      cmocka_unit_test(raw_means_are_merged_by_rows),
      cmocka_unit_test(an_empty_side_changes_nothing),
      cmocka_unit_test(a_side_without_strings_has_no_words),
      cmocka_unit_test(sketches_that_differ_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
