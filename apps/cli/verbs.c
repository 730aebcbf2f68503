/* The one table of verbs. `bestfit --help`, `bestfit help VERB`, usage errors, suggestions and docs/cli.md are printed
 * from it: a verb is one row here and one function in a cmd_*.c file. */
#include <string.h>

#include "cli.h"

static const cli_option no_options[] = {{0}};

static const cli_option add_options[] = {
    {"data", 0, CLI_TEXT, "DATA", "training data, read once and not kept"},
    {"sketch", 0, CLI_TEXT, "FILE", "a sketch of the training data, made where the data live"},
    {"card", 0, CLI_TEXT, "FILE", "model card (default: the model's name with .md, where there is one)"},
    {"name", 'n', CLI_TEXT, "OWNER/NAME", "name in the repository (default: the card's)"},
    {"task", 0, CLI_TEXT, "TASK", "what the model does (default: the card's, else classification)"},
    {"domain", 0, CLI_TEXT, "DOMAIN", "where the training data come from (default: the model's name)"},
    {"license", 0, CLI_TEXT, "ID", "licence of the model, such as apache-2.0"},
    {"tag", 0, CLI_LIST, "TAG", "a word to find it by; may be repeated"},
    {"accuracy", 0, CLI_REAL, "X", "accuracy on the model's own held-out data, 0 to 1"},
    {"classes", 0, CLI_TEXT, "A,B,C", "class names in the order of the model's outputs"},
    {"new", 0, CLI_FLAG, NULL, "fail where the name exists, instead of adding its next version"},
    {"save-card", 0, CLI_TEXT, "FILE", "also write the card as stored to FILE"},
    {0}};
static const cli_option ls_options[] = {{"all-versions", 'a', CLI_FLAG, NULL, "every version, not only the latest"},
                                        {0}};
static const cli_option show_options[] = {{"card", 0, CLI_FLAG, NULL, "print the model card alone"},
                                          {"all", 'a', CLI_FLAG, NULL, "every column and label, not the first 20"},
                                          {0}};
static const cli_option fsck_options[] = {{"gc", 0, CLI_FLAG, NULL, "free unreferenced blobs and old temporary files"},
                                          {0}};
static const cli_option sketch_options[] = {
    {"output", 'o', CLI_TEXT, "FILE", "where to write (default: DATA's last name with .sketch; -: standard output)"},
    {"seed", 0, CLI_WIDE_ABOVE_0, "N", "seed of samples and buckets (default 20220706)"},
    {0}};
static const cli_option compare_options[] = {
    {"measure", 'm', CLI_LIST, "NAME", "a measure of `bestfit strategies`; may be repeated (default: all that apply)"},
    {"raw", 0, CLI_FLAG, NULL, "compute the paper's measures on the rows, exact by definition"},
    {0}};
static const cli_option search_options[] = {
    {"strategy", 's', CLI_TEXT, "NAME", "how to rank (default similarity; see `bestfit strategies`)"},
    {"top", 'k', CLI_WHOLE, "N", "places to print (default 10, with --json all; 0: all)"},
    {"exclude-domain", 0, CLI_TEXT, "DOMAIN", "leave out models of this domain"},
    {"report", 0, CLI_TEXT, "FILE", "write an HTML page with plots that opens without a network"},
    {"title", 0, CLI_TEXT, "TEXT", "title of the report"},
    {0}};
static const cli_option help_options[] = {{"markdown", 0, CLI_FLAG, NULL, "all help as one Markdown page"}, {0}};

static const cli_option dataset_options[] = {
    {"format", 0, CLI_TEXT, "NAME", "format of the data, of the list below (default: sniffed)"},
    {"kind", 0, CLI_TEXT, "KIND", "features or image (default: from format and shape)"},
    {"label", 0, CLI_TEXT, "COLUMN", "label column, or for arrays a file of labels; never enters a sketch as data"},
    {"columns", 0, CLI_TEXT, "A,B,C", "columns to read, in this order"},
    {"drop", 0, CLI_TEXT, "A,B,C", "columns to leave out"},
    {"where", 0, CLI_TEXT, "SQL", "condition that rows of a table must meet"},
    {"member", 0, CLI_TEXT, "NAME", "array inside an .npz"},
    {"range", 0, CLI_REAL_ABOVE_0, "X", "value of white in images: 1, 16, 255 … (default: guessed)"},
    {0}};
static const cli_option measure_options[] = {
    {"seed", 0, CLI_WIDE_ABOVE_0, "N", "seed (default 20220706)"},
    {"partition-size", 0, CLI_WHOLE_ABOVE_0, "N", "rows in a partition of the paper's measures (default 500)"},
    {"threshold", 0, CLI_REAL_ABOVE_0, "T", "adaptivity: partitions nearer than T match (default 0.002)"},
    {0}};
static const cli_option repository_options[] = {
    {"repo", 'r', CLI_TEXT, "DIR",
     "repository (default: $BESTFIT_REPO, else bestfit in $XDG_DATA_HOME or ~/.local/share)"},
    {0}};
