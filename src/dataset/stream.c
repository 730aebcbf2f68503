/* A transparent byte stream over plain, gzip and Zstandard files.
 *
 * The compression is sniffed from the first bytes, never from the name. Decompression streams through one input buffer
 * into the caller's, so that a small file which expands to terabytes costs time in proportion to what its reader asks
 * for, and no memory: the window of gzip is 32 KiB, that of Zstandard at most 128 MiB (a frame that asks for more is
 * refused). Several gzip members or Zstandard frames after one another read as one stream, as gzip(1) and zstd(1) do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/gzip.h"
#include "base/memory.h"
#include "base/zstandard.h"
#include "dataset/dataset_internal.h"

#define INPUT_BYTES ((size_t)256 << 10)

struct bf__stream {
  bf__source source;
  bf__compression compression;
  uint8_t *input; /* sniffed bytes, then compressed ones */
  size_t input_size, input_position;
  uint64_t consumed;
  bool source_ended;
  bool in_frame; /* compressed: within a member or frame */
  bool started;  /* compressed: something was decoded */
  bf__gunzip *gzip;
  bf__unzstd *zstd;
};

/* A file */

static bf_status file_read(void *context, void *out, size_t n_bytes, size_t *got, bf_error *err) {
  int fd = (int)(intptr_t)context;
  for (;;) {
    ssize_t n = read(fd, out, n_bytes);
    if (n >= 0) {
      *got = (size_t)n;
      return BF_OK;
    }
    if (errno != EINTR) return bf__error_errno(err, errno, "reading the file");
  }
}

static void file_close(void *context) {
  close((int)(intptr_t)context);
}

/* Memory */

typedef struct memory_source {
  const uint8_t *bytes;
  size_t size, position;
} memory_source;

static bf_status memory_read(void *context, void *out, size_t n_bytes, size_t *got, bf_error *err) {
  (void)err;
  memory_source *m = context;
  size_t left = m->size - m->position;
  *got = n_bytes < left ? n_bytes : left;
  if (*got) memcpy(out, m->bytes + m->position, *got);
  m->position += *got;
  return BF_OK;
}

/* The stream */

static bf_status source_read(bf__stream *s, void *out, size_t n_bytes, size_t *got, bf_error *err) {
  *got = 0;
  if (s->source_ended) return BF_OK;
  bf_status status = s->source.read(s->source.context, out, n_bytes, got, err);
  if (status != BF_OK) return status;
  if (*got == 0) s->source_ended = true;
  s->consumed += *got;
  return BF_OK;
}

static bf_status refill(bf__stream *s, bf_error *err) {
  s->input_position = 0;
  s->input_size = 0;
  return source_read(s, s->input, INPUT_BYTES, &s->input_size, err);
}

static bf_status start_decoder(bf__stream *s, bf_error *err) {
  if (s->compression == BF__COMPRESSION_GZIP) return bf__gunzip_create(&s->gzip, err);
  if (s->compression == BF__COMPRESSION_ZSTD) return bf__unzstd_create(&s->zstd, err);
  return BF_OK;
}

static bf_status sniff(bf__stream *s, bf_error *err) {
  while (s->input_size < 4 && !s->source_ended) {
    size_t got = 0;
    bf_status status = source_read(s, s->input + s->input_size, INPUT_BYTES - s->input_size, &got, err);
    if (status != BF_OK) return status;
    s->input_size += got;
  }
  const uint8_t *p = s->input;
  if (s->input_size >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8)
    s->compression = BF__COMPRESSION_GZIP;
  else if (s->input_size >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd)
    s->compression = BF__COMPRESSION_ZSTD;
  return start_decoder(s, err);
}

bf_status bf__stream_of_source(bf__source source, bf__stream **out, bf_error *err) {
  *out = NULL;
  bf__stream *s = bf__alloc(1, sizeof *s);
  if (!s) {
    if (source.close) source.close(source.context);
    return bf__error_memory(err, sizeof *s);
  }
  s->source = source;
  *out = s;
  return BF_OK;
}

bf_status bf__stream_of_memory(const void *bytes, size_t n_bytes, bf__stream **out, bf_error *err) {
  *out = NULL;
  memory_source *m = bf__alloc(1, sizeof *m);
  if (!m) return bf__error_memory(err, sizeof *m);
  *m = (memory_source){.bytes = bytes, .size = n_bytes};
  bf__source source = {.context = m, .read = memory_read, .close = free, .total = n_bytes};
  return bf__stream_of_source(source, out, err);
}

bf_status bf__stream_open_at(const char *path, uint64_t position, bf__stream **out, bf_error *err) {
  *out = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return bf__error_errno(err, errno, "%.120s", path);
  if (lseek(fd, (off_t)position, SEEK_SET) < 0) {
    int number = errno;
    close(fd);
    return bf__error_errno(err, number, "%.120s", path);
  }
  bf__source source = {.context = (void *)(intptr_t)fd, .read = file_read, .close = file_close};
  return bf__stream_of_source(source, out, err);
}

