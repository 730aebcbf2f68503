/* The n-th allocation fails, n = 1, 2, …, in every public function of the store: it says so, gives nothing out, leaks
 * nothing (under the address sanitizer), and the repository is as it was. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <sqlite3.h>

#include "base/hash.h"
#include "base/memory.h"
#include "store_testing.h"

typedef struct stage {
  const char *folder;
  bf_store *store;
  char card_sha256[65];
  char bundle[600]; /* a file */
  int round;        /* so that what is done again is new */
} stage;

/* One call; its status. What it gives out is checked and freed. */
typedef bf_status (*act_fn)(stage *s, bf_error *err);

/* A hash over all rows of all tables, times aside. */
static uint64_t fingerprint(const char *folder) {
  static const char *const tables[] = {"models", "versions", "sketches",     "tags",        "metrics",    "aliases",
                                       "texts",  "files",    "calibrations", "validations", "experience", "audit"};
  char path[600];
  char sql[80];
  sqlite3 *db = NULL;
  uint64_t hash = 0;
  snprintf(path, sizeof path, "%s/bestfit.db", folder);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  for (size_t i = 0; i < sizeof tables / sizeof *tables; ++i) {
    sqlite3_stmt *s = NULL;
    snprintf(sql, sizeof sql, "SELECT * FROM %s", tables[i]);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
      for (int column = 0; column < sqlite3_column_count(s); ++column) {
        const void *text = sqlite3_column_blob(s, column);
        hash = bf__xxh64(text, (size_t)sqlite3_column_bytes(s, column), hash + 1);
      }
    }
    sqlite3_finalize(s);
  }
  sqlite3_close(db);
  return hash;
}

/* ------------------------------------------------------------------ calls */

static bf_status act_open(stage *s, bf_error *err) {
  bf_store *store = NULL;
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.create = true;
  bf_status status = bf_store_open(s->folder, &options, &store, err);
  assert_true((status == BF_OK) == (store != NULL));
  bf_store_close(store);
  return status;
}

static bf_status act_add(stage *s, bf_error *err) {
  char content[40];
  static const char *const tags[] = {"a,b=c", "d"}, *const aliases[] = {"shadow"};
  static const bf_store_metric metrics[] = {{"f1", 0.5}};
  uint32_t version = 9;
  snprintf(content, sizeof content, "round %d", s->round);
  bf_store_entry entry = entry_of("a/b", content);
  entry.sketch = (const uint8_t *)content;
  entry.sketch_bytes = 3;
  entry.kind = "image";
  entry.tags = tags;
  entry.n_tags = 2;
  entry.aliases = aliases;
  entry.n_aliases = 1;
  entry.metrics = metrics;
  entry.n_metrics = 1;
  const bf_store_file files[] = {{.name = "w.bin", .bytes = (const uint8_t *)content, .n_bytes = 4},
                                 {.name = "d/v.txt", .bytes = (const uint8_t *)content, .n_bytes = 5}};
  const bf_store_experience experience[] = {
      {.n_items = 3, .accuracy = 0.5, .macro_f1 = 0.5, .outputs = (const uint8_t *)content, .outputs_bytes = 6},
      {.domain_model = "c/d", .domain_version = 1, .n_items = 3, .accuracy = 0.5, .macro_f1 = 0.5}};
  entry.files = files;
  entry.n_files = 2;
  entry.calibration = content;
  entry.validation = (const uint8_t *)content;
  entry.validation_bytes = 7;
  entry.experience = experience;
  entry.n_experience = 2;
  bf_status status = bf_store_add(s->store, &entry, &version, err);
  assert_true((status == BF_OK) == (version != 0));
  return status;
}

static bf_status act_find(stage *s, bf_error *err) {
  bf_store_list *list = NULL;
  bf_status status = bf_store_find(s->store, "a/b@production", &list, err);
  assert_true((status == BF_OK) == (list != NULL));
  bf_store_list_free(list);
  return status;
}

static bf_status act_find_all(stage *s, bf_error *err) {
  bf_store_list *list = NULL;
  bf_status status = bf_store_find(s->store, NULL, &list, err);
  assert_true((status == BF_OK) == (list != NULL));
  bf_store_list_free(list);
  return status;
}

