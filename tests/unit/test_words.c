/* Words of a text, by both rules, and the stop list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/stop_words.h"
#include "base/words.h"

/* Words joined by '|'. */
typedef struct joined {
  char text[4096];
  size_t n, longest, count;
} joined;

static void join(void *context, const char *word, size_t n) {
  joined *j = context;
  assert_true(n >= 1 && n <= BF__WORD_BYTES);
  if (j->n) j->text[j->n++] = '|';
  assert_true(j->n + n < sizeof j->text);
  memcpy(j->text + j->n, word, n);
  j->n += n;
  j->text[j->n] = '\0';
  if (n > j->longest) j->longest = n;
  ++j->count;
}

static void check(bf__word_rule rule, const char *text, const char *expected) {
  joined j = {.n = 0};
  bf__each_word(text, strlen(text), rule, join, &j);
  assert_string_equal(j.text, expected);
}

static void check_both(const char *text, const char *expected) {
  check(BF__WORDS_OWN, text, expected);
  check(BF__WORDS_PAPER, text, expected);
}

static void words_are_runs_of_letters_digits_and_underscores_in_lower_case(void **state) {
  (void)state;
  check_both("", "");
  check_both("  ,.;!-- ", "");
  check_both("Camera", "camera");
  check_both("NIKON D-90, 12.3MP (black_body)!", "nikon|90|12|3mp|black_body");
  check_both("a1_b2\tC3\nd4\rE5", "a1_b2|c3|d4|e5");
  check_both("x\x01y\x7fz", "x|z"); /* y is a stop word */
}

static void letters_of_other_scripts_are_letters_and_have_lower_case(void **state) {
  (void)state;
  check_both("CAF\xc3\x89 na\xc3\xafve", "caf\xc3\xa9|na\xc3\xafve");
  check_both("\xd0\x9c\xd0\x9e\xd0\xa1\xd0\x9a\xd0\x92\xd0\x90",
             "\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0"); /* Moscow */
  check_both("cafe\xcc\x81!", "cafe\xcc\x81");                    /* a combining accent does not end the word */
  check_both("\xc2\xbd \xe2\x85\xa3", "\xc2\xbd|\xe2\x85\xb3");   /* numbers that are no digits: a half, Roman four */
  check_both(
      "foo\xe2\x80\xbf"
      "bar",
      "foo\xe2\x80\xbf"
      "bar");                                          /* connector punctuation */
  check_both("5\xe2\x82\xac\xe2\x80\x94six", "5|six"); /* currency sign and dash separate */
}

static void stop_words_and_nan_are_left_out_in_any_case(void **state) {
  (void)state;
  check_both("The camera IS not what I wanted, and I don't care", "camera|wanted|care");
  check_both("NaN nan nanny nan_ banana", "nanny|nan_|banana");
  check_both("you'll shouldn mustn needn weren wouldn", "");
}

static void scripts_without_spaces_are_cut_into_bigrams_by_our_rule_only(void **state) {
  (void)state;
  /* Tokyo-to: three characters, two bigrams */
  check(BF__WORDS_OWN, "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", "\xe6\x9d\xb1\xe4\xba\xac|\xe4\xba\xac\xe9\x83\xbd");
  check(BF__WORDS_PAPER, "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd");
  check(BF__WORDS_OWN, "\xe4\xba\xac", "\xe4\xba\xac"); /* a single character is itself */
  check(BF__WORDS_OWN,
        "abc\xe6\xbc\xa2\xe5\xad\x97"
        "def",
        "abc|\xe6\xbc\xa2\xe5\xad\x97|def");
  check(BF__WORDS_PAPER,
        "abc\xe6\xbc\xa2\xe5\xad\x97"
        "def",
        "abc\xe6\xbc\xa2\xe5\xad\x97"
        "def");
  check(BF__WORDS_OWN, "\xe6\xbc\xa2\xe3\x80\x82\xe5\xad\x97", "\xe6\xbc\xa2|\xe5\xad\x97"); /* a full stop between */
  check(BF__WORDS_OWN, "\xe6\xbc\xa2 \xe5\xad\x97", "\xe6\xbc\xa2|\xe5\xad\x97");
  check(BF__WORDS_OWN, "\xe3\x82\xab\xe3\x83\xa1\xe3\x83\xa9",
        "\xe3\x82\xab\xe3\x83\xa1|\xe3\x83\xa1\xe3\x83\xa9"); /* Katakana */
  check(BF__WORDS_OWN, "\xea\xb0\x80\xeb\x82\x98\xeb\x8b\xa4",
        "\xea\xb0\x80\xeb\x82\x98\xeb\x8b\xa4"); /* Hangul has spaces */
}

