/* One model as one file: a zip archive.
 *
 *   manifest.json   what there is, with hashes      README.md   the card
 *   model.onnx      the model                       sketch      where there is one
 *
 * and in format 2, which is written only where there is something of it:
 *
 *   calibration.json, validation, files/<name>      what the store keeps beside a model
 *
 * Written without compression, times or modes, so that equal versions give equal bytes (weights hardly compress
 * anyway). Read as coming from a stranger: only these names are looked at, and none becomes a path; sizes are bounded
 * before anything is allocated; every file is compared with its hash in the manifest. docs/formats/bundle-v1.md,
 * bundle-v2.md.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/zip.h"
#include "store/store_internal.h"

#define BUNDLE_VERSION 2
#define MEMBERS_MAX 64 /* besides the files; more than that is no bundle */
#define FILES_PREFIX "files/"
#define FILE_MAX_BYTES ((uint64_t)1 << 31)
#define FILES_MAX_BYTES ((uint64_t)1 << 33) /* all together */
#define RATIO_MAX 200u                      /* what a member may grow to, and */
#define RATIO_FREE (1u << 20)               /* the size up to which any ratio will do */
#define LABELS_MAX 1000

typedef enum member_sort {
  MEMBER_MANIFEST,
  MEMBER_CARD,
  MEMBER_MODEL,
  MEMBER_SKETCH,
  MEMBER_CALIBRATION, /* from here on format 2 */
  MEMBER_VALIDATION,
  N_MEMBERS
} member_sort;

static const struct member_rule {
  const char *name;
  uint64_t max_bytes;
} RULES[N_MEMBERS] = {
    [MEMBER_MANIFEST] = {"manifest.json", 1u << 20},
    [MEMBER_CARD] = {"README.md", 1u << 20},
    [MEMBER_MODEL] = {"model.onnx", 1u << 31},
    [MEMBER_SKETCH] = {"sketch", 192u << 10},
    [MEMBER_CALIBRATION] = {"calibration.json", BF__CALIBRATION_MAX},
    [MEMBER_VALIDATION] = {"validation", (1u << 30) + (1u << 20)},
};

struct bf_bundle {
  bf_store_entry entry;
  uint32_t version;
  int format;
  json_t *manifest; /* the entry's texts are borrowed from it */
  uint8_t *bytes[N_MEMBERS];
  size_t n_bytes[N_MEMBERS];
  const char **tags, **aliases;
  bf_store_metric *metrics;
  bf_store_file *files;
  char *origin;
};

/* ------------------------------------------------------------------ writing */

static json_t *words_json(const char *text) {
  json_t *list = json_array();
  for (const char *at = text; *at != 0;) {
    size_t n = strcspn(at, ",");
    json_array_append_new(list, json_stringn(at, n));
    at += at[n] == ',' ? n + 1 : n;
  }
  return list;
}

static json_t *file_json(const char *sha256, uint64_t bytes) {
  return json_pack("{s:s, s:I}", "sha256", sha256, "bytes", (json_int_t)bytes);
}

/* What is written, and what the manifest says of it. */
typedef struct packing {
  const bf_store_model *model;
  bf__zip_member *members;
  size_t n_members;
  json_t *files; /* of the manifest */
  char **paths;  /* of blobs, and names of members; owned */
  size_t n_paths;
  uint64_t files_bytes;
} packing;

