/* Folders of images: order, classes, normalisation, hostile files; and PNG bytes for reports. */
#include <math.h>

#include "dataset_testing.h"

#define IMAGES TEST_SOURCE_DIR "/tests/conformance/data/images"

static void copy_image(const char *from, const char *to) {
  uint8_t bytes[8192];
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", IMAGES, from);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t n = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  put_file(to, bytes, n);
}

static void make(const char *name) {
  assert_int_equal(mkdir(in_folder(name), 0755), 0);
}

static void the_same_picture_as_png_webp_and_jpeg_has_the_same_pixels(void **state) {
  (void)state;
  whole w = read_whole(IMAGES "/same", NULL);
  if (w.status != BF_OK) fail_msg("%s", w.error.message);
  assert_true(w.kind == BF_KIND_IMAGE && w.rows == 3 && w.height == 6 && w.width == 8 && w.channels == 3);
  assert_true(w.columns == 144 && w.range_max == 255 && w.row_hint == 3);
  for (int y = 0; y < 6; y++)
    for (int x = 0; x < 8; x++) {
      const float expected[3] = {(float)(30 * x), (float)(40 * y), (float)(10 * (x + y))};
      for (int c = 0; c < 3; c++) {
        size_t i = (size_t)((y * 8 + x) * 3 + c);
        assert_true(w.cells[i] == expected[c]);
        assert_true(w.cells[144 + i] == expected[c]);
        assert_true(fabsf(w.cells[288 + i] - expected[c]) <= 12); /* JPEG loses */
      }
    }
  assert_string_equal(w.labels[0], "a");
  assert_string_equal(w.labels[2], "b");
  assert_int_equal(w.n_labels, 2);
  whole_free(&w);
}

static const float *variant(bf_batch *batch, bf_dataset **d, const char *name, uint32_t channels) {
  char folder[64], to[128];
  bf_error err = {0};
  snprintf(folder, sizeof folder, "v_%s", name);
  snprintf(to, sizeof to, "%s/%s", folder, name);
  char from[128];
  snprintf(from, sizeof from, "variants/%s", name);
  make(folder);
  copy_image(from, to);
  if (bf_dataset_open(in_folder(folder), NULL, d, &err) != BF_OK) fail_msg("%s", err.message);
  if (bf_dataset_next(*d, batch, &err) != BF_OK) fail_msg("%s", err.message);
  assert_int_equal(batch->n_rows, 1);
  assert_true(batch->images[0].height == 6 && batch->images[0].width == 8);
  assert_int_equal(batch->images[0].channels, channels);
  assert_null(batch->labels);
  return batch->images[0].pixels;
}

static void grey_stays_grey_sixteen_bits_become_eight_and_alpha_falls_on_black(void **state) {
  (void)state;
  bf_dataset *d = NULL;
  bf_batch b;
  for (int k = 0; k < 2; k++) {
    const float *p = variant(&b, &d, k ? "2_grey16.png" : "1_grey.png", 1);
    for (int i = 0; i < 48; i++) assert_true(p[i] == (float)(30 * (i % 8)));
    bf_dataset_close(d);
  }
  const float *p = variant(&b, &d, "3_alpha.png", 3);
  for (int i = 0; i < 48; i++) {
    int x = i % 8, y = i / 8;
    assert_true(p[i * 3] == (x < 4 ? (float)(30 * x) : 0) && p[i * 3 + 1] == (x < 4 ? (float)(40 * y) : 0));
  }
  bf_dataset_close(d);
  p = variant(&b, &d, "4_palette.png", 3);
  for (int i = 0; i < 48; i++) assert_true(p[i * 3] == (float)(20 * (i % 8)) && p[i * 3 + 2] == 7);
  bf_dataset_close(d);
  variant(&b, &d, "5_grey.jpg", 1);
  bf_dataset_close(d);
}

static void images_of_differing_size_have_no_common_columns(void **state) {
  (void)state;
  bf_rows *rows = NULL;
  bf_error err = {0};
  make("mixed");
  copy_image("same/a/picture.png", "mixed/1.png");
  copy_image("variants/1_grey.png", "mixed/2.png");
  whole w = read_whole(in_folder("mixed"), NULL);
  assert_true(w.status == BF_OK && w.rows == 2 && w.columns == 0 && w.height == 0 && w.cells == NULL);
  whole_free(&w);
  assert_int_equal(bf_rows_load(in_folder("mixed"), NULL, &rows, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "differ in size"));
}

static void a_text_file_among_images_is_named(void **state) {
  (void)state;
  make("texts");
  copy_image("same/a/picture.png", "texts/a.png");
  put_text("texts/b_notes.txt", "hello");
  put_text("texts/.hidden", "hello");
  expect_failure(in_folder("texts"), NULL, BF_ERR_FORMAT, 1, "b_notes.txt is no PNG, JPEG or WebP image: remove it");
  remove(in_folder("texts/b_notes.txt"));
  whole w = read_whole(in_folder("texts"), NULL);
  assert_true(w.status == BF_OK && w.rows == 1);
  whole_free(&w);
}

