/* Outputs of a model as bytes, docs/formats/outputs-v1.md: a container (base/container.h) around classes, scores and
 * truth. Read as coming from a stranger: counts are compared with the bytes that are left before anything is
 * allocated. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/container.h"
#include "base/memory.h"
#include "base/parse.h"
#include "model/model_internal.h"

#define MAGIC "BFOU"
#define VERSION 1
#define MAX_BYTES ((uint64_t)1 << 30)

enum { ARE_LOGITS = 1, HAS_TRUTH = 2, ALL_FLAGS = 3 };

void bf_outputs_deinit(bf_outputs *outputs) {
  if (outputs == NULL) return;
  free(outputs->scores);
  *outputs = (bf_outputs)BF_OUTPUTS_INIT;
}

/* ------------------------------------------------------------------ writing */

static bool is_truth(int32_t truth, size_t n_classes) {
  return truth >= -2 && (truth < 0 || (size_t)truth < n_classes);
}

static bf_status check_outputs(const bf_outputs *o, const char *const *classes, const int32_t *truth, bf_error *err) {
  if (o->n_classes == 0 || o->n_classes > BF__MAX_CLASSES)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "outputs of %zu classes; 1 to %u can be kept", o->n_classes,
                     BF__MAX_CLASSES);
  for (size_t i = 0; i < o->n_classes; i++)
    if (classes == NULL || classes[i] == NULL || classes[i][bf__utf8_check(classes[i], strlen(classes[i]))] != 0)
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "class %zu has no name in UTF-8", i);
  for (size_t i = 0; truth != NULL && i < o->n_items; i++)
    if (!is_truth(truth[i], o->n_classes))
      return bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)i, "the truth of item %zu is %d: no class", i,
                          truth[i]);
  return BF_OK;
}

bf_status bf_outputs_encode(const bf_outputs *outputs, const char *const *classes, const int32_t *truth, uint8_t **out,
                            size_t *out_bytes, bf_error *err) {
  bf__writer w = {0};
  *out = NULL;
  *out_bytes = 0;
  bf_status status = check_outputs(outputs, classes, truth, err);
  if (status != BF_OK) return status;
  bf__write_u32(&w, (outputs->are_logits ? ARE_LOGITS : 0) | (truth != NULL ? HAS_TRUTH : 0));
  bf__write_u32(&w, (uint32_t)outputs->n_classes);
  bf__write_u64(&w, outputs->n_items);
  for (size_t i = 0; i < outputs->n_classes; i++) {
    bf__write_u32(&w, (uint32_t)strlen(classes[i]));
    bf__write(&w, classes[i], strlen(classes[i]));
  }
  for (size_t i = 0; i < outputs->n_items * outputs->n_classes; i++) bf__write_f32(&w, outputs->scores[i]);
  for (size_t i = 0; truth != NULL && i < outputs->n_items; i++) bf__write_u32(&w, (uint32_t)truth[i]);
  if (w.failed)
    status = bf__error_memory(err, w.size);
  else if (w.size > MAX_BYTES)
    status = bf__error(err, BF_ERR_LIMIT, "outputs of %zu bytes; at most 1 GiB are kept: take fewer rows", w.size);
  else
    status = bf__container_encode(MAGIC, VERSION, w.data, w.size, out, out_bytes, err);
  bf__writer_deinit(&w);
  return status;
}

/* ------------------------------------------------------------------ reading */

typedef struct decoded {
  bf_outputs outputs;
  char **classes;
  int32_t *truth;
} decoded;

static void decoded_deinit(decoded *d) {
  for (size_t i = 0; d->classes != NULL && i < d->outputs.n_classes; i++) free(d->classes[i]);
  free(d->classes);
  free(d->truth);
  bf_outputs_deinit(&d->outputs);
}

static bf_status damaged(const bf__reader *r, const char *what, bf_error *err) {
  return bf__error_at(err, BF_ERR_CORRUPT, (int64_t)r->position, "the outputs are damaged (%s): run the model again",
                      what);
}

