/* bestfit search: the main job. And the table of strategies. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- JSON: the shape that clients rely on ---- */

static json_t *interval_json(const bf_ranked *model) {
  if (isnan(model->interval_low) || isnan(model->interval_high)) return json_null();
  json_t *value = json_array();
  json_array_append_new(value, cli_json_number(model->interval_low));
  json_array_append_new(value, cli_json_number(model->interval_high));
  return value;
}

static json_t *ranked_json(const bf_ranked *model, bf_metric metric) {
  json_t *value = json_object(), *measures = json_object(), *reasons = json_array();
  for (size_t i = 0; i < model->n_measures; i++)
    json_object_set_new(measures, model->measure_names[i], cli_json_number(model->measure_values[i]));
  for (size_t i = 0; i < model->n_reasons; i++) json_array_append_new(reasons, cli_json_text(model->reasons[i]));
  json_object_set_new(value, "rank", json_integer(model->rank));
  json_object_set_new(value, "id", cli_json_text(model->id));
  json_object_set_new(value, "version", json_integer(model->version));
  json_object_set_new(value, "domain", cli_json_text(model->domain));
  json_object_set_new(value, "source_accuracy", cli_json_number(model->source_accuracy));
  /* under its own name where it is something else */
  bool is_accuracy = metric == BF_METRIC_ACCURACY;
  json_object_set_new(value, "expected_accuracy",
                      is_accuracy ? cli_json_number(model->expected_accuracy) : json_null());
  if (metric == BF_METRIC_MACRO_F1)
    json_object_set_new(value, "expected_macro_f1", cli_json_number(model->expected_accuracy));
  if (metric == BF_METRIC_F1) json_object_set_new(value, "expected_f1", cli_json_number(model->expected_accuracy));
  json_object_set_new(value, "interval", interval_json(model));
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
    json_object_set_new(value, "score", cli_json_number(model->score));
    json_array_append_new(list, value);
  }
  return list;
}

/* Reasons of the grade, then the warnings. */
static json_t *trust_json(const cli *c, const bf_search_result *result) {
  const bf_trust *trust = bf_search_result_trust(result);
  json_t *value = json_object(), *reasons = json_array();
  bool known = trust->n_domains > 0;
  for (size_t i = 0; i < trust->n_reasons; i++) json_array_append_new(reasons, cli_json_text(trust->reasons[i]));
  json_array_extend(reasons, c->warnings);
  json_object_set_new(value, "grade", trust->grade != NULL ? cli_json_text(trust->grade) : json_null());
  json_object_set_new(value, "novel", known ? json_boolean(trust->novel) : json_null());
  json_object_set_new(value, "no_suitable_model", known ? json_boolean(trust->no_suitable_model) : json_null());
  json_object_set_new(value, "consensus", cli_json_number(bf_search_result_consensus(result)));
  json_object_set_new(value, "labelled_domains", json_integer((json_int_t)trust->n_domains));
  json_object_set_new(value, "pairs", json_integer((json_int_t)trust->n_pairs));
  json_object_set_new(value, "reasons", reasons);
  return value;
}

static json_t *ensemble_json(const bf_search_result *result) {
  const bf_ensemble *e = bf_search_result_ensemble(result);
  if (e->n_items == 0) return json_null();
  json_t *value = json_object();
  json_object_set_new(value, "models", json_integer((json_int_t)e->n_members));
  json_object_set_new(value, "expected_accuracy", cli_json_number(e->expected_accuracy));
  json_object_set_new(value, "gain", cli_json_number(e->gain));
  json_object_set_new(value, "gain_low", cli_json_number(e->gain_low));
  json_object_set_new(value, "recommended", json_boolean(e->recommended));
  return value;
}

static json_t *timing_json(const cli_search_times *times) {
  json_t *value = json_object();
  json_object_set_new(value, "sketch", cli_json_number(times->sketch));
  json_object_set_new(value, "load", cli_json_number(times->load));
  json_object_set_new(value, "sample", cli_json_number(times->sample));
  json_object_set_new(value, "run", cli_json_number(times->run));
  json_object_set_new(value, "rank", cli_json_number(times->rank));
  json_object_set_new(value, "total",
                      cli_json_number(times->sketch + times->load + times->sample + times->run + times->rank));
  return value;
}

