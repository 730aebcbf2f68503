/* Which strategy a search ranks by, given what there is: docs/strategies.md, part 5, the table of fallbacks. */
#include <string.h>

#include "rank/rank_internal.h"

#define DOMAINS_FOR_TWO_STAGES 8u

bool bf__is_estimator(const bf_strategy_info *info) {
  return strcmp(info->family, "confidence") == 0 || strcmp(info->family, "consensus") == 0 ||
         strcmp(info->family, "combined") == 0;
}

bool bf__is_learned(const bf_strategy_info *info) {
  return strcmp(info->family, "learned") == 0;
}

static bool has_learnt(const bf_experience *e, bf__learner learner) {
  return e && bf_experience_domain_count(e) >= BF__DOMAINS_FOR_LEARNING && e->fits[learner].kriging != NULL;
}

/* What stands for `auto`. */
static const char *choose(size_t n_with_outputs, const bf_experience *e, bf__learner *learner) {
  *learner = BF__N_LEARNERS;
  if (n_with_outputs < 2) {
    if (!has_learnt(e, BF__DATA_ONLY)) return "similarity";
    *learner = BF__DATA_ONLY;
    return "stage-1";
  }
  if (bf_experience_domain_count(e) >= DOMAINS_FOR_TWO_STAGES && has_learnt(e, BF__STAGE_2)) {
    *learner = BF__STAGE_2;
    return "auto";
  }
  if (!has_learnt(e, BF__STAGE_1)) return "similarity-agreement";
  *learner = BF__STAGE_1;
  return "stage-1";
}

bf_status bf__plan_make(const bf_search_options *options, size_t n_with_outputs, const bf_experience *experience,
                        bf__plan *out, bf_error *err) {
  const char *name = options->strategy ? options->strategy : "auto";
  *out = (bf__plan){.learner = BF__N_LEARNERS};
  if (strcmp(name, "auto") == 0) name = choose(n_with_outputs, experience, &out->learner);
  bf_status status = bf_strategy_find(name, &out->info, err);
  if (status != BF_OK) return status;
  if (bf__is_learned(out->info) && out->learner == BF__N_LEARNERS) {
    out->learner = bf__learner_of(name);
    if (out->learner == BF__STAGE_1 && n_with_outputs == 0) out->learner = BF__DATA_ONLY;
    if (!has_learnt(experience, out->learner))
      return bf__error(err, BF_ERR_NOT_APPLICABLE,
                       "%s learns from labelled domains, of which the experience has %zu and needs %u: add models with "
                       "--validation and --keep-validation",
                       name, bf_experience_domain_count(experience), BF__DOMAINS_FOR_LEARNING);
  }
  out->by_outputs = bf__is_estimator(out->info) || (bf__is_learned(out->info) && out->learner != BF__DATA_ONLY);
  return BF_OK;
}

bf_status bf_rank(const bf_candidate *candidates, size_t n_candidates, const bf_sketch *target,
                  const bf_search_options *options, bf_search_result **out, bf_error *err) {
  static const bf_search_options defaults = BF_SEARCH_OPTIONS_INIT;
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the result");
  *out = NULL;
  if (!target || (n_candidates > 0 && !candidates)) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "candidates and a target are needed");
  }
  bf_status status = BF_OK;
  bf__plan plan;
  bf_search_options by_data = options ? *options : defaults;
  size_t n_with_outputs = 0;
  bf_search_result *result = bf__result_alloc();
  if (!result) return bf__error_memory(err, sizeof *result);
  for (size_t c = 0; c < n_candidates; ++c) n_with_outputs += candidates[c].outputs != NULL;
  BF_TRY(bf__plan_make(&by_data, n_with_outputs, by_data.experience, &plan, err));
  bool again = plan.by_outputs || bf__is_learned(plan.info);
  by_data.strategy = again ? "similarity" : plan.info->name;
  BF_TRY(bf__rank_by_data(result, candidates, n_candidates, target, &by_data, err));
  if (again) BF_TRY(bf__rank_again(result, candidates, n_candidates, target, &plan, &by_data, err));
  BF_TRY(bf__grade(result, &plan, by_data.experience, target->rows, err));
  *out = result;
  result = NULL;
out:
  bf_search_result_free(result);
  return status;
}
