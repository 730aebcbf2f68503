/* What the files of this room share: the dataset object, the format table's row, byte streams, arrays and labels. */
#ifndef BESTFIT_SRC_DATASET_INTERNAL_H
#define BESTFIT_SRC_DATASET_INTERNAL_H

#include <bestfit/dataset.h>

#include "base/error.h"

#define BF__MAX_COLUMNS 1000000u
#define BF__MAX_PIXELS (UINT64_C(64) * 1000 * 1000)
#define BF__MAX_LABEL_NAMES 1000000u
#define BF__MAX_LABEL_BYTES 4096u
#define BF__HEAD_BYTES 65536u
#define BF__DEFAULT_BATCH_BYTES ((size_t)8 << 20)

/* ---- byte streams (stream.c): plain, gzip and Zstandard read alike ---- */

typedef enum bf__compression { BF__COMPRESSION_NONE, BF__COMPRESSION_GZIP, BF__COMPRESSION_ZSTD } bf__compression;

/* Where a stream's bytes come from. read() may give fewer bytes than asked, and 0 only at the end. */
typedef struct bf__source {
  void *context;
  bf_status (*read)(void *context, void *out, size_t n_bytes, size_t *got, bf_error *err);
  void (*close)(void *context);
  uint64_t total; /* bytes, 0: unknown */
} bf__source;

typedef struct bf__stream bf__stream;
bf_status bf__stream_open(const char *path, bf__stream **out, bf_error *err);
/* From a byte of the file on; nothing is decompressed. */
bf_status bf__stream_open_at(const char *path, uint64_t position, bf__stream **out, bf_error *err);
/* The stream owns the source, also on failure. Nothing is decompressed. */
bf_status bf__stream_of_source(bf__source source, bf__stream **out, bf_error *err);
/* Borrows the bytes. Nothing is decompressed. */
bf_status bf__stream_of_memory(const void *bytes, size_t n_bytes, bf__stream **out, bf_error *err);
void bf__stream_close(bf__stream *stream);
/* Reads n_bytes, fewer only at the end. BF_ERR_FORMAT: the compressed data are damaged or cut. */
bf_status bf__stream_read(bf__stream *stream, void *out, size_t n_bytes, size_t *got, bf_error *err);
bf__compression bf__stream_compression(const bf__stream *stream);
/* Length of the decompressed bytes where it is known without reading them. */
bool bf__stream_length(const bf__stream *stream, uint64_t *n_bytes);
/* Bytes taken from the source, and all of the source's. */
void bf__stream_progress(const bf__stream *stream, uint64_t *done_bytes, uint64_t *total_bytes);

/* ---- the format table (formats.c) ---- */

/* What is known of a path before its format is. */
typedef struct bf__probe {
  const char *path;
  bool is_folder;
  bf__compression compression;
  uint64_t file_bytes;
  const uint8_t *head; /* first decompressed bytes, at most BF__HEAD_BYTES */
  size_t head_bytes;
  uint32_t kinds;     /* that are wanted: bit a bf_kind; all where none was named */
  bool table_options; /* options are given that only tables have */
  bool label_option;
} bf__probe;

enum { /* options that a format takes; any other that is given is refused by name */
       BF__USES_COLUMNS = 1,
       BF__USES_WHERE = 2,
       BF__USES_MEMBER = 4,
       BF__USES_RANGE = 8,
       BF__LABEL_IS_COLUMN = 16,
       BF__LABEL_IN_LINES = 32, /* the rows have their labels with them */
       BF__USES_TEXT = 64,
       BF__USES_TAG = 128,
};

