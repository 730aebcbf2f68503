/* Reads format v1 from bytes that nobody vouches for. Sections are located and their checksums compared first; then
 * each is parsed with a bounded reader, and every value that the rest of the library relies on is checked where it is
 * read. Sizes follow from numbers that were bounded before, so an allocation never exceeds some 300 KB. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "sketch/moments.h"
#include "sketch/partition.h"
#include "sketch/sketch_format.h"
#include "sketch/sketch_names.h"

#define MAX_ROWS ((uint64_t)1 << 53) /* exact in double */
#define MAX_CHANNELS (1u << 20)
#define MAX_RAW_COLUMNS ((uint64_t)1 << 32)

static const struct {
  char tag[5];
  bool required;
} sections[BF__SECTION_COUNT] = {
#define SECTION(tag, required) {#tag, required},
    BF__SECTION_LIST(SECTION)
#undef SECTION
};

typedef struct decoder {
  bf__reader reader[BF__SECTION_COUNT]; /* each over its payload */
  size_t offset[BF__SECTION_COUNT];     /* of the payload in the bytes */
  bool present[BF__SECTION_COUNT];
  bf_sketch *sketch;
  bf_error *err;
} decoder;

static bf_status damaged_at(bf_error *err, size_t position, const char *what) {
  return bf__error_at(err, BF_ERR_CORRUPT, (int64_t)position,
                      "the sketch is damaged at byte %zu (%s): make it again with `bestfit sketch`", position, what);
}

static bf_status damaged(const decoder *d, bf__section section, const char *what) {
  return damaged_at(d->err, d->offset[section] + d->reader[section].position, what);
}

/* --- container ------------------------------------------------------------------------------------------------- */

bool bf_sketch_sniff(const uint8_t *bytes, size_t n_bytes) {
  return bytes && n_bytes >= BF__MAGIC_BYTES && memcmp(bytes, BF__SKETCH_MAGIC, BF__MAGIC_BYTES) == 0;
}

static bf_status read_header(bf__reader *r, bf_error *err) {
  if (!bf_sketch_sniff(r->data, r->size)) {
    return bf__error_at(err, BF_ERR_FORMAT, 0, "not a sketch: make one with `bestfit sketch DATA`");
  }
  if (r->size > BF_SKETCH_MAX_BYTES) {
    return bf__error_at(err, BF_ERR_LIMIT, BF_SKETCH_MAX_BYTES, "a sketch has at most %u bytes, this has %zu",
                        BF_SKETCH_MAX_BYTES, r->size);
  }
  if (r->size < BF__HEADER_BYTES) return damaged_at(err, r->size, "it ends within its header");
  (void)bf__read(r, BF__MAGIC_BYTES);
  uint32_t version = bf__read_u32(r);
  uint32_t n_bytes = bf__read_u32(r);
  if (bf__read_u64(r) != bf__header_checksum(r->data)) return damaged_at(err, 16, "checksum of the header");
  if (version != BF__SKETCH_VERSION) {
    return bf__error_at(err, BF_ERR_FORMAT, 8, "sketch format %u, but this program reads format %u: update bestfit",
                        version, BF__SKETCH_VERSION);
  }
  if (n_bytes != r->size) return damaged_at(err, 12, n_bytes > r->size ? "its end is missing" : "bytes follow its end");
  return BF_OK;
}

static bf_status find_sections(decoder *d, bf__reader *r) {
  while (bf__reader_left(r)) {
    size_t at = r->position;
    const uint8_t *header = bf__read(r, 8);
    uint64_t checksum = bf__read_u64(r);
    if (r->failed) return damaged_at(d->err, at, "a section header is cut");
    bf__reader lengths = bf__reader_of(header + 4, 4);
    uint32_t length = bf__read_u32(&lengths);
    size_t start = r->position;
    const uint8_t *payload = bf__read(r, length);
    if (r->failed) return damaged_at(d->err, at + 4, "a section is longer than what is left");
    if (bf__section_checksum(header, payload, length) != checksum) {
      return damaged_at(d->err, at + 8, "checksum of a section");
    }
    for (int s = 0; s < BF__SECTION_COUNT; s++) {
      if (memcmp(header, sections[s].tag, 4) != 0) continue;
      if (d->present[s]) return damaged_at(d->err, at, "a section occurs twice");
      d->present[s] = true;
      d->offset[s] = start;
      d->reader[s] = bf__reader_of(payload, length);
    }
  }
  for (int s = 0; s < BF__SECTION_COUNT; s++) {
    char what[64];
    if (d->present[s] || !sections[s].required) continue;
    memcpy(what, "section SCHM is missing", sizeof "section SCHM is missing");
    memcpy(what + 8, sections[s].tag, 4);
    return damaged_at(d->err, r->size, what);
  }
  return BF_OK;
}

