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
    {"tag", 0, CLI_LIST, "TAG", "a word or key=value to find it by; may be repeated"},
    {"accuracy", 0, CLI_REAL, "X", "accuracy on the model's own held-out data, 0 to 1"},
    {"metric", 0, CLI_LIST, "NAME=X", "a number measured of it, such as f1=0.83; may be repeated"},
    {"classes", 0, CLI_TEXT, "A,B,C", "class names in the order of the model's outputs"},
    {"validation", 0, CLI_TEXT, "DATA",
     "labelled rows that took no part in training: the model is run and calibrated on them"},
    {"validation-label", 0, CLI_TEXT, "COLUMN", "their labels, where --label does not say it"},
    {"validation-rows", 0, CLI_WHOLE_ABOVE_0, "N", "rows of them to use, drawn by a fixed seed (default 2000)"},
    {"keep-validation", 0, CLI_FLAG, NULL,
     "keep those rows in the repository, so that models added later learn from them"},
    {"no-experience", 0, CLI_FLAG, NULL, "do not run the stored models on them, nor this model on kept rows"},
    {"no-run", 0, CLI_FLAG, NULL, "store the model without loading it; it is ranked by its data alone"},
    {"new", 0, CLI_FLAG, NULL, "fail where the name exists, instead of adding its next version"},
    {"save-card", 0, CLI_TEXT, "FILE", "also write the card as stored to FILE"},
    {0}};
static const cli_option ls_options[] = {
    {"all-versions", 'a', CLI_FLAG, NULL, "every version, not only the latest"},
    {"filter", 'f', CLI_TEXT, "EXPR", "only those that a condition holds for, as above"},
    {"search", 0, CLI_TEXT, "WORDS",
     "only those with all words in name, summary, card or tags, best first (sens*: a beginning)"},
    {"sort", 0, CLI_TEXT, "A,-B", "by what, - for falling: -accuracy, created, tags.site, metrics.f1, …"},
    {"columns", 0, CLI_TEXT, "A,B,C", "columns to show: model, size, task, alias, tags, tags.site, metrics.f1, …"},
    {0}};
static const cli_option show_options[] = {{"card", 0, CLI_FLAG, NULL, "print the model card alone"},
                                          {"all", 'a', CLI_FLAG, NULL, "every column and label, not the first 20"},
                                          {0}};
static const cli_option fsck_options[] = {{"gc", 0, CLI_FLAG, NULL, "free unreferenced blobs and old temporary files"},
                                          {0}};
static const cli_option tag_options[] = {
    {"remove", 0, CLI_LIST, "KEY", "remove the tag with this key; may be repeated"}, {0}};
static const cli_option alias_options[] = {{"remove", 0, CLI_FLAG, NULL, "remove the alias"}, {0}};
static const cli_option edit_options[] = {
    {"license", 0, CLI_TEXT, "ID", "licence of the model, such as apache-2.0"},
    {"domain", 0, CLI_TEXT, "DOMAIN", "where the training data come from"},
    {"task", 0, CLI_TEXT, "TASK", "what the model does"},
    {"tag", 0, CLI_LIST, "TAG", "a tag of the card, in place of all that it has; may be repeated"},
    {"accuracy", 0, CLI_REAL, "X", "accuracy on the model's own held-out data, 0 to 1"},
    {"summary", 0, CLI_TEXT, "TEXT", "one sentence on what it is"},
    {"metric", 0, CLI_LIST, "NAME=X", "a number measured of it, such as f1=0.83; may be repeated"},
    {"card", 0, CLI_TEXT, "FILE", "the new card, which the options before override"},
    {0}};
static const cli_option log_options[] = {{"top", 'k', CLI_WHOLE, "N", "lines to print (default 0: all)"}, {0}};
static const cli_option export_options[] = {
    {"output", 'o', CLI_TEXT, "FILE", "where to write (default: the name after the slash, its version, .bestfit)"},
    {0}};
static const cli_option import_options[] = {
    {"as", 0, CLI_TEXT, "OWNER/NAME", "another name for it here; its card is made to say so"},
    {"new", 0, CLI_FLAG, NULL, "fail where the name exists, instead of adding its next version"},
    {0}};
static const cli_option sketch_options[] = {
    {"output", 'o', CLI_TEXT, "FILE", "where to write (default: DATA's last name with .sketch; -: standard output)"},
    {"seed", 0, CLI_WIDE_ABOVE_0, "N", "seed of samples and buckets (default 20220706)"},
    {"like", 0, CLI_TEXT, "MODEL|FILE", "take the columns, by name and in order, of a model's or a file's sketch"},
    {0}};