static int print_search_json(const cli *c, const bf_search_result *result, const cli_input *target, size_t n,
                             const cli_search_times *times) {
  json_t *whole = json_object(), *about = json_object(), *models = json_array();
  json_object_set_new(about, "kind", cli_json_text(bf_kind_name(bf_sketch_kind(target->sketch))));
  json_object_set_new(about, "rows", json_integer((json_int_t)bf_sketch_rows(target->sketch)));
  json_object_set_new(about, "sketch_sha256", cli_json_text(target->sha256));
  for (size_t i = 0; i < n; i++)
    json_array_append_new(models, ranked_json(bf_search_result_at(result, i), bf_search_result_metric(result)));
  json_object_set_new(whole, "bestfit_version", cli_json_text(bf_version()));
  json_object_set_new(whole, "seed", json_integer((json_int_t)cli_wide(c, "seed", BF_SKETCH_DEFAULT_SEED)));
  json_object_set_new(whole, "target", about);
  json_object_set_new(whole, "strategy", cli_json_text(bf_search_result_strategy(result)));
  json_object_set_new(whole, "metric", cli_json_text(bf_metric_name(bf_search_result_metric(result))));
  json_object_set_new(whole, "data_only", json_boolean(bf_search_result_data_only(result)));
  json_object_set_new(whole, "sample_rows", json_integer(bf_search_result_sample_rows(result)));
  json_object_set_new(whole, "trust", trust_json(c, result));
  json_object_set_new(whole, "models", models);
  json_object_set_new(whole, "ensemble", ensemble_json(result));
  json_object_set_new(whole, "skipped", skipped_json(result));
  json_object_set_new(whole, "timing_ms", timing_json(times));
  if (cli_text(c, "report") != NULL) json_object_set_new(whole, "report", cli_json_text(cli_text(c, "report")));
  return cli_print_json(c, whole);
}

/* ---- words ---- */

#define MAX_MEASURES_SHOWN 4u

/* Numbers of the measures to show: the strategy's own first (of an estimator the score says it), then as many as the
 * terminal is wide. */
static size_t choose_measures(const bf_search_result *result, const bf_ranked *model, size_t out[MAX_MEASURES_SHOWN]) {
  int width = cli_width(stdout);
  size_t n = 0, room = width == 0 ? MAX_MEASURES_SHOWN : width < 76 ? 1 : (size_t)(width - 60) / 16;
  if (room > MAX_MEASURES_SHOWN) room = MAX_MEASURES_SHOWN;
  for (int own = bf_search_result_data_only(result) ? 1 : 0; own >= 0; own--) {
    for (size_t i = 0; i < model->n_measures && n < room; i++)
      if ((strcmp(model->measure_names[i], bf_search_result_strategy(result)) == 0) == own &&
          !(own && !isnan(model->expected_accuracy))) /* which has a column of its own */
        out[n++] = i;
  }
  return n;
}

#define PLACES_WITH_REASONS 3u