/* Every section must be read to its last byte. */
static bf_status end_section(const decoder *d, bf__section section) {
  const bf__reader *r = &d->reader[section];
  if (r->failed) return damaged(d, section, "a section is too short");
  return bf__reader_left(r) ? damaged(d, section, "a section is too long") : BF_OK;
}

static bool finite_float(float x) {
  return x >= -FLT_MAX && x <= FLT_MAX;
}

static bool finite_double(double x) {
  return x >= -DBL_MAX && x <= DBL_MAX;
}

/* A name of at most BF__NAME_BYTES; false where it is not one. */
bool bf__name_decode(bf__reader *r, char out[BF__NAME_BYTES + 1]) {
  size_t n = bf__read_u8(r);
  if (n > BF__NAME_BYTES) return false;
  const uint8_t *bytes = bf__read(r, n);
  if (r->failed || !bf__sketch_name_valid(bytes, n)) return false;
  if (n) memcpy(out, bytes, n);
  out[n] = 0;
  return true;
}

/* --- sections -------------------------------------------------------------------------------------------------- */

static const char *check_image(const bf_sketch *s) {
  if (!(s->range_max > 0.0)) return "value of white";
  uint64_t pixels = (uint64_t)s->height * s->width, cells;
  if (__builtin_mul_overflow(pixels, s->channels, &cells) || cells != s->raw_columns) return "image shape";
  if (cells == 0 && (s->height || s->width || s->channels)) return "image shape";
  return NULL;
}

/* What follows from the kind and the raw columns: view columns, projection, whether columns have names. */
static const char *check_shape(const bf_sketch *s) {
  uint64_t n_columns = BF__PROJECTED_COLUMNS;
  bool projected = true, named = false, listed = false; /* names and the hash of the column list may be there */
  if (s->kind != BF_KIND_IMAGE && (s->height || s->width || s->range_max != 0.0))
    return "an image shape of another kind";
  if (s->kind != BF_KIND_SERIES && s->steps) return "steps of another kind";
  if (s->kind != BF_KIND_IMAGE && s->kind != BF_KIND_SERIES && s->channels) return "an image shape of another kind";
  switch (s->kind) {
    case BF_KIND_FEATURES:
      projected = s->raw_columns > BF__MAX_VIEW_COLUMNS;
      n_columns = projected ? BF__PROJECTED_COLUMNS : s->raw_columns;
      named = s->named;
      listed = true;
      break;
    case BF_KIND_SERIES:
      if (s->channels > MAX_CHANNELS || s->raw_columns != (uint64_t)s->steps * s->channels)
        return "shape of the series";
      projected = s->channels * BF__SERIES_STATISTICS > BF__MAX_VIEW_COLUMNS;
      n_columns = projected ? BF__PROJECTED_COLUMNS : s->channels * BF__SERIES_STATISTICS;
      named = !projected && s->named;
      listed = true;
      break;
    case BF_KIND_PAIR:
      projected = false;
      named = s->named;
      break;
    case BF_KIND_TAGGED:
      n_columns = BF__TEXT_COLUMNS;
      break;
    case BF_KIND_IMAGE:
    case BF_KIND_TEXT:
      break;
  }
  if (s->projected != projected) return "projection against the number of columns";
  if (s->n_columns != n_columns) return "number of view columns";
  if (s->named != named || (s->column_list_hash && !listed)) return "column names of another kind";
  if (s->kind != BF_KIND_TAGGED && s->view_rows != s->rows) return "rows of the view";
  if (s->kind == BF_KIND_IMAGE) return check_image(s);
  return s->raw_columns && bf__kind_is_text(s->kind) ? "raw columns of words" : NULL;
}

static const char *check_cells(const bf_sketch *s) {
  if (s->raw_count == 0 && (s->raw_min != 0.0 || s->raw_max != 0.0)) return "extremes without cells";
  if (!(s->raw_min <= s->raw_max)) return "extremes of the cells";
  if (s->rows == 0 && (s->missing || s->raw_count || s->view_rows)) return "cells without rows";
  uint64_t seen, cells;
  if (__builtin_add_overflow(s->missing, s->raw_count, &seen)) return "number of cells";
  if (bf__kind_is_text(s->kind)) return s->raw_count ? "cells of words" : NULL;
  bool known = s->raw_columns > 0 || s->kind == BF_KIND_FEATURES; /* else images or windows of several sizes */
  if (known && (__builtin_mul_overflow(s->rows, s->raw_columns, &cells) || cells != seen)) return "number of cells";
  return NULL;
}

