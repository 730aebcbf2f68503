/* collection.json: what is read of it, and what is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "benchmark/collection.h"

#define DOMAIN                                                                                     \
  "{\"name\": \"torso0\", \"title\": \"torso\", \"group\": \"persons 1\", \"origin\": \"torso\", " \
  "\"stranger\": false, \"rows\": 2280, \"has_model\": true}"
#define HEAD                                                                                                        \
  "\"bestfit_collection\": 1, \"name\": \"dsads\", \"title\": \"t\", \"workload\": \"w\", \"kind\": \"features\", " \
  "\"seed\": 1, \"key\": \"k\", \"headline\": true, \"metric\": \"accuracy\""
#define WHOLE "{" HEAD ", \"f1\": null, \"domains\": [" DOMAIN "], \"missing\": []}"

static void a_collection_is_read_with_what_it_lacks(void **state) {
  (void)state;
  static const char json[] =
      "{" HEAD ", \"f1\": \"1\", \"unknown\": [1], \"domains\": [" DOMAIN
      "], \"missing\": [{\"domain\": \"torso1\", \"why\": \"no data\", \"get\": \"bestfit bench fetch\"}]}";
  bf__bench_collection *c = NULL;
  bf_error err = {0};
  assert_int_equal(bf__bench_collection_parse(json, sizeof json - 1, &c, &err), BF_OK);
  assert_string_equal(c->name, "dsads");
  assert_int_equal(c->kind, BF_KIND_FEATURES);
  assert_int_equal(c->seed, 1);
  assert_true(c->headline);
  assert_string_equal(c->f1, "1");
  assert_int_equal(c->n_domains, 1);
  assert_string_equal(c->domains[0].group, "persons 1");
  assert_string_equal(c->domains[0].origin, "torso");
  assert_int_equal(c->domains[0].rows, 2280);
  assert_true(c->domains[0].has_model);
  assert_false(c->domains[0].stranger);
  assert_int_equal(c->n_missing, 1);
  assert_string_equal(c->missing[0].get, "bestfit bench fetch");
  bf__bench_collection_free(c);
}

static void what_is_wrong_is_refused_by_name(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *said;
    bf_status status;
  } cases[] = {
      {"\"bestfit_collection\": 1", "\"bestfit_collection\": 2", "version 2", BF_ERR_UNSUPPORTED},
      {"\"bestfit_collection\": 1, ", "", "'bestfit_collection' is missing", BF_ERR_FORMAT},
      {"\"dsads\"", "\"../dsads\"", "'name' is not a plain name", BF_ERR_FORMAT},
      {"\"dsads\"", "\".dsads\"", "'name' is not a plain name", BF_ERR_FORMAT},
      {"\"dsads\"", "\"ds\\u0000ads\"", "no JSON", BF_ERR_FORMAT},
      {"\"dsads\"", "7", "'name' is missing or no text", BF_ERR_FORMAT},
      {"\"torso0\"", "\"a/b\"", "domain 1: 'name' is not a plain name", BF_ERR_FORMAT},
      {"\"torso0\"", "\"\"", "domain 1: 'name' is not a plain name", BF_ERR_FORMAT},
      {"\"features\"", "\"rows\"", "'kind' is no kind of rows", BF_ERR_FORMAT},
      {"\"seed\": 1", "\"seed\": -1", "'seed' is missing or no whole number", BF_ERR_FORMAT},
      {"\"seed\": 1", "\"seed\": 1.5", "'seed' is missing or no whole number", BF_ERR_FORMAT},
      {"\"headline\": true", "\"headline\": 1", "'headline' is missing, or neither", BF_ERR_FORMAT},
      {"\"stranger\": false", "\"stranger\": null", "domain 'torso0': 'stranger' is missing", BF_ERR_FORMAT},
      {"\"rows\": 2280", "\"rows\": \"2280\"", "'rows' is missing or no whole number", BF_ERR_FORMAT},
      {"[" DOMAIN "]", "[]", "there are no domains", BF_ERR_FORMAT},
      {"[" DOMAIN "]", "{}", "'domains' is missing or no list", BF_ERR_FORMAT},
      {"[" DOMAIN "]", "[3]", "domain 1 is no object", BF_ERR_FORMAT},
      {"[" DOMAIN "]", "[" DOMAIN "," DOMAIN "]", "'torso0' stands there twice", BF_ERR_FORMAT},
      {"\"missing\": []", "\"missing\": [{}]", "missing 1: 'domain' is missing", BF_ERR_FORMAT},
      {"\"missing\": []", "\"seed\": 2", "no JSON", BF_ERR_FORMAT}, /* a key twice */
      {"\"missing\": []}", "", "no JSON", BF_ERR_FORMAT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char json[4096];
    bf__bench_collection *c = NULL;
    bf_error err = {0};
    const char *at = strstr(WHOLE, cases[i].from);
    assert_non_null(at);
    snprintf(json, sizeof json, "%.*s%s%s", (int)(at - WHOLE), WHOLE, cases[i].to, at + strlen(cases[i].from));
    assert_int_equal(bf__bench_collection_parse(json, strlen(json), &c, &err), cases[i].status);
    assert_null(c);
    if (!strstr(err.message, cases[i].said)) fail_msg("case %zu: '%s' lacks '%s'", i, err.message, cases[i].said);
  }
}

static void every_cut_of_a_collection_is_refused(void **state) {
  (void)state;
  for (size_t n = 0; n < sizeof WHOLE - 1; n++) {
    bf__bench_collection *c = NULL;
    assert_int_equal(bf__bench_collection_parse(WHOLE, n, &c, NULL), BF_ERR_FORMAT);
    assert_null(c);
  }
}

static void too_much_is_refused_before_it_is_read(void **state) {
  (void)state;
  size_t n = ((size_t)4 << 20) + 1, used = 0;
  char *big = malloc(n);
  bf__bench_collection *c = NULL;
  assert_non_null(big);
  memset(big, ' ', n);
  assert_int_equal(bf__bench_collection_parse(big, n, &c, NULL), BF_ERR_LIMIT);
  used += (size_t)snprintf(big, n, "{" HEAD ", \"missing\": [], \"domains\": [0");
  for (int i = 0; i < 1000; i++) used += (size_t)snprintf(big + used, n - used, ",0");
  used += (size_t)snprintf(big + used, n - used, "]}");
  assert_int_equal(bf__bench_collection_parse(big, used, &c, NULL), BF_ERR_LIMIT);
  assert_null(c);
  free(big);
}

static void a_lack_of_memory_is_an_error_and_loses_nothing(void **state) {
  (void)state;
  bf_status status = BF_ERR_MEMORY;
  for (long n = 1; n < 50 && status != BF_OK; n++) {
    bf__bench_collection *c = NULL;
    bf__alloc_fail_at(n);
    status = bf__bench_collection_parse(WHOLE, sizeof WHOLE - 1, &c, NULL);
    bf__alloc_fail_at(0);
    assert_true(status == BF_OK || status == BF_ERR_MEMORY);
    assert_int_equal(c != NULL, status == BF_OK);
    bf__bench_collection_free(c);
  }
  assert_int_equal(status, BF_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_collection_is_read_with_what_it_lacks),
      cmocka_unit_test(what_is_wrong_is_refused_by_name),
      cmocka_unit_test(every_cut_of_a_collection_is_refused),
      cmocka_unit_test(too_much_is_refused_before_it_is_read),
      cmocka_unit_test(a_lack_of_memory_is_an_error_and_loses_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
