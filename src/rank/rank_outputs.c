/* Ranking by what the models say of a sample of the target, or by the accuracy that experience expects.
 *
 * The order by similarity is there already, with its measures and reasons. Every candidate with outputs joins one
 * panel; the asked estimator and the telling others are computed on it, and the result is written anew: places by the
 * asked estimator or the expected accuracy, measures and reasons of the outputs before those of the data. A candidate
 * without outputs goes to the skipped, with what kept it from being run and its score by data. What is learnt from data
 * features alone reorders those that are ranked by similarity.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "rank/rank_internal.h"

#define MAX_ESTIMATORS 64u
#define MAX_REASONS 5u

/* What is shown beside the asked one. */
static const char *const TELLING[] = {"similarity-agreement", "pair-agreement", "confidence", "atc", "doc"};

typedef struct member {
  size_t candidate;
  size_t ranked; /* its place by data, SIZE_MAX: none */
  double score;  /* signed, of the asked estimator */
  bool applicable;
} member;

typedef struct reordering {
  bf_search_result *result;
  const bf__plan *plan;
  const bf_sketch *target;
  const bf_experience *experience;
  const bf_candidate *candidates;
  size_t n, n_members, n_estimators;
  member *members;
  double *similarity; /* [n] by data, NaN: none */
  const char *names[MAX_ESTIMATORS];
  bf_estimate_value *values; /* [n_estimators][n_members] */
  bf_panel_model *models;    /* [n_members] */
  bf_panel *panel;
  bf_experience_model *info; /* [n_members] as the experience knows them */
  bf__shared_sample shared;  /* for aline */
  bf__answer answer;         /* where the strategy learns */
  bf_ranked *old_ranked;     /* as ranked by data */
  const bf_sketch **old_sketches;
  size_t n_old;
} reordering;

bf_panel_model bf__panel_model_of(const bf_candidate *c, double similarity) {
  return (bf_panel_model){.id = c->id,
                          .classes = c->classes,
                          .n_classes = c->outputs->n_classes,
                          .scores = c->outputs->scores,
                          .are_logits = c->outputs->are_logits,
                          .calibration = c->calibration,
                          .source_accuracy = c->source_accuracy,
                          .similarity = similarity};
}

bf_experience_model bf__experience_model_of(const bf_candidate *c) {
  return (bf_experience_model){.id = c->id,
                               .version = c->version,
                               .domain = c->domain,
                               .sketch = c->sketch,
                               .calibration = c->calibration,
                               .source_accuracy = c->source_accuracy};
}

static void choose_estimators(reordering *r, const bf_strategy_info *asked, bool all) {
  const bf_strategy_info *info;
  r->names[r->n_estimators++] = asked->name;
  if (!r->plan->by_outputs) return;
  for (size_t i = 0; all && (info = bf_strategy_at(i)) != NULL && r->n_estimators < MAX_ESTIMATORS; ++i) {
    if (bf__is_estimator(info) && strcmp(info->name, asked->name) != 0) r->names[r->n_estimators++] = info->name;
  }
  for (size_t i = 0; !all && i < sizeof TELLING / sizeof *TELLING; ++i) {
    if (strcmp(TELLING[i], asked->name) != 0) r->names[r->n_estimators++] = TELLING[i];
  }
}

static bool is_excluded(const bf_candidate *c, const bf_search_options *options) {
  return options->exclude_domain && c->domain && strcmp(c->domain, options->exclude_domain) == 0;
}

static bf_status gather(reordering *r, const bf_search_options *options, bf_error *err) {
  bf_search_result *result = r->result;
  r->members = bf__alloc(r->n, sizeof *r->members);
  r->models = bf__alloc(r->n, sizeof *r->models);
  r->similarity = bf__alloc(r->n, sizeof *r->similarity);
  if (!r->members || !r->models || !r->similarity) return bf__error_memory(err, r->n * sizeof *r->models);
  for (size_t c = 0; c < r->n; ++c) r->similarity[c] = NAN;
  for (size_t i = 0; i < result->n_ranked; ++i) r->similarity[result->ranked[i].candidate] = result->ranked[i].score;
  size_t n_items = SIZE_MAX;
  for (size_t c = 0; c < r->n; ++c) {
    const bf_candidate *candidate = &r->candidates[c];
    size_t ranked = SIZE_MAX;
    for (size_t i = 0; i < result->n_ranked; ++i)
      if (result->ranked[i].candidate == c) ranked = i;
    if (!r->plan->by_outputs) {
      if (ranked != SIZE_MAX) r->members[r->n_members++] = (member){.candidate = c, .ranked = ranked};
      continue;
    }
    if (!candidate->outputs || is_excluded(candidate, options)) continue;
    if (n_items == SIZE_MAX) n_items = candidate->outputs->n_items;
    if (candidate->outputs->n_items != n_items) {
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the outputs of '%s' are of %zu items, those of others of %zu",
                       candidate->id, candidate->outputs->n_items, n_items);
    }
    r->members[r->n_members] = (member){.candidate = c, .ranked = ranked};
    r->models[r->n_members++] = bf__panel_model_of(candidate, r->similarity[c]);
  }
  return BF_OK;
}

