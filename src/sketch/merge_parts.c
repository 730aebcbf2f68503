/* How each part of two sketches is put together.
 *
 * Means, variances and covariances: Chan, Golub and LeVeque (1979), as between blocks of rows. In the covariance a
 * missing cell stands at its own side's mean and moves with it to the common one, with cells missing independently of
 * each other; without missing cells nothing is assumed.
 *
 * Quantiles: of the mixture of both step functions, weighted by counts. A stored quantile of rank error e describes its
 * side's distribution to e + 1/126; the mixture does no worse, and a point read off it has that error: 1/126 more a
 * merge.
 *
 * Centroids: the union, in which pairs are joined until 256 are left, each time the pair that adds least to the squared
 * distances within (Ward 1963), on standardised columns.
 *
 * Buckets: bin by bin on the coarser grid, or the one that the wider range needs. */
#include "sketch/merge_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sketch/moments.h"
#include "sketch/partition.h"
#include "sketch/sketch_format.h"
#include "sketch/word_counter.h"

/* --- columns --------------------------------------------------------------------------------------------------- */

/* Point i of column c stands for count / 63 of it: 63 (count_a + count_b) parts in all, of which new point q ends at (q
 * + 1/2) (count_a + count_b). */
static void merge_quantiles(const bf__sketch_column *a, const bf__sketch_column *b, bf__sketch_column *out) {
  size_t i = 0, j = 0;
  uint64_t sum = 0;
  float x = 0;
  const uint64_t count = a->count + b->count; /* <= 2^53: 127 times that fits */
  out->n_quantiles = BF__QUANTILES;
  for (uint64_t q = 0; q < BF__QUANTILES; q++) {
    while (2 * sum < (2 * q + 1) * count) {
      bool take_a = j == b->n_quantiles || (i < a->n_quantiles && a->quantiles[i] <= b->quantiles[j]);
      x = take_a ? a->quantiles[i++] : b->quantiles[j++];
      sum += take_a ? a->count : b->count;
    }
    out->quantiles[q] = x;
  }
}

static void merge_column(const bf__sketch_column *a, const bf__sketch_column *b, bf__sketch_column *out) {
  memcpy(out->name, a->name, sizeof out->name);
  const uint64_t missing = a->missing + b->missing;
  if (a->count == 0 || b->count == 0) {
    *out = a->count ? *a : *b;
    out->missing = missing;
    return;
  }
  const double na = (double)a->count, nb = (double)b->count, n = na + nb, d = b->mean - a->mean;
  out->count = a->count + b->count;
  out->missing = missing;
  out->min = a->min < b->min ? a->min : b->min;
  out->max = a->max > b->max ? a->max : b->max;
  out->mean = a->mean + d * (nb / n);
  const double low = a->mean < b->mean ? a->mean : b->mean, high = a->mean < b->mean ? b->mean : a->mean;
  if (out->mean < low) out->mean = low;
  if (out->mean > high) out->mean = high;
  out->variance = (a->variance * na + b->variance * nb + d * d * (na * nb / n)) / n;
  if (out->variance > BF__MAX_VARIANCE) out->variance = BF__MAX_VARIANCE;
  merge_quantiles(a, b, out);
}

/* Sum over one side's rows of the products of deviations from the common means. */
static double side_products(const bf_sketch *s, size_t at, size_t j, size_t k, const bf_sketch *out) {
  const bf__sketch_column *cj = &s->columns[j], *ck = &s->columns[k];
  const double rows = (double)s->view_rows;
  if (cj->count == 0 || ck->count == 0) return 0.0;
  double both = j == k ? (double)cj->count : (double)cj->count * ((double)ck->count / rows);
  double products = j == k ? cj->variance * (double)cj->count : (double)s->covariance[at] * rows;
  return products + (cj->mean - out->columns[j].mean) * (ck->mean - out->columns[k].mean) * both;
}

