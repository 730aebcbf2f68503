/* bestfit tag, alias, log: what a repository says of its models beside their cards, and who changed what. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MAX_WORDS 1024u

/* The version that a change was made to, as JSON or in words. */
int cli_print_changed(const cli *c, bf_store *store, const char *name, uint32_t version, const char *words) {
  bf_error err = {.position = -1};
  bf_store_list *list = NULL;
  char which[256];
  int code = 0;
  if (!c->json) {
    char *clean = cli_clean(words);
    printf("%.*s@%u: %s\n", (int)strcspn(name, "@"), name, version, clean != NULL ? clean : "");
    free(clean);
    return 0;
  }
  snprintf(which, sizeof which, "%.*s@%u", (int)strcspn(name, "@"), name, version);
  bf_status status = bf_store_find(store, which, &list, &err);
  code = status == BF_OK ? cli_print_json(c, cli_json_model(bf_store_list_at(list, 0))) : cli_fail(c, &err);
  bf_store_list_free(list);
  return code;
}

/* "name=value" of each --metric. */
bf_status cli_metrics(const cli *c, const char *option, bf_store_metric **out, size_t *n, char **text, bf_error *err) {
  const char *given[MAX_WORDS];
  *n = cli_list(c, option, given, MAX_WORDS);
  *out = calloc(*n + 1, sizeof **out);
  size_t bytes = 1;
  for (size_t i = 0; i < *n && i < MAX_WORDS; i++) bytes += strlen(given[i]) + 1;
  char *at = *text = malloc(bytes);
  if (*out == NULL || *text == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  if (*n > MAX_WORDS) return cli_error(err, BF_ERR_INVALID_ARGUMENT, "more than %u metrics", MAX_WORDS);
  for (size_t i = 0; i < *n; i++) {
    char *name = memcpy(at, given[i], strlen(given[i]) + 1), *equals = strchr(name, '='), *end = NULL;
    at += strlen(given[i]) + 1;
    double value = equals != NULL ? strtod(equals + 1, &end) : NAN;
    if (equals == NULL || end == equals + 1 || *end != '\0' || !isfinite(value))
      return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--%s wants name=number, as in f1=0.83, not '%.60s'", option,
                       given[i]);
    *equals = '\0';
    (*out)[i] = (bf_store_metric){.name = name, .value = value};
  }
  return BF_OK;
}

/* ---- tag ---- */

static int print_tags(const cli *c, bf_store *store, bf_error *err) {
  bf_store_list *list = NULL;
  if (bf_store_find(store, c->arguments[0], &list, err) != BF_OK) return cli_fail(c, err);
  const bf_store_model *model = bf_store_list_at(list, bf_store_list_count(list) - 1);
  int code = 0;
  if (c->json) {
    code = cli_print_json(c, cli_json_model(model));
  } else {
    char *clean = cli_clean(model->tags);
    for (char *rest = clean, *tag; rest != NULL && (tag = strtok_r(rest, ",", &rest)) != NULL;) printf("%s\n", tag);
    free(clean);
  }
  bf_store_list_free(list);
  return code;
}

int cmd_tag(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_store_changes changes = BF_STORE_CHANGES_INIT;
  const char *removed[MAX_WORDS];
  uint32_t version = 0;
  int code = 0;
  changes.tags = c->arguments + 1;
  changes.n_tags = (size_t)c->n_arguments - 1;
  changes.remove_tags = removed;
  changes.n_remove_tags = cli_list(c, "remove", removed, MAX_WORDS);
  bf_status status = cli_open_store(c, CLI_WRITES, &store, &err);
  if (status == BF_OK && changes.n_remove_tags > MAX_WORDS)
    status = cli_error(&err, BF_ERR_INVALID_ARGUMENT, "more than %u tags", MAX_WORDS);
  if (status == BF_OK && changes.n_tags + changes.n_remove_tags == 0) {
    code = print_tags(c, store, &err);
  } else {
    if (status == BF_OK) status = bf_store_edit(store, c->arguments[0], &changes, &version, &err);
    char words[80];
    snprintf(words, sizeof words, "%zu tag%s set, %zu removed", changes.n_tags, changes.n_tags == 1 ? "" : "s",
             changes.n_remove_tags);
    code = status == BF_OK ? cli_print_changed(c, store, c->arguments[0], version, words) : cli_fail(c, &err);
  }
  bf_store_close(store);
  return code;
}

/* ---- alias ---- */

/* Every alias of the model and the version that it points to. */
static int print_aliases(const cli *c, bf_store *store, bf_error *err) {
  static const char *const headings[] = {"alias", ">version", NULL};
  bf_store_list *list = NULL;
  char *name = strndup(c->arguments[0], strcspn(c->arguments[0], "@"));
  bf_status status =
      name == NULL ? cli_error(err, BF_ERR_MEMORY, "out of memory") : bf_store_find(store, name, &list, err);
  free(name);
  if (status != BF_OK) return cli_fail(c, err);
  cli_table *table = cli_table_create(headings);
  json_t *aliases = json_object();
  for (size_t i = 0; i < bf_store_list_count(list); i++) {
    const bf_store_model *model = bf_store_list_at(list, i);
    char *copy = strdup(model->aliases);
    for (char *rest = copy, *alias; rest != NULL && (alias = strtok_r(rest, ",", &rest)) != NULL;) {
      cli_table_cell(table, alias);
      cli_table_cellf(table, "%u", model->version);
      json_object_set_new(aliases, alias, json_integer(model->version));
    }
    free(copy);
  }
  int code = 0;
  if (c->json) {
    json_t *value = json_object();
    json_object_set_new(value, "id", cli_json_text(bf_store_list_at(list, 0)->name));
    json_object_set(value, "aliases", aliases);
    code = cli_print_json(c, value);
  } else if (cli_table_rows(table) > 0) {
    cli_table_print(table, stdout, 0, cli_table_rows(table));
  } else {
    cli_say(c, "no aliases");
  }
  json_decref(aliases);
  cli_table_free(table);
  bf_store_list_free(list);
  return code;
}