static bf_status describe_members(reordering *r, bf_error *err) {
  r->info = bf__alloc(r->n_members, sizeof *r->info);
  if (!r->info) return bf__error_memory(err, r->n_members * sizeof *r->info);
  for (size_t m = 0; m < r->n_members; ++m)
    r->info[m] = bf__experience_model_of(&r->candidates[r->members[m].candidate]);
  return BF_OK;
}

/* Expected accuracies in place of an estimator's values. */
static bf_status ask_experience(reordering *r, const bf_panel_options *options, bf_error *err) {
  bf__question question = {r->n_members, r->info, r->panel, r->target};
  bf_status status =
      bf__ask_with_newcomers(r->experience, r->plan->learner, &question, r->models, options, &r->answer, err);
  for (size_t m = 0; m < r->n_members && status == BF_OK; ++m)
    r->values[m] = (bf_estimate_value){.applicable = true, .value = r->answer.expected[m]};
  if (status == BF_OK) r->result->trust.novel = r->answer.novel;
  return status;
}

static bool wants(const reordering *r, const char *name) {
  for (size_t e = 0; e < r->n_estimators; ++e)
    if (strcmp(r->names[e], name) == 0) return true;
  return false;
}

static bf_status estimate_all(reordering *r, const bf_search_options *options, bf_error *err) {
  bf_status status = BF_OK;
  bf_panel_options panel_options = BF_PANEL_OPTIONS_INIT;
  panel_options.seed = options->measure.seed;
  panel_options.n_threads = options->measure.n_threads;
  bool learns = r->plan->learner != BF__N_LEARNERS;
  r->values = bf__alloc(r->n_estimators * r->n_members, sizeof *r->values);
  if (!r->values) return bf__error_memory(err, r->n_estimators * r->n_members * sizeof *r->values);
  BF_TRY(describe_members(r, err));
  if (wants(r, "aline") && r->experience) {
    BF_TRY(bf__shared_sample_of(r->experience, r->info, r->n_members, &r->shared, err));
    panel_options.shared_agreement = r->shared.agreement;
    panel_options.shared_accuracy = r->shared.accuracy;
    panel_options.shared_items = r->shared.n_items;
  }
  if (r->plan->by_outputs)
    BF_TRY(bf_panel_create(r->models, r->n_members, r->candidates[r->members[0].candidate].outputs->n_items,
                           &panel_options, &r->panel, err));
  if (learns) BF_TRY(ask_experience(r, &panel_options, err));
  for (size_t e = learns ? 1 : 0; e < r->n_estimators; ++e)
    BF_TRY(bf_estimate(r->panel, r->names[e], &r->values[e * r->n_members], err));
  if (r->panel && bf_panel_trust(r->panel, &r->result->consensus, NULL) != BF_OK) r->result->consensus = NAN;
out:
  return status;
}

/* ---- reasons ---- */

/* Place among the members by estimator e; 0: no answer. */
static size_t place_by(const reordering *r, size_t e, size_t m, size_t *of) {
  const bf_strategy_info *info = NULL;
  const bf_estimate_value *values = &r->values[e * r->n_members];
  if (!values[m].applicable || bf_strategy_find(r->names[e], &info, NULL) != BF_OK) return 0;
  double sign = info->direction == BF_HIGHER_IS_CLOSER ? 1.0 : -1.0;
  size_t place = 1;
  *of = 0;
  for (size_t k = 0; k < r->n_members; ++k) {
    if (!values[k].applicable) continue;
    place += sign * values[k].value > sign * values[m].value;
    ++*of;
  }
  return place;
}

