/* Answers of a person as CSV: row (counted from 0 in the data), label; of tagged sentences row, token, label. Further
 * columns, as annotation tools export them, are passed over where a header names these. What is answered here is
 * appended line by line. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define MAX_FILE_BYTES (256u << 20)
#define MAX_COLUMNS 1000u
#define NO_COLUMN SIZE_MAX

/* ---- reading CSV ---- */

typedef struct csv {
  const char *path;
  char *at, *end; /* fields are cut out of the text in place */
  size_t line;    /* of the record last read */
  size_t n_lines; /* ended so far */
  char **fields;
  size_t n, capacity;
} csv;

static bf_status add_field(csv *f, char *field, bf_error *err) {
  if (f->n == MAX_COLUMNS)
    return cli_error(err, BF_ERR_FORMAT, "%.120s, line %zu: more than %u columns", f->path, f->line, MAX_COLUMNS);
  if (f->n == f->capacity) {
    size_t capacity = f->capacity > 0 ? 2 * f->capacity : 8;
    char **grown = realloc(f->fields, capacity * sizeof *grown);
    if (grown == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
    for (size_t i = f->n; i < capacity; i++) grown[i] = NULL;
    f->fields = grown;
    f->capacity = capacity;
  }
  f->fields[f->n++] = field;
  return BF_OK;
}

/* A quoted field from behind its first quote; *next is behind it. */
static bf_status quoted_field(csv *f, char *from, char **next, bf_error *err) {
  char *to = from, *p = from;
  for (; p < f->end; p++) {
    if (*p == '\n') f->n_lines++;
    if (*p != '"') {
      *to++ = *p;
    } else if (p + 1 < f->end && p[1] == '"') {
      *to++ = *p++;
    } else {
      break;
    }
  }
  if (p == f->end) return cli_error(err, BF_ERR_FORMAT, "%.120s, line %zu: a quote is not closed", f->path, f->line);
  *next = p + 1;
  *to = '\0';
  return BF_OK;
}

static char *trim(char *from, char *to) {
  while (from < to && (*from == ' ' || *from == '\t')) from++;
  while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r')) to--;
  *to = '\0';
  return from;
}

/* The next record that is not an empty line; n is 0 at the end. */
static bf_status next_record(csv *f, bf_error *err) {
  bf_status status = BF_OK;
  f->n = 0;
  while (f->at < f->end && (*f->at == '\n' || *f->at == '\r')) f->n_lines += *f->at++ == '\n';
  f->line = f->n_lines + 1;
  for (bool more = f->at < f->end; more && status == BF_OK;) {
    char *field = f->at, *p = f->at;
    if (*p == '"') {
      field = p + 1;
      status = quoted_field(f, field, &p, err);
      if (status != BF_OK) return status;
      char *behind = p;
      while (p < f->end && *p != ',' && *p != '\n') p++;
      for (; behind < p; behind++)
        if (*behind != ' ' && *behind != '\t' && *behind != '\r')
          return cli_error(err, BF_ERR_FORMAT, "%.120s, line %zu: something follows a closing quote", f->path, f->line);
      more = p < f->end && *p == ',';
    } else {
      while (p < f->end && *p != ',' && *p != '\n') p++;
      more = p < f->end && *p == ',';
      field = trim(field, p); /* cuts at p, which was looked at */
    }
    f->n_lines += p < f->end && !more;
    f->at = p < f->end ? p + 1 : f->end;
    status = add_field(f, field, err);
    if (more && f->at == f->end) { /* a comma at the very end: an empty field follows */
      *f->end = '\0';
      if (status == BF_OK) status = add_field(f, f->end, err);
      more = false;
    }
  }
  return status;
}

/* ---- records ---- */

static bool parse_number(const char *text, uint64_t *out) {
  char *end = NULL;
  if (text[0] < '0' || text[0] > '9') return false;
  errno = 0;
  *out = strtoull(text, &end, 10);
  return errno == 0 && *end == '\0';
}

static size_t find_column(const csv *f, const char *name) {
  for (size_t i = 0; i < f->n; i++)
    if (strcmp(f->fields[i], name) == 0) return i;
  return NO_COLUMN;
}

/* The first record: a header that names the columns, or already an answer in their usual order. */
static bf_status take_header(const csv *f, cli_answers *a, bf_error *err) {
  uint64_t number = 0;
  size_t n_wanted = a->tokens ? 3 : 2;
  a->n_columns = f->n;
  a->row_column = find_column(f, "row");
  a->label_column = find_column(f, "label");
  a->token_column = a->tokens ? find_column(f, "token") : NO_COLUMN;
  a->has_header = a->row_column != NO_COLUMN && a->label_column != NO_COLUMN;
  if (a->has_header && a->tokens && a->token_column == NO_COLUMN)
    return cli_error(err, BF_ERR_FORMAT,
                     "%.120s: of tagged sentences single tokens are labelled: a column token is missing", a->path);
  if (a->has_header) return BF_OK;
  a->row_column = 0;
  a->token_column = a->tokens ? 1 : NO_COLUMN;
  a->label_column = n_wanted - 1;
  if (f->n == n_wanted && parse_number(f->fields[0], &number)) return BF_OK;
  return cli_error(err, BF_ERR_FORMAT,
                   "%.120s is no file of answers: its first line must be %s, or an answer such as %s", a->path,
                   a->tokens ? "row,token,label" : "row,label", a->tokens ? "17,3,NOUN" : "17,cat");
}

static bf_status add_answer(cli_answers *a, const csv *f, size_t *capacity, bf_error *err) {
  cli_answer answer = {.line = f->line};
  if (f->n != a->n_columns || a->row_column >= f->n || a->label_column >= f->n)
    return cli_error(err, BF_ERR_FORMAT, "%.120s, line %zu: %zu columns, the first line has %zu", a->path, f->line,
                     f->n, a->n_columns);
  const char *row = f->fields[a->row_column];
  const char *token = a->tokens ? f->fields[a->token_column] : "0";
  if (!parse_number(row, &answer.row) || !parse_number(token, &answer.token))
    return cli_error(err, BF_ERR_FORMAT, "%.120s, line %zu: '%.40s' is no number of a %s; rows are counted from 0",
                     a->path, f->line, parse_number(row, &answer.row) ? token : row,
                     parse_number(row, &answer.row) ? "token" : "row");
  if (a->n == *capacity) {
    *capacity = *capacity > 0 ? 2 * *capacity : 64;
    cli_answer *grown = realloc(a->items, *capacity * sizeof *grown);
    if (grown == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
    a->items = grown;
  }
  answer.label = strdup(f->fields[a->label_column]);
  if (answer.label == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  a->items[a->n++] = answer;
  return BF_OK;
}

/* By place, answered before skipped, then by line. */
static int compare_answers(const void *x, const void *y) {
  const cli_answer *a = *(cli_answer *const *)x, *b = *(cli_answer *const *)y;
  if (a->row != b->row) return a->row < b->row ? -1 : 1;
  if (a->token != b->token) return a->token < b->token ? -1 : 1;
  bool a_empty = a->label[0] == '\0', b_empty = b->label[0] == '\0';
  if (a_empty != b_empty) return a_empty ? 1 : -1;
  return a->line < b->line ? -1 : a->line > b->line;
}

/* Two answers for one place: nobody can say which holds. */
static bf_status refuse_repeated(const cli_answers *a, bf_error *err) {
  bf_status status = BF_OK;
  cli_answer **sorted = malloc((a->n + 1) * sizeof *sorted);
  if (sorted == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  for (size_t i = 0; i < a->n; i++) sorted[i] = &a->items[i];
  qsort(sorted, a->n, sizeof *sorted, compare_answers);
  for (size_t i = 1; i < a->n && status == BF_OK; i++) {
    const cli_answer *x = sorted[i - 1], *y = sorted[i];
    if (x->row != y->row || x->token != y->token || y->label[0] == '\0') continue;
    status =
        cli_error(err, BF_ERR_FORMAT,
                  "%.100s: row %" PRIu64 " is answered twice, '%.30s' in line %zu and '%.30s' in line %zu: remove one",
                  a->path, x->row, x->label, x->line, y->label, y->line);
  }
  free(sorted);
  return status;
}

bf_status cli_answers_read(const char *path, bool tokens, bool must_exist, cli_answers *out, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0, capacity = 0;
  *out = (cli_answers){.tokens = tokens, .path = strdup(path), .n_columns = tokens ? 3 : 2, .ends_in_newline = true};
  out->token_column = tokens ? 1 : NO_COLUMN;
  out->label_column = tokens ? 2 : 1;
  if (out->path == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  if (!must_exist && access(path, F_OK) != 0) return BF_OK;
  bf_status status = cli_read_file(path, MAX_FILE_BYTES, &bytes, &n_bytes, err);
  if (status != BF_OK) return status;
  csv f = {.path = path, .at = (char *)bytes, .end = (char *)bytes + n_bytes};
  out->ends_in_newline = n_bytes == 0 || bytes[n_bytes - 1] == '\n';
  if (memchr(bytes, 0, n_bytes) != NULL)
    status = cli_error(err, BF_ERR_FORMAT, "%.120s is no file of answers: it holds zero bytes", path);
  if (n_bytes >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) f.at += 3; /* spreadsheets write it */
  if (status == BF_OK) status = next_record(&f, err);
  if (status == BF_OK && f.n > 0) {
    status = take_header(&f, out, err);
    if (status == BF_OK && out->has_header) status = next_record(&f, err);
  }
  while (status == BF_OK && f.n > 0) {
    status = add_answer(out, &f, &capacity, err);
    if (status == BF_OK) status = next_record(&f, err);
  }
  if (status == BF_OK) status = refuse_repeated(out, err);
  free(f.fields);
  free(bytes);
  return status;
}

void cli_answers_deinit(cli_answers *answers) {
  for (size_t i = 0; i < answers->n; i++) free(answers->items[i].label);
  free(answers->items);
  free(answers->path);
  *answers = (cli_answers){0};
}

/* ---- writing ---- */

void cli_put_csv(FILE *to, const char *text) {
  size_t n = strlen(text);
  bool plain = n > 0 && strpbrk(text, ",\"\r\n") == NULL && text[0] != ' ' && text[n - 1] != ' ';
  if (plain || n == 0) {
    fputs(text, to);
    return;
  }
  cli_put_quoted(to, text, n);
}

static bf_status write_all(int file, const char *bytes, size_t n, const char *path, bf_error *err) {
  while (n > 0) {
    ssize_t written = write(file, bytes, n);
    if (written > 0) {
      bytes += written;
      n -= (size_t)written;
    } else if (written == 0 || errno != EINTR) {
      return cli_error_errno(err, "cannot write %.120s; the last answer is not in it", path);
    }
  }
  if (fsync(file) != 0 && errno != EINVAL && errno != EROFS) /* pipes cannot */
    return cli_error_errno(err, "cannot write %.120s", path);
  return BF_OK;
}

bf_status cli_answers_append(cli_answers *answers, uint64_t row, uint64_t token, const char *label, bf_error *err) {
  char *text = NULL;
  size_t n = 0;
  bf_status status = BF_OK;
  FILE *line = open_memstream(&text, &n);
  if (line == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  int file = open(answers->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  off_t size = file >= 0 ? lseek(file, 0, SEEK_END) : 0;
  if (file < 0) status = cli_error_errno(err, "cannot write %.120s", answers->path);
  if (size == 0) {
    fputs(answers->tokens ? "row,token,label\n" : "row,label\n", line);
  } else if (!answers->ends_in_newline) {
    (void)putc('\n', line);
  }
  for (size_t i = 0; i < answers->n_columns; i++) {
    if (i > 0) (void)putc(',', line);
    if (i == answers->row_column) fprintf(line, "%" PRIu64, row);
    if (i == answers->token_column) fprintf(line, "%" PRIu64, token);
    if (i == answers->label_column) cli_put_csv(line, label);
  }
  (void)putc('\n', line);
  if (fclose(line) != 0 && status == BF_OK) status = cli_error(err, BF_ERR_MEMORY, "out of memory");
  if (status == BF_OK) status = write_all(file, text, n, answers->path, err);
  if (file >= 0 && close(file) != 0 && status == BF_OK) status = cli_error_errno(err, "cannot write %s", answers->path);
  if (status == BF_OK) answers->ends_in_newline = true;
  free(text);
  return status;
}
