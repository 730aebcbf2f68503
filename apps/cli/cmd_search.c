/* bestfit search: the main job. And the table of strategies. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct search_times {
  double sketch, load, rank;
} search_times;

/* ---- JSON: the shape that clients rely on ---- */

static json_t *ranked_json(const bf_ranked *model) {
  json_t *value = json_object(), *measures = json_object(), *reasons = json_array();
  for (size_t i = 0; i < model->n_measures; i++)
    json_object_set_new(measures, model->measure_names[i], cli_json_number(model->measure_values[i]));
  for (size_t i = 0; i < model->n_reasons; i++) json_array_append_new(reasons, cli_json_text(model->reasons[i]));
  json_object_set_new(value, "rank", json_integer(model->rank));
  json_object_set_new(value, "id", cli_json_text(model->id));
  json_object_set_new(value, "version", json_integer(model->version));
  json_object_set_new(value, "domain", cli_json_text(model->domain));
  json_object_set_new(value, "source_accuracy", cli_json_number(model->source_accuracy));
  json_object_set_new(value, "expected_accuracy", json_null());
  json_object_set_new(value, "interval", json_null());
  json_object_set_new(value, "score", cli_json_number(model->score));
  json_object_set_new(value, "measures", measures);
  json_object_set_new(value, "reasons", reasons);
  return value;
}

static json_t *skipped_json(const bf_search_result *result) {
  json_t *list = json_array();
  for (size_t i = 0; i < bf_search_result_skipped_count(result); i++) {
    const bf_skipped *model = bf_search_result_skipped_at(result, i);
    json_t *value = json_object();
    json_object_set_new(value, "id", cli_json_text(model->id));
    json_object_set_new(value, "version", json_integer(model->version));
    json_object_set_new(value, "why", cli_json_text(model->why));
    json_object_set_new(value, "score", json_null());
    json_array_append_new(list, value);
  }
  return list;
}

static json_t *trust_json(const cli *c) {
  json_t *value = json_object();
  json_object_set_new(value, "grade", json_null());
  json_object_set_new(value, "novel", json_null());
  json_object_set_new(value, "no_suitable_model", json_null());
  json_object_set(value, "reasons", c->warnings);
  return value;
}

static json_t *timing_json(const search_times *times) {
  json_t *value = json_object();
  json_object_set_new(value, "sketch", cli_json_number(times->sketch));
  json_object_set_new(value, "load", cli_json_number(times->load));
  json_object_set_new(value, "rank", cli_json_number(times->rank));
  json_object_set_new(value, "total", cli_json_number(times->sketch + times->load + times->rank));
  return value;
}

static int print_search_json(const cli *c, const bf_search_result *result, const cli_input *target, size_t n,
                             const search_times *times) {
  json_t *whole = json_object(), *about = json_object(), *models = json_array();
  json_object_set_new(about, "kind", cli_json_text(bf_kind_name(bf_sketch_kind(target->sketch))));
  json_object_set_new(about, "rows", json_integer((json_int_t)bf_sketch_rows(target->sketch)));
  json_object_set_new(about, "sketch_sha256", cli_json_text(target->sha256));
  for (size_t i = 0; i < n; i++) json_array_append_new(models, ranked_json(bf_search_result_at(result, i)));
  json_object_set_new(whole, "bestfit_version", cli_json_text(bf_version()));
  json_object_set_new(whole, "seed", json_integer((json_int_t)cli_wide(c, "seed", BF_SKETCH_DEFAULT_SEED)));
  json_object_set_new(whole, "target", about);
  json_object_set_new(whole, "strategy", cli_json_text(bf_search_result_strategy(result)));
  json_object_set_new(whole, "data_only", json_true());
  json_object_set_new(whole, "sample_rows", json_integer(0));
  json_object_set_new(whole, "trust", trust_json(c));
  json_object_set_new(whole, "models", models);
  json_object_set_new(whole, "skipped", skipped_json(result));
  json_object_set_new(whole, "timing_ms", timing_json(times));
  if (cli_text(c, "report") != NULL) json_object_set_new(whole, "report", cli_json_text(cli_text(c, "report")));
  return cli_print_json(c, whole);
}

/* ---- words ---- */

#define MAX_MEASURES_SHOWN 4u

/* Numbers of the measures to show: the strategy's own first, then as many as the terminal is wide. */
static size_t choose_measures(const bf_search_result *result, const bf_ranked *model, size_t out[MAX_MEASURES_SHOWN]) {
  int width = cli_width(stdout);
  size_t n = 0, room = width == 0 ? MAX_MEASURES_SHOWN : width < 76 ? 1 : (size_t)(width - 60) / 16;
  if (room > MAX_MEASURES_SHOWN) room = MAX_MEASURES_SHOWN;
  for (int own = 1; own >= 0; own--) {
    for (size_t i = 0; i < model->n_measures && n < room; i++)
      if ((strcmp(model->measure_names[i], bf_search_result_strategy(result)) == 0) == own) out[n++] = i;
  }
  return n;
}

