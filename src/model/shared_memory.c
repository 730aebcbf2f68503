#include "model/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

bf_status bf__shared_create(size_t n_bytes, bf__shared *out, bf_error *err) {
  bf_status status = BF_OK;
  bf__shared made = BF__SHARED_INIT;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t size = 0;
  *out = (bf__shared)BF__SHARED_INIT;
  if (!bf__add(n_bytes, page, &size) || size > INT64_MAX) return bf__error_memory(err, n_bytes);
  size = size / page * page;
  made.fd = memfd_create("bestfit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (made.fd < 0 || ftruncate(made.fd, (off_t)size) != 0) {
    status = bf__error_errno(err, errno, "memory to share with a worker");
    goto out;
  }
  if (fcntl(made.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    status = bf__error_errno(err, errno, "sealing memory to share with a worker");
    goto out;
  }
  void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, made.fd, 0);
  if (bytes == MAP_FAILED) {
    status = bf__error_memory(err, size);
    goto out;
  }
  made.bytes = bytes;
  made.n_bytes = size;
  *out = made;
  made = (bf__shared)BF__SHARED_INIT;
out:
  bf__shared_deinit(&made);
  return status;
}

bf_status bf__shared_map(int fd, size_t n_bytes, bool writable, bf__shared *out, bf_error *err) {
  *out = (bf__shared)BF__SHARED_INIT;
  void *bytes = mmap(NULL, n_bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  int number = errno;
  close(fd);
  if (bytes == MAP_FAILED)
    return number == ENOMEM ? bf__error(err, BF_ERR_LIMIT, "%zu bytes are more than the worker may have", n_bytes)
                            : bf__error_errno(err, number, "mapping %zu bytes", n_bytes);
  out->bytes = bytes;
  out->n_bytes = n_bytes;
  return BF_OK;
}

void bf__shared_close_fd(bf__shared *shared) {
  if (shared->fd >= 0) close(shared->fd);
  shared->fd = -1;
}

void bf__shared_deinit(bf__shared *shared) {
  bf__shared_close_fd(shared);
  if (shared->bytes != NULL) munmap(shared->bytes, shared->n_bytes);
  *shared = (bf__shared)BF__SHARED_INIT;
}
