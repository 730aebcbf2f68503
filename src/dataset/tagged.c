/* Sentences of tagged tokens: CoNLL-U, and `token<TAB>tag`. A row is a sentence; an empty line ends it.
 *
 * CoNLL-U (https://universaldependencies.org/format.html): ten columns; words have whole numbers as id, and lines whose
 * id is a range (1-2, a token of several words) or has a decimal point (an empty node) are passed over, as are comments
 * and sentences without words. A tag `_` is no tag. In token-tag a token without a tag has none either. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/lines.h"

#define CONLLU_COLUMNS 10u
#define MAX_TOKENS 1000000u

typedef struct tagged_reader {
  bf__lines lines;
  bool is_conllu;
  uint32_t tag_column;
  bf_string *tokens;
  int32_t *tags;
  bf_sentence *sentences;
  uint32_t n_tokens, n_whole; /* of this batch; those of whole sentences */
  size_t token_capacity, tag_capacity, sentence_capacity;
} tagged_reader;

static bf_status bad_line(const bf_dataset *d, const tagged_reader *r, int64_t row, const char *what, bf_error *err) {
  return bf__error_at(err, BF_ERR_FORMAT, row, "%.60s: line %llu %s", d->shown, (unsigned long long)r->lines.n_lines,
                      what);
}

static bf_status add_token(bf_dataset *d, tagged_reader *r, const bf_string *word, const bf_string *tag, int64_t row,
                           bf_error *err) {
  size_t n = (size_t)r->n_tokens + 1;
  bf_string *tokens = bf__reserve(r->tokens, &r->token_capacity, n, sizeof *tokens);
  if (!tokens) return bf__error_memory(err, n * sizeof *tokens);
  r->tokens = tokens;
  int32_t *tags = bf__reserve(r->tags, &r->tag_capacity, n, sizeof *tags);
  if (!tags) return bf__error_memory(err, n * sizeof *tags);
  r->tags = tags;
  bf_status status = bf__lines_label(&r->lines, d, tag->bytes, tag->n_bytes, row, &tags[n - 1], err);
  if (status == BF_OK) status = bf__lines_text(&r->lines, word->bytes, word->n_bytes, &tokens[n - 1], err);
  if (status == BF_OK) r->n_tokens++;
  return status;
}

/* Lines of tokens. *skip: the line holds none. */

static bool is_word_id(const char *id, size_t n, bool *valid) {
  bool digit = n > 0, range = false;
  for (size_t i = 0; i < n; i++) {
    if (id[i] >= '0' && id[i] <= '9') continue;
    digit &= i > 0 && i + 1 < n && !range && (id[i] == '-' || id[i] == '.');
    range = true;
  }
  *valid = digit;
  return digit && !range;
}

static bf_status conllu_token(const bf_dataset *d, const tagged_reader *r, const char *line, size_t n, int64_t row,
                              bf_string *word, bf_string *tag, bool *skip, bf_error *err) {
  const char *fields[CONLLU_COLUMNS + 1];
  uint32_t n_fields = 1;
  bool valid = false;
  *skip = true;
  if (line[0] == '#') return BF_OK;
  fields[0] = line;
  for (size_t i = 0; i < n; i++) {
    if (line[i] != '\t') continue;
    if (n_fields == CONLLU_COLUMNS)
      return bad_line(d, r, row,
                      "has more than 10 columns, which CoNLL-U does not know: "
                      "repair it, or name the format token-tag or tsv",
                      err);
    fields[n_fields++] = line + i + 1;
  }
  if (n_fields != CONLLU_COLUMNS)
    return bf__error_at(err, BF_ERR_FORMAT, row, "%.60s: line %llu has %u columns where CoNLL-U has 10: repair it",
                        d->shown, (unsigned long long)r->lines.n_lines, n_fields);
  fields[CONLLU_COLUMNS] = line + n + 1;
  *skip = !is_word_id(line, (size_t)(fields[1] - line) - 1, &valid);
  if (!valid) return bad_line(d, r, row, "does not begin with the number of a word: repair it", err);
  uint32_t k = r->tag_column;
  *word = (bf_string){fields[1], (uint32_t)(fields[2] - fields[1] - 1)};
  *tag = (bf_string){fields[k], (uint32_t)(fields[k + 1] - fields[k] - 1)};
  if (tag->n_bytes == 1 && tag->bytes[0] == '_') tag->n_bytes = 0;
  return BF_OK;
}

static bf_status pair_token(const bf_dataset *d, const tagged_reader *r, const char *line, size_t n, int64_t row,
                            bf_string *word, bf_string *tag, bool *skip, bf_error *err) {
  const char *tab = memchr(line, '\t', n);
  size_t k = tab ? (size_t)(tab - line) : n;
  *skip = false;
  *word = (bf_string){line, (uint32_t)k};
  *tag = (bf_string){NULL, 0};
  if (!tab) return BF_OK;
  *tag = (bf_string){tab + 1, (uint32_t)(n - k - 1)};
  if (memchr(tag->bytes, '\t', tag->n_bytes))
    return bad_line(d, r, row, "has more than a token and a tag: keep these two, with one tab between them", err);
  return BF_OK;
}

