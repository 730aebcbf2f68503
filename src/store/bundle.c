/* One model as one file: a zip archive of at most four members with fixed names.
 *
 *   manifest.json   what there is, with hashes      README.md   the card
 *   model.onnx      the model                       sketch      where there is one
 *
 * Written without compression, times or modes, so that equal versions give equal bytes (weights hardly compress
 * anyway). Read as coming from a stranger: only these names are looked at, and none becomes a path; sizes are bounded
 * before anything is allocated; every file is compared with its hash in the manifest. docs/formats/bundle-v1.md.
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

#define BUNDLE_VERSION 1
#define MEMBERS_MAX 64        /* more than that is no bundle */
#define RATIO_MAX 200u        /* what a member may grow to, and */
#define RATIO_FREE (1u << 20) /* the size up to which any ratio will do */
#define LABELS_MAX 1000

typedef enum member_sort { MEMBER_MANIFEST, MEMBER_CARD, MEMBER_MODEL, MEMBER_SKETCH, N_MEMBERS } member_sort;

static const struct member_rule {
  const char *name;
  uint64_t max_bytes;
} RULES[N_MEMBERS] = {
    [MEMBER_MANIFEST] = {"manifest.json", 1u << 20},
    [MEMBER_CARD] = {"README.md", 1u << 20},
    [MEMBER_MODEL] = {"model.onnx", 1u << 31},
    [MEMBER_SKETCH] = {"sketch", 192u << 10},
};

