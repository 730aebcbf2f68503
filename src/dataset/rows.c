/* All rows in memory. A plain little-endian C-order float32 .npy is mapped read-only, so that the paper's measures on
 * raw rows cost no copy; everything else is collected batch by batch. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "dataset/dataset_internal.h"

struct bf_rows {
  float *cells;        /* owned, unless mapped */
  const float *mapped; /* within `map` */
  void *map;
  size_t map_bytes;
  uint64_t n_rows;
  uint32_t n_columns;
  char **names;
};

static bf_status map_rows(const bf_dataset *d, uint64_t offset, bf_rows *rows, bf_error *err) {
  size_t bytes = 0;
  bf_status status = BF_OK;
  struct stat st;
  int fd = open(d->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return bf__error_errno(err, errno, "%.120s", d->path);
  bytes = (size_t)offset + (size_t)rows->n_rows * rows->n_columns * sizeof(float);
  /* Checked once more: a file that has shrunk since would end the process with a bus error. */
  if (fstat(fd, &st) != 0) BF_TRY(bf__error_errno(err, errno, "%.120s", d->path));
  if ((uint64_t)st.st_size < bytes)
    BF_TRY(bf__error(err, BF_ERR_FORMAT, "%.100s was cut while it was opened", d->shown));
  rows->map = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (rows->map == MAP_FAILED) {
    rows->map = NULL;
    BF_TRY(bf__error_errno(err, errno, "mapping %.100s", d->shown));
  }
  rows->map_bytes = bytes;
  madvise(rows->map, bytes, MADV_SEQUENTIAL);
  rows->mapped = (const float *)(const void *)((const char *)rows->map + offset);
out:
  close(fd);
  return status;
}

static bf_status collect_rows(bf_dataset *d, bf_rows *rows, bf_error *err) {
  size_t capacity = 0, used = 0;
  for (;;) {
    bf_batch batch;
    bf_status status = bf_dataset_next(d, &batch, err);
    if (status != BF_OK) return status;
    if (batch.n_rows == 0) break;
    if (d->kind != BF_KIND_IMAGE && batch.n_columns == 0)
      return bf__error(err, BF_ERR_MISMATCH, "%.80s holds words and no columns of numbers: choose a measure of words",
                       d->shown);
    if (!batch.cells || (rows->n_rows && batch.n_columns != rows->n_columns))
      return bf__error(err, BF_ERR_MISMATCH,
                       "%.80s: the images differ in size, so that rows have no common columns: scale "
                       "them to one size",
                       d->shown);
    rows->n_columns = batch.n_columns;
    size_t more = (size_t)batch.n_rows * batch.n_columns, n = used + more;
    if (n > capacity) {
      uint64_t hint = d->rows_known ? d->row_hint : 0;
      size_t known = hint < SIZE_MAX / sizeof(float) / batch.n_columns ? (size_t)hint * batch.n_columns : 0;
      /* a hint is only trusted once a quarter of it has arrived */
      size_t target = known >= n && (known <= n * 4 || known < ((size_t)1 << 22)) ? known : n + n / 2;
      float *grown = bf__realloc(rows->cells, target, sizeof *grown);
      if (!grown) return bf__error_memory(err, target * sizeof *grown);
      rows->cells = grown;
      capacity = target;
    }
    memcpy(rows->cells + used, batch.cells, more * sizeof *rows->cells);
    used = n;
    rows->n_rows += batch.n_rows;
  }
  if (rows->n_rows == 0) rows->n_columns = d->n_columns;
  return BF_OK;
}

bf_status bf_rows_load(const char *path, const bf_dataset_options *options, bf_rows **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_rows_load: out is NULL");
  *out = NULL;
  uint64_t offset = 0, n_rows = 0;
  uint32_t n_columns = 0;
  bf_dataset *d = NULL;
  bf_status status = BF_OK;
  bf_rows *rows = bf__alloc(1, sizeof *rows);
  if (!rows) return bf__error_memory(err, sizeof *rows);
  BF_TRY(bf_dataset_open(path, options, &d, err));
  if (bf__array_is_mappable(d, &offset, &n_rows, &n_columns) && n_rows > 0 && !d->label) {
    rows->n_rows = n_rows;
    rows->n_columns = n_columns;
    BF_TRY(map_rows(d, offset, rows, err));
  } else {
    BF_TRY(collect_rows(d, rows, err));
  }
  rows->names = d->names; /* the dataset's strings outlive it here */
  d->names = NULL;
  *out = rows;
  rows = NULL;
out:
  bf_dataset_close(d);
  bf_rows_free(rows);
  return status;
}

void bf_rows_free(bf_rows *rows) {
  if (!rows) return;
  if (rows->map) munmap(rows->map, rows->map_bytes);
  free(rows->cells);
  bf__dataset_free_strings(rows->names, rows->n_columns);
  free(rows);
}

uint64_t bf_rows_count(const bf_rows *rows) {
  return rows->n_rows;
}

uint32_t bf_rows_column_count(const bf_rows *rows) {
  return rows->n_columns;
}

const char *bf_rows_column_name(const bf_rows *rows, uint32_t column) {
  return rows->names && column < rows->n_columns ? rows->names[column] : NULL;
}

const float *bf_rows_cells(const bf_rows *rows) {
  if (rows->n_rows == 0) return NULL;
  return rows->mapped ? rows->mapped : rows->cells;
}
