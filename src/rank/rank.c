/* Ranking: group candidates by equal columns, measure each group in its own frame, z-score, merge.
 *
 * A model is measured on its own columns. Candidates with equal columns share a frame. `similarity` is the z-score of
 * the sum of several z-scored measures (which ones, the table of strategies says by kind of data), each signed so that
 * higher is better; a candidate for which a measure has no answer gets the worst z of its group, lest a lack of data
 * pass for an average. z-scores (population deviation) are formed inside a group and groups merge by z, which a warning
 * says: a group of one scores 0 whatever its distance. A single named measure scores its signed value in all groups, so
 * that the order is that of the values shown.
 *
 * Candidates are prepared, measured and freed one by one (threads over candidates), so memory does not grow with their
 * number beyond their sketches.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"
#include "estimate/estimate_internal.h"
#include "measure/measure_internal.h"
#include "rank/rank_internal.h"

#define MAX_MEASURES 32u
#define EQUAL 1e-9

/* One candidate on its way. */
typedef struct entry {
  size_t candidate; /* number in the candidates given */
  uint64_t key;     /* equal columns, equal key */
  size_t group;
  bool out;         /* skipped */
  bf_status failed; /* of a worker: not for lack of an answer */
  double values[MAX_MEASURES];
  double score;
  char why[240]; /* why the asked measure has no answer, or why it is skipped */
} entry;

typedef struct ranking {
  bf_search_result *result;
  const bf_candidate *candidates;
  size_t n;
  entry *entries;
  const bf_sketch *target;
  bf_search_options options;
  const bf__strategy *strategy;
  const bf__strategy *measures[MAX_MEASURES];
  size_t n_similarity; /* the first so many make up `similarity` */
  size_t n_measures;
  unsigned parts; /* that the measures read */
  size_t asked;   /* number of the asked measure among them; SIZE_MAX: composite or baseline */
  size_t n_groups;
} ranking;

/* --- grouping -------------------------------------------------------------------------------------------------------
 */

static int compare_names(const void *a, const void *b) {
  return strcmp((const char *)a, (const char *)b);
}

/* Equal for candidates with equal columns. Names in any order, unless the target is matched by position. */
static bf_status column_key(const bf_sketch *sketch, bool any_order, uint64_t *out, bf_error *err) {
  uint64_t parts[4] = {(uint64_t)sketch->kind, sketch->n_columns,
                       sketch->projected ? 1
                       : sketch->named   ? 2
                                         : 0,
                       sketch->projected ? sketch->column_list_hash : 0};
  uint64_t key = bf__xxh64(parts, sizeof parts, 0);
  if (sketch->named && !sketch->projected) {
    char(*names)[BF__NAME_BYTES + 1] = bf__alloc(sketch->n_columns, sizeof *names);
    if (!names) return bf__error_memory(err, sketch->n_columns * sizeof *names);
    for (uint32_t i = 0; i < sketch->n_columns; ++i) {
      memcpy(names[i], sketch->columns[i].name, strnlen(sketch->columns[i].name, BF__NAME_BYTES));
    }
    if (any_order) qsort(names, sketch->n_columns, sizeof *names, compare_names);
    key = bf__xxh64(names, sketch->n_columns * sizeof *names, key);
    free(names);
  }
  *out = key;
  return BF_OK;
}

static void skip(entry *e, const char *why) {
  e->out = true;
  snprintf(e->why, sizeof e->why, "%s", why);
}

/* source-accuracy and random look at no data. */
static bool is_baseline(const ranking *r) {
  return strcmp(r->strategy->info.family, "baseline") == 0;
}

static bf_status admit(ranking *r, entry *e, bf_error *err) {
  const bf_candidate *c = &r->candidates[e->candidate];
  const char *exclude = r->options.exclude_domain;
  if (exclude && c->domain && strcmp(exclude, c->domain) == 0) {
    e->out = true;
    snprintf(e->why, sizeof e->why, "its domain '%s' is excluded", exclude);
    return BF_OK;
  }
  if (strcmp(r->strategy->info.name, "source-accuracy") == 0 && !isfinite(c->source_accuracy)) {
    skip(e, "its accuracy on its own data is not known");
    return BF_OK;
  }
  if (!c->sketch) { /* all without one are a group (key 0) that is not measured */
    if (!is_baseline(r)) skip(e, "no sketch");
    return BF_OK;
  }
  if (c->sketch->rows == 0) {
    skip(e, "its sketch has no rows");
    return BF_OK;
  }
  bf_error cause = {0};
  uint32_t *map = bf__alloc(c->sketch->n_columns, sizeof *map);
  if (!map) return bf__error_memory(err, c->sketch->n_columns * sizeof *map);
  if (bf__columns_map(c->sketch, r->target, "the target", map, &cause) != BF_OK) skip(e, cause.message);
  free(map);
  return e->out ? BF_OK : column_key(c->sketch, r->target->named, &e->key, err);
}

