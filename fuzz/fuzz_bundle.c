/* Bundles from strangers: refused, or whole. */
#include <bestfit/store.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf_bundle *bundle = NULL;
  bf_error err;
  bf_status status = bf_bundle_read(data, size, &bundle, &err);
  require((status == BF_OK) == (bundle != NULL));
  if (status != BF_OK) {
    require(err.code == status && err.message[0] != 0);
    return 0;
  }
  const bf_store_entry *entry = bf_bundle_entry(bundle);
  require(entry->name != NULL && strchr(entry->name, '/') != NULL && strstr(entry->name, "..") != entry->name);
  require(entry->model_bytes != NULL && entry->card != NULL && (entry->sketch == NULL || entry->kind != NULL));
  uint64_t sum = 0; /* all that is given out can be read */
  for (size_t i = 0; i < entry->model_n_bytes; ++i) sum += entry->model_bytes[i];
  for (size_t i = 0; i < entry->card_bytes; ++i) sum += entry->card[i];
  for (size_t i = 0; i < entry->n_tags; ++i) sum += strlen(entry->tags[i]);
  for (size_t i = 0; i < entry->n_aliases; ++i) sum += strlen(entry->aliases[i]);
  for (size_t i = 0; i < entry->n_metrics; ++i) sum += strlen(entry->metrics[i].name);
  for (size_t i = 0; i < entry->n_files; ++i) {
    const bf_store_file *file = &entry->files[i];
    require(file->name[0] != 0 && file->name[0] != '/' && strstr(file->name, "/../") == NULL &&
            strncmp(file->name, "../", 3) != 0);
    for (size_t k = 0; k < file->n_bytes; ++k) sum += file->bytes[k];
  }
  if (entry->calibration != NULL) sum += strlen(entry->calibration);
  for (size_t i = 0; i < entry->validation_bytes; ++i) sum += entry->validation[i];
  require(sum > 0 && entry->n_experience == 0);
  bf_bundle_free(bundle);
  return 0;
}
