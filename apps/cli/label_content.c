/* What a person sees of a row to label: its text, both records, its columns, the token in its sentence; of an image the
 * name of its file, of a series only its number. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd_label.h"

static void put_string(FILE *to, bf_string s) {
  for (uint32_t i = 0; i < s.n_bytes; i++) (void)putc(s.bytes[i] == '\0' ? '?' : s.bytes[i], to);
}

static void put_record(FILE *to, const char *side, const bf_record *record) {
  fprintf(to, "%s:", side);
  for (uint32_t i = 0; i < record->n_fields; i++) {
    if (record->fields[i].value.n_bytes == 0) continue;
    fputs(i > 0 ? "; " : " ", to);
    put_string(to, record->fields[i].name);
    if (record->fields[i].name.n_bytes > 0) fputs(" = ", to);
    put_string(to, record->fields[i].value);
  }
}

static void put_sentence(FILE *to, const bf_sentence *sentence, uint32_t token) {
  for (uint32_t i = 0; i < sentence->n_tokens; i++) {
    if (i > 0) (void)putc(' ', to);
    if (i == token) fputs(">>", to);
    put_string(to, sentence->tokens[i]);
    if (i == token) fputs("<<", to);
  }
}

static void put_columns(FILE *to, const bf_schema *schema, const bf_batch *batch, uint32_t row) {
  bool first = true;
  for (uint32_t k = 0; k < batch->n_columns; k++, first = false) {
    const char *name = schema->column_names != NULL ? schema->column_names[k] : NULL;
    double value = (double)batch->cells[(size_t)row * batch->n_columns + k];
    if (!first) fputs("; ", to);
    if (name != NULL) {
      fprintf(to, "%s = ", name);
    } else {
      fprintf(to, "%" PRIu32 " = ", k);
    }
    if (isnan(value)) {
      fputs("missing", to);
    } else {
      fprintf(to, "%.6g", value);
    }
  }
  for (uint32_t k = 0; batch->strings != NULL && k < batch->n_string_columns; k++, first = false) {
    const bf_field *field = &batch->strings[(size_t)row * batch->n_string_columns + k];
    if (!first) fputs("; ", to);
    put_string(to, field->name);
    fputs(" = ", to);
    put_string(to, field->value);
  }
}

static void put_image(FILE *to, const label_items *items, uint64_t row, const bf_image *image) {
  if (items->files != NULL && row < items->n_files) {
    fputs(items->files[row], to);
  } else {
    fprintf(to, "image of %" PRIu32 " x %" PRIu32 " pixels", image->width, image->height);
  }
}

char *label_content(const label_items *items, size_t item) {
  char *text = NULL;
  size_t n = 0;
  uint32_t row = items->rows[item];
  const bf_batch *batch = bf_sample_batch(items->sample);
  FILE *to = open_memstream(&text, &n);
  if (to == NULL) return NULL;
  if (batch->texts != NULL) put_string(to, batch->texts[row]);
  if (batch->pairs != NULL) {
    put_record(to, "left", &batch->pairs[row].left);
    (void)putc('\n', to);
    put_record(to, "right", &batch->pairs[row].right);
  }
  if (batch->sentences != NULL) put_sentence(to, &batch->sentences[row], items->tokens[item]);
  if (batch->images != NULL) put_image(to, items, bf_sample_row(items->sample, row), &batch->images[row]);
  if (items->schema.kind == BF_KIND_FEATURES) put_columns(to, &items->schema, batch, row);
  if (items->schema.kind == BF_KIND_SERIES)
    fprintf(to, "series of %" PRIu32 " steps, %" PRIu32 " channel%s", batch->n_steps, batch->n_channels,
            batch->n_channels == 1 ? "" : "s");
  if (fclose(to) != 0) {
    free(text);
    return NULL;
  }
  return text;
}

uint64_t label_row(const label_items *items, size_t item) {
  return bf_sample_row(items->sample, items->rows[item]);
}

void label_name(const label_items *items, size_t item, char out[64]) {
  if (items->tagged) {
    snprintf(out, 64, "row %" PRIu64 ", token %" PRIu32, label_row(items, item), items->tokens[item]);
  } else {
    snprintf(out, 64, "row %" PRIu64, label_row(items, item));
  }
}

bf_status label_items_make(const cli *c, const bf_sample *sample, label_items *out, bf_error *err) {
  struct stat info;
  const bf_batch *batch = bf_sample_batch(sample);
  *out = (label_items){.sample = sample, .tagged = batch->sentences != NULL};
  bf_sample_schema(sample, &out->schema);
  for (uint32_t i = 0; i < batch->n_rows; i++) out->n += out->tagged ? batch->sentences[i].n_tokens : 1;
  out->first = malloc(((size_t)batch->n_rows + 1) * sizeof *out->first);
  out->rows = malloc((out->n + 1) * sizeof *out->rows);
  out->tokens = malloc((out->n + 1) * sizeof *out->tokens);
  if (out->first == NULL || out->rows == NULL || out->tokens == NULL)
    return cli_error(err, BF_ERR_MEMORY, "out of memory");
  size_t n = 0;
  for (uint32_t i = 0; i < batch->n_rows; i++) {
    uint32_t n_tokens = out->tagged ? batch->sentences[i].n_tokens : 1;
    out->first[i] = n;
    for (uint32_t k = 0; k < n_tokens; k++, n++) {
      out->rows[n] = i;
      out->tokens[n] = k;
    }
  }
  out->first[batch->n_rows] = n;
  bool folder = batch->images != NULL && stat(c->arguments[0], &info) == 0 && S_ISDIR(info.st_mode);
  return folder ? bf_image_folder_names(c->arguments[0], &out->files, &out->n_files, err) : BF_OK;
}

void label_items_deinit(label_items *items) {
  free(items->first);
  free(items->rows);
  free(items->tokens);
  bf_image_folder_names_free(items->files, items->n_files);
  *items = (label_items){0};
}

bool label_find(const label_items *items, uint64_t row, uint64_t token, size_t *item, bool *no_such_token) {
  size_t low = 0, high = bf_sample_batch(items->sample)->n_rows;
  *no_such_token = false;
  while (low < high) { /* rows of a sample ascend */
    size_t middle = low + (high - low) / 2;
    if (bf_sample_row(items->sample, (uint32_t)middle) < row) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == bf_sample_batch(items->sample)->n_rows || bf_sample_row(items->sample, (uint32_t)low) != row) return false;
  *no_such_token = token >= items->first[low + 1] - items->first[low];
  *item = items->first[low] + (size_t)token;
  return !*no_such_token;
}
