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

/* ---- what models are run with and learnt from (store_running.c) ---- */

bf_status bf__store_check_parts(const bf_store_entry *entry, bf_error *err);
/* Room for the blobs of an entry's files and outputs. */
bf_status bf__version_blobs_init(const bf_store_entry *entry, bf__version_blobs *out, bf_error *err);
void bf__version_blobs_deinit(bf__version_blobs *blobs);
/* Puts what is not there: files, validation sample and outputs. */
bf_status bf__store_put_parts(bf_store *store, const bf_store_entry *entry, bf__version_blobs *blobs, bf_error *err);
/* Writes experience within a transaction, and its audit row. NULL as a model: the version with that name, number and
 * row (id 0: may not be). */
bf_status bf__store_write_experience(bf_store *store, const bf_store_experience *rows, size_t n,
                                     const bf__blob *outputs, const char *self, const bf__version *version,
                                     const char *time, bf_error *err);

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
/* A plain relative path, as bf_store_file says. */
bf_status bf__check_file_name(const char *name, bf_error *err);
#define BF__FILES_MAX 2000
#define BF__CALIBRATION_MAX ((size_t)8 << 20)

#endif
