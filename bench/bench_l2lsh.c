/* What paper-l2lsh finds on real domains: recall, precision and candidates against the exact JS < 0.1.
 *
 *   bench_l2lsh DATA SCRATCH     CSV on stdout; bench/l2lsh-sweep makes table and plot of it
 *
 * The rows of each domain are shuffled (seeded) and cut to partitions of 100. Numbers: the flattened cells of a
 * partition, min-max normalised by themselves, in n_bins equal bins. Words: counts of its words (runs of letters and
 * digits, lower case, four and more: the stop words are short), hashed to n_bins cells. Every partition asks for those
 * of the other domains. Means over five seeds of the hash functions; one parameter moves, the others stay as published.
 */
#include <bestfit/dataset.h>
#include <bestfit/index.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collections.h"

#define PARTITION_ROWS 100u
#define MAX_BINS 400u
#define SEEDS 5
#define SHORTEST_WORD 4

static void fail(const char *what) {
  fprintf(stderr, "bench_l2lsh: %s\n", what);
  exit(1);
}

static void *allocate(size_t n, size_t bytes) {
  void *block = calloc(n ? n : 1, bytes);
  if (!block) fail("out of memory");
  return block;
}

/* ---- domains ---- */

typedef struct domain {
  bf_rows *rows;
  bf_documents *documents;
  uint64_t n_rows;
  uint64_t *order;
} domain;

