/* The command line's own parts: verbs and options as rows of tables, values, output, progress, loading of inputs.
 * Everything below stands on <bestfit/...> alone. */
#ifndef BESTFIT_APPS_CLI_H
#define BESTFIT_APPS_CLI_H

#include <bestfit/bestfit.h>
#include <jansson.h>
#include <stdio.h>

/* ---- options and verbs (verbs.c is the table, options.c the parser) ---- */

typedef enum cli_value {
  CLI_FLAG, /* present or not */
  CLI_TEXT,
  CLI_LIST,  /* may be given several times */
  CLI_WHOLE, /* 0 .. 4294967295 */
  CLI_WIDE,  /* 0 .. 2^64 - 1 */
  CLI_REAL,  /* finite */
  /* above 0, because the library takes 0 for its default: a 0 that was given would not be heeded */
  CLI_WHOLE_ABOVE_0,
  CLI_WIDE_ABOVE_0,
  CLI_REAL_ABOVE_0,
} cli_value;

typedef struct cli_option {
  const char *name; /* without the dashes; NULL ends a list */
  char letter;      /* short form, 0: none */
  cli_value value;
  const char *metavar; /* NULL for flags */
  const char *help;
} cli_option;

enum { CLI_USES_DATASET = 1, CLI_USES_MEASURE = 2, CLI_USES_REPOSITORY = 4, CLI_USES_THREADS = 8 };

typedef struct cli cli;

typedef struct cli_verb {
  const char *name; /* one word, or two with a blank between */
  const char *group, *summary;
  const char *usage; /* what follows the name */
  const char *details;
  const char *example;
  const cli_option *options; /* its own */
  unsigned uses;             /* shared options, CLI_USES_… */
  int min_arguments, max_arguments;
  int (*run)(cli *c); /* exit code */
} cli_verb;

const cli_verb *cli_verb_at(size_t i); /* without hidden ones */
const cli_verb *cli_verb_find(const char *name);
/* The verb that the words begin with: two words (`bench fetch`), else one. */
const cli_verb *cli_verb_find_words(int n, const char *const *words, int *n_taken);
/* Those of cmd_bench.c, which cli_verb_at() also lists. */
const cli_verb *cli_bench_verb_at(size_t i);
/* Option i of a verb: its own, then the shared ones; NULL past the end. */
const cli_option *cli_verb_option(const cli_verb *verb, size_t i);

typedef struct cli_setting {
  const cli_option *option;
  const char *text; /* NULL for flags */
} cli_setting;

struct cli {
  const cli_verb *verb;
  cli_setting *settings;
  size_t n_settings;
  const char **arguments;
  int n_arguments;
  bool json, quiet;
  json_t *warnings; /* array of strings said so far */
};

/* Reads argv[0 .. argc) after the verb. False: usage error in err (BF_ERR_INVALID_ARGUMENT). */
bool cli_parse(cli *c, int argc, char **argv, bf_error *err);
void cli_deinit(cli *c);
bool cli_flag(const cli *c, const char *name);
const char *cli_text(const cli *c, const char *name); /* the last one given, or NULL */
size_t cli_list(const cli *c, const char *name, const char **out, size_t n_max);
double cli_real(const cli *c, const char *name, double otherwise);
uint32_t cli_whole(const cli *c, const char *name, uint32_t otherwise);
uint64_t cli_wide(const cli *c, const char *name, uint64_t otherwise);
/* The known word nearest to `given`, or NULL where none is near. */
const char *cli_nearest(const char *given, const char *(*word_at)(const void *context, size_t i), const void *context);

/* ---- help (help.c) ---- */
void cli_print_help(FILE *to);
void cli_print_verb_help(FILE *to, const cli_verb *verb);
void cli_print_bench_help(FILE *to);
void cli_print_markdown(FILE *to);
/* Manual pages (manual.c). */
void cli_print_manual(FILE *to);
void cli_print_manual_verb(FILE *to, const cli_verb *verb);

/* ---- output (output.c) ---- */

/* Fills err and returns the code, as the library does inside. */
__attribute__((format(printf, 3, 4))) bf_status cli_error(bf_error *err, bf_status code, const char *format, ...);
/* From errno. */
__attribute__((format(printf, 2, 3))) bf_status cli_error_errno(bf_error *err, const char *format, ...);
/* Says the error on stderr (as JSON with --json) and returns its exit code. */
int cli_fail(const cli *c, const bf_error *err);
/* A word on stderr, not with --quiet. */
__attribute__((format(printf, 2, 3))) void cli_say(const cli *c, const char *format, ...);
/* The same as "warning: …", kept for JSON. */
__attribute__((format(printf, 2, 3))) void cli_warn(cli *c, const char *format, ...);
/* Text for a terminal: control characters, which could drive it, become '?'. You own it (free()). */
char *cli_clean(const char *text);
bool cli_colours(FILE *to);
/* Width to fit: of the terminal, 0 where `to` is none. */
int cli_width(FILE *to);
/* Sentence, wrapped to the terminal and indented. */
void cli_print_wrapped(FILE *to, int indent, const char *text);
/* In quotes, those inside doubled, as CSV has it. */
void cli_put_quoted(FILE *to, const char *text, size_t n);