static bf_status read_schema(decoder *d) {
  bf_sketch *s = d->sketch;
  bf__reader *r = &d->reader[BF__SECTION_SCHM];
  uint8_t kind = bf__read_u8(r), flags = bf__read_u8(r);
  s->n_columns = bf__read_u16(r);
  s->seed = bf__read_u64(r);
  s->rows = bf__read_u64(r);
  s->raw_columns = bf__read_u64(r);
  s->height = bf__read_u32(r);
  s->width = bf__read_u32(r);
  s->channels = bf__read_u32(r);
  s->range_max = bf__read_f64(r);
  s->missing = bf__read_u64(r);
  s->column_list_hash = bf__read_u64(r);
  s->raw_count = bf__read_u64(r);
  float raw_min = bf__read_f32(r), raw_max = bf__read_f32(r);
  s->view_rows = bf__read_u64(r);
  s->steps = bf__read_u32(r);
  s->min_count = bf__read_u32(r);
  bf_status status = end_section(d, BF__SECTION_SCHM);
  if (status != BF_OK) return status;
  if (kind >= BF_KIND_COUNT) return damaged(d, BF__SECTION_SCHM, "kind");
  if (flags & ~BF__SKETCH_FLAGS) return damaged(d, BF__SECTION_SCHM, "flags");
  s->kind = (bf_kind)kind;
  s->projected = flags & BF__SKETCH_PROJECTED;
  s->named = (flags & BF__SKETCH_NAMED) != 0;
  if (s->min_count == 0 || s->min_count > BF__MAX_MIN_COUNT) return damaged(d, BF__SECTION_SCHM, "min_count");
  if (s->rows > MAX_ROWS || s->view_rows > MAX_ROWS || s->raw_columns > MAX_RAW_COLUMNS ||
      s->n_columns > BF__MAX_VIEW_COLUMNS) {
    return damaged(d, BF__SECTION_SCHM, "numbers of rows and columns");
  }
  if (!finite_double(s->range_max) || !finite_float(raw_min) || !finite_float(raw_max)) {
    return damaged(d, BF__SECTION_SCHM, "a number that is not finite");
  }
  s->raw_min = (double)raw_min;
  s->raw_max = (double)raw_max;
  const char *wrong = check_shape(s);
  if (!wrong) wrong = check_cells(s);
  return wrong ? damaged(d, BF__SECTION_SCHM, wrong) : BF_OK;
}

static bool read_column(bf__reader *r, bf__sketch_column *c, uint64_t rows, bool trimmed) {
  c->count = bf__read_varint(r);
  if (r->failed || c->count > rows) return false;
  c->missing = rows - c->count;
  if (c->count == 0) return true;
  c->mean = bf__read_f64(r);
  c->variance = bf__read_f64(r);
  c->min = bf__read_f32(r);
  c->max = bf__read_f32(r);
  c->n_quantiles = BF__QUANTILES;
  if (!finite_float(c->min) || !finite_float(c->max) || !(c->min <= c->max)) return false;
  if (!(c->mean >= -(double)FLT_MAX && c->mean <= (double)FLT_MAX)) return false;
  if (!(c->variance >= 0.0 && c->variance <= BF__MAX_VARIANCE)) return false;
  if (!trimmed && !(c->mean >= (double)c->min && c->mean <= (double)c->max)) return false;
  float last = c->min;
  for (size_t q = 0; q < BF__QUANTILES; q++) {
    float x = bf__read_f32(r);
    if (!(x >= last && x <= c->max)) return false; /* false for NaN, too */
    c->quantiles[q] = last = x;
  }
  return !r->failed;
}

