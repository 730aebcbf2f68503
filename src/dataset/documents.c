/* All rows with words in memory, one text a row, as the paper's measures on raw rows need them. The texts lie one
 * behind the other in one block, each with a zero behind it, and beside them where each begins. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "dataset/dataset_internal.h"

struct bf_documents {
  bf__writer text;
  uint64_t *starts; /* [n_rows + 1] */
  size_t capacity;
  uint64_t n_rows;
};

static void put(bf__writer *w, size_t start, bf_string s) {
  if (s.n_bytes == 0) return;
  if (w->size > start) bf__write(w, " ", 1);
  bf__write(w, s.bytes, s.n_bytes);
}

static void put_record(bf__writer *w, size_t start, const bf_record *record) {
  for (uint32_t i = 0; i < record->n_fields; i++) put(w, start, record->fields[i].value);
}

static void put_row(bf__writer *w, const bf_batch *b, uint32_t row) {
  size_t start = w->size;
  if (b->texts) put(w, start, b->texts[row]);
  if (b->pairs) {
    put_record(w, start, &b->pairs[row].left);
    put_record(w, start, &b->pairs[row].right);
  }
  for (uint32_t i = 0; b->sentences && i < b->sentences[row].n_tokens; i++) put(w, start, b->sentences[row].tokens[i]);
  for (uint32_t i = 0; i < b->n_string_columns; i++) {
    const bf_field *field = &b->strings[(size_t)row * b->n_string_columns + i];
    if (!field->value.bytes) continue;
    put(w, start, field->name);
    bf__write(w, "=", 1);
    bf__write(w, field->value.bytes, field->value.n_bytes);
  }
  bf__write_u8(w, 0);
}

static bf_status add_batch(const bf_dataset *d, bf_documents *docs, const bf_batch *b, bf_error *err) {
  if (!b->texts && !b->pairs && !b->sentences && !b->strings)
    return bf__error(err, BF_ERR_MISMATCH,
                     "%.80s holds no words: they are in text, pairs, tagged sentences, and columns of strings",
                     d->shown);
  for (uint32_t i = 0; i < b->n_rows; i++) {
    if (docs->n_rows + 2 > docs->capacity) {
      size_t capacity = docs->capacity ? docs->capacity * 2 : 1024;
      uint64_t *grown = bf__realloc(docs->starts, capacity, sizeof *grown);
      if (!grown) return bf__error_memory(err, capacity * sizeof *grown);
      docs->starts = grown;
      docs->capacity = capacity;
    }
    docs->starts[docs->n_rows++] = docs->text.size;
    put_row(&docs->text, b, i);
    docs->starts[docs->n_rows] = docs->text.size;
  }
  return docs->text.failed ? bf__error_memory(err, docs->text.size) : BF_OK;
}

bf_status bf_documents_load(const char *path, const bf_dataset_options *options, bf_documents **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_documents_load: out is NULL");
  *out = NULL;
  bf_dataset *d = NULL;
  bf_status status = BF_OK;
  bf_documents *docs = bf__alloc(1, sizeof *docs);
  if (!docs) return bf__error_memory(err, sizeof *docs);
  BF_TRY(bf_dataset_open(path, options, &d, err));
  for (;;) {
    bf_batch batch;
    BF_TRY(bf_dataset_next(d, &batch, err));
    if (batch.n_rows == 0) break;
    BF_TRY(add_batch(d, docs, &batch, err));
  }
  *out = docs;
  docs = NULL;
out:
  bf_dataset_close(d);
  bf_documents_free(docs);
  return status;
}

void bf_documents_free(bf_documents *docs) {
  if (!docs) return;
  bf__writer_deinit(&docs->text);
  free(docs->starts);
  free(docs);
}

uint64_t bf_documents_count(const bf_documents *docs) {
  return docs->n_rows;
}

bf_string bf_documents_at(const bf_documents *docs, uint64_t row) {
  if (row >= docs->n_rows) return (bf_string){"", 0};
  uint64_t n = docs->starts[row + 1] - docs->starts[row] - 1;
  return (bf_string){(const char *)docs->text.data + docs->starts[row], n > UINT32_MAX ? UINT32_MAX : (uint32_t)n};
}
