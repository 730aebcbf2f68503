/* Sessions: what goes into a worker and what comes out, for every type that models have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "model_testing.h"

static bf_workers *workers;

static int set_up(void **state) {
  (void)state;
  workers = make_workers(1);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  bf_workers_free(workers);
  return 0;
}

/* Runs ROWS through output `output` of a model; the session stays open for the caller. */
static bf__session *run_rows(const char *name, size_t output, bf__result *result) {
  bf__session *session = open_session(workers, name);
  bf_error err;
  put_rows(session, ROWS, 4);
  if (bf__session_run(session, output, result, &err) != BF_OK) fail_msg("%s: %s", name, err.message);
  return session;
}

static void a_signature_names_inputs_and_outputs_with_types_and_dimensions(void **state) {
  (void)state;
  bf__session *session = open_session(workers, "three_inputs.onnx");
  const bf__signature *s = bf__session_signature(session);
  assert_int_equal(s->n_inputs, 3);
  assert_int_equal(s->n_outputs, 1);
  assert_string_equal(s->inputs[1].name, "i");
  assert_int_equal(s->inputs[1].type, BF__ELEMENT_INT64);
  assert_int_equal(s->inputs[2].type, BF__ELEMENT_STRING);
  assert_int_equal(s->inputs[2].n_dims, 2);
  assert_int_equal(s->inputs[2].dims[0], -1);
  assert_int_equal(s->inputs[2].dims[1], 1);
  assert_string_equal(s->outputs[0].name, "logits");
  assert_false(s->outputs[0].is_maps);
  bf__session_close(session);
  session = open_session(workers, "zipmap_string.onnx");
  s = bf__session_signature(session);
  assert_int_equal(s->outputs[0].type, BF__ELEMENT_STRING);
  assert_false(s->outputs[0].is_maps);
  assert_true(s->outputs[1].is_maps);
  assert_int_equal(s->outputs[1].type, BF__ELEMENT_STRING);
  bf__session_close(session);
}

static void a_linear_model_gives_what_it_gives_by_hand(void **state) {
  (void)state;
  assert_still_works(workers);
}

static void outputs_of_every_number_type_become_float32(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double tolerance;
  } cases[] = {
      {"output_float64.onnx", 1e-5}, {"output_float16.onnx", 5e-3}, {"output_int64.onnx", 0}, {"output_bool.onnx", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    bf__result result;
    bf__session *session = run_rows(cases[i].name, 0, &result);
    assert_int_equal(result.n_dims, 2);
    assert_int_equal(result.dims[0], 4);
    assert_int_equal(result.dims[1], 2);
    for (size_t r = 0; r < 4; ++r) {
      float expected[2];
      linear(ROWS[r], expected);
      for (size_t c = 0; c < 2; ++c) {
        double e = expected[c];
        if (i == 2) e = trunc(e);
        if (i == 3) e = e != 0;
        assert_float_equal(result.values[2 * r + c], e, cases[i].tolerance);
      }
    }
    bf__session_close(session);
  }
}

static void maps_of_scikit_learn_become_a_matrix_with_names(void **state) {
  (void)state;
  static const char *const names[2][2] = {{"10", "20"}, {"no", "yes"}};
  static const char *const files[] = {"zipmap_int64.onnx", "zipmap_string.onnx"};
  for (size_t i = 0; i < 2; ++i) {
    bf__result result;
    bf__session *session = run_rows(files[i], 1, &result);
    assert_int_equal(result.n_names, 2);
    assert_string_equal(result.names[0], names[i][0]);
    assert_string_equal(result.names[1], names[i][1]);
    for (size_t r = 0; r < 4; ++r) {
      float logits[2];
      linear(ROWS[r], logits);
      assert_float_equal(result.values[2 * r], 1 / (1 + expf(logits[1] - logits[0])), 1e-5);
      assert_float_equal(result.values[2 * r] + result.values[2 * r + 1], 1, 1e-5);
    }
    bf__session_close(session);
  }
}

static void a_label_of_strings_is_no_score(void **state) {
  (void)state;
  bf__session *session = open_session(workers, "zipmap_string.onnx");
  bf__result result;
  bf_error err;
  put_rows(session, ROWS, 4);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "string"));
  bf__session_close(session);
}

