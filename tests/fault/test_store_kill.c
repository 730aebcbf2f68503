/* A process is killed while it adds: what it had acknowledged is there, and nothing is half there. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "store_testing.h"

enum { KILLS = 40, BLIND = 4 /* every so many-th child is killed whether it has added anything or not */ };

/* What the child writes into the pipe once an add has returned BF_OK. */
typedef struct acknowledged {
  uint32_t round, number, version;
} acknowledged;

static void model_content(uint32_t round, uint32_t number, char out[40]) {
  snprintf(out, 40, "round %u number %u", round, number);
}

/* Adds until it is killed. */
static void add_for_ever(const char *folder, uint32_t round, int pipe_end) {
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.create = true;
  bf_store *store = NULL;
  if (bf_store_open(folder, &options, &store, NULL) != BF_OK) _exit(1);
  static uint8_t padding[60000];
  for (uint32_t number = 0;; ++number) {
    char name[32];
    char content[40];
    acknowledged a = {.round = round, .number = number};
    snprintf(name, sizeof name, "killed/round-%u", round);
    model_content(round, number, content);
    memcpy(padding, content, sizeof content);
    bf_store_entry entry = entry_of(name, content);
    entry.model_bytes = padding;
    entry.model_n_bytes = sizeof padding;
    entry.sketch = padding;
    entry.sketch_bytes = 999;
    entry.kind = "features";
    if (bf_store_add(store, &entry, &a.version, NULL) != BF_OK) _exit(2);
    if (write(pipe_end, &a, sizeof a) != sizeof a) _exit(3);
  }
}

/* Checks each acknowledged add of a round; how many there were. */
static uint32_t check_acknowledged(bf_store *store, int pipe_end) {
  acknowledged a;
  uint32_t n = 0;
  while (read(pipe_end, &a, sizeof a) == sizeof a) {
    char which[64];
    char content[40];
    bf_store_list *list = NULL;
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    snprintf(which, sizeof which, "killed/round-%u@%u", a.round, a.version);
    assert_int_equal(a.version, a.number + 1);
    assert_int_equal(bf_store_find(store, which, &list, NULL), BF_OK);
    model_content(a.round, a.number, content);
    const bf_store_model *m = bf_store_list_at(list, 0);
    assert_int_equal(bf_store_read_blob(store, m->card_sha256, &bytes, &n_bytes, NULL), BF_OK);
    assert_int_equal(n_bytes, strlen(content));
    assert_memory_equal(bytes, content, strlen(content));
    free(bytes);
    assert_int_equal(bf_store_read_blob(store, m->model_sha256, &bytes, &n_bytes, NULL), BF_OK);
    assert_int_equal(n_bytes, 60000);
    free(bytes);
    bf_store_list_free(list);
    ++n;
  }
  return n;
}

static void what_a_killed_process_had_acknowledged_is_there(void **state) {
  const char *folder = *state;
  uint32_t seed = 20261123;
  uint32_t total = 0, n_waited = 0;
  uint64_t left_over = 0;
  for (uint32_t round = 0; round < KILLS; ++round) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      close(ends[0]);
      add_for_ever(folder, round, ends[1]);
    }
    close(ends[1]);
    if (round % BLIND != 0) { /* on a busy machine the first add may take long */
      struct pollfd first = {.fd = ends[0], .events = POLLIN};
      assert_int_equal(poll(&first, 1, 60000), 1);
      ++n_waited;
    }
    seed = seed * 1664525u + 1013904223u;
    struct timespec pause = {.tv_nsec = (long)(seed >> 8) % 120000 * 1000}; /* up to 0.12 s */
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status)); /* else it failed by itself */
    bf_store *store = open_store(folder);
    total += check_acknowledged(store, ends[0]);
    close(ends[0]);
    bf_fsck_report report;
    check_store(store, round % 8 == 7, &report);
    assert_true(report.database_ok);
    assert_int_equal(report.missing, 0);
    assert_int_equal(report.damaged, 0);
    left_over += report.unreferenced + report.temporary;
    bf_store_close(store);
  }
  print_message("%d kills, %u adds acknowledged, %llu left-overs seen\n", KILLS, total, (unsigned long long)left_over);
  assert_true(total >= n_waited);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_a_killed_process_had_acknowledged_is_there, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
