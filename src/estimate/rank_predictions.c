/* Ranks models by predictions alone: every rule that applies, the order by one of them, what speaks for each place, how
 * far the consensus can be trusted; and, where a truth is known, how good the order was. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "estimate/estimate_internal.h"
#include "estimate/predictions_internal.h"

#define DEFAULT_STRATEGY "consensus-mix"
#define MAX_REASONS 4u
#define FEW_ITEMS 100u
#define FEW_MODELS 5u

struct bf_predictions_ranking {
  const char *strategy;
  size_t n_ranked, n_skipped, n_rules;
  bf_predictions_ranked *ranked;
  bf_predictions_skipped *skipped;
  const char **rule_names; /* [n_rules] of the table */
  double *values;          /* [n_models][n_rules], NaN: not applicable */
  const char **reasons;    /* [n_models][MAX_REASONS] */
  const char *trust_reasons[6];
  bf_predictions_trust trust;
  bf_predictions_score score;
  bool is_scored;
  char **texts; /* what the pointers above point to */
  size_t n_texts, texts_capacity;
};

__attribute__((format(printf, 2, 3))) static const char *text(bf_predictions_ranking *r, const char *format, ...) {
  char buffer[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  if (r->n_texts == r->texts_capacity) {
    size_t capacity = r->texts_capacity ? 2 * r->texts_capacity : 64;
    char **grown = bf__realloc(r->texts, capacity, sizeof *grown);
    if (!grown) return NULL;
    r->texts = grown;
    r->texts_capacity = capacity;
  }
  char *copy = bf__strdup(buffer);
  if (copy) r->texts[r->n_texts++] = copy;
  return copy;
}

/* ---- the panel ---- */

static bf_status make_panel(const bf_predictions *p, const bf_predictions_rank_options *o, bf_panel **out,
                            bf_error *err) {
  bf_panel_options options = BF_PANEL_OPTIONS_INIT;
  options.seed = o->seed;
  options.n_threads = o->n_threads;
  bf_panel_model *models = bf__alloc(p->n_models, sizeof *models);
  if (!models) return bf__error_memory(err, p->n_models * sizeof *models);
  for (size_t m = 0; m < p->n_models; m++) {
    models[m] = (bf_panel_model){.id = p->models[m],
                                 .classes = (const char *const *)p->classes,
                                 .n_classes = p->n_classes,
                                 .are_logits = p->are_logits,
                                 .source_accuracy = NAN,
                                 .similarity = NAN};
    if (p->scores) {
      models[m].scores = p->scores[m];
    } else {
      models[m].predicted = p->votes + m * p->n_items;
    }
  }
  bf_status status = bf_panel_create(models, p->n_models, p->n_items, &options, out, err);
  free(models);
  return status;
}

/* ---- the rules ---- */

static bool applies_to_predictions(const bf__estimator *e) {
  return !(e->needs & (BF__NEEDS_CALIBRATION | BF__NEEDS_REPOSITORY));
}

static bf_status find_strategy(const char *name, const bf__estimator **out, bf_error *err) {
  *out = bf__estimator_find(name);
  if (!*out) {
    char known[200] = "";
    size_t used = 0;
    for (size_t i = 0; bf__estimator_at(i) && used + 24 < sizeof known; i++) {
      if (!applies_to_predictions(bf__estimator_at(i)) || bf__estimator_at(i)->needs != 0) continue;
      int n = snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", bf__estimator_at(i)->info.name);
      used += n > 0 ? (size_t)n : 0;
    }
    return bf__error(err, BF_ERR_NOT_FOUND, "no estimator '%.40s'; predictions can be ranked by: %s …", name, known);
  }
  if (applies_to_predictions(*out)) return BF_OK;
  return bf__error(err, BF_ERR_UNSUPPORTED, "%s needs %s, and predictions alone have neither labels nor a repository",
                   name, (*out)->info.needs);
}

/* Every rule that applies to any model; *own: the column of the strategy. */
static bf_status compute_rules(bf_predictions_ranking *r, const bf_panel *panel, const bf__estimator *strategy,
                               bf_estimate_value *own, bf_error *err) {
  bf_status status = BF_OK;
  size_t m = panel->n_models;
  bf_estimate_value *values = bf__alloc(m, sizeof *values);
  r->rule_names = bf__alloc(BF__MAX_ESTIMATORS, sizeof *r->rule_names);
  r->values = bf__alloc(m * BF__MAX_ESTIMATORS, sizeof *r->values);
  if (!values || !r->rule_names || !r->values)
    BF_TRY(bf__error_memory(err, m * BF__MAX_ESTIMATORS * sizeof *r->values));
  for (size_t e = 0; bf__estimator_at(e); e++) {
    const bf__estimator *rule = bf__estimator_at(e);
    bool any = false;
    if (!applies_to_predictions(rule)) continue;
    BF_TRY(bf_estimate(panel, rule->info.name, values, err));
    for (size_t i = 0; i < m; i++) any = any || values[i].applicable;
    if (rule == strategy) memcpy(own, values, m * sizeof *own);
    if (!any) continue;
    for (size_t i = 0; i < m; i++)
      r->values[i * BF__MAX_ESTIMATORS + r->n_rules] = values[i].applicable ? values[i].value : NAN;
    r->rule_names[r->n_rules++] = rule->info.name;
  }
out:
  free(values);
  return status;
}

/* ---- the order ---- */

static int compare_ranked(const void *a, const void *b) {
  const bf_predictions_ranked *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  int order = strcmp(x->id, y->id);
  return order ? order : x->model < y->model ? -1 : x->model > y->model;
}

static double accuracy_of(const bf_predictions *p, const bf_panel *panel, size_t m, size_t *n_items) {
  size_t right = 0;
  *n_items = 0;
  for (size_t i = 0; p->truth && i < p->n_items; i++) {
    if (p->truth[i] == BF__TRUTH_NONE) continue;
    uint16_t vote = bf__votes(panel, m)[i];
    ++*n_items;
    right += p->truth[i] >= 0 && vote != BF__NO_VOTE && strcmp(panel->classes[vote], p->classes[p->truth[i]]) == 0;
  }
  return *n_items > 0 ? (double)right / (double)*n_items : NAN;
}

static bf_status place_models(bf_predictions_ranking *r, const bf_predictions *p, const bf_panel *panel,
                              const bf__estimator *strategy, const bf_estimate_value *own, bf_error *err) {
  for (size_t m = 0; m < p->n_models; m++) {
    if (!own[m].applicable) {
      const char *why = text(r, "%s", own[m].why);
      if (!why) return bf__error_memory(err, sizeof own[m].why);
      r->skipped[r->n_skipped++] = (bf_predictions_skipped){p->models[m], why};
      continue;
    }
    bf_predictions_ranked *one = &r->ranked[r->n_ranked++];
    one->id = p->models[m];
    one->model = m;
    one->score = strategy->info.direction == BF_HIGHER_IS_CLOSER ? own[m].value : -own[m].value;
    one->n_measures = r->n_rules;
    one->measure_names = r->rule_names;
    one->measure_values = r->values + m * BF__MAX_ESTIMATORS;
    one->reasons = r->reasons + m * MAX_REASONS;
    one->answered = (double)panel->members[m].n_answered / (double)p->n_items;
    one->accuracy = accuracy_of(p, panel, m, &r->score.n_items);
  }
  qsort(r->ranked, r->n_ranked, sizeof *r->ranked, compare_ranked);
  for (size_t i = 0; i < r->n_ranked; i++) r->ranked[i].rank = (uint32_t)i + 1;
  return BF_OK;
}

/* ---- reasons ---- */

static size_t rule_number(const bf_predictions_ranking *r, const char *name) {
  size_t k = 0;
  while (k < r->n_rules && strcmp(r->rule_names[k], name) != 0) k++;
  return k;
}

/* Place by one rule among the ranked, from 1; 0: not applicable. */
static size_t standing(const bf_predictions_ranking *r, const bf_predictions_ranked *one, size_t rule) {
  size_t place = 1;
  if (rule == r->n_rules || isnan(one->measure_values[rule])) return 0;
  for (size_t i = 0; i < r->n_ranked; i++) place += r->ranked[i].measure_values[rule] > one->measure_values[rule];
  return place;
}

static bf_status add_reasons(bf_predictions_ranking *r, bf_predictions_ranked *one, bf_error *err) {
  const char **reasons = r->reasons + one->model * MAX_REASONS;
  size_t pair = rule_number(r, "pair-agreement"), full = rule_number(r, "dawid-skene-full");
  size_t majority = rule_number(r, "majority"), place = standing(r, one, pair);
  if (place > 0) {
    reasons[one->n_reasons++] = text(r, "agrees with the other models on %.1f %% of the items: place %zu of %zu",
                                     100.0 * one->measure_values[pair], place, r->n_ranked);
  }
  if (r->n_ranked > 1 && (place = standing(r, one, majority)) > 0) {
    reasons[one->n_reasons++] =
        text(r, "gives the majority's answer on %.1f %%: place %zu", 100.0 * one->measure_values[majority], place);
  }
  if (r->n_ranked > 1 && (place = standing(r, one, full)) > 0) {
    reasons[one->n_reasons++] = text(r, "right on %.1f %% if errors are independent (dawid-skene-full): place %zu",
                                     100.0 * one->measure_values[full], place);
  }
  if (one->answered < 1.0)
    reasons[one->n_reasons++] =
        text(r, "answered only %.1f %% of the items, and is judged on these", 100.0 * one->answered);
  for (size_t i = 0; i < one->n_reasons; i++)
    if (!reasons[i]) return bf__error_memory(err, 400);
  return BF_OK;
}

static bf_status judge_trust(bf_predictions_ranking *r, const bf_predictions *p, const bf_panel *panel, bf_error *err) {
  size_t n = 0;
  int grade = 0; /* 0 high, 1 medium, 2 low */
  r->trust.consensus = NAN;
  bf_status status = bf_panel_trust(panel, &r->trust.consensus, err);
  if (status == BF_ERR_NOT_APPLICABLE) {
    r->trust.consensus = NAN;
    r->trust_reasons[n++] = text(r, "fewer than 3 models: there is no consensus to speak of");
    grade = 2;
  } else if (status != BF_OK) {
    return status;
  } else if (r->trust.consensus < BF__DOUBTFUL_TRUST) {
    r->trust_reasons[n++] =
        text(r,
             "the orders by majority and by dawid-skene-full agree by a Spearman of %.2f only, below 0.5: the majority "
             "may be wrong",
             r->trust.consensus);
    grade = 2;
  } else {
    r->trust_reasons[n++] =
        text(r, "the orders by majority and by dawid-skene-full agree by a Spearman of %.2f", r->trust.consensus);
  }
  if (r->n_ranked >= 3 && r->n_ranked < FEW_MODELS) {
    r->trust_reasons[n++] = text(r, "only %zu models", r->n_ranked);
    grade = grade > 1 ? grade : 1;
  }
  if (p->n_items < FEW_ITEMS) {
    r->trust_reasons[n++] = text(r, "only %zu item%s", p->n_items, p->n_items == 1 ? "" : "s");
    grade = grade > 1 ? grade : 1;
  }
  for (size_t i = 0; i < n; i++)
    if (!r->trust_reasons[i]) return bf__error_memory(err, 400);
  r->trust.grade = grade == 0 ? "high" : grade == 1 ? "medium" : "low";
  r->trust.n_reasons = n;
  r->trust.reasons = r->trust_reasons;
  return BF_OK;
}

/* ---- against the truth ---- */

static bf_status score_order(bf_predictions_ranking *r, const bf_predictions *p, bf_error *err) {
  if (!p->truth || r->n_ranked == 0 || r->score.n_items == 0) return BF_OK;
  size_t n = r->n_ranked, best = 0;
  double *numbers = bf__alloc(n, 2 * sizeof *numbers);
  if (!numbers) return bf__error_memory(err, n * 2 * sizeof *numbers);
  for (size_t i = 0; i < n; i++) {
    numbers[i] = r->ranked[i].score;
    numbers[n + i] = r->ranked[i].accuracy;
    if (numbers[n + i] > numbers[n + best]) best = i;
  }
  bf_predictions_score *s = &r->score;
  bf_status status = bf__spearman(numbers, numbers + n, n, &s->spearman, err);
  s->kendall = bf__kendall(numbers, numbers + n, n);
  s->best = r->ranked[best].id;
  s->chosen = r->ranked[0].id;
  s->best_accuracy = r->ranked[best].accuracy;
  s->chosen_accuracy = r->ranked[0].accuracy;
  s->regret = s->best_accuracy - s->chosen_accuracy;
  r->is_scored = status == BF_OK;
  free(numbers);
  return status;
}

bf_status bf_predictions_rank(const bf_predictions *p, const bf_predictions_rank_options *options,
                              bf_predictions_ranking **out, bf_error *err) {
  if (!p || !out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "predictions and a place for the ranking are needed");
  *out = NULL;
  bf_predictions_rank_options o = BF_PREDICTIONS_RANK_OPTIONS_INIT;
  if (options) memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
  const bf__estimator *strategy = NULL;
  bf_status status = find_strategy(o.strategy ? o.strategy : DEFAULT_STRATEGY, &strategy, err);
  if (status != BF_OK) return status;
  bf_panel *panel = NULL;
  bf_estimate_value *own = bf__alloc(p->n_models, sizeof *own);
  bf_predictions_ranking *r = bf__alloc(1, sizeof *r);
  if (!own || !r) BF_TRY(bf__error_memory(err, p->n_models * sizeof *own));
  r->strategy = strategy->info.name;
  r->ranked = bf__alloc(p->n_models, sizeof *r->ranked);
  r->skipped = bf__alloc(p->n_models, sizeof *r->skipped);
  r->reasons = bf__alloc(p->n_models * MAX_REASONS, sizeof *r->reasons);
  if (!r->ranked || !r->skipped || !r->reasons) BF_TRY(bf__error_memory(err, p->n_models * sizeof *r->ranked));
  BF_TRY(make_panel(p, &o, &panel, err));
  BF_TRY(compute_rules(r, panel, strategy, own, err));
  BF_TRY(place_models(r, p, panel, strategy, own, err));
  for (size_t i = 0; i < r->n_ranked; i++) BF_TRY(add_reasons(r, &r->ranked[i], err));
  BF_TRY(judge_trust(r, p, panel, err));
  BF_TRY(score_order(r, p, err));
  *out = r;
  r = NULL;
out:
  bf_panel_free(panel);
  bf_predictions_ranking_free(r);
  free(own);
  return status;
}

void bf_predictions_ranking_free(bf_predictions_ranking *r) {
  if (!r) return;
  for (size_t i = 0; i < r->n_texts; i++) free(r->texts[i]);
  free(r->texts);
  free(r->ranked);
  free(r->skipped);
  free(r->rule_names);
  free(r->values);
  free(r->reasons);
  free(r);
}

const char *bf_predictions_ranking_strategy(const bf_predictions_ranking *r) {
  return r->strategy;
}

size_t bf_predictions_ranking_count(const bf_predictions_ranking *r) {
  return r->n_ranked;
}

const bf_predictions_ranked *bf_predictions_ranking_at(const bf_predictions_ranking *r, size_t i) {
  return i < r->n_ranked ? &r->ranked[i] : NULL;
}

size_t bf_predictions_ranking_skipped_count(const bf_predictions_ranking *r) {
  return r->n_skipped;
}

const bf_predictions_skipped *bf_predictions_ranking_skipped_at(const bf_predictions_ranking *r, size_t i) {
  return i < r->n_skipped ? &r->skipped[i] : NULL;
}

const bf_predictions_trust *bf_predictions_ranking_trust(const bf_predictions_ranking *r) {
  return &r->trust;
}

const bf_predictions_score *bf_predictions_ranking_score(const bf_predictions_ranking *r) {
  return r->is_scored ? &r->score : NULL;
}
