/* The object: rows, experts, answers, and what follows from them. Everything is allocated at the start, so that an
 * answer cannot be lost for lack of memory. What is looked at is made when it is asked for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "estimate/estimate_internal.h"
#include "label/label_internal.h"

#define SHARED_VARIANCE 0.003
#define OWN_VARIANCE 0.0001
#define LEAST_VARIANCE 1e-4 /* of a weight's prior */
#define MOST_VARIANCE 25.0
#define NORMAL_90 1.6448536269514722 /* half a 90 % interval in deviations */
#define MOST_WIDENED 2.0             /* measured: docs/label.md */

static const double WIDTHS[BF__N_EXPERTS] = {0.125, 1.0, 8.0};
static const double FIRST_WEIGHTS[BF__N_EXPERTS] = {0.25, 0.40, 0.35};

struct bf_labelling {
  bf_labelling_options options;
  char **classes; /* [n_classes] */
  bf__label_rows rows;
  bf__label_scratch scratch;
  bf__label_metric metric;
  bf__label_expert experts[BF__N_EXPERTS];
  bf__label_asking asking;
  double *start, *offset;    /* [n_weights], [n_models] */
  double *moments, *inverse; /* [n_weights][n_weights] */
  double *draws;             /* [BF__N_PAIRED_DRAWS][n_weights] standard normal */
  double *moved;             /* [n_models] of one draw */
  double *numbers;           /* what the state points to */
  size_t first;              /* the choice before any answer */
  bool looked, scored;
  bf_labelling_state state;
};

/* ---- making ---- */

static bf_status allocate(bf_labelling *l, bf_error *err) {
  size_t m = l->rows.n_models, n = l->rows.n_weights;
  l->start = bf__alloc(n, sizeof *l->start);
  l->offset = bf__alloc(m, sizeof *l->offset);
  l->moments = bf__alloc(n * n, sizeof *l->moments);
  l->inverse = bf__alloc(n * n, sizeof *l->inverse);
  l->draws = bf__alloc(BF__N_PAIRED_DRAWS * n, sizeof *l->draws);
  l->moved = bf__alloc(m, sizeof *l->moved);
  l->numbers = bf__alloc(4 * m, sizeof *l->numbers);
  bool all = l->start && l->offset && l->moments && l->inverse && l->draws && l->moved && l->numbers;
  for (size_t e = 0; e < BF__N_EXPERTS; e++) {
    bf__label_expert *x = &l->experts[e];
    x->w = bf__alloc(n, sizeof *x->w);
    x->factor = bf__alloc(n * n, sizeof *x->factor);
    x->mean = bf__alloc(m, sizeof *x->mean);
    x->spread = bf__alloc(m * n, sizeof *x->spread);
    x->leverage = bf__alloc(m * n, sizeof *x->leverage);
    all = all && x->w && x->factor && x->mean && x->spread && x->leverage;
  }
  if (!all) return bf__error_memory(err, n * n * sizeof *l->moments);
  bf_status status = bf__label_scratch_init(&l->scratch, &l->rows, err);
  return status == BF_OK ? bf__label_asking_init(&l->asking, &l->rows, err) : status;
}

static bf_status copy_classes(bf_labelling *l, const bf_panel *panel, bf_error *err) {
  l->classes = bf__alloc(panel->n_classes, sizeof *l->classes);
  if (!l->classes) return bf__error_memory(err, panel->n_classes * sizeof *l->classes);
  for (size_t c = 0; c < panel->n_classes; c++) {
    l->classes[c] = bf__strdup(panel->classes[c]);
    if (!l->classes[c]) return bf__error_memory(err, strlen(panel->classes[c]) + 1);
  }
  return BF_OK;
}

