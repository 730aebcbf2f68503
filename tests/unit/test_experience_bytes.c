/* What was learnt as bytes: what is read answers as what was written, and nothing that is read can do harm. */
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

#include "base/bytes.h"
#include "base/container.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "learn/learn_internal.h"
#include "make_sketch.h"

enum { D = 3, MODELS = 9, ITEMS = 150, CLASSES = 3, TEXTS = 200 };
static const char *const NAMES[D] = {"a", "b", "c"};
static const char *const LABELS[CLASSES] = {"cat", "dog", "owl"};
static const char KEY[] = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";

typedef enum look { NUMBERS, WORDS, NOTHING } look;

/* Models of domains in a row, the farther apart the worse; the last domain is the target. */
typedef struct world {
  size_t n_models, n_items;
  char ids[MODELS][8];
  bf_sketch *sketches[MODELS + 1];
  float *scores[MODELS][MODELS + 1];
  bf_outputs outputs[MODELS][MODELS + 1];
  int32_t *truth[MODELS + 1];
  bf_experience_model models[MODELS];
  size_t n_records;
  bf_experience_record records[MODELS * MODELS];
} world;

static bf_sketch *look_at(look how, size_t d) {
  if (how == NOTHING) return NULL;
  if (how == NUMBERS) return make_normal_sketch(d + 1, 300, D, 0.5 * (double)d, 1.0, NAMES);
  char **texts = make_texts(d + 1, TEXTS, 60, (uint32_t)(3 * d));
  bf_sketch *sketch = make_text_sketch((const char *const *)texts, TEXTS, 1);
  free_texts(texts, TEXTS);
  return sketch;
}

static void say(world *w, size_t m, size_t d, bf__random *random) {
  double right = 0.95 * exp(-0.25 * fabs((double)m - (d < w->n_models ? (double)d : 3.3)));
  float *scores = calloc(w->n_items * CLASSES, sizeof *scores);
  assert_non_null(scores);
  for (size_t i = 0; i < w->n_items; i++) {
    bool knows = bf__random_unit(random) < right;
    size_t said = knows ? (size_t)w->truth[d][i] : (size_t)bf__random_below(random, CLASSES);
    scores[i * CLASSES + said] = (knows ? 2.0f : 1.0f) + (float)bf__random_unit(random);
  }
  w->scores[m][d] = scores;
  w->outputs[m][d] = (bf_outputs){.n_items = w->n_items, .n_classes = CLASSES, .scores = scores, .are_logits = true};
}

static world *make_world(look how, size_t n_models, size_t n_items) {
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  bf__random random = bf__random_of(5);
  w->n_models = n_models;
  w->n_items = n_items;
  for (size_t d = 0; d <= n_models; d++) {
    w->truth[d] = calloc(n_items, sizeof(int32_t));
    assert_non_null(w->truth[d]);
    for (size_t i = 0; i < n_items; i++) w->truth[d][i] = (int32_t)bf__random_below(&random, CLASSES);
    w->sketches[d] = look_at(how, d);
  }
  for (size_t m = 0; m < n_models; m++) {
    snprintf(w->ids[m], sizeof w->ids[m], "lab/m%zu", m % 10);
    w->models[m] = (bf_experience_model){
        .id = w->ids[m], .version = 1, .domain = w->ids[m], .sketch = w->sketches[m], .source_accuracy = 0.95};
    for (size_t d = 0; d <= n_models; d++) {
      say(w, m, d, &random);
      if (d == n_models) continue;
      w->records[w->n_records++] = (bf_experience_record){
          .model = m, .domain = d, .outputs = &w->outputs[m][d], .classes = LABELS, .truth = w->truth[d]};
    }
  }
  return w;
}

static void free_world(world *w) {
  for (size_t d = 0; d <= w->n_models; d++) {
    bf_sketch_free(w->sketches[d]);
    free(w->truth[d]);
    for (size_t m = 0; m < w->n_models; m++) free(w->scores[m][d]);
  }
  free(w);
}

