/* The parts of the page. Each says its finding with numbers first and shows it below. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/report_internal.h"
#include "sketch/sketch_data.h"

#define MAX_RANKED_SHOWN 50u
#define MAX_MEASURES_SHOWN 6u
#define MAX_SKIPPED_SHOWN 50u
#define DEFAULT_PARTITION_ROWS 500u
#define DEFAULT_THRESHOLD 0.002 /* of paper-adaptivity, as in bf_measure_options */

static const char *const side_classes[BF__SIDES] = {"target", "best", "worst"};

void bf__page_figure(bf__page *page, char *finding, const char *explanation, char *spec) {
  bf__writer *w = &page->w;
  if (finding == NULL || spec == NULL) {
    w->failed = true;
  } else {
    unsigned n = page->n_plots++;
    bf__html_raw(w, "<figure><figcaption><h3>");
    bf__html_text(w, finding);
    bf__html_raw(w, "</h3>");
    if (explanation != NULL) {
      bf__html_raw(w, "<p>");
      bf__html_text(w, explanation);
      bf__html_raw(w, "</p>");
    }
    bf__html_raw(w, "</figcaption><div class=\"plot\" role=\"img\" id=\"plot-");
    bf__html_format(w, "%u", n);
    bf__html_raw(w, "\" aria-label=\"");
    bf__html_text(w, finding);
    bf__html_raw(w, "\"></div><script type=\"application/json\" data-plot=\"plot-");
    bf__html_format(w, "%u", n);
    bf__html_raw(w, "\">");
    bf__html_json(w, spec);
    bf__html_raw(w, "</script></figure>\n");
  }
  free(finding);
  free(spec);
}

void bf__page_legend(bf__page *page) {
  bf__html_raw(&page->w, "<p class=\"legend\">");
  for (size_t side = 0; side < BF__SIDES; side++) {
    if (page->sketches[side] == NULL) continue;
    bf__html_raw(&page->w, "<span class=\"key ");
    bf__html_raw(&page->w, side_classes[side]);
    bf__html_raw(&page->w, "\"></span>");
    bf__html_text(&page->w, page->names[side]);
    bf__html_raw(&page->w, " ");
  }
  bf__html_raw(&page->w, "</p>\n");
}

/* ---- ranking ---- */

static void measure_cell(bf__writer *w, const bf_ranked *model, size_t k) {
  bf__html_raw(w, "<td class=\"number\">");
  if (k < model->n_measures && isfinite(model->measure_values[k])) {
    bf__html_format(w, "%.4g", model->measure_values[k]);
  } else {
    bf__html_raw(w, "–");
  }
  bf__html_raw(w, "</td>");
}

static void reasons_row(bf__writer *w, const bf_ranked *model, size_t n_columns, bool open) {
  if (model->n_reasons == 0) return;
  bf__html_raw(w, "<tr class=\"reasons\"><td></td><td colspan=\"");
  bf__html_format(w, "%zu", n_columns - 1);
  bf__html_raw(w, open ? "\"><ul>" : "\"><details><summary>why this place</summary><ul>");
  for (size_t i = 0; i < model->n_reasons; i++) {
    bf__html_raw(w, "<li>");
    bf__html_text(w, model->reasons[i]);
    bf__html_raw(w, "</li>");
  }
  bf__html_raw(w, open ? "</ul></td></tr>\n" : "</ul></details></td></tr>\n");
}

/* Measures [first, end) have a column each. */
typedef struct shown_measures {
  size_t first, end;
} shown_measures;

/* The score is the asked estimator's value: it stands there once. */
static shown_measures choose_measures(const bf_search_result *result, const bf_ranked *model) {
  bool said = !bf_search_result_data_only(result) && model->n_measures > 0 &&
              strcmp(model->measure_names[0], bf_search_result_strategy(result)) == 0;
  size_t end = model->n_measures < MAX_MEASURES_SHOWN ? model->n_measures : MAX_MEASURES_SHOWN;
  return (shown_measures){said ? 1 : 0, end};
}

#define SCALE_PIXELS 120 /* of 0 to 1 */

