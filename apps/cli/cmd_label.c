/* bestfit label: a few labels of the target's own rows decide between the first places of a search. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd_label.h"

/* ---- the belief ---- */

/* A measure of a ranked model by name; NaN: none. */
static double measure_of(const bf_ranked *model, const char *name) {
  for (size_t i = 0; i < model->n_measures; i++)
    if (strcmp(model->measure_names[i], name) == 0) return model->measure_values[i];
  return NAN;
}

/* What a model is believed to have, by the best that is known of all: of experience, else what the others agree on,
 * weighted by similarity, else unweighted. */
static double belief_of(const bf_ranked *model, const char *belief) {
  return strcmp(belief, "expected-accuracy") == 0 ? model->expected_accuracy : measure_of(model, belief);
}

static void believe(label_job *job) {
  static const char *const kinds[] = {"expected-accuracy", "similarity-agreement", "pair-agreement"};
  size_t n_known = 0;
  double sum = 0.0;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds && n_known == 0; k++) {
    job->belief = kinds[k];
    for (size_t m = 0; m < job->n_models; m++) {
      job->believed[m] = belief_of(bf_search_result_at(job->result, job->places[m]), kinds[k]);
      if (isnan(job->believed[m])) continue;
      sum += job->believed[m];
      n_known++;
    }
  }
  if (n_known == 0) job->belief = "equal";
  for (size_t m = 0; m < job->n_models; m++)
    if (isnan(job->believed[m])) job->believed[m] = n_known > 0 ? sum / (double)n_known : 0.5;
}

/* ---- preparing ---- */

static bf_status make_panel(label_job *job, bf_error *err) {
  size_t n = bf_search_result_count(job->result);
  bf_panel_options options = BF_PANEL_OPTIONS_INIT;
  bf_panel_model *models = calloc(n + 1, sizeof *models);
  job->places = calloc(n + 1, sizeof *job->places);
  job->order = calloc(n + 1, sizeof *job->order);
  job->believed = calloc(n + 1, sizeof *job->believed);
  if (models == NULL || job->places == NULL || job->order == NULL || job->believed == NULL) {
    free(models);
    (void)cli_error(err, BF_ERR_MEMORY, "out of memory");
    return BF_ERR_MEMORY;
  }
  for (size_t i = 0; i < n; i++) {
    const bf_outputs *outputs = bf_search_result_outputs(job->result, i);
    if (outputs == NULL) continue;
    models[job->n_models] = (bf_panel_model){.id = bf_search_result_at(job->result, i)->id,
                                             .classes = bf_search_result_classes(job->result, i),
                                             .n_classes = outputs->n_classes,
                                             .scores = outputs->scores,
                                             .are_logits = outputs->are_logits,
                                             .source_accuracy = NAN,
                                             .similarity = NAN};
    job->places[job->n_models++] = i;
  }
  options.n_threads = cli_whole(job->c, "threads", 0);
  bf_status status = BF_OK;
  if (job->n_models < 2) {
    status =
        cli_error(err, BF_ERR_NOT_APPLICABLE,
                  "labels decide between models that can be run on these data, and there %s; `bestfit search` says "
                  "why the others cannot",
                  job->n_models == 0 ? "is none" : "is only one");
  } else {
    status = bf_panel_create(models, job->n_models, job->items.n, &options, &job->panel, err);
  }
  free(models);
  return status;
}

static bf_status begin(label_job *job, bf_error *err) {
  bf_labelling_options options = BF_LABELLING_OPTIONS_INIT;
  const bf_experience *experience = bf_search_result_experience(job->result);
  const char *metric = cli_text(job->c, "metric");
  bf_status status = make_panel(job, err);
  if (status != BF_OK) return status;
  believe(job);
  if (metric != NULL && strcmp(metric, "f1") == 0) options.metric = BF_METRIC_F1;
  options.positive = cli_text(job->c, "positive");
  options.seed = cli_wide(job->c, "seed", 0);
  if (experience != NULL && strcmp(job->belief, "expected-accuracy") == 0) {
    bf_error ignored = {0}; /* without scales of its own the usual ones stand */
    if (bf_experience_error_scales(experience, &options.shared_variance, &options.own_variance, &ignored) != BF_OK)
      options.shared_variance = options.own_variance = 0.0;
  }
  /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the job owns all, cmd_label() frees it */
  return bf_labelling_create(job->panel, job->believed, &options, &job->labelling, err);
}

