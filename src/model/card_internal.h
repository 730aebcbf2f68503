/* What card.c, card_text.c and card_write.c share. */
#ifndef BESTFIT_SRC_MODEL_CARD_INTERNAL_H
#define BESTFIT_SRC_MODEL_CARD_INTERNAL_H

#include <bestfit/card.h>

#include "base/parse.h"
#include "model/card_yaml.h"

#define BF__CARD_MAX_BYTES ((size_t)1 << 20)
#define BF__CARD_SUMMARY_BYTES 300

typedef struct bf__card_list {
  const char **items; /* borrowed from the tree */
  size_t n;
} bf__card_list;

struct bf_card {
  bf__yaml yaml;
  const char *name, *task, *domain, *input_kind; /* borrowed from the tree or constant */
  const char *output_kind, *output_name;
  char *license, *summary; /* owned */
  double source_accuracy;
  bf__card_list tags, columns, classes;
};

/* The parts of a card, by byte. */
typedef struct bf__card_parts {
  bool has_front_matter;
  bool crlf;             /* the first line ends so */
  size_t yaml, yaml_end; /* between the --- lines; yaml_end is where the closing one starts */
  size_t body;           /* after the closing line */
} bf__card_parts;
/* Checks size, UTF-8 and zeros, and finds the parts. BF_ERR_LIMIT, BF_ERR_FORMAT. No front matter is no error here. */
bf_status bf__card_split(const char *bytes, size_t n, bf__card_parts *out, bf_error *err);

/* Blanks and control characters folded into single blanks, at most BF__CARD_SUMMARY_BYTES, whole characters. You own
 * it; NULL: no memory. */
char *bf__fold(const char *text, size_t n);
/* The first paragraph of Markdown that is not a heading, folded; "" if none. You own it; NULL: no memory. */
char *bf__first_paragraph(const char *body, size_t n);
/* Whether a task is one of the known ones, which `known` lists. */
bool bf__is_task(const char *task);
extern const char bf__known_tasks[];

#endif