/* The interval as a bar on the scale of 0 to 1, the expectation as a tick on it, and both in numbers. */
static void expected_cell(bf__writer *w, const bf_ranked *model) {
  double low = SCALE_PIXELS * model->interval_low, high = SCALE_PIXELS * model->interval_high;
  bf__html_raw(w, "</td><td class=\"score\"><span class=\"scale\"><span style=\"left:");
  bf__html_format(w, "%.1fpx;width:%.1f", low, high - low);
  bf__html_raw(w, "px\"></span><i style=\"left:");
  bf__html_format(w, "%.1f", SCALE_PIXELS * model->expected_accuracy - 1);
  bf__html_raw(w, "px\"></i></span> ");
  bf__html_format(w, "%.3f (%.2f to %.2f)", model->expected_accuracy, model->interval_low, model->interval_high);
  bf__html_raw(w, "</td>");
}

static void score_cell(bf__writer *w, const bf_ranked *model, double lowest, double highest) {
  /* the bar starts at the lowest score; one model alone has a full bar */
  double share = highest > lowest ? (model->score - lowest) / (highest - lowest) : 1;
  bf__html_raw(w, "</td><td class=\"score\"><span class=\"bar\" style=\"width:");
  bf__html_format(w, "%.1f", 90 * (isfinite(share) ? share : 0));
  bf__html_raw(w, "px\"></span> ");
  bf__html_format(w, "%.4g", model->score + 0.0); /* no "-0" */
  bf__html_raw(w, "</td>");
}

static void ranking_row(bf__writer *w, const bf_ranked *model, shown_measures shown, double lowest, double highest) {
  bf__html_raw(w, "<tr><td class=\"number\">");
  bf__html_format(w, "%" PRIu32, model->rank);
  bf__html_raw(w, "</td><th scope=\"row\">");
  bf__html_format(w, "%s@%" PRIu32, model->id, model->version);
  bf__html_raw(w, "</th><td>");
  bf__html_text(w, model->domain);
  if (isnan(model->expected_accuracy)) {
    score_cell(w, model, lowest, highest);
  } else {
    expected_cell(w, model);
  }
  for (size_t k = shown.first; k < shown.end; k++) measure_cell(w, model, k);
  bf__html_raw(w, "<td class=\"number\">");
  if (isfinite(model->source_accuracy)) {
    bf__html_format(w, "%.3f", model->source_accuracy);
  } else {
    bf__html_raw(w, "–");
  }
  bf__html_raw(w, "</td></tr>\n");
}

static void ranking_head(bf__writer *w, const bf_search_result *result, const bf_ranked *first, shown_measures shown) {
  bf__html_raw(w, "<table><thead><tr><th class=\"number\">rank</th><th>model</th><th>domain</th><th>");
  if (isnan(first->expected_accuracy)) {
    bf__html_raw(w, "score");
  } else {
    bf__html_format(w, "expected %s", bf_metric_name(bf_search_result_metric(result)));
    bf__html_raw(w, "<br><small>bar: 90 % interval, from 0 to 1</small>");
  }
  bf__html_raw(w, "</th>");
  for (size_t k = shown.first; k < shown.end; k++) {
    const bf_strategy_info *info = NULL;
    bool known = bf_strategy_find(first->measure_names[k], &info, NULL) == BF_OK;
    bf__html_raw(w, "<th class=\"number\"><abbr title=\"");
    bf__html_text(w, known ? info->summary : first->measure_names[k]);
    bf__html_raw(w, "\">");
    bf__html_text(w, first->measure_names[k]);
    bf__html_raw(w, "</abbr>");
    if (known)
      bf__html_raw(w, info->direction == BF_HIGHER_IS_CLOSER ? "<br><small>higher is closer</small>"
                                                             : "<br><small>lower is closer</small>");
    bf__html_raw(w, "</th>");
  }
  bf__html_raw(w, "<th class=\"number\">source<br>accuracy</th></tr></thead><tbody>\n");
}

