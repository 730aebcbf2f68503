/* The word measures on sketches against a plain re-implementation on raw words (tests/support/words_oracle.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "make_sketch.h"
#include "measure/measure_internal.h"
#include "words_oracle.h"

enum { N_SIDES = 4 };

/* Four text sources of one kind; all words are kept where the vocabulary is small. */
typedef struct sides {
  char **texts[N_SIDES];
  size_t n[N_SIDES];
  bf_sketch *sketches[N_SIDES];
  bf_documents *documents[N_SIDES];
  raw_words *raw;
  bf_frame *frame;
  bf_prepared *prepared[N_SIDES];
} sides;

static sides *make_sides(uint32_t vocabulary, uint32_t min_count) {
  sides *all = calloc(1, sizeof *all);
  assert_non_null(all);
  for (uint32_t i = 0; i < N_SIDES; i++) {
    all->n[i] = 1200 + 900 * i;
    all->texts[i] = make_texts(i + 1, all->n[i], vocabulary, i * vocabulary / 10);
    const char *const *texts = (const char *const *)all->texts[i];
    all->sketches[i] = make_text_sketch(texts, all->n[i], min_count);
    all->documents[i] = make_documents(texts, all->n[i]);
  }
  all->raw = raw_words_make(all->documents, N_SIDES);
  bf_error err = {0};
  if (bf_frame_create((const bf_sketch *const *)all->sketches, N_SIDES, NULL, &all->frame, &err) != BF_OK)
    fail_msg("%s", err.message);
  for (size_t i = 0; i < N_SIDES; i++)
    assert_int_equal(bf_prepared_create(all->frame, all->sketches[i], &all->prepared[i], &err), BF_OK);
  return all;
}

static void free_sides(sides *all) {
  for (size_t i = 0; i < N_SIDES; i++) {
    bf_prepared_free(all->prepared[i]);
    bf_sketch_free(all->sketches[i]);
    bf_documents_free(all->documents[i]);
    free_texts(all->texts[i], all->n[i]);
  }
  bf_frame_free(all->frame);
  raw_words_free(all->raw);
  free(all);
}

