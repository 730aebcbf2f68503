/* Outputs of a model as bytes: they come back bit for bit, and damage is told. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <bestfit/model.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/container.h"
#include "base/hash.h"
#include "base/memory.h"

static const char *const CLASSES[] = {"cat", "d\xC3\xB6g", ""};
static const int32_t TRUTH[] = {0, -1, 2, -2};

static bf_outputs outputs_of(float scores[12]) {
  static const float values[12] = {0.1f, -0.0f, 3e38f, NAN, INFINITY, 1e-45f, 7, 8, 9, -10, 0.3333333f, 12};
  memcpy(scores, values, sizeof values);
  return (bf_outputs){.n_items = 4, .n_classes = 3, .capacity = 4, .scores = scores, .are_logits = true};
}

static void free_classes(char **classes, size_t n) {
  for (size_t i = 0; classes != NULL && i < n; i++) free(classes[i]);
  free(classes);
}

static void outputs_come_back_bit_for_bit_with_classes_and_truth(void **state) {
  (void)state;
  float scores[12];
  bf_outputs o = outputs_of(scores);
  for (int with_truth = 0; with_truth < 2; with_truth++) {
    uint8_t *bytes = NULL;
    size_t n = 0;
    bf_outputs again;
    char **classes = NULL;
    int32_t *truth = NULL;
    bf_error err = {0};
    o.are_logits = with_truth == 0;
    assert_int_equal(bf_outputs_encode(&o, CLASSES, with_truth ? TRUTH : NULL, &bytes, &n, NULL), BF_OK);
    if (bf_outputs_decode(bytes, n, &again, &classes, &truth, &err) != BF_OK) fail_msg("%s", err.message);
    assert_int_equal(again.n_items, 4);
    assert_int_equal(again.n_classes, 3);
    assert_int_equal(again.are_logits, with_truth == 0);
    assert_memory_equal(again.scores, scores, sizeof scores);
    for (int i = 0; i < 3; i++) assert_string_equal(classes[i], CLASSES[i]);
    assert_int_equal(truth != NULL, with_truth);
    if (truth) assert_memory_equal(truth, TRUTH, sizeof TRUTH);
    free_classes(classes, 3);
    free(truth);
    bf_outputs_deinit(&again);
    assert_null(again.scores);
    free(bytes);
  }
}

static void no_items_are_no_error(void **state) {
  (void)state;
  bf_outputs none = {.n_classes = 3}, again;
  uint8_t *bytes = NULL;
  size_t n = 0;
  char **classes = NULL;
  int32_t *truth = NULL;
  assert_int_equal(bf_outputs_encode(&none, CLASSES, NULL, &bytes, &n, NULL), BF_OK);
  assert_int_equal(bf_outputs_decode(bytes, n, &again, &classes, &truth, NULL), BF_OK);
  assert_int_equal(again.n_items, 0);
  free_classes(classes, 3);
  bf_outputs_deinit(&again);
  free(bytes);
}

static void what_cannot_be_kept_is_named(void **state) {
  (void)state;
  float scores[12];
  bf_outputs o = outputs_of(scores);
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_error err = {0};
  static const int32_t wrong[] = {0, 1, 3, 0}, below[] = {-3, 0, 0, 0};
  static const char *const latin[] = {"a", "b\xE9", "c"};
  assert_int_equal(bf_outputs_encode(&o, CLASSES, wrong, &bytes, &n, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(err.position, 2);
  assert_null(bytes);
  assert_int_equal(bf_outputs_encode(&o, CLASSES, below, &bytes, &n, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_outputs_encode(&o, latin, NULL, &bytes, &n, &err), BF_ERR_INVALID_ARGUMENT);
  assert_non_null(strstr(err.message, "class 1"));
  o.n_classes = 0;
  assert_int_equal(bf_outputs_encode(&o, CLASSES, NULL, &bytes, &n, &err), BF_ERR_INVALID_ARGUMENT);
}

static bf_status decode(const uint8_t *bytes, size_t n) {
  bf_outputs o;
  char **classes = NULL;
  int32_t *truth = NULL;
  bf_error err = {0};
  bf_status status = bf_outputs_decode(bytes, n, &o, &classes, &truth, &err);
  if (status == BF_OK) {
    free_classes(classes, o.n_classes);
    free(truth);
    bf_outputs_deinit(&o);
  } else {
    assert_int_equal(err.code, status);
    assert_null(o.scores);
    assert_null(classes);
    assert_null(truth);
  }
  return status;
}

static void cut_at_any_byte_or_with_any_bit_flipped_it_is_an_error(void **state) {
  (void)state;
  float scores[12];
  bf_outputs o = outputs_of(scores);
  uint8_t *bytes = NULL;
  size_t n = 0;
  assert_int_equal(bf_outputs_encode(&o, CLASSES, TRUTH, &bytes, &n, NULL), BF_OK);
  for (size_t k = 0; k < n; k++) {
    uint8_t *cut = malloc(k + 1);
    memcpy(cut, bytes, k);
    bf_status status = decode(cut, k);
    assert_true(status == BF_ERR_FORMAT || status == BF_ERR_CORRUPT);
    free(cut);
  }
  for (size_t bit = 0; bit < 8 * n; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    bf_status status = decode(bytes, n);
    assert_true(status == BF_ERR_FORMAT || status == BF_ERR_CORRUPT);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  assert_int_equal(decode(bytes, n), BF_OK);
  free(bytes);
}

/* A container around a content with these numbers. */
static bf_status decode_head(uint32_t flags, uint32_t n_classes, uint64_t n_items, uint32_t name_bytes) {
  bf__writer w = {0};
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf__write_u32(&w, flags);
  bf__write_u32(&w, n_classes);
  bf__write_u64(&w, n_items);
  bf__write_u32(&w, name_bytes);
  bf__write(&w, "abc", 3);
  for (int i = 0; i < 4; i++) bf__write_f32(&w, 1.0f);
  assert_int_equal(bf__container_encode("BFOU", 1, w.data, w.size, &bytes, &n, NULL), BF_OK);
  bf__writer_deinit(&w);
  bf_status status = decode(bytes, n);
  free(bytes);
  return status;
}

