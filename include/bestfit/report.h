/* bestfit/report.h: one self-contained HTML page of a search.
 *
 * Question it answers: how do I show a colleague why this model, and check it by eye?
 *
 * The page holds the ranking with reasons, distributions of the target against the best and the worst model, the
 * partition match matrix; where there are words, those that only one side has and those that differ most (words as in
 * the sketches, which may be names: see Privacy there); for pairs the sixteen similarities, for windows the statistics
 * and the power by band of each channel; and for images thumbnails of the target with the mean image of each side.
 * Plots are Vega-Lite, whose scripts are put into the page, so that it opens without a network. Everything that comes
 * from data or cards is escaped, and the page's content security policy runs no script but ours (named by hash, without
 * evaluation of strings).
 *
 * Size: some 0.9 MB, of which 0.84 MB are the plot scripts. Time: a fraction of a second, and one reading of at most
 * 2,000 rows for thumbnails. Determinism: equal inputs give equal bytes; no date is written. Thread-safety: as its
 * arguments. Privacy: the page holds pictures and statistics of the target.
 */
#ifndef BESTFIT_REPORT_H
#define BESTFIT_REPORT_H

#include <bestfit/search.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A row that a person is asked to label, or has labelled. */
typedef struct bf_report_row {
  uint32_t row;        /* of the sample, for its picture */
  const char *name;    /* "row 17, photos/a.png" */
  const char *content; /* its words or numbers; NULL: none */
  const char *answer;  /* NULL: open */
} bf_report_row;

typedef struct bf_report_options {
  size_t struct_size;
  const char *title;                         /* NULL: made of the target's name */
  const char *target_name;                   /* what the user gave, shown */
  const char *target_path;                   /* dataset to take thumbnails from; NULL: none (only a sketch is there) */
  const bf_dataset_options *dataset_options; /* for target_path */
  const char *share_dir; /* folder with vega.min.js, vega-lite.min.js, vega-embed.min.js; NULL: the environment's
                            BESTFIT_SHARE, else where it was installed */
  bf_measure_options measure;
  /* of bestfit label: rows of the sample (thumbnails where they are images), and what the answers say, as sentences */
  const bf_sample *sample; /* NULL: none */
  const bf_report_row *rows;
  size_t n_rows;
  const char *const *findings;
  size_t n_findings;
} bf_report_options;
#define BF_REPORT_OPTIONS_INIT \
  { .struct_size = sizeof(bf_report_options), .measure = BF_MEASURE_OPTIONS_INIT }

/* Writes the page to `path` (to a temporary name first, then renamed). First place is the best, last the worst. Without
 * a partition size given, a side of less than 4,000 rows is cut into about 12 partitions for the matrix. Errors of
 * reading target_path; BF_ERR_IO, BF_ERR_NO_SPACE; BF_ERR_NOT_FOUND: the plot scripts are missing (remedy in the
 * message). */
BF_API BF_MUST_CHECK bf_status bf_report_write(const bf_search_result *result, const bf_sketch *target,
                                               const bf_report_options *options, const char *path, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