static bf_experience_options options_of(bf_metric metric, size_t n_rows) {
  bf_experience_options options = BF_EXPERIENCE_OPTIONS_INIT;
  options.metric = metric;
  options.positive = metric == BF_METRIC_F1 ? "dog" : NULL;
  options.n_rows = n_rows;
  options.measure.n_threads = 1;
  return options;
}

static bf_experience *learn(const world *w, const bf_experience_options *options) {
  bf_experience *e = NULL;
  bf_error err = {0};
  if (bf_experience_create(w->models, w->n_models, w->records, w->n_records, options, &e, &err) != BF_OK)
    fail_msg("%s", err.message);
  return e;
}

static uint8_t *encode(const bf_experience *e, size_t *n) {
  uint8_t *bytes = NULL;
  bf_error err = {0};
  if (bf__experience_encode(e, KEY, &bytes, n, &err) != BF_OK) fail_msg("%s", err.message);
  return bytes;
}

/* The same learnt, written and read. */
static bf_experience *pass_on(const world *w, const bf_experience *e, const bf_experience_options *options) {
  size_t n = 0, n_again = 0;
  bf_experience *out = NULL;
  bf_error err = {0};
  uint8_t *bytes = encode(e, &n);
  if (bf__experience_decode(bytes, n, KEY, w->models, w->n_models, options, &out, &err) != BF_OK)
    fail_msg("%s", err.message);
  uint8_t *again = encode(out, &n_again);
  assert_int_equal(n, n_again);
  assert_memory_equal(bytes, again, n);
  free(bytes);
  free(again);
  return out;
}

static bf_panel *make_panel(const world *w) {
  bf_panel_model models[MODELS];
  bf_panel *panel = NULL;
  for (size_t m = 0; m < w->n_models; m++)
    models[m] = (bf_panel_model){.id = w->ids[m],
                                 .classes = LABELS,
                                 .n_classes = CLASSES,
                                 .scores = w->scores[m][w->n_models],
                                 .are_logits = true,
                                 .source_accuracy = 0.95,
                                 .similarity = NAN};
  assert_int_equal(bf_panel_create(models, w->n_models, w->n_items, NULL, &panel, NULL), BF_OK);
  return panel;
}

static void assert_same_answers(const world *w, const bf_experience *a, const bf_experience *b) {
  bf_panel *panel = make_panel(w);
  bf__question question = {w->n_models, w->models, panel, w->sketches[w->n_models]};
  for (bf__learner learner = 0; learner < BF__N_LEARNERS; learner++) {
    bf__answer x, y;
    assert_int_equal(bf__ask(a, learner, &question, &x, NULL), BF_OK);
    assert_int_equal(bf__ask(b, learner, &question, &y, NULL), BF_OK);
    assert_memory_equal(x.expected, y.expected, w->n_models * sizeof(double));
    assert_memory_equal(x.order, y.order, w->n_models * sizeof(double));
    assert_memory_equal(x.similarity, y.similarity, w->n_models * sizeof(double));
    assert_memory_equal(x.distance, y.distance, a->n_domains * sizeof(double));
    assert_memory_equal(&x.half_width, &y.half_width, sizeof(double));
    assert_int_equal(x.novel, y.novel);
    assert_int_equal(x.n_novel, y.n_novel);
    bf__answer_deinit(&x);
    bf__answer_deinit(&y);
  }
  bf_panel_free(panel);
}

static void what_was_read_answers_bit_for_bit_as_what_was_learnt(void **state) {
  (void)state;
  for (look how = NUMBERS; how <= WORDS; how++) {
    world *w = make_world(how, MODELS, ITEMS);
    for (bf_metric metric = BF_METRIC_ACCURACY; metric <= BF_METRIC_F1; metric++) {
      bf_experience_options options = options_of(metric, how == WORDS ? 40 : 0);
      bf_experience *learnt = learn(w, &options), *read = pass_on(w, learnt, &options);
      assert_int_equal(bf_experience_domain_count(read), MODELS);
      assert_int_equal(bf_experience_pair_count(read), MODELS * (MODELS - 1));
      assert_int_equal(bf_experience_metric(read), metric);
      assert_int_equal(read->has_ensemble, metric == BF_METRIC_ACCURACY);
      assert_memory_equal(&read->ensemble_gain, &learnt->ensemble_gain, sizeof(double));
      assert_memory_equal(&read->ensemble_gain_low, &learnt->ensemble_gain_low, sizeof(double));
      assert_same_answers(w, learnt, read);
      bf_experience_free(learnt);
      bf_experience_free(read);
    }
    free_world(w);
  }
}

