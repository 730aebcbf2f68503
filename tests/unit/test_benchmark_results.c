/* The results of the benchmark on a folder small enough to be worked out by hand; hostile files of a run; the pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bestfit/benchmark.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "benchmark/report_pages.h"

#define assert_near(a, b) assert_true(fabs((a) - (b)) <= 1e-6)

static char folder[200];

/* ---- the folder ---- */

static void put(const char *text, const char *format, ...) {
  char path[400];
  va_list arguments;
  va_start(arguments, format);
  int n = snprintf(path, sizeof path, "%s/", folder);
  vsnprintf(path + n, sizeof path - (size_t)n, format, arguments);
  va_end(arguments);
  char *slash = strrchr(path, '/');
  *slash = '\0';
  assert_int_equal(bf__make_directories(path, NULL), BF_OK);
  *slash = '/';
  assert_int_equal(bf__file_write_atomic(path, text, strlen(text), NULL), BF_OK);
}

#define DOMAIN(name, group, stranger)                                                         \
  "{\"name\": \"" name "\", \"title\": \"T\", \"group\": \"" group "\", \"origin\": \"" group \
  "\", \"stranger\": " stranger ", \"rows\": 9, \"has_model\": true}"
#define COLLECTION(name, title, workload, seed, f1, domains, missing)                                       \
  "{\"bestfit_collection\": 1, \"name\": \"" name "\", \"title\": \"" title "\", \"workload\": \"" workload \
  "\", \"kind\": \"features\", \"seed\": " seed                                                             \
  ", \"key\": \"k\", \"headline\": true, \"metric\": \"accuracy\", "                                        \
  "\"f1\": " f1 ", \"datasets\": [\"d\"], \"domains\": [" domains "], \"missing\": [" missing "]}"
#define FOUR \
  DOMAIN("a", "g", "false") "," DOMAIN("b", "g", "false") "," DOMAIN("c", "h", "false") "," DOMAIN("d", "h", "false")
#define THREE DOMAIN("e", "i", "false") "," DOMAIN("f", "j", "false") "," DOMAIN("x", "k", "true")
#define MODEL(domain, accuracy, f1, source)                                                                      \
  "{\"id\": \"zoo/" domain "\", \"domain\": \"" domain "\", \"accuracy\": " accuracy ", \"macro_f1\": " accuracy \
  ", \"f1\": " f1 ", \"source_accuracy\": " source "}"
#define STRATEGY(name, family, rest) "{\"name\": \"" name "\", \"family\": \"" family "\", " rest "}"
#define COST ", \"seconds\": 0.5, \"bytes\": 1000, \"why\": null"
#define OTHERS                                                                                           \
  STRATEGY("reverse", "data", "\"scores\": [1, 3, 2]" COST)                                              \
  ", " STRATEGY("flat", "data", "\"scores\": [2, 2, 2]" COST) ", " STRATEGY(                             \
      "empty", "data", "\"scores\": [null, null, null]" COST) ", " STRATEGY("ensemble-vote", "ensemble", \
                                                                            "\"accuracy\": 0.93" COST)
#define PART STRATEGY("part", "words", "\"scores\": [3, null, 2]" COST)
#define NO_PART STRATEGY("part", "words", "\"scores\": [], \"why\": \"it has no words\"")
#define TRUST "\"trust\": {\"grade\": \"high\", \"novel\": false, \"no_suitable_model\": false}"
#define RUN(collection, seed, variant, target, models, strategies, expected)                             \
  "{\"bestfit_run\": 1, \"collection\": \"" collection "\", \"seed\": " seed ", \"variant\": \"" variant \
  "\", \"target\": \"" target "\", \"models\": [" models "], \"strategies\": [" strategies               \
  "], \"expected\": " expected ", " TRUST ", \"run_seconds\": 1, \"learn_seconds\": 2, \"of_a_later_version\": []}"
#define GOOD_MODELS \
  MODEL("b", "0.9", "null", "0.95") "," MODEL("c", "0.7", "null", "0.95") "," MODEL("d", "0.8", "null", "0.95")
#define RIGHT STRATEGY("auto", "learned", "\"scores\": [3, 1, 2]" COST)
#define WRONG STRATEGY("auto", "learned", "\"scores\": [1, 3, 2]" COST)
#define GOOD_EXPECTED \
  "{\"strategy\": \"auto\", \"accuracy\": [0.95, 0.75, 0.85], \"low\": [0.8, 0.6, 0.7], \"high\": [1, 0.9, 1]}"
