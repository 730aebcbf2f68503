/* Opening, the common part of reading, and what can be asked of a dataset.
 *
 * A path is looked at once: what it is, how it is compressed, and its first 64 KiB decompressed. The format table's
 * sniff functions see only that. The row's open() then puts a reader (three functions and a state) into the dataset,
 * and this file adds to each of its batches what all formats share: row numbers, labels from a file, and the watch over
 * columns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/thread.h"
#include "dataset/dataset_internal.h"

static const char *const KIND_NAMES[BF_KIND_COUNT] = {"features", "series", "image", "text", "pair", "tagged"};

const char *bf_kind_name(bf_kind kind) {
  return (unsigned)kind < BF_KIND_COUNT ? KIND_NAMES[kind] : NULL;
}

bf_status bf_kind_find(const char *name, bf_kind *out, bf_error *err) {
  if (!name || !out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_kind_find: name and out are needed");
  for (int i = 0; i < BF_KIND_COUNT; i++) {
    if (strcmp(KIND_NAMES[i], name) != 0) continue;
    *out = (bf_kind)i;
    return BF_OK;
  }
  return bf__error(err, BF_ERR_NOT_FOUND, "unknown kind \"%.40s\"; known: features, series, image, text, pair, tagged",
                   name);
}

/* Opening */

typedef struct probed {
  bf__probe probe;
  uint8_t *head;
} probed;

static bf_status probe_path(const char *path, const char *shown, probed *out, bf_error *err) {
  bf__stream *stream = NULL;
  bf_status status = BF_OK;
  struct stat st;
  if (stat(path, &st) != 0) return bf__error_errno(err, errno, "%.120s", path);
  out->probe.path = path;
  out->probe.is_folder = S_ISDIR(st.st_mode);
  if (out->probe.is_folder) return BF_OK;
  if (!S_ISREG(st.st_mode))
    return bf__error(err, BF_ERR_UNSUPPORTED, "%.100s is not a regular file: copy its content into one first", shown);
  if (st.st_size == 0) return bf__error_at(err, BF_ERR_FORMAT, 0, "%.100s is empty: was it written completely?", shown);
  out->probe.file_bytes = (uint64_t)st.st_size;
  out->head = bf__alloc(BF__HEAD_BYTES, 1);
  if (!out->head) return bf__error_memory(err, BF__HEAD_BYTES);
  out->probe.head = out->head;
  BF_TRY(bf__stream_open(path, &stream, err));
  BF_TRY(bf__stream_read(stream, out->head, BF__HEAD_BYTES, &out->probe.head_bytes, err));
  out->probe.compression = bf__stream_compression(stream);
  if (out->probe.head_bytes == 0)
    BF_TRY(bf__error_at(err, BF_ERR_FORMAT, 0, "%.100s holds nothing once decompressed", shown));
out:
  bf__stream_close(stream);
  return status;
}

static bf_status copy_option(const char *given, char **out, bf_error *err) {
  if (!given) return BF_OK;
  *out = bf__strdup(given);
  return *out ? BF_OK : bf__error_memory(err, strlen(given) + 1);
}

static bf_status copy_options(bf_dataset *d, const char *path, const bf_dataset_options *o, bf_error *err) {
  bf_status status = BF_OK;
  BF_TRY(copy_option(path, &d->path, err));
  BF_TRY(copy_option(o->label, &d->label, err));
  BF_TRY(copy_option(o->columns, &d->columns, err));
  BF_TRY(copy_option(o->drop, &d->drop, err));
  BF_TRY(copy_option(o->where, &d->where, err));
  BF_TRY(copy_option(o->member, &d->member, err));
  BF_TRY(copy_option(o->text, &d->text, err));
  BF_TRY(copy_option(o->tag, &d->tag, err));
  const char *slash = strrchr(d->path, '/');
  d->shown = slash && slash[1] ? slash + 1 : d->path;
  d->n_threads = o->n_threads ? o->n_threads : bf__cores();
  d->batch_bytes = o->batch_bytes ? o->batch_bytes : BF__DEFAULT_BATCH_BYTES;
  if (d->batch_bytes > (size_t)1 << 30) d->batch_bytes = (size_t)1 << 30;
  if (!(o->range_max >= 0) || o->range_max > 1e9)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                     "--range (range_max) %g: the value of white is above 0, such as 1 or 255", o->range_max);
  d->range_max = o->range_max;
  d->range_known = o->range_max > 0;
  if (d->columns && d->drop)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "give either --columns to keep or --drop to leave out, not both");
out:
  return status;
}

static bf_status name_kind(bf_dataset *d, const char *name, bf_error *err) {
  if (!name) return BF_OK;
  bf_status status = bf_kind_find(name, &d->kind, err);
  if (status != BF_OK) {
    if (err) err->code = BF_ERR_INVALID_ARGUMENT;
    return BF_ERR_INVALID_ARGUMENT;
  }
  d->kind_named = true;
  return BF_OK;
}

