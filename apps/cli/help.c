/* Help in words and as Markdown, both from the table in verbs.c, so that neither can say what the other does not. */
#include <string.h>

#include "cli.h"

static void print_groups(FILE *to) {
  const cli_verb *verb;
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) {
    if (i == 0 || strcmp(cli_verb_at(i - 1)->group, verb->group) != 0) fprintf(to, "\n%s\n", verb->group);
    fprintf(to, "  %-11s %s\n", verb->name, verb->summary);
  }
}

void cli_print_help(FILE *to) {
  fputs(
      "bestfit: search a repository of DNN models with unlabelled data\n\n"
      "usage: bestfit COMMAND [arguments] [options]\n",
      to);
  print_groups(to);
  fputs(
      "\nA first search\n"
      "  bestfit add model.onnx --data training.csv --name me/model\n"
      "  bestfit search unlabelled.csv --report why.html\n"
      "\n`bestfit help COMMAND` shows its options with an example. Every command takes --json.\n",
      to);
}

/* "  -o, --output FILE", to be followed by the help text */
static void option_heading(const cli_option *option, char *out, size_t n) {
  snprintf(out, n, "%s%c%s--%s%s%s", option->letter ? "-" : "  ", option->letter ? option->letter : ' ',
           option->letter ? ", " : " ", option->name, option->metavar != NULL ? " " : "",
           option->metavar != NULL ? option->metavar : "");
}

void cli_print_verb_help(FILE *to, const cli_verb *verb) {
  fprintf(to, "bestfit %s: %s\n\nusage: bestfit %s %s\n", verb->name, verb->summary, verb->name, verb->usage);
  if (verb->details != NULL) fprintf(to, "\n%s\n", verb->details);
  fprintf(to, "\nexample\n  %s\n\noptions\n", verb->example);
  const cli_option *option;
  for (size_t i = 0; (option = cli_verb_option(verb, i)) != NULL; i++) {
    char heading[80];
    option_heading(option, heading, sizeof heading);
    fprintf(to, "  %-28s %s\n", heading, option->help);
  }
  if (!(verb->uses & CLI_USES_DATASET)) return;
  fputs("\nformats\n", to);
  const bf_dataset_format_info *format;
  for (size_t i = 0; (format = bf_dataset_format_at(i)) != NULL; i++)
    fprintf(to, "  %-8s %-16s %s\n", format->name, format->kinds, format->summary);
}

static void markdown_text(FILE *to, const char *text) {
  for (; *text != '\0'; text++) {
    if (*text == '|') fputc('\\', to); /* would end the table cell */
    fputc(*text, to);
  }
}

void cli_print_markdown(FILE *to) {
  fputs(
      "# bestfit on the command line\n\nPrinted by `bestfit help --markdown` from the table in `apps/cli/verbs.c`.\n\n"
      "| command | what it does |\n|---|---|\n",
      to);
  const cli_verb *verb;
  const cli_option *option;
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++)
    fprintf(to, "| [`%s`](#bestfit-%.*s%s%s) | %s |\n", verb->name, (int)strcspn(verb->name, " "), verb->name,
            strchr(verb->name, ' ') != NULL ? "-" : "",
            strchr(verb->name, ' ') != NULL ? strchr(verb->name, ' ') + 1 : "", verb->summary);
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) {
    fprintf(to, "\n## bestfit %s\n\n", verb->name);
    fprintf(to, "%c%s.\n\n", verb->summary[0] >= 'a' ? verb->summary[0] - 'a' + 'A' : verb->summary[0],
            verb->summary + 1);
    fprintf(to, "    bestfit %s %s\n", verb->name, verb->usage);
    if (verb->details != NULL) fprintf(to, "\n%s\n", verb->details);
    fprintf(to, "\nExample:\n\n    %s\n\n| option | meaning |\n|---|---|\n", verb->example);
    for (size_t k = 0; (option = cli_verb_option(verb, k)) != NULL; k++) {
      fputs("| ", to);
      if (option->letter) fprintf(to, "`-%c`, ", option->letter);
      fprintf(to, "`--%s%s%s` | ", option->name, option->metavar != NULL ? " " : "",
              option->metavar != NULL ? option->metavar : "");
      markdown_text(to, option->help);
      fputs(" |\n", to);
    }
  }
  fputs(
      "\n## Formats of data\n\n`.gz` and `.zst` are read as they are.\n\n| format | kinds | files | "
      "|\n|---|---|---|---|\n",
      to);
  const bf_dataset_format_info *format;
  for (size_t i = 0; (format = bf_dataset_format_at(i)) != NULL; i++)
    fprintf(to, "| `%s` | %s | %s | %s |\n", format->name, format->kinds, format->extensions, format->summary);
  fputs("\n## Exit codes\n\n| code | name | with `--json` |\n|---|---|---|\n", to);
  for (bf_status s = BF_OK; s <= BF_ERR_INTERNAL; s++)
    fprintf(to, "| %d | %s | %s%s%s |\n", bf_status_exit_code(s), s == BF_OK ? "success" : bf_status_name(s),
            s == BF_OK ? "" : "`{\"error\":{\"code\":\"", s == BF_OK ? "" : bf_status_name(s),
            s == BF_OK ? "" : "\",\"message\":…,\"position\":…}}`");
  fputs(
      "\nData go to standard output and words to standard error. Colours appear only on a terminal and not with "
      "`NO_COLOR` "
      "set;\nprogress appears only on a terminal or with `--progress`.\n",
      to);
}

int cmd_help(cli *c) {
  if (cli_flag(c, "markdown")) {
    cli_print_markdown(stdout);
    return 0;
  }
  bool man = cli_flag(c, "man");
  if (c->n_arguments == 0) {
    if (man)
      cli_print_manual(stdout);
    else
      cli_print_help(stdout);
    return 0;
  }
  int n_taken = 0;
  const cli_verb *verb = cli_verb_find_words(c->n_arguments, c->arguments, &n_taken);
  if (verb == NULL || n_taken < c->n_arguments) {
    bf_error err = {.position = -1};
    (void)cli_error(&err, BF_ERR_INVALID_ARGUMENT, "'%s%s%s' is not a command of bestfit; `bestfit --help` lists them",
                    c->arguments[0], c->n_arguments > 1 ? " " : "", c->n_arguments > 1 ? c->arguments[1] : "");
    return cli_fail(c, &err);
  }
  if (man)
    cli_print_manual_verb(stdout, verb);
  else if (verb->run == cmd_bench)
    cli_print_bench_help(stdout);
  else
    cli_print_verb_help(stdout, verb);
  return 0;
}

int cmd_version(cli *c) {
  if (c->json) {
    json_t *value = json_object();
    json_object_set_new(value, "bestfit_version", cli_json_text(bf_version()));
    return cli_print_json(c, value);
  }
  printf("bestfit %s\n", bf_version());
  return 0;
}
