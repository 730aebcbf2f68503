/* bestfit add: a model file, its card and the sketch of its training data, stored in one transaction.
 *
 * What is cheap is checked first: the model's first byte, the card and the name are refused before gigabytes are read.
 * The card in the repository is the card given with the flags merged in; without any card the flags write one. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define CARD_MAX_BYTES (1u << 20)
#define MAX_WORDS 1024u

typedef struct addition {
  const char *model_path;
  uint8_t *given; /* card file as it is */
  size_t given_bytes;
  char *card; /* as stored */
  size_t card_bytes;
  bf_card *parsed;
  cli_input input;
  bool has_input;
  cli_model_files files;
  bf_workers *workers;
  bf_sample *validation;
  bf_registration *registration; /* NULL: the model was not run */
} addition;

static void addition_deinit(addition *a) {
  free(a->given);
  free(a->card);
  bf_card_free(a->parsed);
  cli_input_deinit(&a->input);
  bf_registration_free(a->registration);
  bf_sample_free(a->validation);
  bf_workers_free(a->workers);
  cli_model_files_deinit(&a->files);
}

/* An ONNX file is a protobuf whose first field, ir_version, gives the byte 0x08. Running a model shows more, later. */
static bf_status check_model(const char *path, bf_error *err) {
  struct stat info;
  if (stat(path, &info) != 0) return cli_error_errno(err, "cannot open the model %s", path);
  if (!S_ISREG(info.st_mode))
    return cli_error(err, BF_ERR_FORMAT, "%s is not a file: give the model's .onnx file", path);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return cli_error_errno(err, "cannot open the model %s", path);
  char head[32] = "";
  size_t n = fread(head, 1, sizeof head - 1, file);
  (void)fclose(file);
  bf_status status = BF_OK;
  if (n == 0) {
    status = cli_error(err, BF_ERR_FORMAT, "%s is empty: give the model's .onnx file", path);
  } else if (strncmp(head, "version https://git-lfs", 23) == 0) {
    status = cli_error(err, BF_ERR_FORMAT, "%s is a Git LFS pointer, not the model: run `git lfs pull` first", path);
  } else if (head[0] != 0x08) {
    status = cli_error(err, BF_ERR_FORMAT,
                       "%s is no ONNX model: its first byte is 0x%02x, not 0x08; export the model to ONNX", path,
                       (unsigned)(unsigned char)head[0]);
  }
  if (status != BF_OK && err != NULL) err->position = 0;
  return status;
}

/* The card given, or the one beside the model. */
static bf_status read_card(cli *c, addition *a, bf_error *err) {
  const char *path = cli_text(c, "card");
  if (path != NULL) return cli_read_file(path, CARD_MAX_BYTES, &a->given, &a->given_bytes, err);
  char *beside = cli_card_beside(a->model_path);
  if (beside == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = BF_OK;
  if (access(beside, R_OK) == 0) {
    status = cli_read_file(beside, CARD_MAX_BYTES, &a->given, &a->given_bytes, err);
    if (status == BF_OK) cli_say(c, "card: %s", beside);
  }
  free(beside);
  return status;
}

/* "a,b,c" cut in place. */
static size_t split(char *text, const char **out, size_t n_max) {
  size_t n = 0;
  for (char *rest = text, *word; n < n_max && (word = strtok_r(rest, ",", &rest)) != NULL;) out[n++] = word;
  return n;
}

static bf_status make_card(const cli *c, addition *a, const char *input_kind, bf_error *err) {
  static const char *const texts[] = {"name", "task", "domain", "license", "tag", "accuracy", "classes"};
  bool any = a->given == NULL;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) any |= cli_flag(c, texts[i]);
  const char **words = calloc(2 * (size_t)MAX_WORDS, sizeof *words);
  char *class_text = strdup(cli_flag(c, "classes") ? cli_text(c, "classes") : "");
  bf_status status = BF_OK;
  if (words == NULL || class_text == NULL) {
    status = cli_error(err, BF_ERR_MEMORY, "out of memory");
    goto out;
  }
  bf_card_fields fields = BF_CARD_FIELDS_INIT;
  fields.name = cli_text(c, "name");
  fields.task = cli_text(c, "task");
  fields.domain = cli_text(c, "domain");
  fields.license = cli_text(c, "license");
  fields.source_accuracy = cli_real(c, "accuracy", NAN);
  fields.tags = words;
  fields.n_tags = cli_list(c, "tag", words, MAX_WORDS);
  if (fields.n_tags > MAX_WORDS) fields.n_tags = MAX_WORDS;
  fields.classes = words + MAX_WORDS;
  fields.n_classes = split(class_text, words + MAX_WORDS, MAX_WORDS);
  if (a->given == NULL) fields.input_kind = input_kind;
  free(a->card);
  a->card = NULL;
  bf_card_free(a->parsed);
  a->parsed = NULL;
  if (any) {
    status = bf_card_write((const char *)a->given, a->given_bytes, &fields, &a->card, &a->card_bytes, err);
  } else {
    a->card = malloc(a->given_bytes + 1);
    if (a->card == NULL) status = cli_error(err, BF_ERR_MEMORY, "out of memory");
    if (status == BF_OK) memcpy(a->card, a->given, a->card_bytes = a->given_bytes);
  }
  if (status == BF_OK) status = bf_card_parse(a->card, a->card_bytes, &a->parsed, err);
out:
  free(words);
  free(class_text);
  return status;
}

