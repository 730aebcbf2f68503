/* One pass over batches.
 *
 * A batch is walked in slices of at most 16 blocks of 1,024 rows. For each slice
 *   1. words are counted in pieces of rows, and those of texts and pairs become the view (builder_words.c);
 *   2. rows of numbers are taken in parallel: missing cells are counted, cells go into the worker's own buckets, and
 * the view is made (all of which commutes, or stays within a row);
 *   3. means and variances of raw columns: stripes of columns in parallel, each over the rows in order;
 *   4. the sample takes the rows of the view, in order;
 *   5. complete blocks are summarised in parallel and merged in order; the rest waits for the next slice.
 * So nothing depends on threads or on how the reader cuts its batches. The view of tagged sentences has a row a token;
 * else rows of the view are those of the data. */
#include "sketch/sketch_builder.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"
#include "sketch/builder_state.h"
#include "sketch/view.h"

#define CHUNK_CELLS 262144u /* about what one task of step 2 reads */
#define CHUNK_ROWS 256u     /* and its rows at most */
#define STRIPE 256u         /* columns that one task of step 3 takes */
#define MAPPED_CELLS ((size_t)1 << 20)

/* --- life ------------------------------------------------------------------------------------------------------ */

static bf_status allocate_workers(bf__sketch_builder *b, bf_error *err) {
  b->workers = bf__alloc(b->n_threads, sizeof *b->workers);
  if (!b->workers) return bf__error_memory(err, b->n_threads * sizeof *b->workers);
  for (uint32_t i = 0; i < b->n_threads; i++) {
    bf__worker *w = &b->workers[i];
    w->extremes.limit = b->min_count;
    if (b->kind == BF_KIND_PAIR && !(w->pair = bf__pair_view_create(b->kernels))) return bf__error_memory(err, 1024);
    if (b->kind != BF_KIND_TEXT && b->kind != BF_KIND_PAIR) continue;
    w->text = bf__alloc(1, sizeof *w->text);
    if (!w->text) return bf__error_memory(err, sizeof *w->text);
  }
  return BF_OK;
}

static bf_status allocate(bf__sketch_builder *b, bf_error *err) {
  const size_t n = b->n_columns ? b->n_columns : 1;
  const bool made = b->kind != BF_KIND_FEATURES || b->projected; /* the view is not the cells themselves */
  b->open = bf__alloc(BF__BLOCK_ROWS * n, sizeof *b->open);
  if (made) b->view = bf__alloc(BF__SLICE_ROWS * n, sizeof *b->view);
  if (b->kind == BF_KIND_IMAGE) b->signs = bf__alloc(BF__IMAGE_CELLS * BF__PROJECTED_COLUMNS, sizeof *b->signs);
  if (b->kind == BF_KIND_TAGGED) b->tokens = bf__alloc(BF__SLICE_ROWS, sizeof *b->tokens);
  if (!b->open || (made && !b->view) || (b->kind == BF_KIND_IMAGE && !b->signs) ||
      (b->kind == BF_KIND_TAGGED && !b->tokens)) {
    return bf__error_memory(err, BF__SLICE_ROWS * n * sizeof *b->view);
  }
  if (b->signs) bf__image_signs(b->signs);
  bf_status status = allocate_workers(b, err);
  if (status == BF_OK) status = bf__moments_create(b->n_columns, b->min_count, b->kernels, &b->moments, err);
  return status == BF_OK ? bf__sample_create(b->n_columns, b->seed, &b->sample, err) : status;
}

static bf_status allocate_raw(bf__sketch_builder *b, bf_error *err) {
  if (b->kind == BF_KIND_FEATURES && !b->projected) return BF_OK; /* they are the view's */
  if (b->raw_columns == 0 || b->raw_columns > BF__MAX_RAW_COLUMNS) return BF_OK;
  const size_t n = (size_t)b->raw_columns;
  b->raw_count = bf__alloc(3 * n, sizeof *b->raw_count);
  if (!b->raw_count) return bf__error_memory(err, 3 * n * sizeof *b->raw_count);
  b->raw_mean = b->raw_count + n;
  b->raw_m2 = b->raw_mean + n;
  return BF_OK;
}

static bf_status allocate_mapped(bf__sketch_builder *b, bf_error *err) {
  if (!b->map) return BF_OK;
  const size_t n = (size_t)b->raw_columns;
  b->mapped_rows = MAPPED_CELLS / n < BF__SLICE_ROWS ? MAPPED_CELLS / n : BF__SLICE_ROWS;
  if (b->mapped_rows == 0) b->mapped_rows = 1;
  b->mapped = bf__alloc(b->mapped_rows * n, sizeof *b->mapped);
  return b->mapped ? BF_OK : bf__error_memory(err, b->mapped_rows * n * sizeof *b->mapped);
}