static bf_status check(const bf_panel *panel, const double *believed, bf_labelling_options *options, bf_error *err) {
  for (size_t m = 0; m < panel->n_models; m++)
    if (!isfinite(believed[m]))
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the accuracy believed of %.60s is no finite number",
                       panel->models[m].id);
  if (panel->n_items >= BF__NO_ANSWER || panel->n_models + panel->n_classes > BF__MAX_LABEL_WEIGHTS)
    return bf__error(err, BF_ERR_LIMIT,
                     "%zu models and %zu classes are more than the %u together that labels are weighed for: leave "
                     "models out by a filter",
                     panel->n_models, panel->n_classes, BF__MAX_LABEL_WEIGHTS);
  if (!(options->shared_variance >= 0.0) || !(options->own_variance >= 0.0) || !isfinite(options->shared_variance) ||
      !isfinite(options->own_variance))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a variance of beliefs must be 0 or more");
  if (options->metric != BF_METRIC_ACCURACY && options->metric != BF_METRIC_F1)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no metric of that number");
  if (options->shared_variance == 0.0 && options->own_variance == 0.0) {
    options->shared_variance = SHARED_VARIANCE;
    options->own_variance = OWN_VARIANCE;
  }
  return BF_OK;
}

/* s^2 = tr(P K P) / tr(P J P J P), P = I - 11'/H: weights of this variance move accuracies, apart from what all share,
 * as far as beliefs are known to err, K = shared A + own I. */
static double prior_variance(const bf_labelling *l, const double *agreement) {
  size_t m = l->rows.n_models, n = l->rows.n_weights;
  double trace = 0.0, total = 0.0, squares = 0.0, of_ones = 0.0;
  for (size_t i = 0; i < m; i++) {
    double row = 0.0;
    for (size_t k = 0; k < m; k++) {
      double both = isnan(agreement[i * m + k]) ? 0.0 : agreement[i * m + k], j = l->moments[i * n + k];
      double covariance = l->options.shared_variance * both + (i == k ? l->options.own_variance : 0.0);
      trace += i == k ? covariance : 0.0;
      total += covariance;
      squares += j * j;
      row += j;
    }
    of_ones += row * row;
  }
  double wanted = trace - total / (double)m, moved = squares - of_ones / (double)m;
  return moved > 0.0 && wanted > 0.0 ? wanted / moved : LEAST_VARIANCE;
}

static bf_status begin(bf_labelling *l, const double *agreement, const double *believed, bf_error *err) {
  bf_status status = BF_OK;
  size_t m = l->rows.n_models, n = l->rows.n_weights;
  bf__random random = bf__random_of(bf__mix64(l->options.seed, 8));
  for (size_t i = 0; i < BF__N_PAIRED_DRAWS * n; i++) l->draws[i] = bf__random_normal(&random);
  BF_TRY(bf__label_start(&l->rows, believed, &l->scratch, l->start, l->moments, err));
  double variance = prior_variance(l, agreement);
  bf__label_metric plain = {.metric = BF_METRIC_ACCURACY};
  bf__label_measure(&plain, &l->rows, l->start, &l->scratch, NULL, l->offset, NULL);
  for (size_t h = 0; h < m; h++) l->offset[h] = believed[h] - l->offset[h];
  for (size_t e = 0; e < BF__N_EXPERTS; e++) {
    bf__label_expert *x = &l->experts[e];
    x->log_weight = log(FIRST_WEIGHTS[e]);
    x->prior = (bf__label_prior){l->start, 1.0 / fmin(fmax(variance * WIDTHS[e], LEAST_VARIANCE), MOST_VARIANCE)};
    memcpy(x->w, l->start, n * sizeof *x->w);
    BF_TRY(bf__label_expert_fit(x, &l->rows, &l->scratch, err));
  }
  l->first = SIZE_MAX;
  l->first = bf_labelling_look(l)->chosen;
out:
  return status;
}