static const cli_option thread_options[] = {
    {"threads", 0, CLI_WHOLE, "N", "threads (default: all cores)"},
    {"progress", 0, CLI_FLAG, NULL, "show progress though stderr is no terminal"},
    {0}};
static const cli_option common_options[] = {
    {"json", 0, CLI_FLAG, NULL, "JSON on standard output, errors as JSON on standard error"},
    {"quiet", 'q', CLI_FLAG, NULL, "no words on standard error but errors"},
    {0}};

#define DATA_AND_THREADS (CLI_USES_DATASET | CLI_USES_THREADS)

static const cli_verb verbs[] = {
    {"search", "Find a model", "rank the repository's models for unlabelled data, with reasons",
     "DATA|SKETCH [options]",
     "DATA is a file or folder of rows without labels, or a sketch of it (-: a sketch on standard input). Every model "
     "with a\n"
     "sketch of the same kind and columns is ranked; the others are listed with the reason why not. Where no model\n"
     "can be ranked the exit code is 14. A report replaces nothing but a report.",
     "bestfit search new-sensor.csv --report why.html", search_options,
     DATA_AND_THREADS | CLI_USES_MEASURE | CLI_USES_REPOSITORY, 1, 1, cmd_search},
    {"compare", "Find a model", "how near one dataset is to another, by every measure", "SOURCE TARGET [options]",
     "Each side is data, a sketch, or a model of the repository (owner/name or owner/name@2). Dataset options hold for "
     "both\n"
     "sides where they are data.",
     "bestfit compare summer.parquet winter.parquet --measure hist-jsd", compare_options,
     DATA_AND_THREADS | CLI_USES_MEASURE | CLI_USES_REPOSITORY, 2, 2, cmd_compare},
    {"strategies", "Find a model", "the measures and strategies, with range, direction and source", "[options]", NULL,
     "bestfit strategies", no_options, 0, 0, 0, cmd_strategies},
    {"add", "Repository", "store a model with its card and a sketch of its training data", "MODEL.onnx [options]",
     "A model without --data and --sketch is stored too, but cannot be ranked. Without a card, --name writes one.",
     "bestfit add gait.onnx --data train.csv --label activity --name lab/gait --license apache-2.0", add_options,
     DATA_AND_THREADS | CLI_USES_REPOSITORY, 1, 1, cmd_add},
    {"ls", "Repository", "list models", "[PATTERN] [options]",
     "PATTERN is part of a name, or a shell pattern with * and ?.", "bestfit ls 'lab/*' --all-versions", ls_options,
     CLI_USES_REPOSITORY, 0, 1, cmd_ls},
    {"show", "Repository", "all about one model, or about a sketch file", "NAME[@VERSION]|SKETCH [options]", NULL,
     "bestfit show lab/gait@2", show_options, CLI_USES_REPOSITORY, 1, 1, cmd_show},
    {"rm", "Repository", "remove a model, or one version", "NAME[@VERSION] [options]",
     "Its files stay until `bestfit fsck --gc` frees them.", "bestfit rm lab/gait@1", no_options, CLI_USES_REPOSITORY,
     1, 1, cmd_rm},
    {"fsck", "Repository", "check every byte of the repository against its hash", "[options]",
     "Ends with exit code 6 where something is missing or damaged.", "bestfit fsck --gc", fsck_options,
     CLI_USES_REPOSITORY, 0, 0, cmd_fsck},
    {"sketch", "Sketches", "summarise a dataset, so that it can be searched for without its rows", "DATA [options]",
     "The sketch holds no row, but is not anonymous: it holds extremes, quantiles and averages of at least eight rows.",
     "bestfit sketch train.parquet --label activity -o train.sketch", sketch_options, DATA_AND_THREADS, 1, 1,
     cmd_sketch},
    {"help", "Other", "help on a command", "[COMMAND] [options]", NULL, "bestfit help search", help_options, 0, 0, 1,
     cmd_help},
    {"version", "Other", "version of the program", "", NULL, "bestfit version", no_options, 0, 0, 0, cmd_version},
};

const cli_verb *cli_verb_at(size_t i) {
  return i < sizeof verbs / sizeof *verbs ? &verbs[i] : NULL;
}

const cli_verb *cli_verb_find(const char *name) {
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
    if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
  return NULL;
}

const cli_option *cli_verb_option(const cli_verb *verb, size_t i) {
  const struct {
    bool wanted;
    const cli_option *list;
  } lists[] = {{true, verb->options},
               {verb->uses & CLI_USES_DATASET, dataset_options},
               {verb->uses & CLI_USES_MEASURE, measure_options},
               {verb->uses & CLI_USES_REPOSITORY, repository_options},
               {verb->uses & CLI_USES_THREADS, thread_options},
               {true, common_options}};
  for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
    if (!lists[k].wanted) continue;
    for (const cli_option *option = lists[k].list; option->name != NULL; option++)
      if (i-- == 0) return option;
  }
  return NULL;
}