static bf_status act_select(stage *s, bf_error *err) {
  bf_store_query query = BF_STORE_QUERY_INIT;
  bf_store_list *list = NULL;
  query.filter = "tags.site in ('lyon', 'nice') and (metrics.accuracy > 0.1 or alias = 'x') and name like 'a/%'";
  query.search = "first \"model*";
  query.sort = "-tags.site,accuracy";
  query.pattern = "a/*";
  bf_status status = bf_store_select(s->store, &query, &list, err);
  assert_true((status == BF_OK) == (list != NULL));
  if (status == BF_OK) assert_int_equal(bf_store_list_count(list), 1);
  bf_store_list_free(list);
  return status;
}

static bf_status act_read_blob(stage *s, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n = 9;
  bf_status status = bf_store_read_blob(s->store, s->card_sha256, &bytes, &n, err);
  assert_true((status == BF_OK) == (bytes != NULL));
  free(bytes);
  return status;
}

static bf_status act_blob_path(stage *s, bf_error *err) {
  char *path = NULL;
  bf_status status = bf_store_blob_path(s->store, s->card_sha256, &path, err);
  assert_true((status == BF_OK) == (path != NULL));
  free(path);
  return status;
}

static bf_status act_edit(stage *s, bf_error *err) {
  char card[40];
  char tag[40];
  const char *tags = tag;
  const bf_store_metric metric = {"f1", (double)s->round};
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  snprintf(card, sizeof card, "card of round %d", s->round);
  snprintf(tag, sizeof tag, "round=%d", s->round);
  changes.card = (const uint8_t *)card;
  changes.card_bytes = strlen(card);
  changes.license = tag;
  changes.tags = &tags;
  changes.n_tags = 1;
  changes.metrics = &metric;
  changes.n_metrics = 1;
  return bf_store_edit(s->store, "a/b", &changes, NULL, err);
}

static bf_status act_add_experience(stage *s, bf_error *err) {
  char content[40];
  snprintf(content, sizeof content, "outputs of round %d", s->round);
  const bf_store_experience rows[] = {
      {"a/b", 1, "c/d", 1, (uint64_t)s->round, 0.5, 0.25, (const uint8_t *)content, strlen(content), NULL},
      {"c/d", 1, "a/b", 1, (uint64_t)s->round, 0.5, 0.25, NULL, 0, NULL}};
  return bf_store_add_experience(s->store, rows, 2, err);
}

static bf_status act_read_experience(stage *s, bf_error *err) {
  bf_store_experience_list *list = NULL;
  bf_status status = bf_store_read_experience(s->store, &list, err);
  assert_true((status == BF_OK) == (list != NULL));
  bf_store_experience_free(list);
  return status;
}

static bf_status act_set_alias(stage *s, bf_error *err) {
  char alias[40];
  snprintf(alias, sizeof alias, "round-%d", s->round);
  return bf_store_set_alias(s->store, "a/b@1", alias, NULL, err);
}

static bf_status act_remove_alias(stage *s, bf_error *err) {
  return bf_store_remove_alias(s->store, "a/b", "spare", NULL, err);
}

static bf_status act_remove(stage *s, bf_error *err) {
  uint32_t n = 9;
  bf_status status = bf_store_remove(s->store, "c/d", &n, err);
  assert_true((status == BF_OK) == (n > 0));
  return status;
}

static bool hear_event(void *context, const bf_store_event *event) {
  (void)context;
  return event != NULL;
}

static bf_status act_log(stage *s, bf_error *err) {
  return bf_store_log(s->store, "a/b", 3, hear_event, NULL, err);
}

static bf_status act_export(stage *s, bf_error *err) {
  char path[600];
  snprintf(path, sizeof path, "%s/out.bestfit", s->folder);
  (void)unlink(path);
  bf_status status = bf_store_export(s->store, "a/b", path, err);
  assert_int_equal(access(path, F_OK), status == BF_OK ? 0 : -1);
  return status;
}

static bf_status act_bundle(stage *s, bf_error *err) {
  bf_bundle *bundle = NULL;
  bf_status status = bf_bundle_open(s->bundle, &bundle, err);
  assert_true((status == BF_OK) == (bundle != NULL));
  bf_bundle_free(bundle);
  return status;
}

