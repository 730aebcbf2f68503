/* The words of a dataset.
 *
 * Rows are cut into pieces by their content alone (1,024 rows, or the row that reaches 256 KiB), each piece gets a
 * table of its own, and tables are added to 16 shards by hash, in parallel over shards and in the order of the pieces.
 * So nothing depends on threads or on batches.
 *
 * Memory is bounded as in lossy counting (Manku and Motwani 2002): when a shard holds more than 16,384 words at the end
 * of a piece, the rarest are forgotten until half of that is left, and the largest count so forgotten is remembered; a
 * word that comes (again) later carries it as what it may have lost. Every forgetting that raises the bound by d is
 * paid for by d occurrences of each of more than 8,192 words, each counted once, so that the bound of a shard never
 * exceeds 1/8,192 of its words. 16 shards hold some 260,000 words; with fewer than 240,000 different ones nothing is
 * lost, but for a chance below 1e-9 of hashes that crowd one shard.
 *
 * The number of different words is exact until something was forgotten; then HyperLogLog (Flajolet et al. 2007) with
 * 2^14 registers, whose standard error is 0.8 %. 128 minima over the hashes of different words are Broder's (1997)
 * min-wise sketch. */
#include "sketch/word_counter.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/thread.h"
#include "sketch/partition.h"
#include "sketch/word_table.h"

#define SHARDS 16u
#define SHARD_WORDS 16384u
#define FETCHED 6u /* words ahead */
#define REGISTER_BITS 14u
#define REGISTERS (1u << REGISTER_BITS)

struct bf__word_piece {
  bf__word_table table;
  uint32_t *order; /* entries by shard */
  size_t order_capacity;
  size_t starts[SHARDS + 1];
  uint64_t seed, row, row_words, rows, total;
  uint32_t bucket;
  uint64_t bucket_rows[BF__WORD_PARTITIONS], bucket_total[BF__WORD_PARTITIONS];
  bool failed, complete;
};

typedef struct shard {
  bf__word_table table;
  uint64_t lost; /* largest count that was forgotten */
  uint64_t minhash[BF__MINHASH];
  bool failed;
} shard;

struct bf__word_counter {
  uint64_t seed, rows, total;
  uint64_t bucket_rows[BF__WORD_PARTITIONS], bucket_total[BF__WORD_PARTITIONS];
  uint64_t hashed[BF__HASHED_WORDS]; /* a shard owns those of its hashes, as of the registers */
  uint8_t registers[REGISTERS];
  uint64_t mixed[BF__MINHASH];
  shard shards[SHARDS];
  size_t n_pieces, n_merging;
  bf__word_piece pieces[];
};

static void mix_numbers(uint64_t *mixed) {
  for (uint64_t i = 0; i < BF__MINHASH; i++) {
    uint64_t z = i + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    mixed[i] = z ^ (z >> 31);
  }
}

bf_status bf__word_counter_create(uint64_t seed, uint32_t n_pieces, bf__word_counter **out, bf_error *err) {
  size_t n_bytes = sizeof(bf__word_counter) + n_pieces * sizeof(bf__word_piece);
  *out = bf__alloc(1, n_bytes);
  if (!*out) return bf__error_memory(err, n_bytes);
  (*out)->seed = seed;
  (*out)->n_pieces = n_pieces;
  mix_numbers((*out)->mixed);
  for (size_t s = 0; s < SHARDS; s++) memset((*out)->shards[s].minhash, 0xff, sizeof(*out)->shards[s].minhash);
  return BF_OK;
}

void bf__word_counter_free(bf__word_counter *c) {
  if (!c) return;
  for (size_t i = 0; i < c->n_pieces; i++) {
    bf__word_table_deinit(&c->pieces[i].table);
    free(c->pieces[i].order);
  }
  for (size_t s = 0; s < SHARDS; s++) bf__word_table_deinit(&c->shards[s].table);
  free(c);
}

