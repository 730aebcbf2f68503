/* Zip archives through libzip.
 *
 * Writing goes to a name of our own beside the target, which is synced and renamed, because libzip itself does not wait
 * for the disk. */
#include "base/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "base/file.h"
#include "base/memory.h"

struct bf__zip {
  zip_t *archive;
  uint64_t total; /* bytes of the archive itself */
};

struct bf__zip_stream {
  zip_file_t *file;
};

/* ------------------------------------------------------------------ reading */

static bf_status open_error(zip_error_t *why, bf_error *err) {
  int code = zip_error_code_zip(why);
  bf_status status =
      bf__error(err,
                code == ZIP_ER_NOENT                                                ? BF_ERR_NOT_FOUND
                : code == ZIP_ER_MEMORY                                             ? BF_ERR_MEMORY
                : code == ZIP_ER_OPEN || code == ZIP_ER_READ || code == ZIP_ER_SEEK ? BF_ERR_IO
                                                                                    : BF_ERR_FORMAT,
                "not a readable zip archive (%.80s): it may be cut, fetch it again", zip_error_strerror(why));
  if (err != NULL) err->native_code = code;
  return status;
}

bf_status bf__zip_open(const char *path, bf__zip **out, bf_error *err) {
  int code = 0;
  *out = NULL;
  bf__zip *zip = bf__alloc(1, sizeof *zip);
  if (zip == NULL) return bf__error_memory(err, sizeof *zip);
  zip->archive = zip_open(path, ZIP_RDONLY, &code);
  if (zip->archive == NULL) {
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    bf_status status = open_error(&why, err);
    zip_error_fini(&why);
    free(zip);
    return status;
  }
  struct stat st;
  zip->total = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : UINT64_MAX;
  *out = zip;
  return BF_OK;
}

bf_status bf__zip_open_bytes(const void *bytes, size_t n_bytes, bf__zip **out, bf_error *err) {
  zip_error_t why;
  *out = NULL;
  bf__zip *zip = bf__alloc(1, sizeof *zip);
  if (zip == NULL) return bf__error_memory(err, sizeof *zip);
  zip_error_init(&why);
  zip_source_t *source = zip_source_buffer_create(bytes, n_bytes, 0, &why);
  if (source != NULL) zip->archive = zip_open_from_source(source, ZIP_RDONLY, &why);
  if (zip->archive == NULL) {
    bf_status status = open_error(&why, err);
    zip_source_free(source);
    zip_error_fini(&why);
    free(zip);
    return status;
  }
  zip_error_fini(&why);
  zip->total = n_bytes;
  *out = zip;
  return BF_OK;
}

void bf__zip_close(bf__zip *zip) {
  if (zip == NULL) return;
  zip_discard(zip->archive);
  free(zip);
}

size_t bf__zip_count(const bf__zip *zip) {
  zip_int64_t n = zip_get_num_entries(zip->archive, 0);
  return n < 0 ? 0 : (size_t)n;
}

const char *bf__zip_name(const bf__zip *zip, size_t i) {
  return i < bf__zip_count(zip) ? zip_get_name(zip->archive, i, 0) : NULL;
}

int64_t bf__zip_find(const bf__zip *zip, const char *name) {
  return zip_name_locate(zip->archive, name, 0);
}

