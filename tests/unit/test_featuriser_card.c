/* What a card may say of its input, what is refused, and what happens without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "memory_sink.h"

static const char *const flat[] = {"x:float32:-1,-1"};
static const char *const ids[] = {"ids:int64:-1,-1", "weights:float32:-1,-1"};
static const char *const bert[] = {"input_ids:int64:-1,-1", "attention_mask:int64:-1,-1"};
static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\n";

static void refuse_with(const char *input, const char *const *ports, size_t n, const char *words, bf_status code,
                        const char *message) {
  bf__featuriser *f = NULL;
  bf_error err;
  const bf_status status = featuriser_of(input, ports, n, words, &f, &err);
  if (status != code || f != NULL || !strstr(err.message, message))
    fail_msg("%s: %d \"%s\" instead of %d \"%s\"", input, status, err.message, code, message);
}

static void refuse(const char *input, const char *port, bf_status code, const char *message) {
  refuse_with(input, &port, 1, NULL, code, message);
}

static void unknown_names_are_refused_with_the_known_ones(void **state) {
  (void)state;
  const char *x = flat[0];
  refuse("{kind: text, featuriser: hasing}", x, BF_ERR_FORMAT,
         "line 3: bestfit.input.featuriser \"hasing\" is not known; known: columns");
  refuse("{kind: text, featuriser: {n_features: 8}}", x, BF_ERR_FORMAT, "bestfit.input.featuriser needs a name");
  refuse("{kind: text, featuriser: [hashing]}", x, BF_ERR_FORMAT, "must be a name, or a mapping");
  refuse("{kind: text, featuriser: {name: hashing, n_feature: 8}}", x, BF_ERR_FORMAT,
         "bestfit.input.featuriser.n_feature is not known; known: name, n_features");
  refuse("{kind: image, featuriser: hashing}", x, BF_ERR_FORMAT, "hashing takes rows of the kind text, not image");
  refuse("{kind: text}", x, BF_ERR_FORMAT, "needs a featuriser: hashing, hashed-ids, wordpiece or strings");
  refuse(NULL, "x:string:-1", BF_ERR_FORMAT, "bestfit.input needs a kind");
  refuse(NULL, "x:float32:-1,3,7", BF_ERR_FORMAT, "bestfit.input needs a kind");
}

static void values_of_another_type_are_refused_with_line_and_key(void **state) {
  (void)state;
  static const struct {
    const char *option, *message;
  } cases[] = {
      {"n_features: many", "line 3: bestfit.input.featuriser.n_features must be whole numbers from 1 to 67108864"},
      {"n_features: 0", "must be whole numbers from 1"},
      {"n_features: -5", "must be whole numbers from 1"},
      {"n_features: 2.5", "must be whole numbers from 1"},
      {"n_features: [5]", "must be whole numbers from 1"},
      {"n_features: nan", "must be whole numbers from 1"},
      {"lowercase: 1", "lowercase must be true or false"},
      {"lowercase: [true]", "lowercase must be true or false"},
      {"norm: l3", "norm \"l3\" is not known; use one of l1, l2, none"},
      {"norm: {a: b}", "norm must be text"},
      {"analyzer: words", "use one of word, char, char_wb"},
      {"ngram_range: 2", "ngram_range must be two numbers"},
      {"ngram_range: [2, 1]", "ngram_range must be two numbers"},
      {"ngram_range: [1, 2, 3]", "ngram_range has 3 entries"},
      {"ngram_range: [0, 1]", "must be whole numbers from 1 to 16"},
      {"ngram_range: []", "must not be empty"},
      {"token_pattern: '[a-z]+'", "token_pattern \"[a-z]+\" is none of the two"},
      {"stop_words: [a, [b]]", "stop_words must be a list of texts; entry 2"},
      {"stop_words: {a: b}", "stop_words must be a list of texts"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char input[300];
    snprintf(input, sizeof input, "{featuriser: {name: hashing, %s}}", cases[i].option);
    refuse(input, flat[0], BF_ERR_FORMAT, cases[i].message);
  }
  refuse("{columns: {a: b}}", flat[0], BF_ERR_FORMAT, "columns must be a list");
  refuse("{scale: big}", flat[0], BF_ERR_FORMAT, "bestfit.input.scale must be a number");
  refuse("{mean: [1, x]}", flat[0], BF_ERR_FORMAT, "mean must be a list of numbers; entry 2");
  refuse("{mean: [1, 1e31]}", flat[0], BF_ERR_FORMAT, "entry 2 is none, or too large");
  refuse("{scale: 1e31}", flat[0], BF_ERR_LIMIT, "bestfit.input.scale is too large a number");
  refuse("{std: [1, 0]}", flat[0], BF_ERR_FORMAT, "std must be above 0; entry 2 is 0");
  refuse("{clip: 0}", flat[0], BF_ERR_FORMAT, "clip must be above 0");
  refuse("{missing: some}", flat[0], BF_ERR_FORMAT, "missing must be a number");
  refuse("{missing: nan}", "x:int64:-1,2", BF_ERR_FORMAT, "missing cannot be nan");
  refuse("{columns: [a, b], mean: [1, 2, 3]}", flat[0], BF_ERR_FORMAT, "mean has 3 numbers for 2");
  refuse("{inputs: {x: [a]}}", flat[0], BF_ERR_FORMAT, "inputs must be a list of mappings");
  refuse("{inputs: [x]}", flat[0], BF_ERR_FORMAT, "inputs must be a list of mappings");
  refuse("{inputs: [{name: x}, {name: x}]}", flat[0], BF_ERR_FORMAT, "has the input \"x\" twice");
  refuse("{inputs: [{columns: [x]}]}", flat[0], BF_ERR_FORMAT, "need a name each");
  refuse("{inputs: [{name: y}]}", flat[0], BF_ERR_MISMATCH, "\"y\" is none of the model's");
  refuse("{kind: image, shape: [1, two, 3]}", "x:float32:-1,1,4,4", BF_ERR_FORMAT, "shape must be whole numbers");
  refuse("{kind: image, resize: cubic}", "x:float32:-1,1,4,4", BF_ERR_FORMAT, "use one of area, bilinear, none");
  refuse("{kind: series, layout: NHWC}", "x:float32:-1,4,4", BF_ERR_FORMAT, "use one of NTC, NCT");
  refuse("{kind: pair, featuriser: {name: pair-similarities, hashed_words: 7}}", flat[0], BF_ERR_FORMAT,
         "must be even");
}

static void models_that_do_not_fit_their_card_are_refused(void **state) {
  (void)state;
  refuse("{columns: [a, b]}", "x:float32:-1,3", BF_ERR_MISMATCH, "takes 3 columns; the card's columns are 2");
  refuse("{kind: features}", "x:float32:-1,-1,2", BF_ERR_MISMATCH, "3 dimensions, not all fixed");
  refuse("{featuriser: {name: hashing, n_features: 8}}", "x:float32:-1,9", BF_ERR_MISMATCH,
         "(n, 9); the card's n_features is 8");
  refuse("{featuriser: hashing}", "x:float32:-1", BF_ERR_MISMATCH, "has 1 dimensions");
  refuse("{featuriser: hashing}", "x:int64:-1,9", BF_ERR_MISMATCH, "takes int64");
  refuse("{featuriser: strings}", "x:float32:-1", BF_ERR_MISMATCH, "takes float32");
  refuse("{featuriser: strings}", "x:string:-1,2", BF_ERR_MISMATCH, "more than one text");
  refuse("{featuriser: token-window}", "x:int64:-1,29", BF_ERR_MISMATCH, "is (n, 29)");
  refuse("{featuriser: token-window}", "x:float32:-1,30", BF_ERR_MISMATCH, "takes float32");
  refuse("{kind: pair}", "x:float32:-1,17", BF_ERR_MISMATCH, "takes 17 numbers");
  refuse("{kind: pair}", "x:float32:-1,15", BF_ERR_MISMATCH, "takes 15 numbers");
  refuse("{kind: series}", "x:float32:-1", BF_ERR_MISMATCH, "1 dimensions");
  refuse("{kind: series, shape: [3, 2]}", "x:float32:-1,4,2", BF_ERR_MISMATCH, "shape is [3, 2]");
  refuse("{featuriser: wordpiece}", "x:int64:-1,4", BF_ERR_MISMATCH, "unknown to wordpiece");
  refuse("{featuriser: wordpiece}", "input_ids:float32:-1,4", BF_ERR_MISMATCH, "takes float32");
  refuse_with("{featuriser: hashed-ids}", flat, 1, NULL, BF_ERR_MISMATCH, "1 input; the featuriser hashed-ids fills 2");
  refuse_with("{featuriser: hashing}", ids, 2, NULL, BF_ERR_MISMATCH, "2 inputs; the featuriser hashing fills 1");
  refuse_with("{featuriser: hashed-ids}", bert, 2, NULL, BF_ERR_MISMATCH, "gives ids, int64 or int32, and weights");
  refuse_with("{columns: [a, b, c]}", ids, 2, NULL, BF_ERR_FORMAT, "has 3 names for the model's 2 inputs");
  refuse_with("{inputs: [{name: ids, columns: [a]}]}", ids, 2, NULL, BF_ERR_FORMAT,
              "does not say the columns of \"weights\"");
  refuse_with(NULL, flat, 0, NULL, BF_ERR_MISMATCH, "no inputs");
}

static void hostile_sizes_are_refused_before_anything_is_allocated(void **state) {
  (void)state;
  refuse("{featuriser: {name: hashing, n_features: 4294967296}}", flat[0], BF_ERR_LIMIT,
         "is 4294967296; at most 67108864");
  refuse("{featuriser: {name: hashing, n_features: 1.0e+300}}", flat[0], BF_ERR_LIMIT, "at most 67108864");
  refuse("{featuriser: hashing}", "x:float32:-1,4611686018427387904", BF_ERR_LIMIT, "at most 67108864");
  refuse("{featuriser: {name: hashing, ngram_range: [1, 17]}}", flat[0], BF_ERR_LIMIT, "is 17; at most 16");
  refuse_with("{featuriser: {name: hashed-ids, max_len: 1099511627776}}", ids, 2, NULL, BF_ERR_LIMIT,
              "is 1099511627776");
  refuse_with("{featuriser: {name: wordpiece, max_len: 1099511627776}}", bert, 2, vocabulary, BF_ERR_LIMIT,
              "max_len is");
  refuse_with("{featuriser: {name: wordpiece, max_len: 1}}", bert, 2, vocabulary, BF_ERR_FORMAT, "numbers from 2");
  const char *endless = "input_ids:int64:-1,1099511627776";
  refuse_with("{featuriser: wordpiece}", &endless, 1, vocabulary, BF_ERR_LIMIT, "takes 1099511627776 ids");
  refuse("{kind: image, shape: [3, -28, 28]}", "x:float32:-1,3,-1,-1", BF_ERR_FORMAT, "must be whole numbers from 1");
  refuse("{kind: image, shape: [3, 65536, 65536]}", "x:float32:-1,3,-1,-1", BF_ERR_LIMIT, "at most 67108864 cells");
  refuse("{kind: image, shape: [3, 4294967297, 1]}", "x:float32:-1,3,-1,-1", BF_ERR_LIMIT, "at most 65536");
  refuse("{kind: image, layout: NCHW}", "x:float32:-1,3,4294967297,1", BF_ERR_LIMIT, "above 65536");
  refuse("{kind: features}", "x:float32:-1,4611686018427387904", BF_ERR_LIMIT, "more than 16777216 numbers");
  refuse("{kind: features}", "x:float32:-1,65536,65536,65536,65536", BF_ERR_LIMIT, "more than 16777216 numbers");
  refuse("{featuriser: {name: pair-similarities, hashed_words: 1048578}}", flat[0], BF_ERR_LIMIT, "at most 1048576");
  refuse("{featuriser: pair-similarities}", "x:float32:-1,9000000000", BF_ERR_MISMATCH, "takes 9000000000 numbers");
}

static void batches_of_more_than_256_mib_are_refused(void **state) {
  (void)state;
  const bf_string texts[2] = {{"a", 1}, {"b", 1}};
  const bf_schema schema = {.kind = BF_KIND_TEXT};
  const bf_batch batch = {.n_rows = 2, .texts = texts};
  memory_sink memory = {0};
  const bf__sink sink = memory_sink_of(&memory);
  bf__featuriser *f = NULL;
  bf_error err;
  assert_int_equal(featuriser_of("{featuriser: {name: hashing, n_features: 67108864}}", flat, 1, NULL, &f, &err),
                   BF_OK);
  assert_int_equal(bf__featuriser_most_items(f, &schema), 1);
  assert_int_equal(bf__featuriser_fill(f, &schema, &batch, 0, 2, 2, &sink, &err), BF_ERR_LIMIT);
  assert_non_null(strstr(err.message, "2 items of a batch need more than 256 MiB; run fewer at once"));
  bf__featuriser_free(f);
  assert_int_equal(featuriser_of("{featuriser: {name: hashing, n_features: 1024}}", flat, 1, NULL, &f, &err), BF_OK);
  assert_int_equal(bf__featuriser_most_items(f, &schema), 16384);
  assert_int_equal(bf__featuriser_fill(f, &schema, &batch, 0, 2, SIZE_MAX / 2, &sink, &err), BF_ERR_LIMIT);
  assert_int_equal(bf__featuriser_fill(f, &schema, &batch, 0, 2, 1, &sink, &err), BF_ERR_INVALID_ARGUMENT);
  const bf_batch empty = {.n_rows = 2};
  assert_int_equal(bf__featuriser_fill(f, &schema, &empty, 0, 2, 2, &sink, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf__featuriser_fill(f, &schema, &batch, 1, 2, 2, &sink, &err), BF_ERR_INVALID_ARGUMENT);
  bf__featuriser_free(f);
}

static void vocabularies_must_be_there_and_have_the_marks(void **state) {
  (void)state;
  refuse_with("{featuriser: wordpiece}", bert, 2, NULL, BF_ERR_NOT_FOUND, "a file vocab.txt beside it");
  refuse_with("{featuriser: {name: wordpiece, vocabulary: words.txt}}", bert, 2, vocabulary, BF_ERR_NOT_FOUND,
              "words.txt");
  refuse_with("{featuriser: wordpiece}", bert, 2, "", BF_ERR_FORMAT, "has 0 bytes");
  refuse_with("{featuriser: wordpiece}", bert, 2, "[PAD]\n[UNK]\n[CLS]", BF_ERR_FORMAT, "has no line [SEP]");
  refuse_with("{featuriser: wordpiece}", bert, 2, "[PAD]\n\xff\n", BF_ERR_FORMAT, "is not UTF-8");
}

/* The n-th allocation fails: an error, nothing leaked, and later it works. */
static void without_memory_there_is_an_error_and_no_leak(void **state) {
  (void)state;
  static const struct {
    const char *input;
    const char *ports[3];
    size_t n;
    bf_kind kind;
  } cases[] = {
      {"{columns: [a, b], mean: [1, 2], std: [1, 2]}", {"x:float32:-1,2"}, 1, BF_KIND_FEATURES},
      {"{inputs: [{name: p, columns: [a, b]}, {name: q, columns: [s]}]}",
       {"p:float64:-1,2", "q:string:-1,1"},
       2,
       BF_KIND_FEATURES},
      {"{kind: series}", {"x:float32:-1,1,2"}, 1, BF_KIND_SERIES},
      {"{kind: image, shape: [1, 3, 3], layout: NCHW}", {"x:float32:-1,1,3,3"}, 1, BF_KIND_IMAGE},
      {"{featuriser: {name: hashing, n_features: 64, stop_words: [b]}}", {"x:float32:-1,64"}, 1, BF_KIND_TEXT},
      {"{featuriser: {name: hashing, n_features: 64, analyzer: char_wb, ngram_range: [2, 5]}}",
       {"x:float32:-1,64"},
       1,
       BF_KIND_TEXT},
      {"{featuriser: hashed-ids}", {"i:int64:-1,8", "w:float32:-1,8"}, 2, BF_KIND_TEXT},
      {"{featuriser: wordpiece}", {"input_ids:int64:-1,8"}, 1, BF_KIND_TEXT},
      {"{featuriser: strings}", {"x:string:-1"}, 1, BF_KIND_TEXT},
      {"{kind: tagged}", {"x:int64:-1,30"}, 1, BF_KIND_TAGGED},
      {"{kind: pair}", {"x:float32:-1,24"}, 1, BF_KIND_PAIR},
  };
  static const float cells[] = {1, 2, 3, 4};
  static const char *const columns[] = {"a", "b"};
  static const bf_field fields[] = {{{"s", 1}, {"one", 3}}, {{"s", 1}, {"two", 3}}};
  static const bf_image images[] = {{2, 2, 1, cells}, {2, 1, 1, cells}};
  static const bf_string words[] = {{"a b c ab", 8}, {"\xc3\x89 ab", 5}};
  static const bf_sentence sentences[] = {{words, NULL, 2}};
  static const bf_pair pairs[] = {{{fields, 1}, {fields, 2}}, {{fields, 2}, {fields, 1}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const bf_kind kind = cases[i].kind;
    const bf_schema schema = {.kind = kind, .n_columns = 2, .column_names = columns};
    const bf_batch batch = {.n_rows = kind == BF_KIND_TAGGED ? 1 : 2,
                            .n_columns = 2,
                            .cells = cells,
                            .images = kind == BF_KIND_IMAGE ? images : NULL,
                            .n_steps = 1,
                            .n_channels = 2,
                            .texts = words,
                            .pairs = pairs,
                            .sentences = kind == BF_KIND_TAGGED ? sentences : NULL,
                            .strings = fields,
                            .n_string_columns = 1};
    bf_status status = BF_ERR_MEMORY;
    for (long n = 1; status == BF_ERR_MEMORY; n++) {
      memory_sink memory = {0};
      const bf__sink sink = memory_sink_of(&memory);
      bf__featuriser *f = NULL;
      bf_error err;
      assert_true(n < 1000);
      bf__alloc_fail_at(n);
      status = featuriser_of(cases[i].input, cases[i].ports, cases[i].n, vocabulary, &f, &err);
      if (status == BF_OK) status = bf__featuriser_fill(f, &schema, &batch, 0, 2, 3, &sink, &err);
      const bool has_failed = bf__alloc_fail_left() == 0;
      bf__alloc_fail_at(0);
      if (status != (has_failed ? BF_ERR_MEMORY : BF_OK))
        fail_msg("%s, allocation %ld: %s", cases[i].input, n, err.message);
      memory_sink_deinit(&memory);
      bf__featuriser_free(f);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unknown_names_are_refused_with_the_known_ones),
      cmocka_unit_test(values_of_another_type_are_refused_with_line_and_key),
      cmocka_unit_test(models_that_do_not_fit_their_card_are_refused),
      cmocka_unit_test(hostile_sizes_are_refused_before_anything_is_allocated),
      cmocka_unit_test(batches_of_more_than_256_mib_are_refused),
      cmocka_unit_test(vocabularies_must_be_there_and_have_the_marks),
      cmocka_unit_test(without_memory_there_is_an_error_and_no_leak),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