static void ranking_title(bf__page *page, const bf_ranked *first, size_t n) {
  bf__writer *w = &page->w;
  if (!isnan(first->expected_accuracy)) {
    bf_metric metric = bf_search_result_metric(page->result);
    if (metric == BF_METRIC_ACCURACY) {
      bf__html_format(w, "%s comes first of %zu models: it is expected to be right on %.0f %% of these data", first->id,
                      n, 100 * first->expected_accuracy);
    } else {
      bf__html_format(w, "%s comes first of %zu models: its expected %s on these data is %.2f", first->id, n,
                      bf_metric_name(metric), first->expected_accuracy);
    }
  } else if (n > 1) {
    const bf_ranked *second = bf_search_result_at(page->result, 1);
    bf__html_format(w, "%s comes first of %zu models, with a score of %.3g before %s with %.3g", first->id, n,
                    first->score + 0.0, second->id, second->score + 0.0);
  } else {
    bf__html_format(w, "%s is the only model that can be ranked", first->id);
  }
}

/* How far to believe the order, and why. */
static void trust_box(bf__page *page) {
  const bf_trust *trust = bf_search_result_trust(page->result);
  const bf_ensemble *ensemble = bf_search_result_ensemble(page->result);
  bf__writer *w = &page->w;
  if (!trust->grade) return;
  bf__html_raw(w, "<div class=\"trust\"><strong>Trust: ");
  bf__html_text(w, trust->grade);
  bf__html_raw(w, "</strong><ul>");
  for (size_t i = 0; i < trust->n_reasons; i++) {
    bf__html_raw(w, "<li>");
    bf__html_text(w, trust->reasons[i]);
    bf__html_raw(w, "</li>");
  }
  if (ensemble->n_items > 0 && ensemble->recommended) {
    bf__html_raw(w, "<li>");
    bf__html_format(
        w,
        "the weighted vote of all %zu models is expected to be right on %.3f; on 9 of 10 labelled domains it "
        "gained %.3f or more over the first place (bestfit predict --ensemble)",
        ensemble->n_members, ensemble->expected_accuracy, ensemble->gain_low);
    bf__html_raw(w, "</li>");
  }
  bf__html_raw(w, "</ul></div>\n");
}

void bf__page_ranking(bf__page *page) {
  bf__writer *w = &page->w;
  size_t n = bf_search_result_count(page->result), shown = n < MAX_RANKED_SHOWN ? n : MAX_RANKED_SHOWN;
  if (n == 0) {
    bf__html_raw(w, "<section><h2>No model can be ranked for these data</h2></section>\n");
    return;
  }
  const bf_ranked *first = bf_search_result_at(page->result, 0), *last = bf_search_result_at(page->result, n - 1);
  shown_measures measures = choose_measures(page->result, first);
  bf__html_raw(w, "<section><h2>");
  ranking_title(page, first, n);
  bf__html_raw(w, "</h2>\n");
  trust_box(page);
  bf__html_raw(w, "<p>Strategy <code>");
  bf__html_text(w, bf_search_result_strategy(page->result));
  bf__html_raw(w, "</code>. ");
  bf__html_raw(w, isnan(first->expected_accuracy)
                      ? "The score orders the models, higher is better; it is no accuracy. "
                      : "Expected is what was learnt from the repository's own labelled domains; the truth lies in the "
                        "interval in 9 of 10 cases. ");
  bf__html_raw(w, "Source accuracy is what a model reached on its own data.");
  if (!bf_search_result_data_only(page->result))
    bf__html_format(w, " The models were run on %u rows of the target; no label was read.",
                    bf_search_result_sample_rows(page->result));
  bf__html_raw(w, "</p>\n");
  ranking_head(w, page->result, first, measures);
  for (size_t i = 0; i < shown; i++) {
    const bf_ranked *model = bf_search_result_at(page->result, i);
    ranking_row(w, model, measures, last->score, first->score);
    reasons_row(w, model, 5 + measures.end - measures.first, i < 3);
  }
  bf__html_raw(w, "</tbody></table>\n");
  if (shown < n) {
    bf__html_raw(w, "<p>");
    bf__html_format(w, "… and %zu more.", n - shown);
    bf__html_raw(w, "</p>\n");
  }
  bf__html_raw(w, "</section>\n");
}

