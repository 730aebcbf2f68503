/* Reading options: --name value, --name=value, -o value, flags, `--`. Each is looked up in the verb's own table and in
 * the shared ones; numbers are checked here, so that a verb reads only what is valid. An unknown option is answered
 * with the nearest known one (Levenshtein distance, at most 2, or 3 for long names). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static size_t edit_distance(const char *a, const char *b) {
  size_t row[64], n = strlen(a), m = strlen(b);
  if (n >= 64 || m >= 64) return 64;
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t best = diagonal + (a[i - 1] != b[j - 1]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[m];
}

const char *cli_nearest(const char *given, const char *(*word_at)(const void *context, size_t i), const void *context) {
  const char *nearest = NULL, *word;
  size_t least = strlen(given) > 7 ? 4 : strlen(given) > 3 ? 3 : 2;
  for (size_t i = 0; (word = word_at(context, i)) != NULL; i++) {
    size_t distance = edit_distance(given, word);
    /* a beginning of a word is near, however much is missing */
    if (distance >= least && strlen(given) >= 3 && strncmp(word, given, strlen(given)) == 0) distance = 1;
    if (distance < least) least = distance, nearest = word;
  }
  return nearest;
}

static const char *option_name_at(const void *context, size_t i) {
  const cli_option *option = cli_verb_option(context, i);
  return option != NULL ? option->name : NULL;
}

static const cli_option *find_option(const cli_verb *verb, const char *name, size_t length) {
  const cli_option *option;
  for (size_t i = 0; (option = cli_verb_option(verb, i)) != NULL; i++)
    if (strlen(option->name) == length && memcmp(option->name, name, length) == 0) return option;
  return NULL;
}

static const cli_option *find_letter(const cli_verb *verb, char letter) {
  const cli_option *option;
  for (size_t i = 0; (option = cli_verb_option(verb, i)) != NULL; i++)
    if (option->letter == letter) return option;
  return NULL;
}

static bool check_number(const cli_option *option, const char *text, bf_error *err) {
  char *end = NULL;
  errno = 0;
  bool wide = option->value == CLI_WIDE || option->value == CLI_WIDE_ABOVE_0;
  bool above_0 = option->value >= CLI_WHOLE_ABOVE_0;
  if (option->value == CLI_REAL || option->value == CLI_REAL_ABOVE_0) {
    double value = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(value) && (value > 0 || !above_0)) return true;
    (void)cli_error(err, BF_ERR_INVALID_ARGUMENT, "--%s wants a number%s, not '%s'", option->name,
                    above_0 ? " above 0" : "", text);
    return false;
  }
  unsigned long long value = strtoull(text, &end, 10);
  bool digits = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
  if (digits && (wide || value <= UINT32_MAX) && (value > 0 || !above_0)) return true;
  (void)cli_error(err, BF_ERR_INVALID_ARGUMENT, "--%s wants a whole number%s%s, not '%s'", option->name,
                  above_0 ? " from 1" : "", wide ? "" : " up to 4294967295", text);
  return false;
}

static bool keep(cli *c, const cli_option *option, const char *text, bf_error *err) {
  if (text != NULL && option->value >= CLI_WHOLE && !check_number(option, text, err)) return false;
  c->settings[c->n_settings++] = (cli_setting){.option = option, .text = text};
  return true;
}

