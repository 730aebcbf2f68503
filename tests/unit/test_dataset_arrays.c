/* Arrays: .npy, .npz, IDX and label files, on good and on hostile bytes. */
#include <math.h>
#include <zip.h>
#include <zlib.h>

#include "base/memory.h"
#include "dataset_testing.h"

static void every_number_type_becomes_float32(void **state) {
  (void)state;
  static const struct {
    const char *type;
    const uint8_t bytes[16];
    size_t n;
    float expected[2];
  } CASES[] = {
      {"|b1", {1, 0}, 2, {1, 0}},
      {"|u1", {200, 3}, 2, {200, 3}},
      {"|i1", {0xff, 3}, 2, {-1, 3}},
      {"<u2", {1, 2, 0, 0}, 4, {513, 0}},
      {">u2", {1, 2, 0, 0}, 4, {258, 0}},
      {"<i2", {0xff, 0xff, 5, 0}, 4, {-1, 5}},
      {">i4", {0xff, 0xff, 0xff, 0xfe, 0, 0, 1, 0}, 8, {-2, 256}},
      {"<u4", {0, 0, 0, 0x80, 1, 0, 0, 0}, 8, {2147483648.0f, 1}},
      {"<i8", {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 7}, 16, {-2, 7}},
      {"<u8", {0, 0, 0, 0, 0, 0, 0, 0x80, 7}, 16, {9223372036854775808.0f, 7}},
      {"<f2", {0x00, 0x3c, 0x01, 0x00}, 4, {1, 0x1p-24f}},
      {">f2", {0xc0, 0x00, 0x7b, 0xff}, 4, {-2, 65504}},
      {"<f4", {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, 8, {1, -2}},
      {">f4", {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0}, 8, {1, -2}},
      {"<f8", {0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}, 16, {1, -2}},
      {">f8", {0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0}, 16, {1, -2}},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    whole w = read_whole(put_npy("t.npy", CASES[i].type, "(2,)", CASES[i].bytes, CASES[i].n), NULL);
    assert_int_equal(w.status, BF_OK);
    assert_int_equal(w.rows, 2);
    assert_int_equal(w.columns, 1);
    if (w.cells[0] != CASES[i].expected[0] || w.cells[1] != CASES[i].expected[1])
      fail_msg("%s: %g %g", CASES[i].type, (double)w.cells[0], (double)w.cells[1]);
    whole_free(&w);
  }
}

static void infinities_become_missing_cells(void **state) {
  (void)state;
  const float f4[] = {INFINITY, 1, -INFINITY, NAN};
  const double f8[] = {INFINITY, 1, 1e39, NAN};
  const uint16_t f2[] = {0x7c00, 0x3c00, 0xfc00, 0x7e00};
  const struct {
    const char *type;
    const void *data;
    size_t n;
  } cases[] = {{"<f4", f4, sizeof f4}, {"<f8", f8, sizeof f8}, {"<f2", f2, sizeof f2}};
  for (size_t i = 0; i < 3; i++) {
    whole w = read_whole(put_npy("inf.npy", cases[i].type, "(2, 2)", cases[i].data, cases[i].n), NULL);
    assert_int_equal(w.status, BF_OK);
    assert_true(isnan(w.cells[0]) && w.cells[1] == 1.0f && isnan(w.cells[2]) && isnan(w.cells[3]));
    whole_free(&w);
  }
}

static void a_double_that_rounds_to_the_largest_float_is_kept(void **state) {
  (void)state;
  const double v[] = {3.4028235e38, 3.4028236e38};
  whole w = read_whole(put_npy("max.npy", "<f8", "(2,)", v, sizeof v), NULL);
  assert_int_equal(w.status, BF_OK);
  assert_true(w.cells[0] == 3.40282347e38f);
  assert_true(isnan(w.cells[1]));
  whole_free(&w);
}

static void a_header_that_claims_two_to_the_sixty_rows_is_refused_with_both_sizes(void **state) {
  (void)state;
  const float data[4] = {1, 2, 3, 4};
  expect_failure(put_npy("big.npy", "<f4", "(1152921504606846976,)", data, 16), NULL, BF_ERR_FORMAT, -2,
                 "(1152921504606846976)");
  expect_failure(put_npy("big2.npy", "<f4", "(1099511627776, 2)", data, 16), NULL, BF_ERR_FORMAT, 128 + 16,
                 "needs 8796093022208 bytes of data, but the file has 16");
  expect_failure(put_npy("big3.npy", "|u1", "(4294967296, 4294967296, 4294967296)", data, 16), NULL, BF_ERR_FORMAT, 0,
                 "more bytes than can exist");
}

static void a_compressed_array_that_claims_too_much_fails_where_the_data_end(void **state) {
  (void)state;
  const float data[4] = {1, 2, 3, 4};
  uint8_t bytes[512];
  size_t n = npy_bytes(bytes, "<f4", "False", "(1099511627776, 2)", data, 16);
  gzFile file = gzopen(in_folder("big.npy.gz"), "wb");
  assert_int_equal(gzwrite(file, bytes, (unsigned)n), (int)n);
  gzclose(file);
  expect_failure(in_folder("big.npy.gz"), NULL, BF_ERR_FORMAT, 2, "the data end within row 2");
}

static void damaged_headers_are_format_errors(void **state) {
  (void)state;
  static const char *const HEADERS[] = {"",
                                        "{",
                                        "{'descr'",
                                        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,",
                                        "{'descr': '<f4', 'fortran_order': False}",
                                        "{'descr': '<f4', 'fortran_order': 3, 'shape': ()}",
                                        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
                                        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                                        "{'other': 1}"};
  for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
    uint8_t bytes[256] = "\x93NUMPY\x01\x00";
    size_t n = strlen(HEADERS[i]);
    bytes[8] = (uint8_t)n;
    memcpy(bytes + 10, HEADERS[i], n);
    expect_failure(put_file("bad.npy", bytes, 10 + n), NULL, BF_ERR_FORMAT, -2, "");
  }
  expect_failure(put_file("cut.npy", "\x93NUMPY\x01\x00\x76\x00{'de", 14), NULL, BF_ERR_FORMAT, 14,
                 "it claims 118 bytes, and 4 are there");
  expect_failure(put_file("cut8.npy", "\x93NUMPY\x01\x00", 8), NULL, BF_ERR_FORMAT, -2, "cut");
}

