/* bf_bench_report: results made of the runs or read from a file, and the pages made of them. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "benchmark/report_pages.h"

#define MAX_RESULT_BYTES ((size_t)256 << 20)
#define MAX_NOTE_BYTES ((size_t)1 << 20)

struct bf_bench_report {
  json_t *results, *notes; /* notes: NULL: none */
  char *text;              /* the results as JSON */
};

void bf_bench_report_free(bf_bench_report *report) {
  if (report == NULL) return;
  json_decref(report->results);
  json_decref(report->notes);
  free(report->text);
  free(report);
}

static bf_status read_results(const char *path, json_t **out, bf_error *err) {
  bf_error inner = {.position = -1};
  uint8_t *bytes = NULL;
  size_t n = 0;
  bf_status status = bf__file_read(path, MAX_RESULT_BYTES, &bytes, &n, err);
  if (status != BF_OK) return status;
  status = bf__results_parse(bytes, n, out, &inner);
  if (status != BF_OK) (void)bf__error_at(err, status, inner.position, "%s: %s", path, inner.message);
  free(bytes);
  return status;
}

static bf_status read_notes(const char *path, json_t **out, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  json_error_t where;
  bf_status status = bf__file_read(path, MAX_NOTE_BYTES, &bytes, &n, err);
  if (status != BF_OK) return status;
  *out = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, &where);
  free(bytes);
  if (*out == NULL)
    return bf__error_at(err, BF_ERR_FORMAT, where.position, "%s is not JSON: %s (line %d)", path, where.text,
                        where.line);
  return json_is_object(*out) ? BF_OK : bf__error(err, BF_ERR_FORMAT, "%s is no JSON object of reasons", path);
}

static bf_status make_results(const bf_bench_report_options *o, json_t **out, bf_error *err) {
  bf__bench *bench = NULL;
  bf_status status = bf__bench_load(o->bench, &bench, err);
  if (status == BF_OK) status = bf__results_make(bench, o->n_threads, out, err);
  bf__bench_free(bench);
  return status;
}

bf_status bf_bench_report_create(const bf_bench_report_options *options, bf_bench_report **out, bf_error *err) {
  bf_bench_report_options o = BF_BENCH_REPORT_OPTIONS_INIT;
  bf_status status = BF_OK;
  *out = NULL;
  if (options != NULL) memcpy(&o, options, options->struct_size < sizeof o ? options->struct_size : sizeof o);
  if ((o.bench == NULL) == (o.results == NULL))
    return bf__error(err, BF_ERR_INVALID_ARGUMENT,
                     "a report is made of a folder of the benchmark or of a results file");
  bf_bench_report *report = bf__alloc(1, sizeof *report);
  if (report == NULL) return bf__error_memory(err, sizeof *report);
  BF_TRY(o.results != NULL ? read_results(o.results, &report->results, err) : make_results(&o, &report->results, err));
  if (o.notes != NULL) BF_TRY(read_notes(o.notes, &report->notes, err));
  /* numbers have six decimals: no more digits than a double needs to give them back */
  report->text = json_dumps(report->results, JSON_COMPACT | JSON_REAL_PRECISION(12));
  BF_TRY(report->text != NULL ? BF_OK : bf__error_memory(err, 1 << 20));
  *out = report;
  report = NULL;
out:
  bf_bench_report_free(report);
  return status;
}

const char *bf_bench_report_json(const bf_bench_report *report) {
  return report->text;
}

bf_status bf_bench_report_write(const bf_bench_report *report, bf_bench_page page, char **out, bf_error *err) {
  bf__writer w = {0};
  bf__report r = {.results = report->results, .notes = report->notes};
  *out = NULL;
  r.d.w = &w;
  r.d.markdown = page != BF_BENCH_PAGE_HTML;
  if (page == BF_BENCH_PAGE_README)
    bf__report_headline(&r);
  else
    bf__report_all(&r);
  bf__write_u8(&w, 0);
  if (w.failed) {
    bf_status status = bf__error_memory(err, w.capacity);
    bf__writer_deinit(&w);
    return status;
  }
  *out = (char *)w.data;
  return BF_OK;
}

size_t bf_bench_report_missing(const bf_bench_report *report) {
  return json_array_size(json_object_get(report->results, "missing"));
}
