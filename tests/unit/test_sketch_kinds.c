/* Views of windows, pairs, texts and tokens against plain re-implementations. */
#include <stdio.h>

#include "base/words.h"
#include "sketch/moments.h"
#include "sketch/view.h"
#include "sketch/view_pair.h"
#include "sketch/view_series.h"
#include "sketch/view_text.h"
#include "sketch_testing.h"

/* --- series ---------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Every number by its definition, with libm. */
static void naive_channel(const float *cells, size_t n_steps, size_t n_channels, double out[16]) {
  const double pi = 3.14159265358979323846;
  float *sorted = malloc(n_steps * sizeof *sorted);
  assert_non_null(sorted);
  size_t n = 0;
  double mean = 0, squares = 0;
  for (size_t t = 0; t < n_steps; t++) {
    if (isfinite(cells[t * n_channels])) sorted[n++] = cells[t * n_channels];
  }
  for (size_t i = 0; i < n; i++) mean += (double)sorted[i] / (double)n;
  for (size_t i = 0; i < n; i++) squares += ((double)sorted[i] - mean) * ((double)sorted[i] - mean);
  int side = 0, crossings = 0;
  for (size_t t = 0; t < n_steps; t++) {
    double d = isfinite(cells[t * n_channels]) ? (double)cells[t * n_channels] - mean : 0;
    if (d != 0 && side != 0 && (d > 0) != (side > 0)) crossings++;
    if (d != 0) side = d > 0 ? 1 : -1;
  }
  qsort(sorted, n, sizeof *sorted, by_value);
  memset(out, 0, 16 * sizeof *out);
  out[0] = mean;
  out[1] = sqrt(squares / (double)n);
  out[2] = (double)sorted[0];
  out[3] = (double)sorted[n - 1];
  for (size_t q = 1; q <= 3; q++) out[3 + q] = (double)sorted[(size_t)ceil((double)(q * n) / 4.0) - 1];
  out[7] = n > 1 ? crossings / (double)(n - 1) : 0;
  size_t half = n_steps / 2;
  for (size_t k = 1; k <= half; k++) {
    double re = 0, im = 0;
    for (size_t t = 0; t < n_steps; t++) {
      double d = isfinite(cells[t * n_channels]) ? (double)cells[t * n_channels] - mean : 0;
      double angle = 2 * pi * (double)((k * t) % n_steps) / (double)n_steps;
      re += d * cos(angle);
      im -= d * sin(angle);
    }
    double power = (re * re + im * im) / (double)(n_steps * n_steps);
    out[8 + (k - 1) * 8 / half] += 2 * k == n_steps ? power : 2 * power;
  }
  free(sorted);
}

static void windows_are_seen_as_defined(void **state) {
  (void)state;
  const uint32_t lengths[] = {1, 2, 3, 7, 16, 30, 97, 125, 128, 360};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const uint32_t n = lengths[i];
    float *cells = testing_cells(n, 3, i);
    if (n > 10) cells[3 * 5] = NAN; /* of channel 0 */
    for (uint32_t t = 0; t < n; t++) cells[3 * t + 2] = 4.25f;
    bf__series_plan *plan = NULL;
    bf__series_view *view = NULL;
    bf_error err;
    float out[3 * 16];
    assert_int_equal(bf__series_plan_create(n, &plan, &err), BF_OK);
    assert_int_equal(bf__series_view_create(plan, &view, &err), BF_OK);
    bf__view_series(view, cells, 3, out);
    for (size_t c = 0; c < 3; c++) {
      double expected[16];
      naive_channel(cells + c, n, 3, expected);
      double scale = fabs(expected[2]) + fabs(expected[3]);
      for (size_t k = 0; k < 16; k++) {
        double bound = k < 7 ? 1e-6 * scale : k == 7 ? 1e-6 : 1e-6 * expected[1] * expected[1] + 1e-12;
        if (!(fabs((double)out[c * 16 + k] - expected[k]) <= bound)) {
          fail_msg("%u steps, channel %zu, number %zu: %g instead of %g", n, c, k, (double)out[c * 16 + k],
                   expected[k]);
        }
      }
      double power = 0;
      for (size_t k = 8; k < 16; k++) power += (double)out[c * 16 + k];
      if (n == 128 && c == 1) assert_true(fabs(power - expected[1] * expected[1]) < 1e-5 * power); /* Parseval */
    }
    bf__series_view_free(view);
    bf__series_plan_free(plan);
    free(cells);
  }
}

