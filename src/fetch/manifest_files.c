/* Files of a manifest: are they here, where are they published, and how they come from there to here. */
#include <bestfit/fetch.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/hash.h"
#include "base/memory.h"
#include "fetch/fetch_internal.h"

#define MAX_MANIFEST_FILE ((size_t)4 << 20)

/* ---- hosts: where a host shows the file PATH of the repository OWNER/NAME at COMMIT ---- */

static const struct {
  const char *name, *base; /* "/OWNER/NAME/COMMIT/PATH" follows */
} hosts[] = {{"github.com", "https://raw.githubusercontent.com"}};

/* ---- is it here? ---- */

static bf_status hash_file(const char *path, char hex[65], bf_error *err) {
  uint8_t buffer[65536];
  bf__sha256 *hash = NULL;
  bf_status status = BF_OK;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return bf__error_errno(err, errno, "cannot read %s", path);
  BF_TRY(bf__sha256_create(&hash, err));
  for (;;) {
    ssize_t n = read(file, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status = bf__error_errno(err, errno, "cannot read %s", path);
      goto out;
    }
    if (n == 0) break;
    BF_TRY(bf__sha256_update(hash, buffer, (size_t)n, err));
  }
  status = bf__sha256_finish(hash, hex, err);
out:
  bf__sha256_free(hash);
  close(file);
  return status;
}

static bf_status find_file(const char *path, uint64_t *size_bytes, bf_error *err) {
  struct stat st;
  *size_bytes = 0;
  if (stat(path, &st) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return bf__error(err, BF_ERR_NOT_FOUND, "%.200s is not there", path);
    return bf__error_errno(err, errno, "cannot read %s", path);
  }
  if (!S_ISREG(st.st_mode)) return bf__error(err, BF_ERR_CORRUPT, "%.200s is not a file", path);
  *size_bytes = (uint64_t)st.st_size;
  return BF_OK;
}

bool bf__file_is(const char *path, uint64_t size_bytes, const char *sha256) {
  uint64_t size = 0;
  char hex[65];
  return find_file(path, &size, NULL) == BF_OK && size == size_bytes && hash_file(path, hex, NULL) == BF_OK &&
         strcmp(hex, sha256) == 0;
}

static bf_status is_another(const char *path, bf_error *err) {
  return bf__error(err, BF_ERR_CORRUPT, "%.150s is not the file that the manifest means: other bytes", path);
}

/* The same content, compressed by another program. */
static bf_status check_content(const bf_manifest_file *file, const char *path, bf_error *err) {
  uint8_t *packed = NULL, *bytes = NULL;
  size_t n_packed = 0;
  char hex[65];
  bf_status status = BF_OK;
  BF_TRY(bf__file_read(path, (size_t)BF_FETCH_MAX_BYTES, &packed, &n_packed, err));
  status = bf__gzip_expand(packed, n_packed, (size_t)file->unpacked_bytes, &bytes, err);
  if (status == BF_ERR_FORMAT) status = is_another(path, err);
  if (status != BF_OK) goto out;
  BF_TRY(bf_sha256(bytes, (size_t)file->unpacked_bytes, hex, err));
  if (strcmp(hex, file->unpacked_sha256) != 0) status = is_another(path, err);
out:
  free(packed);
  free(bytes);
  return status;
}

bf_status bf_manifest_check(const bf_manifest_file *file, const char *path, bf_error *err) {
  uint64_t size = 0;
  char hex[65];
  bf_status status = find_file(path, &size, err);
  if (status != BF_OK) return status;
  if (size == file->size_bytes) {
    status = hash_file(path, hex, err);
    if (status != BF_OK || strcmp(hex, file->sha256) == 0) return status;
  }
  return file->unpacked_sha256 != NULL ? check_content(file, path, err) : is_another(path, err);
}

/* ---- from where it is published ---- */

/* Appends text with everything but unreserved characters and the slash as %XX (RFC 3986). */
static void append_encoded(char *out, const char *text) {
  static const char hex[] = "0123456789ABCDEF";
  char *p = out + strlen(out);
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c);
    if (plain) {
      *p++ = (char)c;
    } else {
      *p++ = '%', *p++ = hex[c >> 4], *p++ = hex[c & 15];
    }
  }
  *p = '\0';
}