static int print_alias(const cli *c, uint32_t was, uint32_t is) {
  int n = (int)strcspn(c->arguments[0], "@");
  if (c->json) {
    json_t *value = json_object();
    char name[256];
    snprintf(name, sizeof name, "%.*s", n, c->arguments[0]);
    json_object_set_new(value, "id", cli_json_text(name));
    json_object_set_new(value, "alias", cli_json_text(c->arguments[1]));
    json_object_set_new(value, "version", is != 0 ? json_integer(is) : json_null());
    json_object_set_new(value, "was", was != 0 ? json_integer(was) : json_null());
    return cli_print_json(c, value);
  }
  printf("%.*s@%s", n, c->arguments[0], c->arguments[1]);
  if (is == 0)
    printf(" removed; it was version %u\n", was);
  else if (was == 0)
    printf(" is version %u\n", is);
  else
    printf(" is version %u; it was %u\n", is, was);
  return 0;
}

int cmd_alias(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_store_list *list = NULL;
  uint32_t was = 0, is = 0;
  char which[384];
  bf_status status = cli_open_store(c, CLI_WRITES, &store, &err);
  if (status == BF_OK && c->n_arguments == 1 && cli_flag(c, "remove"))
    status = cli_error(&err, BF_ERR_INVALID_ARGUMENT, "--remove wants the alias: bestfit alias NAME ALIAS --remove");
  if (status == BF_OK && c->n_arguments == 1) {
    int code = print_aliases(c, store, &err);
    bf_store_close(store);
    return code;
  }
  if (status == BF_OK && cli_flag(c, "remove")) {
    status = bf_store_remove_alias(store, c->arguments[0], c->arguments[1], &was, &err);
  } else if (status == BF_OK) {
    status = bf_store_set_alias(store, c->arguments[0], c->arguments[1], &was, &err);
    snprintf(which, sizeof which, "%.*s@%s", (int)strcspn(c->arguments[0], "@"), c->arguments[0], c->arguments[1]);
    if (status == BF_OK) status = bf_store_find(store, which, &list, &err);
    if (status == BF_OK) is = bf_store_list_at(list, 0)->version;
  }
  int code = status == BF_OK ? print_alias(c, was, is) : cli_fail(c, &err);
  bf_store_list_free(list);
  bf_store_close(store);
  return code;
}

/* ---- log ---- */

json_t *cli_json_event(const bf_store_event *event) {
  json_t *value = json_object();
  json_object_set_new(value, "time", cli_json_text(event->time));
  json_object_set_new(value, "who", event->who[0] != '\0' ? cli_json_text(event->who) : json_null());
  json_object_set_new(value, "action", cli_json_text(event->action));
  json_object_set_new(value, "id", event->name[0] != '\0' ? cli_json_text(event->name) : json_null());
  json_object_set_new(value, "version", event->version != 0 ? json_integer(event->version) : json_null());
  json_object_set_new(value, "detail", cli_json_text(event->detail));
  return value;
}

typedef struct log_output {
  cli_table *table;
  json_t *events;
} log_output;

static bool take_event(void *context, const bf_store_event *event) {
  log_output *out = context;
  if (out->events != NULL) {
    json_array_append_new(out->events, cli_json_event(event));
    return true;
  }
  cli_table_cell(out->table, event->time);
  cli_table_cell(out->table, event->who[0] != '\0' ? event->who : "-");
  cli_table_cell(out->table, event->action);
  if (event->version != 0)
    cli_table_cellf(out->table, "%s@%u", event->name, event->version);
  else
    cli_table_cell(out->table, event->name);
  cli_table_cell(out->table, event->detail);
  return true;
}

int cmd_log(cli *c) {
  static const char *const headings[] = {"time", "who", "action", "model", "~what", NULL};
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  log_output out = {.table = cli_table_create(headings), .events = c->json ? json_array() : NULL};
  const char *name = c->n_arguments > 0 ? c->arguments[0] : NULL;
  int code = 0;
  bf_status status = cli_open_store(c, CLI_READS, &store, &err);
  if (status == BF_OK) status = bf_store_log(store, name, cli_whole(c, "top", 0), take_event, &out, &err);
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else if (c->json) {
    json_t *value = json_object();
    json_object_set(value, "events", out.events);
    code = cli_print_json(c, value);
  } else if (cli_table_rows(out.table) > 0) {
    cli_table_print(out.table, stdout, 0, cli_table_rows(out.table));
  } else if (name != NULL) {
    cli_say(c, "nothing was ever done with %s", name);
  }
  json_decref(out.events);
  cli_table_free(out.table);
  bf_store_close(store);
  return code;
}