static const cli_option merge_options[] = {{"output", 'o', CLI_TEXT, "FILE", "where to write (-: standard output)"},
                                           {0}};
static const cli_option compare_options[] = {
    {"measure", 'm', CLI_LIST, "NAME", "a measure of `bestfit strategies`; may be repeated (default: all that apply)"},
    {"raw", 0, CLI_FLAG, NULL, "compute the paper's measures on the rows, exact by definition"},
    {0}};
static const cli_option search_options[] = {
    {"strategy", 's', CLI_TEXT, "NAME",
     "how to rank (default auto: what the experience allows; see `bestfit strategies`)"},
    {"data-only", 0, CLI_FLAG, NULL, "run no model: rank by the sketches alone"},
    {"sample", 0, CLI_WHOLE_ABOVE_0, "N",
     "rows of the target that the models are run on, drawn by --seed (default 2000)"},
    {"candidates", 0, CLI_WHOLE_ABOVE_0, "K", "run only the K models whose data are most similar"},
    {"budget", 0, CLI_REAL_ABOVE_0, "SECONDS", "stop running models after so long; those left out are named"},
    {"metric", 0, CLI_TEXT, "NAME", "what to expect of the models: accuracy (default), macro-f1, or f1 of one class"},
    {"positive", 0, CLI_TEXT, "CLASS", "the class of --metric f1 (default: of two the last by name, as 1 or match)"},
    {"measures", 0, CLI_TEXT, "WHICH", "estimators to compute beside the strategy: telling (default) or all"},
    {"top", 'k', CLI_WHOLE, "N", "places to print (default 10, with --json all; 0: all)"},
    {"exclude-domain", 0, CLI_TEXT, "DOMAIN", "leave out models of this domain"},
    {"explain", 0, CLI_TEXT, "ID", "say in full why this model (owner/name) has its place, and nothing of the others"},
    {"filter", 'f', CLI_TEXT, "EXPR", "rank only models that a condition holds for (see `bestfit help ls`)"},
    {"report", 0, CLI_TEXT, "FILE", "write an HTML page with plots that opens without a network"},
    {"title", 0, CLI_TEXT, "TEXT", "title of the report"},
    {0}};
static const cli_option label_options[] = {
    {"answers", 0, CLI_TEXT, "FILE",
     "CSV of row (from 0) and label, read first; what is typed is added (default: DATA's last name with .answers.csv)"},
    {"ask", 0, CLI_WHOLE_ABOVE_0, "N", "print the N rows to label next as CSV with an empty column label, and end"},
    {"batch", 0, CLI_FLAG, NULL, "ask nothing: read --answers, print the ranking, and end"},
    {"budget", 0, CLI_WHOLE_ABOVE_0, "N", "stop at N answers in all, those of the file included"},
    {"metric", 0, CLI_TEXT, "WHICH", "what the best model is best at: accuracy (default) or f1"},
    {"positive", 0, CLI_TEXT, "CLASS", "the class of --metric f1 (default: of two the last by name, as 1 or match)"},
    {"sample", 0, CLI_WHOLE_ABOVE_0, "N",
     "rows of the target to run on and to ask among, drawn by --seed (default 2000)"},
    {"candidates", 0, CLI_WHOLE_ABOVE_0, "K", "run only the K models whose data are most similar"},
    {"exclude-domain", 0, CLI_TEXT, "DOMAIN", "leave out models of this domain"},
    {"filter", 'f', CLI_TEXT, "EXPR", "only models that a condition holds for (see `bestfit help ls`)"},
    {"report", 0, CLI_TEXT, "FILE", "write an HTML page, before each question too, that shows the rows to label"},
    {"title", 0, CLI_TEXT, "TEXT", "title of the report"},
    {0}};
static const cli_option predict_options[] = {
    {"output", 'o', CLI_TEXT, "FILE",
     "FILE.csv, .parquet or .npy (probabilities alone); default: CSV on standard output"},
    {"card", 0, CLI_TEXT, "FILE", "card of an ONNX file (default: its name with .md)"},
    {"ensemble", 0, CLI_FLAG, NULL,
     "the weighted vote of all models that `auto` ranks for the data, in place of one; needs 8 labelled domains"},
    {"exclude-domain", 0, CLI_TEXT, "DOMAIN", "with --ensemble: leave out models of this domain"},
    {"filter", 'f', CLI_TEXT, "EXPR", "with --ensemble: only models that a condition holds for"},
    {0}};
