/* What was learnt as bytes, docs/formats/experience-v2.md: a container (base/container.h) around what asking needs.
 *
 * Read as coming from a stranger: counts are compared with the bytes that are left before anything is allocated, and
 * every number of a model, domain or class with how many there are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/memory.h"
#include "learn/learn_internal.h"

#define MAGIC "BFXP"
#define VERSION 2
#define MAX_BYTES ((uint64_t)1 << 30)
#define NARROW 255u /* fewer classes take a byte each */

enum { RECORD_BYTES = 4 + 8 + 8, DOMAIN_BYTES = 4 + 4 + 8 + 8 };

static size_t class_bytes(size_t n_classes) {
  return n_classes < NARROW ? 1 : 2;
}

static const bf__fit *fit_at(const bf_experience *e, size_t i) {
  return i < BF__N_LEARNERS ? &e->fits[i] : &e->belief;
}

/* ------------------------------------------------------------------ writing */

/* [n] classes, BF__NO_CLASS as the largest number of their width. */
static void write_classes(bf__writer *w, const uint16_t *classes, size_t n, size_t width) {
  uint8_t chunk[512];
  for (size_t i = 0, used = 0; i < n; ++i) {
    chunk[used++] = (uint8_t)(classes[i] & 0xff); /* 0xffff becomes 0xff in one byte */
    if (width == 2) chunk[used++] = (uint8_t)(classes[i] >> 8);
    if (used < sizeof chunk && i + 1 < n) continue;
    bf__write(w, chunk, used);
    used = 0;
  }
}

static void write_domain(bf__writer *w, const bf__labelled *d, size_t width) {
  bf__write_u32(w, d->model);
  bf__write_u32(w, (uint32_t)d->n_records);
  bf__write_u64(w, d->n_items);
  bf__write_u64(w, d->n_labelled);
  write_classes(w, d->truth, d->n_items, width);
  for (size_t r = 0; r < d->n_records; ++r) {
    bf__write_u32(w, d->records[r].model);
    bf__write_f64(w, d->records[r].accuracy);
    bf__write_f64(w, d->records[r].value);
    write_classes(w, d->records[r].votes, d->n_items, width);
  }
}

static void write_head(bf__writer *w, const bf_experience *e) {
  bf__write_u64(w, e->seed);
  bf__write_u32(w, (uint32_t)e->n_rows);
  bf__write_u16(w, (uint16_t)e->metric);
  bf__write_u16(w, e->positive);
  bf__write_u32(w, (uint32_t)e->n_models);
  bf__write_u32(w, (uint32_t)e->n_classes);
  bf__write_u32(w, (uint32_t)e->n_domains);
  bf__write_u32(w, e->has_ensemble);
  bf__write_u64(w, e->n_pairs);
  bf__write_f64(w, e->ensemble_gain);
  bf__write_f64(w, e->ensemble_gain_low);
  for (size_t k = 0; k < BF__N_NOVELTY; ++k) bf__write_f64(w, e->worst[k]);
  for (size_t k = 0; k < BF__N_CLOSENESS; ++k) bf__write_f64(w, e->scale.median[k]);
}

bf_status bf__experience_encode(const bf_experience *e, const char key[BF__EXPERIENCE_KEY_BYTES], uint8_t **out,
                                size_t *n_bytes, bf_error *err) {
  bf__writer w = {0};
  bf_status status = BF_OK;
  *out = NULL;
  *n_bytes = 0;
  bf__write(&w, key, BF__EXPERIENCE_KEY_BYTES);
  write_head(&w, e);
  for (size_t c = 0; c < e->n_classes; ++c) {
    bf__write_u32(&w, (uint32_t)strlen(e->classes[c]));
    bf__write(&w, e->classes[c], strlen(e->classes[c]));
  }
  for (size_t v = 0; v < e->n_domains && w.size <= MAX_BYTES; ++v)
    write_domain(&w, &e->domains[v], class_bytes(e->n_classes));
  for (size_t i = 0; i <= BF__N_LEARNERS && w.size <= MAX_BYTES; ++i) {
    const bf__fit *fit = fit_at(e, i);
    bf__write_u8(&w, fit->kriging != NULL);
    if (!fit->kriging) continue;
    bf__write_f64(&w, fit->half_width);
    bf__write_f64(&w, fit->lean);
    bf__kriging_write(fit->kriging, &w);
  }
  if (w.failed)
    status = bf__error_memory(err, w.size);
  else if (w.size > MAX_BYTES)
    status = bf__error(err, BF_ERR_LIMIT, "what was learnt takes more than 1 GiB");
  else
    status = bf__container_encode(MAGIC, VERSION, w.data, w.size, out, n_bytes, err);
  bf__writer_deinit(&w);
  return status;
}

/* ------------------------------------------------------------------ reading */

static bf_status damaged(const bf__reader *r, const char *what, bf_error *err) {
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)r->position, "what was learnt is damaged (%s)", what);
}

