/* Writing model cards, from nothing and over a base. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <bestfit/card.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static char *write_over(const char *base, const bf_card_fields *fields) {
  char *out = NULL;
  size_t n = 0;
  bf_error err;
  if (bf_card_write(base, base == NULL ? 0 : strlen(base), fields, &out, &n, &err) != BF_OK)
    fail_msg("%s", err.message);
  assert_int_equal(strlen(out), n);
  return out;
}

static bf_card *parse(const char *text) {
  bf_card *card = NULL;
  bf_error err;
  if (bf_card_parse(text, strlen(text), &card, &err) != BF_OK) fail_msg("%s in\n%s", err.message, text);
  return card;
}

static const char *const hostile[] = {"plain",
                                      "yes",
                                      "No",
                                      "null",
                                      "~",
                                      "1e3",
                                      "0x1F",
                                      "1_000",
                                      ".inf",
                                      "true",
                                      "- dash",
                                      "-",
                                      "--- ",
                                      "---",
                                      "...",
                                      "a: b",
                                      "a #b",
                                      "#a",
                                      "'single'",
                                      "\"double\"",
                                      "it's \"both\"",
                                      "\\backslash\\n",
                                      "line\nbreak",
                                      "line\r\nbreak",
                                      "\n",
                                      "two\n\nlines\n",
                                      " leading",
                                      "trailing ",
                                      "\ttab",
                                      "\xF0\x9F\x98\x80 emoji",
                                      "\xC3\xA4\xE2\x80\xA8line separator",
                                      "\xEF\xBB\xBF bom",
                                      "\x01\x1b[31m",
                                      "\x7f",
                                      "\xC2\x85next line",
                                      "&anchor",
                                      "*alias",
                                      "!tag",
                                      "%percent",
                                      "@at",
                                      "`tick",
                                      "{brace",
                                      "}brace",
                                      "[bracket",
                                      "]bracket",
                                      ",comma",
                                      "a, b",
                                      "? key",
                                      "| pipe",
                                      "> fold",
                                      "=",
                                      "<<",
                                      "2026-11-23",
                                      "<!-- comment",
                                      "\xEF\xBF\xBF",
                                      "key: {a: [b"};
enum { N_HOSTILE = sizeof hostile / sizeof *hostile };

static void a_new_card_says_what_the_fields_say(void **state) {
  (void)state;
  const char *tags[] = {"onnx", "a b"};
  const char *classes[] = {"0", "cat"};
  bf_card_fields f = BF_CARD_FIELDS_INIT;
  f.name = "owner/name";
  f.task = "regression";
  f.domain = "serif";
  f.license = "mit";
  f.summary = "Reads\n digits.";
  f.input_kind = "features";
  f.source_accuracy = 0.1;
  f.tags = tags;
  f.n_tags = 2;
  f.classes = classes;
  f.n_classes = 2;
  char *text = write_over(NULL, &f);
  assert_string_equal(text,
                      "---\n"
                      "license: mit\n"
                      "tags: [onnx, \"a b\"]\n"
                      "bestfit:\n"
                      "  name: owner/name\n"
                      "  task: regression\n"
                      "  domain: serif\n"
                      "  input: {kind: features}\n"
                      "  output: {classes: [\"0\", cat]}\n"
                      "  source_accuracy: 0.1\n"
                      "---\n"
                      "\n# owner/name\n"
                      "\nReads digits.\n");
  bf_card *card = parse(text);
  assert_string_equal(bf_card_summary(card), "Reads digits.");
  bf_card_free(card);
  free(text);
}

static void no_fields_give_an_empty_card_or_the_base_itself(void **state) {
  (void)state;
  bf_card_fields f = BF_CARD_FIELDS_INIT;
  char *text = write_over(NULL, &f);
  bf_card *card = parse(text);
  assert_null(bf_card_name(card));
  bf_card_free(card);
  free(text);
  const char *base = "\xEF\xBB\xBF---\r\n# mine\r\nbestfit:   {task:  tagging}   # why\r\n\r\n---\r\nBody";
  text = write_over(base, &f);
  assert_string_equal(text, base);
  free(text);
}

static void hostile_texts_come_back_as_they_were(void **state) {
  (void)state;
  static const char *const bases[] = {
      NULL, "---\nx: 1\n---\nBody\n", "---\r\nlicense: a\r\ntags: [b]\r\nbestfit:\r\n  name: c/d\r\n---\r\nBody\r\n",
      "---\n{license: a, bestfit: {output: {kind: logits}}}\n---\n", "No front matter, only a body.\n"};
  for (size_t b = 0; b < sizeof bases / sizeof *bases; ++b) {
    for (size_t i = 0; i < N_HOSTILE; ++i) {
      bf_card_fields f = BF_CARD_FIELDS_INIT;
      f.name = "a/b";
      f.domain = hostile[i];
      f.license = hostile[(i + 7) % N_HOSTILE];
      f.summary = hostile[(i + 3) % N_HOSTILE];
      f.tags = hostile;
      f.n_tags = N_HOSTILE;
      f.classes = &hostile[i];
      f.n_classes = N_HOSTILE - i;
      char *text = write_over(bases[b], &f);
      bf_card *card = parse(text);
      assert_string_equal(bf_card_domain(card), f.domain);
      assert_string_equal(bf_card_license(card), f.license);
      assert_int_equal(bf_card_tag_count(card), f.n_tags);
      assert_int_equal(bf_card_class_count(card), f.n_classes);
      for (size_t j = 0; j < f.n_tags; ++j) assert_string_equal(bf_card_tag(card, j), f.tags[j]);
      for (size_t j = 0; j < f.n_classes; ++j) assert_string_equal(bf_card_class(card, j), f.classes[j]);
      bf_card_free(card);
      free(text);
    }
  }
}

static void a_summary_comes_back_folded_from_a_new_card_and_over_a_base(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"# not a heading", "# not a heading"},
                                         {"===", "==="},
                                         {" two\n\nlines ", "two lines"},
                                         {"<!-- x", "<!-- x"},
                                         {"Reads digits.", "Reads digits."}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    for (int with_base = 0; with_base < 2; ++with_base) {
      bf_card_fields f = BF_CARD_FIELDS_INIT;
      f.summary = cases[i][0];
      char *text = write_over(with_base ? "---\na: b\n---\n\nOld words.\n" : NULL, &f);
      bf_card *card = parse(text);
      assert_string_equal(bf_card_summary(card), cases[i][1]);
      if (with_base) assert_non_null(strstr(text, "---\n\nOld words.\n"));
      bf_card_free(card);
      free(text);
    }
  }
}

static void of_a_base_only_the_changed_lines_change(void **state) {
  (void)state;
  const char *base =
      "---\n"
      "# a comment at the top\n"
      "license:   other   # the licence\n"
      "language: [de,   en]\n"
      "\n"
      "# about the block\n"
      "bestfit:\n"
      "  # within\n"
      "  name: a/b\n"
      "  input: {kind: image, shape: [1, 28, 28], mean: [0.0], 'odd': \"x\", none: }\n"
      "  mine: |\n"
      "    two\n"
      "    lines\n"
      "\n"
      "# about widget\n"
      "widget: 'as it   was'\n"
      "---\n"
      "# Title\n\n  Body,   kept.  \n";
  bf_card_fields f = BF_CARD_FIELDS_INIT;
  f.license = "mit";
  f.domain = "d";
  f.input_kind = "features";
  f.source_accuracy = 1.0 / 3;
  char *text = write_over(base, &f);
  assert_string_equal(text,
                      "---\n"
                      "# a comment at the top\n"
                      "license: mit\n"
                      "language: [de,   en]\n"
                      "\n"
                      "# about the block\n"
                      "bestfit:\n"
                      "  name: a/b\n"
                      "  input: {kind: features, shape: [1, 28, 28], mean: [0.0], \"odd\": \"x\", none: null}\n"
                      "  mine: \"two\\nlines\\n\"\n"
                      "  domain: d\n"
                      "  source_accuracy: 0.3333333333333333\n"
                      "\n"
                      "# about widget\n"
                      "widget: 'as it   was'\n"
                      "---\n"
                      "# Title\n\n  Body,   kept.  \n");
  char *again = write_over(text, &f); /* a second time changes nothing */
  assert_string_equal(again, text);
  free(again);
  free(text);
}

