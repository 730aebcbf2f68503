/* Series as they are: (n, T, C), (n, C, T) or flat (n, T·C), scaled per channel. */
#include <stdlib.h>

#include "base/memory.h"
#include "model/featuriser_internal.h"

typedef enum layout { NTC, NCT } layout;

typedef struct series {
  bf__scaling scaling;
  layout layout;
  int64_t n_steps, n_channels; /* 0: what the data have */
  float *row;                  /* a row in the tensor's layout */
  size_t row_cells;
} series;

static void series_free(void *state) {
  series *s = state;
  bf__scaling_deinit(&s->scaling);
  free(s->row);
  free(s);
}

static bf_status read_shape(const bf__making *m, series *s) {
  const bf__port *p = &m->ports[0];
  int64_t shape[2] = {0, 0};
  size_t n = 0;
  bf_status status = bf__option_integers(&m->input, "shape", 1, (int64_t)1 << 31, 2, shape, &n);
  if (status != BF_OK) return status;
  if (n == 1) return bf__option_error(&m->input, "shape", "must be [steps, channels], or [channels, steps] for NCT");
  if (p->n_dims == 3) {
    for (size_t i = 0; i < 2; i++) {
      if (p->dims[i + 1] >= 0 && shape[i] != 0 && p->dims[i + 1] != shape[i])
        return bf__error(m->err, BF_ERR_MISMATCH,
                         "the model's input \"%.60s\" is (n, %lld, %lld); the card's shape is [%lld, %lld]", p->name,
                         (long long)p->dims[1], (long long)p->dims[2], (long long)shape[0], (long long)shape[1]);
      if (shape[i] == 0 && p->dims[i + 1] > 0) shape[i] = p->dims[i + 1];
    }
  }
  s->n_steps = shape[s->layout == NTC ? 0 : 1];
  s->n_channels = shape[s->layout == NTC ? 1 : 0];
  return BF_OK;
}

static bf_status series_create(const bf__making *m, void **state) {
  static const char *const layouts[] = {"NTC", "NCT"};
  bf_status status = BF_OK;
  int chosen = NTC;
  series *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(m->err, sizeof *s);
  BF_TRY(bf__expect_inputs(m, 1, "series"));
  BF_TRY(bf__expect_numbers(m, 0, true));
  if (m->ports[0].n_dims != 2 && m->ports[0].n_dims != 3)
    BF_TRY(bf__error(m->err, BF_ERR_MISMATCH, "the model's input \"%.60s\" has %u dimensions; series are (n, T, C)",
                     m->ports[0].name, m->ports[0].n_dims));
  BF_TRY(bf__option_choice(&m->input, "layout", layouts, 2, &chosen));
  s->layout = (layout)chosen;
  BF_TRY(read_shape(m, s));
  BF_TRY(bf__scaling_read(m, &s->scaling));
  *state = s;
  s = NULL;
out:
  if (s) series_free(s);
  return status;
}

static bf_status check_rows(series *s, const bf__filling *f) {
  const bf_batch *b = f->batch;
  if (!b->cells || b->n_steps == 0 || b->n_channels == 0)
    return bf__error(f->err, BF_ERR_MISMATCH, "the rows are no series of one length");
  if ((s->n_steps != 0 && s->n_steps != b->n_steps) || (s->n_channels != 0 && s->n_channels != b->n_channels))
    return bf__error(f->err, BF_ERR_MISMATCH,
                     "the model takes series of %lld steps and %lld channels (0: any); these have %u and %u",
                     (long long)s->n_steps, (long long)s->n_channels, b->n_steps, b->n_channels);
  const bf__port *p = &f->ports[0];
  const int64_t cells = (int64_t)b->n_steps * b->n_channels;
  if (p->n_dims == 2 && p->dims[1] >= 0 && p->dims[1] != cells)
    return bf__error(f->err, BF_ERR_MISMATCH,
                     "the model takes %lld numbers a row; series of %u steps and %u channels are %lld",
                     (long long)p->dims[1], b->n_steps, b->n_channels, (long long)cells);
  if (s->row_cells != (size_t)cells) {
    float *row = bf__realloc(s->row, (size_t)cells, sizeof *row);
    if (!row) return bf__error_memory(f->err, (size_t)cells * sizeof *row);
    s->row = row;
    s->row_cells = (size_t)cells;
  }
  return bf__scaling_expand(&s->scaling, b->n_channels, f->err);
}

static bf_status series_fill(void *state, const bf__filling *f) {
  series *s = state;
  const bf_batch *b = f->batch;
  void *tensor;
  bf_status status = check_rows(s, f);
  if (status != BF_OK) return status;
  const size_t n_steps = b->n_steps, n_channels = b->n_channels, n_cells = n_steps * n_channels;
  const bf__port *p = &f->ports[0];
  int64_t dims[3] = {0, s->layout == NTC ? (int64_t)n_steps : (int64_t)n_channels,
                     s->layout == NTC ? (int64_t)n_channels : (int64_t)n_steps};
  if (p->n_dims == 2) dims[1] = (int64_t)n_cells;
  status = bf__tensor(f, 0, dims, p->n_dims, &tensor);
  if (status != BF_OK) return status;
  for (size_t i = 0; i < f->n; i++) {
    const float *x = b->cells + (f->first + i) * n_cells;
    float *y = p->type == BF__ELEMENT_FLOAT32 ? (float *)tensor + i * n_cells : s->row;
    for (size_t c = 0; c < n_channels; c++) {
      const bool is_planar = s->layout == NCT;
      bf__scale_channel(&s->scaling, c, n_steps, x + c, n_channels, y + (is_planar ? c * n_steps : c),
                        is_planar ? 1 : n_channels);
    }
    bf__put_numbers(p->type, tensor, i * n_cells, y, n_cells);
  }
  bf__put_zeros(p->type, tensor, f->n * n_cells, f->padded * n_cells);
  return BF_OK;
}

static size_t series_width(const void *state) {
  (void)state;
  return 0;
}

static const char *const options[] = {"name", NULL};
const bf__featuriser_row bf__featuriser_series = {"series",    BF_KIND_SERIES, options,     series_create,
                                                  series_fill, series_free,    series_width};
