/* The labelling against a naive oracle: the same mathematics row by row, with explicit matrices, Gauss elimination and
 * finite differences. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "estimate/estimate_internal.h"
#include "label/label_internal.h"

#define assert_near(a, b, bound)                                                                                \
  do {                                                                                                          \
    double a_ = (a), b_ = (b);                                                                                  \
    if (!(fabs(a_ - b_) <= (bound))) fail_msg("line %d: %.17g is not %.17g", __LINE__, a_, b_); /* NaN fails */ \
  } while (0)

enum { H = 4, C = 3, N = 40, P = H + C };
static const char *const CLASSES[C] = {"ant", "bee", "cat"};
static const double WIDTHS[3] = {0.125, 1.0, 8.0}, FIRST[3] = {0.25, 0.40, 0.35};
static const double SHARED = 0.004, OWN = 0.0005;

typedef struct world {
  int32_t votes[H][N], truth[N];
  double believed[H];
  bf_panel *panel;
} world;

/* Models that are right with probability .85, .75, .65, .5; the last leaves gaps. */
static void make_world(world *w, uint64_t seed) {
  bf__random r = bf__random_of(seed);
  bf_panel_model models[H];
  bf_error err = {0};
  static const char *const IDS[H] = {"a", "b", "c", "d"};
  for (size_t i = 0; i < N; i++) {
    w->truth[i] = (int32_t)bf__random_below(&r, C);
    for (size_t h = 0; h < H; h++) {
      bool right = bf__random_unit(&r) < 0.85 - 0.1 * (double)h;
      w->votes[h][i] = right ? w->truth[i] : (int32_t)bf__random_below(&r, C);
    }
    if (i % 9 == 0) w->votes[3][i] = -1;
  }
  for (size_t h = 0; h < H; h++) {
    w->believed[h] = 0.6 + 0.05 * (double)h; /* in the wrong order */
    models[h] = (bf_panel_model){.id = IDS[h],
                                 .classes = CLASSES,
                                 .n_classes = C,
                                 .predicted = w->votes[h],
                                 .source_accuracy = NAN,
                                 .similarity = NAN};
  }
  if (bf_panel_create(models, H, N, NULL, &w->panel, &err) != BF_OK) fail_msg("%s", err.message);
}

static bf_labelling_options options_of(bf_metric metric) {
  bf_labelling_options options = BF_LABELLING_OPTIONS_INIT;
  options.metric = metric;
  options.positive = "bee";
  options.shared_variance = SHARED;
  options.own_variance = OWN;
  return options;
}

/* ---- the oracle ---- */

static void eliminate(double *a, double *b, size_t n, size_t columns) {
  for (size_t p = 0; p < n; p++)
    for (size_t i = 0; i < n; i++) {
      if (i == p) continue;
      double f = a[i * n + p] / a[p * n + p];
      for (size_t j = p; j < n; j++) a[i * n + j] -= f * a[p * n + j];
      for (size_t j = 0; j < columns; j++) b[i * columns + j] -= f * b[p * columns + j];
    }
  for (size_t p = 0; p < n; p++)
    for (size_t j = 0; j < columns; j++) b[p * columns + j] /= a[p * n + p];
}

static double naive_posterior(const world *w, size_t i, const double *x, double q[C]) {
  double sum = 0.0;
  for (size_t c = 0; c < C; c++) {
    double z = x[H + c];
    for (size_t h = 0; h < H; h++) z += w->votes[h][i] == (int32_t)c ? x[h] : 0.0;
    sum += q[c] = exp(z);
  }
  for (size_t c = 0; c < C; c++) q[c] /= sum;
  return log(sum);
}

/* Class that a feature of a row speaks for, -1: none. */
static int32_t speaks(const world *w, size_t i, size_t f) {
  return f < H ? w->votes[f][i] : (int32_t)(f - H);
}

static void naive_moments(const world *w, const double *x, const bool *open, double j[P * P]) {
  double q[C];
  memset(j, 0, P * P * sizeof *j);
  for (size_t i = 0; i < N; i++) {
    if (open && !open[i]) continue;
    naive_posterior(w, i, x, q);
    for (size_t f = 0; f < P; f++)
      for (size_t g = 0; g < P; g++) {
        int32_t a = speaks(w, i, f), b = speaks(w, i, g);
        double va = a < 0 ? 0.0 : q[a], vb = b < 0 ? 0.0 : q[b];
        j[f * P + g] += ((a == b ? va : 0.0) - va * vb) / N;
      }
  }
}

typedef struct oracle {
  double start[P], variance[3], log_weight[3], w[3][P], offset[H], mean[H];
  bool open[N];
  size_t n_answers;
} oracle;

static void naive_accuracy(const world *w, const double *x, const bool *open, double a[H]) {
  double q[C];
  memset(a, 0, H * sizeof *a);
  for (size_t i = 0; i < N; i++) {
    naive_posterior(w, i, x, q);
    for (size_t h = 0; h < H; h++) {
      int32_t vote = w->votes[h][i];
      a[h] += vote < 0 ? 0.0 : (open && !open[i] ? (vote == w->truth[i] ? 1.0 : 0.0) : q[vote]) / N;
    }
  }
}

