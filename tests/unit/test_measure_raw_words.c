/* The paper's word measures on raw words against a naive implementation that shares no code with the library: its words
 * come from the wide-character functions of the C library, its dictionary from sorted strings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <locale.h>
#include <wchar.h>
#include <wctype.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/stop_words.h"
#include "make_sketch.h"
#include "measure/measure_internal.h"

enum { DICTIONARY = 300 };

/* --- the naive implementation ----------------------------------------------------------------------------------------
 */

typedef struct vocabulary {
  char **words; /* sorted by bytes, different */
  double *counts;
  size_t n;
} vocabulary;

typedef struct list {
  char **words;
  size_t n, capacity;
} list;

static void keep(list *all, const char *word, size_t n) {
  bool stop = n == 3 && memcmp(word, "nan", 3) == 0;
  for (size_t i = 0; i < bf__stop_word_count() && !stop; i++)
    stop = strlen(bf__stop_word_at(i)) == n && memcmp(bf__stop_word_at(i), word, n) == 0;
  if (stop || n == 0) return;
  if (all->n == all->capacity) {
    all->capacity = all->capacity ? 2 * all->capacity : 1024;
    all->words = realloc(all->words, all->capacity * sizeof *all->words);
    assert_non_null(all->words);
  }
  all->words[all->n++] = strndup(word, n);
}

static void add_words(list *all, bf_string text) {
  char word[1024];
  size_t used = 0;
  mbstate_t state = {0};
  for (size_t i = 0; i < text.n_bytes;) {
    wchar_t c = 0;
    size_t n = mbrtowc(&c, text.bytes + i, text.n_bytes - i, &state);
    assert_true(n != (size_t)-1 && n != (size_t)-2);
    i += n ? n : 1;
    if (iswalnum((wint_t)c) || c == L'_') {
      mbstate_t out = {0};
      assert_true(used + MB_CUR_MAX < sizeof word);
      used += wcrtomb(word + used, (wchar_t)towlower((wint_t)c), &out);
    } else {
      keep(all, word, used);
      used = 0;
    }
  }
  keep(all, word, used);
}