bf_status bf_labelling_create(const bf_panel *panel, const double *believed, const bf_labelling_options *given,
                              bf_labelling **out, bf_error *err) {
  static const bf_labelling_options defaults = BF_LABELLING_OPTIONS_INIT;
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the labelling");
  *out = NULL;
  if (!panel || !believed) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a panel and beliefs are needed");
  bf_labelling_options options = given ? *given : defaults;
  const double *agreement = NULL;
  bf_status status = check(panel, believed, &options, err);
  if (status != BF_OK) return status;
  bf_labelling *l = bf__alloc(1, sizeof *l);
  if (!l) return bf__error_memory(err, sizeof *l);
  if (options.seed == 0) options.seed = BF_SKETCH_DEFAULT_SEED;
  l->options = options;
  BF_TRY(bf__label_rows_init(&l->rows, panel->votes, panel->n_models, panel->n_items, panel->n_classes, options.seed,
                             err));
  BF_TRY(copy_classes(l, panel, err));
  BF_TRY(allocate(l, err));
  l->metric = (bf__label_metric){.metric = options.metric, .offset = l->offset};
  l->options.positive = NULL; /* borrowed; its number is what is needed */
  if (options.metric == BF_METRIC_F1) {
    if (!options.positive && panel->n_classes == 2) options.positive = panel->classes[1]; /* as learn/metric.c has it */
    if (!options.positive)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "F1 of which class? The models know %zu; name one",
                       panel->n_classes));
    if (bf_labelling_class_find(l, options.positive, &l->metric.positive, err) != BF_OK) {
      if (err) err->code = BF_ERR_INVALID_ARGUMENT;
      status = BF_ERR_INVALID_ARGUMENT;
      goto out;
    }
  }
  BF_TRY(bf__panel_agreement(panel, &agreement, err));
  BF_TRY(begin(l, agreement, believed, err));
  *out = l;
  l = NULL;
out:
  bf_labelling_free(l);
  return status;
}

void bf_labelling_free(bf_labelling *l) {
  if (!l) return;
  for (size_t c = 0; l->classes && c < l->rows.n_classes; c++) free(l->classes[c]);
  free(l->classes);
  for (size_t e = 0; e < BF__N_EXPERTS; e++) {
    bf__label_expert *x = &l->experts[e];
    free(x->w);
    free(x->factor);
    free(x->mean);
    free(x->spread);
    free(x->leverage);
  }
  bf__label_asking_deinit(&l->asking);
  bf__label_scratch_deinit(&l->scratch);
  bf__label_rows_deinit(&l->rows);
  free(l->start);
  free(l->offset);
  free(l->moments);
  free(l->inverse);
  free(l->draws);
  free(l->moved);
  free(l->numbers);
  free(l);
}

/* ---- classes ---- */

size_t bf_labelling_class_count(const bf_labelling *l) {
  return l->rows.n_classes;
}

const char *bf_labelling_class(const bf_labelling *l, size_t i) {
  return i < l->rows.n_classes ? l->classes[i] : NULL;
}

bf_status bf_labelling_class_find(const bf_labelling *l, const char *name, size_t *out, bf_error *err) {
  char list[140] = "";
  size_t n = 0;
  for (size_t c = 0; c < l->rows.n_classes; c++) {
    if (strcmp(l->classes[c], name) == 0) {
      *out = c;
      return BF_OK;
    }
    size_t length = strlen(l->classes[c]);
    if (n + length + 8 > sizeof list) continue;
    if (n > 0) {
      memcpy(list + n, ", ", 2);
      n += 2;
    }
    memcpy(list + n, l->classes[c], length + 1);
    n += length;
  }
  return bf__error(err, BF_ERR_NOT_FOUND, "no model has the class '%.60s'; they have %s", name, list);
}

/* ---- answers ---- */

size_t bf_labelling_batch(const bf_labelling *l) {
  return l->rows.n_answered < BF__FIRST_SINGLY ? 1 : 5;
}

static bf_status check_row(const bf_labelling *l, size_t row, bf_error *err) {
  if (row < l->rows.n_rows) return BF_OK;
  return bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)row, "there is no row %zu: the rows are 0 to %zu", row,
                      l->rows.n_rows - 1);
}

