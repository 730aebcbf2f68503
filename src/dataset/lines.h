/* Rows that are lines, or runs of lines, of a byte stream (lines.c): the frame that every text format shares. */
#ifndef BESTFIT_SRC_DATASET_LINES_H
#define BESTFIT_SRC_DATASET_LINES_H

#include "dataset/dataset_internal.h"

#define BF__MAX_RECORD_BYTES ((size_t)64 << 20)

typedef struct bf__arena_block bf__arena_block;

typedef struct bf__lines {
  bf__stream *stream;
  char *buffer;
  size_t capacity, size, position;
  bool ended;       /* nothing follows buffer[size] */
  uint64_t n_lines; /* before `position` */
  uint64_t n_invalid;
  bool warned;
  bf__arena_block *arena; /* of this batch: strings that had to be repaired */
  bf_error late;          /* found behind rows that were still given out */
} bf__lines;

/* Owns the stream, also on failure. Passes over a byte order mark; UTF-16 is BF_ERR_FORMAT. */
bf_status bf__lines_init(bf__lines *l, const bf_dataset *d, bf__stream *stream, bf_error *err);
void bf__lines_deinit(bf__lines *l);

/* The next line of the buffer without its end (LF or CRLF); false: no whole one is left there. */
bool bf__lines_next(bf__lines *l, const char **line, size_t *n);
/* `out` as UTF-8: the bytes themselves, or a repaired copy that lives as long as the batch. */
bf_status bf__lines_text(bf__lines *l, const char *bytes, size_t n, bf_string *out, bf_error *err);
/* The number of a label of n bytes, -1 for none; `row` and the line are for the error. */
bf_status bf__lines_label(bf__lines *l, bf_dataset *d, const char *bytes, size_t n, int64_t row, int32_t *out,
                          bf_error *err);

typedef enum bf__record_result { BF__RECORD_ROW, BF__RECORD_MORE, BF__RECORD_SKIP } bf__record_result;
/* Takes one record from the buffer, as row `row` of the batch. MORE: it is not whole in the buffer (it is asked again
 * from the same place, with more bytes); at the end of the data MORE means that nothing is left. SKIP: lines without a
 * row. *bytes: what the row took beside the text. */
typedef bf_status (*bf__record_fn)(bf_dataset *d, uint32_t row, bf__record_result *result, size_t *bytes,
                                   bf_error *err);
/* Rows until the buffer or the batch is full. Errors behind the first row wait until the next call. */
bf_status bf__lines_batch(bf_dataset *d, bf__lines *l, bf__record_fn take, uint32_t *n_rows, bf_error *err);

/* The first line of the dataset's file that is not UTF-8; false: there is none, or it cannot be read. */
bool bf__find_invalid_utf8(const bf_dataset *d, uint64_t *line);

/* Room for n items: the block, grown where needed; NULL: out of memory, and the old block stays. */
void *bf__reserve(void *block, size_t *capacity, size_t n, size_t item_bytes);

/* ---- looking at the first lines (lines.c, text_sniff.c) ---- */

/* The next line of a probe's head; false: no more. A line that the head cuts is not given, unless it is the only one.
 */
bool bf__head_line(const bf__probe *probe, size_t *position, const char **line, size_t *n);
/* Text rather than binary data: hardly any control characters. */
bool bf__head_is_text(const bf__probe *probe);
bool bf__has_extension(const bf__probe *probe, const char *extension);

#endif
