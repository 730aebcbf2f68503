/* bestfit bench fetch: public datasets by their manifests.
 *
 * A dataset ends up whole in one folder: in $BESTFIT_DATA where all of its files are there and right, else in the
 * folder of downloads, to which the files are copied that $BESTFIT_DATA has. $BESTFIT_DATA itself is never written to.
 * What fails is said for each file and the others go on; only a network that is not there, which shows in two files one
 * after another, ends the attempts. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef enum file_state {
  STATE_MISSING, /* derived, or not looked for on the network */
  STATE_FOUND,   /* in BESTFIT_DATA */
  STATE_CACHED,  /* in the folder of downloads */
  STATE_FETCHED, /* the same, by this call */
  STATE_FAILED,
} file_state;

static const char *const state_names[] = {"missing", "found", "cached", "fetched", "failed"};

typedef struct one_file {
  const bf_manifest_file *file;
  file_state state;
  bool in_data, in_cache;
  bf_error error; /* of a failed one */
} one_file;

typedef struct one_dataset {
  const bf_manifest *manifest;
  one_file *files;
  size_t n_files, n_data, n_cache, n_have, n_fetched, n_failed;
  char *folder; /* where it is whole, or NULL */
} one_dataset;

typedef struct fetching {
  cli *c;
  const char *data, *base; /* BESTFIT_DATA, mirror; or NULL */
  char *to;
  bool offline;
  bf_fetch_options options;
  int n_unreachable; /* files in a row that failed with BF_ERR_IO */
  cli_progress progress;
  uint64_t done_before, total; /* bytes of this dataset */
  bf_error first;              /* error of all */
} fetching;

static bool step(void *context, const char *unit, uint64_t done, uint64_t total) {
  fetching *f = context;
  (void)total;
  return cli_progress_step(&f->progress, unit, f->done_before + done, f->total);
}

static char *path_of(const char *folder, const bf_manifest *manifest, const bf_manifest_file *file) {
  const char *name = bf_manifest_name(manifest);
  size_t size = strlen(folder) + strlen(name) + (file != NULL ? strlen(file->path) : 0) + 3;
  char *path = malloc(size);
  if (path != NULL)
    snprintf(path, size, "%s/%s%s%s", folder, name, file != NULL ? "/" : "", file != NULL ? file->path : "");
  return path;
}

static uint64_t download_bytes(const bf_manifest_file *file) {
  return file->origin == BF_ORIGIN_COMPRESSED ? file->unpacked_bytes : file->size_bytes;
}

/* Is it there as it should be? One that is there and another is warned about where it is the user's own. */
static bool is_there(fetching *f, const char *folder, const bf_manifest *manifest, const bf_manifest_file *file,
                     bool is_own) {
  bf_error err = {.position = -1};
  char *path = folder != NULL ? path_of(folder, manifest, file) : NULL;
  bf_status status = path != NULL ? bf_manifest_check(file, path, &err) : BF_ERR_NOT_FOUND;
  if (is_own && status != BF_OK && status != BF_ERR_NOT_FOUND) cli_warn(f->c, "%s; it is not used", err.message);
  free(path);
  return status == BF_OK;
}

static bf_status look(fetching *f, one_dataset *d) {
  d->n_files = bf_manifest_file_count(d->manifest);
  d->files = calloc(d->n_files, sizeof *d->files);
  if (d->files == NULL) return BF_ERR_MEMORY;
  for (size_t i = 0; i < d->n_files; i++) {
    one_file *one = &d->files[i];
    one->file = bf_manifest_file_at(d->manifest, i);
    one->in_data = is_there(f, f->data, d->manifest, one->file, true);
    d->n_data += one->in_data;
    if (one->in_data) one->state = STATE_FOUND;
  }
  for (size_t i = 0; i < d->n_files && d->n_data < d->n_files; i++) {
    one_file *one = &d->files[i];
    one->in_cache = is_there(f, f->to, d->manifest, one->file, false);
    d->n_cache += one->in_cache;
    if (!one->in_data && one->in_cache) one->state = STATE_CACHED;
  }
  return BF_OK;
}

