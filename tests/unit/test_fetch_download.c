/* Downloads from a server on this machine that cuts, lies, stalls and redirects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bestfit/fetch.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "http_server.h"

#define SIZE 100000

static struct {
  char folder[64], to[128], part[160], sha256[65];
  uint8_t bytes[SIZE];
  http_server server;
} t;

static void write_file(const char *path, const void *bytes, size_t n) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  assert_int_equal(fclose(file), 0);
}

static bool exists(const char *path) {
  return access(path, F_OK) == 0;
}

static size_t size_of(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? (size_t)st.st_size : SIZE_MAX;
}

/* The file is there with exactly the served bytes, and nothing else is. */
static void assert_fetched(void) {
  uint8_t *read = malloc(SIZE + 1);
  FILE *file = fopen(t.to, "rb");
  assert_non_null(file);
  assert_int_equal(fread(read, 1, SIZE + 1, file), SIZE);
  fclose(file);
  assert_memory_equal(read, t.bytes, SIZE);
  free(read);
  assert_false(exists(t.part));
}

static bf_fetch_options quick(void) {
  bf_fetch_options options = BF_FETCH_OPTIONS_INIT;
  options.plain_http = true;
  options.wait_ms = 1;
  options.n_attempts = 3;
  return options;
}

static bf_status fetch_with(const char *behaviour, const bf_fetch_options *options, bf_error *err) {
  char url[200];
  http_server_base(&t.server, behaviour, url);
  strcat(url, "/data.bin");
  bf_status status = bf_fetch_file(url, t.sha256, SIZE, t.to, options, err);
  assert_int_equal(status, status == BF_OK ? BF_OK : err->code);
  assert_true(status == BF_OK || !exists(t.to));
  return status;
}

static bf_status fetch(const char *behaviour, bf_error *err) {
  bf_fetch_options options = quick();
  return fetch_with(behaviour, &options, err);
}

static void fetched(const char *behaviour) {
  bf_error err = {0};
  if (fetch(behaviour, &err) != BF_OK) fail_msg("%s: %s", behaviour, err.message);
  assert_fetched();
}