#define PLACES_WITH_REASONS 3u

/* A table whose first places are followed by their reasons, as sentences. */
static void print_ranking(const bf_search_result *result, size_t n) {
  const bf_ranked *first = bf_search_result_at(result, 0);
  size_t shown[MAX_MEASURES_SHOWN], n_measures = choose_measures(result, first, shown);
  char measure_headings[MAX_MEASURES_SHOWN][64];
  const char *headings[4 + MAX_MEASURES_SHOWN + 1] = {">rank", "model", "~domain", ">score"};
  for (size_t i = 0; i < n_measures; i++) {
    snprintf(measure_headings[i], sizeof measure_headings[i], ">%.60s", first->measure_names[shown[i]]);
    headings[4 + i] = measure_headings[i];
  }
  cli_table *table = cli_table_create(headings);
  for (size_t i = 0; i < n; i++) {
    const bf_ranked *model = bf_search_result_at(result, i);
    cli_table_cellf(table, "%u", model->rank);
    cli_table_cellf(table, "%s@%u", model->id, model->version);
    cli_table_cell(table, model->domain != NULL ? model->domain : "");
    cli_table_cellf(table, "%.4g", model->score + 0.0); /* no "-0" */
    for (size_t k = 0; k < n_measures; k++)
      cli_table_number(table, shown[k] < model->n_measures ? model->measure_values[shown[k]] : NAN);
  }
  for (size_t i = 0; i < n; i++) {
    const bf_ranked *model = bf_search_result_at(result, i);
    cli_table_print(table, stdout, i, i + 1);
    for (size_t k = 0; i < PLACES_WITH_REASONS && k < model->n_reasons; k++)
      cli_print_wrapped(stdout, 8, model->reasons[k]);
  }
  cli_table_free(table);
}

static void print_search(const cli *c, const bf_search_result *result, const cli_input *target, size_t n) {
  size_t n_all = bf_search_result_count(result), n_skipped = bf_search_result_skipped_count(result);
  uint64_t n_rows = bf_sketch_rows(target->sketch);
  printf("%" PRIu64 " row%s of kind %s against %zu model%s, by %s\n\n", n_rows, n_rows == 1 ? "" : "s",
         bf_kind_name(bf_sketch_kind(target->sketch)), n_all, n_all == 1 ? "" : "s", bf_search_result_strategy(result));
  if (n > 0) print_ranking(result, n);
  if (n_all == 0) printf("No model can be ranked for these data.\n");
  if (n < n_all) printf("… and %zu more (--top 0)\n", n_all - n);
  if (n_all > PLACES_WITH_REASONS && cli_text(c, "report") == NULL)
    printf("\nreasons for the other places: --report FILE or --json\n");
  if (n_skipped > 0) printf("\nnot ranked\n");
  for (size_t i = 0; i < n_skipped; i++) {
    const bf_skipped *model = bf_search_result_skipped_at(result, i);
    char line[400];
    snprintf(line, sizeof line, "%s@%u: %s", model->id, model->version, model->why);
    cli_print_wrapped(stdout, 2, line);
  }
  if (cli_text(c, "report") != NULL) printf("\nreport: %s\n", cli_text(c, "report"));
}

/* ---- the verb ---- */

static bf_status open_filled_store(const cli *c, bf_store **out, bf_error *err) {
  bf_store_list *list = NULL;
  bf_store_query query = BF_STORE_QUERY_INIT;
  query.filter = cli_text(c, "filter");
  bf_status status = cli_open_store(c, CLI_READS, out, err);
  if (status == BF_OK) status = bf_store_select(*out, &query, &list, err);
  if (status == BF_OK && bf_store_list_count(list) == 0 && query.filter != NULL) {
    status = cli_error(err, BF_ERR_NOT_FOUND,
                       "no model of the repository meets the filter; `bestfit ls --filter` tries it alone");
  } else if (status == BF_OK && bf_store_list_count(list) == 0) {
    char *directory = cli_repository(c);
    status = cli_error(
        err, BF_ERR_NOT_FOUND,
        "the repository %s has no models yet: `bestfit add MODEL.onnx --data TRAINING --name owner/name` adds "
        "one",
        directory != NULL ? directory : "");
    free(directory);
  }
  bf_store_list_free(list);
  return status;
}