/* A table whose first places are followed by their reasons, as sentences. */
static void print_ranking(const bf_search_result *result, size_t n) {
  static const char *const EXPECTED[] = {">expected accuracy", ">expected macro-F1", ">expected F1"};
  const bf_ranked *first = bf_search_result_at(result, 0);
  size_t shown[MAX_MEASURES_SHOWN], n_measures = choose_measures(result, first, shown);
  char measure_headings[MAX_MEASURES_SHOWN][64];
  bool expected = first != NULL && !isnan(first->expected_accuracy);
  const char *headings[4 + MAX_MEASURES_SHOWN + 1] = {">rank", "model", "~domain",
                                                      expected ? EXPECTED[bf_search_result_metric(result)] : ">score"};
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
    if (expected) {
      cli_table_cellf(table, "%.3f (%.2f to %.2f)", model->expected_accuracy, model->interval_low,
                      model->interval_high);
    } else {
      cli_table_cellf(table, "%.4g", model->score + 0.0); /* no "-0" */
    }
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

static void print_trust(const bf_search_result *result) {
  const bf_trust *trust = bf_search_result_trust(result);
  if (trust->grade == NULL || bf_search_result_count(result) == 0) return;
  printf("\ntrust: %s\n", trust->grade);
  for (size_t i = 0; i < trust->n_reasons; i++) cli_print_wrapped(stdout, 2, trust->reasons[i]);
}

static void print_ensemble(const bf_search_result *result) {
  const bf_ensemble *e = bf_search_result_ensemble(result);
  char line[300];
  if (e->n_items == 0 || !e->recommended) return;
  snprintf(line, sizeof line,
           "the weighted vote of all %zu models is expected to be right on %.3f: on 9 of 10 labelled domains it gained "
           "%.3f or more over the first place. `bestfit predict --ensemble`",
           e->n_members, e->expected_accuracy, e->gain_low);
  printf("\n");
  cli_print_wrapped(stdout, 2, line);
}

/* Where the choice is open, how to go on. */
static void offer_labels(const cli *c, const bf_search_result *result) {
  const bf_trust *trust = bf_search_result_trust(result);
  const bf_ranked *first = bf_search_result_at(result, 0), *second = bf_search_result_at(result, 1);
  if (second == NULL || trust->grade == NULL || bf_search_result_outputs(result, 0) == NULL) return;
  bool known = !isnan(first->expected_accuracy) && !isnan(second->expected_accuracy);
  if (strcmp(trust->grade, "low") == 0 || !known || second->expected_accuracy >= first->interval_low) {
    char *name = cli_clean(c->arguments[0]);
    printf("\na few labels can decide between the first places: bestfit label %s\n", name != NULL ? name : "DATA");
    free(name);
  }
}

static void print_search(const cli *c, const bf_search_result *result, const cli_input *target, size_t n) {
  size_t n_all = bf_search_result_count(result), n_skipped = bf_search_result_skipped_count(result);
  uint64_t n_rows = bf_sketch_rows(target->sketch);
  printf("%" PRIu64 " row%s of kind %s against %zu model%s, by %s", n_rows, n_rows == 1 ? "" : "s",
         bf_kind_name(bf_sketch_kind(target->sketch)), n_all, n_all == 1 ? "" : "s", bf_search_result_strategy(result));
  if (!bf_search_result_data_only(result))
    printf(" (run on %u rows in %.1f s)", bf_search_result_sample_rows(result), bf_search_result_run_seconds(result));
  printf("\n\n");
  if (n > 0) print_ranking(result, n);
  print_trust(result);
  print_ensemble(result);
  offer_labels(c, result);
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

/* ---- one place in full ---- */

static const struct {
  const char *heading, *key;
} ARGUMENTS[] = {[BF_ARGUES_FOR] = {"what speaks for it", "for"},
                 [BF_ARGUES_AGAINST] = {"what speaks against it", "against"},
                 [BF_ARGUES_UNSEEN] = {"its data against the target", "data"},
                 [BF_ARGUES_AGREES] = {"which models agree with it", "agreement"},
                 [BF_ARGUES_RESTS] = {"what the estimate rests on", "rests_on"}};
#define N_ARGUMENTS (sizeof ARGUMENTS / sizeof *ARGUMENTS)

/* The place of owner/name[@version]; of a skipped model the error says why. */
static bf_status find_place(const bf_search_result *result, const char *id, size_t *out, bf_error *err) {
  const char *at = strchr(id, '@');
  size_t n = at != NULL ? (size_t)(at - id) : strlen(id);
  for (size_t i = 0; i < bf_search_result_count(result); i++) {
    const bf_ranked *model = bf_search_result_at(result, i);
    if (strncmp(model->id, id, n) != 0 || model->id[n] != '\0') continue;
    if (at != NULL && strtoul(at + 1, NULL, 10) != model->version) continue;
    *out = i;
    return BF_OK;
  }
  for (size_t i = 0; i < bf_search_result_skipped_count(result); i++) {
    const bf_skipped *model = bf_search_result_skipped_at(result, i);
    if (strncmp(model->id, id, n) == 0 && model->id[n] == '\0')
      return cli_error(err, BF_ERR_NOT_FOUND, "%s has no place: %s", model->id, model->why);
  }
  return cli_error(err, BF_ERR_NOT_FOUND, "no model '%.120s' took part in the ranking; `bestfit ls` lists them", id);
}

static bf_status print_explanation(const cli *c, bf_search_result *result, const cli_input *target, bf_error *err) {
  const bf_argument *arguments = NULL;
  size_t place = 0, n = 0;
  bf_measure_options options = cli_measure_options(c);
  bf_status status = find_place(result, cli_text(c, "explain"), &place, err);
  if (status == BF_OK) status = bf_search_argue(result, place, target->sketch, &options, &arguments, &n, err);
  if (status != BF_OK) return status;
  const bf_ranked *model = bf_search_result_at(result, place);
  if (c->json) {
    json_t *value = json_object();
    json_object_set_new(value, "bestfit_version", cli_json_text(bf_version()));
    json_object_set_new(value, "strategy", cli_json_text(bf_search_result_strategy(result)));
    json_object_set_new(value, "of", json_integer((json_int_t)bf_search_result_count(result)));
    json_object_set_new(value, "model", ranked_json(model, bf_search_result_metric(result)));
    for (size_t k = 0; k < N_ARGUMENTS; k++) {
      json_t *list = json_array();
      for (size_t i = 0; i < n; i++)
        if ((size_t)arguments[i].kind == k) json_array_append_new(list, cli_json_text(arguments[i].text));
      json_object_set_new(value, ARGUMENTS[k].key, list);
    }
    return cli_print_json(c, value) == 0 ? BF_OK : cli_error(err, BF_ERR_IO, "cannot write the answer");
  }
  printf("%s@%u: place %u of %zu by %s", model->id, model->version, model->rank, bf_search_result_count(result),
         bf_search_result_strategy(result));
  if (!isnan(model->expected_accuracy))
    printf(", expected %s %.3f (%.2f to %.2f)", bf_metric_name(bf_search_result_metric(result)),
           model->expected_accuracy, model->interval_low, model->interval_high);
  printf("\n");
  for (size_t k = 0; k < N_ARGUMENTS; k++) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
      if ((size_t)arguments[i].kind != k) continue;
      if (!any) printf("\n%s\n", ARGUMENTS[k].heading);
      any = true;
      cli_print_wrapped(stdout, 2, arguments[i].text);
    }
  }
  return BF_OK;
}

