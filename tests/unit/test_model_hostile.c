/* Models that mean harm: each gets its status and its words, the host is unharmed, and the next model runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "model_testing.h"

static bf_workers *workers;

static int set_up(void **state) {
  (void)state;
  bf_workers_options options = BF_WORKERS_OPTIONS_INIT;
  bf_error err;
  options.n_workers = 1;
  options.memory_bytes = (uint64_t)1 << 30;
  options.batch_timeout_ms = 1500;
  if (bf_workers_create(&options, &workers, &err) != BF_OK) fail_msg("%s", err.message);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  bf_workers_free(workers);
  return 0;
}

/* Opens and, where that works, runs four rows; fails where either goes well. *ran: it opened. */
static bf_status try_model(const char *name, bool *ran, bf_error *err) {
  bf_model_file file = load_file(name);
  bf__session *session = NULL;
  bf__result result;
  bf_status status = bf__session_open(workers, &file, 1, &session, err);
  free_file(file);
  *ran = status == BF_OK;
  if (status != BF_OK) {
    assert_null(session);
    return status;
  }
  put_rows(session, ROWS, 4);
  status = bf__session_run(session, 0, &result, err);
  bf__session_close(session);
  return status;
}

static void every_hostile_model_is_stopped_with_its_reason(void **state) {
  (void)state;
  static const struct {
    const char *name;
    bool opens, replaces; /* the worker is replaced by another process */
    bf_status status;
    const char *words;
  } cases[] = {
      {"hostile_loop.onnx", true, true, BF_ERR_LIMIT, "longer than 1500 ms"},
      {"hostile_memory_load.onnx", true, true, BF_ERR_LIMIT, "more memory than it may have"},
      {"hostile_memory_run.onnx", true, true, BF_ERR_LIMIT, "more memory than it may have"},
      {"hostile_external_absolute.onnx", false, false, BF_ERR_FORMAT, "xternal data"},
      {"hostile_external_parent.onnx", false, false, BF_ERR_FORMAT, "xternal data"},
      {"hostile_external_nested.onnx", false, false, BF_ERR_FORMAT, "relative path"},
      {"hostile_operator.onnx", false, false, BF_ERR_UNSUPPORTED, "evil:Shell"},
      {"hostile_truncated.onnx", false, false, BF_ERR_FORMAT, "protobuf parsing failed"},
      {"hostile_empty.onnx", false, false, BF_ERR_FORMAT, "No graph"},
      {"hostile_shapes.onnx", true, false, BF_ERR_MISMATCH, "Invalid bias shape"},
      {"hostile_shapes_run.onnx", true, false, BF_ERR_FORMAT, "cannot be reshaped"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    bool opened = false;
    bf_error err = {.code = BF_OK};
    uint32_t before = bf_workers_started(workers);
    bf_status status = try_model(cases[i].name, &opened, &err);
    /* A sanitizer that cannot have so much memory ends the process: stopped as well, with other words. */
    if (strstr(bf_workers_sandbox(workers), "no memory limit") != NULL && strstr(cases[i].name, "memory") != NULL) {
      assert_int_not_equal(status, BF_OK);
      assert_still_works(workers);
      continue;
    }
    if (status != cases[i].status || opened != cases[i].opens || strstr(err.message, cases[i].words) == NULL)
      fail_msg("%s: %s, %s", cases[i].name, bf_status_name(status), err.message);
    assert_still_works(workers);
    assert_int_equal(bf_workers_started(workers), before + cases[i].replaces);
  }
}

static void outputs_that_are_no_numbers_come_out_as_they_are(void **state) {
  (void)state;
  bf__session *session = open_session(workers, "hostile_nan.onnx");
  bf__result result;
  bf_error err;
  put_rows(session, ROWS, 4);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_OK);
  for (size_t r = 0; r < 4; ++r) {
    assert_true(result.values[2 * r] != result.values[2 * r]);
    assert_true(result.values[2 * r + 1] > 999);
  }
  bf__session_close(session);
}

/* After an error a session can only be closed, and says so. */
static void a_session_whose_worker_is_gone_runs_no_more(void **state) {
  (void)state;
  bf__session *session = open_session(workers, "hostile_loop.onnx");
  bf__result result;
  bf_error err;
  put_rows(session, ROWS, 1);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_ERR_LIMIT);
  put_rows(session, ROWS, 1);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_ERR_IO);
  bf__session_close(session);
  assert_still_works(workers);
}

static void cpu_time_is_counted_for_each_model_alone(void **state) {
  (void)state;
  bf_workers_options options = BF_WORKERS_OPTIONS_INIT;
  bf_workers *own = NULL;
  bf__result result;
  bf_error err;
  options.n_workers = 1;
  options.cpu_seconds = 1;
  options.batch_timeout_ms = 30000;
  assert_int_equal(bf_workers_create(&options, &own, &err), BF_OK);
  for (int i = 0; i < 2; ++i) {
    bf__session *session = open_session(own, "hostile_loop.onnx");
    put_rows(session, ROWS, 1);
    assert_int_equal(bf__session_run(session, 0, &result, &err), BF_ERR_LIMIT);
    assert_non_null(strstr(err.message, "1 s of CPU time"));
    bf__session_close(session);
  }
  assert_still_works(own);
  assert_int_equal(bf_workers_started(own), 3);
  bf_workers_free(own);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_hostile_model_is_stopped_with_its_reason),
      cmocka_unit_test(outputs_that_are_no_numbers_come_out_as_they_are),
      cmocka_unit_test(a_session_whose_worker_is_gone_runs_no_more),
      cmocka_unit_test(cpu_time_is_counted_for_each_model_alone),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
