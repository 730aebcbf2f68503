/* A pair of records as its sixteen similarities (dataset/pair_similarities.c, docs/formats/sketch-v1.md), and hashed
 * words: of H cells the first H/2 count the different words of both records, the others those of just one; a word's
 * cell is |h| mod H/2, h its MurmurHash3; each cell is ln(1 + count). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/murmur3.h"
#include "dataset/pair_similarities.h"
#include "model/featuriser_internal.h"

#define MOST_HASHED_WORDS ((int64_t)1 << 20)
#define MOST_ROW_WORDS ((uint64_t)1 << 20)

typedef struct seen {
  uint64_t hash;
  uint32_t cell;
} seen;

typedef struct pairs {
  bf__scaling scaling;
  bf__pair_scratch *scratch;
  int64_t hashed_words;
  float *row;
  seen *words;
  size_t n, capacity;
  bool failed;
} pairs;

static void pairs_free(void *state) {
  pairs *s = state;
  bf__scaling_deinit(&s->scaling);
  bf__pair_scratch_free(s->scratch);
  free(s->row);
  free(s->words);
  free(s);
}

static bf_status pairs_create(const bf__making *m, void **state) {
  bf_status status = BF_OK;
  pairs *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(m->err, sizeof *s);
  BF_TRY(bf__expect_inputs(m, 1, "pair-similarities"));
  BF_TRY(bf__expect_numbers(m, 0, false));
  int64_t hashed = -1, width = 0;
  BF_TRY(bf__option_integer(&m->options, "hashed_words", 0, MOST_HASHED_WORDS, &hashed));
  if (hashed % 2 != 0 && hashed > 0)
    BF_TRY(bf__option_error(&m->options, "hashed_words", "must be even: half for shared words"));
  if (hashed >= 0) width = BF__PAIR_SIMILARITIES + hashed;
  BF_TRY(bf__expect_width(m, 0, "16 similarities and hashed_words", &width));
  if (hashed < 0) hashed = width ? width - BF__PAIR_SIMILARITIES : 0;
  if (hashed < 0 || hashed % 2 != 0 || hashed > MOST_HASHED_WORDS)
    BF_TRY(bf__error(m->err, BF_ERR_MISMATCH,
                     "the model's input \"%.60s\" takes %lld numbers; pair-similarities gives 16 and an even number of "
                     "hashed words",
                     m->ports[0].name, (long long)width));
  s->hashed_words = hashed;
  const size_t n = BF__PAIR_SIMILARITIES + (size_t)hashed;
  BF_TRY(bf__scaling_read(m, &s->scaling));
  BF_TRY(bf__scaling_expand(&s->scaling, n, m->err));
  s->scratch = bf__pair_scratch_create();
  s->row = bf__alloc(n, sizeof *s->row);
  if (!s->scratch || !s->row) BF_TRY(bf__error_memory(m->err, n * sizeof *s->row));
  *state = s;
  s = NULL;
out:
  if (s) pairs_free(s);
  return status;
}

static void take_word(void *context, uint64_t hash, const char *word, size_t n) {
  pairs *s = context;
  if (s->failed) return;
  if (s->n == s->capacity) {
    const size_t capacity = s->capacity ? 2 * s->capacity : 256;
    seen *words = bf__realloc(s->words, capacity, sizeof *words);
    if (!words) {
      s->failed = true;
      return;
    }
    s->words = words;
    s->capacity = capacity;
  }
  s->words[s->n++] = (seen){hash, bf__cell_of(word, n, (uint32_t)(s->hashed_words / 2)).cell};
}

static int by_hash(const void *a, const void *b) {
  const seen *x = a, *y = b;
  return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void count_words(pairs *s) {
  const size_t half = (size_t)s->hashed_words / 2;
  float *shared = s->row + BF__PAIR_SIMILARITIES, *single = shared + half;
  memset(shared, 0, 2 * half * sizeof *shared);
  if (s->n > 1) qsort(s->words, s->n, sizeof *s->words, by_hash);
  for (size_t i = 0; i < s->n; i++) {
    if (i > 0 && s->words[i].hash == s->words[i - 1].hash) continue;
    float *cells = bf__pair_sides(s->scratch, s->words[i].hash) == 3 ? shared : single;
    cells[s->words[i].cell] += 1.0f;
  }
  for (size_t k = 0; k < 2 * half; k++)
    if (shared[k] > 0) shared[k] = (float)log1p((double)shared[k]);
}

static bf_status pairs_fill(void *state, const bf__filling *f) {
  pairs *s = state;
  const size_t n = BF__PAIR_SIMILARITIES + (size_t)s->hashed_words;
  const bf__element type = f->ports[0].type;
  int64_t dims[2] = {0, (int64_t)n};
  void *tensor;
  bf_status status = bf__tensor(f, 0, dims, 2, &tensor);
  if (status != BF_OK) return status;
  for (size_t i = 0; i < f->n; i++) {
    s->n = 0;
    s->failed = false;
    const bool done = bf__pair_compare(s->scratch, &f->batch->pairs[f->first + i], MOST_ROW_WORDS,
                                       s->hashed_words ? take_word : NULL, s, s->row);
    if (!done || s->failed) return bf__error_memory(f->err, s->capacity * 2 * sizeof *s->words);
    s->row[BF__PAIR_LEFT_SIZE] = (float)log1p((double)s->row[BF__PAIR_LEFT_SIZE]);
    s->row[BF__PAIR_RIGHT_SIZE] = (float)log1p((double)s->row[BF__PAIR_RIGHT_SIZE]);
    if (s->hashed_words) count_words(s);
    bf__scale(&s->scaling, 0, n, s->row, s->row);
    bf__put_numbers(type, tensor, i * n, s->row, n);
  }
  bf__put_zeros(type, tensor, f->n * n, f->padded * n);
  return BF_OK;
}

static size_t pairs_width(const void *state) {
  const pairs *s = state;
  return BF__PAIR_SIMILARITIES + (size_t)s->hashed_words;
}

static const char *const options[] = {"name", "hashed_words", NULL};
const bf__featuriser_row bf__featuriser_pair_similarities = {
    "pair-similarities", BF_KIND_PAIR, options, pairs_create, pairs_fill, pairs_free, pairs_width};
