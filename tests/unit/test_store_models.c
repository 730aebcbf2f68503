/* Adding, finding and removing models. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_testing.h"

static uint32_t add(bf_store *store, const char *name, const char *content) {
  bf_store_entry entry = entry_of(name, content);
  uint32_t version = 0;
  bf_error err = {0};
  if (bf_store_add(store, &entry, &version, &err) != BF_OK) fail_msg("add %s: %s", name, err.message);
  return version;
}

static int64_t query(const char *folder, const char *sql) {
  char path[600];
  sqlite3 *db = NULL;
  sqlite3_stmt *s = NULL;
  snprintf(path, sizeof path, "%s/bestfit.db", folder);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
  int64_t value = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
  sqlite3_finalize(s);
  sqlite3_close(db);
  return value;
}

static void a_folder_without_a_repository_is_not_found_and_stays_empty(void **state) {
  bf_store *store = NULL;
  bf_error err = {0};
  assert_int_equal(bf_store_open(*state, NULL, &store, &err), BF_ERR_NOT_FOUND);
  assert_null(store);
  assert_non_null(strstr(err.message, "bestfit add makes one; or give --repo DIR"));
  assert_int_equal(rmdir(*state), 0); /* nothing was made */
  assert_int_equal(bf_store_open(*state, NULL, &store, &err), BF_ERR_NOT_FOUND);
}

static void what_is_added_is_found_with_all_it_said(void **state) {
  bf_store *store = open_store(*state);
  const char *tags[] = {"onnx", "serif, latin", "onnx", " "};
  bf_store_entry entry = entry_of("typefaces/lato", "model");
  entry.card = (const uint8_t *)"the card";
  entry.card_bytes = 8;
  entry.sketch = (const uint8_t *)"sk\0tch";
  entry.sketch_bytes = 6;
  entry.kind = "image";
  entry.rows = 900;
  entry.domain = "lato";
  entry.task = "tagging";
  entry.summary = "It's \"quoted\"; DROP TABLE models";
  entry.license = "mit";
  entry.source_accuracy = 0.9944;
  entry.tags = tags;
  entry.n_tags = 4;
  uint32_t version = 0;
  bf_error err;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_OK);
  assert_int_equal(version, 1);
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(store, NULL, &list, &err), BF_OK);
  assert_int_equal(bf_store_list_count(list), 1);
  const bf_store_model *m = bf_store_list_at(list, 0);
  assert_string_equal(m->name, "typefaces/lato");
  assert_int_equal(m->version, 1);
  assert_string_equal(m->domain, "lato");
  assert_string_equal(m->task, "tagging");
  assert_string_equal(m->kind, "image");
  assert_string_equal(m->summary, entry.summary);
  assert_string_equal(m->license, "mit");
  assert_string_equal(m->tags, "onnx,serif,latin");
  assert_true(m->source_accuracy == 0.9944);
  assert_int_equal(m->rows, 900);
  assert_int_equal(m->model_bytes, 5);
  assert_string_equal(m->model_sha256, "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4");
  assert_int_equal(strlen(m->created), 20);
  uint8_t *bytes = NULL;
  size_t n = 0;
  for (int again = 0; again < 2; ++again) {
    assert_int_equal(bf_store_read_blob(store, m->sketch_sha256, &bytes, &n, &err), BF_OK);
    assert_int_equal(n, 6);
    assert_memory_equal(bytes, "sk\0tch", 6);
    free(bytes);
  }
  assert_int_equal(bf_store_read_blob(store, m->card_sha256, &bytes, &n, &err), BF_OK);
  assert_memory_equal(bytes, "the card", 8);
  free(bytes);
  assert_null(bf_store_list_at(list, 1));
  bf_store_list_free(list);
  bf_store_close(store);
}

