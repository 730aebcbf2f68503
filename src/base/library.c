#include "base/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#ifdef BESTFIT_LIBRARY_BUILD
static void *dlopen_in(const char *folder, const char *file) {
  char path[4096];
  int n = snprintf(path, sizeof path, "%s/%s", folder, file);
  return n > 0 && (size_t)n < sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}
#endif

bf_status bf__library_load(const char *file, const char *purpose, const char *remedy, const bf__symbol *symbols,
                           size_t n_symbols, bf_error *err) {
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
#ifdef BESTFIT_LIBRARY_BUILD /* under a sanitizer dlopen() does not see the run path of its caller */
  if (!library) library = dlopen_in(BESTFIT_LIBRARY_BUILD, file);
#endif
  if (!library) return bf__error(err, BF_ERR_UNSUPPORTED, "%s needs %s, which is not there: %s", purpose, file, remedy);
  for (size_t i = 0; i < n_symbols; i++) {
    void *function = dlsym(library, symbols[i].name);
    if (!function) {
      dlclose(library);
      return bf__error(err, BF_ERR_UNSUPPORTED, "%s: this version of %s lacks %s: %s", purpose, file, symbols[i].name,
                       remedy);
    }
    memcpy(symbols[i].slot, &function, sizeof function); /* POSIX: function and object pointers have one size */
  }
  return BF_OK;
}
