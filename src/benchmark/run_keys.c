/* What a file of a run depends on, as one hash; and the hashes of large files, kept so that nothing is read twice. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "benchmark/benchmark_internal.h"

#define MAX_STAMP_BYTES ((size_t)4 << 20)
#define PIECE_BYTES ((size_t)1 << 20)

/* ---- hashing ---- */

struct bf__bench_hasher {
  bf__sha256 *sha;
};

bf_status bf__bench_hasher_create(bf__bench_hasher **out, bf_error *err) {
  *out = bf__alloc(1, sizeof **out);
  if (!*out) return bf__error_memory(err, sizeof **out);
  bf_status status = bf__sha256_create(&(*out)->sha, err);
  if (status == BF_OK) return BF_OK;
  free(*out);
  *out = NULL;
  return status;
}

bf_status bf__bench_hash_text(bf__bench_hasher *hasher, const char *text, bf_error *err) {
  char length[24];
  size_t n = text ? strlen(text) : 0;
  snprintf(length, sizeof length, "%zu%c", n, text ? ':' : '-');
  bf_status status = bf__sha256_update(hasher->sha, length, strlen(length), err);
  return status == BF_OK && n > 0 ? bf__sha256_update(hasher->sha, text, n, err) : status;
}

bf_status bf__bench_hash_number(bf__bench_hasher *hasher, double number, bf_error *err) {
  char text[40];
  snprintf(text, sizeof text, "%.17g", number);
  return bf__bench_hash_text(hasher, text, err);
}

bf_status bf__bench_hasher_finish(bf__bench_hasher *hasher, char out[BF__BENCH_KEY_BYTES], bf_error *err) {
  return bf__sha256_finish(hasher->sha, out, err);
}

void bf__bench_hasher_free(bf__bench_hasher *hasher) {
  if (!hasher) return;
  bf__sha256_free(hasher->sha);
  free(hasher);
}

static bf_status hash_file(const char *path, char out[BF__BENCH_KEY_BYTES], bf_error *err) {
  bf_status status = BF_OK;
  bf__sha256 *sha = NULL;
  size_t got = 0;
  FILE *file = fopen(path, "rb");
  if (!file) return bf__error_errno(err, errno, "cannot read %.120s", path);
  uint8_t *piece = bf__alloc(PIECE_BYTES, 1);
  if (!piece) BF_TRY(bf__error_memory(err, PIECE_BYTES));
  BF_TRY(bf__sha256_create(&sha, err));
  while ((got = fread(piece, 1, PIECE_BYTES, file)) > 0) BF_TRY(bf__sha256_update(sha, piece, got, err));
  if (ferror(file)) BF_TRY(bf__error_errno(err, errno, "cannot read %.120s", path));
  BF_TRY(bf__sha256_finish(sha, out, err));
out:
  bf__sha256_free(sha);
  free(piece);
  fclose(file);
  return status;
}

bf_status bf__bench_program_hash(char out[BF__BENCH_KEY_BYTES], bf_error *err) {
  Dl_info info;
  if (dladdr((const void *)(uintptr_t)&bf__bench_program_hash, &info) == 0 || !info.dli_fname)
    return bf__error(err, BF_ERR_INTERNAL, "the library does not know its own file");
  bf_status status = hash_file(info.dli_fname, out, err);
  if (status == BF_OK) return BF_OK;
  return hash_file("/proc/self/exe", out, err); /* a program's own name may be relative */
}

/* ---- stamps ---- */

struct bf__bench_stamps {
  char *path;
  json_t *files; /* name: {bytes, mtime_ns, sha256} */
  bool changed;
};

static json_t *read_stamps(const char *path) {
  json_t *files = bf__bench_json_read(path, MAX_STAMP_BYTES);
  if (json_is_object(files)) return files;
  json_decref(files);
  return json_object();
}

bf_status bf__bench_stamps_load(const char *path, bf__bench_stamps **out, bf_error *err) {
  *out = NULL;
  bf__bench_stamps *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(err, sizeof *s);
  s->path = bf__strdup(path);
  s->files = read_stamps(path);
  if (!s->path || !s->files) {
    bf__bench_stamps_free(s);
    return bf__error_memory(err, strlen(path));
  }
  *out = s;
  return BF_OK;
}

static bool is_hash(const char *text) {
  return text && strlen(text) == BF__BENCH_KEY_BYTES - 1 && strspn(text, "0123456789abcdef") == BF__BENCH_KEY_BYTES - 1;
}

bf_status bf__bench_stamps_hash(bf__bench_stamps *stamps, const char *path, const char *name,
                                char out[BF__BENCH_KEY_BYTES], bf_error *err) {
  struct stat st;
  if (stat(path, &st) != 0) {
    if (errno != ENOENT) return bf__error_errno(err, errno, "cannot look at %.120s", path);
    snprintf(out, BF__BENCH_KEY_BYTES, "-");
    return BF_OK;
  }
  json_int_t bytes = (json_int_t)st.st_size;
  json_int_t when = (json_int_t)st.st_mtim.tv_sec * 1000000000 + (json_int_t)st.st_mtim.tv_nsec;
  const json_t *known = json_object_get(stamps->files, name);
  const char *hash = json_string_value(json_object_get(known, "sha256"));
  if (is_hash(hash) && json_integer_value(json_object_get(known, "bytes")) == bytes &&
      json_integer_value(json_object_get(known, "mtime_ns")) == when) {
    memcpy(out, hash, BF__BENCH_KEY_BYTES);
    return BF_OK;
  }
  bf_status status = hash_file(path, out, err);
  if (status != BF_OK) return status;
  json_t *stamp = json_pack("{s:I, s:I, s:s}", "bytes", bytes, "mtime_ns", when, "sha256", out);
  if (!stamp || json_object_set_new(stamps->files, name, stamp) != 0) return bf__error_memory(err, 200);
  stamps->changed = true;
  return BF_OK;
}

bf_status bf__bench_stamps_save(bf__bench_stamps *stamps, bf_error *err) {
  if (!stamps->changed) return BF_OK;
  char *text = json_dumps(stamps->files, JSON_INDENT(1) | JSON_SORT_KEYS);
  if (!text) return bf__error_memory(err, 4096);
  bf_status status = bf__file_write_atomic(stamps->path, text, strlen(text), err);
  free(text);
  stamps->changed = status != BF_OK;
  return status;
}

void bf__bench_stamps_free(bf__bench_stamps *stamps) {
  if (!stamps) return;
  free(stamps->path);
  json_decref(stamps->files);
  free(stamps);
}
