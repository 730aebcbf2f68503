/* The disk is full at every stage of every change: it says so, the repository is as it was, and nothing is left over. A
 * limit on the size of files stands for the disk, since it can be set anywhere without a right to mount. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_testing.h"

typedef struct stage {
  const char *folder;
  bf_store *store;
  int round;
} stage;

typedef bf_status (*act_fn)(stage *s, bf_error *err);

static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static char long_text[30000];

static bf_status act_add(stage *s, bf_error *err) {
  char content[40];
  uint32_t version = 0;
  snprintf(content, sizeof content, "round %d", s->round);
  bf_store_entry entry = entry_of("a/b", content);
  entry.card = (const uint8_t *)long_text;
  entry.card_bytes = sizeof long_text - 1;
  const bf_store_file file = {
      .name = "w.bin", .bytes = (const uint8_t *)long_text + 9, .n_bytes = sizeof long_text - 10};
  const bf_store_experience own = {
      .n_items = 1, .accuracy = 1, .outputs = (const uint8_t *)long_text + 7, .outputs_bytes = 5000};
  entry.files = &file;
  entry.n_files = 1;
  entry.experience = &own;
  entry.n_experience = 1;
  return bf_store_add(s->store, &entry, &version, err);
}

static bf_status act_experience(stage *s, bf_error *err) {
  const bf_store_experience row = {
      "a/b", 1, "a/b", 1, (uint64_t)s->round, 0.5, 0.25, (const uint8_t *)long_text, (size_t)(9000 + s->round), NULL};
  return bf_store_add_experience(s->store, &row, 1, err);
}

static bf_status act_edit(stage *s, bf_error *err) {
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  snprintf(long_text, 40, "card of round %d", s->round);
  long_text[strlen(long_text)] = ' ';
  changes.card = (const uint8_t *)long_text;
  changes.card_bytes = sizeof long_text - 1;
  return bf_store_edit(s->store, "a/b@1", &changes, NULL, err);
}

static bf_status act_tag(stage *s, bf_error *err) {
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  char tag[40];
  const char *tags = tag;
  snprintf(tag, sizeof tag, "round=%d", s->round);
  changes.tags = &tags;
  changes.n_tags = 1;
  return bf_store_edit(s->store, "a/b@1", &changes, NULL, err);
}

static bf_status act_alias(stage *s, bf_error *err) {
  char alias[40];
  snprintf(alias, sizeof alias, "round-%d", s->round);
  return bf_store_set_alias(s->store, "a/b@1", alias, NULL, err);
}

static bf_status act_remove_alias(stage *s, bf_error *err) {
  return bf_store_remove_alias(s->store, "a/b", "spare", NULL, err);
}

static bf_status act_remove(stage *s, bf_error *err) {
  uint32_t n = 0;
  return bf_store_remove(s->store, "c/d", &n, err);
}

static bf_status act_gc(stage *s, bf_error *err) {
  bf_fsck_report report;
  return bf_store_fsck(s->store, true, NULL, NULL, &report, err);
}

static bf_status act_export(stage *s, bf_error *err) {
  char path[600];
  snprintf(path, sizeof path, "%s/out.bestfit", s->folder);
  bf_status status = bf_store_export(s->store, "a/b@1", path, err);
  assert_int_equal(access(path, F_OK), status == BF_OK ? 0 : -1);
  return status;
}

static bf_status act_migrate(stage *s, bf_error *err) {
  bf_store *store = NULL;
  char path[600];
  char command[2600];
  snprintf(path, sizeof path, "%s/old", s->folder);
  snprintf(command, sizeof command,
           "rm -rf '%s' && cp -R '" TEST_SOURCE_DIR "/tests/golden/data/repository-v1' '%s' && chmod -R u+w '%s'", path,
           path, path);
  struct rlimit limit; /* what is copied is there before */
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit_files(0);
  assert_int_equal(system(command), 0);
  limit_files(limit.rlim_cur);
  bf_status status = bf_store_open(path, NULL, &store, err);
  assert_true((status == BF_OK) == (store != NULL));
  bf_store_close(store);
  return status;
}