static void a_model_without_a_sketch_or_words_has_defaults(void **state) {
  bf_store *store = open_store(*state);
  assert_int_equal(add(store, "a/b", "x"), 1);
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(store, "a/b@1", &list, NULL), BF_OK);
  const bf_store_model *m = bf_store_list_at(list, 0);
  assert_string_equal(m->domain, "a/b");
  assert_string_equal(m->task, "classification");
  assert_null(m->kind);
  assert_null(m->sketch_sha256);
  assert_string_equal(m->summary, "");
  assert_string_equal(m->license, "");
  assert_string_equal(m->tags, "");
  assert_true(isnan(m->source_accuracy));
  assert_int_equal(m->rows, 0);
  bf_store_list_free(list);
  bf_store_close(store);
}

static void versions_count_up_and_a_removed_number_never_comes_back(void **state) {
  bf_store *store = open_store(*state);
  uint32_t removed = 0;
  assert_int_equal(add(store, "a/b", "one"), 1);
  assert_int_equal(add(store, "a/b", "two"), 2);
  assert_int_equal(add(store, "a/b", "one"), 3); /* like an older version, not like the latest */
  assert_int_equal(bf_store_remove(store, "a/b@3", &removed, NULL), BF_OK);
  assert_int_equal(removed, 1);
  assert_int_equal(add(store, "a/b", "four"), 4);
  assert_int_equal(bf_store_remove(store, "a/b", &removed, NULL), BF_OK);
  assert_int_equal(removed, 3);
  bf_store_entry entry = entry_of("a/b", "five");
  entry.new_only = true; /* all versions are gone: the name is free */
  uint32_t version = 0;
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_OK);
  assert_int_equal(version, 5);
  bf_store_close(store);
  assert_int_equal(query(*state, "SELECT count(*) FROM audit WHERE action = 'add' AND name = 'a/b'"), 5);
  assert_int_equal(query(*state, "SELECT sum(version) FROM audit WHERE action = 'remove'"), 3 + 1 + 2 + 4);
}

static void the_very_same_model_card_and_sketch_is_refused_and_named(void **state) {
  bf_store *store = open_store(*state);
  bf_store_entry entry = entry_of("a/b", "same");
  uint32_t version = 0;
  bf_error err;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_OK);
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_EXISTS);
  assert_int_equal(version, 1);
  assert_non_null(strstr(err.message, "a/b@1"));
  entry.sketch = (const uint8_t *)"s";
  entry.sketch_bytes = 1;
  entry.kind = "features";
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_OK);
  assert_int_equal(version, 2);
  entry.card_bytes = 2;
  entry.new_only = true;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_EXISTS);
  assert_int_equal(version, 2);
  bf_fsck_report report;
  check_store(store, false, &report);
  assert_int_equal(report.versions, 2);
  assert_int_equal(report.unreferenced, 0); /* the refused card left nothing */
  assert_int_equal(report.temporary, 0);
  bf_store_close(store);
}

static void the_latest_of_each_model_is_listed_by_name(void **state) {
  bf_store *store = open_store(*state);
  add(store, "b/z", "1");
  add(store, "a/y", "1");
  add(store, "b/z", "2");
  add(store, "a/x", "1");
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(store, "", &list, NULL), BF_OK);
  assert_int_equal(bf_store_list_count(list), 3);
  assert_string_equal(bf_store_list_at(list, 0)->name, "a/x");
  assert_string_equal(bf_store_list_at(list, 1)->name, "a/y");
  assert_string_equal(bf_store_list_at(list, 2)->name, "b/z");
  assert_int_equal(bf_store_list_at(list, 2)->version, 2);
  bf_store_list_free(list);
  assert_int_equal(bf_store_find(store, "b/z", &list, NULL), BF_OK);
  assert_int_equal(bf_store_list_count(list), 2);
  assert_int_equal(bf_store_list_at(list, 0)->version, 1);
  bf_store_list_free(list);
  bf_store_close(store);
}

static void an_empty_repository_lists_nothing(void **state) {
  bf_store *store = open_store(*state);
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(store, NULL, &list, NULL), BF_OK);
  assert_int_equal(bf_store_list_count(list), 0);
  bf_store_list_free(list);
  bf_fsck_report report;
  check_store(store, true, &report);
  assert_true(report.database_ok);
  bf_store_close(store);
}

