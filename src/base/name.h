/* Names of models: owner/name. One rule, for cards and for the store. */
#ifndef BESTFIT_SRC_BASE_NAME_H
#define BESTFIT_SRC_BASE_NAME_H

#include "base/error.h"

#define BF__NAME_PART_MAX 96
#define BF__NAME_MAX (2 * BF__NAME_PART_MAX + 1)

/* BF_OK where `name` is owner/name, each part 1 to 96 of A-Z a-z 0-9 . _ -, none of them "." or "..", the whole not
 * starting with "-"; else BF_ERR_INVALID_ARGUMENT with what is wrong. */
bf_status bf__check_name(const char *name, bf_error *err);

#endif