static double value_of(const char *name, const bf_prepared *source, const bf_prepared *target) {
  double value = NAN;
  bf_error err = {0};
  if (bf_measure(name, source, target, &value, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
  return value;
}

static double raw_value(const char *name, const sides *all, size_t s, size_t t) {
  double value = NAN;
  bf_error err = {0};
  if (bf_measure_raw_words(name, all->documents[s], all->documents[t], NULL, &value, &err) != BF_OK)
    fail_msg("%s: %s", name, err.message);
  return value;
}

static const int ALL[N_SIDES] = {1, 1, 1, 1};

static void where_every_word_is_kept_sketches_give_the_values_of_raw_words(void **state) {
  (void)state;
  sides *all = make_sides(250, 1);
  for (size_t s = 0; s < N_SIDES; s++)
    for (size_t t = 0; t < N_SIDES; t++) {
      const bf_prepared *a = all->prepared[s], *b = all->prepared[t];
      assert_int_equal(all->sketches[s]->words->n_words, 250);
      assert_true(fabs(value_of("word-jsd", a, b) - raw_word_jsd(all->raw, s, t)) < 1e-12);
      assert_true(fabs(value_of("tfidf-cosine", a, b) - raw_tfidf_cosine(all->raw, ALL, s, t)) < 1e-12);
      assert_true(fabs(value_of("paper-word-jsd", a, b) - raw_value("paper-word-jsd", all, s, t)) < 1e-12);
      assert_true(fabs(value_of("paper-word-l2", a, b) - raw_value("paper-word-l2", all, s, t)) < 1e-12);
      assert_true(value_of("minhash-jaccard", a, b) == 1.0);
      /* the size of the vocabulary is an estimate, 250 to 250 * 4 */
      assert_true(fabs(value_of("word-xent", a, b) - raw_word_xent(all->raw, ALL, s, t)) < 5e-3);
    }
  free_sides(all);
}

static void where_rare_words_are_dropped_sketches_come_near(void **state) {
  (void)state;
  static const uint32_t min_counts[2] = {1, 5};
  for (size_t k = 0; k < 2; k++) {
    sides *all = make_sides(5000, min_counts[k]);
    for (size_t s = 0; s < N_SIDES; s++)
      for (size_t t = 0; t < N_SIDES; t++) {
        const bf_prepared *a = all->prepared[s], *b = all->prepared[t];
        double jsd = value_of("word-jsd", a, b), cosine = value_of("tfidf-cosine", a, b);
        double jaccard = raw_value("minhash-jaccard", all, s, t);
        assert_true(fabs(jsd - raw_word_jsd(all->raw, s, t)) < 0.02);
        assert_true(fabs(value_of("paper-word-jsd", a, b) - raw_value("paper-word-jsd", all, s, t)) < 0.02);
        assert_true(fabs(value_of("paper-word-l2", a, b) - raw_value("paper-word-l2", all, s, t)) < 0.02);
        assert_true(fabs(cosine - raw_tfidf_cosine(all->raw, ALL, s, t)) < 0.15);
        assert_true(fabs(value_of("word-xent", a, b) / raw_word_xent(all->raw, ALL, s, t) - 1.0) < 0.15);
        assert_true(fabs(value_of("minhash-jaccard", a, b) - jaccard) <= 4.0 * sqrt(jaccard * (1.0 - jaccard) / 128.0));
      }
    free_sides(all);
  }
}

static void the_expected_count_of_a_word_that_is_not_kept_is_within_what_is_known(void **state) {
  (void)state;
  sides *all = make_sides(5000, 5);
  const bf__word_counts *counts = &all->prepared[0]->words;
  double error = 0, zeros = 0, n = 0;
  assert_true(counts->limit == 4.0); /* fewer than 1,000 words occur five times */
  for (uint32_t i = 0; i < 5000; i++) {
    char word[16];
    snprintf(word, sizeof word, "w%u", i);
    uint64_t hash = bf__xxh64(word, strlen(word), 0);
    double truth = 0;
    for (size_t w = 0; w < all->raw->n_words; w++)
      if (strcmp(all->raw->words[w], word) == 0) truth = all->raw->counts[0][w];
    double guess = bf__word_expected(counts, hash, 1.0, 1.0);
    if (bf__word_find(counts, hash) != BF__NOT_KEPT) {
      assert_true(guess == truth);
      continue;
    }
    assert_true(truth < 5.0 && guess >= 0.0 && guess <= 4.0);
    assert_true(bf__word_expected(counts, hash, 0.0, 0.0) == 0.0);
    error += (guess - truth) * (guess - truth);
    zeros += truth * truth;
    n++;
  }
  assert_true(n > 1000 && error < 0.5 * zeros); /* better than taking it for absent */
  free_sides(all);
}

static void nearer_vocabularies_measure_nearer(void **state) {
  (void)state;
  sides *all = make_sides(3000, 5); /* side i is turned by i tenths */
  static const char *const NAMES[] = {"word-jsd",        "word-xent",      "tfidf-cosine",
                                      "soft-adaptivity", "paper-word-jsd", "paper-word-l2"};
  for (size_t k = 0; k < sizeof NAMES / sizeof *NAMES; k++) {
    const bf_strategy_info *info = NULL;
    assert_int_equal(bf_strategy_find(NAMES[k], &info, NULL), BF_OK);
    double sign = info->direction == BF_HIGHER_IS_CLOSER ? 1.0 : -1.0;
    double itself = sign * value_of(NAMES[k], all->prepared[0], all->prepared[0]);
    double near = sign * value_of(NAMES[k], all->prepared[1], all->prepared[0]);
    double far = sign * value_of(NAMES[k], all->prepared[3], all->prepared[0]);
    if (!(itself > near && near > far)) fail_msg("%s: %g, %g, %g", NAMES[k], itself, near, far);
  }
  free_sides(all);
}

static void soft_adaptivity_is_the_mean_of_the_nearest_partitions_in_units_of_the_median(void **state) {
  (void)state;
  sides *all = make_sides(800, 1);
  const bf_prepared *s = all->prepared[1], *t = all->prepared[2];
  double sum = 0;
  assert_int_equal(s->soft.n, 7); /* 2,100 rows in partitions of 300 */
  assert_int_equal(t->soft.n, 10);
  assert_int_equal(all->frame->pooled.n, 4 + 7 + 10 + 13);
  for (size_t b = 0; b < t->soft.n; b++) {
    double nearest = 1.0;
    for (size_t a = 0; a < s->soft.n; a++) {
      nearest =
          fmin(nearest, bf__jsd(s->soft.shares + a * s->soft.width, t->soft.shares + b * t->soft.width, s->soft.width));
    }
    sum += exp(-nearest / t->tau);
  }
  assert_true(fabs(value_of("soft-adaptivity", s, t) - sum / (double)t->soft.n) < 1e-9);
  size_t below = 0, n = all->frame->pooled.n * t->soft.n;
  for (size_t p = 0; p < all->frame->pooled.n; p++)
    for (size_t b = 0; b < t->soft.n; b++)
      below += bf__jsd(all->frame->pooled.shares + p * s->soft.width, t->soft.shares + b * s->soft.width,
                       s->soft.width) < t->tau;
  assert_true(below >= n / 2 - 1 && below <= n / 2 + 1); /* tau is the median */
  free_sides(all);
}

static void partitions_of_numbers_serve_soft_adaptivity_of_features(void **state) {
  (void)state;
  bf_sketch *sketches[3];
  for (size_t i = 0; i < 3; i++) sketches[i] = make_normal_sketch(i + 1, 2000, 4, 0.0, 1.0 + (double)i, NULL);
  bf_frame *frame = NULL;
  assert_int_equal(bf_frame_create((const bf_sketch *const *)sketches, 3, NULL, &frame, NULL), BF_OK);
  bf_prepared *prepared[3];
  for (size_t i = 0; i < 3; i++) assert_int_equal(bf_prepared_create(frame, sketches[i], &prepared[i], NULL), BF_OK);
  assert_true(value_of("soft-adaptivity", prepared[0], prepared[0]) == 1.0);
  double near = value_of("soft-adaptivity", prepared[1], prepared[0]);
  assert_true(near > 0.0 && near < 1.0);
  double value = -1.0;
  bf_error err = {0};
  assert_int_equal(bf_measure("word-jsd", prepared[0], prepared[1], &value, &err), BF_ERR_NOT_APPLICABLE);
  assert_string_equal(err.message, "the source's sketch has no words");
  for (size_t i = 0; i < 3; i++) {
    bf_prepared_free(prepared[i]);
    bf_sketch_free(sketches[i]);
  }
  bf_frame_free(frame);
}

static void papers_word_adaptivity_counts_pairs_of_partitions_up_to_the_threshold(void **state) {
  (void)state;
  sides *all = make_sides(800, 1);
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  static const struct {
    uint32_t size;
    double threshold, expected;
  } cases[] = {{0, 0.0, 4.0}, {0, 0.7, 4.0}, {0, 1e-9, 0.0}, {600, 0.7, 2.0}, {1, 0.7, 16.0}, {100000, 0.7, 1.0}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    options.partition_size = cases[c].size;
    options.adaptivity_threshold = cases[c].threshold;
    bf_frame *frame = NULL;
    bf_prepared *s = NULL, *t = NULL;
    assert_int_equal(bf_frame_create((const bf_sketch *const *)all->sketches, 2, &options, &frame, NULL), BF_OK);
    assert_int_equal(bf_prepared_create(frame, all->sketches[0], &s, NULL), BF_OK);
    assert_int_equal(bf_prepared_create(frame, all->sketches[1], &t, NULL), BF_OK);
    assert_true(value_of("paper-word-adaptivity", s, t) == cases[c].expected); /* 1,200 rows: 4 partitions of 300 */
    bf_prepared_free(s);
    bf_prepared_free(t);
    bf_frame_free(frame);
  }
  free_sides(all);
}

static void texts_without_words_are_not_applicable_with_the_side(void **state) {
  (void)state;
  static const char *const stop[] = {"the and", "of it"}, *const some[] = {"red wood", "red stone"};
  static const char *const rare[] = {"seldom"};
  bf_sketch *sketches[4] = {make_text_sketch(some, 2, 1), make_text_sketch(stop, 2, 1), make_text_sketch(rare, 1, 5),
                            make_text_sketch(some, 0, 1)};
  bf_frame *frame = NULL;
  assert_int_equal(bf_frame_create((const bf_sketch *const *)sketches, 4, NULL, &frame, NULL), BF_OK);
  bf_prepared *prepared[4];
  for (size_t i = 0; i < 4; i++) assert_int_equal(bf_prepared_create(frame, sketches[i], &prepared[i], NULL), BF_OK);
  for (size_t k = 0; bf__strategy_at(k); k++) {
    const bf_strategy_info *info = bf__strategy_at(k);
    if (strcmp(info->family, "words") != 0 && !info->has_raw_words) continue;
    for (size_t i = 1; i < 4; i += 2) {
      double value = -1.0;
      bf_error err = {0};
      assert_int_equal(bf_measure(info->name, prepared[0], prepared[i], &value, &err), BF_ERR_NOT_APPLICABLE);
      assert_non_null(strstr(err.message, "the target"));
      assert_int_equal(bf_measure(info->name, prepared[i], prepared[0], &value, &err), BF_ERR_NOT_APPLICABLE);
      assert_non_null(strstr(err.message, "the source"));
      assert_true(value == -1.0);
    }
  }
  double value = -1.0;
  bf_error err = {0};
  assert_int_equal(bf_measure("word-jsd", prepared[2], prepared[2], &value, &err), BF_ERR_NOT_APPLICABLE);
  assert_non_null(strstr(err.message, "frequent enough"));
  assert_true(fabs(value_of("word-jsd", prepared[0], prepared[2]) - log(2.0)) < 1e-12); /* in the spare cell */
  for (size_t i = 0; i < 4; i++) {
    bf_prepared_free(prepared[i]);
    bf_sketch_free(sketches[i]);
  }
  bf_frame_free(frame);
}

static void a_frame_of_many_sources_pools_some_of_them(void **state) {
  (void)state;
  enum { MANY = 150 };
  bf_sketch *sketches[MANY];
  for (size_t i = 0; i < MANY; i++) {
    char **texts = make_texts(i, 60, 400, (uint32_t)(i % 7) * 20);
    sketches[i] = make_text_sketch((const char *const *)texts, 60, 1);
    free_texts(texts, 60);
  }
  bf_frame *frame = NULL;
  bf_prepared *s = NULL, *t = NULL;
  assert_int_equal(bf_frame_create((const bf_sketch *const *)sketches, MANY, NULL, &frame, NULL), BF_OK);
  assert_int_equal(bf_prepared_create(frame, sketches[1], &s, NULL), BF_OK);
  assert_int_equal(bf_prepared_create(frame, sketches[2], &t, NULL), BF_OK);
  assert_true(frame->words.n_sources == 50.0); /* every third */
  assert_int_equal(frame->pooled.n, 50);
  assert_true(fabs(frame->words.vocabulary - 400.0) < 120.0);
  assert_true(value_of("soft-adaptivity", s, t) > 0.0 && value_of("tfidf-cosine", s, t) > 0.0);
  bf_prepared_free(s);
  bf_prepared_free(t);
  bf_frame_free(frame);
  for (size_t i = 0; i < MANY; i++) bf_sketch_free(sketches[i]);
}

static void a_failing_allocation_gives_an_error_and_no_leak(void **state) {
  (void)state;
  sides *all = make_sides(300, 1);
  bf_status status = BF_ERR_MEMORY;
  long n = 1;
  for (; status == BF_ERR_MEMORY && n < 1000; n++) {
    bf_frame *frame = NULL;
    bf_prepared *s = NULL, *t = NULL;
    double value = 0;
    bf__alloc_fail_at(n);
    status = bf_frame_create((const bf_sketch *const *)all->sketches, N_SIDES, NULL, &frame, NULL);
    if (status == BF_OK) status = bf_prepared_create(frame, all->sketches[0], &s, NULL);
    if (status == BF_OK) status = bf_prepared_create(frame, all->sketches[1], &t, NULL);
    for (size_t k = 0; status == BF_OK && bf__strategy_at(k); k++) {
      status = bf_measure(bf__strategy_at(k)->name, s, t, &value, NULL);
      if (status == BF_ERR_NOT_APPLICABLE || status == BF_ERR_UNSUPPORTED) status = BF_OK;
    }
    bf__alloc_fail_at(0);
    bf_prepared_free(s);
    bf_prepared_free(t);
    bf_frame_free(frame);
  }
  assert_int_equal(status, BF_OK);
  assert_true(n > 40);
  free_sides(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(where_every_word_is_kept_sketches_give_the_values_of_raw_words),
      cmocka_unit_test(where_rare_words_are_dropped_sketches_come_near),
      cmocka_unit_test(the_expected_count_of_a_word_that_is_not_kept_is_within_what_is_known),
      cmocka_unit_test(nearer_vocabularies_measure_nearer),
      cmocka_unit_test(soft_adaptivity_is_the_mean_of_the_nearest_partitions_in_units_of_the_median),
      cmocka_unit_test(partitions_of_numbers_serve_soft_adaptivity_of_features),
      cmocka_unit_test(papers_word_adaptivity_counts_pairs_of_partitions_up_to_the_threshold),
      cmocka_unit_test(texts_without_words_are_not_applicable_with_the_side),
      cmocka_unit_test(a_frame_of_many_sources_pools_some_of_them),
      cmocka_unit_test(a_failing_allocation_gives_an_error_and_no_leak),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
