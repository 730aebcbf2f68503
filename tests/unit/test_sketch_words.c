/* Words: counts against a naive oracle, forgetting within its bound, equal bytes however the rows arrive. */
#include <stdio.h>

#include "base/words.h"
#include "sketch/word_counter.h"
#include "sketch_testing.h"

/* --- random texts ---------------------------------------------------------------------------------------------- */

typedef struct texts {
  size_t n;
  char *bytes;
  bf_string *rows;
} texts;

/* Words w0, w1, ... of falling frequency, a few signs and other scripts between them; some rows are empty or missing.
 */
static texts make_texts(size_t n, size_t most_words, uint64_t vocabulary, uint64_t seed) {
  static const char *const odd[] = {
      " \xc3\x9c"
      "ber ",
      " 12.5 ",
      " \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e ",
      " the ",
      " \xff\xfe ",
      " don't "};
  texts t = {.n = n, .bytes = malloc(n * most_words * 16 + 1), .rows = calloc(n, sizeof *t.rows)};
  assert_true(t.bytes && t.rows);
  bf__random random = bf__random_of(seed);
  char *at = t.bytes;
  for (size_t i = 0; i < n; i++) {
    char *start = at;
    uint64_t n_words = bf__random_below(&random, most_words);
    for (uint64_t w = 0; w < n_words; w++) {
      double u = bf__random_unit(&random);
      if (bf__random_below(&random, 20) == 0) {
        const char *s = odd[bf__random_below(&random, 6)];
        at += sprintf(at, "%s", s);
      } else {
        at += sprintf(at, "%c%llu ", bf__random_below(&random, 2) ? 'W' : 'w',
                      (unsigned long long)(u * u * u * (double)vocabulary));
      }
    }
    t.rows[i] = (bf_string){i % 50 == 7 ? NULL : start, i % 50 == 7 ? 0 : (uint32_t)(at - start)};
  }
  return t;
}

static void free_texts(texts *t) {
  free(t->bytes);
  free(t->rows);
}

/* --- a naive oracle: a list that is searched ------------------------------------------------------------------- */

typedef struct naive_word {
  char word[BF__NAME_BYTES + 1];
  uint64_t count, documents, last_row, partitions[BF__WORD_PARTITIONS];
} naive_word;

typedef struct naive {
  naive_word *words;
  size_t n, capacity;
  uint64_t total, row, hashed[BF__HASHED_WORDS], rows[BF__WORD_PARTITIONS], totals[BF__WORD_PARTITIONS],
      minhash[BF__MINHASH];
  uint32_t bucket;
} naive;

static int naive_order(const void *a, const void *b) {
  return strcmp(((const naive_word *)a)->word, ((const naive_word *)b)->word);
}

static void naive_take(void *context, const char *word, size_t n) {
  naive *o = context;
  char key[BF__NAME_BYTES + 1] = {0};
  memcpy(key, word, n);
  size_t i = 0;
  while (i < o->n && strcmp(o->words[i].word, key) != 0) i++;
  if (i == o->n) {
    if (o->n == o->capacity) {
      o->capacity = o->capacity ? 2 * o->capacity : 1024;
      o->words = realloc(o->words, o->capacity * sizeof *o->words);
      assert_non_null(o->words);
    }
    memset(&o->words[o->n++], 0, sizeof *o->words);
    memcpy(o->words[i].word, key, sizeof key);
  }
  uint64_t hash = bf__xxh64(word, n, 0);
  naive_word *w = &o->words[i];
  w->count++;
  w->documents += w->last_row != o->row + 1;
  w->last_row = o->row + 1;
  w->partitions[o->bucket]++;
  o->total++;
  o->totals[o->bucket]++;
  o->hashed[hash >> 52]++;
  for (uint64_t m = 0; m < BF__MINHASH; m++) {
    uint64_t h = bf__mix64(m, hash);
    if (h < o->minhash[m]) o->minhash[m] = h;
  }
}

static naive naive_of(const bf_string *rows, size_t n, uint64_t seed) {
  naive o = {0};
  memset(o.minhash, 0xff, sizeof o.minhash);
  for (o.row = 0; o.row < n; o.row++) {
    o.bucket = bf__word_bucket_of_row(seed, o.row);
    o.rows[o.bucket]++;
    if (rows[o.row].bytes) bf__each_word(rows[o.row].bytes, rows[o.row].n_bytes, BF__WORDS_OWN, naive_take, &o);
  }
  qsort(o.words, o.n, sizeof *o.words, naive_order);
  return o;
}