#define DSADS_RUN(target, part) \
  RUN("dsads", "1", "standard", target, GOOD_MODELS, RIGHT ", " OTHERS ", " part, GOOD_EXPECTED)
#define PAIR_MODELS \
  MODEL("f", "0.6", "0.2", "0.9") "," MODEL("e", "0.4", "0.6", "0.9") "," MODEL("x", "0.5", "0.4", "0.9")
#define PAIR_EXPECTED \
  "{\"strategy\": \"auto\", \"accuracy\": [0.8, 0.6, 0.7], \"low\": [0.7, 0.5, 0.6], \"high\": [0.9, 0.7, 0.8]}"
#define PAIR_RUN(target, automatic) \
  RUN("entity_matching", "1", "standard", target, PAIR_MODELS, automatic ", " OTHERS ", " NO_PART, PAIR_EXPECTED)
#define MISSING "{\"domain\": \"y\", \"why\": \"not here\", \"get\": \"bestfit bench fetch --only em\"}"

/* dsads: four targets whose first choice by auto is right; entity_matching: two where it is wrong, and a stranger. */
static void make_folder(void) {
  snprintf(folder, sizeof folder, "%s/bench-results.%d", P_tmpdir, (int)getpid());
  put(COLLECTION("dsads", "<script>Positions</script>", "activity recognition", "1", "null", FOUR, ""),
      "seed-1/dsads/collection.json");
  put(DSADS_RUN("a", PART), "seed-1/dsads/runs/standard/a.json");
  put(DSADS_RUN("b", PART), "seed-1/dsads/runs/standard/b.json");
  put(DSADS_RUN("c", NO_PART), "seed-1/dsads/runs/standard/c.json");
  put(DSADS_RUN("d", NO_PART), "seed-1/dsads/runs/standard/d.json");
  put(COLLECTION("entity_matching", "Pairs", "entity matching", "1", "\"1\"", THREE, MISSING),
      "seed-1/entity_matching/collection.json");
  put(PAIR_RUN("e", WRONG), "seed-1/entity_matching/runs/standard/e.json");
  put(PAIR_RUN("f", WRONG), "seed-1/entity_matching/runs/standard/f.json");
  put(PAIR_RUN("x", RIGHT), "seed-1/entity_matching/runs/standard/x.json");
}

static void remove_folder(void) {
  char command[300];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  assert_int_equal(system(command), 0);
}

static int setup(void **state) {
  (void)state;
  make_folder();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  remove_folder();
  return 0;
}

static bf_bench_report *report_of(uint32_t n_threads) {
  bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
  bf_bench_report *report = NULL;
  bf_error err = {0};
  options.bench = folder;
  options.n_threads = n_threads;
  if (bf_bench_report_create(&options, &report, &err) != BF_OK) fail_msg("%s", err.message);
  return report;
}

static json_t *results_of(void) {
  bf_bench_report *report = report_of(1);
  json_t *results = json_loads(bf_bench_report_json(report), 0, NULL);
  assert_non_null(results);
  bf_bench_report_free(report);
  return results;
}

static void check(const json_t *strategies, const char *strategy, const char *metric, double mean, size_t n) {
  bf__figure f = bf__figure_at(json_object_get(strategies, strategy), metric);
  if (f.n != n || fabs(f.mean - mean) > 1e-6)
    fail_msg("%s of %s is %g of %zu, not %g of %zu", metric, strategy, f.mean, f.n, mean, n);
}

/* ---- figures ---- */

static void metrics_of_a_collection_are_those_worked_out_by_hand(void **state) {
  (void)state;
  json_t *results = results_of();
  const json_t *s = BF__AT(results, "collections", "dsads", "strategies");
  check(s, "auto", "regret", 0, 4);
  check(s, "auto", "spearman", 1, 4);
  check(s, "auto", "hit", 1, 4);
  check(s, "reverse", "regret", 0.2, 4);
  check(s, "reverse", "regret_top3", 0, 4);
  check(s, "reverse", "spearman", -1, 4);
  check(s, "reverse", "kendall", -1, 4);
  check(s, "flat", "regret", 0.1, 4); /* .9 less the mean of .9, .7 and .8 */
  check(s, "flat", "hit", 1.0 / 3, 4);
  check(s, "flat", "spearman", 0, 4);
  json_decref(results);
}

