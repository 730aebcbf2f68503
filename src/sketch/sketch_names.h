/* Names in a sketch: of columns and labels, and words that are made of data. */
#ifndef BESTFIT_SRC_SKETCH_NAMES_H
#define BESTFIT_SRC_SKETCH_NAMES_H

#include "sketch/sketch_data.h"

/* Copies a name as a sketch keeps it: at most BF__NAME_BYTES, whole UTF-8 characters, anything else and control
 * characters as '?'. */
void bf__sketch_name(const char *name, char out[BF__NAME_BYTES + 1]);
/* The same of n bytes; returns the length. */
size_t bf__sketch_name_of(const char *bytes, size_t n, char out[BF__NAME_BYTES + 1]);
/* Whether bytes are UTF-8 without control characters. */
bool bf__sketch_name_valid(const uint8_t *bytes, size_t n);

#endif