static void objects_and_structures_are_refused_with_a_remedy(void **state) {
  (void)state;
  const float data[4] = {1, 2, 3, 4};
  expect_failure(put_npy("o.npy", "|O", "(2,)", data, 16), NULL, BF_ERR_UNSUPPORTED, -2, "astype('float32')");
  expect_failure(put_npy("c.npy", "<c8", "(2,)", data, 16), NULL, BF_ERR_UNSUPPORTED, -2, "'<c8' is not read");
  expect_failure(put_npy("u.npy", "<U2", "(2,)", data, 16), NULL, BF_ERR_UNSUPPORTED, -2, "labels only");
}

static void fortran_order_is_read_as_the_same_rows(void **state) {
  (void)state;
  uint8_t bytes[8192], pixels[3 * 2 * 4 * 3];
  int16_t data[200 * 3];
  for (int i = 0; i < 200; i++) /* column by column, big-endian */
    for (int k = 0; k < 3; k++) data[k * 200 + i] = (int16_t)__builtin_bswap16((uint16_t)(10 * i + k));
  size_t n = npy_bytes(bytes, ">i2", "True", "(200, 3)", data, sizeof data);
  const char *path = put_file("f.npy", bytes, n);
  whole w = read_whole(path, OPTIONS(.batch_bytes = 900));
  assert_int_equal(w.status, BF_OK);
  assert_true(w.rows == 200 && w.columns == 3);
  for (int i = 0; i < 600; i++) assert_true(w.cells[i] == (float)(10 * (i / 3) + i % 3));
  whole_free(&w);
  w = read_whole(path, OPTIONS(.columns = "2,0"));
  assert_true(w.status == BF_OK && w.columns == 2 && w.cells[399] == 1990 && w.cells[398] == 1992);
  whole_free(&w);
  for (int i = 0; i < 3; i++) /* images of 2 x 4 x 3 */
    for (int k = 0; k < 24; k++)
      pixels[i + 3 * (k / 12 + 2 * (k / 3 % 4 + 4 * (k % 3)))] = (uint8_t)(100 * (i > 0) + k);
  n = npy_bytes(bytes, "|u1", "True", "(3, 2, 4, 3)", pixels, sizeof pixels);
  w = read_whole(put_file("i.npy", bytes, n), NULL);
  assert_true(w.status == BF_OK && w.kind == BF_KIND_IMAGE && w.rows == 3 && w.height == 2 && w.width == 4);
  for (int i = 0; i < 72; i++) assert_true(w.cells[i] == (float)(100 * (i > 23) + i % 24));
  whole_free(&w);
  bf_rows *rows = NULL;
  bf_error err;
  const float two[] = {1, 3, 2, 4};
  n = npy_bytes(bytes, "<f4", "True", "(2, 2)", two, sizeof two);
  assert_int_equal(bf_rows_load(put_file("m.npy", bytes, n), NULL, &rows, &err), BF_OK); /* must not be mapped */
  assert_true(bf_rows_cells(rows)[1] == 2 && bf_rows_cells(rows)[2] == 3);
  bf_rows_free(rows);
}

