/* Sixteen numbers a channel, of those that activity recognition has settled on (Bulling, Blanke and Schiele 2014):
 * mean, deviation, minimum, maximum, quartiles, mean crossings and the power in eight bands.
 *
 * The Fourier transform is our own, mixed radix by decimation in time (Cooley and Tukey 1965; n steps cost n times the
 * sum of the prime factors of n), and so are its sines: the angle is brought into an eighth of the circle by integer
 * arithmetic and put into Taylor's series, with additions and multiplications in one order, so that a view has the same
 * bits on every machine. Windows of more than 4,096 steps are cut into consecutive ones of 4,096 (a shorter rest is
 * left out), whose powers are averaged (Bartlett 1948). */
#include "sketch/view_series.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sketch/moments.h"

#define LONGEST 4096u
#define BANDS 8u
#define QUARTER_PI 0.78539816339744830962

typedef struct complex {
  double re, im;
} complex;

struct bf__series_plan {
  uint32_t n_steps, n; /* n: steps of a transform */
  complex *circle;     /* [n] exp(-2 pi i k / n) */
};

struct bf__series_view {
  const bf__series_plan *plan;
  float *sorted;                /* [n_steps] */
  double *x;                    /* [n_steps] minus the mean, 0 where missing */
  complex *in, *out, *gathered; /* [n] */
};

/* Cosine and sine of x in [0, pi/4]. */
static complex unit(double x) {
  double z = x * x, c = 1.0, s = 1.0;
  for (int i = 18; i > 0; i -= 2) {
    c = 1.0 - c * z / (double)(i * (i - 1));
    s = 1.0 - s * z / (double)(i * (i + 1));
  }
  return (complex){c, s * x};
}

/* exp(-2 pi i k / n), k < n. */
static complex on_circle(uint32_t k, uint32_t n) {
  uint64_t eighth = (uint64_t)k * 8 / n, rest = (uint64_t)k * 8 - eighth * n;
  complex w = unit(QUARTER_PI * ((double)(eighth & 1 ? n - rest : rest) / (double)n));
  if (eighth & 1) w = (complex){w.im, w.re}; /* mirrored at the diagonal of its quarter */
  switch (eighth >> 1) {
    case 0:
      return (complex){w.re, -w.im};
    case 1:
      return (complex){-w.im, -w.re};
    case 2:
      return (complex){-w.re, w.im};
    default:
      return (complex){w.im, w.re};
  }
}

bf_status bf__series_plan_create(uint32_t n_steps, bf__series_plan **out, bf_error *err) {
  *out = NULL;
  bf__series_plan *p = bf__alloc(1, sizeof *p);
  if (!p) return bf__error_memory(err, sizeof *p);
  p->n_steps = n_steps;
  p->n = n_steps < LONGEST ? n_steps : LONGEST;
  p->circle = bf__alloc(p->n, sizeof *p->circle);
  if (!p->circle) {
    free(p);
    return bf__error_memory(err, LONGEST * sizeof *p->circle);
  }
  for (uint32_t k = 0; k < p->n; k++) p->circle[k] = on_circle(k, p->n);
  *out = p;
  return BF_OK;
}

void bf__series_plan_free(bf__series_plan *p) {
  if (!p) return;
  free(p->circle);
  free(p);
}

bf_status bf__series_view_create(const bf__series_plan *plan, bf__series_view **out, bf_error *err) {
  *out = NULL;
  bf__series_view *v = bf__alloc(1, sizeof *v);
  if (!v) return bf__error_memory(err, sizeof *v);
  v->plan = plan;
  v->sorted = bf__alloc(plan->n_steps, sizeof *v->sorted);
  v->x = bf__alloc(plan->n_steps, sizeof *v->x);
  v->in = bf__alloc(3 * (size_t)plan->n, sizeof *v->in);
  if (!v->sorted || !v->x || !v->in) {
    bf__series_view_free(v);
    return bf__error_memory(err, plan->n_steps * sizeof *v->x);
  }
  v->out = v->in + plan->n;
  v->gathered = v->out + plan->n;
  *out = v;
  return BF_OK;
}

void bf__series_view_free(bf__series_view *v) {
  if (!v) return;
  free(v->sorted);
  free(v->x);
  free(v->in);
  free(v);
}

void bf__series_column_name(uint32_t column, char out[BF__NAME_BYTES + 1]) {
  static const char *const names[BF__SERIES_STATISTICS] = {
      "mean",   "deviation", "min",    "max",    "q25",    "median", "q75",    "crossings",
      "power1", "power2",    "power3", "power4", "power5", "power6", "power7", "power8"};
  snprintf(out, BF__NAME_BYTES + 1, "ch%u.%s", column / BF__SERIES_STATISTICS, names[column % BF__SERIES_STATISTICS]);
}