/* ---- searching ---- */

bf_status cli_open_filled_store(const cli *c, bf_store **out, bf_error *err) {
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

static bool is_estimator(const bf_strategy_info *info) {
  return strstr(info->needs, "output") != NULL;
}

/* auto and stage-1 take outputs where they can be had, and do without where not. */
static bool can_do_without(const bf_strategy_info *info) {
  return strcmp(info->family, "learned") == 0 && !is_estimator(info);
}

/* Whether the strategy asked for ranks by outputs; without one it does where it can. */
static bf_status wants_outputs(const cli *c, const cli_input *target, bool *out, bf_error *err) {
  const bf_strategy_info *info = NULL;
  const char *name = cli_text(c, "strategy");
  bf_status status = name != NULL ? bf_strategy_find(name, &info, err) : BF_OK;
  if (status != BF_OK) return status;
  if (name != NULL && can_do_without(info)) name = NULL;
  *out = name != NULL ? is_estimator(info) : !cli_flag(c, "data-only");
  if (name != NULL && *out && cli_flag(c, "data-only"))
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "%s ranks by what the models say, --data-only forbids to run them",
                     name);
  if (target == NULL) return BF_OK; /* asked before the data are read */
  if (*out && !target->from_data && name != NULL)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT,
                     "%s ranks by what the models say of rows, and a sketch has none: give the data", name);
  *out = *out && target->from_data;
  return BF_OK;
}

static bf_status load_sample(const cli *c, cli_search_run *run, bf_error *err) {
  bf_dataset_options options = cli_dataset_options(c);
  bf_dataset *dataset = NULL;
  cli_progress progress;
  uint64_t n_rows = run->sample_rows > 0 ? run->sample_rows : cli_whole(c, "sample", 2000);
  bf_status status = bf_dataset_open(c->arguments[0], &options, &dataset, err);
  if (status != BF_OK) return status;
  cli_progress_begin(&progress, c, "sampling");
  status = bf_sample_load(dataset, n_rows, cli_wide(c, "seed", BF_SKETCH_DEFAULT_SEED), cli_progress_step, &progress,
                          &run->sample, err);
  cli_progress_end(&progress);
  bf_dataset_close(dataset);
  return status;
}

/* Fills what bf_search needs to run models. Where they cannot be run at all and nobody insists, that is a warning. */
static bf_status prepare_run(cli *c, cli_search_run *run, bf_search_options *options, bf_error *err) {
  bf_workers_options workers = BF_WORKERS_OPTIONS_INIT;
  bf_error cause = {.position = -1};
  double budget = run->budget_seconds;
  workers.n_workers = cli_whole(c, "threads", 0);
  if (budget > 0 && budget < 3600) workers.batch_timeout_ms = workers.load_timeout_ms = (uint32_t)(budget * 1e3) + 1;
  bf_status status = bf_workers_create(&workers, &run->workers, &cause);
  if (status == BF_ERR_UNSUPPORTED && cli_text(c, "strategy") == NULL) {
    cli_warn(c, "the models are not run, and the ranking is by data alone: %s", cause.message);
    return BF_OK;
  }
  if (status != BF_OK) {
    *err = cause;
    return status;
  }
  status = load_sample(c, run, err);
  options->sample = run->sample;
  options->workers = run->workers;
  options->max_models = cli_whole(c, "candidates", 0);
  options->budget_seconds = budget;
  options->progress = cli_progress_step;
  options->progress_context = &run->progress;
  return status;
}