static void what_is_not_there_names_what_may_have_been_meant(void **state) {
  bf_store *store = open_store(*state);
  bf_store_list *list = NULL;
  bf_error err;
  uint32_t removed = 7;
  add(store, "typefaces/lato", "1");
  add(store, "typefaces/lobster-two", "1");
  add(store, "digits/mnist", "1");
  static const char *const near[] = {"lato", "typefaces/loto", "TYPEFACES/LATO", "typeface/lato"};
  for (size_t i = 0; i < sizeof near / sizeof *near; ++i) {
    assert_int_equal(bf_store_find(store, near[i], &list, &err), BF_ERR_NOT_FOUND);
    assert_null(list);
    assert_non_null(strstr(err.message, "did you mean typefaces/lato"));
    assert_null(strstr(err.message, "digits/mnist"));
  }
  assert_int_equal(bf_store_find(store, "quite/else", &list, &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "bestfit ls lists all"));
  assert_int_equal(bf_store_find(store, "typefaces/lato@4", &list, &err), BF_ERR_NOT_FOUND);
  assert_string_equal(err.message, "typefaces/lato has no version 4; the latest is 1");
  assert_int_equal(bf_store_remove(store, "typefaces/loto", &removed, &err), BF_ERR_NOT_FOUND);
  assert_int_equal(removed, 0);
  static const char *const wrong[] = {"a/b@", "a/b@0", "a/b@x y", "a/b@-1", "a/b@4294967296", "a/b@1x"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    assert_int_equal(bf_store_find(store, wrong[i], &list, &err), BF_ERR_INVALID_ARGUMENT);
  char lengthy[5000];
  memset(lengthy, 'a', sizeof lengthy);
  lengthy[sizeof lengthy - 1] = 0;
  assert_int_equal(bf_store_find(store, lengthy, &list, &err), BF_ERR_NOT_FOUND);
  bf_store_close(store);
}

static void entries_that_make_no_sense_are_refused_before_anything_is_written(void **state) {
  bf_store *store = open_store(*state);
  uint32_t version = 9;
  bf_error err;
  static const char *const names[] = {"lato",  "/lato", "a/",    "a/b/c",      "a/..", "./b",
                                      "a b/c", "-a/b",  "a/b@1", "a/\xC3\xA4", "",     "a/b\n"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    bf_store_entry entry = entry_of(names[i], "x");
    assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
    assert_int_equal(version, 0);
  }
  char part[99];
  memset(part, 'a', 98);
  memcpy(part, "o/", 2);
  part[98] = 0;
  bf_store_entry entry = entry_of(part, "x");
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_OK); /* 96 letters */
  char longer[100];
  snprintf(longer, sizeof longer, "%sa", part);
  entry.name = longer;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  entry = entry_of("a/b", "x");
  entry.card = NULL;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  entry = entry_of("a/b", "x");
  entry.model_bytes = NULL;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  entry = entry_of("a/b", "x");
  entry.sketch = entry.card; /* of no kind */
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  entry = entry_of("a/b", "x");
  entry.model_path = "/nowhere/model.onnx";
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "/nowhere/model.onnx"));
  entry.model_path = *state; /* a folder */
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  bf_store_entry raw;
  memset(&raw, 0, sizeof raw);
  assert_int_equal(bf_store_add(store, &raw, &version, &err), BF_ERR_INVALID_ARGUMENT);
  bf_fsck_report report;
  check_store(store, false, &report);
  assert_int_equal(report.versions, 1);
  assert_int_equal(report.temporary + report.unreferenced, 0);
  bf_store_close(store);
}