static void words_beyond_64_bytes_are_cut_at_a_character(void **state) {
  (void)state;
  char text[300], expected[80];
  memset(text, 'q', 200);
  text[200] = '\0';
  memset(expected, 'q', 64);
  expected[64] = '\0';
  check_both(text, expected);
  for (size_t i = 0; i < 100; i++) memcpy(text + 1 + 2 * i, "\xc3\xa9", 2); /* q and then two bytes each: 63 fit */
  text[201] = '\0';
  joined j = {.n = 0};
  bf__each_word(text, strlen(text), BF__WORDS_OWN, join, &j);
  assert_int_equal(j.count, 1);
  assert_int_equal(j.n, 63);
  strcpy(text + 201, "zz next"); /* what follows a character that did not fit is dropped, not glued on */
  j = (joined){.n = 0};
  bf__each_word(text, strlen(text), BF__WORDS_OWN, join, &j);
  assert_int_equal(j.count, 2);
  assert_int_equal(strlen(strchr(j.text, '|') + 1), 4);
}

static void invalid_utf8_separates_words_and_nothing_is_read_behind_the_end(void **state) {
  (void)state;
  check_both(
      "red\xff"
      "blue",
      "red|blue");
  check_both("red\xc3", "red"); /* cut in a character */
  check_both(
      "\xed\xa0\x80"
      "green",
      "green"); /* a surrogate */
  check_both(
      "\xc0\xaf"
      "green",
      "green"); /* overlong */
  check_both(
      "\xf8\x88\x80\x80\x80"
      "green",
      "green");
  for (size_t n = 0; n < 4; n++) { /* the sanitiser watches the end of the block */
    static const char whole[] = "\xf0\xa0\x80\x80";
    char *block = malloc(n ? n : 1);
    assert_non_null(block);
    memcpy(block, whole, n);
    joined j = {.n = 0};
    bf__each_word(block, n, BF__WORDS_OWN, join, &j);
    assert_int_equal(j.count, 0);
    free(block);
  }
}

static void any_bytes_give_words_of_1_to_64_bytes_without_stop_words(void **state) {
  (void)state;
  bf__random random = bf__random_of(9);
  for (int round = 0; round < 2000; round++) {
    char text[200];
    size_t n = (size_t)bf__random_below(&random, sizeof text);
    for (size_t i = 0; i < n; i++)
      text[i] = (char)(round % 2 ? bf__random_below(&random, 256) : 0xe0 + bf__random_below(&random, 20) % 16);
    joined j = {.n = 0}, again = {.n = 0};
    bf__each_word(text, n, round % 3 ? BF__WORDS_OWN : BF__WORDS_PAPER, join, &j);
    bf__each_word(text, n, round % 3 ? BF__WORDS_OWN : BF__WORDS_PAPER, join, &again);
    assert_string_equal(j.text, again.text);
  }
}

/* Whether the list has the first n bytes of `word` as a word. */
static bool listed(const char *word, size_t n) {
  for (size_t i = 0; i < bf__stop_word_count(); i++) {
    const char *entry = bf__stop_word_at(i);
    if (strlen(entry) == n && memcmp(entry, word, n) == 0) return true;
  }
  return false;
}

static void the_stop_list_is_sorted_has_179_words_and_finds_each_of_them(void **state) {
  (void)state;
  assert_int_equal(bf__stop_word_count(), 179);
  for (size_t i = 0; i < bf__stop_word_count(); i++) {
    const char *word = bf__stop_word_at(i);
    assert_non_null(word);
    size_t n = strlen(word);
    if (i) assert_true(strcmp(bf__stop_word_at(i - 1), word) < 0);
    assert_true(bf__is_stop_word(word, n));
    char longer[BF__STOP_KEY_BYTES + 2] = {0};
    memcpy(longer, word, n);
    longer[n] = 'q';
    assert_false(bf__is_stop_word(longer, n + 1));
    for (size_t shorter = 1; shorter < n; shorter++)
      assert_true(bf__is_stop_word(word, shorter) == listed(word, shorter));
  }
  assert_null(bf__stop_word_at(179));
  assert_true(bf__is_stop_word("nan", 3));
  assert_true(bf__is_stop_word("don't", 5));
  assert_true(bf__is_stop_word("yourselves", 10));
  assert_false(bf__is_stop_word("", 0));
  assert_false(bf__is_stop_word("camera", 6));
  assert_false(bf__is_stop_word("yourselvesandallthoseothers", 27));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_runs_of_letters_digits_and_underscores_in_lower_case),
      cmocka_unit_test(letters_of_other_scripts_are_letters_and_have_lower_case),
      cmocka_unit_test(stop_words_and_nan_are_left_out_in_any_case),
      cmocka_unit_test(scripts_without_spaces_are_cut_into_bigrams_by_our_rule_only),
      cmocka_unit_test(words_beyond_64_bytes_are_cut_at_a_character),
      cmocka_unit_test(invalid_utf8_separates_words_and_nothing_is_read_behind_the_end),
      cmocka_unit_test(any_bytes_give_words_of_1_to_64_bytes_without_stop_words),
      cmocka_unit_test(the_stop_list_is_sorted_has_179_words_and_finds_each_of_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