static bf_status read_columns(decoder *d) {
  bf_sketch *s = d->sketch;
  bf__reader *r = &d->reader[BF__SECTION_COLS];
  const size_t n = s->n_columns;
  uint64_t missing = 0;
  s->columns = bf__alloc(n, sizeof *s->columns);
  s->left_out = bf__alloc(n, sizeof *s->left_out);
  s->means = bf__alloc(n, sizeof *s->means);
  if (!s->columns || !s->left_out || !s->means) return bf__error_memory(d->err, n * sizeof *s->columns);
  for (size_t j = 0; j < n; j++) {
    bf__sketch_column *c = &s->columns[j];
    if (s->named && !s->projected && !bf__name_decode(r, c->name))
      return damaged(d, BF__SECTION_COLS, "name of a column");
    if (!read_column(r, c, s->view_rows, s->min_count > 1)) return damaged(d, BF__SECTION_COLS, "numbers of a column");
    s->left_out[j] = c->missing > s->view_rows / 2;
    s->means[j] = bf__to_float(c->mean);
    missing += c->missing; /* <= 96 * 2^53 */
  }
  /* A window's channel without a cell is the one other way in which a view comes to miss something. */
  uint64_t expected = s->kind == BF_KIND_FEATURES && !s->projected ? s->missing : 0;
  if (missing != expected && (s->kind != BF_KIND_SERIES || s->projected))
    return damaged(d, BF__SECTION_COLS, "number of missing cells");
  return end_section(d, BF__SECTION_COLS);
}

static bf_status read_covariance(decoder *d) {
  bf_sketch *s = d->sketch;
  bf__reader *r = &d->reader[BF__SECTION_COVA];
  const size_t n = s->n_columns, n_cells = n * (n + 1) / 2;
  if (r->size != 4 * n_cells) return damaged(d, BF__SECTION_COVA, "length of the covariance");
  s->covariance = bf__alloc(n_cells, sizeof *s->covariance);
  if (!s->covariance) return bf__error_memory(d->err, n_cells * sizeof *s->covariance);
  for (size_t i = 0, at = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++, at++) {
      float x = bf__read_f32(r);
      if (!finite_float(x) || (i == j && x < 0.0f)) return damaged(d, BF__SECTION_COVA, "a covariance");
      s->covariance[at] = x;
    }
  }
  return end_section(d, BF__SECTION_COVA);
}

static bf_status read_centroids(decoder *d) {
  bf_sketch *s = d->sketch;
  bf__reader *r = &d->reader[BF__SECTION_CENT];
  const size_t n_columns = s->n_columns;
  uint32_t n = bf__read_u32(r);
  uint64_t rows = 0, most = s->view_rows < BF__SAMPLE_ROWS ? s->view_rows : BF__SAMPLE_ROWS;
  if (n > BF__MAX_CENTROIDS || (n && n_columns == 0)) return damaged(d, BF__SECTION_CENT, "number of centroids");
  s->centroids = bf__alloc(n * n_columns, sizeof *s->centroids);
  s->centroid_rows = bf__alloc(n, sizeof *s->centroid_rows);
  if (!s->centroids || !s->centroid_rows) return bf__error_memory(d->err, n * n_columns * sizeof *s->centroids);
  s->n_centroids = n;
  for (size_t i = 0; i < n; i++) {
    uint64_t one = bf__read_varint(r);
    if (one == 0 || one > most || (rows += one) > most) return damaged(d, BF__SECTION_CENT, "rows of a centroid");
    s->centroid_rows[i] = (uint32_t)one;
  }
  float low[BF__MAX_VIEW_COLUMNS], high[BF__MAX_VIEW_COLUMNS];
  for (size_t j = 0; n && j < n_columns; j++) {
    low[j] = bf__read_f32(r);
    high[j] = bf__read_f32(r);
    if (!finite_float(low[j]) || !finite_float(high[j]) || !(low[j] <= high[j])) {
      return damaged(d, BF__SECTION_CENT, "range of the centroids");
    }
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n_columns; j++) {
      s->centroids[i * n_columns + j] = bf__centroid_value(bf__read_u16(r), low[j], high[j]);
    }
  }
  return end_section(d, BF__SECTION_CENT);
}