static void the_pooled_figure_is_the_mean_of_collections_without_strangers(void **state) {
  (void)state;
  json_t *results = results_of();
  const json_t *s = BF__AT(results, "pooled", "strategies");
  check(s, "auto", "regret", 0.1, 6); /* of 0 and .2, though one has four targets and the other two */
  check(s, "auto", "spearman", 0, 6);
  check(BF__AT(results, "strangers", "strategies"), "auto", "regret", 0, 1);
  check(BF__AT(results, "workloads", "entity matching", "strategies"), "auto", "regret", 0.2, 2);
  check(BF__AT(results, "pooled", "differences", "strategies"), "reverse", "regret", 0.1, 6);
  check(BF__AT(results, "pooled", "differences", "strategies"), "reverse", "spearman", -1, 6);
  assert_string_equal(bf__text_at(BF__AT(results, "pooled", "differences"), "against", ""), "auto");
  json_decref(results);
}

static void an_ensemble_is_set_against_the_best_model(void **state) {
  (void)state;
  json_t *results = results_of();
  const json_t *s = BF__AT(results, "collections", "dsads", "strategies");
  check(s, "ensemble-vote", "regret", -0.03, 4);
  assert_null(BF__AT(s, "ensemble-vote", "spearman"));
  json_decref(results);
}

static void targets_without_an_answer_are_counted_and_listed(void **state) {
  (void)state;
  json_t *results = results_of();
  const json_t *list = json_object_get(results, "unanswered"), *one;
  size_t i, n_part = 0, n_empty = 0;
  check(BF__AT(results, "pooled", "strategies"), "part", "regret", 0, 2);
  assert_null(BF__AT(results, "pooled", "strategies", "empty"));
  json_array_foreach(list, i, one) {
    const char *strategy = bf__text_at(one, "strategy", ""), *collection = bf__text_at(one, "collection", "");
    n_empty += strcmp(strategy, "empty") == 0;
    if (strcmp(strategy, "part") != 0) continue;
    n_part++;
    assert_string_equal(bf__text_at(one, "why", ""), "it has no words");
    if (strcmp(collection, "dsads") != 0) continue;
    assert_int_equal(json_integer_value(json_object_get(one, "n")), 2);
    assert_int_equal(json_integer_value(json_object_get(one, "of")), 4);
    assert_string_equal(json_string_value(json_array_get(json_object_get(one, "targets"), 0)), "c");
  }
  assert_int_equal(n_part, 2);
  assert_int_equal(n_empty, 2);
  json_decref(results);
}

static void f1_stands_beside_accuracy(void **state) {
  (void)state;
  json_t *results = results_of();
  const json_t *of = BF__AT(results, "collections", "entity_matching");
  check(BF__AT(of, "f1", "strategies"), "auto", "regret", 0, 2); /* the worst by accuracy is the best by F1 */
  check(BF__AT(of, "f1", "strategies"), "auto", "spearman", 1, 2);
  check(json_object_get(of, "strategies"), "auto", "regret", 0.2, 2);
  assert_null(BF__AT(results, "collections", "dsads", "f1"));
  json_decref(results);
}

static void expected_accuracies_are_set_against_the_truth(void **state) {
  (void)state;
  json_t *results = results_of();
  const json_t *pooled = BF__AT(results, "trust", "standard", "pooled");
  assert_near(bf__figure_at(pooled, "mae").mean, 0.125); /* .05 and .2 */
  assert_near(bf__figure_at(pooled, "coverage").mean, 0.5);
  assert_near(bf__figure_at(pooled, "coverage_chosen").mean, 0.5);
  assert_near(bf__figure_at(pooled, "novel").mean, 0);
  /* the events are the targets of entity_matching, the stranger too: .6 is below .9 - .15; scores .3, .3, .1 against 0
   */
  const json_t *first = json_array_get(BF__AT(results, "trust", "suitability"), 0);
  assert_near(bf__number_at(first, "auc"), 1);
  assert_int_equal(json_integer_value(json_object_get(first, "events")), 3);
  assert_int_equal(json_integer_value(json_object_get(first, "n")), 7);
  json_decref(results);
}