static void cut_empty_and_oversized_images_are_refused(void **state) {
  (void)state;
  uint8_t bytes[8192];
  FILE *file = fopen(IMAGES "/same/a/picture.png", "rb");
  size_t n = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  make("cut");
  put_file("cut/a.png", bytes, n * 2 / 3);
  expect_failure(in_folder("cut"), NULL, BF_ERR_FORMAT, 0, "a.png cannot be decoded");
  make("void");
  put_text("void/a.png", "");
  expect_failure(in_folder("void"), NULL, BF_ERR_FORMAT, 0, "a.png is empty");
  make("none");
  expect_failure(in_folder("none"), NULL, BF_ERR_FORMAT, -1, "holds no files");
  /* 60,000 x 60,000 pixels in 70 bytes: the size is refused before anything is decoded. The header's CRC is of these
   * bytes. */
  static const uint8_t HUGE[] = {0x89, 'P',  'N',  'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0,
                                 0,    0xea, 0x60, 0,   0,    0xea, 0x60, 8,    0, 0, 0, 0,  0,   0,   0,   0};
  memcpy(bytes, HUGE, sizeof HUGE);
  uint32_t crc = 0xffffffffu;
  for (int i = 12; i < 29; i++) {
    crc ^= bytes[i];
    for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  crc = ~crc;
  for (int i = 0; i < 4; i++) bytes[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
  memcpy(bytes + 33, "\0\0\0\x02IDAT\x78\x9c\0\0\0\0", 14);
  make("huge");
  put_file("huge/a.png", bytes, 47);
  expect_failure(in_folder("huge"), NULL, BF_ERR_LIMIT, 0, "60000 x 60000 pixels; at most 64 megapixels");
}

static void small_batches_and_threads_do_not_change_the_order(void **state) {
  (void)state;
  make("many");
  for (int i = 0; i < 40; i++) {
    char name[64];
    snprintf(name, sizeof name, "many/%02d.png", i);
    uint8_t pixels[4] = {(uint8_t)i, (uint8_t)(2 * i), 0, 255}, *png = NULL;
    size_t n = 0;
    assert_int_equal(bf_image_encode_png(pixels, 2, 2, 1, &png, &n, NULL), BF_OK);
    put_file(name, png, n);
    free(png);
  }
  for (uint32_t threads = 1; threads <= 3; threads++) {
    whole w = read_whole(in_folder("many"), OPTIONS(.n_threads = threads, .batch_bytes = 100));
    assert_true(w.status == BF_OK && w.rows == 40 && w.columns == 4);
    for (int i = 0; i < 40; i++) assert_true(w.cells[i * 4] == (float)i && w.cells[i * 4 + 1] == (float)(2 * i));
    whole_free(&w);
  }
}

static void an_image_folder_takes_a_label_file_too(void **state) {
  (void)state;
  char labels[1024];
  snprintf(labels, sizeof labels, "%s", put_text("labels.txt", "x\ny\nx\n"));
  whole w = read_whole(IMAGES "/same", OPTIONS(.label = labels));
  assert_true(w.status == BF_OK && w.n_labels == 2);
  assert_string_equal(w.labels[1], "y");
  whole_free(&w);
  expect_failure(IMAGES "/same", OPTIONS(.columns = "1"), BF_ERR_INVALID_ARGUMENT, -2, "columns does not fit");
  expect_failure(IMAGES "/same", OPTIONS(.kind = "features"), BF_ERR_UNSUPPORTED, -2, "features is not read");
}

static void the_files_of_a_folder_are_named_in_the_order_of_its_rows(void **state) {
  (void)state;
  char **names = NULL;
  size_t n = 77;
  bf_error err = {0};
  make("named");
  make("named/z");
  copy_image("same/a/picture.png", "named/z/a.png");
  copy_image("same/a/picture.png", "named/b.png");
  copy_image("same/a/picture.png", "named/.hidden.png");
  copy_image("same/a/picture.png", "named/B.png");
  assert_int_equal(bf_image_folder_names(in_folder("named"), &names, &n, &err), BF_OK);
  assert_int_equal(n, 3);
  assert_string_equal(names[0], "B.png");
  assert_string_equal(names[1], "b.png");
  assert_string_equal(names[2], "z/a.png");
  bf_image_folder_names_free(names, n);
  assert_int_equal(bf_image_folder_names(in_folder("nowhere"), &names, &n, &err), BF_ERR_NOT_FOUND);
  assert_null(names);
  assert_int_equal(n, 0);
}

static void png_is_encoded_and_bad_arguments_are_refused(void **state) {
  (void)state;
  uint8_t pixels[12] = {0}, *png = NULL;
  size_t n = 0;
  bf_error err = {0};
  assert_int_equal(bf_image_encode_png(pixels, 2, 2, 3, &png, &n, &err), BF_OK);
  assert_true(n > 8 && memcmp(png, "\x89PNG\r\n\x1a\n", 8) == 0);
  free(png);
  assert_int_equal(bf_image_encode_png(pixels, 2, 2, 2, &png, &n, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_image_encode_png(NULL, 2, 2, 1, &png, &n, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_image_encode_png(pixels, 0, 2, 1, &png, &n, &err), BF_ERR_INVALID_ARGUMENT);
  assert_null(png);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_picture_as_png_webp_and_jpeg_has_the_same_pixels),
      cmocka_unit_test(grey_stays_grey_sixteen_bits_become_eight_and_alpha_falls_on_black),
      cmocka_unit_test(images_of_differing_size_have_no_common_columns),
      cmocka_unit_test(a_text_file_among_images_is_named),
      cmocka_unit_test(cut_empty_and_oversized_images_are_refused),
      cmocka_unit_test(small_batches_and_threads_do_not_change_the_order),
      cmocka_unit_test(an_image_folder_takes_a_label_file_too),
      cmocka_unit_test(the_files_of_a_folder_are_named_in_the_order_of_its_rows),
      cmocka_unit_test(png_is_encoded_and_bad_arguments_are_refused),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