bf_status bf__merge_view(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err) {
  const size_t n = out->n_columns;
  out->columns = bf__alloc(n, sizeof *out->columns);
  out->left_out = bf__alloc(n, sizeof *out->left_out);
  out->means = bf__alloc(n, sizeof *out->means);
  out->covariance = bf__alloc(n * (n + 1) / 2, sizeof *out->covariance);
  if (!out->columns || !out->left_out || !out->means || !out->covariance)
    return bf__error_memory(err, n * sizeof *out->columns);
  size_t at = 0;
  for (size_t j = 0; j < n; j++) {
    merge_column(&a->columns[j], &b->columns[j], &out->columns[j]);
    out->means[j] = bf__to_float(out->columns[j].mean);
    out->left_out[j] = out->columns[j].missing > out->view_rows / 2;
    for (size_t k = 0; k <= j; k++, at++) {
      if (out->left_out[j] || out->left_out[k] || out->view_rows == 0) continue;
      double sum = side_products(a, at, j, k, out) + side_products(b, at, j, k, out);
      out->covariance[at] = bf__to_float(j == k && sum < 0 ? 0.0 : sum / (double)out->view_rows);
    }
  }
  return BF_OK;
}

/* --- centroids ------------------------------------------------------------------------------------------------- */

typedef struct joining {
  size_t n, n_columns;
  double *places;  /* [n][n_columns] standardised */
  double *weights; /* [n]; 0: joined to another */
  double *costs;   /* [n] of the cheapest partner with a higher number */
  size_t *partner;
} joining;

static double cost_of(const joining *m, size_t i, size_t j) {
  double sum = 0;
  for (size_t c = 0; c < m->n_columns; c++) {
    double d = m->places[i * m->n_columns + c] - m->places[j * m->n_columns + c];
    sum += d * d;
  }
  return sum * (m->weights[i] * m->weights[j] / (m->weights[i] + m->weights[j]));
}

static void find_partner(joining *m, size_t i) {
  m->costs[i] = INFINITY;
  m->partner[i] = m->n;
  for (size_t j = i + 1; j < m->n; j++) {
    if (m->weights[j] <= 0) continue;
    double cost = cost_of(m, i, j);
    if (cost < m->costs[i]) {
      m->costs[i] = cost;
      m->partner[i] = j;
    }
  }
}

/* Joins the cheapest pair, the first of equals, into the lower number. */
static void join_pair(joining *m) {
  size_t i = m->n;
  for (size_t k = 0; k < m->n; k++) {
    if (m->weights[k] > 0 && m->partner[k] < m->n && (i == m->n || m->costs[k] < m->costs[i])) i = k;
  }
  if (i == m->n) return;
  const size_t j = m->partner[i];
  const double share = m->weights[j] / (m->weights[i] + m->weights[j]);
  for (size_t c = 0; c < m->n_columns; c++) {
    double *place = &m->places[i * m->n_columns + c];
    *place += (m->places[j * m->n_columns + c] - *place) * share;
  }
  m->weights[i] += m->weights[j];
  m->weights[j] = 0;
  for (size_t k = 0; k < m->n; k++) {
    if (m->weights[k] <= 0) continue;
    if (k == i || m->partner[k] == i || m->partner[k] == j) {
      find_partner(m, k);
    } else if (k < i) {
      double cost = cost_of(m, k, i);
      if (cost < m->costs[k] || (!(cost > m->costs[k]) && i < m->partner[k])) {
        m->costs[k] = cost;
        m->partner[k] = i;
      }
    }
  }
}

