/* What `bestfit label` says: ranking and advice in words, JSON, rows to label as CSV, the report. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_label.h"

static const bf_ranked *ranked(const label_job *job, size_t model) {
  return bf_search_result_at(job->result, job->places[model]);
}

static const char *metric_name(const label_job *job) {
  const char *name = cli_text(job->c, "metric");
  return name != NULL && strcmp(name, "f1") == 0 ? "f1" : "accuracy";
}

/* ---- words ---- */

/* What is advised, as a sentence. */
static void write_advice(const bf_labelling_state *state, char *out, size_t size) {
  size_t n = state->n_answers;
  if (state->settled) {
    snprintf(out, size,
             "More answers are unlikely to change the choice by much. Where this was said in our benchmark, the chosen "
             "model was within a point of the best in %d of 100 cases (%d to %d by kind of data).",
             BF_LABELLING_RIGHT_PERCENT, BF_LABELLING_RIGHT_LEAST, BF_LABELLING_RIGHT_MOST);
  } else if (state->exhausted) {
    snprintf(out, size, "No row of the sample is left to ask.");
  } else if (n < 15) {
    snprintf(out, size,
             "Fewer than 15 answers can hurt a good start: until then the model that was first at the beginning stays "
             "chosen, and there is no advice to stop.");
  } else {
    snprintf(out, size, "More answers may change the choice.");
  }
}

void label_print_state(label_job *job, size_t n_places) {
  const bf_labelling_state *state = label_look(job);
  char heading[64], advice[400];
  snprintf(heading, sizeof heading, ">%s", strcmp(metric_name(job), "f1") == 0 ? "F1" : "accuracy");
  const char *const headings[] = {">place", "model", "~domain", heading, ">best with", NULL};
  cli_table *table = cli_table_create(headings);
  if (n_places == 0 || n_places > job->n_models) n_places = job->n_models;
  printf("\nafter %zu answer%s\n", state->n_answers, state->n_answers == 1 ? "" : "s");
  for (size_t i = 0; i < n_places; i++) {
    size_t m = job->order[i];
    const bf_ranked *model = ranked(job, m);
    cli_table_cellf(table, "%zu", i + 1);
    cli_table_cellf(table, "%s@%u", model->id, model->version);
    cli_table_cell(table, model->domain != NULL ? model->domain : "");
    cli_table_cellf(table, "%.3f (%.2f to %.2f)", state->expected[m], state->interval_low[m], state->interval_high[m]);
    cli_table_cellf(table, "%.0f %%", 100.0 * state->best[m]);
  }
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  cli_table_free(table);
  write_advice(state, advice, sizeof advice);
  cli_print_wrapped(stdout, 0, advice);
}

/* ---- CSV ---- */

void label_print_asked(const label_job *job, const size_t *asked, size_t n_asked) {
  fputs(job->items.tagged ? "row,token,label,content\n" : "row,label,content\n", stdout);
  for (size_t i = 0; i < n_asked; i++) {
    char *content = label_content(&job->items, asked[i]);
    printf("%" PRIu64 ",", label_row(&job->items, asked[i]));
    if (job->items.tagged) printf("%" PRIu32 ",", job->items.tokens[asked[i]]);
    printf(",");
    cli_put_csv(stdout, content != NULL ? content : "");
    printf("\n");
    free(content);
  }
}

/* ---- JSON ---- */

static json_t *place_json(const label_job *job, const bf_labelling_state *state, size_t place) {
  size_t m = job->order[place];
  const bf_ranked *model = ranked(job, m);
  json_t *value = json_object(), *interval = json_array();
  json_array_append_new(interval, cli_json_number(state->interval_low[m]));
  json_array_append_new(interval, cli_json_number(state->interval_high[m]));
  json_object_set_new(value, "rank", json_integer((json_int_t)place + 1));
  json_object_set_new(value, "id", cli_json_text(model->id));
  json_object_set_new(value, "version", json_integer(model->version));
  json_object_set_new(value, "domain", cli_json_text(model->domain));
  json_object_set_new(value, "believed_accuracy", cli_json_number(job->believed[m]));
  json_object_set_new(value, "expected", cli_json_number(state->expected[m]));
  json_object_set_new(value, "interval", interval);
  json_object_set_new(value, "probability_best", cli_json_number(state->best[m]));
  return value;
}

static json_t *asked_json(const label_job *job, size_t item) {
  json_t *value = json_object();
  char *content = label_content(&job->items, item);
  json_object_set_new(value, "row", json_integer((json_int_t)label_row(&job->items, item)));
  if (job->items.tagged) json_object_set_new(value, "token", json_integer(job->items.tokens[item]));
  json_object_set_new(value, "content", cli_json_text(content));
  free(content);
  return value;
}