static bf_status check_card(const cli *c, const addition *a, bf_error *err) {
  const char *path = cli_text(c, "card");
  double accuracy = bf_card_source_accuracy(a->parsed);
  if (bf_card_name(a->parsed) == NULL)
    return cli_error(
        err, BF_ERR_INVALID_ARGUMENT,
        "the card%s%s has no name: write `name: owner/name` in its `bestfit:` block, or give --name owner/name",
        path != NULL ? " " : "", path != NULL ? path : "");
  if (accuracy < 0 || accuracy > 1)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "the accuracy %g is not between 0 and 1", accuracy);
  return bf_card_check_name(bf_card_name(a->parsed), err);
}

static bf_status check_kind(const addition *a, bf_error *err) {
  const char *said = bf_card_input_kind(a->parsed);
  if (!a->has_input || said == NULL) return BF_OK;
  const char *is = bf_kind_name(bf_sketch_kind(a->input.sketch));
  if (strcmp(said, is) == 0) return BF_OK;
  return cli_error(
      err, BF_ERR_MISMATCH,
      "the card says that the input is of kind %s, but the %s of kind %s: give the data that this model was "
      "trained on, --kind, or correct the card",
      said, a->input.from_data ? "data are" : "sketch is", is);
}

static bf_status check_saved_card(const cli *c, const addition *a, bf_error *err) {
  const char *card = cli_text(c, "card");
  char *beside = card == NULL ? cli_card_beside(a->model_path) : NULL;
  const char *const inputs[] = {a->model_path, card, beside, cli_text(c, "data"), cli_text(c, "sketch")};
  bf_status status =
      cli_check_output(cli_text(c, "save-card"), CLI_OUTPUT_CARD, inputs, sizeof inputs / sizeof *inputs, err);
  free(beside);
  return status;
}

static bf_status prepare(cli *c, addition *a, bf_error *err) {
  const char *data = cli_text(c, "data"), *sketch = cli_text(c, "sketch");
  if (data != NULL && sketch != NULL)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--data and --sketch are two ways to say the same: give one");
  bf_status status = check_model(a->model_path, err);
  if (status == BF_OK) status = check_saved_card(c, a, err);
  if (status == BF_OK) status = read_card(c, a, err);
  if (status == BF_OK && a->given == NULL && cli_text(c, "name") == NULL)
    return cli_error(
        err, BF_ERR_INVALID_ARGUMENT,
        "no name: give --name owner/name, or a card with `name: owner/name` in its `bestfit:` block (--card FILE, "
        "or a .md file beside the model)");
  if (status == BF_OK) status = make_card(c, a, NULL, err);
  if (status == BF_OK) status = check_card(c, a, err);
  if (status != BF_OK || (data == NULL && sketch == NULL)) return status;
  if (sketch != NULL && strcmp(sketch, "-") != 0 && access(sketch, F_OK) == 0 && !cli_is_sketch_file(sketch))
    return cli_error(err, BF_ERR_FORMAT, "%s is no sketch: `bestfit sketch DATA` makes one, --data reads rows", sketch);
  status = cli_load_input(c, data != NULL ? data : sketch, &a->input, err);
  if (status != BF_OK) return status;
  a->has_input = true;
  /* a card that the flags write says the kind, now that it is known */
  if (a->given == NULL) status = make_card(c, a, bf_kind_name(bf_sketch_kind(a->input.sketch)), err);
  return status == BF_OK ? check_kind(a, err) : status;
}

