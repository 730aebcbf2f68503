/* Which columns a sketch has and how they are called. With a sketch given as an example its columns are looked for by
 * name and put into its order, so that the two compare, also where both are projected. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "sketch/builder_state.h"

typedef char name[BF__NAME_BYTES + 1];

/* Names of the raw columns of a named sketch; NULL where it did not keep them. `stride` bytes apart. */
static const char *names_of(const bf_sketch *s, size_t *stride) {
  *stride = s->projected ? sizeof(name) : sizeof *s->columns;
  return !s->named ? NULL : s->projected ? (const char *)s->raw_names : s->columns[0].name;
}

typedef struct place {
  uint64_t hash;
  uint32_t column;
} place;

static int by_hash(const void *a, const void *b) {
  const place *x = a, *y = b;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return (x->column > y->column) - (x->column < y->column);
}

static bool source_is_named(const bf__sketch_source *source) {
  return source->column_name && source->n_columns && source->column_name(source->context, 0);
}

static void clean_name(const bf__sketch_source *source, uint32_t column, name out) {
  const char *s = source->column_name(source->context, column);
  bf__sketch_name(s ? s : "", out);
}

static uint64_t list_hash(const bf__sketch_source *source) {
  uint64_t hash = bf__xxh64("", 0, source->n_columns);
  for (uint32_t j = 0; source_is_named(source) && j < source->n_columns; j++) {
    const char *s = source->column_name(source->context, j);
    hash = bf__xxh64(s ? s : "", s ? strlen(s) : 0, hash);
  }
  return hash;
}

static bf_status map_by_name(bf__sketch_builder *b, const bf__sketch_source *source, bf_error *err) {
  const uint32_t n = source->n_columns, n_wanted = (uint32_t)source->like->raw_columns;
  size_t stride;
  const char *wanted = names_of(source->like, &stride);
  bf_status status = BF_OK;
  name clean;
  place *places = bf__alloc(n, sizeof *places);
  b->map = bf__alloc(n_wanted, sizeof *b->map);
  if (!places || !b->map) {
    status = bf__error_memory(err, n * sizeof *places);
    goto out;
  }
  for (uint32_t j = 0; j < n; j++) {
    clean_name(source, j, clean);
    places[j] = (place){bf__xxh64(clean, strlen(clean), 0), j};
  }
  qsort(places, n, sizeof *places, by_hash);
  for (uint32_t i = 0; i < n_wanted; i++, wanted += stride) {
    uint64_t hash = bf__xxh64(wanted, strlen(wanted), 0);
    size_t low = 0, high = n;
    while (low < high) {
      size_t middle = low + (high - low) / 2;
      if (places[middle].hash < hash) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == n || places[low].hash != hash) {
      status = bf__error(err, BF_ERR_MISMATCH,
                         "the data lack column '%s', which the sketch that they are to be like has", wanted);
      goto out;
    }
    b->map[i] = places[low].column;
  }
out:
  free(places);
  return status;
}

static bf_status map_features(bf__sketch_builder *b, const bf__sketch_source *source, bf_error *err) {
  const bf_sketch *like = source->like;
  size_t stride;
  if (like->raw_columns == 0 || source->n_columns == 0) {
    if (like->raw_columns == source->n_columns) return BF_OK;
  } else if (like->named && source_is_named(source)) {
    if (names_of(like, &stride)) return map_by_name(b, source, err);
    if (like->column_list_hash == list_hash(source)) return BF_OK;
    return bf__error(err, BF_ERR_MISMATCH,
                     "the sketch that the data are to be like has %llu columns, too many to keep their names: give it "
                     "the same columns in the same order",
                     (unsigned long long)like->raw_columns);
  }
  if (like->raw_columns == source->n_columns) return BF_OK;
  return bf__error(err, BF_ERR_MISMATCH, "the data have %u columns, the sketch that they are to be like has %llu",
                   source->n_columns, (unsigned long long)like->raw_columns);
}

