/* bestfit completion: scripts for bash, zsh and fish, printed from the tables of verbs, strategies, formats and kinds,
 * so that they know what the program knows. Names of models are asked for when needed, through the hidden verb
 * __complete, which answers in a few milliseconds, never writes and is silent where there is no repository. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* What a value or an argument is completed with. */
typedef enum completes { WITH_NOTHING, WITH_FILES, WITH_MODELS, WITH_FILES_AND_MODELS, WITH_WORDS } completes;

static completes of_option(const cli_option *option) {
  static const char *const files[] = {"FILE", "DIR", "DATA", "MODEL"};
  static const char *const words[] = {"strategy", "measure", "format", "kind", "task"};
  if (option->value == CLI_FLAG) return WITH_NOTHING;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(option->name, words[i]) == 0) return WITH_WORDS;
  for (size_t i = 0; i < 3; i++)
    if (strcmp(option->metavar, files[i]) == 0) return WITH_FILES;
  return strcmp(option->metavar, files[3]) == 0 ? WITH_MODELS : WITH_NOTHING;
}

static completes of_arguments(const cli_verb *verb) {
  if (verb->max_arguments == 0) return WITH_NOTHING;
  if (strstr(verb->usage, "COMMAND") != NULL || strstr(verb->usage, "SHELL") != NULL) return WITH_WORDS;
  bool models = strstr(verb->usage, "NAME") != NULL || strstr(verb->usage, "SOURCE") != NULL ||
                strstr(verb->usage, "PATTERN") != NULL;
  bool files = strstr(verb->usage, "DATA") != NULL || strstr(verb->usage, "SKETCH") != NULL ||
               strstr(verb->usage, "SOURCE") != NULL || strstr(verb->usage, "FILE") != NULL ||
               strstr(verb->usage, ".onnx") != NULL;
  return models && files ? WITH_FILES_AND_MODELS : models ? WITH_MODELS : files ? WITH_FILES : WITH_NOTHING;
}

/* Length of a verb's first word; *is_again where the verb before begins with the same. */
static int first_word(size_t i, bool *is_again) {
  const cli_verb *verb = cli_verb_at(i), *before = i > 0 ? cli_verb_at(i - 1) : NULL;
  size_t n = strcspn(verb->name, " ");
  *is_again = before != NULL && strcspn(before->name, " ") == n && strncmp(before->name, verb->name, n) == 0;
  return (int)n;
}

static void print_verbs(FILE *to) {
  const cli_verb *verb;
  bool is_again = false;
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) {
    int n = first_word(i, &is_again);
    if (!is_again) fprintf(to, "%s%.*s", i > 0 ? " " : "", n, verb->name);
  }
}

/* As a shell's pattern: a blank inside is no end of it. */
static void print_pattern(FILE *to, const char *name) {
  for (; *name != '\0'; name++) fprintf(to, "%s%c", *name == ' ' ? "\\" : "", *name);
}

/* The words of an option (or, with option NULL, of a verb's arguments), with blanks between. */
static void print_words(FILE *to, const cli_verb *verb, const cli_option *option) {
  const bf_strategy_info *strategy;
  const bf_dataset_format_info *format;
  const char *sep = "";
  if (option == NULL && strstr(verb->usage, "SHELL") != NULL) {
    fputs("bash zsh fish", to);
  } else if (option == NULL) {
    print_verbs(to);
  } else if (strcmp(option->name, "strategy") == 0 || strcmp(option->name, "measure") == 0) {
    for (size_t i = 0; (strategy = bf_strategy_at(i)) != NULL; i++, sep = " ") fprintf(to, "%s%s", sep, strategy->name);
  } else if (strcmp(option->name, "format") == 0) {
    for (size_t i = 0; (format = bf_dataset_format_at(i)) != NULL; i++, sep = " ")
      fprintf(to, "%s%s", sep, format->name);
  } else if (strcmp(option->name, "kind") == 0) {
    for (int kind = 0; kind < 64; kind++) {
      bf_kind found;
      const char *name = bf_kind_name((bf_kind)kind);
      if (name == NULL || bf_kind_find(name, &found, NULL) != BF_OK || (int)found != kind) continue;
      fprintf(to, "%s%s", sep, name);
      sep = " ";
    }
  } else {
    fputs("classification tagging regression detection", to);
  }
}

static void print_options(FILE *to, const cli_verb *verb) {
  const cli_option *option;
  for (size_t i = 0; (option = cli_verb_option(verb, i)) != NULL; i++)
    fprintf(to, "%s--%s", i > 0 ? " " : "", option->name);
}