bf_status bf__sketch_builder_create(const bf__sketch_source *source, uint64_t seed, uint32_t n_threads,
                                    const bf__kernels *kernels, bf__sketch_builder **out, bf_error *err) {
  *out = NULL;
  if (source->min_count > BF__MAX_MIN_COUNT) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "min_count is %u, at most %u can be", source->min_count,
                     BF__MAX_MIN_COUNT);
  }
  bf_status status = BF_OK;
  bf__sketch_builder *b = bf__alloc(1, sizeof *b);
  if (!b) return bf__error_memory(err, sizeof *b);
  b->kernels = kernels ? kernels : bf__kernels_choose();
  b->n_threads = n_threads ? n_threads : bf__cores();
  if (b->n_threads > BF__MAX_BUILDER_THREADS) b->n_threads = BF__MAX_BUILDER_THREADS;
  b->n_pieces = 4 * b->n_threads;
  b->kind = source->kind;
  b->seed = seed;
  b->min_count = source->min_count ? source->min_count : 1;
  if (b->kind == BF_KIND_IMAGE)
    b->range_max = source->range_max > 0 && source->range_max <= DBL_MAX ? source->range_max : 1.0;
  BF_TRY(bf__builder_take_columns(b, source, err));
  BF_TRY(allocate_raw(b, err));
  BF_TRY(allocate_mapped(b, err));
  BF_TRY(allocate(b, err));
  *out = b;
  b = NULL;
out:
  bf__sketch_builder_free(b);
  return status;
}

void bf__sketch_builder_free(bf__sketch_builder *b) {
  if (!b) return;
  for (uint32_t i = 0; b->workers && i < b->n_threads; i++) {
    free(b->workers[i].text);
    bf__pair_view_free(b->workers[i].pair);
    bf__series_view_free(b->workers[i].series);
    free(b->workers[i].statistics);
  }
  bf__series_plan_free(b->plan);
  bf__word_counter_free(b->words);
  free(b->names);
  free(b->raw_names);
  free(b->map);
  free(b->mapped);
  free(b->raw_count);
  free(b->signs);
  free(b->view);
  free(b->tokens);
  free(b->open);
  bf__moments_free(b->moments);
  bf__sample_free(b->sample);
  free(b->workers);
  free(b->label_counts);
  free(b);
}

/* --- adding ---------------------------------------------------------------------------------------------------- */

bf_status bf__builder_status(const bf__sketch_builder *b, bf_error *err) {
  for (uint32_t i = 0; i < b->n_threads; i++) {
    if (b->workers[i].status == BF_OK) continue;
    if (err) *err = b->workers[i].error;
    return b->workers[i].status;
  }
  return BF_OK;
}

typedef struct slice {
  bf__sketch_builder *b;
  const float *cells; /* features, series: [n_rows][row_cells] */
  const bf_image *images;
  size_t n_rows, row_cells, chunk_rows;
} slice;

static void row_cells(const slice *s, size_t i, const float **cells, size_t *n) {
  if (s->images) {
    const bf_image *image = &s->images[i];
    *cells = image->pixels;
    *n = (size_t)image->height * image->width * image->channels;
  } else {
    *n = s->row_cells;
    *cells = s->row_cells ? s->cells + i * *n : NULL;
  }
}

static void take_cells(bf__sketch_builder *b, bf__worker *w, const float *cells, size_t n, uint64_t row) {
  float min = 0, max = 0;
  size_t missing = b->kernels->range(cells, n, &min, &max);
  bf__bucket_add_range(&w->buckets[bf__bucket_of_row(b->seed, row)], b->kernels, cells, n, n - missing, min, max);
  w->cells += n;
  w->missing += missing;
  if (missing < n && bf__extremes_want(&w->extremes, min, max)) bf__extremes_add(&w->extremes, cells, n, 1);
}

static bf_status view_windows(bf__sketch_builder *b, bf__worker *w, const slice *s, size_t first, size_t n) {
  const size_t width = (size_t)b->channels * BF__SERIES_STATISTICS;
  float *out = b->view + first * b->n_columns;
  if (b->projected) {
    if (w->n_statistics < n * width) {
      float *grown = bf__realloc(w->statistics, n * width, sizeof *grown);
      if (!grown) return bf__error_memory(&w->error, n * width * sizeof *grown);
      w->statistics = grown;
      w->n_statistics = n * width;
    }
    out = w->statistics;
  }
  for (size_t i = 0; i < n; i++) {
    bf__view_series(w->series, s->cells + (first + i) * s->row_cells, b->channels, out + i * width);
  }
  if (!b->projected) return BF_OK;
  return bf__view_features(b->kernels, out, n, width, b->view + first * b->n_columns, &w->error);
}