static void what_models_did_on_the_same_rows_is_kept(void **state) {
  (void)state;
  world *w = make_world(NUMBERS, MODELS, ITEMS);
  bf_experience_options options = options_of(BF_METRIC_ACCURACY, 0);
  bf_experience *learnt = learn(w, &options), *read = pass_on(w, learnt, &options);
  bf__shared_sample a, b;
  assert_int_equal(bf__shared_sample_of(learnt, w->models, MODELS, &a, NULL), BF_OK);
  assert_int_equal(bf__shared_sample_of(read, w->models, MODELS, &b, NULL), BF_OK);
  assert_int_equal(b.n_items, ITEMS);
  assert_int_equal(a.n_items, b.n_items);
  assert_memory_equal(a.agreement, b.agreement, MODELS * MODELS * sizeof(double));
  assert_memory_equal(a.accuracy, b.accuracy, MODELS * sizeof(double));
  bf__shared_sample_deinit(&a);
  bf__shared_sample_deinit(&b);
  bf_experience_free(learnt);
  bf_experience_free(read);
  free_world(w);
}

static void a_ranking_by_what_was_read_says_the_same_words(void **state) {
  (void)state;
  world *w = make_world(NUMBERS, MODELS, ITEMS);
  bf_experience_options how = options_of(BF_METRIC_ACCURACY, 0);
  bf_experience *e[2] = {learn(w, &how)};
  e[1] = pass_on(w, e[0], &how);
  bf_search_result *results[2] = {NULL};
  bf_candidate candidates[MODELS];
  for (size_t m = 0; m < MODELS; m++)
    candidates[m] = (bf_candidate){.id = w->ids[m],
                                   .version = 1,
                                   .domain = w->ids[m],
                                   .sketch = w->sketches[m],
                                   .source_accuracy = 0.95,
                                   .outputs = &w->outputs[m][MODELS],
                                   .classes = LABELS};
  for (size_t k = 0; k < 2; k++) {
    bf_search_options options = BF_SEARCH_OPTIONS_INIT;
    options.experience = e[k];
    options.all_estimators = true;
    assert_int_equal(bf_rank(candidates, MODELS, w->sketches[MODELS], &options, &results[k], NULL), BF_OK);
  }
  assert_string_equal(bf_search_result_strategy(results[1]), "auto");
  for (size_t i = 0; i < MODELS; i++) {
    const bf_ranked *x = bf_search_result_at(results[0], i), *y = bf_search_result_at(results[1], i);
    assert_string_equal(x->id, y->id);
    assert_memory_equal(&x->score, &y->score, sizeof x->score);
    assert_memory_equal(&x->interval_low, &y->interval_low, sizeof x->interval_low);
    assert_int_equal(x->n_measures, y->n_measures);
    assert_memory_equal(x->measure_values, y->measure_values, x->n_measures * sizeof(double));
    assert_int_equal(x->n_reasons, y->n_reasons);
    for (size_t r = 0; r < x->n_reasons; r++) assert_string_equal(x->reasons[r], y->reasons[r]);
  }
  const bf_ensemble *x = bf_search_result_ensemble(results[0]), *y = bf_search_result_ensemble(results[1]);
  assert_int_equal(y->n_items, ITEMS);
  assert_memory_equal(x->votes, y->votes, ITEMS * sizeof *x->votes);
  assert_memory_equal(&x->gain, &y->gain, sizeof x->gain);
  for (size_t k = 0; k < 2; k++) {
    bf_search_result_free(results[k]);
    bf_experience_free(e[k]);
  }
  free_world(w);
}

