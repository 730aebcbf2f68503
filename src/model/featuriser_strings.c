/* Texts as they are, for models that read strings themselves: (n) or (n, 1). */
#include <stdlib.h>

#include "base/memory.h"
#include "model/featuriser_internal.h"

static bf_status strings_create(const bf__making *m, void **state) {
  bf_status status = bf__expect_inputs(m, 1, "strings");
  if (status != BF_OK) return status;
  const bf__port *p = &m->ports[0];
  if (p->type != BF__ELEMENT_STRING)
    return bf__error(m->err, BF_ERR_MISMATCH, "the model's input \"%.60s\" takes %s; the featuriser strings gives text",
                     p->name, bf__element_name(p->type));
  if (p->n_dims > 2 || (p->n_dims == 2 && p->dims[1] > 1))
    return bf__error(m->err, BF_ERR_MISMATCH, "the model's input \"%.60s\" takes more than one text a row", p->name);
  *state = bf__alloc(1, 1);
  return *state ? BF_OK : bf__error_memory(m->err, 1);
}

static bf_status strings_fill(void *state, const bf__filling *f) {
  (void)state;
  const int64_t dims[2] = {(int64_t)f->padded, 1};
  bf_string *strings = bf__alloc(f->padded, sizeof *strings);
  if (!strings) return bf__error_memory(f->err, f->padded * sizeof *strings);
  for (size_t i = 0; i < f->padded; i++) {
    strings[i] = i < f->n ? f->batch->texts[f->first + i] : (bf_string){"", 0};
    if (!strings[i].bytes) strings[i] = (bf_string){"", 0};
  }
  bf_status status = f->sink->strings(f->sink->context, 0, dims, f->ports[0].n_dims == 1 ? 1 : 2, strings, f->err);
  free(strings);
  return status;
}

static size_t strings_width(const void *state) {
  (void)state;
  return 1;
}

static const char *const options[] = {"name", NULL};
const bf__featuriser_row bf__featuriser_strings = {"strings",    BF_KIND_TEXT, options,      strings_create,
                                                   strings_fill, free,         strings_width};