/* NULL: no memory, or a text of the database that is not UTF-8. */
static json_t *manifest_json(const packing *p, int format) {
  const bf_store_model *m = p->model;
  json_t *metrics = json_object();
  bool failed = metrics == NULL;
  for (size_t i = 0; i < m->n_metrics; ++i) {
    /* accuracy that is the source accuracy is said as that */
    if (strcmp(m->metrics[i].name, "accuracy") == 0 && m->metrics[i].value == m->source_accuracy) continue;
    failed |= json_object_set_new(metrics, m->metrics[i].name, json_real(m->metrics[i].value)) != 0;
  }
  json_t *whole =
      json_pack("{s:i, s:s, s:I, s:s, s:s, s:s, s:s?, s:s, s:s, s:I, s:o, s:o, s:o, s:O}", "bestfit_bundle", format,
                "name", m->name, "version", (json_int_t)m->version, "created", m->created, "domain", m->domain, "task",
                m->task, "kind", m->kind, "summary", m->summary, "license", m->license, "rows", (json_int_t)m->rows,
                "tags", words_json(m->tags), "aliases", words_json(m->aliases), "metrics", metrics, "files", p->files);
  if (whole != NULL)
    failed |= json_object_set_new(whole, "source_accuracy",
                                  isnan(m->source_accuracy) ? json_null() : json_real(m->source_accuracy)) != 0;
  if (!failed && whole != NULL) return whole;
  json_decref(whole);
  return NULL;
}

/* An export must not give away a damaged blob under a good name. */
static bf_status check_blob(bf_store *store, const bf_store_model *m, const char *sha256, const char *what,
                            uint64_t *bytes, bf_error *err) {
  bf_status status = bf__blobs_verify(store->blobs, sha256, bytes, err);
  if (status == BF_ERR_CORRUPT || status == BF_ERR_NOT_FOUND)
    return bf__error(err, BF_ERR_CORRUPT, "the %s of %.120s@%u is %s: run bestfit fsck", what, m->name, m->version,
                     status == BF_ERR_CORRUPT ? "damaged" : "missing");
  return status;
}

/* Takes `text` into the packing's care; NULL is out of memory. */
static bf_status own(packing *p, char *text, bf_error *err) {
  if (text == NULL) return bf__error_memory(err, 64);
  p->paths[p->n_paths++] = text;
  return BF_OK;
}

static bf_status say_file(packing *p, const char *name, const char *sha256, uint64_t bytes, bf_error *err) {
  return json_object_set_new(p->files, name, file_json(sha256, bytes)) == 0 ? BF_OK : bf__error_memory(err, 64);
}

static bf_status pack_blob(bf_store *store, packing *p, const char *name, const char *sha256, uint64_t max_bytes,
                           uint64_t *bytes, bf_error *err) {
  const bf_store_model *m = p->model;
  char *path = NULL;
  bf_status status = check_blob(store, m, sha256, name, bytes, err);
  if (status != BF_OK) return status;
  if (*bytes > max_bytes)
    return bf__error(err, BF_ERR_LIMIT, "%s of %.100s@%u has %llu bytes; a bundle holds at most %llu", name, m->name,
                     m->version, (unsigned long long)*bytes, (unsigned long long)max_bytes);
  status = say_file(p, name, sha256, *bytes, err);
  if (status == BF_OK) status = bf__blobs_path(store->blobs, sha256, &path, err);
  if (status == BF_OK) status = own(p, path, err);
  p->members[p->n_members++] = (bf__zip_member){.name = name, .path = path};
  return status;
}

static bf_status pack_calibration(packing *p, bf_error *err) {
  const char *json = p->model->calibration;
  const char *name = RULES[MEMBER_CALIBRATION].name;
  char sha256[65];
  if (json == NULL) return BF_OK;
  bf_status status = bf_sha256(json, strlen(json), sha256, err);
  if (status == BF_OK) status = say_file(p, name, sha256, strlen(json), err);
  p->members[p->n_members++] = (bf__zip_member){.name = name, .bytes = json, .n_bytes = strlen(json)};
  return status;
}

static bf_status pack_files(bf_store *store, packing *p, bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; i < p->model->n_files; ++i) {
    uint64_t bytes = 0;
    char *name = bf__asprintf(FILES_PREFIX "%s", p->model->files[i].name);
    BF_TRY(own(p, name, err));
    BF_TRY(pack_blob(store, p, name, p->model->files[i].sha256, FILE_MAX_BYTES, &bytes, err));
    p->files_bytes += bytes;
    if (p->files_bytes > FILES_MAX_BYTES)
      return bf__error(err, BF_ERR_LIMIT, "the files of %.100s@%u have more than 8 GiB together: a bundle holds less",
                       p->model->name, p->model->version);
  }
