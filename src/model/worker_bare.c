/* ONNX Runtime called bare: what the benchmark compares a worker with. Same calls, same process settings, no sandbox,
 * no host. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "model/runtime_onnx.h"
#include "model/worker_main.h"

#define MOST_MODEL_BYTES ((size_t)1 << 31)
#define ALIGNMENT 4096u /* as shared memory has it */
#define N_BATCHES 8     /* a call, as one of bf_model_run() */

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Rows of N_BATCHES batches; the tensor is over the first. */
static bf_status make_rows(const bf__port *port, int64_t n_rows, bf__tensor *out, float **values, bf_error *err) {
  *out = (bf__tensor){.type = BF__ELEMENT_FLOAT32, .n_dims = port->n_dims};
  size_t n = 1;
  if (port->type != BF__ELEMENT_FLOAT32) return bf__error(err, BF_ERR_UNSUPPORTED, "an input that is not float32");
  for (uint32_t d = 0; d < port->n_dims; ++d) {
    out->dims[d] = d == 0 ? n_rows : port->dims[d];
    if (out->dims[d] < 1 || !bf__mul(n, (size_t)out->dims[d], &n))
      return bf__error(err, BF_ERR_UNSUPPORTED, "an input whose shape is not known");
  }
  *values = bf__alloc(n + ALIGNMENT / sizeof **values, N_BATCHES * sizeof **values);
  if (*values == NULL) return bf__error_memory(err, n * sizeof **values);
  bf__random random = bf__random_of(1);
  float *aligned = (float *)(((uintptr_t)*values + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  for (size_t i = 0; i < N_BATCHES * n; ++i) aligned[i] = (float)bf__random_unit(&random);
  out->data = aligned;
  out->n_bytes = n * sizeof **values;
  return BF_OK;
}

static bf_status measure(const char *path, int64_t n_rows, int64_t n_calls, bf_error *err) {
  bf_status status = BF_OK;
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf__ort *ort = NULL;
  bf__ort_model *model = NULL;
  bf__tensor tensor;
  float *values = NULL;
  bf__ort_result result;
  BF_TRY(bf__file_read(path, MOST_MODEL_BYTES, &bytes, &n_bytes, err));
  BF_TRY(bf__ort_create(&ort, err));
  bf_model_file file = {.name = "model.onnx", .bytes = bytes, .n_bytes = n_bytes};
  BF_TRY(bf__ort_load(ort, &file, 1, &model, err));
  BF_TRY(make_rows(&bf__ort_signature(model)->inputs[0], n_rows, &tensor, &values, err));
  const void *first = tensor.data;
  double best = INFINITY;
  for (int64_t i = -1; i < n_calls; ++i) {
    double start = seconds();
    for (size_t k = 0; k < N_BATCHES; ++k) {
      tensor.data = (const uint8_t *)first + k * tensor.n_bytes;
      BF_TRY(bf__ort_run(model, &tensor, 1, 0, &result, err));
    }
    double took = (seconds() - start) / N_BATCHES;
    if (i >= 0 && took < best) best = took;
  }
  dprintf(STDOUT_FILENO, "%.9f\n", best);
out:
  free(values);
  bf__ort_unload(model);
  bf__ort_free(ort);
  free(bytes);
  return status;
}

int bf__worker_bare(char **arguments) {
  bf_error err = {.code = BF_OK};
  int64_t n_rows = strtoll(arguments[1], NULL, 10);
  int64_t n_calls = strtoll(arguments[2], NULL, 10);
  if (n_rows < 1 || n_calls < 1) return 2;
  if (measure(arguments[0], n_rows, n_calls, &err) == BF_OK) return 0;
  dprintf(STDERR_FILENO, "bestfit-worker: %s\n", err.message);
  return bf_status_exit_code(err.code);
}
