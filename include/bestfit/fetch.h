/* bestfit/fetch.h: public datasets by manifest, and files over the network, verified.
 *
 * Question it answers: which files make up this dataset, are they here unchanged, and if not, how does one get them?
 *
 * A manifest (docs/benchmark.md has the format) names for every file of a dataset its place, size and SHA-256 as it
 * lies in the dataset's folder, and where it comes from: published as it is, published and here compressed with gzip,
 * or derived, which no download gives and a recipe in words describes. Sources are a public repository at a commit and
 * a path, never a moving branch.
 *
 * Downloads go to FILE.part beside FILE. A download that was cut goes on where it stopped, now or at the next call; a
 * server that ignores ranges is read from the beginning. No more bytes are taken than the manifest says, and only
 * what has the right SHA-256 gets the name FILE, at once and whole. Redirects: at most 5, https only. libcurl is loaded
 * when first needed. Memory: constant for downloads; for compressed files their size as published.
 * Thread-safety: distinct files may be fetched from distinct threads. Nothing random but the temporary names.
 */
#ifndef BESTFIT_FETCH_H
#define BESTFIT_FETCH_H

#include <bestfit/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BF_FETCH_MAX_BYTES ((uint64_t)1 << 30) /* of one file */

typedef struct bf_fetch_options {
  size_t struct_size;
  bool plain_http;         /* also http, for a mirror of one's own */
  uint32_t stall_ms;       /* give a connection up after so long without a byte; 0: 30,000 */
  uint32_t n_attempts;     /* connections in a row that bring less than 4 KiB before giving up; 0: 5 */
  uint32_t wait_ms;        /* before the second attempt, doubled for each further one up to 8 s; 0: 500 */
  bf_progress_fn progress; /* may be NULL; unit "bytes", total is size_bytes */
  void *progress_context;
} bf_fetch_options;
#define BF_FETCH_OPTIONS_INIT \
  { sizeof(bf_fetch_options), false, 0, 0, 0, NULL, NULL }

/* Downloads `url` to `path`, whose folder exists. sha256: 64 hexadecimal digits; size_bytes: exact, 1 to
 * BF_FETCH_MAX_BYTES. A file that is there and right is left alone without asking the network; one that is there and
 * wrong is replaced. options: NULL: the defaults.
 *   BF_ERR_INVALID_ARGUMENT  the address is not https (or http where allowed), or a number is out of range
 *   BF_ERR_NOT_FOUND         the server says 404 or 410
 *   BF_ERR_CORRUPT           other bytes, or more or fewer, than the SHA-256 and the size say; nothing is kept
 *   BF_ERR_IO                the server cannot be reached, refuses, or is given up; what came is kept in FILE.part
 *   BF_ERR_BUSY              another process fetches the same file
 *   BF_ERR_CANCELLED         progress returned false; what came is kept
 *   BF_ERR_UNSUPPORTED       libcurl is missing */
BF_API BF_MUST_CHECK bf_status bf_fetch_file(const char *url, const char *sha256, uint64_t size_bytes, const char *path,
                                             const bf_fetch_options *options, bf_error *err);

/* ---- manifests ---- */

typedef enum bf_origin {
  BF_ORIGIN_PUBLISHED,  /* byte for byte as published */
  BF_ORIGIN_COMPRESSED, /* the published bytes through gzip */
  BF_ORIGIN_DERIVED,    /* made from what is published, as the recipe says */
} bf_origin;
/* "published", "gzip", "derived"; NULL outside the enumeration. */
BF_API const char *bf_origin_name(bf_origin origin);

typedef struct bf_manifest bf_manifest; /* immutable: may be read from several threads */

typedef struct bf_manifest_source {
  const char *host, *repository, *commit; /* "github.com", "owner/name", 40 hexadecimal digits */
} bf_manifest_source;

