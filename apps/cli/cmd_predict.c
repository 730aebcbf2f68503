/* bestfit predict and evaluate: run one model over all rows, and print what it says, or how right that is. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* ---- running over a dataset, a batch at a time ---- */

typedef struct running {
  bf_workers *workers;
  bf_model *model;
  bf_calibration *calibration; /* NULL: none */
  bf_dataset *dataset;
  bf_outputs outputs; /* of the batch (predict), of all rows (evaluate) */
  cli_progress progress;
  uint64_t n_rows;
} running;

static void running_deinit(running *r) {
  bf_outputs_deinit(&r->outputs);
  bf_dataset_close(r->dataset);
  bf_calibration_free(r->calibration);
  bf_model_close(r->model);
  bf_workers_free(r->workers);
}

static double temperature_of(const running *r) {
  return r->calibration != NULL ? r->calibration->temperature : 1.0;
}

static bf_status start(cli *c, running *r, bf_error *err) {
  bf_workers_options workers = BF_WORKERS_OPTIONS_INIT;
  bf_dataset_options options = cli_dataset_options(c);
  workers.n_workers = 1;
  bf_status status = bf_workers_create(&workers, &r->workers, err);
  if (status == BF_OK) status = cli_open_model(c, c->arguments[0], r->workers, &r->model, &r->calibration, err);
  /* a reader that would have to guess is told what the model takes */
  if (status == BF_OK && options.kind == NULL) options.kind = bf_kind_name(bf_model_kind(r->model));
  if (status == BF_OK) status = bf_dataset_open(c->arguments[1], &options, &r->dataset, err);
  return status;
}

/* Runs the next batch; batch->n_rows is 0 at the end. */
static bf_status next(running *r, bf_batch *batch, bf_schema *schema, bf_error *err) {
  uint64_t done = 0, total = 0;
  bf_status status = bf_dataset_next(r->dataset, batch, err);
  if (status != BF_OK || batch->n_rows == 0) return status;
  bf_dataset_schema(r->dataset, schema);
  status = bf_model_run(r->model, schema, batch, &r->outputs, err);
  r->n_rows += batch->n_rows;
  bf_dataset_progress(r->dataset, &done, &total);
  if (status == BF_OK && !cli_progress_step(&r->progress, "bytes", done, total))
    status = cli_error(err, BF_ERR_CANCELLED, "stopped after %" PRIu64 " rows", r->n_rows);
  return status;
}

static void say_warnings(cli *c, const running *r) {
  for (uint32_t i = 0; r->dataset != NULL && i < bf_dataset_warning_count(r->dataset); i++)
    cli_warn(c, "%s: %s", c->arguments[1], bf_dataset_warning(r->dataset, i));
}

/* ---- predict: CSV, Parquet, .npy ---- */

#define NPY_HEADER_BYTES 128u

typedef enum prediction_format { AS_CSV, AS_PARQUET, AS_NPY } prediction_format;

typedef struct prediction_writer {
  FILE *file;
  char *temporary; /* what is written, renamed at the end; NULL: standard output */
  prediction_format format;
  bool tokens;
  double *row; /* probabilities */
  size_t n_classes;
  uint64_t n_items;
} prediction_writer;

static bool ends_in(const char *text, const char *end) {
  size_t n = strlen(text), k = strlen(end);
  return n >= k && strcmp(text + n - k, end) == 0;
}

static bf_status writer_open(const char *path, prediction_writer *w, bf_error *err) {
  w->file = stdout;
  if (strcmp(path, "-") == 0) return BF_OK;
  if (ends_in(path, ".npy")) {
    w->format = AS_NPY;
  } else if (ends_in(path, ".parquet")) {
    w->format = AS_PARQUET;
  } else if (!ends_in(path, ".csv")) {
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "%s: the name must end in .csv, .parquet or .npy", path);
  }
  size_t room = strlen(path) + 16;
  w->temporary = malloc(room);
  if (w->temporary == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  snprintf(w->temporary, room, "%s.XXXXXX", path);
  int descriptor = mkstemp(w->temporary);
  w->file = descriptor >= 0 ? fdopen(descriptor, "wb") : NULL;
  return w->file != NULL ? BF_OK : cli_error_errno(err, "cannot write %s", path);
}

