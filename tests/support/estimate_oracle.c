#include "estimate_oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NONE (-1)

struct oracle {
  const bf_panel_model *models;
  bf_panel_options options;
  size_t m, n, c;
  const char **names; /* [c] */
  int *vote;          /* [m][n] */
  double *p;          /* [m][n][c] */
  double *a;          /* [m][m] */
};

static void *zeros(size_t n, size_t bytes) {
  void *block = calloc(n ? n : 1, bytes);
  if (!block) abort();
  return block;
}

static int find(const char **names, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(names[i], name) == 0) return (int)i;
  return NONE;
}

static void find_classes(oracle *o) {
  size_t most = 0;
  for (size_t m = 0; m < o->m; m++) most += o->models[m].n_classes;
  o->names = zeros(most, sizeof *o->names);
  for (size_t m = 0; m < o->m; m++) {
    for (size_t k = 0; k < o->models[m].n_classes; k++) {
      const char *name = o->models[m].classes[k];
      size_t n_having = 0;
      for (size_t j = 0; j < o->m; j++)
        n_having += find((const char **)(uintptr_t)o->models[j].classes, o->models[j].n_classes, name) != NONE;
      if (o->options.shared_classes && n_having < o->m) continue;
      if (find(o->names, o->c, name) == NONE) o->names[o->c++] = name;
    }
  }
  for (size_t i = 0; i < o->c; i++) /* by bytes */
    for (size_t j = i + 1; j < o->c; j++)
      if (strcmp(o->names[j], o->names[i]) < 0) {
        const char *swapped = o->names[i];
        o->names[i] = o->names[j];
        o->names[j] = swapped;
      }
}

/* z over the classes of the panel, -inf where the model lacks one; false: no answer */
static bool logits(const oracle *o, size_t m, size_t x, double *z) {
  const bf_panel_model *model = &o->models[m];
  double sum = 0;
  for (size_t c = 0; c < o->c; c++) z[c] = -INFINITY;
  if (!model->scores) return false;
  for (size_t k = 0; k < model->n_classes; k++) {
    double s = (double)model->scores[x * model->n_classes + k];
    int c = find(o->names, o->c, model->classes[k]);
    if (!isfinite(s) || (!model->are_logits && s < 0)) return false;
    if (c == NONE) continue;
    z[c] = model->are_logits ? s : log(s > 1e-12 ? s : 1e-12);
    sum += s;
  }
  return model->are_logits || sum > 0;
}

static double temperature(const oracle *o, size_t m) {
  return o->models[m].calibration ? o->models[m].calibration->temperature : 1.0;
}

static void fill_item(oracle *o, size_t m, size_t x, double *z) {
  const bf_panel_model *model = &o->models[m];
  double *p = o->p + (m * o->n + x) * o->c;
  int *vote = &o->vote[m * o->n + x];
  *vote = NONE;
  if (!model->scores) {
    if (model->predicted[x] >= 0) *vote = find(o->names, o->c, model->classes[model->predicted[x]]);
    if (*vote != NONE) p[*vote] = 1;
    return;
  }
  if (!logits(o, m, x, z)) return;
  long double sum = 0;
  for (size_t c = 0; c < o->c; c++) {
    double s = z[c];
    int k = find((const char **)(uintptr_t)model->classes, model->n_classes, o->names[c]);
    if (!model->are_logits && k != NONE) s = (double)model->scores[x * model->n_classes + (size_t)k];
    if (k != NONE && (*vote == NONE || s > z[o->c])) {
      *vote = (int)c;
      z[o->c] = s; /* the best so far */
    }
    if (!model->are_logits && temperature(o, m) == 1.0) {
      p[c] = k == NONE ? 0 : s;
    } else {
      p[c] = k == NONE ? 0 : (double)expl((long double)z[c] / (long double)temperature(o, m));
    }
    sum += (long double)p[c];
  }
  for (size_t c = 0; c < o->c; c++) p[c] = (double)((long double)p[c] / sum);
}

oracle *oracle_create(const bf_panel_model *models, size_t n_models, size_t n_items, const bf_panel_options *options) {
  oracle *o = zeros(1, sizeof *o);
  *o = (oracle){.models = models, .options = *options, .m = n_models, .n = n_items};
  if (o->options.seed == 0) o->options.seed = BF_SKETCH_DEFAULT_SEED;
  find_classes(o);
  o->vote = zeros(o->m * o->n, sizeof *o->vote);
  o->p = zeros(o->m * o->n * o->c, sizeof *o->p);
  o->a = zeros(o->m * o->m, sizeof *o->a);
  double *z = zeros(o->c + 1, sizeof *z);
  for (size_t m = 0; m < o->m; m++)
    for (size_t x = 0; x < o->n; x++) fill_item(o, m, x, z);
  for (size_t i = 0; i < o->m; i++)
    for (size_t j = 0; j < o->m; j++) {
      double equal = 0, both = 0;
      for (size_t x = 0; x < o->n; x++) {
        int a = o->vote[i * o->n + x], b = o->vote[j * o->n + x];
        both += a != NONE && b != NONE;
        equal += a != NONE && a == b;
      }
      o->a[i * o->m + j] = i == j ? 1 : both > 0 ? equal / both : NAN;
    }
  free(z);
  return o;
}

void oracle_free(oracle *o) {
  free(o->names);
  free(o->vote);
  free(o->p);
  free(o->a);
  free(o);
}

static double answered(const oracle *o, size_t m) {
  double n = 0;
  for (size_t x = 0; x < o->n; x++) n += o->vote[m * o->n + x] != NONE;
  return n;
}

static const double *row(const oracle *o, size_t m, size_t x) {
  return o->vote[m * o->n + x] == NONE ? NULL : o->p + (m * o->n + x) * o->c;
}

/* ---- one model ---- */

