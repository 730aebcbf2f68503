/* Samples of rows: which rows they are, that they are the same from every format, and their bytes. */
#include <math.h>

#include "base/bottom_k.h"
#include "base/container.h"
#include "base/hash.h"
#include "base/memory.h"
#include "dataset/row_sample.h"
#include "sample_testing.h"

#define SEED 20220706u

static bf_sample *must_sample(const char *path, const bf_dataset_options *options, uint64_t max_rows) {
  bf_dataset *d = NULL;
  bf_sample *s = NULL;
  bf_error err = {0};
  if (bf_dataset_open(path, options, &d, &err) != BF_OK) fail_msg("open %s: %s", path, err.message);
  if (bf_sample_load(d, max_rows, SEED, NULL, NULL, &s, &err) != BF_OK) fail_msg("sample %s: %s", path, err.message);
  bf_dataset_close(d);
  return s;
}

static void assert_equal_samples(const bf_sample *a, const bf_sample *b) {
  char *x = spell_sample(a), *y = spell_sample(b);
  assert_string_equal(x, y);
  free(x);
  free(y);
}

/* ------------------------------------------------------------------ which rows */

static void the_rows_of_the_smallest_hashes_are_taken_in_the_order_of_the_data(void **state) {
  (void)state;
  enum { ROWS = 5000, TAKEN = 100 };
  static float cells[ROWS];
  static uint64_t hashes[ROWS];
  for (int i = 0; i < ROWS; i++) {
    cells[i] = (float)i;
    hashes[i] = bf__mix64(SEED, (uint64_t)i);
  }
  bf_sample *s = must_sample(put_npy("r.npy", "<f4", "(5000, 1)", cells, sizeof cells), NULL, TAKEN);
  const bf_batch *b = bf_sample_batch(s);
  assert_int_equal(b->n_rows, TAKEN);
  assert_int_equal(bf_sample_rows_seen(s), ROWS);
  uint64_t largest = 0;
  for (uint32_t i = 0; i < TAKEN; i++) {
    uint64_t row = bf_sample_row(s, i);
    assert_true(i == 0 || row > bf_sample_row(s, i - 1));
    assert_true(b->cells[i] == (float)row);
    if (hashes[row] > largest) largest = hashes[row];
  }
  int below = 0;
  for (int i = 0; i < ROWS; i++) below += hashes[i] <= largest;
  assert_int_equal(below, TAKEN); /* none that was left out has a smaller hash */
  bf_sample_free(s);
}

static void every_row_is_taken_equally_often(void **state) {
  (void)state;
  enum { ROWS = 200, TAKEN = 50, SEEDS = 2000 };
  static int taken[ROWS];
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    bf__bottom_k b = {.seed = seed * 7919 + 1, .k = TAKEN};
    bool kept = false;
    uint32_t slot = 0;
    for (uint64_t row = 0; row < ROWS; row++) assert_int_equal(bf__bottom_k_offer(&b, row, &kept, &slot, NULL), BF_OK);
    assert_int_equal(b.n, TAKEN);
    for (uint32_t i = 0; i < b.n; i++) taken[b.heap[i].row]++;
    bf__bottom_k_deinit(&b);
  }
  /* 500 expected, standard deviation 19.4; chi-square with 199 degrees of freedom stays below 262 at 0.998 */
  double chi = 0;
  for (int i = 0; i < ROWS; i++) {
    double d = taken[i] - (double)SEEDS * TAKEN / ROWS;
    assert_true(fabs(d) < 5 * 19.4);
    chi += d * d / ((double)SEEDS * TAKEN / ROWS * (1 - (double)TAKEN / ROWS));
  }
  assert_true(chi < 262);
}

