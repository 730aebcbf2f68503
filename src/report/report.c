/* One self-contained HTML page of a search.
 *
 * The page opens from a disk without a network: Vega, Vega-Lite and Vega-Embed (BSD 3-clause) are put inline, plots are
 * JSON blocks beside their figures, pictures are PNG data URIs. The content security policy names the SHA-256 of each
 * inline script and forbids everything else, evaluation of strings too: Vega runs its expressions with its interpreter
 * ("ast"), so that text of a card which slipped through the escaping still could not run. Styles must be allowed
 * inline, for Vega's SVG and for the score bars. No date is written: equal inputs give an equal page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/report_internal.h"

#define MAX_SCRIPT_BYTES (16u << 20)
#define N_LIBRARIES 3u

static const char *const libraries[N_LIBRARIES] = {"vega.min.js", "vega-lite.min.js", "vega-embed.min.js"};

/* Draws every JSON block into the figure that it names. */
static const char driver[] =
    "document.querySelectorAll('script[data-plot]').forEach(function (block) {\n"
    "  var place = document.getElementById(block.getAttribute('data-plot'));\n"
    "  vegaEmbed(place, JSON.parse(block.textContent), {actions: false, ast: true, renderer: 'svg', defaultStyle: "
    "false})\n"
    "    .catch(function (error) { place.textContent = 'This plot could not be drawn: ' + error.message; });\n"
    "});\n";

static const char style[] =
    ":root{color-scheme:light}"
    "body{margin:0 auto;max-width:1180px;padding:24px 32px 48px;font:15px/1.5 "
    "system-ui,sans-serif;color:#1b1f24;background:#fff}"
    "h1{font-size:26px;line-height:1.25;margin:8px 0}h2{font-size:19px;line-height:1.3;margin:36px 0 "
    "6px}h3{font-size:15px;margin:0 0 2px}"
    "p{margin:4px 0 10px;max-width:80ch}.facts{color:#46505a}.facts b{color:#1b1f24;font-weight:600}"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}"
    "th,td{text-align:left;padding:5px 10px 5px 0;vertical-align:top}thead th{border-bottom:2px solid "
    "#1b1f24;font-weight:600}"
    "thead small{font-weight:400;color:#46505a}abbr{text-decoration:none}tbody "
    "th{font-weight:600;overflow-wrap:anywhere}tbody th{min-width:15em}"
    "tbody tr:not(.reasons) td,tbody tr:not(.reasons) th{border-top:1px solid "
    "#e1e5e9}.number{text-align:right}.score{white-space:nowrap}"
    ".scale{position:relative;display:inline-block;width:120px;height:11px;background:#eef1f4;border-radius:2px;"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact;vertical-align:-1px}"
    ".scale span{position:absolute;top:0;height:11px;background:#9cc4ea;border-radius:2px}"
    ".scale i{position:absolute;top:-2px;width:2px;height:15px;background:#0b4a82}"
    ".trust{border-left:4px solid #0b6bcb;padding:.3em 1em;margin:1em 0;background:#f5f8fb}"
    ".trust ul{margin:.3em 0 0;padding-left:1.2em}"
    ".bar{display:inline-block;height:11px;min-width:1px;background:#0b6bcb;border-radius:2px;print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}"
    ".reasons td{padding-top:0;color:#333c45;font-size:14px}.reasons "
    "ul{margin:0;padding-left:18px}summary{cursor:pointer;color:#46505a}"
    "figure{margin:14px 0;break-inside:avoid}figcaption p{color:#46505a;font-size:14px}.plot{overflow-x:auto}"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(520px,1fr));gap:8px 40px;align-items:start}"
    ".grid.small{grid-template-columns:repeat(auto-fit,minmax(345px,1fr))}"
    ".words{margin:8px 0}.words td,.words th{padding:2px 10px 2px 0}table.amounts{width:auto}table.amounts "
    "td,table.amounts th{padding-right:26px}"
    ".legend{margin:8px 0}.key{display:inline-block;width:12px;height:12px;border-radius:2px;margin:0 6px 0 "
    "0;vertical-align:-1px;"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact}.legend .key:not(:first-child){margin-left:22px}"
    ".key.target{background:#5f6b76}.key.best{background:#0b6bcb}.key.worst{background:#c4570a}"
    ".thumbnails{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 "
    "14px}.thumbnail{width:68px;height:68px;object-fit:contain;"
    "image-rendering:pixelated;background:#f1f3f5;border:1px solid #e1e5e9}"
    ".means{margin-top:8px;display:flex;flex-wrap:wrap;gap:28px}figure.mean{margin:6px "
    "0;max-width:220px}img.mean{width:168px;height:168px;"
    "object-fit:contain;image-rendering:pixelated;background:#f1f3f5;border:1px solid "
    "#e1e5e9;display:block;margin-bottom:6px}"
    "footer{margin-top:40px;padding-top:10px;border-top:1px solid #e1e5e9;color:#46505a;font-size:13px}"
    "code{font-family:ui-monospace,monospace;font-size:.95em}"
    "@media print{body{padding:0;max-width:none}h2{break-after:avoid}.grid{grid-template-columns:1fr 1fr;gap:8px "
    "20px}}";