/* ---- running it ---- */

/* The options of --data, and the labels of --validation where they lie elsewhere. */
static bf_status load_validation(cli *c, addition *a, bf_error *err) {
  const char *path = cli_text(c, "validation");
  bf_dataset_options options = cli_dataset_options(c);
  bf_dataset *dataset = NULL;
  cli_progress progress;
  if (cli_text(c, "validation-label") != NULL) options.label = cli_text(c, "validation-label");
  if (options.kind == NULL && a->has_input) options.kind = bf_kind_name(bf_sketch_kind(a->input.sketch));
  bf_status status = bf_dataset_open(path, &options, &dataset, err);
  if (status != BF_OK) return status;
  cli_progress_begin(&progress, c, "reading the validation rows");
  status = bf_sample_load(dataset, cli_whole(c, "validation-rows", 2000), BF_SKETCH_DEFAULT_SEED, cli_progress_step,
                          &progress, &a->validation, err);
  cli_progress_end(&progress);
  for (uint32_t i = 0; i < bf_dataset_warning_count(dataset); i++)
    cli_warn(c, "%s: %s", path, bf_dataset_warning(dataset, i));
  bf_dataset_close(dataset);
  return status;
}

#define TRIAL_ROWS 64u

/* The first rows of the training data, to see that the model takes them. NULL: there are none. */
static bf_status open_trial(cli *c, bf_dataset **out, bf_schema *schema, bf_batch *batch, bf_error *err) {
  bf_dataset_options options = cli_dataset_options(c);
  const char *path = cli_text(c, "data");
  if (path == NULL || cli_text(c, "validation") != NULL) return BF_OK;
  options.batch_bytes = (size_t)1 << 20;
  bf_status status = bf_dataset_open(path, &options, out, err);
  if (status == BF_OK) status = bf_dataset_next(*out, batch, err);
  if (status != BF_OK) return status;
  if (batch->n_rows > TRIAL_ROWS) batch->n_rows = TRIAL_ROWS;
  bf_dataset_schema(*out, schema);
  return BF_OK;
}

typedef struct add_progress {
  cli *c;
  cli_progress bar;
  size_t n_notices;
} add_progress;

static bool step(void *context, const char *unit, uint64_t done, uint64_t total) {
  return cli_progress_step(&((add_progress *)context)->bar, unit, done, total);
}

#define MAX_NOTICES 5u

static void say_notice(void *context, const char *line) {
  add_progress *p = context;
  if (p->n_notices++ < MAX_NOTICES) cli_say(p->c, "%s", line);
}

static bf_status make_registration(cli *c, addition *a, bf_store *repository, bf_error *err) {
  bf_dataset *trial = NULL;
  bf_schema schema;
  bf_batch batch = {0};
  add_progress progress = {.c = c};
  bf_registration_options options = BF_REGISTRATION_OPTIONS_INIT;
  options.keep_validation = cli_flag(c, "keep-validation");
  options.no_experience = cli_flag(c, "no-experience");
  options.progress = step;
  options.notice = say_notice;
  options.context = &progress;
  bf_status status = cli_read_model_files(a->model_path, a->parsed, &a->files, err);
  if (status == BF_OK && cli_text(c, "validation") != NULL) status = load_validation(c, a, err);
  if (status == BF_OK) status = open_trial(c, &trial, &schema, &batch, err);
  cli_progress_begin(&progress.bar, c, "running models");
  if (status == BF_OK)
    status = bf_registration_make(repository, a->workers, a->parsed, a->files.files, a->files.n, a->validation,
                                  batch.n_rows > 0 ? &schema : NULL, batch.n_rows > 0 ? &batch : NULL, &options,
                                  &a->registration, err);
  cli_progress_end(&progress.bar);
  if (progress.n_notices > MAX_NOTICES)
    cli_say(c, "… and %zu more pairs without experience", progress.n_notices - MAX_NOTICES);
  bf_dataset_close(trial);
  return status;
}