static void fewer_rows_than_asked_for_are_all_taken(void **state) {
  (void)state;
  bf_sample *s = must_sample(put_text("few.csv", "a,b,y\n1,2,x\n3,4,z\n"), OPTIONS(.label = "y"), 0);
  const bf_batch *b = bf_sample_batch(s);
  bf_schema schema;
  bf_sample_schema(s, &schema);
  assert_int_equal(b->n_rows, 2);
  assert_int_equal(schema.n_columns, 2);
  assert_string_equal(schema.column_names[1], "b");
  assert_int_equal(schema.n_labels, 2);
  assert_string_equal(schema.label_names[b->labels[1]], "z");
  assert_true(b->cells[3] == 4);
  bf_sample_free(s);
  s = must_sample(put_text("none.csv", "a,b\n"), NULL, 0);
  assert_int_equal(bf_sample_batch(s)->n_rows, 0);
  assert_int_equal(bf_sample_rows_seen(s), 0);
  bf_sample_free(s);
}

/* tests/conformance/test_dataset_formats.c has the other formats. */
static void csv_and_npy_give_the_same_sample(void **state) {
  (void)state;
  enum { ROWS = 3000, COLUMNS = 3 };
  static float cells[ROWS * COLUMNS];
  bf__random random = bf__random_of(5);
  char *text = malloc(ROWS * 64), *at = text;
  at += sprintf(at, "a,b,c\n");
  for (int i = 0; i < ROWS * COLUMNS; i++) {
    bool missing = i % 11 == 3;
    cells[i] = missing ? NAN : (float)((double)bf__random_below(&random, 4096) / 64 - 32);
    if (missing)
      at += sprintf(at, "%s", i % COLUMNS == COLUMNS - 1 ? "\n" : ",");
    else
      at += sprintf(at, "%.9g%s", (double)cells[i], i % COLUMNS == COLUMNS - 1 ? "\n" : ",");
  }
  const char *csv = put_text("t.csv", text);
  free(text);
  bf_sample *from_csv = must_sample(csv, OPTIONS(.n_threads = 1), 700);
  bf_sample *two = must_sample(csv, OPTIONS(.n_threads = 2, .batch_bytes = 4096), 700);
  assert_equal_samples(from_csv, two);
  cells[3] = -cells[3]; /* a NaN of another sign is the same missing cell */
  bf_sample *from_npy = must_sample(put_npy("t.npy", "<f4", "(3000, 3)", cells, sizeof cells), NULL, 700);
  assert_equal_samples(from_csv, from_npy);
  bf_sample_free(from_csv);
  bf_sample_free(two);
  bf_sample_free(from_npy);
}

/* ------------------------------------------------------------------ kinds */

/* One sample of each kind, n counts up until NULL. */
static bf_sample *sample_of_kind(int n) {
  static const float series[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  uint8_t pixels[2 * 3 * 3];
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 14);
  switch (n) {
    case 0:
      return must_sample(put_text("f.csv", "a,b,y\n1.5,,x\n-3,4e10,\n0,7,z\n"), OPTIONS(.label = "y"), 0);
    case 1:
      return must_sample(put_text("g.csv", "a,name,town\n1,Anna,\n2,B\xC3\xB6,Lyon\n3,,Nice\n"),
                         OPTIONS(.columns = "a,name,town"), 0);
    case 2:
      return must_sample(put_npy("s.npy", "<f4", "(2, 3, 2)", series, sizeof series), OPTIONS(.kind = "series"), 0);
    case 3:
      return must_sample(put_npy("i.npy", "|u1", "(2, 3, 3)", pixels, sizeof pixels), OPTIONS(.range_max = 255), 0);
    case 4:
      return must_sample(put_text("x.txt", "good\tfine words\nbad\tpoor words\ngood\t\n"),
                         OPTIONS(.format = "label-text"), 0);
    case 5:
      return must_sample(put_text("p.txt",
                                  "COL a VAL x COL b VAL\tCOL a VAL y\t1\n"
                                  "COL VAL v\tCOL a VAL \xC3\xA9\t0\n"
                                  "\t\t1\n"),
                         OPTIONS(.format = "col-val"), 0);
    case 6:
      return must_sample(put_text("k.txt", "The\tDET\ndog\tNOUN\n\nruns\tVERB\n"), OPTIONS(.format = "token-tag"), 0);
    default:
      return NULL;
  }
}
enum { KINDS = 7 };

