/* Reading model cards. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <bestfit/card.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

static bf_card *parse(const char *text) {
  bf_card *card = NULL;
  bf_error err;
  if (bf_card_parse(text, strlen(text), &card, &err) != BF_OK) fail_msg("%s", err.message);
  return card;
}

/* Expects a failure; the message must contain `words`. */
static void refuse(const char *text, bf_status code, const char *words) {
  bf_card *card = NULL;
  bf_error err;
  bf_status status = bf_card_parse(text, strlen(text), &card, &err);
  if (status != code || strstr(err.message, words) == NULL)
    fail_msg("%.60s: expected %s \"%s\", got %s \"%s\"", text, bf_status_name(code), words, bf_status_name(status),
             status == BF_OK ? "" : err.message);
  assert_null(card);
  assert_int_equal(err.code, code);
}

static void a_card_says_all_its_fields(void **state) {
  (void)state;
  bf_card *card = parse(
      "---\n"
      "license: apache-2.0\n"
      "tags: [onnx, \"yes\", no]\n"
      "unknown: {deep: [1, 2, {er: 3}]}\n"
      "bestfit:\n"
      "  name: typefaces/lato\n"
      "  task: multi-label\n"
      "  domain: lato\n"
      "  input: {kind: image, shape: [1, 28, 28], columns: [a, 'b c']}\n"
      "  output: {kind: logits, classes: [a, b]}\n"
      "  source_accuracy: 9.944e-1\n"
      "---\n"
      "# Lato\n\nReads   digits\n  and\tcapitals.\n\nMore.\n");
  assert_string_equal(bf_card_name(card), "typefaces/lato");
  assert_string_equal(bf_card_task(card), "multi-label");
  assert_string_equal(bf_card_domain(card), "lato");
  assert_string_equal(bf_card_license(card), "apache-2.0");
  assert_string_equal(bf_card_summary(card), "Reads digits and capitals.");
  assert_string_equal(bf_card_input_kind(card), "image");
  assert_true(bf_card_source_accuracy(card) == 0.9944);
  assert_int_equal(bf_card_tag_count(card), 3);
  assert_string_equal(bf_card_tag(card, 2), "no");
  assert_null(bf_card_tag(card, 3));
  assert_int_equal(bf_card_column_count(card), 2);
  assert_string_equal(bf_card_column(card, 1), "b c");
  bf_card_free(card);
}

static void classes_keep_their_text_whatever_it_looks_like(void **state) {
  (void)state;
  bf_card *card = parse("---\nbestfit: {output: {classes: [0, 1e3, null, \"null\", yes, 0x1F, 'a: b']}}\n---\n");
  static const char *const expected[] = {"0", "1e3", "null", "null", "yes", "0x1F", "a: b"};
  assert_int_equal(bf_card_class_count(card), 7);
  for (size_t i = 0; i < 7; ++i) assert_string_equal(bf_card_class(card, i), expected[i]);
  assert_null(bf_card_class(card, 7));
  bf_card_free(card);
}

static void a_card_that_says_nothing_has_defaults(void **state) {
  (void)state;
  static const char *const empty[] = {"---\n---\n",
                                      "---\n---",
                                      "---\r\n---\r\n",
                                      "\xEF\xBB\xBF---\n\n---\n",
                                      "---\nbestfit:\n---\n",
                                      "---\nbestfit: {name: ~, domain: null, input: }\n---\n",
                                      "--- \t\n# only a comment\n--- \n"};
  for (size_t i = 0; i < sizeof empty / sizeof *empty; ++i) {
    bf_card *card = parse(empty[i]);
    assert_null(bf_card_name(card));
    assert_string_equal(bf_card_task(card), "classification");
    assert_null(bf_card_domain(card));
    assert_null(bf_card_license(card));
    assert_string_equal(bf_card_summary(card), "");
    assert_null(bf_card_input_kind(card));
    assert_true(isnan(bf_card_source_accuracy(card)));
    assert_int_equal(bf_card_tag_count(card) + bf_card_column_count(card) + bf_card_class_count(card), 0);
    bf_card_free(card);
  }
}

