/* Conditions, sort orders and words from strangers: each is answered or refused, and whatever is answered is SQL that
 * the database takes. */
#include <bestfit/store.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[512];
static bf_store *store;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st, (void)type, (void)ftw;
  return remove(path);
}

static void clean_up(void) {
  bf_store_close(store);
  (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void set_up(void) {
  const char *base = getenv("TMPDIR"), *tag = "site=lyon";
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  bf_store_entry entry = BF_STORE_ENTRY_INIT;
  bf_store_metric metric = {"f1", 0.5};
  uint32_t version = 0;
  snprintf(folder, sizeof folder, "%s/bestfit-fuzz-XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(folder) == NULL) abort();
  options.create = true;
  entry.name = "lab/gait";
  entry.model_bytes = entry.card = (const uint8_t *)"x";
  entry.model_n_bytes = entry.card_bytes = 1;
  entry.tags = &tag;
  entry.n_tags = 1;
  entry.metrics = &metric;
  entry.n_metrics = 1;
  if (bf_store_open(folder, &options, &store, NULL) != BF_OK || bf_store_add(store, &entry, &version, NULL) != BF_OK)
    abort();
  (void)atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf_store_query query = BF_STORE_QUERY_INIT;
  bf_store_list *list = NULL;
  bf_error err;
  if (store == NULL) set_up();
  if (size == 0) return 0;
  char *text = malloc(size);
  if (text == NULL) return 0;
  memcpy(text, data + 1, size - 1);
  text[size - 1] = 0;
  /* the first byte says what it is */
  if (data[0] % 4 == 1)
    query.sort = text;
  else if (data[0] % 4 == 2)
    query.search = text;
  else
    query.filter = text;
  bf_status status = bf_store_select(store, &query, &list, &err);
  if (status != BF_OK && status != BF_ERR_INVALID_ARGUMENT && status != BF_ERR_LIMIT) abort();
  if ((status == BF_OK) != (list != NULL) || (status != BF_OK && err.position > (int64_t)size)) abort();
  bf_store_list_free(list);
  free(text);
  return 0;
}
