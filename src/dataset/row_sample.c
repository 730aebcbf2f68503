/* A seeded sample of rows: base/bottom_k.h chooses them; each chosen row is kept as bytes until it is pushed out or the
 * data end, and the rows that are left become one batch in the order of the data. */
#include "dataset/row_sample.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bottom_k.h"
#include "base/memory.h"

#define BLOCK_BYTES ((size_t)64 << 10)

struct bf__sample_block {
  bf__sample_block *next;
  size_t used, size;
  max_align_t bytes[];
};

/* ------------------------------------------------------------------ the sample */

bf_status bf__row_sample_room(bf_sample *s, size_t n, size_t element_bytes, void **out, bf_error *err) {
  size_t bytes = 0;
  size_t whole = 0;
  *out = NULL;
  if (!bf__mul(n, element_bytes, &bytes) || !bf__add(bytes, sizeof(max_align_t), &bytes) ||
      !bf__add(s->spent_bytes, bytes, &whole) || whole > s->max_bytes)
    return bf__error(err, BF_ERR_LIMIT, "a sample may take %zu MiB of memory: take fewer rows", s->max_bytes >> 20);
  bytes -= bytes % sizeof(max_align_t);
  if (s->blocks == NULL || s->blocks->size - s->blocks->used < bytes) {
    size_t size = bytes > BLOCK_BYTES / 4 ? bytes : BLOCK_BYTES;
    bf__sample_block *block = bf__alloc(sizeof *block + size, 1);
    if (block == NULL) return bf__error_memory(err, sizeof *block + size);
    block->size = size;
    if (s->blocks != NULL && size == bytes && s->blocks->used < s->blocks->size) { /* the last one has room yet */
      block->next = s->blocks->next;
      s->blocks->next = block;
      block->used = bytes;
      s->spent_bytes += bytes;
      *out = block->bytes;
      return BF_OK;
    }
    block->next = s->blocks;
    s->blocks = block;
  }
  *out = (char *)s->blocks->bytes + s->blocks->used;
  s->blocks->used += bytes;
  s->spent_bytes += bytes;
  return BF_OK;
}

static bf_status make_arrays(bf_sample *s, const bf__row_shape *shape, size_t n, bf_error *err) {
  bf_status status = BF_OK;
  BF_TRY(bf__row_sample_room(s, n, sizeof *s->numbers, (void **)&s->numbers, err));
  BF_TRY(bf__row_sample_room(s, s->max_cells, sizeof *s->cells, (void **)&s->cells, err));
  if (shape->has_labels) BF_TRY(bf__row_sample_room(s, n, sizeof *s->labels, (void **)&s->labels, err));
  switch (shape->kind) {
    case BF_KIND_IMAGE:
      BF_TRY(bf__row_sample_room(s, n, sizeof *s->images, (void **)&s->images, err));
      break;
    case BF_KIND_TEXT:
      BF_TRY(bf__row_sample_room(s, n, sizeof *s->texts, (void **)&s->texts, err));
      break;
    case BF_KIND_PAIR:
      BF_TRY(bf__row_sample_room(s, n, sizeof *s->pairs, (void **)&s->pairs, err));
      break;
    case BF_KIND_TAGGED:
      BF_TRY(bf__row_sample_room(s, n, sizeof *s->sentences, (void **)&s->sentences, err));
      break;
    default:
      if (shape->n_string_columns == 0) break;
      if (!bf__mul(n, shape->n_string_columns, &n)) n = SIZE_MAX;
      BF_TRY(bf__row_sample_room(s, n, sizeof *s->strings, (void **)&s->strings, err));
  }
out:
  return status;
}

bf_status bf__row_sample_create(const bf__row_shape *shape, uint64_t n_rows, size_t n_cells, size_t max_bytes,
                                bf_sample **out, bf_error *err) {
  bf_status status = BF_OK;
  *out = NULL;
  bf_sample *s = bf__alloc(1, sizeof *s);
  if (s == NULL) return bf__error_memory(err, sizeof *s);
  s->max_bytes = max_bytes;
  s->max_cells = n_cells;
  s->schema = (bf_schema){.kind = shape->kind, .n_columns = shape->n_columns, .range_max = shape->range_max};
  BF_TRY(make_arrays(s, shape, (size_t)n_rows, err));
  s->batch = (bf_batch){
      .n_columns = shape->n_columns,
      .cells = shape->n_columns > 0 ? s->cells : NULL,
      .images = s->images,
      .labels = s->labels,
      .n_steps = shape->n_steps,
      .n_channels = shape->n_channels,
      .texts = s->texts,
      .pairs = s->pairs,
      .sentences = s->sentences,
      .strings = s->strings,
      .n_string_columns = shape->n_string_columns,
  };
  *out = s;
  s = NULL;
out:
  bf_sample_free(s);
  return status;
}

