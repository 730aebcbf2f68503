#include <bestfit/evaluation.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#define BINS 15
#define DRAWS 1000
#define Z95 1.959963984540054
#define DEFAULT_SEED UINT64_C(20220706)

void bf_evaluation_free(bf_evaluation *evaluation) {
  if (!evaluation) return;
  free(evaluation->classes);
  free(evaluation->confusion);
  free(evaluation);
}

bool bf_outputs_probabilities(const bf_outputs *outputs, size_t item, double temperature, double *out,
                              int32_t *predicted) {
  size_t n = outputs->n_classes, best = 0;
  const float *scores = outputs->scores + item * n;
  bool finite = n > 0;
  double sum = 0.0;
  for (size_t c = 0; c < n; c++) {
    finite = finite && isfinite(scores[c]);
    if (scores[c] > scores[best]) best = c;
  }
  if (predicted) *predicted = finite ? (int32_t)best : -1;
  if (!(temperature > 0.0)) temperature = 1.0;
  for (size_t c = 0; c < n; c++) {
    out[c] = 0.0;
    if (!finite) continue;
    if (outputs->are_logits) {
      out[c] = exp(((double)scores[c] - (double)scores[best]) / temperature);
    } else {
      out[c] = scores[c] > 0.0f ? pow((double)scores[c] / (double)scores[best], 1.0 / temperature) : 0.0;
    }
    sum += out[c];
  }
  for (size_t c = 0; c < n && sum > 0.0; c++) out[c] /= sum;
  return finite;
}

/* Wilson's score interval of k of n; [0, 1] where n is 0. */
static void wilson(uint64_t k, uint64_t n, double *low, double *high) {
  *low = 0.0;
  *high = 1.0;
  if (n == 0) return;
  double p = (double)k / (double)n, z2 = Z95 * Z95 / (double)n;
  double centre = (p + z2 / 2.0) / (1.0 + z2);
  double half = Z95 / (1.0 + z2) * sqrt(p * (1.0 - p) / (double)n + z2 / (4.0 * (double)n));
  *low = fmax(0.0, centre - half);
  *high = fmin(1.0, centre + half);
}

/* Mean F1 over the classes that occur. `foreign[c]` truths that the model lacks are predicted as c. */
static double macro_f1(const double *confusion, const double *foreign, size_t n) {
  double sum = 0.0;
  size_t occur = 0;
  for (size_t c = 0; c < n; c++) {
    double n_true = 0.0, n_predicted = foreign[c];
    for (size_t k = 0; k < n; k++) {
      n_true += confusion[c * n + k];
      n_predicted += confusion[k * n + c];
    }
    if (n_true + n_predicted <= 0.0) continue;
    occur++;
    sum += 2.0 * confusion[c * n + c] / (n_true + n_predicted);
  }
  return occur ? sum / (double)occur : 0.0;
}

