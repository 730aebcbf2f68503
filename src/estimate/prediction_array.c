/* Soft predictions from a .npy of (models, items, classes). Models are read one by one, so that a header that claims
 * more than the file holds costs one model's room at most. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dataset/dataset_internal.h"
#include "estimate/estimate_internal.h"
#include "estimate/predictions_internal.h"

#define PIECE_ITEMS ((size_t)1 << 16)
#define MAX_MODEL_CELLS ((uint64_t)1 << 28) /* 1 GiB */
#define MAX_ITEMS 2000000000u
#define SUM_SLACK 1e-3

static bf_status check_shape(const bf__array_info *info, const char *shown, bf_error *err) {
  const uint64_t *s = info->shape;
  if (info->n_dims != 3)
    return bf__error(err, BF_ERR_MISMATCH, "%.60s has %u dimensions; predictions have three: models, items, classes",
                     shown, info->n_dims);
  if (info->type != 'f')
    return bf__error(err, BF_ERR_UNSUPPORTED, "%.60s holds no floats; save it with x.astype('float32')", shown);
  if (info->fortran)
    return bf__error(err, BF_ERR_UNSUPPORTED, "%.60s is in Fortran order; save it with np.ascontiguousarray(x)", shown);
  if (s[0] == 0 || s[1] == 0 || s[2] == 0)
    return bf__error(err, BF_ERR_NOT_APPLICABLE, "%.60s is empty: %llu models, %llu items, %llu classes", shown,
                     (unsigned long long)s[0], (unsigned long long)s[1], (unsigned long long)s[2]);
  if (s[0] > BF__MAX_PANEL_MODELS || s[2] > BF__MAX_PANEL_CLASSES || s[1] > MAX_ITEMS || s[1] > MAX_MODEL_CELLS / s[2])
    return bf__error(err, BF_ERR_LIMIT,
                     "%.60s has %llu models, %llu items and %llu classes; at most %u models, %u classes and 1 GiB a "
                     "model are read",
                     shown, (unsigned long long)s[0], (unsigned long long)s[1], (unsigned long long)s[2],
                     BF__MAX_PANEL_MODELS, BF__MAX_PANEL_CLASSES);
  return BF_OK;
}

static bf_status read_model(bf__stream *stream, const bf__array_info *info, uint8_t *piece, const char *shown, size_t m,
                            float *out, size_t n, bf_error *err) {
  for (size_t done = 0; done < n;) {
    size_t want = n - done < PIECE_ITEMS ? n - done : PIECE_ITEMS, got = 0;
    bf_status status = bf__stream_read(stream, piece, want * info->item_bytes, &got, err);
    if (status != BF_OK) return status;
    if (got < want * info->item_bytes)
      return bf__error(err, BF_ERR_FORMAT, "%.60s ends within model %zu of %llu: it was cut, fetch it again", shown, m,
                       (unsigned long long)info->shape[0]);
    bf__array_to_floats(info, piece, out + done, want);
    done += want;
  }
  return BF_OK;
}

/* Whether every row that is an answer is a distribution. */
static bool are_distributions(const bf_predictions *p) {
  for (size_t m = 0; m < p->n_models; m++) {
    for (size_t i = 0; i < p->n_items; i++) {
      const float *row = p->scores[m] + i * p->n_classes;
      double sum = 0.0;
      bool finite = true, negative = false;
      for (size_t c = 0; c < p->n_classes; c++) {
        finite = finite && isfinite(row[c]);
        negative = negative || row[c] < 0.0f;
        sum += (double)row[c];
      }
      if (finite && (negative || fabs(sum - 1.0) > SUM_SLACK)) return false;
    }
  }
  return true;
}

/* Names given, or "0", "1", …; exactly n of them, all different. You own *out. */
static bf_status make_names(const char *given, const char *option, size_t n, char ***out, bf_error *err) {
  size_t n_given = 0;
  if (given) {
    bf_status status = bf__split_names(given, out, &n_given, err);
    if (status != BF_OK) return status;
    if (n_given != n) {
      bf__dataset_free_strings(*out, n_given);
      *out = NULL;
      return bf__error(err, BF_ERR_MISMATCH, "%s: %zu names for %zu", option, n_given, n);
    }
    return BF_OK;
  }
  char **names = bf__alloc(n, sizeof *names);
  if (!names) return bf__error_memory(err, n * sizeof *names);
  for (size_t i = 0; i < n; i++) {
    names[i] = bf__asprintf("%zu", i);
    if (names[i]) continue;
    bf__dataset_free_strings(names, i);
    return bf__error_memory(err, 24);
  }
  *out = names;
  return BF_OK;
}

