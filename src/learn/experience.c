/* The experience in memory: whose rows are labelled, what every model said of them, in classes of their own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/learn_internal.h"

#define MOST_SAMPLED 100u

static void labelled_deinit(bf__labelled *d) {
  for (size_t r = 0; r < d->n_records; ++r) {
    if (d->records) free(d->records[r].votes);
    if (d->sampled) bf_outputs_deinit(&d->sampled[r]);
    if (d->sampled_truth) free(d->sampled_truth[r]);
  }
  bf_panel_free(d->panel);
  free(d->records);
  free(d->sampled);
  free(d->sampled_truth);
  free(d->truth);
  free(d->members);
}

void bf_experience_free(bf_experience *e) {
  if (!e) return;
  for (size_t d = 0; e->domains && d < e->n_domains; ++d) labelled_deinit(&e->domains[d]);
  for (size_t f = 0; f < BF__N_LEARNERS; ++f) {
    bf__kriging_free(e->fits[f].kriging);
    free(e->fits[f].left_out);
  }
  bf__kriging_free(e->belief.kriging);
  free(e->belief.left_out);
  bf__closeness_deinit(&e->closeness);
  free(e->models);
  free(e->groups);
  free(e->domains);
  free(e->domain_groups);
  free(e->value);
  free(e->measures);
  free(e->distances);
  free((void *)e->classes);
  free(e->class_text);
  free(e->pair_models);
  free(e->pair_domains);
  free(e->accuracy);
  free(e->data_features);
  free(e->base);
  free(e->all);
  free(e);
}

size_t bf_experience_domain_count(const bf_experience *e) {
  return e ? e->n_domains : 0;
}

size_t bf_experience_pair_count(const bf_experience *e) {
  return e ? e->n_pairs : 0;
}

size_t bf__sampled_rows(size_t n_rows) {
  return n_rows < MOST_SAMPLED ? n_rows : 0;
}

/* ---- models ---- */

static const char *domain_of(const bf_experience_model *model) {
  return model->domain ? model->domain : model->id;
}

bf_status bf__experience_begin(bf_experience *e, const bf_experience_model *models, size_t n,
                               const bf_experience_options *options, size_t *place, bf_error *err) {
  const char *exclude = options->exclude_domain;
  bf_measure_options measure = bf__measure_options(&options->measure);
  e->seed = measure.seed;
  e->n_threads = measure.n_threads;
  e->n_rows = bf__sampled_rows(options->n_rows);
  e->metric = options->metric;
  e->models = bf__alloc(n, sizeof *e->models);
  e->groups = bf__alloc(n, sizeof *e->groups);
  if (!e->models || !e->groups) return bf__error_memory(err, n * sizeof *e->models);
  for (size_t i = 0; i < n; ++i) {
    place[i] = SIZE_MAX;
    if (exclude && strcmp(domain_of(&models[i]), exclude) == 0) continue;
    place[i] = e->n_models;
    e->models[e->n_models] = models[i];
    e->groups[e->n_models] = (uint32_t)e->n_models;
    for (size_t k = 0; k < e->n_models; ++k) {
      if (strcmp(domain_of(&e->models[k]), domain_of(&models[i])) != 0) continue;
      e->groups[e->n_models] = e->groups[k];
      break;
    }
    ++e->n_models;
  }
  return BF_OK;
}

/* ---- classes ---- */