/* Bins follow from extremes and exponent, so that only counts remain to be read. */
static const char *read_partition(bf__reader *r, bf__partition *p, bf_error *err, bf_status *status) {
  p->rows = bf__read_varint(r);
  p->count = bf__read_varint(r);
  if (p->count == 0) return NULL;
  float min = bf__read_f32(r), max = bf__read_f32(r);
  int exponent = (int)bf__read_u16(r) - 1024;
  uint8_t lattice = bf__read_u8(r);
  if (!finite_float(min) || !finite_float(max) || !(min <= max)) return "extremes of a partition";
  if (p->rows == 0) return "a partition with cells but without rows";
  p->min = (double)min;
  p->max = (double)max;
  if (exponent < bf__grid_finest(p->min, p->max) || exponent > 127) return "grid of a partition";
  int64_t n_bins = bf__grid_bins(p->min, p->max, exponent);
  if (n_bins > BF__PARTITION_BINS) return "grid of a partition";
  p->exponent = exponent;
  p->base = bf__grid_floor(p->min, exponent);
  p->lattice = lattice == 1;
  double unit = ldexp(1.0, exponent);
  if (lattice > 1 || (lattice && (fmod(p->min, unit) != 0.0 || fmod(p->max, unit) != 0.0))) {
    return "lattice of a partition";
  }
  p->counts = bf__alloc((size_t)n_bins, sizeof *p->counts);
  if (!p->counts) {
    *status = bf__error_memory(err, (size_t)n_bins * sizeof *p->counts);
    return NULL;
  }
  p->n_bins = (uint32_t)n_bins;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < p->n_bins; i++) {
    p->counts[i] = bf__read_varint(r);
    if (__builtin_add_overflow(sum, p->counts[i], &sum)) return "counts of a partition";
  }
  if (sum != p->count || p->counts[0] == 0 || p->counts[p->n_bins - 1] == 0) return "counts of a partition";
  return NULL;
}

static bf_status read_partitions(decoder *d) {
  bf_sketch *s = d->sketch;
  bf__reader *r = &d->reader[BF__SECTION_PART];
  uint32_t n = bf__read_u32(r);
  uint64_t rows = 0, count = 0;
  double min = 0.0, max = 0.0;
  if (n != (s->rows && !bf__kind_is_text(s->kind) ? BF__PARTITIONS : 0))
    return damaged(d, BF__SECTION_PART, "number of partitions");
  s->partitions = bf__alloc(n, sizeof *s->partitions);
  if (!s->partitions) return bf__error_memory(d->err, n * sizeof *s->partitions);
  s->n_partitions = n;
  for (uint32_t i = 0; i < n; i++) {
    bf__partition *p = &s->partitions[i];
    bf_status status = BF_OK;
    const char *wrong = read_partition(r, p, d->err, &status);
    if (status != BF_OK) return status;
    if (!wrong && r->failed) wrong = "partitions are cut";
    if (!wrong && (__builtin_add_overflow(rows, p->rows, &rows) || __builtin_add_overflow(count, p->count, &count))) {
      wrong = "rows of the partitions";
    }
    if (wrong) return damaged(d, BF__SECTION_PART, wrong);
    if (p->count == 0) continue;
    min = count == p->count || p->min < min ? p->min : min;
    max = count == p->count || p->max > max ? p->max : max;
  }
  if ((n && rows != s->rows) || count != s->raw_count) return damaged(d, BF__SECTION_PART, "sums of the partitions");
  if (min != s->raw_min || max != s->raw_max) return damaged(d, BF__SECTION_PART, "extremes of the partitions");
  return end_section(d, BF__SECTION_PART);
}

static bf_status read_raw(decoder *d) {
  bf_sketch *s = d->sketch;
  bf__reader *r = &d->reader[BF__SECTION_RAWM];
  const bool stored = bf__has_raw_section(s);
  if (stored != d->present[BF__SECTION_RAWM]) {
    return damaged_at(d->err, d->offset[BF__SECTION_SCHM], "raw means against the number of raw columns");
  }
  if (s->raw_columns == 0 || (!stored && (s->projected || s->kind != BF_KIND_FEATURES))) return BF_OK;
  const size_t n = (size_t)s->raw_columns; /* <= 4096, or 96 */
  if (stored && r->size != 8 * n) return damaged(d, BF__SECTION_RAWM, "length of the raw means");
  s->raw_means = bf__alloc(n, sizeof *s->raw_means);
  s->raw_variances = bf__alloc(n, sizeof *s->raw_variances);
  if (!s->raw_means || !s->raw_variances) return bf__error_memory(d->err, n * sizeof *s->raw_means);
  if (!stored) {
    for (size_t j = 0; j < n; j++) {
      s->raw_means[j] = s->means[j];
      s->raw_variances[j] = bf__to_float(s->columns[j].variance);
    }
    return BF_OK;
  }
  for (size_t j = 0; j < n; j++) {
    s->raw_means[j] = bf__read_f32(r);
    const float mean = s->raw_means[j]; /* 0 where a column has no cells */
    bool within = mean >= (float)s->raw_min && mean <= (float)s->raw_max;
    if (!finite_float(mean) || (s->min_count == 1 && !within && mean != 0.0f))
      return damaged(d, BF__SECTION_RAWM, "a raw mean");
  }
  for (size_t j = 0; j < n; j++) {
    s->raw_variances[j] = bf__read_f32(r);
    if (!finite_float(s->raw_variances[j]) || s->raw_variances[j] < 0.0f) {
      return damaged(d, BF__SECTION_RAWM, "a raw variance");
    }
  }
  return end_section(d, BF__SECTION_RAWM);
}