/* ---- partitions ---- */

typedef struct match_matrix {
  double *js;
  size_t n_target, n_source;
} match_matrix;

static void matrix_figure(bf__page *page, size_t side, const match_matrix *m, double threshold, double largest) {
  size_t pairs = 0, matched = 0;
  for (size_t t = 0; t < m->n_target; t++) {
    size_t here = 0;
    for (size_t s = 0; s < m->n_source; s++) here += m->js[t * m->n_source + s] < threshold;
    pairs += here;
    matched += here > 0;
  }
  char *finding = bf__asprintf("%s: %zu of %zu target partitions (%.0f %%) find a match", page->names[side], matched,
                               m->n_target, 100 * (double)matched / (double)m->n_target);
  char explanation[200];
  snprintf(explanation, sizeof explanation,
           "%zu of %zu pairs lie below %g: adaptivity (matches per target partition) is %.4g.", pairs,
           m->n_target * m->n_source, threshold, (double)pairs / (double)m->n_target);
  bf__page_figure(page, finding, explanation, bf__plot_matrix(m->js, m->n_target, m->n_source, threshold, largest));
}

/* Few rows would give one partition and no picture: unless the user says a size, there are about 12 then. */
static bf_measure_options partition_options(const bf__page *page) {
  bf_measure_options options = page->options->measure;
  uint64_t rows = UINT64_MAX;
  if (options.partition_size != 0) return options;
  for (size_t side = 0; side < BF__SIDES; side++) {
    uint64_t here = page->sketches[side] != NULL ? bf_sketch_rows(page->sketches[side]) : UINT64_MAX;
    if (here < rows) rows = here;
  }
  options.partition_size = rows >= 8 * DEFAULT_PARTITION_ROWS ? DEFAULT_PARTITION_ROWS
                           : rows >= 240                      ? (uint32_t)(rows / 12)
                                                              : 20;
  return options;
}

bf_status bf__page_partitions(bf__page *page, bf_error *err) {
  match_matrix matrices[BF__SIDES] = {{0}};
  bf_measure_options options = partition_options(page);
  double threshold = page->options->measure.adaptivity_threshold, largest = 0;
  bf_status status = BF_OK;
  if (!(threshold > 0)) threshold = DEFAULT_THRESHOLD;
  for (size_t side = BF__SIDE_BEST; side < BF__SIDES; side++) {
    match_matrix *m = &matrices[side];
    if (page->sketches[side] == NULL) continue;
    status = bf_partition_matrix(page->sketches[side], page->sketches[BF__SIDE_TARGET], &options, &m->js, &m->n_target,
                                 &m->n_source, err);
    if (status == BF_ERR_NOT_APPLICABLE || status == BF_ERR_MISMATCH) status = BF_OK, m->js = NULL;
    if (status != BF_OK) goto out;
    for (size_t i = 0; m->js != NULL && i < m->n_target * m->n_source; i++)
      if (isfinite(m->js[i])) largest = fmax(largest, m->js[i]);
  }
  if (matrices[BF__SIDE_BEST].js == NULL || matrices[BF__SIDE_BEST].n_target * matrices[BF__SIDE_BEST].n_source < 4)
    goto out; /* no picture */
  bf__html_raw(&page->w, "<section><h2>Which parts of the target have a like in the models' data</h2>\n<p>");
  bf__html_format(&page->w,
                  "Rows are put into partitions of about %" PRIu32
                  "; every cell is the Jensen-Shannon divergence of the values in one partition of the target and "
                  "one of the model's data: light is alike. A dot marks a match, a divergence below %g.",
                  options.partition_size, threshold);
  bf__html_raw(&page->w, "</p>\n<div class=\"grid\">\n");
  for (size_t side = BF__SIDE_BEST; side < BF__SIDES; side++)
    if (matrices[side].js != NULL && matrices[side].n_target > 0)
      matrix_figure(page, side, &matrices[side], threshold, largest > 0 ? largest : threshold);
  bf__html_raw(&page->w, "</div></section>\n");
out:
  for (size_t side = 0; side < BF__SIDES; side++) free(matrices[side].js);
  return status;
}

