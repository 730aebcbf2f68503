/* bestfit bench train: the models of the benchmark.
 *
 * bench/zoo/train.py, run as a child, reads the datasets, trains, and says what it does as JSON, an object a line. As
 * soon as a collection is made, each of its models goes into the collection's repository by `bestfit add`, run as
 * another child, while the training goes on. What is registered already is seen by the hashes of model and card, which
 * collection.json has and the repository has: nothing else is remembered, so that this may be killed anywhere. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

#define MAX_LINE 65536u
#define MAX_COLLECTION_JSON (4u << 20)
#define MAX_SEEDS 1000u
#define MISSING_PYTHON 7 /* exit code of the check below */

typedef struct training {
  cli *c;
  char *bench, *downloads, *program;
  const char *python, *data;
  char self[4096];
  uint32_t n_seeds, n_jobs;
  int lock, from; /* from the trainer */
  pid_t trainer;
  char line[MAX_LINE]; /* what has come and is not yet a line */
  size_t n_line;
  cli_progress progress;
  uint64_t n_domains, n_trained, n_added; /* all, and how far training and adding are */
  json_t *collections;                    /* for the summary */
  json_t *missing;
  uint64_t n_new, n_kept, n_registered;
  bf_error first;
} training;

/* ---- where things are ---- */

__attribute__((format(printf, 1, 2))) static char *text_of(const char *format, ...) {
  char *text = NULL;
  va_list values;
  va_start(values, format);
  if (vasprintf(&text, format, values) < 0) text = NULL;
  va_end(values);
  return text;
}

/* train.py, installed or of the source tree that this was built from. You own it. */
static bf_status find_program(char **out, bf_error *err) {
  const char *share = getenv("BESTFIT_SHARE");
  const char *folders[] = {share != NULL ? share : BESTFIT_SHARE_INSTALLED, BESTFIT_SHARE_INSTALLED, BESTFIT_BENCH};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    *out = text_of("%s/zoo/train.py", folders[i]);
    if (*out == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
    if (access(*out, R_OK) == 0) return BF_OK;
    free(*out);
    *out = NULL;
  }
  return cli_error(err, BF_ERR_NOT_FOUND,
                   "the training program is not in %.120s: install bestfit, or set BESTFIT_SHARE",
                   BESTFIT_SHARE_INSTALLED "/zoo");
}

static int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void silence(int file) {
  int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nothing >= 0) (void)dup2(nothing, file);
}

/* Can this Python train? 0; MISSING_PYTHON: it lacks a module; else it is no Python. */
static int try_python(const char *python) {
  (void)fflush(NULL);
  pid_t child = fork();
  if (child < 0) return 127;
  if (child == 0) {
    silence(STDOUT_FILENO);
    silence(STDERR_FILENO);
    execlp(python, python, "-c",
           "import importlib.util as u, sys\n"
           "sys.exit(7 if any(u.find_spec(m) is None for m in ('torch', 'numpy')) else 0)",
           (char *)NULL);
    _exit(127);
  }
  return wait_for(child);
}

/* $BESTFIT_PYTHON alone where it is set, else the first that has PyTorch: Debian's package is that of /usr/bin. */
static bf_status find_python(const char **out, bf_error *err) {
  const char *given = getenv("BESTFIT_PYTHON");
  const char *const known[] = {"python3", "/usr/bin/python3"};
  bool any = false;
  size_t n = given != NULL ? 1 : sizeof known / sizeof *known;
  for (size_t i = 0; i < n; i++) {
    *out = given != NULL ? given : known[i];
    int code = try_python(*out);
    if (code == 0) return BF_OK;
    any |= code == MISSING_PYTHON;
  }
  return cli_error(err, BF_ERR_NOT_FOUND,
                   "%s: `scripts/bootstrap zoo` of the source tree, or apt install python3-torch python3-numpy, gets "
                   "what trains the models; BESTFIT_PYTHON names another Python",
                   any ? "Python is here, but not with PyTorch and NumPy" : "there is no python3");
}

