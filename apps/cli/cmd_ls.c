/* bestfit ls: models as a table, chosen by name, condition or words, sorted, with the columns asked for. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MAX_COLUMNS 32u

/* ---- columns ---- */

typedef void (*cell_fn)(cli_table *table, const bf_store_model *model);

static void cell_text(cli_table *table, const char *text) {
  cli_table_cell(table, text != NULL && text[0] != '\0' ? text : "-");
}

static void cell_model(cli_table *table, const bf_store_model *m) {
  cli_table_cellf(table, "%s@%u", m->name, m->version);
}
static void cell_name(cli_table *table, const bf_store_model *m) {
  cli_table_cell(table, m->name);
}
static void cell_owner(cli_table *table, const bf_store_model *m) {
  cli_table_cellf(table, "%.*s", (int)strcspn(m->name, "/"), m->name);
}
static void cell_version(cli_table *table, const bf_store_model *m) {
  cli_table_cellf(table, "%u", m->version);
}
static void cell_kind(cli_table *table, const bf_store_model *m) {
  cli_table_cell(table, m->kind != NULL ? m->kind : "no sketch");
}
static void cell_rows(cli_table *table, const bf_store_model *m) {
  if (m->kind != NULL)
    cli_table_cellf(table, "%" PRIu64, m->rows);
  else
    cli_table_cell(table, "-");
}
static void cell_accuracy(cli_table *table, const bf_store_model *m) {
  if (isfinite(m->source_accuracy))
    cli_table_cellf(table, "%.3f", m->source_accuracy);
  else
    cli_table_cell(table, "-");
}
static void cell_domain(cli_table *table, const bf_store_model *m) {
  cell_text(table, m->domain);
}
static void cell_task(cli_table *table, const bf_store_model *m) {
  cell_text(table, m->task);
}
static void cell_license(cli_table *table, const bf_store_model *m) {
  cell_text(table, m->license);
}
static void cell_created(cli_table *table, const bf_store_model *m) {
  cli_table_cellf(table, "%.10s", m->created);
}
static void cell_size(cli_table *table, const bf_store_model *m) {
  char size[24];
  cli_format_bytes((double)m->model_bytes, size);
  cli_table_cell(table, size);
}
static void cell_tags(cli_table *table, const bf_store_model *m) {
  cell_text(table, m->tags);
}
static void cell_aliases(cli_table *table, const bf_store_model *m) {
  cell_text(table, m->aliases);
}
static void cell_sha256(cli_table *table, const bf_store_model *m) {
  cli_table_cell(table, m->model_sha256);
}
/* The first words will do in a list; `show` has them all. */
static void cell_summary(cli_table *table, const bf_store_model *m) {
  int cut = 60;
  while (cut > 0 && ((unsigned char)m->summary[strnlen(m->summary, (size_t)cut)] & 0xc0) == 0x80) cut--;
  cli_table_cellf(table, "%.*s%s", cut, m->summary, strlen(m->summary) > (size_t)cut ? "…" : "");
}

static const struct column {
  const char *name, *heading;
  cell_fn cell;
} columns[] = {
    {"model", "model", cell_model},        {"kind", "kind", cell_kind},
    {"rows", ">rows", cell_rows},          {"accuracy", ">accuracy", cell_accuracy},
    {"domain", "~domain", cell_domain},    {"license", "~license", cell_license},
    {"created", "added", cell_created},    {"alias", "alias", cell_aliases},
    {"summary", "~summary", cell_summary}, {"name", "name", cell_name},
    {"owner", "owner", cell_owner},        {"version", ">version", cell_version},
    {"task", "task", cell_task},           {"size", ">size", cell_size},
    {"tags", "~tags", cell_tags},          {"sha256", "sha256", cell_sha256},
};
#define N_COLUMNS (sizeof columns / sizeof *columns)
#define N_USUAL 9u /* shown where none are named; alias only where there is one */

/* A column of the table as asked for: one of the above, or a tag or metric by key. */
typedef struct shown {
  const struct column *column;
  const char *key; /* of tags. and metrics. */
  bool metric;
  char heading[80];
} shown;

static const char *column_name_at(const void *context, size_t i) {
  (void)context;
  return i < N_COLUMNS ? columns[i].name : NULL;
}

static bf_status find_column(const char *name, shown *out, bf_error *err) {
  *out = (shown){0};
  for (size_t i = 0; i < N_COLUMNS; i++)
    if (strcmp(columns[i].name, name) == 0) out->column = &columns[i];
  if (out->column != NULL) {
    snprintf(out->heading, sizeof out->heading, "%s", out->column->heading);
    return BF_OK;
  }
  if (strncmp(name, "tags.", 5) == 0 || strncmp(name, "metrics.", 8) == 0) {
    out->metric = name[0] == 'm';
    out->key = strchr(name, '.') + 1;
    snprintf(out->heading, sizeof out->heading, "%s%.70s", out->metric ? ">" : "~", out->key);
    return BF_OK;
  }
  const char *near = cli_nearest(name, column_name_at, NULL);
  return cli_error(
      err, BF_ERR_INVALID_ARGUMENT,
      "no column '%.40s'%s%s%s; there are model, name, owner, version, kind, rows, accuracy, domain, task, license, "
      "created, size, alias, tags, summary, sha256, tags.KEY, metrics.NAME",
      name, near != NULL ? " (did you mean " : "", near != NULL ? near : "", near != NULL ? "?)" : "");
}

