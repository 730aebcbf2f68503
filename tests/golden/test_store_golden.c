/* Repositories and bundles that were written before: they are read, and brought up to date with nothing lost. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <bestfit/dataset.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "base/file.h"
#include "store_testing.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/data/"

/* A copy of the repository of schema 1 that may be written. */
static void copy_repository(const char *folder) {
  char command[1200];
  snprintf(command, sizeof command, "cp -R '" GOLDEN "repository-v1/.' '%s' && chmod -R u+w '%s'", folder, folder);
  assert_int_equal(system(command), 0);
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

static bool count_event(void *context, const bf_store_event *event) {
  ++*(size_t *)context;
  assert_string_equal(event->who, "");
  return true;
}

/* What the repository of schema 1 held: lab/gait@1 and @2, other/plain@1, and the numbers of what was removed. */
static void assert_kept(bf_store *store) {
  bf_store_list *list = NULL;
  bf_store_query q = BF_STORE_QUERY_INIT;
  q.all_versions = true;
  assert_int_equal(bf_store_select(store, &q, &list, NULL), BF_OK);
  assert_int_equal(bf_store_list_count(list), 3);
  const bf_store_model *m = bf_store_list_at(list, 0);
  assert_string_equal(m->name, "lab/gait");
  assert_int_equal(m->version, 1);
  assert_string_equal(m->domain, "summer");
  assert_string_equal(m->license, "apache-2.0");
  assert_string_equal(m->tags, "walk,site=paris"); /* of site=lyon and site=paris the later one */
  assert_string_equal(m->aliases, "production");
  assert_true(m->source_accuracy == 0.93);
  assert_int_equal(m->n_metrics, 1);
  assert_string_equal(m->metrics[0].name, "accuracy");
  assert_int_equal(m->rows, 200);
  assert_string_equal(m->kind, "features");
  assert_string_equal(m->model_sha256, "182ee7adc378e71a3245a40cc6bb479625437bdf809f0b9e4276aab639fde6b5");
  assert_string_equal(bf_store_list_at(list, 1)->tags, "walk,sensor");
  assert_string_equal(bf_store_list_at(list, 2)->name, "other/plain");
  bf_store_list_free(list);
  bf_fsck_report report;
  check_store(store, false, &report);
  assert_true(report.database_ok);
  assert_true(report.index_ok);
  assert_int_equal(report.missing + report.damaged, 0);
}

static void a_repository_of_schema_1_is_brought_up_to_date_with_nothing_lost(void **state) {
  copy_repository(*state);
  assert_int_equal(query(*state, "PRAGMA user_version"), 1);
  bf_store *store = open_store(*state);
  bf_store_list *list = NULL;
  assert_kept(store);
  assert_int_equal(query(*state, "PRAGMA user_version"), 3);
  bf_store_query q = BF_STORE_QUERY_INIT;
  q.search = "goteborg barometer"; /* of a card that is only among the blobs */
  assert_int_equal(bf_store_select(store, &q, &list, NULL), BF_OK);
  assert_int_equal(bf_store_list_count(list), 1);
  assert_int_equal(bf_store_list_at(list, 0)->version, 2);
  bf_store_list_free(list);
  size_t n = 0;
  assert_int_equal(bf_store_log(store, NULL, 0, count_event, &n, NULL), BF_OK);
  assert_int_equal(n, 5);
  bf_store_entry entry = entry_of("other/gone", "again");
  uint32_t version = 0;
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_OK);
  assert_int_equal(version, 2); /* number 1 was removed and does not come back */
  bf_store_close(store);
}

static void for_reading_only_an_older_schema_is_refused_with_a_remedy(void **state) {
  copy_repository(*state);
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.read_only = true;
  bf_store *store = NULL;
  bf_error err;
  assert_int_equal(bf_store_open(*state, &options, &store, &err), BF_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "open it once for writing"));
  assert_int_equal(query(*state, "PRAGMA user_version"), 1);
}

static void processes_that_bring_it_up_to_date_at_once_all_succeed(void **state) {
  copy_repository(*state);
  for (int i = 0; i < 4; ++i) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) continue;
    bf_store *store = NULL;
    _exit(bf_store_open(*state, NULL, &store, NULL) == BF_OK ? 0 : 1);
  }
  for (int i = 0; i < 4; ++i) {
    int status = 0;
    wait(&status);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  bf_store *store = open_store(*state);
  assert_kept(store);
  bf_store_close(store);
}

static void a_card_that_is_missing_does_not_stop_the_step(void **state) {
  copy_repository(*state);
  char path[600];
  snprintf(path, sizeof path, "%s/blobs/sha256/dc/dc8eac0f179f02b7e5c1942666dcc539adef1cc14c8178ed0fff1082f2836d34",
           (const char *)*state);
  assert_int_equal(unlink(path), 0);
  bf_store *store = open_store(*state);
  bf_fsck_report report;
  check_store(store, false, &report);
  assert_int_equal(report.missing, 1);
  assert_true(report.index_ok);
  bf_store_close(store);
}

