/* bestfit/dataset.h: rows in, batches out.
 *
 * Question it answers: what are the rows of this file or folder, in a form that a sketch can read?
 *
 * Formats: one row each in the table of src/dataset/formats.c, printed by bf_dataset_format_at().
 *   features  csv, tsv, jsonl, parquet (DuckDB); npy and npz of shape (n,) or (n, d)
 *   series    npy and npz of shape (n,T,c); jsonl and parquet: columns of equally long lists of numbers, each a
 * channel, or one column of lists of lists ([T][c]) image     npy and npz of shape (n,H,W) or (n,H,W,C); idx; images (a
 * folder of PNG, JPEG, WebP) text      lines, label-text (label<TAB>text), text-label (text<TAB>label); a column of
 * csv, tsv, jsonl, parquet pair      col-val (`COL name VAL value …<TAB>COL …<TAB>label`, label optional); csv, tsv,
 * jsonl, parquet with columns left_* and right_* (or ltable_*, rtable_*), or with one column `left [SEP] right` (named
 * pairs, or by the option text) whose records are one unnamed attribute each tagged    conllu, token-tag
 * (token<TAB>tag; an empty line ends a sentence)
 * `.gz` and `.zst` are read transparently. The format is sniffed from the content, and can be named; which of
 * label-text and text-label was guessed is a warning, and where it is not clear an error that names both.
 *
 * Memory: bounded by the batch (at most `batch_bytes`, default 8 MiB, never less than one row) plus the
 * decoder's own buffers; DuckDB is limited to 128 MiB, or for Parquet to twice the largest row group (which may have
 * 1 GiB) plus 64 MiB; tables of more than 512 columns get 80 KiB a column besides. NumPy arrays in Fortran order are
 * held whole: at most 1 GiB, above that BF_ERR_LIMIT. A line of text, or a sentence, may
 * have 64 MiB (a sentence 1,000,000 tokens, a record 10,000 attributes), a line of csv and tsv 2,000,000 bytes, of
 * jsonl 4 MiB: more is BF_ERR_LIMIT. Cells: every number becomes float32; NULL, NaN, infinity and what float32 cannot
 * hold are NaN, a missing cell; true is 1, false 0; dates and timestamps are days since 1970-01-01. Columns of text
 * become strings beside the cells; nested values are left out with a warning. Text: every line is a row; a line may end
 * in CRLF; an empty line is an empty text, and without a label. In lines what is not UTF-8 becomes U+FFFD, counted in a
 * warning; in tables it is BF_ERR_FORMAT. A zero byte is a character. A missing text of a table is an empty one; an
 * empty value of a record is a missing one, and blanks around a value of col-val are no part of it. A column named as
 * label is never data, and no other is taken for one. Tags: `_` (conllu) and none (token-tag) are no tag, -1; conllu's
 * comments, ranges (1-2), empty nodes (1.1) and sentences without words are passed over. Pixels: grey images keep one
 * channel, others become sRGB of three; 16 bits become 8, alpha is flattened on black, orientation tags are not
 * applied. Hidden files in a folder are passed over; any other that is no image is an error. Determinism: row order is
 * the file's order (images: paths sorted bytewise), whatever the threads. Thread-safety: one dataset, one thread at a
 * time.
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
  const char *kind;    /* NULL: from format and shape. uint8 arrays of 3 and 4 dimensions are images, float arrays of 3
                          series, others need it named; tables are features, or series where all columns are lists */
  const char *label;   /* table formats: name of the label column; others: path of a file with one label a row (idx1,
                          npy, or text with one label a line; an empty one is no label), for npz also the name of
                          another member. NULL: none; `images` then takes the first sub-folder's name as label where
                          all files lie in sub-folders; lines of label-text, text-label, col-val and the tagged formats
                          have their labels with them, and refuse it */
  const char *columns; /* table formats: comma-separated names to keep, in this order; arrays: 0-based numbers */
  const char *drop;    /* the same, to leave out; not together with columns */
  const char *where;   /* table formats: an SQL condition on the columns; run without file or network access */
  const char *member;  /* npz: name of the array; NULL: the only one, else "X", "x", "data", "arr_0" in this order */
  const char *text;    /* kind text from a table: name of the text column (NULL: the only string column); kind pair: of
                          the column `left [SEP] right` (NULL: left_* and right_*, else "pairs" or "pair") */
  const char *tag;     /* kind tagged from CoNLL-U: column of the tag, "upos" (default), "xpos", "deprel" */
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

/* A run of UTF-8, not terminated, which may hold zero bytes. NULL bytes: missing. */
typedef struct bf_string {
  const char *bytes;
  uint32_t n_bytes;
} bf_string;

/* One named attribute of a record; the name is empty where attributes are only numbered. */
typedef struct bf_field {
  bf_string name, value;
} bf_field;

