#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct status_row {
  const char *name;
  int exit_code, http;
} status_row;

static const status_row STATUS_TABLE[] = {
#define STATUS_ROW(status, string, exit_code, http) [status] = {string, exit_code, http},
    BF_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

static const status_row *status_find(bf_status status) {
  size_t i = (size_t)status;
  return i < sizeof STATUS_TABLE / sizeof *STATUS_TABLE ? &STATUS_TABLE[i] : NULL;
}

const char *bf_status_name(bf_status status) {
  const status_row *row = status_find(status);
  return row ? row->name : "unknown";
}

int bf_status_exit_code(bf_status status) {
  const status_row *row = status_find(status);
  return row ? row->exit_code : 70;
}

int bf_status_http(bf_status status) {
  const status_row *row = status_find(status);
  return row ? row->http : 500;
}

#define TO_STRING(x) #x
#define VERSION_STRING(a, b, c) TO_STRING(a) "." TO_STRING(b) "." TO_STRING(c)

const char *bf_version(void) {
  return VERSION_STRING(BF_VERSION_MAJOR, BF_VERSION_MINOR, BF_VERSION_PATCH);
}

/* A message that was cut must not end within a UTF-8 sequence. */
static void trim_utf8(char *s, size_t capacity) {
  size_t n = strlen(s);
  if (n + 1 < capacity) return;
  size_t start = n;
  while (start > 0 && ((unsigned char)s[start - 1] & 0xC0) == 0x80) start--;
  if (start == 0) return;
  unsigned char lead = (unsigned char)s[start - 1];
  size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (n - (start - 1) < need) s[start - 1] = '\0';
}

__attribute__((format(printf, 5, 0))) static bf_status fill(bf_error *err, bf_status code, int native, int64_t position,
                                                            const char *format, va_list args) {
  if (!err) return code;
  bf_error made = {.code = code, .native_code = native, .position = position}; /* args may point into *err */
  vsnprintf(made.message, sizeof made.message, format, args);
  trim_utf8(made.message, sizeof made.message);
  *err = made;
  return code;
}

bf_status bf__error(bf_error *err, bf_status code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(err, code, 0, -1, format, args);
  va_end(args);
  return code;
}

bf_status bf__error_at(bf_error *err, bf_status code, int64_t position, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fill(err, code, 0, position, format, args);
  va_end(args);
  return code;
}

static bf_status status_of_errno(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return BF_ERR_NO_SPACE;
    case ENOENT:
    case ENOTDIR:
      return BF_ERR_NOT_FOUND;
    case ENOMEM:
      return BF_ERR_MEMORY;
    default:
      return BF_ERR_IO;
  }
}

bf_status bf__error_errno(bf_error *err, int number, const char *format, ...) {
  bf_status code = status_of_errno(number);
  va_list args;
  va_start(args, format);
  fill(err, code, number, -1, format, args);
  va_end(args);
  if (err) {
    char words[96];
    const char *text = strerror_r(number, words, sizeof words);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", text);
    trim_utf8(err->message, sizeof err->message);
  }
  return code;
}

bf_status bf__error_memory(bf_error *err, size_t n_bytes) {
  return bf__error(err, BF_ERR_MEMORY, "out of memory (%zu bytes wanted)", n_bytes);
}

void bf__error_clear(bf_error *err) {
  if (err) *err = (bf_error){.code = BF_OK, .position = -1};
}