static long double max_of(const double *p, size_t c) {
  long double best = 0;
  for (size_t i = 0; i < c; i++) best = (long double)p[i] > best ? (long double)p[i] : best;
  return best;
}

static long double plnp(const double *p, size_t c) {
  long double sum = 0;
  for (size_t i = 0; i < c; i++)
    if (p[i] > 0) sum += (long double)p[i] * logl((long double)p[i]);
  return sum;
}

static double simple(const oracle *o, const char *name, size_t m) {
  const bf_calibration *cal = o->models[m].calibration;
  long double sum = 0;
  for (size_t x = 0; x < o->n; x++) {
    const double *p = row(o, m, x);
    if (!p) continue;
    long double best = max_of(p, o->c);
    if (strcmp(name, "confidence") == 0 || strcmp(name, "doc") == 0) sum += best;
    if (strcmp(name, "neg-entropy") == 0) sum += plnp(p, o->c);
    if (strcmp(name, "atc") == 0) sum += best >= (long double)cal->atc_threshold;
    if (strcmp(name, "atc-entropy") == 0) sum += plnp(p, o->c) >= (long double)cal->atc_entropy_threshold;
    if (strcmp(name, "margin") == 0) {
      long double second = 0;
      size_t at = 0;
      for (size_t c = 0; c < o->c; c++) at = p[c] > p[at] ? c : at;
      for (size_t c = 0; c < o->c; c++) second = c != at && (long double)p[c] > second ? (long double)p[c] : second;
      sum += best - second;
    }
    if (strcmp(name, "cbpe") == 0) {
      double y = cal->step_accuracy[0];
      for (size_t s = 0; s < cal->n_steps; s++)
        if (cal->step_confidence[s] <= (double)best) y = cal->step_accuracy[s];
      sum += (long double)y;
    }
  }
  double mean = (double)(sum / (long double)answered(o, m));
  return strcmp(name, "doc") == 0 ? cal->accuracy + mean - cal->mean_confidence : mean;
}

static double energies(const oracle *o, const char *name, size_t m) {
  double *z = zeros(o->c, sizeof *z);
  long double sum = 0, exps = 0, n = 0;
  for (size_t x = 0; x < o->n; x++) {
    long double inner = 0;
    if (!row(o, m, x) || !logits(o, m, x, z)) continue;
    for (size_t c = 0; c < o->c; c++) inner += expl((long double)z[c]);
    sum += logl(inner);
    exps += 1 / inner;
    n++;
  }
  free(z);
  return strcmp(name, "energy") == 0 ? (double)(-sum / n) : (double)(logl(exps) + sum / n);
}

static double nuclear(const oracle *o, size_t m) {
  size_t n = (size_t)answered(o, m), k = 0;
  long double *a = zeros(n * o->c, sizeof *a), total = 0;
  for (size_t x = 0; x < o->n; x++) {
    const double *p = row(o, m, x);
    for (size_t c = 0; p && c < o->c; c++) a[k * o->c + c] = (long double)p[c];
    k += p != NULL;
  }
  for (int sweep = 0; sweep < 100; sweep++) /* one-sided Jacobi on the columns as they are */
    for (size_t i = 0; i < o->c; i++)
      for (size_t j = i + 1; j < o->c; j++) {
        long double ii = 0, jj = 0, ij = 0;
        for (size_t x = 0; x < n; x++) {
          ii += a[x * o->c + i] * a[x * o->c + i];
          jj += a[x * o->c + j] * a[x * o->c + j];
          ij += a[x * o->c + i] * a[x * o->c + j];
        }
        if (fabsl(ij) <= 1e-30L) continue;
        long double angle = 0.5L * atan2l(2 * ij, ii - jj), c = cosl(angle), s = sinl(angle);
        for (size_t x = 0; x < n; x++) {
          long double u = a[x * o->c + i], v = a[x * o->c + j];
          a[x * o->c + i] = c * u + s * v;
          a[x * o->c + j] = c * v - s * u;
        }
      }
  for (size_t i = 0; i < o->c; i++) {
    long double ii = 0;
    for (size_t x = 0; x < n; x++) ii += a[x * o->c + i] * a[x * o->c + i];
    total += sqrtl(ii);
  }
  free(a);
  return (double)(total / sqrtl((long double)n * (long double)(n < o->c ? n : o->c)));
}

static double dispersion(const oracle *o, size_t m) {
  if (o->c < 2) return NAN;
  double *z = zeros(o->c, sizeof *z);
  long double *mean = zeros(o->c, sizeof *mean), result = 0;
  for (size_t x = 0; x < o->n; x++) {
    if (!row(o, m, x) || !logits(o, m, x, z)) continue;
    for (size_t d = 0; d < o->c; d++) mean[d] += isinf(z[d]) ? 0 : (long double)z[d];
  }
  for (size_t c = 0; c < o->c; c++) {
    long double *own = zeros(o->c, sizeof *own), n = 0, square = 0;
    for (size_t x = 0; x < o->n; x++) {
      if (o->vote[m * o->n + x] != (int)c || !logits(o, m, x, z)) continue;
      n++;
      for (size_t d = 0; d < o->c; d++) own[d] += isinf(z[d]) ? 0 : (long double)z[d];
    }
    for (size_t d = 0; d < o->c && n > 0; d++) square += powl(own[d] / n - mean[d] / (long double)answered(o, m), 2);
    result += n * square;
    free(own);
  }
  free(z);
  free(mean);
  double value = (double)(result / (long double)(o->c - 1));
  return log(value > 1e-300 ? value : 1e-300);
}

