/* What the user names on the command line: data, a sketch file, standard input, a model of the repository. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

bf_dataset_options cli_dataset_options(const cli *c) {
  bf_dataset_options options = BF_DATASET_OPTIONS_INIT;
  options.format = cli_text(c, "format");
  options.kind = cli_text(c, "kind");
  options.label = cli_text(c, "label");
  options.columns = cli_text(c, "columns");
  options.drop = cli_text(c, "drop");
  options.where = cli_text(c, "where");
  options.member = cli_text(c, "member");
  options.text = cli_text(c, "text");
  options.tag = cli_text(c, "tags");
  options.range_max = cli_real(c, "range", 0);
  options.n_threads = cli_whole(c, "threads", 0);
  return options;
}

bf_measure_options cli_measure_options(const cli *c) {
  bf_measure_options options = BF_MEASURE_OPTIONS_INIT;
  options.seed = cli_wide(c, "seed", 0);
  options.partition_size = cli_whole(c, "partition-size", 0);
  options.adaptivity_threshold = cli_real(c, "threshold", 0);
  options.n_threads = cli_whole(c, "threads", 0);
  return options;
}

bf_status cli_read_file(const char *path, size_t max_bytes, uint8_t **out, size_t *out_bytes, bf_error *err) {
  bool from_stdin = strcmp(path, "-") == 0;
  FILE *file = from_stdin ? stdin : fopen(path, "rb");
  uint8_t *bytes = NULL;
  size_t n = 0, capacity = 0;
  bf_status status = BF_OK;
  *out = NULL;
  *out_bytes = 0;
  if (file == NULL) return cli_error_errno(err, "cannot open %s", path);
  for (;;) {
    if (n + 1 >= capacity) {
      capacity = capacity > 0 ? 2 * capacity : 65536;
      uint8_t *grown = realloc(bytes, capacity);
      if (grown == NULL) {
        status = cli_error(err, BF_ERR_MEMORY, "out of memory while reading %s", path);
        break;
      }
      bytes = grown;
    }
    size_t got = fread(bytes + n, 1, capacity - n - 1, file);
    n += got;
    if (n > max_bytes) {
      status = cli_error(err, BF_ERR_LIMIT, "%s is larger than the %zu bytes allowed", path, max_bytes);
      break;
    }
    if (got == 0) {
      if (ferror(file)) status = cli_error_errno(err, "cannot read %s", path);
      break;
    }
  }
  if (!from_stdin) (void)fclose(file);
  if (status != BF_OK) {
    free(bytes);
    return status;
  }
  bytes[n] = 0;
  *out = bytes;
  *out_bytes = n;
  return BF_OK;
}

bf_status cli_write_file(const char *path, const void *bytes, size_t n_bytes, bf_error *err) {
  size_t room = strlen(path) + 16;
  char *temporary = malloc(room);
  if (temporary == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory while writing %s", path);
  snprintf(temporary, room, "%s.XXXXXX", path);
  bf_status status = BF_OK;
  int file = mkstemp(temporary);
  if (file < 0) {
    status = cli_error_errno(err, "cannot write %s", path);
    free(temporary);
    return status;
  }
  const uint8_t *rest = bytes;
  while (n_bytes > 0 && status == BF_OK) {
    ssize_t written = write(file, rest, n_bytes);
    if (written > 0) {
      rest += written;
      n_bytes -= (size_t)written;
    } else if (written == 0 || errno != EINTR) {
      status = cli_error_errno(err, "cannot write %s", path);
    }
  }
  /* mkstemp makes files that only the owner reads; give what the umask would have given */
  mode_t mask = umask(0);
  (void)umask(mask);
  if (status == BF_OK && fchmod(file, 0666 & ~mask) != 0) status = cli_error_errno(err, "cannot write %s", path);
  if (status == BF_OK && fsync(file) != 0) status = cli_error_errno(err, "cannot write %s", path);
  if (close(file) != 0 && status == BF_OK) status = cli_error_errno(err, "cannot write %s", path);
  if (status == BF_OK && rename(temporary, path) != 0) status = cli_error_errno(err, "cannot write %s", path);
  if (status != BF_OK) (void)unlink(temporary);
  free(temporary);
  return status;
}

/* The first bytes of a regular file; 0 where there is none. */
static size_t read_head(const char *path, void *head, size_t room) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return 0;
  size_t n = fread(head, 1, room, file);
  (void)fclose(file);
  return n;
}

/* So short that only the beginning of a sketch's first bytes is there (docs/formats/sketch-v1.md). */
static bool is_cut_sketch(const uint8_t *bytes, size_t n) {
  return n >= 2 && n < 8 &&
         memcmp(bytes,
                "\x93"
                "BFSK\r\n\x1a",
                n) == 0;
}