/* ---- bash and zsh: a case for each verb, and for each option that takes a value ---- */

typedef struct dialect {
  const char *words_before, *words_after, *files, *models, *both, *nothing;
} dialect;

static void print_action(FILE *to, const dialect *d, completes with, const cli_verb *verb, const cli_option *option) {
  if (with == WITH_WORDS) {
    fputs(d->words_before, to);
    print_words(to, verb, option);
    fputs(d->words_after, to);
  } else {
    fputs(with == WITH_FILES              ? d->files
          : with == WITH_MODELS           ? d->models
          : with == WITH_FILES_AND_MODELS ? d->both
                                          : d->nothing,
          to);
  }
}

static void print_cases(FILE *to, const dialect *d) {
  const cli_verb *verb;
  const cli_option *option;
  fputs("  case \"$verb:$prev\" in\n", to);
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) {
    for (size_t k = 0; (option = cli_verb_option(verb, k)) != NULL; k++) {
      if (option->value == CLI_FLAG) continue;
      fputs("    ", to);
      print_pattern(to, verb->name);
      fprintf(to, ":--%s", option->name);
      if (option->letter) {
        fputc('|', to);
        print_pattern(to, verb->name);
        fprintf(to, ":-%c", option->letter);
      }
      fputs(") ", to);
      print_action(to, d, of_option(option), verb, option);
      fputs("; return ;;\n", to);
    }
  }
  fputs("  esac\n  case \"$verb\" in\n", to);
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) {
    fputs("    ", to);
    print_pattern(to, verb->name);
    fprintf(to, ")\n      if [[ $cur == -* ]]; then %s", d->words_before);
    print_options(to, verb);
    fprintf(to, "%s\n      else ", d->words_after);
    print_action(to, d, of_arguments(verb), verb, NULL);
    fputs("; fi ;;\n", to);
  }
  fprintf(to, "    bench) %s", d->words_before);
  for (size_t i = 0; (verb = cli_bench_verb_at(i)) != NULL; i++)
    fprintf(to, "%s%s", i > 0 ? " " : "", strchr(verb->name, ' ') + 1);
  fprintf(to, "%s ;;\n    \"\") %s", d->words_after, d->words_before);
  print_verbs(to);
  fprintf(to, "%s ;;\n  esac\n", d->words_after);
}

static void print_bash(FILE *to) {
  static const dialect bash = {.words_before = "COMPREPLY=($(compgen -W '",
                               .words_after = "' -- \"$cur\"))",
                               .files = "_bestfit_files",
                               .models = "_bestfit_models",
                               .both = "_bestfit_models; _bestfit_files",
                               .nothing = "COMPREPLY=()"};
  fputs(
      "# bash completion for bestfit, printed by `bestfit completion bash`\n"
      "_bestfit_models() { COMPREPLY+=($(bestfit __complete models \"$cur\" ${repo:+--repo \"$repo\"} 2>/dev/null)); "
      "}\n"
      "_bestfit_files() { local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- \"$cur\")); "
      "}\n"
      "_bestfit() {\n"
      "  local cur prev verb=\"\" repo=\"\" i mark before\n"
      "  local -a typed\n"
      "  # words as they were typed: bash itself also cuts at @ and =\n"
      "  read -ra typed <<<\"${COMP_LINE:0:COMP_POINT}\"\n"
      "  [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && typed+=(\"\")\n"
      "  cur=${typed[${#typed[@]}-1]}\n"
      "  prev=\"\"; ((${#typed[@]} > 1)) && prev=${typed[${#typed[@]}-2]}\n"
      "  ((${#typed[@]} > 2)) && verb=${typed[1]}\n"
      "  [[ $verb == bench ]] && ((${#typed[@]} > 3)) && verb=\"bench ${typed[2]}\"\n"
      "  for ((i = 2; i < ${#typed[@]} - 1; i++)); do\n"
      "    case ${typed[i]} in -r|--repo) repo=${typed[i+1]} ;; --repo=*) repo=${typed[i]#--repo=} ;; esac\n"
      "  done\n"
      "  local whole=$cur\n"
      "  if [[ $cur == --*=* ]]; then prev=${cur%%=*} cur=${cur#*=}; fi\n"
      "  COMPREPLY=()\n"
      "  _bestfit_choose\n"
      "  # what bash has cut off before is not to be repeated\n"
      "  for mark in = @ :; do\n"
      "    if [[ $COMP_WORDBREAKS == *$mark* && $cur == *$mark* ]]; then\n"
      "      before=${cur%\"${cur##*$mark}\"}\n"
      "      COMPREPLY=(\"${COMPREPLY[@]#\"$before\"}\")\n"
      "    fi\n"
      "  done\n"
      "  [[ $whole == --*=* && $COMP_WORDBREAKS != *=* ]] && COMPREPLY=(\"${COMPREPLY[@]/#/$prev=}\")\n"
      "  return 0\n"
      "}\n"
      "_bestfit_choose() {\n",
      to);
  print_cases(to, &bash);
  fputs("}\ncomplete -F _bestfit bestfit\n", to);
}

