/* bestfit rank-predictions: models that one cannot run, by their predictions alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static json_t *texts_json(const char *const *texts, size_t n) {
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++) json_array_append_new(list, cli_json_text(texts[i]));
  return list;
}

static json_t *ranked_json(const bf_predictions_ranked *model) {
  json_t *value = json_object(), *measures = json_object();
  for (size_t i = 0; i < model->n_measures; i++)
    json_object_set_new(measures, model->measure_names[i], cli_json_number(model->measure_values[i]));
  json_object_set_new(value, "rank", json_integer(model->rank));
  json_object_set_new(value, "id", cli_json_text(model->id));
  json_object_set_new(value, "score", cli_json_number(model->score));
  json_object_set_new(value, "answered", cli_json_number(model->answered));
  json_object_set_new(value, "accuracy", cli_json_number(model->accuracy));
  json_object_set_new(value, "measures", measures);
  json_object_set_new(value, "reasons", texts_json(model->reasons, model->n_reasons));
  return value;
}

static json_t *truth_json(const bf_predictions_score *score) {
  if (score == NULL) return json_null();
  json_t *value = json_object();
  json_object_set_new(value, "items", json_integer((json_int_t)score->n_items));
  json_object_set_new(value, "spearman", cli_json_number(score->spearman));
  json_object_set_new(value, "kendall", cli_json_number(score->kendall));
  json_object_set_new(value, "regret", cli_json_number(score->regret));
  json_object_set_new(value, "best", cli_json_text(score->best));
  json_object_set_new(value, "chosen", cli_json_text(score->chosen));
  json_object_set_new(value, "best_accuracy", cli_json_number(score->best_accuracy));
  json_object_set_new(value, "chosen_accuracy", cli_json_number(score->chosen_accuracy));
  return value;
}

static int print_json(const cli *c, const bf_predictions *predictions, const bf_predictions_ranking *ranking, size_t n,
                      double load_ms, double rank_ms) {
  json_t *whole = json_object(), *models = json_array(), *skipped = json_array(), *trust = json_object();
  const bf_predictions_trust *t = bf_predictions_ranking_trust(ranking);
  for (size_t i = 0; i < n; i++) json_array_append_new(models, ranked_json(bf_predictions_ranking_at(ranking, i)));
  for (size_t i = 0; i < bf_predictions_ranking_skipped_count(ranking); i++) {
    const bf_predictions_skipped *model = bf_predictions_ranking_skipped_at(ranking, i);
    json_t *value = json_object();
    json_object_set_new(value, "id", cli_json_text(model->id));
    json_object_set_new(value, "why", cli_json_text(model->why));
    json_array_append_new(skipped, value);
  }
  json_object_set_new(trust, "grade", cli_json_text(t->grade));
  json_object_set_new(trust, "consensus", cli_json_number(t->consensus));
  json_object_set_new(trust, "reasons", texts_json(t->reasons, t->n_reasons));
  json_object_set_new(whole, "bestfit_version", cli_json_text(bf_version()));
  json_object_set_new(whole, "seed", json_integer((json_int_t)cli_wide(c, "seed", BF_SKETCH_DEFAULT_SEED)));
  json_object_set_new(whole, "strategy", cli_json_text(bf_predictions_ranking_strategy(ranking)));
  json_object_set_new(whole, "items", json_integer((json_int_t)bf_predictions_item_count(predictions)));
  json_object_set_new(whole, "classes", json_integer((json_int_t)bf_predictions_class_count(predictions)));
  json_object_set_new(whole, "trust", trust);
  json_object_set_new(whole, "truth", truth_json(bf_predictions_ranking_score(ranking)));
  json_object_set_new(whole, "models", models);
  json_object_set_new(whole, "skipped", skipped);
  json_object_set_new(whole, "timing_ms", json_pack("{sf,sf}", "load", load_ms, "rank", rank_ms));
  return cli_print_json(c, whole);
}

#define PLACES_WITH_REASONS 3u

/* The rules beside the score, as many as the terminal is wide: the strategy first where it is one of them. */
static size_t choose_rules(const bf_predictions_ranked *first, const char *strategy, size_t out[4]) {
  static const char *const WANTED[] = {"pair-agreement", "majority", "dawid-skene-full", "confidence"};
  int width = cli_width(stdout);
  size_t n = 0, room = width == 0 ? 4 : width < 76 ? 1 : (size_t)(width - 50) / 18;
  for (size_t w = 0; w < 4 && n < room && n < 4; w++)
    for (size_t i = 0; i < first->n_measures && n < 4; i++)
      if (strcmp(first->measure_names[i], WANTED[w]) == 0 && strcmp(WANTED[w], strategy) != 0) out[n++] = i;
  return n;
}

