/* Calibration: what a model's labelled validation data tell, once, at registration. Definitions: docs/strategies.md,
 * part 3. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "estimate/calibration_internal.h"

#define TEMPERATURES 40
#define LOWEST_TEMPERATURE 0.3
#define HIGHEST_TEMPERATURE 8.0

/* ---- the object ---- */

bf_status bf__calibration_create(size_t n_classes, bf_calibration **out, bf_error *err) {
  *out = NULL;
  bf_calibration *c = bf__alloc(1, sizeof *c);
  if (!c) return bf__error_memory(err, sizeof *c);
  c->n_classes = n_classes;
  c->classes = bf__alloc(n_classes, sizeof *c->classes);
  c->class_counts = bf__alloc(n_classes, sizeof *c->class_counts);
  c->prior = bf__alloc(n_classes, sizeof *c->prior);
  c->confusion = bf__alloc(n_classes * n_classes, sizeof *c->confusion);
  if (!c->classes || !c->class_counts || !c->prior || !c->confusion) {
    bf_calibration_free(c);
    return bf__error_memory(err, n_classes * n_classes * sizeof *c->confusion);
  }
  *out = c;
  return BF_OK;
}

void bf_calibration_free(bf_calibration *c) {
  if (!c) return;
  for (size_t i = 0; c->classes && i < c->n_classes; i++) free(c->classes[i]);
  free(c->classes);
  free(c->class_counts);
  free(c->prior);
  free(c->confusion);
  free(c->step_confidence);
  free(c->step_accuracy);
  free(c);
}

void bf__calibration_set_prior(bf_calibration *c) {
  double total = 0.0;
  for (size_t k = 0; k < c->n_classes; k++) total += (double)c->class_counts[k];
  for (size_t k = 0; k < c->n_classes; k++) c->prior[k] = total > 0.0 ? (double)c->class_counts[k] / total : 0.0;
}

/* ---- fitting ---- */

/* Items that have a label and an answer. */
typedef struct fit {
  const bf_outputs *outputs;
  const int32_t *truth;
  size_t n, *items;
  int32_t *predicted; /* [n] */
  double *number;     /* [n] scratch: one number an item */
  double *row;        /* [n_classes] */
} fit;

static void logits_of(const fit *f, size_t item, double *z) {
  size_t k = f->outputs->n_classes;
  const float *scores = f->outputs->scores + item * k;
  for (size_t c = 0; c < k; c++)
    z[c] = f->outputs->are_logits ? (double)scores[c] : log(fmax((double)scores[c], BF__SMALLEST_PROBABILITY));
}

static bf_status choose_items(fit *f, bf_calibration *c, bf_error *err) {
  const bf_outputs *o = f->outputs;
  f->items = bf__alloc(o->n_items, sizeof *f->items);
  f->predicted = bf__alloc(o->n_items, sizeof *f->predicted);
  f->number = bf__alloc(o->n_items, sizeof *f->number);
  f->row = bf__alloc(o->n_classes, sizeof *f->row);
  if (!f->items || !f->predicted || !f->number || !f->row) return bf__error_memory(err, o->n_items * sizeof *f->items);
  for (size_t i = 0; i < o->n_items; i++) {
    int32_t truth = f->truth[i];
    if (truth < -2 || (truth >= 0 && (size_t)truth >= o->n_classes))
      return bf__error_at(err, BF_ERR_INVALID_ARGUMENT, (int64_t)i, "item %zu: label number %d of %zu classes", i,
                          truth, o->n_classes);
    if (truth == -1) continue;
    c->n_items++;
    if (truth >= 0) c->class_counts[truth]++;
    const float *scores = o->scores + i * o->n_classes;
    if (!bf__scores_answer(scores, o->n_classes, o->are_logits)) continue;
    f->predicted[f->n] = (int32_t)bf__largest_score(scores, o->n_classes);
    f->items[f->n++] = i;
  }
  if (c->n_items == 0) return bf__error(err, BF_ERR_NOT_APPLICABLE, "no item of the validation data has a label");
  if (f->n == 0)
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "the model gives no finite scores for the labelled validation data");
  return BF_OK;
}