static void print_zsh(FILE *to) {
  static const dialect zsh = {.words_before = "compadd -- ${=:-'",
                              .words_after = "'}",
                              .files = "_files",
                              .models = "_bestfit_models",
                              .both = "{ _bestfit_models; _files }",
                              .nothing = ":"};
  fputs(
      "#compdef bestfit\n# zsh completion for bestfit, printed by `bestfit completion zsh`\n"
      "_bestfit_models() {\n"
      "  local -a names\n"
      "  names=(${(f)\"$(bestfit __complete models \"$cur\" ${repo:+--repo} ${repo:+\"$repo\"} 2>/dev/null)\"})\n"
      "  compadd -- $names\n"
      "}\n"
      "_bestfit() {\n"
      "  local cur=${words[CURRENT]} prev=${words[CURRENT-1]} verb=\"\" repo=\"\" i\n"
      "  (( CURRENT > 2 )) && verb=${words[2]}\n"
      "  [[ $verb == bench ]] && (( CURRENT > 3 )) && verb=\"bench ${words[3]}\"\n"
      "  for (( i = 3; i < CURRENT - 1; i++ )); do\n"
      "    case ${words[i]} in -r|--repo) repo=${words[i+1]} ;; --repo=*) repo=${words[i]#--repo=} ;; esac\n"
      "  done\n"
      "  if [[ $cur == --*=* ]]; then prev=${cur%%=*}; cur=${cur#*=}; compset -P '*='; fi\n",
      to);
  print_cases(to, &zsh);
  fputs(
      "}\n"
      "if [ \"$funcstack[1]\" = _bestfit ]; then _bestfit \"$@\"; else compdef _bestfit bestfit; fi\n",
      to);
}

/* ---- fish: a line for each verb and option ---- */

/* Within single quotes of fish. */
static void print_quoted(FILE *to, const char *text) {
  fputc('\'', to);
  for (; *text != '\0'; text++) {
    if (*text == '\'' || *text == '\\') fputc('\\', to);
    fputc(*text, to);
  }
  fputc('\'', to);
}

/* The condition that the verb was typed: each of its words. */
static void print_fish_seen(FILE *to, const char *name) {
  fputs("complete -c bestfit -n '__fish_seen_subcommand_from ", to);
  for (; *name != '\0'; name++) {
    if (*name == ' ')
      fputs("; and __fish_seen_subcommand_from ", to);
    else
      fputc(*name, to);
  }
  fputc('\'', to);
}

static void print_fish_option(FILE *to, const cli_verb *verb, const cli_option *option) {
  completes with = of_option(option);
  print_fish_seen(to, verb->name);
  fprintf(to, " -l %s", option->name);
  if (option->letter) fprintf(to, " -s %c", option->letter);
  if (option->value != CLI_FLAG) fputs(with == WITH_FILES ? " -r -F" : " -x", to);
  if (with == WITH_MODELS) fputs(" -a '(__bestfit_models)'", to);
  if (with == WITH_WORDS) {
    fputs(" -a '", to);
    print_words(to, verb, option);
    fputc('\'', to);
  }
  fputs(" -d ", to);
  print_quoted(to, option->help);
  fputc('\n', to);
}

static void print_fish_arguments(FILE *to, const cli_verb *verb) {
  completes with = of_arguments(verb);
  if (with == WITH_MODELS || with == WITH_FILES_AND_MODELS) {
    print_fish_seen(to, verb->name);
    fputs(" -a '(__bestfit_models)'\n", to);
  }
  if (with == WITH_FILES || with == WITH_FILES_AND_MODELS) {
    print_fish_seen(to, verb->name);
    fputs(" -F\n", to);
  }
  if (with == WITH_WORDS) {
    print_fish_seen(to, verb->name);
    fputs(" -a '", to);
    print_words(to, verb, NULL);
    fputs("'\n", to);
  }
}