static double mano(const oracle *o, size_t m) {
  double *z = zeros(o->c, sizeof *z);
  long double delta = 0, sum = 0, n = (long double)answered(o, m);
  for (int pass = 0; pass < 2; pass++) {
    for (size_t x = 0; x < o->n; x++) {
      long double k = 0, exps = 0, least = INFINITY, total = 0;
      if (!row(o, m, x) || !logits(o, m, x, z)) continue;
      for (size_t c = 0; c < o->c; c++) {
        k += !isinf(z[c]);
        exps += expl((long double)z[c]);
      }
      for (size_t c = 0; c < o->c; c++) {
        if (isinf(z[c])) continue;
        long double y = (long double)z[c];
        if (pass == 0) delta -= (y - logl(exps)) / k / n;
        y = 1 + y + y * y / 2;
        least = y < least ? y : least;
      }
      if (pass == 0) continue;
      for (size_t c = 0; c < o->c; c++)
        if (!isinf(z[c])) total += 1 + (long double)z[c] + (long double)z[c] * (long double)z[c] / 2 - least;
      for (size_t c = 0; c < o->c; c++) {
        if (isinf(z[c])) continue;
        long double y = (long double)z[c], s = expl(y) / exps;
        if (delta <= 5) s = total > 1e-15L ? (1 + y + y * y / 2 - least) / total : 1 / k;
        sum += powl(s, 4);
      }
    }
  }
  free(z);
  return (double)powl(sum / (n * (long double)o->c), 0.25L);
}

static bool prior_of(const oracle *o, size_t m, double *prior) {
  const bf_calibration *cal = o->models[m].calibration;
  double sum = 0;
  for (size_t c = 0; c < o->c; c++) {
    int k = find((const char **)(uintptr_t)cal->classes, cal->n_classes, o->names[c]);
    prior[c] = k == NONE ? 0 : cal->prior[k];
    sum += prior[c];
  }
  for (size_t c = 0; c < o->c && sum > 0; c++) prior[c] /= sum;
  return sum > 0;
}

static double prior_jsd(const oracle *o, size_t m) {
  double *prior = zeros(o->c, sizeof *prior), js = 0;
  bool has = prior_of(o, m, prior);
  for (size_t c = 0; c < o->c; c++) {
    double q = 0;
    for (size_t x = 0; x < o->n; x++) q += o->vote[m * o->n + x] == (int)c;
    q /= answered(o, m);
    double middle = 0.5 * (q + prior[c]);
    if (q > 0) js += 0.5 * q * log(q / middle);
    if (prior[c] > 0) js += 0.5 * prior[c] * log(prior[c] / middle);
  }
  free(prior);
  return has ? js : NAN;
}

double oracle_assignment(const double *gain, size_t n) {
  double *u = zeros(n + 1, sizeof *u), *v = zeros(n + 1, sizeof *v), *least = zeros(n + 1, sizeof *least), sum = 0;
  size_t *match = zeros(n + 1, sizeof *match), *way = zeros(n + 1, sizeof *way);
  bool *used = zeros(n + 1, sizeof *used);
  for (size_t i = 1; i <= n; i++) {
    size_t j0 = 0;
    match[0] = i;
    for (size_t j = 0; j <= n; j++) {
      least[j] = INFINITY;
      used[j] = false;
    }
    do {
      size_t i0 = match[j0], j1 = 0;
      double delta = INFINITY;
      used[j0] = true;
      for (size_t j = 1; j <= n; j++) {
        if (used[j]) continue;
        double now = -gain[(i0 - 1) * n + j - 1] - u[i0] - v[j];
        if (now < least[j]) {
          least[j] = now;
          way[j] = j0;
        }
        if (least[j] < delta) {
          delta = least[j];
          j1 = j;
        }
      }
      for (size_t j = 0; j <= n; j++) {
        if (used[j]) {
          u[match[j]] += delta;
          v[j] -= delta;
        } else {
          least[j] -= delta;
        }
      }
      j0 = j1;
    } while (match[j0] != 0);
    do {
      size_t j1 = way[j0];
      match[j0] = match[j1];
      j0 = j1;
    } while (j0);
  }
  for (size_t j = 1; j <= n; j++) sum += gain[(match[j] - 1) * n + j - 1];
  free(u);
  free(v);
  free(least);
  free(match);
  free(way);
  free(used);
  return sum;
}

static double cot(const oracle *o, size_t m) {
  double *prior = zeros(o->c, sizeof *prior);
  if (!prior_of(o, m, prior)) {
    free(prior);
    return NAN;
  }
  size_t n = (size_t)answered(o, m), at = 0, *items = zeros(o->n, sizeof *items), *labels = zeros(241, sizeof *labels);
  if (n > 240) n = 240;
  for (size_t x = 0; x < o->n; x++) { /* among the 240 smallest hashes */
    size_t before = 0;
    if (!row(o, m, x)) continue;
    for (size_t y = 0; y < o->n; y++)
      before += row(o, m, y) && bf__mix64(o->options.seed, y) < bf__mix64(o->options.seed, x);
    if (before < 240) items[at++] = x;
  }
  size_t *count = zeros(o->c, sizeof *count), left = n;
  for (size_t c = 0; c < o->c; c++) {
    count[c] = (size_t)floor(prior[c] * (double)n + 1e-9);
    left -= count[c];
  }
  while (left--) {
    size_t best = SIZE_MAX;
    for (size_t c = 0; c < o->c; c++) {
      double rest = prior[c] * (double)n - (double)count[c];
      if (rest < 1 && (best == SIZE_MAX || rest > prior[best] * (double)n - (double)count[best] + 1e-12)) best = c;
    }
    count[best]++;
  }
  at = 0;
  for (size_t c = 0; c < o->c; c++)
    while (count[c]-- > 0) labels[at++] = c;
  double *gain = zeros(n * n, sizeof *gain);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) gain[i * n + j] = row(o, m, items[i])[labels[j]];
  double value = oracle_assignment(gain, n) / (double)n;
  free(prior);
  free(items);
  free(labels);
  free(count);
  free(gain);
  return value;
}