static const naive_word *naive_find(const naive *o, const char *word) {
  naive_word key = {0};
  snprintf(key.word, sizeof key.word, "%s", word);
  return bsearch(&key, o->words, o->n, sizeof *o->words, naive_order);
}

static void word_counts_equal_those_of_a_naive_count(void **state) {
  (void)state;
  for (uint32_t min_count = 1; min_count <= 5; min_count += 4) {
    texts t = make_texts(3000, 30, 2500, 1);
    testing_data data = {.kind = BF_KIND_TEXT, .n_rows = t.n, .texts = t.rows};
    bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2, .batch_rows = 700, .min_count = min_count});
    naive o = naive_of(t.rows, t.n, BF_SKETCH_DEFAULT_SEED);
    const bf__words *w = s->words;
    assert_int_equal(w->total, o.total);
    assert_int_equal(bf_sketch_word_total(s), o.total);
    assert_int_equal(w->documents, t.n);
    assert_true(bf_sketch_word_distinct(s) == (double)o.n);
    assert_int_equal(w->lost, 0);
    assert_memory_equal(w->hashed, o.hashed, sizeof o.hashed);
    assert_memory_equal(w->minhash, o.minhash, sizeof o.minhash);
    assert_int_equal(s->missing, 60);
    for (uint32_t p = 0; p < BF__WORD_PARTITIONS; p++) {
      assert_int_equal(w->partitions[p].rows, o.rows[p]);
      assert_int_equal(w->partitions[p].total, o.totals[p]);
    }
    uint64_t at_least = 0;
    for (size_t i = 0; i < o.n; i++) at_least += o.words[i].count >= min_count;
    assert_int_equal(w->n_words, at_least < BF__WORDS ? at_least : BF__WORDS);
    for (uint32_t i = 0; i < w->n_words; i++) {
      uint64_t count, documents;
      const naive_word *expected = naive_find(&o, bf_sketch_word(s, i, &count, &documents));
      assert_non_null(expected);
      assert_int_equal(count, expected->count);
      assert_int_equal(documents, expected->documents);
      for (uint32_t p = 0; i < BF__PARTITION_WORDS && p < BF__WORD_PARTITIONS; p++) {
        assert_int_equal(w->partitions[p].counts[i], expected->partitions[p]);
      }
    }
    assert_null(bf_sketch_word(s, w->n_words, NULL, NULL));
    bf_sketch_free(s);
    free(o.words);
    free_texts(&t);
  }
}

/* 700,000 different words, each once, among which a few occur every so often: more than can be kept. */
static void more_words_than_fit_are_forgotten_within_the_bound(void **state) {
  (void)state;
  enum { ROWS = 14000, WORDS = 50, COMMON = 200 };
  char *bytes = malloc((size_t)ROWS * (WORDS + 2) * 10);
  bf_string *rows = calloc(ROWS, sizeof *rows);
  assert_true(bytes && rows);
  uint64_t counts[COMMON] = {0};
  char *at = bytes;
  for (uint64_t i = 0; i < ROWS; i++) {
    char *start = at;
    for (uint64_t k = 0; k < WORDS; k++) at += sprintf(at, "u%llx ", (unsigned long long)(i * WORDS + k));
    for (uint64_t k = 0; k < 2; k++) {
      uint64_t common = bf__mix64(k, i) % COMMON;
      counts[common]++;
      at += sprintf(at, "c%llu ", (unsigned long long)common);
    }
    rows[i] = (bf_string){start, (uint32_t)(at - start)};
  }
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = ROWS, .texts = rows};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.min_count = 20});
  const bf__words *w = s->words;
  const double distinct = (double)ROWS * WORDS + COMMON;
  print_message("%.0f different words: estimated %.0f, at most %llu lost of a word\n", distinct, w->distinct,
                (unsigned long long)w->lost);
  assert_int_equal(w->total, (uint64_t)ROWS * (WORDS + 2));
  assert_in_range(w->lost, 1, w->total / 131072 * 2); /* shards are not quite equal */
  assert_true(fabs(w->distinct / distinct - 1) < 3 * 0.0082);
  assert_int_equal(w->n_words, COMMON);
  for (uint32_t i = 0; i < COMMON; i++) {
    uint64_t truth = counts[strtoul(w->words[i].word + 1, NULL, 10)];
    assert_in_range(w->words[i].count, truth - w->lost, truth);
  }
  bf_sketch *other =
      testing_sketch(&data, &(testing_how){.min_count = 20, .n_threads = 3, .batch_rows = 900, .cuts = 4});
  assert_same_sketch(s, other); /* what is forgotten does not depend on how the rows arrive */
  bf_sketch_free(other);
  bf_sketch_free(s);
  free(bytes);
  free(rows);
}