static void take_rows(void *context, size_t chunk, uint32_t number) {
  slice *s = context;
  bf__sketch_builder *b = s->b;
  bf__worker *w = &b->workers[number];
  bf_status status = BF_OK;
  size_t first = chunk * s->chunk_rows;
  size_t end = s->n_rows - first < s->chunk_rows ? s->n_rows : first + s->chunk_rows;
  for (size_t i = first; i < end; i++) {
    const float *cells;
    size_t n;
    row_cells(s, i, &cells, &n);
    take_cells(b, w, cells, n, b->rows + i);
    if (s->images) bf__view_image(b->kernels, &s->images[i], b->range_max, b->signs, b->view + i * b->n_columns);
  }
  if (b->kind == BF_KIND_SERIES) {
    status = view_windows(b, w, s, first, end - first);
  } else if (b->projected && !s->images) {
    status = bf__view_features(b->kernels, s->cells + first * b->raw_columns, end - first, (size_t)b->raw_columns,
                               b->view + first * b->n_columns, &w->error);
  }
  if (status != BF_OK) w->status = status;
}

static void take_stripe(void *context, size_t stripe, uint32_t number) {
  (void)number;
  slice *s = context;
  bf__sketch_builder *b = s->b;
  size_t first = stripe * STRIPE, n = (size_t)b->raw_columns - first;
  if (n > STRIPE) n = STRIPE;
  for (size_t i = 0; i < s->n_rows; i++) {
    const float *cells;
    size_t n_cells;
    row_cells(s, i, &cells, &n_cells);
    b->kernels->welford(cells + first, n, b->raw_count + first, b->raw_mean + first, b->raw_m2 + first);
  }
}

/* Step 5: hands over complete blocks, keeps the rest. */
static void add_blocks(bf__sketch_builder *b, const float *rows, size_t n_rows) {
  const float *blocks[BF__SLICE_BLOCKS];
  const size_t n = b->n_columns;
  size_t n_blocks = 0, i = 0;
  bool open_full = false;
  if (b->n_open) {
    i = BF__BLOCK_ROWS - b->n_open < n_rows ? BF__BLOCK_ROWS - b->n_open : n_rows;
    memcpy(b->open + b->n_open * n, rows, i * n * sizeof *rows);
    b->n_open += i;
    open_full = b->n_open == BF__BLOCK_ROWS;
    if (open_full) blocks[n_blocks++] = b->open;
  }
  for (; n_rows - i >= BF__BLOCK_ROWS; i += BF__BLOCK_ROWS) blocks[n_blocks++] = rows + i * n;
  bf__moments_add(b->moments, blocks, n_blocks, BF__BLOCK_ROWS, b->n_threads);
  if (open_full) b->n_open = 0;
  if (i < n_rows) {
    memcpy(b->open, rows + i * n, (n_rows - i) * n * sizeof *rows);
    b->n_open = n_rows - i;
  }
}

/* Steps 4 and 5. */
static bf_status add_view(bf__sketch_builder *b, const float *view, size_t n_rows, bf_error *err) {
  bf_status status = bf__sample_add(b->sample, view, n_rows, b->view_rows, err);
  if (status != BF_OK) return status;
  if (b->n_columns) add_blocks(b, view, n_rows);
  b->view_rows += n_rows;
  return BF_OK;
}

/* Steps 2 and 3. */
static bf_status add_cells(bf__sketch_builder *b, slice *s, bf_error *err) {
  size_t cells = s->images ? 1 : s->row_cells;
  for (size_t i = 0; s->images && i < s->n_rows; i++) {
    const float *unused;
    size_t n;
    row_cells(s, i, &unused, &n);
    if (n > cells) cells = n;
  }
  s->chunk_rows = cells ? CHUNK_CELLS / cells : CHUNK_ROWS;
  if (s->chunk_rows > CHUNK_ROWS) s->chunk_rows = CHUNK_ROWS;
  if (s->chunk_rows < 1) s->chunk_rows = 1;
  bf__parallel_for((s->n_rows + s->chunk_rows - 1) / s->chunk_rows, b->n_threads, take_rows, s);
  bf_status status = bf__builder_status(b, err);
  if (status != BF_OK) return status;
  if (b->raw_count) {
    bf__parallel_for(((size_t)b->raw_columns + STRIPE - 1) / STRIPE, b->n_threads, take_stripe, s);
  }
  return add_view(b, b->view ? b->view : s->cells, s->n_rows, err);
}

