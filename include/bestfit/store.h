/* bestfit/store.h: a repository of models on disk: SQLite and content-addressed blobs.
 *
 * Question it answers: which models, in which versions, with which cards and sketches do we own, which of them serve
 * what, who changed what when, and is every byte still there?
 *
 *   DIR/bestfit.db          SQLite, WAL; schema steps in src/store/schema/NNN-*.sql
 *   DIR/blobs/sha256/ab/…   model files, cards and sketches by hash: written to a temporary name, synced, renamed
 *
 * Guarantees: an add, rm or later change is one transaction; a process killed at any moment leaves the old state,
 * or the new one whole (at worst an unreferenced blob or temporary file besides, which fsck names). What a call has
 * acknowledged with BF_OK survives a power cut as far as fsync is honoured. Several processes may use one
 * repository; writers wait up to 30 s, then BF_ERR_BUSY. The store knows sketches and cards as bytes only; it does
 * not interpret them (the words of a card are indexed as they are).
 *
 * Cost: an add syncs each new blob, its folder and the database, 2 to 30 ms on a disk; on disk the files
 * themselves, equal ones once, about 1.5 KiB a version, and about twice its card for full-text search.
 * docs/repository.md, docs/formats/repository.md.
 *
 * Thread-safety: one store handle, one thread at a time; open as many handles as you like.
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
  const char *who;          /* for the audit log; NULL: $USER, else the user's number */
} bf_store_options;
#define BF_STORE_OPTIONS_INIT \
  { .struct_size = sizeof(bf_store_options) }

/* Opens DIR; an older schema is brought up to date where it is opened for writing. BF_ERR_NOT_FOUND: no repository
 * there (remedy in the message). BF_ERR_UNSUPPORTED: a newer schema, or an older one and read_only. BF_ERR_CORRUPT:
 * damaged, or not a repository's database. */
BF_API BF_MUST_CHECK bf_status bf_store_open(const char *directory, const bf_store_options *options, bf_store **out,
                                             bf_error *err);
BF_API void bf_store_close(bf_store *store);

/* ---- adding ---- */

/* A number measured of a version: a name of 1 to 64 of A-Z a-z 0-9 . _ - / and a finite value. */
typedef struct bf_store_metric {
  const char *name;
  double value;
} bf_store_metric;

/* A further file of a model: external data under the name that the model gives it, a vocabulary. */
typedef struct bf_store_file {
  const char *name; /* plain relative path: no "..", no leading "/", at most 255 bytes, parts of A-Z a-z 0-9 . _ - */
  const uint8_t *bytes; /* adding */
  size_t n_bytes;
  const char *sha256; /* listing */
} bf_store_file;

/* Experience: what one version did on the labelled validation rows of a version (its own, or another's). The store
 * keeps `outputs` as bytes. */
typedef struct bf_store_experience {
  const char *model; /* who ran; NULL in bf_store_entry: the version that is being added */
  uint32_t version;
  const char *domain_model; /* whose validation rows; NULL in bf_store_entry: the version that is being added */
  uint32_t domain_version;
  uint64_t n_items;
  double accuracy, macro_f1; /* NaN: not known */
  const uint8_t *outputs;    /* adding; NULL: none */
  size_t outputs_bytes;
  const char *outputs_sha256; /* listing; NULL: none */
} bf_store_experience;

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
  uint64_t rows; /* rows of the sketch, for listings */
  const char *const
      *tags; /* words, or key=value; one with commas is taken apart; of a key given twice the last value holds */
  size_t n_tags;
  bool new_only; /* BF_ERR_EXISTS where the name exists; else a next version is made */
  const bf_store_metric *metrics;
  size_t n_metrics;
  const char *const *aliases; /* point to the new version, but those that the model has already stay where they are */
  size_t n_aliases;
  const char *origin; /* NULL: added here; else where it is from, for the audit log, which then says import */
  const bf_store_file *files;
  size_t n_files;
  const char *calibration;   /* JSON of bf_calibration_encode, NULL: none; at most 8 MiB */
  const uint8_t *validation; /* kept sample of labelled rows (bf_sample_encode), NULL: not kept */
  size_t validation_bytes;
  const bf_store_experience *experience;
  size_t n_experience;
} bf_store_entry;
#define BF_STORE_ENTRY_INIT \
  { .struct_size = sizeof(bf_store_entry), .source_accuracy = __builtin_nan("") }

