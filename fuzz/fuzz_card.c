/* Cards from strangers: what parses can be written over, and what is written parses to the same and keeps the body. */
#include <bestfit/card.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

static bool same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bf_card *card = NULL;
  bf_card *again = NULL;
  char *out = NULL;
  size_t out_bytes = 0;
  bf_error err;
  const char *text = (const char *)data;
  const char *tags[] = {"first", "no", "a: b"};
  bf_card_fields fields = BF_CARD_FIELDS_INIT;
  if (bf_card_parse(text, size, &card, &err) != BF_OK) {
    require(card == NULL && err.code != BF_OK && err.position <= (int64_t)size);
    return 0;
  }
  /* Which fields are given is taken from the input's size, so that one input tries one way. */
  if (size % 2 == 0) fields.domain = "- new: \"domain\"\n";
  if (size % 3 == 0) fields.license = "null";
  if (size % 5 == 0) fields.tags = tags, fields.n_tags = 3;
  if (size % 7 == 0) fields.classes = tags, fields.n_classes = 3;
  if (size % 11 == 0) fields.source_accuracy = 0.1;
  if (size % 4 == 0) fields.input_kind = "image";
  bf_status status = bf_card_write(text, size, &fields, &out, &out_bytes, &err);
  if (status == BF_OK) {
    require(bf_card_parse(out, out_bytes, &again, &err) == BF_OK);
    require(same(bf_card_name(card), bf_card_name(again)));
    require(same(bf_card_task(card), bf_card_task(again)));
    require(same(fields.domain != NULL ? fields.domain : bf_card_domain(card), bf_card_domain(again)));
    require(same(bf_card_summary(card), bf_card_summary(again)));
    require(bf_card_column_count(card) == bf_card_column_count(again));
    for (size_t i = 0; i < bf_card_column_count(card); ++i)
      require(same(bf_card_column(card, i), bf_card_column(again, i)));
    if (fields.n_classes == 0) require(bf_card_class_count(card) == bf_card_class_count(again));
  } else {
    require(status == BF_ERR_LIMIT || status == BF_ERR_MEMORY); /* a card of just 1 MiB may grow too large */
  }
  free(out);
  bf_card_free(again);
  bf_card_free(card);
  return 0;
}