out:
  return status;
}

static bf_status pack_all(bf_store *store, packing *p, bf_error *err) {
  const bf_store_model *m = p->model;
  const char *const hashes[N_MEMBERS] = {[MEMBER_CARD] = m->card_sha256,
                                         [MEMBER_MODEL] = m->model_sha256,
                                         [MEMBER_SKETCH] = m->sketch_sha256,
                                         [MEMBER_VALIDATION] = m->validation_sha256};
  bf_status status = BF_OK;
  uint64_t bytes = 0;
  for (size_t i = MEMBER_CARD; i < N_MEMBERS; ++i) {
    if (i == MEMBER_CALIBRATION) BF_TRY(pack_calibration(p, err));
    if (hashes[i] == NULL) continue;
    BF_TRY(pack_blob(store, p, RULES[i].name, hashes[i], RULES[i].max_bytes, &bytes, err));
  }
  BF_TRY(pack_files(store, p, err));
out:
  return status;
}

static bf_status write_bundle(bf_store *store, const bf_store_model *m, const char *path, bf_error *err) {
  bf_status status = BF_OK;
  size_t n = N_MEMBERS + m->n_files;
  bool parts = m->n_files > 0 || m->calibration != NULL || m->validation_sha256 != NULL;
  packing p = {.model = m, .n_members = 1}; /* the first is the manifest */
  json_t *manifest = NULL;
  char *text = NULL;
  p.members = bf__alloc(n, sizeof *p.members);
  p.paths = bf__alloc(2 * n, sizeof *p.paths);
  p.files = json_object();
  if (p.members == NULL || p.paths == NULL || p.files == NULL) {
    status = bf__error_memory(err, n * sizeof *p.members);
    goto out;
  }
  BF_TRY(pack_all(store, &p, err));
  manifest = manifest_json(&p, parts ? BUNDLE_VERSION : 1);
  text = manifest == NULL ? NULL : json_dumps(manifest, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
  if (text == NULL) {
    status = bf__error(err, BF_ERR_MEMORY, "the manifest of %.120s@%u cannot be written", m->name, m->version);
    goto out;
  }
  p.members[0] = (bf__zip_member){.name = RULES[MEMBER_MANIFEST].name, .bytes = text, .n_bytes = strlen(text)};
  BF_TRY(bf__zip_write(path, p.members, p.n_members, err));
out:
  for (size_t i = 0; i < p.n_paths; ++i) free(p.paths[i]);
  free(p.paths);
  free(p.members);
  json_decref(p.files);
  json_decref(manifest);
  free(text);
  return status;
}

bf_status bf_store_export(bf_store *store, const char *which, const char *path, bf_error *err) {
  bf_status status = BF_OK;
  bf_store_list *list = NULL;
  bf__error_clear(err);
  if (path == NULL || path[0] == 0) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no file to write the bundle to");
  if (which == NULL || which[0] == 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no model named: write owner/name");
  BF_TRY(bf_store_find(store, which, &list, err));
  BF_TRY(write_bundle(store, bf_store_list_at(list, bf_store_list_count(list) - 1), path, err));
out:
  bf_store_list_free(list);
  return status;
}

/* ------------------------------------------------------------------ reading members */

static size_t count_named(const bf__zip *zip, const char *name) {
  size_t found = 0;
  for (size_t i = 0; i < bf__zip_count(zip); ++i) {
    const char *other = bf__zip_name(zip, i);
    found += other != NULL && strcmp(other, name) == 0;
  }
  return found;
}

static bf_status bad_count(const char *name, size_t found, bf_error *err) {
  return bf__error(err, BF_ERR_FORMAT, "%s %.120s: `bestfit export` writes bundles",
                   found == 0 ? "no bundle, it has no" : "no bundle, it has more than one", name);
}

static bf_status check_members(const bf__zip *zip, size_t max_files, bf_error *err) {
  size_t n = bf__zip_count(zip);
  size_t n_files = 0;
  for (size_t i = 0; i < n; ++i) {
    const char *name = bf__zip_name(zip, i);
    n_files += name != NULL && strncmp(name, FILES_PREFIX, strlen(FILES_PREFIX)) == 0;
  }
  if (n - n_files > MEMBERS_MAX || n > MEMBERS_MAX + max_files)
    return bf__error(err, BF_ERR_LIMIT, "a zip archive with %zu members is no bundle", n);
  for (size_t rule = 0; rule < N_MEMBERS; ++rule) {
    size_t found = count_named(zip, RULES[rule].name);
    if (found != 1 && (found > 1 || rule < MEMBER_SKETCH)) return bad_count(RULES[rule].name, found, err);
  }
  return BF_OK;
}

/* The bytes of member i, which may have max_bytes. You own *out (free()); a zero follows the bytes. */
static bf_status read_bytes(bf__zip *zip, size_t i, uint64_t max_bytes, uint8_t **out, size_t *out_bytes,
                            bf_error *err) {
  bf_status status = BF_OK;
  bf__zip_info info;
  bf__zip_stream *stream = NULL;
  uint8_t *bytes = NULL;
  const char *name = bf__zip_name(zip, i);
  BF_TRY(bf__zip_info_of(zip, i, &info, err));
  if (info.encrypted)
    return bf__error(err, BF_ERR_UNSUPPORTED, "%.120s is encrypted: pack the bundle again without", name);
  if (info.bytes > max_bytes)
    return bf__error(err, BF_ERR_LIMIT, "%.120s has %llu bytes; at most %llu are read", name,
                     (unsigned long long)info.bytes, (unsigned long long)max_bytes);
  if (info.bytes > RATIO_FREE && info.bytes / RATIO_MAX > info.packed_bytes)
    return bf__error(err, BF_ERR_LIMIT, "%.120s is packed more than %u to 1: pack it again without compression", name,
                     RATIO_MAX);
  size_t n = (size_t)info.bytes;
  bytes = bf__alloc(n + 1, 1);
  if (bytes == NULL) return bf__error_memory(err, n);
  BF_TRY(bf__zip_read_begin(zip, i, &stream, err));
  for (size_t at = 0, got; at < n; at += got) {
    BF_TRY(bf__zip_read(stream, bytes + at, n - at, &got, err));
    if (got == 0) {
      status = bf__error(err, BF_ERR_FORMAT, "%.120s ends after %zu of %zu bytes: fetch the bundle again", name, at, n);
      goto out;
    }
  }
  *out = bytes;
  *out_bytes = n;
  bytes = NULL;
out:
  bf__zip_read_end(stream);
  free(bytes);
  return status;
}

static bf_status read_member(bf__zip *zip, member_sort sort, bf_bundle *out, bf_error *err) {
  int64_t i = bf__zip_find(zip, RULES[sort].name);
  if (i < 0) return BF_OK;
  return read_bytes(zip, (size_t)i, RULES[sort].max_bytes, &out->bytes[sort], &out->n_bytes[sort], err);
}

/* ------------------------------------------------------------------ reading the manifest */

static bf_status bad_manifest(bf_error *err, const char *key, const char *want) {
  return bf__error(err, BF_ERR_FORMAT, "manifest.json: \"%s\" is not %s", key, want);
}

static bf_status text_of(const json_t *manifest, const char *key, bool may_be_null, const char **out, bf_error *err) {
  const json_t *value = json_object_get(manifest, key);
  *out = json_string_value(value);
  if (*out != NULL || (may_be_null && (value == NULL || json_is_null(value)))) return BF_OK;
  return bad_manifest(err, key, "a text");
}

static bf_status texts_of(const json_t *manifest, const char *key, const char ***out, size_t *n, bf_error *err) {
  const json_t *list = json_object_get(manifest, key);
  size_t size = json_array_size(list);
  if (list == NULL) return BF_OK;
  if (!json_is_array(list) || size > LABELS_MAX) return bad_manifest(err, key, "a list of at most 1,000 texts");
  *out = bf__alloc(size, sizeof **out);
  if (*out == NULL) return bf__error_memory(err, size * sizeof **out);
  for (; *n < size; ++*n) {
    (*out)[*n] = json_string_value(json_array_get(list, *n));
    if ((*out)[*n] == NULL) return bad_manifest(err, key, "a list of texts");
  }
  return BF_OK;
}

static bf_status metrics_of(bf_bundle *b, bf_error *err) {
  json_t *metrics = json_object_get(b->manifest, "metrics");
  const char *name;
  json_t *value;
  if (metrics == NULL) return BF_OK;
  if (!json_is_object(metrics) || json_object_size(metrics) > LABELS_MAX)
    return bad_manifest(err, "metrics", "an object of at most 1,000 numbers");
  b->metrics = bf__alloc(json_object_size(metrics), sizeof *b->metrics);
  if (b->metrics == NULL) return bf__error_memory(err, json_object_size(metrics) * sizeof *b->metrics);
  json_object_foreach(metrics, name, value) {
    if (!json_is_number(value)) return bad_manifest(err, "metrics", "an object of numbers");
    b->metrics[b->entry.n_metrics++] = (bf_store_metric){.name = name, .value = json_number_value(value)};
  }
  b->entry.metrics = b->metrics;
  return BF_OK;
}

static bf_status parse_manifest(bf_bundle *b, bf_error *err) {
  json_error_t why;
  b->manifest =
      json_loadb((const char *)b->bytes[MEMBER_MANIFEST], b->n_bytes[MEMBER_MANIFEST], JSON_REJECT_DUPLICATES, &why);
  if (b->manifest == NULL)
    return bf__error_at(err, BF_ERR_FORMAT, why.position, "manifest.json, line %d: %.100s", why.line, why.text);
  const json_t *number = json_object_get(b->manifest, "bestfit_bundle");
  if (!json_is_integer(number)) return bad_manifest(err, "bestfit_bundle", "there, or not a number: this is no bundle");
  json_int_t format = json_integer_value(number);
  if (format < 1 || format > BUNDLE_VERSION)
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "a bundle of format %lld; this bestfit reads formats 1 to %d: use the newer one",
                     (long long)format, BUNDLE_VERSION);
  b->format = (int)format;
  return BF_OK;
}

static bf_status read_manifest(bf_bundle *b, bf_error *err) {
  bf_status status = BF_OK;
  bf_store_entry *e = &b->entry;
  BF_TRY(parse_manifest(b, err));
  BF_TRY(text_of(b->manifest, "name", false, &e->name, err));
  BF_TRY(bf__check_name(e->name, err));
  BF_TRY(text_of(b->manifest, "domain", true, &e->domain, err));
  BF_TRY(text_of(b->manifest, "task", true, &e->task, err));
  BF_TRY(text_of(b->manifest, "kind", true, &e->kind, err));
  BF_TRY(text_of(b->manifest, "summary", true, &e->summary, err));
  BF_TRY(text_of(b->manifest, "license", true, &e->license, err));
  const json_t *accuracy = json_object_get(b->manifest, "source_accuracy");
  const json_t *rows = json_object_get(b->manifest, "rows");
  const json_t *version = json_object_get(b->manifest, "version");
  if (accuracy != NULL && !json_is_null(accuracy) && !json_is_number(accuracy))
    return bad_manifest(err, "source_accuracy", "a number");
  if (json_is_number(accuracy)) e->source_accuracy = json_number_value(accuracy);
  if (rows != NULL && (!json_is_integer(rows) || json_integer_value(rows) < 0))
    return bad_manifest(err, "rows", "a whole number");
  e->rows = (uint64_t)json_integer_value(rows);
  if (!json_is_integer(version) || json_integer_value(version) < 1 || json_integer_value(version) > UINT32_MAX)
    return bad_manifest(err, "version", "a number from 1");
  b->version = (uint32_t)json_integer_value(version);
  BF_TRY(texts_of(b->manifest, "tags", &b->tags, &e->n_tags, err));
  BF_TRY(texts_of(b->manifest, "aliases", &b->aliases, &e->n_aliases, err));
  e->tags = b->tags;
  e->aliases = b->aliases;
  BF_TRY(metrics_of(b, err));
  b->origin = bf__asprintf("from %s@%u", e->name, b->version);
  if (b->origin == NULL) status = bf__error_memory(err, strlen(e->name));
  e->origin = b->origin;
out:
  return status;
}

static bf_status check_hash(const json_t *file, const char *name, const uint8_t *bytes, size_t n_bytes, bf_error *err) {
  const char *said = json_string_value(json_object_get(file, "sha256"));
  char found[65];
  if (!bf__is_sha256(said)) return bad_manifest(err, name, "listed in files with its sha256");
  bf_status status = bf_sha256(bytes, n_bytes, found, err);
  if (status != BF_OK) return status;
  if (strcmp(said, found) == 0) return BF_OK;
  return bf__error(err, BF_ERR_CORRUPT,
                   "%.120s is damaged: its hash differs from the manifest's; fetch the bundle again", name);
}

static bf_status lacks(const char *name, bf_error *err) {
  return bf__error(err, BF_ERR_FORMAT, "the bundle lacks %.120s: export it again", name);
}

/* Each file that is there is in the manifest with its hash, and each in the manifest is there. */
static bf_status check_hashes(bf_bundle *b, bf_error *err) {
  bf_status status = BF_OK;
  const json_t *files = json_object_get(b->manifest, "files");
  for (size_t i = MEMBER_CARD; i < N_MEMBERS; ++i) {
    const json_t *file = json_object_get(files, RULES[i].name);
    if (i >= MEMBER_CALIBRATION && b->format < 2) break;
    if (file == NULL && b->bytes[i] == NULL) continue;
    if (b->bytes[i] == NULL && bf__is_sha256(json_string_value(json_object_get(file, "sha256"))))
      return lacks(RULES[i].name, err);
    BF_TRY(check_hash(file, RULES[i].name, b->bytes[i], b->n_bytes[i], err));
  }
out:
  return status;
}

/* files/<name> of the manifest; other members with such names are not looked at. */
static bf_status read_files(bf__zip *zip, bf_bundle *b, bf_error *err) {
  bf_status status = BF_OK;
  json_t *files = json_object_get(b->manifest, "files");
  const char *key;
  json_t *file;
  uint64_t left = FILES_MAX_BYTES;
  if (json_object_size(files) > BF__FILES_MAX + N_MEMBERS)
    return bad_manifest(err, "files", "an object of at most 2,000 files");
  b->files = bf__alloc(json_object_size(files), sizeof *b->files);
  if (b->files == NULL) return bf__error_memory(err, json_object_size(files) * sizeof *b->files);
  b->entry.files = b->files;
  json_object_foreach(files, key, file) {
    if (strncmp(key, FILES_PREFIX, strlen(FILES_PREFIX)) != 0) continue;
    const char *name = key + strlen(FILES_PREFIX);
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (bf__check_file_name(name, err) != BF_OK) return bad_manifest(err, "files", "of names that files may have");
    int64_t i = bf__zip_find(zip, key);
    if (i < 0) return lacks(key, err);
    if (count_named(zip, key) > 1) return bad_count(key, 2, err);
    BF_TRY(read_bytes(zip, (size_t)i, left < FILE_MAX_BYTES ? left : FILE_MAX_BYTES, &bytes, &n, err));
    b->files[b->entry.n_files++] = (bf_store_file){.name = name, .bytes = bytes, .n_bytes = n};
    left -= n;
    BF_TRY(check_hash(file, key, bytes, n, err));
  }
  if (b->entry.n_files > BF__FILES_MAX) return bad_manifest(err, "files", "an object of at most 2,000 files");
out:
  return status;
}

static bf_status read_members(bf__zip *zip, bf_bundle *b, bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = MEMBER_CARD; i < (b->format < 2 ? MEMBER_CALIBRATION : N_MEMBERS); ++i)
    BF_TRY(read_member(zip, (member_sort)i, b, err));
  BF_TRY(check_hashes(b, err));
  if (b->format >= 2) BF_TRY(read_files(zip, b, err));
  const uint8_t *calibration = b->bytes[MEMBER_CALIBRATION];
  if (calibration != NULL && memchr(calibration, 0, b->n_bytes[MEMBER_CALIBRATION]) != NULL)
    return bf__error(err, BF_ERR_FORMAT, "%s is no JSON", RULES[MEMBER_CALIBRATION].name);
out:
  return status;
}

