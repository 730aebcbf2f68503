/* bestfit edit: what a card says, changed in place, by options or in an editor.
 *
 * The new card goes through the same reading as one that is added; what is read from it (domain, task, licence,
 * summary, accuracy, tags) follows in the same transaction. Of the tags only those change that the card changes: what
 * `bestfit tag` has set stays. The change is refused where the card was changed by someone else since it was read. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

#define CARD_MAX_BYTES (1u << 20)
#define MAX_WORDS 1024u

typedef struct edition {
  const bf_store_model *model;
  uint8_t *old; /* the card as it is */
  size_t old_bytes;
  bf_card *old_card; /* NULL: cannot be read */
  char *card;        /* as it shall be; NULL: stays */
  size_t card_bytes;
  bf_card *parsed;
  const char *tags[MAX_WORDS], *remove_tags[MAX_WORDS];
  bf_store_metric *metrics;
  char *metric_text;
  bf_store_changes changes;
} edition;

static void edition_deinit(edition *e) {
  free(e->old);
  bf_card_free(e->old_card);
  free(e->card);
  bf_card_free(e->parsed);
  free(e->metrics);
  free(e->metric_text);
}

static const char *const card_options[] = {"license", "domain", "task", "tag", "accuracy", "summary", "card"};

static bool says_card(const cli *c) {
  for (size_t i = 0; i < sizeof card_options / sizeof *card_options; i++)
    if (cli_flag(c, card_options[i])) return true;
  return false;
}

/* ---- the editor ---- */

static bf_status run_editor(const char *editor, const char *path, bf_error *err) {
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) return cli_error_errno(err, "cannot start the editor");
  if (child == 0) { /* the shell takes "code --wait" apart; the path is its argument, not part of the command */
    char command[600];
    snprintf(command, sizeof command, "%s \"$1\"", editor);
    execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return cli_error_errno(err, "cannot wait for the editor");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return BF_OK;
  return cli_error(err, BF_ERR_CANCELLED, "the editor '%s' ended without success: nothing was changed", editor);
}

static bf_status write_all(int file, const uint8_t *bytes, size_t n, bf_error *err) {
  while (n > 0) {
    ssize_t written = write(file, bytes, n);
    if (written < 0 && errno != EINTR) return cli_error_errno(err, "cannot write the card for the editor");
    if (written <= 0) continue;
    bytes += written;
    n -= (size_t)written;
  }
  return BF_OK;
}

