/* Pixels: size, channels, range and layout that the model wants.
 *
 * In this order: to 0..255 by the data's value of white; to the model's size; grey from colour (Rec. 601 luminance) or
 * three equal channels from grey; scale, mean and std per channel.
 *
 * A new size is separable: out(i, j) = Σ_y Σ_x v_i(y) u_j(x) in(y, x), each weight vector summing to 1. By area, output
 * i covers the source from i·H/h to (i+1)·H/h and v_i(y) is the share of that interval that pixel y = [y, y+1) has.
 * Bilinear, s = (i + ½)·H/h − ½ held within [0, H − 1], the two pixels beside s have 1 − frac(s) and frac(s), with no
 * smoothing before (align_corners = False elsewhere). One row of the source is summed at a time, in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/featuriser_internal.h"

#define MOST_CELLS ((int64_t)1 << 26) /* of one image as the model takes it */

typedef enum layout { NCHW, NHWC, NHW } layout;
typedef enum resize { AREA, BILINEAR, NONE } resize;

/* The source pixels of each output pixel of one axis. */
typedef struct axis {
  uint32_t from, to;
  uint32_t *first, *count; /* [to] */
  size_t *start;           /* [to] in weights */
  double *weights;
} axis;

typedef struct pixels {
  bf__scaling scaling;
  layout layout;
  resize resize;
  uint32_t height, width, channels;
  axis rows, columns;
  double *line; /* a row of the source, [width][channels] */
  size_t n_line;
  float *source; /* [height][width][source channels], resized */
  size_t n_source;
  float *image; /* in the model's layout */
} pixels;

static void axis_deinit(axis *a) {
  free(a->first);
  free(a->count);
  free(a->start);
  free(a->weights);
  *a = (axis){0};
}

static void pixels_free(void *state) {
  pixels *s = state;
  bf__scaling_deinit(&s->scaling);
  axis_deinit(&s->rows);
  axis_deinit(&s->columns);
  free(s->line);
  free(s->source);
  free(s->image);
  free(s);
}

/* ---- what the card and the model say ---- */

static bf_status choose_layout(const bf__making *m, pixels *s, size_t n_shape) {
  static const char *const layouts[] = {"NCHW", "NHWC", "NHW"};
  const bf__port *p = &m->ports[0];
  int chosen = -1;
  bf_status status = bf__option_choice(&m->input, "layout", layouts, 3, &chosen);
  if (status != BF_OK) return status;
  if (chosen < 0 && p->n_dims == 4) {
    const bool first = p->dims[1] == 1 || p->dims[1] == 3, last = p->dims[3] == 1 || p->dims[3] == 3;
    if (first != last) chosen = first ? NCHW : NHWC;
  }
  if (chosen < 0 && (p->n_dims == 3 || n_shape == 2)) chosen = NHW;
  if (chosen < 0)
    return bf__option_error(&m->input, "layout", "is needed for the model's input \"%.60s\": NCHW, NHWC or NHW",
                            p->name);
  s->layout = (layout)chosen;
  if ((p->n_dims == 3 && s->layout != NHW) || (p->n_dims == 4 && s->layout == NHW))
    return bf__error(m->err, BF_ERR_MISMATCH, "the model's input \"%.60s\" has %u dimensions, which is not %s", p->name,
                     p->n_dims, layouts[chosen]);
  return BF_OK;
}

