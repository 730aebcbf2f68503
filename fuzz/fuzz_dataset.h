/* A text format fed from memory, in two sizes of batch. What it gives must be what its contract says. */
#ifndef BESTFIT_FUZZ_DATASET_H
#define BESTFIT_FUZZ_DATASET_H

#include <stdlib.h>

#include "dataset/dataset_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bf_status (*fuzz_start)(bf_dataset *dataset, bf__stream *stream, bf_error *err);

/* Reads every byte, so that a pointer to nowhere is found; a string is UTF-8 or missing. */
static inline uint64_t fuzz_look(bf_string s) {
  uint64_t sum = s.n_bytes;
  if (!s.bytes && s.n_bytes) abort();
  for (uint32_t i = 0; i < s.n_bytes; i++) sum += (uint8_t)s.bytes[i];
  char *copy = malloc((size_t)s.n_bytes + 1);
  if (!copy) return sum;
  for (uint32_t i = 0; i < s.n_bytes; i++) copy[i] = s.bytes[i] ? s.bytes[i] : ' ';
  if (!bf__utf8_valid(copy, s.n_bytes)) abort();
  free(copy);
  return sum;
}

static inline uint64_t fuzz_look_at_record(const bf_record *r) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < r->n_fields; i++) sum += fuzz_look(r->fields[i].name) + fuzz_look(r->fields[i].value);
  return sum;
}

static inline void fuzz_check_label(const bf_dataset *d, int32_t label) {
  if (label < -1 || (label >= 0 && !bf_dataset_label_name(d, (uint32_t)label))) abort();
}

static inline uint64_t fuzz_look_at_batch(const bf_dataset *d, const bf_batch *b) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < b->n_rows; i++) {
    if (b->labels) fuzz_check_label(d, b->labels[i]);
    if (b->texts) sum += fuzz_look(b->texts[i]);
    if (b->pairs) sum += fuzz_look_at_record(&b->pairs[i].left) + fuzz_look_at_record(&b->pairs[i].right);
    for (uint32_t k = 0; b->sentences && k < b->sentences[i].n_tokens; k++) {
      sum += fuzz_look(b->sentences[i].tokens[k]);
      fuzz_check_label(d, b->sentences[i].tags[k]);
    }
    sum = sum * 31 + i;
  }
  return sum;
}

/* Rows and a sum over what they hold, the same for every size of batch; rows before an error too. */
static inline uint64_t fuzz_read(const char *format, const char *tag, fuzz_start start, const uint8_t *data,
                                 size_t size, size_t batch_bytes) {
  bf_error err;
  uint64_t rows = 0, sum = 0;
  bf__stream *stream = NULL;
  bf_dataset *d = calloc(1, sizeof *d);
  if (!d) return 0;
  d->shown = "input";
  d->batch_bytes = batch_bytes;
  if (tag) d->tag = strdup(tag);
  bf_status status = bf__format_find(format, &d->format, &err);
  if (status == BF_OK) status = bf__stream_of_memory(data, size, &stream, &err);
  if (status == BF_OK) status = start(d, stream, &err);
  while (status == BF_OK) {
    bf_batch batch;
    status = bf_dataset_next(d, &batch, &err);
    if (status == BF_OK && batch.n_rows == 0) break;
    if (status != BF_OK) continue;
    rows += batch.n_rows;
    for (uint32_t i = 0; i < batch.n_rows; i++) {
      bf_batch one = batch;
      one.n_rows = 1;
      one.labels = batch.labels ? batch.labels + i : NULL;
      one.texts = batch.texts ? batch.texts + i : NULL;
      one.pairs = batch.pairs ? batch.pairs + i : NULL;
      one.sentences = batch.sentences ? batch.sentences + i : NULL;
      sum = sum * 1000003 + fuzz_look_at_batch(d, &one);
    }
  }
  bf_dataset_close(d);
  return sum + rows;
}

static inline void fuzz_format(const char *format, const char *tag, fuzz_start start, const uint8_t *data,
                               size_t size) {
  uint64_t whole = fuzz_read(format, tag, start, data, size, 1u << 20);
  if (fuzz_read(format, tag, start, data, size, 1) != whole) abort();
}

#endif