static bf_status take_like(bf__sketch_builder *b, const bf__sketch_source *source, bf_error *err) {
  const bf_sketch *like = source->like;
  if (like->kind != source->kind) {
    return bf__error(err, BF_ERR_MISMATCH, "the data are of kind %s, the sketch that they are to be like is of kind %s",
                     bf_kind_name(source->kind), bf_kind_name(like->kind));
  }
  if (source->kind == BF_KIND_SERIES && like->channels != source->n_channels) {
    return bf__error(err, BF_ERR_MISMATCH, "the data have %u channels, the sketch that they are to be like has %u",
                     source->n_channels, like->channels);
  }
  return source->kind == BF_KIND_FEATURES ? map_features(b, source, err) : BF_OK;
}

/* Names behind a projection are kept where they fit. */
static bool raw_names_fit(const bf__sketch_source *source) {
  size_t bytes = 0;
  name clean;
  for (uint32_t j = 0; j < source->n_columns; j++) {
    clean_name(source, j, clean);
    bytes += 1 + strlen(clean);
    if (bytes > BF__NAMES_BYTES) return false;
  }
  return true;
}

static bf_status take_names(bf__sketch_builder *b, const bf__sketch_source *source, bf_error *err) {
  const bf_sketch *like = source->like;
  size_t stride = 0;
  const char *from = like ? names_of(like, &stride) : NULL;
  b->named = like ? like->named : source_is_named(source);
  b->column_list_hash = like ? like->column_list_hash : list_hash(source);
  if (!b->named || (b->projected && (like ? !from : !raw_names_fit(source)))) return BF_OK;
  const size_t n = (size_t)b->raw_columns;
  name *names = bf__alloc(n, sizeof *names);
  if (!names) return bf__error_memory(err, n * sizeof *names);
  for (uint32_t j = 0; j < n; j++) {
    if (like) {
      memcpy(names[j], from + j * stride, sizeof *names);
    } else {
      clean_name(source, j, names[j]);
    }
  }
  *(b->projected ? &b->raw_names : &b->names) = names;
  return BF_OK;
}

static bf_status make_names(bf__sketch_builder *b, void (*make)(uint32_t, char *), bf_error *err) {
  b->named = !b->projected;
  if (b->projected) return BF_OK;
  b->names = bf__alloc(b->n_columns, sizeof *b->names);
  if (!b->names) return bf__error_memory(err, b->n_columns * sizeof *b->names);
  for (uint32_t j = 0; j < b->n_columns; j++) make(j, b->names[j]);
  return BF_OK;
}

bf_status bf__builder_take_columns(bf__sketch_builder *b, const bf__sketch_source *source, bf_error *err) {
  if (source->like) {
    bf_status status = take_like(b, source, err);
    if (status != BF_OK) return status;
  }
  switch (b->kind) {
    case BF_KIND_FEATURES:
      b->source_columns = source->n_columns;
      b->raw_columns = source->like ? source->like->raw_columns : source->n_columns;
      b->projected = b->raw_columns > BF__MAX_VIEW_COLUMNS;
      b->n_columns = b->projected ? BF__PROJECTED_COLUMNS : (uint32_t)b->raw_columns;
      return take_names(b, source, err);
    case BF_KIND_SERIES:
      b->channels = source->n_channels;
      b->projected = b->channels > BF__MAX_VIEW_COLUMNS / BF__SERIES_STATISTICS;
      b->n_columns = b->projected ? BF__PROJECTED_COLUMNS : b->channels * BF__SERIES_STATISTICS;
      b->column_list_hash = bf__xxh64("", 0, b->channels);
      return make_names(b, bf__series_column_name, err);
    case BF_KIND_PAIR:
      b->n_columns = BF__PAIR_SIMILARITIES + BF__TEXT_COLUMNS;
      return make_names(b, bf__pair_column_name, err);
    case BF_KIND_TAGGED:
      b->projected = true;
      b->n_columns = BF__TEXT_COLUMNS;
      return BF_OK;
    case BF_KIND_IMAGE:
    case BF_KIND_TEXT:
      b->projected = true;
      b->n_columns = BF__PROJECTED_COLUMNS;
      return BF_OK;
  }
  return BF_OK;
}