/* The card goes into a file of its own, which stays where it could not be used: what was typed is not lost. */
static bf_status edit_card(cli *c, edition *e, char **path, bf_error *err) {
  const char *editor = getenv("VISUAL"), *folder = getenv("TMPDIR");
  if (editor == NULL || editor[0] == '\0') editor = getenv("EDITOR");
  if (editor == NULL || editor[0] == '\0') editor = "vi";
  if (!isatty(STDIN_FILENO))
    return cli_error(
        err, BF_ERR_INVALID_ARGUMENT,
        "nothing to change: give --license, --domain, --task, --tag, --accuracy, --summary, --metric or --card FILE "
        "(without them an editor opens, on a terminal)");
  size_t room = (folder != NULL ? strlen(folder) : 4) + 32;
  *path = malloc(room);
  if (*path == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  snprintf(*path, room, "%s/bestfit-card-XXXXXX.md", folder != NULL ? folder : "/tmp");
  int file = mkstemps(*path, 3);
  if (file < 0) return cli_error_errno(err, "cannot write %s", *path);
  bf_status status = write_all(file, e->old, e->old_bytes, err);
  if (close(file) != 0 && status == BF_OK) status = cli_error_errno(err, "cannot write %s", *path);
  if (status == BF_OK) status = run_editor(editor, *path, err);
  uint8_t *bytes = NULL;
  if (status == BF_OK) status = cli_read_file(*path, CARD_MAX_BYTES, &bytes, &e->card_bytes, err);
  e->card = (char *)bytes;
  (void)c;
  return status;
}

/* ---- the new card ---- */

static bf_status write_card(const cli *c, edition *e, bf_error *err) {
  const char *path = cli_text(c, "card");
  uint8_t *given = NULL;
  size_t n = e->old_bytes;
  bf_status status = path != NULL ? cli_read_file(path, CARD_MAX_BYTES, &given, &n, err) : BF_OK;
  if (status != BF_OK) return status;
  const char *base = given != NULL ? (const char *)given : (const char *)e->old;
  bf_card_fields fields = BF_CARD_FIELDS_INIT;
  fields.task = cli_text(c, "task");
  fields.domain = cli_text(c, "domain");
  fields.license = cli_text(c, "license");
  fields.summary = cli_text(c, "summary");
  fields.source_accuracy = cli_real(c, "accuracy", NAN);
  fields.tags = e->tags;
  fields.n_tags = cli_list(c, "tag", e->tags, MAX_WORDS);
  if (fields.n_tags > MAX_WORDS) fields.n_tags = MAX_WORDS;
  bool any = fields.task != NULL || fields.domain != NULL || fields.license != NULL || fields.summary != NULL ||
             fields.n_tags > 0 || !isnan(fields.source_accuracy);
  if (any) {
    status = bf_card_write(base, n, &fields, &e->card, &e->card_bytes, err);
  } else {
    e->card = malloc(n + 1);
    if (e->card == NULL) status = cli_error(err, BF_ERR_MEMORY, "out of memory");
    if (status == BF_OK) memcpy(e->card, base, e->card_bytes = n);
  }
  free(given);
  return status;
}

static bf_status check_card(const edition *e, bf_error *err) {
  const char *name = bf_card_name(e->parsed), *kind = bf_card_input_kind(e->parsed);
  double accuracy = bf_card_source_accuracy(e->parsed);
  if (name != NULL && strcmp(name, e->model->name) != 0)
    return cli_error(err, BF_ERR_MISMATCH,
                     "the card says name: %.80s, but this is %.80s: a name stays; add the model under the new one",
                     name, e->model->name);
  if (kind != NULL && e->model->kind != NULL && strcmp(kind, e->model->kind) != 0)
    return cli_error(err, BF_ERR_MISMATCH,
                     "the card says that the input is of kind %s, but the stored sketch is of kind %s", kind,
                     e->model->kind);
  if (accuracy < 0 || accuracy > 1)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "the accuracy %g is not between 0 and 1", accuracy);
  return BF_OK;
}

static bool card_has_tag(const bf_card *card, const char *tag) {
  for (size_t i = 0; card != NULL && i < bf_card_tag_count(card); i++)
    if (strcmp(bf_card_tag(card, i), tag) == 0) return true;
  return false;
}

/* Whether the version has the tag as a word, or the key. */
static bool model_has_key(const bf_store_model *model, const char *tag) {
  char *key = strndup(tag, strcspn(tag, "="));
  char *value = key != NULL ? cli_tag_value(model->tags, key) : NULL;
  bool has = value != NULL;
  free(value);
  free(key);
  return has;
}

/* Tags that the new card has and the old had not, and the reverse. */
static void compare_tags(edition *e) {
  bf_store_changes *changes = &e->changes;
  for (size_t i = 0; i < bf_card_tag_count(e->parsed) && changes->n_tags < MAX_WORDS; i++)
    if (!card_has_tag(e->old_card, bf_card_tag(e->parsed, i))) e->tags[changes->n_tags++] = bf_card_tag(e->parsed, i);
  for (size_t i = 0; e->old_card != NULL && i < bf_card_tag_count(e->old_card) && changes->n_remove_tags < MAX_WORDS;
       i++) {
    const char *tag = bf_card_tag(e->old_card, i);
    /* one with "=" or a comma was taken apart; its parts stay unless set anew */
    if (!card_has_tag(e->parsed, tag) && strpbrk(tag, "=,") == NULL && model_has_key(e->model, tag))
      e->remove_tags[changes->n_remove_tags++] = tag;
  }
  changes->tags = e->tags;
  changes->remove_tags = e->remove_tags;
}