static void fetch_one(fetching *f, one_dataset *d, one_file *one) {
  bf_error err = {.position = -1};
  char *path = path_of(f->to, d->manifest, one->file);
  bf_status status = BF_OK;
  if (path == NULL)
    status = cli_error(&err, BF_ERR_MEMORY, "out of memory");
  else if (f->n_unreachable >= 2)
    status = cli_error(&err, BF_ERR_IO, "not tried, because two files before could not be fetched");
  else
    status = bf_manifest_fetch(one->file, f->base, path, &f->options, &err);
  free(path);
  f->n_unreachable = status == BF_ERR_IO ? f->n_unreachable + 1 : 0;
  if (status == BF_OK) {
    one->state = STATE_FETCHED;
    one->in_cache = true;
    d->n_cache++, d->n_fetched++;
    f->done_before += download_bytes(one->file);
    return;
  }
  one->state = STATE_FAILED;
  one->error = err;
  d->n_failed++;
  f->total -= download_bytes(one->file);
  if (f->first.code == BF_OK || status == BF_ERR_CANCELLED) f->first = err;
}

/* What is missing and published. False: cancelled. */
static bool fetch_missing(fetching *f, one_dataset *d) {
  char what[100];
  f->done_before = f->total = 0;
  for (size_t i = 0; i < d->n_files; i++)
    if (d->files[i].state == STATE_MISSING && d->files[i].file->origin != BF_ORIGIN_DERIVED)
      f->total += download_bytes(d->files[i].file);
  if (f->total == 0 || f->offline) return true;
  snprintf(what, sizeof what, "fetching %s", bf_manifest_name(d->manifest));
  cli_progress_begin(&f->progress, f->c, what);
  for (size_t i = 0; i < d->n_files && f->first.code != BF_ERR_CANCELLED; i++)
    if (d->files[i].state == STATE_MISSING && d->files[i].file->origin != BF_ORIGIN_DERIVED)
      fetch_one(f, d, &d->files[i]);
  cli_progress_end(&f->progress);
  return f->first.code != BF_ERR_CANCELLED;
}

/* Files that only BESTFIT_DATA has, into the folder where the others are. */
static bf_status copy_found(fetching *f, one_dataset *d, bf_error *err) {
  bf_status status = BF_OK;
  for (size_t i = 0; status == BF_OK && i < d->n_files; i++) {
    one_file *one = &d->files[i];
    if (one->in_cache) continue;
    char *from = path_of(f->data, d->manifest, one->file), *to = path_of(f->to, d->manifest, one->file);
    status = from == NULL || to == NULL ? cli_error(err, BF_ERR_MEMORY, "out of memory")
                                        : bf_manifest_copy(one->file, from, to, err);
    one->in_cache = status == BF_OK;
    free(from);
    free(to);
  }
  return status;
}

static bf_status settle(fetching *f, one_dataset *d) {
  for (size_t i = 0; i < d->n_files; i++)
    d->n_have += d->files[i].state != STATE_MISSING && d->files[i].state != STATE_FAILED;
  if (d->n_have < d->n_files) return BF_OK;
  bf_error err = {.position = -1};
  bf_status status = d->n_data < d->n_files && !f->offline ? copy_found(f, d, &err) : BF_OK;
  bool whole_in_data = d->n_data == d->n_files, whole_in_cache = true;
  for (size_t i = 0; i < d->n_files; i++) whole_in_cache &= d->files[i].in_cache;
  if (whole_in_data || whole_in_cache) d->folder = path_of(whole_in_data ? f->data : f->to, d->manifest, NULL);
  if (status != BF_OK && f->first.code == BF_OK) f->first = err;
  return status;
}

/* ---- output ---- */

static json_t *file_json(const fetching *f, const one_dataset *d, const one_file *one) {
  const bf_manifest_file *file = one->file;
  json_t *value = json_object();
  char *url = NULL;
  bool whole_in_data = d->n_data == d->n_files;
  const char *root = one->in_data && (whole_in_data || !one->in_cache) ? f->data : one->in_cache ? f->to : NULL;
  char *at = root != NULL ? path_of(root, d->manifest, file) : NULL;
  json_object_set_new(value, "path", cli_json_text(file->path));
  json_object_set_new(value, "state", cli_json_text(state_names[one->state]));
  json_object_set_new(value, "at", cli_json_text(at));
  json_object_set_new(value, "bytes", json_integer((json_int_t)file->size_bytes));
  json_object_set_new(value, "sha256", cli_json_text(file->sha256));
  json_object_set_new(value, "made", cli_json_text(bf_origin_name(file->origin)));
  if (bf_manifest_url(file, f->base, &url, NULL) != BF_OK) url = NULL;
  json_object_set_new(value, "url", cli_json_text(url));
  json_object_set_new(value, "recipe", cli_json_text(file->recipe));
  if (one->state == STATE_FAILED) {
    json_t *error = json_object();
    json_object_set_new(error, "code", cli_json_text(bf_status_name(one->error.code)));
    json_object_set_new(error, "message", cli_json_text(one->error.message));
    json_object_set_new(value, "error", error);
  }
  free(url);
  free(at);
  return value;
}

