/* The pool of workers: reuse, replacement, waiting, and nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/worker_pool.h"
#include "model_testing.h"

static size_t count_descriptors(void) {
  size_t n = 0;
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder) != NULL) ++n;
  closedir(folder);
  return n;
}

static bool has_children(void) {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* First child process of a process; 0: none. */
static pid_t child_of(pid_t parent) {
  char path[64];
  long pid = 0;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
  FILE *file = fopen(path, "re");
  assert_non_null(file);
  if (fscanf(file, "%ld", &pid) != 1) pid = 0;
  fclose(file);
  return (pid_t)pid;
}

static void sleep_ms(long ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void fifty_models_one_after_another_need_one_worker(void **state) {
  (void)state;
  bf_workers *workers = make_workers(4);
  assert_int_equal(bf_workers_count(workers), 4);
  for (int i = 0; i < 50; ++i) assert_still_works(workers);
  assert_int_equal(bf_workers_started(workers), 1);
  bf_workers_free(workers);
}

static void models_that_are_open_at_once_have_a_worker_each(void **state) {
  (void)state;
  bf_workers *workers = make_workers(3);
  bf__session *sessions[3];
  bf__result result;
  bf_error err;
  for (int i = 0; i < 3; ++i) sessions[i] = open_session(workers, "linear.onnx");
  assert_int_equal(bf_workers_started(workers), 3);
  for (int i = 2; i >= 0; --i) {
    float expected[2];
    put_rows(sessions[i], ROWS + i, 1);
    assert_int_equal(bf__session_run(sessions[i], 0, &result, &err), BF_OK);
    linear(ROWS[i], expected);
    assert_float_equal(result.values[0], expected[0], 1e-5);
  }
  for (int i = 0; i < 3; ++i) bf__session_close(sessions[i]);
  bf_workers_free(workers);
}

typedef struct job {
  bf_workers *workers;
  int n_done;
} job;

static void *run_some(void *context) {
  job *j = context;
  for (int i = 0; i < 5; ++i) {
    bf_model_file file = load_file("linear.onnx");
    bf__session *session = NULL;
    bf__result result;
    bf_error err;
    float expected[2];
    if (bf__session_open(j->workers, &file, 1, &session, &err) == BF_OK) {
      put_rows(session, ROWS, 4);
      linear(ROWS[1], expected);
      if (bf__session_run(session, 0, &result, &err) == BF_OK && result.dims[0] == 4 &&
          result.values[2] - expected[0] < 1e-5F && expected[0] - result.values[2] < 1e-5F)
        ++j->n_done;
    }
    bf__session_close(session);
    free_file(file);
  }
  return NULL;
}

static void more_threads_than_workers_wait_for_one(void **state) {
  (void)state;
  enum { N = 8 };
  pthread_t threads[N];
  job jobs[N];
  bf_workers *workers = make_workers(2);
  for (int i = 0; i < N; ++i) {
    jobs[i] = (job){.workers = workers};
    assert_int_equal(pthread_create(&threads[i], NULL, run_some, &jobs[i]), 0);
  }
  for (int i = 0; i < N; ++i) {
    pthread_join(threads[i], NULL);
    assert_int_equal(jobs[i].n_done, 5);
  }
  assert_in_range(bf_workers_started(workers), 1, 2);
  bf_workers_free(workers);
}

/* The thread that started a worker may end: the worker belongs to the process. */
static void a_worker_outlives_the_thread_that_started_it(void **state) {
  (void)state;
  pthread_t thread;
  bf_workers *workers = make_workers(2);
  bf__session *first = open_session(workers, "linear.onnx");
  job j = {.workers = workers};
  assert_int_equal(pthread_create(&thread, NULL, run_some, &j), 0);
  pthread_join(thread, NULL);
  assert_int_equal(j.n_done, 5);
  assert_int_equal(bf_workers_started(workers), 2);
  sleep_ms(50);
  bf__session *second = open_session(workers, "softmax.onnx");
  bf__session_close(second);
  assert_int_equal(bf_workers_started(workers), 2);
  bf__session_close(first);
  bf_workers_free(workers);
}

static void a_worker_that_dies_while_idle_is_replaced_unseen(void **state) {
  (void)state;
  bf_workers *workers = make_workers(1);
  pid_t pid = child_of(getpid());
  assert_true(pid > 0);
  kill(pid, SIGKILL);
  sleep_ms(100);
  assert_still_works(workers);
  assert_int_equal(bf_workers_started(workers), 2);
  bf_workers_free(workers);
}

static void a_worker_that_dies_in_a_run_is_an_error_of_that_model(void **state) {
  (void)state;
  static const struct {
    int signal;
    bf_status status;
    const char *words;
  } cases[] = {{SIGKILL, BF_ERR_LIMIT, "want of memory"}, {SIGABRT, BF_ERR_FORMAT, "Aborted"}};
  bf_workers *workers = make_workers(1);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    bf__session *session = open_session(workers, "linear.onnx");
    bf__result result;
    bf_error err;
    put_rows(session, ROWS, 4);
    pid_t pid = child_of(getpid());
    kill(pid, cases[i].signal);
    sleep_ms(200);
    assert_int_equal(bf__session_run(session, 0, &result, &err), cases[i].status);
    assert_non_null(strstr(err.message, cases[i].words));
    bf__session_close(session);
    assert_still_works(workers);
    assert_int_equal(bf_workers_started(workers), i + 2);
  }
  bf_workers_free(workers);
}

