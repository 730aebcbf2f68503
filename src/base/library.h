/* Shared libraries that are loaded when first needed: large ones would cost every start of the program some 10 to 20
 * ms. */
#ifndef BESTFIT_SRC_BASE_LIBRARY_H
#define BESTFIT_SRC_BASE_LIBRARY_H

#include "base/error.h"

typedef struct bf__symbol {
  const char *name;
  void *slot; /* address of the function pointer that is filled */
} bf__symbol;

/* Loads `file` (a soname, looked for beside the library, then where the system looks) and fills every slot. The library
 * stays for the life of the process. BF_ERR_UNSUPPORTED: it is missing or lacks a function; the message says what it is
 * for and how to get it. */
bf_status bf__library_load(const char *file, const char *purpose, const char *remedy, const bf__symbol *symbols,
                           size_t n_symbols, bf_error *err);

#endif