static bf_status read_classes(bf__reader *r, decoded *d, bf_error *err) {
  d->classes = bf__alloc(d->outputs.n_classes, sizeof *d->classes);
  if (d->classes == NULL) return bf__error_memory(err, d->outputs.n_classes * sizeof *d->classes);
  for (size_t i = 0; i < d->outputs.n_classes; i++) {
    uint32_t n = bf__read_u32(r);
    const char *name = (const char *)bf__read(r, n);
    if (name == NULL || memchr(name, 0, n) != NULL || bf__utf8_check(name, n) != n)
      return damaged(r, "the name of a class", err);
    d->classes[i] = bf__strndup(name, n);
    if (d->classes[i] == NULL) return bf__error_memory(err, n);
  }
  return BF_OK;
}

static bf_status read_numbers(bf__reader *r, decoded *d, bool has_truth, bf_error *err) {
  bf_outputs *o = &d->outputs;
  size_t n_items = o->n_items;
  size_t n_scores = n_items * o->n_classes;
  o->scores = bf__alloc(n_scores, sizeof *o->scores);
  if (o->scores == NULL) return bf__error_memory(err, n_scores * sizeof *o->scores);
  o->capacity = n_items;
  for (size_t i = 0; i < n_scores; i++) o->scores[i] = bf__read_f32(r);
  if (!has_truth) return BF_OK;
  d->truth = bf__alloc(n_items, sizeof *d->truth);
  if (d->truth == NULL) return bf__error_memory(err, n_items * sizeof *d->truth);
  for (size_t i = 0; i < n_items; i++) {
    d->truth[i] = (int32_t)bf__read_u32(r);
    if (!is_truth(d->truth[i], o->n_classes)) return damaged(r, "a truth that is no class", err);
  }
  return BF_OK;
}

static bf_status decode(const uint8_t *content, size_t n_bytes, decoded *d, bf_error *err) {
  bf__reader r = bf__reader_of(content, n_bytes);
  uint32_t flags = bf__read_u32(&r);
  uint32_t n_classes = bf__read_u32(&r);
  uint64_t n_items = bf__read_u64(&r);
  if (r.failed || (flags & ~(uint32_t)ALL_FLAGS) != 0) return damaged(&r, "their head", err);
  if (n_classes == 0 || n_classes > BF__MAX_CLASSES || n_classes > bf__reader_left(&r) / 4)
    return damaged(&r, "the number of classes", err);
  bool has_truth = (flags & HAS_TRUTH) != 0;
  d->outputs.are_logits = (flags & ARE_LOGITS) != 0;
  d->outputs.n_classes = n_classes;
  bf_status status = read_classes(&r, d, err);
  if (status != BF_OK) return status;
  uint64_t item_bytes = 4 * (uint64_t)n_classes + (has_truth ? 4 : 0);
  if (n_items > bf__reader_left(&r) / item_bytes || n_items * item_bytes != bf__reader_left(&r))
    return damaged(&r, "the number of items", err);
  d->outputs.n_items = (size_t)n_items;
  return read_numbers(&r, d, has_truth, err);
}

bf_status bf_outputs_decode(const uint8_t *bytes, size_t n_bytes, bf_outputs *out, char ***classes, int32_t **truth,
                            bf_error *err) {
  const uint8_t *content = NULL;
  size_t n = 0;
  uint8_t *owned = NULL;
  decoded d = {.outputs = BF_OUTPUTS_INIT};
  *out = (bf_outputs)BF_OUTPUTS_INIT;
  *classes = NULL;
  *truth = NULL;
  bf_status status =
      bf__container_decode(bytes, n_bytes, MAGIC, VERSION, "outputs", MAX_BYTES, &content, &n, &owned, err);
  if (status == BF_OK) status = decode(content, n, &d, err);
  free(owned);
  if (status != BF_OK) {
    decoded_deinit(&d);
    return status;
  }
  *out = d.outputs;
  *classes = d.classes;
  *truth = d.truth;
  return BF_OK;
}
