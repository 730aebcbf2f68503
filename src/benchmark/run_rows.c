/* A domain as a target: a sample of its rows, their labels, which its own model never saw, and its sketch.
 *
 * The sample for the truth has the rows with the smallest hash; those that a target is ranked by are the first of them,
 * and those of a small-target variant the first of these, so that nothing is run twice and fewer rows are always a part
 * of more. Items are what models answer and labels are given for: rows, or the tokens of sentences. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "benchmark/benchmark_internal.h"
#include "sketch/sketch_builder.h"

#define MAX_LABEL_FILE ((size_t)256 << 20)

/* ---- where the rows are ---- */

bf_status bf__bench_data_file(const char *folder, const bf__bench_collection *c, size_t domain, const char *split,
                              char **path, bf_dataset_options *options, bf_error *err) {
  static const char *const ENDINGS[] = {"npy", "npz", "txt"};
  static const bf_dataset_options defaults = BF_DATASET_OPTIONS_INIT;
  const char *name = c->domains[domain].name;
  bool is_target = strcmp(split, "target") == 0;
  *options = defaults;
  *path = NULL;
  switch (c->kind) {
    case BF_KIND_TEXT:
      options->format = is_target ? "lines" : "label-text";
      break;
    case BF_KIND_PAIR:
      options->format = "col-val";
      break;
    case BF_KIND_TAGGED:
      options->format = "token-tag";
      break;
    default:
      options->kind = bf_kind_name(c->kind);
      break;
  }
  for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
    char *candidate = bf__asprintf("%s/%s/%s.%s", folder, name, split, ENDINGS[i]);
    if (!candidate) return bf__error_memory(err, strlen(folder));
    if (access(candidate, F_OK) == 0) {
      *path = candidate;
      return BF_OK;
    }
    free(candidate);
  }
  return bf__error(err, BF_ERR_NOT_FOUND, "%.120s/%s has no %s.npy, .npz or .txt: run `bestfit bench train %s`", folder,
                   name, split, c->name);
}

static bf_status open_target(const char *folder, const bf__bench_collection *c, size_t domain, bf_dataset **out,
                             bf_error *err) {
  char *path = NULL;
  bf_dataset_options options;
  bf_status status = bf__bench_data_file(folder, c, domain, "target", &path, &options, err);
  options.n_threads = 1; /* threads go over targets */
  if (status == BF_OK) status = bf_dataset_open(path, &options, out, err);
  free(path);
  return status;
}

/* ---- the order of hashes ---- */

typedef struct hashed_row {
  uint64_t hash, number;
  uint32_t row;
} hashed_row;

static int compare_hashes(const void *a, const void *b) {
  const hashed_row *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->number < y->number ? -1 : x->number > y->number;
}

/* As bf_sample_load() chooses (base/bottom_k.h). */
static bf_status order_rows(bf__bench_rows *r, uint64_t seed, bf_error *err) {
  hashed_row *all = bf__alloc(r->n_rows, sizeof *all);
  r->place = bf__alloc(r->n_rows, sizeof *r->place);
  if (!all || !r->place) {
    free(all);
    return bf__error_memory(err, r->n_rows * sizeof *all);
  }
  for (uint32_t i = 0; i < r->n_rows; i++) {
    uint64_t number = bf_sample_row(r->sample, i);
    all[i] = (hashed_row){bf__mix64(seed, number), number, i};
  }
  qsort(all, r->n_rows, sizeof *all, compare_hashes);
  for (uint32_t i = 0; i < r->n_rows; i++) r->place[all[i].row] = i;
  free(all);
  return BF_OK;
}

static uint32_t items_of_row(const bf_batch *batch, uint32_t row) {
  return batch->sentences ? batch->sentences[row].n_tokens : 1;
}

static bf_status number_items(bf__bench_rows *r, bf_error *err) {
  const bf_batch *batch = bf_sample_batch(r->sample);
  for (uint32_t i = 0; i < r->n_rows; i++) r->n_items += items_of_row(batch, i);
  r->row_of = bf__alloc(r->n_items, sizeof *r->row_of);
  r->labels = bf__alloc(r->n_items, sizeof *r->labels);
  if (!r->row_of || !r->labels) return bf__error_memory(err, r->n_items * sizeof *r->labels);
  size_t at = 0;
  for (uint32_t i = 0; i < r->n_rows; i++)
    for (uint32_t k = 0; k < items_of_row(batch, i); k++) r->row_of[at++] = i;
  return BF_OK;
}

