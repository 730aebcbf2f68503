/* Featurisers of words against committed values: scikit-learn's own for hashing, a naive tokeniser's for WordPiece, the
 * Python twin's for ids, windows and pairs (tests/unit/data/make_featurisers.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/murmur3.h"
#include "memory_sink.h"

#define MOST_LINES 512
#define MOST_TEXTS 32

static char *file;
static char *lines[MOST_LINES]; /* terminated */
static size_t n_lines;
static bf_string texts[MOST_TEXTS];
static uint32_t n_texts;

static size_t unescape(char *text) {
  size_t n = 0;
  for (size_t i = 0; text[i]; i++) {
    char c = text[i];
    if (c == '\\') {
      c = text[++i];
      c = c == 't' ? '\t' : c == 'n' ? '\n' : c;
    }
    text[n++] = c;
  }
  return n;
}

static int load(void **state) {
  (void)state;
  FILE *f = fopen(TEST_SOURCE_DIR "/tests/unit/data/featurisers.txt", "rb");
  if (!f) return -1;
  file = calloc(1 << 20, 1);
  size_t n = file ? fread(file, 1, (1 << 20) - 1, f) : 0;
  fclose(f);
  if (n == 0) return -1;
  for (char *at = file; *at && n_lines < MOST_LINES; n_lines++) {
    char *end = strchr(at, '\n');
    *end = 0;
    lines[n_lines] = at;
    at = end + 1;
    if (lines[n_lines][0] != 'T') continue;
    texts[n_texts].n_bytes = (uint32_t)unescape(lines[n_lines] + 2);
    texts[n_texts++].bytes = lines[n_lines] + 2;
  }
  return 0;
}

static int unload(void **state) {
  (void)state;
  free(file);
  return 0;
}

static bf__featuriser *made(const char *input, const char *const *ports, size_t n_ports, const char *vocabulary) {
  bf__featuriser *f = NULL;
  bf_error err;
  if (featuriser_of(input, ports, n_ports, vocabulary, &f, &err) != BF_OK) fail_msg("%s: %s", input, err.message);
  return f;
}

static void fill_texts(bf__featuriser *f, memory_sink *memory, size_t padded) {
  const bf_schema schema = {.kind = BF_KIND_TEXT};
  const bf_batch batch = {.n_rows = n_texts, .texts = texts};
  const bf__sink sink = memory_sink_of(memory);
  bf_error err;
  if (bf__featuriser_fill(f, &schema, &batch, 0, n_texts, padded, &sink, &err) != BF_OK) fail_msg("%s", err.message);
}

static void expect_near(double got, double expected, const char *what, size_t row, size_t column) {
  if (!(fabs(got - expected) <= 1e-6))
    fail_msg("%s: row %zu, column %zu is %.9g instead of %.9g", what, row, column, got, expected);
}

/* ---- hashing ---- */

static void check_hashing(size_t at, const char *name) {
  memory_sink memory = {0};
  char input[1000];
  double expected[1024];
  static const char *const ports[] = {"input:float32:-1,-1"};
  snprintf(input, sizeof input, "{kind: text, featuriser: %s}", lines[at] + 2);
  bf__featuriser *f = made(input, ports, 1, NULL);
  assert_int_equal(bf__featuriser_kind(f), BF_KIND_TEXT);
  fill_texts(f, &memory, n_texts + 2);
  assert_int_equal(memory.dims[0][0], n_texts + 2);
  assert_int_equal(memory.dims[0][1], 1024);
  for (size_t i = 0; i < n_texts + 2; i++) {
    memset(expected, 0, sizeof expected);
    const char *row = i < n_texts ? lines[at + 1 + i] + 1 : "";
    for (int used; *row; row += used) {
      unsigned cell;
      double value;
      assert_int_equal(sscanf(row, " %u:%lf%n", &cell, &value, &used), 2);
      expected[cell] = value;
    }
    for (size_t k = 0; k < 1024; k++) expect_near(memory_sink_at(&memory, 0, i * 1024 + k), expected[k], name, i, k);
  }
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
}