static void seeds_are_averaged_for_each_target_first(void **state) {
  (void)state;
  put(COLLECTION("dsads", "P", "activity recognition", "2", "null", FOUR, ""), "seed-2/dsads/collection.json");
  put(RUN("dsads", "2", "standard", "a", GOOD_MODELS, WRONG, "null"), "seed-2/dsads/runs/standard/a.json");
  json_t *results = results_of();
  check(BF__AT(results, "collections", "dsads", "strategies"), "auto", "regret", 0.1 / 4, 4);
  assert_int_equal(json_array_size(json_object_get(results, "seeds")), 2);
  json_decref(results);
}

static bool misses(const json_t *results, const char *collection, const char *domain, const char *get) {
  const json_t *one, *list = json_object_get(results, "missing");
  size_t i;
  json_array_foreach(list, i, one) {
    if (strcmp(bf__text_at(one, "collection", ""), collection) == 0 &&
        strcmp(bf__text_at(one, "domain", ""), domain) == 0 && strcmp(bf__text_at(one, "get", ""), get) == 0)
      return true;
  }
  return false;
}

static void what_is_missing_is_listed_with_the_command(void **state) {
  (void)state;
  char path[300];
  snprintf(path, sizeof path, "%s/seed-1/dsads/runs/standard/d.json", folder);
  assert_int_equal(unlink(path), 0);
  json_t *results = results_of();
  assert_true(misses(results, "entity_matching", "y", "bestfit bench fetch --only em"));
  assert_true(misses(results, "dsads", "d", "bestfit bench run dsads"));
  assert_true(misses(results, "pos", "", "bestfit bench train pos && bestfit bench run pos"));
  assert_int_equal(json_array_size(json_object_get(results, "missing")), 6); /* and three collections more */
  check(BF__AT(results, "collections", "dsads", "strategies"), "auto", "regret", 0, 3);
  json_decref(results);
}

static void sizes_are_compared_on_common_targets(void **state) {
  (void)state;
  put(RUN("dsads", "1", "rows-30", "a", GOOD_MODELS, WRONG ", " OTHERS, "null"), "seed-1/dsads/runs/rows-30/a.json");
  put(RUN("dsads", "1", "rows-30", "b", GOOD_MODELS, RIGHT ", " OTHERS, "null"), "seed-1/dsads/runs/rows-30/b.json");
  put(RUN("dsads", "1", "rows-100", "a", GOOD_MODELS, RIGHT ", " OTHERS, "null"), "seed-1/dsads/runs/rows-100/a.json");
  json_t *results = results_of();
  const json_t *sizes = json_object_get(results, "sizes");
  assert_int_equal(json_integer_value(json_object_get(sizes, "targets")), 1); /* a alone has both */
  assert_int_equal(json_array_size(json_object_get(sizes, "rows")), 2);
  const json_t *regret = BF__AT(sizes, "strategies", "auto", "regret");
  assert_int_equal(json_array_size(regret), 3);
  assert_near(bf__number_at(json_array_get(regret, 0), "mean"), 0.2);
  assert_near(bf__number_at(json_array_get(regret, 1), "mean"), 0);
  json_decref(results);
}

static void the_papers_measures_are_of_words_where_there_are_some(void **state) {
  (void)state;
#define PAPER(words, arrays)                                                                       \
  RIGHT ", " STRATEGY("paper-word-jsd", "paper", "\"scores\": " words COST) ", " STRATEGY(         \
      "paper-jsd", "paper", "\"scores\": " arrays COST) ", " STRATEGY("paper-adaptivity", "paper", \
                                                                      "\"scores\": [2, 2, 2]" COST)
  put(RUN("dsads", "1", "standard", "a", GOOD_MODELS, PAPER("[3, 1, 2]", "[1, 3, 2]"), "null"),
      "seed-1/dsads/runs/standard/a.json");
  put(RUN("dsads", "1", "standard", "b", GOOD_MODELS, PAPER("[]", "[1, 3, 2]"), "null"),
      "seed-1/dsads/runs/standard/b.json");
  json_t *results = results_of();
  check(BF__AT(results, "collections", "dsads", "strategies"), "paper-jsd-mixed", "regret", 0.1, 2); /* 0, .2 */
  /* adaptivity, .1 each, less that */
  const json_t *claim = json_array_get(json_object_get(results, "claim"), 0);
  assert_string_equal(bf__text_at(claim, "adaptivity", ""), "paper-adaptivity-mixed");
  assert_near(bf__figure_at(BF__AT(claim, "collections", "dsads"), "regret").mean, 0);
  json_decref(results);
}