/* 300 classes take two bytes a row; the second stage is not learnt of so many. */
static void many_classes_take_two_bytes(void **state) {
  (void)state;
  enum { MANY = 300, N = 4, ROWS = 40 };
  static char names[MANY][8];
  static float scores[N][ROWS * MANY];
  const char *labels[MANY];
  int32_t truth[ROWS];
  world *w = make_world(NOTHING, N, ROWS);
  for (size_t c = 0; c < MANY; c++) {
    snprintf(names[c], sizeof names[c], "c%03zu", c);
    labels[c] = names[c];
  }
  memset(scores, 0, sizeof scores);
  for (size_t i = 0; i < ROWS; i++) truth[i] = (int32_t)(7 * i + 13);
  for (size_t m = 0; m < N; m++)
    for (size_t i = 0; i < ROWS; i++) scores[m][i * MANY + (size_t)truth[i] + (i % (m + 2) == 0)] = 3.0f;
  for (size_t r = 0; r < w->n_records; r++) {
    bf_outputs *o = &w->outputs[w->records[r].model][w->records[r].domain];
    *o = (bf_outputs){.n_items = ROWS, .n_classes = MANY, .scores = scores[w->records[r].model], .are_logits = true};
    w->records[r].classes = labels;
    w->records[r].truth = truth;
  }
  bf_experience_options options = options_of(BF_METRIC_ACCURACY, 0);
  bf_experience *learnt = learn(w, &options), *read = pass_on(w, learnt, &options);
  assert_int_equal(read->n_classes, MANY);
  assert_null(read->fits[BF__STAGE_2].kriging);
  assert_non_null(read->fits[BF__STAGE_1].kriging);
  for (size_t d = 0; d < N; d++) {
    assert_memory_equal(read->domains[d].truth, learnt->domains[d].truth, ROWS * sizeof(uint16_t));
    assert_int_equal(read->domains[d].truth[39], 286);
    for (size_t r = 0; r < N; r++)
      assert_memory_equal(read->domains[d].records[r].votes, learnt->domains[d].records[r].votes,
                          ROWS * sizeof(uint16_t));
  }
  bf_experience_free(learnt);
  bf_experience_free(read);
  free_world(w);
}

/* ---- hostile bytes ---- */

enum { FEW = 4, FEW_ITEMS = 20, KEY_BYTES = 64, HEAD_BYTES = 40 + 16 + 32 + 8 * BF__N_CLOSENESS };

/* The content, unpacked; you own it. */
static uint8_t *content_of(const world *w, bf_metric metric, size_t *n) {
  bf_experience_options options = options_of(metric, 0);
  bf_experience *e = learn(w, &options);
  const uint8_t *content = NULL;
  uint8_t *owned = NULL;
  size_t n_bytes = 0;
  uint8_t *bytes = encode(e, &n_bytes);
  assert_int_equal(bf__container_decode(bytes, n_bytes, "BFXP", 2, "test", 1 << 20, &content, n, &owned, NULL), BF_OK);
  uint8_t *copy = malloc(*n);
  assert_non_null(copy);
  memcpy(copy, content, *n);
  free(bytes);
  free(owned);
  bf_experience_free(e);
  return copy;
}

static bf_status decode_content(const world *w, const uint8_t *content, size_t n, bf_metric metric, bf_experience **out,
                                bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_experience_options options = options_of(metric, 0);
  assert_int_equal(bf__container_encode("BFXP", 2, content, n, &bytes, &n_bytes, NULL), BF_OK);
  bf_status status = bf__experience_decode(bytes, n_bytes, KEY, w->models, w->n_models, &options, out, err);
  free(bytes);
  return status;
}

