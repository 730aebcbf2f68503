/* N-grams of a text hashed into cells (Weinberger et al. 2009), in two forms.
 *
 * `hashing` is scikit-learn's HashingVectorizer (1.2) bit by bit but for the last rounding: cell |h| mod n_features of
 * h = MurmurHash3_x86_32 of the n-gram's UTF-8 with seed 0, as a signed number; each occurrence adds the sign of h, or
 * 1; then binary, then the norm. `hashed-ids` gives the same cells as a list with weights, for a network that starts
 * with a table of embeddings: 2^15 columns a row would be mostly zeros. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/murmur3.h"
#include "model/featuriser_internal.h"
#include "model/ngrams.h"

typedef enum norm { NORM_L1, NORM_L2, NORM_NONE } norm;

typedef struct touched {
  uint32_t cell;
  uint32_t slot; /* where the table points here */
  float count;
} touched;

typedef struct hashing {
  bf__ngrams ngrams;
  int64_t n_features;
  /* dense */
  bool binary, alternate_sign;
  norm norm;
  /* ids */
  int64_t max_len;
  double target;       /* Euclidean norm of the weights */
  size_t ids, weights; /* ports */
  /* the text in work: its cells in order of their first occurrence, and where each stands in that list */
  touched *list;
  size_t n, capacity;
  uint32_t *slots; /* [mask + 1] open addressing, position + 1 */
  size_t mask;
  bool failed;
} hashing;

static void hashing_free(void *state) {
  hashing *s = state;
  bf__ngrams_deinit(&s->ngrams);
  free(s->list);
  free(s->slots);
  free(s);
}

/* ---- cells of a text ---- */

static size_t slot_of(const hashing *s, uint32_t cell) {
  size_t at = (cell * 0x9e3779b1u >> 7) & s->mask;
  while (s->slots[at] != 0 && s->list[s->slots[at] - 1].cell != cell) at = (at + 1) & s->mask;
  return at;
}

static bool grow(hashing *s) {
  const size_t capacity = s->capacity ? 2 * s->capacity : 512;
  if (capacity > UINT32_MAX / 4) return false;
  touched *list = bf__realloc(s->list, capacity, sizeof *list);
  if (!list) return false;
  s->list = list;
  uint32_t *slots = bf__alloc(2 * capacity, sizeof *slots);
  if (!slots) return false;
  free(s->slots);
  s->slots = slots;
  s->mask = 2 * capacity - 1;
  s->capacity = capacity;
  for (size_t i = 0; i < s->n; i++) {
    s->list[i].slot = (uint32_t)slot_of(s, s->list[i].cell);
    s->slots[s->list[i].slot] = (uint32_t)i + 1;
  }
  return true;
}

static void take_ngram(void *context, const char *bytes, size_t n) {
  hashing *s = context;
  if (s->failed || (s->n == s->capacity && !grow(s))) {
    s->failed = true;
    return;
  }
  const bf__cell cell = bf__cell_of(bytes, n, (uint32_t)s->n_features);
  const size_t at = slot_of(s, cell.cell);
  if (s->slots[at] == 0) {
    s->list[s->n] = (touched){cell.cell, (uint32_t)at, 0};
    s->slots[at] = (uint32_t)++s->n;
  }
  s->list[s->slots[at] - 1].count += s->alternate_sign && !cell.is_positive ? -1.0f : 1.0f;
}

static bf_status count_cells(hashing *s, const bf__filling *f, size_t i) {
  for (size_t k = 0; k < s->n; k++) s->slots[s->list[k].slot] = 0; /* not the whole table: one text may be large */
  s->n = 0;
  s->failed = false;
  if (!bf__each_ngram(&s->ngrams, &f->batch->texts[f->first + i], take_ngram, s) || s->failed)
    return bf__error_memory(f->err, s->capacity * 2 * sizeof *s->list);
  return BF_OK;
}

/* ---- hashing ---- */

static bf_status hashing_create(const bf__making *m, void **state) {
  static const char *const norms[] = {"l1", "l2", "none"};
  bf_status status = BF_OK;
  int norm_chosen = NORM_L2;
  hashing *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(m->err, sizeof *s);
  s->ngrams = (bf__ngrams){.least = 1, .most = 1, .lowercase = true, .shortest = 2};
  s->alternate_sign = true;
  BF_TRY(bf__expect_inputs(m, 1, "hashing"));
  BF_TRY(bf__expect_numbers(m, 0, false));
  BF_TRY(bf__ngrams_read(&m->options, &s->ngrams));
  BF_TRY(bf__option_integer(&m->options, "n_features", 1, BF__MOST_FEATURES, &s->n_features));
  BF_TRY(bf__option_bool(&m->options, "binary", &s->binary));
  BF_TRY(bf__option_bool(&m->options, "alternate_sign", &s->alternate_sign));
  BF_TRY(bf__option_choice(&m->options, "norm", norms, 3, &norm_chosen));
  s->norm = (norm)norm_chosen;
  BF_TRY(bf__expect_width(m, 0, "n_features", &s->n_features));
  if (s->n_features == 0) s->n_features = (int64_t)1 << 20;
  if (s->n_features > BF__MOST_FEATURES)
    BF_TRY(bf__error(m->err, BF_ERR_LIMIT, "the model's input \"%.60s\" has %lld cells; at most %lld are filled",
                     m->ports[0].name, (long long)s->n_features, (long long)BF__MOST_FEATURES));
  *state = s;
  s = NULL;
out:
  if (s) hashing_free(s);
  return status;
}

