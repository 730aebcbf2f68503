/* The table of strategies that learn from a repository's experience. bf_strategy_at() lists it behind the estimators.
 */
#include <string.h>

#include "learn/learn_internal.h"

#define TOO_LITTLE "with too little experience: what docs/strategies.md, part 5, falls back on"

static const struct {
  bf_strategy_info info;
  bf__learner learner;
} learners[] = {
    {{.name = "auto",
      .family = "learned",
      .needs = "a repository's experience",
      .direction = BF_HIGHER_IS_CLOSER,
      .lowest = 0.01,
      .highest = 0.99,
      .when_empty = TOO_LITTLE,
      .source = "docs/strategies.md, part 5",
      .summary = "expected serving accuracy by two stages of kriging; the default"},
     BF__STAGE_2},
    {{.name = "stage-1",
      .family = "learned",
      .needs = "a repository's experience",
      .direction = BF_HIGHER_IS_CLOSER,
      .lowest = 0.01,
      .highest = 0.99,
      .when_empty = "not applicable: fewer than 4 labelled domains",
      .source = "docs/strategies.md, part 5",
      .summary = "expected serving accuracy by the first stage alone; without outputs from data features"},
     BF__STAGE_1},
    {{.name = "ridge",
      .family = "learned",
      .needs = "outputs and a repository's experience",
      .direction = BF_HIGHER_IS_CLOSER,
      .lowest = 0.01,
      .highest = 0.99,
      .when_empty = "not applicable: fewer than 4 labelled domains",
      .source = "Hoerl and Kennard 1970; docs/strategies.md, part 5",
      .summary = "expected serving accuracy by ridge regression on all base features"},
     BF__RIDGE},
};

const bf_strategy_info *bf__learner_at(size_t i) {
  return i < sizeof learners / sizeof *learners ? &learners[i].info : NULL;
}

bf__learner bf__learner_of(const char *name) {
  for (size_t i = 0; i < sizeof learners / sizeof *learners; ++i)
    if (strcmp(learners[i].info.name, name) == 0) return learners[i].learner;
  return BF__N_LEARNERS;
}