static void oracle_start(const world *w, oracle *o) {
  double q[C], j[P * P], gradient[P], a[H];
  const double *agreement = NULL;
  memset(o, 0, sizeof *o);
  for (int round = 0; round < 100; round++) {
    naive_moments(w, o->start, NULL, j);
    for (size_t f = 0; f < P; f++) {
      double penalty = f < H ? 0.01 : 1.0;
      gradient[f] = penalty * o->start[f] - (f < H ? w->believed[f] : 1.0 / C);
      j[f * P + f] += penalty;
    }
    for (size_t i = 0; i < N; i++) {
      naive_posterior(w, i, o->start, q);
      for (size_t f = 0; f < P; f++)
        if (speaks(w, i, f) >= 0) gradient[f] += q[speaks(w, i, f)] / N;
    }
    eliminate(j, gradient, P, 1);
    for (size_t f = 0; f < P; f++) o->start[f] -= gradient[f];
  }
  naive_moments(w, o->start, NULL, j);
  assert_int_equal(bf__panel_agreement(w->panel, &agreement, NULL), BF_OK);
  /* tr(P K P) and tr(P J P J P), multiplied out */
  double p[H][H], k[H][H], jj[H][H], top = 0.0, bottom = 0.0;
  for (size_t i = 0; i < H; i++)
    for (size_t l = 0; l < H; l++) {
      p[i][l] = (i == l ? 1.0 : 0.0) - 1.0 / H;
      k[i][l] = SHARED * agreement[i * H + l] + (i == l ? OWN : 0.0);
      jj[i][l] = 0.0;
      for (size_t m = 0; m < H; m++) jj[i][l] += j[i * P + m] * j[m * P + l];
    }
  for (size_t i = 0; i < H; i++)
    for (size_t l = 0; l < H; l++)
      for (size_t m = 0; m < H; m++) {
        top += p[i][l] * k[l][m] * p[m][i];
        bottom += p[i][l] * jj[l][m] * p[m][i];
      }
  naive_accuracy(w, o->start, NULL, a);
  for (size_t h = 0; h < H; h++) o->offset[h] = w->believed[h] - a[h];
  for (size_t e = 0; e < 3; e++) {
    o->variance[e] = fmin(fmax(top / bottom * WIDTHS[e], 1e-4), 25.0);
    o->log_weight[e] = log(FIRST[e]);
    memcpy(o->w[e], o->start, sizeof o->start);
  }
  for (size_t i = 0; i < N; i++) o->open[i] = true;
}

static void oracle_answer(const world *w, oracle *o, size_t row) {
  double q[C];
  o->n_answers++;
  for (size_t e = 0; e < 3; e++) {
    naive_posterior(w, row, o->w[e], q);
    o->log_weight[e] += log(q[w->truth[row]]);
  }
  o->open[row] = false;
  for (size_t e = 0; e < 3; e++) {
    for (int round = 0; round < 60; round++) {
      double h[P * P] = {0}, gradient[P];
      for (size_t f = 0; f < P; f++) {
        double precision = f < H ? 1.0 / o->variance[e] : 1.0;
        gradient[f] = precision * (o->w[e][f] - o->start[f]);
        h[f * P + f] = precision;
      }
      for (size_t i = 0; i < N; i++) {
        if (o->open[i]) continue;
        naive_posterior(w, i, o->w[e], q);
        for (size_t f = 0; f < P; f++) {
          int32_t a = speaks(w, i, f);
          double va = a < 0 ? 0.0 : q[a];
          gradient[f] += va - (a == w->truth[i] ? 1.0 : 0.0);
          for (size_t g = 0; g < P; g++) {
            int32_t b = speaks(w, i, g);
            h[f * P + g] += (a == b ? va : 0.0) - va * (b < 0 ? 0.0 : q[b]);
          }
        }
      }
      eliminate(h, gradient, P, 1);
      for (size_t f = 0; f < P; f++) o->w[e][f] -= gradient[f];
    }
  }
}

static void oracle_mean(const world *w, oracle *o) {
  double largest = fmax(o->log_weight[0], fmax(o->log_weight[1], o->log_weight[2])), sum = 0.0, a[H];
  memset(o->mean, 0, sizeof o->mean);
  for (size_t e = 0; e < 3; e++) sum += exp(o->log_weight[e] - largest);
  for (size_t e = 0; e < 3; e++) {
    naive_accuracy(w, o->w[e], o->open, a);
    for (size_t h = 0; h < H; h++)
      o->mean[h] +=
          exp(o->log_weight[e] - largest) / sum * (a[h] + o->offset[h] * (1.0 - (double)o->n_answers / (double)N));
  }
}

/* ---- the object against the oracle ---- */