/* The kind named, or the format's first; what an array holds is decided with its shape. */
static bf_status choose_kind(bf_dataset *d, bf_error *err) {
  const bf__format *f = d->format;
  if (!d->kind_named)
    for (d->kind = (bf_kind)0; !(f->kinds & (1u << d->kind));) d->kind++;
  if (f->kinds & (1u << d->kind)) return BF_OK;
  return bf__error(err, BF_ERR_UNSUPPORTED, "the kind %s is not read from the format %s, which gives: %s",
                   bf_kind_name(d->kind), f->info.name, f->info.kinds);
}

/* An option that the format would ignore is refused, so that nobody believes it was heeded. */
static bf_status check_uses(const bf_dataset *d, bf_error *err) {
  const bf__format *f = d->format;
  const struct {
    const char *name;
    bool given;
    uint32_t use;
  } options[] = {{"--columns", d->columns, BF__USES_COLUMNS},
                 {"--drop", d->drop, BF__USES_COLUMNS},
                 {"--where", d->where, BF__USES_WHERE},
                 {"--member", d->member, BF__USES_MEMBER},
                 {"--text", d->text, BF__USES_TEXT},
                 {"--tag", d->tag, BF__USES_TAG},
                 {"--range (range_max)", d->range_known, BF__USES_RANGE}};
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
    if (options[i].given && !(f->uses & options[i].use))
      return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the option %s does not fit the format %s", options[i].name,
                       f->info.name);
  if (d->label && f->uses & BF__LABEL_IN_LINES)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the option label does not fit the format %s, whose lines hold it",
                     f->info.name);
  return BF_OK;
}

static bf_status check_place(const bf__format *f, const bf__probe *probe, const char *shown, bf_error *err) {
  if (f->is_folder == probe->is_folder) return BF_OK;
  if (probe->is_folder)
    return bf__error(err, BF_ERR_FORMAT, "%.80s is a folder, but the format %s is a file: name the file", shown,
                     f->info.name);
  return bf__error(err, BF_ERR_FORMAT, "%.80s is a file, but the format %s is a folder: name the folder", shown,
                   f->info.name);
}

static bf_status open_labels(bf_dataset *d, bf_error *err) {
  uint64_t n = 0;
  if (!d->label || d->format->uses & BF__LABEL_IS_COLUMN) return BF_OK;
  bf_status status = bf__label_source_open(d, &d->label_source, err);
  if (status != BF_OK) return status;
  if (!d->rows_known || !bf__label_source_count(d->label_source, &n) || n == d->row_hint) return BF_OK;
  return bf__error(err, BF_ERR_MISMATCH,
                   "the label file %.80s has %llu labels, but the data have %llu rows: each row needs one", d->label,
                   (unsigned long long)n, (unsigned long long)d->row_hint);
}

static bf_status open_dataset(const char *path, const bf_dataset_options *options, bool as_text, bf_dataset **out,
                              bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_dataset_open: out is NULL");
  *out = NULL;
  if (!path || !path[0]) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_dataset_open: a path is needed");
  bf_dataset_options o = BF_DATASET_OPTIONS_INIT;
  if (options) memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
  probed p = {0};
  bf_status status = BF_OK;
  bf_dataset *d = bf__alloc(1, sizeof *d);
  if (!d) return bf__error_memory(err, sizeof *d);
  d->as_text = as_text;
  BF_TRY(copy_options(d, path, &o, err));
  BF_TRY(name_kind(d, o.kind, err));
  BF_TRY(probe_path(path, d->shown, &p, err));
  d->format_named = o.format != NULL;
  p.probe.kinds = d->kind_named ? 1u << d->kind : ~0u;
  p.probe.label_option = d->label != NULL;
  p.probe.table_options = d->columns || d->drop || d->where || d->text;
  if (o.format)
    BF_TRY(bf__format_find(o.format, &d->format, err));
  else
    BF_TRY(bf__format_sniff(&p.probe, &d->format, err));
  BF_TRY(check_place(d->format, &p.probe, d->shown, err));
  BF_TRY(choose_kind(d, err));
  BF_TRY(check_uses(d, err));
  BF_TRY(d->format->open(d, &p.probe, err));
  BF_TRY(open_labels(d, err));
  if (d->kind == BF_KIND_FEATURES && !as_text) BF_TRY(bf__watch_create(d->n_columns, &d->watch, err));
  *out = d;
  d = NULL;
out:
  bf_dataset_close(d);
  free(p.head);
  return status;
}

bf_status bf_dataset_open(const char *path, const bf_dataset_options *options, bf_dataset **out, bf_error *err) {
  return open_dataset(path, options, false, out, err);
}

