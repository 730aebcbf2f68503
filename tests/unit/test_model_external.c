/* Names of external files, out of the untrusted bytes of a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include "model_testing.h"

#include "base/bytes.h"
#include "base/memory.h"

static bf_status names_of(const char *file_name, char ***names, size_t *n, bf_error *err) {
  bf_model_file file = load_file(file_name);
  bf_status status = bf_model_external_files(file.bytes, file.n_bytes, names, n, err);
  free_file(file);
  return status;
}

static void a_model_without_external_data_names_none(void **state) {
  (void)state;
  char **names = NULL;
  size_t n = 1;
  bf_error err;
  assert_int_equal(names_of("linear.onnx", &names, &n, &err), BF_OK);
  assert_int_equal(n, 0);
  bf_model_names_free(names, n);
}

static void external_data_are_named(void **state) {
  (void)state;
  char **names = NULL;
  size_t n = 0;
  bf_error err;
  assert_int_equal(names_of("external.onnx", &names, &n, &err), BF_OK);
  assert_int_equal(n, 1);
  assert_string_equal(names[0], "external_weights.bin");
  bf_model_names_free(names, n);
}

static void names_that_leave_the_folder_are_refused_wherever_they_hide(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"hostile_external_absolute.onnx", "/etc/passwd"},
                                         {"hostile_external_parent.onnx", "../linear.onnx"},
                                         {"hostile_external_inside.onnx", "a/../../b"},
                                         {"hostile_external_nested.onnx", "/etc/shadow"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char **names = NULL;
    size_t n = 0;
    bf_error err;
    assert_int_equal(names_of(cases[i][0], &names, &n, &err), BF_ERR_INVALID_ARGUMENT);
    assert_null(names);
    assert_non_null(strstr(err.message, cases[i][1]));
    assert_true(err.position > 0);
  }
}

static void what_is_no_model_is_refused_at_its_byte(void **state) {
  (void)state;
  char **names = NULL;
  size_t n = 0;
  bf_error err;
  assert_int_equal(bf_model_external_files((const uint8_t *)"hello world", 11, &names, &n, &err), BF_ERR_FORMAT);
  assert_int_equal(bf_model_external_files(NULL, 0, &names, &n, &err), BF_ERR_FORMAT);
  assert_int_equal(names_of("hostile_truncated.onnx", &names, &n, &err), BF_ERR_FORMAT);
  assert_true(err.position > 0);
}

/* Every prefix of a model is refused or gives no wrong name; none is read past its end (sanitizers). */
static void every_prefix_of_a_model_is_survived(void **state) {
  (void)state;
  bf_model_file file = load_file("external.onnx");
  for (size_t n_bytes = 0; n_bytes < file.n_bytes; ++n_bytes) {
    uint8_t *exact = malloc(n_bytes + (n_bytes == 0));
    char **names = NULL;
    size_t n = 0;
    bf_error err;
    assert_non_null(exact);
    memcpy(exact, file.bytes, n_bytes);
    bf_status status = bf_model_external_files(exact, n_bytes, &names, &n, &err);
    if (status == BF_OK && n > 0) assert_string_equal(names[0], "external_weights.bin");
    bf_model_names_free(names, n);
    free(exact);
  }
  free_file(file);
}

/* A message of one field. You own the bytes. */
static bf__writer wrap(unsigned field, bf__writer inner) {
  bf__writer w = {0};
  bf__write_varint(&w, field << 3 | 2);
  bf__write_varint(&w, inner.size);
  bf__write(&w, inner.data, inner.size);
  bf__writer_deinit(&inner);
  return w;
}

static bf__writer tensor_of(const char *location) {
  bf__writer key = {0};
  bf__writer value = {0};
  bf__writer tensor = {0};
  bf__write(&key, "location", 8);
  bf__write(&value, location, strlen(location));
  key = wrap(1, key);
  value = wrap(2, value);
  bf__write(&value, key.data, key.size); /* the value before its key */
  bf__writer entry = wrap(13, value);
  bf__write(&tensor, entry.data, entry.size);
  bf__write_varint(&tensor, 14 << 3);
  bf__write_varint(&tensor, 1);
  bf__writer_deinit(&entry);
  bf__writer_deinit(&key);
  return tensor;
}

