/* Rows from an array: .npy, .npz members and IDX after their headers are read.
 *
 * One pass over a byte stream: pieces of 256 KiB are read, converted to float32 while they are in the cache, and put
 * into the batch. Little-endian float32 without a selection of columns, the most common case, is read straight into the
 * batch, and then only looked through for infinities, which become NaN (a missing cell).
 *
 * A header can claim any shape. Where the length of the data is known the claim is checked before anything is
 * allocated; where it is not (compressed data), the batch grows by doubling as data really arrive, so that a lie costs
 * at most twice what was sent. 64-bit integers pass through double, as in the tables, so that equal cells are equal
 * bits whatever the format.
 *
 * Fortran order stores column by column, so that the first row is whole only when all data are there: such an array is
 * held in memory as it is stored, at most 1 GiB of it, and batches are gathered from there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/dataset_internal.h"

#define PIECE_BYTES ((size_t)256 << 10)
#define FIRST_CELLS ((size_t)2 << 20)
#define MAX_FORTRAN_BYTES ((size_t)1 << 30)
#define GATHER_ROWS 64u

typedef struct array_reader {
  bf__array_info info;
  bf__stream *stream;
  uint64_t n_rows, row_cells; /* of the file */
  uint32_t *selected;         /* columns kept; NULL: all */
  uint32_t n_selected;
  float *cells;
  size_t capacity; /* cells */
  float *scratch;  /* rows before the selection */
  uint8_t *raw;
  bool by_column;   /* Fortran order of more than one dimension */
  uint8_t *columns; /* then all data, as stored */
  bf_image *images;
  size_t rows_per_batch;
  uint32_t n_steps, n_channels; /* series */
} array_reader;

bool bf__array_cells(const bf__array_info *info, uint32_t from, uint64_t *out) {
  uint64_t product = 1;
  for (uint32_t i = from; i < info->n_dims; i++)
    if (__builtin_mul_overflow(product, info->shape[i], &product)) return false;
  *out = product;
  return true;
}

static void shape_text(const bf__array_info *info, char *out, size_t size) {
  size_t n = 0;
  out[0] = 0;
  for (uint32_t i = 0; i < info->n_dims && n + 1 < size; i++) {
    int k = snprintf(out + n, size - n, "%s%llu", i ? "," : "", (unsigned long long)info->shape[i]);
    n += k > 0 ? (size_t)k : 0;
  }
}

bf_status bf__array_check_length(const bf__array_info *info, const bf__stream *stream, const char *shown,
                                 bf_error *err) {
  char shape[100];
  shape_text(info, shape, sizeof shape);
  uint64_t n = 0, need = 0, have = 0;
  if (!bf__array_cells(info, 0, &n) || __builtin_mul_overflow(n, info->item_bytes, &need) || need > INT64_MAX / 2)
    return bf__error_at(err, BF_ERR_FORMAT, 0, "%.60s: the header claims the shape (%s), more bytes than can exist",
                        shown, shape);
  if (!bf__stream_length(stream, &have)) return BF_OK;
  have = have > info->data_offset ? have - info->data_offset : 0;
  if (have >= need) return BF_OK;
  return bf__error_at(
      err, BF_ERR_FORMAT, (int64_t)(info->data_offset + have),
      "%.60s: the header claims the shape (%s), which needs %llu bytes of data, but the file has %llu: it "
      "was cut, fetch it again",
      shown, shape, (unsigned long long)need, (unsigned long long)have);
}

/* Conversion */

static float half_to_float(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, fraction = h & 1023u, bits;
  if (exponent == 31) return NAN; /* infinities too */
  if (exponent == 0) {
    float v = (float)fraction * 0x1p-24f;
    return sign ? -v : v;
  }
  bits = sign | (exponent + 112u) << 23 | fraction << 13;
  float v;
  memcpy(&v, &bits, 4);
  return v;
}

static void infinities_to_nan(float *v, size_t n) {
  for (size_t i = 0; i < n; i++) v[i] = fabsf(v[i]) <= 3.402823466e38f ? v[i] : NAN;
}

static void swap_items(const uint8_t *raw, uint8_t *out, size_t n, size_t item) {
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < item; k++) out[i * item + k] = raw[i * item + item - 1 - k];
}

