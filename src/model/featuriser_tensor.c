/* What every featuriser asks of a model's inputs, and how numbers get into a tensor. */
#include <math.h>
#include <string.h>

#include "model/featuriser_internal.h"

bool bf__is_integer(bf__element type) {
  return type == BF__ELEMENT_INT64 || type == BF__ELEMENT_INT32;
}

bool bf__is_number(bf__element type) {
  return type == BF__ELEMENT_FLOAT32 || type == BF__ELEMENT_FLOAT64 || type == BF__ELEMENT_UINT8 ||
         type == BF__ELEMENT_BOOL || bf__is_integer(type);
}

bf_status bf__expect_inputs(const bf__making *m, size_t n, const char *featuriser) {
  if (m->n_ports == n) return BF_OK;
  return bf__error(m->err, BF_ERR_MISMATCH, "the model has %zu input%s; the featuriser %s fills %zu", m->n_ports,
                   m->n_ports == 1 ? "" : "s", featuriser, n);
}

bf_status bf__expect_numbers(const bf__making *m, size_t port, bool any_number) {
  const bf__port *p = &m->ports[port];
  const bool fits =
      any_number ? bf__is_number(p->type) : p->type == BF__ELEMENT_FLOAT32 || p->type == BF__ELEMENT_FLOAT64;
  if (fits) return BF_OK;
  return bf__error(m->err, BF_ERR_MISMATCH,
                   "the model's input \"%.60s\" takes %s; the card's featuriser gives numbers%s", p->name,
                   bf__element_name(p->type), any_number ? "" : ", float32 or float64");
}

bf_status bf__expect_width(const bf__making *m, size_t port, const char *key, int64_t *width) {
  const bf__port *p = &m->ports[port];
  if (p->n_dims != 2)
    return bf__error(m->err, BF_ERR_MISMATCH,
                     "the model's input \"%.60s\" has %u dimensions; the featuriser gives (n, %s)", p->name, p->n_dims,
                     key);
  if (p->dims[1] < 0) return BF_OK;
  if (*width != 0 && *width != p->dims[1])
    return bf__error(m->err, BF_ERR_MISMATCH, "the model's input \"%.60s\" is (n, %lld); the card's %s is %lld",
                     p->name, (long long)p->dims[1], key, (long long)*width);
  *width = p->dims[1];
  return BF_OK;
}

bf_status bf__tensor(const bf__filling *f, size_t port, int64_t *dims, uint32_t n_dims, void **out) {
  const bf__element type = f->ports[port].type;
  uint64_t bytes = bf__element_bytes(type);
  dims[0] = (int64_t)f->padded;
  bool fits = true;
  for (uint32_t i = 0; i < n_dims; i++)
    fits = fits && dims[i] >= 0 && !__builtin_mul_overflow(bytes, (uint64_t)dims[i], &bytes);
  if (!fits || bytes > BF__MOST_TENSOR_BYTES)
    return bf__error(f->err, BF_ERR_LIMIT,
                     "input \"%.60s\": %zu items of a batch need more than %llu MiB; run fewer at once",
                     f->ports[port].name, f->padded, (unsigned long long)(BF__MOST_TENSOR_BYTES >> 20));
  return f->sink->numbers(f->sink->context, port, type, dims, n_dims, out, f->err);
}

static double whole(float value, double least, double greatest) {
  const double v = rint((double)value);
  return isnan(v) ? 0 : v < least ? least : v > greatest ? greatest : v;
}

void bf__put_numbers(bf__element type, void *tensor, size_t at, const float *values, size_t n) {
  switch (type) {
    case BF__ELEMENT_FLOAT32:
      if ((float *)tensor + at != values) memcpy((float *)tensor + at, values, n * sizeof *values);
      break;
    case BF__ELEMENT_FLOAT64:
      for (size_t i = 0; i < n; i++) ((double *)tensor)[at + i] = (double)values[i];
      break;
    case BF__ELEMENT_INT64: /* the greatest double below 2^63 */
      for (size_t i = 0; i < n; i++)
        ((int64_t *)tensor)[at + i] = (int64_t)whole(values[i], -0x1p63, 0x1.fffffffffffffp62);
      break;
    case BF__ELEMENT_INT32:
      for (size_t i = 0; i < n; i++) ((int32_t *)tensor)[at + i] = (int32_t)whole(values[i], INT32_MIN, INT32_MAX);
      break;
    case BF__ELEMENT_UINT8:
      for (size_t i = 0; i < n; i++) ((uint8_t *)tensor)[at + i] = (uint8_t)whole(values[i], 0, 255);
      break;
    default:
      for (size_t i = 0; i < n; i++) ((uint8_t *)tensor)[at + i] = values[i] != 0 && !isnan(values[i]);
  }
}

void bf__put_id(bf__element type, void *tensor, size_t at, uint32_t id) {
  if (type == BF__ELEMENT_INT64)
    ((int64_t *)tensor)[at] = id;
  else
    ((int32_t *)tensor)[at] = (int32_t)id;
}

void bf__put_zeros(bf__element type, void *tensor, size_t at, size_t end) {
  memset((char *)tensor + at * bf__element_bytes(type), 0, (end - at) * bf__element_bytes(type));
}