static double length_of(const hashing *s) {
  double sum = 0;
  if (s->norm == NORM_NONE) return 1;
  for (size_t k = 0; k < s->n; k++) {
    const double x = s->binary ? 1 : (double)s->list[k].count;
    sum += s->norm == NORM_L1 ? fabs(x) : x * x;
  }
  sum = s->norm == NORM_L2 ? sqrt(sum) : sum;
  return sum > 0 ? sum : 1;
}

static bf_status hashing_fill(void *state, const bf__filling *f) {
  hashing *s = state;
  const bf__element type = f->ports[0].type;
  const size_t width = (size_t)s->n_features;
  int64_t dims[2] = {0, s->n_features};
  void *tensor;
  bf_status status = bf__tensor(f, 0, dims, 2, &tensor);
  if (status != BF_OK) return status;
  bf__put_zeros(type, tensor, 0, f->padded * width);
  for (size_t i = 0; i < f->n; i++) {
    status = count_cells(s, f, i);
    if (status != BF_OK) return status;
    const double length = length_of(s);
    for (size_t k = 0; k < s->n; k++) {
      const float value = (float)((s->binary ? 1 : (double)s->list[k].count) / length);
      bf__put_numbers(type, tensor, i * width + s->list[k].cell, &value, 1);
    }
  }
  return BF_OK;
}

static size_t hashing_width(const void *state) {
  const hashing *s = state;
  return (size_t)s->n_features;
}

static const char *const hashing_options[] = {"name",           "n_features",    "analyzer",   "ngram_range",
                                              "lowercase",      "token_pattern", "stop_words", "binary",
                                              "alternate_sign", "norm",          NULL};
const bf__featuriser_row bf__featuriser_hashing = {"hashing",    BF_KIND_TEXT, hashing_options, hashing_create,
                                                   hashing_fill, hashing_free, hashing_width};

/* ---- hashed-ids ---- */

/* The input of whole numbers takes the ids, the other the weights. */
static bf_status find_ports(const bf__making *m, hashing *s) {
  bf_status status = bf__expect_inputs(m, 2, "hashed-ids");
  if (status != BF_OK) return status;
  s->ids = bf__is_integer(m->ports[0].type) ? 0 : 1;
  s->weights = 1 - s->ids;
  if (!bf__is_integer(m->ports[s->ids].type) || bf__is_integer(m->ports[s->weights].type))
    return bf__error(m->err, BF_ERR_MISMATCH,
                     "the model's inputs take %s and %s; hashed-ids gives ids, int64 or int32, and "
                     "weights, float32 or float64",
                     bf__element_name(m->ports[0].type), bf__element_name(m->ports[1].type));
  return bf__expect_numbers(m, s->weights, false);
}

static bf_status ids_create(const bf__making *m, void **state) {
  bf_status status = BF_OK;
  hashing *s = bf__alloc(1, sizeof *s);
  if (!s) return bf__error_memory(m->err, sizeof *s);
  s->ngrams = (bf__ngrams){.least = 1, .most = 2, .lowercase = true, .shortest = 1};
  s->n_features = (int64_t)1 << 15;
  s->target = 4;
  BF_TRY(find_ports(m, s));
  BF_TRY(bf__ngrams_read(&m->options, &s->ngrams));
  BF_TRY(bf__option_integer(&m->options, "n_features", 1, BF__MOST_FEATURES, &s->n_features));
  BF_TRY(bf__option_integer(&m->options, "max_len", 1, BF__MOST_LENGTH, &s->max_len));
  BF_TRY(bf__option_number(&m->options, "norm", &s->target));
  if (!(s->target > 0)) BF_TRY(bf__option_error(&m->options, "norm", "must be a number above 0"));
  BF_TRY(bf__expect_width(m, s->ids, "max_len", &s->max_len));
  BF_TRY(bf__expect_width(m, s->weights, "max_len", &s->max_len));
  if (s->max_len == 0) s->max_len = 256;
  *state = s;
  s = NULL;
out:
  if (s) hashing_free(s);
  return status;
}

static bf_status ids_fill(void *state, const bf__filling *f) {
  hashing *s = state;
  const size_t width = (size_t)s->max_len;
  const bf__element ids_type = f->ports[s->ids].type, weights_type = f->ports[s->weights].type;
  int64_t dims[2] = {0, s->max_len};
  void *ids, *weights;
  bf_status status = bf__tensor(f, s->ids, dims, 2, &ids);
  if (status == BF_OK) status = bf__tensor(f, s->weights, dims, 2, &weights);
  if (status != BF_OK) return status;
  bf__put_zeros(ids_type, ids, 0, f->padded * width);
  bf__put_zeros(weights_type, weights, 0, f->padded * width);
  for (size_t i = 0; i < f->n; i++) {
    status = count_cells(s, f, i);
    if (status != BF_OK) return status;
    const size_t n = s->n < width ? s->n : width;
    double squares = 0;
    for (size_t k = 0; k < n; k++) squares += log1p((double)s->list[k].count) * log1p((double)s->list[k].count);
    for (size_t k = 0; k < n; k++) {
      const float weight = (float)(s->target * log1p((double)s->list[k].count) / sqrt(squares));
      bf__put_id(ids_type, ids, i * width + k, s->list[k].cell);
      bf__put_numbers(weights_type, weights, i * width + k, &weight, 1);
    }
  }
  return BF_OK;
}

static size_t ids_width(const void *state) {
  const hashing *s = state;
  return (size_t)s->max_len;
}

static const char *const ids_options[] = {"name",          "n_features", "analyzer", "ngram_range", "lowercase",
                                          "token_pattern", "stop_words", "max_len",  "norm",        NULL};
const bf__featuriser_row bf__featuriser_hashed_ids = {"hashed-ids", BF_KIND_TEXT, ids_options, ids_create,
                                                      ids_fill,     hashing_free, ids_width};
