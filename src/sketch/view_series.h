/* The view of a window of a series. */
#ifndef BESTFIT_SRC_SKETCH_VIEW_SERIES_H
#define BESTFIT_SRC_SKETCH_VIEW_SERIES_H

#include "base/error.h"
#include "sketch/sketch_data.h"

/* What windows of one length share (read only), and scratch of one worker. */
typedef struct bf__series_plan bf__series_plan;
typedef struct bf__series_view bf__series_view;

bf_status bf__series_plan_create(uint32_t n_steps, bf__series_plan **out, bf_error *err);
void bf__series_plan_free(bf__series_plan *p);
bf_status bf__series_view_create(const bf__series_plan *plan, bf__series_view **out, bf_error *err);
void bf__series_view_free(bf__series_view *v);

/* Name of a view column: "ch0.mean". */
void bf__series_column_name(uint32_t column, char out[BF__NAME_BYTES + 1]);

/* cells[n_steps][n_channels] to out[n_channels][BF__SERIES_STATISTICS]; NaN throughout for a channel without a finite
 * cell. */
void bf__view_series(bf__series_view *v, const float *cells, uint32_t n_channels, float *out);

#endif
