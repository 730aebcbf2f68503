/* bestfit/dataset.h: rows in, batches out.
 *
 * Question it answers: what are the rows of this file or folder, in a form that a sketch can read?
 *
 * Formats: one row each in the table of src/dataset/formats.c, printed by bf_dataset_format_at().
 *   features  csv, tsv, jsonl, parquet (DuckDB); npy and npz of shape (n,) or (n, d)
 *   image     npy and npz of shape (n,H,W) or (n,H,W,C); idx; images (a folder of PNG, JPEG, WebP)
 * `.gz` and `.zst` are read transparently. The format is sniffed from the content, and can be named.
 *
 * Memory: bounded by the batch (at most `batch_bytes`, default 8 MiB, never less than one row) plus the
 * decoder's own buffers; DuckDB is limited to 128 MiB, or for Parquet to twice the largest row group (which may have
 * 1 GiB) plus 64 MiB; tables of more than 512 columns get 80 KiB a column besides. NumPy arrays in Fortran order are
 * held whole: at most 1 GiB, above that BF_ERR_LIMIT.
 * Cells: every number becomes float32; NULL, NaN, infinity and what float32 cannot hold are NaN, a missing cell; true
 * is 1, false 0; dates and timestamps are days since 1970-01-01. Columns of text are left out with a warning.
 * Pixels: grey images keep one channel, others become sRGB of three; 16 bits become 8, alpha is flattened on black,
 * orientation tags are not applied. Hidden files in a folder are passed over; any other that is no image is an error.
 * Determinism: row order is the file's order (images: paths sorted bytewise), whatever the threads.
 * Thread-safety: one dataset, one thread at a time.
 */
#ifndef BESTFIT_DATASET_H
#define BESTFIT_DATASET_H

#include <bestfit/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bf_kind {
  BF_KIND_FEATURES = 0,
  BF_KIND_SERIES = 1,
  BF_KIND_IMAGE = 2,
  BF_KIND_TEXT = 3,
  BF_KIND_PAIR = 4,
  BF_KIND_TAGGED = 5,
} bf_kind;
#define BF_KIND_COUNT 6

/* Stable string of a kind ("features"); NULL for a value outside the enumeration. */
BF_API const char *bf_kind_name(bf_kind kind);
/* The kind of that name; BF_ERR_NOT_FOUND with the known names otherwise. */
BF_API BF_MUST_CHECK bf_status bf_kind_find(const char *name, bf_kind *out, bf_error *err);

typedef struct bf_dataset bf_dataset;

typedef struct bf_dataset_options {
  size_t struct_size;
  const char *format;  /* NULL: sniffed; else a name of the format table */
  const char *kind;    /* NULL: from format and shape; float arrays of 3 and 4 dimensions need it named */
  const char *label;   /* table formats: name of the label column; others: path of a file with one label a row (idx1,
                          npy, or text with one label a line; an empty one is no label), for npz also the name of
                          another member. NULL: none; `images` then takes the first sub-folder's name as label where
                          all files lie in sub-folders */
  const char *columns; /* table formats: comma-separated names to keep, in this order; arrays: 0-based numbers */
  const char *drop;    /* the same, to leave out; not together with columns */
  const char *where;   /* table formats: an SQL condition on the columns; run without file or network access */
  const char *member;  /* npz: name of the array; NULL: the only one, else "X", "x", "data", "arr_0" in this order */
  double range_max; /* images: value of white, 1, 16 or 255 …; 0: guessed from the first batch, doubt is a warning */
  uint32_t n_threads; /* 0: all cores */
  size_t batch_bytes; /* 0: 8 MiB */
} bf_dataset_options;
#define BF_DATASET_OPTIONS_INIT \
  { .struct_size = sizeof(bf_dataset_options) }

/* One image, row-major float32 [height][width][channels], in the file's own units (see range_max). */
typedef struct bf_image {
  uint32_t height, width, channels;
  const float *pixels;
} bf_image;

/* A run of consecutive rows; everything is borrowed until the next call on the dataset. */
typedef struct bf_batch {
  int64_t first_row;      /* number of the first row, from 0 */
  uint32_t n_rows;        /* 0: the end */
  uint32_t n_columns;     /* cells a row: features d, images H*W*C; 0 where images differ in size */
  const float *cells;     /* row-major [n_rows][n_columns]; NaN is a missing cell; NULL where images differ in size */
  const bf_image *images; /* kind image: [n_rows]; else NULL */
  const int32_t *labels;  /* [n_rows] number of the label in bf_dataset_label_name(), -1: none; NULL: no labels */
} bf_batch;