uint32_t bf__word_bucket_of_row(uint64_t seed, uint64_t row) {
  return bf__bucket_of_row(seed, row) / (BF__PARTITIONS / BF__WORD_PARTITIONS);
}

int bf__word_compare(const bf__word *a, const bf__word *b) {
  if (a->count != b->count) return a->count < b->count ? 1 : -1;
  return strcmp(a->word, b->word);
}

/* --- a piece --------------------------------------------------------------------------------------------------- */

bf__word_piece *bf__word_counter_piece(bf__word_counter *c, size_t i) {
  bf__word_piece *p = &c->pieces[i];
  bf__word_table_clear(&p->table);
  p->seed = c->seed;
  p->rows = p->total = 0;
  memset(p->bucket_rows, 0, sizeof p->bucket_rows);
  memset(p->bucket_total, 0, sizeof p->bucket_total);
  p->failed = false;
  return p;
}

void bf__word_piece_row(bf__word_piece *p, uint64_t row) {
  p->row = row + 1;
  p->row_words = 0;
  p->bucket = bf__word_bucket_of_row(p->seed, row);
  p->rows++;
  p->bucket_rows[p->bucket]++;
}

bool bf__word_piece_add(bf__word_piece *p, uint64_t hash, const char *word, size_t n) {
  if (p->row_words == BF__ROW_WORDS || p->failed) return false;
  bf__word_entry *e = bf__word_table_get(&p->table, hash, word, n);
  if (!e) {
    p->failed = true;
    return false;
  }
  p->row_words++;
  p->total++;
  p->bucket_total[p->bucket]++;
  e->count++;
  e->buckets[p->bucket]++;
  e->documents += e->row != p->row;
  e->row = p->row;
  return true;
}

static size_t shard_of(uint64_t hash) {
  return (size_t)(hash >> 60);
}

void bf__word_piece_end(bf__word_piece *p, bool complete) {
  const bf__word_table *t = &p->table;
  p->complete = complete;
  memset(p->starts, 0, sizeof p->starts);
  if (p->order_capacity < t->n) {
    uint32_t *order = bf__realloc(p->order, t->n, sizeof *order);
    if (!order) {
      p->failed = true;
      return;
    }
    p->order = order;
    p->order_capacity = t->n;
  }
  for (size_t i = 0; i < t->n; i++) p->starts[shard_of(t->entries[i].hash) + 1]++;
  for (size_t s = 0; s < SHARDS; s++) p->starts[s + 1] += p->starts[s];
  size_t next[SHARDS];
  memcpy(next, p->starts, sizeof next);
  for (size_t i = 0; i < t->n; i++) p->order[next[shard_of(t->entries[i].hash)]++] = (uint32_t)i;
}

/* --- adding pieces --------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Forgets words until at most half of the capacity is left; see above. */
static bool forget(shard *s) {
  const bf__word_table *t = &s->table;
  bf__word_table kept = {0};
  uint64_t *most = bf__alloc(t->n, sizeof *most);
  if (!most) return false;
  for (size_t i = 0; i < t->n; i++) most[i] = t->entries[i].count + t->entries[i].lost;
  qsort(most, t->n, sizeof *most, by_number);
  const uint64_t bound = most[t->n - SHARD_WORDS / 2 - 1]; /* fewer than half of the capacity have more */
  free(most);
  for (size_t i = 0; i < t->n; i++) {
    const bf__word_entry *e = &t->entries[i];
    if (e->count + e->lost <= bound) continue;
    bf__word_entry *copy = bf__word_table_get(&kept, e->hash, t->bytes + e->at, e->n);
    if (!copy) {
      bf__word_table_deinit(&kept);
      return false;
    }
    uint32_t at = copy->at;
    *copy = *e;
    copy->at = at;
  }
  bf__word_table_deinit(&s->table);
  s->table = kept;
  s->lost = bound;
  return true;
}