struct bf_bundle {
  bf_store_entry entry;
  uint32_t version;
  json_t *manifest; /* the entry's texts are borrowed from it */
  uint8_t *bytes[N_MEMBERS];
  size_t n_bytes[N_MEMBERS];
  const char **tags, **aliases;
  bf_store_metric *metrics;
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

/* NULL: no memory, or a text of the database that is not UTF-8. */
static json_t *manifest_json(const bf_store_model *m, uint64_t card_bytes, uint64_t sketch_bytes) {
  json_t *metrics = json_object();
  json_t *files = json_object();
  bool failed = metrics == NULL || files == NULL;
  for (size_t i = 0; i < m->n_metrics; ++i) {
    /* accuracy that is the source accuracy is said as that */
    if (strcmp(m->metrics[i].name, "accuracy") == 0 && m->metrics[i].value == m->source_accuracy) continue;
    failed |= json_object_set_new(metrics, m->metrics[i].name, json_real(m->metrics[i].value)) != 0;
  }
  failed |= json_object_set_new(files, RULES[MEMBER_MODEL].name, file_json(m->model_sha256, m->model_bytes)) != 0;
  failed |= json_object_set_new(files, RULES[MEMBER_CARD].name, file_json(m->card_sha256, card_bytes)) != 0;
  if (m->sketch_sha256 != NULL)
    failed |= json_object_set_new(files, RULES[MEMBER_SKETCH].name, file_json(m->sketch_sha256, sketch_bytes)) != 0;
  json_t *whole = json_pack("{s:i, s:s, s:I, s:s, s:s, s:s, s:s?, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "bestfit_bundle",
                            BUNDLE_VERSION, "name", m->name, "version", (json_int_t)m->version, "created", m->created,
                            "domain", m->domain, "task", m->task, "kind", m->kind, "summary", m->summary, "license",
                            m->license, "rows", (json_int_t)m->rows, "tags", words_json(m->tags), "aliases",
                            words_json(m->aliases), "metrics", metrics, "files", files);
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

static bf_status write_bundle(bf_store *store, const bf_store_model *m, const char *path, bf_error *err) {
  bf_status status = BF_OK;
  uint64_t sizes[N_MEMBERS] = {0};
  char *paths[N_MEMBERS] = {NULL};
  const char *const hashes[N_MEMBERS] = {
      [MEMBER_CARD] = m->card_sha256, [MEMBER_MODEL] = m->model_sha256, [MEMBER_SKETCH] = m->sketch_sha256};
  bf__zip_member members[N_MEMBERS];
  size_t n = 1;
  json_t *manifest = NULL;
  char *text = NULL;
  for (size_t i = MEMBER_CARD; i < N_MEMBERS; ++i) {
    if (hashes[i] == NULL) continue;
    BF_TRY(check_blob(store, m, hashes[i], RULES[i].name, &sizes[i], err));
    if (sizes[i] > RULES[i].max_bytes) {
      status =
          bf__error(err, BF_ERR_LIMIT, "%s of %.100s@%u has %llu bytes; a bundle holds at most %llu", RULES[i].name,
                    m->name, m->version, (unsigned long long)sizes[i], (unsigned long long)RULES[i].max_bytes);
      goto out;
    }
    BF_TRY(bf__blobs_path(store->blobs, hashes[i], &paths[i], err));
    members[n++] = (bf__zip_member){.name = RULES[i].name, .path = paths[i]};
  }
  manifest = manifest_json(m, sizes[MEMBER_CARD], sizes[MEMBER_SKETCH]);
  text = manifest == NULL ? NULL : json_dumps(manifest, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
  if (text == NULL) {
    status = bf__error(err, BF_ERR_MEMORY, "the manifest of %.120s@%u cannot be written", m->name, m->version);
    goto out;
  }
  members[0] = (bf__zip_member){.name = RULES[MEMBER_MANIFEST].name, .bytes = text, .n_bytes = strlen(text)};
  BF_TRY(bf__zip_write(path, members, n, err));
out:
  for (size_t i = 0; i < N_MEMBERS; ++i) free(paths[i]);
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

static bf_status check_members(const bf__zip *zip, bf_error *err) {
  size_t n = bf__zip_count(zip);
  if (n > MEMBERS_MAX) return bf__error(err, BF_ERR_LIMIT, "a zip archive with %zu members is no bundle", n);
  for (size_t rule = 0; rule < N_MEMBERS; ++rule) {
    size_t found = 0;
    for (size_t i = 0; i < n; ++i) {
      const char *name = bf__zip_name(zip, i);
      found += name != NULL && strcmp(name, RULES[rule].name) == 0;
    }
    if (found == 1 || (found == 0 && rule == MEMBER_SKETCH)) continue;
    return bf__error(err, BF_ERR_FORMAT, "%s %s: `bestfit export` writes bundles",
                     found == 0 ? "no bundle, it has no" : "no bundle, it has more than one", RULES[rule].name);
  }
  return BF_OK;
}

static bf_status read_member(bf__zip *zip, member_sort sort, bf_bundle *out, bf_error *err) {
  bf_status status = BF_OK;
  bf__zip_info info;
  bf__zip_stream *stream = NULL;
  const char *name = RULES[sort].name;
  int64_t i = bf__zip_find(zip, name);
  if (i < 0) return BF_OK;
  BF_TRY(bf__zip_info_of(zip, (size_t)i, &info, err));
  if (info.encrypted) return bf__error(err, BF_ERR_UNSUPPORTED, "%s is encrypted: pack the bundle again without", name);
  if (info.bytes > RULES[sort].max_bytes)
    return bf__error(err, BF_ERR_LIMIT, "%s has %llu bytes; at most %llu are read", name,
                     (unsigned long long)info.bytes, (unsigned long long)RULES[sort].max_bytes);
  if (info.bytes > RATIO_FREE && info.bytes / RATIO_MAX > info.packed_bytes)
    return bf__error(err, BF_ERR_LIMIT, "%s is packed more than %u to 1: pack it again without compression", name,
                     RATIO_MAX);
  size_t n = (size_t)info.bytes;
  uint8_t *bytes = bf__alloc(n + 1, 1);
  if (bytes == NULL) return bf__error_memory(err, n);
  out->bytes[sort] = bytes;
  out->n_bytes[sort] = n;
  BF_TRY(bf__zip_read_begin(zip, (size_t)i, &stream, err));
  for (size_t at = 0, got; at < n; at += got) {
    BF_TRY(bf__zip_read(stream, bytes + at, n - at, &got, err));
    if (got == 0) {
      status = bf__error(err, BF_ERR_FORMAT, "%s ends after %zu of %zu bytes: fetch the bundle again", name, at, n);
      goto out;
    }
  }
out:
  bf__zip_read_end(stream);
  return status;
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
  if (json_integer_value(number) != BUNDLE_VERSION)
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "a bundle of format %lld; this bestfit reads format %d: use the newer one",
                     (long long)json_integer_value(number), BUNDLE_VERSION);
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

/* Each file that is there is in the manifest with its hash, and each in the manifest is there. */
static bf_status check_hashes(bf_bundle *b, bf_error *err) {
  const json_t *files = json_object_get(b->manifest, "files");
  for (size_t i = MEMBER_CARD; i < N_MEMBERS; ++i) {
    const json_t *file = json_object_get(files, RULES[i].name);
    const char *said = json_string_value(json_object_get(file, "sha256"));
    char found[65];
    if (file == NULL && b->bytes[i] == NULL) continue;
    if (!bf__is_sha256(said)) return bad_manifest(err, RULES[i].name, "listed in files with its sha256");
    if (b->bytes[i] == NULL)
      return bf__error(err, BF_ERR_FORMAT, "the bundle lacks %s: export it again", RULES[i].name);
    bf_status status = bf_sha256(b->bytes[i], b->n_bytes[i], found, err);
    if (status != BF_OK) return status;
    if (strcmp(said, found) != 0)
      return bf__error(err, BF_ERR_CORRUPT,
                       "%s is damaged: its hash differs from the manifest's; fetch the bundle again", RULES[i].name);
  }
  return BF_OK;
}

static bf_status read_bundle(bf__zip *zip, bf_bundle **out, bf_error *err) {
  bf_status status = BF_OK;
  bf_bundle *b = bf__alloc(1, sizeof *b);
  if (b == NULL) return bf__error_memory(err, sizeof *b);
  b->entry = (bf_store_entry)BF_STORE_ENTRY_INIT;
  BF_TRY(check_members(zip, err));
  BF_TRY(read_member(zip, MEMBER_MANIFEST, b, err));
  BF_TRY(read_manifest(b, err)); /* before a large model is read in vain */
  for (size_t i = MEMBER_CARD; i < N_MEMBERS; ++i) BF_TRY(read_member(zip, (member_sort)i, b, err));
  BF_TRY(check_hashes(b, err));
  b->entry.model_bytes = b->bytes[MEMBER_MODEL];
  b->entry.model_n_bytes = b->n_bytes[MEMBER_MODEL];
  b->entry.card = b->bytes[MEMBER_CARD];
  b->entry.card_bytes = b->n_bytes[MEMBER_CARD];
  b->entry.sketch = b->bytes[MEMBER_SKETCH];
  b->entry.sketch_bytes = b->n_bytes[MEMBER_SKETCH];
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
  json_decref(bundle->manifest);
  free(bundle->tags);
  free(bundle->aliases);
  free(bundle->metrics);
  free(bundle->origin);
  free(bundle);
}
