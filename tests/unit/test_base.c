/* Statuses, errors, sizes, bytes, hashes, random numbers, threads, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"

static void every_status_has_a_name_an_exit_code_and_an_http_status(void **state) {
  (void)state;
  assert_string_equal(bf_status_name(BF_ERR_NO_SPACE), "no-space");
  assert_int_equal(bf_status_exit_code(BF_ERR_NO_SPACE), 10);
  assert_int_equal(bf_status_http(BF_ERR_NO_SPACE), 507);
  assert_string_equal(bf_status_name((bf_status)9999), "unknown");
  assert_int_equal(bf_status_exit_code((bf_status)-1), 70);
}

static void an_error_message_is_cut_at_a_character_boundary(void **state) {
  (void)state;
  for (int pad = 0; pad < 4; pad++) {
    char text[400];
    memset(text, 'a', (size_t)pad);
    size_t n = (size_t)pad;
    while (n + 3 < sizeof text) n += (size_t)sprintf(text + n, "%s", "\xE2\x82\xAC"); /* euro sign, 3 bytes */
    bf_error err;
    assert_int_equal(bf__error_at(&err, BF_ERR_FORMAT, 7, "%s", text), BF_ERR_FORMAT);
    assert_int_equal(err.position, 7);
    assert_int_equal((strlen(err.message) - (size_t)pad) % 3, 0);
    assert_true(strlen(err.message) > 230);
  }
}

static void an_error_may_quote_itself(void **state) {
  (void)state;
  bf_error err;
  (void)bf__error(&err, BF_ERR_IO, "inner");
  (void)bf__error(&err, BF_ERR_IO, "outer: %s", err.message);
  assert_string_equal(err.message, "outer: inner");
}

static void sizes_that_overflow_are_refused(void **state) {
  (void)state;
  size_t n;
  assert_false(bf__mul(SIZE_MAX, 2, &n));
  assert_false(bf__add(SIZE_MAX, 1, &n));
  assert_null(bf__alloc(SIZE_MAX / 2, 4));
  assert_null(bf__alloc((size_t)PTRDIFF_MAX + 1, 1));
  void *empty = bf__alloc(0, 8);
  assert_non_null(empty);
  free(empty);
}

static void the_nth_allocation_can_be_made_to_fail(void **state) {
  (void)state;
  bf__alloc_fail_at(2);
  char *a = bf__strdup("a"), *b = bf__strdup("b"), *c = bf__strdup("c");
  bf__alloc_fail_at(0);
  assert_non_null(a);
  assert_null(b);
  assert_non_null(c);
  free(a);
  free(c);
}

static void bytes_come_back_as_they_were_written(void **state) {
  (void)state;
  bf__writer w = {0};
  bf__write_u16(&w, 0xBEEF);
  bf__write_u64(&w, UINT64_MAX - 5);
  bf__write_f32(&w, -0.0f);
  bf__write_f64(&w, 1e300);
  bf__write_varint(&w, 0);
  bf__write_varint(&w, 300);
  bf__write_varint(&w, UINT64_MAX);
  assert_false(w.failed);
  assert_int_equal(w.data[0], 0xEF); /* little-endian */
  bf__reader r = bf__reader_of(w.data, w.size);
  assert_int_equal(bf__read_u16(&r), 0xBEEF);
  assert_true(bf__read_u64(&r) == UINT64_MAX - 5);
  float zero = bf__read_f32(&r);
  assert_true(zero == 0 && __builtin_signbit(zero));
  assert_true(bf__read_f64(&r) == 1e300);
  assert_int_equal(bf__read_varint(&r), 0);
  assert_int_equal(bf__read_varint(&r), 300);
  assert_true(bf__read_varint(&r) == UINT64_MAX);
  assert_int_equal(bf__reader_left(&r), 0);
  assert_false(r.failed);
  (void)bf__read_u8(&r);
  assert_true(r.failed);
  assert_null(bf__read(&r, 0) ? "x" : NULL);
  bf__writer_deinit(&w);
}

static void a_varint_above_64_bits_fails(void **state) {
  (void)state;
  const uint8_t bytes[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02};
  bf__reader r = bf__reader_of(bytes, sizeof bytes);
  (void)bf__read_varint(&r);
  assert_true(r.failed);
}

static void hashes_have_their_published_values(void **state) {
  (void)state;
  char hex[65];
  assert_int_equal(bf_sha256("abc", 3, hex, NULL), BF_OK);
  assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_true(bf__xxh64("", 0, 0) == 0x2D06800538D394C2u); /* XXH3 of nothing */
}

