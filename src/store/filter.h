/* The filter language and sort orders, compiled to SQL with parameters. */
#ifndef BESTFIT_SRC_STORE_FILTER_H
#define BESTFIT_SRC_STORE_FILTER_H

#include "base/bytes.h"
#include "base/error.h"

#define BF__FILTER_MAX_BYTES 8192
#define BF__FILTER_MAX_COMPARISONS 200
#define BF__FILTER_MAX_DEPTH 12 /* SQLite parses with a stack of 100, of which a level takes up to 5 */
#define BF__SORT_MAX_TERMS 8

typedef struct bf__filter_value {
  char *text; /* owned; NULL: a number */
  double number;
} bf__filter_value;

/* SQL over the tables as database_read.c names them, and the values of its parameters in order. */
typedef struct bf__filter {
  bf__writer sql; /* terminated once compiled */
  bf__filter_value *values;
  size_t n_values, capacity;
  bool any_version; /* it names version or alias, so that the latest versions alone are not what it asks about */
} bf__filter;

/* A condition. BF_ERR_INVALID_ARGUMENT with position and remedy, BF_ERR_LIMIT, BF_ERR_MEMORY. */
bf_status bf__filter_compile(const char *text, bf__filter *out, bf_error *err);
/* "accuracy,-created": terms of an ORDER BY. */
bf_status bf__sort_compile(const char *text, bf__filter *out, bf_error *err);
void bf__filter_deinit(bf__filter *filter);

#endif