static void a_model_is_copied_from_its_file_and_equal_files_are_kept_once(void **state) {
  bf_store *store = open_store(*state);
  char path[600];
  snprintf(path, sizeof path, "%s/model.onnx", (const char *)*state);
  enum { BYTES = 700001 }; /* more than one buffer */
  uint8_t *bytes = malloc(BYTES);
  for (size_t i = 0; i < BYTES; ++i) bytes[i] = (uint8_t)(i * 2654435761u >> 13);
  FILE *file = fopen(path, "wb");
  assert_int_equal(fwrite(bytes, 1, BYTES, file), BYTES);
  fclose(file);
  uint32_t version = 0;
  for (int i = 0; i < 2; ++i) {
    bf_store_entry entry = entry_of(i == 0 ? "a/b" : "c/d", "card");
    entry.model_bytes = NULL;
    entry.model_path = path;
    assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_OK);
  }
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(store, "c/d", &list, NULL), BF_OK);
  const bf_store_model *m = bf_store_list_at(list, 0);
  assert_int_equal(m->model_bytes, BYTES);
  uint8_t *back = NULL;
  size_t n = 0;
  assert_int_equal(bf_store_read_blob(store, m->model_sha256, &back, &n, NULL), BF_OK);
  assert_int_equal(n, BYTES);
  assert_memory_equal(back, bytes, BYTES);
  char *blob = NULL;
  assert_int_equal(bf_store_blob_path(store, m->model_sha256, &blob, NULL), BF_OK);
  assert_int_equal(access(blob, R_OK), 0);
  bf_fsck_report report;
  check_store(store, false, &report);
  assert_int_equal(report.blobs, 2); /* one model, one card */
  assert_int_equal(report.bytes, BYTES + 4);
  free(blob);
  free(back);
  free(bytes);
  bf_store_list_free(list);
  bf_store_close(store);
}

static void only_a_hash_becomes_a_path(void **state) {
  bf_store *store = open_store(*state);
  uint8_t *bytes = NULL;
  char *path = NULL;
  size_t n = 0;
  bf_error err;
  static const char *const wrong[] = {"",
                                      "../../etc/passwd",
                                      "ab",
                                      "9372C470EEADD5ECD9C3C74C2B3CB633F8E2F2FAD799250A0F70D652B6B825E4",
                                      "../2c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4",
                                      "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e45"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    assert_int_equal(bf_store_read_blob(store, wrong[i], &bytes, &n, &err), BF_ERR_INVALID_ARGUMENT);
    assert_int_equal(bf_store_blob_path(store, wrong[i], &path, &err), BF_ERR_INVALID_ARGUMENT);
  }
  assert_int_equal(bf_store_read_blob(store, NULL, &bytes, &n, &err), BF_ERR_INVALID_ARGUMENT);
  static const char absent[] = "0000c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4";
  assert_int_equal(bf_store_read_blob(store, absent, &bytes, &n, &err), BF_ERR_NOT_FOUND);
  assert_null(bytes);
  bf_store_close(store);
}

