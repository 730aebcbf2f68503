#include "estimate_oracle_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

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

/* ---- one model ---- */

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

double oracle_nuclear(const oracle *o, size_t m) {
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
  if (is(name, "nuclear-norm")) return oracle_nuclear(o, m);
  if (is(name, "dispersion")) return dispersion(o, m);
  if (is(name, "mano")) return mano(o, m);
  if (is(name, "prior-jsd")) return prior_jsd(o, m);
  if (is(name, "cot")) return cot(o, m);
  double value = NAN;
  if (oracle_of_several(o, name, m, &value)) return value;
  return simple(o, name, m);
}
