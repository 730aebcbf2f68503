#include "learn/kriging.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "learn/cholesky.h"

#define CLIP 6.0
#define LOWEST 0.01
#define HIGHEST 0.99
#define JITTER 1e-8
#define MAX_ROWS 4000u

struct bf__kriging {
  bf__kriging_kernel kernel;
  size_t n, n_columns, n_domains;
  double *mean, *deviation; /* [n_columns]; deviation 0: constant, not used */
  double *z;                /* [n][n_columns] */
  uint32_t *models, *domains;
  size_t *rows;     /* [n] numbers among those given, ascending */
  double *nearness; /* [n_domains][n_domains] D */
  double *y;        /* [n] */
  double mean_y;
  double *factor; /* [n][n] L, or L^-1 once it was inverted */
  bool inverted;
  double *weights; /* [n] (K + I)^-1 (y - mean) */
};

void bf__kriging_free(bf__kriging *k) {
  if (!k) return;
  free(k->mean);
  free(k->deviation);
  free(k->z);
  free(k->models);
  free(k->domains);
  free(k->rows);
  free(k->nearness);
  free(k->y);
  free(k->factor);
  free(k->weights);
  free(k);
}

double bf__clip_accuracy(double p) {
  return fmin(fmax(p, LOWEST), HIGHEST);
}

/* ---- rows ---- */

typedef struct hashed_row {
  uint64_t hash;
  size_t row;
} hashed_row;

static int compare_hashed(const void *a, const void *b) {
  const hashed_row *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->row < y->row ? -1 : x->row > y->row;
}

static int compare_rows(const void *a, const void *b) {
  size_t x = *(const size_t *)a, y = *(const size_t *)b;
  return x < y ? -1 : x > y;
}

static bf_status choose_rows(bf__kriging *k, size_t n, size_t max_rows, uint64_t seed, bf_error *err) {
  k->n = n < max_rows ? n : max_rows;
  k->rows = bf__alloc(k->n, sizeof *k->rows);
  if (!k->rows) return bf__error_memory(err, k->n * sizeof *k->rows);
  for (size_t i = 0; i < k->n; ++i) k->rows[i] = i;
  if (k->n == n) return BF_OK;
  hashed_row *all = bf__alloc(n, sizeof *all);
  if (!all) return bf__error_memory(err, n * sizeof *all);
  for (size_t i = 0; i < n; ++i) all[i] = (hashed_row){bf__mix64(seed, i), i};
  qsort(all, n, sizeof *all, compare_hashed);
  for (size_t i = 0; i < k->n; ++i) k->rows[i] = all[i].row;
  qsort(k->rows, k->n, sizeof *k->rows, compare_rows);
  free(all);
  return BF_OK;
}

static void learn_scale(bf__kriging *k, const bf__pairs *pairs) {
  for (size_t c = 0; c < k->n_columns; ++c) {
    double sum = 0.0, squares = 0.0, largest = 0.0;
    size_t n = 0;
    for (size_t i = 0; i < k->n; ++i) {
      double x = pairs->x[k->rows[i] * k->n_columns + c];
      if (!isfinite(x)) continue;
      sum += x;
      largest = fmax(largest, fabs(x));
      ++n;
    }
    k->mean[c] = n ? sum / (double)n : 0.0;
    for (size_t i = 0; i < k->n; ++i) {
      double x = pairs->x[k->rows[i] * k->n_columns + c];
      if (isfinite(x)) squares += (x - k->mean[c]) * (x - k->mean[c]);
    }
    double deviation = n ? sqrt(squares / (double)n) : 0.0;
    k->deviation[c] = deviation > largest * 1e-14 ? deviation : 0.0;
  }
}

static void standardise(const bf__kriging *k, const double *x, double *z) {
  for (size_t c = 0; c < k->n_columns; ++c) {
    bool known = isfinite(x[c]) && k->deviation[c] > 0.0;
    z[c] = known ? fmin(fmax((x[c] - k->mean[c]) / k->deviation[c], -CLIP), CLIP) : 0.0;
  }
}

static double dot(const double *a, const double *b, size_t n) {
  double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (; i < n; ++i) s0 += a[i] * b[i];
  return s0 + s1 + s2 + s3;
}

/* Covariance of a row (z, model, nearness of its domain to the training row's) with training row j. */
static double covariance(const bf__kriging *k, const double *z, uint32_t model, double nearness, size_t j) {
  const bf__kriging_kernel *v = &k->kernel;
  double linear = 10.0 / (double)k->n * dot(z, k->z + j * k->n_columns, k->n_columns);
  double same = model != BF__NOBODY && model == k->models[j] ? v->v_same : 0.0;
  return linear * (v->v_lin + v->v_ll * nearness) + (same + v->v_dom) * nearness;
}

/* ---- fitting ---- */