static void seeded_random_numbers_are_the_same_everywhere_and_fair(void **state) {
  (void)state;
  bf__random a = bf__random_of(1), b = bf__random_of(1), c = bf__random_of(2);
  assert_true(bf__random_u64(&a) == bf__random_u64(&b));
  assert_true(bf__random_u64(&a) != bf__random_u64(&c));
  int counts[3] = {0};
  for (int i = 0; i < 30000; i++) counts[bf__random_below(&a, 3)]++;
  for (int i = 0; i < 3; i++) assert_in_range(counts[i], 9600, 10400);
  assert_int_equal(bf__random_below(&a, 0), 0);
  double sum = 0, squares = 0;
  for (int i = 0; i < 100000; i++) {
    double x = bf__random_normal(&a);
    sum += x;
    squares += x * x;
  }
  assert_true(sum / 1e5 < 0.02 && sum / 1e5 > -0.02);
  assert_true(squares / 1e5 < 1.03 && squares / 1e5 > 0.97);
  unsigned ones = 0;
  for (uint64_t i = 0; i < 1000; i++) ones += (unsigned)__builtin_popcountll(bf__mix64(0, i) ^ bf__mix64(0, i + 1));
  assert_in_range(ones, 31000, 33000);
}

static void count_item(void *context, size_t item, uint32_t worker) {
  (void)worker;
  atomic_fetch_add(&((atomic_int *)context)[item], 1);
}

static void every_item_is_done_once_with_any_number_of_threads(void **state) {
  (void)state;
  for (uint32_t n_threads = 0; n_threads < 6; n_threads++) {
    atomic_int done[100] = {0};
    bf__parallel_for(100, n_threads, count_item, done);
    for (int i = 0; i < 100; i++) assert_int_equal(done[i], 1);
  }
  bf__parallel_for(0, 4, count_item, NULL);
}

static void a_file_is_replaced_whole_or_not_at_all(void **state) {
  (void)state;
  char folder[] = "/tmp/bestfit-base-XXXXXX";
  assert_non_null(mkdtemp(folder));
  char path[128], deep[128];
  snprintf(path, sizeof path, "%s/file", folder);
  snprintf(deep, sizeof deep, "%s/a/b/c", folder);
  assert_int_equal(bf__file_write_atomic(path, "first", 5, NULL), BF_OK);
  assert_int_equal(bf__file_write_atomic(path, "second", 6, NULL), BF_OK);
  uint8_t *data = NULL;
  size_t size = 0;
  assert_int_equal(bf__file_read(path, 100, &data, &size, NULL), BF_OK);
  assert_int_equal(size, 6);
  assert_string_equal((char *)data, "second");
  free(data);
  bf_error err;
  assert_int_equal(bf__file_read(path, 5, &data, &size, &err), BF_ERR_LIMIT);
  assert_null(data);
  assert_int_equal(bf__file_read("/nonexistent/file", 5, &data, &size, &err), BF_ERR_NOT_FOUND);
  assert_int_equal(bf__file_write_atomic("/nonexistent/file", "x", 1, &err), BF_ERR_NOT_FOUND);
  assert_int_equal(bf__make_directories(deep, NULL), BF_OK);
  assert_int_equal(bf__make_directories(deep, NULL), BF_OK);
  struct stat st;
  assert_int_equal(stat(deep, &st), 0);
  assert_int_equal(bf__make_directories(path, &err), BF_ERR_IO);
  char command[160];
  snprintf(command, sizeof command, "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

static void a_file_without_a_known_size_is_read_to_its_end(void **state) {
  (void)state;
  uint8_t *data = NULL;
  size_t size = 0;
  assert_int_equal(bf__file_read("/proc/self/status", 1u << 20, &data, &size, NULL), BF_OK);
  assert_true(size > 100);
  assert_int_equal(data[size], 0);
  free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_status_has_a_name_an_exit_code_and_an_http_status),
      cmocka_unit_test(an_error_message_is_cut_at_a_character_boundary),
      cmocka_unit_test(an_error_may_quote_itself),
      cmocka_unit_test(sizes_that_overflow_are_refused),
      cmocka_unit_test(the_nth_allocation_can_be_made_to_fail),
      cmocka_unit_test(bytes_come_back_as_they_were_written),
      cmocka_unit_test(a_varint_above_64_bits_fails),
      cmocka_unit_test(hashes_have_their_published_values),
      cmocka_unit_test(seeded_random_numbers_are_the_same_everywhere_and_fair),
      cmocka_unit_test(every_item_is_done_once_with_any_number_of_threads),
      cmocka_unit_test(a_file_is_replaced_whole_or_not_at_all),
      cmocka_unit_test(a_file_without_a_known_size_is_read_to_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
