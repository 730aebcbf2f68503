/* What models are run with and learnt from: files, calibration, kept validation rows, experience. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <math.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store_testing.h"

static const bf_store_file FILES[] = {
    {.name = "weights.bin", .bytes = (const uint8_t *)"we\0ights", .n_bytes = 8},
    {.name = "a/b-1/vocab_x.txt", .bytes = (const uint8_t *)"", .n_bytes = 0},
};

static bf_store_entry full_entry(const char *name, const char *content) {
  bf_store_entry entry = entry_of(name, content);
  entry.files = FILES;
  entry.n_files = 2;
  entry.calibration = "{\"accuracy\": 0.75}";
  entry.validation = (const uint8_t *)"rows\0kept";
  entry.validation_bytes = 9;
  return entry;
}

static uint32_t must_add(bf_store *store, const bf_store_entry *entry) {
  uint32_t version = 0;
  bf_error err = {0};
  if (bf_store_add(store, entry, &version, &err) != BF_OK) fail_msg("add %s: %s", entry->name, err.message);
  return version;
}

static uint32_t add_plain(bf_store *store, const char *name) {
  bf_store_entry entry = entry_of(name, name);
  return must_add(store, &entry);
}

static void execute(const char *folder, const char *sql) {
  char path[600];
  sqlite3 *db = NULL;
  snprintf(path, sizeof path, "%s/bestfit.db", folder);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

static void assert_blob(bf_store *store, const char *sha256, const char *bytes, size_t n) {
  uint8_t *found = NULL;
  size_t n_found = 0;
  assert_non_null(sha256);
  assert_int_equal(bf_store_read_blob(store, sha256, &found, &n_found, NULL), BF_OK);
  assert_int_equal(n_found, n);
  assert_memory_equal(found, bytes, n);
  free(found);
}

static bf_fsck_report clean(bf_store *store, bool gc) {
  bf_fsck_report report;
  check_store(store, gc, &report);
  assert_true(report.database_ok && report.index_ok);
  assert_int_equal(report.missing + report.damaged + report.temporary, 0);
  return report;
}

/* ------------------------------------------------------------------ parts of a version */

static void what_was_added_with_a_model_is_listed_and_read(void **state) {
  bf_store *store = open_store(*state);
  bf_store_list *list = NULL;
  bf_store_entry entry = full_entry("lab/gait", "model");
  assert_int_equal(must_add(store, &entry), 1);
  add_plain(store, "lab/plain");
  assert_int_equal(bf_store_find(store, NULL, &list, NULL), BF_OK);
  const bf_store_model *m = bf_store_list_at(list, 0);
  assert_int_equal(m->n_files, 2);
  assert_string_equal(m->files[0].name, "a/b-1/vocab_x.txt"); /* by name */
  assert_int_equal(m->files[0].n_bytes, 0);
  assert_null(m->files[0].bytes);
  assert_string_equal(m->files[1].name, "weights.bin");
  assert_int_equal(m->files[1].n_bytes, 8);
  assert_blob(store, m->files[0].sha256, "", 0);
  assert_blob(store, m->files[1].sha256, "we\0ights", 8);
  assert_string_equal(m->calibration, "{\"accuracy\": 0.75}");
  assert_blob(store, m->validation_sha256, "rows\0kept", 9);
  m = bf_store_list_at(list, 1);
  assert_int_equal(m->n_files, 0);
  assert_null(m->files);
  assert_null(m->calibration);
  assert_null(m->validation_sha256);
  bf_store_list_free(list);
  bf_fsck_report report = clean(store, true);
  assert_int_equal(report.blobs, 2 + 3); /* model and card are one each; gc frees none that is in use */
  assert_int_equal(report.unreferenced, 0);
  clean(store, false);
  bf_store_close(store);
}

