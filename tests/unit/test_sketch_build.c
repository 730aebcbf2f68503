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
  bf_sketch *expected = testing_sketch(&data, &(testing_how){0});
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

/* The n-th allocation fails, n = 1, 2, ... until none does: an error each time, nothing leaked (seen by the leak
 * sanitizer). */
static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  float *wide = testing_cells(40, 120, 1);
  int32_t labels[40] = {0};
  const char *const names[] = {"only"};
  for (int projected = 0; projected <= 1; projected++) {
    const uint32_t n_columns = projected ? 120 : 3;
    const bf__sketch_source source = {.n_columns = n_columns};
    testing_data data = {.label_names = names};
    long n = 1;
    for (;; n++) {
      bf__sketch_builder *b = NULL;
      bf_sketch *s = NULL, *again = NULL;
      uint8_t *bytes = NULL;
      size_t n_bytes = 0;
      bf_error err = {0};
      const bf_batch batch = {.n_rows = 40, .n_columns = n_columns, .cells = wide, .labels = labels};
      bf__alloc_fail_at(n);
      bf_status status = bf__sketch_builder_create(&source, 1, 1, NULL, &b, &err);
      if (status == BF_OK) status = bf__sketch_builder_add(b, &batch, &err);
      if (status == BF_OK) status = bf__sketch_builder_finish(b, testing_label_name, &data, &s, &err);
      if (status == BF_OK) status = bf_sketch_encode(s, &bytes, &n_bytes, &err);
      if (status == BF_OK) status = bf_sketch_decode(bytes, n_bytes, &again, &err);
      bf__alloc_fail_at(0);
      assert_true(status == BF_OK || status == BF_ERR_MEMORY);
      assert_int_equal(err.code, status);
      assert_true((again != NULL) == (status == BF_OK));
      bf__sketch_builder_free(b);
      bf_sketch_free(s);
      bf_sketch_free(again);
      free(bytes);
      if (status == BF_OK) break;
    }
    assert_in_range(n, 40, 1000);
  }
  free(wide);
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
