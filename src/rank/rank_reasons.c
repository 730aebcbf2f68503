/* Reasons beside a place: first the standing ("nearest of 14 by mmd, hist-jsd; 3rd by gauss-kl-ts"), then the sentences
 * of bf_explain(). Explaining costs up to a millisecond a model, so the first EXPLAINED and the last are explained
 * (over threads), and the others get their standing alone; bf_explain() gives theirs on demand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "rank/rank_internal.h"

#define EXPLAINED 32u

static const char *ordinal(size_t n, char buffer[24]) {
  const char *suffix = n % 100 / 10 == 1 ? "th" : n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
  snprintf(buffer, 24, "%zu%s", n, suffix);
  return buffer;
}

/* Place of ranked i by a measure among those of its group; 0: it has no value. */
static size_t place_by(const bf_search_result *result, const size_t *group, size_t i, size_t measure, size_t *of) {
  const bf_strategy_info *info = NULL;
  double mine = result->ranked[i].measure_values[measure];
  if (isnan(mine) || bf_strategy_find(result->ranked[i].measure_names[measure], &info, NULL) != BF_OK) return 0;
  size_t place = 1;
  *of = 0;
  for (size_t j = 0; j < result->n_ranked; ++j) {
    double other = result->ranked[j].measure_values[measure];
    if (group[j] != group[i] || isnan(other)) continue;
    place += info->direction == BF_HIGHER_IS_CLOSER ? other > mine : other < mine;
    ++*of;
  }
  return place;
}

static void append(char *text, size_t size, const char *piece) {
  size_t used = strlen(text);
  snprintf(text + used, size - used, "%s", piece);
}

/* "" where the model is alone. */
static void standing(const bf_search_result *result, const size_t *group, size_t i, char text[256]) {
  const bf_ranked *ranked = &result->ranked[i];
  size_t places[16] = {0}, of = 0, most = 0, n = ranked->n_measures < 16 ? ranked->n_measures : 16;
  for (size_t m = 0; m < n; ++m) {
    places[m] = place_by(result, group, i, m, &of);
    if (places[m] && of > most) most = of;
  }
  text[0] = '\0';
  if (most < 2) return;
  for (size_t place = 1; place <= most; ++place) {
    bool first = true;
    for (size_t m = 0; m < n; ++m) {
      if (places[m] != place) continue;
      char number[24], lead[64];
      if (first) {
        bool opening = text[0] == '\0';
        snprintf(lead, sizeof lead, "%s%s", opening ? "" : "; ", place == 1 ? "nearest" : ordinal(place, number));
        append(text, 256, lead);
        if (opening) {
          snprintf(lead, sizeof lead, " of %zu", most);
          append(text, 256, lead);
        }
        append(text, 256, " by ");
      } else {
        append(text, 256, ", ");
      }
      append(text, 256, ranked->measure_names[m]);
      first = false;
    }
  }
}

/* "no answer by mmd, cell-jsd: the source's sketch has no centroids"; "" where every measure has one. */
static void lack(const bf_search_result *result, size_t i, char text[400]) {
  const bf_ranked *ranked = &result->ranked[i];
  text[0] = '\0';
  if (!result->lacks[i]) return;
  for (size_t m = 0; m < ranked->n_measures; ++m) {
    if (!isnan(ranked->measure_values[m])) continue;
    append(text, 400, text[0] ? ", " : "no answer by ");
    append(text, 400, ranked->measure_names[m]);
  }
  if (!text[0]) return;
  append(text, 400, ": ");
  append(text, 400, result->lacks[i]);
}

typedef struct reason_job {
  const bf_search_result *result;
  const bf_sketch *target;
  const bf_measure_options *options;
  bf_explanation **explanations;
} reason_job;

static void explain_one(void *context, size_t item, uint32_t worker) {
  (void)worker;
  const reason_job *job = context;
  size_t n = job->result->n_ranked, i = item < EXPLAINED ? item : n - 1;
  if (!job->result->sketches[i]) return;
  /* no explanation is no failure: the standing remains */
  bf_status status =
      bf__explain(job->result->sketches[i], job->target, job->options, false, &job->explanations[item], NULL);
  if (status != BF_OK) job->explanations[item] = NULL;
}

static bf_status write_one(bf_search_result *result, const size_t *group, size_t i, const bf_explanation *explanation,
                           bf_error *err) {
  bf_ranked *ranked = &result->ranked[i];
  size_t n_sentences = explanation ? explanation->n_sentences : 0, n = 0;
  const char **reasons = bf__result_block(result, n_sentences + 2, sizeof *reasons);
  if (!reasons) return bf__error_memory(err, (n_sentences + 2) * sizeof *reasons);
  char text[256], missing[400];
  standing(result, group, i, text);
  if (text[0] && !(reasons[n++] = bf__result_text(result, "%s", text))) return bf__error_memory(err, sizeof text);
  lack(result, i, missing);
  if (missing[0] && !(reasons[n++] = bf__result_text(result, "%s", missing))) {
    return bf__error_memory(err, sizeof missing);
  }
  for (size_t s = 0; s < n_sentences; ++s) {
    if (!(reasons[n++] = bf__result_text(result, "%s", explanation->sentences[s]))) {
      return bf__error_memory(err, BF__SENTENCE_BYTES);
    }
  }
  ranked->n_reasons = n;
  ranked->reasons = reasons;
  return BF_OK;
}

bf_status bf__write_reasons(bf_search_result *result, const size_t *group, const bf_sketch *target,
                            const bf_measure_options *options, bf_error *err) {
  size_t n = result->n_ranked, n_explained = n < EXPLAINED + 1 ? n : EXPLAINED + 1;
  bf_explanation **explanations = bf__alloc(n_explained, sizeof *explanations);
  if (!explanations) return bf__error_memory(err, n_explained * sizeof *explanations);
  reason_job job = {result, target, options, explanations};
  bf__parallel_for(n_explained, options->n_threads, explain_one, &job);
  bf_status status = BF_OK;
  for (size_t i = 0; i < n && status == BF_OK; ++i) {
    size_t item = i < EXPLAINED ? i : i + 1 == n ? n_explained - 1 : n_explained;
    status = write_one(result, group, i, item < n_explained ? explanations[item] : NULL, err);
  }
  for (size_t i = 0; i < n_explained; ++i) bf_explanation_free(explanations[i]);
  free(explanations);
  return status;
}