static int compare_keys(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->out != y->out) return x->out ? 1 : -1;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return x->candidate < y->candidate ? -1 : x->candidate > y->candidate;
}

/* --- measuring ------------------------------------------------------------------------------------------------------
 */

typedef struct group_job {
  ranking *r;
  entry *members;
  const bf_frame *frame;
  const bf_prepared *target;
  unsigned parts;
  uint32_t n_reduced;
} group_job;

static void measure_candidate(void *context, size_t item, uint32_t worker) {
  (void)worker;
  const group_job *job = context;
  const ranking *r = job->r;
  entry *e = &job->members[item];
  bf_prepared *source = NULL;
  bf_error err = {0};
  bf_status status =
      bf__prepared_create(job->frame, r->candidates[e->candidate].sketch, job->parts, job->n_reduced, &source, &err);
  if (status == BF_ERR_MISMATCH || status == BF_ERR_NOT_APPLICABLE) {
    skip(e, err.message);
    return;
  }
  for (size_t m = 0; status == BF_OK && m < r->n_measures; ++m) {
    double value = NAN;
    status = r->measures[m]->measure(source, job->target, &value, &err);
    if (status == BF_OK) {
      e->values[m] = value;
    } else if (status == BF_ERR_NOT_APPLICABLE || status == BF_ERR_MISMATCH) {
      if (m == r->asked || e->why[0] == '\0') snprintf(e->why, sizeof e->why, "%.239s", err.message);
      status = BF_OK;
    }
  }
  e->failed = status;
  bf_prepared_free(source);
}

static bf_status warn_dropped(ranking *r, const bf_frame *frame, bf_error *err) {
  for (uint32_t i = 0; i < frame->n_dropped; ++i) {
    const char *name = frame->dropped[i];
    for (uint32_t j = 0; j < r->target->n_columns; ++j) {
      char label[BF__NAME_BYTES + 1];
      bool quoted = r->target->columns[j].name[0] != '\0'; /* else the label is "column 17" itself */
      const bf__sketch_column *column = &r->target->columns[j];
      if (strcmp(name, bf__column_label(r->target, j, label)) != 0 || !(column->min < column->max)) continue;
      bf_status status = bf__result_warn(
          r->result,
          bf__result_text(r->result,
                          "%s%s%s is constant in every model's data and varies in the target; it is left out",
                          quoted ? "column '" : "", name, quoted ? "'" : ""),
          err);
      if (status != BF_OK) return status;
    }
  }
  return BF_OK;
}

static bf_status measure_group(ranking *r, entry *members, size_t n, bf_error *err) {
  bf_status status = BF_OK;
  bf_frame *frame = NULL;
  bf_prepared *target = NULL;
  bf_error cause = {0};
  const bf_sketch **sources = bf__alloc(n, sizeof *sources);
  if (!sources) return bf__error_memory(err, n * sizeof *sources);
  for (size_t i = 0; i < n; ++i) sources[i] = r->candidates[members[i].candidate].sketch;
  group_job job = {.r = r, .members = members, .parts = r->parts};
  status = bf__frame_create(sources, n, &r->options.measure, r->parts, &frame, &cause);
  if (status == BF_OK) {
    job.n_reduced = frame->n_reduced;
    uint32_t available = r->target->n_centroids;
    if (available > 0 && available < job.n_reduced) job.n_reduced = available;
    unsigned scale = r->parts & BF__PART_SOFT ? BF__PART_SCALE : 0;
    status = bf__prepared_create(frame, r->target, job.parts | scale, job.n_reduced, &target, &cause);
  }
  if (status == BF_ERR_MISMATCH || status == BF_ERR_NOT_APPLICABLE) {
    for (size_t i = 0; i < n; ++i) skip(&members[i], cause.message);
    status = BF_OK;
    goto out;
  }
  if (status != BF_OK) {
    if (err) *err = cause;
    goto out;
  }
  job.frame = frame;
  job.target = target;
  bf__parallel_for(n, r->options.measure.n_threads, measure_candidate, &job);
  for (size_t i = 0; i < n; ++i) {
    if (members[i].failed != BF_OK) {
      status = bf__error(err, members[i].failed, "measuring '%s' failed", r->candidates[members[i].candidate].id);
      goto out;
    }
  }
  BF_TRY(warn_dropped(r, frame, err));
out:
  bf_prepared_free(target);
  bf_frame_free(frame);
  free(sources);
  return status;
}

