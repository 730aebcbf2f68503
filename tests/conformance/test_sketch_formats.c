/* The same rows as CSV, Parquet and .npy, with 1 and 2 threads, give byte-equal sketches (column names aside). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bestfit/sketch.h>
#include <cmocka.h>
#include <duckdb.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sketch/sketch_data.h"

enum { ROWS = 20000, COLUMNS = 12 };

static char folder[] = "/tmp/bestfit-formats-XXXXXX";

static float cell(size_t row, size_t column) { /* several shapes, exact in nine digits; some cells are missing */
  uint64_t z = row * 1000003u + column * 7919u + 12345u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z ^= z >> 27;
  if (column == 3 && z % 17 == 0) return NAN;
  double u = (double)(z >> 11) * 0x1p-53;
  return (float)(column % 3 == 0 ? floor(u * 20) : column % 3 == 1 ? (u - 0.5) * 1e4 : u * u * u * 1e-3);
}

static void write_npy(const char *path) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  char header[119];
  memset(header, ' ', sizeof header);
  int n =
      snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", ROWS, COLUMNS);
  header[n] = ' ';
  header[117] = '\n';
  fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
  fwrite(header, 1, 118, file);
  for (size_t i = 0; i < ROWS; i++)
    for (size_t j = 0; j < COLUMNS; j++) {
      float v = cell(i, j);
      fwrite(&v, sizeof v, 1, file);
    }
  assert_int_equal(fclose(file), 0);
}

static void write_csv(const char *path) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  for (size_t j = 0; j < COLUMNS; j++) fprintf(file, "%scolumn%zu", j ? "," : "", j);
  for (size_t i = 0; i < ROWS; i++)
    for (size_t j = 0; j < COLUMNS; j++) {
      float v = cell(i, j);
      fputs(j ? "," : "\n", file);
      if (!isnan(v)) fprintf(file, "%.9g", (double)v);
    }
  fputc('\n', file);
  assert_int_equal(fclose(file), 0);
}

static void write_parquet(const char *csv, const char *path) {
  duckdb_database database;
  duckdb_connection connection;
  duckdb_result result;
  char sql[512];
  assert_int_equal(duckdb_open(NULL, &database), DuckDBSuccess);
  assert_int_equal(duckdb_connect(database, &connection), DuckDBSuccess);
  snprintf(sql, sizeof sql,
           "COPY (SELECT * FROM read_csv('%s', all_varchar=false, sample_size=-1)) TO '%s' (FORMAT parquet)", csv,
           path);
  if (duckdb_query(connection, sql, &result) != DuckDBSuccess) fail_msg("%s", duckdb_result_error(&result));
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
}

static uint8_t *sketch_bytes(const char *path, uint32_t n_threads, size_t *n_bytes) {
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  bf_sketch_options sketch_options = BF_SKETCH_OPTIONS_INIT;
  options.n_threads = sketch_options.n_threads = n_threads;
  bf_dataset *dataset = NULL;
  bf_sketch *sketch = NULL;
  bf_error err = {0};
  uint8_t *bytes = NULL;
  if (bf_dataset_open(path, &options, &dataset, &err) != BF_OK) fail_msg("%s", err.message);
  if (bf_sketch_build(dataset, &sketch_options, &sketch, &err) != BF_OK) fail_msg("%s", err.message);
  bf__sketch_forget_names(sketch);
  assert_int_equal(bf_sketch_rows(sketch), ROWS);
  assert_int_equal(bf_sketch_encode(sketch, &bytes, n_bytes, &err), BF_OK);
  bf_sketch_free(sketch);
  bf_dataset_close(dataset);
  return bytes;
}

static void equal_rows_give_equal_bytes_whatever_the_format_and_the_threads(void **state) {
  (void)state;
  char paths[3][64];
  snprintf(paths[0], sizeof paths[0], "%s/rows.npy", folder);
  snprintf(paths[1], sizeof paths[1], "%s/rows.csv", folder);
  snprintf(paths[2], sizeof paths[2], "%s/rows.parquet", folder);
  write_npy(paths[0]);
  write_csv(paths[1]);
  write_parquet(paths[1], paths[2]);
  size_t n_first = 0;
  uint8_t *first = sketch_bytes(paths[0], 1, &n_first);
  for (size_t f = 0; f < 3; f++)
    for (uint32_t n_threads = 1; n_threads <= 2; n_threads++) {
      size_t n = 0;
      uint8_t *bytes = sketch_bytes(paths[f], n_threads, &n);
      assert_int_equal(n, n_first);
      assert_memory_equal(bytes, first, n);
      free(bytes);
    }
  free(first);
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command) == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_rows_give_equal_bytes_whatever_the_format_and_the_threads),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
