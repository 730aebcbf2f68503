/* Ranking and explanations of texts, tagged sentences, pairs of records and series. */
#include <bestfit/search.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "make_sketch.h"
#include "measure/measure_internal.h"
#include "sketch_testing.h"

static bf_explanation *explain(const bf_sketch *source, const bf_sketch *target) {
  bf_explanation *explanation = NULL;
  bf_error err = {0};
  if (bf_explain(source, target, NULL, &explanation, &err) != BF_OK) fail_msg("%s", err.message);
  return explanation;
}

static bool says(const bf_explanation *explanation, const char *text) {
  for (size_t i = 0; i < bf_explanation_sentence_count(explanation); i++)
    if (strstr(bf_explanation_sentence(explanation, i), text)) return true;
  return false;
}

static void must_say(const bf_explanation *explanation, const char *text) {
  if (says(explanation, text)) return;
  for (size_t i = 0; i < bf_explanation_sentence_count(explanation); i++)
    print_message("  %s\n", bf_explanation_sentence(explanation, i));
  fail_msg("nobody says '%s'", text);
}

static bf_sketch *texts_sketch(uint64_t seed, size_t n, uint32_t vocabulary, uint32_t shift) {
  char **texts = make_texts(seed, n, vocabulary, shift);
  bf_sketch *sketch = make_text_sketch((const char *const *)texts, n, 5);
  free_texts(texts, n);
  return sketch;
}

static void texts_are_ranked_by_their_words(void **state) {
  (void)state;
  static const char *const MEASURES[] = {"soft-adaptivity", "word-jsd", "word-xent", "tfidf-cosine", "gauss-kl-ts"};
  static const char *const IDS[4] = {"t/near", "t/far", "t/farther", "t/other"};
  static const uint32_t shifts[4] = {40, 300, 600, 1200};
  bf_candidate candidates[4];
  bf_sketch *sketches[4], *target = texts_sketch(9, 900, 2000, 0);
  for (size_t i = 0; i < 4; i++) {
    sketches[i] = texts_sketch(i + 1, 800, 2000, shifts[i]);
    candidates[i] =
        (bf_candidate){.id = IDS[i], .version = 1, .domain = IDS[i], .sketch = sketches[i], .source_accuracy = NAN};
  }
  bf_search_result *result = NULL;
  bf_error err = {0};
  assert_int_equal(bf_rank(candidates, 4, target, NULL, &result, &err), BF_OK);
  assert_int_equal(bf_search_result_count(result), 4);
  const bf_ranked *first = bf_search_result_at(result, 0);
  assert_string_equal(first->id, "t/near");
  assert_int_equal(first->n_measures, 5);
  for (size_t m = 0; m < 5; m++) {
    assert_string_equal(first->measure_names[m], MEASURES[m]);
    assert_false(isnan(first->measure_values[m]));
  }
  assert_true(first->n_reasons >= 2);
  assert_non_null(strstr(first->reasons[0], "nearest of 4 by soft-adaptivity, word-jsd"));
  bf_search_result_free(result);
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  for (size_t k = 0; bf_strategy_at(k); k++) {
    const bf_strategy_info *info = bf_strategy_at(k);
    if (strcmp(info->family, "words") != 0 || strcmp(info->name, "minhash-jaccard") == 0) continue;
    options.strategy = info->name;
    assert_int_equal(bf_rank(candidates, 4, target, &options, &result, &err), BF_OK);
    assert_string_equal(bf_search_result_at(result, 0)->id, "t/near");
    bf_search_result_free(result);
  }
  bf_sketch *numbers = make_normal_sketch(1, 100, 3, 0, 1, NULL); /* of another kind */
  candidates[0].sketch = numbers;
  assert_int_equal(bf_rank(candidates, 4, target, NULL, &result, &err), BF_OK);
  assert_int_equal(bf_search_result_count(result), 3);
  assert_non_null(strstr(bf_search_result_skipped_at(result, 0)->why, "kind features"));
  bf_search_result_free(result);
  bf_sketch_free(numbers);
  bf_sketch_free(target);
  for (size_t i = 0; i < 4; i++) bf_sketch_free(sketches[i]);
}