#define CONVERT(type, expression)             \
  for (size_t i = 0; i < n; i++) {            \
    type v;                                   \
    memcpy(&v, raw + i * sizeof v, sizeof v); \
    out[i] = (expression);                    \
  }                                           \
  break

static void convert_native(char type, uint32_t item, const uint8_t *raw, float *out, size_t n) {
  switch (type << 4 | (int)item) {
    case 'b' << 4 | 1:
      CONVERT(uint8_t, v ? 1.0f : 0.0f);
    case 'u' << 4 | 1:
      CONVERT(uint8_t, (float)v);
    case 'i' << 4 | 1:
      CONVERT(int8_t, (float)v);
    case 'u' << 4 | 2:
      CONVERT(uint16_t, (float)v);
    case 'i' << 4 | 2:
      CONVERT(int16_t, (float)v);
    case 'u' << 4 | 4:
      CONVERT(uint32_t, (float)v);
    case 'i' << 4 | 4:
      CONVERT(int32_t, (float)v);
    case 'u' << 4 | 8:
      CONVERT(uint64_t, (float)(double)v);
    case 'i' << 4 | 8:
      CONVERT(int64_t, (float)(double)v);
    case 'f' << 4 | 2:
      CONVERT(uint16_t, half_to_float(v));
    case 'f' << 4 | 8:
      CONVERT(double, fabs(v) < 0x1.ffffffp127 ? (float)v : NAN);
    default:
      memcpy(out, raw, n * sizeof *out);
      infinities_to_nan(out, n);
  }
}

void bf__array_to_floats(const bf__array_info *info, const uint8_t *raw, float *out, size_t n) {
  if (!info->big_endian || info->item_bytes == 1) {
    convert_native(info->type, info->item_bytes, raw, out, n);
    return;
  }
  uint8_t turned[2048];
  size_t step = sizeof turned / info->item_bytes;
  for (size_t i = 0; i < n; i += step) {
    size_t k = n - i < step ? n - i : step;
    swap_items(raw + i * info->item_bytes, turned, k, info->item_bytes);
    convert_native(info->type, info->item_bytes, turned, out + i, k);
  }
}

/* Reading */

static bool is_plain_float(const bf__array_info *info) {
  return info->type == 'f' && info->item_bytes == 4 && !info->big_endian;
}

/* Cells from the stream into out; *got fewer only where the data end. */
static bf_status read_cells(array_reader *r, float *out, size_t n, size_t *got, bf_error *err) {
  size_t item = r->info.item_bytes, piece = PIECE_BYTES / item;
  *got = 0;
  while (*got < n) {
    size_t k = n - *got < piece ? n - *got : piece, bytes = 0;
    bool direct = is_plain_float(&r->info);
    void *to = direct ? (void *)(out + *got) : r->raw;
    bf_status status = bf__stream_read(r->stream, to, k * item, &bytes, err);
    if (status != BF_OK) return status;
    size_t whole = bytes / item;
    if (direct)
      infinities_to_nan(out + *got, whole);
    else
      bf__array_to_floats(&r->info, r->raw, out + *got, whole);
    *got += whole;
    if (whole < k) break;
  }
  return BF_OK;
}

static bf_status data_end(const bf_dataset *dataset, const array_reader *r, uint64_t row, bf_error *err) {
  return bf__error_at(
      err, BF_ERR_FORMAT, (int64_t)row,
      "%.80s: the data end within row %llu, but the header claims %llu rows: it was cut, fetch it again",
      dataset->shown, (unsigned long long)row, (unsigned long long)r->n_rows);
}

static bf_status reserve(array_reader *r, size_t cells, size_t limit, bf_error *err) {
  if (cells <= r->capacity) return BF_OK;
  size_t n = r->capacity ? r->capacity * 2 : FIRST_CELLS;
  if (n > limit) n = limit;
  if (n < cells) n = cells;
  float *grown = bf__realloc(r->cells, n, sizeof *grown);
  if (!grown) return bf__error_memory(err, n * sizeof *grown);
  r->cells = grown;
  r->capacity = n;
  return BF_OK;
}

