/* bestfit bench run: every strategy on every target of the collections that `bench train` made.
 *
 * Collections are run one after another, each over its targets in parallel. One that fails is said and the others go
 * on. What is missing is listed: gaps in the data with the command that fills them, and separately the targets that a
 * variant of the protocol cannot have. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MAX_NAMES 256

typedef struct one_run {
  const bf_bench_place *place;
  bf_bench_run *run; /* NULL: it failed, or was not begun */
  bf_error error;
} one_run;

typedef struct benching {
  cli *c;
  char *bench;
  bf_bench_place *places;
  size_t n_places, n_runs;
  one_run *runs;
  const char *variants[MAX_NAMES], *strategies[MAX_NAMES], *targets[MAX_NAMES];
  char *strategy_list; /* that the names lie in */
  bf_bench_run_options options;
  cli_progress progress;
} benching;

/* ---- what is asked for ---- */

static const char *collection_at(const void *context, size_t i) {
  const benching *b = context;
  return i < b->n_places ? b->places[i].collection : NULL;
}

static bf_status choose(benching *b, bf_error *err) {
  const cli *c = b->c;
  b->runs = calloc(b->n_places, sizeof *b->runs);
  if (b->runs == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  for (int k = 0; k < c->n_arguments; k++) {
    size_t i = 0;
    while (i < b->n_places && strcmp(b->places[i].collection, c->arguments[k]) != 0) i++;
    if (i < b->n_places) continue;
    const char *near = cli_nearest(c->arguments[k], collection_at, b);
    return cli_error(err, BF_ERR_NOT_FOUND, "no collection '%.60s' in %.100s%s%s%s; `bestfit bench train` makes them",
                     c->arguments[k], b->bench, near != NULL ? " (did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?)" : "");
  }
  for (size_t i = 0; i < b->n_places; i++) {
    bool wanted = c->n_arguments == 0;
    for (int k = 0; k < c->n_arguments; k++) wanted |= strcmp(b->places[i].collection, c->arguments[k]) == 0;
    if (wanted) b->runs[b->n_runs++] = (one_run){.place = &b->places[i], .error = {.position = -1}};
  }
  return BF_OK;
}

/* Comma-separated names. */
static bf_status take_strategies(benching *b, bf_error *err) {
  const char *list = cli_text(b->c, "strategies");
  char *rest = NULL;
  if (list == NULL) return BF_OK;
  b->strategy_list = strdup(list);
  if (b->strategy_list == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  for (char *name = strtok_r(b->strategy_list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
    if (b->options.n_strategies == MAX_NAMES) return cli_error(err, BF_ERR_LIMIT, "--strategies names too many");
    b->strategies[b->options.n_strategies++] = name;
  }
  if (b->options.n_strategies == 0) return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--strategies names none");
  b->options.strategies = b->strategies;
  return BF_OK;
}

static bf_status begin(benching *b, bf_error *err) {
  static const bf_bench_run_options defaults = BF_BENCH_RUN_OPTIONS_INIT;
  bf_status status = BF_OK;
  b->options = defaults;
  b->options.n_threads = cli_whole(b->c, "threads", 0);
  b->options.n_variants = cli_list(b->c, "variant", b->variants, MAX_NAMES);
  if (b->options.n_variants > MAX_NAMES) return cli_error(err, BF_ERR_LIMIT, "--variant is given too often");
  b->options.variants = b->variants;
  b->options.n_targets = cli_list(b->c, "target", b->targets, MAX_NAMES);
  if (b->options.n_targets > MAX_NAMES) return cli_error(err, BF_ERR_LIMIT, "--target is given too often");
  b->options.targets = b->targets;
  b->options.progress = cli_progress_step;
  b->options.progress_context = &b->progress;
  status = take_strategies(b, err);
  if (status != BF_OK) return status;
  b->bench = cli_bench_folder(b->c);
  if (b->bench == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  status = bf_bench_find(b->bench, cli_whole(b->c, "seeds", 0), &b->places, &b->n_places, err);
  return status == BF_OK ? choose(b, err) : status;
}

/* ---- output ---- */

static json_t *run_json(const one_run *one) {
  json_t *value = json_object(), *missing = json_array(), *not_run = json_array();
  json_object_set_new(value, "collection", cli_json_text(one->place->collection));
  json_object_set_new(value, "seed", json_integer(one->place->seed));
  for (size_t i = 0; one->run != NULL && i < bf_bench_run_missing_count(one->run); i++) {
    const bf_bench_missing *m = bf_bench_run_missing_at(one->run, i);
    json_t *gap = json_object();
    json_object_set_new(gap, "domain", cli_json_text(m->domain));
    if (m->variant != NULL) json_object_set_new(gap, "variant", cli_json_text(m->variant));
    json_object_set_new(gap, "why", cli_json_text(m->why));
    if (m->get[0] != '\0') json_object_set_new(gap, "get", cli_json_text(m->get));
    json_array_append_new(m->expected ? not_run : missing, gap);
  }
  if (one->run != NULL) {
    const bf_bench_run_figures *f = bf_bench_run_figures_of(one->run);
    json_object_set_new(value, "targets", json_integer((json_int_t)f->n_targets));
    json_object_set_new(value, "models", json_integer((json_int_t)f->n_models));
    json_object_set_new(value, "made", json_integer((json_int_t)f->n_made));
    json_object_set_new(value, "kept", json_integer((json_int_t)f->n_kept));
    json_object_set_new(value, "outputs_made", json_integer((json_int_t)f->n_outputs_made));
    json_object_set_new(value, "outputs_kept", json_integer((json_int_t)f->n_outputs_kept));
    json_object_set_new(value, "output_seconds", cli_json_number(f->output_seconds));
    json_object_set_new(value, "ranking_seconds", cli_json_number(f->ranking_seconds));
    json_object_set_new(value, "seconds", cli_json_number(f->seconds));
  } else {
    json_t *error = json_object();
    json_object_set_new(error, "code", cli_json_text(bf_status_name(one->error.code)));
    json_object_set_new(error, "message", cli_json_text(one->error.message));
    json_object_set_new(value, "error", error);
  }
  json_object_set_new(value, "missing", missing);
  json_object_set_new(value, "not_run", not_run);
  return value;
}

static int print_json(const benching *b, double seconds) {
  json_t *value = json_object(), *list = json_array();
  json_object_set_new(value, "bench", cli_json_text(b->bench));
  for (size_t i = 0; i < b->n_runs; i++) json_array_append_new(list, run_json(&b->runs[i]));
  json_object_set_new(value, "collections", list);
  json_object_set_new(value, "seconds", cli_json_number(seconds));
  json_object_set(value, "warnings", b->c->warnings);
  return cli_print_json(b->c, value);
}

static void print_table(const benching *b) {
  static const char *const headings[] = {"collection", ">seed",    ">targets", ">models",  ">made",
                                         ">kept",      ">not run", ">missing", ">seconds", NULL};
  cli_table *table = cli_table_create(headings);
  for (size_t i = 0; i < b->n_runs; i++) {
    const one_run *one = &b->runs[i];
    if (one->run == NULL) continue;
    const bf_bench_run_figures *f = bf_bench_run_figures_of(one->run);
    size_t n_not_run = 0, n = bf_bench_run_missing_count(one->run);
    for (size_t k = 0; k < n; k++) n_not_run += bf_bench_run_missing_at(one->run, k)->expected;
    cli_table_cell(table, f->collection);
    cli_table_cellf(table, "%u", one->place->seed);
    cli_table_cellf(table, "%zu", f->n_targets);
    cli_table_cellf(table, "%zu", f->n_models);
    cli_table_cellf(table, "%zu", f->n_made);
    cli_table_cellf(table, "%zu", f->n_kept);
    cli_table_cellf(table, "%zu", n_not_run);
    cli_table_cellf(table, "%zu", n - n_not_run);
    cli_table_cellf(table, "%.1f", f->seconds);
  }
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  cli_table_free(table);
}

static void print_gaps(const benching *b) {
  for (size_t i = 0; i < b->n_runs; i++) {
    const one_run *one = &b->runs[i];
    char words[900];
    if (one->run == NULL && one->error.code != BF_OK) {
      snprintf(words, sizeof words, "%s, seed %u: %s", one->place->collection, one->place->seed, one->error.message);
      cli_print_wrapped(stderr, 0, words);
    }
    for (size_t k = 0; one->run != NULL && k < bf_bench_run_missing_count(one->run); k++) {
      const bf_bench_missing *m = bf_bench_run_missing_at(one->run, k);
      if (m->expected) continue;
      snprintf(words, sizeof words, "%s, seed %u: %s is missing: %s%s%s%s", one->place->collection, one->place->seed,
               m->domain, m->why, m->get[0] != '\0' ? ": `" : "", m->get, m->get[0] != '\0' ? "`" : "");
      cli_print_wrapped(stderr, 0, words);
    }
  }
}

/* ---- the verb ---- */

static void run_one(benching *b, size_t i) {
  one_run *one = &b->runs[i];
  char what[200];
  snprintf(what, sizeof what, "%s, seed %u (%zu of %zu)", one->place->collection, one->place->seed, i + 1, b->n_runs);
  cli_progress_begin(&b->progress, b->c, what);
  if (bf_bench_run_collection(one->place->folder, &b->options, &one->run, &one->error) != BF_OK) one->run = NULL;
  cli_progress_end(&b->progress);
}

static int finish(const benching *b, double seconds) {
  bf_error err = {.position = -1};
  const bf_error *first = NULL;
  size_t n_missing = 0;
  for (size_t i = 0; i < b->n_runs; i++) {
    const one_run *one = &b->runs[i];
    if (one->run == NULL && one->error.code != BF_OK && first == NULL) first = &one->error;
    for (size_t k = 0; one->run != NULL && k < bf_bench_run_missing_count(one->run); k++)
      n_missing += !bf_bench_run_missing_at(one->run, k)->expected;
  }
  int code = 0;
  if (b->c->json) {
    code = print_json(b, seconds);
  } else {
    print_table(b);
    (void)fflush(stdout);
    if (!b->c->quiet) print_gaps(b);
  }
  if (code != 0) return code;
  if (first != NULL) return cli_fail(b->c, first);
  if (n_missing == 0) return 0;
  (void)cli_error(&err, BF_ERR_NOT_FOUND, "%zu domain%s or model%s missing; the others were run", n_missing,
                  n_missing == 1 ? "" : "s", n_missing == 1 ? " is" : "s are");
  return cli_fail(b->c, &err);
}

int cmd_bench_run(cli *c) {
  bf_error err = {.position = -1};
  benching b = {.c = c};
  double started = cli_now_ms();
  bf_status status = begin(&b, &err);
  bool goes_on = true;
  for (size_t i = 0; status == BF_OK && goes_on && i < b.n_runs; i++) {
    run_one(&b, i);
    goes_on = b.runs[i].error.code != BF_ERR_CANCELLED;
  }
  int code = status == BF_OK ? finish(&b, (cli_now_ms() - started) / 1e3) : cli_fail(c, &err);
  for (size_t i = 0; b.runs != NULL && i < b.n_runs; i++) bf_bench_run_free(b.runs[i].run);
  free(b.runs);
  bf_bench_places_free(b.places, b.n_places);
  free(b.strategy_list);
  free(b.bench);
  return code;
}