/* --- equal bytes however the rows arrive ----------------------------------------------------------------------- */

static void assert_independent_of_arrival(const testing_data *data) {
  for (uint32_t min_count = 1; min_count <= 5; min_count += 4) {
    bf_sketch *reference = testing_sketch(data, &(testing_how){.min_count = min_count});
    const testing_how hows[] = {
        {.n_threads = 2},
        {.n_threads = 3, .batch_rows = 1000},
        {.n_threads = 2, .batch_rows = 300, .cuts = 1},
        {.n_threads = 1, .batch_rows = 7, .cuts = 3},
        {.n_threads = 2, .batch_rows = 777, .kernels = bf__kernels_scalar()},
    };
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
      testing_how how = hows[i];
      how.min_count = min_count;
      bf_sketch *other = testing_sketch(data, &how);
      assert_same_sketch(reference, other);
      bf_sketch_free(other);
    }
    bf_sketch_free(reference);
  }
}

static void texts_give_equal_bytes_whatever_threads_batches_and_instructions(void **state) {
  (void)state;
  texts t = make_texts(4000, 25, 3000, 2);
  assert_independent_of_arrival(&(testing_data){.kind = BF_KIND_TEXT, .n_rows = t.n, .texts = t.rows});
  free_texts(&t);
}

/* Records of two or three attributes out of texts. */
static void pairs_give_equal_bytes_too(void **state) {
  (void)state;
  enum { N = 1500 };
  texts t = make_texts(6 * N, 8, 400, 3);
  bf_field *fields = calloc(6 * N, sizeof *fields);
  bf_pair *pairs = calloc(N, sizeof *pairs);
  assert_true(fields && pairs);
  for (size_t i = 0; i < 6 * N; i++) fields[i] = (bf_field){{"a", 1}, t.rows[i]};
  for (size_t i = 0; i < N; i++) {
    pairs[i].left = (bf_record){fields + 6 * i, 3};
    pairs[i].right = (bf_record){fields + 6 * i + (i % 3 ? 3 : 0), (uint32_t)(i % 4)};
  }
  assert_independent_of_arrival(&(testing_data){.kind = BF_KIND_PAIR, .n_rows = N, .pairs = pairs});
  free(fields);
  free(pairs);
  free_texts(&t);
}

static void sentences_give_equal_bytes_too(void **state) {
  (void)state;
  enum { N = 2500 };
  texts t = make_texts(9 * N, 3, 400, 4);
  bf_sentence *sentences = calloc(N, sizeof *sentences);
  int32_t *tags = malloc(9 * N * sizeof *tags);
  static const char *const names[] = {"NOUN", "VERB", "X"};
  assert_true(sentences && tags);
  for (size_t i = 0; i < 9 * N; i++) tags[i] = (int32_t)(bf__mix64(1, i) % 4) - 1;
  uint64_t n_tokens = 0, n_nouns = 0;
  for (size_t i = 0; i < N; i++) {
    sentences[i] = (bf_sentence){t.rows + 9 * i, i % 5 ? tags + 9 * i : NULL, (uint32_t)(i % 10)};
    n_tokens += sentences[i].n_tokens;
    for (uint32_t k = 0; sentences[i].tags && k < sentences[i].n_tokens; k++) n_nouns += sentences[i].tags[k] == 0;
  }
  testing_data data = {.kind = BF_KIND_TAGGED, .n_rows = N, .sentences = sentences, .label_names = names};
  assert_independent_of_arrival(&data);
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  assert_int_equal(bf_sketch_rows(s), N);
  assert_int_equal(s->view_rows, n_tokens);
  assert_int_equal(s->columns[0].count, n_tokens);
  assert_int_equal(s->words->documents, N);
  assert_int_equal(bf_sketch_label_count(s), 3);
  uint64_t count = 0;
  for (uint32_t i = 0; i < 3; i++) {
    if (strcmp(bf_sketch_label(s, i, &count), "NOUN") == 0) break;
  }
  assert_int_equal(count, n_nouns);
  bf_sketch_free(s);
  free(sentences);
  free(tags);
  free_texts(&t);
}