static bf_status read_all_columns(bf_dataset *dataset, array_reader *r, uint64_t first, size_t rows, bf_error *err) {
  size_t total = rows * (size_t)r->row_cells;
  for (size_t done = 0; done < total;) {
    size_t k = total - done < FIRST_CELLS ? total - done : FIRST_CELLS, got = 0;
    bf_status status = reserve(r, done + k, total, err);
    if (status == BF_OK) status = read_cells(r, r->cells + done, k, &got, err);
    if (status != BF_OK) return status;
    if (got < k) return data_end(dataset, r, first + (done + got) / (size_t)r->row_cells, err);
    done += k;
  }
  return BF_OK;
}

static bf_status read_selected(bf_dataset *dataset, array_reader *r, uint64_t first, size_t rows, bf_error *err) {
  bf_status status = reserve(r, rows * r->n_selected, rows * r->n_selected, err);
  if (status != BF_OK) return status;
  size_t width = (size_t)r->row_cells, block = PIECE_BYTES / sizeof(float) / width;
  if (block == 0) block = 1;
  if (!r->scratch && !(r->scratch = bf__alloc(block * width, sizeof *r->scratch)))
    return bf__error_memory(err, block * width * sizeof *r->scratch);
  float *out = r->cells;
  for (size_t row = 0; row < rows; row += block) {
    size_t k = rows - row < block ? rows - row : block, got = 0;
    status = read_cells(r, r->scratch, k * width, &got, err);
    if (status != BF_OK) return status;
    if (got < k * width) return data_end(dataset, r, first + row + got / width, err);
    for (size_t i = 0; i < k; i++)
      for (uint32_t c = 0; c < r->n_selected; c++) *out++ = r->scratch[i * width + r->selected[c]];
  }
  return BF_OK;
}

/* Fortran order */

/* All data; memory grows as they arrive, so that a header that lies costs at most twice what was sent. */
static bf_status collect_columns(const bf_dataset *dataset, array_reader *r, bf_error *err) {
  size_t need = (size_t)(r->n_rows * r->row_cells) * r->info.item_bytes, used = 0, capacity = 0;
  while (used < need) {
    size_t got = 0;
    if (used == capacity) {
      capacity = capacity ? capacity * 2 : FIRST_CELLS;
      if (capacity > need) capacity = need;
      uint8_t *grown = bf__realloc(r->columns, capacity, 1);
      if (!grown) return bf__error_memory(err, capacity);
      r->columns = grown;
    }
    size_t wanted = capacity - used;
    bf_status status = bf__stream_read(r->stream, r->columns + used, wanted, &got, err);
    if (status != BF_OK) return status;
    used += got;
    if (got < wanted)
      return bf__error_at(err, BF_ERR_FORMAT, 0,
                          "%.80s: the data end after %zu of the %zu bytes that the header claims: it was cut, fetch "
                          "it again",
                          dataset->shown, used, need);
  }
  return BF_OK;
}

/* Where cell `cell` of a row (in C order) stands among the file's columns, whose first dimension moves fastest. */
static size_t stored_column(const bf__array_info *info, size_t cell) {
  size_t column = 0, n = 1, step[BF__ARRAY_MAX_DIMS] = {0};
  for (uint32_t i = 1; i < info->n_dims; i++) {
    step[i] = n;
    n *= (size_t)info->shape[i];
  }
  for (uint32_t i = info->n_dims; i-- > 1;) {
    column += cell % (size_t)info->shape[i] * step[i];
    cell /= (size_t)info->shape[i];
  }
  return column;
}

static bf_status gather_rows(bf_dataset *dataset, array_reader *r, uint64_t first, size_t rows, bf_error *err) {
  size_t width = r->selected ? r->n_selected : (size_t)r->row_cells, item = r->info.item_bytes;
  bf_status status = r->columns ? BF_OK : collect_columns(dataset, r, err);
  if (status == BF_OK) status = reserve(r, rows * width, rows * width, err);
  if (status != BF_OK) return status;
  float run[GATHER_ROWS];
  for (size_t block = 0; block < rows; block += GATHER_ROWS) {
    size_t k = rows - block < GATHER_ROWS ? rows - block : GATHER_ROWS;
    for (size_t c = 0; c < width; c++) {
      size_t column = stored_column(&r->info, r->selected ? r->selected[c] : c);
      bf__array_to_floats(&r->info, r->columns + (column * (size_t)r->n_rows + (size_t)first + block) * item, run, k);
      for (size_t i = 0; i < k; i++) r->cells[(block + i) * width + c] = run[i];
    }
  }
  return BF_OK;
}

