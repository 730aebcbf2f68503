#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Countdown of the fault tests; thread-local, so that tests in one process do not disturb each other. */
static _Thread_local long fail_countdown;

void bf__alloc_fail_at(long n) {
  fail_countdown = n;
}
long bf__alloc_fail_left(void) {
  return fail_countdown;
}

static bool must_fail(void) {
  return fail_countdown > 0 && --fail_countdown == 0;
}

bool bf__mul(size_t a, size_t b, size_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}
bool bf__add(size_t a, size_t b, size_t *out) {
  return !__builtin_add_overflow(a, b, out);
}

void *bf__alloc(size_t n_elements, size_t element_bytes) {
  size_t n_bytes;
  if (!bf__mul(n_elements, element_bytes, &n_bytes) || n_bytes > PTRDIFF_MAX || must_fail()) return NULL;
  return n_bytes ? calloc(1, n_bytes) : calloc(1, 1);
}

void *bf__realloc(void *block, size_t n_elements, size_t element_bytes) {
  size_t n_bytes;
  if (!bf__mul(n_elements, element_bytes, &n_bytes) || n_bytes > PTRDIFF_MAX || must_fail()) return NULL;
  return realloc(block, n_bytes ? n_bytes : 1);
}

char *bf__strndup(const char *s, size_t n) {
  char *copy = n < SIZE_MAX ? bf__alloc(n + 1, 1) : NULL;
  if (copy && n) memcpy(copy, s, n);
  return copy;
}

char *bf__strdup(const char *s) {
  return bf__strndup(s, strlen(s));
}

char *bf__asprintf(const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  char *text = n >= 0 ? bf__alloc((size_t)n + 1, 1) : NULL;
  if (text) vsnprintf(text, (size_t)n + 1, format, again);
  va_end(again);
  va_end(args);
  return text;
}