static void fortran_order_that_is_cut_or_too_large_is_refused(void **state) {
  (void)state;
  const float data[4] = {1, 2, 3, 4};
  uint8_t bytes[512];
  size_t n = npy_bytes(bytes, "<f4", "True", "(268435457, 1)", data, 16);
  gzFile file = gzopen(in_folder("big.npy.gz"), "wb");
  assert_int_equal(gzwrite(file, bytes, (unsigned)n), (int)n);
  gzclose(file);
  expect_failure(in_folder("big.npy.gz"), NULL, BF_ERR_LIMIT, -2, "np.ascontiguousarray");
  n = npy_bytes(bytes, "<f4", "True", "(1000, 1000)", data, 16);
  file = gzopen(in_folder("cut.npy.gz"), "wb");
  assert_int_equal(gzwrite(file, bytes, (unsigned)n), (int)n);
  gzclose(file);
  expect_failure(in_folder("cut.npy.gz"), NULL, BF_ERR_FORMAT, 0, "end after 16 of the 4000000 bytes");
}

static void columns_are_kept_or_dropped_by_number(void **state) {
  (void)state;
  const float data[6] = {1, 2, 3, 4, 5, 6};
  const char *path = put_npy("c.npy", "<f4", "(2, 3)", data, sizeof data);
  whole w = read_whole(path, OPTIONS(.columns = "2, 0"));
  assert_int_equal(w.columns, 2);
  assert_true(w.cells[0] == 3 && w.cells[1] == 1 && w.cells[2] == 6 && w.cells[3] == 4);
  whole_free(&w);
  w = read_whole(path, OPTIONS(.drop = "1"));
  assert_true(w.columns == 2 && w.cells[1] == 3 && w.cells[2] == 4);
  whole_free(&w);
  expect_failure(path, OPTIONS(.columns = "3"), BF_ERR_INVALID_ARGUMENT, -2, "numbered 0 to 2");
  expect_failure(path, OPTIONS(.drop = "x"), BF_ERR_INVALID_ARGUMENT, -2, "\"x\" is not a column");
  expect_failure(path, OPTIONS(.drop = "0,1,2"), BF_ERR_INVALID_ARGUMENT, -2, "no column is left");
  expect_failure(path, OPTIONS(.columns = "1,1"), BF_ERR_INVALID_ARGUMENT, -2, "twice");
}

