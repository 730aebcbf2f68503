/* What readers share: warnings, the table of label names, and choosing columns by name or number. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "dataset/dataset_internal.h"

#define MAX_WARNINGS 64u

void bf__dataset_free_strings(char **strings, size_t n) {
  if (!strings) return;
  for (size_t i = 0; i < n; i++) free(strings[i]);
  free(strings);
}

void bf__dataset_warn(bf_dataset *d, const char *format, ...) {
  char text[512];
  va_list args;
  if (d->n_warnings == MAX_WARNINGS) return; /* a hundred like it follow */
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  char **grown = bf__realloc(d->warnings, d->n_warnings + 1, sizeof *grown);
  if (!grown) return;
  d->warnings = grown;
  char *copy = bf__strdup(text);
  if (copy) d->warnings[d->n_warnings++] = copy;
}

bool bf__utf8_valid(const void *bytes, size_t n_bytes) {
  const uint8_t *p = bytes;
  for (size_t i = 0; i < n_bytes;) {
    uint8_t c = p[i];
    size_t more = c < 0x80 ? 0 : (c & 0xe0) == 0xc0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : (c & 0xf8) == 0xf0 ? 3 : 4;
    if (more == 4 || n_bytes - i <= more || c == 0) return false;
    uint32_t v = more == 0 ? c : c & (0x3fu >> more);
    for (size_t k = 1; k <= more; k++) {
      if ((p[i + k] & 0xc0) != 0x80) return false;
      v = v << 6 | (p[i + k] & 0x3fu);
    }
    static const uint32_t LEAST[] = {0, 0x80, 0x800, 0x10000};
    if (v < LEAST[more] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) return false;
    i += more + 1;
  }
  return true;
}

/* Labels */

static bf_status grow_slots(bf_dataset *d, bf_error *err) {
  size_t n = d->n_label_slots ? d->n_label_slots * 2 : 64;
  uint32_t *slots = bf__alloc(n, sizeof *slots);
  if (!slots) return bf__error_memory(err, n * sizeof *slots);
  for (uint32_t i = 0; i < d->n_labels; i++) {
    size_t at = bf__xxh64(d->label_names[i], strlen(d->label_names[i]), 0) & (n - 1);
    while (slots[at]) at = (at + 1) & (n - 1);
    slots[at] = i + 1;
  }
  free(d->label_slots);
  d->label_slots = slots;
  d->n_label_slots = n;
  return BF_OK;
}

bf_status bf__dataset_label(bf_dataset *d, const char *name, size_t n_bytes, int32_t *out, bf_error *err) {
  if (d->n_labels * 2 >= d->n_label_slots) {
    bf_status status = grow_slots(d, err);
    if (status != BF_OK) return status;
  }
  size_t at = bf__xxh64(name, n_bytes, 0) & (d->n_label_slots - 1);
  for (; d->label_slots[at]; at = (at + 1) & (d->n_label_slots - 1)) {
    uint32_t i = d->label_slots[at] - 1;
    if (strlen(d->label_names[i]) != n_bytes || memcmp(d->label_names[i], name, n_bytes) != 0) continue;
    *out = (int32_t)i;
    return BF_OK;
  }
  if (!bf__utf8_valid(name, n_bytes))
    return bf__error(err, BF_ERR_FORMAT, "label number %u is not UTF-8 text: is this the label file?", d->n_labels + 1);
  if (d->n_labels == BF__MAX_LABEL_NAMES)
    return bf__error(err, BF_ERR_LIMIT, "more than 1,000,000 different labels: are these labels of classes?");
  if ((d->n_labels & (d->n_labels - 1)) == 0) {
    char **grown = bf__realloc(d->label_names, d->n_labels ? (size_t)d->n_labels * 2 : 1, sizeof *grown);
    if (!grown) return bf__error_memory(err, (size_t)d->n_labels * 2 * sizeof *grown);
    d->label_names = grown;
  }
  char *copy = bf__strndup(name, n_bytes);
  if (!copy) return bf__error_memory(err, n_bytes + 1);
  d->label_names[d->n_labels] = copy;
  *out = (int32_t)d->n_labels++;
  d->label_slots[at] = d->n_labels;
  return BF_OK;
}

/* Columns */

static const char *trim(const char *s, size_t *n) {
  while (*n && (s[0] == ' ' || s[0] == '\t')) s++, (*n)--;
  while (*n && (s[*n - 1] == ' ' || s[*n - 1] == '\t')) (*n)--;
  return s;
}