int label_print_json(label_job *job, const size_t *asked, size_t n_asked) {
  const bf_labelling_state *state = label_look(job);
  json_t *whole = json_object(), *about = json_object(), *models = json_array(), *ask = json_array(),
         *classes = json_array();
  const bf_ranked *chosen = ranked(job, state->chosen);
  size_t n_skipped = 0;
  for (size_t i = 0; i < job->items.n; i++) n_skipped += job->skipped[i];
  for (size_t i = 0; i < job->n_models; i++) json_array_append_new(models, place_json(job, state, i));
  for (size_t i = 0; i < n_asked; i++) json_array_append_new(ask, asked_json(job, asked[i]));
  for (size_t i = 0; i < bf_labelling_class_count(job->labelling); i++)
    json_array_append_new(classes, cli_json_text(bf_labelling_class(job->labelling, i)));
  json_object_set_new(about, "kind", cli_json_text(bf_kind_name(job->items.schema.kind)));
  json_object_set_new(about, "rows", json_integer((json_int_t)bf_sample_rows_seen(job->run.sample)));
  json_object_set_new(about, "sketch_sha256", cli_json_text(job->target.sha256));
  json_object_set_new(whole, "bestfit_version", cli_json_text(bf_version()));
  json_object_set_new(whole, "seed", json_integer((json_int_t)cli_wide(job->c, "seed", BF_SKETCH_DEFAULT_SEED)));
  json_object_set_new(whole, "target", about);
  json_object_set_new(whole, "sample_rows", json_integer(bf_sample_batch(job->run.sample)->n_rows));
  json_object_set_new(whole, "metric", cli_json_text(metric_name(job)));
  json_object_set_new(whole, "belief", cli_json_text(job->belief));
  json_object_set_new(whole, "answers", json_integer((json_int_t)state->n_answers));
  json_object_set_new(whole, "skipped_rows", json_integer((json_int_t)n_skipped));
  json_object_set_new(whole, "answers_outside_the_sample", json_integer((json_int_t)job->n_elsewhere));
  json_object_set_new(whole, "chosen", cli_json_text(chosen->id));
  json_object_set_new(whole, "chosen_version", json_integer(chosen->version));
  json_object_set_new(whole, "within_a_point", cli_json_number(state->within_a_point));
  json_object_set_new(whole, "settled", json_boolean(state->settled));
  json_object_set_new(whole, "settled_right_percent", json_integer(BF_LABELLING_RIGHT_PERCENT));
  json_object_set_new(whole, "exhausted", json_boolean(state->exhausted));
  json_object_set_new(whole, "classes", classes);
  json_object_set_new(whole, "models", models);
  json_object_set_new(whole, "ask", ask);
  json_object_set_new(whole, "answers_file", cli_json_text(job->answers.path));
  json_object_set_new(whole, "warnings", json_incref(job->c->warnings));
  if (cli_text(job->c, "report") != NULL)
    json_object_set_new(whole, "report", cli_json_text(cli_text(job->c, "report")));
  return cli_print_json(job->c, whole);
}

/* ---- the report ---- */

static bf_status fill_rows(const label_job *job, const size_t *asked, size_t n_asked, bf_report_row *rows,
                           char (*names)[64], size_t *n, bf_error *err) {
  for (size_t k = 0; k < n_asked + job->items.n; k++) { /* asked ones, then answered ones */
    size_t item = k < n_asked ? asked[k] : k - n_asked;
    size_t answer = bf_labelling_answer_of(job->labelling, item);
    if ((answer == SIZE_MAX) != (k < n_asked)) continue;
    label_name(&job->items, item, names[*n]);
    rows[*n] = (bf_report_row){.row = job->items.rows[item],
                               .name = names[*n],
                               .content = label_content(&job->items, item),
                               .answer = k < n_asked ? NULL : bf_labelling_class(job->labelling, answer)};
    if (rows[(*n)++].content == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  }
  return BF_OK;
}

bf_status label_write_report(label_job *job, const size_t *asked, size_t n_asked, bf_error *err) {
  const cli *c = job->c;
  const char *path = cli_text(c, "report");
  if (path == NULL) return BF_OK;
  const bf_labelling_state *state = label_look(job);
  bf_dataset_options dataset_options = cli_dataset_options(c);
  bf_report_options options = BF_REPORT_OPTIONS_INIT;
  char chosen[512], advice[400];
  const char *findings[] = {chosen, advice};
  size_t room = n_asked + state->n_answers + 1, n = 0;
  bf_report_row *rows = calloc(room, sizeof *rows);
  char(*names)[64] = malloc(room * sizeof *names);
  bf_status status = rows != NULL && names != NULL ? fill_rows(job, asked, n_asked, rows, names, &n, err)
                                                   : cli_error(err, BF_ERR_MEMORY, "out of memory");
  snprintf(
      chosen, sizeof chosen,
      "After %zu answer%s the model to take is %.200s, expected %s %.3f; it is the best with a believed probability "
      "of %.0f %%. The ranking below is that of the search, before any answer.",
      state->n_answers, state->n_answers == 1 ? "" : "s", ranked(job, state->chosen)->id,
      strcmp(metric_name(job), "f1") == 0 ? "F1" : "accuracy", state->expected[state->chosen],
      100.0 * state->best[state->chosen]);
  write_advice(state, advice, sizeof advice);
  options.title = cli_text(c, "title");
  options.target_name = options.target_path = c->arguments[0];
  options.dataset_options = &dataset_options;
  options.measure = cli_measure_options(c);
  options.sample = job->run.sample;
  options.rows = rows;
  options.n_rows = n;
  options.findings = findings;
  options.n_findings = 2;
  if (status == BF_OK) status = bf_report_write(job->result, job->target.sketch, &options, path, err);
  for (size_t i = 0; rows != NULL && i < n; i++) free((void *)rows[i].content);
  free(rows);
  free(names);
  return status;
}
