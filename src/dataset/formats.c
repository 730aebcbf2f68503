/* The formats, one row each. Adding one is one file and one row; help and documentation are printed from here.
 * Sniffing walks the rows in order, so that the formats with a signature come before those that are only text. */
#include <string.h>

#include "dataset/dataset_internal.h"

#define FEATURES (1u << BF_KIND_FEATURES)
#define SERIES (1u << BF_KIND_SERIES)
#define IMAGE (1u << BF_KIND_IMAGE)
#define TEXT (1u << BF_KIND_TEXT)
#define PAIR (1u << BF_KIND_PAIR)
#define TAGGED (1u << BF_KIND_TAGGED)
#define TABLE (BF__USES_COLUMNS | BF__USES_WHERE | BF__LABEL_IS_COLUMN | BF__USES_TEXT)

static const bf__format FORMATS[] = {
    {{"images", "image", "(folder)", "folder of PNG, JPEG or WebP files; sub-folders may name classes"},
     IMAGE,
     BF__USES_RANGE,
     true,
     bf__images_sniff,
     bf__images_open},
    {{"npy", "features, series, image", ".npy", "NumPy array of shape (n), (n,d), (n,T,c), (n,H,W) or (n,H,W,C)"},
     FEATURES | SERIES | IMAGE,
     BF__USES_COLUMNS | BF__USES_RANGE,
     false,
     bf__npy_sniff,
     bf__npy_open},
    {{"npz", "features, series, image", ".npz", "one array of a NumPy archive, named by --member"},
     FEATURES | SERIES | IMAGE,
     BF__USES_COLUMNS | BF__USES_RANGE | BF__USES_MEMBER,
     false,
     bf__npz_sniff,
     bf__npz_open},
    {{"idx", "features, image", ".idx, -ubyte", "the format of MNIST, 1 to 4 dimensions"},
     FEATURES | IMAGE,
     BF__USES_COLUMNS | BF__USES_RANGE,
     false,
     bf__idx_sniff,
     bf__idx_open},
    {{"parquet", "features, series, text, pair", ".parquet", "Apache Parquet; series from columns of lists"},
     FEATURES | SERIES | TEXT | PAIR,
     TABLE,
     false,
     bf__parquet_sniff,
     bf__table_open},
    {{"jsonl", "features, series, text, pair", ".jsonl, .ndjson", "one JSON object a line; series from arrays"},
     FEATURES | SERIES | TEXT | PAIR,
     TABLE,
     false,
     bf__jsonl_sniff,
     bf__table_open},
    {{"conllu", "tagged", ".conllu", "CoNLL-U: ten columns a word, an empty line between sentences"},
     TAGGED,
     BF__USES_TAG | BF__LABEL_IN_LINES,
     false,
     bf__conllu_sniff,
     bf__tagged_open},
    {{"col-val", "pair", ".txt", "`COL name VAL value …<TAB>COL …<TAB>label`, a pair a line; label optional"},
     PAIR,
     BF__LABEL_IN_LINES,
     false,
     bf__colval_sniff,
     bf__colval_open},
    {{"token-tag", "tagged", ".txt", "`token<TAB>tag` a line, an empty line between sentences"},
     TAGGED,
     BF__LABEL_IN_LINES,
     false,
     bf__token_tag_sniff,
     bf__tagged_open},
    {{"label-text", "text", ".txt, .tsv", "`label<TAB>text`, a text a line"},
     TEXT,
     BF__LABEL_IN_LINES,
     false,
     bf__label_text_sniff,
     bf__text_open},
    {{"text-label", "text", ".txt, .tsv", "`text<TAB>label`, a text a line; the last tab counts"},
     TEXT,
     BF__LABEL_IN_LINES,
     false,
     bf__text_label_sniff,
     bf__text_open},
    {{"lines", "text", ".txt", "a text a line"}, TEXT, 0, false, bf__lines_sniff, bf__text_open},
    {{"tsv", "features, text, pair", ".tsv", "values separated by tabs"},
     FEATURES | TEXT | PAIR,
     TABLE,
     false,
     bf__tsv_sniff,
     bf__table_open},
    {{"csv", "features, text, pair", ".csv", "values separated by commas, semicolons or bars"},
     FEATURES | TEXT | PAIR,
     TABLE,
     false,
     bf__csv_sniff,
     bf__table_open},
};
#define N_FORMATS (sizeof FORMATS / sizeof FORMATS[0])

const bf__format *bf__format_at(size_t i) {
  return i < N_FORMATS ? &FORMATS[i] : NULL;
}

const bf_dataset_format_info *bf_dataset_format_at(size_t i) {
  return i < N_FORMATS ? &FORMATS[i].info : NULL;
}

static const char *known_names(uint32_t kinds, char *out, size_t size) {
  out[0] = 0;
  for (size_t i = 0; i < N_FORMATS; i++) {
    if (!(FORMATS[i].kinds & kinds)) continue;
    strncat(out, out[0] ? ", " : "", size - strlen(out) - 1);
    strncat(out, FORMATS[i].info.name, size - strlen(out) - 1);
  }
  return out;
}

bf_status bf__format_find(const char *name, const bf__format **out, bf_error *err) {
  char known[160];
  for (size_t i = 0; i < N_FORMATS; i++) {
    if (strcmp(FORMATS[i].info.name, name) != 0) continue;
    *out = &FORMATS[i];
    return BF_OK;
  }
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "unknown format \"%.40s\"; known: %s", name,
                   known_names(~0u, known, sizeof known));
}

static const bf__format *first_that_fits(const bf__probe *probe) {
  for (size_t i = 0; i < N_FORMATS; i++) {
    const bf__format *f = &FORMATS[i];
    if (f->is_folder == probe->is_folder && f->kinds & probe->kinds && f->sniff(probe)) return f;
  }
  return NULL;
}

bf_status bf__format_sniff(const bf__probe *probe, const bf__format **out, bf_error *err) {
  char known[160];
  const char *slash = strrchr(probe->path, '/'), *shown = slash && slash[1] ? slash + 1 : probe->path;
  if (probe->kinds == TEXT && !probe->is_folder && !probe->table_options && !probe->label_option &&
      bf__head_label_side(probe) == BF__LABEL_SIDE_UNCLEAR)
    return bf__error(
        err, BF_ERR_INVALID_ARGUMENT,
        "%.60s: it is not clear which side of the tab is the label: name the format label-text, text-label "
        "or lines, or the text's column with the option text",
        shown);
  bf__probe any = *probe;
  any.kinds = ~0u;
  *out = first_that_fits(probe);
  if (!*out) *out = first_that_fits(&any); /* whose kinds the caller will name */
  if (*out) return BF_OK;
  return bf__error_at(err, BF_ERR_FORMAT, 0, "%.60s: the content is of no known format; known: %s", shown,
                      known_names(probe->kinds, known, sizeof known));
}