/* ---- scripts ---- */

static bf_status read_library(const char *directory, const char *name, bf__writer *out, bf_error *err) {
  uint8_t *bytes = NULL;
  size_t n = 0;
  char *path = bf__asprintf("%s/%s", directory, name);
  if (path == NULL) return bf__error_memory(err, strlen(directory));
  bf_status status = bf__file_read(path, MAX_SCRIPT_BYTES, &bytes, &n, err);
  if (status == BF_OK) bf__html_script(out, (const char *)bytes, n);
  free(bytes);
  free(path);
  return status;
}

static bool has_scripts(const char *directory) {
  bool all = directory != NULL;
  for (size_t i = 0; all && i < N_LIBRARIES; i++) {
    char *path = bf__asprintf("%s/%s", directory, libraries[i]);
    all = path != NULL && access(path, R_OK) == 0;
    free(path);
  }
  return all;
}

static bf_status read_scripts(const bf_report_options *options, bf__writer scripts[N_LIBRARIES + 1], bf_error *err) {
  const char *folders[] = {getenv("BESTFIT_SHARE"), BESTFIT_SHARE_INSTALLED, BESTFIT_SHARE_BUILD};
  const char *directory = options->share_dir;
  for (size_t i = 0; directory == NULL && i < sizeof folders / sizeof *folders; i++)
    if (has_scripts(folders[i])) directory = folders[i];
  if (directory == NULL || !has_scripts(directory))
    return bf__error(err, BF_ERR_NOT_FOUND,
                     "the plot scripts (vega.min.js, vega-lite.min.js, vega-embed.min.js) are not in %s: run "
                     "scripts/bootstrap, or name "
                     "their folder in BESTFIT_SHARE",
                     directory != NULL ? directory : BESTFIT_SHARE_INSTALLED);
  for (size_t i = 0; i < N_LIBRARIES; i++) {
    bf_status status = read_library(directory, libraries[i], &scripts[i], err);
    if (status != BF_OK) return status;
  }
  bf__html_script(&scripts[N_LIBRARIES], driver, sizeof driver - 1);
  return BF_OK;
}

