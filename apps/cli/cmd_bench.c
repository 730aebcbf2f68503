/* bestfit bench: the verbs of the benchmark, a table of their own, so that one is added here by a row and a function in
 * a cmd_bench_*.c file. Their names have two words; main and help find them like all others. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

char *cli_cache_folder(const cli *c, const char *option, const char *name) {
  const char *given = cli_text(c, option), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (given != NULL) return strdup(given);
  bool is_set = cache != NULL && cache[0] == '/'; /* a relative one is to be ignored, says the specification */
  const char *root = is_set ? cache : home != NULL ? home : ".";
  size_t size = strlen(root) + strlen(name) + 24;
  char *path = malloc(size);
  if (path != NULL) snprintf(path, size, "%s%s/bestfit/%s", root, is_set ? "" : "/.cache", name);
  return path;
}

char *cli_bench_folder(const cli *c) {
  return cli_cache_folder(c, "bench", "bench");
}

static const cli_option fetch_options[] = {
    {"only", 0, CLI_LIST, "NAME", "only this dataset; may be repeated"},
    {"to", 0, CLI_TEXT, "DIR",
     "folder to download into (default: bestfit/datasets in $XDG_CACHE_HOME or ~/.cache); whole datasets in "
     "$BESTFIT_DATA stay there"},
    {"offline", 0, CLI_FLAG, NULL, "download nothing: say what is here and what is missing"},
    {"manifests", 0, CLI_TEXT, "DIR", "manifests of other datasets (default: those that come with bestfit)"},
    {"base-url", 0, CLI_TEXT, "URL",
     "a mirror that has URL/OWNER/NAME/COMMIT/PATH, also by http (default: $BESTFIT_FETCH_BASE, else the public "
     "source)"},
    {"stall", 0, CLI_REAL_ABOVE_0, "SECONDS", "give a connection up after so long without a byte (default 30)"},
    {"attempts", 0, CLI_WHOLE_ABOVE_0, "N", "connections in a row that may bring next to nothing (default 5)"},
    {"progress", 0, CLI_FLAG, NULL, "show progress though stderr is no terminal"},
    {0}};

static const cli_option train_options[] = {
    {"bench", 0, CLI_TEXT, "DIR", "folder of the benchmark (default: bestfit/bench in $XDG_CACHE_HOME or ~/.cache)"},
    {"seeds", 0, CLI_WHOLE_ABOVE_0, "N", "networks of the seeds 1 to N (default 1); those that are there stay"},
    {"jobs", 0, CLI_WHOLE_ABOVE_0, "N", "networks to train at once (default: all cores)"},
    {"data", 0, CLI_TEXT, "DIR",
     "datasets besides $BESTFIT_DATA (default: where bench fetch puts them, bestfit/datasets in $XDG_CACHE_HOME or "
     "~/.cache)"},
    {"progress", 0, CLI_FLAG, NULL, "show progress though stderr is no terminal"},
    {0}};

static const cli_option run_options[] = {
    {"bench", 0, CLI_TEXT, "DIR", "folder of the benchmark (default: bestfit/bench in $XDG_CACHE_HOME or ~/.cache)"},
    {"seeds", 0, CLI_WHOLE_ABOVE_0, "N", "only seeds 1 to N (default: all that are there)"},
    {"variant", 0, CLI_LIST, "NAME",
     "standard, own-in, relatives-out, rows-30, rows-100, rows-300 or rows-1000; may be repeated (default: all)"},
    {"target", 0, CLI_LIST, "DOMAIN", "only this target; may be repeated"},
    {"strategies", 0, CLI_TEXT, "LIST", "only these, with commas between (default: all)"},
    {"progress", 0, CLI_FLAG, NULL, "show progress though stderr is no terminal"},
    {0}};

static const cli_option report_options[] = {
    {"bench", 0, CLI_TEXT, "DIR", "folder of the benchmark (default: bestfit/bench in $XDG_CACHE_HOME or ~/.cache)"},
    {"output", 'o', CLI_TEXT, "FILE", "the page (default: report.html in the folder; with --results none)"},
    {"markdown", 0, CLI_TEXT, "FILE", "the same as Markdown (default: report.md in the folder; with --results none)"},
    {"results", 0, CLI_TEXT, "FILE", "show these results (JSON) instead of the runs of the folder"},
    {"notes", 0, CLI_TEXT, "FILE",
     "JSON of reasons for what differs from the prototype (default: notes.json beside the results)"},
    {"readme", 0, CLI_FLAG, NULL, "print the table of the README, and write nothing"},
    {0}};