/* Range of pixels */

static bf_status pixel_outside(const bf_dataset *dataset, const float *cells, uint64_t first, size_t rows, size_t width,
                               bf_error *err) {
  for (size_t i = 0; i < rows * width; i++) {
    if (!(cells[i] < 0.0f || (double)cells[i] > dataset->range_max)) continue;
    uint64_t row = first + i / width;
    return bf__error_at(
        err, BF_ERR_FORMAT, (int64_t)row,
        "%.60s: row %llu has the value %g, but pixels are taken to lie in 0..%g: give the value of white with "
        "the option --range (range_max), or scale the pixels to 0..255",
        dataset->shown, (unsigned long long)row, (double)cells[i], dataset->range_max);
  }
  return BF_OK;
}

/* Value of white from the largest value of the first batch and the type; doubt is a warning. */
static double guess_range(bf_dataset *dataset, const bf__array_info *info, double max) {
  bool is_float = info->type == 'f', sure = false;
  double range = 255;
  if (max <= 1 && (is_float || max > 0)) {
    range = 1;
    sure = is_float;
  } else if (max <= 16 && max > 0) {
    range = 16;
  } else if (max <= 255) {
    sure = info->item_bytes == 1 && info->type == 'u' && max > 16;
  } else {
    range = 65535;
    sure = info->item_bytes == 2 && info->type == 'u';
  }
  if (!sure)
    bf__dataset_warn(
        dataset,
        "the value of white was guessed as %g, because the largest pixel of the first rows is %g; give it with "
        "the option --range (range_max) if that is wrong",
        range, max);
  return range;
}

static bf_status check_range(bf_dataset *dataset, const array_reader *r, uint64_t first, size_t rows, bf_error *err) {
  size_t width = (size_t)r->row_cells;
  float max = 0, min = 0;
  for (size_t i = 0; i < rows * width; i++) { /* NaN fails both comparisons */
    max = r->cells[i] > max ? r->cells[i] : max;
    min = r->cells[i] < min ? r->cells[i] : min;
  }
  if (!dataset->range_known) {
    dataset->range_max = guess_range(dataset, &r->info, (double)max);
    dataset->range_known = true;
  }
  if (min >= 0 && (double)max <= dataset->range_max) return BF_OK;
  return pixel_outside(dataset, r->cells, first, rows, width, err);
}

static bf_status array_next(bf_dataset *dataset, bf_batch *out, bf_error *err) {
  array_reader *r = dataset->state;
  uint64_t first = (uint64_t)dataset->next_row, left = r->n_rows - first;
  size_t rows = left < r->rows_per_batch ? (size_t)left : r->rows_per_batch;
  if (rows == 0) return BF_OK;
  bf_status status = r->by_column  ? gather_rows(dataset, r, first, rows, err)
                     : r->selected ? read_selected(dataset, r, first, rows, err)
                                   : read_all_columns(dataset, r, first, rows, err);
  if (status != BF_OK) return status;
  out->n_rows = (uint32_t)rows;
  out->n_columns = dataset->n_columns;
  out->cells = r->cells;
  out->n_steps = r->n_steps;
  out->n_channels = r->n_channels;
  if (dataset->kind != BF_KIND_IMAGE) return BF_OK;
  status = check_range(dataset, r, first, rows, err);
  if (status != BF_OK) return status;
  if (!r->images && !(r->images = bf__alloc(r->rows_per_batch, sizeof *r->images)))
    return bf__error_memory(err, r->rows_per_batch * sizeof *r->images);
  for (size_t i = 0; i < rows; i++)
    r->images[i] = (bf_image){dataset->height, dataset->width, dataset->channels, r->cells + i * (size_t)r->row_cells};
  out->images = r->images;
  return BF_OK;
}

static void array_progress(const bf_dataset *dataset, uint64_t *done_bytes, uint64_t *total_bytes) {
  const array_reader *r = dataset->state;
  bf__stream_progress(r->stream, done_bytes, total_bytes);
}