static void means_are_those_of_the_oracle_after_every_answer(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed < 4; seed++) {
    world w;
    oracle o;
    bf_labelling *l = NULL;
    bf_labelling_options options = options_of(BF_METRIC_ACCURACY);
    make_world(&w, seed);
    oracle_start(&w, &o);
    assert_int_equal(bf_labelling_create(w.panel, w.believed, &options, &l, NULL), BF_OK);
    for (size_t n = 0; n < 14; n++) {
      const bf_labelling_state *s = bf_labelling_look(l);
      size_t row = SIZE_MAX;
      oracle_mean(&w, &o);
      assert_int_equal(s->n_answers, n);
      for (size_t h = 0; h < H; h++) {
        assert_near(s->expected[h], o.mean[h], 1e-9);
        if (n == 0) assert_near(s->expected[h], w.believed[h], 1e-12);
      }
      assert_int_equal(bf_labelling_next(l, 1, &row), 1);
      assert_true(o.open[row]);
      assert_int_equal(bf_labelling_answer(l, row, (size_t)w.truth[row], NULL), BF_OK);
      assert_int_equal(bf_labelling_answer_of(l, row), w.truth[row]);
      oracle_answer(&w, &o, row);
    }
    bf_labelling_free(l);
    bf_panel_free(w.panel);
  }
}

/* ---- parts ---- */

typedef struct parts {
  world w;
  bf__label_rows rows;
  bf__label_scratch s;
  double start[P], h[P * P], j[P * P], inverse[P * P];
  double x_w[P], factor[P * P], mean[H], spread[H * P], leverage[H * P];
  bf__label_expert x;
} parts;

static void make_parts(parts *p, size_t n_answers) {
  memset(p, 0, sizeof *p);
  make_world(&p->w, 5);
  assert_int_equal(bf__label_rows_init(&p->rows, p->w.panel->votes, H, N, C, 3, NULL), BF_OK);
  assert_int_equal(bf__label_scratch_init(&p->s, &p->rows, NULL), BF_OK);
  assert_int_equal(bf__label_start(&p->rows, p->w.believed, &p->s, p->start, p->h, NULL), BF_OK);
  p->x = (bf__label_expert){.prior = {p->start, 1.0 / 0.7},
                            .w = p->x_w,
                            .factor = p->factor,
                            .mean = p->mean,
                            .spread = p->spread,
                            .leverage = p->leverage};
  memcpy(p->x_w, p->start, sizeof p->start);
  for (size_t i = 0; i < n_answers; i++) {
    size_t row = (7 * i) % N;
    p->rows.answers[row] = (uint32_t)p->w.truth[row];
    p->rows.answered[p->rows.n_answered++] = (uint32_t)row;
    p->rows.patterns[p->rows.pattern_of[row]].n_open--;
  }
  assert_int_equal(bf__label_expert_fit(&p->x, &p->rows, &p->s, NULL), BF_OK);
}

static void free_parts(parts *p) {
  bf__label_rows_deinit(&p->rows);
  bf__label_scratch_deinit(&p->s);
  bf_panel_free(p->w.panel);
}

static void the_start_has_the_believed_accuracies_and_equal_classes(void **state) {
  (void)state;
  parts p;
  double q[C], accuracy[H], classes[C] = {0}, j[P * P];
  make_parts(&p, 0);
  naive_accuracy(&p.w, p.start, NULL, accuracy);
  for (size_t h = 0; h < H; h++) { /* but for the penalty of 0.01 */
    assert_near(accuracy[h] + 0.01 * p.start[h], p.w.believed[h], 1e-9);
    assert_near(accuracy[h], p.w.believed[h], 0.03);
  }
  for (size_t i = 0; i < N; i++) {
    naive_posterior(&p.w, i, p.start, q);
    for (size_t c = 0; c < C; c++) classes[c] += q[c] / N;
  }
  for (size_t c = 0; c < C; c++) assert_near(classes[c] + p.start[H + c], 1.0 / C, 1e-9);
  naive_moments(&p.w, p.start, NULL, j);
  for (size_t k = 0; k < P * P; k++) assert_near(p.h[k], j[k], 1e-12);
  free_parts(&p);
}

static void equal_votes_are_one_pattern_and_every_row_is_in_one(void **state) {
  (void)state;
  parts p;
  size_t n_rows = 0, n_open = 0;
  make_parts(&p, 6);
  for (size_t i = 0; i < N; i++) {
    const uint16_t *votes = bf__pattern_votes(&p.rows, p.rows.pattern_of[i]);
    for (size_t h = 0; h < H; h++)
      assert_int_equal(votes[h], p.w.votes[h][i] < 0 ? UINT16_MAX : (uint16_t)p.w.votes[h][i]);
    for (size_t k = 0; k < i; k++) {
      bool same = true;
      for (size_t h = 0; h < H; h++) same = same && p.w.votes[h][i] == p.w.votes[h][k];
      assert_int_equal(p.rows.pattern_of[i] == p.rows.pattern_of[k], same);
    }
  }
  assert_true(p.rows.n_patterns < N);
  for (size_t u = 0; u < p.rows.n_patterns; u++) {
    n_rows += p.rows.patterns[u].n_rows;
    n_open += p.rows.patterns[u].n_open;
  }
  assert_int_equal(n_rows, N);
  assert_int_equal(n_open, N - 6);
  free_parts(&p);
}

