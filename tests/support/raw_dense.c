#include "raw_dense.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *const RAW_MEASURE_NAMES[RAW_MEASURES] = {"hist-jsd", "mmd",         "centroid-distance",
                                                     "cell-jsd", "gauss-kl-ts", "gauss-kl-st"};

enum { BINS = 16, FEATURES = 256, TABLES = 8, BITS = 8, CENTROIDS = 64 };

static int compare_floats(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double jsd(const double *p, const double *q, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    double m = (p[i] + q[i]) / 2;
    if (p[i] > 0) sum += 0.5 * p[i] * log(p[i] / m);
    if (q[i] > 0) sum += 0.5 * q[i] * log(q[i] / m);
  }
  return sum;
}

/* ---- the frame: standardised rows ---- */

typedef struct frame {
  size_t k;
  double *mean, *deviation;
} frame;

static double standard(const frame *f, size_t j, double x) {
  double z = (x - f->mean[j]) / f->deviation[j];
  return z < -8 ? -8 : z > 8 ? 8 : z;
}

static frame make_frame(const raw_domain *d, size_t n, const int *use) {
  frame f = {.k = d[0].n_columns};
  f.mean = calloc(f.k, sizeof(double));
  f.deviation = calloc(f.k, sizeof(double));
  double n_used = 0;
  for (size_t s = 0; s < n; s++) {
    if (!use[s]) continue;
    n_used++;
    for (size_t j = 0; j < f.k; j++) {
      double sum = 0, squares = 0;
      for (size_t i = 0; i < d[s].n_rows; i++) {
        double x = d[s].cells[i * f.k + j];
        sum += x;
        squares += x * x;
      }
      f.mean[j] += sum / (double)d[s].n_rows;
      f.deviation[j] += squares / (double)d[s].n_rows;
    }
  }
  for (size_t j = 0; j < f.k; j++) {
    f.mean[j] /= n_used;
    double variance = f.deviation[j] / n_used - f.mean[j] * f.mean[j];
    f.deviation[j] = variance > 1e-12 ? sqrt(variance) : 1e30; /* a constant column: all zeros */
  }
  return f;
}

/* ---- hist-jsd ---- */

static void pooled_edges(const raw_domain *d, size_t n, const int *use, size_t j, float *edges) {
  enum { TAKEN = 400 }; /* rows a source, equal weight each */
  size_t count = 0;
  float *pool = malloc(n * TAKEN * sizeof *pool);
  for (size_t s = 0; s < n; s++) {
    if (!use[s]) continue;
    for (size_t i = 0; i < TAKEN; i++) pool[count++] = d[s].cells[(i * d[s].n_rows / TAKEN) * d[s].n_columns + j];
  }
  qsort(pool, count, sizeof *pool, compare_floats);
  for (size_t b = 1; b < BINS; b++) edges[b - 1] = pool[b * count / BINS];
  free(pool);
}

static void bin_column(const raw_domain *d, size_t j, const float *edges, double *p) {
  memset(p, 0, BINS * sizeof *p);
  for (size_t i = 0; i < d->n_rows; i++) {
    size_t b = 0;
    while (b < BINS - 1 && d->cells[i * d->n_columns + j] >= edges[b]) b++;
    p[b]++;
  }
  for (size_t b = 0; b < BINS; b++) p[b] = (p[b] + 0.25) / ((double)d->n_rows + 4);
}

static void hist_measure(const raw_domain *d, size_t n, size_t target, const int *use, double *out) {
  size_t k = d[0].n_columns;
  memset(out, 0, n * sizeof *out);
  for (size_t j = 0; j < k; j++) {
    float edges[BINS - 1];
    double p[BINS], q[BINS];
    pooled_edges(d, n, use, j, edges);
    bin_column(&d[target], j, edges, q);
    for (size_t s = 0; s < n; s++) {
      if (!use[s]) continue;
      bin_column(&d[s], j, edges, p);
      out[s] += jsd(p, q, BINS) / (double)k;
    }
  }
}

/* ---- mmd and cells: projections of every row (2,500 at most) ---- */

enum { ROWS = 2500 };

static size_t taken(const raw_domain *d) {
  return d->n_rows < ROWS ? d->n_rows : ROWS;
}

static void row_standard(const raw_domain *d, const frame *f, size_t i, float *z) {
  const float *x = d->cells + (i * d->n_rows / taken(d)) * d->n_columns;
  for (size_t j = 0; j < f->k; j++) z[j] = (float)standard(f, j, x[j]);
}

/* values[row][direction] = w_direction . z_row */
static float *project(const raw_domain *d, const frame *f, const float *directions, size_t n_directions) {
  size_t n = taken(d);
  float *values = calloc(n * n_directions, sizeof *values), *z = malloc(f->k * sizeof *z);
  for (size_t i = 0; i < n; i++) {
    row_standard(d, f, i, z);
    for (size_t j = 0; j < f->k; j++)
      for (size_t w = 0; w < n_directions; w++) values[i * n_directions + w] += z[j] * directions[j * n_directions + w];
  }
  free(z);
  return values;
}