/* Adds a model, or the next version of one. *version is its number, from 1. BF_ERR_EXISTS: new_only and the name
 * exists, or the very same model, card and sketch are already the latest version (version then tells which). A number
 * once given never comes back, even when its version is removed. A blob found missing or damaged is written anew,
 * whatever the status. BF_ERR_INVALID_ARGUMENT: no model or card, a sketch without kind, a name that is not owner/name,
 * a tag, metric or alias that may not be, a store opened read_only. BF_ERR_NO_SPACE (how much was needed, where),
 * BF_ERR_BUSY, BF_ERR_IO: the repository is as it was. */
BF_API BF_MUST_CHECK bf_status bf_store_add(bf_store *store, const bf_store_entry *entry, uint32_t *version,
                                            bf_error *err);

/* ---- finding ---- */

/* One stored version. Strings are borrowed from the list. */
typedef struct bf_store_model {
  const char *name;
  uint32_t version;
  const char *domain, *task;
  const char *kind;              /* NULL: no sketch */
  const char *summary, *license; /* "" where not said */
  const char *tags;              /* comma-separated words and key=value, "" where none */
  double source_accuracy;        /* NaN: not known */
  uint64_t rows;
  uint64_t model_bytes;
  const char *model_sha256, *card_sha256;
  const char *sketch_sha256;      /* NULL: no sketch */
  const char *created;            /* UTC, "2026-11-23T09:30:00Z" */
  const char *aliases;            /* comma-separated, "" where none */
  const bf_store_metric *metrics; /* by name; accuracy is the source accuracy unless another was given */
  size_t n_metrics;
  const bf_store_file *files; /* by name; bytes NULL: read them by their hash */
  size_t n_files;
  const char *calibration;       /* JSON; NULL: none */
  const char *validation_sha256; /* kept sample of labelled rows; NULL: none */
} bf_store_model;

typedef struct bf_store_list bf_store_list;
/* Models by name, then version. `which`: NULL or "" lists the latest version of each; "owner/name" all versions of one;
 * "owner/name@2" one; "owner/name@production" the one that the alias points to; "owner/name@latest" the latest.
 * BF_ERR_NOT_FOUND: a name, version or alias given that is not there (up to three near names, or the aliases that there
 * are, in the message). BF_ERR_INVALID_ARGUMENT: what follows @ can be neither a number from 1 nor an alias. */
BF_API BF_MUST_CHECK bf_status bf_store_find(bf_store *store, const char *which, bf_store_list **out, bf_error *err);
BF_API size_t bf_store_list_count(const bf_store_list *list);
BF_API const bf_store_model *bf_store_list_at(const bf_store_list *list, size_t i);
BF_API void bf_store_list_free(bf_store_list *list);

/* A question to the repository; NULL and false mean not asked. */
typedef struct bf_store_query {
  size_t struct_size;
  const char *pattern; /* part of a name, or a shell pattern with * ? [] over all of it */
  const char *filter;  /* the filter language of docs/repository.md: "tags.site = 'lyon' and metrics.accuracy > 0.8" */
  const char
      *search; /* words that all occur in name, summary, card or tags; one that ends in * is the beginning of a word */
  const char *sort; /* "accuracy", "-created,name": identifiers of the filter language, - for falling; what is not known
                       comes last. NULL: with search the best match first, else by name; ties by name, then version */
  bool all_versions; /* else the latest of each model; a filter that names version or alias looks at all versions anyway
                      */
} bf_store_query;
#define BF_STORE_QUERY_INIT \
  { .struct_size = sizeof(bf_store_query) }
/* The versions that answer a query, perhaps none. BF_ERR_INVALID_ARGUMENT: a filter or sort that cannot be read;
 * position is the byte in it, the message says what was expected and the nearest identifier. BF_ERR_LIMIT: a filter of
 * more than 8,192 bytes, 200 comparisons or 12 levels. */
