/* A column's quantile summary read as a distribution.
 *
 * A summary holds the exact minimum and maximum, and 63 quantiles; quantile i stands for rank (i + 0.5) / 63. We read
 * it as a distribution function that is linear between consecutive different points and jumps where a value repeats, so
 * that discrete columns keep their atoms: with edges e_1 < e_2 < … a bin is [e_k, e_k+1), and its mass is P(X < e_k+1)
 * - P(X < e_k). The strict side matters: an edge is itself often an atom (0 in a sparse column), and its mass belongs
 * to the bin on its right.
 *
 * Pooled quantiles come from the mixture of the sources' summaries with equal weight, whatever their numbers of rows:
 * the sorted union of their quantile points. Above 256 sources every seventh point of each is taken (9 of 63, evenly
 * spread), which moves a pooled quantile by far less than the distance of two edges.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure/measure_internal.h"

/* Rank just below and just above point i. A value that repeats is an atom whose ends lie between two points. */
static double rank_below(const bf__sketch_column *column, uint32_t i) {
  bool atom = i + 1 < column->n_quantiles && column->quantiles[i + 1] <= column->quantiles[i];
  return ((double)i + (atom ? 0.0 : 0.5)) / (double)column->n_quantiles;
}

static double rank_above(const bf__sketch_column *column, uint32_t i) {
  bool atom = i > 0 && i < BF__QUANTILES && column->quantiles[i - 1] >= column->quantiles[i];
  return ((double)i + (atom ? 1.0 : 0.5)) / (double)column->n_quantiles;
}

double bf__column_below(const bf__sketch_column *column, double x) {
  uint32_t n = column->n_quantiles;
  if (column->count == 0 || x <= (double)column->min) return 0.0;
  if (x > (double)column->max) return 1.0;
  uint32_t low = 0, high = n; /* the first quantile >= x */
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if ((double)column->quantiles[middle] < x) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  double left = low == 0 ? (double)column->min : (double)column->quantiles[low - 1];
  double left_rank = low == 0 ? 0.0 : rank_above(column, low - 1);
  double right = low == n ? (double)column->max : (double)column->quantiles[low];
  double right_rank = low == n ? 1.0 : rank_below(column, low);
  return left_rank + (right_rank - left_rank) * ((x - left) / (right - left)); /* left < x <= right */
}

double bf__column_quantile(const bf__sketch_column *column, double probability) {
  uint32_t n = column->n_quantiles;
  if (n == 0) return ((double)column->min + (double)column->max) / 2.0;
  double at = probability * (double)n - 0.5;
  if (at <= 0.0) {
    double share = 2.0 * probability * (double)n; /* 0 at the minimum, 1 at the first quantile */
    share = share < 0.0 ? 0.0 : share;
    return (double)column->min + share * ((double)column->quantiles[0] - (double)column->min);
  }
  if (at >= (double)(n - 1)) {
    double share = 2.0 * (at - (double)(n - 1));
    share = share > 1.0 ? 1.0 : share;
    return (double)column->quantiles[n - 1] + share * ((double)column->max - (double)column->quantiles[n - 1]);
  }
  uint32_t i = (uint32_t)at;
  double left = (double)column->quantiles[i], right = (double)column->quantiles[i + 1];
  return left + (at - (double)i) * (right - left);
}

static int compare_floats(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

bf_status bf__pooled_edges(const bf__sketch_column *const *columns, size_t n_columns, double edges[BF__EDGES],
                           bf_error *err) {
  size_t step = n_columns > 256 ? 7 : 1, first = step / 2, n = 0, capacity = 0;
  if (!bf__mul(n_columns, BF__QUANTILES, &capacity)) return bf__error_memory(err, n_columns);
  float *points = bf__alloc(capacity, sizeof *points);
  if (!points) return bf__error_memory(err, capacity * sizeof *points);
  for (size_t i = 0; i < n_columns; ++i) {
    for (size_t j = first; j < columns[i]->n_quantiles; j += step) points[n++] = columns[i]->quantiles[j];
  }
  if (n == 0) {
    free(points);
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "a column has no value in any source");
  }
  qsort(points, n, sizeof *points, compare_floats);
  for (size_t k = 0; k < BF__EDGES; ++k) {
    double at = (double)(k + 1) / (double)BF__BINS * (double)(n - 1);
    size_t i = (size_t)at;
    double left = (double)points[i], right = (double)points[i + 1 < n ? i + 1 : i];
    edges[k] = left + (at - (double)i) * (right - left);
  }
  free(points);
  return BF_OK;
}