static void a_sine_has_its_power_in_one_band(void **state) {
  (void)state;
  enum { N = 8192 + 100 };
  float *cells = malloc(N * sizeof *cells), out[16];
  assert_non_null(cells);
  for (size_t t = 0; t < N; t++) cells[t] = (float)sin(2 * 3.14159265358979323846 * 0.19 * (double)t);
  bf__series_plan *plan = NULL;
  bf__series_view *view = NULL;
  bf_error err;
  assert_int_equal(bf__series_plan_create(N, &plan, &err), BF_OK); /* two windows of 4,096 steps */
  assert_int_equal(bf__series_view_create(plan, &view, &err), BF_OK);
  bf__view_series(view, cells, 1, out);
  for (size_t k = 0; k < 8; k++)
    assert_true(k == 3 ? fabsf(out[8 + k] - 0.5f) < 0.01f : out[8 + k] < 0.01f); /* .1875 .. .25 */
  bf__series_view_free(view);
  bf__series_plan_free(plan);
  free(cells);
}

static void series_give_equal_bytes_whatever_threads_and_batches(void **state) {
  (void)state;
  const uint32_t channels[] = {2, 6, 9};
  for (size_t i = 0; i < 3; i++) {
    testing_data data = {.kind = BF_KIND_SERIES, .n_rows = 1500, .n_steps = 20, .n_channels = channels[i]};
    float *cells = testing_cells(data.n_rows, 20 * channels[i], 5);
    for (size_t k = 0; k < data.n_rows * 20 * channels[i]; k += 37) cells[k] = NAN;
    for (size_t t = 0; t < 20; t++) cells[t * channels[i] + 1] = NAN; /* a channel of the first window has nothing */
    data.cells = cells;
    bf_sketch *a = testing_sketch(&data, &(testing_how){.min_count = 5});
    bf_sketch *b = testing_sketch(&data, &(testing_how){.n_threads = 3, .batch_rows = 333, .cuts = 2, .min_count = 5});
    bf_sketch *c =
        testing_sketch(&data, &(testing_how){.batch_rows = 999, .min_count = 5, .kernels = bf__kernels_scalar()});
    assert_same_sketch(a, b);
    assert_same_sketch(a, c);
    assert_int_equal(bf_sketch_raw_column_count(a), 20 * channels[i]);
    assert_int_equal(a->steps, 20);
    assert_int_equal(a->channels, channels[i]);
    assert_non_null(bf_sketch_raw_means(a));
    assert_int_equal(a->raw_count + a->missing, data.n_rows * 20 * channels[i]);
    assert_int_equal(bf_sketch_column_count(a), i == 2 ? 64 : 16 * channels[i]);
    bf_column column;
    assert_int_equal(bf_sketch_column(a, 16, &column, NULL), BF_OK);
    if (i < 2) {
      assert_string_equal(column.name, "ch1.mean");
      assert_int_equal(column.missing, 1);
      assert_false(bf_sketch_projected(a));
    } else {
      assert_null(column.name);
      assert_int_equal(column.missing, 0);
    }
    bf_sketch_free(a);
    bf_sketch_free(b);
    bf_sketch_free(c);
    free(cells);
  }
}

static void windows_of_several_lengths_have_no_raw_columns(void **state) {
  (void)state;
  const bf__sketch_source source = {.kind = BF_KIND_SERIES, .n_channels = 2};
  float *cells = testing_cells(1, 4000, 1);
  bf__sketch_builder *b = NULL;
  bf_sketch *s = NULL;
  bf_error err;
  assert_int_equal(bf__sketch_builder_create(&source, 1, 2, NULL, &b, &err), BF_OK);
  bf_batch batch = {.n_rows = 20, .n_columns = 50, .n_steps = 25, .n_channels = 2, .cells = cells};
  assert_int_equal(bf__sketch_builder_add(b, &batch, &err), BF_OK);
  batch.n_steps = 40;
  batch.n_columns = 80;
  assert_int_equal(bf__sketch_builder_add(b, &batch, &err), BF_OK);
  batch.n_channels = 3;
  assert_int_equal(bf__sketch_builder_add(b, &batch, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "channels"));
  assert_int_equal(bf__sketch_builder_finish(b, NULL, NULL, &s, &err), BF_OK);
  assert_int_equal(s->rows, 40);
  assert_int_equal(s->raw_columns, 0);
  assert_int_equal(s->steps, 0);
  assert_int_equal(s->channels, 2);
  assert_int_equal(s->raw_count, 20 * 50 + 20 * 80);
  assert_null(bf_sketch_raw_means(s));
  bf_sketch_free(s);
  bf__sketch_builder_free(b);
  free(cells);
}

/* --- texts and tokens ------------------------------------------------------------------------------------------ */

static bf_string string_of(const char *s) {
  return (bf_string){s, s ? (uint32_t)strlen(s) : 0};
}