static double value_of(const reordering *r, const char *name, size_t m) {
  for (size_t e = 0; e < r->n_estimators; ++e) {
    const bf_estimate_value *value = &r->values[e * r->n_members + m];
    if (strcmp(r->names[e], name) == 0) return value->applicable ? value->value : NAN;
  }
  return NAN;
}

/* "by what the models say: 1 of 18 by similarity-agreement (0.93), 2 by pair-agreement, 5 by confidence" */
static const char *say_standing(const reordering *r, size_t m) {
  char text[400] = "";
  size_t used = 0;
  for (size_t e = 0; e < r->n_estimators && e < 6 && used < sizeof text - 80; ++e) {
    size_t of = 0, place = place_by(r, e, m, &of);
    if (place == 0) continue;
    if (e == 0) {
      used += (size_t)snprintf(text + used, sizeof text - used, "place %zu of %zu by %s (%.3g)", place, of, r->names[e],
                               r->values[m].value);
    } else {
      used += (size_t)snprintf(text + used, sizeof text - used, ", %zu by %s", place, r->names[e]);
    }
  }
  return bf__result_text(r->result, "%s", text);
}

/* "expected to be right on 87.1 % of these rows, in 9 of 10 cases on 80 to 94 %; learnt from 342 pairs …" */
static const char *say_expected(const reordering *r, size_t m) {
  if (!r->answer.expected) return "";
  double points = 100.0 * r->answer.leaning[m];
  char leaning[100] = "";
  if (fabs(points) >= 0.05)
    snprintf(leaning, sizeof leaning, "; agreement among the models %s it by %.1f points",
             points > 0.0 ? "raises" : "lowers", fabs(points));
  double expected = r->answer.expected[m], half = r->answer.half_width;
  bf_metric metric = bf_experience_metric(r->experience);
  if (metric != BF_METRIC_ACCURACY)
    return bf__result_text(r->result,
                           "expected %s on these rows %.3f, in 9 of 10 cases %.2f to %.2f; learnt from %zu pairs of a "
                           "model and one of %zu labelled domains%s",
                           bf_metric_name(metric), expected, fmax(expected - half, 0.0), fmin(expected + half, 1.0),
                           bf_experience_pair_count(r->experience), bf_experience_domain_count(r->experience), leaning);
  return bf__result_text(r->result,
                         "expected to be right on %.1f %% of these rows, in 9 of 10 cases on %.0f to %.0f %%; learnt "
                         "from %zu pairs of a model and one of %zu labelled domains%s",
                         100.0 * expected, 100.0 * fmax(expected - half, 0.0), 100.0 * fmin(expected + half, 1.0),
                         bf_experience_pair_count(r->experience), bf_experience_domain_count(r->experience), leaning);
}

static const char *say_agreement(const reordering *r, size_t m) {
  double mean = value_of(r, "pair-agreement", m);
  double weighted = value_of(r, "similarity-agreement", m);
  if (isnan(mean) || isnan(weighted)) return "";
  return bf__result_text(r->result,
                         "gives the same answer as another model on %.0f %% of rows, and %.0f %% where models "
                         "near to the target count more",
                         100.0 * mean, 100.0 * weighted);
}

static const char *say_confidence(const reordering *r, size_t m) {
  double here = value_of(r, "confidence", m);
  if (isnan(here)) return "";
  const bf_calibration *calibration = r->models[m].calibration;
  if (!calibration) return bf__result_text(r->result, "its mean confidence here is %.2f", here);
  return bf__result_text(r->result,
                         "its mean confidence here is %.2f; on its own validation rows it was %.2f and right "
                         "on %.2f",
                         here, calibration->mean_confidence, calibration->accuracy);
}