bf_status bf_manifest_url(const bf_manifest_file *file, const char *base, char **out, bf_error *err) {
  *out = NULL;
  if (file->origin == BF_ORIGIN_DERIVED)
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "%.60s is not published as it is: %s", file->path, file->recipe);
  for (size_t i = 0; base == NULL && i < sizeof hosts / sizeof *hosts; i++)
    if (strcmp(hosts[i].name, file->source->host) == 0) base = hosts[i].base;
  if (base == NULL)
    return bf__error(err, BF_ERR_UNSUPPORTED, "files of %.100s cannot be fetched: its addresses are not known",
                     file->source->host);
  size_t n_base = strlen(base);
  while (n_base > 0 && base[n_base - 1] == '/') n_base--;
  size_t capacity =
      n_base + strlen(file->source->repository) + strlen(file->source->commit) + 3 * strlen(file->source_path) + 4;
  char *url = bf__alloc(capacity, 1);
  if (url == NULL) return bf__error_memory(err, capacity);
  snprintf(url, capacity, "%.*s/%s/%s/", (int)n_base, base, file->source->repository, file->source->commit);
  append_encoded(url, file->source_path);
  *out = url;
  return BF_OK;
}

static bf_status make_parent(const char *path, bf_error *err) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL || slash == path) return BF_OK;
  char *folder = bf__strndup(path, (size_t)(slash - path));
  if (folder == NULL) return bf__error_memory(err, (size_t)(slash - path) + 1);
  bf_status status = bf__make_directories(folder, err);
  free(folder);
  return status;
}

/* Downloads what is published beside `path`, and writes it there compressed. */
static bf_status fetch_compressed(const bf_manifest_file *file, const char *url, const char *path,
                                  const bf_fetch_options *options, bf_error *err) {
  uint8_t *bytes = NULL, *packed = NULL;
  size_t n_bytes = 0, n_packed = 0;
  bf_status status = BF_OK;
  char *published = bf__asprintf("%s.published", path);
  if (published == NULL) return bf__error_memory(err, strlen(path) + 11);
  BF_TRY(bf_fetch_file(url, file->unpacked_sha256, file->unpacked_bytes, published, options, err));
  BF_TRY(bf__file_read(published, (size_t)file->unpacked_bytes, &bytes, &n_bytes, err));
  BF_TRY(bf__gzip_compress(bytes, n_bytes, &packed, &n_packed, err));
  BF_TRY(bf__file_write_atomic(path, packed, n_packed, err));
  unlink(published);
out:
  free(bytes);
  free(packed);
  free(published);
  return status;
}

bf_status bf_manifest_fetch(const bf_manifest_file *file, const char *base, const char *path,
                            const bf_fetch_options *options, bf_error *err) {
  char *url = NULL;
  bf_status status = BF_OK;
  BF_TRY(bf_manifest_url(file, base, &url, err));
  if (bf_manifest_check(file, path, NULL) == BF_OK) goto out;
  BF_TRY(make_parent(path, err));
  if (file->origin == BF_ORIGIN_COMPRESSED)
    BF_TRY(fetch_compressed(file, url, path, options, err));
  else
    BF_TRY(bf_fetch_file(url, file->sha256, file->size_bytes, path, options, err));
out:
  free(url);
  return status;
}

bf_status bf_manifest_copy(const bf_manifest_file *file, const char *from, const char *path, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_status status = BF_OK;
  BF_TRY(bf_manifest_check(file, from, err));
  BF_TRY(bf__file_read(from, (size_t)BF_FETCH_MAX_BYTES, &bytes, &n_bytes, err));
  BF_TRY(make_parent(path, err));
  BF_TRY(bf__file_write_atomic(path, bytes, n_bytes, err));
out:
  free(bytes);
  return status;
}

/* ---- all manifests of a folder ---- */