/* Filled in the reverse order, and the memory of each written after all were asked for. */
static void numbers_integers_and_strings_go_in_together(void **state) {
  (void)state;
  bf__session *session = open_session(workers, "three_inputs.onnx");
  bf__sink sink = bf__session_sink(session);
  const int64_t dims[] = {3, 1};
  const bf_string strings[] = {{"yes", 3}, {"", 0}, {"yes\0no", 6}}; /* 1, and -1 for what is not known */
  const float x[] = {0.5F, -1, 2};
  const int64_t integers[] = {10, -7, (int64_t)1 << 20};
  void *to_integers = NULL;
  void *to_x = NULL;
  bf__result result;
  bf_error err;
  assert_int_equal(sink.strings(sink.context, 2, dims, 2, strings, &err), BF_OK);
  assert_int_equal(sink.numbers(sink.context, 1, BF__ELEMENT_INT64, dims, 2, &to_integers, &err), BF_OK);
  assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_FLOAT32, dims, 2, &to_x, &err), BF_OK);
  memcpy(to_x, x, sizeof x);
  memcpy(to_integers, integers, sizeof integers);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_OK);
  const float expected[] = {0.5F, 11, -1, -8, 2, 1048575};
  for (size_t i = 0; i < 6; ++i) assert_float_equal(result.values[i], expected[i], 0);
  bf__session_close(session);
}

/* Memory grows with the batch, on both sides, and what was in it before does not show. */
static void batches_may_grow_and_shrink(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 5000, 3, 70000, 1};
  bf__session *session = open_session(workers, "linear.onnx");
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; ++k) {
    size_t n = sizes[k];
    bf__sink sink = bf__session_sink(session);
    const int64_t dims[] = {(int64_t)n, 3};
    void *out = NULL;
    bf__result result;
    bf_error err;
    assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_FLOAT32, dims, 2, &out, &err), BF_OK);
    for (size_t i = 0; i < 3 * n; ++i) ((float *)out)[i] = (float)((i * 7 + k) % 11);
    assert_int_equal(bf__session_run(session, 0, &result, &err), BF_OK);
    assert_int_equal(result.dims[0], n);
    for (size_t r = 0; r < n; r += n / 3 + 1) {
      const float x[] = {(float)((3 * r * 7 + k) % 11), (float)(((3 * r + 1) * 7 + k) % 11),
                         (float)(((3 * r + 2) * 7 + k) % 11)};
      float expected[2];
      linear(x, expected);
      assert_float_equal(result.values[2 * r], expected[0], 1e-4);
      assert_float_equal(result.values[2 * r + 1], expected[1], 1e-4);
    }
  }
  bf__session_close(session);
}

/* The model gives [2][rows]: more than its signature tells, so that the second run does not fit and is run again while
 * others are behind it. Results come in their order, those of quiet runs, too. */
static void runs_on_their_way_keep_their_order_when_one_outgrows_its_memory(void **state) {
  (void)state;
  static const size_t sizes[] = {2, 300000, 3, 5};
  bf__session *session = open_session(workers, "hostile_rows.onnx");
  bf__sink sink = bf__session_sink(session);
  bf__result result;
  bf_error err;
  for (int again = 0; again < 2; ++again) {
    for (size_t k = 0; k < 4; ++k) {
      const int64_t dims[] = {(int64_t)sizes[k], 3};
      void *out = NULL;
      assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_FLOAT32, dims, 2, &out, &err), BF_OK);
      for (size_t i = 0; i < 3 * sizes[k]; ++i) ((float *)out)[i] = (float)((i + k) % 5);
      assert_int_equal(bf__session_begin(session, 0, k % 2 == 0, &err), BF_OK);
    }
    assert_int_equal(bf__session_begin(session, 0, false, &err), BF_ERR_INVALID_ARGUMENT); /* a fifth */
    for (size_t k = 0; k < 4; ++k) {
      assert_int_equal(bf__session_finish(session, &result, &err), BF_OK);
      assert_int_equal(result.dims[0], 2);
      assert_int_equal(result.dims[1], sizes[k]);
      for (size_t r = 0; r < sizes[k]; r += sizes[k] / 2) {
        const float x[] = {(float)((3 * r + k) % 5), (float)((3 * r + 1 + k) % 5), (float)((3 * r + 2 + k) % 5)};
        float expected[2];
        linear(x, expected);
        assert_float_equal(result.values[r], expected[0], 1e-4);
        assert_float_equal(result.values[sizes[k] + r], expected[1], 1e-4);
      }
    }
  }
  assert_int_equal(bf__session_finish(session, &result, &err), BF_ERR_INVALID_ARGUMENT);
  bf__session_close(session);
}

/* Closed with a quiet run on its way: the worker goes to the next model. */
static void a_session_may_be_closed_with_runs_on_their_way(void **state) {
  (void)state;
  uint32_t before = bf_workers_started(workers);
  for (int n = 1; n <= 4; ++n) {
    bf__session *session = open_session(workers, "linear.onnx");
    bf_error err;
    for (int k = 0; k < n; ++k) {
      put_rows(session, ROWS, 4);
      assert_int_equal(bf__session_begin(session, 0, k % 2 == 0, &err), BF_OK);
    }
    bf__session_close(session);
    assert_still_works(workers);
  }
  assert_int_equal(bf_workers_started(workers), before);
}