void bf_sample_free(bf_sample *sample) {
  if (sample == NULL) return;
  for (bf__sample_block *block = sample->blocks, *next; block != NULL; block = next) {
    next = block->next;
    free(block);
  }
  free(sample);
}

void bf__row_sample_end(bf_sample *s) {
  if (s->images == NULL || s->batch.n_rows == 0) return;
  const bf_image *first = &s->images[0];
  for (uint32_t i = 1; i < s->batch.n_rows; i++) {
    const bf_image *image = &s->images[i];
    if (image->height != first->height || image->width != first->width || image->channels != first->channels) return;
  }
  size_t n = (size_t)first->height * first->width * first->channels;
  if (n > UINT32_MAX) return;
  s->batch.n_columns = s->schema.n_columns = (uint32_t)n;
  s->batch.cells = s->cells;
}

const bf_batch *bf_sample_batch(const bf_sample *sample) {
  return &sample->batch;
}
void bf_sample_schema(const bf_sample *sample, bf_schema *out) {
  *out = sample->schema;
}
uint64_t bf_sample_rows_seen(const bf_sample *sample) {
  return sample->rows_seen;
}
uint64_t bf_sample_row(const bf_sample *sample, uint32_t i) {
  return i < sample->batch.n_rows ? sample->numbers[i] : 0;
}

/* ------------------------------------------------------------------ drawing one */

typedef struct slot {
  bf__writer bytes;
  size_t n_cells;
} slot;

typedef struct draw {
  bf__bottom_k chosen;
  slot *slots; /* [n_slots] */
  size_t n_slots, spent_bytes, max_bytes;
  bf__row_shape shape;
  bool started;
  uint64_t rows_seen;
} draw;

static bf_status check_shape(draw *d, const bf_dataset *dataset, const bf_batch *batch, bf_error *err) {
  bf__row_shape shape = {.kind = bf_dataset_kind(dataset),
                         .has_labels = batch->labels != NULL,
                         .n_columns = batch->images == NULL ? batch->n_columns : 0,
                         .n_steps = batch->n_steps,
                         .n_channels = batch->n_channels,
                         .n_string_columns = batch->strings != NULL ? batch->n_string_columns : 0,
                         .range_max = bf_dataset_range_max(dataset)};
  if (!d->started) d->shape = shape;
  d->started = true;
  if (d->shape.n_columns == shape.n_columns && d->shape.n_steps == shape.n_steps &&
      d->shape.n_channels == shape.n_channels && d->shape.n_string_columns == shape.n_string_columns &&
      d->shape.has_labels == shape.has_labels)
    return BF_OK;
  return bf__error_at(err, BF_ERR_INTERNAL, batch->first_row, "rows of another shape than those before");
}

static bf_status take_row(draw *d, const bf_batch *batch, uint32_t i, bf_error *err) {
  bool kept = false;
  uint32_t at = 0;
  uint64_t number = (uint64_t)batch->first_row + i;
  bf_status status = bf__bottom_k_offer(&d->chosen, number, &kept, &at, err);
  if (status != BF_OK || !kept) return status;
  if (at >= d->n_slots) {
    size_t n = d->n_slots == 0 ? 256 : 2 * d->n_slots;
    slot *grown = bf__realloc(d->slots, n, sizeof *grown);
    if (grown == NULL) return bf__error_memory(err, n * sizeof *grown);
    memset(grown + d->n_slots, 0, (n - d->n_slots) * sizeof *grown);
    d->slots = grown;
    d->n_slots = n;
  }
  slot *s = &d->slots[at];
  d->spent_bytes -= s->bytes.capacity;
  if (s->bytes.capacity > 4096) bf__writer_deinit(&s->bytes); /* one long row must not keep its room for short ones */
  s->bytes.size = 0;
  bf__row_write(&s->bytes, &d->shape, batch, i, number);
  d->spent_bytes += s->bytes.capacity;
  s->n_cells = bf__row_cells(&d->shape, batch, i);
  if (s->bytes.failed) return bf__error_memory(err, s->bytes.size);
  if (d->spent_bytes > d->max_bytes)
    return bf__error_at(err, BF_ERR_LIMIT, (int64_t)number,
                        "a sample may take %zu MiB of memory: take fewer rows (--sample)", d->max_bytes >> 20);
  return BF_OK;
}