static bf_status make_folders(const char *path, bf_error *err) {
  char *copy = strdup(path);
  if (copy == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = BF_OK;
  for (char *at = copy + 1; status == BF_OK; at++) {
    char was = *at;
    if (was != '/' && was != '\0') continue;
    *at = '\0';
    if (mkdir(copy, 0777) != 0 && errno != EEXIST) status = cli_error_errno(err, "cannot make the folder %s", copy);
    *at = was;
    if (was == '\0') break;
  }
  free(copy);
  return status;
}

/* One training a folder; the lock ends with the process. */
static bf_status lock_bench(training *t, bf_error *err) {
  char *path = text_of("%s/.lock", t->bench);
  if (path == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = BF_OK;
  t->lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (t->lock < 0) status = cli_error_errno(err, "cannot write to %s", t->bench);
  if (status == BF_OK && flock(t->lock, LOCK_EX | LOCK_NB) != 0)
    status = cli_error(err, BF_ERR_BUSY, "another `bestfit bench train` is at work in %.150s", t->bench);
  free(path);
  return status;
}

static bf_status begin(training *t, cli *c, bf_error *err) {
  const char *data = getenv("BESTFIT_DATA");
  long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
  t->c = c;
  t->first.position = -1;
  t->lock = t->from = -1;
  t->trainer = -1;
  t->data = data != NULL && data[0] != '\0' ? data : NULL;
  t->n_seeds = cli_whole(c, "seeds", 1);
  t->n_jobs = cli_whole(c, "jobs", n_cores > 0 ? (uint32_t)n_cores : 1);
  t->collections = json_array();
  t->missing = json_array();
  if (t->n_seeds > MAX_SEEDS)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "--seeds is at most %u", (unsigned)MAX_SEEDS);
  ssize_t n = readlink("/proc/self/exe", t->self, sizeof t->self - 1);
  if (n < 0) return cli_error_errno(err, "cannot read /proc/self/exe");
  t->self[n] = '\0';
  t->bench = cli_cache_folder(c, "bench", "bench");
  t->downloads = cli_cache_folder(c, "data", "datasets");
  if (t->bench == NULL || t->downloads == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = find_program(&t->program, err);
  if (status == BF_OK) status = find_python(&t->python, err);
  if (status == BF_OK) status = make_folders(t->bench, err);
  return status == BF_OK ? lock_bench(t, err) : status;
}

/* ---- children ---- */

/* Runs in the child: it ends with this process, however that ends. */
static void follow(pid_t parent) {
  (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
}

static bf_status start_trainer(training *t, bf_error *err) {
  enum { FIXED = 12 };
  size_t n_words = FIXED + 2 * (size_t)t->n_seeds + (size_t)t->c->n_arguments + 1, n = 0;
  char **words = calloc(n_words, sizeof *words), (*numbers)[16] = calloc(t->n_seeds + 1u, sizeof *numbers);
  int ends[2] = {-1, -1};
  bf_status status = BF_OK;
  if (words == NULL || numbers == NULL) status = cli_error(err, BF_ERR_MEMORY, "out of memory");
  if (status == BF_OK && pipe2(ends, O_CLOEXEC) != 0) status = cli_error_errno(err, "cannot start the training");
  if (status == BF_OK) {
    snprintf(numbers[0], sizeof *numbers, "%u", t->n_jobs);
    const char *const fixed[] = {t->python, t->program, "--events", "--out", t->bench, "--processes", numbers[0]};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) words[n++] = (char *)fixed[i];
    if (t->data != NULL) words[n++] = (char *)"--data", words[n++] = (char *)t->data;
    words[n++] = (char *)"--data", words[n++] = t->downloads;
    for (uint32_t seed = 1; seed <= t->n_seeds; seed++) {
      snprintf(numbers[seed], sizeof *numbers, "%u", seed);
      words[n++] = (char *)"--seed", words[n++] = numbers[seed];
    }
    for (int i = 0; i < t->c->n_arguments; i++) words[n++] = (char *)t->c->arguments[i];
    (void)fflush(NULL);
    pid_t parent = getpid();
    t->trainer = fork();
    if (t->trainer < 0) status = cli_error_errno(err, "cannot start the training");
    if (t->trainer == 0) {
      follow(parent);
      (void)setenv("PYTHONDONTWRITEBYTECODE", "1", 1); /* the folder may be another's */
      (void)dup2(ends[1], STDOUT_FILENO);
      execvp(t->python, words);
      _exit(127);
    }
    t->from = ends[0];
  }
  if (ends[1] >= 0) (void)close(ends[1]);
  free(words);
  free(numbers);
  return status;
}

/* Draws the progress. False: interrupted. */
static bool step(training *t) {
  return cli_progress_step(&t->progress, "steps", t->n_trained + t->n_added, 2 * t->n_domains);
}

/* Ends the child on an interrupt. */
static int wait_with_progress(training *t, pid_t child, bool *cancelled) {
  int status = 0;
  pid_t ended = 0;
  while (ended == 0) {
    ended = waitpid(child, &status, WNOHANG);
    if (ended < 0 && errno == EINTR) ended = 0;
    if (ended == 0 && !*cancelled && !step(t)) {
      *cancelled = true;
      (void)kill(child, SIGTERM);
    }
    if (ended == 0) (void)poll(NULL, 0, 20);
  }
  return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

/* The last line of what `bestfit add` said. */
static void last_words(int file, char out[160]) {
  char said[1024];
  ssize_t n = pread(file, said, sizeof said - 1, 0);
  said[n > 0 ? n : 0] = '\0';
  said[strcspn(said, "\n")] = '\0';
  snprintf(out, 160, "%.150s", strncmp(said, "error: ", 7) == 0 ? said + 7 : said);
}

/* What an exit code of bestfit means. */
static bf_status status_of(int code) {
  for (bf_status s = BF_ERR_INVALID_ARGUMENT; s < BF_ERR_INTERNAL; s++)
    if (bf_status_exit_code(s) == code) return s;
  return BF_ERR_INTERNAL;
}

static bf_status run_add(training *t, const char *name, char **words, bf_error *err) {
  char said[160];
  bool cancelled = false;
  FILE *heard = tmpfile();
  if (heard == NULL) return cli_error_errno(err, "cannot make a temporary file");
  (void)fflush(NULL);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    follow(parent);
    silence(STDOUT_FILENO);
    (void)dup2(fileno(heard), STDERR_FILENO);
    execv(t->self, words);
    _exit(127);
  }
  bf_status status = child < 0 ? cli_error_errno(err, "cannot start `bestfit add`") : BF_OK;
  int code = child < 0 ? 127 : wait_with_progress(t, child, &cancelled);
  last_words(fileno(heard), said);
  if (cancelled)
    status = cli_error(err, BF_ERR_CANCELLED, "interrupted: run it again, and it goes on");
  else if (status == BF_OK && code != 0)
    status = cli_error(err, status_of(code), "`bestfit add` of %.50s ended with code %d: %s", name, code, said);
  (void)fclose(heard);
  return status;
}

/* ---- into the repository ---- */

/* The one file of a split, and what makes bestfit read it. */
static const char *const *split_options(const char *kind) {
  static const char *const array[] = {"npz", "--label", "y", NULL},
                           *const text[] = {"txt", "--format", "label-text", NULL},
                           *const pair[] = {"txt", "--format", "col-val", NULL},
                           *const tagged[] = {"txt", "--format", "token-tag", NULL};
  if (strcmp(kind, "text") == 0) return text;
  if (strcmp(kind, "pair") == 0) return pair;
  return strcmp(kind, "tagged") == 0 ? tagged : array;
}

static bf_status add_model(training *t, const char *folder, const char *kind, const char *domain, bf_error *err) {
  const char *const *options = split_options(kind);
  char jobs[16];
  snprintf(jobs, sizeof jobs, "%u", t->n_jobs);
  char *model = text_of("%s/%s/model.onnx", folder, domain), *card = text_of("%s/%s/model.md", folder, domain);
  char *train = text_of("%s/%s/train.%s", folder, domain, options[0]);
  char *valid = text_of("%s/%s/valid.%s", folder, domain, options[0]), *repository = text_of("%s/repository", folder);
  char *words[] = {t->self,
                   (char *)"add",
                   model,
                   (char *)"--card",
                   card,
                   (char *)"--data",
                   train,
                   (char *)options[1],
                   (char *)options[2],
                   (char *)"--validation",
                   valid,
                   (char *)"--keep-validation",
                   (char *)"--repo",
                   repository,
                   (char *)"--threads",
                   jobs,
                   (char *)"--quiet",
                   NULL};
  bf_status status = BF_OK;
  if (model == NULL || card == NULL || train == NULL || valid == NULL || repository == NULL)
    status = cli_error(err, BF_ERR_MEMORY, "out of memory");
  else
    status = run_add(t, domain, words, err);
  free(model);
  free(card);
  free(train);
  free(valid);
  free(repository);
  return status;
}

/* The stored version of a domain's model, or NULL. */
static const bf_store_model *stored(const bf_store_list *list, const char *domain) {
  for (size_t i = 0; list != NULL && i < bf_store_list_count(list); i++) {
    const bf_store_model *model = bf_store_list_at(list, i);
    if (strncmp(model->name, "zoo/", 4) == 0 && strcmp(model->name + 4, domain) == 0) return model;
  }
  return NULL;
}

static bool is_same(const bf_store_model *model, const json_t *domain) {
  const char *model_hash = json_string_value(json_object_get(domain, "model_sha256"));
  const char *card_hash = json_string_value(json_object_get(domain, "card_sha256"));
  return model != NULL && model_hash != NULL && card_hash != NULL && strcmp(model->model_sha256, model_hash) == 0 &&
         strcmp(model->card_sha256, card_hash) == 0 && model->calibration != NULL && model->validation_sha256 != NULL;
}

/* Takes out what is no more, or is another now; `wanted` holds the domains that are to be added then. */
static bf_status clean_repository(const char *folder, const json_t *domains, json_t *wanted, bf_error *err) {
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  bf_store *store = NULL;
  bf_store_list *list = NULL;
  const json_t *domain;
  size_t i;
  uint32_t n_removed = 0;
  options.create = true;
  char *repository = text_of("%s/repository", folder);
  bf_status status = repository != NULL ? bf_store_open(repository, &options, &store, err)
                                        : cli_error(err, BF_ERR_MEMORY, "out of memory");
  if (status == BF_OK) status = bf_store_find(store, NULL, &list, err);
  json_t *kept = json_object();
  json_array_foreach(domains, i, domain) {
    const char *name = json_string_value(json_object_get(domain, "name"));
    if (status != BF_OK || name == NULL || !json_is_true(json_object_get(domain, "has_model"))) continue;
    if (is_same(stored(list, name), domain))
      json_object_set_new(kept, name, json_true());
    else
      json_array_append_new(wanted, json_string(name));
  }
  for (i = 0; status == BF_OK && i < bf_store_list_count(list); i++) {
    const char *name = bf_store_list_at(list, i)->name;
    if (strncmp(name, "zoo/", 4) == 0 && json_object_get(kept, name + 4) == NULL)
      status = bf_store_remove(store, name, &n_removed, err);
  }
  json_decref(kept);
  bf_store_list_free(list);
  bf_store_close(store);
  free(repository);
  return status;
}

static bf_status read_collection(const char *folder, json_t **out, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n_bytes = 0;
  json_error_t reason = {0};
  char *path = text_of("%s/collection.json", folder);
  if (path == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = cli_read_file(path, MAX_COLLECTION_JSON, &bytes, &n_bytes, err);
  *out = status == BF_OK ? json_loadb((const char *)bytes, n_bytes, 0, &reason) : NULL;
  if (status == BF_OK && *out == NULL)
    status = cli_error(err, BF_ERR_FORMAT, "%.150s is no JSON: %.60s", path, reason.text);
  free(bytes);
  free(path);
  return status;
}

/* A model that cannot be added is said, and the others are. */
static bf_status register_collection(training *t, const char *folder, json_t *summary, bf_error *err) {
  json_t *collection = NULL, *wanted = json_array();
  size_t i;
  json_t *one;
  json_int_t n_registered = 0;
  bf_status status = read_collection(folder, &collection, err);
  const json_t *domains = json_object_get(collection, "domains");
  const char *kind = json_string_value(json_object_get(collection, "kind"));
  if (status == BF_OK && (kind == NULL || !json_is_array(domains)))
    status = cli_error(err, BF_ERR_FORMAT, "%.150s/collection.json has no kind or no domains", folder);
  if (status == BF_OK && json_array_size(domains) > 0) status = clean_repository(folder, domains, wanted, err);
  t->n_added += json_array_size(domains) - json_array_size(wanted);
  json_array_foreach(wanted, i, one) {
    bf_error failed = {.position = -1};
    if (status != BF_OK) break;
    bf_status added = add_model(t, folder, kind, json_string_value(one), &failed);
    n_registered += added == BF_OK;
    t->n_added++;
    if (added == BF_OK) continue;
    if (t->first.code == BF_OK || added == BF_ERR_CANCELLED) t->first = failed;
    if (added == BF_ERR_CANCELLED) break;
    cli_warn(t->c, "%s", failed.message);
  }
  t->n_registered += (uint64_t)n_registered;
  json_object_set_new(summary, "registered", json_integer(n_registered));
  json_object_set_new(summary, "domains", json_integer((json_int_t)json_array_size(domains)));
  json_object_set(summary, "missing", json_object_get(collection, "missing"));
  json_array_extend(t->missing, json_object_get(collection, "missing"));
  json_decref(collection);
  json_decref(wanted);
  return status;
}

/* ---- what the trainer says ---- */

static bf_status hear_collection(training *t, const json_t *event, bf_error *err) {
  const char *name = json_string_value(json_object_get(event, "collection"));
  json_int_t seed = json_integer_value(json_object_get(event, "seed"));
  char *folder = text_of("%s/seed-%lld/%s", t->bench, (long long)seed, name != NULL ? name : "");
  if (folder == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  json_t *summary = json_object();
  json_object_set(summary, "name", json_object_get(event, "collection"));
  json_object_set_new(summary, "seed", json_integer(seed));
  json_object_set(summary, "trained", json_object_get(event, "trained"));
  json_object_set(summary, "kept", json_object_get(event, "kept"));
  json_object_set(summary, "seconds", json_object_get(event, "seconds"));
  t->n_new += (uint64_t)json_integer_value(json_object_get(event, "trained"));
  t->n_kept += (uint64_t)json_integer_value(json_object_get(event, "kept"));
  bf_status status = register_collection(t, folder, summary, err);
  json_array_append_new(t->collections, summary);
  free(folder);
  return status;
}

static bf_status hear(training *t, const char *line, bf_error *err) {
  json_t *event = json_loads(line, 0, NULL);
  const char *what = json_string_value(json_object_get(event, "event"));
  bf_status status = BF_OK;
  if (what == NULL) {
    status = cli_error(err, BF_ERR_FORMAT, "the training said '%.100s'", line);
  } else if (strcmp(what, "plan") == 0) {
    t->n_domains = (uint64_t)json_integer_value(json_object_get(event, "domains"));
  } else if (strcmp(what, "domain") == 0) {
    t->n_trained++;
  } else if (strcmp(what, "collection") == 0) {
    status = hear_collection(t, event, err);
  } else if (strcmp(what, "error") == 0) {
    const char *message = json_string_value(json_object_get(event, "message"));
    status = cli_error(err, BF_ERR_INVALID_ARGUMENT, "%.230s", message != NULL ? message : "the training failed");
  }
  json_decref(event);
  return status;
}

/* Whole lines of what has come; what follows the last one stays. */
static bf_status hear_lines(training *t, bf_error *err) {
  bf_status status = BF_OK;
  char *at = t->line, *end;
  while (status == BF_OK && t->first.code != BF_ERR_CANCELLED &&
         (end = memchr(at, '\n', t->n_line - (size_t)(at - t->line))) != NULL) {
    *end = '\0';
    status = hear(t, at, err);
    at = end + 1;
  }
  t->n_line -= (size_t)(at - t->line);
  memmove(t->line, at, t->n_line);
  if (status == BF_OK && t->n_line == sizeof t->line)
    status = cli_error(err, BF_ERR_FORMAT, "the training said a line of more than %u bytes", (unsigned)MAX_LINE);
  return status;
}

static bf_status hear_all(training *t, bf_error *err) {
  bf_status status = BF_OK;
  while (status == BF_OK) {
    struct pollfd from = {.fd = t->from, .events = POLLIN};
    int ready = poll(&from, 1, 100);
    if (!step(t)) t->first = (bf_error){.code = BF_ERR_CANCELLED, .position = -1};
    if (t->first.code == BF_ERR_CANCELLED)
      return cli_error(err, BF_ERR_CANCELLED, "interrupted: run it again, and it goes on");
    if (ready <= 0) continue;
    ssize_t n = read(t->from, t->line + t->n_line, sizeof t->line - t->n_line);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? BF_OK : cli_error_errno(err, "cannot hear the training");
    t->n_line += (size_t)n;
    status = hear_lines(t, err);
  }
  return status;
}

/* 0 and 3 (something is missing) are the trainer's good ends. */
static bf_status train(training *t, bf_error *err) {
  bf_status status = start_trainer(t, err);
  if (status != BF_OK) return status;
  cli_progress_begin(&t->progress, t->c, "training");
  status = hear_all(t, err);
  if (status != BF_OK) (void)kill(t->trainer, SIGTERM);
  int code = wait_for(t->trainer);
  cli_progress_end(&t->progress);
  if (status == BF_OK && code != 0 && code != 3)
    status =
        cli_error(err, BF_ERR_INTERNAL, "the training ended with code %d; run again, it goes on where it was", code);
  return status;
}

/* ---- output ---- */

static int print_summary_json(const training *t, double seconds) {
  json_t *value = json_object();
  json_object_set_new(value, "bench", cli_json_text(t->bench));
  json_object_set_new(value, "seeds", json_integer(t->n_seeds));
  json_object_set(value, "collections", t->collections);
  json_object_set_new(value, "domains", json_integer((json_int_t)t->n_domains));
  json_object_set_new(value, "trained", json_integer((json_int_t)t->n_new));
  json_object_set_new(value, "kept", json_integer((json_int_t)t->n_kept));
  json_object_set_new(value, "registered", json_integer((json_int_t)t->n_registered));
  json_object_set(value, "missing", t->missing);
  json_object_set_new(value, "seconds", json_real(seconds));
  json_object_set(value, "warnings", t->c->warnings);
  return cli_print_json(t->c, value);
}

static void print_table(const training *t) {
  static const char *const headings[] = {"collection",  ">seed",    ">domains", ">trained", ">kept",
                                         ">registered", ">missing", ">seconds", NULL};
  static const char *const counts[] = {"seed", "domains", "trained", "kept", "registered"};
  cli_table *table = cli_table_create(headings);
  const json_t *one;
  size_t i;
  json_array_foreach(t->collections, i, one) {
    cli_table_cell(table, json_string_value(json_object_get(one, "name")));
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
      cli_table_cellf(table, "%lld", (long long)json_integer_value(json_object_get(one, counts[k])));
    cli_table_cellf(table, "%zu", json_array_size(json_object_get(one, "missing")));
    cli_table_cellf(table, "%.0f", json_number_value(json_object_get(one, "seconds")));
  }
  cli_table_print(table, stdout, 0, cli_table_rows(table));
  cli_table_free(table);
  (void)fflush(stdout);
}

/* What gets the missing domains, each command once. */
static void print_remedies(const training *t) {
  const json_t *one;
  size_t i;
  json_t *said = json_object();
  json_array_foreach(t->missing, i, one) {
    const char *why = json_string_value(json_object_get(one, "why")),
               *get = json_string_value(json_object_get(one, "get"));
    if (why == NULL || get == NULL || json_object_get(said, get) != NULL) continue;
    json_object_set_new(said, get, json_true());
    if (!t->c->quiet) fprintf(stderr, "missing: %s; `%s` gets it, or says how\n", why, get);
  }
  json_decref(said);
}

static int finish(training *t, double seconds) {
  bf_error err = {.position = -1};
  int code = 0;
  if (t->c->json) {
    code = print_summary_json(t, seconds);
  } else {
    print_table(t);
    print_remedies(t);
  }
  if (code != 0) return code;
  if (t->first.code != BF_OK) return cli_fail(t->c, &t->first);
  if (json_array_size(t->missing) == 0) return 0;
  (void)cli_error(&err, BF_ERR_NOT_FOUND, "%zu domains are missing for want of their datasets, first %.60s",
                  json_array_size(t->missing),
                  json_string_value(json_object_get(json_array_get(t->missing, 0), "domain")));
  return cli_fail(t->c, &err);
}

int cmd_bench_train(cli *c) {
  bf_error err = {.position = -1};
  double started = cli_now_ms();
  training *t = calloc(1, sizeof *t);
  if (t == NULL) {
    (void)cli_error(&err, BF_ERR_MEMORY, "out of memory");
    return cli_fail(c, &err);
  }
  bf_status status = begin(t, c, &err);
  if (status == BF_OK) status = train(t, &err);
  int code = status == BF_OK ? finish(t, (cli_now_ms() - started) / 1e3) : cli_fail(c, &err);
  if (t->from >= 0) (void)close(t->from);
  if (t->lock >= 0) (void)close(t->lock);
  json_decref(t->collections);
  json_decref(t->missing);
  free(t->bench);
  free(t->downloads);
  free(t->program);
  free(t);
  return code;
}