static void threads_change_nothing(void **state) {
  (void)state;
  bf_bench_report *one = report_of(1), *two = report_of(2);
  assert_string_equal(bf_bench_report_json(one), bf_bench_report_json(two));
  bf_bench_report_free(one);
  bf_bench_report_free(two);
}

/* ---- hostile files ---- */

static void refused(const char *text, bf_status expected, const char *words) {
  bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
  bf_bench_report *report = NULL;
  bf_error err = {0};
  put(text, "seed-1/dsads/runs/standard/a.json");
  options.bench = folder;
  options.n_threads = 1;
  bf_status status = bf_bench_report_create(&options, &report, &err);
  if (status != expected)
    fail_msg("status %s, not %s, of %.300s", bf_status_name(status), bf_status_name(expected), text);
  assert_null(report);
  if (strstr(err.message, words) == NULL || strstr(err.message, "a.json") == NULL)
    fail_msg("'%s' does not say '%s' and the file", err.message, words);
}

#define OF(models, strategies, expected) RUN("dsads", "1", "standard", "a", models, strategies, expected)

static void a_run_of_the_wrong_types_is_refused_and_named(void **state) {
  (void)state;
  refused("", BF_ERR_FORMAT, "not JSON");
  refused("[1]", BF_ERR_FORMAT, "no object");
  refused("{\"bestfit_run\": \"1\"}", BF_ERR_FORMAT, "bestfit_run");
  refused("{\"bestfit_run\": 2}", BF_ERR_UNSUPPORTED, "version 2");
  refused("{\"bestfit_run\": 1, \"bestfit_run\": 1}", BF_ERR_FORMAT, "not JSON");
  refused(OF("", RIGHT, "null"), BF_ERR_FORMAT, "'models'");
  refused(OF("3", RIGHT, "null"), BF_ERR_FORMAT, "model 1");
  refused(OF(MODEL("b", "\"0.9\"", "null", "null"), RIGHT, "null"), BF_ERR_FORMAT, "'accuracy'");
  refused(OF(MODEL("b", "null", "null", "null"), RIGHT, "null"), BF_ERR_FORMAT, "'accuracy'");
  refused(OF(MODEL("b", "1.5", "null", "null"), RIGHT, "null"), BF_ERR_FORMAT, "'accuracy'");
  refused(OF(MODEL("b", "-0.1", "null", "null"), RIGHT, "null"), BF_ERR_FORMAT, "'accuracy'");
  refused(OF(MODEL("b", "NaN", "null", "null"), RIGHT, "null"), BF_ERR_FORMAT, "not JSON");
  refused(OF(MODEL("b", "1e999", "null", "null"), RIGHT, "null"), BF_ERR_FORMAT, "not JSON");
  refused(OF(MODEL("b", "0.9", "true", "null"), RIGHT, "null"), BF_ERR_FORMAT, "'f1'");
}

static void strategies_of_another_shape_are_refused(void **state) {
  (void)state;
  refused(OF(GOOD_MODELS, STRATEGY("auto", "learned", "\"scores\": [1, 2]"), "null"), BF_ERR_FORMAT, "'scores'");
  refused(OF(GOOD_MODELS, STRATEGY("auto", "learned", "\"scores\": [1, 2, 3, 4]"), "null"), BF_ERR_FORMAT, "'scores'");
  refused(OF(GOOD_MODELS, STRATEGY("auto", "learned", "\"scores\": [1, 2, \"3\"]"), "null"), BF_ERR_FORMAT, "'scores'");
  refused(OF(GOOD_MODELS, STRATEGY("auto", "learned", "\"scores\": {}"), "null"), BF_ERR_FORMAT, "'scores'");
  refused(OF(GOOD_MODELS, STRATEGY("auto", "learned", "\"accuracy\": 7"), "null"), BF_ERR_FORMAT, "'accuracy'");
  refused(OF(GOOD_MODELS, STRATEGY("<b>", "learned", "\"scores\": []"), "null"), BF_ERR_FORMAT, "'name'");
  refused(OF(GOOD_MODELS, STRATEGY("auto", "", "\"scores\": []"), "null"), BF_ERR_FORMAT, "'family'");
  refused(OF(GOOD_MODELS, RIGHT ", " RIGHT, "null"), BF_ERR_FORMAT, "there twice");
  refused(OF(GOOD_MODELS, STRATEGY("auto", "learned", "\"scores\": [], \"seconds\": -1"), "null"), BF_ERR_FORMAT,
          "'seconds'");
  refused(OF(GOOD_MODELS, STRATEGY("auto", "learned", "\"scores\": [], \"why\": 3"), "null"), BF_ERR_FORMAT, "'why'");
}