static double sign_of(uint64_t cell, unsigned j) {
  return (bf__projection_signs(cell) >> j) & 1 ? -0.125 : 0.125;
}

static void a_text_is_projected_as_documented(void **state) {
  (void)state;
  const bf_string text = string_of("Good good film, GOOD film of the year");
  static const struct {
    const char *word;
    double count;
  } words[] = {{"good", 3}, {"film", 2}, {"year", 1}};
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = 1, .texts = &text};
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  double norm = 0;
  for (size_t i = 0; i < 3; i++) norm += log1p(words[i].count) * log1p(words[i].count);
  for (unsigned j = 0; j < 64; j++) {
    double y = 0;
    for (size_t i = 0; i < 3; i++) {
      uint64_t cell = bf__xxh64(words[i].word, strlen(words[i].word), 0) >> 49;
      y += sign_of(cell, j) * log1p(words[i].count) / sqrt(norm);
    }
    assert_true(fabs(s->columns[j].mean - y) < 1e-7);
  }
  assert_true(bf_sketch_projected(s));
  bf_sketch_free(s);
}

static void a_token_is_seen_by_affixes_and_shape(void **state) {
  (void)state;
  /* "B\xc3\xa4r-42s": word bär-42s, suffixes s, 2s, 42s, -42s, prefixes bä, bär, shape Xx-dx */
  const bf_string token = string_of("B\xc3\xa4r-42s");
  const uint32_t lower[] = {'b', 0xe4, 'r', '-', '4', '2', 's'}, shape[] = {'X', 'x', '-', 'd', 'x'};
  uint64_t hashes[8];
  size_t n = 0;
  hashes[n++] = bf__xxh64(lower, sizeof lower, 1);
  for (size_t k = 1; k <= 4; k++) hashes[n++] = bf__xxh64(lower + 7 - k, 4 * k, 1 + k);
  for (size_t k = 2; k <= 3; k++) hashes[n++] = bf__xxh64(lower, 4 * k, 4 + k);
  hashes[n++] = bf__xxh64(shape, sizeof shape, 8);
  float out[2][48];
  bf__view_token(bf__kernels_choose(), &token, out[0]);
  bf__view_token(bf__kernels_scalar(), &token, out[1]);
  assert_memory_equal(out[0], out[1], sizeof out[0]);
  for (unsigned j = 0; j < 48; j++) {
    double y = 0;
    for (size_t i = 0; i < n; i++) y += sign_of(hashes[i] >> 49, j) / sqrt(8.0);
    assert_true(fabs((double)out[0][j] - y) < 1e-6);
  }
  float empty[48], longest[48];
  const bf_string none = {NULL, 0};
  bf__view_token(bf__kernels_choose(), &none, empty); /* the word and the shape of nothing */
  char many[5000];
  memset(many, 'a', sizeof many);
  const bf_string wide = {many, sizeof many};
  bf__view_token(bf__kernels_choose(), &wide, longest);
  for (unsigned j = 0; j < 48; j++) assert_true(fabsf(empty[j]) <= 0.25f && fabsf(longest[j]) <= 0.36f);
}

/* --- pairs ----------------------------------------------------------------------------------------------------- */

static void count_word(void *context, uint64_t hash, const char *word, size_t n) {
  (void)hash;
  (void)word;
  *(size_t *)context += n > 0;
}

static void similar(const bf_field *left, uint32_t n_left, const bf_field *right, uint32_t n_right, float out[16]) {
  bf__pair_view *v = bf__pair_view_create(bf__kernels_choose());
  assert_non_null(v);
  const bf_pair pair = {{left, n_left}, {right, n_right}};
  size_t n_words = 0;
  for (int twice = 0; twice < 2; twice++)
    assert_true(bf__pair_similarities(v, &pair, 1000000, count_word, &n_words, out));
  bf__pair_view_free(v);
}

static void assert_numbers(const float *out, const double *expected) {
  for (size_t i = 0; i < 16; i++) {
    char name[BF__NAME_BYTES + 1];
    bf__pair_column_name((uint32_t)i, name);
    if (fabs((double)out[i] - expected[i]) > 1e-6) fail_msg("%s: %g instead of %g", name, (double)out[i], expected[i]);
  }
}