typedef struct bf__format {
  bf_dataset_format_info info;
  uint32_t kinds; /* bit a bf_kind */
  uint32_t uses;
  bool is_folder;
  bool (*sniff)(const bf__probe *probe);
  bf_status (*open)(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
} bf__format;
const bf__format *bf__format_at(size_t i);
bf_status bf__format_find(const char *name, const bf__format **out, bf_error *err);
bf_status bf__format_sniff(const bf__probe *probe, const bf__format **out, bf_error *err);

bool bf__npy_sniff(const bf__probe *probe);
bool bf__npz_sniff(const bf__probe *probe);
bool bf__idx_sniff(const bf__probe *probe);
bool bf__images_sniff(const bf__probe *probe);
bool bf__parquet_sniff(const bf__probe *probe);
bool bf__jsonl_sniff(const bf__probe *probe);
bool bf__tsv_sniff(const bf__probe *probe);
bool bf__csv_sniff(const bf__probe *probe);
bool bf__conllu_sniff(const bf__probe *probe);
bool bf__colval_sniff(const bf__probe *probe);
bool bf__token_tag_sniff(const bf__probe *probe);
bool bf__label_text_sniff(const bf__probe *probe);
bool bf__text_label_sniff(const bf__probe *probe);
bool bf__lines_sniff(const bf__probe *probe);
/* Side of the tab on which labels lie; UNCLEAR: every line has a tab, and neither side or both look like it. */
typedef enum bf__label_side {
  BF__LABEL_SIDE_NONE,
  BF__LABEL_SIDE_FIRST,
  BF__LABEL_SIDE_LAST,
  BF__LABEL_SIDE_UNCLEAR
} bf__label_side;
bf__label_side bf__head_label_side(const bf__probe *probe);
bf_status bf__npy_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
bf_status bf__npz_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
bf_status bf__idx_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
bf_status bf__images_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
bf_status bf__table_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
bf_status bf__text_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
bf_status bf__colval_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
bf_status bf__tagged_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err);
/* The same from a stream, which the dataset then owns, also on failure. */
bf_status bf__text_start(bf_dataset *dataset, bf__stream *stream, bf_error *err);
bf_status bf__colval_start(bf_dataset *dataset, bf__stream *stream, bf_error *err);
bf_status bf__tagged_start(bf_dataset *dataset, bf__stream *stream, bf_error *err);

/* ---- the dataset object ---- */

/* A reader: next() gives rows without labels or with; position of an error is a row. */
typedef struct bf__reader_ops {
  bf_status (*next)(bf_dataset *dataset, bf_batch *out, bf_error *err);
  void (*progress)(const bf_dataset *dataset, uint64_t *done_bytes, uint64_t *total_bytes);
  void (*close)(void *state);
} bf__reader_ops;

typedef struct bf__label_source bf__label_source;
typedef struct bf__watch bf__watch;

struct bf_dataset {
  const bf__format *format;
  const bf__reader_ops *ops;
  void *state;
  bf_kind kind;
  bool kind_named, format_named;
  bool as_text; /* table formats: every column is a text, as it is spelt */
  char *path, *label, *columns, *drop, *where, *member, *text, *tag;
  const char *shown; /* the path's last component, for messages */
  uint32_t n_threads;
  size_t batch_bytes;

  uint32_t n_columns; /* 0: images of differing or unknown size */
  char **names;       /* [n_columns] or NULL */
  uint32_t height, width, channels;
  double range_max;
  bool range_known;
  bool rows_known;
  uint64_t row_hint;
  int64_t next_row;

  char **label_names;
  uint32_t n_labels;
  uint32_t *label_slots; /* open addressing, number + 1 */
  size_t n_label_slots;
  bf__label_source *label_source;
  int32_t *label_buffer;
  size_t label_capacity;

  char **warnings;
  uint32_t n_warnings;
  bf__watch *watch;
  bool ended;
};

/* As bf_dataset_open, of a table whose columns all become texts, in the order of the file or of the option columns. */
bf_status bf__dataset_open_text(const char *path, const bf_dataset_options *options, bf_dataset **out, bf_error *err);
/* Adds a warning; out of memory loses it, never the call. */
__attribute__((format(printf, 2, 3))) void bf__dataset_warn(bf_dataset *dataset, const char *format, ...);
/* Number of the label of that name, new or known. BF_ERR_LIMIT, BF_ERR_FORMAT (not UTF-8). */
bf_status bf__dataset_label(bf_dataset *dataset, const char *name, size_t n_bytes, int32_t *out, bf_error *err);
void bf__dataset_free_strings(char **strings, size_t n);

/* Comma-separated names, trimmed; "a,b" in double quotes is one name. You own *out and its strings. */
bf_status bf__split_names(const char *list, char ***out, size_t *n_out, bf_error *err);
/* Numbers of the columns kept, in order, by the options `columns` and `drop`. `names` NULL: columns are numbered.
 * keep_default[i] false: column i enters only when named in `columns` (NULL: all enter). You own *out. */
bf_status bf__select_columns(const bf_dataset *dataset, char *const *names, uint32_t n_names, const bool *keep_default,
                             uint32_t **out, uint32_t *n_out, bf_error *err);