/* Accuracy, confusion, macro-F1; wrong answers among the answered. */
static bf_status count_errors(const fit *f, bf_calibration *c, size_t *n_wrong, bf_error *err) {
  size_t k = c->n_classes, right = 0, occurring = 0;
  double sum = 0.0;
  uint64_t *predicted = bf__alloc(k, sizeof *predicted);
  if (!predicted) return bf__error_memory(err, k * sizeof *predicted);
  for (size_t i = 0; i < f->n; i++) {
    int32_t truth = f->truth[f->items[i]];
    predicted[f->predicted[i]]++;
    right += truth == f->predicted[i];
    if (truth >= 0) c->confusion[(size_t)truth * k + (size_t)f->predicted[i]]++;
  }
  for (size_t i = 0; i < k; i++) {
    uint64_t both = c->class_counts[i] + predicted[i];
    if (both == 0) continue;
    occurring++;
    sum += 2.0 * (double)c->confusion[i * k + i] / (double)both;
  }
  free(predicted);
  *n_wrong = f->n - right;
  c->accuracy = (double)right / (double)c->n_items;
  c->macro_f1 = occurring > 0 ? sum / (double)occurring : 0.0;
  return BF_OK;
}

static double mean_nll(fit *f, double temperature, size_t *n) {
  double sum = 0.0;
  *n = 0;
  for (size_t i = 0; i < f->n; i++) {
    int32_t truth = f->truth[f->items[i]];
    if (truth < 0) continue; /* a class that it lacks has probability 0 at any temperature */
    logits_of(f, f->items[i], f->row);
    for (size_t c = 0; c < f->outputs->n_classes; c++) f->row[c] /= temperature;
    sum += bf__log_sum_exp(f->row, f->outputs->n_classes) - f->row[truth];
    ++*n;
  }
  return sum;
}