/* ---- images ---- */

static bf_status mean_images(bf__page *page, bf_error *err) {
  bf__html_raw(&page->w, "<h3>Mean image of each side</h3>\n<div class=\"means\">\n");
  for (size_t side = 0; side < BF__SIDES; side++) {
    uint8_t *png = NULL;
    size_t n_bytes = 0;
    if (page->sketches[side] == NULL || bf_sketch_kind(page->sketches[side]) != BF_KIND_IMAGE) continue;
    bf_status status = bf__mean_image(page->sketches[side], &png, &n_bytes, err);
    if (status != BF_OK) return status;
    if (png == NULL) continue;
    char *alt = bf__asprintf("mean of all images: %s", page->names[side]);
    bf__html_raw(&page->w, "<figure class=\"mean\">");
    bf__html_png(&page->w, png, n_bytes, "mean", alt);
    bf__html_raw(&page->w, "<figcaption><span class=\"key ");
    bf__html_raw(&page->w, side_classes[side]);
    bf__html_raw(&page->w, "\"></span>");
    bf__html_text(&page->w, page->names[side]);
    bf__html_raw(&page->w, "</figcaption></figure>\n");
    free(alt);
    free(png);
  }
  bf__html_raw(&page->w, "</div>\n");
  return BF_OK;
}

bf_status bf__page_images(bf__page *page, bf_error *err) {
  const bf_sketch *target = page->sketches[BF__SIDE_TARGET];
  if (bf_sketch_kind(target) != BF_KIND_IMAGE || bf_sketch_rows(target) == 0) return BF_OK;
  bf__html_raw(&page->w, "<section><h2>The target's images</h2>\n");
  if (page->options->target_path != NULL) {
    bf__html_raw(&page->w,
                 "<p>A sample of the target, spread over its first 2,000 rows.</p>\n<div class=\"thumbnails\">");
    bf_status status = bf__thumbnails(&page->w, page->options->target_path, page->options->dataset_options, err);
    if (status != BF_OK) return status;
    bf__html_raw(&page->w, "</div>\n");
  }
  bf_status status = bf_sketch_raw_means(target) != NULL ? mean_images(page, err) : BF_OK;
  bf__html_raw(&page->w, "</section>\n");
  return status;
}

/* ---- what was left out ---- */

void bf__page_notes(bf__page *page) {
  bf__writer *w = &page->w;
  size_t n_warnings = bf_search_result_warning_count(page->result),
         n_skipped = bf_search_result_skipped_count(page->result);
  if (n_warnings > 0) {
    bf__html_raw(w, "<section><h2>Warnings</h2><ul>\n");
    for (size_t i = 0; i < n_warnings; i++) {
      bf__html_raw(w, "<li>");
      bf__html_text(w, bf_search_result_warning(page->result, i));
      bf__html_raw(w, "</li>\n");
    }
    bf__html_raw(w, "</ul></section>\n");
  }
  if (n_skipped == 0) return;
  bf__html_raw(w, "<section><h2>");
  bf__html_format(w, "%zu model%s not ranked", n_skipped, n_skipped == 1 ? " is" : "s are");
  bf__html_raw(w, "</h2><ul>\n");
  for (size_t i = 0; i < n_skipped && i < MAX_SKIPPED_SHOWN; i++) {
    const bf_skipped *model = bf_search_result_skipped_at(page->result, i);
    bf__html_raw(w, "<li>");
    bf__html_format(w, "%s@%" PRIu32 ": %s", model->id, model->version, model->why);
    bf__html_raw(w, "</li>\n");
  }
  if (n_skipped > MAX_SKIPPED_SHOWN) {
    bf__html_raw(w, "<li>");
    bf__html_format(w, "… and %zu more", n_skipped - MAX_SKIPPED_SHOWN);
    bf__html_raw(w, "</li>\n");
  }
  bf__html_raw(w, "</ul></section>\n");
}
