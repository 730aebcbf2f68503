/* Models with their cards: what must agree, which output is taken, and what it means. */
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
  workers = make_workers(2);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  bf_workers_free(workers);
  return 0;
}

/* `block` is what the card says in bestfit: beside its name. */
static bf_card *card_of(const char *block) {
  char text[600];
  bf_card *card = NULL;
  bf_error err;
  int n = snprintf(text, sizeof text, "---\nbestfit:\n  name: a/b\n%s\n---\n", block);
  if (bf_card_parse(text, (size_t)n, &card, &err) != BF_OK) fail_msg("%s", err.message);
  return card;
}

static bf_status open_model(const char *name, const char *block, bf_model **out, bf_error *err) {
  bf_card *card = card_of(block);
  bf_model_file file = load_file(name);
  *err = (bf_error){.code = BF_OK};
  bf_status status = bf_model_open(workers, card, &file, 1, out, err);
  free_file(file);
  bf_card_free(card);
  return status;
}

static const bf_schema SCHEMA = {.kind = BF_KIND_FEATURES, .n_columns = 3};

static bf_batch batch_of(const float (*rows)[3], uint32_t n) {
  return (bf_batch){.n_rows = n, .n_columns = 3, .cells = (const float *)rows};
}

/* Opens, runs ROWS and closes. */
static bf_status run_model(const char *name, const char *block, bf_outputs *outputs, bf_error *err) {
  bf_model *model = NULL;
  bf_batch batch = batch_of(ROWS, 4);
  bf_status status = open_model(name, block, &model, err);
  if (status == BF_OK) status = bf_model_run(model, &SCHEMA, &batch, outputs, err);
  bf_model_close(model);
  return status;
}

#define FEATURES "  input: {kind: features}\n"

static void a_model_says_what_it_takes_and_gives(void **state) {
  (void)state;
  bf_model *model = NULL;
  bf_error err;
  assert_int_equal(open_model("linear.onnx", FEATURES "  output: {kind: logits, classes: [cat, dog]}", &model, &err),
                   BF_OK);
  assert_int_equal(bf_model_kind(model), BF_KIND_FEATURES);
  assert_true(bf_model_gives_logits(model));
  assert_int_equal(bf_model_class_count(model), 2);
  assert_string_equal(bf_model_class(model, 1), "dog");
  assert_null(bf_model_class(model, 2));
  assert_int_equal(bf_model_input_count(model), 1);
  assert_int_equal(bf_model_output_count(model), 1);
  bf_model_port port = bf_model_input(model, 0);
  assert_string_equal(port.name, "x");
  assert_string_equal(port.type, "float32");
  assert_int_equal(port.n_dims, 2);
  assert_int_equal(port.dims[0], -1);
  assert_int_equal(port.dims[1], 3);
  assert_null(bf_model_output(model, 1).name);
  bf_model_close(model);
}

static void scores_come_out_a_row_each_and_are_appended(void **state) {
  (void)state;
  bf_model *model = NULL;
  bf_outputs outputs = BF_OUTPUTS_INIT;
  bf_error err;
  bf_batch batch = batch_of(ROWS, 4);
  assert_int_equal(open_model("linear.onnx", FEATURES, &model, &err), BF_OK);
  assert_int_equal(bf_model_run(model, &SCHEMA, &batch, &outputs, &err), BF_OK);
  batch = batch_of(ROWS + 2, 2);
  assert_int_equal(bf_model_run(model, &SCHEMA, &batch, &outputs, &err), BF_OK);
  batch.n_rows = 0;
  assert_int_equal(bf_model_run(model, &SCHEMA, &batch, &outputs, &err), BF_OK);
  assert_int_equal(outputs.n_items, 6);
  assert_int_equal(outputs.n_classes, 2);
  assert_true(outputs.are_logits);
  for (size_t r = 0; r < 6; ++r) {
    float expected[2];
    linear(ROWS[r < 4 ? r : r - 2], expected);
    assert_float_equal(outputs.scores[2 * r], expected[0], 1e-5);
    assert_float_equal(outputs.scores[2 * r + 1], expected[1], 1e-5);
  }
  bf_outputs_deinit(&outputs);
  bf_model_close(model);
}