static void errors_name_the_key_and_the_line(void **state) {
  (void)state;
  refuse("", BF_ERR_FORMAT, "no front matter");
  refuse("# A title\n", BF_ERR_FORMAT, "line 1: no front matter");
  refuse("---\nlicense: mit\n", BF_ERR_FORMAT, "no closing ---");
  refuse("---\n- a\n---\n", BF_ERR_FORMAT, "line 2: the front matter must be a mapping");
  refuse("---\nlicense: mit\nbestfit: [a]\n---\n", BF_ERR_FORMAT, "line 3: bestfit must be a mapping");
  refuse("---\nbestfit:\n  name: [a]\n---\n", BF_ERR_FORMAT, "line 3: bestfit.name must be text");
  refuse("---\nbestfit:\n  name: lato\n---\n", BF_ERR_FORMAT, "has no owner");
  refuse("---\nbestfit:\n\n  task: guessing\n---\n", BF_ERR_FORMAT, "line 4: bestfit.task \"guessing\" is not known");
  refuse("---\nbestfit:\n  input: {kind: smell}\n---\n", BF_ERR_FORMAT, "line 3: bestfit.input.kind");
  refuse("---\nbestfit:\n  input: image\n---\n", BF_ERR_FORMAT, "bestfit.input must be a mapping");
  refuse("---\nbestfit:\n  output: {classes: {a: 1}}\n---\n", BF_ERR_FORMAT, "bestfit.output.classes must be a list");
  refuse("---\nbestfit:\n  output: {classes: [a, [b]]}\n---\n", BF_ERR_FORMAT, "classes: entry 2 must be text");
  refuse("---\ntags:\n- a\n-\n---\n", BF_ERR_FORMAT, "line 4: tags: entry 2 must be text");
  refuse("---\nlicense: {a: b}\n---\n", BF_ERR_FORMAT, "license must be a list");
  static const char *const accuracies[] = {"1.5", "-0.1", "high", "nan", "inf", "94%", "0x1", "0,9"};
  for (size_t i = 0; i < sizeof accuracies / sizeof *accuracies; ++i) {
    char text[100];
    snprintf(text, sizeof text, "---\nbestfit:\n  source_accuracy: \"%s\"\n---\n", accuracies[i]);
    refuse(text, BF_ERR_FORMAT, "line 3: bestfit.source_accuracy");
  }
  refuse("---\na: 1\nb: 2\na: 3\n---\n", BF_ERR_FORMAT, "line 4: key \"a\" occurs twice, first in line 2");
  refuse("---\nx: {a: 1, \"a\": 2}\n---\n", BF_ERR_FORMAT, "occurs twice");
  refuse("---\n[a]: 1\n---\n", BF_ERR_FORMAT, "a key that is not text");
  refuse("---\na: \"x\\0y\"\n---\n", BF_ERR_FORMAT, "a zero character");
  refuse("---\na: [1, 2\nb: 3\n---\n", BF_ERR_FORMAT, "line ");
  refuse("---\na: 1\n--- b\n---\n", BF_ERR_FORMAT, "a second document");
  refuse("---\na: \x01\n---\n", BF_ERR_FORMAT, "line 2");
}

static void positions_are_bytes_of_the_card(void **state) {
  (void)state;
  bf_card *card = NULL;
  bf_error err;
  const char *text = "\xEF\xBB\xBF---\n# \xC3\xA4\xF0\x9F\x98\x80\nbestfit: {task: guessing}\n---\n";
  assert_int_equal(bf_card_parse(text, strlen(text), &card, &err), BF_ERR_FORMAT);
  assert_int_equal(err.position, strstr(text, "guessing") - text);
  const char bad[] = "---\na: \xFF\n---\n";
  assert_int_equal(bf_card_parse(bad, sizeof bad - 1, &card, &err), BF_ERR_FORMAT);
  assert_int_equal(err.position, 7);
  assert_non_null(strstr(err.message, "line 2: not UTF-8"));
  const char zero[] = "---\na: 1\n---\nbody \0 more";
  assert_int_equal(bf_card_parse(zero, sizeof zero - 1, &card, &err), BF_ERR_FORMAT);
  assert_int_equal(err.position, 18);
}

static void text_that_is_not_utf8_is_refused_wherever_it_is(void **state) {
  (void)state;
  static const char *const bad[] = {"\x80",
                                    "\xC0\xAF",
                                    "\xC3",
                                    "\xE0\x80\x80",
                                    "\xED\xA0\x80",
                                    "\xF0\x80\x80\x80",
                                    "\xF4\x90\x80\x80",
                                    "\xF5\x80\x80\x80",
                                    "\xE2\x82",
                                    "\xFE"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    char text[64];
    snprintf(text, sizeof text, "---\n---\nbody %s", bad[i]);
    refuse(text, BF_ERR_FORMAT, "line 3: not UTF-8");
  }
  bf_card_free(parse("---\n---\n\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xEF\xBF\xBF \xF0\x90\x80\x80 \xF4\x8F\xBF\xBF"));
}

