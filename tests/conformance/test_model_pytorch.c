/* Outputs equal PyTorch's, to 1e-4 of a probability: of the demo's networks, and of a CNN, an MLP, a text and a tagging
 * network that bench/zoo/make_conformance.py trained on real data. data/zoo/README.txt says which items are asked. */
#include <bestfit/model.h>
#include <glob.h>
#include <math.h>

#include "base/file.h"
#include "dataset_testing.h"

#define TOLERANCE 1e-4
#define MAX_FILE_BYTES (4u << 20)
#define FOLDER TEST_SOURCE_DIR "/tests/conformance/data/zoo"
#define TYPEFACES TEST_SOURCE_DIR "/examples/typefaces"
#define N_TYPEFACES 18
#define IMAGES_A_TYPEFACE 8

static bf_workers *workers;

static int start_workers(void **state) {
  (void)state;
  bf_workers_options options = BF_WORKERS_OPTIONS_INIT;
  bf_error err = {0};
  options.n_workers = 1;
  if (bf_workers_create(&options, &workers, &err) == BF_OK) return 0;
  print_error("%s\n", err.message);
  return -1;
}

static int stop_workers(void **state) {
  (void)state;
  bf_workers_free(workers);
  return 0;
}

static uint8_t *must_read_file(const char *path, size_t *n) {
  uint8_t *bytes = NULL;
  bf_error err = {0};
  if (bf__file_read(path, MAX_FILE_BYTES, &bytes, n, &err) != BF_OK) fail_msg("%s: %s", path, err.message);
  return bytes;
}

static bf_model *open_model(const char *onnx_path, const char *card_path) {
  size_t n_card = 0;
  uint8_t *card_bytes = must_read_file(card_path, &n_card);
  bf_model_file file = {.name = "model.onnx"};
  uint8_t *onnx = must_read_file(onnx_path, &file.n_bytes);
  file.bytes = onnx;
  bf_card *card = NULL;
  bf_model *model = NULL;
  bf_error err = {0};
  if (bf_card_parse((const char *)card_bytes, n_card, &card, &err) != BF_OK) fail_msg("%s: %s", card_path, err.message);
  if (bf_model_open(workers, card, &file, 1, &model, &err) != BF_OK) fail_msg("%s: %s", onnx_path, err.message);
  bf_card_free(card);
  free(card_bytes);
  free(onnx);
  return model;
}

/* What the model says of all items of a file. */
static bf_outputs run_on(bf_model *model, const char *path, const bf_dataset_options *options) {
  bf_dataset *dataset = NULL;
  bf_batch batch = {0};
  bf_schema schema;
  bf_outputs outputs = BF_OUTPUTS_INIT;
  bf_error err = {0};
  if (bf_dataset_open(path, options, &dataset, &err) != BF_OK) fail_msg("%s: %s", path, err.message);
  do {
    if (bf_dataset_next(dataset, &batch, &err) != BF_OK) fail_msg("%s: %s", path, err.message);
    bf_dataset_schema(dataset, &schema);
    if (batch.n_rows > 0 && bf_model_run(model, &schema, &batch, &outputs, &err) != BF_OK)
      fail_msg("%s: %s", path, err.message);
  } while (batch.n_rows > 0);
  bf_dataset_close(dataset);
  return outputs;
}

static void to_probabilities(const bf_outputs *outputs, size_t item, double *out) {
  const float *scores = outputs->scores + item * outputs->n_classes;
  double top = -INFINITY, sum = 0;
  for (size_t c = 0; c < outputs->n_classes; c++) top = fmax(top, (double)scores[c]);
  for (size_t c = 0; c < outputs->n_classes; c++) {
    out[c] = exp((double)scores[c] - top);
    sum += out[c];
  }
  for (size_t c = 0; c < outputs->n_classes; c++) out[c] /= sum;
}

/* Items 0, stride, 2 stride … against rows first … first + n of the expected array. */
static void assert_outputs(const bf_outputs *outputs, size_t stride, const bf_rows *expected, size_t first, size_t n,
                           const char *name) {
  double p[64], largest = 0;
  assert_true(outputs->are_logits);
  assert_true(outputs->n_classes <= 64);
  assert_int_equal(outputs->n_classes, bf_rows_column_count(expected));
  assert_true(first + n <= bf_rows_count(expected));
  assert_true((n - 1) * stride < outputs->n_items);
  for (size_t i = 0; i < n; i++) {
    const float *row = bf_rows_cells(expected) + (first + i) * outputs->n_classes;
    to_probabilities(outputs, i * stride, p);
    for (size_t c = 0; c < outputs->n_classes; c++) {
      double difference = fabs(p[c] - (double)row[c]);
      if (!(difference <= TOLERANCE))
        fail_msg("%s: item %zu, class %zu: %.6f, and %.6f in PyTorch", name, i * stride, c, p[c], (double)row[c]);
      largest = fmax(largest, difference);
    }
  }
  print_message("  %-16s largest difference %.1e\n", name, largest);
}