static bool is_share(double x) {
  return isnan(x) || (x >= 0.0 && x <= 1.0);
}

/* What the options say again must be the same. */
static bf_status read_head(bf__reader *r, bf_experience *e, bf_error *err) {
  bool known = bf__read_u64(r) == e->seed;
  known = bf__read_u32(r) == e->n_rows && known;
  known = bf__read_u16(r) == (uint16_t)e->metric && known;
  e->positive = bf__read_u16(r);
  known = bf__read_u32(r) == e->n_models && known;
  if (r->failed || !known) return damaged(r, "other options or models", err);
  e->n_classes = bf__read_u32(r);
  e->n_domains = bf__read_u32(r);
  uint32_t has_ensemble = bf__read_u32(r);
  e->has_ensemble = has_ensemble == 1;
  e->n_pairs = (size_t)bf__read_u64(r);
  e->ensemble_gain = bf__read_f64(r);
  e->ensemble_gain_low = bf__read_f64(r);
  bool numbers = isfinite(e->ensemble_gain) && e->ensemble_gain_low < INFINITY; /* -INFINITY: of too few domains */
  for (size_t k = 0; k < BF__N_NOVELTY; ++k) {
    e->worst[k] = bf__read_f64(r);
    numbers = numbers && !isinf(e->worst[k]);
  }
  for (size_t k = 0; k < BF__N_CLOSENESS; ++k) {
    e->scale.median[k] = bf__read_f64(r);
    numbers = numbers && isfinite(e->scale.median[k]);
  }
  if (r->failed || !numbers || has_ensemble > 1) return damaged(r, "its head", err);
  if (e->n_classes >= BF__NO_CLASS || e->n_classes > bf__reader_left(r) / 4)
    return damaged(r, "the number of classes", err);
  if (e->positive != BF__NO_CLASS && (e->metric != BF_METRIC_F1 || e->positive >= e->n_classes))
    return damaged(r, "the class of F1", err);
  if (e->n_domains > bf__reader_left(r) / DOMAIN_BYTES) return damaged(r, "the number of domains", err);
  return BF_OK;
}

/* Ascending by bytes, as a merge with a panel's classes needs them. */
static bf_status read_classes(bf__reader *r, bf_experience *e, bf_error *err) {
  bf__reader ahead = *r;
  size_t room = 0, used = 0;
  for (size_t c = 0; c < e->n_classes; ++c) {
    uint32_t n = bf__read_u32(&ahead);
    if (!bf__read(&ahead, n)) return damaged(r, "the name of a class", err);
    room += (size_t)n + 1;
  }
  e->classes = bf__alloc(e->n_classes, sizeof *e->classes);
  e->class_text = bf__alloc(room, 1);
  if (!e->classes || !e->class_text) return bf__error_memory(err, room + e->n_classes * sizeof *e->classes);
  for (size_t c = 0; c < e->n_classes; ++c) {
    uint32_t n = bf__read_u32(r);
    const uint8_t *name = bf__read(r, n);
    if (!name || memchr(name, 0, n)) return damaged(r, "the name of a class", err);
    memcpy(e->class_text + used, name, n);
    e->classes[c] = e->class_text + used; /* bf__alloc() has put the zero behind it */
    used += (size_t)n + 1;
    if (c > 0 && strcmp(e->classes[c - 1], e->classes[c]) >= 0) return damaged(r, "the order of the classes", err);
  }
  return BF_OK;
}

static bf_status read_numbers(bf__reader *r, const bf_experience *e, size_t n, uint16_t **out, bf_error *err) {
  size_t width = class_bytes(e->n_classes);
  const uint8_t *from = bf__read(r, n * width);
  if (!from) return damaged(r, "answers that go past the end", err);
  *out = bf__alloc(n, sizeof **out);
  if (!*out) return bf__error_memory(err, n * sizeof **out);
  for (size_t i = 0; i < n; ++i) {
    uint32_t c = from[width * i];
    if (width == 2) c |= (uint32_t)from[2 * i + 1] << 8;
    if (width == 1 && c == UINT8_MAX) c = BF__NO_CLASS;
    if (c != BF__NO_CLASS && c >= e->n_classes) return damaged(r, "an answer that is no class", err);
    (*out)[i] = (uint16_t)c;
  }
  return BF_OK;
}

