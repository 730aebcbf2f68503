/* bestfit show, rm, fsck: what is in the repository. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- show ---- */

static void print_field(const char *name, const char *value) {
  if (value == NULL || value[0] == '\0') return;
  char *clean = cli_clean(value);
  printf("%-10s %s\n", name, clean != NULL ? clean : "");
  free(clean);
}

static void print_model(const bf_store_model *model) {
  char size[24], text[64];
  snprintf(text, sizeof text, "%u, added %.40s", model->version, model->created);
  print_field("model", model->name);
  print_field("version", text);
  print_field("summary", model->summary);
  print_field("task", model->task);
  print_field("domain", model->domain);
  print_field("license", model->license);
  print_field("aliases", model->aliases);
  print_field("tags", model->tags);
  if (isfinite(model->source_accuracy))
    printf("%-10s %.4g on its own held-out data\n", "accuracy", model->source_accuracy);
  for (size_t i = 0; i < model->n_metrics; i++)
    if (strcmp(model->metrics[i].name, "accuracy") != 0 || model->metrics[i].value != model->source_accuracy)
      printf("%-10s %s %.6g\n", "metric", model->metrics[i].name, model->metrics[i].value);
  cli_format_bytes((double)model->model_bytes, size);
  printf("%-10s %s, sha256 %s\n", "file", size, model->model_sha256);
  printf("%-10s sha256 %s\n", "card", model->card_sha256);
  if (model->sketch_sha256 == NULL) printf("%-10s none: search lists it as unranked\n", "sketch");
}

static bf_status load_model_sketch(bf_store *store, const bf_store_model *model, uint8_t **bytes, size_t *n_bytes,
                                   bf_sketch **sketch, bf_error *err) {
  if (model->sketch_sha256 == NULL) return BF_OK;
  bf_status status = bf_store_read_blob(store, model->sketch_sha256, bytes, n_bytes, err);
  return status == BF_OK ? bf_sketch_decode(*bytes, *n_bytes, sketch, err) : status;
}

/* ---- history: the lines of the audit log on one version ---- */

#define HISTORY_LINES 10

typedef struct history {
  uint32_t version;
  size_t n;
  json_t *events; /* NULL: words */
} history;

static bool take_history(void *context, const bf_store_event *event) {
  history *h = context;
  if (event->version != h->version) return true;
  h->n++;
  if (h->events != NULL) {
    json_array_append_new(h->events, cli_json_event(event));
    return true;
  }
  char line[200];
  /* hashes are for `bestfit log` */
  int cut = (int)strlen(event->detail) < 60 ? (int)strlen(event->detail) : 60;
  while (cut > 0 && ((unsigned char)event->detail[cut] & 0xc0) == 0x80) cut--;
  snprintf(line, sizeof line, "%s %s%s%s  %.*s%s", event->time, event->action, event->who[0] != '\0' ? " by " : "",
           event->who, cut, event->detail, event->detail[cut] != '\0' ? "…" : "");
  print_field(h->n == 1 ? "history" : "", line);
  return h->n < HISTORY_LINES;
}

static int print_shown(const cli *c, bf_store *store, const bf_store_list *list, const cli_running *running,
                       const bf_sketch *sketch, size_t sketch_bytes, const char *card, size_t card_bytes) {
  size_t n = bf_store_list_count(list);
  const bf_store_model *model = bf_store_list_at(list, n - 1);
  if (cli_flag(c, "card") && !c->json) {
    (void)fwrite(card, 1, card_bytes, stdout);
    return 0;
  }
  if (c->json) {
    json_t *value = cli_json_model(model), *versions = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(versions, json_integer(bf_store_list_at(list, i)->version));
    json_object_set_new(value, "versions", versions);
    cli_json_running(value, running);
    history past = {.version = model->version, .events = json_array()};
    if (bf_store_log(store, model->name, 0, take_history, &past, NULL) == BF_OK)
      json_object_set(value, "history", past.events);
    json_decref(past.events);
    json_object_set_new(value, "card_text", cli_json_text(card));
    json_object_set_new(value, "sketch_content", sketch != NULL ? cli_json_sketch(sketch, true) : json_null());
    return cli_print_json(c, value);
  }
  print_model(model);
  cli_print_running(running);
  if (n > 1) {
    printf("%-10s", "versions");
    for (size_t i = 0; i < n; i++) printf(" %u", bf_store_list_at(list, i)->version);
    printf("\n");
  }
  bf_error err = {.position = -1};
  history past = {.version = model->version};
  if (bf_store_log(store, model->name, 0, take_history, &past, &err) != BF_OK) return cli_fail(c, &err);
  if (sketch != NULL) {
    printf("\n");
    cli_print_sketch(c, sketch, sketch_bytes, model->sketch_sha256);
  }
  return 0;
}

static int show_sketch_file(cli *c, const char *path) {
  cli_input input;
  bf_error err = {.position = -1};
  if (cli_load_input(c, path, &input, &err) != BF_OK) return cli_fail(c, &err);
  int code = 0;
  if (c->json) {
    json_t *value = cli_json_sketch(input.sketch, true);
    json_object_set_new(value, "bytes", json_integer((json_int_t)input.n_bytes));
    json_object_set_new(value, "sha256", cli_json_text(input.sha256));
    code = cli_print_json(c, value);
  } else {
    cli_print_sketch(c, input.sketch, input.n_bytes, input.sha256);
  }
  cli_input_deinit(&input);
  return code;
}

