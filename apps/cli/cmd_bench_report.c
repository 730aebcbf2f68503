/* bestfit bench report: the runs of the benchmark, joined into a page, Markdown and JSON. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static char *beside(const char *folder, size_t n, const char *name) {
  size_t size = n + strlen(name) + 2;
  char *path = malloc(size);
  if (path != NULL) snprintf(path, size, "%.*s/%s", (int)n, folder, name);
  return path;
}

/* notes.json beside the results, or in the folder; NULL where there is none. You own it. */
static char *notes_of(const cli *c, const char *folder, const char *results) {
  const char *given = cli_text(c, "notes"), *slash = results != NULL ? strrchr(results, '/') : NULL;
  if (given != NULL) return strdup(given);
  char *path = results == NULL ? beside(folder, strlen(folder), "notes.json")
               : slash != NULL ? beside(results, (size_t)(slash - results), "notes.json")
                               : strdup("notes.json");
  if (path != NULL && access(path, R_OK) == 0) return path;
  free(path);
  return NULL;
}

/* A page to FILE, or to `name` in the folder, or nowhere. *written: where, which you own, or NULL. */
static bf_status write_page(const bf_bench_report *report, bf_bench_page page, const char *file, const char *folder,
                            const char *name, char **written, bf_error *err) {
  char *text = NULL, *path = NULL;
  *written = NULL;
  if (file == NULL && folder == NULL) return BF_OK;
  path = file != NULL ? strdup(file) : beside(folder, strlen(folder), name);
  if (path == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = page == BF_BENCH_PAGE_HTML ? cli_check_output(path, CLI_OUTPUT_REPORT, NULL, 0, err) : BF_OK;
  if (status == BF_OK) status = bf_bench_report_write(report, page, &text, err);
  if (status == BF_OK) status = cli_write_file(path, text, strlen(text), err);
  free(text);
  if (status == BF_OK)
    *written = path;
  else
    free(path);
  return status;
}

static bf_status write_results(const bf_bench_report *report, const char *folder, bf_error *err) {
  const char *json = bf_bench_report_json(report);
  if (folder == NULL) return BF_OK;
  char *path = beside(folder, strlen(folder), "results.json");
  if (path == NULL) return cli_error(err, BF_ERR_MEMORY, "out of memory");
  bf_status status = cli_write_file(path, json, strlen(json), err);
  free(path);
  return status;
}

static bf_status print_readme(const bf_bench_report *report, bf_error *err) {
  char *text = NULL;
  bf_status status = bf_bench_report_write(report, BF_BENCH_PAGE_README, &text, err);
  if (status == BF_OK) fputs(text, stdout); /* main checks standard output at the end */
  free(text);
  return status;
}

static bf_status write_all(const cli *c, const bf_bench_report *report, const char *folder, bf_error *err) {
  char *html = NULL, *markdown = NULL;
  const char *into = cli_text(c, "results") == NULL ? folder : NULL;
  bf_status status = write_page(report, BF_BENCH_PAGE_HTML, cli_text(c, "output"), into, "report.html", &html, err);
  if (status == BF_OK)
    status = write_page(report, BF_BENCH_PAGE_MARKDOWN, cli_text(c, "markdown"), into, "report.md", &markdown, err);
  if (status == BF_OK) status = write_results(report, into, err);
  if (status == BF_OK && c->json) printf("%s\n", bf_bench_report_json(report));
  if (status == BF_OK && !c->json) status = print_readme(report, err);
  if (status == BF_OK && html != NULL)
    cli_say(c, "written: %s%s%s", html, markdown != NULL ? ", " : "", markdown != NULL ? markdown : "");
  size_t n = bf_bench_report_missing(report);
  if (status == BF_OK && n > 0)
    cli_say(c, "%zu thing%s missing from the figures: the page lists %s with the commands that get %s", n,
            n == 1 ? " is" : "s are", n == 1 ? "it" : "them", n == 1 ? "it" : "them");
  free(html);
  free(markdown);
  return status;
}

int cmd_bench_report(cli *c) {
  bf_error err = {.position = -1};
  bf_bench_report *report = NULL;
  bf_bench_report_options options = BF_BENCH_REPORT_OPTIONS_INIT;
  char *folder = cli_bench_folder(c);
  char *notes = folder != NULL ? notes_of(c, folder, cli_text(c, "results")) : NULL;
  options.results = cli_text(c, "results");
  options.bench = options.results == NULL ? folder : NULL;
  options.notes = notes;
  options.n_threads = cli_whole(c, "threads", 0);
  bf_status status = folder != NULL ? BF_OK : cli_error(&err, BF_ERR_MEMORY, "out of memory");
  if (status == BF_OK) status = bf_bench_report_create(&options, &report, &err);
  if (status == BF_OK) status = cli_flag(c, "readme") ? print_readme(report, &err) : write_all(c, report, folder, &err);
  bf_bench_report_free(report);
  free(folder);
  free(notes);
  return status == BF_OK ? 0 : cli_fail(c, &err);
}