static uint8_t hex_digit(char c) {
  return (uint8_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

/* The policy by which the browser runs these scripts and no other. */
static bf_status write_policy(bf__writer *w, const bf__writer scripts[N_LIBRARIES + 1], bf_error *err) {
  bf__html_raw(w,
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
               "'unsafe-inline'; "
               "base-uri 'none'; form-action 'none'; script-src");
  for (size_t i = 0; i <= N_LIBRARIES; i++) {
    char hex[65];
    uint8_t digest[32];
    bf_status status = bf_sha256(scripts[i].data, scripts[i].size, hex, err);
    if (status != BF_OK) return status;
    for (size_t k = 0; k < sizeof digest; k++)
      digest[k] = (uint8_t)(hex_digit(hex[2 * k]) << 4 | hex_digit(hex[2 * k + 1]));
    bf__html_raw(w, " 'sha256-");
    bf__html_base64(w, digest, sizeof digest);
    bf__html_raw(w, "'");
  }
  bf__html_raw(w, "\">\n");
  return BF_OK;
}

/* ---- page ---- */

static void write_facts(bf__page *page) {
  bf__writer *w = &page->w;
  const bf_sketch *target = page->sketches[BF__SIDE_TARGET];
  char *amounts = bf__page_amounts(target);
  bf__html_raw(w, "<p class=\"facts\">Target <b>");
  bf__html_text(w, page->options->target_name != NULL ? page->options->target_name : "a sketch");
  bf__html_raw(w, "</b>: ");
  if (amounts == NULL) w->failed = true;
  bf__html_text(w, amounts);
  if (bf_sketch_missing(target) > 0) bf__html_format(w, ", %" PRIu64 " missing cells", bf_sketch_missing(target));
  bf__html_raw(w, ".</p>\n");
  free(amounts);
}

/* The last two parts of a path: a file name alone ("images.npy") often says too little. */
static const char *short_name(const char *path) {
  size_t slashes = 0;
  for (const char *p = path + strlen(path); p > path; p--)
    if (p[-1] == '/' && p[0] != '\0' && ++slashes == 2) return p;
  return path;
}

static bf_status write_page(bf__page *page, const bf__writer scripts[N_LIBRARIES + 1], bf_error *err) {
  bf__writer *w = &page->w;
  bf_status status = BF_OK;
  const char *name = page->options->target_name != NULL ? page->options->target_name : "a sketch";
  char *title = page->options->title != NULL ? bf__strdup(page->options->title)
                                             : bf__asprintf("Which model for %s?", short_name(name));
  if (title == NULL) return bf__error_memory(err, strlen(name));
  bf__html_raw(w, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
  BF_TRY(write_policy(w, scripts, err));
  bf__html_raw(w, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
  bf__html_text(w, title);
  bf__html_raw(w, "</title>\n<style>");
  bf__html_raw(w, style);
  bf__html_raw(w, "</style>\n</head>\n<body>\n<header><h1>");
  bf__html_text(w, title);
  bf__html_raw(w, "</h1>\n");
  write_facts(page);
  bf__html_raw(w,
               "</header>\n<noscript><p>The plots need JavaScript; all findings are in their headings "
               "too.</p></noscript>\n<main>\n");
  BF_TRY(bf__page_labels(page, err));
  bf__page_ranking(page);
  BF_TRY(bf__page_images(page, err));
  BF_TRY(bf__page_words(page, err));
  BF_TRY(bf__page_similarities(page, err));
  BF_TRY(bf__page_channels(page, err));
  BF_TRY(bf__page_distributions(page, err));
  BF_TRY(bf__page_partitions(page, err));
  bf__page_notes(page);
  bf__html_raw(w, "</main>\n<footer>Written by bestfit ");
  bf__html_text(w, bf_version());
  bf__html_format(w, ", seed %" PRIu64 ". ",
                  page->options->measure.seed != 0 ? page->options->measure.seed : BF_SKETCH_DEFAULT_SEED);
  bf__html_raw(w,
               "The page holds pictures and statistics of your data: share it as you would share them. Plots by Vega, "
               "Vega-Lite and "
               "Vega-Embed (BSD 3-clause).</footer>\n");
  for (size_t i = 0; i <= N_LIBRARIES; i++) {
    bf__html_raw(w, "<script>");
    bf__write(w, scripts[i].data, scripts[i].size);
    bf__html_raw(w, "</script>\n");
  }
  bf__html_raw(w, "</body>\n</html>\n");
out:
  free(title);
  return status;
}

/* Best is the first place, worst the last, of those with a sketch; one model alone is best only. */
static bool choose_sides(bf__page *page, const bf_search_result *result, const bf_sketch *target) {
  static const char *const roles[BF__SIDES] = {"target", "best", "worst"};
  size_t n = bf_search_result_count(result), best = 0, worst = n > 0 ? n - 1 : 0;
  while (best + 1 < n && bf_search_result_sketch(result, best) == NULL) best++;
  while (worst > best + 1 && bf_search_result_sketch(result, worst) == NULL) worst--;
  const size_t places[BF__SIDES] = {0, best, worst};
  page->sketches[BF__SIDE_TARGET] = target;
  page->names[BF__SIDE_TARGET] = bf__strdup("target");
  if (n > 0) page->sketches[BF__SIDE_BEST] = bf_search_result_sketch(result, best);
  if (worst > best) page->sketches[BF__SIDE_WORST] = bf_search_result_sketch(result, worst);
  for (size_t side = BF__SIDE_BEST; side < BF__SIDES; side++) {
    const bf_ranked *model = n > 0 ? bf_search_result_at(result, places[side]) : NULL;
    page->names[side] = model != NULL ? bf__asprintf("%s: %s", roles[side], model->id) : bf__strdup(roles[side]);
  }
  return page->names[0] != NULL && page->names[1] != NULL && page->names[2] != NULL;
}

bf_status bf_report_write(const bf_search_result *result, const bf_sketch *target, const bf_report_options *options,
                          const char *path, bf_error *err) {
  bf_report_options defaults = BF_REPORT_OPTIONS_INIT;
  bf__page page = {.result = result, .options = options != NULL ? options : &defaults};
  bf__writer scripts[N_LIBRARIES + 1] = {{0}};
  bf_status status = BF_OK;
  if (result == NULL || target == NULL || path == NULL)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "a report needs a result, a target and a path");
  BF_TRY(choose_sides(&page, result, target) ? BF_OK : bf__error_memory(err, 64));
  BF_TRY(read_scripts(page.options, scripts, err));
  for (size_t i = 0; i <= N_LIBRARIES; i++) BF_TRY(scripts[i].failed ? bf__error_memory(err, MAX_SCRIPT_BYTES) : BF_OK);
  BF_TRY(write_page(&page, scripts, err));
  BF_TRY(page.w.failed ? bf__error_memory(err, page.w.capacity) : BF_OK);
  BF_TRY(bf__file_write_atomic(path, page.w.data, page.w.size, err));
out:
  bf__writer_deinit(&page.w);
  for (size_t i = 0; i <= N_LIBRARIES; i++) bf__writer_deinit(&scripts[i]);
  for (size_t side = 0; side < BF__SIDES; side++) free(page.names[side]);
  return status;
}