static void nothing_is_left_behind(void **state) {
  (void)state;
  size_t before = count_descriptors();
  assert_false(has_children());
  bf_workers *workers = make_workers(2);
  for (int i = 0; i < 3; ++i) {
    bf__session *loop = open_session(workers, "linear.onnx");
    assert_still_works(workers);
    bf__session_close(loop);
  }
  assert_true(has_children() || errno != ECHILD);
  bf_workers_free(workers);
  assert_int_equal(count_descriptors(), before);
  assert_false(has_children());
}

/* In an endless loop, too: the pipe to its host closes. */
static void workers_die_with_their_host(void **state) {
  (void)state;
  int ready[2];
  pid_t worker = 0;
  assert_int_equal(pipe(ready), 0);
  pid_t host = fork();
  assert_true(host >= 0);
  if (host == 0) {
    bf_workers *workers = make_workers(1);
    bf__session *session = open_session(workers, "hostile_loop.onnx");
    pid_t pid = child_of(getpid());
    bf__result result;
    bf_error err;
    put_rows(session, ROWS, 1);
    if (write(ready[1], &pid, sizeof pid) != (ssize_t)sizeof pid) _exit(2);
    _exit((int)bf__session_run(session, 0, &result, &err));
  }
  assert_int_equal(read(ready[0], &worker, sizeof worker), sizeof worker);
  assert_true(worker > 0);
  sleep_ms(300); /* it is in the loop by now */
  assert_int_equal(kill(worker, 0), 0);
  kill(host, SIGKILL);
  assert_int_equal(waitpid(host, NULL, 0), host);
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    char path[64];
    char text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)worker);
    FILE *file = fopen(path, "re");
    /* Gone, or a zombie that waits for whoever inherited it. */
    gone = file == NULL || (fgets(text, sizeof text, file) != NULL && strstr(text, ") Z") != NULL);
    if (file != NULL) fclose(file);
    if (!gone) sleep_ms(50);
  }
  assert_true(gone);
  close(ready[0]);
  close(ready[1]);
}

static void a_missing_program_is_named(void **state) {
  (void)state;
  bf_workers *workers = NULL;
  bf_error err;
  setenv("BESTFIT_WORKER", "/no/such/program", 1);
  assert_int_equal(bf_workers_create(NULL, &workers, &err), BF_ERR_UNSUPPORTED);
  assert_null(workers);
  assert_non_null(strstr(err.message, "/no/such/program"));
  setenv("BESTFIT_WORKER", "/bin/true", 1);
  assert_int_equal(bf_workers_create(NULL, &workers, &err), BF_ERR_IO);
  assert_null(workers);
  assert_non_null(strstr(err.message, "does not start"));
  unsetenv("BESTFIT_WORKER");
  assert_false(has_children());
}

static void what_confines_the_workers_is_told(void **state) {
  (void)state;
  bf_workers *workers = make_workers(1);
  assert_non_null(strstr(bf_workers_sandbox(workers), "seccomp"));
  bf_workers_free(workers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fifty_models_one_after_another_need_one_worker),
      cmocka_unit_test(models_that_are_open_at_once_have_a_worker_each),
      cmocka_unit_test(more_threads_than_workers_wait_for_one),
      cmocka_unit_test(a_worker_outlives_the_thread_that_started_it),
      cmocka_unit_test(a_worker_that_dies_while_idle_is_replaced_unseen),
      cmocka_unit_test(a_worker_that_dies_in_a_run_is_an_error_of_that_model),
      cmocka_unit_test(nothing_is_left_behind),
      cmocka_unit_test(workers_die_with_their_host),
      cmocka_unit_test(a_missing_program_is_named),
      cmocka_unit_test(what_confines_the_workers_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