static int start(void **state) {
  (void)state;
  char path[128];
  uint32_t x = 1;
  strcpy(t.folder, "/tmp/bestfit-fetch-XXXXXX");
  if (mkdtemp(t.folder) == NULL) return -1;
  for (size_t i = 0; i < SIZE; i++) t.bytes[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
  snprintf(path, sizeof path, "%s/data.bin", t.folder);
  snprintf(t.to, sizeof t.to, "%s/fetched.bin", t.folder);
  snprintf(t.part, sizeof t.part, "%s.part", t.to);
  write_file(path, t.bytes, SIZE);
  setenv("no_proxy", "127.0.0.1", 1);
  return bf_sha256(t.bytes, SIZE, t.sha256, NULL) == BF_OK && http_server_start(&t.server, t.folder) ? 0 : -1;
}

static int stop(void **state) {
  (void)state;
  char command[128];
  http_server_stop(&t.server);
  snprintf(command, sizeof command, "rm -rf %s", t.folder);
  return system(command);
}

static int clean(void **state) {
  (void)state;
  unlink(t.to);
  unlink(t.part);
  http_server_forget(&t.server);
  return 0;
}

static void a_file_arrives_whole(void **state) {
  (void)state;
  fetched("plain");
  assert_int_equal(http_server_last_range(&t.server), -1);
}

static void what_is_there_and_right_is_not_asked_for(void **state) {
  (void)state;
  fetched("plain");
  int before = http_server_requests(&t.server);
  fetched("status-500");
  assert_int_equal(http_server_requests(&t.server), before);
}

static void what_is_there_and_wrong_is_replaced(void **state) {
  (void)state;
  bf_error err = {0};
  char url[200];
  bf_fetch_options options = quick();
  t.bytes[7] ^= 1;
  write_file(t.to, t.bytes, SIZE);
  t.bytes[7] ^= 1;
  http_server_base(&t.server, "wrong", url);
  strcat(url, "/data.bin"); /* not by another wrong one */
  assert_int_equal(bf_fetch_file(url, t.sha256, SIZE, t.to, &options, &err), BF_ERR_CORRUPT);
  assert_int_equal(size_of(t.to), SIZE);
  fetched("plain");
}

static void a_cut_connection_goes_on_where_it_stopped(void **state) {
  (void)state;
  int before = http_server_requests(&t.server);
  fetched("cut-30000");
  assert_int_equal(http_server_requests(&t.server) - before, 4);
  assert_int_equal(http_server_last_range(&t.server), 90000);
  assert_int_equal(clean(NULL), 0);
  before = http_server_requests(&t.server);
  fetched("chop-40000"); /* without a length the cut shows only in the size */
  assert_int_equal(http_server_requests(&t.server) - before, 3);
}

static void a_later_call_goes_on_with_the_part(void **state) {
  (void)state;
  int before = http_server_requests(&t.server);
  write_file(t.part, t.bytes, 70000);
  fetched("plain");
  assert_int_equal(http_server_last_range(&t.server), 70000);
  write_file(t.part, t.bytes, SIZE); /* all was there, only the name was missing */
  unlink(t.to);
  fetched("plain");
  assert_int_equal(http_server_requests(&t.server) - before, 1);
}

static void a_part_of_other_bytes_costs_one_more_download(void **state) {
  (void)state;
  int before = http_server_requests(&t.server);
  uint8_t *other = calloc(1, SIZE);
  write_file(t.part, other, 50000);
  fetched("plain");
  assert_int_equal(http_server_requests(&t.server) - before, 2);
  assert_int_equal(http_server_last_range(&t.server), -1);
  unlink(t.to);
  write_file(t.part, other, SIZE); /* as long as the file, and wrong */
  fetched("plain");
  unlink(t.to);
  write_file(t.part, other, SIZE);
  assert_int_equal(truncate(t.part, SIZE + 5), 0); /* longer than the file can be */
  fetched("plain");
  free(other);
}

static void a_server_without_ranges_is_read_from_the_beginning(void **state) {
  (void)state;
  write_file(t.part, t.bytes, 70000);
  fetched("norange");
  assert_int_equal(http_server_last_range(&t.server), 70000); /* it was asked */
  assert_int_equal(clean(NULL), 0);
  write_file(t.part, "nothing of it", 13); /* and what was there is not kept in front */
  fetched("norange");
}

static void a_wrong_answer_to_a_range_is_not_appended(void **state) {
  (void)state;
  write_file(t.part, t.bytes, 70000);
  fetched("badrange");
  assert_int_equal(http_server_last_range(&t.server), -1);
}

static void a_server_that_never_gets_further_is_given_up(void **state) {
  (void)state;
  bf_error err = {0};
  int before = http_server_requests(&t.server);
  assert_int_equal(fetch("cutnorange-30000", &err), BF_ERR_IO);
  assert_int_equal(http_server_requests(&t.server) - before,
                   4); /* the first brings something, three bring nothing more */
  assert_int_equal(size_of(t.part), 30000);
  assert_true(err.native_code != 0);
}

static void other_bytes_are_refused_and_not_kept(void **state) {
  (void)state;
  bf_error err = {0};
  int before = http_server_requests(&t.server);
  assert_int_equal(fetch("wrong", &err), BF_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "SHA-256"));
  assert_int_equal(http_server_requests(&t.server) - before, 1);
  assert_false(exists(t.part));
}

static void more_bytes_than_stated_are_refused(void **state) {
  (void)state;
  bf_error err = {0};
  assert_int_equal(fetch("long-1", &err), BF_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "longer than the 100000 bytes"));
  assert_false(exists(t.part));
  assert_int_equal(fetch("endless", &err), BF_ERR_CORRUPT);
  assert_false(exists(t.part));
}

static void fewer_bytes_than_stated_are_refused(void **state) {
  (void)state;
  bf_error err = {0};
  assert_int_equal(fetch("short-10", &err), BF_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "shorter than the 100000 bytes"));
  assert_false(exists(t.part));
  assert_int_equal(fetch("short-100000", &err), BF_ERR_IO); /* nothing at all */
  assert_false(exists(t.part));
}

static void redirects_are_followed_up_to_five(void **state) {
  (void)state;
  bf_error err = {0};
  fetched("hops-1");
  assert_int_equal(clean(NULL), 0);
  fetched("hops-5");
  assert_int_equal(clean(NULL), 0);
  int before = http_server_requests(&t.server);
  assert_int_equal(fetch("hops-6", &err), BF_ERR_IO);
  assert_int_equal(http_server_requests(&t.server) - before, 6);
  assert_int_equal(fetch("loop", &err), BF_ERR_IO);
  assert_false(exists(t.part));
}

static void redirects_keep_the_range(void **state) {
  (void)state;
  write_file(t.part, t.bytes, 70000);
  fetched("hops-2");
  assert_int_equal(http_server_last_range(&t.server), 70000);
}