static void names_of_files_that_leave_the_folder_are_refused(void **state) {
  bf_store *store = open_store(*state);
  char long_name[300];
  memset(long_name, 'a', 299);
  long_name[299] = 0;
  const char *const bad[] = {"",     "/etc/passwd", "..",    "../x",  "a/../b", "a/..", ".",
                             "a//b", "a/",          "./x",   "a/./b", "a b",    "a\\b", "\xC3\xA4",
                             "a\n",  "a,b",         "C:\\x", NULL,    long_name};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    bf_store_file file = {.name = bad[i], .bytes = (const uint8_t *)"x", .n_bytes = 1};
    bf_store_entry entry = entry_of("lab/gait", "model");
    uint32_t version = 9;
    bf_error err = {0};
    entry.files = &file;
    entry.n_files = 1;
    if (bf_store_add(store, &entry, &version, &err) != BF_ERR_INVALID_ARGUMENT)
      fail_msg("name \"%s\" was accepted", bad[i] != NULL ? bad[i] : "(null)");
    assert_int_equal(version, 0);
  }
  long_name[255] = 0;
  const char *const good[] = {"a", "..a", "a..", "...", "-x", "a/b/c.d", long_name};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
    bf_store_file file = {.name = good[i], .bytes = (const uint8_t *)"x", .n_bytes = 1};
    bf_store_entry entry = entry_of("lab/good", good[i]);
    entry.files = &file;
    entry.n_files = 1;
    must_add(store, &entry);
  }
  clean(store, false);
  bf_store_close(store);
}

static void files_that_are_none_or_given_twice_are_refused(void **state) {
  bf_store *store = open_store(*state);
  bf_store_file files[] = {FILES[0], FILES[1], FILES[0]};
  bf_store_entry entry = entry_of("lab/gait", "model");
  uint32_t version = 0;
  bf_error err;
  entry.files = files;
  entry.n_files = 3;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  assert_non_null(strstr(err.message, "weights.bin is given twice"));
  files[2] = (bf_store_file){.name = "x"};
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  entry.files = NULL;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  entry.n_files = 0;
  entry.calibration = "\xFF";
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  entry.calibration = NULL;
  entry.validation_bytes = 4;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  bf_fsck_report report = clean(store, false);
  assert_int_equal(report.versions + report.blobs, 0);
  bf_store_close(store);
}

static void the_very_same_is_refused_and_any_other_part_makes_a_version(void **state) {
  bf_store *store = open_store(*state);
  bf_store_entry entry = full_entry("lab/gait", "model");
  uint32_t version = 0;
  assert_int_equal(must_add(store, &entry), 1);
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_ERR_EXISTS);
  assert_int_equal(version, 1);
  const bf_store_file turned[] = {FILES[1], FILES[0]}; /* order is no difference */
  entry.files = turned;
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_ERR_EXISTS);
  entry.calibration = NULL; /* what is not given does not differ */
  entry.validation = NULL;
  entry.validation_bytes = 0;
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_ERR_EXISTS);
  entry.n_files = 1;
  assert_int_equal(must_add(store, &entry), 2);
  bf_store_file other = FILES[1];
  other.bytes = (const uint8_t *)"other";
  other.n_bytes = 5;
  entry.files = &other;
  assert_int_equal(must_add(store, &entry), 3);
  other.name = "renamed";
  assert_int_equal(must_add(store, &entry), 4);
  entry.calibration = "{}";
  assert_int_equal(must_add(store, &entry), 5);
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_ERR_EXISTS);
  entry.validation = (const uint8_t *)"v";
  entry.validation_bytes = 1;
  assert_int_equal(must_add(store, &entry), 6);
  clean(store, false);
  bf_store_close(store);
}

static void removed_files_are_freed_but_not_those_that_another_has(void **state) {
  bf_store *store = open_store(*state);
  bf_store_entry entry = full_entry("lab/gait", "model");
  bf_store_list *list = NULL;
  uint32_t n = 0;
  must_add(store, &entry);
  entry = entry_of("lab/other", "other");
  entry.files = FILES;
  entry.n_files = 1;
  must_add(store, &entry);
  assert_int_equal(bf_store_remove(store, "lab/gait", &n, NULL), BF_OK);
  bf_fsck_report report = clean(store, true);
  assert_int_equal(report.unreferenced, 3); /* model and card in one, the empty file, the validation sample */
  report = clean(store, false);
  assert_int_equal(report.blobs, 2);
  assert_int_equal(bf_store_find(store, "lab/other", &list, NULL), BF_OK);
  assert_blob(store, bf_store_list_at(list, 0)->files[0].sha256, "we\0ights", 8);
  bf_store_list_free(list);
  bf_store_close(store);
}

