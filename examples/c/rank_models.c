/* Ranks the models of a repository for a dataset, with the C API: what `bestfit search DATA --repo DIR` does.
 *
 *   cc rank_models.c $(pkg-config --cflags --libs bestfit) -o rank_models && ./rank_models DIR DATA
 */
#include <bestfit/bestfit.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: rank_models REPOSITORY DATA\n");
    return 2;
  }
  bf_error err = {0};
  bf_status status = BF_OK;
  bf_store *store = NULL;
  bf_dataset *dataset = NULL;
  bf_sketch *target = NULL;
  bf_search_result *result = NULL;

  if ((status = bf_store_open(argv[1], NULL, &store, &err)) != BF_OK) goto out;
  if ((status = bf_dataset_open(argv[2], NULL, &dataset, &err)) != BF_OK) goto out;
  if ((status = bf_sketch_build(dataset, NULL, &target, &err)) != BF_OK) goto out;
  if ((status = bf_search(store, target, NULL, &result, &err)) != BF_OK) goto out;

  for (size_t i = 0; i < bf_search_result_count(result); i++) {
    const bf_ranked *model = bf_search_result_at(result, i);
    printf("%u\t%s@%u\t%.3f\t%s\n", model->rank, model->id, model->version, model->score,
           model->n_reasons > 0 ? model->reasons[0] : "");
  }
  for (size_t i = 0; i < bf_search_result_skipped_count(result); i++) {
    const bf_skipped *skipped = bf_search_result_skipped_at(result, i);
    printf("-\t%s@%u\tskipped\t%s\n", skipped->id, skipped->version, skipped->why);
  }
out:
  if (status != BF_OK) fprintf(stderr, "rank_models: %s\n", err.message);
  bf_search_result_free(result);
  bf_sketch_free(target);
  bf_dataset_close(dataset);
  bf_store_close(store);
  return bf_status_exit_code(status);
}