static void fit_temperature(fit *f, bf_calibration *c) {
  double best = INFINITY;
  c->temperature = 1.0;
  for (int t = 0; t < TEMPERATURES; t++) {
    double step = (double)t / (double)(TEMPERATURES - 1);
    double temperature = LOWEST_TEMPERATURE * pow(HIGHEST_TEMPERATURE / LOWEST_TEMPERATURE, step);
    size_t n = 0;
    double nll = mean_nll(f, temperature, &n);
    if (n == 0 || !(nll < best)) continue;
    best = nll;
    c->temperature = temperature;
  }
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* t such that as many numbers lie below it as answers are wrong (fewer where numbers are equal). Sorts. */
static double threshold(double *numbers, size_t n, size_t n_wrong) {
  qsort(numbers, n, sizeof *numbers, compare_doubles);
  return n_wrong < n ? numbers[n_wrong] : nextafter(numbers[n - 1], INFINITY);
}

typedef struct graded {
  double confidence, right;
} graded;

static int compare_graded(const void *a, const void *b) {
  const graded *x = a, *y = b;
  return x->confidence < y->confidence ? -1 : x->confidence > y->confidence;
}

/* Pool adjacent violators (Ayer et al. 1955): steps of correctness that never fall. */
static bf_status fit_steps(graded *all, size_t n, bf_calibration *c, bf_error *err) {
  size_t n_steps = 0;
  double *weight = bf__alloc(n, sizeof *weight);
  c->step_confidence = bf__alloc(n, sizeof *c->step_confidence);
  c->step_accuracy = bf__alloc(n, sizeof *c->step_accuracy);
  if (!weight || !c->step_confidence || !c->step_accuracy) {
    free(weight);
    return bf__error_memory(err, n * 3 * sizeof *weight);
  }
  qsort(all, n, sizeof *all, compare_graded);
  for (size_t first = 0, last; first < n; first = last) {
    double right = 0.0;
    for (last = first; last < n && all[last].confidence == all[first].confidence; last++) right += all[last].right;
    c->step_confidence[n_steps] = all[first].confidence;
    weight[n_steps] = (double)(last - first);
    c->step_accuracy[n_steps++] = right / (double)(last - first);
    while (n_steps > 1 && c->step_accuracy[n_steps - 2] >= c->step_accuracy[n_steps - 1]) {
      double both = weight[n_steps - 2] + weight[n_steps - 1];
      c->step_accuracy[n_steps - 2] =
          (c->step_accuracy[n_steps - 2] * weight[n_steps - 2] + c->step_accuracy[n_steps - 1] * weight[n_steps - 1]) /
          both;
      weight[n_steps - 2] = both;
      n_steps--;
    }
  }
  c->n_steps = n_steps;
  free(weight);
  return BF_OK;
}

/* Confidences at the temperature found, and what is learnt from them. */
static bf_status fit_confidences(fit *f, bf_calibration *c, size_t n_wrong, bf_error *err) {
  size_t k = c->n_classes;
  double sum = 0.0;
  graded *all = bf__alloc(f->n, sizeof *all);
  double *entropies = bf__alloc(f->n, sizeof *entropies);
  bf_status status = BF_OK;
  if (!all || !entropies) BF_TRY(bf__error_memory(err, f->n * (sizeof *all + sizeof *entropies)));
  for (size_t i = 0; i < f->n; i++) {
    logits_of(f, f->items[i], f->row);
    bf__softmax(f->row, k, c->temperature, f->row);
    f->number[i] = all[i].confidence = bf__row_confidence(f->row, k);
    all[i].right = f->truth[f->items[i]] == f->predicted[i] ? 1.0 : 0.0;
    entropies[i] = bf__row_neg_entropy(f->row, k);
    sum += f->number[i];
  }
  c->mean_confidence = sum / (double)f->n;
  c->atc_threshold = threshold(f->number, f->n, n_wrong);
  c->atc_entropy_threshold = threshold(entropies, f->n, n_wrong);
  BF_TRY(fit_steps(all, f->n, c, err));
out:
  free(all);
  free(entropies);
  return status;
}

static bf_status take_names(bf_calibration *c, const char *const *classes, bf_error *err) {
  for (size_t k = 0; k < c->n_classes; k++) {
    if (!classes[k]) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "class %zu has no name", k);
    c->classes[k] = bf__strdup(classes[k]);
    if (!c->classes[k]) return bf__error_memory(err, strlen(classes[k]));
  }
  return BF_OK;
}

bf_status bf_calibration_fit(const bf_outputs *outputs, const char *const *classes, const int32_t *truth,
                             bf_calibration **out, bf_error *err) {
  if (!out) return bf__error(err, BF_ERR_INVALID_ARGUMENT, "no place for the calibration");
  *out = NULL;
  if (!outputs || !classes || !truth || outputs->n_classes == 0)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "outputs, class names and labels are needed");
  if (outputs->n_classes > BF__MAX_CALIBRATED)
    return bf__error(err, BF_ERR_LIMIT, "%zu classes; at most %u are calibrated", outputs->n_classes,
                     BF__MAX_CALIBRATED);
  bf_status status = BF_OK;
  bf_calibration *c = NULL;
  fit f = {.outputs = outputs, .truth = truth};
  size_t n_wrong = 0;
  BF_TRY(bf__calibration_create(outputs->n_classes, &c, err));
  BF_TRY(take_names(c, classes, err));
  BF_TRY(choose_items(&f, c, err));
  BF_TRY(count_errors(&f, c, &n_wrong, err));
  bf__calibration_set_prior(c);
  fit_temperature(&f, c);
  BF_TRY(fit_confidences(&f, c, n_wrong, err));
  *out = c;
  c = NULL;
out:
  free(f.items);
  free(f.predicted);
  free(f.number);
  free(f.row);
  bf_calibration_free(c);
  return status;
}
