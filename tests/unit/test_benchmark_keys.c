/* Keys of the files of a run, and the hashes that are kept beside size and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "benchmark/benchmark_internal.h"

static char folder[64];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/bestfit-keys.XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static const char *inside(const char *name) {
  static char path[2][128];
  static int at;
  at = !at;
  snprintf(path[at], sizeof path[at], "%s/%s", folder, name);
  return path[at];
}

static int drop_folder(void **state) {
  (void)state;
  (void)unlink(inside("data"));
  (void)unlink(inside("stamps"));
  return rmdir(folder);
}

static void put(const char *path, const char *text) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
}

static void hash_of(const char *const *texts, size_t n, char out[BF__BENCH_KEY_BYTES]) {
  bf__bench_hasher *hasher = NULL;
  assert_int_equal(bf__bench_hasher_create(&hasher, NULL), BF_OK);
  for (size_t i = 0; i < n; i++) assert_int_equal(bf__bench_hash_text(hasher, texts[i], NULL), BF_OK);
  assert_int_equal(bf__bench_hasher_finish(hasher, out, NULL), BF_OK);
  bf__bench_hasher_free(hasher);
}

static void lists_that_differ_in_their_cuts_have_different_keys(void **state) {
  (void)state;
  const char *const a[] = {"ab", "c"}, *const b[] = {"a", "bc"}, *const c[] = {"abc", ""}, *const d[] = {"abc", NULL};
  char keys[5][BF__BENCH_KEY_BYTES];
  hash_of(a, 2, keys[0]);
  hash_of(b, 2, keys[1]);
  hash_of(c, 2, keys[2]);
  hash_of(d, 2, keys[3]);
  hash_of(a, 2, keys[4]);
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < i; k++) assert_string_not_equal(keys[i], keys[k]);
  assert_string_equal(keys[0], keys[4]);
}

static void a_file_is_known_by_its_content_and_read_again_when_it_changes(void **state) {
  (void)state;
  char first[BF__BENCH_KEY_BYTES], second[BF__BENCH_KEY_BYTES], plain[65];
  bf__bench_stamps *stamps = NULL;
  put(inside("data"), "rows");
  assert_int_equal(bf__bench_stamps_load(inside("stamps"), &stamps, NULL), BF_OK);
  assert_int_equal(bf__bench_stamps_hash(stamps, inside("data"), "d", first, NULL), BF_OK);
  assert_int_equal(bf_sha256("rows", 4, plain, NULL), BF_OK);
  assert_string_equal(first, plain);
  assert_int_equal(bf__bench_stamps_save(stamps, NULL), BF_OK);
  bf__bench_stamps_free(stamps);
  put(inside("data"), "other rows");
  assert_int_equal(bf__bench_stamps_load(inside("stamps"), &stamps, NULL), BF_OK);
  assert_int_equal(bf__bench_stamps_hash(stamps, inside("data"), "d", second, NULL), BF_OK);
  assert_string_not_equal(first, second);
  bf__bench_stamps_free(stamps);
}

static void an_unchanged_file_is_not_read_again(void **state) {
  (void)state;
  char text[400], out[BF__BENCH_KEY_BYTES];
  struct stat st;
  bf__bench_stamps *stamps = NULL;
  put(inside("data"), "rows");
  assert_int_equal(stat(inside("data"), &st), 0);
  static const char KEPT[] = "00000000000000000000000000000000000000000000000000000000000000aa";
  snprintf(text, sizeof text, "{\"d\": {\"bytes\": %lld, \"mtime_ns\": %lld, \"sha256\": \"%s\"}}",
           (long long)st.st_size, (long long)st.st_mtim.tv_sec * 1000000000 + (long long)st.st_mtim.tv_nsec, KEPT);
  put(inside("stamps"), text);
  assert_int_equal(bf__bench_stamps_load(inside("stamps"), &stamps, NULL), BF_OK);
  assert_int_equal(bf__bench_stamps_hash(stamps, inside("data"), "d", out, NULL), BF_OK);
  assert_string_equal(out, KEPT);
  bf__bench_stamps_free(stamps);
}

static void stamps_that_are_not_ours_are_none(void **state) {
  (void)state;
  static const char *const texts[] = {"",
                                      "[]",
                                      "{\"d\": 3}",
                                      "{\"d\": {\"bytes\": 4, \"mtime_ns\": 0, \"sha256\": \"x\"}}",
                                      "{\"d\": {\"bytes\": \"4\"}}",
                                      "\xff\xfe"};
  char out[BF__BENCH_KEY_BYTES], plain[65];
  assert_int_equal(bf_sha256("rows", 4, plain, NULL), BF_OK);
  put(inside("data"), "rows");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bf__bench_stamps *stamps = NULL;
    put(inside("stamps"), texts[i]);
    assert_int_equal(bf__bench_stamps_load(inside("stamps"), &stamps, NULL), BF_OK);
    assert_int_equal(bf__bench_stamps_hash(stamps, inside("data"), "d", out, NULL), BF_OK);
    assert_string_equal(out, plain);
    bf__bench_stamps_free(stamps);
  }
}

static void a_file_that_is_not_there_has_a_mark_of_its_own(void **state) {
  (void)state;
  char out[BF__BENCH_KEY_BYTES];
  bf__bench_stamps *stamps = NULL;
  assert_int_equal(bf__bench_stamps_load(inside("nothing"), &stamps, NULL), BF_OK);
  assert_int_equal(bf__bench_stamps_hash(stamps, inside("nothing"), "d", out, NULL), BF_OK);
  assert_string_equal(out, "-");
  bf__bench_stamps_free(stamps);
}

static void the_program_knows_its_own_bytes(void **state) {
  (void)state;
  char first[BF__BENCH_KEY_BYTES], second[BF__BENCH_KEY_BYTES];
  assert_int_equal(bf__bench_program_hash(first, NULL), BF_OK);
  assert_int_equal(bf__bench_program_hash(second, NULL), BF_OK);
  assert_string_equal(first, second);
  assert_int_equal(strspn(first, "0123456789abcdef"), 64);
}

static void the_variants_are_those_of_the_protocol(void **state) {
  (void)state;
  static const char *const names[] = {"standard", "own-in",   "relatives-out", "rows-30",
                                      "rows-100", "rows-300", "rows-1000"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_string_equal(bf_bench_variant_at(i), names[i]);
  assert_null(bf_bench_variant_at(sizeof names / sizeof *names));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_that_differ_in_their_cuts_have_different_keys),
      cmocka_unit_test(a_file_is_known_by_its_content_and_read_again_when_it_changes),
      cmocka_unit_test(an_unchanged_file_is_not_read_again),
      cmocka_unit_test(stamps_that_are_not_ours_are_none),
      cmocka_unit_test(a_file_that_is_not_there_has_a_mark_of_its_own),
      cmocka_unit_test(the_program_knows_its_own_bytes),
      cmocka_unit_test(the_variants_are_those_of_the_protocol),
  };
  return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
