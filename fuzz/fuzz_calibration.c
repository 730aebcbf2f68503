/* Calibrations from strangers: what decodes keeps its promises, encodes, and decodes to the same. */
#include <bestfit/estimate.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

static void check(const bf_calibration *c) {
  double sum = 0.0;
  require(c->n_classes > 0 && c->accuracy >= 0.0 && c->accuracy <= 1.0 && c->temperature > 0.0);
  require(isfinite(c->atc_threshold) && isfinite(c->atc_entropy_threshold) && isfinite(c->mean_confidence));
  for (size_t i = 0; i < c->n_classes; i++) {
    require(c->classes[i] != NULL && c->prior[i] >= 0.0);
    sum += c->prior[i];
  }
  require(sum == 0.0 || fabs(sum - 1.0) < 1e-6);
  for (size_t i = 1; i < c->n_steps; i++)
    require(c->step_confidence[i] >= c->step_confidence[i - 1] && c->step_accuracy[i] >= c->step_accuracy[i - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf_calibration *c = NULL, *again = NULL;
  char *first = NULL, *second = NULL;
  bf_error err;
  if (bf_calibration_decode((const char *)data, size, &c, &err) != BF_OK) {
    require(c == NULL && err.code != BF_OK && err.position <= (int64_t)size);
    return 0;
  }
  check(c);
  require(bf_calibration_encode(c, &first, &err) == BF_OK);
  require(bf_calibration_decode(first, strlen(first), &again, &err) == BF_OK);
  require(bf_calibration_encode(again, &second, &err) == BF_OK);
  require(strcmp(first, second) == 0);
  free(first);
  free(second);
  bf_calibration_free(c);
  bf_calibration_free(again);
  return 0;
}