BF_API BF_MUST_CHECK bf_status bf_store_select(bf_store *store, const bf_store_query *query, bf_store_list **out,
                                               bf_error *err);

/* Adds or replaces experience rows in one transaction, with one audit row ("experience"). BF_ERR_NOT_FOUND: a version
 * that is not there (named); nothing was added. */
BF_API BF_MUST_CHECK bf_status bf_store_add_experience(bf_store *store, const bf_store_experience *rows, size_t n_rows,
                                                       bf_error *err);
typedef struct bf_store_experience_list bf_store_experience_list;
/* All experience among the versions that exist, by (domain_model, domain_version, model, version). */
BF_API BF_MUST_CHECK bf_status bf_store_read_experience(bf_store *store, bf_store_experience_list **out, bf_error *err);
BF_API size_t bf_store_experience_count(const bf_store_experience_list *list);
BF_API const bf_store_experience *bf_store_experience_at(const bf_store_experience_list *list, size_t i);
BF_API void bf_store_experience_free(bf_store_experience_list *list);

/* The bytes of a blob, verified against its hash when first read by this handle. You own *out (free()).
 * BF_ERR_NOT_FOUND, BF_ERR_CORRUPT (hash differs: run fsck). */
BF_API BF_MUST_CHECK bf_status bf_store_read_blob(bf_store *store, const char *sha256, uint8_t **out, size_t *out_bytes,
                                                  bf_error *err);
/* Path of a blob, for tools that want a file. You own *out (free()). */
BF_API BF_MUST_CHECK bf_status bf_store_blob_path(bf_store *store, const char *sha256, char **out, bf_error *err);

/* ---- changing ---- */

/* Changes to one version; NULL, 0 and false mean that something stays. */
typedef struct bf_store_changes {
  size_t struct_size;
  const uint8_t *card; /* becomes the version's card; the old one stays as a blob until fsck frees it */
  size_t card_bytes;
  const char *
      expected_card; /* SHA-256 of the card that the change was made from: BF_ERR_MISMATCH where it is another by now */
  const char *domain, *task, *summary, *license;
  bool set_source_accuracy;
  double source_accuracy;  /* NaN: no longer known */
  const char *const *tags; /* words or key=value, in place of what the key had */
  size_t n_tags;
  const char *const *remove_tags; /* keys */
  size_t n_remove_tags;
  const bf_store_metric *metrics;
  size_t n_metrics;
  const char *const *remove_metrics;
  size_t n_remove_metrics;
} bf_store_changes;
#define BF_STORE_CHANGES_INIT \
  { .struct_size = sizeof(bf_store_changes), .source_accuracy = __builtin_nan("") }
/* Changes the version that `which` names ("owner/name": the latest) in one transaction with its audit row. The version
 * number stays; *version (may be NULL) tells it. A tag: key 1 to 128 bytes, value up to 1,024, UTF-8 without commas and
 * control characters, key without "="; at most 1,000 a version. BF_ERR_NOT_FOUND: no such version, or a tag or metric
 * to remove that is not there; BF_ERR_INVALID_ARGUMENT, BF_ERR_MISMATCH, BF_ERR_NO_SPACE, BF_ERR_BUSY, BF_ERR_IO:
 * nothing was changed. */
BF_API BF_MUST_CHECK bf_status bf_store_edit(bf_store *store, const char *which, const bf_store_changes *changes,
                                             uint32_t *version, bf_error *err);

/* Lets an alias of the model point to the version that `which` names ("owner/name": the latest). An alias is 1 to 64 of
 * A-Z a-z 0-9 . _ - and starts with a letter; "latest" is taken. *was (may be NULL): the version that it pointed to, 0:
 * none. */
BF_API BF_MUST_CHECK bf_status bf_store_set_alias(bf_store *store, const char *which, const char *alias, uint32_t *was,
                                                  bf_error *err);
/* BF_ERR_NOT_FOUND: no such model or alias (those that there are in the message). */
BF_API BF_MUST_CHECK bf_status bf_store_remove_alias(bf_store *store, const char *name, const char *alias,
                                                     uint32_t *was, bf_error *err);

