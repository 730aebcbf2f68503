/* Range and counts of the finite cells of many rows, as fast as the double divisions allow.
 *
 * The definition is t = ((double)x - min) / (max - min), bin = min(99, (int)floor(t * 100)); the division is kept,
 * since a multiplication by the reciprocal puts values on a bin's edge into its neighbour. Eight cells go through one
 * block: compare with the range (which also sorts out NaN and infinities), divide, convert; a cell that is not finite
 * gets bin 100, a waste bin. Indices go to a buffer, and the buffer into four interleaved tables, so that runs of equal
 * cells do not wait for their own store.
 *
 * Rows are read where they lie (12 KB each for 32x32x3 images); narrow rows are first gathered to blocks, since a
 * loop's start costs more than a few cells.
 *
 * Vectors are the compilers' generic ones (GCC and clang), lowered to whatever the variant's instruction set has.
 */
#include "measure/raw_histogram.h"

#include <float.h>
#include <string.h>

#include "measure/simd.h"

#define LANES 8u
#define BLOCK 4096u /* cells gathered or indexed at a time */
#define NARROW 512u /* rows below this many cells are gathered */
#define WASTE 100   /* bin of cells that are not finite */
#define TABLE 104u  /* bins of a table, with the waste bin */

typedef float floats __attribute__((vector_size(LANES * 4)));
typedef int32_t ints __attribute__((vector_size(LANES * 4)));
typedef double doubles __attribute__((vector_size(LANES * 8)));

/* --- range ----------------------------------------------------------------------------------------------------------
 */

typedef struct range_state {
  float min[LANES], max[LANES];
} range_state;

static BF_KERNEL void range_body(const float *restrict x, size_t n, range_state *restrict state) {
  floats min, max;
  memcpy(&min, state->min, sizeof min);
  memcpy(&max, state->max, sizeof max);
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    floats v;
    memcpy(&v, x + i, sizeof v);
    ints below = (v < min) & (v >= -FLT_MAX), above = (v > max) & (v <= FLT_MAX); /* NaN compares false */
    min = (floats)(((ints)v & below) | ((ints)min & ~below));
    max = (floats)(((ints)v & above) | ((ints)max & ~above));
  }
  memcpy(state->min, &min, sizeof min);
  memcpy(state->max, &max, sizeof max);
  for (; i < n; ++i) {
    if (x[i] < state->min[0] && x[i] >= -FLT_MAX) state->min[0] = x[i];
    if (x[i] > state->max[0] && x[i] <= FLT_MAX) state->max[0] = x[i];
  }
}
BF_VARIANTS(add_range, range_body, (const float *restrict x, size_t n, range_state *restrict state), (x, n, state))

/* --- counts ---------------------------------------------------------------------------------------------------------
 */

typedef struct count_state {
  double min, width;
  float low; /* min as float32 */
  uint64_t since_flush;
  uint32_t tables[4][TABLE];
} count_state;

static BF_KERNEL int32_t index_of(float x, const count_state *state) {
  if (!(x >= -FLT_MAX && x <= FLT_MAX)) return WASTE;
  double t = ((double)x - state->min) / state->width;
  int32_t bin = (int32_t)(t * 100.0); /* t >= 0: truncation is floor */
  return bin > 99 ? 99 : bin;
}

