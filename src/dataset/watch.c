/* Columns that a user may not mean as features: constant ones, identifiers and free text.
 *
 * A column stays a candidate for `constant` until a second value is seen, and only candidates are looked at, so that
 * the cost is a few comparisons a column on ordinary data. An identifier is a column of the first batch whose values
 * are whole, strictly ascending and many, or whole and named like one; or a column of strings in which nearly every
 * value of the first batch is another. Such strings of several words are free text. All are warnings, never decisions.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/memory.h"
#include "dataset/dataset_internal.h"

#define MIN_IDENTIFIER_ROWS 32u
#define NAMED_IN_WARNING 6u
#define LOOKED_AT_STRINGS 2048u
#define STRING_SLOTS 4096u
#define FREE_TEXT_BLANKS 3u /* a value, on average */

struct bf__watch {
  uint32_t *candidates;
  uint32_t n_candidates;
  float *value; /* of candidate i; NaN: none seen */
  uint64_t rows;
};

bf_status bf__watch_create(uint32_t n_columns, bf__watch **out, bf_error *err) {
  *out = NULL;
  bf__watch *w = bf__alloc(1, sizeof *w);
  if (!w) return bf__error_memory(err, sizeof *w);
  w->candidates = bf__alloc(n_columns, sizeof *w->candidates);
  w->value = bf__alloc(n_columns, sizeof *w->value);
  if (!w->candidates || !w->value) {
    bf__watch_free(w);
    return bf__error_memory(err, (size_t)n_columns * 8);
  }
  w->n_candidates = n_columns;
  for (uint32_t i = 0; i < n_columns; i++) {
    w->candidates[i] = i;
    w->value[i] = NAN;
  }
  *out = w;
  return BF_OK;
}

void bf__watch_free(bf__watch *w) {
  if (!w) return;
  free(w->candidates);
  free(w->value);
  free(w);
}

static bool stays_constant(const bf_batch *batch, uint32_t column, float *value) {
  const float *cell = batch->cells + column;
  for (uint32_t i = 0; i < batch->n_rows; i++, cell += batch->n_columns) {
    if (isnan(*cell) || *cell == *value) continue;
    if (!isnan(*value)) return false;
    *value = *cell;
  }
  return true;
}

static bool named_like_identifier(const char *name) {
  static const char *const NAMES[] = {"id",    "_id",        "index", "idx", "row",        "row_id",
                                      "rowid", "row_number", "uuid",  "uid", "unnamed: 0", "column0"};
  for (size_t i = 0; name && i < sizeof NAMES / sizeof NAMES[0]; i++)
    if (strcasecmp(name, NAMES[i]) == 0) return true;
  return false;
}

static bool looks_like_identifier(const bf_batch *batch, uint32_t column, const char *name) {
  bool ascending = batch->n_rows >= MIN_IDENTIFIER_ROWS, named = named_like_identifier(name) && batch->n_rows > 1;
  const float *cell = batch->cells + column;
  for (uint32_t i = 0; i < batch->n_rows && (ascending || named); i++, cell += batch->n_columns) {
    if (!(*cell == floorf(*cell))) return false; /* NaN too */
    if (i && !(*cell > cell[-(ptrdiff_t)batch->n_columns])) ascending = false;
  }
  return ascending || named;
}

/* Values of a column of strings, how many are different, and the blanks in them. */
static void count_strings(const bf_batch *batch, uint32_t column, uint64_t *slots, uint32_t *n_values,
                          uint32_t *n_distinct, uint64_t *n_blanks) {
  *n_values = *n_distinct = 0;
  *n_blanks = 0;
  memset(slots, 0, STRING_SLOTS * sizeof *slots);
  for (uint32_t i = 0; i < batch->n_rows && i < LOOKED_AT_STRINGS; i++) {
    const bf_string *v = &batch->strings[(size_t)i * batch->n_string_columns + column].value;
    if (!v->bytes) continue;
    uint64_t h = bf__xxh64(v->bytes, v->n_bytes, 0) | 1;
    size_t at = (size_t)(h >> 20) & (STRING_SLOTS - 1);
    while (slots[at] && slots[at] != h) at = (at + 1) & (STRING_SLOTS - 1);
    *n_distinct += slots[at] == 0;
    slots[at] = h;
    ++*n_values;
    for (uint32_t k = 0; k < v->n_bytes; k++) *n_blanks += v->bytes[k] == ' ';
  }
}

static void watch_strings(bf_dataset *dataset, const bf_batch *batch) {
  uint64_t *slots = batch->n_string_columns ? bf__alloc(STRING_SLOTS, sizeof *slots) : NULL;
  if (!slots) return; /* a warning less */
  for (uint32_t c = 0; c < batch->n_string_columns; c++) {
    const bf_string *name = &batch->strings[c].name;
    uint32_t n = 0, distinct = 0;
    uint64_t blanks = 0;
    count_strings(batch, c, slots, &n, &distinct, &blanks);
    if (n < MIN_IDENTIFIER_ROWS || (uint64_t)distinct * 20 < (uint64_t)n * 19) continue;
    int shown = name->n_bytes < 80 ? (int)name->n_bytes : 80;
    if (blanks >= (uint64_t)n * FREE_TEXT_BLANKS)
      bf__dataset_warn(dataset,
                       "column \"%.*s\" looks like free text: give --kind text, or leave it out with --drop %.*s",
                       shown, name->bytes, shown, name->bytes);
    else
      bf__dataset_warn(
          dataset,
          "column \"%.*s\" looks like an identifier, since nearly every value is another: leave it out with "
          "drop = %.*s",
          shown, name->bytes, shown, name->bytes);
  }
  free(slots);
}

void bf__watch_batch(bf__watch *w, bf_dataset *dataset, const bf_batch *batch) {
  if (w->rows == 0) {
    watch_strings(dataset, batch);
    for (uint32_t c = 0; c < batch->n_columns; c++) {
      const char *name = dataset->names ? dataset->names[c] : NULL;
      if (!looks_like_identifier(batch, c, name)) continue;
      if (name)
        bf__dataset_warn(dataset, "column \"%.80s\" looks like an identifier: the option --drop leaves it out", name);
      else
        bf__dataset_warn(dataset, "column %u looks like an identifier: the option --drop leaves it out", c);
    }
  }
  w->rows += batch->n_rows;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < w->n_candidates; i++) {
    if (!stays_constant(batch, w->candidates[i], &w->value[i])) continue;
    w->candidates[kept] = w->candidates[i];
    w->value[kept++] = w->value[i];
  }
  w->n_candidates = kept;
}

void bf__watch_end(bf__watch *w, bf_dataset *dataset) {
  if (w->rows < 2 || w->n_candidates == 0) return;
  char list[400] = "";
  size_t used = 0;
  for (uint32_t i = 0; i < w->n_candidates && i < NAMED_IN_WARNING; i++) {
    uint32_t c = w->candidates[i];
    if (dataset->names)
      snprintf(list + used, sizeof list - used, "%s%.50s", i ? ", " : "", dataset->names[c]);
    else
      snprintf(list + used, sizeof list - used, "%s%u", i ? ", " : "", c);
    used += strlen(list + used);
  }
  bool one = w->n_candidates == 1;
  bf__dataset_warn(dataset, "%u column%s constant or empty and tell%s nothing: %s%s", w->n_candidates,
                   one ? " is" : "s are", one ? "s" : "", list, w->n_candidates > NAMED_IN_WARNING ? " …" : "");
}