/* ---- several models ---- */

static double pair_agreement(const oracle *o, size_t m) {
  double sum = 0, n = 0;
  for (size_t j = 0; j < o->m; j++) {
    double a = o->a[m * o->m + j];
    if (j == m || isnan(a)) continue;
    sum += a;
    n++;
  }
  return n > 0 ? sum / n : NAN;
}

static int consensus(const oracle *o, size_t x) {
  int best = NONE;
  double most = 0;
  for (size_t c = 0; c < o->c; c++) {
    double sum = 0;
    bool any = false;
    for (size_t m = 0; m < o->m; m++) {
      const double *p = row(o, m, x);
      any |= p != NULL;
      sum += p ? p[c] : 0;
    }
    if (any && (best == NONE || sum > most)) {
      best = (int)c;
      most = sum;
    }
  }
  return best;
}

static double majority(const oracle *o, size_t m) {
  double equal = 0;
  for (size_t x = 0; x < o->n; x++) equal += o->vote[m * o->n + x] != NONE && o->vote[m * o->n + x] == consensus(o, x);
  return equal / answered(o, m);
}

/* Cyclic Jacobi: a becomes diagonal, v its vectors in columns. */
static void jacobi(double *a, double *v, size_t n) {
  for (size_t i = 0; i < n * n; i++) v[i] = i % (n + 1) == 0;
  for (int sweep = 0; sweep < 100; sweep++)
    for (size_t p = 0; p < n; p++)
      for (size_t q = p + 1; q < n; q++) {
        if (fabs(a[p * n + q]) < 1e-18) continue;
        double angle = 0.5 * atan2(2 * a[p * n + q], a[p * n + p] - a[q * n + q]), c = cos(angle), s = sin(angle);
        for (size_t k = 0; k < n; k++) {
          double x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = c * x + s * y;
          a[k * n + q] = c * y - s * x;
        }
        for (size_t k = 0; k < n; k++) {
          double x = a[p * n + k], y = a[q * n + k];
          a[p * n + k] = c * x + s * y;
          a[q * n + k] = c * y - s * x;
          x = v[k * n + p];
          y = v[k * n + q];
          v[k * n + p] = c * x + s * y;
          v[k * n + q] = c * y - s * x;
        }
      }
}

static double rank_one(const oracle *o, size_t m) {
  if (o->c < 2) return NAN;
  size_t n = 0, *of = zeros(o->m, sizeof *of), mine = 0;
  for (size_t i = 0; i < o->m; i++) {
    if (i == m) mine = n;
    if (answered(o, i) > 0) of[n++] = i;
  }
  double *work = zeros(n * n, sizeof *work), *v = zeros(n * n, sizeof *v), *acc = zeros(n, sizeof *acc);
  double chance = 1 / (double)o->c;
  for (size_t i = 0; i < n; i++) acc[i] = 1;
  for (int round = 0; round < 30; round++) {
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++) {
        double a = o->a[of[i] * o->m + of[j]];
        work[i * n + j] = i == j ? acc[i] * acc[i] : isnan(a) ? 0 : (a - chance) / (1 - chance);
      }
    jacobi(work, v, n);
    double most = -INFINITY;
    for (size_t i = 0; i < n; i++) most = fmax(most, work[i * n + i]);
    for (size_t i = 0; i < n; i++) {
      double square = 0;
      for (size_t k = 0; k < n; k++)
        if (work[k * n + k] >= most - 1e-9 * fmax(1, fabs(most))) square += v[i * n + k] * v[i * n + k];
      acc[i] = fmin(1, sqrt(square) * sqrt(fmax(0, most)));
    }
  }
  double value = chance + (1 - chance) * acc[mine];
  free(of);
  free(work);
  free(v);
  free(acc);
  return value;
}

static double dawid_skene(const oracle *o, bool full, size_t wanted) {
  size_t C = o->c, M = o->m, N = o->n;
  if (C == 1) return 1;
  long double *q = zeros(N * C, sizeof *q), *pi = zeros(C, sizeof *pi), *score = zeros(M, sizeof *score);
  double voted = 0;
  for (size_t x = 0; x < N; x++) {
    double n = 0;
    for (size_t m = 0; m < M; m++) n += o->vote[m * N + x] != NONE;
    voted += n > 0;
    for (size_t m = 0; m < M; m++)
      if (o->vote[m * N + x] != NONE) q[x * C + (size_t)o->vote[m * N + x]] += 1 / (long double)n;
  }
  long double *table = zeros(M * C * C, sizeof *table); /* [m][true][said] */
  for (int round = -1; round < 50; round++) {
    if (round >= 0) {
      long double total = 0;
      for (size_t c = 0; c < C; c++) {
        pi[c] = 1 + 0.02L * (long double)voted / (long double)C;
        for (size_t x = 0; x < N; x++) {
          bool any = false;
          for (size_t m = 0; m < M; m++) any |= o->vote[m * N + x] != NONE;
          if (any) pi[c] += q[x * C + c];
        }
        total += pi[c];
      }
      for (size_t c = 0; c < C; c++) pi[c] /= total;
      for (size_t m = 0; m < M; m++) {
        long double n = (long double)answered(o, m), right = (12 + score[m] * n) / (20 + n);
        for (size_t c = 0; c < C; c++) {
          long double sum = 0;
          for (size_t h = 0; h < C; h++) {
            long double *cell = &table[(m * C + c) * C + h];
            *cell = h == c ? 12 : 8 / (long double)(C - 1);
            for (size_t x = 0; x < N; x++)
              if (o->vote[m * N + x] == (int)h) *cell += q[x * C + c];
            sum += *cell;
          }
          for (size_t h = 0; h < C; h++) {
            long double *cell = &table[(m * C + c) * C + h];
            *cell = full ? *cell / sum : h == c ? right : (1 - right) / (long double)(C - 1);
          }
        }
      }
      for (size_t x = 0; x < N; x++) {
        long double most = -INFINITY, sum = 0;
        for (size_t c = 0; c < C; c++) {
          q[x * C + c] = logl(pi[c]);
          for (size_t m = 0; m < M; m++)
            if (o->vote[m * N + x] != NONE) q[x * C + c] += logl(table[(m * C + c) * C + (size_t)o->vote[m * N + x]]);
          most = fmaxl(most, q[x * C + c]);
        }
        for (size_t c = 0; c < C; c++) sum += q[x * C + c] = expl(q[x * C + c] - most);
        for (size_t c = 0; c < C; c++) q[x * C + c] /= sum;
      }
    }
    long double change = 0;
    for (size_t m = 0; m < M; m++) {
      long double sum = 0, before = score[m];
      for (size_t x = 0; x < N; x++)
        if (o->vote[m * N + x] != NONE) sum += q[x * C + (size_t)o->vote[m * N + x]];
      score[m] = answered(o, m) > 0 ? sum / (long double)answered(o, m) : 0;
      change = fmaxl(change, fabsl(score[m] - before));
    }
    if (round >= 0 && change < 1e-6L) break;
  }
  double value = (double)score[wanted];
  free(q);
  free(pi);
  free(score);
  free(table);
  return value;
}