/* So many rows that neither bound is passed. */
static uint32_t count_ranked(const bf__bench_rows *r, uint32_t *by_place) {
  const bf_batch *batch = bf_sample_batch(r->sample);
  size_t n_items = 0;
  uint32_t n = 0;
  for (uint32_t i = 0; i < r->n_rows; i++) by_place[r->place[i]] = i;
  for (; n < r->n_rows && n < BF__BENCH_RANKED_ROWS; n++) {
    n_items += items_of_row(batch, by_place[n]);
    if (n > 0 && n_items > BF__BENCH_RANKED_ITEMS) break;
  }
  return n;
}

bf_status bf__bench_subset_make(const bf__bench_rows *r, uint32_t n_rows, bf__bench_subset *out, bf_error *err) {
  *out = (bf__bench_subset){.n_rows = n_rows < r->n_rows ? n_rows : r->n_rows};
  out->items = bf__alloc(r->n_items, sizeof *out->items);
  if (!out->items) return bf__error_memory(err, r->n_items * sizeof *out->items);
  for (size_t i = 0; i < r->n_items; i++)
    if (r->place[r->row_of[i]] < n_rows) out->items[out->n_items++] = i;
  return BF_OK;
}

void bf__bench_subset_deinit(bf__bench_subset *subset) {
  free(subset->items);
  *subset = (bf__bench_subset){0};
}

/* ---- labels ---- */

typedef struct label_reading {
  bf__bench_rows *r;
  const uint64_t *first; /* [n_rows] number of a row's first item in all of the data */
  uint64_t n_all;        /* items in all of the data */
  size_t capacity;
} label_reading;

static bf_status number_label(label_reading *l, const char *text, size_t n, int32_t *out, bf_error *err) {
  bf__bench_rows *r = l->r;
  *out = -1;
  if (n == 0) return BF_OK;
  for (size_t i = 0; i < r->n_names; i++) {
    if (strlen(r->names[i]) != n || memcmp(r->names[i], text, n) != 0) continue;
    *out = (int32_t)i;
    return BF_OK;
  }
  if (r->n_names == 65535) return bf__error(err, BF_ERR_LIMIT, "target-labels.txt has more than 65,535 labels");
  if (r->n_names == l->capacity) {
    size_t capacity = l->capacity ? 2 * l->capacity : 32;
    char **grown = bf__realloc(r->names, capacity, sizeof *grown);
    if (!grown) return bf__error_memory(err, capacity * sizeof *grown);
    r->names = grown;
    l->capacity = capacity;
  }
  r->names[r->n_names] = bf__strndup(text, n);
  if (!r->names[r->n_names]) return bf__error_memory(err, n + 1);
  *out = (int32_t)r->n_names++;
  return BF_OK;
}

/* One label a line, as many as there are items; those of the sample are kept. */
static bf_status take_labels(label_reading *l, const char *text, size_t n_bytes, const char *where, bf_error *err) {
  bf__bench_rows *r = l->r;
  const bf_batch *batch = bf_sample_batch(r->sample);
  uint64_t n = 0;
  size_t item = 0;
  uint32_t row = 0;
  for (const char *end = text + n_bytes; text < end; n++) {
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    if (!stop) stop = end;
    size_t length = (size_t)(stop - text);
    if (length > 0 && text[length - 1] == '\r') length--;
    while (row < r->n_rows && n >= l->first[row] + items_of_row(batch, row)) row++;
    if (row < r->n_rows && n >= l->first[row] && item < r->n_items) {
      bf_status status = number_label(l, text, length, &r->labels[item++], err);
      if (status != BF_OK) return status;
    }
    text = stop + 1;
  }
  if (n == l->n_all && item == r->n_items) return BF_OK;
  return bf__error(err, BF_ERR_MISMATCH, "%.100s has %llu labels, and the target has %llu items", where,
                   (unsigned long long)n, (unsigned long long)l->n_all);
}

