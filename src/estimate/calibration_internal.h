/* Between fitting a calibration (calibration.c) and its bytes (calibration_json.c). */
#ifndef BESTFIT_SRC_CALIBRATION_INTERNAL_H
#define BESTFIT_SRC_CALIBRATION_INTERNAL_H

#include "estimate/estimate_internal.h"

#define BF__MAX_CALIBRATED 2048u /* classes: the confusion matrix then has 32 MiB */

/* Everything of n_classes allocated and 0, no steps. */
bf_status bf__calibration_create(size_t n_classes, bf_calibration **out, bf_error *err);
/* prior from class_counts; without a count all 0. */
void bf__calibration_set_prior(bf_calibration *calibration);

#endif
