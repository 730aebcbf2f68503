/* Manual pages in the man macros, from the same tables as the help: bestfit(1), and bestfit-VERB(1) for each verb. */
#include <string.h>

#include "cli.h"

/* Text that troff must take as it stands. */
static void print_text(FILE *to, const char *text) {
  bool start = true;
  for (; *text != '\0'; text++) {
    if (start && (*text == '.' || *text == '\'')) fputs("\\&", to);
    start = *text == '\n';
    if (*text == '\\')
      fputs("\\e", to);
    else if (*text == '-')
      fputs("\\-", to);
    else if (*text == '`' || *text == '\'')
      fputs(*text == '`' ? "\\(ga" : "\\(aq", to);
    else if (*text == '^' || *text == '~')
      fputs(*text == '^' ? "\\(ha" : "\\(ti", to);
    else
      fputc(*text, to);
  }
}

static void print_title(FILE *to, const char *verb) {
  char upper[64] = "";
  for (size_t i = 0; verb != NULL && verb[i] != '\0' && i + 1 < sizeof upper; i++)
    upper[i] = (char)(verb[i] >= 'a' && verb[i] <= 'z' ? verb[i] - 'a' + 'A' : verb[i] == ' ' ? '-' : verb[i]);
  fprintf(to, ".\\\" printed by `bestfit help --man%s%s`\n.TH BESTFIT%s%s 1 \"\" \"bestfit %s\" \"bestfit manual\"\n",
          verb ? " " : "", verb ? verb : "", verb ? "\\-" : "", upper, bf_version());
}

/* What a section says, one sentence a line as the macros want it. */
static void print_section(FILE *to, const char *heading, const char *text) {
  fprintf(to, ".SH %s\n", heading);
  print_text(to, text);
  fputc('\n', to);
}

static void print_example(FILE *to, const char *text) {
  fputs(".nf\n.RS 4\n", to);
  print_text(to, text);
  fputs("\n.RE\n.fi\n", to);
}

static void print_option(FILE *to, const cli_option *option) {
  fputs(".TP\n", to);
  if (option->letter) fprintf(to, "\\fB\\-%c\\fR, ", option->letter);
  fputs("\\fB\\-\\-", to);
  print_text(to, option->name);
  fputs("\\fR", to);
  if (option->metavar != NULL) {
    fputs(" \\fI", to);
    print_text(to, option->metavar);
    fputs("\\fR", to);
  }
  fputc('\n', to);
  print_text(to, option->help);
  fputc('\n', to);
}

static void print_statuses(FILE *to) {
  fputs(".SH EXIT STATUS\n", to);
  for (bf_status s = BF_OK; s <= BF_ERR_INTERNAL; s++) {
    fprintf(to, ".TP\n.B %d\n", bf_status_exit_code(s));
    print_text(to, s == BF_OK ? "success" : bf_status_name(s));
    fputc('\n', to);
  }
}

/* The name of a page has a hyphen where a verb has a blank. */
static void print_page_name(FILE *to, const char *verb) {
  for (; *verb != '\0'; verb++) fputs(*verb == ' ' ? "\\-" : (char[]){*verb, '\0'}, to);
}

static void print_see_also(FILE *to, const cli_verb *self) {
  const cli_verb *verb;
  fputs(".SH SEE ALSO\n", to);
  if (self != NULL) fputs(".BR bestfit (1)", to);
  bool first = self == NULL;
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) {
    if (verb == self || (self != NULL && strcmp(verb->group, self->group) != 0)) continue;
    if (first)
      fputs("", to);
    else
      fputs(",\n", to);
    fputs(".BR bestfit\\-", to);
    print_page_name(to, verb->name);
    fputs(" (1)", to);
    first = false;
  }
  fputc('\n', to);
}

void cli_print_manual_verb(FILE *to, const cli_verb *verb) {
  const cli_option *option;
  print_title(to, verb->name);
  fputs(".SH NAME\nbestfit\\-", to);
  print_page_name(to, verb->name);
  fputs(" \\- ", to);
  print_text(to, verb->summary);
  fprintf(to, "\n.SH SYNOPSIS\n.B bestfit %s\n", verb->name);
  print_text(to, verb->usage);
  fputc('\n', to);
  fputs(".SH DESCRIPTION\n", to);
  print_text(to, verb->details != NULL ? verb->details : verb->summary);
  fputs("\n.SH OPTIONS\n", to);
  for (size_t i = 0; (option = cli_verb_option(verb, i)) != NULL; i++) print_option(to, option);
  if (verb->uses & CLI_USES_DATASET) {
    const bf_dataset_format_info *format;
    fputs(".SH FORMATS\n", to);
    for (size_t i = 0; (format = bf_dataset_format_at(i)) != NULL; i++) {
      fputs(".TP\n.B ", to);
      print_text(to, format->name);
      fputc('\n', to);
      print_text(to, format->summary);
      fputs(" (", to);
      print_text(to, format->kinds);
      fputs(")\n", to);
    }
  }
  fputs(".SH EXAMPLES\n", to);
  print_example(to, verb->example);
  print_see_also(to, verb);
}

void cli_print_manual(FILE *to) {
  const cli_verb *verb;
  print_title(to, NULL);
  fputs(
      ".SH NAME\nbestfit \\- search a repository of DNN models with unlabelled data\n"
      ".SH SYNOPSIS\n.B bestfit\n.I COMMAND\n[arguments] [options]\n.SH DESCRIPTION\n",
      to);
  print_text(to,
             "bestfit keeps models with their cards and sketches of their training data, and ranks them for data that "
             "nobody has\n"
             "labelled, with reasons.");
  fputs("\n.SH COMMANDS\n", to);
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) {
    if (i == 0 || strcmp(cli_verb_at(i - 1)->group, verb->group) != 0) {
      fputs(".SS ", to);
      print_text(to, verb->group);
      fputc('\n', to);
    }
    fprintf(to, ".TP\n.B %s\n", verb->name);
    print_text(to, verb->summary);
    fputc('\n', to);
  }
  fputs(
      ".SH ENVIRONMENT\n"
      ".TP\n.B BESTFIT_REPO\nthe repository where no \\-\\-repo is given\n"
      ".TP\n.B XDG_DATA_HOME\nthe repository is bestfit in this folder where neither is given (default: "
      "\\(ti/.local/share)\n"
      ".TP\n.B BESTFIT_DATA\nwhere\n.B bestfit bench\nfinds datasets\n"
      ".TP\n.B BESTFIT_FETCH_BASE\na mirror that\n.B bestfit bench fetch\ndownloads from\n"
      ".TP\n.B XDG_CACHE_HOME\nwhere\n.B bestfit bench fetch\nputs datasets, in bestfit/datasets (default: "
      "\\(ti/.cache)\n"
      ".TP\n.BR VISUAL \", \" EDITOR\nwhat\n.B bestfit edit\nopens a card with\n"
      ".TP\n.B USER\nwho the audit log names\n"
      ".TP\n.B NO_COLOR\nno colours where it is set\n",
      to);
  print_statuses(to);
  fputs(".SH EXAMPLES\n", to);
  print_example(to,
                "bestfit add model.onnx --data training.csv --name me/model\n"
                "bestfit search unlabelled.csv --report why.html");
  print_section(to, "NOTES", "Every command takes --json. Data go to standard output and words to standard error.");
  print_see_also(to, NULL);
}
