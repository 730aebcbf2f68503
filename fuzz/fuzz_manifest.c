/* Manifests from strangers: what is read names no place outside the dataset's folder and the repository. */
#include <bestfit/fetch.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

static void require_inside(const char *path) {
  require(path[0] != '\0' && path[0] != '/' && strstr(path, "//") == NULL && strcmp(path, "..") != 0);
  require(strncmp(path, "../", 3) != 0 && strstr(path, "/../") == NULL);
  require(strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf_manifest *manifest = NULL;
  bf_error err;
  if (bf_manifest_parse(data, size, &manifest, &err) != BF_OK) {
    require(manifest == NULL && err.code != BF_OK);
    return 0;
  }
  require(bf_manifest_file_count(manifest) > 0 && bf_manifest_citation_count(manifest) > 0);
  for (size_t i = 0; i < bf_manifest_file_count(manifest); i++) {
    const bf_manifest_file *file = bf_manifest_file_at(manifest, i);
    char *url = NULL;
    require_inside(file->path);
    require(file->size_bytes > 0 && file->size_bytes <= BF_FETCH_MAX_BYTES && strlen(file->sha256) == 64);
    bf_status status = bf_manifest_url(file, NULL, &url, &err);
    require((status == BF_ERR_NOT_APPLICABLE) == (file->origin == BF_ORIGIN_DERIVED));
    require((status == BF_OK) == (url != NULL));
    if (status == BF_OK) {
      require_inside(file->source_path);
      require(strncmp(url, "https://raw.githubusercontent.com/", 34) == 0 && strpbrk(url + 34, " ?#\\:@") == NULL);
    }
    free(url);
  }
  bf_manifest_free(manifest);
  return 0;
}