static void missing_keys_are_added_at_the_end_and_the_line_ends_are_kept(void **state) {
  (void)state;
  const char *tags[] = {"t"};
  bf_card_fields f = BF_CARD_FIELDS_INIT;
  f.name = "a/b";
  f.tags = tags;
  f.n_tags = 1;
  char *text = write_over("---\r\nlicense: mit\r\n---\r\nBody\r\n", &f);
  assert_string_equal(text, "---\r\nlicense: mit\r\ntags: [t]\r\nbestfit:\r\n  name: a/b\r\n---\r\nBody\r\n");
  free(text);
  text = write_over("---\n---\n", &f);
  assert_string_equal(text, "---\ntags: [t]\nbestfit:\n  name: a/b\n---\n");
  free(text);
}

static void a_front_matter_in_braces_is_written_anew_with_all_keys(void **state) {
  (void)state;
  bf_card_fields f = BF_CARD_FIELDS_INIT;
  f.domain = "d";
  char *text = write_over("---\n{license: mit, other: [1, {two: 'three'}], bestfit: {task: tagging}}\n---\nBody\n", &f);
  assert_string_equal(
      text, "---\nlicense: mit\nother: [1, {two: \"three\"}]\nbestfit: {task: tagging, domain: d}\n---\nBody\n");
  free(text);
  /* Indented, and ended by hand: lines cannot be exchanged or added there. */
  static const char *const odd[] = {"---\n  license: mit\n  other: 1\n---\nBody\n",
                                    "---\nlicense: mit\n...\n---\nBody\n", "---\n? license\n: mit\n---\nBody\n"};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; ++i) {
    text = write_over(odd[i], &f);
    bf_card *card = parse(text);
    assert_string_equal(bf_card_license(card), "mit");
    assert_string_equal(bf_card_domain(card), "d");
    assert_string_equal(bf_card_summary(card), "Body");
    bf_card_free(card);
    free(text);
  }
}