/* bf__mix64(i, hash) for 128 i, of which the half that knows only i is at hand: a third of the time. */
static void take_minima(const uint64_t *mixed, uint64_t *minhash, uint64_t hash) {
  const uint64_t step = (hash + 1) * 0x9E3779B97F4A7C15u;
  for (size_t i = 0; i < BF__MINHASH; i++) {
    uint64_t z = mixed[i] + step;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    minhash[i] = z < minhash[i] ? z : minhash[i];
  }
}

static bool add_entry(bf__word_counter *c, shard *s, const bf__word_entry *from, const char *word) {
  bf__word_entry *e = bf__word_table_get(&s->table, from->hash, word, from->n);
  if (!e) return false;
  if (e->count == 0) {
    take_minima(c->mixed, s->minhash, from->hash);
    e->lost = s->lost;
  }
  e->count += from->count;
  /* A piece may end within a block of rows that goes on in the next batch, but never within a row. */
  e->documents += from->documents;
  for (size_t b = 0; b < BF__WORD_PARTITIONS; b++) e->buckets[b] += from->buckets[b];
  c->hashed[from->hash >> 52] += from->count;
  uint64_t rest = from->hash << REGISTER_BITS;
  uint8_t zeros = (uint8_t)(rest ? (uint32_t)__builtin_clzll(rest) + 1 : 64 - REGISTER_BITS + 1);
  uint8_t *r = &c->registers[from->hash >> (64 - REGISTER_BITS)];
  if (zeros > *r) *r = zeros;
  return true;
}

/* Entries of a large shard are far from the cache: the slot of a word that comes soon is fetched, then what the slot
 * names. */
static void fetch_slot(const bf__word_table *t, uint64_t hash) {
  if (t->index) __builtin_prefetch(&t->index[(size_t)hash & t->mask]);
}

static void fetch_entry(const bf__word_table *t, uint64_t hash) {
  uint64_t slot = t->index ? t->index[(size_t)hash & t->mask] : 0;
  if (slot == 0) return;
  const bf__word_entry *e = &t->entries[(slot & 0xffffffffu) - 1];
  __builtin_prefetch(e, 1);
  __builtin_prefetch((const char *)e + 64, 1);
  __builtin_prefetch((const char *)e + 128, 1);
}

static void merge_shard(void *context, size_t number, uint32_t worker) {
  (void)worker;
  bf__word_counter *c = context;
  shard *s = &c->shards[number];
  for (size_t i = 0; i < c->n_merging && !s->failed; i++) {
    const bf__word_piece *p = &c->pieces[i];
    for (size_t k = p->starts[number], end = p->starts[number + 1]; k < end; k++) {
      const bf__word_entry *e = &p->table.entries[p->order[k]];
      if (k + 2 * FETCHED < end) fetch_slot(&s->table, p->table.entries[p->order[k + 2 * FETCHED]].hash);
      if (k + FETCHED < end) fetch_entry(&s->table, p->table.entries[p->order[k + FETCHED]].hash);
      if (!add_entry(c, s, e, p->table.bytes + e->at)) s->failed = true;
    }
    if (p->complete && s->table.n > SHARD_WORDS && !s->failed && !forget(s)) s->failed = true;
  }
}

bf_status bf__word_counter_merge(bf__word_counter *c, size_t n_pieces, uint32_t n_threads, bf_error *err) {
  for (size_t i = 0; i < n_pieces; i++) {
    if (c->pieces[i].failed) return bf__error_memory(err, c->pieces[i].table.capacity * sizeof(bf__word_entry));
  }
  c->n_merging = n_pieces;
  bf__parallel_for(SHARDS, n_threads, merge_shard, c);
  for (size_t s = 0; s < SHARDS; s++) {
    if (c->shards[s].failed) return bf__error_memory(err, c->shards[s].table.capacity * sizeof(bf__word_entry));
  }
  for (size_t i = 0; i < n_pieces; i++) {
    const bf__word_piece *p = &c->pieces[i];
    c->rows += p->rows;
    c->total += p->total;
    for (size_t b = 0; b < BF__WORD_PARTITIONS; b++) {
      c->bucket_rows[b] += p->bucket_rows[b];
      c->bucket_total[b] += p->bucket_total[b];
    }
  }
  return BF_OK;
}