typedef struct cli_table cli_table;
/* headings: NULL-ended; '>' before one aligns its column to the right, '~' lets it be cut to fit a terminal (names
 * never are). NULL on lack of memory; all functions below accept NULL. */
cli_table *cli_table_create(const char *const *headings);
void cli_table_cell(cli_table *t, const char *text);
__attribute__((format(printf, 2, 3))) void cli_table_cellf(cli_table *t, const char *format, ...);
void cli_table_number(cli_table *t, double value); /* five significant digits; "-" for NaN */
/* Prints rows [first, last), with headings where first is 0; columns keep their widths from call to call. */
void cli_table_print(const cli_table *t, FILE *to, size_t first, size_t last);
size_t cli_table_rows(const cli_table *t);
void cli_table_free(cli_table *t);
void cli_format_bytes(double bytes, char out[24]);

/* ---- JSON (json_helpers.c) ---- */
json_t *cli_json_text(const char *text); /* null for NULL; bytes that are no UTF-8 become '?' */
json_t *cli_json_number(double value);   /* null for NaN and infinities */
json_t *cli_json_hash(const char *sha256, uint64_t bytes);
json_t *cli_json_sketch(const bf_sketch *sketch, bool with_columns);
json_t *cli_json_model(const bf_store_model *model);
json_t *cli_json_event(const bf_store_event *event);
/* Prints to stdout with a line end, and releases the value. */
int cli_print_json(const cli *c, json_t *value);

/* ---- progress (progress.c) ---- */
typedef struct cli_progress {
  const char *what;
  bool on, terminal, shown;
  double started, last;
} cli_progress;
void cli_progress_begin(cli_progress *p, const cli *c, const char *what);
/* A bf_progress_fn; context is the cli_progress. Cancels after an interrupt. */
bool cli_progress_step(void *context, const char *unit, uint64_t done, uint64_t total);
void cli_progress_end(cli_progress *p);
double cli_now_ms(void);

/* ---- inputs (inputs.c) ---- */
bf_dataset_options cli_dataset_options(const cli *c);
bf_measure_options cli_measure_options(const cli *c);
/* The whole of a file ("-": standard input), at most max_bytes. You own *out; a zero follows the bytes. */
bf_status cli_read_file(const char *path, size_t max_bytes, uint8_t **out, size_t *out_bytes, bf_error *err);
/* New name, then rename, so that a reader sees the old or the new file. */
bf_status cli_write_file(const char *path, const void *bytes, size_t n_bytes, bf_error *err);
/* Whether the file is a sketch, or the first bytes of one that was cut. */
bool cli_is_sketch_file(const char *path);

typedef enum cli_output { CLI_OUTPUT_SKETCH, CLI_OUTPUT_REPORT, CLI_OUTPUT_CARD, CLI_OUTPUT_PREDICTIONS } cli_output;
/* BF_ERR_EXISTS where writing `path` (NULL: nothing is written) would replace one of the inputs (NULL ones are passed
 * over), or a file that does not begin as what is to be written: a slip of the hand must not cost data. */
bf_status cli_check_output(const char *path, cli_output kind, const char *const *inputs, size_t n, bf_error *err);

typedef struct cli_input {
  bf_sketch *sketch;
  uint8_t *bytes; /* encoded */
  size_t n_bytes;
  char sha256[65];
  bool from_data; /* made of rows now, not read as a sketch */
  double sketch_ms;
} cli_input;
/* A sketch from a sketch file or from data, with progress and warnings. */
bf_status cli_load_input(cli *c, const char *path, cli_input *out, bf_error *err);
/* The same where a name of the repository will also do. */
bf_status cli_load_named(cli *c, const char *path, cli_input *out, bf_error *err);
void cli_input_deinit(cli_input *input);

/* The repository's folder: --repo, BESTFIT_REPO, or the default. You own it. */
char *cli_repository(const cli *c);
typedef enum cli_access { CLI_READS, CLI_WRITES, CLI_CREATES } cli_access;
/* CLI_READS also opens what one may not write. */
bf_status cli_open_store(const cli *c, cli_access access_mode, bf_store **out, bf_error *err);

/* ---- models to run (model_files.c) ---- */

/* MODEL.md beside MODEL.onnx. You own it; NULL: no memory. */
char *cli_card_beside(const char *model_path);
/* An ONNX file, what it refers to beside it, and the vocabulary that the card names. */
typedef struct cli_model_files {
  bf_model_file *files;
  size_t n;
} cli_model_files;
bf_status cli_read_model_files(const char *path, const bf_card *card, cli_model_files *out, bf_error *err);
void cli_model_files_deinit(cli_model_files *files);
/* A file with a card, or a version of the repository; of the latter also its calibration, where it has one. */
bf_status cli_open_model(const cli *c, const char *name, bf_workers *workers, bf_model **out,
                         bf_calibration **calibration, bf_error *err);

