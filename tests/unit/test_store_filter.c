/* The filter language: what it says of a small repository, and how it answers what it cannot read. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* needs the four before it */
/* clang-format on */

#include <math.h>

#include "store_testing.h"

/* Four versions, called by letters in what follows:
 *   g  lab/gait@1   image, 100 rows, accuracy 0.9,  mit, site=lyon, year=2021, fast, f1 0.5; alias production
 *   h  lab/gait@2   image, 100 rows, accuracy 0.8,  no licence, site=paris, year=n/a, f1 0.7; aliases candidate,
 * staging a  lab/air@1    no sketch, no accuracy, apache-2.0, tag it's=o'clock x  x/odd_name@1 features, 7 rows,
 * accuracy 0.6, MIT, metric accuracy 0.3 */
static bf_store *store_of(const char *folder) {
  bf_store *store = open_store(folder);
  static const struct row {
    const char *name, *kind, *license, *tags, *task;
    uint64_t rows;
    double accuracy;
    bf_store_metric metric;
  } rows[] = {
      {"lab/gait", "image", "mit", "site=lyon,year=2021,fast", "classification", 100, 0.9, {"f1", 0.5}},
      {"lab/gait", "image", "", "site=paris,year=n/a", "classification", 100, 0.8, {"f1", 0.7}},
      {"lab/air", NULL, "apache-2.0", "it's=o'clock", "regression", 0, NAN, {NULL, 0}},
      {"x/odd_name", "features", "MIT", "", "classification", 7, 0.6, {"accuracy", 0.3}},
  };
  for (size_t i = 0; i < 4; ++i) {
    const struct row *r = &rows[i];
    char content[16];
    snprintf(content, sizeof content, "content %zu", i);
    bf_store_entry entry = entry_of(r->name, content);
    uint32_t version = 0;
    bf_error err;
    entry.kind = r->kind;
    entry.sketch = r->kind != NULL ? (const uint8_t *)"s" : NULL;
    entry.sketch_bytes = 1;
    entry.rows = r->rows;
    entry.license = r->license;
    entry.task = r->task;
    entry.source_accuracy = r->accuracy;
    entry.tags = &r->tags;
    entry.n_tags = 1;
    entry.metrics = &r->metric;
    entry.n_metrics = r->metric.name != NULL;
    if (bf_store_add(store, &entry, &version, &err) != BF_OK) fail_msg("add: %s", err.message);
  }
  assert_int_equal(bf_store_set_alias(store, "lab/gait@1", "production", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_set_alias(store, "lab/gait@2", "candidate", NULL, NULL), BF_OK);
  assert_int_equal(bf_store_set_alias(store, "lab/gait@2", "staging", NULL, NULL), BF_OK);
  return store;
}

static bf_status select_with(bf_store *store, const char *filter, bool all, bf_store_list **list, bf_error *err) {
  bf_store_query query = BF_STORE_QUERY_INIT;
  query.filter = filter;
  query.all_versions = all;
  return bf_store_select(store, &query, list, err);
}

/* Letters of the versions that meet a filter, sorted by name: a g h x. */
static void answer(bf_store *store, const char *filter, bool all, char out[8]) {
  bf_store_list *list = NULL;
  bf_error err;
  if (select_with(store, filter, all, &list, &err) != BF_OK) fail_msg("%s: %s", filter, err.message);
  size_t n = bf_store_list_count(list);
  for (size_t i = 0; i < n; ++i) {
    const bf_store_model *m = bf_store_list_at(list, i);
    out[i] = m->name[0] == 'x' ? 'x' : m->name[4] == 'a' ? 'a' : m->version == 1 ? 'g' : 'h';
  }
  out[n] = 0;
  bf_store_list_free(list);
}

static void conditions_hold_for_the_versions_that_they_should(void **state) {
  static const struct {
    const char *filter, *wanted;
  } cases[] = {
      {"name = 'lab/gait'", "gh"},
      {"NAME='lab/gait'", "gh"},
      {"owner = 'lab'", "agh"},
      {"owner != 'lab'", "x"},
      {"version = 1", "agx"},
      {"version >= 2", "h"},
      {"name like '%ai%'", "agh"},
      {"name like 'X/ODD%'", "x"},
      {"name not like 'lab/%'", "x"},
      {"name like 'x/odd_name'", "x"},
      {"task = 'classification'", "ghx"},
      {"kind = 'image' and version < 2", "g"},
      {"kind is null", "a"},
      {"kind is not null", "ghx"},
      {"kind != 'image'", "x"}, /* what has none does not differ */
      {"not kind = 'image'", "ax"},
      {"license is null", "h"},
      {"license = 'mit'", "g"},
      {"license in ('mit', 'MIT')", "gx"},
      {"license not in ('mit', 'MIT')", "a"},
      {"not license in ('mit', 'MIT')", "ah"},
      {"rows > 50", "gh"},
      {"rows <= 7", "x"},
      {"rows < 1e2", "x"},
      {"accuracy > 0.8", "g"},
      {"accuracy >= 0.8 and accuracy < 0.9", "h"},
      {"accuracy is null", "a"},
      {"accuracy = .6", "x"},
      {"size = 9", "aghx"},
      {"created >= '2020-01-01' and created < '2999'", "aghx"},
      {"domain = 'lab/air'", "a"},
      {"tags.site = 'lyon'", "g"},
      {"tags.site != 'lyon'", "h"},
      {"tags.site is null", "ax"},
      {"tags.site is not null", "gh"},
      {"tags.site like 'PAR%'", "h"},
      {"tags.site not like 'par%'", "g"},
      {"tags.site in ('lyon', 'nice')", "g"},
      {"tags.site not in ('lyon', 'nice')", "h"},
      {"tags.year = 2021", "g"},
      {"tags.year > 2020", "g"},
      {"tags.year < 3000", "g"}, /* n/a is no number */
      {"tags.year in (2020, 2021)", "g"},
      {"tags.year = '2021'", "g"},
      {"tags.fast is not null", "g"},
      {"tags.fast = ''", ""}, /* a word has no value */
      {"tags.\"it's\" = 'o''clock'", "a"},
      {"tags.`it's` is not null", "a"},
      {"metrics.f1 > 0.6", "h"},
      {"metrics.f1 in (0.5, 0.7)", "gh"},
      {"metrics.f1 != 0.5", "h"},
      {"metrics.f1 is null", "ax"},
      {"metrics.accuracy > 0.7", "gh"},
      {"metrics.accuracy < 0.5", "x"}, /* the one given, not the card's */
      {"metrics.accuracy is not null", "ghx"},
      {"alias = 'production'", "g"},
      {"alias != 'production'", "ahx"},
      {"alias in ('candidate', 'production')", "gh"},
      {"alias not in ('candidate', 'production')", "ax"},
      {"alias like 'sta%'", "h"},
      {"alias not like 'sta%'", "agx"},
      {"alias is null", "ax"},
      {"alias is not null", "gh"},
      {"tags.site = 'lyon' or tags.site = 'paris' and rows > 1000", "g"},
      {"(tags.site = 'lyon' or tags.site = 'paris') and rows > 10", "gh"},
      {"not not not rows = 7", "agh"},
      {"not (rows = 7 or kind is null)", "gh"},
      {"not rows = 7 and not kind is null", "gh"},
      {"tags.site = 'lyon' and metrics.accuracy > 0.8 and task = 'classification'", "g"},
      {" \t\n( ( rows=7 ) ) ", "x"},
      {"name = '1'' OR 1=1 --'", ""},
      {"rows > -1 and rows > +0", "ghx"},
  };
  bf_store *store = store_of(*state);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char found[8];
    answer(store, cases[i].filter, true, found);
    if (strcmp(found, cases[i].wanted) != 0) fail_msg("%s: %s, not %s", cases[i].filter, found, cases[i].wanted);
  }
  bf_store_close(store);
}