static void what_a_sample_holds_is_what_the_data_hold(void **state) {
  (void)state;
  static const char *const words[KINDS] = {
      "features 3 of 3, 2 columns, 0 x 0, white 0\nlabel x\nlabel z\n0 label 0 3fc00000 7fc00000\n1 label -1 c0400000",
      "{name:Anna}{town:NULL}\n1 40000000{name:B\xC3\xB6}{town:Lyon}\n",
      "series 2 of 2, 6 columns, 3 x 2, white 0\n0 3f800000 40000000",
      "image 2 of 2, 9 columns, 0 x 0, white 255\n",
      "text 3 of 3, 0 columns, 0 x 0, white 0\nlabel good\nlabel bad\n0 label 0fine words\n1 label 1poor words\n2 "
      "label 0\n",
      "0 label 0{a:x}{b:NULL}|{a:y}\n1 label 1{:v}|{a:\xC3\xA9}\n2 label 0|\n",
      "label DET\nlabel NOUN\nlabel VERB\n0The/0 dog/1 \n1runs/2 \n",
  };
  for (int n = 0; n < KINDS; n++) {
    bf_sample *s = sample_of_kind(n);
    char *spelt = spell_sample(s);
    if (strstr(spelt, words[n]) == NULL) fail_msg("kind %d: %s", n, spelt);
    free(spelt);
    bf_sample_free(s);
  }
  bf_sample *s = sample_of_kind(0);
  const bf_batch *b = bf_sample_batch(s);
  assert_true(b->cells[0] == 1.5f && isnan(b->cells[1]) && b->cells[3] == 4e10f);
  assert_int_equal(b->labels[1], -1);
  bf_sample_free(s);
}

static void images_of_several_sizes_keep_their_sizes(void **state) {
  (void)state;
  mkdir(in_folder("images"), 0700);
  static const uint32_t sizes[3][2] = {{2, 3}, {4, 1}, {1, 1}};
  for (uint32_t i = 0; i < 3; i++) {
    uint8_t pixels[8 * 3] = {0}, *png = NULL;
    char name[64];
    size_t n = 0;
    for (size_t k = 0; k < sizeof pixels; k++) pixels[k] = (uint8_t)(i * 50 + k);
    assert_int_equal(bf_image_encode_png(pixels, sizes[i][0], sizes[i][1], 3, &png, &n, NULL), BF_OK);
    snprintf(name, sizeof name, "images/%u.png", i);
    put_file(name, png, n);
    free(png);
  }
  bf_sample *s = must_sample(in_folder("images"), OPTIONS(.range_max = 255), 0);
  const bf_batch *b = bf_sample_batch(s);
  assert_int_equal(b->n_rows, 3);
  assert_int_equal(b->n_columns, 0);
  assert_null(b->cells);
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(b->images[i].height, sizes[i][0]);
    assert_int_equal(b->images[i].width, sizes[i][1]);
    assert_int_equal(b->images[i].channels, 3);
    assert_true(b->images[i].pixels[2] == (float)(i * 50 + 2));
  }
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_sample *again = NULL;
  assert_int_equal(bf_sample_encode(s, &bytes, &n, NULL), BF_OK);
  assert_int_equal(bf_sample_decode(bytes, n, &again, NULL), BF_OK);
  assert_equal_samples(s, again);
  free(bytes);
  bf_sample_free(s);
  bf_sample_free(again);
}

/* ------------------------------------------------------------------ bytes */