static void hashing_gives_what_scikit_learn_gives(void **state) {
  (void)state;
  size_t n_cases = 0;
  for (size_t i = 0; i < n_lines; i++) {
    if (strncmp(lines[i], "C {name: hashing,", 17) != 0) continue;
    check_hashing(i, lines[i]);
    n_cases++;
  }
  assert_int_equal(n_cases, 10);
}

static void check_ids(size_t at, const char *types) {
  memory_sink memory = {0};
  char input[1000], first[40];
  snprintf(input, sizeof input, "{featuriser: %s}", lines[at] + 2);
  snprintf(first, sizeof first, "words:%s:-1,-1", types);
  const char *const ports[] = {"weights:float32:-1,-1", first};
  bf__featuriser *f = made(input, ports, 2, NULL);
  fill_texts(f, &memory, n_texts + 1);
  const size_t width = (size_t)memory.dims[0][1];
  assert_int_equal(memory.dims[1][1], width);
  for (size_t i = 0; i < n_texts + 1; i++) {
    const char *row = i < n_texts ? lines[at + 1 + i] + 1 : "";
    size_t k = 0;
    for (int used; *row; row += used, k++) {
      double id, weight;
      assert_int_equal(sscanf(row, " %lf:%lf%n", &id, &weight, &used), 2);
      expect_near(memory_sink_at(&memory, 1, i * width + k), id, lines[at], i, k);
      expect_near(memory_sink_at(&memory, 0, i * width + k), weight, lines[at], i, k);
    }
    if (i < n_texts) assert_int_equal(k, width);
    for (; k < width; k++) assert_true(memory_sink_at(&memory, 0, i * width + k) == 0);
  }
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
}

static void hashed_ids_are_cells_in_order_of_occurrence_with_weights(void **state) {
  (void)state;
  size_t n_cases = 0;
  for (size_t i = 0; i < n_lines; i++) {
    if (strncmp(lines[i], "C {name: hashed-ids,", 20) != 0) continue;
    check_ids(i, n_cases % 2 ? "int32" : "int64");
    n_cases++;
  }
  assert_int_equal(n_cases, 3);
}

static void murmur3_gives_published_values(void **state) {
  (void)state;
  assert_int_equal(bf__murmur3("", 0, 0), 0);
  assert_int_equal(bf__murmur3("", 0, 1), 0x514e28b7);
  assert_int_equal(bf__murmur3("\xff\xff\xff\xff", 4, 0), 0x76293b50);
  assert_int_equal(bf__murmur3("\x21\x43\x65\x87", 4, 0x5082edee), 0x2362f9de);
  assert_int_equal(bf__murmur3("\x21\x43\x65", 3, 0), 0x7e4a8634);
  assert_int_equal(bf__murmur3("\x21\x43", 2, 0), 0xa0f7b07a);
  assert_int_equal(bf__murmur3("\x21", 1, 0), 0x72661cf4);
}

/* ---- wordpiece ---- */

static const char *const bert[] = {"input_ids:int64:-1,-1", "attention_mask:int64:-1,-1", "token_type_ids:int64:-1,-1"};

static char *vocabulary_of(const char *line_end) {
  char *out = calloc(1, 8192);
  assert_non_null(out);
  for (size_t i = 0; i < n_lines; i++) {
    if (lines[i][0] != 'B') continue;
    strcat(out, lines[i] + 2);
    strcat(out, line_end);
  }
  return out;
}