static uint64_t next_random(uint64_t *state) { /* SplitMix64 */
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static domain load_domain(const bench_domain *from, uint64_t seed) {
  domain d = {0};
  bf_error err = {0};
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.format = from->format;
  if (from->format) { /* words */
    if (bf_documents_load(from->path, &options, &d.documents, &err) != BF_OK) fail(err.message);
    d.n_rows = bf_documents_count(d.documents);
  } else {
    if (bf_rows_load(from->path, &options, &d.rows, &err) != BF_OK) fail(err.message);
    d.n_rows = bf_rows_count(d.rows);
  }
  d.order = allocate(d.n_rows, sizeof *d.order);
  for (uint64_t i = 0; i < d.n_rows; i++) d.order[i] = i;
  for (uint64_t i = d.n_rows; i > 1; i--) {
    uint64_t j = next_random(&seed) % i, kept = d.order[i - 1];
    d.order[i - 1] = d.order[j];
    d.order[j] = kept;
  }
  return d;
}

static void count_cells(const domain *d, uint64_t first, uint32_t n_bins, float *bins) {
  uint32_t width = bf_rows_column_count(d->rows);
  float min = INFINITY, max = -INFINITY;
  for (int pass = 0; pass < 2; pass++)
    for (uint64_t i = first; i < first + PARTITION_ROWS; i++) {
      const float *row = bf_rows_cells(d->rows) + d->order[i] * width;
      for (uint32_t j = 0; j < width; j++) {
        if (!isfinite(row[j])) continue;
        if (pass == 0) {
          min = fminf(min, row[j]);
          max = fmaxf(max, row[j]);
        } else {
          double at = max > min ? ((double)row[j] - min) / ((double)max - min) * n_bins : 0;
          bins[at >= n_bins ? n_bins - 1 : (uint32_t)at] += 1;
        }
      }
    }
}

static void count_words(const domain *d, uint64_t first, uint32_t n_bins, float *bins) {
  for (uint64_t i = first; i < first + PARTITION_ROWS; i++) {
    bf_string text = bf_documents_at(d->documents, d->order[i]);
    uint64_t hash = 0;
    uint32_t length = 0;
    for (uint32_t b = 0; b <= text.n_bytes; b++) {
      unsigned char c = b < text.n_bytes ? (unsigned char)text.bytes[b] : ' ';
      if (isalnum(c) || c >= 128) {
        hash = ((length ? hash : 0xCBF29CE484222325u) ^ (uint64_t)tolower(c)) * 0x100000001B3u; /* FNV-1a */
        length++;
      } else {
        if (length >= SHORTEST_WORD) bins[(next_random(&hash) >> 32) * n_bins >> 32] += 1;
        length = 0;
      }
    }
  }
}

/* ---- partitions ---- */

typedef struct partitions {
  size_t n, capacity;
  uint32_t n_bins;
  uint64_t *domains;
  float *histograms; /* [n][n_bins] */
  float *js;         /* [n][n] exact */
} partitions;

static partitions cut(const domain *domains, size_t n_domains, uint32_t n_bins) {
  partitions p = {.n_bins = n_bins};
  for (size_t d = 0; d < n_domains; d++) p.capacity += domains[d].n_rows / PARTITION_ROWS;
  p.domains = allocate(p.capacity, sizeof *p.domains);
  p.histograms = allocate(p.capacity, n_bins * sizeof *p.histograms);
  for (size_t d = 0; d < n_domains; d++)
    for (uint64_t first = 0; first + PARTITION_ROWS <= domains[d].n_rows; first += PARTITION_ROWS) {
      (domains[d].rows ? count_cells : count_words)(&domains[d], first, n_bins, p.histograms + p.n * n_bins);
      p.domains[p.n++] = d;
    }
  return p;
}

static void judge(partitions *p) {
  double *shares = allocate(p->n * p->n_bins, sizeof *shares);
  p->js = allocate(p->n * p->n, sizeof *p->js);
  for (size_t i = 0; i < p->n; i++) {
    double total = 0;
    for (uint32_t j = 0; j < p->n_bins; j++) total += p->histograms[i * p->n_bins + j];
    for (uint32_t j = 0; j < p->n_bins; j++) shares[i * p->n_bins + j] = p->histograms[i * p->n_bins + j] / total;
  }
  for (size_t a = 0; a < p->n; a++)
    for (size_t b = 0; b < a; b++) {
      const double *x = shares + a * p->n_bins, *y = shares + b * p->n_bins;
      double js = 0;
      for (uint32_t j = 0; j < p->n_bins; j++) {
        if (x[j] > 0) js += x[j] * log(2 * x[j] / (x[j] + y[j])) / 2;
        if (y[j] > 0) js += y[j] * log(2 * y[j] / (x[j] + y[j])) / 2;
      }
      p->js[a * p->n + b] = p->js[b * p->n + a] = (float)js;
    }
  free(shares);
}

static void drop(partitions *p) {
  free(p->domains);
  free(p->histograms);
  free(p->js);
}

/* ---- one setting ---- */

typedef struct tally {
  double pairs, near, candidates, found, right;
} tally;

static void ask(const partitions *p, const bf_index_options *options, double threshold, tally *t) {
  bf_index *index = NULL;
  bf_index_answer *answer = NULL;
  bf_error err = {0};
  if (bf_index_create(options, &index, &err) != BF_OK || bf_index_answer_create(&answer, &err) != BF_OK ||
      bf_index_add(index, p->domains, p->histograms, p->n, &err) != BF_OK)
    fail(err.message);
  for (int verified = 0; verified < 2; verified++) {
    if (bf_index_query(index, p->histograms, p->n, verified ? threshold : INFINITY, answer, &err) != BF_OK)
      fail(err.message);
    for (size_t q = 0; q < p->n; q++) {
      size_t n_matches = 0;
      const bf_index_match *matches = bf_index_answer_matches(answer, q, &n_matches);
      for (size_t i = 0; i < n_matches; i++) {
        if (matches[i].id == p->domains[q]) continue;
        if (!verified) {
          t->candidates++;
        } else {
          t->found++;
          t->right += p->js[q * p->n + matches[i].number] < threshold;
        }
      }
    }
  }
  for (size_t a = 0; a < p->n; a++)
    for (size_t b = 0; b < p->n; b++) {
      if (p->domains[a] == p->domains[b]) continue;
      t->pairs++;
      t->near += p->js[a * p->n + b] < threshold;
    }
  bf_index_answer_free(answer);
  bf_index_free(index);
}

/* A share, or "-" for a share of nothing. */
static void print_share(double part, double whole, char end) {
  if (whole > 0)
    printf("%.4f%c", part / whole, end);
  else
    printf("-%c", end);
}

static void measure(const char *collection, const char *moved, double value, const partitions *p,
                    bf_index_options options) {
  tally t = {0};
  options.n_bins = p->n_bins;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    options.seed = seed;
    ask(p, &options, strcmp(moved, "t") == 0 ? value : BF_INDEX_DEFAULT_THRESHOLD, &t);
  }
  printf("%s,%s,%g,%zu,", collection, moved, value, p->n);
  print_share(t.near, t.pairs, ',');
  print_share(t.found, t.near, ',');
  print_share(t.right, t.found, ',');
  print_share(t.found, t.candidates, ',');
  print_share(t.candidates, t.pairs, '\n');
}

