/* Experience read from a repository: a search of a sketch alone learns from it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <bestfit/search.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
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

/* ---- what was learnt is kept ---- */

typedef struct lab {
  char folder[40], file[100];
  bf_store *store;
} lab;

static void open_lab(lab *l, bool read_only) {
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  bf_error err = {0};
  options.create = !read_only;
  options.read_only = read_only;
  if (bf_store_open(l->folder, &options, &l->store, &err) != BF_OK) fail_msg("%s", err.message);
}

static lab make_lab(size_t n_domains) {
  lab l = {.folder = "/tmp/bestfit-kept-XXXXXX"};
  assert_non_null(mkdtemp(l.folder));
  snprintf(l.file, sizeof l.file, "%s/cache/experience-features-accuracy-0.bin", l.folder);
  open_lab(&l, false);
  for (size_t m = 0; m < MODELS; m++) add_model(l.store, m);
  add_experience(l.store, n_domains, false);
  return l;
}

static int remove_entry(const char *path, const struct stat *info, int what, struct FTW *walk) {
  (void)info;
  (void)what;
  (void)walk;
  return remove(path);
}

static void leave_lab(lab *l) {
  bf_store_close(l->store);
  assert_int_equal(nftw(l->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static bf_search_result *look(const lab *l, const bf_search_options *options) {
  bf_search_result *result = NULL;
  bf_error err = {0};
  bf_sketch *target = make_normal_sketch(77, 400, D, 1.1, 1.0, NAMES);
  if (bf_search(l->store, target, options, &result, &err) != BF_OK) fail_msg("%s", err.message);
  bf_sketch_free(target);
  return result;
}

static void assert_same_and_free(bf_search_result *a, bf_search_result *b) {
  assert_string_equal(bf_search_result_strategy(a), bf_search_result_strategy(b));
  assert_int_equal(bf_search_result_count(a), bf_search_result_count(b));
  assert_int_equal(bf_search_result_trust(a)->n_pairs, bf_search_result_trust(b)->n_pairs);
  for (size_t i = 0; i < bf_search_result_count(a); i++) {
    const bf_ranked *x = bf_search_result_at(a, i), *y = bf_search_result_at(b, i);
    assert_string_equal(x->id, y->id);
    assert_memory_equal(&x->expected_accuracy, &y->expected_accuracy, sizeof x->expected_accuracy);
    assert_memory_equal(&x->interval_high, &y->interval_high, sizeof x->interval_high);
    assert_int_equal(x->n_reasons, y->n_reasons);
    for (size_t r = 0; r < x->n_reasons; r++) assert_string_equal(x->reasons[r], y->reasons[r]);
  }
  bf_search_result_free(a);
  bf_search_result_free(b);
}

/* A replaced file has another inode; one that was left alone has the same. */
static ino_t file_of(const lab *l) {
  struct stat info;
  return stat(l->file, &info) == 0 ? info.st_ino : 0;
}

static void remove_outputs(const lab *l) {
  bf_store_experience_list *rows = NULL;
  assert_int_equal(bf_store_read_experience(l->store, &rows, NULL), BF_OK);
  for (size_t i = 0; i < bf_store_experience_count(rows); i++) {
    char *path = NULL;
    assert_int_equal(bf_store_blob_path(l->store, bf_store_experience_at(rows, i)->outputs_sha256, &path, NULL), BF_OK);
    assert_int_equal(unlink(path), 0);
    free(path);
  }
  bf_store_experience_free(rows);
}

static void a_second_search_reads_what_the_first_has_learnt(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  assert_int_equal(file_of(&l), 0);
  bf_search_result *first = look(&l, NULL);
  ino_t file = file_of(&l);
  assert_true(file != 0);
  remove_outputs(&l); /* nothing to learn from but the file */
  bf_search_result *second = look(&l, NULL);
  assert_int_equal(file_of(&l), file);
  assert_string_equal(bf_search_result_strategy(second), "stage-1");
  assert_same_and_free(first, second);
  leave_lab(&l);
}

static void what_was_added_or_edited_is_learnt_from(void **state) {
  (void)state;
  lab l = make_lab(5);
  bf_search_result_free(look(&l, NULL));
  ino_t before = file_of(&l);
  add_experience(l.store, MODELS, false);
  bf_search_result *result = look(&l, NULL);
  ino_t after = file_of(&l);
  assert_int_equal(bf_search_result_trust(result)->n_domains, MODELS);
  assert_true(after != before);
  bf_search_result_free(result);
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  changes.domain = "lab/m0"; /* m1 and m0 are now of one domain: m1 teaches nothing of m0's rows */
  assert_int_equal(bf_store_edit(l.store, "lab/m1", &changes, NULL, NULL), BF_OK);
  result = look(&l, NULL);
  assert_int_equal(bf_search_result_trust(result)->n_pairs, MODELS * (MODELS - 1) - 2);
  assert_true(file_of(&l) != after);
  after = file_of(&l);
  bf_search_result_free(result);
  uint32_t n_removed = 0;
  assert_int_equal(bf_store_remove(l.store, "lab/m5", &n_removed, NULL), BF_OK);
  result = look(&l, NULL);
  assert_int_equal(bf_search_result_trust(result)->n_domains, MODELS - 1);
  assert_true(file_of(&l) != after);
  after = file_of(&l);
  bf_search_result_free(result);
  add_model(l.store, 6);
  bf_search_result_free(look(&l, NULL));
  assert_true(file_of(&l) != after);
  leave_lab(&l);
}

static void other_options_are_learnt_for_anew(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  bf_search_result_free(look(&l, NULL));
  ino_t file = file_of(&l);
  char other[120];
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.metric = BF_METRIC_F1; /* "yes", the last of two */
  bf_search_result_free(look(&l, &options));
  snprintf(other, sizeof other, "%s/cache/experience-features-f1-0.bin", l.folder);
  assert_int_equal(access(other, R_OK), 0);
  assert_int_equal(file_of(&l), file);
  options = (bf_search_options)BF_SEARCH_OPTIONS_INIT;
  options.measure.n_threads = 1; /* changes no bit */
  bf_search_result_free(look(&l, &options));
  assert_int_equal(file_of(&l), file);
  options.measure.seed = 8;
  bf_search_result_free(look(&l, &options));
  assert_true(file_of(&l) != file);
  leave_lab(&l);
}

static void a_domain_left_out_is_neither_kept_nor_read(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.exclude_domain = "lab/m3";
  bf_search_result *before = look(&l, &options);
  assert_int_equal(file_of(&l), 0);
  bf_search_result_free(look(&l, NULL));
  ino_t file = file_of(&l);
  bf_search_result *after = look(&l, &options);
  assert_int_equal(file_of(&l), file);
  assert_int_equal(bf_search_result_trust(after)->n_domains, MODELS - 1);
  assert_same_and_free(before, after);
  leave_lab(&l);
}

static void a_damaged_file_is_replaced(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  bf_search_result *first = look(&l, NULL);
  uint8_t *bytes = NULL, *again = NULL;
  size_t n = 0, n_again = 0;
  assert_int_equal(bf__file_read(l.file, 1 << 24, &bytes, &n, NULL), BF_OK);
  bytes[n / 2] ^= 0x10;
  assert_int_equal(bf__file_write_atomic(l.file, bytes, n, NULL), BF_OK);
  bytes[n / 2] ^= 0x10;
  assert_same_and_free(first, look(&l, NULL));
  assert_int_equal(bf__file_read(l.file, 1 << 24, &again, &n_again, NULL), BF_OK);
  assert_int_equal(n, n_again);
  assert_memory_equal(bytes, again, n);
  free(bytes);
  free(again);
  leave_lab(&l);
}

static void a_repository_that_is_only_read_is_searched(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  bf_search_result *first = look(&l, NULL);
  assert_int_equal(unlink(l.file), 0);
  bf_store_close(l.store);
  open_lab(&l, true);
  assert_same_and_free(first, look(&l, NULL));
  assert_int_equal(file_of(&l), 0);
  bf_store_close(l.store);
  char folder[64];
  snprintf(folder, sizeof folder, "%s/cache", l.folder); /* a file is where the folder should be: nothing can be kept */
  assert_int_equal(rmdir(folder), 0);
  assert_int_equal(bf__file_write_atomic(folder, "x", 1, NULL), BF_OK);
  open_lab(&l, false);
  assert_same_and_free(look(&l, NULL), look(&l, NULL));
  leave_lab(&l);
}

static void what_could_not_be_read_is_not_kept(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  bf_store_experience_list *rows = NULL;
  char *path = NULL;
  assert_int_equal(bf_store_read_experience(l.store, &rows, NULL), BF_OK);
  assert_int_equal(bf_store_blob_path(l.store, bf_store_experience_at(rows, 0)->outputs_sha256, &path, NULL), BF_OK);
  assert_int_equal(unlink(path), 0);
  bf_search_result_free(look(&l, NULL)); /* learns from the others */
  assert_int_equal(file_of(&l), 0);
  free(path);
  bf_store_experience_free(rows);
  leave_lab(&l);
}

static void learning_ahead_keeps_what_a_search_would(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  size_t n = 0;
  assert_int_equal(bf_search_learn(l.store, BF_KIND_FEATURES, NULL, &n, NULL), BF_OK);
  assert_int_equal(n, MODELS);
  ino_t file = file_of(&l);
  assert_true(file != 0);
  bf_search_result_free(look(&l, NULL));
  assert_int_equal(file_of(&l), file);
  assert_int_equal(bf_search_learn(l.store, BF_KIND_FEATURES, NULL, NULL, NULL), BF_OK);
  assert_int_equal(file_of(&l), file);
  assert_int_equal(bf_search_learn(l.store, BF_KIND_TEXT, NULL, &n, NULL), BF_OK);
  assert_int_equal(n, 0);
  leave_lab(&l);
  l = make_lab(3);
  assert_int_equal(bf_search_learn(l.store, BF_KIND_FEATURES, NULL, &n, NULL), BF_OK);
  assert_int_equal(n, 3);
  assert_int_equal(file_of(&l), 0); /* too little */
  leave_lab(&l);
}

static void count_line(void *context, const char *severity, const char *line) {
  assert_string_equal(severity, "note");
  assert_non_null(strstr(line, "of the cache freed"));
  ++*(size_t *)context;
}

static void fsck_frees_what_is_kept_and_minds_nothing_else(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  bf_fsck_report report;
  char leftover[140], foreign[140];
  size_t n_lines = 0;
  bf_search_result_free(look(&l, NULL));
  snprintf(leftover, sizeof leftover, "%s.0badf00d.tmp", l.file);
  snprintf(foreign, sizeof foreign, "%s/cache/notes.txt", l.folder);
  assert_int_equal(bf__file_write_atomic(leftover, "x", 1, NULL), BF_OK);
  assert_int_equal(bf__file_write_atomic(foreign, "x", 1, NULL), BF_OK);
  assert_int_equal(bf_store_fsck(l.store, false, count_line, &n_lines, &report, NULL), BF_OK);
  assert_int_equal(n_lines, 0);
  assert_true(file_of(&l) != 0);
  assert_int_equal(bf_store_fsck(l.store, true, count_line, &n_lines, &report, NULL), BF_OK);
  assert_int_equal(n_lines, 1);
  assert_int_equal(file_of(&l), 0);
  assert_int_equal(access(leftover, F_OK), -1);
  assert_int_equal(access(foreign, F_OK), 0);
  leave_lab(&l);
}

static void no_allocation_that_fails_keeps_or_says_nonsense(void **state) {
  (void)state;
  lab l = make_lab(MODELS);
  uint8_t *whole = NULL;
  size_t n_whole = 0;
  bf_search_result_free(look(&l, NULL));
  assert_int_equal(bf__file_read(l.file, 1 << 24, &whole, &n_whole, NULL), BF_OK);
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_sketch *target = make_normal_sketch(77, 400, D, 1.1, 1.0, NAMES);
  options.measure.n_threads = 1; /* the count is the thread's */
  bool failed = true;
  for (long n = 1; failed; n += 37) {
    bf_search_result *result = NULL;
    if (n % 2) unlink(l.file); /* there may be none */
    bf__alloc_fail_at(n);
    bf_status status = bf_search(l.store, target, &options, &result, NULL);
    failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    assert_true(status == BF_OK || (status == BF_ERR_MEMORY && failed && result == NULL));
    bf_search_result_free(result);
    if (file_of(&l) == 0) continue;
    uint8_t *kept = NULL;
    size_t n_kept = 0;
    assert_int_equal(bf__file_read(l.file, 1 << 24, &kept, &n_kept, NULL), BF_OK);
    assert_int_equal(n_kept, n_whole);
    assert_memory_equal(kept, whole, n_whole);
    free(kept);
  }
  bf_sketch_free(target);
  free(whole);
  leave_lab(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_search_learns_from_what_the_repository_has_seen),
      cmocka_unit_test(too_little_experience_leaves_the_order_by_data),
      cmocka_unit_test(records_that_do_not_decode_are_left_out),
      cmocka_unit_test(a_second_search_reads_what_the_first_has_learnt),
      cmocka_unit_test(what_was_added_or_edited_is_learnt_from),
      cmocka_unit_test(other_options_are_learnt_for_anew),
      cmocka_unit_test(a_domain_left_out_is_neither_kept_nor_read),
      cmocka_unit_test(a_damaged_file_is_replaced),
      cmocka_unit_test(a_repository_that_is_only_read_is_searched),
      cmocka_unit_test(what_could_not_be_read_is_not_kept),
      cmocka_unit_test(learning_ahead_keeps_what_a_search_would),
      cmocka_unit_test(fsck_frees_what_is_kept_and_minds_nothing_else),
      cmocka_unit_test(no_allocation_that_fails_keeps_or_says_nonsense),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