static const cli_option evaluate_options[] = {
    {"card", 0, CLI_TEXT, "FILE", "card of an ONNX file (default: its name with .md)"},
    {"seed", 0, CLI_WIDE_ABOVE_0, "N", "seed of the bootstrap (default 20220706)"},
    {0}};
static const cli_option rank_predictions_options[] = {
    {"strategy", 's', CLI_TEXT, "NAME",
     "an estimator that needs neither validation data nor a repository (default consensus-mix)"},
    {"truth", 0, CLI_TEXT, "COLUMN|FILE",
     "true classes, to score the order by and never used: a column; for .npy a file with one label an item"},
    {"models", 0, CLI_TEXT, "A,B,C", "columns that are models (default: all but the truth); for .npy their names"},
    {"drop", 0, CLI_TEXT, "A,B,C", "columns that are no models, such as an identifier"},
    {"classes", 0, CLI_TEXT, "A,B,C", "for .npy: names of the classes (default: 0, 1, 2 …)"},
    {"seed", 0, CLI_WIDE_ABOVE_0, "N", "seed of the samples that some rules take (default 20220706)"},
    {"top", 'k', CLI_WHOLE, "N", "places to print (default 10, with --json all; 0: all)"},
    {0}};
static const cli_option help_options[] = {{"markdown", 0, CLI_FLAG, NULL, "all help as one Markdown page"},
                                          {"man", 0, CLI_FLAG, NULL, "as a manual page (troff)"},
                                          {0}};

