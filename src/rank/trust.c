/* How far the first place can be trusted: docs/strategies.md, part 5. Every reason against a higher grade is listed. */
#include <math.h>
#include <string.h>

#include "rank/rank_internal.h"

#define LOST_TOO_MUCH 0.15
#define DOMAINS_FOR_HIGH 9u
#define MAX_REASONS 8u

typedef struct grading {
  bf_search_result *result;
  const char *reasons[MAX_REASONS];
  size_t n_reasons;
  bool low, medium, failed;
} grading;

static void add_reason(grading *g, bool low, const char *text) {
  if (!text) g->failed = true;
  if (text && g->n_reasons < MAX_REASONS) g->reasons[g->n_reasons++] = text;
  g->low = g->low || low;
  g->medium = true;
}

static void judge_first_place(grading *g) {
  bf_search_result *result = g->result;
  const bf_ranked *first = result->n_ranked ? &result->ranked[0] : NULL;
  if (!first || isnan(first->expected_accuracy)) return;
  double lost = first->source_value - first->expected_accuracy; /* NaN: nothing to compare with */
  if (lost > LOST_TOO_MUCH) {
    result->trust.no_suitable_model = true;
    const char *said =
        result->metric == BF_METRIC_ACCURACY
            ? bf__result_text(result,
                              "no stored model may suit these data: the first is expected to be right on %.0f %%, on "
                              "its own data it was on %.0f %%",
                              100.0 * first->expected_accuracy, 100.0 * first->source_value)
            : bf__result_text(result,
                              "no stored model may suit these data: the expected %s of the first is %.2f, on its own "
                              "data it was %.2f",
                              bf_metric_name(result->metric), first->expected_accuracy, first->source_value);
    add_reason(g, true, said);
  }
  if (result->n_ranked < 3 || result->trust.novel) return;
  const bf_ranked *third = &result->ranked[2];
  if (third->expected_accuracy >= first->interval_low)
    add_reason(g, false,
               bf__result_text(result, "the third place (%.3f) lies within the interval of the first (%.3f to %.3f)",
                               third->expected_accuracy, first->interval_low, first->interval_high));
}

static void judge_experience(grading *g) {
  bf_search_result *result = g->result;
  size_t m = result->trust.n_domains;
  if (result->trust.novel)
    add_reason(g, true,
               bf__result_text(result,
                               "the target lies outside of what this repository has experience with: the nearest model "
                               "is farther than for any labelled domain so far; %s, and the interval is doubled",
                               result->with_outputs ? "expectations lean twice as far on what the models agree about"
                                                    : "ordered by similarity"));
  if (m < DOMAINS_FOR_HIGH)
    add_reason(g, false,
               bf__result_text(result, "the experience has %zu labelled domain%s; with %u and more it counts as ample",
                               m, m == 1 ? "" : "s", DOMAINS_FOR_HIGH));
}

bf_status bf__grade(bf_search_result *result, const bf__plan *plan, const bf_experience *experience, uint64_t n_rows,
                    bf_error *err) {
  grading g = {.result = result};
  const char *name = plan->info->name;
  result->trust.n_domains = bf_experience_domain_count(experience);
  result->trust.n_pairs = bf_experience_pair_count(experience);
  result->metric = bf_experience_metric(experience);
  if (!bf__is_learned(plan->info) && strcmp(name, "similarity") != 0 && strcmp(name, "similarity-agreement") != 0)
    return BF_OK;
  judge_experience(&g);
  judge_first_place(&g);
  if (result->consensus < BF__TRUSTED)
    add_reason(&g, true,
               bf__result_text(result,
                               "two ways of weighing the models' votes disagree (Spearman %.2f): most models may be "
                               "wrong here",
                               result->consensus));
  if (n_rows < BF__FEW_ROWS)
    add_reason(&g, false,
               bf__result_text(result, "the target has %llu rows; below %u an order is unsure",
                               (unsigned long long)n_rows, BF__FEW_ROWS));
  bool high = !g.medium;
  if (high)
    add_reason(&g, false,
               bf__result_text(result, "learnt from %zu pairs of a model and a labelled domain, %zu domains",
                               result->trust.n_pairs, result->trust.n_domains));
  const char **reasons = bf__result_block(result, MAX_REASONS, sizeof *reasons);
  if (g.failed || !reasons) return bf__error_memory(err, 512);
  memcpy(reasons, g.reasons, sizeof g.reasons);
  result->trust.reasons = reasons;
  result->trust.n_reasons = g.n_reasons;
  result->trust.grade = g.low ? "low" : high ? "high" : "medium";
  return BF_OK;
}