static void features_with_strings_give_equal_bytes_too(void **state) {
  (void)state;
  enum { N = 3000 };
  float *cells = testing_cells(N, 3, 6);
  bf_field *strings = calloc(2 * N, sizeof *strings);
  assert_non_null(strings);
  static const char *const colours[] = {"red", "deep blue", ""};
  for (size_t i = 0; i < N; i++) {
    const char *colour = colours[bf__mix64(5, i) % 3];
    strings[2 * i] = (bf_field){{"colour", 6}, {colour, (uint32_t)strlen(colour)}};
    strings[2 * i + 1] = (bf_field){{"town", 4}, {i % 3 ? NULL : "Ulm", i % 3 ? 0 : 3}};
  }
  testing_data data = {.n_rows = N, .n_columns = 3, .cells = cells, .strings = strings, .n_string_columns = 2};
  assert_independent_of_arrival(&data);
  data.n_columns = 0; /* nothing but strings */
  data.cells = NULL;
  assert_independent_of_arrival(&data);
  bf_sketch *s = testing_sketch(&data, &(testing_how){.min_count = 5});
  assert_int_equal(bf_sketch_column_count(s), 0);
  assert_int_equal(bf_sketch_rows(s), N);
  assert_int_equal(s->n_partitions, 64);
  assert_int_equal(bf_sketch_word_count(s), 4);
  uint64_t count, documents;
  const char *last = bf_sketch_word(s, 0, &count, &documents);
  assert_true(strcmp(last, "colour=red") == 0 || strcmp(last, "colour=deep blue") == 0 ||
              strcmp(last, "colour=") == 0 || strcmp(last, "town=Ulm") == 0);
  bool found = false;
  for (uint32_t i = 0; i < 4; i++) {
    if (strcmp(bf_sketch_word(s, i, &count, &documents), "town=Ulm") != 0) continue;
    found = true;
    assert_int_equal(count, N / 3);
    assert_int_equal(documents, N / 3);
  }
  assert_true(found);
  bf_sketch_free(s);
  free(strings);
  free(cells);
}

static void a_category_is_cut_and_cleaned(void **state) {
  (void)state;
  char longer[200];
  memset(longer, 'v', sizeof longer);
  memcpy(longer + 58, "\xc3\xbc", 2); /* name, '=' and 58 bytes before: byte 63 and 64 of the word */
  const bf_field strings[2] = {{{"kind", 4}, {longer, 200}}, {{"x", 1}, {"a\nb\xff", 4}}};
  testing_data data = {.n_rows = 1, .strings = strings, .n_string_columns = 2};
  bf_sketch *s = testing_sketch(&data, &(testing_how){0});
  assert_int_equal(bf_sketch_word_count(s), 2);
  const char *cut = bf_sketch_word(s, 0, NULL, NULL);
  assert_int_equal(strlen(cut), 63); /* the character that does not fit is left out whole */
  assert_string_equal(bf_sketch_word(s, 1, NULL, NULL), "x=a?b?");
  bf_sketch_free(s);
}

