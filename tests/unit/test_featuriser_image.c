/* Images: range, size, channels, layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "memory_sink.h"

static const float ramp[] = {0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60}; /* 4 x 4 */
static const float colours[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 100, 100, 100};           /* 2 x 2 x 3 */

static bf_status run(const char *input, const char *port, const bf_image *images, uint32_t n, double range_max,
                     memory_sink *memory, bf_error *err) {
  bf__featuriser *f = NULL;
  bf_status status = featuriser_of(input, &port, 1, NULL, &f, err);
  if (status != BF_OK) return status;
  assert_int_equal(bf__featuriser_kind(f), BF_KIND_IMAGE);
  const bf_schema schema = {.kind = BF_KIND_IMAGE, .range_max = range_max};
  const bf_batch batch = {.n_rows = n, .images = images};
  const bf__sink sink = memory_sink_of(memory);
  status = bf__featuriser_fill(f, &schema, &batch, 0, n, n + 1, &sink, err);
  bf__featuriser_free(f);
  return status;
}

static void check(const char *input, const char *port, bf_image image, double range_max, const double *expected,
                  size_t n) {
  memory_sink memory = {0};
  bf_error err;
  if (run(input, port, &image, 1, range_max, &memory, &err) != BF_OK) fail_msg("%s", err.message);
  assert_int_equal(memory.n[0], 2 * n);
  for (size_t i = 0; i < 2 * n; i++) {
    const double got = memory_sink_at(&memory, 0, i), wanted = i < n ? expected[i] : 0;
    if (!(fabs(got - wanted) <= 1e-4)) fail_msg("%s: element %zu is %g instead of %g", input, i, got, wanted);
  }
  memory_sink_deinit(&memory);
}

static void refuse(const char *input, const char *port, bf_image image, bf_status code, const char *message) {
  memory_sink memory = {0};
  bf_error err;
  bf_status status = run(input, port, &image, 1, 255, &memory, &err);
  if (status != code || !strstr(err.message, message)) fail_msg("%s: %d %s", input, status, err.message);
  memory_sink_deinit(&memory);
}

static const bf_image grey = {4, 4, 1, ramp}, colour = {2, 2, 3, colours};

static void pixels_become_what_the_typefaces_cards_say(void **state) {
  (void)state;
  double expected[16];
  for (size_t i = 0; i < 16; i++) expected[i] = (double)ramp[i] / 255;
  const char *card =
      "{kind: image, shape: [1, 4, 4], layout: NCHW, scale: 0.00392156862745098, mean: [0.0], std: [1.0]}";
  check(card, "input:float32:-1,1,4,4", grey, 255, expected, 16);
  check(card, "input:float32:-1,1,-1,-1", grey, 255, expected, 16);
  check("{scale: 0.00392156862745098}", "input:float64:-1,1,4,4", grey, 255, expected, 16);
  for (size_t i = 0; i < 16; i++) expected[i] = (double)ramp[i] / 60; /* whatever the file's range */
  check(card, "input:float32:-1,1,4,4", grey, 60, expected, 16);
  for (size_t i = 0; i < 16; i++) expected[i] = ((double)ramp[i] / 255 - 0.5) / 0.25;
  check("{scale: 0.00392156862745098, mean: 0.5, std: 0.25}", "input:float32:-1,1,4,4", grey, 255, expected, 16);
}

static void colours_become_grey_and_grey_three_channels(void **state) {
  (void)state;
  const double luminance[] = {255 * 0.299, 255 * 0.587, 255 * 0.114, 100};
  check("{kind: image, layout: NHW}", "x:float32:-1,2,2", colour, 255, luminance, 4);
  check("{kind: image}", "x:float32:-1,2,2", colour, 0, luminance, 4);
  check("{kind: image, shape: [2, 2, 1], layout: NHWC}", "x:float32:-1,4", colour, 255, luminance, 4);
  const double planes[] = {255, 0, 0, 100, 0, 255, 0, 100, 0, 0, 255, 100};
  check("{kind: image}", "x:float32:-1,3,2,2", colour, 255, planes, 12);
  double interleaved[12], scaled[12];
  for (size_t i = 0; i < 12; i++) interleaved[i] = (double)colours[i];
  for (size_t i = 0; i < 12; i++) scaled[i] = ((double)colours[i] - (double)(i % 3)) / (1 + (double)(i % 3));
  check("{kind: image}", "x:uint8:-1,2,2,3", colour, 255, interleaved, 12);
  check("{mean: [0, 1, 2], std: [1, 2, 3]}", "x:float32:-1,2,2,3", colour, 255, scaled, 12);
  double threefold[48];
  for (size_t i = 0; i < 48; i++) threefold[i] = (double)ramp[i % 16];
  check("{kind: image}", "x:float32:-1,3,4,4", grey, 255, threefold, 48);
}

