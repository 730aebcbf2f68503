/* Files of a folder of images, and which decoder a file is for. */
#ifndef BESTFIT_SRC_DATASET_FOLDER_H
#define BESTFIT_SRC_DATASET_FOLDER_H

#include "dataset/dataset_internal.h"

typedef enum bf__image_type { BF__IMAGE_NONE, BF__IMAGE_PNG, BF__IMAGE_JPEG, BF__IMAGE_WEBP } bf__image_type;

/* Relative paths of all files that are not hidden, sorted bytewise. Free with bf__dataset_free_strings. */
bf_status bf__folder_list(const char *root, char ***out, size_t *n_out, bf_error *err);
/* All files lie in sub-folders, and there are files. */
bool bf__folder_has_classes(char *const *paths, size_t n);
bf__image_type bf__image_type_of(const void *bytes, size_t n);
/* By the first bytes; BF_ERR_FORMAT for anything else, with `row` as position. */
bf_status bf__image_file_type(const char *path, const char *shown, uint64_t row, bf__image_type *out, bf_error *err);

#endif