static bf_status check_shape(const bf__making *m, pixels *s, int64_t shape[3], size_t n) {
  const bf__port *p = &m->ports[0];
  const size_t wanted = s->layout == NHW ? 2 : 3;
  if (n != 0 && n != wanted)
    return bf__option_error(&m->input, "shape",
                            "has %zu numbers; it is [channels, height, width] for NCHW, [height, "
                            "width, channels] for NHWC, [height, width] for NHW",
                            n);
  for (size_t i = 0; i < wanted; i++) {
    if (p->n_dims == 2) break;
    const int64_t dim = p->dims[i + 1];
    if (n != 0 && dim >= 0 && dim != shape[i])
      return bf__error(m->err, BF_ERR_MISMATCH,
                       "dimension %zu of the model's input \"%.60s\" is %lld; the card's shape says %lld", i + 1,
                       p->name, (long long)dim, (long long)shape[i]);
    if (n == 0) shape[i] = dim;
    if (shape[i] <= 0)
      return bf__option_error(&m->input, "shape", "is needed: the model's input \"%.60s\" has free dimensions",
                              p->name);
  }
  if (p->n_dims == 2 && n == 0)
    return bf__option_error(&m->input, "shape", "is needed: the model's input \"%.60s\" is flat", p->name);
  s->channels = s->layout == NHW ? 1 : (uint32_t)(s->layout == NCHW ? shape[0] : shape[2]);
  s->height = (uint32_t)(s->layout == NCHW ? shape[1] : shape[0]);
  s->width = (uint32_t)(s->layout == NCHW ? shape[2] : shape[1]);
  const int64_t cells = (int64_t)s->channels * s->height; /* each at most 65,536 */
  if (cells > MOST_CELLS || cells * s->width > MOST_CELLS)
    return bf__error(m->err, BF_ERR_LIMIT, "images of %u x %u pixels, %u channels; at most %lld cells are made",
                     s->width, s->height, s->channels, (long long)MOST_CELLS);
  const int64_t total = cells * s->width;
  if (p->n_dims == 2 && p->dims[1] >= 0 && p->dims[1] != total)
    return bf__error(m->err, BF_ERR_MISMATCH,
                     "the model's input \"%.60s\" takes %lld numbers; the card's shape has %lld", p->name,
                     (long long)p->dims[1], (long long)total);
  return BF_OK;
}

static bf_status pixels_create(const bf__making *m, void **state) {
  static const char *const resizes[] = {"area", "bilinear", "none"};
  bf_status status = BF_OK;
  int64_t shape[3] = {0, 0, 0};
  size_t n = 0;
  int chosen = AREA;
  pixels *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(m->err, sizeof *s);
  BF_TRY(bf__expect_inputs(m, 1, "pixels"));
  BF_TRY(bf__expect_numbers(m, 0, true));
  if (m->ports[0].n_dims < 2 || m->ports[0].n_dims > 4)
    BF_TRY(bf__error(m->err, BF_ERR_MISMATCH,
                     "the model's input \"%.60s\" has %u dimensions; images are 3 or 4, or 2 flat", m->ports[0].name,
                     m->ports[0].n_dims));
  BF_TRY(bf__option_integers(&m->input, "shape", 1, 65536, 3, shape, &n));
  for (uint32_t i = 1; i < m->ports[0].n_dims; i++)
    if (m->ports[0].dims[i] > 65536 && m->ports[0].n_dims > 2)
      BF_TRY(bf__error(m->err, BF_ERR_LIMIT, "dimension %u of the model's input \"%.60s\" is above 65536", i,
                       m->ports[0].name));
  BF_TRY(choose_layout(m, s, n));
  BF_TRY(check_shape(m, s, shape, n));
  BF_TRY(bf__option_choice(&m->input, "resize", resizes, 3, &chosen));
  s->resize = (resize)chosen;
  BF_TRY(bf__scaling_read(m, &s->scaling));
  BF_TRY(bf__scaling_expand(&s->scaling, s->channels, m->err));
  s->image = bf__alloc((size_t)s->channels * s->height * s->width, sizeof *s->image);
  if (!s->image) BF_TRY(bf__error_memory(m->err, (size_t)s->channels * s->height * s->width * sizeof *s->image));
  *state = s;
  s = NULL;
out:
  if (s) pixels_free(s);
  return status;
}

/* ---- size ---- */

