/* bestfit: the command line.
 *
 * main finds the verb in the table, lets options.c read the rest, runs the verb and answers with its exit code. Data go
 * to standard output and words to standard error. Standard output is flushed and checked at the end, because a full
 * disk shows only then: a list that was cut short must not end in success. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "cli.h"

static const char *verb_name_at(const void *context, size_t i) {
  (void)context;
  const cli_verb *verb = cli_verb_at(i);
  return verb != NULL ? verb->name : NULL;
}

/* --json counts for errors too, even for those that come before the options are read. */
static bool wants_json(int argc, char **argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--json") == 0) return true;
  return false;
}

static int finish_output(const cli *c, int code) {
  errno = 0;
  int failed = fflush(stdout) != 0;
  if (!failed && !ferror(stdout)) return code;
  bf_error err = {.code = BF_ERR_IO, .position = -1};
  (void)cli_error_errno(&err, "cannot write to standard output");
  return cli_fail(c, &err);
}

static int run(cli *c, int argc, char **argv) {
  bf_error err = {.position = -1};
  if (argc < 2) {
    cli_print_help(stderr);
    return 2;
  }
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) name = "version";
  int n_words = 1;
  const char *words[2] = {name, argc > 2 ? argv[2] : ""};
  c->verb = cli_verb_find_words(argc > 2 ? 2 : 1, words, &n_words);
  if (c->verb == NULL) {
    const char *near = name[0] == '-' ? NULL : cli_nearest(name, verb_name_at, NULL);
    (void)cli_error(&err, BF_ERR_INVALID_ARGUMENT,
                    "'%s' is not a command of bestfit%s%s%s; `bestfit --help` lists them", name,
                    near != NULL ? " (did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?)" : "");
    return cli_fail(c, &err);
  }
  for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      if (c->verb->run == cmd_bench)
        cli_print_bench_help(stdout);
      else
        cli_print_verb_help(stdout, c->verb);
      return 0;
    }
  }
  if (!cli_parse(c, argc - 1 - n_words, argv + 1 + n_words, &err)) return cli_fail(c, &err);
  return c->verb->run(c);
}

int main(int argc, char **argv) {
  (void)setlocale(LC_CTYPE, ""); /* numbers stay in the C locale: our output is read by programs */
  /* `bestfit ls | head` ends quietly, also where the parent had SIGPIPE ignored */
  (void)signal(SIGPIPE, SIG_DFL);
  (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error to tell, not an end */
  cli c = {.json = wants_json(argc, argv), .warnings = json_array()};
  int code = finish_output(&c, run(&c, argc, argv));
  cli_deinit(&c);
  return code;
}
