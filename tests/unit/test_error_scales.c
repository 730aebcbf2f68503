/* How expected accuracies err together, against likelihoods by elimination on the same grid. */
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
#include "learn/learn_internal.h"

#define assert_near(a, b, bound)                                                                                \
  do {                                                                                                          \
    double a_ = (a), b_ = (b);                                                                                  \
    if (!(fabs(a_ - b_) <= (bound))) fail_msg("line %d: %.17g is not %.17g", __LINE__, a_, b_); /* NaN fails */ \
  } while (0)

enum { D = 5, M = 6, ITEMS = 60 };
static const char *const CLASSES[3] = {"a", "b", "c"};

typedef struct world {
  bf_experience e;
  bf__labelled domains[D];
  double accuracy[D * M], left_out[D * M];
} world;

static void make_world(world *w, double shared, double own) {
  static int32_t votes[D][M][ITEMS];
  bf__random r = bf__random_of(4);
  memset(w, 0, sizeof *w);
  w->e = (bf_experience){.n_domains = D, .domains = w->domains, .n_pairs = D * M, .accuracy = w->accuracy};
  w->e.fits[BF__STAGE_1].left_out = w->left_out;
  for (size_t d = 0; d < D; d++) {
    bf_panel_model models[M];
    double level = bf__random_normal(&r), together = bf__random_normal(&r);
    w->domains[d] = (bf__labelled){.n_members = M, .first_pair = d * M};
    for (size_t m = 0; m < M; m++) {
      for (size_t i = 0; i < ITEMS; i++)
        votes[d][m][i] = bf__random_unit(&r) < 0.4 + 0.08 * (double)m ? 0 : (int32_t)bf__random_below(&r, 3);
      models[m] = (bf_panel_model){.id = "m", .classes = CLASSES, .n_classes = 3, .predicted = votes[d][m]};
      w->accuracy[d * M + m] = 0.5 + 0.3 * level + sqrt(shared) * together * 0.8 + sqrt(own) * bf__random_normal(&r);
      w->left_out[d * M + m] = 0.5;
    }
    assert_int_equal(bf_panel_create(models, M, ITEMS, NULL, &w->domains[d].panel, NULL), BF_OK);
  }
}

static void free_world(world *w) {
  for (size_t d = 0; d < D; d++) bf_panel_free(w->domains[d].panel);
}

static double naive_likelihood(const world *w, double s_a, double s_i) {
  double total = 0.0;
  for (size_t d = 0; d < D; d++) {
    const double *agreement = NULL;
    double s[M][M], r[M], x[M], log_determinant = 0.0;
    assert_int_equal(bf__panel_agreement(w->domains[d].panel, &agreement, NULL), BF_OK);
    for (size_t i = 0; i < M; i++) {
      r[i] = x[i] = w->accuracy[d * M + i] - w->left_out[d * M + i];
      for (size_t j = 0; j < M; j++) s[i][j] = s_a * agreement[i * M + j] + (i == j ? s_i : 0.0) + 1.0;
    }
    for (size_t p = 0; p < M; p++) {
      log_determinant += log(s[p][p]);
      for (size_t i = p + 1; i < M; i++) {
        double f = s[i][p] / s[p][p];
        for (size_t j = p; j < M; j++) s[i][j] -= f * s[p][j];
        x[i] -= f * x[p];
      }
    }
    for (size_t p = M; p-- > 0;) {
      for (size_t j = p + 1; j < M; j++) x[p] -= s[p][j] * x[j];
      x[p] /= s[p][p];
    }
    total -= 0.5 * log_determinant;
    for (size_t i = 0; i < M; i++) total -= 0.5 * r[i] * x[i];
  }
  return total;
}

static void the_scales_are_the_likeliest_of_the_grid(void **state) {
  (void)state;
  static const double cases[3][2] = {{0.003, 0.0003}, {0.00001, 0.004}, {0.03, 0.00002}};
  for (size_t k = 0; k < 3; k++) {
    world w;
    double shared = 0, own = 0, best = -INFINITY, s_a = 0, s_i = 0;
    make_world(&w, cases[k][0], cases[k][1]);
    assert_int_equal(bf_experience_error_scales(&w.e, &shared, &own, NULL), BF_OK);
    for (int a = 0; a < 13; a++)
      for (int i = 0; i < 17; i++) {
        double x = 1e-4 * pow(10.0, a / 4.0), y = 1e-6 * pow(10.0, i / 4.0), value = naive_likelihood(&w, x, y);
        if (!(value > best + 1e-9)) continue;
        best = value;
        s_a = x;
        s_i = y;
      }
    assert_near(shared, s_a, 1e-12);
    assert_near(own, s_i, 1e-12);
    /* where they err each alone that is found; where it drowns in what they share it is not */
    if (k == 1) assert_true(own > cases[k][1] / 2.0 && own < cases[k][1] * 2.0);
    free_world(&w);
  }
}

static void without_anything_learnt_there_are_none(void **state) {
  (void)state;
  bf_experience e = {.n_domains = 1};
  double shared = 1, own = 1;
  bf_error err = {0};
  assert_int_equal(bf_experience_error_scales(&e, &shared, &own, &err), BF_ERR_NOT_APPLICABLE);
  assert_true(shared == 0.0 && own == 0.0);
}

static void every_allocation_that_fails_is_an_error(void **state) {
  (void)state;
  for (long n = 1;; n++) {
    world w;
    double shared = 0, own = 0;
    make_world(&w, 0.003, 0.0003);
    assert_true(n < 200);
    bf__alloc_fail_at(n);
    bf_status status = bf_experience_error_scales(&w.e, &shared, &own, NULL);
    bool failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    free_world(&w);
    assert_int_equal(status, failed ? BF_ERR_MEMORY : BF_OK);
    if (!failed) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_scales_are_the_likeliest_of_the_grid),
      cmocka_unit_test(without_anything_learnt_there_are_none),
      cmocka_unit_test(every_allocation_that_fails_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
