/* Damaged, foreign, newer and full repositories; what fsck says of them. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "store_testing.h"

/* All lines that fsck said, one after the other. */
typedef struct said {
  char text[4096];
} said;

static void hear(void *context, const char *severity, const char *line) {
  said *s = context;
  size_t n = strlen(s->text);
  snprintf(s->text + n, sizeof s->text - n, "%s: %s\n", severity, line);
}

static void check(bf_store *store, bool gc, bf_fsck_report *report, said *lines) {
  bf_error err;
  lines->text[0] = 0;
  if (bf_store_fsck(store, gc, hear, lines, report, &err) != BF_OK) fail_msg("fsck: %s", err.message);
}

static void add(bf_store *store, const char *name, const char *content) {
  bf_store_entry entry = entry_of(name, content);
  uint32_t version = 0;
  bf_error err;
  if (bf_store_add(store, &entry, &version, &err) != BF_OK) fail_msg("add: %s", err.message);
}

/* Path of the model's blob of a version. You own it. */
static char *model_path(bf_store *store, const char *which) {
  bf_store_list *list = NULL;
  char *path = NULL;
  assert_int_equal(bf_store_find(store, which, &list, NULL), BF_OK);
  assert_int_equal(bf_store_blob_path(store, bf_store_list_at(list, 0)->model_sha256, &path, NULL), BF_OK);
  bf_store_list_free(list);
  return path;
}

static void execute(const char *folder, const char *sql) {
  char path[600];
  sqlite3 *db = NULL;
  snprintf(path, sizeof path, "%s/bestfit.db", folder);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

static void overwrite(const char *path, const void *bytes, size_t n) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  fclose(file);
}

static void age(const char *path) {
  struct timespec old[2] = {{.tv_sec = time(NULL) - 7200}, {.tv_sec = time(NULL) - 7200}};
  assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

static void a_missing_blob_is_named_with_its_model_and_adding_again_brings_it_back(void **state) {
  bf_store *store = open_store(*state);
  bf_fsck_report report;
  said lines;
  bf_store_entry entry = entry_of("typefaces/lato", "the model");
  entry.card = (const uint8_t *)"card";
  entry.card_bytes = 4;
  uint32_t version = 0;
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_OK);
  char *path = model_path(store, "typefaces/lato");
  assert_int_equal(unlink(path), 0);
  check(store, false, &report, &lines);
  assert_int_equal(report.missing, 1);
  assert_int_equal(report.damaged, 0);
  assert_true(report.database_ok);
  assert_non_null(
      strstr(lines.text, " of typefaces/lato@1 (model) is missing: add the model again or restore it from a backup"));
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_ERR_EXISTS);
  check(store, false, &report, &lines);
  assert_int_equal(report.missing, 0);
  assert_string_equal(lines.text, "");
  free(path);
  bf_store_close(store);
}

static void a_damaged_blob_is_not_read_is_named_and_adding_again_heals_it(void **state) {
  bf_store *store = open_store(*state);
  bf_fsck_report report;
  said lines;
  bf_error err;
  add(store, "a/b", "good");
  char *path = model_path(store, "a/b");
  overwrite(path, "evil", 4); /* the same size */
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(store, "a/b", &list, NULL), BF_OK);
  uint8_t *bytes = NULL;
  size_t n = 0;
  const char *hash = bf_store_list_at(list, 0)->model_sha256;
  assert_int_equal(bf_store_read_blob(store, hash, &bytes, &n, &err), BF_ERR_CORRUPT);
  assert_null(bytes);
  assert_non_null(strstr(err.message, "fsck"));
  check(store, false, &report, &lines);
  assert_int_equal(report.damaged, 1); /* one blob, the model and the card of this entry */
  assert_non_null(strstr(lines.text, "a/b@1 (model) is damaged"));
  assert_non_null(strstr(lines.text, "a/b@1 (card) is damaged"));
  add(store, "c/d", "good");
  assert_int_equal(bf_store_read_blob(store, hash, &bytes, &n, &err), BF_OK);
  free(bytes);
  check(store, false, &report, &lines);
  assert_int_equal(report.damaged, 0);
  /* A link, even to the right bytes, is not followed. */
  char elsewhere[600];
  snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", (const char *)*state);
  overwrite(elsewhere, "good", 4);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(symlink(elsewhere, path), 0);
  assert_int_equal(bf_store_read_blob(store, hash, &bytes, &n, &err), BF_ERR_CORRUPT);
  free(path);
  bf_store_list_free(list);
  bf_store_close(store);
}