/* 1,003 rows pass in parts of 256 (or of the model's four): none is lost, none doubled. */
static void many_rows_pass_in_parts_and_a_fixed_batch_is_padded(void **state) {
  (void)state;
  enum { N = 1003 };
  static float rows[N][3];
  static const char *const models[] = {"linear.onnx", "linear_batch4.onnx"};
  for (size_t i = 0; i < N; ++i)
    for (size_t c = 0; c < 3; ++c) rows[i][c] = (float)((i * 31 + c * 17) % 101) - 50;
  for (size_t m = 0; m < 2; ++m) {
    bf_model *model = NULL;
    bf_outputs outputs = BF_OUTPUTS_INIT;
    bf_error err;
    bf_batch batch = batch_of((const float(*)[3])rows, N);
    assert_int_equal(open_model(models[m], FEATURES, &model, &err), BF_OK);
    assert_int_equal(bf_model_run(model, &SCHEMA, &batch, &outputs, &err), BF_OK);
    assert_int_equal(outputs.n_items, N);
    for (size_t r = 0; r < N; ++r) {
      float expected[2];
      linear(rows[r], expected);
      assert_float_equal(outputs.scores[2 * r], expected[0], 1e-3);
      assert_float_equal(outputs.scores[2 * r + 1], expected[1], 1e-3);
    }
    bf_outputs_deinit(&outputs);
    bf_model_close(model);
  }
}

static void one_number_a_row_becomes_two_classes(void **state) {
  (void)state;
  bf_outputs p = BF_OUTPUTS_INIT;
  bf_outputs z = BF_OUTPUTS_INIT;
  bf_error err;
  assert_int_equal(run_model("sigmoid_n.onnx", FEATURES "  output: {kind: probabilities, classes: [n, y]}", &p, &err),
                   BF_OK);
  assert_int_equal(run_model("logit_n1.onnx", FEATURES "  output: {kind: logits}", &z, &err), BF_OK);
  assert_int_equal(p.n_classes, 2);
  assert_int_equal(z.n_classes, 2);
  assert_false(p.are_logits);
  assert_true(z.are_logits);
  for (size_t r = 0; r < 4; ++r) {
    float logit = ROWS[r][0] + 2 * ROWS[r][1] - ROWS[r][2] + 0.25F;
    assert_float_equal(z.scores[2 * r], 0, 0);
    assert_float_equal(z.scores[2 * r + 1], logit, 1e-5);
    assert_float_equal(p.scores[2 * r + 1], 1 / (1 + expf(-logit)), 1e-5);
    assert_float_equal(p.scores[2 * r], 1 - p.scores[2 * r + 1], 1e-6);
  }
  bf_outputs_deinit(&p);
  bf_outputs_deinit(&z);
}

static void scikit_learn_names_its_classes_itself(void **state) {
  (void)state;
  bf_model *model = NULL;
  bf_outputs outputs = BF_OUTPUTS_INIT;
  bf_error err;
  bf_batch batch = batch_of(ROWS, 4);
  assert_int_equal(open_model("zipmap_string.onnx", FEATURES, &model, &err), BF_OK);
  assert_int_equal(bf_model_class_count(model), 0); /* not known before the first batch */
  assert_int_equal(bf_model_run(model, &SCHEMA, &batch, &outputs, &err), BF_OK);
  assert_int_equal(bf_model_class_count(model), 2);
  assert_string_equal(bf_model_class(model, 0), "no");
  assert_string_equal(bf_model_class(model, 1), "yes");
  assert_false(bf_model_gives_logits(model));
  bf_model_close(model);
  /* A card may order them as it likes: by name, not by place. */
  bf_outputs turned = BF_OUTPUTS_INIT;
  assert_int_equal(run_model("zipmap_string.onnx", FEATURES "  output: {classes: [\"yes\", \"no\"]}", &turned, &err),
                   BF_OK);
  for (size_t r = 0; r < 4; ++r) {
    assert_float_equal(turned.scores[2 * r], outputs.scores[2 * r + 1], 0);
    assert_float_equal(turned.scores[2 * r + 1], outputs.scores[2 * r], 0);
  }
  bf_outputs_deinit(&outputs);
  bf_outputs_deinit(&turned);
}