static void a_bundle_of_format_1_is_read_and_written_again_to_the_byte(void **state) {
  bf_bundle *bundle = NULL;
  bf_error err;
  uint8_t *golden = NULL;
  uint8_t *again = NULL;
  size_t n = 0;
  size_t n_again = 0;
  char path[600];
  if (bf_bundle_open(GOLDEN "bundle-v1.bestfit", &bundle, &err) != BF_OK) fail_msg("%s", err.message);
  const bf_store_entry *entry = bf_bundle_entry(bundle);
  assert_string_equal(entry->name, "lab/gait");
  assert_int_equal(bf_bundle_version(bundle), 1);
  assert_int_equal(entry->n_tags, 2);
  assert_int_equal(entry->n_metrics, 1);
  assert_true(entry->metrics[0].value == 0.25);
  assert_true(entry->source_accuracy == 0.5);
  bf_store *store = open_store(*state);
  uint32_t version = 0;
  assert_int_equal(bf_store_add(store, entry, &version, &err), BF_OK);
  bf_bundle_free(bundle);
  bf_store_close(store);
  /* the time of the import is another one: that of the file is put in its place */
  char sql[200];
  snprintf(path, sizeof path, "%s/bestfit.db", (const char *)*state);
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  snprintf(sql, sizeof sql, "UPDATE versions SET created = '2026-11-23T09:30:00Z'");
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  store = open_store(*state);
  snprintf(path, sizeof path, "%s/again.bestfit", (const char *)*state);
  assert_int_equal(bf_store_export(store, "lab/gait", path, &err), BF_OK);
  assert_int_equal(bf__file_read(GOLDEN "bundle-v1.bestfit", 1 << 20, &golden, &n, NULL), BF_OK);
  assert_int_equal(bf__file_read(path, 1 << 20, &again, &n_again, NULL), BF_OK);
  assert_int_equal(n, n_again);
  assert_memory_equal(golden, again, n);
  free(golden);
  free(again);
  bf_store_close(store);
}

static void a_bundle_of_format_2_is_read_and_written_again_to_the_byte(void **state) {
  bf_bundle *bundle = NULL;
  bf_error err;
  uint8_t *golden = NULL;
  uint8_t *again = NULL;
  size_t n = 0;
  size_t n_again = 0;
  char path[600];
  if (bf_bundle_open(GOLDEN "bundle-v2.bestfit", &bundle, &err) != BF_OK) fail_msg("%s", err.message);
  const bf_store_entry *entry = bf_bundle_entry(bundle);
  assert_string_equal(entry->name, "lab/mood");
  assert_int_equal(entry->n_files, 2);
  assert_string_equal(entry->files[0].name, "data/weights.bin");
  assert_memory_equal(entry->files[0].bytes, "\0\0\200\077", 4);
  assert_string_equal(entry->files[1].name, "vocab.txt");
  assert_non_null(strstr(entry->calibration, "\"temperature\": 1.5"));
  bf_sample *sample = NULL;
  assert_int_equal(bf_sample_decode(entry->validation, entry->validation_bytes, &sample, &err), BF_OK);
  assert_int_equal(bf_sample_batch(sample)->n_rows, 3);
  bf_sample_free(sample);
  bf_store *store = open_store(*state);
  uint32_t version = 0;
  assert_int_equal(bf_store_add(store, entry, &version, &err), BF_OK);
  bf_bundle_free(bundle);
  bf_store_close(store);
  snprintf(path, sizeof path, "%s/bestfit.db", (const char *)*state);
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "UPDATE versions SET created = '2026-11-25T09:30:00Z'", NULL, NULL, NULL), 0);
  sqlite3_close(db);
  store = open_store(*state);
  snprintf(path, sizeof path, "%s/again.bestfit", (const char *)*state);
  assert_int_equal(bf_store_export(store, "lab/mood", path, &err), BF_OK);
  assert_int_equal(bf__file_read(GOLDEN "bundle-v2.bestfit", 1 << 20, &golden, &n, NULL), BF_OK);
  assert_int_equal(bf__file_read(path, 1 << 20, &again, &n_again, NULL), BF_OK);
  assert_int_equal(n, n_again);
  assert_memory_equal(golden, again, n);
  free(golden);
  free(again);
  bf_store_close(store);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(a_repository_of_schema_1_is_brought_up_to_date_with_nothing_lost),
      STORE_TEST(for_reading_only_an_older_schema_is_refused_with_a_remedy),
      STORE_TEST(processes_that_bring_it_up_to_date_at_once_all_succeed),
      STORE_TEST(a_card_that_is_missing_does_not_stop_the_step),
      STORE_TEST(a_bundle_of_format_1_is_read_and_written_again_to_the_byte),
      STORE_TEST(a_bundle_of_format_2_is_read_and_written_again_to_the_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
