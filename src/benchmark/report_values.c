#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "benchmark/report_pages.h"

#define MINUS "\xe2\x88\x92"
#define DASH "\xe2\x80\x93"

const bf__shown bf__shown_strategies[] = {
    {"auto", "**`auto`** (default from 8 labelled domains on)", "models, experience"},
    {"similarity-agreement", "**`similarity-agreement`** (default below)", "models"},
    {"similarity", "**`similarity`** (`--data-only`)", "sketches"},
    {"dawid-skene-full", "Dawid-Skene, full", "models"},
    {"majority", "majority", "models"},
    {"cot", "cot", "models, source prior"},
    {"paper-l2-mixed", "paper-l2 (of words where there are some)", "sketches"},
    {"paper-jsd-mixed", "paper-jsd (of words where there are some)", "sketches"},
    {"paper-adaptivity-hindsight", "paper-adaptivity, best threshold in hindsight", "sketches, the truth"},
    {"paper-adaptivity-mixed", "paper-adaptivity (of words where there are some)", "sketches"},
    {"atc", "atc", "validation data"},
    {"source-accuracy", "source accuracy", "nothing"},
    {"random", "random", "nothing"},
};
const size_t bf__n_shown_strategies = sizeof bf__shown_strategies / sizeof *bf__shown_strategies;

static const bf__shown *shown(const char *strategy) {
  for (size_t i = 0; i < bf__n_shown_strategies; i++)
    if (strcmp(bf__shown_strategies[i].name, strategy) == 0) return &bf__shown_strategies[i];
  return NULL;
}

bool bf__is_shown(const char *strategy) {
  return shown(strategy) != NULL;
}

const char *bf__title_of(const char *strategy) {
  const bf__shown *one = shown(strategy);
  return one != NULL ? one->title : strategy;
}

/* ---- numbers ---- */

const char *bf__short(char out[BF__SHORT_BYTES], double value, int digits) {
  char text[16];
  if (!(fabs(value) < 1e9)) return memcpy(out, DASH, sizeof DASH);
  int n = snprintf(text, sizeof text, "%.*f", digits, fabs(value));
  bool zero = strspn(text, "0.") == (size_t)n;
  const char *rest = text[0] == '0' && text[1] == '.' ? text + 1 : text;
  snprintf(out, BF__SHORT_BYTES, "%s%s", value < 0 && !zero ? MINUS : "", rest);
  return out;
}

const char *bf__interval(char out[BF__INTERVAL_BYTES], const bf__figure *figure, int digits) {
  if (isnan(figure->low) || isnan(figure->high))
    snprintf(out, BF__INTERVAL_BYTES, "%s", BF__SHORT(figure->mean, digits));
  else
    snprintf(out, BF__INTERVAL_BYTES, "%s [%s, %s]", BF__SHORT(figure->mean, digits), BF__SHORT(figure->low, digits),
             BF__SHORT(figure->high, digits));
  return out;
}

/* ---- results ---- */

const json_t *bf__at(const json_t *root, const char *const *keys) {
  for (; root != NULL && *keys != NULL; keys++) root = json_object_get(root, *keys);
  return root;
}

double bf__number_at(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) && fabs(json_number_value(value)) < 1e15 ? json_number_value(value) : NAN;
}

const char *bf__text_at(const json_t *object, const char *key, const char *otherwise) {
  const char *text = json_string_value(json_object_get(object, key));
  return text != NULL ? text : otherwise;
}

bf__figure bf__figure_at(const json_t *object, const char *metric) {
  const json_t *value = json_object_get(object, metric);
  double n = bf__number_at(value, "n");
  bf__figure figure = {.mean = bf__number_at(value, "mean"),
                       .low = bf__number_at(value, "lo"),
                       .high = bf__number_at(value, "hi"),
                       .n = n >= 1 && n < 1e9 ? (size_t)n : 0};
  if (isnan(figure.mean)) figure.n = 0;
  if (!(figure.low <= figure.high)) figure.low = figure.high = NAN;
  return figure;
}

static const char *family_of(const json_t *results, const char *strategy) {
  size_t i;
  const json_t *one, *list = json_object_get(results, "strategies");
  json_array_foreach(list, i, one) {
    if (strcmp(bf__text_at(one, "name", ""), strategy) == 0) return bf__text_at(one, "family", "other");
  }
  return "other";
}

static double order_of(const bf__row *row) {
  const bf__figure *regret = &row->figures[BF__REGRET], *spearman = &row->figures[BF__SPEARMAN];
  return (row->whole ? 0 : 1e6) + (regret->n > 0 ? regret->mean : 1e5) -
         (spearman->n > 0 ? 1e-6 * spearman->mean : 0); /* a better order first where regrets are equal */
}

static int by_order(const void *a, const void *b) {
  double x = order_of(a), y = order_of(b);
  if (x != y) return x < y ? -1 : 1;
  return strcmp(((const bf__row *)a)->name, ((const bf__row *)b)->name);
}

bf__row *bf__rows_of(const json_t *results, const json_t *strategies, size_t *n) {
  const char *name;
  json_t *one;
  size_t most = 0;
  *n = 0;
  bf__row *rows = bf__alloc(json_object_size(strategies) + 1, sizeof *rows);
  if (rows == NULL) return NULL;
  json_object_foreach((json_t *)(uintptr_t)strategies, name, one) {
    bf__row *row = &rows[*n];
    *row = (bf__row){.name = name, .family = family_of(results, name)};
    for (size_t m = 0; m < BF__N_METRICS; m++) row->figures[m] = bf__figure_at(one, bf__metric_names[m]);
    if (row->figures[BF__REGRET].n == 0 || strcmp(row->family, "attack") == 0)
      continue; /* they have a part of their own */
    if (row->figures[BF__REGRET].n > most) most = row->figures[BF__REGRET].n;
    ++*n;
  }
  for (size_t i = 0; i < *n; i++) rows[i].whole = rows[i].figures[BF__REGRET].n == most;
  qsort(rows, *n, sizeof *rows, by_order);
  return rows;
}
