/* Bytes of released formats: sketches written then must be read for ever, and equal rows must give equal bytes.
 * BESTFIT_WRITE_GOLDEN=1 writes the fixtures of a new version; those of a released one are never rewritten. */
#include <stdio.h>

#include "sketch_testing.h"

static const char *const column_names[] = {"height", "weight", "l\xc3\xa4nge", "age"};
static const char *const label_names[] = {"oak", "elm"};

static bf_sketch *features(void) {
  float *cells = testing_cells(200, 4, 2022);
  int32_t labels[200];
  for (int i = 0; i < 200; i++) labels[i] = i % 3 ? 0 : 1;
  cells[5] = NAN;
  cells[9] = INFINITY;
  for (size_t i = 0; i < 200; i++) cells[i * 4 + 3] = (float)(i % 80);
  testing_data data = {.n_rows = 200,
                       .n_columns = 4,
                       .cells = cells,
                       .names = column_names,
                       .labels = labels,
                       .label_names = label_names};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.seed = 7});
  free(cells);
  return s;
}

static bf_sketch *projected(void) {
  float *cells = testing_cells(40, 100, 2023);
  cells[77] = NAN;
  testing_data data = {.n_rows = 40, .n_columns = 100, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  free(cells);
  return s;
}

static bf_sketch *images(void) {
  float pixels[30 * 75];
  bf_image list[30];
  for (size_t i = 0; i < 30 * 75; i++) pixels[i] = (float)(bf__mix64(4, i) % 256);
  for (size_t i = 0; i < 30; i++) list[i] = (bf_image){5, 5, 3, pixels + 75 * i};
  testing_data data = {.kind = BF_KIND_IMAGE, .n_rows = 30, .images = list, .range_max = 255};
  return testing_sketch(&data, &(testing_how){0});
}

static const char *const sentence[] = {"The",  "quick", "brown", "Fox-7",        "jumps",
                                       "over", "12.5",  "lazy",  "\xc3\x84pfel", "."};

static bf_string word_of(uint64_t i) {
  const char *s = sentence[bf__mix64(11, i) % 10];
  return (bf_string){s, (uint32_t)strlen(s)};
}

static bf_sketch *series(void) {
  float *cells = testing_cells(50, 25 * 3, 2024);
  cells[30] = NAN;
  testing_data data = {.kind = BF_KIND_SERIES, .n_rows = 50, .n_steps = 25, .n_channels = 3, .cells = cells};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.min_count = 5});
  free(cells);
  return s;
}

static bf_sketch *text(void) {
  static char bytes[40][200];
  bf_string rows[40];
  for (size_t i = 0; i < 40; i++) {
    size_t at = 0;
    for (size_t k = 0; k < i % 17; k++) at += (size_t)sprintf(bytes[i] + at, "%s ", word_of(i * 17 + k).bytes);
    rows[i] = (bf_string){bytes[i], (uint32_t)at};
  }
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = 40, .texts = rows};
  return testing_sketch(&data, &(testing_how){.min_count = 5});
}

static bf_sketch *pairs(void) {
  bf_field fields[30 * 6];
  bf_pair rows[30];
  for (size_t i = 0; i < 30 * 6; i++) fields[i] = (bf_field){{"a", 1}, word_of(i)};
  for (size_t i = 0; i < 30; i++) rows[i] = (bf_pair){{fields + 6 * i, 3}, {fields + 6 * i + 3, 3}};
  testing_data data = {.kind = BF_KIND_PAIR, .n_rows = 30, .pairs = rows};
  return testing_sketch(&data, &(testing_how){0});
}

static bf_sketch *tagged(void) {
  bf_string tokens[20 * 9];
  int32_t tags[20 * 9];
  bf_sentence rows[20];
  for (size_t i = 0; i < 20 * 9; i++) {
    tokens[i] = word_of(i);
    tags[i] = (int32_t)(i % 3) - 1;
  }
  for (size_t i = 0; i < 20; i++) rows[i] = (bf_sentence){tokens + 9 * i, tags + 9 * i, (uint32_t)(i % 10)};
  testing_data data = {.kind = BF_KIND_TAGGED, .n_rows = 20, .sentences = rows, .label_names = label_names};
  return testing_sketch(&data, &(testing_how){0});
}

static bf_sketch *strings(void) {
  bf_field fields[60];
  for (size_t i = 0; i < 60; i++) fields[i] = (bf_field){{"colour", 6}, word_of(i)};
  testing_data data = {.n_rows = 60, .strings = fields, .n_string_columns = 1};
  return testing_sketch(&data, &(testing_how){.min_count = 2});
}