static void the_gradient_vanishes_at_the_maximum_and_the_hessian_is_its_slope(void **state) {
  (void)state;
  parts p;
  double moved[P], h[P * P], step = 1e-5;
  make_parts(&p, 12);
  double here = bf__label_expert_objective(&p.x, p.x_w, &p.rows, &p.s, h);
  for (size_t f = 0; f < P; f++) {
    assert_near(p.s.gradient[f], 0.0, 1e-8);
    double value[2], slope[2][P];
    for (int side = 0; side < 2; side++) {
      memcpy(moved, p.x_w, sizeof moved);
      moved[f] += side ? step : -step;
      value[side] = bf__label_expert_objective(&p.x, moved, &p.rows, &p.s, h);
      memcpy(slope[side], p.s.gradient, sizeof slope[side]);
      assert_true(value[side] >= here);
    }
    assert_near((value[1] - value[0]) / (2 * step), 0.0, 1e-5);
    for (size_t g = 0; g < P; g++) { /* L L' */
      double product = 0.0;
      for (size_t k = 0; k <= (f < g ? f : g); k++) product += p.factor[f * P + k] * p.factor[g * P + k];
      assert_near((slope[1][g] - slope[0][g]) / (2 * step), product, 1e-6);
    }
    (void)bf__label_expert_objective(&p.x, p.x_w, &p.rows, &p.s, h);
  }
  free_parts(&p);
}

static void gradients_of_accuracy_and_f1_are_finite_differences(void **state) {
  (void)state;
  for (size_t n_answers = 0; n_answers < 20; n_answers += 9)
    for (int metric = 0; metric < 2; metric++) {
      parts p;
      double step = 1e-5, gradient[H * P], mean[2][H];
      make_parts(&p, n_answers);
      bf__label_metric how = {.metric = metric ? BF_METRIC_F1 : BF_METRIC_ACCURACY, .positive = 1};
      bf__label_measure(&how, &p.rows, p.x_w, &p.s, p.j, mean[0], gradient);
      for (size_t f = 0; f < P; f++) {
        for (int side = 0; side < 2; side++) {
          double moved[P];
          memcpy(moved, p.x_w, sizeof moved);
          moved[f] += side ? step : -step;
          bf__label_measure(&how, &p.rows, moved, &p.s, p.j, mean[side], NULL);
        }
        for (size_t h = 0; h < H; h++) assert_near(gradient[h * P + f], (mean[1][h] - mean[0][h]) / (2 * step), 1e-8);
      }
      free_parts(&p);
    }
}

static void f1_is_that_of_the_expected_counts(void **state) {
  (void)state;
  parts p;
  double mean[H];
  make_parts(&p, 9);
  bf__label_metric how = {.metric = BF_METRIC_F1, .positive = 1};
  bf__label_measure(&how, &p.rows, p.x_w, &p.s, p.j, mean, NULL);
  for (size_t h = 0; h < H; h++) {
    double said = 0, are = 0, both = 0, q[C];
    for (size_t i = 0; i < N; i++) {
      naive_posterior(&p.w, i, p.x_w, q);
      bool known = p.rows.answers[i] != BF__NO_ANSWER;
      double positive = known ? (p.w.truth[i] == 1 ? 1.0 : 0.0) : q[1];
      said += p.w.votes[h][i] == 1;
      are += positive;
      both += p.w.votes[h][i] == 1 ? positive : 0.0;
    }
    assert_near(mean[h], 2 * both / (said + are), 1e-12);
  }
  free_parts(&p);
}

static void covariance_and_leverage_are_those_of_the_inverse_hessian(void **state) {
  (void)state;
  parts p;
  double h[P * P], lambda[P * P] = {0}, j[P * P], leverage[H * P];
  bool open[N];
  make_parts(&p, 10);
  bf__label_metric how = {.metric = BF_METRIC_ACCURACY};
  bf__label_expert_look(&p.x, &how, &p.rows, &p.s, p.j, p.inverse);
  (void)bf__label_expert_objective(&p.x, p.x_w, &p.rows, &p.s, h);
  bf__label_mirror(h, P);
  for (size_t f = 0; f < P; f++) lambda[f * P + f] = 1.0;
  eliminate(h, lambda, P, P);
  for (size_t i = 0; i < N; i++) open[i] = p.rows.answers[i] == BF__NO_ANSWER;
  naive_moments(&p.w, p.x_w, open, j);
  for (size_t a = 0; a < H; a++)
    for (size_t f = 0; f < P; f++) {
      leverage[a * P + f] = 0.0;
      for (size_t g = 0; g < P; g++) leverage[a * P + f] += j[a * P + g] * lambda[g * P + f];
      assert_near(p.leverage[a * P + f], leverage[a * P + f], 1e-10);
    }
  for (size_t a = 0; a < H; a++)
    for (size_t b = 0; b < H; b++) {
      double covariance = 0.0, product = 0.0;
      for (size_t f = 0; f < P; f++) {
        covariance += leverage[a * P + f] * j[b * P + f];
        product += p.spread[a * P + f] * p.spread[b * P + f];
      }
      assert_near(product, covariance, 1e-10);
    }
  free_parts(&p);
}