/* A card that says more than the validation rows show is no reason to refuse the model: what was measured counts. */
static void compare_accuracy(cli *c, const addition *a) {
  const bf_calibration *calibration = bf_registration_calibration(a->registration);
  double said = bf_card_source_accuracy(a->parsed);
  if (calibration == NULL || !(fabs(said - calibration->accuracy) > 0.05)) return;
  cli_warn(c, "the card says accuracy %.3f, on the %" PRIu64 " validation items it is %.3f: the measured one is stored",
           said, calibration->n_items, calibration->accuracy);
}

/* Loads and runs the model. Where that is impossible here (no runtime, a task without classes) it is stored all the
 * same, with a warning; where model and card disagree, or the model does not run, it is refused. */
static bf_status register_model(cli *c, addition *a, bf_store *repository, bf_error *err) {
  bf_error cause = {.position = -1};
  if (cli_flag(c, "no-run")) {
    if (cli_text(c, "validation") != NULL)
      return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--validation runs the model, and --no-run forbids that");
    return BF_OK;
  }
  bf_status status = bf_workers_create(NULL, &a->workers, &cause);
  if (status == BF_OK) status = make_registration(c, a, repository, &cause);
  if (status == BF_OK) {
    compare_accuracy(c, a);
  } else if (status == BF_ERR_UNSUPPORTED && cli_text(c, "validation") == NULL) {
    cli_warn(c, "the model is stored but was not run, so that it can be ranked by its data alone: %s", cause.message);
    status = BF_OK;
  } else {
    if (err != NULL) *err = cause;
    if (status == BF_ERR_MISMATCH || status == BF_ERR_FORMAT || status == BF_ERR_LIMIT)
      cli_say(c, "--no-run stores a model without running it; it can then be ranked by its data alone");
  }
  return status;
}