typedef struct bf_manifest_file {
  const char *path; /* below the dataset's folder: relative, without "." and ".." */
  uint64_t size_bytes;
  const char *sha256;
  bf_origin origin;
  const bf_manifest_source *source; /* NULL: derived */
  const char *source_path;          /* in the repository; NULL: derived */
  uint64_t unpacked_bytes;          /* of a gzip file: its content, as published where BF_ORIGIN_COMPRESSED */
  const char *unpacked_sha256;      /* 0 and NULL: only the file as it lies counts */
  const char *recipe;               /* how it is made; NULL: not derived */
} bf_manifest_file;

/* Reads a manifest, at most 4 MiB of JSON. BF_ERR_FORMAT: it is none, the message naming the entry. You own *out; what
 * the functions below return is borrowed from it. */
BF_API BF_MUST_CHECK bf_status bf_manifest_parse(const void *bytes, size_t n_bytes, bf_manifest **out, bf_error *err);
BF_API void bf_manifest_free(bf_manifest *manifest);
BF_API const char *bf_manifest_name(const bf_manifest *manifest); /* lower-case letters, digits, - and _ */
BF_API const char *bf_manifest_title(const bf_manifest *manifest);
BF_API const char *bf_manifest_workload(const bf_manifest *manifest);
BF_API const char *bf_manifest_kind(const bf_manifest *manifest); /* a kind of bestfit/dataset.h */
BF_API const char *bf_manifest_license(const bf_manifest *manifest);
BF_API size_t bf_manifest_citation_count(const bf_manifest *manifest);
BF_API const char *bf_manifest_citation(const bf_manifest *manifest, size_t i);
BF_API size_t bf_manifest_source_count(const bf_manifest *manifest);
BF_API const bf_manifest_source *bf_manifest_source_at(const bf_manifest *manifest, size_t i);
BF_API size_t bf_manifest_file_count(const bf_manifest *manifest);
BF_API const bf_manifest_file *bf_manifest_file_at(const bf_manifest *manifest, size_t i); /* NULL past the end */

/* Every *.json of a folder, by name. folder NULL: datasets in $BESTFIT_SHARE, where bestfit is installed, or in its
 * source. BF_ERR_NOT_FOUND: no such folder, or no manifest in it; BF_ERR_EXISTS: two of one name; the message of
 * another error begins with the file. You own *out. */
BF_API BF_MUST_CHECK bf_status bf_manifests_load(const char *folder, bf_manifest ***out, size_t *n, bf_error *err);
BF_API void bf_manifests_free(bf_manifest **manifests, size_t n);

/* Is the file at `path` the one that the manifest means? It may have been compressed by another program, where the
 * manifest knows the content: then that counts. BF_ERR_NOT_FOUND: no file there; BF_ERR_CORRUPT: another one. Cost:
 * reads it once. */
BF_API BF_MUST_CHECK bf_status bf_manifest_check(const bf_manifest_file *file, const char *path, bf_error *err);
/* Where the file is published. base: NULL, or the beginning of the address of a mirror, which "/OWNER/NAME/COMMIT/PATH"
 * follows. BF_ERR_NOT_APPLICABLE: it is derived, the message being what to do; BF_ERR_UNSUPPORTED: an unknown host. You
 * own *out (free()). */
BF_API BF_MUST_CHECK bf_status bf_manifest_url(const bf_manifest_file *file, const char *base, char **out,
                                               bf_error *err);
/* Downloads the file from where it is published to `path`, making folders, and compresses it where it is to be. The
 * statuses of bf_fetch_file() and bf_manifest_url(). */
BF_API BF_MUST_CHECK bf_status bf_manifest_fetch(const bf_manifest_file *file, const char *base, const char *path,
                                                 const bf_fetch_options *options, bf_error *err);
/* Copies the file from `from`, where it is checked, to `path`, making folders. The statuses of bf_manifest_check(). */
BF_API BF_MUST_CHECK bf_status bf_manifest_copy(const bf_manifest_file *file, const char *from, const char *path,
                                                bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
