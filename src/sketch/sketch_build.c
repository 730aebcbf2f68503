/* Drives the builder from a dataset. */
#include <string.h>
#include <time.h>

#include "sketch/sketch_builder.h"

static const char *column_name(const void *context, uint32_t column) {
  return bf_dataset_column_name(context, column);
}

static const char *label_name(const void *context, uint32_t label) {
  return bf_dataset_label_name(context, label);
}

static bf_status create_builder(const bf_dataset *dataset, const bf_batch *batch, const bf_sketch_options *options,
                                bf__sketch_builder **out, bf_error *err) {
  bf__sketch_source source = {.kind = bf_dataset_kind(dataset),
                              .n_columns = batch->n_rows ? batch->n_columns : bf_dataset_column_count(dataset),
                              .n_channels = batch->n_channels,
                              .min_count = options->min_count,
                              .like = options->like,
                              .range_max = bf_dataset_range_max(dataset),
                              .column_name = column_name,
                              .context = dataset};
  return bf__sketch_builder_create(&source, options->seed, options->n_threads, NULL, out, err);
}

/* At most ten times a second. */
static bf_status report_progress(const bf_dataset *dataset, const bf_sketch_options *options, uint64_t rows,
                                 int64_t *last_ms, bf_error *err) {
  if (!options->progress) return BF_OK;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
  if (ms - *last_ms < 100) return BF_OK;
  *last_ms = ms;
  uint64_t done = 0, total = 0;
  bf_dataset_progress(dataset, &done, &total);
  bool go_on = total ? options->progress(options->progress_context, "bytes", done, total)
                     : options->progress(options->progress_context, "rows", rows, bf_dataset_row_hint(dataset));
  return go_on ? BF_OK : bf__error(err, BF_ERR_CANCELLED, "sketching was cancelled");
}

bf_status bf_sketch_build(bf_dataset *dataset, const bf_sketch_options *options, bf_sketch **out, bf_error *err) {
  bf_sketch_options o = BF_SKETCH_OPTIONS_INIT;
  bf_status status = BF_OK;
  bf__sketch_builder *builder = NULL;
  int64_t last_ms = INT64_MIN / 2;
  uint64_t rows = 0;
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_sketch_build: out is NULL");
  *out = NULL;
  if (!dataset) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "bf_sketch_build: dataset is NULL");
  if (options) memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
  if (o.seed == 0) o.seed = BF_SKETCH_DEFAULT_SEED;
  if (o.min_count == 0) o.min_count = BF_SKETCH_DEFAULT_MIN_COUNT;
  for (;;) {
    bf_batch batch;
    BF_TRY(bf_dataset_next(dataset, &batch, err));
    if (!builder) {
      BF_TRY(create_builder(dataset, &batch, &o, &builder, err));
    }
    if (batch.n_rows == 0) break;
    BF_TRY(bf__sketch_builder_add(builder, &batch, err));
    rows += batch.n_rows;
    BF_TRY(report_progress(dataset, &o, rows, &last_ms, err));
  }
  BF_TRY(bf__sketch_builder_finish(builder, label_name, dataset, out, err));
out:
  bf__sketch_builder_free(builder);
  return status;
}