static bf_status store(cli *c, addition *a, bf_store **out, uint32_t *version, bf_error *err) {
  bf_store_entry entry = BF_STORE_ENTRY_INIT;
  bf_card *card = a->parsed;
  bf_store_metric *metrics = NULL;
  char *metric_text = NULL;
  size_t n_tags = bf_card_tag_count(card);
  const char **tags = calloc(n_tags + 1, sizeof *tags);
  if (tags == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  for (size_t i = 0; i < n_tags; i++) tags[i] = bf_card_tag(card, i);
  entry.name = bf_card_name(card);
  entry.domain = bf_card_domain(card);
  entry.task = bf_card_task(card);
  entry.kind = a->has_input ? bf_kind_name(bf_sketch_kind(a->input.sketch)) : NULL;
  entry.summary = bf_card_summary(card);
  entry.license = bf_card_license(card);
  entry.source_accuracy = bf_card_source_accuracy(card);
  entry.model_path = a->model_path;
  entry.card = (const uint8_t *)a->card;
  entry.card_bytes = a->card_bytes;
  entry.sketch = a->input.bytes;
  entry.sketch_bytes = a->input.n_bytes;
  entry.rows = a->has_input ? bf_sketch_rows(a->input.sketch) : 0;
  entry.tags = tags;
  entry.n_tags = n_tags;
  entry.new_only = cli_flag(c, "new");
  bf_status status = cli_metrics(c, "metric", &metrics, &entry.n_metrics, &metric_text, err);
  entry.metrics = metrics;
  /* a repository is made only for a model that goes into it */
  if (status == BF_OK && (status = cli_open_store(c, CLI_WRITES, out, err)) == BF_ERR_NOT_FOUND) status = BF_OK;
  if (status == BF_OK) status = register_model(c, a, *out, err);
  if (status == BF_OK && *out == NULL) status = cli_open_store(c, CLI_CREATES, out, err);
  if (status == BF_OK && a->registration != NULL) {
    const bf_calibration *calibration = bf_registration_calibration(a->registration);
    bf_registration_fill(a->registration, &entry);
    if (calibration != NULL) entry.source_accuracy = calibration->accuracy;
  }
  if (status == BF_OK) status = bf_store_add(*out, &entry, version, err);
  free(metrics);
  free(metric_text);
  free(tags);
  return status;
}

/* What searches learn from the grown experience is learnt now, not while somebody waits for an answer. The model is
 * stored: that this fails is no reason to say otherwise. */
static void learn(cli *c, const addition *a, bf_store *repository) {
  cli_progress progress;
  bf_search_options options = BF_SEARCH_OPTIONS_INIT;
  bf_error why = {.position = -1};
  if (!a->has_input || cli_flag(c, "no-experience") || bf_registration_experience_count(a->registration) == 0) return;
  options.progress = cli_progress_step;
  options.progress_context = &progress;
  cli_progress_begin(&progress, c, "learning");
  if (bf_search_learn(repository, bf_sketch_kind(a->input.sketch), &options, NULL, &why) != BF_OK)
    cli_say(c, "nothing was learnt yet, the next search will try again: %s", why.message);
  cli_progress_end(&progress);
}

static int print_added(const cli *c, const addition *a, const bf_store_model *model) {
  char size[24], card_size[24], sketch_size[24];
  if (c->json) {
    json_t *value = cli_json_model(model), *sketch = json_object_get(value, "sketch");
    json_object_set_new(json_object_get(value, "card"), "bytes", json_integer((json_int_t)a->card_bytes));
    if (json_is_object(sketch)) json_object_set_new(sketch, "bytes", json_integer((json_int_t)a->input.n_bytes));
    json_object_set_new(value, "bestfit_version", cli_json_text(bf_version()));
    json_object_set(value, "warnings", c->warnings);
    return cli_print_json(c, value);
  }
  cli_format_bytes((double)model->model_bytes, size);
  cli_format_bytes((double)a->card_bytes, card_size);
  cli_format_bytes((double)a->input.n_bytes, sketch_size);
  printf("%s@%u\n  model   %s, sha256 %.12s\n  card    %s, sha256 %.12s\n", model->name, model->version, size,
         model->model_sha256, card_size, model->card_sha256);
  if (model->sketch_sha256 != NULL)
    printf("  sketch  %s, sha256 %.12s, %llu row%s of kind %s\n", sketch_size, model->sketch_sha256,
           (unsigned long long)model->rows, model->rows == 1 ? "" : "s", model->kind);
  const bf_calibration *calibration = bf_registration_calibration(a->registration);
  if (calibration != NULL)
    printf("  valid   accuracy %.4f, macro-F1 %.4f, temperature %.3g on %" PRIu64 " items%s\n", calibration->accuracy,
           calibration->macro_f1, calibration->temperature, calibration->n_items,
           model->validation_sha256 != NULL ? ", kept" : "");
  if (bf_registration_experience_count(a->registration) > 0)
    printf("  experience of %zu pairs of model and labelled domain\n",
           bf_registration_experience_count(a->registration));
  return 0;
}

int cmd_add(cli *c) {
  addition a = {.model_path = c->arguments[0]};
  bf_error err = {.position = -1};
  bf_store *repository = NULL;
  bf_store_list *list = NULL;
  uint32_t version = 0;
  char which[256];
  int code = 0;
  bf_status status = prepare(c, &a, &err);
  if (status == BF_OK && !a.has_input)
    cli_warn(c, "no --data and no --sketch: the model is stored, but search lists it as unranked");
  if (status == BF_OK) status = store(c, &a, &repository, &version, &err);
  if (status == BF_OK && cli_text(c, "save-card") != NULL)
    status = cli_write_file(cli_text(c, "save-card"), a.card, a.card_bytes, &err);
  if (status == BF_OK) {
    snprintf(which, sizeof which, "%s@%u", bf_card_name(a.parsed), version);
    status = bf_store_find(repository, which, &list, &err);
  }
  if (status == BF_OK) learn(c, &a, repository);
  code = status == BF_OK ? print_added(c, &a, bf_store_list_at(list, 0)) : cli_fail(c, &err);
  bf_store_list_free(list);
  bf_store_close(repository);
  addition_deinit(&a);
  return code;
}
