/* What two sketches' words say of a source and a target: words that one side keeps and the other does not, and words
 * whose shares differ most.
 *
 * A sketch keeps its 1,000 most frequent words, less those rarer than min_count. That the other side does not keep a
 * word therefore means that it is rare there; that it never occurs is certain only where the hashed cell of the word
 * holds nothing beside kept words (or where all words are kept). Sentences say which of the two it is.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/measure_internal.h"
#include "rank/rank_internal.h"

#define SHOWN_WORDS 64u /* of each sort */
#define TOLD_WORDS 4u
#define CLEAR_SHARE 0.002 /* of all words: what is worth a sentence */
#define CLEAR_UNSEEN 0.01
#define CLEAR_RATIO 2.0

size_t bf_explanation_word_count(const bf_explanation *explanation) {
  return explanation ? explanation->n_words : 0;
}

const bf_word_difference *bf_explanation_word(const bf_explanation *explanation, size_t i) {
  return explanation && i < explanation->n_words ? &explanation->words[i] : NULL;
}

double bf_explanation_unseen_share(const bf_explanation *explanation) {
  return explanation && explanation->n_words > 0 ? explanation->unseen_share : NAN;
}

/* --- the list --------------------------------------------------------------------------------------------------------
 */

typedef enum word_sort { TARGET_ONLY, SOURCE_ONLY, BOTH } word_sort;

static word_sort sort_of(const bf_word_difference *w) {
  return !w->in_source ? TARGET_ONLY : !w->in_target ? SOURCE_ONLY : BOTH;
}

/* A cell's part of the Jensen-Shannon divergence. */
static double divergence_of(const bf_word_difference *w) {
  double p = w->target_share, q = w->source_share, m = 0.5 * (p + q), sum = 0.0;
  if (p > 0.0) sum += 0.5 * p * log(p / m);
  if (q > 0.0) sum += 0.5 * q * log(q / m);
  return sum;
}

static int compare_words(const void *a, const void *b) {
  const bf_word_difference *x = a, *y = b;
  word_sort sx = sort_of(x), sy = sort_of(y);
  if (sx != sy) return sx < sy ? -1 : 1;
  double dx = divergence_of(x), dy = divergence_of(y);
  if (dx != dy) return dx > dy ? -1 : 1;
  return strcmp(x->word, y->word);
}

static bool occurs_nowhere(const bf__word_counts *counts, uint64_t hash) {
  return !(counts->rest[hash >> 52] > 0.0) || !(counts->limit > 0.0);
}

static size_t add_side(const bf__word_counts sides[2], int side, bf_word_difference *out, double *unseen) {
  const bf__words *own = sides[side].words, *other = sides[1 - side].words;
  size_t n = 0;
  for (uint32_t i = 0; i < own->n_words; ++i) {
    uint64_t hash = sides[side].hashes[i];
    uint32_t there = bf__word_find(&sides[1 - side], hash);
    double share = (double)own->words[i].count / (double)own->total, other_share = 0.0;
    if (there != BF__NOT_KEPT) {
      if (side == 1) continue; /* taken with the source */
      other_share = (double)other->words[there].count / (double)other->total;
    } else if (side == 1) {
      *unseen += share;
    }
    out[n++] = (bf_word_difference){.word = own->words[i].word,
                                    .target_share = side == 1 ? share : other_share,
                                    .source_share = side == 1 ? other_share : share,
                                    .in_target = side == 1 || there != BF__NOT_KEPT,
                                    .in_source = side == 0 || there != BF__NOT_KEPT,
                                    .nowhere = there == BF__NOT_KEPT && occurs_nowhere(&sides[1 - side], hash)};
  }
  return n;
}

/* The first SHOWN_WORDS of each sort, with words of their own. */
static bf_status keep(bf_explanation *e, const bf_word_difference *all, size_t n, bf_error *err) {
  e->words = bf__alloc(n < 3 * SHOWN_WORDS ? n : 3 * SHOWN_WORDS, sizeof *e->words);
  e->word_names = bf__alloc(n < 3 * SHOWN_WORDS ? n : 3 * SHOWN_WORDS, sizeof *e->word_names);
  if (!e->words || !e->word_names) return bf__error_memory(err, 3 * SHOWN_WORDS * sizeof *e->words);
  size_t shown[3] = {0, 0, 0};
  for (size_t i = 0; i < n; ++i) {
    if (shown[sort_of(&all[i])]++ >= SHOWN_WORDS) continue;
    bf_word_difference *w = &e->words[e->n_words];
    *w = all[i];
    snprintf(e->word_names[e->n_words], sizeof *e->word_names, "%s", all[i].word);
    w->word = e->word_names[e->n_words++];
  }
  return BF_OK;
}