/* One option at argv[*i]; *i moves on where the value stands in the next argument. */
static bool parse_option(cli *c, int argc, char **argv, int *i, bf_error *err) {
  const char *word = argv[*i], *value = NULL;
  const cli_option *option;
  if (word[1] == '-') {
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    option = find_option(c->verb, name, length);
    value = equals != NULL ? equals + 1 : NULL;
    if (option == NULL) {
      char given[64] = "";
      snprintf(given, sizeof given, "%.*s", (int)(length < 63 ? length : 63), name);
      const char *near = cli_nearest(given, option_name_at, c->verb);
      (void)cli_error(err, BF_ERR_INVALID_ARGUMENT,
                      "`bestfit %s` has no option --%s%s%s%s; `bestfit help %s` lists them", c->verb->name, given,
                      near != NULL ? " (did you mean --" : "", near != NULL ? near : "", near != NULL ? "?)" : "",
                      c->verb->name);
      return false;
    }
  } else {
    option = find_letter(c->verb, word[1]);
    value = word[2] != '\0' ? word + 2 : NULL;
    if (option == NULL) {
      (void)cli_error(err, BF_ERR_INVALID_ARGUMENT, "`bestfit %s` has no option -%c; `bestfit help %s` lists them",
                      c->verb->name, word[1], c->verb->name);
      return false;
    }
  }
  if (option->value == CLI_FLAG) {
    if (value == NULL) return keep(c, option, NULL, err);
    (void)cli_error(err, BF_ERR_INVALID_ARGUMENT, "--%s takes no value", option->name);
    return false;
  }
  if (value == NULL && *i + 1 < argc) value = argv[++*i];
  if (value != NULL) return keep(c, option, value, err);
  (void)cli_error(err, BF_ERR_INVALID_ARGUMENT, "--%s wants a value: --%s %s", option->name, option->name,
                  option->metavar);
  return false;
}

bool cli_parse(cli *c, int argc, char **argv, bf_error *err) {
  c->settings = calloc((size_t)argc + 1, sizeof *c->settings);
  c->arguments = calloc((size_t)argc + 1, sizeof *c->arguments);
  if (c->settings == NULL || c->arguments == NULL) {
    (void)cli_error(err, BF_ERR_MEMORY, "out of memory");
    return false;
  }
  bool only_arguments = false;
  for (int i = 0; i < argc; i++) {
    if (!only_arguments && strcmp(argv[i], "--") == 0) {
      only_arguments = true;
    } else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
      if (!parse_option(c, argc, argv, &i, err)) return false;
    } else {
      c->arguments[c->n_arguments++] = argv[i];
    }
  }
  if (c->n_arguments < c->verb->min_arguments || c->n_arguments > c->verb->max_arguments) {
    (void)cli_error(err, BF_ERR_INVALID_ARGUMENT, "%s; usage: bestfit %s %s",
                    c->n_arguments < c->verb->min_arguments ? "an argument is missing" : "too many arguments",
                    c->verb->name, c->verb->usage);
    return false;
  }
  c->json = cli_flag(c, "json");
  c->quiet = cli_flag(c, "quiet");
  return true;
}

void cli_deinit(cli *c) {
  free(c->settings);
  free(c->arguments);
  json_decref(c->warnings);
}

static const cli_setting *find_setting(const cli *c, const char *name) {
  for (size_t i = c->n_settings; i-- > 0;)
    if (strcmp(c->settings[i].option->name, name) == 0) return &c->settings[i];
  return NULL;
}

bool cli_flag(const cli *c, const char *name) {
  return find_setting(c, name) != NULL;
}

const char *cli_text(const cli *c, const char *name) {
  const cli_setting *setting = find_setting(c, name);
  return setting != NULL ? setting->text : NULL;
}

size_t cli_list(const cli *c, const char *name, const char **out, size_t n_max) {
  size_t n = 0;
  for (size_t i = 0; i < c->n_settings; i++) {
    if (strcmp(c->settings[i].option->name, name) != 0) continue;
    if (n < n_max) out[n] = c->settings[i].text;
    n++;
  }
  return n;
}

double cli_real(const cli *c, const char *name, double otherwise) {
  const char *text = cli_text(c, name);
  return text != NULL ? strtod(text, NULL) : otherwise;
}

uint64_t cli_wide(const cli *c, const char *name, uint64_t otherwise) {
  const char *text = cli_text(c, name);
  return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

uint32_t cli_whole(const cli *c, const char *name, uint32_t otherwise) {
  return (uint32_t)cli_wide(c, name, otherwise);
}