static const cli_verb bench_verbs[] = {
    {"bench fetch", "Benchmark", "get the public datasets of the benchmark, verified byte by byte", "[options]",
     "Files in $BESTFIT_DATA are used where they are, if they are those that the manifest means. What is missing is\n"
     "downloaded from its public source at a fixed commit; a download that was cut goes on where it stopped. For what "
     "no\n"
     "download gives, says how to make it. Ends with code 3 where something is missing, else with that of the first "
     "error.",
     "bestfit bench fetch --only ner_crossner", fetch_options, 0, 0, 0, cmd_bench_fetch},
    {"bench train", "Benchmark", "train the models of the benchmark and register them", "[COLLECTION …] [options]",
     "One small model a domain, trained by PyTorch (`scripts/bootstrap zoo`; BESTFIT_PYTHON names another Python), "
     "then\n"
     "added to DIR/seed-N/COLLECTION/repository by `bestfit add`. What is there and unchanged stays; ended anywhere "
     "and "
     "run\n"
     "again it goes on. Ends with code 3 where a dataset is missing; the domains that it would give are listed, all "
     "others made.",
     "bestfit bench train dsads pos --seeds 3", train_options, 0, 0, 100, cmd_bench_train},
    {"bench run", "Benchmark", "rank the models of every collection for every domain, by every strategy",
     "[COLLECTION ...] [options]",
     "Takes what `bench train` made, runs every model on every domain once, and writes for each domain and variant of "
     "the\n"
     "protocol what every strategy scored (docs/benchmark.md). What a file depends on is kept with it: a run that was\n"
     "stopped goes on, and one with nothing changed does nothing. Ends with code 3 where a domain or model is missing, "
     "else\n"
     "with that of the first error.",
     "bestfit bench run digits --variant standard", run_options, CLI_USES_THREADS, 0, 1000, cmd_bench_run},
    {"bench report", "Benchmark", "join what `bench run` found: tables, figures, intervals, in one page", "[options]",
     "Writes report.html (one page, no network, no scripts), report.md and results.json into the folder, and prints "
     "the\n"
     "short table; --json prints the results instead. How to read the page: docs/benchmark.md. What is missing is "
     "listed "
     "with\n"
     "the command that gets it, and the code is still 0: the page says it.",
     "bestfit bench report -o report.html", report_options, CLI_USES_THREADS, 0, 0, cmd_bench_report},
};

const cli_verb *cli_bench_verb_at(size_t i) {
  return i < sizeof bench_verbs / sizeof *bench_verbs ? &bench_verbs[i] : NULL;
}

void cli_print_bench_help(FILE *to) {
  const cli_verb *verb;
  fputs("bestfit bench: the benchmark on real data\n\nusage: bestfit bench COMMAND [options]\n\n", to);
  for (size_t i = 0; (verb = cli_bench_verb_at(i)) != NULL; i++) fprintf(to, "  %-13s %s\n", verb->name, verb->summary);
  fputs("\n`bestfit help bench COMMAND` shows its options with an example.\n", to);
}

static const char *second_word_at(const void *context, size_t i) {
  (void)context;
  const cli_verb *verb = cli_bench_verb_at(i);
  return verb != NULL ? strchr(verb->name, ' ') + 1 : NULL;
}

/* Only reached without a second word, or with one that is no verb. */
int cmd_bench(cli *c) {
  bf_error err = {.position = -1};
  if (c->n_arguments == 0) {
    cli_print_bench_help(stderr);
    return 2;
  }
  const char *near = cli_nearest(c->arguments[0], second_word_at, NULL);
  (void)cli_error(&err, BF_ERR_INVALID_ARGUMENT,
                  "'%.60s' is not a command of bestfit bench%s%s%s; `bestfit help bench`"
                  " lists them",
                  c->arguments[0], near != NULL ? " (did you mean '" : "", near != NULL ? near : "",
                  near != NULL ? "'?)" : "");
  return cli_fail(c, &err);
}
