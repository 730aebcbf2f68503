#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

bf_status bf__file_read(const char *path, size_t max_bytes, uint8_t **out, size_t *out_bytes, bf_error *err) {
  *out = NULL;
  *out_bytes = 0;
  bf_status status = BF_OK;
  uint8_t *data = NULL;
  size_t size = 0, capacity = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return bf__error_errno(err, errno, "cannot read %s", path);
  struct stat st;
  if (fstat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) capacity = (size_t)st.st_size;
  if (capacity > max_bytes) {
    status =
        bf__error(err, BF_ERR_LIMIT, "%s has %zu bytes, more than the %zu that are read", path, capacity, max_bytes);
    goto out;
  }
  data = bf__alloc(capacity + 2, 1); /* one byte more than known, so that the end is seen without growing, and a zero */
  if (!data) {
    status = bf__error_memory(err, capacity);
    goto out;
  }
  for (;;) {
    ssize_t n = read(file, data + size, capacity + 1 - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status = bf__error_errno(err, errno, "cannot read %s", path);
      goto out;
    }
    if (n == 0) break;
    size += (size_t)n;
    if (size > max_bytes) {
      status = bf__error(err, BF_ERR_LIMIT, "%s has more than the %zu bytes that are read", path, max_bytes);
      goto out;
    }
    if (size <= capacity) continue;
    capacity = capacity * 2 + 4096;
    uint8_t *grown = bf__realloc(data, capacity + 2, 1);
    if (!grown) {
      status = bf__error_memory(err, capacity);
      goto out;
    }
    data = grown;
  }
  data[size] = 0;
  *out = data;
  *out_bytes = size;
  data = NULL;
out:
  free(data);
  close(file);
  return status;
}

static bf_status open_parent(const char *path, int *folder, bf_error *err) {
  char *copy = bf__strdup(path);
  if (!copy) return bf__error_memory(err, strlen(path) + 1);
  bf_status status = BF_OK;
  *folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*folder < 0) status = bf__error_errno(err, errno, "cannot sync the folder of %s", path);
  free(copy);
  return status;
}

bf_status bf__file_replace(const char *temporary, const char *path, bf_error *err) {
  int folder = -1; /* opened first: after the renaming nothing but the disk may fail */
  bf_status status = open_parent(path, &folder, err);
  if (status != BF_OK) return status;
  if (rename(temporary, path) != 0)
    status = bf__error_errno(err, errno, "cannot write %s", path);
  else if (fsync(folder) != 0 && errno != EINVAL)
    status = bf__error_errno(err, errno, "cannot sync the folder of %s", path);
  close(folder);
  return status;
}

static bf_status write_all(int file, const uint8_t *bytes, size_t n_bytes, const char *path, bf_error *err) {
  for (size_t done = 0; done < n_bytes;) {
    ssize_t n = write(file, bytes + done, n_bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return bf__error_errno(err, n < 0 ? errno : ENOSPC, "cannot write %s", path);
    done += (size_t)n;
  }
  if (fsync(file) != 0 && errno != EINVAL) return bf__error_errno(err, errno, "cannot sync %s", path);
  return BF_OK;
}

bf_status bf__file_write_atomic(const char *path, const void *bytes, size_t n_bytes, bf_error *err) {
  bf_status status = BF_OK;
  int file = -1;
  uint32_t number = 0; /* O_EXCL decides; the random name only makes a collision unlikely */
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) < 0) number = (uint32_t)getpid();
  char *temporary = bf__asprintf("%s.%08x.tmp", path, number);
  if (!temporary) return bf__error_memory(err, strlen(path) + 16);
  file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) {
    status = bf__error_errno(err, errno, "cannot write %s", path);
    free(temporary);
    return status;
  }
  status = write_all(file, bytes, n_bytes, path, err);
  if (close(file) != 0 && status == BF_OK) status = bf__error_errno(err, errno, "cannot write %s", path);
  if (status == BF_OK) status = bf__file_replace(temporary, path, err);
  if (status != BF_OK) unlink(temporary); /* gone already where only the folder could not be synced */
  free(temporary);
  return status;
}

bf_status bf__make_directories(const char *path, bf_error *err) {
  char *copy = bf__strdup(path);
  if (!copy) return bf__error_memory(err, strlen(path) + 1);
  bf_status status = BF_OK;
  for (char *p = copy + 1; status == BF_OK && *copy; p++) {
    bool end = *p == '\0';
    if (*p != '/' && !end) continue;
    *p = '\0';
    if (mkdir(copy, 0777) != 0 && errno != EEXIST)
      status = bf__error_errno(err, errno, "cannot make the folder %s", copy);
    if (end) break;
    *p = '/';
  }
  struct stat st;
  if (status == BF_OK && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
    status = bf__error(err, BF_ERR_IO, "%s exists and is not a folder", path);
  free(copy);
  return status;
}
