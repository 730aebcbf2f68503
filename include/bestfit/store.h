/* bestfit/store.h: a repository of models on disk: SQLite and content-addressed blobs.
 *
 * Question it answers: which models, in which versions, with which cards and sketches do we own, and is every byte
 * still there?
 *
 *   DIR/bestfit.db          SQLite, WAL; schema steps in src/store/schema/NNN-*.sql
 *   DIR/blobs/sha256/ab/…   model files, cards and sketches by hash: written to a temporary name, synced, renamed
 *
 * Guarantees: an add, rm or later change is one transaction; a process killed at any moment leaves the old state (at
 * worst an unreferenced blob or temporary file, which fsck names). What a call has acknowledged with BF_OK survives a
 * power cut as far as fsync is honoured. Several processes may use one repository; writers wait up to 30 s, then
 * BF_ERR_BUSY. The store knows sketches and cards as bytes only; it does not interpret them. Cost: an add syncs each
 * new blob, its folder and the database, 2 to 30 ms on a disk; on disk the files themselves, equal ones once, and
 * about 1.2 KiB a version. docs/formats/repository.md. Thread-safety: one store handle, one thread at a time; open as
 * many handles as you like.
 */
#ifndef BESTFIT_STORE_H
#define BESTFIT_STORE_H

#include <bestfit/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_store bf_store;

typedef struct bf_store_options {
  size_t struct_size;
  bool create;              /* make the repository where there is none */
  bool read_only;           /* also works where one may not write, as long as no other process is writing */
  uint32_t busy_timeout_ms; /* how long a writer waits for another; 0: 30 s */
} bf_store_options;
#define BF_STORE_OPTIONS_INIT \
  { .struct_size = sizeof(bf_store_options) }

/* Opens DIR. BF_ERR_NOT_FOUND: no repository there (remedy in the message). BF_ERR_UNSUPPORTED: a newer schema.
 * BF_ERR_CORRUPT: damaged, or not a repository's database. */
BF_API BF_MUST_CHECK bf_status bf_store_open(const char *directory, const bf_store_options *options, bf_store **out,
                                             bf_error *err);
BF_API void bf_store_close(bf_store *store);

/* What add is given. Metadata columns are the caller's reading of the card; the bytes are what counts. */
typedef struct bf_store_entry {
  size_t struct_size;
  const char *name;       /* owner/name */
  const char *domain;     /* NULL: the name */
  const char *task;       /* NULL: "classification" */
  const char *kind;       /* kind of the sketch ("image"), or NULL */
  const char *summary;    /* or NULL */
  const char *license;    /* or NULL */
  double source_accuracy; /* NaN: not known */
  const char *model_path; /* file to copy in; NULL: none (then model_bytes) */
  const uint8_t *model_bytes;
  size_t model_n_bytes;
  const uint8_t *card;
  size_t card_bytes;
  const uint8_t *sketch; /* NULL: none; the model is then listed as unranked: no sketch */
  size_t sketch_bytes;
  uint64_t rows;           /* rows of the sketch, for listings */
  const char *const *tags; /* one with commas is taken apart; doubles are dropped */
  size_t n_tags;
  bool new_only; /* BF_ERR_EXISTS where the name exists; else a next version is made */
} bf_store_entry;
#define BF_STORE_ENTRY_INIT \
  { .struct_size = sizeof(bf_store_entry), .source_accuracy = __builtin_nan("") }

/* Adds a model, or the next version of one. *version is its number, from 1. BF_ERR_EXISTS: new_only and the name
 * exists, or the very same model, card and sketch are already the latest version (version then tells which). A number
 * once given never comes back, even when its version is removed. A blob found missing or damaged is written anew,
 * whatever the status. BF_ERR_INVALID_ARGUMENT: no model or card, a sketch without kind, a name that is not owner/name,
 * a store opened read_only. BF_ERR_NO_SPACE (how much was needed, where), BF_ERR_BUSY, BF_ERR_IO: the repository is as
 * it was. */
BF_API BF_MUST_CHECK bf_status bf_store_add(bf_store *store, const bf_store_entry *entry, uint32_t *version,
                                            bf_error *err);

/* One stored version. Strings are borrowed from the list. */
typedef struct bf_store_model {
  const char *name;
  uint32_t version;
  const char *domain, *task;
  const char *kind;              /* NULL: no sketch */
  const char *summary, *license; /* "" where not said */
  const char *tags;              /* comma-separated, "" where none */
  double source_accuracy;        /* NaN: not known */
  uint64_t rows;
  uint64_t model_bytes;
  const char *model_sha256, *card_sha256;
  const char *sketch_sha256; /* NULL: no sketch */
  const char *created;       /* UTC, "2026-11-23T09:30:00Z" */
} bf_store_model;

typedef struct bf_store_list bf_store_list;
/* Models by name, then version. `which`: NULL or "" lists the latest version of each; "owner/name" all versions of one;
 * "owner/name@2" one. BF_ERR_NOT_FOUND: a name or version given that is not there (up to
 * three near names in the message). BF_ERR_INVALID_ARGUMENT: what follows @ is no number from 1. */
BF_API BF_MUST_CHECK bf_status bf_store_find(bf_store *store, const char *which, bf_store_list **out, bf_error *err);
BF_API size_t bf_store_list_count(const bf_store_list *list);
BF_API const bf_store_model *bf_store_list_at(const bf_store_list *list, size_t i);
BF_API void bf_store_list_free(bf_store_list *list);

/* The bytes of a blob, verified against its hash when first read by this handle. You own *out (free()).
 * BF_ERR_NOT_FOUND, BF_ERR_CORRUPT (hash differs: run fsck). */
BF_API BF_MUST_CHECK bf_status bf_store_read_blob(bf_store *store, const char *sha256, uint8_t **out, size_t *out_bytes,
                                                  bf_error *err);
/* Path of a blob, for tools that want a file. You own *out (free()). */
BF_API BF_MUST_CHECK bf_status bf_store_blob_path(bf_store *store, const char *sha256, char **out, bf_error *err);

/* Removes a version ("owner/name@2") or all versions ("owner/name"). Blobs stay until fsck frees them.
 * BF_ERR_NOT_FOUND as for find. BF_ERR_EXISTS: an alias points to a version; nothing was removed. */
BF_API BF_MUST_CHECK bf_status bf_store_remove(bf_store *store, const char *which, uint32_t *n_removed, bf_error *err);

typedef struct bf_fsck_report {
  uint64_t models, versions, blobs, bytes; /* seen */
  uint64_t missing, damaged;               /* problems: referenced blobs */
  uint64_t unreferenced, temporary;        /* harmless left-overs */
  bool database_ok;                        /* integrity and foreign keys */
} bf_fsck_report;
/* Called with one line a problem; severity is "error" (missing, damaged), "warning" (a foreign file), "note" (left
 * over). */
typedef void (*bf_fsck_fn)(void *context, const char *severity, const char *line);
/* Reads every blob that is referred to and checks hashes, references and the database. With gc, frees unreferenced
 * blobs, and temporary files older than an hour; nothing where the database is damaged. The report is of what was there
 * before. Returns BF_OK also where problems were found (see the report), an error where checking itself failed. */
BF_API BF_MUST_CHECK bf_status bf_store_fsck(bf_store *store, bool gc, bf_fsck_fn each, void *context,
                                             bf_fsck_report *out, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