static void a_target_that_is_a_models_own_texts_is_warned_of(void **state) {
  (void)state;
  bf_sketch *own = texts_sketch(1, 700, 900, 0), *other = texts_sketch(2, 700, 900, 100);
  bf_candidate candidates[2] = {
      {.id = "t/own", .version = 1, .domain = "a", .sketch = own, .source_accuracy = NAN},
      {.id = "t/other", .version = 1, .domain = "b", .sketch = other, .source_accuracy = NAN}};
  bf_search_result *result = NULL;
  assert_int_equal(bf_rank(candidates, 2, own, NULL, &result, NULL), BF_OK);
  bool warned = false;
  for (size_t i = 0; i < bf_search_result_warning_count(result); i++)
    warned |= strstr(bf_search_result_warning(result, i), "equals the data of 't/own'") != NULL;
  assert_true(warned);
  bf_search_result_free(result);
  bf_sketch_free(own);
  bf_sketch_free(other);
}

static void words_that_one_side_never_has_are_listed_with_their_shares(void **state) {
  (void)state;
  static const char *const source_texts[] = {"sharp lens lens zoom", "lens cap", "battery zoom"};
  static const char *const target_texts[] = {"Gripping plot", "plot, actors; zoom", "actors plot plot"};
  bf_sketch *source = make_text_sketch(source_texts, 3, 1), *target = make_text_sketch(target_texts, 3, 1);
  bf_explanation *e = explain(source, target);
  assert_int_equal(bf_explanation_column_count(e), 0);
  assert_int_equal(bf_explanation_word_count(e), 8);
  const bf_word_difference *w = bf_explanation_word(e, 0);
  assert_string_equal(w->word, "plot"); /* 4 of the target's 8 words */
  assert_true(w->target_share == 0.5 && w->source_share == 0.0);
  assert_true(w->in_target && !w->in_source && w->nowhere);
  assert_string_equal(bf_explanation_word(e, 1)->word, "actors");
  assert_string_equal(bf_explanation_word(e, 2)->word, "gripping");
  w = bf_explanation_word(e, 3);
  assert_string_equal(w->word, "lens"); /* 3 of the source's 8 */
  assert_true(w->source_share == 0.375 && w->target_share == 0.0 && !w->in_target && w->in_source && w->nowhere);
  w = bf_explanation_word(e, 7);
  assert_string_equal(w->word, "zoom");
  assert_true(w->in_target && w->in_source && !w->nowhere);
  assert_true(w->target_share == 0.125 && w->source_share == 0.25);
  assert_null(bf_explanation_word(e, 8));
  assert_true(bf_explanation_unseen_share(e) == 0.875);
  must_say(e, "words of the target that the model never saw: `plot` (50 %), `actors` (25 %), `gripping` (12 %)");
  must_say(e, "words of the source that the target never has: `lens` (38 %)");
  must_say(e, "at least 88 % of the target's words are words that the model never saw");
  bf_explanation_free(e);
  bf_sketch_free(source);
  bf_sketch_free(target);
}

static void sketches_that_drop_rare_words_promise_no_more_than_they_know(void **state) {
  (void)state;
  bf_sketch *source = texts_sketch(1, 4000, 20000, 0), *target = texts_sketch(2, 300, 20000, 8000);
  assert_int_equal(source->words->n_words, 1000);
  assert_true(target->words->n_words < 1000);
  bf_explanation *e = explain(source, target);
  size_t sorts[3] = {0, 0, 0}, last = 0;
  for (size_t i = 0; i < bf_explanation_word_count(e); i++) {
    const bf_word_difference *w = bf_explanation_word(e, i);
    size_t sort = !w->in_source ? 0 : !w->in_target ? 1 : 2;
    assert_true(sort >= last);
    last = sort;
    sorts[sort]++;
    assert_true(w->target_share >= 0.0 && w->target_share <= 1.0 && w->source_share >= 0.0 && w->source_share <= 1.0);
  }
  assert_true(sorts[0] > 0 && sorts[0] <= 64 && sorts[1] == 64 && sorts[2] <= 64);
  must_say(e, "words of the target that are not among the source's 1,000 most frequent words: `");
  must_say(e, "words of the source that are not among the target's words that occur at least 5 times: `");
  must_say(e, " % of the target's words are not among the source's 1,000 most frequent words");
  assert_false(says(e, "never saw"));
  bf_explanation_free(e);
  bf_sketch_free(source);
  bf_sketch_free(target);
}

