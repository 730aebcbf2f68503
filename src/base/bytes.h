/* Little-endian bytes: a growing writer and a bounded reader. */
#ifndef BESTFIT_SRC_BASE_BYTES_H
#define BESTFIT_SRC_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bf__writer {
  uint8_t *data;
  size_t size, capacity;
  bool failed; /* out of memory: later writes do nothing, check once at the end */
} bf__writer;
void bf__writer_deinit(bf__writer *w);
void bf__write(bf__writer *w, const void *bytes, size_t n);
void bf__write_u8(bf__writer *w, uint8_t v);
void bf__write_u16(bf__writer *w, uint16_t v);
void bf__write_u32(bf__writer *w, uint32_t v);
void bf__write_u64(bf__writer *w, uint64_t v);
void bf__write_f32(bf__writer *w, float v);
void bf__write_f64(bf__writer *w, double v);
void bf__write_varint(bf__writer *w, uint64_t v); /* LEB128 */

typedef struct bf__reader {
  const uint8_t *data;
  size_t size, position;
  bool failed; /* read past the end: later reads give 0, check before use */
} bf__reader;
bf__reader bf__reader_of(const void *data, size_t size);
size_t bf__reader_left(const bf__reader *r);
const uint8_t *bf__read(bf__reader *r, size_t n); /* NULL past the end */
uint8_t bf__read_u8(bf__reader *r);
uint16_t bf__read_u16(bf__reader *r);
uint32_t bf__read_u32(bf__reader *r);
uint64_t bf__read_u64(bf__reader *r);
float bf__read_f32(bf__reader *r);
double bf__read_f64(bf__reader *r);
uint64_t bf__read_varint(bf__reader *r); /* fails above 64 bits */

#endif