/* --- scores ---------------------------------------------------------------------------------------------------------
 */

static double sign_of(const bf__strategy *strategy) {
  return strategy->info.direction == BF_HIGHER_IS_CLOSER ? 1.0 : -1.0;
}

/* Scores of one group; members without an answer are skipped. */
static bf_status score_group(ranking *r, entry *members, size_t n, bf_error *err) {
  const size_t step = sizeof(entry) / sizeof(double);
  _Static_assert(sizeof(entry) % sizeof(double) == 0, "entries are strided as doubles");
  double *z = bf__alloc(n, sizeof *z), *sum = bf__alloc(n, sizeof *sum);
  if (!z || !sum) {
    free(z);
    free(sum);
    return bf__error_memory(err, n * sizeof *z);
  }
  const char *name = r->strategy->info.name;
  if (is_baseline(r)) {
    for (size_t i = 0; i < n; ++i) {
      const bf_candidate *c = &r->candidates[members[i].candidate];
      uint64_t hash = bf__mix64(bf__xxh64(c->id, strlen(c->id), bf__measure_options(&r->options.measure).seed), 0);
      members[i].score = name[0] == 's' ? c->source_accuracy : (double)(hash >> 11) * 0x1p-53;
    }
  } else if (r->asked < r->n_measures) {
    for (size_t i = 0; i < n; ++i) {
      double value = members[i].values[r->asked];
      if (isnan(value)) members[i].out = true;
      members[i].score = sign_of(r->strategy) * value + 0.0; /* no -0 */
    }
  } else {
    for (size_t m = 0; m < r->n_similarity; ++m) {
      double worst = 0.0;
      bf__z_scores(&members[0].values[m], n, step, z);
      for (size_t i = 0; i < n; ++i) worst = fmin(worst, sign_of(r->measures[m]) * z[i]);
      for (size_t i = 0; i < n; ++i) {
        sum[i] += isnan(members[i].values[m]) ? worst : sign_of(r->measures[m]) * z[i];
      }
    }
    for (size_t i = 0; i < n; ++i) {
      bool any = false;
      for (size_t m = 0; m < r->n_similarity; ++m) any = any || !isnan(members[i].values[m]);
      if (!any) members[i].out = true;
    }
    bf__z_scores(sum, n, 1, z);
    for (size_t i = 0; i < n; ++i) members[i].score = z[i] + 0.0;
  }
  free(z);
  free(sum);
  return BF_OK;
}

/* --- putting it together --------------------------------------------------------------------------------------------
 */

typedef struct sortable {
  double score;
  const char *id;
  uint32_t version;
  size_t entry; /* number in ranking.entries */
} sortable;

static int compare_scores(const void *a, const void *b) {
  const sortable *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  int order = strcmp(x->id, y->id);
  if (order != 0) return order;
  return x->version < y->version ? -1 : x->version > y->version;
}

static bf_status fill_result(ranking *r, const size_t *order, size_t n, bf_error *err) {
  bf_search_result *result = r->result;
  const char **names = bf__result_block(result, MAX_MEASURES, sizeof *names);
  size_t *groups = bf__alloc(n, sizeof *groups);
  bf_status status = names && groups ? BF_OK : bf__error_memory(err, n * sizeof *groups);
  if (status != BF_OK) goto out;
  for (size_t m = 0; m < r->n_measures; ++m) names[m] = r->measures[m]->info.name;
  for (size_t i = 0; i < n; ++i) {
    const entry *e = &r->entries[order[i]];
    const bf_candidate *c = &r->candidates[e->candidate];
    double *values = bf__result_block(result, MAX_MEASURES, sizeof *values);
    if (!values) {
      status = bf__error_memory(err, MAX_MEASURES * sizeof *values);
      goto out;
    }
    memcpy(values, e->values, sizeof e->values);
    result->ranked[i] = (bf_ranked){.rank = (uint32_t)(i + 1),
                                    .id = c->id,
                                    .version = c->version,
                                    .domain = c->domain,
                                    .source_accuracy = c->source_accuracy,
                                    .score = e->score,
                                    .n_measures = r->n_measures,
                                    .expected_accuracy = NAN,
                                    .source_value = c->source_accuracy,
                                    .interval_low = NAN,
                                    .interval_high = NAN,
                                    .measure_names = names,
                                    .measure_values = values,
                                    .candidate = e->candidate};
    result->sketches[i] = c->sketch;
    groups[i] = e->group;
    if (e->why[0] && !(result->lacks[i] = bf__result_text(result, "%s", e->why))) {
      status = bf__error_memory(err, sizeof e->why);
      goto out;
    }
  }
  result->n_ranked = n;
  status = bf__write_reasons(result, groups, r->target, &r->options.measure, err);
out:
  free(groups);
  return status;
}