static void the_latest_versions_are_asked_unless_the_filter_names_version_or_alias(void **state) {
  bf_store *store = store_of(*state);
  char found[8];
  answer(store, "tags.site = 'lyon'", false, found);
  assert_string_equal(found, "");
  answer(store, "tags.site is not null", false, found);
  assert_string_equal(found, "h");
  answer(store, "alias = 'production'", false, found);
  assert_string_equal(found, "g");
  answer(store, "version = 1 and owner = 'lab'", false, found);
  assert_string_equal(found, "ag");
  bf_store_close(store);
}

static void what_cannot_be_read_is_said_with_its_place_and_a_remedy(void **state) {
  static const struct {
    const char *filter;
    int64_t position;
    const char *words;
  } cases[] = {
      {"", 0, "a comparison is expected"},
      {"licence = 'mit'", 0, "did you mean license?"},
      {"rows = 1 and siez > 2", 13, "did you mean size?"},
      {"site = 'lyon'", 0, "A tag is written tags.site"},
      {"zzzzzzzz = 1", 0, "there are name, owner, version"},
      {"tags = 'x'", 0, "write tags.KEY"},
      {"tag.site = 'x'", 0, "write tags.KEY"},
      {"metrics > 1", 0, "write metrics.NAME"},
      {"tags. = 'x'", 0, "needs a key"},
      {"domain = lyon", 9, "'lyon'"},
      {"domain = \"lyon\"", 9, "single quotes"},
      {"domain == 'lyon'", 7, "write = instead of =="},
      {"domain <> 'lyon'", 7, "write != instead of <>"},
      {"rows = 1 && rows = 2", 9, "write and instead of &&"},
      {"rows = 1 || rows = 2", 9, "write or instead of ||"},
      {"!rows = 1", 0, "write not instead of !"},
      {"domain = 'lyon", 9, "no closing '"},
      {"domain = ", 9, "a value is missing"},
      {"domain", 6, "comes one of = != <"},
      {"rows = '5'", 7, "rows is a number"},
      {"domain = 5", 9, "domain is a text: write '5'"},
      {"metrics.f1 like 'x'", 11, "like is for texts"},
      {"rows like 'x'", 5, "like is for texts"},
      {"alias < 'x'", 6, "an alias has no order"},
      {"domain in 'x'", 10, "in wants a list"},
      {"domain in ()", 11, "a value is missing"},
      {"domain in ('a' 'b')", 15, "comma"},
      {"domain is 5", 10, "null or not null"},
      {"domain not 'x'", 11, "not like or not in"},
      {"domain like 5", 12, "like wants a text"},
      {"(rows = 1", 0, "never closed"},
      {"rows = 1)", 8, "and, or, or the end"},
      {"rows = 1 rows = 2", 9, "and, or, or the end"},
      {"rows = 1 and", 12, "a comparison is expected"},
      {"rows = 1.2.3", 7, "no number"},
      {"rows = 1e999", 7, "no number"},
      {"rows = 5kg", 7, "no number"},
      {"rows = 1; drop table models", 8, "means nothing here"},
      {"name = '\xFF'", 8, "not UTF-8"},
      {"tags.\"x = 1", 5, "no closing \""},
  };
  bf_store *store = store_of(*state);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    bf_store_list *list = NULL;
    bf_error err;
    bf_status status = select_with(store, cases[i].filter, true, &list, &err);
    if (status != BF_ERR_INVALID_ARGUMENT || err.position != cases[i].position ||
        strstr(err.message, cases[i].words) == NULL)
      fail_msg("%s: %s at %lld: %s", cases[i].filter, bf_status_name(status), (long long)err.position, err.message);
    assert_null(list);
  }
  bf_store_close(store);
}