int cmd_show(cli *c) {
  const char *which = c->arguments[0];
  if (strcmp(which, "-") == 0 || cli_is_sketch_file(which)) return show_sketch_file(c, which);
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_store_list *list = NULL;
  bf_sketch *sketch = NULL;
  cli_running running = {.model = NULL};
  uint8_t *card = NULL, *bytes = NULL;
  size_t card_bytes = 0, n_bytes = 0;
  bf_status status = cli_open_store(c, CLI_READS, &store, &err);
  if (status == BF_OK) status = bf_store_find(store, which, &list, &err);
  if (status == BF_OK) {
    const bf_store_model *model = bf_store_list_at(list, bf_store_list_count(list) - 1);
    status = bf_store_read_blob(store, model->card_sha256, &card, &card_bytes, &err);
    if (status == BF_OK) status = load_model_sketch(store, model, &bytes, &n_bytes, &sketch, &err);
    if (status == BF_OK && !cli_flag(c, "card")) status = cli_running_load(store, model, &running, &err);
  }
  char *text = NULL; /* the card with an end */
  if (status == BF_OK && (text = strndup((const char *)card, card_bytes)) == NULL)
    status = cli_error(&err, BF_ERR_MEMORY, "out of memory");
  int code =
      status == BF_OK ? print_shown(c, store, list, &running, sketch, n_bytes, text, card_bytes) : cli_fail(c, &err);
  cli_running_deinit(&running);
  free(text);
  free(card);
  free(bytes);
  bf_sketch_free(sketch);
  bf_store_list_free(list);
  bf_store_close(store);
  return code;
}

/* ---- rm, fsck ---- */

int cmd_rm(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  uint32_t n = 0;
  bf_status status = cli_open_store(c, CLI_WRITES, &store, &err);
  if (status == BF_OK) status = bf_store_remove(store, c->arguments[0], &n, &err);
  bf_store_close(store);
  if (status != BF_OK) return cli_fail(c, &err);
  if (c->json) {
    json_t *value = json_object();
    json_object_set_new(value, "removed", cli_json_text(c->arguments[0]));
    json_object_set_new(value, "versions", json_integer(n));
    return cli_print_json(c, value);
  }
  printf("removed %s (%u version%s)\n", c->arguments[0], n, n == 1 ? "" : "s");
  return 0;
}

static void collect_problem(void *context, const char *severity, const char *line) {
  json_t *problem = json_object();
  json_object_set_new(problem, "severity", cli_json_text(severity));
  json_object_set_new(problem, "line", cli_json_text(line));
  json_array_append_new(context, problem);
}

static json_t *fsck_json(const bf_fsck_report *report, bool clean, json_t *problems) {
  json_t *value = json_object();
  json_object_set_new(value, "clean", json_boolean(clean));
  json_object_set_new(value, "models", json_integer((json_int_t)report->models));
  json_object_set_new(value, "versions", json_integer((json_int_t)report->versions));
  json_object_set_new(value, "blobs", json_integer((json_int_t)report->blobs));
  json_object_set_new(value, "bytes", json_integer((json_int_t)report->bytes));
  json_object_set_new(value, "missing", json_integer((json_int_t)report->missing));
  json_object_set_new(value, "damaged", json_integer((json_int_t)report->damaged));
  json_object_set_new(value, "unreferenced", json_integer((json_int_t)report->unreferenced));
  json_object_set_new(value, "temporary", json_integer((json_int_t)report->temporary));
  json_object_set_new(value, "database_ok", json_boolean(report->database_ok));
  json_object_set_new(value, "index_ok", json_boolean(report->index_ok));
  json_object_set(value, "problems", problems);
  return value;
}

static void print_fsck(const cli *c, const bf_fsck_report *report, bool clean, const json_t *problems) {
  char size[24];
  for (size_t i = 0; i < json_array_size(problems); i++) {
    const json_t *problem = json_array_get(problems, i);
    const char *severity = json_string_value(json_object_get(problem, "severity"));
    const char *line = json_string_value(json_object_get(problem, "line"));
    char *text = cli_clean(line != NULL ? line : "");
    printf("%s: %s\n", severity != NULL ? severity : "", text != NULL ? text : "");
    free(text);
  }
  cli_format_bytes((double)report->bytes, size);
  printf("%s: %" PRIu64 " models, %" PRIu64 " versions, %" PRIu64 " blobs of %s", clean ? "clean" : "NOT CLEAN",
         report->models, report->versions, report->blobs, size);
  if (!clean)
    printf("; %" PRIu64 " missing, %" PRIu64 " damaged%s", report->missing, report->damaged,
           !report->database_ok ? ", the database is damaged"
           : report->index_ok   ? ""
                                : ", the full-text index is damaged (--gc makes it anew)");
  if (report->unreferenced + report->temporary > 0)
    printf("; left over: %" PRIu64 " unreferenced, %" PRIu64 " temporary%s", report->unreferenced, report->temporary,
           cli_flag(c, "gc") ? "" : " (--gc frees them)");
  printf("\n");
}

int cmd_fsck(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_fsck_report report = {0};
  json_t *problems = json_array();
  bf_status status = cli_open_store(c, cli_flag(c, "gc") ? CLI_WRITES : CLI_READS, &store, &err);
  if (status == BF_OK) status = bf_store_fsck(store, cli_flag(c, "gc"), collect_problem, problems, &report, &err);
  bf_store_close(store);
  bool clean = report.missing == 0 && report.damaged == 0 && report.database_ok && report.index_ok;
  int code = clean ? 0 : bf_status_exit_code(BF_ERR_CORRUPT);
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else if (c->json) {
    int printed = cli_print_json(c, fsck_json(&report, clean, problems));
    if (printed != 0) code = printed;
  } else {
    print_fsck(c, &report, clean, problems);
  }
  json_decref(problems);
  return code;
}