static void array_close(void *state) {
  array_reader *r = state;
  if (!r) return;
  bf__stream_close(r->stream);
  free(r->selected);
  free(r->cells);
  free(r->scratch);
  free(r->raw);
  free(r->columns);
  free(r->images);
  free(r);
}

static const bf__reader_ops ARRAY_OPS = {array_next, array_progress, array_close};

/* Opening */

static bf_status choose_kind(bf_dataset *dataset, const bf__array_info *info, bf_error *err) {
  char shape[100];
  shape_text(info, shape, sizeof shape);
  bool can_be_image = info->n_dims == 3 || info->n_dims == 4;
  if (dataset->kind_named) {
    if (dataset->kind == BF_KIND_IMAGE && !can_be_image)
      return bf__error(
          err, BF_ERR_INVALID_ARGUMENT,
          "%.60s has the shape (%s), but images need (n,H,W) or (n,H,W,C): reshape it, or read it as features",
          dataset->shown, shape);
    if (dataset->kind == BF_KIND_SERIES && info->n_dims != 2 && info->n_dims != 3)
      return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                       "%.60s has the shape (%s), but series need (n,T,c), or (n,T) for one channel: reshape it",
                       dataset->shown, shape);
    return BF_OK;
  }
  dataset->kind = BF_KIND_FEATURES;
  if (info->n_dims <= 2) return BF_OK;
  bool is_idx = strcmp(dataset->format->info.name, "idx") == 0;
  if (can_be_image && (is_idx || (info->type == 'u' && info->item_bytes == 1))) {
    dataset->kind = BF_KIND_IMAGE;
    return BF_OK;
  }
  if (info->n_dims == 3 && info->type == 'f') {
    dataset->kind = BF_KIND_SERIES;
    return BF_OK;
  }
  return bf__error(
      err, BF_ERR_UNSUPPORTED,
      "%.60s has the shape (%s) and is neither uint8 nor float (n,T,c), so it may hold images or series: give "
      "--kind image or --kind series, or --kind features to read each row as one flat vector",
      dataset->shown, shape);
}

static bf_status image_shape(bf_dataset *dataset, const bf__array_info *info, bf_error *err) {
  uint64_t height = info->shape[1], width = info->shape[2], channels = info->n_dims == 4 ? info->shape[3] : 1, pixels;
  if (__builtin_mul_overflow(height, width, &pixels) || pixels > BF__MAX_PIXELS)
    return bf__error(err, BF_ERR_LIMIT,
                     "%.60s: images of %llu x %llu pixels; at most 64 megapixels are read: scale them down",
                     dataset->shown, (unsigned long long)width, (unsigned long long)height);
  if (channels != 1 && channels != 3) {
    bool first = info->n_dims == 4 && (height == 1 || height == 3);
    return bf__error(err, BF_ERR_UNSUPPORTED, "%.60s: images of %llu channels in (n,H,W,C); 1 or 3 are read%s",
                     dataset->shown, (unsigned long long)channels,
                     first ? ": this looks like (n,C,H,W), convert it with x.transpose(0, 2, 3, 1)"
                           : ": keep the grey or the red, green and blue channels");
  }
  if (pixels == 0) return bf__error(err, BF_ERR_FORMAT, "%.60s: images without pixels", dataset->shown);
  dataset->height = (uint32_t)height;
  dataset->width = (uint32_t)width;
  dataset->channels = (uint32_t)channels;
  return BF_OK;
}

static bf_status features_shape(bf_dataset *dataset, array_reader *r, bf_error *err) {
  const bf__array_info *info = &r->info;
  if (r->row_cells == 0) return bf__error(err, BF_ERR_FORMAT, "%.80s: rows without columns", dataset->shown);
  if (r->row_cells > BF__MAX_COLUMNS)
    return bf__error(err, BF_ERR_LIMIT, "%.80s: %llu columns; at most 1,000,000 are read", dataset->shown,
                     (unsigned long long)r->row_cells);
  if (dataset->kind == BF_KIND_SERIES) {
    r->n_steps = (uint32_t)info->shape[1];
    r->n_channels = info->n_dims == 3 ? (uint32_t)info->shape[2] : 1;
    if (!dataset->columns && !dataset->drop) return BF_OK;
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the options columns and drop do not fit series");
  }
  if (!dataset->columns && !dataset->drop) return BF_OK;
  return bf__select_columns(dataset, NULL, (uint32_t)r->row_cells, NULL, &r->selected, &r->n_selected, err);
}