/* The header of an .npy of version 1.0, padded so that it can be written again when the rows are counted. */
static void put_npy_header(prediction_writer *w) {
  char text[NPY_HEADER_BYTES - 10];
  int n = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRIu64 ", %zu), }",
                   w->n_items, w->n_classes);
  memset(text + n, ' ', sizeof text - (size_t)n);
  text[sizeof text - 1] = '\n';
  const unsigned char magic[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, sizeof text, 0};
  (void)fwrite(magic, 1, sizeof magic, w->file);
  (void)fwrite(text, 1, sizeof text, w->file);
}

static bf_status writer_begin(prediction_writer *w, const bf_model *model, bool tokens, bf_error *err) {
  w->n_classes = bf_model_class_count(model);
  w->tokens = tokens;
  w->row = malloc((w->n_classes + 1) * sizeof *w->row);
  if (w->row == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  if (w->format == AS_NPY) {
    put_npy_header(w);
    return BF_OK;
  }
  fputs(tokens ? "row,token,label,confidence" : "row,label,confidence", w->file);
  for (size_t k = 0; k < w->n_classes; k++) {
    const char *name = bf_model_class(model, k);
    (void)putc(',', w->file);
    cli_put_quoted(w->file, name, strlen(name));
  }
  (void)putc('\n', w->file);
  return BF_OK;
}

static void put_item(prediction_writer *w, const running *r, size_t item, uint64_t row, const bf_string *token) {
  int32_t predicted = -1;
  bool answered = bf_outputs_probabilities(&r->outputs, item, temperature_of(r), w->row, &predicted);
  w->n_items++;
  if (w->format == AS_NPY) {
    for (size_t k = 0; k < w->n_classes; k++) {
      float value = answered ? (float)w->row[k] : NAN;
      (void)fwrite(&value, sizeof value, 1, w->file);
    }
    return;
  }
  fprintf(w->file, "%" PRIu64 ",", row);
  if (token != NULL) {
    cli_put_quoted(w->file, token->bytes, token->n_bytes);
    (void)putc(',', w->file);
  }
  const char *label = answered ? bf_model_class(r->model, (size_t)predicted) : "";
  if (answered) cli_put_quoted(w->file, label, strlen(label));
  if (!answered) (void)putc(',', w->file);
  if (answered) fprintf(w->file, ",%.6g", w->row[predicted]);
  for (size_t k = 0; k < w->n_classes; k++) {
    (void)putc(',', w->file);
    if (answered) fprintf(w->file, "%.6g", w->row[k]);
  }
  (void)putc('\n', w->file);
}

static void put_batch(prediction_writer *w, const running *r, const bf_batch *batch) {
  size_t item = 0;
  for (uint32_t i = 0; i < batch->n_rows; i++) {
    uint64_t row = (uint64_t)batch->first_row + i;
    uint32_t n = batch->sentences != NULL ? batch->sentences[i].n_tokens : 1;
    for (uint32_t k = 0; k < n; k++)
      put_item(w, r, item++, row, batch->sentences != NULL ? &batch->sentences[i].tokens[k] : NULL);
  }
}

static bf_status finish_parquet(const char *path, prediction_writer *w, bf_error *err) {
  static const char *const texts[] = {"label", "token"}; /* the second only where there is one */
  size_t room = strlen(w->temporary) + 16;
  char *parquet = malloc(room);
  if (parquet == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  snprintf(parquet, room, "%s.parquet", w->temporary);
  bf_status status = bf_csv_to_parquet(w->temporary, texts, w->tokens ? 2 : 1, parquet, err);
  if (status == BF_OK && rename(parquet, path) != 0) status = cli_error_errno(err, "cannot write %s", path);
  if (status != BF_OK) (void)unlink(parquet);
  (void)unlink(w->temporary);
  free(parquet);
  return status;
}

static bf_status writer_finish(const char *path, prediction_writer *w, bf_error *err) {
  if (w->format == AS_NPY && fseek(w->file, 0, SEEK_SET) == 0) put_npy_header(w);
  bool failed = fflush(w->file) != 0 || ferror(w->file);
  if (w->temporary == NULL) return failed ? cli_error_errno(err, "cannot write the predictions") : BF_OK;
  mode_t mask = umask(0);
  (void)umask(mask);
  failed = fchmod(fileno(w->file), 0666 & ~mask) != 0 || fsync(fileno(w->file)) != 0 || failed;
  failed = fclose(w->file) != 0 || failed;
  w->file = NULL;
  if (failed) return cli_error_errno(err, "cannot write %s", path);
  if (w->format == AS_PARQUET) return finish_parquet(path, w, err);
  return rename(w->temporary, path) == 0 ? BF_OK : cli_error_errno(err, "cannot write %s", path);
}

static void writer_deinit(prediction_writer *w, bool keep) {
  if (w->file != NULL && w->file != stdout) (void)fclose(w->file);
  if (!keep && w->temporary != NULL) (void)unlink(w->temporary);
  free(w->temporary);
  free(w->row);
}

static bf_status predict_all(cli *c, running *r, prediction_writer *w, bf_error *err) {
  bf_batch batch;
  bf_schema schema;
  cli_progress_begin(&r->progress, c, "predicting");
  bf_status status = BF_OK;
  while ((status = next(r, &batch, &schema, err)) == BF_OK && batch.n_rows > 0) {
    if (w->row == NULL) status = writer_begin(w, r->model, batch.sentences != NULL, err);
    if (status != BF_OK) break;
    put_batch(w, r, &batch);
    r->outputs.n_items = 0;
  }
  cli_progress_end(&r->progress);
  if (status == BF_OK && w->row == NULL)
    status = cli_error(err, BF_ERR_NOT_APPLICABLE, "%s has no rows", c->arguments[1]);
  return status;
}

static int print_predicted(const cli *c, const running *r, const prediction_writer *w, const char *path) {
  if (c->json && w->temporary != NULL) {
    json_t *value = json_object(), *classes = json_array();
    for (size_t k = 0; k < w->n_classes; k++)
      json_array_append_new(classes, cli_json_text(bf_model_class(r->model, k)));
    json_object_set_new(value, "bestfit_version", cli_json_text(bf_version()));
    json_object_set_new(value, "output", cli_json_text(path));
    json_object_set_new(value, "rows", json_integer((json_int_t)r->n_rows));
    json_object_set_new(value, "items", json_integer((json_int_t)w->n_items));
    json_object_set_new(value, "temperature", cli_json_number(temperature_of(r)));
    json_object_set_new(value, "classes", classes);
    json_object_set(value, "warnings", c->warnings);
    return cli_print_json(c, value);
  }
  if (w->temporary != NULL)
    printf("%s: %" PRIu64 " prediction%s of %zu classes\n", path, w->n_items, w->n_items == 1 ? "" : "s", w->n_classes);
  return 0;
}

int cmd_predict(cli *c) {
  if (cli_flag(c, "ensemble")) return cmd_predict_ensemble(c);
  bf_error err = {.position = -1};
  running r = {.outputs = BF_OUTPUTS_INIT};
  prediction_writer w = {0};
  const char *path = cli_text(c, "output") != NULL ? cli_text(c, "output") : "-";
  bf_status status = BF_OK;
  if (c->n_arguments != 2)
    status = cli_error(&err, BF_ERR_INVALID_ARGUMENT, "predict needs a model and data (or --ensemble and data)");
  if (status == BF_OK && strcmp(path, "-") != 0)
    status = cli_check_output(path, CLI_OUTPUT_PREDICTIONS, c->arguments, 2, &err);
  if (status == BF_OK) status = writer_open(path, &w, &err);
  if (status == BF_OK) status = start(c, &r, &err);
  if (status == BF_OK) status = predict_all(c, &r, &w, &err);
  say_warnings(c, &r);
  if (status == BF_OK) status = writer_finish(path, &w, &err);
  int code = status == BF_OK ? print_predicted(c, &r, &w, path) : cli_fail(c, &err);
  writer_deinit(&w, status == BF_OK);
  running_deinit(&r);
  return code;
}

/* ---- evaluate ---- */

static json_t *interval_json(double low, double high) {
  return json_pack("[f,f]", low, high);
}

static json_t *class_json(const bf_class_evaluation *class) {
  json_t *value = json_object();
  json_object_set_new(value, "name", cli_json_text(class->name));
  json_object_set_new(value, "n", json_integer((json_int_t) class->n_true));
  json_object_set_new(value, "predicted", json_integer((json_int_t) class->n_predicted));
  json_object_set_new(value, "precision", cli_json_number(class->precision));
  json_object_set_new(value, "precision_interval", interval_json(class->precision_low, class->precision_high));
  json_object_set_new(value, "recall", cli_json_number(class->recall));
  json_object_set_new(value, "recall_interval", interval_json(class->recall_low, class->recall_high));
  json_object_set_new(value, "f1", cli_json_number(class->f1));
  return value;
}

static int print_evaluation_json(const cli *c, const running *r, const bf_evaluation *e) {
  json_t *value = json_object(), *classes = json_array(), *confusion = json_array();
  for (size_t i = 0; i < e->n_classes; i++) {
    json_t *row = json_array();
    for (size_t k = 0; k < e->n_classes; k++)
      json_array_append_new(row, json_integer((json_int_t)e->confusion[i * e->n_classes + k]));
    json_array_append_new(confusion, row);
    json_array_append_new(classes, class_json(&e->classes[i]));
  }
  json_object_set_new(value, "bestfit_version", cli_json_text(bf_version()));
  json_object_set_new(value, "items", json_integer((json_int_t)e->n_items));
  json_object_set_new(value, "unlabelled", json_integer((json_int_t)e->n_unlabelled));
  json_object_set_new(value, "foreign_labels", json_integer((json_int_t)e->n_foreign));
  json_object_set_new(value, "unanswered", json_integer((json_int_t)e->n_unanswered));
  json_object_set_new(value, "accuracy", cli_json_number(e->accuracy));
  json_object_set_new(value, "accuracy_interval", interval_json(e->accuracy_low, e->accuracy_high));
  json_object_set_new(value, "macro_f1", cli_json_number(e->macro_f1));
  json_object_set_new(value, "macro_f1_interval", interval_json(e->macro_f1_low, e->macro_f1_high));
  json_object_set_new(value, "calibration_error", cli_json_number(e->calibration_error));
  json_object_set_new(value, "mean_confidence", cli_json_number(e->mean_confidence));
  json_object_set_new(value, "temperature", cli_json_number(temperature_of(r)));
  json_object_set_new(value, "classes", classes);
  json_object_set_new(value, "confusion", confusion);
  json_object_set(value, "warnings", c->warnings);
  return cli_print_json(c, value);
}

static void print_classes(const bf_evaluation *e) {
  static const char *const headings[] = {"~class", ">n", ">precision", ">recall", "95 %", ">F1", NULL};
  cli_table *table = cli_table_create(headings);
  for (size_t i = 0; i < e->n_classes; i++) {
    const bf_class_evaluation *class = &e->classes[i];
    cli_table_cell(table, class->name);
    cli_table_cellf(table, "%" PRIu64, class->n_true);
    cli_table_cellf(table, "%.3f", class->precision);
    cli_table_cellf(table, "%.3f", class->recall);
    cli_table_cellf(table, "%.3f to %.3f", class->recall_low, class->recall_high);
    cli_table_cellf(table, "%.3f", class->f1);
  }
  printf("\n");
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  cli_table_free(table);
}

#define MAX_SHOWN_CLASSES 12u

/* Truth down, prediction across; of many classes the confusions that occur most. */
static void print_confusion(const bf_evaluation *e) {
  const char *headings[MAX_SHOWN_CLASSES + 2] = {"~truth"};
  char names[MAX_SHOWN_CLASSES][40];
  size_t n = e->n_classes;
  if (n > MAX_SHOWN_CLASSES) return;
  for (size_t k = 0; k < n; k++) {
    snprintf(names[k], sizeof names[k], ">%.38s", e->classes[k].name);
    headings[k + 1] = names[k];
  }
  cli_table *table = cli_table_create(headings);
  for (size_t i = 0; i < n; i++) {
    cli_table_cell(table, e->classes[i].name);
    for (size_t k = 0; k < n; k++) cli_table_cellf(table, "%" PRIu64, e->confusion[i * n + k]);
  }
  printf("\nconfusion, predictions across\n");
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  cli_table_free(table);
}

static void print_evaluation(const cli *c, const running *r, const bf_evaluation *e) {
  printf("%s on %s: %" PRIu64 " labelled item%s", c->arguments[0], c->arguments[1], e->n_items,
         e->n_items == 1 ? "" : "s");
  if (e->n_unlabelled > 0) printf(", %" PRIu64 " without a label left out", e->n_unlabelled);
  printf("\n\naccuracy           %.4f   (95 %%: %.4f to %.4f)\n", e->accuracy, e->accuracy_low, e->accuracy_high);
  printf("macro-F1           %.4f   (95 %%: %.4f to %.4f)\n", e->macro_f1, e->macro_f1_low, e->macro_f1_high);
  printf("calibration error  %.4f   (mean confidence %.4f at temperature %.3g)\n", e->calibration_error,
         e->mean_confidence, temperature_of(r));
  if (e->n_foreign > 0)
    printf("%" PRIu64 " items have a label that is no class of the model: they count as errors\n", e->n_foreign);
  if (e->n_unanswered > 0)
    printf("%" PRIu64 " items got outputs that are not finite: they count as errors\n", e->n_unanswered);
  print_classes(e);
  print_confusion(e);
}

static bf_status run_labelled(cli *c, running *r, int32_t **truth, size_t *n_truth, bf_error *err) {
  bf_batch batch;
  bf_schema schema;
  bf_status status = BF_OK;
  cli_progress_begin(&r->progress, c, "evaluating");
  while ((status = next(r, &batch, &schema, err)) == BF_OK && batch.n_rows > 0) {
    if (batch.labels == NULL && batch.sentences == NULL) {
      status =
          cli_error(err, BF_ERR_MISMATCH, "%s has no labels: name their column or file with --label", c->arguments[1]);
      break;
    }
    status = bf_model_truth(r->model, &schema, &batch, *n_truth, truth, n_truth, err);
    if (status != BF_OK) break;
  }
  cli_progress_end(&r->progress);
  return status;
}

int cmd_evaluate(cli *c) {
  bf_error err = {.position = -1};
  running r = {.outputs = BF_OUTPUTS_INIT};
  int32_t *truth = NULL;
  size_t n_truth = 0, n_classes = 0;
  const char **classes = NULL;
  bf_evaluation *evaluation = NULL;
  bf_status status = start(c, &r, &err);
  if (status == BF_OK) status = run_labelled(c, &r, &truth, &n_truth, &err);
  if (status == BF_OK) {
    n_classes = r.outputs.n_classes;
    classes = calloc(n_classes + 1, sizeof *classes);
    if (classes == NULL) status = cli_error(&err, BF_ERR_MEMORY, "out of memory");
  }
  for (size_t k = 0; status == BF_OK && k < n_classes; k++) classes[k] = bf_model_class(r.model, k);
  if (status == BF_OK && r.outputs.n_items == 0)
    status = cli_error(&err, BF_ERR_NOT_APPLICABLE, "%s has no rows", c->arguments[1]);
  if (status == BF_OK)
    status = bf_evaluate(&r.outputs, classes, truth, temperature_of(&r), cli_wide(c, "seed", 0), &evaluation, &err);
  say_warnings(c, &r);
  int code = 0;
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else if (c->json) {
    code = print_evaluation_json(c, &r, evaluation);
  } else {
    print_evaluation(c, &r, evaluation);
  }
  bf_evaluation_free(evaluation);
  free(classes);
  free(truth);
  running_deinit(&r);
  return code;
}
