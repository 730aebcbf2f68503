/* Rows with equal votes are one pattern: the label model cannot tell them apart. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "label/label_internal.h"

typedef struct sorted_row {
  uint64_t votes, seeded; /* hashes of the votes and of the row's number */
  uint32_t row;
} sorted_row;

static int compare_rows(const void *a, const void *b) {
  const sorted_row *x = a, *y = b;
  if (x->votes != y->votes) return x->votes < y->votes ? -1 : 1;
  if (x->seeded != y->seeded) return x->seeded < y->seeded ? -1 : 1;
  return x->row < y->row ? -1 : x->row > y->row;
}

/* votes: [n_models][n_rows], of one row in `out`. */
static void gather(const uint16_t *votes, size_t n_models, size_t n_rows, size_t row, uint16_t *out) {
  for (size_t m = 0; m < n_models; m++) out[m] = votes[m * n_rows + row];
}

static bf_status allocate(bf__label_rows *r, bf_error *err) {
  size_t n_votes = 0;
  if (!bf__mul(r->n_models, r->n_rows, &n_votes)) return bf__error_memory(err, SIZE_MAX);
  r->patterns = bf__alloc(r->n_rows, sizeof *r->patterns);
  r->votes = bf__alloc(n_votes, sizeof *r->votes);
  r->pattern_of = bf__alloc(r->n_rows, sizeof *r->pattern_of);
  r->order = bf__alloc(r->n_rows, sizeof *r->order);
  r->answers = bf__alloc(r->n_rows, sizeof *r->answers);
  r->answered = bf__alloc(r->n_rows, sizeof *r->answered);
  r->skipped = bf__alloc(r->n_rows, sizeof *r->skipped);
  bool all = r->patterns && r->votes && r->pattern_of && r->order && r->answers && r->answered && r->skipped;
  return all ? BF_OK : bf__error_memory(err, n_votes * sizeof *r->votes);
}

bf_status bf__label_rows_init(bf__label_rows *r, const uint16_t *votes, size_t n_models, size_t n_rows,
                              size_t n_classes, uint64_t seed, bf_error *err) {
  bf_status status = BF_OK;
  *r = (bf__label_rows){
      .n_models = n_models, .n_rows = n_rows, .n_classes = n_classes, .n_weights = n_models + n_classes, .seed = seed};
  sorted_row *sorted = bf__alloc(n_rows, sizeof *sorted);
  uint16_t *one = bf__alloc(n_models, sizeof *one);
  if (!sorted || !one) BF_TRY(bf__error_memory(err, n_rows * sizeof *sorted));
  BF_TRY(allocate(r, err));
  for (size_t i = 0; i < n_rows; i++) {
    gather(votes, n_models, n_rows, i, one);
    sorted[i] = (sorted_row){bf__xxh64(one, n_models * sizeof *one, 0), bf__mix64(seed, i), (uint32_t)i};
    r->answers[i] = BF__NO_ANSWER;
  }
  qsort(sorted, n_rows, sizeof *sorted, compare_rows);
  for (size_t i = 0; i < n_rows; i++) {
    gather(votes, n_models, n_rows, sorted[i].row, one);
    const uint16_t *last = r->n_patterns ? bf__pattern_votes(r, r->n_patterns - 1) : NULL;
    if (!last || memcmp(last, one, n_models * sizeof *one) != 0) { /* votes of one hash may still differ */
      memcpy(r->votes + r->n_patterns * n_models, one, n_models * sizeof *one);
      r->patterns[r->n_patterns++].first = (uint32_t)i;
    }
    bf__pattern *pattern = &r->patterns[r->n_patterns - 1];
    pattern->n_rows++;
    pattern->n_open++;
    r->order[i] = sorted[i].row;
    r->pattern_of[sorted[i].row] = (uint32_t)(r->n_patterns - 1);
  }
out:
  free(sorted);
  free(one);
  if (status != BF_OK) bf__label_rows_deinit(r);
  return status;
}

void bf__label_rows_deinit(bf__label_rows *r) {
  free(r->patterns);
  free(r->votes);
  free(r->pattern_of);
  free(r->order);
  free(r->answers);
  free(r->answered);
  free(r->skipped);
  *r = (bf__label_rows){0};
}