static void hear(void *context, const char *severity, const char *line) {
  char *all = context;
  snprintf(all + strlen(all), 2000 - strlen(all), "%s %s\n", severity, line);
}

static void a_file_that_is_missing_or_damaged_is_told_by_its_role(void **state) {
  bf_store *store = open_store(*state);
  bf_store_entry entry = full_entry("lab/gait", "model");
  bf_store_experience self = {.n_items = 1, .accuracy = 1, .macro_f1 = 1, .outputs = (const uint8_t *)"o", 1, NULL};
  bf_store_list *list = NULL;
  bf_store_experience_list *experience = NULL;
  bf_fsck_report report;
  char *path = NULL;
  static char told[2000];
  entry.experience = &self;
  entry.n_experience = 1;
  must_add(store, &entry);
  assert_int_equal(bf_store_find(store, "lab/gait", &list, NULL), BF_OK);
  assert_int_equal(bf_store_read_experience(store, &experience, NULL), BF_OK);
  const bf_store_model *m = bf_store_list_at(list, 0);
  const char *const hashes[] = {m->files[1].sha256, m->validation_sha256,
                                bf_store_experience_at(experience, 0)->outputs_sha256};
  for (size_t i = 0; i < 3; ++i) {
    assert_int_equal(bf_store_blob_path(store, hashes[i], &path, NULL), BF_OK);
    assert_int_equal(unlink(path), 0);
    if (i == 0) assert_int_equal(bf__file_write_atomic(path, "other!!!", 8, NULL), BF_OK);
    free(path);
  }
  assert_int_equal(bf_store_fsck(store, false, hear, told, &report, NULL), BF_OK);
  assert_int_equal(report.missing, 2);
  assert_int_equal(report.damaged, 1);
  assert_true(report.database_ok);
  assert_non_null(strstr(told, "lab/gait@1 (file) is damaged"));
  assert_non_null(strstr(told, "lab/gait@1 (validation) is missing"));
  assert_non_null(strstr(told, "lab/gait@1 (experience) is missing"));
  uint32_t version = 0;
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_ERR_EXISTS); /* puts them back all the same */
  clean(store, false);
  bf_store_list_free(list);
  bf_store_experience_free(experience);
  bf_store_close(store);
}

static void rows_that_none_may_have_are_told(void **state) {
  static const char *const damages[] = {
      "UPDATE files SET name = '../../x' WHERE name = 'weights.bin'",
      "UPDATE files SET name = '/x' WHERE name = 'weights.bin'",
      "UPDATE files SET name = 'a b' WHERE name = 'weights.bin'",
      "INSERT INTO experience VALUES (1, 1, 3, 1.5, NULL, NULL)",
      "INSERT INTO experience VALUES (1, 1, 3, NULL, 'x', NULL)",
      "INSERT INTO experience VALUES (1, 77, 3, 0.5, 0.5, NULL)",
      "UPDATE validations SET sha256 = 'ab'",
  };
  bf_store *store = open_store(*state);
  bf_store_entry entry = full_entry("lab/gait", "model");
  must_add(store, &entry);
  bf_store_close(store);
  for (size_t i = 0; i < sizeof damages / sizeof *damages; ++i) {
    char sql[600];
    bf_fsck_report report;
    snprintf(sql, sizeof sql,
             "PRAGMA foreign_keys = OFF; SAVEPOINT s; DELETE FROM experience; UPDATE files SET name = 'weights.bin'"
             " WHERE name NOT LIKE '%%vocab%%'; %s; RELEASE s",
             damages[i]);
    execute(*state, sql);
    store = open_store(*state);
    check_store(store, false, &report);
    if (report.database_ok) fail_msg("not told: %s", damages[i]);
    bf_store_close(store);
  }
}

/* ------------------------------------------------------------------ experience */