static json_t *dataset_json(const fetching *f, const one_dataset *d) {
  json_t *value = json_object(), *files = json_array(), *citations = json_array(), *sources = json_array();
  const bf_manifest_source *source;
  json_object_set_new(value, "name", cli_json_text(bf_manifest_name(d->manifest)));
  json_object_set_new(value, "title", cli_json_text(bf_manifest_title(d->manifest)));
  json_object_set_new(value, "workload", cli_json_text(bf_manifest_workload(d->manifest)));
  json_object_set_new(value, "kind", cli_json_text(bf_manifest_kind(d->manifest)));
  json_object_set_new(value, "license", cli_json_text(bf_manifest_license(d->manifest)));
  for (size_t i = 0; i < bf_manifest_citation_count(d->manifest); i++)
    json_array_append_new(citations, cli_json_text(bf_manifest_citation(d->manifest, i)));
  json_object_set_new(value, "citation", citations);
  for (size_t i = 0; (source = bf_manifest_source_at(d->manifest, i)) != NULL; i++) {
    json_t *one = json_object();
    json_object_set_new(one, "host", cli_json_text(source->host));
    json_object_set_new(one, "repository", cli_json_text(source->repository));
    json_object_set_new(one, "commit", cli_json_text(source->commit));
    json_array_append_new(sources, one);
  }
  json_object_set_new(value, "sources", sources);
  json_object_set_new(value, "complete", json_boolean(d->n_have == d->n_files));
  json_object_set_new(value, "folder", cli_json_text(d->folder));
  for (size_t i = 0; i < d->n_files; i++) json_array_append_new(files, file_json(f, d, &d->files[i]));
  json_object_set_new(value, "files", files);
  return value;
}

static int print_json(const fetching *f, const one_dataset *datasets, size_t n) {
  json_t *value = json_object(), *list = json_array(), *missing = json_array();
  for (size_t i = 0; i < n; i++) {
    json_array_append_new(list, dataset_json(f, &datasets[i]));
    if (datasets[i].n_have < datasets[i].n_files)
      json_array_append_new(missing, cli_json_text(bf_manifest_name(datasets[i].manifest)));
  }
  json_object_set_new(value, "data", cli_json_text(f->data));
  json_object_set_new(value, "to", cli_json_text(f->to));
  json_object_set_new(value, "datasets", list);
  json_object_set_new(value, "missing", missing);
  json_object_set(value, "warnings", f->c->warnings);
  return cli_print_json(f->c, value);
}

static void print_table(const fetching *f, const one_dataset *datasets, size_t n) {
  static const char *const headings[] = {"dataset", ">files", ">size", "where", "state", NULL};
  cli_table *table = cli_table_create(headings);
  for (size_t i = 0; i < n; i++) {
    const one_dataset *d = &datasets[i];
    uint64_t bytes = 0;
    char size[24];
    size_t n_derived = 0;
    for (size_t k = 0; k < d->n_files; k++) {
      bytes += d->files[k].file->size_bytes;
      n_derived += d->files[k].state == STATE_MISSING && d->files[k].file->origin == BF_ORIGIN_DERIVED;
    }
    cli_format_bytes((double)bytes, size);
    cli_table_cell(table, bf_manifest_name(d->manifest));
    cli_table_cellf(table, "%zu/%zu", d->n_have, d->n_files);
    cli_table_cell(table, size);
    cli_table_cell(table, d->n_have == 0            ? "-"
                          : d->n_data == d->n_files ? "BESTFIT_DATA"
                          : d->n_cache == 0         ? "BESTFIT_DATA"
                                                    : "downloads");
    if (d->n_have == d->n_files)
      cli_table_cell(table, d->n_fetched > 0 ? "complete, fetched now" : "complete");
    else if (d->n_failed > 0)
      cli_table_cellf(table, "%zu could not be fetched", d->n_failed);
    else if (n_derived < d->n_files - d->n_have)
      cli_table_cellf(table, "%zu to be fetched", d->n_files - d->n_have - n_derived);
    else
      cli_table_cellf(table, "%zu to be made by hand", n_derived);
  }
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  cli_table_free(table);
  (void)f;
}