static bf_status check_type(const bf_dataset *dataset, const bf__array_info *info, bf_error *err) {
  if (info->type == 'U' || info->type == 'S')
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "%.80s holds strings; rows must be numbers (strings are read as labels only)", dataset->shown);
  if (info->n_dims == 0)
    return bf__error(err, BF_ERR_FORMAT, "%.80s holds a single number; an array of rows is needed", dataset->shown);
  return BF_OK;
}

/* After the length was checked: the product cannot overflow. */
static bf_status check_order(const bf_dataset *dataset, array_reader *r, bf_error *err) {
  uint64_t n = 0;
  r->by_column = r->info.fortran && r->info.n_dims > 1;
  if (!r->by_column || (bf__array_cells(&r->info, 0, &n) && n <= MAX_FORTRAN_BYTES / r->info.item_bytes)) return BF_OK;
  return bf__error(err, BF_ERR_LIMIT,
                   "%.80s is stored column by column (Fortran order), which is read up to 1 GiB; convert it with "
                   "np.save(path, np.ascontiguousarray(np.load(path)))",
                   dataset->shown);
}

static bf_status array_setup(bf_dataset *dataset, array_reader *r, bf_error *err) {
  const bf__array_info *info = &r->info;
  bf_status status = BF_OK;
  BF_TRY(check_type(dataset, info, err));
  BF_TRY(bf__array_check_length(info, r->stream, dataset->shown, err));
  BF_TRY(check_order(dataset, r, err));
  BF_TRY(choose_kind(dataset, info, err));
  r->n_rows = info->shape[0];
  if (!bf__array_cells(info, 1, &r->row_cells)) r->row_cells = UINT64_MAX; /* n is 0: refused just below */
  if (dataset->kind == BF_KIND_IMAGE) {
    if (dataset->columns || dataset->drop)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "the options --columns and --drop do not fit images"));
    BF_TRY(image_shape(dataset, info, err));
  } else {
    BF_TRY(features_shape(dataset, r, err));
  }
  dataset->n_columns = r->selected ? r->n_selected : (uint32_t)r->row_cells;
  dataset->rows_known = true;
  dataset->row_hint = r->n_rows;
  r->rows_per_batch = dataset->batch_bytes / (dataset->n_columns * sizeof(float));
  if (r->rows_per_batch == 0) r->rows_per_batch = 1;
  if (r->rows_per_batch > UINT32_MAX) r->rows_per_batch = UINT32_MAX;
  if (r->rows_per_batch > r->n_rows) r->rows_per_batch = r->n_rows ? (size_t)r->n_rows : 1;
  r->raw = bf__alloc(PIECE_BYTES, 1);
  if (!r->raw) BF_TRY(bf__error_memory(err, PIECE_BYTES));
out:
  return status;
}

bf_status bf__array_open(bf_dataset *dataset, const bf__array_info *info, bf__stream *stream, bf_error *err) {
  array_reader *r = bf__alloc(1, sizeof *r);
  if (!r) {
    bf__stream_close(stream);
    return bf__error_memory(err, sizeof *r);
  }
  r->info = *info;
  r->stream = stream;
  bf_status status = array_setup(dataset, r, err);
  if (status != BF_OK) {
    array_close(r);
    return status;
  }
  dataset->state = r;
  dataset->ops = &ARRAY_OPS;
  return BF_OK;
}

bool bf__array_is_mappable(const bf_dataset *dataset, uint64_t *offset, uint64_t *n_rows, uint32_t *n_columns) {
  if (strcmp(dataset->format->info.name, "npy") != 0 || dataset->kind == BF_KIND_IMAGE) return false;
  const array_reader *r = dataset->state;
  if (r->selected || r->by_column || !is_plain_float(&r->info)) return false;
  if (bf__stream_compression(r->stream) != BF__COMPRESSION_NONE) return false;
  if (r->info.data_offset % sizeof(float) != 0) return false;
  *offset = r->info.data_offset;
  *n_rows = r->n_rows;
  *n_columns = dataset->n_columns;
  return true;
}