static void expectations_of_another_shape_are_refused(void **state) {
  (void)state;
  refused(OF(GOOD_MODELS, RIGHT, "3"), BF_ERR_FORMAT, "'expected'");
  refused(OF(GOOD_MODELS, RIGHT, "{\"accuracy\": [1]}"), BF_ERR_FORMAT, "'accuracy'");
  refused(OF(GOOD_MODELS, RIGHT, "{\"accuracy\": [1, 1, 1]}"), BF_ERR_FORMAT, "'low'");
}

static void a_run_of_another_place_is_refused(void **state) {
  (void)state;
  refused(RUN("pos", "1", "standard", "a", GOOD_MODELS, RIGHT, "null"), BF_ERR_MISMATCH, "'collection'");
  refused(RUN("dsads", "2", "standard", "a", GOOD_MODELS, RIGHT, "null"), BF_ERR_MISMATCH, "'seed'");
  refused(RUN("dsads", "1", "own-in", "a", GOOD_MODELS, RIGHT, "null"), BF_ERR_MISMATCH, "'variant'");
  refused(RUN("dsads", "1", "standard", "b", GOOD_MODELS, RIGHT, "null"), BF_ERR_MISMATCH, "'target'");
}

static void a_folder_without_runs_says_what_makes_them(void **state) {
  (void)state;
  bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
  bf_bench_report *report = NULL;
  bf_error err = {0};
  options.bench = "/nowhere/at/all";
  assert_int_equal(bf_bench_report_create(&options, &report, &err), BF_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "bestfit bench train"));
  options.results = "/nowhere.json";
  assert_int_equal(bf_bench_report_create(&options, &report, &err), BF_ERR_INVALID_ARGUMENT);
}

/* ---- pages ---- */

static char *page_of(const bf_bench_report *report, bf_bench_page page) {
  char *text = NULL;
  bf_error err = {0};
  if (bf_bench_report_write(report, page, &text, &err) != BF_OK) fail_msg("%s", err.message);
  return text;
}

static void the_page_loads_nothing_and_runs_no_script(void **state) {
  (void)state;
  static const char *const never[] = {
      "http:", "https:", "<script", "src=", "href=", "url(", "@import", "<link", "<img"};
  bf_bench_report *report = report_of(1);
  char *html = page_of(report, BF_BENCH_PAGE_HTML);
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (strstr(html, never[i]) != NULL) fail_msg("'%s' is on the page", never[i]);
  assert_non_null(strstr(html, "&lt;script&gt;Positions")); /* the title of the collection, as text */
  assert_non_null(strstr(html, "default-src 'none'"));
  assert_non_null(strstr(html, "<svg"));
  assert_null(strstr(html, "nan\""));
  assert_null(strstr(html, "=\"inf"));
  free(html);
  bf_bench_report_free(report);
}

static void titles_state_the_finding(void **state) {
  (void)state;
  bf_bench_report *report = report_of(1);
  char *text = page_of(report, BF_BENCH_PAGE_MARKDOWN);
  assert_non_null(strstr(text, "auto loses .100 [.100, .100] of accuracy"));
  assert_non_null(strstr(text, "entity_matching by F1: least regret in F1 has auto"));
  assert_non_null(strstr(text, "Expected accuracy: off by .125; .50 of intervals hold, .50 of the chosen models'"));
  assert_non_null(strstr(text, "| entity_matching | y | not here | `bestfit bench fetch --only em` |"));
  free(text);
  bf_bench_report_free(report);
}