static void rows_are_drawn_by_the_cubes_of_an_enumerations_scores(void **state) {
  (void)state;
  parts p;
  bf__label_asking asking;
  bf__label_expert experts[BF__N_EXPERTS];
  const double weights[BF__N_EXPERTS] = {0.2, 0.5, 0.3}, best[H] = {0.5, 0.3, 0.1995, 0.0005};
  double score[N], sum = 0.0;
  size_t rows[N], n_drawn[N] = {0};
  make_parts(&p, 10);
  bf__label_metric how = {.metric = BF_METRIC_ACCURACY};
  bf__label_expert_look(&p.x, &how, &p.rows, &p.s, p.j, p.inverse);
  for (size_t e = 0; e < BF__N_EXPERTS; e++) experts[e] = p.x;
  double wilder[P]; /* one that sees the rows otherwise */
  for (size_t f = 0; f < P; f++) wilder[f] = 2.0 * p.x_w[f] + 0.1 * (double)f;
  experts[2].w = wilder;
  assert_int_equal(bf__label_asking_init(&asking, &p.rows, NULL), BF_OK);
  bf__label_score_patterns(&asking, &p.rows, experts, weights, best, &p.s);
  for (size_t i = 0; i < N; i++) {
    score[i] = 0.0;
    for (size_t e = 0; e < BF__N_EXPERTS; e++)
      for (size_t x = 0; x < H - 1; x++) { /* the last may not be the best */
        double q[C], mean = 0.0, square = 0.0;
        naive_posterior(&p.w, i, experts[e].w, q);
        for (size_t c = 0; c < C; c++) {
          double d = 0.0;
          for (size_t f = 0; f < P; f++) {
            double centre = 0.0;
            for (size_t y = 0; y < H; y++) centre += best[y] * p.leverage[y * P + f];
            if (speaks(&p.w, i, f) == (int32_t)c) d += p.leverage[x * P + f] - centre;
          }
          mean += q[c] * d;
          square += q[c] * d * d;
        }
        score[i] += weights[e] * best[x] * (square - mean * mean);
      }
    if (p.rows.answers[i] == BF__NO_ANSWER) {
      assert_near(asking.scores[p.rows.pattern_of[i]], score[i], 1e-12);
      sum += pow(score[i], 3.0);
    }
  }
  assert_true(sum > 0.0);
  size_t n = bf__label_choose(&asking, &p.rows, N, rows), n_first = 0;
  assert_int_equal(n, N - 10);
  bool seen[N] = {false}, taken[N] = {false};
  while (n_first < n && !seen[p.rows.pattern_of[rows[n_first]]]) seen[p.rows.pattern_of[rows[n_first++]]] = true;
  for (size_t i = 0; i < n; i++) { /* different votes first, no row twice, none that is answered */
    if (i >= n_first) assert_true(seen[p.rows.pattern_of[rows[i]]]);
    assert_false(taken[rows[i]]);
    taken[rows[i]] = true;
    assert_int_equal(p.rows.answers[rows[i]], BF__NO_ANSWER);
  }
  for (p.rows.seed = 1; p.rows.seed <= 4000; p.rows.seed++) {
    size_t row = N;
    assert_int_equal(bf__label_choose(&asking, &p.rows, 1, &row), 1);
    n_drawn[p.rows.pattern_of[row]]++;
  }
  for (size_t u = 0; u < p.rows.n_patterns; u++) {
    double share = 0.0;
    for (size_t i = 0; i < N; i++)
      if (p.rows.pattern_of[i] == u && p.rows.answers[i] == BF__NO_ANSWER) share += pow(score[i], 3.0) / sum;
    assert_near((double)n_drawn[u] / 4000.0, share, 4.5 * sqrt(share * (1.0 - share) / 4000.0));
  }
  bf__label_asking_deinit(&asking);
  free_parts(&p);
}

/* ---- behaviour ---- */

static bf_labelling *begin(const world *w, bf_metric metric) {
  bf_labelling *l = NULL;
  bf_error err = {0};
  bf_labelling_options options = options_of(metric);
  if (bf_labelling_create(w->panel, w->believed, &options, &l, &err) != BF_OK) fail_msg("%s", err.message);
  return l;
}

