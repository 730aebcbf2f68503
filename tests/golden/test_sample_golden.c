/* Samples and outputs that were written before: they are read, and what is written now has the same content. (Packed
 * bytes may differ between versions of Zstandard, the content may not.) */
#include <bestfit/model.h>

#include "base/container.h"
#include "base/file.h"
#include "sample_testing.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/data/"

static uint8_t *must_file(const char *name, const char *ending, size_t *n) {
  char path[600];
  uint8_t *bytes = NULL;
  bf_error err = {0};
  snprintf(path, sizeof path, GOLDEN "%s%s", name, ending);
  if (bf__file_read(path, 1 << 20, &bytes, n, &err) != BF_OK) fail_msg("%s", err.message);
  return bytes;
}

static void assert_same_content(const char *magic, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b) {
  const uint8_t *x = NULL, *y = NULL;
  uint8_t *x_owned = NULL, *y_owned = NULL;
  size_t n_x = 0, n_y = 0;
  assert_int_equal(bf__container_decode(a, n_a, magic, 1, "golden", 1 << 20, &x, &n_x, &x_owned, NULL), BF_OK);
  assert_int_equal(bf__container_decode(b, n_b, magic, 1, "new", 1 << 20, &y, &n_y, &y_owned, NULL), BF_OK);
  assert_int_equal(n_x, n_y);
  assert_memory_equal(x, y, n_x);
  free(x_owned);
  free(y_owned);
}

static void samples_of_version_1_are_read_and_written_with_the_same_content(void **state) {
  (void)state;
  static const char *const names[] = {"features", "strings", "series", "images", "sizes", "text", "pairs", "tagged"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char name[64];
    size_t n = 0, n_words = 0, n_again = 0;
    bf_sample *s = NULL;
    uint8_t *again = NULL;
    bf_error err = {0};
    snprintf(name, sizeof name, "sample-v1-%s", names[i]);
    uint8_t *bytes = must_file(name, ".bfsm", &n), *words = must_file(name, ".txt", &n_words);
    if (bf_sample_decode(bytes, n, &s, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
    char *spelt = spell_sample(s);
    assert_string_equal(spelt, (const char *)words);
    assert_int_equal(bf_sample_encode(s, &again, &n_again, NULL), BF_OK);
    assert_same_content("BFSM", bytes, n, again, n_again);
    free(spelt);
    free(bytes);
    free(words);
    free(again);
    bf_sample_free(s);
  }
}

static void outputs_of_version_1_are_read_and_written_with_the_same_content(void **state) {
  (void)state;
  size_t n = 0, n_again = 0;
  uint8_t *bytes = must_file("outputs-v1", ".bfou", &n), *again = NULL;
  bf_outputs o;
  char **classes = NULL;
  int32_t *truth = NULL;
  assert_int_equal(bf_outputs_decode(bytes, n, &o, &classes, &truth, NULL), BF_OK);
  assert_int_equal(o.n_items, 50);
  assert_int_equal(o.n_classes, 3);
  assert_true(o.are_logits);
  assert_string_equal(classes[1], "d\xC3\xB6g");
  for (int i = 0; i < 150; i++) assert_true(o.scores[i] == (float)(i * i % 17) / 4 - 2);
  for (int i = 0; i < 50; i++) assert_int_equal(truth[i], i % 5 - 2);
  assert_int_equal(bf_outputs_encode(&o, (const char *const *)classes, truth, &again, &n_again, NULL), BF_OK);
  assert_same_content("BFOU", bytes, n, again, n_again);
  for (size_t i = 0; i < o.n_classes; i++) free(classes[i]);
  free(classes);
  free(truth);
  bf_outputs_deinit(&o);
  free(bytes);
  free(again);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(samples_of_version_1_are_read_and_written_with_the_same_content),
      cmocka_unit_test(outputs_of_version_1_are_read_and_written_with_the_same_content),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
