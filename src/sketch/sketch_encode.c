/* Writes format v1. Everything that follows from other fields is left out (missing cells, left-out columns, float32
 * means, a bucket's base and number of bins), so that bytes cannot contradict each other there. Where the bytes exceed
 * the limit, all bucket grids are halved together, and at last words left out, until they fit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "sketch/moments.h"
#include "sketch/partition.h"
#include "sketch/sketch_format.h"

static uint32_t load_u32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store_u32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static void store_u64(uint8_t *p, uint64_t v) {
  for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (8 * i));
}

uint64_t bf__header_checksum(const uint8_t *bytes) {
  return bf__xxh64(bytes, 16, 0);
}

uint64_t bf__section_checksum(const uint8_t *section_header, const uint8_t *payload, size_t n_bytes) {
  uint64_t seed = (uint64_t)load_u32(section_header) | (uint64_t)load_u32(section_header + 4) << 32;
  return bf__xxh64(payload, n_bytes, seed);
}

void bf__sketch_fix_checksums(uint8_t *bytes, size_t n_bytes) {
  if (n_bytes < BF__HEADER_BYTES) return;
  store_u32(bytes + 12, (uint32_t)n_bytes);
  store_u64(bytes + 16, bf__header_checksum(bytes));
  size_t at = BF__HEADER_BYTES;
  while (n_bytes - at >= BF__SECTION_HEADER_BYTES) {
    uint8_t *header = bytes + at;
    size_t length = load_u32(header + 4);
    at += BF__SECTION_HEADER_BYTES;
    if (length > n_bytes - at) return;
    store_u64(header + 8, bf__section_checksum(header, bytes + at, length));
    at += length;
  }
}

uint16_t bf__centroid_code(float x, float low, float high) {
  if (!(high > low)) return 0;
  double t = ((double)x - (double)low) / ((double)high - (double)low) * 65535.0;
  return t <= 0.0       ? 0
         : t >= 65535.0 ? 65535
                        : (uint16_t)(t + 0.5); /* NOLINT(bugprone-incorrect-roundings): t >= 0, no libm */
}

float bf__centroid_value(uint16_t code, float low, float high) {
  if (code == 0) return low;
  if (code == 65535) return high;
  double x = (double)low + ((double)high - (double)low) * ((double)code / 65535.0);
  float v = (float)x + 0.0f;
  return v < low ? low : v > high ? high : v;
}

bool bf__has_raw_section(const bf_sketch *sketch) {
  if (sketch->kind == BF_KIND_FEATURES && !sketch->projected) return false; /* they are those of the view */
  return sketch->raw_columns > 0 && sketch->raw_columns <= BF__MAX_RAW_COLUMNS;
}

void bf__name_encode(bf__writer *w, const char *name) {
  size_t n = strlen(name);
  bf__write_u8(w, (uint8_t)n);
  bf__write(w, name, n);
}

static void write_schema(bf__writer *w, const bf_sketch *s) {
  uint8_t flags = (uint8_t)((s->projected ? BF__SKETCH_PROJECTED : 0) | (s->named ? BF__SKETCH_NAMED : 0));
  bf__write_u8(w, (uint8_t)s->kind);
  bf__write_u8(w, flags);
  bf__write_u16(w, (uint16_t)s->n_columns);
  bf__write_u64(w, s->seed);
  bf__write_u64(w, s->rows);
  bf__write_u64(w, s->raw_columns);
  bf__write_u32(w, s->height);
  bf__write_u32(w, s->width);
  bf__write_u32(w, s->channels);
  bf__write_f64(w, s->range_max);
  bf__write_u64(w, s->missing);
  bf__write_u64(w, s->column_list_hash);
  bf__write_u64(w, s->raw_count);
  bf__write_f32(w, (float)s->raw_min);
  bf__write_f32(w, (float)s->raw_max);
  bf__write_u64(w, s->view_rows);
  bf__write_u32(w, s->steps);
  bf__write_u32(w, s->min_count);
}