static double laf(const oracle *o, size_t wanted) {
  size_t n = 0, *items = zeros(o->n, sizeof *items);
  for (size_t x = 0; x < o->n; x++) {
    bool disputed = false;
    for (size_t i = 0; i < o->m; i++)
      for (size_t j = 0; j < o->m; j++)
        disputed |= o->vote[i * o->n + x] != NONE && o->vote[j * o->n + x] != NONE &&
                    o->vote[i * o->n + x] != o->vote[j * o->n + x];
    if (disputed) items[n++] = x;
  }
  long double *alpha = zeros(o->m, sizeof *alpha), *b = zeros(n, sizeof *b), *q = zeros(n * o->c, sizeof *q);
  for (size_t m = 0; m < o->m; m++) alpha[m] = 1;
  for (size_t j = 0; j < n; j++) b[j] = 1;
  for (int round = 0; round < 20 && n > 0; round++) {
    for (size_t j = 0; j < n; j++) {
      long double most = -INFINITY, sum = 0;
      for (size_t c = 0; c < o->c; c++) {
        long double l = 0;
        for (size_t m = 0; m < o->m; m++) {
          int vote = o->vote[m * o->n + items[j]];
          long double s = 1 / (1 + expl(-alpha[m] * expl(b[j])));
          long double not_s = 1 / (1 + expl(alpha[m] * expl(b[j]))); /* without cancellation */
          if (vote != NONE) l += vote == (int)c ? logl(s) : logl(not_s / (long double)(o->c - 1));
        }
        q[j * o->c + c] = l;
        most = fmaxl(most, l);
      }
      for (size_t c = 0; c < o->c; c++) sum += q[j * o->c + c] = expl(q[j * o->c + c] - most);
      for (size_t c = 0; c < o->c; c++) q[j * o->c + c] /= sum;
    }
    for (int which = 0; which < 2; which++) {
      for (size_t i = 0; i < (which == 0 ? o->m : n); i++) {
        long double *x = which == 0 ? &alpha[i] : &b[i], slope = 1 - *x, curve = 1;
        for (size_t k = 0; k < (which == 0 ? n : o->m); k++) {
          size_t m = which == 0 ? i : k, j = which == 0 ? k : i;
          int vote = o->vote[m * o->n + items[j]];
          if (vote == NONE) continue;
          long double beta = expl(b[j]), s = 1 / (1 + expl(-alpha[m] * beta)), d = which == 0 ? beta : alpha[m] * beta;
          slope += (q[j * o->c + (size_t)vote] - s) * d;
          curve += s * (1 - s) * d * d;
        }
        long double step = slope / curve;
        b[0] += 0;
        *x += step > 1 ? 1 : step < -1 ? -1 : step;
      }
    }
  }
  double value = (double)alpha[wanted];
  free(items);
  free(alpha);
  free(b);
  free(q);
  return value;
}

static double coda(const oracle *o, size_t wanted) {
  size_t C = o->c, M = o->m;
  if (C < 2) return NAN;
  double *dir = zeros(M * C * C, sizeof *dir), *pi = zeros(C, sizeof *pi), value = 0; /* [m][true][said] */
  for (size_t m = 0; m < M; m++)
    for (size_t c = 0; c < C; c++) {
      double total = 0;
      for (size_t h = 0; h < C; h++) {
        for (size_t x = 0; x < o->n; x++)
          dir[(m * C + c) * C + h] += o->vote[m * o->n + x] == (int)h && consensus(o, x) == (int)c;
        total += dir[(m * C + c) * C + h];
      }
      for (size_t h = 0; h < C; h++) {
        double share = total > 0 ? dir[(m * C + c) * C + h] / total : 0;
        dir[(m * C + c) * C + h] = (h == c ? 1 : 1 / (double)(C - 1)) + 0.1 * share;
      }
    }
  for (size_t x = 0; x < o->n; x++) {
    double *w = zeros(C, sizeof *w), total = 0;
    for (size_t c = 0; c < C; c++) {
      for (size_t m = 0; m < M; m++)
        if (o->vote[m * o->n + x] != NONE) w[c] += dir[(m * C + c) * C + (size_t)o->vote[m * o->n + x]];
      total += w[c];
    }
    for (size_t c = 0; c < C && total > 0; c++) pi[c] += w[c] / total;
    free(w);
  }
  double all = 0;
  for (size_t c = 0; c < C; c++) all += pi[c];
  for (size_t c = 0; c < C; c++) {
    static double pdf[64][256], cdf[64][256];
    double best[64] = {0}, sum = 0, step = (1 - 2e-6) / 255;
    for (size_t m = 0; m < M; m++) {
      double a = dir[(m * C + c) * C + c], b = -a;
      for (size_t h = 0; h < C; h++) b += dir[(m * C + c) * C + h];
      for (int i = 0; i < 256; i++) {
        double x = 1e-6 + (1 - 2e-6) * i / 255;
        pdf[m][i] = exp(lgamma(a + b) - lgamma(a) - lgamma(b)) * pow(x, a - 1) * pow(1 - x, b - 1);
        cdf[m][i] = i == 0 ? 0 : cdf[m][i - 1] + (pdf[m][i] + pdf[m][i - 1]) / 2 * step;
      }
    }
    for (size_t m = 0; m < M; m++) {
      if (answered(o, m) < 1) continue;
      for (int i = 0; i < 256; i++) {
        double y = pdf[m][i];
        for (size_t l = 0; l < M; l++)
          if (l != m && answered(o, l) > 0) y *= fmax(cdf[l][i], 1e-30);
        best[m] += (i == 0 || i == 255 ? 0.5 : 1) * y * step;
      }
      sum += best[m];
    }
    value += pi[c] / all * best[wanted] / fmax(sum, 1e-30);
  }
  free(dir);
  free(pi);
  return value;
}