static void check_wordpiece(const char *line_end, int64_t max_len) {
  memory_sink memory = {0};
  char *vocabulary = vocabulary_of(line_end), input[200];
  snprintf(input, sizeof input, "{kind: text, featuriser: {name: wordpiece, max_len: %lld}}", (long long)max_len);
  bf__featuriser *f = made(input, bert, 3, vocabulary);
  fill_texts(f, &memory, n_texts + 1);
  size_t row = 0;
  const size_t width = (size_t)max_len;
  for (size_t i = 0; i < n_lines; i++) {
    if (lines[i][0] != 'I') continue;
    double ids[64];
    size_t n = 0;
    for (char *at = lines[i] + 1; *at;) ids[n++] = strtod(at, &at);
    if (n > width) {
      ids[width - 1] = ids[n - 1]; /* [SEP] */
      n = width;
    }
    for (size_t k = 0; k < width; k++) {
      expect_near(memory_sink_at(&memory, 0, row * width + k), k < n ? ids[k] : 0, "input_ids", row, k);
      expect_near(memory_sink_at(&memory, 1, row * width + k), k < n, "attention_mask", row, k);
      expect_near(memory_sink_at(&memory, 2, row * width + k), 0, "token_type_ids", row, k);
    }
    row++;
  }
  assert_int_equal(row, n_texts);
  for (size_t k = 0; k < width; k++) assert_true(memory_sink_at(&memory, 1, row * width + k) == 0);
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
  free(vocabulary);
}

static void wordpiece_gives_what_a_naive_tokeniser_gives(void **state) {
  (void)state;
  check_wordpiece("\n", 32);
  check_wordpiece("\r\n", 32);
  check_wordpiece("\n", 6);
}

static void wordpiece_is_implied_by_the_name_of_the_input(void **state) {
  (void)state;
  static const char *const ports[] = {"input_ids:int32:-1,16"};
  memory_sink memory = {0};
  char *vocabulary = vocabulary_of("\n");
  bf__featuriser *f = made(NULL, ports, 1, vocabulary);
  fill_texts(f, &memory, n_texts);
  assert_int_equal(memory.dims[0][1], 16); /* from the model */
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
  free(vocabulary);
}

static void strings_go_to_models_that_read_them(void **state) {
  (void)state;
  static const char *const ports[] = {"text:string:-1,1"};
  memory_sink memory = {0};
  bf__featuriser *f = made("{kind: text}", ports, 1, NULL);
  fill_texts(f, &memory, n_texts + 1);
  for (size_t i = 0; i < n_texts; i++) assert_memory_equal(memory.strings[0][i], texts[i].bytes, texts[i].n_bytes);
  assert_string_equal(memory.strings[0][n_texts], "");
  assert_int_equal(memory.n_dims[0], 2);
  memory_sink_deinit(&memory);
  bf__featuriser_free(f);
}

/* ---- tokens ---- */

static size_t split(char *text, const char *separator, bf_string *out) {
  size_t n = 0;
  for (char *save = NULL, *token = strtok_r(text, separator, &save); token; token = strtok_r(NULL, separator, &save))
    out[n++] = (bf_string){token, (uint32_t)strlen(token)};
  return n;
}

