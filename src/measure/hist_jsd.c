/* hist-jsd: mean over columns of the Jensen-Shannon divergence of 16-bin histograms at the pooled quantiles. */
#include "measure/measure_internal.h"

bf_status bf__hist_jsd(const bf_prepared *source, const bf_prepared *target, double *out, bf_error *err) {
  uint32_t k = source->frame->n_columns;
  if (source->sketch->rows == 0 || target->sketch->rows == 0) {
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "the %s has no rows", source->sketch->rows == 0 ? "source" : "target");
  }
  if (k == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, BF__NO_COLUMN);
  double sum = 0.0;
  for (uint32_t j = 0; j < k; ++j) sum += bf__jsd(source->bins[j], target->bins[j], BF__BINS);
  *out = sum / (double)k;
  return BF_OK;
}