static void sizes_change_by_area_or_bilinear(void **state) {
  (void)state;
  const double halves[] = {10, 18, 42, 50};
  check("{kind: image, shape: [1, 2, 2]}", "x:float32:-1,1,2,2", grey, 255, halves, 4);
  /* thirds: 4/3 pixels each, the middle one 2/3 of pixels 1 and 2 */
  const double a = (0 * 1 + 4 * (1.0 / 3)) / (4.0 / 3), b = 6, c = (8 * (1.0 / 3) + 12) / (4.0 / 3);
  const double thirds[] = {a * 5, b + a * 4, c + a * 4, a + 24, b + 24, c + 24, a + c * 4, b + c * 4, c * 5};
  check("{kind: image, layout: NCHW, resize: area}", "x:float32:-1,1,3,3", grey, 255, thirds, 9);
  const double wide[] = {0, 0, 4, 4, 8, 8, 12, 12};
  const bf_image line = {1, 4, 1, ramp};
  check("{kind: image}", "x:float32:-1,1,1,8", line, 255, wide, 8);
  const double bilinear[] = {0, 1, 3, 5, 7, 9, 11, 12};
  check("{kind: image, resize: bilinear}", "x:float32:-1,1,1,8", line, 255, bilinear, 8);
  const double two[] = {2, 10};
  check("{kind: image, resize: bilinear}", "x:float32:-1,1,1,2", line, 255, two, 2);
  refuse("{kind: image, layout: NCHW, resize: none}", "x:float32:-1,1,3,3", grey, BF_ERR_MISMATCH, "has 4 x 4");
}

/* out(i, j) by its definition: overlaps of rectangles. */
static double area_of(const bf_image *x, uint32_t h, uint32_t w, uint32_t i, uint32_t j) {
  double sum = 0, top = (double)i * x->height / h, bottom = (double)(i + 1) * x->height / h;
  double left = (double)j * x->width / w, right = (double)(j + 1) * x->width / w;
  for (uint32_t r = 0; r < x->height; r++) {
    for (uint32_t c = 0; c < x->width; c++) {
      const double tall = fmin(bottom, r + 1.0) - fmax(top, r), broad = fmin(right, c + 1.0) - fmax(left, c);
      if (tall > 0 && broad > 0) sum += tall * broad * (double)x->pixels[r * x->width + c];
    }
  }
  return sum / ((bottom - top) * (right - left));
}

static void area_averages_are_those_of_the_definition_for_any_two_sizes(void **state) {
  (void)state;
  bf__random random = bf__random_of(4);
  float pixels[20 * 20];
  for (int round = 0; round < 60; round++) {
    bf_image images[2] = {
        {1 + (uint32_t)bf__random_below(&random, 20), 1 + (uint32_t)bf__random_below(&random, 20), 1, pixels},
        {5, 3, 1, pixels}};
    const uint32_t h = 1 + (uint32_t)bf__random_below(&random, 20), w = 1 + (uint32_t)bf__random_below(&random, 20);
    for (size_t i = 0; i < 400; i++) pixels[i] = (float)bf__random_unit(&random) * 255;
    char port[64];
    memory_sink memory = {0};
    bf_error err;
    snprintf(port, sizeof port, "x:float32:-1,%u,%u", h, w);
    assert_int_equal(run("{kind: image}", port, images, 2, 255, &memory, &err), BF_OK);
    for (uint32_t k = 0; k < 2 * h * w; k++) {
      const bf_image *x = &images[k / (h * w)];
      const double wanted = area_of(x, h, w, k % (h * w) / w, k % w);
      if (fabs(memory_sink_at(&memory, 0, k) - wanted) > 1e-3)
        fail_msg("%u x %u to %u x %u", x->height, x->width, h, w);
    }
    memory_sink_deinit(&memory);
  }
}

static void cells_that_are_no_number_are_black_and_bytes_are_clamped(void **state) {
  (void)state;
  const float odd[] = {NAN, INFINITY, 300, -5};
  const double clamped[] = {0, 0, 255, 0};
  check("{kind: image}", "x:uint8:-1,2,2", (bf_image){2, 2, 1, odd}, 255, clamped, 4);
}

static void images_that_do_not_fit_are_refused(void **state) {
  (void)state;
  refuse("{kind: image}", "x:float32:-1,3,2,2", (bf_image){2, 2, 2, colours}, BF_ERR_MISMATCH, "has 2");
  refuse("{kind: image}", "x:float32:-1,3,2,2", (bf_image){0, 0, 3, NULL}, BF_ERR_MISMATCH, "is empty");
  refuse("{kind: image, shape: [1, 28, 28]}", "x:float32:-1,1,32,28", grey, BF_ERR_MISMATCH,
         "is 32; the card's shape says 28");
  refuse("{kind: image}", "x:float32:-1,3,-1,-1", grey, BF_ERR_FORMAT, "bestfit.input.shape is needed");
  refuse("{kind: image}", "x:float32:-1,3,5,3", grey, BF_ERR_FORMAT, "bestfit.input.layout is needed");
  refuse("{kind: image, layout: NHW}", "x:float32:-1,1,4,4", grey, BF_ERR_MISMATCH, "4 dimensions, which is not NHW");
  refuse("{kind: image, shape: [1, 4, 4]}", "x:float32:-1,20", grey, BF_ERR_FORMAT, "layout is needed");
  refuse("{kind: image, layout: NCHW, shape: [1, 4, 4]}", "x:float32:-1,20", grey, BF_ERR_MISMATCH, "takes 20 numbers");
  refuse("{kind: image}", "x:string:-1,1,4,4", grey, BF_ERR_MISMATCH, "takes string");
  refuse("{kind: image, mean: [1, 2]}", "x:float32:-1,1,4,4", grey, BF_ERR_FORMAT,
         "mean has 2 numbers for 1 columns or channels");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pixels_become_what_the_typefaces_cards_say),
      cmocka_unit_test(colours_become_grey_and_grey_three_channels),
      cmocka_unit_test(sizes_change_by_area_or_bilinear),
      cmocka_unit_test(area_averages_are_those_of_the_definition_for_any_two_sizes),
      cmocka_unit_test(cells_that_are_no_number_are_black_and_bytes_are_clamped),
      cmocka_unit_test(images_that_do_not_fit_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