/* "on the labelled domains nearest to these data it was right on 0.71 (torso2), 0.64 (torso3), 0.60 (left_arm2)" */
static const char *say_record(const reordering *r, size_t m) {
  char text[400] = "";
  size_t used = 0, said = 0;
  double last = -INFINITY;
  uint32_t model = r->answer.expected ? bf__experience_model_number(r->experience, &r->info[m]) : BF__NOBODY;
  while (model != BF__NOBODY && said < 3) {
    const bf__labelled *nearest = NULL;
    const bf__record *record = NULL;
    double least = INFINITY;
    for (size_t v = 0; v < r->experience->n_domains; ++v) {
      const bf__labelled *d = &r->experience->domains[v];
      double distance = r->answer.distance[v];
      for (size_t k = 0; k < d->n_records && distance > last && distance < least; ++k) {
        bool own = r->experience->groups[model] == d->group;
        if (own || d->records[k].model != model || isnan(d->records[k].value)) continue;
        least = distance;
        nearest = d;
        record = &d->records[k];
      }
    }
    if (!nearest || used > sizeof text - 120) break;
    const char *name = r->experience->models[nearest->model].domain;
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%.2f (%.60s)", said++ ? ", " : "", record->value,
                             name ? name : r->experience->models[nearest->model].id);
    last = least;
  }
  if (said == 0) return "";
  bf_metric metric = bf_experience_metric(r->experience);
  return bf__result_text(r->result, "on the labelled domain%s nearest to these data its %s was %s", said > 1 ? "s" : "",
                         bf_metric_name(metric), text);
}

static bf_status write_reasons(reordering *r, size_t m, bf_ranked *out, bf_error *err) {
  const bf_ranked *old = r->members[m].ranked == SIZE_MAX ? NULL : &r->old_ranked[r->members[m].ranked];
  size_t n_old = old ? old->n_reasons : 0, n = 0;
  const char **reasons = bf__result_block(r->result, n_old + MAX_REASONS, sizeof *reasons);
  if (!reasons) return bf__error_memory(err, (n_old + MAX_REASONS) * sizeof *reasons);
  const char *said[MAX_REASONS] = {say_expected(r, m), say_record(r, m), say_standing(r, m), say_agreement(r, m),
                                   say_confidence(r, m)};
  for (size_t i = 0; i < MAX_REASONS; ++i) {
    if (!said[i]) return bf__error_memory(err, 512);
    if (said[i][0]) reasons[n++] = said[i];
  }
  for (size_t i = 0; i < n_old; ++i) reasons[n++] = old->reasons[i];
  out->reasons = reasons;
  out->n_reasons = n;
  return BF_OK;
}

/* ---- the result anew ---- */

static int compare_members(const void *a, const void *b, void *context) {
  const reordering *r = context;
  const member *x = &r->members[*(const size_t *)a], *y = &r->members[*(const size_t *)b];
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  const bf_candidate *c = &r->candidates[x->candidate], *d = &r->candidates[y->candidate];
  int order = strcmp(c->id, d->id);
  if (order != 0) return order;
  return c->version < d->version ? -1 : c->version > d->version;
}

/* The asked estimator, then the similarity, the other estimators, the measures of the data. */
static bf_status write_measures(reordering *r, size_t m, bf_ranked *out, bf_error *err) {
  const bf_ranked *old = r->members[m].ranked == SIZE_MAX ? NULL : &r->old_ranked[r->members[m].ranked];
  const bf_ranked *any = r->n_old ? &r->old_ranked[0] : NULL; /* all have the same measures */
  size_t n_data = any ? any->n_measures : 0, n = r->n_estimators + 1 + n_data;
  const char **names = bf__result_block(r->result, n, sizeof *names);
  double *values = bf__result_block(r->result, n, sizeof *values);
  if (!names || !values) return bf__error_memory(err, n * sizeof *values);
  size_t at = 0;
  for (size_t e = 0; e < r->n_estimators; ++e) {
    const bf_estimate_value *value = &r->values[e * r->n_members + m];
    names[at] = r->names[e];
    values[at++] = value->applicable ? value->value : NAN;
    if (e > 0) continue;
    names[at] = "similarity";
    values[at++] = r->similarity[r->members[m].candidate];
  }
  for (size_t i = 0; i < n_data; ++i) {
    names[at] = any->measure_names[i];
    values[at++] = old ? old->measure_values[i] : NAN;
  }
  out->measure_names = names;
  out->measure_values = values;
  out->n_measures = n;
  return BF_OK;
}