static bf_status read_bundle(bf__zip *zip, bf_bundle **out, bf_error *err) {
  bf_status status = BF_OK;
  bf_bundle *b = bf__alloc(1, sizeof *b);
  if (b == NULL) return bf__error_memory(err, sizeof *b);
  b->entry = (bf_store_entry)BF_STORE_ENTRY_INIT;
  BF_TRY(check_members(zip, BF__FILES_MAX, err));
  BF_TRY(read_member(zip, MEMBER_MANIFEST, b, err));
  BF_TRY(read_manifest(b, err)); /* before a large model is read in vain */
  if (b->format < 2) BF_TRY(check_members(zip, 0, err));
  BF_TRY(read_members(zip, b, err));
  b->entry.model_bytes = b->bytes[MEMBER_MODEL];
  b->entry.model_n_bytes = b->n_bytes[MEMBER_MODEL];
  b->entry.card = b->bytes[MEMBER_CARD];
  b->entry.card_bytes = b->n_bytes[MEMBER_CARD];
  b->entry.sketch = b->bytes[MEMBER_SKETCH];
  b->entry.sketch_bytes = b->n_bytes[MEMBER_SKETCH];
  b->entry.calibration = (const char *)b->bytes[MEMBER_CALIBRATION]; /* a zero follows it */
  b->entry.validation = b->bytes[MEMBER_VALIDATION];
  b->entry.validation_bytes = b->n_bytes[MEMBER_VALIDATION];
  if (b->entry.sketch != NULL && b->entry.kind == NULL)
    BF_TRY(bad_manifest(err, "kind", "said, though there is a sketch"));
  *out = b;
  b = NULL;
out:
  bf_bundle_free(b);
  return status;
}