static void with_every_row_answered_the_metric_is_exact_and_nothing_is_left(void **state) {
  (void)state;
  for (int metric = 0; metric < 2; metric++) {
    world w;
    make_world(&w, 7);
    bf_labelling *l = begin(&w, metric ? BF_METRIC_F1 : BF_METRIC_ACCURACY);
    for (size_t i = 0; i < N; i++) {
      assert_false(bf_labelling_look(l)->exhausted);
      assert_int_equal(bf_labelling_answer(l, i, (size_t)w.truth[i], NULL), BF_OK);
    }
    const bf_labelling_state *s = bf_labelling_look(l);
    double best = 0.0, total = 0.0, value[H];
    for (size_t h = 0; h < H; h++) {
      size_t right = 0, said = 0, are = 0, both = 0;
      for (size_t i = 0; i < N; i++) {
        right += w.votes[h][i] == w.truth[i];
        said += w.votes[h][i] == 1;
        are += w.truth[i] == 1;
        both += w.votes[h][i] == 1 && w.truth[i] == 1;
      }
      value[h] = metric ? 2.0 * (double)both / (double)(said + are) : (double)right / N;
      best = fmax(best, value[h]);
      assert_near(s->expected[h], value[h], 1e-12);
      assert_near(s->interval_low[h], value[h], 1e-9);
      assert_near(s->interval_high[h], value[h], 1e-9);
      total += s->best[h];
    }
    size_t rows[3];
    assert_near(value[s->chosen], best, 1e-12);
    assert_near(total, 1.0, 1e-12);
    assert_near(s->within_a_point, 1.0, 1e-12);
    assert_true(s->settled);
    assert_true(s->exhausted);
    assert_int_equal(bf_labelling_next(l, 3, rows), 0);
    bf_labelling_free(l);
    bf_panel_free(w.panel);
  }
}

static void no_new_leader_and_no_advice_before_fifteen_answers(void **state) {
  (void)state;
  world w;
  make_world(&w, 9);
  bf_labelling *l = begin(&w, BF_METRIC_ACCURACY);
  size_t n_batch = 0, last = 0;
  for (size_t n = 0; n < N; n++) {
    const bf_labelling_state *s = bf_labelling_look(l);
    size_t row = 0, leader = 0;
    for (size_t h = 1; h < H; h++)
      if (s->expected[h] > s->expected[leader]) leader = h;
    assert_int_equal(bf_labelling_batch(l), n < 10 ? 1 : 5);
    if (n < 15) {
      assert_int_equal(s->chosen, 3); /* believed to be the best, and the worst in truth */
      n_batch += leader != 3;
    } else {
      assert_int_equal(s->chosen, leader);
    }
    assert_int_equal(s->settled, n >= 15 && s->within_a_point >= 0.95);
    last = s->chosen;
    assert_int_equal(bf_labelling_next(l, 1, &row), 1);
    assert_int_equal(bf_labelling_answer(l, row, (size_t)w.truth[row], NULL), BF_OK);
  }
  assert_true(n_batch > 0); /* there was a new leader that was not announced */
  assert_int_not_equal(last, 3);
  bf_labelling_free(l);
  bf_panel_free(w.panel);
}

static void of_two_classes_the_last_is_the_one_that_f1_is_of(void **state) {
  (void)state;
  static const char *const two[] = {"no", "yes"};
  static const int32_t first[] = {0, 1, 1, 0, 1, 0}, second[] = {1, 1, 0, 0, 1, 1};
  const double believed[] = {0.7, 0.6};
  const bf_panel_model models[] = {
      {.id = "a", .classes = two, .n_classes = 2, .predicted = first, .source_accuracy = NAN, .similarity = NAN},
      {.id = "b", .classes = two, .n_classes = 2, .predicted = second, .source_accuracy = NAN, .similarity = NAN}};
  bf_panel *panel = NULL;
  bf_labelling *named = NULL, *unnamed = NULL, *other = NULL;
  bf_labelling_options options = BF_LABELLING_OPTIONS_INIT;
  options.metric = BF_METRIC_F1;
  assert_int_equal(bf_panel_create(models, 2, 6, NULL, &panel, NULL), BF_OK);
  assert_int_equal(bf_labelling_create(panel, believed, &options, &unnamed, NULL), BF_OK);
  options.positive = "yes";
  assert_int_equal(bf_labelling_create(panel, believed, &options, &named, NULL), BF_OK);
  options.positive = "no";
  assert_int_equal(bf_labelling_create(panel, believed, &options, &other, NULL), BF_OK);
  for (size_t h = 0; h < 2; h++)
    assert_true(bf_labelling_look(named)->expected[h] == bf_labelling_look(unnamed)->expected[h]);
  assert_true(bf_labelling_look(other)->expected[0] != bf_labelling_look(unnamed)->expected[0]);
  bf_labelling_free(named);
  bf_labelling_free(unnamed);
  bf_labelling_free(other);
  bf_panel_free(panel);
}

static void the_probability_of_being_best_falls_on_one_that_leads_clearly(void **state) {
  (void)state;
  world w;
  make_world(&w, 11);
  bf_labelling *l = begin(&w, BF_METRIC_ACCURACY);
  const bf_labelling_state *s = bf_labelling_look(l);
  double sum = 0.0;
  for (size_t h = 0; h < H; h++) sum += s->best[h];
  assert_near(sum, 1.0, 1e-12);
  for (size_t h = 1; h < H; h++) assert_true(s->best[h] > s->best[h - 1] - 0.05); /* as believed */
  assert_true(s->best[3] < 0.99);
  for (size_t i = 0; i + 2 < N; i++) assert_int_equal(bf_labelling_answer(l, i, (size_t)w.truth[i], NULL), BF_OK);
  s = bf_labelling_look(l);
  assert_true(s->best[s->chosen] > 0.9);
  bf_labelling_free(l);
  bf_panel_free(w.panel);
}

