/* One table in every format, plain and compressed: equal cells bit for bit, equal labels, whatever the threads and
 * batches. */
#include <duckdb.h>
#include <math.h>
#include <zip.h>
#include <zlib.h>
#include <zstd.h>

#include "dataset_testing.h"

#define ROWS 3000
#define COLUMNS 5

static float cells[ROWS * COLUMNS];
static int label_of[ROWS]; /* -1: none */
static const char *const LABELS[] = {"cat", "dog", "owl, grey", "fish \"x\""};

/* Values over the whole range of float32, subnormal ones too, with missing cells. */
static void make_table(void) {
  uint64_t s = 88172645463325252u;
  for (int i = 0; i < ROWS * COLUMNS; i++) {
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    uint32_t bits = (uint32_t)(s >> 32);
    float v;
    memcpy(&v, &bits, sizeof v);
    if (!isfinite(v)) v = 0;
    if (i % COLUMNS == 1) v = (float)(int)(bits % 2001) - 1000.0f;
    if (i % COLUMNS == 2) v = (float)(bits % 65536) / 65536.0f;
    cells[i] = s % 23 == 0 ? NAN : v;
  }
  for (int r = 0; r < ROWS; r++) label_of[r] = r * 7 % 9 < 4 ? r * 7 % 9 : r % 5 - 1;
}

/* Text spelling with the separator given; JSON lines where separator is '{'. */
static char *table_text(char separator, size_t *n) {
  char *out = NULL;
  FILE *f = open_memstream(&out, n);
  if (separator != '{') fprintf(f, "a%cb%cc%cd%ce%ckind\n", separator, separator, separator, separator, separator);
  for (int r = 0; r < ROWS; r++) {
    for (int c = 0; c < COLUMNS; c++) {
      float v = cells[r * COLUMNS + c];
      if (separator == '{') fprintf(f, "%s\"%c\":", c ? "," : "{", 'a' + c);
      if (!isnan(v))
        fprintf(f, "%.9g", (double)v);
      else if (separator == '{')
        fprintf(f, "null");
      if (separator != '{') fputc(separator, f);
    }
    const char *label = label_of[r] < 0 ? NULL : LABELS[label_of[r]];
    if (separator == '{') {
      fprintf(f, ",\"kind\":%s", label ? "\"" : "null}\n");
      for (const char *p = label; p && *p; p++) fprintf(f, *p == '"' ? "\\\"" : "%c", *p);
      if (label) fprintf(f, "\"}\n");
    } else {
      fputc('"', f);
      for (const char *p = label; p && *p; p++) fprintf(f, *p == '"' ? "\"\"" : "%c", *p);
      fprintf(f, "\"\n");
    }
  }
  fclose(f);
  return out;
}

static void put_gzip(const char *name, const void *bytes, size_t n) {
  gzFile file = gzopen(in_folder(name), "wb");
  assert_int_equal(gzwrite(file, bytes, (unsigned)n), (int)n);
  assert_int_equal(gzclose(file), Z_OK);
}

static void put_zstd(const char *name, const void *bytes, size_t n) {
  size_t room = ZSTD_compressBound(n);
  void *packed = malloc(room);
  size_t k = ZSTD_compress(packed, room, bytes, n, 3);
  assert_false(ZSTD_isError(k));
  put_file(name, packed, k);
  free(packed);
}

/* name, name.gz and name.zst */
static void put_thrice(const char *name, const void *bytes, size_t n) {
  char other[256];
  put_file(name, bytes, n);
  snprintf(other, sizeof other, "%s.gz", name);
  put_gzip(other, bytes, n);
  snprintf(other, sizeof other, "%s.zst", name);
  put_zstd(other, bytes, n);
}

