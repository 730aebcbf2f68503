/* The conversation of `bestfit label`: a row is shown, a class is typed, everything is written down at once. What is no
 * class is asked again; the end of the input ends it like `q`. */
#include <stdlib.h>
#include <string.h>

#include "cmd_label.h"

#define PLACES_SHOWN 3u
#define CLASSES_SHOWN 12u
#define MAX_BATCH 5u

typedef enum reply { REPLY_CLASS, REPLY_SKIP, REPLY_QUIT } reply;

/* Whether a class may be typed by its number: not where classes are themselves called by numbers. */
static bool has_numbers(const bf_labelling *l) {
  for (size_t i = 0; i < bf_labelling_class_count(l); i++) {
    const char *name = bf_labelling_class(l, i);
    if (name[0] != '\0' && strspn(name, "0123456789") == strlen(name)) return false;
  }
  return true;
}

static void print_class(const bf_labelling *l, size_t i) {
  char *name = cli_clean(bf_labelling_class(l, i));
  if (has_numbers(l)) printf("%zu ", i + 1);
  printf("%s", name != NULL ? name : "");
  free(name);
}

static void print_classes(const bf_labelling *l) {
  for (size_t i = 0; i < bf_labelling_class_count(l); i++) {
    printf("  ");
    print_class(l, i);
    printf("\n");
  }
}

/* "[1 cat, 2 dog; ? s q]" */
static void print_prompt(const bf_labelling *l) {
  size_t n = bf_labelling_class_count(l);
  printf("class [");
  for (size_t i = 0; i < n && i < CLASSES_SHOWN; i++) {
    if (i > 0) printf(", ");
    print_class(l, i);
  }
  printf("%s; ? lists, s skips, q ends]: ", n > CLASSES_SHOWN ? ", …" : "");
  (void)fflush(stdout);
}

static char *trim(char *text) {
  while (*text == ' ' || *text == '\t') text++;
  size_t n = strlen(text);
  while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL) n--;
  text[n] = '\0';
  return text;
}

static bool find_class(const bf_labelling *l, const char *text, size_t *out) {
  char *end = NULL;
  if (bf_labelling_class_find(l, text, out, NULL) == BF_OK) return true;
  if (!has_numbers(l) || text[0] < '0' || text[0] > '9') return false;
  unsigned long long number = strtoull(text, &end, 10);
  *out = (size_t)number - 1;
  return *end == '\0' && number >= 1 && number <= bf_labelling_class_count(l);
}

/* Asks until there is an answer. */
static reply ask(const bf_labelling *l, size_t *class_number) {
  char *line = NULL;
  size_t room = 0;
  reply got = REPLY_QUIT;
  for (;;) {
    print_prompt(l);
    ssize_t length = getline(&line, &room, stdin);
    if (length < 0) {
      printf("\n");
      break;
    }
    if (memchr(line, '\0', (size_t)length) != NULL) line[0] = '\0'; /* no class holds one */
    char *text = trim(line);
    if (find_class(l, text, class_number)) {
      got = REPLY_CLASS;
      break;
    }
    if (strcmp(text, "s") == 0 || strcmp(text, "q") == 0) {
      got = text[0] == 's' ? REPLY_SKIP : REPLY_QUIT;
      break;
    }
    if (strcmp(text, "?") == 0) {
      print_classes(l);
    } else if (text[0] != '\0') {
      char *clean = cli_clean(text);
      printf("'%.60s' is none of the classes; ? lists them\n", clean != NULL ? clean : "");
      free(clean);
    }
  }
  free(line);
  return got;
}

static void print_item(const label_job *job, size_t item) {
  char name[64], *content = label_content(&job->items, item);
  label_name(&job->items, item, name);
  printf("\n%s\n", name);
  for (char *rest = content, *line; rest != NULL && (line = strsep(&rest, "\n")) != NULL;)
    if (line[0] != '\0') cli_print_wrapped(stdout, 2, line);
  free(content);
}

/* One row: the file first, so that what was typed is there whatever comes after. */
static bf_status take(label_job *job, size_t item, reply got, size_t class_number, bf_error *err) {
  const char *label = got == REPLY_CLASS ? bf_labelling_class(job->labelling, class_number) : "";
  bf_status status =
      cli_answers_append(&job->answers, label_row(&job->items, item), job->items.tokens[item], label, err);
  if (status != BF_OK) return status;
  if (got == REPLY_CLASS) return bf_labelling_answer(job->labelling, item, class_number, err);
  job->skipped[item] = true;
  return bf_labelling_skip(job->labelling, item, err);
}

bf_status label_session(label_job *job, bf_error *err) {
  uint32_t budget = cli_whole(job->c, "budget", 0);
  bf_status status = BF_OK;
  size_t rows[MAX_BATCH];
  label_print_state(job, PLACES_SHOWN);
  for (bool ended = false; !ended && status == BF_OK;) {
    const bf_labelling_state *state = bf_labelling_look(job->labelling);
    size_t n_answers = state->n_answers, n = bf_labelling_batch(job->labelling);
    if (budget > 0 && n_answers >= budget) {
      printf("\nthe budget of %u answers is used up\n", budget);
      break;
    }
    if (state->settled || state->exhausted) break;
    if (budget > 0 && n > budget - n_answers) n = budget - n_answers;
    n = bf_labelling_next(job->labelling, n, rows);
    status = label_write_report(job, rows, n, err); /* before asking: thumbnails help to answer */
    for (size_t i = 0; i < n && !ended && status == BF_OK; i++) {
      size_t class_number = 0;
      print_item(job, rows[i]);
      reply got = ask(job->labelling, &class_number);
      ended = got == REPLY_QUIT;
      if (!ended) status = take(job, rows[i], got, class_number, err);
    }
    if (status == BF_OK && bf_labelling_look(job->labelling)->n_answers > n_answers)
      label_print_state(job, PLACES_SHOWN);
  }
  return status;
}