/* `text` is cut in place and must outlive the columns. */
static bf_status choose_columns(char *text, const bf_store_list *list, shown *out, size_t *n, bf_error *err) {
  bf_status status = BF_OK;
  *n = 0;
  for (char *rest = text, *word; rest != NULL && (word = strtok_r(rest, ", ", &rest)) != NULL;) {
    if (*n == MAX_COLUMNS) return cli_error(err, BF_ERR_INVALID_ARGUMENT, "more than %u columns", MAX_COLUMNS);
    if ((status = find_column(word, &out[(*n)++], err)) != BF_OK) return status;
  }
  if (*n > 0) return BF_OK;
  bool aliases = false;
  for (size_t i = 0; i < bf_store_list_count(list); i++) aliases |= bf_store_list_at(list, i)->aliases[0] != '\0';
  for (size_t i = 0; i < N_USUAL; i++)
    if (aliases || columns[i].cell != cell_aliases) (void)find_column(columns[i].name, &out[(*n)++], err);
  return BF_OK;
}

static void print_cell(cli_table *table, const shown *column, const bf_store_model *model) {
  if (column->column != NULL) {
    column->column->cell(table, model);
  } else if (column->metric) {
    double value = NAN;
    for (size_t i = 0; i < model->n_metrics; i++)
      if (strcmp(model->metrics[i].name, column->key) == 0) value = model->metrics[i].value;
    cli_table_number(table, value);
  } else {
    char *value = cli_tag_value(model->tags, column->key);
    cli_table_cell(table, value == NULL ? "-" : value[0] == '\0' ? "yes" : value);
    free(value);
  }
}

char *cli_tag_value(const char *tags, const char *key) {
  size_t n = strlen(key);
  for (const char *at = tags; *at != '\0';) {
    size_t length = strcspn(at, ",");
    if (strncmp(at, key, n) == 0 && (at[n] == '=' || n == length))
      return n == length ? strdup("") : strndup(at + n + 1, length - n - 1);
    at += at[length] == ',' ? length + 1 : length;
  }
  return NULL;
}

/* ---- the verb ---- */

static bf_status print_table(const cli *c, const bf_store_list *list, bf_error *err) {
  static shown chosen[MAX_COLUMNS];
  const char *headings[MAX_COLUMNS + 1] = {NULL};
  size_t n = 0;
  char *text = strdup(cli_text(c, "columns") != NULL ? cli_text(c, "columns") : "");
  if (text == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = choose_columns(text, list, chosen, &n, err);
  if (status == BF_OK) {
    for (size_t i = 0; i < n; i++) headings[i] = chosen[i].heading;
    cli_table *table = cli_table_create(headings);
    for (size_t i = 0; i < bf_store_list_count(list); i++)
      for (size_t k = 0; k < n; k++) print_cell(table, &chosen[k], bf_store_list_at(list, i));
    if (cli_table_rows(table) > 0) cli_table_print(table, stdout, 0, cli_table_rows(table));
    cli_table_free(table);
  }
  free(text);
  return status;
}

static int print_json(const cli *c, const bf_store_list *list) {
  json_t *value = json_object(), *models = json_array();
  for (size_t i = 0; i < bf_store_list_count(list); i++)
    json_array_append_new(models, cli_json_model(bf_store_list_at(list, i)));
  json_object_set_new(value, "models", models);
  return cli_print_json(c, value);
}

int cmd_ls(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_store_list *list = NULL;
  bf_store_query query = BF_STORE_QUERY_INIT;
  query.pattern = c->n_arguments > 0 ? c->arguments[0] : NULL;
  query.filter = cli_text(c, "filter");
  query.search = cli_text(c, "search");
  query.sort = cli_text(c, "sort");
  query.all_versions = cli_flag(c, "all-versions");
  int code = 0;
  bf_status status = cli_open_store(c, CLI_READS, &store, &err);
  if (status == BF_OK) status = bf_store_select(store, &query, &list, &err);
  if (status == BF_OK && !c->json) status = print_table(c, list, &err);
  bool asked = query.pattern != NULL || query.filter != NULL || query.search != NULL;
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else if (c->json) {
    code = print_json(c, list);
  } else if (bf_store_list_count(list) == 0) {
    if (query.pattern != NULL && query.filter == NULL && query.search == NULL)
      cli_say(c, "no model matches '%s'", query.pattern);
    else
      cli_say(c, "%s", asked ? "no model matches" : "no models yet");
  }
  bf_store_list_free(list);
  bf_store_close(store);
  return code;
}