void cli_search_run_deinit(cli_search_run *run) {
  bf_sample_free(run->sample);
  bf_workers_free(run->workers);
}

static bf_search_options search_options(const cli *c) {
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  const char *measures = cli_text(c, "measures");
  options.strategy = cli_text(c, "strategy");
  options.exclude_domain = cli_text(c, "exclude-domain");
  options.filter = cli_text(c, "filter");
  options.all_estimators = measures != NULL && strcmp(measures, "all") == 0;
  options.measure = cli_measure_options(c);
  options.positive = cli_text(c, "positive");
  return options;
}

/* What is cheap to refuse is refused before the data are read. */
static bf_status check_search(const cli *c, bf_error *err) {
  bool ignored = false;
  const char *measures = cli_text(c, "measures");
  if (measures != NULL && strcmp(measures, "all") != 0 && strcmp(measures, "telling") != 0)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--measures is all or telling, not '%.40s'", measures);
  bf_metric metric = BF_METRIC_ACCURACY;
  const char *asked = cli_text(c, "metric");
  bf_status status = asked != NULL ? bf_metric_parse(asked, &metric, err) : BF_OK;
  if (status == BF_OK && cli_text(c, "positive") != NULL && metric != BF_METRIC_F1)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--positive names the class of --metric f1");
  if (status == BF_OK) status = wants_outputs(c, NULL, &ignored, err);
  if (status == BF_OK)
    status = cli_check_output(cli_text(c, "report"), CLI_OUTPUT_REPORT, (const char *const *)c->arguments, 1, err);
  return status;
}

bf_status cli_search(cli *c, bf_store *store, cli_input *target, cli_search_run *run, cli_search_times *times,
                     bf_search_result **out, bf_error *err) {
  bf_search_options options = search_options(c);
  if (cli_text(c, "metric") != NULL && bf_metric_parse(cli_text(c, "metric"), &options.metric, err) != BF_OK)
    return BF_ERR_INVALID_ARGUMENT;
  bool outputs = false;
  bf_status status = cli_load_input(c, c->arguments[0], target, err);
  times->sketch = target->sketch_ms;
  double started = cli_now_ms();
  if (status == BF_OK) status = wants_outputs(c, target, &outputs, err);
  if (status == BF_OK && outputs) status = prepare_run(c, run, &options, err);
  times->sample = cli_now_ms() - started;
  started = cli_now_ms();
  cli_progress_begin(&run->progress, c, "running models");
  if (status == BF_OK) status = bf_search(store, target->sketch, &options, out, err);
  cli_progress_end(&run->progress);
  times->run = 1e3 * bf_search_result_run_seconds(*out);
  times->rank = cli_now_ms() - started - times->run;
  for (size_t i = 0; status == BF_OK && i < bf_search_result_warning_count(*out); i++)
    cli_warn(c, "%s", bf_search_result_warning(*out, i));
  return status;
}

/* ---- the verb ---- */

int cmd_search(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_search_result *result = NULL;
  cli_input target = {0};
  cli_search_run run = {0};
  cli_search_times times = {0};
  double started = cli_now_ms();
  bf_status status = check_search(c, &err);
  if (status == BF_OK) status = cli_open_filled_store(c, &store, &err);
  times.load = cli_now_ms() - started;
  run.budget_seconds = cli_real(c, "budget", 0);
  if (status == BF_OK) status = cli_search(c, store, &target, &run, &times, &result, &err);
  if (status == BF_OK) status = write_report(c, result, &target, &err);
  int code = 0;
  if (status == BF_OK && cli_text(c, "explain") != NULL) {
    status = print_explanation(c, result, &target, &err);
    if (status != BF_OK) code = cli_fail(c, &err);
  } else if (status != BF_OK) {
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
  cli_search_run_deinit(&run);
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
