/* The estimators again, straight from their formulas (docs/strategies.md, parts 3 and 4): slow, dense, long double
 * where it costs nothing, sharing no code with src/estimate. */
#ifndef BESTFIT_TESTS_ESTIMATE_ORACLE_H
#define BESTFIT_TESTS_ESTIMATE_ORACLE_H

#include <bestfit/estimate.h>

typedef struct oracle oracle;
oracle *oracle_create(const bf_panel_model *models, size_t n_models, size_t n_items, const bf_panel_options *options);
void oracle_free(oracle *o);
/* NaN: not applicable to this model. */
double oracle_estimate(const oracle *o, const char *name, size_t model);

/* The fit of a calibration again; only numbers, no confusion. */
typedef struct oracle_calibration {
  double accuracy, macro_f1, temperature, mean_confidence, atc_threshold, atc_entropy_threshold;
  size_t n_steps;
  double step_confidence[512], step_accuracy[512];
} oracle_calibration;
void oracle_calibrate(const bf_outputs *outputs, const int32_t *truth, oracle_calibration *out);

/* Largest sum over assignments of rows to columns (square), by the Hungarian method. */
double oracle_assignment(const double *gain, size_t n);

#endif