typedef struct bf_record {
  const bf_field *fields;
  uint32_t n_fields;
} bf_record;

/* Kind pair: two records that may be the same thing. */
typedef struct bf_pair {
  bf_record left, right;
} bf_pair;

/* Kind tagged: the tokens of a sentence; tags are label numbers as in bf_dataset_label_name(), -1: none. */
typedef struct bf_sentence {
  const bf_string *tokens;
  const int32_t *tags; /* [n_tokens]; NULL: no tags */
  uint32_t n_tokens;
} bf_sentence;

/* A run of consecutive rows; everything is borrowed until the next call on the dataset. */
typedef struct bf_batch {
  int64_t first_row;  /* number of the first row, from 0 */
  uint32_t n_rows;    /* 0: the end */
  uint32_t n_columns; /* cells a row: features d, series T*c, images H*W*C; 0: images differ in size, or only words */
  const float *cells; /* row-major [n_rows][n_columns]; NaN is a missing cell; NULL where n_columns is 0 */
  const bf_image *images;       /* kind image: [n_rows]; else NULL */
  const int32_t *labels;        /* [n_rows] number of the label in bf_dataset_label_name(), -1: none; NULL: no labels */
  uint32_t n_steps, n_channels; /* kind series: cells is [n_rows][n_steps][n_channels]; else 0 */
  const bf_string *texts;       /* kind text: [n_rows], none of them missing; else NULL */
  const bf_pair *pairs;         /* kind pair: [n_rows]; else NULL */
  const bf_sentence *sentences; /* kind tagged: [n_rows] (a row is a sentence); labels is then NULL */
  const bf_field *strings;      /* kind features with string columns: [n_rows][n_string_columns]; else NULL */
  uint32_t n_string_columns;
} bf_batch;

/* Opens a file or folder. BF_ERR_NOT_FOUND: no such path. BF_ERR_FORMAT: not what it claims to be, with the
 * position. BF_ERR_INVALID_ARGUMENT: an option that does not fit, naming it. BF_ERR_UNSUPPORTED: dtype or kind that
 * is not read. BF_ERR_LIMIT: more than 1,000,000 columns (of tables 100,000, of jsonl 20,000 members on the first
 * line), an image above 64 megapixels, or an array in Fortran order above 1 GiB. */
BF_API BF_MUST_CHECK bf_status bf_dataset_open(const char *path, const bf_dataset_options *options, bf_dataset **out,
                                               bf_error *err);
BF_API void bf_dataset_close(bf_dataset *dataset);

/* The next batch; n_rows 0 at the end. BF_ERR_FORMAT: bad input, position is the row (or the byte of the file where
 * compressed data are damaged or cut, which may be noticed only at the end); the rows before it were valid.
 * BF_ERR_MISMATCH: the label file has another number of rows, or a series another length, with the row.
 * BF_ERR_LIMIT: a line or record beyond the bounds above. After an error the dataset can only be closed. */
BF_API BF_MUST_CHECK bf_status bf_dataset_next(bf_dataset *dataset, bf_batch *out, bf_error *err);

BF_API bf_kind bf_dataset_kind(const bf_dataset *dataset);
BF_API const char *bf_dataset_format(const bf_dataset *dataset);
/* Columns of a row (features: of numbers), T*c (series), or H*W*C where all images have one size; 0: they differ, or
 * not known before reading. */
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
/* Warnings so far: guessed range or side of the label, constant column, column that looks like an identifier or free
 * text, columns left out, invalid UTF-8 … */
BF_API uint32_t bf_dataset_warning_count(const bf_dataset *dataset);
BF_API const char *bf_dataset_warning(const bf_dataset *dataset, uint32_t i);

/* What one needs to know of rows besides the rows: borrowed from the dataset or sample until its next change. */
typedef struct bf_schema {
  bf_kind kind;
  uint32_t n_columns;              /* of cells; 0: images differ in size, or only words */
  const char *const *column_names; /* [n_columns]; NULL: numbered */
  double range_max;                /* images: value of white; else 0 */
  uint32_t n_labels;
  const char *const *label_names; /* [n_labels] */
} bf_schema;
BF_API void bf_dataset_schema(const bf_dataset *dataset, bf_schema *out);

/* A seeded sample of rows, held in memory as one batch: the max_rows rows whose hash of (seed, row number) is smallest,
 * in the order of the data, so that it does not depend on format, batches or threads. Rows of the kind tagged are
 * sentences. */
typedef struct bf_sample bf_sample;
/* Reads the dataset to its end. max_rows 0: 2,000. progress may be NULL. BF_ERR_LIMIT: the sample needs more than 1
 * GiB. Others as bf_dataset_next(). */
BF_API BF_MUST_CHECK bf_status bf_sample_load(bf_dataset *dataset, uint64_t max_rows, uint64_t seed,
                                              bf_progress_fn progress, void *progress_context, bf_sample **out,
                                              bf_error *err);
