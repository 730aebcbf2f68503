/* Checked allocation. Every allocation of the library's own passes here, so that tests can let the n-th one fail. */
#ifndef BESTFIT_SRC_BASE_MEMORY_H
#define BESTFIT_SRC_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* NULL on overflow or exhaustion; zeroed; never NULL for 0 elements. Free with free(). */
void *bf__alloc(size_t n_elements, size_t element_bytes);
/* Grows or shrinks; the old block stays on failure. New bytes are not zeroed. */
void *bf__realloc(void *block, size_t n_elements, size_t element_bytes);
/* Copy of `n` bytes with a terminating zero; of a string; formatted. */
char *bf__strndup(const char *s, size_t n);
char *bf__strdup(const char *s);
__attribute__((format(printf, 1, 2))) char *bf__asprintf(const char *format, ...);

/* Products and sums of sizes; false on overflow. */
bool bf__mul(size_t a, size_t b, size_t *out);
bool bf__add(size_t a, size_t b, size_t *out);

/* Tests: the allocation number `n` from now fails (1: the next), 0: none. Thread-local. */
void bf__alloc_fail_at(long n);
/* What is left of that count: 0 once it has failed, or where none was set. */
long bf__alloc_fail_left(void);

#endif