static void similarities_of_a_pair_are_as_documented(void **state) {
  (void)state;
  /* words left: sony tv 40 | black | 299 (5); right: sony 40 inch tv | 299 black | (5 words: sony 40 inch tv 299 black
   * = 6) */
  const bf_field left[] = {{{0}, string_of("Sony TV 40")}, {{0}, string_of("black")}, {{0}, string_of("299")}};
  const bf_field right[] = {
      {{0}, string_of("sony 40 inch TV")}, {{0}, string_of("299 black")}, {{0}, string_of(" \t")}};
  float out[16];
  similar(left, 3, right, 3, out);
  /* trigrams of " sony " etc.: sony 4, tv 2, 40 2, black 5, 299 3 = 16; right the same and inch 4 */
  const double jaccard_places = (3.0 / 4 + 1.0 / 2 + 0.0) / 3;
  const double expected[16] = {5.0 / 6, 1,         16.0 / 20, 1,      1, 1,       3.0 / 4, 1,
                               3.0 / 5, 18.0 / 26, log(6),    log(7), 0, 1.0 / 6, 1,       jaccard_places};
  assert_numbers(out, expected);
}

static void pairs_without_words_have_defined_similarities(void **state) {
  (void)state;
  float out[16];
  similar(NULL, 0, NULL, 0, out);
  const double nothing[16] = {[9] = 1, [12] = 1};
  assert_numbers(out, nothing);
  const bf_field missing[] = {{{0}, {NULL, 0}}, {{0}, {"", 0}}}, word[] = {{{0}, string_of("abc")}};
  similar(missing, 2, word, 1, out);
  const double one_side[16] = {[11] = log(2), [12] = 1, [13] = 2.0 / 3};
  assert_numbers(out, one_side);
  similar(word, 1, word, 1, out);
  const double equal[16] = {1, 1, 1, 1, 0, 0, 1, 1, 1, 1, log(2), log(2), 1, 0, 1, 1};
  assert_numbers(out, equal);
}

static void large_pairs_compare_as_sets_do(void **state) {
  (void)state;
  enum { N = 30000 };
  char *bytes[2] = {malloc(N * 12), malloc(N * 12)};
  assert_true(bytes[0] && bytes[1]);
  size_t used[2] = {0, 0};
  for (int i = 0; i < N; i++) { /* n0 .. n29999 against n20000 .. n49999 */
    used[0] += (size_t)sprintf(bytes[0] + used[0], "n%d ", i);
    used[1] += (size_t)sprintf(bytes[1] + used[1], "n%d ", i + 20000);
  }
  const bf_field left = {{0}, {bytes[0], (uint32_t)used[0]}}, right = {{0}, {bytes[1], (uint32_t)used[1]}};
  float out[16];
  similar(&left, 1, &right, 1, out);
  assert_true(fabsf(out[0] - 0.2f) < 1e-6f);
  assert_true(fabsf(out[1] - 1.0f / 3) < 1e-6f);
  assert_true(fabsf(out[15] - 0.2f) < 1e-6f);
  assert_true(out[14] == 0.0f);
  free(bytes[0]);
  free(bytes[1]);
}

static void the_view_of_a_pair_ends_with_half_its_text(void **state) {
  (void)state;
  const bf_field left[] = {{{0}, string_of("red apple")}}, right[] = {{{0}, string_of("green apple")}};
  const bf_pair pair = {{left, 1}, {right, 1}};
  const bf_string both = string_of("red apple green apple");
  bf_sketch *p = testing_sketch(&(testing_data){.kind = BF_KIND_PAIR, .n_rows = 1, .pairs = &pair}, &(testing_how){0});
  bf_sketch *t = testing_sketch(&(testing_data){.kind = BF_KIND_TEXT, .n_rows = 1, .texts = &both}, &(testing_how){0});
  for (uint32_t j = 0; j < 48; j++) assert_true(fabs(p->columns[16 + j].mean - 0.5 * t->columns[j].mean) < 1e-8);
  bf_column c;
  assert_int_equal(bf_sketch_column(p, 0, &c, NULL), BF_OK);
  assert_string_equal(c.name, "words.jaccard");
  assert_int_equal(bf_sketch_column(p, 17, &c, NULL), BF_OK);
  assert_string_equal(c.name, "text.1");
  assert_false(bf_sketch_projected(p));
  assert_int_equal(bf_sketch_word_total(p), 4);
  bf_sketch_free(p);
  bf_sketch_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_are_seen_as_defined),
      cmocka_unit_test(a_sine_has_its_power_in_one_band),
      cmocka_unit_test(series_give_equal_bytes_whatever_threads_and_batches),
      cmocka_unit_test(windows_of_several_lengths_have_no_raw_columns),
      cmocka_unit_test(a_text_is_projected_as_documented),
      cmocka_unit_test(a_token_is_seen_by_affixes_and_shape),
      cmocka_unit_test(similarities_of_a_pair_are_as_documented),
      cmocka_unit_test(pairs_without_words_have_defined_similarities),
      cmocka_unit_test(large_pairs_compare_as_sets_do),
      cmocka_unit_test(the_view_of_a_pair_ends_with_half_its_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
