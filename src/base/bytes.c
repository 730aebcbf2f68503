#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void bf__writer_deinit(bf__writer *w) {
  free(w->data);
  *w = (bf__writer){0};
}

void bf__write(bf__writer *w, const void *bytes, size_t n) {
  if (w->failed || n == 0) return;
  if (n > w->capacity - w->size) {
    size_t wanted = w->capacity ? w->capacity : 256;
    while (wanted - w->size < n && wanted <= SIZE_MAX / 2) wanted *= 2;
    uint8_t *data = wanted - w->size >= n ? bf__realloc(w->data, wanted, 1) : NULL;
    if (!data) {
      w->failed = true;
      return;
    }
    w->data = data;
    w->capacity = wanted;
  }
  memcpy(w->data + w->size, bytes, n);
  w->size += n;
}

static void write_little(bf__writer *w, uint64_t v, unsigned n) {
  uint8_t bytes[8];
  for (unsigned i = 0; i < n; i++) bytes[i] = (uint8_t)(v >> (8 * i));
  bf__write(w, bytes, n);
}

void bf__write_u8(bf__writer *w, uint8_t v) {
  write_little(w, v, 1);
}
void bf__write_u16(bf__writer *w, uint16_t v) {
  write_little(w, v, 2);
}
void bf__write_u32(bf__writer *w, uint32_t v) {
  write_little(w, v, 4);
}
void bf__write_u64(bf__writer *w, uint64_t v) {
  write_little(w, v, 8);
}

void bf__write_f32(bf__writer *w, float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  bf__write_u32(w, bits);
}

void bf__write_f64(bf__writer *w, double v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  bf__write_u64(w, bits);
}

void bf__write_varint(bf__writer *w, uint64_t v) {
  uint8_t bytes[10];
  size_t n = 0;
  do {
    bytes[n] = (uint8_t)(v & 0x7F);
    v >>= 7;
    if (v) bytes[n] |= 0x80;
    n++;
  } while (v);
  bf__write(w, bytes, n);
}

bf__reader bf__reader_of(const void *data, size_t size) {
  return (bf__reader){.data = data, .size = size};
}

size_t bf__reader_left(const bf__reader *r) {
  return r->failed ? 0 : r->size - r->position;
}

const uint8_t *bf__read(bf__reader *r, size_t n) {
  if (r->failed || n > r->size - r->position) {
    r->failed = true;
    return NULL;
  }
  const uint8_t *at = r->data + r->position;
  r->position += n;
  return at;
}

static uint64_t read_little(bf__reader *r, unsigned n) {
  const uint8_t *at = bf__read(r, n);
  uint64_t v = 0;
  for (unsigned i = 0; at && i < n; i++) v |= (uint64_t)at[i] << (8 * i);
  return v;
}

uint8_t bf__read_u8(bf__reader *r) {
  return (uint8_t)read_little(r, 1);
}
uint16_t bf__read_u16(bf__reader *r) {
  return (uint16_t)read_little(r, 2);
}
uint32_t bf__read_u32(bf__reader *r) {
  return (uint32_t)read_little(r, 4);
}
uint64_t bf__read_u64(bf__reader *r) {
  return read_little(r, 8);
}

float bf__read_f32(bf__reader *r) {
  uint32_t bits = bf__read_u32(r);
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

double bf__read_f64(bf__reader *r) {
  uint64_t bits = bf__read_u64(r);
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

uint64_t bf__read_varint(bf__reader *r) {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte = bf__read_u8(r);
    if (r->failed || (shift == 63 && byte > 1)) break;
    v |= (uint64_t)(byte & 0x7F) << shift;
    if (!(byte & 0x80)) return v;
  }
  r->failed = true;
  return 0;
}