static bf_rows *must_load(const char *path) {
  bf_rows *rows = NULL;
  bf_error err = {0};
  if (bf_rows_load(path, NULL, &rows, &err) != BF_OK) fail_msg("%s: %s", path, err.message);
  return rows;
}

static void the_networks_of_the_demo_give_what_pytorch_gives(void **state) {
  (void)state;
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  bf_rows *expected = must_load(FOLDER "/typefaces/expected.npy");
  glob_t models; /* sorted, as the rows are */
  assert_int_equal(glob(TYPEFACES "/models/*.onnx", 0, NULL, &models), 0);
  assert_int_equal(models.gl_pathc, N_TYPEFACES);
  for (size_t m = 0; m < models.gl_pathc; m++) {
    const char *path = models.gl_pathv[m];
    char card[1024];
    snprintf(card, sizeof card, "%.*s.md", (int)(strlen(path) - strlen(".onnx")), path);
    bf_model *model = open_model(path, card);
    bf_outputs outputs = run_on(model, TYPEFACES "/data/eb-garamond/images-idx3-ubyte.gz", &options);
    assert_outputs(&outputs, outputs.n_items / IMAGES_A_TYPEFACE, expected, m * IMAGES_A_TYPEFACE, IMAGES_A_TYPEFACE,
                   strrchr(path, '/') + 1);
    bf_outputs_deinit(&outputs);
    bf_model_close(model);
  }
  globfree(&models);
  bf_rows_free(expected);
}

static void assert_case(const char *name, const char *file, const char *format, const char *kind, size_t stride) {
  const char *data = getenv("BESTFIT_DATA");
  if (!data) {
    print_message("skipped: BESTFIT_DATA is not set\n");
    skip();
  }
  char path[1024], onnx[1024], card[1024], numbers[1024];
  snprintf(path, sizeof path, "%s/%s", data, file);
  snprintf(onnx, sizeof onnx, FOLDER "/%s/model.onnx", name);
  snprintf(card, sizeof card, FOLDER "/%s/card.md", name);
  snprintf(numbers, sizeof numbers, FOLDER "/%s/expected.npy", name);
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.format = format;
  options.kind = kind;
  bf_model *model = open_model(onnx, card);
  bf_outputs outputs = run_on(model, path, &options);
  bf_rows *expected = must_load(numbers);
  assert_int_equal(bf_rows_count(expected), 100);
  assert_outputs(&outputs, stride, expected, 0, 100, name);
  bf_rows_free(expected);
  bf_outputs_deinit(&outputs);
  bf_model_close(model);
}

static void a_cnn_on_digits_gives_what_pytorch_gives(void **state) {
  (void)state;
  assert_case("cnn", "digits-semeion/images-idx3-ubyte.gz", "idx", "image", 15);
}

static void an_mlp_on_features_gives_what_pytorch_gives(void **state) {
  (void)state;
  assert_case("mlp", "har-dsads/features_left_leg.npy.gz", "npy", "features", 91);
}

static void a_text_network_gives_what_pytorch_gives(void **state) {
  (void)state;
  assert_case("text", "sentiment_fdu_mtl/music.task.test.gz", "label-text", "text", 4);
}

static void a_tagging_network_gives_what_pytorch_gives(void **state) {
  (void)state;
  assert_case("tagging", "ud_english/gum_bio.test.conllu.gz", "conllu", "tagged", 16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_networks_of_the_demo_give_what_pytorch_gives),
      cmocka_unit_test(a_cnn_on_digits_gives_what_pytorch_gives),
      cmocka_unit_test(an_mlp_on_features_gives_what_pytorch_gives),
      cmocka_unit_test(a_text_network_gives_what_pytorch_gives),
      cmocka_unit_test(a_tagging_network_gives_what_pytorch_gives),
  };
  return cmocka_run_group_tests(tests, start_workers, stop_workers);
}
