/* The files of an image folder: found, checked by their first bytes, sorted, and named by their sub-folder.
 *
 * Order is that of the relative paths' bytes, so that it does not depend on the file system. Hidden files and folders
 * are passed over, as is nothing else: a file that is not an image is an error, because a folder that silently shrinks
 * gives a sketch of something else. */
#include "dataset/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define MAX_DEPTH 32

typedef struct walk {
  const char *root;
  char **paths;
  size_t n, capacity;
} walk;

static bf_status add_path(walk *w, char *path, bf_error *err) {
  if (w->n == w->capacity) {
    size_t capacity = w->capacity ? w->capacity * 2 : 256;
    char **grown = bf__realloc(w->paths, capacity, sizeof *grown);
    if (!grown) {
      free(path);
      return bf__error_memory(err, capacity * sizeof *grown);
    }
    w->paths = grown;
    w->capacity = capacity;
  }
  w->paths[w->n++] = path;
  return BF_OK;
}

static bf_status walk_folder(walk *w, const char *relative, int depth, bf_error *err);

static bf_status walk_entry(walk *w, const char *relative, const char *name, int depth, bf_error *err) {
  bf_status status = BF_OK;
  struct stat st;
  char *path = relative[0] ? bf__asprintf("%s/%s", relative, name) : bf__strdup(name);
  char *full = path ? bf__asprintf("%s/%s", w->root, path) : NULL;
  if (!full) BF_TRY(bf__error_memory(err, 256));
  if (stat(full, &st) != 0) BF_TRY(bf__error_errno(err, errno, "%.120s", path));
  if (S_ISDIR(st.st_mode)) {
    BF_TRY(walk_folder(w, path, depth + 1, err));
  } else if (S_ISREG(st.st_mode)) {
    char *owned = path;
    path = NULL;
    BF_TRY(add_path(w, owned, err));
  } else {
    BF_TRY(bf__error(err, BF_ERR_FORMAT, "%.120s is not a regular file: remove it from the folder of images", path));
  }
out:
  free(path);
  free(full);
  return status;
}

static bf_status walk_folder(walk *w, const char *relative, int depth, bf_error *err) {
  if (depth > MAX_DEPTH)
    return bf__error(err, BF_ERR_LIMIT, "folders nested deeper than %d at %.120s: is there a link that leads back?",
                     MAX_DEPTH, relative);
  char *full = bf__asprintf("%s/%s", w->root, relative);
  if (!full) return bf__error_memory(err, 256);
  bf_status status = BF_OK;
  DIR *folder = opendir(full);
  if (!folder) BF_TRY(bf__error_errno(err, errno, "%.120s", full));
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir(folder);
    if (!entry && errno) BF_TRY(bf__error_errno(err, errno, "%.120s", full));
    if (!entry) break;
    if (entry->d_name[0] != '.') BF_TRY(walk_entry(w, relative, entry->d_name, depth, err));
  }
out:
  if (folder) closedir(folder);
  free(full);
  return status;
}

static int compare_paths(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

bf_status bf__folder_list(const char *root, char ***out, size_t *n_out, bf_error *err) {
  walk w = {.root = root};
  bf_status status = walk_folder(&w, "", 0, err);
  if (status != BF_OK) {
    bf__dataset_free_strings(w.paths, w.n);
    return status;
  }
  if (w.n) qsort(w.paths, w.n, sizeof *w.paths, compare_paths);
  *out = w.paths;
  *n_out = w.n;
  return BF_OK;
}

bf_status bf_image_folder_names(const char *folder, char ***out, size_t *n_out, bf_error *err) {
  if (!out || !n_out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the names");
  *out = NULL;
  *n_out = 0;
  if (!folder) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no folder");
  return bf__folder_list(folder, out, n_out, err);
}

void bf_image_folder_names_free(char **names, size_t n) {
  bf__dataset_free_strings(names, n);
}

bool bf__folder_has_classes(char *const *paths, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!strchr(paths[i], '/')) return false;
  return n > 0;
}

bf__image_type bf__image_type_of(const void *bytes, size_t n) {
  const uint8_t *p = bytes;
  if (n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) return BF__IMAGE_PNG;
  if (n >= 3 && p[0] == 0xff && p[1] == 0xd8 && p[2] == 0xff) return BF__IMAGE_JPEG;
  if (n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0) return BF__IMAGE_WEBP;
  return BF__IMAGE_NONE;
}

bf_status bf__image_file_type(const char *path, const char *shown, uint64_t row, bf__image_type *out, bf_error *err) {
  uint8_t head[12];
  size_t got = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return bf__error_errno(err, errno, "%.120s", shown);
  while (got < sizeof head) {
    ssize_t n = read(fd, head + got, sizeof head - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += (size_t)n;
  }
  close(fd);
  *out = bf__image_type_of(head, got);
  if (*out != BF__IMAGE_NONE) return BF_OK;
  return bf__error_at(err, BF_ERR_FORMAT, (int64_t)row,
                      "%.120s is %s: remove it from the folder, or put a dot before its name", shown,
                      got ? "no PNG, JPEG or WebP image" : "empty");
}