static void limits_hold(void **state) {
  (void)state;
  refuse("---\na: &x [1]\nb: *x\n---\n", BF_ERR_LIMIT, "line 2: an anchor or alias");
  refuse("---\nb: *x\n---\n", BF_ERR_LIMIT, "line 2: an anchor or alias");
  enum { BYTES = (1 << 20) + 1 };
  char *text = calloc(BYTES + 1, 1);
  memset(text, ' ', BYTES);
  memcpy(text, "---\n---\n", 8);
  bf_card *card = NULL;
  bf_error err;
  assert_int_equal(bf_card_parse(text, BYTES, &card, &err), BF_ERR_LIMIT);
  assert_int_equal(bf_card_parse(text, BYTES - 1, &card, &err), BF_OK);
  bf_card_free(card);
  for (int depth = 62; depth <= 1000; depth += depth < 66 ? 1 : 467) {
    strcpy(text, "---\na: ");
    for (int i = 0; i < depth; ++i) strcat(text, "[");
    for (int i = 0; i < depth; ++i) strcat(text, "]");
    strcat(text, "\n---\n");
    bf_status status = bf_card_parse(text, strlen(text), &card, &err);
    assert_int_equal(status, depth <= 63 ? BF_OK : BF_ERR_LIMIT); /* the root is a level too */
    bf_card_free(card);
    card = NULL;
  }
  /* More values than are taken; and a mapping of many keys must not take long. */
  strcpy(text, "---\na: [");
  size_t n = strlen(text);
  for (; n < 500000; n += 2) memcpy(text + n, "1,", 2);
  strcpy(text + n, "]\n---\n");
  assert_int_equal(bf_card_parse(text, strlen(text), &card, &err), BF_ERR_LIMIT);
  clock_t start = clock();
  strcpy(text, "---\n");
  n = 4;
  for (int i = 0; i < 60000; ++i) n += (size_t)sprintf(text + n, "key%d: 1\n", i);
  strcpy(text + n, "---\n");
  assert_int_equal(bf_card_parse(text, strlen(text), &card, &err), BF_OK);
  assert_true((clock() - start) / CLOCKS_PER_SEC < 5);
  bf_card_free(card);
  free(text);
}

static void the_first_accuracy_of_model_index_counts_where_none_is_said(void **state) {
  (void)state;
  static const struct {
    const char *metrics;
    double expected;
  } cases[] = {
      {"[{type: f1, value: 0.5}, {type: accuracy, value: 0.91}, {type: accuracy, value: 0.2}]", 0.91},
      {"[{type: Accuracy, value: 91}]", 0.91},
      {"[{name: accuracy, value: 1}]", 1},
      {"[{type: accuracy, value: 100}]", 1},
      {"[{type: accuracy, value: 101}]", NAN},
      {"[{type: accuracy, value: high}, {type: accuracy, value: 0.3}]", 0.3},
      {"[{type: accuracy}]", NAN},
      {"nothing", NAN},
      {"[[accuracy, 0.4]]", NAN},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char text[400];
    snprintf(text, sizeof text, "---\nmodel-index:\n- name: x\n  results:\n  - task: {type: t}\n    metrics: %s\n---\n",
             cases[i].metrics);
    bf_card *card = parse(text);
    double found = bf_card_source_accuracy(card);
    assert_true(isnan(cases[i].expected) ? isnan(found) : fabs(found - cases[i].expected) < 1e-15);
    bf_card_free(card);
  }
  bf_card *card = parse(
      "---\nbestfit: {source_accuracy: 0}\nmodel-index: [{results: [{metrics: [{type: accuracy, value: "
      "0.9}]}]}]\n---\n");
  assert_true(bf_card_source_accuracy(card) == 0);
  bf_card_free(card);
}

static void the_task_follows_the_pipeline_where_it_is_not_said(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"pipeline_tag: image-classification", "classification"},
                                         {"pipeline_tag: token-classification", "tagging"},
                                         {"pipeline_tag: tabular-regression", "regression"},
                                         {"pipeline_tag: object-detection", "detection"},
                                         {"pipeline_tag: text-generation", "other"},
                                         {"pipeline_tag: text-generation\nbestfit: {task: matching}", "matching"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char text[200];
    snprintf(text, sizeof text, "---\n%s\n---\n", cases[i][0]);
    bf_card *card = parse(text);
    assert_string_equal(bf_card_task(card), cases[i][1]);
    bf_card_free(card);
  }
}

static void one_tag_is_a_list_of_one_and_several_licences_are_joined(void **state) {
  (void)state;
  bf_card *card = parse("---\ntags: onnx\nlicense: [mit, apache-2.0]\n---\n");
  assert_int_equal(bf_card_tag_count(card), 1);
  assert_string_equal(bf_card_tag(card, 0), "onnx");
  assert_string_equal(bf_card_license(card), "mit, apache-2.0");
  bf_card_free(card);
}

