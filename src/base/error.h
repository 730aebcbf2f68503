/* Errors inside the library: fill a caller-owned bf_error and return its code in one expression. */
#ifndef BESTFIT_SRC_BASE_ERROR_H
#define BESTFIT_SRC_BASE_ERROR_H

#include <bestfit/base.h>

/* Fills `err` (may be NULL) and returns `code`. The message is cut at a UTF-8 boundary. */
__attribute__((format(printf, 3, 4))) bf_status bf__error(bf_error *err, bf_status code, const char *format, ...);
/* The same with a byte offset or row. */
__attribute__((format(printf, 4, 5))) bf_status bf__error_at(bf_error *err, bf_status code, int64_t position,
                                                             const char *format, ...);
/* From errno: ENOSPC, EDQUOT and EFBIG are BF_ERR_NO_SPACE, ENOENT BF_ERR_NOT_FOUND, ENOMEM BF_ERR_MEMORY, else
 * BF_ERR_IO; the system's words are added. */
__attribute__((format(printf, 3, 4))) bf_status bf__error_errno(bf_error *err, int number, const char *format, ...);
/* BF_ERR_MEMORY with the size that could not be had. */
bf_status bf__error_memory(bf_error *err, size_t n_bytes);

/* Fills *err with BF_OK; harmless on NULL. */
void bf__error_clear(bf_error *err);

/* Evaluates a status; on failure keeps it in `status` and jumps to `out`. */
#define BF_TRY(call)                          \
  do {                                        \
    if ((status = (call)) != BF_OK) goto out; \
  } while (0)

#endif
