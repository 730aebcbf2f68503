/* Names and numbers of sketch format v1, shared by encoder and decoder. docs/formats/sketch-v1.md lists every byte. */
#ifndef BESTFIT_SRC_SKETCH_FORMAT_H
#define BESTFIT_SRC_SKETCH_FORMAT_H

#include "base/bytes.h"
#include "base/error.h"
#include "sketch/sketch_data.h"

#define BF__SKETCH_MAGIC \
  "\x93"                 \
  "BFSK\r\n\x1a"
#define BF__MAGIC_BYTES 8u
#define BF__HEADER_BYTES 24u         /* magic, version, bytes in all, checksum */
#define BF__SECTION_HEADER_BYTES 16u /* tag, length, checksum */
#define BF__LABEL_BYTES 32768u       /* of the label section */

#define BF__SKETCH_PROJECTED 1u
#define BF__SKETCH_NAMED 2u
#define BF__SKETCH_FLAGS 3u

#define BF__MAX_VARIANCE 1.2e77 /* of float32 cells: the square of the largest, and what rounding may add */

/* tag, required */
#define BF__SECTION_LIST(X) \
  X(SCHM, true)             \
  X(COLS, true)             \
  X(COVA, true)             \
  X(CENT, true)             \
  X(PART, true)             \
  X(RAWM, false)            \
  X(NAMS, false)            \
  X(WORD, false)            \
  X(LABL, false)

typedef enum bf__section {
#define BF__SECTION_ENUM(tag, required) BF__SECTION_##tag,
  BF__SECTION_LIST(BF__SECTION_ENUM)
#undef BF__SECTION_ENUM
      BF__SECTION_COUNT
} bf__section;

/* Checksum of the header's first 16 bytes, and of a section: XXH3 of the payload, seeded with tag and length. */
uint64_t bf__header_checksum(const uint8_t *bytes);
uint64_t bf__section_checksum(const uint8_t *section_header, const uint8_t *payload, size_t n_bytes);
/* Sets all checksums that can be found in n_bytes, so that tests and fuzzers reach what lies behind them. */
void bf__sketch_fix_checksums(uint8_t *bytes, size_t n_bytes);

/* Centroid coordinates are 16-bit codes between the lowest and highest of their column: 0 and 65535 are these
 * themselves. */
uint16_t bf__centroid_code(float x, float low, float high);
float bf__centroid_value(uint16_t code, float low, float high);

/* Section WORD; at most n_words of the words. */
void bf__words_encode(bf__writer *w, const bf__words *words, uint32_t n_words);
/* Reads it and checks what holds of words whatever the rest of the sketch says: sums, order, no word twice, none rarer
 * than min_count. NULL, or what is wrong; *status is BF_ERR_MEMORY where that is. You own *out. */
const char *bf__words_decode(bf__reader *r, uint64_t rows, uint32_t min_count, bf__words **out, bf_status *status,
                             bf_error *err);
/* One byte n and n bytes; read gives false where it is no name. */
void bf__name_encode(bf__writer *w, const char *name);
bool bf__name_decode(bf__reader *r, char out[BF__NAME_BYTES + 1]);

/* Whether raw means are a section of their own (else they are those of the view's columns, or there are none). */
bool bf__has_raw_section(const bf_sketch *sketch);

#endif