/* Opens a file or folder. BF_ERR_NOT_FOUND: no such path. BF_ERR_FORMAT: not what it claims to be, with the
 * position. BF_ERR_INVALID_ARGUMENT: an option that does not fit, naming it. BF_ERR_UNSUPPORTED: dtype or kind that
 * is not read. BF_ERR_LIMIT: more than 1,000,000 columns, an image above 64 megapixels, or an array in
 * Fortran order above 1 GiB. */
BF_API BF_MUST_CHECK bf_status bf_dataset_open(const char *path, const bf_dataset_options *options, bf_dataset **out,
                                               bf_error *err);
BF_API void bf_dataset_close(bf_dataset *dataset);

/* The next batch; n_rows 0 at the end. BF_ERR_FORMAT: bad input, position is the row (or the byte of the file where
 * compressed data are damaged or cut, which may be noticed only at the end); the rows before it were valid.
 * BF_ERR_MISMATCH: the label file has another number of rows. After an error the dataset can only be closed. */
BF_API BF_MUST_CHECK bf_status bf_dataset_next(bf_dataset *dataset, bf_batch *out, bf_error *err);

BF_API bf_kind bf_dataset_kind(const bf_dataset *dataset);
BF_API const char *bf_dataset_format(const bf_dataset *dataset);
/* Columns of a row (features) or H*W*C where all images have one size; 0: they differ, or not known before reading. */
BF_API uint32_t bf_dataset_column_count(const bf_dataset *dataset);
/* Name of a column; NULL: the columns are only numbered. */
BF_API const char *bf_dataset_column_name(const bf_dataset *dataset, uint32_t column);
/* Image height, width, channels where all images have one size and it is known; false otherwise. For a folder: of the
 * images read so far, so that it is known after the first batch and final after the last. */
BF_API bool bf_dataset_image_shape(const bf_dataset *dataset, uint32_t *height, uint32_t *width, uint32_t *channels);
/* Value of white; 0 for other kinds. Valid after the first batch. A pixel below 0 or above it is BF_ERR_FORMAT. */
BF_API double bf_dataset_range_max(const bf_dataset *dataset);
/* Labels seen so far, in order of first appearance. */
BF_API uint32_t bf_dataset_label_count(const bf_dataset *dataset);
BF_API const char *bf_dataset_label_name(const bf_dataset *dataset, uint32_t label);
/* Rows if the header tells, else 0. */
BF_API uint64_t bf_dataset_row_hint(const bf_dataset *dataset);
/* Bytes read and bytes in all of the input; total 0: unknown. Folders of images count files instead of bytes. */
BF_API void bf_dataset_progress(const bf_dataset *dataset, uint64_t *done_bytes, uint64_t *total_bytes);
/* Warnings so far: guessed range, constant column, column that looks like an identifier, ignored text column … */
BF_API uint32_t bf_dataset_warning_count(const bf_dataset *dataset);
BF_API const char *bf_dataset_warning(const bf_dataset *dataset, uint32_t i);

typedef struct bf_dataset_format_info {
  const char *name, *kinds, *extensions, *summary;
} bf_dataset_format_info;
/* Row i of the format table; NULL past the end. */
BF_API const bf_dataset_format_info *bf_dataset_format_at(size_t i);

/* All rows in memory, as the paper's measures on raw rows need them. A plain little-endian C-order float32 .npy is
 * mapped, not copied. */
typedef struct bf_rows bf_rows;
/* As bf_dataset_open, and BF_ERR_MISMATCH where images differ in size. */
BF_API BF_MUST_CHECK bf_status bf_rows_load(const char *path, const bf_dataset_options *options, bf_rows **out,
                                            bf_error *err);
BF_API void bf_rows_free(bf_rows *rows);
BF_API uint64_t bf_rows_count(const bf_rows *rows);
BF_API uint32_t bf_rows_column_count(const bf_rows *rows);
BF_API const char *bf_rows_column_name(const bf_rows *rows, uint32_t column);
/* Row-major [count][column_count]; a cell that is not finite is missing (infinities stay in mapped files, and are NaN
 * elsewhere). NULL where count is 0. Borrowed; a mapped file must not be shortened by others while it is in use. */
BF_API const float *bf_rows_cells(const bf_rows *rows);

/* Pixels (uint8, row-major [height][width][channels], channels 1 or 3) as PNG bytes, for reports. You own *out; free()
 * it. BF_ERR_INVALID_ARGUMENT: no pixels, or another number of channels. */
BF_API BF_MUST_CHECK bf_status bf_image_encode_png(const uint8_t *pixels, uint32_t height, uint32_t width,
                                                   uint32_t channels, uint8_t **out, size_t *out_bytes, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