static bf_status allocate(bf__kriging *k, bf_error *err) {
  size_t cells = 0;
  if (!bf__mul(k->n, k->n, &cells)) return bf__error_memory(err, SIZE_MAX);
  k->mean = bf__alloc(k->n_columns, sizeof *k->mean);
  k->deviation = bf__alloc(k->n_columns, sizeof *k->deviation);
  k->z = bf__alloc(k->n * k->n_columns, sizeof *k->z);
  k->models = bf__alloc(k->n, sizeof *k->models);
  k->domains = bf__alloc(k->n, sizeof *k->domains);
  k->nearness = bf__alloc(k->n_domains * k->n_domains, sizeof *k->nearness);
  k->y = bf__alloc(k->n, sizeof *k->y);
  k->factor = bf__alloc(cells, sizeof *k->factor);
  k->weights = bf__alloc(k->n, sizeof *k->weights);
  bool all =
      k->mean && k->deviation && k->z && k->models && k->domains && k->nearness && k->y && k->factor && k->weights;
  return all ? BF_OK : bf__error_memory(err, cells * sizeof *k->factor);
}

static bf_status solve(bf__kriging *k, bf_error *err) {
  for (size_t i = 0; i < k->n; ++i) {
    const double *near = k->nearness + k->domains[i] * k->n_domains;
    for (size_t j = 0; j <= i; ++j)
      k->factor[i * k->n + j] = covariance(k, k->z + i * k->n_columns, k->models[i], near[k->domains[j]], j);
    k->factor[i * k->n + i] += 1.0 + JITTER * (double)k->n;
  }
  if (!bf__cholesky(k->factor, k->n))
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "the experience makes no system of equations that can be solved");
  for (size_t i = 0; i < k->n; ++i) k->weights[i] = k->y[i] - k->mean_y;
  bf__cholesky_solve(k->factor, k->n, k->weights, k->weights);
  return BF_OK;
}

bf_status bf__kriging_fit(const bf__kriging_kernel *kernel, const bf__pairs *pairs, const double *y,
                          const double *distances, size_t n_domains, size_t max_rows, uint64_t seed, bf__kriging **out,
                          bf_error *err) {
  *out = NULL;
  if (pairs->n == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "there is no experience to learn from");
  bf_status status = BF_OK;
  bf__kriging *k = bf__alloc(1, sizeof *k);
  if (!k) return bf__error_memory(err, sizeof *k);
  k->kernel = *kernel;
  k->n_columns = pairs->n_columns;
  k->n_domains = n_domains;
  BF_TRY(choose_rows(k, pairs->n, max_rows ? max_rows : MAX_ROWS, seed, err));
  BF_TRY(allocate(k, err));
  learn_scale(k, pairs);
  for (size_t i = 0; i < k->n; ++i) {
    size_t row = k->rows[i];
    standardise(k, pairs->x + row * k->n_columns, k->z + i * k->n_columns);
    k->models[i] = pairs->models[row];
    k->domains[i] = pairs->domains[row];
    k->y[i] = y[row];
    k->mean_y += y[row] / (double)k->n;
  }
  for (size_t i = 0; i < n_domains * n_domains; ++i) k->nearness[i] = exp(-kernel->g * distances[i]);
  BF_TRY(solve(k, err));
  *out = k;
  k = NULL;
out:
  bf__kriging_free(k);
  return status;
}

/* ---- predictions ---- */

bf_status bf__kriging_predict(const bf__kriging *k, const bf__pairs *pairs, const double *distances, double *out,
                              bf_error *err) {
  double *z = bf__alloc(k->n_columns + k->n_domains, sizeof *z);
  if (!z) return bf__error_memory(err, (k->n_columns + k->n_domains) * sizeof *z);
  double *near = z + k->n_columns;
  for (size_t i = 0; i < pairs->n; ++i) {
    double sum = k->mean_y;
    standardise(k, pairs->x + i * k->n_columns, z);
    for (size_t d = 0; d < k->n_domains; ++d) near[d] = exp(-k->kernel.g * distances[i * k->n_domains + d]);
    for (size_t j = 0; j < k->n; ++j) sum += k->weights[j] * covariance(k, z, pairs->models[i], near[k->domains[j]], j);
    out[i] = bf__clip_accuracy(sum);
  }
  free(z);
  return BF_OK;
}

/* ---- leaving a group of domains out ---- */

typedef struct leaving {
  bf__kriging *k;
  const uint32_t *group, *model_group;
  size_t n_block;
  size_t *block;    /* [n] training rows of the group */
  double *inverse;  /* [n_block][n_block] of (K + I)^-1 */
  double *residual; /* [n_block] y - prediction without the group */
  double *through;  /* [n] L^-1 e */
  double *weights;  /* [n] those of the fit without the group */
} leaving;