static int compare_strings(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static vocabulary count_list(list *all) {
  vocabulary v = {calloc(all->n + 1, sizeof *v.words), calloc(all->n + 1, sizeof *v.counts), 0};
  if (all->n) qsort(all->words, all->n, sizeof *all->words, compare_strings);
  for (size_t i = 0; i < all->n; i++) {
    if (v.n > 0 && strcmp(v.words[v.n - 1], all->words[i]) == 0) {
      free(all->words[i]);
    } else {
      v.words[v.n++] = all->words[i];
    }
    v.counts[v.n - 1]++;
  }
  free(all->words);
  return v;
}

static vocabulary vocabulary_of(const bf_documents *documents, const uint64_t *order, uint64_t first, uint64_t end) {
  list all = {0};
  for (uint64_t i = first; i < end; i++) add_words(&all, bf_documents_at(documents, order ? order[i] : i));
  return count_list(&all);
}

static void free_vocabulary(vocabulary *v) {
  for (size_t i = 0; i < v->n; i++) free(v->words[i]);
  free(v->words);
  free(v->counts);
}

static double count_of(const vocabulary *v, const char *word) {
  char **found = v->n ? bsearch(&word, v->words, v->n, sizeof *v->words, compare_strings) : NULL;
  return found ? v->counts[found - v->words] : 0;
}

typedef struct entry {
  const char *word;
  double count;
} entry;

static int compare_entries(const void *a, const void *b) {
  const entry *x = a, *y = b;
  return x->count > y->count ? -1 : x->count < y->count ? 1 : strcmp(x->word, y->word);
}

static size_t dictionary_of(const vocabulary *s, const vocabulary *t, entry out[DICTIONARY]) {
  entry *all = calloc(s->n + t->n + 1, sizeof *all);
  size_t n = 0;
  for (size_t i = 0; i < s->n; i++) all[n++] = (entry){s->words[i], s->counts[i] + count_of(t, s->words[i])};
  for (size_t i = 0; i < t->n; i++)
    if (count_of(s, t->words[i]) == 0) all[n++] = (entry){t->words[i], t->counts[i]};
  qsort(all, n, sizeof *all, compare_entries);
  if (n > DICTIONARY) n = DICTIONARY;
  memcpy(out, all, n * sizeof *out);
  free(all);
  return n;
}

/* Normalised counts, with the spare cell. */
static void vector_of(const vocabulary *v, const entry *dictionary, size_t n, double out[DICTIONARY + 1]) {
  double sum = 0;
  memset(out, 0, (DICTIONARY + 1) * sizeof *out);
  for (size_t i = 0; i < n; i++) sum += out[i] = count_of(v, dictionary[i].word);
  for (size_t i = 0; i < n && sum > 0; i++) out[i] /= sum;
  if (sum == 0) out[DICTIONARY] = 1;
}

static double kl(const double *p, const double *m) {
  double sum = 0;
  for (size_t i = 0; i <= DICTIONARY; i++)
    if (p[i] > 0) sum += p[i] * log(p[i] / m[i]);
  return sum;
}

static double jsd(const double *p, const double *q) {
  double m[DICTIONARY + 1];
  for (size_t i = 0; i <= DICTIONARY; i++) m[i] = (p[i] + q[i]) / 2;
  return (kl(p, m) + kl(q, m)) / 2;
}

static double distance(const double *p, const double *q) {
  double sum = 0;
  for (size_t i = 0; i <= DICTIONARY; i++) sum += (p[i] - q[i]) * (p[i] - q[i]);
  return sqrt(sum);
}

static void naive_jsd_and_l2(const vocabulary *s, const vocabulary *t, double *js, double *l2) {
  entry dictionary[DICTIONARY];
  double p[DICTIONARY + 1], q[DICTIONARY + 1];
  size_t n = dictionary_of(s, t, dictionary);
  vector_of(s, dictionary, n, p);
  vector_of(t, dictionary, n, q);
  *js = jsd(p, q);
  *l2 = distance(p, q);
}

static double naive_adaptivity(const bf_documents *source, const bf_documents *target, uint32_t size,
                               double threshold) {
  const bf_documents *sides[2] = {source, target};
  vocabulary whole[2];
  entry dictionary[DICTIONARY];
  double(*vectors[2])[DICTIONARY + 1], matches = 0;
  size_t n_parts[2];
  for (int i = 0; i < 2; i++) whole[i] = vocabulary_of(sides[i], NULL, 0, bf_documents_count(sides[i]));
  size_t n = dictionary_of(&whole[0], &whole[1], dictionary);
  for (int i = 0; i < 2; i++) {
    uint64_t rows = bf_documents_count(sides[i]), *order = calloc(rows, sizeof *order);
    bf__random random = bf__random_of(bf__shuffle_seed(BF_SKETCH_DEFAULT_SEED, (unsigned)i));
    for (uint64_t r = 0; r < rows; r++) order[r] = r;
    for (uint64_t r = rows - 1; r > 0; r--) {
      uint64_t j = bf__random_below(&random, r + 1), kept = order[r];
      order[r] = order[j];
      order[j] = kept;
    }
    n_parts[i] = (size_t)((rows + size - 1) / size);
    vectors[i] = calloc(n_parts[i], sizeof *vectors[i]);
    for (size_t p = 0; p < n_parts[i]; p++) {
      uint64_t end = (p + 1) * size < rows ? (p + 1) * size : rows;
      vocabulary part = vocabulary_of(sides[i], order, p * size, end);
      vector_of(&part, dictionary, n, vectors[i][p]);
      free_vocabulary(&part);
    }
    free(order);
  }
  for (size_t b = 0; b < n_parts[1]; b++)
    for (size_t a = 0; a < n_parts[0]; a++) matches += jsd(vectors[0][a], vectors[1][b]) <= threshold;
  for (int i = 0; i < 2; i++) {
    free_vocabulary(&whole[i]);
    free(vectors[i]);
  }
  return matches / (double)n_parts[1];
}

/* --- tests -----------------------------------------------------------------------------------------------------------
 */

static double raw(const char *name, const bf_documents *s, const bf_documents *t, const bf_measure_options *options) {
  double value = NAN;
  bf_error err = {0};
  if (bf_measure_raw_words(name, s, t, options, &value, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
  return value;
}

static void check_pair(const bf_documents *s, const bf_documents *t) {
  vocabulary vs = vocabulary_of(s, NULL, 0, bf_documents_count(s)),
             vt = vocabulary_of(t, NULL, 0, bf_documents_count(t));
  double js = 0, l2 = 0, both = 0;
  naive_jsd_and_l2(&vs, &vt, &js, &l2);
  assert_true(fabs(raw("paper-word-jsd", s, t, NULL) - js) <= 1e-9);
  assert_true(fabs(raw("paper-word-l2", s, t, NULL) - l2) <= 1e-9);
  for (size_t i = 0; i < vs.n; i++) both += count_of(&vt, vs.words[i]) > 0;
  assert_true(fabs(raw("minhash-jaccard", s, t, NULL) - both / ((double)vs.n + (double)vt.n - both)) <= 1e-12);
  free_vocabulary(&vs);
  free_vocabulary(&vt);
}

static void made_texts_give_what_a_naive_implementation_gives(void **state) {
  (void)state;
  static const struct {
    size_t n[2];
    uint32_t vocabulary[2], shift;
  } cases[] = {
      {{200, 300}, {50, 80}, 10}, {{700, 100}, {900, 2000}, 5}, {{1, 1}, {10, 10}, 3}, {{900, 950}, {400, 400}, 350}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    char **s = make_texts(c, cases[c].n[0], cases[c].vocabulary[0], 0);
    char **t = make_texts(c + 100, cases[c].n[1], cases[c].vocabulary[1], cases[c].shift);
    bf_documents *ds = make_documents((const char *const *)s, cases[c].n[0]);
    bf_documents *dt = make_documents((const char *const *)t, cases[c].n[1]);
    check_pair(ds, dt);
    check_pair(dt, ds);
    static const uint32_t sizes[] = {1, 50, 300};
    static const double thresholds[] = {0.01, 0.1, 0.3, 0.6};
    for (size_t i = 0; i < 3; i++)
      for (size_t j = 0; j < 4; j++) {
        bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
        options.partition_size = sizes[i];
        options.adaptivity_threshold = thresholds[j];
        assert_true(raw("paper-word-adaptivity", ds, dt, &options) ==
                    naive_adaptivity(ds, dt, sizes[i], thresholds[j]));
      }
    assert_true(raw("paper-word-adaptivity", ds, dt, NULL) == naive_adaptivity(ds, dt, 300, 0.6)); /* the defaults */
    bf_documents_free(ds);
    bf_documents_free(dt);
    free_texts(s, cases[c].n[0]);
    free_texts(t, cases[c].n[1]);
  }
}

static void small_cases_have_the_values_worked_out_by_hand(void **state) {
  (void)state;
  static const char *const one[] = {"red red blue the"}, *const other[] = {"Red green, green nan"},
                           *const apart[] = {"wood"}, *const same[] = {"blue", "RED", "red!"};
  bf_documents *a = make_documents(one, 1), *b = make_documents(other, 1), *c = make_documents(apart, 1),
               *d = make_documents(same, 3);
  /* dictionary red 3, green 2, blue 1: P = (2/3, 0, 1/3), Q = (1/3, 2/3, 0) */
  double m = 0.5, js = 0.5 * (2.0 / 3 * log(2.0 / 3 / m) + 1.0 / 3 * log(2.0)) +
                       0.5 * (1.0 / 3 * log(1.0 / 3 / m) + 2.0 / 3 * log(2.0));
  assert_true(fabs(raw("paper-word-jsd", a, b, NULL) - js) < 1e-15);
  assert_true(fabs(raw("paper-word-l2", a, b, NULL) - sqrt(1.0 / 9 + 4.0 / 9 + 1.0 / 9)) < 1e-15);
  assert_true(raw("minhash-jaccard", a, b, NULL) == 1.0 / 3.0);
  assert_true(fabs(raw("paper-word-jsd", a, c, NULL) - log(2.0)) < 1e-15); /* nothing in common */
  assert_true(fabs(raw("paper-word-l2", c, b, NULL) - sqrt(1.0 + 1.0 / 9 + 4.0 / 9)) < 1e-15);
  assert_true(raw("minhash-jaccard", a, c, NULL) == 0.0);
  assert_true(raw("paper-word-jsd", a, d, NULL) == 0.0);
  assert_true(raw("paper-word-l2", a, d, NULL) == 0.0);
  assert_true(raw("paper-word-adaptivity", a, c, NULL) == 0.0);
  assert_true(raw("paper-word-adaptivity", a, d, NULL) == 1.0);
  bf_documents_free(a);
  bf_documents_free(b);
  bf_documents_free(c);
  bf_documents_free(d);
}

static void a_partition_without_a_dictionary_word_has_its_mass_in_the_spare_cell(void **state) {
  (void)state;
  static const char *const some[] = {"the the", "red"}, *const full[] = {"red", "red"};
  bf_documents *s = make_documents(some, 2), *t = make_documents(full, 2);
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  options.partition_size = 1; /* one source partition has stop words only: ln 2 from "red" */
  options.adaptivity_threshold = 0.69;
  assert_true(raw("paper-word-adaptivity", s, t, &options) == 1.0);
  options.adaptivity_threshold = 0.7;
  assert_true(raw("paper-word-adaptivity", s, t, &options) == 2.0);
  bf_documents_free(s);
  bf_documents_free(t);
}

static void a_side_without_words_is_not_applicable_and_named(void **state) {
  (void)state;
  static const char *const none[] = {"the and", "!"}, *const some[] = {"red"};
  static const char *const NAMES[] = {"paper-word-jsd", "paper-word-l2", "paper-word-adaptivity", "minhash-jaccard"};
  bf_documents *stop = make_documents(none, 2), *full = make_documents(some, 1);
  for (size_t i = 0; i < 4; i++) {
    double value = -1;
    bf_error err = {0};
    assert_int_equal(bf_measure_raw_words(NAMES[i], stop, full, NULL, &value, &err), BF_ERR_NOT_APPLICABLE);
    assert_string_equal(err.message, "the source has no words");
    assert_int_equal(bf_measure_raw_words(NAMES[i], full, stop, NULL, &value, &err), BF_ERR_NOT_APPLICABLE);
    assert_string_equal(err.message, "the target has no words");
    assert_true(value == -1);
  }
  double value = -1;
  bf_error err = {0};
  assert_int_equal(bf_measure_raw_words("word-jsd", full, full, NULL, &value, &err), BF_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "paper-word-jsd"));
  assert_int_equal(bf_measure_raw_words("paper-word-jsd", full, NULL, NULL, &value, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_measure_raw_words("paper-word-jds", full, full, NULL, &value, &err), BF_ERR_NOT_FOUND);
  bf_documents_free(stop);
  bf_documents_free(full);
}

static void a_failing_allocation_gives_an_error_and_no_leak(void **state) {
  (void)state;
  char **texts = make_texts(3, 60, 900, 0);
  bf_documents *documents = make_documents((const char *const *)texts, 60);
  static const char *const NAMES[] = {"paper-word-jsd", "paper-word-adaptivity", "minhash-jaccard"};
  for (size_t i = 0; i < 3; i++) {
    bf_status status = BF_ERR_MEMORY;
    for (long n = 1; status == BF_ERR_MEMORY && n < 100; n++) {
      double value = 0;
      bf__alloc_fail_at(n);
      status = bf_measure_raw_words(NAMES[i], documents, documents, NULL, &value, NULL);
      bf__alloc_fail_at(0);
    }
    assert_int_equal(status, BF_OK);
  }
  bf_documents_free(documents);
  free_texts(texts, 60);
}

/* --- the paper's five sets of record pairs
 * ----------------------------------------------------------------------------
 */

static bf_documents *load_set(const char *data, const char *set, const char *split) {
  char path[512];
  snprintf(path, sizeof path, "%s/em_deepmatcher/%s/%s.txt.gz", data, set, split);
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.format = "col-val";
  bf_documents *documents = NULL;
  bf_error err = {0};
  if (bf_documents_load(path, &options, &documents, &err) != BF_OK) fail_msg("%s", err.message);
  return documents;
}

static void the_20_pairs_of_the_paper_give_what_a_naive_implementation_gives(void **state) {
  (void)state;
  static const char *const SETS[5] = {"abt_buy", "dblp_acm", "dblp_scholar", "dirty_itunes_amazon", "walmart_amazon"};
  const char *data = getenv("BESTFIT_DATA");
  if (!data) {
    print_message("skipped: BESTFIT_DATA is not set\n");
    skip();
  }
  bf_documents *source[5], *target[5];
  vocabulary vs[5], vt[5];
  for (size_t i = 0; i < 5; i++) {
    source[i] = load_set(data, SETS[i], "train");
    target[i] = load_set(data, SETS[i], "valid");
    vs[i] = vocabulary_of(source[i], NULL, 0, bf_documents_count(source[i]));
    vt[i] = vocabulary_of(target[i], NULL, 0, bf_documents_count(target[i]));
  }
  for (size_t i = 0; i < 5; i++)
    for (size_t j = 0; j < 5; j++) {
      double js = 0, l2 = 0;
      if (i == j) continue;
      naive_jsd_and_l2(&vs[i], &vt[j], &js, &l2);
      double own_js = raw("paper-word-jsd", source[i], target[j], NULL);
      double own_l2 = raw("paper-word-l2", source[i], target[j], NULL);
      print_message("  %-20s -> %-20s paper-word-jsd %.9f  paper-word-l2 %.9f\n", SETS[i], SETS[j], own_js, own_l2);
      assert_true(fabs(own_js - js) <= 1e-9);
      assert_true(fabs(own_l2 - l2) <= 1e-9);
    }
  for (size_t i = 0; i < 5; i++) {
    bf_documents_free(source[i]);
    bf_documents_free(target[i]);
    free_vocabulary(&vs[i]);
    free_vocabulary(&vt[i]);
  }
}

int main(void) {
  if (!setlocale(LC_CTYPE, "C.UTF-8")) return 77;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_cases_have_the_values_worked_out_by_hand),
      cmocka_unit_test(made_texts_give_what_a_naive_implementation_gives),
      cmocka_unit_test(a_partition_without_a_dictionary_word_has_its_mass_in_the_spare_cell),
      cmocka_unit_test(a_side_without_words_is_not_applicable_and_named),
      cmocka_unit_test(a_failing_allocation_gives_an_error_and_no_leak),
      cmocka_unit_test(the_20_pairs_of_the_paper_give_what_a_naive_implementation_gives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