/* Microseconds a query, one a call, by the tables and by a scan: on stderr. */
static void compare_times(const char *collection, const partitions *p) {
  bf_index_options options = BF_INDEX_OPTIONS_INIT;
  bf_index *index = NULL;
  bf_index_answer *answer = NULL;
  bf_error err = {0};
  options.n_bins = p->n_bins;
  if (bf_index_create(&options, &index, &err) != BF_OK || bf_index_answer_create(&answer, &err) != BF_OK ||
      bf_index_add(index, p->domains, p->histograms, p->n, &err) != BF_OK)
    fail(err.message);
  double best[2] = {INFINITY, INFINITY};
  for (int round = 0; round < 10; round++) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (size_t q = 0; q < p->n; q++)
      if ((round % 2 ? bf_index_scan : bf_index_query)(index, p->histograms + q * p->n_bins, 1,
                                                       BF_INDEX_DEFAULT_THRESHOLD, answer, &err) != BF_OK)
        fail(err.message);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double spent = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
    best[round % 2] = fmin(best[round % 2], spent / (double)p->n * 1e6);
  }
  fprintf(stderr, "%s, %zu partitions: a query by the tables %.1f us, by a scan %.1f us\n", collection, p->n, best[0],
          best[1]);
  bf_index_answer_free(answer);
  bf_index_free(index);
}

static void sweep(const char *name, const domain *domains, size_t n) {
  static const double WIDTHS[] = {0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 3.0};
  static const uint32_t HASHES[] = {1, 2, 4, 6, 8, 11, 14, 17, 20}, TABLES[] = {1, 2, 5, 10, 20, 30, 46, 70, 100},
                        BINS[] = {10, 20, 50, 100, 200, MAX_BINS};
  static const double THRESHOLDS[] = {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2};
  const bf_index_options published = BF_INDEX_OPTIONS_INIT;
  bf_index_options options;
  partitions p = cut(domains, n, 100);
  judge(&p);
  measure(name, "published", 0, &p, published);
  compare_times(name, &p);
  for (size_t i = 0; i < sizeof WIDTHS / sizeof *WIDTHS; i++) {
    options = published;
    options.width = WIDTHS[i];
    measure(name, "r", WIDTHS[i], &p, options);
  }
  for (size_t i = 0; i < sizeof HASHES / sizeof *HASHES; i++) {
    options = published;
    options.n_hashes = HASHES[i];
    measure(name, "K", HASHES[i], &p, options);
  }
  for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
    options = published;
    options.n_tables = TABLES[i];
    measure(name, "L", TABLES[i], &p, options);
  }
  for (size_t i = 0; i < sizeof THRESHOLDS / sizeof *THRESHOLDS; i++) measure(name, "t", THRESHOLDS[i], &p, published);
  drop(&p);
  for (size_t i = 0; i < sizeof BINS / sizeof *BINS; i++) {
    p = cut(domains, n, BINS[i]);
    judge(&p);
    measure(name, "bins", BINS[i], &p, published);
    drop(&p);
  }
}

int main(int argc, char **argv) {
  static const char *const COLLECTIONS[] = {"har_across", "sentiment", "pos"};
  if (argc != 3) fail("usage: bench_l2lsh DATA SCRATCH");
  puts("collection,moved,value,partitions,near,recall,precision,kept,looked_at");
  for (size_t c = 0; c < sizeof COLLECTIONS / sizeof *COLLECTIONS; c++) {
    static bench_collection collection;
    domain domains[BENCH_MAX_DOMAINS];
    if (!bench_collection_make(COLLECTIONS[c], argv[1], argv[2], &collection)) return 1;
    for (size_t d = 0; d < collection.n; d++) domains[d] = load_domain(&collection.domains[d], d + 1);
    sweep(COLLECTIONS[c], domains, collection.n);
    for (size_t d = 0; d < collection.n; d++) {
      bf_rows_free(domains[d].rows);
      bf_documents_free(domains[d].documents);
      free(domains[d].order);
    }
  }
  return 0;
}