static void every_changed_byte_is_refused_or_harmless(void **state) {
  (void)state;
  world *w = make_world(NOTHING, FEW, FEW_ITEMS);
  bf_panel *panel = make_panel(w);
  bf__question question = {w->n_models, w->models, panel, NULL};
  size_t n = 0, n_refused = 0, n_accepted = 0;
  uint8_t *content = content_of(w, BF_METRIC_F1, &n);
  for (size_t i = 0; i < n; i += i < 1500 ? 1 : 11) {
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    for (size_t k = 0; k < sizeof changes; k++) {
      bf_experience *e = NULL;
      content[i] ^= changes[k];
      bf_status status = decode_content(w, content, n, BF_METRIC_F1, &e, NULL);
      content[i] ^= changes[k];
      assert_true(status == BF_OK || status == BF_ERR_FORMAT || (i < KEY_BYTES && status == BF_ERR_MISMATCH));
      assert_int_equal(e != NULL, status == BF_OK);
      n_refused += status != BF_OK;
      n_accepted += status == BF_OK;
      for (bf__learner learner = 0; e && learner < BF__N_LEARNERS; learner++) {
        bf__answer answer;
        if (bf__ask(e, learner, &question, &answer, NULL) != BF_OK) continue;
        for (size_t m = 0; m < FEW; m++) assert_true(answer.expected[m] >= 0.01 && answer.expected[m] <= 0.99);
        bf__answer_deinit(&answer);
      }
      bf_experience_free(e);
    }
  }
  assert_true(n_refused > 300 && n_accepted > 300);
  free(content);
  bf_panel_free(panel);
  free_world(w);
}

static void what_was_cut_or_lengthened_is_refused(void **state) {
  (void)state;
  world *w = make_world(NOTHING, FEW, FEW_ITEMS);
  size_t n = 0, n_bytes = 0;
  bf_experience *e = NULL;
  uint8_t *content = content_of(w, BF_METRIC_ACCURACY, &n), *longer = calloc(n + 1, 1);
  assert_non_null(longer);
  for (size_t cut = 0; cut < n; cut += cut < 1000 ? 1 : 13)
    assert_int_equal(decode_content(w, content, cut, BF_METRIC_ACCURACY, &e, NULL), BF_ERR_FORMAT);
  memcpy(longer, content, n);
  assert_int_equal(decode_content(w, longer, n + 1, BF_METRIC_ACCURACY, &e, NULL), BF_ERR_FORMAT);
  assert_int_equal(decode_content(w, content, n, BF_METRIC_ACCURACY, &e, NULL), BF_OK);
  uint8_t *bytes = encode(e, &n_bytes);
  bf_experience_free(e);
  bf_experience_options options = options_of(BF_METRIC_ACCURACY, 0);
  for (size_t cut = 0; cut < n_bytes; cut += 7) {
    bf_status status = bf__experience_decode(bytes, cut, KEY, w->models, w->n_models, &options, &e, NULL);
    assert_int_equal(status, cut < 24 ? BF_ERR_FORMAT : BF_ERR_CORRUPT);
    assert_null(e);
  }
  free(bytes);
  free(content);
  free(longer);
  free_world(w);
}