static void a_row_that_is_skipped_is_not_asked_but_may_be_answered(void **state) {
  (void)state;
  world w;
  make_world(&w, 13);
  bf_labelling *l = begin(&w, BF_METRIC_ACCURACY);
  size_t first = 0, rows[N];
  assert_int_equal(bf_labelling_next(l, 1, &first), 1);
  assert_int_equal(bf_labelling_skip(l, first, NULL), BF_OK);
  size_t n = bf_labelling_next(l, N, rows);
  assert_int_equal(n, N - 1);
  for (size_t i = 0; i < n; i++) assert_int_not_equal(rows[i], first);
  for (size_t i = 0; i < N; i++) assert_int_equal(bf_labelling_skip(l, i, NULL), BF_OK);
  assert_int_equal(bf_labelling_next(l, N, rows), 0);
  assert_true(bf_labelling_look(l)->exhausted);
  assert_int_equal(bf_labelling_answer(l, first, 0, NULL), BF_OK);
  bf_labelling_free(l);
  bf_panel_free(w.panel);
}

static void equal_answers_and_seed_ask_equal_rows(void **state) {
  (void)state;
  world w;
  make_world(&w, 15);
  bf_labelling *a = begin(&w, BF_METRIC_F1), *b = begin(&w, BF_METRIC_F1);
  for (size_t n = 0; n < 12; n++) {
    size_t x = 0, y = 1;
    assert_int_equal(bf_labelling_next(a, 1, &x), 1);
    if (n % 2) (void)bf_labelling_look(b); /* looking changes nothing */
    assert_int_equal(bf_labelling_next(b, 1, &y), 1);
    assert_int_equal(x, y);
    assert_int_equal(bf_labelling_answer(a, x, (size_t)w.truth[x], NULL), BF_OK);
    assert_int_equal(bf_labelling_answer(b, x, (size_t)w.truth[x], NULL), BF_OK);
  }
  assert_memory_equal(bf_labelling_look(a)->best, bf_labelling_look(b)->best, H * sizeof(double));
  bf_labelling_free(a);
  bf_labelling_free(b);
  bf_panel_free(w.panel);
}