static void the_readmes_table_has_a_row_a_strategy(void **state) {
  (void)state;
  bf_bench_report *report = report_of(1);
  char *text = page_of(report, BF_BENCH_PAGE_README);
  assert_non_null(strstr(text, "| strategy | what it needs | macro-average | entity matching, 2 | DSADS, 4 |\n"));
  assert_non_null(strstr(text,
                         "| **.100 [.100, .100] / .00 [.00, .00]** | .200 / \xe2\x88\x92"
                         "1.00 | .000 / 1.00 |\n"));
  free(text);
  bf_bench_report_free(report);
}

static void pages_of_the_results_file_are_those_of_the_runs(void **state) {
  (void)state;
  bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
  bf_bench_report *report = report_of(1), *again = NULL;
  bf_error err = {0};
  char path[300];
  put(bf_bench_report_json(report), "results.json");
  snprintf(path, sizeof path, "%s/results.json", folder);
  options.results = path;
  if (bf_bench_report_create(&options, &again, &err) != BF_OK) fail_msg("%s", err.message);
  assert_string_equal(bf_bench_report_json(again), bf_bench_report_json(report));
  for (int page = BF_BENCH_PAGE_HTML; page <= BF_BENCH_PAGE_README; page++) {
    char *a = page_of(report, (bf_bench_page)page), *b = page_of(again, (bf_bench_page)page);
    assert_string_equal(a, b);
    free(a);
    free(b);
  }
  bf_bench_report_free(report);
  bf_bench_report_free(again);
}

static void reasons_stand_beside_what_differs_from_the_prototype(void **state) {
  (void)state;
  bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
  bf_bench_report *report = NULL;
  bf_error err = {0};
  char path[300];
  put(RUN("dsads", "1", "standard", "a", GOOD_MODELS, STRATEGY("ridge", "learned", "\"scores\": [1, 3, 2]"), "null"),
      "seed-1/dsads/runs/standard/a.json");
  put("{\"prototype\": {\"dsads.ridge\": \"one target only\"}}", "notes.json");
  snprintf(path, sizeof path, "%s/notes.json", folder);
  options.bench = folder;
  options.notes = path;
  if (bf_bench_report_create(&options, &report, &err) != BF_OK) fail_msg("%s", err.message);
  char *text = page_of(report, BF_BENCH_PAGE_MARKDOWN);
  assert_non_null(strstr(text,
                         "| dsads | `ridge` | .007 | .200 | .94 | \xe2\x88\x92"
                         "1.00 | \xe2\x88\x92"
                         "1.94 | one target only |"));
  free(text);
  bf_bench_report_free(report);
}

static void odd_results_make_a_page_all_the_same(void **state) {
  (void)state;
  static const char *const odd[] = {
      "{\"bestfit_results\": 1, \"collections\": {}, \"workloads\": {}, \"pooled\": {}}",
      "{\"bestfit_results\": 1, \"collections\": {\"a\": 3}, \"workloads\": {\"b\": []}, \"pooled\": {\"strategies\": "
      "{\"auto\": {\"regret\": {\"mean\": \"x\", \"n\": 4}, \"spearman\": []}, \"q\": {\"regret\": {\"mean\": 1e14, "
      "\"lo\": 3, \"hi\": 1, \"n\": -4}}, \"r\": {\"regret\": {\"mean\": -5, \"n\": 2}}}}, \"sizes\": {\"rows\": "
      "[\"x\", "
      "null], \"strategies\": {\"auto\": {\"regret\": [3]}}}, \"claim\": [3, {\"collections\": {\"a\": 0}}], "
      "\"trust\": {\"standard\": {\"pooled\": {\"mae\": {\"mean\": 0.5, \"n\": 1}}}, \"suitability\": [null]}, "
      "\"missing\": [4], \"unanswered\": [[]], \"prototype\": [{\"spearman\": 1, \"their_spearman\": 0}], "
      "\"cost\": {\"strategies\": {\"r\": {\"seconds\": 0}}}}",
      "{\"bestfit_results\": 1, \"workloads\": {}, \"pooled\": {}, \"collections\": {\"a\": {\"matrix\": {\"targets\": "
      "[1], \"models\": [\"m\", null], \"accuracy\": [[0.5]]}, \"points\": [1, [\"t\", \"m\", 0.5, null, 2, -7, 3], "
      "[\"t\", \"m\", 0.5, 0.1, 0.9, 0.7, true]]}}}"};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
    bf_bench_report *report = NULL;
    bf_error err = {0};
    char path[300];
    put(odd[i], "odd.json");
    snprintf(path, sizeof path, "%s/odd.json", folder);
    options.results = path;
    if (bf_bench_report_create(&options, &report, &err) != BF_OK) fail_msg("%s", err.message);
    for (int page = BF_BENCH_PAGE_HTML; page <= BF_BENCH_PAGE_README; page++)
      free(page_of(report, (bf_bench_page)page));
    bf_bench_report_free(report);
  }
}

