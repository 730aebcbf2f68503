/* Results from strangers: whatever they hold, a page is made of it in which nothing of theirs is markup. */
#include <stdlib.h>
#include <string.h>

#include "benchmark/report_pages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *results = NULL;
  bf_error err = {0};
  if (bf__results_parse(data, size, &results, &err) != BF_OK) {
    require(results == NULL && err.code != BF_OK);
    return 0;
  }
  for (int markdown = 0; markdown < 2; markdown++) {
    bf__writer w = {0};
    bf__report r = {.results = results, .notes = results, .d = {.w = &w, .markdown = markdown == 1}};
    bf__report_all(&r);
    bf__write_u8(&w, 0);
    require(!w.failed);
    if (markdown == 0) require(strstr((const char *)w.data, "<script") == NULL);
    bf__writer_deinit(&w);
  }
  json_decref(results);
  return 0;
}