static bool is_blank(const char *line, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (line[i] != ' ' && line[i] != '\t') return false;
  return true;
}

static bf_status take_sentence(bf_dataset *d, uint32_t row, bf__record_result *result, size_t *bytes, bf_error *err) {
  tagged_reader *r = d->state;
  int64_t number = d->next_row + row;
  const char *line = NULL;
  size_t n = 0;
  bf_status status = BF_OK;
  bf_sentence *sentences = bf__reserve(r->sentences, &r->sentence_capacity, (size_t)row + 1, sizeof *sentences);
  if (!sentences) return bf__error_memory(err, ((size_t)row + 1) * sizeof *sentences);
  r->sentences = sentences;
  if (row == 0) r->n_whole = 0;
  uint32_t first = r->n_tokens = r->n_whole; /* what a cut sentence left is taken again */
  for (;;) {
    bf_string word = {0}, tag = {0};
    bool skip = false, found = bf__lines_next(&r->lines, &line, &n);
    if (!found && !r->lines.ended) return BF_OK; /* *result is MORE */
    if (!found && r->n_tokens == first) return BF_OK;
    if (!found || is_blank(line, n)) break;
    status = r->is_conllu ? conllu_token(d, r, line, n, number, &word, &tag, &skip, err)
                          : pair_token(d, r, line, n, number, &word, &tag, &skip, err);
    if (status == BF_OK && !skip) status = add_token(d, r, &word, &tag, number, err);
    if (status != BF_OK) return status;
    if (r->n_tokens - first > MAX_TOKENS)
      return bf__error_at(
          err, BF_ERR_LIMIT, number,
          "%.60s: a sentence of more than 1,000,000 tokens ends nowhere before line %llu: an empty line "
          "is needed between sentences",
          d->shown, (unsigned long long)r->lines.n_lines);
  }
  r->n_whole = r->n_tokens;
  *result = r->n_tokens > first ? BF__RECORD_ROW : BF__RECORD_SKIP;
  *bytes = sizeof *sentences + (r->n_tokens - first) * (sizeof *r->tokens + sizeof *r->tags);
  sentences[row] = (bf_sentence){.tokens = NULL, .tags = NULL, .n_tokens = r->n_tokens - first};
  return BF_OK;
}

static bf_status tagged_next(bf_dataset *d, bf_batch *out, bf_error *err) {
  tagged_reader *r = d->state;
  bf_status status = bf__lines_batch(d, &r->lines, take_sentence, &out->n_rows, err);
  uint32_t at = 0;
  for (uint32_t i = 0; i < out->n_rows; i++) { /* the tokens have stopped moving */
    r->sentences[i].tokens = r->tokens + at;
    r->sentences[i].tags = r->tags + at;
    at += r->sentences[i].n_tokens;
  }
  out->sentences = out->n_rows ? r->sentences : NULL;
  return status;
}

static void tagged_progress(const bf_dataset *d, uint64_t *done_bytes, uint64_t *total_bytes) {
  const tagged_reader *r = d->state;
  bf__stream_progress(r->lines.stream, done_bytes, total_bytes);
}

static void tagged_close(void *state) {
  tagged_reader *r = state;
  bf__lines_deinit(&r->lines);
  free(r->tokens);
  free(r->tags);
  free(r->sentences);
  free(r);
}

static const bf__reader_ops TAGGED_OPS = {tagged_next, tagged_progress, tagged_close};

static bf_status choose_tag(const bf_dataset *d, tagged_reader *r, bf_error *err) {
  static const struct {
    const char *name;
    uint32_t column;
  } TAGS[] = {{"upos", 3}, {"xpos", 4}, {"deprel", 7}};
  r->tag_column = TAGS[0].column;
  if (!d->tag) return BF_OK;
  for (size_t i = 0; i < sizeof TAGS / sizeof TAGS[0]; i++) {
    if (strcmp(d->tag, TAGS[i].name) != 0) continue;
    r->tag_column = TAGS[i].column;
    return BF_OK;
  }
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "tag: \"%.40s\" is not a column of tags; there are upos, xpos, deprel",
                   d->tag);
}

bf_status bf__tagged_start(bf_dataset *d, bf__stream *stream, bf_error *err) {
  tagged_reader *r = bf__alloc(1, sizeof *r);
  if (!r) {
    bf__stream_close(stream);
    return bf__error_memory(err, sizeof *r);
  }
  d->state = r;
  d->ops = &TAGGED_OPS;
  r->is_conllu = strcmp(d->format->info.name, "conllu") == 0;
  bf_status status = bf__lines_init(&r->lines, d, stream, err);
  return status == BF_OK ? choose_tag(d, r, err) : status;
}

bf_status bf__tagged_open(bf_dataset *d, const bf__probe *probe, bf_error *err) {
  bf__stream *stream = NULL;
  bf_status status = bf__stream_open(probe->path, &stream, err);
  return status == BF_OK ? bf__tagged_start(d, stream, err) : status;
}
