/* Tags, metrics, aliases, edits, the log, and questions to a repository. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <math.h>
#include <sqlite3.h>

#include "store_testing.h"

#define HASH_OF_NEW "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437" /* SHA-256 of "new" */

static uint32_t add(bf_store *store, const char *name, const char *content) {
  bf_store_entry entry = entry_of(name, content);
  uint32_t version = 0;
  bf_error err = {0};
  if (bf_store_add(store, &entry, &version, &err) != BF_OK) fail_msg("add %s: %s", name, err.message);
  return version;
}

static bf_status edit(bf_store *store, const char *which, const bf_store_changes *changes) {
  uint32_t version = 0;
  bf_error err;
  return bf_store_edit(store, which, changes, &version, &err);
}

static bf_status tag(bf_store *store, const char *which, const char *set, const char *removed, bf_error *err) {
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  changes.tags = &set;
  changes.n_tags = set != NULL;
  changes.remove_tags = &removed;
  changes.n_remove_tags = removed != NULL;
  return bf_store_edit(store, which, &changes, NULL, err);
}

/* The one version that `which` names. Free the list. */
static const bf_store_model *find(bf_store *store, const char *which, bf_store_list **list) {
  bf_error err;
  if (bf_store_find(store, which, list, &err) != BF_OK) fail_msg("find %s: %s", which, err.message);
  return bf_store_list_at(*list, bf_store_list_count(*list) - 1);
}

static void assert_tags(bf_store *store, const char *which, const char *tags) {
  bf_store_list *list = NULL;
  assert_string_equal(find(store, which, &list)->tags, tags);
  bf_store_list_free(list);
}

static void execute(const char *folder, const char *sql) {
  char path[600];
  sqlite3 *db = NULL;
  snprintf(path, sizeof path, "%s/bestfit.db", folder);
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  sqlite3_close(db);
}

/* ------------------------------------------------------------------ tags and metrics */

static void a_tag_takes_the_place_of_the_value_that_its_key_had(void **state) {
  bf_store *store = open_store(*state);
  bf_error err;
  add(store, "a/b", "one");
  assert_int_equal(tag(store, "a/b", "site=lyon", NULL, &err), BF_OK);
  assert_int_equal(tag(store, "a/b", "reviewed, year = 2024", NULL, &err), BF_OK);
  assert_tags(store, "a/b", "site=lyon,reviewed,year=2024");
  assert_int_equal(tag(store, "a/b", "site=paris", "reviewed", &err), BF_OK);
  assert_tags(store, "a/b@1", "site=paris,year=2024");
  assert_int_equal(tag(store, "a/b", "site", NULL, &err), BF_OK); /* a word has no value */
  assert_tags(store, "a/b", "site,year=2024");
  assert_int_equal(tag(store, "a/b", "more", "nothing", &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "\"nothing\""));
  assert_tags(store, "a/b", "site,year=2024"); /* neither was done */
  assert_int_equal(tag(store, "a/c", "x", NULL, &err), BF_ERR_NOT_FOUND);
  bf_store_close(store);
}

static void tags_belong_to_one_version_and_the_latest_is_meant_where_none_is_said(void **state) {
  bf_store *store = open_store(*state);
  add(store, "a/b", "one");
  add(store, "a/b", "two");
  assert_int_equal(tag(store, "a/b", "new", NULL, NULL), BF_OK);
  assert_int_equal(tag(store, "a/b@1", "old", NULL, NULL), BF_OK);
  assert_tags(store, "a/b@2", "new");
  assert_tags(store, "a/b@1", "old");
  bf_store_close(store);
}