static void places_are_counted_in_characters(void **state) {
  bf_store *store = store_of(*state);
  bf_store_list *list = NULL;
  bf_error err;
  assert_int_equal(select_with(store, "name = '\xC3\xA4\xC3\xB6' and rwos = 1", true, &list, &err),
                   BF_ERR_INVALID_ARGUMENT);
  assert_int_equal(err.position, 18);
  assert_non_null(strstr(err.message, "filter, character 17: "));
  bf_store_close(store);
}

static void filters_that_are_too_long_or_too_deep_are_refused(void **state) {
  bf_store *store = store_of(*state);
  bf_store_list *list = NULL;
  bf_error err;
  char *text = calloc(20000, 1);
  for (size_t i = 0; i < 12; ++i) strcat(text, "(");
  strcat(text, "rows = 1");
  for (size_t i = 0; i < 12; ++i) strcat(text, ")");
  assert_int_equal(select_with(store, text, true, &list, &err), BF_ERR_LIMIT);
  text[0] = 0;
  for (size_t i = 0; i < 11; ++i) strcat(text, "not ");
  strcat(text, "rows = 7");
  char found[8];
  answer(store, text, true, found);
  assert_string_equal(found, "agh");
  text[0] = 0; /* what takes most of SQLite's stack */
  for (size_t i = 0; i < 11; ++i) strcat(text, "(rows = 1 or rows > 1 and ");
  strcat(text, "tags.year not in (1, 2) or rows = 1 and tags.year not in (1, 2)");
  for (size_t i = 0; i < 11; ++i) strcat(text, ")");
  answer(store, text, true, found);
  assert_string_equal(found, "gh");
  text[0] = 0;
  for (size_t i = 0; i < 5; ++i) strcat(text, "rows = 1 or rows > 1 and not (");
  strcat(text, "rows = 1 or rows > 1 and tags.year not in (1, 2)");
  for (size_t i = 0; i < 5; ++i) strcat(text, ")");
  answer(store, text, true, found);
  assert_string_equal(found, "x");
  text[0] = 0;
  for (size_t i = 0; i < 200; ++i) strcat(text, i > 0 ? " or rows = 7" : "rows = 7");
  answer(store, text, true, found);
  assert_string_equal(found, "x");
  strcat(text, " or rows = 8");
  assert_int_equal(select_with(store, text, true, &list, &err), BF_ERR_LIMIT);
  strcpy(text, "name in ('a'");
  for (size_t i = 0; i < 300; ++i) strcat(text, ", 'a'");
  strcat(text, ")");
  assert_int_equal(select_with(store, text, true, &list, &err), BF_ERR_LIMIT);
  memset(text, ' ', 8193);
  assert_int_equal(select_with(store, text, true, &list, &err), BF_ERR_LIMIT);
  free(text);
  bf_store_close(store);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORE_TEST(conditions_hold_for_the_versions_that_they_should),
      STORE_TEST(the_latest_versions_are_asked_unless_the_filter_names_version_or_alias),
      STORE_TEST(what_cannot_be_read_is_said_with_its_place_and_a_remedy),
      STORE_TEST(places_are_counted_in_characters),
      STORE_TEST(filters_that_are_too_long_or_too_deep_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