/* A number at a place of the content, and whether it must be refused. */
static void each_count_and_number_has_its_bound(void **state) {
  (void)state;
  enum { CLASS_BYTES = 3 * (4 + 3), DOMAIN = KEY_BYTES + HEAD_BYTES + CLASS_BYTES, RECORD = DOMAIN + 24 + FEW_ITEMS };
  static const struct {
    size_t at, width;
    uint64_t value;
  } cases[] = {
      {KEY_BYTES + 8, 4, 50},                       /* another sample */
      {KEY_BYTES + 12, 2, 1},                       /* another metric */
      {KEY_BYTES + 14, 2, 0},                       /* F1 of a class, where accuracy was learnt */
      {KEY_BYTES + 16, 4, FEW + 1},                 /* more models */
      {KEY_BYTES + 20, 4, 65535},                   /* classes */
      {KEY_BYTES + 24, 4, UINT32_MAX},              /* domains */
      {KEY_BYTES + 28, 4, 2},                       /* neither a vote nor none */
      {KEY_BYTES + 32, 8, FEW * FEW + 1},           /* more pairs than records */
      {KEY_BYTES + 40, 8, 0x7ff8000000000000},      /* a gain that is no number */
      {KEY_BYTES + 56, 8, 0x7ff0000000000000},      /* infinitely far */
      {KEY_BYTES + 56 + 32, 8, 0xfff0000000000000}, /* a median */
      {KEY_BYTES + HEAD_BYTES, 4, UINT32_MAX},      /* the length of a name */
      {KEY_BYTES + HEAD_BYTES + 4, 1, 0},           /* a zero in a name */
      {KEY_BYTES + HEAD_BYTES + 4, 1, 'z'},         /* names that do not ascend */
      {DOMAIN, 4, FEW},                             /* the rows of no model */
      {DOMAIN + 4, 4, UINT32_MAX},                  /* records */
      {DOMAIN + 8, 8, UINT64_MAX / 2},              /* items */
      {DOMAIN + 8, 8, 0},                           /* no item */
      {DOMAIN + 16, 8, 0},                          /* none labelled */
      {DOMAIN + 16, 8, FEW_ITEMS + 1},              /* more labelled than items */
      {DOMAIN + 24, 1, CLASSES},                    /* a truth that is no class */
      {RECORD, 4, FEW},                             /* of no model */
      {RECORD + 4, 8, 0x4000000000000000},          /* accuracy 2 */
      {RECORD + 12, 8, 0xbff0000000000000},         /* value -1 */
      {RECORD + 20, 1, 254},                        /* a vote for no class */
  };
  world *w = make_world(NOTHING, FEW, FEW_ITEMS);
  size_t n = 0;
  uint8_t *content = content_of(w, BF_METRIC_ACCURACY, &n), *changed = malloc(n);
  assert_non_null(changed);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bf_experience *e = NULL;
    memcpy(changed, content, n);
    for (size_t k = 0; k < cases[i].width; k++) changed[cases[i].at + k] = (uint8_t)(cases[i].value >> (8 * k));
    bf_status status = decode_content(w, changed, n, BF_METRIC_ACCURACY, &e, NULL);
    if (status != BF_ERR_FORMAT) fail_msg("case %zu: %d", i, (int)status);
    assert_null(e);
  }
  free(content);
  free(changed);
  free_world(w);
}

static void another_key_is_told_from_damage(void **state) {
  (void)state;
  world *w = make_world(NOTHING, FEW, FEW_ITEMS);
  bf_experience_options options = options_of(BF_METRIC_ACCURACY, 0);
  bf_experience *e = learn(w, &options), *read = NULL;
  size_t n = 0;
  char other[] = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkK";
  uint8_t *bytes = encode(e, &n);
  assert_int_equal(bf__experience_decode(bytes, n, other, w->models, FEW, &options, &read, NULL), BF_ERR_MISMATCH);
  bytes[n / 2] ^= 4;
  assert_int_equal(bf__experience_decode(bytes, n, KEY, w->models, FEW, &options, &read, NULL), BF_ERR_CORRUPT);
  free(bytes);
  bf_experience_free(e);
  free_world(w);
}

static void nothing_can_be_left_out_of_what_was_read(void **state) {
  (void)state;
  world *w = make_world(NOTHING, FEW, FEW_ITEMS);
  bf_experience_options options = options_of(BF_METRIC_ACCURACY, 0);
  bf_experience *e = learn(w, &options), *read = pass_on(w, e, &options);
  bf__pairs pairs = {e->n_pairs, e->n_base, e->base, e->pair_models, e->pair_domains};
  double out[FEW * FEW];
  assert_int_equal(bf__kriging_leave_out(read->fits[BF__RIDGE].kriging, &pairs, e->domain_groups, NULL, out, NULL),
                   BF_ERR_INVALID_ARGUMENT);
  bf_experience_free(e);
  bf_experience_free(read);
  free_world(w);
}