/* Back to before the last answer: fitting again from the start gives what was. */
static void take_back(bf_labelling *l, const double *log_weights) {
  bf__label_rows *r = &l->rows;
  uint32_t row = r->answered[--r->n_answered];
  r->answers[row] = BF__NO_ANSWER;
  r->patterns[r->pattern_of[row]].n_open++;
  for (size_t e = 0; e < BF__N_EXPERTS; e++) {
    l->experts[e].log_weight = log_weights[e];
    (void)bf__label_expert_fit(&l->experts[e], r, &l->scratch, NULL);
  }
}

bf_status bf_labelling_answer(bf_labelling *l, size_t row, size_t class_number, bf_error *err) {
  bf__label_rows *r = &l->rows;
  double log_weights[BF__N_EXPERTS];
  bf_status status = check_row(l, row, err);
  if (status != BF_OK) return status;
  if (class_number >= r->n_classes)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "there is no class %zu: the classes are 0 to %zu", class_number,
                     r->n_classes - 1);
  if (r->answers[row] != BF__NO_ANSWER)
    return bf__error_at(err, BF_ERR_EXISTS, (int64_t)row, "row %zu is answered already, with '%.60s'", row,
                        l->classes[r->answers[row]]);
  const uint16_t *votes = bf__pattern_votes(r, r->pattern_of[row]);
  for (size_t e = 0; e < BF__N_EXPERTS; e++) { /* how well each foresaw it, before it learns */
    log_weights[e] = l->experts[e].log_weight;
    (void)bf__label_posterior(r, votes, l->experts[e].w, l->scratch.q);
    l->experts[e].log_weight += log(fmax(l->scratch.q[class_number], 1e-300));
  }
  r->answers[row] = (uint32_t)class_number;
  r->answered[r->n_answered++] = (uint32_t)row;
  r->patterns[r->pattern_of[row]].n_open--;
  for (size_t e = 0; e < BF__N_EXPERTS && status == BF_OK; e++)
    status = bf__label_expert_fit(&l->experts[e], r, &l->scratch, err);
  if (status != BF_OK) {
    take_back(l, log_weights);
    return status;
  }
  l->looked = l->scored = false;
  return BF_OK;
}

bf_status bf_labelling_skip(bf_labelling *l, size_t row, bf_error *err) {
  bf_status status = check_row(l, row, err);
  if (status != BF_OK) return status;
  l->rows.skipped[row] = true;
  l->looked = false; /* perhaps none is left */
  return BF_OK;
}

size_t bf_labelling_answer_of(const bf_labelling *l, size_t row) {
  return row < l->rows.n_rows && l->rows.answers[row] != BF__NO_ANSWER ? l->rows.answers[row] : SIZE_MAX;
}

/* ---- looking ---- */

static void expert_weights(const bf_labelling *l, double out[BF__N_EXPERTS]) {
  double largest = l->experts[0].log_weight, sum = 0.0;
  for (size_t e = 1; e < BF__N_EXPERTS; e++) largest = fmax(largest, l->experts[e].log_weight);
  for (size_t e = 0; e < BF__N_EXPERTS; e++) sum += out[e] = exp(l->experts[e].log_weight - largest);
  for (size_t e = 0; e < BF__N_EXPERTS; e++) out[e] /= sum;
}

/* Means and intervals of the mixture. What the experience tells of the beginning is right; the label model, which says
 * how answers bear on other rows, is too sure of itself, so that intervals are widened with the first answers. */