static uint32_t smallest_factor(uint32_t n) {
  for (uint32_t p = 2; p <= n / p; p++) {
    if (n % p == 0) return p;
  }
  return n;
}

/* out[n] = transform of in[0], in[stride], ...; n * stride is the plan's n throughout, so that n falls with each call.
 */
static void transform(bf__series_view *v, const complex *in, uint32_t stride, uint32_t n, complex *out) {
  const uint32_t whole = v->plan->n;
  if (n < 2 || whole == 0) {
    *out = *in;
    return;
  }
  const uint32_t p = smallest_factor(n), m = n / p;
  for (uint32_t r = 0; r < p; r++) transform(v, in + r * stride, stride * p, m, out + r * m);
  for (uint32_t k = 0; k < m; k++) {
    for (uint32_t r = 0; r < p; r++) v->gathered[r] = out[r * m + k];
    for (uint32_t q = 0; q < p; q++) {
      complex sum = v->gathered[0];
      uint32_t step = (uint32_t)((uint64_t)(q * m + k) * stride % whole), at = 0;
      for (uint32_t r = 1; r < p; r++) {
        at += step;
        if (at >= whole) at -= whole;
        const complex w = v->plan->circle[at], t = v->gathered[r];
        sum.re += w.re * t.re - w.im * t.im;
        sum.im += w.re * t.im + w.im * t.re;
      }
      out[q * m + k] = sum;
    }
  }
}

/* Mean square of the part of x in each band; the bands' sum is the variance (but for what is left out of long windows).
 */
static void band_powers(bf__series_view *v, double power[BANDS]) {
  const uint32_t n = v->plan->n, half = n / 2;
  memset(power, 0, BANDS * sizeof *power);
  if (half == 0) return;
  const uint32_t n_windows = v->plan->n_steps / n;
  const double square = (double)n * (double)n * (double)n_windows;
  for (uint32_t w = 0; w < n_windows; w++) {
    for (uint32_t t = 0; t < n; t++) v->in[t] = (complex){v->x[(size_t)w * n + t], 0.0};
    transform(v, v->in, 1, n, v->out);
    for (uint32_t k = 1; k <= half; k++) {
      double p = v->out[k].re * v->out[k].re + v->out[k].im * v->out[k].im;
      power[(uint64_t)(k - 1) * BANDS / half] += (2 * k == n ? p : 2.0 * p) / square;
    }
  }
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void view_channel(bf__series_view *v, const float *cells, size_t n_channels, float *out) {
  const size_t n_steps = v->plan->n_steps;
  size_t n = 0, crossings = 0;
  double sum = 0, squares = 0, power[BANDS];
  for (size_t t = 0; t < n_steps; t++) {
    float x = cells[t * n_channels];
    if (!(x >= -FLT_MAX && x <= FLT_MAX)) continue;
    v->sorted[n++] = x + 0.0f;
    sum += (double)x;
  }
  if (n == 0) {
    for (size_t i = 0; i < BF__SERIES_STATISTICS; i++) out[i] = NAN;
    return;
  }
  const double mean = sum / (double)n;
  int side = 0; /* of the last value off the mean */
  for (size_t t = 0; t < n_steps; t++) {
    float x = cells[t * n_channels];
    bool ok = x >= -FLT_MAX && x <= FLT_MAX;
    double d = ok ? (double)x - mean : 0.0;
    v->x[t] = d;
    squares += d * d;
    int now = (d > 0) - (d < 0);
    crossings += now * side < 0;
    if (now) side = now;
  }
  qsort(v->sorted, n, sizeof *v->sorted, by_value);
  band_powers(v, power);
  out[0] = bf__to_float(mean);
  out[1] = bf__to_float(sqrt(squares / (double)n));
  out[2] = v->sorted[0];
  out[3] = v->sorted[n - 1];
  for (size_t q = 1; q <= 3; q++) out[3 + q] = v->sorted[(q * n + 3) / 4 - 1];
  out[7] = n > 1 ? (float)((double)crossings / (double)(n - 1)) : 0.0f;
  for (size_t i = 0; i < BANDS; i++) out[8 + i] = bf__to_float(power[i]);
}

void bf__view_series(bf__series_view *v, const float *cells, uint32_t n_channels, float *out) {
  for (uint32_t c = 0; c < n_channels; c++) view_channel(v, cells + c, n_channels, out + c * BF__SERIES_STATISTICS);
}