/* n <= BLOCK cells. */
static BF_KERNEL void counts_body(const float *restrict x, size_t n, count_state *restrict state) {
  int32_t index[BLOCK];
  const ints last = {99, 99, 99, 99, 99, 99, 99, 99}, waste = last + 1;
  const floats low = state->low - (floats){0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    floats v;
    memcpy(&v, x + i, sizeof v);
    ints finite = (v >= -FLT_MAX) & (v <= FLT_MAX);
    v = (floats)(((ints)v & finite) | ((ints)low & ~finite)); /* so that the conversion below is defined */
    doubles t = (__builtin_convertvector(v, doubles) - state->min) / state->width;
    ints bin = __builtin_convertvector(t * 100.0, ints);
    ints over = bin > last;
    bin = (last & over) | (bin & ~over);
    bin = (bin & finite) | (waste & ~finite);
    memcpy(index + i, &bin, sizeof bin);
  }
  for (; i < n; ++i) index[i] = index_of(x[i], state);
  for (i = 0; i + 4 <= n; i += 4) {
    ++state->tables[0][index[i]];
    ++state->tables[1][index[i + 1]];
    ++state->tables[2][index[i + 2]];
    ++state->tables[3][index[i + 3]];
  }
  for (; i < n; ++i) ++state->tables[0][index[i]];
}
BF_VARIANTS(add_counts, counts_body, (const float *restrict x, size_t n, count_state *restrict state), (x, n, state))

static void flush(count_state *state, uint64_t bins[BF__PAPER_BINS]) {
  for (size_t b = 0; b < BF__PAPER_BINS; ++b) {
    for (size_t t = 0; t < 4; ++t) bins[b] += state->tables[t][b];
  }
  memset(state->tables, 0, sizeof state->tables);
  state->since_flush = 0;
}

/* --- walking rows ---------------------------------------------------------------------------------------------------
 */

typedef struct walker {
  const bf__row_range *rows;
  uint64_t next;
  uint32_t column; /* wide rows are cut to blocks */
  float block[BLOCK];
} walker;

/* The next run of at most BLOCK cells, 0 at the end. */
static size_t next_run(walker *w, const float **run) {
  const bf__row_range *rows = w->rows;
  uint32_t d = rows->n_columns;
  if (w->next >= rows->n_rows || d == 0) return 0;
  if (d >= NARROW || !rows->order) {
    uint64_t row = rows->order ? rows->order[w->next] : rows->first_row + w->next;
    *run = rows->cells + row * d + w->column;
    uint64_t left = rows->order ? d - w->column : (rows->n_rows - w->next) * d - w->column;
    size_t n = left < BLOCK ? (size_t)left : BLOCK;
    uint64_t at = w->column + (uint64_t)n;
    w->next += at / d;
    w->column = (uint32_t)(at % d);
    return n;
  }
  size_t n = 0;
  while (w->next < rows->n_rows && n + d <= BLOCK) {
    memcpy(w->block + n, rows->cells + rows->order[w->next++] * d, d * sizeof *w->block);
    n += d;
  }
  *run = w->block;
  return n;
}

bf__cell_range bf__raw_range(const bf__row_range *rows) {
  range_state state;
  for (size_t i = 0; i < LANES; ++i) {
    state.min[i] = __builtin_inff();
    state.max[i] = -__builtin_inff();
  }
  walker w = {.rows = rows};
  const float *run = NULL;
  for (size_t n = next_run(&w, &run); n > 0; n = next_run(&w, &run)) add_range(run, n, &state);
  bf__cell_range out = {state.min[0], state.max[0], false};
  for (size_t i = 1; i < LANES; ++i) {
    if (state.min[i] < out.min) out.min = state.min[i];
    if (state.max[i] > out.max) out.max = state.max[i];
  }
  out.any = out.min <= out.max;
  return out;
}

void bf__raw_counts(const bf__row_range *rows, bf__cell_range range, uint64_t bins[BF__PAPER_BINS]) {
  if (!range.any) return;
  count_state state = {.min = (double)range.min, .width = (double)range.max - (double)range.min, .low = range.min};
  if (!(state.width > 0.0)) state.width = 1.0; /* constant: every t is 0 */
  walker w = {.rows = rows};
  const float *run = NULL;
  for (size_t n = next_run(&w, &run); n > 0; n = next_run(&w, &run)) {
    add_counts(run, n, &state);
    state.since_flush += n;
    if (state.since_flush > UINT32_MAX / 2) flush(&state, bins);
  }
  flush(&state, bins);
}