static void fill_places(joining *m, const bf_sketch *s, size_t first, const bf_sketch *out) {
  double sum = 0;
  for (uint32_t i = 0; i < s->n_centroids; i++) sum += (double)s->centroid_rows[i];
  for (size_t i = 0; i < s->n_centroids; i++) {
    m->weights[first + i] = (double)s->centroid_rows[i] / sum * (double)s->view_rows;
    for (size_t j = 0; j < m->n_columns; j++) {
      const double deviation = sqrt(out->columns[j].variance);
      double x = (double)(s->left_out[j] || out->left_out[j] ? out->means[j] : s->centroids[i * m->n_columns + j]);
      m->places[(first + i) * m->n_columns + j] = deviation > 0 ? (x - out->columns[j].mean) / deviation : 0.0;
    }
  }
}

/* Rows of the sample that a sketch of all rows would have, shared by weight, at least one each. */
static void write_rows(const joining *m, bf_sketch *out) {
  const uint64_t rows = out->view_rows < BF__SAMPLE_ROWS ? out->view_rows : BF__SAMPLE_ROWS;
  double total = 0, sum = 0;
  uint64_t given = 0;
  size_t at = 0, left = out->n_centroids;
  for (size_t i = 0; i < m->n; i++) total += m->weights[i];
  for (size_t i = 0; i < m->n; i++) {
    if (m->weights[i] <= 0) continue;
    sum += m->weights[i];
    left--;
    uint64_t until = (uint64_t)(sum / total * (double)rows + 0.5); /* shares add up by rounding their sums */
    if (until <= given) until = given + 1;
    if (until > rows - left) until = rows - left;
    out->centroid_rows[at++] = (uint32_t)(until - given);
    given = until;
  }
}

static void write_places(const joining *m, bf_sketch *out) {
  size_t at = 0;
  for (size_t i = 0; i < m->n; i++) {
    if (m->weights[i] <= 0) continue;
    for (size_t j = 0; j < m->n_columns; j++, at++) {
      const bf__sketch_column *c = &out->columns[j];
      out->centroids[at] = bf__to_float(c->mean + m->places[i * m->n_columns + j] * sqrt(c->variance));
    }
  }
}

bf_status bf__merge_centroids(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err) {
  bf_status status = BF_OK;
  joining m = {.n = (size_t)a->n_centroids + b->n_centroids, .n_columns = out->n_columns};
  if (m.n == 0) return BF_OK;
  size_t left = m.n < BF__MAX_CENTROIDS ? m.n : BF__MAX_CENTROIDS;
  m.places = bf__alloc(m.n * m.n_columns, sizeof *m.places);
  m.weights = bf__alloc(m.n, sizeof *m.weights);
  m.costs = bf__alloc(m.n, sizeof *m.costs);
  m.partner = bf__alloc(m.n, sizeof *m.partner);
  out->centroids = bf__alloc(left * m.n_columns, sizeof *out->centroids);
  out->centroid_rows = bf__alloc(left, sizeof *out->centroid_rows);
  if (!m.places || !m.weights || !m.costs || !m.partner || !out->centroids || !out->centroid_rows) {
    status = bf__error_memory(err, m.n * m.n_columns * sizeof *m.places);
    goto out;
  }
  fill_places(&m, a, 0, out);
  fill_places(&m, b, a->n_centroids, out);
  if (m.n > left) {
    for (size_t i = 0; i < m.n; i++) find_partner(&m, i);
    for (size_t n = m.n; n > left; n--) join_pair(&m);
  }
  out->n_centroids = (uint32_t)left;
  write_rows(&m, out);
  write_places(&m, out);
out:
  free(m.places);
  free(m.weights);
  free(m.costs);
  free(m.partner);
  return status;
}

/* --- buckets --------------------------------------------------------------------------------------------------- */

