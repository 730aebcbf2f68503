/* One pass over batches.
 *
 * A batch is walked in slices that end at multiples of 16 blocks of 1,024 rows. For each slice
 *   1. rows are taken in parallel: missing cells are counted, cells go into the worker's own buckets, and the view is
 * made (all of which commutes, or stays within a row);
 *   2. means and variances of raw columns: stripes of columns in parallel, each over the rows in order;
 *   3. the sample takes its rows, in order;
 *   4. complete blocks are summarised in parallel and merged in order; the rest waits for the next slice.
 * So nothing depends on threads or on how the reader cuts its batches. */
#include "sketch/sketch_builder.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"
#include "sketch/kmeans.h"
#include "sketch/moments.h"
#include "sketch/partition.h"
#include "sketch/sample.h"
#include "sketch/sketch_format.h"
#include "sketch/view.h"

#define SLICE_ROWS (16u * BF__BLOCK_ROWS)
#define CHUNK_CELLS 262144u /* about what one task of step 1 reads */
#define CHUNK_ROWS 256u     /* and its rows at most */
#define STRIPE 256u         /* columns that one task of step 2 takes */

typedef struct worker {
  uint64_t missing, cells;
  bf_status status;
  bf_error error;
  bf__bucket buckets[BF__PARTITIONS];
} worker;

struct bf__sketch_builder {
  const bf__kernels *kernels;
  uint32_t n_threads;
  bf_kind kind;
  uint64_t seed, rows;
  double range_max;
  bool named;
  uint64_t column_list_hash;
  char (*names)[BF__NAME_BYTES + 1]; /* [view columns] where named and not projected */

  uint64_t raw_columns; /* images: of the first; 0 where sizes differ */
  bool shape_known, shape_differs;
  uint32_t height, width, channels;
  double *raw_count, *raw_mean, *raw_m2; /* [raw_columns] where the view is projected and there are at most 4,096 */

  bool projected;
  uint32_t n_columns; /* of the view */
  double *signs;      /* images: projection */
  float *view;        /* [SLICE_ROWS][n_columns] where projected */
  float *open;        /* [BF__BLOCK_ROWS][n_columns]: rows of the incomplete block */
  size_t n_open;
  bf__moments *moments;
  bf__sample *sample;
  worker *workers; /* [n_threads] */

  uint64_t *label_counts;
  size_t n_labels, label_capacity;
};