static double poisson(bf__random *random, double mean) {
  if (mean > 50.0) return fmax(0.0, floor(mean + sqrt(mean) * bf__random_normal(random) + 0.5));
  double limit = exp(-mean), product = bf__random_unit(random), n = 0.0;
  for (; product > limit; n += 1.0) product *= bf__random_unit(random);
  return n;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* What one pass over the items counts. */
typedef struct tally {
  double *confusion;       /* [n][n] */
  double *foreign;         /* [n] */
  double *unanswered_true; /* [n] truths without an answer */
  double *row;             /* [n] probabilities */
  double bin_n[BINS], bin_right[BINS], bin_confidence[BINS];
  uint64_t n_right;
} tally;

static bf_status tally_init(tally *t, size_t n, bf_error *err) {
  t->confusion = bf__alloc(n * n, sizeof(double));
  t->foreign = bf__alloc(n, sizeof(double));
  t->unanswered_true = bf__alloc(n, sizeof(double));
  t->row = bf__alloc(n, sizeof(double));
  bool all = t->confusion && t->foreign && t->unanswered_true && t->row;
  return all ? BF_OK : bf__error_memory(err, n * n * sizeof(double));
}

static void tally_deinit(tally *t) {
  free(t->confusion);
  free(t->foreign);
  free(t->unanswered_true);
  free(t->row);
}

static void count_item(tally *t, bf_evaluation *e, const bf_outputs *outputs, size_t item, int32_t truth,
                       double temperature) {
  int32_t predicted = -1;
  size_t n = e->n_classes;
  e->n_items++;
  e->n_foreign += truth < 0;
  if (!bf_outputs_probabilities(outputs, item, temperature, t->row, &predicted)) {
    e->n_unanswered++;
    if (truth >= 0) t->unanswered_true[truth] += 1.0;
    return;
  }
  double confidence = t->row[predicted];
  int bin = (int)(confidence * BINS);
  if (bin >= BINS) bin = BINS - 1;
  t->bin_n[bin] += 1.0;
  t->bin_confidence[bin] += confidence;
  t->bin_right[bin] += predicted == truth;
  t->n_right += predicted == truth;
  if (truth >= 0) {
    t->confusion[(size_t)truth * n + (size_t)predicted] += 1.0;
  } else {
    t->foreign[predicted] += 1.0;
  }
}

static void per_class(const tally *t, bf_evaluation *e, const char *const *classes) {
  size_t n = e->n_classes;
  for (size_t c = 0; c < n; c++) {
    bf_class_evaluation *out = &e->classes[c];
    double n_true = t->unanswered_true[c], n_predicted = t->foreign[c];
    for (size_t k = 0; k < n; k++) {
      n_true += t->confusion[c * n + k];
      n_predicted += t->confusion[k * n + c];
      e->confusion[c * n + k] = (uint64_t)t->confusion[c * n + k];
    }
    out->name = classes[c];
    out->n_true = (uint64_t)n_true;
    out->n_predicted = (uint64_t)n_predicted;
    out->n_right = e->confusion[c * n + c];
    double right = (double)out->n_right;
    out->precision = n_predicted > 0.0 ? right / n_predicted : 0.0;
    out->recall = n_true > 0.0 ? right / n_true : 0.0;
    out->f1 = n_true + n_predicted > 0.0 ? 2.0 * right / (n_true + n_predicted) : 0.0;
    wilson(out->n_right, out->n_true, &out->recall_low, &out->recall_high);
    wilson(out->n_right, out->n_predicted, &out->precision_low, &out->precision_high);
  }
}

/* Truths without an answer count as a prediction of nothing: they lower recall. */
static double mean_f1(const bf_evaluation *e) {
  double sum = 0.0;
  size_t occur = 0;
  for (size_t c = 0; c < e->n_classes; c++) {
    occur += e->classes[c].n_true + e->classes[c].n_predicted > 0;
    sum += e->classes[c].f1;
  }
  return occur ? sum / (double)occur : 0.0;
}

static bf_status bootstrap(const tally *t, bf_evaluation *e, uint64_t seed, bf_error *err) {
  size_t n = e->n_classes;
  double *draw = bf__alloc(n * n, sizeof *draw), *foreign = bf__alloc(n, sizeof *foreign);
  double *values = bf__alloc(DRAWS, sizeof *values);
  bf_status status = draw && foreign && values ? BF_OK : bf__error_memory(err, n * n * sizeof *draw);
  bf__random random = bf__random_of(seed ? seed : DEFAULT_SEED);
  for (size_t d = 0; status == BF_OK && d < DRAWS; d++) {
    for (size_t i = 0; i < n * n; i++) draw[i] = t->confusion[i] > 0.0 ? poisson(&random, t->confusion[i]) : 0.0;
    for (size_t c = 0; c < n; c++) foreign[c] = t->foreign[c] > 0.0 ? poisson(&random, t->foreign[c]) : 0.0;
    values[d] = macro_f1(draw, foreign, n);
  }
  if (status == BF_OK) {
    qsort(values, DRAWS, sizeof *values, compare_doubles);
    e->macro_f1_low = fmin(e->macro_f1, values[DRAWS * 25 / 1000]);
    e->macro_f1_high = fmax(e->macro_f1, values[DRAWS * 975 / 1000 - 1]);
  }
  free(draw);
  free(foreign);
  free(values);
  return status;
}

static void sum_up(const tally *t, bf_evaluation *e) {
  double n = (double)e->n_items, answered = (double)(e->n_items - e->n_unanswered);
  e->accuracy = (double)t->n_right / n;
  wilson(t->n_right, e->n_items, &e->accuracy_low, &e->accuracy_high);
  for (int b = 0; b < BINS && answered > 0.0; b++) {
    e->calibration_error += fabs(t->bin_right[b] - t->bin_confidence[b]) / answered;
    e->mean_confidence += t->bin_confidence[b] / answered;
  }
}

bf_status bf_evaluate(const bf_outputs *outputs, const char *const *classes, const int32_t *truth, double temperature,
                      uint64_t seed, bf_evaluation **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the evaluation");
  *out = NULL;
  if (!outputs || !classes || !truth || outputs->n_classes == 0) {
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "outputs, their classes and true labels are needed");
  }
  bf_status status = BF_OK;
  size_t n = outputs->n_classes, cells = 0;
  tally t = {0};
  bf_evaluation *e = NULL;
  if (!bf__mul(n, n, &cells)) return bf__error(err, BF_ERR_LIMIT, "%zu classes are too many", n);
  BF_TRY(tally_init(&t, n, err));
  e = bf__alloc(1, sizeof *e);
  if (e) e->classes = bf__alloc(n, sizeof *e->classes);
  if (e) e->confusion = bf__alloc(cells, sizeof *e->confusion);
  if (!e || !e->classes || !e->confusion) {
    status = bf__error_memory(err, cells * sizeof *e->confusion);
    goto out;
  }
  e->n_classes = n;
  for (size_t i = 0; i < outputs->n_items; i++) {
    if (truth[i] == -1) {
      e->n_unlabelled++;
    } else {
      count_item(&t, e, outputs, i, truth[i] >= 0 && (size_t)truth[i] < n ? truth[i] : -2, temperature);
    }
  }
  if (e->n_items == 0) {
    status = bf__error(err, BF_ERR_NOT_APPLICABLE, "none of the %zu items has a label", outputs->n_items);
    goto out;
  }
  sum_up(&t, e);
  per_class(&t, e, classes);
  e->macro_f1 = mean_f1(e);
  BF_TRY(bootstrap(&t, e, seed, err));
  *out = e;
  e = NULL;
out:
  bf_evaluation_free(e);
  tally_deinit(&t);
  return status;
}
