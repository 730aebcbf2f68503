/* Text: the words of a row are hashed to 2^15 cells (Weinberger et al. 2009, without their signs, which the projection
 * brings), counts become ln(1 + count), the row is scaled to unit norm, so that long and short texts compare, and
 * projected by the same random signs as wide features.
 *
 * Token: what tells its part of speech (Ratnaparkhi 1996): the lower-cased word, suffixes of 1 to 4 and prefixes of 2
 * and 3 characters where it has as many, and its shape, where runs of capitals are X, of other letters x, of digits d,
 * and of any other character that character once. Each feature is hashed with its number as seed, so that the suffix
 * "ed" is not the word "ed".
 *
 * Letters here are lower-cased by a small table of our own (ASCII, Latin, Greek, Cyrillic), since a sketch must not
 * change with a library's version of Unicode. */
#include "sketch/view_text.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "sketch/moments.h"
#include "sketch/view.h"

#define TILE 256u
#define TOKEN_CHARACTERS 64u /* of a longer token, the first and last half of them */
#define TOKEN_FEATURES 8u

void bf__text_cells_add(bf__text_cells *cells, uint64_t hash) {
  uint32_t cell = (uint32_t)(hash >> (64 - BF__TEXT_CELL_BITS));
  if (cells->counts[cell]++ == 0) cells->touched[cells->n++] = (uint16_t)cell;
}

void bf__text_cells_project(const bf__kernels *kernels, bf__text_cells *cells, double scale, size_t n_columns,
                            float *out) {
  double sums[BF__PROJECTED_COLUMNS] = {0}, x[TILE], squares = 0;
  float counts[TILE];
  uint64_t bits[TILE];
  for (uint32_t first = 0; first < cells->n; first += TILE) {
    uint32_t n = cells->n - first < TILE ? cells->n - first : TILE;
    for (uint32_t i = 0; i < n; i++) {
      uint32_t cell = cells->touched[first + i];
      counts[i] = (float)cells->counts[cell];
      bits[i] = bf__projection_signs(cell);
      cells->counts[cell] = 0;
    }
    kernels->log_cells(counts, n, x);
    for (uint32_t i = 0; i < n; i++) squares += x[i] * x[i];
    kernels->project_bits(x, bits, n, n_columns, sums);
  }
  const double factor = cells->n ? scale * 0.125 / sqrt(squares) : 0.0;
  for (size_t j = 0; j < n_columns; j++) out[j] = bf__to_float(sums[j] * factor);
  cells->n = 0;
}

/* --- tokens ---------------------------------------------------------------------------------------------------- */

/* The lower-case letter of a capital, else the character itself. */
static uint32_t lower(uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f)) return c + 32;
  if (c >= 0x400 && c <= 0x40f) return c + 80;
  if (((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) && c % 2) return c + 1;
  bool pairs = (c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481) ||
               (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f) || (c >= 0x1e00 && c <= 0x1e95) ||
               (c >= 0x1ea0 && c <= 0x1eff);
  return pairs && c % 2 == 0 && c != 0x130 && c != 0x138 && c != 0x482 ? c + 1 : c;
}

static bool is_letter(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= 0xc0 && c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x2bff) && !(c >= 0x3000 && c <= 0x3004));
}

static uint32_t shape_of(uint32_t c) {
  if (c >= '0' && c <= '9') return 'd';
  return !is_letter(c) ? c : lower(c) != c ? 'X' : 'x';
}

/* The next character; a byte that begins none is a character of its own. */
static uint32_t next_character(const uint8_t *s, size_t n, size_t *used) {
  uint32_t c = s[0];
  size_t more = c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc0 && c < 0xe0 ? 1 : 0;
  *used = 1;
  if (more == 0 || more >= n) return c;
  uint32_t character = c & (0x3fu >> more);
  for (size_t i = 1; i <= more; i++) {
    if ((s[i] & 0xc0) != 0x80) return c;
    character = character << 6 | (s[i] & 0x3f);
  }
  *used = more + 1;
  return character;
}

/* The token's characters, lower-cased, and its shape. A token of more than 64 characters keeps the first and the
 * last 32. */
typedef struct spelling {
  uint32_t characters[TOKEN_CHARACTERS], shape[TOKEN_CHARACTERS];
  size_t n, n_shape;
} spelling;

static void spell(const bf_string *token, spelling *s) {
  const uint8_t *bytes = (const uint8_t *)token->bytes;
  uint32_t last_shape = UINT32_MAX;
  s->n = s->n_shape = 0;
  for (size_t i = 0, used; bytes && i < token->n_bytes; i += used) {
    uint32_t c = next_character(bytes + i, token->n_bytes - i, &used), shape = shape_of(c);
    if (s->n == TOKEN_CHARACTERS) {
      const size_t half = TOKEN_CHARACTERS / 2;
      memmove(s->characters + half, s->characters + half + 1, (half - 1) * sizeof *s->characters);
      s->n--;
    }
    s->characters[s->n++] = lower(c);
    if (shape != last_shape && s->n_shape < TOKEN_CHARACTERS) s->shape[s->n_shape++] = shape;
    last_shape = shape;
  }
}

void bf__view_token(const bf__kernels *kernels, const bf_string *token, float *out) {
  enum { WORD = 1, SUFFIX = 1, PREFIX = 4, SHAPE = 8 }; /* seeds: suffixes 2 .. 5, prefixes 6 and 7 */
  spelling s;
  spell(token, &s);
  uint64_t bits[TOKEN_FEATURES];
  double x[TOKEN_FEATURES], sums[BF__TEXT_COLUMNS] = {0};
  size_t n = 0;
  const size_t size = sizeof *s.characters;
  uint64_t hashes[TOKEN_FEATURES];
  hashes[n++] = bf__xxh64(s.characters, s.n * size, WORD);
  for (size_t k = 1; k <= 4 && k <= s.n; k++) hashes[n++] = bf__xxh64(s.characters + s.n - k, k * size, SUFFIX + k);
  for (size_t k = 2; k <= 3 && k <= s.n; k++) hashes[n++] = bf__xxh64(s.characters, k * size, PREFIX + k);
  hashes[n++] = bf__xxh64(s.shape, s.n_shape * size, SHAPE);
  for (size_t i = 0; i < n; i++) {
    bits[i] = bf__projection_signs(hashes[i] >> (64 - BF__TEXT_CELL_BITS));
    x[i] = 1.0;
  }
  kernels->project_bits(x, bits, n, BF__TEXT_COLUMNS, sums);
  for (size_t j = 0; j < BF__TEXT_COLUMNS; j++) out[j] = bf__to_float(sums[j] * 0.125 / sqrt((double)n));
}