/* The same recipe, or the same error, is said once, with how many files it is of. */
static bool is_same(const one_file *a, const one_file *b) {
  return a->state == b->state && a->file->recipe == b->file->recipe &&
         (a->state != STATE_FAILED || strcmp(a->error.message, b->error.message) == 0);
}

static void print_reasons(const one_dataset *d) {
  for (size_t i = 0; i < d->n_files; i++) {
    const one_file *one = &d->files[i];
    char words[1600];
    size_t n_more = 0, n_before = 0;
    if (one->state != STATE_MISSING && one->state != STATE_FAILED) continue;
    for (size_t k = 0; k < i; k++) n_before += is_same(&d->files[k], one);
    for (size_t k = i + 1; k < d->n_files; k++) n_more += is_same(&d->files[k], one);
    if (n_before > 0) continue;
    snprintf(words, sizeof words, "%s", one->file->path);
    if (n_more > 0) snprintf(words, sizeof words, "%s and %zu more", one->file->path, n_more);
    size_t used = strlen(words);
    snprintf(words + used, sizeof words - used, ": %s",
             one->state == STATE_FAILED  ? one->error.message
             : one->file->recipe != NULL ? one->file->recipe
                                         : "published; not looked for, because of --offline");
    cli_print_wrapped(stderr, 2, words);
  }
}

static bool lacks_packed(const one_dataset *d) {
  for (size_t i = 0; i < d->n_files; i++)
    if ((d->files[i].state == STATE_MISSING || d->files[i].state == STATE_FAILED) &&
        d->files[i].file->origin == BF_ORIGIN_COMPRESSED)
      return true;
  return false;
}

/* How to get by hand what is missing. */
static void print_remedies(const fetching *f, const one_dataset *datasets, size_t n) {
  for (size_t i = 0; i < n && !f->c->quiet; i++) {
    const one_dataset *d = &datasets[i];
    const bf_manifest_source *source;
    const char *name = bf_manifest_name(d->manifest);
    char words[900];
    if (d->n_have == d->n_files) continue;
    fprintf(stderr, "\n%s: %zu of %zu files are missing\n", name, d->n_files - d->n_have, d->n_files);
    print_reasons(d);
    for (size_t k = 0; (source = bf_manifest_source_at(d->manifest, k)) != NULL; k++) {
      snprintf(words, sizeof words, "Source: https://%s/%s at commit %s", source->host, source->repository,
               source->commit);
      cli_print_wrapped(stderr, 2, words);
    }
    snprintf(words, sizeof words, "Put files into %s/%s%s; `bestfit bench fetch --only %s` then checks them.", f->to,
             name, lacks_packed(d) ? ", those that are published unpacked through gzip -9n" : "", name);
    cli_print_wrapped(stderr, 2, words);
  }
}

/* ---- the verb ---- */

static const char *manifest_name_at(const void *context, size_t i) {
  bf_manifest *const *list = context; /* NULL-ended */
  return list[i] != NULL ? bf_manifest_name(list[i]) : NULL;
}

/* Manifests that --only names (all where it is not given) into chosen; list is NULL-ended. */
static bf_status choose(const cli *c, bf_manifest *const *list, size_t n, one_dataset *chosen, size_t *n_chosen,
                        bf_error *err) {
  const char *only[256];
  size_t n_only = cli_list(c, "only", only, sizeof only / sizeof *only);
  if (n_only > sizeof only / sizeof *only) n_only = sizeof only / sizeof *only;
  for (size_t k = 0; k < n_only; k++) {
    size_t i = 0;
    while (i < n && strcmp(bf_manifest_name(list[i]), only[k]) != 0) i++;
    if (i < n) continue;
    const char *near = cli_nearest(only[k], manifest_name_at, list);
    return cli_error(err, BF_ERR_NOT_FOUND,
                     "there is no dataset '%.64s'%s%s%s; `bestfit bench fetch --offline` lists "
                     "them",
                     only[k], near != NULL ? " (did you mean '" : "", near != NULL ? near : "",
                     near != NULL ? "'?)" : "");
  }
  for (size_t i = 0; i < n; i++) {
    bool wanted = n_only == 0;
    for (size_t k = 0; k < n_only; k++) wanted |= strcmp(bf_manifest_name(list[i]), only[k]) == 0;
    if (wanted) chosen[(*n_chosen)++].manifest = list[i];
  }
  return BF_OK;
}