static void options_that_do_not_fit_are_named(void **state) {
  (void)state;
  const float data[2] = {1, 2};
  const char *path = put_npy("o.npy", "<f4", "(2,)", data, sizeof data);
  expect_failure(path, OPTIONS(.where = "1"), BF_ERR_INVALID_ARGUMENT, -2, "where does not fit the format npy");
  expect_failure(path, OPTIONS(.member = "x"), BF_ERR_INVALID_ARGUMENT, -2, "member does not fit");
  expect_failure(path, OPTIONS(.format = "xls"), BF_ERR_INVALID_ARGUMENT, -2,
                 "unknown format \"xls\"; known: images, npy");
  expect_failure(path, OPTIONS(.format = "idx"), BF_ERR_FORMAT, 0, "not IDX");
  expect_failure(path, OPTIONS(.kind = "poem"), BF_ERR_INVALID_ARGUMENT, -2, "unknown kind \"poem\"");
  expect_failure(path, OPTIONS(.kind = "text"), BF_ERR_UNSUPPORTED, -2, "text is not read from the format npy");
  expect_failure(path, OPTIONS(.kind = "series"), BF_ERR_INVALID_ARGUMENT, -2, "series need (n,T,c)");
  expect_failure(path, OPTIONS(.text = "x"), BF_ERR_INVALID_ARGUMENT, -2, "text does not fit the format npy");
  expect_failure(path, OPTIONS(.tag = "x"), BF_ERR_INVALID_ARGUMENT, -2, "tag does not fit the format npy");
  expect_failure(path, OPTIONS(.kind = "image"), BF_ERR_INVALID_ARGUMENT, -2, "need (n,H,W)");
  expect_failure(path, OPTIONS(.range_max = -1), BF_ERR_INVALID_ARGUMENT, -2, "range_max");
  expect_failure(test_folder, OPTIONS(.format = "npy"), BF_ERR_FORMAT, -2, "is a folder");
  expect_failure(path, OPTIONS(.format = "images"), BF_ERR_FORMAT, -2, "is a file");
  expect_failure(in_folder("nothing"), NULL, BF_ERR_NOT_FOUND, -2, "No such file");
  expect_failure(put_text("empty.npy", ""), NULL, BF_ERR_FORMAT, 0, "is empty");
}

static void small_batches_give_the_same_rows(void **state) {
  (void)state;
  float data[700];
  for (int i = 0; i < 700; i++) data[i] = (float)(i * i % 101);
  const char *path = put_npy("s.npy", "<f4", "(100, 7)", data, sizeof data);
  whole w = read_whole(path, OPTIONS(.batch_bytes = 100));
  assert_int_equal(w.status, BF_OK);
  assert_int_equal(w.rows, 100);
  assert_int_equal(w.row_hint, 100);
  assert_memory_equal(w.cells, data, sizeof data);
  whole_free(&w);
}

static void three_dimensions_are_images_where_that_is_sure(void **state) {
  (void)state;
  uint8_t bytes[24];
  float floats[12];
  for (int i = 0; i < 24; i++) bytes[i] = (uint8_t)(i * 10);
  for (int i = 0; i < 12; i++) floats[i] = (float)i / 12.0f;
  whole w = read_whole(put_npy("i.npy", "|u1", "(2, 2, 2, 3)", bytes, 24), NULL);
  assert_true(w.status == BF_OK && w.kind == BF_KIND_IMAGE && w.height == 2 && w.width == 2 && w.channels == 3);
  assert_true(w.range_max == 255 && w.n_warnings == 0 && w.cells[23] == 230);
  whole_free(&w);
  const char *path = put_npy("f.npy", "<f4", "(3, 2, 2)", floats, sizeof floats);
  w = read_whole(path, NULL);
  assert_true(w.status == BF_OK && w.kind == BF_KIND_SERIES && w.steps == 2 && w.series_channels == 2 &&
              w.columns == 4);
  assert_memory_equal(w.cells, floats, sizeof floats);
  whole_free(&w);
  int16_t numbers[12] = {0};
  expect_failure(put_npy("n.npy", "<i2", "(3, 2, 2)", numbers, sizeof numbers), NULL, BF_ERR_UNSUPPORTED, -2,
                 "give --kind image or --kind series");
  expect_failure(put_npy("f4.npy", "<f4", "(3, 2, 2, 1)", floats, sizeof floats), NULL, BF_ERR_UNSUPPORTED, -2,
                 "give --kind image or --kind series");
  w = read_whole(path, OPTIONS(.kind = "image"));
  assert_true(w.status == BF_OK && w.range_max == 1 && w.channels == 1 && w.n_warnings == 0);
  whole_free(&w);
  w = read_whole(path, OPTIONS(.kind = "features"));
  assert_true(w.status == BF_OK && w.kind == BF_KIND_FEATURES && w.columns == 4 && w.rows == 3);
  whole_free(&w);
  expect_failure(put_npy("chw.npy", "|u1", "(2, 3, 2, 2)", bytes, 24), NULL, BF_ERR_UNSUPPORTED, -2,
                 "transpose(0, 2, 3, 1)");
  expect_failure(put_npy("huge.npy", "|u1", "(0, 10000, 10000)", bytes, 0), NULL, BF_ERR_LIMIT, -2, "64 megapixels");
}