/* Labels of a file beside the array, by the reader of label files, which wants a dataset to number them in. */
static bf_status read_truth(const char *path, const char *shown, bf_predictions *p, bf_error *err) {
  bf_status status = BF_OK;
  bf__label_source *source = NULL;
  bf_dataset *names = bf__alloc(1, sizeof *names);
  if (!names) return bf__error_memory(err, sizeof *names);
  names->label = bf__strdup(path);
  names->shown = shown;
  names->rows_known = true;
  names->row_hint = p->n_items;
  p->truth = bf__alloc(p->n_items, sizeof *p->truth);
  if (!names->label || !p->truth) BF_TRY(bf__error_memory(err, p->n_items * sizeof *p->truth));
  BF_TRY(bf__format_find("npy", &names->format, err));
  for (size_t c = 0; c < p->n_classes; c++) {
    int32_t number = 0;
    BF_TRY(bf__dataset_label(names, p->classes[c], strlen(p->classes[c]), &number, err));
    if ((size_t)number != c)
      BF_TRY(bf__error(err, BF_ERR_INVALID_ARGUMENT, "classes: two are named \"%.60s\"", p->classes[c]));
  }
  BF_TRY(bf__label_source_open(names, &source, err));
  BF_TRY(bf__label_source_next(source, names, p->n_items, p->truth, err));
  BF_TRY(bf__label_source_end(source, p->n_items, err));
  for (size_t i = 0; i < p->n_items; i++) {
    if (p->truth[i] < 0) continue;
    if (strcmp(names->label_names[p->truth[i]], "-1") == 0) {
      p->truth[i] = BF__TRUTH_NONE;
    } else if ((size_t)p->truth[i] >= p->n_classes) {
      p->truth[i] = BF__TRUTH_UNKNOWN_CLASS;
    }
  }
out:
  bf__label_source_close(source);
  bf_dataset_close(names);
  return status;
}

bf_status bf__predictions_of_array(const char *path, const bf_predictions_options *options, bf_predictions *out,
                                   bf_error *err) {
  bf_status status = BF_OK;
  bf__stream *stream = NULL;
  bf__array_info info;
  uint8_t *piece = NULL;
  const char *slash = strrchr(path, '/'), *shown = slash ? slash + 1 : path;
  if (options->drop)
    return bf__error(err, BF_ERR_INVALID_ARGUMENT, "the option drop is for tables; an array has only models");
  BF_TRY(bf__stream_open(path, &stream, err));
  BF_TRY(bf__npy_read_header(stream, &info, err));
  BF_TRY(check_shape(&info, shown, err));
  BF_TRY(bf__array_check_length(&info, stream, shown, err));
  size_t n_models = (size_t)info.shape[0], n_cells = (size_t)(info.shape[1] * info.shape[2]);
  out->n_items = (size_t)info.shape[1];
  piece = bf__alloc(PIECE_ITEMS, info.item_bytes);
  out->scores = bf__alloc(n_models, sizeof *out->scores);
  if (!piece || !out->scores) BF_TRY(bf__error_memory(err, PIECE_ITEMS * info.item_bytes));
  BF_TRY(make_names(options->classes, "classes", (size_t)info.shape[2], &out->classes, err));
  out->n_classes = (size_t)info.shape[2];
  BF_TRY(make_names(options->models, "models", n_models, &out->models, err));
  out->n_models = n_models;
  for (size_t m = 0; m < n_models; m++) {
    out->scores[m] = bf__alloc(n_cells, sizeof **out->scores);
    if (!out->scores[m]) BF_TRY(bf__error_memory(err, n_cells * sizeof **out->scores));
    BF_TRY(read_model(stream, &info, piece, shown, m, out->scores[m], n_cells, err));
  }
  out->are_logits = !are_distributions(out);
  if (options->truth) BF_TRY(read_truth(options->truth, shown, out, err));
out:
  bf__stream_close(stream);
  free(piece);
  return status;
}
