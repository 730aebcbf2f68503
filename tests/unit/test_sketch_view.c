/* The canonical view: logarithm, projection and area averages against plain re-implementations, on every instruction
 * set. */
#include <float.h>

#include "sketch/sketch_kernels.h"
#include "sketch/view.h"
#include "sketch_testing.h"

static const bf__kernels *variant(int i) {
  return i ? bf__kernels_choose() : bf__kernels_scalar();
}

static void the_logarithm_agrees_with_libm(void **state) {
  (void)state;
  const float special[] = {0.0f,    -0.0f,    1.0f,  -1.0f,       FLT_MAX, -FLT_MAX, FLT_MIN,  1e-45f,
                           0.4142f, 0.41422f, 1e-9f, 16777216.0f, 3.4e38f, NAN,      INFINITY, -INFINITY};
  float x[2000];
  double y[2][2000];
  memcpy(x, special, sizeof special);
  for (size_t i = 16; i < 2000; i++) {
    uint32_t bits = (uint32_t)bf__mix64(1, i);
    memcpy(&x[i], &bits, sizeof bits);
    if (!isfinite(x[i])) x[i] = (float)i;
  }
  for (int v = 0; v < 2; v++) variant(v)->log_cells(x, 1999, y[v]);
  for (size_t i = 0; i < 1999; i++) {
    double expected = isfinite(x[i]) ? copysign(log1p(fabs((double)x[i])), (double)x[i]) : 0.0;
    assert_true(fabs(y[0][i] - expected) < 1e-13);
    assert_memory_equal(&y[0][i], &y[1][i], sizeof(double));
  }
}

static void wide_features_are_projected_by_the_documented_signs(void **state) {
  (void)state;
  enum { N = 9, D = 201 };
  float *cells = testing_cells(N, D, 3), out[2][N * 64];
  cells[5 * D + 7] = NAN;
  bf_error err;
  for (int v = 0; v < 2; v++) assert_int_equal(bf__view_features(variant(v), cells, N, D, out[v], &err), BF_OK);
  assert_memory_equal(out[0], out[1], sizeof out[0]);
  for (size_t i = 0; i < N; i++) {
    for (size_t j = 0; j < 64; j++) {
      double sum = 0;
      for (size_t c = 0; c < D; c++) {
        double x = (double)cells[i * D + c];
        if (!isfinite(x)) continue;
        double sign = (bf__mix64(0x70726f6a65637431u, c) >> j) & 1 ? -0.125 : 0.125;
        sum += sign * copysign(log1p(fabs(x)), x);
      }
      assert_true(fabs((double)out[0][i * 64 + j] - sum) < 1e-5);
    }
  }
  free(cells);
}

/* Area average of one channel over output cell (oy, ox) of 16 x 16, by definition. */
static double naive_cell(const bf_image *image, uint32_t c, int oy, int ox) {
  double h = image->height, w = image->width, y0 = oy * h / 16, y1 = (oy + 1) * h / 16, x0 = ox * w / 16,
         x1 = (ox + 1) * w / 16, sum = 0;
  for (uint32_t y = 0; y < image->height; y++) {
    for (uint32_t x = 0; x < image->width; x++) {
      double high = fmin(y1, y + 1.0) - fmax(y0, y), wide = fmin(x1, x + 1.0) - fmax(x0, x);
      float value = image->pixels[(y * image->width + x) * image->channels + c];
      if (high > 0 && wide > 0 && isfinite(value)) sum += high * wide * (double)value;
    }
  }
  return sum / ((y1 - y0) * (x1 - x0));
}

