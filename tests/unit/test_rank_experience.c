/* Experience read from a repository: a search of a sketch alone learns from it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <bestfit/search.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "make_sketch.h"

enum { D = 4, MODELS = 6, ITEMS = 120, CLASSES = 2 };
static const char *const NAMES[D] = {"a", "b", "c", "d"};
static const char *const LABELS[CLASSES] = {"no", "yes"};

/* What model m says of the rows of domain d, right the less the farther they are apart; you own the bytes. */
static uint8_t *say(size_t m, size_t d, size_t *n_bytes, double *accuracy) {
  static float scores[ITEMS * CLASSES];
  int32_t truth[ITEMS];
  uint8_t *bytes = NULL;
  size_t n_right = 0;
  bf__random random = bf__random_of(100 * m + d + 1);
  memset(scores, 0, sizeof scores);
  for (size_t i = 0; i < ITEMS; i++) {
    truth[i] = (int32_t)(i % 2);
    bool right = bf__random_unit(&random) < 0.95 - 0.08 * fabs((double)m - (double)d);
    scores[i * CLASSES + (size_t)(right ? truth[i] : 1 - truth[i])] = 2.0f;
    n_right += right;
  }
  *accuracy = (double)n_right / ITEMS;
  bf_outputs outputs = {.n_items = ITEMS, .n_classes = CLASSES, .scores = scores, .are_logits = true};
  assert_int_equal(bf_outputs_encode(&outputs, LABELS, truth, &bytes, n_bytes, NULL), BF_OK);
  return bytes;
}

static void add_model(bf_store *store, size_t m) {
  char name[16], card[64];
  uint8_t *sketch = NULL;
  bf_store_entry entry = BF_STORE_ENTRY_INIT;
  bf_error err = {0};
  uint32_t version = 0;
  bf_sketch *made = make_normal_sketch(m + 1, 400, D, 0.5 * (double)m, 1.0, NAMES);
  snprintf(name, sizeof name, "lab/m%zu", m);
  snprintf(card, sizeof card, "# model %zu\n", m);
  assert_int_equal(bf_sketch_encode(made, &sketch, &entry.sketch_bytes, NULL), BF_OK);
  entry.name = name;
  entry.kind = "features";
  entry.sketch = sketch;
  entry.model_bytes = (const uint8_t *)name;
  entry.model_n_bytes = strlen(name);
  entry.card = (const uint8_t *)card;
  entry.card_bytes = strlen(card);
  entry.source_accuracy = 0.95;
  if (bf_store_add(store, &entry, &version, &err) != BF_OK) fail_msg("%s", err.message);
  free(sketch);
  bf_sketch_free(made);
}

static void add_experience(bf_store *store, size_t n_domains, bool broken) {
  static char names[MODELS][16];
  bf_store_experience rows[MODELS * MODELS];
  bf_error err = {0};
  size_t n = 0;
  for (size_t m = 0; m < MODELS; m++) snprintf(names[m], sizeof names[m], "lab/m%zu", m);
  for (size_t d = 0; d < n_domains; d++)
    for (size_t m = 0; m < MODELS; m++) {
      bf_store_experience *row = &rows[n++];
      *row = (bf_store_experience){
          .model = names[m], .version = 1, .domain_model = names[d], .domain_version = 1, .n_items = ITEMS};
      uint8_t *bytes = say(m, d, &row->outputs_bytes, &row->accuracy);
      row->macro_f1 = NAN;
      if (broken) bytes[row->outputs_bytes / 2] ^= 0x40;
      row->outputs = bytes;
    }
  if (bf_store_add_experience(store, rows, n, &err) != BF_OK) fail_msg("%s", err.message);
  for (size_t i = 0; i < n; i++) free((void *)rows[i].outputs);
}

static bf_search_result *search(size_t n_domains, bool broken) {
  char folder[] = "/tmp/bestfit-experience-XXXXXX", command[64];
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  bf_store *store = NULL;
  bf_search_result *result = NULL;
  bf_error err = {0};
  assert_non_null(mkdtemp(folder));
  options.create = true;
  if (bf_store_open(folder, &options, &store, &err) != BF_OK) fail_msg("%s", err.message);
  for (size_t m = 0; m < MODELS; m++) add_model(store, m);
  if (n_domains > 0) add_experience(store, n_domains, broken);
  bf_sketch *target = make_normal_sketch(77, 400, D, 1.1, 1.0, NAMES);
  if (bf_search(store, target, NULL, &result, &err) != BF_OK) fail_msg("%s", err.message);
  bf_sketch_free(target);
  bf_store_close(store);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  assert_int_equal(system(command), 0);
  return result;
}

static void a_search_learns_from_what_the_repository_has_seen(void **state) {
  (void)state;
  bf_search_result *result = search(MODELS, false);
  const bf_trust *trust = bf_search_result_trust(result);
  assert_string_equal(bf_search_result_strategy(result), "stage-1");
  assert_true(bf_search_result_data_only(result));
  assert_int_equal(trust->n_domains, MODELS);
  assert_int_equal(trust->n_pairs, MODELS * (MODELS - 1));
  assert_string_equal(trust->grade, "medium"); /* fewer than nine labelled domains */
  assert_int_equal(bf_search_result_count(result), MODELS);
  const bf_ranked *first = bf_search_result_at(result, 0);
  assert_string_equal(first->id, "lab/m2"); /* trained where the mean is 1.0 */
  assert_true(first->expected_accuracy > 0.8 && first->expected_accuracy < 0.99);
  bf_search_result_free(result);
}

static void too_little_experience_leaves_the_order_by_data(void **state) {
  (void)state;
  static const size_t n_domains[] = {0, 3};
  for (size_t i = 0; i < 2; i++) {
    bf_search_result *result = search(n_domains[i], false);
    assert_string_equal(bf_search_result_strategy(result), "similarity");
    assert_int_equal(bf_search_result_trust(result)->n_domains, n_domains[i]);
    assert_true(isnan(bf_search_result_at(result, 0)->expected_accuracy));
    bf_search_result_free(result);
  }
}

/* The blobs are as they were stored; what they hold is not what the store says. */
static void records_that_do_not_decode_are_left_out(void **state) {
  (void)state;
  bf_search_result *result = search(MODELS, true);
  assert_string_equal(bf_search_result_strategy(result), "similarity");
  assert_int_equal(bf_search_result_trust(result)->n_domains, 0);
  assert_int_equal(bf_search_result_count(result), MODELS);
  bf_search_result_free(result);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_search_learns_from_what_the_repository_has_seen),
      cmocka_unit_test(too_little_experience_leaves_the_order_by_data),
      cmocka_unit_test(records_that_do_not_decode_are_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