/* First existing one of those where manifests may be; you own it. */
static bf_status default_folder(char **out, bf_error *err) {
  const char *share = getenv("BESTFIT_SHARE");
  char *named = bf__asprintf("%s/datasets", share != NULL ? share : BESTFIT_SHARE_INSTALLED);
  const char *folders[] = {named, BESTFIT_SHARE_INSTALLED "/datasets", BESTFIT_MANIFESTS_BUILD};
  struct stat st;
  size_t i = 0;
  *out = NULL;
  while (named != NULL && i < 3 && (stat(folders[i], &st) != 0 || !S_ISDIR(st.st_mode))) i++;
  if (named != NULL && i < 3) *out = bf__strdup(folders[i]);
  free(named);
  if (*out != NULL) return BF_OK;
  if (i < 3) return bf__error_memory(err, 4096);
  return bf__error(err, BF_ERR_NOT_FOUND, "no manifests of datasets in %.120s: install bestfit, or name their folder",
                   BESTFIT_SHARE_INSTALLED "/datasets");
}

static int is_json(const struct dirent *entry) {
  size_t n = strlen(entry->d_name);
  return n > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + n - 5, ".json") == 0;
}

static bf_status load_one(const char *folder, const char *name, bf_manifest **out, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_error reason = {0};
  bf_status status = BF_OK;
  char *path = bf__asprintf("%s/%s", folder, name);
  if (path == NULL) return bf__error_memory(err, strlen(folder) + strlen(name) + 2);
  BF_TRY(bf__file_read(path, MAX_MANIFEST_FILE, &bytes, &n_bytes, err));
  status = bf_manifest_parse(bytes, n_bytes, out, &reason);
  if (status != BF_OK) bf__error_at(err, status, reason.position, "%.80s: %.150s", name, reason.message);
out:
  free(bytes);
  free(path);
  return status;
}

static int by_name(const void *a, const void *b) {
  const bf_manifest *const *x = a, *const *y = b;
  return strcmp(bf_manifest_name(*x), bf_manifest_name(*y));
}

static bf_status load_all(const char *folder, struct dirent **entries, size_t n_entries, bf_manifest **list, size_t *n,
                          bf_error *err) {
  for (; *n < n_entries; ++*n) {
    bf_status status = load_one(folder, entries[*n]->d_name, &list[*n], err);
    if (status != BF_OK) return status;
  }
  qsort(list, *n, sizeof *list, by_name);
  for (size_t i = 1; i < *n; i++)
    if (by_name(&list[i - 1], &list[i]) == 0)
      return bf__error(err, BF_ERR_EXISTS, "two manifests in %.150s are named %.64s", folder,
                       bf_manifest_name(list[i]));
  return BF_OK;
}

bf_status bf_manifests_load(const char *folder, bf_manifest ***out, size_t *n, bf_error *err) {
  struct dirent **entries = NULL;
  bf_manifest **list = NULL;
  char *found = NULL;
  int n_entries = 0;
  bf_status status = BF_OK;
  *out = NULL;
  *n = 0;
  if (folder == NULL) {
    BF_TRY(default_folder(&found, err));
    folder = found;
  }
  n_entries = scandir(folder, &entries, is_json, alphasort);
  if (n_entries < 0) {
    status = bf__error_errno(err, errno, "cannot read %s", folder);
    goto out;
  }
  if (n_entries == 0) {
    status = bf__error(err, BF_ERR_NOT_FOUND, "no manifest (*.json) in %.180s", folder);
    goto out;
  }
  list = bf__alloc((size_t)n_entries, sizeof *list);
  if (list == NULL) {
    status = bf__error_memory(err, (size_t)n_entries * sizeof *list);
    goto out;
  }
  BF_TRY(load_all(folder, entries, (size_t)n_entries, list, n, err));
  *out = list;
  list = NULL;
out:
  if (status != BF_OK) {
    bf_manifests_free(list, *n);
    list = NULL;
    *n = 0;
  }
  for (int i = 0; i < n_entries; i++) free(entries[i]);
  free(entries);
  free(found);
  return status;
}

void bf_manifests_free(bf_manifest **manifests, size_t n) {
  if (manifests == NULL) return;
  for (size_t i = 0; i < n; i++) bf_manifest_free(manifests[i]);
  free(manifests);
}
