/* Pictures of the target: up to 24 images spread evenly over its first 2,000 rows (reading all of a large folder once
 * more for a row of thumbnails would cost more than the search), and the mean image of a sketch from its raw means.
 * Large images are averaged over areas down to 96 pixels; small ones stay as they are, and the page scales them up with
 * hard edges. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/report_internal.h"

#define MAX_THUMBNAILS 24u
#define MAX_ROWS_LOOKED_AT 2000u
#define MAX_SIDE 96u

/* Mean over the area of output pixel (row, column) in channel `channel`; NaN cells count as black. */
static double area_mean(const bf_image *image, uint32_t height, uint32_t width, uint32_t row, uint32_t column,
                        uint32_t channel) {
  size_t y0 = (size_t)row * image->height / height, y1 = ((size_t)row + 1) * image->height / height;
  size_t x0 = (size_t)column * image->width / width, x1 = ((size_t)column + 1) * image->width / width;
  double sum = 0;
  size_t n = 0;
  for (size_t y = y0; y < y1; y++) {
    for (size_t x = x0; x < x1; x++, n++) {
      double v = (double)image->pixels[(y * image->width + x) * image->channels + channel];
      sum += isfinite(v) ? v : 0;
    }
  }
  return n > 0 ? sum / (double)n : 0;
}

static bf_status encode(const bf_image *image, double white, uint8_t **out, size_t *out_bytes, bf_error *err) {
  *out = NULL;
  if (image->height == 0 || image->width == 0 || image->channels == 0) return BF_OK;
  uint32_t longer = image->height > image->width ? image->height : image->width;
  double scale = longer > MAX_SIDE ? (double)MAX_SIDE / longer : 1;
  uint32_t height = (uint32_t)(scale * image->height), width = (uint32_t)(scale * image->width);
  uint32_t channels = image->channels >= 3 ? 3 : 1; /* alpha and further channels are not shown */
  height = height > 0 ? height : 1, width = width > 0 ? width : 1;
  uint8_t *pixels = bf__alloc((size_t)height * width, channels);
  if (pixels == NULL) return bf__error_memory(err, (size_t)height * width * channels);
  size_t at = 0;
  for (uint32_t y = 0; y < height; y++) {
    for (uint32_t x = 0; x < width; x++) {
      for (uint32_t channel = 0; channel < channels; channel++) {
        double v = area_mean(image, height, width, y, x, channel) * 255 / (white > 0 ? white : 255);
        pixels[at++] = (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5);
      }
    }
  }
  bf_status status = bf_image_encode_png(pixels, height, width, channels, out, out_bytes, err);
  free(pixels);
  return status;
}

bf_status bf__thumbnail(bf__writer *w, const bf_image *image, double white, int64_t row, bf_error *err) {
  uint8_t *png = NULL;
  size_t n_bytes = 0;
  bf_status status = encode(image, white, &png, &n_bytes, err);
  if (status == BF_OK && png != NULL) {
    char alt[64];
    snprintf(alt, sizeof alt, "image in row %lld of the target", (long long)row);
    bf__html_png(w, png, n_bytes, "thumbnail", alt);
  }
  free(png);
  return status;
}

bf_status bf__thumbnails(bf__writer *w, const char *path, const bf_dataset_options *options, bf_error *err) {
  bf_dataset *dataset = NULL;
  bf_batch batch;
  uint32_t n_shown = 0;
  bf_status status = BF_OK;
  BF_TRY(bf_dataset_open(path, options, &dataset, err));
  uint64_t rows = bf_dataset_row_hint(dataset);
  if (rows > MAX_ROWS_LOOKED_AT) rows = MAX_ROWS_LOOKED_AT;
  int64_t step = rows > MAX_THUMBNAILS ? (int64_t)(rows / MAX_THUMBNAILS) : 1;
  while (n_shown < MAX_THUMBNAILS) {
    BF_TRY(bf_dataset_next(dataset, &batch, err));
    if (batch.n_rows == 0 || batch.images == NULL) break;
    for (uint32_t i = 0; i < batch.n_rows && n_shown < MAX_THUMBNAILS; i++) {
      int64_t row = batch.first_row + i;
      if (row % step != 0) continue;
      BF_TRY(bf__thumbnail(w, &batch.images[i], bf_dataset_range_max(dataset), row, err));
      n_shown++;
    }
  }
out:
  bf_dataset_close(dataset);
  return status;
}

bf_status bf__mean_image(const bf_sketch *sketch, uint8_t **out, size_t *out_bytes, bf_error *err) {
  bf_image image = {.pixels = bf_sketch_raw_means(sketch)};
  *out = NULL;
  if (image.pixels == NULL || !bf_sketch_image_shape(sketch, &image.height, &image.width, &image.channels))
    return BF_OK;
  return encode(&image, bf_sketch_range_max(sketch), out, out_bytes, err);
}
