/* The sandbox: from inside a worker nothing but computing works. The same attempts outside of it succeed, which shows
 * that it is the sandbox that stops them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const ATTEMPTS[] = {"read-file",   "write-file", "list-folder", "internet", "local-socket",
                                       "memory-file", "process",    "program",     "signal",   "executable-memory",
                                       "raise-limit", "trace",      "much-memory"};
enum { N_ATTEMPTS = sizeof ATTEMPTS / sizeof *ATTEMPTS, MUCH_MEMORY = N_ATTEMPTS - 1 };

typedef struct report {
  char holds[80];
  bool allowed[N_ATTEMPTS];
} report;

static report self_test(const char *parts) {
  char command[600];
  char line[120];
  report out = {.holds = ""};
  size_t n = 0;
  snprintf(command, sizeof command, TEST_BINARY_DIR "/bestfit-worker --self-test %s", parts);
  FILE *pipe = popen(command, "re");
  assert_non_null(pipe);
  assert_non_null(fgets(out.holds, sizeof out.holds, pipe));
  while (fgets(line, sizeof line, pipe) != NULL) {
    char name[40];
    char word[40];
    assert_int_equal(sscanf(line, "%39s %39s", name, word), 2);
    size_t i = 0;
    while (i < N_ATTEMPTS && strcmp(ATTEMPTS[i], name) != 0) ++i;
    assert_in_range(i, 0, N_ATTEMPTS - 1);
    assert_true(strcmp(word, "allowed") == 0 || strcmp(word, "refused") == 0);
    out.allowed[i] = strcmp(word, "allowed") == 0;
    ++n;
  }
  pclose(pipe);
  assert_int_equal(n, N_ATTEMPTS);
  return out;
}

static void outside_the_sandbox_all_of_it_works(void **state) {
  (void)state;
  report r = self_test("none");
  assert_string_equal(r.holds, "holds\n");
  for (size_t i = 0; i < N_ATTEMPTS; ++i)
    if (!r.allowed[i]) fail_msg("%s", ATTEMPTS[i]);
}

static void inside_nothing_of_it_works(void **state) {
  (void)state;
  report r = self_test("all");
  assert_non_null(strstr(r.holds, "seccomp"));
  for (size_t i = 0; i < N_ATTEMPTS; ++i) {
    if (i == MUCH_MEMORY && strstr(r.holds, "memory") == NULL) continue; /* a build with a sanitizer */
    if (r.allowed[i]) fail_msg("%s", ATTEMPTS[i]);
  }
}

/* Either wall alone keeps the files shut: on a kernel without Landlock too. */
static void each_wall_alone_keeps_files_shut(void **state) {
  (void)state;
  static const char *const walls[] = {"seccomp", "landlock"};
  for (size_t k = 0; k < 2; ++k) {
    report r = self_test(walls[k]);
    if (strstr(r.holds, walls[k]) == NULL) {
      assert_int_equal(k, 1); /* only Landlock may be missing */
      print_message("this kernel has no Landlock\n");
      continue;
    }
    for (size_t i = 0; i < 3; ++i)
      if (r.allowed[i]) fail_msg("%s: %s", walls[k], ATTEMPTS[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outside_the_sandbox_all_of_it_works),
      cmocka_unit_test(inside_nothing_of_it_works),
      cmocka_unit_test(each_wall_alone_keeps_files_shut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
