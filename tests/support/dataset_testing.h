/* Files for the dataset tests, and a dataset read whole. */
#ifndef BESTFIT_TESTS_DATASET_TESTING_H
#define BESTFIT_TESTS_DATASET_TESTING_H

/* cmocka.h needs these four before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bestfit/dataset.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char test_folder[512];

static inline int test_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st;
  (void)type;
  (void)ftw;
  return remove(path);
}

static inline int make_test_folder(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(test_folder, sizeof test_folder, "%s/bestfit-dataset-XXXXXX", base && base[0] ? base : "/tmp");
  return mkdtemp(test_folder) ? 0 : -1;
}

static inline int remove_test_folder(void **state) {
  (void)state;
  return nftw(test_folder, test_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Path of a name in the test's folder; four at a time. */
static inline const char *in_folder(const char *name) {
  static char paths[4][1024];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
  return path;
}

static inline const char *put_file(const char *name, const void *bytes, size_t n) {
  const char *path = in_folder(name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  assert_int_equal(fclose(file), 0);
  return path;
}

static inline const char *put_text(const char *name, const char *text) {
  return put_file(name, text, strlen(text));
}

/* An .npy of version 1; shape as in the header, "(3, 2)". */
static inline size_t npy_bytes(uint8_t *out, const char *type, const char *order, const char *shape, const void *data,
                               size_t n) {
  char header[256];
  snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", type, order, shape);
  size_t length = strlen(header) + 1, padded = (10 + length + 63) / 64 * 64 - 10;
  memcpy(out, "\x93NUMPY\x01\x00", 8);
  out[8] = (uint8_t)(padded & 255);
  out[9] = (uint8_t)(padded >> 8);
  memset(out + 10, ' ', padded);
  memcpy(out + 10, header, length - 1);
  out[10 + padded - 1] = '\n';
  if (n) memcpy(out + 10 + padded, data, n);
  return 10 + padded + n;
}

static inline const char *put_npy(const char *name, const char *type, const char *shape, const void *data, size_t n) {
  uint8_t *bytes = malloc(n + 512);
  assert_non_null(bytes);
  const char *path = put_file(name, bytes, npy_bytes(bytes, type, "False", shape, data, n));
  free(bytes);
  return path;
}

/* A dataset read whole. */
typedef struct whole {
  bf_status status; /* of opening or reading */
  bf_error error;
  bf_kind kind;
  uint64_t rows, row_hint;
  uint32_t columns, n_labels, n_warnings, height, width, channels, steps, series_channels;
  double range_max;
  float *cells;
  char **labels; /* [rows], NULL where none */
  char **spelt;  /* [rows]: texts, pairs, sentences and strings in one spelling; NULL where the kind has no words */
  char format[32], warnings[2048], names[512];
} whole;

static inline void whole_free(whole *w) {
  for (uint64_t i = 0; w->labels && i < w->rows; i++) free(w->labels[i]);
  for (uint64_t i = 0; w->spelt && i < w->rows; i++) free(w->spelt[i]);
  free(w->labels);
  free(w->spelt);
  free(w->cells);
  memset(w, 0, sizeof *w);
}

static inline void spell(FILE *f, bf_string s) {
  fwrite(s.bytes ? s.bytes : "NULL", 1, s.bytes ? s.n_bytes : 4, f);
}

static inline void spell_fields(FILE *f, const bf_field *fields, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    fputc('{', f);
    spell(f, fields[i].name);
    fputc(':', f);
    spell(f, fields[i].value);
    fputc('}', f);
  }
}

/* What row i holds beside cells: a text as it is, `{name:value}{name:NULL}|{name:value}`, `token/tag token/- `. */
static inline char *spell_row(const bf_dataset *d, const bf_batch *b, uint32_t i) {
  char *out = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&out, &n);
  assert_non_null(f);
  if (b->texts) spell(f, b->texts[i]);
  if (b->pairs) {
    spell_fields(f, b->pairs[i].left.fields, b->pairs[i].left.n_fields);
    fputc('|', f);
    spell_fields(f, b->pairs[i].right.fields, b->pairs[i].right.n_fields);
  }
  for (uint32_t k = 0; b->sentences && k < b->sentences[i].n_tokens; k++) {
    int32_t tag = b->sentences[i].tags[k];
    spell(f, b->sentences[i].tokens[k]);
    fprintf(f, "/%s ", tag < 0 ? "-" : bf_dataset_label_name(d, (uint32_t)tag));
  }
  if (b->strings) spell_fields(f, b->strings + (size_t)i * b->n_string_columns, b->n_string_columns);
  fclose(f);
  return out;
}