static void what_cannot_be_is_refused_and_changes_nothing(void **state) {
  (void)state;
  world w;
  make_world(&w, 17);
  bf_error err = {0};
  size_t number = 77;
  bf_labelling *l = begin(&w, BF_METRIC_ACCURACY);
  assert_int_equal(bf_labelling_answer(l, N, 0, &err), BF_ERR_INVALID_ARGUMENT);
  assert_string_equal(err.message, "there is no row 40: the rows are 0 to 39");
  assert_int_equal(bf_labelling_answer(l, 0, C, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_labelling_skip(l, N, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_labelling_answer(l, 3, 1, &err), BF_OK);
  assert_int_equal(bf_labelling_answer(l, 3, 2, &err), BF_ERR_EXISTS);
  assert_non_null(strstr(err.message, "'bee'"));
  assert_int_equal(bf_labelling_answer_of(l, 3), 1);
  assert_int_equal(bf_labelling_answer_of(l, 4), SIZE_MAX);
  assert_int_equal(bf_labelling_look(l)->n_answers, 1);
  assert_int_equal(bf_labelling_class_count(l), C);
  assert_string_equal(bf_labelling_class(l, 2), "cat");
  assert_null(bf_labelling_class(l, 3));
  assert_int_equal(bf_labelling_class_find(l, "cat", &number, &err), BF_OK);
  assert_int_equal(number, 2);
  assert_int_equal(bf_labelling_class_find(l, "dog", &number, &err), BF_ERR_NOT_FOUND);
  assert_string_equal(err.message, "no model has the class 'dog'; they have ant, bee, cat");
  bf_labelling_free(l);
  bf_labelling_options options = options_of(BF_METRIC_F1);
  options.positive = NULL;
  assert_int_equal(bf_labelling_create(w.panel, w.believed, &options, &l, &err), BF_ERR_INVALID_ARGUMENT);
  assert_null(l);
  options.positive = "dog";
  assert_int_equal(bf_labelling_create(w.panel, w.believed, &options, &l, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(err.code, BF_ERR_INVALID_ARGUMENT);
  options = options_of(BF_METRIC_ACCURACY);
  options.own_variance = -1.0;
  assert_int_equal(bf_labelling_create(w.panel, w.believed, &options, &l, &err), BF_ERR_INVALID_ARGUMENT);
  w.believed[2] = NAN;
  assert_int_equal(bf_labelling_create(w.panel, w.believed, NULL, &l, &err), BF_ERR_INVALID_ARGUMENT);
  bf_panel_free(w.panel);
}

static void one_model_and_one_class_are_no_problem(void **state) {
  (void)state;
  static const char *const only[] = {"x"};
  int32_t votes[3] = {0, 0, 0};
  bf_panel_model model = {.id = "m", .classes = only, .n_classes = 1, .predicted = votes};
  double believed = 0.5;
  bf_panel *panel = NULL;
  bf_labelling *l = NULL;
  size_t row = 9;
  assert_int_equal(bf_panel_create(&model, 1, 3, NULL, &panel, NULL), BF_OK);
  assert_int_equal(bf_labelling_create(panel, &believed, NULL, &l, NULL), BF_OK);
  bf_panel_free(panel); /* it need not live on */
  assert_int_equal(bf_labelling_next(l, 1, &row), 1);
  assert_int_equal(bf_labelling_answer(l, row, 0, NULL), BF_OK);
  const bf_labelling_state *s = bf_labelling_look(l);
  assert_near(s->best[0], 1.0, 1e-12);
  assert_true(isfinite(s->expected[0]) && isfinite(s->interval_low[0]) && isfinite(s->interval_high[0]));
  bf_labelling_free(l);
}

static void beliefs_that_cannot_be_met_give_finite_numbers(void **state) {
  (void)state;
  world w;
  make_world(&w, 19);
  double extreme[H] = {1.0, 1.0, 0.0, 1.0};
  bf_labelling *l = NULL;
  assert_int_equal(bf_labelling_create(w.panel, extreme, NULL, &l, NULL), BF_OK);
  for (size_t n = 0; n < 12; n++) {
    size_t row = 0;
    assert_int_equal(bf_labelling_next(l, 1, &row), 1);
    assert_int_equal(bf_labelling_answer(l, row, (size_t)w.truth[row], NULL), BF_OK);
    const bf_labelling_state *s = bf_labelling_look(l);
    for (size_t h = 0; h < H; h++) assert_true(isfinite(s->expected[h]) && s->interval_low[h] <= s->interval_high[h]);
  }
  bf_labelling_free(l);
  bf_panel_free(w.panel);
}

static void every_allocation_that_fails_is_an_error_without_a_leak(void **state) {
  (void)state;
  world w;
  make_world(&w, 21);
  bf_labelling_options options = options_of(BF_METRIC_F1);
  const double *agreement = NULL;
  assert_int_equal(bf__panel_agreement(w.panel, &agreement, NULL), BF_OK); /* kept by the panel */
  for (long n = 1;; n++) {
    bf_labelling *l = NULL;
    bf_error err = {0};
    assert_true(n < 1000);
    bf__alloc_fail_at(n);
    bf_status status = bf_labelling_create(w.panel, w.believed, &options, &l, &err);
    bool failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    if (!failed) {
      assert_int_equal(status, BF_OK);
      assert_true(n > 30);
      size_t row = 0; /* nothing is allocated any more: an answer cannot be lost */
      bf__alloc_fail_at(1);
      assert_int_equal(bf_labelling_next(l, 1, &row), 1);
      assert_int_equal(bf_labelling_answer(l, row, 0, &err), BF_OK);
      assert_int_equal(bf_labelling_look(l)->n_answers, 1);
      bf__alloc_fail_at(0);
      bf_labelling_free(l);
      break;
    }
    assert_int_equal(status, BF_ERR_MEMORY);
    assert_int_equal(err.code, BF_ERR_MEMORY);
    assert_null(l);
  }
  bf_panel_free(w.panel);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(means_are_those_of_the_oracle_after_every_answer),
      cmocka_unit_test(the_start_has_the_believed_accuracies_and_equal_classes),
      cmocka_unit_test(equal_votes_are_one_pattern_and_every_row_is_in_one),
      cmocka_unit_test(the_gradient_vanishes_at_the_maximum_and_the_hessian_is_its_slope),
      cmocka_unit_test(gradients_of_accuracy_and_f1_are_finite_differences),
      cmocka_unit_test(f1_is_that_of_the_expected_counts),
      cmocka_unit_test(covariance_and_leverage_are_those_of_the_inverse_hessian),
      cmocka_unit_test(rows_are_drawn_by_the_cubes_of_an_enumerations_scores),
      cmocka_unit_test(with_every_row_answered_the_metric_is_exact_and_nothing_is_left),
      cmocka_unit_test(of_two_classes_the_last_is_the_one_that_f1_is_of),
      cmocka_unit_test(no_new_leader_and_no_advice_before_fifteen_answers),
      cmocka_unit_test(the_probability_of_being_best_falls_on_one_that_leads_clearly),
      cmocka_unit_test(a_row_that_is_skipped_is_not_asked_but_may_be_answered),
      cmocka_unit_test(equal_answers_and_seed_ask_equal_rows),
      cmocka_unit_test(what_cannot_be_is_refused_and_changes_nothing),
      cmocka_unit_test(one_model_and_one_class_are_no_problem),
      cmocka_unit_test(beliefs_that_cannot_be_met_give_finite_numbers),
      cmocka_unit_test(every_allocation_that_fails_is_an_error_without_a_leak),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
