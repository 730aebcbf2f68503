/* What store.c and fsck.c share. */
#ifndef BESTFIT_SRC_STORE_STORE_INTERNAL_H
#define BESTFIT_SRC_STORE_STORE_INTERNAL_H

#include "store/blobs.h"
#include "store/database.h"

struct bf_store {
  char *directory;
  bool read_only;
  bf__blobs *blobs;
  bf__db *db;
};

/* BF_ERR_INVALID_ARGUMENT where the store was opened read_only. */
bf_status bf__store_check_writable(const bf_store *store, bf_error *err);
/* "2026-11-23T09:30:00Z", now. */
#define BF__TIME_BYTES 32
void bf__store_time(char out[BF__TIME_BYTES]);

#endif
