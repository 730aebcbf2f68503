/* The few figures that are derived from the paper's tables, derived again where the tables are: in BESTFIT_REFERENCE,
 * or in reference/ beside BESTFIT_DATA. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bestfit/metrics.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "benchmark/results_internal.h"

#define MAX_PAIRS 400
#define MAX_COLUMNS 12

typedef struct paper_table {
  size_t n_columns, n;
  char columns[MAX_COLUMNS][40], target[MAX_PAIRS][40];
  double cells[MAX_PAIRS][MAX_COLUMNS];
} paper_table;

static char folder[400];

static size_t split(char *line, char *fields[MAX_COLUMNS]) {
  size_t n = 0;
  line[strcspn(line, "\r\n")] = '\0';
  for (char *rest = line, *field; n < MAX_COLUMNS && (field = strsep(&rest, ",")) != NULL;) fields[n++] = field;
  return n;
}

static void read_table(const char *name, paper_table *t) {
  char path[500], line[600], *fields[MAX_COLUMNS];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_non_null(fgets(line, sizeof line, file));
  *t = (paper_table){.n_columns = split(line, fields)};
  for (size_t i = 0; i < t->n_columns; i++) snprintf(t->columns[i], sizeof t->columns[i], "%s", fields[i]);
  while (t->n < MAX_PAIRS && fgets(line, sizeof line, file) != NULL) {
    if (split(line, fields) != t->n_columns) continue;
    snprintf(t->target[t->n], sizeof t->target[t->n], "%s", fields[1]);
    for (size_t i = 2; i < t->n_columns; i++) t->cells[t->n][i] = strtod(fields[i], NULL);
    t->n++;
  }
  (void)fclose(file);
}

static size_t column_of(const paper_table *t, const char *name) {
  for (size_t i = 0; i < t->n_columns; i++)
    if (strcmp(t->columns[i], name) == 0) return i;
  fail_msg("there is no column %s", name);
  return 0;
}

static void derive(const bf__published *p, const paper_table *t) {
  const char *truth = p->in_per_cent ? "serving_f1_percent" : "serving_accuracy";
  size_t y = column_of(t, truth), x = p->column != NULL ? column_of(t, p->column) : 0, n_targets = 0;
  double regret = 0, spearman = 0;
  for (size_t first = 0; first < t->n; first++) {
    double score[MAX_PAIRS], accuracy[MAX_PAIRS];
    size_t n = 0;
    bool seen = false;
    bf_ranking_metrics m;
    for (size_t i = 0; i < first; i++) seen |= strcmp(t->target[i], t->target[first]) == 0;
    if (seen) continue;
    for (size_t i = first; i < t->n; i++) {
      if (strcmp(t->target[i], t->target[first]) != 0) continue;
      score[n] = p->column == NULL ? 0 : p->higher_is_better ? t->cells[i][x] : -t->cells[i][x];
      accuracy[n++] = t->cells[i][y] / (p->in_per_cent ? 100 : 1);
    }
    assert_int_equal(bf_ranking_metrics_of(score, accuracy, n, &m, NULL), BF_OK);
    regret += m.regret, spearman += m.spearman, n_targets++;
  }
  assert_int_equal(t->n, p->n_pairs);
  assert_int_equal(n_targets, p->n_targets);
  if (fabs(regret / (double)n_targets - p->regret) > 1e-5 || fabs(spearman / (double)n_targets - p->spearman) > 1e-5)
    fail_msg("%s by %s: regret %.6f, Spearman %.6f", p->set, p->strategy, regret / (double)n_targets,
             spearman / (double)n_targets);
}

static void published_figures_follow_from_the_papers_tables(void **state) {
  (void)state;
  static paper_table table;
  assert_true(bf__n_published_figures > 8);
  for (size_t i = 0; i < bf__n_published_figures; i++) {
    read_table(bf__published_figures[i].file, &table);
    derive(&bf__published_figures[i], &table);
  }
}

int main(void) {
  const char *reference = getenv("BESTFIT_REFERENCE"), *data = getenv("BESTFIT_DATA");
  if (reference != NULL)
    snprintf(folder, sizeof folder, "%s", reference);
  else
    snprintf(folder, sizeof folder, "%s/../reference", data != NULL ? data : "");
  if (access(folder, R_OK) != 0 || (reference == NULL && data == NULL)) {
    printf("skipped: the paper's tables are not here (BESTFIT_REFERENCE)\n");
    return 77;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(published_figures_follow_from_the_papers_tables)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