static void left_overs_are_told_and_freed_on_request(void **state) {
  bf_store *store = open_store(*state);
  bf_fsck_report report;
  said lines;
  uint32_t removed = 0;
  char young[600];
  char old[600];
  char foreign[600];
  snprintf(young, sizeof young, "%s/blobs/tmp/young", (const char *)*state);
  snprintf(old, sizeof old, "%s/blobs/tmp/old", (const char *)*state);
  snprintf(foreign, sizeof foreign, "%s/blobs/sha256/ab", (const char *)*state);
  mkdir(foreign, 0777);
  strcat(foreign, "/notes.txt");
  overwrite(young, "1", 1);
  overwrite(old, "2", 1);
  overwrite(foreign, "3", 1);
  age(old);
  add(store, "a/b", "shared");
  add(store, "a/b", "lonely");
  add(store, "c/d", "shared");
  assert_int_equal(bf_store_remove(store, "a/b", &removed, NULL), BF_OK);
  check(store, false, &report, &lines);
  assert_int_equal(report.models, 1);
  assert_int_equal(report.versions, 1);
  assert_int_equal(report.blobs, 2);
  assert_int_equal(report.bytes, 12);
  assert_int_equal(report.unreferenced, 1);
  assert_int_equal(report.temporary, 2);
  assert_non_null(strstr(lines.text, "notes.txt is not of this repository"));
  check(store, true, &report, &lines);
  assert_int_equal(report.unreferenced, 1);
  check(store, false, &report, &lines);
  assert_int_equal(report.unreferenced, 0);
  assert_int_equal(report.temporary, 1);
  assert_int_equal(report.blobs, 1);
  assert_int_equal(report.missing, 0);
  assert_int_equal(access(young, F_OK), 0);
  assert_int_equal(access(old, F_OK), -1);
  assert_int_equal(access(foreign, F_OK), 0);
  add(store, "a/b", "lonely"); /* comes back */
  check(store, false, &report, &lines);
  assert_int_equal(report.missing, 0);
  bf_store_close(store);
}

static void fsck_names_broken_references_and_frees_nothing_then(void **state) {
  bf_store *store = open_store(*state);
  bf_fsck_report report;
  said lines;
  uint32_t removed = 0;
  add(store, "a/b", "x");
  add(store, "c/d", "left over");
  assert_int_equal(bf_store_remove(store, "c/d", &removed, NULL), BF_OK);
  execute(*state, "PRAGMA foreign_keys = OFF; UPDATE versions SET model_sha256 = '../../etc/passwd'");
  check(store, true, &report, &lines);
  assert_false(report.database_ok);
  assert_non_null(strstr(lines.text, "table versions refers to one of blobs"));
  assert_non_null(strstr(lines.text, "a/b@1 (model) refers to a blob by a name that is no hash"));
  assert_non_null(strstr(lines.text, "nothing was freed"));
  bf_store_close(store);
  assert_int_equal(report.blobs, 2); /* of the removed one too */
}

static void a_database_that_is_no_database_is_refused_with_a_remedy(void **state) {
  char path[600];
  bf_store *store = open_store(*state);
  for (int i = 0; i < 40; ++i) {
    char name[32];
    snprintf(name, sizeof name, "owner/name-%d", i);
    add(store, name, name);
  }
  bf_store_close(store);
  snprintf(path, sizeof path, "%s/bestfit.db", (const char *)*state);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.create = true;
  bf_error err;
  /* Cut in half, to the last page, within the header, to nothing. */
  const off_t sizes[] = {st.st_size / 2 / 4096 * 4096, 4096, 50, 0};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    assert_int_equal(truncate(path, sizes[i]), 0);
    assert_int_equal(bf_store_open(*state, &options, &store, &err), BF_ERR_CORRUPT);
    assert_null(store);
    assert_non_null(strstr(err.message, "restore it from a backup"));
  }
  uint8_t noise[20000];
  uint32_t seed = 1;
  for (size_t i = 0; i < sizeof noise; ++i) noise[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
  overwrite(path, noise, sizeof noise);
  assert_int_equal(bf_store_open(*state, &options, &store, &err), BF_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "restore it from a backup"));
  unlink(path);
  execute(*state, "CREATE TABLE notes (text)");
  assert_int_equal(bf_store_open(*state, &options, &store, &err), BF_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "not a repository's database"));
}