static void redirects_to_other_protocols_are_refused(void **state) {
  (void)state;
  bf_error err = {0};
  assert_int_equal(fetch("tofile", &err), BF_ERR_IO);
  assert_int_equal(fetch("toftp", &err), BF_ERR_IO);
  assert_false(exists(t.part));
}

static void plain_http_is_refused_unless_allowed(void **state) {
  (void)state;
  bf_error err = {0};
  bf_fetch_options options = quick();
  int before = http_server_requests(&t.server);
  options.plain_http = false;
  assert_int_equal(fetch_with("plain", &options, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_fetch_file("file:///etc/hostname", t.sha256, SIZE, t.to, NULL, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_fetch_file("ftp://127.0.0.1/x", t.sha256, SIZE, t.to, NULL, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(http_server_requests(&t.server), before);
}

static void sizes_and_hashes_are_checked(void **state) {
  (void)state;
  const char *url = "https://127.0.0.1:1/x";
  char upper[65];
  assert_int_equal(bf_fetch_file(url, t.sha256, 0, t.to, NULL, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_fetch_file(url, t.sha256, BF_FETCH_MAX_BYTES + 1, t.to, NULL, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_fetch_file(url, "abc", SIZE, t.to, NULL, NULL), BF_ERR_INVALID_ARGUMENT);
  memset(upper, 'A', 64), upper[64] = '\0';
  assert_int_equal(bf_fetch_file(url, upper, SIZE, t.to, NULL, NULL), BF_ERR_INVALID_ARGUMENT);
}

static void a_missing_file_is_not_found_at_once(void **state) {
  (void)state;
  bf_error err = {0};
  int before = http_server_requests(&t.server);
  assert_int_equal(fetch("status-404", &err), BF_ERR_NOT_FOUND);
  assert_int_equal(fetch("status-410", &err), BF_ERR_NOT_FOUND);
  assert_int_equal(fetch("status-403", &err), BF_ERR_IO);
  assert_non_null(strstr(err.message, "403"));
  assert_int_equal(http_server_requests(&t.server) - before, 3);
  assert_false(exists(t.part));
}

static void the_words_of_an_error_page_never_enter_the_file(void **state) {
  (void)state;
  bf_error err = {0};
  write_file(t.part, t.bytes, 1000);
  assert_int_equal(fetch("status-404", &err), BF_ERR_NOT_FOUND);
  assert_int_equal(size_of(t.part), 1000);
  fetched("plain");
}

static void a_busy_server_is_asked_again(void **state) {
  (void)state;
  bf_error err = {0};
  fetched("busy-2");
  assert_int_equal(clean(NULL), 0);
  fetched("drop-2");
  assert_int_equal(clean(NULL), 0);
  int before = http_server_requests(&t.server);
  assert_int_equal(fetch("status-503", &err), BF_ERR_IO);
  assert_non_null(strstr(err.message, "503"));
  assert_int_equal(http_server_requests(&t.server) - before, 3);
}

static void a_slow_answer_is_waited_for_and_a_stalled_one_is_not(void **state) {
  (void)state;
  bf_error err = {0};
  bf_fetch_options options = quick();
  options.stall_ms = 20000;
  assert_int_equal(fetch_with("slow-300", &options, &err), BF_OK);
  assert_fetched();
  assert_int_equal(clean(NULL), 0);
  options.stall_ms = 200;
  options.n_attempts = 1;
  assert_int_equal(fetch_with("stall-0", &options, &err), BF_ERR_IO);
  assert_non_null(strstr(err.message, "nothing came"));
  options.n_attempts = 50; /* on a busy machine a connection may need longer than that for its first byte */
  assert_int_equal(fetch_with("stall-60000", &options, &err), BF_OK); /* 60,000, then the other 40,000 */
  assert_fetched();
}

static void a_server_that_is_not_there(void **state) {
  (void)state;
  bf_error err = {0};
  bf_fetch_options options = quick();
  assert_int_equal(bf_fetch_file("http://127.0.0.1:1/x", t.sha256, SIZE, t.to, &options, &err), BF_ERR_IO);
  assert_non_null(strstr(err.message, "http://127.0.0.1:1/x"));
  assert_false(exists(t.part));
}

typedef struct seen {
  uint64_t cancel_at; /* bytes; 0: never */
  uint64_t last, total;
  bool falls, foreign_unit;
} seen;

static bool watch(void *context, const char *unit, uint64_t done, uint64_t total) {
  seen *s = context;
  s->falls |= done < s->last;
  s->foreign_unit |= strcmp(unit, "bytes") != 0;
  s->last = done, s->total = total;
  return s->cancel_at == 0 || done < s->cancel_at;
}

static void progress_reaches_the_size_and_can_cancel(void **state) {
  (void)state;
  bf_error err = {0};
  bf_fetch_options options = quick();
  seen s = {0};
  options.progress = watch;
  options.progress_context = &s;
  assert_int_equal(fetch_with("cut-30000", &options, &err), BF_OK);
  assert_int_equal(s.last, SIZE);
  assert_int_equal(s.total, SIZE);
  assert_false(s.falls || s.foreign_unit);
  assert_int_equal(clean(NULL), 0);
  s = (seen){.cancel_at = 60000};
  assert_int_equal(fetch_with("stall-60000", &options, &err), BF_ERR_CANCELLED);
  assert_int_equal(size_of(t.part), 60000); /* kept for the next call */
  fetched("plain");
  assert_int_equal(http_server_last_range(&t.server), 60000);
}

static void two_downloads_of_one_file_do_not_mix(void **state) {
  (void)state;
  bf_error err = {0};
  write_file(t.part, t.bytes, 10);
  int other = open(t.part, O_RDWR);
  assert_int_equal(flock(other, LOCK_EX), 0);
  assert_int_equal(fetch("plain", &err), BF_ERR_BUSY);
  assert_int_equal(size_of(t.part), 10);
  close(other);
  fetched("plain");
}

static void a_link_in_place_of_the_part_is_not_followed(void **state) {
  (void)state;
  bf_error err = {0};
  char victim[128];
  snprintf(victim, sizeof victim, "%s/victim", t.folder);
  write_file(victim, "precious", 8);
  assert_int_equal(symlink(victim, t.part), 0);
  assert_int_equal(fetch("plain", &err), BF_ERR_IO);
  assert_int_equal(size_of(victim), 8);
}

static void a_folder_that_is_missing(void **state) {
  (void)state;
  bf_error err = {0};
  bf_fetch_options options = quick();
  char url[200], to[200];
  http_server_base(&t.server, "plain", url);
  strcat(url, "/data.bin");
  snprintf(to, sizeof to, "%s/none/x", t.folder);
  assert_int_equal(bf_fetch_file(url, t.sha256, SIZE, to, &options, &err), BF_ERR_NOT_FOUND);
}

static void a_failing_allocation_leaves_nothing_half_done(void **state) {
  (void)state;
  bf_error err = {0};
  bf_status status = BF_ERR_MEMORY;
  long n = 1;
  for (; n < 50 && status == BF_ERR_MEMORY; n++) {
    bf__alloc_fail_at(n);
    status = fetch("plain", &err);
    bf__alloc_fail_at(0);
  }
  assert_int_equal(status, BF_OK);
  assert_true(n > 3);
  assert_fetched();
}

#define TEST(name) cmocka_unit_test_teardown(name, clean)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_file_arrives_whole),
      TEST(what_is_there_and_right_is_not_asked_for),
      TEST(what_is_there_and_wrong_is_replaced),
      TEST(a_cut_connection_goes_on_where_it_stopped),
      TEST(a_later_call_goes_on_with_the_part),
      TEST(a_part_of_other_bytes_costs_one_more_download),
      TEST(a_server_without_ranges_is_read_from_the_beginning),
      TEST(a_wrong_answer_to_a_range_is_not_appended),
      TEST(a_server_that_never_gets_further_is_given_up),
      TEST(other_bytes_are_refused_and_not_kept),
      TEST(more_bytes_than_stated_are_refused),
      TEST(fewer_bytes_than_stated_are_refused),
      TEST(redirects_are_followed_up_to_five),
      TEST(redirects_keep_the_range),
      TEST(redirects_to_other_protocols_are_refused),
      TEST(plain_http_is_refused_unless_allowed),
      TEST(sizes_and_hashes_are_checked),
      TEST(a_missing_file_is_not_found_at_once),
      TEST(the_words_of_an_error_page_never_enter_the_file),
      TEST(a_busy_server_is_asked_again),
      TEST(a_slow_answer_is_waited_for_and_a_stalled_one_is_not),
      TEST(a_server_that_is_not_there),
      TEST(progress_reaches_the_size_and_can_cancel),
      TEST(two_downloads_of_one_file_do_not_mix),
      TEST(a_link_in_place_of_the_part_is_not_followed),
      TEST(a_folder_that_is_missing),
      TEST(a_failing_allocation_leaves_nothing_half_done),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