static void mmd_measure(const raw_domain *d, size_t n, size_t target, const int *use, const frame *f,
                        const raw_random *random, double *out) {
  double(*phi)[FEATURES] = calloc(n, sizeof *phi);
  for (size_t s = 0; s < n; s++) {
    if (!use[s] && s != target) continue;
    float *values = project(&d[s], f, random->frequencies, FEATURES);
    for (size_t i = 0; i < taken(&d[s]); i++)
      for (size_t r = 0; r < FEATURES; r++)
        phi[s][r] += sqrt(2) * cosf(6.2831853F * (values[i * FEATURES + r] + random->phases[r])) / (double)taken(&d[s]);
    free(values);
  }
  for (size_t s = 0; s < n; s++) {
    out[s] = 0;
    for (size_t r = 0; r < FEATURES; r++)
      out[s] += (phi[s][r] - phi[target][r]) * (phi[s][r] - phi[target][r]) / FEATURES;
  }
  free(phi);
}

static void cell_measure(const raw_domain *d, size_t n, size_t target, const int *use, const frame *f,
                         const raw_random *random, double *out) {
  enum { DIRECTIONS = TABLES * BITS, CELLS = 1 << BITS };
  float **values = calloc(n, sizeof *values), *pool = malloc(n * ROWS * sizeof *pool);
  float medians[DIRECTIONS];
  for (size_t s = 0; s < n; s++)
    if (use[s] || s == target) values[s] = project(&d[s], f, random->planes, DIRECTIONS);
  for (size_t w = 0; w < DIRECTIONS; w++) {
    size_t count = 0;
    for (size_t s = 0; s < n; s++)
      for (size_t i = 0; use[s] && i < taken(&d[s]); i++) pool[count++] = values[s][i * DIRECTIONS + w];
    qsort(pool, count, sizeof *pool, compare_floats);
    medians[w] = pool[count / 2];
  }
  double(*tables)[TABLES][CELLS] = calloc(n, sizeof *tables);
  for (size_t s = 0; s < n; s++) {
    if (!values[s]) continue;
    size_t m = taken(&d[s]);
    for (size_t i = 0; i < m; i++)
      for (size_t t = 0; t < TABLES; t++) {
        unsigned cell = 0;
        for (size_t b = 0; b < BITS; b++)
          cell = cell << 1 | (values[s][i * DIRECTIONS + t * BITS + b] > medians[t * BITS + b]);
        tables[s][t][cell]++;
      }
    for (size_t t = 0; t < TABLES; t++)
      for (size_t c = 0; c < CELLS; c++) tables[s][t][c] = (tables[s][t][c] + 0.05) / ((double)m + 0.05 * CELLS);
  }
  for (size_t s = 0; s < n; s++) {
    out[s] = 0;
    for (size_t t = 0; use[s] && t < TABLES; t++) out[s] += jsd(tables[s][t], tables[target][t], CELLS) / TABLES;
  }
  for (size_t s = 0; s < n; s++) free(values[s]);
  free(values);
  free(tables);
  free(pool);
}

/* ---- centroid-distance ---- */

float *raw_centroids(const raw_domain *d, const double *deviation) {
  size_t k = d->n_columns, n = d->n_rows;
  float *z = malloc(n * k * sizeof *z), *c = malloc(CENTROIDS * k * sizeof *c);
  double *sum = malloc(CENTROIDS * k * sizeof *sum);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < k; j++) z[i * k + j] = (float)(d->cells[i * k + j] / deviation[j]);
  for (size_t m = 0; m < CENTROIDS; m++) memcpy(c + m * k, z + (m * n / CENTROIDS) * k, k * sizeof *c);
  for (int round = 0; round < 12; round++) {
    size_t counts[CENTROIDS] = {0};
    memset(sum, 0, CENTROIDS * k * sizeof *sum);
    for (size_t i = 0; i < n; i++) {
      size_t best = 0;
      float least = INFINITY;
      for (size_t m = 0; m < CENTROIDS; m++) {
        float distance = 0;
        for (size_t j = 0; j < k; j++) distance += (z[i * k + j] - c[m * k + j]) * (z[i * k + j] - c[m * k + j]);
        if (distance < least) {
          least = distance;
          best = m;
        }
      }
      counts[best]++;
      for (size_t j = 0; j < k; j++) sum[best * k + j] += z[i * k + j];
    }
    for (size_t m = 0; m < CENTROIDS; m++)
      for (size_t j = 0; counts[m] && j < k; j++) c[m * k + j] = (float)(sum[m * k + j] / (double)counts[m]);
  }
  for (size_t m = 0; m < CENTROIDS; m++)
    for (size_t j = 0; j < k; j++) c[m * k + j] = (float)(c[m * k + j] * deviation[j]);
  free(z);
  free(sum);
  return c;
}