static bf_status read_changes(edition *e, bf_error *err) {
  bf_status status = bf_card_parse(e->card, e->card_bytes, &e->parsed, err);
  if (status == BF_OK) status = check_card(e, err);
  if (status != BF_OK) return status;
  bf_store_changes *changes = &e->changes;
  changes->card = (const uint8_t *)e->card;
  changes->card_bytes = e->card_bytes;
  changes->expected_card = e->model->card_sha256;
  const char *domain = bf_card_domain(e->parsed), *license = bf_card_license(e->parsed);
  changes->domain = domain != NULL ? domain : e->model->name;
  changes->task = bf_card_task(e->parsed);
  changes->license = license != NULL ? license : "";
  changes->summary = bf_card_summary(e->parsed);
  changes->set_source_accuracy = true;
  changes->source_accuracy = bf_card_source_accuracy(e->parsed);
  compare_tags(e);
  /* what stays is not said in the log */
  if (strcmp(changes->domain, e->model->domain) == 0) changes->domain = NULL;
  if (strcmp(changes->task, e->model->task) == 0) changes->task = NULL;
  if (strcmp(changes->license, e->model->license) == 0) changes->license = NULL;
  if (strcmp(changes->summary, e->model->summary) == 0) changes->summary = NULL;
  bool unknown = isnan(changes->source_accuracy) && isnan(e->model->source_accuracy);
  if (unknown || changes->source_accuracy == e->model->source_accuracy) changes->set_source_accuracy = false;
  return BF_OK;
}

/* ---- the verb ---- */

static bf_status prepare(cli *c, edition *e, bf_store *store, char **path, bf_error *err) {
  bf_status status = bf_store_read_blob(store, e->model->card_sha256, &e->old, &e->old_bytes, err);
  if (status != BF_OK) return status;
  if (bf_card_parse((const char *)e->old, e->old_bytes, &e->old_card, NULL) != BF_OK) e->old_card = NULL;
  status = cli_metrics(c, "metric", &e->metrics, &e->changes.n_metrics, &e->metric_text, err);
  if (status != BF_OK) return status;
  e->changes.metrics = e->metrics;
  if (says_card(c))
    status = write_card(c, e, err);
  else if (e->changes.n_metrics == 0)
    status = edit_card(c, e, path, err);
  if (status != BF_OK || e->card == NULL) return status;
  if (e->card_bytes != e->old_bytes || memcmp(e->card, e->old, e->old_bytes) != 0) return read_changes(e, err);
  free(e->card);
  e->card = NULL;
  return BF_OK;
}

static int print_edited(const cli *c, bf_store *store, const edition *e, uint32_t version) {
  char hash[65], words[200];
  if (e->card == NULL || bf_sha256(e->card, e->card_bytes, hash, NULL) != BF_OK)
    snprintf(words, sizeof words, "%zu metric%s set", e->changes.n_metrics, e->changes.n_metrics == 1 ? "" : "s");
  else
    snprintf(words, sizeof words,
             "card %.12s is now %.12s; the version number stays, the old card too until `bestfit fsck --gc`",
             e->model->card_sha256, hash);
  return cli_print_changed(c, store, e->model->name, version, words);
}

int cmd_edit(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_store_list *list = NULL;
  static edition e; /* two arrays of words: too large for some stacks */
  char *path = NULL, which[256];
  uint32_t version = 0;
  int code = 0;
  e.changes = (bf_store_changes)BF_STORE_CHANGES_INIT;
  bf_status status = cli_open_store(c, CLI_WRITES, &store, &err);
  if (status == BF_OK) status = bf_store_find(store, c->arguments[0], &list, &err);
  if (status == BF_OK) {
    e.model = bf_store_list_at(list, bf_store_list_count(list) - 1);
    status = prepare(c, &e, store, &path, &err);
  }
  bool any = e.card != NULL || e.changes.n_metrics > 0;
  if (status == BF_OK && any) {
    snprintf(which, sizeof which, "%s@%u", e.model->name, e.model->version);
    status = bf_store_edit(store, which, &e.changes, &version, &err);
  }
  if (status != BF_OK) {
    code = cli_fail(c, &err);
    if (path != NULL && e.card != NULL)
      cli_say(c, "what you wrote is still in %s: `bestfit edit %s --card %s`", path, c->arguments[0], path);
  } else if (!any) {
    cli_say(c, "nothing was changed");
    if (c->json) code = cli_print_json(c, cli_json_model(e.model));
  } else {
    code = print_edited(c, store, &e, version);
  }
  if (path != NULL && (status == BF_OK || e.card == NULL)) (void)unlink(path);
  free(path);
  edition_deinit(&e);
  bf_store_list_free(list);
  bf_store_close(store);
  return code;
}
