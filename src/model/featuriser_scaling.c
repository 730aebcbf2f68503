/* Scaling: y = (x·scale − mean)/std in double, as y = x·factor − shift, so that an image costs one product and one
 * difference a pixel. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/featuriser_internal.h"

static bf_status read_missing(const bf__making *m, bf__scaling *out) {
  const char *text = NULL;
  bf_status status = bf__option_text(&m->input, "missing", &text);
  if (status != BF_OK || text == NULL) return status;
  out->has_missing = true;
  if (strcmp(text, "nan") == 0) {
    out->missing = NAN;
    return BF_OK;
  }
  return bf__option_number(&m->input, "missing", &out->missing);
}

bf_status bf__scaling_read(const bf__making *m, bf__scaling *out) {
  bf_status status = BF_OK;
  *out = (bf__scaling){.scale = 1, .limit = INFINITY};
  BF_TRY(bf__option_number(&m->input, "scale", &out->scale));
  BF_TRY(bf__option_number(&m->input, "clip", &out->limit));
  if (!(out->limit > 0)) {
    status = bf__option_error(&m->input, "clip", "must be above 0: values are held within -clip and clip");
    goto out;
  }
  BF_TRY(read_missing(m, out));
  BF_TRY(bf__option_numbers(&m->input, "mean", &out->mean, &out->n_mean));
  BF_TRY(bf__option_numbers(&m->input, "std", &out->std, &out->n_std));
  for (size_t i = 0; i < out->n_std; i++) {
    if (out->std[i] > 0) continue;
    status = bf__option_error(&m->input, "std", "must be above 0; entry %zu is %g", i + 1, out->std[i]);
    goto out;
  }
out:
  if (status != BF_OK) bf__scaling_deinit(out);
  return status;
}

void bf__scaling_deinit(bf__scaling *s) {
  free(s->mean);
  free(s->std);
  free(s->factor);
  free(s->shift);
  *s = (bf__scaling){0};
}

bf_status bf__scaling_expand(bf__scaling *s, size_t n_columns, bf_error *err) {
  if (s->factor && s->n_columns == n_columns) return BF_OK;
  if ((s->n_mean > 1 && s->n_mean != n_columns) || (s->n_std > 1 && s->n_std != n_columns))
    return bf__error(
        err, BF_ERR_FORMAT,
        "card: bestfit.input.%s has %zu numbers for %zu columns or channels: give one for all, or one each",
        s->n_mean > 1 && s->n_mean != n_columns ? "mean" : "std",
        s->n_mean > 1 && s->n_mean != n_columns ? s->n_mean : s->n_std, n_columns);
  double *factor = bf__alloc(n_columns, sizeof *factor), *shift = bf__alloc(n_columns, sizeof *shift);
  if (!factor || !shift) {
    free(factor);
    free(shift);
    return bf__error_memory(err, n_columns * sizeof *factor);
  }
  for (size_t i = 0; i < n_columns; i++) {
    const double mean = s->n_mean ? s->mean[s->n_mean == 1 ? 0 : i] : 0,
                 std = s->n_std ? s->std[s->n_std == 1 ? 0 : i] : 1;
    factor[i] = s->scale / std;
    shift[i] = mean / std;
  }
  free(s->factor);
  free(s->shift);
  s->factor = factor;
  s->shift = shift;
  s->n_columns = n_columns;
  return BF_OK;
}

/* One cell, without a branch that would keep the loops below from being vectorised. */
static inline float scale_cell(const bf__scaling *s, double factor, double shift, float x) {
  const bool is_missing = isnan(x);
  const double value = is_missing ? s->missing : (double)x;
  double y = value * factor - shift;
  y = y > s->limit ? s->limit : y;
  y = y < -s->limit ? -s->limit : y;
  return is_missing && !s->has_missing ? 0.0f : (float)y;
}

void bf__scale(const bf__scaling *s, size_t first, size_t n, const float *x, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = scale_cell(s, s->factor[first + i], s->shift[first + i], x[i]);
}

void bf__scale_channel(const bf__scaling *s, size_t channel, size_t n, const float *x, size_t x_stride, float *y,
                       size_t y_stride) {
  const double factor = s->factor[channel], shift = s->shift[channel];
  for (size_t i = 0; i < n; i++) y[i * y_stride] = scale_cell(s, factor, shift, x[i * x_stride]);
}