/* ---- answers that are there already ---- */

/* All are checked before the first is taken. */
static bf_status find_answer(label_job *job, const cli_answer *answer, size_t *item, size_t *class_number,
                             bf_error *err) {
  bool no_such_token = false;
  uint64_t n_rows = bf_sample_rows_seen(job->run.sample);
  *item = SIZE_MAX;
  if (answer->row >= n_rows)
    return cli_error(err, BF_ERR_MISMATCH,
                     "%.100s, line %zu: the data have no row %" PRIu64 "; their rows are 0 to %" PRIu64,
                     job->answers.path, answer->line, answer->row, n_rows - 1);
  bool there = label_find(&job->items, answer->row, answer->token, item, &no_such_token);
  if (no_such_token)
    return cli_error(err, BF_ERR_MISMATCH, "%.100s, line %zu: the sentence in row %" PRIu64 " has no token %" PRIu64,
                     job->answers.path, answer->line, answer->row, answer->token);
  bf_error inner = {0};
  if (answer->label[0] != '\0' && bf_labelling_class_find(job->labelling, answer->label, class_number, &inner) != BF_OK)
    return cli_error(err, BF_ERR_MISMATCH, "%.100s, line %zu: %s", job->answers.path, answer->line, inner.message);
  if (!there) *item = SIZE_MAX;
  return BF_OK;
}

static bf_status take_answers(label_job *job, bf_error *err) {
  bf_status status = BF_OK;
  size_t item = 0, class_number = 0;
  for (size_t i = 0; i < job->answers.n && status == BF_OK; i++)
    status = find_answer(job, &job->answers.items[i], &item, &class_number, err);
  for (size_t i = 0; i < job->answers.n && status == BF_OK; i++) {
    const cli_answer *answer = &job->answers.items[i];
    status = find_answer(job, answer, &item, &class_number, err);
    if (status != BF_OK) break;
    if (item == SIZE_MAX) {
      job->n_elsewhere += answer->label[0] != '\0';
    } else if (answer->label[0] == '\0') {
      job->skipped[item] = true;
      status = bf_labelling_skip(job->labelling, item, err);
    } else {
      status = bf_labelling_answer(job->labelling, item, class_number, err);
    }
  }
  for (size_t i = 0; i < job->items.n && status == BF_OK; i++)
    if (bf_labelling_answer_of(job->labelling, i) != SIZE_MAX) job->skipped[i] = false;
  if (status == BF_OK && job->n_elsewhere > 0)
    cli_warn(
        job->c,
        "%zu answer%s of %s not in the sample of %u rows, on which the models were run, and do%s not count; a larger "
        "--sample holds more",
        job->n_elsewhere, job->n_elsewhere == 1 ? "" : "s", job->n_elsewhere == 1 ? "a row that is" : "rows that are",
        bf_sample_batch(job->run.sample)->n_rows, job->n_elsewhere == 1 ? "es" : "");
  return status;
}

/* Where answers go without --answers: beside nothing, in the folder that one works in. You own it. */
static char *default_answers(const char *data) {
  size_t n = strlen(data);
  while (n > 1 && data[n - 1] == '/') n--;
  size_t from = n;
  while (from > 0 && data[from - 1] != '/') from--;
  char *out = malloc(n - from + 16);
  if (out != NULL) snprintf(out, n - from + 16, "%.*s.answers.csv", (int)(n - from), data + from);
  return out;
}

static bool is_interactive(const cli *c) {
  return !c->json && !cli_flag(c, "batch") && cli_text(c, "ask") == NULL;
}