bf_status bf__explain_words(bf_explanation *e, const bf_sketch *source, const bf_sketch *target, bf_error *err) {
  if (!source->words || !target->words || source->words->total == 0 || target->words->total == 0) return BF_OK;
  bf_status status = BF_OK;
  bf__word_counts sides[2] = {{0}, {0}};
  bf_word_difference *all = NULL;
  BF_TRY(bf__word_counts_init(&sides[0], source, err));
  BF_TRY(bf__word_counts_init(&sides[1], target, err));
  size_t room = (size_t)source->words->n_words + target->words->n_words, n = 0;
  all = bf__alloc(room, sizeof *all);
  if (!all) {
    status = bf__error_memory(err, room * sizeof *all);
    goto out;
  }
  n = add_side(sides, 0, all, &e->unseen_share);
  n += add_side(sides, 1, all + n, &e->unseen_share);
  if (n > 0) qsort(all, n, sizeof *all, compare_words);
  BF_TRY(keep(e, all, n, err));
out:
  free(all);
  bf__word_counts_deinit(&sides[0]);
  bf__word_counts_deinit(&sides[1]);
  return status;
}

/* --- sentences -------------------------------------------------------------------------------------------------------
 */

const char *bf__percent(double share, char text[16]) {
  double value = 100.0 * share;
  snprintf(text, 16, value >= 9.95 ? "%.0f" : "%.2g", value);
  return text;
}

/* "`a` (1.2 %), `b` (0.8 %)" of the first words of a sort; whether all are certain never to occur on the other side. */
static size_t list_words(const bf_explanation *e, word_sort sort, char *text, size_t size, bool *nowhere) {
  size_t told = 0, used = 0;
  char number[16];
  text[0] = '\0';
  *nowhere = true;
  for (size_t i = 0; i < e->n_words && told < TOLD_WORDS; ++i) {
    const bf_word_difference *w = &e->words[i];
    double share = sort == TARGET_ONLY ? w->target_share : w->source_share;
    if (sort_of(w) != sort || share < (told == 0 ? CLEAR_SHARE : CLEAR_SHARE / 2.0)) continue;
    int wrote =
        snprintf(text + used, size - used, "%s`%s` (%s %%)", told ? ", " : "", w->word, bf__percent(share, number));
    if (wrote < 0 || (size_t)wrote >= size - used) {
      text[used] = '\0';
      break;
    }
    used += (size_t)wrote;
    *nowhere = *nowhere && w->nowhere;
    ++told;
  }
  return told;
}

void bf__kept_words(const bf_sketch *sketch, char *text, size_t size) {
  if (sketch->words->n_words == BF__WORDS) {
    snprintf(text, size, "%u,%03u most frequent words", BF__WORDS / 1000, BF__WORDS % 1000);
  } else {
    snprintf(text, size, "words that occur at least %u times", sketch->min_count > 1 ? sketch->min_count : 1);
  }
}

void bf__say_words(bf_explanation *e, const bf_sketch *source, const bf_sketch *target) {
  if (e->n_words == 0) return;
  char list[200], kept[64], number[16], other[16];
  bool nowhere = false;
  bf__kept_words(source, kept, sizeof kept);
  if (list_words(e, TARGET_ONLY, list, sizeof list, &nowhere) > 0) {
    if (nowhere) {
      bf__say(e, "words of the target that the model never saw: %s", list);
    } else {
      bf__say(e, "words of the target that are not among the source's %s: %s", kept, list);
    }
  }
  if (e->unseen_share >= CLEAR_UNSEEN) {
    bool complete = source->words->n_words < BF__WORDS && source->min_count <= 1;
    bf__say(e, "at least %s %% of the target's words are %s%s", bf__percent(e->unseen_share, number),
            complete ? "words that the model never saw" : "not among the source's ", complete ? "" : kept);
  }
  bf__kept_words(target, kept, sizeof kept);
  if (list_words(e, SOURCE_ONLY, list, sizeof list, &nowhere) > 0) {
    if (nowhere) {
      bf__say(e, "words of the source that the target never has: %s", list);
    } else {
      bf__say(e, "words of the source that are not among the target's %s: %s", kept, list);
    }
  }
  for (size_t i = 0; i < e->n_words; ++i) {
    const bf_word_difference *w = &e->words[i];
    if (sort_of(w) != BOTH) continue;
    double ratio = w->target_share / w->source_share, most = fmax(w->target_share, w->source_share);
    if (most < CLEAR_SHARE || (ratio < CLEAR_RATIO && ratio > 1.0 / CLEAR_RATIO)) return;
    char times[16];
    double factor = ratio < 1.0 ? 1.0 / ratio : ratio;
    snprintf(times, sizeof times, factor >= 99.5 ? "%.0f" : "%.2g", fmin(factor, 1e9));
    bf__say(e, "`%s` is %s times %s: %s %% of the target's words, %s %% of the source's", w->word, times,
            ratio < 1.0 ? "rarer" : "as frequent", bf__percent(w->target_share, number),
            bf__percent(w->source_share, other));
    return;
  }
}
