#include "make_sketch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "sketch_testing.h"

float *make_rows(uint64_t seed, size_t n, uint32_t d, const double *means, const double *deviations) {
  float *cells = malloc((n ? n : 1) * d * sizeof *cells);
  assert_non_null(cells);
  bf__random random = bf__random_of(seed);
  for (size_t i = 0; i < n; ++i) {
    double shared = bf__random_normal(&random);
    for (uint32_t j = 0; j < d; ++j) {
      double z = 0.6 * shared + 0.8 * bf__random_normal(&random);
      cells[i * d + j] = (float)(means[j] + deviations[j] * z);
    }
  }
  return cells;
}

bf_sketch *make_sketch(const float *cells, size_t n, uint32_t d, const char *const *names) {
  testing_data data = {.kind = BF_KIND_FEATURES, .n_rows = n, .n_columns = d, .cells = cells, .names = names};
  testing_how how = {0};
  return testing_sketch(&data, &how);
}

bf_sketch *make_normal_sketch(uint64_t seed, size_t n, uint32_t d, double mean, double deviation,
                              const char *const *names) {
  double means[128], deviations[128];
  assert_true(d <= 128);
  for (uint32_t j = 0; j < d; ++j) {
    means[j] = mean;
    deviations[j] = deviation;
  }
  float *cells = make_rows(seed, n, d, means, deviations);
  bf_sketch *sketch = make_sketch(cells, n, d, names);
  free(cells);
  return sketch;
}

bf_sketch *make_image_sketch(const float *pixels, size_t n, uint32_t height, uint32_t width) {
  bf_image *images = calloc(n, sizeof *images);
  assert_non_null(images);
  for (size_t i = 0; i < n; ++i) images[i] = (bf_image){height, width, 1, pixels + i * height * width};
  testing_data data = {.kind = BF_KIND_IMAGE,
                       .n_rows = n,
                       .n_columns = height * width,
                       .cells = pixels,
                       .images = images,
                       .range_max = 255.0};
  testing_how how = {0};
  bf_sketch *sketch = testing_sketch(&data, &how);
  free(images);
  return sketch;
}

bf_rows *make_bf_rows(const float *cells, size_t n, uint32_t d) {
  const char *folder = getenv("TMPDIR");
  char path[512], header[128], directory[256];
  snprintf(directory, sizeof directory, "%s/bestfit-rows-XXXXXX", folder ? folder : "/tmp");
  assert_non_null(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/x.npy", directory);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  memset(header, ' ', sizeof header);
  memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10); /* 0x76: 118 bytes of header, 128 with the preamble */
  int length = snprintf(header + 10, 117, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %u), }", n, d);
  header[10 + length] = ' ';
  header[127] = '\n';
  assert_int_equal(fwrite(header, 1, sizeof header, file), sizeof header);
  if (n) assert_int_equal(fwrite(cells, sizeof *cells, n * d, file), n * d);
  assert_int_equal(fclose(file), 0);
  bf_rows *rows = NULL;
  bf_error err = {0};
  if (bf_rows_load(path, NULL, &rows, &err) != BF_OK) fail_msg("%s", err.message);
  unlink(path); /* the mapping stays */
  rmdir(directory);
  return rows;
}

bf_sketch *make_text_sketch(const char *const *texts, size_t n, uint32_t min_count) {
  bf_string *strings = calloc(n + 1, sizeof *strings);
  assert_non_null(strings);
  for (size_t i = 0; i < n; ++i) strings[i] = (bf_string){texts[i], (uint32_t)strlen(texts[i])};
  testing_data data = {.kind = BF_KIND_TEXT, .n_rows = n, .texts = strings};
  testing_how how = {.min_count = min_count};
  bf_sketch *sketch = testing_sketch(&data, &how);
  free(strings);
  return sketch;
}

char **make_texts(uint64_t seed, size_t n, uint32_t vocabulary, uint32_t shift) {
  char **texts = calloc(n + 1, sizeof *texts);
  double *sums = calloc(vocabulary + 1, sizeof *sums);
  assert_non_null(texts);
  assert_non_null(sums);
  for (uint32_t i = 0; i < vocabulary; ++i)
    sums[i + 1] = sums[i] + 1.0 / (double)((i + vocabulary - shift) % vocabulary + 1);
  bf__random random = bf__random_of(seed);
  for (size_t i = 0; i < n; ++i) {
    size_t n_words = 5 + (size_t)bf__random_below(&random, 20), used = 0;
    texts[i] = calloc(n_words * 12 + 1, 1);
    assert_non_null(texts[i]);
    for (size_t w = 0; w < n_words; ++w) {
      double at = bf__random_unit(&random) * sums[vocabulary];
      uint32_t word = 0, end = vocabulary; /* sums[word] <= at < sums[end] */
      while (end - word > 1) *(sums[word + (end - word) / 2] <= at ? &word : &end) = word + (end - word) / 2;
      used += (size_t)snprintf(texts[i] + used, 12, "%sw%u", w ? " " : "", word);
    }
  }
  free(sums);
  return texts;
}

void free_texts(char **texts, size_t n) {
  for (size_t i = 0; i < n; ++i) free(texts[i]);
  free(texts);
}

bf_documents *make_documents(const char *const *texts, size_t n) {
  const char *folder = getenv("TMPDIR");
  char path[512], directory[256];
  snprintf(directory, sizeof directory, "%s/bestfit-texts-XXXXXX", folder ? folder : "/tmp");
  assert_non_null(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/x.txt", directory);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (size_t i = 0; i < n; ++i) assert_true(fprintf(file, "%s\n", texts[i]) > 0);
  assert_int_equal(fclose(file), 0);
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.format = "lines";
  bf_documents *documents = NULL;
  bf_error err = {0};
  if (bf_documents_load(path, &options, &documents, &err) != BF_OK) fail_msg("%s", err.message);
  assert_int_equal(bf_documents_count(documents), n);
  unlink(path);
  rmdir(directory);
  return documents;
}
