/* Words of the rows of a batch, in pieces; for texts and pairs the view is made of the same words in the same pass. */
#include <string.h>

#include "base/hash.h"
#include "base/thread.h"
#include "base/words.h"
#include "sketch/builder_state.h"

typedef struct job {
  bf__sketch_builder *b;
  const bf_batch *batch;
  size_t first; /* row of the batch that is row b->rows of the data */
} job;

typedef struct row_in_work {
  bf__word_piece *piece;
  bf__text_cells *text; /* NULL: no view is made of the words */
} row_in_work;

static void take_hashed(void *context, uint64_t hash, const char *word, size_t n) {
  row_in_work *row = context;
  if (bf__word_piece_add(row->piece, hash, word, n) && row->text) bf__text_cells_add(row->text, hash);
}

static void take_word(void *context, const char *word, size_t n) {
  take_hashed(context, bf__xxh64(word, n, 0), word, n);
}

/* column=value, cut and cleaned as a name is. */
static void take_category(row_in_work *row, const bf_field *field) {
  char bytes[2 * BF__NAME_BYTES + 16], word[BF__NAME_BYTES + 1];
  const size_t most = BF__NAME_BYTES + 4; /* so that a character at the cut is whole */
  if (!field->value.bytes) return;
  size_t n = field->name.n_bytes < most ? field->name.n_bytes : most;
  size_t n_value = field->value.n_bytes < most ? field->value.n_bytes : most;
  if (n) memcpy(bytes, field->name.bytes, n);
  bytes[n++] = '=';
  if (n_value) memcpy(bytes + n, field->value.bytes, n_value);
  n = bf__sketch_name_of(bytes, n + n_value, word);
  take_word(row, word, n);
}

static uint64_t missing_values(const bf_record *record) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < record->n_fields; i++) n += record->fields[i].value.bytes == NULL;
  return n;
}

static void take_row(bf__sketch_builder *b, bf__worker *w, const bf_batch *batch, size_t i, row_in_work *row,
                     float *view) {
  if (b->kind == BF_KIND_TEXT) {
    const bf_string *text = &batch->texts[i];
    w->missing += text->bytes == NULL;
    if (text->bytes) bf__each_word(text->bytes, text->n_bytes, BF__WORDS_OWN, take_word, row);
    bf__text_cells_project(b->kernels, w->text, 1.0, BF__PROJECTED_COLUMNS, view);
  } else if (b->kind == BF_KIND_PAIR) {
    const bf_pair *pair = &batch->pairs[i];
    w->missing += missing_values(&pair->left) + missing_values(&pair->right);
    if (!bf__pair_similarities(w->pair, pair, BF__ROW_WORDS, take_hashed, row, view)) {
      w->status = bf__error_memory(&w->error, sizeof(uint64_t));
    }
    bf__text_cells_project(b->kernels, w->text, 0.5, BF__TEXT_COLUMNS, view + BF__PAIR_SIMILARITIES);
  } else if (b->kind == BF_KIND_TAGGED) {
    const bf_sentence *sentence = &batch->sentences[i];
    for (uint32_t t = 0; t < sentence->n_tokens; t++) {
      const bf_string *token = &sentence->tokens[t];
      if (token->bytes) bf__each_word(token->bytes, token->n_bytes, BF__WORDS_OWN, take_word, row);
    }
  } else {
    const bf_field *fields = batch->strings + i * batch->n_string_columns;
    for (uint32_t c = 0; c < batch->n_string_columns; c++) take_category(row, &fields[c]);
  }
}

static void take_piece(void *context, size_t number, uint32_t worker_number) {
  job *j = context;
  bf__sketch_builder *b = j->b;
  bf__worker *w = &b->workers[worker_number];
  const bf__piece_rows *rows = &b->pieces[number];
  row_in_work row = {.piece = bf__word_counter_piece(b->words, number), .text = w->text};
  for (size_t i = rows->first; i < rows->end; i++) {
    bf__word_piece_row(row.piece, b->rows + i);
    take_row(b, w, j->batch, j->first + i, &row, b->view ? b->view + i * b->n_columns : NULL);
  }
  bf__word_piece_end(row.piece, rows->complete);
}

static uint64_t bytes_of_record(const bf_record *record) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < record->n_fields; i++) n += record->fields[i].value.n_bytes;
  return n;
}

static uint64_t bytes_of_row(const bf__sketch_builder *b, const bf_batch *batch, size_t i) {
  uint64_t n = 0;
  switch (b->kind) {
    case BF_KIND_TEXT:
      return batch->texts[i].n_bytes;
    case BF_KIND_PAIR:
      return bytes_of_record(&batch->pairs[i].left) + bytes_of_record(&batch->pairs[i].right);
    case BF_KIND_TAGGED:
      for (uint32_t t = 0; t < batch->sentences[i].n_tokens; t++) n += batch->sentences[i].tokens[t].n_bytes;
      return n;
    default:
      return (uint64_t)BF__NAME_BYTES * batch->n_string_columns;
  }
}

/* The next piece of rows; it ends by the content of the rows, or where the rows in hand end. */
static bf__piece_rows cut_piece(bf__sketch_builder *b, const bf_batch *batch, size_t first, size_t at, size_t n) {
  bf__piece_rows piece = {.first = at, .end = at};
  while (piece.end < n && !piece.complete) {
    b->piece_bytes += bytes_of_row(b, batch, first + piece.end++);
    piece.complete = ++b->piece_rows == BF__PIECE_ROWS || b->piece_bytes >= BF__PIECE_BYTES;
  }
  if (piece.complete) b->piece_rows = b->piece_bytes = 0;
  return piece;
}

bf_status bf__builder_take_words(bf__sketch_builder *b, const bf_batch *batch, size_t first, size_t n, bf_error *err) {
  bf_status status = BF_OK;
  job j = {b, batch, first};
  if (!b->words) BF_TRY(bf__word_counter_create(b->seed, (uint32_t)b->n_pieces, &b->words, err));
  for (size_t at = 0; at < n;) {
    size_t n_pieces = 0;
    for (; at < n && n_pieces < b->n_pieces; at = b->pieces[n_pieces++].end) {
      b->pieces[n_pieces] = cut_piece(b, batch, first, at, n);
    }
    bf__parallel_for(n_pieces, b->n_threads, take_piece, &j);
    BF_TRY(bf__builder_status(b, err));
    BF_TRY(bf__word_counter_merge(b->words, n_pieces, b->n_threads, err));
  }
out:
  return status;
}