/* Sorts what is ranked, lists what is not. */
static bf_status finish(ranking *r, bf_error *err) {
  bf_status status = BF_OK;
  bf_search_result *result = r->result;
  size_t n = 0;
  sortable *sorted = bf__alloc(r->n, sizeof *sorted);
  size_t *order = bf__alloc(r->n, sizeof *order);
  size_t *place = bf__alloc(r->n, sizeof *place); /* skipped ones in the order given */
  if (!sorted || !order || !place) {
    status = bf__error_memory(err, r->n * sizeof *sorted);
    goto out;
  }
  for (size_t i = 0; i < r->n; ++i) {
    entry *e = &r->entries[i];
    const bf_candidate *c = &r->candidates[e->candidate];
    place[e->candidate] = i;
    if (!e->out) sorted[n++] = (sortable){e->score, c->id, c->version, i};
  }
  qsort(sorted, n, sizeof *sorted, compare_scores);
  for (size_t i = 0; i < n; ++i) order[i] = sorted[i].entry;
  for (size_t c = 0; c < r->n; ++c) {
    const entry *e = &r->entries[place[c]];
    if (!e->out) continue;
    const char *why = bf__result_text(result, "%s", e->why[0] ? e->why : "no measure has an answer for it");
    if (!why) {
      status = bf__error_memory(err, sizeof e->why);
      goto out;
    }
    result->skipped[result->n_skipped++] = (bf_skipped){r->candidates[c].id, r->candidates[c].version, why, NAN};
  }
  status = fill_result(r, order, n, err);
out:
  free(sorted);
  free(order);
  free(place);
  return status;
}

/* Whoever searches with a model's own data learns nothing about serving. */
static bf_status warn_equal(ranking *r, bf_error *err) {
  for (size_t i = 0; i < r->result->n_ranked; ++i) {
    const bf_ranked *ranked = &r->result->ranked[i];
    bool equal = r->n_similarity > 0;
    for (size_t m = 0; m < r->n_similarity && equal; ++m) {
      const bf__strategy *measure = r->measures[m];
      double closest = sign_of(measure) > 0.0 ? measure->info.highest : measure->info.lowest;
      equal = measure->depends_on_itself || fabs(ranked->measure_values[m] - closest) < EQUAL;
    }
    if (!equal) continue;
    return bf__result_warn(
        r->result,
        bf__result_text(r->result, "the target equals the data of '%s' by every measure: is it that model's own?",
                        ranked->id),
        err);
  }
  return BF_OK;
}

static bf_status rank_groups(ranking *r, bf_error *err) {
  size_t n = 0, n_scored = 0;
  qsort(r->entries, r->n, sizeof *r->entries, compare_keys);
  while (n < r->n && !r->entries[n].out) ++n;
  for (size_t i = 0; i < n; ++i) {
    if (i == 0 || r->entries[i].key != r->entries[i - 1].key) ++r->n_groups;
    r->entries[i].group = r->n_groups - 1;
  }
  for (size_t first = 0, end = 0; first < n; first = end) {
    for (end = first; end < n && r->entries[end].group == r->entries[first].group; ++end) continue;
    entry *members = &r->entries[first];
    bool bare = !r->candidates[members->candidate].sketch;
    bf_status status = bare ? BF_OK : measure_group(r, members, end - first, err);
    if (status != BF_OK) return status;
    qsort(members, end - first, sizeof *members, compare_keys); /* those that fell out go last */
    size_t in = 0;
    while (in < end - first && !members[in].out) ++in;
    if (in > 0 && (status = score_group(r, members, in, err)) != BF_OK) return status;
    n_scored += in > 0;
  }
  if (n_scored < 2 || strcmp(r->strategy->info.name, "similarity") != 0) return BF_OK;
  return bf__result_warn(
      r->result,
      bf__result_text(r->result,
                      "models read %zu different column sets; places compare only within a set (a set of one scores 0)",
                      n_scored),
      err);
}

