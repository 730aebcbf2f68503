/* What several models did on the same labelled rows of the experience: what agreement on the line (aline) starts from.
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "learn/learn_internal.h"

static const bf__record *record_of(const bf__labelled *domain, uint32_t model) {
  for (size_t r = 0; r < domain->n_records; ++r)
    if (domain->records[r].model == model) return &domain->records[r];
  return NULL;
}

/* The domain on whose rows most of the models were run; of equal ones that with most rows. NULL: fewer than two. */
static const bf__labelled *choose(const bf_experience *e, const uint32_t *models, size_t n) {
  const bf__labelled *best = NULL;
  size_t most = 1;
  for (size_t d = 0; d < e->n_domains; ++d) {
    const bf__labelled *domain = &e->domains[d];
    size_t there = 0;
    for (size_t i = 0; i < n; ++i) there += record_of(domain, models[i]) != NULL;
    if (there < most || (there == most && (!best || domain->n_items <= best->n_items))) continue;
    best = domain;
    most = there;
  }
  return best;
}

/* Share of the rows that both answered on which they agree; NaN: no such row. */
static double agreement(const bf__record *a, const bf__record *b, size_t n_items) {
  size_t both = 0, equal = 0;
  for (size_t i = 0; i < n_items; ++i) {
    if (a->votes[i] == BF__NO_CLASS || b->votes[i] == BF__NO_CLASS) continue;
    ++both;
    equal += a->votes[i] == b->votes[i];
  }
  return both ? (double)equal / (double)both : NAN;
}

bf_status bf__shared_sample_of(const bf_experience *e, const bf_experience_model *info, size_t n,
                               bf__shared_sample *out, bf_error *err) {
  bf_status status = BF_OK;
  *out = (bf__shared_sample){0};
  uint32_t *models = bf__alloc(n, sizeof *models);
  if (!models) return bf__error_memory(err, n * sizeof *models);
  for (size_t i = 0; i < n; ++i) models[i] = bf__experience_model_number(e, &info[i]);
  const bf__labelled *domain = choose(e, models, n);
  if (!domain) goto out;
  out->accuracy = bf__alloc(n, sizeof *out->accuracy);
  out->agreement = bf__alloc(n * n, sizeof *out->agreement);
  if (!out->accuracy || !out->agreement) BF_TRY(bf__error_memory(err, n * n * sizeof *out->agreement));
  out->n_items = domain->n_labelled;
  for (size_t i = 0; i < n; ++i) {
    const bf__record *a = record_of(domain, models[i]);
    out->accuracy[i] = a ? a->accuracy : NAN;
    for (size_t j = 0; j < n; ++j) {
      const bf__record *b = record_of(domain, models[j]);
      out->agreement[i * n + j] = a && b ? agreement(a, b, domain->n_items) : NAN;
    }
  }
out:
  if (status != BF_OK) bf__shared_sample_deinit(out);
  free(models);
  return status;
}

void bf__shared_sample_deinit(bf__shared_sample *sample) {
  free(sample->accuracy);
  free(sample->agreement);
  *sample = (bf__shared_sample){0};
}