bf_status bf__split_names(const char *list, char ***out, size_t *n_out, bf_error *err) {
  size_t most = 1, n = 0;
  for (const char *p = list; *p; p++) most += *p == ',';
  char **names = bf__alloc(most, sizeof *names);
  if (!names) return bf__error_memory(err, most * sizeof *names);
  for (const char *p = list; *p;) {
    const char *end = NULL, *start = NULL;
    size_t length = 0;
    while (*p == ' ') p++;
    if (*p == '"' && (end = strchr(p + 1, '"'))) {
      start = p + 1;
      length = (size_t)(end - start);
      end += 1 + strcspn(end + 1, ",");
    } else {
      end = p + strcspn(p, ",");
      length = (size_t)(end - p);
      start = trim(p, &length);
    }
    if (length && !(names[n++] = bf__strndup(start, length))) {
      bf__dataset_free_strings(names, n - 1);
      return bf__error_memory(err, length + 1);
    }
    p = *end ? end + 1 : end;
  }
  *out = names;
  *n_out = n;
  return BF_OK;
}

static bf_status unknown_column(const bf_dataset *d, const char *option, const char *name, char *const *names,
                                uint32_t n_names, bf_error *err) {
  char known[120] = "";
  if (!names)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%s: \"%.40s\" is not a column of %.60s; they are numbered 0 to %u",
                     option, name, d->shown, n_names - 1);
  size_t n = 0;
  for (uint32_t i = 0; i < n_names && n < sizeof known - 24; i++) {
    int k = snprintf(known + n, sizeof known - n, "%s%.20s", i ? ", " : "", names[i]);
    n += k > 0 ? (size_t)k : 0;
  }
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "%s: \"%.40s\" is not a column of %.40s; it has: %s%s", option, name,
                   d->shown, known, n >= sizeof known - 24 ? " …" : "");
}

static bf_status find_column(const bf_dataset *d, const char *option, const char *name, char *const *names,
                             uint32_t n_names, uint32_t *out, bf_error *err) {
  if (!names) {
    char *end = NULL;
    unsigned long v = strtoul(name, &end, 10);
    *out = (uint32_t)v;
    if (name[0] >= '0' && name[0] <= '9' && *end == 0 && v < n_names) return BF_OK;
    return unknown_column(d, option, name, names, n_names, err);
  }
  for (*out = 0; *out < n_names; ++*out)
    if (strcmp(names[*out], name) == 0) return BF_OK;
  return unknown_column(d, option, name, names, n_names, err);
}

bf_status bf__select_columns(const bf_dataset *d, char *const *names, uint32_t n_names, const bool *keep_default,
                             uint32_t **out, uint32_t *n_out, bf_error *err) {
  enum { DEFAULT, KEPT, DROPPED };
  char **wanted = NULL;
  size_t n_wanted = 0;
  uint8_t *mark = bf__alloc(n_names, 1);
  uint32_t *selected = bf__alloc(n_names, sizeof *selected), n = 0;
  bf_status status = BF_OK;
  const char *option = d->columns ? "--columns" : "--drop", *list = d->columns ? d->columns : d->drop;
  if (!mark || !selected) BF_TRY(bf__error_memory(err, (size_t)n_names * 5));
  if (list) BF_TRY(bf__split_names(list, &wanted, &n_wanted, err));
  for (size_t i = 0; i < n_wanted; i++) {
    uint32_t c = 0;
    BF_TRY(find_column(d, option, wanted[i], names, n_names, &c, err));
    if (mark[c] != DEFAULT)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "%s: \"%.60s\" is named twice", option, wanted[i]));
    mark[c] = d->columns ? KEPT : DROPPED;
    if (d->columns) selected[n++] = c;
  }
  for (uint32_t c = 0; !d->columns && c < n_names; c++)
    if (mark[c] != DROPPED && (!keep_default || keep_default[c])) selected[n++] = c;
  if (n == 0)
    BF_TRY(bf__error(err, list ? BF_ERR_INVALID_ARGUMENT : BF_ERR_FORMAT, "%.80s: no column %s", d->shown,
                     list ? "is left by the options --columns and --drop" : "holds numbers or text"));
  *out = selected;
  *n_out = n;
  selected = NULL;
out:
  free(mark);
  free(selected);
  bf__dataset_free_strings(wanted, n_wanted);
  return status;
}