static bf_status begin(fetching *f, cli *c, bf_error *err) {
  const char *data = getenv("BESTFIT_DATA"), *base = getenv("BESTFIT_FETCH_BASE");
  *f = (fetching){.c = c, .offline = cli_flag(c, "offline"), .options = BF_FETCH_OPTIONS_INIT};
  f->first.position = -1;
  f->data = data != NULL && data[0] != '\0' ? data : NULL;
  f->base = cli_text(c, "base-url");
  if (f->base == NULL && base != NULL && base[0] != '\0') f->base = base;
  f->options.plain_http = f->base != NULL;
  f->options.stall_ms = (uint32_t)(cli_real(c, "stall", 30) * 1000 < 4e9 ? cli_real(c, "stall", 30) * 1000 : 4e9);
  f->options.n_attempts = cli_whole(c, "attempts", 0);
  f->options.progress = step;
  f->options.progress_context = f;
  f->to = cli_cache_folder(c, "to", "datasets");
  return f->to != NULL ? BF_OK : cli_error(err, BF_ERR_MEMORY, "out of memory");
}

static int finish(fetching *f, const one_dataset *datasets, size_t n) {
  bf_error err = {.position = -1};
  size_t n_incomplete = 0;
  const char *name = NULL;
  for (size_t i = 0; i < n; i++) {
    if (datasets[i].n_have == datasets[i].n_files) continue;
    if (n_incomplete++ == 0) name = bf_manifest_name(datasets[i].manifest);
  }
  int code = 0;
  if (f->c->json) {
    code = print_json(f, datasets, n);
  } else {
    print_table(f, datasets, n);
    (void)fflush(stdout);
    print_remedies(f, datasets, n);
  }
  if (code != 0) return code;
  if (f->first.code == BF_ERR_CANCELLED) return cli_fail(f->c, &f->first);
  if (n_incomplete == 0 && f->first.code == BF_OK) return 0;
  if (n_incomplete == 0) return cli_fail(f->c, &f->first);
  (void)cli_error(&err, f->first.code != BF_OK ? f->first.code : BF_ERR_NOT_FOUND,
                  "%zu of %zu datasets are incomplete, first %s", n_incomplete, n, name);
  return cli_fail(f->c, &err);
}

int cmd_bench_fetch(cli *c) {
  bf_error err = {.position = -1};
  fetching f;
  bf_manifest **manifests = NULL, **ended = NULL;
  one_dataset *datasets = NULL;
  size_t n = 0, n_chosen = 0;
  int code = 0;
  bf_status status = begin(&f, c, &err);
  if (status == BF_OK) status = bf_manifests_load(cli_text(c, "manifests"), &manifests, &n, &err);
  if (status == BF_OK) {
    datasets = calloc(n, sizeof *datasets);
    ended = calloc(n + 1, sizeof *ended);
    if (datasets == NULL || ended == NULL) status = cli_error(&err, BF_ERR_MEMORY, "out of memory");
  }
  if (status == BF_OK) {
    memcpy(ended, manifests, n * sizeof *ended);
    status = choose(c, ended, n, datasets, &n_chosen, &err);
  }
  bool goes_on = true;
  for (size_t i = 0; status == BF_OK && i < n_chosen; i++) {
    status = look(&f, &datasets[i]);
    if (status != BF_OK) (void)cli_error(&err, status, "out of memory");
    if (status == BF_OK && goes_on) goes_on = fetch_missing(&f, &datasets[i]);
    if (status == BF_OK) (void)settle(&f, &datasets[i]);
  }
  code = status == BF_OK ? finish(&f, datasets, n_chosen) : cli_fail(c, &err);
  for (size_t i = 0; datasets != NULL && i < n_chosen; i++) {
    free(datasets[i].files);
    free(datasets[i].folder);
  }
  free(datasets);
  free(ended);
  free(f.to);
  bf_manifests_free(manifests, n);
  return code;
}