static void every_kind_comes_back_from_its_bytes(void **state) {
  (void)state;
  for (int i = 0; i < KINDS; i++) {
    bf_sample *s = sample_of_kind(i), *again = NULL;
    uint8_t *bytes = NULL, *twice = NULL;
    size_t n = 0, m = 0;
    bf_error err = {0};
    assert_int_equal(bf_sample_encode(s, &bytes, &n, NULL), BF_OK);
    if (bf_sample_decode(bytes, n, &again, &err) != BF_OK) fail_msg("kind %d: %s", i, err.message);
    assert_equal_samples(s, again);
    bf_schema a, b;
    bf_sample_schema(s, &a);
    bf_sample_schema(again, &b);
    assert_int_equal(a.n_columns, b.n_columns);
    assert_int_equal(a.column_names == NULL, b.column_names == NULL);
    for (uint32_t k = 0; a.column_names && k < a.n_columns; k++)
      assert_string_equal(a.column_names[k], b.column_names[k]);
    assert_int_equal(bf_sample_encode(again, &twice, &m, NULL), BF_OK);
    assert_int_equal(n, m);
    assert_memory_equal(bytes, twice, n);
    free(bytes);
    free(twice);
    bf_sample_free(s);
    bf_sample_free(again);
  }
}

static void cut_at_any_byte_it_is_an_error(void **state) {
  (void)state;
  for (int i = 0; i < KINDS; i++) {
    bf_sample *s = sample_of_kind(i), *again = NULL;
    uint8_t *bytes = NULL;
    size_t n = 0;
    assert_int_equal(bf_sample_encode(s, &bytes, &n, NULL), BF_OK);
    for (size_t k = 0; k < n; k++) {
      uint8_t *cut = malloc(k + 1); /* so that the sanitizer sees a step too far */
      memcpy(cut, bytes, k);
      bf_error err = {0};
      bf_status status = bf_sample_decode(cut, k, &again, &err);
      assert_true(status == BF_ERR_FORMAT || status == BF_ERR_CORRUPT);
      assert_int_equal(err.code, status);
      assert_null(again);
      free(cut);
    }
    free(bytes);
    bf_sample_free(s);
  }
}

