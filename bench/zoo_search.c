/* A domain of the zoo as a target: what is learnt without it, and its candidates. */
#include <stdio.h>
#include <string.h>

#include "zoo_collection.h"

/* Whether two domains are of one origin. */
static bool are_related(const zoo_collection *c, size_t a, size_t b, bool by_origin) {
  static const char *const ORIGINS[] = {"ms",    "ds_",      "mnist",     "m_",       "s_",
                                        "torso", "left_arm", "right_arm", "left_leg", "right_leg"};
  const char *x = c->domains[a].name, *y = c->domains[b].name;
  if (a == b) return true;
  for (size_t i = 0; by_origin && i < sizeof ORIGINS / sizeof *ORIGINS; i++) {
    size_t n = strlen(ORIGINS[i]);
    if (strncmp(x, ORIGINS[i], n) == 0 && strncmp(y, ORIGINS[i], n) == 0) return true;
  }
  return false;
}

size_t zoo_find(const zoo_collection *c, const char *domain) {
  for (size_t i = 0; i < c->n; i++)
    if (strcmp(c->domains[i].name, domain) == 0) return i;
  return SIZE_MAX;
}

bf_experience *zoo_learn(const zoo_collection *c, size_t target, bool without_origin) {
  static bf_experience_record records[ZOO_MAX_DOMAINS * ZOO_MAX_DOMAINS];
  static bf_experience_model models[ZOO_MAX_DOMAINS];
  bf_experience_options options = BF_EXPERIENCE_OPTIONS_INIT;
  bf_experience *experience = NULL;
  bf_error err = {0};
  size_t n = 0;
  for (size_t u = 0; u < c->n; u++) {
    const zoo_domain *d = &c->domains[u];
    models[u] = (bf_experience_model){.id = d->name,
                                      .version = 1,
                                      .domain = d->name,
                                      .sketch = d->source,
                                      .calibration = d->calibration,
                                      .source_accuracy = d->source_accuracy};
    for (size_t s = 0; s < c->n; s++)
      if (d->of[s].outputs.scores && !are_related(c, target, s, without_origin) &&
          !are_related(c, target, u, without_origin))
        records[n++] = (bf_experience_record){.model = s,
                                              .domain = u,
                                              .outputs = &d->of[s].outputs,
                                              .classes = (const char *const *)d->classes,
                                              .truth = d->of[s].truth};
  }
  options.exclude_domain = c->domains[target].name;
  if (bf_experience_create(models, c->n, records, n, &options, &experience, &err) != BF_OK)
    fprintf(stderr, "%s: %s\n", c->domains[target].name, err.message);
  return experience;
}

size_t zoo_candidates(const zoo_collection *c, size_t target, bool without_origin, bool with_outputs,
                      bf_candidate *out) {
  const zoo_domain *d = &c->domains[target];
  size_t n = 0;
  for (size_t s = 0; s < c->n; s++) {
    const zoo_domain *source = &c->domains[s];
    if (are_related(c, target, s, without_origin) || !d->of[s].outputs.scores) continue;
    out[n++] = (bf_candidate){.id = source->name,
                              .version = 1,
                              .domain = source->name,
                              .sketch = source->source,
                              .source_accuracy = source->source_accuracy,
                              .outputs = with_outputs ? &d->of[s].outputs : NULL,
                              .classes = (const char *const *)d->classes,
                              .calibration = source->calibration};
  }
  return n;
}
