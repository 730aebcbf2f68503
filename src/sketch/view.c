/* The canonical view.
 *
 * features: the columns themselves where there are at most 96. Wider rows pass sign(x) ln(1 + |x|), or the largest unit
 * would govern the sum, and are then projected to 64 columns by a fixed matrix of random signs (Achlioptas 2003, with
 * entries +-1 / sqrt(64): squared distances are kept in expectation). A missing cell of a projected row contributes
 * nothing.
 *
 * image: each image is averaged to 16 x 16 by area, whatever its size (an output cell takes the image cells under it by
 * the share it covers, so that smaller images are magnified and other aspect ratios are stretched), as luminance Y =
 * 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), to which 4 x 4 of Cb = 0.564 (B - Y) and Cr = 0.713 (R - Y) are added;
 * values are divided by white. One or two channels are grey (with alpha, which is ignored), three or more begin with
 * red, green, blue. The 288 numbers are projected like features, without the logarithm.
 *
 * All sums are double, in the order of the cells; so a view has the same bits on every machine. */
#include "sketch/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "sketch/moments.h"

#define SIDE 16u
#define CHROMA_SIDE 4u
#define PROJECTION_SEED 0x70726f6a65637431u /* "project1" */

uint64_t bf__projection_signs(uint64_t column) {
  return bf__mix64(PROJECTION_SEED, column);
}

static void expand_signs(uint64_t first_column, size_t n, double *signs) {
  for (size_t i = 0; i < n; i++) {
    uint64_t bits = bf__projection_signs(first_column + i);
    for (size_t j = 0; j < BF__PROJECTED_COLUMNS; j++) {
      signs[i * BF__PROJECTED_COLUMNS + j] = (bits >> j) & 1 ? -0.125 : 0.125;
    }
  }
}

static void store_row(const double *sums, float *out) {
  for (size_t j = 0; j < BF__PROJECTED_COLUMNS; j++) out[j] = bf__to_float(sums[j]);
}

bf_status bf__view_features(const bf__kernels *kernels, const float *rows, size_t n_rows, size_t n, float *out,
                            bf_error *err) {
  double *sums = bf__alloc(n_rows * BF__PROJECTED_COLUMNS, sizeof *sums);
  if (!sums) return bf__error_memory(err, n_rows * BF__PROJECTED_COLUMNS * sizeof *sums);
  double signs[BF__VIEW_TILE * BF__PROJECTED_COLUMNS], cells[2 * BF__VIEW_TILE];
  for (size_t first = 0; first < n; first += BF__VIEW_TILE) {
    size_t m = n - first < BF__VIEW_TILE ? n - first : BF__VIEW_TILE;
    expand_signs(first, m, signs);
    for (size_t r = 0; r < n_rows; r += 2) { /* two rows share the loads of signs */
      size_t pair = n_rows - r < 2 ? 1 : 2;
      for (size_t i = 0; i < pair; i++) {
        kernels->log_cells(rows + (r + i) * n + first, m, cells + i * BF__VIEW_TILE);
      }
      kernels->project(cells, pair, BF__VIEW_TILE, m, signs, sums + r * BF__PROJECTED_COLUMNS);
    }
  }
  for (size_t r = 0; r < n_rows; r++) {
    store_row(sums + r * BF__PROJECTED_COLUMNS, out + r * BF__PROJECTED_COLUMNS);
  }
  free(sums);
  return BF_OK;
}

/* Share of output cell `cell` (of SIDE over `size`) that input `at` covers, times SIDE / size: the weights of a cell
 * sum to 1. In units of 1 / SIDE input cells everything is an integer. */
static double area_weight(uint64_t at, uint64_t cell, uint64_t size) {
  uint64_t low = at * SIDE > cell * size ? at * SIDE : cell * size;
  uint64_t high = (at + 1) * SIDE < (cell + 1) * size ? (at + 1) * SIDE : (cell + 1) * size;
  return high > low ? (double)(high - low) / (double)size : 0.0;
}

