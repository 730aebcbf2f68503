/* Names that a mistyped one may have meant. */
#ifndef BESTFIT_SRC_STORE_NEAR_NAMES_H
#define BESTFIT_SRC_STORE_NEAR_NAMES_H

#include <stddef.h>

#include "base/name.h"

#define BF__NEAR_MAX 3

typedef struct bf__near_names {
  const char *wanted;
  char names[BF__NEAR_MAX][BF__NAME_MAX + 1];
  size_t costs[BF__NEAR_MAX];
  size_t n;
} bf__near_names;

/* Keeps `name` where it is near to near->wanted and nearer than what was kept; of equals the first stays. */
void bf__near_names_offer(bf__near_names *near, const char *name);

#endif