static void a_doubtful_range_is_a_warning_and_a_later_value_above_it_an_error(void **state) {
  (void)state;
  uint8_t sixteen[8] = {0, 4, 16, 2, 1, 3, 5, 7}, late[8] = {0, 4, 16, 2, 1, 3, 200, 7}, binary[4] = {0, 1, 1, 0};
  whole w = read_whole(put_npy("r.npy", "|u1", "(2, 2, 2)", sixteen, 8), NULL);
  assert_true(w.status == BF_OK && w.range_max == 16 && w.n_warnings == 1);
  assert_non_null(strstr(w.warnings, "range_max"));
  whole_free(&w);
  const char *path = put_npy("late.npy", "|u1", "(2, 2, 2)", late, 8);
  expect_failure(path, OPTIONS(.batch_bytes = 16), BF_ERR_FORMAT, 1,
                 "row 1 has the value 200, but pixels are taken to lie in 0..16");
  w = read_whole(path, OPTIONS(.batch_bytes = 16, .range_max = 255));
  assert_true(w.status == BF_OK && w.range_max == 255 && w.n_warnings == 0);
  whole_free(&w);
  w = read_whole(put_npy("b.npy", "|u1", "(1, 2, 2)", binary, 4), NULL);
  assert_true(w.range_max == 1 && w.n_warnings == 1);
  whole_free(&w);
  const uint16_t deep[4] = {0, 40000, 3, 4};
  w = read_whole(put_npy("d.npy", "<u2", "(1, 2, 2)", deep, 8), OPTIONS(.kind = "image"));
  assert_true(w.range_max == 65535 && w.n_warnings == 0);
  whole_free(&w);
  const float negative[4] = {0, -1, 1, 0};
  expect_failure(put_npy("n.npy", "<f4", "(1, 2, 2)", negative, 16), OPTIONS(.kind = "image"), BF_ERR_FORMAT, 0,
                 "value -1");
}

static void idx_is_read_in_all_its_types(void **state) {
  (void)state;
  whole w = read_whole(put_file("a-idx1-ubyte", "\0\0\x08\x01\0\0\0\x03\x05\x06\x07", 11), NULL);
  assert_true(w.status == BF_OK && w.rows == 3 && w.columns == 1 && w.kind == BF_KIND_FEATURES && w.cells[2] == 7);
  whole_free(&w);
  w = read_whole(put_file("b", "\0\0\x0b\x02\0\0\0\x01\0\0\0\x02\xff\xfe\x01\x00", 16), NULL);
  assert_true(w.status == BF_OK && w.rows == 1 && w.columns == 2 && w.cells[0] == -2 && w.cells[1] == 256);
  whole_free(&w);
  w = read_whole(put_file("c", "\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x02\x05\xff", 18), NULL);
  assert_true(w.status == BF_OK && w.kind == BF_KIND_IMAGE && w.height == 1 && w.width == 2 && w.range_max == 255);
  whole_free(&w);
  expect_failure(put_file("d", "\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x05", 17), NULL,
                 BF_ERR_FORMAT, -2, "");
  expect_failure(put_file("e", "\0\0\x08\x02\0\0\0\x09\0\0\0\x02\x05", 13), NULL, BF_ERR_FORMAT, 13,
                 "needs 18 bytes of data, but the file has 1");
}

static void labels_come_from_idx_npy_and_text(void **state) {
  (void)state;
  const float data[3] = {1, 2, 4};
  char data_path[1024], label_path[1024];
  snprintf(data_path, sizeof data_path, "%s", put_npy("x.npy", "<f4", "(3,)", data, sizeof data));
  const int64_t ints[3] = {-7, 0, -7};
  const uint32_t words[6] = {'a', 0x20ac, 'b', 0, 'a', 0x20ac};
  const double doubles[3] = {1, 0.1, 1};
  const struct {
    const char *path, *first, *second;
  } cases[] = {
      {put_npy("l1.npy", "<i8", "(3,)", ints, sizeof ints), "-7", "0"},
      {put_npy("l2.npy", "<U2", "(3,)", words, sizeof words), "a\xe2\x82\xac", "b"},
      {put_npy("l3.npy", "<f8", "(3, 1)", doubles, sizeof doubles), "1.0", "0.1"},
      {put_text("l4.txt", "cat\r\ndog\r\ncat\r\n"), "cat", "dog"},
  };
  for (size_t i = 0; i < 4; i++) {
    snprintf(label_path, sizeof label_path, "%s", cases[i].path);
    whole w = read_whole(data_path, OPTIONS(.label = label_path));
    if (w.status != BF_OK) fail_msg("%s", w.error.message);
    assert_int_equal(w.n_labels, 2);
    assert_string_equal(w.labels[0], cases[i].first);
    assert_string_equal(w.labels[1], cases[i].second);
    assert_string_equal(w.labels[2], cases[i].first);
    whole_free(&w);
  }
}