/* ---- searching (cmd_search.c) ---- */

typedef struct cli_search_times {
  double sketch, load, sample, rank, run; /* milliseconds; rank is without run */
} cli_search_times;
/* What running the models takes: a sample of the rows and workers. */
typedef struct cli_search_run {
  bf_sample *sample;
  bf_workers *workers;
  cli_progress progress;
  double budget_seconds; /* 0: none */
  uint64_t sample_rows;  /* 0: --sample, or 2,000 */
} cli_search_run;
/* The repository of --repo, which must hold a model that meets --filter. */
bf_status cli_open_filled_store(const cli *c, bf_store **out, bf_error *err);
/* Ranks for the first argument as the verb's options say, with warnings said. */
bf_status cli_search(cli *c, bf_store *store, cli_input *target, cli_search_run *run, cli_search_times *times,
                     bf_search_result **out, bf_error *err);
void cli_search_run_deinit(cli_search_run *run);

/* ---- answers of a person (answers_file.c) ---- */

typedef struct cli_answer {
  uint64_t row, token; /* token: of tagged sentences, else 0 */
  char *label;         /* "": skipped */
  size_t line;         /* from 1 */
} cli_answer;

typedef struct cli_answers {
  char *path;
  bool tokens;       /* kind tagged: rows are sentences */
  cli_answer *items; /* in the order of the file */
  size_t n;
  /* how the file is laid out, so that what is appended fits */
  size_t n_columns, row_column, token_column, label_column;
  bool has_header, ends_in_newline;
} cli_answers;
/* Reads all of a file. `must_exist` false: one that is not there has no answers. BF_ERR_FORMAT: not what it should be,
 * with the line. */
bf_status cli_answers_read(const char *path, bool tokens, bool must_exist, cli_answers *out, bf_error *err);
/* Appends one to the file and waits until the disk has it. */
bf_status cli_answers_append(cli_answers *answers, uint64_t row, uint64_t token, const char *label, bf_error *err);
void cli_answers_deinit(cli_answers *answers);
/* A field of CSV, quoted where it must be. */
void cli_put_csv(FILE *to, const char *text);
/* Folder of the benchmark: --bench, or the default. You own it; NULL: no memory. */
char *cli_bench_folder(const cli *c);
/* The option's folder, else bestfit/NAME among the user's caches. */
char *cli_cache_folder(const cli *c, const char *option, const char *name);

/* ---- what the verbs of the repository share ---- */

/* Value of a tag in a comma-separated list (bf_store_model.tags), "" of a word. You own it; NULL: it is not there. */
char *cli_tag_value(const char *tags, const char *key);
/* "name=value" of each --option. You own *out and *text, which the names point into, also on failure. */
bf_status cli_metrics(const cli *c, const char *option, bf_store_metric **out, size_t *n, char **text, bf_error *err);
/* "name@version: words", or the version as JSON. `name` may have an @ part. */
int cli_print_changed(const cli *c, bf_store *store, const char *name, uint32_t version, const char *words);

/* ---- what models are run with and learnt from (running.c) ---- */

typedef struct cli_running {
  const bf_store_model *model;
  json_t *calibration; /* NULL: none, or not readable */
  const char *validation_kind;
  uint32_t validation_rows;
  uint64_t validation_seen, validation_bytes;
  size_t n_as_model, n_as_domain; /* rows of experience */
} cli_running;
bf_status cli_running_load(bf_store *store, const bf_store_model *model, cli_running *out, bf_error *err);
void cli_running_deinit(cli_running *running);
void cli_print_running(const cli_running *running);
/* Adds files, calibration, validation and experience to the object of a model. */
void cli_json_running(json_t *value, const cli_running *running);

/* ---- verbs (cmd_*.c) ---- */
int cmd_add(cli *c);
int cmd_ls(cli *c);
int cmd_show(cli *c);
int cmd_rm(cli *c);
int cmd_fsck(cli *c);
int cmd_tag(cli *c);
int cmd_alias(cli *c);
int cmd_edit(cli *c);
int cmd_log(cli *c);
int cmd_export(cli *c);
int cmd_import(cli *c);
int cmd_completion(cli *c);
int cmd_complete(cli *c);
int cmd_sketch(cli *c);
int cmd_merge(cli *c);
int cmd_compare(cli *c);
int cmd_search(cli *c);
int cmd_label(cli *c);
int cmd_rank_predictions(cli *c);
int cmd_strategies(cli *c);
int cmd_predict(cli *c);
int cmd_predict_ensemble(cli *c);
int cmd_evaluate(cli *c);
int cmd_bench(cli *c);
int cmd_bench_fetch(cli *c);
int cmd_bench_train(cli *c);
int cmd_bench_run(cli *c);
int cmd_bench_report(cli *c);
int cmd_help(cli *c);
int cmd_version(cli *c);

/* `show` of a sketch, for the human eye (cmd_sketch.c). */
void cli_print_sketch(const cli *c, const bf_sketch *sketch, size_t n_bytes, const char *sha256);

#endif