static bf_status write_ranked(reordering *r, const size_t *order, size_t n, bf_error *err) {
  bf_search_result *result = r->result;
  for (size_t i = 0; i < n; ++i) {
    const member *m = &r->members[order[i]];
    const bf_candidate *c = &r->candidates[m->candidate];
    bf_ranked *out = &result->ranked[i];
    *out = (bf_ranked){.rank = (uint32_t)(i + 1),
                       .id = c->id,
                       .version = c->version,
                       .domain = c->domain,
                       .source_accuracy = c->source_accuracy,
                       .score = m->score,
                       .expected_accuracy = NAN,
                       .source_value = c->source_accuracy,
                       .interval_low = NAN,
                       .interval_high = NAN,
                       .candidate = m->candidate};
    if (r->answer.expected) {
      out->expected_accuracy = r->answer.expected[order[i]];
      out->source_value = bf__source_value(r->experience, &r->info[order[i]]);
      out->interval_low = fmax(out->expected_accuracy - r->answer.half_width, 0.0);
      out->interval_high = fmin(out->expected_accuracy + r->answer.half_width, 1.0);
    }
    result->sketches[i] = m->ranked == SIZE_MAX ? NULL : c->sketch;
    bf_status status = write_measures(r, order[i], out, err);
    if (status == BF_OK) status = write_reasons(r, order[i], out, err);
    if (status != BF_OK) return status;
  }
  result->n_ranked = n;
  return BF_OK;
}

/* Everything that has no place: why not, the first that holds of the estimator's, the run's and the data's reason. */
static void write_skipped(reordering *r, const bool *placed, const char **why) {
  bf_search_result *result = r->result;
  for (size_t s = 0; s < result->n_skipped; ++s) {
    for (size_t c = 0; c < r->n; ++c) { /* the reasons of the data */
      bool same = r->candidates[c].version == result->skipped[s].version &&
                  strcmp(r->candidates[c].id, result->skipped[s].id) == 0;
      if (same && !why[c]) why[c] = result->skipped[s].why;
    }
  }
  result->n_skipped = 0;
  for (size_t c = 0; c < r->n; ++c) {
    if (placed[c]) continue;
    if (!why[c]) why[c] = "it was not run";
    result->skipped[result->n_skipped++] =
        (bf_skipped){r->candidates[c].id, r->candidates[c].version, why[c], r->similarity[c]};
  }
}

/* What was learnt from data alone orders worse than similarity where the target lies outside of the experience
 * (docs/decisions/0006); a model without similarity goes last there. */
static double score_of(const reordering *r, size_t m, double sign) {
  if (r->plan->learner == BF__N_LEARNERS) return sign * r->values[m].value + 0.0; /* no -0 */
  if (r->plan->by_outputs || !r->answer.novel) return r->answer.order[m];
  double least = 0.0, known = r->similarity[r->members[m].candidate];
  for (size_t c = 0; c < r->n; ++c) least = fmin(least, r->similarity[c]); /* skips NaN */
  return isnan(known) ? least - 1.0 : known + 0.0;
}

static bf_status write_agreement(reordering *r, const size_t *order, size_t n, bf_error *err) {
  const double *agreement = NULL;
  double *out = bf__result_block(r->result, n * n, sizeof *out);
  bf_status status = out ? bf__panel_agreement(r->panel, &agreement, err) : bf__error_memory(err, n * n * sizeof *out);
  for (size_t i = 0; status == BF_OK && i < n; ++i)
    for (size_t j = 0; j < n; ++j) out[i * n + j] = agreement[order[i] * r->n_members + order[j]];
  r->result->agreement = out;
  return status;
}

/* The vote of all, beside the first place. */
static bf_status write_ensemble(reordering *r, bf_error *err) {
  bf_status status = BF_OK;
  const bf_panel *panel = r->panel;
  double best = 0.0;
  const char **classes = bf__result_block(r->result, panel->n_classes, sizeof *classes);
  int32_t *votes = bf__result_block(r->result, panel->n_items, sizeof *votes);
  uint16_t *own = bf__alloc(panel->n_items, sizeof *own);
  if (!classes || !votes || !own) BF_TRY(bf__error_memory(err, panel->n_items * sizeof *votes));
  BF_TRY(bf__ensemble_votes(panel, r->answer.expected, r->n_members, own, err));
  for (size_t i = 0; i < panel->n_items; ++i) votes[i] = own[i] == BF__NO_VOTE ? -1 : (int32_t)own[i];
  for (size_t c = 0; c < panel->n_classes; ++c)
    if (!(classes[c] = bf__result_text(r->result, "%s", panel->classes[c]))) BF_TRY(bf__error_memory(err, 512));
  for (size_t m = 0; m < r->n_members; ++m) best = fmax(best, r->answer.expected[m]);
  r->result->ensemble = (bf_ensemble){.n_items = panel->n_items,
                                      .n_classes = panel->n_classes,
                                      .classes = classes,
                                      .votes = votes,
                                      .n_members = r->n_members,
                                      .expected_accuracy = fmin(best + r->experience->ensemble_gain, 1.0),
                                      .gain = r->experience->ensemble_gain,
                                      .gain_low = r->experience->ensemble_gain_low,
                                      .recommended = r->experience->ensemble_gain_low > 0.0};
out:
  free(own);
  return status;
}

