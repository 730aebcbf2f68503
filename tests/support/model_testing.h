/* Models of tests/models (made by make_models.py), and what they compute, by hand. */
#ifndef BESTFIT_TESTS_MODEL_TESTING_H
#define BESTFIT_TESTS_MODEL_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/model_internal.h"

static inline bf_model_file load_file(const char *name) {
  char path[512];
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_error err;
  snprintf(path, sizeof path, TEST_SOURCE_DIR "/tests/models/%s", name);
  if (bf__file_read(path, (size_t)1 << 24, &bytes, &n, &err) != BF_OK) fail_msg("%s", err.message);
  return (bf_model_file){.name = name, .bytes = bytes, .n_bytes = n};
}

static inline void free_file(bf_model_file file) {
  free((void *)(uintptr_t)file.bytes);
}

static inline bf_workers *make_workers(uint32_t n_workers) {
  bf_workers_options options = BF_WORKERS_OPTIONS_INIT;
  bf_workers *workers = NULL;
  bf_error err;
  options.n_workers = n_workers;
  options.memory_bytes = (uint64_t)1 << 30;
  options.batch_timeout_ms = 20000;
  if (bf_workers_create(&options, &workers, &err) != BF_OK) fail_msg("%s", err.message);
  return workers;
}

static inline bf__session *open_session(bf_workers *workers, const char *name) {
  bf_model_file file = load_file(name);
  bf__session *session = NULL;
  bf_error err;
  if (bf__session_open(workers, &file, 1, &session, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
  free_file(file);
  return session;
}

/* Rows of three numbers for input 0. */
static inline void put_rows(bf__session *session, const float (*rows)[3], size_t n) {
  bf__sink sink = bf__session_sink(session);
  const int64_t dims[] = {(int64_t)n, 3};
  void *out = NULL;
  bf_error err;
  if (sink.numbers(sink.context, 0, BF__ELEMENT_FLOAT32, dims, 2, &out, &err) != BF_OK) fail_msg("%s", err.message);
  memcpy(out, rows, n * sizeof *rows);
}

/* x W + b of linear.onnx. */
static inline void linear(const float x[3], float out[2]) {
  out[0] = x[0] * 1.0F + x[1] * 0.5F - x[2] * 3.0F + 0.5F;
  out[1] = -x[0] + x[1] * 2.0F + x[2] * 0.25F - 0.5F;
}

static const float ROWS[4][3] = {{0, 0, 0}, {1, 2, 3}, {-1, 0.5F, 0.25F}, {4, -4, 1}};

/* The model still works, and the worker, its host and the sandbox with it. */
static inline void assert_still_works(bf_workers *workers) {
  bf__session *session = open_session(workers, "linear.onnx");
  bf__result result;
  bf_error err;
  put_rows(session, ROWS, 4);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_OK);
  for (size_t r = 0; r < 4; ++r) {
    float expected[2];
    linear(ROWS[r], expected);
    assert_float_equal(result.values[2 * r], expected[0], 1e-5);
    assert_float_equal(result.values[2 * r + 1], expected[1], 1e-5);
  }
  bf__session_close(session);
}

#endif