static void what_cannot_be_a_tag_metric_or_alias_is_refused(void **state) {
  bf_store *store = open_store(*state);
  bf_error err;
  add(store, "a/b", "one");
  char *key = calloc(140, 1);
  memset(key, 'k', 129);
  const char *const tags[] = {"=x", "a\nb", "a=b\tc", "\xFF", key, "x=\xC3"};
  for (size_t i = 0; i < sizeof tags / sizeof *tags; ++i)
    assert_int_equal(tag(store, "a/b", tags[i], NULL, &err), BF_ERR_INVALID_ARGUMENT);
  free(key);
  const char *const aliases[] = {"", "1", "2x", "latest", "a b", "a@b", "a,b", "-x", "\xC3\xA4"};
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; ++i)
    assert_int_equal(bf_store_set_alias(store, "a/b", aliases[i], NULL, &err), BF_ERR_INVALID_ARGUMENT);
  const bf_store_metric metrics[] = {{"", 1},     {"a b", 1},       {"source_accuracy", 1},
                                     {"f1", NAN}, {"f1", INFINITY}, {NULL, 1}};
  for (size_t i = 0; i < sizeof metrics / sizeof *metrics; ++i) {
    bf_store_changes changes = BF_STORE_CHANGES_INIT;
    changes.metrics = &metrics[i];
    changes.n_metrics = 1;
    assert_int_equal(edit(store, "a/b", &changes), BF_ERR_INVALID_ARGUMENT);
  }
  assert_tags(store, "a/b", "");
  bf_store_close(store);
}

static void metrics_are_read_back_to_the_bit_and_accuracy_stands_for_the_source_accuracy(void **state) {
  bf_store *store = open_store(*state);
  bf_store_list *list = NULL;
  const bf_store_metric given[] = {{"f1", 0.1 + 0.2}, {"latency/p99", 1e-300}};
  bf_store_entry entry = entry_of("a/b", "one");
  entry.source_accuracy = 0.93;
  entry.metrics = given;
  entry.n_metrics = 2;
  uint32_t version = 0;
  assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_OK);
  const bf_store_model *m = find(store, "a/b", &list);
  assert_int_equal(m->n_metrics, 3);
  assert_string_equal(m->metrics[0].name, "accuracy");
  assert_true(m->metrics[0].value == 0.93);
  assert_string_equal(m->metrics[1].name, "f1");
  assert_true(m->metrics[1].value == 0.1 + 0.2);
  assert_string_equal(m->metrics[2].name, "latency/p99");
  assert_true(m->metrics[2].value == 1e-300);
  bf_store_list_free(list);
  bf_store_metric accuracy = {"accuracy", 0.5};
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  changes.metrics = &accuracy;
  changes.n_metrics = 1;
  assert_int_equal(edit(store, "a/b", &changes), BF_OK);
  m = find(store, "a/b", &list);
  assert_int_equal(m->n_metrics, 3);
  assert_true(m->metrics[0].value == 0.5);
  assert_true(m->source_accuracy == 0.93);
  bf_store_list_free(list);
  const char *removed[] = {"accuracy", "f1"};
  changes = (bf_store_changes)BF_STORE_CHANGES_INIT;
  changes.remove_metrics = removed;
  changes.n_remove_metrics = 2;
  assert_int_equal(edit(store, "a/b", &changes), BF_OK);
  m = find(store, "a/b", &list);
  assert_int_equal(m->n_metrics, 2);
  assert_true(m->metrics[0].value == 0.93); /* the source's again */
  bf_store_list_free(list);
  assert_int_equal(edit(store, "a/b", &changes), BF_ERR_NOT_FOUND);
  bf_store_close(store);
}

/* ------------------------------------------------------------------ aliases */

static void an_alias_names_a_version_wherever_a_model_is_named(void **state) {
  bf_store *store = open_store(*state);
  bf_store_list *list = NULL;
  bf_error err;
  uint32_t was = 9;
  add(store, "a/b", "one");
  add(store, "a/b", "two");
  add(store, "c/d", "three");
  assert_int_equal(bf_store_set_alias(store, "a/b@1", "production", &was, &err), BF_OK);
  assert_int_equal(was, 0);
  assert_int_equal(find(store, "a/b@production", &list)->version, 1);
  assert_string_equal(bf_store_list_at(list, 0)->aliases, "production");
  assert_int_equal(bf_store_list_count(list), 1);
  bf_store_list_free(list);
  assert_int_equal(bf_store_set_alias(store, "a/b", "production", &was, &err), BF_OK); /* moves to the latest */
  assert_int_equal(was, 1);
  assert_int_equal(bf_store_set_alias(store, "a/b@production", "candidate", &was, &err), BF_OK);
  assert_int_equal(find(store, "a/b@candidate", &list)->version, 2);
  assert_string_equal(bf_store_list_at(list, 0)->aliases, "candidate,production");
  bf_store_list_free(list);
  assert_int_equal(find(store, "a/b@latest", &list)->version, 2);
  assert_int_equal(bf_store_list_count(list), 1);
  bf_store_list_free(list);
  assert_int_equal(bf_store_find(store, "a/b@staging", &list, &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "a/b has no alias staging; it has candidate, production"));
  assert_int_equal(bf_store_find(store, "c/d@production", &list, &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "it has none: bestfit alias sets one"));
  assert_int_equal(bf_store_remove_alias(store, "a/b", "production", &was, &err), BF_OK);
  assert_int_equal(was, 2);
  assert_int_equal(bf_store_remove_alias(store, "a/b", "production", &was, &err), BF_ERR_NOT_FOUND);
  assert_int_equal(bf_store_set_alias(store, "a/b@7", "production", &was, &err), BF_ERR_NOT_FOUND);
  bf_store_close(store);
}