static void print_fish_verb(FILE *to, size_t i) {
  const cli_verb *verb = cli_verb_at(i);
  const char *blank = strchr(verb->name, ' ');
  bool is_again = false;
  int n = first_word(i, &is_again);
  if (!is_again) {
    fprintf(to, "complete -c bestfit -n __fish_use_subcommand -a %.*s -d ", n, verb->name);
    print_quoted(to, blank != NULL ? verb->group : verb->summary);
    fputc('\n', to);
  }
  if (blank == NULL) return;
  fprintf(to, "complete -c bestfit -n '__fish_seen_subcommand_from %.*s' -a %s -d ", n, verb->name, blank + 1);
  print_quoted(to, verb->summary);
  fputc('\n', to);
}

static void print_fish(FILE *to) {
  const cli_verb *verb;
  const cli_option *option;
  fputs(
      "# fish completion for bestfit, printed by `bestfit completion fish`\n"
      "function __bestfit_models\n"
      "  bestfit __complete models (commandline -ct) 2>/dev/null\n"
      "end\n"
      "complete -c bestfit -f\n",
      to);
  for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) {
    print_fish_verb(to, i);
    print_fish_arguments(to, verb);
    for (size_t k = 0; (option = cli_verb_option(verb, k)) != NULL; k++) print_fish_option(to, verb, option);
  }
}

int cmd_completion(cli *c) {
  const char *shell = c->arguments[0];
  bf_error err = {.position = -1};
  if (strcmp(shell, "bash") == 0) {
    print_bash(stdout);
  } else if (strcmp(shell, "zsh") == 0) {
    print_zsh(stdout);
  } else if (strcmp(shell, "fish") == 0) {
    print_fish(stdout);
  } else {
    (void)cli_error(&err, BF_ERR_INVALID_ARGUMENT, "no completion for '%.60s': there are bash, zsh and fish", shell);
    return cli_fail(c, &err);
  }
  return 0;
}

/* ---- the hidden verb ---- */

/* Names that begin so; after an @ the versions and aliases of the model. */
static void print_models(bf_store *store, const char *prefix) {
  bf_store_list *list = NULL;
  bf_store_query query = BF_STORE_QUERY_INIT;
  const char *at = strchr(prefix, '@');
  char filter[260] = "", name[256] = "";
  if (strlen(prefix) > 200 || strchr(prefix, '\'') != NULL) return; /* begins no name */
  snprintf(filter, sizeof filter, "name like '%s%%'", prefix);
  snprintf(name, sizeof name, "%.*s", (int)strcspn(prefix, "@"), prefix);
  if (prefix[0] != '\0') query.filter = filter; /* what else "_" lets through is sorted out below */
  bf_status status = at != NULL ? bf_store_find(store, name, &list, NULL) : bf_store_select(store, &query, &list, NULL);
  for (size_t i = 0; status == BF_OK && i < bf_store_list_count(list); i++) {
    const bf_store_model *model = bf_store_list_at(list, i);
    char whole[300];
    if (at == NULL) {
      if (strncmp(model->name, prefix, strlen(prefix)) == 0) printf("%s\n", model->name);
      continue;
    }
    snprintf(whole, sizeof whole, "%s@%u", model->name, model->version);
    if (strncmp(whole, prefix, strlen(prefix)) == 0) printf("%s\n", whole);
    char *aliases = strdup(model->aliases);
    for (char *rest = aliases, *alias; rest != NULL && (alias = strtok_r(rest, ",", &rest)) != NULL;) {
      snprintf(whole, sizeof whole, "%s@%s", model->name, alias);
      if (strncmp(whole, prefix, strlen(prefix)) == 0) printf("%s\n", whole);
    }
    free(aliases);
  }
  bf_store_list_free(list);
}

int cmd_complete(cli *c) {
  bf_store_options options = BF_STORE_OPTIONS_INIT;
  bf_store *store = NULL;
  const cli_verb *verb;
  options.read_only = true;
  if (strcmp(c->arguments[0], "verbs") == 0)
    for (size_t i = 0; (verb = cli_verb_at(i)) != NULL; i++) printf("%s\n", verb->name);
  if (strcmp(c->arguments[0], "models") != 0) return 0;
  char *directory = cli_repository(c);
  if (directory != NULL && bf_store_open(directory, &options, &store, NULL) == BF_OK)
    print_models(store, c->n_arguments > 1 ? c->arguments[1] : "");
  bf_store_close(store);
  free(directory);
  return 0;
}