typedef struct token_job {
  bf__sketch_builder *b;
  size_t n;
} token_job;

static void view_tokens(void *context, size_t chunk, uint32_t number) {
  (void)number;
  const token_job *j = context;
  bf__sketch_builder *b = j->b;
  size_t first = chunk * CHUNK_ROWS, end = j->n - first < CHUNK_ROWS ? j->n : first + CHUNK_ROWS;
  for (size_t i = first; i < end; i++) bf__view_token(b->kernels, b->tokens[i], b->view + i * b->n_columns);
}

/* The view of sentences: their tokens one after the other. */
static bf_status add_tokens(bf__sketch_builder *b, const bf_sentence *sentences, size_t n_sentences, bf_error *err) {
  token_job j = {b, 0};
  for (size_t i = 0; i <= n_sentences; i++) {
    const uint32_t n_tokens = i < n_sentences ? sentences[i].n_tokens : 0;
    for (uint32_t t = 0; t < n_tokens || (i == n_sentences && j.n); t++) {
      if (t < n_tokens) b->tokens[j.n++] = &sentences[i].tokens[t];
      if (j.n < BF__SLICE_ROWS && i < n_sentences) continue;
      bf__parallel_for((j.n + CHUNK_ROWS - 1) / CHUNK_ROWS, b->n_threads, view_tokens, &j);
      bf_status status = add_view(b, b->view, j.n, err);
      if (status != BF_OK) return status;
      j.n = 0;
    }
  }
  return BF_OK;
}

/* --- shapes and labels ----------------------------------------------------------------------------------------- */

/* The raw columns of the first row; where a later one has another shape they end. */
static bf_status follow(bf__sketch_builder *b, uint32_t height, uint32_t width, uint32_t channels, uint32_t steps,
                        bf_error *err) {
  const bool series = b->kind == BF_KIND_SERIES;
  if (b->shape_differs) return BF_OK;
  if (!b->shape_known) {
    b->shape_known = true;
    b->height = height;
    b->width = width;
    b->channels = channels;
    b->steps = steps;
    b->raw_columns = series ? (uint64_t)steps * channels : (uint64_t)height * width * channels;
    if (b->raw_columns == 0 && !series) b->height = b->width = b->channels = 0;
    return allocate_raw(b, err);
  }
  if (height == b->height && width == b->width && channels == b->channels && steps == b->steps) return BF_OK;
  b->shape_differs = true;
  b->height = b->width = b->steps = 0;
  if (!series) b->channels = 0;
  b->raw_columns = 0;
  free(b->raw_count);
  b->raw_count = NULL;
  return BF_OK;
}

static bf_status follow_images(bf__sketch_builder *b, const bf_batch *batch, bf_error *err) {
  bf_status status = BF_OK;
  for (uint32_t i = 0; i < batch->n_rows && status == BF_OK; i++) {
    const bf_image *image = &batch->images[i];
    status = follow(b, image->height, image->width, image->channels, 0, err);
  }
  return status;
}

static bf_status follow_windows(bf__sketch_builder *b, const bf_batch *batch, bf_error *err) {
  if (batch->n_rows == 0) return BF_OK;
  if (batch->n_channels != b->channels || batch->n_steps == 0 || !batch->cells) {
    return bf__error_at(err, BF_ERR_MISMATCH, (int64_t)b->rows,
                        "a window has %u steps of %u channels instead of %u channels", batch->n_steps,
                        batch->n_channels, b->channels);
  }
  bf_status status = follow(b, 0, 0, batch->n_channels, batch->n_steps, err);
  if (status != BF_OK || batch->n_steps == b->plan_steps) return status;
  for (uint32_t i = 0; i < b->n_threads; i++) {
    bf__series_view_free(b->workers[i].series);
    b->workers[i].series = NULL;
  }
  bf__series_plan_free(b->plan);
  b->plan_steps = 0;
  status = bf__series_plan_create(batch->n_steps, &b->plan, err);
  for (uint32_t i = 0; i < b->n_threads && status == BF_OK; i++) {
    status = bf__series_view_create(b->plan, &b->workers[i].series, err);
  }
  if (status == BF_OK) b->plan_steps = batch->n_steps;
  return status;
}

