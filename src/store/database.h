/* What the store asks of its database, in words without SQL: the seam between store.c and a back end.
 * Not thread-safe. A call that finds the database damaged returns BF_ERR_CORRUPT, a locked one BF_ERR_BUSY after 30 s.
 */
#ifndef BESTFIT_SRC_STORE_DATABASE_H
#define BESTFIT_SRC_STORE_DATABASE_H

#include <bestfit/store.h>

#include "store/blobs.h"

typedef struct bf__db bf__db;

/* Opens the file; with `create` makes it and brings an older schema up to date. */
bf_status bf__db_open(const char *path, bool create, bool read_only, uint32_t busy_timeout_ms, bf__db **out,
                      bf_error *err);
void bf__db_close(bf__db *db);

/* One transaction that holds the writer's lock from its start. */
bf_status bf__db_begin(bf__db *db, bf_error *err);
bf_status bf__db_commit(bf__db *db, bf_error *err);
void bf__db_rollback(bf__db *db);

/* The three files of a version. */
typedef struct bf__version_blobs {
  bf__blob model, card, sketch; /* sketch.sha256 is "": none */
} bf__version_blobs;

/* The latest version of a model, *version 0: there is none. */
bf_status bf__db_latest(bf__db *db, const char *name, uint32_t *version, bf__version_blobs *blobs, bf_error *err);
/* Writes the next version and its audit row; inside a transaction. */
bf_status bf__db_insert(bf__db *db, const bf_store_entry *entry, const bf__version_blobs *blobs, const char *time,
                        uint32_t *version, bf_error *err);
/* Removes one version (0: all of the model) with audit rows; inside a transaction. 0 removed is not an error here.
 * BF_ERR_EXISTS: an alias points to one of them. */
bf_status bf__db_remove(bf__db *db, const char *name, uint32_t version, const char *time, uint32_t *n_removed,
                        bf_error *err);
bf_status bf__db_audit(bf__db *db, const char *time, const char *action, const char *name, uint32_t version,
                       bf_error *err);

/* Each stored version by name and number; strings live for the call. name NULL: the latest of each; version 0: all. */
typedef bf_status (*bf__db_model_fn)(void *context, const bf_store_model *model, bf_error *err);
bf_status bf__db_each_model(bf__db *db, const char *name, uint32_t version, bf__db_model_fn fn, void *context,
                            bf_error *err);

/* The name of each model that has a version. */
typedef void (*bf__db_name_fn)(void *context, const char *name);
bf_status bf__db_each_name(bf__db *db, bf__db_name_fn fn, void *context, bf_error *err);

/* Each reference from a version to a blob, by hash. */
typedef struct bf__db_reference {
  const char *sha256, *name, *role; /* role: "model", "card", "sketch" */
  uint32_t version;
  uint64_t bytes;
} bf__db_reference;
typedef bf_status (*bf__db_reference_fn)(void *context, const bf__db_reference *reference, bf_error *err);
bf_status bf__db_each_reference(bf__db *db, bf__db_reference_fn fn, void *context, bf_error *err);
bf_status bf__db_is_referenced(bf__db *db, const char *sha256, bool *out, bf_error *err);
bf_status bf__db_count(bf__db *db, uint64_t *models, uint64_t *versions, bf_error *err);
/* Forgets the rows of blobs that no version refers to; inside a transaction. */
bf_status bf__db_forget_blobs(bf__db *db, bf_error *err);

/* Integrity and foreign keys: a line each problem; *ok false if there was one. */
typedef void (*bf__db_line_fn)(void *context, const char *line);
bf_status bf__db_check(bf__db *db, bf__db_line_fn fn, void *context, bool *ok, bf_error *err);

#endif