static void removing_is_refused_while_an_alias_points_there_and_says_how_to_go_on(void **state) {
  bf_store *store = open_store(*state);
  bf_error err;
  uint32_t n = 9;
  add(store, "a/b", "one");
  add(store, "a/b", "two");
  assert_int_equal(bf_store_set_alias(store, "a/b@1", "production", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_remove(store, "a/b@1", &n, &err), BF_ERR_EXISTS);
  assert_int_equal(n, 0);
  assert_non_null(strstr(err.message, "a/b@1 has the alias production"));
  assert_non_null(strstr(err.message, "`bestfit alias a/b production --remove`"));
  assert_int_equal(bf_store_remove(store, "a/b", &n, &err), BF_ERR_EXISTS);
  assert_int_equal(bf_store_remove(store, "a/b@production", &n, &err), BF_ERR_EXISTS);
  assert_int_equal(bf_store_remove(store, "a/b@latest", &n, &err), BF_OK);
  assert_int_equal(n, 1);
  assert_int_equal(bf_store_remove_alias(store, "a/b", "production", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_remove(store, "a/b", &n, &err), BF_OK);
  bf_store_close(store);
}

/* ------------------------------------------------------------------ edits and the log */

typedef struct lines {
  char text[4000];
  size_t n;
} lines;

static bool hear_event(void *context, const bf_store_event *event) {
  lines *l = context;
  size_t at = strlen(l->text);
  assert_int_equal(strlen(event->time), 20);
  snprintf(l->text + at, sizeof l->text - at, "%s %s %s@%u %s\n", event->who, event->action, event->name,
           event->version, event->detail);
  return ++l->n < 100;
}

static void an_edit_replaces_card_and_columns_and_the_log_has_both_hashes(void **state) {
  bf_store *store = open_store(*state);
  bf_store_list *list = NULL;
  uint8_t *bytes = NULL;
  size_t n = 0;
  uint32_t version = 0;
  add(store, "a/b", "one");
  const bf_store_model *m = find(store, "a/b", &list);
  char before[65];
  memcpy(before, m->card_sha256, 65);
  bf_store_list_free(list);
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  changes.card = (const uint8_t *)"new";
  changes.card_bytes = 3;
  changes.expected_card = before;
  changes.license = "mit";
  changes.summary = "Summary";
  changes.domain = "lyon";
  changes.task = "tagging";
  changes.set_source_accuracy = true;
  changes.source_accuracy = 0.75;
  assert_int_equal(bf_store_edit(store, "a/b", &changes, &version, NULL), BF_OK);
  assert_int_equal(version, 1);
  m = find(store, "a/b", &list);
  assert_int_equal(m->version, 1);
  assert_string_equal(m->card_sha256, HASH_OF_NEW);
  assert_string_equal(m->license, "mit");
  assert_string_equal(m->summary, "Summary");
  assert_string_equal(m->domain, "lyon");
  assert_string_equal(m->task, "tagging");
  assert_true(m->source_accuracy == 0.75);
  assert_int_equal(bf_store_read_blob(store, m->card_sha256, &bytes, &n, NULL), BF_OK);
  assert_memory_equal(bytes, "new", 3);
  free(bytes);
  bf_store_list_free(list);
  assert_int_equal(bf_store_read_blob(store, before, &bytes, &n, NULL), BF_OK); /* the old card is still there */
  free(bytes);
  bf_error err;
  assert_int_equal(bf_store_edit(store, "a/b", &changes, &version, &err),
                   BF_ERR_MISMATCH); /* made from the older card */
  assert_non_null(strstr(err.message, "changed meanwhile"));
  lines l = {.n = 0};
  assert_int_equal(bf_store_log(store, "a/b", 1, hear_event, &l, NULL), BF_OK);
  char wanted[300];
  snprintf(wanted, sizeof wanted,
           " edit a/b@1 card %s -> " HASH_OF_NEW
           ", domain lyon, task tagging, license mit, summary, source accuracy 0.75\n",
           before);
  assert_non_null(strstr(l.text, wanted));
  changes = (bf_store_changes)BF_STORE_CHANGES_INIT;
  changes.set_source_accuracy = true; /* NaN: no longer known */
  assert_int_equal(edit(store, "a/b", &changes), BF_OK);
  m = find(store, "a/b", &list);
  assert_true(isnan(m->source_accuracy));
  assert_string_equal(m->license, "mit");
  bf_store_list_free(list);
  bf_store_close(store);
}

static void the_log_says_who_did_what_newest_first_also_of_what_is_gone(void **state) {
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.create = true;
  options.who = "ada\nl";
  bf_store *store = NULL;
  uint32_t n = 0;
  bf_fsck_report report;
  assert_int_equal(bf_store_open(*state, &options, &store, NULL), BF_OK);
  add(store, "a/b", "one");
  add(store, "c/d", "two");
  assert_int_equal(tag(store, "a/b", "x=1,y", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_set_alias(store, "a/b", "production", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_remove_alias(store, "a/b", "production", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_remove(store, "a/b", &n, NULL), BF_OK);
  check_store(store, true, &report);
  lines l = {.n = 0};
  assert_int_equal(bf_store_log(store, NULL, 0, hear_event, &l, NULL), BF_OK);
  assert_string_equal(l.text,
                      "ada?l gc @0 \n"
                      "ada?l remove a/b@1 \n"
                      "ada?l alias a/b@1 -production (was 1)\n"
                      "ada?l alias a/b@1 production: 1\n"
                      "ada?l tag a/b@1 x=1, y\n"
                      "ada?l add c/d@1 \n"
                      "ada?l add a/b@1 \n");
  l = (lines){.n = 0};
  assert_int_equal(bf_store_log(store, "a/b", 2, hear_event, &l, NULL), BF_OK);
  assert_int_equal(l.n, 2);
  l = (lines){.n = 99};
  assert_int_equal(bf_store_log(store, "a/b", 0, hear_event, &l, NULL), BF_OK);
  assert_int_equal(l.n, 100); /* false stops it */
  bf_store_close(store);
}

/* ------------------------------------------------------------------ questions */

/* Names and versions that a query gives, with blanks between. */
static const char *answer(bf_store *store, const bf_store_query *query) {
  static char text[600];
  bf_store_list *list = NULL;
  bf_error err;
  text[0] = 0;
  if (bf_store_select(store, query, &list, &err) != BF_OK) fail_msg("select: %s", err.message);
  for (size_t i = 0; i < bf_store_list_count(list); ++i) {
    const bf_store_model *m = bf_store_list_at(list, i);
    size_t at = strlen(text);
    snprintf(text + at, sizeof text - at, "%s%s@%u", i > 0 ? " " : "", m->name, m->version);
  }
  bf_store_list_free(list);
  return text;
}

static const char *words(bf_store *store, const char *text) {
  bf_store_query query = BF_STORE_QUERY_INIT;
  query.search = text;
  return answer(store, &query);
}

static void add_texts(bf_store *store) {
  static const struct {
    const char *name, *summary, *card;
  } rows[] = {{"lab/gait", "Walks.", "A barometer in the pocket, G\xC3\xB6teborg."},
              {"lab/air", "Air quality", "Not a gait model. barometer barometer"},
              {"x/other", "", "nothing \"quoted\" AND NEAR(x) * col:um"}};
  for (size_t i = 0; i < 3; ++i) {
    bf_store_entry entry = entry_of(rows[i].name, rows[i].name);
    uint32_t version = 0;
    entry.card = (const uint8_t *)rows[i].card;
    entry.card_bytes = strlen(rows[i].card);
    entry.summary = rows[i].summary;
    assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_OK);
  }
}

static void words_are_found_in_name_summary_card_and_tags_the_name_first(void **state) {
  bf_store *store = open_store(*state);
  add_texts(store);
  assert_string_equal(words(store, "gait"), "lab/gait@1 lab/air@1");
  assert_string_equal(words(store, "GOTEBORG"), "lab/gait@1");
  assert_string_equal(words(store, "barometer pocket"), "lab/gait@1");
  assert_string_equal(words(store, "baro*"), "lab/air@1 lab/gait@1");
  assert_string_equal(words(store, "baro"), "");
  assert_string_equal(words(store, "quality"), "lab/air@1");
  assert_string_equal(words(store, "lyon"), "");
  assert_int_equal(tag(store, "x/other", "site=lyon", NULL, NULL), BF_OK);
  assert_string_equal(words(store, "lyon"), "x/other@1");
  assert_string_equal(words(store, "site=lyon"), "x/other@1");
  assert_int_equal(tag(store, "x/other", NULL, "site", NULL), BF_OK);
  assert_string_equal(words(store, "lyon"), "");
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  changes.card = (const uint8_t *)"sunshine";
  changes.card_bytes = 8;
  assert_int_equal(edit(store, "lab/gait", &changes), BF_OK);
  assert_string_equal(words(store, "pocket"), "");
  assert_string_equal(words(store, "sunshine"), "lab/gait@1");
  uint32_t n = 0;
  assert_int_equal(bf_store_remove(store, "lab/gait", &n, NULL), BF_OK);
  assert_string_equal(words(store, "sunshine"), "");
  bf_store_close(store);
}

static void what_is_searched_for_is_never_taken_for_a_language(void **state) {
  bf_store *store = open_store(*state);
  add_texts(store);
  static const char *const odd[] = {"\"", "\"\"", "\"quoted\"", "AND", "NEAR(x)", "a OR b", "col:um", "*",
                                    "**", "(",    "-x",         "^a",  "{a b}",   "'",      ";",      ""};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; ++i) (void)words(store, odd[i]);
  assert_string_equal(words(store, "\"quoted\""), "x/other@1");
  assert_string_equal(words(store, "nothing AND"), "x/other@1");
  assert_string_equal(words(store, "gait OR quoted"), "");
  bf_store_query query = BF_STORE_QUERY_INIT;
  query.search = "\xFF";
  bf_store_list *list = NULL;
  assert_int_equal(bf_store_select(store, &query, &list, NULL), BF_ERR_INVALID_ARGUMENT);
  bf_store_close(store);
}

static void lists_are_sorted_with_the_unknown_last_either_way(void **state) {
  bf_store *store = open_store(*state);
  static const double accuracies[] = {0.5, NAN, 0.9, 0.7};
  static const char *const names[] = {"m/a", "m/b", "m/c", "m/d"}, *const years[] = {"year=9", "year=10", NULL,
                                                                                     "year=x"};
  for (size_t i = 0; i < 4; ++i) {
    bf_store_entry entry = entry_of(names[i], names[i]);
    uint32_t version = 0;
    entry.source_accuracy = accuracies[i];
    assert_int_equal(bf_store_add(store, &entry, &version, NULL), BF_OK);
    if (years[i] != NULL) assert_int_equal(tag(store, names[i], years[i], NULL, NULL), BF_OK);
  }
  bf_store_query query = BF_STORE_QUERY_INIT;
  query.sort = "accuracy";
  assert_string_equal(answer(store, &query), "m/a@1 m/d@1 m/c@1 m/b@1");
  query.sort = "-metrics.accuracy";
  assert_string_equal(answer(store, &query), "m/c@1 m/d@1 m/a@1 m/b@1");
  query.sort = "size, -name";
  assert_string_equal(answer(store, &query), "m/d@1 m/c@1 m/b@1 m/a@1");
  query.sort = "-tags.year";
  assert_string_equal(answer(store, &query), "m/b@1 m/a@1 m/d@1 m/c@1");
  query.sort = "name";
  query.pattern = "m/[ab]";
  assert_string_equal(answer(store, &query), "m/a@1 m/b@1");
  query.pattern = "/c";
  assert_string_equal(answer(store, &query), "m/c@1");
  bf_error err;
  bf_store_list *list = NULL;
  query.sort = "name,-acuracy";
  assert_int_equal(bf_store_select(store, &query, &list, &err), BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(err.position, 6);
  assert_non_null(strstr(err.message, "did you mean accuracy?"));
  bf_store_close(store);
}

/* ------------------------------------------------------------------ checking */

typedef struct said {
  char text[4000];
} said;

static void hear(void *context, const char *severity, const char *line) {
  said *s = context;
  size_t n = strlen(s->text);
  snprintf(s->text + n, sizeof s->text - n, "%s: %s\n", severity, line);
}

static bf_fsck_report check(bf_store *store, bool gc, said *s) {
  bf_fsck_report report;
  bf_error err;
  s->text[0] = 0;
  if (bf_store_fsck(store, gc, hear, s, &report, &err) != BF_OK) fail_msg("fsck: %s", err.message);
  return report;
}

static void fsck_names_aliases_metrics_and_numbers_that_cannot_be(void **state) {
  bf_store *store = open_store(*state);
  said s;
  add(store, "a/b", "one");
  add(store, "c/d", "two");
  assert_true(check(store, false, &s).database_ok);
  execute(*state, "INSERT INTO aliases VALUES (1, 'production', 2)");
  assert_false(check(store, false, &s).database_ok);
  assert_non_null(strstr(s.text, "alias a/b@production points to a version of another model"));
  execute(*state, "DELETE FROM aliases; INSERT INTO metrics VALUES (1, 'f1', 9e999), (2, 'f2', 'x')");
  assert_false(check(store, false, &s).database_ok);
  assert_non_null(strstr(s.text, "metric f1 of a/b@1 is no finite number"));
  assert_non_null(strstr(s.text, "metric f2 of c/d@1 is no finite number"));
  execute(*state, "DELETE FROM metrics; UPDATE models SET next_version = 1 WHERE id = 1");
  assert_false(check(store, false, &s).database_ok);
  assert_non_null(strstr(s.text, "a/b has version 1 but gives out 1 next"));
  bf_store_close(store);
}

static void a_damaged_full_text_index_is_told_and_made_anew_by_gc(void **state) {
  static const char *const damage[] = {
      "UPDATE texts SET summary = 'lies' WHERE rowid = 1",
      "DELETE FROM texts WHERE rowid = 1",
      "INSERT INTO texts (rowid, name) VALUES (99, 'ghost')",
      "UPDATE texts_content SET c2 = 'another card' WHERE id = 1",
      "DELETE FROM texts_data WHERE id > 10",
      "UPDATE texts_data SET block = zeroblob(length(block)) WHERE id > 10",
  };
  bf_store *store = open_store(*state);
  said s;
  add_texts(store);
  for (size_t i = 0; i < sizeof damage / sizeof *damage; ++i) {
    bf_store_close(store);
    execute(*state, damage[i]);
    store = open_store(*state);
    bf_fsck_report report = check(store, false, &s);
    assert_true(report.database_ok);
    if (report.index_ok) fail_msg("not seen: %s", damage[i]);
    assert_non_null(strstr(s.text, "warning: full-text search: "));
    report = check(store, true, &s);
    assert_false(report.index_ok);
    report = check(store, false, &s);
    if (!report.index_ok) fail_msg("%s: %s", damage[i], s.text);
    assert_string_equal(words(store, "barometer pocket"), "lab/gait@1");
    assert_string_equal(words(store, "ghost"), "");
  }
  bf_store_close(store);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(a_tag_takes_the_place_of_the_value_that_its_key_had),
      STORE_TEST(tags_belong_to_one_version_and_the_latest_is_meant_where_none_is_said),
      STORE_TEST(what_cannot_be_a_tag_metric_or_alias_is_refused),
      STORE_TEST(metrics_are_read_back_to_the_bit_and_accuracy_stands_for_the_source_accuracy),
      STORE_TEST(an_alias_names_a_version_wherever_a_model_is_named),
      STORE_TEST(removing_is_refused_while_an_alias_points_there_and_says_how_to_go_on),
      STORE_TEST(an_edit_replaces_card_and_columns_and_the_log_has_both_hashes),
      STORE_TEST(the_log_says_who_did_what_newest_first_also_of_what_is_gone),
      STORE_TEST(words_are_found_in_name_summary_card_and_tags_the_name_first),
      STORE_TEST(what_is_searched_for_is_never_taken_for_a_language),
      STORE_TEST(lists_are_sorted_with_the_unknown_last_either_way),
      STORE_TEST(fsck_names_aliases_metrics_and_numbers_that_cannot_be),
      STORE_TEST(a_damaged_full_text_index_is_told_and_made_anew_by_gc),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