void bf__column_masses(const bf__sketch_column *column, const double edges[BF__EDGES], double out[BF__BINS]) {
  double below = 0.0;
  for (size_t k = 0; k < BF__BINS; ++k) {
    double next = k == BF__EDGES ? (column->count > 0 ? 1.0 : 0.0) : bf__column_below(column, edges[k]);
    out[k] = next > below ? next - below : 0.0;
    if (next > below) below = next;
  }
}

void bf__column_bins(const bf__sketch_column *column, const double edges[BF__EDGES], double out[BF__BINS]) {
  double n = (double)column->count;
  bf__column_masses(column, edges, out);
  for (size_t k = 0; k < BF__BINS; ++k) out[k] = (n * out[k] + 0.25) / (n + 0.25 * (double)BF__BINS);
}

const char *bf__column_label(const bf_sketch *sketch, uint32_t column, char buffer[BF__NAME_BYTES + 1]) {
  if (sketch->named && !sketch->projected && sketch->columns[column].name[0] != '\0') {
    memcpy(buffer, sketch->columns[column].name, BF__NAME_BYTES + 1);
    buffer[BF__NAME_BYTES] = '\0';
  } else {
    snprintf(buffer, BF__NAME_BYTES + 1, "%s %u", sketch->projected ? "projection" : "column", column);
  }
  return buffer;
}

static bf_status map_by_name(const bf_sketch *reference, const bf_sketch *other, const char *whom, uint32_t *map,
                             bf_error *err) {
  for (uint32_t i = 0; i < reference->n_columns; ++i) {
    const char *name = reference->columns[i].name;
    uint32_t found = other->n_columns;
    if (i < other->n_columns && strcmp(other->columns[i].name, name) == 0) {
      found = i; /* most often the order is the same */
    } else {
      for (uint32_t j = 0; j < other->n_columns && found == other->n_columns; ++j) {
        if (strcmp(other->columns[j].name, name) == 0) found = j;
      }
    }
    if (found == other->n_columns) {
      return bf__error(err, BF_ERR_MISMATCH, "needs column '%s', which %s lacks", name, whom);
    }
    map[i] = found;
  }
  return BF_OK;
}

bf_status bf__columns_map(const bf_sketch *reference, const bf_sketch *other, const char *whom, uint32_t *map,
                          bf_error *err) {
  if (reference->kind != other->kind) {
    const char *needs = bf_kind_name(reference->kind), *has = bf_kind_name(other->kind);
    return bf__error(err, BF_ERR_MISMATCH, "needs data of kind %s, and %s is of kind %s", needs ? needs : "?", whom,
                     has ? has : "?");
  }
  if (reference->projected != other->projected ||
      (reference->projected && reference->column_list_hash != other->column_list_hash)) {
    return bf__error(
        err, BF_ERR_MISMATCH,
        "has %llu columns in another list than %s (%llu columns); projected views compare only between equal lists",
        (unsigned long long)reference->raw_columns, whom, (unsigned long long)other->raw_columns);
  }
  if (reference->named && other->named && !reference->projected) {
    return map_by_name(reference, other, whom, map, err);
  }
  if (reference->n_columns != other->n_columns) {
    return bf__error(err, BF_ERR_MISMATCH, "needs %u numbered columns, and %s has %u", reference->n_columns, whom,
                     other->n_columns);
  }
  for (uint32_t i = 0; i < reference->n_columns; ++i) map[i] = i;
  return BF_OK;
}