static void equal_texts_have_no_word_to_tell(void **state) {
  (void)state;
  bf_sketch *a = texts_sketch(1, 800, 300, 0), *b = texts_sketch(2, 800, 300, 0);
  bf_explanation *e = explain(a, b);
  assert_true(bf_explanation_unseen_share(e) < 0.02);
  assert_false(says(e, "times as frequent"));
  assert_false(says(e, "never saw"));
  bf_explanation_free(e);
  bf_sketch *numbers[2] = {make_normal_sketch(1, 200, 3, 0, 1, NULL), make_normal_sketch(2, 200, 3, 0, 1, NULL)};
  e = explain(numbers[0], numbers[1]);
  assert_int_equal(bf_explanation_word_count(e), 0);
  assert_true(isnan(bf_explanation_unseen_share(e)));
  assert_null(bf_explanation_word(e, 0));
  bf_explanation_free(e);
  bf_sketch_free(a);
  bf_sketch_free(b);
  bf_sketch_free(numbers[0]);
  bf_sketch_free(numbers[1]);
}

/* --- pairs -----------------------------------------------------------------------------------------------------------
 */

/* n pairs of one attribute, the right one with `kept` of the left one's 10 words. */
static bf_sketch *pair_sketch(uint64_t seed, size_t n, size_t kept, const char *stem) {
  bf_pair *pairs = calloc(n, sizeof *pairs);
  bf_field *fields = calloc(2 * n, sizeof *fields);
  char(*texts)[2][200] = calloc(n, sizeof *texts);
  bf__random random = bf__random_of(seed);
  for (size_t i = 0; i < n; i++) {
    size_t used[2] = {0, 0};
    for (size_t w = 0; w < 10; w++) {
      unsigned word = (unsigned)bf__random_below(&random, 200), other = (unsigned)bf__random_below(&random, 200);
      used[0] += (size_t)snprintf(texts[i][0] + used[0], 20, "%s%u ", stem, word);
      used[1] += (size_t)snprintf(texts[i][1] + used[1], 20, "%s%u ", stem, w < kept ? word : other);
    }
    for (size_t side = 0; side < 2; side++)
      fields[2 * i + side] = (bf_field){.name = {"title", 5}, .value = {texts[i][side], (uint32_t)used[side]}};
    pairs[i] = (bf_pair){{&fields[2 * i], 1}, {&fields[2 * i + 1], 1}};
  }
  testing_data data = {.kind = BF_KIND_PAIR, .n_rows = n, .pairs = pairs};
  testing_how how = {.min_count = 5};
  bf_sketch *sketch = testing_sketch(&data, &how);
  free(pairs);
  free(fields);
  free(texts);
  return sketch;
}

static void pairs_are_explained_by_their_named_similarities_and_unseen_words(void **state) {
  (void)state;
  bf_sketch *source = pair_sketch(1, 400, 8, "lens"), *target = pair_sketch(2, 300, 2, "book");
  bf_explanation *e = explain(source, target);
  assert_int_equal(bf_explanation_column_count(e), 16);
  for (size_t i = 0; i < 16; i++) assert_null(strstr(bf_explanation_column(e, i)->name, "text."));
  const bf_column_difference *row = NULL;
  for (size_t i = 0; i < 16; i++)
    if (strcmp(bf_explanation_column(e, i)->name, "words.jaccard") == 0) row = bf_explanation_column(e, i);
  assert_non_null(row);
  assert_true(row->target_mean < 0.2 && row->source_mean > 0.6 && row->shift < -1.0 && row->unit_factor == 0.0);
  must_say(e, " is lower: mean 0.");
  must_say(e, "of 16 similarities differ clearly");
  must_say(e, "at least 100 % of the target's words are not among the source's words that occur at least 5 times");
  bf_explanation_free(e);
  bf_candidate candidates[2] = {{.id = "p/a", .version = 1, .domain = "a", .sketch = source, .source_accuracy = NAN},
                                {.id = "p/b", .version = 1, .domain = "b", .sketch = target, .source_accuracy = NAN}};
  bf_search_result *result = NULL;
  bf_sketch *third = pair_sketch(3, 300, 2, "book");
  assert_int_equal(bf_rank(candidates, 2, third, NULL, &result, NULL), BF_OK);
  assert_string_equal(bf_search_result_at(result, 0)->id, "p/b");
  assert_string_equal(bf_search_result_at(result, 0)->measure_names[0], "mmd"); /* the dense measures */
  bf_search_result_free(result);
  bf_sketch_free(source);
  bf_sketch_free(target);
  bf_sketch_free(third);
}

/* --- tagged sentences and series -------------------------------------------------------------------------------------
 */

