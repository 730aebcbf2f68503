/* Times library calls on two loaded sketches, and the scan of a CSV file by DuckDB alone: the parts of bench/run that
 * need C.
 *
 *   bench_library measure NAME SOURCE.sketch TARGET.sketch PARTITION_SIZE   microseconds a call, prepared sketches
 *   bench_library scan FILE.csv                                             seconds that DuckDB takes to scan every
 * column
 */
#include <bestfit/measure.h>
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int fail(const char *what) {
  fprintf(stderr, "bench_library: %s\n", what);
  return 1;
}

static bf_sketch *load_sketch(const char *path) {
  uint8_t *bytes = malloc(BF_SKETCH_MAX_BYTES);
  bf_sketch *sketch = NULL;
  bf_error err = {0};
  FILE *file = fopen(path, "rb");
  if (!file || !bytes) exit(fail(path));
  size_t n = fread(bytes, 1, BF_SKETCH_MAX_BYTES, file);
  fclose(file);
  if (bf_sketch_decode(bytes, n, &sketch, &err) != BF_OK) exit(fail(err.message));
  free(bytes);
  return sketch;
}

static int time_measure(const char *name, const char *source_path, const char *target_path,
                        const char *partition_size) {
  const bf_sketch *sketches[2] = {load_sketch(source_path), load_sketch(target_path)};
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  options.partition_size = (uint32_t)atoi(partition_size);
  bf_frame *frame = NULL;
  bf_prepared *source = NULL, *target = NULL;
  bf_error err = {0};
  if (bf_frame_create(sketches, 2, &options, &frame, &err) != BF_OK ||
      bf_prepared_create(frame, sketches[0], &source, &err) != BF_OK ||
      bf_prepared_create(frame, sketches[1], &target, &err) != BF_OK)
    return fail(err.message);
  double value = 0, start = now(), elapsed;
  long n_calls = 0;
  do {
    if (bf_measure(name, source, target, &value, &err) != BF_OK) return fail(err.message);
    n_calls++;
  } while ((elapsed = now() - start) < 0.5);
  printf("%.3f\n", elapsed / (double)n_calls * 1e6);
  return 0;
}

static int time_scan(const char *path) {
  duckdb_database database;
  duckdb_connection connection;
  duckdb_result result;
  if (duckdb_open(NULL, &database) != DuckDBSuccess || duckdb_connect(database, &connection) != DuckDBSuccess)
    return fail("DuckDB does not open");
  char sql[4096];
  snprintf(sql, sizeof sql, "SELECT sum(COLUMNS(*)) FROM read_csv('%s')", path);
  double start = now();
  if (duckdb_query(connection, sql, &result) != DuckDBSuccess) return fail(duckdb_result_error(&result));
  printf("%.3f\n", now() - start);
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "measure") == 0) return time_measure(argv[2], argv[3], argv[4], argv[5]);
  if (argc == 3 && strcmp(argv[1], "scan") == 0) return time_scan(argv[2]);
  return fail("usage: see the head of bench_library.c");
}