static bf_status merge_partition(const bf__partition *a, const bf__partition *b, bf__partition *out, bf_error *err) {
  uint64_t counts[BF__PARTITION_BINS];
  const bf__partition *sides[2] = {a, b}, *full = a->count ? a : b;
  out->rows = a->rows + b->rows;
  out->count = a->count + b->count;
  if (out->count == 0) return BF_OK;
  out->min = full->min;
  out->max = full->max;
  out->exponent = full->exponent;
  if (a->count && b->count) {
    out->min = a->min < b->min ? a->min : b->min;
    out->max = a->max > b->max ? a->max : b->max;
    out->exponent = bf__grid_exponent(out->min, out->max);
    if (a->exponent > out->exponent) out->exponent = a->exponent;
    if (b->exponent > out->exponent) out->exponent = b->exponent;
  }
  out->base = bf__grid_floor(out->min, out->exponent);
  out->n_bins = (uint32_t)bf__grid_bins(out->min, out->max, out->exponent);
  out->lattice = true;
  out->counts = bf__alloc(out->n_bins, sizeof *out->counts);
  if (!out->counts) return bf__error_memory(err, out->n_bins * sizeof *out->counts);
  for (size_t s = 0; s < 2; s++) {
    if (sides[s]->count == 0) continue;
    bf__partition p = {.counts = counts};
    bf__partition_coarsen(sides[s], out->exponent, &p);
    for (uint32_t i = 0; i < p.n_bins; i++) out->counts[(size_t)(p.base - out->base) + i] += counts[i];
    out->lattice = out->lattice && p.lattice;
  }
  return BF_OK;
}

bf_status bf__merge_partitions(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err) {
  static const bf__partition none;
  if (a->n_partitions == 0 && b->n_partitions == 0) return BF_OK;
  out->partitions = bf__alloc(BF__PARTITIONS, sizeof *out->partitions);
  if (!out->partitions) return bf__error_memory(err, BF__PARTITIONS * sizeof *out->partitions);
  out->n_partitions = BF__PARTITIONS;
  bf_status status = BF_OK;
  for (size_t i = 0; i < BF__PARTITIONS && status == BF_OK; i++) {
    status = merge_partition(a->n_partitions ? &a->partitions[i] : &none, b->n_partitions ? &b->partitions[i] : &none,
                             &out->partitions[i], err);
  }
  return status;
}

/* --- words ----------------------------------------------------------------------------------------------------- */

typedef struct merged_word {
  bf__word word;
  uint64_t partitions[BF__WORD_PARTITIONS];
} merged_word;

static int by_frequency(const void *a, const void *b) {
  return bf__word_compare(&((const merged_word *)a)->word, &((const merged_word *)b)->word);
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(((const merged_word *)a)->word.word, ((const merged_word *)b)->word.word);
}

static void append_words(const bf__words *w, merged_word *list) {
  for (uint32_t i = 0; i < w->n_words; i++) {
    list[i].word = w->words[i];
    if (i >= BF__PARTITION_WORDS) continue;
    for (size_t b = 0; b < BF__WORD_PARTITIONS; b++) list[i].partitions[b] = w->partitions[b].counts[i];
  }
}

/* Adds up equal words of list[n]; returns how many are left. */
static size_t add_equal(merged_word *list, size_t n) {
  size_t kept = 0;
  if (n) qsort(list, n, sizeof *list, by_bytes);
  for (size_t i = 0; i < n; i++) {
    if (kept == 0 || strcmp(list[kept - 1].word.word, list[i].word.word) != 0) {
      list[kept++] = list[i];
      continue;
    }
    merged_word *to = &list[kept - 1];
    to->word.count += list[i].word.count;
    to->word.documents += list[i].word.documents;
    for (size_t b = 0; b < BF__WORD_PARTITIONS; b++) to->partitions[b] += list[i].partitions[b];
  }
  if (kept) qsort(list, kept, sizeof *list, by_frequency);
  return kept;
}

/* What a word that a side has not kept may have there. */
static uint64_t most_unkept(const bf__words *w, uint32_t min_count) {
  double listed = (double)w->n_words;
  if (w->total == 0 || (w->lost == 0 && listed >= w->distinct)) return 0; /* all words are kept */
  return w->lost + (w->n_words == BF__WORDS ? w->words[BF__WORDS - 1].count : (uint64_t)min_count - 1);
}