/* Whatever bytes are wrong, calls answer with a status, and fsck with a line or with nothing wrong. */
static void bytes_overwritten_at_random_never_do_worse_than_an_error(void **state) {
  char path[600];
  bf_store *store = open_store(*state);
  for (int i = 0; i < 30; ++i) {
    char name[32];
    snprintf(name, sizeof name, "owner/name-%d", i);
    add(store, name, name);
  }
  bf_store_close(store);
  snprintf(path, sizeof path, "%s/bestfit.db", (const char *)*state);
  FILE *file = fopen(path, "rb");
  static uint8_t whole[1 << 18];
  uint8_t broken[sizeof whole];
  size_t n = fread(whole, 1, sizeof whole, file);
  fclose(file);
  uint32_t seed = 7;
  int refused = 0;
  int told = 0;
  for (int round = 0; round < 150; ++round) {
    memcpy(broken, whole, n);
    for (int i = 0; i < 40; ++i) {
      seed = seed * 1664525u + 1013904223u;
      size_t at = (size_t)(seed >> 4) % n;
      if (at < 100 && round % 4 != 0) continue;
      broken[at] = (uint8_t)(seed >> 11);
    }
    overwrite(path, broken, n);
    bf_store_options options = BF_STORE_OPTIONS_INIT;
    options.busy_timeout_ms = 100;
    bf_error err;
    if (bf_store_open(*state, &options, &store, &err) != BF_OK) {
      assert_true(err.code == BF_ERR_CORRUPT || err.code == BF_ERR_UNSUPPORTED || err.code == BF_ERR_IO ||
                  err.code == BF_ERR_NOT_FOUND);
      ++refused;
      continue;
    }
    bf_store_list *list = NULL;
    bf_fsck_report report = {0};
    uint32_t number = 0;
    bf_store_entry entry = entry_of("owner/name-3", "next");
    (void)!bf_store_find(store, NULL, &list, &err);
    bf_store_list_free(list);
    (void)!bf_store_find(store, "owner/name-7", &list, &err);
    bf_store_list_free(list);
    (void)!bf_store_add(store, &entry, &number, &err);
    if (bf_store_fsck(store, false, NULL, NULL, &report, &err) == BF_OK && !report.database_ok) ++told;
    bf_store_close(store);
  }
  assert_true(refused > 10);
  assert_true(told > 30);
  assert_true(refused + told > 120);
}

static void a_newer_schema_is_refused(void **state) {
  bf_store *store = open_store(*state);
  bf_error err;
  bf_store_close(store);
  execute(*state, "PRAGMA user_version = 999");
  assert_int_equal(bf_store_open(*state, NULL, &store, &err), BF_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "schema 999"));
}

static void a_repository_whose_making_was_cut_short_is_made_again(void **state) {
  char path[600];
  snprintf(path, sizeof path, "%s/bestfit.db", (const char *)*state);
  overwrite(path, "", 0);
  bf_store *store = NULL;
  bf_error err;
  assert_int_equal(bf_store_open(*state, NULL, &store, &err), BF_ERR_NOT_FOUND);
  store = open_store(*state);
  add(store, "a/b", "x");
  bf_store_close(store);
  assert_int_equal(bf_store_open(*state, NULL, &store, &err), BF_OK);
  bf_store_close(store);
}

/* ------------------------------------------------------------------ full disk */

static char big[300000];

/* Adds a small model, one that does not fit, and the small one again. 0: all as it must be; else the number of what was
 * not. */