/* --- the end --------------------------------------------------------------------------------------------------- */

typedef struct found {
  const bf__word_entry *entry;
  const char *word;
} found;

static int by_frequency(const void *a, const void *b) {
  const found *x = a, *y = b;
  if (x->entry->count != y->entry->count) return x->entry->count < y->entry->count ? 1 : -1;
  size_t n = x->entry->n < y->entry->n ? x->entry->n : y->entry->n;
  int order = memcmp(x->word, y->word, n);
  return order ? order : (x->entry->n > y->entry->n) - (x->entry->n < y->entry->n);
}

static double count_distinct(const bf__word_counter *c) {
  size_t n = 0;
  uint64_t lost = 0;
  for (size_t s = 0; s < SHARDS; s++) {
    n += c->shards[s].table.n;
    lost |= c->shards[s].lost;
  }
  if (lost == 0) return (double)n;
  double sum = 0;
  for (size_t i = 0; i < REGISTERS; i++) sum += 1.0 / (double)((uint64_t)1 << c->registers[i]);
  const double m = (double)REGISTERS, estimate = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
  return estimate < (double)n ? (double)n : estimate > (double)c->total ? (double)c->total : estimate;
}

static void write_words(const found *list, size_t n, bf__words *w) {
  w->n_words = (uint32_t)n;
  for (size_t i = 0; i < n; i++) {
    const bf__word_entry *e = list[i].entry;
    memcpy(w->words[i].word, list[i].word, e->n);
    w->words[i].count = e->count;
    w->words[i].documents = e->documents;
    if (i >= BF__PARTITION_WORDS) continue;
    for (size_t b = 0; b < BF__WORD_PARTITIONS; b++) w->partitions[b].counts[i] = e->buckets[b];
  }
}

bf_status bf__word_counter_finish(const bf__word_counter *c, uint64_t min_count, bf__words **out, bf_error *err) {
  *out = NULL;
  size_t n = 0, n_all = 0;
  for (size_t s = 0; s < SHARDS; s++) n_all += c->shards[s].table.n;
  found *list = bf__alloc(n_all, sizeof *list);
  bf__words *w = bf__alloc(1, sizeof *w);
  if (!list || !w) goto no_memory;
  for (size_t s = 0; s < SHARDS; s++) {
    const bf__word_table *t = &c->shards[s].table;
    for (size_t i = 0; i < t->n; i++) {
      if (t->entries[i].count >= min_count) list[n++] = (found){&t->entries[i], t->bytes + t->entries[i].at};
    }
  }
  if (n) qsort(list, n, sizeof *list, by_frequency);
  if (n > BF__WORDS) n = BF__WORDS;
  w->words = bf__alloc(n, sizeof *w->words);
  if (!w->words) goto no_memory;
  write_words(list, n, w);
  free(list);
  w->total = c->total;
  w->documents = c->rows;
  w->distinct = count_distinct(c);
  memcpy(w->hashed, c->hashed, sizeof w->hashed);
  memset(w->minhash, 0xff, sizeof w->minhash);
  for (size_t s = 0; s < SHARDS; s++) {
    if (c->shards[s].lost > w->lost) w->lost = c->shards[s].lost;
    for (size_t i = 0; i < BF__MINHASH; i++) {
      if (c->shards[s].minhash[i] < w->minhash[i]) w->minhash[i] = c->shards[s].minhash[i];
    }
  }
  for (size_t b = 0; b < BF__WORD_PARTITIONS; b++) {
    w->partitions[b].rows = c->bucket_rows[b];
    w->partitions[b].total = c->bucket_total[b];
  }
  *out = w;
  return BF_OK;
no_memory:
  free(list);
  free(w);
  return bf__error_memory(err, n_all * sizeof *list + sizeof *w);
}
