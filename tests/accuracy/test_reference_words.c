/* Rankings of texts, tagged sentences and pairs of records by data alone against the serving accuracies that were
 * measured for real models, and orders from sketches against orders from raw words. The own domain of a target is never
 * a candidate. */
#include <stdlib.h>

#include "reference_testing.h"
#include "words_oracle.h"

enum { JSD, XENT, TFIDF, SOFT, N_RAW };
static const char *const RAW_NAMES[N_RAW] = {"word-jsd", "word-xent", "tfidf-cosine", "soft-adaptivity"};

static const char *const PRINTED[] = {"similarity",
                                      "word-jsd",
                                      "word-xent",
                                      "tfidf-cosine",
                                      "soft-adaptivity",
                                      "minhash-jaccard",
                                      "hist-jsd",
                                      "mmd",
                                      "centroid-distance",
                                      "cell-jsd",
                                      "gauss-kl-ts",
                                      "gauss-kl-st",
                                      "paper-word-jsd",
                                      "paper-word-l2",
                                      "paper-word-adaptivity",
                                      "source-accuracy",
                                      "random"};
enum { SIMILARITY, WORD_JSD, N_PRINTED = sizeof PRINTED / sizeof *PRINTED };

/* Values by one raw measure of every domain as source of one target; for the target itself 0. */
static void raw_values(const raw_words *w, size_t target, double values[N_RAW][BENCH_MAX_DOMAINS]) {
  int use[BENCH_MAX_DOMAINS];
  for (size_t s = 0; s < w->n_domains; s++) use[s] = s != target;
  raw_soft_adaptivity(w, use, target, 300, values[SOFT]);
  for (size_t s = 0; s < w->n_domains; s++) {
    values[JSD][s] = use[s] ? -raw_word_jsd(w, s, target) : 0;
    values[XENT][s] = use[s] ? -raw_word_xent(w, use, s, target) : 0;
    values[TFIDF][s] = use[s] ? raw_tfidf_cosine(w, use, s, target) : 0;
  }
}

static double order_agreement(const double *a, const double *b, size_t n, size_t target) {
  double x[BENCH_MAX_DOMAINS], y[BENCH_MAX_DOMAINS];
  size_t kept = 0;
  for (size_t s = 0; s < n; s++) {
    if (s == target) continue;
    x[kept] = a[s];
    y[kept++] = b[s];
  }
  return bench_spearman(x, y, kept);
}

static raw_words *load_raw(const bench_collection *c) {
  bf_documents *documents[BENCH_MAX_DOMAINS] = {0};
  for (size_t s = 0; s < c->n; s++) {
    bf_dataset_options options = domain_options(&c->domains[s]);
    bf_error err = {0};
    if (bf_documents_load(c->domains[s].path, &options, &documents[s], &err) != BF_OK) fail_msg("%s", err.message);
  }
  raw_words *w = raw_words_make(documents, c->n);
  for (size_t s = 0; s < c->n; s++) bf_documents_free(documents[s]);
  return w;
}

static void check_fidelity(const bench_collection *c, bf_sketch **sketches) {
  double mean[N_RAW] = {0}, accuracy[N_RAW] = {0};
  raw_words *w = load_raw(c);
  for (size_t t = 0; t < c->n; t++) {
    double raw[N_RAW][BENCH_MAX_DOMAINS], sketched[BENCH_MAX_DOMAINS];
    raw_values(w, t, raw);
    for (size_t m = 0; m < N_RAW; m++) {
      scores_of(c, sketches, t, RAW_NAMES[m], sketched);
      mean[m] += order_agreement(raw[m], sketched, c->n, t) / (double)c->n;
      accuracy[m] += score_target(c, t, raw[m]).spearman / (double)c->n;
    }
  }
  raw_words_free(w);
  for (size_t m = 0; m < N_RAW; m++)
    print_message(
        "  %-20s order from sketches against order from raw words: Spearman %.3f (raw words against "
        "accuracies %.3f)\n",
        RAW_NAMES[m], mean[m], accuracy[m]);
  for (size_t m = 0; m < N_RAW; m++) assert_true(mean[m] >= 0.9);
}

static void check_collection(const char *name, double least_word_jsd, double least_similarity) {
  bench_collection c;
  bf_sketch *sketches[BENCH_MAX_DOMAINS];
  scored scores[N_PRINTED];
  make_collection(name, &c, sketches);
  for (size_t i = 0; i < N_PRINTED; i++) scores[i] = mean_over_targets(&c, sketches, PRINTED[i]);
  check_fidelity(&c, sketches);
  free_sketches(c.n, sketches);
  assert_true(scores[WORD_JSD].spearman >= least_word_jsd);
  assert_true(scores[SIMILARITY].spearman >= least_similarity);
}

static void on_sentiment_words_order_models_as_their_accuracies_do(void **state) {
  (void)state;
  check_collection("sentiment", 0.72, 0.74);
}

static void on_tagging_words_order_models_as_their_accuracies_do(void **state) {
  (void)state;
  check_collection("pos", 0.76, 0.76);
}

static void on_entity_matching_data_say_little(void **state) {
  (void)state;
  check_collection("entity_matching", -1, -1);
  print_message("entity matching: how alike two sets of records are says little about which matcher serves best\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(on_sentiment_words_order_models_as_their_accuracies_do),
      cmocka_unit_test(on_tagging_words_order_models_as_their_accuracies_do),
      cmocka_unit_test(on_entity_matching_data_say_little),
  };
  return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
