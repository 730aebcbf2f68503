/* The formats, one row each. Adding one is one file and one row; help and documentation are printed from here.
 * Sniffing walks the rows in order, so that the formats with a signature come before those that are only text. */
#include <string.h>

#include "dataset/dataset_internal.h"

#define FEATURES (1u << BF_KIND_FEATURES)
#define IMAGE (1u << BF_KIND_IMAGE)
#define TABLE (BF__USES_COLUMNS | BF__USES_WHERE | BF__LABEL_IS_COLUMN)

static const bf__format FORMATS[] = {
    {{"images", "image", "(folder)", "folder of PNG, JPEG or WebP files; sub-folders may name classes"},
     IMAGE,
     BF__USES_RANGE,
     true,
     bf__images_sniff,
     bf__images_open},
    {{"npy", "features, image", ".npy", "NumPy array of shape (n), (n,d), (n,H,W) or (n,H,W,C)"},
     FEATURES | IMAGE,
     BF__USES_COLUMNS | BF__USES_RANGE,
     false,
     bf__npy_sniff,
     bf__npy_open},
    {{"npz", "features, image", ".npz", "one array of a NumPy archive, named by --member"},
     FEATURES | IMAGE,
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
    {{"parquet", "features", ".parquet", "Apache Parquet"}, FEATURES, TABLE, false, bf__parquet_sniff, bf__table_open},
    {{"jsonl", "features", ".jsonl, .ndjson", "one JSON object a line"},
     FEATURES,
     TABLE,
     false,
     bf__jsonl_sniff,
     bf__table_open},
    {{"tsv", "features", ".tsv", "values separated by tabs"}, FEATURES, TABLE, false, bf__tsv_sniff, bf__table_open},
    {{"csv", "features", ".csv", "values separated by commas, semicolons or bars"},
     FEATURES,
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

static const char *known_names(char *out, size_t size) {
  out[0] = 0;
  for (size_t i = 0; i < N_FORMATS; i++) {
    strncat(out, i ? ", " : "", size - strlen(out) - 1);
    strncat(out, FORMATS[i].info.name, size - strlen(out) - 1);
  }
  return out;
}

bf_status bf__format_find(const char *name, const bf__format **out, bf_error *err) {
  char known[120];
  for (size_t i = 0; i < N_FORMATS; i++) {
    if (strcmp(FORMATS[i].info.name, name) != 0) continue;
    *out = &FORMATS[i];
    return BF_OK;
  }
  return bf__error(err, BF_ERR_INVALID_ARGUMENT, "unknown format \"%.40s\"; known: %s", name,
                   known_names(known, sizeof known));
}

bf_status bf__format_sniff(const bf__probe *probe, const bf__format **out, bf_error *err) {
  char known[120];
  for (size_t i = 0; i < N_FORMATS; i++) {
    if (FORMATS[i].is_folder != probe->is_folder || !FORMATS[i].sniff(probe)) continue;
    *out = &FORMATS[i];
    return BF_OK;
  }
  const char *name = strrchr(probe->path, '/');
  return bf__error_at(err, BF_ERR_FORMAT, 0, "%.60s: the content is of no known format; known: %s",
                      name && name[1] ? name + 1 : probe->path, known_names(known, sizeof known));
}