static void no_rows_give_no_rows(void **state) {
  (void)state;
  bf__session *session = open_session(workers, "linear.onnx");
  bf__result result;
  bf_error err;
  put_rows(session, ROWS, 0);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_OK);
  assert_int_equal(result.dims[0], 0);
  bf__session_close(session);
}

static void external_data_are_taken_from_the_files_that_are_given(void **state) {
  (void)state;
  bf_model_file files[] = {load_file("external.onnx"), load_file("external_weights.bin")};
  bf__session *session = NULL;
  bf__result result;
  bf_error err;
  assert_int_equal(bf__session_open(workers, files, 2, &session, &err), BF_OK);
  put_rows(session, ROWS, 4);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_OK);
  float expected[2];
  linear(ROWS[3], expected);
  assert_float_equal(result.values[6], expected[0], 1e-5);
  assert_float_equal(result.values[7], expected[1], 1e-5);
  bf__session_close(session);
  /* Not given, they are not looked for. */
  assert_int_equal(bf__session_open(workers, files, 1, &session, &err), BF_ERR_FORMAT);
  assert_null(session);
  assert_non_null(strstr(err.message, "External data"));
  /* Shorter than the model says. */
  files[1].n_bytes = 70;
  assert_int_equal(bf__session_open(workers, files, 2, &session, &err), BF_ERR_FORMAT);
  free_file(files[0]);
  free_file(files[1]);
  assert_still_works(workers);
}

static void inputs_that_the_graph_cannot_take_are_a_mismatch(void **state) {
  (void)state;
  bf__session *session = open_session(workers, "linear.onnx");
  bf__sink sink = bf__session_sink(session);
  const int64_t dims[] = {4, 5};
  void *out = NULL;
  bf__result result;
  bf_error err;
  assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_FLOAT32, dims, 2, &out, &err), BF_OK);
  memset(out, 0, 80);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "dimensions"));
  assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_INT64, dims, 2, &out, &err), BF_OK);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_ERR_MISMATCH);
  assert_int_equal(bf__session_run(session, 0, &result, &err), BF_ERR_MISMATCH); /* no input at all */
  bf__session_close(session);
}

static void impossible_tensors_are_refused_before_anything_is_allocated(void **state) {
  (void)state;
  bf__session *session = open_session(workers, "linear.onnx");
  bf__sink sink = bf__session_sink(session);
  const int64_t negative[] = {-1, 3};
  const int64_t overflowing[] = {INT64_MAX, INT64_MAX};
  const int64_t large[] = {(int64_t)1 << 33, 1};
  void *out = &out;
  bf_error err;
  assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_FLOAT32, negative, 2, &out, &err),
                   BF_ERR_INVALID_ARGUMENT);
  assert_null(out);
  assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_FLOAT32, overflowing, 2, &out, &err),
                   BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(sink.numbers(sink.context, 1, BF__ELEMENT_FLOAT32, large, 2, &out, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_FLOAT32, large, 2, &out, &err), BF_ERR_LIMIT);
  assert_non_null(strstr(err.message, "1024 MiB"));
  assert_int_equal(sink.numbers(sink.context, 0, BF__ELEMENT_STRING, large, 0, &out, &err), BF_ERR_INVALID_ARGUMENT);
  bf__session_close(session);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_signature_names_inputs_and_outputs_with_types_and_dimensions),
      cmocka_unit_test(a_linear_model_gives_what_it_gives_by_hand),
      cmocka_unit_test(outputs_of_every_number_type_become_float32),
      cmocka_unit_test(maps_of_scikit_learn_become_a_matrix_with_names),
      cmocka_unit_test(a_label_of_strings_is_no_score),
      cmocka_unit_test(numbers_integers_and_strings_go_in_together),
      cmocka_unit_test(batches_may_grow_and_shrink),
      cmocka_unit_test(runs_on_their_way_keep_their_order_when_one_outgrows_its_memory),
      cmocka_unit_test(a_session_may_be_closed_with_runs_on_their_way),
      cmocka_unit_test(no_rows_give_no_rows),
      cmocka_unit_test(external_data_are_taken_from_the_files_that_are_given),
      cmocka_unit_test(inputs_that_the_graph_cannot_take_are_a_mismatch),
      cmocka_unit_test(impossible_tensors_are_refused_before_anything_is_allocated),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