static void put_parquet(void) {
  char sql[4096];
  duckdb_database db = NULL;
  duckdb_connection connection = NULL;
  duckdb_result result;
  assert_int_equal(duckdb_open(NULL, &db), DuckDBSuccess);
  assert_int_equal(duckdb_connect(db, &connection), DuckDBSuccess);
  snprintf(sql, sizeof sql,
           "COPY (SELECT * FROM read_csv('%s', header=true, delim=',', auto_detect=false, quote='\"', escape='\"', "
           "columns={'a':'FLOAT',"
           "'b':'SMALLINT','c':'DOUBLE','d':'FLOAT','e':'DOUBLE','kind':'VARCHAR'})) TO '%s' (FORMAT parquet, "
           "ROW_GROUP_SIZE 2048)",
           in_folder("t.csv"), in_folder("t.parquet"));
  if (duckdb_query(connection, sql, &result) != DuckDBSuccess) fail_msg("%s", duckdb_result_error(&result));
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&db);
}

static void put_npz(const char *name, const void *npy, size_t n) {
  char path[1024];
  snprintf(path, sizeof path, "%s", in_folder(name));
  zip_t *zip = zip_open(path, ZIP_CREATE, NULL);
  assert_non_null(zip);
  zip_source_t *source = zip_source_buffer(zip, npy, n, 0);
  assert_true(zip_file_add(zip, "x.npy", source, 0) >= 0);
  assert_int_equal(zip_close(zip), 0);
}

static int make_files(void **state) {
  if (make_test_folder(state) != 0) return -1;
  make_table();
  static const struct {
    const char *name;
    char separator;
  } TEXTS[] = {{"t.csv", ','}, {"t.tsv", '\t'}, {"t.jsonl", '{'}};
  for (size_t i = 0; i < 3; i++) {
    size_t n = 0;
    char *text = table_text(TEXTS[i].separator, &n);
    put_thrice(TEXTS[i].name, text, n);
    free(text);
  }
  put_parquet();
  uint8_t *npy = malloc(sizeof cells + 512);
  size_t n = npy_bytes(npy, "<f4", "False", "(3000, 5)", cells, sizeof cells);
  put_thrice("t.npy", npy, n);
  put_npz("t.npz", npy, n);
  double *doubles = malloc(sizeof(double) * ROWS * COLUMNS);
  for (int i = 0; i < ROWS * COLUMNS; i++) doubles[i] = (double)cells[i];
  free(npy);
  npy = malloc(sizeof(double) * ROWS * COLUMNS + 512);
  put_thrice("d.npy", npy, npy_bytes(npy, "<f8", "False", "(3000, 5)", doubles, sizeof(double) * ROWS * COLUMNS));
  free(npy);
  /* IDX: big-endian float32 of two dimensions */
  uint8_t *idx = malloc(12 + sizeof cells);
  memcpy(idx, "\0\0\x0d\x02\0\0\x0b\xb8\0\0\0\x05", 12);
  for (size_t i = 0; i < sizeof cells; i++) idx[12 + i] = ((const uint8_t *)cells)[i / 4 * 4 + 3 - i % 4];
  put_thrice("t.idx", idx, 12 + sizeof cells);
  free(idx);
  free(doubles);
  FILE *labels = fopen(in_folder("labels.txt"), "w");
  for (int r = 0; r < ROWS; r++) fprintf(labels, "%s\n", label_of[r] < 0 ? "" : LABELS[label_of[r]]);
  fclose(labels);
  return 0;
}

/* Bits, with every NaN alike: a missing cell has no value. */
static void assert_same_cells(const char *name, const float *found) {
  for (int i = 0; i < ROWS * COLUMNS; i++) {
    if (isnan(cells[i]) && isnan(found[i])) continue;
    if (memcmp(&cells[i], &found[i], sizeof(float)) != 0)
      fail_msg("%s: row %d, column %d: %.9g instead of %.9g", name, i / COLUMNS, i % COLUMNS, (double)found[i],
               (double)cells[i]);
  }
}

static const struct {
  const char *name, *format;
  bool is_table;
} FILES[] = {
    {"t.csv", "csv", true},         {"t.csv.gz", "csv", true},     {"t.csv.zst", "csv", true},
    {"t.tsv", "tsv", true},         {"t.tsv.gz", "tsv", true},     {"t.tsv.zst", "tsv", true},
    {"t.jsonl", "jsonl", true},     {"t.jsonl.gz", "jsonl", true}, {"t.jsonl.zst", "jsonl", true},
    {"t.parquet", "parquet", true}, {"t.npy", "npy", false},       {"t.npy.gz", "npy", false},
    {"t.npy.zst", "npy", false},    {"d.npy", "npy", false},       {"d.npy.gz", "npy", false},
    {"d.npy.zst", "npy", false},    {"t.npz", "npz", false},       {"t.idx", "idx", false},
    {"t.idx.gz", "idx", false},     {"t.idx.zst", "idx", false},
};
#define N_FILES (sizeof FILES / sizeof FILES[0])

