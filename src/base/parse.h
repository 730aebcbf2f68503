/* Small readings of text that several rooms need. */
#ifndef BESTFIT_SRC_BASE_PARSE_H
#define BESTFIT_SRC_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>

/* Offset of the first byte that is not UTF-8; n where all is. */
size_t bf__utf8_check(const char *bytes, size_t n);
/* A number, all of the text, finite, whatever the locale. */
bool bf__number_of(const char *text, double *out);

#endif