static void another_number_of_labels_is_a_mismatch_with_both_numbers(void **state) {
  (void)state;
  const float data[3] = {1, 2, 4};
  char path[1024], labels[1024];
  snprintf(path, sizeof path, "%s", put_npy("x.npy", "<f4", "(3,)", data, sizeof data));
  snprintf(labels, sizeof labels, "%s", put_npy("l.npy", "|u1", "(2,)", data, 2));
  expect_failure(path, OPTIONS(.label = labels), BF_ERR_MISMATCH, -2,
                 "2 labels, but the data have 3 rows: each row needs one");
  snprintf(labels, sizeof labels, "%s", put_text("l.txt", "a\nb\n"));
  expect_failure(path, OPTIONS(.label = labels), BF_ERR_MISMATCH, -2,
                 "2 labels, but the data have 3 rows: each row needs one");
  snprintf(labels, sizeof labels, "%s", put_text("l5.txt", "a\nb\nc\nd\ne\n\n"));
  expect_failure(path, OPTIONS(.label = labels), BF_ERR_MISMATCH, -2,
                 "5 labels, but the data have 3 rows: each row needs one");
  snprintf(labels, sizeof labels, "%s", put_npy("l2.npy", "|u1", "(3, 2)", data, 6));
  expect_failure(path, OPTIONS(.label = labels), BF_ERR_FORMAT, -2, "one label a row");
  expect_failure(path, OPTIONS(.label = in_folder("none")), BF_ERR_NOT_FOUND, -2, "label file");
  snprintf(labels, sizeof labels, "%s", put_file("l6.txt", "a\n\xff\xfe\nc\n", 7));
  expect_failure(path, OPTIONS(.label = labels), BF_ERR_FORMAT, -2, "UTF-8");
}

static void add_member(zip_t *zip, const char *name, const void *bytes, size_t n) {
  zip_source_t *source = zip_source_buffer(zip, bytes, n, 0);
  assert_non_null(source);
  assert_true(zip_file_add(zip, name, source, ZIP_FL_OVERWRITE) >= 0);
}

static void an_npz_gives_the_member_asked_for(void **state) {
  (void)state;
  const float x[4] = {1, 2, 3, 5}, other[2] = {8, 9};
  const int64_t y[2] = {4, 5};
  uint8_t bx[512], bo[512], by[512];
  size_t nx = npy_bytes(bx, "<f4", "False", "(2, 2)", x, 16), no = npy_bytes(bo, "<f4", "False", "(2,)", other, 8),
         ny = npy_bytes(by, "<i8", "False", "(2,)", y, 16);
  char path[1024];
  snprintf(path, sizeof path, "%s", in_folder("a.npz"));
  zip_t *zip = zip_open(path, ZIP_CREATE, NULL);
  assert_non_null(zip);
  add_member(zip, "other.npy", bo, no);
  add_member(zip, "X.npy", bx, nx);
  add_member(zip, "y.npy", by, ny);
  assert_int_equal(zip_close(zip), 0);
  whole w = read_whole(path, OPTIONS(.label = "y"));
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_true(w.columns == 2 && w.rows == 2 && w.cells[3] == 5);
  assert_string_equal(w.labels[0], "4");
  whole_free(&w);
  w = read_whole(path, OPTIONS(.member = "other"));
  assert_true(w.status == BF_OK && w.columns == 1 && w.cells[1] == 9);
  whole_free(&w);
  expect_failure(path, OPTIONS(.member = "Z"), BF_ERR_INVALID_ARGUMENT, -2, "no array \"Z\"; it has: other, X, y");
  FILE *file = fopen(path, "rb");
  uint8_t all[2048];
  size_t n = fread(all, 1, sizeof all, file);
  fclose(file);
  expect_failure(put_file("half.npz", all, n / 2), NULL, BF_ERR_FORMAT, -2, "zip");
}