static bf_status rewrite(reordering *r, const bf_strategy_info *info, bf_error *err) {
  bf_status status = BF_OK;
  double sign = info->direction == BF_HIGHER_IS_CLOSER ? 1.0 : -1.0;
  size_t n = 0;
  size_t *order = bf__alloc(r->n_members, sizeof *order);
  bool *placed = bf__alloc(r->n, sizeof *placed);
  const char **why = bf__alloc(r->n, sizeof *why);
  if (!order || !placed || !why) {
    status = bf__error_memory(err, r->n * sizeof *why);
    goto out;
  }
  for (size_t c = 0; c < r->n && r->plan->by_outputs; ++c) why[c] = r->candidates[c].not_run;
  for (size_t m = 0; m < r->n_members; ++m) {
    size_t c = r->members[m].candidate;
    r->members[m].score = score_of(r, m, sign);
    if (r->values[m].applicable) {
      order[n++] = m;
      placed[c] = true;
    } else if (!(why[c] = bf__result_text(r->result, "%s: %s", info->name, r->values[m].why))) {
      status = bf__error_memory(err, 512);
      goto out;
    }
  }
  qsort_r(order, n, sizeof *order, compare_members, r);
  write_skipped(r, placed, why);
  BF_TRY(write_ranked(r, order, n, err));
  if (r->panel) BF_TRY(write_agreement(r, order, n, err));
  if (r->panel && r->plan->learner == BF__STAGE_2 && r->experience->has_ensemble) BF_TRY(write_ensemble(r, err));
out:
  free(order);
  free(placed);
  free(why);
  return status;
}

static bf_status warn_of_consensus(const reordering *r, bf_error *err) {
  if (!(r->result->consensus < BF__TRUSTED)) return BF_OK;
  return bf__result_warn(r->result,
                         bf__result_text(r->result,
                                         "two ways of weighing the models' votes disagree (Spearman %.2f between the "
                                         "orders by majority and by Dawid-Skene): most models may be wrong here",
                                         r->result->consensus),
                         err);
}

/* The order by data stays readable while the result is written over. */
static bf_status set_aside(reordering *r, bf_error *err) {
  r->n_old = r->result->n_ranked;
  r->old_ranked = bf__alloc(r->n_old, sizeof *r->old_ranked);
  if (!r->old_ranked) return bf__error_memory(err, r->n_old * sizeof *r->old_ranked);
  if (r->n_old) memcpy(r->old_ranked, r->result->ranked, r->n_old * sizeof *r->old_ranked);
  return BF_OK;
}

bf_status bf__rank_again(bf_search_result *result, const bf_candidate *candidates, size_t n_candidates,
                         const bf_sketch *target, const bf__plan *plan, const bf_search_options *options,
                         bf_error *err) {
  bf_status status = BF_OK;
  reordering r = {.result = result,
                  .plan = plan,
                  .target = target,
                  .experience = options->experience,
                  .candidates = candidates,
                  .n = n_candidates};
  choose_estimators(&r, plan->info, options->all_estimators);
  BF_TRY(set_aside(&r, err));
  BF_TRY(gather(&r, options, err));
  if (r.n_members == 0 && !plan->by_outputs) goto out; /* the order by data is empty, and stays so */
  if (r.n_members == 0) {
    status = bf__error(err, BF_ERR_UNSUPPORTED, "%s needs the models' outputs on the target, and there are none",
                       plan->info->name);
    goto out;
  }
  BF_TRY(estimate_all(&r, options, err));
  BF_TRY(rewrite(&r, plan->info, err));
  BF_TRY(warn_of_consensus(&r, err));
  result->strategy = plan->info->name;
  result->with_outputs = plan->by_outputs;
out:
  bf__answer_deinit(&r.answer);
  bf__shared_sample_deinit(&r.shared);
  bf_panel_free(r.panel);
  free(r.members);
  free(r.models);
  free(r.info);
  free(r.similarity);
  free(r.values);
  free(r.old_ranked);
  return status;
}