BF_API void bf_sample_free(bf_sample *sample);
BF_API const bf_batch *bf_sample_batch(const bf_sample *sample);
BF_API void bf_sample_schema(const bf_sample *sample, bf_schema *out);
BF_API uint64_t bf_sample_rows_seen(const bf_sample *sample); /* rows of the data it was drawn from */
/* Number in the data of row i of the sample. */
BF_API uint64_t bf_sample_row(const bf_sample *sample, uint32_t i);
/* Bytes of a sample (docs/formats/sample-v1.md), for the repository. You own *out (free()). */
BF_API BF_MUST_CHECK bf_status bf_sample_encode(const bf_sample *sample, uint8_t **out, size_t *out_bytes,
                                                bf_error *err);
/* From untrusted bytes. BF_ERR_FORMAT: no sample. BF_ERR_CORRUPT: damaged, position. BF_ERR_LIMIT: above 1 GiB.
 * BF_ERR_UNSUPPORTED: a newer version. */
BF_API BF_MUST_CHECK bf_status bf_sample_decode(const uint8_t *bytes, size_t n_bytes, bf_sample **out, bf_error *err);

typedef struct bf_dataset_format_info {
  const char *name, *kinds, *extensions, *summary;
} bf_dataset_format_info;
/* Row i of the format table; NULL past the end. */
BF_API const bf_dataset_format_info *bf_dataset_format_at(size_t i);

/* All rows in memory, as the paper's measures on raw rows need them. A plain little-endian C-order float32 .npy is
 * mapped, not copied. */
typedef struct bf_rows bf_rows;
/* As bf_dataset_open, and BF_ERR_MISMATCH where images differ in size or rows have only words. */
BF_API BF_MUST_CHECK bf_status bf_rows_load(const char *path, const bf_dataset_options *options, bf_rows **out,
                                            bf_error *err);
BF_API void bf_rows_free(bf_rows *rows);
BF_API uint64_t bf_rows_count(const bf_rows *rows);
BF_API uint32_t bf_rows_column_count(const bf_rows *rows);
BF_API const char *bf_rows_column_name(const bf_rows *rows, uint32_t column);
/* Row-major [count][column_count]; a cell that is not finite is missing (infinities stay in mapped files, and are NaN
 * elsewhere). NULL where count is 0. Borrowed; a mapped file must not be shortened by others while it is in use. */
BF_API const float *bf_rows_cells(const bf_rows *rows);

/* All rows of a dataset with words in memory, one text a row, as the paper's word measures on raw rows need them: a
 * text itself; the values of all attributes of both records of a pair joined by blanks (not the attribute names, and no
 * missing value); the tokens of a sentence joined by blanks; of features with string columns `column=value` joined by
 * blanks. BF_ERR_MISMATCH: rows without words. Others as bf_dataset_open() and bf_dataset_next(). */
typedef struct bf_documents bf_documents;
BF_API BF_MUST_CHECK bf_status bf_documents_load(const char *path, const bf_dataset_options *options,
                                                 bf_documents **out, bf_error *err);
BF_API void bf_documents_free(bf_documents *documents);
BF_API uint64_t bf_documents_count(const bf_documents *documents);
/* Text of a row, borrowed, terminated; empty past the end. */
BF_API bf_string bf_documents_at(const bf_documents *documents, uint64_t row);

/* Writes a CSV file with a header as Parquet (Zstandard), for predictions. Columns named in text_columns are strings,
 * the others what their cells look like. BF_ERR_UNSUPPORTED: DuckDB is missing. BF_ERR_FORMAT, BF_ERR_IO,
 * BF_ERR_NO_SPACE: in DuckDB's words; `parquet_path` may then hold a part. */
BF_API BF_MUST_CHECK bf_status bf_csv_to_parquet(const char *csv_path, const char *const *text_columns,
                                                 size_t n_text_columns, const char *parquet_path, bf_error *err);

/* Pixels (uint8, row-major [height][width][channels], channels 1 or 3) as PNG bytes, for reports. You own *out; free()
 * it. BF_ERR_INVALID_ARGUMENT: no pixels, or another number of channels. */
BF_API BF_MUST_CHECK bf_status bf_image_encode_png(const uint8_t *pixels, uint32_t height, uint32_t width,
                                                   uint32_t channels, uint8_t **out, size_t *out_bytes, bf_error *err);

/* Paths, relative to the folder, of the files that the rows of a folder of images are read from, in the order of the
 * rows. You own *out (bf_image_folder_names_free). Errors as bf_dataset_open(). */
BF_API BF_MUST_CHECK bf_status bf_image_folder_names(const char *folder, char ***out, size_t *n_out, bf_error *err);
BF_API void bf_image_folder_names_free(char **names, size_t n);

#ifdef __cplusplus
}
#endif
#endif
