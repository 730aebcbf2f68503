/* What DuckDB says about a file, in words for whoever has it: the line, what is wrong there, and what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/lines.h"
#include "dataset/table.h"

/* The number after `mark` in `text`; false if there is none. */
static bool number_after(const char *text, const char *mark, long long *out) {
  const char *p = strstr(text, mark);
  char *end = NULL;
  if (!p) return false;
  *out = strtoll(p + strlen(mark), &end, 10);
  return end != p + strlen(mark);
}

/* DuckDB's first line without its kind, and without the path. */
const char *bf__table_first_line(const char *path, const char *text, char *out, size_t size) {
  const char *colon = strstr(text, "Error: ");
  if (colon && colon - text < 40) text = colon + 7;
  size_t n = strcspn(text, "\n");
  if (n >= size) n = size - 1;
  memcpy(out, text, n);
  out[n] = 0;
  char *at = path ? strstr(out, path) : NULL;
  if (at) {
    const char *slash = strrchr(path, '/');
    size_t skip = slash ? (size_t)(slash + 1 - path) : 0;
    memmove(at, at + skip, strlen(at + skip) + 1);
  }
  return out;
}

static bf_status csv_error(const bf_dataset *d, bool has_header, const char *text, long long line, bf_error *err) {
  long long expected = 0, found = 0;
  int64_t row = line - 1 - (has_header ? 1 : 0);
  if (row < 0) row = 0;
  if (number_after(text, "Expected Number of Columns: ", &expected) && number_after(text, "Found: ", &found))
    return bf__error_at(
        err, BF_ERR_FORMAT, row,
        "%.60s: line %lld has %lld value%s where the first line has %lld: repair the line, or quote values "
        "that hold the separator",
        d->shown, line, found, found == 1 ? "" : "s", expected);
  const char *column = strstr(text, "column \"");
  if (column && strstr(text, "onvert")) {
    size_t n = strcspn(column + 8, "\"\n");
    const char *value = strstr(text, "string \"");
    size_t k = value ? strcspn(value + 8, "\"\n") : 0;
    return bf__error_at(
        err, BF_ERR_FORMAT, row,
        "%.50s: line %lld, column \"%.*s\": \"%.*s\" is not a number as in the rows before: repair it, or leave "
        "the column out with --drop",
        d->shown, line, (int)(n < 40 ? n : 40), column + 8, (int)(k < 30 ? k : 30), value ? value + 8 : "");
  }
  if (strstr(text, "Maximum line size"))
    return bf__error_at(
        err, BF_ERR_LIMIT, row,
        "%.60s: line %lld is longer than 2,000,000 bytes, which is the most for delimited text: is this "
        "the right separator?",
        d->shown, line);
  const char *reason = strstr(text, "nquote") || strstr(text, "nterminated quote") ? "a quote is not closed" : NULL;
  const char *second = strchr(text, '\n');
  char shortened[100] = "";
  if (!reason && second) {
    for (const char *p = second + 1; *p; p = p + strcspn(p, "\n") + (p[strcspn(p, "\n")] != 0)) {
      if (strncmp(p, "Original Line", 13) == 0) continue;
      snprintf(shortened, sizeof shortened, "%.*s", (int)strcspn(p, "\n"), p);
      break;
    }
  }
  return bf__error_at(err, BF_ERR_FORMAT, row, "%.60s: line %lld cannot be read (%s): repair the line", d->shown, line,
                      reason ? reason : shortened);
}

bf_status bf__table_error(const bf_dataset *d, const char *path, uint64_t file_bytes, bool has_header, const char *text,
                          bf_error *err) {
  char shortened[150];
  long long line = 0;
  uint64_t invalid = 0;
  if (!text) text = "unknown reason";
  if (strncmp(text, "Out of Memory", 13) == 0)
    return bf__error(err, BF_ERR_MEMORY,
                     "%.60s: reading needs more memory than is allowed for its row groups or width: write "
                     "smaller row groups, or fewer columns",
                     d->shown);
  bool is_csv = strcmp(d->format->info.name, "csv") == 0 || strcmp(d->format->info.name, "tsv") == 0;
  if (is_csv && (strstr(text, "unicode") || strstr(text, "Attempted to access index")) &&
      bf__find_invalid_utf8(d, &invalid)) {
    int64_t row = (int64_t)invalid - 1 - has_header;
    return bf__error_at(
        err, BF_ERR_FORMAT, row < 0 ? 0 : row,
        "%.60s: line %llu is not UTF-8 text: convert the file, for example with iconv -f LATIN1 -t UTF-8", d->shown,
        (unsigned long long)invalid);
  }
  if (strstr(text, "Parallel CSV Reader currently does not support"))
    return bf__error(
        err, BF_ERR_LIMIT,
        "%.60s: a line is longer than 2,000,000 bytes, which is the most for delimited text, or a quote is "
        "never closed",
        d->shown);
  if (strstr(text, "maximum_object_size"))
    return bf__error(err, BF_ERR_LIMIT, "%.60s: a line is longer than 4 MiB, which is the most for JSON lines",
                     d->shown);
  if (strstr(text, "CSV Error on Line: ") && number_after(text, "CSV Error on Line: ", &line))
    return csv_error(d, has_header, text, line, err);
  if (number_after(text, "in line ", &line)) {
    const char *reason = strstr(text, "in line ");
    reason = reason ? strstr(reason, ": ") : NULL;
    bf__table_first_line(path, reason ? reason + 2 : text, shortened, sizeof shortened);
    for (size_t n = strlen(shortened); n && strchr(" .", shortened[n - 1]); n--) shortened[n - 1] = 0;
    line -= strstr(text, "Malformed JSON") != NULL; /* DuckDB counts the line that it did not read too */
    return bf__error_at(err, BF_ERR_FORMAT, line > 0 ? line - 1 : 0,
                        "%.50s: line %lld: %.100s: repair the line, or leave the column out with --drop", d->shown,
                        line, shortened);
  }
  bf__table_first_line(path, text, shortened, sizeof shortened);
  if (d->where && (strncmp(text, "Conversion", 10) == 0 || strncmp(text, "Permission", 10) == 0))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "--where: %.200s", shortened);
  if (strcmp(d->format->info.name, "parquet") == 0)
    return bf__error_at(err, BF_ERR_FORMAT, (int64_t)file_bytes,
                        "%.60s: not a whole Parquet file (%.100s): it was cut or "
                        "damaged, fetch it again",
                        d->shown, shortened);
  return bf__error(err, BF_ERR_FORMAT, "%.60s: cannot be read: %.150s", d->shown, shortened);
}
