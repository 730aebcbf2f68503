/* The oracle's estimators that look at several models. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "estimate_oracle_parts.h"

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
    for (size_t i = 0; i < o->m; i++) v[i] = answered(o, i) > 0 ? oracle_nuclear(o, i) : 0;
    add_z(o, 0.3, v, sums);
  }
  return sums[wanted];
}

bool oracle_of_several(const oracle *o, const char *name, size_t m, double *out) {
  if (strcmp(name, "pair-agreement") == 0)
    *out = pair_agreement(o, m);
  else if (strcmp(name, "majority") == 0)
    *out = majority(o, m);
  else if (strcmp(name, "rank-one") == 0)
    *out = rank_one(o, m);
  else if (strcmp(name, "dawid-skene") == 0)
    *out = dawid_skene(o, false, m);
  else if (strcmp(name, "dawid-skene-full") == 0)
    *out = dawid_skene(o, true, m);
  else if (strcmp(name, "laf") == 0)
    *out = laf(o, m);
  else if (strcmp(name, "coda-prior") == 0)
    *out = coda(o, m);
  else if (strcmp(name, "aline") == 0)
    *out = aline(o, m);
  else if (strcmp(name, "similarity-agreement") == 0)
    *out = similarity_agreement(o, m);
  else if (strcmp(name, "consensus-mix") == 0)
    *out = mix(o, m);
  else
    return false;
  return true;
}