bf_status bf__zip_info_of(const bf__zip *zip, size_t i, bf__zip_info *out, bf_error *err) {
  zip_stat_t st;
  zip_stat_init(&st);
  *out = (bf__zip_info){0};
  if (zip_stat_index(zip->archive, i, 0, &st) != 0)
    return bf__error(err, BF_ERR_FORMAT, "the archive's member cannot be opened (%.80s)", zip_strerror(zip->archive));
  if (st.valid & ZIP_STAT_SIZE) out->bytes = st.size;
  if (st.valid & ZIP_STAT_COMP_SIZE) out->packed_bytes = st.comp_size;
  if (out->packed_bytes > zip->total)
    return bf__error(err, BF_ERR_FORMAT, "the archive claims more than it has: it may be cut, fetch it again");
  out->encrypted = (st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE;
  return BF_OK;
}

bf_status bf__zip_read_begin(bf__zip *zip, size_t i, bf__zip_stream **out, bf_error *err) {
  *out = NULL;
  bf__zip_stream *stream = bf__alloc(1, sizeof *stream);
  if (stream == NULL) return bf__error_memory(err, sizeof *stream);
  stream->file = zip_fopen_index(zip->archive, i, 0);
  if (stream->file == NULL) {
    free(stream);
    return bf__error(err, BF_ERR_FORMAT, "the archive's member cannot be opened (%.80s)", zip_strerror(zip->archive));
  }
  *out = stream;
  return BF_OK;
}

bf_status bf__zip_read(bf__zip_stream *stream, void *out, size_t n_bytes, size_t *got, bf_error *err) {
  zip_int64_t n = zip_fread(stream->file, out, n_bytes);
  *got = n < 0 ? 0 : (size_t)n;
  if (n >= 0) return BF_OK;
  return bf__error(err, BF_ERR_FORMAT, "the archive is damaged (%.80s): fetch it again",
                   zip_file_strerror(stream->file));
}

void bf__zip_read_end(bf__zip_stream *stream) {
  if (stream == NULL) return;
  zip_fclose(stream->file);
  free(stream);
}

/* ------------------------------------------------------------------ writing */

static bf_status write_error(const char *path, zip_error_t *why, bf_error *err) {
  int number = zip_error_code_system(why);
  if (zip_error_system_type(why) == ZIP_ET_SYS && number != 0)
    return bf__error_errno(err, number, "cannot write %s", path);
  if (zip_error_code_zip(why) == ZIP_ER_MEMORY) return bf__error_memory(err, 0);
  return bf__error(err, BF_ERR_IO, "cannot write %.120s: %.80s", path, zip_error_strerror(why));
}

static bf_status add_member(zip_t *archive, const char *path, const bf__zip_member *m, bf_error *err) {
  zip_source_t *source =
      m->path != NULL ? zip_source_file(archive, m->path, 0, -1) : zip_source_buffer(archive, m->bytes, m->n_bytes, 0);
  zip_int64_t i = source == NULL ? -1 : zip_file_add(archive, m->name, source, ZIP_FL_ENC_UTF_8);
  if (i < 0) {
    zip_source_free(source);
    return write_error(path, zip_get_error(archive), err);
  }
  /* 1980-01-01, the first date that a zip can say; a system without modes */
  if (zip_set_file_compression(archive, (zip_uint64_t)i, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, (zip_uint64_t)i, 0, 0x21, 0) != 0 ||
      zip_file_set_external_attributes(archive, (zip_uint64_t)i, 0, ZIP_OPSYS_DOS, 0) != 0)
    return write_error(path, zip_get_error(archive), err);
  return BF_OK;
}

static bf_status write_archive(const char *path, const bf__zip_member *members, size_t n_members, bf_error *err) {
  bf_status status = BF_OK;
  int code = 0;
  zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code);
  if (archive == NULL) {
    int number = errno;
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    status = number != 0 ? bf__error_errno(err, number, "cannot write %s", path) : write_error(path, &why, err);
    zip_error_fini(&why);
    return status;
  }
  for (size_t i = 0; i < n_members; ++i) BF_TRY(add_member(archive, path, &members[i], err));
  if (zip_close(archive) == 0) return BF_OK;
  status = write_error(path, zip_get_error(archive), err);
out:
  zip_discard(archive);
  return status;
}

static bf_status sync_file(const char *path, bf_error *err) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  int failed = file < 0 || (fsync(file) != 0 && errno != EINVAL) ? errno : 0;
  if (file >= 0) close(file);
  return failed == 0 ? BF_OK : bf__error_errno(err, failed, "cannot sync %s", path);
}

bf_status bf__zip_write(const char *path, const bf__zip_member *members, size_t n_members, bf_error *err) {
  bf_status status = BF_OK;
  uint64_t number = 0;
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) < 0) number = (uint64_t)getpid();
  char *temporary = bf__asprintf("%s.%016llx.tmp", path, (unsigned long long)number);
  if (temporary == NULL) return bf__error_memory(err, strlen(path) + 32);
  status = write_archive(temporary, members, n_members, err);
  if (status == BF_OK) status = sync_file(temporary, err);
  if (status == BF_OK && rename(temporary, path) != 0) status = bf__error_errno(err, errno, "cannot write %s", path);
  if (status != BF_OK) (void)unlink(temporary);
  free(temporary);
  return status;
}
