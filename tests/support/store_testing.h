/* What the tests of the store share: a folder that goes away, an entry, a count of fsck's lines. Include after
 * cmocka.h. */
#ifndef BESTFIT_TESTS_STORE_TESTING_H
#define BESTFIT_TESTS_STORE_TESTING_H

#include <bestfit/store.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int store_testing_remove(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st;
  (void)type;
  (void)ftw;
  return remove(path);
}

/* cmocka set-up and tear-down: *state is a new folder. */
static int make_folder(void **state) {
  const char *base = getenv("TMPDIR");
  char path[512];
  snprintf(path, sizeof path, "%s/bestfit-store-XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(path) == NULL) return -1;
  *state = strdup(path);
  return *state == NULL ? -1 : 0;
}

static int remove_folder(void **state) {
  nftw(*state, store_testing_remove, 16, FTW_DEPTH | FTW_PHYS);
  free(*state);
  return 0;
}

static bf_store *open_store(const char *folder) {
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.create = true;
  bf_store *store = NULL;
  bf_error err = {0};
  if (bf_store_open(folder, &options, &store, &err) != BF_OK) fail_msg("open %s: %s", folder, err.message);
  return store;
}

/* An entry whose model, card and sketch hold `content`. */
static bf_store_entry entry_of(const char *name, const char *content) {
  bf_store_entry entry = BF_STORE_ENTRY_INIT;
  entry.name = name;
  entry.model_bytes = (const uint8_t *)content;
  entry.model_n_bytes = strlen(content);
  entry.card = (const uint8_t *)content;
  entry.card_bytes = strlen(content);
  return entry;
}

static inline bf_status check_store(bf_store *store, bool gc, bf_fsck_report *report) {
  bf_error err = {0};
  bf_status status = bf_store_fsck(store, gc, NULL, NULL, report, &err);
  if (status != BF_OK) fail_msg("fsck: %s", err.message);
  return status;
}

#endif