static bf_status count_labels(bf__sketch_builder *b, const int32_t *labels, size_t n, bf_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (labels[i] < 0) continue;
    size_t label = (size_t)labels[i];
    if (label >= b->label_capacity) {
      size_t capacity = b->label_capacity ? b->label_capacity : 64;
      while (capacity <= label) capacity *= 2;
      uint64_t *grown = bf__realloc(b->label_counts, capacity, sizeof *grown);
      if (!grown) return bf__error_memory(err, capacity * sizeof *grown);
      memset(grown + b->label_capacity, 0, (capacity - b->label_capacity) * sizeof *grown);
      b->label_counts = grown;
      b->label_capacity = capacity;
    }
    if (label >= b->n_labels) b->n_labels = label + 1;
    b->label_counts[label]++;
  }
  return BF_OK;
}

static bf_status count_all_labels(bf__sketch_builder *b, const bf_batch *batch, bf_error *err) {
  bf_status status = BF_OK;
  if (b->kind != BF_KIND_TAGGED) return batch->labels ? count_labels(b, batch->labels, batch->n_rows, err) : BF_OK;
  for (uint32_t i = 0; i < batch->n_rows && status == BF_OK; i++) {
    const bf_sentence *s = &batch->sentences[i];
    if (s->tags) status = count_labels(b, s->tags, s->n_tokens, err);
  }
  return status;
}

/* Whether the batch is of the builder's kind. */
static bf_status check_batch(const bf__sketch_builder *b, const bf_batch *batch, bf_error *err) {
  const void *rows = b->kind == BF_KIND_IMAGE    ? (const void *)batch->images
                     : b->kind == BF_KIND_TEXT   ? (const void *)batch->texts
                     : b->kind == BF_KIND_PAIR   ? (const void *)batch->pairs
                     : b->kind == BF_KIND_TAGGED ? (const void *)batch->sentences
                                                 : (const void *)b;
  if (batch->n_rows && !rows)
    return bf__error(err, BF_ERR_MISMATCH, "a batch of kind %s without rows of it", bf_kind_name(b->kind));
  if (b->kind == BF_KIND_FEATURES && batch->n_columns != b->source_columns) {
    return bf__error_at(err, BF_ERR_MISMATCH, (int64_t)b->rows, "a row has %u columns instead of %u", batch->n_columns,
                        b->source_columns);
  }
  return BF_OK;
}

/* Cells of rows [first, first + n) of a batch of features, as the sketch has its columns. */
static const float *cells_of(bf__sketch_builder *b, const bf_batch *batch, size_t first, size_t n) {
  if (!batch->cells || batch->n_columns == 0) return NULL;
  const float *cells = batch->cells + first * batch->n_columns;
  if (!b->map) return cells;
  const size_t width = (size_t)b->raw_columns;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < width; j++) b->mapped[i * width + j] = cells[i * batch->n_columns + b->map[j]];
  }
  return b->mapped;
}

static bf_status add_slice(bf__sketch_builder *b, const bf_batch *batch, size_t first, size_t n, bf_error *err) {
  bf_status status = BF_OK;
  slice s = {.b = b, .n_rows = n};
  if (bf__kind_is_text(b->kind) || (b->kind == BF_KIND_FEATURES && batch->strings)) {
    BF_TRY(bf__builder_take_words(b, batch, first, n, err));
  }
  if (b->kind == BF_KIND_TAGGED) {
    BF_TRY(add_tokens(b, batch->sentences + first, n, err));
  } else if (b->kind == BF_KIND_TEXT || b->kind == BF_KIND_PAIR) {
    BF_TRY(add_view(b, b->view, n, err));
  } else {
    s.row_cells = b->kind == BF_KIND_SERIES ? (size_t)batch->n_steps * batch->n_channels : (size_t)b->raw_columns;
    if (b->kind == BF_KIND_IMAGE) {
      s.images = batch->images + first;
    } else if (b->kind == BF_KIND_SERIES) {
      s.cells = batch->cells + first * s.row_cells;
    } else {
      s.cells = cells_of(b, batch, first, n);
    }
    BF_TRY(add_cells(b, &s, err));
  }
  b->rows += n;
out:
  return status;
}

bf_status bf__sketch_builder_add(bf__sketch_builder *b, const bf_batch *batch, bf_error *err) {
  bf_status status = BF_OK;
  BF_TRY(check_batch(b, batch, err));
  if (b->kind == BF_KIND_IMAGE) BF_TRY(follow_images(b, batch, err));
  if (b->kind == BF_KIND_SERIES) BF_TRY(follow_windows(b, batch, err));
  BF_TRY(count_all_labels(b, batch, err));
  const size_t most = b->map ? b->mapped_rows : BF__SLICE_ROWS;
  for (size_t done = 0, n; done < batch->n_rows; done += n) {
    n = batch->n_rows - done < most ? batch->n_rows - done : most;
    BF_TRY(add_slice(b, batch, done, n, err));
  }
out:
  return status;
}