static void the_output_is_chosen_by_card_then_by_name(void **state) {
  (void)state;
  bf_outputs outputs = BF_OUTPUTS_INIT;
  bf_model *model = NULL;
  bf_error err;
  float expected[2];
  linear(ROWS[1], expected); /* both negative or not: hidden would be cut at 0 */
  assert_true(expected[0] < 0);
  assert_int_equal(run_model("two_outputs.onnx", FEATURES, &outputs, &err), BF_OK);
  assert_float_equal(outputs.scores[2], expected[0], 1e-5);
  bf_outputs_deinit(&outputs);
  assert_int_equal(run_model("two_outputs.onnx", FEATURES "  output: {name: hidden}", &outputs, &err), BF_OK);
  assert_float_equal(outputs.scores[2], 0, 0);
  bf_outputs_deinit(&outputs);
  assert_int_equal(open_model("unclear_outputs.onnx", FEATURES, &model, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "hidden (float32), more (float32)"));
  assert_int_equal(open_model("linear.onnx", FEATURES "  output: {name: other}", &model, &err), BF_ERR_MISMATCH);
  assert_non_null(strstr(err.message, "logits (float32)"));
  assert_int_equal(open_model("output_int64.onnx", FEATURES, &model, &err), BF_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "y (int64)"));
  assert_null(model);
}

static void logits_and_probabilities_are_told_apart_where_nobody_says(void **state) {
  (void)state;
  bf_outputs outputs = BF_OUTPUTS_INIT;
  bf_error err;
  assert_int_equal(run_model("output_float64.onnx", FEATURES, &outputs, &err), BF_OK);
  assert_true(outputs.are_logits);
  bf_outputs_deinit(&outputs);
  assert_int_equal(run_model("sigmoid_n.onnx", FEATURES, &outputs, &err), BF_OK);
  assert_false(outputs.are_logits);
  bf_outputs_deinit(&outputs);
  assert_int_equal(run_model("softmax.onnx", FEATURES, &outputs, &err), BF_OK);
  assert_false(outputs.are_logits);
  bf_outputs_deinit(&outputs);
}

