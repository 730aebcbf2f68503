/* NumPy's .npz: a zip archive of .npy members, read as a stream of one member. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/memory.h"
#include "dataset/dataset_internal.h"

typedef struct member_source {
  zip_t *archive;
  zip_file_t *file;
} member_source;

static bf_status member_read(void *context, void *out, size_t n_bytes, size_t *got, bf_error *err) {
  member_source *m = context;
  zip_int64_t n = zip_fread(m->file, out, n_bytes);
  if (n < 0)
    return bf__error(err, BF_ERR_FORMAT, "the archive is damaged (%.80s): fetch it again", zip_file_strerror(m->file));
  *got = (size_t)n;
  return BF_OK;
}

static void member_close(void *context) {
  member_source *m = context;
  if (!m) return;
  if (m->file) zip_fclose(m->file);
  if (m->archive) zip_discard(m->archive);
  free(m);
}

static zip_int64_t locate(zip_t *archive, const char *name) {
  char with_suffix[512];
  zip_int64_t i = zip_name_locate(archive, name, 0);
  if (i >= 0) return i;
  int n = snprintf(with_suffix, sizeof with_suffix, "%s.npy", name);
  if (n < 0 || (size_t)n >= sizeof with_suffix) return -1;
  return zip_name_locate(archive, with_suffix, 0);
}

static void list_members(zip_t *archive, char *out, size_t size) {
  zip_int64_t n = zip_get_num_entries(archive, 0);
  out[0] = 0;
  for (zip_int64_t i = 0; i < n && strlen(out) + 24 < size; i++) {
    const char *name = zip_get_name(archive, (zip_uint64_t)i, 0);
    if (!name) continue;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".npy") == 0) length -= 4;
    if (i) strncat(out, ", ", size - strlen(out) - 1);
    strncat(out, name, length < size - strlen(out) - 1 ? length : size - strlen(out) - 1);
  }
}

/* The member asked for, else the only one, else the first of X, x, data, arr_0. */
static bf_status choose(zip_t *archive, const char *member, zip_int64_t *out, bf_error *err) {
  static const char *const USUAL[] = {"X", "x", "data", "arr_0"};
  char known[100];
  *out = -1;
  if (member) {
    *out = locate(archive, member);
  } else if (zip_get_num_entries(archive, 0) == 1) {
    *out = 0;
  } else {
    for (size_t i = 0; i < sizeof USUAL / sizeof USUAL[0] && *out < 0; i++) *out = locate(archive, USUAL[i]);
  }
  if (*out >= 0) return BF_OK;
  list_members(archive, known, sizeof known);
  if (member)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the archive has no array \"%.60s\"; it has: %s", member, known);
  return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                   "the archive holds several arrays; name one with the option --member: %s", known);
}

bf_status bf__npz_open_member(const char *path, const char *member, bf__stream **out, bf_error *err) {
  *out = NULL;
  bf_status status = BF_OK;
  int code = 0;
  zip_int64_t i = -1;
  zip_stat_t st;
  member_source *m = bf__alloc(1, sizeof *m);
  if (!m) return bf__error_memory(err, sizeof *m);
  m->archive = zip_open(path, ZIP_RDONLY, &code);
  if (!m->archive) {
    zip_error_t reason;
    zip_error_init_with_code(&reason, code);
    status =
        bf__error(err, code == ZIP_ER_NOENT ? BF_ERR_NOT_FOUND : BF_ERR_FORMAT,
                  "not a readable zip archive (%.80s): it may be cut, fetch it again", zip_error_strerror(&reason));
    zip_error_fini(&reason);
    goto out;
  }
  BF_TRY(choose(m->archive, member, &i, err));
  zip_stat_init(&st);
  m->file = zip_fopen_index(m->archive, (zip_uint64_t)i, 0);
  if (!m->file || zip_stat_index(m->archive, (zip_uint64_t)i, 0, &st) != 0)
    BF_TRY(bf__error(err, BF_ERR_FORMAT, "the archive's member cannot be opened (%.80s)", zip_strerror(m->archive)));
  bf__source source = {.context = m, .read = member_read, .close = member_close};
  source.total = st.valid & ZIP_STAT_SIZE ? st.size : 0;
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