static int add_with_little_space(const char *folder) {
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.create = true;
  bf_store *store = NULL;
  bf_error err;
  uint32_t version = 0;
  bf_fsck_report report;
  memset(big, 'x', sizeof big - 1);
  if (bf_store_open(folder, &options, &store, &err) != BF_OK) return 1;
  bf_store_entry entry = entry_of("a/small", "small");
  if (bf_store_add(store, &entry, &version, &err) != BF_OK) return 2;
  entry = entry_of("a/big", big);
  if (bf_store_add(store, &entry, &version, &err) != BF_ERR_NO_SPACE) return 3;
  if (strstr(err.message, "no space for the model: 299999 bytes are needed in ") == NULL) return 4;
  entry.model_n_bytes = 7; /* the model fits, the card does not: neither stays */
  if (bf_store_add(store, &entry, &version, &err) != BF_ERR_NO_SPACE) return 5;
  if (strstr(err.message, "no space for the card") == NULL) return 6;
  if (bf_store_fsck(store, false, NULL, NULL, &report, &err) != BF_OK) return 7;
  if (!report.database_ok || report.versions != 1 || report.missing + report.damaged > 0) return 8;
  if (report.unreferenced + report.temporary > 0) return 9;
  entry = entry_of("a/small", "small too");
  if (bf_store_add(store, &entry, &version, &err) != BF_OK || version != 2) return 10;
  bf_store_close(store);
  return 0;
}

static void a_limit_on_file_size_leaves_the_repository_as_it_was(void **state) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    struct rlimit limit = {290000, 290000};
    signal(SIGXFSZ, SIG_IGN);
    _exit(setrlimit(RLIMIT_FSIZE, &limit) == 0 ? add_with_little_space(*state) : 99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_full_disk_leaves_the_repository_as_it_was(void **state) {
  if (mount("tmpfs", *state, "tmpfs", 0, "size=400k") != 0) {
    print_message("skipped: mounting a small disk is not permitted here (%s)\n", strerror(errno));
    skip();
  }
  int result = add_with_little_space(*state);
  umount2(*state, MNT_DETACH);
  assert_int_equal(result, 0);
}

/* The database itself meets the end of the disk: some add fails, none is half there. */
static void a_database_that_cannot_grow_keeps_what_was_acknowledged(void **state) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    struct rlimit limit = {600000, 600000};
    signal(SIGXFSZ, SIG_IGN);
    bf_store *store = open_store(*state);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(99);
    uint32_t added = 0;
    bf_status status = BF_OK;
    bf_error err;
    static char summary[20001];
    memset(summary, 's', sizeof summary - 1);
    while (status == BF_OK && added < 200) {
      char name[32];
      uint32_t version = 0;
      snprintf(name, sizeof name, "a/m%u", added);
      bf_store_entry entry = entry_of(name, name);
      entry.summary = summary;
      status = bf_store_add(store, &entry, &version, &err);
      if (status == BF_OK) ++added;
    }
    bf_fsck_report report;
    if (status != BF_ERR_NO_SPACE) _exit(1);
    if (added < 3) _exit(2);
    if (bf_store_fsck(store, false, NULL, NULL, &report, &err) != BF_OK) _exit(3);
    if (!report.database_ok || report.versions != added || report.missing + report.unreferenced > 0) _exit(4);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(a_missing_blob_is_named_with_its_model_and_adding_again_brings_it_back),
      STORE_TEST(a_damaged_blob_is_not_read_is_named_and_adding_again_heals_it),
      STORE_TEST(left_overs_are_told_and_freed_on_request),
      STORE_TEST(fsck_names_broken_references_and_frees_nothing_then),
      STORE_TEST(a_database_that_is_no_database_is_refused_with_a_remedy),
      STORE_TEST(bytes_overwritten_at_random_never_do_worse_than_an_error),
      STORE_TEST(a_newer_schema_is_refused),
      STORE_TEST(a_repository_whose_making_was_cut_short_is_made_again),
      STORE_TEST(a_limit_on_file_size_leaves_the_repository_as_it_was),
      STORE_TEST(a_full_disk_leaves_the_repository_as_it_was),
      STORE_TEST(a_database_that_cannot_grow_keeps_what_was_acknowledged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
