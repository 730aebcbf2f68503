/* What newcomers may not do: move what is expected of the others.
 *
 * What is learnt reads every number as it stands among the candidates, too (z-scores, agreement): eight copies of a
 * poor model, or one that always says the same, would move them for all. Candidates that the experience knows are
 * therefore asked about among themselves, and newcomers among all. A newcomer that agrees with another candidate on 999
 * of 1,000 rows takes the other's expectation, and does not count beside it. Models that the experience knows are never
 * joined: it has seen them side by side. */
#include <stdlib.h>

#include "base/memory.h"
#include "rank/rank_internal.h"

#define FEWEST_KNOWN 3u /* among fewer nothing stands out */
#define SAME 0.999      /* agreement from which answers are the same */

/* instead[m]: the candidate that stands for m, itself mostly. */
static void choose(const bf_experience *e, const bf__question *q, const double *agreement, size_t *instead) {
  size_t n = q->n;
  for (size_t m = 0; m < n; ++m) {
    instead[m] = m;
    if (bf__experience_model_number(e, &q->info[m]) != BF__NOBODY) continue;
    for (size_t k = 0; k < n && instead[m] == m; ++k) {
      bool known = bf__experience_model_number(e, &q->info[k]) != BF__NOBODY;
      bool stands = known || (k < m && instead[k] == k);
      if (k != m && stands && agreement[m * n + k] >= SAME) instead[m] = k;
    }
  }
}

/* Asks about the candidates `picked` [n] alone. */
static bf_status ask_some(const bf_experience *e, bf__learner learner, const bf__question *q,
                          const bf_panel_model *models, const bf_panel_options *options, const size_t *picked, size_t n,
                          bf__answer *out, bf_error *err) {
  bf_status status = BF_OK;
  bf_panel *panel = NULL;
  bf_panel_options plain = BF_PANEL_OPTIONS_INIT;
  plain.seed = options->seed;
  plain.n_threads = options->n_threads;
  bf_panel_model *some = bf__alloc(n, sizeof *some);
  bf_experience_model *info = bf__alloc(n, sizeof *info);
  if (!some || !info) BF_TRY(bf__error_memory(err, n * sizeof *some));
  for (size_t k = 0; k < n; ++k) {
    some[k] = models[picked[k]];
    info[k] = q->info[picked[k]];
  }
  BF_TRY(bf_panel_create(some, n, q->panel->n_items, &plain, &panel, err));
  bf__question question = {n, info, panel, q->target};
  BF_TRY(bf__ask(e, learner, &question, out, err));
out:
  bf_panel_free(panel);
  free(some);
  free(info);
  return status;
}

/* Copies what was answered of `picked` to their places. */
static void put(const bf__answer *from, const size_t *picked, size_t n, const bf__answer *to) {
  for (size_t k = 0; k < n; ++k) {
    to->expected[picked[k]] = from->expected[k];
    to->order[picked[k]] = from->order[k];
    to->leaning[picked[k]] = from->leaning[k];
    to->similarity[picked[k]] = from->similarity[k];
  }
}

static bf_status ask_apart(const bf_experience *e, bf__learner learner, const bf__question *q,
                           const bf_panel_model *models, const bf_panel_options *options, const size_t *instead,
                           bf__answer *out, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = q->n, n_kept = 0, n_known = 0;
  bf__answer all = {0}, known = {0}, joined = {0};
  size_t *kept = bf__alloc(n, 2 * sizeof *kept), *old = kept ? kept + n : NULL;
  joined.expected = bf__alloc(n, sizeof *joined.expected);
  joined.order = bf__alloc(n, sizeof *joined.order);
  joined.leaning = bf__alloc(n, sizeof *joined.leaning);
  joined.similarity = bf__alloc(n, sizeof *joined.similarity);
  if (!kept || !joined.expected || !joined.order || !joined.leaning || !joined.similarity)
    BF_TRY(bf__error_memory(err, n * sizeof *joined.expected));
  for (size_t m = 0; m < n; ++m) {
    if (instead[m] == m) kept[n_kept++] = m;
    if (bf__experience_model_number(e, &q->info[m]) != BF__NOBODY) old[n_known++] = m;
  }
  BF_TRY(ask_some(e, learner, q, models, options, kept, n_kept, &all, err));
  put(&all, kept, n_kept, &joined);
  if (n_known >= FEWEST_KNOWN) {
    BF_TRY(ask_some(e, learner, q, models, options, old, n_known, &known, err));
    put(&known, old, n_known, &joined);
  }
  for (size_t m = 0; m < n; ++m) {
    joined.expected[m] = joined.expected[instead[m]];
    joined.order[m] = joined.order[instead[m]];
    joined.leaning[m] = joined.leaning[instead[m]];
    joined.similarity[m] = joined.similarity[instead[m]];
  }
  bf__answer *whole = n_known >= FEWEST_KNOWN ? &known : &all; /* whose distances, novelty and interval they are */
  joined.distance = whole->distance;
  joined.half_width = whole->half_width;
  joined.novel = whole->novel;
  joined.n_novel = whole->n_novel;
  whole->distance = NULL;
  *out = joined;
  joined = (bf__answer){0};
out:
  bf__answer_deinit(&all);
  bf__answer_deinit(&known);
  bf__answer_deinit(&joined);
  free(kept);
  return status;
}

static bool are_all_known(const bf_experience *e, const bf__question *q) {
  for (size_t m = 0; m < q->n; ++m)
    if (bf__experience_model_number(e, &q->info[m]) == BF__NOBODY) return false;
  return true;
}

bf_status bf__ask_with_newcomers(const bf_experience *e, bf__learner learner, const bf__question *q,
                                 const bf_panel_model *models, const bf_panel_options *options, bf__answer *out,
                                 bf_error *err) {
  const double *agreement = NULL;
  if (!q->panel || are_all_known(e, q)) return bf__ask(e, learner, q, out, err);
  bf_status status = bf__panel_agreement(q->panel, &agreement, err);
  if (status != BF_OK) return status;
  size_t *instead = bf__alloc(q->n, sizeof *instead);
  if (!instead) return bf__error_memory(err, q->n * sizeof *instead);
  choose(e, q, agreement, instead);
  status = ask_apart(e, learner, q, models, options, instead, out, err);
  free(instead);
  return status;
}