static const cli_option dataset_options[] = {
    {"format", 0, CLI_TEXT, "NAME", "format of the data, of the list below (default: sniffed)"},
    {"kind", 0, CLI_TEXT, "KIND", "features, series, image, text, pair or tagged (default: from format and shape)"},
    {"label", 0, CLI_TEXT, "COLUMN", "label column, or for arrays a file of labels; never enters a sketch as data"},
    {"columns", 0, CLI_TEXT, "A,B,C", "columns to read, in this order"},
    {"drop", 0, CLI_TEXT, "A,B,C", "columns to leave out"},
    {"where", 0, CLI_TEXT, "SQL", "condition that rows of a table must meet"},
    {"member", 0, CLI_TEXT, "NAME", "array inside an .npz"},
    {"text", 0, CLI_TEXT, "COLUMN", "kind text from a table: the column of texts (default: the only string column)"},
    {"tags", 0, CLI_TEXT, "COLUMN", "kind tagged from CoNLL-U: upos (default), xpos or deprel"},
    {"range", 0, CLI_REAL_ABOVE_0, "X", "value of white in images: 1, 16, 255 … (default: guessed)"},
    {"min-count", 0, CLI_WHOLE_ABOVE_0, "N",
     "drop words that occur less often, trim extremes to the N-th value (default 5; 1: keep all)"},
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
    {"label", "Find a model", "decide between the first places by a few labels of your own", "DATA [options]",
     "Searches, then asks for the labels of the rows that tell most: one at a time, after ten answers five. A class "
     "is\n"
     "typed by name or number; ? lists them, s skips a row, q ends. It stops when more answers are unlikely to change\n"
     "the choice. To label elsewhere: --ask N prints rows as CSV, and the file comes back with --answers. Of tagged\n"
     "sentences tokens are labelled: row,token,label.",
     "bestfit label new-sensor.csv --answers labels.csv", label_options,
     DATA_AND_THREADS | CLI_USES_MEASURE | CLI_USES_REPOSITORY, 1, 1, cmd_label},
    {"rank-predictions", "Find a model", "rank models that cannot be run here, by their predictions alone",
     "FILE [options]",
     "FILE is a table with one row an item and one column a model: class names or integers, empty or -1 for no "
     "answer.\n"
     "Or a .npy of (models, items, classes) with logits or probabilities. No labels are needed: models are judged by\n"
     "each other's answers, and the trust grade says how far to believe that. Where no model can be ranked the exit\n"
     "code is 14.",
     "bestfit rank-predictions answers.csv --drop id --truth label", rank_predictions_options, CLI_USES_THREADS, 1, 1,
     cmd_rank_predictions},
    {"compare", "Find a model", "how near one dataset is to another, by every measure", "SOURCE TARGET [options]",
     "Each side is data, a sketch, or a model of the repository (owner/name or owner/name@2). Dataset options hold for "
     "both\n"
     "sides where they are data.",
     "bestfit compare summer.parquet winter.parquet --measure hist-jsd", compare_options,
     DATA_AND_THREADS | CLI_USES_MEASURE | CLI_USES_REPOSITORY, 2, 2, cmd_compare},
    {"strategies", "Find a model", "the measures and strategies, with range, direction and source", "[options]", NULL,
     "bestfit strategies", no_options, 0, 0, 0, cmd_strategies},
    {"predict", "Run a model", "what a model says of every row: label, confidence, probabilities",
     "MODEL DATA [-o FILE] [options]\n       bestfit predict --ensemble DATA [-o FILE.csv] [options]",
     "MODEL is owner/name[@version] of the repository, or an ONNX file with a card. It runs in a sandboxed process. "
     "Rows "
     "are\n"
     "numbered from 0. Of tagged sentences every token is a line.",
     "bestfit predict lab/gait new-sensor.csv -o gait.parquet", predict_options, DATA_AND_THREADS | CLI_USES_REPOSITORY,
     1, 2, cmd_predict},
    {"evaluate", "Run a model", "how right a model is on labelled rows, with intervals", "MODEL LABELLED [options]",
     "Accuracy, macro-F1, calibration error, and per class precision, recall and the confusion matrix. Labels are "
     "matched "
     "to\n"
     "classes by name; one that the model does not have counts as its error.",
     "bestfit evaluate lab/gait labelled.csv --label activity", evaluate_options,
     DATA_AND_THREADS | CLI_USES_REPOSITORY, 2, 2, cmd_evaluate},
    {"add", "Repository", "store a model with its card and a sketch of its training data", "MODEL.onnx [options]",
     "The model is loaded and run once, in a sandboxed process, on the validation rows or the first rows of the data; "
     "one "
     "that\n"
     "does not run, or not as its card says, is refused. External data and a vocabulary are read beside the model. "
     "Without\n"
     "--data and --sketch a model is ranked only by what it says. Without a card, --name writes one.",
     "bestfit add gait.onnx --data train.csv --label activity --name lab/gait --license apache-2.0", add_options,
     DATA_AND_THREADS | CLI_USES_REPOSITORY, 1, 1, cmd_add},
    {"ls", "Repository", "list models", "[PATTERN] [options]",
     "PATTERN is part of a name, or a shell pattern with * and ?. A condition compares name, owner, version, domain, "
     "task,\n"
     "kind, license, summary, rows, accuracy, created, size, tags.KEY, metrics.NAME or alias by = != < <= > >=, like\n"
     "'lyo%', in ('a', 'b'), is null, joined by and, or, not and parentheses. Texts stand in single quotes. One that "
     "names\n"
     "version or alias looks at all versions.",
     "bestfit ls --filter \"tags.site = 'lyon' and metrics.accuracy > 0.8 and task = 'classification'\" --sort "
     "-accuracy",
     ls_options, CLI_USES_REPOSITORY, 0, 1, cmd_ls},
    {"show", "Repository", "all about one model, or about a sketch file", "NAME[@VERSION]|SKETCH [options]",
     "Wherever a model is named, @ may be followed by a version, an alias or `latest`.",
     "bestfit show lab/gait@production", show_options, CLI_USES_REPOSITORY, 1, 1, cmd_show},
    {"rm", "Repository", "remove a model, or one version", "NAME[@VERSION] [options]",
     "Refused while an alias points to it. Its files stay until `bestfit fsck --gc` frees them.",
     "bestfit rm lab/gait@1", no_options, CLI_USES_REPOSITORY, 1, 1, cmd_rm},
    {"tag", "Repository", "set or remove tags of a version, or print them", "NAME[@VERSION] [TAG …] [options]",
     "A TAG is a word, or key=value in place of the value that the key had. The card is not changed: `bestfit edit "
     "--tag`\n"
     "does that.",
     "bestfit tag lab/gait@2 site=lyon reviewed --remove draft", tag_options, CLI_USES_REPOSITORY, 1, 1000, cmd_tag},
    {"alias", "Repository", "let a name such as production point to a version", "NAME[@VERSION] [ALIAS] [options]",
     "The model is then also NAME@ALIAS, in every command. Without ALIAS prints those that there are.",
     "bestfit alias lab/gait@2 production", alias_options, CLI_USES_REPOSITORY, 1, 2, cmd_alias},
    {"edit", "Repository", "change what the card of a version says", "NAME[@VERSION] [options]",
     "Without options opens the card in $VISUAL or $EDITOR. The version keeps its number; the old card stays until\n"
     "`bestfit fsck --gc`, and `bestfit log` has the hashes of both.",
     "bestfit edit lab/gait --license apache-2.0 --metric f1=0.83", edit_options, CLI_USES_REPOSITORY, 1, 1, cmd_edit},
    {"log", "Repository", "who changed what when, newest first", "[NAME] [options]", NULL,
     "bestfit log lab/gait --top 20", log_options, CLI_USES_REPOSITORY, 0, 1, cmd_log},
    {"export", "Repository", "write a model into one file", "NAME[@VERSION] [options]",
     "The file is a zip archive with model.onnx, README.md (the card), sketch and manifest.json. Equal versions give "
     "equal\n"
     "bytes.",
     "bestfit export lab/gait@production -o gait.bestfit", export_options, CLI_USES_REPOSITORY, 1, 1, cmd_export},
    {"import", "Repository", "add a model from such a file", "FILE.bestfit [options]",
     "Every hash is checked first. Tags and metrics come along; aliases too, where the model does not have them yet.",
     "bestfit import gait.bestfit --as ours/gait", import_options, CLI_USES_REPOSITORY, 1, 1, cmd_import},
    {"fsck", "Repository", "check every byte of the repository against its hash", "[options]",
     "Ends with exit code 6 where something is missing or damaged. --gc also makes the full-text index anew where it "
     "is\n"
     "damaged.",
     "bestfit fsck --gc", fsck_options, CLI_USES_REPOSITORY, 0, 0, cmd_fsck},
    {"merge", "Sketches", "one sketch of the rows of several", "SKETCH SKETCH… -o FILE",
     "Counts, sums and words add up exactly; quantiles and centroids are merged within the bound that\n"
     "docs/formats/sketch-v1.md states. The sketches must be of equal kind, columns, seed and --min-count.",
     "bestfit merge monday.sketch tuesday.sketch -o week.sketch", merge_options, 0, 2, 1000, cmd_merge},
    {"sketch", "Sketches", "summarise a dataset, so that it can be searched for without its rows", "DATA [options]",
     "The sketch holds no row, but is not anonymous: it holds extremes, quantiles and averages of at least eight rows.",
     "bestfit sketch train.parquet --label activity -o train.sketch", sketch_options,
     DATA_AND_THREADS | CLI_USES_REPOSITORY, 1, 1, cmd_sketch},
    {"completion", "Other", "completion of commands, options and names for a shell", "SHELL",
     "SHELL is bash, zsh or fish.", "source <(bestfit completion bash)", no_options, 0, 1, 1, cmd_completion},
    {"help", "Other", "help on a command", "[COMMAND] [options]", NULL, "bestfit help search", help_options, 0, 0, 2,
     cmd_help},
    {"version", "Other", "version of the program", "", NULL, "bestfit version", no_options, 0, 0, 0, cmd_version},
};