bf_status bf__dataset_open_text(const char *path, const bf_dataset_options *options, bf_dataset **out, bf_error *err) {
  return open_dataset(path, options, true, out, err);
}

void bf_dataset_close(bf_dataset *d) {
  if (!d) return;
  if (d->ops) d->ops->close(d->state);
  bf__label_source_close(d->label_source);
  bf__watch_free(d->watch);
  bf__dataset_free_strings(d->names, d->n_columns);
  bf__dataset_free_strings(d->label_names, d->n_labels);
  bf__dataset_free_strings(d->warnings, d->n_warnings);
  free(d->label_slots);
  free(d->label_buffer);
  free(d->path);
  free(d->label);
  free(d->columns);
  free(d->drop);
  free(d->where);
  free(d->member);
  free(d->text);
  free(d->tag);
  free(d);
}

/* Reading */

static bf_status add_labels(bf_dataset *d, bf_batch *out, bf_error *err) {
  if (!d->label_source) return BF_OK;
  if (out->n_rows > d->label_capacity) {
    int32_t *grown = bf__realloc(d->label_buffer, out->n_rows, sizeof *grown);
    if (!grown) return bf__error_memory(err, (size_t)out->n_rows * sizeof *grown);
    d->label_buffer = grown;
    d->label_capacity = out->n_rows;
  }
  out->labels = d->label_buffer;
  return bf__label_source_next(d->label_source, d, out->n_rows, d->label_buffer, err);
}

static bf_status end_of_rows(bf_dataset *d, bf_error *err) {
  if (d->ended) return BF_OK;
  if (d->label_source) {
    bf_status status = bf__label_source_end(d->label_source, (uint64_t)d->next_row, err);
    if (status != BF_OK) return status;
  }
  d->ended = true;
  if (d->next_row == 0) bf__dataset_warn(d, d->where ? "no row meets the condition --where" : "there are no rows");
  if (d->watch) bf__watch_end(d->watch, d);
  return BF_OK;
}

bf_status bf_dataset_next(bf_dataset *d, bf_batch *out, bf_error *err) {
  if (!d || !out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_dataset_next: dataset and out are needed");
  bf_batch batch = {.first_row = d->next_row};
  *out = batch;
  bf_status status = BF_OK;
  if (!d->ended) BF_TRY(d->ops->next(d, &batch, err));
  if (batch.n_rows == 0) {
    BF_TRY(end_of_rows(d, err));
  } else {
    BF_TRY(add_labels(d, &batch, err));
    if (d->watch) bf__watch_batch(d->watch, d, &batch);
    d->next_row += batch.n_rows;
  }
  *out = batch;
out:
  return status;
}

/* Questions */

bf_kind bf_dataset_kind(const bf_dataset *d) {
  return d->kind;
}

const char *bf_dataset_format(const bf_dataset *d) {
  return d->format->info.name;
}

uint32_t bf_dataset_column_count(const bf_dataset *d) {
  return d->n_columns;
}

const char *bf_dataset_column_name(const bf_dataset *d, uint32_t column) {
  return d->names && column < d->n_columns ? d->names[column] : NULL;
}

bool bf_dataset_image_shape(const bf_dataset *d, uint32_t *height, uint32_t *width, uint32_t *channels) {
  if (d->kind != BF_KIND_IMAGE || d->height == 0) return false;
  *height = d->height;
  *width = d->width;
  *channels = d->channels;
  return true;
}

double bf_dataset_range_max(const bf_dataset *d) {
  return d->kind == BF_KIND_IMAGE ? d->range_max : 0;
}

uint32_t bf_dataset_label_count(const bf_dataset *d) {
  return d->n_labels;
}

const char *bf_dataset_label_name(const bf_dataset *d, uint32_t label) {
  return label < d->n_labels ? d->label_names[label] : NULL;
}

uint64_t bf_dataset_row_hint(const bf_dataset *d) {
  return d->row_hint;
}

void bf_dataset_progress(const bf_dataset *d, uint64_t *done_bytes, uint64_t *total_bytes) {
  *done_bytes = *total_bytes = 0;
  d->ops->progress(d, done_bytes, total_bytes);
}

uint32_t bf_dataset_warning_count(const bf_dataset *d) {
  return d->n_warnings;
}

const char *bf_dataset_warning(const bf_dataset *d, uint32_t i) {
  return i < d->n_warnings ? d->warnings[i] : NULL;
}

void bf_dataset_schema(const bf_dataset *d, bf_schema *out) {
  *out = (bf_schema){.kind = d->kind,
                     .n_columns = d->n_columns,
                     .column_names = (const char *const *)d->names,
                     .range_max = bf_dataset_range_max(d),
                     .n_labels = d->n_labels,
                     .label_names = (const char *const *)d->label_names};
}