static void write_columns(bf__writer *w, const bf_sketch *s) {
  for (uint32_t i = 0; i < s->n_columns; i++) {
    const bf__sketch_column *c = &s->columns[i];
    if (s->named && !s->projected) bf__name_encode(w, c->name);
    bf__write_varint(w, c->count);
    if (c->count == 0) continue;
    bf__write_f64(w, c->mean);
    bf__write_f64(w, c->variance);
    bf__write_f32(w, c->min);
    bf__write_f32(w, c->max);
    for (size_t q = 0; q < BF__QUANTILES; q++) bf__write_f32(w, c->quantiles[q]);
  }
}

static void write_covariance(bf__writer *w, const bf_sketch *s) {
  size_t n = (size_t)s->n_columns * (s->n_columns + 1) / 2;
  for (size_t i = 0; i < n; i++) bf__write_f32(w, s->covariance[i]);
}

static void write_centroids(bf__writer *w, const bf_sketch *s) {
  const size_t n = s->n_centroids, n_columns = s->n_columns;
  float low[BF__MAX_VIEW_COLUMNS], high[BF__MAX_VIEW_COLUMNS];
  bf__write_u32(w, s->n_centroids);
  if (n == 0) return;
  for (size_t i = 0; i < n; i++) bf__write_varint(w, s->centroid_rows[i]);
  for (size_t j = 0; j < n_columns; j++) {
    low[j] = high[j] = s->centroids[j];
    for (size_t i = 1; i < n; i++) {
      float x = s->centroids[i * n_columns + j];
      if (x < low[j]) low[j] = x;
      if (x > high[j]) high[j] = x;
    }
    bf__write_f32(w, low[j]);
    bf__write_f32(w, high[j]);
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n_columns; j++) {
      /* The code of the value that will be read: where float32 is coarser than 16 bits of the range, several codes
       * give one value, and writing what was read must give the same bytes. */
      uint16_t code = bf__centroid_code(s->centroids[i * n_columns + j], low[j], high[j]);
      bf__write_u16(w, bf__centroid_code(bf__centroid_value(code, low[j], high[j]), low[j], high[j]));
    }
  }
}

static void write_partitions(bf__writer *w, const bf_sketch *s, int halvings) {
  uint64_t counts[BF__PARTITION_BINS];
  bf__write_u32(w, s->n_partitions);
  for (uint32_t i = 0; i < s->n_partitions; i++) {
    const bf__partition *from = &s->partitions[i];
    bf__partition p = {.counts = counts};
    int exponent = from->exponent + halvings;
    bf__partition_coarsen(from, exponent > 127 ? 127 : exponent, &p);
    bf__write_varint(w, p.rows);
    bf__write_varint(w, p.count);
    if (p.count == 0) continue;
    bf__write_f32(w, (float)p.min);
    bf__write_f32(w, (float)p.max);
    bf__write_u16(w, (uint16_t)(p.exponent + 1024));
    bf__write_u8(w, p.lattice);
    for (uint32_t b = 0; b < p.n_bins; b++) bf__write_varint(w, p.counts[b]);
  }
}

static void write_raw(bf__writer *w, const bf_sketch *s) {
  for (size_t i = 0; i < s->raw_columns; i++) bf__write_f32(w, s->raw_means[i]);
  for (size_t i = 0; i < s->raw_columns; i++) bf__write_f32(w, s->raw_variances[i]);
}

static void write_raw_names(bf__writer *w, const bf_sketch *s) {
  for (size_t i = 0; i < s->raw_columns; i++) bf__name_encode(w, s->raw_names[i]);
}

static void write_labels(bf__writer *w, const bf_sketch *s) {
  bf__write_u32(w, s->n_labels);
  for (uint32_t i = 0; i < s->n_labels; i++) {
    bf__name_encode(w, s->labels[i].name);
    bf__write_varint(w, s->labels[i].count);
  }
}

/* What is given up where the bytes exceed the limit: grids are coarsened by so many halvings, words beyond so many are
 * left out. */