static const struct {
  const char *file;
  bf_sketch *(*make)(void);
  uint64_t hash; /* XXH3 of the bytes */
} golden[] = {
    {"sketch-v1-features.bfsk", features, 0xd1e512b1b443e42fu},
    {"sketch-v1-projected.bfsk", projected, 0xfdbc6a889e242662u},
    {"sketch-v1-images.bfsk", images, 0x7ad910bc19da09aau},
    {"sketch-v1-series.bfsk", series, 0xd807131372b51afau},
    {"sketch-v1-text.bfsk", text, 0xa474016b59b3a98fu},
    {"sketch-v1-pairs.bfsk", pairs, 0x87ec8fa0b43ee2f5u},
    {"sketch-v1-tagged.bfsk", tagged, 0x679484bd31e75017u},
    {"sketch-v1-strings.bfsk", strings, 0xe28f7acd7a65e1e3u},
};
#define N_GOLDEN (sizeof golden / sizeof *golden)

static void path_of(size_t i, char *path, size_t n) {
  snprintf(path, n, "%s/tests/golden/data/%s", TEST_SOURCE_DIR, golden[i].file);
}

static uint8_t *read_golden(size_t i, size_t *n) {
  char path[4096];
  path_of(i, path, sizeof path);
  FILE *f = fopen(path, "rb");
  if (!f) fail_msg("cannot open %s", path);
  uint8_t *bytes = malloc(BF_SKETCH_MAX_BYTES + 1);
  assert_non_null(bytes);
  *n = fread(bytes, 1, BF_SKETCH_MAX_BYTES + 1, f);
  fclose(f);
  return bytes;
}

static void equal_rows_give_the_released_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < N_GOLDEN; i++) {
    bf_sketch *s = golden[i].make();
    size_t n, n_file;
    uint8_t *bytes = testing_encode(s, &n);
    if (getenv("BESTFIT_WRITE_GOLDEN")) {
      char path[4096];
      path_of(i, path, sizeof path);
      FILE *f = fopen(path, "wb");
      assert_non_null(f);
      assert_int_equal(fwrite(bytes, 1, n, f), n);
      assert_int_equal(fclose(f), 0);
    }
    uint8_t *file = read_golden(i, &n_file);
    uint64_t hash = bf__xxh64(bytes, n, 0);
    if (hash != golden[i].hash) print_error("%s: hash 0x%016llxu\n", golden[i].file, (unsigned long long)hash);
    assert_int_equal(n, n_file);
    assert_memory_equal(bytes, file, n);
    if (!getenv("BESTFIT_WRITE_GOLDEN")) assert_true(hash == golden[i].hash);
    free(file);
    free(bytes);
    bf_sketch_free(s);
  }
}

static void released_bytes_are_read(void **state) {
  (void)state;
  bf_sketch *s[N_GOLDEN];
  for (size_t i = 0; i < N_GOLDEN; i++) {
    size_t n;
    uint8_t *bytes = read_golden(i, &n);
    bf_error err;
    assert_int_equal(bf_sketch_decode(bytes, n, &s[i], &err), BF_OK);
    free(bytes);
  }
  assert_int_equal(bf_sketch_kind(s[0]), BF_KIND_FEATURES);
  assert_int_equal(bf_sketch_rows(s[0]), 200);
  assert_int_equal(bf_sketch_seed(s[0]), 7);
  assert_int_equal(bf_sketch_missing(s[0]), 2);
  bf_column age;
  assert_int_equal(bf_sketch_column(s[0], 3, &age, NULL), BF_OK);
  assert_string_equal(age.name, "age");
  assert_true(age.mean == 35.5 && age.min == 0.0f && age.max == 79.0f); /* 2 x (0 .. 79), 0 .. 39 */
  uint64_t count;
  assert_string_equal(bf_sketch_label(s[0], 0, &count), "oak");
  assert_int_equal(count, 133);
  assert_true(bf_sketch_projected(s[1]));
  assert_int_equal(bf_sketch_raw_column_count(s[1]), 100);
  uint32_t height, width, channels;
  assert_true(bf_sketch_image_shape(s[2], &height, &width, &channels));
  assert_true(height == 5 && width == 5 && channels == 3);
  assert_true(bf_sketch_range_max(s[2]) == 255.0);
  assert_int_equal(bf_sketch_kind(s[3]), BF_KIND_SERIES);
  bf_column power;
  assert_int_equal(bf_sketch_column(s[3], 16 + 8, &power, NULL), BF_OK);
  assert_string_equal(power.name, "ch1.power1");
  assert_int_equal(bf_sketch_kind(s[4]), BF_KIND_TEXT);
  assert_true(bf_sketch_word_total(s[4]) > 100 && bf_sketch_word_distinct(s[4]) > 5.0);
  assert_int_equal(bf_sketch_kind(s[5]), BF_KIND_PAIR);
  assert_int_equal(bf_sketch_column_count(s[5]), 64);
  assert_int_equal(bf_sketch_kind(s[6]), BF_KIND_TAGGED);
  assert_string_equal(bf_sketch_label(s[6], 0, NULL), "oak");
  assert_int_equal(bf_sketch_column_count(s[7]), 0);
  assert_non_null(strstr(bf_sketch_word(s[7], 0, NULL, NULL), "colour="));
  for (size_t i = 0; i < N_GOLDEN; i++) bf_sketch_free(s[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_rows_give_the_released_bytes),
      cmocka_unit_test(released_bytes_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