/* Found by name and listed nowhere: for completion scripts, and the first word of those of cmd_bench.c. */
static const cli_verb hidden_verbs[] = {
    {"__complete", "Other", "names that complete a word", "models|verbs [PREFIX]", NULL,
     "bestfit __complete models lab/", no_options, CLI_USES_REPOSITORY, 1, 2, cmd_complete},
    {"bench", "Other", "the benchmark on real data", "COMMAND", NULL, "bestfit bench fetch", no_options, 0, 0, 1,
     cmd_bench},
};

/* The verbs of the benchmark come before the group "Other". */
const cli_verb *cli_verb_at(size_t i) {
  size_t n = sizeof verbs / sizeof *verbs, n_bench = 0, first = 0;
  while (first < n && strcmp(verbs[first].group, "Other") != 0) first++;
  while (cli_bench_verb_at(n_bench) != NULL) n_bench++;
  if (i >= first && i < first + n_bench) return cli_bench_verb_at(i - first);
  if (i >= first) i -= n_bench;
  return i < n ? &verbs[i] : NULL;
}

const cli_verb *cli_verb_find(const char *name) {
  const cli_verb *verb;
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++)
    if (strcmp(verb->name, name) == 0) return verb;
  for (size_t i = 0; i < sizeof hidden_verbs / sizeof *hidden_verbs; i++)
    if (strcmp(hidden_verbs[i].name, name) == 0) return &hidden_verbs[i];
  return NULL;
}

const cli_verb *cli_verb_find_words(int n, const char *const *words, int *n_taken) {
  char both[64];
  *n_taken = 0;
  if (n < 1) return NULL;
  int length = n > 1 ? snprintf(both, sizeof both, "%s %s", words[0], words[1]) : -1;
  const cli_verb *verb = length > 0 && (size_t)length < sizeof both ? cli_verb_find(both) : NULL;
  *n_taken = verb != NULL ? 2 : 1;
  return verb != NULL ? verb : cli_verb_find(words[0]);
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