typedef struct economy {
  int halvings;
  uint32_t words;
} economy;
static const economy economies[] = {{0, BF__WORDS}, {1, BF__WORDS}, {2, BF__WORDS}, {3, BF__WORDS},
                                    {4, BF__WORDS}, {4, 500},       {4, 300},       {5, 200},
                                    {6, 100},       {7, 50},        {8, 0}};

static bool has_section(const bf_sketch *s, bf__section section) {
  if (section == BF__SECTION_RAWM) return bf__has_raw_section(s);
  if (section == BF__SECTION_NAMS) return s->raw_names != NULL;
  if (section == BF__SECTION_WORD) return s->words != NULL;
  if (section == BF__SECTION_LABL) return s->n_labels > 0;
  return true;
}

static void write_payload(bf__writer *w, const bf_sketch *s, bf__section section, const economy *e) {
  switch (section) {
    case BF__SECTION_SCHM:
      write_schema(w, s);
      break;
    case BF__SECTION_COLS:
      write_columns(w, s);
      break;
    case BF__SECTION_COVA:
      write_covariance(w, s);
      break;
    case BF__SECTION_CENT:
      write_centroids(w, s);
      break;
    case BF__SECTION_PART:
      write_partitions(w, s, e->halvings);
      break;
    case BF__SECTION_RAWM:
      write_raw(w, s);
      break;
    case BF__SECTION_NAMS:
      write_raw_names(w, s);
      break;
    case BF__SECTION_WORD:
      bf__words_encode(w, s->words, e->words);
      break;
    case BF__SECTION_LABL:
      write_labels(w, s);
      break;
    case BF__SECTION_COUNT:
      break;
  }
}

static void write_section(bf__writer *w, const bf_sketch *s, bf__section section, const economy *e) {
  static const char tags[BF__SECTION_COUNT][5] = {
#define TAG(tag, required) #tag,
      BF__SECTION_LIST(TAG)
#undef TAG
  };
  size_t header = w->size;
  bf__write(w, tags[section], 4);
  bf__write_u32(w, 0);
  bf__write_u64(w, 0);
  size_t payload = w->size;
  write_payload(w, s, section, e);
  if (w->failed) return;
  store_u32(w->data + header + 4, (uint32_t)(w->size - payload));
  store_u64(w->data + header + 8, bf__section_checksum(w->data + header, w->data + payload, w->size - payload));
}

static void write_sketch(bf__writer *w, const bf_sketch *s, const economy *e) {
  bf__write(w, BF__SKETCH_MAGIC, BF__MAGIC_BYTES);
  bf__write_u32(w, BF__SKETCH_VERSION);
  bf__write_u32(w, 0);
  bf__write_u64(w, 0);
  for (int section = 0; section < BF__SECTION_COUNT; section++) {
    if (has_section(s, (bf__section)section)) write_section(w, s, (bf__section)section, e);
  }
  if (w->failed) return;
  store_u32(w->data + 12, (uint32_t)w->size);
  store_u64(w->data + 16, bf__header_checksum(w->data));
}

bf_status bf_sketch_encode(const bf_sketch *sketch, uint8_t **out, size_t *out_bytes, bf_error *err) {
  *out = NULL;
  *out_bytes = 0;
  for (size_t i = 0; i < sizeof economies / sizeof *economies; i++) {
    bf__writer w = {0};
    write_sketch(&w, sketch, &economies[i]);
    if (w.failed) {
      bf__writer_deinit(&w);
      return bf__error_memory(err, BF_SKETCH_MAX_BYTES);
    }
    if (w.size <= BF_SKETCH_MAX_BYTES) {
      *out = w.data;
      *out_bytes = w.size;
      return BF_OK;
    }
    bf__writer_deinit(&w);
  }
  return bf__error(err, BF_ERR_INTERNAL, "a sketch of %u columns and %u labels exceeds %u bytes", sketch->n_columns,
                   sketch->n_labels, BF_SKETCH_MAX_BYTES);
}
