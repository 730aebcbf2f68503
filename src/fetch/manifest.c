/* Manifests: JSON to a list of files, everything checked that a path, an address or an allocation is later made of.
 *
 * A manifest decides where files are written and what is asked of the network, so that a name in it may not leave the
 * dataset's folder or the repository: paths are relative, of plain characters, without "." and "..". */
#include <bestfit/fetch.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "fetch/fetch_internal.h"

#define MAX_MANIFEST_BYTES ((size_t)4 << 20)
#define MAX_FILES 10000
#define MAX_SOURCES 64
#define MAX_PATH 240
#define MANIFEST_VERSION 1

struct bf_manifest {
  json_t *json; /* the texts are borrowed from it */
  const char *name, *title, *workload, *kind, *license;
  const char **citations;
  bf_manifest_source *sources;
  const char **source_keys;
  bf_manifest_file *files;
  size_t n_citations, n_sources, n_files;
};

static const char *const origin_names[] = {"published", "gzip", "derived"};

const char *bf_origin_name(bf_origin origin) {
  return (size_t)origin < sizeof origin_names / sizeof *origin_names ? origin_names[origin] : NULL;
}

/* ---- checks of texts ---- */

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_of(const char *text, const char *characters, size_t least, size_t most) {
  size_t n = strlen(text);
  return n >= least && n <= most && strspn(text, characters) == n;
}

static bool is_name(const char *text) {
  return is_of(text, LOWER DIGITS "-_", 1, 64) && text[0] != '-';
}

static bool is_sha256(const char *text) {
  return is_of(text, DIGITS "abcdef", 64, 64);
}

static bool is_commit(const char *text) {
  return is_of(text, DIGITS "abcdef", 40, 40);
}

/* Relative, parts of visible ASCII and blanks between single slashes, none "." or ".." or beginning with a blank. */
static bool is_path(const char *text) {
  size_t n = strlen(text);
  if (n == 0 || n > MAX_PATH) return false;
  for (const char *part = text; part != NULL;) {
    size_t length = strcspn(part, "/");
    if (length == 0 || part[0] == ' ' || (length == 1 && part[0] == '.') || (length == 2 && memcmp(part, "..", 2) == 0))
      return false;
    for (size_t i = 0; i < length; i++)
      if (part[i] < 0x20 || part[i] > 0x7e || part[i] == '\\') return false;
    part = part[length] == '/' ? part + length + 1 : NULL;
  }
  return true;
}

static bool is_repository(const char *text) {
  const char *slash = strchr(text, '/');
  return is_path(text) && slash != NULL && strchr(slash + 1, '/') == NULL &&
         is_of(text, LOWER UPPER DIGITS "._-/", 3, 140);
}

static bool is_text(const char *text) {
  return text[0] != '\0' && strlen(text) <= 4000;
}

static bool is_kind(const char *text) {
  static const char *const kinds[] = {"features", "series", "image", "text", "pair", "tagged"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(text, kinds[i]) == 0) return true;
  return false;
}

/* ---- reading of fields ---- */

static bf_status text_of(const json_t *object, const char *key, bool (*check)(const char *text), const char *where,
                         const char **out, bf_error *err) {
  const json_t *value = json_object_get(object, key);
  *out = json_string_value(value);
  if (*out != NULL && json_string_length(value) == strlen(*out) && check(*out)) return BF_OK;
  return bf__error(err, BF_ERR_FORMAT, "%s: '%s' is %s", where, key, *out == NULL ? "missing or no text" : "not valid");
}

static bf_status size_of(const json_t *object, const char *key, const char *where, uint64_t *out, bf_error *err) {
  const json_t *value = json_object_get(object, key);
  json_int_t size = json_integer_value(value);
  *out = 0;
  if (!json_is_integer(value) || size < 1 || size > (json_int_t)BF_FETCH_MAX_BYTES)
    return bf__error(err, BF_ERR_FORMAT, "%s: '%s' is not a whole number from 1 to %llu", where, key,
                     (unsigned long long)BF_FETCH_MAX_BYTES);
  *out = (uint64_t)size;
  return BF_OK;
}

static bf_status list_of(const json_t *object, const char *key, bool (*is_list)(const json_t *), size_t n, size_t most,
                         bf_error *err) {
  const json_t *value = json_object_get(object, key);
  if (value == NULL || !is_list(value) || n == 0 || n > most)
    return bf__error(err, BF_ERR_FORMAT, "'%s' is missing, empty, longer than %zu or of another type", key, most);
  return BF_OK;
}

static bool is_array(const json_t *value) {
  return json_is_array(value);
}

static bool is_object(const json_t *value) {
  return json_is_object(value);
}

