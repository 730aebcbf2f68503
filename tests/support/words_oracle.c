#include "words_oracle.h"

/* cmocka.h needs the others before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/words.h"

#define DICTIONARY 300

/* --- reading ---------------------------------------------------------------------------------------------------------
 */

typedef struct token_list {
  char **words;
  size_t n, capacity;
} token_list;

static void add_token(void *context, const char *word, size_t n) {
  token_list *list = context;
  if (list->n == list->capacity) {
    list->capacity = list->capacity ? 2 * list->capacity : 1024;
    list->words = realloc(list->words, list->capacity * sizeof *list->words);
    assert_non_null(list->words);
  }
  list->words[list->n] = strndup(word, n);
  assert_non_null(list->words[list->n++]);
}

static int compare_strings(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

raw_words *raw_words_make(bf_documents *const *documents, size_t n_domains) {
  raw_words *w = calloc(1, sizeof *w);
  assert_non_null(w);
  assert_true(n_domains <= RAW_MAX_DOMAINS);
  token_list lists[RAW_MAX_DOMAINS] = {0}, all = {0};
  w->n_domains = n_domains;
  for (size_t d = 0; d < n_domains; d++) {
    w->n_rows[d] = (size_t)bf_documents_count(documents[d]);
    w->starts[d] = calloc(w->n_rows[d] + 1, sizeof *w->starts[d]);
    assert_non_null(w->starts[d]);
    for (size_t i = 0; i < w->n_rows[d]; i++) {
      bf_string text = bf_documents_at(documents[d], i);
      bf__each_word(text.bytes, text.n_bytes, BF__WORDS_OWN, add_token, &lists[d]);
      w->starts[d][i + 1] = lists[d].n;
    }
    all.words = realloc(all.words, (all.n + lists[d].n + 1) * sizeof *all.words);
    assert_non_null(all.words);
    memcpy(all.words + all.n, lists[d].words, lists[d].n * sizeof *all.words);
    all.n += lists[d].n;
  }
  qsort(all.words, all.n, sizeof *all.words, compare_strings);
  for (size_t i = 0; i < all.n; i++)
    if (w->n_words == 0 || strcmp(all.words[w->n_words - 1], all.words[i]) != 0) all.words[w->n_words++] = all.words[i];
  w->words = calloc(w->n_words, sizeof *w->words);
  for (size_t i = 0; i < w->n_words; i++) w->words[i] = strdup(all.words[i]);
  for (size_t d = 0; d < n_domains; d++) {
    w->counts[d] = calloc(w->n_words, sizeof *w->counts[d]);
    w->documents[d] = calloc(w->n_words, sizeof *w->documents[d]);
    w->tokens[d] = calloc(lists[d].n + 1, sizeof *w->tokens[d]);
    size_t *last = calloc(w->n_words, sizeof *last);
    w->totals[d] = (double)lists[d].n;
    for (size_t row = 0; row < w->n_rows[d]; row++)
      for (size_t t = w->starts[d][row]; t < w->starts[d][row + 1]; t++) {
        char **found = bsearch(&lists[d].words[t], w->words, w->n_words, sizeof *w->words, compare_strings);
        size_t word = (size_t)(found - w->words);
        w->tokens[d][t] = (uint32_t)word;
        w->counts[d][word]++;
        if (last[word] != row + 1) w->documents[d][word]++;
        last[word] = row + 1;
      }
    free(last);
  }
  for (size_t d = 0; d < n_domains; d++) {
    for (size_t t = 0; t < lists[d].n; t++) free(lists[d].words[t]);
    free(lists[d].words);
  }
  free(all.words);
  return w;
}

void raw_words_free(raw_words *w) {
  for (size_t i = 0; i < w->n_words; i++) free(w->words[i]);
  for (size_t d = 0; d < w->n_domains; d++) {
    free(w->counts[d]);
    free(w->documents[d]);
    free(w->tokens[d]);
    free(w->starts[d]);
  }
  free(w->words);
  free(w);
}

/* --- measures --------------------------------------------------------------------------------------------------------
 */

/* Numbers of the words with the largest weights, ties by number (bytes); returns how many. */
static size_t top_words(const double *weights, size_t n, size_t *out) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    if (!(weights[i] > 0)) continue;
    if (kept == DICTIONARY && weights[i] <= weights[out[kept - 1]]) continue;
    size_t at = kept < DICTIONARY ? kept++ : kept - 1;
    for (; at > 0 && weights[out[at - 1]] < weights[i]; at--) out[at] = out[at - 1];
    out[at] = i;
  }
  return kept;
}

static double jsd(const double *p, const double *q, size_t n) {
  double sum_p = 0, sum_q = 0, js = 0;
  for (size_t i = 0; i < n; i++) {
    sum_p += p[i];
    sum_q += q[i];
  }
  if (!(sum_p > 0) || !(sum_q > 0)) return sum_p > 0 || sum_q > 0 ? log(2) : 0; /* a spare cell takes all mass */
  for (size_t i = 0; i < n; i++) {
    double a = p[i] / sum_p, b = q[i] / sum_q, m = (a + b) / 2;
    if (a > 0) js += a * log(a / m) / 2;
    if (b > 0) js += b * log(b / m) / 2;
  }
  return js;
}

