/* bestfit/base.h: statuses, errors, version and progress, shared by every room.
 *
 * Question it answers: what went wrong, where, and what can be done about it?
 *
 * Conventions of the whole API
 *   - Every fallible function returns a bf_status that must be checked, and fills a caller-owned
 *     bf_error (always the last argument; may be NULL).
 *   - What comes through `**out` you own; a returned pointer is borrowed, and dies with the object or
 *     with its next change. `free` and `close` functions accept NULL.
 *   - On failure `*out` is NULL, nothing is leaked and the object is unchanged.
 *   - The library never aborts, exits or prints.
 *   - Option structs start with `struct_size`; initialise them with their macro; zero means default.
 *   - Thread-safety: distinct objects may be used from distinct threads at once; one object from one
 *     thread at a time, unless its header says more. There are no mutable process globals.
 */
#ifndef BESTFIT_BASE_H
#define BESTFIT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#error "bestfit is built for POSIX systems"
#endif
#define BF_API __attribute__((visibility("default")))
#define BF_MUST_CHECK __attribute__((warn_unused_result))

#define BF_VERSION_MAJOR 0
#define BF_VERSION_MINOR 1
#define BF_VERSION_PATCH 0

/* name, stable string, exit code of the command line, HTTP status */
#define BF_STATUS_LIST(X)                                \
  X(BF_OK, "ok", 0, 200)                                 \
  X(BF_ERR_INVALID_ARGUMENT, "invalid-argument", 2, 400) \
  X(BF_ERR_NOT_FOUND, "not-found", 3, 404)               \
  X(BF_ERR_EXISTS, "exists", 4, 409)                     \
  X(BF_ERR_FORMAT, "format", 5, 422)                     \
  X(BF_ERR_CORRUPT, "corrupt", 6, 422)                   \
  X(BF_ERR_MISMATCH, "mismatch", 7, 422)                 \
  X(BF_ERR_LIMIT, "limit", 8, 413)                       \
  X(BF_ERR_IO, "io", 9, 500)                             \
  X(BF_ERR_NO_SPACE, "no-space", 10, 507)                \
  X(BF_ERR_BUSY, "busy", 11, 503)                        \
  X(BF_ERR_UNSUPPORTED, "unsupported", 12, 501)          \
  X(BF_ERR_MEMORY, "memory", 13, 500)                    \
  X(BF_ERR_NOT_APPLICABLE, "not-applicable", 14, 422)    \
  X(BF_ERR_CANCELLED, "cancelled", 130, 499)             \
  X(BF_ERR_INTERNAL, "internal", 70, 500)

typedef enum bf_status {
#define BF_STATUS_ENUM(name, string, exit_code, http) name,
  BF_STATUS_LIST(BF_STATUS_ENUM)
#undef BF_STATUS_ENUM
} bf_status;

typedef struct bf_error {
  bf_status code;
  int32_t native_code; /* errno, SQLite, DuckDB …; 0: none */
  int64_t position;    /* byte offset or row in the input, counted from 0; -1: unknown */
  char message[240];   /* UTF-8, terminated: what is wrong, where, and what to do */
} bf_error;

/* Stable string of a status ("not-found"); "unknown" for a value outside the enumeration. */
BF_API const char *bf_status_name(bf_status status);
/* Exit code that the command line ends with for this status. */
BF_API int bf_status_exit_code(bf_status status);
/* HTTP status that the server answers with for this status. */
BF_API int bf_status_http(bf_status status);
/* Version of the library as linked, "0.1.0". */
BF_API const char *bf_version(void);
/* SHA-256 of bytes as 64 lower-case hexadecimal digits and a terminator: the name of a blob. BF_ERR_INTERNAL: libcrypto
 * refuses. */
BF_API BF_MUST_CHECK bf_status bf_sha256(const void *bytes, size_t n_bytes, char out[65], bf_error *err);

/* Progress of a long call: `done` of `total` in `unit` ("rows", "bytes", "models"); total 0: unknown.
 * Called from the calling thread at most some ten times a second. Returning false cancels the call,
 * which then fails with BF_ERR_CANCELLED. */
typedef bool (*bf_progress_fn)(void *context, const char *unit, uint64_t done, uint64_t total);

#ifdef __cplusplus
}
#endif
#endif