static void a_reading_handle_reads_and_does_not_write(void **state) {
  bf_store *store = open_store(*state);
  add(store, "a/b", "x");
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.read_only = true;
  options.create = true;
  bf_store *reader = NULL;
  assert_int_equal(bf_store_open(*state, &options, &reader, NULL), BF_OK);
  add(store, "a/b", "y");
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(reader, "a/b", &list, NULL), BF_OK);
  assert_int_equal(bf_store_list_count(list), 2);
  bf_store_list_free(list);
  bf_store_entry entry = entry_of("a/b", "z");
  uint32_t n = 0;
  bf_fsck_report report;
  assert_int_equal(bf_store_add(reader, &entry, &n, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_store_remove(reader, "a/b", &n, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_store_fsck(reader, true, NULL, NULL, &report, NULL), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_store_fsck(reader, false, NULL, NULL, &report, NULL), BF_OK);
  assert_int_equal(report.versions, 2);
  bf_store_close(reader);
  bf_store_close(store);
}

static void a_repository_that_one_may_not_write_can_still_be_read(void **state) {
  if (geteuid() != 0) {
    print_message("skipped: taking another user's place needs root\n");
    skip();
  }
  char folder[600];
  snprintf(folder, sizeof folder, "%s/odd %%41?#name", (const char *)*state);
  bf_store *store = open_store(folder);
  add(store, "a/b", "x");
  bf_store_close(store);
  assert_int_equal(chmod(*state, 0755), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    bf_store_options options = BF_STORE_OPTIONS_INIT;
    bf_store_list *list = NULL;
    bf_fsck_report report;
    bf_error err;
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(99);
    if (bf_store_open(folder, &options, &store, &err) == BF_OK) {
      uint32_t version = 0;
      bf_store_entry entry = entry_of("a/b", "y");
      if (bf_store_add(store, &entry, &version, &err) != BF_ERR_IO) _exit(1);
      bf_store_close(store);
    } else if (err.code != BF_ERR_IO) {
      _exit(2);
    }
    options.read_only = true;
    if (bf_store_open(folder, &options, &store, &err) != BF_OK) _exit(3);
    if (bf_store_find(store, "a/b", &list, &err) != BF_OK || bf_store_list_count(list) != 1) _exit(4);
    if (bf_store_fsck(store, false, NULL, NULL, &report, &err) != BF_OK || !report.database_ok) _exit(5);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_version_that_an_alias_points_to_stays(void **state) {
  bf_store *store = open_store(*state);
  add(store, "a/b", "x");
  assert_int_equal(query(*state, "INSERT INTO aliases SELECT model_id, 'production', id FROM versions"), -1);
  uint32_t removed = 0;
  bf_error err;
  assert_int_equal(bf_store_remove(store, "a/b@1", &removed, &err), BF_ERR_EXISTS);
  assert_int_equal(removed, 0);
  assert_int_equal(query(*state, "SELECT count(*) FROM audit WHERE action = 'remove'"), 0);
  bf_store_close(store);
}

/* ------------------------------------------------------------------ several processes */

/* Runs fn in `n` processes that start together; the sum of what they return. */
static int in_processes(int n, int (*fn)(const char *folder, int number), const char *folder) {
  int gate[2];
  int sum = 0;
  assert_int_equal(pipe(gate), 0);
  for (int i = 0; i < n; ++i) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) continue;
    char byte;
    close(gate[1]);
    (void)!read(gate[0], &byte, 1); /* until all are here */
    _exit(fn(folder, i));
  }
  close(gate[0]);
  close(gate[1]);
  for (int i = 0; i < n; ++i) {
    int status = 0;
    wait(&status);
    sum += WIFEXITED(status) ? WEXITSTATUS(status) : 100;
  }
  return sum;
}

/* Returns the version, or 50 where the name exists, or 100. Opens (and makes) the repository itself. */
static int child_add(const char *folder, int number, bool new_only) {
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.create = true;
  bf_store *store = NULL;
  bf_error err;
  char content[32];
  uint32_t version = 0;
  snprintf(content, sizeof content, "content %d", number);
  if (bf_store_open(folder, &options, &store, &err) != BF_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 100;
  }
  bf_store_entry entry = entry_of("one/name", content);
  entry.new_only = new_only;
  bf_status status = bf_store_add(store, &entry, &version, &err);
  bf_store_close(store);
  if (status == BF_ERR_EXISTS) return 50;
  if (status != BF_OK) fprintf(stderr, "%s\n", err.message);
  return status == BF_OK ? (int)version : 100;
}
static int child_add_next(const char *folder, int number) {
  return child_add(folder, number, false);
}
static int child_add_new(const char *folder, int number) {
  return child_add(folder, number, true);
}

static void processes_that_make_a_repository_and_add_one_name_at_once_all_succeed(void **state) {
  for (int round = 0; round < 5; ++round) {
    char folder[600];
    snprintf(folder, sizeof folder, "%s/deep/round-%d", (const char *)*state, round);
    assert_int_equal(in_processes(4, child_add_next, folder), 1 + 2 + 3 + 4);
    bf_store *store = open_store(folder);
    bf_fsck_report report;
    check_store(store, false, &report);
    assert_int_equal(report.versions, 4);
    assert_int_equal(report.missing + report.damaged + report.unreferenced + report.temporary, 0);
    bf_store_close(store);
  }
}

static void of_two_processes_that_add_a_new_name_one_is_told_that_it_exists(void **state) {
  for (int round = 0; round < 5; ++round) {
    char folder[600];
    snprintf(folder, sizeof folder, "%s/round-%d", (const char *)*state, round);
    assert_int_equal(in_processes(2, child_add_new, folder), 1 + 50);
    bf_store *store = open_store(folder);
    bf_fsck_report report;
    check_store(store, false, &report);
    assert_int_equal(report.versions, 1);
    assert_int_equal(report.unreferenced, 0); /* the loser cleaned up */
    bf_store_close(store);
  }
}

/* Number 0 adds the same bytes over and over, looks whether they are there, and removes them; number 1 collects. */
static int child_add_or_collect(const char *folder, int number) {
  bf_store *store = open_store(folder);
  static uint8_t bytes[200000];
  for (int i = 0; i < 150; ++i) {
    bf_fsck_report report;
    if (number == 1) {
      if (bf_store_fsck(store, true, NULL, NULL, &report, NULL) != BF_OK) return 100;
      continue;
    }
    bf_store_entry entry = entry_of("a/b", "card");
    uint32_t n = 0;
    bf_store_list *list = NULL;
    uint8_t *back = NULL;
    size_t n_back = 0;
    entry.model_bytes = bytes;
    entry.model_n_bytes = sizeof bytes;
    if (bf_store_add(store, &entry, &n, NULL) != BF_OK || bf_store_find(store, "a/b", &list, NULL) != BF_OK) return 50;
    const bf_store_model *m = bf_store_list_at(list, 0);
    if (bf_store_read_blob(store, m->card_sha256, &back, &n_back, NULL) != BF_OK) return 20;
    free(back);
    if (bf_store_read_blob(store, m->model_sha256, &back, &n_back, NULL) != BF_OK) return 30;
    free(back);
    bf_store_list_free(list);
    if (bf_store_remove(store, "a/b", &n, NULL) != BF_OK) return 40;
  }
  bf_store_close(store);
  return 0;
}

static void what_is_being_added_is_never_collected(void **state) {
  bf_store_close(open_store(*state));
  assert_int_equal(in_processes(2, child_add_or_collect, *state), 0);
}

static void a_writer_gives_up_on_a_locked_repository_and_leaves_nothing(void **state) {
  bf_store *store = open_store(*state);
  add(store, "a/b", "x");
  char path[600];
  sqlite3 *db = NULL;
  snprintf(path, sizeof path, "%s/bestfit.db", (const char *)*state);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.busy_timeout_ms = 50;
  bf_store *hasty = NULL;
  assert_int_equal(bf_store_open(*state, &options, &hasty, NULL), BF_OK);
  uint32_t version = 0;
  bf_error err;
  bf_store_entry entry = entry_of("a/b", "y");
  assert_int_equal(bf_store_add(hasty, &entry, &version, &err), BF_ERR_BUSY);
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(hasty, "a/b", &list, &err), BF_OK); /* readers go on */
  bf_store_list_free(list);
  sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close(db);
  assert_int_equal(bf_store_add(hasty, &entry, &version, &err), BF_OK);
  assert_int_equal(version, 2);
  bf_store_close(hasty);
  bf_store_close(store);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(a_folder_without_a_repository_is_not_found_and_stays_empty),
      STORE_TEST(what_is_added_is_found_with_all_it_said),
      STORE_TEST(a_model_without_a_sketch_or_words_has_defaults),
      STORE_TEST(versions_count_up_and_a_removed_number_never_comes_back),
      STORE_TEST(the_very_same_model_card_and_sketch_is_refused_and_named),
      STORE_TEST(the_latest_of_each_model_is_listed_by_name),
      STORE_TEST(an_empty_repository_lists_nothing),
      STORE_TEST(what_is_not_there_names_what_may_have_been_meant),
      STORE_TEST(entries_that_make_no_sense_are_refused_before_anything_is_written),
      STORE_TEST(a_model_is_copied_from_its_file_and_equal_files_are_kept_once),
      STORE_TEST(only_a_hash_becomes_a_path),
      STORE_TEST(a_reading_handle_reads_and_does_not_write),
      STORE_TEST(a_repository_that_one_may_not_write_can_still_be_read),
      STORE_TEST(a_version_that_an_alias_points_to_stays),
      STORE_TEST(processes_that_make_a_repository_and_add_one_name_at_once_all_succeed),
      STORE_TEST(of_two_processes_that_add_a_new_name_one_is_told_that_it_exists),
      STORE_TEST(what_is_being_added_is_never_collected),
      STORE_TEST(a_writer_gives_up_on_a_locked_repository_and_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
