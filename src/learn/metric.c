/* What is expected of a model: accuracy, or F1 (van Rijsbergen 1979) of one class or on the mean of all. */
#include <math.h>
#include <string.h>

#include "learn/learn_internal.h"

static const char *const NAMES[] = {"accuracy", "macro-f1", "f1"};

const char *bf_metric_name(bf_metric metric) {
  size_t i = (size_t)metric;
  return i < sizeof NAMES / sizeof *NAMES ? NAMES[i] : "unknown";
}

bf_status bf_metric_parse(const char *name, bf_metric *out, bf_error *err) {
  for (size_t i = 0; name && i < sizeof NAMES / sizeof *NAMES; ++i) {
    if (strcmp(NAMES[i], name) != 0) continue;
    *out = (bf_metric)i;
    return BF_OK;
  }
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "'%.40s' is not a metric; use accuracy, macro-f1 or f1",
                   name ? name : "");
}

bf_metric bf_experience_metric(const bf_experience *experience) {
  return experience ? experience->metric : BF_METRIC_ACCURACY;
}

double bf__f1_of_counts(const bf__class_counts *counts, size_t n_classes, size_t positive) {
  double sum = 0.0;
  size_t occurring = 0;
  for (size_t c = 0; c < n_classes; ++c) {
    double both = counts[c].truths + counts[c].votes;
    if ((positive != SIZE_MAX && c != positive) || !(both > 0.0)) continue;
    sum += 2.0 * counts[c].hits / both;
    ++occurring;
  }
  return occurring ? sum / (double)occurring : 0.0;
}

/* Of the two classes of a task the last in the order of bytes is the positive one: "0" and "1", "no" and "yes",
 * "different" and "match". */
bf_status bf__set_metric(bf_experience *e, bf_metric metric, const char *positive, bf_error *err) {
  e->metric = metric;
  e->positive = BF__NO_CLASS;
  if (metric != BF_METRIC_F1 || e->n_classes == 0) return BF_OK;
  if (!positive && e->n_classes != 2)
    return bf__error(err, BF_ERR_NOT_APPLICABLE,
                     "F1 of which class? The models know %zu; name one, or ask for macro-f1", e->n_classes);
  for (size_t c = 0; c < e->n_classes; ++c)
    if (positive ? strcmp(e->classes[c], positive) == 0 : c == 1) e->positive = (uint16_t)c;
  if (e->positive != BF__NO_CLASS) return BF_OK;
  return bf__error(err, BF_ERR_NOT_APPLICABLE, "no model knows the class '%.60s'", positive);
}

double bf__source_value(const bf_experience *e, const bf_experience_model *model) {
  const bf_calibration *c = model->calibration;
  if (e->metric == BF_METRIC_ACCURACY) return model->source_accuracy;
  if (!c) return NAN;
  if (e->metric == BF_METRIC_MACRO_F1) return c->macro_f1;
  for (size_t k = 0; k < c->n_classes && e->positive != BF__NO_CLASS; ++k) {
    if (strcmp(c->classes[k], e->classes[e->positive]) != 0) continue;
    double votes = 0.0;
    for (size_t t = 0; t < c->n_classes; ++t) votes += (double)c->confusion[t * c->n_classes + k];
    double both = (double)c->class_counts[k] + votes;
    return both > 0.0 ? 2.0 * (double)c->confusion[k * c->n_classes + k] / both : 0.0;
  }
  return NAN;
}