/* [(K + I)^-1]_bb = (L^-1)_b' (L^-1)_b, then its Cholesky factor. */
static bf_status block_residuals(leaving *l, bf_error *err) {
  const bf__kriging *k = l->k;
  size_t n = k->n, b = l->n_block;
  memset(l->inverse, 0, b * b * sizeof *l->inverse);
  for (size_t r = l->block[0]; r < n; ++r) {
    const double *row = k->factor + r * n;
    for (size_t i = 0; i < b && l->block[i] <= r; ++i)
      for (size_t j = 0; j <= i; ++j) l->inverse[i * b + j] += row[l->block[i]] * row[l->block[j]];
  }
  if (!bf__cholesky(l->inverse, b))
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "a domain cannot be left out of the experience");
  for (size_t i = 0; i < b; ++i) l->residual[i] = k->weights[l->block[i]];
  bf__cholesky_solve(l->inverse, b, l->residual, l->residual);
  return BF_OK;
}

/* Weights of the fit without the group: w - (K + I)^-1 e, where e is the residual on the group; 0 there. */
static void weights_without(leaving *l) {
  const bf__kriging *k = l->k;
  size_t n = k->n;
  memset(l->through, 0, n * sizeof *l->through);
  memcpy(l->weights, k->weights, n * sizeof *l->weights);
  for (size_t r = 0; r < n; ++r)
    for (size_t i = 0; i < l->n_block && l->block[i] <= r; ++i)
      l->through[r] += k->factor[r * n + l->block[i]] * l->residual[i];
  for (size_t r = 0; r < n; ++r)
    for (size_t i = 0; i <= r; ++i) l->weights[i] -= k->factor[r * n + i] * l->through[r];
  for (size_t i = 0; i < l->n_block; ++i) l->weights[l->block[i]] = 0.0;
}

/* Rows of the group that the fit did not learn from. */
static void predict_others(const leaving *l, const bf__pairs *pairs, uint32_t group, double *z, double *out) {
  const bf__kriging *k = l->k;
  size_t at = 0;
  for (size_t i = 0; i < pairs->n; ++i) {
    while (at < k->n && k->rows[at] < i) ++at;
    if ((at < k->n && k->rows[at] == i) || l->group[pairs->domains[i]] != group) continue;
    const double *near = k->nearness + pairs->domains[i] * k->n_domains;
    double sum = k->mean_y;
    standardise(k, pairs->x + i * k->n_columns, z);
    for (size_t j = 0; j < k->n; ++j)
      if (l->weights[j] != 0.0) sum += l->weights[j] * covariance(k, z, pairs->models[i], near[k->domains[j]], j);
    out[i] = bf__clip_accuracy(sum);
  }
}

static bool is_of_group(const leaving *l, uint32_t model, uint32_t group) {
  return l->model_group && model != BF__NOBODY && l->model_group[model] == group;
}

static bf_status leave_one(leaving *l, const bf__pairs *pairs, uint32_t group, double *z, double *out, bf_error *err) {
  const bf__kriging *k = l->k;
  l->n_block = 0;
  for (size_t i = 0; i < k->n; ++i)
    if (l->group[k->domains[i]] == group || is_of_group(l, k->models[i], group)) l->block[l->n_block++] = i;
  if (l->n_block > 0) {
    free(l->inverse);
    l->inverse = bf__alloc(l->n_block * l->n_block, sizeof *l->inverse);
    if (!l->inverse) return bf__error_memory(err, l->n_block * l->n_block * sizeof *l->inverse);
    bf_status status = block_residuals(l, err);
    if (status != BF_OK) return status;
  }
  for (size_t i = 0; i < l->n_block; ++i)
    if (l->group[k->domains[l->block[i]]] == group)
      out[k->rows[l->block[i]]] = bf__clip_accuracy(k->y[l->block[i]] - l->residual[i]);
  if (k->n == pairs->n) return BF_OK;
  weights_without(l);
  predict_others(l, pairs, group, z, out);
  return BF_OK;
}

bf_status bf__kriging_leave_out(bf__kriging *k, const bf__pairs *pairs, const uint32_t *group,
                                const uint32_t *model_group, double *out, bf_error *err) {
  if (!k->factor) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "what was learnt earlier can only predict");
  bf_status status = BF_OK;
  leaving l = {.k = k, .group = group, .model_group = model_group};
  l.block = bf__alloc(k->n, sizeof *l.block);
  l.residual = bf__alloc(k->n, sizeof *l.residual);
  l.through = bf__alloc(k->n, sizeof *l.through);
  l.weights = bf__alloc(k->n, sizeof *l.weights);
  double *z = bf__alloc(k->n_columns, sizeof *z);
  if (!l.block || !l.residual || !l.through || !l.weights || !z) BF_TRY(bf__error_memory(err, k->n * sizeof *z));
  if (!k->inverted) bf__triangle_invert(k->factor, k->n);
  k->inverted = true;
  for (size_t d = 0; d < k->n_domains; ++d) {
    bool first = true;
    for (size_t e = 0; e < d; ++e) first = first && group[e] != group[d];
    if (first) BF_TRY(leave_one(&l, pairs, group[d], z, out, err));
  }