/* Every other measure of the table. */
static void add_measures(ranking *r) {
  const bf_strategy_info *info;
  const bf__strategy *strategy = NULL;
  for (size_t i = 0; (info = bf__strategy_at(i)) != NULL && r->n_measures < MAX_MEASURES; ++i) {
    size_t m = 0;
    if (bf__strategy_find(info->name, &strategy, NULL) != BF_OK || !strategy->measure) continue;
    while (m < r->n_measures && r->measures[m] != strategy) ++m;
    if (m == r->n_measures) r->measures[r->n_measures++] = strategy;
  }
}

static bf_status set_up(ranking *r, const bf_search_options *options, bf_error *err) {
  static const bf_search_options defaults = BF_SEARCH_OPTIONS_INIT;
  r->options = options ? *options : defaults;
  const char *wish = r->options.strategy ? r->options.strategy : "similarity";
  const bf__estimator *estimator = bf__estimator_find(wish);
  if (estimator)
    return bf__error(err, BF_ERR_UNSUPPORTED, "%s ranks by %s, and these candidates are sketches alone", wish,
                     estimator->info.needs);
  bf_status status = bf__strategy_find(wish, &r->strategy, err);
  if (status != BF_OK) return status;
  r->result->strategy = r->strategy->info.name;
  r->asked = SIZE_MAX;
  for (const char *name; (name = bf__composite_measure("similarity", r->target->kind, r->n_similarity)) != NULL;) {
    status = bf__strategy_find(name, &r->measures[r->n_similarity], err);
    if (status != BF_OK) return status;
    if (r->measures[r->n_similarity] == r->strategy) r->asked = r->n_similarity;
    ++r->n_similarity;
  }
  r->n_measures = r->n_similarity;
  if (r->strategy->measure && r->asked == SIZE_MAX) {
    r->asked = r->n_measures;
    r->measures[r->n_measures++] = r->strategy;
  }
  if (r->options.all_measures) add_measures(r);
  for (size_t m = 0; m < r->n_measures; ++m) r->parts |= r->measures[m]->parts;
  return BF_OK;
}

bf_status bf__rank_by_data(bf_search_result *result, const bf_candidate *candidates, size_t n_candidates,
                           const bf_sketch *target, const bf_search_options *options, bf_error *err) {
  bf_status status = BF_OK;
  ranking r = {.result = result, .candidates = candidates, .n = n_candidates, .target = target};
  BF_TRY(set_up(&r, options, err));
  if (target->rows == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "the target has no rows");
  r.entries = bf__alloc(n_candidates, sizeof *r.entries);
  result->ranked = bf__result_block(result, n_candidates, sizeof *result->ranked);
  result->sketches = bf__result_block(result, n_candidates, sizeof *result->sketches);
  result->lacks = bf__result_block(result, n_candidates, sizeof *result->lacks);
  result->skipped = bf__result_block(result, n_candidates, sizeof *result->skipped);
  result->warnings = bf__result_block(result, BF__MAX_WARNINGS, sizeof *result->warnings);
  if (!r.entries || !result->ranked || !result->sketches || !result->lacks || !result->skipped || !result->warnings) {
    status = bf__error_memory(err, n_candidates * sizeof *r.entries);
    goto out;
  }
  if (target->rows < BF__FEW_ROWS) {
    BF_TRY(bf__result_warn(
        result,
        bf__result_text(result,
                        "the target has only %llu row%s: places that are close to each other may change with more",
                        (unsigned long long)target->rows, target->rows == 1 ? "" : "s"),
        err));
  }
  for (size_t i = 0; i < n_candidates; ++i) {
    if (!candidates[i].id) {
      status = bf__error(err, BF_ERR_INVALID_ARGUMENT, "candidate %zu has no id", i);
      goto out;
    }
    r.entries[i].candidate = i;
    for (size_t m = 0; m < MAX_MEASURES; ++m) r.entries[i].values[m] = NAN;
    BF_TRY(admit(&r, &r.entries[i], err));
  }
  BF_TRY(rank_groups(&r, err));
  BF_TRY(finish(&r, err));
  BF_TRY(warn_equal(&r, err));
out:
  free(r.entries);
  return status;
}