static bf_status act_fsck(stage *s, bf_error *err) {
  bf_fsck_report report;
  return bf_store_fsck(s->store, false, NULL, NULL, &report, err);
}

static bf_status act_gc(stage *s, bf_error *err) {
  bf_fsck_report report;
  return bf_store_fsck(s->store, true, NULL, NULL, &report, err);
}

static const struct act {
  const char *name;
  act_fn fn;
} acts[] = {
    {"open", act_open},
    {"find", act_find},
    {"find all", act_find_all},
    {"select", act_select},
    {"read blob", act_read_blob},
    {"blob path", act_blob_path},
    {"log", act_log},
    {"export", act_export},
    {"bundle", act_bundle},
    {"fsck", act_fsck},
    {"add", act_add},
    {"add experience", act_add_experience},
    {"read experience", act_read_experience},
    {"edit", act_edit},
    {"set alias", act_set_alias},
    {"remove alias", act_remove_alias},
    {"remove", act_remove},
    {"gc", act_gc},
};

/* ------------------------------------------------------------------ the test */

static void set_stage(stage *s, const char *folder) {
  const char *tag = "site=lyon";
  bf_store_list *list = NULL;
  uint32_t version = 0;
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  *s = (stage){.folder = folder};
  s->store = open_store(folder);
  snprintf(s->bundle, sizeof s->bundle, "%s/in.bestfit", folder);
  bf_store_entry entry = entry_of("a/b", "the first model");
  entry.source_accuracy = 0.5;
  const bf_store_file file = {.name = "w.bin", .bytes = (const uint8_t *)"weights", .n_bytes = 7};
  entry.files = &file;
  entry.n_files = 1;
  entry.calibration = "{}";
  entry.validation = (const uint8_t *)"rows";
  entry.validation_bytes = 4;
  assert_int_equal(bf_store_add(s->store, &entry, &version, NULL), BF_OK);
  entry = entry_of("c/d", "the second");
  assert_int_equal(bf_store_add(s->store, &entry, &version, NULL), BF_OK);
  changes.tags = &tag;
  changes.n_tags = 1;
  assert_int_equal(bf_store_edit(s->store, "a/b", &changes, NULL, NULL), BF_OK);
  assert_int_equal(bf_store_set_alias(s->store, "a/b", "production", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_set_alias(s->store, "a/b", "spare", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_export(s->store, "a/b", s->bundle, NULL), BF_OK);
  assert_int_equal(bf_store_find(s->store, "a/b", &list, NULL), BF_OK);
  memcpy(s->card_sha256, bf_store_list_at(list, 0)->card_sha256, 65);
  bf_store_list_free(list);
}

static void no_failed_allocation_breaks_or_changes_anything(void **state) {
  stage s;
  set_stage(&s, *state);
  for (size_t i = 0; i < sizeof acts / sizeof *acts; ++i) {
    uint64_t before = fingerprint(*state);
    long n = 1;
    for (;; ++n) {
      bf_error err = {0};
      s.round = (int)i * 1000 + (int)n;
      bf__alloc_fail_at(n);
      bf_status status = acts[i].fn(&s, &err);
      bool failed = bf__alloc_fail_left() == 0;
      bf__alloc_fail_at(0);
      if (!failed && status != BF_OK) fail_msg("%s: %s", acts[i].name, err.message);
      if (!failed) break;
      if (status == BF_OK) { /* one that may fail without harm, such as that of a cache */
        before = fingerprint(*state);
        if (acts[i].fn == act_remove || acts[i].fn == act_remove_alias) break; /* it is done */
        continue;
      }
      if (status != BF_ERR_MEMORY || err.code != BF_ERR_MEMORY)
        fail_msg("%s, allocation %ld: %s: %s", acts[i].name, n, bf_status_name(status), err.message);
      if (fingerprint(*state) != before) fail_msg("%s, allocation %ld: the repository was changed", acts[i].name, n);
    }
    print_message("%s: %ld allocations\n", acts[i].name, n - 1);
  }
  bf_fsck_report report;
  check_store(s.store, false, &report);
  assert_true(report.database_ok && report.index_ok);
  assert_int_equal(report.missing + report.damaged + report.temporary, 0);
  bf_store_close(s.store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(no_failed_allocation_breaks_or_changes_anything, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
