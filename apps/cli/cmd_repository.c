/* bestfit ls, show, rm, fsck: what is in the repository. */
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool matches(const char *pattern, const char *name) {
  if (pattern == NULL) return true;
  if (strpbrk(pattern, "*?[") != NULL) return fnmatch(pattern, name, 0) == 0;
  return strstr(name, pattern) != NULL;
}

static void list_row(cli_table *table, const bf_store_model *model) {
  cli_table_cellf(table, "%s@%u", model->name, model->version);
  cli_table_cell(table, model->kind != NULL ? model->kind : "no sketch");
  if (model->kind != NULL) {
    cli_table_cellf(table, "%" PRIu64, model->rows);
  } else {
    cli_table_cell(table, "-");
  }
  if (isfinite(model->source_accuracy)) {
    cli_table_cellf(table, "%.3f", model->source_accuracy);
  } else {
    cli_table_cell(table, "-");
  }
  cli_table_cell(table, model->domain);
  cli_table_cell(table, model->license[0] != '\0' ? model->license : "-");
  cli_table_cellf(table, "%.10s", model->created);
  /* the first words will do in a list; `show` has them all */
  int cut = 60;
  while (cut > 0 && ((unsigned char)model->summary[strnlen(model->summary, (size_t)cut)] & 0xc0) == 0x80) cut--;
  cli_table_cellf(table, "%.*s%s", cut, model->summary, strlen(model->summary) > (size_t)cut ? "…" : "");
}

static void list_model(const cli *c, const bf_store_model *model, cli_table *table, json_t *models) {
  if (c->json) {
    json_array_append_new(models, cli_json_model(model));
  } else {
    list_row(table, model);
  }
}

int cmd_ls(cli *c) {
  static const char *const headings[] = {"model",    "kind",  ">rows",    ">accuracy", "~domain",
                                         "~license", "added", "~summary", NULL};
  const char *pattern = c->n_arguments > 0 ? c->arguments[0] : NULL;
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_store_list *latest = NULL;
  json_t *models = json_array();
  cli_table *table = cli_table_create(headings);
  size_t n = 0;
  int code = 0;
  bf_status status = cli_open_store(c, CLI_READS, &store, &err);
  if (status == BF_OK) status = bf_store_find(store, NULL, &latest, &err);
  for (size_t i = 0; status == BF_OK && i < bf_store_list_count(latest); i++) {
    const bf_store_model *model = bf_store_list_at(latest, i);
    if (!matches(pattern, model->name)) continue;
    n++;
    if (!cli_flag(c, "all-versions")) {
      list_model(c, model, table, models);
      continue;
    }
    bf_store_list *versions = NULL;
    status = bf_store_find(store, model->name, &versions, &err);
    for (size_t k = 0; k < bf_store_list_count(versions); k++)
      list_model(c, bf_store_list_at(versions, k), table, models);
    bf_store_list_free(versions);
  }
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else if (c->json) {
    json_t *value = json_object();
    json_object_set(value, "models", models);
    code = cli_print_json(c, value);
  } else if (n == 0) {
    cli_say(c, pattern != NULL ? "no model matches '%s'" : "no models yet%s", pattern != NULL ? pattern : "");
  } else {
    cli_table_print(table, stdout, 0, cli_table_rows(table));
  }
  json_decref(models);
  cli_table_free(table);
  bf_store_list_free(latest);
  bf_store_close(store);
  return code;
}

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
  print_field("tags", model->tags);
  if (isfinite(model->source_accuracy))
    printf("%-10s %.4g on its own held-out data\n", "accuracy", model->source_accuracy);
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

static int print_shown(const cli *c, const bf_store_list *list, const bf_sketch *sketch, size_t sketch_bytes,
                       const char *card, size_t card_bytes) {
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
    json_object_set_new(value, "card_text", cli_json_text(card));
    json_object_set_new(value, "sketch_content", sketch != NULL ? cli_json_sketch(sketch, true) : json_null());
    return cli_print_json(c, value);
  }
  print_model(model);
  if (n > 1) {
    printf("%-10s", "versions");
    for (size_t i = 0; i < n; i++) printf(" %u", bf_store_list_at(list, i)->version);
    printf("\n");
  }
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
  uint8_t *card = NULL, *bytes = NULL;
  size_t card_bytes = 0, n_bytes = 0;
  bf_status status = cli_open_store(c, CLI_READS, &store, &err);
  if (status == BF_OK) status = bf_store_find(store, which, &list, &err);
  if (status == BF_OK) {
    const bf_store_model *model = bf_store_list_at(list, bf_store_list_count(list) - 1);
    status = bf_store_read_blob(store, model->card_sha256, &card, &card_bytes, &err);
    if (status == BF_OK) status = load_model_sketch(store, model, &bytes, &n_bytes, &sketch, &err);
  }
  char *text = NULL; /* the card with an end */
  if (status == BF_OK && (text = strndup((const char *)card, card_bytes)) == NULL)
    status = cli_error(&err, BF_ERR_MEMORY, "out of memory");
  int code = status == BF_OK ? print_shown(c, list, sketch, n_bytes, text, card_bytes) : cli_fail(c, &err);
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
           report->database_ok ? "" : ", the database is damaged");
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
  bool clean = report.missing == 0 && report.damaged == 0 && report.database_ok;
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