static bf_status read_citations(bf_manifest *m, bf_error *err) {
  const json_t *list = json_object_get(m->json, "citation");
  size_t n = json_array_size(list);
  bf_status status = list_of(m->json, "citation", is_array, n, 100, err);
  if (status != BF_OK) return status;
  m->citations = bf__alloc(n, sizeof *m->citations);
  if (m->citations == NULL) return bf__error_memory(err, n * sizeof *m->citations);
  for (; m->n_citations < n; m->n_citations++) {
    const char *text = json_string_value(json_array_get(list, m->n_citations));
    if (text == NULL || !is_text(text))
      return bf__error(err, BF_ERR_FORMAT, "citation %zu is no text", m->n_citations + 1);
    m->citations[m->n_citations] = text;
  }
  return BF_OK;
}

static bf_status read_sources(bf_manifest *m, bf_error *err) {
  json_t *list = json_object_get(m->json, "sources"), *one;
  const char *key;
  size_t n = json_object_size(list);
  bf_status status = list_of(m->json, "sources", is_object, n, MAX_SOURCES, err);
  if (status != BF_OK) return status;
  m->sources = bf__alloc(n, sizeof *m->sources);
  m->source_keys = bf__alloc(n, sizeof *m->source_keys);
  if (m->sources == NULL || m->source_keys == NULL) return bf__error_memory(err, n * sizeof *m->sources);
  json_object_foreach(list, key, one) {
    char where[100];
    bf_manifest_source *source = &m->sources[m->n_sources];
    snprintf(where, sizeof where, "source '%.60s'", key);
    BF_TRY(text_of(one, "host", is_path, where, &source->host, err));
    BF_TRY(text_of(one, "repository", is_repository, where, &source->repository, err));
    BF_TRY(text_of(one, "commit", is_commit, where, &source->commit, err));
    m->source_keys[m->n_sources++] = key;
  }
out:
  return status;
}

static const bf_manifest_source *find_source(const bf_manifest *m, const char *key) {
  for (size_t i = 0; i < m->n_sources; i++)
    if (strcmp(m->source_keys[i], key) == 0) return &m->sources[i];
  return NULL;
}

/* What is published: of a file that is not derived. */
static bf_status read_origin(const bf_manifest *m, const json_t *entry, const char *where, bf_manifest_file *file,
                             bf_error *err) {
  bf_status status = BF_OK;
  const char *key = NULL;
  if (file->origin == BF_ORIGIN_DERIVED) {
    BF_TRY(text_of(entry, "recipe", is_text, where, &key, err));
    file->recipe = json_string_value(json_object_get(json_object_get(m->json, "recipes"), key));
    if (file->recipe == NULL || !is_text(file->recipe))
      status = bf__error(err, BF_ERR_FORMAT, "%s: there is no recipe '%.60s'", where, key);
    goto out;
  }
  BF_TRY(text_of(entry, "source", is_text, where, &key, err));
  file->source = find_source(m, key);
  if (file->source == NULL) {
    status = bf__error(err, BF_ERR_FORMAT, "%s: there is no source '%.60s'", where, key);
    goto out;
  }
  BF_TRY(text_of(entry, "from", is_path, where, &file->source_path, err));
out:
  return status;
}

static bf_status read_file(const bf_manifest *m, const json_t *entry, size_t i, bf_manifest_file *file, bf_error *err) {
  bf_status status = BF_OK;
  char where[120];
  const char *origin = NULL;
  snprintf(where, sizeof where, "file %zu", i + 1);
  BF_TRY(text_of(entry, "path", is_path, where, &file->path, err));
  snprintf(where, sizeof where, "file %zu (%.90s)", i + 1, file->path);
  BF_TRY(size_of(entry, "bytes", where, &file->size_bytes, err));
  BF_TRY(text_of(entry, "sha256", is_sha256, where, &file->sha256, err));
  BF_TRY(text_of(entry, "made", is_text, where, &origin, err));
  size_t k = 0;
  while (k < sizeof origin_names / sizeof *origin_names && strcmp(origin, origin_names[k]) != 0) k++;
  if (k == sizeof origin_names / sizeof *origin_names)
    status = bf__error(err, BF_ERR_FORMAT, "%s: 'made' is published, gzip or derived, not '%.40s'", where, origin);
  if (status != BF_OK) goto out;
  file->origin = (bf_origin)k;
  if (file->origin == BF_ORIGIN_COMPRESSED || json_object_get(entry, "unpacked_bytes") != NULL) {
    BF_TRY(size_of(entry, "unpacked_bytes", where, &file->unpacked_bytes, err));
    BF_TRY(text_of(entry, "unpacked_sha256", is_sha256, where, &file->unpacked_sha256, err));
  }
  status = read_origin(m, entry, where, file, err);
out:
  return status;
}

static int by_path(const void *a, const void *b) {
  const bf_manifest_file *const *x = a, *const *y = b;
  return strcmp((*x)->path, (*y)->path);
}