/* Source pixels [*first, *first + count) of output i, and their weights (NULL: only counted). */
static uint32_t weights_of(resize how, uint32_t from, uint32_t to, uint32_t i, uint32_t *first, double *weights) {
  if (how == BILINEAR) {
    double s = ((double)i + 0.5) * from / to - 0.5;
    s = s < 0 ? 0 : s > from - 1.0 ? from - 1.0 : s;
    const double low = floor(s);
    *first = (uint32_t)low;
    const uint32_t n = s > low ? 2 : 1;
    if (weights) weights[0] = 1 - (s - low);
    if (weights && n == 2) weights[1] = s - low;
    return n;
  }
  const uint64_t begin = (uint64_t)i * from, end = begin + from; /* in units of 1/to pixels: exact */
  const uint64_t low = begin / to, high = (end + to - 1) / to;
  *first = (uint32_t)low;
  for (uint64_t y = low; weights && y < high; y++) {
    const uint64_t a = y * to > begin ? y * to : begin, b = (y + 1) * to < end ? (y + 1) * to : end;
    weights[y - low] = (double)(b - a) / from;
  }
  return (uint32_t)(high - low);
}

static bf_status axis_make(axis *a, resize how, uint32_t from, uint32_t to, bf_error *err) {
  if (a->weights && a->from == from && a->to == to) return BF_OK;
  axis_deinit(a);
  size_t n = 0;
  a->first = bf__alloc(to, sizeof *a->first);
  a->count = bf__alloc(to, sizeof *a->count);
  a->start = bf__alloc(to, sizeof *a->start);
  if (!a->first || !a->count || !a->start) goto no_memory;
  for (uint32_t i = 0; i < to; i++) {
    a->start[i] = n;
    a->count[i] = weights_of(how, from, to, i, &a->first[i], NULL);
    n += a->count[i];
  }
  a->weights = bf__alloc(n, sizeof *a->weights);
  if (!a->weights) goto no_memory;
  for (uint32_t i = 0; i < to; i++) weights_of(how, from, to, i, &a->first[i], a->weights + a->start[i]);
  a->from = from;
  a->to = to;
  return BF_OK;
no_memory:
  axis_deinit(a);
  return bf__error_memory(err, ((size_t)to + from) * sizeof(double));
}

static bf_status make_room(pixels *s, const bf_image *x, bf_error *err) {
  const size_t n_line = (size_t)x->width * x->channels, n_source = (size_t)s->height * s->width * x->channels;
  if (s->n_line < n_line) {
    double *line = bf__realloc(s->line, n_line, sizeof *line);
    if (!line) return bf__error_memory(err, n_line * sizeof *line);
    s->line = line;
    s->n_line = n_line;
  }
  if (s->n_source < n_source) {
    float *source = bf__realloc(s->source, n_source, sizeof *source);
    if (!source) return bf__error_memory(err, n_source * sizeof *source);
    s->source = source;
    s->n_source = n_source;
  }
  bf_status status = axis_make(&s->rows, s->resize, x->height, s->height, err);
  return status == BF_OK ? axis_make(&s->columns, s->resize, x->width, s->width, err) : status;
}

static double pixel_of(float x) {
  return isfinite(x) ? (double)x : 0;
}

static void resize_image(pixels *s, const bf_image *x, double unit) {
  const size_t n_line = (size_t)x->width * x->channels;
  for (uint32_t i = 0; i < s->height; i++) {
    memset(s->line, 0, n_line * sizeof *s->line);
    for (uint32_t k = 0; k < s->rows.count[i]; k++) {
      const float *row = x->pixels + (s->rows.first[i] + k) * n_line;
      const double weight = s->rows.weights[s->rows.start[i] + k] * unit;
      for (size_t j = 0; j < n_line; j++) s->line[j] += weight * pixel_of(row[j]);
    }
    for (uint32_t j = 0; j < s->width; j++) {
      for (uint32_t c = 0; c < x->channels; c++) {
        const double *from = s->line + (size_t)s->columns.first[j] * x->channels + c;
        const double *weights = s->columns.weights + s->columns.start[j];
        double sum = 0;
        for (uint32_t k = 0; k < s->columns.count[j]; k++) sum += weights[k] * from[(size_t)k * x->channels];
        s->source[((size_t)i * s->width + j) * x->channels + c] = (float)sum;
      }
    }
  }
}

/* ---- rows ---- */