static void results_of_another_kind_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bf_status status;
  } wrong[] = {{"x", BF_ERR_FORMAT},
               {"{}", BF_ERR_FORMAT},
               {"{\"bestfit_results\": 9}", BF_ERR_UNSUPPORTED},
               {"{\"bestfit_results\": 1, \"collections\": [], \"workloads\": {}, \"pooled\": {}}", BF_ERR_FORMAT}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
    bf_bench_report *report = NULL;
    bf_error err = {0};
    char path[300];
    put(wrong[i].text, "wrong.json");
    snprintf(path, sizeof path, "%s/wrong.json", folder);
    options.results = path;
    assert_int_equal(bf_bench_report_create(&options, &report, &err), wrong[i].status);
    assert_non_null(strstr(err.message, "wrong.json"));
  }
}

static void numbers_are_short(void **state) {
  (void)state;
  char out[BF__SHORT_BYTES];
  assert_string_equal(bf__short(out, 0.0174, 3), ".017");
  assert_string_equal(bf__short(out, -0.061, 2), "\xe2\x88\x92.06");
  assert_string_equal(bf__short(out, -0.0001, 2), ".00");
  assert_string_equal(bf__short(out, 1, 2), "1.00");
  assert_string_equal(bf__short(out, NAN, 2), "\xe2\x80\x93");
  assert_string_equal(bf__short(out, INFINITY, 2), "\xe2\x80\x93");
}

static void every_failed_allocation_is_an_error_and_no_leak(void **state) {
  (void)state;
  bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
  options.bench = folder;
  options.n_threads = 1;
  for (long n = 1;; n += 1 + n / 12) {
    bf_bench_report *report = NULL;
    bf_error err = {0};
    bf__alloc_fail_at(n);
    bf_status status = bf_bench_report_create(&options, &report, &err);
    bool failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    if (!failed) {
      assert_int_equal(status, BF_OK);
      bf_bench_report_free(report);
      break;
    }
    if (status != BF_ERR_MEMORY || report != NULL) fail_msg("allocation %ld: %s", n, bf_status_name(status));
  }
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(metrics_of_a_collection_are_those_worked_out_by_hand),
      TEST(the_pooled_figure_is_the_mean_of_collections_without_strangers),
      TEST(an_ensemble_is_set_against_the_best_model),
      TEST(targets_without_an_answer_are_counted_and_listed),
      TEST(f1_stands_beside_accuracy),
      TEST(expected_accuracies_are_set_against_the_truth),
      TEST(seeds_are_averaged_for_each_target_first),
      TEST(what_is_missing_is_listed_with_the_command),
      TEST(sizes_are_compared_on_common_targets),
      TEST(the_papers_measures_are_of_words_where_there_are_some),
      TEST(threads_change_nothing),
      TEST(a_run_of_the_wrong_types_is_refused_and_named),
      TEST(strategies_of_another_shape_are_refused),
      TEST(expectations_of_another_shape_are_refused),
      TEST(a_run_of_another_place_is_refused),
      TEST(a_folder_without_runs_says_what_makes_them),
      TEST(the_page_loads_nothing_and_runs_no_script),
      TEST(titles_state_the_finding),
      TEST(the_readmes_table_has_a_row_a_strategy),
      TEST(pages_of_the_results_file_are_those_of_the_runs),
      TEST(reasons_stand_beside_what_differs_from_the_prototype),
      TEST(odd_results_make_a_page_all_the_same),
      TEST(results_of_another_kind_are_refused),
      TEST(every_failed_allocation_is_an_error_and_no_leak),
      cmocka_unit_test(numbers_are_short),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