static void token_windows_are_those_of_the_python_twin(void **state) {
  (void)state;
  static const char *const ports[] = {"tokens:int64:-1,30"};
  bf_string tokens[4][16];
  bf_sentence sentences[5];
  size_t n_sentences = 0, n_tokens = 0;
  double expected[32][30];
  for (size_t i = 0; i < n_lines; i++) {
    if (lines[i][0] == 'S') {
      uint32_t n = (uint32_t)split(lines[i] + 2, " ", tokens[n_sentences]);
      sentences[n_sentences] = (bf_sentence){tokens[n_sentences], NULL, n};
      if (n_sentences++ == 0) sentences[n_sentences++] = (bf_sentence){NULL, NULL, 0}; /* an empty one between */
    } else if (lines[i][0] == 'W') {
      char *at = lines[i] + 1;
      for (size_t k = 0; k < 30; k++) expected[n_tokens][k] = strtod(at, &at);
      n_tokens++;
    }
  }
  assert_int_equal(n_tokens, 14);
  const bf_schema schema = {.kind = BF_KIND_TAGGED};
  const bf_batch batch = {.n_rows = (uint32_t)n_sentences, .sentences = sentences};
  assert_int_equal(bf__featuriser_items(&batch), n_tokens);
  bf__featuriser *f = made("{kind: tagged, featuriser: {name: token-window, n_features: 32768}}", ports, 1, NULL);
  for (size_t n = 1; n <= n_tokens; n += 4) {
    for (size_t first = 0; first + n <= n_tokens; first++) {
      memory_sink memory = {0};
      const bf__sink sink = memory_sink_of(&memory);
      bf_error err;
      assert_int_equal(bf__featuriser_fill(f, &schema, &batch, first, n, n + 1, &sink, &err), BF_OK);
      for (size_t i = 0; i < n + 1; i++)
        for (size_t k = 0; k < 30; k++)
          expect_near(memory_sink_at(&memory, 0, i * 30 + k), i < n ? expected[first + i][k] : 0, "window", first + i,
                      k);
      memory_sink_deinit(&memory);
    }
  }
  bf_error err;
  memory_sink memory = {0};
  const bf__sink sink = memory_sink_of(&memory);
  assert_int_equal(bf__featuriser_fill(f, &schema, &batch, n_tokens, 1, 1, &sink, &err), BF_ERR_INVALID_ARGUMENT);
  bf__featuriser_free(f);
}

/* ---- pairs ---- */

static bf_record record_of(char *text, bf_field *fields) {
  bf_record record = {fields, 0};
  for (char *at = text;; at++) {
    char *end = at + strcspn(at, "|");
    const bool is_last = *end == 0;
    *end = 0;
    const bool is_missing = strcmp(at, "-") == 0;
    const uint32_t n = is_missing ? 0 : (uint32_t)unescape(at);
    fields[record.n_fields++] = (bf_field){{"", 0}, {is_missing ? NULL : at, n}};
    at = end;
    if (is_last) return record;
  }
}

static void pair_similarities_are_those_of_the_python_twin(void **state) {
  (void)state;
  static const char *const ports[] = {"pairs:float64:-1,24"};
  bf_field fields[2][8];
  bf__featuriser *f = made("{kind: pair}", ports, 1, NULL); /* hashed_words: 8, from the model */
  const bf_schema schema = {.kind = BF_KIND_PAIR};
  size_t n_pairs = 0;
  for (size_t i = 0; i < n_lines; i++) {
    if (lines[i][0] != 'P') continue;
    memory_sink memory = {0};
    const bf__sink sink = memory_sink_of(&memory);
    bf_error err;
    char *middle = strstr(lines[i], "||");
    *middle = 0;
    const bf_pair pair = {record_of(lines[i] + 2, fields[0]), record_of(middle + 2, fields[1])};
    const bf_batch batch = {.n_rows = 1, .pairs = &pair};
    assert_int_equal(bf__featuriser_fill(f, &schema, &batch, 0, 1, 2, &sink, &err), BF_OK);
    char *at = lines[i + 1] + 1;
    for (size_t k = 0; k < 24; k++) expect_near(memory_sink_at(&memory, 0, k), strtod(at, &at), "pair", n_pairs, k);
    for (size_t k = 24; k < 48; k++) expect_near(memory_sink_at(&memory, 0, k), 0, "padding", n_pairs, k);
    memory_sink_deinit(&memory);
    n_pairs++;
  }
  assert_int_equal(n_pairs, 6);
  bf__featuriser_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(murmur3_gives_published_values),
      cmocka_unit_test(hashing_gives_what_scikit_learn_gives),
      cmocka_unit_test(hashed_ids_are_cells_in_order_of_occurrence_with_weights),
      cmocka_unit_test(wordpiece_gives_what_a_naive_tokeniser_gives),
      cmocka_unit_test(wordpiece_is_implied_by_the_name_of_the_input),
      cmocka_unit_test(strings_go_to_models_that_read_them),
      cmocka_unit_test(token_windows_are_those_of_the_python_twin),
      cmocka_unit_test(pair_similarities_are_those_of_the_python_twin),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