static void every_format_gives_equal_cells_and_labels(void **state) {
  (void)state;
  for (size_t i = 0; i < N_FILES; i++) {
    for (uint32_t threads = 1; threads <= 2; threads++) {
      char labels[1024];
      snprintf(labels, sizeof labels, "%s", in_folder("labels.txt"));
      whole w =
          read_whole(in_folder(FILES[i].name), OPTIONS(.label = FILES[i].is_table ? "kind" : labels,
                                                       .n_threads = threads, .batch_bytes = threads == 1 ? 0 : 1000));
      if (w.status != BF_OK) fail_msg("%s: %s", FILES[i].name, w.error.message);
      assert_string_equal(w.format, FILES[i].format);
      assert_int_equal(w.rows, ROWS);
      assert_int_equal(w.columns, COLUMNS);
      assert_int_equal(w.n_labels, 4);
      assert_same_cells(FILES[i].name, w.cells);
      assert_string_equal(w.names, FILES[i].is_table ? "a,b,c,d,e" : "");
      for (int r = 0; r < ROWS; r++) {
        if (label_of[r] < 0)
          assert_null(w.labels[r]);
        else
          assert_string_equal(w.labels[r], LABELS[label_of[r]]);
      }
      whole_free(&w);
    }
  }
}

static void rows_are_loaded_alike_from_every_format(void **state) {
  (void)state;
  for (size_t i = 0; i < N_FILES; i++) {
    bf_rows *rows = NULL;
    bf_error err = {0};
    if (bf_rows_load(in_folder(FILES[i].name), OPTIONS(.drop = FILES[i].is_table ? "kind" : NULL), &rows, &err) !=
        BF_OK)
      fail_msg("%s: %s", FILES[i].name, err.message);
    assert_int_equal(bf_rows_count(rows), ROWS);
    assert_int_equal(bf_rows_column_count(rows), COLUMNS);
    if (FILES[i].is_table) assert_string_equal(bf_rows_column_name(rows, 4), "e");
    assert_same_cells(FILES[i].name, bf_rows_cells(rows));
    bf_rows_free(rows);
  }
}