bf_status bf_bundle_read(const uint8_t *bytes, size_t n_bytes, bf_bundle **out, bf_error *err) {
  bf__zip *zip = NULL;
  bf__error_clear(err);
  *out = NULL;
  bf_status status = bf__zip_open_bytes(bytes, n_bytes, &zip, err);
  if (status == BF_OK) status = read_bundle(zip, out, err);
  bf__zip_close(zip);
  return status;
}

bf_status bf_bundle_open(const char *path, bf_bundle **out, bf_error *err) {
  bf__zip *zip = NULL;
  bf_error why = {.position = -1};
  struct stat st;
  bf__error_clear(err);
  *out = NULL;
  if (stat(path, &st) != 0) return bf__error_errno(err, errno, "cannot open %s", path);
  if (!S_ISREG(st.st_mode)) return bf__error(err, BF_ERR_FORMAT, "%.180s is not a file: give a bundle", path);
  bf_status status = bf__zip_open(path, &zip, &why);
  if (status == BF_OK) status = read_bundle(zip, out, &why);
  bf__zip_close(zip);
  if (status == BF_OK) return BF_OK;
  (void)bf__error_at(err, status, why.position, "%.60s: %s", path, why.message);
  return status;
}

const bf_store_entry *bf_bundle_entry(const bf_bundle *bundle) {
  return bundle == NULL ? NULL : &bundle->entry;
}
uint32_t bf_bundle_version(const bf_bundle *bundle) {
  return bundle == NULL ? 0 : bundle->version;
}

void bf_bundle_free(bf_bundle *bundle) {
  if (bundle == NULL) return;
  for (size_t i = 0; i < N_MEMBERS; ++i) free(bundle->bytes[i]);
  for (size_t i = 0; i < bundle->entry.n_files; ++i) free((uint8_t *)bundle->files[i].bytes);
  free(bundle->files);
  json_decref(bundle->manifest);
  free(bundle->tags);
  free(bundle->aliases);
  free(bundle->metrics);
  free(bundle->origin);
  free(bundle);
}