static void print_table(const bf_predictions_ranking *ranking, size_t n) {
  const bf_predictions_ranked *first = bf_predictions_ranking_at(ranking, 0);
  bool scored = bf_predictions_ranking_score(ranking) != NULL;
  size_t shown[4], n_shown = choose_rules(first, bf_predictions_ranking_strategy(ranking), shown);
  char headings_text[4][64];
  const char *headings[9] = {">rank", "model", ">score"};
  size_t n_headings = 3;
  if (scored) headings[n_headings++] = ">accuracy";
  for (size_t i = 0; i < n_shown; i++) {
    snprintf(headings_text[i], sizeof headings_text[i], ">%.60s", first->measure_names[shown[i]]);
    headings[n_headings++] = headings_text[i];
  }
  cli_table *table = cli_table_create(headings);
  for (size_t i = 0; i < n; i++) {
    const bf_predictions_ranked *model = bf_predictions_ranking_at(ranking, i);
    char *name = cli_clean(model->id);
    cli_table_cellf(table, "%u", model->rank);
    cli_table_cell(table, name != NULL ? name : "");
    cli_table_cellf(table, "%.4g", model->score + 0.0); /* no "-0" */
    if (scored) cli_table_number(table, model->accuracy);
    for (size_t k = 0; k < n_shown; k++) cli_table_number(table, model->measure_values[shown[k]]);
    free(name);
  }
  for (size_t i = 0; i < n; i++) {
    const bf_predictions_ranked *model = bf_predictions_ranking_at(ranking, i);
    cli_table_print(table, stdout, i, i + 1);
    for (size_t k = 0; i < PLACES_WITH_REASONS && k < model->n_reasons; k++)
      cli_print_wrapped(stdout, 8, model->reasons[k]);
  }
  cli_table_free(table);
}

static void print_words(const bf_predictions *predictions, const bf_predictions_ranking *ranking, size_t n) {
  size_t n_all = bf_predictions_ranking_count(ranking), n_skipped = bf_predictions_ranking_skipped_count(ranking);
  size_t n_items = bf_predictions_item_count(predictions), n_classes = bf_predictions_class_count(predictions);
  const bf_predictions_trust *trust = bf_predictions_ranking_trust(ranking);
  const bf_predictions_score *score = bf_predictions_ranking_score(ranking);
  printf("%zu item%s of %zu class%s, %zu model%s, by %s\n\n", n_items, n_items == 1 ? "" : "s", n_classes,
         n_classes == 1 ? "" : "es", n_all, n_all == 1 ? "" : "s", bf_predictions_ranking_strategy(ranking));
  if (n > 0) print_table(ranking, n);
  if (n_all == 0) printf("No model can be ranked by these predictions.\n");
  if (n < n_all) printf("… and %zu more (--top 0)\n", n_all - n);
  printf("\ntrust: %s\n", trust->grade);
  for (size_t i = 0; i < trust->n_reasons; i++) cli_print_wrapped(stdout, 8, trust->reasons[i]);
  if (score != NULL) {
    char *best = cli_clean(score->best), *chosen = cli_clean(score->chosen);
    printf(
        "\nagainst the truth of %zu items: accuracy of the chosen %s %.4f, of the best %s %.4f: regret %.4f\n"
        "Spearman %.3f, Kendall %.3f of the order\n",
        score->n_items, chosen != NULL ? chosen : "", score->chosen_accuracy, best != NULL ? best : "",
        score->best_accuracy, score->regret, score->spearman, score->kendall);
    free(best);
    free(chosen);
  }
  if (n_skipped > 0) printf("\nnot ranked\n");
  for (size_t i = 0; i < n_skipped; i++) {
    const bf_predictions_skipped *model = bf_predictions_ranking_skipped_at(ranking, i);
    char line[400];
    snprintf(line, sizeof line, "%s: %s", model->id, model->why);
    cli_print_wrapped(stdout, 2, line);
  }
}

int cmd_rank_predictions(cli *c) {
  bf_error err = {.position = -1};
  bf_predictions *predictions = NULL;
  bf_predictions_ranking *ranking = NULL;
  bf_predictions_options options = BF_PREDICTIONS_OPTIONS_INIT;
  bf_predictions_rank_options rank_options = BF_PREDICTIONS_RANK_OPTIONS_INIT;
  options.truth = cli_text(c, "truth");
  options.models = cli_text(c, "models");
  options.drop = cli_text(c, "drop");
  options.classes = cli_text(c, "classes");
  rank_options.strategy = cli_text(c, "strategy");
  rank_options.seed = cli_wide(c, "seed", 0);
  options.n_threads = rank_options.n_threads = cli_whole(c, "threads", 0);
  double started = cli_now_ms();
  bf_status status = bf_predictions_load(c->arguments[0], &options, &predictions, &err);
  double loaded = cli_now_ms();
  if (status == BF_OK) status = bf_predictions_rank(predictions, &rank_options, &ranking, &err);
  int code = 0;
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else {
    size_t top = cli_whole(c, "top", c->json ? 0 : 10), n = bf_predictions_ranking_count(ranking);
    bool nothing = n == 0;
    if (top > 0 && top < n) n = top;
    if (c->json) {
      code = print_json(c, predictions, ranking, n, loaded - started, cli_now_ms() - loaded);
    } else {
      print_words(predictions, ranking, n);
    }
    if (code == 0 && nothing) code = bf_status_exit_code(BF_ERR_NOT_APPLICABLE);
  }
  bf_predictions_ranking_free(ranking);
  bf_predictions_free(predictions);
  return code;
}
