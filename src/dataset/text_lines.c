/* One text a line: `lines`, `label-text` (label<TAB>text) and `text-label` (text<TAB>label).
 *
 * A text may hold tabs, so the label is what lies before the first tab, or behind the last. An empty line is a row with
 * an empty text, and in the two formats with labels one without a label; any other line without a tab there is an
 * error, because it is most likely a text that was broken in two. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/lines.h"

typedef enum label_side { LABEL_NONE, LABEL_FIRST, LABEL_LAST } label_side;

typedef struct text_reader {
  bf__lines lines;
  label_side side;
  bf_string *texts;
  int32_t *labels;
  size_t n_texts, n_labels; /* capacities */
} text_reader;

static bf_status no_tab(const bf_dataset *d, const text_reader *r, int64_t row, bf_error *err) {
  return bf__error_at(err, BF_ERR_FORMAT, row,
                      "%.60s: line %llu has no tab between label and text: repair it, or name the format lines if "
                      "there are no labels",
                      d->shown, (unsigned long long)r->lines.n_lines);
}

static bf_status take_text(bf_dataset *d, uint32_t row, bf__record_result *result, size_t *bytes, bf_error *err) {
  text_reader *r = d->state;
  const char *line = NULL, *label = NULL;
  size_t n = 0, n_label = 0;
  int64_t number = d->next_row + row;
  if (!bf__lines_next(&r->lines, &line, &n)) return BF_OK; /* *result is MORE */
  if (r->side != LABEL_NONE && n) {
    const char *tab = r->side == LABEL_FIRST ? memchr(line, '\t', n) : memrchr(line, '\t', n);
    if (!tab) return no_tab(d, r, number, err);
    size_t before = (size_t)(tab - line), after = n - before - 1;
    label = r->side == LABEL_FIRST ? line : tab + 1;
    n_label = r->side == LABEL_FIRST ? before : after;
    line = r->side == LABEL_FIRST ? tab + 1 : line;
    n = r->side == LABEL_FIRST ? after : before;
    while (n_label && *label == ' ') label++, n_label--;
    while (n_label && label[n_label - 1] == ' ') n_label--;
  }
  bf_string *texts = bf__reserve(r->texts, &r->n_texts, (size_t)row + 1, sizeof *texts);
  if (!texts) return bf__error_memory(err, ((size_t)row + 1) * sizeof *texts);
  r->texts = texts;
  if (r->side != LABEL_NONE) {
    int32_t *labels = bf__reserve(r->labels, &r->n_labels, (size_t)row + 1, sizeof *labels);
    if (!labels) return bf__error_memory(err, ((size_t)row + 1) * sizeof *labels);
    r->labels = labels;
    bf_status status = bf__lines_label(&r->lines, d, label, n_label, number, &labels[row], err);
    if (status != BF_OK) return status;
  }
  *bytes = sizeof *texts + sizeof *r->labels;
  *result = BF__RECORD_ROW;
  return bf__lines_text(&r->lines, line, n, &texts[row], err);
}

static bf_status text_next(bf_dataset *d, bf_batch *out, bf_error *err) {
  text_reader *r = d->state;
  bf_status status = bf__lines_batch(d, &r->lines, take_text, &out->n_rows, err);
  out->texts = out->n_rows ? r->texts : NULL;
  out->labels = out->n_rows ? r->labels : NULL;
  return status;
}

static void text_progress(const bf_dataset *d, uint64_t *done_bytes, uint64_t *total_bytes) {
  const text_reader *r = d->state;
  bf__stream_progress(r->lines.stream, done_bytes, total_bytes);
}

static void text_close(void *state) {
  text_reader *r = state;
  bf__lines_deinit(&r->lines);
  free(r->texts);
  free(r->labels);
  free(r);
}

static const bf__reader_ops TEXT_OPS = {text_next, text_progress, text_close};

bf_status bf__text_start(bf_dataset *d, bf__stream *stream, bf_error *err) {
  const char *format = d->format->info.name;
  text_reader *r = bf__alloc(1, sizeof *r);
  if (!r) {
    bf__stream_close(stream);
    return bf__error_memory(err, sizeof *r);
  }
  r->side = strcmp(format, "label-text") == 0   ? LABEL_FIRST
            : strcmp(format, "text-label") == 0 ? LABEL_LAST
                                                : LABEL_NONE;
  d->state = r;
  d->ops = &TEXT_OPS;
  return bf__lines_init(&r->lines, d, stream, err);
}

bf_status bf__text_open(bf_dataset *d, const bf__probe *probe, bf_error *err) {
  bf__stream *stream = NULL;
  bf_status status = bf__stream_open(probe->path, &stream, err);
  if (status == BF_OK) status = bf__text_start(d, stream, err);
  if (status == BF_OK && !d->format_named && strcmp(d->format->info.name, "lines") != 0)
    bf__dataset_warn(d,
                     "taken as %s: the %s field holds few different short values, and the other text; name the format "
                     "(label-text, text-label or lines) if that is wrong",
                     d->format->info.name, strcmp(d->format->info.name, "label-text") == 0 ? "first" : "last");
  return status;
}