/* No path twice, and none that lies below another file. */
static bf_status check_paths(const bf_manifest *m, bf_error *err) {
  const bf_manifest_file **order = bf__alloc(m->n_files, sizeof *order);
  if (order == NULL) return bf__error_memory(err, m->n_files * sizeof *order);
  bf_status status = BF_OK;
  for (size_t i = 0; i < m->n_files; i++) order[i] = &m->files[i];
  qsort(order, m->n_files, sizeof *order, by_path);
  for (size_t i = 1; status == BF_OK && i < m->n_files; i++)
    if (strcmp(order[i - 1]->path, order[i]->path) == 0)
      status = bf__error(err, BF_ERR_FORMAT, "the file '%.120s' stands there twice", order[i]->path);
  free(order);
  return status;
}

static bf_status read_files(bf_manifest *m, bf_error *err) {
  const json_t *list = json_object_get(m->json, "files");
  size_t n = json_array_size(list);
  bf_status status = list_of(m->json, "files", is_array, n, MAX_FILES, err);
  if (status != BF_OK) return status;
  m->files = bf__alloc(n, sizeof *m->files);
  if (m->files == NULL) return bf__error_memory(err, n * sizeof *m->files);
  for (; status == BF_OK && m->n_files < n; m->n_files++)
    status = read_file(m, json_array_get(list, m->n_files), m->n_files, &m->files[m->n_files], err);
  return status == BF_OK ? check_paths(m, err) : status;
}

static bf_status read_manifest(bf_manifest *m, bf_error *err) {
  bf_status status = BF_OK;
  const json_t *version = json_object_get(m->json, "bestfit_manifest");
  if (!json_is_integer(version)) return bf__error(err, BF_ERR_FORMAT, "'bestfit_manifest' is missing: not a manifest");
  if (json_integer_value(version) != MANIFEST_VERSION)
    return bf__error(err, BF_ERR_UNSUPPORTED, "manifest version %lld: this program reads version %d",
                     (long long)json_integer_value(version), MANIFEST_VERSION);
  BF_TRY(text_of(m->json, "name", is_name, "manifest", &m->name, err));
  BF_TRY(text_of(m->json, "title", is_text, "manifest", &m->title, err));
  BF_TRY(text_of(m->json, "workload", is_text, "manifest", &m->workload, err));
  BF_TRY(text_of(m->json, "kind", is_kind, "manifest", &m->kind, err));
  BF_TRY(text_of(m->json, "license", is_text, "manifest", &m->license, err));
  BF_TRY(read_citations(m, err));
  BF_TRY(read_sources(m, err));
  BF_TRY(read_files(m, err));
out:
  return status;
}

bf_status bf_manifest_parse(const void *bytes, size_t n_bytes, bf_manifest **out, bf_error *err) {
  json_error_t reason = {0};
  *out = NULL;
  if (n_bytes > MAX_MANIFEST_BYTES)
    return bf__error(err, BF_ERR_LIMIT, "a manifest has at most %zu bytes, not %zu", MAX_MANIFEST_BYTES, n_bytes);
  bf_manifest *m = bf__alloc(1, sizeof *m);
  if (m == NULL) return bf__error_memory(err, sizeof *m);
  m->json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &reason);
  bf_status status = m->json != NULL ? read_manifest(m, err)
                                     : bf__error_at(err, BF_ERR_FORMAT, reason.position, "line %d is no JSON: %.120s",
                                                    reason.line, reason.text);
  if (status == BF_OK) {
    *out = m;
    return BF_OK;
  }
  bf_manifest_free(m);
  return status;
}

void bf_manifest_free(bf_manifest *m) {
  if (m == NULL) return;
  free(m->citations);
  free(m->sources);
  free(m->source_keys);
  free(m->files);
  json_decref(m->json);
  free(m);
}

const char *bf_manifest_name(const bf_manifest *m) {
  return m->name;
}

const char *bf_manifest_title(const bf_manifest *m) {
  return m->title;
}

const char *bf_manifest_workload(const bf_manifest *m) {
  return m->workload;
}

const char *bf_manifest_kind(const bf_manifest *m) {
  return m->kind;
}

const char *bf_manifest_license(const bf_manifest *m) {
  return m->license;
}

size_t bf_manifest_citation_count(const bf_manifest *m) {
  return m->n_citations;
}

const char *bf_manifest_citation(const bf_manifest *m, size_t i) {
  return i < m->n_citations ? m->citations[i] : NULL;
}

size_t bf_manifest_source_count(const bf_manifest *m) {
  return m->n_sources;
}

const bf_manifest_source *bf_manifest_source_at(const bf_manifest *m, size_t i) {
  return i < m->n_sources ? &m->sources[i] : NULL;
}

size_t bf_manifest_file_count(const bf_manifest *m) {
  return m->n_files;
}

const bf_manifest_file *bf_manifest_file_at(const bf_manifest *m, size_t i) {
  return i < m->n_files ? &m->files[i] : NULL;
}