static bf_status walk(bf__writer model, size_t *n, bf_error *err) {
  char **names = NULL;
  *n = 0;
  bf_status status = bf_model_external_files(model.data, model.size, &names, n, err);
  bf_model_names_free(names, *n);
  bf__writer_deinit(&model);
  return status;
}

static void names_are_counted_once_and_not_without_end(void **state) {
  (void)state;
  for (unsigned most = 1024; most <= 1025; ++most) {
    bf__writer graph = {0};
    for (unsigned i = 0; i < 2 * most; ++i) {
      char name[24];
      snprintf(name, sizeof name, "w%u.bin", i % most);
      bf__writer tensor = wrap(5, tensor_of(name));
      bf__write(&graph, tensor.data, tensor.size);
      bf__writer_deinit(&tensor);
    }
    size_t n = 0;
    bf_error err;
    bf_status status = walk(wrap(7, graph), &n, &err);
    assert_int_equal(status, most == 1024 ? BF_OK : BF_ERR_LIMIT);
    assert_int_equal(n, most == 1024 ? 1024 : 0);
  }
}

static void graphs_in_graphs_end_somewhere(void **state) {
  (void)state;
  for (int depth = 20; depth <= 60; depth += 40) {
    bf__writer at = wrap(5, tensor_of("w.bin")); /* in a graph */
    for (int i = 0; i < depth; ++i) at = wrap(1, wrap(5, wrap(6, at)));
    size_t n = 0;
    bf_error err;
    bf_status status = walk(wrap(7, at), &n, &err);
    assert_int_equal(status, depth == 20 ? BF_OK : BF_ERR_LIMIT);
    assert_int_equal(n, depth == 20);
  }
}

static void odd_names_are_refused(void **state) {
  (void)state;
  static const char *const refused[] = {"/a", "\\a", "..", "../a", "a/..", "a\\..\\b", "C:a", "", "a\nb", "\xff"};
  static const char *const taken[] = {"a", "a/b", "..a", "a..", ".hidden", "a b", "\xc3\xa9"};
  size_t n = 0;
  bf_error err;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; ++i)
    if (walk(wrap(7, wrap(5, tensor_of(refused[i]))), &n, &err) != BF_ERR_INVALID_ARGUMENT)
      fail_msg("taken: %s", refused[i]);
  for (size_t i = 0; i < sizeof taken / sizeof *taken; ++i) {
    if (walk(wrap(7, wrap(5, tensor_of(taken[i]))), &n, &err) != BF_OK) fail_msg("refused: %s", taken[i]);
    assert_int_equal(n, 1);
  }
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  bf_model_file file = load_file("external.onnx");
  long n_failed = 0;
  for (long at = 1;; ++at) {
    char **names = NULL;
    size_t n = 0;
    bf_error err;
    bf__alloc_fail_at(at);
    bf_status status = bf_model_external_files(file.bytes, file.n_bytes, &names, &n, &err);
    bool failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    assert_int_equal(status, failed ? BF_ERR_MEMORY : BF_OK);
    assert_int_equal(names == NULL, failed);
    bf_model_names_free(names, n);
    if (!failed) break;
    ++n_failed;
  }
  assert_int_equal(n_failed, 2);
  free_file(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_model_without_external_data_names_none),
      cmocka_unit_test(external_data_are_named),
      cmocka_unit_test(names_that_leave_the_folder_are_refused_wherever_they_hide),
      cmocka_unit_test(what_is_no_model_is_refused_at_its_byte),
      cmocka_unit_test(every_prefix_of_a_model_is_survived),
      cmocka_unit_test(names_are_counted_once_and_not_without_end),
      cmocka_unit_test(graphs_in_graphs_end_somewhere),
      cmocka_unit_test(odd_names_are_refused),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