static void rows_of_a_plain_npy_are_mapped_and_others_collected(void **state) {
  (void)state;
  float data[60];
  double doubles[60];
  for (int i = 0; i < 60; i++) doubles[i] = (double)(data[i] = (float)(i * 7 % 13) / 3.0f);
  bf_rows *rows = NULL;
  bf_error err = {0};
  assert_int_equal(bf_rows_load(put_npy("m.npy", "<f4", "(20, 3)", data, sizeof data), NULL, &rows, &err), BF_OK);
  assert_true(bf_rows_count(rows) == 20 && bf_rows_column_count(rows) == 3);
  assert_null(bf_rows_column_name(rows, 0));
  assert_memory_equal(bf_rows_cells(rows), data, sizeof data);
  bf_rows_free(rows);
  assert_int_equal(bf_rows_load(put_npy("d.npy", "<f8", "(20, 3)", doubles, sizeof doubles), OPTIONS(.batch_bytes = 64),
                                &rows, &err),
                   BF_OK);
  assert_memory_equal(bf_rows_cells(rows), data, sizeof data);
  bf_rows_free(rows);
  assert_int_equal(bf_rows_load(put_npy("e.npy", "<f4", "(0, 3)", data, 0), NULL, &rows, &err), BF_OK);
  assert_true(bf_rows_count(rows) == 0 && bf_rows_column_count(rows) == 3 && bf_rows_cells(rows) == NULL);
  bf_rows_free(rows);
  assert_int_equal(bf_rows_load(in_folder("none"), NULL, &rows, &err), BF_ERR_NOT_FOUND);
  assert_null(rows);
  bf_rows_free(NULL);
}

static void constant_columns_and_identifiers_are_warned_about(void **state) {
  (void)state;
  float data[40 * 3];
  for (int i = 0; i < 40; i++) {
    data[i * 3] = (float)i;
    data[i * 3 + 1] = 7;
    data[i * 3 + 2] = (float)(i * 17 % 11);
  }
  whole w = read_whole(put_npy("w.npy", "<f4", "(40, 3)", data, sizeof data), NULL);
  assert_int_equal(w.n_warnings, 2);
  assert_non_null(strstr(w.warnings, "column 0 looks like an identifier: the option --drop leaves it out"));
  assert_non_null(strstr(w.warnings, "1 column is constant or empty and tells nothing: 1"));
  whole_free(&w);
}

static void cut_and_damaged_compression_is_a_format_error(void **state) {
  (void)state;
  float data[2000];
  uint8_t bytes[9000], all[9000];
  for (int i = 0; i < 2000; i++) data[i] = (float)((i * 7919) % 1000) * 0.37f;
  size_t n = npy_bytes(bytes, "<f4", "False", "(2000,)", data, sizeof data);
  gzFile file = gzopen(in_folder("g.npy.gz"), "wb");
  gzwrite(file, bytes, (unsigned)n);
  gzclose(file);
  whole w = read_whole(in_folder("g.npy.gz"), NULL);
  assert_int_equal(w.status, BF_OK);
  assert_memory_equal(w.cells, data, sizeof data);
  whole_free(&w);
  FILE *packed = fopen(in_folder("g.npy.gz"), "rb");
  size_t k = fread(all, 1, sizeof all, packed);
  fclose(packed);
  expect_failure(put_file("cut.gz", all, k / 2), NULL, BF_ERR_FORMAT, (int64_t)(k / 2), "end too early");
  all[k / 2] ^= 0x55;
  expect_failure(put_file("flip.gz", all, k), NULL, BF_ERR_FORMAT, -2, "");
}