bf_status bf__stream_open(const char *path, bf__stream **out, bf_error *err) {
  *out = NULL;
  bf__stream *s = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return bf__error_errno(err, errno, "%.120s", path);
  struct stat st;
  if (fstat(fd, &st) != 0) {
    int number = errno;
    close(fd);
    return bf__error_errno(err, number, "%.120s", path);
  }
  bf__source source = {.context = (void *)(intptr_t)fd, .read = file_read, .close = file_close};
  source.total = st.st_size > 0 ? (uint64_t)st.st_size : 0;
  bf_status status = bf__stream_of_source(source, &s, err);
  if (status != BF_OK) return status;
  s->input = bf__alloc(INPUT_BYTES, 1);
  status = s->input ? sniff(s, err) : bf__error_memory(err, INPUT_BYTES);
  if (status != BF_OK) {
    bf__stream_close(s);
    return status;
  }
  *out = s;
  return BF_OK;
}

void bf__stream_close(bf__stream *s) {
  if (!s) return;
  bf__gunzip_free(s->gzip);
  bf__unzstd_free(s->zstd);
  if (s->source.close) s->source.close(s->source.context);
  free(s->input);
  free(s);
}

static uint64_t compressed_position(const bf__stream *s) {
  return s->consumed - (s->input_size - s->input_position);
}

/* One step of inflate; *ended at the end of all members. */
static bf_status gzip_step(bf__stream *s, uint8_t *out, size_t n_bytes, size_t *got, bool *ended, bf_error *err) {
  /* Bytes after a member that do not begin another are padding, as for gzip(1). */
  if (!s->in_frame && s->started && s->input[s->input_position] != 0x1f) {
    *ended = true;
    return BF_OK;
  }
  if (!s->in_frame && s->started) bf__gunzip_reset(s->gzip);
  s->in_frame = s->started = true;
  const uint8_t *in = s->input + s->input_position;
  size_t left = s->input_size - s->input_position;
  bool member_ended = false;
  bf_error reason = {0};
  bf_status status = bf__gunzip_step(s->gzip, &in, &left, out, n_bytes, got, &member_ended, &reason);
  s->input_position = s->input_size - left;
  if (member_ended) s->in_frame = false;
  if (status == BF_OK) return BF_OK;
  if (status != BF_ERR_FORMAT) return bf__error(err, status, "%s", reason.message);
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)compressed_position(s),
                      "damaged gzip data near byte %llu of the file (%s): fetch or compress it again",
                      (unsigned long long)compressed_position(s), reason.message);
}

static bf_status zstd_step(bf__stream *s, uint8_t *out, size_t n_bytes, size_t *got, bf_error *err) {
  const char *why = NULL;
  s->started = true;
  if (bf__unzstd_step(s->zstd, s->input, s->input_size, &s->input_position, out, n_bytes, got, &s->in_frame, &why))
    return BF_OK;
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)compressed_position(s),
                      "damaged Zstandard data near byte %llu of the file (%s): fetch or compress it again",
                      (unsigned long long)compressed_position(s), why);
}

static bf_status read_compressed(bf__stream *s, uint8_t *out, size_t n_bytes, size_t *got, bf_error *err) {
  bool ended = false;
  while (*got < n_bytes && !ended) {
    bool flushed = s->input_position == s->input_size;
    if (flushed) {
      bf_status status = refill(s, err);
      if (status != BF_OK) return status;
    }
    /* At the end of the file a decoder may still hold output: it is asked once more with no input. */
    bool no_input = s->input_size == s->input_position;
    if (no_input && !s->in_frame) break;
    size_t n = 0;
    bf_status status = s->compression == BF__COMPRESSION_GZIP
                           ? gzip_step(s, out + *got, n_bytes - *got, &n, &ended, err)
                           : zstd_step(s, out + *got, n_bytes - *got, &n, err);
    *got += n;
    if (status != BF_OK) return status;
    if (no_input && n == 0 && s->in_frame)
      return bf__error_at(err, BF_ERR_FORMAT, (int64_t)s->consumed,
                          "the compressed data end too early, at byte %llu of the file: fetch it again",
                          (unsigned long long)s->consumed);
  }
  return BF_OK;
}

bf_status bf__stream_read(bf__stream *s, void *out, size_t n_bytes, size_t *got, bf_error *err) {
  *got = 0;
  if (s->compression != BF__COMPRESSION_NONE) return read_compressed(s, out, n_bytes, got, err);
  uint8_t *to = out;
  while (*got < n_bytes) {
    size_t n = s->input_size - s->input_position; /* sniffed bytes first */
    if (n) {
      if (n > n_bytes - *got) n = n_bytes - *got;
      memcpy(to + *got, s->input + s->input_position, n);
      s->input_position += n;
    } else {
      bf_status status = source_read(s, to + *got, n_bytes - *got, &n, err);
      if (status != BF_OK) return status;
      if (n == 0) break;
    }
    *got += n;
  }
  return BF_OK;
}

bf__compression bf__stream_compression(const bf__stream *s) {
  return s->compression;
}

bool bf__stream_length(const bf__stream *s, uint64_t *n_bytes) {
  *n_bytes = s->source.total;
  return s->compression == BF__COMPRESSION_NONE && s->source.total > 0;
}

void bf__stream_progress(const bf__stream *s, uint64_t *done_bytes, uint64_t *total_bytes) {
  *done_bytes = compressed_position(s);
  *total_bytes = s->source.total;
}
