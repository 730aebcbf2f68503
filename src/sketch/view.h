/* The canonical view: what every row of a kind is turned into before it is summarised. */
#ifndef BESTFIT_SRC_SKETCH_VIEW_H
#define BESTFIT_SRC_SKETCH_VIEW_H

#include <bestfit/dataset.h>

#include "base/error.h"
#include "sketch/sketch_data.h"
#include "sketch/sketch_kernels.h"

#define BF__VIEW_TILE 32u     /* raw cells of a row that are projected at once */
#define BF__IMAGE_CELLS 288u  /* 16x16 luminance, 4x4 Cb, 4x4 Cr */
#define BF__IMAGE_STRIP 2048u /* image columns averaged at once */

/* The signs of projection row `column`: bit j is 1 where the entry of view column j is -1/8, else it is +1/8. */
uint64_t bf__projection_signs(uint64_t column);

/* rows[n_rows][n] of features wider than BF__MAX_VIEW_COLUMNS to out[n_rows][BF__PROJECTED_COLUMNS]. */
bf_status bf__view_features(const bf__kernels *kernels, const float *rows, size_t n_rows, size_t n, float *out,
                            bf_error *err);
/* One image to the 288 cells that are projected: values divided by range_max. */
void bf__image_cells(const bf__kernels *kernels, const bf_image *image, double range_max, double *cells);
/* One image to out[BF__PROJECTED_COLUMNS]. `signs` is bf__image_signs(). */
void bf__view_image(const bf__kernels *kernels, const bf_image *image, double range_max, const double *signs,
                    float *out);
/* Fills the projection matrix of images: signs[BF__IMAGE_CELLS][BF__PROJECTED_COLUMNS]. */
void bf__image_signs(double *signs);

#endif