static int compare_strings(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bf_status collect_classes(bf_experience *e, const bf_experience_record *records, size_t n, const size_t *place,
                                 bf_error *err) {
  size_t room = 0, k = 0;
  for (size_t r = 0; r < n; ++r) room += place[records[r].model] != SIZE_MAX ? records[r].outputs->n_classes : 0;
  e->classes = bf__alloc(room, sizeof *e->classes);
  if (!e->classes) return bf__error_memory(err, room * sizeof *e->classes);
  for (size_t r = 0; r < n; ++r)
    for (size_t c = 0; place[records[r].model] != SIZE_MAX && c < records[r].outputs->n_classes; ++c)
      e->classes[k++] = records[r].classes[c];
  qsort(e->classes, k, sizeof *e->classes, compare_strings);
  for (size_t i = 0; i < k; ++i)
    if (i == 0 || strcmp(e->classes[i], e->classes[e->n_classes - 1]) != 0) e->classes[e->n_classes++] = e->classes[i];
  if (e->n_classes >= BF__NO_CLASS)
    return bf__error(err, BF_ERR_LIMIT, "the experience has %zu classes; %u can be learnt from", e->n_classes,
                     BF__NO_CLASS - 1u);
  return BF_OK;
}

static bf_status number_classes(const bf_experience *e, const bf_experience_record *record, uint16_t *out,
                                bf_error *err) {
  for (size_t c = 0; c < record->outputs->n_classes; ++c) {
    const char **found = bsearch(&record->classes[c], e->classes, e->n_classes, sizeof *e->classes, compare_strings);
    if (!found) return bf__error(err, BF_ERR_INTERNAL, "a class of the experience was lost");
    out[c] = (uint16_t)(found - e->classes);
  }
  return BF_OK;
}

/* ---- records ---- */

/* Votes, truth and accuracy of one record on the chosen items. */
static bf_status read_record(const bf_experience *e, bf__labelled *d, const bf_experience_record *given,
                             const size_t *items, bf__record *out, bf_error *err) {
  const bf_outputs *o = given->outputs;
  size_t n_right = 0, n_judged = 0, positive = e->positive == BF__NO_CLASS ? SIZE_MAX : e->positive;
  bf__class_counts *counts = bf__alloc(e->n_classes, sizeof *counts);
  uint16_t *numbers = bf__alloc(o->n_classes, sizeof *numbers);
  out->votes = bf__alloc(d->n_items, sizeof *out->votes);
  bf_status status = numbers && counts && out->votes ? BF_OK : bf__error_memory(err, d->n_items * sizeof *out->votes);
  if (status == BF_OK) status = number_classes(e, given, numbers, err);
  for (size_t i = 0; status == BF_OK && i < d->n_items; ++i) {
    const float *scores = o->scores + items[i] * o->n_classes;
    int32_t truth = given->truth[items[i]];
    bool answered = bf__scores_answer(scores, o->n_classes, o->are_logits);
    size_t vote = answered ? bf__largest_score(scores, o->n_classes) : 0;
    out->votes[i] = answered ? numbers[vote] : BF__NO_CLASS;
    if (truth >= 0 && (size_t)truth < o->n_classes) d->truth[i] = numbers[truth];
    n_judged += answered && truth != -1;
    n_right += answered && truth >= 0 && (size_t)truth == vote;
    if (!answered || truth == -1) continue;
    counts[numbers[vote]].votes++;
    if (truth >= 0 && (size_t)truth < o->n_classes) counts[numbers[truth]].truths++;
    if (truth >= 0 && (size_t)truth == vote) counts[numbers[vote]].hits++;
  }
  out->accuracy = n_judged ? (double)n_right / (double)n_judged : NAN;
  out->value = e->metric == BF_METRIC_ACCURACY || n_judged == 0 || status != BF_OK
                   ? out->accuracy
                   : bf__f1_of_counts(counts, e->n_classes, positive);
  free(counts);
  free(numbers);
  return status;
}

static bf_status sample_outputs(bf__labelled *d, size_t r, const bf_experience_record *given, const size_t *items,
                                bf_error *err) {
  const bf_outputs *o = given->outputs;
  bf_outputs *to = &d->sampled[r];
  *to = (bf_outputs){
      .n_items = d->n_items, .n_classes = o->n_classes, .capacity = d->n_items, .are_logits = o->are_logits};
  to->scores = bf__alloc(d->n_items * o->n_classes, sizeof *to->scores);
  if (!to->scores) return bf__error_memory(err, d->n_items * o->n_classes * sizeof *to->scores);
  for (size_t i = 0; i < d->n_items; ++i)
    memcpy(to->scores + i * o->n_classes, o->scores + items[i] * o->n_classes, o->n_classes * sizeof *to->scores);
  return BF_OK;
}

/* A panel of the models of other domains. */
static bf_status make_panel(const bf_experience *e, bf__labelled *d, const bf_experience_record *const *given,
                            bf_error *err) {
  bf_status status = BF_OK;
  bf_panel_options options = BF_PANEL_OPTIONS_INIT;
  options.seed = e->seed;
  options.n_threads = 1; /* threads go over domains */
  d->members = bf__alloc(d->n_records, sizeof *d->members);
  bf_panel_model *models = bf__alloc(d->n_records, sizeof *models);
  if (!d->members || !models) BF_TRY(bf__error_memory(err, d->n_records * sizeof *models));
  for (size_t r = 0; r < d->n_records; ++r) {
    uint32_t m = d->records[r].model;
    const bf_outputs *o = d->sampled ? &d->sampled[r] : given[r]->outputs;
    if (e->groups[m] == d->group || isnan(d->records[r].accuracy)) continue;
    models[d->n_members] = (bf_panel_model){.id = e->models[m].id,
                                            .classes = given[r]->classes,
                                            .n_classes = o->n_classes,
                                            .scores = o->scores,
                                            .are_logits = o->are_logits,
                                            .calibration = e->models[m].calibration,
                                            .source_accuracy = e->models[m].source_accuracy,
                                            .similarity = NAN}; /* known later */
    d->members[d->n_members++] = r;
  }
  if (d->n_members > 0) BF_TRY(bf_panel_create(models, d->n_members, d->n_items, &options, &d->panel, err));
out:
  free(models);
  return status;
}

/* All records of one model's validation rows. */
static bf_status read_domain(bf_experience *e, uint32_t model, const bf_experience_record *const *given,
                             const uint32_t *models, size_t n, bf_error *err) {
  bf_status status = BF_OK;
  bf__labelled *d = &e->domains[e->n_domains++];
  size_t n_items = given[0]->outputs->n_items, *items = NULL;
  *d = (bf__labelled){.model = model, .group = e->groups[model]};
  d->n_items = e->n_rows && e->n_rows < n_items ? e->n_rows : n_items;
  d->records = bf__alloc(n, sizeof *d->records);
  d->truth = bf__alloc(d->n_items, sizeof *d->truth);
  items = bf__alloc(d->n_items, sizeof *items);
  if (d->n_items < n_items) d->sampled = bf__alloc(n, sizeof *d->sampled);
  if (!d->records || !d->truth || !items || (d->n_items < n_items && !d->sampled))
    BF_TRY(bf__error_memory(err, n * sizeof *d->records));
  for (size_t i = 0; i < d->n_items; ++i) d->truth[i] = BF__NO_CLASS;
  /* the same rows for all records of a domain */
  BF_TRY(bf__sample_items(e->seed ^ 0x5eed, n_items, d->n_items, items, err));
  d->n_records = n;
  for (size_t r = 0; r < n; ++r) {
    d->records[r].model = models[r];
    BF_TRY(read_record(e, d, given[r], items, &d->records[r], err));
    if (d->sampled) BF_TRY(sample_outputs(d, r, given[r], items, err));
  }
  for (size_t i = 0; i < d->n_items; ++i) d->n_labelled += given[0]->truth[items[i]] != -1;
  if (d->n_labelled == 0) d->n_labelled = 1;
  BF_TRY(make_panel(e, d, given, err));
out:
  free(items);
  return status;
}

/* A domain whose rows no model of another domain was run on teaches nothing. */
static void drop_last_if_empty(bf_experience *e) {
  if (e->domains[e->n_domains - 1].n_members > 0) return;
  labelled_deinit(&e->domains[--e->n_domains]);
}

static bool is_usable(const bf_experience_record *r, size_t n_items) {
  return r->outputs && r->truth && r->classes && r->outputs->n_items == n_items && n_items > 0;
}

static bf_status read_domains(bf_experience *e, const bf_experience_record *records, size_t n, const size_t *place,
                              size_t n_given, bf_error *err) {
  bf_status status = BF_OK;
  const bf_experience_record **chosen = bf__alloc(n, sizeof *chosen);
  uint32_t *models = bf__alloc(n, sizeof *models);
  e->domains = bf__alloc(n_given, sizeof *e->domains);
  if (!chosen || !models || !e->domains) BF_TRY(bf__error_memory(err, n * sizeof *chosen));
  for (size_t domain = 0; domain < n_given; ++domain) {
    size_t k = 0;
    if (place[domain] == SIZE_MAX) continue;
    for (size_t r = 0; r < n; ++r) {
      if (records[r].domain != domain || place[records[r].model] == SIZE_MAX) continue;
      if (!is_usable(&records[r], k                    ? chosen[0]->outputs->n_items
                                  : records[r].outputs ? records[r].outputs->n_items
                                                       : 0))
        continue;
      models[k] = (uint32_t)place[records[r].model];
      chosen[k++] = &records[r];
    }
    if (k == 0) continue;
    BF_TRY(read_domain(e, (uint32_t)place[domain], chosen, models, k, err));
    drop_last_if_empty(e);
  }
out:
  free(chosen);
  free(models);
  return status;
}

/* ---- nearness ---- */

bf_status bf__experience_frame(bf_experience *e, const bf_experience_options *options, bf_error *err) {
  bf_measure_options measure = bf__measure_options(&options->measure);
  const bf_sketch **sketches = bf__alloc(e->n_models, sizeof *sketches);
  if (!sketches) return bf__error_memory(err, e->n_models * sizeof *sketches);
  for (size_t i = 0; i < e->n_models; ++i) sketches[i] = e->models[i].sketch;
  bf_status status = bf__closeness_init(&e->closeness, sketches, e->n_models, &measure, err);
  free(sketches);
  if (status != BF_OK) return status;
  if (e->closeness.frame) e->kind = e->closeness.frame->reference->kind;
  e->n_data = bf__n_data_features(e);
  e->n_base = bf__n_base_features(e);
  e->n_posteriors = BF__N_POSTERIORS + (e->metric == BF_METRIC_ACCURACY ? 0 : BF__N_F1_POSTERIORS);
  e->n_all = e->n_base + e->n_posteriors;
  return BF_OK;
}

static bf_status measure_domains(bf_experience *e, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = e->n_domains, m = e->n_models;
  size_t *sources = bf__alloc(m, sizeof *sources);
  double *between = bf__alloc(n * n, BF__N_CLOSENESS * sizeof *between);
  e->measures = bf__alloc(n * m, BF__N_CLOSENESS * sizeof *e->measures);
  e->distances = bf__alloc(n * n, sizeof *e->distances);
  e->domain_groups = bf__alloc(n, sizeof *e->domain_groups);
  if (!sources || !between || !e->measures || !e->distances || !e->domain_groups)
    BF_TRY(bf__error_memory(err, n * m * BF__N_CLOSENESS * sizeof *between));
  for (size_t i = 0; i < m; ++i) sources[i] = i;
  for (size_t v = 0; v < n; ++v) {
    double *to = e->measures + v * m * BF__N_CLOSENESS;
    e->domain_groups[v] = e->domains[v].group;
    BF_TRY(bf__closeness_measure(&e->closeness, sources, NULL, m, e->models[e->domains[v].model].sketch, to, err));
    for (size_t u = 0; u < n; ++u)
      memcpy(between + (u * n + v) * BF__N_CLOSENESS, to + e->domains[u].model * BF__N_CLOSENESS,
             BF__N_CLOSENESS * sizeof *to);
  }
  BF_TRY(bf__distances(between, n, &e->scale, e->distances, err));
out:
  free(sources);
  free(between);
  return status;
}

bf_status bf_experience_create(const bf_experience_model *models, size_t n_models, const bf_experience_record *records,
                               size_t n_records, const bf_experience_options *given, bf_experience **out,
                               bf_error *err) {
  static const bf_experience_options defaults = BF_EXPERIENCE_OPTIONS_INIT;
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the experience");
  *out = NULL;
  bf_experience_options options = given ? *given : defaults;
  for (size_t r = 0; r < n_records; ++r) {
    if (records[r].model >= n_models || records[r].domain >= n_models || !records[r].outputs)
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "record %zu is of a model that is not there", r);
  }
  bf_status status = BF_OK;
  size_t *place = bf__alloc(n_models, sizeof *place);
  bf_experience *e = bf__alloc(1, sizeof *e);
  if (!e || !place) BF_TRY(bf__error_memory(err, n_models * sizeof *place));
  BF_TRY(bf__experience_begin(e, models, n_models, &options, place, err));
  BF_TRY(collect_classes(e, records, n_records, place, err));
  BF_TRY(bf__set_metric(e, options.metric, options.positive, err));
  BF_TRY(read_domains(e, records, n_records, place, n_models, err));
  BF_TRY(bf__experience_frame(e, &options, err));
  BF_TRY(measure_domains(e, err));
  BF_TRY(bf__learn_pairs(e, err));
  *out = e;
  e = NULL;
out:
  free(place);
  bf_experience_free(e);
  return status;
}