/* Adds what image columns [first, first + n) give to output row `y`: strip[n][used] holds them averaged vertically. */
static void reduce_strip(const double *strip, uint64_t first, size_t n, uint64_t width, size_t used, double *out) {
  for (size_t i = 0; i < n; i++) {
    uint64_t x = first + i, end = ((x + 1) * SIDE - 1) / width;
    for (uint64_t cell = x * SIDE / width; cell <= end; cell++) {
      double weight = area_weight(x, cell, width);
      for (size_t c = 0; c < used; c++) out[cell * 3 + c] += weight * strip[i * used + c];
    }
  }
}

/* planes[SIDE][SIDE][3]: area averages of the first `used` channels. */
static void average(const bf__kernels *kernels, const bf_image *image, size_t used, double *planes) {
  double strip[BF__IMAGE_STRIP * 3];
  const uint64_t width = image->width, height = image->height, channels = image->channels;
  for (uint64_t first = 0; first < width; first += BF__IMAGE_STRIP) {
    size_t n = width - first < BF__IMAGE_STRIP ? (size_t)(width - first) : BF__IMAGE_STRIP;
    for (uint64_t cell = 0; cell < SIDE; cell++) {
      memset(strip, 0, n * used * sizeof *strip);
      for (uint64_t y = cell * height / SIDE; y < height && y * SIDE < (cell + 1) * height; y++) {
        const float *pixels = image->pixels + (y * width + first) * channels;
        double weight = area_weight(y, cell, height);
        if (channels == used) {
          kernels->add_scaled(strip, pixels, n * used, 1, weight);
        } else if (used == 1) {
          kernels->add_scaled(strip, pixels, n, channels, weight);
        } else {
          for (size_t i = 0; i < n; i++) kernels->add_scaled(strip + i * 3, pixels + i * channels, 3, 1, weight);
        }
      }
      reduce_strip(strip, first, n, width, used, planes + cell * SIDE * 3);
    }
  }
}

void bf__image_cells(const bf__kernels *kernels, const bf_image *image, double range_max, double *cells) {
  double planes[SIDE * SIDE * 3] = {0};
  const size_t used = image->channels >= 3 ? 3 : 1;
  memset(cells, 0, BF__IMAGE_CELLS * sizeof *cells);
  if (image->width == 0 || image->height == 0 || image->channels == 0) return;
  average(kernels, image, used, planes);
  double *cb = cells + SIDE * SIDE, *cr = cb + CHROMA_SIDE * CHROMA_SIDE;
  const size_t step = SIDE / CHROMA_SIDE;
  for (size_t y = 0; y < SIDE; y++) {
    for (size_t x = 0; x < SIDE; x++) {
      double *rgb = planes + (y * SIDE + x) * 3, *out = &cells[y * SIDE + x];
      if (used == 1) {
        *out = rgb[0] / range_max;
        continue;
      }
      *out = (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / range_max;
      size_t chroma = y / step * CHROMA_SIDE + x / step;
      cb[chroma] += 0.564 / (double)(step * step) * (rgb[2] / range_max - *out);
      cr[chroma] += 0.713 / (double)(step * step) * (rgb[0] / range_max - *out);
    }
  }
}

void bf__view_image(const bf__kernels *kernels, const bf_image *image, double range_max, const double *signs,
                    float *out) {
  double cells[BF__IMAGE_CELLS], sums[BF__PROJECTED_COLUMNS] = {0};
  bf__image_cells(kernels, image, range_max, cells);
  kernels->project(cells, 1, 0, image->channels >= 3 ? BF__IMAGE_CELLS : SIDE * SIDE, signs, sums);
  store_row(sums, out);
}

void bf__image_signs(double *signs) {
  expand_signs(0, BF__IMAGE_CELLS, signs);
}