static void the_summary_is_the_first_paragraph_that_is_no_heading(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", ""},
      {"\n\n# Only a heading\n", ""},
      {"Plain", "Plain"},
      {"# H\ntext right below\n## H2\nother", "text right below"},
      {"Title\n=====\n\nText\n", "Text"},
      {"Title\n-----\nText\n\nmore", "Text"},
      {"---\n\n***\n\nAfter rules", "After rules"},
      {"<!-- a comment\n\nof two paragraphs -->\n\nText <b>x</b>", "Text <b>x</b>"},
      {"Text\n<!-- comment -->", "Text"},
      {"<!-- never closed\n\nText", ""},
      {"#hashtag is text", "#hashtag is text"},
      {"a\x01\x1b[31mb\tc\r\nd\r\n\r\ne", "a [31mb c d"},
      {"a\xC2\x9B"
       "31mb \xC2\xA0",
       "a 31mb \xC2\xA0"},
      {"-- not a rule", "-- not a rule"},
      {"####### seven", "####### seven"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char text[400];
    snprintf(text, sizeof text, "---\na: b\n---\n%s", cases[i][0]);
    bf_card *card = parse(text);
    assert_string_equal(bf_card_summary(card), cases[i][1]);
    bf_card_free(card);
  }
  bf_card *card = parse("---\nbestfit: {summary: \" said  so \"}\n---\nBody\n");
  assert_string_equal(bf_card_summary(card), "said so");
  bf_card_free(card);
}

static void a_long_summary_is_cut_between_characters(void **state) {
  (void)state;
  for (size_t ahead = 0; ahead < 5; ++ahead) {
    char text[2000] = "---\n---\n";
    for (size_t i = 0; i < ahead; ++i) strcat(text, "x");
    for (int i = 0; i < 200; ++i) strcat(text, "\xF0\x9F\x98\x80");
    bf_card *card = parse(text);
    size_t n = strlen(bf_card_summary(card));
    assert_true(n <= 300 && n > 296);
    assert_int_equal((n - ahead) % 4, 0);
    bf_card_free(card);
  }
}

static void the_cards_of_the_example_are_read(void **state) {
  (void)state;
  static const char path[] = TEST_SOURCE_DIR "/examples/typefaces/models/lobster-two.md";
  static char text[20000];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    print_message("skipped: %s is not there\n", path);
    skip();
  }
  size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  bf_card *card = NULL;
  bf_error err;
  if (bf_card_parse(text, n, &card, &err) != BF_OK) fail_msg("%s", err.message);
  assert_string_equal(bf_card_name(card), "typefaces/lobster-two");
  assert_int_equal(bf_card_class_count(card), 36);
  assert_string_equal(bf_card_class(card, 10), "A");
  assert_string_equal(bf_card_input_kind(card), "image");
  assert_true(bf_card_source_accuracy(card) > 0.5);
  bf_card_free(card);
}

static void without_memory_parsing_fails_cleanly_at_every_step(void **state) {
  (void)state;
  const char *text =
      "---\nlicense: [a, b]\ntags: [x, y]\nbestfit: {name: a/b, summary: s, input: {columns: [c]}, output: {classes: "
      "[d]}}\n"
      "---\nBody\n";
  long n = 1;
  for (; n < 200; ++n) {
    bf_card *card = NULL;
    bf_error err;
    bf__alloc_fail_at(n);
    bf_status status = bf_card_parse(text, strlen(text), &card, &err);
    bf__alloc_fail_at(0);
    bf_card_free(card);
    if (status == BF_OK) break;
    assert_int_equal(status, BF_ERR_MEMORY);
    assert_null(card);
  }
  assert_true(n > 20 && n < 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_card_says_all_its_fields),
      cmocka_unit_test(classes_keep_their_text_whatever_it_looks_like),
      cmocka_unit_test(a_card_that_says_nothing_has_defaults),
      cmocka_unit_test(errors_name_the_key_and_the_line),
      cmocka_unit_test(positions_are_bytes_of_the_card),
      cmocka_unit_test(text_that_is_not_utf8_is_refused_wherever_it_is),
      cmocka_unit_test(limits_hold),
      cmocka_unit_test(the_first_accuracy_of_model_index_counts_where_none_is_said),
      cmocka_unit_test(the_task_follows_the_pipeline_where_it_is_not_said),
      cmocka_unit_test(one_tag_is_a_list_of_one_and_several_licences_are_joined),
      cmocka_unit_test(the_summary_is_the_first_paragraph_that_is_no_heading),
      cmocka_unit_test(a_long_summary_is_cut_between_characters),
      cmocka_unit_test(the_cards_of_the_example_are_read),
      cmocka_unit_test(without_memory_parsing_fails_cleanly_at_every_step),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