static void images_of_any_size_are_averaged_by_area(void **state) {
  (void)state;
  const uint32_t shapes[][3] = {{16, 16, 1}, {28, 28, 1}, {8, 8, 1},   {1, 1, 3},    {3, 50, 3},
                                {33, 17, 4}, {20, 7, 2},  {32, 32, 3}, {2, 4500, 3}, {5, 2100, 5}};
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    bf_image image = {shapes[k][0], shapes[k][1], shapes[k][2], NULL};
    size_t n = (size_t)image.height * image.width * image.channels;
    float *pixels = testing_cells(1, (uint32_t)n, k);
    if (n > 100) pixels[50] = NAN;
    image.pixels = pixels;
    double cells[2][288];
    for (int v = 0; v < 2; v++) bf__image_cells(variant(v), &image, 200.0, cells[v]);
    assert_memory_equal(cells[0], cells[1], sizeof cells[0]);
    double cb[16] = {0}, cr[16] = {0}, scale = 10.0 * (double)n / 200.0; /* of the values */
    for (int y = 0; y < 16; y++) {
      for (int x = 0; x < 16; x++) {
        double r = naive_cell(&image, 0, y, x) / 200, luminance = r;
        if (image.channels >= 3) {
          double g = naive_cell(&image, 1, y, x) / 200, b = naive_cell(&image, 2, y, x) / 200;
          luminance = 0.299 * r + 0.587 * g + 0.114 * b;
          cb[y / 4 * 4 + x / 4] += 0.564 * (b - luminance) / 16;
          cr[y / 4 * 4 + x / 4] += 0.713 * (r - luminance) / 16;
        }
        assert_true(fabs(cells[0][y * 16 + x] - luminance) < 1e-12 * scale + 1e-12);
      }
    }
    for (int i = 0; i < 16; i++) {
      assert_true(fabs(cells[0][256 + i] - cb[i]) < 1e-12 * scale + 1e-12);
      assert_true(fabs(cells[0][272 + i] - cr[i]) < 1e-12 * scale + 1e-12);
    }
    free(pixels);
  }
}

static void a_grey_image_is_seen_like_its_rgb_copy(void **state) {
  (void)state;
  float grey[28 * 28], rgb[28 * 28 * 3];
  for (size_t i = 0; i < 28 * 28; i++) {
    grey[i] = (float)(bf__mix64(1, i) % 256);
    for (size_t c = 0; c < 3; c++) rgb[3 * i + c] = grey[i];
  }
  double signs[288 * 64];
  float a[64], b[64];
  bf__image_signs(signs);
  const bf_image one = {28, 28, 1, grey}, three = {28, 28, 3, rgb};
  bf__view_image(bf__kernels_choose(), &one, 255, signs, a);
  bf__view_image(bf__kernels_choose(), &three, 255, signs, b);
  for (size_t j = 0; j < 64; j++) assert_true(fabs((double)a[j] - (double)b[j]) < 1e-6);
}

static void the_projection_keeps_distances_on_average(void **state) {
  (void)state;
  enum { N = 60, D = 400 };
  float *cells = testing_cells(N, D, 8), out[N * 64];
  bf_error err;
  assert_int_equal(bf__view_features(bf__kernels_choose(), cells, N, D, out, &err), BF_OK);
  double before = 0, after = 0;
  for (size_t i = 0; i + 1 < N; i++) {
    for (size_t c = 0; c < D; c++) {
      double x = (double)cells[i * D + c], y = (double)cells[(i + 1) * D + c];
      double d = copysign(log1p(fabs(x)), x) - copysign(log1p(fabs(y)), y);
      before += d * d;
    }
    for (size_t j = 0; j < 64; j++) {
      double d = (double)out[i * 64 + j] - (double)out[(i + 1) * 64 + j];
      after += d * d;
    }
  }
  assert_true(fabs(after / before - 1) < 0.15);
  free(cells);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_logarithm_agrees_with_libm),
      cmocka_unit_test(wide_features_are_projected_by_the_documented_signs),
      cmocka_unit_test(images_of_any_size_are_averaged_by_area),
      cmocka_unit_test(a_grey_image_is_seen_like_its_rgb_copy),
      cmocka_unit_test(the_projection_keeps_distances_on_average),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
