/* bestfit export, import: one model as one file.
 *
 * What a bundle's manifest says of its card and sketch is compared with what these say themselves before anything is
 * stored. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

/* A file that is there and no zip archive is not replaced: it is likely to be something else's. */
static bf_status check_output(const char *path, bf_error *err) {
  struct stat info;
  if (stat(path, &info) != 0) return BF_OK;
  char head[4] = "";
  FILE *file = S_ISREG(info.st_mode) ? fopen(path, "rb") : NULL;
  size_t n = file != NULL ? fread(head, 1, sizeof head, file) : 0;
  if (file != NULL) (void)fclose(file);
  if (S_ISREG(info.st_mode) && (info.st_size == 0 || (n == 4 && memcmp(head, "PK\3\4", 4) == 0))) return BF_OK;
  return cli_error(err, BF_ERR_EXISTS, "%s is there and is no bundle: choose another name for -o", path);
}

int cmd_export(cli *c) {
  bf_error err = {.position = -1};
  bf_store *store = NULL;
  bf_store_list *list = NULL;
  char path_of[300], size[24];
  const char *path = cli_text(c, "output");
  struct stat info = {0};
  bf_status status = cli_open_store(c, CLI_READS, &store, &err);
  if (status == BF_OK) status = bf_store_find(store, c->arguments[0], &list, &err);
  const bf_store_model *model = status == BF_OK ? bf_store_list_at(list, bf_store_list_count(list) - 1) : NULL;
  char which[256] = "";
  if (model != NULL) {
    const char *slash = strchr(model->name, '/');
    snprintf(which, sizeof which, "%s@%u", model->name, model->version);
    snprintf(path_of, sizeof path_of, "%s-%u.bestfit", slash != NULL ? slash + 1 : model->name, model->version);
    if (path == NULL) path = path_of;
    status = check_output(path, &err);
  }
  if (status == BF_OK) status = bf_store_export(store, which, path, &err);
  if (status == BF_OK && stat(path, &info) != 0) status = cli_error_errno(&err, "cannot read %s", path);
  int code = 0;
  if (status != BF_OK) {
    code = cli_fail(c, &err);
  } else if (c->json) {
    json_t *value = cli_json_model(model);
    json_object_set_new(value, "path", cli_json_text(path));
    json_object_set_new(value, "bytes", json_integer((json_int_t)info.st_size));
    code = cli_print_json(c, value);
  } else {
    cli_format_bytes((double)info.st_size, size);
    printf("%s: %s, %s\n", path, which, size);
  }
  bf_store_list_free(list);
  bf_store_close(store);
  return code;
}

/* ---- import ---- */

/* The manifest is a stranger's; the card and the sketch speak for themselves. */
static bf_status check_sketch(bf_store_entry *entry, bf_error *err) {
  bf_sketch *sketch = NULL;
  bf_error why = {.position = -1};
  if (entry->sketch == NULL) return BF_OK;
  bf_status status = bf_sketch_decode(entry->sketch, entry->sketch_bytes, &sketch, &why);
  if (status != BF_OK) return cli_error(err, status, "the bundle's sketch cannot be read: %s", why.message);
  const char *kind = bf_kind_name(bf_sketch_kind(sketch));
  if (strcmp(kind, entry->kind) != 0)
    status = cli_error(err, BF_ERR_MISMATCH, "the manifest says kind %.40s, but the sketch is of kind %s", entry->kind,
                       kind);
  entry->rows = bf_sketch_rows(sketch);
  bf_sketch_free(sketch);
  return status;
}

/* The same for a kept sample of validation rows. */
static bf_status check_validation(const bf_store_entry *entry, bf_error *err) {
  bf_sample *sample = NULL;
  bf_error why = {.position = -1};
  if (entry->validation == NULL) return BF_OK;
  bf_status status = bf_sample_decode(entry->validation, entry->validation_bytes, &sample, &why);
  bf_sample_free(sample);
  if (status == BF_OK) return BF_OK;
  return cli_error(err, status, "the bundle's validation rows cannot be read: %s", why.message);
}

/* With --as the card says the new name too, or `edit` would refuse it later. *card is the card as stored, NULL: as it
 * is. */
static bf_status check_card(bf_store_entry *entry, const char *as, char **card, bf_error *err) {
  bf_card *parsed = NULL;
  bf_error why = {.position = -1};
  bf_status status = bf_card_parse((const char *)entry->card, entry->card_bytes, &parsed, &why);
  if (status != BF_OK) return cli_error(err, status, "the bundle's card cannot be read: %s", why.message);
  const char *name = bf_card_name(parsed);
  if (name != NULL && strcmp(name, entry->name) != 0)
    status = cli_error(err, BF_ERR_MISMATCH, "the manifest says %.80s, but the card says %.80s", entry->name, name);
  if (status == BF_OK && as != NULL && name != NULL) {
    bf_card_fields fields = BF_CARD_FIELDS_INIT;
    size_t n = 0;
    fields.name = as;
    status = bf_card_write((const char *)entry->card, entry->card_bytes, &fields, card, &n, err);
    entry->card = (const uint8_t *)*card;
    entry->card_bytes = n;
  }
  bf_card_free(parsed);
  return status;
}

static int print_imported(const cli *c, bf_store *store, const bf_store_entry *entry, uint32_t version) {
  bf_error err = {.position = -1};
  bf_store_list *list = NULL;
  char which[256];
  snprintf(which, sizeof which, "%s@%u", entry->name, version);
  if (bf_store_find(store, which, &list, &err) != BF_OK) return cli_fail(c, &err);
  const bf_store_model *model = bf_store_list_at(list, 0);
  for (size_t i = 0; i < entry->n_aliases; i++) {
    char *found = cli_tag_value(model->aliases, entry->aliases[i]);
    if (found == NULL)
      cli_say(c, "the alias %s stays where it is: `bestfit alias %s %s` moves it", entry->aliases[i], which,
              entry->aliases[i]);
    free(found);
  }
  int code = 0;
  if (c->json)
    code = cli_print_json(c, cli_json_model(model));
  else
    printf("%s: imported, %s\n", which, entry->origin);
  bf_store_list_free(list);
  return code;
}

int cmd_import(cli *c) {
  bf_error err = {.position = -1};
  bf_bundle *bundle = NULL;
  bf_store *store = NULL;
  const char *as = cli_text(c, "as");
  char *card = NULL;
  uint32_t version = 0;
  bf_store_entry entry = BF_STORE_ENTRY_INIT;
  bf_status status = as != NULL ? bf_card_check_name(as, &err) : BF_OK;
  if (status == BF_OK) status = bf_bundle_open(c->arguments[0], &bundle, &err);
  if (status == BF_OK) {
    entry = *bf_bundle_entry(bundle);
    entry.new_only = cli_flag(c, "new");
    status = check_sketch(&entry, &err);
    if (status == BF_OK) status = check_validation(&entry, &err);
  }
  if (status == BF_OK) status = check_card(&entry, as, &card, &err);
  if (as != NULL) {
    /* a domain that was only the name's stand-in goes with the name */
    if (entry.domain != NULL && entry.name != NULL && strcmp(entry.domain, entry.name) == 0) entry.domain = NULL;
    entry.name = as;
  }
  if (status == BF_OK) status = cli_open_store(c, CLI_CREATES, &store, &err);
  if (status == BF_OK) status = bf_store_add(store, &entry, &version, &err);
  int code = status == BF_OK ? print_imported(c, store, &entry, version) : cli_fail(c, &err);
  bf_store_close(store);
  bf_bundle_free(bundle);
  free(card);
  return code;
}