/* Four weights or more: under the highest ceiling that is at most a third of what lies under it. */
static void cap(double *w, size_t m) {
  double low = 0, high = 1e6, voting = 0;
  for (size_t j = 0; j < m; j++) voting += w[j] > 0;
  for (int i = 0; i < 300; i++) {
    double t = (low + high) / 2, under = 0;
    for (size_t j = 0; j < m; j++) under += fmin(w[j], t);
    if (t <= under / 3 * (1 + 1e-15)) {
      low = t;
    } else {
      high = t;
    }
  }
  for (size_t j = 0; j < m && voting >= 4; j++) w[j] = fmin(w[j], fmax(low, high));
}

static double similarity_agreement(const oracle *o, size_t m) {
  double *w = zeros(o->m, sizeof *w), sum = 0, total = 0;
  bool known = false;
  for (size_t j = 0; j < o->m; j++) {
    double s = o->models[j].similarity, clones = 0;
    known |= !isnan(s);
    s = isnan(s) || s < -2.5 ? -2.5 : s > 2.5 ? 2.5 : s;
    for (size_t k = 0; k < o->m; k++) clones += o->a[j * o->m + k] > 0.97;
    w[j] = answered(o, j) > 0 ? exp(s) / clones : 0;
  }
  cap(w, o->m);
  for (size_t j = 0; j < o->m; j++) {
    if (isnan(o->a[m * o->m + j])) continue;
    sum += w[j] * o->a[m * o->m + j];
    total += w[j];
  }
  free(w);
  return known ? sum / total : NAN;
}

static double probit(double share, double n) {
  double p = fmin(fmax(share, 0.5 / n), 1 - 0.5 / n), low = -40, high = 40;
  for (int i = 0; i < 200; i++) {
    double x = (low + high) / 2;
    if (0.5 * erfc(-x / sqrt(2)) < p) {
      low = x;
    } else {
      high = x;
    }
  }
  return low;
}

static double aline(const oracle *o, size_t wanted) {
  size_t n = 0, of[64], at = 0;
  for (size_t i = 0; i < o->m; i++) {
    if (i == wanted) at = n;
    if (answered(o, i) > 0) of[n++] = i;
  }
  if (!o->options.shared_agreement || n < 3) return NAN;
  double N = (double)o->n, S = (double)o->options.shared_items, mx = 0, my = 0, xx = 0, xy = 0, pairs = 0;
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < i; j++) {
        if (isnan(o->a[of[i] * o->m + of[j]])) return NAN;
        double x = probit(o->options.shared_agreement[of[i] * o->m + of[j]], S),
               y = probit(o->a[of[i] * o->m + of[j]], N);
        if (pass == 0) {
          mx += x;
          my += y;
          pairs++;
        } else {
          xx += (x - mx / pairs) * (x - mx / pairs);
          xy += (x - mx / pairs) * (y - my / pairs);
        }
      }
  double g[64][65] = {{0}}; /* normal equations of (w_i + w_j)/2 = y, then elimination */
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < i; j++) {
      double acc = (probit(o->options.shared_accuracy[of[i]], S) + probit(o->options.shared_accuracy[of[j]], S)) / 2;
      double y = probit(o->a[of[i] * o->m + of[j]], N) +
                 xy / xx * (acc - probit(o->options.shared_agreement[of[i] * o->m + of[j]], S));
      g[i][i] += 0.25, g[j][j] += 0.25, g[i][j] += 0.25, g[j][i] += 0.25, g[i][n] += y / 2, g[j][n] += y / 2;
    }
  for (size_t k = 0; k < n; k++)
    for (size_t i = 0; i < n; i++) {
      double f = i == k ? 0 : g[i][k] / g[k][k];
      for (size_t j = k; j <= n; j++) g[i][j] -= f * g[k][j];
    }
  return 0.5 * erfc(-g[at][n] / g[at][at] / sqrt(2));
}

/* ---- consensus-mix ---- */

/* z-scores among those that answered; 0 where all are equal */
static void to_z(const oracle *o, double *v) {
  double n = 0, mean = 0, square = 0;
  for (size_t i = 0; i < o->m; i++)
    if (answered(o, i) > 0) n++, mean += v[i];
  mean /= n;
  for (size_t i = 0; i < o->m; i++)
    if (answered(o, i) > 0) square += (v[i] - mean) * (v[i] - mean);
  double sd = sqrt(square / n);
  for (size_t i = 0; i < o->m; i++) v[i] = sd > 1e-12 * fmax(1, fabs(mean)) ? (v[i] - mean) / sd : 0;
}