/* Mean over target rows of the distance to the nearest source centroid. */
static void centroid_measure(const raw_domain *d, float *const *centroids, size_t n, size_t target, const int *use,
                             const frame *f, double *out) {
  size_t k = f->k, m = taken(&d[target]);
  float *rows = malloc(m * k * sizeof *rows), *c = malloc(CENTROIDS * k * sizeof *c);
  for (size_t i = 0; i < m; i++) row_standard(&d[target], f, i, rows + i * k);
  for (size_t s = 0; s < n; s++) {
    out[s] = 0;
    if (!use[s]) continue;
    for (size_t a = 0; a < CENTROIDS; a++)
      for (size_t j = 0; j < k; j++) c[a * k + j] = (float)standard(f, j, centroids[s][a * k + j]);
    for (size_t i = 0; i < m; i++) {
      float least = INFINITY;
      for (size_t a = 0; a < CENTROIDS; a++) {
        float distance = 0;
        for (size_t j = 0; j < k; j++) distance += (rows[i * k + j] - c[a * k + j]) * (rows[i * k + j] - c[a * k + j]);
        if (distance < least) least = distance;
      }
      out[s] += sqrt(least / (double)k) / (double)m;
    }
  }
  free(rows);
  free(c);
}

/* ---- gauss-kl ---- */

typedef struct gaussian {
  double *mean, *covariance, *inverse, log_determinant;
} gaussian;

static gaussian fit_gaussian(const raw_domain *d, const frame *f) {
  size_t k = f->k, n = d->n_rows;
  gaussian g = {.mean = calloc(k, sizeof(double)),
                .covariance = calloc(k * k, sizeof(double)),
                .inverse = calloc(k * k, sizeof(double))};
  double *z = malloc(k * sizeof *z);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < k; j++) g.mean[j] += (d->cells[i * k + j] - f->mean[j]) / f->deviation[j] / (double)n;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < k; j++) z[j] = (d->cells[i * k + j] - f->mean[j]) / f->deviation[j] - g.mean[j];
    for (size_t a = 0; a < k; a++)
      for (size_t b = 0; b < k; b++) g.covariance[a * k + b] += z[a] * z[b] / (double)n;
  }
  double trace = 0, lambda = fmin(0.9, (double)k / (2 * (double)n) + 0.02);
  for (size_t a = 0; a < k; a++) trace += g.covariance[a * k + a];
  for (size_t i = 0; i < k * k; i++) g.covariance[i] *= 1 - lambda;
  for (size_t a = 0; a < k; a++) g.covariance[a * k + a] += lambda * trace / (double)k + 1e-4;
  /* Gauss-Jordan with the identity beside it */
  double *m = malloc(k * k * sizeof *m);
  memcpy(m, g.covariance, k * k * sizeof *m);
  for (size_t a = 0; a < k; a++) g.inverse[a * k + a] = 1;
  for (size_t a = 0; a < k; a++) {
    double pivot = m[a * k + a];
    g.log_determinant += log(pivot);
    for (size_t j = 0; j < k; j++) {
      m[a * k + j] /= pivot;
      g.inverse[a * k + j] /= pivot;
    }
    for (size_t b = 0; b < k; b++) {
      double factor = m[b * k + a];
      if (b == a || factor == 0) continue;
      for (size_t j = 0; j < k; j++) {
        m[b * k + j] -= factor * m[a * k + j];
        g.inverse[b * k + j] -= factor * g.inverse[a * k + j];
      }
    }
  }
  free(m);
  free(z);
  return g;
}

static double gauss_kl(const gaussian *s, const gaussian *t, size_t k) {
  double sum = -(double)k + s->log_determinant - t->log_determinant;
  for (size_t a = 0; a < k; a++)
    for (size_t b = 0; b < k; b++)
      sum += s->inverse[a * k + b] * (t->covariance[b * k + a] + (t->mean[a] - s->mean[a]) * (t->mean[b] - s->mean[b]));
  return sum / 2 / (double)k;
}

static void gauss_measures(const raw_domain *d, size_t n, size_t target, const int *use, const frame *f, double *ts,
                           double *st) {
  gaussian t = fit_gaussian(&d[target], f);
  for (size_t s = 0; s < n; s++) {
    ts[s] = st[s] = 0;
    if (!use[s]) continue;
    gaussian g = fit_gaussian(&d[s], f);
    ts[s] = gauss_kl(&g, &t, f->k);
    st[s] = gauss_kl(&t, &g, f->k);
    free(g.mean);
    free(g.covariance);
    free(g.inverse);
  }
  free(t.mean);
  free(t.covariance);
  free(t.inverse);
}

void raw_measures(const raw_domain *domains, float *const *centroids, size_t n_domains, size_t target, const int *use,
                  const raw_random *random, double *values[RAW_MEASURES]) {
  frame f = make_frame(domains, n_domains, use);
  hist_measure(domains, n_domains, target, use, values[0]);
  mmd_measure(domains, n_domains, target, use, &f, random, values[1]);
  centroid_measure(domains, centroids, n_domains, target, use, &f, values[2]);
  cell_measure(domains, n_domains, target, use, &f, random, values[3]);
  gauss_measures(domains, n_domains, target, use, &f, values[4], values[5]);
  free(f.mean);
  free(f.deviation);
}