static void experience_is_kept_replaced_and_goes_with_either_side(void **state) {
  bf_store *store = open_store(*state);
  bf_store_experience_list *list = NULL;
  add_plain(store, "lab/a");
  add_plain(store, "lab/b");
  bf_store_experience rows[] = {
      {"lab/b", 1, "lab/a", 1, 100, 0.5, 0.25, (const uint8_t *)"one", 3, NULL},
      {"lab/a", 1, "lab/a", 1, 100, 0.75, NAN, NULL, 0, NULL},
  };
  assert_int_equal(bf_store_add_experience(store, rows, 2, NULL), BF_OK);
  bf_store_entry entry = entry_of("lab/c", "c");
  bf_store_experience with[] = {
      {NULL, 0, NULL, 0, 50, 1, 1, (const uint8_t *)"own", 3, NULL},
      {NULL, 0, "lab/b", 1, 51, 0, 0, NULL, 0, NULL},
      {"lab/a", 1, NULL, 0, 52, 0.125, 0.5, (const uint8_t *)"one", 3, NULL},
  };
  entry.experience = with;
  entry.n_experience = 3;
  must_add(store, &entry);
  assert_int_equal(bf_store_read_experience(store, &list, NULL), BF_OK);
  assert_int_equal(bf_store_experience_count(list), 5);
  static const char *const order[5][2] = {
      {"lab/a", "lab/a"}, {"lab/a", "lab/b"}, {"lab/b", "lab/c"}, {"lab/c", "lab/a"}, {"lab/c", "lab/c"}};
  for (size_t i = 0; i < 5; ++i) {
    assert_string_equal(bf_store_experience_at(list, i)->domain_model, order[i][0]);
    assert_string_equal(bf_store_experience_at(list, i)->model, order[i][1]);
    assert_int_equal(bf_store_experience_at(list, i)->version, 1);
    assert_int_equal(bf_store_experience_at(list, i)->domain_version, 1);
  }
  const bf_store_experience *own = bf_store_experience_at(list, 0);
  assert_true(own->accuracy == 0.75 && isnan(own->macro_f1) && own->outputs_sha256 == NULL);
  const bf_store_experience *other = bf_store_experience_at(list, 1);
  assert_true(other->accuracy == 0.5 && other->macro_f1 == 0.25 && other->n_items == 100 && other->outputs_bytes == 3);
  assert_blob(store, other->outputs_sha256, "one", 3);
  assert_null(bf_store_experience_at(list, 5));
  bf_store_experience_free(list);
  rows[0].accuracy = 0.625; /* the same pair again: in its place */
  rows[0].outputs = NULL;
  rows[0].outputs_bytes = 0;
  assert_int_equal(bf_store_add_experience(store, rows, 1, NULL), BF_OK);
  assert_int_equal(bf_store_read_experience(store, &list, NULL), BF_OK);
  assert_int_equal(bf_store_experience_count(list), 5);
  assert_true(bf_store_experience_at(list, 1)->accuracy == 0.625);
  assert_null(bf_store_experience_at(list, 1)->outputs_sha256);
  bf_store_experience_free(list);
  uint32_t n = 0;
  assert_int_equal(bf_store_remove(store, "lab/a", &n, NULL), BF_OK);
  assert_int_equal(bf_store_read_experience(store, &list, NULL), BF_OK);
  assert_int_equal(bf_store_experience_count(list), 2); /* c on b, c on c */
  bf_store_experience_free(list);
  bf_fsck_report report = clean(store, true);
  assert_int_equal(report.unreferenced, 2); /* the model of lab/a, outputs "one" */
  assert_int_equal(bf_store_remove(store, "lab/c", &n, NULL), BF_OK);
  assert_int_equal(bf_store_read_experience(store, &list, NULL), BF_OK);
  assert_int_equal(bf_store_experience_count(list), 0);
  bf_store_experience_free(list);
  bf_store_close(store);
}