static bf_status write_report(const cli *c, const bf_search_result *result, const cli_input *target, bf_error *err) {
  const char *path = cli_text(c, "report"), *name = c->arguments[0];
  bf_report_options options = BF_REPORT_OPTIONS_INIT;
  bf_dataset_options dataset_options = cli_dataset_options(c);
  if (path == NULL) return BF_OK;
  options.title = cli_text(c, "title");
  options.target_name = strcmp(name, "-") == 0 ? "standard input" : name;
  options.target_path = target->from_data ? name : NULL;
  options.dataset_options = &dataset_options;
  options.measure = cli_measure_options(c);
  return bf_report_write(result, target->sketch, &options, path, err);
}

static bf_status check_strategy(const cli *c, bf_error *err) {
  const bf_strategy_info *info;
  const char *name = cli_text(c, "strategy");
  return name != NULL ? bf_strategy_find(name, &info, err) : BF_OK;
}

int cmd_search(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_search_result *result = NULL;
  cli_input target = {0};
  search_times times = {0};
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  options.strategy = cli_text(c, "strategy");
  options.exclude_domain = cli_text(c, "exclude-domain");
  options.filter = cli_text(c, "filter");
  options.measure = cli_measure_options(c);
  double started = cli_now_ms();
  /* what is cheap to refuse is refused before the data are read */
  bf_status status = check_strategy(c, &err);
  if (status == BF_OK)
    status = cli_check_output(cli_text(c, "report"), CLI_OUTPUT_REPORT, (const char *const *)c->arguments, 1, &err);
  if (status == BF_OK) status = open_filled_store(c, &store, &err);
  times.load = cli_now_ms() - started;
  if (status == BF_OK) status = cli_load_input(c, c->arguments[0], &target, &err);
  times.sketch = target.sketch_ms;
  started = cli_now_ms();
  if (status == BF_OK) status = bf_search(store, target.sketch, &options, &result, &err);
  times.rank = cli_now_ms() - started;
  for (size_t i = 0; status == BF_OK && i < bf_search_result_warning_count(result); i++)
    cli_warn(c, "%s", bf_search_result_warning(result, i));
  if (status == BF_OK) status = write_report(c, result, &target, &err);
  int code = 0;
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else {
    size_t top = cli_whole(c, "top", c->json ? 0 : 10), n = bf_search_result_count(result);
    if (top > 0 && top < n) n = top;
    if (c->json) {
      code = print_search_json(c, result, &target, n, &times);
    } else {
      print_search(c, result, &target, n);
    }
    /* an answer, but none that a script should go on with */
    if (code == 0 && bf_search_result_count(result) == 0) code = bf_status_exit_code(BF_ERR_NOT_APPLICABLE);
  }
  bf_search_result_free(result);
  cli_input_deinit(&target);
  bf_store_close(store);
  return code;
}

/* ---- strategies ---- */

static json_t *bound_json(double bound) {
  return isinf(bound) ? cli_json_text(bound > 0 ? "inf" : "-inf") : cli_json_number(bound);
}

static json_t *strategy_json(const bf_strategy_info *info) {
  json_t *value = json_object(), *range = json_array();
  json_array_append_new(range, bound_json(info->lowest));
  json_array_append_new(range, bound_json(info->highest));
  json_object_set_new(value, "name", cli_json_text(info->name));
  json_object_set_new(value, "family", cli_json_text(info->family));
  json_object_set_new(value, "needs", cli_json_text(info->needs));
  json_object_set_new(value, "higher_is_closer", json_boolean(info->direction == BF_HIGHER_IS_CLOSER));
  json_object_set_new(value, "range", range);
  json_object_set_new(value, "symmetric", json_boolean(info->symmetric));
  json_object_set_new(value, "raw", json_boolean(info->has_raw));
  json_object_set_new(value, "when_empty", cli_json_text(info->when_empty));
  json_object_set_new(value, "source", cli_json_text(info->source));
  json_object_set_new(value, "summary", cli_json_text(info->summary));
  return value;
}

int cmd_strategies(cli *c) {
  static const char *const headings[] = {"name", "family", "closer is", "range", "needs", "~summary", NULL};
  const bf_strategy_info *info;
  if (c->json) {
    json_t *value = json_object(), *list = json_array();
    for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++) json_array_append_new(list, strategy_json(info));
    json_object_set_new(value, "strategies", list);
    return cli_print_json(c, value);
  }
  cli_table *table = cli_table_create(headings);
  for (size_t i = 0; (info = bf_strategy_at(i)) != NULL; i++) {
    cli_table_cell(table, info->name);
    cli_table_cell(table, info->family);
    cli_table_cell(table, info->direction == BF_HIGHER_IS_CLOSER ? "higher" : "lower");
    cli_table_cellf(table, "%.4g to %.4g", info->lowest, info->highest);
    cli_table_cell(table, info->needs);
    cli_table_cell(table, info->summary);
  }
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  cli_table_free(table);
  return 0;
}