static const struct act {
  const char *name;
  act_fn fn;
} acts[] = {
    {"add", act_add},       {"experience", act_experience},     {"edit", act_edit},     {"tag", act_tag},
    {"alias", act_alias},   {"remove alias", act_remove_alias}, {"remove", act_remove}, {"gc", act_gc},
    {"export", act_export}, {"migrate", act_migrate},
};

static rlim_t size_of(const char *folder, const char *name) {
  char path[600];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return stat(path, &st) == 0 ? (rlim_t)st.st_size : 0;
}

typedef struct seen {
  uint64_t models, versions;
  size_t events;
  char tags[200], aliases[200], card[65];
} seen;

static bool count_event(void *context, const bf_store_event *event) {
  ++*(size_t *)context;
  return event != NULL;
}

static seen look(bf_store *store) {
  seen s = {0};
  bf_fsck_report report;
  bf_store_list *list = NULL;
  check_store(store, false, &report);
  assert_true(report.database_ok && report.index_ok);
  assert_int_equal(report.missing + report.damaged + report.temporary, 0);
  s.models = report.models;
  s.versions = report.versions;
  assert_int_equal(bf_store_log(store, NULL, 0, count_event, &s.events, NULL), BF_OK);
  assert_int_equal(bf_store_find(store, "a/b@1", &list, NULL), BF_OK);
  snprintf(s.tags, sizeof s.tags, "%s", bf_store_list_at(list, 0)->tags);
  snprintf(s.aliases, sizeof s.aliases, "%s", bf_store_list_at(list, 0)->aliases);
  snprintf(s.card, sizeof s.card, "%s", bf_store_list_at(list, 0)->card_sha256);
  bf_store_list_free(list);
  return s;
}

/* Tries one change with more and more space, until it succeeds. How often it was refused. */
static int try_with_more_and_more_space(stage *s, const struct act *act) {
  int refused = 0;
  bool sidecar = act->fn == act_export || act->fn == act_migrate;
  rlim_t log = size_of(s->folder, "bestfit.db-wal");
  rlim_t database = size_of(s->folder, "bestfit.db");
  rlim_t from = sidecar ? 1 : log > database ? log : database;
  for (rlim_t more = 0;; more += sidecar ? 3000 : 2000) {
    bf_error err = {0};
    seen before = look(s->store);
    ++s->round;
    limit_files(from + more);
    bf_status status = act->fn(s, &err);
    limit_files(0);
    if (status == BF_OK) return refused;
    ++refused;
    if (status != BF_ERR_NO_SPACE)
      fail_msg("%s with %llu more bytes: %s: %s", act->name, (unsigned long long)more, bf_status_name(status),
               err.message);
    seen after = look(s->store);
    if (memcmp(&before, &after, sizeof before) != 0)
      fail_msg("%s with %llu more bytes: the repository was changed", act->name, (unsigned long long)more);
    if (more > 4000000) fail_msg("%s never succeeds", act->name);
  }
}

static void a_full_disk_at_any_stage_of_any_change_leaves_the_repository_as_it_was(void **state) {
  stage s = {.folder = *state};
  uint32_t version = 0;
  (void)signal(SIGXFSZ, SIG_IGN);
  for (size_t i = 0; i + 1 < sizeof long_text; ++i) long_text[i] = i % 7 == 6 ? ' ' : (char)('a' + (i * i) % 26);
  s.store = open_store(*state);
  bf_store_entry entry = entry_of("a/b", "the first model");
  assert_int_equal(bf_store_add(s.store, &entry, &version, NULL), BF_OK);
  entry = entry_of("c/d", "the second");
  assert_int_equal(bf_store_add(s.store, &entry, &version, NULL), BF_OK);
  assert_int_equal(bf_store_set_alias(s.store, "a/b", "spare", NULL, NULL), BF_OK);
  for (size_t i = 0; i < sizeof acts / sizeof *acts; ++i) {
    int refused = try_with_more_and_more_space(&s, &acts[i]);
    print_message("%s: refused %d times\n", acts[i].name, refused);
    assert_true(refused > 0);
  }
  bf_store_close(s.store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_full_disk_at_any_stage_of_any_change_leaves_the_repository_as_it_was,
                                      make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