static void nothing_to_read_gives_valid_sketches(void **state) {
  (void)state;
  const bf_kind kinds[] = {BF_KIND_TEXT, BF_KIND_PAIR, BF_KIND_TAGGED};
  const uint32_t view[] = {64, 64, 48};
  const bf_string text = {NULL, 0};
  const bf_pair pair = {{NULL, 0}, {NULL, 0}};
  const bf_sentence sentence = {NULL, NULL, 0};
  for (size_t i = 0; i < 3; i++) {
    for (uint64_t n = 0; n <= 1; n++) {
      testing_data data = {.kind = kinds[i], .n_rows = n, .texts = &text, .pairs = &pair, .sentences = &sentence};
      bf_sketch *s = testing_sketch(&data, &(testing_how){0});
      assert_int_equal(bf_sketch_kind(s), kinds[i]);
      assert_int_equal(bf_sketch_rows(s), n);
      assert_int_equal(bf_sketch_column_count(s), view[i]);
      assert_int_equal(s->n_partitions, 0);
      assert_int_equal(s->raw_count, 0);
      assert_int_equal(bf_sketch_raw_column_count(s), 0);
      assert_non_null(s->words);
      assert_int_equal(bf_sketch_word_total(s), 0);
      assert_true(bf_sketch_word_distinct(s) == 0.0);
      assert_true(s->words->minhash[0] == UINT64_MAX);
      bf_sketch_free(s);
    }
  }
}

/* --- the text of a row of 1.5 million words, and hostile lists ------------------------------------------------- */

static void words_of_a_row_end_at_a_million(void **state) {
  (void)state;
  enum { N = 1500000 };
  char *bytes = malloc((size_t)N * 8);
  assert_non_null(bytes);
  char *at = bytes;
  for (unsigned i = 0; i < N; i++) at += sprintf(at, "%x ", i + 0x1000);
  const bf_string row = {bytes, (uint32_t)(at - bytes)};
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = 1, .texts = &row};
  bf_sketch *s = testing_sketch(&data, &(testing_how){.n_threads = 2});
  assert_int_equal(bf_sketch_word_total(s), BF__ROW_WORDS);
  assert_true(fabs(bf_sketch_word_distinct(s) / BF__ROW_WORDS - 1) < 0.025);
  bf_sketch_free(s);
  free(bytes);
}

static void a_changed_word_section_is_refused(void **state) {
  (void)state;
  enum { N_CHANGES = 15 };
  texts t = make_texts(400, 20, 300, 5);
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = t.n, .texts = t.rows};
  for (int change = 0; change < N_CHANGES; change++) {
    bf_sketch *s = testing_sketch(&data, &(testing_how){.min_count = 3});
    bf__words *w = s->words;
    switch (change) {
      case 0:
        w->total++;
        break;
      case 1:
        w->distinct = NAN;
        break;
      case 2:
        w->distinct = 3;
        break;
      case 3:
        w->lost = w->total + 1;
        break;
      case 4:
        w->words[3].count = w->words[0].count + 1;
        break;
      case 5:
        w->words[3].documents = 0;
        break;
      case 6:
        w->words[3].documents = w->words[3].count + 1;
        break;
      case 7:
        memcpy(w->words[3].word, w->words[9].word, sizeof w->words[9].word);
        break;
      case 8:
        w->words[w->n_words - 1].count = 2;
        break;
      case 9:
        w->hashed[77]++;
        break;
      case 10:
        w->partitions[3].rows++;
        break;
      case 11:
        w->partitions[3].total++;
        break;
      case 12:
        w->partitions[3].counts[2] += w->words[2].count;
        break;
      case 13:
        memset(w->words[3].word, 0, sizeof w->words[3].word);
        break;
      case 14:
        s->min_count = 0;
        break;
      default:
        break;
    }
    size_t n;
    uint8_t *bytes = testing_encode(s, &n);
    bf_sketch *back = NULL;
    bf_error err = {0};
    if (bf_sketch_decode(bytes, n, &back, &err) != BF_ERR_CORRUPT) fail_msg("change %d was accepted", change);
    free(bytes);
    bf_sketch_free(s);
  }
  free_texts(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(word_counts_equal_those_of_a_naive_count),
      cmocka_unit_test(more_words_than_fit_are_forgotten_within_the_bound),
      cmocka_unit_test(texts_give_equal_bytes_whatever_threads_batches_and_instructions),
      cmocka_unit_test(pairs_give_equal_bytes_too),
      cmocka_unit_test(sentences_give_equal_bytes_too),
      cmocka_unit_test(features_with_strings_give_equal_bytes_too),
      cmocka_unit_test(a_category_is_cut_and_cleaned),
      cmocka_unit_test(nothing_to_read_gives_valid_sketches),
      cmocka_unit_test(words_of_a_row_end_at_a_million),
      cmocka_unit_test(a_changed_word_section_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