/* --- names ----------------------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at `s` (n bytes left), 0 where it is none or a control character. */
static size_t character(const uint8_t *s, size_t n) {
  uint32_t c = s[0];
  if (c < 0x80) return c >= 0x20 && c != 0x7f;
  size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
  if (c < 0xc2 || c > 0xf4 || more >= n) return 0;
  c &= 0x3fu >> more;
  for (size_t i = 1; i <= more; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
    c = c << 6 | (s[i] & 0x3f);
  }
  static const uint32_t lowest[] = {0, 0xa0, 0x800, 0x10000}; /* 0x80 .. 0x9f are control characters */
  if (c < lowest[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return 0;
  return more + 1;
}

void bf__sketch_name(const char *name, char out[BF__NAME_BYTES + 1]) {
  const size_t all = strlen(name), tail = 9;
  size_t left = all, used = 0, cut = 0; /* cut: what a name that does not fit keeps */
  const uint8_t *s = (const uint8_t *)name;
  while (left) {
    size_t n = character(s, left), take = n ? n : 1;
    if (used + take > BF__NAME_BYTES) break;
    if (n) {
      memcpy(out + used, s, n);
    } else {
      out[used] = '?';
    }
    used += take;
    s += take;
    left -= take;
    if (used <= BF__NAME_BYTES - tail) cut = used;
  }
  if (left) { /* names that begin alike must stay apart: columns match by name */
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = bf__xxh64(name, all, 0);
    out[cut] = '~';
    for (size_t i = 1; i < tail; i++) out[cut + i] = digits[hash >> (4 * (tail - 1 - i)) & 15];
    used = cut + tail;
  }
  memset(out + used, 0, BF__NAME_BYTES + 1 - used);
}

bool bf__sketch_name_valid(const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n;) {
    size_t step = character(bytes + i, n - i);
    if (!step) return false;
    i += step;
  }
  return true;
}

static bf_status take_names(bf__sketch_builder *b, const bf__sketch_source *source, bf_error *err) {
  const uint32_t n = source->n_columns;
  b->named = source->column_name && n && source->column_name(source->context, 0);
  b->column_list_hash = bf__xxh64("", 0, n);
  if (!b->named) return BF_OK;
  if (!b->projected) {
    b->names = bf__alloc(n, sizeof *b->names);
    if (!b->names) return bf__error_memory(err, n * sizeof *b->names);
  }
  for (uint32_t j = 0; j < n; j++) {
    const char *name = source->column_name(source->context, j);
    if (!name) name = "";
    b->column_list_hash = bf__xxh64(name, strlen(name), b->column_list_hash);
    if (b->names) bf__sketch_name(name, b->names[j]);
  }
  return BF_OK;
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static bf_status allocate(bf__sketch_builder *b, bf_error *err) {
  const size_t n = b->n_columns ? b->n_columns : 1;
  b->open = bf__alloc(BF__BLOCK_ROWS * n, sizeof *b->open);
  if (b->projected) b->view = bf__alloc(SLICE_ROWS * n, sizeof *b->view);
  b->workers = bf__alloc(b->n_threads, sizeof *b->workers);
  if (b->kind == BF_KIND_IMAGE) b->signs = bf__alloc(BF__IMAGE_CELLS * BF__PROJECTED_COLUMNS, sizeof *b->signs);
  if (!b->open || !b->workers || (b->projected && !b->view) || (b->kind == BF_KIND_IMAGE && !b->signs)) {
    return bf__error_memory(err, SLICE_ROWS * n * sizeof *b->view);
  }
  if (b->signs) bf__image_signs(b->signs);
  bf_status status = bf__moments_create(b->n_columns, b->kernels, &b->moments, err);
  return status == BF_OK ? bf__sample_create(b->n_columns, b->seed, &b->sample, err) : status;
}

static bf_status allocate_raw(bf__sketch_builder *b, bf_error *err) {
  if (!b->projected || b->raw_columns == 0 || b->raw_columns > BF__MAX_RAW_COLUMNS) return BF_OK;
  const size_t n = (size_t)b->raw_columns;
  b->raw_count = bf__alloc(3 * n, sizeof *b->raw_count);
  if (!b->raw_count) return bf__error_memory(err, 3 * n * sizeof *b->raw_count);
  b->raw_mean = b->raw_count + n;
  b->raw_m2 = b->raw_mean + n;
  return BF_OK;
}

bf_status bf__sketch_builder_create(const bf__sketch_source *source, uint64_t seed, uint32_t n_threads,
                                    const bf__kernels *kernels, bf__sketch_builder **out, bf_error *err) {
  *out = NULL;
  if (source->kind != BF_KIND_FEATURES && source->kind != BF_KIND_IMAGE) {
    const char *name = bf_kind_name(source->kind);
    return bf__error(err, BF_ERR_UNSUPPORTED, "kind %s cannot be sketched yet: only features and image",
                     name ? name : "?");
  }
  bf_status status = BF_OK;
  bf__sketch_builder *b = bf__alloc(1, sizeof *b);
  if (!b) return bf__error_memory(err, sizeof *b);
  b->kernels = kernels ? kernels : bf__kernels_choose();
  b->n_threads = n_threads ? n_threads : bf__cores();
  if (b->n_threads > 64) b->n_threads = 64; /* each has 130 KB of buckets */
  b->kind = source->kind;
  b->seed = seed;
  if (b->kind == BF_KIND_IMAGE) {
    b->range_max = source->range_max > 0 && source->range_max <= DBL_MAX ? source->range_max : 1.0;
    b->projected = true;
  } else {
    b->raw_columns = source->n_columns;
    b->projected = source->n_columns > BF__MAX_VIEW_COLUMNS;
    BF_TRY(take_names(b, source, err));
    BF_TRY(allocate_raw(b, err));
  }
  b->n_columns = b->projected ? BF__PROJECTED_COLUMNS : source->n_columns;
  BF_TRY(allocate(b, err));
  *out = b;
  b = NULL;
out:
  bf__sketch_builder_free(b);
  return status;
}

void bf__sketch_builder_free(bf__sketch_builder *b) {
  if (!b) return;
  free(b->names);
  free(b->raw_count);
  free(b->signs);
  free(b->view);
  free(b->open);
  bf__moments_free(b->moments);
  bf__sample_free(b->sample);
  free(b->workers);
  free(b->label_counts);
  free(b);
}

/* --- adding ---------------------------------------------------------------------------------------------------- */

typedef struct slice {
  bf__sketch_builder *b;
  const float *cells; /* features: [n_rows][raw_columns] */
  const bf_image *images;
  size_t n_rows, chunk_rows;
} slice;

static void row_cells(const slice *s, size_t i, const float **cells, size_t *n) {
  if (s->images) {
    const bf_image *image = &s->images[i];
    *cells = image->pixels;
    *n = (size_t)image->height * image->width * image->channels;
  } else {
    *n = (size_t)s->b->raw_columns;
    *cells = s->cells + i * *n;
  }
}

static void take_rows(void *context, size_t chunk, uint32_t number) {
  slice *s = context;
  bf__sketch_builder *b = s->b;
  worker *w = &b->workers[number];
  size_t first = chunk * s->chunk_rows;
  size_t end = s->n_rows - first < s->chunk_rows ? s->n_rows : first + s->chunk_rows;
  for (size_t i = first; i < end; i++) {
    const float *cells;
    size_t n;
    row_cells(s, i, &cells, &n);
    bf__bucket *bucket = &w->buckets[bf__bucket_of_row(b->seed, b->rows + i)];
    uint64_t before = bucket->count;
    bf__bucket_add(bucket, b->kernels, cells, n);
    w->cells += n;
    w->missing += n - (bucket->count - before);
    if (s->images) bf__view_image(b->kernels, &s->images[i], b->range_max, b->signs, b->view + i * b->n_columns);
  }
  if (!b->projected || s->images) return;
  bf_status status = bf__view_features(b->kernels, s->cells + first * b->raw_columns, end - first,
                                       (size_t)b->raw_columns, b->view + first * b->n_columns, &w->error);
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

/* Step 4: hands over complete blocks, keeps the rest. */
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

static bf_status add_slice(bf__sketch_builder *b, slice *s, bf_error *err) {
  size_t cells = 1;
  if (!s->images) cells = (size_t)b->raw_columns;
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
  for (uint32_t i = 0; i < b->n_threads; i++) {
    if (b->workers[i].status == BF_OK) continue;
    if (err) *err = b->workers[i].error;
    return b->workers[i].status;
  }
  if (b->raw_count) {
    bf__parallel_for(((size_t)b->raw_columns + STRIPE - 1) / STRIPE, b->n_threads, take_stripe, s);
  }
  const float *view = b->projected ? b->view : s->cells;
  bf_status status = bf__sample_add(b->sample, view, s->n_rows, b->rows, err);
  if (status != BF_OK) return status;
  if (b->n_columns) add_blocks(b, view, s->n_rows);
  b->rows += s->n_rows;
  return BF_OK;
}

/* Follows the shape of the images; where it changes, the raw columns end. */
static bf_status follow_shape(bf__sketch_builder *b, const bf_batch *batch, bf_error *err) {
  for (uint32_t i = 0; i < batch->n_rows && !b->shape_differs; i++) {
    const bf_image *image = &batch->images[i];
    if (!b->shape_known) {
      b->shape_known = true;
      b->height = image->height;
      b->width = image->width;
      b->channels = image->channels;
      b->raw_columns = (uint64_t)image->height * image->width * image->channels;
      if (b->raw_columns == 0) b->height = b->width = b->channels = 0;
      bf_status status = allocate_raw(b, err);
      if (status != BF_OK) return status;
    }
    if (image->height == b->height && image->width == b->width && image->channels == b->channels) continue;
    b->shape_differs = true;
    b->height = b->width = b->channels = 0;
    b->raw_columns = 0;
    free(b->raw_count);
    b->raw_count = NULL;
  }
  return BF_OK;
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

bf_status bf__sketch_builder_add(bf__sketch_builder *b, const bf_batch *batch, bf_error *err) {
  bf_status status = BF_OK;
  if (b->kind == BF_KIND_IMAGE) {
    if (batch->n_rows && !batch->images) return bf__error(err, BF_ERR_MISMATCH, "a batch of images without images");
    BF_TRY(follow_shape(b, batch, err));
  } else if (batch->n_columns != b->raw_columns) {
    return bf__error_at(err, BF_ERR_MISMATCH, (int64_t)b->rows, "a row has %u columns instead of %llu",
                        batch->n_columns, (unsigned long long)b->raw_columns);
  }
  if (batch->labels) BF_TRY(count_labels(b, batch->labels, batch->n_rows, err));
  for (size_t done = 0; done < batch->n_rows;) {
    size_t n = SLICE_ROWS - (size_t)(b->rows % SLICE_ROWS);
    if (n > batch->n_rows - done) n = batch->n_rows - done;
    slice s = {.b = b, .n_rows = n};
    if (b->kind == BF_KIND_IMAGE) {
      s.images = batch->images + done;
    } else {
      s.cells = batch->cells + done * batch->n_columns;
    }
    BF_TRY(add_slice(b, &s, err));
    done += n;
  }
out:
  return status;
}

/* --- finishing ------------------------------------------------------------------------------------------------- */

static bf_status finish_partitions(bf__sketch_builder *b, bf_sketch *s, bf_error *err) {
  if (b->rows == 0) return BF_OK;
  s->partitions = bf__alloc(BF__PARTITIONS, sizeof *s->partitions);
  if (!s->partitions) return bf__error_memory(err, BF__PARTITIONS * sizeof *s->partitions);
  s->n_partitions = BF__PARTITIONS;
  for (size_t i = 0; i < BF__PARTITIONS; i++) {
    bf__bucket *bucket = &b->workers[0].buckets[i];
    for (uint32_t w = 1; w < b->n_threads; w++) bf__bucket_merge(bucket, &b->workers[w].buckets[i]);
    bf__partition *p = &s->partitions[i];
    p->rows = bucket->rows;
    if (bucket->count == 0) continue;
    p->count = bucket->count;
    p->min = (double)bucket->min;
    p->max = (double)bucket->max;
    p->exponent = bucket->exponent;
    p->base = bucket->base;
    p->lattice = bucket->lattice;
    p->n_bins = (uint32_t)bf__grid_bins(p->min, p->max, p->exponent);
    p->counts = bf__alloc(p->n_bins, sizeof *p->counts);
    if (!p->counts) return bf__error_memory(err, p->n_bins * sizeof *p->counts);
    memcpy(p->counts, bucket->counts, p->n_bins * sizeof *p->counts);
    s->raw_min = s->raw_count == 0 || p->min < s->raw_min ? p->min : s->raw_min;
    s->raw_max = s->raw_count == 0 || p->max > s->raw_max ? p->max : s->raw_max;
    s->raw_count += p->count;
  }
  return BF_OK;
}

static bf_status finish_raw(const bf__sketch_builder *b, bf_sketch *s, bf_error *err) {
  if (!b->raw_count) return BF_OK;
  const size_t n = (size_t)b->raw_columns;
  s->raw_means = bf__alloc(n, sizeof *s->raw_means);
  s->raw_variances = bf__alloc(n, sizeof *s->raw_variances);
  if (!s->raw_means || !s->raw_variances) return bf__error_memory(err, n * sizeof *s->raw_means);
  for (size_t j = 0; j < n; j++) {
    s->raw_means[j] = bf__to_float(b->raw_mean[j]);
    s->raw_variances[j] = b->raw_count[j] > 0 ? bf__to_float(b->raw_m2[j] / b->raw_count[j]) : 0.0f;
  }
  return BF_OK;
}

static bf_status finish_view(bf__sketch_builder *b, bf_sketch *s, bf_error *err) {
  const size_t n = b->n_columns;
  s->n_columns = b->n_columns;
  s->columns = bf__alloc(n, sizeof *s->columns);
  s->left_out = bf__alloc(n, sizeof *s->left_out);
  s->means = bf__alloc(n, sizeof *s->means);
  s->covariance = bf__alloc(n * (n + 1) / 2, sizeof *s->covariance);
  if (!s->columns || !s->left_out || !s->means || !s->covariance) {
    return bf__error_memory(err, n * sizeof *s->columns);
  }
  if (b->n_open) {
    const float *last = b->open;
    bf__moments_add(b->moments, &last, 1, b->n_open, b->n_threads);
    b->n_open = 0;
  }
  bf__moments_finish(b->moments, s);
  for (size_t j = 0; j < n; j++) {
    s->means[j] = bf__to_float(s->columns[j].mean);
    if (b->names) memcpy(s->columns[j].name, b->names[j], sizeof s->columns[j].name);
  }
  const float *rows;
  uint32_t n_rows;
  bf_status status = bf__sample_finish(b->sample, &rows, &n_rows, err);
  if (status == BF_OK) status = bf__sample_quantiles(rows, n_rows, s, b->n_threads, err);
  if (status == BF_OK) status = bf__kmeans(b->kernels, rows, n_rows, s, b->n_threads, err);
  return status;
}

typedef struct label_rank {
  uint64_t count;
  char name[BF__NAME_BYTES + 1];
} label_rank;

static int by_count(const void *a, const void *b) {
  const label_rank *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  return strcmp(x->name, y->name);
}

/* The most frequent first, equal counts by name; what exceeds the number or the bytes is counted as "other", last. */
static bf_status finish_labels(const bf__sketch_builder *b, const char *(*label_name)(const void *, uint32_t),
                               const void *context, bf_sketch *s, bf_error *err) {
  if (!label_name || b->n_labels == 0) return BF_OK;
  label_rank *ranks = bf__alloc(b->n_labels, sizeof *ranks);
  if (!ranks) return bf__error_memory(err, b->n_labels * sizeof *ranks);
  size_t n = 0;
  for (size_t i = 0; i < b->n_labels; i++) {
    if (b->label_counts[i] == 0) continue;
    const char *name = label_name(context, (uint32_t)i);
    ranks[n].count = b->label_counts[i];
    bf__sketch_name(name ? name : "", ranks[n++].name);
  }
  qsort(ranks, n, sizeof *ranks, by_count);
  size_t bytes = 4, kept = 0;
  const size_t other_bytes = 1 + 5 + 10;
  for (; kept < n && kept < BF__MAX_LABELS; kept++) {
    size_t more = 1 + strlen(ranks[kept].name) + 10;
    bool last = kept + 1 == n;
    if (!last && kept + 1 == BF__MAX_LABELS) break;
    if (bytes + more + (last ? 0 : other_bytes) > BF__LABEL_BYTES) break;
    bytes += more;
  }
  size_t n_labels = kept + (kept < n);
  s->labels = bf__alloc(n_labels, sizeof *s->labels);
  if (!s->labels) {
    free(ranks);
    return bf__error_memory(err, n_labels * sizeof *s->labels);
  }
  s->n_labels = (uint32_t)n_labels;
  for (size_t i = 0; i < kept; i++) {
    s->labels[i].count = ranks[i].count;
    memcpy(s->labels[i].name, ranks[i].name, sizeof s->labels[i].name);
  }
  if (kept < n) strcpy(s->labels[kept].name, "other");
  for (size_t i = kept; i < n; i++) s->labels[kept].count += ranks[i].count;
  free(ranks);
  return BF_OK;
}

bf_status bf__sketch_builder_finish(bf__sketch_builder *b, const char *(*label_name)(const void *, uint32_t),
                                    const void *context, bf_sketch **out, bf_error *err) {
  *out = NULL;
  bf_status status = BF_OK;
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_sketch *s = bf__sketch_alloc();
  if (!s) return bf__error_memory(err, sizeof *s);
  s->kind = b->kind;
  s->seed = b->seed;
  s->rows = b->rows;
  s->raw_columns = b->raw_columns;
  s->height = b->height;
  s->width = b->width;
  s->channels = b->channels;
  s->range_max = b->range_max;
  s->column_list_hash = b->kind == BF_KIND_IMAGE ? 0 : b->column_list_hash;
  s->named = b->named;
  s->projected = b->projected;
  for (uint32_t i = 0; i < b->n_threads; i++) s->missing += b->workers[i].missing;
  BF_TRY(finish_partitions(b, s, err));
  BF_TRY(finish_raw(b, s, err));
  BF_TRY(finish_view(b, s, err));
  BF_TRY(finish_labels(b, label_name, context, s, err));
  /* Through the bytes and back: a sketch just made and one loaded later are the same numbers. */
  BF_TRY(bf_sketch_encode(s, &bytes, &n_bytes, err));
  BF_TRY(bf_sketch_decode(bytes, n_bytes, out, err));
out:
  free(bytes);
  bf_sketch_free(s);
  return status;
}