static void any_flipped_bit_is_an_error(void **state) {
  (void)state;
  bf_sample *s = sample_of_kind(1), *again = NULL;
  uint8_t *bytes = NULL;
  size_t n = 0;
  assert_int_equal(bf_sample_encode(s, &bytes, &n, NULL), BF_OK);
  for (size_t bit = 0; bit < 8 * n; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    bf_status status = bf_sample_decode(bytes, n, &again, NULL);
    assert_true(status == BF_ERR_FORMAT || status == BF_ERR_CORRUPT);
    assert_null(again);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  free(bytes);
  bf_sample_free(s);
}

/* The same sample with its content as it is, not packed. */
static uint8_t *unpacked(const uint8_t *bytes, size_t n, size_t *out_bytes) {
  const uint8_t *content = NULL;
  uint8_t *owned = NULL;
  bf__writer w = {0};
  size_t m = 0;
  assert_int_equal(bf__container_decode(bytes, n, "BFSM", 1, "sample", 1 << 20, &content, &m, &owned, NULL), BF_OK);
  bf__write(&w, bytes, 6);
  bf__write_u16(&w, 0);
  bf__write_u64(&w, m);
  bf__write_u64(&w, m);
  bf__write(&w, content, m);
  bf__write_u64(&w, bf__xxh64(w.data, w.size, 0));
  free(owned);
  *out_bytes = w.size;
  return w.data;
}

/* Changes bytes of the content and repairs the check sum, so that the content itself is looked at. */
static bf_status decode_changed(const uint8_t *bytes, size_t n, size_t at, const void *change, size_t n_change) {
  uint8_t *copy = malloc(n);
  bf_sample *s = NULL;
  memcpy(copy, bytes, n);
  memcpy(copy + at, change, n_change);
  uint64_t sum = bf__xxh64(copy, n - 8, 0);
  memcpy(copy + n - 8, &sum, 8);
  bf_status status = bf_sample_decode(copy, n, &s, NULL);
  assert_int_equal(status == BF_OK, s != NULL);
  bf_sample_free(s);
  free(copy);
  return status;
}

static void a_content_that_lies_is_refused_before_memory_is_taken(void **state) {
  (void)state;
  bf_sample *s = sample_of_kind(0);
  uint8_t *bytes = NULL;
  size_t n = 0;
  const uint32_t huge = 0xfffffff0u, nine = 9, three = 3;
  const float infinite = INFINITY;
  const uint16_t newer = 2;
  const uint8_t kind = 6, label = 5;
  assert_int_equal(bf_sample_encode(s, &bytes, &n, NULL), BF_OK);
  uint8_t *packed = bytes;
  bytes = unpacked(packed, n, &n); /* offsets are those of the content, plus 24 */
  free(packed);
  assert_int_equal(decode_changed(bytes, n, 0, "BFSM", 4), BF_OK);
  assert_int_equal(decode_changed(bytes, n, 4, &newer, 2), BF_ERR_UNSUPPORTED);
  assert_int_equal(decode_changed(bytes, n, 24, &kind, 1), BF_ERR_CORRUPT);
  assert_int_equal(decode_changed(bytes, n, 28, &huge, 4), BF_ERR_CORRUPT);  /* rows */
  assert_int_equal(decode_changed(bytes, n, 40, &huge, 4), BF_ERR_CORRUPT);  /* columns */
  assert_int_equal(decode_changed(bytes, n, 44, &three, 4), BF_ERR_CORRUPT); /* steps of features */
  assert_int_equal(decode_changed(bytes, n, 52, &huge, 4), BF_ERR_CORRUPT);  /* string columns */
  assert_int_equal(decode_changed(bytes, n, 64, &huge, 4), BF_ERR_CORRUPT);  /* labels */
  assert_int_equal(decode_changed(bytes, n, 68, &nine, 4), BF_ERR_CORRUPT);  /* length of a label */
  size_t row = n - 8 - 3 * 20;
  assert_int_equal(decode_changed(bytes, n, row, &nine, 4), BF_ERR_CORRUPT);      /* the row's number */
  assert_int_equal(decode_changed(bytes, n, row + 8, &label, 1), BF_ERR_CORRUPT); /* its label */
  assert_int_equal(decode_changed(bytes, n, row + 12, &infinite, 4), BF_ERR_CORRUPT);
  free(bytes);
  bf_sample_free(s);
}

static void what_claims_to_grow_out_of_nothing_is_refused(void **state) {
  (void)state;
  static float zeros[600000];
  bf_sample *s = must_sample(put_npy("z.npy", "<f4", "(600, 1000)", zeros, sizeof zeros), NULL, 0), *again = NULL;
  uint8_t *bytes = NULL;
  size_t n = 0;
  assert_int_equal(bf_sample_encode(s, &bytes, &n, NULL), BF_OK);
  assert_int_equal(bytes[6], 0); /* would be packed more than 200 to 1: kept as it is */
  assert_int_equal(bf_sample_decode(bytes, n, &again, NULL), BF_OK);
  assert_equal_samples(s, again);
  bf_sample_free(again);
  const uint64_t more = (uint64_t)1 << 40;
  assert_int_equal(decode_changed(bytes, n, 8, &more, 8), BF_ERR_LIMIT);
  const uint8_t method = 1;
  assert_int_equal(decode_changed(bytes, n, 6, &method, 1), BF_ERR_CORRUPT);
  free(bytes);
  bf_sample_free(s);
}

static void more_than_the_memory_that_it_may_take_is_an_error(void **state) {
  (void)state;
  char *text = malloc(1 << 20), *at = text;
  for (int i = 0; i < 200; i++) {
    memset(at, 'a' + i % 26, 5000);
    at[5000] = '\n';
    at += 5001;
  }
  *at = 0;
  const char *path = put_text("long.txt", text);
  free(text);
  static const size_t limits[] = {1 << 16, 1 << 18, 1100000, 4 << 20};
  static const bf_status wanted[] = {BF_ERR_LIMIT, BF_ERR_LIMIT, BF_ERR_LIMIT, BF_OK};
  for (size_t i = 0; i < 4; i++) {
    bf_dataset *d = NULL;
    bf_sample *s = NULL;
    bf_error err = {0};
    assert_int_equal(bf_dataset_open(path, OPTIONS(.format = "lines"), &d, NULL), BF_OK);
    bf_status status = bf__row_sample_load(d, 0, SEED, limits[i], NULL, NULL, &s, &err);
    if (status != wanted[i]) fail_msg("limit %zu: %s: %s", limits[i], bf_status_name(status), err.message);
    assert_int_equal(status == BF_OK, s != NULL);
    bf_sample_free(s);
    bf_dataset_close(d);
  }
  /* Few of many long rows take little. */
  bf_dataset *d = NULL;
  bf_sample *s = NULL;
  assert_int_equal(bf_dataset_open(path, OPTIONS(.format = "lines"), &d, NULL), BF_OK);
  assert_int_equal(bf__row_sample_load(d, 5, SEED, 1 << 17, NULL, NULL, &s, NULL), BF_OK);
  bf_sample_free(s);
  bf_dataset_close(d);
}

static void no_failed_allocation_leaks_or_gives_half_a_sample(void **state) {
  (void)state;
  for (int kind = 0; kind < KINDS; kind++) {
    bf_sample *s = sample_of_kind(kind);
    for (long n = 1;; n++) {
      uint8_t *bytes = NULL;
      size_t n_bytes = 0;
      bf_sample *again = NULL;
      bf__alloc_fail_at(n);
      bf_status status = bf_sample_encode(s, &bytes, &n_bytes, NULL);
      if (status == BF_OK) status = bf_sample_decode(bytes, n_bytes, &again, NULL);
      bool failed = bf__alloc_fail_left() == 0;
      bf__alloc_fail_at(0);
      assert_int_equal(status, failed ? BF_ERR_MEMORY : BF_OK);
      assert_int_equal(status == BF_OK, again != NULL);
      free(bytes);
      bf_sample_free(again);
      if (!failed) break;
    }
    bf_sample_free(s);
  }
}

static bool stop(void *context, const char *unit, uint64_t done, uint64_t total) {
  ++*(int *)context;
  assert_string_equal(unit, "bytes");
  assert_true(done <= total);
  return false;
}

static void progress_can_cancel(void **state) {
  (void)state;
  bf_dataset *d = NULL;
  bf_sample *s = NULL;
  int calls = 0;
  assert_int_equal(bf_dataset_open(put_text("c.txt", "a\nb\n"), OPTIONS(.format = "lines"), &d, NULL), BF_OK);
  assert_int_equal(bf_sample_load(d, 0, SEED, stop, &calls, &s, NULL), BF_ERR_CANCELLED);
  assert_null(s);
  assert_int_equal(calls, 1);
  bf_dataset_close(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_rows_of_the_smallest_hashes_are_taken_in_the_order_of_the_data),
      cmocka_unit_test(every_row_is_taken_equally_often),
      cmocka_unit_test(fewer_rows_than_asked_for_are_all_taken),
      cmocka_unit_test(csv_and_npy_give_the_same_sample),
      cmocka_unit_test(what_a_sample_holds_is_what_the_data_hold),
      cmocka_unit_test(images_of_several_sizes_keep_their_sizes),
      cmocka_unit_test(every_kind_comes_back_from_its_bytes),
      cmocka_unit_test(cut_at_any_byte_it_is_an_error),
      cmocka_unit_test(any_flipped_bit_is_an_error),
      cmocka_unit_test(a_content_that_lies_is_refused_before_memory_is_taken),
      cmocka_unit_test(what_claims_to_grow_out_of_nothing_is_refused),
      cmocka_unit_test(more_than_the_memory_that_it_may_take_is_an_error),
      cmocka_unit_test(no_failed_allocation_leaks_or_gives_half_a_sample),
      cmocka_unit_test(progress_can_cancel),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