double raw_word_jsd(const raw_words *w, size_t source, size_t target) {
  double *weights = calloc(w->n_words, sizeof *weights), p[DICTIONARY], q[DICTIONARY];
  size_t top[DICTIONARY];
  for (size_t i = 0; i < w->n_words; i++)
    weights[i] = w->counts[source][i] / w->totals[source] + w->counts[target][i] / w->totals[target];
  size_t n = top_words(weights, w->n_words, top);
  for (size_t i = 0; i < n; i++) {
    p[i] = w->counts[source][top[i]];
    q[i] = w->counts[target][top[i]];
  }
  free(weights);
  return jsd(p, q, n);
}

double raw_word_xent(const raw_words *w, const int *use, size_t source, size_t target) {
  double vocabulary = 0, sum = 0;
  for (size_t i = 0; i < w->n_words; i++) {
    int any = 0;
    for (size_t d = 0; d < w->n_domains; d++) any |= use[d] && w->counts[d][i] > 0;
    vocabulary += any;
  }
  for (size_t i = 0; i < w->n_words; i++)
    if (w->counts[target][i] > 0)
      sum -= w->counts[target][i] / w->totals[target] *
             log((w->counts[source][i] + 0.1) / (w->totals[source] + 0.1 * vocabulary));
  return sum;
}

double raw_tfidf_cosine(const raw_words *w, const int *use, size_t source, size_t target) {
  double n_used = 0, dot = 0, s = 0, t = 0;
  for (size_t d = 0; d < w->n_domains; d++) n_used += use[d];
  for (size_t i = 0; i < w->n_words; i++) {
    double df = 0;
    for (size_t d = 0; d < w->n_domains; d++)
      if (use[d]) df += w->documents[d][i] / (double)w->n_rows[d] / n_used;
    double idf = log(1 + 1 / (df + 1e-3));
    double a = log(1 + w->counts[source][i]) * idf, b = log(1 + w->counts[target][i]) * idf;
    dot += a * b;
    s += a * a;
    t += b * b;
  }
  return dot / sqrt(s * t);
}

typedef struct partitioned {
  size_t n;
  double (*counts)[DICTIONARY];
} partitioned;

static partitioned cut(const raw_words *w, size_t d, const size_t *entry, size_t partition_size) {
  partitioned out = {.n = (w->n_rows[d] + partition_size - 1) / partition_size};
  out.counts = calloc(out.n ? out.n : 1, sizeof *out.counts);
  size_t *order = calloc(w->n_rows[d] + 1, sizeof *order);
  bf__random random = bf__random_of(d + 1);
  for (size_t i = 0; i < w->n_rows[d]; i++) {
    size_t j = (size_t)bf__random_below(&random, i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  for (size_t i = 0; i < w->n_rows[d]; i++)
    for (size_t t = w->starts[d][order[i]]; t < w->starts[d][order[i] + 1]; t++)
      if (entry[w->tokens[d][t]]) out.counts[i / partition_size][entry[w->tokens[d][t]] - 1]++;
  free(order);
  return out;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

void raw_soft_adaptivity(const raw_words *w, const int *use, size_t target, size_t partition_size, double *values) {
  double *weights = calloc(w->n_words, sizeof *weights);
  size_t *entry = calloc(w->n_words, sizeof *entry), top[DICTIONARY], n_pairs = 0;
  for (size_t d = 0; d < w->n_domains; d++)
    for (size_t i = 0; use[d] && i < w->n_words; i++) weights[i] += w->counts[d][i] / w->totals[d];
  size_t n = top_words(weights, w->n_words, top);
  for (size_t i = 0; i < n; i++) entry[top[i]] = i + 1;
  partitioned t = cut(w, target, entry, partition_size), s[RAW_MAX_DOMAINS] = {0};
  for (size_t d = 0; d < w->n_domains; d++) {
    if (use[d]) s[d] = cut(w, d, entry, partition_size);
    n_pairs += s[d].n * t.n;
  }
  double *all = calloc(n_pairs + 1, sizeof *all), *sorted = calloc(n_pairs + 1, sizeof *sorted);
  size_t at = 0;
  for (size_t d = 0; d < w->n_domains; d++)
    for (size_t b = 0; b < t.n; b++)
      for (size_t a = 0; a < s[d].n; a++) all[at++] = jsd(s[d].counts[a], t.counts[b], n);
  memcpy(sorted, all, n_pairs * sizeof *all);
  qsort(sorted, n_pairs, sizeof *sorted, compare_doubles);
  double tau = n_pairs ? (sorted[(n_pairs - 1) / 2] + sorted[n_pairs / 2]) / 2 : 1;
  at = 0;
  for (size_t d = 0; d < w->n_domains; d++) {
    values[d] = 0;
    for (size_t b = 0; b < t.n; b++) {
      double best = 0;
      for (size_t a = 0; a < s[d].n; a++) best = fmax(best, exp(-all[at++] / tau));
      values[d] += best / (double)t.n;
    }
    free(s[d].counts);
  }
  free(t.counts);
  free(all);
  free(sorted);
  free(weights);
  free(entry);
}
