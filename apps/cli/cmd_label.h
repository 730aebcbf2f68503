/* What the files of `bestfit label` share. */
#ifndef BESTFIT_APPS_CMD_LABEL_H
#define BESTFIT_APPS_CMD_LABEL_H

#include <bestfit/label.h>

#include "cli.h"

/* ---- label_content.c: what is labelled: rows of the sample, of tagged sentences their tokens ---- */

typedef struct label_items {
  const bf_sample *sample;
  bf_schema schema;
  bool tagged;
  size_t n;
  uint32_t *rows, *tokens; /* [n] row of the sample, token in it */
  size_t *first;           /* [rows of the sample + 1] */
  char **files;            /* of a folder of images; else NULL */
  size_t n_files;
} label_items;

bf_status label_items_make(const cli *c, const bf_sample *sample, label_items *out, bf_error *err);
void label_items_deinit(label_items *items);
/* Number of the row in the data. */
uint64_t label_row(const label_items *items, size_t item);
/* "row 17", "row 17, token 3". */
void label_name(const label_items *items, size_t item, char out[64]);
/* You own it (free()); NULL: no memory. */
char *label_content(const label_items *items, size_t item);
/* Item of a row of the data. False: it is not in the sample, or has no such token. */
bool label_find(const label_items *items, uint64_t row, uint64_t token, size_t *item, bool *no_such_token);

/* ---- the job ---- */

typedef struct label_job {
  cli *c;
  bf_store *store;
  cli_input target;
  cli_search_run run;
  bf_search_result *result;
  label_items items;
  size_t n_models;
  size_t *places;     /* [n_models] of the search */
  double *believed;   /* [n_models] */
  const char *belief; /* what it is: "expected-accuracy", "similarity-agreement" … */
  bf_panel *panel;
  bf_labelling *labelling;
  cli_answers answers;
  size_t n_elsewhere; /* answers to rows that are not in the sample */
  bool *skipped;      /* [items.n] */
  size_t *order;      /* [n_models] by expectation, the chosen one first */
} label_job;

/* Fills order from the state as it is. */
const bf_labelling_state *label_look(label_job *job);

/* ---- label_output.c ---- */

/* The first places, what is chosen, and whether more answers are worth it. */
void label_print_state(label_job *job, size_t n_places);
int label_print_json(label_job *job, const size_t *asked, size_t n_asked);
/* Rows to label as CSV: row, (token,) label (empty, to be filled), content. */
void label_print_asked(const label_job *job, const size_t *asked, size_t n_asked);
/* The page of --report; nothing without. */
bf_status label_write_report(label_job *job, const size_t *asked, size_t n_asked, bf_error *err);

/* ---- label_session.c: asks on the terminal until it is settled, the budget is used up, or the person ends ---- */
bf_status label_session(label_job *job, bf_error *err);

#endif