static bf_sample *sample_of(const char *name, bool is_table, uint32_t threads) {
  bf_dataset *d = NULL;
  bf_sample *s = NULL;
  bf_error err = {0};
  char labels[1024];
  snprintf(labels, sizeof labels, "%s", in_folder("labels.txt"));
  if (bf_dataset_open(
          in_folder(name),
          OPTIONS(.label = is_table ? "kind" : labels, .n_threads = threads, .batch_bytes = threads == 1 ? 0 : 1000),
          &d, &err) != BF_OK)
    fail_msg("%s: %s", name, err.message);
  if (bf_sample_load(d, 500, 20220706, NULL, NULL, &s, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
  bf_dataset_close(d);
  return s;
}

static void a_sample_has_the_same_rows_from_every_format_whatever_the_threads(void **state) {
  (void)state;
  bf_sample *first = sample_of(FILES[0].name, FILES[0].is_table, 1);
  const bf_batch *a = bf_sample_batch(first);
  assert_int_equal(a->n_rows, 500);
  for (size_t i = 0; i < 2 * N_FILES; i++) {
    const char *name = FILES[i / 2].name;
    bf_sample *other = sample_of(name, FILES[i / 2].is_table, (uint32_t)(1 + i % 2));
    const bf_batch *b = bf_sample_batch(other);
    assert_int_equal(b->n_rows, 500);
    assert_int_equal(bf_sample_rows_seen(other), ROWS);
    if (memcmp(a->cells, b->cells, sizeof(float) * 500 * COLUMNS) != 0) fail_msg("%s: other cells", name);
    assert_memory_equal(a->labels, b->labels, sizeof(int32_t) * 500);
    for (uint32_t r = 0; r < 500; r++) assert_int_equal(bf_sample_row(first, r), bf_sample_row(other, r));
    bf_sample_free(other);
  }
  bf_sample_free(first);
}

static void conditions_and_columns_work_alike_in_every_table_format(void **state) {
  (void)state;
  uint64_t expected = 0;
  for (int r = 0; r < ROWS; r++) expected += cells[r * COLUMNS + 1] > 500;
  for (size_t i = 0; i < N_FILES; i++) {
    if (!FILES[i].is_table) continue;
    whole w = read_whole(in_folder(FILES[i].name), OPTIONS(.where = "b > 500", .columns = "c,b"));
    if (w.status != BF_OK) fail_msg("%s: %s", FILES[i].name, w.error.message);
    assert_int_equal(w.rows, expected);
    assert_string_equal(w.names, "c,b");
    for (uint64_t r = 0; r < w.rows; r++) assert_true(w.cells[r * 2 + 1] > 500);
    whole_free(&w);
  }
}

static void half_a_file_is_a_format_error_in_every_format(void **state) {
  (void)state;
  for (size_t i = 0; i < N_FILES; i++) {
    char path[1024];
    struct stat st;
    snprintf(path, sizeof path, "%s", in_folder(FILES[i].name));
    assert_int_equal(stat(path, &st), 0);
    uint8_t *bytes = malloc((size_t)st.st_size);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, (size_t)st.st_size, file), st.st_size);
    fclose(file);
    size_t half = (size_t)st.st_size / 2;
    while (half && FILES[i].is_table && bytes[half - 1] == '\n') half--; /* text cut between lines is whole */
    whole w = read_whole(put_file("half", bytes, half), OPTIONS(.format = FILES[i].format));
    if (w.status != BF_ERR_FORMAT) fail_msg("%s: %s %s", FILES[i].name, bf_status_name(w.status), w.error.message);
    assert_true(strlen(w.error.message) > 20);
    whole_free(&w);
    free(bytes);
  }
}

static void parquet_within_another_compression_is_refused_clearly(void **state) {
  (void)state;
  uint8_t bytes[4096];
  FILE *file = fopen(in_folder("t.parquet"), "rb");
  size_t n = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  put_gzip("t.parquet.gz", bytes, n);
  expect_failure(in_folder("t.parquet.gz"), NULL, BF_ERR_UNSUPPORTED, -2, "unpack it first");
}

/* Real digits: 10,000 images and their labels, as they are distributed. */
static void mnist_is_read_with_its_labels(void **state) {
  (void)state;
  const char *data = getenv("BESTFIT_DATA");
  if (!data) {
    print_message("skipped: BESTFIT_DATA is not set\n");
    skip();
  }
  char path[1024], labels[1024];
  snprintf(path, sizeof path, "%s/digits-mnist/t10k-images-idx3-ubyte.gz", data);
  snprintf(labels, sizeof labels, "%s/digits-mnist/t10k-labels-idx1-ubyte.gz", data);
  whole w = read_whole(path, OPTIONS(.label = labels));
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_true(w.kind == BF_KIND_IMAGE && w.rows == 10000 && w.height == 28 && w.width == 28 && w.channels == 1);
  assert_true(w.range_max == 255 && w.n_warnings == 0 && w.n_labels == 10);
  assert_string_equal(w.labels[0], "7");
  double sum = 0;
  for (size_t i = 0; i < 7840000; i++) sum += (double)w.cells[i];
  assert_true(sum == 264923200.0);
  whole_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_format_gives_equal_cells_and_labels),
      cmocka_unit_test(rows_are_loaded_alike_from_every_format),
      cmocka_unit_test(a_sample_has_the_same_rows_from_every_format_whatever_the_threads),
      cmocka_unit_test(conditions_and_columns_work_alike_in_every_table_format),
      cmocka_unit_test(half_a_file_is_a_format_error_in_every_format),
      cmocka_unit_test(parquet_within_another_compression_is_refused_clearly),
      cmocka_unit_test(mnist_is_read_with_its_labels),
  };
  return cmocka_run_group_tests(tests, make_files, remove_test_folder);
}