static void experience_of_what_is_not_there_is_refused_and_nothing_is_left(void **state) {
  bf_store *store = open_store(*state);
  bf_error err;
  uint32_t version = 0;
  add_plain(store, "lab/a");
  bf_store_experience rows[] = {
      {"lab/a", 1, "lab/a", 1, 100, 0.5, 0.25, (const uint8_t *)"one", 3, NULL},
      {"lab/a", 2, "lab/a", 1, 100, 0.75, 0.5, (const uint8_t *)"two", 3, NULL},
  };
  assert_int_equal(bf_store_add_experience(store, rows, 2, &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "lab/a has no version 2"));
  rows[1].model = "lab/nobody";
  assert_int_equal(bf_store_add_experience(store, rows, 2, &err), BF_ERR_NOT_FOUND);
  bf_store_entry entry = entry_of("lab/new", "new");
  bf_store_experience with = {NULL, 0, "lab/gone", 1, 1, 0.5, 0.5, (const uint8_t *)"three", 5, NULL};
  entry.experience = &with;
  entry.n_experience = 1;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_NOT_FOUND);
  assert_int_equal(version, 0);
  static const double bad[] = {-0.1, 1.1, INFINITY};
  for (size_t i = 0; i < 3; ++i) {
    rows[0].accuracy = bad[i];
    assert_int_equal(bf_store_add_experience(store, rows, 1, &err), BF_ERR_INVALID_ARGUMENT);
  }
  rows[0].accuracy = 0.5;
  rows[0].version = 0;
  assert_int_equal(bf_store_add_experience(store, rows, 1, &err), BF_ERR_INVALID_ARGUMENT);
  rows[0].model = NULL;
  assert_int_equal(bf_store_add_experience(store, rows, 1, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_store_add_experience(store, NULL, 1, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(bf_store_add_experience(store, NULL, 0, &err), BF_OK);
  with.model = with.domain_model;
  with.version = 1;
  assert_int_equal(bf_store_add(store, &entry, &version, &err), BF_ERR_INVALID_ARGUMENT);
  bf_store_experience_list *list = NULL;
  assert_int_equal(bf_store_read_experience(store, &list, NULL), BF_OK);
  assert_int_equal(bf_store_experience_count(list), 0);
  bf_store_experience_free(list);
  bf_fsck_report report = clean(store, false);
  assert_int_equal(report.blobs, 1);
  assert_int_equal(report.unreferenced, 0);
  bf_store_close(store);
}

static bool take_event(void *context, const bf_store_event *event) {
  char *all = context;
  snprintf(all + strlen(all), 2000 - strlen(all), "%s %s@%u %s\n", event->action, event->name, event->version,
           event->detail);
  return true;
}

static void the_log_has_a_line_for_each_call(void **state) {
  bf_store *store = open_store(*state);
  static char log[2000];
  log[0] = 0;
  add_plain(store, "lab/a");
  add_plain(store, "lab/b");
  const bf_store_experience rows[] = {
      {"lab/b", 1, "lab/a", 1, 100, 0.5, 0.25, NULL, 0, NULL},
      {"lab/b", 1, "lab/b", 1, 100, 0.5, 0.25, NULL, 0, NULL},
      {"lab/a", 1, "lab/b", 1, 100, 0.5, 0.25, NULL, 0, NULL},
  };
  assert_int_equal(bf_store_add_experience(store, rows, 2, NULL), BF_OK);
  assert_int_equal(bf_store_add_experience(store, rows + 1, 2, NULL), BF_OK);
  const bf_store_experience crossed[] = {rows[0], rows[2]};
  assert_int_equal(bf_store_add_experience(store, crossed, 2, NULL), BF_OK);
  bf_store_entry entry = entry_of("lab/c", "c");
  const bf_store_experience own = {NULL, 0, NULL, 0, 50, 1, 1, NULL, 0, NULL};
  entry.experience = &own;
  entry.n_experience = 1;
  must_add(store, &entry);
  assert_int_equal(bf_store_log(store, NULL, 5, take_event, log, NULL), BF_OK);
  assert_string_equal(log,
                      "experience lab/c@1 1 row: lab/c@1 on lab/c@1\n"
                      "add lab/c@1 \n"
                      "experience @0 2 rows: lab/b@1 on lab/a@1, lab/a@1 on lab/b@1\n"
                      "experience lab/b@1 2 rows: lab/b@1 on lab/b@1, lab/a@1 on lab/b@1\n"
                      "experience lab/b@1 2 rows: lab/b@1 on lab/a@1, lab/b@1 on lab/b@1\n");
  bf_store_close(store);
}

/* ------------------------------------------------------------------ bundles */

static void a_bundle_has_files_calibration_and_validation_but_no_experience(void **state) {
  char path[600];
  bf_bundle *bundle = NULL;
  bf_error err;
  bf_store *store = open_store(*state);
  bf_store_entry entry = full_entry("lab/gait", "model");
  bf_store_experience own = {.n_items = 1, .accuracy = 1, .macro_f1 = 1};
  entry.experience = &own;
  entry.n_experience = 1;
  must_add(store, &entry);
  snprintf(path, sizeof path, "%s/x.bestfit", (const char *)*state);
  if (bf_store_export(store, "lab/gait", path, &err) != BF_OK) fail_msg("%s", err.message);
  if (bf_bundle_open(path, &bundle, &err) != BF_OK) fail_msg("%s", err.message);
  const bf_store_entry *read = bf_bundle_entry(bundle);
  assert_int_equal(read->n_files, 2);
  assert_string_equal(read->files[0].name, "a/b-1/vocab_x.txt");
  assert_int_equal(read->files[0].n_bytes, 0);
  assert_string_equal(read->files[1].name, "weights.bin");
  assert_memory_equal(read->files[1].bytes, "we\0ights", 8);
  assert_string_equal(read->calibration, "{\"accuracy\": 0.75}");
  assert_int_equal(read->validation_bytes, 9);
  assert_int_equal(read->n_experience, 0);
  uint32_t version = 0;
  assert_int_equal(bf_store_add(store, read, &version, &err), BF_ERR_EXISTS); /* the very same */
  entry = *read;
  entry.name = "ours/gait";
  assert_int_equal(must_add(store, &entry), 1);
  bf_bundle_free(bundle);
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_find(store, "ours/gait", &list, NULL), BF_OK);
  const bf_store_model *m = bf_store_list_at(list, 0);
  assert_int_equal(m->n_files, 2);
  assert_blob(store, m->files[1].sha256, "we\0ights", 8);
  assert_blob(store, m->validation_sha256, "rows\0kept", 9);
  bf_store_list_free(list);
  bf_store_close(store);
}

static void damage_anywhere_in_a_bundle_with_files_is_told(void **state) {
  char path[600];
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_bundle *bundle = NULL;
  bf_store *store = open_store(*state);
  bf_store_entry entry = full_entry("lab/gait", "model");
  must_add(store, &entry);
  snprintf(path, sizeof path, "%s/x.bestfit", (const char *)*state);
  assert_int_equal(bf_store_export(store, "lab/gait", path, NULL), BF_OK);
  bf_store_close(store);
  assert_int_equal(bf__file_read(path, 1 << 20, &bytes, &n, NULL), BF_OK);
  size_t refused = 0;
  for (size_t i = 0; i < n; ++i) {
    bytes[i] ^= 0x20;
    if (bf_bundle_read(bytes, n, &bundle, NULL) != BF_OK) ++refused;
    bf_bundle_free(bundle);
    bytes[i] ^= 0x20;
  }
  assert_true(refused > n * 2 / 3); /* the rest: times, flags, words of the manifest */
  uint8_t *at = memmem(bytes, n, "we\0ights", 8);
  bf_error err;
  assert_non_null(at);
  at[0] = 'W';
  bf_status status = bf_bundle_read(bytes, n, &bundle, &err);
  assert_true(status == BF_ERR_CORRUPT || status == BF_ERR_FORMAT);
  assert_null(bundle);
  free(bytes);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(what_was_added_with_a_model_is_listed_and_read),
      STORE_TEST(names_of_files_that_leave_the_folder_are_refused),
      STORE_TEST(files_that_are_none_or_given_twice_are_refused),
      STORE_TEST(the_very_same_is_refused_and_any_other_part_makes_a_version),
      STORE_TEST(removed_files_are_freed_but_not_those_that_another_has),
      STORE_TEST(a_file_that_is_missing_or_damaged_is_told_by_its_role),
      STORE_TEST(rows_that_none_may_have_are_told),
      STORE_TEST(experience_is_kept_replaced_and_goes_with_either_side),
      STORE_TEST(experience_of_what_is_not_there_is_refused_and_nothing_is_left),
      STORE_TEST(the_log_has_a_line_for_each_call),
      STORE_TEST(a_bundle_has_files_calibration_and_validation_but_no_experience),
      STORE_TEST(damage_anywhere_in_a_bundle_with_files_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
