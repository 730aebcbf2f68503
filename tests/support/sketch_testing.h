/* Sketches of arrays in memory, for tests: the builder is fed batches of any size. */
#ifndef BESTFIT_TESTS_SKETCH_TESTING_H
#define BESTFIT_TESTS_SKETCH_TESTING_H

/* cmocka.h needs what comes before it. */
/* clang-format off */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#include "base/hash.h"
#include "sketch/sketch_builder.h"
#include "sketch/sketch_data.h"
#include "sketch/sketch_format.h"

typedef struct testing_data {
  bf_kind kind;
  uint64_t n_rows;
  uint32_t n_columns;           /* features */
  const float *cells;           /* features: [n_rows][n_columns] */
  const bf_image *images;       /* images: [n_rows] */
  uint32_t n_steps, n_channels; /* series: cells is [n_rows][n_steps][n_channels] */
  const bf_string *texts;       /* text: [n_rows] */
  const bf_pair *pairs;         /* pair: [n_rows] */
  const bf_sentence *sentences; /* tagged: [n_rows] */
  const bf_field *strings;      /* features: [n_rows][n_string_columns] */
  uint32_t n_string_columns;
  double range_max;
  const char *const *names; /* [n_columns] or NULL */
  const int32_t *labels;    /* [n_rows] or NULL */
  const char *const *label_names;
} testing_data;

typedef struct testing_how {
  uint64_t seed;       /* 0: the default */
  uint32_t n_threads;  /* 0: 1 */
  uint32_t batch_rows; /* 0: all rows in one batch; else batches of 1 .. batch_rows rows, by `cuts` */
  uint64_t cuts;       /* seed of the batch sizes; 0: all of batch_rows */
  const bf__kernels *kernels;
  uint32_t min_count; /* 0: 1 */
  const bf_sketch *like;
} testing_how;

static inline const char *testing_column_name(const void *context, uint32_t column) {
  const testing_data *data = context;
  return data->names ? data->names[column] : NULL;
}

static inline const char *testing_label_name(const void *context, uint32_t label) {
  const testing_data *data = context;
  return data->label_names[label];
}

/* The sketch, or NULL and *err. */
static inline bf_sketch *testing_try(const testing_data *data, const testing_how *how, bf_error *err) {
  const bf__sketch_source source = {.kind = data->kind,
                                    .n_columns = data->n_columns,
                                    .n_channels = data->n_channels,
                                    .min_count = how->min_count,
                                    .like = how->like,
                                    .range_max = data->range_max,
                                    .column_name = testing_column_name,
                                    .context = data};
  bf__sketch_builder *builder = NULL;
  bf_sketch *sketch = NULL;
  bf__random random = bf__random_of(how->cuts);
  const uint32_t width = data->n_steps ? data->n_steps * data->n_channels : data->n_columns;
  bf_status status = bf__sketch_builder_create(&source, how->seed ? how->seed : BF_SKETCH_DEFAULT_SEED,
                                               how->n_threads ? how->n_threads : 1, how->kernels, &builder, err);
  for (uint64_t done = 0; status == BF_OK && done < data->n_rows;) {
    uint64_t n = how->batch_rows ? how->batch_rows : data->n_rows;
    if (how->cuts) n = 1 + bf__random_below(&random, n);
    if (n > data->n_rows - done) n = data->n_rows - done;
    bf_batch batch = {.first_row = (int64_t)done,
                      .n_rows = (uint32_t)n,
                      .n_columns = width,
                      .cells = data->cells ? data->cells + done * width : NULL,
                      .images = data->images ? data->images + done : NULL,
                      .n_steps = data->n_steps,
                      .n_channels = data->n_channels,
                      .texts = data->texts ? data->texts + done : NULL,
                      .pairs = data->pairs ? data->pairs + done : NULL,
                      .sentences = data->sentences ? data->sentences + done : NULL,
                      .strings = data->strings ? data->strings + done * data->n_string_columns : NULL,
                      .n_string_columns = data->n_string_columns,
                      .labels = data->labels ? data->labels + done : NULL};
    status = bf__sketch_builder_add(builder, &batch, err);
    done += n;
  }
  if (status == BF_OK) {
    status = bf__sketch_builder_finish(builder, data->label_names ? testing_label_name : NULL, data, &sketch, err);
  }
  bf__sketch_builder_free(builder);
  assert_true((sketch != NULL) == (status == BF_OK));
  return sketch;
}

static inline bf_sketch *testing_sketch(const testing_data *data, const testing_how *how) {
  bf_error err = {0};
  bf_sketch *sketch = testing_try(data, how, &err);
  if (!sketch) fail_msg("%s: %s", bf_status_name(err.code), err.message);
  return sketch;
}

static inline uint8_t *testing_encode(const bf_sketch *sketch, size_t *n_bytes) {
  uint8_t *bytes = NULL;
  bf_error err = {0};
  assert_int_equal(bf_sketch_encode(sketch, &bytes, n_bytes, &err), BF_OK);
  assert_true(*n_bytes <= BF_SKETCH_MAX_BYTES);
  return bytes;
}

static inline void assert_same_sketch(const bf_sketch *a, const bf_sketch *b) {
  size_t n_a = 0, n_b = 0;
  uint8_t *bytes_a = testing_encode(a, &n_a), *bytes_b = testing_encode(b, &n_b);
  assert_int_equal(n_a, n_b);
  assert_memory_equal(bytes_a, bytes_b, n_a);
  free(bytes_a);
  free(bytes_b);
}

/* Rows first .. first + n - 1 of the data. */
static inline testing_data testing_rows(const testing_data *data, uint64_t first, uint64_t n) {
  testing_data d = *data;
  size_t width = d.n_steps ? (size_t)d.n_steps * d.n_channels : d.n_columns;
  d.n_rows = n;
  if (d.cells) d.cells += first * width;
  if (d.texts) d.texts += first;
  if (d.images) d.images += first;
  if (d.labels) d.labels += first;
  return d;
}

/* Seeded cells: a sum of uniform numbers, per column another offset and spread, columns correlated in pairs. No libm.
 */
static inline float *testing_cells(uint64_t n_rows, uint32_t n_columns, uint64_t seed) {
  float *cells = malloc((n_rows * n_columns + 1) * sizeof *cells);
  assert_non_null(cells);
  for (uint64_t i = 0; i < n_rows; i++) {
    for (uint32_t j = 0; j < n_columns; j++) {
      uint64_t r = bf__mix64(seed, i * n_columns + j);
      double u = 0;
      for (int k = 0; k < 4; k++) u += (double)((r >> (16 * k)) & 0xffff) / 65536.0 - 0.5;
      double x = 10.0 * j + (1.0 + j % 7) * u;
      if (j % 2) x += (double)cells[i * n_columns + j - 1] * 0.5;
      cells[i * n_columns + j] = (float)x;
    }
  }
  return cells;
}

#endif