static bf_status check_image(const pixels *s, const bf_image *x, size_t item, bf_error *err) {
  if (!x->pixels || x->height == 0 || x->width == 0)
    return bf__error_at(err, BF_ERR_MISMATCH, (int64_t)item, "image %zu of the batch is empty", item);
  const bool converts = (x->channels == 3 && s->channels == 1) || (x->channels == 1 && s->channels == 3);
  if (x->channels != s->channels && !converts)
    return bf__error_at(err, BF_ERR_MISMATCH, (int64_t)item,
                        "the model takes images of %u channels; image %zu of the batch has %u", s->channels, item,
                        x->channels);
  if (s->resize == NONE && (x->height != s->height || x->width != s->width))
    return bf__error_at(
        err, BF_ERR_MISMATCH, (int64_t)item,
        "the model takes images of %u x %u pixels and the card says resize: none; image %zu of the batch "
        "has %u x %u",
        s->width, s->height, item, x->width, x->height);
  return BF_OK;
}

/* Channels, scale and layout, from s->source (of so many channels) to `out`. */
static void lay_out(pixels *s, size_t source_channels, float *out) {
  const size_t n = (size_t)s->height * s->width;
  const bool is_planar = s->layout == NCHW;
  float *x = s->source;
  if (source_channels == 3 && s->channels == 1) {
    for (size_t i = 0; i < n; i++)
      x[i] = (float)(0.299 * (double)x[3 * i] + 0.587 * (double)x[3 * i + 1] + 0.114 * (double)x[3 * i + 2]);
    source_channels = 1;
  }
  for (size_t c = 0; c < s->channels; c++)
    bf__scale_channel(&s->scaling, c, n, x + (source_channels == 1 ? 0 : c), source_channels,
                      out + (is_planar ? c * n : c), is_planar ? 1 : s->channels);
}

static bf_status pixels_fill(void *state, const bf__filling *f) {
  pixels *s = state;
  const bf__port *p = &f->ports[0];
  const size_t n_cells = (size_t)s->channels * s->height * s->width;
  const double unit = f->schema->range_max > 0 ? 255 / f->schema->range_max : 1;
  int64_t dims[4] = {0, s->channels, s->height, s->width};
  void *tensor;
  if (!f->batch->images && f->n) return bf__error(f->err, BF_ERR_MISMATCH, "the rows hold no images");
  if (s->layout == NHWC) memcpy(dims + 1, (const int64_t[3]){s->height, s->width, s->channels}, 3 * sizeof *dims);
  if (s->layout == NHW) memcpy(dims + 1, (const int64_t[2]){s->height, s->width}, 2 * sizeof *dims);
  if (p->n_dims == 2) dims[1] = (int64_t)n_cells;
  bf_status status = bf__tensor(f, 0, dims, p->n_dims, &tensor);
  for (size_t i = 0; i < f->n && status == BF_OK; i++) {
    const bf_image *x = &f->batch->images[f->first + i];
    status = check_image(s, x, f->first + i, f->err);
    if (status == BF_OK) status = make_room(s, x, f->err);
    if (status != BF_OK) return status;
    if (x->height == s->height && x->width == s->width) {
      for (size_t k = 0; k < n_cells / s->channels * x->channels; k++)
        s->source[k] = (float)(unit * pixel_of(x->pixels[k]));
    } else {
      resize_image(s, x, unit);
    }
    float *image = p->type == BF__ELEMENT_FLOAT32 ? (float *)tensor + i * n_cells : s->image;
    lay_out(s, x->channels, image);
    bf__put_numbers(p->type, tensor, i * n_cells, image, n_cells);
  }
  if (status == BF_OK) bf__put_zeros(p->type, tensor, f->n * n_cells, f->padded * n_cells);
  return status;
}

static size_t pixels_width(const void *state) {
  const pixels *s = state;
  return (size_t)s->channels * s->height * s->width;
}

static const char *const options[] = {"name", NULL};
const bf__featuriser_row bf__featuriser_pixels = {"pixels",    BF_KIND_IMAGE, options,     pixels_create,
                                                  pixels_fill, pixels_free,   pixels_width};