static bf_status read_domain(bf__reader *r, const bf_experience *e, bf__labelled *d, bf_error *err) {
  bf_status status = BF_OK;
  size_t width = class_bytes(e->n_classes);
  d->model = bf__read_u32(r);
  uint32_t n_records = bf__read_u32(r);
  uint64_t n_items = bf__read_u64(r), n_labelled = bf__read_u64(r);
  if (r->failed || d->model >= e->n_models) return damaged(r, "a domain of no model", err);
  if (n_items == 0 || n_items > bf__reader_left(r) / width || n_labelled == 0 || n_labelled > n_items)
    return damaged(r, "the number of items", err);
  if (n_records > bf__reader_left(r) / (RECORD_BYTES + n_items * width))
    return damaged(r, "the number of records", err);
  d->group = e->groups[d->model];
  d->n_items = (size_t)n_items;
  d->n_labelled = (size_t)n_labelled;
  BF_TRY(read_numbers(r, e, d->n_items, &d->truth, err));
  d->records = bf__alloc(n_records, sizeof *d->records);
  if (!d->records) return bf__error_memory(err, n_records * sizeof *d->records);
  for (; d->n_records < n_records;) {
    bf__record *record = &d->records[d->n_records++];
    record->model = bf__read_u32(r);
    record->accuracy = bf__read_f64(r);
    record->value = bf__read_f64(r);
    if (r->failed || record->model >= e->n_models || !is_share(record->accuracy) || !is_share(record->value))
      return damaged(r, "a record", err);
    BF_TRY(read_numbers(r, e, d->n_items, &record->votes, err));
  }
out:
  return status;
}

static bf_status read_domains(bf__reader *r, bf_experience *e, bf_error *err) {
  size_t n = e->n_domains, n_records = 0;
  e->domains = bf__alloc(n, sizeof *e->domains);
  if (!e->domains) return bf__error_memory(err, n * sizeof *e->domains);
  for (size_t v = 0; v < n; ++v) {
    bf_status status = read_domain(r, e, &e->domains[v], err);
    if (status != BF_OK) return status;
    n_records += e->domains[v].n_records;
  }
  return e->n_pairs <= n_records ? BF_OK : damaged(r, "the number of pairs", err);
}

static bf_status read_fits(bf__reader *r, bf_experience *e, bf_error *err) {
  const size_t n_columns[] = {[BF__RIDGE] = e->n_base,
                              [BF__STAGE_1] = e->n_base,
                              [BF__STAGE_2] = e->n_all,
                              [BF__DATA_ONLY] = e->n_data,
                              [BF__N_LEARNERS] = e->n_base};
  for (size_t i = 0; i <= BF__N_LEARNERS; ++i) {
    bf__fit *fit = i < BF__N_LEARNERS ? &e->fits[i] : &e->belief;
    uint8_t present = bf__read_u8(r);
    if (r->failed || present > 1) return damaged(r, "a fit", err);
    if (!present) continue;
    fit->half_width = bf__read_f64(r);
    fit->lean = bf__read_f64(r);
    if (!isfinite(fit->half_width) || fit->half_width < 0.0 || !(fit->lean >= 0.0 && fit->lean <= 1.0))
      return damaged(r, "an interval", err);
    bf_status status = bf__kriging_read(r, n_columns[i], e->n_domains, e->n_models, &fit->kriging, err);
    if (status != BF_OK) return status;
  }
  bool two_stages = e->fits[BF__STAGE_2].kriging != NULL;
  if (two_stages && (!bf__belief(e)->kriging || e->n_classes > BF__MAX_POSTERIOR_CLASSES))
    return damaged(r, "a second stage without the first", err);
  if (e->has_ensemble && !two_stages) return damaged(r, "a vote without stages", err);
  if (bf__reader_left(r) > 0) return damaged(r, "more bytes than there should be", err);
  return BF_OK;
}

bf_status bf__experience_decode(const uint8_t *bytes, size_t n_bytes, const char key[BF__EXPERIENCE_KEY_BYTES],
                                const bf_experience_model *models, size_t n_models,
                                const bf_experience_options *options, bf_experience **out, bf_error *err) {
  bf_status status = BF_OK;
  const uint8_t *content = NULL;
  uint8_t *owned = NULL;
  size_t n = 0, *place = bf__alloc(n_models, sizeof *place);
  bf_experience *e = bf__alloc(1, sizeof *e);
  *out = NULL;
  if (!e || !place) BF_TRY(bf__error_memory(err, n_models * sizeof *place));
  BF_TRY(
      bf__container_decode(bytes, n_bytes, MAGIC, VERSION, "learnt experience", MAX_BYTES, &content, &n, &owned, err));
  bf__reader r = bf__reader_of(content, n);
  const uint8_t *said = bf__read(&r, BF__EXPERIENCE_KEY_BYTES);
  if (!said) BF_TRY(damaged(&r, "its key", err));
  if (memcmp(said, key, BF__EXPERIENCE_KEY_BYTES) != 0)
    BF_TRY(bf__error(err, BF_ERR_MISMATCH, "it was learnt from something else"));
  BF_TRY(bf__experience_begin(e, models, n_models, options, place, err));
  BF_TRY(read_head(&r, e, err));
  BF_TRY(read_classes(&r, e, err));
  BF_TRY(read_domains(&r, e, err));
  BF_TRY(bf__experience_frame(e, options, err)); /* last of what costs */
  BF_TRY(read_fits(&r, e, err));
  *out = e;
  e = NULL;
out:
  free(owned);
  free(place);
  bf_experience_free(e);
  return status;
}
