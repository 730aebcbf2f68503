/* bestfit/report.h: one self-contained HTML page of a search.
 *
 * Question it answers: how do I show a colleague why this model, and check it by eye?
 *
 * The page holds the ranking with reasons, distributions of the target against the best and the worst model, the partition match matrix,
 * and for images thumbnails of the target with the mean image of each side. Plots are Vega-Lite, whose scripts are put into the page, so
 * that it opens without a network. Everything that comes from data or cards is escaped.
 */
#ifndef BESTFIT_REPORT_H
#define BESTFIT_REPORT_H

#include <bestfit/search.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_report_options {
  size_t struct_size;
  const char *title;       /* NULL: made of the target's name */
  const char *target_name; /* what the user gave, shown */
  const char *target_path; /* dataset to take thumbnails from; NULL: none (only a sketch is there) */
  const bf_dataset_options *dataset_options; /* for target_path */
  const char *share_dir;   /* folder with vega.min.js, vega-lite.min.js, vega-embed.min.js; NULL: where it was installed */
  bf_measure_options measure;
} bf_report_options;
#define BF_REPORT_OPTIONS_INIT \
  { .struct_size = sizeof(bf_report_options), .measure = BF_MEASURE_OPTIONS_INIT }

/* Writes the page to `path` (to a temporary name first, then renamed). BF_ERR_IO, BF_ERR_NO_SPACE; BF_ERR_NOT_FOUND: the plot
 * scripts are missing (remedy in the message). */
BF_API BF_MUST_CHECK bf_status bf_report_write(const bf_search_result *result, const bf_sketch *target,
                                               const bf_report_options *options, const char *path, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