static inline void whole_add(whole *w, const bf_dataset *d, const bf_batch *b) {
  assert_int_equal(b->first_row, w->rows);
  uint64_t rows = w->rows + b->n_rows;
  if (b->cells) {
    w->cells = realloc(w->cells, (size_t)rows * b->n_columns * sizeof(float));
    assert_non_null(w->cells);
    memcpy(w->cells + w->rows * b->n_columns, b->cells, (size_t)b->n_rows * b->n_columns * sizeof(float));
  }
  w->labels = realloc(w->labels, (size_t)rows * sizeof *w->labels);
  assert_non_null(w->labels);
  bool has_words = b->texts || b->pairs || b->sentences || b->strings;
  if (has_words) {
    w->spelt = realloc(w->spelt, (size_t)rows * sizeof *w->spelt);
    assert_non_null(w->spelt);
  }
  w->steps = b->n_steps;
  w->series_channels = b->n_channels;
  for (uint32_t i = 0; i < b->n_rows; i++) {
    const char *name = b->labels && b->labels[i] >= 0 ? bf_dataset_label_name(d, (uint32_t)b->labels[i]) : NULL;
    w->labels[w->rows + i] = name ? strdup(name) : NULL;
    if (has_words) w->spelt[w->rows + i] = spell_row(d, b, i);
  }
  w->rows = rows;
}

static inline whole read_whole(const char *path, const bf_dataset_options *options) {
  whole w = {0};
  bf_dataset *d = NULL;
  w.status = bf_dataset_open(path, options, &d, &w.error);
  if (w.status != BF_OK) {
    assert_null(d);
    return w;
  }
  w.row_hint = bf_dataset_row_hint(d);
  for (;;) {
    bf_batch b;
    w.status = bf_dataset_next(d, &b, &w.error);
    if (w.status != BF_OK || b.n_rows == 0) break;
    whole_add(&w, d, &b);
  }
  w.kind = bf_dataset_kind(d);
  w.columns = bf_dataset_column_count(d);
  w.n_labels = bf_dataset_label_count(d);
  w.range_max = bf_dataset_range_max(d);
  bf_dataset_image_shape(d, &w.height, &w.width, &w.channels);
  snprintf(w.format, sizeof w.format, "%s", bf_dataset_format(d));
  w.n_warnings = bf_dataset_warning_count(d);
  for (uint32_t i = 0; i < w.n_warnings; i++) {
    strncat(w.warnings, bf_dataset_warning(d, i), sizeof w.warnings - strlen(w.warnings) - 2);
    strcat(w.warnings, "\n");
  }
  for (uint32_t i = 0; i < w.columns && bf_dataset_column_name(d, i); i++) {
    strncat(w.names, i ? "," : "", sizeof w.names - strlen(w.names) - 1);
    strncat(w.names, bf_dataset_column_name(d, i), sizeof w.names - strlen(w.names) - 1);
  }
  bf_dataset_close(d);
  return w;
}

/* Reading fails with this status and, somewhere in its message, these words; at this position unless it is -2. */
static inline void expect_failure(const char *path, const bf_dataset_options *options, bf_status status,
                                  int64_t position, const char *words) {
  whole w = read_whole(path, options);
  if (w.status != status || !strstr(w.error.message, words) || (position != -2 && w.error.position != position))
    fail_msg("%s: got %s at %lld: %s", path, bf_status_name(w.status), (long long)w.error.position, w.error.message);
  assert_int_equal(w.error.code, status);
  whole_free(&w);
}

#define OPTIONS(...) (&(bf_dataset_options){.struct_size = sizeof(bf_dataset_options), __VA_ARGS__})

#endif
