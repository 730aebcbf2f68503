/* Predictions from a file: which reader, and what can be asked of them. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/dataset_internal.h"
#include "estimate/predictions_internal.h"

static bf_status is_array(const char *path, bool *out, bf_error *err) {
  uint8_t head[6];
  size_t got = 0;
  bf__stream *stream = NULL;
  *out = false;
  bf_status status = bf__stream_open(path, &stream, err);
  if (status != BF_OK) return status;
  status = bf__stream_read(stream, head, sizeof head, &got, err);
  if (status == BF_OK) *out = bf__npy_sniff(&(bf__probe){.path = path, .head = head, .head_bytes = got});
  bf__stream_close(stream);
  return status;
}

bf_status bf_predictions_load(const char *path, const bf_predictions_options *options, bf_predictions **out,
                              bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the predictions");
  *out = NULL;
  if (!path || !path[0]) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a path of predictions is needed");
  bf_predictions_options o = BF_PREDICTIONS_OPTIONS_INIT;
  if (options) memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
  bf_status status = BF_OK;
  bool array = false;
  bf_predictions *p = bf__alloc(1, sizeof *p);
  if (!p) return bf__error_memory(err, sizeof *p);
  BF_TRY(is_array(path, &array, err));
  BF_TRY(array ? bf__predictions_of_array(path, &o, p, err) : bf__predictions_of_table(path, &o, p, err));
  *out = p;
  p = NULL;
out:
  bf_predictions_free(p);
  return status;
}

void bf_predictions_free(bf_predictions *p) {
  if (!p) return;
  for (size_t m = 0; p->scores && m < p->n_models; m++) free(p->scores[m]);
  if (p->models) bf__dataset_free_strings(p->models, p->n_models);
  if (p->classes) bf__dataset_free_strings(p->classes, p->n_classes);
  free(p->scores);
  free(p->votes);
  free(p->truth);
  free(p);
}

size_t bf_predictions_model_count(const bf_predictions *p) {
  return p->n_models;
}

size_t bf_predictions_item_count(const bf_predictions *p) {
  return p->n_items;
}

size_t bf_predictions_class_count(const bf_predictions *p) {
  return p->n_classes;
}

const char *bf_predictions_model(const bf_predictions *p, size_t i) {
  return i < p->n_models ? p->models[i] : NULL;
}

bool bf_predictions_have_scores(const bf_predictions *p) {
  return p->scores != NULL;
}
