/* A sample in words, so that two can be compared. */
#ifndef BESTFIT_TESTS_SAMPLE_TESTING_H
#define BESTFIT_TESTS_SAMPLE_TESTING_H

#include "dataset_testing.h"

/* All of a sample in one spelling: labels by name, cells by their bits. */
static inline char *spell_sample(const bf_sample *s) {
  char *out = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&out, &n);
  assert_non_null(f);
  const bf_batch *b = bf_sample_batch(s);
  bf_schema schema;
  bf_sample_schema(s, &schema);
  fprintf(f, "%s %llu of %llu, %u columns, %u x %u, white %g\n", bf_kind_name(schema.kind),
          (unsigned long long)b->n_rows, (unsigned long long)bf_sample_rows_seen(s), b->n_columns, b->n_steps,
          b->n_channels, schema.range_max);
  for (uint32_t i = 0; i < schema.n_labels; i++) fprintf(f, "label %s\n", schema.label_names[i]);
  for (uint32_t i = 0; i < b->n_rows; i++) {
    fprintf(f, "%llu", (unsigned long long)bf_sample_row(s, i));
    if (b->labels) fprintf(f, " label %d", b->labels[i]);
    for (uint32_t k = 0; b->cells && k < b->n_columns; k++) {
      uint32_t bits;
      memcpy(&bits, &b->cells[(size_t)i * b->n_columns + k], 4);
      fprintf(f, " %08x", bits);
    }
    if (b->images) {
      const bf_image *image = &b->images[i];
      fprintf(f, " %ux%ux%u", image->height, image->width, image->channels);
      size_t pixels = (size_t)image->height * image->width * image->channels;
      for (size_t k = 0; k < pixels; k++) fprintf(f, " %g", (double)image->pixels[k]);
    }
    if (b->texts) spell(f, b->texts[i]);
    if (b->pairs) {
      spell_fields(f, b->pairs[i].left.fields, b->pairs[i].left.n_fields);
      fputc('|', f);
      spell_fields(f, b->pairs[i].right.fields, b->pairs[i].right.n_fields);
    }
    for (uint32_t k = 0; b->sentences && k < b->sentences[i].n_tokens; k++) {
      spell(f, b->sentences[i].tokens[k]);
      fprintf(f, "/%d ", b->sentences[i].tags ? b->sentences[i].tags[k] : -9);
    }
    if (b->strings) spell_fields(f, b->strings + (size_t)i * b->n_string_columns, b->n_string_columns);
    fputc('\n', f);
  }
  fclose(f);
  return out;
}

#endif
