/* The walk over ONNX files from strangers: what it returns are names in the model's folder, each once. */
#include <bestfit/model.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char **names = NULL;
  size_t n = 0;
  bf_error err;
  bf_status status = bf_model_external_files(data, size, &names, &n, &err);
  if (status != BF_OK) {
    require(names == NULL && n == 0 && err.code == status && err.position <= (int64_t)size);
    return 0;
  }
  require(n <= 1024);
  for (size_t i = 0; i < n; ++i) {
    require(names[i][0] != 0 && names[i][0] != '/' && strcmp(names[i], "..") != 0);
    require(strncmp(names[i], "../", 3) != 0 && strstr(names[i], "/../") == NULL);
    require(i == 0 || strcmp(names[i - 1], names[i]) < 0);
  }
  bf_model_names_free(names, n);
  return 0;
}