/* Opens and reads with the n-th allocation failing; true once n is beyond the last. */
static bool survives_failure(const char *path, const bf_dataset_options *options, long n) {
  bf_dataset *d = NULL;
  bf_error err = {0};
  bf_batch b = {0};
  bf__alloc_fail_at(n);
  bf_status status = bf_dataset_open(path, options, &d, &err);
  assert_true((status == BF_OK) == (d != NULL));
  while (status == BF_OK && (status = bf_dataset_next(d, &b, &err)) == BF_OK && b.n_rows) {
  }
  bf__alloc_fail_at(0);
  bf_dataset_close(d);
  if (status != BF_OK) {
    if (status != BF_ERR_MEMORY) fail_msg("%s, allocation %ld: %s", path, n, err.message);
    return false;
  }
  return true;
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state) {
  (void)state;
  const float data[6] = {1, 2, 3, 4, 5, 9};
  char paths[3][1024], labels[1024];
  snprintf(paths[0], sizeof paths[0], "%s", put_npy("a.npy", "<f4", "(3, 2)", data, sizeof data));
  snprintf(paths[1], sizeof paths[1], "%s", put_text("a.csv", "x,y,word,label\n1,2,a,b\n3,4,c,d\n5,9,e,f\n"));
  snprintf(paths[2], sizeof paths[2], "%s", TEST_SOURCE_DIR "/tests/conformance/data/images/same");
  snprintf(labels, sizeof labels, "%s", put_text("l.txt", "x\ny\nx\n"));
  for (int i = 0; i < 3; i++) {
    const bf_dataset_options *options = i == 0   ? OPTIONS(.label = labels, .columns = "1")
                                        : i == 1 ? OPTIONS(.label = "label", .drop = "x")
                                                 : OPTIONS(.n_threads = 1);
    int failed = 0, passed = 0;
    for (long n = 1; n < 400 && passed < 8; n++) {
      /* a lost warning does not fail the call, so that one success is not yet the end */
      if (survives_failure(paths[i], options, n))
        passed++;
      else
        failed++, passed = 0;
    }
    assert_true(failed > 8 && passed == 8);
  }
}

static void the_format_table_ends_and_names_are_unique(void **state) {
  (void)state;
  size_t n = 0;
  for (const bf_dataset_format_info *f; (f = bf_dataset_format_at(n)); n++) {
    assert_true(f->name[0] && f->kinds[0] && f->extensions[0] && f->summary[0]);
    for (size_t i = 0; i < n; i++) assert_string_not_equal(f->name, bf_dataset_format_at(i)->name);
  }
  assert_int_equal(n, 14);
  for (int i = 0; i < BF_KIND_COUNT; i++) {
    bf_kind kind;
    assert_int_equal(bf_kind_find(bf_kind_name((bf_kind)i), &kind, NULL), BF_OK);
    assert_int_equal(kind, i);
  }
  assert_null(bf_kind_name((bf_kind)BF_KIND_COUNT));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_number_type_becomes_float32),
      cmocka_unit_test(infinities_become_missing_cells),
      cmocka_unit_test(a_double_that_rounds_to_the_largest_float_is_kept),
      cmocka_unit_test(a_header_that_claims_two_to_the_sixty_rows_is_refused_with_both_sizes),
      cmocka_unit_test(a_compressed_array_that_claims_too_much_fails_where_the_data_end),
      cmocka_unit_test(damaged_headers_are_format_errors),
      cmocka_unit_test(objects_and_structures_are_refused_with_a_remedy),
      cmocka_unit_test(fortran_order_is_read_as_the_same_rows),
      cmocka_unit_test(fortran_order_that_is_cut_or_too_large_is_refused),
      cmocka_unit_test(columns_are_kept_or_dropped_by_number),
      cmocka_unit_test(options_that_do_not_fit_are_named),
      cmocka_unit_test(small_batches_give_the_same_rows),
      cmocka_unit_test(three_dimensions_are_images_where_that_is_sure),
      cmocka_unit_test(a_doubtful_range_is_a_warning_and_a_later_value_above_it_an_error),
      cmocka_unit_test(idx_is_read_in_all_its_types),
      cmocka_unit_test(labels_come_from_idx_npy_and_text),
      cmocka_unit_test(another_number_of_labels_is_a_mismatch_with_both_numbers),
      cmocka_unit_test(an_npz_gives_the_member_asked_for),
      cmocka_unit_test(rows_of_a_plain_npy_are_mapped_and_others_collected),
      cmocka_unit_test(constant_columns_and_identifiers_are_warned_about),
      cmocka_unit_test(cut_and_damaged_compression_is_a_format_error),
      cmocka_unit_test(every_failing_allocation_is_reported_and_leaks_nothing),
      cmocka_unit_test(the_format_table_ends_and_names_are_unique),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