static bf_status read_labels(const char *folder, bf__bench_rows *r, const uint64_t *first, uint64_t n_all,
                             bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  label_reading l = {.r = r, .first = first, .n_all = n_all};
  char *path = bf__asprintf("%s/target-labels.txt", folder);
  if (!path) return bf__error_memory(err, strlen(folder));
  bf_status status = bf__file_read(path, MAX_LABEL_FILE, &bytes, &n, err);
  if (status == BF_OK) status = take_labels(&l, (const char *)bytes, n, path, err);
  free(bytes);
  free(path);
  return status;
}

/* ---- unseen rows ---- */

static int compare_numbers(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* Row numbers, one a line. */
static bf_status take_unseen(bf__bench_rows *r, const char *text, const char *where, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = 0, line = 1;
  uint64_t *numbers = bf__alloc(strlen(text) / 2 + 1, sizeof *numbers);
  r->unseen = bf__alloc(r->n_rows, sizeof *r->unseen);
  if (!numbers || !r->unseen) BF_TRY(bf__error_memory(err, strlen(text) * sizeof *numbers));
  for (const char *at = text; *at; line++) {
    char *end = NULL;
    errno = 0;
    unsigned long long number = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : 0;
    if (end && *end == '\r') end++;
    if (!end || errno || number >= r->n_rows_all || (*end != '\n' && *end != '\0')) {
      status = bf__error_at(err, BF_ERR_FORMAT, (int64_t)line - 1, "%.100s, line %zu is no number of a row below %llu",
                            where, line, (unsigned long long)r->n_rows_all);
      goto out;
    }
    numbers[n++] = number;
    at = *end ? end + 1 : end;
  }
  qsort(numbers, n, sizeof *numbers, compare_numbers);
  for (uint32_t i = 0; i < r->n_rows; i++) {
    uint64_t number = bf_sample_row(r->sample, i);
    r->unseen[i] = bsearch(&number, numbers, n, sizeof *numbers, compare_numbers) != NULL;
  }
out:
  free(numbers);
  return status;
}

static bf_status read_unseen(const char *folder, bf__bench_rows *r, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  char *path = bf__asprintf("%s/target-unseen.txt", folder);
  if (!path) return bf__error_memory(err, strlen(folder));
  bf_status status = BF_OK;
  if (access(path, F_OK) == 0) {
    status = bf__file_read(path, MAX_LABEL_FILE, &bytes, &n, err);
    if (status == BF_OK) status = take_unseen(r, (const char *)bytes, path, err);
  }
  free(bytes);
  free(path);
  return status;
}

/* ---- the whole ---- */

/* Number of each sampled row's first item in all of the data, and of all items. */
static bf_status place_rows(const char *folder, const bf__bench_collection *c, size_t domain, const bf__bench_rows *r,
                            uint64_t *first, uint64_t *n_all, bf_error *err) {
  bf_status status = BF_OK;
  bf_dataset *dataset = NULL;
  uint32_t row = 0;
  *n_all = r->n_rows_all;
  for (uint32_t i = 0; i < r->n_rows; i++) first[i] = bf_sample_row(r->sample, i);
  if (c->kind != BF_KIND_TAGGED) return BF_OK;
  *n_all = 0;
  BF_TRY(open_target(folder, c, domain, &dataset, err));
  for (;;) {
    bf_batch batch;
    BF_TRY(bf_dataset_next(dataset, &batch, err));
    if (batch.n_rows == 0) break;
    for (uint32_t i = 0; i < batch.n_rows; i++) {
      if (row < r->n_rows && bf_sample_row(r->sample, row) == (uint64_t)batch.first_row + i) first[row++] = *n_all;
      *n_all += batch.sentences[i].n_tokens;
    }
  }
out:
  bf_dataset_close(dataset);
  return status;
}

bf_status bf__bench_rows_load(const char *folder, const bf__bench_collection *c, size_t domain, bf__bench_rows *out,
                              bf_error *err) {
  bf_status status = BF_OK;
  bf_dataset *dataset = NULL;
  uint64_t *first = NULL, n_all = 0;
  uint32_t *by_place = NULL;
  *out = (bf__bench_rows){0};
  char *place = bf__asprintf("%s/%s", folder, c->domains[domain].name);
  if (!place) return bf__error_memory(err, strlen(folder));
  BF_TRY(open_target(folder, c, domain, &dataset, err));
  BF_TRY(bf_sample_load(dataset, BF__BENCH_TRUTH_ROWS, c->seed, NULL, NULL, &out->sample, err));
  out->n_rows_all = bf_sample_rows_seen(out->sample);
  out->n_rows = bf_sample_batch(out->sample)->n_rows;
  if (out->n_rows == 0) BF_TRY(bf__error(err, BF_ERR_FORMAT, "the target of %.150s has no rows", place));
  BF_TRY(order_rows(out, c->seed, err));
  BF_TRY(number_items(out, err));
  first = bf__alloc(out->n_rows, sizeof *first);
  by_place = bf__alloc(out->n_rows, sizeof *by_place);
  if (!first || !by_place) BF_TRY(bf__error_memory(err, out->n_rows * sizeof *first));
  BF_TRY(place_rows(folder, c, domain, out, first, &n_all, err));
  BF_TRY(read_labels(place, out, first, n_all, err));
  BF_TRY(read_unseen(place, out, err));
  BF_TRY(bf__bench_subset_make(out, count_ranked(out, by_place), &out->ranked, err));
out:
  bf_dataset_close(dataset);
  free(place);
  free(first);
  free(by_place);
  if (status != BF_OK) bf__bench_rows_deinit(out);
  return status;
}

void bf__bench_rows_deinit(bf__bench_rows *r) {
  bf_sample_free(r->sample);
  for (size_t i = 0; i < r->n_names; i++) free(r->names[i]);
  free(r->names);
  free(r->place);
  free(r->row_of);
  free(r->labels);
  free(r->unseen);
  bf__bench_subset_deinit(&r->ranked);
  *r = (bf__bench_rows){0};
}

/* ---- sketches ---- */

static const char *name_of_column(const void *context, uint32_t column) {
  const bf_schema *schema = context;
  return schema->column_names && column < schema->n_columns ? schema->column_names[column] : NULL;
}

static bf_status sketch_sample(const bf_sample *sample, bf_sketch **out, bf_error *err) {
  bf_schema schema;
  bf__sketch_builder *builder = NULL;
  const bf_batch *batch = bf_sample_batch(sample);
  bf_sample_schema(sample, &schema);
  bf__sketch_source source = {.kind = schema.kind,
                              .n_columns = batch->n_columns,
                              .n_channels = batch->n_channels,
                              .range_max = schema.range_max,
                              .min_count = BF_SKETCH_DEFAULT_MIN_COUNT,
                              .column_name = name_of_column,
                              .context = &schema};
  bf_status status = bf__sketch_builder_create(&source, BF_SKETCH_DEFAULT_SEED, 1, NULL, &builder, err);
  if (status == BF_OK) status = bf__sketch_builder_add(builder, batch, err);
  if (status == BF_OK) status = bf__sketch_builder_finish(builder, NULL, NULL, out, err);
  bf__sketch_builder_free(builder);
  return status;
}

bf_status bf__bench_target_sketch(const char *folder, const bf__bench_collection *c, size_t domain, uint32_t n_rows,
                                  bf_sketch **out, bf_error *err) {
  bf_dataset *dataset = NULL;
  bf_sample *sample = NULL;
  bf_sketch_options options = BF_SKETCH_OPTIONS_INIT;
  *out = NULL;
  options.n_threads = 1;
  bf_status status = open_target(folder, c, domain, &dataset, err);
  if (status == BF_OK && n_rows == 0) status = bf_sketch_build(dataset, &options, out, err);
  if (status == BF_OK && n_rows > 0) status = bf_sample_load(dataset, n_rows, c->seed, NULL, NULL, &sample, err);
  if (status == BF_OK && n_rows > 0) status = sketch_sample(sample, out, err);
  bf_sample_free(sample);
  bf_dataset_close(dataset);
  return status;
}
