/* Memory that host and worker share: a sealed file without a name. */
#ifndef BESTFIT_SRC_MODEL_SHARED_MEMORY_H
#define BESTFIT_SRC_MODEL_SHARED_MEMORY_H

#include "base/error.h"

typedef struct bf__shared {
  int fd; /* -1: none, or passed on and closed */
  uint8_t *bytes;
  size_t n_bytes;
} bf__shared;
#define BF__SHARED_INIT \
  { .fd = -1 }

/* Makes zeroed memory of at least n_bytes. Its size is sealed: no process that gets the descriptor can shorten it, so
 * that reading it cannot fail. BF_ERR_MEMORY, BF_ERR_IO. */
bf_status bf__shared_create(size_t n_bytes, bf__shared *out, bf_error *err);
/* Maps what another process made, and closes the descriptor. */
bf_status bf__shared_map(int fd, size_t n_bytes, bool writable, bf__shared *out, bf_error *err);
void bf__shared_close_fd(bf__shared *shared);
void bf__shared_deinit(bf__shared *shared);

#endif
