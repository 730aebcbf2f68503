/* What the parts of the store share. */
#ifndef BESTFIT_SRC_STORE_STORE_INTERNAL_H
#define BESTFIT_SRC_STORE_STORE_INTERNAL_H

#include "store/blobs.h"
#include "store/database.h"

#define BF__WHO_BYTES 65

struct bf_store {
  char *directory;
  bool read_only;
  char who[BF__WHO_BYTES];
  bf__blobs *blobs;
  bf__db *db;
};

/* BF_ERR_INVALID_ARGUMENT where the store was opened read_only. */
bf_status bf__store_check_writable(const bf_store *store, bf_error *err);
/* "2026-11-23T09:30:00Z", now. */
#define BF__TIME_BYTES 32
void bf__store_time(char out[BF__TIME_BYTES]);
/* Copies what the caller's version of a struct has; the rest keeps its default. */
bf_status bf__store_take_struct(void *to, size_t to_bytes, const void *from, const char *what, bf_error *err);
/* Removes blobs that a failed call has put, unless another process has come to refer to them. */
void bf__store_discard(bf_store *store, const bf__version_blobs *blobs);
/* Gives full-text search the cards that it does not know. */
bf_status bf__store_index_missing(bf_store *store, bf_error *err);

/* ---- names of versions (store_list.c) ---- */

bf_status bf__store_parse_selector(const char *which, bf__selector *out, bf_error *err);
/* BF_ERR_NOT_FOUND with what may have been meant. */
bf_status bf__store_not_found(bf_store *store, const bf__selector *wanted, bf_error *err);
/* The one version that a selector names; BF_ERR_NOT_FOUND as above. */
bf_status bf__store_find_version(bf_store *store, const bf__selector *wanted, bf__version *out, bf_error *err);

/* ---- what may be a tag, a metric, an alias (store_labels.c) ---- */

typedef struct bf__tags {
  bf__tag *items;
  size_t n;
  char *text; /* that the items point into */
} bf__tags;
/* Takes words and key=value apart; one with commas is several; blanks around are dropped. */
bf_status bf__tags_read(const char *const *texts, size_t n, bf__tags *out, bf_error *err);
void bf__tags_deinit(bf__tags *tags);
bf_status bf__check_metric(const bf_store_metric *metric, bf_error *err);
bf_status bf__check_alias(const char *alias, bf_error *err);

#endif