static bf_status read_raw_names(decoder *d) {
  if (!d->present[BF__SECTION_NAMS]) return BF_OK;
  bf_sketch *s = d->sketch;
  bf__reader *r = &d->reader[BF__SECTION_NAMS];
  if (s->kind != BF_KIND_FEATURES || !s->projected || !s->named || r->size > BF__NAMES_BYTES ||
      s->raw_columns > r->size) {
    return damaged(d, BF__SECTION_NAMS, "names of raw columns");
  }
  const size_t n = (size_t)s->raw_columns; /* each takes a byte at least */
  s->raw_names = bf__alloc(n, sizeof *s->raw_names);
  if (!s->raw_names) return bf__error_memory(d->err, n * sizeof *s->raw_names);
  for (size_t j = 0; j < n; j++) {
    if (!bf__name_decode(r, s->raw_names[j])) return damaged(d, BF__SECTION_NAMS, "names of raw columns");
  }
  return end_section(d, BF__SECTION_NAMS);
}

static bf_status read_words(decoder *d) {
  bf_sketch *s = d->sketch;
  const bool present = d->present[BF__SECTION_WORD];
  if (present ? s->kind == BF_KIND_IMAGE || s->kind == BF_KIND_SERIES : bf__kind_is_text(s->kind)) {
    return damaged_at(d->err, d->offset[BF__SECTION_SCHM], "words against the kind");
  }
  if (!present) return BF_OK;
  bf_status status = BF_OK;
  const char *wrong = bf__words_decode(&d->reader[BF__SECTION_WORD], s->rows, s->min_count, &s->words, &status, d->err);
  if (status != BF_OK) return status;
  return wrong ? damaged(d, BF__SECTION_WORD, wrong) : end_section(d, BF__SECTION_WORD);
}

static bf_status read_labels(decoder *d) {
  if (!d->present[BF__SECTION_LABL]) return BF_OK;
  bf_sketch *s = d->sketch;
  bf__reader *r = &d->reader[BF__SECTION_LABL];
  uint32_t n = bf__read_u32(r);
  uint64_t rows = 0;
  if (r->size > BF__LABEL_BYTES || n == 0 || n > BF__MAX_LABELS) {
    return damaged(d, BF__SECTION_LABL, "number of labels");
  }
  s->labels = bf__alloc(n, sizeof *s->labels);
  if (!s->labels) return bf__error_memory(d->err, n * sizeof *s->labels);
  s->n_labels = n;
  for (uint32_t i = 0; i < n; i++) {
    if (!bf__name_decode(r, s->labels[i].name)) return damaged(d, BF__SECTION_LABL, "name of a label");
    s->labels[i].count = bf__read_varint(r);
    if (s->labels[i].count > s->view_rows || (rows += s->labels[i].count) > s->view_rows) {
      return damaged(d, BF__SECTION_LABL, "rows of a label");
    }
  }
  return end_section(d, BF__SECTION_LABL);
}

bf_status bf_sketch_decode(const uint8_t *bytes, size_t n_bytes, bf_sketch **out, bf_error *err) {
  *out = NULL;
  bf_status status = BF_OK;
  bf__reader r = bf__reader_of(bytes, n_bytes);
  decoder d = {.err = err, .sketch = bf__sketch_alloc()};
  if (!d.sketch) return bf__error_memory(err, sizeof *d.sketch);
  BF_TRY(read_header(&r, err));
  BF_TRY(find_sections(&d, &r));
  BF_TRY(read_schema(&d));
  BF_TRY(read_columns(&d));
  BF_TRY(read_covariance(&d));
  BF_TRY(read_centroids(&d));
  BF_TRY(read_partitions(&d));
  BF_TRY(read_raw(&d));
  BF_TRY(read_raw_names(&d));
  BF_TRY(read_words(&d));
  BF_TRY(read_labels(&d));
  *out = d.sketch;
  d.sketch = NULL;
out:
  bf_sketch_free(d.sketch);
  return status;
}
