/* What the store asks of its database, in words without SQL: the seam between store.c and a back end.
 * Not thread-safe. A call that finds the database damaged returns BF_ERR_CORRUPT, a locked one BF_ERR_BUSY after 30 s.
 */
#ifndef BESTFIT_SRC_STORE_DATABASE_H
#define BESTFIT_SRC_STORE_DATABASE_H

#include <bestfit/store.h>

#include "base/name.h"
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

#define BF__ALIAS_MAX 64

/* "owner/name", "owner/name@2", "owner/name@production" taken apart; version 0 and alias "": all, or the latest. */
typedef struct bf__selector {
  char name[BF__NAME_MAX + 1];
  uint32_t version;
  char alias[BF__ALIAS_MAX + 1];
  bool latest; /* @latest */
} bf__selector;

/* Who does what when, for the audit row of a change. */
typedef struct bf__act {
  const char *time, *who, *action;
} bf__act;
bf_status bf__db_audit(bf__db *db, const bf__act *act, const char *name, uint32_t version, const char *detail,
                       bf_error *err);

/* ---- versions (database_write.c) ---- */

/* The blobs of a version. */
typedef struct bf__version_blobs {
  bf__blob model, card, sketch, validation; /* sha256 of the latter two is "": none */
  size_t n_files, n_outputs;
  bf__blob *files;   /* [n_files], as the entry's files */
  bf__blob *outputs; /* [n_outputs], as the entry's experience; "": none */
} bf__version_blobs;

/* A word (value NULL), or a key with its value. */
typedef struct bf__tag {
  const char *key, *value;
} bf__tag;

/* The latest version of a model with its model, card and sketch; *version 0: there is none. */
bf_status bf__db_latest(bf__db *db, const char *name, uint32_t *version, bf__version_blobs *blobs, bf_error *err);
/* Writes the next version, its tags and metrics, the words of its card, and the audit row; inside a transaction. *id is
 * the row that the calls below want. */
bf_status bf__db_insert(bf__db *db, const bf_store_entry *entry, const bf__tag *tags, size_t n_tags,
                        const bf__version_blobs *blobs, const bf__act *act, uint32_t *version, int64_t *id,
                        bf_error *err);
/* Removes one version (0: all of the model) with audit rows; inside a transaction. 0 removed is not an error here. The
 * caller has seen that no alias points to one of them. */
bf_status bf__db_remove(bf__db *db, const char *name, uint32_t version, const bf__act *act, uint32_t *n_removed,
                        bf_error *err);

/* A version that a selector names (without version and alias: the latest); id 0: there is none. */
typedef struct bf__version {
  int64_t id;
  uint32_t number;
  char card_sha256[65];
} bf__version;
bf_status bf__db_find_version(bf__db *db, const bf__selector *which, bf__version *out, bf_error *err);

/* Columns of a version; NULL stays. */
typedef struct bf__columns {
  const char *domain, *task, *summary, *license;
  const bf__blob *card;
} bf__columns;
bf_status bf__db_set_columns(bf__db *db, int64_t id, const bf__columns *columns, bf_error *err);
bf_status bf__db_set_tag(bf__db *db, int64_t id, const bf__tag *tag, bf_error *err);
bf_status bf__db_remove_tag(bf__db *db, int64_t id, const char *key, bool *was, bf_error *err);
/* What a statement with a version's row counts. */
bf_status bf__db_count_of(bf__db *db, const char *sql, int64_t id, uint64_t *out, bf_error *err);
bf_status bf__db_set_metric(bf__db *db, int64_t id, const char *name, double value, bf_error *err);
bf_status bf__db_remove_metric(bf__db *db, int64_t id, const char *name, bool *was, bf_error *err);
/* *was: the number that it pointed to, 0: none. With keep, one that points somewhere stays. */
bf_status bf__db_set_alias(bf__db *db, const char *name, const char *alias, int64_t id, bool keep, uint32_t *was,
                           bf_error *err);
bf_status bf__db_remove_alias(bf__db *db, const char *name, const char *alias, uint32_t *was, bf_error *err);

/* ---- what models are run with and learnt from (database_running.c) ---- */

/* Whether a version has the files of the entry and no others, and the calibration and validation sample where the entry
 * has such. */
bf_status bf__db_same_parts(bf__db *db, int64_t id, const bf_store_entry *entry, const bf__version_blobs *blobs,
                            bool *same, bf_error *err);