out:
  free(l.block);
  free(l.inverse);
  free(l.residual);
  free(l.through);
  free(l.weights);
  free(z);
  return status;
}

/* ---- as bytes ---- */

static void write_doubles(bf__writer *w, const double *x, size_t n) {
  for (size_t i = 0; i < n; ++i) bf__write_f64(w, x[i]);
}

void bf__kriging_write(const bf__kriging *k, bf__writer *w) {
  const double kernel[] = {k->kernel.v_lin, k->kernel.v_ll, k->kernel.v_same, k->kernel.v_dom, k->kernel.g};
  bf__write_u64(w, k->n);
  bf__write_u64(w, k->n_columns);
  write_doubles(w, kernel, sizeof kernel / sizeof *kernel);
  bf__write_f64(w, k->mean_y);
  write_doubles(w, k->mean, k->n_columns);
  write_doubles(w, k->deviation, k->n_columns);
  write_doubles(w, k->z, k->n * k->n_columns);
  write_doubles(w, k->weights, k->n);
  for (size_t i = 0; i < k->n; ++i) bf__write_u32(w, k->models[i]);
  for (size_t i = 0; i < k->n; ++i) bf__write_u32(w, k->domains[i]);
}

static bool read_doubles(bf__reader *r, double *out, size_t n) {
  bool finite = true;
  for (size_t i = 0; i < n; ++i) {
    out[i] = bf__read_f64(r);
    finite = finite && isfinite(out[i]);
  }
  return finite && !r->failed;
}

static bool read_numbers(bf__reader *r, uint32_t *out, size_t n, size_t below, uint32_t also) {
  bool known = true;
  for (size_t i = 0; i < n; ++i) {
    out[i] = bf__read_u32(r);
    known = known && (out[i] < below || out[i] == also);
  }
  return known && !r->failed;
}

static bf_status read_all(bf__reader *r, bf__kriging *k, size_t n_models, const char **what, bf_error *err) {
  size_t n = k->n, c = k->n_columns;
  double kernel[5];
  k->mean = bf__alloc(c, sizeof *k->mean);
  k->deviation = bf__alloc(c, sizeof *k->deviation);
  k->z = bf__alloc(n * c, sizeof *k->z);
  k->weights = bf__alloc(n, sizeof *k->weights);
  k->models = bf__alloc(n, sizeof *k->models);
  k->domains = bf__alloc(n, sizeof *k->domains);
  if (!k->mean || !k->deviation || !k->z || !k->weights || !k->models || !k->domains)
    return bf__error_memory(err, n * c * sizeof *k->z);
  if (!read_doubles(r, kernel, 5) || !read_doubles(r, &k->mean_y, 1) || !read_doubles(r, k->mean, c) ||
      !read_doubles(r, k->deviation, c) || !read_doubles(r, k->z, n * c) || !read_doubles(r, k->weights, n))
    *what = "a number that is not finite";
  if (!read_numbers(r, k->models, n, n_models, BF__NOBODY)) *what = "a row of no model";
  if (!read_numbers(r, k->domains, n, k->n_domains, 0)) *what = "a row of no domain";
  k->kernel = (bf__kriging_kernel){kernel[0], kernel[1], kernel[2], kernel[3], kernel[4]};
  return BF_OK;
}

bf_status bf__kriging_read(bf__reader *r, size_t n_columns, size_t n_domains, size_t n_models, bf__kriging **out,
                           bf_error *err) {
  const char *what = NULL;
  *out = NULL;
  uint64_t n = bf__read_u64(r), c = bf__read_u64(r);
  if (r->failed || n == 0 || n_domains == 0 || c != n_columns)
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)r->position, "a fit of other rows or columns");
  if (n_columns > bf__reader_left(r) / 16 || n > bf__reader_left(r) / (8 * c + 16))
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)r->position, "a fit of more rows than there is room for");
  bf__kriging *k = bf__alloc(1, sizeof *k);
  if (!k) return bf__error_memory(err, sizeof *k);
  k->n = (size_t)n;
  k->n_columns = n_columns;
  k->n_domains = n_domains;
  bf_status status = read_all(r, k, n_models, &what, err);
  if (status == BF_OK && what) status = bf__error_at(err, BF_ERR_FORMAT, (int64_t)r->position, "a fit with %s", what);
  if (status == BF_OK) *out = k;
  if (status != BF_OK) bf__kriging_free(k);
  return status;
}