static void mix(bf_labelling *l, const double *weights, double *mean, double *low, double *high) {
  size_t m = l->rows.n_models, n = l->rows.n_weights;
  double widened = 1.0 + (MOST_WIDENED - 1.0) * fmin((double)l->rows.n_answered / BF__FIRST_SINGLY, 1.0);
  for (size_t h = 0; h < m; h++) {
    double variance = 0.0;
    mean[h] = 0.0;
    for (size_t e = 0; e < BF__N_EXPERTS; e++) mean[h] += weights[e] * l->experts[e].mean[h];
    for (size_t e = 0; e < BF__N_EXPERTS; e++) {
      const double *spread = l->experts[e].spread + h * n;
      double away = l->experts[e].mean[h] - mean[h], own = 0.0;
      for (size_t k = 0; k < n; k++) own += spread[k] * spread[k];
      variance += weights[e] * (own + away * away);
    }
    double half = widened * NORMAL_90 * sqrt(variance);
    low[h] = fmin(fmax(mean[h] - half, 0.0), 1.0);
    high[h] = fmin(fmax(mean[h] + half, 0.0), 1.0);
  }
}

/* P(best) of every model, and that none is better than `chosen` by a point. */
static double draw_best(bf_labelling *l, const double *weights, size_t chosen, double *best) {
  size_t m = l->rows.n_models, n = l->rows.n_weights;
  double within = 0.0;
  memset(best, 0, m * sizeof *best);
  for (size_t e = 0; e < BF__N_EXPERTS; e++) {
    const bf__label_expert *x = &l->experts[e];
    double share = weights[e] / (2.0 * BF__N_PAIRED_DRAWS);
    for (size_t d = 0; d < BF__N_PAIRED_DRAWS; d++) {
      const double *draw = l->draws + d * n;
      for (size_t h = 0; h < m; h++) {
        double sum = 0.0;
        for (size_t k = 0; k < n; k++) sum += x->spread[h * n + k] * draw[k];
        l->moved[h] = sum;
      }
      for (int sign = -1; sign <= 1; sign += 2) {
        size_t first = 0;
        double largest = -INFINITY;
        for (size_t h = 0; h < m; h++) {
          double value = x->mean[h] + sign * l->moved[h];
          if (value > largest) largest = value, first = h;
        }
        best[first] += share;
        if (x->mean[chosen] + sign * l->moved[chosen] >= largest - BF__A_POINT) within += share;
      }
    }
  }
  return within;
}

const bf_labelling_state *bf_labelling_look(bf_labelling *l) {
  size_t m = l->rows.n_models, leader = 0, n_left = 0;
  double weights[BF__N_EXPERTS], *mean = l->numbers, *low = mean + m, *high = low + m, *best = high + m;
  bf_labelling_state *state = &l->state;
  if (l->looked) return state;
  expert_weights(l, weights);
  for (size_t e = 0; e < BF__N_EXPERTS; e++)
    bf__label_expert_look(&l->experts[e], &l->metric, &l->rows, &l->scratch, l->moments, l->inverse);
  mix(l, weights, mean, low, high);
  for (size_t h = 1; h < m; h++)
    if (mean[h] > mean[leader]) leader = h;
  bool early = l->first != SIZE_MAX && l->rows.n_answered < BF__FEWEST_SETTLED; /* ten can hurt a good start */
  if (early) leader = l->first;
  for (size_t i = 0; i < l->rows.n_rows; i++) n_left += l->rows.answers[i] == BF__NO_ANSWER && !l->rows.skipped[i];
  *state = (bf_labelling_state){.n_answers = l->rows.n_answered,
                                .expected = mean,
                                .interval_low = low,
                                .interval_high = high,
                                .best = best,
                                .chosen = leader,
                                .exhausted = n_left == 0};
  state->within_a_point = draw_best(l, weights, leader, best);
  state->settled = l->rows.n_answered >= BF__FEWEST_SETTLED && state->within_a_point >= BF__SURE;
  l->looked = true;
  return state;
}

size_t bf_labelling_next(bf_labelling *l, size_t most, size_t *rows) {
  const bf_labelling_state *state = bf_labelling_look(l);
  if (!l->scored) {
    double weights[BF__N_EXPERTS];
    expert_weights(l, weights);
    bf__label_score_patterns(&l->asking, &l->rows, l->experts, weights, state->best, &l->scratch);
    l->scored = true;
  }
  return bf__label_choose(&l->asking, &l->rows, most, rows);
}