bool cli_is_sketch_file(const char *path) {
  uint8_t head[64];
  size_t n = read_head(path, head, sizeof head);
  return bf_sketch_sniff(head, n) || is_cut_sketch(head, n);
}

static bool begins_as(const char *path, const char *beginning) {
  char head[256];
  size_t n = strlen(beginning);
  return read_head(path, head, sizeof head) >= n && memcmp(head, beginning, n) == 0;
}

bf_status cli_check_output(const char *path, cli_output kind, const char *const *inputs, size_t n, bf_error *err) {
  struct stat info, input;
  if (path == NULL || stat(path, &info) != 0) return BF_OK;
  for (size_t i = 0; i < n; i++) {
    if (inputs[i] == NULL || stat(inputs[i], &input) != 0) continue;
    if (input.st_dev == info.st_dev && input.st_ino == info.st_ino)
      return cli_error(err, BF_ERR_EXISTS, "%s is an input, and would be overwritten: give another file to write to",
                       path);
  }
  if (S_ISDIR(info.st_mode)) return cli_error(err, BF_ERR_EXISTS, "%s is a folder: give a file to write to", path);
  if (!S_ISREG(info.st_mode) || info.st_size == 0) return BF_OK;
  if (kind == CLI_OUTPUT_PREDICTIONS) return BF_OK; /* made anew from run to run */
  static const char *const names[] = {"sketch", "report of bestfit", "model card"};
  bool ours = kind == CLI_OUTPUT_SKETCH   ? cli_is_sketch_file(path)
              : kind == CLI_OUTPUT_REPORT ? begins_as(path,
                                                      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta "
                                                      "charset=\"utf-8\">\n<meta "
                                                      "http-equiv=\"Content-Security-Policy\" "
                                                      "content=\"default-src 'none'")
                                          : begins_as(path, "---\n") || begins_as(path, "---\r\n");
  if (ours) return BF_OK;
  return cli_error(err, BF_ERR_EXISTS, "%s exists and is no %s: give another file, or remove it first", path,
                   names[kind]);
}

static bf_status read_sketch(const char *path, cli_input *out, bf_error *err) {
  bf_error inner = {.position = -1};
  bf_status status = cli_read_file(path, BF_SKETCH_MAX_BYTES, &out->bytes, &out->n_bytes, err);
  if (status != BF_OK) return status;
  if (is_cut_sketch(out->bytes, out->n_bytes))
    return cli_error(err, BF_ERR_CORRUPT, "%s is a sketch cut after %zu bytes: fetch it again, or make it anew",
                     strcmp(path, "-") == 0 ? "standard input" : path, out->n_bytes);
  if (!bf_sketch_sniff(out->bytes, out->n_bytes))
    return cli_error(err, BF_ERR_FORMAT, "standard input is no sketch; `bestfit sketch DATA -o -` writes one");
  status = bf_sketch_decode(out->bytes, out->n_bytes, &out->sketch, &inner);
  if (status == BF_OK) return BF_OK;
  (void)cli_error(err, status, "%s: %s", strcmp(path, "-") == 0 ? "standard input" : path, inner.message);
  if (err != NULL) err->position = inner.position;
  return status;
}

static bf_status load_from_repository(cli *c, const char *name, cli_input *out, bf_error *err) {
  bf_store *store = NULL;
  bf_store_list *list = NULL;
  bf_status status = cli_open_store(c, CLI_READS, &store, err);
  if (status == BF_OK) status = bf_store_find(store, name, &list, err);
  if (status == BF_OK) {
    const bf_store_model *model = bf_store_list_at(list, bf_store_list_count(list) - 1); /* the latest version */
    if (model->sketch_sha256 == NULL) {
      status =
          cli_error(err, BF_ERR_NOT_APPLICABLE, "%s@%u was added without data or sketch", model->name, model->version);
    } else {
      status = bf_store_read_blob(store, model->sketch_sha256, &out->bytes, &out->n_bytes, err);
    }
  }
  if (status == BF_OK) status = bf_sketch_decode(out->bytes, out->n_bytes, &out->sketch, err);
  if (status == BF_OK) status = bf_sha256(out->bytes, out->n_bytes, out->sha256, err);
  bf_store_list_free(list);
  bf_store_close(store);
  if (status != BF_OK) cli_input_deinit(out);
  return status;
}