/* Jaccard similarity of the word sets, from the share of equal minima. */
static double similarity(const bf__words *a, const bf__words *b) {
  size_t equal = 0;
  for (size_t i = 0; i < BF__MINHASH; i++) equal += a->minhash[i] == b->minhash[i];
  return (double)equal / (double)BF__MINHASH;
}

static void merge_totals(const bf__words *a, const bf__words *b, uint32_t min_count, bf__words *out) {
  out->total = a->total + b->total;
  out->documents = a->documents + b->documents;
  const uint64_t lost_a = most_unkept(a, min_count), lost_b = most_unkept(b, min_count);
  out->lost = (lost_a > a->lost ? lost_a : a->lost) + (lost_b > b->lost ? lost_b : b->lost);
  if (out->lost > out->total) out->lost = out->total;
  const double more = a->distinct > b->distinct ? a->distinct : b->distinct;
  out->distinct = a->total && b->total ? (a->distinct + b->distinct) / (1.0 + similarity(a, b)) : more;
  if (out->distinct < more) out->distinct = more;
  for (size_t i = 0; i < BF__HASHED_WORDS; i++) out->hashed[i] = a->hashed[i] + b->hashed[i];
  for (size_t i = 0; i < BF__MINHASH; i++)
    out->minhash[i] = a->minhash[i] < b->minhash[i] ? a->minhash[i] : b->minhash[i];
  for (size_t p = 0; p < BF__WORD_PARTITIONS; p++) {
    out->partitions[p].rows = a->partitions[p].rows + b->partitions[p].rows;
    out->partitions[p].total = a->partitions[p].total + b->partitions[p].total;
  }
}

/* The words of a side whose rows had no columns of strings: none, but the rows have their buckets. */
static bf__words *no_words(const bf_sketch *s) {
  bf__words *w = bf__alloc(1, sizeof *w);
  if (!w) return NULL;
  memset(w->minhash, 0xff, sizeof w->minhash);
  w->documents = s->rows;
  for (size_t i = 0; i < s->n_partitions; i++)
    w->partitions[i / (BF__PARTITIONS / BF__WORD_PARTITIONS)].rows += s->partitions[i].rows;
  return w;
}

static void write_merged(const merged_word *list, size_t n, bf__words *w) {
  if (w->distinct < (double)n) w->distinct = (double)n;
  w->n_words = (uint32_t)(n < BF__WORDS ? n : BF__WORDS);
  for (size_t i = 0; i < w->n_words; i++) {
    w->words[i] = list[i].word;
    if (i >= BF__PARTITION_WORDS) continue;
    for (size_t p = 0; p < BF__WORD_PARTITIONS; p++) w->partitions[p].counts[i] = list[i].partitions[p];
  }
}

bf_status bf__merge_words(const bf_sketch *a, const bf_sketch *b, bf_sketch *out, bf_error *err) {
  if (!a->words && !b->words) return BF_OK;
  bf_status status = BF_OK;
  bf__words *none = a->words && b->words ? NULL : no_words(a->words ? b : a);
  const bf__words *side_a = a->words ? a->words : none, *side_b = b->words ? b->words : none;
  merged_word *list = bf__alloc(2 * BF__WORDS, sizeof *list);
  out->words = bf__alloc(1, sizeof *out->words);
  if (out->words) out->words->words = bf__alloc(BF__WORDS, sizeof *out->words->words);
  if (!side_a || !side_b || !list || !out->words || !out->words->words) {
    status = bf__error_memory(err, 2 * BF__WORDS * sizeof *list);
    goto out;
  }
  merge_totals(side_a, side_b, out->min_count, out->words);
  append_words(side_a, list);
  append_words(side_b, list + side_a->n_words);
  write_merged(list, add_equal(list, (size_t)side_a->n_words + side_b->n_words), out->words);
out:
  free(none);
  free(list);
  return status;
}
