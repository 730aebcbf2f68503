/* bestfit/card.h: the model card, Markdown with YAML front matter as on Hugging Face.
 *
 * Question it answers: what does the uploader say of this model, and what does it need to be run?
 *
 * Front matter keys read: license, library_name, pipeline_tag, tags, datasets, metrics, base_model, model-index, and
 * one `bestfit:` block: name, task, domain, input {kind, columns | shape, layout, scale, mean, std, featuriser}, output
 * {kind, name, classes}, source_accuracy, summary. Unknown keys are kept in the bytes and ignored here.
 * docs/formats/model-card.md. Limits: 1 MiB a card, 64 levels of nesting, 131,072 values, no anchors or aliases (they
 * are refused: BF_ERR_LIMIT). Values are a stranger's text and may hold control characters (the summary does not):
 * escape them for terminals and pages. Thread-safety: a parsed card is read-only.
 */
#ifndef BESTFIT_CARD_H
#define BESTFIT_CARD_H

#include <bestfit/dataset.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bf_card bf_card;

/* Parses untrusted bytes. BF_ERR_FORMAT: no front matter, YAML error (position: byte; message: line), a key of the
 * wrong type (named), an unknown kind or task. BF_ERR_LIMIT: too large or too deep. A card without a name parses;
 * bf_card_name() is NULL. */
BF_API BF_MUST_CHECK bf_status bf_card_parse(const char *bytes, size_t n_bytes, bf_card **out, bf_error *err);
BF_API void bf_card_free(bf_card *card);

BF_API const char *bf_card_name(const bf_card *card);    /* "owner/name" or NULL */
BF_API const char *bf_card_task(const bf_card *card);    /* where not said: from pipeline_tag, else "classification" */
BF_API const char *bf_card_domain(const bf_card *card);  /* NULL where not said (the model's name then) */
BF_API const char *bf_card_license(const bf_card *card); /* or NULL */
/* bestfit.summary, else the body's first paragraph that is no heading; one line, at most 300 bytes; "" if none */
BF_API const char *bf_card_summary(const bf_card *card);
BF_API double bf_card_source_accuracy(
    const bf_card *card); /* bestfit.source_accuracy, else the first accuracy of model-index; NaN: not said */
BF_API const char *bf_card_input_kind(const bf_card *card); /* "image" …, or NULL */
/* input.featuriser.vocabulary; "vocab.txt" where it is a wordpiece and does not say; else NULL: no file is needed */
BF_API const char *bf_card_vocabulary(const bf_card *card);
BF_API size_t bf_card_tag_count(const bf_card *card);
BF_API const char *bf_card_tag(const bf_card *card, size_t i);
BF_API size_t bf_card_column_count(const bf_card *card); /* input.columns */
BF_API const char *bf_card_column(const bf_card *card, size_t i);
BF_API const char *bf_card_output_kind(
    const bf_card *card); /* output.kind: "logits", "probabilities"; NULL: not said */
BF_API const char *bf_card_output_name(const bf_card *card); /* output.name: which output of the graph; or NULL */
BF_API size_t bf_card_class_count(const bf_card *card);      /* output.classes */
BF_API const char *bf_card_class(const bf_card *card, size_t i);

/* What flags can say; NULL, NaN and 0 mean not said. */
typedef struct bf_card_fields {
  size_t struct_size;
  const char *name, *task, *domain, *license, *summary, *input_kind;
  double source_accuracy;
  const char *const *tags;
  size_t n_tags;
  const char *const *classes;
  size_t n_classes;
} bf_card_fields;
#define BF_CARD_FIELDS_INIT \
  { .struct_size = sizeof(bf_card_fields), .source_accuracy = __builtin_nan("") }
/* Writes a card from fields; with `base` (may be NULL) its bytes are kept and the fields given override it: the
 * `bestfit:` block is rewritten with the merged values (comments within it are lost), all other keys and the body stay
 * byte for byte. Front matter that is not written one key a line is written anew, without its comments. A base without
 * front matter becomes the body. A summary over a base, or one that Markdown would not give back, is written as
 * bestfit.summary. You own *out (free()); a zero follows it. BF_ERR_INVALID_ARGUMENT: a name that is not owner/name (1
 * to 96 of A-Z a-z 0-9 . _ - a part), an unknown task or kind, an accuracy outside 0 to 1, text that is not UTF-8.
 * BF_ERR_FORMAT, BF_ERR_LIMIT: the base does not parse, or the result would be too large. */
BF_API BF_MUST_CHECK bf_status bf_card_write(const char *base, size_t base_bytes, const bf_card_fields *fields,
                                             char **out, size_t *out_bytes, bf_error *err);
/* BF_OK where the name is owner/name as above, no part is "." or "..", and it does not start with "-". */
BF_API BF_MUST_CHECK bf_status bf_card_check_name(const char *name, bf_error *err);

#ifdef __cplusplus
}
#endif
#endif
