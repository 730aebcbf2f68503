/* NumPy's .npz: a zip archive of .npy members, read as a stream of one member. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/zip.h"
#include "dataset/dataset_internal.h"

typedef struct member_source {
  bf__zip *archive;
  bf__zip_stream *file;
} member_source;

static bf_status member_read(void *context, void *out, size_t n_bytes, size_t *got, bf_error *err) {
  member_source *m = context;
  return bf__zip_read(m->file, out, n_bytes, got, err);
}

static void member_close(void *context) {
  member_source *m = context;
  if (!m) return;
  bf__zip_read_end(m->file);
  bf__zip_close(m->archive);
  free(m);
}

static int64_t locate(const bf__zip *archive, const char *name) {
  char with_suffix[512];
  int64_t i = bf__zip_find(archive, name);
  if (i >= 0) return i;
  int n = snprintf(with_suffix, sizeof with_suffix, "%s.npy", name);
  if (n < 0 || (size_t)n >= sizeof with_suffix) return -1;
  return bf__zip_find(archive, with_suffix);
}

static void list_members(const bf__zip *archive, char *out, size_t size) {
  size_t n = bf__zip_count(archive);
  out[0] = 0;
  for (size_t i = 0; i < n && strlen(out) + 24 < size; i++) {
    const char *name = bf__zip_name(archive, i);
    if (!name) continue;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".npy") == 0) length -= 4;
    if (i) strncat(out, ", ", size - strlen(out) - 1);
    strncat(out, name, length < size - strlen(out) - 1 ? length : size - strlen(out) - 1);
  }
}

/* The member asked for, else the only one, else the first of X, x, data, arr_0. */
static bf_status choose(const bf__zip *archive, const char *member, size_t *out, bf_error *err) {
  static const char *const USUAL[] = {"X", "x", "data", "arr_0"};
  char known[100];
  int64_t found = -1;
  if (member) {
    found = locate(archive, member);
  } else if (bf__zip_count(archive) == 1) {
    found = 0;
  } else {
    for (size_t i = 0; i < sizeof USUAL / sizeof USUAL[0] && found < 0; i++) found = locate(archive, USUAL[i]);
  }
  *out = found < 0 ? 0 : (size_t)found;
  if (found >= 0) return BF_OK;
  list_members(archive, known, sizeof known);
  if (member)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the archive has no array \"%.60s\"; it has: %s", member, known);
  return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                   "the archive holds several arrays; name one with the option --member: %s", known);
}

bf_status bf__npz_open_member(const char *path, const char *member, bf__stream **out, bf_error *err) {
  *out = NULL;
  bf_status status = BF_OK;
  size_t i = 0;
  bf__zip_info info;
  member_source *m = bf__alloc(1, sizeof *m);
  if (!m) return bf__error_memory(err, sizeof *m);
  BF_TRY(bf__zip_open(path, &m->archive, err));
  BF_TRY(choose(m->archive, member, &i, err));
  BF_TRY(bf__zip_info_of(m->archive, i, &info, err));
  BF_TRY(bf__zip_read_begin(m->archive, i, &m->file, err));
  bf__source source = {.context = m, .read = member_read, .close = member_close};
  source.total = info.bytes;
  m = NULL; /* the stream's now, also on failure */
  BF_TRY(bf__stream_of_source(source, out, err));
out:
  member_close(m);
  return status;
}

bool bf__npz_sniff(const bf__probe *probe) {
  const uint8_t *p = probe->head;
  return probe->head_bytes >= 4 && p[0] == 'P' && p[1] == 'K' && ((p[2] == 3 && p[3] == 4) || (p[2] == 5 && p[3] == 6));
}

bf_status bf__npz_open(bf_dataset *dataset, const bf__probe *probe, bf_error *err) {
  bf__stream *stream = NULL;
  if (probe->compression != BF__COMPRESSION_NONE)
    return bf__error(err, BF_ERR_UNSUPPORTED,
                     "%.80s: an .npz within another compression cannot be read in place; unpack the outer one",
                     dataset->shown);
  bf_status status = bf__npz_open_member(probe->path, dataset->member, &stream, err);
  return status == BF_OK ? bf__npy_open_stream(dataset, stream, err) : status;
}