static bf_status sketch_data(cli *c, const char *path, cli_input *out, bf_error *err) {
  bf_dataset_options dataset_options = cli_dataset_options(c);
  bf_sketch_options options = BF_SKETCH_OPTIONS_INIT;
  bf_dataset *dataset = NULL;
  cli_input like = {0};
  cli_progress progress;
  double started = cli_now_ms();
  char what[160];
  snprintf(what, sizeof what, "reading %.140s", path);
  if (cli_text(c, "like") != NULL) {
    bf_status found = cli_is_sketch_file(cli_text(c, "like"))
                          ? read_sketch(cli_text(c, "like"), &like, err)
                          : load_from_repository(c, cli_text(c, "like"), &like, err);
    if (found != BF_OK) return found;
  }
  bf_status status = bf_dataset_open(path, &dataset_options, &dataset, err);
  if (status != BF_OK) {
    cli_input_deinit(&like);
    return status;
  }
  options.like = like.sketch;
  options.min_count = cli_whole(c, "min-count", 0);
  options.seed = cli_wide(c, "seed", 0);
  options.n_threads = cli_whole(c, "threads", 0);
  options.progress = cli_progress_step;
  options.progress_context = &progress;
  cli_progress_begin(&progress, c, what);
  status = bf_sketch_build(dataset, &options, &out->sketch, err);
  cli_progress_end(&progress);
  cli_input_deinit(&like);
  for (uint32_t i = 0; i < bf_dataset_warning_count(dataset); i++)
    cli_warn(c, "%s: %s", path, bf_dataset_warning(dataset, i));
  bf_dataset_close(dataset);
  if (status == BF_OK) status = bf_sketch_encode(out->sketch, &out->bytes, &out->n_bytes, err);
  out->from_data = true;
  out->sketch_ms = cli_now_ms() - started;
  return status;
}

bf_status cli_load_input(cli *c, const char *path, cli_input *out, bf_error *err) {
  *out = (cli_input){0};
  bool is_sketch = strcmp(path, "-") == 0 || cli_is_sketch_file(path);
  bf_status status = is_sketch ? read_sketch(path, out, err) : sketch_data(c, path, out, err);
  if (status == BF_OK) status = bf_sha256(out->bytes, out->n_bytes, out->sha256, err);
  if (status != BF_OK) cli_input_deinit(out);
  return status;
}

bf_status cli_load_named(cli *c, const char *path, cli_input *out, bf_error *err) {
  struct stat info;
  if (strcmp(path, "-") == 0 || stat(path, &info) == 0 || bf_card_check_name(path, NULL) != BF_OK) {
    const char *version = strchr(path, '@');
    if (version == NULL || stat(path, &info) == 0) return cli_load_input(c, path, out, err);
  }
  *out = (cli_input){0};
  bf_error inner = {.position = -1};
  bf_status status = load_from_repository(c, path, out, &inner);
  if (status == BF_ERR_NOT_FOUND) return cli_error(err, status, "%s is no file, and %s", path, inner.message);
  if (status != BF_OK && err != NULL) *err = inner;
  return status;
}

void cli_input_deinit(cli_input *input) {
  bf_sketch_free(input->sketch);
  free(input->bytes);
  *input = (cli_input){0};
}

static char *join(const char *a, const char *b) {
  size_t room = strlen(a) + strlen(b) + 1;
  char *out = malloc(room);
  if (out != NULL) snprintf(out, room, "%s%s", a, b);
  return out;
}

char *cli_repository(const cli *c) {
  const char *given = cli_text(c, "repo");
  if (given == NULL) given = getenv("BESTFIT_REPO");
  if (given != NULL && given[0] != '\0') return strdup(given);
  const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
  if (data != NULL && data[0] == '/') return join(data, "/bestfit"); /* the XDG rule: relative paths are ignored */
  return join(home != NULL ? home : ".", "/.local/share/bestfit");
}

/* Whether the repository is there and one may only read it. */
static bool is_read_only(const char *directory) {
  char *database = join(directory, "/bestfit.db");
  bool there = database != NULL && access(database, R_OK) == 0;
  bool writable = there && access(database, W_OK) == 0 && access(directory, W_OK | X_OK) == 0;
  free(database);
  return there && !writable;
}

bf_status cli_open_store(const cli *c, cli_access access_mode, bf_store **out, bf_error *err) {
  *out = NULL;
  char *directory = cli_repository(c);
  if (directory == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  options.create = access_mode == CLI_CREATES;
  options.read_only = access_mode == CLI_READS && is_read_only(directory);
  bf_status status = bf_store_open(directory, &options, out, err);
  if (status == BF_ERR_NOT_FOUND)
    (void)cli_error(
        err, status,
        "there is no repository in %s: `bestfit add MODEL.onnx --data TRAINING --name owner/name` makes one, "
        "--repo DIR or BESTFIT_REPO names another",
        directory);
  free(directory);
  return status;
}
