/* Sketching a dataset from a file: the same numbers as from batches, progress, cancelling, failing allocations. */
#include <bestfit/sketch.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "sketch_testing.h"

enum { N = 3000, D = 5 };

static char folder[256], path[300];

static int write_array(void **state) {
  (void)state;
  const char *temporary = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/bestfit-sketch-XXXXXX", temporary ? temporary : "/tmp");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/x.npy", folder);
  char header[128];
  memset(header, ' ', sizeof header);
  memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
  int n = snprintf(header + 10, 118, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", N, D);
  header[10 + n] = ' ';
  header[127] = '\n';
  float *cells = testing_cells(N, D, 1);
  FILE *f = fopen(path, "wb");
  if (!f) return -1;
  fwrite(header, 1, sizeof header, f);
  fwrite(cells, sizeof *cells, N * D, f);
  free(cells);
  return fclose(f);
}

static int remove_array(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

static bf_dataset *open_array(size_t batch_bytes) {
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.batch_bytes = batch_bytes;
  bf_dataset *dataset = NULL;
  bf_error err;
  assert_int_equal(bf_dataset_open(path, &options, &dataset, &err), BF_OK);
  return dataset;
}

static bool count_calls(void *context, const char *unit, uint64_t done, uint64_t total) {
  (void)unit;
  (void)total;
  assert_true(done > 0);
  return --*(int *)context > 0;
}

static void a_file_gives_the_sketch_of_its_cells(void **state) {
  (void)state;
  float *cells = testing_cells(N, D, 1);
  testing_data data = {.n_rows = N, .n_columns = D, .cells = cells};
  bf_sketch *expected = testing_sketch(&data, &(testing_how){.min_count = BF_SKETCH_DEFAULT_MIN_COUNT});
  for (uint32_t n_threads = 0; n_threads <= 2; n_threads++) {
    bf_dataset *dataset = open_array(n_threads ? 1000 * n_threads : 0);
    bf_sketch_options options = BF_SKETCH_OPTIONS_INIT;
    options.n_threads = n_threads;
    bf_sketch *s = NULL;
    bf_error err;
    assert_int_equal(bf_sketch_build(dataset, n_threads ? &options : NULL, &s, &err), BF_OK);
    assert_int_equal(bf_sketch_seed(s), BF_SKETCH_DEFAULT_SEED);
    assert_same_sketch(s, expected);
    bf_sketch_free(s);
    bf_dataset_close(dataset);
  }
  bf_sketch_free(expected);
  free(cells);
}

static void progress_that_returns_false_cancels(void **state) {
  (void)state;
  int calls = 1;
  bf_dataset *dataset = open_array(1000);
  bf_sketch_options options = BF_SKETCH_OPTIONS_INIT;
  options.progress = count_calls;
  options.progress_context = &calls;
  bf_sketch *s = (bf_sketch *)1;
  bf_error err;
  assert_int_equal(bf_sketch_build(dataset, &options, &s, &err), BF_ERR_CANCELLED);
  assert_null(s);
  assert_int_equal(calls, 0);
  bf_dataset_close(dataset);
}

static void no_dataset_is_an_argument_error(void **state) {
  (void)state;
  bf_sketch *s = (bf_sketch *)1;
  bf_error err;
  assert_int_equal(bf_sketch_build(NULL, NULL, &s, &err), BF_ERR_INVALID_ARGUMENT);
  assert_null(s);
  bf_sketch_free(NULL);
}

/* Rows of every kind. */
static void every_kind(testing_data data[7], const float *cells, const int32_t *labels) {
  static const char *const names[] = {"only"};
  static bf_string words[40];
  static bf_field fields[40];
  static bf_pair pairs[40];
  static bf_sentence sentences[40];
  static bf_image images[40];
  static const char *columns[120];
  static char text[40][200], column_text[120][8];
  for (size_t i = 0; i < 40; i++) {
    for (size_t k = 0, at = 0; k < 20; k++)
      at += (size_t)snprintf(text[i] + at, sizeof text[i] - at, "word%zu ", i * k);
    words[i] = (bf_string){text[i], (uint32_t)strlen(text[i])};
    fields[i] = (bf_field){{"name", 4}, words[i]};
    pairs[i] = (bf_pair){{fields, 1}, {fields + i, 1}};
    sentences[i] = (bf_sentence){words, labels, (uint32_t)i};
    images[i] = (bf_image){4, 5, 3, cells};
  }
  for (size_t j = 0; j < 120; j++) {
    snprintf(column_text[j], sizeof column_text[j], "c%zu", j);
    columns[j] = column_text[j];
  }
  data[0] = (testing_data){.n_columns = 3, .cells = cells, .strings = fields, .n_string_columns = 1};
  data[1] = (testing_data){.n_columns = 120, .cells = cells, .names = columns};
  data[2] = (testing_data){.kind = BF_KIND_IMAGE, .images = images, .range_max = 1};
  data[3] = (testing_data){.kind = BF_KIND_SERIES, .n_steps = 12, .n_channels = 10, .cells = cells};
  data[4] = (testing_data){.kind = BF_KIND_TEXT, .texts = words};
  data[5] = (testing_data){.kind = BF_KIND_PAIR, .pairs = pairs};
  data[6] = (testing_data){.kind = BF_KIND_TAGGED, .sentences = sentences};
  for (size_t i = 0; i < 7; i++) {
    data[i].n_rows = 40;
    data[i].label_names = names;
    if (i != 6) data[i].labels = labels;
  }
}

/* Sketched, like its own sketch where `like` is given, merged with that, encoded and decoded. */
static bf_status all_steps(const testing_data *data, const bf_sketch *like, bf_error *err) {
  bf_sketch *m = NULL, *again = NULL;
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_status status = BF_ERR_MEMORY;
  bf_sketch *s = testing_try(data, &(testing_how){.like = like, .min_count = 2}, err);
  if (!s) return err->code;
  BF_TRY(bf_sketch_merge(s, like ? like : s, &m, err));
  BF_TRY(bf_sketch_encode(m, &bytes, &n_bytes, err));
  BF_TRY(bf_sketch_decode(bytes, n_bytes, &again, err));
out:
  assert_true((again != NULL) == (status == BF_OK));
  bf_sketch_free(s);
  bf_sketch_free(m);
  bf_sketch_free(again);
  free(bytes);
  return status;
}

/* The n-th allocation fails, n = 1, 2, ... until none does: an error each time, nothing leaked (seen by the leak
 * sanitizer). */
static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  float *cells = testing_cells(40, 120, 1);
  int32_t labels[40] = {0};
  testing_data data[7];
  every_kind(data, cells, labels);
  for (size_t kind = 0; kind < 7; kind++) {
    bf_sketch *like = testing_sketch(&data[kind], &(testing_how){.min_count = 2});
    long n = 1;
    for (;; n++) {
      bf_error err = {0};
      bf__alloc_fail_at(n);
      bf_status status = all_steps(&data[kind], like, &err);
      bf__alloc_fail_at(0);
      assert_true(status == BF_OK || status == BF_ERR_MEMORY);
      assert_int_equal(err.code, status);
      if (status == BF_OK) break;
    }
    assert_in_range(n, 40, 2000);
    bf_sketch_free(like);
  }
  free(cells);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_gives_the_sketch_of_its_cells),
      cmocka_unit_test(progress_that_returns_false_cancels),
      cmocka_unit_test(no_dataset_is_an_argument_error),
      cmocka_unit_test(every_failing_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, write_array, remove_array);
}