static double information(const oracle *o, size_t i, size_t j) {
  double *p = zeros(o->c * o->c, sizeof *p), n = 0, value = 0, cells = 0, rows = 0, columns = 0;
  for (size_t x = 0; x < o->n; x++) {
    int a = o->vote[i * o->n + x], b = o->vote[j * o->n + x];
    if (a == NONE || b == NONE) continue;
    p[(size_t)a * o->c + (size_t)b]++;
    n++;
  }
  for (size_t a = 0; a < o->c; a++) {
    double in_row = 0, in_column = 0;
    for (size_t b = 0; b < o->c; b++) in_row += p[a * o->c + b], in_column += p[b * o->c + a];
    rows += in_row > 0;
    columns += in_column > 0;
    for (size_t b = 0; b < o->c; b++) {
      double of_b = 0;
      for (size_t k = 0; k < o->c; k++) of_b += p[k * o->c + b];
      if (p[a * o->c + b] > 0)
        cells++, value += p[a * o->c + b] / n * log(p[a * o->c + b] / n / (in_row / n * of_b / n));
    }
  }
  free(p);
  return n > 0 ? fmax(0, value - (cells - rows - columns + 1) / 2 / n) : 0;
}

static double rank_among(const double *v, size_t n, size_t at) {
  double below = 0, equal = 0;
  for (size_t i = 0; i < n; i++) below += v[i] < v[at], equal += v[i] == v[at];
  return below + (equal + 1) / 2;
}

static bool is_doubtful(const oracle *o) {
  double a[64], b[64], mean, xx = 0, yy = 0, xy = 0;
  size_t n = 0;
  for (size_t i = 0; i < o->m; i++)
    if (answered(o, i) > 0) a[n] = round(majority(o, i) * 1e9), b[n++] = round(dawid_skene(o, true, i) * 1e9);
  mean = ((double)n + 1) / 2;
  for (size_t i = 0; i < n; i++) {
    double x = rank_among(a, n, i) - mean, y = rank_among(b, n, i) - mean;
    xx += x * x, yy += y * y, xy += x * y;
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) < 0.5 : xx > 0 || yy > 0;
}

static void add_z(const oracle *o, double share, double *v, double *sums) {
  to_z(o, v);
  for (size_t i = 0; i < o->m; i++) sums[i] += share * v[i];
}

static void informed_agreement(const oracle *o, double *out) {
  double w[64] = {0};
  bool enough = 4 * (double)o->n >= (double)(o->c * o->c);
  for (size_t i = 0; i < o->m; i++) {
    if (!enough) w[i] = answered(o, i) > 0 && !isnan(pair_agreement(o, i)) ? pair_agreement(o, i) : 0;
    for (size_t j = 0; enough && j < o->m; j++) w[i] += i == j ? 0 : information(o, i, j);
  }
  to_z(o, w);
  for (size_t j = 0; j < o->m; j++) {
    double clones = 0;
    for (size_t k = 0; k < o->m; k++) clones += o->a[j * o->m + k] > 0.97;
    w[j] = answered(o, j) > 0 ? exp(2 * fmin(fmax(w[j], -2.5), 2.5)) / clones : 0;
  }
  cap(w, o->m);
  for (size_t i = 0; i < o->m; i++) {
    double sum = 0, total = 0;
    for (size_t j = 0; j < o->m; j++)
      if (!isnan(o->a[i * o->m + j])) sum += w[j] * o->a[i * o->m + j], total += w[j];
    out[i] = total > 0 ? sum / total : 0;
  }
}

static double mix(const oracle *o, size_t wanted) {
  double sums[64] = {0}, v[64] = {0}, full[64] = {0}, n = 0;
  bool scores = true;
  for (size_t i = 0; i < o->m; i++) {
    if (answered(o, i) < 1) continue;
    n++;
    scores &= o->models[i].scores != NULL;
    full[i] = dawid_skene(o, true, i);
  }
  if (n >= 5) {
    informed_agreement(o, v);
    add_z(o, 1, v, sums);
    if (is_doubtful(o)) add_z(o, 1, full, sums);
  } else if (o->c <= 7) {
    add_z(o, 1, full, sums);
  } else {
    for (size_t i = 0; i < o->m; i++) v[i] = answered(o, i) > 0 ? dawid_skene(o, false, i) : 0;
    add_z(o, 0.5, v, sums);
    for (size_t i = 0; i < o->m; i++) v[i] = isnan(pair_agreement(o, i)) ? 0 : pair_agreement(o, i);
    add_z(o, 0.5, v, sums);
  }
  if (scores) {
    for (size_t i = 0; i < o->m; i++) v[i] = answered(o, i) > 0 ? nuclear(o, i) : 0;
    add_z(o, 0.3, v, sums);
  }
  return sums[wanted];
}

/* ---- the door ---- */

static bool is(const char *name, const char *list) {
  const char *found = strstr(list, name);
  return found && (found[strlen(name)] == ' ' || found[strlen(name)] == 0) && (found == list || found[-1] == ' ');
}

