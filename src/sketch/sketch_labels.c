#include "sketch/sketch_labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sketch/sketch_format.h"

static int by_count(const void *a, const void *b) {
  const bf__label *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  return strcmp(x->name, y->name);
}

bf_status bf__sketch_keep_labels(bf__label *labels, size_t n, bf_sketch *s, bf_error *err) {
  if (n) qsort(labels, n, sizeof *labels, by_count);
  while (n && labels[n - 1].count == 0) n--;
  size_t bytes = 4, kept = 0;
  const size_t other_bytes = 1 + 5 + 10;
  for (; kept < n && kept < BF__MAX_LABELS; kept++) {
    size_t more = 1 + strlen(labels[kept].name) + 10;
    bool last = kept + 1 == n;
    if (!last && kept + 1 == BF__MAX_LABELS) break;
    if (bytes + more + (last ? 0 : other_bytes) > BF__LABEL_BYTES) break;
    bytes += more;
  }
  size_t n_labels = kept + (kept < n);
  if (n_labels == 0) return BF_OK;
  s->labels = bf__alloc(n_labels, sizeof *s->labels);
  if (!s->labels) return bf__error_memory(err, n_labels * sizeof *s->labels);
  s->n_labels = (uint32_t)n_labels;
  memcpy(s->labels, labels, kept * sizeof *labels);
  if (kept < n) strcpy(s->labels[kept].name, "other");
  for (size_t i = kept; i < n; i++) s->labels[kept].count += labels[i].count;
  return BF_OK;
}