/* At most ten times a second. */
static bf_status tell(const bf_dataset *dataset, uint64_t rows, bf_progress_fn progress, void *context,
                      int64_t *last_ms, bf_error *err) {
  struct timespec now;
  uint64_t done = 0;
  uint64_t total = 0;
  if (progress == NULL) return BF_OK;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
  if (ms - *last_ms < 100) return BF_OK;
  *last_ms = ms;
  bf_dataset_progress(dataset, &done, &total);
  bool go_on =
      total ? progress(context, "bytes", done, total) : progress(context, "rows", rows, bf_dataset_row_hint(dataset));
  return go_on ? BF_OK : bf__error(err, BF_ERR_CANCELLED, "reading the rows was cancelled");
}

static bf_status copy_names(bf_sample *s, const char *const *names, uint32_t n, const char *const **out,
                            bf_error *err) {
  bf_status status = BF_OK;
  char **copies = NULL;
  BF_TRY(bf__row_sample_room(s, n, sizeof *copies, (void **)&copies, err));
  for (uint32_t i = 0; i < n; i++) {
    size_t bytes = strlen(names[i]) + 1;
    BF_TRY(bf__row_sample_room(s, bytes, 1, (void **)&copies[i], err));
    memcpy(copies[i], names[i], bytes);
  }
  *out = (const char *const *)copies;
out:
  return status;
}

static bf_status finish(draw *d, const bf_dataset *dataset, bf_sample **out, bf_error *err) {
  bf_status status = BF_OK;
  bf_sample *s = NULL;
  bf_schema schema;
  size_t n_cells = 0;
  bf_dataset_schema(dataset, &schema);
  if (!d->started) {
    d->shape = (bf__row_shape){.kind = schema.kind, .range_max = schema.range_max};
    if (schema.kind == BF_KIND_FEATURES) d->shape.n_columns = schema.n_columns;
  }
  for (uint32_t i = 0; i < d->chosen.n; i++) n_cells += d->slots[i].n_cells;
  bf__bottom_k_sort(&d->chosen);
  BF_TRY(bf__row_sample_create(&d->shape, d->chosen.n, n_cells, d->max_bytes, &s, err));
  BF_TRY(copy_names(s, schema.label_names, schema.n_labels, &s->schema.label_names, err));
  s->schema.n_labels = schema.n_labels;
  if (schema.column_names != NULL && schema.n_columns == d->shape.n_columns)
    BF_TRY(copy_names(s, schema.column_names, schema.n_columns, &s->schema.column_names, err));
  s->rows_seen = d->rows_seen;
  for (uint32_t i = 0; i < d->chosen.n; i++) {
    slot *from = &d->slots[d->chosen.heap[i].slot];
    bf__reader r = bf__reader_of(from->bytes.data, from->bytes.size);
    BF_TRY(bf__row_sample_read(s, &d->shape, &r, err));
    bf__writer_deinit(&from->bytes);
  }
  bf__row_sample_end(s);
  *out = s;
  s = NULL;
out:
  bf_sample_free(s);
  return status;
}

bf_status bf__row_sample_load(bf_dataset *dataset, uint64_t max_rows, uint64_t seed, size_t max_bytes,
                              bf_progress_fn progress, void *progress_context, bf_sample **out, bf_error *err) {
  bf_status status = BF_OK;
  int64_t last_ms = INT64_MIN / 2;
  if (max_rows == 0) max_rows = BF__ROW_SAMPLE_ROWS;
  draw d = {.max_bytes = max_bytes,
            .chosen = {.seed = seed, .k = max_rows > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)max_rows}};
  *out = NULL;
  for (;;) {
    bf_batch batch;
    BF_TRY(bf_dataset_next(dataset, &batch, err));
    if (batch.n_rows == 0) break;
    BF_TRY(check_shape(&d, dataset, &batch, err));
    for (uint32_t i = 0; i < batch.n_rows; i++) BF_TRY(take_row(&d, &batch, i, err));
    d.rows_seen += batch.n_rows;
    BF_TRY(tell(dataset, d.rows_seen, progress, progress_context, &last_ms, err));
  }
  BF_TRY(finish(&d, dataset, out, err));
out:
  for (size_t i = 0; i < d.n_slots; i++) bf__writer_deinit(&d.slots[i].bytes);
  free(d.slots);
  bf__bottom_k_deinit(&d.chosen);
  return status;
}

bf_status bf_sample_load(bf_dataset *dataset, uint64_t max_rows, uint64_t seed, bf_progress_fn progress,
                         void *progress_context, bf_sample **out, bf_error *err) {
  if (out == NULL) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_sample_load: out is NULL");
  *out = NULL;
  if (dataset == NULL) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_sample_load: dataset is NULL");
  return bf__row_sample_load(dataset, max_rows, seed, BF__ROW_SAMPLE_MAX_BYTES, progress, progress_context, out, err);
}