/* Writes files, calibration and validation sample of a new version. */
bf_status bf__db_insert_parts(bf__db *db, int64_t id, const bf_store_entry *entry, const bf__version_blobs *blobs,
                              bf_error *err);
/* Writes a row of experience, in place of one that is there. outputs->sha256 "": none. */
bf_status bf__db_set_experience(bf__db *db, int64_t model_id, int64_t domain_id, const bf_store_experience *row,
                                const bf__blob *outputs, bf_error *err);
/* Each row by domain, then model; strings live for the call. */
typedef bf_status (*bf__db_experience_fn)(void *context, const bf_store_experience *row, bf_error *err);
bf_status bf__db_each_experience(bf__db *db, bf__db_experience_fn fn, void *context, bf_error *err);

/* Says that a blob is there; every reference to it needs that first. */
bf_status bf__db_insert_blob(bf__db *db, const bf__blob *blob, bf_error *err);

/* Writes what full-text search knows of a version. card NULL: its words stay. */
bf_status bf__db_index(bf__db *db, int64_t id, const uint8_t *card, size_t card_bytes, bf_error *err);
/* A version that full-text search does not know yet; id 0: all are known. */
bf_status bf__db_unindexed(bf__db *db, bf__version *out, bf_error *err);
/* Forgets all words; every version is unindexed then. */
bf_status bf__db_forget_index(bf__db *db, bf_error *err);

/* ---- reading (database_read.c) ---- */

/* Which versions, in which order; NULL, 0, "" mean not asked. */
typedef struct bf__filter bf__filter;
typedef struct bf__db_query {
  const bf__selector *which; /* by name, version or alias */
  bool all_versions;         /* else the latest of each */
  const bf__filter *filter, *sort;
  const char *words; /* FTS5's own language */
} bf__db_query;
/* Each stored version; strings live for the call. model->metrics and model->files are not filled: `metrics` is
 * "name=value,…", `files` is "name bytes sha256,…". */
typedef bf_status (*bf__db_model_fn)(void *context, const bf_store_model *model, const char *metrics, const char *files,
                                     bf_error *err);
bf_status bf__db_each_model(bf__db *db, const bf__db_query *query, bf__db_model_fn fn, void *context, bf_error *err);

/* The name of each model that has a version; each alias of a model (of one of its versions, where version is not 0). */
typedef void (*bf__db_name_fn)(void *context, const char *name);
bf_status bf__db_each_name(bf__db *db, bf__db_name_fn fn, void *context, bf_error *err);
bf_status bf__db_each_alias(bf__db *db, const char *name, uint32_t version, bf__db_name_fn fn, void *context,
                            bf_error *err);
bf_status bf__db_each_event(bf__db *db, const char *name, uint64_t limit, bf_store_event_fn fn, void *context,
                            bf_error *err);

/* Each reference from a version to a blob, by hash. */
typedef struct bf__db_reference {
  const char *sha256, *name, *role; /* role: "model", "card", "sketch", "file", "validation", "experience" */
  uint32_t version;
  uint64_t bytes;
} bf__db_reference;
typedef bf_status (*bf__db_reference_fn)(void *context, const bf__db_reference *reference, bf_error *err);
bf_status bf__db_each_reference(bf__db *db, bf__db_reference_fn fn, void *context, bf_error *err);
bf_status bf__db_is_referenced(bf__db *db, const char *sha256, bool *out, bf_error *err);
bf_status bf__db_count(bf__db *db, uint64_t *models, uint64_t *versions, bf_error *err);

/* ---- checking ---- */

/* Forgets the rows of blobs that no version refers to; inside a transaction. */
bf_status bf__db_forget_blobs(bf__db *db, bf_error *err);
/* Integrity, foreign keys, aliases, metrics, names of files, experience: a line each problem; *ok false if there was
 * one. */
typedef void (*bf__db_line_fn)(void *context, const char *line);
bf_status bf__db_check(bf__db *db, bf__db_line_fn fn, void *context, bool *ok, bf_error *err);
/* Whether full-text search agrees with itself (not where the database is open for reading only) and with the versions.
 */
bf_status bf__db_check_index(bf__db *db, bool read_only, bf__db_line_fn fn, void *context, bool *ok, bf_error *err);

#endif