static bf_status read_answers(label_job *job, bool tagged, bf_error *err) {
  const char *given = cli_text(job->c, "answers");
  if (given != NULL) return cli_answers_read(given, tagged, !is_interactive(job->c), &job->answers, err);
  if (!is_interactive(job->c)) return BF_OK;
  char *path = default_answers(job->c->arguments[0]);
  if (path == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = cli_answers_read(path, tagged, false, &job->answers, err);
  free(path);
  return status;
}

/* ---- the verb ---- */

const bf_labelling_state *label_look(label_job *job) {
  const bf_labelling_state *state = bf_labelling_look(job->labelling);
  for (size_t m = 0; m < job->n_models; m++) { /* the chosen one first, which before 15 answers need not lead */
    size_t at = m;
    for (; at > 0; at--) {
      size_t before = job->order[at - 1];
      bool ahead = m == state->chosen || (before != state->chosen && state->expected[m] > state->expected[before]);
      if (!ahead) break;
      job->order[at] = before;
    }
    job->order[at] = m;
  }
  return state;
}

static bf_status check(const cli *c, bf_error *err) {
  const char *metric = cli_text(c, "metric"), *data = c->arguments[0];
  const char *const inputs[] = {data, cli_text(c, "answers")};
  if (metric != NULL && strcmp(metric, "accuracy") != 0 && strcmp(metric, "f1") != 0)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--metric is accuracy or f1, not '%.40s'", metric);
  if (strcmp(data, "-") == 0 || cli_is_sketch_file(data))
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "a sketch has no rows to label: give the data");
  if (cli_text(c, "answers") != NULL && strcmp(cli_text(c, "answers"), "-") == 0)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--answers needs a file, which what is typed is added to");
  struct stat of_data, of_answers; /* what is typed must never be added to the data */
  if (inputs[1] != NULL && stat(data, &of_data) == 0 && stat(inputs[1], &of_answers) == 0 &&
      of_data.st_dev == of_answers.st_dev && of_data.st_ino == of_answers.st_ino)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "%.120s is the data: give another file for the answers", data);
  return cli_check_output(cli_text(c, "report"), CLI_OUTPUT_REPORT, inputs, 2, err);
}

static bf_status prepare(label_job *job, bf_error *err) {
  cli_search_times times = {0};
  bf_status status = check(job->c, err);
  if (status == BF_OK) status = cli_open_filled_store(job->c, &job->store, err);
  if (status == BF_OK) status = cli_search(job->c, job->store, &job->target, &job->run, &times, &job->result, err);
  if (status == BF_OK && job->run.sample == NULL)
    status = cli_error(err, BF_ERR_NOT_APPLICABLE, "labels decide between what models say, and none can be run here");
  if (status == BF_OK) status = label_items_make(job->c, job->run.sample, &job->items, err);
  if (status != BF_OK) return status;
  job->skipped = calloc(job->items.n + 1, sizeof *job->skipped);
  if (job->skipped == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  status = begin(job, err);
  if (status == BF_OK) status = read_answers(job, job->items.tagged, err);
  return status == BF_OK ? take_answers(job, err) : status;
}

/* What is to be asked next, for those that answer elsewhere. */
static bf_status tell(label_job *job, int *code, bf_error *err) {
  size_t n = cli_whole(job->c, "ask", (uint32_t)bf_labelling_batch(job->labelling));
  if (n > job->items.n) n = job->items.n;
  size_t *rows = malloc((n + 1) * sizeof *rows);
  if (rows == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  n = bf_labelling_next(job->labelling, n, rows);
  bf_status status = label_write_report(job, rows, n, err);
  if (status == BF_OK && job->c->json) {
    *code = label_print_json(job, rows, n);
  } else if (status == BF_OK && cli_text(job->c, "ask") != NULL) {
    label_print_asked(job, rows, n);
  } else if (status == BF_OK) {
    label_print_state(job, 0);
  }
  free(rows);
  return status;
}

static bf_status converse(label_job *job, bf_error *err) {
  cli_say(job->c, "answers are kept in %s (%zu there already)", job->answers.path, job->answers.n);
  bf_status status = label_session(job, err);
  if (status != BF_OK) return status;
  status = label_write_report(job, NULL, 0, err);
  const bf_ranked *chosen = bf_search_result_at(job->result, job->places[bf_labelling_look(job->labelling)->chosen]);
  printf("\nto take: %s@%u\n", chosen->id, chosen->version);
  if (status == BF_OK && cli_text(job->c, "report") != NULL) printf("report: %s\n", cli_text(job->c, "report"));
  return status;
}

int cmd_label(cli *c) {
  bf_error err = {.position = -1};
  label_job job = {.c = c};
  int code = 0;
  bf_status status = prepare(&job, &err);
  if (status == BF_OK) status = is_interactive(c) ? converse(&job, &err) : tell(&job, &code, &err);
  if (status != BF_OK) code = cli_fail(c, &err);
  cli_answers_deinit(&job.answers);
  bf_labelling_free(job.labelling);
  bf_panel_free(job.panel);
  free(job.places);
  free(job.order);
  free(job.believed);
  free(job.skipped);
  label_items_deinit(&job.items);
  bf_search_result_free(job.result);
  cli_search_run_deinit(&job.run);
  cli_input_deinit(&job.target);
  bf_store_close(job.store);
  return code;
}