double oracle_estimate(const oracle *o, const char *name, size_t m) {
  const bf_panel_model *model = &o->models[m];
  if (answered(o, m) < 1) return NAN;
  if (is(name, "confidence neg-entropy margin atc atc-entropy doc cbpe nuclear-norm dispersion mano cot energy mde") &&
      !model->scores)
    return NAN;
  if (is(name, "atc atc-entropy doc cbpe prior-jsd cot") && !model->calibration) return NAN;
  if (is(name, "energy mde")) return model->are_logits ? energies(o, name, m) : NAN;
  if (is(name, "nuclear-norm")) return nuclear(o, m);
  if (is(name, "dispersion")) return dispersion(o, m);
  if (is(name, "mano")) return mano(o, m);
  if (is(name, "prior-jsd")) return prior_jsd(o, m);
  if (is(name, "cot")) return cot(o, m);
  if (is(name, "pair-agreement")) return pair_agreement(o, m);
  if (is(name, "majority")) return majority(o, m);
  if (is(name, "rank-one")) return rank_one(o, m);
  if (is(name, "dawid-skene")) return dawid_skene(o, false, m);
  if (is(name, "dawid-skene-full")) return dawid_skene(o, true, m);
  if (is(name, "laf")) return laf(o, m);
  if (is(name, "coda-prior")) return coda(o, m);
  if (is(name, "aline")) return aline(o, m);
  if (is(name, "similarity-agreement")) return similarity_agreement(o, m);
  if (is(name, "consensus-mix")) return mix(o, m);
  return simple(o, name, m);
}

/* ---- calibration ---- */

void oracle_calibrate(const bf_outputs *out, const int32_t *truth, oracle_calibration *cal) {
  size_t k = out->n_classes, n = out->n_items, n_labelled = 0, n_answered = 0, wrong = 0;
  double *z = zeros(n * k, sizeof *z), *conf = zeros(n, sizeof *conf), *ent = zeros(n, sizeof *ent);
  int *said = zeros(n, sizeof *said);
  memset(cal, 0, sizeof *cal);
  for (size_t i = 0; i < n; i++) {
    bool ok = true;
    double sum = 0;
    said[i] = 0;
    for (size_t c = 0; c < k; c++) {
      double s = (double)out->scores[i * k + c];
      ok &= isfinite(s) && (out->are_logits || s >= 0);
      sum += s;
      if (s > (double)out->scores[i * k + (size_t)said[i]]) said[i] = (int)c;
      z[i * k + c] = out->are_logits ? s : log(fmax(s, 1e-12));
    }
    if (!ok || (!out->are_logits && !(sum > 0))) said[i] = NONE;
    if (truth[i] == -1) continue;
    n_labelled++;
    n_answered += said[i] != NONE;
    wrong += said[i] != NONE && said[i] != truth[i];
    cal->accuracy += said[i] == truth[i];
  }
  cal->accuracy /= (double)n_labelled;
  double classes = 0;
  for (int c = 0; c < (int)k; c++) {
    double tp = 0, in_truth = 0, in_said = 0;
    for (size_t i = 0; i < n; i++) {
      if (truth[i] == -1) continue;
      tp += truth[i] == c && said[i] == c;
      in_truth += truth[i] == c;
      in_said += said[i] == c;
    }
    if (in_truth + in_said > 0) classes++, cal->macro_f1 += 2 * tp / (in_truth + in_said);
  }
  cal->macro_f1 /= classes;
  long double least = INFINITY;
  cal->temperature = 1;
  for (int t = 0; t < 40; t++) {
    long double T = 0.3L * powl(8 / 0.3L, t / 39.0L), nll = 0, used = 0;
    for (size_t i = 0; i < n; i++) {
      long double sum = 0;
      if (truth[i] < 0 || said[i] == NONE) continue;
      for (size_t c = 0; c < k; c++)
        sum += expl(((long double)z[i * k + c] - (long double)z[i * k + (size_t)truth[i]]) / T);
      nll += logl(sum);
      used++;
    }
    if (used > 0 && nll < least) least = nll, cal->temperature = (double)T;
  }
  size_t at = 0;
  double *right = zeros(n, sizeof *right);
  for (size_t i = 0; i < n; i++) {
    if (truth[i] == -1 || said[i] == NONE) continue;
    double *p = zeros(k, sizeof *p);
    long double sum = 0;
    for (size_t c = 0; c < k; c++) sum += expl((long double)z[i * k + c] / (long double)cal->temperature);
    for (size_t c = 0; c < k; c++)
      p[c] = (double)(expl((long double)z[i * k + c] / (long double)cal->temperature) / sum);
    right[at] = said[i] == truth[i];
    conf[at] = (double)max_of(p, k);
    ent[at++] = (double)plnp(p, k);
    cal->mean_confidence += conf[at - 1] / (double)n_answered;
    free(p);
  }
  cal->atc_threshold = cal->atc_entropy_threshold = -INFINITY; /* the largest number with at most as many below it */
  for (size_t i = 0; i < at; i++) {
    size_t below_c = 0, below_e = 0;
    for (size_t j = 0; j < at; j++) below_c += conf[j] < conf[i], below_e += ent[j] < ent[i];
    if (below_c <= wrong) cal->atc_threshold = fmax(cal->atc_threshold, conf[i]);
    if (below_e <= wrong) cal->atc_entropy_threshold = fmax(cal->atc_entropy_threshold, ent[i]);
  }
  double last = NAN;
  for (double now = -1;;) { /* max-min formula of isotonic regression over different confidences */
    double next = INFINITY, y = -INFINITY;
    for (size_t i = 0; i < at; i++)
      if (conf[i] > now) next = fmin(next, conf[i]);
    if (isinf(next)) break;
    now = next;
    for (size_t a = 0; a < at; a++) {
      if (conf[a] > now) continue;
      double worst = INFINITY;
      for (size_t b = 0; b < at; b++) {
        double sum = 0, count = 0;
        if (conf[b] < now) continue;
        for (size_t i = 0; i < at; i++)
          if (conf[i] >= conf[a] && conf[i] <= conf[b]) sum += right[i], count++;
        worst = fmin(worst, sum / count);
      }
      y = fmax(y, worst);
    }
    if (!isnan(last) && fabs(y - last) < 1e-12) continue;
    last = y;
    cal->step_confidence[cal->n_steps] = now;
    cal->step_accuracy[cal->n_steps++] = y;
  }
  free(z);
  free(conf);
  free(ent);
  free(said);
  free(right);
}
