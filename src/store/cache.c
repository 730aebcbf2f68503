#include "store/cache.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/store_internal.h"

#define ENDING ".bin"
#define LONGEST 200u

/* A plain name, so that nothing else of the repository, nor outside, can be meant. */
static bool is_name(const char *name) {
  size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
  return n > 0 && n <= LONGEST && strcmp(name + n, ENDING) == 0;
}

/* What a killed process left: the name and what bf__file_write_atomic() puts behind it. */
static bool is_temporary(const char *name) {
  const char *dot = strchr(name, '.');
  size_t n = strlen(name);
  return dot && dot != name && strncmp(dot, ENDING ".", sizeof ENDING) == 0 && strcmp(name + n - 4, ".tmp") == 0;
}

static bf_status path_of(const bf_store *store, const char *name, char **out, bf_error *err) {
  *out = NULL;
  if (!is_name(name)) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "'%.60s' names no file of the cache", name);
  *out = bf__asprintf("%s/cache/%s", store->directory, name);
  return *out ? BF_OK : bf__error_memory(err, strlen(store->directory) + strlen(name));
}

bf_status bf__cache_read(const bf_store *store, const char *name, size_t max_bytes, uint8_t **out, size_t *n_bytes,
                         bf_error *err) {
  char *path = NULL;
  *out = NULL;
  *n_bytes = 0;
  bf_status status = path_of(store, name, &path, err);
  if (status == BF_OK) status = bf__file_read(path, max_bytes, out, n_bytes, err);
  free(path);
  return status;
}

bf_status bf__cache_write(const bf_store *store, const char *name, const void *bytes, size_t n_bytes, bf_error *err) {
  bf_status status = BF_OK;
  char *path = NULL, *folder = NULL;
  BF_TRY(bf__store_check_writable(store, err));
  BF_TRY(path_of(store, name, &path, err));
  folder = bf__asprintf("%s/cache", store->directory);
  if (!folder) BF_TRY(bf__error_memory(err, strlen(store->directory)));
  BF_TRY(bf__make_directories(folder, err));
  BF_TRY(bf__file_write_atomic(path, bytes, n_bytes, err));
out:
  free(path);
  free(folder);
  return status;
}

size_t bf__cache_clear(const bf_store *store) {
  size_t n = 0;
  char *folder = bf__asprintf("%s/cache", store->directory);
  DIR *dir = folder ? opendir(folder) : NULL;
  free(folder);
  if (!dir) return 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    if ((is_name(entry->d_name) || is_temporary(entry->d_name)) && unlinkat(dirfd(dir), entry->d_name, 0) == 0) ++n;
  closedir(dir);
  return n;
}