static void cards_that_lie_are_found_out(void **state) {
  (void)state;
  static const struct {
    const char *model, *block, *words;
    bf_status status;
  } cases[] = {
      {"linear.onnx", FEATURES "  output: {classes: [a, b, c]}", "2 classes, the card names 3", BF_ERR_MISMATCH},
      {"sigmoid_n.onnx", FEATURES "  output: {classes: [a, b, c]}", "2 classes, the card names 3", BF_ERR_MISMATCH},
      {"zipmap_int64.onnx", FEATURES "  output: {classes: [a, b]}", "class a is none of the model's", BF_ERR_MISMATCH},
      {"zipmap_int64.onnx", FEATURES "  output: {classes: [10, 20, 30]}", "2", BF_ERR_MISMATCH},
      {"linear.onnx", FEATURES "  output: {kind: probabilities}", "no probabilities", BF_ERR_MISMATCH},
      {"linear.onnx", FEATURES "  output: {kind: votes}", "votes", BF_ERR_MISMATCH},
      {"linear.onnx", FEATURES "  task: regression", "regression", BF_ERR_UNSUPPORTED},
      {"linear.onnx", FEATURES "  task: detection", "detection", BF_ERR_UNSUPPORTED},
      {"linear.onnx", FEATURES "  task: multi-label", "multi-label", BF_ERR_UNSUPPORTED},
      {"hostile_rows.onnx", FEATURES, "2 rows for 4", BF_ERR_MISMATCH},
      {"hostile_external_parent.onnx", FEATURES, "../linear.onnx", BF_ERR_INVALID_ARGUMENT},
      {"hostile_external_absolute.onnx", FEATURES, "/etc/passwd", BF_ERR_INVALID_ARGUMENT},
      {"external.onnx", FEATURES, "external_weights.bin", BF_ERR_NOT_FOUND},
      {"hostile_truncated.onnx", FEATURES, "not an ONNX file, or cut", BF_ERR_FORMAT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    bf_outputs outputs = BF_OUTPUTS_INIT;
    bf_error err;
    bf_status status = run_model(cases[i].model, cases[i].block, &outputs, &err);
    if (status != cases[i].status || strstr(err.message, cases[i].words) == NULL)
      fail_msg("%s %s: %s, %s", cases[i].model, cases[i].block, bf_status_name(status), err.message);
    assert_int_equal(outputs.n_items, 0);
    bf_outputs_deinit(&outputs);
  }
  assert_still_works(workers);
}

static void outputs_stay_as_they_were_after_an_error(void **state) {
  (void)state;
  bf_outputs outputs = BF_OUTPUTS_INIT;
  bf_error err;
  assert_int_equal(run_model("linear.onnx", FEATURES, &outputs, &err), BF_OK);
  float first = outputs.scores[0];
  assert_int_equal(run_model("hostile_shapes_run.onnx", FEATURES, &outputs, &err), BF_ERR_FORMAT);
  assert_int_equal(outputs.n_items, 4);
  assert_float_equal(outputs.scores[0], first, 0);
  bf_outputs_deinit(&outputs);
}

static void external_data_come_with_the_model(void **state) {
  (void)state;
  bf_card *card = card_of(FEATURES);
  bf_model_file files[] = {load_file("external.onnx"),
                           {.name = "vocab.txt", .bytes = NULL, .n_bytes = 0},
                           load_file("external_weights.bin")};
  bf_model *model = NULL;
  bf_error err;
  assert_int_equal(bf_model_open(workers, card, files, 3, &model, &err), BF_OK);
  bf_model_close(model);
  free_file(files[0]);
  free_file(files[2]);
  bf_card_free(card);
}

static void truth_is_matched_by_name(void **state) {
  (void)state;
  static const char *const names[] = {"dog", "bird", "cat"};
  static const int32_t labels[] = {2, 0, -1, 1};
  static const int32_t expected[] = {0, 1, -1, -2};
  bf_model *model = NULL;
  int32_t *truth = NULL;
  size_t n = 0;
  bf_error err;
  bf_schema schema = SCHEMA;
  bf_batch batch = batch_of(ROWS, 4);
  schema.n_labels = 3;
  schema.label_names = names;
  batch.labels = labels;
  assert_int_equal(open_model("linear.onnx", FEATURES "  output: {classes: [cat, dog]}", &model, &err), BF_OK);
  assert_int_equal(bf_model_truth(model, &schema, &batch, 0, &truth, &n, &err), BF_OK);
  assert_int_equal(n, 4);
  batch.labels = NULL;
  assert_int_equal(bf_model_truth(model, &schema, &batch, n, &truth, &n, &err), BF_OK);
  assert_int_equal(n, 8);
  for (size_t i = 0; i < 8; ++i) assert_int_equal(truth[i], i < 4 ? expected[i] : -1);
  free(truth);
  bf_model_close(model);
}

static void truth_of_sentences_is_one_a_token(void **state) {
  (void)state;
  static const char *const names[] = {"NOUN", "VERB"};
  static const int32_t tags[] = {1, -1, 0};
  const bf_sentence sentences[] = {{.n_tokens = 3, .tags = tags}, {.n_tokens = 2, .tags = NULL}};
  const bf_batch batch = {.n_rows = 2, .sentences = sentences};
  const bf_schema schema = {.kind = BF_KIND_TAGGED, .n_labels = 2, .label_names = names};
  static const int32_t expected[] = {0, -1, -2, -1, -1};
  bf_model *model = NULL;
  int32_t *truth = NULL;
  size_t n = 0;
  bf_error err;
  assert_int_equal(open_model("linear.onnx", FEATURES "  output: {classes: [VERB, ADJ]}", &model, &err), BF_OK);
  assert_int_equal(bf_model_truth(model, &schema, &batch, 0, &truth, &n, &err), BF_OK);
  assert_int_equal(n, 5);
  for (size_t i = 0; i < 5; ++i) assert_int_equal(truth[i], expected[i]);
  free(truth);
  bf_model_close(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_model_says_what_it_takes_and_gives),
      cmocka_unit_test(scores_come_out_a_row_each_and_are_appended),
      cmocka_unit_test(many_rows_pass_in_parts_and_a_fixed_batch_is_padded),
      cmocka_unit_test(one_number_a_row_becomes_two_classes),
      cmocka_unit_test(scikit_learn_names_its_classes_itself),
      cmocka_unit_test(the_output_is_chosen_by_card_then_by_name),
      cmocka_unit_test(logits_and_probabilities_are_told_apart_where_nobody_says),
      cmocka_unit_test(cards_that_lie_are_found_out),
      cmocka_unit_test(outputs_stay_as_they_were_after_an_error),
      cmocka_unit_test(external_data_come_with_the_model),
      cmocka_unit_test(truth_is_matched_by_name),
      cmocka_unit_test(truth_of_sentences_is_one_a_token),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