/* Removes a version ("owner/name@2") or all versions ("owner/name"). Blobs stay until fsck frees them.
 * BF_ERR_NOT_FOUND as for find. BF_ERR_EXISTS: an alias points to a version (the message says which and how to go on);
 * nothing was removed. */
BF_API BF_MUST_CHECK bf_status bf_store_remove(bf_store *store, const char *which, uint32_t *n_removed, bf_error *err);

/* One line of the audit log. Strings live for the call. */
typedef struct bf_store_event {
  const char *time;   /* UTC */
  const char *who;    /* "" in what was written by version 0.1 */
  const char *action; /* "add", "import", "edit", "tag", "alias", "remove", "experience", "gc" */
  const char *name;   /* "" for gc */
  uint32_t version;   /* 0: none */
  const char *detail; /* what changed: "site=lyon", "production: 1 -> 2", "card <sha256> -> <sha256>" */
} bf_store_event;
typedef bool (*bf_store_event_fn)(void *context, const bf_store_event *event); /* false: enough */
/* The audit log, newest first; of one model where name is given (also of one that is gone), at most `limit` lines (0:
 * all). */
BF_API BF_MUST_CHECK bf_status bf_store_log(bf_store *store, const char *name, uint64_t limit, bf_store_event_fn fn,
                                            void *context, bf_error *err);

/* ---- one model as one file ---- */

/* Writes a version into a bundle: a zip archive with manifest.json, README.md (the card), model.onnx and, where there
 * is one, sketch. Equal versions give equal bytes. docs/formats/bundle-v1.md. BF_ERR_NOT_FOUND, BF_ERR_CORRUPT (a blob
 * is damaged: nothing was written), BF_ERR_NO_SPACE, BF_ERR_IO. */
BF_API BF_MUST_CHECK bf_status bf_store_export(bf_store *store, const char *which, const char *path, bf_error *err);

typedef struct bf_bundle bf_bundle;
/* Reads a bundle from untrusted bytes, or from a file, wholly into memory; every file in it is compared with its hash
 * in the manifest. BF_ERR_FORMAT: not a bundle. BF_ERR_CORRUPT: a hash differs. BF_ERR_LIMIT: a model above 2 GiB, a
 * card or manifest above 1 MiB, a sketch above 192 KiB, or one packed more than 200 to 1. BF_ERR_UNSUPPORTED: made by a
 * newer version, encrypted. */
BF_API BF_MUST_CHECK bf_status bf_bundle_read(const uint8_t *bytes, size_t n_bytes, bf_bundle **out, bf_error *err);
BF_API BF_MUST_CHECK bf_status bf_bundle_open(const char *path, bf_bundle **out, bf_error *err);
/* What bf_store_add takes, with tags, metrics, aliases and origin; borrowed. Its metadata are the manifest's: compare
 * them with the card and the sketch where that matters. */
BF_API const bf_store_entry *bf_bundle_entry(const bf_bundle *bundle);
BF_API uint32_t bf_bundle_version(const bf_bundle *bundle); /* where it came from */
BF_API void bf_bundle_free(bf_bundle *bundle);

/* ---- checking ---- */

typedef struct bf_fsck_report {
  uint64_t models, versions, blobs, bytes; /* seen */
  uint64_t missing, damaged;               /* problems: referenced blobs */
  uint64_t unreferenced, temporary;        /* harmless left-overs */
  bool database_ok;                        /* integrity, foreign keys, aliases, metrics */
  bool index_ok; /* full-text search agrees with the rest; gc makes it anew where it does not */
} bf_fsck_report;
/* Called with one line a problem; severity is "error" (missing, damaged), "warning" (a foreign file), "note" (left
 * over). */
typedef void (*bf_fsck_fn)(void *context, const char *severity, const char *line);
/* Reads every blob that is referred to and checks hashes, references and the database. With gc, frees unreferenced
 * blobs, and temporary files older than an hour, and repairs the full-text index; nothing where the database is
 * damaged. The report is of what was there before. Returns BF_OK also where problems were found (see the report), an
 * error where checking itself failed. */
BF_API BF_MUST_CHECK bf_status bf_store_fsck(bf_store *store, bool gc, bf_fsck_fn each, void *context,
                                             bf_fsck_report *out, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