static void numbers_are_written_to_read_back_equal_in_every_locale(void **state) {
  (void)state;
  const char *before = setlocale(LC_ALL, NULL);
  char *kept = strdup(before);
  if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
    print_message("note: no German locale here, only the present one is tried\n");
  const double values[] = {0, 1, 0.1, 1.0 / 3, 0.9944, 5e-324, 0x1.fffffffffffffp-1, 1e-7};
  for (size_t i = 0; i < sizeof values / sizeof *values; ++i) {
    bf_card_fields f = BF_CARD_FIELDS_INIT;
    f.source_accuracy = values[i];
    char *text = write_over(NULL, &f);
    bf_card *card = parse(text);
    assert_true(bf_card_source_accuracy(card) == values[i]);
    bf_card_free(card);
    free(text);
  }
  setlocale(LC_ALL, kept);
  free(kept);
}

static void fields_that_make_no_card_are_refused(void **state) {
  (void)state;
  const char *empty[] = {""};
  char *out = NULL;
  size_t n = 0;
  bf_error err;
  bf_card_fields good = BF_CARD_FIELDS_INIT;
  bf_card_fields bad[10];
  for (size_t i = 0; i < 10; ++i) bad[i] = good;
  bad[0].name = "nobody";
  bad[1].task = "guessing";
  bad[2].source_accuracy = 1.01;
  bad[3].source_accuracy = INFINITY;
  bad[4].input_kind = "smell";
  bad[5].domain = "\xFF";
  bad[6].tags = empty;
  bad[6].n_tags = 1;
  bad[7].n_classes = 1;
  bad[8].struct_size = 0;
  bad[9].license = "\xED\xA0\x80";
  for (size_t i = 0; i < 10; ++i) {
    assert_int_equal(bf_card_write(NULL, 0, &bad[i], &out, &n, &err), BF_ERR_INVALID_ARGUMENT);
    assert_null(out);
    assert_int_equal(err.code, BF_ERR_INVALID_ARGUMENT);
  }
  const char *base = "---\na: [\n---\n";
  assert_int_equal(bf_card_write(base, strlen(base), &good, &out, &n, &err), BF_ERR_FORMAT);
  size_t big = (1 << 20) + 1;
  char *domain = malloc(big + 1);
  memset(domain, 'd', big);
  domain[big] = 0;
  good.domain = domain;
  assert_int_equal(bf_card_write(NULL, 0, &good, &out, &n, &err), BF_ERR_LIMIT);
  free(domain);
}

static void names_are_owner_slash_name(void **state) {
  (void)state;
  bf_error err;
  static const char *const good[] = {"a/b", "A.b_c-9/..x", "typefaces/lato", "0/0"};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) assert_int_equal(bf_card_check_name(good[i], &err), BF_OK);
  static const char *const bad[] = {"",      "a",     "/",    "a/",  "/b",   "a/b/c",
                                    "a b/c", "a/b@1", "../b", "a/.", "-a/b", "a/\xC3\xA4"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
    assert_int_equal(bf_card_check_name(bad[i], &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_card_check_name(NULL, &err), BF_ERR_INVALID_ARGUMENT);
}

static void without_memory_writing_fails_cleanly_at_every_step(void **state) {
  (void)state;
  const char *base = "---\nlicense: mit\nbestfit: {name: a/b, input: {shape: [1]}}\n---\nBody\n";
  const char *tags[] = {"t"};
  bf_card_fields f = BF_CARD_FIELDS_INIT;
  f.domain = "d";
  f.summary = "s";
  f.input_kind = "image";
  f.tags = tags;
  f.n_tags = 1;
  long n = 1;
  for (; n < 500; ++n) {
    char *out = NULL;
    size_t bytes = 0;
    bf_error err;
    bf__alloc_fail_at(n);
    bf_status status = bf_card_write(base, strlen(base), &f, &out, &bytes, &err);
    bf__alloc_fail_at(0);
    free(out);
    if (status == BF_OK) break;
    assert_int_equal(status, BF_ERR_MEMORY);
    assert_null(out);
  }
  assert_true(n > 30 && n < 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_card_says_what_the_fields_say),
      cmocka_unit_test(no_fields_give_an_empty_card_or_the_base_itself),
      cmocka_unit_test(hostile_texts_come_back_as_they_were),
      cmocka_unit_test(a_summary_comes_back_folded_from_a_new_card_and_over_a_base),
      cmocka_unit_test(of_a_base_only_the_changed_lines_change),
      cmocka_unit_test(missing_keys_are_added_at_the_end_and_the_line_ends_are_kept),
      cmocka_unit_test(a_front_matter_in_braces_is_written_anew_with_all_keys),
      cmocka_unit_test(numbers_are_written_to_read_back_equal_in_every_locale),
      cmocka_unit_test(fields_that_make_no_card_are_refused),
      cmocka_unit_test(names_are_owner_slash_name),
      cmocka_unit_test(without_memory_writing_fails_cleanly_at_every_step),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