static bf_sketch *tagged_sketch(uint64_t seed, size_t n, uint32_t shift) {
  char **texts = make_texts(seed, n, 400, shift);
  bf_sentence *sentences = calloc(n, sizeof *sentences);
  bf_string *tokens = calloc(n * 32, sizeof *tokens);
  for (size_t i = 0; i < n; i++) {
    bf_string *own = tokens + i * 32;
    uint32_t n_tokens = 0;
    for (char *word = strtok(texts[i], " "); word; word = strtok(NULL, " "))
      own[n_tokens++] = (bf_string){word, (uint32_t)strlen(word)};
    sentences[i] = (bf_sentence){own, NULL, n_tokens};
  }
  testing_data data = {.kind = BF_KIND_TAGGED, .n_rows = n, .sentences = sentences};
  testing_how how = {.min_count = 1};
  bf_sketch *sketch = testing_sketch(&data, &how);
  free(sentences);
  free(tokens);
  free_texts(texts, n);
  return sketch;
}

static void tagged_sentences_are_ranked_and_explained_by_their_words(void **state) {
  (void)state;
  bf_sketch *near = tagged_sketch(1, 300, 10), *far = tagged_sketch(2, 300, 200), *target = tagged_sketch(3, 200, 0);
  bf_candidate candidates[2] = {{.id = "g/far", .version = 1, .domain = "a", .sketch = far, .source_accuracy = NAN},
                                {.id = "g/near", .version = 1, .domain = "b", .sketch = near, .source_accuracy = NAN}};
  bf_search_result *result = NULL;
  assert_int_equal(bf_rank(candidates, 2, target, NULL, &result, NULL), BF_OK);
  assert_string_equal(bf_search_result_at(result, 0)->id, "g/near");
  assert_string_equal(bf_search_result_at(result, 0)->measure_names[1], "word-jsd");
  bf_search_result_free(result);
  bf_explanation *e = explain(far, target);
  assert_true(bf_explanation_word_count(e) > 0);
  must_say(e, "times rarer: ");
  bf_explanation_free(e);
  bf_sketch_free(near);
  bf_sketch_free(far);
  bf_sketch_free(target);
}

static bf_sketch *series_sketch(uint64_t seed, double factor) {
  enum { N = 300, STEPS = 32, CHANNELS = 2 };
  float *cells = calloc((size_t)N * STEPS * CHANNELS, sizeof *cells);
  bf__random random = bf__random_of(seed);
  for (size_t i = 0; i < (size_t)N * STEPS * CHANNELS; i++) {
    double x = bf__random_normal(&random);
    cells[i] = (float)(i % CHANNELS == 0 ? factor * (5.0 + x) : x);
  }
  testing_data data = {.kind = BF_KIND_SERIES, .n_rows = N, .n_steps = STEPS, .n_channels = CHANNELS, .cells = cells};
  testing_how how = {.min_count = 1};
  bf_sketch *sketch = testing_sketch(&data, &how);
  free(cells);
  return sketch;
}

static void series_are_explained_by_the_statistics_of_their_channels_and_suspected_units(void **state) {
  (void)state;
  bf_sketch *source = series_sketch(1, 1.0), *target = series_sketch(2, 9.80665);
  bf_explanation *e = explain(source, target);
  assert_int_equal(bf_explanation_column_count(e), 32);
  bool mean_suspected = false;
  for (size_t i = 0; i < 32; i++) {
    const bf_column_difference *row = bf_explanation_column(e, i);
    if (strcmp(row->name, "ch0.mean") == 0) mean_suspected = fabs(row->unit_factor - 9.80665) < 1e-9;
    if (strstr(row->name, ".power") || strstr(row->name, ".crossings")) assert_true(row->unit_factor == 0.0);
    if (strncmp(row->name, "ch1.", 4) == 0) assert_true(row->unit_factor == 0.0 && row->jsd < 0.1);
  }
  assert_true(mean_suspected);
  must_say(e, "m/s2 for g");
  must_say(e, "statistics of the channels differ clearly");
  bf_explanation_free(e);
  bf_sketch_free(source);
  bf_sketch_free(target);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(texts_are_ranked_by_their_words),
      cmocka_unit_test(a_target_that_is_a_models_own_texts_is_warned_of),
      cmocka_unit_test(words_that_one_side_never_has_are_listed_with_their_shares),
      cmocka_unit_test(sketches_that_drop_rare_words_promise_no_more_than_they_know),
      cmocka_unit_test(equal_texts_have_no_word_to_tell),
      cmocka_unit_test(pairs_are_explained_by_their_named_similarities_and_unseen_words),
      cmocka_unit_test(tagged_sentences_are_ranked_and_explained_by_their_words),
      cmocka_unit_test(series_are_explained_by_the_statistics_of_their_channels_and_suspected_units),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
