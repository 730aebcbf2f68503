/* A model to run: a version of the repository, or an ONNX file with its card, external data and vocabulary beside it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define CARD_MAX_BYTES (1u << 20)
#define MODEL_MAX_BYTES ((size_t)2 << 30)

/* MODEL.md beside MODEL.onnx. You own it. */
char *cli_card_beside(const char *model_path) {
  const char *slash = strrchr(model_path, '/'), *dot = strrchr(model_path, '.');
  size_t stem = dot != NULL && (slash == NULL || dot > slash) ? (size_t)(dot - model_path) : strlen(model_path);
  char *beside = malloc(stem + 4);
  if (beside != NULL) snprintf(beside, stem + 4, "%.*s.md", (int)stem, model_path);
  return beside;
}

static char *file_beside(const char *model_path, const char *name) {
  const char *slash = strrchr(model_path, '/');
  size_t folder = slash != NULL ? (size_t)(slash - model_path) + 1 : 0, room = folder + strlen(name) + 1;
  char *beside = malloc(room);
  if (beside != NULL) snprintf(beside, room, "%.*s%s", (int)folder, model_path, name);
  return beside;
}

void cli_model_files_deinit(cli_model_files *files) {
  for (size_t i = 0; i < files->n; i++) {
    free((void *)files->files[i].name);
    free((void *)files->files[i].bytes);
  }
  free(files->files);
  *files = (cli_model_files){0};
}

static bf_status add_file(cli_model_files *files, const char *path, const char *name, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_status status = cli_read_file(path, MODEL_MAX_BYTES, &bytes, &n_bytes, err);
  if (status != BF_OK) return status;
  char *copy = strdup(name);
  bf_model_file *grown = realloc(files->files, (files->n + 1) * sizeof *grown);
  if (grown != NULL) files->files = grown;
  if (copy == NULL || grown == NULL) {
    free(copy);
    free(bytes);
    return cli_error(err, BF_ERR_MEMORY, "out of memory while reading %s", path);
  }
  bf_model_file *added = &files->files[files->n++];
  added->name = copy;
  added->bytes = bytes;
  added->n_bytes = n_bytes;
  return BF_OK;
}

static bf_status add_beside(cli_model_files *files, const char *model_path, const char *name, const char *what,
                            bf_error *err) {
  /* a card or a model is a stranger's: it may not reach outside its folder */
  if (name[0] == '/' || strcmp(name, "..") == 0 || strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "the %s \"%.100s\" of %s lies outside the model's folder", what,
                     name, model_path);
  char *path = file_beside(model_path, name);
  if (path == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = BF_OK;
  if (access(path, R_OK) != 0) {
    status = cli_error(err, BF_ERR_NOT_FOUND, "%s, the %s of %s, cannot be read: put it beside the model", path, what,
                       model_path);
  } else {
    status = add_file(files, path, name, err);
  }
  free(path);
  return status;
}

static bool is_beside(const char *model_path, const char *name) {
  char *path = file_beside(model_path, name);
  bool there = path != NULL && access(path, R_OK) == 0;
  free(path);
  return there;
}

/* A card that leaves the featuriser to the model's inputs may mean a vocabulary all the same. */
static bool takes_text(const bf_card *card) {
  const char *kind = card != NULL ? bf_card_input_kind(card) : NULL;
  return kind != NULL && strcmp(kind, "text") == 0;
}

bf_status cli_read_model_files(const char *path, const bf_card *card, cli_model_files *out, bf_error *err) {
  char **names = NULL;
  size_t n_names = 0;
  *out = (cli_model_files){0};
  bf_status status = add_file(out, path, "model.onnx", err);
  if (status == BF_OK) /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): add_file has filled it */
    status = bf_model_external_files(out->files[0].bytes, out->files[0].n_bytes, &names, &n_names, err);
  for (size_t i = 0; i < n_names && status == BF_OK; i++)
    status = add_beside(out, path, names[i], "external data", err);
  bf_model_names_free(names, n_names);
  const char *vocabulary = card != NULL ? bf_card_vocabulary(card) : NULL;
  if (vocabulary == NULL && takes_text(card) && is_beside(path, "vocab.txt")) vocabulary = "vocab.txt";
  if (status == BF_OK && vocabulary != NULL) status = add_beside(out, path, vocabulary, "vocabulary", err);
  if (status != BF_OK) cli_model_files_deinit(out);
  return status;
}

/* ---- opening ---- */

static bf_status open_file(const cli *c, const char *path, bf_workers *workers, bf_model **out, bf_error *err) {
  char *beside = cli_text(c, "card") == NULL ? cli_card_beside(path) : NULL;
  const char *card_path = cli_text(c, "card") != NULL ? cli_text(c, "card") : beside;
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  bf_card *card = NULL;
  cli_model_files files = {0};
  bf_status status = BF_OK;
  if (card_path == NULL || access(card_path, R_OK) != 0) {
    status = cli_error(err, BF_ERR_NOT_FOUND, "%s has no card %s: give one with --card FILE", path,
                       card_path != NULL ? card_path : "");
  }
  if (status == BF_OK) status = cli_read_file(card_path, CARD_MAX_BYTES, &bytes, &n_bytes, err);
  if (status == BF_OK) status = bf_card_parse((const char *)bytes, n_bytes, &card, err);
  if (status == BF_OK) status = cli_read_model_files(path, card, &files, err);
  if (status == BF_OK) status = bf_model_open(workers, card, files.files, files.n, out, err);
  cli_model_files_deinit(&files);
  bf_card_free(card);
  free(bytes);
  free(beside);
  return status;
}

static bf_status open_stored(const cli *c, const char *name, bf_workers *workers, bf_model **out,
                             bf_calibration **calibration, bf_error *err) {
  bf_store *store = NULL;
  bf_store_list *list = NULL;
  bf_status status = cli_open_store(c, CLI_READS, &store, err);
  if (status == BF_OK) status = bf_store_find(store, name, &list, err);
  if (status == BF_OK) {
    const bf_store_model *stored = bf_store_list_at(list, bf_store_list_count(list) - 1); /* the latest version */
    status = bf_open_stored_model(store, stored, workers, out, err);
    if (status == BF_OK && stored->calibration != NULL)
      status = bf_calibration_decode(stored->calibration, strlen(stored->calibration), calibration, err);
  }
  bf_store_list_free(list);
  bf_store_close(store);
  return status;
}

bf_status cli_open_model(const cli *c, const char *name, bf_workers *workers, bf_model **out,
                         bf_calibration **calibration, bf_error *err) {
  struct stat info;
  *out = NULL;
  *calibration = NULL;
  if (stat(name, &info) == 0 && S_ISREG(info.st_mode)) return open_file(c, name, workers, out, err);
  bf_error inner = {.position = -1};
  bf_status status = open_stored(c, name, workers, out, calibration, &inner);
  if (status == BF_OK) return BF_OK;
  bf_model_close(*out);
  *out = NULL;
  if (status == BF_ERR_NOT_FOUND) return cli_error(err, status, "%s is no file, and %s", name, inner.message);
  if (err != NULL) *err = inner;
  return status;
}