static void counts_that_lie_are_refused_before_memory_is_taken(void **state) {
  (void)state;
  assert_int_equal(decode_head(0, 1, 4, 3), BF_OK);
  assert_int_equal(decode_head(4, 1, 4, 3), BF_ERR_CORRUPT);
  assert_int_equal(decode_head(0, 0, 4, 3), BF_ERR_CORRUPT);
  assert_int_equal(decode_head(0, 60000, 4, 3), BF_ERR_CORRUPT);
  assert_int_equal(decode_head(0, UINT32_MAX, 4, 3), BF_ERR_CORRUPT);
  assert_int_equal(decode_head(0, 1, 5, 3), BF_ERR_CORRUPT);
  assert_int_equal(decode_head(0, 1, 3, 3), BF_ERR_CORRUPT);
  assert_int_equal(decode_head(0, 1, UINT64_MAX / 4 + 2, 3), BF_ERR_CORRUPT);
  assert_int_equal(decode_head(0, 1, 4, UINT32_MAX), BF_ERR_CORRUPT);
  assert_int_equal(decode_head(2, 1, 2, 3), BF_ERR_CORRUPT); /* a truth of 0x3f800000 */
}

static void no_failed_allocation_leaks(void **state) {
  (void)state;
  float scores[12];
  bf_outputs o = outputs_of(scores);
  for (long n = 1;; n++) {
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    bf__alloc_fail_at(n);
    bf_status status = bf_outputs_encode(&o, CLASSES, TRUTH, &bytes, &n_bytes, NULL);
    if (status == BF_OK) status = decode(bytes, n_bytes);
    bool failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    assert_int_equal(status, failed ? BF_ERR_MEMORY : BF_OK);
    free(bytes);
    if (!failed) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outputs_come_back_bit_for_bit_with_classes_and_truth),
      cmocka_unit_test(no_items_are_no_error),
      cmocka_unit_test(what_cannot_be_kept_is_named),
      cmocka_unit_test(cut_at_any_byte_or_with_any_bit_flipped_it_is_an_error),
      cmocka_unit_test(counts_that_lie_are_refused_before_memory_is_taken),
      cmocka_unit_test(no_failed_allocation_leaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