static void no_allocation_that_fails_leaks_or_crashes(void **state) {
  (void)state;
  world *w = make_world(NOTHING, FEW, FEW_ITEMS);
  bf_experience_options options = options_of(BF_METRIC_MACRO_F1, 0);
  bf_experience *e = learn(w, &options), *read = NULL;
  size_t n = 0, n_part = 0;
  uint8_t *bytes = encode(e, &n), *part = NULL;
  bool failed = true;
  for (long i = 1; failed; i++) {
    bf__alloc_fail_at(i);
    bf_status status = bf__experience_encode(e, KEY, &part, &n_part, NULL);
    failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    assert_int_equal(status, failed ? BF_ERR_MEMORY : BF_OK);
    assert_int_equal(part == NULL, failed);
    free(part);
  }
  failed = true;
  for (long i = 1; failed; i++) {
    bf__alloc_fail_at(i);
    bf_status status = bf__experience_decode(bytes, n, KEY, w->models, FEW, &options, &read, NULL);
    failed = bf__alloc_fail_left() == 0;
    bf__alloc_fail_at(0);
    assert_int_equal(status, failed ? BF_ERR_MEMORY : BF_OK);
    assert_int_equal(read == NULL, failed);
    bf_experience_free(read);
  }
  free(bytes);
  bf_experience_free(e);
  free_world(w);
}

/* ---- the corpus of fuzz/fuzz_experience.c ---- */

/* It starts from what this test learns, unpacked, so that a mutation reaches the content. With BESTFIT_WRITE_CORPUS the
 * files are written anew: a change of the format needs that. */
static void the_corpus_holds_what_is_learnt(void **state) {
  (void)state;
  world *w = make_world(NOTHING, FEW, FEW_ITEMS);
  for (bf_metric metric = BF_METRIC_ACCURACY; metric <= BF_METRIC_F1; metric++) {
    char path[600];
    size_t n = 0, n_file = 0;
    bf__writer file = {0};
    uint8_t *stored = NULL;
    bf_experience *e = NULL;
    bf_error err = {0};
    uint8_t *content = content_of(w, metric, &n);
    snprintf(path, sizeof path, "%s/fuzz/corpus/fuzz_experience/%s", TEST_SOURCE_DIR, bf_metric_name(metric));
    bf__write_u8(&file, 1); /* sizes and check sum are to be repaired */
    bf__write(&file, "BFXP", 4);
    bf__write_u16(&file, 2);
    bf__write_u16(&file, 0);
    bf__write_u64(&file, n);
    bf__write_u64(&file, n);
    bf__write(&file, content, n);
    bf__write_u64(&file, bf__xxh64(file.data + 1, file.size - 1, 0));
    assert_false(file.failed);
    if (getenv("BESTFIT_WRITE_CORPUS"))
      assert_int_equal(bf__file_write_atomic(path, file.data, file.size, NULL), BF_OK);
    if (bf__file_read(path, 1 << 20, &stored, &n_file, &err) != BF_OK) fail_msg("%s", err.message);
    bf_experience_options options = options_of(metric, 0);
    if (bf__experience_decode(stored + 1, n_file - 1, KEY, w->models, FEW, &options, &e, &err) != BF_OK)
      fail_msg("%s: %s", path, err.message);
    assert_int_equal(bf_experience_domain_count(e), FEW);
    bf_experience_free(e);
    free(stored);
    free(content);
    bf__writer_deinit(&file);
  }
  free_world(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_read_answers_bit_for_bit_as_what_was_learnt),
      cmocka_unit_test(what_models_did_on_the_same_rows_is_kept),
      cmocka_unit_test(a_ranking_by_what_was_read_says_the_same_words),
      cmocka_unit_test(many_classes_take_two_bytes),
      cmocka_unit_test(every_changed_byte_is_refused_or_harmless),
      cmocka_unit_test(what_was_cut_or_lengthened_is_refused),
      cmocka_unit_test(each_count_and_number_has_its_bound),
      cmocka_unit_test(another_key_is_told_from_damage),
      cmocka_unit_test(nothing_can_be_left_out_of_what_was_read),
      cmocka_unit_test(no_allocation_that_fails_leaks_or_crashes),
      cmocka_unit_test(the_corpus_holds_what_is_learnt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
