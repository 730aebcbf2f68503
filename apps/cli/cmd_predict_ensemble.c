/* bestfit predict --ensemble: the weighted vote of all models that `auto` ranks, over all rows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct voting {
  bf_store *store;
  cli_input target;
  cli_search_run run;
  bf_search_result *result;
} voting;

static void voting_deinit(voting *v) {
  bf_search_result_free(v->result);
  cli_search_run_deinit(&v->run);
  cli_input_deinit(&v->target);
  bf_store_close(v->store);
}

/* A search that runs the models on all rows. */
static bf_status vote(cli *c, voting *v, bf_error *err) {
  cli_search_times times = {0};
  v->run.sample_rows = UINT32_MAX;
  bf_status status = cli_open_filled_store(c, &v->store, err);
  if (status == BF_OK) status = cli_search(c, v->store, &v->target, &v->run, &times, &v->result, err);
  if (status != BF_OK) return status;
  if (!v->target.from_data)
    return cli_error(err, BF_ERR_INVALID_ARGUMENT, "a sketch has no rows to predict: give the data");
  if (v->run.sample == NULL)
    return cli_error(err, BF_ERR_UNSUPPORTED, "a vote needs the models to run, and they cannot be run here");
  if (bf_search_result_ensemble(v->result)->n_items == 0)
    return cli_error(err, BF_ERR_NOT_APPLICABLE,
                     "a vote is weighed by what the models are expected to do, and the repository knows too little of "
                     "them: it takes 8 labelled domains (add --validation FILE --keep-validation)");
  return BF_OK;
}

static bf_status write_votes(const voting *v, const char *path, bf_error *err) {
  const bf_ensemble *ensemble = bf_search_result_ensemble(v->result);
  const bf_batch *batch = bf_sample_batch(v->run.sample);
  char *text = NULL;
  size_t n_bytes = 0, item = 0;
  FILE *out = open_memstream(&text, &n_bytes);
  if (out == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  fputs(batch->sentences != NULL ? "row,token,label\n" : "row,label\n", out);
  for (uint32_t i = 0; i < batch->n_rows; i++) {
    uint32_t n = batch->sentences != NULL ? batch->sentences[i].n_tokens : 1;
    for (uint32_t k = 0; k < n && item < ensemble->n_items; k++, item++) {
      fprintf(out, "%" PRIu64 ",", bf_sample_row(v->run.sample, i));
      if (batch->sentences != NULL) {
        cli_put_quoted(out, batch->sentences[i].tokens[k].bytes, batch->sentences[i].tokens[k].n_bytes);
        (void)putc(',', out);
      }
      int32_t said = ensemble->votes[item];
      if (said >= 0) cli_put_quoted(out, ensemble->classes[said], strlen(ensemble->classes[said]));
      (void)putc('\n', out);
    }
  }
  bool failed = fclose(out) != 0;
  bf_status status = failed ? cli_error(err, BF_ERR_MEMORY, "out of memory") : cli_write_file(path, text, n_bytes, err);
  free(text);
  return status;
}

static int print_voted(cli *c, const voting *v, const char *path) {
  const bf_ensemble *e = bf_search_result_ensemble(v->result);
  const bf_ranked *first = bf_search_result_at(v->result, 0);
  if (strcmp(path, "-") == 0) return 0;
  if (c->json) {
    json_t *value = json_object();
    json_object_set_new(value, "bestfit_version", cli_json_text(bf_version()));
    json_object_set_new(value, "output", cli_json_text(path));
    json_object_set_new(value, "items", json_integer((json_int_t)e->n_items));
    json_object_set_new(value, "models", json_integer((json_int_t)e->n_members));
    json_object_set_new(value, "expected_accuracy", cli_json_number(e->expected_accuracy));
    json_object_set_new(value, "first", cli_json_text(first->id));
    json_object_set_new(value, "first_expected_accuracy", cli_json_number(first->expected_accuracy));
    json_object_set_new(value, "gain_low", cli_json_number(e->gain_low));
    json_object_set_new(value, "recommended", json_boolean(e->recommended));
    json_object_set(value, "warnings", c->warnings);
    return cli_print_json(c, value);
  }
  printf("%s: the vote of %zu models on %zu items; expected accuracy %.3f (first place alone: %.3f)\n", path,
         e->n_members, e->n_items, e->expected_accuracy, first->expected_accuracy);
  if (!e->recommended)
    cli_warn(c, "on the labelled domains the vote was not reliably better than the first place, %s", first->id);
  return 0;
}

int cmd_predict_ensemble(cli *c) {
  bf_error err = {.position = -1};
  voting v = {0};
  const char *path = cli_text(c, "output") != NULL ? cli_text(c, "output") : "-";
  bf_status status = BF_OK;
  if (c->n_arguments != 1)
    status = cli_error(&err, BF_ERR_INVALID_ARGUMENT, "--ensemble takes the data alone, and no model");
  if (status == BF_OK && strcmp(path, "-") != 0) {
    size_t n = strlen(path);
    if (n < 4 || strcmp(path + n - 4, ".csv") != 0)
      status = cli_error(&err, BF_ERR_INVALID_ARGUMENT, "%s: the name must end in .csv for --ensemble", path);
    if (status == BF_OK)
      status = cli_check_output(path, CLI_OUTPUT_PREDICTIONS, (const char *const *)c->arguments, 1, &err);
  }
  if (status == BF_OK) status = vote(c, &v, &err);
  if (status == BF_OK) status = write_votes(&v, path, &err);
  int code = status == BF_OK ? print_voted(c, &v, path) : cli_fail(c, &err);
  voting_deinit(&v);
  return code;
}