bool bf__utf8_valid(const void *bytes, size_t n_bytes);

/* Columns that stay constant or look like an identifier (watch.c). */
bf_status bf__watch_create(uint32_t n_columns, bf__watch **out, bf_error *err);
void bf__watch_free(bf__watch *watch);
void bf__watch_batch(bf__watch *watch, bf_dataset *dataset, const bf_batch *batch);
void bf__watch_end(bf__watch *watch, bf_dataset *dataset);

/* ---- arrays (array.c; npy.c, npz.c and idx.c parse the headers) ---- */

#define BF__ARRAY_MAX_DIMS 8u
typedef struct bf__array_info {
  char type; /* b bool, u, i integers, f floats, U UCS-4 and S byte strings (labels only) */
  uint32_t item_bytes;
  bool big_endian, fortran;
  uint32_t n_dims;
  uint64_t shape[BF__ARRAY_MAX_DIMS];
  uint64_t data_offset;
} bf__array_info;

/* Product of the shape without the first `from`; false on overflow. */
bool bf__array_cells(const bf__array_info *info, uint32_t from, uint64_t *out);
/* Header of an .npy in memory, strings included; *info is filled wholly or the call fails. */
bf_status bf__npy_parse_header(const void *bytes, size_t n_bytes, bf__array_info *info, bf_error *err);
/* Makes the dataset read the .npy in `stream`, which it then owns, also on failure. */
bf_status bf__npy_open_stream(bf_dataset *dataset, bf__stream *stream, bf_error *err);
bf_status bf__npy_read_header(bf__stream *stream, bf__array_info *info, bf_error *err);
bf_status bf__idx_read_header(bf__stream *stream, bf__array_info *info, bf_error *err);
/* Fails where the header claims more than `stream` is known to hold. */
bf_status bf__array_check_length(const bf__array_info *info, const bf__stream *stream, const char *shown,
                                 bf_error *err);
/* Makes the dataset read `info` from `stream`, which it then owns, also on failure. */
bf_status bf__array_open(bf_dataset *dataset, const bf__array_info *info, bf__stream *stream, bf_error *err);
/* Items to float32; infinities become NaN. `raw` needs no alignment. */
void bf__array_to_floats(const bf__array_info *info, const uint8_t *raw, float *out, size_t n);
/* A stream over a member of an .npz, and its name for messages. member NULL: chosen by rule. */
bf_status bf__npz_open_member(const char *path, const char *member, bf__stream **out, bf_error *err);
/* The dataset's own bytes as a plain little-endian C-order float32 matrix, so that it can be mapped. */
bool bf__array_is_mappable(const bf_dataset *dataset, uint64_t *offset, uint64_t *n_rows, uint32_t *n_columns);

/* ---- label files (labels.c) ---- */

bf_status bf__label_source_open(const bf_dataset *dataset, bf__label_source **out, bf_error *err);
void bf__label_source_close(bf__label_source *source);
bool bf__label_source_count(const bf__label_source *source, uint64_t *n);
/* Exactly n labels, else BF_ERR_MISMATCH. */
bf_status bf__label_source_next(bf__label_source *source, bf_dataset *dataset, size_t n, int32_t *out, bf_error *err);
/* After the last row: nothing may be left, else BF_ERR_MISMATCH. */
bf_status bf__label_source_end(bf__label_source *source, uint64_t n_rows, bf_error *err);

/* ---- delimited text (csv.c): the dialect, header and types, from the first bytes ---- */

typedef enum bf__csv_type { BF__CSV_NUMBER, BF__CSV_BOOL, BF__CSV_DATE, BF__CSV_TIMESTAMP, BF__CSV_TEXT } bf__csv_type;
typedef struct bf__csv_shape {
  char delimiter;
  bool has_header;
  uint32_t n_columns;
  char **names;        /* unique without regard to case */
  bf__csv_type *types; /* that all cells in the first bytes agree with */
} bf__csv_shape;
bf_status bf__csv_shape_read(const char *path, const char *shown, char delimiter, bf__csv_shape *out, bf_error *err);
/* The same of the first bytes, which are all where `complete`. */
bf_status bf__csv_shape_of(const char *text, size_t n_bytes, bool complete, const char *shown, char delimiter,
                           bf__csv_shape *out, bf_error *err);
void bf__csv_shape_deinit(bf__csv_shape *shape);

#endif
