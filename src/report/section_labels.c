/* Of bestfit label: what the answers so far say, and the rows that are asked, images as thumbnails. */
#include "report/report_internal.h"

static bf_status write_row(bf__page *page, const bf_report_row *row, bf_error *err) {
  bf__writer *w = &page->w;
  const bf_batch *batch = page->options->sample != NULL ? bf_sample_batch(page->options->sample) : NULL;
  bf_status status = BF_OK;
  bf__html_raw(w, "<li>");
  if (batch != NULL && batch->images != NULL && row->row < batch->n_rows) {
    bf_schema schema;
    bf_sample_schema(page->options->sample, &schema);
    status = bf__thumbnail(w, &batch->images[row->row], schema.range_max,
                           (int64_t)bf_sample_row(page->options->sample, row->row), err);
    bf__html_raw(w, " ");
  }
  bf__html_text(w, row->name);
  if (row->answer != NULL) {
    bf__html_raw(w, ": <strong>");
    bf__html_text(w, row->answer);
    bf__html_raw(w, "</strong>");
  }
  if (row->content != NULL && row->content[0] != '\0') {
    bf__html_raw(w, "<br>");
    bf__html_text(w, row->content);
  }
  bf__html_raw(w, "</li>\n");
  return status;
}

bf_status bf__page_labels(bf__page *page, bf_error *err) {
  bf__writer *w = &page->w;
  bf_status status = BF_OK;
  if (page->options->n_rows == 0 && page->options->n_findings == 0) return BF_OK;
  for (int answered = 0; answered < 2; answered++) { /* what is asked comes first, then what was answered */
    size_t n = 0;
    for (size_t i = 0; i < page->options->n_rows; i++) n += (page->options->rows[i].answer != NULL) == (answered == 1);
    if (n == 0 && (answered == 1 || page->options->n_findings == 0)) continue;
    bf__html_raw(w, answered ? "<section><h2>Rows labelled</h2>\n" : "<section><h2>Rows to label</h2>\n");
    for (size_t i = 0; !answered && i < page->options->n_findings; i++) {
      bf__html_raw(w, "<p>");
      bf__html_text(w, page->options->findings[i]);
      bf__html_raw(w, "</p>\n");
    }
    bf__html_raw(w, "<ul>\n");
    for (size_t i = 0; i < page->options->n_rows && status == BF_OK; i++)
      if ((page->options->rows[i].answer != NULL) == (answered == 1))
        status = write_row(page, &page->options->rows[i], err);
    bf__html_raw(w, "</ul></section>\n");
  }
  return status;
}
